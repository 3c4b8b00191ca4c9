/* SPDX-License-Identifier: Apache-2.0
 *
 * The counters are the truth, the eventfds only wake. Who waits looks at his counter first and at `stop` second; run_queue_stop() sets `stop`
 * first and looks at the counter second: so either a package sees that it is refused, or the parent sees that it has begun. */
#include "cmd/run_turn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define KEPT_MAX (1 << 20)	/* bytes of output; who has more to say waits until it may */
#define TOLD_AT_ONCE (64 << 10)
#define STOP(index, signal) ((uint64_t)(index) << 8 | (unsigned int)(signal))
#define STOP_INDEX(stop) ((size_t)((stop) >> 8))
#define STOP_SIGNAL(stop) ((int)((stop) & 0xff))

/* ---- what all have in common */

static size_t size_of(size_t len)
{
	return sizeof(struct run_queue) + len * sizeof(struct run_summary);
}

struct run_queue *run_queue_new(size_t len, struct error *err)
{
	struct run_queue *q = mmap(NULL, size_of(len), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (q == MAP_FAILED) {
		error_sys(err, ERR_UNAVAILABLE, "cannot run several packages");
		return NULL;
	}
	q->len = len;
	for (size_t w = 0; w < RUN_WORKERS; w++) {
		q->workers[w].wake_fd = -1;
		q->workers[w].kept[0] = q->workers[w].kept[1] = -1;
	}
	return q;
}

/* `command > log 2>&1`: then the order of what goes there matters. */
static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int run_queue_open(struct run_queue *q, size_t first, struct error *err)
{
	bool same = same_file(STDOUT_FILENO, STDERR_FILENO);

	atomic_store(&q->stepped, first);
	atomic_store(&q->told, first);
	for (size_t i = first; i < first + RUN_WORKERS; i++) {
		struct run_worker *w = &q->workers[i % RUN_WORKERS];

		atomic_store(&w->at, i);
		w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		w->kept[0] = memfd_create("sandbox_runner-stdout", MFD_CLOEXEC);
		w->kept[1] = same ? w->kept[0] : memfd_create("sandbox_runner-stderr", MFD_CLOEXEC);
		if (w->wake_fd < 0 || w->kept[0] < 0 || w->kept[1] < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot run several packages at a time");
	}
	return 0;
}

void run_queue_keep_to_oneself(struct run_queue *q)
{
	madvise(q, size_of(q->len), MADV_DONTFORK);
}

void run_queue_free(struct run_queue *q)
{
	for (size_t i = 0; q && i < RUN_WORKERS; i++) {
		struct run_worker *w = &q->workers[i];

		if (w->kept[1] >= 0 && w->kept[1] != w->kept[0])
			close(w->kept[1]);
		if (w->kept[0] >= 0)
			close(w->kept[0]);
		if (w->wake_fd >= 0)
			close(w->wake_fd);
	}
	if (q)
		munmap(q, size_of(q->len));
}

static void wake(struct run_queue *q, size_t index)
{
	eventfd_write(q->workers[index % RUN_WORKERS].wake_fd, 1);
}

void run_queue_stop(struct run_queue *q, int signal)
{
	uint64_t none = 0, stop = STOP(atomic_load(&q->stepped), signal);

	if (!atomic_compare_exchange_strong(&q->stop, &none, stop))
		return;
	while (STOP_INDEX(stop) != atomic_load(&q->stepped)) {	/* the next one has just begun: it is the one */
		stop = STOP(atomic_load(&q->stepped), signal);
		atomic_store(&q->stop, stop);
	}
	for (size_t i = 0; i < RUN_WORKERS; i++)
		wake(q, i);
}

int run_queue_signal(const struct run_queue *q)
{
	return STOP_SIGNAL(atomic_load(&q->stop));
}

bool run_queue_is_present(const struct run_queue *q, size_t worker)
{
	return atomic_load(&q->workers[worker].at) <= STOP_INDEX(atomic_load(&q->stop));
}

/* ---- a package in its worker */

static struct run_worker *worker_of(const struct run_turn *t)
{
	return &t->queue->workers[t->index % RUN_WORKERS];
}

int run_turn_open(struct run_turn *t, struct run_queue *q, struct error *err)
{
	*t = (struct run_turn){ .queue = q, .standard = { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
							  fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) } };
	return t->standard[0] < 0 || t->standard[1] < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot keep standard output") : 0;
}

void run_turn_close(struct run_turn *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->standard); i++)
		if (t->standard[i] >= 0)
			close(steal_fd(&t->standard[i]));
}

/* Where standard output and error lead from here on. */
static void speak_to(const int fds[2])
{
	dup2(fds[0], STDOUT_FILENO);
	dup2(fds[1], STDERR_FILENO);
}

void run_turn_begin(struct run_turn *t, size_t index, bool again)
{
	struct run_worker *w = &t->queue->workers[index % RUN_WORKERS];

	t->index = index;
	t->stepping = t->refused = t->in_front = false;
	if (!again) {
		w->run_id[0] = '\0';
		w->started_ns = clock_monotonic_ns();
	}
	atomic_store(&w->at, index);
	speak_to(w->kept);
}

void run_turn_named(struct run_turn *t, const char *run_id)
{
	memcpy(worker_of(t)->run_id, run_id, RUN_ID_SIZE);
}

