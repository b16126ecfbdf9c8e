#!/usr/bin/env bash
# Metrics: what is counted and what is there, by the command, the file and the port, read by an independent parser; and
# clients that mean no good.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
port=$(free_port)
printf '\n[metrics]\nlisten = 127.0.0.1:%s\nfile = metrics/spoolgate.prom\nevery = 1\n' "$port" >>"$SPOOLGATE_CONFIG"
mkdir "$site/metrics"
for python in /usr/bin/python3 python3 ''; do
    [ -z "$python" ] || "$python" -c 'import prometheus_client.openmetrics.parser' 2>/dev/null && break
done
reads() { # TEXT FILE: samples to FILE.read
    if [ -z "$python" ]; then skip "$1" "python3-prometheus-client is not installed"; return; fi
    ok "$1" "$python" "$top_srcdir/tests/flow/read-openmetrics.py" <"$2" >"$2.read"
}
names() { sed -nE 's/^# TYPE ([a-z_]+) (counter|info|.*)$/\1 \2/p' "$1" | awk '{ print $1 ($2 == "counter" ? "_total" : $2 == "info" ? "_info" : "") }' | sort; }
value() { # NAME-AND-LABELS FILE: of a sample
    awk -v wanted="$1" 'index($0, wanted " ") == 1 { print substr($0, length(wanted) + 2) }' "$2"
}

# without a gateway
is "$("$SPOOLGATE" config check | tail -1)" "$SPOOLGATE_CONFIG is in order: 4 endpoints, 5 partners" "[metrics] is in order"
"$SPOOLGATE" metrics >/dev/null 2>&1
is $? 66 "without a spool the command says so"
mkdir -p "$site/spool/inbox/visma" && touch "$site/spool/inbox/visma/"{a,b}.json
"$SPOOLGATE" metrics >"$work/none"
is $? 0 "without a gateway the command tells what the spool does"
reads "and it is OpenMetrics" "$work/none"
is "$(value spoolgate_up "$work/none") $(value 'spoolgate_waiting_documents{stage="inbox",place="visma"}' "$work/none")" "0 2" "no gateway, two files"
rm -r "$site/spool"

