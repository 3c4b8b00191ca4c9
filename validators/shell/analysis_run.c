/* SPDX-License-Identifier: Apache-2.0
 * analysis_run: a command whose words are known becomes an entry of the outcome; what it runs in turn is followed. */
#include <stddef.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

#define RENDER_MAX 200
#define MADE_MAX 16

size_t emit(struct walker *w, const struct shell_command *c)
{
	struct shell_command *to;

	if (w->len >= SHELL_MAX_COMMANDS) {
		w->truncated = true;
		return SHELL_NO_COMMAND;
	}
	spend(w, 64 + c->argc * 4);
	ARENA_GROW(w->arena, w->commands, w->len, w->alloc);
	to = &w->commands[w->len];
	*to = *c;
	to->cwd = w->cwd;
	to->traits |= w->traits;
	to->depth = w->depth;
	to->offset = place(&w->source, c->offset);
	to->source_len = place_len(&w->source, c->source_len);
	if (!to->input.text)
		to->input.text = "";
	if (!to->code.text)
		to->code.text = "";
	return w->len++;
}

/* ---- code by path */
static bool has_effect(const struct shell_command *c, enum shell_access access, const char *path)
{
	for (size_t i = 0; i < c->effects_len; i++)
		if (c->effects[i].access == access && !strcmp(c->effects[i].path.text, path))
			return true;
	return false;
}

static void add_execute(struct walker *w, struct running *r, struct shell_effect **effects, const struct shell_value *at,
			const char *path, size_t len)
{
	struct shell_effect *e;

	r->cmd.effects = *effects;
	if (has_effect(&r->cmd, ACCESS_EXECUTE, path))
		return;
	*effects = arena_append(w->arena, *effects, r->cmd.effects_len, sizeof(**effects));
	e = &(*effects)[r->cmd.effects_len++];
	e->access = ACCESS_EXECUTE;
	e->path = *at;
	e->path.text = path;
	e->path.len = len;
	r->cmd.effects = *effects;
}

static bool is_standard_input(const char *path)
{
	return !strcmp(path, "-") || !strcmp(path, "/proc/self/fd/0");
}

/* The content of a script file, as far as it is known. */
static struct shell_value script_content(struct walker *w, struct running *r, const struct shell_value *at,
					 struct shell_effect **effects)
{
	struct shell_value v = { .text = "" };
	const char *path = at->text;
	size_t len = at->len;
	bool written;

	if (is_standard_input(path) || descriptor(path) >= 0) {
		struct stream *in = w->fds[is_standard_input(path) ? 0 : descriptor(path)];

		return in ? in->value : v;
	}
	if (path[0] != '<' && path[0] != '>') {
		path = knowledge_path(w->arena, w->cwd, at->text, at->len, &len);
		add_execute(w, r, effects, at, path, len);
		r->path = path;
	}
	v = file_content(w, path, &written);
	if (!written) {
		v.origin = at->origin & (unsigned int)~(ORIGIN_LITERAL | ORIGIN_INPUT | ORIGIN_ASSEMBLED);
		v.known = false;
	}
	if (!v.source_len) {
		v.offset = at->offset;
		v.source_len = at->source_len;
	}
	return v;
}

/* java -jar, dpkg -i: it is not read here, but it came from somewhere. */
static unsigned int executed_origin(struct walker *w, const struct shell_command *c)
{
	for (size_t i = 0; i < c->effects_len; i++) {
		bool written = false;

		if (c->effects[i].access != ACCESS_EXECUTE)
			continue;
		struct shell_value v = file_content(w, c->effects[i].path.text, &written);

		if (written)
			return v.origin & ORIGIN_NETWORK_EXTERNAL;
	}
	return 0;
}

static void find_code(struct walker *w, struct running *r, struct shell_effect **effects)
{
	struct shell_command *c = &r->cmd;
	const struct shell_value *argv = c->argv, *input = w->fds[0] ? &w->fds[0]->value : NULL;

	if (r->wraps && r->wrapper.kind == WRAPPER_SHELL_INPUT) {
		c->code = c->input;
	} else if (r->wraps && r->wrapper.kind == WRAPPER_SHELL_FILE) {
		c->code = script_content(w, r, &argv[r->wrapper.first], effects);
	} else if (!r->wraps && r->known.interpreter &&
		   knowledge_interpreter_by(w->arena, r->known.interpreter, argv, c->argc, input, &r->interpreter)) {
		c->code = r->interpreter.code;
		if (r->interpreter.file && !c->code.len && !c->code.origin)
			c->code = script_content(w, r, &argv[r->interpreter.file], effects);
	} else if (memchr(argv[0].text, '/', argv[0].len) && c->name[0]) {
		struct shell_value v = script_content(w, r, &r->call->argv[0], effects);

		r->runs_file = v.len || v.origin;
		if (r->runs_file && !r->wraps)
			c->code = v;
	} else if (!r->wraps && !argv[0].known && w->files.len && file_find(w, argv[0].text)) {	/* T=$(mktemp); … > $T; $T */
		c->code = script_content(w, r, &argv[0], effects);
		r->runs_file = true;
	} else if (!r->wraps && w->installs && installed_program(w, c->name)) {
		struct shell_value path = argv[0];

		path.text = installed_program(w, c->name);
		path.len = strlen(path.text);
		c->code = script_content(w, r, &path, effects);
		r->runs_file = true;
	}
	if (!r->wraps && w->files.len && !c->code.len && !c->code.origin)
		c->code.origin = executed_origin(w, c);
	if (!c->code.text)
		c->code.text = "";
}

