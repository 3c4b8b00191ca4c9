/* SPDX-License-Identifier: Apache-2.0
 * tool: what one of our own subcommands tells ("doctor --format=json"), by a short child: asynchronous, one child a subject however many ask, its
 * output and time bounded, its answer kept for a minute.
 */
#pragma once

#include "cmd/serve/loop.h"
#include "runner/base/json.h"

enum tool_subject { TOOL_DOCTOR, TOOL_RULES, TOOL_SUBJECTS };

struct tools;
/* `program` NULL: ourselves. `state_dir` is handed on; NULL: the default. Nothing is started before somebody asks. */
struct tools *tools_new(struct loop *l, const char *program, const char *state_dir);
void tools_free(struct tools *t);	/* ends children; nobody is answered any more. NULL is fine */

/* Answered once, in the loop or from within this call: `answer` is borrowed, NULL with a sentence in `failure`. */
struct tool_ticket;
struct tool_ticket *tool_ask(struct tools *t, enum tool_subject subject,
			     void (*on_answer)(void *data, const json_t *answer, const char *failure), void *data);
void tool_forget(struct tool_ticket *ticket);	/* no answer is wanted any more; not after it has come. NULL is fine */
