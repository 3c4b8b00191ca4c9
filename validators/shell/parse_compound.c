/* SPDX-License-Identifier: Apache-2.0
 * Compound commands. Each begins at its reserved word; what is missing is a problem, and the body is kept. Past the ceiling of
 * depth the opening word is dropped and the rest is read on the level that we are on. */
#include "validators/shell/parse_parts.h"

/* The reserved word here, when it is one of `wanted`; it is taken. */
static enum reserved take(struct parser *p, unsigned int wanted)
{
	size_t end;
	enum reserved r = lex_reserved(p, &end);

	if (r == RESERVED_NONE || !(wanted & 1u << r))
		return RESERVED_NONE;
	p->in.pos = end;
	return r;
}

static void take_end(struct parser *p, unsigned int wanted, size_t from, const char *what)
{
	if (take(p, wanted) == RESERVED_NONE)
		lex_problem(p, SHELL_UNTERMINATED, from, what);
}

static void add_list(struct parser *p, unsigned int stops)
{
	const struct shell_list *list = parse_list(p, stops);

	PUSH(&p->bodies) = list;
}

/* do … done, or { … } as bash has it for loops */
static void add_loop_body(struct parser *p, size_t from, const char *what)
{
	parse_newlines(p);
	if (take(p, STOP(OPEN))) {
		add_list(p, STOP(CLOSE));
		take_end(p, STOP(CLOSE), from, what);
		return;
	}
	if (!take(p, STOP(DO)))
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, what);
	add_list(p, STOP(DONE));
	take_end(p, STOP(DONE), from, what);
}

static void parse_if(struct parser *p, struct shell_node *node, size_t from)
{
	const unsigned int stops = STOP(THEN) | STOP(ELIF) | STOP(ELSE) | STOP(FI);
	enum reserved r;

	node->kind = COMMAND_IF;
	do {
		add_list(p, stops);
		if (!take(p, STOP(THEN)))
			lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "if");
		add_list(p, stops);
		r = take(p, STOP(ELIF) | STOP(ELSE) | STOP(FI));
	} while (r == RESERVED_ELIF);
	if (r == RESERVED_ELSE) {
		add_list(p, STOP(FI));
		r = take(p, STOP(FI));
	}
	if (r != RESERVED_FI)
		lex_problem(p, SHELL_UNTERMINATED, from, "if");
}

static void parse_while(struct parser *p, struct shell_node *node, size_t from)
{
	node->kind = COMMAND_WHILE;
	add_list(p, STOP(DO) | STOP(DONE));
	if (!take(p, STOP(DO)))
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "while");
	add_list(p, STOP(DONE));
	take_end(p, STOP(DONE), from, "while");
}

static void parse_until(struct parser *p, struct shell_node *node, size_t from)
{
	parse_while(p, node, from);
	node->kind = COMMAND_UNTIL;
}

/* A name as written: everything up to a blank or operator. */
static const char *take_name(struct parser *p)
{
	size_t from = p->in.pos;

	while (p->in.pos < p->in.end && !lex_is(p->in.s[p->in.pos], CLASS_META) && !lex_is_crlf(p, p->in.pos)) {
		size_t join = lex_join_len(p, p->in.pos);

		p->in.pos += join ? join : 1;
	}
	return lex_keep_source(p, from, p->in.pos, NULL);
}

/* Words of a line into the node. */
static void take_words(struct parser *p, struct shell_node *node)
{
	size_t base = p->words.len;
	struct shell_word word;

	for (lex_skip_blanks(p); word_read(p, WORD_BRACES, &word); lex_skip_blanks(p))
		PUSH(&p->words) = word;
	KEEP(p, words, base, node->words, node->words_len);
}

/* The range as the only word of the node: substitutions in arithmetic are run. */
static void keep_arithmetic(struct parser *p, struct shell_node *node, size_t from, size_t to)
{
	node->words = expand_range(p, from, to);
	node->words_len = 1;
}

static bool take_double_paren(struct parser *p, struct shell_node *node)
{
	size_t second = lex_joined(p, p->in.pos + 1), end;

	if (!lex_at(p, p->in.pos, '(') || !lex_at(p, second, '(') || !expand_is_arithmetic(p, second + 1, &end))
		return false;
	keep_arithmetic(p, node, second + 1, end);
	p->in.pos = p->full ? p->in.pos : lex_joined(p, end + 1) + 1;
	return true;
}

