/* SPDX-License-Identifier: Apache-2.0
 *
 * JUnit XML: a suite for each file, in it "package is valid", "decision" and a case for each rule that was met. An
 * error is an invalid package, a failure what makes it not acceptable, skipped what is suppressed. "decision" fails
 * exactly when the file is not acceptable, so all suites pass when the verdict is good. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_report_forms.h"

#define TEXT_MAX ((size_t)8 << 10)	/* of the findings of one rule */

/* Characters that XML cannot hold, and those that nobody can see, are made visible before. */
static void add_xml(struct strbuf *out, const char *s)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_escape(&safe, s, strlen(s));
	for (size_t i = 0, n; i < safe.len; i += n) {
		uint32_t c = 0;

		n = utf8_decode(safe.buf + i, safe.len - i, &c);
		switch (c) {
		case '<': strbuf_addstr(out, "&lt;"); break;
		case '>': strbuf_addstr(out, "&gt;"); break;
		case '&': strbuf_addstr(out, "&amp;"); break;
		case '"': strbuf_addstr(out, "&quot;"); break;
		case 0xfffe: case 0xffff: break;
		default: strbuf_add(out, safe.buf + i, n);
		}
	}
}

static void add_attribute(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, " %s=\"", name);
	add_xml(out, value);
	strbuf_addch(out, '"');
}

static void open_case(struct strbuf *out, const char *file, const char *name)
{
	strbuf_addstr(out, "    <testcase");
	add_attribute(out, "classname", *file ? file : "package");
	add_attribute(out, "name", name);
	strbuf_addstr(out, " time=\"0\"");
}

/* `element` NULL: it passed. `text` is shown inside it. */
static void close_case(struct strbuf *out, const char *element, const char *type, const char *message,
		       const struct strbuf *text)
{
	if (!element && !text->len) {
		strbuf_addstr(out, "/>\n");
		return;
	}
	strbuf_addf(out, ">\n      <%s", element ? element : "system-out");
	if (element)
		add_attribute(out, "message", message);
	if (element && strcmp(element, "skipped"))
		add_attribute(out, "type", type);
	strbuf_addch(out, '>');
	for (const char *s = text->buf, *end; *s; s = *end ? end + 1 : end) {
		autofree char *line = xstrndup(s, (size_t)((end = s + strcspn(s, "\n")) - s));

		add_xml(out, line);
		if (*end)
			strbuf_addch(out, '\n');
	}
	strbuf_addf(out, "</%s>\n    </testcase>\n", element ? element : "system-out");
}

static void add_finding_line(struct strbuf *out, const struct finding *f)
{
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_escape(&message, f->message, strlen(f->message));	/* a newline in it would begin a line of ours */
	strbuf_addf(out, "line %u, column %u: %s: %s%s%s\n", f->position.line, f->position.column,
		    severity_to_string(f->severity), message.buf, f->suppressed ? " (suppressed)" : "",
		    f->level == FINDING_ERROR ? " (error)" : "");
}

/* ---- the cases of one file */

static void write_validity(struct strbuf *out, const struct scanned_file *f)
{
	autostrbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);
	const char *first = "the package is invalid";

	for (size_t i = f->findings.len; i-- > 0;)
		if (f->findings.items[i].level == FINDING_ERROR)
			first = f->findings.items[i].message;
	for (size_t i = 0; i < f->findings.len; i++)
		if (f->findings.items[i].level == FINDING_ERROR)
			add_finding_line(&text, &f->findings.items[i]);
	open_case(out, f->file, "package is valid");
	close_case(out, f->valid ? NULL : "error", f->unreadable ? "unreadable" : "invalid", first, &text);
}

static void write_decision(struct strbuf *out, const struct scan_report *r, const struct scanned_file *f)
{
	autostrbuf struct strbuf text = STRBUF_INIT(TEXT_MAX), message = STRBUF_INIT(STRBUF_NO_MAX);

	scan_join(&f->decision.arithmetic, "\n", &text);
	if (text.len)
		strbuf_addch(&text, '\n');
	scan_join(&f->decision.reasons, "\n", &text);
	strbuf_addf(&message, "%s: ", f->valid ? verdict_to_string(f->verdict) : "invalid");
	scan_counts_text(f->findings.counts, &message);
	strbuf_addf(&message, " (fail on %s)", fail_on_to_string(r->fail_on));
	open_case(out, f->file, "decision");
	close_case(out, f->acceptable ? NULL : "failure", f->valid ? verdict_to_string(f->verdict) : "invalid",
		   message.buf, &text);
}

