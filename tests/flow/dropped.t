#!/usr/bin/env bash
# Who drops a file and keeps a hand in it: two writers, a descriptor or a hard link that is kept, clients that look back
# at what they closed, and people who put things where they do not belong.
. "$(dirname "$0")/lib.sh"
invoice=$top_srcdir/samples/documents/visma-customer-invoice.json
base=$work/base
customer=games gateway=news
root=no
[ "$(id -u)" -eq 0 ] && getent passwd $customer >/dev/null && getent passwd $gateway >/dev/null && root=yes
chmod 0755 "$work"
mkdir -p "$base/partners.d" "$base/out"
cat >"$base/spoolgate.conf" <<EOF
[spoolgate]
translators = $SPOOLGATE_TRANSLATORS
settle = 2
[us]
isa_id = NORDMATBUY
[endpoint lofoten]
adapter = directory
directory = $base/out
[route lofoten]
source = lofoten
map = visma/customer-invoice
[route patient]
source = patient
map = visma/customer-invoice
[source patient]
wait_after_close = 3600
EOF
cat >"$base/partners.d/lofoten.conf" <<EOF
[partner lofoten]
erp_id = 10021
usage = test
isa_id = LOFOTEN
[send invoice]
form = x12
map = x12/810
endpoint = lofoten
file_name = INV-{number}.x12
EOF
export SPOOLGATE_CONFIG=$base/spoolgate.conf
"$SPOOLGATE" config check
is $? 0 "the configuration is in order"
like "$("$SPOOLGATE" config show source patient)" 'wait_after_close = 3600' "config show has the setting"
sed 's/^\[source patient\]/[source patent]/' "$base/spoolgate.conf" >"$base/wrong.conf"
like "$("$SPOOLGATE" config check -c "$base/wrong.conf" 2>&1)" 'No route has the source patent' "a source that no route has is a mistake"

spool=$base/spool
inbox=$spool/inbox/lofoten
numbered() { jq -c --arg n "$1" '.referenceNumber=$n' "$invoice"; }
arrived() { find "$spool/outbox" "$spool/archive" -name document.json -exec grep -l "\"number\": *\"$1\"" {} + 2>/dev/null | grep -q .; }
folder() { dirname "$(find "$spool/outbox" "$spool/archive" -name document.json -exec grep -l "\"number\": *\"$1\"" {} + | head -1)"; }
in_error() { [ "$(folders "$spool/error")" -ge "$1" ]; }
start() { # command...
    "$@" "$SPOOLGATE" translator 1 2>>"$work/translator.log" &
    translator=$!
    pids+=("$translator")
    wait_for 20 test -d "$spool/translate/.work-1"
}
stop() { kill "$translator"; wait "$translator" 2>/dev/null; }
start env
wait_for 10 test -d "$inbox"

# ---- two writers ----
whole=$(numbered 1001)
exec 8>"$inbox/1001.json" 9>>"$inbox/1001.json"
printf '%s' "${whole:0:200}" >&8
exec 8>&-
sleep 3 # longer than settle
ok "the first of two closes does not make it ready" test -e "$inbox/1001.json" -a "$(folders "$spool/error")" -eq 0
printf '%s' "${whole:200}" >&9
exec 9>&-
ok "the second one does" wait_for 20 arrived 1001
is "$(jq -r .referenceNumber "$(folder 1001)/source.json")" 1001 "and it is whole"

# ---- a hand kept in it ----
numbered 1002 >"$inbox/.1002"
ln "$inbox/.1002" "$base/kept"
mv "$inbox/.1002" "$inbox/1002.json"
ok "a file with a second name is taken" wait_for 20 arrived 1002
printf altered >"$base/kept"
"$SPOOLGATE" show "$(basename "$(folder 1002)")" >"$work/shown"
is $? 0 "what is written by that name alters nothing that was taken"
is "$(jq -r .referenceNumber "$(folder 1002)/source.json")" 1002 "the source is what was received"
is "$(stat -c %h "$(folder 1002)/source.json")" 1 "and has one name"
is "$(find "$spool/outbox" "$spool/translate" -name '.*received*')" "" "nothing is left of the original"
like "$(cat "$work/shown")" "owner +$(id -un) \(uid $(id -u)\)" "show says whose file it was"

