/* SPDX-License-Identifier: Apache-2.0
 *
 * The model of a report, and its forms written for tests/cli/formats.t, which has real parsers: with SCAN_REPORT_DIR
 * set, every form of every report below becomes a file REPORT.FORM there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "validators/scan_report.h"

/* Everything that some form gives a meaning to. */
#define HOSTILE                                                                                                        \
	"\x1b[31m]]><script>alert(1)</script>%0A::error::x\r\n|```\n# h\n[a](http://evil.example)@user #1 <!-- &amp; " \
	"\"'\xe2\x80\xae\x07 {0} \\"

static struct finding *add(struct scanned_file *f, enum severity severity, const char *id, uint32_t line,
			   const char *message)
{
	struct finding *finding = finding_of_rule(&f->findings, severity, id, (struct position){ line, 4 }, message);

	finding->width = 6;
	finding->path = xstrdup("spec.handlers[0].config.command");
	finding->matched = xstrdup(HOSTILE);
	finding->line_text = xstrdup("a: \xc3\xa9" HOSTILE);
	finding->line_column = 1;
	return finding;
}

static void suppress(struct finding *f, enum finding_suppression how, const char *why)
{
	f->suppressed = true;
	f->suppression = how;
	f->justification = xstrdup_or_null(why);
}

static void decide(struct scanned_file *f)
{
	f->decided = true;
	f->decision.score = 45;
	f->decision.facts = (struct decision_facts){ .categories = 5, .resource_types = 4, .complexity = 1, .automation = 2 };
	strvec_push(&f->decision.arithmetic, "1 high x 30 = 30");
	strvec_push(&f->decision.arithmetic, "1 medium x 15 = 15");
}

static void finish(struct scan_report *r, struct scanned_file *f, bool valid, enum verdict verdict)
{
	finding_sort(&f->findings);
	finding_fingerprints(&f->findings, NULL);
	f->valid = valid;
	f->verdict = verdict;
	if (valid)
		decide(f);
	scan_report_add(r, f);
	scanned_file_release(f);
}

static void hostile(struct scan_report *r)
{
	struct scanned_file f;

	scanned_file_init(&f, "./a" HOSTILE ".wpk.yaml");
	f.workflow_id = xstrdup("a-1.0.0");
	for (int s = 0; s <= SEVERITY_CRITICAL; s++)
		add(&f, (enum severity)s, "shell/one", (uint32_t)s + 2, HOSTILE)->suggestion = xstrdup(HOSTILE);
	suppress(add(&f, SEVERITY_CRITICAL, "shell/two", 9, "two"), SUPPRESSED_IN_FILE, HOSTILE);
	suppress(add(&f, SEVERITY_HIGH, "shell/two", 10, "two"), SUPPRESSED_BESIDE, "known");
	suppress(add(&f, SEVERITY_LOW, "shell/two", 11, "two"), SUPPRESSED_BASELINE, NULL);
	finish(r, &f, true, VERDICT_REVIEW);
	scanned_file_init(&f, "bytes-\xff\xfe\xc3.wpk.yaml");
	finding_add(&f.findings, FINDING_ERROR, "schema/unknown-key", (struct position){ 3, 1 }, "%s", HOSTILE);
	finish(r, &f, false, VERDICT_BLOCK);
	scanned_file_init(&f, "/absolute/gone.wpk.yaml");
	f.unreadable = 3;
	finding_add(&f.findings, FINDING_ERROR, "source/unreadable", (struct position){ 0 }, "gone");
	finish(r, &f, false, VERDICT_BLOCK);
	scanned_file_init(&f, "https://example.org/p.wpk.yaml?a=b&c=d");
	finish(r, &f, true, VERDICT_APPROVE);
}

static void harmless(struct scan_report *r)
{
	struct scanned_file f;

	scanned_file_init(&f, "good.wpk.yaml");
	add(&f, SEVERITY_LOW, "shell/one", 3, "not much");
	suppress(add(&f, SEVERITY_CRITICAL, "shell/two", 9, "two"), SUPPRESSED_IN_FILE, "looked at");
	finish(r, &f, true, VERDICT_APPROVE);
}

static void none(struct scan_report *r)
{
	(void)r;
}

/* 300 files of 90 findings, and one of 250 of one rule: more than any form may list. */
static void many(struct scan_report *r)
{
	struct scanned_file f;
	char name[32];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%03d.wpk.yaml", i);
		scanned_file_init(&f, name);
		for (uint32_t j = 0; j < 90; j++)
			finding_of_rule(&f.findings, j % 30 ? SEVERITY_MEDIUM : (enum severity)(j / 30 * 2),
					j % 2 ? "shell/odd" : "shell/even", (struct position){ j + 1, 1 },
					"one of many")
				->path = xstrdup("spec");
		finish(r, &f, true, VERDICT_APPROVE);
	}
	scanned_file_init(&f, "many/last.wpk.yaml");
	for (uint32_t j = 0; j < 250; j++)
		finding_of_rule(&f.findings, SEVERITY_HIGH, "shell/often", (struct position){ j + 1, 1 }, "often");
	finish(r, &f, true, VERDICT_BLOCK);
}

