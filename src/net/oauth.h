/* oauth: client-credentials tokens (RFC 6749 4.4), cached encrypted in state, renewed ahead of expiry, once
 * on a 401. */
#ifndef SPOOLGATE_NET_OAUTH_H
#define SPOOLGATE_NET_OAUTH_H

#include "net/http.h"
#include "net/secrets.h"
#include "state/state.h"

struct oauth_client {
    const char *name; /* of the cached token: endpoint's name */
    const char *token_url;
    const char *client_id;
    const char *client_secret_name; /* in secrets */
    const char *scope;              /* blank-separated or NULL */
    const char *extra;              /* further form fields, encoded, e.g. "tenant_id=…" or NULL */
    int early_seconds;              /* renew so long before expiry; 0: 60 */
};

enum oauth_result {
    OAUTH_OK,
    OAUTH_REFUSED /* permanent: findings say what to do */,
    OAUTH_LATER /* network, 5xx, 429 */
};

/* The bearer token into out, an empty buffer (wiped by the caller with buffer_wipe). Fetches when none is
 * cached or it is about to expire; one about to expire still serves when no new one is to be had for the
 * moment. */
enum oauth_result oauth_token(const struct oauth_client *c, struct http *h, struct secrets *secrets,
                              struct state *st, struct buffer *out, struct findings *f);
/* The same with a token that is asked for now, whatever is cached: whether the credentials are good today.
 * One that is cached stays when none is given. *life: seconds it is good for. */
enum oauth_result oauth_token_anew(const struct oauth_client *c, struct http *h, struct secrets *secrets,
                                   struct state *st, struct buffer *out, int64_t *life, struct findings *f);
/* Seconds until the cached token expires; -1 when there is none. */
int64_t oauth_expires_in(const struct oauth_client *c, struct state *st);
/* After a 401: the cached one is no good. */
void oauth_forget(const struct oauth_client *c, struct state *st);
void buffer_wipe(struct buffer *b);

#endif
