/* SPDX-License-Identifier: Apache-2.0
 * What is removed within a callback stays allocated until its round is over (`dead`), because the kernel may have handed out an event for
 * it already. Timers are a heap; those due in a round are taken out before the first fires, so that one that sets itself again to "now"
 * waits for the next round and cannot starve the descriptors. */
#include "cmd/serve/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/pidfd.h"

#define ROUND_EVENTS 64
#define NOWHERE SIZE_MAX

struct loop_watch {
	struct loop *loop;
	int fd;
	bool dead;
	void (*on_ready)(void *data, uint32_t events);
	void *data;
	struct loop_watch *prev, *next;	/* of all, or of the dead */
};

struct loop_timer {
	struct loop *loop;
	uint64_t at_ns, seq;		/* equal times fire in the order in which they were set */
	size_t heap_index, due_index;	/* NOWHERE: not there */
	void (*on_time)(void *data);
	void *data;
};

struct loop_child {
	struct loop *loop;
	int pidfd;
	struct loop_watch *watch;
	void (*on_exit)(void *data, int wait_status);
	void *data;
	struct loop_child *prev, *next;
};

struct loop_signal {
	int fd;
	struct loop_watch *watch;
	void (*on_signal)(void *data, int sig);
	void *data;
	struct loop_signal *next;
};

struct timers { struct loop_timer **items; size_t len, alloc; };

struct loop {
	int epoll;
	bool stop;
	struct loop_watch *watches, *dead;
	struct timers heap, due;
	uint64_t seq;
	struct loop_child *children;
	struct loop_signal *signals;
};

/* ---- timers */

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void heap_place(struct timers *h, size_t i, struct loop_timer *t)
{
	h->items[i] = t;
	t->heap_index = i;
}

/* Bring `t`, which belongs somewhere on the path through `i`, to its place. */
static void heap_settle(struct timers *h, size_t i, struct loop_timer *t)
{
	for (; i > 0 && is_before(t, h->items[(i - 1) / 2]); i = (i - 1) / 2)
		heap_place(h, i, h->items[(i - 1) / 2]);
	for (size_t child; (child = 2 * i + 1) < h->len; i = child) {
		if (child + 1 < h->len && is_before(h->items[child + 1], h->items[child]))
			child++;
		if (!is_before(h->items[child], t))
			break;
		heap_place(h, i, h->items[child]);
	}
	heap_place(h, i, t);
}

static void heap_remove(struct timers *h, struct loop_timer *t)
{
	size_t i = t->heap_index;
	struct loop_timer *last = h->items[--h->len];

	t->heap_index = NOWHERE;
	if (last != t)
		heap_settle(h, i, last);
}

static void timer_disarm(struct loop_timer *t)
{
	if (t->heap_index != NOWHERE)
		heap_remove(&t->loop->heap, t);
	if (t->due_index != NOWHERE)
		t->loop->due.items[t->due_index] = NULL;
	t->due_index = NOWHERE;
}

struct loop_timer *loop_timer_new(struct loop *l, void (*on_time)(void *data), void *data)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	*t = (struct loop_timer){ .loop = l, .heap_index = NOWHERE, .due_index = NOWHERE, .on_time = on_time, .data = data };
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t at_ns)
{
	struct timers *h = &t->loop->heap;

	timer_disarm(t);
	if (at_ns == CLOCK_NEVER)
		return;
	t->at_ns = at_ns;
	t->seq = t->loop->seq++;
	ARRAY_GROW(h->items, h->len, h->alloc);
	heap_settle(h, h->len++, t);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	timer_disarm(t);
	free(t);
}

static void fire_timers(struct loop *l)
{
	uint64_t now = l->heap.len ? clock_monotonic_ns() : 0;

	while (l->heap.len && l->heap.items[0]->at_ns <= now) {
		struct loop_timer *t = l->heap.items[0];

		heap_remove(&l->heap, t);
		ARRAY_GROW(l->due.items, l->due.len, l->due.alloc);
		t->due_index = l->due.len;
		l->due.items[l->due.len++] = t;
	}
	for (size_t i = 0; i < l->due.len; i++) {
		struct loop_timer *t = l->due.items[i];

		if (!t)
			continue;
		t->due_index = NOWHERE;
		t->on_time(t->data);
	}
	l->due.len = 0;
}

/* ---- descriptors */

static void watch_link(struct loop_watch **list, struct loop_watch *w)
{
	w->prev = NULL;
	w->next = *list;
	if (w->next)
		w->next->prev = w;
	*list = w;
}

struct loop_watch *loop_watch(struct loop *l, int fd, uint32_t events, void (*on_ready)(void *data, uint32_t events), void *data)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		free(w);
		return NULL;
	}
	*w = (struct loop_watch){ .loop = l, .fd = fd, .on_ready = on_ready, .data = data };
	watch_link(&l->watches, w);
	return w;
}

