/* SPDX-License-Identifier: Apache-2.0
 *
 * A million findings must not need the memory of a million: whenever twice as many of one rule are held as are
 * wanted, the later half (by position) goes. What goes is counted by rule, level and severity in a tally, so the
 * counts stay exact. */
#include "validators/finding.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"

#define HELD_PER_RULE (2 * FINDINGS_PER_RULE)
#define MORE_ID "finding/more"

/* One rule id of a list. */
struct tally {
	const char *rule_id;
	size_t held;			/* of it in the list */
	bool of_rule;			/* so is the note about them: it goes where they go, baselines for one */
	size_t dropped;
	size_t by_kind[FINDING_ERROR + 1][SEVERITY_CRITICAL + 1];	/* of those dropped */
	struct position first_dropped;	/* the least */
};

/* Open addressing by rule id; at most half full. */
struct tallies {
	struct tally *slots;
	size_t len, alloc;		/* a power of two */
	struct tally *last;		/* findings of one rule come in a row */
};

void finding_list_init(struct finding_list *list, const char *file)
{
	*list = (struct finding_list){ .file = file };
}

static void finding_release(struct finding *f)
{
	free(f->message);
	free(f->path);
	free(f->suggestion);
	free(f->matched);
	free(f->fingerprint);
	free(f->justification);
	free(f->line_text);
}

static void release_tallies(struct finding_list *list)
{
	struct tallies *t = list->tallies;

	if (t)
		free(t->slots);
	free(t);
	list->tallies = NULL;
}

void finding_list_release(struct finding_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		finding_release(&list->items[i]);
	free(list->items);
	release_tallies(list);
	finding_list_init(list, list->file);
}

void finding_settle(struct finding_list *list)
{
	release_tallies(list);
	if (list->len < list->alloc) {
		list->items = xrealloc(list->items, list->len + !list->len, sizeof(*list->items));
		list->alloc = list->len + !list->len;
	}
}

/* ---- tallies */

static struct tally *slot_of(const struct tallies *t, const char *rule_id)
{
	size_t hash = 5381;

	for (const char *s = rule_id; *s; s++)
		hash = hash * 33 + (unsigned char)*s;
	for (;; hash++) {
		struct tally *slot = &t->slots[hash & (t->alloc - 1)];

		if (!slot->rule_id || slot->rule_id == rule_id || !strcmp(slot->rule_id, rule_id))
			return slot;
	}
}

static void grow(struct tallies *t)
{
	struct tallies old = *t;

	t->alloc = old.alloc ? 2 * old.alloc : 16;
	t->slots = xcalloc(t->alloc, sizeof(*t->slots));
	for (size_t i = 0; i < old.alloc; i++)
		if (old.slots[i].rule_id)
			*slot_of(t, old.slots[i].rule_id) = old.slots[i];
	free(old.slots);
}

static struct tally *tally_of(struct finding_list *list, const char *rule_id)
{
	struct tallies *t = list->tallies;

	if (!t)
		list->tallies = t = xcalloc(1, sizeof(*t));
	if (t->last && t->last->rule_id == rule_id)
		return t->last;
	if (2 * t->len >= t->alloc)
		grow(t);
	t->last = slot_of(t, rule_id);
	if (!t->last->rule_id) {
		t->last->rule_id = rule_id;
		t->len++;
	}
	return t->last;
}

static bool is_note_about_more(const struct finding *f)
{
	return !strcmp(f->rule_id, MORE_ID);
}

/* ---- order */

static int compare_positions(struct position a, struct position b)
{
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return a.column == b.column ? 0 : a.column < b.column ? -1 : 1;
}

static int compare(const struct finding *a, const struct finding *b)
{
	int order = compare_positions(a->position, b->position);

	return order ? order : (int)b->level - (int)a->level;
}

/* Merging keeps equal ones in order whatever qsort(3) does. Pointers: findings are large. */
static void merge_sort(struct finding **items, struct finding **spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	merge_sort(items, spare, half);
	merge_sort(items + half, spare, n - half);
	if (compare(items[half - 1], items[half]) <= 0)
		return;
	memcpy(spare, items, n * sizeof(*items));
	while (i < half || j < n)
		items[k++] = j == n || (i < half && compare(spare[i], spare[j]) <= 0) ? spare[i++] : spare[j++];
}

static void drop(struct finding_list *list, struct tally *t, struct finding *f)
{
	list->dropped[f->level]++;
	t->by_kind[f->level][f->severity]++;
	if (!t->dropped++ || compare_positions(f->position, t->first_dropped) < 0)
		t->first_dropped = f->position;
	t->held--;
	finding_release(f);
	f->rule_id = NULL;	/* a hole */
}

static void close_holes(struct finding_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->len; i++)
		if (list->items[i].rule_id)
			list->items[kept++] = list->items[i];
	list->len = kept;
}

