/* SPDX-License-Identifier: Apache-2.0
 *
 * A scanned file as one line: between the processes of one scan, and while a report waits to be written. Fields with tabs
 * between: all numbers, the names, what the decision says, and for each finding its texts and its numbers. How many of each
 * there are is told by numbers, so that each reader passes over what it does not need. A text is "=" and its bytes, whatever
 * they are, with backslashes before three of them; the empty field is no text. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_report.h"

#define LINE_VERSION 3

enum {
	TEXT_RULE_ID,
	TEXT_MESSAGE,
	TEXT_PATH,
	TEXT_SUGGESTION,
	TEXT_CWE,
	TEXT_CATEGORY,
	TEXT_MATCHED,
	TEXT_FINGERPRINT,
	TEXT_JUSTIFICATION,
	TEXT_LINE,
	TEXTS
};
enum {
	NUMBER_LEVEL,
	NUMBER_SEVERITY,
	NUMBER_LINE,
	NUMBER_COLUMN,
	NUMBER_WIDTH,
	NUMBER_LINE_COLUMN,
	NUMBER_SUPPRESSED,
	NUMBER_SUPPRESSION,
	NUMBER_OF_RULE,
	NUMBERS
};

/* ---- writing */

static void add_number(struct strbuf *out, uint64_t n)
{
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	*--p = ' ';
	strbuf_add(out, p, (size_t)(digits + sizeof(digits) - p));
}

static void add_text(struct strbuf *out, const char *s)
{
	strbuf_addch(out, '\t');
	if (!s)
		return;
	strbuf_addch(out, '=');
	for (;;) {
		size_t plain = strcspn(s, "\t\n\\");

		strbuf_add(out, s, plain);
		s += plain;
		if (!*s)
			return;
		strbuf_addch(out, '\\');
		strbuf_addch(out, *s == '\t' ? 't' : *s == '\n' ? 'n' : '\\');
		s++;
	}
}

static void add_finding(struct strbuf *out, const struct finding *f)
{
	const char *const texts[TEXTS] = {
		[TEXT_RULE_ID] = f->rule_id, [TEXT_MESSAGE] = f->message, [TEXT_PATH] = f->path,
		[TEXT_SUGGESTION] = f->suggestion, [TEXT_CWE] = f->cwe, [TEXT_CATEGORY] = f->category,
		[TEXT_MATCHED] = f->matched, [TEXT_FINGERPRINT] = f->fingerprint,
		[TEXT_JUSTIFICATION] = f->justification, [TEXT_LINE] = f->line_text,
	};
	const uint64_t numbers[NUMBERS] = {
		[NUMBER_LEVEL] = f->level, [NUMBER_SEVERITY] = f->severity, [NUMBER_LINE] = f->position.line,
		[NUMBER_COLUMN] = f->position.column, [NUMBER_WIDTH] = f->width, [NUMBER_LINE_COLUMN] = f->line_column,
		[NUMBER_SUPPRESSED] = f->suppressed, [NUMBER_SUPPRESSION] = f->suppression, [NUMBER_OF_RULE] = f->of_rule,
	};

	for (size_t i = 0; i < TEXTS; i++)
		add_text(out, texts[i]);
	strbuf_addch(out, '\t');
	for (size_t i = 0; i < NUMBERS; i++)
		add_number(out, numbers[i]);
}

static void add_texts(struct strbuf *out, const struct strvec *texts)
{
	for (size_t i = 0; i < texts->len; i++)
		add_text(out, texts->items[i]);
}

static void add_numbers(struct strbuf *out, const uint64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_number(out, numbers[i]);
}

void scanned_file_to_line(const struct scanned_file *f, struct strbuf *out)
{
	const struct scanned_decision *d = &f->decision;
	const uint64_t first[] = {
		LINE_VERSION, f->valid, (uint64_t)f->unreadable, f->verdict, f->acceptable, f->baseline_matched,
	};
	const uint64_t last[] = {
		f->decided, d->score, d->approval_required, d->facts.categories, d->facts.resource_types,
		d->facts.complexity, d->facts.automation, d->arithmetic.len, d->reasons.len, f->findings.len,
	};

	add_numbers(out, first, ARRAY_SIZE(first));
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.counts); i++)
		add_number(out, f->findings.counts[i]);
	add_number(out, f->findings.suppressed_count);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.dropped); i++)
		add_number(out, f->findings.dropped[i]);
	add_numbers(out, last, ARRAY_SIZE(last));
	add_text(out, f->file);
	add_text(out, f->workflow_id);
	add_texts(out, &d->arithmetic);
	add_texts(out, &d->reasons);
	for (size_t i = 0; i < f->findings.len; i++)
		add_finding(out, &f->findings.items[i]);
}

