/* SPDX-License-Identifier: Apache-2.0
 * analysis_append: words that xargs and find add to the command that they run. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

#define APPENDED_MAX 64		/* words that xargs adds */
#define PLACED_MAX 8		/* lines that xargs -I runs for */

static void add_unknown_words(struct walker *w, struct words *ws, const struct shell_value *from)
{
	struct shell_value v = { .text = "$(input)", .len = 8, .origin = ORIGIN_INPUT };

	if (from && from->len && value_is_unknown(from))
		v = *from;
	else if (from)
		v.origin = from->origin;
	words_push(w, ws, v, false);
}

static void split_input(struct walker *w, struct words *ws, const struct shell_value *in, const char *separators, size_t max)
{
	size_t i = 0;

	while (i < in->len && ws->len < max) {
		struct shell_value v = *in;
		size_t n = 0;

		while (i < in->len && strchr(separators, in->text[i]))	/* finds NUL too */
			i++;
		while (i + n < in->len && !strchr(separators, in->text[i + n])) {
			size_t skip = in->known ? 0 : value_unknown_len(in->text + i + n, in->len - i - n);

			n += skip ? skip : 1;
		}
		if (!n)
			break;
		v.text = arena_strndup(w->arena, in->text + i, n);
		v.len = n;
		v.known = in->known;
		spend(w, n);
		words_push(w, ws, v, false);
		i += n;
	}
}

/* find: the folders it starts from; with a filter, something below them. */
static void find_paths(struct walker *w, const struct shell_command *c, struct words *ws)
{
	static const char *const tests[] = {
		"name", "path", "regex", "newer", "size", "mtime", "mmin", "user", "perm", "links", "inum", "empty",
		"atime", "ctime", "group", "mindepth", "iname", "ipath", "iregex",
	};
	bool filtered = false;

	for (size_t i = 1; i < c->argc; i++)
		for (size_t k = 0; k < ARRAY_SIZE(tests) && c->argv[i].text[0] == '-'; k++)
			filtered |= !strncmp(c->argv[i].text + 1, tests[k], strlen(tests[k])) &&
				    (i + 1 == c->argc || strcmp(c->argv[i + 1].text, "*") != 0);
	for (size_t i = 1; i < c->argc && !strchr("-(!", c->argv[i].text[0]); i++) {
		struct shell_value v = c->argv[i];

		if (filtered) {
			char *text = arena_alloc(w->arena, v.len + 16);

			memcpy(text, v.text, v.len);
			memcpy(text + v.len, "/${found}", 9);
			v.text = v.len && text[v.len - 1] == '/' ? memmove(text + v.len, text + v.len + 1, 9), text : text;
			v.len = strlen(v.text);
			v.known = false;
		}
		words_push(w, ws, v, false);
	}
	if (!ws->len)
		words_push(w, ws, (struct shell_value){ .text = "${found}", .len = 8 }, false);
}

static void appended_words(struct walker *w, const struct running *r, struct words *ws)
{
	const struct shell_value *in = w->fds[0] ? &w->fds[0]->value : NULL;
	const char *separators = r->wrapper.placeholder ? "\n" : " \t\n";

	if (!strcmp(r->cmd.name, "find") || !strcmp(r->cmd.name, "fd")) {
		find_paths(w, &r->cmd, ws);
		return;
	}
	for (size_t i = 1; i < r->wrapper.first; i++) {
		const char *option = r->cmd.argv[i].text;

		if (!strcmp(option, "-0") || !strcmp(option, "--null"))
			separators = "";
		else if (!strncmp(option, "-d", 2))
			separators = "\n,:;|";
	}
	if (in && in->len && !value_is_unknown(in))
		split_input(w, ws, in, separators, r->wrapper.placeholder ? PLACED_MAX : APPENDED_MAX);
	if (!ws->len)
		add_unknown_words(w, ws, in);
}

static struct shell_value replace_placeholder(struct walker *w, struct shell_value v, const char *placeholder,
					      const struct shell_value *with)
{
	struct shell_value text;

	if (!strstr(v.text, placeholder))
		return v;
	text = value_replace(w->arena, v, placeholder, with->text, true);

	if (!strcmp(v.text, placeholder)) {
		text = *with;
	} else {
		text.known = v.known && with->known;
		text.origin |= with->origin;
	}
	text.offset = v.offset;
	text.source_len = v.source_len;
	return text;
}

static bool has_placeholder(const struct call *inner, const char *placeholder)
{
	for (size_t i = 0; placeholder && *placeholder && i < inner->argc; i++)
		if (strstr(inner->argv[i].text, placeholder))
			return true;
	return false;
}

void run_appended(struct walker *w, const struct running *r, const struct call *inner)
{
	struct words added = { .items = NULL };
	bool place_them = has_placeholder(inner, r->wrapper.placeholder);

	if (place_them || strcmp(r->cmd.name, "find") != 0)	/* find adds nothing by itself */
		appended_words(w, r, &added);
	for (size_t n = 0; n < (place_them ? added.len : 1); n++) {
		struct call c = *inner;
		struct words ws = { .items = NULL };

		for (size_t i = 0; i < inner->argc; i++) {
			struct shell_value v = inner->argv[i];

			if (place_them)
				v = replace_placeholder(w, v, r->wrapper.placeholder, &added.items[n]);
			words_push(w, &ws, v, inner->odd && inner->odd[i]);
		}
		for (size_t i = 0; !place_them && i < added.len; i++)
			words_push(w, &ws, added.items[i], false);
		spend(w, ws.len * 8);
		c.argv = ws.items;
		c.odd = ws.odd;
		c.argc = ws.len;
		run_call(w, &c);
		if (n && !affordable_again(w, inner->source_len))
			break;
	}
}
