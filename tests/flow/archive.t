#!/usr/bin/env bash
# Days of the archive are moved to other storage, a mount is missing, and the state is lost as well: nothing that was
# delivered is taken for new, and no control number is used again, unless a person says so.
. "$(dirname "$0")/lib.sh"
site=$work/site
spool=$site/spool
mkdir -p "$site/partners.d" "$work/out" "$work/hansen" "$spool/inbox/erp"
export SPOOLGATE_CONFIG=$site/spoolgate.conf
cat >"$SPOOLGATE_CONFIG" <<END
[spoolgate]
spool = $spool
state = $site/state.db
translator_processes = 2
[us]
isa_id = NORDMAT
[endpoint out]
adapter = directory
directory = $work/out
[route erp]
source = erp
map = visma/purchase-order
END
partner() { printf '[partner %s]\nerp_id = %s\nusage = test\nisa_id = %s\n[send order]\nform = x12\nmap = x12/850\nendpoint = out\nfile_name = %s-{number}.x12\n' "$1" "$2" "${1^^}" "$1" >"$site/partners.d/$1.conf"; }
partner fjord 50000; partner hansen 50002
order() { # number, partner's number
    jq -c --arg number "$1" --arg partner "${2:-50000}" '.[0] | .orderNbr = $number | .supplier.number = $partner' \
        "$top_srcdir/samples/sandbox/visma/purchaseorder.json" >"$work/new" && mv "$work/new" "$spool/inbox/erp/order-$1-$RANDOM.json"
}
run() { "$SPOOLGATE" run --until-idle --limit 60 >>"$work/run.out" 2>"$work/run.log"; }
stamp() { (cd "$work/out" && find . -name '*.x12' -printf '%p %i %T@\n' | sort); }
lose() { rm -f "$site"/state.db*; }
number_of() { sed -n 's/^ISA.*\*\([0-9]\{9\}\)\*.\*.\*.~.*/\1/p' "$work/out/$1" | sed 's/^0*//'; }
again() { # what was delivered comes once more
    order 1001; order 1002; order 1003 50002
    run
}

order 1001; order 1002; order 1003 50002
run
is "$(ls "$work/out" | wc -l)" 3 "orders arrive"
like "$(cat "$spool/.reach")" "^numbers fjord 1000$" "the spool says up to where control numbers may have been given"
like "$(cat "$spool/.reach")" "^day $(date -u +%Y/%m/%d)$" "and which days the archive held"
before=$(stamp)

# ---- with the state in place ----
mv "$spool/archive" "$work/storage"
said=$("$SPOOLGATE" reindex 2>&1)
is $? 0 "with the state in place a reindex goes through without the archive"
like "$said" "of 1 day that the archive held before, documents are not in the spool; .*still known" "and says that something is not there"
again
is "$(stamp)" "$before" "and nothing is sent again"

# ---- and without ----
rm -rf "$spool/archive"; mkdir "$spool/archive" # what has come since: duplicates
lose
said=$("$SPOOLGATE" reindex 2>&1)
is $? 66 "without the state, and with an archive that is empty, a reindex is refused"
like "$said" "The archive held documents that are not in the spool now, of $(date -u +%Y/%m/%d) \(1 day\)" "it says which days are missing"
like "$said" "numbers up to 1 at least were given for the partner hansen, and the highest in the spool is 0" "and whose control numbers"
like "$said" "Bring the folders back.*put the state's file back.*reindex --force.*sent a second time" "and what to do, and what would come of going on"
order 1004
run
is $? 78 "the gateway does not start with a state that knows nothing"
is "$(stamp)" "$before" "nothing is sent"
mkdir -p "$spool/archive"; cp -r "$work/storage/." "$spool/archive/"
ok "with the folders back it goes through" "$SPOOLGATE" reindex
again
is "$(stamp | grep -v 1004 | wc -l)" 3 "and what is in the archive is not sent again"
ok "what is new goes out" test -s "$work/out/fjord-1004.x12"
is "$(number_of fjord-1004.x12)" 1001 "with a control number behind all that may have been given"

# ---- on purpose ----
rm -rf "$spool/archive"; lose
printf 'day 2026/03/%s 57\n' 21 22 >>"$spool/.reach" # as two days of spring have left it
said=$("$SPOOLGATE" reindex --force 2>&1)
is $? 1 "--force goes on"
like "$said" "warning: The archive held documents.* of 2026/03/21 to .* \(3 days, at least 114 documents\)" "with a warning"
like "$said" "Its next number is 2001" "and the number at which it goes on"
order 1005
run
is "$(number_of fjord-1005.x12)" 2001 "no control number is used twice"
said=$("$SPOOLGATE" reindex 2>&1)
is $? 1 "a later reindex still says what was given up"
like "$said" "days that a reindex --force gave up is still not known: 2026/03/21 to 2026/03/22 " "by its days"

# ---- the poll of an ERP that would begin anew ----
cat >>"$SPOOLGATE_CONFIG" <<END
[endpoint visma]
adapter = visma
url = https://127.0.0.1:1
token_url = https://127.0.0.1:1/token
client_id = isv_x
client_secret = visma
tenant_id = 8a0b2c4e-0000-4000-8000-000000000001
start = 2026-01-01T00:00:00
END
rm -rf "$spool/archive"; lose
like "$("$SPOOLGATE" reindex 2>&1)" "endpoint visma has no cursor left and is read from its start, 2026-01-01T00:00:00" \
    "it says that the ERP would be read from its start, with all that was delivered"

# ---- power and kills: half a line, no file ----
mkdir -p "$spool/archive"
"$SPOOLGATE" reindex --force >/dev/null 2>&1
sed -i '/^\[endpoint visma\]/,$d' "$SPOOLGATE_CONFIG"
printf 'numbers fjo' >>"$spool/.reach"
order 1101
run
is "$(number_of fjord-1101.x12)" 3001 "behind half a line"
like "$(tail -1 "$spool/.reach")" '^numbers fjord 4000$' "the next one is whole"
rm -f "$spool/.reach"
order 1111
run
ok "a file that is gone is made again" grep -q '^day ' "$spool/.reach"
rm -rf "$spool/archive" "$spool/outbox"; lose
"$SPOOLGATE" reindex >/dev/null 2>&1
is $? 66 "and serves as before"
finish
