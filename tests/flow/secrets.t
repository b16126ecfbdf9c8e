#!/usr/bin/env bash
# Where a key, a secret or a value that is typed must not be seen: in the process list, the environment, the translators' memory, core
# dumps, files, logs and on the terminal.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
key=$(cat "$site/key")
gateway=
start_gateway() { # in $work/cores, where cores may be written
    mkdir -p "$work/cores"
    (cd "$work/cores" && { ulimit -c unlimited; exec "$SPOOLGATE" run; }) >>"$work/out" 2>>"$work/gateway.log" &
    gateway=$!
    pids+=("$gateway")
}
stop_gateway() { kill "$gateway"; wait "$gateway" 2>/dev/null; }
roles() { pgrep -P "$gateway"; }
delivered() { [ "$(archived | wc -l)" -ge "$1" ]; }
holds() { # FILE TEXT...: whether a file that may have zero bytes holds one of the texts
    local file=$1; shift
    printf '%s\n' "$@" | grep -qaFf - "$file"
}
memory_of() { # PID: all that it can read and write
    perl -e 'open my $m, "<", "/proc/$ARGV[0]/maps" or exit 1; open my $f, "<:raw", "/proc/$ARGV[0]/mem" or exit 1;
        while (<$m>) { next unless /^([0-9a-f]+)-([0-9a-f]+) rw/; my ($a, $b) = (hex $1, hex $2); next if $b - $a > 1 << 28;
            seek $f, $a, 0; my $t; print $t if read $f, $t, $b - $a }' "$1" 2>/dev/null
}

# the key in the environment, as in a container
rm "$site/key"
export SPOOLGATE_KEY=$key
start_gateway
unset SPOOLGATE_KEY
ok "with the key in the environment documents are sent" wait_for 40 delivered 4
n=0
for pid in $gateway $(roles); do
    n=$((n + 1))
    for file in cmdline environ; do
        cat "/proc/$pid/$file" >"$work/seen" 2>/dev/null
        ! holds "$work/seen" "$key" sandbox-visma-secret sandbox-orderful-key || echo "$file of $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done
done >"$work/shown"
ok "it has its roles ($n processes)" test $n -ge 5
is "$(cat "$work/shown")" "" "no process shows key or secret in its command line or environment"
translator=$(pgrep -P "$gateway" | while read -r p; do grep -q '^Seccomp:.*2' "/proc/$p/status" && echo "$p"; done | head -1)
sanitized() { grep -qa AddressSanitizer "$SPOOLGATE"; } # which keeps a copy of the environment
if [ -n "$translator" ] && ! sanitized && memory_of "$translator" >"$work/memory" && [ -s "$work/memory" ]; then
    ok "a translator's memory holds neither key nor secret" eval '! holds "$work/memory" "$key" sandbox-visma-secret sandbox-orderful-key'
    raw=$(printf '%s' "$key" | sed 's/../\\x&/g')
    ok "nor the key's bytes" eval '! LC_ALL=C grep -qaP "$raw" "$work/memory"'
else
    skip "a translator's memory" "it cannot be looked at here"
    skip "the key's bytes in it" "it cannot be looked at here"
fi
rm -f "$work/memory"

