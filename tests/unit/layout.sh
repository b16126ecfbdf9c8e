#!/bin/sh
# layout: is every source file listed in its module's fragment (what is not, is missing in a release), and does each
# module use only what stands below it? The order of modules is that of docs/architecture.md. POSIX sh; prints TAP.
top=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 1
count=0
failed=0
check() { # NAME FAULTS
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        failed=1
        echo "not ok $count - $1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}
check "every source file is listed" "$(
    for file in $(find src tests/unit tests/bench -name '*.[ch]'); do
        grep -qF "$file" Makefile.am src/*/*.mk src/*/*/*.mk tests/*/*.mk || echo "$file stands in no fragment"
    done)"
check "every listed file is there" "$(
    cat Makefile.am src/*/*.mk src/*/*/*.mk tests/*/*.mk | grep -oE '(src|tests)/[a-z0-9_/-]+\.[ch]\b' | sort -u | while read -r file; do
        [ -f "$file" ] || echo "$file is listed, and not there"
    done)"
# a module, and all that it may use; the exceptions that docs/architecture.md names stand here too: edi builds the
# trees of syntax, route asks the adapters which settings there are
below='base:
edi:base syntax
syntax:base edi
map:base edi syntax
spool:base
state:base spool
net:base state
route:base edi syntax map spool net adapter
adapter:base edi syntax map spool state route net
role:base edi syntax map spool state route net adapter
sandbox:base edi syntax
command:base edi syntax map spool state route net adapter role sandbox'
check "each module uses only what stands below it" "$(
    echo "$below" | while IFS=: read -r module may; do
        find "src/$module" -name '*.[ch]' -exec grep -oE '#include "[a-z]+/' {} /dev/null \; |
            while IFS=: read -r file include; do
                used=${include#*\"}
                used=${used%/}
                case " $module $may " in *" $used "*) ;; *) echo "$file uses $used" ;; esac
            done
    done)"
echo "1..$count"
exit $failed
