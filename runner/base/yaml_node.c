/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "runner/base/yaml_text.h"

struct node *node_get(const struct node *map, const char *key)
{
	size_t len = strlen(key);

	if (!map || map->kind != NODE_MAPPING)
		return NULL;
	for (size_t i = 0; i < map->len; i++) {
		const struct node *k = map->pairs[i].key;

		if (k->len == len && k->kind == NODE_SCALAR && (!len || k->text[0] == key[0]) && !memcmp(k->text, key, len))
			return map->pairs[i].value;
	}
	return NULL;
}

static bool is_word(const struct node *node, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (node->text[0] == words[i][0] && !strcmp(node->text, words[i]))
			return true;
	return false;
}

static bool is_implicit(const struct node *node)
{
	return node && node->kind == NODE_SCALAR && node->implicit;
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	return !node || (is_implicit(node) && is_word(node, words, ARRAY_SIZE(words)));
}

bool node_is_bool(const struct node *node, bool *ret)
{
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON" };
	static const char *const no[] = { "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF" };

	if (!is_implicit(node))
		return false;
	if (is_word(node, yes, ARRAY_SIZE(yes)))
		*ret = true;
	else if (is_word(node, no, ARRAY_SIZE(no)))
		*ret = false;
	else
		return false;
	return true;
}

/* Skip a sign and digits; how many digits there were. */
static size_t skip_digits(const char **p)
{
	size_t n = strspn(*p, "0123456789");

	*p += n;
	return n;
}

/* A leading zero is octal to YAML 1.1 and decimal to 1.2: such a text is no number to us. */
static bool is_octal_looking(const char *p)
{
	return p[0] == '0' && p[1] >= '0' && p[1] <= '9';
}

bool node_is_int(const struct node *node, int64_t *ret)
{
	const char *p;
	long long value;

	if (!is_implicit(node))
		return false;
	p = node->text;
	p += *p == '-' || *p == '+';
	if (is_octal_looking(p) || !skip_digits(&p) || *p)
		return false;
	errno = 0;
	value = strtoll(node->text, NULL, 10);
	if (errno)
		return false;
	*ret = value;
	return true;
}

bool node_is_number(const struct node *node, double *ret)
{
	const char *p;
	size_t digits;
	double value;

	if (!is_implicit(node))
		return false;
	p = node->text;
	p += *p == '-' || *p == '+';
	if (is_octal_looking(p))
		return false;
	digits = skip_digits(&p);
	if (*p == '.') {
		p++;
		digits += skip_digits(&p);
	}
	if (digits && (*p == 'e' || *p == 'E')) {
		p++;
		p += *p == '-' || *p == '+';
		digits = skip_digits(&p);
	}
	if (!digits || *p)
		return false;
	value = strtod(node->text, NULL);
	if (!isfinite(value))
		return false;
	*ret = value;
	return true;
}

const char *node_type_name(const struct node *node)
{
	double number;
	bool boolean;

	if (node_is_null(node))
		return "null";
	if (node->kind != NODE_SCALAR)
		return node->kind == NODE_MAPPING ? "mapping" : "list";
	if (node_is_bool(node, &boolean))
		return "boolean";
	return node_is_number(node, &number) ? "number" : "text";
}

/* ---- from a place in a scalar's text to the place in the file: read the source again as YAML does, unit by
 * unit, until as much text has come out. What comes out is compared with the text, so that a construct not
 * known here is noticed. */

struct source {
	const char *s;
	size_t at, end;
};

struct unit {
	size_t taken;		/* bytes of source */
	size_t made;		/* bytes of text */
	const char *bytes;	/* that were made; NULL: all of them line feeds */
	bool verbatim;		/* each byte made is the byte taken */
	char utf8[4];
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

/* Length of the white space at `at`; *breaks is the number of line breaks in it. */
static size_t space_length(const struct source *src, size_t at, size_t *breaks)
{
	size_t start = at;

	*breaks = 0;
	for (; at < src->end && (is_blank(src->s[at]) || is_break(src->s[at])); at++)
		*breaks += is_break(src->s[at]) && !(src->s[at] == '\r' && src->s[at + 1] == '\n');
	return at - start;
}

/* White space in a flow scalar is kept on one line and folded over several. */
static struct unit space_unit(const struct source *src)
{
	size_t breaks, taken = space_length(src, src->at, &breaks);

	if (!breaks)
		return (struct unit){ taken, taken, src->s + src->at, true, "" };
	if (breaks == 1)
		return (struct unit){ taken, 1, " ", false, "" };
	return (struct unit){ taken, breaks - 1, NULL, false, "" };
}

/* What stands for the character after a backslash; NULL: not known. */
static const char *simple_escape(char c)
{
	static const char *const table[] = {
		"a\a", "b\b", "t\t", "\t\t", "n\n", "v\v", "f\f", "r\r", "e\x1b", "  ", "\"\"", "//", "\\\\",
		"N\xc2\x85", "_\xc2\xa0", "L\xe2\x80\xa8", "P\xe2\x80\xa9",
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i][0] == c)
			return table[i] + 1;
	}
	return NULL;
}

