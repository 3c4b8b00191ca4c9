/* SPDX-License-Identifier: Apache-2.0
 * yaml: bytes become a tree whose nodes know where they stand. The only owner of libyaml.
 *
 * Packages, parameter files, configs, rules, policies and kubeconfigs are all read through here, so the
 * ceilings stand in one place: libyaml 0.2.5 has no nesting limit and is quadratic on nested brackets and on %TAG lines.
 * UTF-8 and UTF-16 (with a byte order mark), LF and CRLF are accepted. Merge keys (`<<`) are applied as YAML 1.1 says.
 * A node that aliases stand for is shared by all its uses, so the tree may be entered at one node more than once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"

struct yaml_limits {
	size_t max_bytes;	/* of input */
	unsigned int max_depth;	/* nesting of collections, aliases expanded: walkers may recurse */
	size_t max_nodes;	/* with aliases expanded: each use of an alias counts all that it stands for */
	size_t max_aliases;	/* uses of aliases; also of anchors */
};
extern const struct yaml_limits yaml_default_limits;	/* 1 MiB, 64, 100,000, 1,000 */

struct position {
	uint32_t line, column;	/* from 1; columns count characters, as editors do; line 0 is "unknown" */
};

enum node_kind { NODE_SCALAR, NODE_MAPPING, NODE_SEQUENCE };
enum node_style { STYLE_PLAIN, STYLE_SINGLE_QUOTED, STYLE_DOUBLE_QUOTED, STYLE_LITERAL, STYLE_FOLDED };

struct node;
struct node_pair {
	struct node *key;	/* any node; almost always a scalar */
	struct node *value;
};

struct node {
	enum node_kind kind;
	struct position start, end;	/* of the text in the file; for block scalars `start` is the '|' or '>' */
	size_t offset;			/* of `start` in the document's bytes */
	/* scalars */
	enum node_style style;
	bool implicit;			/* plain and without a tag: may be null, a boolean or a number */
	char *text;			/* NUL-terminated; may hold no NUL inside (that is a parse problem) */
	size_t len;
	/* mappings (len pairs) and sequences (len items), in file order */
	struct node_pair *pairs;
	struct node **items;
	size_t size;			/* nodes in this subtree, aliases expanded */
	unsigned int height;		/* levels of collections in it; 0 for a scalar */
};

/* Something wrong with the YAML itself. Parsing goes on after a duplicate key, stops after a syntax error. */
struct yaml_problem {
	struct position position;
	char *message;
};

struct document {
	char *name;		/* as given, for messages: "ops/restart.wpk.yaml", "<stdin>" */
	char *bytes;		/* the text in UTF-8 with LF or CRLF kept; for excerpts */
	size_t bytes_len;
	struct node *root;	/* NULL: nothing in it, or a syntax error */
	size_t aliases;		/* uses of aliases: without any, every node but the root has one parent */
	struct yaml_problem *problems;
	size_t problems_len, problems_alloc;
	void *pool;		/* private */
};

/* Parse one document. 0 with *ret set whenever the input could be looked at, even with problems (look at
 * ret->problems_len); -1 only for what has no position (too many bytes). A second document in the stream, a ceiling
 * that was hit, bytes that are not text: problems. Duplicate keys are problems too (the last one is kept). */
int document_parse(const char *bytes, size_t len, const char *name, const struct yaml_limits *limits,
		   struct document **ret, struct error *err);
void document_free(struct document *doc);	/* frees every node; NULL is a no-op */

/* Lookup in a mapping; NULL if `map` is NULL, no mapping, or has no such key. */
struct node *node_get(const struct node *map, const char *key);

/* Is it `null`, `~` or an empty plain scalar? NULL counts as null. */
bool node_is_null(const struct node *node);
/* YAML 1.1 booleans as PyYAML reads them (true/false/yes/no/on/off), plain style only. */
bool node_is_bool(const struct node *node, bool *ret);
/* Plain decimal integer within range. */
bool node_is_int(const struct node *node, int64_t *ret);
/* Plain decimal number, integers included. */
bool node_is_number(const struct node *node, double *ret);

/* "mapping", "list", "text", "number", "boolean", "null": for messages. */
const char *node_type_name(const struct node *node);

/* Line `line` of the file without its end, as (start, length) into doc->bytes; false past the end. */
bool document_line(const struct document *doc, uint32_t line, const char **start, size_t *len);

/* Position in the file of byte `offset` of a scalar's text. Exact for plain, quoted (no escapes) and literal block
 * scalars; the start of the scalar where it cannot be told. */
struct position node_text_position(const struct document *doc, const struct node *node, size_t offset);