static const struct {
	const char *name;
	void (*fill)(struct scan_report *r);
} reports[] = { { "hostile", hostile }, { "harmless", harmless }, { "none", none }, { "many", many } };

static void make(size_t i, enum fail_on fail_on, struct scan_report *r)
{
	scan_report_init(r);
	r->policy = "default";
	r->fail_on = fail_on;
	reports[i].fill(r);
}

static void forms(void **state)
{
	const char *folder = getenv("SCAN_REPORT_DIR");
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		struct scan_report r;

		make(i, FAIL_ON_HIGH, &r);
		for (const struct scan_format *f = scan_formats; f->name; f++) {
			struct scan_sink sink = { .text = STRBUF_INIT(STRBUF_NO_MAX) };
			autofree char *path = folder ? xasprintf("%s/%s.%s", folder, reports[i].name, f->name) : NULL;
			struct error err = { 0 };

			f->write(&r, false, &sink);
			assert_ptr_equal(scan_format_find(f->name), f);
			for (size_t j = 0; j < sink.text.len;
			     j++) /* whatever the form: nothing that a terminal obeys */
				assert_true((unsigned char)sink.text.buf[j] >= ' ' || sink.text.buf[j] == '\n');
			assert_null(strstr(sink.text.buf, "\xe2\x80\xae"));
			if (path && file_write_atomic(path, sink.text.buf, sink.text.len, 0600, &err) < 0)
				fail_msg("%s", err.text);
			strbuf_release(&sink.text);
		}
		scan_report_release(&r);
	}
}

static void judging(void **state)
{
	static const struct {
		enum fail_on fail_on;
		enum severity severity;
		bool suppressed;
		enum verdict verdict;
		bool valid, acceptable;
		const char *comment;
	} cases[] = {
		{ FAIL_ON_HIGH, SEVERITY_HIGH, false, VERDICT_APPROVE, true, false, "at the level" },
		{ FAIL_ON_HIGH, SEVERITY_CRITICAL, false, VERDICT_APPROVE, true, false, "above it" },
		{ FAIL_ON_HIGH, SEVERITY_MEDIUM, false, VERDICT_REVIEW, true, true, "below it; review is no refusal" },
		{ FAIL_ON_HIGH, SEVERITY_CRITICAL, true, VERDICT_APPROVE, true, true, "suppressed" },
		{ FAIL_ON_HIGH, SEVERITY_INFO, false, VERDICT_BLOCK, true, false, "blocked" },
		{ FAIL_ON_INFO, SEVERITY_INFO, false, VERDICT_APPROVE, true, false, "everything counts" },
		{ FAIL_ON_CRITICAL, SEVERITY_HIGH, false, VERDICT_APPROVE, true, true, "only critical" },
		{ FAIL_ON_BLOCK, SEVERITY_CRITICAL, false, VERDICT_REVIEW, true, true, "only the decision" },
		{ FAIL_ON_BLOCK, SEVERITY_INFO, false, VERDICT_BLOCK, true, false, "only the decision: blocked" },
		{ FAIL_ON_NEVER, SEVERITY_CRITICAL, false, VERDICT_BLOCK, true, true, "never" },
		{ FAIL_ON_NEVER, SEVERITY_INFO, false, VERDICT_BLOCK, false, false, "never, but invalid" },
		{ FAIL_ON_HIGH, SEVERITY_INFO, false, VERDICT_BLOCK, false, false, "invalid" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scanned_file f;

		scanned_file_init(&f, "f");
		add(&f, cases[i].severity, "a/b", 1, "m")->suppressed = cases[i].suppressed;
		finding_sort(&f.findings);
		f.valid = cases[i].valid;
		f.verdict = cases[i].verdict;
		scanned_file_judge(&f, cases[i].fail_on);
		if (f.acceptable != cases[i].acceptable)
			fail_msg("%s", cases[i].comment);
		scanned_file_release(&f);
	}
}

static void fail_on_words(void **state)
{
	enum fail_on f = FAIL_ON_INFO;
	(void)state;

	for (int i = 0; i <= FAIL_ON_NEVER; i++) {
		assert_true(fail_on_from_string(fail_on_to_string((enum fail_on)i), &f));
		assert_int_equal(f, i);
	}
	assert_false(fail_on_from_string("", &f));
	assert_int_equal(f, FAIL_ON_NEVER);
}

/* A line read back and written again is the same line: nothing is lost, whatever bytes there are. */
static void lines_lose_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		struct scan_report r;

		make(i, FAIL_ON_HIGH, &r);
		for (size_t j = 0; j < r.len; j++) {
			autostrbuf struct strbuf once = STRBUF_INIT(STRBUF_NO_MAX), twice = STRBUF_INIT(STRBUF_NO_MAX);
			struct scanned_file f, g;
			struct error err = { 0 };

			scan_report_load(&r, j, SCAN_WHOLE, &f);
			scanned_file_to_line(&f, &once);
			assert_null(strchr(once.buf, '\n'));
			assert_int_equal(scanned_file_from_line(once.buf, once.len, SCAN_WHOLE, NULL, &g, &err), 0);
			scanned_file_to_line(&g, &twice);
			assert_string_equal(once.buf, twice.buf);
			assert_memory_equal(f.findings.counts, g.findings.counts, sizeof(f.findings.counts));
			for (size_t k = 0; k < f.findings.len; k++)
				assert_string_equal(f.findings.items[k].message, g.findings.items[k].message);
			scanned_file_release(&f);
			scanned_file_release(&g);
		}
		scan_report_release(&r);
	}
}

