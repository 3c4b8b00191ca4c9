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
	OPTION_RATE,		/* uint64_t, bits a second */
	OPTION_CHOICE,		/* const char *: one of `choices` */
	OPTION_COUNTER,		/* int: -v -v */
};

/* What the configuration file of a project may do with an option. It comes with the package, from anywhere: it may only tighten. */
enum option_trust {
	OPTION_OPERATOR,	/* nothing: whoever runs us decides */
	OPTION_HARMLESS,	/* anything */
	OPTION_DOWN,		/* numbers: make it less; choices: as `looser` says */
	OPTION_MORE,		/* lists: add to it */
	OPTION_ON,		/* flags: switch it on */
	OPTION_OFF,		/* flags: switch it off */
};

struct option_spec {
	char short_name;	/* 0: none */
	const char *name;	/* "save-logs"; the environment variable is SANDBOX_RUNNER_SAVE_LOGS, flags and lists excepted */
	enum option_kind kind;
	size_t offset;		/* of the member in the target struct */
	const char *value;	/* "PATH" for help; NULL for flags */
	const char *without;	/* the value where it is written without one: "--keep"; NULL: it needs one */
	const char *const *choices;	/* NULL-terminated, for OPTION_CHOICE and completion */
	uint64_t min;		/* of durations, sizes, cpus and counts: the least that makes sense */
	const char *group;	/* heading in help */
	const char *help;	/* one sentence or two, lower-case start, no full stop */
	/* in a configuration file: the section below 'sandbox' ("": there itself), and its name where it is not that of the option; NULL: none */
	const char *section, *key;
	enum option_trust trust;
	/* what holds where nobody sets it: of numbers, as the profile says (0: no limit); of choices with `looser`, the usual one */
	uint64_t (*otherwise)(const struct option_spec *row, const void *target);
	const char *usual;
	bool (*looser)(const char *value, const char *than);
};

/* Who set what, in the order in which it was set: for `config show`. */
enum origin_kind { ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };
struct option_origin {
	const struct option_spec *row;
	enum origin_kind kind;
	char *place;		/* owned: "/etc/…/config.yaml:3:9", "SANDBOX_RUNNER_MEMORY", "--memory" */
};
struct option_origins {
	struct option_origin *items;
	size_t len, alloc;
};
void option_origins_add(struct option_origins *o, const struct option_spec *row, enum origin_kind kind, const char *place);
/* The last one; NULL: nobody, or `o` is NULL. */
const struct option_origin *option_origin_of(const struct option_origins *o, const struct option_spec *row);
void option_origins_release(struct option_origins *o);

/* Parse argv[0..argc-1] (without program and command) into `target`; operands are pushed to `operands`. "--" ends the options, "-" is
 * an operand, GNU long options may be written "--name value" or "--name=value" and abbreviated never. -1: ERR_USAGE with the
 * name and the nearest known one. Sets *help when --help or -h was met. */
int options_parse(const struct option_spec *const *tables, int argc, char **argv, void *target,
		  struct strvec *operands, bool *help, struct error *err);
/* The same, and note who set what (`origins` may be NULL). */
int options_parse_noting(const struct option_spec *const *tables, int argc, char **argv, void *target,
			 struct strvec *operands, bool *help, struct option_origins *origins, struct error *err);

/* Set the member of one row from text, as if it had been given; `value` is borrowed. -1: ERR_USAGE with a sentence. */
int option_set(const struct option_spec *row, const char *value, void *target, struct error *err);
/* What the member holds, as text: "512Mi", "true", "a, b"; numbers that are 0: nothing is added. */
void option_value(const struct option_spec *row, const void *target, struct strbuf *out);
void option_number(const struct option_spec *row, uint64_t value, struct strbuf *out);
bool option_is_number(const struct option_spec *row);
/* Does the value name something in the file system? */
bool option_takes_path(const struct option_spec *row);

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
