/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/parameters.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/yaml.h"

#define MAX_COUNT 1000
#define MAX_TOTAL_BYTES ((size_t)1 << 20)
#define MAX_STRING_BYTES ((size_t)128 << 10)	/* the kernel's MAX_ARG_STRLEN: "NAME=value" with its NUL */
#define MAX_SECRET_BYTES ((size_t)64 << 10)

static const char shells_own[] = "it changes how the shell of a step works";
static const char runners_own[] = "the runner sets it for every step";
static const char loaders_own[] = "it makes programs load or run other code";

static const struct {
	const char *name;
	bool prefix;
	const char *why;
} reserved[] = {
	{ "PATH", false, runners_own },
	{ "HOME", false, runners_own },
	{ "PWD", false, runners_own },
	{ "TMPDIR", false, runners_own },
	{ "USER", false, runners_own },
	{ "LOGNAME", false, runners_own },
	{ "SHELL", false, runners_own },
	{ "SANDBOX_RUNNER_", true, runners_own },
	{ "_", false, shells_own },
	{ "IFS", false, shells_own },
	{ "ENV", false, shells_own },
	{ "BASH_ENV", false, shells_own },
	{ "BASH_FUNC_", true, shells_own },
	{ "BASHOPTS", false, shells_own },
	{ "SHELLOPTS", false, shells_own },
	{ "PS4", false, shells_own },
	{ "PROMPT_COMMAND", false, shells_own },
	{ "CDPATH", false, shells_own },
	{ "OLDPWD", false, shells_own },
	{ "GLOBIGNORE", false, shells_own },
	{ "LD_", true, loaders_own },
	{ "GLIBC_TUNABLES", false, loaders_own },
	{ "GCONV_PATH", false, loaders_own },
	{ "LOCPATH", false, loaders_own },
	{ "NLSPATH", false, loaders_own },
	{ "PERL5OPT", false, loaders_own },
	{ "PERL5LIB", false, loaders_own },
	{ "PERL5DB", false, loaders_own },
	{ "PYTHONPATH", false, loaders_own },
	{ "PYTHONHOME", false, loaders_own },
	{ "PYTHONSTARTUP", false, loaders_own },
	{ "RUBYOPT", false, loaders_own },
	{ "RUBYLIB", false, loaders_own },
	{ "NODE_OPTIONS", false, loaders_own },
	{ "JAVA_TOOL_OPTIONS", false, loaders_own },
};

void parameters_init(struct parameters *p)
{
	*p = (struct parameters){ .redactor = redactor_new() };
}

static void wipe_value(struct parameter *item)
{
	if (item->secret)
		explicit_bzero(item->value, strlen(item->value));
	free(item->value);
}

void parameters_release(struct parameters *p)
{
	for (size_t i = 0; i < p->len; i++) {
		wipe_value(&p->items[i]);
		free(p->items[i].name);
	}
	free(p->items);
	redactor_free(p->redactor);
	*p = (struct parameters){ .items = NULL };
}

struct parameter *parameters_find(const struct parameters *p, const char *name)
{
	for (size_t i = 0; i < p->len; i++)
		if (!strcmp(p->items[i].name, name))
			return &p->items[i];
	return NULL;
}

static size_t name_length(const char *s, const char *end)
{
	const char *p = s;

	while (p < end && (isalpha((unsigned char)*p) || *p == '_' || (p > s && isdigit((unsigned char)*p))))
		p++;
	return (size_t)(p - s);
}

static int check_name(const char *name, size_t len, struct error *err)
{
	if (!len)
		return error_set(err, ERR_USAGE, "the name of the parameter is missing before '='");
	if (len > 255 || name_length(name, name + len) != len)
		return error_set(err, ERR_USAGE, "'%.*s' is no parameter name: letters, digits and '_', not starting with a digit",
				 len > 64 ? 64 : (int)len, name);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		size_t rl = strlen(reserved[i].name);

		if (len >= rl && !memcmp(name, reserved[i].name, rl) && (reserved[i].prefix || len == rl))
			return error_set(err, ERR_USAGE, "'%.*s' cannot be a parameter: %s", (int)len, name, reserved[i].why);
	}
	return 0;
}

