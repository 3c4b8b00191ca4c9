/* SPDX-License-Identifier: Apache-2.0
 * The evaluator of expressions. It only moves forward (comprehensions over short texts apart). */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_option.h"

#define PATH_MAX_BYTES 256	/* of a dotted name */

static struct code_value expression(struct code_scan *s);

static const struct code_value nothing = { .text = "" };

bool code_at_word(const struct code_scan *s, const char *word)
{
	size_t n = strlen(word);

	return s->len - s->at >= n && !memcmp(s->text + s->at, word, n) && !code_is_name(code_peek(s, n), false);
}

bool code_take_word(struct code_scan *s, const char *word)
{
	code_skip_blanks(s);
	if (!code_at_word(s, word))
		return false;
	s->at += strlen(word);
	code_skip_blanks(s);
	return true;
}

struct code_value code_name(struct code_scan *s, const char *path, size_t len)
{
	return (struct code_value){ .kind = CODE_NAME, .text = arena_strndup(s->arena, path, len), .len = len };
}

size_t code_read_name(struct code_scan *s)
{
	size_t len = 0;

	while (code_is_name(code_peek(s, len), len == 0) || (len && s->language == CODE_RUBY && strchr("?!", code_peek(s, len)) && code_peek(s, len) && code_peek(s, len + 1) != '='))
		len++;
	s->at += len;
	return len;
}

/* Expressions with commas between, up to `close`. What cannot be read ends them early. */
static void read_arguments(struct code_scan *s, char close, struct code_arguments *args)
{
	args->len = 0;
	while (code_skip_blanks(s), s->at < s->len && code_peek(s, 0) != close && args->len < CODE_MAX_ARGUMENTS) {
		size_t from = s->at, name_len = 0;
		const char *name = s->text + s->at;

		if (code_is_name(code_peek(s, 0), true) && (s->language & (CODE_PYTHON | CODE_RUBY | CODE_R | CODE_NODE))) {
			while (code_is_name(code_peek(s, name_len), false))
				name_len++;
			s->at += name_len;
			code_skip_blanks(s);
			if ((code_peek(s, 0) == '=' && !strchr("=>", code_peek(s, 1))) || (code_peek(s, 0) == ':' && code_peek(s, 1) != ':')) {
				s->at++;
			} else {
				s->at = from;
				name_len = 0;
			}
		}
		args->names[args->len] = name_len ? name : NULL;
		args->names_len[args->len] = name_len;
		args->items[args->len] = expression(s);
		if (s->at == from || (name_len && s->at == from + name_len))
			break;
		code_skip_blanks(s);
		if (code_at_word(s, "for") && args->len == 0) {
			size_t to = s->at;

			s->at += 3;
			args->items[0] = code_comprehension(s, from, to);
			args->len = 1;
			code_skip_blanks(s);
			break;
		}
		args->len++;
		if (code_peek(s, 0) == ',') {
			s->at++;
		} else if (s->language == CODE_PERL && args->len == 1 && code_peek(s, 0) && strchr("\"'$", code_peek(s, 0))) {
			continue;	/* print HANDLE "text" */
		} else if (code_peek(s, 0) == '=' && code_peek(s, 1) == '>') {	/* hashes; x => … */
			const struct code_value *parameter = &args->items[args->len - 1];

			s->at += 2;
			if (s->language == CODE_NODE && s->iterated.kind && parameter->kind == CODE_NAME && parameter->word)
				code_bind(s, s->text + from, parameter->len, &s->iterated);
		} else {
			break;
		}
	}
	if (code_peek(s, 0) == close)
		s->at++;
}

static struct code_value list_of(struct code_scan *s, const struct code_arguments *args)
{
	struct code_value *items = NULL;

	if (args->len) {
		items = arena_alloc(s->arena, args->len * sizeof(*items));
		memcpy(items, args->items, args->len * sizeof(*items));
	}
	return (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = args->len, .text = "" };
}

/* Long lists of numbers and the like: more than arguments can be. */
static struct code_value read_list(struct code_scan *s, char close)
{
	struct code_arguments args;
	struct code_value *items = NULL;
	size_t n = 0;

