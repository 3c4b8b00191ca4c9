/* SPDX-License-Identifier: Apache-2.0
 * k8s_effects: what became of the objects of the sandbox's namespace: all kinds that can be listed, by discovery, before the first step and
 * after each. Secret values never leave: they are compared by digest and shown as ***. */
#pragma once

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/effects.h"
#include "sandboxes/sandbox.h"

struct object_field {			/* of a change, by path: "spec.replicas" */
	char *path, *before, *after;	/* owned; JSON text of scalars, "" for absent; secrets as "***" */
};
struct object_effect {
	enum effect_change change;
	char *kind, *api_version, *name;
	bool derived;			/* made, changed or removed by a controller (it has an owner) and not by the step itself */
	bool stand_in;
	struct object_field *fields;
	size_t fields_len;
	uint64_t more_fields;		/* past what is kept */
};
struct object_effects {
	bool known;
	char *unknown_because;		/* !known; owned */
	struct object_effect *items;	/* deletions first, then changes, then what is new; each by kind and name */
	size_t len;
	uint64_t counts[EFFECT_CHANGES];
	uint64_t not_listed;
	uint64_t kinds_not_seen;	/* that may not or cannot be listed */
};
void object_effects_release(struct object_effects *e);

struct k8s_tracker;
struct k8s_tracker *k8s_tracker_start(const struct sandbox_cluster *cluster);	/* never NULL: one that cannot see says so in each effects */
void k8s_tracker_after_step(struct k8s_tracker *t, struct object_effects *ret);
void k8s_tracker_of_run(struct k8s_tracker *t, struct object_effects *ret);
void k8s_tracker_free(struct k8s_tracker *t);

/* Names and values of a package may hold secrets: to be called before anything is shown or written. Values are never cut before. */
void object_effects_redact(struct object_effects *e, const struct redactor *redactor);
json_t *object_effects_to_json(const struct object_effects *e);
/* "objects: 1 created, 1 changed" and below it a line each: "~ deployment/web  spec.replicas 2 > 3". Nothing for nothing. */
void object_effects_print(const struct object_effects *e, unsigned int indent, size_t max, bool color, struct strbuf *out);
