/* SPDX-License-Identifier: Apache-2.0
 * analysis_builtin: commands that change the state of the shell. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

static size_t identifier_len(const char *s)
{
	return s[0] >= '0' && s[0] <= '9' ? 0 : value_name_len(s);
}

static bool is_identifier(const char *s)
{
	return *s && !s[identifier_len(s)];
}

/* ---- folders */
static void go_to(struct walker *w, const char *cwd, bool lost)
{
	w->old_cwd = w->cwd;
	w->cwd = cwd;
	w->cwd_lost = lost;
}

static void run_cd(struct walker *w, const struct call *c)
{
	const struct shell_value *to = NULL;
	const char *path;
	size_t len;
	bool lost;

	for (size_t i = 1; i < c->argc && !to; i++)
		if (c->argv[i].text[0] != '-' || !c->argv[i].text[1])
			to = &c->argv[i];
	if (!to) {
		go_to(w, c->argv[0].text[0] == 'p' ? NULL : "~", c->argv[0].text[0] == 'p');
	} else if (!strcmp(to->text, "-")) {
		go_to(w, w->old_cwd, !w->old_cwd);
	} else if (!to->known || !to->len || to->text[0] == '+') {
		go_to(w, NULL, true);
	} else {
		path = knowledge_path(w->arena, w->cwd, to->text, to->len, &len);
		lost = w->cwd_lost && path[0] != '/' && path[0] != '~';
		go_to(w, lost ? NULL : path, lost);
	}
}

static void run_popd(struct walker *w, const struct call *c)
{
	(void)c;
	go_to(w, w->old_cwd, !w->old_cwd);
}

/* ---- variables */
/* declare a=(x y), m=([k]=v): quotes are gone by now, blanks separate. */
static void declare_array(struct walker *w, const char *name, size_t len, const struct shell_value *v)
{
	struct words ws = { .items = NULL };
	const char *s = v->text + 1, *end = v->text + v->len - 1;

	while (s < end) {
		size_t n = strcspn(s, " \t\n)");
		const char *close = s[0] == '[' ? memchr(s, ']', n) : NULL;
		struct shell_value item = *v;

		if (close && close[1] == '=') {
			autostrbuf struct strbuf key = STRBUF_INIT(1024);

			strbuf_add(&key, name, len);
			strbuf_add(&key, s, (size_t)(close + 1 - s));
			item.text = arena_strndup(w->arena, close + 2, n - (size_t)(close + 2 - s));
			item.len = n - (size_t)(close + 2 - s);
			variable_assign(w, key.buf, key.len, item, false);
		} else if (n) {
			item.text = arena_strndup(w->arena, s, n);
			item.len = n;
			words_push(w, &ws, item, false);
		}
		s += n + 1;
	}
	spend(w, v->len);
	variable_set_array(w, name, len, ws.items, ws.len);
}

/* NAME=value whose value programs run as a command. */
void analyse_hook(struct walker *w, const struct shell_value *assignment)
{
	static const char *const names[] = {
		"PAGER", "GIT_PAGER", "MANPAGER", "EDITOR", "VISUAL", "GIT_EDITOR", "GIT_SSH_COMMAND", "LESSOPEN",
		"PROMPT_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_SEQUENCE_EDITOR", "BROWSER", "GIT_ASKPASS",
	};
	struct shell_value v = *assignment;
	size_t n;

	if (!strchr("PGMEVLB", v.text[0]) || !v.len)
		return;
	n = identifier_len(v.text);
	if (!n || v.text[n] != '=' || !memchr(v.text, ' ', v.len))
		return;
	v.text += n + 1;
	v.len -= n + 1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], assignment->text, n))
			analyse_text(w, &v, 0);
}

static void declare(struct walker *w, const struct shell_value *arg, bool local, bool export)
{
	size_t n = identifier_len(arg->text);
	bool append = n && arg->text[n] == '+' && arg->text[n + 1] == '=';
	size_t from = n + append + 1;
	struct shell_value v = *arg;

	if (!n)
		return;
	if (local)
		variable_local(w, arg->text, n);
	if (arg->text[n + append] == '=') {
		v.text += from;
		v.len -= from;
		if (v.len > 1 && v.text[0] == '(' && v.text[v.len - 1] == ')')
			declare_array(w, arg->text, n, &v);
		else if (append)
			variable_append(w, arg->text, n, v);
		else
			variable_assign(w, arg->text, n, v, false);
	} else if (local && !arg->text[n]) {
		variable_unset(w, arg->text, n);
	}
	if (export)
		variable_export(w, arg->text, n);
	analyse_hook(w, arg);
}

