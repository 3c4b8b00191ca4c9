/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/serve/metrics.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

static const struct metrics_now nothing;

static json_t *parsed(const char *text)
{
	struct error err = { 0 };
	json_t *ret = NULL;

	if (json_parse(text, strlen(text), "test", &ret, &err) < 0)
		fail_msg("%s", err.text);
	return ret;
}

/* What stands behind "series " at the start of a line; NULL: there is no such line. */
static const char *value_of(const char *text, const char *series, char out[64])
{
	const size_t len = strlen(series);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, series, len) || line[len] != ' ')
			continue;
		snprintf(out, 64, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
		return out;
	}
	return NULL;
}

static void assert_value(const char *text, const char *series, const char *want)
{
	char out[64];
	const char *got = value_of(text, series, out);

	if (!got && want)
		fail_msg("no series %s", series);
	if (got && !want)
		fail_msg("%s should not be there", series);
	if (got && strcmp(got, want))
		fail_msg("%s is %s, not %s", series, got, want);
}

static void write_all_of(struct metrics *m, struct strbuf *out)
{
	strbuf_clear(out);
	metrics_write(m, &nothing, false, out);
}

/* The same without what changes by itself: the process, and the row of the run. */
static char *comparable(const char *text)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		if (strncmp(line, "process_", 8) && strncmp(line, "sandbox_runner_runs_total", 25) &&
		    strncmp(line, "sandbox_runner_run_duration", 27) && strncmp(line, "sandbox_runner_errors_total", 27) &&
		    strncmp(line, "sandbox_runner_run_cpu_seconds_total", 36))
			strbuf_add(&out, line, (size_t)(end + 1 - line));
	return strbuf_detach(&out);
}

static const char result_text[] =
	"{\"schema\": \"sandbox_runner/result\", \"schema_version\": 1, \"verdict\": \"failed\", \"escape_attempts\": 2, \"error\": null,"
	" \"timings\": {\"setup_seconds\": 0.25, \"cleanup_seconds\": 2}, \"rolled_back\": true,"
	" \"findings\": [{\"severity\": \"high\", \"suppressed\": false}, {\"severity\": \"high\", \"suppressed\": true}, {\"severity\": \"odd\"}],"
	" \"decision\": {\"policy_decision\": \"review\"}, \"backend\": {\"type\": \"kind\"},"
	" \"steps\": [{\"kind\": \"shell\", \"status\": \"passed\", \"memory_peak_bytes\": 1048576, \"cpu_seconds\": 1.5, \"limit\": null,"
	"   \"observation\": {\"network\": [{\"allowed\": false, \"count\": 3}, {\"allowed\": true, \"count\": 5}, {\"allowed\": false, \"count\": 1}],"
	"     \"security\": [{\"kind\": \"call\", \"severity\": \"critical\", \"count\": 2}, {\"kind\": \"write\", \"severity\": \"medium\", \"count\": 9},"
	"                    {\"kind\": \"teleport\", \"severity\": \"high\", \"count\": 1}]}},"
	"  {\"kind\": \"k8s\", \"status\": \"limit\", \"memory_peak_bytes\": 5000000, \"cpu_seconds\": 0.25, \"limit\": \"memory\", \"observation\": null}],"
	" \"kept\": null, \"cleanup\": {\"complete\": false, \"made\": 9, \"gone\": 7}}";

