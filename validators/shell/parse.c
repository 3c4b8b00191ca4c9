/* SPDX-License-Identifier: Apache-2.0
 * Lists, pipelines and simple commands: recursive descent, one function a level of the grammar. */
#include "validators/shell/parse.h"

#include <string.h>

#include "validators/shell/parse_parts.h"

#define SCAN_BUDGET(len) (8 * (len) + 4096)
#define SEQUENCE_BUDGET(len) ((len) + 4096)

/* ---- separators */

/* Behind a newline: the here-documents of the line come first. */
static void take_newline(struct parser *p)
{
	p->in.pos++;
	if (p->pending.len > p->pending_base)
		parse_here_documents(p);
}

void parse_newlines(struct parser *p)
{
	for (;;) {
		lex_skip_blanks(p);
		if (!lex_at(p, p->in.pos, '\n'))
			return;
		take_newline(p);
	}
}

static void skip_unexpected(struct parser *p, size_t end, const char *what)
{
	lex_problem(p, SHELL_UNEXPECTED, p->in.pos, what);
	p->in.pos = end;
}

static const char *const operator_names[] = {
	[OPERATOR_SEMICOLON] = ";", [OPERATOR_BRANCH] = ";;", [OPERATOR_BACKGROUND] = "&", [OPERATOR_AND] = "&&",
	[OPERATOR_OR] = "||", [OPERATOR_PIPE] = "|", [OPERATOR_PIPE_BOTH] = "|&", [OPERATOR_CLOSE] = ")",
};

/* Does a reserved word stand here that ends a list around us? One that ends none is dropped. */
static bool is_stop(struct parser *p, bool *ret_dropped)
{
	size_t end;
	enum reserved r = lex_reserved(p, &end);
	unsigned int bit = 1u << r;

	*ret_dropped = false;
	if ((p->stops & STOP_INLINE) && lex_at(p, p->in.pos, '}'))
		return true;
	if (!(bit & STOP_WORDS))
		return false;
	if (bit & p->stops)
		return true;
	skip_unexpected(p, end, "reserved word");
	*ret_dropped = true;
	return false;
}

/* Moves to the next command of the list; false: the list ends here. */
static bool next_command(struct parser *p)
{
	for (;;) {
		size_t end;
		enum operator op;
		bool dropped;

		lex_skip_blanks(p);
		if (p->in.pos >= p->in.end)
			return false;
		op = lex_operator(p, &end);
		if (op == OPERATOR_NONE) {
			if (is_stop(p, &dropped))
				return false;
			if (!dropped)
				return true;
		} else if (op == OPERATOR_NEWLINE) {
			take_newline(p);
		} else if (op >= OPERATOR_REDIRECT || op == OPERATOR_OPEN) {
			return true;
		} else if ((op == OPERATOR_CLOSE && (p->stops & STOP_PAREN)) ||
			   (op == OPERATOR_BRANCH && (p->stops & STOP_BRANCH))) {
			return false;
		} else {
			skip_unexpected(p, end, operator_names[op]);
		}
	}
}

/* ---- simple commands */

static void parse_array(struct parser *p)
{
	size_t from = p->in.pos++;
	struct shell_word word;

	for (;;) {
		lex_skip_blanks(p);
		if (lex_at(p, p->in.pos, '\n')) {
			p->in.pos++;
		} else if (word_read(p, WORD_BRACES | WORD_VALUE, &word)) {
			PUSH(&p->words) = word;
		} else if (lex_at(p, p->in.pos, ')')) {
			p->in.pos++;
			break;
		} else {
			lex_problem(p, SHELL_UNTERMINATED, from, "=(");
			break;
		}
	}
}

/* Behind NAME or NAME[…]: = or +=; *ret_end behind that. */
static bool is_assignment_operator(const struct parser *p, size_t pos, bool *append, size_t *ret_end)
{
	pos = lex_joined(p, pos);
	*append = lex_at(p, pos, '+');
	if (*append)
		pos = lex_joined(p, pos + 1);
	*ret_end = pos + 1;
	return lex_at(p, pos, '=');
}

