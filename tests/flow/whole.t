#!/usr/bin/env bash
# Nothing lost, nothing twice, when people and backups interfere: a state that is lost or old, folders moved out of the
# archive, retry at the wrong moment, two of a kind, endpoints and partners that are gone from the configuration.
. "$(dirname "$0")/lib.sh"
site=$work/site
spool=$site/spool
mkdir -p "$site/partners.d" "$work/one" "$work/two" "$spool/inbox/erp" "$spool/inbox/erp2"
export SPOOLGATE_CONFIG=$site/spoolgate.conf
cat >"$SPOOLGATE_CONFIG" <<END
[spoolgate]
spool = $spool
state = $site/state.db
translator_processes = 1
[us]
name = Nordmat AS
isa_id = NORDMAT
[endpoint one]
adapter = directory
directory = $work/one
[endpoint two]
adapter = directory
directory = $work/two
[route erp]
source = erp
map = visma/purchase-order
[route erp2]
source = erp2
map = visma/purchase-order
END
partner() { # id, ERP number, endpoint
    printf '[partner %s]\nname = %s\nerp_id = %s\nusage = test\nisa_id = %s\n[send order]\nform = x12\nmap = x12/850\nendpoint = %s\nfile_name = %s-{number}.x12\n' \
        "$1" "$1" "$2" "${1^^}" "$3" "$1" >"$site/partners.d/$1.conf"
}
partner fjord 50000 one
partner hansen 50002 one
partner berg 50001 two
template=$(jq -c '.[0] | .orderNbr = "@number@" | .supplier.number = "@partner@"' "$top_srcdir/samples/sandbox/visma/purchaseorder.json")
order() { # number, ERP number of the partner, source, further filter
    jq -c "${4:-.}" <<<"${template/@number@/$1}" | sed "s/@partner@/$2/" >"$work/new" && mv "$work/new" "$spool/inbox/${3:-erp}/order-$1-$RANDOM.json"
}
run() { "$SPOOLGATE" run --until-idle --limit 30 >>"$work/out" 2>"$work/run.log"; local status=$?; cat "$work/run.log"; return $status; }
arrived() { (cd "$work" && ls one two | grep -c x12); }
archive_of() { grep -l "\"number\": *\"$1\"" "$spool"/archive/*/*/*/*/document.json | xargs grep -l '"delivered"' | head -1 | xargs dirname; }
control_numbers() { find "$spool/archive" -name document.json -exec jq -r 'select(.outcome == "delivered") | "\(.partner) \(.control_number)"' {} + | sort; }
stamp() { (cd "$work" && find one two -name '*.x12' -printf '%p %i %T@\n' | sort); } # a file that came again is another file

order 1001 50000; order 1002 50000; order 1003 50002
run
is "$(arrived)" 3 "orders arrive"
cp "$site/state.db" "$work/old.db"; for f in wal shm; do rm -f "$work/old.db-$f"; done
order 1004 50000
run
before=$(stamp)

# ---- the same number again ----
order 1004 50002
order 1004 50001
run
is "$(arrived)" 6 "the same number for another partner is another order"
before=$(stamp)
order 1004 50000 erp2
run
is "$(stamp)" "$before" "the same order from another source is the same order"
is "$(grep -l '"outcome": *"duplicate"' "$spool"/archive/*/*/*/*/document.json | wc -l)" 1 "and archived as a duplicate"

# ---- out of the archive ----
folder=$(archive_of 1001)
name=$(basename "$folder")
mv "$folder" "$spool/outbox/one/"
run
is "$(stamp)" "$before" "what was delivered and moved back into the outbox is not sent again"
ok "it is in the archive again" test -d "$folder"
like "$(cat "$work/run.log")" "$name.*already" "and the log says so"
mv "$folder" "$spool/outbox/two/"
run
is "$(stamp)" "$before" "nor is it sent from another outbox"
is "$(jq -r .endpoint "$folder/document.json")" one "and the archive still says where it was delivered to"
sum=$(cat "$folder"/message.* | sha256sum)
jq -c '.lines[0].orderQty += 1' "$folder/source.json" >"$folder/corrected.json"
mv "$folder" "$spool/translate/"
run
is "$(stamp)" "$before" "moved to translate/ it is not sent again"
is "$(cat "$folder"/message.* | sha256sum)" "$sum" "nor is the message altered that the partner has"
like "$(cat "$work/run.log")" "$name.*already" "and the log says so"
rm -f "$folder/corrected.json"
cp -r "$folder" "$spool/outbox/one/"
run
is "$(stamp)" "$before" "a copy of it is not sent either"
find "$spool/error" -mindepth 1 -maxdepth 1 -exec rm -rf {} +

# ---- the archive moved away ----
mv "$spool/archive" "$work/archive"
order 1002 50000
order 1003 50002 erp '.lines[0].orderQty += 1'
run
is "$(stamp)" "$before" "an order whose folder was moved to other storage is still known"
like "$(cat "$spool"/error/*/error.txt)" 'no longer in the spool' "and a changed one says so"
find "$spool/error" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
cp -r "$work/archive/." "$spool/archive/"

