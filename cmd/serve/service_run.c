/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/service_run.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/serve/exec_pool.h"
#include "cmd/serve/tool.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define PEM_MAX ((size_t)1 << 20)
#define JUDGE_TIMEOUT_NS (20 * NS_PER_SEC)

struct serving {
	const struct service_options *o;
	struct service service;
	struct strbuf certificate, key;
	struct loop_timer *last;	/* ends the loop after draining */
	bool in_time;
	unsigned int busy;	/* parts that still drain */
};

/* A descriptor for each connection and stream, if the hard limit lets us. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int read_pem(const char *path, struct strbuf *out, struct error *err)
{
	if (!path)
		return 0;
	return file_read(path, out, err) < 0 ? error_prefix(err, "TLS") : 0;
}

static int open_parts(struct serving *s, struct error *err)
{
	const struct service_options *o = s->o;
	struct service *v = &s->service;
	const struct judge_options judge = { .policy = o->policy, .state_dir = o->state_dir, .timeout_ns = JUDGE_TIMEOUT_NS };
	const struct runs_options runs = { .program = "/proc/self/exe", .data_dir = o->data_dir, .state_dir = o->state_dir, .arguments = &o->arguments,
		.at_once = (unsigned int)o->runs, .queue = (unsigned int)o->queue, .keep = (unsigned int)o->keep, .timeout_ns = o->run_timeout_ns };
	struct exec_pool_options exec = { .warm = (unsigned int)o->exec_pool, .program = "/proc/self/exe", .state_dir = o->state_dir };
	unsigned int left_open = 0;

	if (loop_new(&v->loop, err) < 0)
		return -1;
	/* workers are forked while there is nothing to inherit: no key of TLS, no token */
	if (judge_new(v->loop, &judge, &v->judge, err) < 0)
		return -1;
	v->metrics = metrics_new(o->compatible_metrics);
	exec.metrics = v->metrics;
	if (read_pem(o->certificate, &s->certificate, err) < 0 || read_pem(o->key, &s->key, err) < 0)
		return -1;
	if (auth_open(o->tokens, &v->auth, err) < 0 || store_open(o->data_dir, &v->store, err) < 0 ||
	    runs_new(v->loop, v->store, v->metrics, &runs, &v->runs, err) < 0 || runs_recover(v->runs, &left_open, err) < 0)
		return -1;
	if (left_open)
		message("warning", "the service before this one did not end well: %u runs were left open, and have been ended", left_open);
	return o->exec_pool ? exec_pool_new(v->loop, &exec, &v->exec, err) : 0;
}

static int listen_on(struct serving *s, const char *text, struct error *err)
{
	struct httpd_limits limits = HTTPD_LIMITS;
	const bool tls = s->o->certificate && strncmp(text, "unix:", 5) != 0;
	const struct httpd_address address = { .text = text, .certificate = tls ? s->certificate.buf : NULL, .key = tls ? s->key.buf : NULL };
	struct service *v = &s->service;

	if (v->listeners_len == SERVICE_LISTENERS)
		return error_set(err, ERR_USAGE, "--listen is given more than %d times", SERVICE_LISTENERS);
	if (httpd_open(v, v->loop, &address, &limits, &v->listeners[v->listeners_len], err) < 0)
		return -1;
	v->listeners_len++;
	return 0;
}

static int listen_on_all(struct serving *s, struct error *err)
{
	const struct strvec *listen = &s->o->listen;

	for (size_t i = 0; i < listen->len; i++)
		if (listen_on(s, listen->items[i], err) < 0)
			return -1;
	return listen->len ? 0 : listen_on(s, SERVICE_LISTEN_DEFAULT, err);
}

/* ---- the end */

static void on_last(void *data)
{
	struct serving *s = data;

	loop_stop(s->service.loop);
}

static void on_empty(void *data)
{
	struct serving *s = data;

	if (--s->busy)
		return;
	s->in_time = true;
	loop_timer_set(s->last, clock_deadline(NS_PER_SEC / 5));
}

/* The first signal drains; the second does not wait any more: children are told by the kernel, and clean up by themselves. */
static void on_signal(void *data, int sig)
{
	struct serving *s = data;
	struct service *v = &s->service;

	if (v->draining) {
		loop_stop(v->loop);
		return;
	}
	v->draining = true;
	if (!v->quiet)
		message("note", "%s: taking nothing new; %u runs are given %llu s", sig == SIGINT ? "SIGINT" : "SIGTERM", runs_active(v->runs),
			(unsigned long long)(s->o->grace_ns / NS_PER_SEC));
	for (size_t i = 0; i < v->listeners_len; i++)
		httpd_stop_accepting(v->listeners[i]);
	s->busy = v->exec ? 2 : 1;
	if (v->exec)
		exec_pool_drain(v->exec, s->o->grace_ns, on_empty, s);
	runs_drain(v->runs, s->o->grace_ns, on_empty, s);
}

static void close_parts(struct serving *s)
{
	struct service *v = &s->service;

	for (size_t i = 0; i < v->listeners_len; i++)
		httpd_close(v->listeners[i]);
	tools_free(v->tools);
	exec_pool_free(v->exec);
	if (v->runs)
		runs_free(v->runs);
	judge_free(v->judge);
	auth_close(v->auth);
	metrics_free(v->metrics);
	store_close(v->store);
	loop_timer_free(s->last);
	loop_free(v->loop);
	strbuf_release(&s->certificate);
	strbuf_release(&s->key);
}

static int serve(struct serving *s, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct output out = OUTPUT_INIT(STDOUT_FILENO);
	struct service *v = &s->service;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (open_parts(s, err) < 0 ||
	    loop_signals(v->loop, &set, on_signal, s, err) < 0 || listen_on_all(s, err) < 0)
		return -1;
	s->last = loop_timer_new(v->loop, on_last, s);
	for (size_t i = 0; i < v->listeners_len; i++)
		strbuf_addf(&text, "listening on %s\n", httpd_shown(v->listeners[i]));
	output_write(&out, text.buf, text.len);
	if (loop_run(v->loop, err) < 0)
		return -1;
	return s->in_time ? 0 : error_set(err, ERR_CANCELLED, "ended at once: %u runs end without us, 'sandbox_runner gc' tells whether all is gone",
					  runs_active(v->runs));
}

int service_run(const struct service_options *o, struct error *err)
{
	struct serving s = {
		.o = o,
		.service = {
			.data_dir = o->data_dir, .state_dir = o->state_dir, .registry = o->registry, .hosts = o->hosts, .types = o->types,
			.package_max = o->package_bytes, .sync_max_ns = o->wait_ns,
			.rate = { .per_second = (double)o->requests_per_second, .burst = 2.0 * (double)o->requests_per_second },
			.started_ns = clock_realtime_ns(), .allow_override = o->allow_override, .quiet = o->quiet,
		},
		.certificate = STRBUF_INIT(PEM_MAX), .key = STRBUF_INIT(PEM_MAX),
	};
	int rc;

	raise_descriptors();
	rc = serve(&s, err);
	close_parts(&s);
	return rc;
}