	do {
		size_t from = s->at;

		read_arguments(s, close, &args);
		if (args.len == 1 && args.items[0].kind == CODE_LIST && args.items[0].origin & ORIGIN_ASSEMBLED && !n)
			return args.items[0];		/* a comprehension */
		for (size_t i = 0; i < args.len && n < CODE_MAX_ITEMS; i++) {
			items = arena_append(s->arena, items, n, sizeof(*items));
			items[n++] = args.items[i];
		}
		if (s->at == from || s->text[s->at - 1] == close)
			break;
	} while (args.len == CODE_MAX_ARGUMENTS && n < CODE_MAX_ITEMS);
	return (struct code_value){ .kind = CODE_LIST, .items = items, .items_len = n, .text = "" };
}

static struct code_value call(struct code_scan *s, const struct code_value *callee, const struct code_value *receiver, char close)
{
	struct code_arguments args;

	args.len = 0;
	/* the arguments of String.fromCharCode may be many */
	if (callee->kind == CODE_NAME && callee->len >= 4 && (!strcmp(callee->text + callee->len - 4, "Code") || !strcmp(callee->text + callee->len - 4, "char"))) {
		args.items[0] = read_list(s, close);
		args.names[0] = NULL;
		args.len = 1;
	} else {
		read_arguments(s, close, &args);
	}
	if (callee->kind != CODE_NAME)
		return nothing;
	return code_call(s, callee->text, callee->len, receiver, &args);
}

/* v[…]: a slice, a member, an item */
static struct code_value subscript(struct code_scan *s, const struct code_value *v)
{
	long bounds[3] = { 0, 0, 1 };
	bool given[3] = { false, false, false };
	struct code_value index = nothing;
	size_t part = 0;

	for (; part < 3; part++) {
		code_skip_blanks(s);
		if (code_peek(s, 0) != ':' && code_peek(s, 0) != ']') {
			index = expression(s);
			given[part] = index.kind == CODE_NUMBER;
			bounds[part] = index.number > INT_MAX ? INT_MAX : index.number < INT_MIN ? INT_MIN : index.number;
			code_skip_blanks(s);
		}
		if (code_peek(s, 0) != ':')
			break;
		s->at++;
	}
	if (code_peek(s, 0) != ']')
		return nothing;
	s->at++;
	if (v->kind == CODE_NAME && index.kind == CODE_TEXT && part == 0 && !strcmp(v->text, "Dir"))
		return code_one(s, &index);	/* Dir["/etc/∗"] */
	if (v->kind == CODE_NAME && index.kind == CODE_TEXT && part == 0) {
		struct code_value dot = code_text(s, ".", 1, true, 0), path = code_concat(s, &(struct code_value){ .kind = CODE_TEXT, .text = v->text,
			.len = v->len, .known = true }, &dot);

		path = code_concat(s, &path, &index);
		return code_name(s, path.text, path.len);
	}
	if (v->kind == CODE_LIST && part == 0 && given[0]) {
		long i = bounds[0] < 0 ? bounds[0] + (long)v->items_len : bounds[0];

		return i >= 0 && (size_t)i < v->items_len ? v->items[i] : nothing;
	}
	if (v->kind == CODE_TEXT && v->known && part == 2 && given[2] && bounds[2] == -1 && !given[0] && !given[1]) {
		struct code_arguments none;
		struct code_value reversed;

		none.len = 0;
		return code_function(s, "reverse", 7, v, &none, &reversed) ? reversed : nothing;
	}
	if (v->kind == CODE_TEXT && v->known && part < 2) {
		long len = (long)v->len, from = given[0] ? bounds[0] : 0, to = part == 0 ? from + 1 : given[1] ? bounds[1] : len;

		from = from < 0 ? from + len : from;
		to = part == 0 ? from + 1 : to < 0 ? to + len : to;
		if (from < 0 || from > len || to < from)
			return nothing;
		to = to > len ? len : to;
		return code_text(s, v->text + from, (size_t)(to - from), true, v->origin | ORIGIN_ASSEMBLED);
	}
	return nothing;
}

/* What the first name of a path stands for: an import, a variable. */
static struct code_value resolve(struct code_scan *s, const char *name, size_t len)
{
	const struct code_value *v = code_variable(s, name, len, false);
	struct code_value bare = code_name(s, name, len);