/* Is there ]= for the [ at `pos` before the command ends? What only looks like it is read as a word, after a bounded look. */
static bool has_index(struct parser *p, size_t pos)
{
	size_t depth = 0, from = pos, end = p->in.end;
	bool append;

	if (end - pos > p->scan_budget)
		end = pos + p->scan_budget;
	for (; pos < end && !strchr("\n;|&", p->in.s[pos]); pos++) {
		depth += p->in.s[pos] == '[';
		if (p->in.s[pos] == ']' && !--depth)
			break;
	}
	p->scan_budget -= pos - from;
	return pos < end && lex_at(p, pos, ']') && is_assignment_operator(p, pos + 1, &append, &end);
}

enum first_word { NO_ASSIGNMENT, ASSIGNMENT, WORD_WITH_INDEX };

static void read_value(struct parser *p, struct shell_assignment *a, size_t pos)
{
	size_t base = p->words.len;

	p->in.pos = pos;
	a->value.offset = lex_offset(p, pos);
	if (lex_at(p, pos, '(')) {
		a->array = true;
		parse_array(p);
		KEEP(p, words, base, a->words, a->words_len);
	} else {
		word_read(p, WORD_VALUE, &a->value);
	}
	a->source_len = lex_offset(p, p->in.pos - 1) + 1 - a->offset;
}

static enum first_word read_indexed(struct parser *p, size_t name_end, struct shell_assignment *a, struct shell_word *word)
{
	struct reading index = { .kind = READ_INDEX }, rest = { .kind = READ_WORD, .flags = WORD_BRACES };
	size_t from = p->in.pos, inside = lex_joined(p, name_end) + 1, end;
	struct word_state outer = word_begin(p);

	word_add_text(p, from, inside, false);
	p->in.pos = inside;
	word_continue(p, &index);
	if (!lex_at(p, p->in.pos, ']') || !is_assignment_operator(p, p->in.pos + 1, &a->append, &end)) {
		word_continue(p, &rest);
		*word = word_end(p, outer, from);
		return WORD_WITH_INDEX;
	}
	a->index = lex_keep_expression(p, inside, p->in.pos, NULL);
	*word = word_end(p, outer, from);
	a->index_word = lex_keep(p, word, 1, sizeof(*word));
	read_value(p, a, end);
	return ASSIGNMENT;
}

/* A name, and something that can be the begin of an operator or of a line continuation. */
static bool begins_assignment(const struct parser *p)
{
	size_t pos = p->in.pos;

	while (pos < p->in.end && lex_is(p->in.s[pos], CLASS_NAME | CLASS_DIGIT))
		pos++;
	return pos < p->in.end && (p->in.s[pos] == '=' || p->in.s[pos] == '+' || p->in.s[pos] == '[' || p->in.s[pos] == '\\');
}

static enum first_word read_assignment(struct parser *p, struct shell_assignment *a, struct shell_word *word)
{
	size_t name_end = lex_name_end(p, p->in.pos), from = p->in.pos, end;
	bool indexed;

	if (name_end == from)
		return NO_ASSIGNMENT;
	indexed = lex_at(p, lex_joined(p, name_end), '[') && has_index(p, lex_joined(p, name_end));
	if (!indexed && !is_assignment_operator(p, name_end, &a->append, &end))
		return NO_ASSIGNMENT;
	a->name = lex_keep_source(p, from, name_end, NULL);
	a->offset = lex_offset(p, from);
	if (indexed)
		return read_indexed(p, name_end, a, word);
	read_value(p, a, end);
	return ASSIGNMENT;
}

static bool read_first_word(struct parser *p, struct shell_word *word, bool *assigned)
{
	struct shell_assignment assignment = { 0 };

	switch (read_assignment(p, &assignment, word)) {
	case ASSIGNMENT:
		PUSH(&p->assignments) = assignment;
		*assigned = true;
		return true;
	case WORD_WITH_INDEX:
		return true;
	case NO_ASSIGNMENT:
		break;
	}
	return word_read(p, WORD_BRACES, word);
}

static bool read_next_word(struct parser *p, bool first)
{
	bool assigned = false;
	struct shell_word word;

	/* an assignment begins with a name: most words do not */
	if (first && begins_assignment(p) ? !read_first_word(p, &word, &assigned) : !word_read(p, WORD_BRACES, &word))
		return false;
	if (!assigned)
		PUSH(&p->words) = word;
	return true;
}

