/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

static bool ends_as_folder(const struct shell_value *path)
{
	const char *slash = memrchr(path->text, '/', path->len);
	const char *last = slash ? slash + 1 : path->text;

	return !strcmp(last, "") || !strcmp(last, ".") || !strcmp(last, "..");
}

/* What copying `source` to `to` makes. */
static struct shell_value target_of(struct effects *e, const struct shell_value *to, const struct shell_value *source, bool folder)
{
	if (!folder)
		return *to;
	if (!options_flag(&e->args, 'x'))	/* --parents keeps all of the path */
		return effects_into(e, to, source);
	if (e->joined_bytes >= EFFECTS_JOINED_MAX)
		return (struct shell_value){ .text = "" };
	char *text = arena_alloc(e->arena, to->len + source->len + 2);
	struct shell_value joined = *to;

	e->joined_bytes += to->len;
	memcpy(text, to->text, to->len);
	text[to->len] = '/';
	memcpy(text + to->len + 1, source->text, source->len);
	joined.text = text;
	joined.len = to->len + 1 + source->len;
	joined.known = to->known && source->known;
	return joined;
}

/* A symbolic link's target is relative to where the link stands. */
static void link_target(struct effects *e, const struct shell_value *target, const struct shell_value *link)
{
	const char *cwd = e->cwd;
	const char *slash = memrchr(link->text, '/', link->len);

	if (options_flag(&e->args, 's') && slash && target->len && target->text[0] != '/') {
		struct shell_value folder = *link;

		folder.text = arena_strndup(e->arena, link->text, (size_t)(slash - link->text) + 1);
		folder.len = (size_t)(slash - link->text) + 1;
		effects_enter(e, &folder);
	}
	effects_letter(e, 'L', target);
	e->cwd = cwd;
}

static void copy(struct effects *e, char from, char to)
{
	const struct shell_value *into = effects_option(e, "t");
	size_t n = e->args.operands, sources = into ? n : n ? n - 1 : 0;
	const struct shell_value *last = into ? into : effects_operand(e, n - 1);
	bool folder = into || (last && ends_as_folder(last)) || sources > 1;
	bool mode = effects_option(e, "m") || effects_option(e, "o") || effects_option(e, "g");

	for (size_t i = 0, k = 0; i < e->args.len && k < sources; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name)
			continue;
		k++;
		struct shell_value made = target_of(e, last, &a->value, folder);

		if (from == 'L')
			link_target(e, &a->value, &made);
		else
			effects_letter(e, from, &a->value);
		effects_letter(e, to, &made);
		if (mode)
			effects_letter(e, 'M', &made);
	}
}

/* cp, mv, install, scp: sources, then where to. */
void effects_copy(struct effects *e)
{
	effects_option_values(e);
	if (options_flag(&e->args, 'd')) {	/* install -d: folders */
		for (size_t i = 0; i < e->args.len; i++)
			if (!e->args.items[i].name)
				effects_letter(e, 'W', &e->args.items[i].value);
		return;
	}
	copy(e, options_flag(&e->args, 's') ? 'L' : e->program->operands[0], e->program->operands[1]);
}

void effects_link(struct effects *e)
{
	static const struct shell_value here = { .text = ".", .len = 1, .known = true };
	const struct shell_value *only = effects_operand(e, 0);

	if (e->args.operands != 1 || effects_option(e, "t")) {
		copy(e, 'L', 'W');
		return;
	}
	struct shell_value made = effects_into(e, &here, only);

	made.offset = only->offset;
	made.source_len = only->source_len;
	effects_letter(e, 'L', only);
	effects_letter(e, 'W', &made);
}

/* "rsync x d/" makes d/x, "rsync x/ d/" fills d. */
static void rsync_target(struct effects *e, const struct shell_value *to, const struct shell_value *source)
{
	bool fills = source->len && source->text[source->len - 1] == '/';
	bool folder = !fills && ends_as_folder(to) && !effects_is_remote(source);
	struct shell_value made = folder ? effects_into(e, to, source) : *to;

	effects_letter(e, 'W', &made);
}

void effects_rsync(struct effects *e)
{
	size_t n = e->args.operands, k = 0;
	const struct shell_value *first = effects_operand(e, 0);

	effects_option_values(e);
	for (size_t i = 0; n > 1 && i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name)
			continue;
		if (++k < n) {
			effects_letter(e, 'R', &a->value);
			if (options_flag(&e->args, 'v'))
				effects_letter(e, 'D', &a->value);
			continue;
		}
		rsync_target(e, &a->value, first);
		if (options_flag(&e->args, 'd'))
			effects_letter(e, 'd', &a->value);
	}
}

