#!/usr/bin/env bash
# A partner's SFTP server that stalls again and again, for longer than our timeout, and goes on with what it was asked for
# when its sessions were given up long ago; the gateway is killed in between. The partner fetches and removes each file as
# soon as it is there, and lays files under one and the same name. Every document arrives once, either way.
# tests/unit/test_stalled.c has the single steps, and is the relay before the server that holds a request back (relay.h).
#
#   ROUNDS=N   so many stalls
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-12}
start_sandbox
start_sshd
relay=$(dirname "$SPOOLGATE")/tests/unit/test_stalled hold=$work/relay
[ -x "$relay" ] && [ -x /usr/lib/openssh/sftp-server ] || skip_all "there is no sftp-server, or no tests/unit/test_stalled, to stand before it"
mkdir -m 777 "$hold"
sed -i "s|^Subsystem.*|Subsystem sftp $relay relay $hold|" "$work/sshd/config"
kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null
/usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!
pids+=("$sshd_pid")
wait_for 10 sshd_answers
make_site "$work/site"
spool=$site/spool
in=$SFTP_ROOT/hansen/in out=$SFTP_ROOT/hansen/out got=$work/got
mkdir -p "$got" "$spool/inbox/visma"
for line in "directory $in" "pickup $out" 'timeout 1' 'pickup_after 0' 'interval 1' 'give_up_hours 100'; do
    setting "$site/spoolgate.conf" "endpoint hansen-sftp" $line
done
setting "$site/spoolgate.conf" spoolgate rescan 1

template=$(jq -c '.[0] | .orderNbr = "@number@" | .supplier.number = "50002"' "$top_srcdir/samples/sandbox/visma/purchaseorder.json")
number=0
order() {
    number=$((number + 1))
    printf '%s\n' "${template/@number@/$((800000 + number))}" >"$work/new.json"
    mv "$work/new.json" "$spool/inbox/visma/purchaseorder-$((800000 + number)).json"
}
partner() { # fetches, and lays out one version after the other under one name
    local n=0 laid=0 f
    while [ ! -e "$work/enough" ]; do
        for f in "$in"/PO-8*.x12; do
            [ -e "$f" ] && mv "$f" "$got/$(basename "$f").$((n += 1))"
        done
        if [ ! -e "$out/answer.txt" ] && [ ! -e "$work/laid-enough" ]; then
            echo "answer $((laid += 1))" >"$work/answer"
            mv "$work/answer" "$out/answer.txt"
            echo "answer $laid" >>"$work/laid"
        fi
        sleep 0.05
    done
}
partner & partner_pid=$!
pids+=("$partner_pid")
"$SPOOLGATE" run 2>>"$work/run.log" & gateway=$!
stalls=0
for _ in $(seq "$ROUNDS"); do
    for _ in 1 2 3 4 5 6 7 8; do order; done
    touch "$hold/hold-$((RANDOM % 4 ? 18 : 3 + RANDOM % 4))" # most often a rename; else opening, closing, reading, writing
    wait_for 2 test -e "$hold/holding" && stalls=$((stalls + 1))
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    rm -f "$hold"/hold*
    if [ $((RANDOM % 3)) -eq 0 ]; then
        kill -KILL "$gateway"; wait "$gateway" 2>/dev/null
        "$SPOOLGATE" run 2>>"$work/run.log" & gateway=$!
    fi
done
touch "$work/laid-enough"
settled() { [ -z "$(find "$spool/inbox/visma" "$spool/outbox/hansen-sftp" -mindepth 1 -maxdepth 1 ! -name '.*' -print -quit)" ] && [ ! -e "$out/answer.txt" ]; }
waited() { for _ in 1 2 3 4; do settled || return 1; sleep 0.5; done; }
wait_for 240 waited
ok "everything is through" settled
kill -TERM "$gateway"; wait "$gateway" 2>/dev/null
asked=$(grep -l '"found_by"' -r "$spool/archive" --include='receipt-*.json' | wc -l)
note "$number orders, $stalls stalls; $asked times it was asked whether one had arrived"
touch "$work/enough"; wait "$partner_pid" 2>/dev/null
is "$(ls "$got" | sed 's/\.[0-9]*$//' | sort -u | wc -l)" "$number" "every order is at the partner"
is "$(ls "$got" | sed 's/\.[0-9]*$//' | sort | uniq -d | wc -l)" 0 "and none of them twice"
is "$(find "$got" -size 0 | wc -l)" 0 "nor empty"
is "$(find "$spool/error" -name message.x12 | wc -l)" 0 "no order went to error/"
is "$(find "$spool/error" "$spool/archive" -name 'source.txt' -exec cat {} + | grep '^answer' | sort)" "$(sort "$work/laid")" \
    "each answer that it laid is here once"

# ---- in doubt at one address, and the endpoint has another one by then ----
other=$SFTP_ROOT/hansen/other
mkdir -p "$other"
touch "$hold/hold-18"
order
doubted=$((800000 + number))
"$SPOOLGATE" run 2>>"$work/run.log" & gateway=$!
wait_for 30 test -e "$hold/holding"
kill -KILL "$gateway"; wait "$gateway" 2>/dev/null
setting "$site/spoolgate.conf" "endpoint hansen-sftp" directory "$other"
order
"$SPOOLGATE" run 2>>"$work/run.log" & gateway=$!
error_of() { grep -l "\"number\": *\"$doubted\"" "$spool"/error/*/document.json 2>/dev/null; }
wait_for 60 test -e "$other/PO-$((800000 + number)).x12"
ok "what comes later goes to the new address" test -e "$other/PO-$((800000 + number)).x12"
wait_for 60 error_of
ok "a person decides about the one in doubt" error_of
like "$(cat "$(dirname "$(error_of)")/error.txt")" "handed over to sftp://.*$in" "who is told where it went"
ok "it was not sent to the new address" test ! -e "$other/PO-$doubted.x12"
rm -f "$hold/holding"
wait_for 30 test -e "$in/PO-$doubted.x12"
ok "and arrives at the old one in the end" test -e "$in/PO-$doubted.x12"
kill -TERM "$gateway"; wait "$gateway" 2>/dev/null
finish
