/* SPDX-License-Identifier: Apache-2.0
 * effects, private to knowledge: the table of programs and what its rows are made of.
 *
 * `operands` says what happens to them, one letter each; "*" repeats the letter before it for all that the rest leaves ("R*W": the last
 * is written):
 *	R read, W written, A appended to, D deleted, X executed, M mode changed, V moved away, L linked to, B read and written; - nothing
 *	small letters: the same for everything below
 *	? nothing, and stands only when no option has set the flag p: the pattern of grep, the mode of chmod
 *	"!d/var/x": a fixed path, for a subcommand that names none
 * Values of options take the same letters, and C: the folder where the rest happens; T: the folder copied into; and, read: @ what "@file"
 * names, % what "name=@file" names, K what stands behind "key=", & what has no "=" in it.
 * Flags of options that work for every program: r everything below; a written is appended; i read is written (in place); l written is only
 * read (lists); u also deleted; q operands are nothing; p see above. */
#pragma once

#include <string.h>

#include "validators/shell/knowledge_options.h"
#include "validators/shell/knowledge_programs.h"

/* Bytes of folders that are put in front of other words, per command: many short words and one long folder stay linear. */
#define EFFECTS_JOINED_MAX ((size_t)1 << 20)

enum program_style {
	PROGRAM_SUBCOMMANDS = 1 << 8,	/* "git" → "git clean"; beside enum options_style */
	PROGRAM_MAYBE_SUBCOMMANDS = 1 << 9,	/* the first word may be one that has a row */
	PROGRAM_REMOTE = 1 << 10,	/* host:path names nothing here */
};

struct effects {
	struct arena *arena;
	const struct shell_value *argv;
	size_t argc;
	const char *cwd;
	const struct program *program;
	struct arguments args;
	struct shell_effect **items;
	size_t *len;
	size_t joined_bytes;		/* copies of folders that were made */
};

struct program {
	const char *name;
	const char *operands;		/* "": nothing */
	const char *options;		/* see knowledge_options.h */
	unsigned int style;
	void (*handler)(struct effects *e);	/* does all of it; NULL: the letters tell */
};

/* Order of a row's name and a name that is not terminated. */
static inline int effects_compare(const char *row, const char *name, size_t len)
{
	size_t i = 0;

	while (i < len && row[i] && row[i] == name[i])	/* names differ early: a call would cost more */
		i++;
	if (i == len)
		return len ? (unsigned char)row[i] : 1;
	return row[i] ? (unsigned char)row[i] - (unsigned char)name[i] : -1;	/* also where a NUL is in it */
}

/* NULL: not known. "python3.11" is "python", "mkfs.ext4" is "mkfs". */
const struct program *effects_find_program(const char *name, size_t len);
const struct program *effects_find_exact(const char *name, size_t len);	/* only what is in the tables as it is written */
const char *effects_alias(const char *name, size_t len);	/* the row for "egrep": "grep"; NULL */

/* What a letter does to a value. Words that name no file ("-", "", URLs) are passed over. */
void effects_letter(struct effects *e, char letter, const struct shell_value *value);
void effects_add(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *value);
void effects_add_plain(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *value);	/* exactly this */
/* Effects on well-known paths that a glob means, too; `path` is normalised. */
void effects_known(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *path);
/* Effects on what "$(find …)" and "$(ls …)" would print; false: it is something else. */
bool effects_of_output(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *path);
bool effects_found(struct effects *e, const struct shell_value *argv, size_t argc, enum shell_access access);
/* "*", "?", "[…]"; no wildcard means a slash. */
bool effects_glob_matches(const char *glob, size_t glob_len, const char *s, size_t len);
void effects_fixed(struct effects *e, char letter, const char *path, size_t len);
/* Letters of values; `C` and `T` are the handler's. */
void effects_option_values(struct effects *e);
/* The value of the last option with this first name; NULL: it is not there. */
const struct shell_value *effects_option(const struct effects *e, const char *name);
/* Operand `n`; NULL past the last. */
const struct shell_value *effects_operand(const struct effects *e, size_t n);
void effects_enter(struct effects *e, const struct shell_value *folder);	/* -C */
/* "folder/base name of path"; empty once EFFECTS_JOINED_MAX is reached. */
struct shell_value effects_into(struct effects *e, const struct shell_value *folder, const struct shell_value *path);
bool effects_is_remote(const struct shell_value *path);
/* The name under which a download of a URL is kept. */
struct shell_value effects_url_file(struct effects *e, const struct shell_value *folder, const struct shell_value *url);
void effects_generic(struct effects *e);

/* handlers */
void effects_awk(struct effects *e);
void effects_cpio(struct effects *e);
void effects_cmake(struct effects *e);
void effects_compress(struct effects *e);
void effects_copy(struct effects *e);
void effects_curl(struct effects *e);
void effects_dd(struct effects *e);
void effects_editor(struct effects *e);
void effects_find(struct effects *e);
void effects_git_clean(struct effects *e);
void effects_git_clone(struct effects *e);
void effects_git_config(struct effects *e);
void effects_interpreter(struct effects *e);
void effects_journalctl(struct effects *e);
void effects_link(struct effects *e);
void effects_mount(struct effects *e);
void effects_parted(struct effects *e);
void effects_rsync(struct effects *e);
void effects_search(struct effects *e);
void effects_socat(struct effects *e);
void effects_socket(struct effects *e);
void effects_ssh_keygen(struct effects *e);
void effects_sysctl(struct effects *e);
void effects_systemctl(struct effects *e);
void effects_tar(struct effects *e);
void effects_unzip(struct effects *e);
void effects_wget(struct effects *e);
void effects_zip(struct effects *e);
