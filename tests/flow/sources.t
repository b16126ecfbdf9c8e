#!/usr/bin/env bash
# Several sources, one order number: who may hand in what, whose order counts, and what happens when the other one was
# sent already, is being sent, or may have arrived.
. "$(dirname "$0")/lib.sh"
site=$work/site
spool=$site/spool
mkdir -p "$site/partners.d" "$work/out" "$spool/inbox/erp" "$spool/inbox/shop"
export SPOOLGATE_CONFIG=$site/spoolgate.conf
configure() { # of [spoolgate], of the shop's route
    cat >"$SPOOLGATE_CONFIG" <<END
[spoolgate]
spool = $spool
translator_processes = 2
${1:-}
[us]
isa_id = NORDMAT
[endpoint out]
adapter = directory
directory = $work/out
[route erp]
source = erp
map = visma/purchase-order
[route shop]
source = shop
map = visma/purchase-order
${2:-}
END
}
partner() { printf '[partner %s]\nname = %s\nerp_id = %s\nusage = test\nisa_id = %s\n[send order]\nform = x12\nmap = x12/850\nendpoint = out\nfile_name = {number}-{document}.x12\n' "$1" "$1" "$2" "${1^^}" >"$site/partners.d/$1.conf"; }
partner fjord 50000; partner hansen 50002
configure
template=$(jq -c '.[0] | .orderNbr = "@number@" | .supplier.number = "@partner@" | .shipVia = "@words@"' "$top_srcdir/samples/sandbox/visma/purchaseorder.json")
order() { # source, number, words, partner's number
    sed "s/@number@/$2/; s/@partner@/${4:-50000}/; s/@words@/$3/" <<<"$template" >"$work/new.$1" && mv "$work/new.$1" "$spool/inbox/$1/order-$2-$RANDOM$RANDOM.json"
}
run() { "$SPOOLGATE" run --until-idle --limit 60 >>"$work/run.out" 2>"$work/run.log"; }
arrived() { ls "$work/out" | grep -c "^$1-"; }
words() { grep -l "$2" "$work/out/$1"-* 2>/dev/null | wc -l; }
errors() { cat "$spool"/error/*/error.txt 2>/dev/null; }
clear_errors() { rm -rf "${spool:?}"/error/*; }
translate() { # what is in the inbox, and no further
    local stop
    "$SPOOLGATE" translator 1 2>>"$work/log" & stop=$!
    wait_for 30 eval '[ -z "$(find "$spool/inbox" "$spool/translate" -mindepth 2 -name "*.json" | head -1)" ]'
    kill -TERM $stop; wait $stop
}
waiting() { grep -l "\"number\": *\"$1\"" "$spool"/outbox/out/*/document.json | head -1 | xargs dirname; }

# ---- who may hand in what ----
configure "" "partners = hansen"
order shop 2001 theirs; order shop 2002 theirs 50002
run
is "$(arrived 2001) $(arrived 2002)" "0 1" "a source that is limited to a partner hands in for that one only"
like "$(errors)" "The source shop may not hand in this order for fjord: its route shop is limited to other partners" "error.txt says so"
like "$(errors)" "add fjord to partners of \[route shop\] in .*spoolgate.conf" "and how it may"
clear_errors
order erp 2001 ours
run
is "$(words 2001 OURS) $(words 2001 ours)" "0 1" "the number was not taken by it"
configure "" "partners = hansn"
like "$("$SPOOLGATE" config check 2>&1)" "spoolgate.conf:18.* is for the partner hansn, which does not exist|Did you mean hansen" "a partner that there is not is a mistake"
configure
like "$("$SPOOLGATE" config check 2>&1)" "spoolgate.conf:14: warning: The sources erp and shop both hand in orders for any partner" "two sources without a limit are warned of"
configure "" "partners = hansen"
unlike "$("$SPOOLGATE" config check 2>&1)" "warning" "with one there is nothing to say"
configure "" "types = invoice"
like "$("$SPOOLGATE" config check 2>&1)" "lets no order in, and its map visma/purchase-order reads nothing else" "so is a type that its map does not read"
configure "precedence = erp shopp"
like "$("$SPOOLGATE" config check 2>&1)" "precedence names the source shopp, and no route has it" "and a source that there is not"
configure "precedence = erp erp"
like "$("$SPOOLGATE" config check 2>&1)" "precedence names the source erp twice" "or is named twice"

# ---- whose order counts: the other one waits ----
configure "precedence = erp" "types = order"
ok "a precedence is in order" "$SPOOLGATE" config check
order shop 2011 theirs
translate
order erp 2011 ours
translate
run
is "$(arrived 2011) $(words 2011 ours)" "1 1" "an order of the ERP takes the number from one that was not sent"
like "$(errors)" "Another document of the same number has taken its place: [^ ]*, from the source erp, which has precedence over shop" "the other one is in error/ and says why"
like "$(cat "$spool"/archive/*/*/*/*/document.json)" "takes the place of [^ ]*, which was not sent, and came from the source shop: erp has precedence" "the history says it, too"
"$SPOOLGATE" retry $("$SPOOLGATE" list --names error) >/dev/null
run
is "$(arrived 2011)" 1 "put back, it does not take the number again"
like "$(errors)" "Another document of the same number has taken its place" "and says whose it is"
clear_errors
order shop 2012 the-same; translate; order erp 2012 the-same; run
is "$(arrived 2012)" 1 "the same from both is sent once"
is "$(errors)" "" "and is no error"

