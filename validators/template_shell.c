/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of POSIX and bash text that knows just enough to tell a reference to a parameter from a variable of
 * the script: quotes, comments, here-documents, substitutions, and which words of which commands set a
 * variable.
 *
 * A variable is the script's own if the script sets it anywhere (functions make the order of text and of time
 * differ), except that in `X=${X:-1}`, when nothing before it sets X, the value is the parameter. */
#include "validators/template_shell.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"

#define DEPTH_MAX 100
#define HEREDOCS_MAX 16
#define NOWHERE ((size_t)-1)

struct word {			/* a piece of the text */
	const char *s;
	size_t len;
};

struct setting {		/* the script sets this variable */
	struct word name;
	size_t at;
};

struct found {			/* a reference, before we know which names are the script's own */
	size_t at, len;
	struct word name, fallback;	/* fallback.s NULL: none */
	size_t assigned_at;	/* it stands in the value of an assignment to its own name; NOWHERE: it does not */
};

struct heredoc {
	struct word delimiter;	/* as written, with its quotes */
	bool quoted, tabs;
};

struct shell {
	const char *s;
	size_t at, end;
	unsigned int depth;
	bool in_backticks;
	struct found *found;
	size_t found_len, found_alloc;
	struct setting *settings;
	size_t settings_len, settings_alloc;
	struct heredoc heredocs[HEREDOCS_MAX];	/* that begin after this line */
	size_t heredocs_len;
	struct setting assignment;	/* whose value is being read; name.s NULL: none */
	size_t bad_at;
	const char *bad;	/* what is wrong there; NULL: nothing */
};

/* Which words of the command that is being read set variables. */
enum role {
	ROLE_NONE,
	ROLE_NAME,		/* the next word is a name: for, select, printf -v */
	ROLE_DECLARE,		/* words are NAME or NAME=value: local, declare, typeset */
	ROLE_EXPORT,		/* only words NAME=value set: export, readonly */
	ROLE_READ,		/* words are names, some options have a value: read, mapfile, readarray */
	ROLE_GETOPTS,		/* the second word */
	ROLE_PRINTF,		/* the word after -v */
};

struct command {
	bool at_start;		/* only assignments and reserved words so far */
	bool skip;		/* the next word belongs to an option or a redirection */
	enum role role;
	unsigned int words;	/* after the command's name */
};

/* What ends a word, and what begins a piece that is more than its character. */
enum { CHARACTER_PLAIN, CHARACTER_ENDS, CHARACTER_BEGINS };
static const unsigned char characters[256] = {
	[' '] = CHARACTER_ENDS, ['\t'] = CHARACTER_ENDS, ['\n'] = CHARACTER_ENDS, [';'] = CHARACTER_ENDS, ['&'] = CHARACTER_ENDS,
	['|'] = CHARACTER_ENDS, ['('] = CHARACTER_ENDS, [')'] = CHARACTER_ENDS, ['<'] = CHARACTER_ENDS, ['>'] = CHARACTER_ENDS,
	['\''] = CHARACTER_BEGINS, ['"'] = CHARACTER_BEGINS, ['`'] = CHARACTER_BEGINS, ['$'] = CHARACTER_BEGINS,
	['\\'] = CHARACTER_BEGINS,
};

static bool scan_commands(struct shell *sh, char terminator);
static bool scan_dollar(struct shell *sh, bool quoted);

static bool fail(struct shell *sh, size_t at, const char *what)
{
	sh->bad = what;
	sh->bad_at = at;
	return false;
}

static bool deeper(struct shell *sh)
{
	return ++sh->depth <= DEPTH_MAX || fail(sh, sh->at, "the shell text is nested too deeply here");
}

static char peek(const struct shell *sh, size_t ahead)
{
	return sh->end - sh->at > ahead ? sh->s[sh->at + ahead] : '\0';
}

