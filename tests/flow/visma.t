#!/usr/bin/env bash
# Visma: expired and revoked tokens, wrong credentials, paging, overlap, the hold status, detail fetch, backfill; and its bad
# days: refusals, broken answers, a list that changes while it is read, limits. The bad days run side by side, since each waits
# as long as Visma wants it.
. "$(dirname "$0")/lib.sh"

# One bad day: a sandbox, an SSH server and a site of its own; one run; what arrived, how often, and what was asked.
bad_day() { # NAME SETTINGS ("key value;key value" of [endpoint visma]) SANDBOX-ARGUMENT...
    local name=$1 settings=$2 pair
    shift 2
    work=$work/$name pids=()
    mkdir -p "$work"
    trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
    start_sandbox --orders 30 --orderful-limit 100000 --strict-repeat "$@"
    start_sshd
    make_site "$work/site"
    setting "$site/spoolgate.conf" "endpoint visma" page_size 10
    tr ';' '\n' <<<"$settings" | while read -r pair; do [ -z "$pair" ] || setting "$site/spoolgate.conf" "endpoint visma" $pair; done
    "$SPOOLGATE" run --until-idle --limit 60 >"$work/out" 2>"$work/log"
    echo $? >"$work/status"
    { control GET /orderful/transactions | jq -r '.. | objects | select(.businessNumber?) | .businessNumber'
      find "$SFTP_ROOT" -path '*/in/*' -type f | sed -n 's/.*-\([0-9]*\)\..*/\1/p'; } | sort >"$work/arrived"
    control GET /requests >"$work/requests"
    control GET /fault >"$work/faults"
}
bad_days=()
bad_day refused "" --fault 'visma/purchaseorder:500@1x1' --fault 'visma/customerinvoice:429@1x1' &
bad_days+=($!)
bad_day broken "" --fault 'visma/purchaseorder:truncate@1x1+1' --fault 'visma/customerinvoice:502@1x1' &
bad_days+=($!)
bad_day detail "detail yes" --fault 'visma/*/purchaseorder/*:500@1x1+3' --fault 'visma/*/purchaseorder/*:truncate@1x1+5' \
    --fault 'visma/customerinvoice:drop@1x1' &
bad_days+=($!)
bad_day changing "" --visma-unstable &
bad_days+=($!)
bad_day limited "detail yes" --rate visma=25/4 &
bad_days+=($!)

# Meanwhile, the good days.
start_sandbox --orders 120 --visma-budget 100000 --orderful-limit 100000
start_sshd
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint visma" page_size 25
requests() { control GET /requests | jq "$@"; }
"$SPOOLGATE" run --until-idle --limit 120 >"$work/run1" 2>"$work/log1"
arrived() { { control GET /orderful/transactions | jq -r '.. | objects | select(.businessNumber?) | .businessNumber'; ls "$SFTP_ROOT/hansen/in" | sed -n 's/^PO-\([^.]*\)\.x12$/\1/p'; } | grep -c "^6"; }
is "$(arrived)" 120 "five pages of orders have arrived"
unlike "$(find "$site/spool/archive" -name document.json -exec jq -r .number {} +)" '^500258$' "the order on hold was not sent"
before=$(archived | wc -l)
"$SPOOLGATE" run --until-idle --limit 60 >"$work/run2" 2>"$work/log2"
is "$(archived | wc -l)" "$before" "the overlapping poll takes nothing twice"

# the token expires while nothing runs, and is revoked ahead of its time
control POST /clock '{"advance": 7200}'
control POST /visma/purchaseorder "$(jq -n '{orderNbr:"600001",description:"changed after it was sent"}')" || true
"$SPOOLGATE" run --until-idle --limit 60 >"$work/run3" 2>"$work/log3"
unlike "$(cat "$work/log3")" ' 401( |:|$)' "an expired token is renewed ahead of its expiry, without a 401"
control POST /clock '{"advance": -7200}' # which ping would complain of
control POST /visma/revoke '{}'
"$SPOOLGATE" ping visma >"$work/ping"
is $? 0 "after a revocation there is a new token"
like "$(cat "$work/ping")" 'client_id: a new token is given, good for [0-9]+ seconds' "ping names what it looked at by its setting"
like "$(cat "$work/ping")" 'tenant_id: it is that of Nordmat' "the company as well"
like "$(cat "$work/ping")" 'clock: theirs is [0-9]+ seconds (behind|ahead of) ours, and one of the two was set' "and tells that a clock was set"
printf wrong | "$SPOOLGATE" secret set visma-client-secret
"$SPOOLGATE" ping visma >"$work/ping.cached" 2>&1
is $? 1 "with a wrong client secret ping says so, also while a good token is cached"
control POST /visma/revoke '{}'
"$SPOOLGATE" ping visma >"$work/ping.wrong" 2>&1
is $? 1 "and when it is not"
like "$(cat "$work/ping.wrong")" 'invalid_client|client secret|secret' "in words"
unlike "$(cat "$work/ping.wrong")" 'wrong$' "without the secret"
printf sandbox-visma-secret | "$SPOOLGATE" secret set visma-client-secret

# backfill
rm -rf "$work/site/spool" "$work/site/state.db"*
sed -i "s/^start .*/start = 2099-01-01T00:00:00/" "$site/spoolgate.conf"
"$SPOOLGATE" backfill visma purchaseorder 600007 >"$work/backfill" 2>&1
is $? 0 "backfill fetches one order"
is "$(find "$site/spool/inbox" -type f ! -name '.*' | wc -l)" 1 "into the inbox, and only that one"

