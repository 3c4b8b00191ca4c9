/* SPDX-License-Identifier: Apache-2.0
 * Redirections, and the here-documents that wait for the end of their line. */
#include <string.h>

#include "validators/shell/parse_parts.h"

static const struct { enum shell_redirect_op op; int fd; bool both; } redirects[] = {
	[OPERATOR_READ] = { REDIRECT_READ, 0, false },
	[OPERATOR_WRITE] = { REDIRECT_WRITE, 1, false },
	[OPERATOR_CLOBBER] = { REDIRECT_CLOBBER, 1, false },
	[OPERATOR_APPEND] = { REDIRECT_APPEND, 1, false },
	[OPERATOR_READ_WRITE] = { REDIRECT_READ_WRITE, 0, false },
	[OPERATOR_DUP_IN] = { REDIRECT_DUP_IN, 0, false },
	[OPERATOR_DUP_OUT] = { REDIRECT_DUP_OUT, 1, false },
	[OPERATOR_WRITE_BOTH] = { REDIRECT_WRITE, 1, true },
	[OPERATOR_APPEND_BOTH] = { REDIRECT_APPEND, 1, true },
	[OPERATOR_HERE_DOCUMENT] = { REDIRECT_HERE_DOCUMENT, 0, false },
	[OPERATOR_HERE_DOCUMENT_TABS] = { REDIRECT_HERE_DOCUMENT, 0, false },
	[OPERATOR_HERE_STRING] = { REDIRECT_HERE_STRING, 0, false },
};

#define NO_FD (-2)	/* none is written */
#define MAX_FD_DIGITS 9

/* What may stand before the operator: digits or {name}; returns where the operator has to be. */
static size_t read_fd(const struct parser *p, int *fd)
{
	size_t pos = p->in.pos, end;

	*fd = NO_FD;
	if (lex_at(p, pos, '{')) {
		end = lex_name_end(p, pos + 1);
		if (end == pos + 1 || !lex_at(p, end, '}'))
			return pos;
		*fd = -1;
		return end + 1;
	}
	for (end = pos; end < p->in.end && end - pos < MAX_FD_DIGITS && lex_is(p->in.s[end], CLASS_DIGIT); end++)
		*fd = (end == pos ? 0 : *fd * 10) + (p->in.s[end] - '0');
	return end;
}

static enum operator find_redirection(struct parser *p, int *fd, size_t *ret_end)
{
	size_t from = p->in.pos;
	enum operator op;

	p->in.pos = read_fd(p, fd);
	op = lex_operator(p, ret_end);
	if ((op == OPERATOR_WRITE_BOTH || op == OPERATOR_APPEND_BOTH) && p->in.pos > from)
		op = OPERATOR_NONE;
	p->in.pos = from;
	if ((op == OPERATOR_READ || op == OPERATOR_WRITE) && lex_at(p, lex_joined(p, *ret_end), '('))
		return OPERATOR_NONE;
	return op >= OPERATOR_REDIRECT ? op : OPERATOR_NONE;
}

/* >&WORD: a descriptor to copy, or a file for both? */
static bool is_descriptor(const struct shell_word *target, int fd)
{
	const struct shell_part *part = target->parts;
	size_t digits;

	if (target->len != 1)
		return false;
	if (part->kind != PART_TEXT)
		return fd != NO_FD;
	digits = strspn(part->text, "0123456789");
	return part->len && (digits == part->len || (digits + 1 == part->len && part->text[digits] == '-'));
}

/* ---- here-documents */

static void read_quoted_delimiter(struct parser *p, char quote)
{
	size_t from = p->in.pos++;

	while (p->in.pos < p->in.end && !lex_at(p, p->in.pos, quote)) {
		bool escape = quote == '"' && lex_at(p, p->in.pos, '\\') && p->in.pos + 1 < p->in.end;

		if (escape && strchr("\"\\$`", p->in.s[p->in.pos + 1]))
			p->in.pos++;
		lex_text(p, p->in.s + p->in.pos++, 1);
	}
	if (p->in.pos >= p->in.end)
		lex_problem(p, SHELL_UNTERMINATED, from, quote == '"' ? "double quote" : "single quote");
	else
		p->in.pos++;
}

