#!/usr/bin/env bash
# X12 that comes in: for somebody else, a second time, as a test in production: refused or told, as the partner's file says.
. "$(dirname "$0")/lib.sh"
site=$work/site
spool=$site/spool
mkdir -p "$site/partners.d" "$work/out" "$spool/inbox/customer"
export SPOOLGATE_CONFIG=$site/spoolgate.conf
cat >"$SPOOLGATE_CONFIG" <<END
[spoolgate]
spool = $spool
translator_processes = 2
[us]
isa_id = NORDMAT
test_isa_id = NORDMATT
[endpoint out]
adapter = directory
directory = $work/out
[route customer]
source = customer
map = x12/850
END
partner() { # further lines
    printf '[partner fjord]\nname = Fjord Parts\nerp_id = 50000\nusage = production\nisa_id = FJORD\n%s\n[send order]\nform = x12\nmap = x12/850\nendpoint = out\nfile_name = {number}-{document}.x12\n' "${1:-}" >"$site/partners.d/fjord.conf"
}
partner
interchange() { # sender, receiver, usage, number in ISA13, order numbers
    local sender=$1 receiver=$2 usage=$3 control=$4 n=0 order
    shift 4
    printf 'ISA*00*          *00*          *ZZ*%-15s*ZZ*%-15s*260312*0914*U*00401*%s*0*%s*>~GS*PO*%s*%s*20260312*0914*1*X*004010~' \
        "$sender" "$receiver" "$control" "$usage" "$sender" "$receiver"
    for order in "$@"; do
        n=$((n + 1))
        printf 'ST*850*%04d~BEG*00*SA*%s**20260312~N1*BY*Fjord*92*50000~PO1*1*5*EA*12.5**IN*1298*VN*FP-12~CTT*1~SE*6*%04d~' $n "$order" $n
    done
    printf 'GE*%d*1~IEA*1*%s~\n' $n "$control"
}
drop() { cat >"$work/new" && mv "$work/new" "$spool/inbox/customer/$1.x12"; }
run() { "$SPOOLGATE" run --until-idle --limit 60 >>"$work/run.out" 2>"$work/run.log"; }
arrived() { ls "$work/out" | sed 's/-.*//' | sort | xargs; }
errors() { cat "$spool"/error/*/error.txt 2>/dev/null; }
clear_errors() { rm -rf "${spool:?}"/error/*; }
outcomes() { find "$spool/archive" -name document.json -exec jq -r 'select(.outcome != "delivered") | .outcome' {} + | sort | uniq -c | xargs; }

# ---- for whom ----
interchange FJORD NORDMAT P 000000001 A1 | drop a1
interchange FJORD SOMEBODY P 000000002 A2 | drop a2
interchange STRANGER SOMEBODY P 000000002 A3 | drop a3
interchange FJORD NORDMATT P 000000003 A4 | drop a4
run
is "$(arrived)" "A1 A4" "what is for one of our ids is taken"
is "$(errors | grep -c '^error: The interchange 000000002 of .* is for ZZ/SOMEBODY, which is none of our ids (ZZ/NORDMAT, ZZ/NORDMATT)\.$')" 2 \
    "what is for somebody else is not, whoever sends it"
like "$(errors)" "write unknown_receiver = warn into \[partner fjord\] of .*/fjord.conf" "error.txt says how it could be"
like "$(errors)" "No partner has the sender's id STRANGER" "and whom nobody knows"
partner "unknown_receiver = warn"
"$SPOOLGATE" retry $("$SPOOLGATE" list --names error) >/dev/null
run
is "$(arrived)" "A1 A2 A4" "with the partner's word it is taken"
like "$(cat "$work/run.log")" "WARNING.*for ZZ/SOMEBODY, which is none of our ids" "and told"
is "$(folders "$spool/error")" 1 "of the partner's only"
clear_errors
partner

# ---- a test in production ----
interchange FJORD NORDMAT T 000000011 B1 | drop b1
run
is "$(arrived)" "A1 A2 A4" "a test of a partner in production is not taken"
like "$(errors)" "The interchange 000000011 of Fjord Parts is a test \(ISA15 is T\), and the partner is in production" "and says so"
partner "test_interchange = warn"
"$SPOOLGATE" retry $("$SPOOLGATE" list --names error) >/dev/null
run
is "$(arrived)" "A1 A2 A4 B1" "with the partner's word it is"
sed -i 's/usage = production/usage = test/; /^test_interchange/d' "$site/partners.d/fjord.conf"
interchange FJORD NORDMAT T 000000012 B2 | drop b2
run
is "$(arrived)" "A1 A2 A4 B1 B2" "so is one of a partner in test"
clear_errors
partner

# ---- a number that came before ----
interchange FJORD NORDMAT P 000000001 C1 | drop c1
run
is "$(arrived)" "A1 A2 A4 B1 B2" "another interchange under a number that came before is not taken"
like "$(errors)" "The interchange 000000001 of ZZ/FJORD/P came before, as document [^ ]* \(archive/[^)]*\), and this one has other bytes" "and says which document had it"
clear_errors
interchange FJORD NORDMAT P 000000001 A1 | drop a1-again
interchange FJORD NORDMAT T 000000001 T1 | drop t1
run
is "$(folders "$spool/error")" 1 "the same bytes once more are a duplicate, and no error"
is "$(outcomes)" "1 duplicate" "archived as such"
like "$(errors)" "is a test" "tests have numbers of their own"
clear_errors
partner "duplicate_interchange = archive"
interchange FJORD NORDMAT P 000000001 C1 | drop c1; run
is "$(outcomes) $(folders "$spool/error")" "2 duplicate 0" "archived without a word, when the partner's file says so"
partner "duplicate_interchange = warn"
interchange FJORD NORDMAT P 000000001 C1 C2 | drop c1; run
is "$(arrived)" "A1 A2 A4 B1 B2 C1 C2" "or taken"
like "$(cat "$work/run.log")" "WARNING.*interchange 000000001 of ZZ/FJORD/P came before" "with a warning"
partner

# ---- from a source that is for others ----
cp "$SPOOLGATE_CONFIG" "$work/spoolgate.conf"
printf '[route other]\nsource = other\nmap = x12/850\npartners = hansen\n' >>"$SPOOLGATE_CONFIG"
sed 's/fjord/hansen/g; s/FJORD/HANSEN/; s/50000/50002/' "$site/partners.d/fjord.conf" >"$site/partners.d/hansen.conf"
mkdir -p "$spool/inbox/other"
interchange FJORD NORDMAT P 000000020 X1 >"$work/new" && mv "$work/new" "$spool/inbox/other/x.x12"
run
like "$(errors)" "The source other may not hand in an interchange of Fjord Parts: its route other is limited to other partners" "a source that is limited to others hands in nothing in a partner's name"
interchange FJORD NORDMAT P 000000020 X2 | drop x2
run
like "$(arrived)" "X2" "and uses up none of its numbers"
clear_errors
cp "$work/spoolgate.conf" "$SPOOLGATE_CONFIG"; rm "$site/partners.d/hansen.conf"

# ---- several sets, several interchanges, corrections ----
interchange FJORD NORDMAT P 000000021 D1 D2 D3 | drop d
{ interchange FJORD NORDMAT P 000000022 D4; interchange FJORD NORDMAT P 000000023 D5 D6; } | drop e
run
like "$(arrived)" "C2 D1 D2 D3 D4 D5 D6 X2$" "the sets of an interchange share its number"
{ interchange FJORD NORDMAT P 000000024 E1; interchange FJORD NORDMAT P 000000024 E2; } | drop f
{ interchange FJORD NORDMAT P 000000025 E3; interchange FJORD NORDMAT P 000000021 E4; } | drop g
run
unlike "$(arrived)" "E[1234]" "of a file in which one number stands twice, or came before, nothing is taken"
is "$(errors | grep -c 'came before')" 2 "and it says so"
clear_errors
interchange FJORD NORDMAT P 000000025 E3 | drop h
run
like "$(arrived)" "E3" "nor has it used up the other numbers in it"
interchange FJORD NORDMAT P 000000031 F1 | sed 's/\*EA\*/*WRONG*/' | drop i
run
like "$(errors)" "WRONG" "one that is not in order"
folder=$(ls -d "$spool"/error/*)
interchange FJORD NORDMAT P 000000031 F1 >"$folder/corrected.x12"
"$SPOOLGATE" retry "$(basename "$folder")" >/dev/null
run
like "$(arrived)" "F1" "corrected, it is no duplicate of itself"
interchange FJORD NORDMAT P 000000032 F2 | sed 's/\*EA\*/*WRONG*/' | drop j; run
interchange FJORD NORDMAT P 000000032 F2 | drop k; run
like "$(arrived)" "F2" "and what the sender puts right under the same number takes the place of one that waits in error/"
clear_errors

# ---- through a lost state ----
rm -f "$spool"/.state.sqlite*
"$SPOOLGATE" reindex >/dev/null
for number in 001 021 023 031; do interchange FJORD NORDMAT P 000000$number "G$number" | drop "g$number"; done
run
unlike "$(arrived)" "G" "a lost state is made anew with the numbers that came"
is "$(errors | grep -c 'came before')" 4 "of all of them"
clear_errors

# ---- settings that do nothing ----
partner "duplicate_interchange = never"
like "$("$SPOOLGATE" config check 2>&1)" "duplicate_interchange = never: it is one of refuse, archive, warn" "a word that is none is a mistake"
partner; sed -i 's/^isa_id.*/test_interchange = warn/; s/form = x12/form = json/; s/x12\/850/fjord\/json/' "$site/partners.d/fjord.conf"
like "$("$SPOOLGATE" config check 2>&1)" "test_interchange is about interchanges that fjord sends, and nothing says by which ISA id" "so is one for a partner without an id"
partner; echo "acknowledgment = 997" >>"$site/partners.d/fjord.conf"
like "$("$SPOOLGATE" config check 2>&1)" "fjord.conf:[0-9]*: error: acknowledgment = 997: functional acknowledgments are not read yet" "and a 997 that nobody would read"
"$SPOOLGATE" run --until-idle --limit 10 >/dev/null 2>&1
is $? 78 "the gateway does not start with it"
finish