/* ---- files */
static void note_files(struct walker *w, const struct running *r)
{
	struct made_file made[MADE_MAX];
	size_t redirected = r->call->effects_len;	/* those stand in front */
	size_t more = r->cmd.effects_len - redirected;
	size_t n;

	if (!more || !r->known.maker)
		return;
	n = knowledge_made_files_by(w->arena, r->known.maker, r->cmd.argv, r->cmd.argc, r->cmd.effects + redirected, more, made, MADE_MAX);
	for (size_t i = 0; i < n && i < MADE_MAX; i++) {
		struct shell_value v = { .text = "", .origin = made[i].origin };
		bool written;

		if (made[i].from_input && w->fds[0]) {
			v = w->fds[0]->value;
			v.origin |= made[i].origin;
		} else if (made[i].source) {
			v = file_content(w, made[i].source->text, &written);
			v.origin |= made[i].origin;
		}
		file_write(w, made[i].path.text, &v, false, made[i].tree);
	}
}

/* ---- output */
static struct shell_value render(struct walker *w, const struct shell_command *c)
{
	struct text_out out = out_init(w->arena, RENDER_MAX);
	struct shell_value v = { .text = "" };

	out.max = RENDER_MAX - 1;
	out_add(&out, "$(", 2);
	/* $(curl x | jq .) reads as a whole */
	if (c->input_from != SHELL_NO_COMMAND && c->input.len > 4 && c->input.len < RENDER_MAX / 2 &&
	    value_is_unknown(&c->input)) {
		out_add(&out, c->input.text + 2, c->input.len - 3);
		out_add(&out, " | ", 3);
	}
	for (size_t i = 0; i < c->argc && out.len < RENDER_MAX - 1; i++) {
		if (i)
			out_addch(&out, ' ');
		out_add(&out, c->argv[i].text, c->argv[i].len);
	}
	if (out.len > RENDER_MAX - 1)
		out.len = RENDER_MAX - 1;
	out.text[out.len++] = ')';
	v.text = out_text(&out, &v.len);
	return v;
}

/* Some print much more than they are told. */
static bool output_affordable(struct walker *w, const struct running *r, const struct shell_value *in)
{
	const struct shell_command *c = &r->cmd;
	size_t cost = in ? in->len : 0;

	for (size_t i = 0; i < c->argc; i++)
		cost += c->argv[i].len;
	if (r->known.kinds & KIND_VERBOSE && cost < SHELL_MAX_VALUE / 64)
		cost = SHELL_MAX_VALUE / 64;
	return value_affordable(w, cost);
}

/* What this text wrote before and a filter is given as a file reads as its input. */
static bool output_of(struct walker *w, const struct running *r, const struct shell_value *in, struct shell_value *ret)
{
	const struct shell_command *c = &r->cmd;
	struct capture all = CAPTURE_INIT;
	struct words ws = { .items = NULL };
	bool filter = w->files.len && r->known.kinds & KIND_FILTER, written = false;
	struct shell_value v;

	for (size_t i = 0; filter && i < c->argc; i++) {
		const char *path = c->argv[i].text;
		size_t len = c->argv[i].len;

		if (i && path[0] != '-' && path[0] != '<')
			path = knowledge_path(w->arena, w->cwd, path, len, &len);
		if (!i || path[0] == '-' || !file_find(w, path)) {
			words_push(w, &ws, c->argv[i], false);
			continue;
		}
		ws.len -= ws.len > 1 && !strcmp(ws.items[ws.len - 1].text, "-in");
		v = file_content(w, path, &written);
		if (v.len > 256 && !value_affordable(w, v.len))
			v = (struct shell_value){ .text = "", .origin = v.origin };
		capture_add(w, &all, &v);
	}
	if (!written) {
		return knowledge_output_by(w->arena, &r->known, c->argv, c->argc, in, ret);
	}
	v = capture_value(w, &all);
	if (knowledge_output_by(w->arena, &r->known, ws.items, ws.len, &v, ret) && (ret->known || ret->origin & ~(unsigned int)ORIGIN_LITERAL))
		return true;
	*ret = (struct shell_value){ .text = "", .origin = v.origin | ORIGIN_COMMAND };
	return true;
}

