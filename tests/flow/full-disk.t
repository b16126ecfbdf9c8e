#!/usr/bin/env bash
# A full disk: the spool lies on a filesystem of a few megabytes that fills up while a batch is on its way. Afterwards room
# is made, and every order arrives exactly once.
. "$(dirname "$0")/lib.sh"
mount_point=$work/small
mkdir -p "$mount_point"
if [ "$(id -u)" -ne 0 ] || ! mount -t tmpfs -o size=6m,nr_inodes=4000 tmpfs "$mount_point" 2>/dev/null; then
    skip_all "a small filesystem cannot be mounted here"
fi
trap 'umount -l "$mount_point" 2>/dev/null; cleanup' EXIT
ORDERS=160
start_sandbox --orders $ORDERS --orderful-limit 1000000 --visma-budget 1000000
start_sshd
make_site "$mount_point/site"
setting "$site/spoolgate.conf" "endpoint visma" detail no
setting "$site/spoolgate.conf" "endpoint visma" interval 1
setting "$site/spoolgate.conf" "endpoint orderful" confirm_seconds 1
"$SPOOLGATE" config check
dd if=/dev/zero of="$mount_point/ballast" bs=64k 2>/dev/null
full=$(df --output=avail -k "$mount_point" | tail -1)
note "room left when the gateway starts: $full KiB"
"$SPOOLGATE" run >"$work/run.out" 2>"$work/run.log" &
run=$!
pids+=("$run")
sleep 3
ok "the gateway lives on with a full disk" kill -0 $run
like "$(cat "$work/run.log")" '([Nn]o space|full)' "and says that the disk is full"
# give it room bit by bit, so that it fills up in the midst of things
for room in 5500k 5000k 4000k 3000k 1500k; do
    truncate -s $room "$mount_point/ballast"
    sleep 1.2
done
rm -f "$mount_point/ballast"
mount -o remount,size=64m,nr_inodes=100000 "$mount_point"
sleep 1
kill -TERM $run; wait $run
"$SPOOLGATE" run --until-idle --limit 150 2>>"$work/run.log"
control GET /orderful/transactions | jq -r '.. | objects | select(.businessNumber?) | select((.type.name? // .type?) | tostring | test("850")) | .businessNumber' | sort >"$work/orderful"
ls "$SFTP_ROOT/hansen/in" | sed -n 's/^PO-\([^.]*\)\.x12$/\1/p' | sort >"$work/sftp"
sort "$work/orderful" "$work/sftp" | grep '^6' >"$work/arrived"
is "$(sort -u "$work/arrived" | wc -l)" $ORDERS "every order has arrived"
is "$(uniq -d "$work/arrived")" "" "none twice"
is "$(find "$site/spool/outbox" "$site/spool/inbox" -mindepth 2 -maxdepth 2 ! -name '.*' | wc -l)" 0 "nothing is left behind"
is "$(folders "$site/spool/error")" 1 "only the broken sample order is in error/"
ok "the archive's checksums are right" "$SPOOLGATE" check --archive
finish