static void parse_simple(struct parser *p, struct shell_node *node)
{
	size_t words = p->words.len, assignments = p->assignments.len, redirects = p->redirects.len, pending = p->pending.len;
	size_t from = p->in.pos, end = from, after;

	for (;;) {
		bool only_word = p->words.len == words + 1 && p->assignments.len == assignments && p->redirects.len == redirects;

		lex_skip_blanks(p);
		if (p->in.pos >= p->in.end)
			break;
		if (only_word && lex_is_empty_parens(p, &after)) {
			node->name = lex_keep_source(p, from, end, NULL);
			p->words.len = words;
			p->in.pos = after;
			parse_function_body(p, node, from);
			return;
		}
		if (!parse_redirect(p) && !read_next_word(p, p->words.len == words))
			break;
		end = p->in.pos;
	}
	KEEP(p, words, words, node->words, node->words_len);
	KEEP(p, assignments, assignments, node->assignments, node->assignments_len);
	parse_keep_redirects(p, redirects, pending, node);
	node->offset = lex_offset(p, from);
	node->source_len = lex_source_len(p, from, end);
}

/* ---- pipelines and lists */

bool parse_command(struct parser *p, struct shell_node *node)
{
	size_t end = 0, from;
	enum reserved r;

	lex_skip_blanks(p);
	from = p->in.pos;
	*node = (struct shell_node){ .kind = COMMAND_SIMPLE };
	if (!lex_count(p))
		return false;
	r = lex_reserved(p, &end);
	if (!parse_compound(p, r, end, node))
		parse_simple(p, node);
	return p->in.pos > from;
}

/* `time`, when it is the reserved word: GNU time has other options than -p. */
static bool take_time(struct parser *p, size_t end)
{
	size_t from = p->in.pos;

	p->in.pos = end;
	lex_skip_blanks(p);
	if (!lex_at(p, p->in.pos, '-'))
		return true;
	if (lex_at(p, p->in.pos + 1, 'p') && (p->in.pos + 2 >= p->in.end || lex_is(p->in.s[p->in.pos + 2], CLASS_META))) {
		p->in.pos += 2;
		return true;
	}
	p->in.pos = from;
	return false;
}

/* coproc [NAME] command: a name only stands before a compound command. */
static void take_coproc(struct parser *p, size_t end)
{
	size_t from;

	p->in.pos = end;
	lex_skip_blanks(p);
	from = p->in.pos;
	if (lex_reserved(p, &end) != RESERVED_NONE)
		return;
	p->in.pos = lex_name_end(p, from);
	lex_skip_blanks(p);
	if (!lex_at(p, p->in.pos, '(') && lex_reserved(p, &end) == RESERVED_NONE)
		p->in.pos = from;
}

static void take_prefixes(struct parser *p, struct shell_pipeline *pipeline)
{
	for (;;) {
		size_t end;
		enum reserved r;

		lex_skip_blanks(p);
		r = lex_reserved(p, &end);
		if (r == RESERVED_NOT) {
			pipeline->negated = !pipeline->negated;
			p->in.pos = end;
		} else if (r == RESERVED_COPROC) {
			pipeline->background = true;
			take_coproc(p, end);
		} else if (r != RESERVED_TIME || !take_time(p, end)) {
			return;
		}
	}
}

static void parse_pipeline(struct parser *p, struct shell_pipeline *pipeline)
{
	size_t base = p->nodes.len, end;

	take_prefixes(p, pipeline);
	for (;;) {
		struct shell_node node;
		bool read = parse_command(p, &node);
		enum operator op;

		if (!read && p->nodes.len > base)
			lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "|");
		if (read || p->nodes.len == base)
			PUSH(&p->nodes) = node;
		lex_skip_blanks(p);
		op = lex_operator(p, &end);
		if (op != OPERATOR_PIPE && op != OPERATOR_PIPE_BOTH)
			break;
		pipeline->pipe_stderr |= op == OPERATOR_PIPE_BOTH;
		p->in.pos = end;
		parse_newlines(p);
	}
	KEEP(p, nodes, base, pipeline->nodes, pipeline->len);
}

