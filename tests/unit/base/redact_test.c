/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/redact.h"

static const struct {
	const char *secrets[4];
	const char *text, *want;
	const char *comment;
} cases[] = {
	{ { "hunter22" }, "", "", "empty text" },
	{ { "hunter22" }, "nothing here", "nothing here", "no secret in it" },
	{ { "hunter22" }, "hunter22", "***", "the whole text" },
	{ { "hunter22" }, "pw=hunter22;", "pw=***;", "in the middle" },
	{ { "hunter22" }, "hunter2", "hunter2", "a beginning is none" },
	{ { "hunter22" }, "hunter2hunter22x", "hunter2***x", "a failed start before a real one" },
	{ { "hunter22" }, "hunter22hunter22", "***", "touching ones become one" },
	{ { "hunter22" }, "hunter22 hunter22", "*** ***", "two of them" },
	{ { "abcd", "cdef" }, "xabcdefy", "x***y", "overlapping: nothing of the second is left over" },
	{ { "abcdefgh", "cdef" }, "abcdefgh", "***", "nested" },
	{ { "abcdefgh", "cdef" }, "abcdefgX", "ab***gX", "only the nested one" },
	{ { "abcd", "abcdefgh" }, "abcdefg", "***efg", "the short one when the long one fails late" },
	{ { "aaaa" }, "aaaaaaa", "***", "overlaps itself" },
	{ { "aaaa" }, "aaabaaaa", "aaab***", "periodic, failed start" },
	{ { "abab" }, "xabababy", "x***y", "periodic with a tail" },
	{ { "one\ntwo2\nthree" }, "a three b two2 c one", "a *** b *** c one", "lines of 4 bytes and more, alone" },
	{ { "one\ntwo2\nthree" }, "one\ntwo2\nthree!", "***!", "all lines together" },
	{ { "four\r\nfive\r\n" }, "[four] [five]", "[***] [***]", "lines without their CR" },
	{ { "s3cr3t-token" }, "czNjcjN0LXRva2Vu", "***", "base64" },
	{ { "s3cr3t-tokens" }, "x czNjcjN0LXRva2Vucw== y", "x *** y", "base64 with its padding" },
	{ { "s3cr3t-tokens" }, "x czNjcjN0LXRva2Vucw y", "x *** y", "base64 without padding" },
	{ { "s3cr3t-tokens" }, "czNjcjN0LXRva2Vucwo=", "***o=", "echo | base64: a newline after it" },
	{ { "?\?>>~~?\?" }, "Pz8+Pn5+Pz8= Pz8-Pn5-Pz8", "*** ***", "both alphabets" },
	{ { "\xff\xfe\xfd\xfc" }, "\x01\xff\xfe\xfd\xfc\x02", "\x01***\x02", "bytes, not characters" },
};

static struct redactor *redactor_of(const char *const *secrets, size_t n)
{
	struct redactor *r = redactor_new();

	for (size_t i = 0; i < n && secrets[i]; i++)
		assert_true(redactor_add(r, secrets[i], strlen(secrets[i])));
	return r;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct redactor *r = redactor_of(cases[i].secrets, ARRAY_SIZE(cases[i].secrets));
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

		redact_text(r, cases[i].text, strlen(cases[i].text), &out);
		if (strcmp(out.buf, cases[i].want))
			fail_msg("%s: '%s' instead of '%s'", cases[i].comment, out.buf, cases[i].want);
		redactor_free(r);
	}
}

static void test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct redactor *r = redactor_of(cases[i].secrets, ARRAY_SIZE(cases[i].secrets));
		size_t len = strlen(cases[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
			struct redact_stream s;

			redact_stream_init(&s, r);
			redact_stream_feed(&s, cases[i].text, cut, &out);
			redact_stream_feed(&s, cases[i].text + cut, len - cut, &out);
			redact_stream_end(&s, &out);
			if (strcmp(out.buf, cases[i].want))
				fail_msg("%s cut at %zu: '%s'", cases[i].comment, cut, out.buf);
		}
		redactor_free(r);
	}
}

static void test_too_short(void **state)
{
	struct redactor *r = redactor_new();

	(void)state;
	assert_false(redactor_add(r, "abc", 3));
	assert_false(redactor_add(r, "", 0));
	assert_true(redactor_is_empty(r));
	assert_true(redactor_add(r, "abcd", 4));
	assert_false(redactor_is_empty(r));
	redactor_free(r);
	redactor_free(NULL);
}

static void test_no_redactor(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	redact_text(NULL, "as it is", 8, &out);
	assert_string_equal(out.buf, "as it is");
}

/* What is certain must not wait: a prompt without newline is seen at once. */
static void test_holds_back_no_more_than_needed(void **state)
{
	const char *const secrets[] = { "hunter22" };
	struct redactor *r = redactor_of(secrets, 1);
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct redact_stream s;

	(void)state;
	redact_stream_init(&s, r);
	redact_stream_feed(&s, "password: hun", 13, &out);
	assert_string_equal(out.buf, "password: ");
	redact_stream_feed(&s, "ger", 3, &out);
	assert_string_equal(out.buf, "password: hunger");
	redact_stream_feed(&s, "hunter22", 8, &out);
	redact_stream_feed(&s, "!", 1, &out);
	assert_string_equal(out.buf, "password: hunger***!");
	redact_stream_end(&s, &out);
	redactor_free(r);
}