static void parse_for(struct parser *p, struct shell_node *node, size_t from)
{
	size_t end;

	lex_skip_blanks(p);
	if (take_double_paren(p, node)) {
		node->kind = COMMAND_FOR_ARITHMETIC;
	} else {
		node->kind = COMMAND_FOR;
		node->name = take_name(p);
		if (!node->name[0])
			lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "for");
		parse_newlines(p);
		node->in_words = take(p, STOP(IN));
		if (node->in_words)
			take_words(p, node);
	}
	lex_skip_blanks(p);
	if (lex_operator(p, &end) == OPERATOR_SEMICOLON)
		p->in.pos = end;
	add_loop_body(p, from, "for");
}

/* One branch: ( PATTERN | PATTERN ) list ;; – patterns go onto the stack of words. */
static void parse_branch(struct parser *p)
{
	size_t begin = p->in.pos, end;
	struct shell_word pattern;

	if (lex_at(p, p->in.pos, '('))
		p->in.pos++;
	for (;;) {
		lex_skip_blanks(p);
		if (word_read(p, 0, &pattern))
			PUSH(&p->words) = pattern;
		lex_skip_blanks(p);
		if (!lex_at(p, p->in.pos, '|'))
			break;
		p->in.pos++;
	}
	if (lex_at(p, p->in.pos, ')'))
		p->in.pos++;
	else
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "case");
	add_list(p, STOP_BRANCH | STOP(ESAC));
	if (lex_operator(p, &end) == OPERATOR_BRANCH)
		p->in.pos = end;
	else if (p->in.pos == begin && p->in.pos < p->in.end)
		p->in.pos++;
}

static void parse_case(struct parser *p, struct shell_node *node, size_t from)
{
	size_t words = p->words.len, end;
	struct shell_word subject;

	node->kind = COMMAND_CASE;
	lex_skip_blanks(p);
	if (word_read(p, 0, &subject))
		PUSH(&p->words) = subject;
	else
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "case");
	parse_newlines(p);
	if (!take(p, STOP(IN)))
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "case");
	for (;;) {
		parse_newlines(p);
		if (p->in.pos >= p->in.end || lex_reserved(p, &end) == RESERVED_ESAC)
			break;
		if (lex_operator(p, &end) == OPERATOR_CLOSE)
			break;
		parse_branch(p);
	}
	take_end(p, STOP(ESAC), from, "case");
	KEEP(p, words, words, node->words, node->words_len);
}

static void parse_group(struct parser *p, struct shell_node *node, size_t from)
{
	node->kind = COMMAND_GROUP;
	add_list(p, STOP(CLOSE));
	take_end(p, STOP(CLOSE), from, "{");
}

static void add_operator_word(struct parser *p, size_t end)
{
	size_t from = p->in.pos;
	struct word_state outer = word_begin(p);
	struct shell_word word;

	word_add_text(p, from, end, false);
	p->in.pos = end;
	word = word_end(p, outer, from);
	PUSH(&p->words) = word;
}

/* [[ … ]]: operators are words too */
static void parse_test(struct parser *p, struct shell_node *node, size_t from)
{
	size_t base = p->words.len;
	bool regex = false, ended = false;
	enum operator op;

	node->kind = COMMAND_TEST;
	while (!ended) {
		struct shell_word word;
		size_t end;

		parse_newlines(p);
		if (p->in.pos >= p->in.end)
			break;
		if (word_read(p, regex ? WORD_REGEX : 0, &word)) {
			const struct shell_part *part = word.parts;
			bool bare = word.len == 1 && part->kind == PART_TEXT && !part->quoted && part->len == 2;

			ended = bare && part->text[0] == ']' && part->text[1] == ']';
			regex = bare && part->text[0] == '=' && part->text[1] == '~';
			if (!ended)
				PUSH(&p->words) = word;
			continue;
		}
		op = lex_operator(p, &end);
		if (op == OPERATOR_NONE || op == OPERATOR_SEMICOLON)
			break;
		add_operator_word(p, end);
	}
	if (!ended)
		lex_problem(p, SHELL_UNTERMINATED, from, "[[");
	KEEP(p, words, base, node->words, node->words_len);
}

