/* parse: the lines of a map (statement.h). One pass, line by line; a line that is wrong is told with its
 * column and passed over, so that one look shows all mistakes. */
#include "map/statement.h"

#define BLOCK_DEPTH 8

struct parser {
    struct map_library *library;
    struct arena *arena;
    struct findings *findings;
    const char *file;
    const char *begin, *p, *end; /* of the line */
    int line;
    bool wrong; /* this line */
    bool failed;
};

void statement_fault(struct findings *f, struct spot spot, const char *code, const char *todo,
                     const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = arena_vprintf(f->arena, format, ap);
    va_end(ap);
    char *where = arena_printf(f->arena, "%s:%d:%d", spot.file, spot.line, spot.column);
    finding_add(f, SEVERITY_ERROR, code, where, todo, "%s", what);
}

static struct spot spot_at(const struct parser *s, const char *p)
{
    return (struct spot){s->file, s->line, (int)(p - s->begin) + 1};
}

static void fault(struct parser *s, const char *at, const char *todo, const char *what)
{
    if (!s->wrong)
        statement_fault(s->findings, spot_at(s, at), "map.syntax", todo, "%s", what);
    s->wrong = s->failed = true;
}

static void blanks(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
    if (s->p < s->end && *s->p == '#')
        s->p = s->end;
}

static bool at_end(struct parser *s)
{
    blanks(s);
    return s->p == s->end;
}

static bool take(struct parser *s, const char *text)
{
    size_t len = strlen(text);
    blanks(s);
    if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
        return false;
    s->p += len;
    return true;
}

static bool word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-./", c) ||
           (unsigned char)c >= 0x80;
}

/* A run of letters, digits and _ - . / ; empty when there is none. */
static struct slice word(struct parser *s)
{
    blanks(s);
    const char *begin = s->p;
    while (s->p < s->end && *s->p && word_byte(*s->p) &&
           !(*s->p == '-' && s->p + 1 < s->end && s->p[1] == '>'))
        s->p++;
    return slice_make(begin, (size_t)(s->p - begin));
}

static struct slice peek_word(struct parser *s)
{
    struct slice w = word(s);
    s->p = w.ptr;
    return w;
}

static bool take_word(struct parser *s, const char *text)
{
    if (!slice_is(peek_word(s), text))
        return false;
    word(s);
    return true;
}

/* "…" with \" and \\. */
static struct slice quoted(struct parser *s)
{
    const char *open = s->p++;
    char *text = arena_alloc(s->arena, (size_t)(s->end - open) + 1), *q = text;
    while (s->p < s->end && *s->p != '"') {
        s->p += *s->p == '\\' && s->p + 1 < s->end;
        *q++ = *s->p++;
    }
    *q = '\0';
    if (s->p == s->end)
        fault(s, open, "Close it with a double quote in the same line.", "The text in quotes has no end.");
    else
        s->p++;
    return slice_make(text, (size_t)(q - text));
}

/* A place: up to white space or an operator, but what is in brackets or quotes belongs to it. */
static struct slice place(struct parser *s)
{
    const char *begin = s->p;
    char close = 0;
    for (; s->p < s->end; s->p++) {
        char c = *s->p;
        if (close) {
            close = c == close ? 0 : close;
        } else if (c == '[' || c == '"') {
            close = c == '[' ? ']' : '"';
        } else if (c == '{' && (s->p == begin || s->p[-1] == ' ' || s->p[-1] == '\t')) {
            break;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == ':' || c == '=' || c == '#' || c == '<') {
            break;
        } else if (c == '-' && s->p + 1 < s->end && s->p[1] == '>') {
            break;
        }
    }
    if (close)
        fault(s, begin, close == ']' ? "Close it with ]." : "Close it with a double quote.",
              "A bracket or quote in this place has no end.");
    return slice_make(begin, (size_t)(s->p - begin));
}

/* ---- conditions ---- */

static bool ends_values(struct slice w)
{
    static const char *const words[] = {"and",  "or", "required", "default", "cut",
                                        "when", "as", "number",   "text"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(w, words[i]))
            return true;
    return false;
}

