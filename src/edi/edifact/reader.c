/* reader: an interchange message by message; see edifact.h. Wrong messages are answered with 2 and passed
 * over up to their UNT; a wrong envelope ends the reading with -1, since nothing behind it can be trusted.
 * ISO 9735 and its part 1 of version 4. */
#include "edi/characters.h"
#include "edi/edifact/edifact.h"
#include "edi/reading.h"
#include <stdio.h>
#include <stdlib.h>

enum state { OUTSIDE, IN_INTERCHANGE, IN_GROUP, ENDED };

struct edifact_reader {
    struct dictionary_library *library;
    const struct dictionary *service;    /* segments of the envelope, by syntax version */
    const struct dictionary *dictionary; /* of the message at hand */
    struct edi_lexer lexer;
    struct characters characters;
    struct edifact_header header;
    enum state state;
    bool pending; /* segment is still to be looked at */
    unsigned long interchanges, groups, messages, messages_in_group;
    struct faults faults;
    struct edi_segment segment;
    char missing[16]; /* the directory that was told to be missing */
};

#define KEY(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

struct edifact_reader *edifact_reader_open(struct dictionary_library *l, struct slice input,
                                           struct findings *f)
{
    struct edifact_reader *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->library = l;
    characters_open(&r->characters, SLICE("UNOA"));
    if (edifact_lexer_open(&r->lexer, input, f)) {
        free(r);
        return NULL;
    }
    return r;
}

void edifact_reader_close(struct edifact_reader *r)
{
    if (r)
        characters_close(&r->characters);
    free(r);
}

const struct faults *edifact_reader_faults(const struct edifact_reader *r)
{
    return &r->faults;
}

/* ---- what the segments of the envelope hold ---- */

static struct slice element(const struct edi_segment *s, unsigned n)
{
    return n <= s->count ? s->elements[n - 1] : slice_make("", 0);
}

static struct slice component(const struct edifact_reader *r, const struct edi_segment *s, unsigned n,
                              unsigned k)
{
    struct slice rest = element(s, n);
    for (;;) {
        const char *at = rest.len ? memchr(rest.ptr, r->lexer.text.delimiters.component, rest.len) : NULL;
        if (k == 1)
            return slice_make(rest.ptr, at ? (size_t)(at - rest.ptr) : rest.len);
        if (!at)
            return slice_make("", 0);
        rest = slice_make(at + 1, rest.len - (size_t)(at + 1 - rest.ptr));
        k--;
    }
}

static const char *plain(struct findings *f, struct slice s)
{
    return fault_plain(f->arena, s);
}

