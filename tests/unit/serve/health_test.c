/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/serve/v1_world.h"

static int setup_with_judge(void **state)
{
	struct judge_options o = { .workers = 1, .timeout_ns = PATIENCE_NS };
	struct error err = { 0 };
	struct world *w;

	if (setup(state) < 0)
		return -1;
	w = *state;
	o.state_dir = w->data;
	return judge_new(w->s.loop, &o, &w->s.judge, &err);
}

static void is_alive_and_ready(void **state)
{
	struct world *w = *state;

	says(ask(w, "GET /healthz", NULL), 200, "alive");
	says(ask(w, "GET /livez", NULL), 200, "alive");
	says(ask(w, "GET /readyz", NULL), 200, "\"ready\"");
	says(ask(w, "GET /health", NULL), 200, "\"active_executions\":0");
	says(ask(w, "GET /metrics", NULL), 200, "\nsandbox_runner_queue_capacity 2\n");
}

static void is_not_ready_while_it_ends(void **state)
{
	struct world *w = *state;

	w->s.draining = true;
	says(ask(w, "GET /healthz", NULL), 200, "alive");
	says(ask(w, "GET /readyz", NULL), 503, "\"code\":\"draining\"");
	says(ask(w, "GET /metrics", NULL), 200, "\nsandbox_runner_draining 1\n");
}

/* A full disk, as far as one process can have it. */
static void is_not_ready_when_nothing_can_be_written(void **state)
{
	struct world *w = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	struct request *rq = ask(w, "GET /readyz", NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(atoi(header_of(rq, "Retry-After")) > 0);
	says(rq, 503, "the store cannot be written");
	says(ask(w, "GET /readyz", NULL), 200, "\"ready\"");
}

static void is_not_ready_while_the_queue_is_full(void **state)
{
	struct world *w = *state;
	struct request *rq;

	for (int i = 0; i < 4; i++)	/* two run, two wait */
		says(ask(w, "POST /v1/runs\nContent-Type: application/yaml", PACKAGE), 202, "run_id");
	rq = ask(w, "GET /readyz", NULL);
	assert_true(atoi(header_of(rq, "Retry-After")) > 0);
	says(rq, 503, "\"code\":\"queue_full\"");
	says(ask(w, "GET /healthz", NULL), 200, "alive");
	says(ask(w, "GET /health", NULL), 200, "\"active_executions\":2");
	says(ask(w, "GET /metrics", NULL), 200, "\nsandbox_runner_queue_depth 2\n");
}

static void writes_what_is_accepted(void **state)
{
	static const struct { const char *accept, *type; bool end; } rows[] = {
		{ "GET /metrics", "text/plain; version=0.0.4; charset=utf-8", false },
		{ "GET /metrics\nAccept: */*", "text/plain; version=0.0.4; charset=utf-8", false },
		{ "GET /metrics\nAccept: text/html", "text/plain; version=0.0.4; charset=utf-8", false },
		{ "GET /metrics\nAccept: application/openmetrics-text; version=1.0.0; q=0.7, text/plain", "application/openmetrics-text; version=1.0.0; charset=utf-8", true },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = ask(w, rows[i].accept, NULL);

		assert_int_equal(rq->answer->status, 200);
		assert_string_equal(header_of(rq, "Content-Type"), rows[i].type);
		assert_int_equal(strstr(rq->answer->body.buf, "# EOF\n") != NULL, rows[i].end);
		request_free(rq);
	}
}

/* ---- who may read what is counted */

static struct request *from(const char *address, const char *head, bool local)
{
	struct request *rq = make_request(head, NULL);

	snprintf(rq->peer.address, sizeof(rq->peer.address), "%s", address);
	rq->peer.local = local;
	rq->peer.uid = 65533;
	return rq;
}

static void lets_others_read_only_with_a_token(void **state)
{
	static const char *const near[] = { "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1" };
	static const char *const far[] = { "192.0.2.1", "1.127.0.0", "::2", "::ffff:192.0.2.1", "2001:db8::127.0.0.1", "" };
	autostrbuf struct strbuf reader = STRBUF_INIT(256), runner = STRBUF_INIT(256), lines = STRBUF_INIT(1024);
	struct world *w = *state;
	autofree char *path = xasprintf("%s/tokens", w->dir), *head = NULL, *other = NULL;
	struct error err = { 0 };

	assert_int_equal(token_make("prometheus", SCOPE_READ, NULL, &reader, &lines, &err), 0);
	strbuf_addch(&lines, '\n');
	assert_int_equal(token_make("ci", SCOPE_DRY_RUN, NULL, &runner, &lines, &err), 0);
	strbuf_addch(&lines, '\n');
	assert_int_equal(file_write_atomic(path, lines.buf, lines.len, 0600, &err), 0);
	auth_close(w->s.auth);
	assert_int_equal(auth_open(path, &w->s.auth, &err), 0);
	head = xasprintf("GET /metrics\nAuthorization: Bearer %s", reader.buf);
	other = xasprintf("GET /metrics\nAuthorization: Bearer %s", runner.buf);
	for (size_t i = 0; i < ARRAY_SIZE(near); i++)
		says(sent(w, from(near[i], "GET /metrics", false)), 200, "sandbox_runner_runs_total");
	says(sent(w, from("unix", "GET /metrics", true)), 200, "sandbox_runner_runs_total");
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		says(sent(w, from(far[i], "GET /metrics", false)), 401, "detail");
		says(sent(w, from(far[i], "GET /metrics\nAuthorization: Bearer srt_x", false)), 401, "detail");
		says(sent(w, from(far[i], other, false)), 403, "detail");
		says(sent(w, from(far[i], head, false)), 200, "sandbox_runner_runs_total");
		says(sent(w, from(far[i], "GET /readyz", false)), 200, "ready");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_alive_and_ready, setup_with_judge, teardown),
		cmocka_unit_test_setup_teardown(is_not_ready_while_it_ends, setup_with_judge, teardown),
		cmocka_unit_test_setup_teardown(is_not_ready_when_nothing_can_be_written, setup_with_judge, teardown),
		cmocka_unit_test_setup_teardown(is_not_ready_while_the_queue_is_full, setup_with_judge, teardown),
		cmocka_unit_test_setup_teardown(writes_what_is_accepted, setup_with_judge, teardown),
		cmocka_unit_test_setup_teardown(lets_others_read_only_with_a_token, setup_with_judge, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
