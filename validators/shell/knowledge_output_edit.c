/* SPDX-License-Identifier: Apache-2.0
 * sed, grep and awk as far as their scripts are of the plain kind; else only the origins go on. */
#include <ctype.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"
#include "validators/shell/knowledge_output_regex.h"

#define MAX_EDITS 32

/* ---- sed */
enum sed_address_kind { ADDRESS_NONE, ADDRESS_LINE, ADDRESS_LAST, ADDRESS_REGEX };

struct sed_address {
	enum sed_address_kind kind;
	size_t line;
	struct regex *regex;
};

struct sed_edit {
	struct sed_address from, to;
	bool negated, inside;		/* inside: of a range that has begun */
	char command;			/* s y d p q */
	struct regex *regex;
	const char *replacement;	/* s: as written, between its delimiters */
	size_t replacement_len;
	char delimiter;
	bool global, print, verbatim;	/* verbatim: nothing in the replacement means anything */
	bool prefix, suffix;		/* s/^/text/, s/$/text/ */
	size_t nth;
	unsigned char *map;		/* y */
};

struct sed {
	struct output_call *c;
	struct sed_edit *edits;
	size_t len;
	bool quiet, extended;
	struct text_out line[2];	/* between edits, in turn */
};

/* The end of what stands before `delimiter`, from `at` on; len: it does not end. */
static size_t delimited(const char *p, size_t len, size_t at, char delimiter)
{
	bool class = false;

	for (; at < len; at++) {
		if (p[at] == '\\' && !class)
			at++;
		else if (p[at] == delimiter && !class)
			return at;
	}
	return len;
}

/* \X of the delimiter means the delimiter. */
static struct regex *sed_regex(struct sed *sed, const char *p, size_t len, char delimiter, bool fold)
{
	struct regex *re = arena_take(sed->c->arena, sizeof(*re));
	struct text_out out = out_init(sed->c->arena, len);

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\\' && i + 1 < len && p[i + 1] == delimiter && !strchr("(){}|+?.*[]^$", delimiter))
			i++;
		out_addch(&out, p[i]);
	}
	return len && regex_compile(re, out.text, out.len, sed->extended, fold) ? re : NULL;
}

static bool read_address(struct sed *sed, const char *p, size_t len, size_t *at, struct sed_address *ret)
{
	if (*at < len && isdigit((unsigned char)p[*at])) {
		ret->kind = ADDRESS_LINE;
		for (; *at < len && isdigit((unsigned char)p[*at]); (*at)++)
			ret->line = ret->line * 10 + (size_t)(p[*at] - '0');
	} else if (*at < len && p[*at] == '$') {
		ret->kind = ADDRESS_LAST;
		(*at)++;
	} else if (*at < len && p[*at] == '/') {
		size_t end = delimited(p, len, *at + 1, '/');

		ret->kind = ADDRESS_REGEX;
		if (end >= len)
			return false;
		ret->regex = sed_regex(sed, p + *at + 1, end - *at - 1, '/', false);
		*at = end + 1;
		return ret->regex != NULL;
	}
	return true;
}

static bool read_substitution(struct sed *sed, const char *p, size_t len, size_t *at, struct sed_edit *e)
{
	size_t middle, end, from = *at + 1;
	bool fold = false;

	if (*at >= len)
		return false;
	e->delimiter = p[*at];
	middle = delimited(p, len, from, e->delimiter);
	end = middle < len ? delimited(p, len, middle + 1, e->delimiter) : len;
	if (end >= len)
		return false;
	e->replacement = p + middle + 1;
	e->replacement_len = end - middle - 1;
	e->verbatim = !memchr(e->replacement, '&', e->replacement_len) && !memchr(e->replacement, '\\', e->replacement_len);
	for (*at = end + 1; *at < len && !strchr(";\n} ", p[*at]); (*at)++) {
		if (p[*at] == 'g')
			e->global = true;
		else if (p[*at] == 'p')
			e->print = true;
		else if ((p[*at] | 32) == 'i')
			fold = true;
		else if (isdigit((unsigned char)p[*at]))
			e->nth = e->nth * 10 + (size_t)(p[*at] - '0');
		else
			return false;	/* e runs the line, w writes files */
	}
	e->regex = sed_regex(sed, p + from, middle - from, e->delimiter, fold);
	if (e->regex && e->regex->len == 1 && e->verbatim && !e->print && e->nth <= 1) {
		e->prefix = e->regex->nodes[0].kind == NODE_START;
		e->suffix = e->regex->nodes[0].kind == NODE_END;
	}
	return e->regex != NULL;
}