/* All ways lead here. The value is copied. */
static int set(struct parameters *p, const char *name, size_t name_len, const char *value, size_t value_len, const char *origin,
	       bool secret, struct error *err)
{
	size_t total = name_len + value_len + 2;
	struct parameter *item;
	char *key;

	if (check_name(name, name_len, err) < 0)
		return -1;
	if (memchr(value, '\0', value_len))
		return error_set(err, ERR_USAGE, "the value of '%.*s' holds a NUL byte: no environment can carry it", (int)name_len, name);
	if (total > MAX_STRING_BYTES)
		return error_set(err, ERR_USAGE, "the value of '%.*s' has %zu bytes: an environment holds at most 128 KiB in one",
				 (int)name_len, name, value_len);
	for (size_t i = 0; i < p->len; i++)
		total += strlen(p->items[i].name) + strlen(p->items[i].value) + 2;
	if (total > MAX_TOTAL_BYTES || p->len >= MAX_COUNT)
		return error_set(err, ERR_USAGE, "too many parameters with '%.*s': at most %d, and 1 MiB in all", (int)name_len, name, MAX_COUNT);
	key = xstrndup(name, name_len);
	item = parameters_find(p, key);
	if (item) {
		wipe_value(item);
		free(key);
	} else {
		ARRAY_GROW(p->items, p->len, p->alloc);
		item = &p->items[p->len++];
		*item = (struct parameter){ .name = key };
	}
	item->value = xstrndup(value, value_len);
	item->origin = origin;
	item->secret = secret;
	return 0;
}

int parameters_add(struct parameters *p, const char *assignment, struct error *err)
{
	const char *eq = strchr(assignment, '=');

	if (!eq)
		return error_set(err, ERR_USAGE, "--param '%s' has no '=': write --param NAME=VALUE", assignment);
	if (set(p, assignment, (size_t)(eq - assignment), eq + 1, strlen(eq + 1), "--param", false, err) < 0)
		return error_prefix(err, "--param");
	return 0;
}

/* ---- secrets */

/* Byte by byte: what follows the line is not ours. */
static int read_line(struct parameters *p, struct strbuf *out, struct error *err)
{
	char c;
	ssize_t n;

	if (p->stdin_taken)
		return error_set(err, ERR_USAGE, "standard input was already read for another secret; use env:VAR or file:PATH");
	p->stdin_taken = true;
	while ((n = read(STDIN_FILENO, &c, 1)) != 0 && (n < 0 || c != '\n')) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ERR_USAGE, "cannot read standard input");
		strbuf_addch(out, c);
	}
	return 0;
}

static void strip_newline(struct strbuf *text)
{
	if (text->len && text->buf[text->len - 1] == '\n')
		text->len--;
	if (text->len && text->buf[text->len - 1] == '\r')
		text->len--;
}

/* A source that is none is not repeated in the message: it may well be the secret itself. */
static int read_secret(struct parameters *p, const char *source, struct strbuf *out, struct error *err)
{
	if (!strcmp(source, "-")) {
		if (read_line(p, out, err) < 0)
			return -1;
		strip_newline(out);
	} else if (!strncmp(source, "env:", 4)) {
		const char *value = getenv(source + 4);

		if (!value)
			return error_set(err, ERR_USAGE, "the environment variable '%s' is not set", source + 4);
		strbuf_addstr(out, value);
	} else if (!strncmp(source, "file:", 5)) {
		if (file_read(source + 5, out, err) < 0)
			return -1;
		strip_newline(out);
	} else {
		return error_set(err, ERR_USAGE, "its source must be env:VAR, file:PATH or '-' (a value written here could be read by every user "
				 "of this host)");
	}
	if (out->overflow)
		return error_set(err, ERR_USAGE, "a secret can have at most 64 KiB");
	return 0;
}