/* ---- archives */
static const struct shell_value *here_at(struct effects *e)
{
	struct shell_value *here = arena_alloc(e->arena, sizeof(*here));

	*here = (struct shell_value){
		.text = ".", .len = 1, .known = true, .origin = ORIGIN_LITERAL, .offset = e->argv[0].offset,
		.source_len = e->argv[0].source_len,
	};
	return here;
}

void effects_tar(struct effects *e)
{
	bool create = options_flag(&e->args, 'c'), extract = options_flag(&e->args, 'x') && !options_flag(&e->args, 'q');
	bool change = options_flag(&e->args, 'b');
	size_t members = 0;

	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name && a->name_len == 1 && a->name[0] == 'f') {
			const char *cwd = e->cwd;

			effects_letter(e, create ? 'W' : change ? 'A' : 'R', &a->value);
			e->cwd = cwd;
		}
	}
	/* -C counts for what stands behind it, but all scripts mean it for all when they extract */
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->actions_len == 1 && a->actions[0] == 'C') {
			effects_enter(e, &a->value);
		} else if (!a->name && extract) {
			effects_letter(e, 'w', &a->value);
			members++;
		} else if (!a->name && (create || change)) {
			effects_letter(e, 'r', &a->value);
			if (options_flag(&e->args, 'm'))
				effects_letter(e, 'd', &a->value);
		}
	}
	if (extract && !members)
		effects_letter(e, 'w', here_at(e));
}

void effects_zip(struct effects *e)
{
	size_t n = 0;

	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name)
			continue;
		if (n++ == 0) {
			effects_add(e, options_flag(&e->args, 'd') ? ACCESS_READ : ACCESS_WRITE, false, &a->value);
			continue;
		}
		effects_letter(e, 'R', &a->value);
		if (options_flag(&e->args, 'm'))
			effects_letter(e, 'D', &a->value);
	}
}

void effects_unzip(struct effects *e)
{
	const struct shell_value *archive = effects_operand(e, 0), *into = effects_option(e, "d");

	if (!archive)
		return;
	effects_letter(e, 'R', archive);
	if (!options_flag(&e->args, 'q'))
		effects_letter(e, 'w', into ? into : here_at(e));
}

void effects_cpio(struct effects *e)
{
	const struct shell_value *archive = effects_option(e, "F"), *folder = effects_option(e, "D");
	bool extract = options_flag(&e->args, 'x') && !options_flag(&e->args, 'q');

	if (archive)
		effects_letter(e, options_flag(&e->args, 'c') ? 'W' : 'R', archive);
	if (options_flag(&e->args, 'p') && effects_operand(e, 0))
		effects_letter(e, 'w', effects_operand(e, 0));
	else if (extract)
		effects_letter(e, 'w', folder ? folder : here_at(e));
}

/* gzip and relatives put another file in the place of what they read. */
void effects_compress(struct effects *e)
{
	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name)
			continue;
		effects_letter(e, 'R', &a->value);
		if (!options_flag(&e->args, 'k'))
			effects_letter(e, 'V', &a->value);
	}
}

/* ---- devices */
void effects_dd(struct effects *e)
{
	for (size_t i = 0; i < e->args.len; i++) {
		const struct shell_value *v = &e->args.items[i].value;
		struct shell_value path = options_tail(v, 3);

		if (e->args.items[i].name || v->len < 4)
			continue;
		if (!memcmp(v->text, "if=", 3))
			effects_letter(e, 'R', &path);
		else if (!memcmp(v->text, "of=", 3))
			effects_letter(e, 'W', &path);
	}
}

void effects_mount(struct effects *e)
{
	const struct shell_value *device = effects_operand(e, 0), *point = effects_operand(e, 1);

	effects_option_values(e);
	if (options_flag(&e->args, 'q') || !device)
		return;
	if (!point) {
		effects_letter(e, 'W', device);		/* remount; also by /etc/fstab */
		return;
	}
	/* "tmpfs", "proc" and "//server/share" are no paths */
	if (memchr(device->text, '/', device->len) && strncmp(device->text, "//", 2))
		effects_letter(e, 'R', device);
	effects_letter(e, 'W', point);
}

void effects_parted(struct effects *e)
{
	static const char *const harmless[] = { "print", "p", "unit", "u", "align-check", "help", "version", "select", "quit" };
	const struct shell_value *device = effects_operand(e, 0), *command = effects_operand(e, 1);
	bool lists = options_flag(&e->args, 'l') || !command;

	for (size_t i = 0; command && i < sizeof(harmless) / sizeof(*harmless); i++)
		lists |= !strcmp(command->text, harmless[i]) && e->args.operands < 5;
	if (device)
		effects_letter(e, lists ? 'R' : 'W', device);
}
