#!/usr/bin/env bash
# Requests to Visma and Orderful, as they were really sent, and the sandbox's answers, against the vendors' published OpenAPI
# documents, by an independent validator; Mosaic documents against the vendor's schemas.
. "$(dirname "$0")/lib.sh"
specs=${SPECS:-$top_srcdir/../shared/vendor-specs}
[ -d "$specs" ] || skip_all "the vendors' specifications are not here ($specs)"
[ -d "${top_builddir:-/none}/node_modules/openapi-backend" ] || skip_all "the npm packages of the tests are not installed"
start_sandbox --record "$work/record"
start_sshd
make_site "$work/site"
setting "$site/spoolgate.conf" "endpoint visma" detail yes
"$SPOOLGATE" ping
"$SPOOLGATE" run --until-idle --limit 90 >"$work/out" 2>"$work/log"
ok "exchanges were recorded" test "$(ls "$work/record" | wc -l)" -ge 10
NODE_PATH=$top_builddir/node_modules node "$top_srcdir/tests/flow/validate-openapi.js" "$specs" "$work/record" >"$work/validated" 2>"$work/validator.log"
is $? 0 "the validator has run"
while IFS=$'\t' read -r verdict text detail; do
    if [ "$verdict" = ok ]; then pass "$text"; else fail "$text" "$detail"; fi
done <"$work/validated"
finish
