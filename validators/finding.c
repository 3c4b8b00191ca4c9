/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/finding.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define KEPT_PER_RULE 100
#define EXCERPT_COLUMNS 100
#define EXCERPT_BEFORE 50	/* characters kept before the place when a long line is cut */
#define TAB_COLUMNS 8

void finding_list_init(struct finding_list *list, const char *file)
{
	*list = (struct finding_list){ .file = file };
}

static void finding_release(struct finding *f)
{
	free(f->message);
	free(f->path);
	free(f->suggestion);
}

void finding_list_release(struct finding_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		finding_release(&list->items[i]);
	free(list->items);
	finding_list_init(list, list->file);
}

static struct finding *append(struct finding_list *list, enum finding_level level, const char *rule_id,
			      struct position position, const char *fmt, va_list ap)
{
	static const enum severity severities[] = {
		[FINDING_NOTE] = SEVERITY_INFO, [FINDING_WARNING] = SEVERITY_LOW, [FINDING_ERROR] = SEVERITY_HIGH,
	};
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding *f;

	strbuf_vaddf(&message, fmt, ap);
	ARRAY_GROW(list->items, list->len, list->alloc);
	f = &list->items[list->len++];
	*f = (struct finding){
		.level = level, .severity = severities[level], .rule_id = rule_id, .position = position, .width = 1,
		.message = strbuf_detach(&message),
	};
	return f;
}

struct finding *finding_add(struct finding_list *list, enum finding_level level, const char *rule_id,
			    struct position position, const char *fmt, ...)
{
	struct finding *f;
	va_list ap;

	va_start(ap, fmt);
	f = append(list, level, rule_id, position, fmt, ap);
	va_end(ap);
	return f;
}

struct finding *finding_at(struct finding_list *list, enum finding_level level, const char *rule_id,
			   const struct node *node, const char *path, const char *fmt, ...)
{
	struct position position = { 0 };
	struct finding *f;
	va_list ap;

	va_start(ap, fmt);
	f = append(list, level, rule_id, node ? node->start : position, fmt, ap);
	va_end(ap);
	f->path = path && *path ? xstrdup(path) : NULL;
	if (node && node->end.line == node->start.line && node->end.column > node->start.column)
		f->width = node->end.column - node->start.column;
	return f;
}

size_t finding_count(const struct finding_list *list, enum finding_level at_least)
{
	size_t n = 0;

	for (size_t i = 0; i < list->len; i++)
		n += list->items[i].level >= at_least && !list->items[i].suppressed;
	return n;
}

/* ---- order */

static int compare(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;

	if (a->position.line != b->position.line)
		return a->position.line < b->position.line ? -1 : 1;
	if (a->position.column != b->position.column)
		return a->position.column < b->position.column ? -1 : 1;
	return (int)b->level - (int)a->level;
}

/* Sorting in place by merging keeps equal ones in order whatever qsort(3) does. */
static void merge_sort(struct finding *items, struct finding *spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	merge_sort(items, spare, half);
	merge_sort(items + half, spare, n - half);
	if (compare(&items[half - 1], &items[half]) <= 0)
		return;
	memcpy(spare, items, n * sizeof(*items));
	while (i < half || j < n)
		items[k++] = j == n || (i < half && compare(&spare[i], &spare[j]) <= 0) ? spare[i++] : spare[j++];
}

struct tally {
	const char *rule_id;
	size_t seen;
	struct position first_dropped;
};

struct tally_list {
	struct tally *items;
	size_t len, alloc;
};

static struct tally *tally_of(struct tally_list *list, const char *rule_id)
{
	for (size_t i = 0; i < list->len; i++) {
		if (!strcmp(list->items[i].rule_id, rule_id))
			return &list->items[i];
	}
	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len] = (struct tally){ .rule_id = rule_id };
	return &list->items[list->len++];
}