static void counts_what_a_result_says(void **state)
{
	static const struct { const char *series, *value; } want[] = {
		{ "sandbox_runner_runs_total{sandbox=\"kind\",verdict=\"failed\"}", "1" },
		{ "sandbox_runner_runs_total{sandbox=\"container\",verdict=\"failed\"}", "0" },
		{ "sandbox_runner_run_duration_seconds_sum{sandbox=\"kind\"}", "3.000000001" },
		{ "sandbox_runner_run_duration_seconds_bucket{sandbox=\"kind\",le=\"2.5\"}", "0" },
		{ "sandbox_runner_run_duration_seconds_bucket{sandbox=\"kind\",le=\"5.0\"}", "1" },
		{ "sandbox_runner_run_duration_seconds_bucket{sandbox=\"kind\",le=\"+Inf\"}", "1" },
		{ "sandbox_runner_provision_duration_seconds_bucket{sandbox=\"kind\",le=\"0.1\"}", "0" },
		{ "sandbox_runner_provision_duration_seconds_bucket{sandbox=\"kind\",le=\"0.25\"}", "1" },	/* a bound belongs to its bucket */
		{ "sandbox_runner_cleanup_duration_seconds_sum{sandbox=\"kind\"}", "2.0" },
		{ "sandbox_runner_run_memory_peak_bytes_sum{sandbox=\"kind\"}", "5000000" },
		{ "sandbox_runner_run_memory_peak_bytes_bucket{sandbox=\"kind\",le=\"4194304.0\"}", "0" },
		{ "sandbox_runner_run_memory_peak_bytes_bucket{sandbox=\"kind\",le=\"16777216.0\"}", "1" },
		{ "sandbox_runner_run_cpu_seconds_total{sandbox=\"kind\"}", "1.75" },
		{ "sandbox_runner_errors_total{kind=\"security\"}", "1" },
		{ "sandbox_runner_errors_total{kind=\"step_failed\"}", "0" },
		{ "sandbox_runner_steps_total{type=\"shell\",status=\"passed\"}", "1" },
		{ "sandbox_runner_steps_total{type=\"k8s\",status=\"limit\"}", "1" },
		{ "sandbox_runner_findings_total{severity=\"high\"}", "1" },
		{ "sandbox_runner_findings_total{severity=\"other\"}", "1" },
		{ "sandbox_runner_policy_decisions_total{decision=\"review\"}", "1" },
		{ "sandbox_runner_policy_decisions_total{decision=\"block\"}", "0" },
		{ "sandbox_runner_cleanup_total{result=\"incomplete\"}", "1" },
		{ "sandbox_runner_cleanup_total{result=\"complete\"}", "0" },
		{ "sandbox_runner_leaked_resources", "2" },
		{ "sandbox_runner_network_denials_total", "4" },
		{ "sandbox_runner_escape_signals_total{kind=\"call\"}", "2" },
		{ "sandbox_runner_escape_signals_total{kind=\"write\"}", "0" },
		{ "sandbox_runner_escape_signals_total{kind=\"other\"}", "1" },
		{ "sandbox_runner_limit_hits_total{resource=\"memory\"}", "1" },
		{ "sandbox_runner_limit_hits_total{resource=\"pids\"}", "0" },
		{ "workflow_runs_total{workflow_name=\"w\",status=\"failed\"}", NULL },
	};
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(false);
	json_auto_t *result = parsed(result_text);

	(void)state;
	metrics_run(m, "container (native)", "failed", "w", 3 * NS_PER_SEC + 1, result);
	write_all_of(m, &out);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_value(out.buf, want[i].series, want[i].value);
	metrics_leak(m, 0);
	write_all_of(m, &out);
	assert_value(out.buf, "sandbox_runner_leaked_resources", "0");
	metrics_free(m);
}

