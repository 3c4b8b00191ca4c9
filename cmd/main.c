/* SPDX-License-Identifier: Apache-2.0
 * main: the command line's front door. Finds the subcommand; everything else is in cmd_<name>.c. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/nearest.h"

/* What we open must never become descriptor 0, 1 or 2. A closed stdout stays unwritable, so that it is noticed. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd)
			_exit(EXIT_UNAVAILABLE);
}

static int short_usage(void)
{
	static const char text[] =
		"Usage: sandbox_runner [run] --wpk=SOURCE [options]\n"
		"       sandbox_runner COMMAND [options] [FILE...]\n"
		"See 'sandbox_runner --help'.\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) { /* nowhere left to tell */ }
	return EXIT_USAGE;
}

static int unknown_command(const char *word)
{
	const char *names[COMMANDS_MAX];
	const char *near;
	struct stat st;
	size_t n = 0;

	for (const struct command *c; n < COMMANDS_MAX && (c = command_at(n)); n++)
		names[n] = c->hidden ? NULL : c->name;
	near = nearest(word, names, n);
	if (strchr(word, '/') || strchr(word, '.') || stat(word, &st) == 0)
		message("error", "unknown command '%s'; did you mean '--wpk=%s'?", word, word);
	else if (near)
		message("error", "unknown command '%s'; did you mean '%s'?", word, near);
	else
		message("error", "unknown command '%s'", word);
	message("hint", "see 'sandbox_runner --help'");
	return EXIT_USAGE;
}

/* `sandbox_runner --color=never validate FILE`: options that every command has may stand before the command. Returns the index
 * of the command, or 0 when there is none (then it is a run without the word). */
static int find_behind_options(int argc, char **argv)
{
	static const struct command any = { .name = "" };
	const struct option_spec *tables[COMMAND_TABLES];
	int i = 1;

	command_tables(&any, tables);
	while (i < argc && argv[i][0] == '-') {
		const struct option_spec *row = option_find(tables, argv[i]);

		if (!row)
			return 0;
		i += option_takes_value(row) && !strchr(argv[i], '=') ? 2 : 1;
	}
	return i < argc && command_find(argv[i]) ? i : 0;
}

int main(int argc, char **argv)
{
	const struct command *command = &command_run;
	int at;

	fill_standard_descriptors();
	umask(022);
	signal(SIGPIPE, SIG_IGN);

	if (argc < 2)
		return short_usage();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return command_help.main(&command_help, 0, argv);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return command_version.main(&command_version, 0, argv);
	if (argv[1][0] != '-') {
		command = command_find(argv[1]);
		return command ? command->main(command, argc - 2, argv + 2) : unknown_command(argv[1]);
	}
	at = find_behind_options(argc, argv);
	if (!at)
		return command->main(command, argc - 1, argv + 1);
	command = command_find(argv[at]);
	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	return command->main(command, argc - 2, argv + 2);
}
