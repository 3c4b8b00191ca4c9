/* SPDX-License-Identifier: Apache-2.0
 * awk programs of one rule: [BEGIN | END | NR==n | /text/] { print items } or printf of them; items are "text", numbers, $n, $NF, NF, NR. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"
#include "validators/shell/knowledge_output_regex.h"

#define MAX_ITEMS 64

struct awk_item {
	enum { ITEM_TEXT, ITEM_NUMBER, ITEM_FIELD, ITEM_LAST_FIELD, ITEM_FIELDS, ITEM_LINE_NUMBER } kind;
	const char *text;
	size_t len, n;
	bool separated;		/* a comma stands before it */
};

struct awk {
	struct arena *arena;
	const char *at, *end;
	enum { RULE_ALWAYS, RULE_BEGIN, RULE_END, RULE_LINE, RULE_REGEX } rule;
	size_t line;
	struct regex *regex;
	bool printf;
	struct awk_item items[MAX_ITEMS];
	size_t len;
};

static void skip_blanks(struct awk *a)
{
	while (a->at < a->end && isspace((unsigned char)*a->at))
		a->at++;
}

static bool take(struct awk *a, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(a);
	if ((size_t)(a->end - a->at) < n || memcmp(a->at, word, n))
		return false;
	if (isalpha((unsigned char)word[n - 1]) && a->at + n < a->end && (isalnum((unsigned char)a->at[n]) || a->at[n] == '_'))
		return false;
	a->at += n;
	return true;
}

static bool take_number(struct awk *a, size_t *ret)
{
	skip_blanks(a);
	if (a->at >= a->end || !isdigit((unsigned char)*a->at))
		return false;
	for (*ret = 0; a->at < a->end && isdigit((unsigned char)*a->at) && *ret < 100000000; a->at++)
		*ret = *ret * 10 + (size_t)(*a->at - '0');
	return true;
}

static bool take_string(struct awk *a, struct awk_item *item)
{
	struct text_out out = out_init(a->arena, 32);
	bool numeric = false, stop = false;

	for (a->at++; a->at < a->end && *a->at != '"';) {
		size_t i = 0;

		if (*a->at != '\\') {
			out_addch(&out, *a->at++);
			continue;
		}
		a->at++;
		if (a->at < a->end && *a->at == '/')
			out_addch(&out, *a->at++);
		else if (decode_escape(&out, a->at, (size_t)(a->end - a->at), &i, false, &numeric, &stop))
			a->at += i;
		else
			return false;
	}
	if (a->at >= a->end)
		return false;
	a->at++;
	item->kind = ITEM_TEXT;
	item->text = out_text(&out, &item->len);
	return true;
}

static bool take_item(struct awk *a)
{
	struct awk_item *item = &a->items[a->len];

	skip_blanks(a);
	if (a->len >= MAX_ITEMS || a->at >= a->end)
		return false;
	item->separated = false;
	if (*a->at == '"') {
		if (!take_string(a, item))
			return false;
	} else if (*a->at == '$') {
		a->at++;
		item->kind = ITEM_FIELD;
		if (take(a, "NF"))
			item->kind = ITEM_LAST_FIELD;
		else if (!take_number(a, &item->n))
			return false;
	} else if (take(a, "NR")) {
		item->kind = ITEM_LINE_NUMBER;
	} else if (take(a, "NF")) {
		item->kind = ITEM_FIELDS;
	} else if (take_number(a, &item->n)) {
		item->kind = ITEM_NUMBER;
	} else {
		return false;
	}
	a->len++;
	return true;
}

static bool awk_parse(struct awk *a)
{
	bool parenthesis, comma = false;

	if (take(a, "BEGIN")) {
		a->rule = RULE_BEGIN;
	} else if (take(a, "END")) {
		a->rule = RULE_END;
	} else if (take(a, "NR")) {
		a->rule = RULE_LINE;
		if (!take(a, "==") || !take_number(a, &a->line))
			return false;
	} else if (take(a, "/")) {
		const char *stop = memchr(a->at, '/', (size_t)(a->end - a->at));

		if (!stop || memchr(a->at, '\\', (size_t)(stop - a->at)))
			return false;
		a->regex = arena_alloc(a->arena, sizeof(*a->regex));
		if (!regex_compile(a->regex, a->at, (size_t)(stop - a->at), true, false))
			return false;
		a->rule = RULE_REGEX;
		a->at = stop + 1;
	}
	skip_blanks(a);
	if (a->at == a->end)	/* a condition alone prints the lines */
		return a->rule == RULE_LINE || a->rule == RULE_REGEX;
	if (!take(a, "{"))
		return false;
	a->printf = take(a, "printf");
	if (!a->printf && !take(a, "print"))
		return false;
	parenthesis = take(a, "(");
	while (skip_blanks(a), a->at < a->end && !strchr(";})", *a->at)) {
		if (!take_item(a))
			return false;
		a->items[a->len - 1].separated = comma;
		comma = take(a, ",");
	}
	if (parenthesis && !take(a, ")"))
		return false;
	while (take(a, ";"))
		;
	if (!take(a, "}"))
		return false;
	skip_blanks(a);
	return a->at == a->end && !(a->printf && !a->len);
}

/* Field n of a line, 0 the line; *count is how many there are. */
static struct shell_value field_of(struct arena *arena, const char *line, size_t len, const char *separator, size_t n, size_t *count)
{
	struct shell_value v = { .text = "", .known = true };
	bool blanks = !strcmp(separator, " ");