static struct values *condition_values(struct parser *s)
{
    struct values *first = NULL, **link = &first;
    while (!at_end(s) && *s->p != '{') {
        struct slice text;
        if (*s->p == '"') {
            text = quoted(s);
        } else {
            if (ends_values(peek_word(s)))
                break;
            text = word(s);
            if (!text.len) {
                fault(s, s->p, "Put values with other characters into double quotes.",
                      "A value is expected here.");
                break;
            }
        }
        *link = arena_zero(s->arena, sizeof **link);
        (*link)->text = text;
        link = &(*link)->next;
    }
    return first;
}

static struct condition_text *conditions(struct parser *s)
{
    struct condition_text *first = NULL, **link = &first;
    do {
        struct condition_text *c = *link = arena_zero(s->arena, sizeof *c);
        link = &c->next;
        bool absent = take_word(s, "not");
        blanks(s);
        c->spot = spot_at(s, s->p);
        c->path = s->p < s->end && *s->p != '{' ? place(s) : SLICE_NONE;
        if (!c->path.len) {
            fault(s, s->p, "Write e.g. \"when code\" or \"when kind in standard blanket\".",
                  "A condition needs the name of a value.");
            return first;
        }
        bool negated = !absent && take_word(s, "not"),
             listed = !absent && (take_word(s, "in") || take_word(s, "is"));
        c->negated = absent || negated;
        if (negated || listed) {
            const char *at = s->p;
            c->values = condition_values(s);
            if (!c->values)
                fault(s, at, "Name at least one value.", "The condition compares with nothing.");
        }
        blanks(s);
        const char *at = s->p;
        if (take_word(s, "or") && !(c->or_missing = c->values && take_word(s, "missing")))
            fault(s, at,
                  "Write e.g. \"hold not true or missing\"; other values stand one behind the other, and a "
                  "value \"or\" in quotes.",
                  "Behind the values of a condition \"or\" goes with \"missing\" only.");
    } while (take_word(s, "and"));
    return first;
}

/* ---- lines ---- */

static void attributes(struct parser *s, struct statement *t)
{
    while (!s->wrong && !at_end(s) && *s->p != '{') {
        const char *at = s->p;
        struct slice w = word(s);
        if (slice_is(w, "as")) {
            blanks(s);
            t->table_spot = spot_at(s, s->p);
            t->table = word(s);
            if (!t->table.len)
                fault(s, s->p, "Name a table: as x12-unit.", "\"as\" needs the name of a code table.");
            if (take_word(s, "if") && !(t->if_known = take_word(s, "known")))
                fault(s, s->p, "Write as TABLE if known.", "\"known\" is expected behind \"if\".");
        } else if (slice_is(w, "required")) {
            t->required = true;
        } else if (slice_is(w, "when")) {
            t->when = conditions(s);
        } else if (slice_is(w, "default")) {
            blanks(s);
            t->has_default = true;
            if (s->p < s->end && *s->p == '"')
                t->otherwise = quoted(s);
            else
                fault(s, s->p, "Write it in double quotes: default \"EA\".", "\"default\" needs a value.");
        } else if (slice_is(w, "cut")) {
            t->cut = true;
            struct slice n = peek_word(s);
            for (size_t i = 0; i < n.len && n.ptr[i] >= '0' && n.ptr[i] <= '9' && t->cut_length < 100000; i++)
                t->cut_length = t->cut_length * 10 + (unsigned)(n.ptr[i] - '0');
            if (t->cut_length)
                word(s);
        } else if (slice_is(w, "number") || slice_is(w, "text")) {
            t->form = w.ptr[0];
        } else {
            fault(s, at,
                  "Known here: as TABLE, required, when …, default \"…\", cut, number, text, and { to open a "
                  "block.",
                  arena_printf(s->arena, "\"%.*s\" is not understood here.",
                               w.len ? (int)w.len : (int)(s->end - at < 20 ? s->end - at : 20), at));
        }
    }
}

