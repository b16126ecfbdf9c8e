/*
 * x12json.c - checks Orderful JSON (X12 as JSON): shape at once, content as validation does it
 * later.
 *
 * Rules: Orderful's pages on Orderful JSON. What may stand where, and what elements are like, is data:
 * segments.tsv, structure.tsv, loops.tsv, codes.tsv under samples/sandbox/orderful.
 *
 * Compiled tables: a set is a tree {"children": {key: node}}; a node of a segment has "segment", "need",
 * "most". A segment is {"elements": {key: {"type", "least", "most", "need", "base"}}, "rules": [[kind,
 * [keys]], …]}.
 */
#include "sandbox/sandbox.h"
#include "sandbox/document.h"
#include "sandbox/orderful/orderful.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COMPLAINTS 20
#define MOST_FINDINGS 200

static json_t *segments, *sets, *loops, *codes;

static json_t *child_of(json_t *node, const char *key)
{
    json_t *children = json_object_get(node, "children"), *child;

    if (!children) {
        children = json_object();
        json_object_set_new(node, "children", children);
    }
    child = json_object_get(children, key);
    if (!child) {
        child = json_object();
        json_object_set_new(children, key, child);
    }
    return child;
}

/* A count of the tables: 0 to a million, and what is no number is 0. */
static int count_of(const char *text)
{
    long n = strtol(text, NULL, 10);
    return n < 0 ? 0 : n > 1000000 ? 1000000 : (int)n;
}

static void add_place(const json_t *row)
{
    char path[256], *rest = path, *key;
    const char *set = sb_table_cell(row, 0);
    json_t *node = json_object_get(sets, set);

    if (!node) {
        node = json_object();
        json_object_set_new(sets, set, node);
    }
    snprintf(path, sizeof(path), "%s", sb_table_cell(row, 1));
    while ((key = strsep(&rest, ".")) != NULL)
        node = child_of(node, key);
    json_object_set_new(node, "segment", json_string(sb_table_cell(row, 2)));
    json_object_set_new(node, "need", json_string(sb_table_cell(row, 3)));
    json_object_set_new(node, "most", json_integer(count_of(sb_table_cell(row, 4))));
}

static void occurrence(const char *name, int number, char key[96])
{
    if (number == 0)
        snprintf(key, 96, "%s", name);
    else
        snprintf(key, 96, "%s%d", name, number);
}

/* name[:TYPEleast-most][*N][!] */
static void add_element(json_t *elements, const char *text)
{
    char copy[160], key[96], type[3] = "";
    char *at;
    int times = 1, least = 0, most = 0;
    bool need;

    snprintf(copy, sizeof(copy), "%s", text);
    need = *copy && copy[strlen(copy) - 1] == '!';
    if (need)
        copy[strlen(copy) - 1] = '\0';
    if ((at = strchr(copy, '*')) != NULL) {
        times = count_of(at + 1);
        *at = '\0';
    }
    if ((at = strchr(copy, ':')) != NULL) {
        *at++ = '\0';
        snprintf(type, sizeof(type), "%.*s", *at == 'R' || *at == 'C' ? 1 : 2, at);
        sscanf(at + strlen(type), "%d-%d", &least, &most);
    }
    for (int i = 0; i < times; i++) {
        occurrence(copy, i, key);
        json_object_set_new(elements, key,
                            json_pack("{s:s, s:i, s:i, s:b, s:s}", "type", type, "least", least, "most", most,
                                      "need", need && i == 0, "base", copy));
    }
}

/* "P a b *10" becomes ten rules, with the occurrences side by side */
static void add_rule(json_t *rules, const char *text)
{
    char copy[300], *rest = copy, *word, key[96];
    const char *names[8];
    size_t count = 0;
    int times = 1;

    snprintf(copy, sizeof(copy), "%s", text);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (*word == '*')
            times = count_of(word + 1);
        else if (*word && count < 8)
            names[count++] = word;
    }
    for (int i = 0; i < times && count > 1; i++) {
        json_t *keys = json_array();

        for (size_t k = 1; k < count; k++) {
            occurrence(names[k], i, key);
            json_array_append_new(keys, json_string(key));
        }
        json_array_append_new(rules, json_pack("[s, o]", names[0], keys));
    }
}

