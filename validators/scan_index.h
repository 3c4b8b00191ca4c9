/* SPDX-License-Identifier: Apache-2.0
 * scan_index: which matches of which rules are worth a look, found without looking at the rules. For the built-in rules it is made
 * while building (rules_embed.c), so it is numbers throughout; for other sets when the scanner is. Private to scan*.c. */
#pragma once

#include "runner/base/arena.h"
#include "validators/rules_tables.h"

/* ---- rules on commands (scan_shell.c) */

struct shell_entry {		/* one match of a rule: all that most commands need to know of it */
	struct text_marks required;	/* that a line must hold, or with SHELL_IN_PATH the paths of effects */
	uint32_t need;		/* features that a command must have, SHELL_IN_PATH */
	uint32_t feature;	/* of them the rarest, under which it waits */
	uint32_t rule, match;	/* index, of the match in its rule */
	bool for_any;		/* of no certain names */
	bool asks_name;		/* something else is asked of the name */
};
#define SHELL_IN_PATH (UINT32_C(1) << 31)

struct name_entry {		/* a rule that is for a command */
	uint32_t hash, entry;
	uint32_t next;		/* index + 1 in the same slot; 0: none */
	uint32_t text;		/* in shell_entries.words */
};

struct prefix_entry {		/* … for those that begin so: "python*" */
	uint32_t text, len, entry;
};
#define NAME_SLOTS 1024		/* a power of two */

struct shell_entries {
	const struct shell_entry *items;	/* by feature, else as in the files */
	size_t len;
	const struct name_entry *names;
	size_t names_len;
	const uint32_t *slots;	/* of them, NAME_SLOTS by hash: index + 1 */
	const struct prefix_entry *prefixes;
	size_t prefixes_len;
	const char *words;
	size_t words_len;
};

/* ---- rules on mappings (scan_structure.c) */

struct structure_entry {
	uint64_t need, need_below;	/* keys, by hash, that a mapping must have; that must be one level below */
	uint32_t rule, match;
};

struct structure_entries {
	const struct structure_entry *items;	/* the gravest first, else as in the files */
	size_t len;
};

/* ---- rules on texts (scan_text.c) */

struct text_entry {
	uint32_t rule, match;
};

struct keyword {
	uint32_t text, len;		/* in text_scope.words, in lower case */
	uint32_t next;			/* index + 1 of the next of its list, which is no longer; 0: none */
	uint32_t uses, uses_len;	/* in text_scope.uses: what waits for it */
};

/* A rolling hash of three bytes: the low 15 bits; what was before them has been shifted out. */
#define ENDING_BITS 15
#define ENDING_MASK ((1u << ENDING_BITS) - 1)
#define ENDING_SHIFT 5
#define LISTS 1024

struct finder {
	uint64_t ends[(1u << ENDING_BITS) / 64];	/* by hash: a keyword may end so */
	uint32_t folded[256];
	uint32_t lists[LISTS];		/* keywords of three bytes and more, by the hash of their ends: index + 1 */
	uint32_t short_lists[256];	/* shorter ones, by their last byte */
};

struct text_scope {		/* numbers of matches are those of scan_index.texts */
	const struct finder *finder;
	const struct keyword *keywords;
	size_t keywords_len;
	const char *words;
	size_t words_len;
	const uint32_t *uses;
	size_t uses_len;
	const uint32_t *keyed;		/* matches without keywords, on keys */
	size_t keyed_len;
};

struct scan_index {
	struct shell_entries shell;
	struct structure_entries structures[SCOPE_PACKAGE + 1];
	struct text_scope script, text;
	const struct text_entry *texts;
	size_t texts_len;
};

/* In the arena. */
void scan_index_make(struct arena *arena, const struct rule_set *rules, struct scan_index *ret);
struct shell_entries shell_entries_make(struct arena *arena, const struct rule_set *rules);
struct structure_entries structure_entries_make(struct arena *arena, const struct rule_set *rules, enum rule_scope scope);
void text_scopes_make(struct arena *arena, const struct rule_set *rules, struct scan_index *ret);
