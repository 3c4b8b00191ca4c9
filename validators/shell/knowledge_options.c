/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_options.h"

#include <string.h>

struct token {
	const char *name;
	size_t name_len;
	unsigned int values;	/* 0, 1, 2 */
	bool optional;
	const char *actions, *flags, *fixed;	/* where they begin; flags and fixed NULL for none */
	size_t actions_len, flags_len, fixed_len;
};

/* What ends a name; NUL, too. */
static bool is_name_end(char c)
{
	return c == ' ' || c == ',' || c == '=' || c == '?' || c == ':' || c == '!' || !c;
}

static size_t until(const char *s, const char *stops)
{
	size_t n = 0;

	while (!is_name_end(s[n]) || (s[n] && !strchr(stops, s[n])))
		n++;
	return n;
}

/* What stands behind the names of a token. */
static struct token read_token(const char *names, const char *s)
{
	struct token t = { .name = names, .name_len = until(names, ",=?:! ") };

	if (*s == '?')
		t.optional = true, s++;
	while (*s == '=')
		t.values++, s++;
	t.actions = s;
	t.actions_len = until(s, ":! ");
	s += t.actions_len;
	if (*s == ':') {
		t.flags = s + 1;
		t.flags_len = until(t.flags, "! ");
		s = t.flags + t.flags_len;
	}
	if (*s == '!') {
		t.fixed = s + 1;
		t.fixed_len = until(t.fixed, " ");
	}
	return t;
}

struct table {
	const char *text, *end;
};

static struct table table_of(const char *text)
{
	return (struct table){ .text = text, .end = text + strlen(text) };
}

/* The token with this name; with `prefix`, one whose long name begins so. Names begin behind a blank or comma. */
static bool find_token(struct table in, const char *name, size_t len, bool prefix, struct token *ret)
{
	const char *table = in.text, *end = in.end, *s = table;

	while (len && (s = len == 1 ? memchr(s, *name, (size_t)(end - s)) : memmem(s, (size_t)(end - s), name, len))) {
		bool begins = s == table || s[-1] == ' ' || s[-1] == ',';

		if (begins && (is_name_end(s[len]) != prefix)) {
			const char *names = s;

			while (names > table && names[-1] != ' ')
				names--;
			*ret = read_token(names, s + until(s, "=?:! "));
			return true;
		}
		s++;
	}
	return false;
}

struct splitter {
	struct arena *arena;
	struct table table;
	const struct shell_value *argv;
	size_t argc, next;	/* the word to be read next */
	struct arguments out;
};

struct shell_value options_tail(const struct shell_value *value, size_t skip)
{
	struct shell_value tail = *value;

	if (skip > tail.len)
		skip = tail.len;
	tail.text += skip;
	tail.len -= skip;
	return tail;
}

static struct argument *append(struct splitter *s)
{
	struct arguments *a = &s->out;

	a->items = arena_append(s->arena, a->items, a->len, sizeof(*a->items));
	return &a->items[a->len++];
}

static void add_operand(struct splitter *s, size_t index)
{
	struct argument *item = append(s);

	item->index = index;
	item->has_value = true;
	item->value = s->argv[index];
	s->out.operands++;
}

/* `glued`: the value in the same word; NULL: none. */
static void add_option(struct splitter *s, size_t index, const struct token *t, const struct shell_value *glued)
{
	for (size_t i = 0; i < t->flags_len; i++)
		if (t->flags[i] >= 'a' && t->flags[i] <= 'z')
			s->out.flags |= 1u << (t->flags[i] - 'a');
	for (unsigned int i = glued ? 1 : 0; i < t->values && s->next < s->argc; i++)
		glued = &s->argv[s->next++];	/* the last of two is kept */
	if (!t->fixed && !(glued && (t->values || t->optional)))
		return;
	struct argument *item = append(s);

	item->index = index;
	item->name = t->name;
	item->name_len = t->name_len;
	item->actions = t->actions;
	item->actions_len = t->actions_len;
	item->fixed = t->fixed;
	item->fixed_len = t->fixed_len;
	if (glued && (t->values || t->optional)) {
		item->has_value = true;
		item->value = *glued;
	}
}

