/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_programs.h"

#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_option.h"

static const struct {
	unsigned int kind;
	const char *names;
} kinds[] = {
	{ KIND_INERT, "[ [[ echo printf test cd exit return local set shift true false : read break continue" },
	{ KIND_FILTER, "cat tac rev base64 base32 xxd head tail sort uniq cut sed grep gunzip zcat openssl tr nl strings od uudecode xzcat bzcat" },
	{ KIND_VERBOSE, "printf seq yes jot openssl head gunzip zcat gzip xz bzip2" },
	{ KIND_DRY_BARE, "terraform tofu helm pulumi systemd-analyze salt salt-call" },
	{ KIND_TEXT, "echo printf cat rev tr base64 base32 xxd sed cut awk head tail tac fold paste od openssl gunzip zcat seq basename grep "
		     "compgen sort true : xargs bash sh eval perl python3" },
};

const char *program_kind_names(size_t i, unsigned int *kind)
{
	if (i >= ARRAY_SIZE(kinds))
		return NULL;
	*kind = kinds[i].kind;
	return kinds[i].names;
}

/* word_in() would take ":" for the end of a name. */
static bool is_listed(const char *name, size_t len, const char *names)
{
	for (size_t n; *names; names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		if (n == len && !memcmp(names, name, n))
			return true;
	}
	return false;
}

static unsigned int search_kinds(const char *name, size_t len)
{
	unsigned int found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len && is_listed(name, len, kinds[i].names))
			found |= kinds[i].kind;
	return found;
}

struct known_program program_search(struct arena *arena, const struct shell_value *argv0, const char *name)
{
	const char *slash = memrchr(argv0->text, '/', argv0->len), *rest = slash ? slash + 1 : argv0->text;
	struct known_program p = { .effects = argv0->len ? effects_program_of(arena, argv0) : NULL };
	size_t len;
	const char *base = value_base_name(argv0, &len);

	p.wrapper = wrapper_find(base, len);
	p.interpreter = interpreter_find(argv0);
	for (size_t i = 0; len && i < OUTPUT_TABLES; i++)
		p.outputs[i] = output_find(i, base, len);
	p.maker = maker_of(p.effects);
	p.dry = dry_find(rest, argv0->len - (size_t)(rest - argv0->text));
	p.builtin = builtin_find(name);
	p.kinds = search_kinds(name, strlen(name));
	return p;
}

static const struct program_row *find_row(const char *name, size_t len)
{
	for (uint32_t i = program_hash(name, len);; i++) {
		unsigned int slot = program_rows.slots[i % PROGRAM_SLOTS];
		const struct program_row *row = &program_rows.rows[slot - 1];

		if (!slot)
			return NULL;
		if (row->len == len && !memcmp(program_rows.names + row->name, name, len))
			return row;
	}
}

/* Is what is in no table as it stands in none at all? Not with a version or an ending, as one of a family, with a subcommand in it, or
 * with letters that look alike. */
static bool is_plain(const char *name, size_t len)
{
	char last = name[len - 1];

	for (size_t i = 0; i < len; i++)
		if (name[i] == '.' || name[i] <= ' ' || (unsigned char)name[i] >= 0x80)
			return false;
	return name[0] != '-' && last != '-' && (last < '0' || last > '9') && (len < 6 || memcmp(name, "newfs_", 6) != 0);
}

struct known_program program_known(struct arena *arena, const struct shell_value *argv0, const char *name)
{
	const char *slash = memrchr(argv0->text, '/', argv0->len), *base = slash ? slash + 1 : argv0->text;
	size_t len = argv0->len - (size_t)(base - argv0->text);
	const struct program_row *row = argv0->known && len ? find_row(base, len) : NULL;
	struct known_program p = { .kinds = 0 };

	if (!row)
		return argv0->known && len && is_plain(base, len) ? p : program_search(arena, argv0, name);
	p.kinds = row->kinds;
	if (row->effects)
		p.effects = effects_program_at(row->effects - 1);
	if (row->wrapper)
		p.wrapper = wrapper_row_at(row->wrapper - 1, &name);
	if (row->interpreter)
		p.interpreter = interpreter_at(row->interpreter - 1, &name);
	for (size_t i = 0; i < OUTPUT_TABLES; i++)
		if (row->outputs[i])
			p.outputs[i] = output_at(i, row->outputs[i] - 1, &name);
	if (row->maker)
		p.maker = maker_at(row->maker - 1, &name);
	if (row->dry)
		p.dry = dry_at(row->dry - 1, &name);
	if (row->builtin)
		p.builtin = builtin_at(row->builtin - 1, &name);
	return p;
}

unsigned int program_kinds(const char *name)
{
	const struct program_row *row = find_row(name, strlen(name));

	return row ? row->kinds : 0;
}
