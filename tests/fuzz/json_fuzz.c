/* SPDX-License-Identifier: Apache-2.0
 * json: what parses is written and parsed again to the same value; any bytes become a string that parses; what is written holds nothing
 * that could steer a terminal. */
#include <stdint.h>
#include <stdlib.h>

#include "runner/base/json.h"
#include "runner/base/utf8.h"

static void check_safe(const struct strbuf *text)
{
	for (size_t i = 0; i < text->len;) {
		uint32_t c;

		i += utf8_decode(text->buf + i, text->len - i, &c);
		if (utf8_is_unsafe(c))
			abort();
	}
}

static void check_round_trip(const json_t *value, bool exact)
{
	autostrbuf struct strbuf once = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf twice = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *again = NULL;

	json_write(value, 0, &once);
	check_safe(&once);
	if (json_parse(once.buf, once.len, "again", &again, NULL) < 0)
		abort();
	json_write(again, 0, &twice);
	/* numbers are written with 15 digits, which may move a value once but never twice */
	if ((exact && !json_equal(value, again)) || once.len != twice.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *value = NULL, *text = json_textn((const char *)data, size);
	struct error err = { 0 };

	check_round_trip(text, true);
	if (json_parse((const char *)data, size, "input", &value, &err) == 0)
		check_round_trip(value, false);
	else if (err.code != ERR_INVALID_INPUT || !err.text[0])
		abort();
	return 0;
}
