/* SPDX-License-Identifier: Apache-2.0
 * Expressions of the languages of interpreters, as far as they are made of literals. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"

bool code_is_name(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c)) || (unsigned char)c >= 0x80;
}

static char peek(const struct code_scan *s, size_t ahead)
{
	return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

struct code_value code_text(struct code_scan *s, const char *text, size_t len, bool known, unsigned int origin)
{
	return (struct code_value){ .kind = CODE_TEXT, .text = arena_strndup(s->arena, text, len), .len = len, .known = known, .origin = origin };
}

struct code_value code_one(struct code_scan *s, const struct code_value *item)
{
	struct code_value *items = arena_alloc(s->arena, sizeof(*items));

	items[0] = *item;
	return (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = 1, .text = "", .origin = item->origin };
}

void code_bind(struct code_scan *s, const char *name, size_t len, const struct code_value *v)
{
	struct code_value *variable = code_variable(s, name, len, true);

	if (variable)
		*variable = *v;
}

struct code_value *code_variable(struct code_scan *s, const char *name, size_t len, bool create)
{
	for (size_t i = 0; i < s->variables_len; i++)
		if (s->variables[i].len == len && !memcmp(s->variables[i].name, name, len))
			return &s->variables[i].value;
	if (!create || s->variables_len == CODE_MAX_VARIABLES)
		return NULL;
	s->variables[s->variables_len] = (struct code_variable){ .name = name, .len = len, .value = { .text = "" } };
	return &s->variables[s->variables_len++].value;
}

struct code_value code_to_text(struct code_scan *s, const struct code_value *v)
{
	struct text_out out;
	char digits[24];

	switch (v->kind) {
	case CODE_TEXT:
		return *v;
	case CODE_NUMBER:
		return code_text(s, digits, (size_t)snprintf(digits, sizeof(digits), "%ld", v->number), true, v->origin);
	case CODE_NAME:
		out = out_init(s->arena, v->len + 3);
		out_addstr(&out, "${");
		for (size_t i = 0; i < v->len; i++)
			out_addch(&out, code_is_name(v->text[i], i == 0) && (unsigned char)v->text[i] < 0x80 ? v->text[i] : '_');
		out_addch(&out, '}');
		return (struct code_value){ .kind = CODE_TEXT, .text = out_text(&out, &(size_t){ 0 }), .len = out.len, .origin = v->origin };
	case CODE_LIST:
		if (v->items_len == 1)
			return code_to_text(s, &v->items[0]);
		break;
	case CODE_UNKNOWN:
	case CODE_FETCHED:
		break;
	}
	return code_text(s, "${unknown}", 10, false, v->origin | (v->kind == CODE_FETCHED ? ORIGIN_NETWORK_OWN : 0));
}

struct code_value code_concat(struct code_scan *s, const struct code_value *a, const struct code_value *b)
{
	struct code_value x, y;
	struct text_out out;

	if (a->kind == CODE_NUMBER && b->kind == CODE_NUMBER)
		return (struct code_value){ .kind = CODE_NUMBER, .number = (long)((unsigned long)a->number + (unsigned long)b->number), .text = "" };
	if (a->kind == CODE_LIST && b->kind == CODE_LIST && a->items_len + b->items_len <= CODE_MAX_ITEMS) {
		struct code_value *items = arena_alloc(s->arena, (a->items_len + b->items_len + 1) * sizeof(*items));

		if (a->items_len)
			memcpy(items, a->items, a->items_len * sizeof(*items));
		if (b->items_len)
			memcpy(items + a->items_len, b->items, b->items_len * sizeof(*items));
		return (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = a->items_len + b->items_len, .text = "" };
	}
	if (a->kind == CODE_UNKNOWN && b->kind == CODE_UNKNOWN)
		return (struct code_value){ .text = "", .origin = a->origin | b->origin };
	x = code_to_text(s, a);
	y = code_to_text(s, b);
	out = out_init(s->arena, x.len + y.len);
	out_add(&out, x.text, x.len);
	out_add(&out, y.text, y.len);
	x.known &= y.known && !out.cut;
	x.origin |= y.origin | ORIGIN_ASSEMBLED;
	x.text = out_text(&out, &x.len);
	return x;
}

static const struct code_value none = { .text = "" };

/* "%s %s" % (a, b) */
struct code_value code_format(struct code_scan *s, const struct code_value *format, const struct code_value *with)
{
	struct text_out out = out_init(s->arena, format->len);
	struct code_value v = { .kind = CODE_TEXT, .known = format->known, .origin = format->origin | with->origin | ORIGIN_ASSEMBLED };
	size_t n = 0;

