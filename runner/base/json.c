/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/printable.h"
#include "runner/base/utf8.h"

/* A decimal of 15 digits survives the way through a double, and 0.1 is written as 0.1. */
#define REAL_DIGITS 15

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

/* jansson says NULL or -1 when memory is gone, and for wrong types, which is a bug of ours: both end here. */
static void *check(void *p)
{
	static const char text[] = "sandbox_runner: out of memory or a wrong type while building JSON\n";

	if (!p) {
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) { /* nothing left to tell */ }
		abort();
	}
	return p;
}

static void check_done(int rc)
{
	static char token;

	check(rc == 0 ? &token : NULL);
}

/* Length of the head that needs no repair. */
static size_t clean_head(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint32_t cp;
		size_t n = utf8_decode(s + i, len - i, &cp);

		if (cp == UTF8_INVALID || cp == 0)
			break;
		i += n;
	}
	return i;
}

static void add_repaired(struct strbuf *out, const char *s, size_t len)
{
	while (len) {
		size_t head = clean_head(s, len), bad = 0;
		uint32_t cp;

		strbuf_add(out, s, head);
		if (head < len) {
			bad = utf8_decode(s + head, len - head, &cp);
			strbuf_addstr(out, REPLACEMENT);
		}
		s += head + bad;
		len -= head + bad;
	}
}

json_t *json_textn(const char *s, size_t len)
{
	autostrbuf struct strbuf repaired = STRBUF_INIT(STRBUF_NO_MAX);

	if (!s)
		return json_null();
	if (clean_head(s, len) == len)
		return check(json_stringn_nocheck(s, len));
	add_repaired(&repaired, s, len);
	return check(json_stringn_nocheck(repaired.buf, repaired.len));
}

json_t *json_text(const char *s)
{
	return json_textn(s, s ? strlen(s) : 0);
}

void json_put(json_t *object, const char *key, json_t *value)
{
	autostrbuf struct strbuf repaired = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = strlen(key);

	if (clean_head(key, len) != len) {
		add_repaired(&repaired, key, len);
		key = repaired.buf;
	}
	check_done(json_object_set_new_nocheck(object, key, check(value)));
}

void json_put_text(json_t *object, const char *key, const char *s)
{
	json_put(object, key, json_text(s));
}

void json_put_int(json_t *object, const char *key, int64_t n)
{
	json_put(object, key, json_integer(n));
}

void json_put_bool(json_t *object, const char *key, bool b)
{
	json_put(object, key, json_boolean(b));
}

void json_put_seconds(json_t *object, const char *key, uint64_t ns)
{
	uint64_t micros = ns / 1000 + (ns % 1000 >= 500);

	json_put(object, key, json_real((double)micros / 1e6));
}

void json_push(json_t *array, json_t *value)
{
	check_done(json_array_append_new(array, check(value)));
}

/* jansson leaves DEL, C1 controls and bidirectional controls as they are; JSON of ours may be looked at on a terminal, so they
 * become \u escapes. They can only stand inside strings, and a chunk never ends within a character. */
static int write_chunk(const char *s, size_t len, void *arg)
{
	struct strbuf *out = arg;
	size_t start = 0, i = 0;

	while (i < len) {
		uint32_t cp;
		size_t n = utf8_decode(s + i, len - i, &cp);

		if (utf8_is_unsafe(cp) && cp >= 0x7f && cp != UTF8_INVALID) {
			strbuf_add(out, s + start, i - start);
			if (cp < 0x10000)
				strbuf_addf(out, "\\u%04X", cp);
			else
				strbuf_addf(out, "\\u%04X\\u%04X", 0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + (cp & 0x3ff));
			start = i + n;
		}
		i += n;
	}
	strbuf_add(out, s + start, len - start);
	return 0;
}

void json_write(const json_t *value, int indent, struct strbuf *out)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS) |
		       (indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT);

	check_done(json_dump_callback(value, write_chunk, out, flags));
}

/* Nesting is bounded before jansson recurses. Strings are passed over; what is wrong otherwise jansson will say. */
static int check_depth(const char *text, size_t len, const char *name, struct error *err)
{
	unsigned int depth = 0, line = 1;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\n')
			line++;
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_MAX_DEPTH)
				return error_set(err, ERR_INVALID_INPUT, "%s:%u: nested deeper than %d", name, line,
						 JSON_MAX_DEPTH);
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return 0;
}

int json_parse(const char *text, size_t len, const char *name, json_t **ret, struct error *err)
{
	autostrbuf struct strbuf why = STRBUF_INIT(512);
	json_error_t e;
	json_t *value;

	if (check_depth(text, len, name, err) < 0)
		return -1;
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!value) {
		printable_addstr(&why, e.text);		/* it quotes the input */
		return error_set(err, ERR_INVALID_INPUT, "%s:%d:%d: %s", name, e.line, e.column, why.buf);
	}
	*ret = value;
	return 0;
}
