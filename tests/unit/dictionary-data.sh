#!/bin/sh
# dictionary-data: are the tables under translators/x12/<release>, translators/edifact/<directory>, translators/names and
# translators/orderful/x12json consistent?
#
# They are data, edited by hand or from lists, so what the engine takes for granted is checked here: every reference
# leads somewhere, positions have no gaps, conditions speak of positions that exist, and no JSON key is ambiguous.
# POSIX sh and awk (mawk too). Prints TAP; exit status 1 when a check fails.

LC_ALL=C
export LC_ALL
root=${1:-${srcdir:-$(dirname "$0")}}
while [ ! -d "$root/translators/x12" ] && [ "$(cd "$root" && pwd)" != / ]; do root=$root/..; done
json=$root/translators/orderful/x12json
count=0
failed=0

# check NAME AWK-PROGRAM FILE...: what the program prints are the faults
check() {
    name=$1 program=$2
    shift 2
    faults=$(awk -F '\t' "$program" "$@" 2>&1)
    count=$((count + 1))
    if [ -z "$faults" ]; then
        echo "ok $count - $name"
    else
        failed=$((failed + 1))
        echo "not ok $count - $name"
        printf '%s\n' "$faults" | sed 's/^/# /' | head -n 40
    fi
}

# release FOLDER SYNTAX: the tables of a release (X12), of a directory or of a version of the service segments (EDIFACT).
# The segments that frame a set are the syntax's own: X12 has ST and SE in the release, EDIFACT UNH, UNS and UNT beside
# the directories.
release() {
    d=$1 v=${1#"$root"/translators/} syntax=$2
    case $syntax in
    x12)
        types='AN|ID|N[0-9]|R|DT|TM|B' requirements=MOX listed=ID first=ST last=SE extra=$d/envelope.tsv frame=
        ;;
    edifact)
        types='a|n|an' requirements=MC listed='a|n|an' first=UNH last=UNT extra=$d/envelope.tsv frame=$root/translators/edifact/service/4/envelope.tsv
        ;;
    esac

    for f in elements:4 segments:5 composites:4 conditions:2 composite-conditions:2 ${extra:+envelope:5} sets/index:2; do
        columns=${f#*:} f=${f%:*}
        check "$v/$f.tsv: header line, $columns columns, none empty" '
            FNR == 1 && !/^#/ { print FILENAME ": the first line is not a header" }
            /^#/ { next }
            NF != '"$columns"' { print FILENAME ":" FNR ": " NF " columns" }
            { for (i = 1; i <= NF; i++) if ($i == "" || $i ~ /^ | $|\r/) print FILENAME ":" FNR ": column " i " is empty or has outer blanks" }
        ' "$d/$f.tsv"
    done

    check "$v: elements are defined once, with a known type and sane lengths" '
        /^#/ { next }
        seen[$1]++ { print "element " $1 " is defined twice" }
        $2 !~ /^('"$types"')$/ { print "element " $1 ": type " $2 }
        $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/ || $3 + 0 < 1 || $3 + 0 > $4 + 0 { print "element " $1 ": lengths " $3 " to " $4 }
    ' "$d/elements.tsv"

    check "$v: segments refer to elements and composites that exist, positions without gaps" '
        FNR == 1 { file++ }
        /^#/ { next }
        file == 1 { known[$1] = 1; next }
        file == 2 { if ($2 == 0) known[$1] = 1; next }
        $2 == 0 { if (done[$1]++) print "segment " $1 " is defined twice"; at = 0; last = $1; if ($3 != "-") print $1 ": row 0 has element " $3; next }
        $1 != last || $2 != at + 1 { print "segment " $1 ": position " $2 " after " at }
        { at = $2; last = $1 }
        !($3 in known) { print $1 $2 ": element " $3 " is not defined"; next }
        $4 !~ /^['"$requirements"']$/ { print $1 $2 ": requirement " $4 }
        $5 !~ /^[1-9][0-9]*$/ { print $1 $2 ": repeat " $5 }
    ' "$d/elements.tsv" "$d/composites.tsv" "$d/segments.tsv" ${extra:+"$extra"}

    check "$v: composites have elements that exist, positions without gaps, and are used" '
        FNR == 1 { file++ }
        /^#/ { next }
        file == 1 { known[$1] = 1; next }
        FILENAME !~ /\/composites\.tsv$/ { used[$3] = 1; next }
        $2 == 0 { if (done[$1]++) print "composite " $1 " is defined twice"; if (!($1 in used)) print "composite " $1 " is not used"; at = 0; last = $1; next }
        $1 != last || $2 != at + 1 { print "composite " $1 ": position " $2 " after " at }
        { at = $2; last = $1 }
        !($3 in known) { print $1 "-" $2 ": element " $3 " is not defined"; next }
        $4 !~ /^['"$requirements"']$/ { print $1 "-" $2 ": requirement " $4 }
    ' "$d/elements.tsv" "$d/segments.tsv" ${extra:+"$extra"} "$d/composites.tsv"

    check "$v: every element is used" '
        FNR == 1 { file++ }
        /^#/ { next }
        FILENAME !~ /\/elements\.tsv$/ { used[$3] = 1; next }
        !($1 in used) { print "element " $1 " is used nowhere" }
    ' "$d/segments.tsv" "$d/composites.tsv" ${extra:+"$extra"} "$d/elements.tsv"

    for p in "segments conditions" "composites composite-conditions"; do
        check "$v: ${p#* } are well formed, speak of positions that exist, and agree with the requirements" '
            function mark(s, k) { due[s SUBSEP k] = 1; if (req[s SUBSEP k] == "O") print s " " k ": is O, but a condition may demand or forbid it" }
            FNR == 1 { file++ }
            /^#/ { next }
            FILENAME !~ /conditions\.tsv$/ { req[$1 SUBSEP $2] = $4; if ($2 > 0) have[$1 SUBSEP $2] = 1; next }
            seen[$0]++ { print $1 ": " $2 " is there twice" }
            $2 !~ /^[PRECL]([0-9][0-9])+$/ || length($2) < 5 || ($2 ~ /^L/ && length($2) < 7) { print $1 ": " $2 " is no condition"; next }
            {
                split("", once); n = (length($2) - 1) / 2
                for (i = 1; i <= n; i++) {
                    k = substr($2, 2 * i, 2) + 0
                    if (!(($1 SUBSEP k) in have)) print $1 ": " $2 " speaks of position " k ", which does not exist"
                    if (once[k]++) print $1 ": " $2 " names position " k " twice"
                    if (i > 1 || $2 !~ /^[CL]/) mark($1, k)
                }
            }
            END { for (k in req) if (req[k] == "X" && !(k in due)) { split(k, p, SUBSEP); print p[1] " " p[2] ": is X, but no condition speaks of it" } }
        ' "$d/${p% *}.tsv" ${extra:+"$extra"} "$d/${p#* }.tsv"
    done

    check "$v: each set in the index has a table, and each table is in the index" '
        FNR == 1 && FILENAME !~ /index/ { n = FILENAME; sub(/.*\//, "", n); sub(/\.tsv$/, "", n); table[n] = 1 }
        FILENAME ~ /index/ && !/^#/ { index_[$1] = 1 }
        END { for (n in table) if (!(n in index_)) print n " is not in the index"; for (n in index_) if (!(n in table)) print n " has no table" }
    ' "$d"/sets/*.tsv

    for f in "$d"/sets/[0-9A-Z]*.tsv; do
        check "$v: set $(basename "$f" .tsv): segments exist, loops begin with their segment, order and areas are sound" '
            /^#/ { next }
            FILENAME !~ /\/sets\// { if ($2 == 0) segment[$1] = 1; next }
            NF != 7 { print FILENAME ":" FNR ": " NF " columns" }
            { rows++; if (rows == 1 && $3 != "'"$first"'") print "begins with " $3; last = $3 }
            !($3 in segment) { print FILENAME ":" FNR ": segment " $3 " is not defined" }
            $1 != area { if (areas[$1]++) print FILENAME ":" FNR ": area " $1 " again"; if ($1 !~ /^(heading|detail|summary)$/) print FILENAME ":" FNR ": area " $1; area = $1; position = "" }
            position != "" && $2 <= position { print FILENAME ":" FNR ": position " $2 " after " position }
            { position = $2 }
            $4 !~ /^['"${requirements%X}"']$/ { print FILENAME ":" FNR ": requirement " $4 }
            $5 !~ /^[0-9]+$/ { print FILENAME ":" FNR ": max_use " $5 }
            $7 != "-" {
                n = split($6, part, "/"); parent = $6; sub(/\/?[^\/]*$/, "", parent)
                if ($7 !~ /^[0-9]+$/) print FILENAME ":" FNR ": loop_repeat " $7
                sub(/\.[2-9]$/, "", part[n])
                if (part[n] != $3) print FILENAME ":" FNR ": loop " $6 " begins with " $3
                if (loops[$6]++) print FILENAME ":" FNR ": loop " $6 " begins again"
                if ($5 != 1) print FILENAME ":" FNR ": the first segment of a loop has max_use " $5
                if (parent != "" && current != parent && index(current "/", parent "/") != 1) print FILENAME ":" FNR ": loop " $6 " is not inside " parent
                current = $6; next
            }
            $6 == "-" { current = ""; next }
            !($6 in loops) { print FILENAME ":" FNR ": loop " $6 " has not begun" }
            current != $6 && index(current "/", $6 "/") != 1 { print FILENAME ":" FNR ": loop " $6 " goes on after it was left" }
            { current = $6 }
            END { if (last != "'"$last"'") print "ends with " last }
        ' ${frame:+"$frame"} "$d/segments.tsv" "$f"
    done

    check "$v: every segment is used in a set" '
        FILENAME ~ /\/sets\// { if (!/^#/) used[$3] = 1; next }
        /^#/ || $2 != 0 { next }
        $1 ~ /^UN.$/ { next }
        !($1 in used) { print "segment " $1 " is used in no set" }
    ' "$d"/sets/[0-9A-Z]*.tsv "$d/segments.tsv"

    check "$v: code lists belong to elements that may have one; codes are unique, sorted and as long as the element allows" '
        FNR == 1 { file++ }
        file == 1 { if (!/^#/) { type[$1] = $2; min[$1] = $3; max[$1] = $4 } next }
        FNR == 1 {
            e = FILENAME; sub(/.*\//, "", e); sub(/\.tsv$/, "", e); split("", seen); before = ""
            if (!(e in type)) print FILENAME ": element " e " does not exist"
            else if (type[e] !~ /^('"$listed"')$/) print FILENAME ": element " e " is of type " type[e]
            if ($0 != "#code") print FILENAME ": header line"
            next
        }
        /^#/ { if ($0 == "#open" && FNR != 2) print FILENAME ":" FNR ": #open is the second line or absent"; next }
        NF != 1 || $1 == "" { print FILENAME ":" FNR ": " NF " columns" }
        ("x" $1) in seen { print FILENAME ":" FNR ": code " $1 " is there twice" }
        before != "" && ("x" $1) < before { print FILENAME ":" FNR ": code " $1 " is out of order" }
        { seen["x" $1] = 1; before = "x" $1 }
        length($1) < min[e] + 0 || length($1) > max[e] + 0 { print FILENAME ":" FNR ": code " $1 " has " length($1) " characters, element " e " " min[e] " to " max[e] }
    ' "$d/elements.tsv" "$d"/codes/*.tsv
}

# named FOLDER: what the things of a release are called, where there are names: a distribution may be without them.
named() {
    d=$1 v=${1#"$root"/translators/} n=$root/translators/names/${1#"$root"/translators/}
    [ -d "$n" ] || return 0
    for f in elements:elements segments:segments composites:composites sets:sets/index; do
        table=${f#*:} f=${f%:*}
        case $f in segments) more=$d/envelope.tsv ;; *) more= ;; esac
        check "names/$v/$f.tsv: every one of $v has a name, nothing else has" '
            FNR == 1 { names = FILENAME ~ /\/translators\/names\//; if (names && !/^#[a-z]+\tname$/) print FILENAME ": header line" }
            /^#/ { next }
            !names { if (!($1 in there)) { there[$1] = 1; order[++n] = $1 } next }
            NF != 2 || $1 == "" || $2 == "" || /\r| $|\t / || $2 == "-" { print FILENAME ":" FNR ": no id and name, separated by one tab" }
            seen[$1]++ { print FILENAME ":" FNR ": " $1 " is named twice" }
            !($1 in there) { print FILENAME ":" FNR ": " $1 " is named, but not there" }
            END { for (i = 1; i <= n; i++) if (!(order[i] in seen)) print order[i] " has no name" }
        ' "$d/$table.tsv" ${more:+"$more"} "$n/$f.tsv"
    done
    check "names/$v/codes: names are those of codes in the lists of $v, each once, in byte order" '
        FNR == 1 {
            names = FILENAME ~ /\/translators\/names\//; e = FILENAME; sub(/.*\//, "", e); before = ""
            if (names && !(e in list)) print FILENAME ": there is no such list"
            if (names && $0 != "#code\tname") print FILENAME ": header line"
            list[e] = 1
        }
        /^#/ { next }
        !names { code[e SUBSEP $1] = 1; next }
        NF != 2 || $1 == "" || $2 == "" || /\r| $|\t / || $2 == "-" { print FILENAME ":" FNR ": no code and name, separated by one tab" }
        before != "" && ("x" $1) <= before { print FILENAME ":" FNR ": code " $1 " is out of order or there twice" }
        { before = "x" $1 }
        !((e SUBSEP $1) in code) { print FILENAME ":" FNR ": code " $1 " is named, but not in the list" }
    ' "$d"/codes/*.tsv "$n"/codes/*.tsv
}

for d in "$root"/translators/x12/[0-9]*/; do
    release "${d%/}" x12
    named "${d%/}"
done
for d in "$root"/translators/edifact/D[0-9]*/ "$root"/translators/edifact/service/[0-9]*/; do
    release "${d%/}" edifact
    named "${d%/}"
done
check "names: each folder is that of a release" '/./' <<END
$(for d in "$root"/translators/names/x12/*/ "$root"/translators/names/edifact/D*/ "$root"/translators/names/edifact/service/*/; do
    [ ! -d "$d" ] || [ -d "$root/translators/${d#"$root"/translators/names/}" ] || echo "$d: there is no such release"
done)
END

check "x12json/segments.tsv: each segment once, keys are lowerCamelCase and unique, status known" '
    /^#/ { next }
    NF != 3 { print FILENAME ":" FNR ": " NF " columns" }
    seen[$1]++ { print "segment " $1 " is there twice" }
    keys[$2]++ { print "key " $2 " is there twice" }
    $2 !~ /^[A-Za-z][A-Za-z0-9]*$/ { print $1 ": key " $2 }
    $3 !~ /^(observed|weak|inferred)$/ { print $1 ": status " $3 }
' "$json/segments.tsv"

check "x12json/elements.tsv: each position once, no key twice in a segment or composite, status known" '
    /^#/ { next }
    NF != 4 { print FILENAME ":" FNR ": " NF " columns" }
    $2 !~ /^[0-9]+(\.[0-9]+)?$/ { print $1 ": position " $2 }
    seen[$1 SUBSEP $2]++ { print $1 " " $2 " is there twice" }
    { within = $1; if ($2 ~ /\./) { split($2, p, "."); within = $1 SUBSEP p[1] } }
    (within SUBSEP $3) in keys { print $1 " " $2 ": key " $3 " is there twice" }
    { keys[within SUBSEP $3] = 1 }
    $3 !~ /^[A-Za-z][A-Za-z0-9]*$/ { print $1 " " $2 ": key " $3 }
    $4 !~ /^(observed|weak|inferred)$/ { print $1 " " $2 ": status " $4 }
' "$json/elements.tsv"

# One table of names serves all releases: each release's segments are named, and no name is of none of them.
names='
    FNR == 1 { t = FILENAME; sub(/.*\//, "", t); kind = FILENAME ~ /x12json/ ? "json " t : t; if (t == "composites.tsv") split("", components) }
    /^#/ { next }
    kind == "composites.tsv" { if ($2 > 0) components[$1] = $2; next }
    kind == "segments.tsv" {
        if ($2 == 0) want[$1] = 1
        else { want[$1 SUBSEP $2] = 1; for (i = 1; i <= components[$3]; i++) want[$1 SUBSEP $2 "." i] = 1 }
        next
    }
    { k = kind == "json segments.tsv" ? $1 : $1 SUBSEP $2; have[k] = 1 }
'
for d in "$root"/translators/x12/[0-9]*/; do
    d=${d%/}
    check "x12json names every segment, element and component of $(basename "$d")" "$names"'
        END { for (k in want) if (!(k in have)) { sub(SUBSEP, " ", k); print k " has no name" } }
    ' "$d/composites.tsv" "$d/segments.tsv" "$json/segments.tsv" "$json/elements.tsv"
done
check "x12json names nothing else than the releases have" "$names"'
    END { for (k in have) if (!(k in want)) { sub(SUBSEP, " ", k); print k " is named, but in no dictionary" } }
' $(for d in "$root"/translators/x12/[0-9]*/; do echo "${d}composites.tsv ${d}segments.tsv"; done) "$json/segments.tsv" "$json/elements.tsv"

echo "1..$count"
[ "$failed" -eq 0 ]