static void skip(struct shell *sh, size_t n)
{
	sh->at += n < sh->end - sh->at ? n : sh->end - sh->at;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static size_t name_at(const struct shell *sh, size_t at)
{
	return template_name_length(sh->s + at, sh->end - at);
}

static bool same(struct word a, struct word b)
{
	return a.len == b.len && !memcmp(a.s, b.s, a.len);
}

static void add_setting(struct shell *sh, struct word name, size_t at)
{
	ARRAY_GROW(sh->settings, sh->settings_len, sh->settings_alloc);
	sh->settings[sh->settings_len++] = (struct setting){ name, at };
}

/* ---- quotes and substitutions */

/* Between parentheses or backticks: past the closing one. */
static bool scan_nested(struct shell *sh, char close)
{
	bool outer = sh->in_backticks;

	skip(sh, 1);
	sh->in_backticks = close == '`';
	if (!scan_commands(sh, close))
		return false;
	sh->in_backticks = outer;
	skip(sh, 1);
	return true;
}

/* As in double quotes, up to `terminator` (not consumed) or, for '\0', to the end. */
static bool scan_quoted(struct shell *sh, char terminator)
{
	while (sh->at < sh->end) {
		char c = peek(sh, 0);
		bool good = true;

		if (terminator && c == terminator)
			break;
		if (c == '`' && sh->in_backticks)
			break;
		if (c == '$')
			good = scan_dollar(sh, true);
		else if (c == '`')
			good = scan_nested(sh, '`');
		else
			skip(sh, c == '\\' ? 2 : 1);
		if (!good)
			return false;
	}
	return true;
}

static bool scan_double_quotes(struct shell *sh)
{
	bool good;

	skip(sh, 1);
	good = scan_quoted(sh, '"');
	skip(sh, good);
	return good;
}

/* At a quote: past the next one like it. */
static void skip_quotes(struct shell *sh)
{
	const char *close = memchr(sh->s + sh->at + 1, sh->s[sh->at], sh->end - sh->at - 1);

	sh->at = close ? (size_t)(close + 1 - sh->s) : sh->end;
}

/* $'…': a backslash hides the quote. */
static void skip_ansi_quotes(struct shell *sh)
{
	for (skip(sh, 2); sh->at < sh->end && peek(sh, 0) != '\''; )
		skip(sh, peek(sh, 0) == '\\' ? 2 : 1);
	skip(sh, 1);
}

/* One piece of a word outside of quotes. */
static bool scan_piece(struct shell *sh)
{
	switch (peek(sh, 0)) {
	case '\'':
		skip_quotes(sh);
		return true;
	case '"':
		return scan_double_quotes(sh);
	case '`':
		return scan_nested(sh, '`');
	case '$':
		return scan_dollar(sh, false);
	default:
		skip(sh, peek(sh, 0) == '\\' ? 2 : 1);
		return true;
	}
}

/* What an expansion does with its variable, by the first characters after the name. */
enum use { USE_OTHER, USE_PLAIN, USE_DEFAULT, USE_OPTIONAL, USE_SET };

static enum use use_of(const struct shell *sh, size_t *operator_len)
{
	bool colon = peek(sh, 0) == ':';
	char c = peek(sh, colon);

	*operator_len = is_one_of(c, "-=?+") ? colon + 1u : 0;
	if (!colon && c == '}')
		return USE_PLAIN;
	return c == '-' ? USE_DEFAULT : c == '+' ? USE_OPTIONAL : c == '?' ? USE_PLAIN : c == '=' ? USE_SET : USE_OTHER;
}

/* Note the reference that begins at `start`; returns where, for the rest of it to be filled in, or NOWHERE. */
static size_t add_found(struct shell *sh, size_t start, struct word name, enum use use)
{
	bool own = sh->assignment.name.s && same(sh->assignment.name, name);

	if (use == USE_SET)
		add_setting(sh, name, start);
	if (use == USE_SET || use == USE_OTHER)
		return NOWHERE;
	ARRAY_GROW(sh->found, sh->found_len, sh->found_alloc);
	sh->found[sh->found_len] = (struct found){
		.at = start, .name = name, .assigned_at = own ? sh->assignment.at : NOWHERE,
	};
	return sh->found_len++;
}

/* "${…}" */
static bool scan_brace(struct shell *sh, bool quoted)
{
	size_t start = sh->at, operator_len = 0, index, word;
	enum use use = USE_OTHER;
	struct word name;

	if (!deeper(sh))
		return false;
	skip(sh, 2);
	if (peek(sh, 0) == '}')
		return fail(sh, start, "'${}' holds no name");
	name = (struct word){ sh->s + sh->at, name_at(sh, sh->at) };
	skip(sh, name.len ? name.len : 1); /* no name: ${1}, ${@}, ${#X}, ${!X}: the first character tells nothing */
	if (name.len)
		use = use_of(sh, &operator_len);
	index = add_found(sh, start, name, use);
	skip(sh, operator_len);
	word = sh->at;
	/* in double quotes a single quote is an ordinary character, but not in a pattern such as ${X%'}'} */
	while (sh->at < sh->end && peek(sh, 0) != '}') {
		if (quoted && operator_len && peek(sh, 0) == '\'')
			skip(sh, 1);
		else if (!scan_piece(sh))
			return false;
	}
	if (sh->at >= sh->end)
		return fail(sh, start, "'${' is not closed by '}'");
	if (index != NOWHERE) {
		struct found *found = &sh->found[index];

		found->len = sh->at + 1 - start;
		if (use == USE_DEFAULT)
			found->fallback = (struct word){ sh->s + word, sh->at - word };
		else if (use == USE_OPTIONAL)
			found->fallback = (struct word){ "", 0 };
	}
	skip(sh, 1);
	sh->depth--;
	return true;
}

static bool assigns(const struct shell *sh)
{
	char c = peek(sh, 0), next = peek(sh, 1);

	if (c == '=' || !c)
		return c && next != '=';
	if (c == '<' || c == '>')
		return next == c && peek(sh, 2) == '=';
	return ((c == '+' || c == '-') && next == c) || (is_one_of(c, "+-*/%|&^") && next == '=');
}

/* After "((": to the "))". */
static bool scan_arithmetic(struct shell *sh)
{
	unsigned int open = 0;

	if (!deeper(sh))
		return false;
	while (sh->at < sh->end) {
		char c = peek(sh, 0);
		size_t start = sh->at, n = name_at(sh, start);

		if (n) {
			skip(sh, n);
			while (is_blank(peek(sh, 0)))
				skip(sh, 1);
			if (assigns(sh) ||
			    (start > 1 && (!memcmp(sh->s + start - 2, "++", 2) || !memcmp(sh->s + start - 2, "--", 2))))
				add_setting(sh, (struct word){ sh->s + start, n }, start);
		} else if (c >= '0' && c <= '9') {
			while (sh->at < sh->end && (peek(sh, 0) == '#' || (peek(sh, 0) >= '0' && peek(sh, 0) <= '9') ||
						    name_at(sh, sh->at)))
				skip(sh, 1);
		} else if (c == ')' && !open) {
			skip(sh, peek(sh, 1) == ')' ? 2 : 1);
			break;
		} else {
			open += c == '(';
			open -= c == ')';
			if (!scan_piece(sh))
				return false;
		}
	}
	sh->depth--;
	return true;
}

static bool scan_dollar(struct shell *sh, bool quoted)
{
	switch (peek(sh, 1)) {
	case '{':
		return scan_brace(sh, quoted);
	case '(':
		skip(sh, 1);
		if (peek(sh, 1) != '(')
			return scan_nested(sh, ')');
		skip(sh, 2);
		return scan_arithmetic(sh);
	case '\'':
		if (quoted)
			skip(sh, 1);
		else
			skip_ansi_quotes(sh);
		return true;
	case '$':		/* $$ is the process; what follows is no part of it */
		skip(sh, 2);
		return true;
	default:
		skip(sh, 1);
		return true;
	}
}

/* ---- here-documents */

static void add_heredoc(struct shell *sh)
{
	struct heredoc doc = { 0 };

	skip(sh, 2);
	doc.tabs = peek(sh, 0) == '-';
	skip(sh, doc.tabs);
	while (is_blank(peek(sh, 0)))
		skip(sh, 1);
	doc.delimiter.s = sh->s + sh->at;
	while (sh->at < sh->end && characters[(unsigned char)peek(sh, 0)] != CHARACTER_ENDS) {
		char c = peek(sh, 0);

		doc.quoted |= c == '\'' || c == '"' || c == '\\';
		if (c == '\'' || c == '"')
			skip_quotes(sh);
		else
			skip(sh, c == '\\' ? 2 : 1);
	}
	doc.delimiter.len = (size_t)(sh->s + sh->at - doc.delimiter.s);
	if (doc.delimiter.len && sh->heredocs_len < HEREDOCS_MAX)
		sh->heredocs[sh->heredocs_len++] = doc;
}

/* Is the line the delimiter, whose quotes do not count? */
static bool is_delimiter(const struct heredoc *doc, const char *line, size_t len)
{
	size_t at = 0;

	while (doc->tabs && len && *line == '\t') {
		line++;
		len--;
	}
	for (size_t i = 0; i < doc->delimiter.len; i++) {
		char c = doc->delimiter.s[i];

		if (c == '\'' || c == '"' || c == '\\')
			continue;
		if (at == len || line[at] != c)
			return false;
		at++;
	}
	return at == len;
}

/* At the start of a line: the bodies of the here-documents that were announced on the line before. */
static bool scan_heredocs(struct shell *sh)
{
	size_t n = sh->heredocs_len, end = sh->end;
	bool outer = sh->in_backticks;

	sh->heredocs_len = 0;
	sh->in_backticks = false;
	for (size_t i = 0; i < n; i++) {
		const struct heredoc doc = sh->heredocs[i];
		size_t line = sh->at, next = end;

		for (; line < end; line = next) {
			const char *feed = memchr(sh->s + line, '\n', end - line);

			next = feed ? (size_t)(feed + 1 - sh->s) : end;
			if (is_delimiter(&doc, sh->s + line, next - line - (feed != NULL)))
				break;
		}
		sh->end = line;
		if (!doc.quoted && !scan_quoted(sh, '\0'))
			return false;
		sh->end = end;
		sh->at = next;
	}
	sh->in_backticks = outer;
	return true;
}

/* ---- commands */

static const struct builtin {
	struct word name;
	enum role role;
	bool stays;		/* the next word may be a command again */
} builtins[] = {
#define ROW(text, role, stays) { { text, sizeof(text) - 1 }, ROLE_##role, stays }
	ROW("!", NONE, true), ROW("builtin", NONE, true), ROW("command", NONE, true), ROW("declare", DECLARE, false),
	ROW("do", NONE, true), ROW("done", NONE, true), ROW("elif", NONE, true), ROW("else", NONE, true),
	ROW("export", EXPORT, false), ROW("fi", NONE, true), ROW("for", NAME, false), ROW("getopts", GETOPTS, false),
	ROW("if", NONE, true), ROW("local", DECLARE, false), ROW("mapfile", READ, false), ROW("printf", PRINTF, false),
	ROW("read", READ, false), ROW("readarray", READ, false), ROW("readonly", EXPORT, false), ROW("select", NAME, false),
	ROW("then", NONE, true), ROW("time", NONE, true), ROW("typeset", DECLARE, false), ROW("until", NONE, true),
	ROW("while", NONE, true), ROW("{", NONE, true), ROW("}", NONE, true),
#undef ROW
};

static inline bool is_word(struct word w, const char *text)
{
	return same(w, (struct word){ text, strlen(text) });
}

/* The command's name, or a word before it. */
static void begin_command(struct command *cmd, struct word w, unsigned int *cases)
{
	cmd->at_start = false;
	if (is_word(w, "case"))
		++*cases;
	else if (is_word(w, "esac"))
		*cases -= *cases > 0;
	else if (is_word(w, "function"))
		cmd->at_start = cmd->skip = true;
	for (size_t i = 0; i < ARRAY_SIZE(builtins); i++) {
		if (same(w, builtins[i].name)) {
			cmd->at_start = builtins[i].stays;
			cmd->role = builtins[i].role;
			return;
		}
	}
}

/* A further word, not an assignment. */
static void continue_command(struct shell *sh, struct command *cmd, struct word w)
{
	bool name = template_name_length(w.s, w.len) == w.len;
	bool sets = false;

	cmd->words++;
	switch (cmd->role) {
	case ROLE_NAME:
		sets = true;
		cmd->role = ROLE_NONE;
		break;
	case ROLE_DECLARE:
		sets = true;
		break;
	case ROLE_READ:
		sets = true;
		cmd->skip = w.len > 1 && *w.s == '-' && is_one_of(w.s[w.len - 1], "dipC");
		break;
	case ROLE_GETOPTS:
		sets = cmd->words == 2;
		break;
	case ROLE_PRINTF:
		cmd->role = is_word(w, "-v") ? ROLE_NAME : ROLE_NONE;
		break;
	default:
		break;
	}
	if (sets && name && w.len)
		add_setting(sh, w, (size_t)(w.s - sh->s));
}

/* Length of "NAME=", "NAME+=" or "NAME[…]=" here; 0: no assignment. */
static size_t assignment_length(const struct shell *sh)
{
	size_t at = sh->at + name_at(sh, sh->at);

	if (at == sh->at)
		return 0;
	if (at < sh->end && sh->s[at] == '[') {
		const char *close = memchr(sh->s + at, ']', sh->end - at < 256 ? sh->end - at : 256);

		if (!close)
			return 0;
		at = (size_t)(close + 1 - sh->s);
	}
	at += at < sh->end && sh->s[at] == '+';
	return at < sh->end && sh->s[at] == '=' ? at + 1 - sh->at : 0;
}

static bool scan_pieces(struct shell *sh)
{
	while (sh->at < sh->end) {
		char c = sh->s[sh->at];
		unsigned char kind = characters[(unsigned char)c];

		if (kind == CHARACTER_PLAIN)
			sh->at++;
		else if (kind == CHARACTER_ENDS || (sh->in_backticks && c == '`'))
			break;
		else if (!scan_piece(sh))
			return false;
	}
	return true;
}

static bool scan_word(struct shell *sh, struct command *cmd, unsigned int *cases)
{
	bool may_assign = cmd->at_start || cmd->role == ROLE_DECLARE || cmd->role == ROLE_EXPORT;
	struct setting outer = sh->assignment;
	size_t start = sh->at, n = may_assign && !cmd->skip ? assignment_length(sh) : 0;
	struct word w;

	if (n) {
		sh->assignment = (struct setting){ { sh->s + start, name_at(sh, start) }, start };
		add_setting(sh, sh->assignment.name, start);
		skip(sh, n);
		if (peek(sh, 0) == '(' && !scan_nested(sh, ')'))
			return false;
	}
	if (!scan_pieces(sh))
		return false;
	sh->assignment = outer;
	w = (struct word){ sh->s + start, sh->at - start };
	if (cmd->skip)
		cmd->skip = false;
	else if (!n && cmd->at_start)
		begin_command(cmd, w, cases);
	else if (!n)
		continue_command(sh, cmd, w);
	return true;
}

static bool scan_redirection(struct shell *sh, struct command *cmd)
{
	if (peek(sh, 0) == '<' && peek(sh, 1) == '<' && peek(sh, 2) != '<') {
		add_heredoc(sh);
		return true;
	}
	while (sh->at < sh->end && is_one_of(peek(sh, 0), "<>&|"))
		skip(sh, 1);
	if (peek(sh, 0) == '(')
		return scan_nested(sh, ')');
	cmd->skip = true;
	return true;
}

/* Up to `terminator`, which is not consumed, or the end. */
static bool scan_commands(struct shell *sh, char terminator)
{
	static const struct command fresh = { .at_start = true };
	struct command cmd = fresh;
	unsigned int cases = 0;
	bool good = true;

	if (!deeper(sh))
		return false;
	while (good && sh->at < sh->end) {
		char c = peek(sh, 0);

		if (terminator && c == terminator && !(c == ')' && cases))
			break;
		switch (c) {
		case ' ':
		case '\t':
			skip(sh, 1);
			break;
		case '#':
			while (sh->at < sh->end && sh->s[sh->at] != '\n')
				sh->at++;
			break;
		case '\n':
			skip(sh, 1);
			cmd = fresh;
			good = scan_heredocs(sh);
			break;
		case ';':
		case '&':
		case '|':
		case ')':	/* the end of a pattern in a `case` */
			skip(sh, 1);
			cmd = fresh;
			break;
		case '(':
			if (peek(sh, 1) == '(') {
				skip(sh, 2);
				good = scan_arithmetic(sh);
			} else {
				good = scan_nested(sh, ')');
			}
			cmd = fresh;
			break;
		case '<':
		case '>':
			good = scan_redirection(sh, &cmd);
			break;
		default:
			good = scan_word(sh, &cmd, &cases);
		}
	}
	sh->depth--;
	return good;
}

/* ---- which of the references are to parameters */

static int compare_settings(const void *pa, const void *pb)
{
	const struct setting *a = pa, *b = pb;
	int by_name = memcmp(a->name.s, b->name.s, a->name.len < b->name.len ? a->name.len : b->name.len);

	if (by_name)
		return by_name;
	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Where the script first sets the variable; NOWHERE: it does not. Settings are sorted. */
static size_t first_setting(const struct shell *sh, struct word name)
{
	const struct setting key = { name, 0 };
	size_t low = 0, high = sh->settings_len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_settings(&sh->settings[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < sh->settings_len && same(sh->settings[low].name, name) ? sh->settings[low].at : NOWHERE;
}

int template_scan_shell(const char *text, size_t len, struct template_refs *ret, size_t *ret_offset, struct error *err)
{
	struct shell sh = { .s = text, .end = len };
	bool good = scan_commands(&sh, '\0');

	if (sh.settings_len)
		qsort(sh.settings, sh.settings_len, sizeof(*sh.settings), compare_settings);
	for (size_t i = 0; i < sh.found_len && (good || sh.found[i].at < sh.bad_at); i++) {
		const struct found *f = &sh.found[i];
		size_t set = first_setting(&sh, f->name);
		bool outer = f->len && (set == NOWHERE || set == f->assigned_at);
		autofree char *name = outer ? xstrndup(f->name.s, f->name.len) : NULL;

		if (outer && !template_is_shell_name(name))
			template_refs_add(ret, f->at, f->len, f->name.s, f->name.len, f->fallback.s, f->fallback.len);
	}
	free(sh.found);
	free(sh.settings);
	if (good)
		return 0;
	*ret_offset = sh.bad_at;
	return error_set(err, ERR_INVALID_INPUT, "%s", sh.bad);
}
