/* SPDX-License-Identifier: Apache-2.0
 * Conditions of rules: what stands below `match`. One row of `condition_keys` names a key of the scopes shell, script and text,
 * in which of them it means something, and what it becomes; those of the structural scopes are in rules_load_nodes.c. */
#include <string.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "validators/rules_loader.h"
#include "validators/scan_required.h"
#include "validators/shell/analysis.h"

/* ---- words */

const struct bit_name rule_host_bits[] = {
	{ "external", 1 << HOST_EXTERNAL }, { "own", 1 << HOST_OWN }, { "loopback", 1 << HOST_LOOPBACK },
	{ "metadata", 1 << HOST_METADATA }, { "unknown", 1 << HOST_UNKNOWN }, { NULL, 0 },
};

const struct bit_name rule_origin_bits[] = {
	{ "network", ORIGIN_NETWORK_EXTERNAL }, { "network-own", ORIGIN_NETWORK_OWN }, { "decoded", ORIGIN_DECODED },
	{ "secret", ORIGIN_SECRET }, { "environment", ORIGIN_ENVIRONMENT }, { "file", ORIGIN_FILE },
	{ "command", ORIGIN_COMMAND }, { "input", ORIGIN_INPUT }, { "assembled", ORIGIN_ASSEMBLED },
	{ "literal", ORIGIN_LITERAL }, { NULL, 0 },
};

const struct bit_name rule_trait_bits[] = {
	{ "background", TRAIT_BACKGROUND }, { "loop", TRAIT_LOOP }, { "endless", TRAIT_ENDLESS },
	{ "fork-bomb", TRAIT_FORK_BOMB }, { "nested", TRAIT_NESTED }, { "decoded", TRAIT_DECODED },
	{ "obfuscated", TRAIT_OBFUSCATED }, { "unknown-name", TRAIT_UNKNOWN_NAME }, { "function", TRAIT_FUNCTION },
	{ "negated", TRAIT_NEGATED }, { "test", TRAIT_TEST }, { "remote", TRAIT_REMOTE },
	{ "interpreter", TRAIT_INTERPRETER }, { "dry", TRAIT_DRY }, { "privileged", TRAIT_PRIVILEGED }, { NULL, 0 },
};

#define WORDS_MAX 32	/* rows of the longest of these tables */

static uint64_t one_bit(struct loader *l, const struct node *node, const char *path, const char *what,
			const struct bit_name *names)
{
	const char *known[WORDS_MAX];
	size_t n = 0;

	if (node->kind != NODE_SCALAR) {
		loader_wrong_type(l, node, path, "a word");
		return 0;
	}
	for (; names[n].name; n++) {
		if (!strcmp(names[n].name, node->text))
			return names[n].bit;
		known[n] = names[n].name;
	}
	loader_unknown(l, "rules/value", node, path, what, known, n);
	return 0;
}

uint64_t loader_bits(struct loader *l, const struct node *node, const char *path, const char *what,
		     const struct bit_name *names)
{
	uint64_t bits = 0;

	if (node->kind != NODE_SEQUENCE)
		return one_bit(l, node, path, what, names);
	if (!node->len)
		loader_report(l, "rules/value", node, path, "'%s' is empty", path);
	for (size_t i = 0; i < node->len; i++) {
		autofree char *child = xasprintf("%s[%zu]", path, i);

		bits |= one_bit(l, node->items[i], child, what, names);
	}
	return bits;
}

static const char *one_name(struct loader *l, const struct node *node, const char *path)
{
	if (node->kind == NODE_SCALAR && (node->len || node->style != STYLE_PLAIN))
		return loader_text(l, node);
	loader_wrong_type(l, node, path, "text");
	return NULL;
}

const char *const *loader_names(struct loader *l, const struct node *node, const char *path)
{
	size_t n = node->kind == NODE_SEQUENCE ? node->len : 1;
	const char **names;

	if (!n) {
		loader_report(l, "rules/value", node, path, "'%s' is empty", path);
		return NULL;
	}
	names = arena_alloc(l->arena, (n + 1) * sizeof(*names));
	if (node->kind != NODE_SEQUENCE) {
		names[0] = one_name(l, node, path);
		return names[0] ? names : NULL;
	}
	for (size_t i = 0; i < n; i++) {
		autofree char *child = xasprintf("%s[%zu]", path, i);

		names[i] = one_name(l, node->items[i], child);
		if (!names[i])
			return NULL;
	}
	return names;
}

/* ---- conditions */

struct rule_condition *builder_add(struct loader *l, struct match_builder *b, enum rule_subject subject, enum rule_test test)
{
	b->conditions = arena_append(l->arena, b->conditions, b->len, sizeof(*b->conditions));
	b->conditions[b->len] = (struct rule_condition){ .subject = subject, .test = test, .pattern = UINT32_MAX };
	return &b->conditions[b->len++];
}

