#!/usr/bin/env bash
# The program as it was built, from a clone and without any variable: it finds the maps and dictionaries it came with. Where there
# are none it says so once, and does not blame the sender of each of thousands of sets.
. "$(dirname "$0")/lib.sh"
unset SPOOLGATE_TRANSLATORS SPOOLGATE_CONFIG
cd "$work" || exit 1
sample=$top_srcdir/tests/corpus/x12/850-several-sets.x12
like "$("$SPOOLGATE" check "$sample" 2>&1)" ': in order: [0-9]+ sets, 004010$' "check needs no variable"
is "$("$SPOOLGATE" map check x12/850 visma/purchase-order)" "x12/850: in order (x12 850 <-> order)
visma/purchase-order: in order (json -> order)" "nor does map check"
ln -s "$SPOOLGATE" linked
like "$(./linked map check x12/850)" 'in order' "also through a link to the program"
cp -r "$top_srcdir/samples/site" site
like "$("$SPOOLGATE" config check -c site/spoolgate.conf)" 'is in order' "a site needs none either"
like "$("$SPOOLGATE" config show -c site/spoolgate.conf spoolgate)" "translators = .*/translators" "and says which folder is in force"
# ---- no dictionaries ----
{
    sed -n 1,2p "$sample"
    for ((i = 1; i <= 5000; i++)); do printf 'ST*850*%04d~\nSE*2*%04d~\n' $i $i; done
    sed -n '/^GE/,$p' "$sample" | sed 's/^GE\*[0-9]*/GE*5000/'
} >many.x12
mkdir nothing
SPOOLGATE_TRANSLATORS=$work/nothing "$SPOOLGATE" check many.x12 >said
is "$(grep -c 'dictionar' said)" 1 "without dictionaries that is told once, of 5,000 sets"
like "$(head -2 said)" "There are no dictionaries of X12 here: $work/nothing/x12" "and where they were looked for"
like "$(head -3 said)" 'SPOOLGATE_TRANSLATORS' "and what to do"
unlike "$(cat said)" 'sender' "and not as the sender's fault"
like "$(tail -1 said)" 'not in order: 5000 of 5000 sets' "none of them is in order"
sed -i 's/004010/003060/' many.x12
"$SPOOLGATE" check many.x12 >said
is "$(grep -c 'no dictionary for X12 version "003060"' said)" 1 "a version that is missing is told once as well"
unlike "$(cat said)" 'sender' "and not as the sender's fault either"
finish
