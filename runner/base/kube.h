/* SPDX-License-Identifier: Apache-2.0
 * kube: a client of the Kubernetes API, over http.h. It knows the protocol and no policy.
 *
 * Every call has a deadline; 429, 503 and broken connections of calls that may be repeated are tried again with backoff (Retry-After is
 * honoured) until the deadline. What the server says no to comes back as a sentence in `err` and, for who has to decide,
 * as a struct kube_failure. Source: kubernetes.io/docs/reference/using-api.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/json.h"
#include "runner/base/kube_config.h"
#include "runner/base/strbuf.h"

struct kube;		/* a connection, kept for the next call; not for two threads or processes at once */

/* Nothing is connected yet. `cfg` is copied. NULL with err: libcurl is missing, a certificate is no PEM … */
struct kube *kube_open(const struct kube_config *cfg, struct error *err);
void kube_close(struct kube *k);	/* NULL is a no-op */
const char *kube_server(const struct kube *k);	/* "https://127.0.0.1:6443" */

/* Called about once a second while a call waits for the server or for its next try; false ends the call: ERR_CANCELLED. NULL: none. */
void kube_on_wait(struct kube *k, bool (*go_on)(void *arg), void *arg);

struct kube_failure {		/* of the last call that was answered with an error */
	int status;		/* HTTP; 0: there was no answer */
	char reason[48];	/* of the Status object: "NotFound", "Forbidden", "AlreadyExists", "Conflict", "Invalid" …; "" */
	char message[512];	/* its own words, printable */
};
const struct kube_failure *kube_failure(const struct kube *k);
bool kube_is(const struct kube *k, const char *reason);	/* failure()->reason */

/* ---- anything: the typed calls below are made of it */
struct kube_call {
	const char *method;		/* "GET" … */
	const char *target;		/* path and query, escaped: "/api/v1/namespaces" */
	json_t *body;			/* borrowed; NULL: none */
	const char *content_type;	/* NULL: application/json */
	const char *as_user;		/* Impersonate-User; NULL: ourselves */
	uint64_t timeout_ns;		/* 0: 30 s */
};
/* ERR_REMOTE for every answer but 2xx, but ERR_PERMISSION_DENIED never: that is the policy's. `*ret` is a new reference; NULL: not wanted. */
int kube_call(struct kube *k, const struct kube_call *call, json_t **ret, struct error *err);

/* ---- types, by discovery (asked once per kube, on first use) */
enum kube_verb { KUBE_GET = 1, KUBE_LIST = 2, KUBE_WATCH = 4, KUBE_CREATE = 8, KUBE_UPDATE = 16, KUBE_PATCH = 32, KUBE_DELETE = 64 };
struct kube_type {
	const char *group, *version;	/* "" is the core group */
	const char *kind, *plural, *singular;
	const char *api_version;	/* "apps/v1", "v1" */
	const char *const *short_names;	/* NULL-terminated */
	bool namespaced;
	unsigned int verbs;		/* enum kube_verb */
	const char *const *subresources;	/* "log", "scale" …; NULL-terminated */
};
/* All types in their preferred version; as long as `k`. Groups whose discovery fails (a dead aggregated API) are left out. */
int kube_types(struct kube *k, const struct kube_type **ret, size_t *ret_len, struct error *err);
/* By what people write: "deployment", "Deployments", "deploy", "deployments.apps". ERR_INVALID_INPUT names the nearest. */
const struct kube_type *kube_type_named(struct kube *k, const char *name, struct error *err);
/* By a manifest's apiVersion and kind (this version is served, even if it is not the preferred one). */
const struct kube_type *kube_type_of(struct kube *k, const char *api_version, const char *kind, struct error *err);

/* ---- one object, or all of a type in a namespace */
struct kube_target {
	const struct kube_type *type;
	const char *namespace;		/* NULL for types that are not namespaced, or to list in all namespaces */
	const char *name;		/* NULL: the collection */
	const char *subresource;	/* "status", "scale", "eviction" …; NULL: none */
	const char *as_user;		/* as in kube_call */
	bool dry_run;			/* dryRun=All: judged by the server, not stored */
	uint64_t timeout_ns;		/* 0: 30 s */
};
int kube_get(struct kube *k, const struct kube_target *t, json_t **ret, struct error *err);
int kube_create(struct kube *k, const struct kube_target *t, json_t *object, json_t **ret, struct error *err);
int kube_update(struct kube *k, const struct kube_target *t, json_t *object, json_t **ret, struct error *err);
enum kube_patch { KUBE_PATCH_MERGE, KUBE_PATCH_STRATEGIC, KUBE_PATCH_JSON, KUBE_PATCH_APPLY /* field manager sandbox_runner, forced */ };
int kube_patch(struct kube *k, const struct kube_target *t, enum kube_patch how, json_t *patch, json_t **ret, struct error *err);
struct kube_delete {
	const char *propagation;	/* "Background" (default), "Foreground", "Orphan" */
	int64_t grace_seconds;		/* -1: the object's own */
	const char *uid;		/* only this one; NULL: whatever has the name */
};
/* 0 when it was there and goes; also when it was not (kube_is(k, "NotFound")). How may be NULL. */
int kube_delete(struct kube *k, const struct kube_target *t, const struct kube_delete *how, struct error *err);
/* Every item, page by page; an expired page token begins again from the start with restarted = true. False from `each` ends it. */
struct kube_selection { const char *labels, *fields; unsigned int page; /* 0: 500 */ };
int kube_list(struct kube *k, const struct kube_target *t, const struct kube_selection *which,
	      bool (*each)(void *arg, json_t *item, bool restarted), void *arg, char **ret_resource_version, struct error *err);
/* POST pods/NAME/eviction. */
int kube_evict(struct kube *k, const char *namespace, const char *pod, int64_t grace_seconds, struct error *err);

/* ---- watching: list, then the changes from there on. Resumes after a broken stream and starts over with a new list after 410 Gone, so that
 * `each` sees the truth: type "ADDED", "MODIFIED", "DELETED", "BOOKMARK", and "LISTED" after each list is complete (object NULL).
 * Called with type NULL about once a second. Ends with 0 when `each` says false, -1 at the deadline (ERR_DEADLINE_EXCEEDED). */
typedef bool kube_watcher(void *arg, const char *type, json_t *object);
int kube_watch(struct kube *k, const struct kube_target *t, const struct kube_selection *which, uint64_t timeout_ns, kube_watcher *each,
	       void *arg, struct error *err);

/* ---- logs of a container of a pod, as they come. `data` as in http_call: false ends it (that is no error). */
struct kube_logs {
	const char *namespace, *pod;
	const char *container;		/* NULL: the only one */
	const char *as_user;
	bool follow, previous, timestamps;
	int64_t tail_lines;		/* -1: all */
	uint64_t limit_bytes;		/* 0: none */
	uint64_t timeout_ns;		/* of all of it; 0: 30 s, CLOCK_NEVER: none */
};
int kube_logs(struct kube *k, const struct kube_logs *what, bool (*data)(void *arg, const char *data, size_t len), void *arg,
	      struct error *err);

/* ---- texts */
/* A sentence for people from an answer that is no success: "forbidden: 'system:serviceaccount:…' may not patch deployments.apps in …". */
void kube_failure_sentence(const struct kube_failure *f, struct strbuf *out);
bool kube_name_is_valid(const char *name);	/* RFC 1123 subdomain, at most 253 bytes */