enum key_kind {
	KEY_PATTERN, KEY_COMMAND, KEY_NAMES, KEY_BITS, KEY_RECURSIVE, KEY_KEYWORDS,
};
enum { IN_SHELL = 1 << SCOPE_SHELL, IN_SCRIPT = 1 << SCOPE_SCRIPT, IN_TEXT = 1 << SCOPE_TEXT };

#define KEY(key_, scopes_, kind_, subject_, ...)                                                                               \
	{                                                                                                                      \
		.key = key_, .scopes = scopes_, .kind = kind_, .subject = subject_, __VA_ARGS__                                \
	}
static const struct condition_key {
	const char *key;
	unsigned int scopes;
	enum key_kind kind;
	enum rule_subject subject;
	bool effect;
	bool always_there;	/* a pattern that matches everything says nothing: the subject exists for every command or text */
	const struct bit_name *bits;
	const char *what;	/* such a bit is */
} condition_keys[] = {
	KEY("command", IN_SHELL, KEY_COMMAND, SUBJECT_COMMAND),
	KEY("command_matches", IN_SHELL, KEY_PATTERN, SUBJECT_COMMAND, .always_there = true),
	KEY("args", IN_SHELL, KEY_PATTERN, SUBJECT_ARGS, .always_there = true),
	KEY("line", IN_SHELL, KEY_PATTERN, SUBJECT_LINE, .always_there = true),
	KEY("code", IN_SHELL, KEY_PATTERN, SUBJECT_CODE),
	KEY("input", IN_SHELL, KEY_PATTERN, SUBJECT_INPUT),
	KEY("assigns", IN_SHELL, KEY_PATTERN, SUBJECT_ASSIGNMENTS),
	KEY("reads", IN_SHELL, KEY_PATTERN, SUBJECT_READS, .effect = true),
	KEY("writes", IN_SHELL, KEY_PATTERN, SUBJECT_WRITES, .effect = true),
	KEY("appends", IN_SHELL, KEY_PATTERN, SUBJECT_APPENDS, .effect = true),
	KEY("deletes", IN_SHELL, KEY_PATTERN, SUBJECT_DELETES, .effect = true),
	KEY("executes", IN_SHELL, KEY_PATTERN, SUBJECT_EXECUTES, .effect = true),
	KEY("modes", IN_SHELL, KEY_PATTERN, SUBJECT_MODES, .effect = true),
	KEY("moves", IN_SHELL, KEY_PATTERN, SUBJECT_MOVES, .effect = true),
	KEY("links", IN_SHELL, KEY_PATTERN, SUBJECT_LINKS, .effect = true),
	KEY("recursive", IN_SHELL, KEY_RECURSIVE, SUBJECT_COMMAND),
	KEY("host", IN_SHELL, KEY_BITS, SUBJECT_HOST, .bits = rule_host_bits, .what = "kind of host"),
	KEY("code_from", IN_SHELL, KEY_BITS, SUBJECT_CODE_FROM, .bits = rule_origin_bits, .what = "origin"),
	KEY("input_from", IN_SHELL, KEY_BITS, SUBJECT_INPUT_FROM, .bits = rule_origin_bits, .what = "origin"),
	KEY("data_from", IN_SHELL, KEY_BITS, SUBJECT_DATA_FROM, .bits = rule_origin_bits, .what = "origin"),
	KEY("name_from", IN_SHELL, KEY_BITS, SUBJECT_NAME_FROM, .bits = rule_origin_bits, .what = "origin"),
	KEY("traits", IN_SHELL, KEY_BITS, SUBJECT_TRAITS, .bits = rule_trait_bits, .what = "trait"),
	KEY("also_traits", IN_SHELL, KEY_BITS, SUBJECT_TRAITS, .bits = rule_trait_bits, .what = "trait"),
	KEY("piped_from", IN_SHELL, KEY_NAMES, SUBJECT_PIPED_FROM),
	KEY("matches", IN_SCRIPT | IN_TEXT, KEY_PATTERN, SUBJECT_TEXT, .always_there = true),
	KEY("key", IN_TEXT, KEY_PATTERN, SUBJECT_KEY, .always_there = true),
	KEY("keywords", IN_SCRIPT | IN_TEXT, KEY_KEYWORDS, SUBJECT_TEXT),
};

static const struct condition_key *find_key(const char *key, bool *ret_negated)
{
	*ret_negated = !strncmp(key, "not_", 4);
	for (size_t i = 0; i < ARRAY_SIZE(condition_keys); i++) {
		const struct condition_key *row = &condition_keys[i];

		if (!strcmp(row->key, key + (*ret_negated ? 4 : 0)))
			return *ret_negated && (row->kind == KEY_RECURSIVE || row->kind == KEY_KEYWORDS) ? NULL : row;
	}
	return NULL;
}

