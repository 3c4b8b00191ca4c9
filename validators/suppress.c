/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/suppress.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/utf8.h"
#include "validators/schema.h"

#define MARK "sandbox_runner:"
#define COMMENTS_MAX 1000	/* of one package; the rest is not looked at and counts */

/* One statement: which findings it is about, and why. */
struct ignore {
	char *rule;			/* id or glob */
	char *path, *file;		/* globs; NULL: any */
	uint32_t first, last;		/* lines; 0: any */
	long until;			/* last day on which it holds; LONG_MAX: for ever */
	char *reason;
	enum finding_suppression kind;
	struct position position;	/* where it stands */
	bool trusted;			/* does not come with the package: may be about critical findings as well */
	bool used, refused;
};

struct ignores {
	struct ignore *items;
	size_t len, alloc;
};

struct suppressions {
	const struct rule_set *rules;
	long today;
	struct ignores beside;
};

static void ignores_release(struct ignores *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].rule);
		free(list->items[i].path);
		free(list->items[i].file);
		free(list->items[i].reason);
	}
	free(list->items);
	*list = (struct ignores){ .items = NULL };
}

struct suppressions *suppressions_new(const struct rule_set *rules, long today)
{
	struct suppressions *s = xcalloc(1, sizeof(*s));

	s->rules = rules;
	s->today = today;
	return s;
}

void suppressions_free(struct suppressions *s)
{
	if (!s)
		return;
	ignores_release(&s->beside);
	free(s);
}

/* ---- dates */

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static long days_of(int year, int month, int day)
{
	long y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool read_digits(const char *s, size_t n, int *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		*ret = *ret * 10 + s[i] - '0';
	}
	return true;
}

/* "YYYY-MM-DD", and a day that exists. */
static bool date_parse(const char *s, size_t len, long *ret)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;
	bool leap;

	if (len != 10 || s[4] != '-' || s[7] != '-' || !read_digits(s, 4, &year) || !read_digits(s + 5, 2, &month) ||
	    !read_digits(s + 8, 2, &day) || month < 1 || month > 12 || day < 1 || year < 1970)
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (day > lengths[month - 1] + (month == 2 && leap))
		return false;
	*ret = days_of(year, month, day);
	return true;
}

/* ---- what is wrong with a statement */

static bool rule_known(const struct suppressions *s, const char *rule)
{
	if (!s->rules || !strncmp(rule, "scan/", 5) || !strncmp(rule, "policy/", 7) || !strcmp(rule, "*"))
		return true;
	for (size_t i = 0; i < s->rules->len; i++)
		if (fnmatch(rule, rules_id(s->rules, i), 0) == 0)
			return true;
	return false;
}

static void say_unknown(const struct suppressions *s, const char *rule, struct position at, struct finding_list *findings)
{
	autofree const char **names = xcalloc(s->rules->len + 1, sizeof(*names));
	char quoted[UTF8_QUOTE_SIZE];
	struct finding *f;
	const char *near;

	for (size_t i = 0; i < s->rules->len; i++)
		names[i] = rules_id(s->rules, i);
	near = nearest(rule, names, s->rules->len);
	f = finding_add(findings, FINDING_WARNING, "suppress/unknown-rule", at, "there is no rule %s to ignore",
			utf8_quote(quoted, rule, strlen(rule)));
	f->suggestion = near ? xasprintf("did you mean '%s'?", near) : xstrdup("'sandbox_runner rules list' shows all rules");
}

