/* SPDX-License-Identifier: Apache-2.0
 * finding: something to tell the author of a document, at file:line:column. All of a file's findings are collected;
 * an author never has to fix one to see the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/base/yaml.h"

/* What it means for the package. Only errors make it invalid (exit 3). */
enum finding_level { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

struct finding {
	enum finding_level level;
	enum severity severity;
	const char *rule_id;		/* static: "schema/unknown-key", "yaml/syntax" */
	char *message;			/* one sentence, no full stop */
	char *path;			/* YAML path: "spec.handlers[0].config.command"; NULL if none */
	char *suggestion;		/* what to do; NULL if none */
	const char *cwe;		/* "CWE-250"; NULL if none */
	struct position position;	/* line 0: of the file as a whole */
	unsigned int width;		/* characters to underline on that line, at least 1 */
	bool suppressed;
};

struct finding_list {
	const char *file;		/* borrowed: the document's name */
	struct finding *items;
	size_t len, alloc;
};

void finding_list_init(struct finding_list *list, const char *file);
void finding_list_release(struct finding_list *list);

/* Append; the returned finding stays valid until the next append and may be completed (path, suggestion, width). */
struct finding *finding_add(struct finding_list *list, enum finding_level level, const char *rule_id,
			    struct position position, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same at a node, which gives position and width. */
struct finding *finding_at(struct finding_list *list, enum finding_level level, const char *rule_id,
			   const struct node *node, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

size_t finding_count(const struct finding_list *list, enum finding_level at_least);
/* By position, then level; stable. At most 100 per rule id are kept in order of appearance, the rest is counted
 * in one note. */
void finding_sort(struct finding_list *list);

const char *finding_level_to_string(enum finding_level level);	/* "error", "warning", "note" */
const char *severity_to_string(enum severity severity);

/* "file:line:column: error: message", the line and a caret, "  help: suggestion". `doc` may be NULL (no
 * excerpt). Control characters of the document are shown escaped, long lines are cut around the place. `color`
 * adds SGR codes. */
void finding_print(const struct finding *f, const char *file, const struct document *doc, bool color,
		   struct strbuf *out);
/* {rule_id, level, severity, message, file, line, column, path, suggestion, cwe, suppressed} */
json_t *finding_to_json(const struct finding *f, const char *file);
