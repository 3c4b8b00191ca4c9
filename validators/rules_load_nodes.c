/* SPDX-License-Identifier: Apache-2.0
 * Conditions on nodes of YAML: `at` a path a test holds; `and`, `not` and `each` beside it. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "validators/rules_loader.h"
#include "validators/scan_required.h"

struct node_key;
typedef void test_loader(struct loader *l, const struct node *value, const char *path, struct rule_condition *c);

/* ---- tests */

static void load_matches(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	c->text = macros_pattern(l, value, path, &c->pattern);
	c->needs = c->text ? pattern_needs(l->arena, c->text) : NULL;
}

static void load_is(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	c->names = loader_names(l, value, path);
}

static void load_host(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	c->bits = loader_bits(l, value, path, "kind of host", rule_host_bits);
}

static void load_exists(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	bool there;

	if (!node_is_bool(value, &there))
		loader_wrong_type(l, value, path, "true or false");
	else
		c->negated ^= !there;
}

/* "true: yes" reads well; "true: no" would not say what it means. */
static void load_yes(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	bool yes;

	(void)c;
	if (!node_is_bool(value, &yes) || !yes)
		loader_suggest(loader_report(l, "rules/value", value, path, "'%s' can only be 'yes'", path), "%s",
			       "put the test below 'not' to say the opposite");
}

/* The unit follows from how the amount is written, and of a bare number from the last key of the path. */
static char unit_of(const char *text, const char *path)
{
	static const struct {
		const char *key;
		char unit;
	} keys[] = {
		{ "cpu", 'c' }, { "memory", 'b' }, { "storage", 'b' }, { "ephemeral-storage", 'b' }, { "sizeLimit", 'b' },
	};
	const char *end = text + strspn(text, "0123456789.");
	const char *last = strrchr(path, '.');

	if (*end)
		return !strcmp(end, "m") ? 'c' : 'b';
	last = last ? last + 1 : path;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].key, last))
			return keys[i].unit;
	return 'n';
}

static void load_amount(struct loader *l, const struct node *value, const char *path, struct rule_condition *c)
{
	struct error err = { 0 };
	int rc;

	if (value->kind != NODE_SCALAR || !value->len) {
		loader_wrong_type(l, value, path, "an amount");
		return;
	}
	c->unit = unit_of(value->text, c->path ? c->path : "");
	if (c->unit == 'c')
		rc = cpu_parse(value->text, value->len, &c->number, &err);
	else if (c->unit == 'b')
		rc = size_parse(value->text, value->len, &c->number, &err);
	else
		rc = integer_parse(value->text, value->len, 0, UINT64_MAX / 2, &c->number, &err);
	if (rc < 0)
		loader_suggest(loader_report(l, "rules/value", value, path, "%s", err.text), "%s",
			       "write a number, '8Gi' for bytes or '500m' for cpus");
}

static const struct node_test {
	const char *key;
	enum rule_test test;
	test_loader *load;
} tests[] = {
	{ "matches", TEST_MATCHES, load_matches }, { "is", TEST_NAMES, load_is }, { "exists", TEST_EXISTS, load_exists },
	{ "true", TEST_TRUE, load_yes }, { "false", TEST_FALSE, load_yes }, { "above", TEST_ABOVE, load_amount },
	{ "below", TEST_BELOW, load_amount }, { "zero", TEST_ZERO, load_yes }, { "host", TEST_BITS, load_host },
};

static const struct node_test *find_test(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i].key, key))
			return &tests[i];
	return NULL;
}

static const char *const other_keys[] = { "at", "and", "not", "each" };

static bool is_other_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_keys); i++)
		if (!strcmp(other_keys[i], key))
			return true;
	return false;
}

bool nodes_is_key(const char *key)
{
	return is_other_key(key) || find_test(key);
}

/* ---- paths */

/* "a.b[].c", "*", "prefix*", "\"a.b/c\"": keys joined by dots, each with any number of "[]" behind it. Returns where it is
 * wrong; the length: nowhere. */
static size_t path_mistake(const char *s)
{
	size_t i = 0;

	if (!*s)
		return 0;
	for (;;) {
		size_t key = i;

		if (s[i] == '"') {
			const char *end = strchr(s + i + 1, '"');

			if (!end || end == s + i + 1)
				return i;
			i = (size_t)(end - s) + 1;
		} else {
			i += strcspn(s + i, ".[]\" \t\n");
		}
		if (i == key && !(key == 0 && s[0] == '['))
			return i;
		if (i - key > 1 && memchr(s + key, '*', i - key - 1) && s[key] != '"')
			return key + (size_t)((const char *)memchr(s + key, '*', i - key) - (s + key));
		while (s[i] == '[' && s[i + 1] == ']')
			i += 2;
		if (s[i] != '.')
			return i;
		i++;
	}
}