/* A backslash in double quotes. */
static struct unit escape_unit(const struct source *src)
{
	const char *s = src->s + src->at + 1;
	size_t digits = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
	struct unit unit = { .taken = 2 };
	size_t breaks;

	if (is_break(*s)) {	/* makes nothing itself; empty lines after it count */
		unit.taken = 1 + space_length(src, src->at + 1, &breaks);
		unit.made = breaks - 1;
	} else if (digits) {
		char hex[9] = { 0 };

		memcpy(hex, s + 1, strnlen(s + 1, digits));
		unit.taken += strlen(hex);
		unit.made = utf8_encode((uint32_t)strtoul(hex, NULL, 16) & 0x1fffff, unit.utf8);
	} else {
		unit.bytes = simple_escape(*s);
		unit.made = unit.bytes ? strlen(unit.bytes) : 0;
	}
	return unit;
}

static struct unit flow_unit(const struct source *src, enum node_style style)
{
	const char *s = src->s + src->at;

	if (is_blank(*s) || is_break(*s))
		return space_unit(src);
	if (style == STYLE_DOUBLE_QUOTED && *s == '\\')
		return escape_unit(src);
	if (style == STYLE_SINGLE_QUOTED && *s == '\'')
		return (struct unit){ 2, 1, s, false, "" };
	return (struct unit){ 1, 1, s, true, "" };
}

static bool unit_agrees(const struct unit *unit, const char *text, size_t len)
{
	const char *bytes = unit->utf8[0] ? unit->utf8 : unit->bytes;

	if (unit->made > len)
		return false;
	if (bytes)
		return !memcmp(bytes, text, unit->made);
	for (size_t i = 0; i < unit->made; i++) {
		if (text[i] != '\n')
			return false;
	}
	return true;
}

/* Plain and quoted. */
static bool find_in_flow(struct source *src, const struct node *node, size_t offset)
{
	size_t made = 0;

	src->at += node->style != STYLE_PLAIN;	/* the opening quote */
	while (src->at < src->end && made < node->len) {
		struct unit unit = flow_unit(src, node->style);

		if (!unit_agrees(&unit, node->text + made, node->len - made))
			return false;
		if (offset < made + unit.made) {
			src->at += unit.verbatim ? offset - made : 0;
			return true;
		}
		made += unit.made;
		src->at += unit.taken;
	}
	return made == offset;
}

static size_t line_length(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && !is_break(s[n]))
		n++;
	return n;
}

/* Blanks before the first character of the first line that has one. */
static size_t first_indent(const char *s, size_t len)
{
	size_t blanks = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_break(s[i]))
			blanks = 0;
		else if (s[i] == ' ')
			blanks++;
		else
			return blanks;
	}
	return 0;
}

/* Literal: the line in the source that has the same number, and the same column after the indentation. */
static bool find_in_literal(struct source *src, const struct node *node, size_t offset)
{
	size_t begin = 0, indent, len;

	src->at += line_length(src->s + src->at, src->end - src->at);
	src->at += src->s[src->at] == '\r' && src->s[src->at + 1] == '\n' ? 2 : 1;
	if (src->at >= src->end)
		return false;
	indent = first_indent(src->s + src->at, src->end - src->at) - first_indent(node->text, node->len);
	for (const char *p; (p = memchr(node->text + begin, '\n', offset - begin));
	     begin = (size_t)(p - node->text) + 1) {
		src->at += line_length(src->s + src->at, src->end - src->at);
		src->at += src->s[src->at] == '\r' && src->s[src->at + 1] == '\n' ? 2 : 1;
		if (src->at >= src->end)
			return true;	/* positions past the end are the end */
	}
	len = line_length(src->s + src->at, src->end - src->at);
	if (len >= indent + (offset - begin))
		src->at += indent + (offset - begin);
	else
		src->at += len;
	return true;
}

/* Folded: only white space differs, so count the other characters. */
static bool find_in_folded(struct source *src, const struct node *node, size_t offset)
{
	src->at += line_length(src->s + src->at, src->end - src->at);
	for (size_t i = 0; i < offset; i++) {
		if (is_blank(node->text[i]) || is_break(node->text[i]))
			continue;
		while (src->at < src->end && (is_blank(src->s[src->at]) || is_break(src->s[src->at])))
			src->at++;
		if (src->at >= src->end || src->s[src->at] != node->text[i])
			return false;
		src->at++;
	}
	if (offset < node->len && !is_blank(node->text[offset]) && !is_break(node->text[offset])) {
		while (src->at < src->end && (is_blank(src->s[src->at]) || is_break(src->s[src->at])))
			src->at++;
	}
	return true;
}

struct position node_text_position(const struct document *doc, const struct node *node, size_t offset)
{
	const struct yaml_store *store = doc->pool;
	struct source src = { .s = store->text.bytes, .at = node->offset, .end = store->text.len };
	bool found = false;

	if (node->kind != NODE_SCALAR || offset > node->len)
		return node->start;
	if (node->style == STYLE_LITERAL)
		found = find_in_literal(&src, node, offset);
	else if (node->style == STYLE_FOLDED)
		found = find_in_folded(&src, node, offset);
	else
		found = find_in_flow(&src, node, offset);
	return found ? yaml_text_position(&store->text, src.at) : node->start;
}
