#!/usr/bin/env bash
# Visma: expired and revoked tokens, wrong credentials, paging, overlap, the hold status, detail fetch, backfill.
. "$(dirname "$0")/lib.sh"
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
unlike "$(cat "$work/log3")" '401' "an expired token is renewed ahead of its expiry, without a 401"
control POST /visma/revoke '{}'
"$SPOOLGATE" ping visma >"$work/ping"
is $? 0 "after a revocation a 401 is answered with a new token, once"
printf wrong | "$SPOOLGATE" secret set visma-client-secret
control POST /visma/revoke '{}'
"$SPOOLGATE" ping visma >"$work/ping.wrong" 2>&1
is $? 1 "with a wrong client secret ping says so"
like "$(cat "$work/ping.wrong")" 'invalid_client|client secret|secret' "in words"
unlike "$(cat "$work/ping.wrong")" 'wrong$' "without the secret"
printf sandbox-visma-secret | "$SPOOLGATE" secret set visma-client-secret

# backfill
rm -rf "$work/site/spool" "$work/site/state.db"*
sed -i "s/^start .*/start = 2099-01-01T00:00:00/" "$site/spoolgate.conf"
"$SPOOLGATE" backfill visma purchaseorder 600007 >"$work/backfill" 2>&1
is $? 0 "backfill fetches one order"
is "$(find "$site/spool/inbox" -type f ! -name '.*' | wc -l)" 1 "into the inbox, and only that one"
finish
