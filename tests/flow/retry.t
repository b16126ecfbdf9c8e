#!/usr/bin/env bash
# What waits is tried now: `list` and `status` say of each document why it waits, how often it was tried and when next;
# `spoolgate retry` sends a document, or all of an endpoint, at once, in order, and asks about what is in doubt first.
. "$(dirname "$0")/lib.sh"
start_sandbox --orders 6
start_sshd
make_site "$work/site"
stop_sshd() { kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null; }
sshd_again() { /usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!; pids+=("$sshd_pid"); wait_for 10 sshd_answers; }
outbox=$site/spool/outbox/hansen-sftp
waiting() { ls "$outbox" | grep -v '^\.'; }
gateway() { "$SPOOLGATE" run 2>>"$work/log.run" & run=$!; pids+=("$run"); wait_for 30 test -s "$site/spool/.run.json"; }
stop_gateway() { kill -TERM $run; wait $run; }
envelope() { # DOCUMENT JQ...: as a person would edit it
    local f=$outbox/$1/document.json
    shift
    jq "$@" "$f" >"$f.new" && mv "$f.new" "$f"
}
remark() { "$SPOOLGATE" list --json outbox/hansen-sftp | jq -r --arg d "$1" 'select(.document == $d) | .remark'; }
archived_is() { local d; d=$(find "$site/spool/archive" -maxdepth 4 -mindepth 4 -name "$1"); [ -n "$d" ] && [ "$(jq -r .outcome "$d/document.json")" = delivered ]; }
soon=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)