/* What the findings of one rule make of its case. */
struct rule_case {
	const char *id;
	bool fails, suppressed;		/* one of them; all of them */
	const struct finding *first;	/* the first that decides */
	struct strbuf text;
};

static struct rule_case rule_case(const struct scan_report *r, const struct finding_list *list, size_t at)
{
	struct rule_case c = { .id = list->items[at].rule_id,
			       .suppressed = true,
			       .first = &list->items[at],
			       .text = STRBUF_INIT(TEXT_MAX) };

	for (size_t i = at; i < list->len; i++) {
		const struct finding *f = &list->items[i];

		if (strcmp(f->rule_id, c.id))
			continue;
		if (scan_finding_fails(r, f) && !c.fails)
			c.first = f;
		c.fails |= scan_finding_fails(r, f);
		c.suppressed &= f->suppressed;
		add_finding_line(&c.text, f);
	}
	return c;
}

static bool is_first_of_rule(const struct finding_list *list, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(list->items[i].rule_id, list->items[at].rule_id))
			return false;
	return true;
}

struct tally {
	size_t tests, failures, errors, skipped;
};

static void write_rules(struct strbuf *out, const struct scan_report *r, const struct scanned_file *f, struct tally *tally)
{
	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];
		struct rule_case c;

		if (!is_first_of_rule(&f->findings, i) || scan_finding_is_note(finding))
			continue;
		c = rule_case(r, &f->findings, i);
		open_case(out, f->file, c.id);
		close_case(out, c.fails ? "failure" : c.suppressed ? "skipped" : NULL,
			   severity_to_string(c.first->severity),
			   c.suppressed && c.first->justification ? c.first->justification : c.first->message, &c.text);
		strbuf_release(&c.text);
		tally->tests++;
		tally->failures += c.fails;
		tally->skipped += !c.fails && c.suppressed;
	}
}

struct suites {
	struct scan_sink *out;
	struct strbuf cases;		/* of one file: the head needs its numbers first */
	struct tally all;
	bool writing;			/* false: only counting */
};

static void write_suite(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct tally t = { .tests = 2, .failures = !f->acceptable, .errors = !f->valid };
	struct suites *s = arg;

	strbuf_clear(&s->cases);
	write_validity(&s->cases, f);
	write_decision(&s->cases, r, f);
	write_rules(&s->cases, r, f, &t);
	s->all.tests += t.tests;
	s->all.failures += t.failures;
	s->all.errors += t.errors;
	s->all.skipped += t.skipped;
	if (!s->writing)
		return;
	strbuf_addstr(&s->out->text, "  <testsuite");
	add_attribute(&s->out->text, "name", *f->file ? f->file : "package");
	strbuf_addf(&s->out->text, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\">\n",
		    t.tests, t.failures, t.errors, t.skipped);
	strbuf_addstr(&s->out->text, "    <properties>\n");
	strbuf_addf(&s->out->text, "      <property name=\"decision\" value=\"%s\"/>\n",
		    f->valid ? verdict_to_string(f->verdict) : "invalid");
	strbuf_addf(&s->out->text, "      <property name=\"score\" value=\"%u\"/>\n", f->decision.score);
	strbuf_addf(&s->out->text, "      <property name=\"suppressed\" value=\"%zu\"/>\n    </properties>\n",
		    f->findings.suppressed_count);
	strbuf_add(&s->out->text, s->cases.buf, s->cases.len);
	strbuf_addstr(&s->out->text, "  </testsuite>\n");
	scan_sink_flush(s->out, false);
}

void scan_report_junit(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct suites s = { .out = out, .cases = STRBUF_INIT(STRBUF_NO_MAX) };

	(void)color;
	scan_report_each(r, SCAN_WHOLE, write_suite, &s);
	strbuf_addf(&out->text,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sandbox_runner scan\" "
		    "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
		    s.all.tests, s.all.failures, s.all.errors, s.all.skipped);
	s.writing = true;
	scan_report_each(r, SCAN_WHOLE, write_suite, &s);
	strbuf_addstr(&out->text, "</testsuites>\n");
	scan_sink_flush(out, true);
	strbuf_release(&s.cases);
}
