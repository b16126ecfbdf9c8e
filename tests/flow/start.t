#!/usr/bin/env bash
# What passes by itself (a file that cannot be read this moment, descriptors or memory that are short) is no mistake of the
# configuration and holds nobody: it is tried again, with a word.
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
strace -D -f -e trace=none -o /dev/null true 2>/dev/null || skip_all "processes may not be traced here"
times() { control GET /orderful/transactions | jq --arg n "$1" '[.. | objects | select(.businessNumber? == $n)] | length'; }
start_sandbox --orderful-limit 100000
start_sshd
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint visma" start 2099-01-01T00:00:00
setting "$site/spoolgate.conf" "endpoint orderful" status_interval 1
mkdir -p "$site/spool/inbox/visma"
drop() { # NUMBER
    jq -c ".[0] | .orderNbr = \"$1\"" "$top_srcdir/samples/sandbox/visma/purchaseorder.json" >"$work/order.json" &&
        mv "$work/order.json" "$site/spool/inbox/visma/purchaseorder-$1.json"
}
follow=-f
disturbed() { # NUMBER FILE CALLS ERROR TEXT LOG: an order, while the first look at the file fails in each process that is followed
    drop "$1"
    strace -D $follow -qq -o "$work/trace" -e signal=none -P "$2" -e "trace=$3" -e "inject=$3:error=$4:when=1" \
        "$SPOOLGATE" run --until-idle --limit 90 >"$work/out.$1" 2>"$work/log.$1"
    status=$?
    ok "$5: it happened" grep -q INJECTED "$work/trace"
    is "$status $(times "$1")" "0 1" "the order arrives, and everything is done"
    unlike "$(cat "$work/log.$1")" 'nothing is sent to|held' "nothing was held"
    like "$(cat "$work/log.$1")" "$6" "the log says that it was tried again"
}
disturbed 740001 "$site/spoolgate.conf" openat EIO "the configuration cannot be read" \
    'spoolgate.conf.*cannot be read now: Input/output error' 
like "$(cat "$work/log.740001")" 'cannot start now, and not because of its configuration; it is tried again in' "with the time"
disturbed 740002 "$site/key" openat EMFILE "the key cannot be opened" 'Too many open files.*|adapter cannot be opened now; it is tried again'
disturbed 740003 "$site/secrets" openat ENOMEM "the secrets cannot be read" 'adapter cannot be opened now; it is tried again'
disturbed 740004 "$CA_FILE" '?access,?faccessat,?faccessat2' EIO "the authorities' file cannot be read" 'adapter cannot be opened now; it is tried again'
follow= # the supervisor alone: each role would meet it anew
disturbed 740005 "$site/spool" '?open,openat' ENOMEM "the spool cannot be opened" 'cannot start now, and not because of its configuration'

# what a person has to put right is said at once, with the status for it
mv "$site/spoolgate.conf" "$work/away.conf"
"$SPOOLGATE" run --until-idle >"$work/none.out" 2>"$work/none.log"
is $? 78 "a configuration that is not there ends it with 78"
mv "$work/away.conf" "$site/spoolgate.conf"
mv "$site/key" "$work/away.key"
drop 740006
"$SPOOLGATE" run --until-idle --limit 30 >"$work/none.out" 2>"$work/none.log"
is "$? $(times 740006)" "1 0" "a key that is not there holds what needs it"
like "$(cat "$work/none.log")" 'nothing is sent to orderful: The key file cannot be opened' "in words"
mv "$work/away.key" "$site/key"
finish
