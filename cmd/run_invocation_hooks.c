/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_invocation_hooks.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/mem.h"
#include "runner/notify.h"

#define TOKEN_VARIABLE "SANDBOX_RUNNER_NOTIFY_TOKEN"

static const char *token(void)
{
	const char *value = getenv(TOKEN_VARIABLE);

	return value && *value ? value : NULL;
}

/* Making its folder would find a run of today, not one that left its result only. */
static int check_run_id(const struct invocation *v, struct error *err)
{
	const char *id = v->opt.run_id;
	autofree char *state_dir = NULL, *journal = NULL, *result = NULL;

	if (!run_id_is_valid(id))
		return error_set(err, ERR_USAGE, "--run-id: '%s' is no name of a run: 'r-' and 26 of a-z and 2-7", id);
	state_dir = journal_state_dir(v->opt.settings.common.state_dir, err);
	if (!state_dir)
		return -1;
	journal = xasprintf("%s/runs/%s", state_dir, id);
	result = xasprintf("%s/results/%s.json", state_dir, id);
	if (access(journal, F_OK) == 0 || access(result, F_OK) == 0)
		return error_set(err, ERR_USAGE, "--run-id: there is a run '%s' already", id);
	return 0;
}

/* What runs in the sandbox must not find it. */
static int check_events_fd(const struct invocation *v, struct error *err)
{
	int fd = v->opt.events_fd <= INT_MAX ? (int)v->opt.events_fd : -1;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return error_set(err, ERR_USAGE, "--events-fd: descriptor %llu is not open", (unsigned long long)v->opt.events_fd);
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return error_set(err, ERR_USAGE, "--events-fd: descriptor %d is not open for writing", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_sys(err, ERR_INTERNAL, "--events-fd");
	return 0;
}

int invocation_hooks_check(struct invocation *v, struct error *err)
{
	if ((v->opt.run_id && check_run_id(v, err) < 0) || (v->opt.events_fd && check_events_fd(v, err) < 0))
		return -1;
	if (v->opt.notify && notify_check(v->opt.notify, token(), err) < 0)
		return error_prefix(err, "--notify");
	if (v->opt.run_id)
		snprintf(v->scratch.run_id, sizeof(v->scratch.run_id), "%s", v->opt.run_id);
	else if (v->opt.notify)
		run_id_make(v->scratch.run_id);		/* also of one that is refused */
	v->hooks_checked = true;
	return 0;
}

void invocation_notify(struct invocation *v, int status, uint64_t duration_ns)
{
	struct error err;

	if (v->opt.notify && notify_send(v->opt.notify, token(), v->scratch.run_id, status == EXIT_OK, duration_ns, &err) < 0)
		message("warning", "nobody was notified of the run: %s", err.text);
}