/* Keep the first ones of one rule. Of the notes about others, one a rule, all are kept. */
static void thin(struct finding_list *list, struct tally *t)
{
	autofree struct finding **of_rule = xcalloc(2 * t->held, sizeof(*of_rule));
	size_t n = 0;

	for (size_t i = 0; i < list->len && n < t->held; i++)
		if (!strcmp(list->items[i].rule_id, t->rule_id))
			of_rule[n++] = &list->items[i];
	merge_sort(of_rule, of_rule + n, n);
	while (n > FINDINGS_PER_RULE)
		drop(list, t, of_rule[--n]);
	t->held = n;
	close_holes(list);
}

/* ---- adding */

static struct finding *append(struct finding_list *list, struct finding f)
{
	struct tally *t = tally_of(list, f.rule_id);

	if (t->held >= HELD_PER_RULE && strcmp(f.rule_id, MORE_ID))
		thin(list, t);
	t->held++;
	t->of_rule |= f.of_rule;
	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len] = f;
	return &list->items[list->len++];
}

static struct finding *append_text(struct finding_list *list, enum finding_level level, const char *rule_id,
				   struct position position, const char *fmt, va_list ap)
{
	static const enum severity severities[] = {
		[FINDING_NOTE] = SEVERITY_INFO, [FINDING_WARNING] = SEVERITY_LOW, [FINDING_ERROR] = SEVERITY_HIGH,
	};
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_vaddf(&message, fmt, ap);
	return append(list, (struct finding){ .level = level,
					      .severity = severities[level],
					      .rule_id = rule_id,
					      .position = position,
					      .width = 1,
					      .message = strbuf_detach(&message) });
}

struct finding *finding_add(struct finding_list *list, enum finding_level level, const char *rule_id,
			    struct position position, const char *fmt, ...)
{
	struct finding *f;
	va_list ap;

	va_start(ap, fmt);
	f = append_text(list, level, rule_id, position, fmt, ap);
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
	f = append_text(list, level, rule_id, node ? node->start : position, fmt, ap);
	va_end(ap);
	f->path = path && *path ? xstrdup(path) : NULL;
	if (node && node->end.line == node->start.line && node->end.column > node->start.column)
		f->width = node->end.column - node->start.column;
	return f;
}

struct finding *finding_of_rule(struct finding_list *list, enum severity severity, const char *rule_id,
				struct position position, const char *message)
{
	return append(list, (struct finding){ .level = severity == SEVERITY_INFO ? FINDING_NOTE : FINDING_WARNING,
					      .severity = severity,
					      .rule_id = rule_id,
					      .position = position,
					      .width = 1,
					      .message = xstrdup(message),
					      .of_rule = true });
}

size_t finding_count(const struct finding_list *list, enum finding_level at_least)
{
	size_t n = 0;

	for (size_t i = 0; i < list->len; i++)
		n += list->items[i].level >= at_least && !list->items[i].suppressed && !is_note_about_more(&list->items[i]);
	for (int level = at_least; level <= FINDING_ERROR; level++)
		n += list->dropped[level];
	return n;
}

/* ---- sorting and counting */

static void sort_items(struct finding_list *list)
{
	autofree struct finding **order = NULL;
	struct finding *sorted;

	if (list->len < 2)
		return;
	order = xcalloc(2 * list->len, sizeof(*order));
	for (size_t i = 0; i < list->len; i++)
		order[i] = &list->items[i];
	merge_sort(order, order + list->len, list->len);
	sorted = xcalloc(list->alloc, sizeof(*sorted));
	for (size_t i = 0; i < list->len; i++)
		sorted[i] = *order[i];
	free(list->items);
	list->items = sorted;
}

static struct finding *note_of(struct finding_list *list, const struct tally *t)
{
	size_t len = strlen(t->rule_id);

	for (size_t i = 0; i < list->len; i++) {
		struct finding *f = &list->items[i];

		if (is_note_about_more(f) && f->matched && !strncmp(f->matched, t->rule_id, len) && f->matched[len] == ' ')
			return f;
	}
	return NULL;
}

/* One note says how many of a rule are not listed; an earlier one is brought up to date. */
static void note_dropped(struct finding_list *list, const struct tally *t)
{
	autofree char *matched = xasprintf("%s %zu", t->rule_id, t->dropped);
	struct finding *note = note_of(list, t);

	if (note && !strcmp(note->matched, matched))
		return;
	if (!note)
		note = append(list, (struct finding){ .level = FINDING_NOTE,
						      .severity = SEVERITY_INFO,
						      .rule_id = MORE_ID,
						      .width = 1,
						      .of_rule = t->of_rule });
	free(note->message);
	free(note->matched);
	note->position = t->first_dropped;
	note->message = xasprintf("%zu more finding%s of '%s' from here on %s not listed", t->dropped,
				  t->dropped == 1 ? "" : "s", t->rule_id, t->dropped == 1 ? "is" : "are");
	note->matched = steal_ptr(&matched);
}

/* The severity that all kept ones of a rule have; false if they differ or there is none. */
static bool common_severity(const struct finding_list *list, const char *rule_id, enum severity *ret)
{
	bool found = false;

	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i].rule_id, rule_id))
			continue;
		if (found && list->items[i].severity != *ret)
			return false;
		*ret = list->items[i].severity;
		found = true;
	}
	return found;
}

