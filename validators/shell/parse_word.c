/* SPDX-License-Identifier: Apache-2.0
 * Words: runs of ordinary characters are taken at once; what means something has a handler. Quotes become parts with `quoted`;
 * pieces that touch are joined when the word is built. */
#include <string.h>

#include "validators/shell/parse_parts.h"

/* ---- pieces */

static struct piece *last_piece(struct parser *p)
{
	return p->pieces.len > p->word_base ? &p->pieces.items[p->pieces.len - 1] : NULL;
}

/* Text with a blank or a pattern in it has its quotes for a reason: -S'a b'. */
static bool needs_quotes(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lex_is(text[i], CLASS_META | CLASS_BARE | CLASS_BRACE | CLASS_BRACKET) || text[i] == '*' || text[i] == '?')
			return true;
	return false;
}

/* Does this quote split a run of letters (r'm', "r"m, r''m) for nothing? The one that is quoted says so. */
static bool is_odd_seam(struct parser *p, struct piece *last, size_t text_at, bool quoted)
{
	bool letter = text_at < p->text.len && lex_is(p->text.items[text_at], CLASS_ALNUM);
	bool before = text_at && lex_is(p->text.items[text_at - 1], CLASS_ALNUM);

	if (!p->seam || !last || last->part.kind != PART_TEXT)
		return false;
	if (!last->part.len)
		return letter;
	if (text_at == p->text.len)
		return before;
	if (!letter || !before || (!quoted && !last->part.quoted))
		return false;
	if (quoted)
		return !needs_quotes(p->text.items + text_at, p->text.len - text_at);
	last->part.odd_quoting |= !needs_quotes(p->text.items + last->text_at, last->part.len);
	return false;
}

/* What was put on the stack of texts since `text_at` stands from..to in the source. */
static void add_piece(struct parser *p, size_t text_at, size_t from, size_t to, bool quoted, bool odd)
{
	struct piece *last = last_piece(p);
	size_t offset = lex_offset(p, from);

	odd |= is_odd_seam(p, last, text_at, quoted);
	if (last && last->part.kind == PART_TEXT && !p->seam && !last->mark && last->part.quoted == quoted) {
		last->part.len += p->text.len - text_at;
		last->part.source_len = offset + lex_source_len(p, from, to) - last->part.offset;
		last->part.odd_quoting |= odd;
		return;
	}
	p->seam = false;
	if (!lex_count(p))
		return;
	PUSH(&p->pieces) = (struct piece){
		.part = { .kind = PART_TEXT, .quoted = quoted, .odd_quoting = odd, .len = p->text.len - text_at, .offset = offset,
			  .source_len = lex_source_len(p, from, to) },
		.text_at = text_at,
	};
}

void word_add_text(struct parser *p, size_t from, size_t to, bool quoted)
{
	size_t text_at = p->text.len;

	lex_text(p, p->in.s + from, to - from);
	add_piece(p, text_at, from, to, quoted, false);
}

void word_add_part(struct parser *p, struct shell_part *part, size_t from)
{
	p->seam = false;
	if (!lex_count(p))
		return;
	part->offset = lex_offset(p, from);
	part->source_len = lex_source_len(p, from, p->in.pos);
	PUSH(&p->pieces) = (struct piece){ .part = *part, .text_at = p->text.len };
}

static bool is_empty_text(const struct piece *piece)
{
	return piece->part.kind == PART_TEXT && !piece->part.len;
}

/* Can `next` be appended to `last`? Empty quotes always: what they stood in remembers that they were odd. */
static bool join_pieces(struct piece *last, const struct piece *next)
{
	struct shell_part *a = &last->part;
	const struct shell_part *b = &next->part;

	if (a->kind != PART_TEXT || b->kind != PART_TEXT || (a->quoted != b->quoted && a->len && b->len))
		return false;
	if (!a->len)
		last->text_at = next->text_at;
	if (b->len)
		a->quoted = b->quoted;
	a->len += b->len;
	a->odd_quoting |= b->odd_quoting;
	a->source_len = b->offset + b->source_len - a->offset;
	return true;
}

struct shell_word word_build(struct parser *p, size_t from_piece, size_t to_piece)
{
	struct piece *pieces = p->pieces.items;
	size_t len = from_piece, n = 0;
	struct shell_part *parts;

