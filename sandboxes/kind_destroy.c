/* SPDX-License-Identifier: Apache-2.0
 * Undoing a cluster from its ref alone, and finding those whose runner is dead. The order is that of making it backwards: whoever is
 * still at it, containers with their volumes, the network that marks them as ours, files, the record. */
#include "sandboxes/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/kube_place.h"

#define OPEN_NS (5 * NS_PER_SEC)
#define GONE_NS (30 * NS_PER_SEC)	/* an engine under load removes slowly */
#define SETTLE_NS (NS_PER_SEC)		/* for an engine to finish what a killed client had asked for */
#define NAMESPACE_NS (60 * NS_PER_SEC)

struct undo {
	struct engine *engine;
	struct cleanup_list *list;
	const char *name;		/* of the cluster */
	unsigned int found;		/* containers, in one look */
	bool failed;
};

static void note(struct undo *u, const char *kind, const char *name, bool gone, const char *proof)
{
	cleanup_add(u->list, kind, name, gone, proof);
	u->failed |= !gone;
}

/* ---- one thing of the engine's */

/* Until the engine knows it no more. It answers all kinds of things while something is under way: only the last answer counts. */
static void undo_object(struct undo *u, const char *kind, const char *name, const char *remove, const char *look)
{
	const uint64_t deadline = clock_deadline(GONE_NS);
	struct error why = { .code = ERR_OK };
	long ms = 5;
	int status;

	for (;;) {
		json_auto_t *answer = NULL;

		status = engine_call(u->engine, "DELETE", remove, NULL, &answer, &why);
		if (status >= 400 && status != 404)
			engine_refusal(u->engine, status, answer, &why);
		if (status >= 0 && status != 404)
			status = engine_call(u->engine, "GET", look, NULL, NULL, &why);
		if (status < 0 || status == 404 || clock_monotonic_ns() > deadline)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
		if (ms < 100)
			ms *= 2;
	}
	note(u, kind, name, status == 404, status == 404 ? "removed; the engine knows it no more" : *why.text ? why.text : "the engine still has it");
}

static bool is_plain(const char *name)
{
	return *name && strlen(name) < 128 && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

static void undo_volume(struct undo *u, const char *name)
{
	autofree char *remove = xasprintf("/volumes/%s?force=1", name), *look = xasprintf("/volumes/%s", name);

	if (is_plain(name))
		undo_object(u, "volume", name, remove, look);
}

static void undo_volumes(struct undo *u, const json_t *container)
{
	const json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(container, "Mounts"), i, mount)
		if (!strcmp(engine_text(mount, "Type", NULL), "volume"))
			undo_volume(u, engine_text(mount, "Name", NULL));
}

static void undo_container(struct undo *u, const char *id)
{
	autofree char *remove = xasprintf("/containers/%s?force=1&v=1", id), *look = xasprintf("/containers/%s/json", id);
	json_auto_t *container = NULL;
	const char *name;

	engine_call(u->engine, "GET", look, NULL, &container, NULL);
	name = engine_text(container, "Name", NULL);
	undo_object(u, "container", *name ? name + (*name == '/') : id, remove, look);
	undo_volumes(u, container);
}

/* ---- all of a cluster */

