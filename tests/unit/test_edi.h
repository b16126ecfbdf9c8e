/* What the tests of src/edi share: the translators' library, samples in short form, and a look at findings.
 * A sample's body is written with one segment a line; interchange_of puts ST/SE, GS/GE and ISA/IEA round it.
 */
#ifndef SPOOLGATE_TESTS_TEST_EDI_H
#define SPOOLGATE_TESTS_TEST_EDI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edi/fault.h"
#include "edi/x12/x12.h"
#include "syntax/syntax.h"
#include <stdio.h>
#include <stdlib.h>

#define ISA_TEXT                                                                                             \
    "ISA*00*          *00*          *ZZ*NORDMATBUYT    *ZZ*FJORDSELLT     "                                  \
    "*260312*0914*U*00401*000000042*0*T*>~"
#define GS_PO "GS*PO*NORDMATBUYT*FJORDSELLT*20260312*0914*42*X*004010~"
#define GS_IN "GS*IN*FJORDSELLT*NORDMATBUYT*20260321*0914*42*X*004010~"

/* An order that is right in all. */
#define ORDER                                                                                                \
    "BEG*00*SA*PO-100245**20260312\nCUR*BY*NOK\nREF*IA*50001\n"                                              \
    "PER*BD*Kari Lund*TE*+4722000001*EM*kari@nordmat.example\nITD*01*3*****30\nDTM*002*20260320\n"           \
    "N1*BY*Nordmat AS*92*NM01\nN1*ST*Nordmat Lager Troms\xc3\xb8*92*WH-OSL\nN3*Lagerveien 7*Port 4\n"        \
    "N4*Oslo**0581*NO\nN1*SE*Fjord Sj\xc3\xb8mat AS*92*50001\n"                                              \
    "PO1*1*120*EA*34.5**IN*10-2201*VN*FS-LAKS-200\nPID*F****Smoked salmon 200 g\n"                           \
    "PO1*2*15.5*KG*189**IN*10-3300*VN*FS-TORSK-1K\nPID*F****Cod fillet\nCTT*2\nAMT*TT*7069.5\n"

static inline const char *source_directory(void)
{
    const char *d = getenv("top_srcdir");
    return d ? d : ".";
}

static inline struct dictionary_library *open_library(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/translators", source_directory());
    return dictionary_library_open(path);
}

/* The segments of body, one a line, each ended by '~'; returns how many. */
static inline unsigned add_segments(struct buffer *b, const char *body)
{
    unsigned n = 0;
    for (const char *p = body; *p; p++) {
        buffer_byte(b, *p == '\n' ? '~' : *p);
        n += *p == '\n';
    }
    return n;
}

static inline void add_set(struct buffer *b, const char *id, const char *control, const char *body)
{
    buffer_printf(b, "ST*%s*%s~", id, control);
    unsigned n = add_segments(b, body);
    buffer_printf(b, "SE*%u*%s~", n + 2, control);
}

static inline void interchange_of(struct buffer *b, const char *set, const char *body)
{
    buffer_clear(b);
    buffer_text(b, ISA_TEXT);
    buffer_text(b, !strcmp(set, "810")   ? GS_IN
                   : !strcmp(set, "997") ? "GS*FA*AA*BB*20260312*0914*42*X*004010~"
                                         : GS_PO);
    add_set(b, set, "0001", body);
    buffer_text(b, "GE*1*42~IEA*1*000000042~");
}

static inline const struct finding *finding_of(const struct findings *f, const char *code)
{
    for (const struct finding *n = f->first; n; n = n->next)
        if (!strcmp(n->code, code))
            return n;
    return NULL;
}

/* The one finding must be this one; anything else is printed and fails. */
static inline void expect_only(const struct findings *f, const char *code, const char *where,
                               const char *what)
{
    const struct finding *n = finding_of(f, code);
    if (n && f->kept == 1 && strstr(n->where, where) && strstr(n->what, what))
        return;
    struct buffer b = {0};
    findings_print(f, &b);
    fail_msg("wanted only %s at \"%s\" saying \"%s\", got %u:\n%s", code, where, what, f->kept,
             b.ptr ? b.ptr : "");
}

static inline void expect_none(const struct findings *f)
{
    if (f->kept == 0)
        return;
    struct buffer b = {0};
    findings_print(f, &b);
    fail_msg("wanted no finding, got %u:\n%s", f->kept, b.ptr);
}

static const struct envelope test_envelope = {
    .delimiters = {.element = '*', .component = '>', .segment = '~'},
    .sender_qualifier = "ZZ",
    .sender_id = "NORDMATBUYT",
    .receiver_qualifier = "ZZ",
    .receiver_id = "FJORDSELLT",
    .application_sender = "NORDMATBUYT",
    .application_receiver = "FJORDSELLT",
    .version = "004010",
    .usage = 'T',
    .control_number = 42,
    .prepared = 1773306840}; /* 2026-03-12T09:14:00Z */

struct bench { /* each test's own */
    struct dictionary_library *library;
    const struct dictionary *dictionary; /* 004010 */
    struct syntax_options o;
    struct arena arena;
    struct buffer text, out, again;
    struct findings f;
};

static inline void fresh(struct bench *b)
{
    arena_reset(&b->arena);
    b->f = (struct findings){.arena = &b->arena};
    buffer_clear(&b->out);
    buffer_clear(&b->again);
    b->o.set = NULL;
}

static inline int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->library = open_library();
    b->o = (struct syntax_options){.dictionaries = b->library, .envelope = &test_envelope};
    fresh(b);
    b->dictionary = dictionary_load(b->library, "004010", &b->f);
    *state = b;
    return b->dictionary ? 0 : -1;
}

static inline int teardown(void **state)
{
    struct bench *b = *state;
    dictionary_library_close(b->library);
    arena_free(&b->arena);
    buffer_free(&b->text);
    buffer_free(&b->out);
    buffer_free(&b->again);
    free(b);
    return 0;
}

#endif
