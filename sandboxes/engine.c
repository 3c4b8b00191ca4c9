/* SPDX-License-Identifier: Apache-2.0
 * The backends `docker` and `podman`: making a container and handing it over to guest_init. There is no rollback here: engine_destroy()
 * finds everything from the ref. */
#include "sandboxes/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/host_view.h"
#include "sandboxes/identity.h"
#include "sandboxes/native.h"
#include "sandboxes/network.h"

#define OPEN_NS (10 * NS_PER_SEC)
#define PROBE_NS NS_PER_SEC
#define LIFE_NS (24 * 3600 * NS_PER_SEC)
#define ATTACH_NS (30 * NS_PER_SEC)
#define KILL_NS (5 * NS_PER_SEC)
enum { LOW_FIRST = 20000, LOW_COUNT = 40000 };	/* where an engine knows only few ids: nobody's by convention, and each sandbox has its own */

/* ---- files for the container, in the scratch folder */

static int write_file(const char *folder, const char *name, const void *data, size_t len, mode_t mode, struct error *err)
{
	autofree char *path = xasprintf("%s/%s", folder, name);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0 || write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", path);
	return 0;
}

static int write_files(const struct engine_plan *p, struct error *err)
{
	const struct host_view_user user = { .hostname = p->spec->hostname && *p->spec->hostname ? p->spec->hostname : "sandbox" };

	if (mkdir(p->scratch, 0755) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", p->scratch);
	if (write_file(p->scratch, "init", guest_init_program, guest_init_program_len, 0555, err) < 0)
		return -1;
	for (size_t i = 0;; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(1024);
		const char *path = host_view_file(i, &user, &text), *name = path ? strrchr(path, '/') + 1 : NULL;

		if (!path)
			return 0;
		if ((!strcmp(name, "hosts") || !strcmp(name, "resolv.conf")) && write_file(p->scratch, name, text.buf, text.len, 0444, err) < 0)
			return -1;
	}
}

/* What hangs up when we are gone, see GUEST_LIFE_PATH. Nobody inside may write to it. */
static int open_life(const struct engine_plan *p, int *ret_fd, struct error *err)
{
	autofree char *path = xasprintf("%s/life", p->scratch);

	if (mkfifo(path, 0600) < 0 || (*ret_fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)) < 0 || fchmod(*ret_fd, 0444) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", path);
	return 0;
}

/* ---- the container */

struct attempt {
	struct engine_sandbox *es;
	struct engine_plan *plan;
	const struct engine_image *image;
	json_t *inspected;		/* owned */
};

static int make_container(struct attempt *a, struct error *err)
{
	autofree char *path = xasprintf("/containers/create?name=" ENGINE_NAME_PREFIX "%s", a->plan->ref->id);
	struct engine_sandbox *es = a->es;
	json_auto_t *answer = NULL;
	const char *id;

	if (engine_state_add(&es->state, "asking\n") < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", es->state.path);
	if (engine_demand(&es->engine, "POST", path, engine_config(a->plan, a->image), &answer, err) < 0) {
		engine_state_add(&es->state, "answered\n");
		return error_prefix(err, "making the container");
	}
	id = engine_text(answer, "Id", NULL);
	if (strspn(id, "0123456789abcdef") != 64 || id[64])
		return error_set(err, ERR_UNAVAILABLE, "%s does not say which container it has made", es->engine.kind->backend->name);
	snprintf(es->state.container, sizeof(es->state.container), "%s", id);
	if (engine_state_add(&es->state, "container %s\n", id) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", es->state.path);
	return 0;
}

/* Before it starts, so that not a byte is missed, and none is in between when we die. */
static int attach(struct attempt *a, struct error *err)
{
	struct engine_sandbox *es = a->es;
	autofree char *target = xasprintf("/v%s/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1", es->engine.version,
					  es->state.container);
	autostrbuf struct strbuf body = STRBUF_INIT(64 << 10);
	json_auto_t *answer = NULL;
	struct http_answer status;
	int fd;

	if (http_upgrade(es->engine.http, target, ATTACH_NS, &status, &fd, &body, err) < 0)
		return error_prefix(err, "attaching to the container");
	if (fd < 0) {
		json_parse(body.buf, body.len, "answer", &answer, NULL);
		engine_refusal(&es->engine, status.status, answer, err);
		return error_prefix(err, "attaching to the container");
	}
	es->guest.transport = (struct guest_transport){ .to_fd = fd, .from_fd = fd, .engine_frames = true };
	return 0;
}

static void know_first_process(struct attempt *a)
{
	struct engine_sandbox *es = a->es;

	es->state.init = engine_process_of(a->inspected, es->state.container);
	if (es->state.init.pid)
		engine_state_add(&es->state, "init %d %llu\n", es->state.init.pid, (unsigned long long)es->state.init.start);
}

static int start(struct attempt *a, struct error *err)
{
	struct engine_sandbox *es = a->es;
	autofree char *go = xasprintf("/containers/%s/start", es->state.container);
	autofree char *look = xasprintf("/containers/%s/json", es->state.container);

	if (engine_demand(&es->engine, "POST", go, NULL, NULL, err) < 0)
		return error_prefix(err, "starting the container");
	if (engine_demand(&es->engine, "GET", look, NULL, &a->inspected, err) < 0)
		return error_prefix(err, "looking at the container");
	know_first_process(a);
	return 0;
}

/* The container did not start; make room for another of its name. */
static void give_way(struct attempt *a)
{
	autofree char *path = xasprintf("/containers/" ENGINE_NAME_PREFIX "%s?force=1&v=1", a->plan->ref->id);
	const uint64_t deadline = clock_deadline(10 * NS_PER_SEC);
	int status;

	guest_close(&a->es->guest);
	a->es->guest.transport = (struct guest_transport){ .to_fd = -1, .from_fd = -1 };
	do {
		status = engine_call(&a->es->engine, "DELETE", path, NULL, NULL, NULL);
		if (status >= 0 && status != 404)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	} while (status >= 0 && status != 404 && clock_monotonic_ns() < deadline);
	*a->es->state.container = '\0';
}

static int bring_up_as(struct attempt *a, uid_t user, struct error *err)
{
	autostrbuf struct strbuf tar = STRBUF_INIT(4 << 20);
	struct engine_image ours = { .name = "" };
	const struct engine_image *asked = a->image;
	json_auto_t *labels = engine_labels(a->plan);
	int r = -1;

	a->plan->user = user;
	if (!a->plan->spec->image) {
		a->plan->mounts = json_array();
		if (engine_plan_root(a->plan, &tar, err) < 0)
			return -1;
		if (engine_state_add(&a->es->state, "image\n") < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", a->es->state.path);
		r = engine_image_make(&a->es->engine, labels, a->plan->ref->id, &tar, &ours, err);
		engine_state_add(&a->es->state, "answered\n");
		if (r < 0)
			return -1;
		a->image = &ours;
	} else {
		a->plan->mounts = json_array();
	}
	r = make_container(a, err) == 0 && attach(a, err) == 0 && start(a, err) == 0 ? 0 : -1;
	engine_plan_release(a->plan);
	a->image = asked;
	return r;
}

/* An engine run by a user, or one that maps users, does not know the high ids: seen by its failing to start. */
static int bring_up(struct attempt *a, struct error *err)
{
	struct error first = { .code = ERR_OK }, second = { .code = ERR_OK };

	if (bring_up_as(a, identity_nobody(a->plan->ref->id), &first) == 0)
		return 0;
	if (first.code == ERR_UNAVAILABLE && *a->es->state.container) {
		give_way(a);
		if (bring_up_as(a, LOW_FIRST + identity_nobody(a->plan->ref->id) % LOW_COUNT, &second) == 0)
			return 0;
	}
	*err = first;
	return -1;
}

/* By the engine, which may see what we do not; then by us, for it may be what does not answer. */
static void kill_container(void *arg)
{
	struct engine_sandbox *es = arg;
	autofree char *path = xasprintf("/containers/%s/kill?signal=KILL", es->state.container);
	const uint64_t usual_ns = es->engine.call_ns;

	es->engine.call_ns = KILL_NS;
	engine_call(&es->engine, "POST", path, NULL, NULL, NULL);
	es->engine.call_ns = usual_ns;
	if (es->state.init.pid)
		engine_kill_process(es->state.init.pid, es->state.init.start, 0);
}

static int talk(struct engine_sandbox *es, const struct engine_plan *p, struct error *err)
{
	const struct sandbox_limits *l = &p->spec->limits;

	es->guest.setup = (struct guest_setup){
		.limits = { .nofile = l->nofile, .fsize = l->fsize_bytes, .cpu_seconds = (l->cpu_time_ns + NS_PER_SEC - 1) / NS_PER_SEC },
		.deadline_ns = p->life_ns,
		.observe = p->spec->observe,
		.net_bind_service = p->spec->net_bind_service,
		.network = es->network != NULL,
		.output_bytes = l->output_bytes,
	};
	if (!es->cgroup.len) {		/* something, where we cannot see whether the engine holds them */
		es->guest.setup.limits.data = l->memory_bytes;
		es->guest.setup.limits.nproc = l->pids ? l->pids + 1 : 0;
	}
	es->guest.cgroup = &es->cgroup;
	es->guest.own_processes = 1;
	es->guest.kill = kill_container;
	es->guest.kill_arg = es;
	return guest_start(&es->guest, err);
}

/* ---- the network: a forwarder of ours, its sockets inside the container's own namespace, and no way out but those */

enum { NETWORK_NAMESPACE = 3 };		/* of native_namespaces[] */

static int listen_inside(struct engine_sandbox *es, struct network_forwarder *f, struct error *err)
{
	const uint64_t inode = es->guest.report.namespaces[NETWORK_NAMESPACE];

	if (!es->state.init.pid || !inode)
		return error_set(err, ERR_UNAVAILABLE, "the container's first process cannot be seen from here");
	if (engine_state_add(&es->state, "forwarder %d %llu\n", (int)f->pid, (unsigned long long)native_start_time(f->pid)) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", es->state.path);
	return network_enter(es->network, f->inside, es->state.init.pid, inode, err);
}

static int open_network(struct engine_sandbox *es, const struct engine_plan *p, struct error *err)
{
	const struct identity who = identity_choose(p->ref->id, false);
	struct network_forwarder *f = &es->forwarder;
	struct error why = { .code = ERR_OK };

	if (!es->network)
		return 0;
	if (network_forwarder_start(es->network, &who, f, err) < 0)
		return -1;
	if (listen_inside(es, f, &why) < 0)
		return error_set(err, why.code, "%s cannot let steps reach chosen hosts here: %s (it takes root, or a rootless podman of one's own; "
				 "--runtime=native can)", p->kind->backend->name, why.text);
	close(f->inside);
	f->inside = -1;
	es->guest.forwarder = f;
	return 0;
}

/* ---- the backend's operations */

static void close_engine(struct sandbox *sb)
{
	struct engine_sandbox *es = (struct engine_sandbox *)sb;

	guest_close(&es->guest);
	if (es->life_fd >= 0)
		close(es->life_fd);
	network_forwarder_stop(&es->forwarder);
	free(es->network);
	cgroup_close(&es->cgroup);
	engine_state_release(&es->state);
	engine_close(&es->engine);
	free(es);
}

static int check_spec(const struct engine_kind *kind, const struct sandbox_spec *spec, struct error *err)
{
	if (spec->writable_root)
		return error_set(err, ERR_UNAVAILABLE, "%s cannot show what steps change in the system: --runtime=native can", kind->backend->name);
	return 0;
}

static void take_texts(const json_t *config, const char *key, struct strvec *ret)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(config, key), i, item)
		if (json_is_string(item))
			strvec_push(ret, json_string_value(item));
}

/* Into `es`, which is released by the caller either way. */
static int build(struct engine_sandbox *es, struct engine_plan *p, struct control_table *controls, struct error *err)
{
	struct native_root sizes = { .rootfs_fd = -1 };
	struct engine_image image = { .name = "" };
	struct attempt a = { .es = es, .plan = p, .image = &image };
	int r = -1;

	if (engine_open(&es->engine, p->kind, NULL, OPEN_NS, err) < 0 || engine_state_make(&es->state, p->ref, &es->engine, err) < 0)
		return -1;
	p->state = es->state.path;
	native_size_storage(&p->spec->limits, &sizes);
	p->shm_bytes = sizes.tmp_bytes / 4 & ~UINT64_C(4095);
	p->tmp_bytes = sizes.tmp_bytes - p->shm_bytes;
	p->work_bytes = sizes.work_bytes;
	if (write_files(p, err) < 0 || open_life(p, &es->life_fd, err) < 0)
		return -1;
	if (p->spec->image && engine_image_find(&es->engine, p->spec, &image, err) < 0)
		goto out;
	snprintf(es->base.image, sizeof(es->base.image), "%s", image.name);
	take_texts(image.config, "Entrypoint", &es->base.defaults.entrypoint);
	take_texts(image.config, "Cmd", &es->base.defaults.command);
	take_texts(image.config, "Env", &es->base.defaults.environment);
	if (bring_up(&a, err) < 0)
		goto out;
	engine_usage_open(es);
	if (talk(es, p, err) < 0)
		goto out;
	if (!es->state.init.pid)	/* it may not have been itself yet */
		know_first_process(&a);
	if (open_network(es, p, err) < 0)
		goto out;
	if (p->spec->observe && !es->guest.report.own_filter) {
		error_set(err, ERR_UNAVAILABLE, "the first process cannot load its system call filter, and the engine's was left out for it");
		goto out;
	}
	engine_fill_controls(es, p, a.inspected, controls);
	r = 0;
out:
	json_decref(image.volumes);
	json_decref(image.config);
	json_decref(a.inspected);
	return r;
}

static int create(const struct engine_kind *kind, const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	autofree char *scratch = xasprintf("%s/%s-%s.files", ref->endpoint, ref->backend, ref->id);
	struct engine_plan plan = { .kind = kind, .ref = ref, .spec = spec, .scratch = scratch,
		.life_ns = spec->life_ns ? spec->life_ns : LIFE_NS, .masks = STRVEC_INIT };
	struct engine_sandbox *es;

	if (check_spec(kind, spec, err) < 0)
		return -1;
	es = xcalloc(1, sizeof(*es));
	es->base.backend = kind->backend;
	es->base.ref = *ref;
	es->limits = spec->limits;
	es->life_fd = -1;
	es->state = (struct engine_state){ .fd = -1, .cgroups = STRVEC_INIT };
	es->guest.transport = (struct guest_transport){ .to_fd = -1, .from_fd = -1 };
	es->forwarder = (struct network_forwarder){ .pidfd = -1, .events = -1, .inside = -1 };
	if ((spec->network.allow_len && network_plan_make(&spec->network, &es->network, err) < 0) || build(es, &plan, controls, err) < 0) {
		close_engine(&es->base);
		return -1;
	}
	*ret = &es->base;
	return 0;
}

static struct guest *guest_of(struct sandbox *sb)
{
	return &((struct engine_sandbox *)sb)->guest;
}

static int put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	return guest_put(guest_of(sb), sb, file, err);
}

static int exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	return guest_exec(guest_of(sb), sb, cmd, ret, err);
}

static int walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	return guest_walk(guest_of(sb), sb, walk, err);
}

