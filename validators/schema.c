/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"

/* ---- paths */

static bool is_plain_key(const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = key[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-'))
			return false;
	}
	return len && len <= UTF8_QUOTE_CHARS;
}

void path_add_key(struct strbuf *path, const char *key, size_t len)
{
	char quoted[UTF8_QUOTE_SIZE];

	if (is_plain_key(key, len)) {
		if (path->len)
			strbuf_addch(path, '.');
		strbuf_add(path, key, len);
	} else {
		strbuf_addf(path, "[%s]", utf8_quote(quoted, key, len));
	}
}

void path_add_index(struct strbuf *path, size_t index)
{
	char digits[24], *p = digits + sizeof(digits);

	*--p = ']';
	do
		*--p = (char)('0' + index % 10);
	while (index /= 10);
	*--p = '[';
	strbuf_add(path, p, (size_t)(digits + sizeof(digits) - p));
}

void path_cut(struct strbuf *path, size_t len)
{
	if (path->len <= len)
		return;
	path->len = len;
	path->buf[len] = '\0';
}

char *path_below(const char *path, const char *key)
{
	size_t len = strlen(path), key_len = strlen(key);
	char *below = xmalloc(len + 1 + key_len + 1);

	memcpy(below, path, len);
	below[len] = '.';
	memcpy(below + len + 1, key, key_len + 1);
	return below;
}

/* ---- types */

const char *node_description(const struct node *node)
{
	static const char *const names[][2] = {
		{ "mapping", "a mapping" }, { "list", "a list" }, { "number", "a number" }, { "boolean", "a boolean" },
		{ "null", "null" },
	};
	const char *type = node_type_name(node);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(type, names[i][0]))
			return names[i][1];
	}
	return "text";
}

struct finding *schema_wrong_type(struct decode *d, const struct node *node, const char *path, const char *wanted)
{
	return finding_at(d->findings, FINDING_ERROR, "schema/type", node, path, "'%s' must be %s, not %s", path,
			  wanted, node_description(node));
}

static void suggest(struct finding *f, const char *fmt, const char *text)
{
	if (text && *text)
		f->suggestion = xasprintf(fmt, text);
}

/* ---- mappings */

static const struct field *find_field(const struct field_table *table, const struct node *key, size_t *ret)
{
	for (size_t i = 0; i < table->len; i++) {
		const char *name = table->fields[i].key;

		if (name[0] == key->text[0] && !strncmp(name, key->text, key->len) && !name[key->len]) {
			*ret = i;
			return &table->fields[i];
		}
	}
	return NULL;
}

/* What schema_decode() saw of a field. */
struct sighting {
	const struct node *key;		/* NULL: not there */
	bool null;
	size_t misspelt; /* the finding about a key that was probably meant to be this one, plus 1; 0: none */
};

static void report_unknown(struct decode *d, const struct field_table *table, const struct node *key, const char *path,
			   struct sighting *seen)
{
	const char *names[SCHEMA_FIELDS_MAX];
	char quoted[UTF8_QUOTE_SIZE];
	const char *near;
	struct finding *f;

	if (key->kind != NODE_SCALAR) {
		finding_at(d->findings, FINDING_WARNING, "schema/unknown-key", key, path,
			   "this key is %s, keys are text", node_description(key));
		return;
	}
	if (!strncmp(key->text, "x-", 2))
		return;
	for (size_t i = 0; i < table->len; i++)
		names[i] = table->fields[i].key;
	near = nearest(key->text, names, table->len);
	f = finding_at(d->findings, FINDING_WARNING, "schema/unknown-key", key, path, "unknown key %s is ignored",
		       utf8_quote(quoted, key->text, key->len));
	suggest(f, "did you mean '%s'?", near);
	for (size_t i = 0; near && i < table->len; i++) {
		if (near == names[i] && !seen[i].misspelt)
			seen[i].misspelt = d->findings->len;
	}
}

/* A wanted key is missing and one much like it is there: one finding for both. */
static void report_misspelt(struct decode *d, const struct field *field, const struct sighting *seen)
{
	struct finding *f = &d->findings->items[seen->misspelt - 1];
	char *message = xasprintf("%.*s, and '%s' is missing", (int)(strlen(f->message) - strlen(" is ignored")),
				  f->message, field->key);

	free(f->message);
	f->message = message;
	if (field->need == FIELD_REQUIRED) {
		f->level = FINDING_ERROR;
		f->severity = SEVERITY_HIGH;
		f->rule_id = "schema/missing-key";
	}
}

