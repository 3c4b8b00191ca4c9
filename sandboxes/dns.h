/* SPDX-License-Identifier: Apache-2.0
 * dns: one question read, one answer written: what is needed to say to a step which names there are. Pure functions on bytes from
 * anybody. Private to sandboxes/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_NAME_SIZE = 1024,		/* of a name as text: 255 bytes, each of which may need four characters */
	DNS_MESSAGE_MAX = 1232,		/* what is read, and the largest answer: fits every path without fragments */
	DNS_ANSWER_MIN = 12 + 255 + 4,	/* room for an answer without addresses */
};
enum dns_type { DNS_A = 1, DNS_AAAA = 28 };
enum dns_code { DNS_OK = 0, DNS_FORMAT_ERROR = 1, DNS_SERVER_FAILURE = 2, DNS_NO_SUCH_NAME = 3, DNS_REFUSED = 5 };

struct dns_question {
	uint16_t id, flags;		/* flags: as they came */
	uint16_t type, class;
	size_t len;			/* of header and question: the answer starts with them */
	char name[DNS_NAME_SIZE];	/* without the dot at the end, "." for the root; dots, backslashes and odd bytes in a label as \DDD */
};

/* One standard query with one question. false: it is none, and gets no answer. */
bool dns_parse(const unsigned char *message, size_t len, struct dns_question *ret);

/* "A", "AAAA", "TXT" …, or "TYPE64". */
const char *dns_type_to_string(uint16_t type, char room[16]);

/* The answer to a question from dns_parse(): `message` is what was parsed. `n` addresses of four bytes (A) or 16 (AAAA), one after the other,
 * as many as fit; 0 for none. Returns its length, 0 if `size` is too small even for the question. */
size_t dns_answer(const unsigned char *message, const struct dns_question *question, enum dns_code code, const void *addresses,
		  size_t n, uint32_t ttl_s, unsigned char *out, size_t size);
