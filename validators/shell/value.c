/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct shell_value value_text(const char *text, size_t len, unsigned int origin)
{
	return (struct shell_value){ .text = text, .len = len, .known = true, .origin = origin };
}

struct shell_value value_copy(struct arena *a, const char *text, size_t len, unsigned int origin)
{
	return value_text(arena_strndup(a, text, len), len, origin);
}

struct shell_value value_unknown(struct arena *a, const char *name, size_t len, unsigned int origin)
{
	char *text = arena_alloc(a, len + 4);

	text[0] = '$';
	text[1] = '{';
	if (len)
		memcpy(text + 2, name, len);
	text[len + 2] = '}';
	return (struct shell_value){ .text = text, .len = len + 3, .origin = origin };
}

struct shell_value value_number(struct arena *a, int64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, n);

	return value_copy(a, text, (size_t)len, ORIGIN_LITERAL);
}

struct shell_value value_without_nul(struct arena *a, struct shell_value v)
{
	size_t n = 0;
	char *text;

	if (!v.len || !memchr(v.text, '\0', v.len))
		return v;
	text = arena_alloc(a, v.len + 1);
	for (size_t i = 0; i < v.len; i++)
		if (v.text[i])
			text[n++] = v.text[i];
	v.text = text;
	v.len = n;
	return v;
}

size_t value_unknown_len(const char *s, size_t len)
{
	size_t depth = 0;

	if (len < 3 || (s[0] != '$' && s[0] != '<') || (s[1] != '{' && s[1] != '('))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '{' || s[i] == '(')
			depth++;
		else if ((s[i] == '}' || s[i] == ')') && --depth == 0)
			return i + 1;
	}
	return len;	/* cut in the middle */
}

bool value_is_unknown(const struct shell_value *v)
{
	size_t len = v->len;

	while (len && (v->text[len - 1] == '\n' || v->text[len - 1] == ' '))
		len--;
	return !v->known && len && value_unknown_len(v->text, len) == len;
}

/* One character against the element of the pattern at *p; *p moves behind the element. */
static bool matches_set(const char *pattern, size_t len, size_t *p, unsigned char c)
{
	size_t i = *p + 1;
	bool negated = i < len && (pattern[i] == '!' || pattern[i] == '^'), found = false;
	size_t first = i += negated;

	for (; i < len && (pattern[i] != ']' || i == first); i++) {
		unsigned char low = (unsigned char)pattern[i], high = low;

		if (i + 2 < len && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
			high = (unsigned char)pattern[i + 2];
			i += 2;
		}
		found |= c >= low && c <= high;
	}
	if (i >= len) {		/* no ]: the bracket means itself */
		*p += 1;
		return c == '[';
	}
	*p = i + 1;
	return found != negated;
}

static bool matches_one(const char *pattern, size_t len, size_t *p, char c)
{
	switch (pattern[*p]) {
	case '?':
		*p += 1;
		return true;
	case '[':
		return matches_set(pattern, len, p, (unsigned char)c);
	case '\\':
		*p += *p + 1 < len;
		break;
	}
	*p += 1;
	return pattern[*p - 1] == c;
}

