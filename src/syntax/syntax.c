/* syntax: the table of syntaxes. A new one is a file and a line here. */
#include "syntax/syntax.h"

const struct syntax *syntax_find(const char *name)
{
    static const struct syntax *const all[] = {&syntax_json, &syntax_x12, &syntax_x12json};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    return NULL;
}
