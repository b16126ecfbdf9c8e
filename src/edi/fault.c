/* fault: see fault.h. The code numbers are those of X12 004010 (997: data elements 716, 718, 720, 723; TA1:
 * I18); what the standard has no number for carries the nearest one. */
#include "edi/fault.h"
#include "base/utf8.h"

#define SHOWN_CHARACTERS 40

static const struct fault_word words[FAULT_KINDS] = {
    [FAULT_NONE] = {"none", FAULT_AT_SET, ""},
    [FAULT_ELEMENT_MISSING] = {"element.missing", FAULT_AT_ELEMENT, "1"},
    [FAULT_CONDITION_MISSING] = {"element.condition", FAULT_AT_ELEMENT, "2"},
    [FAULT_TOO_MANY_ELEMENTS] = {"element.too-many", FAULT_AT_ELEMENT, "3"},
    [FAULT_TOO_SHORT] = {"element.too-short", FAULT_AT_ELEMENT, "4"},
    [FAULT_TOO_LONG] = {"element.too-long", FAULT_AT_ELEMENT, "5"},
    [FAULT_CHARACTER] = {"element.character", FAULT_AT_ELEMENT, "6"},
    [FAULT_CODE] = {"element.code", FAULT_AT_ELEMENT, "7"},
    [FAULT_DATE] = {"element.date", FAULT_AT_ELEMENT, "8"},
    [FAULT_TIME] = {"element.time", FAULT_AT_ELEMENT, "9"},
    [FAULT_EXCLUSIVE] = {"element.exclusive", FAULT_AT_ELEMENT, "10"},
    [FAULT_TOO_MANY_REPEATS] = {"element.repeats", FAULT_AT_ELEMENT, "3"},
    [FAULT_TOO_MANY_COMPONENTS] = {"element.components", FAULT_AT_ELEMENT, "3"},
    [FAULT_BLANK] = {"element.blank", FAULT_AT_ELEMENT, "6"},
    [FAULT_DELIMITER] = {"element.delimiter", FAULT_AT_ELEMENT, "6"},
    [FAULT_SEGMENT_UNKNOWN] = {"segment.unknown", FAULT_AT_SEGMENT, "1"},
    [FAULT_SEGMENT_UNEXPECTED] = {"segment.unexpected", FAULT_AT_SEGMENT, "2"},
    [FAULT_SEGMENT_MISSING] = {"segment.missing", FAULT_AT_SEGMENT, "3"},
    [FAULT_LOOP_REPEATS] = {"loop.repeats", FAULT_AT_SEGMENT, "4"},
    [FAULT_SEGMENT_REPEATS] = {"segment.repeats", FAULT_AT_SEGMENT, "5"},
    [FAULT_SEGMENT_NOT_IN_SET] = {"segment.not-in-set", FAULT_AT_SEGMENT, "6"},
    [FAULT_SEGMENT_ORDER] = {"segment.order", FAULT_AT_SEGMENT, "7"},
    [FAULT_SEGMENT_NESTING] = {"segment.nesting", FAULT_AT_SEGMENT, "7"},
    [FAULT_SET_UNKNOWN] = {"set.unknown", FAULT_AT_SET, "1"},
    [FAULT_SET_TRAILER] = {"set.trailer", FAULT_AT_SET, "2"},
    [FAULT_SET_CONTROL] = {"set.control-number", FAULT_AT_SET, "3"},
    [FAULT_SET_COUNT] = {"set.count", FAULT_AT_SET, "4"},
    [FAULT_SET_HEADER] = {"set.header", FAULT_AT_SET, "7"},
    [FAULT_SET_SIZE] = {"set.size", FAULT_AT_SET, "5"},
    [FAULT_GROUP_VERSION] = {"group.version", FAULT_AT_GROUP, "2"},
    [FAULT_GROUP_TRAILER] = {"group.trailer", FAULT_AT_GROUP, "3"},
    [FAULT_GROUP_CONTROL] = {"group.control-number", FAULT_AT_GROUP, "4"},
    [FAULT_GROUP_COUNT] = {"group.count", FAULT_AT_GROUP, "5"},
    [FAULT_INTERCHANGE_CONTROL] = {"interchange.control-number", FAULT_AT_INTERCHANGE, "001"},
    [FAULT_INTERCHANGE_COUNT] = {"interchange.count", FAULT_AT_INTERCHANGE, "021"},
    [FAULT_INTERCHANGE_STRUCTURE] = {"interchange.structure", FAULT_AT_INTERCHANGE, "022"},
    [FAULT_INTERCHANGE_END] = {"interchange.end", FAULT_AT_INTERCHANGE, "023"},
    [FAULT_INTERCHANGE_SEPARATOR] = {"interchange.separator", FAULT_AT_INTERCHANGE, "026"},
    [FAULT_INTERCHANGE_HEADER] = {"interchange.header", FAULT_AT_INTERCHANGE, "024"},
};

const struct fault_word *fault_word(enum fault_kind kind)
{
    return &words[kind];
}

static struct slice shortened(struct slice s, size_t most)
{
    return s.len > most ? slice_make(s.ptr, most) : s;
}

bool fault_keep(struct faults *faults, struct findings *f, const struct fault *fault)
{
    if (faults && faults->count++ < FAULTS_KEPT) {
        struct fault *copy = arena_alloc(f->arena, sizeof *copy);
        *copy = *fault;
        copy->next = NULL;
        copy->segment_id = arena_copy(f->arena, shortened(fault->segment_id, 10));
        copy->value = arena_copy(f->arena, shortened(fault->value, 200));
        if (faults->last)
            faults->last->next = copy;
        else
            faults->first = copy;
        faults->last = copy;
    }
    return findings_full(f, fault->severity);
}

const char *fault_code(struct arena *a, const struct edi_standard *standard, enum fault_kind kind)
{
    return arena_printf(a, "%s.%s", standard->name, words[kind].word);
}

void fault_add(struct faults *faults, struct findings *f, const struct edi_standard *standard,
               const struct fault *fault, const char *where, const char *todo, const char *what_format, ...)
{
    if (fault_keep(faults, f, fault))
        return;
    va_list ap;
    va_start(ap, what_format);
    const char *what = arena_vprintf(f->arena, what_format, ap);
    va_end(ap);
    finding_add(f, fault->severity, fault_code(f->arena, standard, fault->kind), where, todo, "%s", what);
}

const char *fault_show(struct arena *a, struct slice value)
{
    char *out = arena_alloc(a, SHOWN_CHARACTERS * 4 + 8), *at = out;
    *at++ = '"';
    for (unsigned shown = 0; value.len && shown < SHOWN_CHARACTERS; shown++) {
        size_t n = utf8_sequence(value);
        if (n == 0 || utf8_control(value, n)) {
            static const char hex[] = "0123456789ABCDEF";
            unsigned char c = (unsigned char)value.ptr[0];
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
            n = 1;
        } else {
            memcpy(at, value.ptr, n);
            at += n;
        }
        value = slice_make(value.ptr + n, value.len - n);
    }
    if (value.len) {
        memcpy(at, "...", 3);
        at += 3;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

const char *fault_plain(struct arena *a, struct slice value)
{
    bool word = value.len > 0 && value.len <= 20;
    for (size_t i = 0; word && i < value.len; i++)
        word = (unsigned char)value.ptr[i] > 0x20 && (unsigned char)value.ptr[i] < 0x7f;
    return word ? arena_text(a, value) : fault_show(a, value);
}
