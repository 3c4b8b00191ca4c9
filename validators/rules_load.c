/* SPDX-License-Identifier: Apache-2.0
 * Rule files: the document, its rules and their samples. The order of the work is that of the file; a rule with a mistake is
 * left out, and all mistakes are told. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/utf8.h"
#include "validators/rules_loader.h"

/* ---- findings */

struct finding *loader_report(struct loader *l, const char *rule_id, const struct node *node, const char *path, const char *fmt,
			      ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	return finding_at(l->findings, FINDING_ERROR, rule_id, node, path, "%s", text.buf);
}

struct finding *loader_report_at(struct loader *l, const char *rule_id, const struct node *node, size_t offset, size_t width,
				 const char *path, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding *f;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	f = finding_add(l->findings, FINDING_ERROR, rule_id, node_text_position(l->doc, node, offset), "%s", text.buf);
	f->path = xstrdup(path);
	f->width = (unsigned int)width;
	return f;
}

void loader_suggest(struct finding *f, const char *fmt, const char *text)
{
	if (text && !f->suggestion)
		f->suggestion = xasprintf(fmt, text);
}

void loader_wrong_type(struct loader *l, const struct node *node, const char *path, const char *wanted)
{
	loader_report(l, "rules/type", node, path, "'%s' must be %s, not %s", path, wanted, node_description(node));
}

void loader_unknown(struct loader *l, const char *rule_id, const struct node *node, const char *path, const char *what,
		    const char *const *names, size_t n)
{
	char quoted[UTF8_QUOTE_SIZE];

	loader_suggest(loader_report(l, rule_id, node, path, "unknown %s %s", what, utf8_quote(quoted, node->text, node->len)),
		       "did you mean '%s'?", nearest(node->text, names, n));
}

const char *loader_text(struct loader *l, const struct node *node)
{
	return arena_strndup(l->arena, node->text, node->len);
}

/* ---- one rule */

struct raw_rule {
	const char *id, *title, *message, *help, *suggestion, *cwe, *category;
	int severity, scope;
	bool secret, enabled;
	const struct node *id_node, *cwe_node, *message_node, *match, *samples;
};

static const struct enum_name severities[] = {
	{ "info", SEVERITY_INFO }, { "low", SEVERITY_LOW }, { "medium", SEVERITY_MEDIUM }, { "high", SEVERITY_HIGH },
	{ "critical", SEVERITY_CRITICAL }, { NULL, 0 },
};

static const struct enum_name scopes[] = {
	{ "shell", SCOPE_SHELL }, { "script", SCOPE_SCRIPT }, { "text", SCOPE_TEXT }, { "container", SCOPE_CONTAINER },
	{ "pod", SCOPE_POD }, { "manifest", SCOPE_MANIFEST }, { "api", SCOPE_API }, { "action", SCOPE_ACTION },
	{ "package", SCOPE_PACKAGE }, { NULL, 0 },
};

/* A text that says something. */
static void decode_words(struct decode *d, const struct field *field, const struct node *node, const char *path, void *target)
{
	if (node->kind == NODE_SCALAR && !node->text[strspn(node->text, " \t\n")])
		finding_at(d->findings, FINDING_ERROR, "schema/value", node, path, "'%s' is empty", path);
	else
		decode_text(d, field, node, path, target);
}

#define RULE_FIELD(key_, decoder, member, ...)                                                                                 \
	{                                                                                                                      \
		.key = key_, .decode = decoder, .offset = offsetof(struct raw_rule, member), __VA_ARGS__                       \
	}
