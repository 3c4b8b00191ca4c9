/* SPDX-License-Identifier: Apache-2.0
 * tr, with ranges, classes and escapes. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

struct tr_set {
	unsigned char chars[1024];
	size_t len;
	char class;	/* the first class in it: 'l' lower, 'u' upper, 0 none */
};

static unsigned int read_char(const char *text, size_t len, size_t *at)
{
	char c = text[(*at)++];
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	unsigned int value = 0;
	const char *simple;

	if (c != '\\' || *at >= len)
		return (unsigned char)c;
	c = text[*at];
	simple = c ? strchr(from, c) : NULL;
	if (c < '0' || c > '7') {
		(*at)++;
		return (unsigned char)(simple ? to[simple - from] : c);
	}
	for (int n = 0; n < 3 && *at < len && text[*at] >= '0' && text[*at] <= '7'; n++)
		value = value * 8 + (unsigned int)(text[(*at)++] - '0');
	return value & 0xff;
}

static bool add_class(struct tr_set *set, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {
		{ "alpha", isalpha }, { "digit", isdigit }, { "alnum", isalnum }, { "space", isspace }, { "blank", isblank }, { "upper", isupper },
		{ "lower", islower }, { "punct", ispunct }, { "print", isprint }, { "graph", isgraph }, { "cntrl", iscntrl }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len))
			continue;
		if (!set->class)
			set->class = classes[i].name[0];
		for (int c = 0; c < 128 && set->len < sizeof(set->chars); c++)
			if (classes[i].is(c))
				set->chars[set->len++] = (unsigned char)c;
		return true;
	}
	return false;
}

/* False: something in it is not known here ([c*n], [=c=]). */
static bool read_set(struct tr_set *set, const struct shell_value *v)
{
	*set = (struct tr_set){ .len = 0 };
	for (size_t i = 0; i < v->len && set->len < sizeof(set->chars);) {
		unsigned int low, high;

		if (v->text[i] == '[' && i + 1 < v->len && v->text[i + 1] == ':') {
			const char *end = memmem(v->text + i, v->len - i, ":]", 2);

			if (!end || !add_class(set, v->text + i + 2, (size_t)(end - v->text) - i - 2))
				return false;
			i = (size_t)(end - v->text) + 2;
			continue;
		}
		if (v->text[i] == '[' && i + 2 < v->len && strchr("=*", v->text[i + 1 + (v->text[i + 1] != '=')]) && memchr(v->text + i, ']', v->len - i))
			return false;
		low = high = read_char(v->text, v->len, &i);
		if (i + 1 < v->len && v->text[i] == '-') {
			i++;
			high = read_char(v->text, v->len, &i);
		}
		for (unsigned int c = low; c <= high && set->len < sizeof(set->chars); c++)
			set->chars[set->len++] = (unsigned char)c;
	}
	return true;
}

struct translation {
	bool delete, squeeze, complement;
	bool deleted[256], squeezed[256];
	unsigned char map[256];
	bool decodes;		/* letters become other letters, or vanish */
};

static void prepare(struct translation *t, const struct tr_set *from, const struct tr_set *to, bool second)
{
	bool in[256] = { false };

	for (size_t i = 0; i < from->len; i++)
		in[from->chars[i]] = true;
	for (unsigned int c = 0; c < 256; c++) {
		t->map[c] = (unsigned char)c;
		if (t->complement)
			in[c] = !in[c];
		t->deleted[c] = t->delete && in[c];
		t->decodes |= t->deleted[c] && isalnum((int)c) && !t->complement;
		if (t->squeeze && !second && !t->delete)
			t->squeezed[c] = in[c];
		if (second && t->complement && !t->delete && in[c] && to->len)
			t->map[c] = to->chars[to->len - 1];
	}
	if (t->squeeze && second)
		for (size_t i = 0; i < to->len; i++)
			t->squeezed[to->chars[i]] = true;
	for (size_t i = 0; second && !t->delete && !t->complement && to->len && i < from->len; i++) {
		unsigned char c = from->chars[i], d = to->chars[i < to->len ? i : to->len - 1];

		t->map[c] = d;
		/* capitals are no cipher, nor are separators that change */
		t->decodes |= c != d && isalnum(d) && tolower(c) != tolower(d);
	}
}

bool output_tr(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	const struct shell_value *sets[2] = { NULL, NULL };
	struct translation t = { .delete = false };
	struct tr_set from, to = { .len = 0 };
	bool truncate = false;
	struct text_out out;
	unsigned int origin;
	size_t n = 0;
	int last = -1;
	struct option o;

	while (option_next(&walk, &o)) {
		t.delete |= option_is(&o, 'd', "delete");
		t.squeeze |= option_is(&o, 's', "squeeze-repeats");
		t.complement |= option_in(&o, "cC", "complement");
		truncate |= option_is(&o, 't', "truncate-set1");
		if (o.operand && n < 2)
			sets[n++] = &c->argv[o.index];
	}
	if (!n)
		return false;
	if (!sets[0]->known || (n > 1 && !sets[1]->known) || !read_set(&from, sets[0]) || (n > 1 && !read_set(&to, sets[1])))
		return output_unknown(c, c->input->origin | ORIGIN_DECODED | ORIGIN_ASSEMBLED);
	if (truncate && from.len > to.len)
		from.len = to.len;
	prepare(&t, &from, &to, n > 1);
	origin = c->input->origin | (t.decodes ? ORIGIN_DECODED | ORIGIN_ASSEMBLED : 0);
	if (!c->input->known)
		return output_unknown(c, origin);
	out = out_init(c->arena, c->input->len);
	for (size_t i = 0; i < c->input->len; i++) {
		unsigned char ch = (unsigned char)c->input->text[i];

		if (t.deleted[ch])
			continue;
		ch = t.map[ch];
		if (t.squeezed[ch] && last == ch)
			continue;
		last = ch;
		out_addch(&out, (char)ch);
	}
	return output_text(c, &out, true, origin);
}