static void counts_runs_without_a_result(void **state)
{
	static const struct { const char *sandbox, *verdict, *where, *word, *error; } rows[] = {
		{ "container", "verified", "container", "verified", NULL },
		{ "container", "interrupted", "container", "interrupted", "interrupted" },
		{ "container/native", "refused", "container", "refused", "permission_denied" },
		{ "kubernetes", "invalid", "kubernetes", "invalid", "invalid_input" },
		{ "container", "error", "container", "error", "internal" },
		{ "mars\n\"", "won\\", "other", "other", "other" },
		{ NULL, NULL, "other", "other", "other" },
		{ "", "", "other", "other", "other" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct metrics *m = metrics_new(false);
		char series[128];

		metrics_run(m, rows[i].sandbox, rows[i].verdict, NULL, 1, NULL);
		write_all_of(m, &out);
		snprintf(series, sizeof(series), "sandbox_runner_runs_total{sandbox=\"%s\",verdict=\"%s\"}", rows[i].where, rows[i].word);
		assert_value(out.buf, series, "1");
		if (rows[i].error) {
			snprintf(series, sizeof(series), "sandbox_runner_errors_total{kind=\"%s\"}", rows[i].error);
			assert_value(out.buf, series, "1");
		} else {
			assert_null(strstr(strstr(out.buf, "# TYPE sandbox_runner_errors_total"), "\"} 1\n# HELP sandbox_runner_steps"));
		}
		metrics_free(m);
	}
}

#define HEAD "{\"schema\": \"sandbox_runner/result\", \"schema_version\": 1"
static void counts_nothing_of_what_is_no_result(void **state)
{
	static const char *const texts[] = {
		"null", "[]", "7", "\"x\"", "{}",
		"{\"schema\": \"sandbox_runner/plan\", \"schema_version\": 1, \"findings\": [{\"severity\": \"high\"}]}",
		"{\"schema\": \"sandbox_runner/result\", \"schema_version\": 2, \"findings\": [{\"severity\": \"high\"}]}",
		"{\"schema\": \"sandbox_runner/result\", \"schema_version\": \"1\", \"findings\": [{\"severity\": \"high\"}]}",
		HEAD "}",
		HEAD ", \"findings\": {}, \"steps\": 3, \"decision\": [], \"timings\": null, \"cleanup\": \"complete\", \"backend\": 1, \"error\": []}",
		HEAD ", \"findings\": [1, null, [], \"high\"], \"steps\": [null, 1, []], \"backend\": {}, \"timings\": {\"setup_seconds\": \"1\"}}",
		HEAD ", \"backend\": {}, \"timings\": {\"setup_seconds\": -1, \"cleanup_seconds\": -1}}",
		HEAD ", \"backend\": {}, \"timings\": {\"setup_seconds\": 1e300, \"cleanup_seconds\": 1e300}}",
		HEAD ", \"cleanup\": {\"complete\": true, \"made\": -4, \"gone\": 0}}",
		HEAD ", \"cleanup\": {\"complete\": 1, \"made\": 4, \"gone\": 0}}",
		HEAD ", \"cleanup\": {\"complete\": false, \"made\": 4, \"gone\": 0}, \"kept\": {\"until\": null}}",
		HEAD ", \"cleanup\": {\"complete\": true, \"made\": 9223372036854775807, \"gone\": 0}}",
	};
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *empty = metrics_new(false);
	autofree char *want = NULL;

	(void)state;
	write_all_of(empty, &out);
	want = comparable(out.buf);
	metrics_free(empty);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct metrics *m = metrics_new(false);
		json_auto_t *result = NULL;
		autofree char *got = NULL;

		if (texts[i][0] == '{')
			result = parsed(texts[i]);
		else
			result = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		metrics_run(m, "container", "error", "w", 1, result);
		write_all_of(m, &out);
		got = comparable(out.buf);
		if (strcmp(got, want))
			fail_msg("counted something of %s", texts[i]);
		metrics_free(m);
	}
}

/* No number, however large, makes a counter useless. */
static void takes_large_numbers(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(false);
	json_auto_t *result = parsed(HEAD ", \"steps\": [{\"kind\": \"shell\", \"status\": \"passed\", \"memory_peak_bytes\": 9223372036854775807,"
				     " \"cpu_seconds\": 1e18, \"observation\": {\"network\": [{\"allowed\": false, \"count\": 9223372036854775807},"
				     " {\"allowed\": false, \"count\": -1}, {\"allowed\": false}, {\"allowed\": false, \"count\": 2}]}}]}");

	(void)state;
	metrics_run(m, "container", "verified", NULL, UINT64_MAX / 4, result);
	write_all_of(m, &out);
	assert_value(out.buf, "sandbox_runner_network_denials_total", "2");
	assert_value(out.buf, "sandbox_runner_run_cpu_seconds_total{sandbox=\"container\"}", "0.0");
	assert_value(out.buf, "sandbox_runner_run_memory_peak_bytes_count{sandbox=\"container\"}", NULL);
	assert_value(out.buf, "sandbox_runner_run_duration_seconds_bucket{sandbox=\"container\",le=\"3600.0\"}", "0");
	assert_value(out.buf, "sandbox_runner_run_duration_seconds_bucket{sandbox=\"container\",le=\"+Inf\"}", "1");
	metrics_free(m);
}