static void count_dropped(struct finding_list *list, const struct tally *t)
{
	const struct finding *note = note_of(list, t);
	enum severity common = SEVERITY_INFO;
	bool same = common_severity(list, t->rule_id, &common);

	if (note && note->suppressed) {
		list->suppressed_count += t->dropped;
		return;
	}
	for (int s = 0; s <= SEVERITY_CRITICAL; s++) {
		size_t n = t->by_kind[FINDING_NOTE][s] + t->by_kind[FINDING_WARNING][s] + t->by_kind[FINDING_ERROR][s];

		list->counts[same ? (int)common : s] += n;
	}
}

static void count(struct finding_list *list)
{
	const struct tallies *t = list->tallies;

	memset(list->counts, 0, sizeof(list->counts));
	list->suppressed_count = 0;
	for (size_t i = 0; i < list->len; i++) {
		const struct finding *f = &list->items[i];

		if (is_note_about_more(f))
			continue;
		if (f->suppressed)
			list->suppressed_count++;
		else
			list->counts[f->severity]++;
	}
	for (size_t i = 0; t && i < t->alloc; i++)
		if (t->slots[i].dropped)
			count_dropped(list, &t->slots[i]);
}

/* Findings may have been removed since: count what is there. */
static void recount_held(struct finding_list *list)
{
	const struct tallies *t = list->tallies;

	for (size_t i = 0; t && i < t->alloc; i++)
		t->slots[i].held = 0;
	for (size_t i = 0; i < list->len; i++)
		tally_of(list, list->items[i].rule_id)->held++;
}

void finding_sort(struct finding_list *list)
{
	struct tallies *t;
	size_t dropped = 0;

	recount_held(list);
	t = list->tallies;
	for (size_t i = 0; t && i < t->alloc; i++) {
		if (t->slots[i].held > FINDINGS_PER_RULE && strcmp(t->slots[i].rule_id, MORE_ID))
			thin(list, &t->slots[i]);
		dropped += t->slots[i].dropped > 0;
	}
	if (dropped) {		/* adding a note may move the slots */
		autofree struct tally *all = xcalloc(dropped, sizeof(*all));
		size_t n = 0;

		for (size_t i = 0; i < t->alloc; i++)
			if (t->slots[i].dropped)
				all[n++] = t->slots[i];
		for (size_t i = 0; i < n; i++)
			note_dropped(list, &all[i]);
	}
	sort_items(list);
	count(list);
}

/* ---- words */

const char *finding_level_to_string(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_NOTE] = "note", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error",
	};

	return names[level];
}

static const char *const severity_names[] = {
	[SEVERITY_INFO] = "info", [SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium",
	[SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical",
};

const char *severity_to_string(enum severity severity)
{
	return severity_names[severity];
}

bool severity_from_string(const char *s, enum severity *ret)
{
	for (int i = 0; i <= SEVERITY_CRITICAL; i++) {
		if (strcmp(s, severity_names[i]))
			continue;
		*ret = (enum severity)i;
		return true;
	}
	return false;
}

const char *suppression_to_string(enum finding_suppression suppression)
{
	static const char *const names[] = {
		[SUPPRESSED_NOT] = NULL, [SUPPRESSED_IN_FILE] = "in_file", [SUPPRESSED_BESIDE] = "beside",
		[SUPPRESSED_BASELINE] = "baseline",
	};

	return names[suppression];
}

void finding_write_json(const struct finding *f, const char *file, struct strbuf *out)
{
	strbuf_addch(out, '{');
	json_add_text(out, "rule_id", f->rule_id);
	json_add_text(out, "level", finding_level_to_string(f->level));
	json_add_text(out, "severity", severity_to_string(f->severity));
	json_add_text(out, "category", f->category);
	json_add_text(out, "message", f->message);
	json_add_text(out, "file", file);
	json_add_int(out, "line", f->position.line);
	json_add_int(out, "column", f->position.column);
	json_add_int(out, "end_column", f->position.line ? (int64_t)f->position.column + f->width : 0);
	json_add_text(out, "path", f->path);
	json_add_text(out, "matched", f->matched);
	json_add_text(out, "suggestion", f->suggestion);
	json_add_text(out, "cwe", f->cwe);
	json_add_text(out, "fingerprint", f->fingerprint);
	json_add_bool(out, "suppressed", f->suppressed);
	json_add_key(out, "suppression");
	if (f->suppressed) {
		strbuf_addch(out, '{');
		json_add_text(out, "kind", suppression_to_string(f->suppression));
		json_add_text(out, "justification", f->justification);
		strbuf_addch(out, '}');
	} else {
		strbuf_addstr(out, "null");
	}
	strbuf_addch(out, '}');
}

json_t *finding_to_json(const struct finding *f, const char *file)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };
	json_t *o = NULL;

	finding_write_json(f, file, &text);
	if (json_parse(text.buf, text.len, "finding", &o, &err) < 0)
		abort();	/* it is ours */
	return o;
}
