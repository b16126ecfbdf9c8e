#!/usr/bin/env bash
# A folder that was given another name, and a state that is lost: show, trace and retry say where it stands and what to do,
# and the command that they print does it.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
"$SPOOLGATE" run --until-idle --limit 60 >"$work/out" 2>"$work/log"
failed=$("$SPOOLGATE" list --names error | head -1)
number=$(jq -r '.number // empty' "$site/spool/error/$failed/document.json")
like "$failed" '^20' "there is a document in error/"
other=${failed%-*}-abcdef

back() { # runs the mv that was printed
    local mv
    mv=$(sed -n 's/^  \(mv .*\)/\1/p' "$work/said")
    eval "$mv"
}
try_both() { # NAME: as an operator would call it
    local text=$1
    mv "$site/spool/error/$failed" "$site/spool/error/$2"
    "$SPOOLGATE" retry "$failed" >"$work/said" 2>&1
    is $? 1 "$text: retry by its old name is refused"
    like "$(cat "$work/said")" "$failed was given another name: its folder is now $site/spool/error/$2" "and says where it stands"
    like "$(cat "$work/said")" "lost to it under another" "and that the state does not know it so"
    ok "the command it prints" back
    ok "gives its name back" test -d "$site/spool/error/$failed"
    mv "$site/spool/error/$failed" "$site/spool/error/$2"
    "$SPOOLGATE" trace "$failed" >"$work/said" 2>&1
    like "$(cat "$work/said")" "its folder is now $site/spool/error/$2" "$text: trace says where it stands"
    like "$("$SPOOLGATE" trace --json "$failed" | jq -r .renamed)" "^error/$2$" "for scripts, too"
    "$SPOOLGATE" show "$failed" >"$work/said" 2>&1
    like "$(cat "$work/said")" "its folder is now $site/spool/error/$2" "$text: so does show"
    back
}
try_both "a name of one's own" waits-for-anna
try_both "another document's name" "$other"
mv "$site/spool/error/$failed" "$site/spool/error/$other"
"$SPOOLGATE" show "$failed" >"$work/said" 2>&1
is $? 0 "show shows it under the new name"
like "$(cat "$work/said")" "former name +$failed" "with its former one"
"$SPOOLGATE" retry "$other" >"$work/said" 2>&1
is $? 1 "retry by the new name is refused"
like "$(cat "$work/said")" "$failed was given another name" "with the same words"
back
"$SPOOLGATE" retry "$failed" >"$work/said" 2>&1
is $? 0 "with its own name it is put back"
rm -rf "$site/spool/translate/$failed"
"$SPOOLGATE" retry "$failed" >"$work/said" 2>&1
like "$(cat "$work/said")" 'nowhere else in the spool' "one that is not there at all is nowhere"

# one in the archive, which the state knows by its number
done=$(basename "$(archived | head -1)")
order=$(jq -r .number "$(archived | head -1)/document.json")
folder=$(archived | head -1)
mv "$folder" "${folder%/*}/kept-for-the-auditor"
"$SPOOLGATE" trace "$order" >"$work/said"
like "$(cat "$work/said")" "$done was given another name: its folder is now .*kept-for-the-auditor" "trace of a number finds a renamed folder of the archive"
back
ok "which the printed command puts right" test -d "$folder"

# the state
rm -f "$site/state.db"*
for c in "trace $order" "show $done" "retry $done"; do
    "$SPOOLGATE" $c >"$work/said" 2>&1
    like "$(cat "$work/said")" "the state .*state.db is not there, though documents were handled.*spoolgate reindex" "${c%% *} says that the state is lost"
done
"$SPOOLGATE" trace "$order" >/dev/null 2>&1
is $? 73 "trace does not say that nobody speaks of a number, when nobody could know"
"$SPOOLGATE" reindex >/dev/null 2>&1
"$SPOOLGATE" trace "$order" >"$work/said" 2>&1
is $? 0 "the command it names makes it anew"
finish
