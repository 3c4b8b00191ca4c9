/* SPDX-License-Identifier: Apache-2.0
 * The pool against workers that do not behave: shell scripts in place of the program. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/exec_pool.h"
#include "cmd/serve/metrics.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define READY "echo '{\"ready\":true,\"run_id\":\"r\",\"languages\":[\"bash\",\"python\"]}'\n"
#define OUTCOME "echo '{\"outcome\":{\"status\":\"completed\"}}'\n"
#define CLEAN "echo '{\"cleanup\":{\"complete\":true,\"left\":0}}'\n"

struct scene {
	char folder[64], program[96];
	struct loop *loop;
	struct loop_timer *timer;
	struct metrics *metrics;
	struct exec_pool *pool;
	bool late;
	/* of the answers */
	unsigned int answers, failures, warm;
	enum error_code code;
	char text[1024];
};

static void on_late(void *data)
{
	struct scene *s = data;

	s->late = true;
	loop_stop(s->loop);
}

static void on_answer(void *data, const struct exec_answer *a)
{
	struct scene *s = data;

	s->answers++;
	s->warm += a->warm;
	if (a->failure) {
		s->failures++;
		s->code = a->failure->code;
		snprintf(s->text, sizeof(s->text), "%s", a->failure->text);
	}
	loop_stop(s->loop);
}

static void begin(struct scene *s, const char *script, unsigned int warm)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct exec_pool_options options = { .warm = warm, .at_once = 2 };
	struct error err;

	*s = (struct scene){ .folder = "/tmp/exec_pool_test.XXXXXX" };
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->program, sizeof(s->program), "%s/worker", s->folder);
	strbuf_addf(&text, "#!/bin/sh\n%s", script);
	assert_int_equal(file_write_atomic(s->program, text.buf, text.len, 0700, &err), 0);
	assert_int_equal(loop_new(&s->loop, &err), 0);
	s->metrics = metrics_new(false);
	options.program = s->program;
	options.state_dir = s->folder;
	options.metrics = s->metrics;
	assert_int_equal(exec_pool_new(s->loop, &options, &s->pool, &err), 0);
	s->timer = loop_timer_new(s->loop, on_late, s);
}

static void end(struct scene *s)
{
	exec_pool_free(s->pool);
	loop_timer_free(s->timer);
	loop_free(s->loop);
	metrics_free(s->metrics);
	unlink(s->program);
	rmdir(s->folder);
}

/* False: nobody stopped the loop in this time. */
static bool turn(struct scene *s, uint64_t ns)
{
	struct error err;

	s->late = false;
	loop_timer_set(s->timer, clock_deadline(ns));
	assert_int_equal(loop_run(s->loop, &err), 0);
	return !s->late;
}

static struct exec_ticket *order(struct scene *s, const char *text, struct error *err)
{
	json_auto_t *json = NULL;
	struct exec_order o;

	assert_int_equal(json_parse(text, strlen(text), "order", &json, err), 0);
	assert_int_equal(exec_order_parse(json, &o, err), 0);
	return exec_pool_submit(s->pool, &o, json, on_answer, s, err);
}

static json_int_t number(const struct scene *s, const char *group, const char *name)
{
	json_auto_t *all = exec_pool_to_json(s->pool);

	return json_integer_value(json_object_get(group ? json_object_get(all, group) : all, name));
}

static void until_warm(struct scene *s, unsigned int n)
{
	for (int i = 0; i < 1200 && exec_pool_counts(s->pool).warm != n; i++)
		turn(s, 50 * NS_PER_MS);
	assert_int_equal(exec_pool_counts(s->pool).warm, n);
}

static const char usual[] = "{\"language\": \"bash\", \"code\": \"echo\"}";

