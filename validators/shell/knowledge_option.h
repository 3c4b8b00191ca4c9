/* SPDX-License-Identifier: Apache-2.0
 * knowledge_option: options of a command line as getopt(3) and its relatives read them, told by a small table which of them take values.
 * Private to knowledge_*.c. */
#pragma once

#include "validators/shell/analysis.h"

struct option_spec {
	const char *values;	/* letters that take a value, glued or as the next word: "ugC" */
	const char *glued;	/* letters whose value is optional and can only be glued */
	const char *long_values;	/* names that take a value, blank-separated; "name:2" takes two words */
	const char *long_flags;	/* not NULL: every long option takes a value but these */
	bool single_dash;	/* -name is a long option */
	bool plus;		/* +x is an option like -x */
};

struct option_walk {
	const struct option_spec *spec;
	const struct shell_value *argv;
	size_t argc;
	size_t next;		/* the word to look at; after the end the first operand */
	size_t letter;		/* inside a word of bundled letters; 0: between words */
	bool ended;		/* behind "--": all words are operands */
};

struct option {
	char letter;		/* 0: a long option or an operand */
	const char *name;	/* of a long option, without dashes; NULL */
	size_t name_len;
	bool operand;		/* a word that is no option: value */
	bool has_value;
	struct shell_value value;
	size_t index;		/* of the word in argv */
	size_t value_index;	/* of the word that is the whole value; 0: the value is part of a word */
};

/* False past the last word. Operands are reported in between; a caller that wants no permutation stops at the first one. */
bool option_next(struct option_walk *w, struct option *ret);
bool option_is(const struct option *o, char letter, const char *long_name);
/* Is its letter among `letters`, or its name among the blank-separated `names`? Both may be NULL. */
bool option_in(const struct option *o, const char *letters, const char *names);

/* Is the word among blank-separated `names`? */
bool word_in(const char *word, size_t len, const char *names);
/* For searches in sorted tables: as strcmp(), of a word that may hold NUL. */
int word_order(const char *word, size_t len, const char *name);
bool value_is(const struct shell_value *v, const char *text);
/* A part of a value, with the place of the whole. */
struct shell_value value_slice(struct arena *arena, const struct shell_value *v, size_t from, size_t len);
/* The words of a range joined by blanks. */
struct shell_value value_join(struct arena *arena, const struct shell_value *argv, size_t first, size_t last);
/* Name of the program without folder, the dash of a login shell and ".exe"; "" when it is not known. */
const char *value_base_name(const struct shell_value *argv0, size_t *ret_len);
