/* SPDX-License-Identifier: Apache-2.0
 * stop: end a run now. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/run_name.h"
#include "cmd/stop.h"
#include "runner/attach.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define PATIENCE_NS (30 * NS_PER_SEC)

static int end_kept(const char *state_dir, const struct live_run *run, struct error *err)
{
	autoclose int sock = attach_connect(state_dir, run->run_id, ATTACH_END_DOOR, err);
	json_auto_t *request = json_object();
	json_auto_t *answer = NULL;
	long long made, gone;

	json_put_int(request, "version", ATTACH_VERSION);
	if (sock < 0 || attach_send(sock, request, NULL, 0, err) < 0)
		return -1;
	if (attach_recv(sock, -1, &answer, NULL, err) < 0)
		return error_set(err, ERR_CLEANUP, "the keeper of run '%s' ended without an answer; run 'sandbox_runner gc'", run->run_id);
	made = (long long)json_integer_value(json_object_get(answer, "made"));
	gone = (long long)json_integer_value(json_object_get(answer, "gone"));
	if (!json_is_true(json_object_get(answer, "complete")))
		return error_set(err, ERR_CLEANUP, "run '%s' was ended, but only %lld of %lld things are gone; run 'sandbox_runner gc'", run->run_id,
				 gone, made);
	message("note", "run '%s' was ended: %lld things made, %lld gone", run->run_id, made, gone);
	return 0;
}

static int end_running(const char *state_dir, const struct live_run *run, struct error *err)
{
	autoclose int pidfd = live_run_pidfd(state_dir, run);
	uint64_t until = clock_deadline(PATIENCE_NS);

	if (pidfd < 0)
		return live_run_is(state_dir, run->run_id)
			? error_set(err, ERR_UNAVAILABLE, "run '%s' is being cleaned up, or belongs to a process that cannot be seen from here", run->run_id) : 0;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot stop run '%s'", run->run_id);
	while (live_run_is(state_dir, run->run_id)) {
		if (clock_monotonic_ns() > until)
			return error_set(err, ERR_UNAVAILABLE, "run '%s' was told to stop, but is still alive", run->run_id);
		poll(NULL, 0, 20);
	}
	message("note", "run '%s' was stopped", run->run_id);
	return 0;
}

int stop_run(const struct common_options *common, const char *name)
{
	const struct live_run *live = NULL;
	const struct run_entry *past = NULL;
	struct error err = { 0 };
	struct run_names names;
	int rc = -1;

	if (run_names_open(common->state_dir, &names, &err) == 0 && run_names_find(&names, name, &live, &past, &err) == 0) {
		if (live)
			rc = live->kept_until_ns ? end_kept(names.state_dir, live, &err) : end_running(names.state_dir, live, &err);
		else
			error_set(&err, ERR_INVALID_INPUT, "run '%s' has ended already", past->run_id);
	}
	run_names_release(&names);
	return rc < 0 ? report_error(&err) : EXIT_OK;
}

static int stop_main(const struct command *self, int argc, char **argv)
{
	autostrvec struct strvec operands = STRVEC_INIT;
	struct common_options common = { .state_dir = NULL };
	int status = command_begin(self, argc, argv, &common, &operands), worst = EXIT_OK;

	if (status >= 0)
		return status;
	if (!operands.len)
		return command_usage_error(self, "'stop' needs the id of a run; 'sandbox_runner ps' lists them");
	for (size_t i = 0; i < operands.len; i++)
		worst = exit_status_worse(worst, stop_run(&common, operands.items[i]));
	return worst;
}

const struct command command_stop = {
	.name = "stop",
	.summary = "End a run, or a kept sandbox",
	.usage = "stop RUN...",
	.examples = "  sandbox_runner stop r-ildmb7qc6b\n",
	.main = stop_main,
};
