/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scan_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define JOBS_MAX 64
#define MANY_FILES 64
#define MUCH_BYTES (1 << 20)
#define READ_BYTES ((size_t)64 << 10)
#define NOTHING SIZE_MAX
#define KEPT_BYTES (32 << 20)	/* of memory that the next file needs again: not worth a round trip to the kernel */
#define BATCH_FILES ((size_t)64)	/* that go through the stages together … */
#define BATCH_BYTES ((size_t)128 << 10)	/* … and how much of them: beyond it the caches of the processor are full */
#define BATCHES_EACH 8		/* at least, for each worker: so that all end at about the same time */

/* Shared by all processes: who takes what. */
struct board {
	_Atomic size_t next;			/* first item that nobody has taken */
	struct {
		_Atomic size_t from, to;	/* taken, and perhaps without a result */
		_Atomic size_t in_hand;		/* NOTHING */
	} workers[JOBS_MAX];
};

struct worker {
	pid_t pid;
	int fd;			/* its results, a line each: number of the item, blank, line of the file; -1: no worker */
	struct strbuf text;	/* the beginning of a line */
};

struct pool {
	struct scan_judge *judge;
	const struct scan_item *items;
	size_t n;
	const char *state_dir;
	struct board *board;
	struct worker workers[JOBS_MAX];
	unsigned int jobs;
	struct scan_report *report;
	size_t *place;		/* of each item in the report; NOTHING: no result yet */
	size_t share;		/* how many items a worker takes at a time */
	struct scan_source *batch;	/* at most BATCH_FILES of them; each process has its own */
};

/* ---- files through the stages */

typedef void result_taker(void *arg, size_t i, struct scanned_file *f);	/* which releases it */

static void read_item(struct pool *p, size_t i, struct scan_source *s)
{
	if (!p->items[i].error) {
		scan_source_read(s, p->items[i].path, p->state_dir);
		return;
	}
	*s = (struct scan_source){ .finished = true };
	scan_failure(p->items[i].path, EXIT_INVALID, p->items[i].error, &s->result);
}

/* Of the items from `from` up to `to` as many as make a batch. `in_hand` tells which one is looked at. Returns how many. */
static size_t scan_batch(struct pool *p, size_t from, size_t to, _Atomic size_t *in_hand, result_taker *take, void *arg)
{
	const size_t most = to - from < BATCH_FILES ? to - from : BATCH_FILES;
	struct scan_source *batch = p->batch;
	size_t n, bytes = 0;

	for (n = 0; n < most && bytes < BATCH_BYTES; n++) {
		atomic_store(in_hand, from + n);
		read_item(p, from + n, &batch[n]);
		bytes += batch[n].package.source.bytes.len;
	}
	for (scan_stage *const *stage = scan_stages; *stage; stage++) {
		for (size_t i = 0; i < n; i++) {
			atomic_store(in_hand, from + i);
			if (!batch[i].finished)
				(*stage)(&batch[i], p->judge);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct scanned_file f;

		atomic_store(in_hand, from + i);
		scan_source_finish(&batch[i], &f);
		take(arg, from + i, &f);
	}
	atomic_store(in_hand, NOTHING);
	return n;
}

/* ---- in a worker */

struct reply {
	int fd;
	struct strbuf line;
};

static void send_result(void *arg, size_t i, struct scanned_file *f)
{
	struct reply *reply = arg;

	strbuf_clear(&reply->line);
	strbuf_addf(&reply->line, "%zu ", i);
	scanned_file_to_line(f, &reply->line);
	strbuf_addch(&reply->line, '\n');
	scanned_file_release(f);
	if (write_all(reply->fd, reply->line.buf, reply->line.len) < 0)
		_exit(EXIT_UNAVAILABLE);
}

static _Noreturn void work(struct pool *p, unsigned int me, int fd)
{
	struct reply reply = { .fd = fd, .line = STRBUF_INIT(STRBUF_NO_MAX) };
	_Atomic size_t *in_hand = &p->board->workers[me].in_hand;
	size_t from = atomic_load(&p->board->workers[me].from), to = atomic_load(&p->board->workers[me].to);

	/* what the worker before took and left: one by one, because one of them may bring this one down, too */
	for (; from < to; from++)
		if (p->place[from] == NOTHING)
			scan_batch(p, from, from + 1, in_hand, send_result, &reply);
	while ((from = atomic_fetch_add(&p->board->next, p->share)) < p->n) {
		to = from + p->share < p->n ? from + p->share : p->n;
		atomic_store(&p->board->workers[me].to, to);
		atomic_store(&p->board->workers[me].from, from);
		while (from < to)
			from += scan_batch(p, from, to, in_hand, send_result, &reply);
	}
	_exit(0);
}

/* ---- in the parent */

static int start_worker(struct pool *p, unsigned int me)
{
	struct worker *w = &p->workers[me];
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	atomic_store(&p->board->workers[me].in_hand, NOTHING);
	w->pid = fork();
	if (w->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_UNAVAILABLE);
		for (unsigned int i = 0; i < p->jobs; i++)	/* a reader that is gone must show as such */
			if (p->workers[i].fd >= 0)
				close(p->workers[i].fd);
		close(fds[0]);
		work(p, me, fds[1]);
	}
	close(fds[1]);
	w->fd = fds[0];
	return 0;
}

