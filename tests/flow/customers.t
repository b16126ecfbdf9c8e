#!/usr/bin/env bash
# A legacy customer on this machine's own OpenSSH server, with the sample's sshd configuration, rights and accounts as
# docs/sftp.md makes them: it fetches what the gateway laid there, drops a file, and sees nothing else. And the systemd unit.
. "$(dirname "$0")/lib.sh"
if command -v systemd-analyze >/dev/null; then
    sed "s|/usr/local/bin/spoolgate|$SPOOLGATE|" "$top_srcdir/samples/service/spoolgate.service" >"$work/spoolgate.service"
    said=$(systemd-analyze verify "$work/spoolgate.service" 2>&1 | grep spoolgate.service)
    is "$said" "" "systemd finds nothing wrong with the unit"
else
    skip "systemd finds nothing wrong with the unit" "there is no systemd-analyze"
fi

# accounts that every Debian has, in the place of "lofoten" and "spoolgate"
customer=games gateway=news
moored=
if [ "$(id -u)" -ne 0 ] || ! getent passwd $customer >/dev/null || ! getent passwd $gateway >/dev/null; then
    skip "a customer's chroot" "needs root, and the accounts $customer and $gateway"
    finish
    exit
fi
group=$(id -gn $customer)
# sshd wants every folder above a chroot to be root's and writable by nobody else: not /tmp
base=$(mktemp -d /run/spoolgate-customers.XXXXXX) || exit 1
trap 'cleanup; [ -z "$moored" ] || umount "$moored"; rm -rf "$base"' EXIT
chmod 0755 "$base"
as_gateway=(setpriv --reuid=$gateway --regid="$(id -gn $gateway)" --groups="$group" --inh-caps=-all,+lease
    --ambient-caps=+lease --) # as the unit; no function: a kill is for spoolgate, not for a subshell

