/* SPDX-License-Identifier: Apache-2.0
 * scan_match: what the parts of the scanner share. Private to scan*.c.
 *
 * scan.c walks the package and knows where shell text, containers and manifests stand; scan_shell.c,
 * scan_structure.c and scan_text.c try the rules of their scopes there; scan_place.c turns what matched into a
 * finding at its place. */
#pragma once

#include "runner/base/arena.h"
#include "validators/scan.h"
#include "validators/shell/analysis.h"

/* One step of a YAML path; frames live on the stack of the walk and become text only when something is found. */
struct scan_path {
	const struct scan_path *up;	/* NULL: of the root */
	const char *key;		/* NULL: an item of a list */
	size_t key_len, index;
};

struct rule_state {		/* of one rule while a document is scanned */
	size_t found;
	bool given_up;		/* a pattern of it hit a limit */
};

struct match_paths;

struct rule_ref {		/* one of the matches of a rule */
	const struct rule *rule;
	const struct rule_match *match;
	uint32_t index;		/* of the rule in the set */
	uint32_t number;	/* texts: of the match (scan_index.h) */
	const struct match_paths *paths;	/* mappings: see scan_structure.c */
};

struct scan_index;
struct shell_entries;
struct shell_index;
struct text_index;

struct scanner {
	const struct rule_set *rules;
	struct arena arena;		/* indices */
	struct arena scripts;		/* lent to one analysis after the other */
	const struct scan_index *index;	/* scan_index.h */
	struct rule_ref *structures[SCOPE_PACKAGE + 1];	/* of each entry of the scopes that look at mappings; no rule: not tried yet */
	struct shell_index *shell;
	struct text_index *text;
	struct rule_state *states;
};

struct key_set {		/* of numbers and addresses */
	uint64_t *slots;
	size_t len, alloc;
};

struct line_cursor {		/* how far the lines of a literal scalar have been counted */
	const struct node *node;
	size_t begin;
	uint32_t line;
};

/* Where something stands: a slice of a scalar's text, or a node as a whole. */
struct scan_place {
	const struct node *node;	/* NULL: the file */
	const struct scan_path *path;
	bool whole;
	size_t offset, len;
};

struct embedding {		/* a document inside a text */
	struct scan_place place;	/* of the text in the outer document */
	size_t base;			/* bytes of the place before the inner document */
	bool exact;			/* the text stands there as it is */
};
#define EMBEDDED_MAX 1000		/* documents inside one */
#define PIPELINE_DEPTH_MAX 8		/* commands before one that applies a manifest */
#define FILE_DISTANCE_MAX 200		/* commands between writing a manifest and applying it */

struct secret_place {
	struct position position;
	unsigned int width;
	enum severity severity;
	const char *text;		/* borrowed from the document */
	size_t len;
};

struct scan {
	struct scanner *scanner;
	const struct document *doc;
	struct finding_list *findings;
	struct line_cursor cursor;
	size_t position_work, match_work; /* bytes looked at for positions and by patterns, against their ceilings */
	bool raw;				/* the one text is the document: a sample */
	bool truncated_told, exhausted_told, limit_told;
	struct key_set nodes;			/* that were looked at in a scope: aliases share nodes */
	struct key_set structures;		/* rule and node of what was told of mappings */
	const struct embedding *embedding;	/* NULL: nodes are those of the document itself */
	struct document **inner;
	size_t inner_len, inner_alloc;
	struct secret_place *secrets;
	size_t secrets_len, secrets_alloc;
};

struct scan_match {
	struct scan_place place;
	const char *shown;	/* for {match}: what was matched, resolved; NULL: the text at the place */
	size_t shown_len;
	const char *command;	/* for {command}; NULL */
	bool uncalled;		/* in a function that nothing calls */
};

