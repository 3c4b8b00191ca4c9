/* SPDX-License-Identifier: Apache-2.0
 * rules: what the scanner looks for, as data. The format of rule files is documented in validators/rules/README.md.
 *
 * The rules of validators/rules/ are checked, run against their samples and turned into static tables by the build
 * (validators/rules_embed.c), so that starting costs nothing; those of --rules DIR are read by the same loader. A rule set is
 * read-only once made, except that built-in rules are unpacked when they are asked for (rules_at()) and patterns compiled at first
 * use (struct rule_condition.pattern). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/json.h"
#include "runner/base/yaml.h"
#include "validators/finding.h"
#include "validators/pattern.h"

/* What a rule looks at; each scope has its own conditions. */
enum rule_scope {
	SCOPE_SHELL,		/* every normalised command of shell text: validators/shell/analysis.h */
	SCOPE_SCRIPT,		/* the text of a script as written */
	SCOPE_TEXT,		/* every scalar value below spec and metadata, as decoded; keys are not looked at */
	SCOPE_CONTAINER,	/* a mapping that is a container: a container step, containers of pod specs wherever they nest */
	SCOPE_POD,		/* a mapping that is a pod spec */
	SCOPE_MANIFEST,		/* a mapping with apiVersion and kind: kubernetes steps, items of a List */
	SCOPE_API,		/* config of an api handler */
	SCOPE_ACTION,		/* config of a k8s handler */
	SCOPE_PACKAGE,		/* the root of the document */
};

enum rule_subject {
	/* shell */
	SUBJECT_COMMAND,	/* name; exact names are in rule_match.commands, this is for `command_matches` */
	SUBJECT_ARGS,		/* argv[1..], one line an argument (newlines inside an argument are blanks); -abc also as lines -a, -b, -c after it */
	SUBJECT_LINE,		/* the command as one line: shell_command_text() */
	SUBJECT_CODE, SUBJECT_INPUT,	/* text of code given to an interpreter; of standard input */
	SUBJECT_ASSIGNMENTS,	/* NAME=value, one a line */
	SUBJECT_READS, SUBJECT_WRITES /* appends too */, SUBJECT_APPENDS, SUBJECT_DELETES, SUBJECT_EXECUTES, SUBJECT_MODES, SUBJECT_MOVES,
	SUBJECT_LINKS,		/* paths of effects, each matched on its own */
	SUBJECT_HOST,		/* classes (bits of 1 << enum host_class) of hosts in arguments, redirections to /dev/tcp, URLs */
	SUBJECT_CODE_FROM, SUBJECT_INPUT_FROM, SUBJECT_DATA_FROM /* any argument or input */, SUBJECT_NAME_FROM,	/* origin bits */
	SUBJECT_TRAITS,		/* trait bits: any of them */
	SUBJECT_PIPED_FROM,	/* name of a command before it in its pipeline: exact names */
	/* every structural scope */
	SUBJECT_NODE,		/* the nodes at `path` */
	/* script, text */
	SUBJECT_TEXT,
	SUBJECT_KEY,		/* text: the key of the mapping that holds the scalar ("" in a list) */
};

enum rule_test {
	TEST_MATCHES,		/* pattern */
	TEST_EXISTS,		/* there and not null */
	TEST_TRUE, TEST_FALSE,	/* booleans as Kubernetes reads them, also in quotes */
	TEST_ABOVE, TEST_BELOW,	/* a quantity or number: `number` in thousandths for cpu, else plain; unit by `unit` */
	TEST_BITS,		/* any of `bits`: origins, traits, host classes (of the URL or host in a node) */
	TEST_NAMES,		/* one of `names` */
	TEST_ZERO,		/* 0 as a number or text */
};

