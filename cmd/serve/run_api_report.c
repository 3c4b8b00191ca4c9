/* SPDX-License-Identifier: Apache-2.0
 * run_api_report: GET /v1/runs/{run_id}/report. Of the run as json (its result) or text; of a scan of its package, by today's rules, in all formats of
 * `scan`. ?of=run|scan says which where both have the format. */
#include <string.h>

#include "cmd/serve/package_api.h"
#include "cmd/serve/run_api.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

#define RESULT_MAX ((size_t)8 << 20)
#define OUTPUT_LINES 200		/* of a step and stream; the rest is in the logs */

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static long long number_at(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void add_printable(struct strbuf *out, const char *before, const char *text, const char *after)
{
	strbuf_addstr(out, before);
	printable_addstr(out, text);
	strbuf_addstr(out, after);
}

/* ---- the run, for people */

static void add_head(struct strbuf *out, const struct run_row *run, const json_t *result)
{
	const json_t *package = json_object_get(result, "package"), *backend = json_object_get(result, "backend");
	const json_t *decision = json_object_get(result, "decision");

	add_printable(out, "", *text_at(package, "workflow_id") ? text_at(package, "workflow_id") : "package", ": ");
	add_printable(out, "", text_at(result, "verdict"), "\n");
	add_printable(out, "  ", text_at(result, "verdict_reason"), "\n");
	strbuf_addf(out, "\nRun:       %s, ", run->id);
	add_printable(out, "", text_at(result, "started"), ", ");
	strbuf_addf(out, "%.3f s\n", json_number_value(json_object_get(result, "duration_seconds")));
	add_printable(out, "Package:   ", text_at(package, "source"), "");
	add_printable(out, ", sha256 ", text_at(package, "sha256"), "\n");
	if (json_is_object(decision)) {
		add_printable(out, "Policy:    ", text_at(decision, "policy_decision"), "");
		strbuf_addf(out, " (%s, score %lld", text_at(decision, "policy"), number_at(decision, "score"));
		add_printable(out, ", risk ", text_at(decision, "risk_level"), ")\n");
	}
	if (json_is_object(backend)) {
		add_printable(out, "Sandbox:   ", text_at(backend, "type"), "");
		add_printable(out, " (", text_at(backend, "runtime"), ")");
		add_printable(out, ", limits ", text_at(result, "profile"), "\n");
	}
}

static void add_output(struct strbuf *out, const json_t *step, const char *stream, char mark)
{
	const json_t *captured = json_object_get(step, stream);
	const char *text = text_at(captured, "text"), *end = text + json_string_length(json_object_get(captured, "text"));
	unsigned int lines = 0;

	for (; text < end && lines < OUTPUT_LINES; lines++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;

		strbuf_addf(out, "    %c ", mark);
		printable_add(out, text, (size_t)(stop - text));
		strbuf_addch(out, '\n');
		text = stop + 1;
	}
	if (text < end || json_is_true(json_object_get(captured, "truncated")))
		strbuf_addf(out, "    … %lld bytes in all, see the logs of the run\n", number_at(captured, "total_bytes"));
}

static void add_step(struct strbuf *out, const json_t *step)
{
	const json_t *security = json_object_get(json_object_get(step, "observation"), "security"), *event;
	size_t i;

	strbuf_addf(out, "\n%s %lld: ", strcmp(text_at(step, "phase"), "rollback") ? "Step" : "Rollback", number_at(step, "number"));
	printable_addstr(out, text_at(step, "handler"));
	if (*text_at(step, "name") && strcmp(text_at(step, "name"), text_at(step, "handler")))
		add_printable(out, " / ", text_at(step, "name"), "");
	add_printable(out, " ... ", *text_at(step, "status") ? text_at(step, "status") : text_at(step, "mode"), "");
	strbuf_addf(out, " (%s, %.3f s)\n", text_at(step, "mode"), json_number_value(json_object_get(step, "duration_seconds")));
	if (*text_at(step, "reason"))
		add_printable(out, "    ", text_at(step, "reason"), "\n");
	add_output(out, step, "stdout", '|');
	add_output(out, step, "stderr", '!');
	json_array_foreach(security, i, event) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		json_write(event, 0, &text);
		add_printable(out, "    security: ", text.buf, "\n");
	}
}