static bool read_map(struct sed *sed, const char *p, size_t len, size_t *at, struct sed_edit *e)
{
	size_t middle, end, k;
	char delimiter = *at < len ? p[*at] : '\0';

	middle = delimited(p, len, *at + 1, delimiter);
	end = middle < len ? delimited(p, len, middle + 1, delimiter) : len;
	if (end >= len || memchr(p + *at, '\\', end - *at))
		return false;
	k = middle - *at - 1;
	if (k != end - middle - 1)
		return false;
	e->map = arena_take(sed->c->arena, 256);
	for (unsigned int i = 0; i < 256; i++)
		e->map[i] = (unsigned char)i;
	for (size_t i = 0; i < k; i++)
		e->map[(unsigned char)p[*at + 1 + i]] = (unsigned char)p[middle + 1 + i];
	*at = end + 1;
	return true;
}

static bool sed_parse(struct sed *sed, const char *p, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct sed_edit *e;

		if (strchr(" \t\n;", p[at])) {
			at++;
			continue;
		}
		if (p[at] == '#') {
			while (at < len && p[at] != '\n')
				at++;
			continue;
		}
		if (sed->len >= MAX_EDITS)
			return false;
		sed->edits = arena_append(sed->c->arena, sed->edits, sed->len, sizeof(*e));
		e = &sed->edits[sed->len];
		if (!read_address(sed, p, len, &at, &e->from))
			return false;
		if (at < len && p[at] == ',') {
			at++;
			if (e->from.kind == ADDRESS_NONE || !read_address(sed, p, len, &at, &e->to) || e->to.kind == ADDRESS_NONE)
				return false;
		}
		while (at < len && (p[at] == ' ' || p[at] == '!'))
			e->negated |= p[at++] == '!';
		if (at >= len)
			return false;
		e->command = p[at++];
		if (e->command == 's' ? !read_substitution(sed, p, len, &at, e) : e->command == 'y' ? !read_map(sed, p, len, &at, e) :
		    !strchr("dpq", e->command))
			return false;
		sed->len++;
	}
	return true;
}

static bool address_matches(const struct sed_address *a, const char *line, size_t len, size_t n, bool last, bool *limit)
{
	struct regex_match m;
	int found;

	if (a->kind == ADDRESS_LINE)
		return a->line == n;
	if (a->kind == ADDRESS_LAST)
		return last;
	if (a->kind == ADDRESS_NONE)
		return true;
	found = regex_search(a->regex, line, len, 0, &m);
	*limit |= found < 0;
	return found > 0;
}

static bool edit_applies(struct sed_edit *e, const char *line, size_t len, size_t n, bool last, bool *limit)
{
	bool hit;

	if (e->to.kind == ADDRESS_NONE) {
		hit = address_matches(&e->from, line, len, n, last, limit);
	} else if (e->inside) {
		hit = true;
		if (e->to.kind == ADDRESS_LINE ? n >= e->to.line : address_matches(&e->to, line, len, n, last, limit))
			e->inside = false;
	} else {
		hit = address_matches(&e->from, line, len, n, last, limit);
		e->inside = hit && !(e->to.kind == ADDRESS_LINE && e->to.line <= n);
	}
	return hit != e->negated;
}

