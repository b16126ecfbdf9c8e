#!/usr/bin/env bash
# Outages are seen: a server that is away, an ERP that is away, a role that is killed again and again, a disk that is full.
# Each is in the log at once, in `status` with why and since when, and its end is told.
. "$(dirname "$0")/lib.sh"
SANDBOX_PORT=$(ten_free_ports)
start_sandbox
start_sshd
stop_sshd() { kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null; }
sshd_again() { /usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!; pids+=("$sshd_pid"); wait_for 10 sshd_answers; }
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint visma" interval 1
small=$work/small
mkdir -p "$small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=8m tmpfs "$small" 2>/dev/null; then
    trap 'umount -l "$small" 2>/dev/null; cleanup' EXIT
    setting "$site/spoolgate.conf" spoolgate spool "$small/spool"
    ln -s "$small/spool" "$site/spool"
fi
log() { cat "$work/log.run"; }
said() { grep -Eq "$1" "$work/log.run"; }
problem() { "$SPOOLGATE" status --json | jq -e --arg what "$1" '.problems[] | select(.what == $what)' >/dev/null; }
no_problem() { ! problem "$1"; }
text_of() { "$SPOOLGATE" status --json | jq -r --arg what "$1" '.problems[] | select(.what == $what) | "\(.where): \(.said)"'; }

# a partner's server that is away
stop_sshd
"$SPOOLGATE" run >"$work/out" 2>"$work/log.run" &
run=$!
pids+=("$run")
ok "a server that is away is in the log" wait_for 60 said 'WARNING.*nothing arrives at hansen-sftp: .'
ok "and needs a person" wait_for 60 problem send
like "$(text_of send)" 'nothing arrives at hansen-sftp: since 20[0-9T:-]+Z \([0-9]+ (s|min)\, tried [0-9]+ times\): .*(refused|reach)' \
    "with why, since when and how often it was tried"
"$SPOOLGATE" status >"$work/status"
is $? 1 "status ends with 1"
like "$(cat "$work/status")" 'needs a person' "and prints it"
is "$(jq -r '.outages[] | select(.what == "send") | .where' "$site/spool/.run.json" | sort -u | grep -c hansen-sftp)" 1 "the gateway's own file has it"
sshd_again
ok "its end is told" wait_for 90 said 'hansen-sftp is reached again, after [0-9]+ (s|min) and [0-9]+ tr'
ok "and nobody is needed any more" wait_for 30 no_problem send
arrives() { ls "$SFTP_ROOT/hansen/in" | grep -q '^PO-500257'; }
wait_for 60 arrives # the first of several ends the outage
is "$(ls "$SFTP_ROOT/hansen/in" | grep -c '^PO-500257')" 1 "the order has arrived, once"

# the ERP and the network are away
kill "$sandbox_pid"; wait "$sandbox_pid" 2>/dev/null
ok "an ERP that is away is in the log" wait_for 60 said 'WARNING.*nothing can be fetched from visma: .'
ok "and needs a person" wait_for 30 problem fetch
like "$(text_of fetch)" 'visma: since 20.*: .' "with why and since when"
start_sandbox
ok "its end is told" wait_for 120 said 'visma can be fetched from again, after'
ok "and seen" wait_for 30 no_problem fetch

# a role that ends again and again
pid_of() { jq -r --arg r "$1" '.roles[] | select(.role == $r) | .pid' "$site/spool/.run.json"; }
kill_role() {
    local old
    old=$(pid_of "$1")
    [ "$old" != 0 ] && kill -9 "$old" && wait_for 60 replaced "$1" "$old"
}
replaced() { local p; p=$(pid_of "$1"); [ -n "$p" ] && [ "$p" != "$2" ] && [ "$p" != 0 ]; }
kill_role 'translator 2'
no_problem role && once=yes
is "${once:-}" yes "one kill is no outage"
like "$(log)" 'translator 2 is started again in [0-9]+ ms: It was ended by signal 9 \(Killed\)' "but in the log"
kill_role 'translator 2'
ok "two are" wait_for 20 problem role
like "$(text_of role)" 'translator 2 ends again and again: since .*signal 9' "and status says which role, and why it ended"
killed=$SECONDS

# the spool cannot be written, and so neither can what status reads
if mountpoint -q "$small"; then
    dd if=/dev/zero of="$small/ballast" bs=4k 2>/dev/null
    ok "a full disk is in the log" wait_for 60 said 'WARNING supervisor: the disk is full or nearly so: The disk of the spool is '
    silent() { problem silent; }
    ok "status sees that the gateway cannot say so" wait_for 60 silent
    like "$(text_of silent)" 'process [0-9]+\) but cannot write .run.json since 20.*The disk of the spool is (nearly )?full: [0-9.]+ of 8 MiB' \
        "and finds out why by itself"
    rm -f "$small/ballast"
    ok "its end is told" wait_for 60 said 'the disk has room again, after'
    ok "and seen" wait_for 60 no_problem silent
    no_problem disk && none=yes
    is "${none:-}" yes "in both places"
else
    skip "a full disk" "a small filesystem cannot be mounted here"
fi
# a configuration that is refused: the one before stays, and somebody should know before the next start
setting "$site/spoolgate.conf" spoolgate group nonsense
has_config() { jq -e '.outages[] | select(.what == "config")' "$site/spool/.run.json" >/dev/null; }
no_config() { ! has_config; }
ok "a configuration that was refused lasts as an outage" wait_for 60 has_config
setting "$site/spoolgate.conf" spoolgate group 64
ok "until it is in order" wait_for 60 no_config
like "$(log)" 'the configuration is in order again' "as the log says"
ok "a role that lives on is no outage any more" wait_for 180 said 'translator 2 runs again, after'
ok "and nobody is needed for it" wait_for 20 no_problem role
kill -TERM $run
wait $run
is $? 0 "the gateway ends in order"
finish