static void add_findings(struct strbuf *out, const json_t *findings)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		if (json_is_true(json_object_get(finding, "suppressed")))
			continue;
		add_printable(out, "Finding:   ", text_at(finding, "file"), "");
		strbuf_addf(out, ":%lld:%lld: ", number_at(finding, "line"), number_at(finding, "column"));
		add_printable(out, "", text_at(finding, "severity"), ": ");
		add_printable(out, "", text_at(finding, "message"), "\n");
	}
}

static void add_tail(struct strbuf *out, const json_t *result)
{
	static const char *const areas[] = { "work", "tmp", "system" };
	const json_t *cleanup = json_object_get(result, "cleanup"), *files = json_object_get(result, "files"), *warning;
	size_t i;

	strbuf_addch(out, '\n');
	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		const json_t *counts = json_object_get(files, areas[i]);

		if (json_is_object(counts))
			strbuf_addf(out, "Files in %s: %lld created, %lld changed, %lld deleted\n", areas[i], number_at(counts, "created"),
				    number_at(counts, "changed"), number_at(counts, "deleted"));
	}
	strbuf_addf(out, "Clean-up: %s, %lld made, %lld gone\n", json_is_true(json_object_get(cleanup, "complete")) ? "complete" : "INCOMPLETE",
		    number_at(cleanup, "made"), number_at(cleanup, "gone"));
	json_array_foreach(json_object_get(result, "warnings"), i, warning)
		add_printable(out, "Warning: ", json_string_value(warning) ? json_string_value(warning) : "", "\n");
}

static void reply_text_report(struct service *s, struct request *rq, const struct run_row *run)
{
	autostrbuf struct strbuf text = STRBUF_INIT(RESULT_MAX), out = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *result = NULL;
	struct error err = { 0 };
	const json_t *step;
	struct response *r;
	size_t i;

	if (!run_file_read(s, rq, run, "result.json", &text))
		return;
	if (json_parse(text.buf, text.len, "result.json", &result, &err) < 0) {
		reply_problem(rq, 404, "not_found", "run '%s' left no whole result%s%s", run->id, run->detail ? ": " : "", run->detail ? run->detail : "");
		return;
	}
	add_head(&out, run, result);
	add_findings(&out, json_object_get(result, "findings"));
	json_array_foreach(json_object_get(result, "steps"), i, step)
		add_step(&out, step);
	add_tail(&out, result);
	r = response_text(200, "text/plain; charset=utf-8", out.buf, out.len);
	response_header(r, "X-Content-Type-Options", "nosniff");
	request_reply(rq, r);
}

/* ---- which one */

static void reply_scan_report(struct service *s, struct request *rq, const struct run_row *run, const char *format)
{
	autostrbuf struct strbuf package = STRBUF_INIT(s->package_max);
	autofree char *name = NULL;

	if (!run_file_read(s, rq, run, "package", &package))
		return;
	name = xasprintf("%s.wpk.yaml", run->workflow_name ? run->workflow_name : "package");
	package_scan(s, rq, name, package.buf, package.len, format);
}

void run_report(struct service *s, struct request *rq)
{
	static const char *const known[] = { "format", "of", NULL }, *const subjects[] = { "run", "scan", NULL };
	struct run_row run = { .exit_status = -1 };
	struct complaints c = { NULL };
	const char *format = query_word(&c, rq, "format", package_scan_formats), *of = query_word(&c, rq, "of", subjects);
	bool is_run, has_both;

	format = format ? format : "json";
	has_both = !strcmp(format, "json") || !strcmp(format, "text");
	is_run = of ? !strcmp(of, "run") : has_both;
	complain_of_unknown_query(&c, rq, known);
	if (is_run && !has_both)
		complain(&c, "?format", "of a run there is 'json' and 'text'; '%s' is a form of a scan's report (of=scan)", format);
	if (complaints_reply(&c, rq))
		return;
	if (is_run && !strcmp(format, "json")) {
		run_result(s, rq);
		return;
	}
	if (!run_with_files(s, rq, &run))
		return;
	if (is_run && run.state != RUN_ENDED)
		reply_problem(rq, 409, "not_ended", "run '%s' has not ended: there is no report yet", run.id);
	else if (is_run)
		reply_text_report(s, rq, &run);
	else
		reply_scan_report(s, rq, &run, format);
	run_row_release(&run);
}