# ---- the other one was sent ----
order shop 2021 theirs; run
order erp 2021 ours; run
is "$(arrived 2021)" 1 "what was sent is not sent again"
like "$(errors)" "as document [^ ]* \(archive/[^)]*\) of the source shop: erp has precedence, but that one was delivered, and cannot be taken back, and this one differs" "the ERP's order is told which document of which source took its number"
like "$(errors)" "where: ship_via" "what differs"
like "$(errors)" "partners = …" "and what to do about the source"
clear_errors

# ---- it may have arrived ----
order shop 2031 theirs; translate
folder=$(waiting 2031)
echo '{"attempt": 1, "endpoint": "out"}' >"$folder/attempt-1.json" # a courier was killed behind it
order erp 2031 ours; translate
like "$(errors)" "of the source shop: erp has precedence, but that one is being sent, or may have arrived" "one that may have arrived keeps its number"
echo '{"attempt": 1, "verdict": "retry"}' >"$folder/receipt-1.json" # it did not
"$SPOOLGATE" retry $("$SPOOLGATE" list --names error) >/dev/null
translate
run
is "$(arrived 2031) $(words 2031 ours)" "1 1" "one that surely did not arrive gives it up"
clear_errors

# ---- the ERP's own waits in error/ ----
mv "$site/partners.d/fjord.conf" "$work/"; sed 's/x12\/850/fjord\/850/' "$work/fjord.conf" >"$site/partners.d/fjord.conf"
mkdir -p "$site/maps/fjord"; printf 'extends x12/850\nREF[01=CT]02 : contract_number required\n' >"$site/maps/fjord/850.map"
order erp 2041 ours; run
like "$(errors)" "error:" "an order of the ERP that cannot be written"
order shop 2041 theirs; run
mv "$work/fjord.conf" "$site/partners.d/"
is "$(arrived 2041)" 0 "keeps its number from the others"
"$SPOOLGATE" retry $("$SPOOLGATE" list --names error) >/dev/null
run
is "$(arrived 2041) $(words 2041 ours)" "1 1" "and goes out when it is put right"
clear_errors

# ---- through a lost state ----
order shop 2051 theirs; translate; order erp 2051 ours; translate
rm -f "$spool"/.state.sqlite*
ok "a reindex" "$SPOOLGATE" reindex
run
is "$(arrived 2051) $(words 2051 ours)" "1 1" "knows whose number it is"
clear_errors

order shop 2052 theirs; translate
echo '{"attempt": 1, "endpoint": "out"}' >"$(waiting 2052)/attempt-1.json"
order shop 2053 theirs; translate
echo '{"attempt": 1, "endpoint": "out"}' >"$(waiting 2053)/attempt-1.json"
echo '{"attempt": 1, "verdict": "retry"}' >"$(waiting 2053)/receipt-1.json"
rm -f "$spool"/.state.sqlite*
"$SPOOLGATE" reindex >/dev/null
order erp 2052 ours; order erp 2053 ours; translate
like "$(errors)" "order 2052 .*is being sent, or may have arrived" "and what may have arrived"
unlike "$(errors)" "order 2053 .*may have arrived" "and what did not"
run
is "$(arrived 2053) $(words 2053 ours)" "1 1" "which gives its number up"
clear_errors

# ---- at the very moment ----
killed=0
"$SPOOLGATE" run 2>>"$work/race.log" & gateway=$!
pids+=("$gateway")
wait_for 30 test -s "$spool/.run.json"
for n in $(seq 3001 3120); do
    order shop "$n" theirs
    [ $((n % 3)) -gt 0 ] || sleep "0.00$((RANDOM % 10))"
    order erp "$n" ours
    if [ $((n % 6)) -eq 0 ]; then # and one of the roles is killed
        victim=$(pgrep -P "$gateway" | shuf -n 1)
        [ -n "$victim" ] && kill -9 "$victim" && killed=$((killed + 1))
    fi
done
idle() { [ -z "$(find "$spool/inbox" "$spool/outbox" "$spool/translate" -mindepth 2 -name '*.json' 2>/dev/null | head -1)" ]; }
wait_for 120 eval 'idle && sleep 1 && idle'
kill -TERM $gateway; wait $gateway
run
is "$(ls "$work/out" | sed -n 's/^\(3[0-9]*\)-.*/\1/p' | sort | uniq -c | awk '$1 != 1' | wc -l)" 0 "of two that come at the same moment none arrives twice"
is "$(ls "$work/out" | grep -c '^3')" 120 "and each number arrives"
note "$killed roles killed; of the ERP: $(grep -l ours "$work"/out/3* | wc -l), of the shop: $(grep -l theirs "$work"/out/3* | wc -l)"
is "$(folders "$spool/error")" 120 "and the other one of each is in error/"
finish