static void bytes_come_back(void **state)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	struct scanned_file f, g;
	struct error err = { 0 };
	(void)state;

	scanned_file_init(&f, "bytes-\xff\xfe\xc3 \xc3\xa9");
	add(&f, SEVERITY_LOW, "own/rule", 7, "\x80" "a\\n\tb\n\\");
	finding_sort(&f.findings);
	scanned_file_to_line(&f, &line);
	assert_int_equal(scanned_file_from_line(line.buf, line.len, SCAN_WHOLE, NULL, &g, &err), 0);
	assert_string_equal(g.file, f.file);
	assert_string_equal(g.findings.items[0].message, "\x80" "a\\n\tb\n\\");
	assert_null(g.workflow_id);
	assert_string_equal(g.findings.items[0].rule_id, "own/rule");
	assert_string_equal(g.findings.items[0].line_text, f.findings.items[0].line_text);
	assert_int_equal(g.findings.counts[SEVERITY_LOW], 1);
	scanned_file_release(&f);
	scanned_file_release(&g);
}

static bool is_line(const char *line)
{
	struct scanned_file f;
	struct error err = { 0 };

	if (scanned_file_from_line(line, strlen(line), SCAN_WHOLE, NULL, &f, &err) < 0)
		return false;
	scanned_file_release(&f);
	return true;
}

static void wrong_lines(void **state)
{
#define NUMBERS(version, verdict, dropped, score, degree, reasons, findings)                                        \
	" " version " 1 0 " verdict " 1 0 0 0 0 0 0 0 0 0 " dropped " 1 " score " 0 7 7 2 " degree " 1 " reasons " " findings
#define USUAL(reasons, findings) NUMBERS("3", "0", "0", "45", "2", reasons, findings)
#define NAMES "\t=a\t\t=1 x 1"
#define TEXTS "\t=a/b\t=c\t\t\t\t\t\t\t\t"
	static const char *const lines[] = {
		"", "\t", "\t\t\t", "{}", USUAL("0", "0"), " 3 1 0 0 1 0\t=a\t", USUAL("0", "0") "\t=a\t", "3" USUAL("0", "0") NAMES,
		NUMBERS("2", "0", "0", "45", "2", "0", "0") NAMES, NUMBERS("3", "3", "0", "45", "2", "0", "0") NAMES,
		NUMBERS("3", "0", "-1", "45", "2", "0", "0") NAMES, NUMBERS("3", "0", "9999999999999999999", "45", "2", "0", "0") NAMES,
		NUMBERS("3", "0", "99999999999999999999999", "45", "2", "0", "0") NAMES, NUMBERS("3", "0", "", "45", "2", "0", "0") NAMES,
		NUMBERS("3", "0", "0", "101", "2", "0", "0") NAMES, NUMBERS("3", "0", "0", "45", "3", "0", "0") NAMES,
		NUMBERS("3", "0", "0", " 45", "2", "0", "0") NAMES, USUAL("0", "0") " 0" NAMES, USUAL("0", "0") " " NAMES,
		USUAL("0", "0") NAMES "\t", USUAL("0", "0") NAMES "\t=a", USUAL("1", "0") NAMES, USUAL("1", "0") NAMES "\t",
		USUAL("0", "0") "\t\t\t=a", USUAL("0", "0") "\ta\t\t=a", USUAL("0", "0") "\t=a\\\t\t=a", USUAL("0", "0") "\t=a\\x\t\t=a",
		USUAL("0", "1") NAMES, USUAL("0", "1") NAMES TEXTS, USUAL("0", "1") NAMES TEXTS "\t", USUAL("0", "1") NAMES TEXTS "\t 1 1 1 1 1 1 0 0",
		USUAL("0", "1") NAMES TEXTS "\t 1 1 1 1 1 1 0 0 2", USUAL("0", "1") NAMES TEXTS "\t 1 1 1 1 1 1 0 0 1 1",
		USUAL("0", "1") NAMES "\t" TEXTS "\t 1 1 1 1 1 1 0 0 1", USUAL("0", "2") NAMES TEXTS "\t 1 1 1 1 1 1 0 0 1",
		USUAL("0", "99999") NAMES TEXTS "\t 1 1 1 1 1 1 0 0 1", USUAL("0", "1") NAMES TEXTS "\t 9 1 1 1 1 1 0 0 1",
	};
	(void)state;

	assert_true(is_line(USUAL("0", "0") NAMES));	/* so that the others are wrong where they say */
	assert_true(is_line(USUAL("0", "1") NAMES TEXTS "\t 1 1 1 1 1 1 0 0 1"));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct scanned_file f = { .unreadable = 99 };
		struct error err = { 0 };

		assert_int_equal(scanned_file_from_line(lines[i], strlen(lines[i]), SCAN_WHOLE, NULL, &f, &err), -1);
		assert_int_equal(err.code, ERR_INVALID_INPUT);
		assert_int_equal(f.unreadable, 99);
	}
}

