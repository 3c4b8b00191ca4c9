/* SPDX-License-Identifier: Apache-2.0
 * Languages that are read by lines, or where only a word in front of a string counts: sql, vi, gdb, make, dc, tcl, powershell, lisps. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_option.h"

static void emit_part(struct code_scan *s, const char *text, size_t len)
{
	struct code_value v;

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (!len)
		return;
	v = code_text(s, text, len, true, 0);
	code_emit(s, &v);
}

/* The same code in another language: py3 of vim, python of gdb */
static void run_other(struct code_scan *s, enum code_language language, const char *interpreter, const char *text, size_t len)
{
	struct code_scan *inner = arena_alloc(s->arena, sizeof(*inner));

	*inner = *s;
	inner->language = language;
	inner->interpreter = interpreter;
	inner->text = text;
	inner->len = len;
	inner->at = 0;
	code_run(inner);
	s->found_len = inner->found_len;
}

/* ---- a word, perhaps a parenthesis, a string: COPY … PROGRAM 'text', (shell-command "text") */
struct string_word {
	const char *language, *word, *command;	/* command NULL: the string is shell text */
};

static const struct string_word string_words[] = {
	{ "applescript", "script", NULL }, { "elisp", "shell-command", NULL }, { "elisp", "shell-command-to-string", NULL },
	{ "elisp", "start-process-shell-command", NULL }, { "elisp", "call-process", NULL }, { "elisp", "delete-file", "rm" },
	{ "elisp", "delete-directory", "rm -r" }, { "gdb", "system", NULL }, { "gdb", "popen", NULL }, { "scheme", "system", NULL },
	{ "scheme", "delete-file", "rm" }, { "sql", "program", NULL }, { "sql", "xp_cmdshell", NULL }, { "sql", "sys_exec", NULL },
	{ "sql", "sys_eval", NULL }, { "sql", "load_file", "cat" }, { "sql", "outfile", ": >" }, { "sql", "dumpfile", ": >" },
	{ "sql", "pg_read_file", "cat" }, { "sql", "pg_read_binary_file", "cat" }, { "sql", "pg_ls_dir", "ls" }, { "sql", "lo_import", "cat" },
	{ "sql", "readfile", "cat" }, { "sql", "writefile", ": >" }, { "vi", "system", NULL }, { "vi", "systemlist", NULL }, { "vi", "delete", "rm -r" },
	{ "elixir", "cmd", NULL },
};

static void find_strings(struct code_scan *s, const char *language)
{
	for (size_t i = 0; i < s->len;) {
		size_t len = 0;
		const struct string_word *hit = NULL;

		while (i + len < s->len && (code_is_name(s->text[i + len], false) || (len && s->text[i + len] == '-')))
			len++;
		for (size_t k = 0; len && k < ARRAY_SIZE(string_words); k++)
			if (strlen(string_words[k].word) == len && !strncasecmp(string_words[k].word, s->text + i, len) && !strcmp(string_words[k].language, language))
				hit = &string_words[k];
		i += len ? len : 1;
		if (!hit)
			continue;
		while (i < s->len && (isspace((unsigned char)s->text[i]) || s->text[i] == '(' || s->text[i] == '~'))
			i++;
		if (i < s->len && (s->text[i] == '"' || s->text[i] == '\'')) {
			char quote = s->text[i++];
			struct text_out out = out_init(s->arena, 32);
			struct code_value v = { .kind = CODE_TEXT, .known = true };

			for (; i < s->len && !out.cut; i++) {
				if (s->text[i] == '\\' && i + 1 < s->len && strcmp(language, "sql") != 0)
					i++;
				else if (s->text[i] == quote && i + 1 < s->len && s->text[i + 1] == quote)
					i++;	/* '' in SQL */
				else if (s->text[i] == quote)
					break;
				out_addch(&out, s->text[i]);
			}
			i += i < s->len;
			v.text = out_text(&out, &v.len);
			if (hit->command)
				code_emit_command(s, hit->command, &v, 1, "");
			else
				code_emit(s, &v);
		}
	}
}

/* ---- line by line */
static bool starts(const char *line, size_t len, const char *prefix, size_t *ret)
{
	size_t n = strlen(prefix);

	if (len < n || strncasecmp(line, prefix, n))
		return false;
	*ret = n;
	return true;
}

static void sql_line(struct code_scan *s, const char *line, size_t len)
{
	static const char *const shells[] = { "\\!", "system ", ".shell ", ".system ", "host ", "!", "\\o |", "\\o|", "\\g |", "\\g|", "\\w |", ".once |", ".output |",
					      ".read |", "\\out |", ".import |", "pager " };
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!starts(line, len, shells[i], &n))
			continue;
		while (len > n && line[len - 1] == ';')
			len--;
		emit_part(s, line + n, len - n);
		return;
	}
}

