/* SPDX-License-Identifier: Apache-2.0
 *
 *	judge_ask() -> waiting (a queue with ceilings) -> in hand of a worker -> on_answer()
 *
 * A worker has one package at a time. It is given up when it does not answer in time or says what is no answer: killed, and its package answered for when
 * the loop tells that it is gone, which is also when a new one takes its place. */
#include "cmd/serve/judge.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/serve/judge_frame.h"
#include "cmd/serve/judge_template.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define WORKERS_MAX 16
#define WORKERS_USUAL_MAX 4
#define TIMEOUT_USUAL_NS (10 * NS_PER_SEC)
#define WAITING_MAX 1024
#define WAITING_BYTES_MAX ((size_t)64 << 20)
#define NAME_BYTES_MAX 255
#define WAIT_TIMEOUTS 3			/* how long a package may wait for its turn */
#define START_AGAIN_NS NS_PER_SEC
#define READ_BYTES ((size_t)64 << 10)
#define KEPT_BYTES ((size_t)256 << 10)	/* of a buffer, for the next package */

struct judge_ticket {
	struct judge *judge;
	struct judge_ticket *next;
	struct strbuf question;		/* the frame */
	const char *report_type;	/* static; NULL: none is wanted */
	bool content;
	const char *refusal;		/* static: it is not going to be judged */
	uint64_t deadline_ns;		/* for its turn */
	void (*on_answer)(void *data, const struct judge_answer *a);	/* NULL: forgotten */
	void *data;
};

struct worker {
	struct judge *judge;
	pid_t pid;
	int fd;				/* -1: there is none */
	struct loop_child *child;
	struct loop_watch *watch;
	struct loop_timer *timer;	/* of the package in hand */
	struct judge_ticket *ticket;	/* in hand; NULL */
	size_t sent;			/* of its question */
	bool writing, late, asked;	/* asked: it has been given anything yet */
	struct frame_head head;		/* of the answer … */
	size_t head_len;
	struct strbuf body;		/* … and what has come of the rest */
};

struct judge {
	struct loop *loop;
	struct judge_bench bench;
	struct judge_template template;
	char *state_dir;
	uint64_t timeout_ns;
	struct worker workers[WORKERS_MAX];
	unsigned int workers_len;
	struct judge_ticket *waiting, **waiting_end;
	unsigned int waiting_len;
	size_t waiting_bytes;
	struct loop_timer *turns;	/* somebody has to be told that his turn does not come */
	struct loop_timer *again;	/* a worker could not be started, or died for nothing */
};

static void give_work(struct judge *j);

/* ---- answers */

static void ticket_free(struct judge_ticket *t)
{
	strbuf_release(&t->question);
	free(t);
}

/* The last that is heard of a ticket. */
static void answer(struct judge_ticket *t, const struct judge_answer *a)
{
	if (t->on_answer)
		t->on_answer(t->data, a);
	ticket_free(t);
}

static void answer_failure(struct judge_ticket *t, bool busy, const char *why)
{
	answer(t, &(struct judge_answer){ .failure = why, .busy = busy, .status = EXIT_UNAVAILABLE });
}

static void answer_frame(struct judge_ticket *t, const struct frame_head *head, const char *body)
{
	struct strbuf report = STRBUF_INIT(STRBUF_NO_MAX), content = STRBUF_INIT(STRBUF_NO_MAX);
	struct frame_part parts[FRAME_PARTS];
	json_auto_t *facts = NULL;
	struct error err;

	frame_parts(head, body, parts);
	if (head->flags & FRAME_FAILURE) {
		autofree char *why = xstrndup(parts[ANSWER_FACTS].data, parts[ANSWER_FACTS].len);

		answer_failure(t, false, why);
		return;
	}
	if (json_parse(parts[ANSWER_FACTS].data, parts[ANSWER_FACTS].len, "facts", &facts, &err) < 0) {
		answer_failure(t, false, "what was found out about it cannot be told");
		return;
	}
	strbuf_add(&report, parts[ANSWER_REPORT].data, parts[ANSWER_REPORT].len);
	strbuf_add(&content, parts[ANSWER_CONTENT].data, parts[ANSWER_CONTENT].len);
	answer(t, &(struct judge_answer){ .status = head->status, .facts = facts, .report = t->report_type ? &report : NULL,
					  .report_type = t->report_type, .content = t->content ? &content : NULL });
	strbuf_release(&report);
	strbuf_release(&content);
}