# core dumps
restarted() { "$SPOOLGATE" status --json | jq -e '[.roles[].restarts] | add >= 1' >/dev/null; }
control_core() { (cd "$work/cores" && ulimit -c unlimited && sh -c 'kill -ABRT $$'); [ -n "$(find "$work/cores" -type f)" ]; }
if control_core 2>/dev/null; then
    rm -f "$work"/cores/*
    for pid in $(roles); do kill -ABRT "$pid"; done
    wait_for 20 restarted
    is "$(ls "$work/cores")" "" "no role of a gateway that has its key from the environment leaves a core"
else
    skip "cores" "none are written to the current folder here"
fi
stop_gateway

# the key in a file
(umask 077; printf '%s\n' "$key" >"$site/key")
before=$(archived | wc -l)
start_gateway
busy() { [ "$(roles | wc -l)" -ge 5 ] && delivered "$before"; }
wait_for 20 busy
sleep 1
for pid in $(roles); do kill -ABRT "$pid" 2>/dev/null; done
wait_for 20 restarted
stop_gateway
note "$(find "$work/cores" -type f | wc -l) cores of roles without secrets"
cores=$(find "$work/cores" -type f -exec grep -laF -e "$key" -e sandbox-visma-secret -e sandbox-orderful-key {} +)
is "$cores" "" "with the key in a file, a core that a role leaves holds neither key nor secret"
rm -rf "$work/cores"

# on the disk and in the log
is "$(grep -rlaF -e "$key" -e sandbox-visma-secret -e sandbox-orderful-key "$site" "$work/gateway.log" "$work/out" | grep -v "^$site/key$")" "" "no file of the spool, the state or the log holds one"
ok "receipts are there, and say that they were redacted" grep -rqF '[redacted]' "$site/spool/archive" --include='receipt-*.json'

# where the key is taken from
chmod 644 "$site/key"
"$SPOOLGATE" secret list >"$work/seen" 2>&1
is $? 78 "a key that others can read is refused"
like "$(cat "$work/seen")" 'can be read by others' "and said to be"
mkdir -m 700 "$work/credentials" && mv "$site/key" "$work/credentials/spoolgate-key" && chmod 440 "$work/credentials/spoolgate-key"
like "$(CREDENTIALS_DIRECTORY=$work/credentials "$SPOOLGATE" secret list)" '^orderful-key' "systemd's credentials give the key"
like "$(SPOOLGATE_KEY=$key "$SPOOLGATE" secret list)" '^orderful-key' "the environment gives it"
(umask 077; printf '%s\n' "$key" >"$site/key")

# what is typed
"$SPOOLGATE" secret set named given-Zq8-value >"$work/seen" 2>&1
is $? 64 "a value on the command line is refused"
unlike "$(cat "$work/seen")" 'given-' "and not repeated"
"$SPOOLGATE" secret set named --given-Zq8-value >"$work/seen" 2>&1 </dev/null
is $? 64 "nor one that begins with dashes"
unlike "$(cat "$work/seen")" 'Zq8' "and that is not repeated either"
for words in given-Zq8-value "-given-Zq8-value" "remove given-Zq8-value" "set given-Zq8-value=" "--key=$key"; do
    "$SPOOLGATE" secret $words >"$work/seen" 2>&1 </dev/null
    ok "secret with a value in the wrong place fails" test $? -ne 0
    unlike "$(cat "$work/seen")" "Zq8|$key" "and does not repeat it"
done
cp "$SPOOLGATE_CONFIG" "$work/right.conf"
setting "$SPOOLGATE_CONFIG" "endpoint orderful" api_key given-Zq8-value
for words in "config check" "config show" "config show --json endpoint orderful" "ping orderful" "run --until-idle --limit 30"; do
    "$SPOOLGATE" $words >"$work/seen" 2>&1
    unlike "$(cat "$work/seen")" Zq8 "a value in place of a secret's name: $words does not repeat it"
done
unlike "$("$SPOOLGATE" status; "$SPOOLGATE" status --json; find "$site/spool" -name '.held*' -exec cat {} +)" Zq8 "nor does what the gateway leaves"
unlike "$("$SPOOLGATE" metrics)" Zq8 "nor do the metrics"
is "$(grep -rlaF Zq8 "$site/spool")" "" "nor is it anywhere in spool and state"
like "$("$SPOOLGATE" config show endpoint visma)" 'client_secret = visma-client-secret' "config show shows the name of a secret that is set"
like "$("$SPOOLGATE" config check)" 'spoolgate.conf:[0-9]+: warning: The endpoint orderful needs a secret that is not set' "config check says where"
setting "$SPOOLGATE_CONFIG" "endpoint orderful" url 'https://me:given-Zq8-value@api.example.com'
for words in "config check" "config show"; do
    unlike "$("$SPOOLGATE" $words 2>&1)" Zq8 "a password in a URL: $words does not repeat it"
done
cp "$work/right.conf" "$SPOOLGATE_CONFIG"
setting "$SPOOLGATE_CONFIG" spoolgate key_file "$key"
like "$("$SPOOLGATE" config check 2>&1)" 'spoolgate.conf:[0-9]+: .*looks like a key itself' "a key in place of its file is told"
unlike "$("$SPOOLGATE" config check 2>&1; "$SPOOLGATE" config show 2>&1; "$SPOOLGATE" secret list 2>&1)" "$key" "and not repeated"
cp "$work/right.conf" "$SPOOLGATE_CONFIG"
if command -v script >/dev/null; then
    mkfifo "$work/keyboard"
    script -qefc "$SPOOLGATE secret set typed" "$work/typescript" <"$work/keyboard" >/dev/null &
    exec 7>"$work/keyboard"
    wait_for 20 grep -q 'Value of typed' "$work/typescript"
    printf 'typed-Zq8-value\n' >&7
    wait_for 20 grep -q 'Once more' "$work/typescript"
    printf 'typed-Zq8-value\n' >&7
    wait $!
    exec 7>&-
    like "$("$SPOOLGATE" secret list)" '^typed ' "a value is taken from the terminal"
    unlike "$(cat "$work/typescript")" Zq8 "which does not show it"
else
    skip "a value from the terminal" "script(1) is not installed"
    skip "the terminal's echo" "script(1) is not installed"
fi
finish
