/* SPDX-License-Identifier: Apache-2.0
 * The backend `kind`: a cluster for one run, or a namespace in a cluster of ours that stays for the next. There is no rollback here:
 * kind_destroy() finds everything from the ref. */
#include "sandboxes/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/digest.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/kube_place.h"

#define PROBE_NS NS_PER_SEC
#define OPEN_NS (10 * NS_PER_SEC)
#define KIND_NS (600 * NS_PER_SEC)	/* with pulling the node's image */
#define READY_NS (300 * NS_PER_SEC)
#define CONNECT_NS (30 * NS_PER_SEC)
#define DAY_NS (24 * 3600 * NS_PER_SEC)

static bool probe(char *reason, size_t size)
{
	struct kind_tools tools = KIND_TOOLS_INIT;
	struct error err = { .code = ERR_OK };

	if (kind_find(&tools, NULL, PROBE_NS, &err) < 0) {
		snprintf(reason, size, "%s", err.text);
		return false;
	}
	kind_tools_release(&tools);
	return true;
}

/* ---- a cluster */

static bool is_ready(const json_t *node)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(node, "status"), "conditions"), i, c)
		if (!strcmp(engine_text(c, "type", NULL), "Ready"))
			return !strcmp(engine_text(c, "status", NULL), "True");
	return false;
}

/* What `kind create --wait` does, while we set up the namespace, which needs no node. */
static int wait_for_nodes(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct error *err)
{
	const struct kube_call call = { .method = "GET", .target = "/api/v1/nodes" };
	const uint64_t deadline = clock_deadline(READY_NS);

	for (;;) {
		json_auto_t *answer = NULL;
		size_t ready = 0, i;
		const json_t *items, *node;

		if (kube_call(ks->kube, &call, &answer, err) < 0)
			return -1;
		items = json_object_get(answer, "items");
		json_array_foreach(items, i, node)
			ready += is_ready(node);
		if (ready && ready == json_array_size(items))
			return 0;
		if (clock_monotonic_ns() > deadline)
			return error_set(err, ERR_UNAVAILABLE, "the nodes of the cluster are not ready after %d s", (int)(READY_NS / NS_PER_SEC));
		if (kube_keep_going(spec, NULL, err) < 0)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	}
}

static int make_cluster(const struct kind_tools *tools, struct kind_state *s, const struct sandbox_spec *spec, const char *id, bool stays,
			struct error *err)
{
	const uint64_t life = spec->life_ns ? spec->life_ns : DAY_NS;
	char what[160];

	snprintf(what, sizeof(what), "kind makes a cluster with %s at '%s'", s->provider, s->socket);
	if (kube_keep_going(spec, what, err) < 0)
		return -1;
	if (kind_network_make((struct engine *)&tools->engine, s, id, stays ? 0 : clock_realtime_ns() + life, err) < 0 ||
	    kind_run(tools, s, spec, KIND_NS, err) < 0)
		return -1;
	if (chmod(s->kubeconfig, 0600) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "kind has not written '%s'", s->kubeconfig);
	return kind_state_made(s, err);
}

static int enter(struct kube_sandbox *ks, const char *kubeconfig, const struct sandbox_spec *spec, const char *namespace,
		 struct control_table *controls, struct error *err)
{
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	int r = kube_config_load(kubeconfig, NULL, &cfg, err);

	if (r == 0)
		r = kube_sandbox_connect(ks, &cfg, CONNECT_NS, err);
	kube_config_release(&cfg);
	if (r < 0 || kube_keep_going(spec, "Setting up the namespace", err) < 0 || kube_place_make(ks, spec, namespace, err) < 0 ||
	    wait_for_nodes(ks, spec, err) < 0)
		return -1;
	return kube_place_controls(ks, spec, controls, err);
}

/* ---- one that stays */

/* <state>/runs/<id> is the endpoint: <state>/kind is where those are recorded. One for each node image and configuration. */
static int warm_ref(const struct sandbox_ref *ref, const struct kind_tools *tools, const struct sandbox_spec *spec, struct sandbox_ref *ret,
		    struct error *err)
{
	const struct sandbox_cluster_spec *c = &spec->cluster;
	autofree char *state = xstrdup(ref->endpoint);
	autostrbuf struct strbuf text = STRBUF_INIT(4 << 20);
	char hex[DIGEST_HEX_SIZE];

	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(state, '/');

		if (slash && slash != state)
			*slash = '\0';
	}
	*ret = (struct sandbox_ref){ .backend = "kind" };
	if (snprintf(ret->endpoint, sizeof(ret->endpoint), "%s/kind", state) >= (int)sizeof(ret->endpoint))
		return error_set(err, ERR_UNAVAILABLE, "the path of the state folder is too long; use --state-dir");
	strbuf_addf(&text, "%u\n%s\n%s\n%s\n", (unsigned int)geteuid(), state, tools->engine.socket, c->kind_image ? c->kind_image : "");
	if (c->kind_config && file_read(c->kind_config, &text, err) < 0)
		return error_prefix(err, "configuration for kind");
	sha256_hex(text.buf, text.len, hex);
	snprintf(ret->id, sizeof(ret->id), "warm-%.16s", hex);
	return make_dirs(ret->endpoint, 0700, err);
}

