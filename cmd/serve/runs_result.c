/* SPDX-License-Identifier: Apache-2.0
 * runs_result: what an ended process left becomes the row of its run. It wrote result.json itself; when that is not there, or not whole, what it
 * said on standard error and how it ended have to do. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/serve/runs_private.h"
#include "runner/base/utf8.h"

#define SAID_MAX_BYTES 400

/* ---- the summary */

static json_t *number_of(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_incref(value) : json_null();
}

static json_t *steps_of(const json_t *result)
{
	static const char *const keys[][2] = { { "total", "steps" }, { "executed", "executed" }, { "passed", "passed" }, { "failed", "failed" },
					       { "simulated", "simulated" }, { "skipped", "skipped" } };
	const json_t *counts = json_object_get(result, "summary");
	json_t *ret = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_put(ret, keys[i][0], number_of(counts, keys[i][1]));
	return ret;
}

static const char *const changes[] = { "created", "changed", "deleted" };

/* Of the work folder, /tmp and the system together. NULL is: not looked at. */
static json_t *files_of(const json_t *files)
{
	static const char *const areas[] = { "work", "system", "tmp" };
	json_t *ret = json_object();
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		json_int_t sum = 0;

		for (size_t k = 0; k < ARRAY_SIZE(areas); k++) {
			const json_t *counts = json_object_get(files, areas[k]);

			known = known || json_is_object(counts);
			sum += json_integer_value(json_object_get(counts, changes[i]));
		}
		json_put_int(ret, changes[i], sum);
	}
	if (known)
		return ret;
	json_decref(ret);
	return json_null();
}

static json_t *objects_of(const json_t *objects)
{
	json_t *ret;

	if (!json_is_object(objects))
		return json_null();
	ret = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		json_put(ret, changes[i], number_of(objects, changes[i]));
	return ret;
}

static json_t *effects_of(const json_t *result)
{
	json_t *ret = json_object();

	json_put(ret, "files", files_of(json_object_get(result, "files")));
	json_put(ret, "objects", objects_of(json_object_get(result, "objects")));
	return ret;
}

struct usage {
	json_int_t security_events, memory_peak_bytes, pids_peak;
	double cpu_seconds;
};

static struct usage usage_of(const json_t *result)
{
	struct usage u = { 0 };
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(result, "steps"), i, step) {
		json_int_t memory = json_integer_value(json_object_get(step, "memory_peak_bytes"));
		json_int_t pids = json_integer_value(json_object_get(step, "pids_peak"));

		u.security_events += (json_int_t)json_array_size(json_object_get(json_object_get(step, "observation"), "security"));
		u.cpu_seconds += json_number_value(json_object_get(step, "cpu_seconds"));
		u.memory_peak_bytes = memory > u.memory_peak_bytes ? memory : u.memory_peak_bytes;
		u.pids_peak = pids > u.pids_peak ? pids : u.pids_peak;
	}
	return u;
}

static json_int_t findings_of(const json_t *result)
{
	const json_t *finding;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(result, "findings"), i, finding)
		n += !json_is_true(json_object_get(finding, "suppressed"));
	return n;
}

json_t *run_summary_of_result(const json_t *result)
{
	const json_t *decision = json_object_get(result, "decision"), *timings = json_object_get(result, "timings"), *cleanup = json_object_get(result, "cleanup");
	const struct usage usage = usage_of(result);
	json_t *ret = json_object();

	json_put(ret, "steps", steps_of(result));
	json_put(ret, "effects", effects_of(result));
	json_put(ret, "risk_score", number_of(decision, "score"));
	json_put_text(ret, "policy_decision", json_string_value(json_object_get(decision, "policy_decision")));
	json_put_int(ret, "findings", findings_of(result));
	json_put_int(ret, "security_events", usage.security_events);
	json_put(ret, "escape_attempts", number_of(result, "escape_attempts"));
	json_put_int(ret, "memory_peak_bytes", usage.memory_peak_bytes);
	json_put_int(ret, "pids_peak", usage.pids_peak);
	json_put(ret, "cpu_seconds", json_real(usage.cpu_seconds));
	json_put_bool(ret, "rolled_back", json_is_true(json_object_get(result, "rolled_back")));
	json_put_bool(ret, "cleanup_complete", json_is_true(json_object_get(cleanup, "complete")) || json_is_true(json_object_get(result, "cleanup_complete")));
	json_put(ret, "setup_seconds", number_of(timings, "setup_seconds"));
	json_put(ret, "cleanup_seconds", number_of(timings, "cleanup_seconds"));
	return ret;
}

/* ---- the row */

static void replace(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = xstrdup(with);
}

static const char *verdict_of(const json_t *result)
{
	static const char *const words[][2] = { { "permission_denied", "refused" }, { "invalid_input", "invalid" }, { "cancelled", "cancelled" },
						{ "deadline_exceeded", "deadline" } };
	const char *verdict = json_string_value(json_object_get(result, "verdict"));
	const char *code = json_string_value(json_object_get(json_object_get(result, "error"), "code"));

	for (size_t i = 0; verdict && code && !strcmp(verdict, "error") && i < ARRAY_SIZE(words); i++)
		if (!strcmp(code, words[i][0]))
			return words[i][1];
	return verdict;
}

