/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

#define EFFECTS_MAX 200000		/* of one command; execve(2) takes no more words than that */
#define DEPTH_MAX 4			/* of subcommands: "btrfs subvolume delete" */

/* ---- one effect */
static const struct letter {
	char letter;
	enum shell_access access;
} letters[] = {
	{ 'R', ACCESS_READ }, { 'W', ACCESS_WRITE }, { 'A', ACCESS_APPEND }, { 'D', ACCESS_DELETE }, { 'X', ACCESS_EXECUTE },
	{ 'M', ACCESS_MODE }, { 'V', ACCESS_MOVE }, { 'L', ACCESS_LINK },
};

void effects_add_plain(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *value)
{
	if (*e->len >= EFFECTS_MAX)
		return;
	const char *cwd = e->joined_bytes < EFFECTS_JOINED_MAX ? e->cwd : NULL;
	struct shell_effect *effect;

	*e->items = arena_append(e->arena, *e->items, *e->len, sizeof(**e->items));
	effect = &(*e->items)[(*e->len)++];
	effect->access = access;
	effect->recursive = recursive;
	effect->path = *value;
	effect->path.text = knowledge_path(e->arena, cwd, value->text, value->len, &effect->path.len);
	if (effect->path.len > value->len)
		e->joined_bytes += effect->path.len - value->len;
}

void effects_add(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *value)
{
	size_t len = *e->len;

	effects_add_plain(e, access, recursive, value);
	if (*e->len == len)
		return;
	struct shell_value path = (*e->items)[len].path;

	if (!effects_of_output(e, access, recursive, value))
		effects_known(e, access, recursive, &path);
}

/* Words in the place of a file that name none here. */
static bool is_no_file(const struct effects *e, const struct shell_value *value)
{
	if (!value->len || (value->len == 1 && value->text[0] == '-'))
		return true;
	const char *colon = memchr(value->text, ':', value->len);

	if (colon && (size_t)(colon - value->text) + 3 <= value->len && !memcmp(colon, "://", 3))
		return true;
	return colon && e->program->style & PROGRAM_REMOTE && effects_is_remote(value);
}

void effects_letter(struct effects *e, char letter, const struct shell_value *value)
{
	bool small = letter >= 'a' && letter <= 'z';
	bool recursive = small || options_flag(&e->args, 'r');

	if (value->len > 7 && !memcmp(value->text, "file://", 7)) {
		struct shell_value path = options_tail(value, 7);

		effects_letter(e, letter, &path);
		return;
	}
	if (is_no_file(e, value))
		return;
	if (small)
		letter = (char)(letter - 'a' + 'A');
	if (letter == 'B') {
		effects_add(e, ACCESS_READ, recursive, value);
		letter = 'W';
	}
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (letters[i].letter == letter)
			effects_add(e, letters[i].access, recursive, value);
}

void effects_fixed(struct effects *e, char letter, const char *path, size_t len)
{
	struct shell_value value = {
		.text = arena_strndup(e->arena, path, len), .len = len, .known = true, .origin = ORIGIN_LITERAL,
		.offset = e->argv[0].offset, .source_len = e->argv[0].source_len,
	};

	effects_letter(e, letter, &value);
}

bool effects_is_remote(const struct shell_value *path)
{
	size_t depth = 0, slashes = 0;

	if (!path->len || strchr("/.~", path->text[0]) || !memchr(path->text, ':', path->len))
		return false;
	for (size_t i = 0; i < path->len && slashes < 2; i++) {
		char c = path->text[i];

		if (c == '{' || c == '(')
			depth++;
		else if ((c == '}' || c == ')') && depth)
			depth--;
		else if (!depth && c == '/')
			slashes++;
		else if (!depth && c == ':')
			return i > 0 && (!slashes || path->text[i + 1] == '/');	/* namespace/pod:/path */
	}
	return false;
}

/* ---- options */
const struct shell_value *effects_option(const struct effects *e, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = e->args.len; i-- > 0; ) {
		const struct argument *a = &e->args.items[i];

		if (a->name && a->has_value && a->name_len == len && !memcmp(a->name, name, len))
			return &a->value;
	}
	return NULL;
}

const struct shell_value *effects_operand(const struct effects *e, size_t n)
{
	for (size_t i = 0; i < e->args.len; i++)
		if (!e->args.items[i].name && n-- == 0)
			return &e->args.items[i].value;
	return NULL;
}

void effects_enter(struct effects *e, const struct shell_value *folder)
{
	size_t len;

	e->cwd = knowledge_path(e->arena, e->cwd, folder->text, folder->len, &len);
}