static void add_replacement(struct text_out *out, const struct sed_edit *e, const char *line, const struct regex_match *m)
{
	if (e->verbatim) {
		out_add(out, e->replacement, e->replacement_len);
		return;
	}
	for (size_t i = 0; i < e->replacement_len; i++) {
		char c = e->replacement[i];
		size_t group = 0;

		if (c != '&' && c != '\\') {
			out_addch(out, c);
			continue;
		}
		if (c == '\\') {
			if (++i >= e->replacement_len)
				return;
			c = e->replacement[i];
			if (!isdigit((unsigned char)c)) {
				out_addch(out, c == 'n' ? '\n' : c == 't' ? '\t' : c);
				continue;
			}
			group = (size_t)(c - '0');
		}
		if (group <= e->regex->groups && m->end[group] > m->start[group])
			out_add(out, line + m->start[group], m->end[group] - m->start[group]);
	}
}

/* False: too many steps. */
static bool substitute(struct text_out *out, const struct sed_edit *e, const char *line, size_t len, bool *changed)
{
	size_t at = 0, n = 0, last = SIZE_MAX;

	*changed = false;
	while (at <= len) {
		struct regex_match m;
		int found = regex_search(e->regex, line, len, at, &m);

		if (found < 0)
			return false;
		if (!found)
			break;
		out_add(out, line + at, m.start[0] - at);
		if (m.end[0] == m.start[0] && m.start[0] == last)
			;	/* nothing, right behind the match before: none */
		else if (++n >= (e->nth ? e->nth : 1)) {
			add_replacement(out, e, line, &m);
			*changed = true;
		} else {
			out_add(out, line + m.start[0], m.end[0] - m.start[0]);
		}
		at = last = m.end[0];
		if (m.end[0] == m.start[0]) {	/* an empty match: go on by one */
			if (at < len)
				out_addch(out, line[at]);
			at++;
		}
		if (*changed && !e->global)
			break;
		if (e->regex->nodes[0].kind == NODE_START)
			break;
	}
	if (at < len)
		out_add(out, line + at, len - at);
	return true;
}

/* s or y makes the next line of this one. False: too many steps. */
static bool edit_line(struct text_out *out, struct text_out *next, const struct sed_edit *e, const char *line, size_t len)
{
	size_t from = next->len;
	bool changed;

	if (e->prefix || e->suffix) {
		out_add(next, e->replacement, e->prefix ? e->replacement_len : 0);
		out_add(next, line, len);
		out_add(next, e->replacement, e->suffix ? e->replacement_len : 0);
		return true;
	}
	if (e->command == 'y') {
		for (size_t i = 0; i < len; i++)
			out_addch(next, (char)e->map[(unsigned char)line[i]]);
		return true;
	}
	if (!substitute(next, e, line, len, &changed))
		return false;
	if (e->print && changed) {
		out_add(out, next->text + from, next->len - from);
		out_addch(out, '\n');
	}
	return true;
}

/* One line through all edits; *stop: q. False: it cannot be told. */
static bool sed_line(struct sed *sed, struct text_out *out, const char *line, size_t len, size_t n, bool last, bool *stop)
{
	bool limit = false;
	size_t turn = 0;

	for (size_t i = 0; i < sed->len; i++) {
		struct sed_edit *e = &sed->edits[i];
		struct text_out *next = &sed->line[turn];

		if (!edit_applies(e, line, len, n, last, &limit))
			continue;
		if (e->command == 'd')
			return !limit;
		if (e->command == 'q')
			*stop = true;
		if (e->command == 'q')
			break;
		if (e->command == 'p') {
			out_add(out, line, len);
			out_addch(out, '\n');
			continue;
		}
		if (i + 1 == sed->len && !sed->quiet && !e->print) {	/* straight to where it goes */
			if (!edit_line(out, out, e, line, len))
				return false;
			out_addch(out, '\n');
			return !limit;
		}
		turn ^= 1;
		next->len = 0;
		if (!edit_line(out, next, e, line, len))
			return false;
		line = out_text(next, &len);
	}
	if (!sed->quiet) {
		out_add(out, line, len);
		out_addch(out, '\n');
	}
	return !limit;
}