/* ---- a worker with a package */

static void on_ready(void *data, uint32_t events);

static void watch(struct worker *w, bool writing)
{
	if (w->watch && w->writing == writing)
		return;
	loop_unwatch(w->watch);
	w->writing = writing;
	w->watch = loop_watch(w->judge->loop, w->fd, EPOLLIN | (writing ? EPOLLOUT : 0u), on_ready, w);
}

/* Nothing that it says counts any more; on_exit() does the rest. */
static void give_up(struct worker *w)
{
	loop_unwatch(steal_ptr(&w->watch));
	loop_timer_set(w->timer, CLOCK_NEVER);
	loop_child_signal(w->child, SIGKILL);
}

static void put_first(struct judge_ticket *t)
{
	struct judge *j = t->judge;

	t->next = j->waiting;
	j->waiting = t;
	if (!t->next)
		j->waiting_end = &t->next;
	j->waiting_len++;
	j->waiting_bytes += t->question.len;
}

/* It had died before it was asked: that says nothing about the package, whose turn is the next one. */
static void take_back(struct worker *w)
{
	put_first(steal_ptr(&w->ticket));
}

static void send_question(struct worker *w)
{
	struct strbuf *q = &w->ticket->question;

	while (w->sent < q->len) {
		ssize_t n = send(w->fd, q->buf + w->sent, q->len - w->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			if (!w->sent)
				take_back(w);
			give_up(w);
			return;
		}
		if (n < 0)
			break;
		w->sent += (size_t)n;
	}
	if (w->sent == q->len)
		strbuf_release(q);	/* it may be large, and is done with */
	w->sent = q->len ? w->sent : 0;
	watch(w, q->len > 0);
}

static void clear_answer(struct worker *w)
{
	w->head_len = 0;
	if (w->body.alloc > KEPT_BYTES)
		strbuf_release(&w->body);
	strbuf_clear(&w->body);
}

