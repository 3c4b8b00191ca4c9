/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_output_regex.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define MAX_STEPS ((size_t)1 << 20)

static struct regex_node *add_node(struct regex *re, int kind, unsigned char c)
{
	struct regex_node *node;

	if (re->len >= REGEX_NODES)
		return NULL;
	node = &re->nodes[re->len++];
	*node = (struct regex_node){ .c = c, .min = 1, .max = 1 };
	node->kind = kind;
	return node;
}

static void class_add(uint32_t *set, unsigned int c)
{
	set[c >> 5] |= UINT32_C(1) << (c & 31);
}

static bool class_has(const uint32_t *set, unsigned char c)
{
	return set[c >> 5] >> (c & 31) & 1;
}

static bool add_named(uint32_t *set, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} names[] = {
		{ "alpha", isalpha }, { "digit", isdigit }, { "alnum", isalnum }, { "space", isspace }, { "blank", isblank }, { "upper", isupper },
		{ "lower", islower }, { "punct", ispunct }, { "print", isprint }, { "graph", isgraph }, { "cntrl", iscntrl }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != len || memcmp(names[i].name, name, len))
			continue;
		for (int c = 0; c < 128; c++)
			if (names[i].is(c))
				class_add(set, (unsigned int)c);
		return true;
	}
	return false;
}

/* text[*at] is behind the bracket; afterwards behind the closing one */
static bool read_class(struct regex *re, const char *p, size_t len, size_t *at)
{
	uint32_t *set;
	bool negated = false;
	size_t i = *at, first;

	if (re->classes_len >= 16 || !add_node(re, NODE_CLASS, (unsigned char)re->classes_len))
		return false;
	set = re->classes[re->classes_len++];
	memset(set, 0, sizeof(re->classes[0]));
	if (i < len && p[i] == '^') {
		negated = true;
		i++;
	}
	for (first = i; i < len && (p[i] != ']' || i == first); i++) {
		unsigned int low = (unsigned char)p[i], high;

		if (p[i] == '[' && i + 1 < len && p[i + 1] == ':') {
			const char *end = memmem(p + i + 2, len - i - 2, ":]", 2);

			if (!end || !add_named(set, p + i + 2, (size_t)(end - p) - i - 2))
				return false;
			i = (size_t)(end - p) + 1;
			continue;
		}
		high = low;
		if (i + 2 < len && p[i + 1] == '-' && p[i + 2] != ']') {
			high = (unsigned char)p[i + 2];
			i += 2;
		}
		for (unsigned int c = low; c <= high; c++)
			class_add(set, c);
	}
	if (i >= len)
		return false;
	*at = i + 1;
	for (size_t k = 0; negated && k < 8; k++)
		set[k] = ~set[k];
	return true;
}

/* * + ? {n,m} behind a node */
static bool read_repeat(struct regex_node *node, const char *p, size_t len, size_t *at, bool extended)
{
	char c = *at < len ? p[*at] : '\0';
	size_t skip = 1;

	if (c == '\\' && !extended && *at + 1 < len && strchr("+?{", p[*at + 1])) {
		c = p[*at + 1];
		skip = 2;
	} else if (c != '*' && !(extended && c && strchr("+?{", c))) {
		return true;
	}
	if (node->kind > NODE_CLASS || c == '{')
		return false;
	*at += skip;
	node->min = c == '+';
	node->max = c == '?' ? 1 : USHRT_MAX;
	return !(*at < len && p[*at] == '*');
}

static bool read_escape(struct regex *re, char c, bool extended, unsigned char *open, size_t *depth)
{
	if (!extended && c == '(') {
		if (re->groups + 1 >= REGEX_GROUPS || *depth >= REGEX_GROUPS)
			return false;
		open[(*depth)++] = ++re->groups;
		return add_node(re, NODE_OPEN, re->groups);
	}
	if (!extended && c == ')')
		return *depth && add_node(re, NODE_CLOSE, open[--*depth]);
	if (c == 'n' || c == 't')
		return add_node(re, NODE_CHAR, c == 'n' ? '\n' : '\t');
	/* \w \b \1 and alternatives are for others */
	return !isalnum((unsigned char)c) && !strchr("|<>`'{}", c) ? add_node(re, NODE_CHAR, (unsigned char)c) != NULL : false;
}

