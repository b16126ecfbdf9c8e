/* envelope: ISA, GS, ST and their trailers round one transaction set, from a partner's profile. X12.5
 * (interchange), X12.6 (functional group). What does not fit is told by the name it has in the envelope
 * (ISA06), with nothing appended. The ISA's fields have fixed lengths: ids are filled up with blanks. */
#include "edi/reading.h"
#include "edi/x12/x12.h"
#include "edi/writing.h"
#include <time.h>

struct envelope_text {
    const char *name; /* "ISA06" */
    const char *text;
    size_t min, max;
};

static int refuse(struct findings *f, const char *name, const char *what)
{
    struct fault fault = {
        .kind = FAULT_INTERCHANGE_HEADER, .severity = SEVERITY_ERROR, .reference = "", .loop = ""};
    fault_add(NULL, f, &standard_x12, &fault, arena_printf(f->arena, "envelope, %s", name),
              "Correct the partner's profile.", "%s", what);
    return -1;
}

static bool is_delimiter(const struct delimiters *d, char c)
{
    return c == d->element || c == d->component || c == d->segment || (d->repetition && c == d->repetition);
}

static int check_text(const struct envelope *e, struct envelope_text t, struct findings *f)
{
    size_t len = t.text ? strlen(t.text) : 0;
    if (len < t.min || len > t.max)
        return refuse(f, t.name,
                      arena_printf(f->arena, "%s has %zu characters; %zu to %zu are allowed.",
                                   t.text ? fault_show(f->arena, slice_of(t.text)) : "Nothing", len, t.min,
                                   t.max));
    for (size_t i = 0; i < len; i++)
        if (is_delimiter(&e->delimiters, t.text[i]) || t.text[i] < 0x20 || t.text[i] > 0x7e)
            return refuse(f, t.name,
                          arena_printf(f->arena,
                                       "%s contains %s, which is a delimiter or no plain character.",
                                       fault_show(f->arena, slice_of(t.text)),
                                       fault_show(f->arena, slice_make(&t.text[i], 1))));
    return 0;
}

static bool good_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    bool word = (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z') || u == ' ';
    return u != 0 && u < 0x7f && !word;
}

static int check_delimiters(const struct envelope *e, struct findings *f)
{
    const struct delimiters *d = &e->delimiters;
    const char all[] = {d->element, d->component, d->segment, d->repetition};
    size_t n = d->repetition ? 4 : 3;
    for (size_t i = 0; i < n; i++) {
        if (!good_delimiter(all[i]))
            return refuse(f, "delimiters",
                          arena_printf(f->arena,
                                       "%s cannot be a delimiter: letters, digits, blanks, NUL and bytes "
                                       "above 0x7E cannot.",
                                       fault_show(f->arena, slice_make(&all[i], 1))));
        for (size_t j = 0; j < i; j++)
            if (all[i] == all[j])
                return refuse(f, "delimiters",
                              arena_printf(f->arena, "%s is used for two delimiters; they must differ.",
                                           fault_show(f->arena, slice_make(&all[i], 1))));
    }
    char r = e->replacement;
    if (r && (is_delimiter(d, r) || r < 0x20 || r > 0x7e))
        return refuse(f, "replacement",
                      arena_printf(f->arena,
                                   "%s cannot replace delimiters: it is one itself, or no plain character.",
                                   fault_show(f->arena, slice_make(&r, 1))));
    return 0;
}

static int check_profile(const struct envelope *e, struct findings *f)
{
    const struct envelope_text texts[] = {
        {"ISA05", e->sender_qualifier, 2, 2},
        {"ISA06", e->sender_id, 1, 15},
        {"ISA07", e->receiver_qualifier, 2, 2},
        {"ISA08", e->receiver_id, 1, 15},
        {"GS02", e->application_sender, 2, 15},
        {"GS03", e->application_receiver, 2, 15},
        {"GS08", e->version, 6, 12},
    };
    if (check_delimiters(e, f))
        return -1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (check_text(e, texts[i], f))
            return -1;
    if (e->usage != 'T' && e->usage != 'P')
        return refuse(f, "ISA15", "The usage indicator is neither T (test) nor P (production).");
    if (e->control_number < 1 || e->control_number > 999999999)
        return refuse(f, "ISA13",
                      arena_printf(f->arena, "The control number %u is not between 1 and 999999999.",
                                   (unsigned)e->control_number));
    return 0;
}

/* ---- text; the room is reserved ---- */

static void put(struct buffer *out, char c)
{
    out->ptr[out->len++] = c;
}

static void put_text(struct buffer *out, const char *text)
{
    while (*text)
        put(out, *text++);
}

static void put_padded(struct buffer *out, const char *text, size_t width)
{
    size_t n = 0;
    for (; text[n]; n++)
        put(out, text[n]);
    for (; n < width; n++)
        put(out, ' ');
}

