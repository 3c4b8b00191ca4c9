/* SPDX-License-Identifier: Apache-2.0
 * quantity: any text is a number within its range or a sentence, and what is printed of it is short. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/nearest.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"

typedef int parser(const char *text, size_t len, uint64_t *ret, struct error *err);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int parse_integer(const char *text, size_t len, uint64_t *ret, struct error *err)
{
	return integer_parse(text, len, 3, 3000, ret, err);
}

static void check_parser(parser *parse, uint64_t max, const char *text, size_t len)
{
	struct error err = { 0 };
	uint64_t value = UINT64_MAX;

	if (parse(text, len, &value, &err) == 0) {
		check(value <= max && !err.text[0]);
		return;
	}
	check(value == UINT64_MAX && err.code == ERR_INVALID_INPUT && err.text[0]);
	for (const char *s = err.text; *s; ) {	/* no control characters of the input in the sentence */
		uint32_t c;

		s += utf8_decode(s, strlen(s), &c);
		check(!utf8_is_unsafe(c));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "timeout", NULL, "handlers", "x" };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	const char *text = (const char *)data;
	char word[80] = { 0 };
	uint64_t value = 0;

	check_parser(duration_parse, UINT64_C(365) * 86400 * 1000000000, text, size);
	check_parser(size_parse, UINT64_C(1) << 62, text, size);
	check_parser(cpu_parse, 1000000, text, size);
	check_parser(bandwidth_parse, UINT64_C(1000000000000000), text, size);
	check_parser(parse_integer, 3000, text, size);
	memcpy(&value, data, size < sizeof(value) ? size : sizeof(value));
	size_format(&out, value);
	check(out.len <= 8);
	strbuf_clear(&out);
	duration_format(&out, value);
	check(out.len && out.len <= 12);
	memcpy(word, data, size < sizeof(word) ? size : sizeof(word) - 1);
	nearest(word, words, 4);
	return 0;
}
