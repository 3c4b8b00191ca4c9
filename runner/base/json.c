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

/* ---- writing: the form that jansson has, without its callback for every few bytes and its search for loops, which
 * trees of ours do not have */

/* A byte that stands for itself in a string. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Characters that no terminal should see become \u escapes: jansson would leave DEL, C1 and bidirectional controls. */
static void write_character(const char *s, size_t n, uint32_t cp, struct strbuf *out)
{
	static const char letters[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt";
	const char *letter = cp < 0x80 && cp ? strchr(letters, (int)cp) : NULL;

	if (letter) {
		strbuf_addch(out, '\\');
		strbuf_addch(out, escapes[letter - letters]);
	} else if (cp >= 0x20 && !utf8_is_unsafe(cp)) {
		strbuf_add(out, s, n);
	} else if (cp < 0x10000) {
		strbuf_addf(out, "\\u%04X", cp);
	} else {
		strbuf_addf(out, "\\u%04X\\u%04X", 0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + (cp & 0x3ff));
	}
}

void json_add_string(struct strbuf *out, const char *s, size_t len)
{
	strbuf_addch(out, '"');
	for (size_t i = 0; i < len;) {
		size_t start = i, n;
		uint32_t cp;

		while (i < len && is_plain((unsigned char)s[i]))
			i++;
		strbuf_add(out, s + start, i - start);
		if (i == len)
			break;
		n = utf8_decode(s + i, len - i, &cp);
		if (cp == UTF8_INVALID || cp == 0)
			strbuf_addstr(out, REPLACEMENT);
		else
			write_character(s + i, n, cp, out);
		i += n;
	}
	strbuf_addch(out, '"');
}

static void write_break(int indent, size_t depth, struct strbuf *out)
{
	if (!indent)
		return;
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < depth * (size_t)indent; i++)
		strbuf_addch(out, ' ');
}

static void write_integer(json_int_t n, struct strbuf *out)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		*--p = '-';
	strbuf_add(out, p, (size_t)(digits + sizeof(digits) - p));
}

static int write_chunk(const char *s, size_t len, void *arg)
{
	strbuf_add(arg, s, len);
	return 0;
}

static void write_scalar(const json_t *value, struct strbuf *out)
{
	if (json_is_string(value))
		json_add_string(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		write_integer(json_integer_value(value), out);
	else if (json_is_real(value))
		check_done(json_dump_callback(value, write_chunk, out,
					      JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS)));
	else
		strbuf_addstr(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
}

static void write_value(const json_t *value, int indent, size_t depth, struct strbuf *out)
{
	bool object = json_is_object(value), any = false;
	size_t n = json_array_size(value);

	if (!object && !json_is_array(value)) {
		write_scalar(value, out);
		return;
	}
	strbuf_addch(out, object ? '{' : '[');
	for (size_t i = 0; i < n; i++, any = true) {
		if (any)
			strbuf_addch(out, ',');
		write_break(indent, depth + 1, out);
		write_value(json_array_get(value, i), indent, depth + 1, out);
	}
	for (void *i = json_object_iter((json_t *)value); i; i = json_object_iter_next((json_t *)value, i), any = true) {
		const char *key = json_object_iter_key(i);

		if (any)
			strbuf_addch(out, ',');
		write_break(indent, depth + 1, out);
		json_add_string(out, key, strlen(key));
		strbuf_addstr(out, indent ? ": " : ":");
		write_value(json_object_iter_value(i), indent, depth + 1, out);
	}
	if (any)
		write_break(indent, depth, out);
	strbuf_addch(out, object ? '}' : ']');
}

void json_write(const json_t *value, int indent, struct strbuf *out)
{
	write_value(check((void *)value), indent, 0, out);
}

void json_add_key(struct strbuf *out, const char *key)
{
	if (out->len && out->buf[out->len - 1] != '{')
		strbuf_addch(out, ',');
	strbuf_addch(out, '"');
	strbuf_addstr(out, key);
	strbuf_add(out, "\":", 2);
}

void json_add_text(struct strbuf *out, const char *key, const char *s)
{
	json_add_key(out, key);
	if (s)
		json_add_string(out, s, strlen(s));
	else
		strbuf_addstr(out, "null");
}

void json_add_int(struct strbuf *out, const char *key, int64_t n)
{
	json_add_key(out, key);
	write_integer(n, out);
}

void json_add_bool(struct strbuf *out, const char *key, bool b)
{
	json_add_key(out, key);
	strbuf_addstr(out, b ? "true" : "false");
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
