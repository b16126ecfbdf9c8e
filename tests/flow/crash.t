#!/usr/bin/env bash
# Each role ended at each of its durable steps in turn: strace kills it before the n-th renameat, syncfs, pwrite64 (SQLite),
# sendto …, or makes that call fail. Afterwards it is started undisturbed, and every order has arrived exactly once, with
# the control number it was given first. kill.t does the same at random; this is every step.
#
#   STEPS=N   every N-th step of what would be too long otherwise (default: as many as take about a minute; 1: each)
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
strace -D -f -e trace=none -o /dev/null true 2>/dev/null || skip_all "processes may not be traced here"
STEPS=${STEPS:-0}
PILE=$((STEPS ? 900 / STEPS + 20 : 20)) # more documents for each courier; each of its steps takes two
start_sandbox --orderful-limit 1000000 --visma-budget 1000000
start_sshd
# the file server as a program of its own, with a log of each rename it was asked for
server=$(ls /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server 2>/dev/null | head -1)
sed -i "s|^Subsystem.*|Subsystem sftp $server -e -l INFO -d $SFTP_ROOT 2>>$work/renames|" "$work/sshd/config"
kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null
/usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!
pids+=("$sshd_pid")
wait_for 10 sshd_answers
make_site "$work/site"
spool=$site/spool
mkdir -p "$work/lofoten" "$work/pile"
cat >>"$site/spoolgate.conf" <<END
[endpoint lofoten]
adapter = directory
directory = $work/lofoten
END
cat >"$site/partners.d/lofoten.conf" <<END
[partner lofoten]
name = Lofoten Fisk AS
erp_id = 50009
usage = test
isa_qualifier = ZZ
isa_id = LOFOTEN
version = 004010
[send order]
form = x12
map = x12/850
endpoint = lofoten
file_name = PO-{number}.x12
END
setting "$site/spoolgate.conf" "endpoint orderful" confirm_seconds 1
setting "$site/spoolgate.conf" "endpoint orderful" in_flight 1
setting "$site/spoolgate.conf" "endpoint visma" detail no
"$SPOOLGATE" config check >&2 || { fail "the configuration is in order"; finish; }

# ---- a role, disturbed or not ----
role_pid=
begin() { # inject expression or "", role...
    local inject=$1; shift
    if [ -n "$inject" ]; then
        # -D: the tracer is the child, so that what we wait for is the role itself
        strace -D -f -qq -o /dev/null -e "trace=${inject%%:*}" -e signal=none -e "inject=$inject" "$SPOOLGATE" "$@" 2>>"$work/roles.log" &
    else
        "$SPOOLGATE" "$@" 2>>"$work/roles.log" &
    fi
    role_pid=$!
}
ended() { ! kill -0 "$role_pid" 2>/dev/null || [ "$(ps -o stat= -p "$role_pid" | cut -c1)" = Z ]; }
# until it has ended, or has nothing more to do; then it is stopped. 137: it was killed on the way
run_until() { # seconds, command
    local end=$((SECONDS + $1)) status; shift
    until ended || "$@"; do
        [ $SECONDS -lt $end ] || break
        sleep 0.02
    done
    kill -TERM "$role_pid" 2>/dev/null
    wait "$role_pid" 2>/dev/null
    status=$?
    return $status
}
# how often an undisturbed run makes each of these calls: "renameat 12"
count_calls() { # calls, condition, role...
    local calls=$1 condition=$2; shift 2
    strace -D -f -qq -o "$work/trace" -e "trace=$calls" -e signal=none "$SPOOLGATE" "$@" 2>>"$work/roles.log" &
    role_pid=$!
    run_until 20 $condition
    sleep 0.2 # the tracer writes its last lines
    sed -n 's/^[0-9]* *\([a-z0-9]*\)(.*/\1/p' "$work/trace" | sort | uniq -c | awk '{print $2, $1}'
}
which_of() { # of so many steps, at most so many; not always the first
    local stride=$STEPS
    [ "$stride" -gt 0 ] || stride=$((($1 + $2 - 1) / $2))
    seq $((kinds % stride + 1)) "$stride" "$1"
}

