/* SPDX-License-Identifier: Apache-2.0
 * Who works for whom: orders with usual limits take a warm sandbox, all others get one made for them; never more at once than at_once, the rest
 * waits in order. */
#include "cmd/serve/exec_pool_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cmd/serve/metrics.h"
#include "cmd/serve/runs_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define IDLE_NS (300 * NS_PER_SEC)
#define WAITING_MAX 256
#define STARTING_MAX 2		/* for the pool, at the same time: who works has the processors first */
#define FREE_NS (5 * NS_PER_SEC)

static bool is_usual(const struct exec_ticket *t)
{
	return !t->memory_bytes && !t->cpu_millis;
}

struct exec_pool_counts exec_pool_counts(const struct exec_pool *p)
{
	struct exec_pool_counts n = { .waiting = p->waiting_len };

	for (const struct exec_worker *w = p->workers; w; w = w->next) {
		if (w->ticket)
			n.busy++;
		else if (w->state == WORKER_WARM)
			n.warm++;
		else if (w->state == WORKER_STARTING)
			n.starting++;
	}
	return n;
}

/* ---- tickets */

static void ticket_free(struct exec_ticket *t)
{
	strbuf_release(&t->line);
	free(t);
}

static void unqueue(struct exec_ticket *t)
{
	for (struct exec_ticket **at = &t->pool->waiting; *at; at = &(*at)->next) {
		if (*at != t)
			continue;
		*at = t->next;
		t->pool->waiting_len--;
		return;
	}
}

/* The last of it: whoever asked is told, and it is gone. */
static void answer(struct exec_ticket *t, const struct error *failure, const json_t *outcome)
{
	const struct exec_answer a = { .failure = failure, .outcome = outcome, .warm = t->warm };

	if (t->worker)
		t->worker->ticket = NULL;
	if (failure)
		t->pool->failed_orders++;
	t->on_answer(t->data, &a);
	ticket_free(t);
}

/* ---- who is there, and who is missing */

static struct exec_worker *warm_one(const struct exec_pool *p)
{
	for (struct exec_worker *w = p->workers; w; w = w->next)
		if (w->state == WORKER_WARM)
			return w;
	return NULL;
}

static void note_failure(struct exec_pool *p, const char *why)
{
	unsigned int shift = p->failures < 6 ? p->failures : 6;

	snprintf(p->last_error, sizeof(p->last_error), "%s", why);
	p->failures++;
	p->retry_ns = clock_deadline(NS_PER_SEC << shift);
	loop_timer_set(p->again, p->retry_ns);
}

static void refill(struct exec_pool *p)
{
	const unsigned int wanted = p->shrunk && p->size ? 1 : p->size;
	struct exec_pool_counts n = exec_pool_counts(p);
	struct exec_worker *w;
	struct error err = { 0 };

	for (; n.warm + n.starting > wanted && n.warm; n.warm--)
		exec_worker_dismiss(warm_one(p));
	for (; n.warm + n.starting < wanted && n.starting < STARTING_MAX && clock_monotonic_ns() >= p->retry_ns; n.starting++) {
		w = exec_worker_start(p, 0, 0, &err);
		if (!w) {
			note_failure(p, err.text);
			return;
		}
	}
}

/* In order: nobody overtakes who waits. */
static void match(struct exec_pool *p)
{
	struct exec_ticket *t;
	struct exec_worker *w;
	struct error err = { 0 };

	while ((t = p->waiting) && exec_pool_counts(p).busy < p->at_once) {
		w = is_usual(t) ? warm_one(p) : NULL;
		unqueue(t);
		t->warm = w != NULL;
		*(w ? &p->warm_orders : &p->cold_orders) += 1;
		if (w) {
			exec_worker_give(w, t);
			continue;
		}
		w = exec_worker_start(p, t->memory_bytes, t->cpu_millis, &err);
		if (!w) {
			answer(t, &err, NULL);
			continue;
		}
		w->ticket = t;
		t->worker = w;
	}
	refill(p);
	if (p->draining && p->on_empty && !p->waiting && !exec_pool_counts(p).busy) {
		void (*on_empty)(void *data) = p->on_empty;

		p->on_empty = NULL;
		on_empty(p->on_empty_data);
	}
}

/* ---- from a worker */

void exec_pool_on_ready(struct exec_worker *w, const json_t *languages)
{
	struct exec_pool *p = w->pool;

	p->languages = 0;
	for (size_t i = 0; i < json_array_size(languages); i++)
		for (size_t k = 0; exec_language_at(k); k++)
			if (json_is_string(json_array_get(languages, i)) &&
			    !strcmp(json_string_value(json_array_get(languages, i)), exec_language_at(k)->name))
				p->languages |= 1u << k;
	p->languages_known = true;
	p->failures = 0;
	p->last_error[0] = '\0';
	w->state = WORKER_WARM;
	loop_timer_set(w->timer, CLOCK_NEVER);
	if (w->ticket)
		exec_worker_give(w, w->ticket);
	match(p);
}