static int get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
	       struct error *err)
{
	return guest_get(guest_of(sb), sb, tree, path, max_bytes, fd, ret, err);
}

static bool probe(const struct engine_kind *kind, char *reason, size_t size)
{
	struct error err = { .code = ERR_OK };
	struct engine e;

	if (engine_open(&e, kind, NULL, PROBE_NS, &err) < 0) {
		snprintf(reason, size, "%s", err.text);
		return false;
	}
	engine_close(&e);
	return true;
}

#define BACKEND(engine_name, text) \
	static bool engine_name##_probe(char *reason, size_t size) { return probe(&engine_##engine_name, reason, size); } \
	static int engine_name##_create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret, \
					struct control_table *controls, struct error *err) \
	{ \
		return create(&engine_##engine_name, ref, spec, ret, controls, err); \
	} \
	static int engine_name##_sweep(struct cleanup_list *list, struct error *err) \
	{ \
		return engine_sweep(&engine_##engine_name, list, err); \
	} \
	const struct sandbox_backend sandbox_backend_##engine_name = { \
		.type = "container", .name = #engine_name, .summary = (text), .images = true, .carries_network = true, .probe = engine_name##_probe, \
		.create = engine_name##_create, .put = put, .exec = exec, .close = close_engine, .destroy = engine_destroy, \
		.walk = walk, .get = get, .usage = engine_usage, .sweep = engine_name##_sweep, .sweep_is_slow = true, \
	}

BACKEND(docker, "a container made by Docker's daemon, our first process in it; images");
BACKEND(podman, "the same by Podman's service");

const struct engine_kind engine_docker = {
	.backend = &sandbox_backend_docker,
	.variable = "DOCKER_HOST",
	.root_socket = "/var/run/docker.sock",
	.user_sockets = { "docker.sock", ".docker/run/docker.sock" },
	.how_to_start = "systemctl start docker; Debian package docker.io",
	.own_users = "one that is rootless, or with userns-remap,",
	.group = "docker",
	.tmpfs_details = true,
	.network_disabled = true,
	.removes_twice = true,
};

const struct engine_kind engine_podman = {
	.backend = &sandbox_backend_podman,
	.variable = "CONTAINER_HOST",
	.root_socket = "/run/podman/podman.sock",
	.user_sockets = { "podman/podman.sock" },
	.how_to_start = "systemctl start podman.socket, or podman system service --time=0; Debian package podman",
	.own_users = "a rootless one",
	.masks_are_options = true,
	.adds_writable = true,
};

const struct engine_kind *engine_kind_of(const char *backend)
{
	return !strcmp(backend, sandbox_backend_podman.name) ? &engine_podman : &engine_docker;
}