# ---- documents ----
number=0
template=$(jq -c '.[0] | .orderNbr = "@number@" | .supplier.number = "@partner@"' "$top_srcdir/samples/sandbox/visma/purchaseorder.json")
mkdir -p "$spool/inbox/visma"
declare -A erp=([orderful]=50000 [hansen-sftp]=50002 [lofoten]=50009)
order() { # endpoint: a new order for it, into the inbox
    number=$((number + 1))
    echo "$number" >>"$work/expected.$1"
    local text=${template/@number@/$((800000 + number))}
    printf '%s\n' "${text/@partner@/${erp[$1]}}" >"$work/new.json"
    mv "$work/new.json" "$spool/inbox/visma/purchaseorder-$((800000 + number)).json"
}
translated() {
    [ -z "$(find "$spool/inbox" -type f -print -quit)" ] &&
        [ -z "$(find "$spool/translate" -mindepth 1 -maxdepth 2 -type d ! -name '.work-*' -print -quit)" ]
}
state() { sqlite3 -cmd '.timeout 5000' "$site/state.db" "$1" 2>/dev/null; }
given() { state 'SELECT partner, document, number FROM control_number ORDER BY 1, 2'; }
remember_given() { given >>"$work/given"; }
pile_up() { # what waits in the outboxes waits elsewhere, for its turn
    local e
    for e in orderful hansen-sftp lofoten; do
        mkdir -p "$work/pile/$e"
        find "$spool/outbox/$e" -mindepth 1 -maxdepth 1 -type d -exec mv -t "$work/pile/$e" {} + 2>/dev/null
    done
}

# ---- the translator ----
spool_calls=renameat,renameat2,syncfs,fsync,fdatasync,pwrite64,write,mkdirat,unlinkat,ftruncate
kinds=0 killed=0 failed=0 steps=0
blamed() { find "$spool/outbox" "$spool/error" -name 'crash-*.txt' | wc -l; }
step_translator() { # inject expression
    local before
    before=$(blamed)
    order orderful; order hansen-sftp; order lofoten
    begin "$1" translator 1
    run_until 5 translated
    local status=$?
    steps=$((steps + 1))
    [ $status -eq 137 ] && killed=$((killed + 1))
    [ $status -eq 73 ] && failed=$((failed + 1))
    remember_given
    begin "" translator 1
    run_until 20 translated
    translated || echo "translator $1" >>"$work/stuck"
    [ $status -eq 73 ] && [ "$(blamed)" != "$before" ] && echo "translator $1" >>"$work/blamed"
}
order orderful; order hansen-sftp; order lofoten
begin "" translator 1; run_until 20 translated # the database is made
order orderful; order hansen-sftp; order lofoten
count_calls "$spool_calls" translated translator 1 >"$work/calls"
note "translator: $(paste -sd, "$work/calls")"
ok "the translator makes the calls that matter" grep -q '^syncfs' "$work/calls"
began=$SECONDS
while read -r call times; do
    kinds=$((kinds + 1))
    for n in $(which_of "$times" 4); do step_translator "$call:signal=SIGKILL:when=$n"; done
    case $call in syncfs | fsync | fdatasync) error=EIO ;; unlinkat | ftruncate) continue ;; *) error=ENOSPC ;; esac
    most=2
    [ "$call" = write ] && most=8 # each file of a document
    for n in $(which_of "$times" $most); do step_translator "$call:error=$error:when=$n"; done
done <"$work/calls"
note "translator: $steps steps, $killed killed, $failed ended by a failing disk, in $((SECONDS - began)) s"
ok "the translator was killed at each kind of step" test "$killed" -ge "$kinds"
ok "and ended in order when the disk failed" test "$failed" -ge 3
is "$(cat "$work/stuck" 2>/dev/null)" "" "started again it finished each time"
is "$(cat "$work/blamed" 2>/dev/null)" "" "and no document was blamed for the disk"
# a pile for the couriers
for ((i = 0; i < PILE; i++)); do order orderful; order hansen-sftp; order lofoten; done
begin "" translator 1
run_until 60 translated
remember_given
given >"$work/given.now"
is "$(sort -u "$work/given" | comm -23 - <(sort "$work/given.now"))" "" "every document kept the control number it was given first"
is "$(cut -d'|' -f1,3 "$work/given.now" | sort | uniq -d)" "" "and none was given twice"
pile_up

