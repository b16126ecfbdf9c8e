/* compile: between the files that compile a map (compile.c, frame.c, place_json.c, place_x12.c). */
#ifndef SPOOLGATE_MAP_COMPILE_H
#define SPOOLGATE_MAP_COMPILE_H

#include "map/program.h"
#include <stdlib.h>

/* What compiling works with. */
struct compiler {
    struct map *map;
    struct map_library *library;
    struct arena *arena; /* the library's */
    struct findings *findings;
    bool wrong;
};

void compile_fault(struct compiler *c, struct spot spot, const char *code, const char *todo,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- frame.c ---- */

/* Found or made below parent; qualifiers and index are part of what a frame is. block: the one it belongs to.
 * A frame that opens a block is never found: blocks are made anew. */
struct frame *frame_below(struct compiler *c, struct frame *parent, struct block *block, enum node_kind kind,
                          struct slice name, unsigned tag, int index, struct qualifier *qualifiers);
struct frame *frame_new(struct compiler *c, struct frame *parent, struct block *block, enum node_kind kind,
                        struct slice name, unsigned tag, int index, struct qualifier *qualifiers);
struct field *field_of(struct compiler *c, struct frame *frame, struct slice name, unsigned tag, int index,
                       struct slice pair);
void frames_finish(struct compiler *c);

/* ---- places: NULL with a finding ---- */

/* The field that text names in scope; made when it is not there yet. */
struct field *x12_field(struct compiler *c, struct frame *scope, struct slice text, struct spot spot);
struct field *json_field(struct compiler *c, struct frame *scope, struct slice text, struct spot spot);
/* The frame that text names in scope, made anew as block's. */
struct frame *x12_block_frame(struct compiler *c, struct block *block, struct frame *scope, struct slice text,
                              struct spot spot);
/* *each is set when it stands for each item of a list. */
struct frame *json_block_frame(struct compiler *c, struct block *block, struct frame *scope,
                               struct slice text, struct spot spot, bool *each);

#endif