/* Read what has come, never more than the answer in hand has. 1: it is complete; 0: not yet; -1: that is no answer, or the end. */
static int read_answer(struct worker *w)
{
	char buf[READ_BYTES];

	for (;;) {
		bool in_head = w->head_len < sizeof(w->head);
		size_t want = in_head ? sizeof(w->head) - w->head_len : frame_len(&w->head) - w->body.len;
		ssize_t n;

		if (!in_head && !want)
			return 1;
		n = recv(w->fd, in_head ? (char *)&w->head + w->head_len : buf, in_head || want < sizeof(buf) ? want : sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		if (in_head)
			w->head_len += (size_t)n;
		else
			strbuf_add(&w->body, buf, (size_t)n);
		if (w->head_len == sizeof(w->head) && !frame_head_is_good(&w->head, ANSWER_BYTES_MAX))
			return -1;
	}
}

static void take_answer(struct worker *w)
{
	struct judge_ticket *t = steal_ptr(&w->ticket);
	struct strbuf body = w->body;
	struct frame_head head = w->head;

	loop_timer_set(w->timer, CLOCK_NEVER);
	strbuf_init(&w->body, ANSWER_BYTES_MAX);
	w->head_len = 0;
	answer_frame(t, &head, body.buf);	/* may ask again: the worker is free by now */
	if (body.alloc <= KEPT_BYTES && !w->body.alloc) {
		strbuf_clear(&body);
		w->body = body;
	} else {
		strbuf_release(&body);
	}
	give_work(w->judge);
}

static void on_ready(void *data, uint32_t events)
{
	struct worker *w = data;
	int rc;

	if (w->ticket && w->writing && events & EPOLLOUT)
		send_question(w);
	if (!w->watch)		/* given up */
		return;
	if (!w->ticket) {	/* speaks without having been asked, or has ended: either way it is not to be trusted with a package */
		give_up(w);
		return;
	}
	rc = read_answer(w);
	if (rc > 0)
		take_answer(w);
	else if (rc < 0)
		give_up(w);
}

static void on_late(void *data)
{
	struct worker *w = data;

	w->late = true;
	give_up(w);
}

/* ---- its life */

static void start_again_later(struct judge *j)
{
	loop_timer_set(j->again, clock_deadline(START_AGAIN_NS));
}

static int start_worker(struct worker *w, struct error *err);

static char *how_it_ended(const struct worker *w, int status)
{
	if (w->late)
		return xasprintf("judging it took more than %llu s and was given up", (unsigned long long)(w->judge->timeout_ns / NS_PER_SEC));
	if (WIFSIGNALED(status))
		return xasprintf("the process that judged it died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return xasprintf("the process that judged it ended with exit status %d", WEXITSTATUS(status));
}

static void on_exit_of_worker(void *data, int status)
{
	struct worker *w = data;
	struct judge *j = w->judge;
	struct judge_ticket *t = steal_ptr(&w->ticket);
	bool at_work = w->asked;
	struct error err;

	loop_unwatch(steal_ptr(&w->watch));
	loop_timer_set(w->timer, CLOCK_NEVER);
	close(steal_fd(&w->fd));
	clear_answer(w);
	w->child = NULL;
	if (t) {
		autofree char *why = how_it_ended(w, status);

		answer_failure(t, false, why);
	}
	if (!at_work || start_worker(w, &err) < 0)
		start_again_later(j);
	give_work(j);
}

static int start_worker(struct worker *w, struct error *err)
{
	struct judge *j = w->judge;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start a process that judges packages");
	w->pid = judge_template_spawn(&j->template, fds[1]);
	if (w->pid < 0 && judge_template_start(&j->template, &j->bench, err) == 0)	/* it has been killed, or does not answer */
		w->pid = judge_template_spawn(&j->template, fds[1]);
	close(fds[1]);
	if (w->pid < 0) {
		close(fds[0]);
		return error_set(err, ERR_UNAVAILABLE, "cannot start a process that judges packages");
	}
	w->child = loop_child(j->loop, w->pid, on_exit_of_worker, w, err);
	if (!w->child) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		close(fds[0]);
		return -1;
	}
	w->fd = fds[0];
	w->sent = 0;
	w->late = w->asked = false;
	watch(w, false);
	return 0;
}

static void on_start_again(void *data)
{
	struct judge *j = data;
	struct error err;

	for (unsigned int i = 0; i < j->workers_len; i++)
		if (j->workers[i].fd < 0 && start_worker(&j->workers[i], &err) < 0)
			start_again_later(j);
	give_work(j);
}

/* ---- turns */

static struct judge_ticket *next_ticket(struct judge *j)
{
	struct judge_ticket *t = j->waiting;

	j->waiting = t->next;
	if (!j->waiting)
		j->waiting_end = &j->waiting;
	j->waiting_len--;
	j->waiting_bytes -= t->question.len;
	t->next = NULL;
	return t;
}

/* All wait equally long, so the first is the first that is told; who is refused is put in front. */
static void set_turns(struct judge *j)
{
	loop_timer_set(j->turns, !j->waiting ? CLOCK_NEVER : j->waiting->refusal ? 0 : j->waiting->deadline_ns);
}

static void give_work(struct judge *j)
{
	for (unsigned int i = 0; i < j->workers_len && j->waiting && !j->waiting->refusal; i++) {
		struct worker *w = &j->workers[i];

		if (!w->watch || w->ticket)
			continue;
		w->ticket = next_ticket(j);
		w->asked = true;
		loop_timer_set(w->timer, clock_deadline(j->timeout_ns));
		send_question(w);
	}
	set_turns(j);
}

static void on_turns(void *data)
{
	struct judge *j = data;

	while (j->waiting && (j->waiting->refusal || j->waiting->deadline_ns <= clock_monotonic_ns())) {
		struct judge_ticket *t = next_ticket(j);

		answer_failure(t, true, t->refusal ? t->refusal : "it waited too long for its turn to be judged");
	}
	give_work(j);
}

/* A client's word for its file stands in findings and reports. */
static bool name_is_fit(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len > NAME_BYTES_MAX)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '\177')
			return false;
	return true;
}

struct judge_ticket *judge_ask(struct judge *j, const struct judge_question *q, void (*on_answer)(void *data, const struct judge_answer *a), void *data)
{
	struct judge_ticket *t = xcalloc(1, sizeof(*t));
	const char *name = name_is_fit(q->name) ? q->name : "package.wpk.yaml", *source = q->source ? q->source : "";
	const char *format = q->format ? q->format : "";
	struct frame_part parts[FRAME_PARTS] = {
		[QUESTION_NAME] = { name, strlen(name) },
		[QUESTION_BYTES] = { q->bytes, q->source ? 0 : q->len },
		[QUESTION_SOURCE] = { source, strlen(source) },
		[QUESTION_FORMAT] = { format, strlen(format) },
	};