/* Keep the first ones of each rule. */
static void cut(struct finding_list *list)
{
	struct tally_list tallies = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < list->len; i++) {
		struct tally *tally = tally_of(&tallies, list->items[i].rule_id);

		if (++tally->seen <= KEPT_PER_RULE) {
			list->items[kept++] = list->items[i];
			continue;
		}
		if (tally->seen == KEPT_PER_RULE + 1)
			tally->first_dropped = list->items[i].position;
		finding_release(&list->items[i]);
	}
	list->len = kept;
	for (size_t i = 0; i < tallies.len; i++) {
		const struct tally *t = &tallies.items[i];

		if (t->seen > KEPT_PER_RULE)
			finding_add(list, FINDING_NOTE, "finding/more", t->first_dropped,
				    "%zu more findings of '%s' from here on are not listed", t->seen - KEPT_PER_RULE,
				    t->rule_id);
	}
	free(tallies.items);
}

void finding_sort(struct finding_list *list)
{
	autofree struct finding *spare = xcalloc(list->len, sizeof(*spare));

	merge_sort(list->items, spare, list->len);
	if (list->len <= KEPT_PER_RULE)
		return;
	cut(list);	/* a note for at least one dropped: `spare` is still large enough */
	merge_sort(list->items, spare, list->len);
}

/* ---- words */

const char *finding_level_to_string(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_NOTE] = "note", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error",
	};

	return names[level];
}

const char *severity_to_string(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_INFO] = "info", [SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium",
		[SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical",
	};

	return names[severity];
}

/* ---- for people */

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

static void excerpt_make(struct excerpt *x, const char *line, size_t len, uint32_t column, unsigned int width)
{
	uint32_t first = column > EXCERPT_COLUMNS * 3 / 4 ? column - EXCERPT_BEFORE : 1;
	size_t at = skip_chars(line, len, first - 1), n = 0;
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
	const char *line;
	size_t len;

	if (!document_line(doc, f->position.line, &line, &len))
		return;
	excerpt_make(&x, line, len, f->position.column ? f->position.column : 1, f->width);
	strbuf_addf(out, "%5u | %s\n      | %*s%s^", f->position.line, x.text.buf, (int)x.from, "",
		    color ? "\x1b[1;32m" : "");
	for (unsigned int i = x.from + 1; i < x.to; i++)
		strbuf_addch(out, '~');
	strbuf_addstr(out, color ? "\x1b[0m\n" : "\n");
	strbuf_release(&x.text);
}

void finding_print(const struct finding *f, const char *file, const struct document *doc, bool color,
		   struct strbuf *out)
{
	static const char *const colors[] = {
		[FINDING_NOTE] = "\x1b[1;36m", [FINDING_WARNING] = "\x1b[1;33m", [FINDING_ERROR] = "\x1b[1;31m",
	};
	const char *bold = color ? "\x1b[1m" : "", *reset = color ? "\x1b[0m" : "";

	strbuf_addstr(out, bold);
	utf8_escape(out, file, strlen(file));
	if (f->position.line)
		strbuf_addf(out, ":%u:%u", f->position.line, f->position.column);
	strbuf_addf(out, ":%s %s%s:%s ", reset, color ? colors[f->level] : "", finding_level_to_string(f->level),
		    reset);
	utf8_escape(out, f->message, strlen(f->message));
	strbuf_addch(out, '\n');
	if (doc && f->position.line && doc->bytes_len)
		print_excerpt(f, doc, color, out);
	if (f->suggestion) {
		strbuf_addf(out, "  %shelp:%s ", bold, reset);
		utf8_escape(out, f->suggestion, strlen(f->suggestion));
		strbuf_addch(out, '\n');
	}
}

json_t *finding_to_json(const struct finding *f, const char *file)
{
	json_t *o = json_object();

	json_put_text(o, "rule_id", f->rule_id);
	json_put_text(o, "level", finding_level_to_string(f->level));
	json_put_text(o, "severity", severity_to_string(f->severity));
	json_put_text(o, "message", f->message);
	json_put_text(o, "file", file);
	json_put_int(o, "line", f->position.line);
	json_put_int(o, "column", f->position.column);
	json_put_text(o, "path", f->path);
	json_put_text(o, "suggestion", f->suggestion);
	json_put_text(o, "cwe", f->cwe);
	json_put_bool(o, "suppressed", f->suppressed);
	return o;
}