static void vi_line(struct code_scan *s, const char *line, size_t len)
{
	size_t at = 0, word;

	while (at < len && strchr(": \t%0123456789,.$'<>", line[at]) && line[at])
		at++;
	for (word = at; word < len && (isalpha((unsigned char)line[word]) || line[word] == '3'); word++)
		;
	if (word_in(line + at, word - at, "py py3 python python3 pyx")) {
		run_other(s, CODE_PYTHON, "python3", line + word, len - word);
		return;
	}
	if (word_in(line + at, word - at, "lua")) {
		run_other(s, CODE_LUA, "lua", line + word, len - word);
		return;
	}
	if (word_in(line + at, word - at, "perl perldo ruby")) {
		run_other(s, line[at] == 'p' ? CODE_PERL : CODE_RUBY, "perl", line + word, len - word);
		return;
	}
	if (word_in(line + at, word - at, "terminal term ter")) {
		emit_part(s, line + word, len - word);
		return;
	}
	if (word > at && !word_in(line + at, word - at, "r read w write silent sil exe execute"))
		return;
	if (word > at && word < len && line[word] == '!' && line[at] == 's')	/* silent! */
		word++;
	while (word < len && strchr(" \t\"'", line[word]) && line[word])
		word++;
	if (word < len && line[word] == '!') {
		while (len > word && strchr("\"'", line[len - 1]) && line[at] == 'e')
			len--;
		emit_part(s, line + word + 1, len - word - 1);
	}
}

static void gdb_line(struct code_scan *s, const char *line, size_t len)
{
	size_t n;

	if (starts(line, len, "shell ", &n) || starts(line, len, "!", &n))
		emit_part(s, line + n, len - n);
	else if (starts(line, len, "python ", &n) || starts(line, len, "py ", &n))
		run_other(s, CODE_PYTHON, "python3", line + n, len - n);
}

static void dc_line(struct code_scan *s, const char *line, size_t len)
{
	if (len && line[0] == '!')
		emit_part(s, line + 1, len - 1);
}

/* exec WORDS, [exec WORDS], spawn WORDS, system WORDS, file delete -force PATH */
static void tcl_line(struct code_scan *s, const char *line, size_t len)
{
	static const char *const commands[] = { "exec ", "spawn ", "system ", "file delete " };

	for (size_t at = 0; at < len; at++) {
		size_t n, end;

		if (at && !strchr("[;{ \t\"", line[at - 1]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			struct code_value v;

			if (!starts(line + at, len - at, commands[i], &n))
				continue;
			for (end = at + n; end < len && !strchr("];", line[end]); end++)
				;
			if (commands[i][0] != 'f') {
				emit_part(s, line + at + n, end - at - n);
			} else {
				v = code_text(s, line + at + n, end - at - n, true, 0);
				code_emit_command(s, memmem(v.text, v.len, "-force", 6) ? "rm -rf " : "rm ", NULL, 0, v.text);
			}
			at = end;
			break;
		}
	}
}

static const struct {
	const char *language;
	void (*line)(struct code_scan *s, const char *line, size_t len);
} by_line[] = {
	{ "dc", dc_line }, { "gdb", gdb_line }, { "sql", sql_line }, { "tcl", tcl_line }, { "vi", vi_line },
};

/* ---- make: recipe lines, $(shell …) */
static void make_line(struct code_scan *s, const char *line, size_t len)
{
	struct text_out out = out_init(s->arena, len);
	struct code_value v = { .kind = CODE_TEXT, .known = true };
	size_t at = 0;

	while (at < len && strchr("@-+ \t", line[at]) && line[at])
		at++;
	for (; at < len; at++) {
		const char *close = line[at] == '$' && at + 1 < len && line[at + 1] == '(' ? memchr(line + at, ')', len - at) : NULL;

		if (line[at] == '$' && at + 1 < len && line[at + 1] == '$') {
			out_addch(&out, '$');
			at++;
		} else if (close && !memchr(line + at, ' ', (size_t)(close - line) - at)) {	/* a variable of make */
			out_addstr(&out, "${");
			out_add(&out, line + at + 2, (size_t)(close - line) - at - 2);
			out_addch(&out, '}');
			at = (size_t)(close - line);
		} else {
			out_addch(&out, line[at]);
		}
	}
	v.text = out_text(&out, &v.len);
	code_emit(s, &v);
}

static void run_make(struct code_scan *s)
{
	const char *at = s->text, *end = s->text + s->len;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at)), *shell, *recipe;

		while (stop && stop > at && stop[-1] == '\\' && stop + 1 < end) {
			const char *next = memchr(stop + 1, '\n', (size_t)(end - stop) - 1);

			stop = next;
		}
		stop = stop ? stop : end;
		shell = memmem(at, (size_t)(stop - at), "$(shell ", 8);
		if (shell) {
			const char *close = memrchr(shell, ')', (size_t)(stop - shell));

			emit_part(s, shell + 8, (size_t)((close ? close : stop) - shell) - 8);
		}
		recipe = memchr(at, ';', (size_t)(stop - at));
		if (*at == '\t')
			make_line(s, at + 1, (size_t)(stop - at) - 1);
		else if (recipe && memchr(at, ':', (size_t)(recipe - at)) && !memchr(at, '=', (size_t)(recipe - at)))
			make_line(s, recipe + 1, (size_t)(stop - recipe) - 1);
		at = stop + 1;
	}
}

