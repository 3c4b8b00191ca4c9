/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/nearest.h"

#include <string.h>

#define WORD_MAX 64	/* longer words are not compared */

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits from a to b: insert, delete, replace, swap two neighbours. Three rows of the matrix are enough. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= blen; j++)
		before[j] = last[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			char x = fold(a[i - 1]), y = fold(b[j - 1]);

			now[j] = smaller(last[j - 1] + (x != y), smaller(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && x == fold(b[j - 2]) && fold(a[i - 2]) == y)
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[blen];
}

const char *nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t wlen = strnlen(word, WORD_MAX + 1), best = WORD_MAX;
	const char *found = NULL;

	if (!wlen || wlen > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t clen = candidates[i] ? strnlen(candidates[i], WORD_MAX + 1) : WORD_MAX + 1;
		size_t longer = wlen > clen ? wlen : clen;
		size_t d;

		/* the difference in length is the least number of edits */
		if (clen > WORD_MAX || 3 * (longer - smaller(wlen, clen)) > longer)
			continue;
		d = distance(word, wlen, candidates[i], clen);
		if (3 * d <= longer && d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
