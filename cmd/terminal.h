/* SPDX-License-Identifier: Apache-2.0
 * terminal: the event sink for people. Plain lines; on a terminal also a live progress line on stderr. Whatever comes from a
 * step or a package is printed with control characters, escape sequences, C1 controls, bidirectional overrides and invalid
 * UTF-8 made visible or replaced, each line behind a prefix, so that no line of a step can pass for one of ours. */
#pragma once

#include <stdbool.h>

#include "cmd/output.h"
#include "runner/event.h"

#define TERMINAL_LINES_MAX 200	/* of output shown per step, unless verbose */
#define TERMINAL_LINE_BYTES 1000	/* of one line shown */

struct terminal_options {
	struct output *out;	/* the narrative; borrowed; NULL: none (warnings still go to stderr) */
	int progress_fd;	/* live line; -1: none */
	bool color;
	int verbosity;		/* -1 quiet: only failures and the verdict; 0; 1: more */
};
struct event_sink *sink_terminal_new(const struct terminal_options *options);