stop_sshd
"$SPOOLGATE" run --until-idle --limit 15 2>"$work/log.run"
mapfile -t documents < <(waiting)
ok "documents wait while the server is away" test ${#documents[@]} -ge 4
first=${documents[0]} second=${documents[1]} third=${documents[2]} fourth=${documents[3]}
"$SPOOLGATE" status >"$work/status"
is $? 1 "documents that wait and no gateway need a person"
like "$(cat "$work/status")" 'it is not running, and [0-9]+ documents wait' "who is told so"
like "$(cat "$work/status")" "outbox/hansen-sftp/$first  (order|invoice) [0-9]+" "the oldest are shown"
like "$(remark "$first")" 'the gateway is not running, tried [0-9]+ times?.*: .*' "each with how often it was tried, and why"

# one hour ahead, and two of one order
for d in "${documents[@]}"; do envelope "$d" --arg t "$soon" '.not_before = $t'; done
envelope "$first" '.keys.order = "4711"'
envelope "$third" '.keys.order = "4711"'
sshd_again
gateway
later() { remark "$second" | grep -Eq "^waits, tried [0-9]+ times?, next at $soon \(in [56][0-9] min\): "; }
ok "list says when it is tried next" wait_for 20 later
like "$(remark "$third")" "^behind $first, an earlier one of its order" "and what it is behind"
is "$("$SPOOLGATE" list --json outbox/hansen-sftp | jq -r --arg d "$third" 'select(.document == $d) | .waits.why')" behind "for scripts, too"
is "$("$SPOOLGATE" list --json outbox/hansen-sftp | jq -r --arg d "$second" 'select(.document == $d) | .waits | "\(.why) \(.next)"')" "later $soon" "with the time"

said=$("$SPOOLGATE" retry --reason 'the partner called' "$second")
is "$said" "$second in outbox/hansen-sftp is tried at once" "retry of a document that waits"
ok "sends it at once" wait_for 30 archived_is "$second"
like "$(jq -r '.history[] | select(.reason?) | "\(.by): \(.what) (\(.reason))"' "$(find "$site/spool/archive" -name "$second")/document.json")" \
    "^operator [a-z]+.*: tried at once.* \(the partner called\)" "and its history says who wanted that, and why"
ok "the others wait on" test -d "$outbox/$first"
"$SPOOLGATE" retry "$outbox/$third"
ok "one behind another of its order takes that one along" wait_for 30 archived_is "$third"
ok "which has arrived" archived_is "$first"
at() { jq -r '.history[] | select(.what | startswith("delivered")) | .at' "$(find "$site/spool/archive" -name "$1")/document.json"; }
ok "and not after it" test ! "$(at "$first")" '>' "$(at "$third")"
said=$("$SPOOLGATE" retry hansen-sftp)
is "$said" "what waits in outbox/hansen-sftp is tried at once" "retry of an endpoint"
all_gone() { [ -z "$(waiting)" ]; }
ok "sends all that waits" wait_for 30 all_gone
is "$(find "$SFTP_ROOT/hansen/in" -type f -name 'PO-*' | sed 's/.*PO-//; s/\..*//' | sort | uniq -d)" "" "nothing twice"
ok "the mark is gone" test ! -e "$outbox/.retry"

# held for minutes by a wrong key: put right, and retried
stop_gateway
cp "$work/sshd/known_hosts" "$work/sshd/known_hosts.right"
ssh-keygen -q -t ed25519 -N '' -f "$work/other"
printf '[127.0.0.1]:%s %s\n' "$SFTP_PORT" "$(cut -d' ' -f1,2 "$work/other.pub")" >"$work/sshd/known_hosts"
sent=$(find "$site/spool/archive" -name "$fourth")
cp -r "$sent" "$work/again"
order=$(find "$site/spool/archive" -mindepth 4 -maxdepth 4 -name "$second")
number=800001
sed "s/\"$(jq -r .number "$order/document.json")\"/\"$number\"/g" "$order"/source.json >"$site/spool/inbox/visma/purchaseorder-$number.json"
gateway
held() { [ -e "$outbox/.held" ]; }
ok "an endpoint is held" wait_for 60 held
name=$(waiting | head -1)
like "$(remark "$name")" '^held.*, next at 20[0-9T:-]+Z \(in [0-9]+ (s|min)\): .*host key' "list says so, why, and when it is tried next"
cp "$work/sshd/known_hosts.right" "$work/sshd/known_hosts"
"$SPOOLGATE" retry hansen-sftp
ok "put right and retried it goes out at once" wait_for 30 archived_is "$name"
ok "and is held no more" test ! -e "$outbox/.held"

# in doubt: an answer that was lost after the effect. It is asked about, not sent again
times() { control GET /orderful/transactions | jq --arg n "$1" '[.. | objects | select(.businessNumber? == $n)] | length'; }
source=$(grep -l '"endpoint": *"orderful"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)
control POST /fault '{"spec": "orderful/POST /v3/transactions:lost@1x1"}'
control POST /fault '{"spec": "orderful/GET :503@1"}'
number=800002
sed "s/\"$(jq -r .number "$source/document.json")\"/\"$number\"/g" "$source"/source.json >"$site/spool/inbox/visma/purchaseorder-$number.json"
in_doubt() { "$SPOOLGATE" list outbox/orderful | grep -Eq 'waits, tried 1 time, next at 20[^ ]* \(in [0-9]+ s\): .*503'; }
ok "a document whose answer was lost waits to be asked about" wait_for 90 in_doubt
name=$("$SPOOLGATE" list --names outbox/orderful)
wait_for 20 in_doubt # its next time is ahead
control DELETE /fault
"$SPOOLGATE" retry "$name"
ok "retried it is found there" wait_for 60 archived_is "$name"
is "$(times $number)" 1 "where it is once"
like "$("$SPOOLGATE" show "$name")" 'found by asking' "and was not sent again"

"$SPOOLGATE" retry nosuchendpoint 2>"$work/err"
is $? 1 "what is neither document nor endpoint is refused"
like "$(cat "$work/err")" 'nosuchendpoint is not in error/, and nowhere else' "with a sentence"
"$SPOOLGATE" retry visma 2>"$work/err"
is $? 1 "and an endpoint that is only fetched from"
like "$(cat "$work/err")" 'only fetched from' "too"
stop_gateway
finish
