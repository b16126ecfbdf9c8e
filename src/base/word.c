/* word: see word.h. */
#include "base/word.h"
#include <ctype.h>
#include <string.h>

/* Edits from one word to the other, counting a swap of neighbours as one (optimal string alignment). */
static size_t word_distance(const char *a, const char *b)
{
    enum { ROOM = 64 };
    size_t n = strlen(a), m = strlen(b), row[3][ROOM];
    if (n >= ROOM || m >= ROOM)
        return ROOM;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            char x = (char)tolower((unsigned char)a[i - 1]), y = (char)tolower((unsigned char)b[j - 1]);
            size_t best = before[j - 1] + (x != y);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2; /* "usge" is usage, "pool" is not group */
    for (; words && *words; words++) {
        size_t d = word_distance(word, *words);
        if (d < least) {
            least = d;
            best = *words;
        }
    }
    return best;
}