static void add_result(void *arg, size_t i, struct scanned_file *f)
{
	struct pool *p = arg;

	p->place[i] = p->report->len;
	scan_report_add(p->report, f);
	scanned_file_release(f);
}

static void add_failure(struct pool *p, size_t i, const char *why)
{
	struct scanned_file f;

	scan_failure(p->items[i].path, EXIT_BUG, why, &f);
	add_result(p, i, &f);
}

/* "NUMBER LINE" without its end. What cannot be understood stays without a result, which is told at the end. */
static void take_line(struct pool *p, char *line, size_t len)
{
	char *rest;
	size_t i = strtoul(line, &rest, 10);
	struct error err = { 0 };

	if (rest == line || *rest != ' ' || i >= p->n || p->place[i] != NOTHING)
		return;
	if (scan_report_add_line(p->report, rest + 1, len - (size_t)(rest + 1 - line), &err) == 0)
		p->place[i] = p->report->len - 1;
}

static void take_lines(struct pool *p, struct worker *w)
{
	char *at = w->text.buf, *end;

	while ((end = memchr(at, '\n', w->text.len - (size_t)(at - w->text.buf)))) {
		*end = '\0';
		take_line(p, at, (size_t)(end - at));
		at = end + 1;
	}
	if (at != w->text.buf) {
		w->text.len -= (size_t)(at - w->text.buf);
		memmove(w->text.buf, at, w->text.len + 1);
	}
}

/* Has it taken more than it gave results for? */
static bool is_left_over(const struct pool *p, unsigned int me)
{
	for (size_t i = atomic_load(&p->board->workers[me].from); i < atomic_load(&p->board->workers[me].to); i++)
		if (p->place[i] == NOTHING)
			return true;
	return false;
}

/* It has closed its pipe: ended well, or died with an item in hand. Then another one takes its place. */
static void bury(struct pool *p, unsigned int me)
{
	struct worker *w = &p->workers[me];
	size_t in_hand = atomic_load(&p->board->workers[me].in_hand);
	autofree char *why = NULL;
	int status = 0;

	close(steal_fd(&w->fd));
	strbuf_clear(&w->text);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	why = WIFSIGNALED(status) ? xasprintf("the scanner died of signal %d (%s) on this file", WTERMSIG(status),
					      strsignal(WTERMSIG(status)))
				  : xasprintf("the scanner died with exit status %d on this file", WEXITSTATUS(status));
	if (in_hand < p->n && p->place[in_hand] == NOTHING)
		add_failure(p, in_hand, why);
	if ((is_left_over(p, me) || atomic_load(&p->board->next) < p->n) && start_worker(p, me) < 0) { /* the others, or we, do the rest */ }
}

