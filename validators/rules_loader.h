/* SPDX-License-Identifier: Apache-2.0
 * rules_loader: what the files of the rule loader share. Private to validators/rules*.c. */
#pragma once

#include "runner/base/arena.h"
#include "runner/base/strvec.h"
#include "validators/rules_tables.h"
#include "validators/schema.h"

#define RULES_MAX 4096
#define RULES_MAX_FILES 1000
#define MACROS_MAX 1000		/* of one file, and of all that are known everywhere */
#define MACROS_MAX_DEPTH 10

/* ---- what a rule set owns */
struct macro {
	const char *name;
	const struct node *node;	/* of the document being loaded; NULL once expanded */
	const char *path;
	const char *text;		/* expanded */
	unsigned int depth;		/* of nesting */
	enum { MACRO_RAW, MACRO_EXPANDING, MACRO_READY, MACRO_BROKEN } state;
};

struct macro_table {
	struct macro *items;
	size_t len;
};

struct rules_owned {
	struct arena arena;
	const struct rule_tables *tables;	/* the set is these as they are; NULL: something was loaded */
	const struct rule **unpacked;	/* of their rows; NULL: not asked for yet */
	struct rule *rules;
	uint32_t *units;		/* of each rule: the load that brought it, as two of one load may not have the same id */
	uint32_t unit;
	size_t patterns_alloc;
	struct macro_table macros;	/* known everywhere */
};

/* ---- loading one document */
struct loader {
	struct rule_set *set;
	struct rules_owned *owned;
	struct arena *arena;		/* of the set */
	const struct document *doc;
	struct finding_list *findings;
	const char *file;
	struct macro_table macros;	/* of this file */
};

/* Report a mistake at a node, or at byte `offset` of its text with `width` characters. */
struct finding *loader_report(struct loader *l, const char *rule_id, const struct node *node, const char *path, const char *fmt,
			      ...) __attribute__((format(printf, 5, 6)));
struct finding *loader_report_at(struct loader *l, const char *rule_id, const struct node *node, size_t offset, size_t width,
				 const char *path, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void loader_suggest(struct finding *f, const char *fmt, const char *text);	/* NULL text: nothing */
const char *loader_text(struct loader *l, const struct node *node);	/* a copy that the set owns */
/* "rules/type": 'path' must be <wanted>, not <what it is>. */
void loader_wrong_type(struct loader *l, const struct node *node, const char *path, const char *wanted);
/* Unknown value with the nearest known one; `names` of n, NULLs are passed over. */
void loader_unknown(struct loader *l, const char *rule_id, const struct node *node, const char *path, const char *what,
		    const char *const *names, size_t n);

/* rules_load_macros.c */
void macros_define(struct loader *l, const struct node *map, const char *path, bool everywhere);
/* A pattern with its macros expanded, checked, added to the set. NULL: reported. */
const char *macros_pattern(struct loader *l, const struct node *node, const char *path, uint32_t *ret_index);

/* rules_load_conditions.c: rule->matches from the list at `node`. */
void conditions_load(struct loader *l, const struct node *node, const char *path, struct rule *rule);

/* What both kinds of conditions use. */
struct match_builder {
	struct rule_match *match;
	struct rule_condition *conditions;
	size_t len;
	enum rule_scope scope;
	bool has_effect, has_text;
	const struct node *recursive;	/* its key */
};
struct rule_condition *builder_add(struct loader *l, struct match_builder *b, enum rule_subject subject, enum rule_test test);
/* Text or a list of texts, none empty; NULL-terminated; NULL: reported. */
const char *const *loader_names(struct loader *l, const struct node *node, const char *path);
/* One word or a list of words that are bits. */
struct bit_name {
	const char *name;
	uint64_t bit;
};
uint64_t loader_bits(struct loader *l, const struct node *node, const char *path, const char *what,
		     const struct bit_name *names);
extern const struct bit_name rule_host_bits[], rule_origin_bits[], rule_trait_bits[];	/* end in a row without name */

/* rules_load_nodes.c: one item of `match` of a structural scope. */
void nodes_load(struct loader *l, const struct node *map, const char *path, struct match_builder *b);
bool nodes_is_key(const char *key);

/* rules.c */
void rules_text(const struct rule *rule, struct strbuf *out);	/* everything that matters, for the digest */

/* rules_load.c, for callers that want every mistake of every file: the files of a folder in the order they are loaded, one of
 * them read, and what rules_load() does in two parts: ids may not come twice between two rules_begin(). */
int rules_folder_files(const char *folder, struct strvec *ret, struct error *err);
int rules_read_file(const char *path, struct document **ret, struct error *err);
void rules_begin(struct rule_set *set);
void rules_load_more(struct rule_set *set, const struct document *doc, struct finding_list *findings);
