/* http_tally: what is counted of requests: how long they took, what came of them, and until when the other
 * side's certificate is good. */
#ifndef SPOOLGATE_NET_HTTP_TALLY_H
#define SPOOLGATE_NET_HTTP_TALLY_H

#include "net/http.h"
#include <curl/curl.h>

void http_tally_request(const struct http_exchange *x);
/* From each handshake of that handle. Verification stays libcurl's. */
void http_tally_certificates(CURL *easy);

#endif
