/* reader: an interchange set by set; see x12.h. The input stays the caller's and must stay until the reader
 * is closed. Wrong sets are answered with 2 and passed over up to their SE; a wrong envelope ends the reading
 * with -1, since nothing behind it can be trusted. X12.5 (envelope), X12.6 (control segments). */
#include "edi/x12/x12.h"
#include "edi/reading.h"
#include <stdio.h>
#include <stdlib.h>

enum state { OUTSIDE, IN_INTERCHANGE, IN_GROUP, ENDED };

struct x12_reader {
    struct dictionary_library *library;
    const char *version;                 /* NULL: as GS08 says */
    const struct dictionary *dictionary; /* of the group at hand; NULL when there is none of its version */
    struct edi_lexer lexer;
    struct x12_header header;
    struct slice interchange_control;
    enum state state;
    bool pending; /* segment is still to be looked at */
    unsigned long groups, sets, interchanges;
    struct faults faults;
    struct edi_segment isa, segment;
    char missing[16]; /* the version that no dictionary was found for */
};

#define KEY2(a, b) ((uint32_t)(a) | (uint32_t)(b) << 8)
#define KEY3(a, b, c) (KEY2(a, b) | (uint32_t)(c) << 16)

struct x12_reader *x12_reader_open(struct dictionary_library *l, struct slice input, struct findings *f)
{
    struct x12_reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->library = l;
    if (x12_lexer_open(&r->lexer, input, f)) {
        free(r);
        return NULL;
    }
    return r;
}

void x12_reader_close(struct x12_reader *r)
{
    free(r);
}

const struct faults *x12_reader_faults(const struct x12_reader *r)
{
    return &r->faults;
}

void x12_reader_version(struct x12_reader *r, const char *version)
{
    r->version = version;
}

static struct slice element(const struct edi_segment *s, unsigned n)
{
    return n <= s->count ? s->elements[n - 1] : slice_make("", 0);
}

static const char *plain(struct findings *f, struct slice s)
{
    return fault_plain(f->arena, s);
}

static int fatal(struct x12_reader *r, struct findings *f, enum fault_kind kind, const char *what)
{
    struct fault fault = {
        .kind = kind, .severity = SEVERITY_ERROR, .segment_id = r->segment.id, .reference = "", .loop = ""};
    fault_add(&r->faults, f, &standard_x12, &fault,
              arena_printf(f->arena, "interchange %s, segment %zu of the file, %s",
                           plain(f, r->interchange_control), r->lexer.number, plain(f, r->segment.id)),
              "The sender has to correct the envelope and send the interchange again.", "%s", what);
    finding_place(f, r->segment.id.len ? r->segment.at : r->lexer.at, 0, 0);
    r->state = ENDED;
    return -1;
}

static bool parse_count(struct slice s, unsigned long *out)
{
    unsigned long n = 0;
    if (s.len == 0 || s.len > 10)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (unsigned long)(s.ptr[i] - '0');
    }
    *out = n;
    return true;
}

static bool same_number(struct slice a, struct slice b)
{
    unsigned long x, y;
    return parse_count(a, &x) && parse_count(b, &y) ? x == y : slice_equal(a, b);
}

/* ---- envelope ---- */

void x12_check_envelope(struct reading *r, const struct edi_segment *s)
{
    if (!slice_is(s->id, "ISA")) {
        reading_envelope(r, s);
        return;
    }
    /* the delimiters in ISA11 and ISA16 were looked at by the lexer, and may be control characters */
    struct edi_segment isa = *s;
    if (r->text->delimiters.repetition && isa.count > 10)
        isa.elements[10] = SLICE("U");
    if (isa.count > 15)
        isa.elements[15] = SLICE(">");
    reading_envelope(r, &isa);
}

/* Checks a segment of the envelope against the dictionary; -1 when it is wrong. */
static int check_envelope(struct x12_reader *r, const struct edi_segment *s, struct slice label,
                          struct slice number, struct findings *f)
{
    if (!r->dictionary)
        return 0;
    struct reading reading;
    unsigned before = f->errors;
    reading_open(&reading, &r->lexer.text, r->dictionary, NULL, false, f, &r->faults);
    reading.check.label[0] = label;
    reading.check.label[1] = number;
    reading.check.position = s->number;
    /* qualifiers that no list has are sent, and can be read all the same */
    reading.check.lenient = segment_key(s->id) == KEY3('I', 'S', 'A') ? LENIENT_CODES : STRICT;
    x12_check_envelope(&reading, s);
    return f->errors > before ? -1 : 0;
}

