/* SPDX-License-Identifier: Apache-2.0
 * options: one table row per option. The same rows parse, print --help, and feed completion and the manual page. The parser never
 * exits and never prints. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"
#include "runner/base/strvec.h"

enum option_kind {
	OPTION_FLAG,		/* bool */
	OPTION_TEXT,		/* const char *: the last one wins; borrowed from argv or the environment */
	OPTION_LIST,		/* struct strvec: every one is kept */
	OPTION_DURATION,	/* uint64_t, ns */
	OPTION_SIZE,		/* uint64_t, bytes */
	OPTION_CPU,		/* uint64_t, thousandths */
	OPTION_COUNT,		/* uint64_t */
	OPTION_CHOICE,		/* const char *: one of `choices` */
	OPTION_COUNTER,		/* int: -v -v */
};

struct option_spec {
	char short_name;	/* 0: none */
	const char *name;	/* "save-logs"; the environment variable is SANDBOX_RUNNER_SAVE_LOGS, flags and lists excepted */
	enum option_kind kind;
	size_t offset;		/* of the member in the target struct */
	const char *value;	/* "PATH" for help; NULL for flags */
	const char *const *choices;	/* NULL-terminated, for OPTION_CHOICE and completion */
	uint64_t min;		/* of durations, sizes, cpus and counts: the least that makes sense */
	const char *group;	/* heading in help */
	const char *help;	/* one sentence or two, lower-case start, no full stop */
};

/* Parse argv[0..argc-1] (without program and command) into `target`; operands are pushed to `operands`. "--" ends the options, "-" is
 * an operand, GNU long options may be written "--name value" or "--name=value" and abbreviated never. -1: ERR_USAGE with the
 * name and the nearest known one. Sets *help when --help or -h was met. */
int options_parse(const struct option_spec *const *tables, int argc, char **argv, void *target,
		  struct strvec *operands, bool *help, struct error *err);

/* The row of a word such as "-v", "--wpk" or "--wpk=F"; NULL: none. */
const struct option_spec *option_find(const struct option_spec *const *tables, const char *word);

/* ---- for help, completion and the manual page */
bool option_takes_value(const struct option_spec *row);
bool option_has_environment(const struct option_spec *row);
void option_environment_name(const struct option_spec *row, struct strbuf *out);	/* "SANDBOX_RUNNER_SAVE_LOGS" */
void option_synopsis(const struct option_spec *row, struct strbuf *out);		/* "-v, --verbose", "--wpk=SOURCE" */
void option_description(const struct option_spec *row, struct strbuf *out);		/* help, choices, "(repeatable)" */
/* The names of all rows and "help" into ret; returns how many. */
size_t options_names(const struct option_spec *const *tables, const char **ret, size_t max);

/* The option part of --help, grouped and aligned, for `width` columns. `tables` ends in NULL; a table ends in a row without name. */
void options_help(const struct option_spec *const *tables, unsigned int width, struct strbuf *out);
