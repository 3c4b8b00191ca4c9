/* SPDX-License-Identifier: Apache-2.0
 * What a result.json adds to the counters. It was written by a process of ours, but lies in a file: whatever is not as its schema says
 * counts as nothing, and no number of it can make a counter useless. */
#include "cmd/serve/metrics_private.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/result.h"

#define COUNT_MAX 1000000000000	/* of one value; far above anything true */
#define SECONDS_MAX 1e7

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static uint64_t count(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	return n > 0 && n <= COUNT_MAX ? (uint64_t)n : 0;
}

static bool seconds(const json_t *object, const char *key, uint64_t *ret_ns)
{
	const json_t *value = json_object_get(object, key);
	double s = json_number_value(value);

	if (!json_is_number(value) || !(s >= 0) || s > SECONDS_MAX)
		return false;
	*ret_ns = (uint64_t)(s * (double)NS_PER_SEC);
	return true;
}

bool metrics_is_result(const json_t *result)
{
	const char *schema = text(result, "schema");

	return schema && !strcmp(schema, "sandbox_runner/result") && count(result, "schema_version") == RESULT_SCHEMA_VERSION;
}

const char *metrics_error_kind(const char *verdict, const json_t *result)
{
	static const struct { const char *verdict, *kind; } table[] = {
		{ "verified", NULL }, { "partial", NULL }, { "nothing_executed", NULL }, { "failed", "step_failed" }, { "limit", "limit" },
		{ "deadline", "deadline_exceeded" }, { "cancelled", "cancelled" }, { "error", "internal" }, { "refused", "permission_denied" },
		{ "invalid", "invalid_input" }, { "interrupted", "interrupted" },
	};
	const char *code;

	if (!metrics_is_result(result))
		result = NULL;
	code = text(json_object_get(result, "error"), "code");
	for (size_t i = 0; verdict && i < sizeof(table) / sizeof(*table); i++) {
		if (strcmp(table[i].verdict, verdict))
			continue;
		if (!strcmp(verdict, "error") && code)
			return code;
		return !strcmp(verdict, "failed") && count(result, "escape_attempts") ? "security" : table[i].kind;
	}
	return "other";
}

static void count_observation(struct metrics *m, const json_t *observation)
{
	const json_t *thing;
	size_t i;

	json_array_foreach(json_object_get(observation, "network"), i, thing)
		if (json_is_false(json_object_get(thing, "allowed")))
			metric_add(m, M_DENIALS, NULL, NULL, NULL, count(thing, "count"));
	json_array_foreach(json_object_get(observation, "security"), i, thing) {
		const char *severity = text(thing, "severity");

		if (severity && (!strcmp(severity, "high") || !strcmp(severity, "critical")))
			metric_add(m, M_ESCAPES, text(thing, "kind"), NULL, NULL, count(thing, "count"));
	}
}

static void count_steps(struct metrics *m, const char *sandbox, const json_t *steps)
{
	uint64_t memory_peak = 0, cpu_ns = 0, ns;
	const json_t *step;
	size_t i;

	json_array_foreach(steps, i, step) {
		if (!json_is_object(step))
			continue;
		metric_add(m, M_STEPS, text(step, "kind"), text(step, "status"), NULL, 1);
		if (text(step, "limit"))
			metric_add(m, M_LIMITS, text(step, "limit"), NULL, NULL, 1);
		if (count(step, "memory_peak_bytes") > memory_peak)
			memory_peak = count(step, "memory_peak_bytes");
		if (seconds(step, "cpu_seconds", &ns))
			cpu_ns += ns;
		count_observation(m, json_object_get(step, "observation"));
	}
	if (memory_peak)
		metric_observe(m, M_RUN_MEMORY_PEAK, sandbox, memory_peak);
	metric_add(m, M_RUN_CPU, sandbox, NULL, NULL, cpu_ns);
}

/* A sandbox that was kept is not cleaned up yet, and nothing of it has leaked. */
static void count_cleanup(struct metrics *m, const char *sandbox, const json_t *result)
{
	const json_t *cleanup = json_object_get(result, "cleanup"), *timings = json_object_get(result, "timings");
	const uint64_t made = count(cleanup, "made"), gone = count(cleanup, "gone");
	uint64_t ns;

	if (json_is_object(json_object_get(result, "kept")) || !json_is_boolean(json_object_get(cleanup, "complete")) || !made)
		return;
	metric_add(m, M_CLEANUP, json_is_true(json_object_get(cleanup, "complete")) ? "complete" : "incomplete", NULL, NULL, 1);
	if (made > gone)
		metric_add(m, M_LEAKED, NULL, NULL, NULL, made - gone);
	if (seconds(timings, "cleanup_seconds", &ns))
		metric_observe(m, M_CLEANUP_DURATION, sandbox, ns);
}

void metrics_count_result(struct metrics *m, const char *sandbox, const json_t *result)
{
	const json_t *finding, *decision = json_object_get(result, "decision");
	uint64_t ns;
	size_t i;

	json_array_foreach(json_object_get(result, "findings"), i, finding)
		if (json_is_object(finding) && !json_is_true(json_object_get(finding, "suppressed")))
			metric_add(m, M_FINDINGS, text(finding, "severity"), NULL, NULL, 1);
	if (json_is_object(decision))
		metric_add(m, M_DECISIONS, text(decision, "policy_decision"), NULL, NULL, 1);
	if (json_is_object(json_object_get(result, "backend")) && seconds(json_object_get(result, "timings"), "setup_seconds", &ns) && ns)
		metric_observe(m, M_PROVISION_DURATION, sandbox, ns);
	count_steps(m, sandbox, json_object_get(result, "steps"));
	count_cleanup(m, sandbox, result);
}