static int envelope_segment(struct x12_reader *r, const struct edi_segment *s, struct findings *f)
{
    if (check_envelope(r, s, SLICE("interchange"), r->interchange_control, f) == 0)
        return 0;
    r->state = ENDED;
    return -1;
}

static struct slice trimmed(struct slice s)
{
    while (s.len && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

static int open_interchange(struct x12_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    r->isa = *s;
    r->groups = 0;
    r->interchanges++;
    r->dictionary = NULL;
    r->interchange_control = element(s, 13);
    struct slice usage = element(s, 15);
    r->header = (struct x12_header){.delimiters = r->lexer.text.delimiters,
                                    .sender_qualifier = trimmed(element(s, 5)),
                                    .sender_id = trimmed(element(s, 6)),
                                    .receiver_qualifier = trimmed(element(s, 7)),
                                    .receiver_id = trimmed(element(s, 8)),
                                    .interchange_control = r->interchange_control,
                                    .usage = usage.len ? usage.ptr[0] : ' '};
    unsigned long number;
    if (!parse_count(r->interchange_control, &number))
        return fatal(r, f, FAULT_INTERCHANGE_CONTROL,
                     "ISA13, the interchange's control number, is no number.");
    r->state = IN_INTERCHANGE;
    return 0;
}

static int close_interchange(struct x12_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    unsigned long count;
    if (!parse_count(element(s, 1), &count) || count != r->groups)
        return fatal(r, f, FAULT_INTERCHANGE_COUNT,
                     arena_printf(f->arena, "IEA01 counts %s functional groups; there are %lu.",
                                  plain(f, element(s, 1)), r->groups));
    if (!same_number(element(s, 2), r->interchange_control))
        return fatal(r, f, FAULT_INTERCHANGE_CONTROL,
                     arena_printf(f->arena,
                                  "IEA02 is %s, but ISA13 is %s; they must be the same control number.",
                                  plain(f, element(s, 2)), plain(f, r->interchange_control)));
    r->state = OUTSIDE;
    return 0;
}

static int open_group(struct x12_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    r->groups++;
    r->sets = 0;
    r->header.functional_id = element(s, 1);
    r->header.application_sender = trimmed(element(s, 2));
    r->header.application_receiver = trimmed(element(s, 3));
    r->header.group_control = element(s, 6);
    r->header.version = element(s, 8);
    r->state = IN_GROUP;
    const char *version = r->version ? r->version : arena_text(f->arena, r->header.version);
    if (*r->missing &&
        !strncmp(version, r->missing, sizeof r->missing - 1)) /* which was told with the first such group */
        r->dictionary = NULL;
    else if (!(r->dictionary = dictionary_load(r->library, version, f)))
        snprintf(r->missing, sizeof r->missing, "%s", version);
    if (f->machine) { /* then nothing is known of what was sent */
        r->state = ENDED;
        return -1;
    }
    if (r->groups == 1 && envelope_segment(r, &r->isa, f))
        return -1;
    return envelope_segment(r, s, f);
}

static int close_group(struct x12_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    unsigned long count;
    if (!parse_count(element(s, 1), &count) || count != r->sets)
        return fatal(r, f, FAULT_GROUP_COUNT,
                     arena_printf(f->arena, "GE01 counts %s transaction sets; there are %lu.",
                                  plain(f, element(s, 1)), r->sets));
    if (!same_number(element(s, 2), r->header.group_control))
        return fatal(r, f, FAULT_GROUP_CONTROL,
                     arena_printf(f->arena,
                                  "GE02 is %s, but GS06 is %s; they must be the same control number.",
                                  plain(f, element(s, 2)), plain(f, r->header.group_control)));
    r->state = IN_INTERCHANGE;
    return 0;
}

/* ---- transaction sets ---- */

static void set_fault(struct x12_reader *r, struct findings *f, enum fault_kind kind, size_t position,
                      const char *what)
{
    struct fault fault = {.kind = kind,
                          .severity = SEVERITY_ERROR,
                          .segment = position,
                          .segment_id = r->segment.id,
                          .reference = "",
                          .loop = ""};
    fault_add(&r->faults, f, &standard_x12, &fault,
              arena_printf(f->arena, "%s %s, segment %zu, %s", plain(f, r->header.set),
                           plain(f, r->header.set_control), position, plain(f, r->segment.id)),
              "The sender has to correct it and send it again.", "%s", what);
    finding_place(f, r->segment.at, 0, 0);
}

/* The next segment: 1, -1. */
static inline int next_segment(struct x12_reader *r, struct findings *f)
{
    int got = edi_lexer_next(&r->lexer, &r->segment, f);
    if (__builtin_expect(got > 0, 1))
        return 1;
    if (got == 0)
        return fatal(r, f, FAULT_INTERCHANGE_END,
                     "The file ends inside a transaction set: SE, GE and IEA are missing.");
    r->state = ENDED;
    return -1;
}

/* Whether the segment belongs to the envelope, other than SE; it is looked at again then. */
static bool ends_without_trailer(struct x12_reader *r)
{
    switch (segment_key(r->segment.id)) {
    case KEY2('S', 'T'):
    case KEY2('G', 'S'):
    case KEY2('G', 'E'):
    case KEY3('I', 'S', 'A'):
    case KEY3('I', 'E', 'A'): r->pending = true; return true;
    default: return false;
    }
}

static bool at_trailer(const struct x12_reader *r)
{
    return segment_key(r->segment.id) == KEY2('S', 'E');
}

static int close_set(struct x12_reader *r, struct reading *reading, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    reading->check.trailer = s->id;
    check_close(&reading->check);
    size_t position = reading->check.position;
    unsigned long count;
    if (!parse_count(element(s, 1), &count) || count != position)
        set_fault(r, f, FAULT_SET_COUNT, position,
                  arena_printf(f->arena, "SE01 counts %s segments; there are %zu with ST and SE.",
                               plain(f, element(s, 1)), position));
    if (!slice_equal(element(s, 2), r->header.set_control))
        set_fault(r, f, FAULT_SET_CONTROL, position,
                  arena_printf(f->arena, "SE02 is %s, but ST02 is %s; they must be the same control number.",
                               plain(f, element(s, 2)), plain(f, r->header.set_control)));
    return check_envelope(r, s, r->header.set, r->header.set_control, f);
}

static int pass_over_set(struct x12_reader *r, struct findings *f)
{
    do {
        if (next_segment(r, f) < 0)
            return -1;
    } while (!at_trailer(r) && !ends_without_trailer(r));
    return 2;
}

static int read_set(struct x12_reader *r, const struct set *set, struct node **out, struct findings *f)
{
    unsigned before = f->errors;
    struct reading reading;
    reading_open(&reading, &r->lexer.text, r->dictionary, set, false, f, &r->faults);
    reading.check.label[0] = r->header.set;
    reading.check.label[1] = r->header.set_control;
    reading.root = node_new(f->arena, NODE_OBJECT, slice_of(set->id));
    reading.root->at = (uint32_t)r->segment.at;
    reading.check.walk.levels[0].node = reading.root;
    check_envelope(r, &r->segment, r->header.set, r->header.set_control, f);
    for (;;) {
        if (next_segment(r, f) < 0)
            return -1;
        if (reading_again(&reading, &r->segment))
            continue;
        if (at_trailer(r))
            break;
        if (ends_without_trailer(r)) {
            set_fault(r, f, FAULT_SET_TRAILER, reading.check.position + 1,
                      "The set has no SE: another envelope segment stands where it is due.");
            return 2;
        }
        reading_segment(&reading, &r->segment);
    }
    close_set(r, &reading, f);
    if (f->errors > before)
        return 2;
    *out = reading.root;
    return 1;
}

static const struct set *known_set(const struct x12_reader *r, struct slice id)
{
    char text[8];
    if (id.len >= sizeof text || memchr(id.ptr, '\0', id.len))
        return NULL;
    memcpy(text, id.ptr, id.len);
    text[id.len] = '\0';
    return dictionary_set(r->dictionary, text);
}

static int open_set(struct x12_reader *r, struct node **out, struct findings *f)
{
    struct x12_header *h = &r->header;
    r->sets++;
    h->set = element(&r->segment, 1);
    h->set_control = element(&r->segment, 2);
    if (!r->dictionary) { /* told at the group's begin: it is no matter of each set, nor of its sender */
        struct fault fault = {.kind = FAULT_GROUP_VERSION,
                              .severity = SEVERITY_ERROR,
                              .segment = 1,
                              .segment_id = r->segment.id,
                              .reference = "",
                              .loop = ""};
        struct findings untold = {.arena = f->arena};
        fault_keep(&r->faults, &untold, &fault);
        f->errors++;
        return pass_over_set(r, f);
    }
    const struct set *set = known_set(r, h->set);
    if (!set) {
        set_fault(r, f, FAULT_SET_UNKNOWN, 1,
                  arena_printf(f->arena, "There is no transaction set %s in dictionary %s.", plain(f, h->set),
                               r->dictionary->version));
        return pass_over_set(r, f);
    }
    unsigned before = f->errors;
    if (!slice_is(h->functional_id, set->functional_group))
        set_fault(r, f, FAULT_SET_HEADER, 1,
                  arena_printf(f->arena, "Set %s belongs into a functional group %s; GS01 says %s.", set->id,
                               set->functional_group, plain(f, h->functional_id)));
    int result = read_set(r, set, out, f);
    if (result != 1 || f->errors == before)
        return result;
    *out = NULL;
    return 2;
}

/* ---- walking ---- */

/* Makes the next segment the one at hand: 1, 0 at a proper end, -1. */
static int advance(struct x12_reader *r, struct findings *f)
{
    if (r->pending) {
        r->pending = false;
        return 1;
    }
    if (r->state == OUTSIDE && r->interchanges && edi_lexer_more(&r->lexer) &&
        x12_lexer_interchange(&r->lexer, f))
        return -1;
    int got = edi_lexer_next(&r->lexer, &r->segment, f);
    if (got == 0 && r->state != OUTSIDE) {
        r->segment.id = slice_make("", 0);
        return fatal(r, f, FAULT_INTERCHANGE_END,
                     r->state == IN_GROUP ? "The file ends inside a functional group: GE and IEA are missing."
                                          : "The file ends inside the interchange: IEA is missing.");
    }
    return got;
}

static int misplaced(struct x12_reader *r, struct findings *f)
{
    static const char *const due[] = {"ISA", "GS or IEA", "ST or GE"};
    uint32_t key = segment_key(r->segment.id);
    bool outer = key == KEY3('I', 'E', 'A') || key == KEY3('I', 'S', 'A') || key == KEY2('G', 'S');
    return fatal(r, f, r->state == IN_GROUP && outer ? FAULT_GROUP_TRAILER : FAULT_INTERCHANGE_STRUCTURE,
                 arena_printf(f->arena, "Segment %s cannot stand here; %s is due.", plain(f, r->segment.id),
                              due[r->state]));
}

/* One segment of the envelope: 0 to go on, or what x12_reader_next returns. */
static int envelope_step(struct x12_reader *r, struct node **set, struct findings *f)
{
    uint32_t key = segment_key(r->segment.id);
    if (r->state == OUTSIDE && key == KEY3('I', 'S', 'A'))
        return open_interchange(r, f);
    if (r->state == IN_INTERCHANGE && key == KEY2('G', 'S'))
        return open_group(r, f);
    if (r->state == IN_INTERCHANGE && key == KEY3('I', 'E', 'A'))
        return envelope_segment(r, &r->segment, f) ? -1 : close_interchange(r, f);
    if (r->state == IN_INTERCHANGE &&
        (key == KEY3('T', 'A', '1') || key == KEY3('T', 'A', '3') || key == KEY3('I', 'S', 'B') ||
         key == KEY3('I', 'S', 'E'))) /* interchange acknowledgments, and grades of service */
        return envelope_segment(r, &r->segment, f);
    if (r->state == IN_GROUP && key == KEY2('S', 'T'))
        return open_set(r, set, f);
    if (r->state == IN_GROUP && key == KEY2('G', 'E'))
        return envelope_segment(r, &r->segment, f) ? -1 : close_group(r, f);
    return misplaced(r, f);
}

int x12_reader_step(struct x12_reader *r, struct x12_header *h, struct node **set, struct findings *f)
{
    *set = NULL;
    r->faults = (struct faults){NULL, NULL, 0};
    while (r->state != ENDED) {
        int got = advance(r, f);
        if (got <= 0) {
            r->state = ENDED;
            return got;
        }
        int result = envelope_step(r, set, f);
        *h = r->header;
        if (result)
            return result;
    }
    return 0;
}

int x12_reader_next(struct x12_reader *r, struct x12_header *h, struct node **set, struct findings *f)
{
    arena_reset(f->arena);
    *f = (struct findings){.arena = f->arena, .limit = f->limit};
    return x12_reader_step(r, h, set, f);
}
