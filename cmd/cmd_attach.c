/* SPDX-License-Identifier: Apache-2.0
 * attach: a shell, or one command, in a kept sandbox. Our terminal, or our three streams, go to the keeper, which copies between them
 * and the sandbox: none of them leads inside. Hanging up ends the command. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/run_name.h"
#include "cmd/stop.h"
#include "runner/attach.h"
#include "runner/base/mem.h"

#define SILENCE_MS 500	/* then somebody else must be inside */

struct attach_options {
	struct common_options common;
	bool end;
};

static const struct option_spec options[] = {
	{ .name = "end", .kind = OPTION_FLAG, .offset = offsetof(struct attach_options, end), .group = "Attach",
	  .help = "end the sandbox instead, as 'stop' does" },
	{ .name = NULL },
};

struct session {
	int sock, signals;
	int tty;			/* -1: none */
	struct termios before;
	bool raw;
};

static void restore(struct session *s)
{
	if (s->raw)
		tcsetattr(s->tty, TCSADRAIN, &s->before);
	s->raw = false;
}

/* Every key goes inside, Ctrl-C too: the terminal there knows what to do with it. */
static void make_raw(struct session *s)
{
	struct termios raw;

	if (s->tty < 0 || tcgetattr(s->tty, &s->before) < 0)
		return;
	raw = s->before;
	cfmakeraw(&raw);
	s->raw = tcsetattr(s->tty, TCSADRAIN, &raw) == 0;
}

static int open_terminal(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -1;
	if ((fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_RDWR)
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int send_request(const struct session *s, char *const *argv, size_t argc, struct error *err)
{
	const int streams[ATTACH_FDS] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	json_auto_t *request = json_object();
	json_t *words = json_array();

	json_put_int(request, "version", ATTACH_VERSION);
	for (size_t i = 0; i < argc; i++)
		json_push(words, json_text(argv[i]));
	json_put(request, "argv", words);
	json_put_text(request, "term", s->tty >= 0 ? getenv("TERM") : NULL);
	return s->tty >= 0 ? attach_send(s->sock, request, &s->tty, 1, err) : attach_send(s->sock, request, streams, ATTACH_FDS, err);
}

/* -1: a message is there; else the exit status after a signal. */
static int wait_for_message(struct session *s, bool first)
{
	struct pollfd p[] = { { .fd = s->sock, .events = POLLIN }, { .fd = s->signals, .events = POLLIN } };
	struct signalfd_siginfo info;

	if (first && poll(p, 2, SILENCE_MS) == 0)
		message("note", "somebody else is inside; waiting until that ends (Ctrl-C gives up)");
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents || read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return -1;
	return EXIT_SIGNAL_BASE + (int)info.ssi_signo;
}

static int status_of_end(const json_t *answer)
{
	static const struct { const char *end, *sentence; int status; } ends[] = {
		{ "timed_out", "the command took too long", EXIT_DEADLINE },
		{ "cancelled", "the sandbox was ended", EXIT_UNAVAILABLE },
		{ "out_of_memory", "the command ran out of memory", EXIT_LIMIT },
		{ "lost", "the sandbox ended under the command", EXIT_UNAVAILABLE },
	};
	const char *end = json_string_value(json_object_get(answer, "end")), *error = json_string_value(json_object_get(answer, "error"));
	int status = (int)json_integer_value(json_object_get(answer, "status"));

	for (size_t i = 0; end && i < ARRAY_SIZE(ends); i++)
		if (!strcmp(end, ends[i].end)) {
			message("error", "%s", ends[i].sentence);
			return ends[i].status;
		}
	if (end)
		return !strcmp(end, "signaled") ? EXIT_SIGNAL_BASE + status : status & 0xff;
	message("error", "%s", error ? error : "the keeper of the sandbox gave no answer that makes sense");
	return EXIT_UNAVAILABLE;
}

static int converse(struct session *s, struct error *err)
{
	for (bool first = true; ; first = false) {
		json_auto_t *answer = NULL;
		int status = wait_for_message(s, first);

		if (status >= 0) {
			restore(s);
			return status;
		}
		status = attach_recv(s->sock, -1, &answer, NULL, err);
		if (status == 0 && json_is_true(json_object_get(answer, "started"))) {
			make_raw(s);
			continue;
		}
		restore(s);
		if (status < 0)
			error_set(err, ERR_UNAVAILABLE, "the sandbox has ended");
		return status < 0 ? report_error(err) : status_of_end(answer);
	}
}

static int attach(const struct attach_options *opt, const struct strvec *words)
{
	struct session s = { .sock = -1, .signals = -1, .tty = -1 };
	const struct live_run *live = NULL;
	const struct run_entry *past = NULL;
	struct error err = { 0 };
	struct run_names names;
	int status = -1;

	if (run_names_open(opt->common.state_dir, &names, &err) < 0 || run_names_find(&names, words->items[0], &live, &past, &err) < 0)
		status = report_error(&err);
	else if (!live)
		error_set(&err, ERR_INVALID_INPUT, "run '%s' has ended, and its sandbox is gone; 'sandbox_runner logs %s' shows what it said",
			  past->run_id, words->items[0]);
	else if (!live->kept_until_ns)
		error_set(&err, ERR_INVALID_INPUT, "run '%s' is not done yet; 'sandbox_runner logs -f %s' follows it, and --keep keeps its sandbox",
			  live->run_id, words->items[0]);
	else
		s.sock = attach_connect(names.state_dir, live->run_id, ATTACH_DOOR, &err);
	run_names_release(&names);
	if (status >= 0)
		return status;
	if (s.sock < 0)
		return report_error(&err);
	s.signals = watch_signals();
	s.tty = open_terminal();
	status = s.signals < 0 || send_request(&s, words->items + 1, words->len - 1, &err) < 0 ? report_error(&err) : converse(&s, &err);
	close(s.sock);
	close(s.signals);
	if (s.tty >= 0)
		close(s.tty);
	return status;
}

static int attach_main(const struct command *self, int argc, char **argv)
{
	struct attach_options opt = { .end = false };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);

	if (status >= 0)
		return status;
	if (!operands.len)
		return command_usage_error(self, "'attach' needs the id of a run; 'sandbox_runner ps' lists them");
	if (opt.end && operands.len > 1)
		return command_usage_error(self, "--end takes no command");
	return opt.end ? stop_run(&opt.common, operands.items[0]) : attach(&opt, &operands);
}

const struct command command_attach = {
	.name = "attach",
	.summary = "Open a shell in a kept sandbox, or run a command in it",
	.usage = "attach RUN [-- COMMAND...] | attach --end RUN",
	.examples = "  sandbox_runner --wpk=restart.wpk.yaml --keep-on-failure\n"
		    "  sandbox_runner attach r-ildmb7qc6b\n"
		    "  sandbox_runner attach ildmb -- find /work -newer /etc/hostname\n"
		    "\n"
		    "Exit status: that of the command; 128+N when signal N ended it.\n",
	.options = options,
	.main = attach_main,
};
