/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>
#include <strings.h>

/* The part of a value up to `len`, as a text of its own. */
static struct shell_value head_of(const struct effects *e, const struct shell_value *value, size_t len)
{
	struct shell_value v = *value;

	v.text = arena_strndup(e->arena, value->text, len);
	v.len = len;
	return v;
}

/* Addresses of socat that are files. Their words are written as they are meant: "FILE:x,rdonly" is read, "CREATE:x" written. */
static const struct {
	const char *prefix;
	char letter;
} socat_files[] = {
	{ "file:", 'R' }, { "open:", 'R' }, { "gopen:", 'B' }, { "create:", 'W' }, { "creat:", 'W' }, { "pipe:", 'W' },
	{ "unix-connect:", 'R' }, { "unix-client:", 'R' }, { "unix:", 'R' }, { "unix-listen:", 'W' }, { "unix-sendto:", 'R' },
	{ "local:", 'R' },
};

void effects_socat(struct effects *e)
{
	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		for (size_t k = 0; !a->name && k < sizeof(socat_files) / sizeof(*socat_files); k++) {
			size_t n = strlen(socat_files[k].prefix);

			if (a->value.len <= n || strncasecmp(a->value.text, socat_files[k].prefix, n))
				continue;
			struct shell_value path = options_tail(&a->value, n);
			const char *options = strchr(path.text, ',');
			bool writes = options && (strstr(options, "wronly") || strstr(options, "append") || strstr(options, "creat") || strstr(options, "rdwr"));

			path = head_of(e, &path, strcspn(path.text, ","));
			effects_letter(e, writes ? 'W' : socat_files[k].letter, &path);
		}
	}
}

/* nc -U /run/x.sock: everything else is a host or a port. */
void effects_socket(struct effects *e)
{
	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++)
		if (!e->args.items[i].name && e->args.items[i].value.len && e->args.items[i].value.text[0] == '/')
			effects_letter(e, 'R', &e->args.items[i].value);
}

/* kernel.core_pattern=x is /proc/sys/kernel/core_pattern. */
void effects_sysctl(struct effects *e)
{
	static const char root[] = "/proc/sys/";

	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct shell_value *v = &e->args.items[i].value;
		size_t len = strcspn(v->text, "=");

		if (e->args.items[i].name || len == v->len || !len || len > 256)
			continue;
		char *path = arena_alloc(e->arena, sizeof(root) + len);
		struct shell_value made = *v;

		memcpy(path, root, sizeof(root) - 1);
		for (size_t k = 0; k < len; k++)
			path[sizeof(root) - 1 + k] = v->text[k] == '.' ? '/' : v->text[k];
		made.text = path;
		made.len = sizeof(root) - 1 + len;
		effects_letter(e, 'W', &made);
	}
}

/* Cutting a journal down to days or gigabytes is housekeeping; to seconds or next to nothing, its end. */
static bool is_nearly_nothing(const char *option, const struct shell_value *v)
{
	size_t digits = strspn(v->text, "0123456789");
	const char *unit = v->text + digits;

	if (!v->known || !digits)
		return true;
	if (!strcmp(option, "vacuum-files"))
		return digits == 1 && v->text[0] < '2';
	if (!strcmp(option, "vacuum-time"))
		return !strchr("dwyMh", unit[0]) || !unit[0] || !strncmp(unit, "ms", 2) || v->text[0] == '0';
	return (!strchr("MGTPE", unit[0]) || !unit[0] || v->text[0] == '0') || (unit[0] == 'M' && digits == 1);
}

void effects_journalctl(struct effects *e)
{
	static const char *const options[] = { "vacuum-time", "vacuum-size", "vacuum-files" };
	static const char journal[] = "/var/log/journal";

	effects_option_values(e);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		const struct shell_value *v = effects_option(e, options[i]);

		if (v && is_nearly_nothing(options[i], v)) {
			effects_fixed(e, 'd', journal, sizeof(journal) - 1);
			return;
		}
	}
}

/* cmake -E: a small set of portable commands. */
static const struct {
	const char *name, *program, *option;
} cmake_commands[] = {
	{ "cat", "cat", NULL }, { "copy", "cp", NULL }, { "copy_directory", "cp", "-r" }, { "copy_if_different", "cp", NULL },
	{ "create_hardlink", "ln", NULL }, { "create_symlink", "ln", "-s" }, { "make_directory", "mkdir", NULL }, { "remove", "rm", NULL },
	{ "remove_directory", "rm", "-r" }, { "rename", "mv", NULL }, { "rm", "rm", NULL }, { "tar", "tar", NULL }, { "touch", "touch", NULL },
};

void effects_cmake(struct effects *e)
{
	size_t at = 1;

	while (at < e->argc && strcmp(e->argv[at].text, "-E"))
		at++;
	for (size_t i = 0; at + 1 < e->argc && i < sizeof(cmake_commands) / sizeof(*cmake_commands); i++) {
		if (strcmp(e->argv[at + 1].text, cmake_commands[i].name))
			continue;
		size_t extra = cmake_commands[i].option != NULL, argc = e->argc - at - 1 + extra;
		struct shell_value *argv = arena_alloc(e->arena, argc * sizeof(*argv));

		memcpy(argv + 1 + extra, e->argv + at + 2, (e->argc - at - 2) * sizeof(*argv));
		argv[0] = e->argv[at + 1];
		argv[0].text = cmake_commands[i].program;
		argv[0].len = strlen(argv[0].text);
		if (extra) {
			argv[1] = argv[0];
			argv[1].text = cmake_commands[i].option;
			argv[1].len = strlen(argv[1].text);
		}
		knowledge_effects(e->arena, argv, argc, e->cwd, e->items, e->len);
		return;
	}
}