/* Behind the operator: what our side is. */
static void right_side(struct parser *s, struct statement *t)
{
    blanks(s);
    t->right_spot = spot_at(s, s->p);
    if (s->p == s->end || *s->p == '{') {
        fault(s, s->p, "Name a member of the canonical document.", "The right side is missing.");
        return;
    }
    if (*s->p == '"' || *s->p == '$') {
        fault(s, s->p,
              "Write PLACE = \"value\" or PLACE = $name; a value that reading gives: \"value\" -> path.",
              "A constant or variable cannot stand behind : -> or <-.");
        return;
    }
    struct slice text = place(s);
    const char *open = memchr(text.ptr, '(', text.len);
    t->right = SIDE_PATH;
    if (open && text.ptr[text.len - 1] == ')') {
        struct slice function = slice_make(text.ptr, (size_t)(open - text.ptr));
        t->right = slice_is(function, "count") ? SIDE_COUNT
                   : slice_is(function, "sum") ? SIDE_SUM
                                               : SIDE_NONE;
        text = slice_make(open + 1, text.len - function.len - 2);
        if (t->right == SIDE_NONE)
            fault(s, function.ptr, "Known are count(list) and sum(list.member).",
                  "There is no such function.");
        if (t->direction == DIRECTION_READ)
            fault(s, function.ptr, "Use it in lines that write.", "What is counted cannot be read into.");
        t->direction = DIRECTION_WRITE;
    }
    if (text.len >= 2 && slice_ends(text, SLICE("[]"))) {
        t->each = true;
        text.len -= 2;
    }
    t->right_text = text;
}

static void constant_side(struct parser *s, struct statement *t)
{
    blanks(s);
    t->right_spot = spot_at(s, s->p);
    t->direction = DIRECTION_WRITE;
    if (s->p < s->end && *s->p == '"') {
        t->right = SIDE_CONSTANT;
        t->right_text = quoted(s);
    } else if (take(s, "$")) {
        t->right = SIDE_VARIABLE;
        t->right_text = word(s);
    }
    if (!t->right_text.len)
        fault(s, s->p, "Write PLACE = \"value\" or PLACE = $name; a member of ours stands behind a colon.",
              "A constant in double quotes or a $variable is expected behind =.");
}

static void operator_and_right(struct parser *s, struct statement *t)
{
    const char *at = s->p;
    blanks(s);
    if (take(s, "->") || take(s, "<-")) {
        t->direction = s->p[-1] == '>' ? DIRECTION_READ : DIRECTION_WRITE;
        right_side(s, t);
    } else if (take(s, ":")) {
        right_side(s, t);
    } else if (take(s, "=")) {
        constant_side(s, t);
    } else if (take_word(s, "none")) {
        t->kind = STATEMENT_REMOVE;
        if (!at_end(s))
            fault(s, s->p, "Write only PLACE none.", "Nothing can stand behind none.");
        return;
    } else if (s->p == s->end || *s->p != '{') {
        fault(s, at < s->end ? s->p : at, "Write PLACE : path, PLACE = \"constant\", PLACE none, or PLACE {.",
              "One of : = -> <- none { is expected behind the place.");
        return;
    }
    attributes(s, t);
}