static int fatal(struct edifact_reader *r, struct findings *f, enum fault_kind kind, const char *what)
{
    struct fault fault = {
        .kind = kind, .severity = SEVERITY_ERROR, .segment_id = r->segment.id, .reference = "", .loop = ""};
    fault_add(&r->faults, f, &standard_edifact, &fault,
              arena_printf(f->arena, "interchange %s, segment %zu of the file, %s",
                           plain(f, r->header.interchange_reference), r->lexer.number,
                           plain(f, r->segment.id)),
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

/* A segment of the envelope against the service directory; -1 when it is wrong. */
static int check_envelope(struct edifact_reader *r, struct slice label, struct slice number,
                          struct findings *f)
{
    if (!r->service)
        return 0;
    struct reading reading;
    unsigned before = f->errors;
    reading_open(&reading, &r->lexer.text, r->service, NULL, false, f, &r->faults);
    reading.check.label[0] = label;
    reading.check.label[1] = number;
    reading.check.position = r->segment.number;
    reading.check.lenient =
        LENIENT_VALUES; /* who it is from and which message it is can be read all the same */
    reading_envelope(&reading, &r->segment);
    return f->errors > before ? -1 : 0;
}

static int envelope_segment(struct edifact_reader *r, struct findings *f)
{
    if (check_envelope(r, SLICE("interchange"), r->header.interchange_reference, f) == 0)
        return 0;
    r->state = ENDED;
    return -1;
}

/* ---- interchange and groups ---- */

static int open_interchange(struct edifact_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    struct slice version = component(r, s, 1, 2), flag;
    r->groups = r->messages = 0;
    r->interchanges++;
    r->header = (struct edifact_header){.delimiters = r->lexer.text.delimiters,
                                        .syntax = component(r, s, 1, 1),
                                        .syntax_version = version.len == 1 ? version.ptr[0] : '\0',
                                        .sender_id = component(r, s, 2, 1),
                                        .sender_qualifier = component(r, s, 2, 2),
                                        .recipient_id = component(r, s, 3, 1),
                                        .recipient_qualifier = component(r, s, 3, 2),
                                        .interchange_reference = element(s, 5),
                                        .application_reference = element(s, 7)};
    flag = element(s, 9);
    r->header.wants_acknowledgment = slice_is(flag, "1");
    flag = element(s, 11);
    r->header.test = slice_is(flag, "1");
    if (r->header.syntax_version < '1' || r->header.syntax_version > '4')
        return fatal(
            r, f, FAULT_INTERCHANGE_HEADER,
            arena_printf(f->arena, "The syntax version in UNB is %s; there are 1 to 4.", plain(f, version)));
    characters_close(&r->characters);
    if (!characters_open(&r->characters, r->header.syntax))
        return fatal(
            r, f, FAULT_INTERCHANGE_HEADER,
            arena_printf(f->arena,
                         "The syntax identifier in UNB is %s; there are UNOA to UNOL, UNOW and UNOY.",
                         plain(f, r->header.syntax)));
    /* letters beyond ASCII in UNOA and UNOB are the sender's fault, seen daily, and meant as Latin 1 */
    if (!r->characters.name && (slice_is(r->header.syntax, "UNOA") || slice_is(r->header.syntax, "UNOB")))
        r->characters.name = "ISO-8859-1";
    r->lexer.text.characters = &r->characters;
    r->service = dictionary_load_of(r->library, &standard_edifact,
                                    arena_printf(f->arena, "service/%c", r->header.syntax_version), f);
    if (f->machine) {
        r->state = ENDED;
        return -1;
    }
    r->state = IN_INTERCHANGE;
    return envelope_segment(r, f);
}

static int close_interchange(struct edifact_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    unsigned long count, there = r->groups ? r->groups : r->messages;
    if (envelope_segment(r, f))
        return -1;
    if (!parse_count(element(s, 1), &count) || count != there)
        return fatal(r, f, FAULT_INTERCHANGE_COUNT,
                     arena_printf(f->arena, "UNZ counts %s %s; there are %lu.", plain(f, element(s, 1)),
                                  r->groups ? "groups" : "messages", there));
    if (!slice_equal(element(s, 2), r->header.interchange_reference))
        return fatal(r, f, FAULT_INTERCHANGE_CONTROL,
                     arena_printf(f->arena, "The reference in UNZ is %s, in UNB %s; they must be the same.",
                                  plain(f, element(s, 2)), plain(f, r->header.interchange_reference)));
    r->state = OUTSIDE;
    return 0;
}

static int open_group(struct edifact_reader *r, struct findings *f)
{
    if (r->messages && !r->groups)
        return fatal(r, f, FAULT_INTERCHANGE_STRUCTURE,
                     "An interchange has groups or messages without groups, not both.");
    r->groups++;
    r->messages_in_group = 0;
    r->header.group_reference = element(&r->segment, 5);
    r->state = IN_GROUP;
    return envelope_segment(r, f);
}

static int close_group(struct edifact_reader *r, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    unsigned long count;
    if (envelope_segment(r, f))
        return -1;
    if (!parse_count(element(s, 1), &count) || count != r->messages_in_group)
        return fatal(r, f, FAULT_GROUP_COUNT,
                     arena_printf(f->arena, "UNE counts %s messages; there are %lu.", plain(f, element(s, 1)),
                                  r->messages_in_group));
    if (!slice_equal(element(s, 2), r->header.group_reference))
        return fatal(r, f, FAULT_GROUP_CONTROL,
                     arena_printf(f->arena, "The reference in UNE is %s, in UNG %s; they must be the same.",
                                  plain(f, element(s, 2)), plain(f, r->header.group_reference)));
    r->state = IN_INTERCHANGE;
    return 0;
}

/* ---- messages ---- */

static void message_fault(struct edifact_reader *r, struct findings *f, enum fault_kind kind, size_t position,
                          const char *what)
{
    struct fault fault = {.kind = kind,
                          .severity = SEVERITY_ERROR,
                          .segment = position,
                          .segment_id = r->segment.id,
                          .reference = "",
                          .loop = ""};
    fault_add(&r->faults, f, &standard_edifact, &fault,
              arena_printf(f->arena, "%s %s, segment %zu, %s", plain(f, r->header.message),
                           plain(f, r->header.message_reference), position, plain(f, r->segment.id)),
              "The sender has to correct it and send it again.", "%s", what);
    finding_place(f, r->segment.at, 0, 0);
}

static int next_segment(struct edifact_reader *r, struct findings *f)
{
    int got = edi_lexer_next(&r->lexer, &r->segment, f);
    if (__builtin_expect(got > 0, 1))
        return 1;
    if (got == 0)
        return fatal(r, f, FAULT_INTERCHANGE_END, "The file ends inside a message: UNT and UNZ are missing.");
    r->state = ENDED;
    return -1;
}

static bool at_trailer(const struct edifact_reader *r)
{
    return segment_key(r->segment.id) == KEY('U', 'N', 'T');
}

static bool ends_without_trailer(struct edifact_reader *r)
{
    switch (segment_key(r->segment.id)) {
    case KEY('U', 'N', 'H'):
    case KEY('U', 'N', 'E'):
    case KEY('U', 'N', 'G'):
    case KEY('U', 'N', 'B'):
    case KEY('U', 'N', 'Z'): r->pending = true; return true;
    default: return false;
    }
}

static int pass_over(struct edifact_reader *r, struct findings *f)
{
    do {
        if (next_segment(r, f) < 0)
            return -1;
    } while (!at_trailer(r) && !ends_without_trailer(r));
    return 2;
}

static void close_message(struct edifact_reader *r, struct reading *reading, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    unsigned long count;
    reading->check.trailer = s->id;
    check_close(&reading->check);
    size_t position = reading->check.position;
    if (!parse_count(element(s, 1), &count) || count != position)
        message_fault(r, f, FAULT_SET_COUNT, position,
                      arena_printf(f->arena, "UNT counts %s segments; there are %zu with UNH and UNT.",
                                   plain(f, element(s, 1)), position));
    if (!slice_equal(element(s, 2), r->header.message_reference))
        message_fault(r, f, FAULT_SET_CONTROL, position,
                      arena_printf(f->arena, "The reference in UNT is %s, in UNH %s; they must be the same.",
                                   plain(f, element(s, 2)), plain(f, r->header.message_reference)));
    check_envelope(r, r->header.message, r->header.message_reference, f);
}

static int read_message(struct edifact_reader *r, const struct set *set, struct node **out,
                        struct findings *f)
{
    unsigned before = f->errors;
    struct reading reading;
    reading_open(&reading, &r->lexer.text, r->dictionary, set, false, f, &r->faults);
    reading.check.label[0] = r->header.message;
    reading.check.label[1] = r->header.message_reference;
    reading.root = node_new(f->arena, NODE_OBJECT, slice_of(set->id));
    reading.root->at = (uint32_t)r->segment.at;
    reading.check.walk.levels[0].node = reading.root;
    for (;;) {
        if (next_segment(r, f) < 0)
            return -1;
        if (reading_again(&reading, &r->segment))
            continue;
        if (at_trailer(r))
            break;
        if (ends_without_trailer(r)) {
            message_fault(r, f, FAULT_SET_TRAILER, reading.check.position + 1,
                          "The message has no UNT: another segment of the envelope stands where it is due.");
            return 2;
        }
        reading_segment(&reading, &r->segment);
    }
    close_message(r, &reading, f);
    if (f->errors > before)
        return 2;
    *out = reading.root;
    return 1;
}

/* The directory of the message: by S009, or the service directory for CONTRL. NULL: told. */
static const struct dictionary *directory_of(struct edifact_reader *r, struct findings *f)
{
    const struct edifact_header *h = &r->header;
    char name[16];
    if (slice_is(h->message, "CONTRL"))
        return r->service;
    if (h->version.len + h->release.len >= sizeof name)
        snprintf(name, sizeof name, "?");
    else
        snprintf(name, sizeof name, "%.*s%.*s", SLICE_ARG(h->version), SLICE_ARG(h->release));
    if (!strcmp(name, r->missing))
        return NULL;
    const struct dictionary *d = dictionary_load_of(r->library, &standard_edifact, name, f);
    if (!d)
        snprintf(r->missing, sizeof r->missing, "%s", name);
    return d;
}

static const struct set *set_of(const struct edifact_reader *r)
{
    char name[8];
    if (r->header.message.len >= sizeof name || memchr(r->header.message.ptr, '\0', r->header.message.len))
        return NULL;
    memcpy(name, r->header.message.ptr, r->header.message.len);
    name[r->header.message.len] = '\0';
    return dictionary_set(r->dictionary, name);
}

static int open_message(struct edifact_reader *r, struct node **out, struct findings *f)
{
    const struct edi_segment *s = &r->segment;
    struct edifact_header *h = &r->header;
    unsigned before = f->errors;
    r->messages++;
    r->messages_in_group++;
    h->message_reference = element(s, 1);
    h->message = component(r, s, 2, 1);
    h->version = component(r, s, 2, 2);
    h->release = component(r, s, 2, 3);
    h->agency = component(r, s, 2, 4);
    h->association = component(r, s, 2, 5);
    check_envelope(r, h->message, h->message_reference, f);
    r->dictionary = directory_of(r, f);
    if (f->machine) {
        r->state = ENDED;
        return -1;
    }
    const struct set *set = r->dictionary ? set_of(r) : NULL;
    if (!set) {
        message_fault(r, f, r->dictionary ? FAULT_SET_UNKNOWN : FAULT_GROUP_VERSION, 1,
                      r->dictionary
                          ? arena_printf(f->arena, "There is no message %s in directory %s.",
                                         plain(f, h->message), r->dictionary->version)
                          : arena_printf(f->arena,
                                         "The message is of directory %s.%s, which has no dictionary here.",
                                         plain(f, h->version), plain(f, h->release)));
        return pass_over(r, f);
    }
    int result = read_message(r, set, out, f);
    if (result != 1 || f->errors == before)
        return result;
    *out = NULL;
    return 2;
}

/* ---- walking ---- */

/* Makes the next segment the one at hand: 1, 0 at a proper end, -1. */
static int advance(struct edifact_reader *r, struct findings *f)
{
    if (r->pending) {
        r->pending = false;
        return 1;
    }
    if (r->state == OUTSIDE && r->interchanges && edi_lexer_more(&r->lexer) &&
        edifact_lexer_interchange(&r->lexer, f))
        return -1;
    int got = edi_lexer_next(&r->lexer, &r->segment, f);
    if (got == 0 && r->state != OUTSIDE) {
        r->segment.id = slice_make("", 0);
        return fatal(r, f, FAULT_INTERCHANGE_END,
                     r->state == IN_GROUP ? "The file ends inside a group: UNE and UNZ are missing."
                                          : "The file ends inside the interchange: UNZ is missing.");
    }
    return got;
}

static int misplaced(struct edifact_reader *r, struct findings *f)
{
    static const char *const due[] = {"UNB", "UNG, UNH or UNZ", "UNH or UNE"};
    return fatal(r, f, r->state == IN_GROUP ? FAULT_GROUP_TRAILER : FAULT_INTERCHANGE_STRUCTURE,
                 arena_printf(f->arena, "Segment %s cannot stand here; %s is due.", plain(f, r->segment.id),
                              due[r->state]));
}

/* One segment of the envelope: 0 to go on, or what edifact_reader_next returns. */
static int envelope_step(struct edifact_reader *r, struct node **message, struct findings *f)
{
    uint32_t key = segment_key(r->segment.id);
    if (r->state == OUTSIDE && key == KEY('U', 'N', 'B'))
        return open_interchange(r, f);
    if (r->state == IN_INTERCHANGE && key == KEY('U', 'N', 'G'))
        return open_group(r, f);
    if (r->state == IN_INTERCHANGE && key == KEY('U', 'N', 'Z'))
        return close_interchange(r, f);
    if (r->state == IN_GROUP && key == KEY('U', 'N', 'E'))
        return close_group(r, f);
    if (key == KEY('U', 'N', 'H') && (r->state == IN_GROUP || (r->state == IN_INTERCHANGE && !r->groups)))
        return open_message(r, message, f);
    return misplaced(r, f);
}

int edifact_reader_step(struct edifact_reader *r, struct edifact_header *h, struct node **message,
                        struct findings *f)
{
    *message = NULL;
    r->faults = (struct faults){NULL, NULL, 0};
    while (r->state != ENDED) {
        int got = advance(r, f);
        if (got <= 0) {
            r->state = ENDED;
            return got;
        }
        int result = envelope_step(r, message, f);
        *h = r->header;
        if (result)
            return result;
    }
    return 0;
}

int edifact_reader_next(struct edifact_reader *r, struct edifact_header *h, struct node **message,
                        struct findings *f)
{
    arena_reset(f->arena);
    *f = (struct findings){.arena = f->arena, .limit = f->limit};
    return edifact_reader_step(r, h, message, f);
}