static void report_missing(struct decode *d, const struct field *field, const struct node *map, const struct node *key,
			   const char *path)
{
	enum finding_level level = field->need == FIELD_REQUIRED ? FINDING_ERROR : FINDING_WARNING;
	struct finding *f;

	if (key) {
		autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addstr(&child, path);
		path_add_key(&child, field->key, strlen(field->key));
		f = finding_at(d->findings, level, "schema/missing-key", key, child.buf, "'%s' is empty", child.buf);
	} else {
		f = finding_add(d->findings, level, "schema/missing-key", map->start,
				*path ? "'%s' has no '%s'" : "%s'%s' is missing", path, field->key);
		f->path = *path ? xstrdup(path) : NULL;
	}
	suggest(f, "%s", field->help);
}

static void *member_of(const struct field *field, void *target)
{
	return target && field->offset != FIELD_CHECK ? (char *)target + field->offset : NULL;
}

void schema_decode(struct decode *d, const struct field_table *table, const struct node *map, const char *path,
		   void *target)
{
	struct sighting seen[SCHEMA_FIELDS_MAX];
	autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len;

	assert(table->len <= SCHEMA_FIELDS_MAX);
	memset(seen, 0, table->len * sizeof(*seen));
	if (map->kind != NODE_MAPPING) {
		schema_wrong_type(d, map, path, "a mapping");
		return;
	}
	strbuf_addstr(&child, path);
	len = child.len;
	for (size_t i = 0; i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		const struct field *field = NULL;
		size_t row;

		path_cut(&child, len);
		if (key->kind == NODE_SCALAR) {
			path_add_key(&child, key->text, key->len);
			field = find_field(table, key, &row);
		}
		if (!field) {
			report_unknown(d, table, key, child.buf, seen);
			continue;
		}
		seen[row].key = key;
		seen[row].null = node_is_null(value);
		if (field->decode && !seen[row].null)
			field->decode(d, field, value, child.buf, member_of(field, target));
	}
	for (size_t i = 0; i < table->len; i++) {
		const struct field *field = &table->fields[i];

		if (field->need == FIELD_OPTIONAL || (seen[i].key && !seen[i].null))
			continue;
		if (!seen[i].key && seen[i].misspelt)
			report_misspelt(d, field, &seen[i]);
		else
			report_missing(d, field, map, seen[i].key, path);
	}
}

/* ---- decoders */

#define STORE(target, type, value)                  \
	do {                                        \
		if (target)                         \
			*(type *)(target) = (value); \
	} while (0)

static bool want_scalar(struct decode *d, const struct node *node, const char *path, const char *wanted)
{
	if (node->kind == NODE_SCALAR)
		return true;
	schema_wrong_type(d, node, path, wanted);
	return false;
}

/* What is only checked may be left to a parameter. */
static bool is_left_open(const struct node *node, const void *target)
{
	return !target && node->kind == NODE_SCALAR && strstr(node->text, "${");
}

void decode_text(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	(void)field;
	if (want_scalar(d, node, path, "text"))
		STORE(target, const char *, node->text);
}

void decode_node(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	(void)d;
	(void)field;
	(void)path;
	STORE(target, const struct node *, node);
}

void decode_mapping(struct decode *d, const struct field *field, const struct node *node, const char *path,
		    void *target)
{
	(void)field;
	if (node->kind == NODE_MAPPING)
		STORE(target, const struct node *, node);
	else
		schema_wrong_type(d, node, path, "a mapping");
}

void decode_sequence(struct decode *d, const struct field *field, const struct node *node, const char *path,
		     void *target)
{
	(void)field;
	if (node->kind == NODE_SEQUENCE)
		STORE(target, const struct node *, node);
	else
		schema_wrong_type(d, node, path, "a list");
}

