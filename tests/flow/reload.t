#!/usr/bin/env bash
# A changed configuration, partner's file, map or table is noticed by the running gateway, however it was changed: written in
# place, renamed over as editors do, or a link turned to another folder as the deployment of configurations does. It is taken
# when it is in order, and refused with a word when it is not.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/one" "$work/two" "$work/out"
make_release() { # DIR
    mkdir -p "$1/partners.d" "$1/maps/codes"
    cat >"$1/spoolgate.conf" <<END
[spoolgate]
spool = $work/spool
state = $work/state.db
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
END
    cat >"$1/partners.d/fjord.conf" <<END
[partner fjord]
name = Fjord AS
erp_id = 50000
usage = test
isa_id = FJORD
[send order]
form = x12
map = own-850
endpoint = out
file_name = {number}.x12
END
    echo 'extends x12/850' >"$1/maps/own-850.map"
}
make_release "$work/releases/1"
ln -s releases/1 "$work/current"
export SPOOLGATE_CONFIG=$work/current/spoolgate.conf
"$SPOOLGATE" run >"$work/out.log" 2>"$work/run.log" &
run=$!
pids+=("$run")
wait_for 20 test -s "$work/spool/.run.json" || { fail "the gateway starts" "$(cat "$work/run.log")"; finish; }
taken() { grep -c 'the configuration was read again' "$work/run.log"; }
refused() { grep -c 'is not in order: the one in force stays' "$work/run.log"; }
one_more() { # COMMAND counted before: once more than $before
    [ "$("$1")" -gt "$before" ]
}
noticed() { # text
    ok "$1" wait_for 30 one_more taken
}
change() { before=$(taken); }
sent() { # an order that is dropped now gets to the partner; its message
    local number
    number=$(($(ls "$work/out" | wc -l) + 1))
    jq -c ".[0] | .orderNbr = \"$number\" | .supplier.number = \"50000\"" "$top_srcdir/samples/sandbox/visma/purchaseorder.json" >"$work/new"
    mkdir -p "$work/spool/inbox/erp"
    mv "$work/new" "$work/spool/inbox/erp/order-$number.json"
    wait_for 20 test -s "$work/out/$number.x12" && cat "$work/out/$number.x12"
}
like "$(sent)" '\*US  .*\*FJORD ' "an order goes to the partner"
change
sed -i 's/isa_id = FJORD/isa_id = FJORDPARTS/' "$work/current/partners.d/fjord.conf"
noticed "sed -i of a partner's file is noticed"
like "$(sent)" '\*FJORDPARTS ' "and taken"
change
cat "$work/current/partners.d/fjord.conf" | sed 's/isa_id = FJORDPARTS/isa_id = IN-PLACE/' >"$work/text" && cat "$work/text" >"$work/current/partners.d/fjord.conf"
noticed "a partner's file written in place is noticed"
like "$(sent)" '\*IN-PLACE ' "and taken"
change
printf 'extends x12/850\nREF[01=IA]02 = "BY-MAP"\n' >"$work/current/maps/.own-850.map.swp"
mv "$work/current/maps/.own-850.map.swp" "$work/current/maps/own-850.map"
noticed "a map renamed over, as editors do, is noticed"
like "$(sent)" 'REF\*IA\*BY-MAP' "and taken"

# ---- what is not in order ----
before=$(refused)
echo 'BEG99 : nothing {{{' >>"$work/current/maps/own-850.map"
ok "a map with a mistake is refused" wait_for 30 one_more refused
like "$(tail -5 "$work/run.log")" 'own-850\.map:[0-9]+:[0-9]+' "with file, line and column"
like "$(sent)" 'REF\*IA\*BY-MAP' "what was in force goes on"
for p in $(pgrep -P "$run"); do case $(cat "/proc/$p/comm") in translator*) kill -9 "$p" ;; esac; done
like "$(sent)" 'REF\*IA\*BY-MAP' "also in a translator that was started again meanwhile"
sleep 2.5
is "$(refused)" $((before + 1)) "it is told once"
change
sed -i '$d' "$work/current/maps/own-850.map"
noticed "the correction is noticed"
change
touch "$work/state.db.note" "$work/spool/note"
sqlite3 "$work/state.db" 'PRAGMA user_version' >/dev/null
sleep 2.5
is "$(taken)" "$before" "what happens beside the configuration is not taken for a change of it"

# ---- links that are turned ----
make_release "$work/releases/2"
sed -i 's/isa_id = US/isa_id = SECOND/' "$work/releases/2/spoolgate.conf"
change
ln -s releases/2 "$work/next" && mv -T "$work/next" "$work/current"
noticed "a link to the whole configuration that was turned is noticed"
like "$(sent)" '\*SECOND ' "and the other folder is taken"
change
sed -i 's/isa_id = FJORD/isa_id = LATER/' "$work/releases/2/partners.d/fjord.conf"
noticed "what changes in the other folder then is noticed"
like "$(sent)" '\*LATER ' "and taken"
cp -r "$work/releases/2/partners.d" "$work/partners-1"
cp -r "$work/releases/2/partners.d" "$work/partners-2"
sed -i 's/isa_id = LATER/isa_id = LINKED/' "$work/partners-2/fjord.conf"
ln -s "$work/partners-1" "$work/partners"
rm -r "$work/releases/2/partners.d"
change
ln -s ../../partners "$work/releases/2/partners.d"
noticed "a folder of partners that became a link is noticed"
change
ln -s "$work/partners-2" "$work/partners.new" && mv -T "$work/partners.new" "$work/partners"
noticed "a link on the way to it that was turned is noticed"
like "$(sent)" '\*LINKED ' "and taken"
change
mkdir "$work/releases/2/maps/deep"
sleep 1.5
mkdir "$work/releases/2/maps/deep/er"
echo 'extends x12/850' >"$work/releases/2/maps/deep/er/x.map"
noticed "a file in a folder that was made later is noticed"
kill -TERM $run
wait $run
is $? 0 "it stops in order"
finish