/* Those that kind made under this name; `call` for each. */
static int each_container(struct engine *e, const char *name, void (*call)(void *arg, const json_t *item), void *arg, struct error *err)
{
	autofree char *target = engine_labelled("/containers/json?all=1", KIND_LABEL_CLUSTER, name);
	json_auto_t *list = NULL;
	const json_t *item;
	size_t i;

	if (engine_demand(e, "GET", target, NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, item) {
		/* the filter is the engine's; this is ours */
		const char *cluster = engine_text(item, "Labels", KIND_LABEL_CLUSTER, NULL);

		if ((name ? !strcmp(cluster, name) : !strncmp(cluster, KIND_NAME_PREFIX, strlen(KIND_NAME_PREFIX))) && *engine_text(item, "Id", NULL))
			call(arg, item);
	}
	return 0;
}

/* With podman, kind makes a node's volume before the node, with nothing but the label "<node>": "true" on it. Removes those for whose label
 * `is_ours` holds. */
static int take_volumes(struct undo *u, bool (*is_ours)(struct undo *u, const char *label), struct error *err)
{
	json_auto_t *answer = NULL;
	const json_t *volume;
	size_t i;

	if (u->engine->kind != &engine_podman)
		return 0;
	if (engine_demand(u->engine, "GET", "/volumes", NULL, &answer, err) < 0)
		return -1;
	json_array_foreach(json_object_get(answer, "Volumes"), i, volume) {
		json_t *labels = json_object_get(volume, "Labels");
		const char *label = json_object_iter_key(json_object_iter(labels));

		if (!label || json_object_size(labels) != 1 || strcmp(engine_text(labels, label, NULL), "true") || !is_ours(u, label))
			continue;
		u->found++;
		undo_volume(u, engine_text(volume, "Name", NULL));
	}
	return 0;
}

static bool is_of_cluster(struct undo *u, const char *label)
{
	const size_t len = strlen(u->name);

	return !strncmp(label, u->name, len) && label[len] == '-';
}

static void take_container(void *arg, const json_t *item)
{
	struct undo *u = arg;

	u->found++;
	undo_container(u, engine_text(item, "Id", NULL));
}

/* `settle`: somebody was still at it, so look until nothing new comes. */
static int undo_containers(struct undo *u, bool settle, struct error *err)
{
	uint64_t quiet = clock_deadline(settle ? SETTLE_NS : 0);
	unsigned int all = 0;

	do {
		u->found = 0;
		if (each_container(u->engine, u->name, take_container, u, err) < 0 || take_volumes(u, is_of_cluster, err) < 0)
			return -1;
		if (u->found && settle)
			quiet = clock_deadline(SETTLE_NS);
		all += u->found;
		if (settle)
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	} while (clock_monotonic_ns() < quiet && !u->failed);
	if (!all)
		note(u, "container", u->name, true, "the engine has none of this cluster");
	return 0;
}

static int undo_cluster(struct undo *u, bool settle, struct error *err)
{
	autofree char *network = xasprintf("/networks/%s", u->name);
	unsigned int found;
	const bool dead = kind_kill(u->name, &found);

	if (found || !dead)
		note(u, "process", "kind and its clients", dead, dead ? "killed; no process has the mark of this cluster" : "still there after SIGKILL");
	if (undo_containers(u, settle || found, err) < 0)
		return -1;
	undo_object(u, "network", u->name, network, network);
	return 0;
}

/* ---- from the ref */

static int undo_files(const struct kind_state *s, struct cleanup_list *list, struct error *err)
{
	if (remove_tree_at(AT_FDCWD, s->files, err) < 0) {
		cleanup_add(list, "directory", s->files, false, err ? err->text : "cannot be removed");
		return error_set(err, ERR_CLEANUP, "cannot remove '%s'", s->files);
	}
	cleanup_add(list, "directory", s->files, access(s->files, F_OK) < 0, "removed, with the kubeconfig");
	if (unlink(s->path) < 0 && errno != ENOENT && errno != ENOTDIR) {
		cleanup_add(list, "state_file", s->path, false, strerror(errno));
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", s->path);
	}
	cleanup_add(list, "state_file", s->path, true, "unlinked");
	return 0;
}

static int undo_own(const struct kind_state *s, struct cleanup_list *list, struct error *err)
{
	struct undo u = { .list = list, .name = s->name };
	struct error why = { .code = ERR_OK };
	struct engine e;
	unsigned int found;
	int r;

	if (!*s->socket)	/* a record that was not written to its end: nothing came after it */
		return 0;
	if (engine_open(&e, engine_kind_of(s->provider), s->socket, OPEN_NS, &why) < 0) {
		kind_kill(s->name, &found);
		cleanup_add(list, "cluster", s->name, false, "the engine cannot be asked");
		return error_set(err, ERR_CLEANUP, "cluster '%s' may still be there: %s; then 'sandbox_runner gc' removes it", s->name, why.text);
	}
	u.engine = &e;
	r = undo_cluster(&u, !s->made, err);
	engine_close(&e);
	if (r < 0 && err)
		err->code = ERR_CLEANUP;
	return r < 0 || !u.failed ? r : error_set(err, ERR_CLEANUP, "something of cluster '%s' is still there", s->name);
}

/* A namespace in a cluster that stays; which may have been removed meanwhile, by `gc`. */
static int undo_guest(const struct kind_state *s, const char *id, struct cleanup_list *list, struct error *err)
{
	autofree char *kubeconfig = xasprintf("%s.files/kubeconfig", s->warm);
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	struct kube *k = NULL;
	int r = -1;

	if (access(kubeconfig, F_OK) < 0) {
		cleanup_add(list, "namespace", s->namespace, true, "gone with its cluster");
		return 0;
	}
	if (kube_config_load(kubeconfig, NULL, &cfg, err) == 0)
		k = kube_open(&cfg, err);
	if (k)
		r = kube_place_remove(k, s->namespace, id, NAMESPACE_NS, list, err);
	kube_close(k);
	kube_config_release(&cfg);
	if (r < 0 && err)
		err->code = ERR_CLEANUP;
	return r;
}

int kind_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	struct kind_state s;
	int found;

	kind_state_init(&s, ref);
	found = kind_state_read(&s, err);
	if (found <= 0)
		return found;
	if ((*s.warm ? undo_guest(&s, ref->id, list, err) : undo_own(&s, list, err)) < 0)
		return -1;
	return undo_files(&s, list, err);
}

