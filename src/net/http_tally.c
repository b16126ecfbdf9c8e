/* http_tally: see http_tally.h. */
#include "net/http_tally.h"
#include "base/tally.h"
#include <openssl/ssl.h>
#include <stdio.h>
#include <time.h>

void http_tally_request(const struct http_exchange *x)
{
    static const char *const failed[] = {
        [HTTP_NOT_SENT] = "not-sent", [HTTP_IN_DOUBT] = "in-doubt", [HTTP_REFUSED_HERE] = "refused-here"};
    char hundreds[24];
    snprintf(hundreds, sizeof hundreds, "%ldxx", x->status / 100);
    tally_observe(
        REQUEST_SECONDS, x->seconds,
        TALLY_LABELS(tally_endpoint_name(), x->failure == HTTP_ANSWERED ? hundreds : failed[x->failure]));
}

static void handshake(const SSL *ssl, int where, int value)
{
    (void)value;
    if (!(where & SSL_CB_HANDSHAKE_DONE))
        return;
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct tm end;
    if (certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
        tally_gauge(CERTIFICATE_EXPIRY, (int64_t)timegm(&end), TALLY_LABELS(tally_endpoint_name(), host));
    X509_free(certificate);
}

static CURLcode watch(CURL *easy, void *context, void *nothing)
{
    (void)easy;
    (void)nothing;
    SSL_CTX_set_info_callback(context, handshake);
    return CURLE_OK;
}

/* Only OpenSSL's libcurl has that context; with another one nothing is known of certificates. */
void http_tally_certificates(CURL *easy)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (tally_in_use() && v->ssl_version && !strncmp(v->ssl_version, "OpenSSL/", 8))
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, watch);
}
