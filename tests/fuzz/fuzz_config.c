/* fuzz_config: any bytes as spoolgate.conf and, behind a line "----", as a partner's file. What loads is
 * checked against the maps; every mistake has a place and a sentence. */
#include "fuzz.h"
#include "map/map.h"
#include "route/config.h"

static void look_up(const struct config *c)
{
    for (const struct partner *p = c->partners; p; p = p->next)
        if (config_partner(c, p->id) == NULL)
            abort();
    for (const struct endpoint_config *e = c->endpoints; e; e = e->next)
        if (config_endpoint(c, e->name) == NULL)
            abort();
    config_partner_by_erp(c, SLICE("50001"));
    config_route(c, "visma", "purchaseorder-1.json");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *directories[2];
    static struct map_library *maps;
    static char path[128];
    static int folder;
    struct arena a = {0};
    struct findings f = {.arena = &a};
    if (!maps) {
        directories[0] = fuzz_source("translators");
        maps = map_library_open(directories);
        folder = open(fuzz_folder(), O_RDONLY | O_DIRECTORY);
        snprintf(path, sizeof path, "%s/spoolgate.conf", fuzz_folder());
        if (folder < 0 || file_make_directories(folder, "partners.d", 0700))
            abort();
    }
    struct slice rest = slice_make((const char *)data, size), first = fuzz_part(&rest);
    if (file_write(folder, "spoolgate.conf", first, 0600, false) ||
        file_write(folder, "partners.d/partner.conf", rest, 0600, false))
        abort();
    struct config *c = config_load(path, &f);
    if (!c && !f.errors)
        abort();
    if (c) {
        look_up(c);
        config_check(c, maps, &f);
    }
    for (const struct finding *i = f.first; i; i = i->next)
        if (!*i->what || !*i->code)
            abort();
    config_free(c);
    arena_free(&a);
    return 0;
}