/* width 0: as many digits as it takes. */
static void put_number(struct buffer *out, unsigned long long value, unsigned width)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (unsigned i = n; i < width; i++)
        put(out, '0');
    while (n)
        put(out, digits[--n]);
}

static void end_segment(struct buffer *out, const struct envelope *e)
{
    put(out, e->delimiters.segment);
    if (e->newline)
        put(out, '\n');
}

static bool has_repetition(const struct envelope *e)
{
    return e->delimiters.repetition && strncmp(e->version, "00402", 5) >= 0;
}

static void put_isa(const struct envelope *e, const struct tm *t, struct buffer *out)
{
    char star = e->delimiters.element;
    const char empty[] = {star, '0', '0', star, ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '\0'};
    put_text(out, "ISA");
    put_text(out, empty);
    put_text(out, empty);
    put(out, star);
    put_text(out, e->sender_qualifier);
    put(out, star);
    put_padded(out, e->sender_id, 15);
    put(out, star);
    put_text(out, e->receiver_qualifier);
    put(out, star);
    put_padded(out, e->receiver_id, 15);
    put(out, star);
    put_number(
        out, (unsigned)(t->tm_year % 100) * 10000u + (unsigned)(t->tm_mon + 1) * 100u + (unsigned)t->tm_mday,
        6);
    put(out, star);
    put_number(out, (unsigned)t->tm_hour * 100u + (unsigned)t->tm_min, 4);
    put(out, star);
    put(out, has_repetition(e) ? e->delimiters.repetition : 'U');
    put(out, star);
    buffer_add(out, e->version, 5);
    put(out, star);
    put_number(out, e->control_number, 9);
    put(out, star);
    put(out, e->acknowledgment ? '1' : '0');
    put(out, star);
    put(out, e->usage);
    put(out, star);
    put(out, e->delimiters.component);
    end_segment(out, e);
}

static void put_gs(const struct set *set, const struct envelope *e, const struct tm *t, struct buffer *out)
{
    char star = e->delimiters.element;
    put_text(out, "GS");
    put(out, star);
    put_text(out, set->functional_group);
    put(out, star);
    put_text(out, e->application_sender);
    put(out, star);
    put_text(out, e->application_receiver);
    put(out, star);
    put_number(
        out, (unsigned)(t->tm_year + 1900) * 10000u + (unsigned)(t->tm_mon + 1) * 100u + (unsigned)t->tm_mday,
        8);
    put(out, star);
    put_number(out, (unsigned)t->tm_hour * 100u + (unsigned)t->tm_min, 4);
    put(out, star);
    put_number(out, e->control_number, 0);
    put(out, star);
    put(out, 'X');
    put(out, star);
    put_text(out, e->version);
    end_segment(out, e);
}

/* ISA and GS as they stand at out[start..], against the dictionary: the profile's qualifiers are codes. */
static int check_written(const struct dictionary *d, struct buffer *out, size_t start, struct findings *f)
{
    struct edi_lexer lexer;
    struct edi_segment segment;
    unsigned before = f->errors;
    struct reading reading;
    if (x12_lexer_open(&lexer, slice_make(out->ptr + start, out->len - start), f))
        return -1;
    reading_open(&reading, &lexer.text, d, NULL, true, f, NULL);
    reading.check.label[0] = SLICE("envelope");
    while (edi_lexer_next(&lexer, &segment, f) == 1)
        x12_check_envelope(&reading, &segment);
    return f->errors > before ? -1 : 0;
}

int envelope_open(const struct dictionary *d, const struct set *set, const struct envelope *e,
                  struct buffer *out, struct findings *f)
{
    struct tm t;
    time_t prepared = (time_t)e->prepared;
    size_t start = out->len;
    if (check_profile(e, f))
        return -1;
    if (!gmtime_r(&prepared, &t) || t.tm_year < 0 || t.tm_year > 8099)
        return refuse(f, "ISA09", "The time of preparation is no time between 1900 and 9999.");
    buffer_reserve(out, 320);
    put_isa(e, &t, out);
    put_gs(set, e, &t, out);
    if (check_written(d, out, start, f)) {
        out->len = start;
        return -1;
    }
    put_text(out, "ST");
    put(out, e->delimiters.element);
    put_text(out, set->id);
    put(out, e->delimiters.element);
    put_text(out, "0001");
    end_segment(out, e);
    return 0;
}

void envelope_close(const struct envelope *e, size_t segments, struct buffer *out)
{
    char star = e->delimiters.element;
    buffer_reserve(out, 128);
    put_text(out, "SE");
    put(out, star);
    put_number(out, segments, 0);
    put(out, star);
    put_text(out, "0001");
    end_segment(out, e);
    put_text(out, "GE");
    put(out, star);
    put(out, '1');
    put(out, star);
    put_number(out, e->control_number, 0);
    end_segment(out, e);
    put_text(out, "IEA");
    put(out, star);
    put(out, '1');
    put(out, star);
    put_number(out, e->control_number, 9);
    end_segment(out, e);
    out->ptr[out->len] = '\0';
}
