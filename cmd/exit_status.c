/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/exit_status.h"

#include "cmd/output.h"

static const struct {
	enum exit_status status;
	const char *summary;
} meanings[] = {
	{ EXIT_OK, "the verdict is acceptable" },
	{ EXIT_NOT_ACCEPTABLE, "the verdict is not acceptable: a step failed, or a scan found something" },
	{ EXIT_USAGE, "the command line is wrong" },
	{ EXIT_INVALID, "the package, a parameter or another input is invalid" },
	{ EXIT_REFUSED, "the policy refuses the package" },
	{ EXIT_UNAVAILABLE, "the sandbox, a required control or a place to write to is not available" },
	{ EXIT_CLEANUP, "something of ours is still there (overrides 0 and 1)" },
	{ EXIT_LIMIT, "one of the limits was hit: memory, processes, storage, output" },
	{ EXIT_REMOTE, "a registry or remote refused or cannot be reached" },
	{ EXIT_BUG, "a bug in sandbox_runner" },
	{ EXIT_DEADLINE, "the deadline of the run" },
	{ EXIT_SIGNAL_BASE, "plus N: stopped by signal N" },
};

bool exit_status_at(size_t i, int *status, const char **summary)
{
	if (i >= sizeof(meanings) / sizeof(meanings[0]))
		return false;
	*status = meanings[i].status;
	*summary = meanings[i].summary;
	return true;
}

int exit_status_of_error(const struct error *err)
{
	switch (err->code) {
	case ERR_OK: return EXIT_OK;
	case ERR_USAGE: return EXIT_USAGE;
	case ERR_INVALID_INPUT: return EXIT_INVALID;
	case ERR_PERMISSION_DENIED: return EXIT_REFUSED;
	case ERR_UNAVAILABLE: return EXIT_UNAVAILABLE;
	case ERR_CLEANUP: return EXIT_CLEANUP;
	case ERR_RESOURCE_EXHAUSTED: return EXIT_LIMIT;
	case ERR_REMOTE: return EXIT_REMOTE;
	case ERR_DEADLINE_EXCEEDED: return EXIT_DEADLINE;
	case ERR_CANCELLED: return EXIT_SIGNAL_BASE;	/* the caller adds the signal */
	case ERR_INTERNAL: break;
	}
	return EXIT_BUG;
}

static int status_of_verdict(const struct result *r)
{
	switch (r->verdict) {
	case RUN_VERIFIED:
	case RUN_PARTIAL:
	case RUN_NOTHING_EXECUTED: return EXIT_OK;
	case RUN_FAILED: return EXIT_NOT_ACCEPTABLE;
	case RUN_LIMIT: return EXIT_LIMIT;
	case RUN_DEADLINE: return EXIT_DEADLINE;
	case RUN_CANCELLED: return EXIT_SIGNAL_BASE + r->signal;
	case RUN_ERROR: return exit_status_of_error(&r->error);
	}
	return EXIT_BUG;
}

int exit_status_of_result(const struct result *r)
{
	int status = status_of_verdict(r);

	if (!r->cleanup_complete && !result_is_kept(r) && (status == EXIT_OK || status == EXIT_NOT_ACCEPTABLE))
		return EXIT_CLEANUP;
	return status;
}

int exit_status_worse(int a, int b)
{
	/* from bad to worst; a signal, which is not here, is worse than all */
	static const int order[] = { EXIT_OK, EXIT_NOT_ACCEPTABLE, EXIT_LIMIT, EXIT_DEADLINE, EXIT_REFUSED, EXIT_INVALID, EXIT_USAGE,
				     EXIT_REMOTE, EXIT_UNAVAILABLE, EXIT_CLEANUP, EXIT_BUG };
	size_t n = sizeof(order) / sizeof(order[0]), ia = 0, ib = 0;

	while (ia < n && order[ia] != a)
		ia++;
	while (ib < n && order[ib] != b)
		ib++;
	return ib > ia ? b : a;
}

int report_error(const struct error *err)
{
	message("error", "%s", err->text);
	return exit_status_of_error(err);
}
