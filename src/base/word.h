/* word: which of the known words was meant: for "did you mean". */
#ifndef SPOOLGATE_BASE_WORD_H
#define SPOOLGATE_BASE_WORD_H

/* The nearest of the words (NULL-terminated), when it is near enough to be meant; else NULL. */
const char *nearest_word(const char *word, const char *const *words);

#endif
