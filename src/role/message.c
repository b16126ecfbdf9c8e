/* message: see message.h. Findings of the map and the syntax come through as they are. */
#include "role/message.h"
#include "base/date.h"
#include "spool/inbox.h"
#include <stdio.h>
#include <time.h>

struct envelope message_envelope(const struct partner *p, const struct message_facts *facts)
{
    return (struct envelope){
        .delimiters = {.element = p->element_separator,
                       .component = p->component_separator,
                       .segment = p->segment_terminator},
        .newline = p->newline,
        .replacement = p->replacement,
        .sender_qualifier = p->our_isa_qualifier,
        .sender_id = p->our_isa_id,
        .receiver_qualifier = p->isa_qualifier,
        .receiver_id = p->isa_id,
        .application_sender = p->our_gs_id,
        .application_receiver = p->gs_id,
        .version = p->version,
        .usage = p->test ? 'T' : 'P',
        .acknowledgment = p->ask_ta1,
        .control_number = facts->control_number,
        .prepared = facts->prepared,
    };
}

const struct syntax *message_write(struct map_library *maps, const struct partner *p, const struct sending *s,
                                   const char *form, const struct node *canonical,
                                   const struct message_facts *facts, struct buffer *out, struct findings *f)
{
    const struct map *m = map_load(maps, s->map, f);
    if (!m)
        return NULL;
    if (!form)
        form = s->form;
    const struct syntax *syntax = form ? syntax_find(form) : map_syntax(m);
    if (!syntax) {
        finding_add(f, SEVERITY_ERROR, "message.form",
                    arena_printf(f->arena, "%s:%d", s->file ? s->file : "", s->line),
                    "Write x12, x12json or json.", "There is no form \"%s\".", form);
        return NULL;
    }
    struct envelope envelope = message_envelope(p, facts);
    struct syntax_options options = {.dictionaries = map_library_dictionaries(maps),
                                     .version = p->version,
                                     .set = map_set(m),
                                     .envelope = &envelope};
    struct map_run run = {.variables = p->variables, .variable_count = p->variable_count, .findings = f};
    return map_write(m, syntax == map_syntax(m) ? NULL : syntax, canonical, &options, &run, out) < 0 ? NULL
                                                                                                     : syntax;
}

static void add_field(struct buffer *b, struct slice field, const struct partner *p, const struct sending *s,
                      const struct syntax *written, const struct message_facts *facts)
{
    const struct identity *i = facts->identity;
    if (slice_is(field, "type"))
        buffer_slice(b, i->type.len ? i->type : slice_of(s->type));
    else if (slice_is(field, "number"))
        buffer_slice(b, i->number);
    else if (slice_is(field, "version"))
        buffer_slice(b, i->version);
    else if (slice_is(field, "partner"))
        buffer_text(b, p->id);
    else if (slice_is(field, "control"))
        buffer_printf(b, "%09u", facts->control_number);
    else if (slice_is(field, "document"))
        buffer_text(b, facts->document);
    else if (slice_is(field, "extension"))
        buffer_text(b, written->extension);
    else if (slice_is(field, "date")) {
        struct date day = instant_date((struct instant){.seconds = facts->prepared});
        buffer_printf(b, "%04d%02d%02d", day.year, day.month, day.day);
    } else
        buffer_printf(b, "{%.*s}", SLICE_ARG(field));
}

const char *message_name(const struct partner *p, const struct sending *s, const struct syntax *written,
                         const struct message_facts *facts, struct findings *f)
{
    const char *pattern =
        s->file_name && *s->file_name ? s->file_name : "{type}-{number}-{control}.{extension}";
    struct buffer filled = {0};
    while (*pattern) {
        const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
        if (end) {
            add_field(&filled, slice_make(pattern + 1, (size_t)(end - pattern - 1)), p, s, written, facts);
            pattern = end + 1;
        } else
            buffer_byte(&filled, *pattern++);
    }
    char name[SPOOL_NAME_MAX + 1];
    inbox_name(name, filled.ptr ? filled.ptr : "");
    buffer_free(&filled);
    return arena_text(f->arena, slice_of(name));
}

int64_t message_prepared(const char *document)
{
    struct tm t = {0};
    if (sscanf(document, "%4d%2d%2dT%2d%2d%2d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
               &t.tm_sec) != 6)
        return instant_now().seconds;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t);
}
