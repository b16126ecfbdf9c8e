#!/usr/bin/env bash
# Alerts: a command and a webhook are told of an outage and of its end, of documents in error/, not too often; and a command
# that hangs, forks, floods or fails is in nobody's way.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
conf=$site/spoolgate.conf
stop_sshd() { kill "$sshd_pid"; wait "$sshd_pid" 2>/dev/null; }
sshd_again() { /usr/sbin/sshd -D -f "$work/sshd/config" -E "$work/sshd/log" & sshd_pid=$!; pids+=("$sshd_pid"); wait_for 10 sshd_answers; }

# a receiver: keeps each body, a line each, and answers what $work/answer says
cat >"$work/receiver" <<'END'
use strict; use warnings; use IO::Socket::INET;
my ($port, $folder) = @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 20, ReuseAddr => 1) or die $!;
$SIG{PIPE} = 'IGNORE';
while (my $c = $s->accept) {
    my ($length, $head) = (0, '');
    while (my $line = <$c>) { $head .= $line; $length = $1 if $line =~ /^Content-Length: (\d+)/i; last if $line =~ /^\r?\n$/ }
    read $c, my $body, $length;
    my $answer = do { open my $f, '<', "$folder/answer"; my $a = $f ? <$f> : ''; ($a // '') =~ /(\d+)/ ? $1 : 200 };
    open my $h, '>>', "$folder/heads"; print $h $head; close $h;
    if ($answer < 300) { open my $f, '>>', "$folder/hook"; print $f $body; close $f }
    print $c "HTTP/1.1 $answer Word\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $c;
}
END
PORT=$(free_port)
perl "$work/receiver" "$PORT" "$work" & pids+=($!)
receives() { (exec 9<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }
wait_for 10 receives
cat >"$work/page" <<END
#!/bin/sh
cat >>"$work/told"
printf '%s|%s|%s|%s|%s\n' "\$ALERT" "\$ALERT_WHAT" "\$ALERT_WHERE" "\$1" "\$ALERT_TEXT" >>"$work/variables"
env >"$work/environment"
ls -l /proc/self/fd >"$work/descriptors"
END
chmod 755 "$work/page"
printf 'the-token' | "$SPOOLGATE" secret set alert-token
cat >>"$conf" <<END

[alerts]
command = $work/page --team
webhook = http://127.0.0.1:$PORT/hook
webhook_secret = alert-token
after = 3
timeout = 5
END
ok "the configuration is in order" "$SPOOLGATE" config check

# a test
is "$("$SPOOLGATE" alert test)" "$(printf 'command: done\nwebhook: done')" "alert test gets through"
is "$(jq -r .alert "$work/told") $(jq -r .alert "$work/hook")" "test test" "to both"
like "$(cat "$work/heads")" 'Authorization: Bearer the-token' "the webhook gets its secret"
unlike "$(cat "$work/told" "$work/environment")" 'the-token|SPOOLGATE' "the command gets no secret, and nothing of our environment"
unlike "$(cat "$work/descriptors")" "$site|socket|sqlite" "and no descriptor of ours"
echo 500 >"$work/answer"
said=$("$SPOOLGATE" alert test); is $? 1 "one that does not get through ends with 1"
like "$said" 'webhook: it answered 500' "and says why"
echo 200 >"$work/answer"
rm -f "$work/told" "$work/hook" "$work/variables"

# an outage and its end, and a document in error/
gateway() { "$SPOOLGATE" run 2>>"$work/log.run" & run=$!; pids+=("$run"); }
stop_gateway() { kill -TERM $run; wait $run; }
said_in() { jq -es --arg e "$2" --arg w "$3" --arg p "${4:-}" 'any(.[]; .alert == $e and .what == $w and .where == $p)' "$1" >/dev/null 2>&1; }
told() { said_in "$work/told" "$@"; }
hooked() { said_in "$work/hook" "$@"; }
stop_sshd
gateway
ok "documents in error/ are told" wait_for 60 told begin error
ok "an outage is told when it lasts" wait_for 90 told begin send hansen-sftp
ok "by the webhook, too" wait_for 60 hooked begin send hansen-sftp
one=$(jq -c 'select(.alert == "begin" and .key == "send hansen-sftp")' "$work/told" | head -1)
is "$(jq -r '"\(.where) \(.key)"' <<<"$one")" "hansen-sftp send hansen-sftp" "it says what and where"
like "$(jq -r .text <<<"$one")" '^spoolgate on .*: nothing arrives at hansen-sftp since 20.*: .*(refused|No connection)' "and has a sentence for people"
like "$(jq -r '"\(.since) \(.at)"' <<<"$one")" '^20[0-9T:-]+Z 20[0-9T:-]+Z$' "with since and at"
like "$(cat "$work/variables")" 'begin\|send\|hansen-sftp\|--team\|spoolgate on ' "the command has it in variables, and its own arguments"
sshd_again
ok "its end is told" wait_for 120 told end send hansen-sftp
ok "by both" wait_for 60 hooked end send hansen-sftp
is "$(jq -r 'select(.what == "send" and .where == "hansen-sftp") | .alert' "$work/told" | sort | uniq -c | awk '{print $1 $2}' | tr '\n' ' ')" "1begin 1end " "each once"
rm -rf "$site"/spool/error/*
ok "and the end of documents in error/" wait_for 60 told end error
stop_gateway
unlike "$(cat "$work/log.run")" 'the-token' "no secret is in the log"

# commands at their worst. Documents are sent meanwhile
worst() { # NAME: with $work/page as it is
    rm -rf "$work/told" "$work/hook" "$site/spool" "$site/state.db"* "$work/log.run"
    rm -f "$SFTP_ROOT"/hansen/in/*
    gateway
    arrived() { ls "$SFTP_ROOT/hansen/in" | grep -q '^PO-500257'; }
    ok "$1: documents arrive meanwhile" wait_for 60 arrived
    alive() { jq -e '.roles | length > 0' "$site/spool/.run.json" >/dev/null; }
    problem() { "$SPOOLGATE" status --json | jq -e '.problems[] | select(.what == "alerts")' >/dev/null; }
}
setting "$conf" alerts timeout 1
sed -i '/^webhook/d' "$conf"
printf '#!/bin/sh\nsleep 600 & setsid sleep 601 & echo $$ >>%s/hung; exec sleep 602\n' "$work" >"$work/page"
worst "a command that hangs"
ok "it is ended, and status says that alerts do not get through" wait_for 60 problem
like "$("$SPOOLGATE" status)" 'The command: it did not end within 1 s, and was ended' "with what was wrong"
none_left() { ! pgrep -f '^sleep 60[012]$' >/dev/null; }
stop_gateway
ok "nothing of it is left" wait_for 20 none_left
printf '#!/bin/sh\nyes flooding >&2 & yes flooded & yes\n' >"$work/page"
worst "a command that floods"
ok "is ended as well" wait_for 60 problem
like "$("$SPOOLGATE" status)" 'was ended: flooding' "with the first line it complained of"
ok "the log is not flooded" test "$(stat -c %s "$work/log.run")" -lt 100000
stop_gateway
printf '#!/bin/sh\necho pager is out of order >&2; exit 3\n' >"$work/page"
worst "a command that fails"
ok "is told in status" wait_for 60 problem
like "$("$SPOOLGATE" status)" 'it ended with status 3: pager is out of order \(tried several times\)' "with its words"
printf '#!/bin/sh\ncat >>%s/told\n' "$work" >"$work/page"
kill -HUP $run
ok "put right it gets through" wait_for 60 told begin error
no_problem() { ! problem; }
ok "and status is content again" wait_for 30 no_problem
stop_gateway

# not more than so many an hour
setting "$conf" alerts most 1
setting "$conf" alerts after 0
stop_sshd
rm -rf "$work/told" "$site/spool" "$site/state.db"*; rm -f "$SFTP_ROOT"/hansen/in/*
gateway
problem_of() { "$SPOOLGATE" status --json | jq -e --arg w "$1" '.problems[] | select(.what == $w)' >/dev/null; }
ok "an outage and documents in error/ at once" wait_for 60 problem_of send
first() { [ -s "$work/told" ]; }
wait_for 30 first
sleep 4 # two rounds
is "$(jq -r 'select(.alert == "begin") | .alert' "$work/told" | wc -l)" 1 "with most = 1 one is told"
stop_gateway

# what a configuration says of it
printf '[alerts]\nafter = 5\n' >"$work/bad.conf"
like "$("$SPOOLGATE" config check -c "$work/bad.conf" 2>&1)" 'bad\.conf:1.*' "an [alerts] that tells nobody is refused"
printf '[alerts]\nwebhook = http://example.com/x\n' >"$work/bad.conf"
like "$("$SPOOLGATE" config check -c "$work/bad.conf" 2>&1)" 'https' "and a webhook that is not safe"
printf '[alerts]\ncommand = page\n' >"$work/bad.conf"
like "$("$SPOOLGATE" config check -c "$work/bad.conf" 2>&1)" 'whole path' "and a command without its path"
printf '[alerts]\ncommand = /nowhere/page\n' >"$work/bad.conf"
"$SPOOLGATE" config check -c "$work/bad.conf" >"$work/said" 2>&1
is $? 0 "one that is not there is only warned of"
like "$(cat "$work/said")" '/nowhere/page cannot be run' "for documents are sent without it, too"
: >"$work/bad.conf"
"$SPOOLGATE" alert test -c "$work/bad.conf" 2>"$work/said"
is $? 78 "alert test without [alerts] says so"
finish