/* The last "/" that is not inside of "$(…)" or "${…}". */
static const char *last_slash(const char *s, size_t len)
{
	const char *last = NULL;
	size_t depth = 0;

	if (!memchr(s, '$', len))
		return memrchr(s, '/', len);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '/' && !depth)
			last = &s[i];
		else if (s[i] == '$' && i + 1 < len && (s[i + 1] == '(' || s[i + 1] == '{'))
			depth++;
		else if (depth && (s[i] == ')' || s[i] == '}'))
			depth--;
	}
	return last;
}

struct shell_value effects_into(struct effects *e, const struct shell_value *folder, const struct shell_value *path)
{
	struct shell_value joined = *folder;
	size_t len = path->len;

	if (e->joined_bytes >= EFFECTS_JOINED_MAX)
		return (struct shell_value){ .text = "" };

	while (len > 1 && path->text[len - 1] == '/')
		len--;

	const char *slash = last_slash(path->text, len);
	const char *base = slash ? slash + 1 : path->text;
	const char *colon = e->program->style & PROGRAM_REMOTE && !slash ? memrchr(path->text, ':', len) : NULL;

	if (colon)
		base = colon + 1;
	size_t base_len = len - (size_t)(base - path->text);

	if (base_len == 2 && !memcmp(base, "..", 2))
		base_len = 0;
	char *text = arena_alloc(e->arena, folder->len + base_len + 2);

	e->joined_bytes += folder->len;
	memcpy(text, folder->text, folder->len);
	text[folder->len] = '/';
	memcpy(text + folder->len + 1, base, base_len);
	joined.text = text;
	joined.len = folder->len + 1 + base_len;
	joined.known = folder->known && path->known;
	joined.origin |= path->origin;
	return joined;
}

/* "name=@file", "name=<file;type=x", "@file", "name@file": the file; empty when the value is data. */
static struct shell_value form_file(const struct shell_value *value)
{
	size_t at = strcspn(value->text, "=@");

	if (value->text[at] == '=')
		at++;
	struct shell_value file = options_tail(value, at);

	if (!file.len || !strchr("@<", file.text[0]))
		return (struct shell_value){ .text = "" };
	file = options_tail(&file, 1);
	file.len = strcspn(file.text, ";,");
	return file;
}

static void option_letter(struct effects *e, char letter, const struct shell_value *value)
{
	const char *equals = memchr(value->text, '=', value->len);
	struct shell_value file = *value;

	switch (letter) {
	case '@':
		if (!value->len || value->text[0] != '@')
			return;
		file = options_tail(value, 1);
		break;
	case '%':
		file = form_file(value);
		break;
	case 'K':
		file = options_tail(value, equals ? (size_t)(equals - value->text) + 1 : 0);
		break;
	case '&':
		if (equals)
			return;
		break;
	case 'C':
	case 'T':
		return;
	default:
		effects_letter(e, letter, value);
		return;
	}
	effects_letter(e, 'R', &file);
}

void effects_option_values(struct effects *e)
{
	uint32_t flags = e->args.flags;

	e->args.flags &= ~(1u << ('r' - 'a'));	/* that is about operands */
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->fixed)
			effects_fixed(e, a->fixed[0], a->fixed + 1, a->fixed_len - 1);
		for (size_t k = 0; a->name && a->has_value && k < a->actions_len; k++)
			option_letter(e, a->actions[k], &a->value);
	}
	e->args.flags = flags;
}

/* ---- operands by letters */
struct pattern_letters {
	char before[8], each, behind[8];
	size_t before_len, behind_len;
};

static struct pattern_letters read_letters(const char *operands, bool pattern_given)
{
	struct pattern_letters p = { .each = 0 };

	for (const char *s = operands; *s; s++) {
		if (*s == '?' && pattern_given)
			continue;
		if (s[1] == '*' && !p.each) {
			p.each = *s++;
			continue;
		}
		size_t *len = p.each ? &p.behind_len : &p.before_len;

		if (*len < sizeof(p.before))
			(p.each ? p.behind : p.before)[(*len)++] = *s == '?' ? '-' : *s;
	}
	return p;
}

static char letter_of(const struct pattern_letters *p, size_t i, size_t n)
{
	if (i < p->before_len)
		return p->before[i];
	if (i + p->behind_len >= n && n > p->before_len)
		return p->behind[i + p->behind_len - n];
	return p->each ? p->each : '-';
}

