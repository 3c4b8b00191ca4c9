/* SPDX-License-Identifier: Apache-2.0
 * kube_place: what the backends `kind` and `kubernetes` do once they have a cluster: a namespace with its controls, commands as Jobs, and
 * undoing that. Private to kube_*.c, kind*.c and kubernetes*.c.
 *
 *	namespace (labelled, with a lease) > quota, limits, network policy, accounts, role > a pod that looks > ready
 *
 * Everything carries the label with the id of the ref. What has not is never removed.
 */
#pragma once

#include "runner/base/json.h"
#include "sandboxes/backend.h"

#define KUBE_NAMESPACE "atom-sandbox"			/* in a cluster of our own; on others "-<id>" follows */
#define KUBE_HANDLER_ACCOUNT "atom-handler"		/* what the package may do is done as this one */
#define KUBE_STEP_ACCOUNT "atom-step"			/* of commands: may do nothing and has no token */
#define KUBE_CONTAINER "step"				/* of a pod of ours; a cluster may add others */
#define KUBE_LABEL_MANAGED "app.kubernetes.io/managed-by"
#define KUBE_MANAGER "sandbox_runner"
#define KUBE_DEFAULT_IMAGE "docker.io/library/debian:bookworm-slim"
#define KUBE_FILES_MAX (1000u << 10)			/* of all files and variables of a command: what a Secret can hold, nearly */

struct kube_file {		/* given by put(), delivered with every command */
	enum sandbox_file_kind kind;
	mode_t mode;
	char *path, *target;
	struct strbuf content;
};

struct kube_sandbox {		/* the handle of both backends */
	struct sandbox base;
	struct sandbox_cluster cluster;		/* what others see of it */
	struct kube *kube, *logs;		/* `logs` for output, while `kube` goes on being asked */
	int state_fd, cluster_fd;		/* records of ours and of a cluster that stays: locked as long as we live; -1: none */
	char namespace[96], user[192], image[384], runtime_class[128];
	struct kube_permission *permissions;	/* owned, with `declared` */
	struct sandbox_limits limits;
	bool net_bind_service;
	char hostname[64];
	char seen_before[700];			/* file with what a pod saw in this cluster, of ours; "": look each time */
	struct kube_file *files;
	size_t files_len, files_alloc, files_bytes;
	unsigned int commands;			/* so far: each has a name of its own */
};

struct kube_sandbox *kube_sandbox_new(const struct sandbox_backend *backend, const struct sandbox_ref *ref, const struct sandbox_spec *spec);
void kube_sandbox_close(struct sandbox *sb);
/* Both connections; the cluster answers, or ERR_UNAVAILABLE. */
int kube_sandbox_connect(struct kube_sandbox *ks, const struct kube_config *cfg, uint64_t timeout_ns, struct error *err);

/* ---- kube_place.c */

/* An object from text of ours, with ' for "; nothing of anybody else's may be formatted into it. */
json_t *kube_manifest(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* POST it (consumed). */
int kube_post(struct kube_sandbox *ks, const char *path, json_t *object, json_t **ret, struct error *err);
/* The namespace and all that stands in it before the first step. */
int kube_place_make(struct kube_sandbox *ks, const struct sandbox_spec *spec, const char *namespace, struct error *err);
/* Did the caller's progress say to give up? ERR_CANCELLED. */
int kube_keep_going(const struct sandbox_spec *spec, const char *line, struct error *err);

/* ---- kube_undo.c */

/* Remove a namespace of that id and wait until it is gone. Nothing there is success; one that is not ours is neither touched nor an error. */
int kube_place_remove(struct kube *k, const char *namespace, const char *id, uint64_t timeout_ns, struct cleanup_list *list, struct error *err);
/* Ask to remove those of ours whose lease is over; not waited for. */
void kube_place_sweep(struct kube *k);

/* ---- kube_permissions.c */

/* spec.cluster.permissions become ks->permissions and the rules of a Role. */
json_t *kube_permission_rules(struct kube_sandbox *ks, const char *const *declared, struct error *err);

/* ---- kube_look.c */

struct kube_look {
	bool seen;
	char why_not[160];
	char text[4200];		/* lines "word value" */
	uint64_t memory_bytes;		/* what the pod was given */
};
/* -1 only when cancelled. `patient`: somebody keeps network policies, who may need a moment. `meanwhile` is called when the pod was made. */
int kube_look(struct kube_sandbox *ks, const struct sandbox_spec *spec, bool patient, uint64_t timeout_ns, void (*meanwhile)(void *arg), void *arg,
	      struct kube_look *ret, struct error *err);
/* The first value of a word; NULL: it was not said. */
const char *kube_look_fact(const struct kube_look *look, const char *word, char out[64]);

/* ---- kube_controls.c */

/* Look, by a pod like those of commands, and fill the table with what holds. */
int kube_place_controls(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct control_table *t, struct error *err);

/* ---- kube_pod.c */

struct kube_pod_plan {
	const char *image;
	const struct sandbox_command *cmd;	/* argv and env */
	const char *secret;			/* object with files and variables */
	bool files;				/* there are some */
	uint64_t memory_bytes, cpu_millis, storage_bytes;	/* what it gets; 0: no limit */
	uint64_t grace_seconds;
};
/* The spec of a pod under all the hardening that there is. */
json_t *kube_pod_spec(const struct kube_sandbox *ks, const struct kube_pod_plan *p);
/* The Secret that it mounts and takes its variables from. ERR_RESOURCE_EXHAUSTED when it is too much. */
json_t *kube_pod_secret(const struct kube_sandbox *ks, const struct kube_pod_plan *p, struct error *err);

/* What of the quota nobody uses now: pods that ask for more are refused. */
int kube_pod_size(struct kube_sandbox *ks, struct kube_pod_plan *p, struct error *err);

/* ---- kube_pod_state.c: what a pod says of itself */

struct kube_pod_state {
	char name[254];
	bool started;		/* its container runs or has run */
	bool ended;
	int status;		/* of its container, when it ended: 0 to 255; 137 if nobody can tell, as kubelets say */
	char reason[64];	/* of that: "OOMKilled", "StartError" …; of the pod if it was ended as a whole: "Evicted", "DeadlineExceeded" */
	char message[400];
	bool stuck;		/* it does not start, and `message` says why */
	bool may_pass;		/* the same, but that may change soon: no node has room, a node is slow */
};
/* Ours of its containerStatuses, by its name: clusters put others beside it, and sort them. NULL: not there yet. */
const json_t *kube_own_container(const json_t *pod);
void kube_pod_state(const json_t *pod, struct kube_pod_state *ret);

/* ---- kube_job.c */
int kube_put(struct sandbox *sb, const struct sandbox_file *file, struct error *err);
int kube_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err);
