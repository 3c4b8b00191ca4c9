/* SPDX-License-Identifier: Apache-2.0
 * runs: the life of a run in the service.
 *
 *	submit > folder > row (queued, or running when there is room) > process > its end > row (ended) > who watches is told
 *
 * The row is on disk before submit returns, and its end before anybody is told of it. A row that cannot be written (a full disk) keeps its run in
 * `unsaved` until it can. */
#include "cmd/serve/runs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/serve/runs_private.h"
#include "runner/base/digest.h"

#define SHA256_IN_LOOP_BYTES ((size_t)256 << 10)	/* of what is larger, the run tells */
#define OVERDUE_NS (600 * NS_PER_SEC)	/* past its deadline, for looking at effects and clean-up */
#define SAVE_AGAIN_NS (1 * NS_PER_SEC)
#define GC_DELAY_NS (500 * NS_PER_MS)	/* the reaper of a killed run is faster, mostly */
#define EXPIRE_EVERY 16			/* ends */
#define EXPIRE_AGAIN_NS (200 * NS_PER_MS)
#define ROWS_PER_KEPT 20
#define ROWS_MIN 10000
#define RETRY_MAX_SECONDS 120

/* ---- lists */

void run_list_add(struct run_list *l, struct run *run)
{
	run->next = NULL;
	run->prev = l->last;
	if (l->last)
		l->last->next = run;
	else
		l->first = run;
	l->last = run;
	l->len++;
}

void run_list_remove(struct run_list *l, struct run *run)
{
	if (run->prev)
		run->prev->next = run->next;
	else
		l->first = run->next;
	if (run->next)
		run->next->prev = run->prev;
	else
		l->last = run->prev;
	run->next = run->prev = NULL;
	l->len--;
}

struct run *runs_find(const struct runs *r, const char *run_id)
{
	const struct run_list *const lists[] = { &r->active, &r->queued, &r->unsaved };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (struct run *run = lists[i]->first; run; run = run->next)
			if (!strcmp(run->row.id, run_id) || (run->row.execution_id[0] && !strcmp(run->row.execution_id, run_id)))
				return run;
	return NULL;
}

static void run_free(struct run *run)
{
	if (!run)
		return;
	run_row_release(&run->row);
	strvec_release(&run->argv);
	loop_timer_free(run->timer);
	autoclose_(&run->said);
	free(run->cancelled_by);
	free(run);
}

/* ---- the end of a run */

static void start_queued(struct runs *r);

static void on_empty_time(void *data)
{
	struct runs *r = data;

	if (r->on_empty)
		r->on_empty(r->on_empty_data);
}

static void check_empty(struct runs *r)
{
	if (r->draining && !r->active.len && !r->queued.len && !r->gc && !r->gc_wanted && r->empty_timer)
		loop_timer_set(r->empty_timer, 0);
}

static bool save(struct run *run)
{
	struct error err;

	if (store_run_update(run->owner->store, &run->row, &err) == 0)
		return true;
	message("warning", "the end of run '%s' cannot be written down yet: %s", run->row.id, err.text);
	return false;
}

static void let_go(struct run *run)
{
	runs_audit_end(run->owner, &run->row, run->result_sha256);
	runs_watch_ended(run);
	run_free(run);
}

static void on_save_time(void *data)
{
	struct runs *r = data;

	while (r->unsaved.first) {
		struct run *run = r->unsaved.first;

		if (!save(run)) {
			loop_timer_set(r->save_timer, clock_monotonic_ns() + SAVE_AGAIN_NS);
			return;
		}
		run_list_remove(&r->unsaved, run);
		let_go(run);
	}
}

static void expire(void *data)
{
	struct runs *r = data;
	autostrvec struct strvec ids = STRVEC_INIT;
	unsigned int keep = r->options.keep, rows = keep > ROWS_MIN / ROWS_PER_KEPT ? keep * ROWS_PER_KEPT : ROWS_MIN;
	struct error err;

	if (store_run_expire(r->store, keep, rows, &ids, &err) < 0) {
		message("warning", "old runs stay: %s", err.text);
		return;
	}
	for (size_t i = 0; i < ids.len; i++) {
		runs_files_remove(r, ids.items[i]);
		if (store_run_without_files(r->store, ids.items[i], &err) < 0)
			message("warning", "%s", err.text);
	}
	if (ids.len > EXPIRE_EVERY)		/* fewer are kept than before: there may be more */
		loop_timer_set(r->expiry_timer, clock_monotonic_ns() + EXPIRE_AGAIN_NS);
}

