/* config: spoolgate.conf and the files of partners.d, read with inih, checked whole before anything moves.
 * Every value remembers its file and line; every mistake is a finding that names them. docs/configuration.md
 * lists all keys. */
#ifndef SPOOLGATE_ROUTE_CONFIG_H
#define SPOOLGATE_ROUTE_CONFIG_H

#include "base/finding.h"
#include "map/map.h"

struct setting { /* key = value of an endpoint section or a partner's [variables] */
    const char *key, *value, *file;
    int line;
    struct setting *next;
};

struct endpoint_config {
    const char *name, *adapter; /* "orderful-test", "orderful" */
    struct setting *settings;   /* what the adapter understands; adapter.h names the keys it knows */
    const char *file;
    int line;
    struct endpoint_config *next;
};

struct route {                           /* what lies in inbox/<source> and which map reads it */
    const char *name, *source, *pattern; /* glob on the original file name, "*" */
    const char *map;
    const char *const *partners; /* ids of those it may hand in documents for; NULL: all */
    const char *const *types;    /* canonical types it may hand in; NULL: all */
    const struct section *section;
    const char *file;
    int line;
    struct route *next;
};

struct source_config { /* [source NAME]: a folder of inbox/ */
    const char *name;
    int after_close; /* s for which another user's file is left alone, 1 */
    const char *file;
    int line;
    struct source_config *next;
};

struct sending {      /* [send order] of a partner */
    const char *type; /* canonical: order, invoice */
    const char *form; /* syntax: "x12", "x12json", "json" */
    const char *map;  /* "x12/850" or the partner's overlay */
    const char *endpoint;
    const char *file_name;      /* pattern of the name on the other side: "{type}-{number}-{control}.x12" */
    const char *acknowledgment; /* "none", "997", "network" */
    int acknowledgment_hours;
    const struct section *section; /* as written: where a value stands */
    const char *file;
    int line;
    struct sending *next;
};

struct partner {
    const char *id, *name;   /* name: for people, default the id */
    const char *erp_ids[16]; /* numbers by which the ERP knows it */
    size_t erp_id_count;
    /* Theirs, and ours towards them (default from [us]), as they go into an interchange: with usage = test
     * the test ids where there are any. NULL when not given. */
    const char *isa_qualifier, *isa_id, *gs_id;
    const char *our_isa_qualifier, *our_isa_id, *our_gs_id;
    /* The same two by stream, for networks that tell test and live by the id. test NULL: none given. */
    const char *live_isa_id, *test_isa_id, *our_live_isa_id, *our_test_isa_id;
    const char *version; /* "004010" */
    bool test;           /* usage = test | production */
    char element_separator, component_separator, segment_terminator;
    char replacement; /* of a delimiter inside data; 0: an error instead */
    bool newline, ask_ta1;
    const char *unknown_receiver, *test_interchange; /* of what it sends us: refuse, warn */
    const char *duplicate_interchange;               /* refuse, archive, warn */
    struct map_variable *variables;
    size_t variable_count;
    struct sending *sendings;
    const struct section *section; /* as written: where a value stands */
    const char *file;
    int line;
    struct partner *next;
};

struct us { /* our own ids, where a partner's file has no others */
    const char *name, *isa_qualifier, *isa_id, *test_isa_id, *gs_id;
};

struct alerts_config { /* [alerts]; command and webhook NULL: nobody is told */
    const char *command, *webhook, *webhook_secret, *ca_file;
    int after, repeat; /* seconds; repeat 0: told once */
    int most;          /* an hour */
    int timeout;       /* seconds */
};

struct metrics_config { /* [metrics]: who gets them, besides `spoolgate metrics` */
    const char *file;   /* absolute; NULL: none */
    const char *listen; /* "127.0.0.1:9464"; NULL: none */
    int every;          /* seconds between two writings of the file */
};

struct config {
    struct arena arena;
    const char *file; /* spoolgate.conf, absolute */
    struct us us;
    struct alerts_config alerts;
    struct metrics_config metrics;
    const char *spool, *state; /* absolute paths */
    const char *translators_directory;
    const char *map_directories[8]; /* the configuration's maps/ folder, then the installed translators;
                                       NULL-terminated */
    const char *const *precedence;  /* sources; an earlier one wins a business key over a later one, and that
                                       over those that are not named. NULL: whoever comes first has it */
    const char *secrets_file, *key_file;
    int translators;        /* processes */
    int group;              /* documents a group at most, 256 */
    int settle_seconds;     /* 2 */
    int rescan_seconds;     /* 30 */
    const char *log_format; /* "text", "json" */
    struct endpoint_config *endpoints;
    struct route *routes;
    struct source_config *sources; /* those that have settings of their own */
    struct partner *partners;
    struct section *sections;  /* every file's, defaults filled in (file NULL): what `config show` prints */
    struct erp_entry *erp_ids; /* sorted */
    size_t erp_id_count;
};

/* Default file: $SPOOLGATE_CONFIG, else ./spoolgate.conf when there, else
 * SYSCONFDIR/spoolgate/spoolgate.conf. */
const char *config_default_path(void);
/* The maps and tables that came with the program: $SPOOLGATE_TRANSLATORS; else those of the source tree, when
 * the program runs from the folder where it was built; else the installed ones. */
const char *config_standard_translators(void);
/* Reads the files and checks what they say by themselves; NULL when findings holds errors. */
struct config *config_load(const char *path, struct findings *f);
/* Checks against maps and adapters: each map loads and fits (type, syntax, direction), each endpoint exists
 * and its settings are known to its adapter, each partner that sends is served by an endpoint, ids and
 * delimiters are legal. */
int config_check(const struct config *c, struct map_library *maps, struct findings *f);
/* Warns of secrets that endpoints name and nobody has set (needs the key; a warning when there is none). */
void config_check_secrets(const struct config *c, struct findings *f);
void config_free(struct config *c);

const struct endpoint_config *config_endpoint(const struct config *c, const char *name);
const char *endpoint_setting(const struct endpoint_config *e, const char *key); /* NULL when absent */
/* Its value is the name of a secret. */
bool endpoint_key_names_secret(const char *key);
/* "spoolgate.conf:12" of the endpoint's key, or of its section, into a. */
const char *endpoint_where(const struct endpoint_config *e, const char *key, struct arena *a);
/* A whole number between least and most, otherwise when absent; findings when it is not one. */
long endpoint_number(const struct endpoint_config *e, const char *key, long least, long most, long otherwise,
                     struct findings *f);
/* yes or no. */
bool endpoint_yes(const struct endpoint_config *e, const char *key, bool otherwise, struct findings *f);
const struct partner *config_partner(const struct config *c, const char *id);
const struct partner *config_partner_by_erp(const struct config *c, struct slice erp_id);
/* 1: the document of this source wins over one of the other; -1: the other way round; 0: neither. */
int config_precedence(const struct config *c, const char *source, const char *other);
bool config_outranked(const struct config *c, const char *source); /* some source wins over it */
/* Whether a list of words (NULL: anything goes) has the word. */
bool config_allows(const char *const *words, struct slice word);
/* Seconds for which another user's file in inbox/<source> is left alone behind its close. */
int config_after_close(const struct config *c, const char *source);
const struct route *config_route(const struct config *c, const char *source, const char *file_name);

#endif
