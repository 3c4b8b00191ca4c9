/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_dump: an analysis as one line, so that tests can be rows: script, what to show, expected.
 * Shown on demand: d depth, n where the name comes from, e effects, i input, c code, w the folder, p the place in the text.
 * Commands stand between " ;; ", newlines read "~", "?" marks what is not known, "…" at the end that there is more. */
#pragma once

#include <stdio.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/analysis.h"

struct row {
	const char *script, *show, *expected;
};

struct letter {
	unsigned int bit;
	const char *name;
};

static const struct letter origin_names[] = {
	{ ORIGIN_NETWORK_EXTERNAL, "network" }, { ORIGIN_NETWORK_OWN, "own" }, { ORIGIN_DECODED, "decoded" },
	{ ORIGIN_SECRET, "secret" }, { ORIGIN_ENVIRONMENT, "environment" }, { ORIGIN_FILE, "file" },
	{ ORIGIN_COMMAND, "command" }, { ORIGIN_INPUT, "input" }, { ORIGIN_ASSEMBLED, "assembled" },
	{ ORIGIN_LITERAL, "literal" }, { 0, NULL },
};

static const struct letter trait_names[] = {
	{ TRAIT_BACKGROUND, "background" }, { TRAIT_LOOP, "loop" }, { TRAIT_ENDLESS, "endless" },
	{ TRAIT_FORK_BOMB, "fork-bomb" }, { TRAIT_NESTED, "nested" }, { TRAIT_DECODED, "decoded" },
	{ TRAIT_OBFUSCATED, "obfuscated" }, { TRAIT_UNKNOWN_NAME, "unknown-name" }, { TRAIT_FUNCTION, "function" },
	{ TRAIT_NEGATED, "negated" }, { TRAIT_TEST, "test" }, { TRAIT_REMOTE, "remote" },
	{ TRAIT_INTERPRETER, "interpreter" }, { TRAIT_DRY, "dry" }, { TRAIT_PRIVILEGED, "privileged" }, { 0, NULL },
};

static inline void add_bits(struct strbuf *out, const struct letter *names, unsigned int bits)
{
	const char *separator = "";

	for (; names->name; names++) {
		if (!(bits & names->bit))
			continue;
		strbuf_addf(out, "%s%s", separator, names->name);
		separator = ",";
	}
}

static inline void add_escaped(struct strbuf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		strbuf_addch(out, s[i] == '\n' ? '~' : s[i]);
}

static inline void add_value(struct strbuf *out, const char *label, const struct shell_value *v)
{
	if (!v->len && !v->origin)
		return;
	strbuf_addf(out, " %s%s[", label, v->known ? "" : "?");
	add_escaped(out, v->text, v->len);
	strbuf_addstr(out, "]<");
	add_bits(out, origin_names, v->origin);
	strbuf_addstr(out, ">");
}

static inline void dump_command(const struct shell_command *c, const char *text, const char *show, struct strbuf *out)
{
	static const char *const access[] = {
		"reads", "writes", "appends", "deletes", "executes", "modes", "moves", "links",
	};
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

	if (strchr(show, 'd'))
		strbuf_addf(out, "%u ", c->depth);
	shell_command_text(c, &line);
	add_escaped(out, line.buf, line.len);
	if (strchr(show, 'n') && c->argc)
		add_value(out, "name", &c->argv[0]);
	for (size_t i = 0; strchr(show, 'e') && i < c->effects_len; i++)
		strbuf_addf(out, " %s%s:%s", access[c->effects[i].access], c->effects[i].recursive ? "*" : "",
			    c->effects[i].path.text);
	if (strchr(show, 'i'))
		add_value(out, "input", &c->input);
	if (strchr(show, 'c'))
		add_value(out, "code", &c->code);
	if (c->traits) {
		strbuf_addstr(out, " {");
		add_bits(out, trait_names, c->traits);
		strbuf_addstr(out, "}");
	}
	if (strchr(show, 'w') && c->cwd)
		strbuf_addf(out, " @%s", c->cwd);
	if (strchr(show, 'p')) {
		strbuf_addstr(out, " `");
		add_escaped(out, text + c->offset, c->source_len);
		strbuf_addstr(out, "`");
	}
}

static inline void dump_text(const char *text, const char *show, struct strbuf *out)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	shell_analyse(&arena, text, strlen(text), &got);
	for (size_t i = 0; i < got.len; i++) {
		strbuf_addstr(out, i ? " ;; " : "");
		dump_command(&got.commands[i], text, show, out);
	}
	if (got.truncated)
		strbuf_addstr(out, " …");
}

static inline void check_rows(const struct row *rows, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		autostrbuf struct strbuf got = STRBUF_INIT(STRBUF_NO_MAX);

		dump_text(rows[i].script, rows[i].show, &got);
		if (!strcmp(got.buf, rows[i].expected))
			continue;
		wrong++;
		print_error("script   %s\nexpected %s\ngot      %s\n", rows[i].script, rows[i].expected, got.buf);
	}
	assert_int_equal(wrong, 0);
}