/* It is on no list any more; its row says how it ended. */
static void finish(struct run *run, const json_t *result)
{
	struct runs *r = run->owner;
	struct run_row *row = &run->row;

	row->state = RUN_ENDED;
	row->ended_ns = clock_realtime_ns();
	loop_timer_free(run->timer);
	run->timer = NULL;
	metrics_run(r->metrics, row->sandbox, row->verdict, row->workflow_name, row->duration_ms * NS_PER_MS, result);
	if (++r->since_expiry == EXPIRE_EVERY) {
		r->since_expiry = 0;
		loop_timer_set(r->expiry_timer, 0);
	}
	if (save(run)) {
		let_go(run);
		return;
	}
	run_list_add(&r->unsaved, run);
	loop_timer_set(r->save_timer, clock_monotonic_ns() + SAVE_AGAIN_NS);
}

static void set_end(struct run_row *row, const char *verdict, char *take_detail)
{
	free(row->verdict);
	free(row->detail);
	row->verdict = xstrdup(verdict);
	row->detail = take_detail;
}

/* Why it was stopped is known better here than in its process, which was sent a signal, maybe before it could see to it. */
static void explain_stop(struct run *run, int wait_status)
{
	struct run_row *row = &run->row;
	bool stopped = !strcmp(row->verdict, "cancelled") || (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM);

	if (run->killed)
		set_end(row, run->cancelled_by && !run->overdue ? "cancelled" : "error",
			xasprintf("asked to end by %s, it did not within %llu s and was killed; what it had made is cleaned up", run->cancelled_by,
				  (unsigned long long)(RUNS_CLEANUP_GRACE_NS / NS_PER_SEC)));
	else if (run->overdue && stopped)
		set_end(row, "deadline", xasprintf("it went on past its deadline, and was stopped by %s", run->cancelled_by));
	else if (stopped)
		set_end(row, "cancelled", xasprintf("cancelled by %s", run->cancelled_by));
}

static void on_exit_of_run(void *data, int wait_status)
{
	struct run *run = data;
	struct runs *r = run->owner;
	uint64_t took = clock_monotonic_ns() - run->begun_ns;
	json_auto_t *result = NULL;

	run->child = NULL;
	run_list_remove(&r->active, run);
	r->average_ns = r->average_ns ? r->average_ns - r->average_ns / 8 + took / 8 : took;
	runs_files_keep_said(r, run->row.id, steal_fd(&run->said));
	result = runs_read_result(r, &run->row, wait_status, run->result_sha256);
	if (!run->row.duration_ms)
		run->row.duration_ms = took / NS_PER_MS;
	if (run->cancelled_by)
		explain_stop(run, wait_status);
	if (!result)
		runs_want_gc(r);
	finish(run, result);
	start_queued(r);
	check_empty(r);
}

static void on_exit_of_gc(void *data, int wait_status)
{
	struct runs *r = data;
	int left = runs_gc_left(steal_fd(&r->gc_report));

	(void)wait_status;
	r->gc = NULL;
	if (left > 0) {
		message("warning", "%d thing%s that runs made %s still there; 'sandbox_runner gc --state-dir=%s' tells", left, left == 1 ? "" : "s",
			left == 1 ? "is" : "are", r->state_dir);
		metrics_leak(r->metrics, (unsigned int)left);
	}
	if (r->gc_wanted)
		loop_timer_set(r->gc_timer, clock_monotonic_ns() + GC_DELAY_NS);
	check_empty(r);
}

static void on_gc_time(void *data)
{
	struct runs *r = data;
	struct error err;
	pid_t pid;

	if (r->gc)
		return;		/* its end begins the next */
	r->gc_wanted = false;
	pid = runs_spawn_gc(r, &r->gc_report, &err);
	if (pid > 0)
		r->gc = loop_child(r->loop, pid, on_exit_of_gc, r, &err);
	if (!r->gc)
		message("warning", "no clean-up after a run that was killed: %s", err.text);
	check_empty(r);
}

void runs_want_gc(struct runs *r)
{
	r->gc_wanted = true;
	if (!r->gc)
		loop_timer_set(r->gc_timer, clock_monotonic_ns() + GC_DELAY_NS);
}

/* ---- the beginning of a run */

/* First it is asked to end, and cleans up; when that takes too long it is killed, and `gc` cleans up. */
static void ask_to_end(struct run *run, const char *who)
{
	if (run->cancelled_by)
		return;
	run->cancelled_by = xstrdup(who);
	loop_child_signal(run->child, SIGTERM);
	loop_timer_set(run->timer, clock_monotonic_ns() + RUNS_CLEANUP_GRACE_NS);
}