static int open_spool(void)
{
	return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Lines that do not fit into memory any more come back from the spool, in any order. */
static void spooled(void **state)
{
	enum { FILES = 400 };
	struct scan_report r;
	size_t order[FILES];
	(void)state;

	scan_report_init(&r);
	r.open_spool = open_spool;
	for (int i = 0; i < FILES; i++) {
		autofree char *big = xmalloc(60001), *name = xasprintf("f%d", i);
		struct scanned_file f;

		memset(big, 'a' + i % 26, 60000);
		big[60000] = '\0';
		scanned_file_init(&f, name);
		add(&f, SEVERITY_LOW, "a/b", 1, big);
		finish(&r, &f, true, VERDICT_APPROVE);
		order[i] = (size_t)(FILES - 1 - i);
	}
	assert_true(r.spooled_bytes > 0 && r.held_bytes <= (size_t)8 << 20);
	scan_report_arrange(&r, order);
	for (int i = 0; i < FILES; i++) {
		autofree char *name = xasprintf("f%d", FILES - 1 - i);
		struct scanned_file f;

		scan_report_load(&r, (size_t)i, SCAN_WHOLE, &f);
		assert_string_equal(f.file, name);
		assert_int_equal(strspn(f.findings.items[0].message, (char[]){ (char)('a' + (FILES - 1 - i) % 26), 0 }),
				 60000);
		scanned_file_release(&f);
	}
	close(r.spool_fd);	/* a spool that is lost is told, and the file is not acceptable */
	r.spool_fd = -1;
	{
		struct scanned_file f;

		scan_report_load(&r, 0, SCAN_WHOLE, &f);
		assert_false(f.valid);
		assert_string_equal(f.findings.items[0].rule_id, "scan/lost");
		scanned_file_release(&f);
	}
	scan_report_release(&r);
}

static void counted(void **state)
{
	struct scan_report r;
	(void)state;

	make(0, FAIL_ON_HIGH, &r);
	assert_int_equal(r.len, 4);
	assert_int_equal(r.invalid, 2);
	assert_int_equal(r.unacceptable, 3);
	assert_int_equal(r.suppressed, 3);
	assert_int_equal(r.counts[SEVERITY_CRITICAL], 1);
	assert_int_equal(r.counts[SEVERITY_HIGH], 3);	/* two are errors */
	assert_int_equal(r.verdicts[VERDICT_REVIEW], 1);
	assert_int_equal(r.verdicts[VERDICT_BLOCK], 0);	/* what is invalid has no verdict */
	assert_false(scan_report_acceptable(&r));
	scan_report_release(&r);
	make(1, FAIL_ON_HIGH, &r);
	assert_true(scan_report_acceptable(&r));
	scan_report_release(&r);
	make(3, FAIL_ON_NEVER, &r);
	assert_int_equal(r.counts[SEVERITY_HIGH], 250);
	assert_true(scan_report_acceptable(&r));
	scan_report_release(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),	   cmocka_unit_test(judging),
		cmocka_unit_test(fail_on_words),   cmocka_unit_test(lines_lose_nothing),
		cmocka_unit_test(bytes_come_back), cmocka_unit_test(wrong_lines),
		cmocka_unit_test(spooled),	   cmocka_unit_test(counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
