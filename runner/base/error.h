/* SPDX-License-Identifier: Apache-2.0
 * error: why an operation could not be done, carried back on the caller's stack.
 *
 * Functions that can fail return 0 or -1 and take `struct error *err` last. They fill it exactly when
 * they return -1; on the way up a caller adds context with error_prefix(). Texts are lower-case, have no
 * full stop, and put values in 'quotes'. Trouble in the user's document is a finding (validators/finding.h),
 * a step that fails is a result; neither is an error.
 *
 *	if (open_it(path, &fd, err) < 0)
 *		return error_prefix(err, "reading package '%s'", path);
 */
#pragma once

enum error_code {
	ERR_OK = 0,
	ERR_USAGE,		/* the command line is wrong                        exit 2 */
	ERR_INVALID_INPUT,	/* a package, parameter file or archive is wrong    exit 3 */
	ERR_PERMISSION_DENIED,	/* policy refused                                   exit 4 */
	ERR_UNAVAILABLE,	/* the host cannot provide what is needed           exit 5 */
	ERR_CLEANUP,		/* something of ours is still there                 exit 6 */
	ERR_RESOURCE_EXHAUSTED,	/* one of our limits                                exit 7 */
	ERR_REMOTE,		/* a registry or remote refused or cannot be reached exit 8 */
	ERR_DEADLINE_EXCEEDED,	/* the run deadline                                 exit 124 */
	ERR_CANCELLED,		/* a signal asked us to stop                        exit 128+n */
	ERR_INTERNAL,		/* a bug, or an impossible answer                   exit 70 */
};

struct error {
	enum error_code code;
	int sys;		/* errno behind it, or 0 */
	char text[1024];	/* always NUL-terminated; cut, never overflown */
};

/* Set code and text. Always returns -1, so that `return error_set(…)` reads well. `err` may be NULL. */
int error_set(struct error *err, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errno)>" appended and errno kept in `sys`. */
int error_sys(struct error *err, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<context>: " before the text; the code stays. Always returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The stable word of a code ("invalid_input"), for machine output. Never NULL. */
const char *error_code_to_string(enum error_code code);