/* Does it match everything, as far as two texts tell? Then it says nothing, or with not_ can never hold. What looks ahead or
 * behind for what must not be there says something. */
static bool matches_everything(struct pattern *p, const char *text)
{
	static const char odd[] = "\x01";

	return !strstr(text, "(?!") && !strstr(text, "(?<!") && pattern_match(p, "", 0, 0, NULL) == PATTERN_YES &&
	       pattern_match(p, odd, 1, 0, NULL) == PATTERN_YES;
}

static void load_pattern(struct loader *l, const struct condition_key *row, bool negated, const struct node *node,
			 const char *path, struct match_builder *b)
{
	struct rule_condition *c;
	const char *text;
	uint32_t index;

	text = macros_pattern(l, node, path, &index);
	if (!text)
		return;
	if (row->always_there && matches_everything(l->set->patterns[index], text)) {
		loader_suggest(loader_report(l, "rules/pattern", node, path,
					     negated ? "this pattern matches everything, so the condition never holds"
						     : "this pattern matches everything, so the condition always holds"),
			       "%s", "it matches the empty text; begin with '^', or use '+' for '*'");
		return;
	}
	c = builder_add(l, b, row->subject, TEST_MATCHES);
	c->negated = negated;
	c->text = text;
	c->needs = pattern_needs(l->arena, text);
	c->pattern = index;
	b->has_effect |= row->effect;
	b->has_text |= row->subject == SUBJECT_TEXT && !negated;
}

static void load_patterns(struct loader *l, const struct condition_key *row, bool negated, const struct node *node,
			  const char *path, struct match_builder *b)
{
	if (node->kind != NODE_SEQUENCE) {
		load_pattern(l, row, negated, node, path, b);
		return;
	}
	if (!node->len)
		loader_report(l, "rules/value", node, path, "'%s' is empty", path);
	for (size_t i = 0; i < node->len; i++) {
		autofree char *child = xasprintf("%s[%zu]", path, i);

		load_pattern(l, row, negated, node->items[i], child, b);
	}
}

static void load_names(struct loader *l, const struct condition_key *row, bool negated, const struct node *node,
		       const char *path, struct match_builder *b)
{
	const char *const *names = loader_names(l, node, path);
	struct rule_condition *c;

	for (size_t i = 0; names && names[i]; i++) {
		const char *star = strchr(names[i], '*');

		/* "" are commands without a name: redirections and assignments alone */
		if (!strpbrk(names[i], "/ \t\n") && (!star || (!star[1] && star > names[i])))
			continue;
		loader_suggest(loader_report(l, "rules/value", node->kind == NODE_SEQUENCE ? node->items[i] : node, path,
					     "this is no name of a command"),
			       "%s", "write base names, a '*' only at the end; patterns go to 'command_matches'");
	}
	if (!names)
		return;
	if (row->kind == KEY_COMMAND && !negated) {
		b->match->commands = names;
		return;
	}
	c = builder_add(l, b, row->subject, TEST_NAMES);
	c->negated = negated;
	c->names = names;
}

/* In lower case, as they are looked for without regard to it. */
static void load_keywords(struct loader *l, const struct node *node, const char *path, struct match_builder *b)
{
	const char *const *names = loader_names(l, node, path);

	for (size_t i = 0; names && names[i]; i++) {
		char *s = (char *)names[i];	/* the set's own copy */

		if (!s[0] || (!s[1] && s[0] >= ' ' && s[0] < 0x7f))	/* control characters are rare enough */
			loader_report(l, "rules/value", node->kind == NODE_SEQUENCE ? node->items[i] : node, path,
				      "a keyword needs two characters or more, or it stands in every text");
		for (; *s; s++)
			*s = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
	}
	b->match->keywords = names;
}

static void load_recursive(struct loader *l, const struct node_pair *pair, const char *path, struct match_builder *b)
{
	bool value;

	if (!node_is_bool(pair->value, &value))
		loader_wrong_type(l, pair->value, path, "true or false");
	else if (value)
		b->recursive = pair->key;
}

static void load_condition(struct loader *l, const struct condition_key *row, bool negated, const struct node_pair *pair,
			   const char *path, struct match_builder *b)
{
	struct rule_condition *c;
	uint64_t bits;

	switch (row->kind) {
	case KEY_PATTERN:
		load_patterns(l, row, negated, pair->value, path, b);
		return;
	case KEY_COMMAND:
	case KEY_NAMES:
		load_names(l, row, negated, pair->value, path, b);
		return;
	case KEY_BITS:
		bits = loader_bits(l, pair->value, path, row->what, row->bits);
		if (!bits)
			return;
		c = builder_add(l, b, row->subject, TEST_BITS);
		c->negated = negated;
		c->bits = bits;
		return;
	case KEY_RECURSIVE:
		load_recursive(l, pair, path, b);
		return;
	case KEY_KEYWORDS:
		load_keywords(l, pair->value, path, b);
		return;
	}
}