static void bounds_requests(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(false);
	char route[32];

	(void)state;
	metrics_http(m, "GET", "getRun", 200, NS_PER_MS);
	metrics_http(m, "GET", "getRun", 404, 2 * NS_PER_MS);
	metrics_http(m, "BREW", NULL, 99999, 0);
	write_all_of(m, &out);
	assert_value(out.buf, "sandbox_runner_http_requests_total{method=\"GET\",route=\"getRun\",code=\"200\"}", "1");
	assert_value(out.buf, "sandbox_runner_http_requests_total{method=\"GET\",route=\"getRun\",code=\"404\"}", "1");
	assert_value(out.buf, "sandbox_runner_http_requests_total{method=\"other\",route=\"other\",code=\"other\"}", "1");
	assert_value(out.buf, "sandbox_runner_http_request_duration_seconds_bucket{route=\"getRun\",le=\"0.001\"}", "1");
	assert_value(out.buf, "sandbox_runner_http_request_duration_seconds_bucket{route=\"getRun\",le=\"0.0025\"}", "2");
	assert_value(out.buf, "sandbox_runner_http_request_duration_seconds_sum{route=\"getRun\"}", "0.003");
	for (int i = 0; i < 6000; i++) {
		snprintf(route, sizeof(route), "r%d", i);
		metrics_http(m, "GET", route, 200, 1);
	}
	write_all_of(m, &out);
	assert_true(out.len < 8 << 20);
	assert_value(out.buf, "sandbox_runner_http_requests_total{method=\"GET\",route=\"r5999\",code=\"200\"}", NULL);
	metrics_free(m);
}

static void counts_code(void **state)
{
	const struct metrics_now now = { .exec_warm = 3, .exec_busy = 1, .queue_capacity = 9 };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(false);

	(void)state;
	metrics_exec(m, "python", "completed", true, 2 * NS_PER_MS);
	metrics_exec(m, "perl", "gone", false, 2 * NS_PER_MS);
	metrics_write(m, &now, false, &out);
	assert_value(out.buf, "sandbox_runner_exec_total{language=\"python\",status=\"completed\"}", "1");
	assert_value(out.buf, "sandbox_runner_exec_total{language=\"other\",status=\"other\"}", "1");
	assert_value(out.buf, "sandbox_runner_exec_duration_seconds_count{sandbox=\"warm\"}", "1");
	assert_value(out.buf, "sandbox_runner_exec_duration_seconds_count{sandbox=\"cold\"}", "1");
	assert_value(out.buf, "sandbox_runner_exec_pool_sandboxes{state=\"warm\"}", "3");
	assert_value(out.buf, "sandbox_runner_exec_pool_sandboxes{state=\"busy\"}", "1");
	assert_value(out.buf, "sandbox_runner_queue_capacity", "9");
	metrics_free(m);
}

