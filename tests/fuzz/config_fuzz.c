/* SPDX-License-Identifier: Apache-2.0
 * Any configuration file, read as the user's and as a project's. What is accepted is in range and stands in the file; a project's file never
 * loosens. */
#include <stdint.h>

#include "cmd/config.c"
#include "cmd/config_read.c"
#include "cmd/options.c"

struct target {
	bool flag;
	const char *text, *choice;
	struct strvec list;
	uint64_t duration, size, cpu, count;
};

static uint64_t otherwise(const struct option_spec *row, const void *target)
{
	(void)target;
	return row->kind == OPTION_SIZE ? 1 << 20 : 1000;
}

static bool looser(const char *value, const char *than)
{
	return strcmp(value, than) > 0;
}

#define ROW(n, k, m, in, ...) { .name = n, .kind = k, .offset = offsetof(struct target, m), .value = "FILE", .group = "G", .help = "h", .section = in, __VA_ARGS__ }

static const char *const choices[] = { "auto", "always", "never", NULL };
static const struct option_spec rows[] = {
	ROW("net-bind-service", OPTION_FLAG, flag, "security", .trust = OPTION_OFF), ROW("policy", OPTION_TEXT, text, ""),
	ROW("require", OPTION_LIST, list, "", .trust = OPTION_MORE), ROW("timeout", OPTION_DURATION, duration, "limits", .key = "execution_time"),
	ROW("memory", OPTION_SIZE, size, "limits", .trust = OPTION_DOWN, .otherwise = otherwise, .min = 1024),
	ROW("cpus", OPTION_CPU, cpu, "limits", .key = "cpu", .trust = OPTION_DOWN, .otherwise = otherwise),
	ROW("pids", OPTION_COUNT, count, "limits", .min = 1),
	ROW("type", OPTION_CHOICE, choice, "", .choices = choices, .trust = OPTION_DOWN, .usual = "auto", .looser = looser),
	{ .name = NULL },
};
static const struct option_spec *const tables[] = { rows, NULL };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(enum config_level level, const char *data, size_t size)
{
	struct config c = { .len = 1, .files = { { .level = level, .path = xstrdup("/x/c.yaml") } } };
	struct target t = { .flag = false };
	const struct finding_list *found = &c.files[0].findings;

	config_parse(&c.files[0], data, size, tables);
	for (size_t i = 0; i < c.files[0].len; i++)
		require(c.files[0].settings[i].value->start.line > 0 && !node_is_null(c.files[0].settings[i].value));
	config_apply(&c, tables, &t);
	for (size_t i = 0; i < found->len; i++)
		require(found->items[i].message[0]);
	require((!t.size || t.size >= 1024) && (!t.text || *t.text) && (!t.choice || *t.choice == 'a' || *t.choice == 'n'));
	if (level == CONFIG_PROJECT)
		require(!t.flag && !t.text && t.size <= 1 << 20 && t.cpu <= 1000 && (!t.choice || strcmp(t.choice, "auto") <= 0));
	strvec_release(&t.list);
	config_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(CONFIG_USER, (const char *)data, size);
	check(CONFIG_PROJECT, (const char *)data, size);
	return 0;
}
