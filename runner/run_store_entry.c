/* SPDX-License-Identifier: Apache-2.0
 *
 * A line as we write it (one flat object, plain ASCII, nothing escaped) is read in one pass without building a tree, for there are
 * thousands; any other is jansson's, with the same outcome (but that it refuses a key that comes twice). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/journal_records.h"
#include "runner/result_json.h"
#include "runner/run_store_private.h"

void run_entry_release(struct run_entry *e)
{
	free(e->package);
	free(e->source);
	free(e->where);
	free(e->verdict);
	free(e->failure);
	*e = (struct run_entry){ .package = NULL };
}

void run_entries_release(struct run_entries *e)
{
	for (size_t i = 0; i < e->len; i++)
		run_entry_release(&e->items[i]);
	free(e->items);
	*e = (struct run_entries){ .items = NULL };
}

/* ---- reading */

enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_TRUE };
struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;			/* char *, uint64_t, bool */
};

/* Besides run_id and status. */
static const struct field fields[] = {
	{ "package", FIELD_TEXT, offsetof(struct run_entry, package) },
	{ "source", FIELD_TEXT, offsetof(struct run_entry, source) },
	{ "where", FIELD_TEXT, offsetof(struct run_entry, where) },
	{ "verdict", FIELD_TEXT, offsetof(struct run_entry, verdict) },
	{ "failure", FIELD_TEXT, offsetof(struct run_entry, failure) },
	{ "started_ns", FIELD_NUMBER, offsetof(struct run_entry, started_ns) },
	{ "duration_ns", FIELD_NUMBER, offsetof(struct run_entry, duration_ns) },
	{ "memory_peak_bytes", FIELD_NUMBER, offsetof(struct run_entry, memory_peak_bytes) },
	{ "kept_until_ns", FIELD_NUMBER, offsetof(struct run_entry, kept_until_ns) },
	{ "result_bytes", FIELD_NUMBER, offsetof(struct run_entry, result_bytes) },
	{ "escape_attempts", FIELD_NUMBER, offsetof(struct run_entry, escape_attempts) },
	{ "cleanup_complete", FIELD_TRUE, offsetof(struct run_entry, cleanup_complete) },
};

static bool set_run_id(struct run_entry *e, const char *id, size_t len)
{
	if (len >= RUN_ID_SIZE)
		return false;
	memcpy(e->run_id, id, len);
	e->run_id[len] = '\0';
	return record_id_is_valid(e->run_id);
}

/* A value of either reader: text (NULL: none), number, truth. */
struct value {
	const char *text;
	size_t len;
	uint64_t number;
	bool yes;
};

static bool take(struct run_entry *e, const char *key, size_t key_len, const struct value *v)
{
	if (key_len == 6 && !memcmp(key, "run_id", 6))
		return v->text && set_run_id(e, v->text, v->len);
	if (key_len == 6 && !memcmp(key, "status", 6)) {
		e->status = (int)(v->number & 0xff);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		void *slot = (char *)e + fields[i].offset;

		if (strlen(fields[i].key) != key_len || memcmp(fields[i].key, key, key_len) != 0)
			continue;
		if (fields[i].kind == FIELD_TEXT) {
			free(*(char **)slot);
			*(char **)slot = v->text ? xstrndup(v->text, v->len) : NULL;
		} else if (fields[i].kind == FIELD_NUMBER) {
			*(uint64_t *)slot = v->number;
		} else {
			*(bool *)slot = v->yes;
		}
		break;
	}
	return true;
}

/* From behind the opening quote; NULL: not that plain. */
static const char *plain_text_end(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
			return NULL;
	return p < end ? p : NULL;
}

static const char *read_number(const char *p, const char *end, struct value *v)
{
	const char *first = p;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		v->number = v->number * 10 + (uint64_t)(*p - '0');
	return p > first && p - first <= 19 && v->number <= INT64_MAX && (*first != '0' || p - first == 1) ? p : NULL;
}

static const char *read_value(const char *p, const char *end, struct value *v)
{
	static const char *const words[] = { "true", "false", "null" };

	*v = (struct value){ .text = NULL };
	if (p < end && *p == '"') {
		v->text = p + 1;
		p = plain_text_end(v->text, end);
		v->len = p ? (size_t)(p - v->text) : 0;
		return p ? p + 1 : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		v->yes = i == 0;
		if ((size_t)(end - p) > len && !memcmp(p, words[i], len))
			return p + len;
	}
	v->yes = false;
	return read_number(p, end, v);
}

