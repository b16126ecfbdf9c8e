/* keys: see keys.h. spoolgate.conf(5) describes each key; a key is added here and there. */
#include "route/keys.h"
#include "base/word.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const forms[] = {"x12", "x12json", "json", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const refuse_or_warn[] = {"refuse", "warn", NULL};
static const char *const of_duplicates[] = {"refuse", "archive", "warn", NULL};
static const char *const acknowledgments[] = {"none", "997", "network", NULL};

const struct key main_keys[] = {
    {"spool", KEY_PATH, offsetof(struct config, spool), "spool", 0, 0, NULL, false},
    {"state", KEY_PATH, offsetof(struct config, state), NULL, 0, 0, NULL, false},
    {"translators", KEY_PATH, offsetof(struct config, translators_directory), NULL, 0, 0, NULL, false},
    {"translator_processes", KEY_NUMBER, offsetof(struct config, translators), "2", 1, 64, NULL, false},
    {"group", KEY_NUMBER, offsetof(struct config, group), "256", 1, 10000, NULL, false},
    {"settle", KEY_NUMBER, offsetof(struct config, settle_seconds), "2", 0, 3600, NULL, false},
    {"rescan", KEY_NUMBER, offsetof(struct config, rescan_seconds), "30", 1, 3600, NULL, false},
    {"log_format", KEY_CHOICE, offsetof(struct config, log_format), "text", 0, 0, log_formats, false},
    {"precedence", KEY_WORDS, offsetof(struct config, precedence), NULL, 0, 0, NULL, false},
    {"secrets", KEY_PATH, offsetof(struct config, secrets_file), "secrets", 0, 0, NULL, false},
    {"key_file", KEY_PATH, offsetof(struct config, key_file), NULL, 0, 0, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key us_keys[] = {
    {"name", KEY_TEXT, offsetof(struct us, name), NULL, 0, 0, NULL, false},
    {"isa_qualifier", KEY_TEXT, offsetof(struct us, isa_qualifier), "ZZ", 0, 0, NULL, false},
    {"isa_id", KEY_TEXT, offsetof(struct us, isa_id), NULL, 0, 0, NULL, false},
    {"test_isa_id", KEY_TEXT, offsetof(struct us, test_isa_id), NULL, 0, 0, NULL, false},
    {"gs_id", KEY_TEXT, offsetof(struct us, gs_id), NULL, 0, 0, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key alerts_keys[] = {
    {"command", KEY_TEXT, offsetof(struct alerts_config, command), NULL, 0, 0, NULL, false},
    {"webhook", KEY_TEXT, offsetof(struct alerts_config, webhook), NULL, 0, 0, NULL, false},
    {"webhook_secret", KEY_TEXT, offsetof(struct alerts_config, webhook_secret), NULL, 0, 0, NULL, false},
    {"ca_file", KEY_PATH, offsetof(struct alerts_config, ca_file), NULL, 0, 0, NULL, false},
    {"after", KEY_NUMBER, offsetof(struct alerts_config, after), "60", 0, 86400, NULL, false},
    {"repeat", KEY_NUMBER, offsetof(struct alerts_config, repeat), "3600", 0, 604800, NULL, false},
    {"most", KEY_NUMBER, offsetof(struct alerts_config, most), "20", 1, 3600, NULL, false},
    {"timeout", KEY_NUMBER, offsetof(struct alerts_config, timeout), "30", 1, 600, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key metrics_keys[] = {
    {"file", KEY_PATH, offsetof(struct metrics_config, file), NULL, 0, 0, NULL, false},
    {"listen", KEY_TEXT, offsetof(struct metrics_config, listen), NULL, 0, 0, NULL, false},
    {"every", KEY_NUMBER, offsetof(struct metrics_config, every), "15", 1, 3600, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key route_keys[] = {
    {"source", KEY_TEXT, offsetof(struct route, source), NULL, 0, 0, NULL, true},
    {"file", KEY_TEXT, offsetof(struct route, pattern), "*", 0, 0, NULL, false},
    {"map", KEY_TEXT, offsetof(struct route, map), NULL, 0, 0, NULL, true},
    {"partners", KEY_WORDS, offsetof(struct route, partners), NULL, 0, 0, NULL, false},
    {"types", KEY_WORDS, offsetof(struct route, types), NULL, 0, 0, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key source_keys[] = {
    {"wait_after_close", KEY_NUMBER, offsetof(struct source_config, after_close), "1", 0, 3600, NULL, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key partner_keys[] = {
    {"name", KEY_TEXT, offsetof(struct partner, name), NULL, 0, 0, NULL, false},
    {"erp_id", KEY_ELSEWHERE, 0, NULL, 0, 0, NULL, true},
    {"isa_qualifier", KEY_TEXT, offsetof(struct partner, isa_qualifier), "ZZ", 0, 0, NULL, false},
    {"isa_id", KEY_TEXT, offsetof(struct partner, live_isa_id), NULL, 0, 0, NULL, false},
    {"test_isa_id", KEY_TEXT, offsetof(struct partner, test_isa_id), NULL, 0, 0, NULL, false},
    {"gs_id", KEY_TEXT, offsetof(struct partner, gs_id), NULL, 0, 0, NULL, false},
    {"our_isa_qualifier", KEY_TEXT, offsetof(struct partner, our_isa_qualifier), NULL, 0, 0, NULL, false},
    {"our_isa_id", KEY_TEXT, offsetof(struct partner, our_live_isa_id), NULL, 0, 0, NULL, false},
    {"our_test_isa_id", KEY_TEXT, offsetof(struct partner, our_test_isa_id), NULL, 0, 0, NULL, false},
    {"our_gs_id", KEY_TEXT, offsetof(struct partner, our_gs_id), NULL, 0, 0, NULL, false},
    {"version", KEY_TEXT, offsetof(struct partner, version), "004010", 0, 0, NULL, false},
    {"usage", KEY_USAGE, offsetof(struct partner, test), NULL, 0, 0, NULL, true},
    {"element_separator", KEY_CHARACTER, offsetof(struct partner, element_separator), "*", 1, 0, NULL, false},
    {"component_separator", KEY_CHARACTER, offsetof(struct partner, component_separator), ">", 1, 0, NULL,
     false},
    {"segment_terminator", KEY_CHARACTER, offsetof(struct partner, segment_terminator), "~", 1, 0, NULL,
     false},
    {"newline", KEY_YES, offsetof(struct partner, newline), "no", 0, 0, NULL, false},
    {"replace_delimiters", KEY_CHARACTER, offsetof(struct partner, replacement), "none", 0, 0, NULL, false},
    {"ask_ta1", KEY_YES, offsetof(struct partner, ask_ta1), "no", 0, 0, NULL, false},
    {"unknown_receiver", KEY_CHOICE, offsetof(struct partner, unknown_receiver), "refuse", 0, 0,
     refuse_or_warn, false},
    {"test_interchange", KEY_CHOICE, offsetof(struct partner, test_interchange), "refuse", 0, 0,
     refuse_or_warn, false},
    {"duplicate_interchange", KEY_CHOICE, offsetof(struct partner, duplicate_interchange), "refuse", 0, 0,
     of_duplicates, false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

const struct key sending_keys[] = {
    {"form", KEY_CHOICE, offsetof(struct sending, form), NULL, 0, 0, forms, true},
    {"map", KEY_TEXT, offsetof(struct sending, map), NULL, 0, 0, NULL, true},
    {"endpoint", KEY_TEXT, offsetof(struct sending, endpoint), NULL, 0, 0, NULL, true},
    {"file_name", KEY_TEXT, offsetof(struct sending, file_name), NULL, 0, 0, NULL, false},
    {"acknowledgment", KEY_CHOICE, offsetof(struct sending, acknowledgment), "none", 0, 0, acknowledgments,
     false},
    {"acknowledgment_hours", KEY_NUMBER, offsetof(struct sending, acknowledgment_hours), "24", 1, 8760, NULL,
     false},
    {NULL, KEY_TEXT, 0, NULL, 0, 0, NULL, false},
};

bool key_is_local_path(const char *key)
{
    size_t n = strlen(key);
    return !strcmp(key, "known_hosts") || (n > 5 && !strcmp(key + n - 5, "_file"));
}

const char *path_beside(struct loading *l, const char *path, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !slash || !*path)
        return arena_text(l->arena, slice_of(path));
    return arena_printf(l->arena, "%.*s/%s", (int)(slash - file), file, path);
}

int setting_line(const struct section *s, const char *key)
{
    const struct setting *i = section_setting(s, key);
    return i && i->file ? i->line : s->line;
}

void setting_default(struct loading *l, struct section *s, const char *key, const char *value)
{
    struct setting **end = &s->settings;
    while (*end)
        end = &(*end)->next;
    *end = arena_zero(l->arena, sizeof **end);
    (*end)->key = key;
    (*end)->value = value;
}

static void refuse(struct loading *l, const struct setting *i, const char *todo, const char *what)
{
    finding_add(l->findings, SEVERITY_ERROR, "config.value",
                i->file ? arena_printf(l->arena, "%s:%d", i->file, i->line) : "", todo, "%s = %s: %s", i->key,
                i->value, what);
}

/* Itself, or 0xNN; "none" when the key allows it. */
static bool character(const char *text, bool none_allowed, char *out)
{
    if (none_allowed && !strcmp(text, "none")) {
        *out = 0;
        return true;
    }
    if (text[0] && !text[1]) {
        *out = text[0];
        return true;
    }
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && strlen(text) == 4 &&
        strspn(text + 2, "0123456789abcdefABCDEF") == 2) {
        long value = strtol(text + 2, NULL, 16);
        *out = (char)value;
        return value != 0 && value < 0x80;
    }
    return false;
}

static void set_number(struct loading *l, const struct setting *i, const struct key *k, int *out)
{
    char *end;
    errno = 0;
    long value = strtol(i->value, &end, 10);
    if (end == i->value || *end || errno || value < k->least || value > k->most)
        refuse(l, i, "",
               arena_printf(l->arena, "a whole number from %ld to %ld is wanted.", k->least, k->most));
    else
        *out = (int)value;
}

static void set_choice(struct loading *l, const struct setting *i, const struct key *k, const char **out)
{
    struct buffer all = {0};
    for (const char *const *c = k->choices; *c; c++) {
        if (!strcmp(*c, i->value)) {
            *out = *c;
            buffer_free(&all);
            return;
        }
        buffer_printf(&all, "%s%s", all.len ? ", " : "", *c);
    }
    const char *near = nearest_word(i->value, k->choices);
    refuse(l, i, near ? arena_printf(l->arena, "Did you mean %s?", near) : "",
           arena_printf(l->arena, "it is one of %s.", all.ptr));
    buffer_free(&all);
}

static const char *const *words(struct loading *l, const char *text)
{
    const char **list = arena_zero(l->arena, (strlen(text) / 2 + 2) * sizeof *list);
    char *copy = arena_text(l->arena, slice_of(text)), *next = NULL;
    size_t n = 0;
    for (char *word = strtok_r(copy, " \t", &next); word; word = strtok_r(NULL, " \t", &next))
        list[n++] = word;
    return list;
}

static void set_value(struct loading *l, struct setting *i, const struct key *k, char *base)
{
    void *member = base + k->offset;
    bool yes = !strcmp(i->value, "yes"), test = !strcmp(i->value, "test");
    if (!*i->value && k->kind != KEY_ELSEWHERE) {
        refuse(l, i,
               k->kind == KEY_CHARACTER ? "A semicolon is written 0x3b." : "Remove the line, or complete it.",
               "there is no value.");
        return;
    }
    switch (k->kind) {
    case KEY_TEXT: *(const char **)member = i->value; break;
    case KEY_PATH:
        if (strlen(i->value) == 64 && strspn(i->value, "0123456789abcdefABCDEF") == 64) {
            finding_add(
                l->findings, SEVERITY_ERROR, "config.value",
                i->file ? arena_printf(l->arena, "%s:%d", i->file, i->line) : "",
                "Put it into a file of mode 0600 and name that; who has read this one may have read the key.",
                "%s wants the name of a file; what stands there looks like a key itself.", i->key);
            return;
        }
        i->value = path_beside(l, i->value, i->file ? i->file : l->config->file);
        *(const char **)member = i->value;
        break;
    case KEY_NUMBER: set_number(l, i, k, member); break;
    case KEY_YES:
        if (!yes && strcmp(i->value, "no") != 0)
            refuse(l, i, "", "yes or no is wanted.");
        *(bool *)member = yes;
        break;
    case KEY_CHARACTER:
        if (!character(i->value, k->least == 0, member))
            refuse(l, i, "Write the character itself, or 0x and two hexadecimal digits, such as 0x1d.",
                   "one ASCII character is wanted.");
        break;
    case KEY_CHOICE: set_choice(l, i, k, member); break;
    case KEY_WORDS: *(const char *const **)member = words(l, i->value); break;
    case KEY_USAGE:
        if (!test && strcmp(i->value, "production") != 0)
            refuse(l, i, "", "test or production is wanted.");
        *(bool *)member = test;
        break;
    case KEY_ELSEWHERE: break;
    }
}

static void refuse_unknown(struct loading *l, const struct section *s, const struct setting *i,
                           const struct key *keys)
{
    const char *names[32] = {NULL};
    for (size_t n = 0; n < 31 && keys[n].name; n++)
        names[n] = keys[n].name;
    const char *near = nearest_word(i->key, names);
    finding_add(l->findings, SEVERITY_ERROR, "config.key.unknown",
                arena_printf(l->arena, "%s:%d", i->file, i->line),
                near ? arena_printf(l->arena, "Did you mean %s?", near) : "spoolgate.conf(5) lists the keys.",
                "[%s%s%s] has no key %s.", s->kind, *s->name ? " " : "", s->name, i->key);
}

void keys_fill(struct loading *l, struct section *s, const struct key *keys, void *base)
{
    for (struct setting *i = s->settings; i; i = i->next) {
        const struct key *k = keys;
        while (k->name && strcmp(k->name, i->key) != 0)
            k++;
        if (k->name)
            set_value(l, i, k, base);
        else
            refuse_unknown(l, s, i, keys);
    }
    for (const struct key *k = keys; k->name; k++) {
        if (section_setting(s, k->name))
            continue;
        if (k->required)
            finding_add(l->findings, SEVERITY_ERROR, "config.required",
                        arena_printf(l->arena, "%s:%d", s->file, s->line),
                        arena_printf(l->arena, "Add it: %s = …", k->name), "[%s%s%s] does not say its %s.",
                        s->kind, *s->name ? " " : "", s->name, k->name);
        if (!k->fallback)
            continue;
        setting_default(l, s, k->name, k->fallback);
        set_value(l, section_setting(s, k->name), k, base);
    }
}
