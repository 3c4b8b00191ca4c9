/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of regular expressions that only wants to know what cannot be missing: of a sequence everything that is
 * not optional, of alternatives what all of them have, and what each of them has. What it does not know for sure
 * (recursion, conditions, characters by number) makes it say nothing. */
#include "validators/scan_required.h"

#include <string.h>

#define DIGITS 27
#define FIRST_MARK 28

/* A to Z, whatever the case, are 1 to 26, all digits 27, marks follow; 0: says nothing. */
static const unsigned char classes[256] = {
	['!'] = 28, ['"'] = 29, ['#'] = 30, ['$'] = 31, ['%'] = 32, ['&'] = 33, ['\''] = 34, ['('] = 35, [')'] = 36, ['*'] = 37,
	['+'] = 38, [','] = 39, ['-'] = 40, ['.'] = 41, ['/'] = 42, ['0'] = 27, ['1'] = 27, ['2'] = 27, ['3'] = 27, ['4'] = 27,
	['5'] = 27, ['6'] = 27, ['7'] = 27, ['8'] = 27, ['9'] = 27, [':'] = 43, [';'] = 44, ['<'] = 45, ['='] = 46, ['>'] = 47,
	['?'] = 48, ['@'] = 49, ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19,
	['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['['] = 50, ['\\'] = 51, [']'] = 52,
	['^'] = 53, ['_'] = 54, ['`'] = 55, ['a'] = 1, ['b'] = 2, ['c'] = 3, ['d'] = 4, ['e'] = 5, ['f'] = 6, ['g'] = 7,
	['h'] = 8, ['i'] = 9, ['j'] = 10, ['k'] = 11, ['l'] = 12, ['m'] = 13, ['n'] = 14, ['o'] = 15, ['p'] = 16, ['q'] = 17,
	['r'] = 18, ['s'] = 19, ['t'] = 20, ['u'] = 21, ['v'] = 22, ['w'] = 23, ['x'] = 24, ['y'] = 25, ['z'] = 26, ['{'] = 56,
	['|'] = 57, ['}'] = 58, ['~'] = 59,
};

/* Looked up, because shifting by a variable number takes longer. */
#define BIT(n) (UINT64_C(1) << (n))
#define BITS8(n) BIT(n), BIT((n) + 1), BIT((n) + 2), BIT((n) + 3), BIT((n) + 4), BIT((n) + 5), BIT((n) + 6), BIT((n) + 7)
static const uint64_t bits[64] = {
	BITS8(0), BITS8(8), BITS8(16), BITS8(24), BITS8(32), BITS8(40), BITS8(48), BITS8(56),
};

static inline uint64_t bit_of(unsigned int class)
{
	return bits[class & 63];
}

static inline uint64_t pair_bit(unsigned int first, unsigned int second)
{
	return bits[(first * 3 + second) & 63];
}

/* Pairs with a blank or the like are marked as well, which says less than it could and costs no branch. */
struct text_marks text_marks(const char *text, size_t len)
{
	unsigned int before = len ? classes[(unsigned char)text[0]] : 0;
	struct text_marks marks = { .characters = bit_of(before) };

	for (size_t i = 1; i < len; i++) {
		unsigned int class = classes[(unsigned char)text[i]];

		marks.characters |= bit_of(class);
		marks.pairs |= pair_bit(before, class);
		before = class;
	}
	return marks;
}

struct text_marks text_marks_of_option(char letter)
{
	const char text[] = { '-', letter };

	return text_marks(text, sizeof(text));
}

#define DEPTH_MAX 64

#define WAYS_MAX 255		/* pattern_needs.first counts them in bytes */

/* Sets of which one must be there. */
struct ways {
	size_t len;
	struct text_marks sets[WAYS_MAX];
};

struct reader {
	const char *p;		/* NUL-terminated */
	unsigned int depth;
	bool strange;		/* nothing is sure */
};

static struct ways read_alternatives(struct reader *r);

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned int give_up(struct reader *r)
{
	r->strange = true;
	r->p += strlen(r->p);
	return 0;
}

static struct text_marks both(struct text_marks a, struct text_marks b)
{
	return (struct text_marks){ a.characters & b.characters, a.pairs & b.pairs };
}

static struct text_marks common(const struct ways *w)
{
	struct text_marks all = { UINT64_MAX, UINT64_MAX };

	for (size_t i = 0; i < w->len; i++)
		all = both(all, w->sets[i]);
	return all;
}

/* How much even the least of them asks for. */
static int strength(const struct ways *w)
{
	int least = 128;

	for (size_t i = 0; i < w->len; i++) {
		int count = __builtin_popcountll(w->sets[i].characters) + __builtin_popcountll(w->sets[i].pairs);

		least = count < least ? count : least;
	}
	return least;
}

/* One more way: a set that has all of another one says nothing besides it. Too many ways share what they have in common. */
static void add_way(struct ways *w, struct text_marks set)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->len; i++)
		if (marks_have(&set, &w->sets[i]))
			return;
	for (size_t i = 0; i < w->len; i++)
		if (!marks_have(&w->sets[i], &set))
			w->sets[kept++] = w->sets[i];
	w->len = kept;
	if (kept < WAYS_MAX)
		w->sets[w->len++] = set;
	else
		w->sets[kept - 1] = both(w->sets[kept - 1], set);
}

/* Both must be there: of two that have several ways the stronger one keeps them. */
static void add_needs(struct ways *w, const struct ways *more)
{
	struct ways all;
	bool keep = more->len == 1 || (w->len > 1 && strength(w) >= strength(more));
	const struct ways *kept = keep ? w : more;
	struct text_marks other = common(keep ? more : w);

	all.len = 0;
	for (size_t i = 0; i < kept->len; i++) {
		struct text_marks set = kept->sets[i];

		marks_add(&set, other);
		add_way(&all, set);
	}
	*w = all;
}

