/* SPDX-License-Identifier: Apache-2.0
 * wpk: a workflow package, typed. Dialects A (`type` + `config`) and B (`steps`) and both mixed become the same
 * list of handlers with steps; a handler of dialect A has its one step named like itself. With both, the step
 * of `config` comes first. Texts and nodes are borrowed from the document, which must outlive the package. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "validators/finding.h"
#include "validators/template.h"

enum wpk_runtime { WPK_RUNTIME_NONE, WPK_RUNTIME_K8S, WPK_RUNTIME_DOCKER, WPK_RUNTIME_SHELL };
enum wpk_safety { WPK_SAFETY_MANUAL, WPK_SAFETY_AUTO };

enum wpk_step_kind {
	WPK_STEP_SHELL,		/* A type shell, B shell */
	WPK_STEP_K8S,		/* A type k8s */
	WPK_STEP_API,		/* A type api */
	WPK_STEP_CONTAINER,	/* B container */
	WPK_STEP_MANIFEST,	/* B kubernetes */
};

struct wpk_retry {
	uint64_t max_attempts;	/* at least 1 */
	uint64_t backoff_ns;	/* before the second attempt, doubled before each further one */
};

struct wpk_step {
	enum wpk_step_kind kind;
	const char *name;		/* never NULL */
	const struct node *node; /* the config, or the value of shell/container/kubernetes; NULL for a null one */
	char *path;			/* owned: "spec.handlers[0].steps[1]" */
	bool manual, approval_required;
	/* what running it needs, by kind; NULL where the package has none */
	const struct node *command;	/* shell: the script, a scalar */
	const char *action;		/* k8s */
	const char *url, *method;	/* api */
	const char *image;		/* container */
};

struct wpk_handler {
	const char *name;		/* never NULL */
	const struct node *node;
	bool approval_required;
	uint64_t timeout_ns;		/* of each attempt of each step; 0: none */
	struct wpk_retry retry;
	struct wpk_step *steps;
	size_t steps_len;
};

struct wpk_handler_list {
	struct wpk_handler *items;
	size_t len;
};

struct wpk_requirements { uint64_t cpu_millis, memory_bytes, storage_bytes; };	/* 0: not stated */

struct wpk {
	const struct document *doc;
	const char *name, *version, *description, *author;	/* description, author may be NULL */
	char *workflow_id;					/* owned: "<name>-<version>" */
	enum wpk_runtime runtime;
	const char *runtime_version;
	struct wpk_requirements requirements;
	enum wpk_safety safety_mode;
	bool approval_required, dry_run_required, rollback_enabled;
	const struct node *triggers;		/* list or NULL */
	struct wpk_handler_list handlers;
	bool rollback_declared_enabled;		/* spec.rollback.enabled */
	struct wpk_handler_list rollback;
	const struct node *permissions; /* spec.validation.required_permissions, list of "<resource>/<verb>" or NULL */
	const struct node *resource_limits;	/* spec.validation.resource_limits, mapping or NULL */
};

/* Turn a document into a package, reporting everything that is wrong with it (YAML problems of the document included).
 * Always 0 unless something is impossible; *ret is NULL when the document is no workflow package at all (the
 * findings say what it looks like instead: dialects C, D and E, Kubernetes manifests, CI files …). Look at
 * finding_count(findings, FINDING_ERROR) before using it. */
int wpk_decode(const struct document *doc, struct wpk **ret, struct finding_list *findings, struct error *err);
void wpk_free(struct wpk *wpk);

const char *wpk_step_kind_to_string(enum wpk_step_kind kind);	/* "shell", "k8s", "api", "container", "kubernetes" */

/* Call `each` for every scalar of a step in which ${NAME} may stand, with its template kind and YAML path.
 * Shell scripts are TEMPLATE_SHELL, everything else TEMPLATE_DATA. */
typedef void wpk_text_visitor(void *arg, const struct wpk_step *step, const struct node *text, enum template_kind kind,
			      const char *path);
/* Is word `i` of `list`, the `command` or `args` of a container, a script because the one before ends in -c? */
bool wpk_argument_is_script(const struct node *container, const struct node *list, size_t i);
void wpk_step_texts(const struct wpk_step *step, wpk_text_visitor *each, void *arg);