void decode_bool(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	bool value;

	(void)field;
	if (is_left_open(node, target))
		return;
	if (node_is_bool(node, &value)) {
		STORE(target, bool, value);
		return;
	}
	if (node->kind == NODE_SCALAR && (!strcasecmp(node->text, "true") || !strcasecmp(node->text, "false"))) {
		struct finding *f = finding_at(d->findings, FINDING_WARNING, "schema/type", node, path,
					       "'%s' is text, read as a boolean", path);

		f->suggestion = xstrdup("write true or false without quotes");
		STORE(target, bool, !strcasecmp(node->text, "true"));
		return;
	}
	schema_wrong_type(d, node, path, "true or false");
}

/* Quantities differ in their parser and in what is suggested. */
typedef int quantity_parser(const char *text, size_t len, uint64_t *ret, struct error *err);

static void decode_quantity(struct decode *d, const struct node *node, const char *path, void *target,
			    quantity_parser *parse, const char *wanted, const char *suggestion)
{
	struct error err = { 0 };
	struct finding *f;
	uint64_t value;

	if (is_left_open(node, target) || !want_scalar(d, node, path, wanted))
		return;
	if (parse(node->text, node->len, &value, &err) == 0) {
		STORE(target, uint64_t, value);
		return;
	}
	f = finding_at(d->findings, FINDING_ERROR, "schema/value", node, path, "%s", err.text);
	f->suggestion = xstrdup(suggestion);
}

static int count_parse(const char *text, size_t len, uint64_t *ret, struct error *err)
{
	return integer_parse(text, len, 0, 1000000000, ret, err);
}

void decode_duration(struct decode *d, const struct field *field, const struct node *node, const char *path,
		     void *target)
{
	(void)field;
	decode_quantity(d, node, path, target, duration_parse, "a duration",
			"write a duration as '30s', '5m' or '1h30m'; bare digits are seconds");
}

void decode_size(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	(void)field;
	decode_quantity(d, node, path, target, size_parse, "a size",
			"write a size as '256Mi', '2Gi' or a number of bytes");
}

void decode_cpu(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	(void)field;
	decode_quantity(d, node, path, target, cpu_parse, "a cpu amount", "write cpus as '2', '0.5' or '500m'");
}

void decode_count(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	(void)field;
	decode_quantity(d, node, path, target, count_parse, "a whole number", "write a whole number, 0 or more");
}

static void decode_name(struct decode *d, const struct field *field, const struct node *node, const char *path,
			void *target, enum finding_level level)
{
	int (*compare)(const char *a, const char *b) = level == FINDING_ERROR ? strcmp : strcasecmp;
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);
	const struct enum_name *names = field->extra;
	const char *candidates[SCHEMA_FIELDS_MAX];
	char quoted[UTF8_QUOTE_SIZE];
	const char *near;
	struct finding *f;
	size_t n;

	if (is_left_open(node, target) || !want_scalar(d, node, path, "text"))
		return;
	for (n = 0; names[n].name && n < ARRAY_SIZE(candidates); n++) {
		if (!compare(names[n].name, node->text)) {
			STORE(target, int, names[n].value);
			return;
		}
		candidates[n] = names[n].name;
	}
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", candidates[i]);
	near = nearest(node->text, candidates, n);
	f = finding_at(d->findings, level, "schema/value", node, path, "'%s' is %s, which is not known", path,
		       utf8_quote(quoted, node->text, node->len));
	suggest(f, near ? "did you mean '%s'?" : "known are: %s", near ? near : known.buf);
}

void decode_enum(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	decode_name(d, field, node, path, target, FINDING_ERROR);
}

void decode_word(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	decode_name(d, field, node, path, target, FINDING_WARNING);
}

void decode_fields(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	if (node->kind != NODE_MAPPING)
		suggest(schema_wrong_type(d, node, path, "a mapping"), "%s", field->help);
	else
		schema_decode(d, field->extra, node, path, target);
}

void decode_list(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);
	const struct field *item = field->extra;
	size_t len;

	if (node->kind != NODE_SEQUENCE) {
		schema_wrong_type(d, node, path, "a list");
		return;
	}
	STORE(target, const struct node *, node);
	strbuf_addstr(&child, path);
	len = child.len;
	for (size_t i = 0; i < node->len; i++) {
		path_cut(&child, len);
		path_add_index(&child, i);
		if (node_is_null(node->items[i]))
			schema_wrong_type(d, node->items[i], child.buf, "a value");
		else
			item->decode(d, item, node->items[i], child.buf, NULL);
	}
}
