/* SPDX-License-Identifier: Apache-2.0
 * scan_command: conditions of shell rules on one normalised command. What conditions look at (arguments as lines,
 * hosts …) is made when the first asks for it. Private to scan*.c. */
#pragma once

#include "runner/base/host.h"
#include "runner/base/strbuf.h"
#include "validators/scan_match.h"
#include "validators/scan_required.h"

/* What a command must have for a condition to hold at all; bits of rule_ref.need. */
enum command_feature {
	FEATURE_READ = 1 << 0, FEATURE_WRITE = 1 << 1, FEATURE_APPEND = 1 << 2, FEATURE_DELETE = 1 << 3, FEATURE_EXECUTE = 1 << 4,
	FEATURE_MODE = 1 << 5, FEATURE_MOVE = 1 << 6, FEATURE_LINK = 1 << 7,
	FEATURE_CODE = 1 << 8, FEATURE_INPUT = 1 << 9, FEATURE_ASSIGNMENT = 1 << 10,
	FEATURE_CODE_ORIGIN = 1 << 11, FEATURE_INPUT_ORIGIN = 1 << 12, FEATURE_NAME_ORIGIN = 1 << 13,	/* other than a literal */
	FEATURE_DATA_ORIGIN = 1 << 14,
	FEATURE_TRAIT = 1 << 15, FEATURE_RARE_TRAIT = 1 << 16,	/* any; one that ordinary commands do not have */
	FEATURE_PIPED = 1 << 17,
	FEATURE_HOST = 1 << 18,		/* a point, a colon or a digit: what all hosts but one's own have */
	FEATURE_METADATA = 1 << 19,	/* a digit, or the letters of "metadata": what all metadata services have */
};
#define FEATURES 20		/* fewer than 31: scan_shell.c */

/* A condition made ready: what is cheap to know is tried first. */
struct trial {
	const struct rule_condition *c;
	uint32_t order;		/* in the rule: the first with a place says where */
	uint32_t cost;
};

struct argument_line {
	size_t offset, argument;	/* in view.args; index into argv */
};

struct command_view {
	struct scan *sc;
	const struct shell_analysis *analysis;
	const struct shell_command *c;
	const struct shell_source *source;
	uint64_t features;
	uint64_t digits, host_marks, metadata;	/* characters: of all hosts but one's own; of metadata services */
	struct text_marks args_marks, line_marks;	/* of the arguments; of the whole line */
	struct text_marks paths_marks, *path_marks;	/* of the paths of all effects; of each one */
	size_t path_marks_alloc;
	/* made on demand */
	bool has_args, has_line, has_assignments, has_hosts, has_own_hosts, has_code_marks, has_input_marks;
	struct text_marks assignments_marks, code_marks, input_marks;
	struct strbuf args, line, assignments;
	struct argument_line *lines;
	size_t lines_len, lines_alloc;
	uint64_t hosts;
	const struct shell_value *host_values[HOST_EXTERNAL + 1];
};

void command_view_init(struct command_view *v, struct scan *sc, const struct shell_analysis *analysis,
		       const struct shell_source *source);
void command_view_release(struct command_view *v);
void command_view_set(struct command_view *v, const struct shell_command *c);

/* Features without which no command satisfies the condition. */
uint64_t condition_needs(const struct rule_condition *c);
/* Marks without which no command satisfies it: of the line, of the paths. */
struct text_marks condition_requires(const struct rule_condition *c);
struct text_marks condition_requires_in_path(const struct rule_condition *c);
struct trial trial_new(const struct rule_condition *c, uint32_t order);

struct command_hit {
	bool placed;		/* offset and len are of what matched, not of the whole command */
	size_t offset, len;	/* in the text that was analysed */
	const char *shown;	/* resolved text; lives as long as the view stands at the command */
	size_t shown_len;
};
/* Does it hold? `ret` is filled when it does and tells the place. SUBJECT_COMMAND is not looked at here, see
 * name_holds(). */
bool trial_holds(struct command_view *v, struct trial *t, uint32_t rule_index, struct command_hit *ret);

/* A condition on the name of a command: "mkfs*" in a list stands for all that begin so. */
bool name_holds(struct scan *sc, const struct rule_condition *c, uint32_t rule_index, const char *name);
bool name_fits(const char *pattern, const char *name);