static void names_workflows_only_when_asked(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(true);
	json_auto_t *result = parsed(result_text);
	char name[1024];

	(void)state;
	metrics_run(m, "container", "verified", "a\"b\\c\nd\xff\xe2\x80\xae", NS_PER_SEC, NULL);
	metrics_run(m, "container", "failed", "w", NS_PER_SEC, NULL);
	metrics_run(m, "container", "failed", "w", NS_PER_SEC, result);
	metrics_run(m, "container", "nothing_executed", "", NS_PER_SEC, NULL);
	write_all_of(m, &out);
	assert_value(out.buf, "workflow_runs_total{workflow_name=\"a\\\"b\\\\c\xef\xbf\xbd" "d\xef\xbf\xbd\xef\xbf\xbd\",status=\"completed\"}", "1");
	assert_value(out.buf, "workflow_runs_total{workflow_name=\"w\",status=\"failed\"}", "1");
	assert_value(out.buf, "workflow_runs_total{workflow_name=\"w\",status=\"rolled_back\"}", "1");
	assert_value(out.buf, "workflow_failure_total{workflow_name=\"w\",error_type=\"step_failed\"}", "1");
	assert_value(out.buf, "workflow_success_total{workflow_name=\"w\"}", NULL);
	assert_value(out.buf, "workflow_success_total{workflow_name=\"other\"}", "1");
	assert_value(out.buf, "workflow_duration_seconds_count{workflow_name=\"w\"}", "2");
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%03d%0900d", i, 0);
		metrics_run(m, "container", "verified", name, NS_PER_SEC, NULL);
	}
	write_all_of(m, &out);
	assert_value(out.buf, "workflow_success_total{workflow_name=\"other\"}", "303");	/* 200 names, two of them above */
	memset(name, '0', sizeof(name));
	assert_non_null(strstr(out.buf, "workflow_name=\"197000000"));
	assert_null(strstr(out.buf, "workflow_name=\"198000000"));
	name[140] = '\0';
	assert_null(strstr(out.buf, name));	/* names are cut */
	metrics_free(m);
}

static void writes_openmetrics(void **state)
{
	static const struct { const char *text; bool there; } want[] = {
		{ "# TYPE sandbox_runner_runs counter\n", true }, { "# TYPE sandbox_runner_runs_total", false },
		{ "\nsandbox_runner_runs_total{sandbox=\"container\",verdict=\"verified\"} 0\n", true },
		{ "# TYPE sandbox_runner_build info\n", true }, { "\nsandbox_runner_build_info{version=\"" SANDBOX_RUNNER_VERSION "\",revision=\"", true },
		{ "# UNIT sandbox_runner_run_duration_seconds seconds\n", true }, { "# UNIT sandbox_runner_run_memory_peak_bytes bytes\n", true },
		{ "\nsandbox_runner_active_runs 3\n", true }, { "\nsandbox_runner_queue_depth 4\n", true },
		{ "\nsandbox_runner_http_connections 5\n", true }, { "\nsandbox_runner_event_streams 6\n", true },
		{ "\nsandbox_runner_draining 1\n", true }, { "\nactive_workflows 3\n", true }, { "revision=\"unknown\"", false }, { "\n\n", false },
	};
	const struct metrics_now now = { .active_runs = 3, .queue_depth = 4, .connections = 5, .streams = 6, .draining = true };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(true);

	(void)state;
	metrics_write(m, &now, true, &out);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (!strstr(out.buf, want[i].text) == want[i].there)
			fail_msg("'%s' is %s", want[i].text, want[i].there ? "missing" : "there");
	assert_string_equal(out.buf + out.len - 7, "\n# EOF\n");
	strbuf_clear(&out);
	metrics_write(m, &now, false, &out);
	assert_null(strstr(out.buf, "# EOF"));
	assert_non_null(strstr(out.buf, "# TYPE sandbox_runner_runs_total counter\n"));
	assert_non_null(strstr(out.buf, "# TYPE sandbox_runner_build_info gauge\n"));
	metrics_free(m);
	metrics_free(NULL);
}

static void tells_of_the_process(void **state)
{
	static const char *const series[] = { "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
					      "process_start_time_seconds" };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics *m = metrics_new(false);
	char value[64];

	(void)state;
	write_all_of(m, &out);
	for (size_t i = 0; i < ARRAY_SIZE(series); i++) {
		assert_non_null(value_of(out.buf, series[i], value));
		assert_true(strtod(value, NULL) > 0);
	}
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_a_result_says),
		cmocka_unit_test(counts_runs_without_a_result),
		cmocka_unit_test(counts_nothing_of_what_is_no_result),
		cmocka_unit_test(takes_large_numbers),
		cmocka_unit_test(bounds_requests),
		cmocka_unit_test(counts_code),
		cmocka_unit_test(names_workflows_only_when_asked),
		cmocka_unit_test(writes_openmetrics),
		cmocka_unit_test(tells_of_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
