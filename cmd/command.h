/* SPDX-License-Identifier: Apache-2.0
 * command: a subcommand is one file with one const struct, listed in the one array of command_list.c. */
#pragma once

#include "cmd/config.h"
#include "cmd/options.h"

enum { COMMAND_NO_STATE = 1 << 0, COMMAND_NO_OUTPUT = 1 << 1 /* --color, -q, -v */ };

struct command {
	const char *name;
	const char *summary;		/* one line */
	const char *usage;		/* "[run] --wpk=SOURCE [options]" */
	const char *examples;		/* several lines, indented by two; for --help and the manual page */
	const struct option_spec *options;	/* own rows; the common ones (--format, --color, -q, -v, --state-dir) are added */
	const struct option_spec *more_options;	/* rows shared with another command; NULL */
	bool hidden;
	bool configured;		/* reads configuration files: has --config */
	unsigned int without;		/* common rows that would mean nothing here: COMMAND_NO_STATE … */
	/* argv without program and command name. Returns the exit status (cmd/exit_status.h). */
	int (*main)(const struct command *self, int argc, char **argv);
	/* for `config show`, of a configured command: what its options struct holds where nobody sets anything */
	const void *defaults;
	size_t defaults_size;
};

extern const struct command command_run, command_validate, command_scan, command_rules, command_plan, command_serve, command_gc, command_doctor, command_schema, command_config,
	command_ps, command_logs, command_attach, command_stop, command_history, command_stats, command_token,
	command_completion, command_version, command_help, command_man, command_exec_worker;

#define COMMANDS_MAX 32
const struct command *command_at(size_t i);		/* in order of help, hidden ones last; NULL past the last */
const struct command *command_find(const char *name);

/* Options that every command has. First member of every command's option struct. */
struct common_options {
	const char *color;	/* auto, always, never */
	const char *state_dir;
	const char *config;	/* of configured commands */
	int verbose;
	bool quiet;
};

/* All rows of a command in the order of help; the result ends in NULL. */
#define COMMAND_TABLES 6
void command_tables(const struct command *self, const struct option_spec *ret[COMMAND_TABLES]);

/* Parse with the common rows added. `target` starts with struct common_options and holds the defaults. Returns -1 when the caller should go on, otherwise the exit status to return at once (help was
 * printed, or a usage error was). */
int command_begin(const struct command *self, int argc, char **argv, void *target, struct strvec *operands);

/* The same for a configured command: who set what is noted in `config` (all zero), which command_configure() then completes. */
int command_begin_configured(const struct command *self, int argc, char **argv, void *target, struct strvec *operands, struct config *config);

/* Find, read and apply the configuration files for a package (NULL: none yet). What is wrong with them is shown. -1, or the exit status
 * to return. `target` borrows from `config`. */
int command_configure(const struct command *self, const char *package, void *target, struct config *config);

/* All rows that can stand in a configuration file, of all commands; the result ends in NULL. */
#define COMMAND_KNOWN_TABLES 12
void command_known_tables(const struct option_spec *ret[COMMAND_KNOWN_TABLES]);

/* command_begin() for a command that takes no operands. */
int command_begin_alone(const struct command *self, int argc, char **argv, void *target);

/* "sandbox_runner: error: …" and where to find help; returns EXIT_USAGE. */
int command_usage_error(const struct command *self, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void command_usage(const struct command *self, struct strbuf *out);

/* Shall `fd` get colour? --color, NO_COLOR, CLICOLOR_FORCE, TERM and isatty decide. */
bool use_color(const struct common_options *common, int fd);
