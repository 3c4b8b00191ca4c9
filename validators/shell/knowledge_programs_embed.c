/* SPDX-License-Identifier: Apache-2.0
 * knowledge_programs_embed: a program of the build. Takes the names of all tables of knowledge, searches for each as the product would
 * search for a name that it does not know, and prints what was found as one table, in C.
 *
 *	knowledge_programs_embed > knowledge_programs_rows.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_effects.h"
#include "validators/shell/knowledge_output.h"
#include "validators/shell/knowledge_programs.h"

#define NAMES_MAX (PROGRAM_SLOTS / 2)

/* What this program makes; nothing is in it yet. */
static const uint16_t no_slots[PROGRAM_SLOTS];
const struct program_rows program_rows = { .slots = no_slots };

struct names {
	const char *items[NAMES_MAX];
	size_t len;
};

/* Names of subcommands ("git clean") are no names of programs. */
static void add(struct names *n, const char *name, size_t len)
{
	if (memchr(name, ' ', len))
		return;
	for (size_t i = 0; i < n->len; i++)
		if (strlen(n->items[i]) == len && !memcmp(n->items[i], name, len))
			return;
	if (n->len == NAMES_MAX || len > UINT8_MAX) {
		fprintf(stderr, "knowledge_programs_embed: more names, or longer ones, than PROGRAM_SLOTS has room for\n");
		exit(1);
	}
	n->items[n->len++] = strndup(name, len);
}

static void add_all(struct names *n)
{
	const struct program *p;
	const char *name, *row;
	unsigned int kind;

	for (size_t i = 0; (p = effects_program_at(i)); i++)
		add(n, p->name, strlen(p->name));
	for (size_t i = 0; (name = effects_alias_at(i, &row)); i++)
		add(n, name, strlen(name));
	for (size_t i = 0; wrapper_row_at(i, &name); i++)
		add(n, name, strlen(name));
	for (size_t i = 0; interpreter_at(i, &name); i++)
		add(n, name, strlen(name));
	for (size_t table = 0; table < OUTPUT_TABLES; table++)
		for (size_t i = 0; output_at(table, i, &name); i++)
			add(n, name, strlen(name));
	for (size_t i = 0; dry_at(i, &name); i++)
		add(n, name, strlen(name));
	for (size_t i = 0; builtin_at(i, &name); i++)
		add(n, name, strlen(name));
	for (size_t i = 0; (name = program_kind_names(i, &kind)); i++)
		for (; *name; name += strcspn(name, " "), name += *name == ' ')
			add(n, name, strcspn(name, " "));
}

/* One more than the index of a row in its table. */
#define INDEX(ret, row, at) \
	do { \
		size_t i_ = 0; \
		while ((row) && (at) && (at) != (row)) \
			i_++; \
		(ret) = (uint16_t)((row) ? i_ + 1 : 0); \
	} while (0)

static struct program_row row_of(const char *name)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value argv0 = { .text = name, .len = strlen(name), .known = true };
	struct known_program p = program_search(&arena, &argv0, name);
	struct program_row row = { .len = (uint8_t)argv0.len, .kinds = (uint8_t)p.kinds };
	const char *its;

	INDEX(row.effects, p.effects, effects_program_at(i_));
	INDEX(row.wrapper, p.wrapper, wrapper_row_at(i_, &its));
	INDEX(row.interpreter, p.interpreter, interpreter_at(i_, &its));
	for (size_t t = 0; t < OUTPUT_TABLES; t++)
		INDEX(row.outputs[t], p.outputs[t], output_at(t, i_, &its));
	INDEX(row.maker, p.maker, maker_at(i_, &its));
	INDEX(row.dry, p.dry, dry_at(i_, &its));
	INDEX(row.builtin, p.builtin, builtin_at(i_, &its));
	return row;
}

static void print_names(const struct names *n)
{
	puts("static const char names[] =");
	for (size_t i = 0; i < n->len; i++)
		printf("\t\"%s\"\n", n->items[i]);
	puts(";\n");
}

static void print_rows(const struct names *n)
{
	size_t at = 0;

	puts("static const struct program_row rows[] = {");
	for (size_t i = 0; i < n->len; i++) {
		struct program_row r = row_of(n->items[i]);

		printf("\t{ %zu, %u, %u, %u, %u, %u, { %u, %u, %u, %u }, %u, %u, %u },\n", at, r.len, r.kinds, r.effects, r.wrapper,
		       r.interpreter, r.outputs[0], r.outputs[1], r.outputs[2], r.outputs[3], r.maker, r.dry, r.builtin);
		at += r.len;
	}
	puts("};\n");
}

static void print_slots(const struct names *n)
{
	size_t slots[PROGRAM_SLOTS] = { 0 };

	for (size_t i = 0; i < n->len; i++) {
		uint32_t slot = program_hash(n->items[i], strlen(n->items[i])) % PROGRAM_SLOTS;

		while (slots[slot])
			slot = (slot + 1) % PROGRAM_SLOTS;
		slots[slot] = i + 1;
	}
	printf("static const uint16_t slots[PROGRAM_SLOTS] = {");
	for (size_t i = 0; i < PROGRAM_SLOTS; i++)
		printf("%s%zu,", i % 32 ? " " : "\n\t", slots[i]);
	puts("\n};\n");
}

int main(void)
{
	static struct names names;

	add_all(&names);
	puts("/* made by knowledge_programs_embed.c */\n#include \"validators/shell/knowledge_programs.h\"\n");
	print_names(&names);
	print_rows(&names);
	print_slots(&names);
	puts("const struct program_rows program_rows = { .rows = rows, .names = names, .slots = slots };");
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
