/* SPDX-License-Identifier: Apache-2.0
 *
 * A scanned file as one line: between the processes of one scan, and while a report waits to be written. Numbers with
 * blanks between, and three JSON values, tabs between: the names, the decision, the list of findings. Each is read
 * only when it is needed, as a report reads each line several times. Findings are arrays by position, as there are
 * many; bytes that are no UTF-8 (names of files may be anything) stand as code points in an array of one, so that
 * nothing is lost. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_report.h"

#define LINE_VERSION 2

/* ---- writing */

static bool is_utf8(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t c;

	for (; (n = utf8_decode(s, len, &c)); s += n, len -= n)
		if (c == UTF8_INVALID)
			return false;
	return true;
}

static json_t *any_text(const char *s)
{
	autostrbuf struct strbuf points = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *wrapped;

	if (!s || is_utf8(s))
		return json_text(s);
	for (; *s; s++) {
		char encoded[4];

		strbuf_add(&points, encoded, utf8_encode((unsigned char)*s, encoded));
	}
	wrapped = json_array();
	json_push(wrapped, json_text(points.buf));
	return wrapped;
}

static json_t *finding_values(const struct finding *f)
{
	const char *const texts[] = {
		f->rule_id,  f->message, f->path,	 f->suggestion,	   f->cwe,
		f->category, f->matched, f->fingerprint, f->justification, f->line_text,
	};
	const json_int_t numbers[] = {
		f->level,	f->severity,   f->position.line, f->position.column, f->width,
		f->line_column, f->suppressed, f->suppression,	 f->of_rule,
	};
	json_t *values = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_push(values, any_text(texts[i]));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_push(values, json_integer(numbers[i]));
	return values;
}

void scanned_file_to_line(const struct scanned_file *f, struct strbuf *out)
{
	const size_t *counts = f->findings.counts, *dropped = f->findings.dropped;
	json_auto_t *findings = json_array();
	json_auto_t *names = json_array();

	json_push(names, any_text(f->file));
	json_push(names, any_text(f->workflow_id));
	for (size_t i = 0; i < f->findings.len; i++)
		json_push(findings, finding_values(&f->findings.items[i]));
	strbuf_addf(out, "%d %d %d %d %d %zu", LINE_VERSION, f->valid, f->unreadable, (int)f->verdict, f->acceptable,
		    f->baseline_matched);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.counts); i++)
		strbuf_addf(out, " %zu", counts[i]);
	strbuf_addf(out, " %zu", f->findings.suppressed_count);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.dropped); i++)
		strbuf_addf(out, " %zu", dropped[i]);
	strbuf_addch(out, '\t');	/* stands in no JSON of ours */
	json_write(names, 0, out);
	strbuf_addch(out, '\t');
	if (f->decision)
		json_write(f->decision, 0, out);
	strbuf_addch(out, '\t');
	json_write(findings, 0, out);
}

/* ---- reading: what is not as written above is refused, whoever wrote it */

/* NULL for null; *ok becomes false for what is no text. */
static char *take_text(const json_t *v, bool *ok)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(STRBUF_NO_MAX);
	const char *s;
	size_t len, n;
	uint32_t c;

	if (json_is_string(v))
		return xstrdup(json_string_value(v));
	if (json_is_null(v))
		return NULL;
	v = json_is_array(v) && json_array_size(v) == 1 ? json_array_get(v, 0) : NULL;
	s = json_string_value(v);
	len = json_string_length(v);
	*ok &= s != NULL;
	for (; s && (n = utf8_decode(s, len, &c)); s += n, len -= n) {
		*ok &= c > 0 && c < 0x100;
		strbuf_addch(&bytes, (char)c);
	}
	return strbuf_detach(&bytes);
}