static void read_delimiter(struct parser *p, struct here_document *h)
{
	size_t base = p->text.len;
	bool odd;

	while (p->in.pos < p->in.end) {
		size_t join = lex_join_len(p, p->in.pos);
		char c = p->in.s[p->in.pos];

		if (lex_is(c, CLASS_META) || lex_is_crlf(p, p->in.pos))
			break;
		h->literal |= !join && (c == '\\' || c == '\'' || c == '"');
		if (join) {
			p->in.pos += join;
		} else if (c == '\'' || c == '"') {
			read_quoted_delimiter(p, c);
		} else if (c == '$' && lex_at(p, p->in.pos + 1, '\'')) {
			p->in.pos += 2;
			h->literal = true;
			if (!lex_ansi(p, &odd))
				lex_problem(p, SHELL_UNTERMINATED, h->pos, "$'");
		} else if (c == '$' && lex_at(p, p->in.pos + 1, '"')) {
			p->in.pos++;
		} else {
			p->in.pos += c == '\\' && p->in.pos + 1 < p->in.end;
			lex_text(p, p->in.s + p->in.pos++, 1);
		}
	}
	h->delimiter_len = p->text.len - base;
	h->delimiter = lex_keep_text(p, h->delimiter_len ? p->text.items + base : "", h->delimiter_len);
	p->text.len = base;
}

/* Is the line at `pos` the delimiter? *ret_after: where reading goes on. */
static bool is_delimiter(const struct parser *p, const struct here_document *h, size_t pos, size_t *ret_after)
{
	while (h->tabs && lex_at(p, pos, '\t'))
		pos++;
	for (size_t i = 0; i < h->delimiter_len; i++, pos++) {
		pos = h->literal ? pos : lex_joined(p, pos);
		if (!lex_at(p, pos, h->delimiter[i]))
			return false;
	}
	*ret_after = pos;
	if (p->in_substitution && lex_at(p, pos, ')'))	/* $(cat <<E … E) */
		return true;
	pos += lex_is_crlf(p, pos);
	*ret_after = pos < p->in.end ? pos + 1 : pos;
	return pos >= p->in.end || lex_at(p, pos, '\n');
}

/* Behind the line at `pos`, and behind those that continue it. */
static size_t next_line(const struct parser *p, size_t pos, bool literal)
{
	for (;;) {
		const char *newline = memchr(p->in.s + pos, '\n', p->in.end - pos);
		size_t end = newline ? (size_t)(newline - p->in.s) : p->in.end, slash = end;

		if (!newline || literal)
			return newline ? end + 1 : end;
		slash -= end > pos && p->in.s[end - 1] == '\r';
		end = slash;
		while (slash > pos && p->in.s[slash - 1] == '\\')
			slash--;
		pos = (size_t)(newline - p->in.s) + 1;
		if ((end - slash) % 2 == 0)
			return pos;
	}
}

static void add_literal_lines(struct parser *p, bool tabs)
{
	while (p->in.pos < p->in.end) {
		size_t end = next_line(p, p->in.pos, true);
		bool crlf = end - p->in.pos >= 2 && lex_is_crlf(p, end - 2);

		while (tabs && lex_at(p, p->in.pos, '\t'))
			p->in.pos++;
		word_add_text(p, p->in.pos, end - 2 * crlf, true);
		if (crlf)
			word_add_text(p, end - 1, end, true);
		p->in.pos = end;
	}
}