	for (size_t i = 0; i < format->len; i++) {
		const struct code_value *item = with->kind != CODE_LIST ? (n ? NULL : with) : n < with->items_len ? &with->items[n] : NULL;
		struct code_value text;

		if (format->text[i] != '%' || i + 1 >= format->len) {
			out_addch(&out, format->text[i]);
			continue;
		}
		if (format->text[++i] == '%') {
			out_addch(&out, '%');
			continue;
		}
		text = code_to_text(s, item ? item : &none);
		if (format->text[i] == 'c' && item && item->kind == CODE_NUMBER)
			out_addch(&out, (char)item->number);
		else
			out_add(&out, text.text, text.len);
		v.known &= text.known && strchr("sdcr", format->text[i]);
		n++;
	}
	v.text = out_text(&out, &v.len);
	return v;
}

struct code_value code_repeat(struct code_scan *s, const struct code_value *v, long times)
{
	struct text_out out;
	struct code_value r = *v;

	if (v->kind != CODE_TEXT || times < 0 || times > 4096)
		return none;
	out = out_init(s->arena, v->len);
	for (long i = 0; i < times && !out.cut; i++)
		out_add(&out, v->text, v->len);
	r.text = out_text(&out, &r.len);
	r.known &= !out.cut;
	return r;
}

void code_skip_blanks(struct code_scan *s)
{
	while (s->at < s->len) {
		char c = s->text[s->at];
		bool comment = (c == '#' && !(s->language & (CODE_NODE | CODE_LUA | CODE_GROOVY)) && (!s->at || isspace((unsigned char)s->text[s->at - 1]))) ||
			       (c == '/' && peek(s, 1) == '/' && (s->language & (CODE_NODE | CODE_PHP | CODE_GROOVY))) ||
			       (c == '-' && peek(s, 1) == '-' && s->language == CODE_LUA);

		if (c == '/' && peek(s, 1) == '*' && (s->language & (CODE_NODE | CODE_PHP | CODE_GROOVY))) {
			const char *end = memmem(s->text + s->at + 2, s->len - s->at - 2, "*/", 2);

			s->at = end ? (size_t)(end + 2 - s->text) : s->len;
		} else if (comment) {
			const char *end = memchr(s->text + s->at, '\n', s->len - s->at);

			s->at = end ? (size_t)(end - s->text) : s->len;
		} else if (isspace((unsigned char)c) || (c == '\\' && peek(s, 1) == '\n')) {
			s->at++;
		} else {
			return;
		}
	}
}

#define MAX_UNTERMINATED 64

/* ---- strings */
struct literal {
	struct code_value value;
	struct text_out out;
	bool raw, escapes, format;	/* format: {…} of an f-string */
	char sigil;			/* of variables that stand in it: '$' (perl, php, templates), '#' (ruby); 0 */
};

/* ${NAME}, $NAME, #{NAME}, {NAME} in a string: s->at behind the opening. */
static void interpolate(struct code_scan *s, struct literal *l, bool braces, size_t end)
{
	size_t from = s->at, len;
	const struct code_value *v;
	struct code_value text;

	if (braces) {
		const char *stop = memchr(s->text + s->at, '}', end - s->at);

		len = stop ? (size_t)(stop - s->text) - from : end - from;
		s->at = stop ? from + len + 1 : end;
	} else {
		for (len = 0; from + len < end && code_is_name(s->text[from + len], len == 0); len++)
			;
		s->at = from + len;
	}
	if (braces && len && s->text[from] == '$') {
		from++;
		len--;
	}
	v = code_variable(s, s->text + from, len, false);
	if (v && v->kind != CODE_UNKNOWN && v->kind != CODE_NAME) {
		text = code_to_text(s, v);
		out_add(&l->out, text.text, text.len);
		l->value.known &= text.known;
		l->value.origin |= text.origin | ORIGIN_ASSEMBLED;
		return;
	}
	l->value.known = false;
	out_addstr(&l->out, "${");
	for (size_t i = 0; i < len && i < 40; i++)
		out_addch(&l->out, code_is_name(s->text[from + i], i == 0) && (unsigned char)s->text[from + i] < 0x80 ? s->text[from + i] : '_');
	out_addstr(&l->out, len ? "}" : "unknown}");
}