bool value_glob(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

	while (t < len) {
		size_t at = p;

		if (p < pattern_len && pattern[p] == '*') {
			star = ++p;
			star_text = t;
			continue;
		}
		if (p < pattern_len && matches_one(pattern, pattern_len, &at, text[t])) {
			p = at;
			t++;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		p = star;	/* let the last * take one more */
		t = ++star_text;
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}

static bool is_plain(const char *pattern)
{
	return !strpbrk(pattern, "*?[\\");
}

static struct shell_value part_of(struct arena *a, struct shell_value v, size_t from, size_t len)
{
	struct shell_value part = v;

	part.text = arena_strndup(a, v.text + from, len);
	part.len = len;
	part.origin |= ORIGIN_ASSEMBLED;
	return part;
}

/* A pattern of question marks and stars is not tried on long texts: what is left is then not known. */
static bool too_long(struct shell_value *v, const char *pattern)
{
	if (v->len <= VALUE_PATTERN_MAX && strlen(pattern) <= 64)
		return false;
	v->known = false;
	return true;
}

struct shell_value value_strip_prefix(struct arena *a, struct shell_value v, const char *pattern, bool longest)
{
	size_t pattern_len = strlen(pattern);

	if (is_plain(pattern))
		return pattern_len <= v.len && !memcmp(v.text, pattern, pattern_len) ?
			       part_of(a, v, pattern_len, v.len - pattern_len) : v;
	if (too_long(&v, pattern))
		return v;
	for (size_t i = 0; i <= v.len; i++) {
		size_t n = longest ? v.len - i : i;

		if (value_glob(pattern, pattern_len, v.text, n))
			return part_of(a, v, n, v.len - n);
	}
	return v;
}

struct shell_value value_strip_suffix(struct arena *a, struct shell_value v, const char *pattern, bool longest)
{
	size_t pattern_len = strlen(pattern);

	if (is_plain(pattern))
		return pattern_len <= v.len && !memcmp(v.text + v.len - pattern_len, pattern, pattern_len) ?
			       part_of(a, v, 0, v.len - pattern_len) : v;
	if (too_long(&v, pattern))
		return v;
	for (size_t i = 0; i <= v.len; i++) {
		size_t n = longest ? i : v.len - i;

		if (value_glob(pattern, pattern_len, v.text + n, v.len - n))
			return part_of(a, v, 0, n);
	}
	return v;
}

/* The longest match that begins at `from`; SIZE_MAX: none. */
static size_t match_at(const char *pattern, size_t pattern_len, bool plain, const struct shell_value *v, size_t from)
{
	if (plain)
		return v->len - from >= pattern_len && !memcmp(v->text + from, pattern, pattern_len) ? pattern_len : SIZE_MAX;
	for (size_t n = v->len - from; n > 0; n--)
		if (value_glob(pattern, pattern_len, v->text + from, n))
			return n;
	return SIZE_MAX;
}

struct shell_value value_replace(struct arena *a, struct shell_value v, const char *pattern, const char *with, bool all)
{
	autostrbuf struct strbuf out = STRBUF_INIT(SHELL_MAX_VALUE);
	bool at_start = pattern[0] == '#', at_end = pattern[0] == '%', plain;
	size_t pattern_len, i = 0;

	pattern += at_start || at_end;
	pattern_len = strlen(pattern);
	plain = is_plain(pattern);
	if (!pattern_len || (!plain && (too_long(&v, pattern) || v.len > VALUE_PATTERN_MAX / 4)))
		return v;
	while (i < v.len) {
		size_t n = at_start && i ? SIZE_MAX : match_at(pattern, pattern_len, plain, &v, i);

		if (n == SIZE_MAX || (at_end && i + n != v.len)) {
			strbuf_addch(&out, v.text[i++]);
			continue;
		}
		strbuf_addstr(&out, with);
		i += n;
		if (!all)
			break;
	}
	strbuf_add(&out, v.text + i, v.len - i);
	v.known &= !out.overflow;
	v.text = arena_strndup(a, out.buf, out.len);
	v.len = out.len;
	v.origin |= ORIGIN_ASSEMBLED;
	return v;
}

struct shell_value value_substring(struct arena *a, struct shell_value v, int64_t offset, int64_t len)
{
	int64_t size = (int64_t)v.len, from = offset < 0 ? size + offset : offset, to;

	if (from < 0 || from > size)
		return part_of(a, v, 0, 0);
	to = len < 0 ? size + len : len > size - from ? size : from + len;
	return part_of(a, v, (size_t)from, to > from ? (size_t)(to - from) : 0);
}

struct shell_value value_case(struct arena *a, struct shell_value v, bool upper, bool all)
{
	char *text = arena_strndup(a, v.text, v.len);

	for (size_t i = 0; i < (all ? v.len : v.len > 0); i++)
		text[i] = (char)(upper ? toupper((unsigned char)text[i]) : tolower((unsigned char)text[i]));
	v.text = text;
	v.origin |= ORIGIN_ASSEMBLED;
	return v;
}
