/* SPDX-License-Identifier: Apache-2.0
 * analysis_walk: the state of one analysis, shared by the files analysis*.c and by nobody else.
 *
 * One walker goes over the tree of the outermost text and over the trees of what is nested in it. Work that goes beyond one
 * pass over the text (repeated loops, calls, nested code, copies of values) is paid from a balance that grows with the text
 * passed: what is spent early cannot starve what stands later, and the total stays linear. */
#pragma once

#include "runner/base/mem.h"
#include "validators/shell/analysis.h"
#include "validators/shell/ast.h"
#include "validators/shell/knowledge.h"
#include "validators/shell/knowledge_decode.h"
#include "validators/shell/knowledge_programs.h"
#include "validators/shell/parse.h"
#include "validators/shell/value.h"

#define VARIANTS_MAX 4		/* possible values that are kept of one variable */
#define LOOP_VALUES_MAX 16
#define CALL_DEPTH_MAX 8
#define LEVELS_MAX 300		/* of recursion in C, whatever it is for */
#define WRAPPERS_MAX 24		/* sudo env nice … in front of one command */
#define WORK_PER_BYTE 24
#define WORK_FLOOR ((int64_t)1 << 18)
#define FDS 16		/* the last is {name}; those from 10 on share the others */

struct source {			/* a text that is being walked */
	const char *text;	/* NULL: none (argv) */
	size_t text_len;
	bool exact;		/* stands verbatim in the outermost text, from `base` on */
	size_t base;
	size_t offset, len;	/* not exact: the outermost word that it came from */
	bool has_nul;		/* words have to be looked through for NUL bytes */
};

struct stream {			/* what a descriptor is open on */
	struct shell_value value;	/* what reading gives */
	const char *path;	/* NULL: a pipe or text */
	size_t from;		/* command that writes to it */
	size_t pos;		/* of `value` that `read` consumed */
	bool append;
	bool discards;		/* writing leads nowhere we look */
};

struct capture {		/* what is printed meanwhile */
	struct text_out text;
	size_t offset, source_len;	/* where it comes from */
	unsigned int origin;
	bool known, borrowed;	/* borrowed: `text` is that of the one value so far */
};
#define CAPTURE_INIT { .known = true }

struct binding {		/* a variable's state: saved and put back as a whole */
	const struct shell_value *values;	/* possible ones; the last assigned comes last */
	size_t len;
	bool array, exported, odd, reference;	/* odd: put together in a way that hides a command's name */
	unsigned int process;		/* the shell process that set it */
};

struct variable {
	struct variable *next;
	const char *name;
	struct binding now;
	struct shell_value unknown;	/* what it reads while it is not set; text NULL: not asked for yet */
	unsigned int ways, branch;	/* how many branches set it; the last one that was counted */
};

struct undo {
	struct variable *variable;
	struct binding before;
};

struct function {
	struct function *next, *older;	/* same slot; in order of definition */
	const char *name;
	const struct shell_list *body;
	struct source source;
	size_t source_len;
	unsigned int depth, traits;
	unsigned int walks;	/* how often its body was walked */
	bool called, uses_args;
};

struct frame {			/* a function or script file that is being run */
	struct frame *outer;
	const char *name;
	unsigned int conditional, spawning;	/* of the walker at its start */
	bool may_end;		/* a return or exit was seen */
	bool idle;		/* nobody calls it: no bomb */
	bool uses_args;
	struct undo *locals;
	size_t locals_len, locals_alloc;
};

struct file {			/* what this script wrote to a path */
	struct file *next;
	const char *path;
	struct shell_value content;	/* text only when content_known */
	char *buffer;		/* room for appending */
	size_t room;
	bool content_known, tree;
};

struct table {			/* chained hash of variables, functions or files */
	void **slots;
	size_t room, len;
};

struct walker {
	struct arena *arena;
	const char *text;	/* the outermost; NULL for argv */
	size_t text_len;
	struct shell_command *commands;
	size_t len, alloc;
	bool truncated, values_cut;	/* see struct shell_analysis */
	int64_t balance;
	uint64_t work;		/* all that was done, for tests */
	size_t paid;		/* bytes of the outermost text that went into the balance */

	struct source source;
	unsigned int traits, depth, levels, wrappers;
	unsigned int process;		/* of shells in shells */
	unsigned int conditional, spawning, calls;
	unsigned int breaks, ends;	/* break; return, exit seen so far */
	unsigned int variant, variants;	/* which of several values is taken; how many there are */

	struct table variables, functions, files;
	bool installs, aliases;		/* files were written into folders of programs; aliases were made */
	bool separators_set;		/* something was assigned to IFS */
	struct function *newest;
	struct frame *frame;
	unsigned int branch_id;
	struct undo *undo;
	size_t undo_len, undo_alloc;
	unsigned int marks;		/* somebody may want to go back */

	const char *cwd, *old_cwd;
	bool cwd_lost;
	const struct shell_value *args;	/* $0 is args[0] */
	size_t args_len;
	bool args_known;
	struct stream *fds[FDS];
	struct capture *out;		/* NULL: nobody looks */

	char *texts;			/* fields that are being put together, one in the other */
	size_t texts_len, texts_room;
};