# asked again and again: Visma refuses the same question six times a minute
rm -rf "$site/spool" "$site/state.db"*
setting "$site/spoolgate.conf" "endpoint visma" start 2026-11-01T00:00:00
setting "$site/spoolgate.conf" "endpoint visma" page_size 500
run() { "$SPOOLGATE" run --until-idle --limit 60 >"$work/again" 2>"$work/again.log"; }
run
for i in 1 2 3 4; do run; done
control GET /visma/purchaseorder | jq -c 'first(.. | objects | select(.orderNbr? == "600002")) | .orderNbr = "610001"' >"$work/new.json"
control POST /visma/purchaseorder "$(cat "$work/new.json")" >/dev/null
run
is $? 0 "asked five times in a minute, run --until-idle does not wait for the sixth"
like "$(cat "$work/again")" 'visma was asked a moment ago.*next poll' "and says that it has left something out"
is "$(find "$site/spool/archive" -name document.json -exec jq -r 'select(.number == "610001") | .number' {} + | wc -l)" 0 "what is new is not there yet"
setting "$site/spoolgate.conf" "endpoint visma" overlap 3901 # another question
run
is "$(find "$site/spool/archive" -name document.json -exec jq -r 'select(.number == "610001" and .outcome == "delivered") | .number' {} + | wc -l)" 1 "the next poll has it"

# a person has to act: the run ends at once, with a status and a sentence
refused() { # TEXT LOG-PATTERN KEY VALUE...: of [endpoint visma], in a copy of the site
    local text=$1 pattern=$2 status
    shift 2
    rm -rf "$site/spool" "$site/state.db"*
    cp "$site/spoolgate.conf" "$work/kept.conf"
    while [ $# -gt 0 ]; do setting "$site/spoolgate.conf" "endpoint visma" "$1" "$2"; shift 2; done
    "$SPOOLGATE" run --until-idle --limit 30 >"$work/refused.out" 2>"$work/refused.log"
    status=$?
    like "$status $(cat "$work/refused.log")" "^1 .*" "$text: run --until-idle ends with 1"
    like "$(tr '\n' ' ' <"$work/refused.log")" "$pattern.*visma was not asked for all that is new" "and says what to do"
    unlike "$(cat "$work/refused.log")" 'not everything was done within' "before its limit"
    cp "$work/kept.conf" "$site/spoolgate.conf"
}
printf wrong | "$SPOOLGATE" secret set visma-client-secret
refused "wrong client secret" 'client id and secret.*spoolgate secret set'
printf sandbox-visma-secret | "$SPOOLGATE" secret set visma-client-secret
refused "tenant that has not approved" 'has not approved this application.*administrator approve' tenant_id e81b0c27-94d5-4a36-b7f2-6c5d3a2e1f08
refused "scope that is not granted" 'scope.* is not granted.*approved in the developer portal' scope vismanet_erp_service_api:everything
refused "tenant that is no company" '12027|that of the company, not that of the customer' tenant_id c4a7d3e1-5b68-4f92-a0de-3f7182c95b64
printf sandbox-visma-secret-2 | "$SPOOLGATE" secret set visma-client-secret
refused "403 to the lists" 'answered 403.*Ask for the scope vismanet_erp_service_api:read' client_id isv_spoolgate_creator scope vismanet_erp_service_api:create
printf sandbox-visma-secret | "$SPOOLGATE" secret set visma-client-secret

# the calls of an hour used up, and a restart
kill "$sandbox_pid"
wait "$sandbox_pid" 2>/dev/null
start_sandbox --fresh --orders 120 --visma-budget 5 --orderful-limit 100000
rm -rf "$work/site" "$SFTP_ROOT"/*/in/*
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint visma" page_size 20
run
is $? 1 "the calls of an hour are used up: run --until-idle ends with 1"
like "$(cat "$work/again.log")" 'budget of calls to Visma.net is used up|asks us to wait' "and says so"
ok "what was read until then has been sent" test "$(archived | wc -l)" -ge 60
calls=$(requests '[.requests[]? | select(.vendor == "visma")] | length')
run
is $? 1 "started again, it says so again"
is "$(requests '[.requests[]? | select(.vendor == "visma")] | length')" "$calls" "and asks nothing before the hour is over"

# the bad days are over
wait "${bad_days[@]}"
{ seq 500254 500257; seq 500260 500261; seq 600001 600030; seq 800101 800103; } | sort >"$work/expected"
for day in refused broken detail changing limited; do
    is "$(diff "$work/expected" "$work/$day/arrived")" "" "$day: every document has arrived, once"
    unlike "$(jq -c . "$work/$day/requests")" 'Same (failing )?request' "$day: nothing was asked too often"
    is "$(jq -c '[.. | objects | select(.spec?) | select(.struck == 0) | .spec]' "$work/$day/faults")" "[]" "$day: all of it happened"
done
like "$(cat "$work/refused/log")" 'answered 500 .*' "a 500 is told"
like "$(cat "$work/refused/log")" 'asks us to wait 7 seconds' "so is a 429, with the seconds that Retry-After says"
like "$(cat "$work/broken/log")" 'Page 2 of the list cannot be used' "truncated JSON is told"
like "$(cat "$work/limited/log")" 'budget of calls|asks us to wait' "so is a budget that is used up, and waited for"
ok "while the list changed, documents came in two versions and went out in one" \
    test "$(find "$work/changing/site/spool/archive" -name document.json -exec jq -r 'select(.outcome == "duplicate") | .number' {} + | wc -l)" -ge 1
like "$(cat "$work/broken/log")" 'answered 502 .*a page of a proxy' "a proxy's page is not shown as the API's words"
finish