static unsigned int read_escape(struct reader *r)
{
	char c = *++r->p;

	if (!c || (unsigned char)c >= 0x80)
		return give_up(r);
	r->p++;
	if (classes[(unsigned char)c] >= FIRST_MARK)
		return classes[(unsigned char)c];	/* stands for itself */
	if (c == 'd')
		return DIGITS;
	return strchr("DwWsSbBAzZGRhHvVnrtfeK", c) ? 0 : give_up(r);
}

/* What all members of a [class] have in common so far. */
struct members {
	unsigned int class;
	bool any, differ;
};

static void add_member(struct members *m, unsigned int class)
{
	m->differ |= !class || (m->any && m->class != class);
	m->class = class;
	m->any = true;
}

/* [xX] and [0-9] say as much as a character does. */
static unsigned int read_class(struct reader *r)
{
	const char *p = r->p + 1, *first;
	struct members members = { .differ = *p == '^' };

	p += *p == '^';
	for (first = p; *p && (*p != ']' || p == first); p++) {
		if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {	/* [:alpha:] */
			const char end[] = { p[1], ']', '\0' };
			const char *close = strstr(p + 2, end);

			if (!close)
				return give_up(r);
			p = close + 1;
			members.differ = true;
		} else if (*p == '\\' && p[1]) {
			if (p[1] == 'Q' || p[1] == 'E')
				return give_up(r);
			p++;
			add_member(&members, *p == 'd' ? DIGITS : classes[(unsigned char)*p] >= FIRST_MARK ? classes[(unsigned char)*p] : 0);
		} else if (*p == '-' && p > first && p[1] != ']') {
			members.differ |= members.class != DIGITS || !is_digit(p[1]);	/* a range */
		} else {
			add_member(&members, classes[(unsigned char)*p]);
		}
	}
	if (!*p)
		return give_up(r);
	r->p = p + 1;
	return members.differ ? 0 : members.class;
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

static const struct ways no_needs = { .len = 1 };

static struct ways read_group(struct reader *r)
{
	struct ways inside;
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

/* The class of a character that must stand here; 0: any, or nothing at all. */
static unsigned int read_character(struct reader *r)
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
		return classes[c];
	}
}

static void add_marks(struct ways *w, struct text_marks marks)
{
	for (size_t i = 0; i < w->len; i++)
		marks_add(&w->sets[i], marks);
}

static struct ways read_sequence(struct reader *r)
{
	struct ways needs = no_needs;
	unsigned int before = 0;	/* what stands right before, when it must */

	while (*r->p && *r->p != '|' && *r->p != ')') {
		if (*r->p == '(') {
			struct ways group = read_group(r);

			before = 0;
			if (!read_quantifier(r))
				add_needs(&needs, &group);
		} else {
			unsigned int class = read_character(r);

			if (read_quantifier(r))
				class = 0;
			if (class)
				add_marks(&needs, (struct text_marks){ bit_of(class), before ? pair_bit(before, class) : 0 });
			before = class;
		}
		while (!r->strange && read_quantifier(r))	/* not Perl, but let nothing depend on that */
			needs = no_needs;
	}
	return needs;
}

static struct ways read_alternatives(struct reader *r)
{
	struct ways needs = read_sequence(r);

	while (*r->p == '|') {
		struct ways other;

		r->p++;
		other = read_sequence(r);
		for (size_t i = 0; i < other.len; i++)
			add_way(&needs, other.sets[i]);
	}
	return needs;
}

/* What few texts hold comes first. */
static unsigned int rarest_of(struct text_marks marks)
{
	static const char rare_first[] = "~`^%@!#?&<>+;*|,\\'[](){}q=zxj$\"kvybwg:hfmdp_ulc/.nro-siate0";

	for (const char *c = rare_first; *c; c++)
		if (marks.characters & bit_of(classes[(unsigned char)*c]))
			return classes[(unsigned char)*c];
	return 0;
}

/* Those with one pivot side by side. */
static void arrange(const struct ways *w, struct pattern_needs *ret, struct text_way *ways)
{
	size_t n = 0;

	for (size_t i = 0; i < w->len; i++)
		ret->pivots |= bit_of(rarest_of(w->sets[i]));
	for (uint64_t left = ret->pivots; left; left &= left - 1) {
		unsigned int pivot = (unsigned int)__builtin_ctzll(left);

		ret->first[pivot] = (unsigned char)n;
		for (size_t i = 0; i < w->len; i++)
			if (rarest_of(w->sets[i]) == pivot)
				ways[n++].marks = w->sets[i];
		ways[n - 1].last = true;
	}
	if (ret->pivots & bit_of(0))
		ret->pivots = 0;
	ret->len = (uint32_t)n;
}

const struct pattern_needs *pattern_needs(struct arena *arena, const char *pattern)
{
	struct reader r = { .p = pattern };
	struct ways ways = read_alternatives(&r);
	struct {
		struct pattern_needs needs;
		struct text_way ways[];
	} *ret;

	if (r.strange || *r.p)
		ways = no_needs;
	ret = arena_alloc(arena, sizeof(*ret) + ways.len * sizeof(*ret->ways));
	ret->needs.all = common(&ways);
	ret->needs.ways = (uint32_t)((const char *)ret->ways - (const char *)ret);
	arrange(&ways, &ret->needs, ret->ways);
	return &ret->needs;
}
