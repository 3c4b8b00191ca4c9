/* SPDX-License-Identifier: Apache-2.0
 *
 * A scanned file as one line: between the processes of one scan, and while a report waits to be written. It is an
 * object of JSON, a tab, and the list of findings, which is often not needed and then not read. Findings are arrays
 * by position, as there are many; bytes that are no UTF-8 (names of files may be anything) stand as code points in an
 * array of one, so that nothing is lost. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_report.h"

#define LINE_VERSION 1

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

static json_t *sizes(const size_t *values, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_push(list, json_integer((json_int_t)values[i]));
	return list;
}

void scanned_file_to_line(const struct scanned_file *f, struct strbuf *out)
{
	json_auto_t *o = json_object();
	json_auto_t *findings = json_array();

	json_put_int(o, "v", LINE_VERSION);
	json_put(o, "file", any_text(f->file));
	json_put(o, "workflow_id", any_text(f->workflow_id));
	json_put_bool(o, "valid", f->valid);
	json_put_int(o, "unreadable", f->unreadable);
	json_put_int(o, "verdict", f->verdict);
	json_put_bool(o, "acceptable", f->acceptable);
	json_put_int(o, "baseline", (int64_t)f->baseline_matched);
	json_put(o, "decision", f->decision ? json_incref(f->decision) : json_null());
	json_put(o, "counts", sizes(f->findings.counts, ARRAY_SIZE(f->findings.counts)));
	json_put_int(o, "suppressed", (int64_t)f->findings.suppressed_count);
	json_put(o, "dropped", sizes(f->findings.dropped, ARRAY_SIZE(f->findings.dropped)));
	json_write(o, 0, out);
	for (size_t i = 0; i < f->findings.len; i++)
		json_push(findings, finding_values(&f->findings.items[i]));
	strbuf_addch(out, '\t');	/* stands in no JSON of ours */
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

static bool take_bool(const json_t *v, bool *ok)
{
	*ok &= json_is_boolean(v);
	return json_is_true(v);
}

static void take_sizes(const json_t *list, size_t *ret, size_t n, bool *ok)
{
	*ok &= json_is_array(list) && json_array_size(list) == n;
	for (size_t i = 0; i < n; i++)
		ret[i] = (size_t)take_int(json_array_get(list, i), INT64_MAX / 2, ok);
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

static bool take_head(const json_t *o, struct scanned_file *f)
{
	const json_t *decision = json_object_get(o, "decision");
	bool ok = json_is_object(o) && (json_is_object(decision) || json_is_null(decision));

	ok &= take_int(json_object_get(o, "v"), LINE_VERSION, &ok) == LINE_VERSION;
	f->file = take_text(json_object_get(o, "file"), &ok);
	ok &= f->file != NULL;
	f->findings.file = f->file;
	f->workflow_id = take_text(json_object_get(o, "workflow_id"), &ok);
	f->valid = take_bool(json_object_get(o, "valid"), &ok);
	f->unreadable = (int)take_int(json_object_get(o, "unreadable"), 255, &ok);
	f->verdict = (enum verdict)take_int(json_object_get(o, "verdict"), VERDICT_BLOCK, &ok);
	f->acceptable = take_bool(json_object_get(o, "acceptable"), &ok);
	f->baseline_matched = (size_t)take_int(json_object_get(o, "baseline"), INT64_MAX / 2, &ok);
	f->decision = json_is_object(decision) ? json_incref((json_t *)decision) : NULL;
	take_sizes(json_object_get(o, "counts"), f->findings.counts, ARRAY_SIZE(f->findings.counts), &ok);
	f->findings.suppressed_count = (size_t)take_int(json_object_get(o, "suppressed"), INT64_MAX / 2, &ok);
	take_sizes(json_object_get(o, "dropped"), f->findings.dropped, ARRAY_SIZE(f->findings.dropped), &ok);
	return ok;
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

static int refuse(struct scanned_file *f, struct error *err)
{
	scanned_file_release(f);
	return error_set(err, ERR_INVALID_INPUT, "not the result of scanning a file");
}

int scanned_file_from_line(const char *line, size_t len, enum scan_part part, const struct rule_set *rules,
			   struct scanned_file *ret, struct error *err)
{
	const char *tab = memchr(line, '\t', len), *rest = tab ? tab + 1 : NULL;
	struct scanned_file f = { .file = NULL };
	json_auto_t *findings = NULL;
	json_auto_t *head = NULL;

	if (!tab)
		return refuse(&f, err);
	if (json_parse(line, (size_t)(tab - line), "result", &head, err) < 0)
		return -1;
	if (!take_head(head, &f))
		return refuse(&f, err);
	if (part == SCAN_WHOLE) {
		if (json_parse(rest, len - (size_t)(rest - line), "findings", &findings, err) < 0) {
			scanned_file_release(&f);
			return -1;
		}
		if (!take_findings(findings, rules, &f))
			return refuse(&f, err);
	}
	*ret = f;
	return 0;
}