static struct statement *read_line(struct parser *s, bool *opens)
{
    struct statement *t = arena_zero(s->arena, sizeof *t);
    t->spot = t->right_spot = spot_at(s, s->p);
    t->direction = DIRECTION_BOTH;
    const char *begin = s->p;
    if (take_word(s, "only")) {
        if (take_word(s, "when")) {
            t->kind = STATEMENT_ONLY;
            t->when = conditions(s);
            if (!at_end(s))
                fault(s, s->p, "Put values with other characters into double quotes.",
                      "This is not understood here.");
            return t;
        }
        s->p = begin; /* a member of that name */
    }
    bool quote = *s->p == '"';
    if (quote) { /* a constant, unless it is the beginning of a quoted member name */
        t->left_text = quoted(s);
        const char *behind = s->p;
        t->left = SIDE_CONSTANT;
        if (!take(s, "->")) {
            s->p = begin;
            quote = false;
        } else {
            s->p = behind;
        }
    } else if (*s->p == '$') {
        s->p++;
        t->left = SIDE_VARIABLE;
        t->left_text = word(s);
    }
    if (!quote && t->left != SIDE_VARIABLE) {
        t->left = SIDE_PLACE;
        t->left_text = place(s);
        if (!t->left_text.len)
            fault(s, s->p, "Begin the line with a place, e.g. BEG03 or supplier.number.",
                  "A place is expected here.");
    }
    if (!s->wrong)
        operator_and_right(s, t);
    if (!s->wrong && t->left != SIDE_PLACE && t->direction != DIRECTION_READ)
        fault(s, begin, "Write \"value\" -> path.",
              "A constant or variable on the left can only be read into ours: use ->.");
    if (!s->wrong && take(s, "{")) {
        *opens = true;
        if (t->left != SIDE_PLACE || t->right > SIDE_PATH || (t->right && t->right != SIDE_PATH) ||
            t->table.ptr || t->has_default || t->required || t->cut || t->form)
            fault(s, begin, "Write PLACE : path {, or PLACE {.", "This line cannot open a block.");
        t->kind = STATEMENT_BLOCK;
        if (!at_end(s))
            fault(s, s->p, "Begin a new line behind {.", "A block's lines stand in lines of their own.");
    } else if (!s->wrong && t->each) {
        fault(s, begin, "Open a block: lines[] : lines[] {.", "A list can only be gone through by a block.");
    }
    return t;
}

/* ---- header ---- */

static bool header_line(struct parser *s, struct map_text *m)
{
    const char *p = s->p, *arrow = NULL;
    for (; p + 1 < s->end && !arrow && *p != '"' && *p != ':' && *p != '='; p++)
        if ((p[0] == '<' && p[1] == '-') || (p[0] == '-' && p[1] == '>'))
            arrow = p;
    m->spot = spot_at(s, s->p);
    struct slice syntax = word(s), set = word(s);
    blanks(s);
    if (!arrow || !syntax.len || s->p != arrow) {
        fault(
            s, m->spot.column ? s->begin + m->spot.column - 1 : s->p,
            "Begin with e.g. \"x12 850 <-> order\", \"json purchase-order -> order\" or \"extends x12/850\".",
            "The first line must say what the map translates.");
        return false;
    }
    m->direction = take(s, "<->") ? DIRECTION_BOTH : take(s, "->") ? DIRECTION_READ : DIRECTION_WRITE;
    if (m->direction == DIRECTION_WRITE)
        take(s, "<-");
    m->syntax = arena_text(s->arena, syntax);
    m->set = arena_text(s->arena, set);
    m->canonical = arena_text(s->arena, word(s));
    if (!*m->canonical || !at_end(s))
        fault(s, s->p, "Write one type, e.g. order.",
              "The canonical document type is expected behind the arrow.");
    return true;
}

static bool directive(struct parser *s, struct map_text *m, bool first)
{
    const char *begin = s->p;
    bool extends = take_word(s, "extends"), version = !extends && take_word(s, "version");
    if (!extends && !version)
        return false;
    blanks(s);
    if (s->p < s->end && strchr(":=<-{", *s->p) && *s->p != '\0') { /* a member of that name */
        s->p = begin;
        return false;
    }
    struct spot spot = spot_at(s, s->p);
    struct slice w = word(s);
    if (!w.len || !at_end(s)) {
        fault(s, s->p, extends ? "Write e.g. extends x12/850." : "Write e.g. version 004010.",
              "A name is expected here.");
        return true;
    }
    if (extends && (m->extends || (!first && m->first)))
        fault(s, begin, "Put it at the top, once.", "\"extends\" must come before all other lines.");
    if (extends) {
        m->extends = arena_text(s->arena, w);
        m->extends_spot = spot;
    } else {
        m->version = arena_text(s->arena, w);
    }
    return true;
}