static void add_segment(const json_t *row)
{
    json_t *elements = json_object(), *rules = json_array();
    char text[2048], *rest = text, *word;

    snprintf(text, sizeof(text), "%s", sb_table_cell(row, 2));
    while ((word = strsep(&rest, " ")) != NULL) {
        if (*word)
            add_element(elements, word);
    }
    snprintf(text, sizeof(text), "%s", sb_table_cell(row, 3));
    rest = text;
    while ((word = strsep(&rest, ";")) != NULL)
        add_rule(rules, word);
    json_object_set_new(
        segments, sb_table_cell(row, 0),
        json_pack("{s:s, s:o, s:o}", "key", sb_table_cell(row, 1), "elements", elements, "rules", rules));
}

static int load(const char *folder, const char *name, void (*add)(const json_t *), char *why, size_t why_size)
{
    json_t *rows = sb_table_load(folder, name, why, why_size), *row;
    size_t i;

    if (!rows)
        return -1;
    json_array_foreach(rows, i, row)
    {
        add(row);
    }
    json_decref(rows);
    return 0;
}

static void add_loop(const json_t *row)
{
    json_object_set(loops, sb_table_cell(row, 0), (json_t *)(uintptr_t)row);
}

static void add_codes(const json_t *row)
{
    char quoted[2000];

    snprintf(quoted, sizeof(quoted), " %s ", sb_table_cell(row, 1));
    json_object_set_new(codes, sb_table_cell(row, 0), json_string(quoted));
}

int sb_x12json_open(struct sandbox *sb, char *why, size_t why_size)
{
    char folder[4096];

    segments = json_object();
    sets = json_object();
    loops = json_object();
    codes = json_object();
    snprintf(folder, sizeof(folder), "%s/orderful", sb->samples);
    return load(folder, "segments.tsv", add_segment, why, why_size) != 0 ||
                   load(folder, "structure.tsv", add_place, why, why_size) != 0 ||
                   load(folder, "loops.tsv", add_loop, why, why_size) != 0 ||
                   load(folder, "codes.tsv", add_codes, why, why_size) != 0
               ? -1
               : 0;
}

void sb_x12json_close(void)
{
    json_decref(segments);
    json_decref(sets);
    json_decref(loops);
    json_decref(codes);
    segments = sets = loops = codes = NULL;
}

static json_t *set_of(const char *type)
{
    char number[4];

    snprintf(number, sizeof(number), "%.3s", type);
    return json_object_get(sets, number);
}

/* ---- shape: what the create endpoint refuses ---- */

static void complain(json_t *list, const char *path, const char *what, const char *name)
{
    char text[900];

    if (json_array_size(list) >= MOST_COMPLAINTS)
        return;
    snprintf(text, sizeof(text), "Cannot parse payload. Reason: %s: %s%s", path, what, name);
    json_array_append_new(list, json_string(sb_document_mend(text)));
}

static void parse_segment(json_t *list, const char *path, const json_t *segment, json_t *value)
{
    const json_t *elements =
        json_object_get(json_object_get(segments, sb_document_string(segment, "segment")), "elements");
    const char *key;
    json_t *element;
    char below[600];

    json_object_foreach(value, key, element)
    {
        const json_t *rule = json_object_get(elements, key);
        bool composite = rule && strcmp(sb_document_string(rule, "type"), "C") == 0;

        snprintf(below, sizeof(below), "%.460s.%.100s", path, key);
        if (elements && !rule)
            complain(list, path, "must NOT have additional properties - ", key);
        else if (composite && !json_is_array(element))
            complain(list, below, "must be array", "");
        else if (!composite && !json_is_string(element))
            complain(list, below, "must be string", "");
    }
}

/* node NULL: a set without a table; only the shape common to all sets is looked at. */
static void parse_object(json_t *list, const char *path, json_t *node, json_t *object)
{
    const char *key;
    json_t *value, *item;
    size_t i;
    char below[600];

    json_object_foreach(object, key, value)
    {
        json_t *child = json_object_get(json_object_get(node, "children"), key);

        snprintf(below, sizeof(below), "%.400s.%.100s", path, key);
        if (node && !child) {
            complain(list, path, "must NOT have additional properties - ", key);
            continue;
        }
        if (!json_is_array(value)) {
            complain(list, below, "must be array", "");
            continue;
        }
        json_array_foreach(value, i, item)
        {
            char at[640];

            snprintf(at, sizeof(at), "%s.%zu", below, i);
            if (!json_is_object(item))
                complain(list, at, "must be object", "");
            else if (child && json_object_get(child, "segment"))
                parse_segment(list, at, child, item);
            else if (child)
                parse_object(list, at, child, item);
        }
    }
}