static void read_escape(struct code_scan *s, struct literal *l, size_t end)
{
	char c = s->text[s->at];
	bool numeric = false, stop = false;
	size_t at = s->at;

	if (c == '\n') {
		s->at++;
	} else if (c == 'u' && at + 1 < end && s->text[at + 1] == '{') {
		unsigned long code = 0;

		for (at += 2; at < end && decode_hex_digit(s->text[at]) >= 0 && code < 0x110000; at++)
			code = code * 16 + (unsigned long)decode_hex_digit(s->text[at]);
		s->at = at + (at < end);
		out_add_utf8(&l->out, code);
		numeric = true;
	} else if (s->language == CODE_LUA && isdigit((unsigned char)c)) {
		unsigned int code = 0;

		for (int n = 0; n < 3 && s->at < end && isdigit((unsigned char)s->text[s->at]); n++)
			code = code * 10 + (unsigned int)(s->text[s->at++] - '0');
		out_addch(&l->out, (char)code);
		numeric = true;
	} else if (c == 'c' || c == '?' || c == '\'' || !decode_escape(&l->out, s->text, end, &s->at, false, &numeric, &stop)) {
		if (s->language & (CODE_PYTHON | CODE_AWK) && c != '\'')
			out_addch(&l->out, '\\');
		out_addch(&l->out, c);
		s->at++;
	}
	if (numeric)
		l->value.origin |= ORIGIN_ASSEMBLED;
}

/* What stands between `open` and `close` (which nest when they differ), the opening behind us. */
static bool read_body(struct code_scan *s, struct literal *l, const char *close, size_t close_len, char open)
{
	size_t end = s->at, nested = 0;

	/* each that does not end was looked for to the end of the text */
	if (s->unterminated > MAX_UNTERMINATED)
		return false;
	for (; end < s->len; end++) {
		char c = s->text[end];

		if (c == '\\' && (!l->raw || s->language != CODE_LUA)) {
			end++;
		} else if (open && c == open) {
			nested++;
		} else if (c == close[0] && end + close_len <= s->len && !memcmp(s->text + end, close, close_len)) {
			if (!nested--)
				break;
		}
	}
	if (end >= s->len) {
		s->unterminated++;
		return false;
	}
	l->out = out_init(s->arena, end - s->at);
	while (s->at < end) {
		char c = s->text[s->at++];

		if (c == '\\' && s->at < end) {
			char next = s->text[s->at];

			if (l->escapes) {
				read_escape(s, l, end);
			} else {
				/* in raw text only \\ and the escaped quote are more than they seem */
				if (l->raw ? s->language == CODE_PYTHON || (next != close[0] && next != '\\') : false)
					out_addch(&l->out, '\\');
				out_addch(&l->out, next);
				s->at++;
			}
		} else if (l->sigil == '$' && c == '$' && (peek(s, 0) == '{' || code_is_name(peek(s, 0), true))) {
			bool braces = peek(s, 0) == '{';

			s->at += braces;
			interpolate(s, l, braces, end);
		} else if ((l->sigil == '#' && c == '#' && peek(s, 0) == '{') || (l->format && c == '{' && peek(s, 0) != '{') ||
			   (s->language == CODE_PHP && l->sigil && c == '{' && peek(s, 0) == '$')) {
			s->at += c == '#';
			interpolate(s, l, true, end);
		} else {
			out_addch(&l->out, c);
		}
	}
	s->at = end + close_len;
	l->value.known &= !l->out.cut;
	l->value.text = out_text(&l->out, &l->value.len);
	return true;
}

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : open == '<' ? '>' : open;
}

