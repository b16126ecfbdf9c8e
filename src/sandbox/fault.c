/*
 * fault.c - faults on demand; see fault.h.
 */
#include "sandbox/fault.h"
#include "sandbox/document.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RULES 64

struct rule {
    char spec[256];
    char vendor[32];   /* or "*" */
    char method[12];   /* or "" */
    char pattern[128]; /* of the path; or "*" */
    struct fault_choice choice;
    double probability;
    long count; /* strikes left, -1 without end */
    long skip;  /* matching requests still to be spared */
    uint64_t random;
    long seen, struck;
};

struct faults {
    uint64_t seed;
    size_t count;
    struct rule rules[MOST_RULES];
};

static const struct {
    const char *name;
    enum fault_kind kind;
} kinds[] = {
    {"drop", FAULT_DROP}, {"lost", FAULT_LOST}, {"lost500", FAULT_LOST500}, {"truncate", FAULT_TRUNCATE},
    {"cut", FAULT_CUT},   {"slow", FAULT_SLOW}, {"html", FAULT_HTML},
};

struct faults *sb_faults_new(uint64_t seed)
{
    struct faults *faults = calloc(1, sizeof(*faults));

    if (faults)
        faults->seed = seed;
    return faults;
}

void sb_faults_free(struct faults *faults)
{
    free(faults);
}

void sb_faults_clear(struct faults *faults)
{
    faults->count = 0;
}

static int parse_kind(const char *text, size_t length, struct fault_choice *choice)
{
    if (length == 3 && strspn(text, "0123456789") >= 3) {
        choice->status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0';
        choice->kind = choice->status < 400 ? FAULT_REDIRECT : FAULT_STATUS;
        return choice->status >= 300 && choice->status <= 599 ? 0 : -1;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].name) == length && memcmp(text, kinds[i].name, length) == 0) {
            choice->kind = kinds[i].kind;
            return 0;
        }
    }
    return -1;
}

/* "vendor", "vendor/path-pattern" or "vendor/METHOD path-pattern"; the pattern's first slash may be left out
 */
static int parse_target(const char *text, size_t length, struct rule *rule)
{
    const char *slash = memchr(text, '/', length);
    size_t name = slash ? (size_t)(slash - text) : length;
    const char *pattern, *blank;
    size_t rest;

    if (name == 0 || name >= sizeof(rule->vendor))
        return -1;
    memcpy(rule->vendor, text, name);
    rule->vendor[name] = '\0';
    snprintf(rule->pattern, sizeof(rule->pattern), "*");
    if (!slash)
        return 0;
    pattern = slash + 1;
    rest = length - name - 1;
    blank = memchr(pattern, ' ', rest);
    if (blank) {
        size_t method = (size_t)(blank - pattern);

        if (method >= sizeof(rule->method))
            return -1;
        memcpy(rule->method, pattern, method);
        rule->method[method] = '\0';
        rest -= method + 1;
        pattern = blank + 1;
    }
    if (rest + 2 >= sizeof(rule->pattern))
        return -1;
    if (rest > 0)
        snprintf(rule->pattern, sizeof(rule->pattern), "%s%.*s",
                 pattern[0] == '/' || pattern[0] == '*' ? "" : "/", (int)rest, pattern);
    return 0;
}

int sb_faults_add(struct faults *faults, const char *spec, char *why, size_t why_size)
{
    static const char expected[] =
        "expected vendor[/pattern]:kind[@probability][xcount][+skip], for instance orderful:503@0.1; kinds: "
        "300..399 (after the effect), 400..599, drop, lost, lost500, truncate, cut, slow, html";
    const char *colon = strrchr(spec, ':');
    struct rule *rule;
    const char *at;
    char *end;
    size_t length;

    if (faults->count == MOST_RULES || strlen(spec) >= sizeof(rule->spec)) {
        snprintf(why, why_size, "too many faults, or too long a one; DELETE /fault first");
        return -1;
    }
    rule = &faults->rules[faults->count];
    memset(rule, 0, sizeof(*rule));
    snprintf(rule->spec, sizeof(rule->spec), "%s", spec);
    if (!colon || parse_target(spec, (size_t)(colon - spec), rule) != 0) {
        snprintf(why, why_size, "fault \"%s\": %s", spec, expected);
        return -1;
    }
    at = colon + 1;
    length = strcspn(at, "@x+"); /* no kind has one of these letters */
    if (parse_kind(at, length, &rule->choice) != 0) {
        snprintf(why, why_size, "fault \"%s\": no such kind; %s", spec, expected);
        return -1;
    }
    at += length;
    rule->probability = 1;
    rule->count = -1;
    while (*at) {
        char mark = *at++;

        if (mark == '@')
            rule->probability = strtod(at, &end);
        else if (mark == 'x')
            rule->count = strtol(at, &end, 10);
        else
            rule->skip = strtol(at, &end, 10);
        if (end == at || (*end && !strchr("@x+", *end))) {
            snprintf(why, why_size, "fault \"%s\": %s", spec, expected);
            return -1;
        }
        at = end;
    }
    if (!(rule->probability >= 0 && rule->probability <= 1) || rule->skip < 0) {
        snprintf(why, why_size,
                 "fault \"%s\": the probability lies between 0 and 1, the skip is not negative", spec);
        return -1;
    }
    rule->random = sb_mix64(faults->seed + 0x5bd1e995u * (faults->count + 1));
    faults->count++;
    return 0;
}

static bool strikes(struct rule *rule)
{
    rule->seen++;
    if (rule->skip > 0) {
        rule->skip--;
        return false;
    }
    if (rule->count == 0)
        return false;
    rule->random += 0x9e3779b97f4a7c15ULL;
    if ((double)(sb_mix64(rule->random) >> 11) * 0x1.0p-53 >= rule->probability)
        return false;
    if (rule->count > 0)
        rule->count--;
    rule->struck++;
    return true;
}

static bool on_path(const char *pattern, const char *path)
{
    if (strpbrk(pattern, "*?["))
        return fnmatch(pattern, path, FNM_CASEFOLD) == 0;
    return strcasestr(path, pattern) != NULL;
}

struct fault_choice sb_faults_choose(struct faults *faults, const char *vendor, const char *method,
                                     const char *path)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct rule *rule = &faults->rules[i];

        if (strcmp(rule->vendor, "*") != 0 && strcmp(rule->vendor, vendor) != 0)
            continue;
        if (rule->method[0] && strcmp(rule->method, method) != 0)
            continue;
        if (on_path(rule->pattern, path) && strikes(rule))
            return rule->choice;
    }
    return (struct fault_choice){FAULT_NONE, 0};
}

json_t *sb_faults_list(const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->count; i++) {
        const struct rule *rule = &faults->rules[i];

        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "spec", rule->spec, "seen",
                                              (json_int_t)rule->seen, "struck", (json_int_t)rule->struck));
    }
    return list;
}