/* Keep a statement if it may count. `reason` may be NULL or empty. */
static void keep(const struct suppressions *s, struct ignores *list, struct ignore ignore, struct finding_list *findings)
{
	char quoted[UTF8_QUOTE_SIZE];

	if (!ignore.reason || !*ignore.reason) {
		finding_add(findings, FINDING_WARNING, "suppress/no-reason", ignore.position,
			    "an ignored finding needs a reason, so this one counts")->suggestion = xstrdup("add '-- REASON' (or 'reason:' in a file)");
	} else if (!rule_known(s, ignore.rule)) {
		say_unknown(s, ignore.rule, ignore.position, findings);
	} else if (ignore.until < s->today) {
		finding_add(findings, FINDING_WARNING, "suppress/expired", ignore.position, "the time to ignore %s is over, so it counts again",
			    utf8_quote(quoted, ignore.rule, strlen(ignore.rule)))->suggestion = xstrdup("repair what it hides, or set a new date");
	} else {
		ARRAY_GROW(list->items, list->len, list->alloc);
		list->items[list->len++] = ignore;
		return;
	}
	free(ignore.rule);
	free(ignore.path);
	free(ignore.file);
	free(ignore.reason);
}

/* ---- comments */

struct line {
	const char *text;
	size_t len;
};

static bool line_at(const struct document *doc, uint32_t number, struct line *ret)
{
	return document_line(doc, number, &ret->text, &ret->len);
}

static size_t indentation(const struct line *l)
{
	size_t n = 0;

	while (n < l->len && (l->text[n] == ' ' || l->text[n] == '\t'))
		n++;
	return n;
}

static bool is_blank(const struct line *l)
{
	return indentation(l) == l->len;
}

static bool is_comment(const struct line *l)
{
	size_t n = indentation(l);

	return n < l->len && l->text[n] == '#';
}

/* "key: |" and its relatives: the lines below that are deeper belong to it. */
static bool opens_block(const struct line *l)
{
	size_t end = l->len;
	const char *hash = NULL;

	for (size_t i = 1; i < l->len && !hash; i++)
		if (l->text[i] == '#' && isblank((unsigned char)l->text[i - 1]))
			hash = l->text + i;
	if (hash)
		end = (size_t)(hash - l->text);
	while (end && (isspace((unsigned char)l->text[end - 1]) || strchr("+-0123456789", l->text[end - 1])))
		end--;
	return end >= 2 && (l->text[end - 1] == '|' || l->text[end - 1] == '>') && isblank((unsigned char)l->text[end - 2]);
}

/* The lines that a comment on line `at` is about. */
static void find_lines(const struct document *doc, uint32_t at, bool alone, struct ignore *ret)
{
	struct line l, below;
	uint32_t number = at;

	if (alone)
		do {
			number++;
		} while (line_at(doc, number, &l) && (is_blank(&l) || is_comment(&l)));
	ret->first = ret->last = number;
	if (!line_at(doc, number, &l) || !opens_block(&l))
		return;
	while (line_at(doc, ret->last + 1, &below) && (is_blank(&below) || indentation(&below) > indentation(&l)))
		ret->last++;
}

static void trim(const char **s, size_t *len)
{
	while (*len && isspace((unsigned char)**s))
		(*s)++, (*len)--;
	while (*len && isspace((unsigned char)(*s)[*len - 1]))
		(*len)--;
}

/* "RULE[, RULE…] [until DATE] -- REASON": `s` begins behind "ignore". */
static void parse_comment(const struct suppressions *s, const char *text, size_t len, struct ignore model, struct ignores *list,
			  struct finding_list *findings)
{
	const char *dashes = memmem(text, len, "--", 2), *until, *reason = dashes ? dashes + 2 : NULL;
	size_t head = dashes ? (size_t)(dashes - text) : len, reason_len = dashes ? len - head - 2 : 0;

	trim(&text, &head);
	until = memmem(text, head, " until ", 7);
	model.until = __LONG_MAX__;
	if (until) {
		const char *date = until + 7;
		size_t date_len = head - (size_t)(date - text);

		trim(&date, &date_len);
		if (!date_parse(date, date_len, &model.until)) {
			finding_add(findings, FINDING_WARNING, "suppress/wrong-date", model.position,
				    "'until' wants a date such as 2027-01-31, so this one counts");
			return;
		}
		head = (size_t)(until - text);
	}
	if (reason)
		trim(&reason, &reason_len);
	while (head) {
		const char *comma = memchr(text, ',', head), *rule = text;
		size_t rule_len = comma ? (size_t)(comma - text) : head, used = comma ? rule_len + 1 : head;

		trim(&rule, &rule_len);
		if (rule_len) {
			struct ignore one = model;

			one.rule = xstrndup(rule, rule_len);
			one.reason = reason_len ? xstrndup(reason, reason_len) : NULL;
			keep(s, list, one, findings);
		}
		text += used;
		head -= used;
	}
}