	if (v && (v->kind != CODE_UNKNOWN || v->text[0]))
		return *v;
	bare.word = true;
	return bare;
}

static size_t take_member(const struct code_scan *s)
{
	if (code_peek(s, 0) == '.' && code_is_name(code_peek(s, 1), true) && !(s->language & (CODE_PERL | CODE_PHP)))
		return 1;
	if (code_peek(s, 0) == '?' && code_peek(s, 1) == '.' && code_is_name(code_peek(s, 2), true))
		return 2;
	if (((code_peek(s, 0) == '-' && code_peek(s, 1) == '>') || (code_peek(s, 0) == ':' && code_peek(s, 1) == ':')) && code_is_name(code_peek(s, 2), true))
		return 2;
	if (s->language == CODE_LUA && code_peek(s, 0) == ':' && code_is_name(code_peek(s, 1), true))
		return 1;
	return 0;
}

struct code_value code_member(struct code_scan *s, const struct code_value *v, const char *name, size_t len)
{
	char path[PATH_MAX_BYTES];

	if (v->kind == CODE_FETCHED)
		return *v;		/* .text, .content, .body of an answer */
	if (v->kind != CODE_NAME || v->len + len + 2 > sizeof(path))
		return code_name(s, name, len);
	memcpy(path, v->text, v->len);
	path[v->len] = '.';
	memcpy(path + v->len + 1, name, len);
	return code_name(s, path, v->len + 1 + len);
}

/* Calls, members and subscripts behind a value. */
static struct code_value postfix(struct code_scan *s, struct code_value v)
{
	struct code_value receiver = nothing;
	bool has_receiver = false;

	for (unsigned int n = 0; n < 1000; n++) {
		size_t skip = take_member(s), at = s->at;

		if (skip) {
			struct code_value before = v;
			const char *name;
			size_t len;

			s->at += skip;
			name = s->text + s->at;
			len = code_read_name(s);
			if ((before.kind == CODE_LIST || before.kind == CODE_TEXT) && word_in(name, len, "each forEach map each_entry"))
				s->iterated = before;
			receiver = before;
			has_receiver = before.kind != CODE_NAME || code_peek(s, 0) == '(';
			v = before.kind == CODE_NAME || before.kind == CODE_FETCHED ? code_member(s, &before, name, len) : code_name(s, name, len);
			/* a method without parentheses, as ruby has them, and properties */
			if (before.kind != CODE_NAME && code_peek(s, 0) != '(' && before.kind != CODE_FETCHED) {
				struct code_arguments none;

				none.len = 0;
				v = code_call(s, name, len, &before, &none);
			}
			continue;
		}
		if (code_peek(s, 0) == '(' && v.kind == CODE_TEXT && s->language == CODE_PHP && v.len < PATH_MAX_BYTES)
			v.kind = CODE_NAME;		/* $f("…") */
		if (code_peek(s, 0) == '(' && (v.kind == CODE_NAME || v.kind == CODE_FETCHED || v.kind == CODE_UNKNOWN)) {
			struct code_value fetched = v;

			s->at++;
			v = call(s, &v, has_receiver ? &receiver : NULL, ')');
			if (fetched.kind == CODE_FETCHED)
				v = fetched;
			has_receiver = false;
			continue;
		}
		if (code_peek(s, 0) == '[') {
			s->at++;
			v = subscript(s, &v);
			if (s->at == at + 1)
				return nothing;
			continue;
		}
		break;
	}
	return v;
}

static struct code_value number(struct code_scan *s)
{
	struct code_value v = { .kind = CODE_NUMBER, .text = "" };
	char *end;
	char digits[32];
	size_t n = 0;

	while (n + 1 < sizeof(digits) && isalnum((unsigned char)code_peek(s, n))) {
		digits[n] = code_peek(s, n);
		n++;
	}
	digits[n] = '\0';
	v.number = digits[0] == '0' && (digits[1] | 32) == 'o' ? strtol(digits + 2, &end, 8) : strtol(digits, &end, 0);
	s->at += (size_t)(end - digits);
	if (code_peek(s, 0) == '.' && isdigit((unsigned char)code_peek(s, 1)))
		for (s->at++; isdigit((unsigned char)code_peek(s, 0)); s->at++)
			;
	if (end == digits)
		s->at++;
	return v;
}