static const struct field rule_fields[] = {
	RULE_FIELD("id", decode_node, id_node, .need = FIELD_REQUIRED, .help = "write 'group/name' in lower case"),
	RULE_FIELD("title", decode_words, title, .need = FIELD_REQUIRED, .help = "say in a few words what is wrong"),
	RULE_FIELD("severity", decode_enum, severity, .need = FIELD_REQUIRED, .extra = severities,
		   .help = "write info, low, medium, high or critical"),
	RULE_FIELD("category", decode_words, category, .need = FIELD_REQUIRED, .help = "write a word such as 'destructive-fs'"),
	RULE_FIELD("cwe", decode_node, cwe_node),
	RULE_FIELD("applies_to", decode_enum, scope, .need = FIELD_REQUIRED, .extra = scopes,
		   .help = "write shell, script, text, container, pod, manifest, api, action or package"),
	RULE_FIELD("message", decode_node, message_node),
	RULE_FIELD("help", decode_words, help, .need = FIELD_REQUIRED, .help = "say why it matters: what is lost, to whom"),
	RULE_FIELD("suggestion", decode_words, suggestion, .need = FIELD_REQUIRED, .help = "say what to do instead"),
	RULE_FIELD("match", decode_sequence, match, .need = FIELD_REQUIRED, .help = "list conditions, any of which must hold"),
	RULE_FIELD("samples", decode_mapping, samples, .need = FIELD_REQUIRED,
		   .help = "list texts that must match and texts that must not ('match' and 'no_match')"),
	RULE_FIELD("secret", decode_bool, secret),
	RULE_FIELD("enabled", decode_bool, enabled),
};
static const struct field_table rule_table = FIELD_TABLE(rule_fields);

struct raw_samples {
	const struct node *match, *no_match;
};
static const struct field sample_fields[] = {
	{ .key = "match", .decode = decode_sequence, .offset = offsetof(struct raw_samples, match), .need = FIELD_REQUIRED,
	  .help = "list at least one text that must match" },
	{ .key = "no_match", .decode = decode_sequence, .offset = offsetof(struct raw_samples, no_match), .need = FIELD_REQUIRED,
	  .help = "list at least one text that must not match" },
};
static const struct field_table sample_table = FIELD_TABLE(sample_fields);

/* What schema_decode() says of packages, said of rules: everything is an error. */
static void decode_strictly(struct loader *l, const struct field_table *table, const struct node *map, const char *path,
			    void *target)
{
	static const char *const ids[][2] = {
		{ "schema/unknown-key", "rules/unknown-key" }, { "schema/missing-key", "rules/missing-key" },
		{ "schema/type", "rules/type" }, { "schema/value", "rules/value" },
	};
	static const char ignored[] = " is ignored";
	struct decode d = { .doc = l->doc, .findings = l->findings };
	size_t first = l->findings->len;

	schema_decode(&d, table, map, path, target);
	for (size_t i = first; i < l->findings->len; i++) {
		struct finding *f = &l->findings->items[i];
		size_t len = strlen(f->message);

		f->level = FINDING_ERROR;
		f->severity = SEVERITY_HIGH;
		for (size_t j = 0; j < ARRAY_SIZE(ids); j++)
			if (!strcmp(f->rule_id, ids[j][0]))
				f->rule_id = ids[j][1];
		if (len > strlen(ignored) && !strcmp(f->message + len - strlen(ignored), ignored))
			f->message[len - strlen(ignored)] = '\0';
	}
}