/* Is what stands before the mark on its line the sign of a comment? Tells whether something stands before that. */
static bool begins_comment(const struct line *l, size_t mark, bool *alone)
{
	size_t hash = mark;

	while (hash && isblank((unsigned char)l->text[hash - 1]))
		hash--;
	if (!hash || l->text[hash - 1] != '#')
		return false;
	hash--;
	*alone = hash == indentation(l);
	return *alone || isblank((unsigned char)l->text[hash - 1]);
}

static void read_comments(const struct suppressions *s, const struct document *doc, struct ignores *list, struct finding_list *findings)
{
	const char *bytes = doc->bytes, *end = doc->bytes + doc->bytes_len, *found;
	const char *counted = bytes;
	uint32_t number = 1;

	while (list->len < COMMENTS_MAX && (found = memmem(bytes, (size_t)(end - bytes), MARK, strlen(MARK)))) {
		struct ignore model = { .kind = SUPPRESSED_IN_FILE };
		struct line l;
		size_t at, rest;
		bool alone;

		for (; counted < found; counted++)
			number += *counted == '\n';
		bytes = found + strlen(MARK);
		if (!line_at(doc, number, &l) || found < l.text || found >= l.text + l.len)
			continue;
		at = (size_t)(found - l.text) + strlen(MARK);
		if (!begins_comment(&l, (size_t)(found - l.text), &alone))
			continue;
		while (at < l.len && isblank((unsigned char)l.text[at]))
			at++;
		rest = l.len - at;
		if (rest < 7 || memcmp(l.text + at, "ignore ", 7) != 0)
			continue;
		model.position = (struct position){ .line = number, .column = (uint32_t)(found - l.text) + 1 };
		find_lines(doc, number, alone, &model);
		parse_comment(s, l.text + at + 7, rest - 7, model, list, findings);
	}
}

/* ---- a file beside */

static char *text_of(const struct node *map, const char *key)
{
	const struct node *node = node_get(map, key);

	return node && node->kind == NODE_SCALAR && !node_is_null(node) ? xstrdup(node->text) : NULL;
}

static void check_keys(const struct node *entry, struct finding_list *findings)
{
	static const char *const known[] = { "rule", "path", "file", "until", "reason" };

	for (size_t i = 0; i < entry->len; i++) {
		const struct node *key = entry->pairs[i].key;
		bool good = false;

		for (size_t k = 0; k < ARRAY_SIZE(known) && key->kind == NODE_SCALAR; k++)
			good |= !strcmp(known[k], key->text);
		if (!good)
			finding_at(findings, FINDING_ERROR, "suppress/unknown-key", key, NULL,
				   "an entry has 'rule', 'path', 'file', 'until' and 'reason', not '%s'",
				   key->kind == NODE_SCALAR ? key->text : "…");
	}
}

static void add_entry(struct suppressions *s, const struct node *entry, bool trusted, struct finding_list *findings)
{
	struct ignore ignore = { .kind = SUPPRESSED_BESIDE, .trusted = trusted, .until = __LONG_MAX__, .position = entry->start };
	autofree char *until = NULL;

	if (entry->kind != NODE_MAPPING || !node_get(entry, "rule")) {
		finding_at(findings, FINDING_ERROR, "suppress/entry", entry, NULL, "an entry is a mapping with 'rule' and 'reason'");
		return;
	}
	check_keys(entry, findings);
	until = text_of(entry, "until");
	if (until && !date_parse(until, strlen(until), &ignore.until)) {
		finding_at(findings, FINDING_ERROR, "suppress/wrong-date", node_get(entry, "until"), NULL,
			   "'until' wants a date such as 2027-01-31");
		return;
	}
	ignore.rule = text_of(entry, "rule");
	if (!ignore.rule)
		ignore.rule = xstrdup("");
	ignore.path = text_of(entry, "path");
	ignore.file = text_of(entry, "file");
	ignore.reason = text_of(entry, "reason");
	keep(s, &s->beside, ignore, findings);
}

