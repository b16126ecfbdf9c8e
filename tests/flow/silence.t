#!/usr/bin/env bash
# What nobody said is not taken for an answer: an order without a status ends in error/, and what a map keeps from being
# sent is counted and told.
. "$(dirname "$0")/lib.sh"
site=$work/site
spool=$site/spool
mkdir -p "$site/partners.d" "$work/out" "$spool/inbox/erp"
export SPOOLGATE_CONFIG=$site/spoolgate.conf
cat >"$SPOOLGATE_CONFIG" <<END
[spoolgate]
spool = $spool
translator_processes = 1
[us]
isa_id = NORDMAT
[endpoint out]
adapter = directory
directory = $work/out
[route erp]
source = erp
map = visma/purchase-order
END
printf '[partner fjord]\nerp_id = 50000\nusage = test\nisa_id = FJORD\n[send order]\nform = x12\nmap = x12/850\nendpoint = out\n' >"$site/partners.d/fjord.conf"
order() { # number, filter
    jq -c --arg number "$1" ".[0] | .orderNbr = \$number | .supplier.number = \"50000\" | $2" \
        "$top_srcdir/samples/sandbox/visma/purchaseorder.json" >"$work/new" && mv "$work/new" "$spool/inbox/erp/order-$1.json"
}
run() { "$SPOOLGATE" run --until-idle --limit 60 >>"$work/run.out" 2>"$work/run.log"; }
errors() { cat "$spool"/error/*/error.txt 2>/dev/null; }

order 1001 'del(.status)'
order 1002 '.status = null'
order 1003 '.status = ""'
order 1004 '.status = "Hold"'
order 1005 .
order 1006 'del(.documentType, .hold) | del(.lines[].canceled, .lines[].lineType)'
echo '{}' >"$spool/inbox/erp/nothing.json"
run
is "$(ls "$work/out" | wc -l)" 2 "orders with a status go out, also without what the map lets be missing"
is "$(ls "$spool/error" | wc -l)" 4 "three orders without a status are in error/, and so is {}"
is "$(errors | grep -c '^error: There is no status, and by it the map decides what is taken (.*visma/purchase-order.map, line [0-9]*)\.$')" 4 \
    "each says which member is missing, and which line of the map decides by it"
like "$("$SPOOLGATE" list error)" "order +1001 +erp +.*There is no status" "the order that it was is told"
# ---- what is not sent is counted and told ----
like "$("$SPOOLGATE" status)" "^not sent +1 +today, 1 in all: spoolgate list --not-sent$" "status counts what was not sent"
is "$("$SPOOLGATE" status --json | jq -c '[.not_sent, .not_sent_today]')" "[1,1]" "for scripts, too"
listed=$("$SPOOLGATE" list --not-sent)
like "$listed" "order +1004 +erp .*not sent: status is Hold, not one of Open" "list --not-sent says why"
is "$(wc -l <<<"$listed")" 2 "and nothing else"
day=archive/$(date -u +%Y/%m)
is "$("$SPOOLGATE" list --not-sent --json "$day" | jq -r '.number + " " + .remark' | cut -d, -f1)" "1004 not sent: status is Hold" "also of a stage"
like "$("$SPOOLGATE" list "$day")" "1004 .*not sent: status is Hold" "a list of the archive says it, too"
# ---- through a reindex, a move to other storage, and back ----
"$SPOOLGATE" reindex && mv "$spool"/.state.sqlite* "$work/" && "$SPOOLGATE" reindex
is "$("$SPOOLGATE" status --json | jq -c .not_sent)" 1 "a reindex finds it again"
name=$("$SPOOLGATE" list --not-sent --names)
folder=$(dirname "$(find "$spool/archive" -path "*$name/document.json")")
mv "$folder" "$work/"
like "$("$SPOOLGATE" list --not-sent)" "$name.*status is Hold.*its folder is not in the spool" "what was moved away is told by its reason"
mv "$work/$name" "$folder"
jq -c '.status = "Open"' "$folder/source.json" >"$folder/corrected.json"
mv "$folder" "$spool/translate/"
run
is "$(ls "$work/out" | wc -l)" 3 "put back with a correction it is sent"
is "$("$SPOOLGATE" status --json | jq -c .not_sent)" 0 "and no longer counted"
is "$("$SPOOLGATE" list --not-sent)" "nothing was kept from being sent" "nor listed"
finish