bool regex_compile(struct regex *re, const char *p, size_t len, bool extended, bool fold)
{
	unsigned char open[REGEX_GROUPS];
	size_t depth = 0;

	re->len = re->classes_len = 0;
	re->groups = 0;
	re->fold = fold;
	re->steps = MAX_STEPS;
	for (size_t i = 0; i < len;) {
		char c = p[i++];
		bool ok;

		if (c == '\\') {
			if (i >= len)
				return false;
			c = p[i++];
			if (extended && c && strchr("(){}|+?", c))
				ok = add_node(re, NODE_CHAR, (unsigned char)c);
			else
				ok = read_escape(re, c, extended, open, &depth);
		} else if (c == '[') {
			ok = read_class(re, p, len, &i);
		} else if (c == '.') {
			ok = add_node(re, NODE_ANY, 0);
		} else if (c == '^' && (i == 1 || (re->len && re->nodes[re->len - 1].kind == NODE_OPEN))) {
			ok = add_node(re, NODE_START, 0);
		} else if (c == '$' && (i == len || (extended ? p[i] == ')' : i + 1 < len && p[i] == '\\' && p[i + 1] == ')'))) {
			ok = add_node(re, NODE_END, 0);
		} else if (extended && (c == '(' || c == ')')) {
			ok = read_escape(re, c, false, open, &depth);
		} else {
			ok = !(extended && strchr("|{", c)) && add_node(re, NODE_CHAR, (unsigned char)c);
		}
		if (!ok || !read_repeat(&re->nodes[re->len - 1], p, len, &i, extended))
			return false;
	}
	return depth == 0;
}

static bool node_takes(const struct regex *re, const struct regex_node *node, unsigned char c)
{
	if (node->kind == NODE_ANY)
		return true;
	if (node->kind == NODE_CHAR)
		return c == node->c || (re->fold && tolower(c) == tolower(node->c));
	return class_has(re->classes[node->c], c) || (re->fold && (class_has(re->classes[node->c], (unsigned char)tolower(c)) ||
								    class_has(re->classes[node->c], (unsigned char)toupper(c))));
}

/* Greedy, with the repeated nodes as the only places to come back to: as deep as the pattern has nodes. */
static int match_here(struct regex *re, size_t n, const char *text, size_t len, size_t at, struct regex_match *m)
{
	for (; n < re->len; n++) {
		const struct regex_node *node = &re->nodes[n];
		size_t count = 0;

		if (!re->steps)
			return -1;
		re->steps--;
		if (node->kind == NODE_START || node->kind == NODE_END) {
			if (at != (node->kind == NODE_START ? 0 : len))
				return 0;
			continue;
		}
		if (node->kind == NODE_OPEN || node->kind == NODE_CLOSE) {
			*(node->kind == NODE_OPEN ? &m->start[node->c] : &m->end[node->c]) = at;
			continue;
		}
		while (count < node->max && at + count < len && node_takes(re, node, (unsigned char)text[at + count]))
			count++;
		re->steps -= count / 16 < re->steps ? count / 16 : re->steps;
		if (count < node->min)
			return 0;
		if (node->min == node->max) {
			at += count;
			continue;
		}
		for (;; count--) {
			int found = match_here(re, n + 1, text, len, at + count, m);

			if (found || count == node->min)
				return found;
		}
	}
	m->end[0] = at;
	return 1;
}

int regex_search(struct regex *re, const char *text, size_t len, size_t from, struct regex_match *ret)
{
	for (size_t at = from; at <= len; at++) {
		int found;

		for (size_t i = 0; i <= re->groups; i++)
			ret->start[i] = ret->end[i] = 0;
		ret->start[0] = at;
		found = match_here(re, 0, text, len, at, ret);
		if (found)
			return found;
		if (re->len && re->nodes[0].kind == NODE_START)
			return 0;
	}
	return 0;
}
