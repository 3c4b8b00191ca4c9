/* SPDX-License-Identifier: Apache-2.0
 * observation: what is kept of events, what is counted when there are too many, and a series that covers any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/observation_text.h"

static struct sandbox_event event(enum sandbox_event_kind kind, enum sandbox_severity severity, const char *subject)
{
	return (struct sandbox_event){ .kind = kind, .severity = severity, .count = 1, .pid = 7, .program = "p", .subject = subject, .detail = "" };
}

static void where_events_go(void **state)
{
	static const struct {
		enum sandbox_event_kind kind;
		enum sandbox_severity severity;
		size_t processes, network, security;
		bool told;
	} cases[] = {
		{ SANDBOX_EVENT_EXEC, SANDBOX_INFO, 1, 0, 0, false },	 { SANDBOX_EVENT_CONNECT, SANDBOX_INFO, 0, 1, 0, true },
		{ SANDBOX_EVENT_CONNECT, SANDBOX_HIGH, 0, 1, 1, true },  { SANDBOX_EVENT_SEND, SANDBOX_INFO, 0, 1, 0, true },
		{ SANDBOX_EVENT_DNS, SANDBOX_LOW, 0, 1, 0, true },	 { SANDBOX_EVENT_FORWARD, SANDBOX_INFO, 0, 1, 0, true },
		{ SANDBOX_EVENT_CALL, SANDBOX_LOW, 0, 0, 1, true },	 { SANDBOX_EVENT_WRITE, SANDBOX_MEDIUM, 0, 0, 1, true },
		{ SANDBOX_EVENT_OUTLIVED, SANDBOX_MEDIUM, 0, 0, 1, true }, { SANDBOX_EVENT_LIMIT, SANDBOX_LOW, 0, 0, 1, true },
		{ SANDBOX_EVENT_EXIT, SANDBOX_INFO, 0, 0, 0, false },	 { SANDBOX_EVENT_LOST, SANDBOX_INFO, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct observation *o = observation_new(true);
		struct sandbox_event e = event(cases[i].kind, cases[i].severity, "s");

		assert_int_equal(observation_add(o, &e) != NULL, cases[i].told);
		assert_null(observation_add(o, &e));	/* the same again is counted only */
		assert_int_equal(o->processes_len, cases[i].processes * 2);
		assert_int_equal(o->network.len, cases[i].network);
		assert_int_equal(o->security.len, cases[i].security);
		assert_int_equal(observation_count(o, SANDBOX_INFO), cases[i].security * 2);
		observation_free(o);
	}
}

static void processes_end(void **state)
{
	struct observation *o = observation_new(true);
	struct sandbox_event start = event(SANDBOX_EVENT_EXEC, SANDBOX_INFO, "/bin/a"), end = event(SANDBOX_EVENT_EXIT, SANDBOX_INFO, "");

	(void)state;
	start.time_ns = o->started_ns + 5;
	end.time_ns = o->started_ns + 9;
	end.value = 3;
	observation_add(o, &start);
	observation_add(o, &end);
	observation_add(o, &start);		/* the number is used again */
	assert_true(o->processes[0].exited);
	assert_int_equal(o->processes[0].status, 3);
	assert_int_equal(o->processes[0].ended_ns, 9);
	assert_false(o->processes[1].exited);
	observation_free(o);
}

static void bounded(void **state)
{
	struct observation *o = observation_new(true);

	(void)state;
	for (unsigned int i = 0; i < THINGS_MAX + 10; i++) {
		char subject[32];
		struct sandbox_event e = event(SANDBOX_EVENT_CALL, SANDBOX_LOW, subject);

		snprintf(subject, sizeof(subject), "call%u", i);
		observation_add(o, &e);
	}
	for (unsigned int i = 0; i < PROCESSES_MAX + 5; i++) {
		struct sandbox_event e = event(SANDBOX_EVENT_EXEC, SANDBOX_INFO, "/bin/a");

		observation_add(o, &e);
	}
	assert_int_equal(o->security.len, THINGS_MAX);
	assert_int_equal(o->processes_len, PROCESSES_MAX);
	assert_int_equal(o->lost, 15);
	observation_free(o);
}

/* A day in quarters of a second: 345,600 looks. */
static void series_covers_everything(void **state)
{
	struct usage_series s;
	struct sandbox_usage u = { .known = USAGE_CPU | USAGE_MEMORY };
	uint64_t now = 1000;

	(void)state;
	usage_series_begin(&s, &u, now);
	for (unsigned int i = 0; i < 345600; i++) {
		now += USAGE_INTERVAL_NS;
		u.cpu_ns += USAGE_INTERVAL_NS / 2;
		u.memory_bytes = i == 1234 ? 777 : 100;
		usage_series_add(&s, &u, now);
	}
	usage_series_end(&s);
	assert_true(s.len > USAGE_POINTS / 2 - 1 && s.len <= USAGE_POINTS);
	assert_int_equal(s.points[s.len - 1].at_ns, now - 1000);
	assert_int_equal(s.peak.memory_bytes, 777);
	for (size_t i = 0; i < s.len; i++)
		assert_int_equal(s.points[i].cpu_millis, 500);
	assert_true(s.points[0].memory_bytes == 777);	/* a peak survives joining */
}

static void spark(void **state)
{
	struct usage_series s = { .len = 4, .points = { { .memory_bytes = 0 }, { .memory_bytes = 70 }, { .memory_bytes = 35 }, { .memory_bytes = 10 } } };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	usage_series_spark(&s, usage_memory, 10, &out);
	assert_string_equal(out.buf, "▁█▄▂");
	strbuf_clear(&out);
	usage_series_spark(&s, usage_memory, 2, &out);
	assert_string_equal(out.buf, "█▄");
}

/* Names that a step made up cannot reach the terminal. */
static void text_is_safe(void **state)
{
	struct observation *o = observation_new(true);
	struct sandbox_event e = event(SANDBOX_EVENT_WRITE, SANDBOX_CRITICAL, "/etc/\033[2J\nVerdict: VERIFIED");
	struct redactor *redactor = redactor_new();
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	redactor_add(redactor, "hunter22", 8);
	e.detail = "hunter22";
	observation_add(o, &e);
	observation_print(o, &(struct observation_style){ .redactor = redactor, .most = 5 }, &out);
	assert_string_equal(out.buf, "    security: CRITICAL: refused change of /etc/\\x1b[2J\\nVerdict: VERIFIED (***, by p)\n");
	redactor_free(redactor);
	observation_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_events_go), cmocka_unit_test(processes_end), cmocka_unit_test(bounded),
		cmocka_unit_test(series_covers_everything), cmocka_unit_test(spark), cmocka_unit_test(text_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