/* Plain encoder, on purpose nothing like the one under test. */
static void encode(const unsigned char *s, size_t len, struct strbuf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long bits = 0;
	size_t n = 0, column = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | s[i];
		for (n += 8; n >= 6; n -= 6) {
			strbuf_addch(out, digits[bits >> (n - 6) & 63]);
			if (++column % 76 == 0)
				strbuf_addch(out, '\n');
		}
	}
	if (n)
		strbuf_addch(out, digits[bits << (6 - n) & 63]);
	while (n && (n += 2) <= 6)
		strbuf_addch(out, '=');
}

static void test_base64_anywhere(void **state)
{
	static const char secret[] = "correct horse battery staple";

	(void)state;
	for (size_t before = 0; before < 9; before++) {
		for (size_t after = 0; after < 4; after++) {
			autostrbuf struct strbuf plain = STRBUF_INIT(STRBUF_NO_MAX), text = STRBUF_INIT(STRBUF_NO_MAX),
				out = STRBUF_INIT(STRBUF_NO_MAX);
			const char *const secrets[] = { secret };
			struct redactor *r = redactor_of(secrets, 1);

			strbuf_add(&plain, "<<<<<<<<<", before);
			strbuf_addstr(&plain, secret);
			strbuf_add(&plain, ">>>>", after);
			encode((unsigned char *)plain.buf, plain.len, &text);
			redact_text(r, text.buf, text.len, &out);
			assert_non_null(strstr(out.buf, "***"));
			/* at most one character at each end, shared with a neighbour, is left */
			assert_true(out.len <= 3 + (8 * before + 5) / 6 + text.len - 8 * (before + strlen(secret)) / 6);
			redactor_free(r);
		}
	}
}

static void test_base64_in_lines(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), out = STRBUF_INIT(STRBUF_NO_MAX);
	struct redactor *r = redactor_new();
	unsigned char secret[150];

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (unsigned char)(i * 37 + 11);
	redactor_add(r, (char *)secret, sizeof(secret));
	encode(secret, sizeof(secret), &text);
	redact_text(r, text.buf, text.len, &out);
	assert_string_equal(out.buf, "***\n***\n***");
	redactor_free(r);
}

/* The definition, slowly: mark every occurrence, then write runs. */
static void naive(const char (*secrets)[16], size_t n, const char *text, size_t len, struct strbuf *out)
{
	autofree char *mark = xcalloc(len + 1, 1);

	for (size_t s = 0; s < n; s++) {
		size_t sl = strlen(secrets[s]);

		for (size_t i = 0; i + sl <= len; i++)
			if (!memcmp(text + i, secrets[s], sl))
				memset(mark + i, 1, sl);
	}
	for (size_t i = 0; i < len; i++) {
		if (!mark[i])
			strbuf_addch(out, text[i]);
		else if (i == 0 || !mark[i - 1])
			strbuf_addstr(out, "***");
	}
}

/* Random texts over two letters, where everything overlaps; random chunks; against the definition. (No base64 form can be in them.) */
static void test_random_chunks(void **state)
{
	unsigned int seed = 20261121;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char secrets[3][16], text[200];
		size_t len = (size_t)rand_r(&seed) % sizeof(text), n = 1 + (size_t)rand_r(&seed) % 3;
		struct redactor *r = redactor_new();
		autostrbuf struct strbuf want = STRBUF_INIT(STRBUF_NO_MAX), got = STRBUF_INIT(STRBUF_NO_MAX);
		struct redact_stream s;

		for (size_t i = 0; i < n; i++) {
			size_t sl = 4 + (size_t)rand_r(&seed) % 8;

			for (size_t j = 0; j < sl; j++)
				secrets[i][j] = "-."[rand_r(&seed) / 64 % 2];
			secrets[i][sl] = '\0';
			redactor_add(r, secrets[i], sl);
		}
		for (size_t i = 0; i < len; i++)
			text[i] = "-."[rand_r(&seed) / 64 % 2];
		naive(secrets, n, text, len, &want);
		redact_stream_init(&s, r);
		for (size_t at = 0, chunk; at < len; at += chunk) {
			chunk = 1 + (size_t)rand_r(&seed) % 17;
			chunk = chunk < len - at ? chunk : len - at;
			redact_stream_feed(&s, text + at, chunk, &got);
		}
		redact_stream_end(&s, &got);
		if (strcmp(got.buf, want.buf))
			fail_msg("round %d: '%s' instead of '%s' for '%.*s'", round, got.buf, want.buf, (int)len, text);
		redactor_free(r);
	}
}

/* A long periodic secret in a long periodic text: what makes a naive search quadratic (it would take minutes here). */
static void test_linear(void **state)
{
	autofree char *secret = xmalloc(20000), *text = xmalloc(2 << 20);
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct redactor *r = redactor_new();
	uint64_t start = clock_monotonic_ns();

	(void)state;
	memset(secret, 'a', 20000);
	secret[19999] = 'b';
	memset(text, 'a', 2 << 20);
	redactor_add(r, secret, 20000);
	redact_text(r, text, 2 << 20, &out);
	assert_int_equal(out.len, 2 << 20);
	assert_true(clock_monotonic_ns() - start < 5 * NS_PER_SEC);
	redactor_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_no_redactor),
		cmocka_unit_test(test_holds_back_no_more_than_needed),
		cmocka_unit_test(test_base64_anywhere),
		cmocka_unit_test(test_base64_in_lines),
		cmocka_unit_test(test_random_chunks),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
