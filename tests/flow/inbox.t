#!/usr/bin/env bash
# What may lie in an inbox and must not hurt: temporary and growing files, links, devices, folders, names of any bytes.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
inbox=$site/spool/inbox/visma
order=$top_srcdir/samples/sandbox/visma
first_order() { # NUMBER: a purchase order as the ERP gives it
    sample_order "$1"
}
sample_order() { # NUMBER
    local token
    token=$(curl -s --cacert "$CA_FILE" "$CONNECT_URL/connect/token" -d grant_type=client_credentials -d client_id=isv_spoolgate_demo \
        -d client_secret=sandbox-visma-secret -d tenant_id=7d9c4b52-2f0a-4c8e-9a63-1b5e0c7f4d21 \
        --data-urlencode scope=vismanet_erp_service_api:read | jq -r .access_token)
    curl -s --cacert "$CA_FILE" -H "Authorization: Bearer $token" "$VISMA_URL/v1/purchaseorder/500257"
}
sample_order 500257 >"$work/order.json"
ok "a sample order is there" jq -e .orderNbr "$work/order.json"
numbered() { jq -c --arg n "$1" '.orderNbr=$n' "$work/order.json"; }
"$SPOOLGATE" config check
mkdir -p "$inbox"

"$SPOOLGATE" translator 1 2>"$work/translator.log" &
translator=$!
pids+=("$translator")
out=$site/spool/outbox
arrived() { find "$out" "$site/spool/archive" -name document.json -exec grep -l "\"number\": *\"$1\"" {} + 2>/dev/null | grep -q .; }
quiet() { sleep "${1:-0.5}"; }

# before the program sees them closed
numbered 700001 >"$work/x" && mv "$work/x" "$inbox/purchaseorder-700001.json"
ok "a file that is renamed in is taken" wait_for 5 arrived 700001
numbered 700002 >"$inbox/purchaseorder-700002.json"
ok "a file that is written and closed is taken" wait_for 5 arrived 700002
for name in .hidden.json order.json.tmp order.json.part order.json.filepart order.json.partial; do numbered 700003 >"$inbox/$name"; done
quiet
ok "dot and temporary names are left alone" test -e "$inbox/.hidden.json" -a -e "$inbox/order.json.part" -a -e "$inbox/order.json.filepart" -a -e "$inbox/order.json.tmp" -a -e "$inbox/order.json.partial"
mv "$inbox/order.json.part" "$inbox/purchaseorder-700003.json"
ok "and taken when renamed to a final name" wait_for 5 arrived 700003
rm -f "$inbox"/.hidden.json "$inbox"/order.json.*

# a file that grows
full=$(numbered 700004)
exec 8>"$inbox/purchaseorder-700004.json"
printf '%s' "${full:0:200}" >&8
quiet 1
ok "a file still open for writing is left alone" test -e "$inbox/purchaseorder-700004.json"
printf '%s' "${full:200}" >&8
exec 8>&-
ok "and taken when it is closed" wait_for 5 arrived 700004

# hostile entries
ln -s /etc/passwd "$inbox/purchaseorder-link.json"
mkfifo "$inbox/purchaseorder-fifo.json"
mkdir "$work/purchaseorder-folder.json"
numbered 700005 >"$work/purchaseorder-folder.json/inside.json"
mv "$work/purchaseorder-folder.json" "$inbox/" # whole: it is taken at once
[ "$(id -u)" -eq 0 ] && mknod "$inbox/purchaseorder-null.json" c 1 3 2>/dev/null
refused() { [ ! -L "$inbox/purchaseorder-link.json" ] && [ ! -e "$inbox/purchaseorder-fifo.json" ] && [ ! -e "$inbox/purchaseorder-folder.json" ] && [ ! -e "$inbox/purchaseorder-null.json" ]; }
ok "a link, a fifo, a folder and a device are refused" wait_for 10 refused
is "$(find "$site/spool/error" -name error.txt | wc -l)" "$(find "$site/spool/error" -mindepth 1 -maxdepth 1 -type d ! -name '.*' | wc -l)" "each with an error.txt"
ok "nothing that a link points to was read" test -z "$(grep -rl root:x: "$site/spool/error" "$site/spool/outbox" --include='source*' --include='*.txt' 2>/dev/null)"
ok "the link is kept as evidence, not followed" test -n "$(find "$site/spool/error" -type l -lname /etc/passwd)"
ok "the folder is kept with what is in it" test -n "$(find "$site/spool/error" -name inside.json)"

