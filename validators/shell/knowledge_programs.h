/* SPDX-License-Identifier: Apache-2.0
 * knowledge_programs: all that the tables say of the name of a program, found at once: one search for a command instead of one for
 * each table. Most names are in a table that the build makes of the others (knowledge_programs_embed.c); the rest, such as
 * "mkfs.ext9", are searched for table by table. Private to analysis*.c and knowledge_*.c. */
#pragma once

#include "validators/shell/knowledge.h"

struct program;
struct wrapper_program;
struct interpreter_row;
struct output_program;
struct maker;
struct dry;
struct builtin;

enum program_kind {		/* bits */
	KIND_INERT = 1 << 0,	/* touches nothing and runs nothing */
	KIND_FILTER = 1 << 1,	/* prints what is in the files that it is given */
	KIND_VERBOSE = 1 << 2,	/* may print much more than it is told */
	KIND_DRY_BARE = 1 << 3,	/* may be told by a word without a dash not to act */
	KIND_TEXT = 1 << 4,	/* makes text: a name that comes from it is a disguise */
};

#define OUTPUT_TABLES 4

struct known_program {		/* NULL: not there */
	const struct program *effects;
	const struct wrapper_program *wrapper;
	const struct interpreter_row *interpreter;
	const struct output_program *outputs[OUTPUT_TABLES];
	const struct maker *maker;
	const struct dry *dry;
	const struct builtin *builtin;
	unsigned int kinds;
};

/* `name`: the base name of argv[0] as shell_command.name has it. */
struct known_program program_known(struct arena *arena, const struct shell_value *argv0, const char *name);
/* The same, table by table. */
struct known_program program_search(struct arena *arena, const struct shell_value *argv0, const char *name);
unsigned int program_kinds(const char *name);

/* What the build makes: rows hold one more than an index into a table, 0 for none. */
struct program_row {
	uint16_t name;		/* where it begins in `names` */
	uint8_t len, kinds;
	uint16_t effects, wrapper, interpreter, outputs[OUTPUT_TABLES], maker, dry, builtin;
};
#define PROGRAM_SLOTS 4096	/* a power of two, at least twice the rows */
struct program_rows {
	const struct program_row *rows;
	const char *names;
	const uint16_t *slots;	/* PROGRAM_SLOTS, by hash: one more than the index of a row; the next slots when it is taken */
};
extern const struct program_rows program_rows;

static inline uint32_t program_hash(const char *name, size_t len)
{
	uint32_t h = (uint32_t)len;

	for (size_t i = 0; i < len; i++)
		h = h * 31 + (unsigned char)name[i];
	return h ^ h >> 12;
}

/* ---- the tables: how many rows of them there are, row `i`, its name where the row does not say it */
const struct program *effects_program_at(size_t i);
const char *effects_alias_at(size_t i, const char **row);
const struct wrapper_program *wrapper_row_at(size_t i, const char **name);
const struct interpreter_row *interpreter_at(size_t i, const char **name);
const struct output_program *output_at(size_t table, size_t i, const char **name);
const struct maker *maker_at(size_t i, const char **name);
const struct dry *dry_at(size_t i, const char **name);
const struct builtin *builtin_at(size_t i, const char **name);
const char *program_kind_names(size_t i, unsigned int *kind);	/* blank-separated */

/* ---- searches in one table */
const struct program *effects_program_of(struct arena *arena, const struct shell_value *word);
const struct wrapper_program *wrapper_find(const char *name, size_t len);
const struct interpreter_row *interpreter_find(const struct shell_value *argv0);
const struct output_program *output_find(size_t table, const char *name, size_t len);
const struct maker *maker_of(const struct program *program);
const struct dry *dry_find(const char *name, size_t len);
const struct builtin *builtin_find(const char *name);

/* ---- what knowledge.h has, where the program is known already */
bool knowledge_wrapper_by(struct arena *arena, const struct wrapper_program *program, const struct shell_value *argv, size_t argc,
			  size_t n, struct wrapper *ret);
bool knowledge_output_by(struct arena *arena, const struct known_program *known, const struct shell_value *argv, size_t argc,
			 const struct shell_value *input, struct shell_value *ret);
void knowledge_effects_by(struct arena *arena, const struct program *program, const struct shell_value *argv, size_t argc,
			  const char *cwd, struct shell_effect **effects, size_t *len);
bool knowledge_interpreter_by(struct arena *arena, const struct interpreter_row *row, const struct shell_value *argv, size_t argc,
			      const struct shell_value *input, struct interpreter *ret);
size_t knowledge_made_files_by(struct arena *arena, const struct maker *maker, const struct shell_value *argv, size_t argc,
			       const struct shell_effect *effects, size_t len, struct made_file *ret, size_t max);
bool knowledge_is_dry_by(const struct known_program *known, const struct shell_value *argv, size_t argc);
