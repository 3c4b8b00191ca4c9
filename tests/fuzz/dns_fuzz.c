/* SPDX-License-Identifier: Apache-2.0
 * dns: any bytes are a question that is answered by a well-formed message of at most the size there is, or nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandboxes/dns.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char addresses[16 * 90];
	const size_t room = size ? data[0] * 6u : 0;
	unsigned char *out = malloc(room ? room : 1), *message;
	struct dns_question q, again;
	char type[16];
	size_t len = size ? size - 1 : 0, n;

	message = malloc(len ? len : 1);
	if (!out || !message)
		abort();
	memcpy(message, data + (size != 0), len);
	if (dns_parse(message, len, &q)) {
		check(q.len <= len && q.len <= DNS_ANSWER_MIN && strlen(q.name) > 0 && strlen(q.name) < DNS_NAME_SIZE);
		check(strspn(q.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*.\\") == strlen(q.name));
		check(dns_type_to_string(q.type, type)[0]);
		n = dns_answer(message, &q, DNS_REFUSED, addresses, room ? data[0] % 90 : 0, 60, out, room);
		check((n == 0) == (room < q.len) && n <= room);
		/* an answer is no question; but for that bit it is the same one */
		if (n) {
			unsigned char copy[2] = { out[2], out[3] };

			check((copy[0] & 0x80) && !memcmp(out, message, 2) && !memcmp(out + 12, message + 12, q.len - 12));
			check(!dns_parse(out, n, &again));
			out[2] &= 0x7f;
			check(n > DNS_MESSAGE_MAX || (dns_parse(out, n, &again) && !strcmp(again.name, q.name) && again.type == q.type));
		}
	}
	free(out);
	free(message);
	return 0;
}
