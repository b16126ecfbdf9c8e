#!/usr/bin/env bash
# The commands as a person and a script use them: help, exit codes, --json, mistakes in the configuration.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
for c in run sandbox status metrics list show trace retry translate check map config secret ping alert backfill reindex; do
    help=$("$SPOOLGATE" $c --help 2>"$work/err")
    is $? 0 "$c --help ends with 0"
    like "$help" 'usage: spoolgate' "and says how it is used"
    "$SPOOLGATE" $c --no-such-option >/dev/null 2>&1
    is $? 64 "$c with an unknown option ends with 64"
    ok "$c has a man page" test -s "$top_srcdir/docs/man/spoolgate-$c.1"
done
if command -v mandoc >/dev/null; then
    is "$(mandoc -T lint -W warning "$top_srcdir"/docs/man/*.[15] 2>&1 | head -5)" "" "the man pages have no warnings"
else
    skip "man pages are well formed" "mandoc is not installed"
fi
"$SPOOLGATE" nonsense >/dev/null 2>&1
is $? 64 "an unknown command ends with 64"
mistyped() { # EXPECTED STATUS COMMAND...: a word that is nearly one
    local said status expected=$1 wanted=$2
    shift 2
    said=$("$SPOOLGATE" "$@" 2>&1 >/dev/null)
    status=$?
    is "$(head -1 <<<"$said"), $status" "spoolgate$expected, $wanted" "spoolgate $*"
}
mistyped ": there is no command lsit. Did you mean list?" 64 lsit
mistyped ": there is no command frobnicate" 64 frobnicate
mistyped " list: there is no option --jsno. Did you mean --json?" 64 list --jsno
mistyped " list: there is no option --frobnicate" 64 list --frobnicate
mistyped " list: there is no option -x" 64 list -x
mistyped " list: --limit wants a value behind it" 64 list --limit
mistyped " list: -n wants a value behind it" 64 list -n
mistyped " list: --json takes no value" 64 list --json=yes
mistyped " secret: did you mean \"list\"?" 64 secret lits
mistyped " run: that can be --limit or --log-format" 64 run --l
mkdir -p "$site/spool"
mistyped " list: there is no stage erorr. Did you mean error?" 66 list erorr
mistyped " config: there is no word chekc. Did you mean check?" 64 config chekc
mistyped " map: there is no word exlpain. Did you mean explain?" 64 map exlpain a b
mistyped " ping: there is no endpoint orderfull. Did you mean orderful?" 66 ping orderfull
mistyped " backfill: there is no endpoint vismaa. Did you mean visma?" 66 backfill vismaa purchaseorder 1
mistyped " sandbox: there is no option --prot. Did you mean --port?" 64 sandbox --prot 1