/* NULL: reported. A leading '/' (of `and` and `not`) is told apart by *ret_from_scope. */
static const char *load_path(struct loader *l, const struct node *node, const char *path, bool *ret_from_scope)
{
	size_t skip = 0, at;

	if (node->kind != NODE_SCALAR || (node_is_null(node) && node->len)) {
		loader_wrong_type(l, node, path, "a path");
		return NULL;
	}
	if (ret_from_scope) {
		*ret_from_scope = node->text[0] == '/';
		skip = *ret_from_scope;
	}
	at = path_mistake(node->text + skip);
	if (node->text[skip + at]) {
		loader_suggest(loader_report_at(l, "rules/value", node, skip + at, 1, path, "this path is wrong here"), "%s",
			       "write keys as in 'a.b[].c', '*' for any key, keys with dots in double quotes");
		return NULL;
	}
	return arena_strndup(l->arena, node->text + skip, node->len - skip);
}

/* ---- a condition: `at` and one test */

static void report_key(struct loader *l, const struct node *key, const char *path, bool nested, enum rule_scope scope)
{
	const char *names[ARRAY_SIZE(tests) + ARRAY_SIZE(other_keys)];
	size_t n = 0;

	if (key->kind != NODE_SCALAR) {
		loader_report(l, "rules/unknown-key", key, path, "this key is %s, keys are text", node_description(key));
		return;
	}
	if (nested && is_other_key(key->text)) {
		loader_report(l, "rules/misplaced-key", key, path, "'%s' stands beside the first 'at' only", key->text);
		return;
	}
	if (!strncmp(key->text, "not_", 4)) {
		loader_suggest(loader_report(l, "rules/misplaced-key", key, path,
					     "'%s' means nothing to a rule that applies to '%s'", key->text,
					     rule_scope_to_string(scope)),
			       "%s", "list what must not hold below 'not'");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		names[n++] = tests[i].key;
	for (size_t i = 0; i < (nested ? 1 : ARRAY_SIZE(other_keys)); i++)
		names[n++] = other_keys[i];
	loader_unknown(l, "rules/unknown-key", key, path, "key", names, n);
}

/* The test that stands in `map`; there must be exactly one. */
static const struct node_test *choose_test(struct loader *l, const struct node *map, const char *path, bool nested,
					   enum rule_scope scope, const struct node **ret_value)
{
	const struct node_test *chosen = NULL;
	bool wrong = false;

	for (size_t i = 0; i < map->len; i++) {
		const struct node *key = map->pairs[i].key;
		const struct node_test *test = key->kind == NODE_SCALAR ? find_test(key->text) : NULL;
		bool other = key->kind == NODE_SCALAR && (nested ? !strcmp(key->text, "at") : is_other_key(key->text));

		if (other)
			continue;
		if (!test) {
			report_key(l, key, path, nested, scope);
			wrong = true;
		} else if (chosen) {
			loader_suggest(loader_report(l, "rules/value", key, path, "two tests beside one 'at': '%s' and '%s'",
						     chosen->key, test->key),
				       "%s", "put the other one below 'and' with an 'at' of its own");
			wrong = true;
		} else {
			chosen = test;
			*ret_value = map->pairs[i].value;
		}
	}
	if (!chosen && !wrong)
		loader_suggest(loader_report(l, "rules/missing-key", map, path, "'%s' has no test", path), "%s",
			       "add one of: matches, is, exists, true, false, above, below, zero, host");
	return wrong ? NULL : chosen;
}

static void load_test(struct loader *l, const struct node *map, const char *path, bool nested, bool negated,
		      struct match_builder *b)
{
	const struct node *at = node_get(map, "at"), *value = NULL;
	const struct node_test *test = choose_test(l, map, path, nested, b->scope, &value);
	autofree char *at_path = xasprintf("%s.at", path);
	struct rule_condition c = { .subject = SUBJECT_NODE, .negated = negated, .pattern = UINT32_MAX };
	bool from_scope = false;

	if (!at)
		loader_report(l, "rules/missing-key", map, path, "'%s' has no 'at'", path);
	else
		c.path = load_path(l, at, at_path, nested ? &from_scope : NULL);
	if (test) {
		autofree char *child = xasprintf("%s.%s", path, test->key);

		c.test = test->test;
		if (node_is_null(value))
			loader_report(l, "rules/value", value, child, "'%s' is empty", child);
		else
			test->load(l, value, child, &c);
	}
	c.each = b->match->each && !from_scope;
	*builder_add(l, b, c.subject, c.test) = c;
}

static void load_more(struct loader *l, const struct node *map, const char *path, const char *key, bool negated,
		      struct match_builder *b)
{
	const struct node *list = node_get(map, key);
	autofree char *child = xasprintf("%s.%s", path, key);

	if (!list)
		return;
	if (list->kind != NODE_SEQUENCE) {
		loader_wrong_type(l, list, child, "a list of 'at' with a test each");
		return;
	}
	for (size_t i = 0; i < list->len; i++) {
		autofree char *item = xasprintf("%s[%zu]", child, i);

		if (list->items[i]->kind != NODE_MAPPING)
			loader_wrong_type(l, list->items[i], item, "a mapping with 'at' and a test");
		else
			load_test(l, list->items[i], item, true, negated, b);
	}
}

void nodes_load(struct loader *l, const struct node *map, const char *path, struct match_builder *b)
{
	const struct node *each = node_get(map, "each");
	autofree char *each_path = xasprintf("%s.each", path);

	if (each)
		b->match->each = load_path(l, each, each_path, NULL);
	load_test(l, map, path, false, false, b);
	load_more(l, map, path, "and", false, b);
	load_more(l, map, path, "not", true, b);
}