static void run_declaration(struct walker *w, const struct call *c)
{
	const char *name = c->argv[0].text;
	bool export = !strcmp(name, "export"), global = export || !strcmp(name, "readonly"), reference = false;

	for (size_t i = 1; i < c->argc; i++) {
		const char *s = c->argv[i].text;

		if (s[0] == '-') {
			export |= strchr(s, 'x') != NULL;
			global |= strchr(s, 'g') != NULL;
			reference |= !export && strchr(s, 'n') != NULL;
		} else {
			declare(w, &c->argv[i], !global && w->frame, export);
			if (reference && variable_find(w, s, identifier_len(s)))
				variable_find(w, s, identifier_len(s))->now.reference = true;
		}
	}
}

static void run_unset(struct walker *w, const struct call *c)
{
	for (size_t i = 1; i < c->argc; i++)
		variable_unset(w, c->argv[i].text, c->argv[i].len);
}

static void set_arguments(struct walker *w, const struct shell_value *values, size_t n)
{
	struct shell_value *args = arena_alloc(w->arena, (n + 1) * sizeof(*args));

	spend(w, n * 4);
	args[0] = w->args_len ? w->args[0] : value_unknown(w->arena, "0", 1, ORIGIN_INPUT);
	if (n)
		memcpy(args + 1, values, n * sizeof(*args));
	w->args = args;
	w->args_len = n + 1;
	w->args_known = true;
	for (size_t i = 0; i < n; i++)	/* "$@" of unknown arguments stays that */
		w->args_known &= strcmp(values[i].text, "${@}") != 0 && strcmp(values[i].text, "${*}") != 0;
}

static void run_set(struct walker *w, const struct call *c)
{
	for (size_t i = 1; i < c->argc; i++) {
		const char *s = c->argv[i].text;

		if (!strcmp(s, "--")) {
			set_arguments(w, c->argv + i + 1, c->argc - i - 1);
			return;
		}
		if (s[0] != '-' && s[0] != '+') {
			set_arguments(w, c->argv + i, c->argc - i);
			return;
		}
		i += (s[1] && s[strlen(s) - 1] == 'o');
	}
}

static void run_shift(struct walker *w, const struct call *c)
{
	size_t n = c->argc > 1 && c->argv[1].text[0] >= '0' && c->argv[1].text[0] <= '9' ? (size_t)(c->argv[1].text[0] - '0') : 1;
	struct shell_value *args;

	if (w->frame)
		w->frame->uses_args = true;
	if (!w->args_known || w->args_len <= n)
		return;
	if (w->balance < (int64_t)w->args_len) {
		w->args_known = false;
		return;
	}
	args = arena_alloc(w->arena, (w->args_len - n) * sizeof(*args));
	spend(w, w->args_len);
	args[0] = w->args[0];
	memcpy(args + 1, w->args + 1 + n, (w->args_len - 1 - n) * sizeof(*args));
	w->args = args;
	w->args_len -= n;
}

/* ---- reading */
static struct shell_value next_line(struct walker *w, struct stream *in, char end)
{
	const char *from = in->value.text + in->pos, *newline = memchr(from, end, in->value.len - in->pos);
	size_t len = newline ? (size_t)(newline - from) : in->value.len - in->pos;
	struct shell_value v = in->value;

	in->pos += len + (newline != NULL);
	while (len && (*from == ' ' || *from == '\t')) {
		from++;
		len--;
	}
	spend(w, len);
	v.text = arena_strndup(w->arena, from, len);
	v.len = len;
	v.known = v.known || !memchr(from, '$', len);
	return v;
}