static void on_run_time(void *data)
{
	struct run *run = data;

	if (!run->cancelled_by) {
		run->overdue = true;
		ask_to_end(run, "the service");
		return;
	}
	run->killed = true;
	loop_child_signal(run->child, SIGKILL);
}

static void cannot_start(struct run *run, const struct error *err)
{
	set_end(&run->row, "error", xasprintf("it could not be started: %s", err->text));
	finish(run, NULL);
}

/* It is on no list. Its row is "running" already. */
static void start(struct run *run)
{
	struct runs *r = run->owner;
	struct error err;
	pid_t pid = runs_spawn(r, run, &err);

	strvec_release(&run->argv);
	if (pid > 0)
		run->child = loop_child(r->loop, pid, on_exit_of_run, run, &err);
	if (!run->child) {
		if (pid > 0)
			kill(pid, SIGTERM);	/* not reaped by anybody, so it is still him */
		cannot_start(run, &err);
		return;
	}
	run_list_add(&r->active, run);
	run->begun_ns = clock_monotonic_ns();
	run->timer = loop_timer_new(r->loop, on_run_time, run);
	loop_timer_set(run->timer, clock_deadline(run->timeout_ns + OVERDUE_NS));
	runs_watch_files(run);
}

static void start_queued(struct runs *r)
{
	while (r->queued.first && r->active.len < r->options.at_once && !r->draining) {
		struct run *run = r->queued.first;
		struct error err;

		run_list_remove(&r->queued, run);
		run->row.state = RUN_RUNNING;
		run->row.started_ns = clock_realtime_ns();
		if (store_run_update(r->store, &run->row, &err) < 0)
			cannot_start(run, &err);
		else
			start(run);
	}
}

static void make_uuid(char out[40])
{
	unsigned char b[16] = { 0 };

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();	/* cannot happen: 16 bytes are never cut short */
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
		 b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static struct run *run_new(struct runs *r, const struct run_order *order)
{
	struct run *run = xcalloc(1, sizeof(*run));
	struct run_row *row = &run->row;

	run->owner = r;
	run->inotify_wd = run->said = -1;
	run->timeout_ns = order->timeout_ns && order->timeout_ns < r->options.timeout_ns ? order->timeout_ns : r->options.timeout_ns;
	run_id_make(row->id);
	if (order->uuid)
		make_uuid(row->execution_id);
	row->exit_status = -1;
	row->origin = xstrdup(order->origin);
	row->workflow_id = xstrdup_or_null(order->workflow_id);
	row->workflow_name = xstrdup_or_null(order->workflow_name);
	row->sandbox = xstrdup_or_null(order->type);
	row->requested_by = xstrdup_or_null(order->requested_by);
	row->request_id = xstrdup_or_null(order->request_id);
	row->created_ns = clock_realtime_ns();
	row->files = true;
	if (order->package && order->package_len <= SHA256_IN_LOOP_BYTES) {
		char digest[DIGEST_HEX_SIZE];

		sha256_hex(order->package, order->package_len, digest);
		row->sha256 = xstrdup(digest);
	}
	return run;
}

static int check_room(const struct runs *r, struct error *err)
{
	if (r->draining)
		return error_set(err, ERR_UNAVAILABLE, "the service is stopping and takes no more runs");
	if (r->active.len >= r->options.at_once && r->queued.len >= r->options.queue)
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "%u runs are at work and %u wait, which is all that may: try again later", r->active.len,
				 r->queued.len);
	return 0;
}

int runs_submit(struct runs *r, const struct run_order *order, char ret_id[RUN_ID_SIZE], struct error *err)
{
	bool at_once = r->active.len < r->options.at_once && !r->queued.len;
	autofree char *package = NULL;
	struct run *run;

	if (check_room(r, err) < 0)
		return -1;
	run = run_new(r, order);
	if (at_once)
		run->row.started_ns = run->row.created_ns;
	run->row.state = at_once ? RUN_RUNNING : RUN_QUEUED;
	if (runs_files_make(r, run->row.id, order, &package, err) < 0) {
		run_free(run);
		return -1;
	}
	if (store_run_add(r->store, &run->row, err) < 0) {
		runs_files_remove(r, run->row.id);
		run_free(run);
		return -1;
	}
	memcpy(ret_id, run->row.id, RUN_ID_SIZE);
	runs_command(r, order, package, run);
	if (at_once)
		start(run);
	else
		run_list_add(&r->queued, run);
	return 0;
}

