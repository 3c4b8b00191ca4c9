/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of regular expressions that only wants to know what cannot be missing: of a sequence everything that is
 * not optional, of alternatives what all of them have, and what each of them has. What it does not know for sure
 * (recursion, conditions, characters by number) makes it say nothing. */
#include "validators/scan_required.h"

#include <stdbool.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define LETTER(upper, lower, n) [upper] = BIT(n), [lower] = BIT(n)

const uint64_t character_bits[256] = {
	LETTER('A', 'a', 0),  LETTER('B', 'b', 1),  LETTER('C', 'c', 2),  LETTER('D', 'd', 3),	LETTER('E', 'e', 4),
	LETTER('F', 'f', 5),  LETTER('G', 'g', 6),  LETTER('H', 'h', 7),  LETTER('I', 'i', 8),	LETTER('J', 'j', 9),
	LETTER('K', 'k', 10), LETTER('L', 'l', 11), LETTER('M', 'm', 12), LETTER('N', 'n', 13), LETTER('O', 'o', 14),
	LETTER('P', 'p', 15), LETTER('Q', 'q', 16), LETTER('R', 'r', 17), LETTER('S', 's', 18), LETTER('T', 't', 19),
	LETTER('U', 'u', 20), LETTER('V', 'v', 21), LETTER('W', 'w', 22), LETTER('X', 'x', 23), LETTER('Y', 'y', 24),
	LETTER('Z', 'z', 25), ['0'] = BIT(26),	    ['1'] = BIT(26),	  ['2'] = BIT(26),	['3'] = BIT(26),
	['4'] = BIT(26),      ['5'] = BIT(26),	    ['6'] = BIT(26),	  ['7'] = BIT(26),	['8'] = BIT(26),
	['9'] = BIT(26),      ['!'] = BIT(27),	    ['"'] = BIT(28),	  ['#'] = BIT(29),	['$'] = BIT(30),
	['%'] = BIT(31),      ['&'] = BIT(32),	    ['\''] = BIT(33),	  ['('] = BIT(34),	[')'] = BIT(35),
	['*'] = BIT(36),      ['+'] = BIT(37),	    [','] = BIT(38),	  ['-'] = BIT(39),	['.'] = BIT(40),
	['/'] = BIT(41),      [':'] = BIT(42),	    [';'] = BIT(43),	  ['<'] = BIT(44),	['='] = BIT(45),
	['>'] = BIT(46),      ['?'] = BIT(47),	    ['@'] = BIT(48),	  ['['] = BIT(49),	['\\'] = BIT(50),
	[']'] = BIT(51),      ['^'] = BIT(52),	    ['_'] = BIT(53),	  ['`'] = BIT(54),	['{'] = BIT(55),
	['|'] = BIT(56),      ['}'] = BIT(57),	    ['~'] = BIT(58),
};

#define DEPTH_MAX 64

struct reader {
	const char *p;		/* NUL-terminated */
	unsigned int depth;
	bool strange;		/* nothing is sure */
	size_t max;		/* of ways to keep apart */
};

static struct character_needs read_alternatives(struct reader *r);

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint64_t give_up(struct reader *r)
{
	r->strange = true;
	r->p += strlen(r->p);
	return 0;
}

/* ---- sets of which one must be there */

static uint64_t common(const struct character_needs *n)
{
	uint64_t set = UINT64_MAX;

	for (size_t i = 0; i < n->len; i++)
		set &= n->sets[i];
	return set;
}

/* How many characters even the least of them asks for. */
static int strength(const struct character_needs *n)
{
	int least = 64;

	for (size_t i = 0; i < n->len; i++) {
		int count = __builtin_popcountll(n->sets[i]);

		least = count < least ? count : least;
	}
	return least;
}

/* One more way: a set that has all of another one says nothing besides it. Too many ways share what they have in common. */
static void add_way(struct character_needs *n, uint64_t set, size_t max)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->len; i++)
		if ((n->sets[i] & set) == n->sets[i])
			return;
	for (size_t i = 0; i < n->len; i++)
		if ((n->sets[i] & set) != set)
			n->sets[kept++] = n->sets[i];
	n->len = kept;
	if (kept < max)
		n->sets[n->len++] = set;
	else
		n->sets[kept - 1] &= set;
}

/* Both must be there: of two that have several ways the stronger one keeps them. */
static void add_needs(struct character_needs *n, const struct character_needs *more)
{
	struct character_needs all;
	bool keep = more->len == 1 || (n->len > 1 && strength(n) >= strength(more));
	const struct character_needs *ways = keep ? n : more;
	uint64_t other = common(keep ? more : n);

	if (n->len == 1 && more->len == 1) {
		n->sets[0] |= other;
		return;
	}
	all.len = 0;
	for (size_t i = 0; i < ways->len; i++)
		add_way(&all, ways->sets[i] | other, CHARACTER_NEEDS_MAX);
	*n = all;
}

static uint64_t read_escape(struct reader *r)
{
	char c = *++r->p;

	if (!c || (unsigned char)c >= 0x80)
		return give_up(r);
	r->p++;
	if (!(character_bits[(unsigned char)c] & (BIT(27) - 1)))
		return character_bits[(unsigned char)c];	/* a mark that stands for itself */
	return strchr("dDwWsSbBAzZGRhHvVnrtfeK", c) ? 0 : give_up(r);
}