static json_int_t take_int(const json_t *v, json_int_t max, bool *ok)
{
	json_int_t n = json_integer_value(v);

	*ok &= json_is_integer(v) && n >= 0 && n <= max;
	return n >= 0 && n <= max ? n : 0;
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

static bool take_finding(const json_t *values, const struct rule_set *rules, struct scanned_file *f, struct finding *ret)
{
	static const json_int_t most[NUMBERS] = {
		[NUMBER_LEVEL] = FINDING_ERROR, [NUMBER_SEVERITY] = SEVERITY_CRITICAL,
		[NUMBER_LINE] = UINT32_MAX, [NUMBER_COLUMN] = UINT32_MAX,
		[NUMBER_WIDTH] = UINT32_MAX, [NUMBER_LINE_COLUMN] = UINT32_MAX, [NUMBER_SUPPRESSED] = 1,
		[NUMBER_SUPPRESSION] = SUPPRESSED_BASELINE, [NUMBER_OF_RULE] = 1,
	};
	bool ok = json_is_array(values) && json_array_size(values) == TEXTS + NUMBERS;
	const struct rule *rule;
	char *texts[TEXTS];
	json_int_t n[NUMBERS];

	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = take_text(json_array_get(values, i), &ok);
	for (size_t i = 0; i < NUMBERS; i++)
		n[i] = take_int(json_array_get(values, TEXTS + i), most[i], &ok);
	rule = rules && texts[TEXT_RULE_ID] ? rules_find(rules, texts[TEXT_RULE_ID]) : NULL;
	ok &= texts[TEXT_RULE_ID] && texts[TEXT_MESSAGE];
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
	return ok;
}

/* The parts of a line, without the tabs between. */
struct part {
	const char *text;
	size_t len;
};
enum { PART_NUMBERS, PART_NAMES, PART_DECISION, PART_FINDINGS, PARTS };

static bool split_line(const char *line, size_t len, struct part parts[PARTS])
{
	for (size_t i = 0; i < PARTS; i++) {
		const char *tab = memchr(line, '\t', len);
		size_t n = tab ? (size_t)(tab - line) : len;

		if ((i + 1 < PARTS) != (tab != NULL))
			return false;
		parts[i] = (struct part){ line, n };
		line += n + 1;
		len -= n + (tab != NULL);
	}
	return true;
}

/* Digits and what ends them: a blank, or the end of the part. */
static size_t next_number(struct part *p, size_t max, bool *ok)
{
	size_t n = 0, digits = 0;

	for (; digits < p->len && digits < 19 && p->text[digits] >= '0' && p->text[digits] <= '9'; digits++)
		n = 10 * n + (size_t)(p->text[digits] - '0');
	*ok &= digits && n <= max && (digits == p->len || (p->text[digits] == ' ' && digits + 1 < p->len));
	p->text += digits;
	p->len -= digits;
	if (p->len) {
		p->text++;
		p->len--;
	}
	return *ok ? n : 0;
}

static bool take_numbers(struct part p, struct scanned_file *f)
{
	const size_t any = INT64_MAX / 2;
	bool ok = true;

	ok &= next_number(&p, LINE_VERSION, &ok) == LINE_VERSION;
	f->valid = next_number(&p, 1, &ok);
	f->unreadable = (int)next_number(&p, 255, &ok);
	f->verdict = (enum verdict)next_number(&p, VERDICT_BLOCK, &ok);
	f->acceptable = next_number(&p, 1, &ok);
	f->baseline_matched = next_number(&p, any, &ok);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.counts); i++)
		f->findings.counts[i] = next_number(&p, any, &ok);
	f->findings.suppressed_count = next_number(&p, any, &ok);
	for (size_t i = 0; i < ARRAY_SIZE(f->findings.dropped); i++)
		f->findings.dropped[i] = next_number(&p, any, &ok);
	return ok && !p.len;
}

static bool take_names(const json_t *names, struct scanned_file *f)
{
	bool ok = json_is_array(names) && json_array_size(names) == 2;

	f->file = take_text(json_array_get(names, 0), &ok);
	f->findings.file = f->file;
	f->workflow_id = take_text(json_array_get(names, 1), &ok);
	return ok && f->file;
}

static bool take_findings(const json_t *list, const struct rule_set *rules, struct scanned_file *f)
{
	size_t n = json_array_size(list);
	bool ok = json_is_array(list);

	f->findings.items = n ? xcalloc(n, sizeof(*f->findings.items)) : NULL;
	f->findings.alloc = n;
	for (size_t i = 0; ok && i < n; i++)
		ok = take_finding(json_array_get(list, i), rules, f, &f->findings.items[f->findings.len++]);
	return ok;
}

static bool take_parts(const struct part parts[PARTS], enum scan_part wanted, const struct rule_set *rules,
		       struct scanned_file *f, struct error *err)
{
	json_auto_t *names = NULL;
	json_auto_t *findings = NULL;
	const struct part *decision = &parts[PART_DECISION];

	if (!take_numbers(parts[PART_NUMBERS], f))
		return false;
	if (wanted == SCAN_COUNTS)
		return true;
	if (json_parse(parts[PART_NAMES].text, parts[PART_NAMES].len, "names", &names, err) < 0 || !take_names(names, f))
		return false;
	if ((wanted & SCAN_HEAD) && decision->len &&
	    (json_parse(decision->text, decision->len, "decision", &f->decision, err) < 0 || !json_is_object(f->decision)))
		return false;
	return !(wanted & SCAN_FINDINGS) ||
	       (json_parse(parts[PART_FINDINGS].text, parts[PART_FINDINGS].len, "findings", &findings, err) == 0 &&
		take_findings(findings, rules, f));
}

int scanned_file_from_line(const char *line, size_t len, enum scan_part part, const struct rule_set *rules,
			   struct scanned_file *ret, struct error *err)
{
	struct scanned_file f = { .file = NULL };
	struct part parts[PARTS];

	if (!split_line(line, len, parts) || !take_parts(parts, part, rules, &f, err)) {
		scanned_file_release(&f);
		return error_set(err, ERR_INVALID_INPUT, "not the result of scanning a file");
	}
	*ret = f;
	return 0;
}