# ---- where they do not belong ----
printf x >"$spool/inbox/stray.json"
stray() { "$SPOOLGATE" status | grep -q 'inbox/stray.json'; }
ok "a stray file in inbox/ is in status" wait_for 10 stray
touch "$spool/inbox/again" && rm "$spool/inbox/again"
mkdir "$spool/inbox/more" && rmdir "$spool/inbox/more"
sleep 1
is "$(grep -c 'stray.json lies in inbox/ itself' "$work/translator.log")" 1 "and told once"
rm "$spool/inbox/stray.json"
stop
"$SPOOLGATE" translator 1 2>>"$work/race.log" & pids+=($!); one=$!
"$SPOOLGATE" translator 2 2>>"$work/race.log" & pids+=($!); other=$!
sleep 1
mkdir "$work/strays"
for i in $(seq 300); do printf x >"$work/strays/$i.json"; done
mv "$work"/strays/* "$spool/translate/"
no_strays() { [ "$(find "$spool/translate" -maxdepth 1 -name '*.json' | wc -l)" -eq 0 ]; }
ok "two translators put away what is no folder in translate/" wait_for 60 no_strays
sleep 1
is "$(folders "$spool/error")" 300 "each once"
is "$(grep -c -i 'error' "$work/race.log")" 0 "and their race is no error"
kill $one $other; wait $one $other 2>/dev/null
rm -rf "$spool"/error/*

# ---- moved by hand ----
start env
numbered 1003 >"$inbox/1003.json"
wait_for 20 arrived 1003
mv "$(folder 1003)" "$spool/translate/"
by_hand() { grep -q 'moved by hand to translate/' "$(folder 1003)/document.json"; }
ok "a document moved back out of its outbox: the history says so" wait_for 20 by_hand
printf 'nonsense' >"$inbox/1004.json"
wait_for 20 in_error 1
name=$(basename "$spool"/error/*)
numbered 1004 >"$spool/error/$name/corrected.json"
chmod 666 "$spool/error/$name/corrected.json"
"$SPOOLGATE" retry --reason "as they said on the telephone" "$name"
ok "a correction goes through" wait_for 20 arrived 1004
history=$("$SPOOLGATE" show "$(basename "$(folder 1004)")")
like "$history" 'put back from error/ to translate by spoolgate retry: as they said on the telephone' "the history has the reason"
unlike "$history" 'by hand' "and nothing of a hand that was not there"
like "$history" "corrected.json is translated in place of the source; its owner is $(id -un)" "and whose correction it was"
is "$(stat -c %a "$(folder 1004)/corrected.json")" 640 "which nobody else can write to any more"

# ---- another user ----
if [ $root = no ]; then
    skip "another user's files" "needs root, and the accounts $customer and $gateway"
    stop
    finish
    exit
fi
chmod 0755 "$base" "$spool" "$spool/inbox" # only what the customer has to see
for d in lofoten patient; do chown $customer "$spool/inbox/$d"; done
as_customer() { runuser -u $customer -- "$@"; }
cat >"$work/customer" <<'EOF'
# half through one descriptor, its close, the rest through the other; and a third one, for reading, that is kept
exec 8>"$1" 9>>"$1" 7<"$1"
head -c 200 "$2" >&8
exec 8>&-
sleep "$3"
tail -c +201 "$2" >&9
exec 9>&-
sleep 1000 & sleeping=$!
echo "$sleeping" >"$4"
trap 'printf XXXX 1<>/proc/self/fd/7; kill $sleeping; exit' TERM
wait
EOF
numbered 2001 >"$work/2001.json"
chmod 0755 "$work/customer" "$work/2001.json"
install -d -o $customer "$base/customer"
as_customer bash "$work/customer" "$inbox/2001.json" "$work/2001.json" 3 "$base/customer/pid" &
pids+=($!)
ok "a customer's file with two writers arrives" wait_for 30 arrived 2001
is "$(jq -r .referenceNumber "$(folder 2001)/source.json")" 2001 "whole"
like "$("$SPOOLGATE" show "$(basename "$(folder 2001)")")" "owner +$customer \(uid $(id -u $customer)\)" "the history has its owner"
is "$(stat -c %U "$(folder 2001)/source.json")" root "the source is ours"
kill "$(ps -o ppid= -p "$(cat "$base/customer/pid")" | tr -d ' ')"
sleep 0.5
"$SPOOLGATE" show "$(basename "$(folder 2001)")" >/dev/null
is $? 0 "and a descriptor that was kept does not reach it"

# clients that look back
if command -v rsync >/dev/null; then
    mkdir "$work/many"
    for n in $(seq 2100 2139); do numbered "$n" >"$work/many/$n.json"; done
    touch -d '2026-01-01' "$work"/many/*
    chmod -R a+rX "$work/many"
    as_customer rsync --recursive --inplace --times --omit-dir-times "$work/many/" "$inbox/" >"$work/rsync" 2>&1
    is $? 0 "rsync --inplace, which sets the times behind the close, finds its files"
    all_arrived() { [ "$(find "$spool/outbox" -name document.json -exec grep -h '"number": *"21[0-3][0-9]"' {} + | sort -u | wc -l)" -eq 40 ]; }
    ok "which arrive" wait_for 60 all_arrived
else
    skip "rsync --inplace" "rsync is not installed"
fi
numbered 2003 >"$work/2003.json"
chmod 0644 "$work/2003.json"
as_customer bash -c "cat '$work/2003.json' >'$inbox/2003.json'; sleep 0.4; touch -d 2026-01-01 -c '$inbox/2003.json' && test -e '$inbox/2003.json'"
is $? 0 "so does a client that takes its time for it"
ok "and its file arrives" wait_for 20 arrived 2003

# what waits, and what does not
as_customer bash -c "cat '$work/2003.json' >'$spool/inbox/patient/customers.json'"
numbered 2004 >"$spool/inbox/patient/operators.json"
ok "what an operator puts in does not wait for that" wait_for 20 arrived 2004
ok "a customer's does, as long as the source's setting says" test -e "$spool/inbox/patient/customers.json"
rm "$spool/inbox/patient/customers.json"
stop

# kill -9 at any time, while the customer drops files whose second name he keeps
cat >"$work/dropper" <<'EOF'
for f in "$2"/*; do
    name=$(basename "$f")
    head -c 300 "$f" >"$1/$name"
    ln "$1/$name" "$3/$name" && tail -c +301 "$f" >>"$3/$name" # by the other name, at once
done
sleep 8
for f in "$3"/*.json; do printf XXXX 1<>"$f"; done
EOF
mkdir "$work/pile"
for n in $(seq 2201 2260); do numbered "$n" >"$work/pile/$n.json"; done
chmod -R a+rX "$work/pile" "$work/dropper"
as_customer bash "$work/dropper" "$inbox" "$work/pile" "$base/customer" &
dropper=$!
pids+=("$dropper")
for k in $(seq 25); do
    "$SPOOLGATE" translator 1 2>>"$work/translator.log" &
    translator=$!
    sleep "0.$((RANDOM % 5 + 1))$((RANDOM % 10))"
    kill -9 $translator
    wait $translator 2>/dev/null
done
start env
wait $dropper
piled() { [ "$(find "$spool/outbox" -name document.json -exec grep -h '"number": *"22[0-6][0-9]"' {} + | sort -u | wc -l)" -ge 60 ]; }
ok "of a customer's files none is lost through 25 kills" wait_for 60 piled
is "$(find "$spool/outbox" -name document.json -exec grep -h '"number": *"22[0-6][0-9]"' {} + | sort | uniq -d)" "" "none is there twice"
is "$(folders "$spool/error")" 0 "none was taken half"
for d in $(grep -l '"number": *"22[0-6][0-9]"' "$spool"/outbox/lofoten/*/document.json | xargs -n 1 dirname); do
    [ "$(jq -r .referenceNumber "$d/source.json" 2>&1)" = "$(jq -r .number "$d/document.json")" ] || echo "$d"
    [ "$(stat -c '%u %h' "$d/source.json")" = "0 1" ] || echo "$d"
