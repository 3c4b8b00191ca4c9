/* SPDX-License-Identifier: Apache-2.0
 * k8s_action: the actions of the package format, and what they share. Private to runner/k8s_*.c. */
#pragma once

#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"
#include "runner/k8s_step.h"
#include "runner/k8s_target.h"
#include "runner/k8s_wait.h"
#include "runner/output_capture.h"

struct k8s_action;
struct k8s_act {			/* one attempt of one step */
	const struct k8s_context *ctx;
	const struct k8s_action *action;
	const struct wpk_step *config;
	struct step_result *step;
	struct output_capture out;
	struct strbuf clean;		/* scratch */
	uint64_t out_bytes, deadline_ns;
	const char *limit;		/* static: which of resource_limits was in the way */
	const struct kube_type *type;	/* of what it is about; NULL: the action asks for none */
	struct k8s_object_name target;	/* name "": by selector, or all of the type */
	char selector[256];
};

enum k8s_action_flag {
	ACTION_CHANGES = 1,		/* dryRun=All has a meaning */
	ACTION_TYPE = 2,		/* about a type … */
	ACTION_TARGET = 4,		/* … and about certain objects of it, which k8s_step finds out first */
	ACTION_WORKLOAD = 8,		/* a type that has no pods of its own is asked for by that of another */
};
struct k8s_action {
	const char *name;
	unsigned int flags;
	/* The config key whose text may be a name of the package's own world, and how to know; NULL: none. */
	const char *symbol_key;
	bool (*symbol_is_real)(const struct k8s_fixtures *f, const struct wpk *wpk, const struct wpk_step *step, const char *text);
	/* 0: done, told by k8s_say(). -1: it failed, by err: ERR_DEADLINE_EXCEEDED and ERR_CANCELLED mean what they say. NULL: no cluster could. */
	int (*run)(struct k8s_act *a, struct error *err);
};
const struct k8s_action *k8s_action_find(const char *name);	/* NULL: there is none */

/* ---- told */
void k8s_say(struct k8s_act *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));	/* a line */
void k8s_output(struct k8s_act *a, const char *data, size_t len);				/* bytes */

/* ---- time */
uint64_t k8s_left_ns(const struct k8s_act *a);	/* of the attempt, at most 30 s: for one call */
struct k8s_waiter k8s_waiter_of(const struct k8s_act *a);

/* ---- asked: as ourselves */
struct kube_target k8s_place(const struct k8s_act *a, const struct kube_type *type, const char *name);
struct kube_target k8s_place_as_user(const struct k8s_act *a, const struct kube_type *type, const char *name);
/* What the step is about, as it is: one by name, or those that the selector finds; an empty array is an error. */
int k8s_find(struct k8s_act *a, json_t **ret, struct error *err);
int k8s_list(struct k8s_act *a, const struct kube_type *type, const char *labels, json_t **ret, struct error *err);
/* The labels by which a workload finds its pods: "app=web,tier=x", or NULL; owned by the caller. */
char *k8s_pods_of(const json_t *object);
/* The text of a config key with its parameters; NULL: not there, or with err (then err->code is set). */
char *k8s_config_value(const struct k8s_act *a, const char *key, struct error *err);
/* A number of the config; `otherwise` when it is not there; -1 with err when it is none. */
int k8s_config_number(const struct k8s_act *a, const char *key, int64_t otherwise, int64_t *ret, struct error *err);
/* The same for a duration, rounded up to seconds. */
int k8s_config_seconds(const struct k8s_act *a, const char *key, int64_t otherwise, int64_t *ret, struct error *err);

/* ---- changed: as the user, with dryRun=All when that was asked for. A refusal says which permission was not declared. */
int k8s_patch(struct k8s_act *a, const struct kube_target *where, enum kube_patch how, json_t *patch, json_t **ret, struct error *err);
int k8s_create(struct k8s_act *a, const struct kube_type *type, json_t *object, json_t **ret, struct error *err);
int k8s_delete(struct k8s_act *a, const struct kube_type *type, const char *name, int64_t grace_seconds, struct error *err);
/* After a call as the user failed: the error says what the package should have declared. Always -1. */
int k8s_refused(const struct k8s_act *a, const struct kube_type *type, const char *subresource, const char *verb, struct error *err);
/* The same for what only looks: it is told, and may be tried again as ourselves, because nothing changes by it and the namespace is ours. False:
 * it failed for another reason, or Secrets are what was looked for. */
bool k8s_look_anyway(struct k8s_act *a, const struct kube_type *type, const char *subresource, const char *verb, struct error *err);
/* Objects of a manifest that was checked and hardened: judged by the server, then made or changed, then waited for. */
int k8s_apply_object(struct k8s_act *a, json_t *object, bool wait, struct error *err);

/* ---- resource_limits of the package, before anything is done. ERR_RESOURCE_EXHAUSTED, and a->limit is set */
int k8s_check_limit(struct k8s_act *a, const char *limit, int64_t would_be, struct error *err);
int k8s_check_new(struct k8s_act *a, const json_t *object, struct error *err);	/* for one more object like this */
int k8s_check_pods(struct k8s_act *a, int64_t more, struct error *err);

/* ---- the actions */
int k8s_action_logs(struct k8s_act *a, struct error *err);
int k8s_action_events(struct k8s_act *a, struct error *err);
int k8s_action_get(struct k8s_act *a, struct error *err);
int k8s_action_metrics(struct k8s_act *a, struct error *err);
int k8s_action_annotate(struct k8s_act *a, struct error *err);
int k8s_action_patch(struct k8s_act *a, struct error *err);
int k8s_action_create(struct k8s_act *a, struct error *err);
int k8s_action_apply(struct k8s_act *a, struct error *err);
int k8s_action_delete(struct k8s_act *a, struct error *err);
int k8s_action_restart(struct k8s_act *a, struct error *err);
int k8s_action_scale(struct k8s_act *a, struct error *err);
int k8s_action_rollback(struct k8s_act *a, struct error *err);
int k8s_action_wait(struct k8s_act *a, struct error *err);
int k8s_action_test(struct k8s_act *a, struct error *err);
int k8s_action_manifest(struct k8s_act *a, struct error *err);	/* `kubernetes:` */
