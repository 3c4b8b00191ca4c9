/* SPDX-License-Identifier: Apache-2.0
 * runs_recover: after the death of another service. Its runs were told of it (PDEATHSIG) and may still be at their clean-up: they get a few
 * seconds, then they are killed, and `gc` does it. Then every open row gets its end. All of this is before the loop runs: it may wait. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/serve/runs_private.h"
#include "runner/live.h"

#define CLEANUP_PATIENCE_NS (10 * NS_PER_SEC)
#define REAPER_PATIENCE_NS (5 * NS_PER_SEC)	/* after a kill */
#define GC_PATIENCE_NS (120 * NS_PER_SEC)
#define LOOK_EVERY_MS 20

struct open_rows {
	struct run_row *items;
	size_t len, alloc;
};

static char *copy(const char *s)
{
	return xstrdup_or_null(s);
}

static void take_row(void *data, const struct run_row *from)
{
	struct open_rows *rows = data;
	struct run_row *row;

	ARRAY_GROW(rows->items, rows->len, rows->alloc);
	row = &rows->items[rows->len++];
	*row = *from;
	row->verdict = copy(from->verdict);
	row->detail = copy(from->detail);
	row->origin = copy(from->origin);
	row->workflow_id = copy(from->workflow_id);
	row->workflow_name = copy(from->workflow_name);
	row->sha256 = copy(from->sha256);
	row->sandbox = copy(from->sandbox);
	row->requested_by = copy(from->requested_by);
	row->request_id = copy(from->request_id);
	row->summary = json_incref(from->summary);
}

static void release_rows(struct open_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		run_row_release(&rows->items[i]);
	free(rows->items);
}

/* ---- what may still be alive of them */

static bool any_alive(const struct runs *r, const struct open_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		if (live_run_is(r->state_dir, rows->items[i].id))
			return true;
	return false;
}

static bool wait_for_all(const struct runs *r, const struct open_rows *rows, uint64_t patience_ns)
{
	const uint64_t deadline = clock_deadline(patience_ns);

	while (any_alive(r, rows)) {
		if (clock_monotonic_ns() >= deadline)
			return false;
		poll(NULL, 0, LOOK_EVERY_MS);
	}
	return true;
}

static bool is_of(const struct open_rows *rows, const char *run_id)
{
	for (size_t i = 0; i < rows->len; i++)
		if (!strcmp(rows->items[i].id, run_id))
			return true;
	return false;
}

static void kill_all(const struct runs *r, const struct open_rows *rows)
{
	struct live_runs live = { .items = NULL };

	live_runs_list(r->state_dir, &live, NULL);
	for (size_t i = 0; i < live.len; i++) {
		autoclose int pidfd = is_of(rows, live.items[i].run_id) ? live_run_pidfd(r->state_dir, &live.items[i]) : -1;

		if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
			message("warning", "run '%s' of the service before did not end by itself and was killed", live.items[i].run_id);
	}
	live_runs_release(&live);
}

static void clean_up(struct runs *r)
{
	struct error err;
	int report = -1, left;
	pid_t pid = runs_spawn_gc(r, &report, &err);
	autoclose int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (pid < 0) {
		message("warning", "no clean-up after the service before: %s", err.text);
		return;
	}
	if (pidfd >= 0 && poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, (int)(GC_PATIENCE_NS / NS_PER_MS)) == 0)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	left = runs_gc_left(report);
	if (left < 0)
		message("warning", "the clean-up after the service before did not say what it found; see 'sandbox_runner gc --state-dir=%s'", r->state_dir);
	if (left > 0) {
		message("warning", "%d thing%s of the service before cannot be cleaned up; see 'sandbox_runner gc --state-dir=%s'", left, left == 1 ? "" : "s",
			r->state_dir);
		metrics_leak(r->metrics, (unsigned int)left);
	}
}

/* ---- what becomes of the rows */

static void set(char **text, char *take)
{
	free(*text);
	*text = take;
}

static void interrupt(struct run_row *row, uint64_t last_ns)
{
	char began[CLOCK_RFC3339_SIZE], now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(clock_realtime_ns(), now);
	clock_rfc3339(last_ns, began);
	set(&row->verdict, xstrdup("interrupted"));
	if (row->state == RUN_QUEUED)
		set(&row->detail, xasprintf("the service ended while it was waiting: it never began (found when the service started again at %s)", now));
	else
		set(&row->detail, xasprintf("the service ended while it was at work (last heard of at %s): it was stopped, and what it had made is "
					    "cleaned up (found when the service started again at %s)", began, now));
}

/* A result that says "cancelled" tells how, not why: it was the signal of the service's death. */
static void end_row(struct runs *r, struct run_row *row)
{
	uint64_t last_ns = row->state == RUN_RUNNING ? runs_files_last_sign(r, row->id) : 0;
	char sha256[DIGEST_HEX_SIZE] = "";
	json_auto_t *result = NULL;
	struct error err;

	if (last_ns < row->started_ns)	/* files are stamped with the kernel's last tick: up to 10 ms ago */
		last_ns = row->started_ns;
	if (!last_ns)
		last_ns = clock_realtime_ns();
	if (row->state == RUN_RUNNING)
		result = runs_read_result(r, row, /* wait_status= */ -1, sha256);
	if (!result || !row->verdict || !strcmp(row->verdict, "cancelled"))
		interrupt(row, last_ns);
	if (!result && row->started_ns && last_ns > row->started_ns)
		row->duration_ms = (last_ns - row->started_ns) / NS_PER_MS;
	row->state = RUN_ENDED;
	row->ended_ns = last_ns;
	metrics_run(r->metrics, row->sandbox, row->verdict, row->workflow_name, row->duration_ms * NS_PER_MS, result);
	if (store_run_update(r->store, row, &err) < 0)
		message("warning", "the end of run '%s' cannot be written down: %s", row->id, err.text);
	else
		runs_audit_end(r, row, sha256);
}

/* A folder without a row: the service died between the two. */
static void remove_orphans(struct runs *r)
{
	int fd = dup(r->folder);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((e = readdir(dir))) {
		struct run_row row = { .files = false };
		int known = run_id_is_valid(e->d_name) ? store_run_get(r->store, e->d_name, &row, NULL) : -1;

		if (known == 0 || (known > 0 && !row.files))
			runs_files_remove(r, e->d_name);
		if (known > 0)
			run_row_release(&row);
	}
	closedir(dir);
}

int runs_recover(struct runs *r, unsigned int *ret, struct error *err)
{
	struct open_rows rows = { .items = NULL };

	if (store_run_open(r->store, take_row, &rows, err) < 0) {
		release_rows(&rows);
		return -1;
	}
	if (rows.len && !wait_for_all(r, &rows, CLEANUP_PATIENCE_NS)) {
		kill_all(r, &rows);
		wait_for_all(r, &rows, REAPER_PATIENCE_NS);
	}
	clean_up(r);
	for (size_t i = 0; i < rows.len; i++)
		end_row(r, &rows.items[i]);
	remove_orphans(r);
	*ret = (unsigned int)rows.len;
	release_rows(&rows);
	return 0;
}
