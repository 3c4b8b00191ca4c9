/* SPDX-License-Identifier: Apache-2.0
 * exec-worker: what the service's pool is made of. A process, a sandbox, one order.
 *
 *	> {"ready":true,"run_id":"r-…","languages":["python","bash"]}	or {"ready":false,"error":"…"}
 *	< {"language":"python","code":"…"}				a line; the end of input instead: it is not wanted any more
 *	> {"outcome":{…}}						or {"error":"…","code":"…"}
 *	> {"cleanup":{"complete":true,"left":0}}			the last line, whatever happened
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/exec_once.h"

#define ORDER_MAX ((size_t)16 << 20)

struct worker_options {
	struct common_options common;
	uint64_t memory_bytes, cpu_millis;
};

static const struct option_spec options[] = {
	{ .name = "memory", .kind = OPTION_SIZE, .offset = offsetof(struct worker_options, memory_bytes), .value = "SIZE", .min = 1 << 20,
	  .group = "Limits", .help = "memory of all processes together" },
	{ .name = "cpus", .kind = OPTION_CPU, .offset = offsetof(struct worker_options, cpu_millis), .value = "CPUS", .min = 10,
	  .group = "Limits", .help = "processors" },
	{ .name = NULL },
};

static void say(json_t *take)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

	json_write(take, 0, &line);
	strbuf_addch(&line, '\n');
	print_result(&line, EXIT_OK);
	json_decref(take);
}

static void say_error(const struct error *err)
{
	json_t *o = json_object();

	json_put_text(o, "error", err->text);
	json_put_text(o, "code", error_code_to_string(err->code));
	say(o);
}

static void say_ready(const struct exec_once *x)
{
	json_t *o = json_object(), *languages = json_array();

	for (size_t i = 0; exec_language_at(i); i++)
		if (exec_once_has(x, exec_language_at(i)))
			json_push(languages, json_text(exec_language_at(i)->name));
	json_put_bool(o, "ready", true);
	json_put_text(o, "run_id", exec_once_id(x));
	json_put(o, "languages", languages);
	say(o);
}

static void say_not_ready(const struct error *err)
{
	json_t *o = json_object();

	json_put_bool(o, "ready", false);
	json_put_text(o, "error", err->text);
	say(o);
}

/* 1: there is a line; 0: none is to come, or a signal; -1: it is too long or cannot be read. */
static int read_order(struct cancel *cancel, struct strbuf *line, struct error *err)
{
	char chunk[65536];

	for (;;) {
		struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = cancel_fd(cancel), .events = POLLIN } };
		ssize_t n;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return error_sys(err, ERR_INTERNAL, "waiting for an order");
		if (cancel_requested(cancel))
			return 0;
		if (!fds[0].revents)
			continue;
		n = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n < 0 ? error_sys(err, ERR_INTERNAL, "reading the order") : 0;
		strbuf_add(line, chunk, (size_t)n);
		if (line->overflow)
			return error_set(err, ERR_RESOURCE_EXHAUSTED, "the order is longer than %zu bytes", line->max);
		if (memchr(chunk, '\n', (size_t)n))
			return 1;
	}
}

static int carry_out(struct exec_once *x, const struct strbuf *line, struct error *err)
{
	json_auto_t *json = NULL;
	struct exec_order order;
	json_t *outcome = NULL, *o;

	if (json_parse(line->buf, line->len, "order", &json, err) < 0 || exec_order_parse(json, &order, err) < 0)
		return -1;
	if (!exec_once_has(x, order.language))
		return error_set(err, ERR_INVALID_INPUT, "there is no %s in the sandbox: '%s' is not among the host's system programs (Debian package %s)",
				 order.language->name, order.language->program, order.language->package);
	if (exec_once_run(x, &order, &outcome, err) < 0)
		return -1;
	o = json_object();
	json_put(o, "outcome", outcome);
	say(o);
	return 0;
}

static int clean_up(struct exec_once *x)
{
	struct cleanup_list list = { 0 };
	struct error err = { 0 };
	json_t *o = json_object(), *cleanup = json_object();
	int status = exec_once_finish(x, &list, &err), left = 0;

	for (size_t i = 0; i < list.len; i++)
		left += !list.items[i].gone;
	json_put_bool(cleanup, "complete", status == 0);
	json_put_int(cleanup, "left", left);
	json_put_text(cleanup, "why", status == 0 ? NULL : err.text);
	json_put(o, "cleanup", cleanup);
	say(o);
	cleanup_list_release(&list);
	return status == 0 ? EXIT_OK : EXIT_CLEANUP;
}

static int work(const struct worker_options *opt, const char *state_dir, struct cancel *cancel)
{
	autostrbuf struct strbuf line = STRBUF_INIT(ORDER_MAX);
	struct sandbox_limits limits;
	struct exec_once *x = NULL;
	struct error err = { 0 };
	int status = EXIT_OK, r;

	exec_limits(opt->memory_bytes, opt->cpu_millis, &limits);
	if (exec_once_prepare(state_dir, &limits, cancel, &x, &err) < 0) {
		say_not_ready(&err);
		status = exit_status_of_error(&err);
	} else {
		say_ready(x);
		r = read_order(cancel, &line, &err);
		if (r > 0)
			r = carry_out(x, &line, &err);
		if (r < 0)
			say_error(&err);
	}
	return exit_status_worse(status, clean_up(x));
}

static int worker_main(const struct command *self, int argc, char **argv)
{
	struct worker_options opt = { 0 };
	struct cancel *cancel = NULL;
	struct error err = { 0 };
	autofree char *state_dir = NULL;
	int status = command_begin_alone(self, argc, argv, &opt);

	if (status >= 0)
		return status;
	prctl(PR_SET_PDEATHSIG, SIGTERM);	/* while it waits, the end of its input says the same */
	state_dir = journal_state_dir(opt.common.state_dir, &err);
	if (!state_dir || cancel_new(CLOCK_NEVER, &cancel, &err) < 0)
		return report_error(&err);
	status = work(&opt, state_dir, cancel);
	cancel_free(cancel);
	return status;
}

const struct command command_exec_worker = {
	.name = "exec-worker",
	.summary = "Make a sandbox, run one piece of code in it, remove it",
	.usage = "exec-worker [--memory=SIZE] [--cpus=CPUS]",
	.options = options,
	.hidden = true,
	.main = worker_main,
};