static void parse_parens(struct parser *p, struct shell_node *node, size_t from)
{
	if (take_double_paren(p, node)) {
		node->kind = COMMAND_ARITHMETIC_COMMAND;
		return;
	}
	node->kind = COMMAND_SUBSHELL;
	p->in.pos++;
	add_list(p, STOP_PAREN);
	if (lex_at(p, p->in.pos, ')'))
		p->in.pos++;
	else
		lex_problem(p, SHELL_UNTERMINATED, from, "(");
}

/* A body that is any command: wrapped into a list. */
static void add_command_body(struct parser *p, struct shell_node *body)
{
	struct shell_pipeline pipeline = { .nodes = lex_keep(p, body, 1, sizeof(*body)), .len = 1 };
	struct shell_list list = { .pipelines = lex_keep(p, &pipeline, 1, sizeof(pipeline)), .len = 1 };

	PUSH(&p->bodies) = lex_keep(p, &list, 1, sizeof(list));
}

static void keep_bodies(struct parser *p, struct shell_node *node, size_t base, size_t from)
{
	const struct shell_list **kept;

	KEEP(p, bodies, base, kept, node->bodies_len);
	node->bodies = kept;
	node->offset = lex_offset(p, from);
	node->source_len = lex_source_len(p, from, p->in.pos);
}

void parse_function_body(struct parser *p, struct shell_node *node, size_t from)
{
	size_t bodies = p->bodies.len, end;
	struct shell_node body;
	enum reserved r;

	if (!lex_enter(p, from, "function"))
		return;
	node->kind = COMMAND_FUNCTION;
	parse_newlines(p);
	r = lex_reserved(p, &end);
	if (r == RESERVED_NONE && lex_at(p, p->in.pos, '{')) {	/* f(){x;} is refused, but what was meant is clear */
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "{");
		body = (struct shell_node){ .kind = COMMAND_SIMPLE };
		parse_compound(p, RESERVED_OPEN, p->in.pos + 1, &body);
		add_command_body(p, &body);
	} else if (parse_command(p, &body)) {
		if (body.kind == COMMAND_SIMPLE)
			lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "function");
		add_command_body(p, &body);
	} else {
		lex_problem(p, SHELL_UNTERMINATED, from, "function");
		body = (struct shell_node){ .kind = COMMAND_SIMPLE, .offset = lex_offset(p, p->in.pos) };
		add_command_body(p, &body);
	}
	lex_leave(p);
	keep_bodies(p, node, bodies, from);
}

static void parse_function(struct parser *p, struct shell_node *node, size_t from)
{
	size_t end;

	lex_skip_blanks(p);
	node->name = take_name(p);
	lex_skip_blanks(p);
	if (lex_is_empty_parens(p, &end))
		p->in.pos = end;
	parse_function_body(p, node, from);
}

typedef void compound_parser(struct parser *p, struct shell_node *node, size_t from);
static const struct { compound_parser *parse; const char *what; } compounds[RESERVED_LEN] = {
	[RESERVED_NONE] = { parse_parens, "(" },
	[RESERVED_IF] = { parse_if, "if" },
	[RESERVED_WHILE] = { parse_while, "while" },
	[RESERVED_UNTIL] = { parse_until, "until" },
	[RESERVED_FOR] = { parse_for, "for" },
	[RESERVED_SELECT] = { parse_for, "select" },
	[RESERVED_CASE] = { parse_case, "case" },
	[RESERVED_OPEN] = { parse_group, "{" },
	[RESERVED_TEST] = { parse_test, "[[" },
};

bool parse_compound(struct parser *p, enum reserved r, size_t end, struct shell_node *node)
{
	size_t from = p->in.pos, bodies = p->bodies.len, redirects = p->redirects.len, pending;

	if (r == RESERVED_NONE ? !lex_at(p, from, '(') : !compounds[r].parse && r != RESERVED_FUNCTION)
		return false;
	p->in.pos = r == RESERVED_NONE ? from : end;
	if (r == RESERVED_FUNCTION) {
		parse_function(p, node, from);
		return true;
	}
	if (!lex_enter(p, from, compounds[r].what)) {
		p->in.pos += r == RESERVED_NONE;
		return true;
	}
	compounds[r].parse(p, node, from);
	lex_leave(p);
	for (end = p->in.pos, pending = p->pending.len, lex_skip_blanks(p); parse_redirect(p); lex_skip_blanks(p))
		end = p->in.pos;
	parse_keep_redirects(p, redirects, pending, node);
	p->in.pos = end;
	keep_bodies(p, node, bodies, from);
	return true;
}
