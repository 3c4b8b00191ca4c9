/* SPDX-License-Identifier: Apache-2.0
 * event_line: what a line of events.ndjson is about, learnt while its bytes pass in pieces of any size, and its text unescaped piece by piece: a
 * line never has to be in memory. Private to event_stream.c and its tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is the beginning of a line. */
struct event_line {
	/* facts: members of the object itself, not of what is in it */
	char type[24], stream[8], phase[12];	/* "" when it has none, or none that is a plain word */
	unsigned int step;
	uint64_t text_at, text_end;	/* where the inside of its string "text" is, counted from the line's beginning; equal: none */

	/* state of the reader */
	uint64_t at;
	uint32_t depth;
	bool in_string, escaped, in_value;
	uint8_t key;			/* of the member that is being read */
	uint8_t word_len;
	char word[24];			/* what is in quotes, as far as it fits */
};
void event_line_feed(struct event_line *l, const char *bytes, size_t len);	/* without the newline */

/* The inside of a JSON string as bytes. Takes of `in` what it can (*ret_used): an escape that is cut off by its end waits for more of it unless
 * this is the `last`, and one that has no room in `out` waits, too (it needs 4). What is no escape becomes U+FFFD. Returns the bytes written. */
size_t event_text_decode(const char *in, size_t len, bool last, char *out, size_t max, size_t *ret_used);