/* -1: `cancel_fd` (-1: none) is readable. */
static int look_again(const struct run_turn *t, int cancel_fd)
{
	struct pollfd p[] = { { .fd = worker_of(t)->wake_fd, .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };
	eventfd_t count;

	poll(p, ARRAY_SIZE(p), -1);
	eventfd_read(p[0].fd, &count);
	return p[1].revents ? -1 : 0;
}

int run_turn_take(struct run_turn *t, struct cancel *cancel, struct error *err)
{
	while (!t->stepping) {
		bool mine = atomic_load(&t->queue->stepped) >= t->index;
		uint64_t stop = atomic_load(&t->queue->stop);

		t->refused = t->refused || (stop && STOP_INDEX(stop) < t->index);
		if (t->refused)
			return error_set(err, ERR_CANCELLED, "an earlier run was stopped");
		if (mine)
			t->stepping = true;
		else if (look_again(t, cancel ? cancel_fd(cancel) : -1) < 0 && cancel_requested(cancel))
			return error_set(err, ERR_CANCELLED, "stopped before its turn");
	}
	return 0;
}

void run_turn_pass(struct run_turn *t, const struct cancel *cancel)
{
	if (!t->stepping || atomic_load(&t->queue->stepped) > t->index)
		return;
	if (cancel && cancel_signal(cancel))
		run_queue_stop(t->queue, cancel_signal(cancel));
	atomic_store(&t->queue->stepped, t->index + 1);
	wake(t->queue, t->index + 1);
}

static off_t kept_bytes(const struct run_worker *w)
{
	return lseek(w->kept[0], 0, SEEK_CUR) + (w->kept[1] == w->kept[0] ? 0 : lseek(w->kept[1], 0, SEEK_CUR));
}

/* The file is as long as its offset: all write to it by the same one. */
static void tell_kept(int fd, struct output *out)
{
	char *buf = xmalloc(TOLD_AT_ONCE);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, TOLD_AT_ONCE, at)) > 0) {
		output_write(out, buf, (size_t)n);
		at += n;
	}
	free(buf);
}

static void step_forward(struct run_turn *t, struct output *out)
{
	struct output unheard = OUTPUT_INIT(STDOUT_FILENO), chatter = OUTPUT_INIT(STDERR_FILENO);
	const struct run_worker *w = worker_of(t);

	speak_to(t->standard);
	t->in_front = true;
	if (kept_bytes(w) == 0)
		return;
	out = out ? out : &unheard;
	chatter.cancel_fd = out->cancel_fd;
	tell_kept(w->kept[0], out);
	if (w->kept[1] != w->kept[0])
		tell_kept(w->kept[1], &chatter);
	run_turn_forget(t);
}

static bool is_next_to_tell(const struct run_turn *t)
{
	return atomic_load(&t->queue->told) >= t->index;
}

bool run_turn_come_forward(struct run_turn *t, struct output *out)
{
	struct error err;

	if (run_turn_take(t, NULL, &err) < 0)
		return false;
	while (!is_next_to_tell(t))
		look_again(t, -1);
	if (!t->in_front)
		step_forward(t, out);
	return true;
}

void run_turn_forget(struct run_turn *t)
{
	const struct run_worker *w = worker_of(t);

	for (size_t i = 0; i < ARRAY_SIZE(w->kept); i++)
		if (lseek(w->kept[i], 0, SEEK_CUR) > 0 && ftruncate(w->kept[i], 0) == 0)
			lseek(w->kept[i], 0, SEEK_SET);
}

void run_turn_end(struct run_turn *t)
{
	struct run_queue *q = t->queue;

	while (!is_next_to_tell(t))
		look_again(t, -1);
	if (!t->in_front)
		step_forward(t, NULL);
	if (q->runs[t->index].cancelled)
		run_queue_stop(q, q->runs[t->index].status - EXIT_SIGNAL_BASE);
	if (atomic_load(&q->stepped) <= t->index)
		atomic_store(&q->stepped, t->index + 1);
	atomic_store(&q->told, t->index + 1);
	wake(q, t->index + 1);
}

/* ---- while it runs */

struct turn_sink {
	struct event_sink base;		/* first member */
	struct run_turn *turn;
	struct output *out;
	struct event_sink *const *ndjson;
};

/* What may yet be refused says nothing. One with much to say waits for its reader, as it always does, until it is told to stop. */
static void look(struct event_sink *sink)
{
	struct turn_sink *self = (struct turn_sink *)sink;
	struct run_turn *t = self->turn;

	if (t->in_front || !t->stepping)
		return;
	while (!is_next_to_tell(t))
		if (kept_bytes(worker_of(t)) < KEPT_MAX || look_again(t, self->out->cancel_fd) < 0)
			return;
	step_forward(t, self->out);
	if (self->out->failed && *self->ndjson && !(*self->ndjson)->error)
		(*self->ndjson)->error = self->out->failed;
}

static void turn_on_event(struct event_sink *sink, const struct event *event)
{
	(void)event;
	look(sink);
}

static void turn_close(struct event_sink *sink)
{
	free(sink);
}

struct event_sink *run_turn_sink_new(struct run_turn *t, struct output *out, struct event_sink *const *ndjson)
{
	struct turn_sink *self = xcalloc(1, sizeof(*self));

	*self = (struct turn_sink){ .base = { .on_event = turn_on_event, .close = turn_close, .on_tick = look },
				    .turn = t, .out = out, .ndjson = ndjson };
	return &self->base;
}