static void read_from(struct pool *p, unsigned int me)
{
	struct worker *w = &p->workers[me];
	autofree char *bytes = xmalloc(READ_BYTES);
	ssize_t n = read(w->fd, bytes, READ_BYTES);

	if (n > 0) {
		strbuf_add(&w->text, bytes, (size_t)n);
		take_lines(p, w);
	} else if (n == 0 || errno != EINTR) {
		bury(p, me);
	}
}

/* Until no worker is left. */
static void collect(struct pool *p)
{
	for (;;) {
		struct pollfd fds[JOBS_MAX];
		unsigned int open = 0;

		for (unsigned int i = 0; i < p->jobs; i++) {
			fds[i] = (struct pollfd){ .fd = p->workers[i].fd, .events = POLLIN };
			open += p->workers[i].fd >= 0;
		}
		if (!open)
			return;
		if (poll(fds, p->jobs, -1) < 0)
			continue;
		for (unsigned int i = 0; i < p->jobs; i++)
			if (fds[i].revents)
				read_from(p, i);
	}
}

/* What nobody took is scanned here; what was taken and never came back is told. */
static void finish(struct pool *p)
{
	size_t next = p->board ? atomic_load(&p->board->next) : 0;
	_Atomic size_t in_hand;

	for (size_t i = 0; i < next && i < p->n; i++)
		if (p->place[i] == NOTHING)
			add_failure(p, i, "the scanner gave no result for this file");
	while (next < p->n)
		next += scan_batch(p, next, p->n, &in_hand, add_result, p);
}

static void put_in_order(const struct pool *p, size_t before)
{
	autofree size_t *order = xcalloc(p->report->len, sizeof(*order));

	for (size_t i = 0; i < before; i++)
		order[i] = i;
	for (size_t i = 0; i < p->n; i++)
		order[before + i] = p->place[i];
	scan_report_arrange(p->report, order);
}

void scan_pool(struct scan_judge *j, const struct scan_item *items, size_t n, const char *state_dir, unsigned int jobs,
	       struct scan_report *report)
{
	struct pool p = { .judge = j,
			  .items = items,
			  .n = n,
			  .state_dir = state_dir,
			  .report = report,
			  .place = xcalloc(n, sizeof(size_t)),
			  .batch = xcalloc(n < BATCH_FILES ? n : BATCH_FILES, sizeof(struct scan_source)) };
	size_t before = report->len;

	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	p.jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
	for (size_t i = 0; i < n; i++)
		p.place[i] = NOTHING;
	if (p.jobs) {
		p.share = n / (p.jobs * BATCHES_EACH) + 1;
		p.share = p.share < BATCH_FILES ? p.share : BATCH_FILES;
		p.board = mmap(NULL, sizeof(*p.board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		p.board = p.board == MAP_FAILED ? NULL : p.board;
	}
	for (unsigned int i = 0; i < p.jobs; i++)
		p.workers[i] = (struct worker){ .fd = -1, .text = STRBUF_INIT(STRBUF_NO_MAX) };
	for (unsigned int i = 0; p.board && i < p.jobs; i++)
		if (start_worker(&p, i) < 0)
			break;
	collect(&p);
	finish(&p);
	put_in_order(&p, before);
	for (unsigned int i = 0; i < p.jobs; i++)
		strbuf_release(&p.workers[i].text);
	if (p.board)
		munmap(p.board, sizeof(*p.board));
	free(p.batch);
	free(p.place);
}

unsigned int scan_pool_jobs(const struct scan_item *items, size_t n)
{
	off_t bytes = 0;
	struct stat st;
	cpu_set_t cpus;
	int cores;

	for (size_t i = 0; i < n && n <= MANY_FILES; i++)
		bytes += stat(items[i].path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
	if (n < 2 || (n <= MANY_FILES && bytes < MUCH_BYTES))
		return 0;
	cores = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	return cores > 1 ? (unsigned int)cores : 0;
}
