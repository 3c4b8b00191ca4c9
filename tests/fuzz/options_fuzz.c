/* SPDX-License-Identifier: Apache-2.0
 * Any command line: the words of the input, split at NUL bytes. What is refused has a sentence, what is accepted is in range. */
#include <stdint.h>
#include <stdlib.h>

#include "cmd/options.c"

struct target {
	bool flag;
	const char *text, *choice;
	struct strvec list;
	uint64_t duration, size, cpu, count;
	int counter;
};

#define ROW(n, k, m, ...) { .name = n, .kind = k, .offset = offsetof(struct target, m), .value = "V", .group = "G", .help = "h", __VA_ARGS__ }

static const char *const choices[] = { "auto", "always", "never", NULL };
static const struct option_spec rows[] = {
	ROW("flag", OPTION_FLAG, flag, .short_name = 'f'), ROW("text", OPTION_TEXT, text, .short_name = 't'),
	ROW("list", OPTION_LIST, list), ROW("duration", OPTION_DURATION, duration, .min = 1000000), ROW("size", OPTION_SIZE, size, .min = 1024),
	ROW("cpu", OPTION_CPU, cpu), ROW("count", OPTION_COUNT, count, .min = 1),
	ROW("choice", OPTION_CHOICE, choice, .choices = choices), ROW("counter", OPTION_COUNTER, counter, .short_name = 'v'),
	{ .name = NULL },
};

static void check(const struct target *t, int rc, const struct error *err)
{
	if (rc < 0 && (err->code != ERR_USAGE || !err->text[0]))
		abort();
	if ((t->duration && t->duration < 1000000) || (t->size && t->size < 1024) || (t->text && !*t->text))
		abort();
	if (t->choice && t->choice != choices[0] && t->choice != choices[1] && t->choice != choices[2])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct option_spec *const tables[] = { rows, NULL };
	autofree char *words = xmalloc(size + 1);
	autostrvec struct strvec operands = STRVEC_INIT;
	struct target target = { .flag = false };
	struct error err = { 0 };
	char *argv[64];
	bool help = false;
	int argc = 0, rc;

	memcpy(words, data, size);
	words[size] = '\0';
	for (size_t at = 0; at < size && argc < 64; at += strlen(words + at) + 1)
		argv[argc++] = words + at;
	rc = options_parse(tables, argc, argv, &target, &operands, &help, &err);
	check(&target, rc, &err);
	strvec_release(&target.list);
	return 0;
}
