/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

#define STARTS_MAX 64
#define NAMES_MAX 16

/* What find looks at: below `starts`, narrowed to `names` when there are any. */
struct hunt {
	struct effects *e;
	const struct shell_value *starts[STARTS_MAX], *names[NAMES_MAX];
	size_t starts_len, names_len;
};

struct primary {
	const char *name;
	unsigned int words;	/* that follow it */
	char action;		/* letter for the first of them; N: a name, P: a path, X: a command up to ";" or "+", D: deletes */
};

static const struct primary primaries[] = {
	{ "-amin", 1, 0 }, { "-anewer", 1, 0 }, { "-atime", 1, 0 }, { "-cmin", 1, 0 }, { "-cnewer", 1, 0 }, { "-context", 1, 0 },
	{ "-ctime", 1, 0 }, { "-delete", 0, 'D' }, { "-exec", 0, 'X' }, { "-execdir", 0, 'X' }, { "-files0-from", 1, 'R' },
	{ "-fls", 1, 'W' }, { "-fprint", 1, 'W' }, { "-fprint0", 1, 'W' }, { "-fprintf", 2, 'W' }, { "-fstype", 1, 0 }, { "-gid", 1, 0 },
	{ "-group", 1, 0 }, { "-ilname", 1, 0 }, { "-iname", 1, 'N' }, { "-inum", 1, 0 }, { "-ipath", 1, 'P' }, { "-iregex", 1, 'N' },
	{ "-iwholename", 1, 'P' }, { "-links", 1, 0 }, { "-lname", 1, 0 }, { "-maxdepth", 1, 0 }, { "-mindepth", 1, 0 }, { "-mmin", 1, 0 },
	{ "-mtime", 1, 0 }, { "-name", 1, 'N' }, { "-newer", 1, 0 }, { "-ok", 0, 'X' }, { "-okdir", 0, 'X' }, { "-path", 1, 'P' },
	{ "-perm", 1, 0 }, { "-printf", 1, 0 }, { "-regex", 1, 'N' }, { "-regextype", 1, 0 }, { "-samefile", 1, 0 }, { "-size", 1, 0 },
	{ "-type", 1, 0 }, { "-uid", 1, 0 }, { "-used", 1, 0 }, { "-user", 1, 0 }, { "-wholename", 1, 'P' }, { "-xtype", 1, 0 },
};

static const struct primary *find_primary(const struct shell_value *word)
{
	if (word->text[0] != '-')
		return NULL;
	if (word->len > 6 && !memcmp(word->text, "-newer", 6))	/* -newermt … */
		return &primaries[0];
	for (size_t i = 0; i < sizeof(primaries) / sizeof(*primaries); i++)
		if (word->text[1] == primaries[i].name[1] && !strcmp(word->text, primaries[i].name))
			return &primaries[i];
	return NULL;
}

static bool is_word(const struct shell_value *v, const char *word)
{
	return !strcmp(v->text, word);
}

/* A pattern that leaves out nothing narrows nothing. */
static bool matches_all(const struct shell_value *pattern)
{
	return is_word(pattern, "*") || is_word(pattern, "*.*") || is_word(pattern, ".*") || is_word(pattern, "?*");
}

static struct shell_value joined(struct effects *e, const struct shell_value *start, const char *text, size_t len)
{
	struct shell_value v = *start;
	char *s = arena_alloc(e->arena, start->len + len + 2);

	e->joined_bytes += start->len + len;
	memcpy(s, start->text, start->len);
	s[start->len] = '/';
	memcpy(s + start->len + 1, text, len);
	v.text = s;
	v.len = start->len + 1 + len;
	return v;
}

/* "start/name"; below the root "/∗∗/name", which is far from everything that stands in the root. */
static struct shell_value below(struct effects *e, const struct shell_value *start, const struct shell_value *name)
{
	static const struct shell_value deep = { .text = "/**", .len = 3 };
	struct shell_value from = *start;

	if (from.len == 1 && from.text[0] == '/') {
		from.text = deep.text;
		from.len = deep.len;
	}
	return joined(e, &from, name->text, name->len);
}

/* What was found, with `rest` behind it ("{}/x"), suffers `access`. */
static void reach(struct hunt *h, enum shell_access access, const char *rest, size_t rest_len)
{
	struct effects *e = h->e;

	for (size_t i = 0; i < h->starts_len && e->joined_bytes < EFFECTS_JOINED_MAX; i++) {
		for (size_t k = 0; k < (h->names_len ? h->names_len : 1) && e->joined_bytes < EFFECTS_JOINED_MAX; k++) {
			const struct shell_value *name = h->names_len ? h->names[k] : NULL;
			struct shell_value path = *h->starts[i];

			e->joined_bytes += path.len;
			if (name && name->len && strchr("/.~", name->text[0]) && memchr(name->text, '/', name->len))
				path = *name;	/* -path '/etc/x*' */
			else if (name)
				path = below(e, &path, name);
			if (rest_len)
				path = joined(e, &path, rest, rest_len);
			effects_add_plain(e, access, true, &path);
		}
	}
}

