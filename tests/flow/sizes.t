#!/usr/bin/env bash
# Sizes that nobody sends by good intention: a clear sentence, nothing lost, and a translator that stays small.
. "$(dirname "$0")/lib.sh"
VISMA_URL=https://127.0.0.1:1 CONNECT_URL=https://127.0.0.1:1 ORDERFUL_URL=https://127.0.0.1:1 CA_FILE=/dev/null
SFTP_USER=nobody
make_site "$work/site"
inbox=$site/spool/inbox/visma
"$SPOOLGATE" config check
mkdir -p "$inbox"
translator=
start_translator() {
    "$SPOOLGATE" translator 1 2>>"$work/translator.log" &
    translator=$!
    pids+=("$translator")
}
peak() { # megabytes that the translator had in memory at most
    awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$translator/status"
}
stop_translator() { kill "$translator"; wait "$translator" 2>/dev/null; }
error_of() { # FILE: its folder in error/
    grep -l "\"file\": *\"$1\"" "$site"/spool/error/*/document.json 2>/dev/null | head -1 | xargs -r dirname
}
failed() { [ -n "$(error_of "$1")" ]; }
start_translator

truncate -s 1G "$work/huge" && mv "$work/huge" "$inbox/purchaseorder-huge.json"
ok "a file of 1 GB goes to error/" wait_for 60 failed purchaseorder-huge.json
folder=$(error_of purchaseorder-huge.json)
like "$(cat "$folder/error.txt")" 'larger than 256 MiB' "error.txt says how much is taken"
is "$(stat -c %s "$folder"/source.json)" 1073741824 "its bytes are kept"
ok "in little memory ($(peak) MB)" test "$(peak)" -lt 64

{ printf '{"orderNbr":"1","status":"Open","lines":['; yes '{},' | head -c 60000000 | tr -d '\n'; printf '{}]}'; } >"$work/wide"
mv "$work/wide" "$inbox/purchaseorder-wide.json"
ok "a document of fifteen million lines goes to error/" wait_for 60 failed purchaseorder-wide.json
like "$(cat "$(error_of purchaseorder-wide.json)/error.txt")" 'more than 4000000 values' "error.txt says how many are read"
head -c 100000 /dev/zero | tr '\0' '[' >"$work/deep" && mv "$work/deep" "$inbox/purchaseorder-deep.json"
ok "one that is 100000 levels deep, too" wait_for 60 failed purchaseorder-deep.json
like "$(cat "$(error_of purchaseorder-deep.json)/error.txt")" 'line 1, column 65: .*64|deeper in each other than 64' "error.txt says how deep one may be"
ok "in bounded memory ($(peak) MB)" test "$(peak)" -lt 700
ok "the translator still runs" kill -0 "$translator"
stop_translator
finish
