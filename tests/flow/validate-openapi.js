// validate-openapi.js SPECS RECORD: each recorded exchange against the published OpenAPI document, with openapi-backend; one
// line a kind of exchange: "ok|not<TAB>text<TAB>detail". Statuses a document does not declare are counted, not judged.
const { OpenAPIBackend } = require('openapi-backend');
const Ajv = require('ajv').default;
const fs = require('fs');
const path = require('path');
const [specs, record] = process.argv.slice(2);
const load = (f) => JSON.parse(fs.readFileSync(path.join(specs, f), 'utf8'));
const documents = {
    visma: load('visma/visma-net-erp-service.openapi.json'),
    orderful: load('orderful/openapi-2.15.0.json'),
};
// the published document's /v3/labels is not valid OpenAPI 3.0; nothing of ours goes there
delete documents.orderful.paths['/v3/labels'];
const mosaic = {};
for (const n of ['850', '810']) {
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    mosaic[n] = ajv.compile(load(`orderful/mosaic-schemas/${n}.schema.json`));
}
// What the published document says and nobody does: it types v3's message as a string, every working client sends an object;
// and v4's open schemas all fit at once, so that oneOf can never hold: fitting one of them is what is asked.
const known = [
    (x, e) => /^\/v3\/transactions$/.test(x.path) && /requestBody\/message must be string/.test(e),
    (x, e) => x.path === '/transactions' && /must match exactly one schema in oneOf \{"passingSchemas":\[\d/.test(e),
];
const results = new Map(); // text -> {n, errors[]}
const note = (text, errors) => {
    const r = results.get(text) || { n: 0, errors: [] };
    r.n++;
    r.errors.push(...errors);
    results.set(text, r);
};
const explain = (e) => (e || []).map((x) => `${x.instancePath || ''} ${x.message} ${JSON.stringify(x.params)}`);
(async () => {
    const apis = {};
    for (const [name, definition] of Object.entries(documents)) {
        apis[name] = new OpenAPIBackend({ definition, strict: false, quick: false, validate: true,
            ajvOpts: { strict: false, allErrors: true, coerceTypes: false, validateFormats: false, logger: false } });
        await apis[name].init();
    }
    for (const file of fs.readdirSync(record).filter((f) => f.endsWith('.json')).sort()) {
        const x = JSON.parse(fs.readFileSync(path.join(record, file), 'utf8'));
        const api = apis[x.vendor];
        if (!api) continue;
        const query = x.query ? (typeof x.query === 'string' ? x.query : new URLSearchParams(x.query).toString()) : '';
        const body = typeof x.request_body === 'string' && x.request_body ? JSON.parse(x.request_body) : x.request_body || undefined;
        const request = { method: x.method, path: x.path + (query ? '?' + query : ''), query: query || undefined,
            headers: x.request_headers, body };
        const operation = api.matchOperation(request);
        const label = operation ? `${x.method} ${operation.path}` : `${x.method} ${x.path.replace(/[0-9]{3,}/g, '{n}')}`;
        if (!operation) {
            note(`${x.vendor}: ${label} is not in the published document`, /\/v2\//.test(x.path) || x.vendor === 'connect' ? [] : [`${file}: no such operation`]);
            continue;
        }
        const v = api.validateRequest(request, operation);
        note(`${x.vendor}: request ${label} is valid`, explain(v.errors).filter((e) => !/headers.*(authorization|orderful-api-key)/i.test(e)).filter((e) => !known.some((k) => k(x, e))).map((e) => `${file}: ${e}`));
        if (x.vendor === 'orderful' && body && body.message && /^(850|810)_/.test(body.type)) {
            const n = body.type.slice(0, 3);
            mosaic[n](body.message);
            note(`orderful: the Mosaic ${n} fits the vendor's schema`, explain(mosaic[n].errors).map((e) => `${file}: ${e}`));
        }
        const declared = operation.responses && operation.responses[String(x.status)];
        if (!declared) {
            note(`${x.vendor}: answers whose status the document does not declare`, []);
            continue;
        }
        const answer = typeof x.response_body === 'string' && x.response_body ? JSON.parse(x.response_body) : x.response_body;
        if (declared.content && answer !== undefined && answer !== null && answer !== '') {
            const r = api.validateResponse(answer, operation, x.status);
            note(`${x.vendor}: answer ${x.status} of ${label} is valid`, explain(r.errors).map((e) => `${file}: ${e}`));
        }
    }
    for (const [text, r] of results)
        console.log([r.errors.length ? 'not' : 'ok', `${text} (${r.n})`, r.errors.slice(0, 6).join(' | ')].join('\t'));
})().catch((e) => { console.error(e); process.exit(2); });