done >"$work/altered"
is "$(cat "$work/altered")" "" "and each is ours, and what was received"
is "$(find "$spool/translate" "$spool/outbox" -name '.received*' -o -name '.copy*' -o -name '.given-back')" "" "nothing is left in between"
stop

# ---- the gateway as a user of its own, without and with CAP_LEASE ----
chown -R $gateway "$base"
chown $customer "$spool/inbox/lofoten" "$spool/inbox/patient"
chgrp "$(id -gn $customer)" "$spool/inbox/lofoten"
chmod 2770 "$spool/inbox/lofoten"
groups="$(id -g $customer)"
cp "$SPOOLGATE" "$base/spoolgate" && chmod 0755 "$base/spoolgate"
cp -r "$SPOOLGATE_TRANSLATORS" "$base/translators" && chmod -R a+rX "$base/translators"
sed -i "s|^translators = .*|translators = $base/translators|" "$base/spoolgate.conf"
as_gateway=(setpriv --reuid=$gateway --regid="$(id -g $gateway)" --groups="$groups" --inh-caps=-all --)
leasing=(setpriv --reuid=$gateway --regid="$(id -g $gateway)" --groups="$groups" --inh-caps=-all,+lease --ambient-caps=+lease --)
SPOOLGATE=$base/spoolgate
numbered 3001 >"$work/3001.json"; numbered 3002 >"$work/3002.json"
chmod 0644 "$work"/300?.json
start "${as_gateway[@]}"
as_customer bash -c "umask 0007; cat '$work/3001.json' >'$inbox/3001.json'"
ok "without CAP_LEASE a customer's file is taken when it was left alone" wait_for 30 arrived 3001
is "$(stat -c %U "$(folder 3001)/source.json")" $gateway "as the gateway's own"
is "$(grep -c 'inbox/lofoten cannot be asked: without CAP_LEASE' "$work/translator.log")" 1 "and the log says once what that rests on"
stop
start "${leasing[@]}"
as_customer bash -c "umask 0007; exec 8>'$inbox/3002.json' 9>>'$inbox/3002.json'; head -c 200 '$work/3002.json' >&8; exec 8>&-
    sleep 6; tail -c +201 '$work/3002.json' >&9"
ok "with it a writer that pauses for longer than settle is waited for" wait_for 30 arrived 3002
is "$(folders "$spool/error")" 0 "and nothing was taken half"
stop
finish