/* The text up to `end`, which is behind its last line. */
static struct shell_word read_body(struct parser *p, const struct here_document *h, size_t end)
{
	struct reading r = { .kind = READ_TEXT, .quoted = true, .tabs = h->tabs };
	size_t from = p->in.pos;
	struct word_state outer_word = word_begin(p);
	struct source inner = p->in, outer;
	struct shell_word word;

	inner.end = end;
	outer = lex_switch(p, inner);
	while (h->tabs && !h->literal && lex_at(p, p->in.pos, '\t'))
		p->in.pos++;
	if (h->literal)
		add_literal_lines(p, h->tabs);
	else
		word_continue(p, &r);
	p->in.pos = end;
	word = word_end(p, outer_word, from);
	lex_switch_back(p, outer);
	return word;
}

static void read_here_document(struct parser *p, const struct here_document *h)
{
	size_t end = p->in.pos, after = p->in.end;
	struct shell_word body;

	while (end < p->in.end && !is_delimiter(p, h, end, &after))
		end = next_line(p, end, h->literal);
	if (end >= p->in.end) {
		lex_problem(p, SHELL_UNTERMINATED, h->pos, "here-document");
		after = end;
	}
	body = read_body(p, h, end);
	if (h->redirect)
		h->redirect->target = body;
	if (!p->full)
		p->in.pos = after;
}

void parse_here_documents(struct parser *p)
{
	size_t base = p->pending_base, len = p->pending.len;

	for (size_t i = base; i < len; i++) {
		struct here_document h = p->pending.items[i];

		p->pending_base = p->pending.len;	/* what is begun inside the text is not ours */
		read_here_document(p, &h);
		p->pending_base = base;
	}
	parse_drop_here_documents(p, len);
	p->pending.len = base;
}

void parse_drop_here_documents(struct parser *p, size_t base)
{
	for (size_t i = base; i < p->pending.len; i++)
		lex_problem(p, SHELL_UNTERMINATED, p->pending.items[i].pos, "here-document");
	p->pending.len = base;
}

/* ---- redirections */

bool parse_redirect_here(struct parser *p)
{
	struct shell_redirect redirect;
	size_t from = p->in.pos, end;
	enum operator op;
	int fd;

	op = find_redirection(p, &fd, &end);
	if (op == OPERATOR_NONE || !lex_count(p))
		return false;
	redirect = (struct shell_redirect){
		.op = redirects[op].op, .both = redirects[op].both, .fd = fd == NO_FD ? redirects[op].fd : fd,
	};
	p->in.pos = end;
	lex_skip_blanks(p);
	if (redirect.op == REDIRECT_HERE_DOCUMENT) {
		struct here_document h = { .index = p->redirects.len, .tabs = op == OPERATOR_HERE_DOCUMENT_TABS, .pos = from };

		end = p->in.pos;
		read_delimiter(p, &h);
		if (p->in.pos == end)
			lex_problem(p, SHELL_UNEXPECTED, from, "<<");
		else
			PUSH(&p->pending) = h;
	} else if (!word_read(p, WORD_BRACES, &redirect.target)) {
		lex_problem(p, SHELL_UNEXPECTED, from, "redirection");
		p->in.pos = end;
	}
	if (op == OPERATOR_DUP_OUT && redirect.target.len && !is_descriptor(&redirect.target, fd)) {
		redirect.op = REDIRECT_WRITE;
		redirect.both = fd == NO_FD || fd == 1;
	}
	redirect.offset = lex_offset(p, from);
	redirect.source_len = lex_source_len(p, from, p->in.pos);
	PUSH(&p->redirects) = redirect;
	return true;
}

void parse_keep_redirects(struct parser *p, size_t base, size_t pending, struct shell_node *node)
{
	struct shell_redirect *kept;

	KEEP(p, redirects, base, kept, node->redirects_len);
	node->redirects = kept;
	for (size_t i = pending; i < p->pending.len; i++) {
		struct here_document *h = &p->pending.items[i];

		if (!h->redirect && h->index >= base)
			h->redirect = &kept[h->index - base];
	}
}
