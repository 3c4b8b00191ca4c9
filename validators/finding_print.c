/* SPDX-License-Identifier: Apache-2.0
 *
 * Findings for people: the look that compilers have, and what a report needs of the document's lines. */
#include "validators/finding.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define EXCERPT_COLUMNS 100
#define EXCERPT_BEFORE 50	/* characters kept before the place when a long line is cut */
#define TAB_COLUMNS 8
#define LINE_BEFORE 100		/* the same of a line that is kept: more than an excerpt shows */

/* The part of a line that is shown, and the columns of the place in it. */
struct excerpt {
	struct strbuf text;
	unsigned int columns;		/* so far */
	unsigned int from, to;		/* underlined: [from, to) */
};

static void excerpt_char(struct excerpt *x, const char *s, size_t n, uint32_t c)
{
	size_t before = x->text.len;

	if (c == '\t') {
		do {
			strbuf_addch(&x->text, ' ');
		} while (++x->columns % TAB_COLUMNS);
		return;
	}
	utf8_escape(&x->text, s, n);
	x->columns += utf8_is_unsafe(c) ? (unsigned int)(x->text.len - before) : utf8_width(c);
}

/* Bytes of the first `chars` characters. */
static size_t skip_chars(const char *s, size_t len, uint32_t chars)
{
	size_t at = 0, n;
	uint32_t c;

	while (chars-- && (n = utf8_decode(s + at, len - at, &c)))
		at += n;
	return at;
}

/* `line` begins with the character of column `line_column`. */
static void excerpt_make(struct excerpt *x, const char *line, size_t len, uint32_t line_column, uint32_t column,
			 unsigned int width)
{
	uint32_t wanted = column > EXCERPT_COLUMNS * 3 / 4 ? column - EXCERPT_BEFORE : 1;
	uint32_t first = wanted > line_column ? wanted : line_column;
	size_t at = skip_chars(line, len, first - line_column), n = 0;
	bool placed = false;
	uint32_t c;

	if (first > 1) {
		strbuf_addstr(&x->text, "…");
		x->columns = 1;
	}
	for (uint32_t i = first; (n = utf8_decode(line + at, len - at, &c)) && x->columns < EXCERPT_COLUMNS;
	     i++, at += n) {
		if (i == column)
			x->from = x->columns;
		placed |= i == column;
		excerpt_char(x, line + at, n, c);
		if (placed && i - column < width)
			x->to = x->columns;
	}
	if (n)
		strbuf_addstr(&x->text, "…");
	if (!placed)
		x->from = x->columns;
	if (x->to <= x->from)
		x->to = x->from + 1;
}

static void print_excerpt(const struct finding *f, const struct document *doc, bool color, struct strbuf *out)
{
	struct excerpt x = { .text = STRBUF_INIT(STRBUF_NO_MAX) };
	const char *line = f->line_text, *end = color ? "\x1b[0m" : "";
	size_t len = line ? strlen(line) : 0;

	if (!f->position.line)
		return;
	/* a line that was kept goes first: secrets are hidden in it */
	if (!line && (!doc || !doc->bytes_len || !document_line(doc, f->position.line, &line, &len)))
		return;
	excerpt_make(&x, line, len, f->line_text ? f->line_column : 1, f->position.column ? f->position.column : 1,
		     f->width);
	strbuf_addf(out, "%5u | %s\n      | %*s%s^", f->position.line, x.text.buf, (int)x.from, "",
		    !color ? "" : f->suppressed ? "\x1b[2m" : "\x1b[1;32m");
	for (unsigned int i = x.from + 1; i < x.to; i++)
		strbuf_addch(out, '~');
	strbuf_addf(out, "%s\n", end);
	strbuf_release(&x.text);
}

/* Whole characters of at most FINDING_LINE_MAX bytes. */
static size_t line_room(const char *s, size_t len)
{
	if (len <= FINDING_LINE_MAX)
		return len;
	for (len = FINDING_LINE_MAX; len > FINDING_LINE_MAX - 4 && (s[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

void finding_keep_lines(struct finding_list *list, const struct document *doc)
{
	struct {	/* findings are sorted: a long line is walked once */
		uint32_t line, column;
		size_t at;
	} here = { 0 };
	const char *line = NULL;
	size_t len = 0;

	for (size_t i = 0; i < list->len; i++) {
		struct finding *f = &list->items[i];
		uint32_t first = 1;

		if (f->line_text || !f->position.line || !doc->bytes_len ||
		    !document_line(doc, f->position.line, &line, &len))
			continue;
		if (len > FINDING_LINE_MAX && f->position.column > LINE_BEFORE)
			first = f->position.column - LINE_BEFORE;
		if (here.line != f->position.line || here.column > first) {
			here.line = f->position.line;
			here.column = 1;
			here.at = 0;
		}
		here.at += skip_chars(line + here.at, len - here.at, first - here.column);
		here.column = first;
		f->line_text = xstrndup(line + here.at, line_room(line + here.at, len - here.at));
		f->line_column = first;
	}
}

/* "error" of the compiler, "high" of the scanner; how loud it looks follows from the severity there. */
static void print_kind(const struct finding *f, bool color, struct strbuf *out)
{
	static const char *const levels[] = {
		[FINDING_NOTE] = "\x1b[1;36m", [FINDING_WARNING] = "\x1b[1;33m", [FINDING_ERROR] = "\x1b[1;31m",
	};
	static const char *const severities[] = {
		[SEVERITY_INFO] = "\x1b[1;36m", [SEVERITY_LOW] = "\x1b[1;36m", [SEVERITY_MEDIUM] = "\x1b[1;33m",
		[SEVERITY_HIGH] = "\x1b[1;31m", [SEVERITY_CRITICAL] = "\x1b[1;37;41m",
	};
	const char *style = f->suppressed ? "\x1b[2m" : f->of_rule ? severities[f->severity] : levels[f->level];

	strbuf_addf(out, "%s%s:%s ", color ? style : "",
		    f->of_rule ? severity_to_string(f->severity) : finding_level_to_string(f->level),
		    color && !f->suppressed ? "\x1b[0m" : "");
}

static void print_line(const char *what, const char *text, bool color, bool dim, struct strbuf *out)
{
	strbuf_addf(out, "  %s%s:%s ", color ? dim ? "\x1b[2m" : "\x1b[1m" : "", what, color && !dim ? "\x1b[0m" : "");
	utf8_escape(out, text, strlen(text));
	strbuf_addf(out, "%s\n", color && dim ? "\x1b[0m" : "");
}

void finding_print(const struct finding *f, const char *file, const struct document *doc, bool color,
		   struct strbuf *out)
{
	strbuf_addstr(out, !color ? "" : f->suppressed ? "\x1b[2m" : "\x1b[1m");
	utf8_escape(out, file, strlen(file));
	if (f->position.line)
		strbuf_addf(out, ":%u:%u", f->position.line, f->position.column);
	strbuf_addf(out, ":%s ", color && !f->suppressed ? "\x1b[0m" : "");
	print_kind(f, color, out);
	utf8_escape(out, f->message, strlen(f->message));
	if (f->of_rule) {
		strbuf_addstr(out, " [");
		utf8_escape(out, f->rule_id, strlen(f->rule_id));
		strbuf_addch(out, ']');
	}
	strbuf_addstr(out, color && f->suppressed ? "\x1b[0m\n" : "\n");
	print_excerpt(f, doc, color, out);
	if (f->suppressed)
		print_line("suppressed", f->justification ? f->justification : "no reason given", color, true, out);
	else if (f->suggestion)
		print_line("help", f->suggestion, color, false, out);
}
