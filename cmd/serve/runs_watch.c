/* SPDX-License-Identifier: Apache-2.0
 * runs_watch: who waits for changes of a run. One inotify descriptor; a run has a watch in the kernel while somebody waits for it. After
 * the first change we look away for a moment, so that a run that writes a lot wakes us no oftener than that. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/serve/runs_private.h"

#define GATHER_NS (5 * NS_PER_MS)

static void link_watch(struct run_watch **list, struct run_watch *w)
{
	w->prev = NULL;
	w->next = *list;
	if (*list)
		(*list)->prev = w;
	*list = w;
}

static void unlink_watch(struct run_watch *w)
{
	struct run_watch **list = w->run ? &w->run->watches : &w->owner->over;

	if (w->owner->cursor == w)
		w->owner->cursor = w->next;
	if (w->next)
		w->next->prev = w->prev;
	if (w->prev)
		w->prev->next = w->next;
	else
		*list = w->next;
}

/* ---- growth */

static void tell_growth(struct run *run)
{
	struct runs *r = run->owner;

	r->cursor = run->watches;
	while (r->cursor) {
		struct run_watch *w = r->cursor;

		r->cursor = w->next;
		w->on_change(w->data, false);
	}
}

static void mark(struct runs *r, int wd, bool all)
{
	for (struct run *run = r->active.first; run; run = run->next)
		if (run->inotify_wd >= 0 && (all || run->inotify_wd == wd))
			run->grown = true;
}

static struct run *next_grown(struct runs *r)
{
	for (struct run *run = r->active.first; run; run = run->next)
		if (run->grown)
			return run;
	return NULL;
}

static void take_events(struct runs *r)
{
	char buf[16 << 10] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	struct run *run;
	ssize_t n;

	while ((n = read(r->inotify_fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)p;
			mark(r, e->wd, e->mask & IN_Q_OVERFLOW);
		}
	while ((run = next_grown(r))) {		/* whoever is told may add and remove any */
		run->grown = false;
		tell_growth(run);
	}
}

static void on_inotify(void *data, uint32_t events)
{
	struct runs *r = data;

	(void)events;
	loop_unwatch(r->inotify);
	r->inotify = NULL;
	loop_timer_set(r->gather_timer, clock_monotonic_ns() + GATHER_NS);
}

static void on_gathered(void *data)
{
	struct runs *r = data;

	r->inotify = loop_watch(r->loop, r->inotify_fd, EPOLLIN, on_inotify, r);
	take_events(r);
}

static bool open_inotify(struct runs *r)
{
	if (r->inotify_fd >= 0)
		return true;
	r->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->inotify_fd < 0)
		return false;
	r->gather_timer = loop_timer_new(r->loop, on_gathered, r);
	r->inotify = loop_watch(r->loop, r->inotify_fd, EPOLLIN, on_inotify, r);
	return true;
}

void runs_watch_files(struct run *run)
{
	struct runs *r = run->owner;
	char path[128];

	if (!run->watches || run->inotify_wd >= 0 || run->row.state != RUN_RUNNING || !open_inotify(r))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s/events.ndjson", r->folder, run->row.id);
	run->inotify_wd = inotify_add_watch(r->inotify_fd, path, IN_MODIFY);
	if (run->inotify_wd < 0 && errno != ENOENT)
		message("warning", "events of run '%s' will be told at its end only: %s", run->row.id, strerror(errno));
}

static void forget_file(struct run *run)
{
	if (run->inotify_wd >= 0)
		inotify_rm_watch(run->owner->inotify_fd, run->inotify_wd);
	run->inotify_wd = -1;
	run->grown = false;
}

/* ---- the end */

/* Who is being told may unwatch himself: then he is gone all the same, and only afterwards. */
static void tell_end(struct run_watch *w)
{
	unlink_watch(w);
	w->calling = true;
	w->on_change(w->data, true);
	free(w);
}

void runs_watch_ended(struct run *run)
{
	forget_file(run);
	while (run->watches)
		tell_end(run->watches);
}

static void on_over(void *data)
{
	struct runs *r = data;

	while (r->over)
		tell_end(r->over);
}

/* ---- who watches */

struct run_watch *runs_watch(struct runs *r, const char *run_id, void (*on_change)(void *data, bool ended), void *data)
{
	struct run_watch *w = xcalloc(1, sizeof(*w));

	*w = (struct run_watch){ .owner = r, .run = runs_find(r, run_id), .on_change = on_change, .data = data };
	if (w->run) {
		link_watch(&w->run->watches, w);
		runs_watch_files(w->run);
		return w;
	}
	link_watch(&r->over, w);
	if (!r->over_timer)
		r->over_timer = loop_timer_new(r->loop, on_over, r);
	loop_timer_set(r->over_timer, 0);
	return w;
}

void runs_unwatch(struct run_watch *w)
{
	struct run *run;

	if (!w || w->calling)
		return;
	run = w->run;
	unlink_watch(w);
	free(w);
	if (run && !run->watches)
		forget_file(run);
}

void runs_watch_free(struct runs *r)
{
	while (r->over) {
		struct run_watch *w = r->over;

		unlink_watch(w);
		free(w);
	}
	loop_timer_free(r->over_timer);
	loop_timer_free(r->gather_timer);
	loop_unwatch(r->inotify);
	if (r->inotify_fd >= 0)
		close(r->inotify_fd);
}
