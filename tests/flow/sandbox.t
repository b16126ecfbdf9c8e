#!/bin/bash
# sandbox.t - the sandbox keeps the vendors' rules: a session with curl, over TLS.
#
# $SPOOLGATE is the program (default ./spoolgate), $top_srcdir the source tree (default .). Prints TAP.

spoolgate=${SPOOLGATE:-./spoolgate}
samples=${top_srcdir:-.}/samples
work=$(mktemp -d "${TMPDIR:-/tmp}/sandbox-t.XXXXXX")
number=0
pid=

cleanup() {
    [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# ok TEXT COMMAND...: one point
ok() {
    local text=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $text"
    else
        echo "not ok $number - $text"
        echo "# status=$status body=${body:0:600}"
    fi
}

# start OPTION...: a sandbox on free ports; sets the URLs
start() {
    rm -f "$work/ready"
    "$spoolgate" sandbox --port 0 --directory "$work/state" --samples "$samples" --ready-file "$work/ready" \
        --quiet "$@" >"$work/out" 2>&1 &
    pid=$!
    for _ in $(seq 150); do
        [ -f "$work/ready" ] && break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    [ -f "$work/ready" ] || { cat "$work/out"; echo "Bail out! the sandbox does not start"; exit 1; }
    connect=$(url connect) visma=$(url visma) old=$(url visma-old) orderful=$(url orderful) control=$(url control)
}

url() {
    sed -n 's/^ *"'"$1"'": "\(https*:[^"]*\)".*/\1/p' "$work/ready" | head -1
}

stop() {
    kill "${1:--TERM}" "$pid"
    wait "$pid" 2>/dev/null
    stopped=$?
    pid=
}

# call CURL-ARGUMENT...: sets status, body, and the headers in $work/headers
call() {
    status=$(curl -sS --max-time 30 --cacert "$work/state/ca.pem" -D "$work/headers" -o "$work/body" \
        -w '%{http_code}' "$@" 2>"$work/error")
    curl_code=$?
    body=$(tr -d '\0' <"$work/body" 2>/dev/null)
    return 0
}

header() { # NAME: its value in the last answer
    tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip" | tail -1
}

has() { # TEXT...: the body has each of them
    local text
    for text in "$@"; do
        [[ $body == *"$text"* ]] || return 1
    done
}

is() { # STATUS [TEXT...]
    local want=$1
    shift
    [ "$status" = "$want" ] && has "$@"
}

tell() { # PATH JSON: the control port
    curl -sS --max-time 30 -X POST "$control$1" -d "$2"
}

advance() {
    tell /clock "{\"advance\": $1}" >/dev/null
}

tenant=7d9c4b52-2f0a-4c8e-9a63-1b5e0c7f4d21
token_call() { # NAME=VALUE... laid over a good request
    local -A form=([grant_type]=client_credentials [client_id]=isv_spoolgate_demo
        [client_secret]=sandbox-visma-secret [tenant_id]=$tenant [scope]=vismanet_erp_service_api:read)
    local pair arguments=()
    for pair in "$@"; do
        form[${pair%%=*}]=${pair#*=}
    done
    for pair in "${!form[@]}"; do
        [ -n "${form[$pair]}" ] && arguments+=(--data-urlencode "$pair=${form[$pair]}")
    done
    call "${arguments[@]}" "$connect/connect/token"
}

fresh_token() {
    token_call "$@"
    token=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' <<<"$body")
}

get() { # PATH: from the Visma.net API
    call -H "Authorization: Bearer $token" "$visma$1"
}

rows() { # how many rows the body has
    grep -o '"orderNbr"' <<<"$body" | wc -l
}

order() { # NUMBER [SED-EXPRESSION]: an 850 in Orderful JSON
    sed -e "s/NUMBER/$1/" -e "${2:-b}" <<'J'
{"sender":{"isaId":"NORDMATBUYT"},"receiver":{"isaId":"FJORDSELLT"},"type":{"name":"850_PURCHASE_ORDER"},"stream":"TEST","message":{"transactionSets":[{"beginningSegmentForPurchaseOrder":[{"transactionSetPurposeCode":"00","purchaseOrderTypeCode":"SA","purchaseOrderNumber":"NUMBER","date":"20261102"}],"currency":[{"entityIdentifierCode":"BY","currencyCode":"NOK"}],"N1_loop":[{"partyIdentification":[{"entityIdentifierCode":"BY","name":"Nordmat AS"}]}],"PO1_loop":[{"baselineItemData":[{"assignedIdentification":"1","quantity":"15.5","unitOrBasisForMeasurementCode":"KG","unitPrice":"189","productServiceIDQualifier":"VN","productServiceID":"FS-TORSK-1K"}]}],"CTT_loop":[{"transactionTotals":[{"numberOfLineItems":"1"}]}]}]}}
J
}

mosaic() { # NUMBER [SED-EXPRESSION]: an 850 as Mosaic document
    sed -e "s/NUMBER/$1/" -e "${2:-b}" <<'J'
{"type":"850_PURCHASE_ORDER","stream":"test","senderId":"NORDMATBUYT","receiverId":"BERGENBRUST","message":{"purpose":"original","purchaseOrderType":"standalone","purchaseOrderNumber":"NUMBER","purchaseOrderDate":"2026-11-02","lineItems":[{"purchaseOrderLineId":"1","quantity":{"value":"40","unitOfMeasure":"case"},"unitCostPrice":"168.00","productIds":{"vendorItemNumber":"BB-EPLE-24"}}]}}
J
}

orderful() { # CURL-ARGUMENT... PATH
    call -H 'orderful-api-key: sandbox-orderful-key' -H 'Content-Type: application/json' "${@:1:$#-1}" \
        "$orderful${*: -1}"
}

post_v3() { orderful --data-binary "$1" /v3/transactions; }
post_v4() { orderful -H 'orderful-api-version: v4' --data-binary "$1" /transactions; }
id_of() { sed 's/.*"id":"\([0-9]*\)".*/\1/' <<<"$body"; }
accepted() { # BUSINESS-NUMBER: how many of it Orderful has
    curl -sS "$control/orderful/transactions?businessNumber=$1" | sed 's/.*{"count":\([0-9]*\).*/\1/'
}

start --orders 600 --visma-budget 60 --orderful-limit 60

# --- Visma Connect ---------------------------------------------------------------------------------------------
token_call client_secret=wrong
ok "a wrong secret is invalid_client" is 400 '{"error":"invalid_client"}'
token_call grant_type=
ok "no grant_type is invalid_request" is 400 invalid_request
token_call grant_type=authorization_code
ok "another grant is unauthorized_client" is 400 unauthorized_client
token_call scope=vismanet_erp_service_api:everything
ok "a scope that is not granted is invalid_scope" is 400 invalid_scope
token_call tenant_id=e81b0c27-94d5-4a36-b7f2-6c5d3a2e1f08
ok "a tenant that has not approved is invalid_tenant" is 400 invalid_tenant
call -H 'Content-Type: application/json' -d '{}' "$connect/connect/token"
ok "the form has to be a form" is 400 invalid_request
call -u isv_spoolgate_demo:sandbox-visma-secret -d grant_type=client_credentials -d "tenant_id=$tenant" \
    "$connect/connect/token"
ok "client_secret_basic works too" is 200 '"token_type":"Bearer"' '"expires_in":3600'
call "$connect/.well-known/openid-configuration/jwks"
ok "the keys are published" is 200 '"kty":"RSA"'
fresh_token
ok "a token is issued" is 200 '"access_token":"eyJ'

# --- Visma.net: who may ask ------------------------------------------------------------------------------------
call "$visma/v1/purchaseorder"
ok "no token: 401" is 401
call -H 'Authorization: Bearer nonsense' "$visma/erp/service/v1/purchaseorder"
ok "a wrong token: 401 before 404" is 401
get /erp/service/v1/purchaseorder
ok "the audience is no path: 404" is 404
get /v1/nonsense
ok "an unknown path: 404" is 404
get /v1/customer
ok "what is not simulated says so" is 501 'the sandbox does not simulate this'
call -X POST -H "Authorization: Bearer $token" -d '{}' "$visma/v1/purchaseorder"
ok "POST without the scope create: 403" is 403
good=$token
fresh_token client_id=isv_spoolgate_creator client_secret=sandbox-visma-secret-2 scope=
get /v1/purchaseorder
ok "GET without the scope read: 403" is 403
fresh_token tenant_id=c4a7d3e1-5b68-4f92-a0de-3f7182c95b64
get /v1/purchaseorder
ok "a tenant that is no company: fault 12027" is 403 '"ExceptionFaultCode":"12027"'
fresh_token tenant_id=2b1f6a90-7c34-4e1d-8f5a-90c2d47e6b13
get /v1/purchaseorder
ok "another tenant sees nothing of ours" is 200 '[]'
token=$good
advance 3500
get /v1/organization
ok "a token lives" is 200 '"organizationCd":"NORDMAT"'
advance 101
get /v1/organization
ok "and dies after an hour of the movable clock" is 401
fresh_token
tell /visma/revoke '' >/dev/null
get /v1/organization
ok "revoked tokens are refused" is 401
advance 3600
fresh_token

# --- Visma.net: lists ------------------------------------------------------------------------------------------
get '/v1/PurchaseOrder?PAGESIZE=5000&pageNumber=1'
ok "names without regard to case; the page is cut to 500" is 200 '"metadata":{"totalCount":608,"maxPageSize":500}'
ok "and has 500 rows" [ "$(rows)" = 500 ]
get '/v1/purchaseorder?pageSize=500&pageNumber=2'
ok "the second page has the rest" [ "$(rows)" = 108 ]
get '/v1/purchaseorder?pageSize=500&pageNumber=3'
ok "a page past the end is an empty array" is 200 '[]'
get '/v1/purchaseorder?orderStatus=Hold&pageSize=10&pageNumber=1'
ok "orderStatus filters" [ "$(rows)$(grep -c 500258 <<<"$body")" = 11 ]
get '/v1/purchaseorder?status=Hold&pageSize=500&pageNumber=1'
ok "a wrong name filters nothing" [ "$(rows)" = 500 ]
ok "and is counted" grep -q '"unknownQuery":{"status":1}' <(curl -sS "$control/requests")
get '/v1/purchaseorder?orderStatus=Nonsense'
ok "an unknown value of an enumeration: 400" is 400 VismaId
get '/v1/purchaseorder?lastModifiedDateTime=2026-11-01T00:00:00'
ok "a date without its condition: 400" is 400 'mutually inclusive'
get '/v1/purchaseorder?lastModifiedDateTime=2026-11-01T00:00:00Z&lastModifiedDateTimeCondition=%3E'
ok "a date with a zone letter: 400" is 400 zone
get '/v1/purchaseorder?lastModifiedDateTime=2026-11-04T11:20:45.25&lastModifiedDateTimeCondition=%3E%3D&supplier=50002&greaterThanValue=500257&pageSize=500&pageNumber=1'
ok "a delta, a supplier and greaterThanValue together" is 200 '"orderNbr":"500259"' '"orderNbr":"500261"'
call -sS -X POST "$control/visma/purchaseorder" -d '{"orderNbr":"500254","description":"changed"}'
stamp=$(sed 's/.*"lastModifiedDateTime":"\([^"]*\)".*/\1/' <<<"$body")
get "/v1/purchaseorder?lastModifiedDateTime=$stamp&lastModifiedDateTimeCondition=%3E%3D&pageSize=10&pageNumber=1"
ok "a changed order, and only it, is in the delta" [ "$(rows)$(grep -c '"500254"' <<<"$body")" = 11 ]
get "/v1/purchaseorder?lastModifiedDateTime=$stamp&lastModifiedDateTimeCondition=%3E&pageSize=10&pageNumber=1"
ok "greater than leaves the bound out" is 200 '[]'
get /v1/purchaseorder/500254
ok "a single order has an ETag that is its row version" \
    [ "$(header ETag)" = "\"$(sed 's/.*"timeStamp":"\([^"]*\)".*/\1/' <<<"$body")\"" ]
get /v1/purchaseorder/500254
ok "custom fields are hidden" bash -c '! grep -q customStr1 <<<"$0"' "$body"
get '/v1/purchaseorder/500254?includeCustomFreeFields=true'
ok "unless they are asked for" is 200 '"customStr1":"Kampanje uke 47"'
get '/v1/purchaseorder/b64(NTAwMjU0)'
ok "b64(...) is a key" is 200 '"orderNbr":"500254"'
get /v1/purchaseorder/999999
ok "no such order: 404" is 404
get '/v1/customerinvoice?pageSize=10&pageNumber=1'
ok "invoices come without their tax details" bash -c '! grep -q taxDetails <<<"$0"' "$body"
get '/v1/customerinvoice?expandTaxDetails=true&expandInvoiceAddress=true&pageSize=10&pageNumber=1'
ok "unless expanded" is 200 '"taxDetails"' '"invoiceAddress"' '"referenceNumber":"800103"'
get /v1/supplierInvoice/CreditAdj/900201
ok "supplier invoices are found by type and number" is 404
get /v1/supplierInvoice/Invoice/900201
ok "of the right type" is 200 '"supplierReference":"FS-2026-7710"'
call -H "Authorization: Bearer $token" "$old/API/controller/api/v1/branch?expandAddress=true"
ok "the old host serves the old path" is 200 '"mainAddress"'
ok "under its own budget" [ "$(header X-RateLimit-Limit)/$(header X-RateLimit-Policy)" = 500/6-fixed-window ]
get /API/controller/api/v1/branch
ok "which the new host does not know" is 404

# --- Visma.net: the budget -------------------------------------------------------------------------------------
for _ in $(seq 60); do
    get /v1/branch
    [ "$status" = 429 ] && break
done
ok "over the budget: 429" is 429 'Rate limit is exceeded'
ok "with Retry-After in seconds" [ "$(header Retry-After)" -gt 0 ]
ok "and nothing remaining" [ "$(header X-RateLimit-Remaining)" = 0 ]
advance "$(header Retry-After)"
fresh_token
get /v1/branch
ok "a new window, new calls" is 200

# --- Orderful: who may send what -------------------------------------------------------------------------------
call "$orderful/v3/organizations/me"
ok "no key: 401" is 401
call -H 'Authorization: Bearer sandbox-orderful-key' "$orderful/v3/organizations/me"
ok "a bearer token is no key" is 401
orderful /v3/organizations/me
ok "the key's organization" is 200 '"testIsaId":"NORDMATBUYT"'
post_v3 "$(order A-1 's/FJORDSELLT/NORDICRETAILT/')"
ok "no relationship: 422" is 422 '"type":"unprocessableEntity","ref":"relationship"' "NORDICRETAILT doesn't exist."
post_v3 "$(order A-1 's/FJORDSELLT/FJORDSELL/')"
ok "a live id on the test stream: 422" is 422
orderful -H 'orderful-api-version: v4' -d "$(mosaic A-1 's/"test"/"live"/;s/BUYT/BUY/;s/BRUST/BRUS/')" /transactions
ok "live on a relationship in testing: 422" is 422 'because the relationship is in testing'
post_v3 "$(order A-1 's/"stream":"TEST"/"stream":"TEST","priority":1/')"
ok "an unknown member: 400" is 400 'property priority should not exist'
post_v3 "$(order A-1 's/"currency":\[\([^]]*\)\]/"currency":\1/')"
ok "an object in place of an array: 400" is 400 'Cannot parse payload. Reason: transactionSets.0.currency: must be array'
post_v3 "$(order A-1 's/currencyCode/curency/')"
ok "an unknown element: 400" is 400 'must NOT have additional properties - curency'
post_v3 "$(order A-1 's/"15.5"/15.5/')"
ok "a number in place of a text: 400" is 400 'quantity: must be string'
post_v3 '{"sender":'
ok "no JSON: 400" is 400
post_v3 "$(printf '%0.s[' $(seq 5000))"
ok "JSON without a bottom: 400" is 400
ok "a refused document leaves nothing" [ "$(accepted A-1)" = 0 ]
orderful -H 'orderful-api-version: v3' -d "$(mosaic M-1)" /transactions
ok "another version on the v4 path: 400" is 400
orderful -d "$(mosaic M-1)" /v4/transactions
ok "/v4 is no path: 404" is 404
post_v4 "$(mosaic M-1 's/"message"/"extra":1,"message"/')"
ok "Mosaic: an unknown top-level member: 400" is 400 'property extra should not exist'
post_v4 "$(mosaic M-1)"
ok "Mosaic: 202 ACCEPTED" is 202 '"status":"ACCEPTED","detail":""'
post_v4 "$(mosaic M-2 's/"productIds":{[^}]*}/"productIds":{}/')"
ok "Mosaic: 202 FAILED" is 202 '"status":"FAILED"' '"payloadPaths":["message.lineItems[0].productIds"]' \
    'At least one product identifier is required'
post_v4 "$(mosaic M-3 's/"case"/"kilogram"/')"
ok "Mosaic has no kilogram" is 202 '"status":"FAILED"' unitOfMeasure
post_v4 "$(mosaic M-4 's/"168.00"/168.00/')"
ok "Mosaic: money is text" is 202 '"status":"FAILED"' unitCostPrice

# --- Orderful: what becomes of it ------------------------------------------------------------------------------
post_v3 "$(order B-1)"
first=$(id_of)
ok "201 with an id" is 201 '{"id":"9'
orderful "/v3/transactions/$first"
ok "at first PROCESSING" is 200 '"validationStatus":"PROCESSING","deliveryStatus":"PENDING"' '"businessNumber":"B-1"'
orderful "/v3/transactions/$first/acknowledgment"
ok "no acknowledgment yet: 404" is 404
advance 6
orderful "/v3/transactions/$first"
ok "then VALID, DELIVERED, ACCEPTED" is 200 \
    '"validationStatus":"VALID","deliveryStatus":"DELIVERED","acknowledgmentStatus":"ACCEPTED"'
orderful "/v3/transactions/$first/acknowledgment"
ok "and acknowledged" is 200 '"status":"ACCEPTED"'
orderful "/v3/transactions/$first/message"
ok "the message can be read" is 200 '"transactionSets":[{"beginningSegmentForPurchaseOrder"' '"quantity":"15.5"'
post_v3 "$(order B-2 's/"currency":\[[^]]*\],//;s/"date":"20261102"/"date":"2026-11-02"/;s/"KG"/"QQ"/')"
second=$(id_of)
ok "wrong content is taken with 201" is 201
advance 6
orderful "/v3/transactions/$second"
ok "and INVALID later, and stays PENDING" is 200 '"validationStatus":"INVALID","deliveryStatus":"PENDING"'
orderful "/v2/organizations/4711/transactions/$second/validations"
ok "the validations say where" is 200 \
    '"dataPath":"transactionSets.0.PO1_loop.0.baselineItemData.0.unitOrBasisForMeasurementCode"' \
    '"QQ\" is not a valid input"' 'not a valid date'
post_v3 "$(order B-1)"
ok "a duplicate is accepted" [ "$status$(accepted B-1)" = 2012 ]
tell "/orderful/transaction/$first" '{"deliveryStatus":"FAILED"}' >/dev/null
orderful "/v3/transactions?businessNumber=B-1&deliveryStatus=FAILED"
ok "a status can be set by hand and filtered by" is 200 "\"id\":\"$first\"" '"next":null'
orderful '/v3/transactions?limit=5'
ok "limit on the list: 400" is 400 'property limit should not exist'
orderful '/v3/transactions?businessNumber=1&businessNumber=2&businessNumber=3&businessNumber=4&businessNumber=5&businessNumber=6'
ok "six values in a filter: 400" is 400
orderful '/v3/transactions?nextCursor=bm9uc2Vuc2U'
ok "a cursor that is none: 400" is 400
orderful "/v3/transactions?stream=TEST"
ok "the list is newest first" has '"data":[{"id":"'"$((first + 2))"'"'
tell /orderful/inbound '{"type":"855_PURCHASE_ORDER_ACKNOWLEDGMENT","sender":"FJORDSELLT","receiver":"NORDMATBUYT","stream":"TEST","message":{"transactionSets":[{"beginningSegmentForPurchaseOrderAcknowledgment":[{"transactionSetPurposeCode":"00","acknowledgmentTypeCode":"AC","purchaseOrderNumber":"B-1","date":"20261102"}]}]}}' >/dev/null
orderful '/v3/polling-buckets/3101?limit=101'
ok "a limit over 100: 400" is 400
orderful /v3/polling-buckets/3101
ok "what arrives lies in the bucket" is 200 '"purchaseOrderNumber":"B-1"' '/approve"'
delivery=$(sed 's/.*"delivery":{"id":"\([^"]*\)".*/\1/' <<<"$body")
inbound=$(sed 's/^\[{"id":"\([0-9]*\)".*/\1/' <<<"$body")
orderful /v3/polling-buckets/3101
ok "reading does not remove it" has "$delivery"
orderful -d '{}' "/v3/deliveries/$delivery/approve"
ok "approving does" is 200
orderful /v3/polling-buckets/3101
ok "the bucket is empty" is 200 '[]'
orderful -d '{"status":"ACCEPTED"}' "/v3/transactions/$first/acknowledgment"
ok "only the receiver acknowledges: 403" is 403
orderful -d '{"status":"ACCEPTED"}' "/v3/transactions/$inbound/acknowledgment"
ok "the receiver does: 201" is 201
orderful -d '{"status":"REJECTED"}' "/v3/transactions/$inbound/acknowledgment"
ok "once: 422" is 422

# --- faults ----------------------------------------------------------------------------------------------------
advance 60
tell /fault '{"spec":"orderful/POST /v3/transactions:lost@1x1"}' >/dev/null
post_v3 "$(order C-1)"
ok "a lost answer: no answer" [ "$curl_code" != 0 ]
ok "but the effect" [ "$(accepted C-1)" = 1 ]
tell /fault '{"spec":"orderful:drop@1x1"}' >/dev/null
post_v3 "$(order C-2)"
ok "a dropped connection: no answer, no effect" [ "$((curl_code != 0))$(accepted C-2)" = 10 ]
tell /fault '{"spec":"orderful:lost500@1x1"}' >/dev/null
post_v3 "$(order C-3)"
ok "lost500: 500 and the effect" [ "$status$(accepted C-3)" = 5001 ]
tell /fault '{"spec":"orderful:503@1x1+1"}' >/dev/null
post_v3 "$(order C-4)"
ok "a skipped request is spared" is 201
post_v3 "$(order C-5)"
ok "the next gets its 503, without effect" [ "$status$(accepted C-5)" = 5030 ]
tell /fault '{"spec":"orderful:429@1x1"}' >/dev/null
post_v3 "$(order C-6)"
ok "429 is text/html with Retry-After" [ "$status $(header Content-Type) $((${#body} > 0)) $(header Retry-After)" = "429 text/html 1 3" ]
tell /fault '{"spec":"orderful/POST /v3/transactions:303@1x1"}' >/dev/null
post_v3 "$(order C-7)"
ok "a redirect comes after the effect, and says where" [ "$status $(header Location) $(accepted C-7)" = "303 $orderful/v3/transactions 1" ]
behind() { # SECONDS: by how much the Date of the last answer is behind the machine's clock, to within some seconds
    local apart=$(($(date +%s) - $(date -d "$(header Date)" +%s) - $1))
    [ "${apart#-}" -lt 30 ]
}
offset=$(curl -sS "$control/clock" | sed 's/.*"offsetSeconds":\(-*[0-9]*\).*/\1/')
post_v3 "$(order C-8)"
ok "an answer is dated by the movable clock" behind $((-offset))
tell /clock '{"dated":false}' >/dev/null
post_v3 "$(order C-9)"
ok "or has no date, on wish" [ "$status$(header Date)" = 201 ]
tell /clock '{"dated":true}' >/dev/null
tell /fault '{"spec":"visma:truncate@1x1"}' >/dev/null
get /v1/branch
ok "truncated JSON" [ "$status${body: -1}" != '200]' -a "$status" = 200 ]
tell /fault '{"spec":"visma:cut@1x1"}' >/dev/null
get /v1/branch
ok "a body that is cut" [ "$curl_code" = 18 -o "$curl_code" = 56 ]
body=$(tell /fault '{"spec":"orderful:sometimes"}')
ok "a fault that is none is refused" has 'no such kind'
curl -sS -X DELETE "$control/fault" >/dev/null
body=$(curl -sS -H 'Origin: https://example.com' "$control/clock")
ok "the control port is not for browsers" has 'not for browsers'

# --- Orderful: the budget --------------------------------------------------------------------------------------
for _ in $(seq 61); do
    orderful /v3/organizations/me
done
ok "over a minute's calls: 429 text/html" [ "$status $(header Content-Type)" = "429 text/html" ]
advance "$(header Retry-After)"
orderful /v3/organizations/me
ok "after Retry-After: calls again" is 200

# --- kill -9 and restart ---------------------------------------------------------------------------------------
before=$(curl -sS "$control/orderful/transactions" | sed 's/.*{"count":\([0-9]*\).*/\1/')
stop -KILL
start --orders 600 --orderful-limit 10000
ok "kill -9: the transactions are still there" \
    [ "$before" = "$(curl -sS "$control/orderful/transactions" | sed 's/.*{"count":\([0-9]*\).*/\1/')" ]
ok "with the lost one" [ "$(accepted C-1)" = 1 ]
get /v1/purchaseorder/500254
ok "tokens and changed orders too" is 200 '"description":"changed"'
orderful "/v3/transactions/$first"
ok "and statuses, by the moved clock" is 200 '"validationStatus":"VALID","deliveryStatus":"FAILED"'
for _ in $(seq 110); do
    post_v3 "$(order D-1)"
done
orderful '/v3/transactions?businessNumber=D-1'
next=$(sed 's/.*"next":"\([^"]*\)".*/\1/' <<<"$body")
ok "a hundred a page" [ "$(grep -o '"businessNumber":"D-1"' <<<"$body" | wc -l)" = 100 ]
post_v3 "$(order D-1)"
orderful "${next#"$orderful"}"
ok "a new row shifts nothing behind the cursor" [ "$(grep -o '"businessNumber":"D-1"' <<<"$body" | wc -l)" = 10 ]
stop
ok "SIGTERM stops it cleanly" [ "$stopped" = 0 ]

# --- other switches --------------------------------------------------------------------------------------------
start --fresh --strict-repeat --ack none --rate orderful=5/60 --rate connect=3/86400
ok "--fresh forgets" [ "$(accepted D-1)" = 0 ]
fresh_token
for _ in 1 2 3 4 5; do get /v1/branch; done
ok "the same request five times" is 200
get /v1/branch
ok "a sixth time within a minute: 429" is 429 'Same request'
for _ in 1 2; do get /v1/nonsense; done
ok "a failing request twice" is 404
get /v1/nonsense
ok "a third time within five minutes: 429" is 429 failing
get '/v1/supplierInvoice?item=10-2201'
ok "a filter that is not simulated says so" is 501
for _ in 1 2 3; do token_call; done
ok "--rate gives any host a budget" is 429
post_v3 "$(order E-1)"
advance 7000
orderful "/v3/transactions/$(id_of)"
ok "before the timeout not acknowledged" is 200 '"deliveryStatus":"DELIVERED","acknowledgmentStatus":"NOT_ACKNOWLEDGED"'
advance 400
orderful "/v3/transactions?acknowledgmentStatus=OVERDUE"
ok "after it OVERDUE" is 200 '"businessNumber":"E-1"'
"$spoolgate" sandbox --port 0 --directory "$work/state" --samples "$samples" >"$work/out" 2>&1
ok "two sandboxes do not share a directory" [ $? = 70 ]
"$spoolgate" sandbox --port "${connect##*:}" --directory "$work/other" --samples "$samples" >"$work/out" 2>&1
ok "nor a port" [ $? = 70 ]
stop
ok "SIGTERM stops it again" [ "$stopped" = 0 ]
"$spoolgate" sandbox --nonsense >"$work/out" 2>&1
ok "a wrong option is exit 64" [ $? = 64 ]
"$spoolgate" sandbox --samples /nonexistent >"$work/out" 2>&1
code=$?
ok "no samples is exit 70 and says what to do" bash -c '[ "$0" = 70 ] && grep -q -- --samples "$1"' "$code" "$work/out"

echo "1..$number"