	for (size_t i = from_piece; i < to_piece; i++)
		if (len == from_piece || !join_pieces(&pieces[len - 1], &pieces[i]))
			pieces[len++] = pieces[i];
	if (len == from_piece)
		return (struct shell_word){ 0 };
	parts = arena_alloc(p->arena, (len - from_piece) * sizeof(*parts));
	for (size_t i = from_piece; i < len; i++) {
		struct piece *piece = &pieces[i];

		if (is_empty_text(piece) && len - from_piece > 1)
			continue;
		if (is_empty_text(piece))
			piece->part.text = "";
		else if (piece->part.kind == PART_TEXT)
			piece->part.text = lex_keep_text(p, p->text.items + piece->text_at, piece->part.len);
		parts[n++] = piece->part;
	}
	return (struct shell_word){ .parts = parts, .len = n };
}

struct word_state word_begin(struct parser *p)
{
	struct word_state outer = {
		.word_base = p->word_base, .brace_base = p->brace_base, .seam = p->seam,
		.text_base = p->text.len, .comma_base = p->commas.len,
	};

	p->word_base = p->pieces.len;
	p->brace_base = p->braces.len;
	p->seam = false;
	return outer;
}

struct shell_word word_end(struct parser *p, struct word_state outer, size_t from)
{
	struct shell_word word = word_build(p, p->word_base, p->pieces.len);

	word.offset = lex_offset(p, from);
	word.source_len = lex_source_len(p, from, p->in.pos);
	p->pieces.len = p->word_base;
	p->braces.len = p->brace_base;
	p->text.len = outer.text_base;
	p->commas.len = outer.comma_base;
	p->word_base = outer.word_base;
	p->brace_base = outer.brace_base;
	p->seam = outer.seam;
	return word;
}

/* ---- quotes */

/* The pieces from `first` on stood in the quotes that began at `from` and end here: the outer ones take them in. */
static void close_quotes(struct parser *p, size_t first, size_t from)
{
	struct shell_part *part;

	p->seam = true;
	if (p->pieces.len == first) {
		add_piece(p, p->text.len, from, p->in.pos, true, false);
		p->seam = true;
		return;
	}
	part = &p->pieces.items[first].part;
	if (part->kind == PART_TEXT) {
		part->source_len += part->offset - lex_offset(p, from);
		part->offset = lex_offset(p, from);
	}
	part = &p->pieces.items[p->pieces.len - 1].part;
	if (part->kind == PART_TEXT)
		part->source_len = lex_offset(p, p->in.pos - 1) + 1 - part->offset;
}

static void read_single(struct parser *p)
{
	size_t from = p->in.pos++, first = p->pieces.len;
	const char *close = memchr(p->in.s + p->in.pos, '\'', p->in.end - p->in.pos);
	size_t end = close ? (size_t)(close - p->in.s) : p->in.end;

	p->seam = true;
	while (p->in.pos < end) {
		const char *cr = memchr(p->in.s + p->in.pos, '\r', end - p->in.pos);
		size_t stop = cr ? (size_t)(cr - p->in.s) : end;

		if (cr && !lex_is_crlf(p, stop))
			stop++;
		if (stop > p->in.pos)
			word_add_text(p, p->in.pos, stop, true);
		p->in.pos = stop + (stop < end && lex_is_crlf(p, stop));
	}
	if (close)
		p->in.pos++;
	else
		lex_problem(p, SHELL_UNTERMINATED, from, "single quote");
	close_quotes(p, first, from);
}

static void read_double(struct parser *p, size_t from)
{
	size_t first = p->pieces.len;

	if (!lex_enter(p, from, "double quote")) {
		word_add_text(p, p->in.pos, p->in.pos + 1, false);
		p->in.pos++;
		return;
	}
	p->in.pos++;
	p->seam = true;
	word_continue(p, &(struct reading){ .kind = READ_QUOTES, .quoted = true });
	if (p->in.pos < p->in.end)
		p->in.pos++;
	else
		lex_problem(p, SHELL_UNTERMINATED, from, "double quote");
	close_quotes(p, first, from);
	lex_leave(p);
}

static void read_ansi(struct parser *p, size_t from)
{
	size_t first = p->pieces.len, text_at = p->text.len;
	bool odd;

	p->in.pos++;
	if (!lex_ansi(p, &odd))
		lex_problem(p, SHELL_UNTERMINATED, from, "$'");
	p->seam = true;
	if (p->text.len > text_at)
		add_piece(p, text_at, from, p->in.pos, true, odd);
	close_quotes(p, first, from);
}

