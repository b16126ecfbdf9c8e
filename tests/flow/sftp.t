#!/usr/bin/env bash
# The SFTP partner: a changed host key is refused and nothing lost; an unknown one too; a server that is away; files that
# the partner puts out are fetched once, after they have been written.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
hansen() { ls "$SFTP_ROOT/hansen/in" | grep -c '^PO-'; }
restart_sshd() { kill "$sshd_pid" 2>/dev/null; wait "$sshd_pid" 2>/dev/null; /usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!; pids+=("$sshd_pid"); wait_for 10 sshd_answers; }

mv "$work/sshd/host_ed25519" "$work/sshd/host.old"; mv "$work/sshd/host_ed25519.pub" "$work/sshd/host.old.pub"
ssh-keygen -q -t ed25519 -N '' -f "$work/sshd/host_ed25519"
restart_sshd
"$SPOOLGATE" run --until-idle --limit 12 >"$work/out" 2>"$work/log"
is "$(hansen)" 0 "nothing is sent to a server whose host key has changed"
like "$(cat "$work/log")" 'host key' "the log says so"
like "$(cat "$work/log")" 'SHA256:' "with the fingerprint that was seen"
ok "the documents wait in the outbox" test "$(folders "$site/spool/outbox/hansen-sftp")" -ge 1
"$SPOOLGATE" ping hansen-sftp >"$work/ping" 2>&1
is $? 1 "ping tells it too"
like "$(cat "$work/ping")" 'host key' "in words"
: >"$work/sshd/known_hosts.empty"; cp "$work/sshd/known_hosts" "$work/sshd/known_hosts.kept"; cp "$work/sshd/known_hosts.empty" "$work/sshd/known_hosts"
"$SPOOLGATE" ping hansen-sftp >"$work/ping" 2>&1
like "$(cat "$work/ping")" 'known_hosts' "an unknown host key is refused as well"
mv "$work/sshd/host.old" "$work/sshd/host_ed25519"; mv "$work/sshd/host.old.pub" "$work/sshd/host_ed25519.pub"
cp "$work/sshd/known_hosts.kept" "$work/sshd/known_hosts"
restart_sshd
"$SPOOLGATE" run --until-idle --limit 90 >"$work/out" 2>>"$work/log"
ok "with the right key everything arrives" test "$(hansen)" -ge 1
is "$(find "$site/spool/outbox" -mindepth 2 -maxdepth 2 -type d | wc -l)" 0 "and the outbox is empty"
is "$(find "$SFTP_ROOT/hansen/in" -name '*.part' -o -name '.*' -type f | wc -l)" 0 "no temporary file is left there"
sum=$(cat "$(grep -l '"number": *"500257"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)/message.x12" | sha256sum)
is "$(sha256sum <"$SFTP_ROOT/hansen/in/PO-500257.x12")" "$sum" "what arrived is what the archive holds, byte by byte"

# what config check sees of the files
chmod 644 "$work/sshd/client_ed25519"
"$SPOOLGATE" config check >"$work/check" 2>&1
is $? 0 "a key that others can read does not keep the gateway from starting"
like "$(cat "$work/check")" 'can be read by others' "config check warns of it"
eval "$(grep -o '`chmod 600 [^`]*`' "$work/check" | head -1 | tr -d '`')"
"$SPOOLGATE" config check >"$work/check" 2>&1
unlike "$(cat "$work/check")" 'private key' "and the command it prints puts it right"
cp "$work/sshd/known_hosts.empty" "$work/sshd/known_hosts"
"$SPOOLGATE" config check >"$work/check" 2>&1
like "$(cat "$work/check")" 'has no key of \[127.0.0.1\]' "a host without a key is named"
cp "$work/sshd/known_hosts.kept" "$work/sshd/known_hosts"

# fetching: ripe files only, each once, removed after they are durable here
printf 'ISA*00*broken' >"$SFTP_ROOT/hansen/out/answer-1.x12"
printf 'half' >"$SFTP_ROOT/hansen/out/answer-2.x12.part"
touch -d '-1 minute' "$SFTP_ROOT"/hansen/out/*
setting "$site/spoolgate.conf" "endpoint hansen-sftp" pickup hansen/out
"$SPOOLGATE" run --until-idle --limit 60 >"$work/out" 2>>"$work/log"
ok "a file the partner put out is fetched and removed there" test ! -e "$SFTP_ROOT/hansen/out/answer-1.x12"
ok "one with a temporary name is left" test -e "$SFTP_ROOT/hansen/out/answer-2.x12.part"
is "$(grep -rl 'ISA\*00\*broken' "$site/spool/error" "$site/spool/archive" "$site/spool/inbox" --include='*' 2>/dev/null | grep -vc 'error.txt\|document.json')" 1 "it is here, once"
finish