struct pattern_needs;
struct rule_condition {
	enum rule_subject subject;
	enum rule_test test;
	bool negated;		/* must not hold (for paths: at no node; for effects: for none) */
	bool recursive;		/* of effects: only recursive ones count */
	bool each;		/* structural: is tried relative to the item of `each`, else to the scope's node */
	const char *path;	/* SUBJECT_NODE: "a.b[].c", "a.*.c" (any key), a."x.y/z*".c (a key with dots, by prefix), "**" not; "" the node itself */
	const char *text;	/* the pattern's source, macros expanded; NULL */
	const struct pattern_needs *needs;	/* what every match of `text` holds (scan_required.h), worked out by the build */
	uint32_t pattern;	/* index into rule_set.patterns; UINT32_MAX: none */
	const char *const *names;	/* NULL-terminated */
	uint64_t bits;
	uint64_t number;
	char unit;		/* 'c' cpu in thousandths, 'b' bytes, 'n' number */
};

/* All that is stated must hold. The place of the finding is what the first condition (not negated) with a span matched. */
struct rule_match {
	const char *const *commands;	/* shell: any of these names ("python*" by prefix); NULL: any command. NULL-terminated */
	const char *each;		/* structural: try it for each node at this path; NULL: once for the scope's node */
	const struct rule_condition *conditions;
	size_t conditions_len;
	const char *const *keywords;	/* text, script: one of these must stand in the text (ASCII case does not matter) before any
					 * pattern is tried; may be NULL beside a `key` */
};

struct rule_sample {
	bool must_match;
	const char *text;	/* shell, script, text: the text; others: YAML of the mapping */
	uint32_t line;		/* of the rule file */
};

struct rule {
	const char *id;			/* "shell/recursive-delete": lower case, one slash */
	const char *title;		/* what is wrong, in a few words, no full stop */
	const char *message;		/* one sentence for the finding, "{match}" stands for the matched text, "{command}" for the command's name; NULL: title */
	const char *help;		/* why it matters; several sentences, Markdown allowed */
	const char *suggestion;		/* what to do instead */
	const char *cwe;		/* "CWE-250"; NULL */
	const char *category;		/* "destructive-fs" …: for tables and SARIF tags */
	enum severity severity;
	enum rule_scope scope;
	bool secret;			/* the matched text is a secret: never shown */
	bool disabled;			/* by `enabled: false` of a user's file with the same id */
	const struct rule_match *matches;	/* any of them */
	size_t matches_len;
	const struct rule_sample *samples;
	size_t samples_len;
	const char *file;		/* "validators/rules/destructive.yaml" or the user's */
	uint32_t line;
};

struct rule_set {
	const struct rule *rules;	/* NULL: built-in ones; ask rules_at() */
	size_t len;
	struct pattern **patterns;	/* made lazily by rule_pattern() */
	size_t patterns_len;
	void *owned;			/* private: arena of loaded rules */
};

enum rule_pack { RULES_DEFAULT, RULES_REGISTRY_COMPAT };

/* The built-in rules. Costs no parsing. Free it. */
struct rule_set *rules_builtin(enum rule_pack pack);

/* Every *.yaml and *.yml in a folder (not below), _macros.yaml first, then in order of names, added to `set`; a rule with a known
 * id replaces it. What is wrong with a file are findings (rule ids "rules/…"), each at its place, with their lines kept; the first wrong
 * file is the last one, and findings->file (in the set's memory) names it. -1 only when the folder cannot be read. */
int rules_load_folder(struct rule_set *set, const char *folder, struct finding_list *findings, struct error *err);
/* One document. `doc` may be freed afterwards. */
void rules_load(struct rule_set *set, const struct document *doc, struct finding_list *findings);
void rules_free(struct rule_set *set);

/* The rule with a number below `len`; the same address each time. */
const struct rule *rules_at(const struct rule_set *set, size_t i);
const char *rules_id(const struct rule_set *set, size_t i);	/* its id, without unpacking it */
const struct rule *rules_find(const struct rule_set *set, const char *id);
/* The compiled pattern of a condition. */
struct pattern *rule_pattern(const struct rule_set *set, const struct rule_condition *c);

const char *rule_scope_to_string(enum rule_scope scope);
json_t *rule_to_json(const struct rule *rule);	/* everything but samples */
/* sha256 over ids and contents, for results: which rules judged. */
void rules_digest(const struct rule_set *set, char hex[65]);