/* What joins the pipeline to the next one; a & puts all that is joined by && and || into the background. */
static enum operator take_separator(struct parser *p, size_t base)
{
	size_t end, i = p->pipelines.len;
	enum operator op;

	lex_skip_blanks(p);
	op = lex_operator(p, &end);
	switch (op) {
	case OPERATOR_BACKGROUND:
		while (i > base) {
			struct shell_pipeline *pipeline = &p->pipelines.items[--i];

			pipeline->background = true;
			if (!pipeline->after_and && !pipeline->after_or)
				break;
		}
		break;
	case OPERATOR_AND: case OPERATOR_OR: case OPERATOR_SEMICOLON:
		break;
	default:
		return OPERATOR_NONE;
	}
	p->in.pos = end;
	return op;
}

/* Nothing at all: a lone `!`, or an opening word that was dropped for depth. */
static bool is_empty(const struct shell_node *node)
{
	return node->kind == COMMAND_SIMPLE && !node->words_len && !node->assignments_len && !node->redirects_len;
}

const struct shell_list *parse_list(struct parser *p, unsigned int stops)
{
	struct shell_list *list = arena_alloc(p->arena, sizeof(*list));
	size_t base = p->pipelines.len, end;
	unsigned int outer = p->stops;
	enum operator joined = OPERATOR_NONE;

	p->stops |= stops;
	while (next_command(p)) {
		struct shell_pipeline pipeline = { .after_and = joined == OPERATOR_AND, .after_or = joined == OPERATOR_OR };
		size_t from = p->in.pos;

		parse_pipeline(p, &pipeline);
		if (pipeline.len > 1 || !is_empty(pipeline.nodes))
			PUSH(&p->pipelines) = pipeline;
		joined = take_separator(p, base);
		if (joined == OPERATOR_NONE && p->in.pos < p->in.end && lex_operator(p, &end) == OPERATOR_NONE)
			lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "word");
		if (p->in.pos == from)
			skip_unexpected(p, from + 1, "character");
	}
	if (joined == OPERATOR_AND || joined == OPERATOR_OR)
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, operator_names[joined]);
	p->stops = outer;
	KEEP(p, pipelines, base, list->pipelines, list->len);
	return list;
}

const struct shell_list *parse_inner(struct parser *p, unsigned int stops)
{
	unsigned int outer = p->stops;
	size_t pending = p->pending_base;
	const struct shell_list *list;

	p->stops = 0;
	p->pending_base = p->pending.len;
	list = parse_list(p, stops);
	p->stops = outer;
	p->pending_base = pending;
	return list;
}

/* Shells drop NUL bytes: r\0m is rm. The same text without them, and a map to where its bytes stand. */
static struct source without_nuls(struct arena *arena, const struct source *outer)
{
	struct source inner = { .outer = outer };
	struct lex_map *map;
	size_t runs = 1;
	char *copy = arena_alloc(arena, outer->end + 1);

	for (size_t i = 0; i < outer->end; i++)
		runs += outer->s[i] && (!i || !outer->s[i - 1]);
	map = arena_alloc(arena, runs * sizeof(*map));
	for (size_t i = 0; i < outer->end; i++) {
		if (!outer->s[i])
			continue;
		if (!i || !outer->s[i - 1])
			map[inner.map_len++] = (struct lex_map){ .at = inner.end, .outer = i };
		copy[inner.end++] = outer->s[i];
	}
	inner.map_len += !inner.map_len;
	inner.map = map;
	inner.s = copy;
	return inner;
}

struct shell_script shell_parse(struct arena *arena, const char *text, size_t len)
{
	const struct source whole = { .s = text, .end = len };
	struct parser p = {
		.arena = arena, .in = len && memchr(text, '\0', len) ? without_nuls(arena, &whole) : whole,
		.scan_budget = SCAN_BUDGET(len), .sequence_budget = SEQUENCE_BUDGET(len),
	};
	struct shell_script script = { .body = parse_list(&p, 0) };

	parse_drop_here_documents(&p, 0);
	script.problems = p.problems;
	script.problems_len = p.problems_len;
	arena_release(&p.stacks);
	return script;
}