/* ---- reading: what is not as written above is refused, whoever wrote it */

struct reader {
	const char *at;
	size_t left;
	bool ended;		/* no further field */
	bool ok;
};

struct field {
	const char *text;
	size_t len;
};

static struct field next_field(struct reader *r)
{
	const char *tab = memchr(r->at, '\t', r->left);
	struct field field = { r->at, tab ? (size_t)(tab - r->at) : r->left };

	r->ok &= !r->ended;
	r->ended = !tab;
	r->at += field.len + (tab != NULL);
	r->left -= field.len + (tab != NULL);
	return field;
}

static void skip_fields(struct reader *r, size_t n)
{
	while (n-- && r->ok)
		next_field(r);
}

/* NULL where there is no text. */
static char *next_text(struct reader *r)
{
	struct field f = next_field(r);
	char *text, *to;

	if (!f.len)
		return NULL;
	r->ok &= f.text[0] == '=' && !memchr(f.text, '\0', f.len);
	text = to = xmalloc(f.len);
	for (size_t i = 1; i < f.len;) {
		const char *escape = memchr(f.text + i, '\\', f.len - i);
		size_t plain = escape ? (size_t)(escape - f.text) - i : f.len - i;
		char c = escape && escape + 1 < f.text + f.len ? escape[1] : '\0';

		memcpy(to, f.text + i, plain);
		to += plain;
		i += plain + (escape ? 2 : 0);
		if (!escape)
			continue;
		r->ok &= c == 't' || c == 'n' || c == '\\';
		*to++ = (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c);
	}
	*to = '\0';
	return text;
}

/* A blank and digits. */
static uint64_t next_number(struct field *f, uint64_t max, bool *ok)
{
	size_t digits = 0;
	uint64_t n = 0;

	if (f->len && f->text[0] == ' ')
		digits = 1;
	*ok &= digits == 1;
	for (; digits < f->len && digits < 20 && f->text[digits] >= '0' && f->text[digits] <= '9'; digits++)
		n = 10 * n + (uint64_t)(f->text[digits] - '0');
	*ok &= digits > 1 && n <= max;
	f->text += digits;
	f->len -= digits;
	return *ok ? n : 0;
}

/* A word that outlives the line: the rule's own, or one kept with the file. */
static const char *keep_word(struct scanned_file *f, const char *known, char *word)
{
	const char *kept = known;

	if (!word || !known || strcmp(known, word))
		kept = word ? arena_strndup(&f->words, word, strlen(word)) : NULL;
	free(word);
	return kept;
}

static void take_finding(struct reader *r, const struct rule_set *rules, struct scanned_file *f, struct finding *ret)
{
	static const uint64_t most[NUMBERS] = {
		[NUMBER_LEVEL] = FINDING_ERROR, [NUMBER_SEVERITY] = SEVERITY_CRITICAL,
		[NUMBER_LINE] = UINT32_MAX, [NUMBER_COLUMN] = UINT32_MAX,
		[NUMBER_WIDTH] = UINT32_MAX, [NUMBER_LINE_COLUMN] = UINT32_MAX, [NUMBER_SUPPRESSED] = 1,
		[NUMBER_SUPPRESSION] = SUPPRESSED_BASELINE, [NUMBER_OF_RULE] = 1,
	};
	const struct rule *rule;
	struct field numbers;
	char *texts[TEXTS];
	uint64_t n[NUMBERS];

	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = next_text(r);
	numbers = next_field(r);
	for (size_t i = 0; i < NUMBERS; i++)
		n[i] = next_number(&numbers, most[i], &r->ok);
	r->ok &= !numbers.len && texts[TEXT_RULE_ID] && texts[TEXT_MESSAGE];
	rule = rules && texts[TEXT_RULE_ID] ? rules_find(rules, texts[TEXT_RULE_ID]) : NULL;
	*ret = (struct finding){
		.level = (enum finding_level)n[NUMBER_LEVEL], .severity = (enum severity)n[NUMBER_SEVERITY],
		.rule_id = keep_word(f, rule ? rule->id : NULL, texts[TEXT_RULE_ID]), .message = texts[TEXT_MESSAGE],
		.path = texts[TEXT_PATH], .suggestion = texts[TEXT_SUGGESTION],
		.cwe = keep_word(f, rule ? rule->cwe : NULL, texts[TEXT_CWE]),
		.position = { (uint32_t)n[NUMBER_LINE], (uint32_t)n[NUMBER_COLUMN] },
		.width = (unsigned int)n[NUMBER_WIDTH],
		.category = keep_word(f, rule ? rule->category : NULL, texts[TEXT_CATEGORY]),
		.matched = texts[TEXT_MATCHED],
		.fingerprint = texts[TEXT_FINGERPRINT], .suppressed = n[NUMBER_SUPPRESSED],
		.suppression = (enum finding_suppression)n[NUMBER_SUPPRESSION], .justification = texts[TEXT_JUSTIFICATION],
		.line_text = texts[TEXT_LINE], .line_column = (uint32_t)n[NUMBER_LINE_COLUMN], .of_rule = n[NUMBER_OF_RULE],
	};
}