static void take_result(struct run_row *row, const json_t *result)
{
	const json_t *package = json_object_get(result, "package"), *error = json_object_get(result, "error");
	const char *why = json_string_value(json_object_get(error, "message"));

	replace(&row->verdict, verdict_of(result));
	replace(&row->detail, why ? why : json_string_value(json_object_get(result, "verdict_reason")));
	if (!row->workflow_id)
		replace(&row->workflow_id, json_string_value(json_object_get(package, "workflow_id")));
	replace(&row->workflow_name, json_string_value(json_object_get(package, "name")));
	replace(&row->sha256, json_string_value(json_object_get(package, "sha256")));
	replace(&row->sandbox, json_string_value(json_object_get(json_object_get(result, "backend"), "type")));
	row->duration_ms = (uint64_t)(json_number_value(json_object_get(result, "duration_seconds")) * 1000 + 0.5);
	json_decref(row->summary);
	row->summary = run_summary_of_result(result);
}

/* Its first line that is an error, or its last one. The caller frees; NULL: nothing. */
static char *said(const struct runs *r, const char *run_id)
{
	static const char prefix[] = "sandbox_runner: ", error[] = "error: ";
	autostrbuf struct strbuf text = STRBUF_INIT(RUNS_STDERR_MAX_BYTES), clean = STRBUF_INIT(SAID_MAX_BYTES);
	const char *line = NULL;

	if (!runs_files_read(r, run_id, "stderr.txt", RUNS_STDERR_MAX_BYTES, &text) || !text.len)
		return NULL;
	for (char *rest = text.buf, *next; (next = strsep(&rest, "\n"));) {
		if (!strncmp(next, prefix, strlen(prefix)))
			next += strlen(prefix);
		if (*next)
			line = next;
		if (!strncmp(next, error, strlen(error))) {
			line = next + strlen(error);
			break;
		}
	}
	if (line)
		utf8_escape(&clean, line, strlen(line));
	return line && clean.len ? strbuf_detach(&clean) : NULL;
}

static void explain(const struct runs *r, struct run_row *row, int wait_status)
{
	autofree char *text = said(r, row->id);
	int sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;

	free(row->detail);
	if (sig)
		row->detail = xasprintf("its process was ended by signal %d (%s) before it had a result; what it had made is cleaned up", sig, strsignal(sig));
	else
		row->detail = xasprintf("its process ended with status %d and no result%s%s", WEXITSTATUS(wait_status), text ? ": " : "", text ? text : "");
	replace(&row->verdict, "error");
}

/* There is no result, or too much of it to be read here: the last event has the verdict, too. */
static json_t *verdict_event(const struct runs *r, const char *run_id)
{
	autostrbuf struct strbuf tail = STRBUF_INIT(64 << 10);
	json_t *event = NULL;
	char *line;

	if (!runs_files_tail(r, run_id, "events.ndjson", &tail) || !tail.len)
		return NULL;
	if (tail.buf[tail.len - 1] == '\n')
		tail.buf[--tail.len] = '\0';
	line = memrchr(tail.buf, '\n', tail.len);
	line = line ? line + 1 : tail.buf;
	if (json_parse(line, (size_t)(tail.buf + tail.len - line), "events.ndjson", &event, NULL) < 0)
		return NULL;
	if (json_is_string(json_object_get(event, "verdict")))
		return event;
	json_decref(event);
	return NULL;
}

/* Whole is what can be parsed. */
static json_t *read_result(const struct runs *r, const char *run_id, char sha256[DIGEST_HEX_SIZE])
{
	autostrbuf struct strbuf text = STRBUF_INIT(RUNS_RESULT_MAX_BYTES);
	json_t *result = NULL;

	if (runs_files_read(r, run_id, "result.json", RUNS_RESULT_MAX_BYTES, &text) &&
	    json_parse(text.buf, text.len, "result.json", &result, NULL) == 0 && json_is_string(json_object_get(result, "verdict"))) {
		sha256_hex(text.buf, text.len, sha256);
		return result;
	}
	json_decref(result);
	return verdict_event(r, run_id);
}

json_t *runs_read_result(struct runs *r, struct run_row *row, int wait_status, char sha256[DIGEST_HEX_SIZE])
{
	json_t *result;

	sha256[0] = '\0';
	result = read_result(r, row->id, sha256);

	if (wait_status >= 0)
		row->exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : EXIT_SIGNAL_BASE + WTERMSIG(wait_status);
	if (result)
		take_result(row, result);
	else if (wait_status >= 0)
		explain(r, row, wait_status);
	return result;
}

/* ---- the audit log */

void runs_audit_end(struct runs *r, const struct run_row *row, const char *sha256)
{
	static const char *const good[] = { "verified", "partial", "nothing_executed" };
	json_t *data = json_object();
	struct error err;
	bool completed = false;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		completed = completed || !strcmp(row->verdict, good[i]);
	json_put_text(data, "workflow_id", row->workflow_id);
	json_put_text(data, "package_sha256", row->sha256);
	json_put_text(data, "verdict", row->verdict);
	json_put_text(data, "detail", row->detail);
	json_put(data, "exit_status", row->exit_status < 0 ? json_null() : json_integer(row->exit_status));
	json_put_text(data, "result_sha256", *sha256 ? sha256 : NULL);
	if (store_audit(r->store, completed ? "workflow_completed" : "workflow_failed", row->id, row->requested_by, data, &err) < 0)
		message("warning", "the end of run '%s' is not in the audit log: %s", row->id, err.text);
}
