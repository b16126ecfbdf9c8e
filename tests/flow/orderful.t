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
case_of mixed --seed 7 --fault 'orderful:503@0.1' --fault 'orderful:drop@0.1' --fault 'orderful:lost@0.1' --fault 'orderful:truncate@0.1' --orders 20
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "all faults at random: none twice"
is "$(transactions | jq -c '[.[] | select(.n | startswith("6"))] | length')" 10 "and all ten of the batch that go there have arrived"
end_case

# no relationship: the endpoint waits for a person, the documents stay
rm -rf "$work/sandbox" "$work/site"
start_sandbox
make_site "$work/site"
sed -i 's/^test_isa_id .*FJORDSELLT/test_isa_id = FJORDWRONG/; s/FJORDSELLT/FJORDWRONG/' "$site/partners.d/fjord.conf"
"$SPOOLGATE" run --until-idle --limit 10 >"$work/held.out" 2>"$work/held.log"
like "$(cat "$work/held.log")" 'relationship' "a missing relationship is told in plain words"
ok "and the documents wait in the outbox" test "$(folders "$site/spool/outbox/orderful")" -ge 1
like "$("$SPOOLGATE" status)" 'orderful.*(held|waits)|held' "status shows that the endpoint is held"
finish
