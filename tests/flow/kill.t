#!/usr/bin/env bash
# kill -9 of each role at random moments, at least 200 times over one batch; afterwards every order has arrived at Orderful
# and at the SFTP partner exactly once, and nothing is left behind.
. "$(dirname "$0")/lib.sh"
KILLS=${KILLS:-220}
ORDERS=${ORDERS:-300}
start_sandbox --orders "$ORDERS" --orderful-limit 1000000 --visma-budget 1000000
start_sshd
# the file server as a program of its own, with a log of each rename it was asked for
server=$(ls /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server 2>/dev/null | head -1)
sed -i "s|^Subsystem.*|Subsystem sftp $server -e -l INFO -d $SFTP_ROOT 2>>$work/sshd/renames|" "$work/sshd/config"
kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null
start_sshd_again() { /usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!; pids+=("$sshd_pid"); wait_for 10 sshd_answers; }
start_sshd_again
make_site "$work/site"
setting "$site/spoolgate.conf" spoolgate group 8
setting "$site/spoolgate.conf" "endpoint orderful" confirm_seconds 1
setting "$site/spoolgate.conf" "endpoint visma" interval 1
setting "$site/spoolgate.conf" "endpoint visma" page_size 40
setting "$site/spoolgate.conf" "endpoint visma" detail no
ok "the configuration is in order" "$SPOOLGATE" config check

# each role alone, started again at once whenever it is killed
keep_running() { # command of the role
    while [ ! -e "$work/stop" ]; do
        "$SPOOLGATE" "$@" 2>>"$work/roles.log" &
        echo $! >"$work/pid.$(echo "$*" | tr ' ' -)"
        wait $! 2>/dev/null
    done
}
roles=("translator 1" "translator 2" "courier orderful" "courier hansen-sftp" "poller visma" "poller orderful")
for role in "${roles[@]}"; do
    # shellcheck disable=SC2086
    keep_running $role &
    keepers+=($!)
done
kills=0
end=$((SECONDS + 240))
while [ $kills -lt "$KILLS" ] && [ $SECONDS -lt $end ]; do
    sleep "0.0$((RANDOM % 9))$((RANDOM % 10))"
    role=${roles[$((RANDOM % ${#roles[@]}))]}
    pid=$(cat "$work/pid.${role// /-}" 2>/dev/null)
    if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
        kills=$((kills + 1))
        echo "$role" >>"$work/killed"
    fi
done
touch "$work/stop"
# again and again: one may have been started just before its keeper saw that it is to stop
while keeping=$(jobs -rp | grep -xF "$(printf '%s\n' "${keepers[@]}")") && [ -n "$keeping" ]; do
    for role in "${roles[@]}"; do kill -9 "$(cat "$work/pid.${role// /-}")" 2>/dev/null; done
    sleep 0.05
done
note "$kills kills: $(sort "$work/killed" | uniq -c | awk '{printf "%s%s %s ×%s", sep, $2, $3, $1; sep=", "}')"
note "orders at Orderful when the killing stopped: $(control GET /orderful/transactions | jq '[.. | objects | select(.businessNumber?)] | length'), files at the SFTP partner: $(ls "$SFTP_ROOT/hansen/in" | grep -c '^PO-')"
ok "at least 200 kills" test "$kills" -ge 200
is "$(sort -u "$work/killed" | wc -l)" "${#roles[@]}" "each role was killed"

"$SPOOLGATE" run --until-idle --limit 180
note "after the rest: exit $?"
control GET /orderful/transactions >"$work/orderful.json"
jq -r '.. | objects | select(.businessNumber?) | select((.type.name? // .type?) | tostring | test("850")) | .businessNumber' "$work/orderful.json" | sort >"$work/arrived.orderful"
ls "$SFTP_ROOT/hansen/in" | sed -n 's/^PO-\([^.]*\)\.x12$/\1/p' | sort >"$work/arrived.sftp"
seq -f %.0f 600001 $((600000 + ORDERS)) | sort >"$work/expected"
sort -u "$work/arrived.orderful" "$work/arrived.sftp" | grep '^6' >"$work/arrived"
is "$(comm -23 "$work/expected" "$work/arrived" | wc -l)" 0 "every order of the batch has arrived"
is "$(uniq -d "$work/arrived.orderful" | wc -l)" 0 "none arrived twice at Orderful" 
is "$(comm -12 "$work/arrived.orderful" "$work/arrived.sftp" | wc -l)" 0 "none arrived at both"
renamed=$(grep -a 'rename old' "$work/sshd/renames" | sed -n 's/.*new "[^"]*\/\(PO-[^"]*\)".*/\1/p' | sort | uniq -d)
is "$(grep -ac 'rename old' "$work/sshd/renames" | awk '{print ($1>0)}')" 1 "the SSH server's log shows the renames"
is "$renamed" "" "no file was put twice at the SFTP partner"
is "$(find "$site/spool/translate" -mindepth 1 -maxdepth 2 -type d ! -name '.work-*' | wc -l)" 0 "nothing is left in translate/"
is "$(find "$site/spool/outbox" -mindepth 2 -maxdepth 2 -type d | wc -l)" 0 "nothing is left in the outbox"
is "$(find "$site/spool/inbox" -type f | wc -l)" 0 "nothing is left in the inbox"
is "$(folders "$site/spool/error")" 1 "only the broken sample order is in error/"
is "$(find "$site/spool/archive" -name document.json -exec jq -r 'select(.outcome=="delivered") | .control_number // empty | tostring' {} + | wc -l)" \
   "$(find "$site/spool/archive" -name document.json -exec jq -r 'select(.outcome=="delivered") | select(.control_number) | "\(.partner) \(.control_number)"' {} + | sort -u | wc -l)" \
   "no control number was used twice"
ok "the archive's checksums are right" "$SPOOLGATE" check --archive
finish