/* "group/name": words of lower-case letters and digits joined by single '-'. */
static bool is_rule_id(const char *s)
{
	unsigned int slashes = 0;
	char last = '/';

	for (; *s; s++) {
		bool joint = *s == '-' || *s == '/';

		if (!joint && !(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9'))
			return false;
		if (joint && (last == '-' || last == '/'))
			return false;
		slashes += *s == '/';
		last = *s;
	}
	return slashes == 1 && last != '-' && last != '/';
}

static void check_id(struct loader *l, const struct node *node, const char *path, struct raw_rule *raw)
{
	static const char *const reserved[] = { "rules/", "scan/", "schema/", "yaml/", "policy/", "finding/", "suppress/" };
	char quoted[UTF8_QUOTE_SIZE];

	if (node->kind != NODE_SCALAR) {
		loader_wrong_type(l, node, path, "text");
		return;
	}
	if (node->len > 80 || !is_rule_id(node->text)) {
		loader_suggest(loader_report(l, "rules/id", node, path, "%s is no id of a rule",
					     utf8_quote(quoted, node->text, node->len)),
			       "%s", "write 'group/name': lower-case letters, digits and single '-', at most 80");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (!strncmp(node->text, reserved[i], strlen(reserved[i]))) {
			loader_report(l, "rules/id", node, path, "ids that begin with '%s' are the scanner's own", reserved[i]);
			return;
		}
	raw->id = loader_text(l, node);
}

static void check_cwe(struct loader *l, const struct node *node, const char *path, struct raw_rule *raw)
{
	if (!node)
		return;
	if (node->kind != NODE_SCALAR || strncmp(node->text, "CWE-", 4) || !node->text[4] || strlen(node->text) > 10 ||
	    strspn(node->text + 4, "0123456789") != strlen(node->text + 4))
		loader_suggest(loader_report(l, "rules/value", node, path, "'cwe' is no number of the CWE list"), "%s",
			       "write it as 'CWE-250'");
	else
		raw->cwe = loader_text(l, node);
}

/* {match} and {command} are filled in; another word in braces would be shown as it is. */
static void check_message(struct loader *l, const struct node *node, const char *path, struct raw_rule *raw)
{
	static const char *const known[] = { "match", "command" };

	if (!node)
		return;
	if (node->kind != NODE_SCALAR || !node->len) {
		loader_wrong_type(l, node, path, "text");
		return;
	}
	for (const char *s = strchr(node->text, '{'); s; s = strchr(s + 1, '{')) {
		size_t n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz_"), i = 0;
		autofree char *word = xstrndup(s + 1, n);

		if (!n || s[1 + n] != '}' || (s > node->text && s[-1] == '$'))
			continue;
		while (i < ARRAY_SIZE(known) && strcmp(known[i], word))
			i++;
		if (i == ARRAY_SIZE(known))
			loader_suggest(loader_report_at(l, "rules/value", node, (size_t)(s - node->text), n + 2, path,
							"'{%s}' stands for nothing in a message", word),
				       "%s", "known are {match} and {command}");
		else if (i == 1 && raw->scope != SCOPE_SHELL)
			loader_report_at(l, "rules/value", node, (size_t)(s - node->text), n + 2, path,
					 "only shell rules have a '{command}'");
	}
	raw->message = loader_text(l, node);
}

static void load_sample_list(struct loader *l, const struct node *list, const char *path, const char *key, struct rule *rule)
{
	struct rule_sample *samples = (struct rule_sample *)rule->samples;
	autofree char *child = xasprintf("%s.%s", path, key);

	if (!list)
		return;		/* reported */
	if (!list->len)
		loader_report(l, "rules/samples", list, child, "'%s' has no sample", child);
	for (size_t i = 0; i < list->len; i++) {
		const struct node *item = list->items[i];

		if (item->kind != NODE_SCALAR || node_is_null(item)) {
			autofree char *at = xasprintf("%s[%zu]", child, i);

			loader_wrong_type(l, item, at,
					  rule->scope < SCOPE_CONTAINER ? "text" : "the YAML of a mapping as text");
			continue;
		}
		samples = arena_append(l->arena, samples, rule->samples_len, sizeof(*samples));
		samples[rule->samples_len++] = (struct rule_sample){
			.must_match = !strcmp(key, "match"), .text = loader_text(l, item), .line = item->start.line,
		};
	}
	rule->samples = samples;
}

static void load_samples(struct loader *l, const struct node *node, const char *path, struct rule *rule)
{
	autofree char *child = xasprintf("%s.samples", path);
	struct raw_samples raw = { 0 };

	decode_strictly(l, &sample_table, node, child, &raw);
	load_sample_list(l, raw.match, child, "match", rule);
	load_sample_list(l, raw.no_match, child, "no_match", rule);
}

/* ---- the set */

/* The tables of the build become the set's own copy, to which can be added. */
static void make_own(struct rule_set *set)
{
	struct rules_owned *owned = set->owned;
	const struct rule_tables *tables;

	if (!owned)
		set->owned = owned = xcalloc(1, sizeof(*owned));
	tables = owned->tables;
	if (!tables)
		return;
	for (size_t i = 0; i < tables->len; i++) {
		owned->rules = arena_append(&owned->arena, owned->rules, i, sizeof(*owned->rules));
		owned->units = arena_append(&owned->arena, owned->units, i, sizeof(*owned->units));
		owned->rules[i] = *rules_at(set, i);
	}
	set->rules = owned->rules;
	owned->tables = NULL;
	for (size_t i = 0; i < tables->macros_len; i++) {
		struct macro_table *macros = &owned->macros;

		macros->items = arena_append(&owned->arena, macros->items, macros->len, sizeof(*macros->items));
		macros->items[macros->len++] = (struct macro){
			.name = tables->texts + tables->macros[i].name, .text = tables->texts + tables->macros[i].text,
			.state = MACRO_READY,
		};
	}
}

/* Takes the place of the rule with its id, or the next one. */
static void add_rule(struct loader *l, const struct rule *rule, const struct node *node, const char *path)
{
	struct rules_owned *owned = l->owned;
	const struct rule *old = rules_find(l->set, rule->id);
	size_t i = old ? (size_t)(old - l->set->rules) : l->set->len;

	if (old && owned->units[i] == owned->unit) {
		loader_report(l, "rules/duplicate-id", node, path, "there is a rule '%s' already, at %s:%u", rule->id,
			      old->file, old->line);
		return;
	}
	if (!old) {
		owned->rules = arena_append(l->arena, owned->rules, i, sizeof(*owned->rules));
		owned->units = arena_append(l->arena, owned->units, i, sizeof(*owned->units));
		l->set->rules = owned->rules;
		l->set->len++;
	}
	owned->rules[i] = *rule;
	owned->units[i] = owned->unit;
}

/* "id" and "enabled: false" alone switch a rule off that is known already. */
static bool is_switch(const struct node *map)
{
	const struct node *enabled = node_get(map, "enabled");
	bool value = true;

	return map->kind == NODE_MAPPING && map->len == 2 && node_get(map, "id") && enabled && node_is_bool(enabled, &value) &&
	       !value;
}

static void switch_off(struct loader *l, const struct node *map, const char *path)
{
	const struct node *id = node_get(map, "id");
	autofree const char **names = xcalloc(l->set->len + 1, sizeof(*names));
	autofree char *child = xasprintf("%s.id", path);
	const struct rule *known;
	struct rule rule;

	if (id->kind != NODE_SCALAR) {
		loader_wrong_type(l, id, child, "text");
		return;
	}
	known = rules_find(l->set, id->text);
	if (!known) {
		for (size_t i = 0; i < l->set->len; i++)
			names[i] = rules_id(l->set, i);
		loader_unknown(l, "rules/unknown-rule", id, child, "rule", names, l->set->len);
		return;
	}
	rule = *known;
	rule.disabled = true;
	add_rule(l, &rule, id, child);
}

static void load_rule(struct loader *l, const struct node *map, const char *path)
{
	struct raw_rule raw = { .enabled = true, .severity = -1, .scope = -1 };
	size_t before = finding_count(l->findings, FINDING_ERROR);
	autofree char *id_path = xasprintf("%s.id", path);
	autofree char *cwe_path = xasprintf("%s.cwe", path);
	autofree char *message_path = xasprintf("%s.message", path);
	autofree char *match_path = xasprintf("%s.match", path);
	struct rule rule = { .file = l->file, .line = map->start.line };

	if (is_switch(map)) {
		switch_off(l, map, path);
		return;
	}
	decode_strictly(l, &rule_table, map, path, &raw);
	if (raw.id_node)
		check_id(l, raw.id_node, id_path, &raw);
	check_cwe(l, raw.cwe_node, cwe_path, &raw);
	check_message(l, raw.message_node, message_path, &raw);
	rule.scope = raw.scope < 0 ? SCOPE_SHELL : (enum rule_scope)raw.scope;
	if (raw.match && raw.scope >= 0)
		conditions_load(l, raw.match, match_path, &rule);
	if (raw.samples)
		load_samples(l, raw.samples, path, &rule);
	if (finding_count(l->findings, FINDING_ERROR) != before)
		return;
	rule.id = raw.id;
	rule.severity = (enum severity)raw.severity;
	rule.cwe = raw.cwe;
	rule.message = raw.message;
	rule.secret = raw.secret;
	rule.disabled = !raw.enabled;
	rule.title = arena_strndup(l->arena, raw.title, strlen(raw.title));
	rule.help = arena_strndup(l->arena, raw.help, strlen(raw.help));
	rule.suggestion = arena_strndup(l->arena, raw.suggestion, strlen(raw.suggestion));
	rule.category = arena_strndup(l->arena, raw.category, strlen(raw.category));
	add_rule(l, &rule, raw.id_node, id_path);
}

/* ---- one document */

static void load_rules(struct loader *l, const struct node *list)
{
	if (list->kind != NODE_SEQUENCE) {
		loader_wrong_type(l, list, "rules", "a list");
		return;
	}
	for (size_t i = 0; i < list->len; i++) {
		autofree char *path = xasprintf("rules[%zu]", i);

		if (l->set->len >= RULES_MAX) {
			loader_report(l, "rules/limit", list->items[i], path, "more than %d rules", RULES_MAX);
			return;
		}
		load_rule(l, list->items[i], path);
	}
}

struct raw_file {
	const struct node *define, *rules;
};
static const struct field file_fields[] = {
	{ .key = "define", .decode = decode_node, .offset = offsetof(struct raw_file, define) },
	{ .key = "rules", .decode = decode_node, .offset = offsetof(struct raw_file, rules) },
};
static const struct field_table file_table = FIELD_TABLE(file_fields);

static bool is_macro_file(const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash ? slash + 1 : name;
	return !strcmp(name, "_macros.yaml") || !strcmp(name, "_macros.yml");
}

void rules_load_more(struct rule_set *set, const struct document *doc, struct finding_list *findings)
{
	struct rules_owned *owned = set->owned;
	struct loader l = { .set = set, .owned = owned, .arena = &owned->arena, .doc = doc, .findings = findings };
	struct raw_file raw = { 0 };

	for (size_t i = 0; i < doc->problems_len; i++)
		finding_add(findings, FINDING_ERROR, "rules/yaml", doc->problems[i].position, "%s", doc->problems[i].message);
	if (!doc->root) {
		if (!doc->problems_len)
			finding_add(findings, FINDING_ERROR, "rules/empty", (struct position){ 0 },
				    "there is nothing in this file");
		return;
	}
	l.file = arena_strndup(l.arena, doc->name, strlen(doc->name));
	if (doc->root->kind != NODE_MAPPING) {
		loader_suggest(loader_report(&l, "rules/type", doc->root, NULL, "a rule file must be a mapping, not %s",
					     node_description(doc->root)),
			       "%s", "begin with 'rules:' and a list of rules");
		return;
	}
	decode_strictly(&l, &file_table, doc->root, "", &raw);
	if (!raw.define && !raw.rules)
		loader_report(&l, "rules/missing-key", doc->root, NULL, "there are no 'rules' in this file");
	if (raw.define)
		macros_define(&l, raw.define, "define", is_macro_file(doc->name));
	if (raw.rules)
		load_rules(&l, raw.rules);
}

void rules_begin(struct rule_set *set)
{
	make_own(set);
	((struct rules_owned *)set->owned)->unit++;
}

void rules_load(struct rule_set *set, const struct document *doc, struct finding_list *findings)
{
	rules_begin(set);
	rules_load_more(set, doc, findings);
}

/* ---- folders */

static int is_rule_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && entry->d_name[0] != '.' && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	int first = is_macro_file((*b)->d_name) - is_macro_file((*a)->d_name);

	return first ? first : strcmp((*a)->d_name, (*b)->d_name);
}

int rules_folder_files(const char *folder, struct strvec *ret, struct error *err)
{
	size_t len = strlen(folder);
	struct dirent **entries;
	int n = scandir(folder, &entries, is_rule_file, compare_names);

	if (n < 0)
		return error_sys(err, ERR_INVALID_INPUT, "reading the rules in '%s'", folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	for (int i = 0; i < n; i++) {
		strvec_pushf(ret, "%.*s/%s", (int)len, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (n > RULES_MAX_FILES)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has more than %d rule files", folder, RULES_MAX_FILES);
	return 0;
}

int rules_read_file(const char *path, struct document **ret, struct error *err)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(yaml_default_limits.max_bytes);

	if (file_read(path, &bytes, err) < 0)
		return -1;
	return document_parse(bytes.buf, bytes.len, path, &yaml_default_limits, ret, err);
}

int rules_load_folder(struct rule_set *set, const char *folder, struct finding_list *findings, struct error *err)
{
	autostrvec struct strvec files = STRVEC_INIT;
	struct rules_owned *owned;
	size_t before = findings->len;

	if (rules_folder_files(folder, &files, err) < 0)
		return -1;
	if (!files.len)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has no rule files (*.yaml, *.yml)", folder);
	rules_begin(set);
	owned = set->owned;
	for (size_t i = 0; i < files.len && findings->len == before; i++) {
		struct document *doc = NULL;
		struct error why = { 0 };

		findings->file = arena_strndup(&owned->arena, files.items[i], strlen(files.items[i]));
		if (rules_read_file(files.items[i], &doc, &why) < 0) {
			finding_add(findings, FINDING_ERROR, "rules/unreadable", (struct position){ 0 }, "%s", why.text);
			break;
		}
		rules_load_more(set, doc, findings);
		finding_sort(findings);
		finding_keep_lines(findings, doc);
		document_free(doc);
	}
	return 0;
}