# what a gateway counts
"$SPOOLGATE" run --quiet 2>"$work/gateway.log" &
gateway=$!
pids+=("$gateway")
scrape() { curl -sS --max-time 60 "http://127.0.0.1:$port/metrics" >"$work/port"; }
delivered() { scrape && [ "$(awk '/^spoolgate_handled_documents_total{stage="outbox".*outcome="delivered"/ { n += $NF } END { print n + 0 }' "$work/port")" -ge 9 ]; }
ok "the port serves what was delivered" wait_for 60 delivered
like "$(curl -sSI "http://127.0.0.1:$port/metrics")" 'application/openmetrics-text; version=1.0.0; charset=utf-8' "as OpenMetrics"
reads "which the parser reads" "$work/port"
is "$(value 'spoolgate_handled_documents_total{stage="translate",source="visma",type="order",partner="",endpoint="",outcome="error"}' "$work/port")" 1 "an order that went to error/"
is "$(value 'spoolgate_handled_documents_total{stage="outbox",source="visma",type="order",partner="hansen",endpoint="hansen-sftp",outcome="delivered"}' "$work/port")" 2 "by stage, type, partner, endpoint and outcome"
is "$(value 'spoolgate_fetched_documents_total{endpoint="visma"}' "$work/port")" 10 "what was fetched"
is "$(value 'spoolgate_delivery_seconds_count{endpoint="hansen-sftp"}' "$work/port")" 2 "latencies"
is "$(value 'spoolgate_delivery_attempts_total{endpoint="orderful",verdict="delivered"}' "$work/port")" 5 "attempts"
is "$(value 'spoolgate_waiting_documents{stage="error",place=""}' "$work/port")" 1 "what waits for a person"
like "$(value 'spoolgate_oldest_waiting_seconds{stage="error",place=""}' "$work/port")" '^[0-9]+$' "and since when"
is "$(value spoolgate_up "$work/port") $(value 'spoolgate_role_up{role="courier orderful"}' "$work/port")" "1 1" "the gateway and its roles are up"
end=$(date -d "$(openssl s_client -connect "${VISMA_URL#https://}" </dev/null 2>/dev/null | openssl x509 -noout -enddate | cut -d= -f2)" +%s)
is "$(value 'spoolgate_certificate_expiry_timestamp_seconds{endpoint="visma",host=""}' "$work/port")" "$end" "when the other side's certificate runs out"
ok "when the token runs out" test "$(value 'spoolgate_token_expiry_timestamp_seconds{token="visma"}' "$work/port")" -gt "$(date +%s)"
ok "what is left of a budget" test "$(sed -n 's/^spoolgate_budget_left_calls{budget="orderful .*POST v3"} //p' "$work/port")" -lt 100
ok "the free room" test "$(value spoolgate_spool_free_bytes "$work/port")" -gt 0
file_is_there() { grep -q 'outcome="delivered"' "$site/metrics/spoolgate.prom"; }
ok "the file has it as well" wait_for 60 file_is_there
reads "and is whole" "$site/metrics/spoolgate.prom"
command_has_it() { "$SPOOLGATE" metrics >"$work/command" && grep -q 'outcome="delivered"' "$work/command"; }
ok "and the command" wait_for 60 command_has_it
reads "as OpenMetrics" "$work/command"
is "$(names "$work/command")" "$(names "$work/none")" "the figures are the same with and without a gateway"

# a role that dies
role_pid() { jq -r --arg role "$1" '.roles[] | select(.role == $role) | .pid' "$site/spool/.run.json"; }
kill -9 "$(role_pid 'courier hansen-sftp')"
restarted() { scrape && [ "$(value 'spoolgate_role_restarts_total{role="courier hansen-sftp"}' "$work/port")" = 1 ]; }
ok "a role that was killed is counted" wait_for 60 restarted
is "$(value 'spoolgate_delivery_attempts_total{endpoint="hansen-sftp",verdict="delivered"}' "$work/port")" 2 "and what it counted stays"
own=$(role_pid metrics)
like "$(cat "/proc/$own/status")" 'NoNewPrivs:.1' "the process of metrics has given up gaining privileges"
unlike "$(tr '\0' '\n' <"/proc/$own/environ" | grep -c SPOOLGATE_KEY)" '[1-9]' "and has no key"
kill -9 "$own"
ok "killed, it serves again with all that was counted" wait_for 60 delivered

# clients that mean no good
is "$(curl -sS -o /dev/null -w '%{http_code}' -X POST -d x "http://127.0.0.1:$port/metrics")" 405 "POST is refused"
is "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/../../etc/passwd")" 404 "another path is not there"
is "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "http://127.0.0.1:$port/metrics")" 403 "a browser that was lured here by another name is refused"
is "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Host: localhost' "http://127.0.0.1:$port/metrics")" 200 "this machine's own name is not"
ok "a header without end is cut off" test "$(curl -sS -o /dev/null -w '%{http_code}' -H "X: $(head -c 60000 /dev/zero | tr '\0' x)" "http://127.0.0.1:$port/metrics" 2>/dev/null)" != 200
perl -MIO::Socket::INET -e '
    my @held = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") // () } 1 .. 200;
    $SIG{PIPE} = "IGNORE";
    print STDERR "held\n";
    while (1) { for (@held) { syswrite $_, "G" if $_ } sleep 1 }' "$port" 2>"$work/held" &
pids+=($!)
wait_for 30 test -s "$work/held"
ok "200 clients that dribble hold nobody up" scrape
reads "who gets all of it" "$work/port"
kill "${pids[-1]}"
for bad in 'listen = 0.0.0.0:9464' 'listen = 192.0.2.1:9464' 'listen = 9464' 'every = 5'; do
    printf '[metrics]\n%s\n' "$bad" >"$work/bad.conf"
    said=$("$SPOOLGATE" config check -c "$work/bad.conf" 2>&1)
    is "$? $(grep -Ec "bad.conf:[12]: error: " <<<"$said")" "1 1" "$bad is refused"
done
kill "$gateway"
wait "$gateway"
ok "it ends in order" test $? -eq 0 -a ! -e "$site/spool/.metrics"
is "$(value spoolgate_up "$site/metrics/spoolgate.prom") $(value 'spoolgate_fetched_documents_total{endpoint="visma"}' "$site/metrics/spoolgate.prom")" "0 10" "and the file says so, with what was counted"

# a vendor that wants a pause gets one, and the poller sleeps meanwhile
kill "$sandbox_pid"
wait "$sandbox_pid"
start_sandbox --fault 'orderful/GET transactions:429@1x1'
make_site "$work/paused"
"$SPOOLGATE" run --quiet 2>"$work/paused.log" &
gateway=$!
pids+=("$gateway")
finished() { "$SPOOLGATE" metrics >"$work/paused.now" && grep -q 'outcome="delivered"' "$work/paused.now" && ! grep -q '^spoolgate_awaited_documents{' "$work/paused.now"; }
ok "after a 429 the fate of all was learnt" wait_for 240 finished
is "$(value 'spoolgate_request_seconds_count{endpoint="orderful",answer="4xx"}' "$work/paused.now")" 1 "it was refused once"
ok "and the poller has not looked again and again meanwhile" test "$(value 'spoolgate_polls_total{endpoint="orderful",task="chores",outcome="done"}' "$work/paused.now")" -lt 300
kill "$gateway"
wait "$gateway"
SPOOLGATE_CONFIG=$work/site/spoolgate.conf

# a port that somebody else has
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1, ReuseAddr => 1) or die; print STDERR "there\n"; sleep 600' "$port" 2>"$work/there" &
pids+=($!)
wait_for 30 test -s "$work/there"
"$SPOOLGATE" run --until-idle --limit 60 >/dev/null 2>"$work/taken.log"
is "$(grep -c "WARNING metrics: 127.0.0.1:$port cannot be listened on" "$work/taken.log") $(grep -c 'ended with' "$work/taken.log")" "1 0" "a port that is taken is told once, and keeps nothing from being done"