static uint64_t read_class(struct reader *r)
{
	const char *p = r->p + 1;

	p += *p == '^';
	p += *p == ']';
	for (; *p && *p != ']'; p++) {
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {	/* [:alpha:] */
			const char end[] = { p[1], ']', '\0' };
			const char *close = strstr(p + 2, end);

			if (!close)
				return give_up(r);
			p = close + 1;
		} else if (*p == '\\' && p[1]) {
			if (p[1] == 'Q' || p[1] == 'E')
				return give_up(r);
			p++;
		}
	}
	if (!*p)
		return give_up(r);
	r->p = p + 1;
	return 0;
}

/* Behind "(?": a group with options, a name, a look around. *counts: what is inside must be there. */
static bool read_group_kind(struct reader *r, bool *counts)
{
	size_t flags = strspn(r->p, "imsnJU^-");

	*counts = true;
	if (*r->p == '<' && r->p[1] != '=' && r->p[1] != '!') {
		r->p += strcspn(r->p, ">");
		r->p += *r->p == '>';
		return true;
	}
	if (*r->p == '=' || *r->p == '!' || *r->p == '<') {
		*counts = false;
		r->p += 1 + (*r->p == '<');
		return true;
	}
	if (*r->p == '>') {
		r->p++;
		return true;
	}
	if (r->p[flags] == ':' || (flags && r->p[flags] == ')')) {
		r->p += flags;
		r->p += *r->p == ':';		/* "(?i)" is an empty group */
		return true;
	}
	return false;
}

static const struct character_needs no_needs = { .len = 1 };

static struct character_needs read_group(struct reader *r)
{
	struct character_needs inside;
	bool counts = true;

	r->p++;
	if (++r->depth > DEPTH_MAX || *r->p == '*') {
		give_up(r);
		return no_needs;
	}
	if (*r->p == '?') {
		r->p++;
		if (!read_group_kind(r, &counts)) {
			give_up(r);
			return no_needs;
		}
	}
	inside = read_alternatives(r);
	r->depth--;
	if (*r->p != ')') {
		give_up(r);
		return no_needs;
	}
	r->p++;
	return counts ? inside : no_needs;
}

/* {2}, {2,}, {2,5}; length 0: a brace that stands for itself. */
static size_t counted_length(const char *p, bool *zero)
{
	size_t n = 1;

	if (*p != '{' || !is_digit(p[1]))
		return 0;
	*zero = true;
	for (; is_digit(p[n]); n++)
		*zero &= p[n] == '0';
	if (p[n] == ',') {
		for (n++; is_digit(p[n]);)
			n++;
	}
	return p[n] == '}' ? n + 1 : 0;
}

/* Skip a quantifier; true: what it stands behind may be missing. */
static bool read_quantifier(struct reader *r)
{
	bool optional = *r->p == '?' || *r->p == '*', zero = false;
	size_t n = optional || *r->p == '+' ? 1 : counted_length(r->p, &zero);

	if (!n)
		return false;
	r->p += n;
	r->p += *r->p == '?' || *r->p == '+';
	return optional || zero;
}

static uint64_t read_character(struct reader *r)
{
	unsigned char c = (unsigned char)*r->p;

	switch (c) {
	case '\\':
		return read_escape(r);
	case '[':
		return read_class(r);
	case '.':
	case '^':
	case '$':
		r->p++;
		return 0;
	default:
		/* beyond ASCII the pattern sees characters, and k is the sign of Kelvin to it; {,2} counts in newer libraries */
		if (c >= 0x80 || (c == '{' && (r->p[1] == ',' || r->p[1] == ' ')))
			return give_up(r);
		r->p++;
		return character_bits[c];
	}
}

static void add_character(struct character_needs *n, uint64_t set)
{
	for (size_t i = 0; i < n->len; i++)
		n->sets[i] |= set;
}

static struct character_needs read_sequence(struct reader *r)
{
	struct character_needs needs = no_needs;

	while (*r->p && *r->p != '|' && *r->p != ')') {
		if (*r->p == '(') {
			struct character_needs group = read_group(r);

			if (!read_quantifier(r))
				add_needs(&needs, &group);
		} else {
			uint64_t set = read_character(r);

			if (!read_quantifier(r))
				add_character(&needs, set);
		}
		while (!r->strange && read_quantifier(r))	/* not Perl, but let nothing depend on that */
			needs = no_needs;
	}
	return needs;
}

static struct character_needs read_alternatives(struct reader *r)
{
	struct character_needs needs = read_sequence(r);

	while (*r->p == '|') {
		struct character_needs other;

		r->p++;
		other = read_sequence(r);
		for (size_t i = 0; i < other.len; i++)
			add_way(&needs, other.sets[i], r->max);
	}
	return needs;
}

static struct character_needs read_pattern(const char *pattern, size_t max)
{
	struct reader r = { .p = pattern, .max = max };
	struct character_needs needs = read_alternatives(&r);

	return r.strange || *r.p ? no_needs : needs;
}

struct character_needs required_ways(const char *pattern)
{
	return read_pattern(pattern, CHARACTER_NEEDS_MAX);
}

uint64_t required_characters(const char *pattern)
{
	return read_pattern(pattern, 1).sets[0];
}
