/* program: what a map is compiled to. Private to src/map; made by compile.c and place_*.c, run by read.c and
 * write.c.
 *
 *   block   a pair of scopes: an object, loop or segment of theirs and an object of ours. The map itself is
 * the outermost. frame   an object, loop, segment or composite of theirs that lines touch. Frames form a
 * tree; a block's frames are those between its own frame and the frames of inner blocks. field   a place of
 * theirs that holds one value. line    one line of the map: a field on their side, a path on ours.
 *
 * Reading goes through a block's lines in map order and finds values by number: every frame has room in the
 * block's slots for its members or elements. Writing goes through the frames, in the standard's order for
 * X12, in map order for JSON, so that a tree comes out ready. */
#ifndef SPOOLGATE_MAP_PROGRAM_H
#define SPOOLGATE_MAP_PROGRAM_H

#include "base/decimal.h"
#include "edi/dictionary.h"
#include "map/codes.h"
#include "map/schema.h"
#include "map/statement.h"
#include "syntax/wanted.h"

struct block;
struct frame;
struct field;

enum test_kind { TEST_PRESENT, TEST_ABSENT, TEST_IN, TEST_NOT_IN };

struct test_value {
    struct slice text;
    bool is_number; /* then 0.0 is 0 */
    struct decimal number;
};

struct test { /* one condition; all of a list must hold */
    struct test *next;
    enum test_kind kind;
    unsigned value_count;
    const struct test_value *values;
    const struct field *field; /* theirs, when reading */
    struct path path;          /* ours, when field is NULL */
    const char *text;          /* as the map has it: "status" */
    bool or_missing;           /* holds also when there is no value */
    bool decides; /* what is taken at all: no value is an error, since silence would lose something */
    struct spot spot;
};

struct line {
    struct line *next;       /* in the block, in map order */
    unsigned char direction; /* enum direction */
    unsigned char left;      /* SIDE_PLACE, SIDE_CONSTANT, SIDE_VARIABLE */
    unsigned char right;     /* SIDE_PATH, SIDE_CONSTANT, SIDE_VARIABLE, SIDE_COUNT, SIDE_SUM */
    unsigned char form;      /* of what is written: NODE_STRING, NODE_NUMBER, NODE_TRUE for a boolean */
    bool if_known;           /* a code that the table lacks is no value */
    bool required;
    bool fallback;             /* an earlier line of the block has the same path */
    unsigned cut;              /* longest length in characters, 0: not cut */
    unsigned variable;         /* SIDE_VARIABLE: number in map.variables */
    struct field *field;       /* NULL when left is no place */
    struct path path;          /* ours */
    const struct codes *codes; /* NULL: none */
    const struct test *when;
    struct line *next_of_field;   /* further lines of the same place: the first with a value wins */
    struct slice constant;        /* SIDE_CONSTANT: as it is written, or the value that is read */
    struct slice otherwise;       /* default, in our form; none: no ptr */
    const struct path *item_path; /* SIDE_SUM: the member in an item of the list */
    const char *place; /* as the map has it: "REF[01=IA]02"; "\"00\"" or "$name" for constants and variables
                          that are read */
    struct spot spot;
};

struct field {
    struct field *next; /* in the frame */
    struct frame *frame;
    struct slice name; /* of a member */
    unsigned tag;      /* member or element; of a pair 0 */
    int index;         /* of an item in a member that is a list, -1 */
    struct slice pair; /* the qualifier of a qualifier/value pair, wherever it stands; none: no ptr */
    bool qualifier;    /* a frame's own: written with the frame, value in constant */
    struct slice constant;
    const struct element *element; /* X12 */
    struct line *lines;            /* that write it */
    unsigned order;                /* among the frame's */
    unsigned slot;                 /* number in the block's slots, when tag is not 0 */
    const char *text;              /* as maps have it */
};

struct part { /* of a frame, in the order of writing */
    struct field *field;
    struct frame *frame;
    unsigned rank, order;
};

struct qualifier {
    struct qualifier *next;
    unsigned tag;
    struct slice value;
};

struct frame {
    struct frame *parent; /* NULL of the map's own */
    struct frame *first_child, *last_child, *next_child;
    unsigned children;   /* frames and fields in it */
    unsigned order;      /* among its parent's */
    struct frame *next;  /* in the block: parents before children */
    struct block *block; /* the block it belongs to */
    struct block *opens; /* the block whose place it is, or NULL */
    enum node_kind kind; /* NODE_OBJECT, NODE_LOOP, NODE_SEGMENT, NODE_COMPOSITE */
    struct slice name;
    unsigned tag; /* JSON: the member; composite: the element */
    int index;    /* JSON: an item of a list, -1: none; X12: occurrence 1.., 0: any */
    bool list;    /* JSON: stands in a list */
    struct qualifier *qualifiers;
    struct field *fields, *last_field;
    struct part *parts; /* for writing */
    unsigned part_count;
    unsigned first_slot, slot_count;
    unsigned self_slot; /* JSON and composites: of this frame in its parent's slots */
    unsigned number;    /* among the block's frames */
    /* X12 */
    const struct set_item *item; /* of loops and segments */
    const struct segment *segment;
    const struct composite *composite;
    const struct set_item *contents; /* where segments named inside it are looked for */
    size_t contents_count;
    unsigned rank;
    bool mandatory, leads;          /* leads: a loop's first segment, written whenever the loop is */
    bool constant_only;             /* no line could give it a value of the document */
    const unsigned short *pair_all; /* where qualifier/value pairs can stand */
    unsigned pair_slots;
    unsigned short *pair_tags; /* those that no line fills otherwise */
    unsigned pair_count;
    /* JSON */
    struct wanted *wanted;
    const char *text; /* "N1[01=ST]" */
};

struct block {
    struct block *outer;
    struct frame *frame; /* their scope; the outermost: the whole tree */
    struct frame *frames, *last_frame;
    unsigned frame_count, slot_count;
    const struct schema_type *type; /* our scope */
    struct path path;               /* of ours in the outer block; count 0: the same object */
    bool each;                      /* over a list of ours */
    enum direction direction;
    struct line *lines, *last_line;
    struct block *first, *last, *next; /* inner ones, in map order */
    unsigned order; /* of this block among the outer block's lines: after that many lines */
    unsigned line_count;
    const struct test *only; /* looked at inside, in each instance */
    const struct test *when; /* behind the block's own line: looked at outside */
    struct spot spot;
    const char *text; /* "PO1", "lines[]" */
};

enum variable_use { VARIABLE_READ, VARIABLE_WRITTEN, VARIABLE_REQUIRED };

struct map {
    struct map *next;
    struct map_library *library;
    const char *name, *file;
    const struct syntax *syntax;
    const char *set_id;
    const char *version;
    const struct schema *schema;
    enum direction direction;
    bool x12;
    struct block top;
    struct wanted wanted; /* JSON */
    const struct dictionary *dictionary;
    const struct set *set;
    const char **variables;
    unsigned char *variable_use; /* of each: enum variable_use */
    unsigned variable_count;
    struct path type_path; /* of the member "type" */
};

const struct map *map_compile(struct map_library *l, const char *name, const struct map_text *text,
                              struct findings *f);

#endif
