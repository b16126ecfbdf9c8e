#!/usr/bin/env bash
# Every fuzz target is built, and runs over what tests/corpus holds and the same few thousand inputs made of it.
# What earlier findings left in tests/corpus is among them. Longer: make fuzz.
. "$(dirname "$0")/lib.sh"
out=${top_builddir:-$top_srcdir/build}/tests/fuzz
fuzz=$top_srcdir/tests/fuzz/run
"$fuzz" --can "$out" || skip_all "clang or its runtime is not installed"
for target in "$top_srcdir"/tests/fuzz/fuzz_*.c; do
    what=$(basename "$target" .c)
    what=${what#fuzz_}
    said=$(FUZZ_TARGETS=$what "$fuzz" --brief "$out" 2>&1)
    status=$?
    if [ $status -eq 0 ] && [[ $said =~ fuzz_$what:\ [1-9][0-9]+\ inputs ]]; then
        pass "${said##*$'\n'}"
    else
        fail "fuzz_$what" "$said"
    fi
done
FUZZ_TARGETS=nosuch "$fuzz" --brief "$out"
is $? 64 "a target that is not there is refused"
finish
