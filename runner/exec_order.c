/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/exec_order.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"

#define MiB (UINT64_C(1) << 20)
#define PATH_BYTES_MAX 512
#define MEMORY_MIN (16 * MiB)
#define MEMORY_MAX (4096 * MiB)
#define CPU_MIN 50
#define CPU_MAX 4000

static const struct exec_language languages[] = {
	{ "python", "python3", NULL, "main.py", "python3" },
	{ "nodejs", "node", NULL, "main.js", "nodejs" },
	{ "go", "go", "run", "main.go", "golang-go" },
	{ "bash", "bash", NULL, "main.sh", "bash" },
};

const struct exec_language *exec_language_at(size_t i)
{
	return i < ARRAY_SIZE(languages) ? &languages[i] : NULL;
}

const struct exec_language *exec_language_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
		if (!strcmp(languages[i].name, name))
			return &languages[i];
	return NULL;
}

void exec_limits(uint64_t memory_bytes, uint64_t cpu_millis, struct sandbox_limits *ret)
{
	*ret = (struct sandbox_limits){
		.memory_bytes = memory_bytes ? memory_bytes : 512 * MiB, .cpu_millis = cpu_millis ? cpu_millis : 1000, .pids = 100,
		.storage_bytes = 192 * MiB, .storage_files = 100000, .tmp_bytes = 64 * MiB, .nofile = 1024, .fsize_bytes = 64 * MiB,
		.output_bytes = 16 * MiB,
	};
}

/* ---- members, a function each: 0, or -1 with what is wrong */

static int wrong(struct error *err, const char *name, const char *what)
{
	return error_set(err, ERR_INVALID_INPUT, "'%s' must be %s", name, what);
}

static int take_language(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	char shown[UTF8_QUOTE_SIZE];

	if (!json_is_string(value))
		return wrong(err, name, "one of python, nodejs, go and bash");
	o->language = exec_language_find(json_string_value(value));
	if (!o->language)
		return error_set(err, ERR_INVALID_INPUT, "language %s is not known here; it may be python, nodejs, go or bash",
				 utf8_quote(shown, json_string_value(value), json_string_length(value)));
	return 0;
}

static int take_code(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	if (!json_is_string(value) || !json_string_length(value))
		return wrong(err, name, "a text that is not empty");
	o->code = json_string_value(value);
	o->code_len = json_string_length(value);
	return 0;
}

static int take_input(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	if (!json_is_string(value))
		return wrong(err, name, "a text");
	o->input = json_string_value(value);
	o->input_len = json_string_length(value);
	return 0;
}

/* Below the work folder, without detours. */
static bool is_good_path(const char *path, size_t len)
{
	if (!len || len > PATH_BYTES_MAX || memchr(path, '\0', len))
		return false;
	for (const char *at = path; ; at++) {
		size_t n = strcspn(at, "/");

		if (!n || (n == 1 && at[0] == '.') || (n == 2 && !memcmp(at, "..", 2)) || n > 255)
			return false;
		at += n;
		if (!*at)
			return true;
	}
}

static int take_files(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	char shown[UTF8_QUOTE_SIZE];
	const char *path;
	json_t *text;

	if (!json_is_object(value))
		return wrong(err, name, "an object of texts by their paths");
	if (json_object_size(value) > EXEC_FILES_MAX)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has %zu files, at most %d are taken", name, json_object_size(value), EXEC_FILES_MAX);
	json_object_foreach((json_t *)(uintptr_t)value, path, text) {
		utf8_quote(shown, path, strlen(path));
		if (!is_good_path(path, strlen(path)))
			return error_set(err, ERR_INVALID_INPUT, "%s of '%s' is no path below the work folder: relative, without '.' and '..'", shown, name);
		if (!json_is_string(text))
			return error_set(err, ERR_INVALID_INPUT, "%s of '%s' must be a text", shown, name);
	}
	o->files = value;
	return 0;
}

/* A text as people write amounts, or a number of whole units. */
static int take_amount(const char *name, const json_t *value, double unit, int (*parse)(const char *, size_t, uint64_t *, struct error *),
		       uint64_t *ret, struct error *err)
{
	double n = json_number_value(value) * unit;

	if (json_is_string(value))
		return parse(json_string_value(value), json_string_length(value), ret, err) < 0 ? error_prefix(err, "'%s'", name) : 0;
	if (!json_is_number(value) || !(n >= 0) || n > 1e18)
		return wrong(err, name, "an amount");
	*ret = (uint64_t)n;
	return 0;
}

static int take_timeout(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	if (take_amount(name, value, 1e9, duration_parse, &o->timeout_ns, err) < 0)
		return -1;
	return o->timeout_ns && o->timeout_ns <= EXEC_TIMEOUT_MAX_NS ? 0 : wrong(err, name, "more than 0 and at most 300 seconds");
}

static int take_memory(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	if (take_amount(name, value, 1, size_parse, &o->memory_bytes, err) < 0)
		return -1;
	return o->memory_bytes >= MEMORY_MIN && o->memory_bytes <= MEMORY_MAX ? 0 : wrong(err, name, "between 16Mi and 4Gi");
}

static int take_cpu(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	if (take_amount(name, value, 1000, cpu_parse, &o->cpu_millis, err) < 0)
		return -1;
	return o->cpu_millis >= CPU_MIN && o->cpu_millis <= CPU_MAX ? 0 : wrong(err, name, "between 50m and 4");
}

static const struct {
	const char *name;
	int (*take)(const char *name, const json_t *value, struct exec_order *o, struct error *err);
} members[] = {
	{ "language", take_language }, { "code", take_code }, { "stdin", take_input }, { "files", take_files },
	{ "timeout", take_timeout }, { "cpu_limit", take_cpu }, { "mem_limit", take_memory },
};

static int take(const char *name, const json_t *value, struct exec_order *o, struct error *err)
{
	char shown[UTF8_QUOTE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!strcmp(members[i].name, name))
			return json_is_null(value) ? 0 : members[i].take(name, value, o, err);
	return error_set(err, ERR_INVALID_INPUT, "%s is no member of an order: language, code, stdin, files, timeout, cpu_limit, mem_limit",
			 utf8_quote(shown, name, strlen(name)));
}

int exec_order_parse(const json_t *json, struct exec_order *ret, struct error *err)
{
	struct exec_order o = { .timeout_ns = EXEC_TIMEOUT_NS, .input = "" };
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return error_set(err, ERR_INVALID_INPUT, "an order is an object with at least 'language' and 'code'");
	json_object_foreach((json_t *)(uintptr_t)json, name, value)
		if (take(name, value, &o, err) < 0)
			return -1;
	if (!o.language || !o.code)
		return error_set(err, ERR_INVALID_INPUT, "'%s' is missing", o.language ? "code" : "language");
	if (o.files && json_object_get(o.files, o.language->file))
		return error_set(err, ERR_INVALID_INPUT, "'files' must not have '%s': that is the code", o.language->file);
	*ret = o;
	return 0;
}
