/* fuzz_answer: any bytes as what the other side answers, the headers first, behind a line "----" the body.
 * Visma.net's lists and documents, Orderful's creates, records of both. The secret of the request, which the
 * answer may repeat, is in no record and in no sentence. */
#include "adapter/orderful/orderful.h"
#include "adapter/url.h"
#include "adapter/visma/rows.h"
#include "base/json.h"
#include "fuzz.h"
#include "net/backoff.h"

#define SECRET "sEcReT-kEy"

static void holds_no_secret(struct slice text)
{
    if (memmem(text.ptr, text.len, SECRET, strlen(SECRET)))
        abort();
}

static void record(const struct http_exchange *x)
{
    struct buffer b = {0};
    json_t *j = http_record(x, 4096), *again;
    json_print(j, &b);
    again = json_parse(buffer_as_slice(&b), NULL);
    if (!again)
        abort();
    holds_no_secret(buffer_as_slice(&b));
    json_decref(again);
    json_decref(j);
    buffer_free(&b);
}

static void orderful(const struct http_exchange *x, struct arena *a)
{
    struct orderful o = {.api_key = "key", .url = "https://localhost/"};
    struct endpoint_config config = {.name = "orderful"};
    struct endpoint e = {.config = &config, .session = &o};
    struct document document = {.envelope = json_object()};
    struct findings f = {.arena = a};
    struct delivery d = {.document = &document, .findings = &f, .attempt = 1};
    struct buffer b = {0};
    json_t *answer;
    int64_t wait;
    orderful_judge_create(&e, &d, x);
    orderful_judge_get(&e, x, &answer, &wait, &f);
    if (d.not_before < 0 || (d.verdict == REJECTED && !f.errors))
        abort();
    findings_print(&f, &b);
    holds_no_secret(buffer_as_slice(&b));
    json_decref(answer);
    json_decref(d.receipt);
    json_decref(document.envelope);
    buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 201, 202, 301, 400, 401, 404, 422, 429, 503};
    static struct arena a;
    struct slice rest = slice_make((const char *)data, size), head = fuzz_part(&rest);
    struct http_exchange x = {.method = "POST", .url = "https://localhost/v3?key=" SECRET "&a=b"};
    struct visma_rows rows;
    struct visma_row row;
    const char *why;
    char text[64];
    arena_reset(&a);
    x.headers[x.header_count++] = (struct http_header){"orderful-api-key", SECRET, true};
    x.status = statuses[head.len ? (unsigned char)head.ptr[0] % 10 : 0];
    buffer_slice(&x.answer_headers, head);
    buffer_slice(&x.answer, rest);
    record(&x);
    orderful(&x, &a);
    if (http_answer_header(&x, "Retry-After", text, sizeof text) && retry_after_seconds(text, 0) > 86400)
        abort();
    for (size_t i = 0; i < VISMA_RESOURCES; i++) {
        visma_rows_read(&visma_resources[i], rest, &a, &rows, &why);
        visma_row_read(&visma_resources[i], rest, &a, &row, &why);
    }
    const char *url = arena_text(&a, head);
    if (url_usable(url, &why) && url_same_origin("https://api.example.com", url) &&
        !strcasestr(url, "example"))
        abort();
    http_exchange_free(&x);
    return 0;
}
