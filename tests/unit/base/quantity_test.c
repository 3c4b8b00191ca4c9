/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define FAILS UINT64_MAX

typedef int parser(const char *text, size_t len, uint64_t *ret, struct error *err);

struct parse_case {
	const char *text;
	uint64_t value;		/* FAILS: refused, and the sentence contains `error` */
	const char *error;
	const char *comment;
};

static void check_cases(parser *parse, const struct parse_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct parse_case *c = &cases[i];
		uint64_t value = 4711;
		struct error err = { 0 };
		int rc = parse(c->text, strlen(c->text), &value, &err);

		if (c->value == FAILS) {
			if (rc != -1 || value != 4711 || err.code != ERR_INVALID_INPUT || !strstr(err.text, c->error))
				fail_msg("%s: '%s' gave %d, %llu, \"%s\"", c->comment, c->text, rc,
					 (unsigned long long)value, err.text);
		} else if (rc || value != c->value) {
			fail_msg("%s: '%s' gave %d, %llu, \"%s\"", c->comment, c->text, rc,
				 (unsigned long long)value, err.text);
		}
	}
}

static void durations(void **state)
{
	static const struct parse_case cases[] = {
		{ "90s", 90 * NS_PER_SEC, NULL, "seconds" },
		{ "5m", 300 * NS_PER_SEC, NULL, "minutes" },
		{ "1h30m", 5400 * NS_PER_SEC, NULL, "two units" },
		{ "1d2h3m4s5ms", (((24 + 2) * 60 + 3) * 60 + 4) * NS_PER_SEC + 5 * NS_PER_MS, NULL, "all units" },
		{ "250ms", 250 * NS_PER_MS, NULL, "ms is not m" },
		{ "2d", 172800 * NS_PER_SEC, NULL, "days" },
		{ "1.5s", 1500 * NS_PER_MS, NULL, "fraction" },
		{ ".5s", 500 * NS_PER_MS, NULL, "no digit before the point" },
		{ "0.000000001s", 1, NULL, "one nanosecond" },
		{ "30", 30 * NS_PER_SEC, NULL, "bare digits are seconds" },
		{ "0", 0, NULL, "zero" },
		{ "007s", 7 * NS_PER_SEC, NULL, "leading zeros are no octal" },
		{ "365d", 365 * 86400 * NS_PER_SEC, NULL, "the most" },
		{ "365d1us", FAILS, "limit is 365 days", "more than the most" },
		{ "366d", FAILS, "limit is 365 days", "more days" },
		{ "99999999999999999999999s", FAILS, "limit is 365 days", "more than 64 bits" },
		{ "18446744073709551616", FAILS, "limit is 365 days", "2^64 does not wrap" },
		{ "", FAILS, "duration is empty", "empty" },
		{ "-5s", FAILS, "'-5s' is negative", "negative" },
		{ "+5s", FAILS, "has a sign", "sign" },
		{ " 5s", FAILS, "begin with a number", "leading blank" },
		{ "5 s", FAILS, "unknown unit ' s'", "blank before the unit" },
		{ "5s ", FAILS, "unknown unit 's '", "trailing blank" },
		{ "s", FAILS, "begin with a number", "unit only" },
		{ "5x", FAILS, "unknown unit 'x'", "unknown unit" },
		{ "5M", FAILS, "unknown unit 'M'", "units are lower-case" },
		{ "5min", FAILS, "unknown unit 'min'", "words are no units" },
		{ "1h30", FAILS, "without unit at its end", "half a unit" },
		{ "30m1h", FAILS, "large to small", "wrong order" },
		{ "1s1s", FAILS, "large to small", "twice the same" },
		{ "1.5.5", FAILS, "without unit at its end", "two points" },
		{ "1.s.", FAILS, "no number", "point only" },
		{ "1.0000000001s", FAILS, "no number", "more than nanoseconds" },
		{ "5\x1b[31m", FAILS, "'\\x1b['", "escape sequences are shown, not sent" },
	};
	(void)state;
	check_cases(duration_parse, cases, ARRAY_SIZE(cases));
}