void loop_unwatch(struct loop_watch *w)
{
	if (!w || w->dead)
		return;
	epoll_ctl(w->loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	if (w->prev)
		w->prev->next = w->next;
	else
		w->loop->watches = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->dead = true;
	watch_link(&w->loop->dead, w);
}

static void free_watches(struct loop_watch **list)
{
	while (*list) {
		struct loop_watch *w = *list;

		*list = w->next;
		free(w);
	}
}

/* ---- children */

static void child_free(struct loop_child *c)
{
	loop_unwatch(c->watch);
	close(c->pidfd);
	if (c->prev)
		c->prev->next = c->next;
	else
		c->loop->children = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c);
}

static void on_child(void *data, uint32_t events)
{
	struct loop_child *c = data;
	siginfo_t si = { 0 };
	int rc, status;

	(void)events;
	do
		rc = waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG);
	while (rc < 0 && errno == EINTR);
	if (rc == 0 && !si.si_pid)
		return;
	/* ECHILD: somebody else has waited for it. That is a bug, but its end is no secret: never leave the caller waiting. */
	status = rc < 0 ? W_EXITCODE(255, 0)
		: si.si_code == CLD_EXITED ? W_EXITCODE(si.si_status, 0)
		: si.si_status | (si.si_code == CLD_DUMPED ? WCOREFLAG : 0);
	void (*on_exit)(void *data, int wait_status) = c->on_exit;
	void *whose = c->data;

	child_free(c);
	on_exit(whose, status);
}

struct loop_child *loop_child(struct loop *l, pid_t pid, void (*on_exit)(void *data, int wait_status), void *data, struct error *err)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);	/* is O_CLOEXEC by itself */
	struct loop_child *c;

	if (fd < 0) {
		error_sys(err, errno == EMFILE || errno == ENFILE ? ERR_RESOURCE_EXHAUSTED : ERR_INTERNAL, "watching process %d", (int)pid);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct loop_child){ .loop = l, .pidfd = fd, .on_exit = on_exit, .data = data, .next = l->children };
	c->watch = loop_watch(l, fd, EPOLLIN, on_child, c);
	if (!c->watch) {
		error_sys(err, ERR_RESOURCE_EXHAUSTED, "watching process %d", (int)pid);
		close(fd);
		free(c);
		return NULL;
	}
	if (c->next)
		c->next->prev = c;
	l->children = c;
	return c;
}

void loop_child_signal(struct loop_child *c, int sig)
{
	syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

/* ---- signals */

static void on_signals(void *data, uint32_t events)
{
	const struct loop_signal *s = data;
	struct signalfd_siginfo si;

	(void)events;
	/* one a round: the callback may stop the loop, and the rest is still there */
	if (read(s->fd, &si, sizeof(si)) == sizeof(si))
		s->on_signal(s->data, (int)si.ssi_signo);
}

int loop_signals(struct loop *l, const sigset_t *set, void (*on_signal)(void *data, int sig), void *data, struct error *err)
{
	autoclose int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct loop_signal *s;

	if (fd < 0 || sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return error_sys(err, ERR_INTERNAL, "watching signals");
	s = xcalloc(1, sizeof(*s));
	*s = (struct loop_signal){ .fd = fd, .on_signal = on_signal, .data = data, .next = l->signals };
	s->watch = loop_watch(l, fd, EPOLLIN, on_signals, s);
	if (!s->watch) {
		free(s);
		return error_sys(err, ERR_INTERNAL, "watching signals");
	}
	steal_fd(&fd);
	l->signals = s;
	return 0;
}

/* ---- the loop */

int loop_new(struct loop **ret, struct error *err)
{
	autoclose int fd = epoll_create1(EPOLL_CLOEXEC);
	struct loop *l;

	if (fd < 0)
		return error_sys(err, ERR_INTERNAL, "making an epoll descriptor");
	l = xcalloc(1, sizeof(*l));
	l->epoll = steal_fd(&fd);
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (l->children)
		child_free(l->children);
	while (l->signals) {
		struct loop_signal *s = l->signals;

		l->signals = s->next;
		loop_unwatch(s->watch);
		close(s->fd);
		free(s);
	}
	free_watches(&l->watches);
	free_watches(&l->dead);
	for (size_t i = 0; i < l->heap.len; i++)
		l->heap.items[i]->heap_index = NOWHERE;	/* may still be freed by who has made it */
	free(l->heap.items);
	free(l->due.items);
	close(l->epoll);
	free(l);
}

int loop_run(struct loop *l, struct error *err)
{
	while (!l->stop) {
		struct epoll_event events[ROUND_EVENTS];
		uint64_t next = l->heap.len ? l->heap.items[0]->at_ns : CLOCK_NEVER;
		int n = epoll_wait(l->epoll, events, ROUND_EVENTS, clock_poll_timeout(next));

		if (n < 0 && errno != EINTR)
			return error_sys(err, ERR_INTERNAL, "waiting for events");
		for (int i = 0; i < n && !l->stop; i++) {
			struct loop_watch *w = events[i].data.ptr;

			if (!w->dead)
				w->on_ready(w->data, events[i].events);
		}
		if (!l->stop)
			fire_timers(l);
		free_watches(&l->dead);
	}
	l->stop = false;
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