/* q(…), qq{…}, qw[…], qx|…| of perl; %q(…), %w[…], %x{…} of ruby */
static bool read_quote_operator(struct code_scan *s, struct code_value *ret)
{
	struct literal l = { .value = { .kind = CODE_TEXT, .known = true } };
	size_t n = s->language == CODE_PERL ? 1 : 2;
	char kind = 'Q', open, close;

	if (s->language == CODE_PERL ? peek(s, 0) != 'q' : s->language != CODE_RUBY || peek(s, 0) != '%')
		return false;
	if (strchr("qwxQWr", peek(s, n - (s->language == CODE_RUBY))) && peek(s, n - (s->language == CODE_RUBY)))
		kind = peek(s, n - (s->language == CODE_RUBY));
	else
		n--;
	if (s->language == CODE_PERL) {
		kind = n == 0 ? 'q' : kind == 'q' ? 'Q' : kind;
		n = n == 0 ? 1 : 2;
	}
	open = peek(s, n);
	if (!open || isalnum((unsigned char)open) || isspace((unsigned char)open) || strchr(",;=_)", open))
		return false;
	close = closing(open);
	l.raw = kind == 'q' || kind == 'w';
	l.escapes = !l.raw;
	l.sigil = l.raw ? 0 : s->language == CODE_PERL ? '$' : '#';
	s->at += n + 1;
	if (!read_body(s, &l, &close, 1, close == open ? 0 : open)) {
		s->at -= n;
		return false;
	}
	*ret = l.value;
	if (kind == 'x') {
		code_emit(s, ret);
		*ret = (struct code_value){ .text = "" };
	} else if (kind == 'w' || kind == 'W') {
		struct code_value *items = NULL;
		size_t count = 0;

		for (const char *p = l.value.text; *p && count < CODE_MAX_ITEMS;) {
			size_t blanks = strspn(p, " \t\n"), len = strcspn(p + blanks, " \t\n");

			if (len) {
				items = arena_append(s->arena, items, count, sizeof(*items));
				items[count++] = code_text(s, p + blanks, len, true, 0);
			}
			p += blanks + len;
		}
		*ret = (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = count, .text = "" };
	}
	return true;
}

/* Letters in front of a Python string. SIZE_MAX: there is no string. */
static size_t string_prefix(const struct code_scan *s)
{
	size_t n = 0;

	if (s->language == CODE_PYTHON)
		while (n < 3 && peek(s, n) && strchr("rRbBuUfF", peek(s, n)))
			n++;
	return peek(s, n) == '"' || peek(s, n) == '\'' ? n : SIZE_MAX;
}

bool code_string(struct code_scan *s, struct code_value *ret)
{
	struct literal l = { .value = { .kind = CODE_TEXT, .known = true }, .escapes = true };
	size_t start = s->at, prefix = string_prefix(s), close_len = 1;
	char close[3];

	if (prefix == SIZE_MAX) {
		if (s->language == CODE_LUA && peek(s, 0) == '[' && peek(s, 1) == '[') {
			s->at += 2;
			l.raw = true;
			l.escapes = false;
			memcpy(close, "]]", 2);
			close_len = 2;
		} else if (peek(s, 0) == '`' && (s->language & (CODE_PERL | CODE_RUBY | CODE_PHP | CODE_NODE | CODE_JULIA))) {
			l.sigil = s->language == CODE_RUBY ? '#' : '$';
			close[0] = '`';
			s->at++;
		} else {
			return read_quote_operator(s, ret);
		}
	} else {
		close[0] = peek(s, prefix);
		for (size_t i = 0; i < prefix; i++) {
			l.escapes &= (s->text[s->at + i] | 32) != 'r';
			l.format |= (s->text[s->at + i] | 32) == 'f';
		}
		l.raw = !l.escapes;
		if (close[0] == '\'' && (s->language & (CODE_PERL | CODE_RUBY | CODE_PHP))) {
			l.raw = true;
			l.escapes = false;
		}
		if (close[0] == '"')
			l.sigil = s->language & (CODE_PERL | CODE_PHP | CODE_GROOVY | CODE_JULIA) ? '$' : s->language == CODE_RUBY ? '#' : 0;
		s->at += prefix + 1;
		if (s->language & (CODE_PYTHON | CODE_GROOVY | CODE_JULIA) && peek(s, 0) == close[0] && peek(s, 1) == close[0]) {
			s->at += 2;
			memset(close, close[0], 3);
			close_len = 3;
		}
	}
	if (!read_body(s, &l, close, close_len, 0)) {
		s->at = start + 1;	/* a lone quote */
		return false;
	}
	*ret = l.value;
	if (close[0] == '`' && !(s->language & (CODE_NODE | CODE_JULIA))) {
		code_emit(s, ret);
		*ret = (struct code_value){ .text = "" };
	}
	return true;
}
