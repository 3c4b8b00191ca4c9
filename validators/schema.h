/* SPDX-License-Identifier: Apache-2.0
 * schema: decode a mapping by a table of its fields. One row names a key, what it may hold, and where it goes; the
 * decoder reports missing, misspelt and mistyped keys as findings and goes on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "validators/finding.h"

struct decode {			/* what every decoder is given */
	const struct document *doc;
	struct finding_list *findings;
};

struct field;
/* Decode `node` (never null) found at `path` into `target`, which is the member itself, or NULL to check only.
 * Reports what is wrong itself. */
typedef void field_decoder(struct decode *d, const struct field *field, const struct node *node, const char *path,
			   void *target);

enum field_need { FIELD_OPTIONAL, FIELD_WANTED /* warning when missing */, FIELD_REQUIRED };

struct field {
	const char *key;
	field_decoder *decode;		/* NULL: known, any value, not looked at */
	/* of the member in the target; FIELD_CHECK: check only, nothing is stored, and ${NAME} may stand for the value */
	size_t offset;
	enum field_need need;
	const void *extra;		/* for the decoder: enum table, nested table, item */
	const char *help;		/* one sentence; `schema` and error messages show it */
};

struct field_table {
	const struct field *fields;
	size_t len;			/* at most SCHEMA_FIELDS_MAX */
};
#define SCHEMA_FIELDS_MAX 64
#define FIELD_CHECK ((size_t)-1)
#define FIELD_TABLE(rows) { (rows), sizeof(rows) / sizeof((rows)[0]) }

/* Walk `map` by the table; keys that no row has are warnings with the nearest key (keys that begin with "x-"
 * are the author's own). A null value counts as missing. A node that is no mapping is an error. */
void schema_decode(struct decode *d, const struct field_table *table, const struct node *map, const char *path,
		   void *target);

/* Ready-made decoders. Members hold borrowed nodes' texts or plain values. */
field_decoder decode_text;	/* const char * (numbers and booleans are taken as written) */
field_decoder decode_node;	/* const struct node *, any kind */
field_decoder decode_bool;	/* bool */
field_decoder decode_duration;	/* uint64_t, ns */
field_decoder decode_size;	/* uint64_t, bytes */
field_decoder decode_cpu;	/* uint64_t, thousandths */
field_decoder decode_count;	/* uint64_t; whole number >= 0 */
field_decoder decode_enum;	/* int; extra is a const struct enum_name[] ending in NULL; others are errors */
field_decoder decode_word;	/* the same, but others are warnings and case does not matter */
field_decoder decode_mapping;	/* const struct node *; must be a mapping */
field_decoder decode_sequence;	/* const struct node *; must be a list */
field_decoder decode_fields;	/* a mapping by extra, a struct field_table, whose offsets count from this member */
field_decoder decode_list;	/* const struct node *; a list whose items are checked by extra, a struct field */

struct enum_name {
	const char *name;
	int value;
};

/* Append ".key" (or ["odd key"]) or "[index]" to a path. */
void path_add_key(struct strbuf *path, const char *key, size_t len);
void path_add_index(struct strbuf *path, size_t index);
void path_cut(struct strbuf *path, size_t len);		/* back to what it was */
char *path_below(const char *path, const char *key);	/* path.key, for plain keys; the caller owns it */

/* "a mapping", "text" …: what a node is, for messages. */
const char *node_description(const struct node *node);

/* Report a value of the wrong type: "'path' must be <wanted>, not <what it is>". */
struct finding *schema_wrong_type(struct decode *d, const struct node *node, const char *path, const char *wanted);