json_t *sb_x12json_parse(const char *type, const json_t *message)
{
    json_t *list = json_array(), *transaction_sets = json_object_get(message, "transactionSets"), *value;
    const char *key;

    if (!json_is_object(message)) {
        complain(list, "message", "must be object", "");
        return list;
    }
    json_object_foreach((json_t *)(uintptr_t)message, key, value)
    {
        if (strcmp(key, "transactionSets") != 0)
            complain(list, "message", "must NOT have additional properties - ", key);
    }
    if (!transaction_sets)
        complain(list, "message", "must have required property ", "'transactionSets'");
    else if (!json_is_array(transaction_sets))
        complain(list, "transactionSets", "must be array", "");
    else if (json_array_size(transaction_sets) != 1)
        complain(list, "transactionSets", "must have exactly one item", "");
    else if (!json_is_object(json_array_get(transaction_sets, 0)))
        complain(list, "transactionSets.0", "must be object", "");
    else
        parse_object(list, "transactionSets.0", set_of(type), json_array_get(transaction_sets, 0));
    return list;
}

/* ---- content: what makes a transaction INVALID ---- */

static void finding(json_t *list, const char *path, const char *type, const char *allowed, const char *format,
                    const char *name)
{
    char text[400], place[700], copy[2000], *rest = copy, *code;
    json_t *values;

    if (json_array_size(list) >= MOST_FINDINGS)
        return;
    values = json_array();
    snprintf(place, sizeof(place), "%s", path);
    snprintf(text, sizeof(text), format, name);
    snprintf(copy, sizeof(copy), "%s", allowed ? allowed : "");
    while ((code = strsep(&rest, " ")) != NULL) {
        if (*code)
            json_array_append_new(values, json_pack("{s:s, s:s}", "value", code, "description", code));
    }
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "dataPath",
                                          sb_document_mend(place), "dataPathDescription", "", "message",
                                          sb_document_mend(text), "allowedValues", values, "grouping",
                                          "1-1-1", "validationErrorType", type));
}

static bool all_digits(const char *text, size_t least, size_t most)
{
    size_t length = strlen(text);

    return length >= least && length <= most && strspn(text, "0123456789") == length;
}

