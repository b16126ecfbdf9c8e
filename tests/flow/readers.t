#!/usr/bin/env bash
# Independent readers: what was sent as 850 and 810 holds the values that were in the ERP's JSON.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
"$SPOOLGATE" run --until-idle --limit 90 >"$work/out" 2>"$work/log"
order=$(grep -l '"number": *"500257"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)
invoice=$(grep -l '"type": *"invoice"' "$site"/spool/archive/*/*/*/*/document.json | xargs -n1 dirname | while read -r d; do [ -f "$d/message.x12" ] && echo "$d"; done | head -1)
ok "there is an 850 and an 810" test -s "$order/message.x12" -a -s "$invoice/message.x12"
if perl -MX12::Parser -e 1 2>/dev/null; then
    perl "$top_srcdir/tests/flow/read-x12.pl" "$order/message.x12" >"$work/order.perl"
    perl "$top_srcdir/tests/flow/read-x12.pl" "$invoice/message.x12" >"$work/invoice.perl"
    is "$(sed -n 's/^BEG 3 //p' "$work/order.perl")" "$(jq -r .orderNbr "$order/source.json")" "perl's X12::Parser reads the order's number"
    is "$(sed -n 's/^PO1 2 //p' "$work/order.perl" | xargs)" "$(jq -r '.lines[] | select(.canceled|not) | .orderQty' "$order/source.json" | xargs)" "its quantities"
    is "$(sed -n 's/^PO1 4 //p' "$work/order.perl" | xargs)" "$(jq -r '.lines[] | select(.canceled|not) | .unitCost' "$order/source.json" | xargs)" "its prices"
    is "$(sed -n 's/^BIG 2 //p' "$work/invoice.perl")" "$(jq -r .referenceNumber "$invoice/source.json")" "the invoice's number"
    is "$(sed -n 's/^TDS 1 //p' "$work/invoice.perl")" "$(jq -r '(.amountInCurrency // .amount) * 100 | round' "$invoice/source.json")" "its total in hundredths"
    is "$(sed -n 's/^IT1 2 //p' "$work/invoice.perl" | xargs)" "$(jq -r '.invoiceLines[].quantity' "$invoice/source.json" | xargs)" "its quantities"
else
    skip "perl's X12::Parser" "libx12-parser-perl is not installed"
fi
if [ -d "$top_builddir/node_modules/node-x12" ]; then
    NODE_PATH=$top_builddir/node_modules node "$top_srcdir/tests/flow/read-x12.js" "$order/message.x12" >"$work/order.node"
    NODE_PATH=$top_builddir/node_modules node "$top_srcdir/tests/flow/read-x12.js" "$invoice/message.x12" >"$work/invoice.node"
    is "$(sed -n 's/^BEG 3 //p' "$work/order.node")" "$(jq -r .orderNbr "$order/source.json")" "node-x12 reads the order's number"
    is "$(sed -n 's/^PO1 2 //p' "$work/order.node" | xargs)" "$(jq -r '.lines[] | select(.canceled|not) | .orderQty' "$order/source.json" | xargs)" "its quantities"
    is "$(sed -n 's/^BIG 2 //p' "$work/invoice.node")" "$(jq -r .referenceNumber "$invoice/source.json")" "the invoice's number"
    is "$(sed -n 's/^SE 1 //p' "$work/order.node")" "$(tr '~' '\n' <"$order/message.x12" | sed 's/^[\r\n]*//' | sed -n '/^ST/,/^SE/p' | grep -c .)" "and a segment count that is right"
else
    skip "node-x12" "the npm packages of the tests are not installed"
fi
finish