/* How long the line is, with its end, when that is within eight bytes; 0: it is longer, or the text ends. */
static size_t short_line(const char *at, const char *end, uint64_t *ret)
{
	const uint64_t ones = UINT64_MAX / 0xff;
	uint64_t word, differ, ends;

	if (end - at < (ptrdiff_t)sizeof(word))
		return 0;
	memcpy(&word, at, sizeof(word));
	*ret = word;
	differ = le64toh(word) ^ ones * '\n';
	ends = (differ - ones) & ~differ & ones << 7;	/* the lowest bit is right: where the first newline is */
	return ends ? (size_t)__builtin_ctzll(ends) / 8 + 1 : 0;
}

#define SHORT_PREFIX 16

/* s/^/text/, which makes long text of long text. Most lines are short and there is room: what is moved then has a fixed length. */
static void prefix_lines(struct text_out *out, const struct sed_edit *e, const struct shell_value *input)
{
	const char *end = input->text + input->len;
	const bool is_short = e->replacement_len <= SHORT_PREFIX;
	char prefix[SHORT_PREFIX] = "";

	if (is_short && e->replacement_len)
		memcpy(prefix, e->replacement, e->replacement_len);
	for (const char *at = input->text; at < end && !out->cut;) {
		uint64_t word;
		size_t len = short_line(at, end, &word);

		if (len && is_short && out->room - out->len >= sizeof(prefix) + sizeof(word)) {
			memcpy(out->text + out->len, prefix, sizeof(prefix));
			memcpy(out->text + out->len + e->replacement_len, &word, sizeof(word));
			out->len += e->replacement_len + len;
		} else {
			const char *newline = memchr(at, '\n', (size_t)(end - at));

			len = (size_t)((newline ? newline + 1 : end) - at);
			out_add(out, e->replacement, e->replacement_len);
			out_add(out, at, len);
		}
		at += len;
	}
	if (input->len && end[-1] != '\n')
		out_addch(out, '\n');
}

bool output_sed(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct sed all = { .c = c }, *sed = &all;
	const struct shell_value *input, *script = NULL;
	struct text_out text = out_init(c->arena, 0), out;
	bool parsed = true, known, stop = false;
	unsigned int origin;
	struct option o;
	size_t n = 0;

	while (option_next(&walk, &o)) {
		sed->quiet |= option_is(&o, 'n', "quiet") || option_is(&o, 0, "silent");
		sed->extended |= option_in(&o, "Er", "regexp-extended");
		parsed &= !option_in(&o, "fzs", "file null-data separate");
		if (option_is(&o, 'i', "in-place"))	/* writes the files */
			return output_nothing(c);
		if (o.has_value && option_is(&o, 'e', "expression")) {
			script = &o.value;
			parsed &= o.value.known;
			out_add(&text, o.value.text, o.value.len);
			out_addch(&text, '\n');
		}
	}
	known = output_source(c, script == NULL && parsed, &input, &origin) && input->known;
	if (!script && (script = output_operand(c, 0)) != NULL) {
		parsed &= script->known;
		out_add(&text, script->text, script->len);
	}
	if (!known)
		return output_unknown(c, origin | ORIGIN_ASSEMBLED);
	if (!script || !parsed || text.cut || !sed_parse(sed, text.text, text.len))
		return output_unknown(c, origin | ORIGIN_ASSEMBLED);
	out = out_init(c->arena, input->len + input->len / 2);
	if (sed->len == 1 && sed->edits->prefix && sed->edits->from.kind == ADDRESS_NONE && !sed->edits->negated && !sed->quiet) {
		prefix_lines(&out, sed->edits, input);
		return output_text(c, &out, true, origin | ORIGIN_ASSEMBLED);
	}
	sed->line[0] = sed->line[1] = out_init(c->arena, 0);
	for (const char *at = input->text, *end = at + input->len; at < end && !stop && !out.cut;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *line_stop = newline ? newline : end;

		if (!sed_line(sed, &out, at, (size_t)(line_stop - at), ++n, line_stop + 1 >= end, &stop))
			return output_unknown(c, origin | ORIGIN_ASSEMBLED);
		at = line_stop + 1;
	}
	return output_text(c, &out, true, origin | ORIGIN_ASSEMBLED);
}