/* What the flags make of a letter. */
static char adapt(const struct effects *e, char letter)
{
	if (letter == 'W' && options_flag(&e->args, 'a'))
		return 'A';
	if ((letter == 'W' || letter == 'B') && options_flag(&e->args, 'l'))
		return 'R';
	if ((letter == 'R' || letter == 'r') && options_flag(&e->args, 'i'))
		return letter == 'R' ? 'W' : 'w';
	return letter;
}

void effects_generic(struct effects *e)
{
	const char *operands = e->program->operands;

	for (size_t i = 0; i < e->args.len; i++)
		if (e->args.items[i].actions_len == 1 && e->args.items[i].actions[0] == 'C')
			effects_enter(e, &e->args.items[i].value);
	effects_option_values(e);
	if (operands[0] == '!') {
		effects_fixed(e, operands[1], operands + 2, strlen(operands + 2));
		return;
	}
	if (options_flag(&e->args, 'q'))
		return;
	struct pattern_letters p = read_letters(operands, options_flag(&e->args, 'p'));
	size_t n = 0;

	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];
		char letter = a->name ? '-' : adapt(e, letter_of(&p, n++, e->args.operands));

		if (letter == '-')
			continue;
		option_letter(e, letter, &a->value);
		if (options_flag(&e->args, 'u'))
			effects_letter(e, 'D', &a->value);
	}
}

/* ---- the program */

/* "git clean": the row of a subcommand; NULL when there is none. */
static const struct program *find_subcommand(const struct program *program, const struct shell_value *word)
{
	char name[64];
	size_t len = strlen(program->name);

	if (len + 1 + word->len >= sizeof(name))
		return NULL;
	memcpy(name, program->name, len);
	name[len] = ' ';
	memcpy(name + len + 1, word->text, word->len);
	return effects_find_exact(name, len + 1 + word->len);
}

/* Takes the options in front of a subcommand and goes on with its row; false: there is no such row. */
static bool enter_subcommand(struct effects *e)
{
	e->args = options_split(e->arena, e->program->options, e->program->style | OPTIONS_ONE_OPERAND, e->argv, e->argc);
	const struct shell_value *word = effects_operand(e, 0);
	const struct program *found = word ? find_subcommand(e->program, word) : NULL;
	size_t next = e->args.next;

	for (size_t i = 0; i < e->args.len; i++)
		if (e->args.items[i].actions_len == 1 && e->args.items[i].actions[0] == 'C')
			effects_enter(e, &e->args.items[i].value);
	effects_option_values(e);
	if (!found)
		return false;
	e->program = found;
	e->argv += next - 1;	/* the word itself stands where the name does */
	e->argc -= next - 1;
	return true;
}

/* "yq eval FILE" and "yq FILE" mean the same. */
static void maybe_enter_subcommand(struct effects *e)
{
	const struct program *found = e->argc > 1 ? find_subcommand(e->program, &e->argv[1]) : NULL;

	if (!found)
		return;
	e->program = found;
	e->argv++;
	e->argc--;
}

const struct program *effects_program_of(struct arena *arena, const struct shell_value *word)
{
	const char *slash = memrchr(word->text, '/', word->len);
	const char *name = slash ? slash + 1 : word->text;
	size_t len = word->len - (size_t)(name - word->text);
	bool ascii = true, changed;

	for (size_t i = 0; i < len; i++)
		ascii &= (unsigned char)name[i] < 0x80;
	if (!ascii && len <= 64)
		name = knowledge_fold(arena, name, len, &len, &changed);
	return effects_find_program(name, len);
}

void knowledge_effects_by(struct arena *arena, const struct program *program, const struct shell_value *argv, size_t argc,
			  const char *cwd, struct shell_effect **effects, size_t *len)
{
	struct effects e = {
		.arena = arena, .argv = argv, .argc = argc, .cwd = cwd, .program = program, .items = effects, .len = len,
	};

	for (int depth = 0; depth < DEPTH_MAX && e.program->style & PROGRAM_SUBCOMMANDS; depth++)
		if (!enter_subcommand(&e))
			return;
	if (e.program->style & PROGRAM_MAYBE_SUBCOMMANDS)
		maybe_enter_subcommand(&e);
	e.args = options_split(arena, e.program->options, e.program->style, e.argv, e.argc);
	if (e.program->handler)
		e.program->handler(&e);
	else
		effects_generic(&e);
}

void knowledge_effects(struct arena *arena, const struct shell_value *argv, size_t argc, const char *cwd,
		       struct shell_effect **effects, size_t *len)
{
	const struct program *program = argc && argv[0].len ? effects_program_of(arena, &argv[0]) : NULL;

	if (program)
		knowledge_effects_by(arena, program, argv, argc, cwd, effects, len);
}
