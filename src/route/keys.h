/* keys: the tables of keys of each kind of section, and how their values become members of structs. */
#ifndef SPOOLGATE_ROUTE_KEYS_H
#define SPOOLGATE_ROUTE_KEYS_H

#include "route/sections.h"

struct loading { /* one config_load */
    struct config *config;
    struct arena *arena; /* the configuration's */
    struct findings *findings;
};

enum key_kind {
    KEY_TEXT,      /* const char * */
    KEY_PATH,      /* const char *, relative to the folder of the file it stands in */
    KEY_NUMBER,    /* int, least..most */
    KEY_YES,       /* bool: yes, no */
    KEY_CHARACTER, /* char: itself or 0xNN; "none" is 0 where least is 0 */
    KEY_CHOICE,    /* const char *, one of choices */
    KEY_WORDS,     /* const char *const *, blank-separated; NULL at the end */
    KEY_USAGE,     /* bool test: test, production */
    KEY_ELSEWHERE  /* known here, read by the caller */
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    const char *fallback; /* as it would be written; NULL: none */
    long least, most;
    const char *const *choices;
    bool required;
};

extern const struct key main_keys[], us_keys[], alerts_keys[], metrics_keys[], route_keys[], source_keys[],
    partner_keys[], sending_keys[];

/* Sets the members of base from the section's settings; unknown keys, missing ones and values that do not fit
 * are findings. Defaults are added to the section, with file NULL. */
void keys_fill(struct loading *l, struct section *s, const struct key *keys, void *base);
void setting_default(struct loading *l, struct section *s, const char *key, const char *value);
/* Line of a key, or of the section when it is not given. */
int setting_line(const struct section *s, const char *key);
/* An absolute path as it is, any other below the folder of file. */
const char *path_beside(struct loading *l, const char *path, const char *file);
/* Settings of endpoints that name a file of this machine. */
bool key_is_local_path(const char *key);

#endif
