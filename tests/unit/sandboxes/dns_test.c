/* SPDX-License-Identifier: Apache-2.0
 * dns: names as text, what is no question, answers with and without addresses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "runner/base/mem.h"
#include "sandboxes/dns.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

static void test_questions(void **state)
{
	static const struct { const char *bytes; size_t len; const char *name; uint16_t type;	/* NULL: no question */
	} rows[] = {
#define ROW(bytes) bytes, sizeof(bytes) - 1
		{ ROW(HEAD "\7example\3org\0\0\1\0\1"), "example.org", 1 },
		{ ROW(HEAD "\0\0\2\0\1"), ".", 2 },
		{ ROW(HEAD "\3a.b\2\0\\\0\0\34\0\1"), "a\\046b.\\000\\092", 28 },
		{ ROW(HEAD "\7example\3org\0\0\1\0\1 and more"), "example.org", 1 },
		{ ROW(HEAD "\7example\3org\0\0\1\0"), NULL, 0 },		/* cut */
		{ ROW(HEAD "\7example\3org"), NULL, 0 },			/* no end */
		{ ROW(HEAD "\xc0\x0c\0\1\0\1"), NULL, 0 },			/* points to itself */
		{ ROW(HEAD "\x40" "abc\0\0\1\0\1"), NULL, 0 },			/* label of another kind */
		{ ROW("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\1a\0\0\1\0\1"), NULL, 0 },	/* an answer */
		{ ROW("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00\1a\0\0\1\0\1"), NULL, 0 },	/* an update */
		{ ROW("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\1a\0\0\1\0\1"), NULL, 0 },	/* two questions */
		{ ROW("\x12\x34"), NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_question q;
		bool is = dns_parse((const unsigned char *)rows[i].bytes, rows[i].len, &q);

		assert_int_equal(is, rows[i].name != NULL);
		if (is) {
			assert_string_equal(q.name, rows[i].name);
			assert_int_equal(q.type, rows[i].type);
			assert_int_equal(q.id, 0x1234);
		}
	}
}

static void test_names_have_a_limit(void **state)
{
	unsigned char message[DNS_MESSAGE_MAX] = HEAD;
	struct dns_question q;

	(void)state;
	for (size_t labels = 1; labels < 200; labels++) {	/* of one letter: 127 of them and the end are 255 bytes */
		unsigned char *p = message + 12;

		for (size_t i = 0; i < labels; i++) {
			*p++ = 1;
			*p++ = 'a';
		}
		memcpy(p, "\0\0\1\0\1", 5);
		assert_int_equal(dns_parse(message, 12 + 2 * labels + 5, &q), labels <= 127);
	}
}

static void test_answers(void **state)
{
	static const unsigned char question[] = HEAD "\1a\0\0\1\0\1";
	static const unsigned char refused[] = "\x12\x34\x81\x85\x00\x01\x00\x00\x00\x00\x00\x00\1a\0\0\1\0\1";
	static const unsigned char two[] = "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\1a\0\0\1\0\1"
					   "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\1\2\3" "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\1\2\4";
	unsigned char out[DNS_MESSAGE_MAX];
	struct dns_question q;

	(void)state;
	assert_true(dns_parse(question, sizeof(question) - 1, &q));
	assert_int_equal(dns_answer(question, &q, DNS_REFUSED, NULL, 0, 0, out, sizeof(out)), sizeof(refused) - 1);
	assert_memory_equal(out, refused, sizeof(refused) - 1);
	assert_int_equal(dns_answer(question, &q, DNS_OK, "\x7f\1\2\3\x7f\1\2\4", 2, 60, out, sizeof(out)), sizeof(two) - 1);
	assert_memory_equal(out, two, sizeof(two) - 1);
	/* room for one: it says that there is more */
	assert_int_equal(dns_answer(question, &q, DNS_OK, "\x7f\1\2\3\x7f\1\2\4", 2, 60, out, sizeof(two) - 2), sizeof(two) - 17);
	assert_int_equal(out[2], 0x83);
	assert_int_equal(out[7], 1);
	assert_int_equal(dns_answer(question, &q, DNS_OK, NULL, 0, 60, out, sizeof(question) - 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_names_have_a_limit),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