void exec_pool_on_failure(struct exec_worker *w, enum error_code code, const char *why)
{
	struct exec_ticket *t = w->ticket;
	struct error err;

	if (w->state == WORKER_STARTING)
		note_failure(w->pool, why);
	exec_worker_end(w);
	if (t) {
		error_set(&err, code, "%s", why);
		answer(t, &err, NULL);
	}
}

void exec_pool_on_outcome(struct exec_worker *w, const json_t *outcome)
{
	struct exec_ticket *t = w->ticket;

	w->ticket = NULL;
	exec_worker_end(w);
	if (!t)
		return;
	t->worker = NULL;
	answer(t, NULL, outcome);
}

void exec_pool_on_cleanup(struct exec_worker *w, bool complete, unsigned int left)
{
	if (!complete)
		w->pool->unclean++;
	if (w->pool->metrics)
		metrics_cleanup(w->pool->metrics, complete, left);
}

void exec_pool_on_exit(struct exec_worker *w)
{
	struct exec_pool *p = w->pool;
	struct exec_ticket *t = w->ticket;
	struct error err;

	if (w->state == WORKER_STARTING)
		note_failure(p, "a worker ended before it was ready");
	if (w->state != WORKER_ENDING)
		p->died++;
	for (struct exec_worker **at = &p->workers; *at; at = &(*at)->next) {
		if (*at == w) {
			*at = w->next;
			break;
		}
	}
	exec_worker_free(w);
	if (t) {
		t->worker = NULL;
		error_set(&err, ERR_INTERNAL, "the process that ran it ended before it could answer; nothing of it is left");
		answer(t, &err, NULL);
	}
	match(p);
}

/* ---- from outside */

static void end_orders(struct exec_pool *p)
{
	struct exec_ticket *t;
	struct error err;

	error_set(&err, ERR_UNAVAILABLE, "the service is ending");
	while ((t = p->waiting)) {
		unqueue(t);
		answer(t, &err, NULL);
	}
	for (struct exec_worker *w = p->workers; w; w = w->next)
		if (w->ticket)
			exec_worker_hurry(w);
	loop_timer_set(p->again, 0);
}

static void on_idle(void *data)
{
	struct exec_pool *p = data;

	if (p->draining) {
		end_orders(p);
		return;
	}
	p->shrunk = true;
	refill(p);
}

static void on_again(void *data)
{
	match(data);
}

int exec_pool_new(struct loop *l, const struct exec_pool_options *o, struct exec_pool **ret, struct error *err)
{
	struct exec_pool *p = xcalloc(1, sizeof(*p));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	(void)err;
	p->loop = l;
	p->program = xstrdup(o->program);
	p->state_dir = xstrdup(o->state_dir);
	p->metrics = o->metrics;
	p->size = o->warm < EXEC_POOL_MAX ? o->warm : EXEC_POOL_MAX;
	p->at_once = o->at_once ? o->at_once : processors > 0 ? 2 * (unsigned int)processors : 2;
	p->idle_ns = o->idle_ns ? o->idle_ns : IDLE_NS;
	runs_environment(&p->environment);
	p->idle = loop_timer_new(l, on_idle, p);
	p->again = loop_timer_new(l, on_again, p);
	loop_timer_set(p->again, 0);	/* the first start, once the loop goes */
	loop_timer_set(p->idle, clock_deadline(p->idle_ns));
	*ret = p;
	return 0;
}

