/* writer: a tree as one interchange with one message; see edifact.h. The segments of the envelope are made as
 * text, read again and checked against the service directory, as strictly as the message. Nothing that is
 * wrong is left in out. */
#include "edi/characters.h"
#include "edi/edifact/edifact.h"
#include "edi/reading.h"
#include "edi/writing.h"
#include <stdio.h>
#include <time.h>

struct making {
    const struct edifact_envelope *e;
    struct buffer *out;
    struct findings *f;
    bool failed;
};

static int refuse(struct findings *f, const char *name, const char *what)
{
    finding_add(f, SEVERITY_ERROR, "edifact.envelope.profile", arena_printf(f->arena, "envelope, %s", name),
                "Correct the partner's profile.", "%s", what);
    return -1;
}

static bool is_delimiter(const struct delimiters *d, char c)
{
    return c == d->element || c == d->component || c == d->segment || (d->release && c == d->release) ||
           (d->repetition && c == d->repetition);
}

static void put_text(struct making *m, const char *text)
{
    const struct delimiters *d = &m->e->delimiters;
    for (; *text; text++) {
        if (is_delimiter(d, *text)) {
            if (!d->release)
                m->failed = true;
            else
                buffer_byte(m->out, d->release);
        }
        buffer_byte(m->out, *text);
    }
}

static void put_element(struct making *m, const char *text)
{
    buffer_byte(m->out, m->e->delimiters.element);
    put_text(m, text);
}

static void put_component(struct making *m, const char *text)
{
    buffer_byte(m->out, m->e->delimiters.component);
    put_text(m, text);
}

/* What is empty at the end is left out with its separator. */
static void end_segment(struct making *m, size_t start)
{
    const struct delimiters *d = &m->e->delimiters;
    while (m->out->len > start + 3) {
        char last = m->out->ptr[m->out->len - 1], before = m->out->ptr[m->out->len - 2];
        if ((last != d->element && last != d->component) || (d->release && before == d->release))
            break;
        m->out->len--;
    }
    buffer_byte(m->out, d->segment);
    if (m->e->newline)
        buffer_byte(m->out, '\n');
}

static void put_una(struct making *m)
{
    const struct delimiters *d = &m->e->delimiters;
    bool usual = d->element == '+' && d->component == ':' && d->segment == '\'' && d->release == '?' &&
                 (!d->repetition || d->repetition == '*') && d->decimal != ',';
    if (usual && !m->e->una)
        return;
    const char una[] = {d->component,
                        d->element,
                        d->decimal ? d->decimal : '.',
                        d->release ? d->release : ' ',
                        d->repetition ? d->repetition : ' ',
                        d->segment};
    buffer_text(m->out, "UNA");
    buffer_add(m->out, una, sizeof una);
    if (m->e->newline)
        buffer_byte(m->out, '\n');
}

static void put_unb(struct making *m, const struct tm *t)
{
    const struct edifact_envelope *e = m->e;
    size_t start = m->out->len;
    char text[32];
    buffer_text(m->out, "UNB");
    put_element(m, e->syntax);
    put_component(m, (const char[]){e->syntax_version, '\0'});
    put_element(m, e->sender_id);
    if (*e->sender_qualifier)
        put_component(m, e->sender_qualifier);
    put_element(m, e->recipient_id);
    if (*e->recipient_qualifier)
        put_component(m, e->recipient_qualifier);
    int year = t->tm_year + 1900;
    snprintf(text, sizeof text, "%02d%02d%02d", e->syntax_version == '4' ? year : year % 100, t->tm_mon + 1,
             t->tm_mday);
    put_element(m, text);
    snprintf(text, sizeof text, "%02d%02d", t->tm_hour, t->tm_min);
    put_component(m, text);
    snprintf(text, sizeof text, "%u", (unsigned)e->control_number);
    put_element(m, text);
    put_element(m, "");
    put_element(m, e->application_reference);
    put_element(m, "");
    put_element(m, e->wants_acknowledgment ? "1" : "");
    put_element(m, "");
    put_element(m, e->test ? "1" : "");
    end_segment(m, start);
}

