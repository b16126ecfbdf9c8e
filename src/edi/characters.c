#include "edi/characters.h"
#include <string.h>

static const struct {
    const char *identifier, *name;
} sets[] = {{"UNOA", NULL},         {"UNOB", NULL},         {"UNOC", "ISO-8859-1"}, {"UNOD", "ISO-8859-2"},
            {"UNOE", "ISO-8859-5"}, {"UNOF", "ISO-8859-7"}, {"UNOG", "ISO-8859-3"}, {"UNOH", "ISO-8859-4"},
            {"UNOI", "ISO-8859-6"}, {"UNOJ", "ISO-8859-8"}, {"UNOK", "ISO-8859-9"}, {"UNOL", "ISO-8859-15"},
            {"UNOW", NULL},         {"UNOY", NULL}};

#define NOT_OPEN ((iconv_t)-1)

bool characters_open(struct characters *c, struct slice identifier)
{
    *c = (struct characters){.in = NOT_OPEN, .out = NOT_OPEN};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (slice_is(identifier, sets[i].identifier)) {
            c->identifier = sets[i].identifier;
            c->name = sets[i].name;
            return true;
        }
    return false;
}

void characters_close(struct characters *c)
{
    if (c->in != NOT_OPEN)
        iconv_close(c->in);
    if (c->out != NOT_OPEN)
        iconv_close(c->out);
    c->in = c->out = NOT_OPEN;
}

/* A character of an 8-bit set has at most three bytes in UTF-8. */
static struct slice convert(iconv_t how, struct slice from, struct arena *a)
{
    size_t room = from.len * 3 + 4, left = from.len;
    char *out = arena_alloc(a, room), *to = out, *in = (char *)(uintptr_t)from.ptr;
    iconv(how, NULL, NULL, NULL, NULL);
    if (iconv(how, &in, &left, &to, &room) != 0 || left)
        return SLICE_NONE;
    return slice_make(out, (size_t)(to - out));
}

struct slice characters_in(struct characters *c, struct slice bytes, struct arena *a)
{
    if (!c->name)
        return bytes;
    if (c->in == NOT_OPEN && (c->in = iconv_open("UTF-8", c->name)) == NOT_OPEN)
        return SLICE_NONE;
    return convert(c->in, bytes, a);
}

/* ISO 9735, annex A. The delimiters are among them, and are released. */
static bool has_all(const struct characters *c, struct slice s)
{
    static const char level_a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-()/='+:?!\"%&*;<>",
                      small[] = "abcdefghijklmnopqrstuvwxyz";
    bool a = !strcmp(c->identifier, "UNOA"), b = !strcmp(c->identifier, "UNOB");
    for (size_t i = 0; (a || b) && i < s.len; i++)
        if (!s.ptr[i] || (!strchr(level_a, s.ptr[i]) && (a || !strchr(small, s.ptr[i]))))
            return false;
    return true;
}

struct slice characters_out(struct characters *c, struct slice utf8, struct arena *a)
{
    if (!has_all(c, utf8))
        return SLICE_NONE;
    if (!c->name)
        return utf8;
    if (c->out == NOT_OPEN && (c->out = iconv_open(c->name, "UTF-8")) == NOT_OPEN)
        return SLICE_NONE;
    return convert(c->out, utf8, a);
}
