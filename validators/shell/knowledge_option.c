/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_option.h"

#include <string.h>
#include <strings.h>

bool word_in(const char *word, size_t len, const char *names)
{
	if (!len || !names)
		return false;
	for (const char *p = names; *p; p += *p == ' ') {
		size_t i = 0;

		while (i < len && *p == word[i] && *p && *p != ' ' && *p != ':') {
			i++;
			p++;
		}
		if (i == len && (!*p || *p == ' ' || *p == ':'))
			return true;
		while (*p && *p != ' ')
			p++;
	}
	return false;
}

int word_order(const char *word, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] && word[i] == name[i])	/* names differ early: a call would cost more */
		i++;
	if (i == len)
		return name[i] ? -1 : 0;
	return name[i] ? (unsigned char)word[i] - (unsigned char)name[i] : 1;
}

bool value_is(const struct shell_value *v, const char *text)
{
	return v->known && !strcmp(v->text, text);
}

struct shell_value value_slice(struct arena *arena, const struct shell_value *v, size_t from, size_t len)
{
	struct shell_value part = *v;

	part.text = from + len == v->len ? v->text + from : arena_strndup(arena, v->text + from, len);
	part.len = len;
	return part;
}

struct shell_value value_join(struct arena *arena, const struct shell_value *argv, size_t first, size_t last)
{
	struct shell_value all = argv[first];
	size_t len = 0, at = 0;
	char *text;

	if (first == last)
		return all;
	for (size_t i = first; i <= last; i++)
		len += argv[i].len + 1;
	text = arena_alloc(arena, len);
	for (size_t i = first; i <= last; i++) {
		memcpy(text + at, argv[i].text, argv[i].len);
		at += argv[i].len;
		if (i < last)
			text[at++] = ' ';
		all.known &= argv[i].known;
		all.origin |= argv[i].origin;
	}
	all.text = text;
	all.len = at;
	if (argv[last].offset >= all.offset)
		all.source_len = argv[last].offset + argv[last].source_len - all.offset;
	return all;
}

const char *value_base_name(const struct shell_value *argv0, size_t *ret_len)
{
	const char *name = argv0->text, *slash = memrchr(argv0->text, '/', argv0->len);
	size_t len = argv0->len;

	*ret_len = 0;
	if (!argv0->known)
		return "";
	if (slash) {
		name = slash + 1;
		len = argv0->len - (size_t)(name - argv0->text);
	} else if (len > 1 && name[0] == '-') {
		name++;
		len--;
	}
	if (len > 4 && !strcasecmp(name + len - 4, ".exe"))
		len -= 4;
	*ret_len = len;
	return name;
}

/* How many words does the long option take after itself? */
static unsigned int long_arity(const struct option_spec *spec, const char *name, size_t len)
{
	unsigned int abbreviated = 0;

	if (spec->long_flags)
		return word_in(name, len, spec->long_flags) ? 0 : 1;
	if (!spec->long_values)
		return 0;
	/* getopt_long takes abbreviations; the whole name goes first */
	for (const char *p = spec->long_values; *p; p += *p == ' ') {
		size_t n = strcspn(p, " ");
		size_t whole = strcspn(p, " :");

		if (len <= whole && !memcmp(p, name, len)) {
			unsigned int words = n > whole ? (unsigned int)(p[whole + 1] - '0') : 1;

			if (len == whole)
				return words;
			if (len >= 3 && !spec->single_dash && !abbreviated)
				abbreviated = words;
		}
		p += n;
	}
	return abbreviated;
}

static void take_value(struct option_walk *w, struct option *o)
{
	if (w->next >= w->argc)
		return;
	o->has_value = true;
	o->value_index = w->next;
	o->value = w->argv[w->next++];
}

static void long_option(struct option_walk *w, struct option *o, size_t dashes)
{
	const struct shell_value *word = &w->argv[w->next++];
	const char *equals = memchr(word->text, '=', word->len);
	unsigned int arity;

	o->name = word->text + dashes;
	o->name_len = (equals ? (size_t)(equals - word->text) : word->len) - dashes;
	if (equals) {
		size_t from = (size_t)(equals - word->text) + 1;

		/* the rest of the word: no copy, it ends where the word ends */
		o->has_value = true;
		o->value = *word;
		o->value.text += from;
		o->value.len -= from;
		return;
	}
	arity = long_arity(w->spec, o->name, o->name_len);
	if (arity)
		take_value(w, o);
	for (; arity > 1 && w->next < w->argc; arity--)
		w->next++;
}

static void short_option(struct option_walk *w, struct option *o)
{
	const struct shell_value *word = &w->argv[w->next];
	const struct option_spec *spec = w->spec;
	bool value, glued;

	o->letter = word->text[w->letter++];
	value = spec->values && strchr(spec->values, o->letter);
	glued = spec->glued && strchr(spec->glued, o->letter);
	if (w->letter < word->len && !value && !glued)
		return;
	if (w->letter < word->len) {
		size_t from = w->letter;

		o->has_value = true;
		o->value = *word;
		o->value.text += from;
		o->value.len -= from;
		value = false;
	}
	w->next++;
	w->letter = 0;
	if (value)
		take_value(w, o);
}

bool option_next(struct option_walk *w, struct option *ret)
{
	const struct shell_value *word;

	*ret = (struct option){ .index = w->next };
	if (w->next >= w->argc)
		return false;
	if (w->letter) {
		short_option(w, ret);
		return true;
	}
	word = &w->argv[w->next];
	if (!w->ended && word->len == 2 && !memcmp(word->text, "--", 2)) {
		w->ended = true;
		w->next++;
		return option_next(w, ret);
	}
	if (w->ended || word->len < 2 || (word->text[0] != '-' && !(w->spec->plus && word->text[0] == '+'))) {
		ret->operand = ret->has_value = true;
		ret->value = *word;
		ret->value_index = w->next++;
		return true;
	}
	if (word->text[0] == '-' && word->text[1] == '-') {
		long_option(w, ret, 2);
		return true;
	}
	if (w->spec->single_dash) {
		long_option(w, ret, 1);
		return true;
	}
	w->letter = 1;
	short_option(w, ret);
	return true;
}

bool option_is(const struct option *o, char letter, const char *long_name)
{
	if (o->operand)
		return false;
	if (o->letter)
		return o->letter == letter;
	return long_name && strlen(long_name) == o->name_len && !memcmp(long_name, o->name, o->name_len);
}

bool option_in(const struct option *o, const char *letters, const char *names)
{
	if (o->operand)
		return false;
	if (o->letter)
		return letters && strchr(letters, o->letter);
	return word_in(o->name, o->name_len, names);
}