static bool date_is_good(const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month, day;

    if (!all_digits(text, 8, 8))
        return false;
    month = (text[4] - '0') * 10 + text[5] - '0';
    day = (text[6] - '0') * 10 + text[7] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static bool time_is_good(const char *text)
{
    size_t length = strlen(text);

    return all_digits(text, 4, 8) && length % 2 == 0 && strncmp(text, "24", 2) < 0 && text[2] < '6' &&
           (length < 6 || text[4] < '6');
}

/* digits that count towards the length of a number; 0 when it is none */
static size_t number_digits(const char *text, bool point)
{
    size_t digits = 0, points = 0;

    if (*text == '-')
        text++;
    for (; *text; text++) {
        if (*text == '.')
            points++;
        else if (isdigit((unsigned char)*text))
            digits++;
        else
            return 0;
    }
    return points > (point ? 1 : 0) ? 0 : digits;
}

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void validate_element(json_t *list, const char *path, const json_t *rule, const char *text)
{
    const char *type = sb_document_string(rule, "type");
    const char *allowed = json_string_value(json_object_get(codes, sb_document_string(rule, "base")));
    size_t length = characters(text), least = (size_t)sb_document_integer(rule, "least", 0);
    size_t most = (size_t)sb_document_integer(rule, "most", 0);
    char quoted[100];

    if (strcmp(type, "DT") == 0 ? !date_is_good(text) : strcmp(type, "TM") == 0 && !time_is_good(text)) {
        finding(list, path, "dataType", NULL, "\"%.60s\" is not a valid date or time", text);
        return;
    }
    if (type[0] == 'N' || type[0] == 'R') {
        length = number_digits(text, type[0] == 'R');
        if (length == 0) {
            finding(list, path, "dataType", NULL,
                    type[0] == 'R' ? "\"%.60s\" is not a number"
                                   : "\"%.60s\" is not a number without decimal point",
                    text);
            return;
        }
        least = 1;
    }
    if (most && (length < least || length > most))
        finding(list, path, "length", NULL, "\"%.60s\" is too short or too long", text);
    snprintf(quoted, sizeof(quoted), " %.90s ", text);
    if (allowed && !strstr(allowed, quoted))
        finding(list, path, "codes", allowed, "\"%.60s\" is not a valid input", text);
}

static bool present(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_array(value) || json_string_length(value) > 0;
}

static void validate_rules(json_t *list, const char *path, const json_t *rules, const json_t *value)
{
    size_t i, k;
    json_t *rule, *key;

    json_array_foreach(rules, i, rule)
    {
        const char *kind = json_string_value(json_array_get(rule, 0));
        const json_t *keys = json_array_get(rule, 1);
        size_t found = 0;

        json_array_foreach(keys, k, key)
        {
            found += present(value, json_string_value(key));
        }
        if (kind[0] == 'P' && found > 0 && found < json_array_size(keys))
            finding(list, path, "relational", NULL, "%s and its partner must both be present, or neither",
                    json_string_value(json_array_get(keys, 0)));
        if (kind[0] == 'R' && found == 0)
            finding(list, path, "relational", NULL, "%s, or what stands for it, is required",
                    json_string_value(json_array_get(keys, 0)));
    }
}

static void validate_segment(json_t *list, const char *path, const char *id, const json_t *value)
{
    const json_t *segment = json_object_get(segments, id);
    const char *key;
    json_t *rule;
    char below[700];

    json_object_foreach(json_object_get(segment, "elements"), key, rule)
    {
        const json_t *element = json_object_get(value, key);

        snprintf(below, sizeof(below), "%s.%s", path, key);
        if (json_is_true(json_object_get(rule, "need")) && !present(value, key))
            finding(list, below, "required", NULL, "%s is required", key);
        else if (json_is_string(element) && json_string_length(element) > 0)
            validate_element(list, below, rule, json_string_value(element));
    }
    validate_rules(list, path, json_object_get(segment, "rules"), value);
}

static void validate_object(json_t *list, const char *path, const json_t *node, const json_t *object)
{
    const char *key;
    json_t *child, *item;
    size_t i;
    char below[600], at[640];

    json_object_foreach(json_object_get(node, "children"), key, child)
    {
        const json_t *value = json_object_get(object, key);
        const char *id = json_string_value(json_object_get(child, "segment"));
        size_t most = (size_t)sb_document_integer(child, "most", 0);

        snprintf(below, sizeof(below), "%.400s.%.100s", path, key);
        if (!value) {
            if (id && strcmp(sb_document_string(child, "need"), "M") == 0)
                finding(list, below, "required", NULL, "%s is required", key);
            continue;
        }
        if (json_array_size(value) == 0)
            finding(list, below, "length", NULL, "%s must not be empty", key);
        if (most && json_array_size(value) > most)
            finding(list, below, "length", NULL, "%s occurs too often", key);
        json_array_foreach(value, i, item)
        {
            snprintf(at, sizeof(at), "%s.%zu", below, i);
            if (id)
                validate_segment(list, at, id, item);
            else
                validate_object(list, at, child, item);
        }
    }
}

static void validate_lines(json_t *list, const char *type, const json_t *set)
{
    char number[4], path[128], *rest = path, *key, counted[24], place[256];
    const json_t *row, *at = set;
    size_t lines;
    const char *claimed;

    snprintf(number, sizeof(number), "%.3s", type);
    row = json_object_get(loops, number);
    if (!row)
        return;
    lines = json_array_size(json_object_get(set, sb_table_cell(row, 1)));
    snprintf(place, sizeof(place), "transactionSets.0.%.100s", sb_table_cell(row, 1));
    if (lines == 0 && strcmp(sb_table_cell(row, 3), "M") == 0)
        finding(list, place, "required", NULL, "%s is required", sb_table_cell(row, 1));
    snprintf(path, sizeof(path), "%s", sb_table_cell(row, 4));
    while ((key = strsep(&rest, ".")) != NULL)
        at = json_array_get(json_object_get(at, key), 0);
    claimed = sb_document_string(at, "numberOfLineItems");
    snprintf(counted, sizeof(counted), "%zu", lines);
    if (*claimed && strtoull(claimed, NULL, 10) != lines) {
        snprintf(place, sizeof(place), "transactionSets.0.%.100s.0.numberOfLineItems", sb_table_cell(row, 4));
        finding(list, place, "count", NULL, "the number of line items is %s", counted);
    }
}

json_t *sb_x12json_validate(const char *type, const json_t *message)
{
    json_t *list = json_array();
    const json_t *set = json_array_get(json_object_get(message, "transactionSets"), 0), *node = set_of(type);

    if (node) {
        validate_object(list, "transactionSets.0", node, set);
        validate_lines(list, type, set);
    }
    return list;
}
