/* checking: what the parts of `spoolgate check` share. check.c reads the options, checking_edi.c looks at
 * interchanges, checking_archive.c at the archive. */
#ifndef SPOOLGATE_COMMAND_CHECKING_H
#define SPOOLGATE_COMMAND_CHECKING_H

#include "command/offline.h"
#include <jansson.h>

enum checking_form { CHECKING_TEXT, CHECKING_JSON, CHECKING_SARIF };

struct checking {
    const char *config_file, *map;
    struct offline offline;
    struct arena arena; /* of one document */
    unsigned long documents, wrong;
    unsigned long shown;
    enum checking_form form;
    json_t *results; /* of SARIF */
};

/* Findings without a place in an input. */
void checking_print(const char *file, const struct findings *f);
bool checking_is_edi(struct slice bytes);
/* An exit status. */
int checking_edi(struct checking *k, const char *file, struct slice bytes);
int checking_archive(struct checking *k, char **wanted);
/* A document that is not EDI. */
void checking_tell(struct checking *k, const char *file, struct slice bytes, const struct findings *f);
/* The end of all files: what --sarif prints. */
void checking_end(struct checking *k);

#endif