void give_output(struct walker *w, const struct running *r)
{
	const struct shell_command *c = &r->cmd;
	const struct shell_value *in = w->fds[0] ? &w->fds[0]->value : NULL;
	unsigned int flows = ~(unsigned int)(ORIGIN_COMMAND | ORIGIN_INPUT | ORIGIN_ASSEMBLED | ORIGIN_LITERAL);
	struct shell_value v = { .text = "" };

	if (!w->out)
		return;
	if (!strcmp(c->name, "pwd") && w->cwd) {
		v = value_text(w->cwd, strlen(w->cwd), ORIGIN_LITERAL);
	} else if (!output_affordable(w, r, in) || !output_of(w, r, in, &v)) {
		v = (struct shell_value){ .text = "", .origin = ORIGIN_COMMAND | (in ? in->origin & flows : 0) };
	}
	if (!v.known && (!v.len || (value_is_unknown(&v) && !strncmp(v.text + 2, c->argv[0].text, c->argv[0].len)))) {
		unsigned int origin = v.origin;

		v = render(w, c);
		v.origin = origin;
	}
	if (in && v.len == in->len && in->source_len && !memcmp(v.text, in->text, v.len)) {
		v.offset = in->offset;
		v.source_len = in->source_len;
	} else {
		v.offset = place(&w->source, c->offset);
		v.source_len = place_len(&w->source, c->source_len);
	}
	capture_add(w, w->out, &v);
}

/* ---- one command */
/* Most commands can be told at a glance not to be. */
static bool may_be_dry(const struct running *r)
{
	if (r->known.kinds & KIND_DRY_BARE)
		return true;
	for (size_t i = 1; i < r->cmd.argc; i++)
		if (r->cmd.argv[i].text[0] == '-')
			return true;
	return false;
}

static void prepare(struct walker *w, struct running *r)
{
	const struct call *c = r->call;
	struct shell_command *cmd = &r->cmd;
	struct shell_effect *effects = c->effects;

	r->inert = r->known.kinds & KIND_INERT && !memchr(cmd->argv[0].text, '/', cmd->argv[0].len);
	if (r->inert)
		return;
	cmd->effects_len = c->effects_len;
	if (r->known.effects)
		knowledge_effects_by(w->arena, r->known.effects, cmd->argv, cmd->argc, w->cwd, &effects, &cmd->effects_len);
	cmd->effects = effects;
	if (r->known.wrapper && w->wrappers < WRAPPERS_MAX)
		r->wraps = knowledge_wrapper_by(w->arena, r->known.wrapper, cmd->argv, cmd->argc, 0, &r->wrapper);
	if (r->wraps && r->wrapper.kind == WRAPPER_SHELL_TEXT)
		cmd->code = wrapped_text(w, r);
	else
		find_code(w, r, &effects);
	cmd->effects = effects;
	if (may_be_dry(r) && knowledge_is_dry_by(&r->known, cmd->argv, cmd->argc))
		cmd->traits |= TRAIT_DRY;
	r->runs_again = r->path && running_frame(w, r->path);
	if (is_script_again(w, r) || (r->runs_again && starts_itself(w, running_frame(w, r->path))))
		cmd->traits |= TRAIT_FORK_BOMB;
}

void run_call(struct walker *w, const struct call *c)
{
	struct running r;
	struct shell_command *cmd = &r.cmd;
	bool followed, globbed;

	if (w->levels >= LEVELS_MAX) {
		w->truncated = true;
		return;
	}
	memset(&r, 0, offsetof(struct running, known));
	r.call = c;
	r.wrapper.traits = 0;
	r.interpreter.language = NULL;
	cmd->argv = resolve_glob(w, c->argv, c->argc, &globbed);
	cmd->argc = c->argc;
	cmd->assignments = c->assignments;
	cmd->assignments_len = c->assignments_len;
	cmd->offset = c->offset;
	cmd->source_len = c->source_len;
	cmd->input_from = SHELL_NO_COMMAND;
	cmd->code.text = "";
	cmd->effects = c->effects;
	cmd->effects_len = c->effects_len;
	if (w->fds[0]) {
		cmd->input = w->fds[0]->value;
		cmd->input_from = w->fds[0]->from;
	}
	resolve_name(w, &r);
	cmd->traits |= globbed ? TRAIT_OBFUSCATED : 0;
	r.known = (globbed ? program_search : program_known)(w->arena, &cmd->argv[0], cmd->name);	/* of a glob the name stays */
	if (run_function(w, &r) || (w->aliases && run_alias(w, &r)))
		return;
	w->levels++;
	w->wrappers++;
	prepare(w, &r);
	emit(w, cmd);
	if (!r.inert)
		note_files(w, &r);
	if (!run_builtin(w, c, r.known.builtin, cmd->name)) {
		followed = run_wrapped(w, &r);
		run_embedded(w, &r);
		if (!followed && !run_script_file(w, &r))
			give_output(w, &r);
	}
	w->wrappers--;
	w->levels--;
}
