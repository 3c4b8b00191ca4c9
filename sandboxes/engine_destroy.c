/* SPDX-License-Identifier: Apache-2.0
 * Undoing a container from its ref alone, and finding those whose runner is dead. The engine's word that something is gone is not taken
 * for it: the first process and the control groups are looked for as well. What has not our label is never touched. */
#include "sandboxes/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/native.h"

#define OPEN_NS (5 * NS_PER_SEC)
#define CALL_NS (30 * NS_PER_SEC)	/* one that has stopped to answer must not keep us for ever */
#define GONE_NS (20 * NS_PER_SEC)	/* an engine under load removes slowly */
#define DIE_NS (5 * NS_PER_SEC)
#define REMOVE_NS (5 * NS_PER_SEC)	/* for an engine to do by itself what is asked of it next */
#define LATE_LOOKS 8			/* for what an engine was asked for and has not answered */
#define LATE_MS 200

struct undo {
	struct engine *engine;		/* NULL: cannot be reached */
	struct cleanup_list *list;
	bool failed;
};

static void note(struct undo *u, const char *kind, const char *name, bool gone, const char *proof)
{
	cleanup_add(u->list, kind, name, gone, proof);
	u->failed |= !gone;
}

static void nap(unsigned int *ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)*ms * 1000000 }, NULL);
	if (*ms < 100)
		*ms *= 2;
}

/* ---- what the kernel has of it */

static bool has_ended(int pidfd, uint64_t timeout_ns)
{
	const uint64_t deadline = clock_deadline(timeout_ns);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do {
		r = poll(&p, 1, clock_poll_timeout(deadline));
	} while (r < 0 && errno == EINTR);
	return r > 0;	/* also of one that nobody has buried yet */
}

bool engine_kill_process(int pid, uint64_t start, uint64_t patience_ns)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return errno == ESRCH;
	if (native_start_time(pid) != start || has_ended(pidfd, patience_ns))
		return true;
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return has_ended(pidfd, DIE_NS);
}

static void undo_process(struct undo *u, const char *what, const struct engine_process *p, uint64_t patience_ns)
{
	char name[64];
	bool gone;

	if (!p->pid)
		return;
	snprintf(name, sizeof(name), "%s %d", what, p->pid);
	gone = engine_kill_process(p->pid, p->start, patience_ns);
	note(u, "process", name, gone, gone ? "no process has this pid and start time" : "still there after SIGKILL");
}

/* With engine or without: is anything of it running? */
static void undo_processes(struct undo *u, const struct engine_state *s)
{
	undo_process(u, "network forwarder", &s->forwarder, 0);
	undo_process(u, "container's first process", &s->init, u->engine ? DIE_NS : 0);
}

/* Engines remove theirs when the last process is gone; what they leave behind, because one of their helpers was killed, is
 * ours to remove: the container's id is in the path. */
static void undo_cgroup(struct undo *u, const char *path)
{
	const uint64_t deadline = clock_deadline(u->engine ? NS_PER_SEC : 0);
	unsigned int ms = 1;
	int r;

	while (access(path, F_OK) == 0 && clock_monotonic_ns() < deadline)
		nap(&ms);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		note(u, "cgroup", path, true, "ENOENT");
		return;
	}
	r = cgroup_remove(path, DIE_NS);
	note(u, "cgroup", path, r >= 0, r > 0 ? "the engine had left it: removed" : r == 0 ? "ENOENT" : strerror(errno));
}

