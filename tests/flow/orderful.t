#!/usr/bin/env bash
# Orderful at its worst: 429, 500, an answer lost after the effect, truncated JSON, refusals; the document's fate is asked for
# until it is delivered and acknowledged.
. "$(dirname "$0")/lib.sh"
transactions() { control GET /orderful/transactions | jq -c '[.. | objects | select(.businessNumber?) | {n: .businessNumber, t: (.type.name? // .type?)}]'; }
times() { transactions | jq --arg n "$1" '[.[] | select(.n==$n)] | length'; }
case_of() { # NAME FAULT: a fresh sandbox with that fault, one run, what came of it
    local name=$1; shift
    rm -rf "$work/sandbox" "$work/site" "$SFTP_ROOT"/*/in/*
    start_sandbox --orderful-limit 100000 "$@"
    make_site "$work/site"
    setting "$site/spoolgate.conf" "endpoint orderful" confirm_seconds 1
    setting "$site/spoolgate.conf" "endpoint orderful" status_interval 1
    "$SPOOLGATE" run --until-idle --limit 90 >"$work/$name.out" 2>"$work/$name.log"
    note "$name: run ended with $?"
}
end_case() { kill "$sandbox_pid"; wait "$sandbox_pid" 2>/dev/null; }
start_sshd
receipts() { find "$site/spool/archive" -path "*$1*" -name 'receipt-*.json' | wc -l; }
folder_of() { grep -l "\"number\": *\"$1\"" "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname; }

case_of quiet
is "$(times 500254)" 1 "without faults an order arrives once"
folder=$(folder_of 500254)
like "$(cat "$folder/document.json")" '"outcome": *"delivered"' "its document.json says delivered"
like "$(cat "$folder"/document.json "$folder"/receipt-*.json)" 'ACCEPTED' "and acknowledged"
unlike "$(cat "$folder"/receipt-*.json; cat "$work/quiet.log")" 'sandbox-orderful-key|sandbox-visma-secret' "no secret is in a receipt or the log"
is "$(find "$site/spool" -type f -exec grep -l -e sandbox-orderful-key -e sandbox-visma-secret {} + | wc -l)" 0 "nor anywhere in the spool"
end_case

case_of limited --fault 'orderful/transactions:429@1x3'
is "$(times 500254)" 1 "after three 429s an order has arrived once"
is "$(folders "$site/spool/error")" 1 "429 never moves a document to error/ (only the broken sample is there)"
end_case
case_of broken --fault 'orderful/transactions:500@1x2'
is "$(times 500254)" 1 "after 500s without effect it has arrived once"
end_case
case_of lost --fault 'orderful/transactions:lost@1x3'
for n in 500254; do is "$(times $n)" 1 "an answer lost after the effect: asked for, not sent again"; done
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "no document is there twice"
ok "a receipt tells that it was found by asking" grep -rqi 'found\|arrived\|confirm' "$(folder_of 500254)"
end_case
case_of lost500 --fault 'orderful/transactions:lost500@1x3'
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "500 after the effect: none twice"
is "$(times 500254)" 1 "and none lost"
end_case
case_of truncated --fault 'orderful/transactions:truncate@1x3'
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "truncated JSON: none twice"
is "$(times 500254)" 1 "and none lost"
end_case
case_of redirected --fault 'orderful/POST /v3/transactions:302@1x1' --fault 'orderful/POST /transaction[s]:303@1x1' --fault 'orderful/GET transactions:307@1x1'
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "a redirect after the effect: none twice"
is "$(times 500254) $(times 500255)" "1 1" "and none lost"
unlike "$("$SPOOLGATE" status)" 'held' "nothing is held for it"
is "$(control GET /fault | jq -c '[.faults[] | select(.struck == 0)]')" '[]' "all of them happened"
end_case
case_of mixed --seed 7 --fault 'orderful:503@0.1' --fault 'orderful:drop@0.1' --fault 'orderful:lost@0.1' --fault 'orderful:truncate@0.1' --orders 20
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "all faults at random: none twice"
is "$(transactions | jq -c '[.[] | select(.n | startswith("6"))] | length')" 10 "and all ten of the batch that go there have arrived"
end_case

# no relationship with one partner: its orders wait for a person, everybody else's go
rm -rf "$work/sandbox" "$work/site" "$SFTP_ROOT"/*/in/*
start_sandbox --orderful-limit 100000
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint orderful" status_interval 1
outbox=$site/spool/outbox/orderful mark=$site/spool/outbox/orderful/.held.fjord.order
relationship() { control POST /orderful/relationship "{\"sender\":\"NORDMATBUY\",\"receiver\":\"FJORDSELL\",\"type\":\"850_PURCHASE_ORDER\",$1}"; }
waiting() { find "$outbox" -mindepth 2 -name document.json -exec jq -r .number {} + | sort | xargs; }
arrived() { [ "$(times "$1")" = 1 ]; }
gone() { [ ! -e "$1" ]; }
relationship '"removed":true'
"$SPOOLGATE" run --until-idle --limit 60 >"$work/held.out" 2>"$work/held.log"
is $? 1 "a missing relationship: run --until-idle does not wait for it, and says by its status that not everything was done"
unlike "$(cat "$work/held.log")" 'not everything was done within' "before its limit"
is "$(waiting)" "500254 500256" "the partner's orders wait in the outbox"
is "$(times 500255) $(times 500260) $(times 800102)" "1 1 1" "what is for others has arrived meanwhile"
is "$(folders "$site/spool/error")" 1 "nothing went to error/ for it (only the broken sample is there)"
status=$("$SPOOLGATE" status)
like "$status" 'outbox +orderful +2 .*held in part' "status shows that the outbox is held in part"
like "$status" 'order for fjord: .*850_PURCHASE_ORDER relationship.*add this transaction type.*when outbox/orderful/\.held\.fjord\.order is removed' \
    "of whom and what, why, and what to do"

# a person sees to it and removes the mark; it comes back with SIGHUP; it is tried again after a while
"$SPOOLGATE" run >>"$work/held.out" 2>>"$work/held.log" &
gateway=$!
pids+=("$gateway")
ok "the gateway that was started again has tried it and holds it again" wait_for 20 test -s "$mark"
relationship '"status":"READY","autoSend":"ENABLED"'
rm "$mark"
ok "with the mark removed the first order arrives at once" wait_for 20 arrived 500254
ok "and the second" wait_for 20 arrived 500256
ok "the outbox is empty" wait_for 20 gone "$outbox"/2*
relationship '"status":"BLOCKED"'
copy() { jq -c ".orderNbr=\"$1\"" "$(folder_of 500254)/source.json" >"$work/order.json" && mv "$work/order.json" "$site/spool/inbox/visma/purchaseorder-$1.json"; }
copy 720001
ok "a relationship that is no longer active holds the partner's next order" wait_for 20 test -s "$mark"
is "$(times 720001)" 0 "which has not arrived"
setting "$site/spoolgate.conf" "endpoint orderful" hold_seconds 1
kill -HUP "$gateway"
attempts() { [ "$(find "$outbox" -path '*/attempt-*.json' | wc -l)" -ge "$1" ]; }
copy 720002
copy 720003
ok "SIGHUP tries it again, and so does time" wait_for 30 attempts 6
is "$(find "$outbox" -name 'attempt-3.json' | wc -l)" 1 "one order at a time, to see"
relationship '"status":"READY"'
ok "when it is in order they arrive without anybody's doing" wait_for 20 arrived 720003
is "$(times 720001) $(times 720002)" "1 1" "all of them, once"
ok "the mark is gone" wait_for 20 gone "$mark"

# a refused key: nothing goes to anybody
setting "$site/spoolgate.conf" "endpoint orderful" hold_seconds 300
printf wrong | "$SPOOLGATE" secret set orderful-key
read_again() { # what is copied now is sent with what stands there now
    local before
    before=$(grep -c 'the configuration was read again' "$work/held.log")
    kill -HUP "$gateway"
    wait_for 30 eval '[ "$(grep -c "the configuration was read again" "$work/held.log")" -gt '"$before"' ]'
}
read_again
copy 720004
ok "a refused key holds the whole endpoint" wait_for 20 test -s "$outbox/.held"
like "$("$SPOOLGATE" status)" 'outbox/orderful is held' "status shows it"
like "$("$SPOOLGATE" status)" '401.*spoolgate secret set orderful-key' "and what to do"
printf sandbox-orderful-key | "$SPOOLGATE" secret set orderful-key
kill -HUP "$gateway"
ok "with the right key and SIGHUP it goes on" wait_for 20 arrived 720004
kill "$gateway"
wait "$gateway"
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "of all this nothing is there twice"
finish