void suppressions_add_document(struct suppressions *s, const struct document *doc, bool trusted, struct finding_list *findings)
{
	const struct node *list = node_get(doc->root, "ignore");

	for (size_t i = 0; i < doc->problems_len; i++)
		finding_add(findings, FINDING_ERROR, "yaml/syntax", doc->problems[i].position, "%s", doc->problems[i].message);
	if (doc->problems_len)
		return;
	if (!list || list->kind != NODE_SEQUENCE) {
		finding_add(findings, FINDING_ERROR, "suppress/no-list", (struct position){ .line = 1, .column = 1 },
			    "the file holds 'ignore:' with a list of entries");
		return;
	}
	for (size_t i = 0; i < list->len; i++)
		add_entry(s, list->items[i], trusted, findings);
}

/* ---- use */

static bool concerns(const struct ignore *ignore, const struct finding *f, const char *file)
{
	if (fnmatch(ignore->rule, f->rule_id, 0) != 0)
		return false;
	if (ignore->first && (f->position.line < ignore->first || f->position.line > ignore->last))
		return false;
	if (ignore->path && (!f->path || fnmatch(ignore->path, f->path, 0) != 0))
		return false;
	return !ignore->file || fnmatch(ignore->file, file ? file : "", 0) == 0;
}

static void suppress(struct ignores *list, struct finding *f, const char *file)
{
	for (size_t i = 0; i < list->len && !f->suppressed; i++) {
		struct ignore *ignore = &list->items[i];

		if (!concerns(ignore, f, file))
			continue;
		ignore->used = true;
		if (f->severity == SEVERITY_CRITICAL && !ignore->trusted) {
			ignore->refused = true;
			continue;
		}
		f->suppressed = true;
		f->suppression = ignore->kind;
		f->justification = xstrdup(ignore->reason);
	}
}

/* A package is the last to ask whether it is harmless. */
static void say_refused(struct ignores *list, bool in_file, struct finding_list *findings)
{
	for (size_t i = 0; i < list->len; i++) {
		struct ignore *ignore = &list->items[i];
		char quoted[UTF8_QUOTE_SIZE];

		if (!ignore->refused)
			continue;
		ignore->refused = false;
		finding_add(findings, FINDING_WARNING, "suppress/critical", in_file ? ignore->position : (struct position){ 0 },
			    "what comes with a package cannot ignore its critical findings (%s), so they count",
			    utf8_quote(quoted, ignore->rule, strlen(ignore->rule)))->suggestion =
			xstrdup("name it in a file given by --ignore-file");
	}
}

void suppressions_apply(struct suppressions *s, const struct document *doc, struct finding_list *findings)
{
	struct ignores in_file = { .items = NULL };

	read_comments(s, doc, &in_file, findings);
	for (size_t i = 0; i < findings->len; i++) {
		struct finding *f = &findings->items[i];

		if (!f->of_rule)
			continue;
		suppress(&in_file, f, findings->file);
		suppress(&s->beside, f, findings->file);
	}
	for (size_t i = 0; i < in_file.len; i++) {
		char quoted[UTF8_QUOTE_SIZE];

		if (!in_file.items[i].used)
			finding_add(findings, FINDING_NOTE, "suppress/unused", in_file.items[i].position,
				    "nothing is found here by %s that would have to be ignored",
				    utf8_quote(quoted, in_file.items[i].rule, strlen(in_file.items[i].rule)));
	}
	say_refused(&in_file, true, findings);
	say_refused(&s->beside, false, findings);
	ignores_release(&in_file);
	finding_sort(findings);
}
