#!/usr/bin/env bash
# The other side's clock is not ours: behind, ahead, put right between the attempt and the look-up, or not told at all. An answer
# that was lost is found again, and what cannot be told is a person's; nothing is there twice, and nothing is missed.
. "$(dirname "$0")/lib.sh"
transactions() { control GET /orderful/transactions | jq -c '[.. | objects | select(.businessNumber?) | {id, n: .businessNumber, t: (.type.name? // .type?)}]'; }
times() { transactions | jq --arg n "$1" '[.[] | select(.n==$n)] | length'; }
clock() { control POST /clock "$1" >/dev/null; }

start_sshd
begin_case() { # SANDBOX-ARGUMENT...: a fresh sandbox and a site that only sends to Orderful what is dropped
    rm -rf "$work/sandbox" "$work/site" "$SFTP_ROOT"/*/in/*
    start_sandbox --orderful-limit 100000 "$@"
    make_site "$work/site"
    setting "$site/spoolgate.conf" "endpoint orderful" confirm_seconds 2
    setting "$site/spoolgate.conf" "endpoint orderful" status_interval 1
    setting "$site/spoolgate.conf" "endpoint visma" start 2099-01-01T00:00:00
    mkdir -p "$site/spool/inbox/visma"
}
end_case() { kill "$sandbox_pid"; wait "$sandbox_pid" 2>/dev/null; }
drop() { # NUMBER: an order for a partner at Orderful
    jq -c ".orderNbr=\"$1\"" "$work/order.json" >"$work/drop.json" && mv "$work/drop.json" "$site/spool/inbox/visma/purchaseorder-$1.json"
}
run() { "$SPOOLGATE" run --until-idle --limit 60 >>"$work/run.out" 2>>"$work/run.log"; }
outcome() { # NUMBER
    find "$site/spool" -name document.json -exec jq -r --arg n "$1" 'select(.number == $n) | .outcome // "waits"' {} + | sort | xargs
}

# once with the poll, to have an order to drop
start_sandbox --orderful-limit 100000
make_site "$work/site"
run
folder=$(grep -l '"number": *"500254"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)
cp "$folder/source.json" "$work/order.json"
control GET /orderful/transactions | jq -c 'first(.. | objects | select(.businessNumber? == "500254"))' >"$work/message.json"
end_case

begin_case --fault 'orderful/POST /v3/transactions:lost@1x1'
clock '{"advance": -600}'
drop 730001
run
is "$(times 730001)" 1 "their clock is ten minutes behind and an answer is lost: the order is there once"
is "$(outcome 730001)" delivered "and archived as delivered"
like "$("$SPOOLGATE" ping orderful)" 'clock: .*(599|600|601) seconds behind ours' "ping shows how far their clock stands from ours"
end_case

begin_case --fault 'orderful/POST /v3/transactions:lost@1x1'
clock '{"advance": 86400}'
drop 730002
run
is "$(times 730002) $(outcome 730002)" "1 delivered" "a day ahead: the same"
end_case

begin_case --fault 'orderful/POST /v3/transactions:lost@1x1'
clock '{"advance": -7200}'
drop 730003
"$SPOOLGATE" run >>"$work/run.out" 2>>"$work/run.log" &
gateway=$!
pids+=("$gateway")
there() { [ "$(times "$1")" -ge 1 ]; }
ok "two hours behind, an order arrives and its answer is lost" wait_for 30 there 730003
clock '{"advance": 7200}'
settled() { [ "$(outcome "$1")" != waits ]; }
ok "their clock is put right before it is looked up" wait_for 60 settled 730003
is "$(times 730003) $(outcome 730003)" "1 delivered" "it is known by what it says"
kill "$gateway"; wait "$gateway"
end_case

# no Date header: nobody knows how their clock stands
begin_case --fault 'orderful/POST /v3/transactions:lost@1x1'
clock '{"advance": -7200, "dated": false}'
drop 730004
run
is "$(times 730004) $(outcome 730004)" "1 delivered" "without Date headers it is known by what it says as well"
end_case

# another transaction of the number, made by somebody else; our request is cut off before its effect
foreign() { # HOURS NUMBER: the same parties and number, another text, so long ago
    jq --arg n "$2" '{type: {name: "850_PURCHASE_ORDER"}, stream: "TEST", sender: {isaId: "NORDMATBUYT"}, receiver: {isaId: "FJORDSELLT"},
        message: (.message | .transactionSets[0].beginningSegmentForPurchaseOrder[0].purchaseOrderNumber = $n
            | .transactionSets[0].beginningSegmentForPurchaseOrder[0].date = "20260101")}' "$work/message.json" >"$work/post.json"
    clock "{\"advance\": -$(($1 * 3600))}"
    curl -sS --fail-with-body --cacert "$CA_FILE" -H 'orderful-api-key: sandbox-orderful-key' -H 'Content-Type: application/json' \
        -d @"$work/post.json" "$ORDERFUL_URL/v3/transactions"
    clock "{\"advance\": $(($1 * 3600))}"
}
begin_case
foreign 72 730005
control POST /fault '{"spec": "orderful/POST /v3/transactions:drop@1x1"}' >/dev/null
drop 730005
run
is "$(times 730005) $(outcome 730005)" "2 delivered" "another's transaction of three days ago is not taken for ours: the order is sent, once"
end_case
begin_case
foreign 1 730006
control POST /fault '{"spec": "orderful/POST /v3/transactions:drop@1x1"}' >/dev/null
drop 730006
run
is "$(times 730006) $(outcome 730006)" "1 undecided" "another's of an hour ago, which could be ours if a clock was wrong: nothing is sent, a person decides"
like "$(cat "$site"/spool/error/*/error.txt)" 'transaction.* [0-9]+.*could be it' "error.txt says which transaction"
end_case

