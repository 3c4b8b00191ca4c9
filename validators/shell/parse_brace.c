/* SPDX-License-Identifier: Apache-2.0
 * {a,b} and {1..3}: what a { means is known at its }, so pieces are marked and joined again when it was text after all. */
#include <stdlib.h>
#include <string.h>

#include "validators/shell/parse_parts.h"

static void add_mark(struct parser *p)
{
	size_t before = p->pieces.len;

	p->seam = true;	/* a piece of its own */
	word_add_text(p, p->in.pos, p->in.pos + 1, false);
	if (p->pieces.len > before)
		p->pieces.items[before].mark = true;
	p->in.pos++;
}

void brace_open(struct parser *p)
{
	size_t open = p->braces.len - p->brace_base;

	if (p->depth + open >= SHELL_MAX_DEPTH) {
		word_add_text(p, p->in.pos, p->in.pos + 1, false);
		p->in.pos++;
		return;
	}
	PUSH(&p->braces) = (struct open_brace){ .piece = p->pieces.len, .commas = p->commas.len };
	add_mark(p);
}

void brace_comma(struct parser *p)
{
	struct open_brace *brace = &p->braces.items[p->braces.len - 1];

	if (p->commas.len - brace->commas + 1 >= SHELL_MAX_BRACES)
		brace->dead = true;
	if (brace->dead) {
		word_add_text(p, p->in.pos, p->in.pos + 1, false);
		p->in.pos++;
		return;
	}
	PUSH(&p->commas) = p->pieces.len;
	add_mark(p);
}

static struct shell_word build_alternative(struct parser *p, size_t from, size_t to, size_t offset)
{
	struct shell_word word = word_build(p, from, to);

	if (word.len) {
		const struct shell_part *last = &word.parts[word.len - 1];

		word.offset = word.parts[0].offset;
		word.source_len = last->offset + last->source_len - word.offset;
	} else {
		word.offset = offset;
	}
	return word;
}

static void add_list(struct parser *p, const struct open_brace *brace)
{
	size_t base = p->words.len, from = brace->piece, close = p->pieces.len - 1;
	struct shell_part part = { .kind = PART_BRACE };

	for (size_t i = brace->commas; i <= p->commas.len; i++) {
		size_t to = i < p->commas.len ? p->commas.items[i] : close;
		size_t after = p->pieces.items[from].part.offset + 1;
		struct shell_word word = build_alternative(p, from + 1, to, after);

		PUSH(&p->words) = word;
		from = to;
	}
	KEEP(p, words, base, part.alternatives, part.alternatives_len);
	part.offset = p->pieces.items[brace->piece].part.offset;
	part.source_len = p->pieces.items[close].part.offset + 1 - part.offset;
	p->text.len = p->pieces.items[brace->piece].text_at;
	p->pieces.len = brace->piece;
	if (lex_count(p))
		PUSH(&p->pieces) = (struct piece){ .part = part, .text_at = p->text.len };
}

/* ---- sequences */

struct sequence {
	long from, to, step;
	int width;	/* of zero-padded numbers */
	bool letters;
};

/* A number without anything else. What ends the text is no digit: on the stack the } follows. */
static bool read_long(const char *text, size_t len, long *ret, int *width)
{
	char digits[18];
	char *end;

	if (!len || len >= sizeof(digits) - 1 || strspn(text, "0123456789+-") < len)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	*ret = strtol(digits, &end, 10);
	if (*end)
		return false;
	if (digits[digits[0] == '-'] == '0' && (size_t)(digits[0] == '-') + 1 < len && (int)len > *width)
		*width = (int)len;
	return true;
}

/* FROM..TO[..STEP] */
static bool read_sequence(const char *text, size_t len, struct sequence *ret)
{
	const char *end = text + len, *second = memmem(text, len, "..", 2), *third;
	int ignored = 0;

	*ret = (struct sequence){ .step = 1 };
	if (!second)
		return false;
	second += 2;
	third = memmem(second, (size_t)(end - second), "..", 2);
	if (third && !read_long(third + 2, (size_t)(end - third - 2), &ret->step, &ignored))
		return false;
	if (third)
		end = third;
	if (second - text == 3 && end - second == 1 && lex_is(text[0], CLASS_NAME) && lex_is(second[0], CLASS_NAME)) {
		ret->letters = true;
		ret->from = text[0];
		ret->to = second[0];
	} else if (!read_long(text, (size_t)(second - 2 - text), &ret->from, &ret->width) ||
		   !read_long(second, (size_t)(end - second), &ret->to, &ret->width)) {
		return false;
	}
	ret->step = ret->step < 0 ? -ret->step : ret->step;
	if (!ret->step)
		ret->step = 1;
	return labs(ret->to - ret->from) / ret->step < SHELL_MAX_BRACES;
}

static const char *keep_padded(struct parser *p, const struct sequence *q, long value, size_t *ret_len)
{
	char digits[32];
	size_t at = sizeof(digits), wanted = (size_t)q->width;
	unsigned long rest = value < 0 ? (unsigned long)-value : (unsigned long)value;

	if (q->letters) {
		digits[--at] = (char)value;
	} else {
		do {
			digits[--at] = (char)('0' + rest % 10);
			rest /= 10;
		} while (rest);
		while (sizeof(digits) - at + (value < 0) < wanted)
			digits[--at] = '0';
		if (value < 0)
			digits[--at] = '-';
	}
	*ret_len = sizeof(digits) - at;
	return lex_keep_text(p, digits + at, *ret_len);
}

static bool add_sequence(struct parser *p, const struct open_brace *brace)
{
	const struct piece *inner = &p->pieces.items[brace->piece + 1];
	struct shell_part outer = { .kind = PART_BRACE };
	size_t base = p->words.len;
	struct sequence q;
	long last;

	if (p->pieces.len != brace->piece + 3 || inner->part.kind != PART_TEXT || inner->part.quoted ||
	    !read_sequence(p->text.items + inner->text_at, inner->part.len, &q))
		return false;
	outer.offset = p->pieces.items[brace->piece].part.offset;
	outer.source_len = inner->part.offset + inner->part.source_len + 1 - outer.offset;
	last = labs(q.to - q.from) / q.step;
	if ((size_t)last >= p->sequence_budget) {
		lex_problem(p, SHELL_TOO_LARGE, p->in.pos - 1, "{..}");
		return false;
	}
	p->sequence_budget -= (size_t)last + 1;
	for (long i = 0; i <= last && lex_count(p); i++) {
		long value = q.from <= q.to ? q.from + i * q.step : q.from - i * q.step;
		struct shell_part part = { .kind = PART_TEXT, .offset = outer.offset, .source_len = outer.source_len };

		part.text = keep_padded(p, &q, value, &part.len);
		PUSH(&p->words) = (struct shell_word){ .parts = lex_keep(p, &part, 1, sizeof(part)), .len = 1,
						       .offset = part.offset, .source_len = part.source_len };
	}
	KEEP(p, words, base, outer.alternatives, outer.alternatives_len);
	p->text.len = p->pieces.items[brace->piece].text_at;
	p->pieces.len = brace->piece;
	if (lex_count(p))
		PUSH(&p->pieces) = (struct piece){ .part = outer, .text_at = p->text.len };
	return true;
}

void brace_close(struct parser *p)
{
	struct open_brace brace = p->braces.items[--p->braces.len];
	bool list = !brace.dead && p->commas.len > brace.commas;

	add_mark(p);
	if (!p->full && list)
		add_list(p, &brace);
	else if (!p->full)
		add_sequence(p, &brace);
	p->seam = false;
	p->commas.len = brace.commas;
}
