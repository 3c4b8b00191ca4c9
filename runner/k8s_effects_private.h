/* SPDX-License-Identifier: Apache-2.0
 * k8s_effects_private: a look at the objects of a namespace, kept. Private to k8s_effects*.c. */
#pragma once

#include "runner/base/digest.h"
#include "runner/k8s_effects.h"

enum {
	K8S_OBJECTS_MAX = 100000,		/* of a look; past them nothing is known */
	K8S_OBJECT_TEXT_MAX = 256 << 10,	/* of one object; of larger ones only the digest is kept */
	K8S_LOOK_TEXT_MAX = 48 << 20,		/* of all objects of a look */
	K8S_EFFECTS_MAX = 2000,			/* of each change, in a list; the rest is counted */
	K8S_FIELDS_MAX = 64,			/* of one change */
	K8S_VALUE_MAX = 4 << 10,		/* of a field; larger values are told by size and digest */
};

struct k8s_kind { char *kind, *api_version; };

struct k8s_object {		/* never changed once it is made; shared by all looks that saw the same version */
	unsigned int refs;
	unsigned int kind;	/* index */
	char *name, *uid, *version;
	char *owner;		/* uid of its controller; NULL: none */
	int64_t generation;
	char *text;		/* what of it matters, as JSON; NULL: too large */
	size_t text_len;
	unsigned char digest[DIGEST_SIZE];	/* of text */
	unsigned char touched[DIGEST_SIZE];	/* of what managers that are no controllers wrote */
	bool secret, ours, stand_in;
	bool of_cluster;	/* made by the cluster itself in every namespace, or for another object */
	bool follows;		/* of_cluster, and goes with that other object */
	bool owner_runs_jobs;	/* the controller is a Job or CronJob: it removes what it made in its own time */
	bool touched_by_others;	/* somebody who is no controller wrote to it */
	bool going;		/* deleted, only not gone yet */
	bool unsettled;		/* its controller has not seen it yet, or is at work */
};
/* `item` is borrowed. NULL: not an object (no name, no uid). */
struct k8s_object *k8s_object_new(const json_t *item, const struct k8s_kind *kind, unsigned int kind_index);
struct k8s_object *k8s_object_ref(struct k8s_object *o);
void k8s_object_unref(struct k8s_object *o);
/* What matters of an object: a new reference. Secret values are digests in it. */
json_t *k8s_object_clean(const json_t *item, const char *kind);

struct k8s_look {
	struct k8s_object **objects;	/* after k8s_look_end(): by kind and name, each once */
	size_t len, alloc;
	uint64_t text_bytes;
	uint64_t left_out;		/* past the limits */
	uint64_t kinds_not_seen;	/* that could not be listed */
	bool unsettled;			/* something that `previous` did not have in this version is */
};
struct k8s_look *k8s_look_new(void);
void k8s_look_free(struct k8s_look *l);
/* What `previous` (may be NULL) has in the same version is shared with it. */
void k8s_look_add(struct k8s_look *l, const struct k8s_look *previous, const json_t *item, const struct k8s_kind *kind,
		  unsigned int kind_index);
/* The objects of a kind as another look, which has ended, saw them. */
void k8s_look_take_over(struct k8s_look *l, const struct k8s_look *from, unsigned int kind_index);
/* Forget what was added since there were `len`: its list begins again. */
void k8s_look_cut(struct k8s_look *l, size_t len);
void k8s_look_end(struct k8s_look *l);	/* sorted and whole: now it can be compared and searched */
const struct k8s_object *k8s_look_find(const struct k8s_look *l, unsigned int kind, const char *name);

/* `start` is the first look of the run: what is ours and came after it is nobody's effect. */
void k8s_look_compare(const struct k8s_look *start, const struct k8s_look *before, const struct k8s_look *after,
		      const struct k8s_kind *kinds, struct object_effects *ret);

/* The fields that differ, into `ret`. Values below data and stringData are stars when `secret`. */
void k8s_diff(const json_t *before, const json_t *after, bool secret, struct object_effect *ret);
void k8s_diff_add(struct object_effect *ret, const char *path, const char *before, const char *after);