static void sizes(void **state)
{
	static const struct parse_case cases[] = {
		{ "512Mi", 512 << 20, NULL, "binary" },
		{ "1Gi", 1 << 30, NULL, "binary" },
		{ "1G", 1000000000, NULL, "decimal" },
		{ "1k", 1000, NULL, "decimal k is small" },
		{ "1.5Gi", 3 << 29, NULL, "fraction" },
		{ "128974848", 128974848, NULL, "bare" },
		{ "129e6", 129000000, NULL, "exponent" },
		{ "129E6", 129000000, NULL, "exponent, not exa" },
		{ "1E", UINT64_C(1000000000000000000), NULL, "exa, not an exponent" },
		{ "1500e-3", 2, NULL, "negative exponent, rounded up" },
		{ "0.5", 1, NULL, "half a byte is rounded up" },
		{ "0", 0, NULL, "zero" },
		{ "4Ei", UINT64_C(1) << 62, NULL, "the most" },
		{ "4611686018427387905", FAILS, "limit is 4Ei", "one more" },
		{ "5Ei", FAILS, "limit is 4Ei", "more" },
		{ "16Ei", FAILS, "limit is 4Ei", "2^64 does not wrap" },
		{ "99999999999999999999999999Ki", FAILS, "limit is 4Ei", "more than 64 bits" },
		{ "99999999999999999999", FAILS, "limit is 4Ei", "more than 64 bits, without a unit" },
		{ "99999999999999999999e-18", FAILS, "limit is 4Ei", "more than 64 bits, not saved by its exponent" },
		{ "1e18", UINT64_C(1000000000000000000), NULL, "largest exponent" },
		{ "9e18", FAILS, "limit is 4Ei", "product too large" },
		{ "1e19", FAILS, "unknown unit 'e19'", "exponent too large" },
		{ "1e", FAILS, "unknown unit 'e'", "exponent without digits" },
		{ "1e6Mi", FAILS, "unknown unit 'e6Mi'", "exponent and unit" },
		{ "512m", FAILS, "write '512Mi'", "milli is a trap" },
		{ "5\x1b[31m", FAILS, "'5\\x1b[31m'", "no escape sequence gets through" },
		{ "512MB", FAILS, "unknown unit 'MB'", "MB" },
		{ "1K", FAILS, "unknown unit 'K'", "capital K" },
		{ "-1Gi", FAILS, "is negative", "negative" },
		{ "", FAILS, "size is empty", "empty" },
		{ "Gi", FAILS, "begin with a number", "unit only" },
		{ "0x10", FAILS, "unknown unit 'x10'", "hexadecimal" },
		{ "1,5Gi", FAILS, "unknown unit ',5Gi'", "comma" },
	};
	(void)state;
	check_cases(size_parse, cases, ARRAY_SIZE(cases));
}

static void cpus(void **state)
{
	static const struct parse_case cases[] = {
		{ "500m", 500, NULL, "thousandths" },
		{ "1.5", 1500, NULL, "fraction" },
		{ "2", 2000, NULL, "whole" },
		{ "0.0001", 1, NULL, "rounded up" },
		{ "1000", 1000000, NULL, "the most" },
		{ "1001", FAILS, "limit is 1000 cpus", "more" },
		{ "1e18", FAILS, "limit is 1000 cpus", "exponent" },
		{ "2 cpus", FAILS, "unknown unit ' cpus'", "words" },
		{ "-1", FAILS, "is negative", "negative" },
		{ "0.5.5", FAILS, "unknown unit '.5'", "two points" },
	};
	(void)state;
	check_cases(cpu_parse, cases, ARRAY_SIZE(cases));
}

static void bandwidths(void **state)
{
	static const struct parse_case cases[] = {
		{ "100Mbps", 100000000, NULL, "mega" },
		{ "1Gbps", 1000000000, NULL, "giga" },
		{ "500kbps", 500000, NULL, "kilo" },
		{ "1.5Mbps", 1500000, NULL, "fraction" },
		{ "9600", 9600, NULL, "bare" },
		{ "100MBps", FAILS, "bits a second", "bytes" },
		{ "2000Tbps", FAILS, "limit is 1000Tbps", "more" },
	};
	(void)state;
	check_cases(bandwidth_parse, cases, ARRAY_SIZE(cases));
}

static int parse_1_to_10(const char *text, size_t len, uint64_t *ret, struct error *err)
{
	return integer_parse(text, len, 1, 10, ret, err);
}

static void integers(void **state)
{
	static const struct parse_case cases[] = {
		{ "1", 1, NULL, "least" },
		{ "10", 10, NULL, "most" },
		{ "0", FAILS, "not between 1 and 10", "less" },
		{ "11", FAILS, "not between 1 and 10", "more" },
		{ "18446744073709551617", FAILS, "not between 1 and 10", "2^64 + 1 does not wrap" },
		{ "1.5", FAILS, "not a whole number", "fraction" },
		{ "5x", FAILS, "not a whole number", "letters" },
		{ "-5", FAILS, "is negative", "negative" },
	};
	(void)state;
	check_cases(parse_1_to_10, cases, ARRAY_SIZE(cases));
}

static void formats(void **state)
{
	static const struct {
		void (*format)(struct strbuf *out, uint64_t value);
		uint64_t value;
		const char *text;
	} cases[] = {
		{ size_format, 0, "0B" },
		{ size_format, 1023, "1023B" },
		{ size_format, 1024, "1Ki" },
		{ size_format, 3 << 29, "1.5Gi" },
		{ size_format, (1 << 20) - 1, "1Mi" },	/* never 1024Ki */
		{ size_format, 512 << 20, "512Mi" },
		{ size_format, UINT64_MAX, "16Ei" },
		{ duration_format, 0, "0s" },
		{ duration_format, 300000, "0.3ms" },
		{ duration_format, 42 * NS_PER_MS, "42ms" },
		{ duration_format, 400 * NS_PER_MS, "0.4s" },
		{ duration_format, 30 * NS_PER_SEC, "30s" },
		{ duration_format, 59960 * NS_PER_MS, "1m" },	/* never 60s */
		{ duration_format, 125 * NS_PER_SEC, "2m05s" },
		{ duration_format, 300 * NS_PER_SEC, "5m" },
		{ duration_format, 5400 * NS_PER_SEC, "1h30m" },
		{ duration_format, 26 * 3600 * NS_PER_SEC, "1d02h" },
		{ duration_format, UINT64_MAX, "213504d" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf sb = STRBUF_INIT(64);

		cases[i].format(&sb, cases[i].value);
		assert_string_equal(sb.buf, cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations), cmocka_unit_test(sizes), cmocka_unit_test(cpus),
		cmocka_unit_test(bandwidths), cmocka_unit_test(integers), cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
