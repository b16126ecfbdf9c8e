/* json_write: see json_write.h. Control characters are escaped, those that come as two bytes (C1) too, so
 * that no terminal obeys what a partner wrote. */
#include "syntax/json_write.h"
#include "syntax/json_scan.h"

/* U+0080..U+009F: control characters, which some terminals obey. */
static bool is_c1(const char *q, const char *end)
{
    return (unsigned char)*q == 0xc2 && end - q > 1 && (unsigned char)q[1] < 0xa0;
}

static void write_text(struct slice s, struct buffer *out)
{
    static const char *const digits = "0123456789abcdef";
    const char *p = s.ptr ? s.ptr : "", *end = p + (s.ptr ? s.len : 0);
    buffer_byte(out, '"');
    for (;;) {
        const char *q = json_skip_plain(p, end);
        while (q < end && (unsigned char)*q >= 0x80 && !is_c1(q, end))
            q = json_skip_plain(q + 1, end);
        buffer_add(out, p, (size_t)(q - p));
        if (q == end)
            break;
        q += (unsigned char)*q == 0xc2; /* the second byte is the character's number */
        char escape[6] = {'\\', 'u', '0', '0', digits[(unsigned char)*q >> 4], digits[*q & 15]};
        const char *named = *q == '"'    ? "\\\""
                            : *q == '\\' ? "\\\\"
                            : *q == '\n' ? "\\n"
                            : *q == '\t' ? "\\t"
                                         : NULL;
        if (named)
            buffer_add(out, named, 2);
        else
            buffer_add(out, escape, 6);
        p = q + 1;
    }
    buffer_byte(out, '"');
}

static void write_node(const struct node *n, struct buffer *out)
{
    switch (n->kind) {
    case NODE_STRING: write_text(n->text, out); return;
    case NODE_NUMBER: buffer_slice(out, n->text); return;
    case NODE_TRUE: buffer_add(out, "true", 4); return;
    case NODE_FALSE: buffer_add(out, "false", 5); return;
    case NODE_OBJECT:
    case NODE_ARRAY:
        buffer_byte(out, n->kind == NODE_OBJECT ? '{' : '[');
        for (const struct node *c = n->first; c; c = c->next) {
            if (c != n->first)
                buffer_byte(out, ',');
            if (n->kind == NODE_OBJECT) {
                write_text(c->name, out);
                buffer_byte(out, ':');
            }
            write_node(c, out);
        }
        buffer_byte(out, n->kind == NODE_OBJECT ? '}' : ']');
        return;
    default: buffer_add(out, "null", 4);
    }
}

int json_write(const struct syntax_options *o, const struct node *tree, struct buffer *out,
               struct findings *f)
{
    (void)o;
    if (tree->kind >= NODE_LOOP) {
        finding_add(f, SEVERITY_ERROR, "json.tree", "", "Write it as x12 or x12json.",
                    "A tree of segments cannot be written as JSON.");
        return -1;
    }
    write_node(tree, out);
    return 0;
}
