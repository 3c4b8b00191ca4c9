/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

static bool is_word(const struct shell_value *v, const char *word)
{
	return !strcmp(v->text, word);
}

static struct shell_value literal(const struct effects *e, const char *text)
{
	return (struct shell_value){
		.text = text, .len = strlen(text), .known = true, .origin = ORIGIN_LITERAL, .offset = e->argv[0].offset,
		.source_len = e->argv[0].source_len,
	};
}

/* ---- readers */
static bool is_assignment(const struct shell_value *v)
{
	size_t n = strspn(v->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return n > 0 && v->text[n] == '=' && !(v->text[0] >= '0' && v->text[0] <= '9');
}

void effects_awk(struct effects *e)
{
	const struct shell_value *library = effects_option(e, "i");
	bool program_given = options_flag(&e->args, 'p');

	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name || (!program_given && (program_given = true)) || is_assignment(&a->value))
			continue;
		effects_letter(e, library && is_word(library, "inplace") ? 'W' : 'R', &a->value);
	}
}

/* grep -r and the like: the current folder when no file is named. */
void effects_search(struct effects *e)
{
	effects_generic(e);
	if (options_flag(&e->args, 'r') && e->args.operands < (options_flag(&e->args, 'p') ? 1 : 2)) {
		struct shell_value here = literal(e, ".");

		effects_letter(e, 'r', &here);
	}
}

/* python FILE, perl -ne CODE FILE…, sh -c TEXT. */
void effects_interpreter(struct effects *e)
{
	effects_option_values(e);
	if (options_flag(&e->args, 'q'))
		return;
	if (!options_flag(&e->args, 'p')) {
		if (effects_operand(e, 0))
			effects_letter(e, 'X', effects_operand(e, 0));
		return;
	}
	for (size_t i = 0; options_flag(&e->args, 'n') && i < e->args.len; i++)
		if (!e->args.items[i].name)
			effects_letter(e, options_flag(&e->args, 'i') ? 'W' : 'R', &e->args.items[i].value);
}

void effects_editor(struct effects *e)
{
	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (!a->name && a->value.len && a->value.text[0] != '+')
			effects_letter(e, options_flag(&e->args, 'l') ? 'R' : 'B', &a->value);
	}
}

void effects_ssh_keygen(struct effects *e)
{
	const struct shell_value *file = effects_option(e, "f");
	bool reads = options_flag(&e->args, 'l');

	effects_option_values(e);
	if (file)
		effects_letter(e, reads ? 'R' : 'W', file);
}

/* Units are names, unless they are paths: those are linked into the system. */
void effects_systemctl(struct effects *e)
{
	for (size_t i = 0; i < e->args.len; i++)
		if (!e->args.items[i].name && memchr(e->args.items[i].value.text, '/', e->args.items[i].value.len))
			effects_letter(e, 'L', &e->args.items[i].value);
}

/* ---- downloads */
struct shell_value effects_url_file(struct effects *e, const struct shell_value *folder, const struct shell_value *url)
{
	struct shell_value path = *url;
	struct shell_value index = literal(e, "index.html");
	const char *scheme = memmem(url->text, url->len, "://", 3);

	path = options_tail(url, scheme ? (size_t)(scheme - url->text) + 3 : 0);
	path.len = strcspn(path.text, "?#");
	if (!memchr(path.text, '/', path.len) || path.text[path.len - 1] == '/')
		path = index;
	path = effects_into(e, folder, &path);
	path.offset = url->offset;
	path.source_len = url->source_len;
	return path;
}

static struct shell_value folder_of(const struct effects *e, const char *option)
{
	const struct shell_value *folder = effects_option(e, option);

	return folder ? *folder : literal(e, ".");
}

/* A URL of a file on this machine. */
static bool read_file_url(struct effects *e, const struct shell_value *url)
{
	if (strncmp(url->text, "file://", 7))
		return false;
	effects_letter(e, 'R', url);
	return true;
}

void effects_curl(struct effects *e)
{
	struct shell_value folder = folder_of(e, "output-dir");

	effects_option_values(e);
	for (size_t i = 0; i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name && !(a->name_len == 3 && !memcmp(a->name, "url", 3)))
			continue;
		if (!read_file_url(e, &a->value) && options_flag(&e->args, 'o')) {
			struct shell_value file = effects_url_file(e, &folder, &a->value);

			effects_letter(e, 'W', &file);
		}
	}
}

void effects_wget(struct effects *e)
{
	struct shell_value folder = folder_of(e, "P");

	effects_option_values(e);
	if (options_flag(&e->args, 'r'))
		effects_letter(e, 'w', &folder);
	bool named = effects_option(e, "O") || options_flag(&e->args, 'r');

	for (size_t i = 0; !named && i < e->args.len; i++) {
		const struct argument *a = &e->args.items[i];

		if (a->name || read_file_url(e, &a->value))
			continue;
		struct shell_value file = effects_url_file(e, &folder, &a->value);

		effects_letter(e, 'W', &file);
	}
}

/* ---- git */
void effects_git_clone(struct effects *e)
{
	const struct shell_value *from = effects_operand(e, 0), *to = effects_operand(e, 1);
	struct shell_value made;

	if (!from)
		return;
	if (from->len && strchr("/.~", from->text[0]))
		effects_letter(e, 'r', from);
	if (to) {
		made = *to;
	} else {
		struct shell_value name = *from, here = literal(e, ".");
		const char *colon = memrchr(name.text, ':', name.len);

		if (colon && !memchr(colon, '/', name.len - (size_t)(colon - name.text)))
			name = options_tail(&name, (size_t)(colon - name.text) + 1);
		if (name.len > 4 && !memcmp(name.text + name.len - 4, ".git", 4))
			name.len -= 4;
		made = effects_into(e, &here, &name);
		made.offset = from->offset;
		made.source_len = from->source_len;
	}
	effects_letter(e, 'w', &made);
}

void effects_git_clean(struct effects *e)
{
	struct shell_value here = literal(e, ".");

	if (!options_flag(&e->args, 'f') || options_flag(&e->args, 'q'))
		return;
	if (!e->args.operands)
		effects_letter(e, 'd', &here);
	for (size_t i = 0; i < e->args.len; i++)
		if (!e->args.items[i].name)
			effects_letter(e, 'd', &e->args.items[i].value);
}

void effects_git_config(struct effects *e)
{
	static const struct {
		char flag;
		const char *path;
	} files[] = { { 'g', "~/.gitconfig" }, { 's', "/etc/gitconfig" } };
	const struct shell_value *file = effects_option(e, "f");
	bool writes = !options_flag(&e->args, 'l') && (e->args.operands > 1 || options_flag(&e->args, 'w'));

	if (file)
		effects_letter(e, writes ? 'W' : 'R', file);
	for (size_t i = 0; !file && i < sizeof(files) / sizeof(*files); i++)
		if (options_flag(&e->args, files[i].flag))
			effects_fixed(e, writes ? 'W' : 'R', files[i].path, strlen(files[i].path));
}
