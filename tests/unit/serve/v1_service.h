/* SPDX-License-Identifier: Apache-2.0
 * v1_service: a service without a socket, with a store, runs and a loop of its own. Its runs are made by a script that copies a pipe of the test's
 * into the events, so that the test says what happens when. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/service.h"
#include "cmd/serve/tool.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define PATIENCE_NS (120 * NS_PER_SEC)

struct world {
	char dir[64];
	char *data, *pipe, *script;
	struct service s;
	struct loop_timer *patience, *tick;
	bool late;
	int events;		/* where the test writes the events of the run that is running; -1: none */
};

static inline void on_late(void *data)
{
	struct world *w = data;

	w->late = true;
	loop_stop(w->s.loop);
}

static inline void on_tick(void *data)
{
	struct world *w = data;

	loop_stop(w->s.loop);
}

/* Let everything happen for a moment. */
static inline void turn(struct world *w)
{
	struct error err = { 0 };

	loop_timer_set(w->tick, clock_deadline(2 * NS_PER_MS));
	if (loop_run(w->s.loop, &err) < 0)
		fail_msg("%s", err.text);
	if (w->late)
		fail_msg("that took too long");
}

static inline int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct error err = { 0 };
	struct runs_options o = { .at_once = 2, .queue = 2, .keep = 100, .timeout_ns = PATIENCE_NS };
	autofree char *text = NULL;

	*state = w;
	w->events = -1;
	snprintf(w->dir, sizeof(w->dir), "/tmp/v1_test.XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->data = xasprintf("%s/data", w->dir);
	w->pipe = xasprintf("%s/pipe", w->dir);
	w->script = xasprintf("%s/script", w->dir);
	text = xasprintf("#!/bin/sh\ntrap 'exit 130' INT TERM\nprintf '%%s\\n' \"$@\" >&2\ncat '%s' >&3 &\nwait\necho '{\"verdict\": \"verified\", \"verdict_reason\": \"as told\"}'\n", w->pipe);
	if (mkdir(w->data, 0700) < 0 || mkfifo(w->pipe, 0600) < 0 || file_write_atomic(w->script, text, strlen(text), 0700, &err) < 0)
		return -1;
	o.program = w->script;
	o.data_dir = o.state_dir = w->s.data_dir = w->s.state_dir = w->data;
	w->s.quiet = true;
	w->s.package_max = 1 << 20;
	w->s.sync_max_ns = PATIENCE_NS;
	w->s.metrics = metrics_new(false);
	strvec_push(&w->s.types, "container");
	strvec_push(&w->s.hosts, "sandbox.example.org");
	if (loop_new(&w->s.loop, &err) < 0 || auth_open(NULL, &w->s.auth, &err) < 0 || store_open(w->data, &w->s.store, &err) < 0 ||
	    runs_new(w->s.loop, w->s.store, w->s.metrics, &o, &w->s.runs, &err) < 0)
		fail_msg("%s", err.text);
	w->tick = loop_timer_new(w->s.loop, on_tick, w);
	w->patience = loop_timer_new(w->s.loop, on_late, w);
	loop_timer_set(w->patience, clock_deadline(PATIENCE_NS));
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	int rc;

	if (w->events >= 0)
		close(w->events);
	tools_free(w->s.tools);
	runs_free(w->s.runs);
	if (w->s.judge)
		judge_free(w->s.judge);
	loop_timer_free(w->tick);
	loop_timer_free(w->patience);
	loop_free(w->s.loop);
	store_close(w->s.store);
	auth_close(w->s.auth);
	metrics_free(w->s.metrics);
	strvec_release(&w->s.types);
	strvec_release(&w->s.hosts);
	rc = remove_tree_at(AT_FDCWD, w->dir, NULL);
	free(w->data);
	free(w->pipe);
	free(w->script);
	free(w);
	return rc;
}
