/* SPDX-License-Identifier: Apache-2.0
 * options, private to knowledge: the words of a command as options, their values and operands, by a table of the program.
 *
 * A table is a string of tokens with blanks between them, one an option that has a value or a meaning (others need not be named):
 *
 *	o,output=W	names (one letter: -o, more: --output), "=" takes a value, "==" two values, "?" a glued one or none
 *	         W	what is done with the value: letters that the user of this module knows
 *	r,R:r		":" sets flags: letters a to z that options_flag() asks for
 *	vacuum!d/x	"!" does something (letter) with a fixed path, whatever the value
 *	*:p		any option that is not in the table
 *
 * Long names may be shortened as getopt_long(3) lets them be. */
#pragma once

#include "validators/shell/knowledge.h"

enum options_style {
	OPTIONS_SINGLE_DASH = 1 << 0,	/* -name, as find and openssl have it; no bundles */
	OPTIONS_STOP = 1 << 1,		/* end at the first operand: ssh, python */
	OPTIONS_BUNDLE = 1 << 2,	/* the first word is a bundle even without a dash: tar xf */
	OPTIONS_ONE_OPERAND = 1 << 3,	/* reading ends behind the first operand: a subcommand */
};

struct argument {
	size_t index;			/* in argv: of the operand, or of the word with the option */
	const char *name;		/* first name of the option in the table, not terminated; NULL: an operand */
	size_t name_len;
	const char *actions;		/* letters behind "=" or "?", up to a blank, ':' or '!' */
	size_t actions_len;
	const char *fixed;		/* what stands behind "!"; NULL */
	size_t fixed_len;
	bool has_value;
	struct shell_value value;	/* of the option, or the operand */
};

struct arguments {
	struct argument *items;		/* in the order of argv; options only with a value or a fixed path */
	size_t len;
	size_t operands;
	uint32_t flags;
	size_t next;			/* with OPTIONS_ONE_OPERAND: the word behind the operand */
};

struct arguments options_split(struct arena *arena, const char *table, unsigned int style, const struct shell_value *argv, size_t argc);

static inline bool options_flag(const struct arguments *a, char flag)
{
	return a->flags & 1u << (flag - 'a');
}

/* Is the next word the value of this one? */
bool options_takes_value(const char *table, unsigned int style, const struct shell_value *word);

/* Part of a value from `skip` on; it keeps place and origin. */
struct shell_value options_tail(const struct shell_value *value, size_t skip);
