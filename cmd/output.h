/* SPDX-License-Identifier: Apache-2.0
 * output: what leaves through standard output and standard error. stdout is the product: a write that fails there must show in
 * the exit status, and must never keep a run from cleaning up. stderr is chatter: its trouble is ignored. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

struct output {
	int fd;
	int cancel_fd;	/* readable: do not wait any longer for a reader that has stopped reading; -1: wait */
	int failed;	/* errno of the first write that failed; from then on everything is dropped */
};
#define OUTPUT_INIT(descriptor) { .fd = (descriptor), .cancel_fd = -1 }

void output_write(struct output *out, const void *data, size_t len);

/* What a failed write means for the exit status: `status` if nothing failed or it says something worse already. A reader
 * that went away ("| head") is no trouble of ours and is not talked about. */
int output_status(const struct output *out, int status);

/* Write all of `text` to standard output; returns `status` or what output_status() makes of it. */
int print_result(const struct strbuf *text, int status);

/* "sandbox_runner: <kind>: <text>" on stderr, control characters made visible. */
void message(const char *kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