/* Nothing of this scope; of another one? */
static void report_key(struct loader *l, const struct node *key, const char *path, enum rule_scope scope)
{
	const char *names[ARRAY_SIZE(condition_keys)];
	const struct condition_key *row;
	bool negated;

	if (key->kind != NODE_SCALAR) {
		loader_report(l, "rules/unknown-key", key, path, "this key is %s, keys are text", node_description(key));
		return;
	}
	row = find_key(key->text, &negated);
	if (row || nodes_is_key(key->text)) {
		loader_suggest(loader_report(l, "rules/misplaced-key", key, path,
					     "'%s' means nothing to a rule that applies to '%s'", key->text,
					     rule_scope_to_string(scope)),
			       "it belongs to %s",
			       !row			 ? "rules on mappings: container, pod, manifest, api, action, package"
			       : row->scopes & IN_SHELL	 ? "'shell'"
			       : row->scopes & IN_SCRIPT ? "'script' and 'text'"
							 : "'text'");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(condition_keys); i++)
		names[i] = condition_keys[i].scopes & 1u << scope ? condition_keys[i].key : NULL;
	loader_unknown(l, "rules/unknown-key", key, path, "key", names, ARRAY_SIZE(names));
}

static void load_flat(struct loader *l, const struct node *map, const char *path, struct match_builder *b)
{
	for (size_t i = 0; i < map->len; i++) {
		const struct node_pair *pair = &map->pairs[i];
		autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);
		const struct condition_key *row = NULL;
		bool negated = false;

		strbuf_addstr(&child, path);
		if (pair->key->kind == NODE_SCALAR) {
			path_add_key(&child, pair->key->text, pair->key->len);
			row = find_key(pair->key->text, &negated);
		}
		if (!row || !(row->scopes & 1u << b->scope))
			report_key(l, pair->key, child.buf, b->scope);
		else if (node_is_null(pair->value))
			loader_report(l, "rules/value", pair->value, child.buf, "'%s' is empty", child.buf);
		else
			load_condition(l, row, negated, pair, child.buf, b);
	}
}

/* What only the whole of a match tells. */
static void check_match(struct loader *l, const struct node *map, const char *path, struct match_builder *b,
			bool said_something)
{
	const bool text = b->scope == SCOPE_SCRIPT || b->scope == SCOPE_TEXT;

	if (b->recursive && !b->has_effect)
		loader_report(l, "rules/value", b->recursive, path,
			      "'recursive' needs a path: reads, writes, deletes, modes …");
	for (size_t i = 0; b->recursive && i < b->len; i++)
		if (b->conditions[i].subject >= SUBJECT_READS && b->conditions[i].subject <= SUBJECT_LINKS)
			b->conditions[i].recursive = true;
	if (said_something)
		return;
	if (text && !b->has_text && !node_get(map, "key"))
		loader_report(l, "rules/missing-key", map, path, "'%s' has no 'matches'", path);
	else if (text && !b->match->keywords && !node_get(map, "key"))
		loader_suggest(loader_report(l, "rules/missing-key", map, path, "'%s' has no 'keywords'", path), "%s",
			       "list words of which one stands in every text that can match");
	else if (b->scope == SCOPE_SHELL && !b->len && !b->match->commands)
		loader_report(l, "rules/missing-key", map, path, "'%s' has no condition", path);
}

static void load_match(struct loader *l, const struct node *map, const char *path, enum rule_scope scope,
		       struct rule_match *match)
{
	struct match_builder b = { .match = match, .scope = scope };
	size_t before = finding_count(l->findings, FINDING_ERROR);

	if (map->kind != NODE_MAPPING) {
		loader_wrong_type(l, map, path, "a mapping of conditions");
		return;
	}
	if (scope >= SCOPE_CONTAINER)
		nodes_load(l, map, path, &b);
	else
		load_flat(l, map, path, &b);
	check_match(l, map, path, &b, finding_count(l->findings, FINDING_ERROR) != before);
	match->conditions = b.conditions;
	match->conditions_len = b.len;
}

void conditions_load(struct loader *l, const struct node *node, const char *path, struct rule *rule)
{
	struct rule_match *matches;

	if (!node->len) {
		loader_report(l, "rules/value", node, path, "'%s' is empty", path);
		return;
	}
	matches = arena_alloc(l->arena, node->len * sizeof(*matches));
	for (size_t i = 0; i < node->len; i++) {
		autofree char *child = xasprintf("%s[%zu]", path, i);

		load_match(l, node->items[i], child, rule->scope, &matches[i]);
	}
	rule->matches = matches;
	rule->matches_len = node->len;
}