/* ---- those whose runner is dead */

/* The record of it, if it is one: a label is somebody else's text. */
static void sweep_files(struct undo *u, const json_t *labels)
{
	const char *state = engine_text(labels, ENGINE_LABEL_STATE, NULL), *slash = strrchr(state, '/');
	struct sandbox_ref ref = { .backend = "kind" };
	struct kind_state s;

	if (!slash || !engine_is_here(labels) || snprintf(ref.endpoint, sizeof(ref.endpoint), "%.*s", (int)(slash - state), state) >= (int)sizeof(ref.endpoint))
		return;
	snprintf(ref.id, sizeof(ref.id), "%.63s", u->name + strlen(KIND_NAME_PREFIX));
	kind_state_init(&s, &ref);
	if (strcmp(s.path, state) || kind_state_read(&s, NULL) <= 0 || strcmp(s.named, u->name))
		return;
	u->failed |= undo_files(&s, u->list, NULL) < 0;
}

static int sweep_networks(struct undo *u, struct error *err)
{
	autofree char *target = engine_labelled("/networks", ENGINE_LABEL, NULL);
	json_auto_t *list = NULL;
	const json_t *network;
	size_t i;

	if (engine_demand(u->engine, "GET", target, NULL, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, network) {
		const json_t *labels = json_object_get(network, "Labels");
		const char *name = engine_text(network, "Name", NULL), *id = engine_text(labels, ENGINE_LABEL, NULL);

		if (strncmp(name, KIND_NAME_PREFIX, strlen(KIND_NAME_PREFIX)) || !*id || strcmp(name + strlen(KIND_NAME_PREFIX), id) ||
		    !is_plain(name) || !engine_is_orphan(labels))
			continue;
		u->name = name;
		if (undo_cluster(u, true, err) < 0)
			return -1;
		sweep_files(u, labels);
	}
	return 0;
}

static bool is_gone(struct undo *u, const char *network)
{
	autofree char *target = xasprintf("/networks/%s", network);

	return is_plain(network) && engine_call(u->engine, "GET", target, NULL, NULL, NULL) == 404;
}

/* In a network of their cluster's name, as only we make them, which is gone: made by an engine that was slow to do what a killed client had
 * asked for. Podman's list has no HostConfig. */
static void sweep_late(void *arg, const json_t *item)
{
	struct undo *u = arg;
	const char *cluster = engine_text(item, "Labels", KIND_LABEL_CLUSTER, NULL);
	const json_t *networks = json_object_get(json_object_get(item, "NetworkSettings"), "Networks");

	if ((!strcmp(engine_text(item, "HostConfig", "NetworkMode", NULL), cluster) || json_object_get(networks, cluster)) && is_gone(u, cluster))
		undo_container(u, engine_text(item, "Id", NULL));
}

/* The same of a volume, which is in no network: by an id as only we make them. */
static bool is_late(struct undo *u, const char *label)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	const size_t prefix = strlen(KIND_NAME_PREFIX "r-"), digits = 26;	/* of 128 bits */
	autofree char *cluster = xasprintf("%.*s", (int)(prefix + digits), label);

	return !strncmp(label, KIND_NAME_PREFIX "r-", prefix) && strspn(label + prefix, letters) == digits && label[prefix + digits] == '-' &&
	       is_gone(u, cluster);
}

int kind_sweep(struct cleanup_list *list, struct error *err)
{
	const struct engine_kind *const kinds[] = { &engine_docker, &engine_podman };
	struct undo u = { .list = list };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		struct engine e;

		if (engine_open(&e, kinds[i], NULL, NS_PER_SEC, NULL) < 0)
			continue;	/* no engine, nothing of ours in it */
		u.engine = &e;
		r = sweep_networks(&u, err);
		if (r == 0)
			r = each_container(&e, NULL, sweep_late, &u, err);
		if (r == 0)
			r = take_volumes(&u, is_late, err);
		engine_close(&e);
	}
	return r < 0 || !u.failed ? r : error_set(err, ERR_CLEANUP, "something of a dead run's cluster is still there");
}