# names of any bytes
errors=$(folders "$site/spool/error")
newline=$'purchaseorder-a\nb.json' latin1=$'purchaseorder-\xe5\xf8\xff.json' dash=-rf.json
long=$(printf 'purchaseorder-%0240d' 7)
for name in "$newline" "$latin1" "$dash" "$long"; do printf 'not json' >"$inbox/$name"; done
bad() { [ "$(folders "$site/spool/error")" -ge $((errors + 4)) ]; }
ok "files with any bytes in their names are taken" wait_for 10 bad
is "$(find "$inbox" -mindepth 1 | wc -l)" 0 "and none is left in the inbox"
ok "their bytes are kept" test "$(grep -rlx 'not json' "$site/spool/error" --include='source*' | wc -l)" -ge 4
unlike "$(grep -c '' "$work/translator.log" >/dev/null; cat "$work/translator.log")" $'^b\\.json' "a newline in a name cannot forge a log line"
bad_json=$(grep -l '"file": *"purchaseorder-%E5%F8%FF.json"' "$site"/spool/error/*/document.json | head -1 | xargs dirname)
like "$(cat "$bad_json/error.txt")" '(line 1|JSON)' "error.txt says where the text is wrong"

# written while the program was down, in a source folder that is new, and in great numbers
kill "$translator"; wait "$translator" 2>/dev/null
numbered 700010 >"$inbox/purchaseorder-700010.json"
"$SPOOLGATE" translator 1 2>>"$work/translator.log" &
translator=$!
pids+=("$translator")
ok "a file that came while the program was down is taken" wait_for 10 arrived 700010
rm -rf "$inbox"
sleep 0.3
mkdir -p "$inbox"
numbered 700011 >"$inbox/purchaseorder-700011.json"
ok "a source folder made anew is noticed" wait_for 40 arrived 700011
# what people see of all that: no control character reaches a terminal, no line is forged, JSON is JSON
plain() { # FILE: UTF-8 with line feeds and no other control character
    iconv -f UTF-8 -t UTF-8 "$1" >/dev/null && ! LC_ALL=C grep -aqP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
}
forged=$'purchaseorder-\e]0;x\a\e[2J\xc2\x9b31m\x7f\xff\nERROR translator: forged.json'
evil=$'\e[31mev\xffil'
before=$(folders "$site/spool/error")
printf '{"a":"\e[2J' >"$inbox/$forged"
jq -c '.orderNbr="70\u00002\u001b[2J\u009b31m\nERROR translator: forged"' "$work/order.json" >"$inbox/purchaseorder-esc.json"
jq -c '.orderNbr="700020"|.supplier.number="\u001b]0;x\u0007\u009b\u0000"' "$work/order.json" >"$inbox/purchaseorder-partner.json"
jq -c '.orderNbr="700021"|.status="\u001b[2J\u009b\u007f"' "$work/order.json" >"$inbox/purchaseorder-status.json"
jq -c '.orderNbr="700022"|.lines[0].uom="\u001b[2J\u009b\u0000"|.lines[0].lineDescription="\u001b[2J"' "$work/order.json" >"$inbox/purchaseorder-unit.json"
mkdir -p "$site/spool/inbox/$evil"
numbered 700023 >"$site/spool/inbox/$evil/order.json"
seen() { [ "$(folders "$site/spool/error")" -ge $((before + 5)) ]; }
ok "documents with escape sequences and zero bytes in names, numbers and values go to error/" wait_for 20 seen
wait_for 10 arrived 700021
bad=$(find "$site/spool/error" -name error.txt -o -name document.json | while read -r f; do plain "$f" || echo "$f"; done)
is "$bad" "" "error.txt and document.json can be looked at with cat"
is "$(find "$site/spool/error" "$site/spool/archive" -name document.json -exec grep -l '"recovered"' {} +)" "" "and every document.json can be read again"
ok "no line of the log is forged" plain "$work/translator.log"
is "$(grep -Ec '(^|Z )ERROR translator: forged' "$work/translator.log")" 0 "not even by a file's name"
for command in "list" "list error" "list inbox" "list --json" "list --json error" "status" "status --json" "trace 700022 --json" "list no-such-$evil" "trace no-such-$evil"; do
    "$SPOOLGATE" $command >"$work/seen" 2>&1
    plain "$work/seen" || { echo "$command"; cat -v "$work/seen"; }
done >"$work/raw"
for name in $("$SPOOLGATE" list --names error); do
    "$SPOOLGATE" show "$name" >"$work/seen" && "$SPOOLGATE" show --json "$name" >"$work/seen.json"
    plain "$work/seen" && plain "$work/seen.json" && jq -e .document "$work/seen.json" >/dev/null || echo "show $name"
    for file in error.txt source.json; do
        script -qec "$SPOOLGATE show $name $file" /dev/null </dev/null | tr -d '\r' >"$work/seen"
        plain "$work/seen" || { echo "show $name $file"; cat -v "$work/seen"; }
    done
done >>"$work/raw"
is "$(cat "$work/raw")" "" "list, status, show and trace show them harmless, on a terminal too"
"$SPOOLGATE" list --json >"$work/list.json"
ok "each line of list --json is JSON" jq -es 'length > 5 and all(.path or .file)' "$work/list.json"
ok "status counts a source whose name is no text" test "$("$SPOOLGATE" status --json | jq '.inbox | length')" -ge 2
"$SPOOLGATE" check "$inbox/$forged" "$site"/spool/error/*/source.json >"$work/seen" 2>"$work/seen.err"
ok "check shows them harmless" plain "$work/seen"
rmdir "$site/spool/inbox/$evil"

mkdir "$work/many"
for n in $(seq 1 3000); do ln "$work/order.json" "$work/many/purchaseorder-dup-$n.json"; done 2>/dev/null
cp "$work"/many/* "$inbox/" 2>/dev/null
empty() { [ "$(find "$inbox" -type f | wc -l)" -eq 0 ]; }
ok "3000 files at once are all taken" wait_for 60 empty
copies() { find "$site/spool/archive" "$site/spool/outbox" -name document.json -exec grep -l '"number": *"500257"' {} + | wc -l; }
translated() { [ "$(copies)" -ge 3000 ]; }
wait_for 30 translated
is "$(copies)" 3000 "and each has its folder"
is "$(find "$out" -name document.json -exec grep -l '"number": *"500257"' {} + | wc -l)" 1 "identical ones are duplicates: one goes out"
ok "the translator still runs" kill -0 "$translator"
finish