	*t = (struct judge_ticket){ .judge = j, .question = STRBUF_INIT(STRBUF_NO_MAX), .on_answer = on_answer, .data = data, .content = q->content,
				    .report_type = q->format ? judge_report_type(q->format) : NULL,
				    .deadline_ns = clock_deadline(WAIT_TIMEOUTS * j->timeout_ns) };
	if (q->format && !t->report_type)
		t->refusal = "there is no such form of report";
	else if (j->waiting_len >= WAITING_MAX || j->waiting_bytes + parts[QUESTION_BYTES].len > WAITING_BYTES_MAX)
		t->refusal = "too many packages wait to be judged";
	else
		frame_write(&t->question, q->content ? FRAME_CONTENT : 0, 0, parts);
	if (t->refusal) {
		put_first(t);
	} else {
		*j->waiting_end = t;
		j->waiting_end = &t->next;
		j->waiting_len++;
		j->waiting_bytes += t->question.len;
	}
	give_work(j);
	return t;
}

void judge_forget(struct judge_ticket *t)
{
	struct judge *j = t->judge;

	for (struct judge_ticket **at = &j->waiting; *at; at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		if (!t->next)
			j->waiting_end = at;
		j->waiting_len--;
		j->waiting_bytes -= t->question.len;
		ticket_free(t);
		set_turns(j);
		return;
	}
	t->on_answer = NULL;
}

unsigned int judge_workers(const struct judge *j)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < j->workers_len; i++)
		n += j->workers[i].fd >= 0;
	return n;
}

unsigned int judge_waiting(const struct judge *j)
{
	return j->waiting_len;
}

/* ---- all of it */

static unsigned int processors(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return n > WORKERS_USUAL_MAX ? WORKERS_USUAL_MAX : (unsigned int)n;
}

int judge_new(struct loop *l, const struct judge_options *o, struct judge **ret, struct error *err)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	*j = (struct judge){ .loop = l, .bench = JUDGE_BENCH_INIT, .template = JUDGE_TEMPLATE_NONE, .state_dir = xstrdup_or_null(o->state_dir),
			     .timeout_ns = o->timeout_ns ? o->timeout_ns : TIMEOUT_USUAL_NS };
	j->waiting_end = &j->waiting;
	j->bench.state_dir = j->state_dir;
	j->bench.timeout_ns = j->timeout_ns;
	j->turns = loop_timer_new(l, on_turns, j);
	j->again = loop_timer_new(l, on_start_again, j);
	if (judge_bench_open(&j->bench, o->policy, err) < 0) {
		judge_free(j);
		return -1;
	}
	j->workers_len = o->workers ? o->workers < WORKERS_MAX ? o->workers : WORKERS_MAX : processors();
	for (unsigned int i = 0; i < j->workers_len; i++)
		j->workers[i] = (struct worker){ .judge = j, .fd = -1, .body = STRBUF_INIT(ANSWER_BYTES_MAX), .timer = loop_timer_new(l, on_late, &j->workers[i]) };
	for (unsigned int i = 0; i < j->workers_len; i++) {
		if (start_worker(&j->workers[i], err) < 0) {
			judge_free(j);
			return -1;
		}
	}
	*ret = j;
	return 0;
}

/* A worker is not let go of before it is gone: nobody else would notice that it stays. */
static void end_worker(struct worker *w)
{
	loop_unwatch(w->watch);
	loop_timer_free(w->timer);
	strbuf_release(&w->body);
	if (w->ticket)
		ticket_free(w->ticket);
	if (w->fd < 0)
		return;
	close(w->fd);
	if (w->child) {
		loop_child_signal(w->child, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {}
	}
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	for (unsigned int i = 0; i < j->workers_len; i++)
		end_worker(&j->workers[i]);
	while (j->waiting)
		ticket_free(next_ticket(j));
	loop_timer_free(j->turns);
	loop_timer_free(j->again);
	judge_template_end(&j->template);
	judge_bench_close(&j->bench);
	free(j->state_dir);
	free(j);
}