static void read_fields(struct walker *w, const struct call *c, size_t first, struct shell_value line)
{
	const char *separators = field_separators(w), *s = line.text;

	for (size_t i = 0; i < c->assignments_len; i++)	/* IFS=: read … */
		if (!strncmp(c->assignments[i].text, "IFS=", 4))
			separators = c->assignments[i].text + 4;

	for (size_t i = first; i < c->argc; i++) {
		struct shell_value v = line;
		size_t n;

		if (strchr(" \t\n", separators[0]))
			s += strspn(s, separators);
		n = i + 1 < c->argc ? strcspn(s, separators) : strlen(s);
		v.text = arena_strndup(w->arena, s, n);
		v.len = n;
		s += n;
		s += *s != '\0';
		if (is_identifier(c->argv[i].text))
			variable_assign(w, c->argv[i].text, c->argv[i].len, v, false);
	}
}

static void read_array(struct walker *w, const struct call *c, size_t first, struct shell_value line)
{
	struct words ws = { .items = NULL };

	if (first >= c->argc || !is_identifier(c->argv[first].text))
		return;
	for (const char *s = line.text + strspn(line.text, " \t"); *s; s += strspn(s, " \t")) {
		struct shell_value v = line;

		v.len = strcspn(s, " \t");
		v.text = arena_strndup(w->arena, s, v.len);
		words_push(w, &ws, v, false);
		s += v.len;
	}
	variable_set_array(w, c->argv[first].text, c->argv[first].len, ws.items, ws.len);
}

static void run_read(struct walker *w, const struct call *c)
{
	struct stream *in = w->fds[0];
	bool array = false;
	char end = '\n';
	size_t first = 1;

	for (; first < c->argc && c->argv[first].text[0] == '-'; first++) {
		const char *s = c->argv[first].text;
		char last = s[strlen(s) - 1];

		array |= last == 'a';
		if (strchr("dintpNu", last) && first + 1 < c->argc) {
			first++;
			if (last == 'd')
				end = c->argv[first].text[0];
			if (last == 'u' && c->argv[first].text[0] >= '0' && c->argv[first].text[0] <= '9')
				in = w->fds[c->argv[first].text[0] - '0'];
		}
	}
	if (in && in->value.len && !value_is_unknown(&in->value) && in->pos < in->value.len) {
		if (array)
			read_array(w, c, first, next_line(w, in, end));
		else
			read_fields(w, c, first, next_line(w, in, end));
		return;
	}
	for (size_t i = first; i < c->argc; i++) {
		const struct shell_value *name = &c->argv[i];
		unsigned int origin = in && in->value.origin ? in->value.origin : ORIGIN_INPUT;

		if (!is_identifier(name->text))
			continue;
		if (in && value_is_unknown(&in->value))		/* the lines of $(find /) read so */
			variable_assign(w, name->text, name->len, in->value, false);
		else
			variable_assign(w, name->text, name->len, value_unknown(w->arena, name->text, name->len, origin), false);
	}
}

static void run_mapfile(struct walker *w, const struct call *c)
{
	const char *name = c->argc > 1 && c->argv[c->argc - 1].text[0] != '-' ? c->argv[c->argc - 1].text : "MAPFILE";
	struct stream *in = w->fds[0];
	struct words ws = { .items = NULL };

	if (!is_identifier(name))
		return;
	if (!in || !in->value.len || value_is_unknown(&in->value)) {
		unsigned int origin = in ? in->value.origin : ORIGIN_INPUT;

		variable_assign(w, name, strlen(name), value_unknown(w->arena, name, strlen(name), origin), false);
		return;
	}
	while (in->pos < in->value.len && ws.len < 1024)
		words_push(w, &ws, next_line(w, in, '\n'), false);
	variable_set_array(w, name, strlen(name), ws.items, ws.len);
}

/* getopts, let: something is assigned, we do not know what. */
static void run_unknown_assignment(struct walker *w, const struct call *c)
{
	const struct shell_value *last = &c->argv[c->argc - 1];
	unsigned int origin = w->fds[0] ? w->fds[0]->value.origin : ORIGIN_INPUT;
	size_t n = identifier_len(last->text);

	if (c->argc > 1 && n)
		variable_assign(w, last->text, n, value_unknown(w->arena, last->text, n, origin), false);
}

