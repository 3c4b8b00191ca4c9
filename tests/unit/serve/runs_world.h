/* SPDX-License-Identifier: Apache-2.0
 * runs_world: runs with the real program and a loop of its own, for the tests of it. Each test uses a part of this. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cmd/serve/runs_private.h"
#include "runner/base/file.h"
#include "runner/live.h"

#define PATIENCE_NS (120 * NS_PER_SEC)
#define HEAD "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: %s, version: 1.0.0, description: d, author: a}\n" \
	     "spec:\n  runtime: {type: shell}\n  safety: {mode: auto}\n  handlers:\n"
#define SHELL "    - {name: only, type: shell, config: {command: \"%s\"}}\n"

struct world {
	char dir[64], here[4096];
	char *data, *state, *program;
	struct loop *loop;
	struct store *store;
	struct metrics *metrics;
	struct runs *runs;
	struct loop_timer *patience;
	bool late;
};

static void on_late(void *data)
{
	struct world *w = data;

	w->late = true;
	loop_stop(w->loop);
}

static void start_runs(struct world *w, struct runs_options o)
{
	struct error err = { 0 };

	o.program = o.program ? o.program : w->program;
	o.data_dir = w->data;
	o.state_dir = w->state;
	o.timeout_ns = o.timeout_ns ? o.timeout_ns : PATIENCE_NS;
	o.keep = o.keep ? o.keep : 1000;
	o.at_once = o.at_once ? o.at_once : 2;
	o.queue = o.queue ? o.queue : 10;
	if (store_open(w->data, &w->store, &err) < 0 || loop_new(&w->loop, &err) < 0 ||
	    runs_new(w->loop, w->store, w->metrics, &o, &w->runs, &err) < 0)
		fail_msg("%s", err.text);
	w->patience = loop_timer_new(w->loop, on_late, w);
}

static void stop_runs(struct world *w)
{
	loop_timer_free(w->patience);
	runs_free(w->runs);
	loop_free(w->loop);
	store_close(w->store);
	w->runs = NULL;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	*state = w;
	snprintf(w->dir, sizeof(w->dir), "/tmp/runs_test.XXXXXX");
	if (!getcwd(w->here, sizeof(w->here)) || !mkdtemp(w->dir))
		return -1;
	w->data = xasprintf("%s/data", w->dir);
	w->state = xasprintf("%s/state", w->dir);
	w->program = realpath(getenv("SANDBOX_RUNNER") ? getenv("SANDBOX_RUNNER") : "sandbox_runner", NULL);
	w->metrics = metrics_new(false);
	return mkdir(w->data, 0700);
}

static int teardown(void **state)
{
	struct world *w = *state;
	int rc;

	if (w->runs)
		stop_runs(w);
	metrics_free(w->metrics);
	rc = chdir("/") == 0 && remove_tree_at(AT_FDCWD, w->dir, NULL) == 0 && chdir(w->here) == 0 ? 0 : -1;
	free(w->data);
	free(w->state);
	free(w->program);
	free(w);
	return rc;
}

/* ---- ordering and waiting */

static struct run_order order_of(const char *package)
{
	return (struct run_order){ .origin = "v1", .package = package, .package_len = strlen(package), .requested_by = "tester", .request_id = "q" };
}

static void submit(struct world *w, const char *command, char id[RUN_ID_SIZE])
{
	autofree char *package = xasprintf(HEAD SHELL, "one", command);
	struct run_order order = order_of(package);
	struct error err = { 0 };

	if (runs_submit(w->runs, &order, id, &err) < 0)
		fail_msg("%s", err.text);
}

struct seen {
	struct world *world;
	unsigned int grown, ended;
	unsigned int *open;	/* how many are still waited for; the loop stops with the last */
};

static void on_change(void *data, bool ended)
{
	struct seen *s = data;

	s->grown += !ended;
	s->ended += ended;
	if (ended && !--*s->open)
		loop_stop(s->world->loop);
}

static void turn(struct world *w)
{
	struct error err = { 0 };

	w->late = false;
	loop_timer_set(w->patience, clock_deadline(PATIENCE_NS));
	if (loop_run(w->loop, &err) < 0)
		fail_msg("%s", err.text);
	assert_false(w->late);
}

static struct seen wait_for(struct world *w, const char *id)
{
	unsigned int open = 1;
	struct seen s = { .world = w, .open = &open };

	assert_non_null(runs_watch(w->runs, id, on_change, &s));
	turn(w);
	assert_int_equal(s.ended, 1);
	return s;
}

static struct run_row row_of(struct world *w, const char *id)
{
	struct run_row row = { .state = RUN_QUEUED };

	if (store_run_get(w->store, id, &row, NULL) != 1)
		fail_msg("there is no row '%s'", id);
	return row;
}

static void ends(struct world *w, const char *id, const char *verdict, int exit_status, const char *detail)
{
	struct run_row row = row_of(w, id);

	if (row.state != RUN_ENDED || !row.verdict || strcmp(row.verdict, verdict) || row.exit_status != exit_status || !row.detail ||
	    !strstr(row.detail, detail))
		fail_msg("run '%s': %s, verdict '%s', exit status %d: %s", id, run_state_to_string(row.state), row.verdict ? row.verdict : "-",
			 row.exit_status, row.detail ? row.detail : "-");
	assert_true(row.ended_ns >= row.created_ns);
	run_row_release(&row);
}

static char *text_of(struct world *w, const char *id, const char *name)
{
	uint64_t bytes = 0;
	autoclose int fd = runs_open_file(w->runs, id, name, &bytes);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);

	if (fd < 0)
		return NULL;
	assert_int_equal(file_read_fd(fd, name, &text, NULL), 0);
	assert_int_equal(text.len, bytes);
	return strbuf_detach(&text);
}