# offline translation, both directions
out=$("$SPOOLGATE" config check 2>&1); is $? 0 "config check finds the demo in order"
"$SPOOLGATE" run --until-idle --limit 60 >"$work/run" 2>"$work/log"
order=$(grep -l '"number": *"500257"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)
"$SPOOLGATE" translate --map visma/purchase-order --to canonical "$order/source.json" >"$work/canonical.json"
is "$(jq -r .number "$work/canonical.json")" 500257 "translate reads an order into canonical JSON"
"$SPOOLGATE" translate --map visma/purchase-order --partner hansen --to x12 "$order/source.json" >"$work/order.x12"
is $? 0 "and on to X12 for a partner"
like "$(cat "$work/order.x12")" 'BEG\*00\*[A-Z]+\*500257' "with its number"
"$SPOOLGATE" check "$work/order.x12" >"$work/check"
is $? 0 "check finds the X12 in order"
sed 's/~GE\*1/~GE*2/; s/BEG\*00/BEG*QX/' "$work/order.x12" >"$work/bad.x12"
"$SPOOLGATE" check "$work/bad.x12" >"$work/check" 2>&1
is $? 1 "and a broken one not"
like "$(cat "$work/check")" 'BEG01' "naming the element"
like "$(grep -A1 'BEG\*QX' "$work/check" | tail -1)" '^ *\^\^$' "the segment is shown, and the place marked"
is "$("$SPOOLGATE" check --json "$work/bad.x12" | jq -r '.in_order, .findings[0].code, .findings[0].element, (.findings[0].segment | startswith("BEG*QX"))' | tr '\n' ' ')" \
    "false x12.element.code 1 true " "check --json says the same to programs"
is "$("$SPOOLGATE" check --sarif "$work/bad.x12" "$work/order.x12" | jq -r '.version, .runs[0].results[0].ruleId, .runs[0].results[0].locations[0].physicalLocation.region.startLine' | tr '\n' ' ')" \
    "2.1.0 x12.element.code 4 " "and check --sarif, with the line"
"$SPOOLGATE" check --json --archive >/dev/null 2>&1
is $? 64 "which are for files"
is "$("$SPOOLGATE" check "$top_srcdir/tests/corpus/edifact/orders.edi")" "$top_srcdir/tests/corpus/edifact/orders.edi: in order: 1 message, D.96A" "check finds an EDIFACT order in order"
sed 's/QTY+21:120/QTY+21:mange/' "$top_srcdir/tests/corpus/edifact/orders.edi" | "$SPOOLGATE" check - >"$work/check"
is $? 1 "and a broken one not, from a pipe"
like "$(cat "$work/check")" '^-:9: ORDERS 1, segment 7, QTY\+21, element QTY01-2 \(Quantity\): "mange" is no number' "with its line and place"
"$SPOOLGATE" translate --map x12/850 --to canonical "$work/order.x12" >"$work/back.json"
is "$(jq -cS '{number,lines:[.lines[]|{quantity,price}]}' "$work/back.json")" "$(jq -cS '{number,lines:[.lines[]|{quantity,price}]}' "$work/canonical.json")" "what is read back from X12 is what was written"
"$SPOOLGATE" translate /nowhere --map x12/850 >/dev/null 2>&1
is $? 66 "a missing file ends with 66"

# maps
"$SPOOLGATE" map check x12/850 x12/810 visma/purchase-order visma/customer-invoice visma/supplier-invoice orderful/850 orderful/810 >"$work/maps" 2>&1
is $? 0 "all maps are in order"
printf 'x12 850 <-> order\nBEG99 : number\n' >"$work/bad.map"
"$SPOOLGATE" map check "$work/bad.map" >"$work/maps" 2>&1
is $? 1 "a wrong map is found"
like "$(cat "$work/maps")" 'bad\.map:2:1' "with file, line and column"
like "$("$SPOOLGATE" map explain visma/purchase-order "$order/source.json")" 'orderNbr.*500257|500257.*orderNbr' "explain tells what came from where"

# looking
like "$("$SPOOLGATE" status)" 'error' "status names the stages"
ok "status --json is JSON" jq -e . <("$SPOOLGATE" status --json)
ok "list --json is JSON" jq -es . <("$SPOOLGATE" list --json archive)
ok "show --json is JSON" jq -e . <("$SPOOLGATE" show --json "$(basename "$order")")
like "$("$SPOOLGATE" show "$(basename "$order")")" '500257' "show shows a document"
like "$("$SPOOLGATE" trace 500257)" 'visma' "trace begins at the source"
"$SPOOLGATE" trace 999999999 >/dev/null 2>&1
is $? 1 "trace of an unknown number ends with 1"
"$SPOOLGATE" show nosuchdocument >/dev/null 2>&1
ok "show of an unknown document fails" test $? -ne 0
like "$("$SPOOLGATE" secret list)" 'orderful-key' "secret list names the secrets"
unlike "$("$SPOOLGATE" secret list)" 'sandbox-orderful-key' "and not their values"
ok "trace --json is JSON" jq -es 'length == 1 and .[0].number == "500257"' <("$SPOOLGATE" trace --json 500257)
ok "secret list --json is JSON" jq -e 'map(.name) | index("orderful-key")' <("$SPOOLGATE" secret list --json)
ok "reindex --json is JSON" jq -e '.documents > 0 and .unreadable == 0' <("$SPOOLGATE" reindex --json)
ok "backfill --json is JSON" jq -e . <("$SPOOLGATE" backfill --json visma purchaseorder 500257)
ok "run --json is JSON" jq -es 'length == 1 and .[0].number == "500257"' <("$SPOOLGATE" run --until-idle --quiet --limit 60 --json)
"$SPOOLGATE" check --archive >/dev/null
is $? 0 "check --archive finds all as it was written"
"$SPOOLGATE" check --archive 1999 >/dev/null 2>&1
is $? 66 "of a year without documents it says so"
"$SPOOLGATE" ping >"$work/ping"
is $? 0 "ping reaches all endpoints"
ok "ping --json is JSON" jq -es . <("$SPOOLGATE" ping --json)

# mistakes in the configuration: file and line
mistake() { # TEXT FILE SECTION KEY VALUE PATTERN
    rm -rf "$work/mistake"; cp -r "$site" "$work/mistake"
    sed -i "s|$site|$work/mistake|g" "$work/mistake/spoolgate.conf" "$work/mistake/partners.d/"*
    setting "$work/mistake/$2" "$3" "$4" "$5"
    local said status
    said=$("$SPOOLGATE" config check -c "$work/mistake/spoolgate.conf" 2>&1); status=$?
    is $status 1 "$1 is refused"
    like "$said" "$6" "and file and line are named"
}
mistake "an unknown key" spoolgate.conf "endpoint orderful" strem test 'spoolgate\.conf:[0-9]+'
mistake "an unknown endpoint" partners.d/fjord.conf "send order" endpoint nowhere 'fjord\.conf:[0-9]+'
mistake "an unknown map" partners.d/fjord.conf "send order" map x12/999 'fjord\.conf:[0-9]+'
mistake "an ISA id too long" partners.d/hansen.conf "partner hansen" isa_id ABCDEFGHIJKLMNOPQ 'hansen\.conf:[0-9]+'
mistake "equal delimiters" partners.d/hansen.conf "partner hansen" element_separator '~' 'hansen\.conf:[0-9]+'
mistake "a version without dictionary" partners.d/hansen.conf "partner hansen" version 009999 'hansen\.conf:[0-9]+'
"$SPOOLGATE" config check -c "$work/nowhere.conf" >/dev/null 2>&1
is $? 78 "a configuration that is not there ends with 78"
"$SPOOLGATE" config show endpoint nowhere >/dev/null 2>&1
is $? 66 "config show of a section that is not there ends with 66"
ok "config show --json is JSON" jq -e '.[0].values' <("$SPOOLGATE" config show --json endpoint orderful)
ok "config check --json is JSON" jq -e '.in_order == true' <("$SPOOLGATE" config check --json)

# an empty site: what is missing is said, and where to begin
mkdir -p "$work/empty" && : >"$work/empty/spoolgate.conf"
said=$("$SPOOLGATE" config check -c "$work/empty/spoolgate.conf" 2>&1)
is $? 0 "an empty configuration is in order"
like "$said" 'no route.*' "but it is said that nothing is read"
like "$said" 'no partners' "and nothing sent"

# maps and tables of the site are found without naming the configuration; a missing code belongs to the site's table
mkdir -p "$site/maps/own"
printf 'extends visma/purchase-order\n' >"$site/maps/own/order.map"
like "$("$SPOOLGATE" map check own/order)" 'in order' "map check looks at the site's maps"
like "$("$SPOOLGATE" check --map own/order "$top_srcdir/samples/documents/visma-purchase-order-unknown-unit.json")" \
    "$site/maps/codes/visma-unit.tsv" "and a missing code is to be added to the site's table"
rm -rf "$site/maps" # a site that has no maps yet
like "$("$SPOOLGATE" check --map visma/purchase-order "$top_srcdir/samples/documents/visma-purchase-order-unknown-unit.json")" \
    "$site/maps/codes/visma-unit.tsv" "also when there is none yet"
sed 's/\*92\*NM01//' "$top_srcdir/tests/corpus/x12/850-order.x12" >"$work/nobody.x12"
like "$("$SPOOLGATE" check --map x12/850 "$work/nobody.x12")" 'no partner \(it is read from N1\[01=BY\]04\)' \
    "what is missing is said with its place in the document"
like "$(printf '{"type":"order"}' | "$SPOOLGATE" map explain x12/850 - 2>&1)" 'canonical.required' "explain reads standard input"
finish
