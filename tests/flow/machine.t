#!/usr/bin/env bash
# What is wrong with the machine judges no document: a table, a map or a source that cannot be read now, or that an
# installation is replacing at that moment, ends the role or is waited for; the document comes through afterwards.
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
strace -D -f -e trace=none -o /dev/null true 2>/dev/null || skip_all "processes may not be traced here"
cp -r "$top_srcdir/translators" "$work/translators"
cp -r "$work/translators/x12/004010" "$work/translators/x12/009910"
export SPOOLGATE_TRANSLATORS=$work/translators SPOOLGATE_CONFIG=$work/spoolgate.conf
tables=$work/translators/x12 spool=$work/spool
mkdir -p "$work/partners.d" "$work/out" "$work/maps"
cat >"$work/spoolgate.conf" <<END
[spoolgate]
spool = spool
state = state.db
[us]
name = Us
isa_id = US
[endpoint out]
adapter = directory
directory = $work/out
[route orders]
source = erp
file = order-*
map = visma/purchase-order
[route interchanges]
source = customer
map = x12/850
END
cat >"$work/partners.d/fjord.conf" <<END
[partner fjord]
name = Fjord AS
erp_id = 50000 1
usage = test
isa_id = FJORD
[send order]
form = x12
map = x12/850
endpoint = out
file_name = {number}.x12
END
order() { # NUMBER FILE: as JSON
    jq -c ".[0] | .orderNbr = \"$1\" | .supplier.number = \"50000\"" "$top_srcdir/samples/sandbox/visma/purchaseorder.json" >"$2"
}
order 1 "$work/order-1.json"
"$SPOOLGATE" translate --map visma/purchase-order --partner fjord "$work/order-1.json" "$work/sample.x12" >&2 || { fail "a sample can be made"; finish; }
interchange() { # NUMBER FILE: from the partner to us, of a version that nothing in the configuration names, so it is not loaded before
    sed "s/\*004010~/*009910~/; s/BEG\*00\*SA\*1\*/BEG*00*SA*$1*/; s/000000001/$(printf %09d "$1")/g
        s/ZZ\*US             \*ZZ\*FJORD          /ZZ*FJORD          *ZZ*US             /; s/GS\*PO\*US\*FJORD/GS*PO*FJORD*US/" "$work/sample.x12" >"$2"
}
mkdir -p "$spool"/inbox/{erp,customer}
drop() { # SOURCE FILE
    cp "$2" "$spool/inbox/$1/.new" && mv "$spool/inbox/$1/.new" "$spool/inbox/$1/${2##*/}"
}
errors() { folders "$spool/error"; }
waiting() { find "$spool/inbox" -type f ! -name '.*' | wc -l; }
role_pid=
ended() { ! kill -0 "$role_pid" 2>/dev/null || [ "$(ps -o stat= -p "$role_pid" | cut -c1)" = Z ]; }
settled() { ended || { [ "$(waiting)" = 0 ] && [ -z "$(find "$spool/translate" -mindepth 1 -maxdepth 2 -type d ! -name '.work-*' -print -quit)" ]; }; }
run_translator() { # strace arguments or none
    if [ $# -gt 0 ]; then
        strace -D -f -qq -o "$work/trace" -e signal=none "$@" "$SPOOLGATE" translator 1 2>>"$work/role.log" &
    else
        "$SPOOLGATE" translator 1 2>>"$work/role.log" &
    fi
    role_pid=$!
    wait_for 60 settled
    kill -TERM "$role_pid" 2>/dev/null
    wait "$role_pid" 2>/dev/null
}

# ---- one call that fails ----
n=100 lost=
disturbed() { # what, file that cannot be read, call, error
    n=$((n + 1))
    interchange $n "$work/customer-$n.x12"
    drop customer "$work/customer-$n.x12"
    order 9$n "$work/order-9$n.json"
    drop erp "$work/order-9$n.json"
    run_translator -P "$2" -e "trace=$3" -e "inject=$3:error=$4:when=1"
    grep -q INJECTED "$work/trace" || fail "$1: $3 was made to fail" "$(tail -3 "$work/role.log")"
    run_translator
    [ "$(errors)" = 0 ] || { lost="$lost $1"; rm -r "$spool"/error/*; }
}
for call in openat read; do
    for error in EIO EINTR ENOMEM EMFILE; do
        [ "$call $error" != 'openat ENOMEM' ] || continue
        [ "$call $error" != 'read EMFILE' ] || continue
        disturbed "a table of the version received: $call $error" "$tables/009910/codes/355.tsv" $call $error
        disturbed "a table of the version sent: $call $error" "$tables/004010/segments.tsv" $call $error
    done
    disturbed "a map: $call" "$work/translators/x12/850.map" $call EIO
    disturbed "a code table: $call" "$work/translators/codes/x12-unit.tsv" $call EIO
    disturbed "a schema: $call" "$work/translators/canonical/order.json" $call EIO
done
is "$lost" "" "$((n - 100)) times something could not be read, and no document went to error/"
is "$(folders "$spool/outbox/out")" $((2 * (n - 100))) "all of them wait in the outbox"
is "$(find "$spool" -name 'crash-*.txt' | wc -l)" 0 "and none was blamed"
# the source itself, which is opened below its folder
interchange 90 "$work/customer-90.x12"
drop customer "$work/customer-90.x12"
strace -D -f -qq -o "$work/trace" -e signal=none -e trace=openat "$SPOOLGATE" translator 1 2>>"$work/role.log" &
role_pid=$!; wait_for 60 settled; kill "$role_pid"; wait "$role_pid"
at=$(grep -o 'openat([0-9]*, "source\.x12"' "$work/trace" | wc -l)
ok "the source is opened" test "$at" -gt 0
nth=$(grep -n 'openat([0-9]*, "source\.x12"' "$work/trace" | head -1 | cut -d: -f1)
interchange 89 "$work/customer-89.x12"
drop customer "$work/customer-89.x12"
strace -D -f -qq -o "$work/trace" -e signal=none -e trace=openat -e "inject=openat:error=EIO:when=$nth" "$SPOOLGATE" translator 1 2>>"$work/role.log" &
role_pid=$!; wait_for 60 settled; kill "$role_pid" 2>/dev/null; wait "$role_pid"
like "$(grep INJECTED "$work/trace")" 'source\.x12' "and cannot be opened another time"
run_translator
is "$(errors)" 0 "which judges no document either"

# ---- what things are called ----
cp -r "$work/translators/names/x12/004010" "$work/translators/names/x12/009910"
faulty() { # NUMBER: an interchange with a unit that is no code, which the partner has to correct
    interchange "$1" "$work/whole-$1.x12"
    sed 's/\*EA\*/*QQ*/' "$work/whole-$1.x12" >"$work/faulty-$1.x12"
    drop customer "$work/faulty-$1.x12"
}
faulty 88
run_translator
like "$(cat "$spool"/error/*/error.txt)" 'element PO103 \(Unit or Basis for Measurement Code\)' "a fault is told with the element's name, from within the confinement"
rm -r "$spool"/error/*
for call in openat read; do
    faulty 8$((${#call} + 1))
    run_translator -P "$work/translators/names/x12/009910/elements.tsv" -e "trace=$call" -e "inject=$call:error=EIO"
    like "$(cat "$work/trace")" INJECTED "its name cannot be read: $call"
    text=$(cat "$spool"/error/*/error.txt)
    like "$text" 'element PO103$' "the fault is told without it"
    like "$text" 'no.* code' "and as before"
    rm -r "$spool"/error/*
done
is "$(find "$spool" -name 'crash-*.txt' | wc -l)" 0 "the role went on"
rm -r "$work/translators/names"
faulty 80
run_translator
like "$(cat "$spool"/error/*/error.txt)" 'element PO103$' "an installation without names judges the same"
rm -r "$spool"/error/*
cp -r "$top_srcdir/translators/names" "$work/translators/names"

# ---- an installation in mid-flight ----
rm -rf "$spool/outbox/out"/2*
mkdir -p "$spool/outbox/out"
"$SPOOLGATE" run 2>"$work/run.log" &
run=$!
pids+=("$run")
wait_for 20 test -s "$spool/.run.json"
table=$tables/009910/codes/355.tsv
cp "$table" "$work/whole"
interchange 91 "$work/half-91.x12"
# half of a table is a table, too: the unit of the order is not in it
head -3 "$work/whole" >"$table"
drop customer "$work/half-91.x12"
for ((i = 0; i < 30; i++)); do echo "#" >>"$table"; sleep 0.1; done
cp "$work/whole" "$table"
arrived() { [ -s "$work/out/$1.x12" ] || [ "$(errors)" -gt 0 ]; }
ok "a document whose tables are being replaced is waited for" wait_for 60 arrived 91
is "$(errors)" 0 "and not judged by half a table" 
cat "$spool"/error/*/error.txt
for i in 1 2 3 4 5; do
    (cd "$top_srcdir/translators" && find . -type f | while read -r f; do install -m 644 "$f" "$work/translators/$f"; done)
done &
install=$!
for ((i = 200; i < 220; i++)); do
    interchange $i "$work/i-$i.x12"; drop customer "$work/i-$i.x12"
    order $((i + 100)) "$work/order-$((i + 100)).json"; drop erp "$work/order-$((i + 100)).json"
    sleep 0.1
done
wait $install
all_there() { [ "$(errors)" -gt 0 ] || [ "$(ls "$work/out" | grep -c '^[23][0-9][0-9]\.x12$')" = 40 ]; }
ok "while everything is installed anew, documents come through" wait_for 120 all_there
is "$(errors)" 0 "none of them went to error/"
kill -TERM $run; wait $run
finish