/* ---- powershell: its own names for what the shell has */
static void run_powershell(struct code_scan *s)
{
	static const struct {
		const char *name, *command;
	} cmdlets[] = {
		{ "remove-item", "rm" }, { "ri", "rm" }, { "del", "rm" }, { "rd", "rm" }, { "erase", "rm" }, { "rmdir", "rm" }, { "get-content", "cat" }, { "gc", "cat" },
		{ "type", "cat" }, { "invoke-webrequest", "curl -s" }, { "iwr", "curl -s" }, { "irm", "curl -s" }, { "invoke-restmethod", "curl -s" },
		{ "start-process", "" }, { "saps", "" }, { "copy-item", "cp" }, { "move-item", "mv" },
	};
	bool runs = strcasestr(s->text, "iex") || strcasestr(s->text, "invoke-expression");
	const char *url = strcasestr(s->text, "http");

	if (runs && url) {
		size_t len = strcspn(url, "'\" )|;\n\t");
		struct code_value v = code_text(s, url, len, true, 0);

		code_emit_command(s, "curl -s", &v, 1, " | pwsh");
	}
	for (const char *at = s->text, *end = s->text + s->len; at < end;) {
		size_t len = strcspn(at, ";|\n&{}"), blanks = strspn(at, " \t"), name = strcspn(at + blanks, " \t;|\n&{}");
		const char *command = NULL;
		struct text_out out = out_init(s->arena, len + 16);
		struct code_value v = { .kind = CODE_TEXT, .known = true };

		if (blanks > len)
			blanks = len;
		for (size_t i = 0; i < ARRAY_SIZE(cmdlets); i++)
			if (strlen(cmdlets[i].name) == name && !strncasecmp(cmdlets[i].name, at + blanks, name))
				command = cmdlets[i].command;
		out_addstr(&out, command ? command : "");
		for (size_t i = blanks + (command ? name : 0); i < len;) {
			size_t gap = strspn(at + i, " \t"), word = strcspn(at + i + gap, " \t;|\n&{}");

			i += gap;
			if (command && word > 1 && at[i] == '-') {
				if (!strncasecmp(at + i, "-recurse", word) || !strncasecmp(at + i, "-force", word))
					out_addstr(&out, (at[i + 1] | 32) == 'r' ? " -r" : " -f");
			} else if (word) {
				if (out.len)
					out_addch(&out, ' ');
				out_add(&out, at + i, word);
			}
			i += word ? word : 1;
		}
		v.text = out_text(&out, &v.len);
		if (v.len)
			code_emit(s, &v);
		at += len + 1;
	}
}

bool code_lines(struct code_scan *s, const char *language)
{
	bool known = false;

	if (!strcmp(language, "make")) {
		run_make(s);
		return true;
	}
	if (!strcmp(language, "powershell")) {
		run_powershell(s);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(by_line); i++) {
		const char *end = s->text + s->len;

		if (strcmp(by_line[i].language, language) != 0)
			continue;
		known = true;
		for (const char *at = s->text; at < end;) {
			const char *stop = memchr(at, '\n', (size_t)(end - at)), *line_stop = stop ? stop : end;

			while (at < line_stop && (*at == ' ' || *at == '\t'))
				at++;
			by_line[i].line(s, at, (size_t)(line_stop - at));
			at = line_stop + 1;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(string_words); i++) {
		if (strcmp(string_words[i].language, language) != 0)
			continue;
		find_strings(s, language);
		return true;
	}
	return known || !strcmp(language, "redis") || !strcmp(language, "mongo");
}