# what an earlier try of the same document made, and Orderful refused, is not what a later one made
begin_case
drop 730007
"$SPOOLGATE" run >>"$work/run.out" 2>>"$work/run.log" &
gateway=$!
pids+=("$gateway")
ok "an order arrives" wait_for 30 there 730007
id=$(transactions | jq -r '.[] | select(.n == "730007") | .id')
control POST "/orderful/transaction/$id" '{"validationStatus": "INVALID"}' >/dev/null
in_error() { [ -n "$(find "$site/spool/error" -name error.txt)" ]; }
ok "it is found invalid" wait_for 30 in_error
control POST /fault '{"spec": "orderful/POST /v3/transactions:drop@1x1"}' >/dev/null
mv "$site"/spool/error/2* "$site/spool/translate/"
twice() { [ "$(times "$1")" -ge 2 ] && [ "$(outcome "$1")" = delivered ]; }
ok "put back, with the answer lost before the effect, it is sent" wait_for 60 twice 730007
is "$(times 730007)" 2 "once: the refused one was not taken for it"
unlike "$(jq -r .external_id "$site"/spool/archive/*/*/*/*/document.json)" "^$id$" "its id is the new one's"
kill "$gateway"; wait "$gateway"
end_case

# ---- the ERP's clock ----
begin_case
setting "$site/spoolgate.conf" "endpoint visma" start 2026-11-01T00:00:00
change() { control POST /visma/purchaseorder "{\"orderNbr\": \"$1\", \"description\": \"$2\"}" >/dev/null; }
fetched() { # NUMBER TEXT: how often it was, in the archive or (it differs from what was sent before) in error/
    find "$site/spool" -name 'source.json' -exec jq -r --arg n "$1" --arg t "$2" 'select(.orderNbr? == $n and .description == $t) | .orderNbr' {} + | wc -l
}
clock '{"advance": 86400}'
change 500255 ahead
run
is "$(fetched 500255 ahead)" 1 "their clock is a day ahead: what was changed is fetched"
clock '{"advance": -86400}'
change 500256 later
run
is "$(fetched 500256 later)" 1 "it is put right: what is changed then is fetched all the same"
clock '{"advance": 300000000}'
change 500260 wild
clock '{"advance": -300000000}'
run
is "$(fetched 500260 wild)" 1 "an order that was saved with a time far ahead is fetched"
change 500261 usual
run
is "$(fetched 500261 usual)" 1 "and hides none that is saved after it"
is "$(transactions | jq -c 'group_by([.n,.t]) | map(select(length>1)) | length')" 0 "nothing was sent twice for it"
end_case
finish