static int add_secret(struct parameters *p, const char *name, size_t name_len, const char *source, struct error *err)
{
	autostrbuf struct strbuf value = STRBUF_INIT(MAX_SECRET_BYTES);
	int rc = check_name(name, name_len, err);

	if (rc == 0)
		rc = read_secret(p, source, &value, err);
	if (rc == 0 && value.len < 4)
		rc = error_set(err, ERR_USAGE, "the value has %zu bytes: hiding one of less than 4 would hide half of every output; "
			       "use --param if it is no secret", value.len);
	if (rc == 0)
		rc = set(p, name, name_len, value.buf, value.len, "--param-secret", true, err);
	if (rc == 0)
		redactor_add(p->redactor, value.buf, value.len);
	if (value.alloc)
		explicit_bzero(value.buf, value.alloc);
	return rc;
}

int parameters_add_secret(struct parameters *p, const char *assignment, struct error *err)
{
	const char *eq = strchr(assignment, '=');

	if (!eq)
		return error_set(err, ERR_USAGE, "--param-secret has no '=': write --param-secret NAME=env:VAR, NAME=file:PATH or NAME=-");
	if (add_secret(p, assignment, (size_t)(eq - assignment), eq + 1, err) < 0)
		return error_prefix(err, "--param-secret %.*s", (int)(eq - assignment > 64 ? 64 : eq - assignment), assignment);
	return 0;
}

/* ---- files */

struct line {
	const char *file;
	unsigned int number;
	const char *start, *end;
};