/* ---- grep */
struct grep {
	bool fixed, extended, fold, inverted, only, whole_line, count, understood;
	const struct shell_value *pattern;
	struct shell_value option_pattern;
};

static void grep_options(struct output_call *c, struct grep *g)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct option o;

	g->understood = true;
	g->fixed = c->program->words && c->program->words[0] == 'F';
	g->extended = c->program->words && c->program->words[0] == 'E';
	while (option_next(&walk, &o)) {
		g->fixed |= option_is(&o, 'F', "fixed-strings");
		g->extended |= option_in(&o, "EP", "extended-regexp perl-regexp");
		g->fold |= option_in(&o, "iy", "ignore-case");
		g->inverted |= option_is(&o, 'v', "invert-match");
		g->only |= option_is(&o, 'o', "only-matching");
		g->whole_line |= option_is(&o, 'x', "line-regexp");
		g->understood &= !option_in(&o, "ABCcflLnqwHbz", "file count quiet silent word-regexp");
		if (o.has_value && option_is(&o, 'e', "regexp")) {
			g->understood &= !g->pattern;
			g->option_pattern = o.value;
			g->pattern = &g->option_pattern;
		}
	}
}

static bool grep_compile(struct output_call *c, struct grep *g, struct regex *re)
{
	struct text_out out = out_init(c->arena, g->pattern->len * 2 + 2);

	if (g->whole_line)
		out_addch(&out, '^');
	for (size_t i = 0; i < g->pattern->len; i++) {
		if (g->fixed && strchr("\\.[]*^$", g->pattern->text[i]))
			out_addch(&out, '\\');
		if (g->pattern->text[i] == '\n')
			return false;
		out_addch(&out, g->pattern->text[i]);
	}
	if (g->whole_line)
		out_addch(&out, '$');
	return regex_compile(re, out.text, out.len, g->extended && !g->fixed, g->fold);
}

bool output_grep(struct output_call *c)
{
	struct regex *re = arena_take(c->arena, sizeof(*re));
	const struct shell_value *input;
	struct grep g = { .fixed = false };
	struct text_out out;
	unsigned int origin;
	bool known;

	grep_options(c, &g);
	known = output_source(c, g.pattern == NULL, &input, &origin) && input->known;
	if (!g.pattern)
		g.pattern = output_operand(c, 0);
	if (!g.pattern)
		return false;
	if (!known || !g.understood || !g.pattern->known || !grep_compile(c, &g, re))
		return output_unknown(c, origin);
	out = out_init(c->arena, input->len);
	for (const char *at = input->text, *end = at + input->len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		size_t len = (size_t)(stop - at), from = 0;
		struct regex_match m;
		int found = regex_search(re, at, len, 0, &m);

		if (found < 0)
			return output_unknown(c, origin);
		if ((found > 0) != g.inverted && !g.only) {
			out_add(&out, at, len);
			out_addch(&out, '\n');
		}
		while (g.only && found > 0 && from <= len) {
			if (m.end[0] > m.start[0]) {
				out_add(&out, at + m.start[0], m.end[0] - m.start[0]);
				out_addch(&out, '\n');
			}
			from = m.end[0] + (m.end[0] == m.start[0]);
			found = from <= len ? regex_search(re, at, len, from, &m) : 0;
		}
		at = stop + 1;
	}
	return output_text(c, &out, true, origin | (g.only ? ORIGIN_ASSEMBLED : 0));
}