/* How many texts and findings follow. */
struct extent {
	size_t arithmetic, reasons, findings;
};

static struct extent take_numbers(struct reader *r, struct scanned_file *f)
{
	const uint64_t any = INT64_MAX / 2, most = r->left;	/* a field has one byte at least */
	struct scanned_decision *d = &f->decision;
	struct field n = next_field(r);
	struct extent extent;
	bool *ok = &r->ok;

	*ok &= next_number(&n, LINE_VERSION, ok) == LINE_VERSION;
	f->valid = next_number(&n, 1, ok);
	f->unreadable = (int)next_number(&n, 255, ok);
	f->verdict = (enum verdict)next_number(&n, VERDICT_BLOCK, ok);
	f->acceptable = next_number(&n, 1, ok);
	f->baseline_matched = next_number(&n, any, ok);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.counts); i++)
		f->findings.counts[i] = next_number(&n, any, ok);
	f->findings.suppressed_count = next_number(&n, any, ok);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.dropped); i++)
		f->findings.dropped[i] = next_number(&n, any, ok);
	f->decided = next_number(&n, 1, ok);
	d->score = (unsigned int)next_number(&n, 100, ok);
	d->approval_required = next_number(&n, 1, ok);
	d->facts.categories = (unsigned int)next_number(&n, DECISION_WORDS_MAX, ok);
	d->facts.resource_types = (unsigned int)next_number(&n, DECISION_WORDS_MAX, ok);
	d->facts.complexity = (unsigned int)next_number(&n, DECISION_DEGREE_MAX, ok);
	d->facts.automation = (unsigned int)next_number(&n, DECISION_DEGREE_MAX, ok);
	extent.arithmetic = next_number(&n, most, ok);
	extent.reasons = next_number(&n, most, ok);
	extent.findings = next_number(&n, most, ok);
	*ok &= !n.len;
	return extent;
}

static void take_texts(struct reader *r, size_t n, struct strvec *ret)
{
	while (n-- && r->ok) {
		char *text = next_text(r);

		r->ok &= text != NULL;
		if (text)
			strvec_push_take(ret, text);
	}
}

static void take_findings(struct reader *r, size_t n, const struct rule_set *rules, struct scanned_file *f)
{
	for (; n && r->ok; n--) {
		ARRAY_GROW(f->findings.items, f->findings.len, f->findings.alloc);
		take_finding(r, rules, f, &f->findings.items[f->findings.len++]);
	}
	r->ok &= r->ended;
}

static bool take_line(struct reader *r, enum scan_part wanted, const struct rule_set *rules, struct scanned_file *f)
{
	struct extent extent = take_numbers(r, f);

	if (wanted == SCAN_COUNTS || !r->ok)
		return r->ok;
	f->file = next_text(r);
	f->findings.file = f->file;
	f->workflow_id = next_text(r);
	r->ok &= f->file != NULL;
	if (wanted & SCAN_HEAD) {
		take_texts(r, extent.arithmetic, &f->decision.arithmetic);
		take_texts(r, extent.reasons, &f->decision.reasons);
	} else {
		skip_fields(r, extent.arithmetic + extent.reasons);
	}
	if (wanted & SCAN_FINDINGS)
		take_findings(r, extent.findings, rules, f);
	return r->ok;
}

int scanned_file_from_line(const char *line, size_t len, enum scan_part part, const struct rule_set *rules,
			   struct scanned_file *ret, struct error *err)
{
	struct reader r = { .at = line, .left = len, .ok = true };
	struct scanned_file f = { .file = NULL };

	if (!take_line(&r, part, rules, &f)) {
		scanned_file_release(&f);
		return error_set(err, ERR_INVALID_INPUT, "not the result of scanning a file");
	}
	*ret = f;
	return 0;
}