# ---- the state lost, or from a backup ----
numbers=$(control_numbers)
refused() { # what happened
    order "$2" 50000
    run
    is $? 78 "$1: the gateway does not start"
    like "$(cat "$work/run.log")" 'reindex' "and says what to do"
    like "$("$SPOOLGATE" status)" 'reindex' "status says it too"
    "$SPOOLGATE" translator 1 2>"$work/role.log" & pids+=($!); wait $!
    is $? 78 "a role alone does not start either"
    is "$(stamp)" "$before" "nothing is sent"
    ok "reindex makes it anew" "$SPOOLGATE" reindex
    order 1001 50000
    run
    is "$(control_numbers | uniq -d)" "" "no control number comes twice"
    is "$(stamp | grep -v "fjord-$2")" "$before" "nothing is sent again"
    ok "what is new goes out" test -s "$work/one/fjord-$2.x12"
    before=$(stamp)
}
rm -f "$site"/state.db*
refused "the state lost" 1011
cp "$work/old.db" "$site/state.db"; rm -f "$site"/state.db-*
refused "the state from a backup" 1012

# ---- the spool from a backup that is older than the state ----
order 1013 50000
"$SPOOLGATE" translator 1 2>>"$work/log" & role=$!
wait_for 10 compgen -G "$spool/outbox/one/*/document.json" >/dev/null
kill -TERM $role; wait $role
name=$(basename "$spool"/outbox/one/*/)
cp -r "$spool/outbox/one/$name" "$work/backup"
run
before=$(stamp)
rm -rf "$spool"/archive/*/*/*/"$name"
cp -r "$work/backup" "$spool/outbox/one/$name"
rm -f "$work/one/fjord-1013.x12" # the partner has fetched it
run
ok "what the state knows to be delivered is not sent again" test ! -e "$work/one/fjord-1013.x12"
like "$(cat "$spool/error/$name/error.txt")" 'backup' "error.txt says why"
rm -rf "$spool/error/$name"
before=$(stamp)

# ---- at the wrong moment, and two of a kind ----
"$SPOOLGATE" run 2>"$work/run.log" &
gateway=$!
pids+=("$gateway")
wait_for 10 test -s "$spool/.run.json"
"$SPOOLGATE" reindex 2>"$work/refused"
is $? 69 "reindex is refused while the gateway runs"
"$SPOOLGATE" run 2>"$work/refused"
is $? 69 "a second gateway is refused"
kill -TERM $gateway; wait $gateway
"$SPOOLGATE" courier one 2>>"$work/log" & role=$!
pids+=("$role")
wait_for 10 eval '! flock -n "$spool/outbox/one" true'
"$SPOOLGATE" reindex 2>"$work/refused"
is $? 69 "and while one role does"
"$SPOOLGATE" courier one 2>"$work/refused"; status=$?
ok "a second courier of an endpoint is refused" test $status -ne 0
like "$(cat "$work/refused")" 'another process' "with a sentence"
kill -TERM $role; wait $role

# retry of one document by many at once: one does it
chmod 0 "$work/one"
mv "$work/one" "$work/one.away"; : >"$work/one"
order 1014 50000
"$SPOOLGATE" run --until-idle --limit 5 2>"$work/run.log"
waiting=$(echo "$spool"/outbox/one/*/)
ok "an order waits for an endpoint that is away" test -d "$waiting"
name=$(basename "$waiting")
like "$("$SPOOLGATE" retry "$name" 2>&1)" 'outbox/one' "retry of one that is on its way says where it is"
mv "$waiting" "$spool/error/"
rm -f "$work/retried"
for i in 1 2 3 4 5 6 7 8; do
    { "$SPOOLGATE" retry --to outbox "$name" && echo "$i" >>"$work/retried"; } &
    retries+=($!)
done
wait "${retries[@]}"
is "$(wc -l <"$work/retried")" 1 "of eight who retry at once one has done it"
rm -f "$work/one"; mv "$work/one.away" "$work/one"; chmod 755 "$work/one"
rm -f "$spool/outbox/one/.held"

# ---- gone from the configuration ----
mkdir -p "$spool/outbox/renamed"
mv "$spool/outbox/one/$name" "$spool/outbox/renamed/"
run
ok "documents of an endpoint that is not configured do not keep --until-idle from its end" test $? -eq 1
like "$("$SPOOLGATE" status)" 'outbox/renamed' "status names their outbox"
mv "$spool/outbox/renamed/$name" "$spool/outbox/one/"
mkdir "$spool/outbox/one/my-folder"
like "$("$SPOOLGATE" status)" 'my-folder' "status names a folder that is no document's"
rmdir "$spool/outbox/one/my-folder"
mv "$site/partners.d/fjord.conf" "$site/partners.d/hansen.conf" "$work/"
"$SPOOLGATE" run --until-idle --limit 20 2>"$work/run.log"
like "$(cat "$spool/error/$name/error.txt" 2>/dev/null)" 'fjord' "a document whose partner is gone goes to error/, also when nobody sends there any more"
mv "$work/fjord.conf" "$work/hansen.conf" "$site/partners.d/"
"$SPOOLGATE" retry "$name"
run
ok "and goes out when the partner is back" test -s "$work/one/fjord-1014.x12"

# ---- one of a group ----
order 1021 50000; order 1022 99999; order 1023 50000; : >"$work/one/fjord-1021.x12"
run
ok "of a group in which one has no partner and one is refused, the others arrive" test -s "$work/one/fjord-1023.x12"
is "$(folders "$spool/error")" 2 "and those are in error/"
is "$(control_numbers | uniq -d)" "" "in the end no control number was used twice"
ok "and the archive's checksums are right" "$SPOOLGATE" check --archive
finish