/* Version 1 has a tree for every controller, and not all of them are of use to us: where it is in one, it is looked for in the others. */
static void undo_cgroup_elsewhere(struct undo *u, const char *path)
{
	autostrbuf struct strbuf mounts = STRBUF_INIT(64 << 20);
	autostrvec struct strvec places = STRVEC_INIT;
	const char *below = NULL;
	char *save = NULL;

	if (file_read("/proc/self/mountinfo", &mounts, NULL) < 0)
		return;
	for (char *line = strtok_r(mounts.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char place[256];
		size_t len;

		if (!strstr(line, " - cgroup") || sscanf(line, "%*d %*d %*s %*s %255s", place) != 1)
			continue;
		len = strlen(place);
		if (!strncmp(path, place, len) && path[len] == '/')
			below = path + len;
		else
			strvec_push(&places, place);
	}
	for (size_t i = 0; below && i < places.len; i++) {
		autofree char *other = xasprintf("%s%s", places.items[i], below);

		if (access(other, F_OK) == 0)
			undo_cgroup(u, other);
	}
}

static void undo_cgroups(struct undo *u, const struct engine_state *s)
{
	for (size_t i = 0; i < s->cgroups.len; i++)
		undo_cgroup(u, s->cgroups.items[i]);
	if (s->cgroups.len)
		undo_cgroup_elsewhere(u, s->cgroups.items[0]);
}

/* ---- what the engine has of it */

/* Was it not in the record, because we were killed before it could be written? */
static void learn_process(struct undo *u, struct engine_state *s, const char *id)
{
	autofree char *path = xasprintf("/containers/%s/json", id);
	json_auto_t *container = NULL;
	struct cgroup cg = { .len = 0 };

	if (s->init.pid || engine_demand(u->engine, "GET", path, NULL, &container, NULL) < 0)
		return;
	s->init = engine_process_of(container, id);
	if (!s->init.pid)
		return;
	cgroup_adopt(&cg, s->init.pid, id);
	for (size_t i = 0; i < cg.len; i++)
		strvec_push(&s->cgroups, cg.places[i].path);
	cgroup_close(&cg);
}

/* Until the engine knows it no more. Removing may be under way already, for the end of its runner is the end of a container, and engines answer
 * all kinds of things then: only the last answer counts. */
static void undo_object(struct undo *u, const char *kind, const char *name, const char *remove, const char *look)
{
	const uint64_t deadline = clock_deadline(GONE_NS);
	struct error why = { .code = ERR_OK };
	unsigned int ms = 2;
	int status;

	for (;; nap(&ms)) {
		json_auto_t *answer = NULL;

		status = engine_call(u->engine, "DELETE", remove, NULL, &answer, &why);
		if (status >= 400 && status != 404)
			engine_refusal(u->engine, status, answer, &why);
		if (status >= 0 && status != 404)
			status = engine_call(u->engine, "GET", look, NULL, NULL, &why);
		if (status < 0 || status == 404 || clock_monotonic_ns() > deadline)
			break;
	}
	note(u, kind, name, status == 404, status == 404 ? "removed; the engine knows it no more" : *why.text ? why.text : "the engine still has it");
}

/* What the engine says of a container: "running", "created" …; "": nothing, for it is not there. In a list there may be one that is not:
 * docker forgets it twice, and notes it once more in between. */
static const char *status_of(struct undo *u, const char *look, char out[16])
{
	json_auto_t *container = NULL;
	int status = engine_call(u->engine, "GET", look, NULL, &container, NULL);

	snprintf(out, 16, "%s", status == 404 ? "" : status == 200 ? engine_text(container, "State", "Status", NULL) : "unknown");
	return out;
}

static bool is_listed_only(struct undo *u, const char *id)
{
	autofree char *look = xasprintf("/containers/%s/json", id);
	char status[16];

	return !*status_of(u, look, status);
}

/* The end of a container is its removal, unless something is in the way of it. To remove it by force meanwhile is what makes docker forget
 * it twice. */
static bool goes_by_itself(struct undo *u, const char *id, const char *look)
{
	autofree char *kill = xasprintf("/containers/%s/kill?signal=KILL", id);
	const uint64_t deadline = clock_deadline(REMOVE_NS);
	unsigned int ms = 2;
	char status[16];

	if (!strcmp(status_of(u, look, status), "created"))
		return false;
	if (!strcmp(status, "running"))
		engine_call(u->engine, "POST", kill, NULL, NULL, NULL);
	for (; *status_of(u, look, status) && strcmp(status, "unknown") && clock_monotonic_ns() < deadline; nap(&ms)) {}
	return !*status;
}

static void undo_container(struct undo *u, const char *id)
{
	autofree char *remove = xasprintf("/containers/%s?force=1&v=1", id);
	autofree char *look = xasprintf("/containers/%s/json", id);
	autofree char *name = xasprintf("%.12s", id);

	if (u->engine->kind->removes_twice && goes_by_itself(u, id, look))
		note(u, "container", name, true, "removed; the engine knows it no more");
	else
		undo_object(u, "container", name, remove, look);
}

static void undo_image(struct undo *u, const char *id)
{
	autofree char *remove = xasprintf("/images/%s?force=1", id);
	autofree char *look = xasprintf("/images/%s/json", id);
	autofree char *name = xasprintf("%.19s", id);

	undo_object(u, "image", name, remove, look);
}

/* Everything below `path` that has our label, with that value or any: `call` for each. -1: the engine does not say. */
static int each_labelled(struct engine *e, const char *path, const char *id, void (*call)(void *arg, const json_t *item), void *arg,
			 struct error *err)
{
	autofree char *target = engine_labelled(path, ENGINE_LABEL, id);
	json_auto_t *list = NULL;
	const json_t *item;
	size_t i;

	if (engine_demand(e, "GET", target, NULL, &list, err) < 0)
		return -1;
	if (!json_is_array(list))
		return error_set(err, ERR_CLEANUP, "%s answers no list", e->kind->backend->name);
	json_array_foreach(list, i, item) {
		/* the filter is the engine's; this is ours */
		const char *label = json_string_value(json_object_get(json_object_get(item, "Labels"), ENGINE_LABEL));

		if (label && (!id || !strcmp(label, id)) && *engine_text(item, "Id", NULL))
			call(arg, item);
	}
	return 0;
}

struct finding {
	struct undo *undo;
	struct engine_state *state;
};

static void take_container(void *arg, const json_t *item)
{
	struct finding *f = arg;

	learn_process(f->undo, f->state, engine_text(item, "Id", NULL));
	undo_container(f->undo, engine_text(item, "Id", NULL));
}

static void take_image(void *arg, const json_t *item)
{
	undo_image(((struct finding *)arg)->undo, engine_text(item, "Id", NULL));
}

static int undo_all(struct undo *u, struct engine_state *s, const char *id, struct error *err)
{
	struct finding f = { .undo = u, .state = s };
	int before = u->list ? (int)u->list->len : 0;
	unsigned int ms = LATE_MS;

	/* what was asked for a moment before its runner died may still be on its way */
	for (int looks = s->asking ? LATE_LOOKS : 1; looks > 0; looks--) {
		if (each_labelled(u->engine, "/containers/json?all=1", id, take_container, &f, err) < 0 ||
		    (s->image && each_labelled(u->engine, "/images/json?all=1", id, take_image, &f, err) < 0))
			return -1;
		if (looks > 1)
			nap(&ms);
	}
	if (u->list && (int)u->list->len == before)
		note(u, "container", id, true, "the engine has nothing with this label");
	undo_processes(u, s);
	undo_cgroups(u, s);
	return 0;
}

/* ---- from the ref */

static int undo_files(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	autoclose int scratch = open(ref->endpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *name = xasprintf("%s-%s.files", ref->backend, ref->id);
	struct stat st;

	if (scratch < 0 || fstatat(scratch, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (remove_tree_at(scratch, name, err) < 0) {
		cleanup_add(list, "directory", name, false, err ? err->text : "cannot be removed");
		return error_set(err, ERR_CLEANUP, "cannot remove '%s/%s'", ref->endpoint, name);
	}
	cleanup_add(list, "directory", name, true, "removed");
	return 0;
}

/* What can be done without an engine that answers: nothing of it runs any more. The rest stays on record. */
static int undo_without_engine(struct undo *u, const struct engine_state *s, const struct sandbox_ref *ref, const struct error *why,
			       struct error *err)
{
	autofree char *name = xasprintf(ENGINE_NAME_PREFIX "%s", ref->id);

	undo_processes(u, s);
	note(u, "container", name, false, "the engine cannot be asked");
	return error_set(err, ERR_CLEANUP, "container '%s' may still be there, and so may its image: %s; then 'sandbox_runner gc' removes them",
			 name, why->text);
}

int engine_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	struct undo u = { .list = list };
	struct error why = { .code = ERR_OK };
	struct engine_state s;
	struct engine e;
	int r = engine_state_read(&s, ref, err);

	if (r > 0 && *s.socket) {
		r = engine_open(&e, engine_kind_of(ref->backend), s.socket, OPEN_NS, &why);
		if (r == 0) {
			e.call_ns = CALL_NS;
			u.engine = &e;
			r = undo_all(&u, &s, ref->id, &why);
			engine_close(&e);
			u.engine = NULL;
		}
		if (r < 0)
			r = undo_without_engine(&u, &s, ref, &why, err);
	}
	engine_state_release(&s);
	if (r < 0 || u.failed)
		return r < 0 ? -1 : error_set(err, ERR_CLEANUP, "something of it is still there");
	if (undo_files(ref, list, err) < 0)
		return -1;
	/* last: it says what else there is */
	if (unlink(s.path) < 0 && errno != ENOENT && errno != ENOTDIR) {
		cleanup_add(list, "state_file", s.path, false, strerror(errno));
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", s.path);
	}
	cleanup_add(list, "state_file", s.path, true, "unlinked");
	return 0;
}

/* ---- those whose runner is dead */

static void sweep_container(void *arg, const json_t *item)
{
	struct undo *u = arg;
	struct engine_state s = { .fd = -1, .cgroups = STRVEC_INIT };

	if (!engine_is_orphan(json_object_get(item, "Labels")) || is_listed_only(u, engine_text(item, "Id", NULL)))
		return;
	learn_process(u, &s, engine_text(item, "Id", NULL));
	undo_container(u, engine_text(item, "Id", NULL));
	undo_processes(u, &s);
	undo_cgroups(u, &s);
	engine_state_release(&s);
}

static void sweep_image(void *arg, const json_t *item)
{
	if (engine_is_orphan(json_object_get(item, "Labels")))
		undo_image(arg, engine_text(item, "Id", NULL));
}

int engine_sweep(const struct engine_kind *kind, struct cleanup_list *list, struct error *err)
{
	struct engine e;
	struct undo u = { .engine = &e, .list = list };
	int r;

	if (engine_open(&e, kind, NULL, NS_PER_SEC, NULL) < 0)
		return 0;	/* no engine, nothing of ours in it */
	e.call_ns = CALL_NS;
	r = each_labelled(&e, "/containers/json?all=1", NULL, sweep_container, &u, err);
	if (r == 0)
		r = each_labelled(&e, "/images/json?all=1", NULL, sweep_image, &u, err);
	engine_close(&e);
	return r < 0 || !u.failed ? r : error_set(err, ERR_CLEANUP, "%s still has something of a dead run", kind->backend->name);
}