static bool starts_operand(const struct code_scan *s)
{
	char c = code_peek(s, 0);

	if (s->at >= s->len || !c)
		return false;
	if (strchr("\"'`$@[%", c) || (c == '<' && s->language == CODE_PERL))
		return true;
	return code_is_name(c, false) && !code_at_word(s, "if") && !code_at_word(s, "unless") && !code_at_word(s, "for") && !code_at_word(s, "while");
}

/* require 'x', system "rm", unlink glob "/etc/∗": arguments without parentheses */
static struct code_value bare_call(struct code_scan *s, const struct code_value *callee)
{
	struct code_arguments none;
	size_t at = s->at;

	none.len = 0;

	while (code_peek(s, 0) == ' ' || code_peek(s, 0) == '\t')
		s->at++;
	if (code_peek(s, 0) == '{' && word_in(callee->text, callee->len, "map exec system")) {	/* map { chr } …, exec { "rm" } …: the block */
		const char *end = memchr(s->text + s->at, '}', s->len - s->at < 64 ? s->len - s->at : 64);

		s->at = end ? (size_t)(end + 1 - s->text) : s->at;
		code_skip_blanks(s);
		if (end && callee->text[0] != 'm')
			return call(s, callee, NULL, ';');
		if (end && (code_peek(s, 0) == '(' || code_peek(s, 0) == '$' || code_peek(s, 0) == '@' || isdigit((unsigned char)code_peek(s, 0)))) {
			struct code_value list = expression(s);

			return code_call(s, callee->text, callee->len, &list, &none);
		}
	}
	if (s->language == CODE_PERL && (code_at_word(s, "for") || code_at_word(s, "foreach"))) {	/* unlink for LIST */
		code_read_name(s);
		return call(s, callee, NULL, ';');
	}
	if (starts_operand(s) && (s->at > at || !code_is_name(code_peek(s, 0), false))) {
		struct code_value v;
		bool in_print = s->in_print;

		s->in_print = s->language == CODE_AWK;
		v = call(s, callee, NULL, ';');
		s->in_print = in_print;
		return v;
	}
	s->at = at;
	return code_call(s, callee->text, callee->len, NULL, &none);
}

static struct code_value named(struct code_scan *s)
{
	static const char *const prefixes[] = { "new", "await", "return", "my", "our", "local", "scalar", "not", "yield", "lambda", "const", "let", "var" };
	const char *name = s->text + s->at;
	size_t len = code_read_name(s);
	struct code_value v;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strlen(prefixes[i]) != len || memcmp(prefixes[i], name, len))
			continue;
		code_skip_blanks(s);
		return expression(s);
	}
	v = resolve(s, name, len);
	/* Net::HTTP.get, FileUtils.rm_rf "x": the path first, then is it called without parentheses? */
	for (size_t skip; v.kind == CODE_NAME && (skip = take_member(s)) != 0;) {
		size_t from = s->at + skip, member = 0;

		while (code_is_name(s->at + skip + member < s->len ? s->text[from + member] : '\0', member == 0))
			member++;
		if (from + member < s->len && s->text[from + member] == '(')
			return postfix(s, v);
		s->at = from + member;
		v = code_member(s, &v, s->text + from, member);
	}
	if (v.kind == CODE_NAME && code_peek(s, 0) != '(' && code_calls_bare(s, v.text, v.len))
		return bare_call(s, &v);
	return postfix(s, v);
}

static struct code_value term(struct code_scan *s)
{
	struct code_value v = nothing;
	char c;