/* The record, locked as `how` says, and still the one that has the name. Somebody may be making the cluster: then we wait. */
static int lock_warm(struct kind_state *w, const struct sandbox_spec *spec, int how, struct error *err)
{
	const uint64_t deadline = clock_deadline(KIND_NS + READY_NS);

	for (;;) {
		struct stat ours, named;

		if (w->fd < 0)
			w->fd = open(w->path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (w->fd < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", w->path);
		if (flock(w->fd, how | LOCK_NB) == 0) {
			if (fstat(w->fd, &ours) == 0 && stat(w->path, &named) == 0 && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
				return 0;
			kind_state_release(w);
			continue;
		}
		if (clock_monotonic_ns() > deadline)
			return error_set(err, ERR_UNAVAILABLE, "another run has been making the cluster that stays for too long ('%s')", w->path);
		if (kube_keep_going(spec, NULL, err) < 0)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
}

/* Does it answer? A machine may have been restarted since, or somebody removed it. */
static bool is_alive(const struct kind_state *w)
{
	const struct kube_call hello = { .method = "GET", .target = "/version", .timeout_ns = 5 * NS_PER_SEC };
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	struct kube *k = NULL;
	bool alive;

	if (kube_config_load(w->kubeconfig, NULL, &cfg, NULL) == 0)
		k = kube_open(&cfg, NULL);
	alive = k && kube_call(k, &hello, NULL, NULL) == 0;
	kube_close(k);
	kube_config_release(&cfg);
	return alive;
}

/* Ready when this returns, with a lock that keeps `gc` away and lets other runs in. */
static int warm_up(const struct kind_tools *tools, struct kind_state *w, const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct error *err)
{
	for (int tries = 0; tries < 5; tries++) {
		kind_state_init(w, ref);
		if (lock_warm(w, spec, LOCK_EX, err) < 0 || kind_state_read(w, err) < 0)
			return -1;
		if (w->made && !is_alive(w)) {
			kind_state_release(w);
			if (kind_destroy(ref, NULL, err) < 0)
				return -1;
			continue;
		}
		if (!w->made) {
			if (*w->named && kind_destroy(ref, NULL, err) < 0)	/* whoever began it has died */
				return -1;
			kind_state_release(w);
			if (kind_state_make(w, tools, NULL) < 0)	/* somebody was quicker: once more */
				continue;
			if (make_cluster(tools, w, spec, ref->id, true, err) < 0) {
				kind_destroy(ref, NULL, NULL);
				return -1;
			}
		}
		if (flock(w->fd, LOCK_SH | LOCK_NB) == 0 && access(w->path, F_OK) == 0)
			return 0;
		kind_state_release(w);
	}
	return error_set(err, ERR_UNAVAILABLE, "the cluster that stays comes and goes");
}

/* ---- the backend's operations */

static int build(struct kube_sandbox *ks, const struct kind_tools *tools, const struct sandbox_ref *ref, const struct sandbox_spec *spec,
		 struct control_table *controls, struct error *err)
{
	struct kind_state s, w = { .fd = -1 };
	struct sandbox_ref stays;
	char hex[DIGEST_HEX_SIZE];
	autofree char *namespace = xasprintf(KUBE_NAMESPACE "-%s", ref->id), *who = NULL;
	int r;

	kind_state_init(&s, ref);
	if (!spec->cluster.reuse) {
		r = kind_state_make(&s, tools, err);
		ks->state_fd = s.fd;
		if (r < 0 || make_cluster(tools, &s, spec, ref->id, false, err) < 0)
			return -1;
		return enter(ks, s.kubeconfig, spec, KUBE_NAMESPACE, controls, err);
	}
	if (warm_ref(ref, tools, spec, &stays, err) < 0)
		return -1;
	r = warm_up(tools, &w, &stays, spec, err);
	ks->cluster_fd = w.fd;
	if (r < 0)
		return error_prefix(err, "the cluster that stays");
	who = xasprintf("%s %s", ks->image, ks->runtime_class);
	sha256_hex(who, strlen(who), hex);
	snprintf(ks->seen_before, sizeof(ks->seen_before), "%s/seen-%.16s-%s", w.files, hex, ks->net_bind_service ? "bind" : "none");
	snprintf(s.warm, sizeof(s.warm), "%s", w.path);
	snprintf(s.namespace, sizeof(s.namespace), "%s", namespace);
	r = kind_state_make(&s, tools, err);
	ks->state_fd = s.fd;
	return r < 0 ? -1 : enter(ks, w.kubeconfig, spec, namespace, controls, err);
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	struct kind_tools tools = KIND_TOOLS_INIT;
	struct kube_sandbox *ks;

	if (kind_find(&tools, spec->cluster.kind_engine, OPEN_NS, err) < 0)
		return -1;
	ks = kube_sandbox_new(&sandbox_backend_kind, ref, spec);
	if (build(ks, &tools, ref, spec, controls, err) < 0) {
		kube_sandbox_close(&ks->base);
		kind_tools_release(&tools);
		return -1;
	}
	kind_tools_release(&tools);
	*ret = &ks->base;
	return 0;
}

const struct sandbox_backend sandbox_backend_kind = {
	.type = "kind", .name = "kind", .summary = "a Kubernetes cluster of its own in containers, by kind; commands run as Jobs",
	.cluster = true, .probe = probe, .create = create, .put = kube_put, .exec = kube_exec, .close = kube_sandbox_close,
	.destroy = kind_destroy, .sweep = kind_sweep, .sweep_is_slow = true,
};
