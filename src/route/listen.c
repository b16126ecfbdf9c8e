/* listen: see listen.h. */
#include "route/listen.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What stands before the port, without the brackets of IPv6; *port what stands behind the colon, "" when
 * nothing. */
static bool split(const char *text, char host[64], const char **port)
{
    const char *end = *text == '[' ? strchr(text, ']') : strchr(text, ':');
    const char *begin = *text == '[' ? text + 1 : text;
    if (!end && *text == '[')
        return false;
    size_t len = end ? (size_t)(end - begin) : strlen(begin);
    const char *behind = end ? end + (*text == '[') : "";
    if (len == 0 || len >= 64 || (*behind && *behind != ':'))
        return false;
    memcpy(host, begin, len);
    host[len] = '\0';
    *port = *behind ? behind + 1 : "";
    return true;
}

static bool loopback(const char *host, bool six, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *long_one = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (six) {
        long_one->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, host, &long_one->sin6_addr) == 1 &&
               IN6_IS_ADDR_LOOPBACK(&long_one->sin6_addr);
    }
    four->sin_family = AF_INET;
    if (!strcasecmp(host, "localhost"))
        host = "127.0.0.1";
    return inet_pton(AF_INET, host, &four->sin_addr) == 1 && ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

bool listen_is_loopback(const char *text)
{
    struct sockaddr_storage ignored;
    char host[64];
    const char *port;
    return split(text, host, &port) && loopback(host, *text == '[', &ignored);
}

bool listen_address(const char *text, struct sockaddr_storage *out)
{
    char host[64], *end;
    const char *port;
    if (!split(text, host, &port) || !loopback(host, *text == '[', out) || *port < '1' || *port > '9')
        return false;
    long number = strtol(port, &end, 10);
    if (*end || number > 65535)
        return false;
    if (out->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)out)->sin6_port = htons((uint16_t)number);
    else
        ((struct sockaddr_in *)out)->sin_port = htons((uint16_t)number);
    return true;
}