	code_skip_blanks(s);
	c = code_peek(s, 0);
	if (s->at >= s->len)
		return nothing;
	if (c == '"' || c == '\'' || c == '`' || (c == 'q' && s->language == CODE_PERL) || (c == '%' && s->language == CODE_RUBY) ||
	    (c == '[' && s->language == CODE_LUA) || (s->language == CODE_PYTHON && strchr("rRbBuUfF", c))) {
		size_t at = s->at;

		if (code_string(s, &v))
			return postfix(s, v);
		if (s->at != at)
			return nothing;
	}
	if (isdigit((unsigned char)c))
		return number(s);
	if (c == '[') {
		s->at++;
		return postfix(s, read_list(s, ']'));
	}
	if (c == '(') {
		struct code_arguments args;

		s->at++;
		read_arguments(s, ')', &args);
		v = args.len == 1 && s->text[s->at - 1] == ')' ? args.items[0] : list_of(s, &args);
		return postfix(s, v);
	}
	if (c == '$' || c == '@' || (c == '\\' && s->language == CODE_PERL)) {
		while (code_peek(s, 0) == '$' || code_peek(s, 0) == '@' || code_peek(s, 0) == '\\')
			s->at++;
		if (!code_is_name(code_peek(s, 0), true))
			return nothing;
		return named(s);
	}
	if (c == '<' && s->language == CODE_PERL && memchr("/~$*", code_peek(s, 1) ? code_peek(s, 1) : 'x', 4)) {	/* </etc/∗> */
		const char *end = memchr(s->text + s->at, '>', s->len - s->at < PATH_MAX_BYTES ? s->len - s->at : PATH_MAX_BYTES);

		if (!end)
			return nothing;
		v = code_text(s, s->text + s->at + 1, (size_t)(end - s->text) - s->at - 1, true, 0);
		s->at = (size_t)(end + 1 - s->text);
		return code_one(s, &v);
	}
	if (c == ':' && s->language == CODE_RUBY && code_is_name(code_peek(s, 1), true)) {	/* a symbol */
		size_t from = ++s->at, len = code_read_name(s);

		return code_text(s, s->text + from, len, true, 0);
	}
	if (c == '-' && isdigit((unsigned char)code_peek(s, 1))) {
		s->at++;
		v = number(s);
		v.number = v.number == LONG_MIN ? 0 : -v.number;
		return v;
	}
	if (c == '&' || c == '!' || c == '*') {		/* of a function, not, spread */
		s->at++;
		return code_is_name(code_peek(s, 0), true) || strchr("[($\"'", code_peek(s, 0)) ? term(s) : nothing;
	}
	return code_is_name(c, true) ? named(s) : nothing;
}

/* "cmd" | getline; print … | "cmd"; print > "file" */
bool code_awk_pipe(struct code_scan *s, const struct code_value *left)
{
	struct code_value right;

	if (code_peek(s, 0) == '|' && code_peek(s, 1) != '|') {
		s->at += 1 + (code_peek(s, 1) == '&');
		if (code_take_word(s, "getline")) {
			if (left->kind == CODE_TEXT || left->kind == CODE_NAME)
				code_emit_run(s, left);
			return true;
		}
		right = term(s);
		if (right.kind == CODE_TEXT || right.kind == CODE_NAME)
			code_emit_run(s, &right);
		if (left->kind == CODE_TEXT && code_is_shell(&right))
			code_emit(s, left);
		return true;
	}
	if (left->kind == CODE_TEXT && left->word && code_peek(s, 0) == '>') {
		bool append = code_peek(s, 1) == '>';

		s->at += 1 + append;
		right = term(s);
		if (right.kind == CODE_TEXT)
			code_emit_write(s, &right, left, append);
		return true;
	}
	return false;
}

/* getline [NAME] < "file", where getline was read as a name */
static bool awk_read(struct code_scan *s, const struct code_value *left)
{
	struct code_value file;

	if (left->kind != CODE_NAME || strcmp(left->text, "getline") != 0)
		return false;
	if (code_is_name(code_peek(s, 0), true)) {
		code_read_name(s);
		code_skip_blanks(s);
	}
	if (code_peek(s, 0) != '<')
		return false;
	s->at++;
	file = term(s);
	if (file.kind == CODE_TEXT)
		code_emit_command(s, "cat", &file, 1, "");
	return true;
}

/* Does a string or a name stand right here, which languages that join neighbours would join? */
static bool joins(const struct code_scan *s)
{
	char c = code_peek(s, 0);

	if (s->language & (CODE_PYTHON | CODE_RUBY))
		return c == '"' || c == '\'';
	return s->language == CODE_AWK && (c == '"' || c == '$' || (code_is_name(c, true) && !code_at_word(s, "getline") && !code_at_word(s, "in") && !code_at_word(s, "while")));
}

