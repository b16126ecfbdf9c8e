#!/usr/bin/env bash
# The whole demo, twice: orders and invoices from the ERP to the partners; the broken order corrected and put back by mv;
# the second time there is nothing new.
. "$(dirname "$0")/lib.sh"
export SPOOLGATE_DEMO=$work/demo
"$top_srcdir/samples/demo/demo" >"$work/first" 2>&1
is $? 0 "the demo ends well"
first=$(sed 's/\x1b\[[0-9;]*m//g' "$work/first")
site=$work/demo/site
like "$first" 'order +500257' "the table names the order"
like "$first" 'PALLE2' "the broken order's error.txt names the unit nobody knows"
like "$first" 'what to do:' "and says what to do"
like "$first" 'mv spool/error/[^ ]+ spool/translate/' "it is put back by mv"
like "$first" 'archive/[0-9]{4}/[0-9]{2}/[0-9]{2}/' "the archive folder of one order is shown"
like "$first" 'ST\*850\*0001' "the 850 is printed readable"
is "$(folders "$site/spool/error")" 0 "nothing is left in error/"
is "$(find "$site/spool/outbox" -mindepth 2 -maxdepth 2 -type d | wc -l)" 0 "nothing is left in the outbox"
ok "the corrected order has arrived at the SFTP partner" test -s "$work/demo/partner/hansen/in/PO-500259.x12"
folder=$(grep -l '"500259"' "$site"/spool/archive/*/*/*/*/document.json | head -1 | xargs dirname)
ok "its source is as it was received" grep -q PALLE2 "$folder/source.json"
ok "its correction is beside it" grep -q '"PALL"' "$folder/corrected.json"
ok "the archive's checksums are right" env SPOOLGATE_CONFIG="$site/spoolgate.conf" "$SPOOLGATE" check --archive
before=$(archived | wc -l)
ls -R "$work/demo/partner" >"$work/partner.before"
"$top_srcdir/samples/demo/demo" >"$work/second" 2>&1
is $? 0 "the second run ends well"
is "$(archived | wc -l)" "$before" "it archives nothing new"
is "$(ls -R "$work/demo/partner")" "$(cat "$work/partner.before")" "and sends nothing new"
like "$(sed 's/\x1b\[[0-9;]*m//g' "$work/second")" 'nothing new' "and says so"
finish