/* False: not as we write it, whatever it is. */
static bool parse_plain(const char *p, size_t len, struct run_entry *e)
{
	const char *end = p + len;

	if (len < 2 || *p++ != '{')
		return false;
	for (;;) {
		const char *key, *key_end;
		struct value v;

		if (p >= end || *p != '"')
			return false;
		key = p + 1;
		key_end = plain_text_end(key, end);
		if (!key_end || key_end + 1 >= end || key_end[1] != ':')
			return false;
		p = read_value(key_end + 2, end, &v);
		if (!p || p >= end || !take(e, key, (size_t)(key_end - key), &v))
			return false;
		if (*p == '}')
			return p + 1 == end;
		if (*p++ != ',')
			return false;
	}
}

static bool parse_tree(const char *line, size_t len, struct run_entry *e)
{
	json_auto_t *o = NULL;
	const char *key;
	json_t *value;

	if (json_parse(line, len, "history", &o, NULL) < 0 || !json_is_object(o))
		return false;
	json_object_foreach(o, key, value) {
		const json_int_t number = json_integer_value(value);
		const struct value v = {
			.text = json_string_value(value), .len = json_string_length(value), .number = number > 0 ? (uint64_t)number : 0,
			.yes = json_is_true(value),
		};

		if (!take(e, key, strlen(key), &v))
			return false;
	}
	return true;
}

bool run_entry_parse(const char *line, size_t len, struct run_entry *ret)
{
	struct run_entry e = { .package = NULL };
	bool good = parse_plain(line, len, &e);

	if (!good) {
		run_entry_release(&e);
		good = parse_tree(line, len, &e);
	}
	if (!good || !*e.run_id || !e.verdict) {
		run_entry_release(&e);
		return false;
	}
	*ret = e;
	return true;
}

/* ---- writing */

static const char *cause_of(const struct step_result *step)
{
	static const char *const ends[] = {
		[SANDBOX_EXITED] = "exit_status",    [SANDBOX_SIGNALED] = "signal",	    [SANDBOX_TIMED_OUT] = "timed_out",
		[SANDBOX_CANCELLED] = "cancelled",   [SANDBOX_OUT_OF_MEMORY] = "out_of_memory", [SANDBOX_LOST] = "lost",
	};

	if (step->limit)
		return step->limit;
	if (step->status == STEP_TIMED_OUT)
		return "timed_out";
	/* one that ended well failed by what is asked of it besides */
	return step->exit.end == SANDBOX_EXITED && !step->exit.status ? "expectation" : ends[step->exit.end];
}

/* What to count it under: "shell/exit_status", "error/unavailable", "escape_attempt". False: nothing failed, or the verdict says all. */
static bool failure_of(const struct result *r, char *out, size_t size)
{
	if (r->verdict == RUN_ERROR)
		return snprintf(out, size, "error/%s", error_code_to_string(r->error.code)) > 0;
	if (r->verdict != RUN_FAILED && r->verdict != RUN_LIMIT)
		return false;
	for (size_t i = 0; i < r->steps_len; i++) {
		const struct step_result *step = &r->steps[i];

		if (step->plan->phase == PHASE_MAIN && (step->status == STEP_FAILED || step->status == STEP_TIMED_OUT || step->status == STEP_LIMIT))
			return snprintf(out, size, "%s/%s", wpk_step_kind_to_string(step->plan->step->kind), cause_of(step)) > 0;
	}
	return result_escape_attempts(r) && snprintf(out, size, "escape_attempt") > 0;
}

/* Times are integers: they are read back, and exactly. */
void run_entry_write(const struct result *r, int status, size_t result_bytes, struct strbuf *out)
{
	const struct wpk *wpk = r->plan ? decision_wpk(r->plan->decision) : NULL;
	const uint64_t escapes = result_escape_attempts(r);
	struct observed seen = result_observed(r);
	char failure[64];
	json_auto_t *o = json_object();

	json_put_time(o, "time", r->ended_ns);	/* for people */
	json_put_text(o, "run_id", r->run_id);
	json_put_text(o, "package", wpk ? wpk->workflow_id : NULL);
	json_put_text(o, "source", r->source);
	json_put_text(o, "where", r->plan ? r->plan->where : NULL);
	json_put_text(o, "verdict", run_verdict_to_string(r->verdict));
	json_put_int(o, "status", status);
	json_put_int(o, "started_ns", (int64_t)r->started_ns);
	json_put_int(o, "duration_ns", (int64_t)r->duration_ns);
	json_put_int(o, "memory_peak_bytes", (int64_t)seen.memory_peak_bytes);
	json_put_bool(o, "cleanup_complete", r->cleanup_complete);
	if (failure_of(r, failure, sizeof(failure)))
		json_put_text(o, "failure", failure);
	if (escapes)
		json_put_int(o, "escape_attempts", (int64_t)escapes);
	if (result_is_kept(r))
		json_put_int(o, "kept_until_ns", (int64_t)r->kept_until_ns);
	json_put_int(o, "result_bytes", (int64_t)result_bytes);
	json_redact(o, r->redactor);
	json_write(o, 0, out);
	strbuf_addch(out, '\n');
}