# ---- the couriers ----
net_calls=connect,sendto,recvfrom
next_two() { # endpoint
    find "$work/pile/$1" -mindepth 1 -maxdepth 1 -type d | sort | head -2 | xargs -r mv -t "$spool/outbox/$1"
}
tried() { # no document of the outbox without an attempt, or a time before which none is made
    local d
    for d in "$spool/outbox/$endpoint"/*/; do
        [ ! -d "$d" ] || compgen -G "$d/attempt-*.json" >/dev/null || grep -qs '"not_before"' "$d/document.json" || return 1
    done
    return 0
}
sent() { [ -z "$(find "$spool/outbox/$endpoint" -mindepth 1 -maxdepth 1 -type d -print -quit)" ]; }
see_files() { # a file that came once does not come again under its name: it stays the same file
    find "$work/lofoten" -name 'PO-*' -printf '%f %i\n' >>"$work/inodes"
}
step_courier() { # inject expression
    local status
    next_two "$endpoint"
    begin "$1" courier "$endpoint"
    run_until 3 tried
    status=$?
    steps=$((steps + 1))
    [ $status -eq 137 ] && killed=$((killed + 1))
    [ $status -eq 73 ] && failed=$((failed + 1))
    see_files
}
for endpoint in lofoten hansen-sftp orderful; do
    kinds=0 killed=0 failed=0 steps=0 began=$SECONDS
    next_two $endpoint
    count_calls "${spool_calls/,write/},$net_calls" sent courier $endpoint >"$work/calls"
    note "courier $endpoint: $(paste -sd, "$work/calls")"
    while read -r call times; do
        kinds=$((kinds + 1))
        for n in $(which_of "$times" 2); do step_courier "$call:signal=SIGKILL:when=$n"; done
        case $call in
        connect) error=ECONNREFUSED ;;
        sendto | recvfrom) error=ECONNRESET ;;
        syncfs | fsync | fdatasync) error=EIO ;;
        unlinkat | ftruncate) continue ;;
        *) error=ENOSPC ;;
        esac
        for n in $(which_of "$times" 1); do step_courier "$call:error=$error:when=$n"; done
    done <"$work/calls"
    begin "" courier $endpoint
    run_until 60 sent
    note "courier $endpoint: $steps steps, $killed killed, $failed ended by a failing disk, in $((SECONDS - began)) s"
    ok "the courier of $endpoint was killed at each kind of step" test "$killed" -ge "$kinds"
    ok "started again it has sent everything" sent
done

# ---- the poller ----
polled() { [ "$(state "SELECT count(*) FROM cursor WHERE endpoint = 'visma' AND name IN ('purchaseorder', 'customerinvoice')")" = 2 ]; }
forget_poll() { state "DELETE FROM cursor WHERE endpoint = 'visma'; DELETE FROM polled WHERE endpoint = 'visma'"; }
forget_asked() { state "DELETE FROM cursor WHERE endpoint = 'visma' AND name LIKE 'asked %'"; } # or it waits for the vendor's sake
fetched() { (cd "$spool/inbox/visma" && find . -maxdepth 1 -type f -exec sha256sum {} +) | sort; }
rm -rf "$spool/inbox/visma"
begin "" poller visma
wait_for 20 grep -q 'fetching: [0-9]* documents' "$work/roles.log"
run_until 10 polled
fetched >"$work/fetched"
ok "the poller fetches" test -s "$work/fetched"
forget_poll; rm -rf "$spool/inbox/visma"
count_calls "${spool_calls/,write/},$net_calls" polled poller visma >"$work/calls"
note "poller visma: $(paste -sd, "$work/calls")"
step_poller() {
    forget_poll
    rm -rf "$spool/inbox/visma"; mkdir "$spool/inbox/visma"
    begin "$1" poller visma
    run_until 3 polled
    local status=$?
    steps=$((steps + 1))
    [ $status -eq 137 ] && killed=$((killed + 1))
    # moved behind what it has put in, and not before
    polled && ! cmp -s "$work/fetched" <(fetched) && echo "$1: the cursor moved before its documents were in" >>"$work/lost"
    forget_asked
    begin "" poller visma
    run_until 20 polled
    cmp -s "$work/fetched" <(fetched) || echo "$1: $(diff "$work/fetched" <(fetched) | grep -c '^[<>]') differ" >>"$work/lost"
}
kinds=0 killed=0 steps=0 began=$SECONDS
while read -r call times; do
    kinds=$((kinds + 1))
    for n in $(which_of "$times" 2); do step_poller "$call:signal=SIGKILL:when=$n"; done
    case $call in syncfs | fsync) step_poller "$call:error=EIO:when=1" ;; renameat2 | mkdirat) step_poller "$call:error=ENOSPC:when=1" ;; esac
done <"$work/calls"
note "poller visma: $steps steps, $killed killed, in $((SECONDS - began)) s"
ok "the poller was killed at each kind of step" test "$killed" -ge "$((kinds - 1))"
is "$(cat "$work/lost" 2>/dev/null)" "" "what is fetched stands in the inbox once, and the cursor follows it"

# ---- in the end ----
for endpoint in orderful hansen-sftp lofoten; do find "$work/pile/$endpoint" -mindepth 1 -maxdepth 1 -type d -exec mv -t "$spool/outbox/$endpoint" {} +; done
rm -rf "$spool/inbox/visma"
began=$SECONDS
"$SPOOLGATE" run --until-idle --limit 120
note "the rest in $((SECONDS - began)) s, all in $SECONDS s"
see_files
expected() { sort "$work/expected.$1" | awk '{print 800000 + $1}'; }
control GET /orderful/transactions | jq -r '.. | objects | select(.businessNumber?) | select((.type.name? // .type?) | tostring | test("850")) | .businessNumber' | grep '^8' | sort >"$work/arrived.orderful"
is "$(diff <(expected orderful | sort) "$work/arrived.orderful" | head -5)" "" "every order is at Orderful exactly once"
ls "$SFTP_ROOT/hansen/in" | sed -n 's/^PO-\(8[0-9]*\)\.x12$/\1/p' | sort >"$work/arrived.sftp"
is "$(diff <(expected hansen-sftp | sort) "$work/arrived.sftp" | head -5)" "" "every order is at the SFTP partner"
is "$(ls -A "$SFTP_ROOT/hansen/in" | grep -vc '^PO-[0-9]*\.x12$')" 0 "and nothing else"
renames=$(grep -a 'rename old' "$work/renames" | sed -n 's/.*new "[^"]*\/\(PO-[^"]*\)".*/\1/p')
ok "the SSH server's log shows the renames" test -n "$renames"
is "$(sort <<<"$renames" | uniq -d | head -5)" "" "none was put there twice"
ls "$work/lofoten" | sed -n 's/^PO-\(8[0-9]*\)\.x12$/\1/p' | sort >"$work/arrived.lofoten"
is "$(diff <(expected lofoten | sort) "$work/arrived.lofoten" | head -5)" "" "every order is in the directory"
is "$(ls -A "$work/lofoten" | grep -vc '^PO-[0-9]*\.x12$')" 0 "and nothing else"
is "$(sort -u "$work/inodes" | cut -d' ' -f1 | uniq -d | head -5)" "" "none was put there twice"
is "$(find "$spool/translate" -mindepth 1 -maxdepth 2 -type d ! -name '.work-*' | wc -l)" 0 "nothing is left in translate/ and its .work folders"
is "$(find "$spool/outbox" -mindepth 2 -maxdepth 2 -type d | wc -l)" 0 "nothing is left in the outboxes"
is "$(find "$spool/inbox" -mindepth 2 | wc -l)" 0 "nothing is left in the inbox"
is "$(find "$spool/error" -mindepth 1 -maxdepth 1 ! -name '.*' -exec jq -r .number {}/document.json \; | grep -v '^50' | head -5)" "" "none of them went to error/"
find "$spool/archive" -name document.json -exec jq -r 'select(.outcome == "delivered") | "\(.partner) \(.control_number) \(.number)"' {} + | sort >"$work/archived"
is "$(grep -c ' 8[0-9]*$' "$work/archived")" "$number" "every order is in the archive, delivered"
is "$(cut -d' ' -f1,2 "$work/archived" | uniq -d | head -5)" "" "no control number was used twice"
given >"$work/given.now"
is "$(sort -u "$work/given" | comm -23 - <(sort "$work/given.now"))" "" "every document has the control number it was given first"
# each try sent the same bytes
find "$spool/archive" -name 'attempt-*.json' -printf '%h\n' | sort -u | while read -r d; do
    [ "$(jq -r .message_sha256 "$d"/attempt-*.json | sort -u)" = "$(jq -r .message.sha256 "$d/document.json")" ] || echo "$d"
done >"$work/other-bytes"
is "$(head -5 "$work/other-bytes")" "" "and each try sent the same bytes"
ok "the archive's checksums are right" "$SPOOLGATE" check --archive
finish