static void put_unh(struct making *m, const struct set *set)
{
    const struct edifact_envelope *e = m->e;
    size_t start = m->out->len;
    buffer_text(m->out, "UNH");
    put_element(m, "1");
    put_element(m, set->id);
    put_component(m, e->version);
    put_component(m, e->release);
    put_component(m, e->agency);
    if (*e->association)
        put_component(m, e->association);
    end_segment(m, start);
}

/* UNB and UNH as they stand at out[start..]. */
static int check_written(const struct dictionary *service, struct making *m, size_t start)
{
    struct edi_lexer lexer;
    struct edi_segment segment;
    unsigned before = m->f->errors;
    if (m->failed)
        return refuse(m->f, "UNB", "A value has a delimiter in it, and there is no release character.");
    if (edifact_lexer_open(&lexer, slice_make(m->out->ptr + start, m->out->len - start), m->f))
        return -1;
    struct reading reading;
    reading_open(&reading, &lexer.text, service, NULL, true, m->f, NULL);
    reading.check.label[0] = SLICE("envelope");
    while (edi_lexer_next(&lexer, &segment, m->f) == 1)
        reading_envelope(&reading, &segment);
    return m->f->errors > before ? -1 : 0;
}

static void close_interchange(struct making *m, size_t segments)
{
    char text[32];
    size_t start = m->out->len;
    buffer_text(m->out, "UNT");
    snprintf(text, sizeof text, "%zu", segments);
    put_element(m, text);
    put_element(m, "1");
    end_segment(m, start);
    start = m->out->len;
    buffer_text(m->out, "UNZ");
    put_element(m, "1");
    snprintf(text, sizeof text, "%u", (unsigned)m->e->control_number);
    put_element(m, text);
    end_segment(m, start);
}

static int write_message(const struct dictionary *d, const struct set *set, const struct node *tree,
                         struct making *m)
{
    struct characters characters;
    struct writing w;
    if (!characters_open(&characters, slice_of(m->e->syntax)))
        return refuse(m->f, "syntax",
                      arena_printf(m->f->arena,
                                   "\"%s\" is no syntax identifier; there are UNOA to UNOL, UNOW and UNOY.",
                                   m->e->syntax));
    unsigned before = m->f->errors;
    struct edi_form form = {
        .delimiters = m->e->delimiters, .newline = m->e->newline, .characters = &characters};
    writing_open(&w, d, set, &form, m->out, m->f);
    writing_set(&w, tree);
    characters_close(&characters);
    if (m->f->errors > before)
        return -1;
    close_interchange(m, w.check.position);
    return 0;
}

int edifact_write(struct dictionary_library *l, const struct dictionary *d, const struct set *set,
                  const struct node *tree, const struct edifact_envelope *e, struct buffer *out,
                  struct findings *f)
{
    struct making m = {.e = e, .out = out, .f = f};
    size_t start = out->len;
    struct tm t;
    time_t prepared = (time_t)e->prepared;
    if (e->syntax_version < '1' || e->syntax_version > '4')
        return refuse(f, "syntax version", "There are the syntax versions 1 to 4.");
    if (!gmtime_r(&prepared, &t) || t.tm_year < 0 || t.tm_year > 8099)
        return refuse(f, "UNB", "The time of preparation is no time between 1900 and 9999.");
    const struct dictionary *service =
        dictionary_load_of(l, &standard_edifact, arena_printf(f->arena, "service/%c", e->syntax_version), f);
    if (!service)
        return -1;
    put_una(&m);
    put_unb(&m, &t);
    put_unh(&m, set);
    if (check_written(service, &m, start) || write_message(d, set, tree, &m)) {
        out->len = start;
        return -1;
    }
    return 0;
}