/* Programs in front of the one that does the work. */
static size_t skip_wrappers(const struct shell_value *argv, size_t argc)
{
	static const char *const wrappers[] = { "sudo", "doas", "env", "nice", "ionice", "nohup", "command", "busybox", "toybox" };
	size_t n = 0;

	for (bool skipped = true; skipped && n < argc; ) {
		skipped = false;
		for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++)
			skipped |= is_word(&argv[n], wrappers[i]);
		n += skipped;
	}
	return n;
}

/* -exec COMMAND: its effects on "{}" are effects on what is found. */
static void run(struct hunt *h, const struct shell_value *argv, size_t argc)
{
	struct shell_effect *effects = NULL;
	size_t len = 0, skipped = skip_wrappers(argv, argc);

	argv += skipped;
	argc -= skipped;
	if (!argc || (argv[0].len >= 4 && !strcmp(argv[0].text + argv[0].len - 4, "find")))	/* a find in find could go on for ever */
		return;
	knowledge_effects(h->e->arena, argv, argc, /* cwd= */ NULL, &effects, &len);
	for (size_t i = 0; i < len; i++) {
		const struct shell_value *path = &effects[i].path;

		if (path->len >= 2 && !memcmp(path->text, "{}", 2))
			reach(h, effects[i].access, path->len > 3 ? path->text + 3 : "", path->len > 3 ? path->len - 3 : 0);
		else
			effects_add(h->e, effects[i].access, effects[i].recursive, path);
	}
}

static size_t command_end(const struct effects *e, size_t i)
{
	for (; i < e->argc; i++)
		if (is_word(&e->argv[i], ";") || is_word(&e->argv[i], "\\;") || (is_word(&e->argv[i], "+") && is_word(&e->argv[i - 1], "{}")))
			break;
	return i;
}

static bool is_expression(const struct shell_value *word)
{
	return (word->len > 1 && word->text[0] == '-') || is_word(word, "(") || is_word(word, "!");
}

static size_t read_starts(struct hunt *h)
{
	static const struct shell_value here = { .text = ".", .len = 1, .known = true };
	struct effects *e = h->e;
	size_t i = 1;

	for (; i < e->argc && e->argv[i].len >= 2 && e->argv[i].text[0] == '-' && strchr("HLPOD", e->argv[i].text[1]); i++)
		i += is_word(&e->argv[i], "-D");
	for (; i < e->argc && !is_expression(&e->argv[i]); i++)
		if (h->starts_len < STARTS_MAX)
			h->starts[h->starts_len++] = &e->argv[i];
	if (!h->starts_len)
		h->starts[h->starts_len++] = &here;
	return i < e->argc ? i : e->argc;
}

static void read_names(struct hunt *h, size_t from)
{
	struct effects *e = h->e;

	for (size_t i = from; i + 1 < e->argc; i++) {
		const struct primary *p = find_primary(&e->argv[i]);
		bool negated = is_word(&e->argv[i - 1], "!") || is_word(&e->argv[i - 1], "-not");

		if (p && p->action == 'X')
			i = command_end(e, i + 1);
		else if (p && (p->action == 'N' || p->action == 'P') && !negated && !matches_all(&e->argv[i + 1]) && h->names_len < NAMES_MAX)
			h->names[h->names_len++] = &e->argv[i + 1];
		if (p && p->action != 'X')
			i += p->words;
	}
}

/* What find would print: argv is that of find, e's own are another program's. */
bool effects_found(struct effects *e, const struct shell_value *argv, size_t argc, enum shell_access access)
{
	struct effects other = *e;
	struct hunt h = { .e = &other };

	other.argv = argv;
	other.argc = argc;
	read_names(&h, read_starts(&h));
	reach(&h, access, "", 0);
	e->joined_bytes = other.joined_bytes;
	return true;
}

void effects_find(struct effects *e)
{
	struct hunt h = { .e = e };
	size_t from = read_starts(&h);

	read_names(&h, from);
	for (size_t i = 0; i < h.starts_len; i++)
		effects_letter(e, 'r', h.starts[i]);
	for (size_t i = from; i < e->argc; i++) {
		const struct primary *p = find_primary(&e->argv[i]);

		if (!p)
			continue;
		if (p->action == 'D') {
			reach(&h, ACCESS_DELETE, "", 0);
		} else if (p->action == 'X') {
			size_t end = command_end(e, i + 1);

			run(&h, e->argv + i + 1, end - i - 1);
			i = end;
		} else if ((p->action == 'W' || p->action == 'R') && i + 1 < e->argc) {
			effects_letter(e, p->action, &e->argv[i + 1]);
		}
		i += p->words;
	}
}