static bool is_long_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z') && !(name[i] >= '0' && name[i] <= '9') && !strchr("-_", name[i]))
			return false;
	return len > 1;
}

/* --name, --name=value; -name where programs have it so. `skip`: of dashes. */
static bool read_long(struct splitter *s, size_t index, size_t skip)
{
	const struct shell_value *word = &s->argv[index];
	const char *equals = memchr(word->text, '=', word->len);
	size_t len = (equals ? (size_t)(equals - word->text) : word->len) - skip;
	struct token t;

	if (!find_token(s->table, word->text + skip, len, false, &t) &&
	    !(len >= 3 && skip == 2 && is_long_name(word->text + skip, len) && find_token(s->table, word->text + skip, len, true, &t)))
		return false;
	if (equals) {
		struct shell_value value = options_tail(word, (size_t)(equals - word->text) + 1);

		add_option(s, index, &t, &value);
	} else {
		add_option(s, index, &t, NULL);
	}
	return true;
}

/* -abc, -ovalue. Returns whether all letters are in the table. */
static bool read_bundle(struct splitter *s, size_t index, size_t skip, bool glues)
{
	const struct shell_value *word = &s->argv[index];
	bool all = true;

	for (size_t i = skip; i < word->len; i++) {
		struct token t;

		if (!find_token(s->table, word->text + i, 1, false, &t)) {
			all = false;
			continue;
		}
		if (glues && (t.values || t.optional) && i + 1 < word->len) {
			struct shell_value value = options_tail(word, i + 1);

			add_option(s, index, &t, &value);
			return all;
		}
		add_option(s, index, &t, NULL);
	}
	return all;
}

bool options_takes_value(const char *table, unsigned int style, const struct shell_value *word)
{
	bool is_long = word->len > 2 && (word->text[1] == '-' || style & OPTIONS_SINGLE_DASH);
	size_t skip = word->len > 1 && word->text[1] == '-' ? 2 : 1;
	struct table in;
	struct token t;

	if (word->len < 2 || word->text[0] != '-' || memchr(word->text, '=', word->len))
		return false;
	in = table_of(table);
	if (is_long)
		return find_token(in, word->text + skip, word->len - skip, false, &t) && t.values > 0;
	for (size_t i = 1; i < word->len; i++)
		if (find_token(in, word->text + i, 1, false, &t) && (t.values || t.optional))
			return t.values && i + 1 == word->len;
	return false;
}

static void read_option(struct splitter *s, size_t index, unsigned int style)
{
	const struct shell_value *word = &s->argv[index];
	struct token other;
	bool known;

	if (word->text[1] == '-')
		known = read_long(s, index, 2);
	else if (style & OPTIONS_SINGLE_DASH)
		known = read_long(s, index, 1);
	else
		known = read_bundle(s, index, 1, true);
	if (!known && find_token(s->table, "*", 1, false, &other))
		add_option(s, index, &other, NULL);
}

struct arguments options_split(struct arena *arena, const char *table, unsigned int style, const struct shell_value *argv, size_t argc)
{
	struct splitter s = { .arena = arena, .table = table_of(table), .argv = argv, .argc = argc, .next = 1 };
	bool only_operands = false;

	while (s.next < argc) {
		size_t index = s.next++;
		const struct shell_value *word = &argv[index];

		if (index == 1 && style & OPTIONS_BUNDLE && word->len && word->text[0] != '-') {
			read_bundle(&s, index, 0, false);
		} else if (only_operands || word->len < 2 || word->text[0] != '-') {
			add_operand(&s, index);
			only_operands |= style & OPTIONS_STOP;
			if (style & OPTIONS_ONE_OPERAND)
				break;
		} else if (word->len == 2 && word->text[1] == '-') {
			only_operands = true;
		} else {
			read_option(&s, index, style);
		}
	}
	s.out.next = s.next;
	return s.out;
}