/* "a" + b + "c" … grows in one place. */
struct joining {
	struct text_out out;
	bool active;
};

static void join(struct code_scan *s, struct joining *j, struct code_value *v, const struct code_value *right)
{
	struct code_value text;

	if (!j->active && (v->kind == right->kind && v->kind != CODE_TEXT)) {
		*v = code_concat(s, v, right);
		return;
	}
	if (!j->active) {
		*v = code_to_text(s, v);
		j->out = out_init(s->arena, v->len + 16);
		out_add(&j->out, v->text, v->len);
		j->active = true;
	}
	text = code_to_text(s, right);
	out_add(&j->out, text.text, text.len);
	v->known &= text.known && !j->out.cut;
	v->origin |= text.origin | ORIGIN_ASSEMBLED;
}

static void joined(struct joining *j, struct code_value *v)
{
	if (j->active)
		v->text = out_text(&j->out, &v->len);
	j->active = false;
}

/* The width of the operator that joins what stands on its sides; 0: none. */
static size_t joining_operator(const struct code_scan *s)
{
	if (code_peek(s, 0) == '+' && code_peek(s, 1) != '+' && code_peek(s, 1) != '=')
		return 1;
	if (code_peek(s, 0) == '.' && s->language & (CODE_PERL | CODE_PHP) && code_peek(s, 1) != '.' && code_peek(s, 1) != '=')
		return 1;
	return code_peek(s, 0) == '.' && s->language == CODE_LUA && code_peek(s, 1) == '.' ? 2 : 0;
}

/* The other operators. False: there is none. */
static bool operate(struct code_scan *s, struct code_value *v)
{
	struct code_value right;

	if (code_peek(s, 0) == '%' && (s->language & (CODE_PYTHON | CODE_RUBY)) && v->kind == CODE_TEXT) {
		s->at++;
		right = term(s);
		*v = code_format(s, v, &right);
	} else if ((code_peek(s, 0) == '*' || (s->language == CODE_PERL && code_at_word(s, "x"))) && v->kind == CODE_TEXT && code_peek(s, 1) != '*') {
		s->at++;
		right = term(s);
		*v = code_repeat(s, v, right.kind == CODE_NUMBER ? right.number : -1);
	} else if (s->language == CODE_AWK && !s->in_print && (code_awk_pipe(s, v) || awk_read(s, v))) {
		*v = nothing;
	} else if (code_peek(s, 0) && strchr("-*^", code_peek(s, 0)) && !strchr("->=*", code_peek(s, 1)) && v->kind != CODE_TEXT && v->kind != CODE_LIST) {
		char c = code_peek(s, 0);
		unsigned long x, y;

		s->at++;
		right = term(s);
		x = (unsigned long)v->number;
		y = (unsigned long)right.number;
		*v = v->kind != CODE_NUMBER || right.kind != CODE_NUMBER ? nothing : (struct code_value){ .kind = CODE_NUMBER, .text = "",
			.number = (long)(c == '-' ? x - y : c == '*' ? x * y : x ^ y) };
	} else {
		return false;
	}
	return true;
}

static struct code_value operators(struct code_scan *s)
{
	struct code_value v = term(s);
	struct joining j = { .active = false };

	while (s->arena->bytes <= s->ceiling) {
		struct code_value right;
		size_t at = s->at, width;

		code_skip_blanks(s);
		width = joining_operator(s);
		if (width || (v.kind == CODE_TEXT && joins(s))) {
			size_t before = s->at;

			s->at += width;
			right = term(s);
			if (s->at == before)
				break;
			join(s, &j, &v, &right);
			continue;
		}
		joined(&j, &v);
		if (!operate(s, &v)) {
			s->at = at;
			return v;
		}
	}
	joined(&j, &v);
	return v;
}

static struct code_value expression(struct code_scan *s)
{
	struct code_value v;

	if (s->depth >= CODE_MAX_DEPTH || s->arena->bytes > s->ceiling)
		return nothing;
	s->depth++;
	v = operators(s);
	s->depth--;
	return v;
}

struct code_value code_expression(struct code_scan *s)
{
	return expression(s);
}