int runs_cancel(struct runs *r, const char *run_id, const char *who)
{
	struct run *run = runs_find(r, run_id);
	struct run_row row = { .state = RUN_ENDED };
	int known;

	if (!run || run->row.state == RUN_ENDED) {
		known = run ? 1 : store_run_get(r->store, run_id, &row, NULL);
		run_row_release(&row);
		return known > 0 ? 0 : -1;
	}
	if (run->row.state == RUN_RUNNING) {
		ask_to_end(run, who);
		return 1;
	}
	run_list_remove(&r->queued, run);
	set_end(&run->row, "cancelled", xasprintf("cancelled by %s before it began", who));
	finish(run, NULL);
	return 1;
}

unsigned int runs_active(const struct runs *r)
{
	return r->active.len;
}

unsigned int runs_queued(const struct runs *r)
{
	return r->queued.len;
}

unsigned int runs_queue_capacity(const struct runs *r)
{
	return r->options.queue;
}

unsigned int runs_retry_after(const struct runs *r)
{
	uint64_t places = r->options.at_once ? r->options.at_once : 1;
	uint64_t wait_ns = (r->queued.len + 1) * (r->average_ns / places), seconds = wait_ns / NS_PER_SEC + 1;

	return seconds > RETRY_MAX_SECONDS ? RETRY_MAX_SECONDS : (unsigned int)seconds;
}

/* ---- stopping */

static void on_drain_time(void *data)
{
	struct runs *r = data;

	for (struct run *run = r->active.first; run; run = run->next)
		ask_to_end(run, "the service, which is stopping");
}

void runs_drain(struct runs *r, uint64_t grace_ns, void (*on_empty)(void *data), void *data)
{
	r->on_empty = on_empty;
	r->on_empty_data = data;
	if (!r->empty_timer)
		r->empty_timer = loop_timer_new(r->loop, on_empty_time, r);
	if (!r->drain_timer)
		r->drain_timer = loop_timer_new(r->loop, on_drain_time, r);
	r->draining = true;
	while (r->queued.first) {
		struct run *run = r->queued.first;

		run_list_remove(&r->queued, run);
		set_end(&run->row, "cancelled", xstrdup("the service was stopping before it began"));
		finish(run, NULL);
	}
	loop_timer_set(r->drain_timer, grace_ns ? clock_deadline(grace_ns) : 0);
	check_empty(r);
}

/* ---- all of them */

/* Runs work in their own folders. The caller frees. */
static char *absolute(const char *path)
{
	autofree char *here = *path == '/' ? NULL : realpath(".", NULL);

	return here ? xasprintf("%s/%s", here, path) : xstrdup(path);
}

int runs_new(struct loop *l, struct store *store, struct metrics *metrics, const struct runs_options *o, struct runs **ret, struct error *err)
{
	struct runs *r = xcalloc(1, sizeof(*r));

	*r = (struct runs){ .loop = l, .store = store, .metrics = metrics, .options = *o, .folder = -1, .inotify_fd = -1, .gc_report = -1 };
	r->program = xstrdup(o->program);
	r->data_dir = absolute(o->data_dir);
	r->state_dir = absolute(o->state_dir);
	if (!r->options.at_once)
		r->options.at_once = 1;
	runs_environment(&r->environment);
	r->save_timer = loop_timer_new(l, on_save_time, r);
	r->expiry_timer = loop_timer_new(l, expire, r);
	r->gc_timer = loop_timer_new(l, on_gc_time, r);
	if ((o->arguments && runs_arguments(o->arguments, &r->arguments, err) < 0) || runs_files_open(r, err) < 0) {
		runs_free(r);
		return -1;
	}
	*ret = r;
	return 0;
}

/* What runs is told to end; the service is at its end, too. */
void runs_free(struct runs *r)
{
	struct run_list *const lists[] = { &r->active, &r->queued, &r->unsaved };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		while (lists[i]->first) {
			struct run *run = lists[i]->first;

			run_list_remove(lists[i], run);
			while (run->watches)
				runs_unwatch(run->watches);
			if (run->child)
				loop_child_signal(run->child, SIGTERM);
			run_free(run);
		}
	runs_watch_free(r);
	loop_timer_free(r->save_timer);
	loop_timer_free(r->expiry_timer);
	loop_timer_free(r->gc_timer);
	loop_timer_free(r->drain_timer);
	loop_timer_free(r->empty_timer);
	if (r->folder >= 0)
		close(r->folder);
	if (r->gc_report >= 0)
		close(r->gc_report);
	strvec_release(&r->arguments);
	strvec_release(&r->environment);
	free(r->program);
	free(r->data_dir);
	free(r->state_dir);
	free(r);
}