static void run_printf_v(struct walker *w, const struct call *c)
{
	struct shell_value *argv, v = { .text = "" };

	argv = arena_alloc(w->arena, c->argc * sizeof(*argv));
	argv[0] = c->argv[0];
	memcpy(argv + 1, c->argv + 3, (c->argc - 3) * sizeof(*argv));
	if (!knowledge_output(w->arena, argv, c->argc - 2, NULL, &v) || (!v.known && !v.len))
		v = value_unknown(w->arena, c->argv[2].text, c->argv[2].len, v.origin | ORIGIN_COMMAND);
	variable_assign(w, c->argv[2].text, c->argv[2].len, v, true);
}

static void run_alias_definition(struct walker *w, const struct call *c)
{
	for (size_t i = 1; i < c->argc; i++) {
		autostrbuf struct strbuf name = STRBUF_INIT(1024);
		const char *equals = strchr(c->argv[i].text, '=');
		struct shell_value v = c->argv[i];
		bool aliases = w->aliases;

		if (!equals)
			continue;
		strbuf_addf(&name, "alias %.*s", (int)(equals - v.text), v.text);
		v.text = equals + 1;
		v.len -= (size_t)(equals + 1 - c->argv[i].text);
		variable_assign(w, name.buf, name.len, v, false);
		w->aliases = false;
		analyse_text(w, &v, 0);		/* whoever uses it */
		w->aliases = aliases;
	}
	w->aliases = true;
}

/* ---- leaving */
static void run_break(struct walker *w, const struct call *c)
{
	w->breaks++;
	if (c->argc > 1)
		w->ends++;
}

static void run_end(struct walker *w, const struct call *c)
{
	(void)c;
	w->ends++;
	for (struct frame *f = w->frame; f; f = f->outer)
		f->may_end = true;
}

static void run_silently(struct walker *w, const struct call *c)
{
	(void)w;
	(void)c;
}

struct builtin {
	const char *name;
	void (*run)(struct walker *w, const struct call *c);
};

/* Sorted. The silent ones only print nothing. */
static const struct builtin builtins[] = {
	{ ":", run_silently }, { "[", run_silently }, { "[[", run_silently }, { "alias", run_alias_definition },
	{ "break", run_break }, { "cd", run_cd }, { "chmod", run_silently }, { "chown", run_silently },
	{ "cp", run_silently }, { "declare", run_declaration }, { "exit", run_end }, { "export", run_declaration },
	{ "false", run_silently }, { "getopts", run_unknown_assignment }, { "kill", run_silently },
	{ "let", run_unknown_assignment }, { "ln", run_silently }, { "local", run_declaration },
	{ "mapfile", run_mapfile }, { "mkdir", run_silently }, { "mv", run_silently }, { "popd", run_popd },
	{ "pushd", run_cd }, { "read", run_read }, { "readarray", run_mapfile }, { "readonly", run_declaration },
	{ "return", run_end }, { "rm", run_silently }, { "rmdir", run_silently }, { "set", run_set },
	{ "shift", run_shift }, { "sleep", run_silently }, { "test", run_silently }, { "touch", run_silently },
	{ "true", run_silently }, { "typeset", run_declaration }, { "ulimit", run_silently },
	{ "umask", run_silently }, { "unset", run_unset }, { "wait", run_silently },
};

const struct builtin *builtin_at(size_t i, const char **name)
{
	if (i >= ARRAY_SIZE(builtins))
		return NULL;
	*name = builtins[i].name;
	return &builtins[i];
}

const struct builtin *builtin_find(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(builtins);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, builtins[middle].name);

		if (!order)
			return &builtins[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool is_declaration(const char *name)
{
	switch (name[0]) {
	case 'd':
		return !strcmp(name, "declare");
	case 'e':
		return !strcmp(name, "export");
	case 'l':
		return !strcmp(name, "local");
	case 'r':
		return !strcmp(name, "readonly");
	case 't':
		return !strcmp(name, "typeset");
	default:
		return false;
	}
}

bool run_builtin(struct walker *w, const struct call *c, const struct builtin *b, const char *name)
{
	if (name[0] == 'p' && !strcmp(name, "printf") && c->argc > 3 && !strcmp(c->argv[1].text, "-v")) {
		run_printf_v(w, c);
		return true;
	}
	if (!b || (b->run == run_set && c->argc == 1))
		return false;	/* `set` alone dumps variables */
	if (b->run == run_declaration && c->argc > 1 && !strcmp(c->argv[1].text, "-p"))
		return false;
	b->run(w, c);
	return true;
}