	*count = 0;
	if (!n)
		v = (struct shell_value){ .text = arena_strndup(arena, line, len), .len = len, .known = true };
	for (size_t at = 0; at <= len && len;) {
		size_t stop;

		while (blanks && at < len && isspace((unsigned char)line[at]))
			at++;
		if (blanks && at == len)
			break;
		for (stop = at; stop < len && (blanks ? !isspace((unsigned char)line[stop]) : line[stop] != separator[0]); stop++)
			;
		if (++*count == n)
			v = (struct shell_value){ .text = arena_strndup(arena, line + at, stop - at), .len = stop - at, .known = true };
		at = stop + 1;
	}
	return v;
}

static struct shell_value item_value(struct awk *a, const struct awk_item *item, const char *line, size_t len, size_t number, const char *separator,
				     bool as_char)
{
	struct shell_value v = { .text = item->text, .len = item->len, .known = true };
	struct text_out out;
	char digits[24];
	size_t count, n = item->n;

	if (item->kind == ITEM_TEXT)
		return v;
	if (item->kind == ITEM_FIELD)
		return field_of(a->arena, line, len, separator, n, &count);
	if (item->kind == ITEM_LAST_FIELD || item->kind == ITEM_FIELDS) {
		field_of(a->arena, line, len, separator, SIZE_MAX, &count);
		if (item->kind == ITEM_LAST_FIELD)
			return field_of(a->arena, line, len, separator, count, &count);
		n = count;
	} else if (item->kind == ITEM_LINE_NUMBER) {
		n = number;
	}
	out = out_init(a->arena, 24);
	if (as_char) {
		out_add_utf8(&out, n);
	} else {
		size_t i = sizeof(digits);

		do
			digits[--i] = (char)('0' + n % 10);
		while ((n /= 10) != 0);
		out_add(&out, digits + i, sizeof(digits) - i);
	}
	v.text = out_text(&out, &v.len);
	return v;
}

static bool awk_print(struct awk *a, struct output_call *c, struct text_out *out, const char *line, size_t len, size_t number, const char *separator)
{
	struct shell_value words[MAX_ITEMS + 2], printed = { .text = "" };
	struct output_call call = { .arena = c->arena, .argv = words, .argc = 1, .input = c->input, .ret = &printed, .program = c->program };
	bool as_char = a->printf && a->items[0].kind == ITEM_TEXT && memmem(a->items[0].text, a->items[0].len, "%c", 2);

	if (!a->len) {
		out_add(out, line, len);
		out_addch(out, '\n');
		return true;
	}
	words[0] = (struct shell_value){ .text = "printf", .len = 6, .known = true };
	for (size_t i = 0; i < a->len; i++) {
		struct shell_value v = item_value(a, &a->items[i], line, len, number, separator, as_char);

		if (a->printf && (!i || a->items[i].separated)) {
			words[call.argc++] = v;
			continue;
		}
		if (a->printf)
			return false;
		if (a->items[i].separated)
			out_addch(out, ' ');
		out_add(out, v.text, v.len);
	}
	if (!a->printf) {
		out_addch(out, '\n');
		return true;
	}
	if (!output_printf(&call))
		return false;
	out_add(out, printed.text, printed.len);
	return printed.known;
}

bool output_awk(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct awk a = { .arena = c->arena };
	const struct shell_value *program = output_operand(c, 0), *input;
	const char *separator = " ";
	unsigned int origin;
	bool known, plain = true;
	struct text_out out;
	size_t number = 0;
	struct option o;

	while (option_next(&walk, &o)) {
		if (o.has_value && option_is(&o, 'F', "field-separator"))
			separator = o.value.text;
		else if (!o.operand)
			plain = false;
		if (option_is(&o, 'f', "file"))
			return output_unknown(c, c->input->origin);
	}
	known = output_source(c, 1, &input, &origin) && input->known;
	if (!program)
		return false;
	a.at = program->text;
	a.end = program->text + program->len;
	if (!plain || !program->known || !separator[0] || separator[1] || !awk_parse(&a))
		return output_unknown(c, origin | ORIGIN_ASSEMBLED);
	origin = a.rule == RULE_BEGIN ? program->origin : origin;
	out = out_init(c->arena, 64);
	if (a.rule == RULE_BEGIN) {
		if (!awk_print(&a, c, &out, "", 0, 0, separator))
			return output_unknown(c, origin | ORIGIN_ASSEMBLED);
		return output_text(c, &out, true, origin | ORIGIN_ASSEMBLED);
	}
	if (!known || a.rule == RULE_END)
		return output_unknown(c, origin | ORIGIN_ASSEMBLED);
	for (const char *at = input->text, *end = at + input->len; at < end && !out.cut;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		size_t len = (size_t)(stop - at);
		struct regex_match m;
		int found = 1;

		number++;
		if (a.rule == RULE_LINE)
			found = a.line == number;
		if (a.rule == RULE_REGEX)
			found = regex_search(a.regex, at, len, 0, &m);
		if (found < 0 || (found && !awk_print(&a, c, &out, at, len, number, separator)))
			return output_unknown(c, origin | ORIGIN_ASSEMBLED);
		at = stop + 1;
	}
	return output_text(c, &out, true, origin | ORIGIN_ASSEMBLED);
}