# ---- the account, as in docs/sftp.md ----
install -d -m 0755 "$base/sftp/$customer"
install -d -m 2770 -o $gateway -g "$group" "$base/sftp/$customer/from-nordmat" "$base/sftp/$customer/to-nordmat"
mkdir -p "$base/keys" /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$work/customer"
ssh-keygen -q -t ed25519 -N '' -f "$work/host"
install -m 0644 "$work/customer.pub" "$base/keys/$customer"
port=$(free_port)
{
    printf 'Port %s\nListenAddress 127.0.0.1\nHostKey %s\nPidFile none\nUsePAM no\nPasswordAuthentication no\n' "$port" "$work/host"
    printf 'Subsystem sftp internal-sftp\n'
    sed "s|/srv/sftp|$base/sftp|; s|/etc/ssh/customers|$base/keys|; s|Match Group customers|Match User $customer|" \
        "$top_srcdir/samples/service/sshd-customers.conf"
} >"$work/sshd_config"
ok "sshd takes the sample" /usr/sbin/sshd -t -f "$work/sshd_config"
ok "with the group as it is printed" /usr/sbin/sshd -t -f "$top_srcdir/samples/service/sshd-customers.conf" -h "$work/host"
/usr/sbin/sshd -D -f "$work/sshd_config" -E "$work/sshd.log" &
pids+=($!)
answers() { (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 10 answers || { note "sshd did not start"; cat "$work/sshd.log" >&3; exit 1; }
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$work/host.pub")" >"$work/known_hosts"
customer_does() { # commands of sftp
    printf '%s\n' "$@" | sftp -b - -P "$port" -i "$work/customer" -o IdentitiesOnly=yes -o UserKnownHostsFile="$work/known_hosts" \
        $customer@127.0.0.1 2>&1
}

# ---- the gateway, as another user ----
install -d -o $gateway "$base/site" "$base/site/partners.d"
cp "$SPOOLGATE" "$base/spoolgate"
cp -r "$SPOOLGATE_TRANSLATORS" "$base/translators"
chmod -R a+rX "$base/spoolgate" "$base/translators"
cat >"$base/site/spoolgate.conf" <<EOF
[spoolgate]
translators = $base/translators
settle = 0
[us]
isa_id = NORDMATBUY
[endpoint lofoten]
adapter = directory
directory = $base/sftp/$customer/from-nordmat
group = $group
mode = 0660
pickup = $base/sftp/$customer/to-nordmat
pickup_after = 1
interval = 1
[route lofoten]
source = lofoten
map = visma/customer-invoice
EOF
cat >"$base/site/partners.d/lofoten.conf" <<EOF
[partner lofoten]
erp_id = 10021
usage = test
isa_id = LOFOTEN
[send invoice]
form = x12
map = x12/810
endpoint = lofoten
file_name = INV-{number}.x12
EOF
export SPOOLGATE_CONFIG=$base/site/spoolgate.conf
"${as_gateway[@]}" "$base/spoolgate" config check
is $? 0 "the configuration is in order, as the gateway's user"
"${as_gateway[@]}" "$base/spoolgate" ping
is $? 0 "which can write and read the customer's folders"
"${as_gateway[@]}" "$base/spoolgate" run >>"$work/run.log" 2>&1 &
pids+=($!)

# ---- the customer's day ----
customer_does "put $top_srcdir/samples/documents/visma-customer-invoice.json to-nordmat/invoice.json.part" \
    "rename to-nordmat/invoice.json.part to-nordmat/invoice.json" >"$work/put"
is $? 0 "the customer drops a file"
arrived() { [ -e "$base/sftp/$customer/from-nordmat/INV-88012.x12" ]; }
wait_for 30 arrived
ok "and its answer is laid out" arrived
taken() { [ -z "$(ls "$base/sftp/$customer/to-nordmat")" ]; }
wait_for 10 taken
ok "the dropped file was taken away" taken
customer_does "get from-nordmat/INV-88012.x12 $work/got.x12" "rm from-nordmat/INV-88012.x12" >"$work/get"
is $? 0 "the customer fetches it, and removes it"
like "$(cat "$work/got.x12")" 'BIG\*20260321\*88012' "it is the invoice"

# straight into the inbox, by a bind mount into the chroot; put -p sets the file's times and mode
mkdir "$base/sftp/$customer/drop"
inbox=$base/site/spool/inbox/lofoten
wait_for 10 test -d "$inbox"
chgrp "$group" "$inbox" && chmod 2770 "$inbox"
if mount --bind "$inbox" "$base/sftp/$customer/drop" 2>/dev/null; then
    moored=$base/sftp/$customer/drop
    for n in 1 2 3 4 5; do
        jq -c --arg n "9000$n" '.referenceNumber=$n' "$top_srcdir/samples/documents/visma-customer-invoice.json" >"$work/9000$n.json"
        touch -d 2026-01-01 "$work/9000$n.json"
    done
    customer_does "put -p $work/90001.json drop/" "put -p $work/90002.json drop/" "put -p $work/90003.json drop/" \
        "put $work/90004.json drop/90004.json.part" "rename drop/90004.json.part drop/90004.json" "chmod 660 drop/90004.json" \
        "put $work/90005.json drop/90005.json" "chmod 640 drop/90005.json" >"$work/dropped"
    is $? 0 "it drops files into the inbox, with their times, and changes their modes"
    all() { [ "$(ls "$base/sftp/$customer/from-nordmat" | grep -c '^INV-9000')" -eq 5 ]; }
    ok "each is answered" wait_for 30 all
    is "$(find "$base/site/spool" -name source.json -user $customer | wc -l)" 0 "nothing of the customer's own stands in the spool"
    is "$(find "$base/site/spool/archive" -name document.json -exec grep -l "\"owner\": *\"$customer (uid" {} + | wc -l)" 5 "and each says whose it was"
    umount "$moored" && moored=
else
    skip "straight into the inbox" "no bind mount can be made here"
fi
[ -n "$moored" ] || rmdir "$base/sftp/$customer/drop"

# ---- and what it may not do ----
is "$(customer_does 'ls -1' | grep -v '^sftp>')" "$(printf 'from-nordmat\nto-nordmat')" "it sees its two folders"
like "$(customer_does 'ls /etc')" 'not found|No such' "nothing of the machine"
customer_does "put $work/got.x12 /elsewhere" >"$work/denied"
is $? 1 "and cannot write beside them"
timeout 20 ssh -n -p "$port" -i "$work/customer" -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile="$work/known_hosts" \
    $customer@127.0.0.1 id >"$work/shell" 2>&1
unlike "$(cat "$work/shell")" 'uid=' "it gets no shell"
finish