/* Whether a line that could not be read opens a block: what follows then is inside. */
static bool ends_open(const struct parser *s)
{
    char close = 0, last = 0;
    for (const char *p = s->begin; p < s->end; p++) {
        if (close)
            close = *p == close ? 0 : close;
        else if (*p == '#')
            break;
        else if (*p == '"' || *p == '[')
            close = *p == '[' ? ']' : '"';
        if (*p != ' ' && *p != '\t' && *p != '\r')
            last = *p;
    }
    return last == '{';
}

struct nesting {
    struct statement *open[BLOCK_DEPTH];
    struct spot begun[BLOCK_DEPTH];
    unsigned depth, beyond; /* beyond: blocks deeper than there may be */
};

static void close_block(struct parser *s, struct nesting *n)
{
    if (!at_end(s))
        fault(s, s->p, "Begin a new line behind }.", "Nothing can stand behind }.");
    else if (!n->depth)
        fault(s, s->p - 1, "Remove it.", "No block is open here.");
    if (n->beyond)
        n->beyond--;
    else if (n->depth)
        n->depth--;
}

static void add_statement(struct map_text *m, const struct nesting *n, struct statement *t)
{
    struct statement **link = n->depth ? &n->open[n->depth - 1]->first : &m->first;
    struct statement **last = n->depth ? &n->open[n->depth - 1]->last : &m->last;
    if (*last)
        (*last)->next = t;
    else
        *link = t;
    *last = t;
}

/* A wrong line is left out, with all that is inside when it opens a block; its lines are read all the same.
 */
static void body_line(struct parser *s, struct map_text *m, struct nesting *n)
{
    bool opens = false;
    struct statement *t = read_line(s, &opens);
    if (s->wrong)
        opens = ends_open(s);
    else
        add_statement(m, n, t);
    if (!opens)
        return;
    if (n->depth == BLOCK_DEPTH) {
        if (!n->beyond++)
            fault(s, s->begin, "Use fewer blocks inside each other.",
                  "Blocks lie deeper in each other than 8.");
        return;
    }
    n->begun[n->depth] = t->spot;
    n->open[n->depth++] = t;
}

static bool next_line(struct parser *s, const char *end)
{
    const char *p = s->end ? s->end + (s->end < end) : s->begin;
    if (p >= end)
        return false;
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    s->begin = s->p = p;
    s->end = newline ? newline : end;
    s->line++;
    s->wrong = false;
    return true;
}

struct map_text *statement_parse(struct map_library *l, const struct library_file *file, struct findings *f)
{
    struct parser s = {.library = l, .arena = &l->arena, .findings = f, .file = file->path};
    struct map_text *m = arena_zero(s.arena, sizeof *m);
    struct nesting nesting = {.depth = 0};
    const char *end = file->text.ptr + file->text.len;
    bool header = false, headless = false;
    m->file = file->path;
    m->set = "";
    s.begin = file->text.ptr;
    if (file->text.len >= 3 && memcmp(s.begin, "\xef\xbb\xbf", 3) == 0)
        s.begin += 3;
    while (next_line(&s, end)) {
        if (memchr(s.begin, '\0', (size_t)(s.end - s.begin)))
            fault(&s, s.begin, "Save it as plain text.", "The line holds a zero byte.");
        if (s.wrong || at_end(&s) || directive(&s, m, !header))
            continue;
        if (!header && (!m->extends || memmem(s.p, (size_t)(s.end - s.p), "<->", 3))) {
            header = true;
            headless = !header_line(&s, m) || s.wrong;
            continue;
        }
        header = true;
        if (take(&s, "}"))
            close_block(&s, &nesting);
        else
            body_line(&s, m, &nesting);
    }
    if (nesting.depth) {
        statement_fault(f, nesting.begun[nesting.depth - 1], "map.syntax",
                        "Close it with } in a line of its own.", "This block has no end.");
        s.failed = true;
    } else if (!s.failed && !m->syntax && !m->extends) {
        statement_fault(f, (struct spot){file->path, 1, 1}, "map.syntax",
                        "Begin with e.g. \"x12 850 <-> order\".", "The map is empty.");
        s.failed = true;
    }
    m->wrong = s.failed;
    if (headless)
        m->syntax = NULL;
    return m->syntax || m->extends ? m : NULL;
}