/* ---- scan_place.c */
void scan_path_write(const struct scan_path *path, struct strbuf *out);
struct position scan_position(struct scan *sc, const struct scan_place *place, unsigned int *ret_width);
/* A finding of a rule, with everything that belongs to it. */
void scan_tell(struct scan *sc, uint32_t rule_index, const struct scan_match *match);
/* A finding of the scanner's own. */
void scan_tell_own(struct scan *sc, enum severity severity, const char *id, const char *suggestion,
		   const struct scan_place *place, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Secrets become "AKIA…(16 more)": only prefixes that everybody knows are shown. */
void scan_mask(const char *text, size_t len, struct strbuf *out);
/* True the first time. */
bool key_set_add(struct key_set *set, uint64_t key);
bool key_set_has(const struct key_set *set, uint64_t key);
void key_set_release(struct key_set *set);
static inline uint64_t key_of(const void *address, uint32_t number)
{
	return (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) + number;
}
/* pattern_match() with the limits of a scan: a rule that hits one is told of, and is given up for the document. */
enum pattern_result scan_pattern(struct scan *sc, uint32_t rule_index, const struct rule_condition *c, const char *text,
				 size_t len, size_t from, const struct scan_place *place, struct span *ret);
/* Does it match at all? For names, keys and values: what has no chance is not tried. */
bool scan_matches(struct scan *sc, uint32_t rule_index, const struct rule_condition *c, const char *text, size_t len,
		  const struct scan_place *place);

/* ---- scan_secret.c */
void scan_keep_secret(struct scan *sc, struct position position, unsigned int width, enum severity severity,
		      const char *text, size_t len);
/* Has a rule said so already, at least as gravely? A secret is told of once, by the first that knows it. */
bool scan_is_kept_secret(const struct scan *sc, struct position position, unsigned int width, enum severity severity);
/* At the end: nothing that is told shows what was kept. */
void scan_hide_secrets(struct scan *sc);

/* ---- scan_shell.c */
struct shell_index *shell_index_new(struct arena *arena, const struct shell_entries *entries);	/* borrowed */
void shell_index_free(struct shell_index *x);		/* what is not in the arena */
/* Where offsets of an analysis stand in the document. */
struct shell_source {
	const struct node *node;	/* offsets are of its text */
	const struct scan_path *path;
	/* of argv: the words, whose offsets are running numbers; NULL */
	const struct shell_argument {
		const struct node *node;
		struct scan_path path;
		size_t offset;
	} *arguments;
	size_t arguments_len;
	unsigned int max_depth;		/* commands that are nested deeper are looked at elsewhere */
};
void scan_commands(struct scan *sc, const struct shell_analysis *analysis, const struct shell_source *source);
struct scan_place shell_place(const struct shell_source *source, size_t offset, size_t len);

/* ---- scan_embedded.c: manifests inside texts */
struct scan_place scan_embedded_place(const struct scan *sc, const struct scan_place *inner);
void scan_embedded(struct scan *sc, const char *text, size_t len, const struct scan_place *place);
/* What kubectl and the like are fed by command `index`. */
void scan_client(struct scan *sc, const struct shell_analysis *analysis, size_t index,
		 const struct shell_source *source);
void scan_embedded_release(struct scan *sc);

/* ---- scan_script.c: shell text and the commands of containers, analysed */
void scan_script(struct scan *sc, const struct node *text, const struct scan_path *path);
/* `command` and `args` of a container, an exec probe: either may be NULL. */
void scan_argv(struct scan *sc, const struct node *command, const struct scan_path *command_path,
	       const struct node *args, const struct scan_path *args_path);

/* ---- scan_structure.c */
void scan_mapping(struct scan *sc, enum rule_scope scope, const struct node *mapping, const struct scan_path *path);

/* ---- scan_text.c */
struct text_index *text_index_new(struct arena *arena, const struct scan_index *index);	/* borrowed */
void text_index_free(struct text_index *x);		/* what is not in the arena */
void scan_text(struct scan *sc, enum rule_scope scope, const struct node *text, const struct scan_path *path,
	       const char *key, size_t key_len);

/* ---- scan.c */
void scan_begin(struct scan *sc, struct scanner *s, const struct document *doc, struct finding_list *findings);
void scan_end(struct scan *sc);
/* A mapping where containers and pod specs may nest. */
void scan_structure(struct scan *sc, const struct node *node, const struct scan_path *path);
void scan_container(struct scan *sc, const struct node *node, const struct scan_path *path);
void scan_texts(struct scan *sc, const struct node *node, const struct scan_path *path);
