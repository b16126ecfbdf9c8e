/* backoff: see backoff.h. Full jitter: waits are spread over the whole span, so that many that failed
 * together do not come back together. */
#include "net/backoff.h"
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define DAY 86400

int64_t backoff_milliseconds(unsigned tries, int64_t base_ms, int64_t cap_ms)
{
    if (base_ms <= 0 || cap_ms <= 0)
        return 0;
    int64_t span = base_ms < cap_ms ? base_ms : cap_ms;
    for (unsigned i = 0; i < tries && span < cap_ms; i++)
        span = span > cap_ms / 2 ? cap_ms : span * 2;
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return span;
    return (int64_t)(random % (uint64_t)span);
}

int64_t retry_after_seconds(const char *value, int64_t now)
{
    while (value && (*value == ' ' || *value == '\t'))
        value++;
    if (!value || !*value)
        return -1;
    if (isdigit((unsigned char)*value)) {
        size_t digits = strspn(value, "0123456789");
        if (value[digits + strspn(value + digits, " \t\r\n")])
            return -1;
        long long seconds = digits > 9 ? DAY : strtoll(value, NULL, 10);
        return seconds > DAY ? DAY : seconds;
    }
    time_t then = curl_getdate(value, NULL);
    if (then == (time_t)-1)
        return -1;
    int64_t seconds = (int64_t)then - now;
    return seconds < 0 ? 0 : seconds > DAY ? DAY : seconds;
}
