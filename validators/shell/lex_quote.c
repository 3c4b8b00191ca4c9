/* SPDX-License-Identifier: Apache-2.0
 * What stands in $'…'. */
#include <string.h>

#include "validators/shell/lex.h"

static void add_utf8(struct parser *p, uint32_t c)
{
	char bytes[4];
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c > 0x10ffff)
		return;
	for (size_t i = len; i-- > 1; c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(len == 1 ? c : (0xf00u >> len & 0xffu) | c);
	lex_text(p, bytes, len);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Up to `max` digits from `pos` on; returns how many. */
static size_t read_number(const struct parser *p, size_t pos, int base, size_t max, uint32_t *ret)
{
	size_t n = 0;

	*ret = 0;
	for (; n < max && pos + n < p->in.end && digit_value(p->in.s[pos + n]) < base; n++)
		*ret = *ret * (uint32_t)base + (uint32_t)digit_value(p->in.s[pos + n]);
	return n;
}

/* The escapes with a number: letter, digits, base. Octal ones have no letter. */
static const struct { char letter; unsigned char max, base; bool unicode; } numbers[] = {
	{ 'x', 2, 16, false }, { 'u', 4, 16, true }, { 'U', 8, 16, true },
};

static const struct { char letter, value; } letters[] = {
	{ 'a', '\a' }, { 'b', '\b' }, { 'e', '\033' }, { 'E', '\033' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' },
	{ 'v', '\v' }, { '\\', '\\' }, { '\'', '\'' }, { '"', '"' }, { '?', '?' },
};

/* The escape with a number at `pos`, behind the backslash; returns its length or 0. */
static size_t read_coded(const struct parser *p, size_t pos, uint32_t *ret, bool *unicode)
{
	size_t n;

	*unicode = false;
	if (lex_at(p, pos, 'x') && lex_at(p, pos + 1, '{')) {	/* as ksh has it; bash knows it too */
		n = read_number(p, pos + 2, 16, p->in.end, ret);
		*ret &= 0xff;
		return n ? n + 2 + lex_at(p, pos + 2 + n, '}') : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (lex_at(p, pos, numbers[i].letter)) {
			n = read_number(p, pos + 1, numbers[i].base, numbers[i].max, ret);
			*unicode = numbers[i].unicode;
			return n ? n + 1 : 0;
		}
	n = read_number(p, pos, 8, 3, ret);
	*ret &= 0xff;
	return n;
}

/* At a backslash: what it stands for goes onto the stack of texts. False: NUL, which ends the text for bash. */
static bool read_escape(struct parser *p, bool *odd)
{
	size_t pos = p->in.pos + 1, len;
	uint32_t value;
	bool unicode;
	char byte;

	len = read_coded(p, pos, &value, &unicode);
	if (len) {
		p->in.pos = pos + len;
		*odd |= value > 0x20 && value < 0x7f;
		byte = (char)value;
		if (unicode)
			add_utf8(p, value);
		else
			lex_text(p, &byte, 1);
		return value != 0;
	}
	if (pos + 1 < p->in.end && lex_at(p, pos, 'c')) {
		p->in.pos = pos + 2;
		byte = p->in.s[pos + 1] & 0x1f;
		lex_text(p, &byte, 1);
		return byte;
	}
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (lex_at(p, pos, letters[i].letter)) {
			p->in.pos = pos + 1;
			lex_text(p, &letters[i].value, 1);
			return true;
		}
	p->in.pos = pos < p->in.end ? pos + 1 : pos;	/* what is no escape stays as it is */
	lex_text(p, p->in.s + pos - 1, p->in.pos - pos + 1);
	return true;
}

void lex_text(struct parser *p, const char *s, size_t len)
{
	if (p->text.alloc - p->text.len < len)
		p->text.items = arena_grow(&p->stacks, p->text.items, p->text.len, &p->text.alloc, len, 1);
	if (len)
		memcpy(p->text.items + p->text.len, s, len);
	p->text.len += len;
}

bool lex_ansi(struct parser *p, bool *odd)
{
	size_t nul = SIZE_MAX;

	*odd = false;
	while (p->in.pos < p->in.end && !lex_at(p, p->in.pos, '\'')) {
		size_t run = p->in.pos;

		if (lex_at(p, run, '\\')) {
			if (!read_escape(p, odd) && nul == SIZE_MAX)
				nul = p->text.len - 1;
			continue;
		}
		while (run < p->in.end && p->in.s[run] != '\\' && p->in.s[run] != '\'' && !lex_is_crlf(p, run))
			run++;
		lex_text(p, p->in.s + p->in.pos, run - p->in.pos);
		p->in.pos = run + lex_is_crlf(p, run);
	}
	if (nul != SIZE_MAX)
		p->text.len = nul;
	if (p->in.pos >= p->in.end)
		return false;
	p->in.pos++;
	return true;
}