/* Always -1: a message about the byte `at` of a line, columns in characters. */
static int line_error(const struct line *line, const char *at, struct error *err, const char *message)
{
	unsigned int column = 1;

	for (const char *p = line->start; p < at; p++)
		column += ((unsigned char)*p & 0xc0) != 0x80;
	return error_set(err, ERR_INVALID_INPUT, "%s:%u:%u: %s", line->file, line->number, column, message);
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

static const char *skip_export(const char *s, const char *end)
{
	s = skip_blanks(s, end);
	if (end - s > 7 && !memcmp(s, "export", 6) && (s[6] == ' ' || s[6] == '\t'))
		s = skip_blanks(s + 6, end);
	return s;
}

/* The text between quotes; returns what follows the closing one, or NULL when there is none. */
static const char *unquote(const char *s, const char *end, struct strbuf *value)
{
	static const char escapes[] = "n\nr\rt\t\"\"\\\\$$";
	char quote = *s++;

	for (; s < end && *s != quote; s++) {
		const char *escape = NULL;

		if (quote == '"' && *s == '\\' && s + 1 < end)
			for (escape = escapes; *escape && *escape != s[1]; escape += 2)
				;
		if (escape && *escape) {
			strbuf_addch(value, escape[1]);
			s++;
		} else {
			strbuf_addch(value, *s);
		}
	}
	return s < end ? s + 1 : NULL;
}

static int parse_value(const struct line *line, const char *s, struct strbuf *value, struct error *err)
{
	const char *rest;

	if (s < line->end && (*s == '"' || *s == '\'')) {
		rest = unquote(s, line->end, value);
		if (!rest)
			return line_error(line, s, err, "this quote is not closed on its line");
		rest = skip_blanks(rest, line->end);
		if (rest < line->end && *rest != '#')
			return line_error(line, rest, err, "text after the closing quote");
		return 0;
	}
	for (rest = s; rest < line->end && !(*rest == '#' && (rest == s || rest[-1] == ' ' || rest[-1] == '\t')); rest++)
		;
	while (rest > s && (rest[-1] == ' ' || rest[-1] == '\t'))
		rest--;
	strbuf_add(value, s, (size_t)(rest - s));
	return 0;
}

static int parse_line(struct parameters *p, const struct line *line, struct error *err)
{
	autostrbuf struct strbuf value = STRBUF_INIT(STRBUF_NO_MAX);
	const char *s = skip_blanks(line->start, line->end), *name_end, *eq;
	struct error cause;

	if (s == line->end || *s == '#')
		return 0;
	if (memchr(s, '\0', (size_t)(line->end - s)))
		return line_error(line, memchr(s, '\0', (size_t)(line->end - s)), err, "a NUL byte: this is no text");
	s = skip_export(s, line->end);
	eq = memchr(s, '=', (size_t)(line->end - s));
	if (!eq)
		return line_error(line, s, err, "no '=' on this line: NAME=VALUE is wanted");
	name_end = eq;
	while (name_end > s && (name_end[-1] == ' ' || name_end[-1] == '\t'))
		name_end--;
	if (parse_value(line, skip_blanks(eq + 1, line->end), &value, err) < 0)
		return -1;
	if (set(p, s, (size_t)(name_end - s), value.buf, value.len, "--params-file", false, &cause) < 0)
		return line_error(line, s, err, cause.text);
	return 0;
}

static bool next_line(struct line *line, const char *text, const char *end)
{
	const char *start = line->number ? line->end + (line->end < end && *line->end == '\r') + 1 : text, *stop;

	if (start >= end)
		return false;
	stop = memchr(start, '\n', (size_t)(end - start));
	stop = stop ? stop : end;
	line->start = start;
	line->end = stop > start && stop < end && stop[-1] == '\r' ? stop - 1 : stop;
	line->number++;
	return true;
}

/* Does the first line that says something say NAME=? */
static bool looks_like_lines(const char *text, const char *end)
{
	struct line line = { .file = NULL };

	while (next_line(&line, text, end)) {
		const char *s = skip_export(line.start, line.end);
		size_t n = name_length(s, line.end);

		if (s == line.end || *s == '#')
			continue;
		s = skip_blanks(s + n, line.end);
		return n && s < line.end && *s == '=';
	}
	return false;
}

static int node_error(const char *file, struct position at, struct error *err, const char *message)
{
	return error_set(err, ERR_INVALID_INPUT, "%s:%u:%u: %s", file, at.line, at.column, message);
}

static int add_pair(struct parameters *p, const struct document *doc, const struct node_pair *pair, struct error *err)
{
	autostrbuf struct strbuf message = STRBUF_INIT(1000);
	struct error cause;

	if (pair->key->kind != NODE_SCALAR)
		return node_error(doc->name, pair->key->start, err, "the name of a parameter must be a word");
	if (pair->value->kind != NODE_SCALAR || node_is_null(pair->value)) {
		strbuf_addf(&message, "the value of '%.64s' is a %s; write a text, a number, true or false%s", pair->key->text,
			    node_type_name(pair->value), node_is_null(pair->value) ? ", or '' for an empty one" : "");
		return node_error(doc->name, pair->value->start, err, message.buf);
	}
	if (set(p, pair->key->text, pair->key->len, pair->value->text, pair->value->len, "--params-file", false, &cause) < 0)
		return node_error(doc->name, pair->key->start, err, cause.text);
	return 0;
}

static int add_yaml(struct parameters *p, const struct document *doc, struct error *err)
{
	if (doc->problems_len)
		return node_error(doc->name, doc->problems[0].position, err, doc->problems[0].message);
	if (!doc->root || node_is_null(doc->root))
		return 0;
	if (doc->root->kind != NODE_MAPPING)
		return node_error(doc->name, doc->root->start, err, "neither a YAML mapping (NAME: value) nor NAME=VALUE lines");
	for (size_t i = 0; i < doc->root->len; i++)
		if (add_pair(p, doc, &doc->root->pairs[i], err) < 0)
			return -1;
	return 0;
}

int parameters_add_text(struct parameters *p, const char *text, size_t len, const char *name, struct error *err)
{
	const char *end = text + len;
	struct document *doc = NULL;
	int rc;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	if (looks_like_lines(text, end)) {
		struct line line = { .file = name };

		while (next_line(&line, text, end))
			if (parse_line(p, &line, err) < 0)
				return -1;
		return 0;
	}
	if (document_parse(text, (size_t)(end - text), name, &yaml_default_limits, &doc, err) < 0)
		return -1;
	rc = add_yaml(p, doc, err);
	document_free(doc);
	return rc;
}

int parameters_add_file(struct parameters *p, const char *path, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(MAX_TOTAL_BYTES);

	if (file_read(path, &text, err) < 0)
		return error_prefix(err, "--params-file");
	return parameters_add_text(p, text.buf, text.len, path, err);
}
