/* url: the addresses of vendors' APIs, taken apart by libcurl's URL parser. */
#ifndef SPOOLGATE_ADAPTER_URL_H
#define SPOOLGATE_ADAPTER_URL_H

#include "base/finding.h"

/* For a sentence: what may be a user and password stands as "…". */
const char *url_shown(const char *url, struct arena *a);
/* Whether a configured base URL can be used: https, or http to this machine; no user, query or fragment in
 * it. */
bool url_usable(const char *url, const char **why);
/* Scheme, host and port are the same: only then may a request with our key go there. */
bool url_same_origin(const char *a, const char *b);
/* base without slashes at its end, then path ("/v1/…", already encoded), in arena. */
char *url_below(struct arena *a, const char *base, const char *path);
/* Adds "?name=value" or "&name=value" with value percent-encoded. */
void url_query(struct buffer *url, const char *name, const char *value);

#endif