static void read_dollar(struct parser *p, const struct reading *r)
{
	size_t from = p->in.pos, next = lex_joined(p, from + 1);

	if (!r->quoted && lex_at(p, next, '\'')) {
		p->in.pos = next;
		read_ansi(p, from);
	} else if (!r->quoted && lex_at(p, next, '"')) {
		p->in.pos = next;
		read_double(p, from);
	} else {
		expand_dollar(p, r->quoted);
	}
}

/* Which characters a backslash takes their meaning from in double quotes. */
static bool is_escapable(const struct reading *r, char c)
{
	switch (c) {
	case '$': case '`': case '\\':
		return true;
	case '"':
		return r->kind != READ_TEXT;
	case '}':
		return r->kind == READ_OPERAND;
	default:
		return false;
	}
}

static void read_backslash(struct parser *p, const struct reading *r)
{
	size_t from = p->in.pos, join = lex_join_len(p, from), text_at = p->text.len;
	bool bare = !r->quoted;

	if (join || from + 1 >= p->in.end) {
		p->in.pos += join ? join : 1;
		if (!join)
			word_add_text(p, from, from + 1, r->quoted);
		return;
	}
	p->in.pos = from + 2;
	if (!bare && !is_escapable(r, p->in.s[from + 1])) {
		word_add_text(p, from, from + 2, true);
		return;
	}
	lex_text(p, p->in.s + from + 1, 1);
	add_piece(p, text_at, from, from + 2, true, bare && lex_is(p->in.s[from + 1], CLASS_ALNUM));
}

/* ---- the reading loop */

static bool read_as_text(struct parser *p, const struct reading *r)
{
	word_add_text(p, p->in.pos, p->in.pos + 1, r->quoted);
	p->in.pos++;
	return true;
}

/* The ( of @(a|b) and of NAME=( … ), which is a value when it is an argument of declare. */
static bool opens_pattern(struct parser *p, struct reading *r)
{
	const struct piece *last = last_piece(p);
	char before;

	if (!last || last->part.kind != PART_TEXT || last->part.quoted || !last->part.len)
		return false;
	before = p->text.items[p->text.len - 1];
	r->array = before == '=' && !(r->flags & WORD_VALUE);
	return r->array || before == '?' || before == '*' || before == '+' || before == '@' || before == '!';
}

static bool opens_process(const struct parser *p, size_t pos)
{
	return (p->in.s[pos] == '<' || p->in.s[pos] == '>') && lex_at(p, lex_joined(p, pos + 1), '(');
}

/* A blank or operator character outside quotes. */
static bool read_meta(struct parser *p, struct reading *r, char c)
{
	if (opens_process(p, p->in.pos)) {
		expand_process(p);
		return true;
	}
	if (r->kind != READ_WORD)
		return read_as_text(p, r);
	if (r->nesting && c == '\n' && !r->array)
		return false;
	if (c == '(' && (r->nesting || (r->flags & WORD_REGEX) || opens_pattern(p, r)))
		r->nesting++;
	else if (r->nesting)
		r->nesting -= c == ')';
	else if (c != '|' || !(r->flags & WORD_REGEX))
		return false;
	return read_as_text(p, r);
}

static bool read_bracket(struct parser *p, struct reading *r, char c)
{
	if (c == ']' && !r->nesting)
		return false;
	r->nesting += c == '[' ? 1 : (size_t)-1;
	return read_as_text(p, r);
}

static bool read_newline(struct parser *p, struct reading *r)
{
	if (r->kind == READ_INDEX)
		return false;
	if (r->kind != READ_TEXT)
		return read_meta(p, r, '\n');
	read_as_text(p, r);
	while (lex_at(p, p->in.pos, '\t'))
		p->in.pos++;
	return true;
}

static bool read_brace_end(struct parser *p, struct reading *r, char c)
{
	if (r->kind == READ_OPERAND)
		return false;
	if (c == ',')
		brace_comma(p);
	else
		brace_close(p);
	return true;
}

