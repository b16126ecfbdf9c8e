#!/usr/bin/env bash
# The supervisor: starts the roles, restarts one that crashed, reloads, refuses a wrong configuration, stops.
. "$(dirname "$0")/lib.sh"
start_sandbox
start_sshd
make_site "$work/site"
"$SPOOLGATE" run >"$work/out" 2>"$work/log" &
run=$!
pids+=("$run")
children() { pgrep -P "$run" | wc -l; }
ok "it starts its roles" wait_for 10 test -s "$site/spool/.run.json"
roles=$(jq -r '.. | .role? // empty' "$site/spool/.run.json")
for r in 'translator 1' 'courier orderful' 'courier hansen-sftp' 'poller visma'; do like "$roles" "$r" "there is a $r"; done
"$SPOOLGATE" run >"$work/second" 2>&1
ok "a second gateway on the same spool is refused" test $? -ne 0
like "$(cat "$work/second")" 'already|another' "with a sentence"
pid_of() { jq -r --arg r "$1" '.. | objects | select(.role? == $r) | .pid' "$site/spool/.run.json"; }
is "$(ps -o comm= -p "$(pid_of 'translator 1')")" 'translator 1' "a role's process bears its name"
for role in 'translator 1' 'courier orderful' 'poller visma'; do
    old=$(pid_of "$role")
    kill -9 "$old"
    replaced() { local p; p=$(pid_of "$role"); [ -n "$p" ] && [ "$p" != "$old" ] && [ "$p" != 0 ] && kill -0 "$p" 2>/dev/null; }
    ok "a crashed $role is started again" wait_for 20 replaced
done
old=$(pid_of 'translator 1')
setting "$site/spoolgate.conf" spoolgate group nonsense
kill -HUP $run
sleep 1.5
ok "a wrong configuration is not taken: the gateway goes on" kill -0 $run
like "$(cat "$work/log")" 'spoolgate\.conf:[0-9]+' "and names file and line"
setting "$site/spoolgate.conf" spoolgate group 64
kill -HUP $run
reloaded() { local p; p=$(pid_of 'translator 1'); [ "$p" != "$old" ] && kill -0 "$p" 2>/dev/null; }
ok "a right one replaces the roles" wait_for 20 reloaded
all=$(jq -r '.. | .pid? // empty' "$site/spool/.run.json")
kill -TERM $run
wait $run
is $? 0 "SIGTERM ends it in order"
alive=0
for p in $all; do kill -0 "$p" 2>/dev/null && alive=$((alive + 1)); done
is $alive 0 "and all its roles"
"$SPOOLGATE" run 2>>"$work/log" &
run=$!
rm -f "$site/spool/.run.json"
wait_for 10 test -s "$site/spool/.run.json"
all=$(jq -r '.. | .pid? // empty' "$site/spool/.run.json")
kill -9 $run; wait $run 2>/dev/null
gone() { local p; for p in $all; do kill -0 "$p" 2>/dev/null && return 1; done; return 0; }
ok "no role outlives a supervisor that was killed" wait_for 10 gone

# a wish to stop that comes while the roles are being replaced is not forgotten
for pause in 0 0.01 0.03 0.06 0.1 0.2; do
    "$SPOOLGATE" run >"$work/out" 2>>"$work/log" &
    run=$!
    pids+=("$run")
    wait_for 20 test -s "$site/spool/.run.json"
    kill -HUP "$run"
    sleep "$pause"
    kill -TERM "$run"
    stopped() { ! kill -0 "$run" 2>/dev/null; }
    ok "stopped $pause s after it was told to read its configuration again, it stops" wait_for 40 stopped
    wait "$run" 2>/dev/null
done
finish