static void answers_whatever_workers_do(void **state)
{
	static const struct { const char *what, *script; int code; const char *text; } rows[] = {
		{ "a good one", READY "read -r order\n" OUTCOME CLEAN, ERR_OK, "" },
		{ "one that refuses", READY "read -r order\necho '{\"error\":\"no such thing\",\"code\":\"invalid_input\"}'\n" CLEAN, ERR_INVALID_INPUT, "no such thing" },
		{ "an error without a code", READY "read -r order\necho '{\"error\":\"odd\"}'\n", ERR_INTERNAL, "odd" },
		{ "one that cannot make a sandbox", "echo '{\"ready\":false,\"error\":\"no namespaces\"}'\n", ERR_UNAVAILABLE, "no namespaces" },
		{ "one that ends before it is ready", "exit 1\n", ERR_INTERNAL, "ended before it could answer" },
		{ "one that ends with the order", READY "read -r order\nexit 0\n", ERR_INTERNAL, "ended before it could answer" },
		{ "one that is killed", READY "read -r order\nkill -9 $$\n", ERR_INTERNAL, "ended before it could answer" },
		{ "one that does not read", READY "exec < /dev/null\nexit 0\n", ERR_INTERNAL, "ended before it could answer" },
		{ "no JSON", "echo hello\nsleep 1\n", ERR_INTERNAL, "cannot be read" },
		{ "no JSON as an answer", READY "read -r order\nprintf '\\377\\n'\n", ERR_INTERNAL, "cannot be read" },
		{ "an answer in pieces", READY "read -r order\nprintf '{\"outcome\":'\nsleep 0.1\nprintf '{}}\\n'\n", ERR_OK, "" },
		{ "two answers", READY "read -r order\n" OUTCOME OUTCOME CLEAN CLEAN, ERR_OK, "" },
		{ "an answer before the order", OUTCOME READY "read -r order\n" OUTCOME, ERR_OK, "" },
		{ "all at once", READY "read -r order\nprintf '{\"outcome\":{}}\\n{\"cleanup\":{\"complete\":true}}\\n'\n", ERR_OK, "" },
		{ "no end of line", READY "read -r order\nhead -c 9000000 /dev/zero | tr '\\0' x\n", ERR_INTERNAL, "too long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;
		struct error err;

		begin(&s, rows[i].script, 0);
		assert_non_null(order(&s, usual, &err));
		assert_int_equal(s.answers, 0);		/* never from within */
		if (!turn(&s, 60 * NS_PER_SEC))
			fail_msg("%s: no answer", rows[i].what);
		turn(&s, 20 * NS_PER_MS);
		if (s.answers != 1 || s.failures != (rows[i].code != ERR_OK) || s.code != (enum error_code)rows[i].code || !strstr(s.text, rows[i].text))
			fail_msg("%s: %u answers, %u failures, code %d: %s", rows[i].what, s.answers, s.failures, s.code, s.text);
		end(&s);
	}
}

static void keeps_some_warm_and_uses_each_once(void **state)
{
	struct scene s;
	struct error err;

	(void)state;
	begin(&s, READY "read -r order || exit 0\n" OUTCOME CLEAN, 3);
	until_warm(&s, 3);
	for (int i = 1; i <= 5; i++) {
		assert_non_null(order(&s, usual, &err));
		assert_true(turn(&s, 60 * NS_PER_SEC));
		assert_int_equal(s.answers, i);
		until_warm(&s, 3);
	}
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.warm, 5);
	assert_int_equal(number(&s, "workers", "started"), 8);
	assert_non_null(order(&s, "{\"language\": \"bash\", \"code\": \"echo\", \"cpu_limit\": 1}", &err));
	assert_true(turn(&s, 60 * NS_PER_SEC));
	assert_int_equal(s.warm, 5);		/* of its own */
	assert_int_equal(number(&s, "orders", "cold"), 1);
	exec_pool_resize(s.pool, 1);
	until_warm(&s, 1);
	assert_null(order(&s, "{\"language\": \"go\", \"code\": \"echo\"}", &err));
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	end(&s);
}

static void bounds_what_waits_and_lets_go(void **state)
{
	struct exec_ticket *tickets[258];
	struct scene s;
	struct error err;
	size_t n = 0;

	(void)state;
	begin(&s, READY "read -r order\nexec sleep 60\n", 0);
	for (n = 0; n < ARRAY_SIZE(tickets); n++) {
		tickets[n] = order(&s, usual, &err);
		if (!tickets[n])
			break;
		if (n < 2)
			turn(&s, 200 * NS_PER_MS);
	}
	assert_int_equal(n, 258);	/* two work, the others wait */
	assert_null(order(&s, usual, &err));
	assert_int_equal(err.code, ERR_RESOURCE_EXHAUSTED);
	assert_int_equal(exec_pool_counts(s.pool).busy, 2);
	assert_int_equal(exec_pool_counts(s.pool).waiting, 256);
	for (size_t i = 5; i < n; i++)
		exec_pool_forget(tickets[i]);
	exec_pool_forget(tickets[0]);		/* works: its worker is ended, and the next begins */
	for (int i = 0; i < 1200 && exec_pool_counts(s.pool).waiting != 2; i++)
		turn(&s, 50 * NS_PER_MS);
	assert_int_equal(exec_pool_counts(s.pool).busy, 2);
	assert_int_equal(exec_pool_counts(s.pool).waiting, 2);
	assert_int_equal(s.answers, 0);
	end(&s);	/* with orders in hand */
	assert_int_equal(s.answers, 0);
}

