/* skew: see skew.h. A Date header has whole seconds, and was written between the moment the request was begun
 * and the one its answer began: that bounds what theirs minus ours can be. */
#include "net/skew.h"
#include "base/log.h"
#include <curl/curl.h>
#include <stdio.h>

#define HOUR 3600
#define DAY 86400
#define WIDEST 30000 /* ms: an answer that took longer measures nothing */
#define JUMP 5000    /* ms: what a clock does not drift by */
#define NEWS 1000    /* ms: an extreme is kept when it is further out by so much */
#define KEPT_NEW 600 /* s: and when the last note is that old */
#define KEPT_DAYS 30
#define SPELLS_MOST 64 /* a host; a clock that is set more often widens the last one */

#define HOST_TEXT 280

/* "host:port", in small letters. */
static bool host_of(const char *url, char out[HOST_TEXT])
{
    CURLU *u = curl_url();
    char *host = NULL, *port = NULL;
    bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (good)
        snprintf(out, HOST_TEXT, "%.255s:%.10s", host, port);
    for (char *c = out; good && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 'a' - 'A' : *c);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return good;
}

/* The middle of what it can be, in ms; *spread is half of what it can be. False: it shows nothing. */
static bool measure(const struct http_exchange *x, int64_t *middle, int64_t *spread)
{
    char age[16];
    int64_t date = http_answer_date(x);
    if (date < 0 || !x->begun || !x->answered || x->answered < x->begun || x->answered - x->begun > WIDEST ||
        http_answer_header(x, "Age", age, sizeof age))
        return false;
    int64_t least = date * 1000 - x->answered, most = date * 1000 + 1000 - x->begun;
    *middle = (least + most) / 2;
    *spread = (most - least) / 2;
    return true;
}

/* "2 hours", "14 seconds": what people read. */
static const char *amount(int64_t ms, char out[40])
{
    long long seconds = ((long long)(ms < 0 ? -ms : ms) + 500) / 1000;
    if (seconds >= 2 * 3600)
        snprintf(out, 40, "%lld hours", (seconds + 1800) / 3600);
    else
        snprintf(out, 40, "%lld seconds", seconds);
    return out;
}

static void tell_of_jump(const char *host, int64_t before, int64_t now)
{
    char from[40], to[40];
    log_warning("the clock of %s was set, or ours: it stood %s %s ours, and stands %s %s it now. Times are "
                "compared with that in mind",
                host, amount(before, from), before < 0 ? "behind" : "ahead of", amount(now, to),
                now < 0 ? "behind" : "ahead of");
}

/* What the last spell becomes, or another one begun; false: nothing is new. Servers that take turns, with
 * clocks of their own, are one spell that covers them all, and told of once. *jumped: worth a word. */
static bool merge(struct skew_row *r, bool known, int64_t middle, int64_t spread, int64_t now, bool *jumped)
{
    *jumped = known && (middle + spread < r->least - JUMP || middle - spread > r->most + JUMP);
    if (!known || (*jumped && now - r->since > HOUR) || now - r->since > DAY || now < r->since) {
        *r = (struct skew_row){.spell = known ? r->spell + 1 : 1,
                               .since = now,
                               .until = now,
                               .least = middle,
                               .most = middle,
                               .last = middle};
        return true;
    }
    int64_t beyond = middle > r->most ? middle - r->most : r->least - middle;
    *jumped = *jumped && beyond > r->most - r->least;
    bool news = middle < r->least - NEWS || middle > r->most + NEWS || now - r->until >= KEPT_NEW ||
                now < r->until || r->last - middle > NEWS || middle - r->last > NEWS;
    r->least = middle < r->least ? middle : r->least;
    r->most = middle > r->most ? middle : r->most;
    r->last = middle;
    r->until = now;
    return news;
}

void skew_learn(struct state *s, const char *url, const struct http_exchange *x)
{
    char host[HOST_TEXT];
    int64_t middle, spread;
    bool jumped;
    if (x->failure != HTTP_ANSWERED || !measure(x, &middle, &spread) || !host_of(url, host))
        return;
    struct skew_row row;
    int got = state_skew_last(s, host, &row); /* 1: none */
    int64_t before = got == 0 ? row.last : 0, now = x->answered / 1000;
    if (got < 0 || !merge(&row, got == 0, middle, spread, now, &jumped))
        return;
    if (jumped)
        tell_of_jump(host, before, middle);
    if (state_skew_note(s, host, &row, now - (int64_t)KEPT_DAYS * DAY, SPELLS_MOST) < 0)
        log_warning("how the clock of %s stands could not be kept: %s", host, state_error(s));
}

/* ---- what is known ---- */

struct collecting {
    struct skew *out;
    int64_t since;
};

static int64_t seconds_below(int64_t ms)
{
    return ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
}

static int64_t seconds_above(int64_t ms)
{
    return -seconds_below(-ms);
}

/* Newest first. */
static int collect(void *context, const struct skew_row *r)
{
    const struct collecting *c = context;
    struct skew *out = c->out;
    int64_t least = seconds_below(r->least), most = seconds_above(r->most);
    if (!out->known)
        *out = (struct skew){true, least, most, (r->last + (r->last < 0 ? -500 : 500)) / 1000, r->until};
    else if (r->until < c->since - DAY)
        return 0;
    out->least = least < out->least ? least : out->least;
    out->most = most > out->most ? most : out->most;
    return 0;
}

int skew_since(struct state *s, const char *url, int64_t since, struct skew *out)
{
    char host[HOST_TEXT];
    struct collecting c = {out, since};
    *out = (struct skew){.known = false};
    return host_of(url, host) ? state_skews(s, host, collect, &c) : 0;
}