/* At a character that means something; false: it ends this reading. */
static bool read_special(struct parser *p, struct reading *r)
{
	char c = p->in.s[p->in.pos];

	switch (c) {
	case '\\':
		read_backslash(p, r);
		return true;
	case '\'':
		if (r->quoted && !r->patterns)
			return read_as_text(p, r);
		read_single(p);
		return true;
	case '"':
		if (r->kind == READ_QUOTES)
			return false;
		if (r->kind == READ_TEXT)
			return read_as_text(p, r);
		read_double(p, p->in.pos);
		return true;
	case '$':
		read_dollar(p, r);
		return true;
	case '`':
		expand_backquote(p, r->quoted, r->kind == READ_QUOTES);
		return true;
	case '\r':
		if (!lex_is_crlf(p, p->in.pos))
			return read_as_text(p, r);
		if (r->kind == READ_WORD && !r->nesting)
			return false;
		p->in.pos++;
		return true;
	case '{':
		brace_open(p);
		return true;
	case ',': case '}':
		return read_brace_end(p, r, c);
	case '/': case ':':
		return r->split == c && p->in.pos != r->not_split ? false : read_as_text(p, r);
	case '[': case ']':
		return read_bracket(p, r, c);
	case '\n':
		return read_newline(p, r);
	default:
		return read_meta(p, r, c);
	}
}

static unsigned int reading_mask(const struct parser *p, const struct reading *r)
{
	switch (r->kind) {
	case READ_WORD:
		return CLASS_META | CLASS_BARE | (r->flags & WORD_BRACES ? CLASS_BRACE : 0) |
		       (p->braces.len > p->brace_base ? CLASS_BRACE_END : 0);
	case READ_OPERAND:
		return CLASS_OPERAND_END | (r->quoted && !r->patterns ? CLASS_QUOTED : CLASS_BARE) | (r->quoted ? 0 : CLASS_META);
	case READ_INDEX:
		return CLASS_BARE | CLASS_BRACKET | CLASS_NEWLINE;
	case READ_QUOTES:
		return CLASS_QUOTED;
	case READ_TEXT:
		break;
	}
	return CLASS_QUOTED | (r->tabs ? CLASS_NEWLINE : 0);
}

void word_continue(struct parser *p, struct reading *r)
{
	for (;;) {
		unsigned int mask = reading_mask(p, r);
		size_t from = p->in.pos, pos = from;

		while (pos < p->in.end && !lex_is(p->in.s[pos], mask))
			pos++;
		p->in.pos = pos;
		if (pos > from)
			word_add_text(p, from, pos, r->quoted);
		if (p->in.pos >= p->in.end || !read_special(p, r))
			return;
	}
}

/* No word begins here. */
static bool is_end(const struct parser *p, size_t pos)
{
	return lex_is(p->in.s[pos], CLASS_META) && !opens_process(p, pos);
}

/* A word of ordinary characters only, which most are: nothing goes over the stacks. */
static bool read_plain(struct parser *p, size_t end, struct shell_word *ret)
{
	struct shell_part *part;
	size_t from = p->in.pos;

	if (end < p->in.end && (!is_end(p, end) || lex_at(p, end, '(')))
		return false;
	if (!lex_count(p))
		return false;
	part = arena_alloc(p->arena, sizeof(*part));
	part->text = lex_keep_text(p, p->in.s + from, end - from);
	part->len = end - from;
	part->offset = lex_offset(p, from);
	part->source_len = lex_source_len(p, from, end);
	p->in.pos = end;
	*ret = (struct shell_word){ .parts = part, .len = 1, .offset = part->offset, .source_len = part->source_len };
	return true;
}

bool word_read(struct parser *p, unsigned int flags, struct shell_word *ret)
{
	struct reading r = { .kind = READ_WORD, .flags = flags };
	size_t from = p->in.pos, end = from;
	struct word_state outer;

	while (end < p->in.end && !lex_is(p->in.s[end], CLASS_META | CLASS_BARE | CLASS_BRACE))
		end++;
	if (end > from && !(flags & WORD_REGEX) && read_plain(p, end, ret))
		return true;
	if (end == from && !(flags & WORD_REGEX) && (end >= p->in.end || is_end(p, end)))
		return false;
	outer = word_begin(p);
	word_continue(p, &r);
	if (r.nesting)
		lex_problem(p, SHELL_UNTERMINATED, from, "(");
	*ret = word_end(p, outer, from);
	return p->in.pos > from;
}

const struct shell_word *word_read_as(struct parser *p, struct reading *r)
{
	size_t from = p->in.pos;
	struct word_state outer = word_begin(p);
	struct shell_word word;

	word_continue(p, r);
	word = word_end(p, outer, from);
	return lex_keep(p, &word, 1, sizeof(word));
}
