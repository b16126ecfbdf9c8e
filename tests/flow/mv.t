#!/usr/bin/env bash
# mv is the API: every direction in which an operator may move a folder or a file.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
run() { local t=$SECONDS; "$SPOOLGATE" run --until-idle --limit 60 >>"$work/out" 2>>"$work/log"; note "run took $((SECONDS - t)) s"; }
run
spool=$site/spool
broken=$(find "$spool/error" -mindepth 1 -maxdepth 1 -type d ! -name '.*')
is "$(wc -w <<<"$broken")" 1 "the broken order is in error/"
id=$(basename "$broken")
text=$(cat "$broken/error.txt")
like "$(cat "$work/out")" "^$id +order +500259 +visma " "the table names it by type and number, though it was understood only in part"
like "$("$SPOOLGATE" list error)" "^$id +order +500259 " "so does list"
like "$("$SPOOLGATE" trace 500259)" "error/$id" "and trace finds it by its number"
like "$text" '^The order 500259 could not be translated' "error.txt says which order it is"
like "$text" 'PALLE2' "and names the value"
like "$text" 'lines?\[?|line' "and the line"
like "$text" "mv .*$id" "and the mv that puts it back"

# put back as it is: it comes back to error/, the same document, nothing is lost
mv "$broken" "$spool/translate/"
run
is "$(basename "$(find "$spool/error" -mindepth 1 -maxdepth 1 -type d ! -name '.*')")" "$id" "put back as it is, it fails again, as the same document"

# the source altered in place: refused
cp "$spool/error/$id/source.json" "$work/source.json"
chmod u+w "$spool/error/$id/source.json"
sed -i 's/PALLE2/PALL/' "$spool/error/$id/source.json"
mv "$spool/error/$id" "$spool/translate/"
run
like "$(cat "$spool/error/$id/error.txt")" 'corrected\.' "a source altered in place is refused; error.txt tells of corrected.json"
cp "$work/source.json" "$spool/error/$id/source.json"

# corrected beside it
sed 's/PALLE2/PALL/' "$work/source.json" >"$spool/error/$id/corrected.json"
mv "$spool/error/$id" "$spool/translate/"
run
is "$(folders "$spool/error")" 0 "with corrected.json it goes through"
ok "and arrives" test -s "$SFTP_ROOT/hansen/in/PO-500259.x12"
archive=$(find "$spool/archive" -mindepth 4 -maxdepth 4 -name "$id*")
cmp -s "$archive/source.json" "$work/source.json"
is $? 0 "the archive has the source as received"

# the same order dropped again, identical: archived as a duplicate, not sent
one=$(grep -l '"number": *"500257"' "$spool"/archive/*/*/*/*/document.json | head -1 | xargs dirname)
sent=$(sha256sum "$SFTP_ROOT"/hansen/in/*)
cp "$one/source.json" "$spool/inbox/visma/purchaseorder-again.json"
run
is "$(sha256sum "$SFTP_ROOT"/hansen/in/*)" "$sent" "an identical order dropped again is not sent"
is "$(grep -l '"outcome": *"duplicate"' "$spool"/archive/*/*/*/*/document.json | wc -l)" 1 "it is archived as a duplicate"
# a different one with the same number: error/ says what differs
jq -c '.lines[0].orderQty += 1' "$one/source.json" >"$spool/inbox/visma/purchaseorder-different.json"
run
is "$(folders "$spool/error")" 1 "a different order with the same number goes to error/"
like "$(cat "$spool"/error/*/error.txt)" 'quantity' "which says what differs"
rm -rf "$spool"/error/*

# stopped by hand in the outbox, and put back
mv "$SFTP_ROOT/hansen" "$SFTP_ROOT/hansen.away"
jq -c '.orderNbr="710001"' "$one/source.json" >"$spool/inbox/visma/purchaseorder-710001.json"
"$SPOOLGATE" run --until-idle --limit 6 >>"$work/out" 2>>"$work/log"
waiting=$(grep -l '"number": *"710001"' "$spool"/{outbox/*,error}/*/document.json 2>/dev/null | head -1 | xargs dirname)
ok "an order that cannot be delivered waits" test -d "$waiting"
number=$(jq .control_number "$waiting/document.json")
name=$(basename "$waiting")
[ "${waiting%/error/*}" = "$waiting" ] && mv "$waiting" "$spool/error/"
mv "$SFTP_ROOT/hansen.away" "$SFTP_ROOT/hansen"
SUDO_USER=kari "$SPOOLGATE" retry --reason "their folder is there again" "$name"
is $? 0 "retry puts it back"
run
ok "and it arrives" test -s "$SFTP_ROOT/hansen/in/PO-710001.x12"
is "$(jq .control_number "$spool"/archive/*/*/*/"$name"/document.json)" "$number" "with the control number it had"

history=$("$SPOOLGATE" show "$name")
who=$(jq -r '.history[] | select(.reason) | .by' "$spool"/archive/*/*/*/"$name"/document.json)
like "$who" '^operator [a-z]' "the history says who put it back"
like "$history" 'put back from error/ to .* by spoolgate retry: their folder is there again' "and why"
like "$("$SPOOLGATE" show "$(basename "$archive")")" 'moved by hand from error/ to translate/' "of a bare mv it says that it was by hand"

# reindex: the state is lost, the spool is the truth
like "$("$SPOOLGATE" trace 500257)" '500257' "trace finds an order"
before=$("$SPOOLGATE" trace 500257 --json | jq -S 'select(.path)')
rm -f "$(sed -n 's/^state *= *//p' "$site/spoolgate.conf" | head -1)"* "$spool"/.state* "$site"/state.db* 2>/dev/null
find "$site" -name '*.db' -o -name '*.db-wal' -o -name '*.db-shm' -o -name '*.sqlite*' | xargs -r rm -f
"$SPOOLGATE" reindex >>"$work/out"
is $? 0 "reindex rebuilds the state"
is "$(diff <(echo "$before") <("$SPOOLGATE" trace 500257 --json | jq -S 'select(.path)'))" "" "trace says the same again"
cp "$one/source.json" "$spool/inbox/visma/purchaseorder-yet-again.json"
run
is "$(sha256sum "$SFTP_ROOT"/hansen/in/PO-500257.x12 | cut -c1-64)" "$(grep PO-500257 <<<"$sent" | cut -c1-64)" "and what was sent is still known"
jq -c '.orderNbr="710002"' "$one/source.json" >"$spool/inbox/visma/purchaseorder-710002.json"
run
is "$(find "$spool/archive" -name document.json -exec jq -r 'select(.partner=="hansen" and .control_number and .outcome=="delivered") | .control_number' {} + | sort | uniq -d)" "" "no control number is used again"
finish