struct exec_ticket *exec_pool_submit(struct exec_pool *p, const struct exec_order *order, const json_t *json,
				     void (*on_answer)(void *data, const struct exec_answer *a), void *data, struct error *err)
{
	struct exec_ticket *t, **end = &p->waiting;

	for (size_t k = 0; p->languages_known && exec_language_at(k); k++) {
		if (exec_language_at(k) == order->language && !(p->languages & 1u << k)) {
			error_set(err, ERR_INVALID_INPUT, "there is no %s in the sandbox: '%s' is not among the host's system programs (Debian package %s)",
				  order->language->name, order->language->program, order->language->package);
			return NULL;
		}
	}
	if (p->draining) {
		error_set(err, ERR_UNAVAILABLE, "the service is ending");
		return NULL;
	}
	if (p->waiting_len >= WAITING_MAX) {
		error_set(err, ERR_RESOURCE_EXHAUSTED, "%u orders wait already", p->waiting_len);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	*t = (struct exec_ticket){ .pool = p, .timeout_ns = order->timeout_ns, .memory_bytes = order->memory_bytes, .cpu_millis = order->cpu_millis,
				   .on_answer = on_answer, .data = data };
	strbuf_init(&t->line, STRBUF_NO_MAX);
	json_write(json, 0, &t->line);
	strbuf_addch(&t->line, '\n');
	while (*end)
		end = &(*end)->next;
	*end = t;
	p->waiting_len++;
	p->shrunk = false;
	loop_timer_set(p->idle, clock_deadline(p->idle_ns));
	loop_timer_set(p->again, 0);	/* in the loop: never an answer from within this call */
	return t;
}

void exec_pool_forget(struct exec_ticket *t)
{
	struct exec_pool *p = t->pool;

	p->forgotten_orders++;
	if (t->worker) {
		t->worker->ticket = NULL;
		exec_worker_dismiss(t->worker);
		loop_timer_set(p->again, 0);
	} else {
		unqueue(t);
	}
	ticket_free(t);
}

void exec_pool_drain(struct exec_pool *p, uint64_t grace_ns, void (*on_empty)(void *data), void *data)
{
	p->draining = true;
	p->size = 0;
	p->on_empty = on_empty;
	p->on_empty_data = data;
	loop_timer_set(p->idle, clock_deadline(grace_ns));
	loop_timer_set(p->again, 0);
}

void exec_pool_resize(struct exec_pool *p, unsigned int warm)
{
	if (p->draining)
		return;
	p->size = warm < EXEC_POOL_MAX ? warm : EXEC_POOL_MAX;
	p->shrunk = false;
	p->retry_ns = 0;
	loop_timer_set(p->idle, clock_deadline(p->idle_ns));
	refill(p);
}

json_t *exec_pool_to_json(const struct exec_pool *p)
{
	const struct exec_pool_counts n = exec_pool_counts(p);
	const struct { const char *group, *name; uint64_t value; } rows[] = {
		{ NULL, "size", p->size }, { NULL, "warm", n.warm }, { NULL, "starting", n.starting }, { NULL, "busy", n.busy },
		{ NULL, "waiting", n.waiting }, { NULL, "at_once", p->at_once }, { NULL, "idle_seconds", p->idle_ns / NS_PER_SEC },
		{ "orders", "warm", p->warm_orders }, { "orders", "cold", p->cold_orders }, { "orders", "failed", p->failed_orders },
		{ "orders", "forgotten", p->forgotten_orders }, { "workers", "started", p->started }, { "workers", "died", p->died },
		{ "workers", "unclean", p->unclean },
	};
	json_t *o = json_object(), *languages = json_array();

	json_put(o, "orders", json_object());
	json_put(o, "workers", json_object());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_put_int(rows[i].group ? json_object_get(o, rows[i].group) : o, rows[i].name, (int64_t)rows[i].value);
	for (size_t k = 0; exec_language_at(k); k++)
		if (p->languages & 1u << k)
			json_push(languages, json_text(exec_language_at(k)->name));
	json_put_bool(o, "shrunk", p->shrunk);
	json_put(o, "languages", p->languages_known ? languages : json_incref(json_null()));
	if (!p->languages_known)
		json_decref(languages);
	json_put_text(o, "last_error", p->last_error[0] ? p->last_error : NULL);
	return o;
}

/* The loop has stopped: nobody else waits for them any more. */
static void wait_for_all(struct exec_pool *p)
{
	const uint64_t deadline = clock_deadline(FREE_NS);

	for (struct exec_worker *w = p->workers; w; w = w->next)
		while (waitpid(w->pid, NULL, WNOHANG) == 0 && clock_monotonic_ns() < deadline)
			nanosleep(&(struct timespec){ .tv_nsec = 5 * (long)NS_PER_MS }, NULL);
}

void exec_pool_free(struct exec_pool *p)
{
	if (!p)
		return;
	for (struct exec_worker *w = p->workers; w; w = w->next)
		exec_worker_dismiss(w);
	wait_for_all(p);
	while (p->workers) {
		struct exec_worker *w = p->workers;

		p->workers = w->next;
		if (w->ticket)
			ticket_free(w->ticket);
		exec_worker_free(w);
	}
	while (p->waiting) {
		struct exec_ticket *t = p->waiting;

		p->waiting = t->next;
		ticket_free(t);
	}
	loop_timer_free(p->idle);
	loop_timer_free(p->again);
	strvec_release(&p->environment);
	free(p->program);
	free(p->state_dir);
	free(p);
}