static void on_empty(void *data)
{
	bool *empty = data;

	*empty = true;
}

static void ends_within_its_grace(void **state)
{
	static const struct { const char *script; bool cancelled; } rows[] = {
		{ READY "read -r order || exit 0\nwhile [ ! -e \"$0.go\" ]; do sleep 0.05; done\n" OUTCOME CLEAN, false },
		{ READY "read -r order || exit 0\ntrap 'echo \"{\\\"outcome\\\":{}}\"; exit 0' TERM\nsleep 60 & wait\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool empty = false;
		struct scene s;
		struct error err;

		begin(&s, rows[i].script, 1);
		until_warm(&s, 1);
		assert_non_null(order(&s, usual, &err));
		turn(&s, 20 * NS_PER_MS);
		until_warm(&s, 1);	/* one works, one is warm again */
		assert_int_equal(exec_pool_counts(s.pool).busy, 1);
		exec_pool_drain(s.pool, rows[i].cancelled ? 50 * NS_PER_MS : 60 * NS_PER_SEC, on_empty, &empty);
		assert_null(order(&s, usual, &err));
		assert_int_equal(err.code, ERR_UNAVAILABLE);
		autofree char *go = xasprintf("%s.go", s.program);

		assert_int_equal(file_write_atomic(go, "", 0, 0600, &err), 0);
		for (int k = 0; k < 1200 && !empty; k++)
			turn(&s, 50 * NS_PER_MS);
		unlink(go);
		assert_true(empty);
		assert_int_equal(s.answers, 1);
		assert_int_equal(s.failures, 0);
		assert_int_equal(exec_pool_counts(s.pool).warm, 0);
		end(&s);
	}
}

/* A host that cannot make sandboxes is not asked all the time. */
static void does_not_insist(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, "exit 1\n", 4);
	turn(&s, 800 * NS_PER_MS);
	assert_in_range(number(&s, "workers", "started"), 1, 4);
	assert_int_equal(exec_pool_counts(s.pool).warm, 0);
	end(&s);
	begin(&s, "exit 1\n", 0);
	unlink(s.program);
	struct error err;
	assert_non_null(order(&s, usual, &err));
	assert_true(turn(&s, 60 * NS_PER_SEC));
	assert_int_equal(s.code, ERR_UNAVAILABLE);
	end(&s);
}

static void counts_what_was_not_cleaned_up(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	const struct metrics_now now = { .draining = false };
	struct scene s;
	struct error err;

	(void)state;
	begin(&s, READY "read -r order\n" OUTCOME "echo '{\"cleanup\":{\"complete\":false,\"left\":3,\"why\":\"busy\"}}'\nexit 6\n", 0);
	assert_non_null(order(&s, usual, &err));
	assert_true(turn(&s, 60 * NS_PER_SEC));
	for (int i = 0; i < 1200 && !number(&s, "workers", "unclean"); i++)
		turn(&s, 50 * NS_PER_MS);
	assert_int_equal(number(&s, "workers", "unclean"), 1);
	metrics_write(s.metrics, &now, false, &out);
	assert_non_null(strstr(out.buf, "\nsandbox_runner_cleanup_total{result=\"incomplete\"} 1\n"));
	assert_non_null(strstr(out.buf, "\nsandbox_runner_leaked_resources 3\n"));
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_whatever_workers_do),
		cmocka_unit_test(keeps_some_warm_and_uses_each_once),
		cmocka_unit_test(bounds_what_waits_and_lets_go),
		cmocka_unit_test(ends_within_its_grace),
		cmocka_unit_test(does_not_insist),
		cmocka_unit_test(counts_what_was_not_cleaned_up),
	};

	signal(SIGPIPE, SIG_IGN);	/* as the service does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