# names: the program's, the page's, the samples'
names "$work/command" >"$work/names"
is "$(sed -nE 's/^\| `(spoolgate_[a-z_]+)` .*/\1/p' "$top_srcdir/docs/metrics.md" | sort)" "$(cat "$work/names")" "metrics.md has them all"
used() { grep -oE 'spoolgate_[a-z_]+' "$@" | sed -E 's/_(bucket|count|sum)$//' | sort -u; }
is "$(jq -r '.. | objects | (.expr // empty), (select(.templating) | .templating.list[].query | objects | .query)' "$top_srcdir/samples/grafana/spoolgate.json" | used | comm -23 - "$work/names")" "" "the dashboard asks for nothing else"
is "$(jq -r '.panels[].targets[].expr' "$top_srcdir/samples/grafana/spoolgate.json" | used | comm -13 - "$work/names")" "spoolgate_build_info" "and for nearly all of it"
is "$(used "$top_srcdir/samples/prometheus/spoolgate-alerts.yml" | comm -23 - "$work/names")" "" "nor do the alerts"
ok "labels of the dashboard are there, too" test -z "$(jq -r '.panels[].targets[] | .expr, .legendFormat' "$top_srcdir/samples/grafana/spoolgate.json" | grep -oE '[a-z_]+!?="|\{\{[a-z]+\}\}' | tr -d '!="{}' | sort -u | grep -vxE "instance|le|$(grep -oE '[a-z]+="' "$work/command" | tr -d '="' | sort -u | paste -sd'|')")"
finish
