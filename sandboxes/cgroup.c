/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/mem.h"

/* The files of both versions. NULL: that version has none. */
static const struct limit_files {
	const char *name;			/* of the controller */
	const char *limit[2];			/* [v2] */
	const char *also[2];			/* swap: set too where it is there */
} limit_files[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = { "memory", { "memory.limit_in_bytes", "memory.max" },
			    { "memory.memsw.limit_in_bytes", "memory.swap.max" } },
	[CGROUP_PIDS] = { "pids", { "pids.max", "pids.max" }, { NULL, NULL } },
	[CGROUP_CPU] = { "cpu", { "cpu.cfs_quota_us", "cpu.max" }, { NULL, NULL } },
};
#define CPU_PERIOD_US 100000u

static bool write_file(int dirfd, const char *name, const char *text)
{
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool read_file(int dirfd, const char *name, char *text, size_t size)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

static uint64_t read_number(int dirfd, const char *name)
{
	char text[64];

	return read_file(dirfd, name, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

const struct cgroup_place *cgroup_place_of(const struct cgroup *cg, enum cgroup_controller c)
{
	for (size_t i = 0; i < cg->len; i++)
		if (cg->places[i].controllers & 1u << c)
			return &cg->places[i];
	return NULL;
}

/* ---- making */

static unsigned int controllers_there(int fd, bool v2, unsigned int wanted)
{
	unsigned int there = 0;

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((wanted & 1u << i) && faccessat(fd, limit_files[i].limit[v2], W_OK, 0) == 0)
			there |= 1u << i;
	return there;
}

/* May we put a process in here? Moving within version 2 asks for the common ancestor, which is the parent. */
static bool may_join_below(const char *parent)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/cgroup.procs", parent);
	return access(parent, W_OK) == 0 && access(path, W_OK) == 0;
}

/* At the top of a version 2 tree that nobody manages the controllers have to be handed down first. Not where processes are, unless that
 * is the real root (which has no type): of a container's own cgroup the kernel would still hand down cpu and pids, but make it
 * "domain threaded" by that, and nobody could make a usable cgroup in it any more. */
static void hand_down(const char *top, unsigned int wanted)
{
	autoclose int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[32];

	if (fd < 0 || (faccessat(fd, "cgroup.type", F_OK, 0) == 0 &&
		       (!read_file(fd, "cgroup.procs", text, sizeof(text)) || *text)))
		return;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		snprintf(text, sizeof(text), "+%s", limit_files[i].name);
		if (wanted & 1u << i)
			write_file(fd, "cgroup.subtree_control", text);
	}
	write_file(fd, "cgroup.subtree_control", "+io");	/* to count */
}

static bool make_place(const struct cgroup_making *making, struct cgroup_place *place, const char *parent, bool v2, unsigned int wanted)
{
	memset(place, 0, sizeof(*place));
	place->fd = -1;
	place->v2 = v2;
	if (!may_join_below(parent) || (size_t)snprintf(place->path, sizeof(place->path), "%s/" CGROUP_PREFIX "%s",
							parent, making->id) >= sizeof(place->path))
		return false;
	making->announce(making->arg, place->path);
	place->fd = cgroup_make_locked(place->path);
	if (place->fd < 0)
		return false;
	place->controllers = controllers_there(place->fd, v2, wanted);
	return true;
}

static void unmake_place(struct cgroup_place *place)
{
	close(place->fd);
	rmdir(place->path);
	place->fd = -1;
}

/* Which of the wanted controllers could children of our own cgroup have, if nobody were in it? */
static unsigned int controllers_offered(const struct cgroup_hierarchy *h, unsigned int wanted)
{
	autoclose int fd = open(h->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[256], name[16];
	unsigned int offered = 0;

	if (fd < 0 || !read_file(fd, "cgroup.controllers", text, sizeof(text)))
		return 0;
	for (char *p = text; sscanf(p, "%15s", name) == 1; p += strspn(p, " \n")) {
		for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
			offered |= strcmp(limit_files[i].name, name) == 0 ? 1u << i : 0;
		p += strspn(p, " \n");
		p += strcspn(p, " \n");
	}
	return offered & wanted;
}

/* Version 1: below our own cgroup, or the nearest ancestor that lets us. Version 2: the nearest one whose children have
 * what we want; failing that one whose children have the most of it, for even without any it can kill. */
static void settle(const struct cgroup_making *making, struct cgroup *cg, const struct cgroup_hierarchy *h, unsigned int wanted)
{
	struct cgroup_place *place = &cg->places[cg->len];
	char parent[sizeof(h->own)], fallback[sizeof(h->own)] = "";
	unsigned int most = 0;
	bool more = true;

	snprintf(parent, sizeof(parent), "%s", h->own);
	while (more) {
		char here[sizeof(h->own)];

		snprintf(here, sizeof(here), "%s", parent);
		more = cgroup_go_up(h, parent);
		if (h->v2 && !more && wanted)
			hand_down(here, wanted);
		if (!make_place(making, place, here, h->v2, wanted))
			continue;
		if (!h->v2 || place->controllers == wanted) {
			cg->len++;
			return;
		}
		if (!*fallback || __builtin_popcount(place->controllers) > __builtin_popcount(most)) {
			snprintf(fallback, sizeof(fallback), "%s", here);
			most = place->controllers;
		}
		unmake_place(place);
	}
	if (h->v2 && (controllers_offered(h, wanted) & ~most) && cgroup_enter_leaf(h))
		snprintf(fallback, sizeof(fallback), "%s", h->own);
	if (*fallback && make_place(making, place, fallback, h->v2, wanted))
		cg->len++;
}

/* ---- limits */

static uint64_t read_limit(const struct cgroup_place *place, enum cgroup_controller c)
{
	char text[64], *end;
	uint64_t quota, period = CPU_PERIOD_US;

	if (!read_file(place->fd, limit_files[c].limit[place->v2], text, sizeof(text)) || *text == 'm' || *text == '-')
		return UINT64_MAX;
	quota = strtoull(text, &end, 10);
	if (c != CGROUP_CPU)
		return quota;
	if (place->v2)
		period = strtoull(end, NULL, 10);
	else
		period = read_number(place->fd, "cpu.cfs_period_us");
	return period ? quota * 1000 / period : UINT64_MAX;
}

/* Version 1 counts memory and swap together, version 2 swap alone. */
static bool swap_is_no_way_out(const struct cgroup_place *place, const struct limit_files *files, uint64_t value)
{
	char text[64];

	return files->also[place->v2] && read_file(place->fd, files->also[place->v2], text, sizeof(text)) && *text >= '0' && *text <= '9' &&
	       strtoull(text, NULL, 10) <= (place->v2 ? 0 : value);
}

/* What is in force of a limit of `value`. */
static void check_limit(const struct cgroup *cg, enum cgroup_controller c, uint64_t value, struct cgroup_state *state)
{
	const struct cgroup_place *place = cgroup_place_of(cg, c);
	const struct limit_files *files = &limit_files[c];

	memset(state, 0, sizeof(*state));
	if (!place) {
		snprintf(state->detail, sizeof(state->detail), "no writable cgroup with the %s controller", files->name);
		return;
	}
	snprintf(state->mechanism, sizeof(state->mechanism), "cgroup v%d %s", place->v2 ? 2 : 1, files->limit[place->v2]);
	if (!value)
		return;
	if (swap_is_no_way_out(place, files, value))
		snprintf(state->swap, sizeof(state->swap), "cgroup v%d %s", place->v2 ? 2 : 1, files->also[place->v2]);
	state->value = read_limit(place, c);
	state->held = state->value <= value;
	if (!state->held)
		snprintf(state->detail, sizeof(state->detail), "%s reads back as %llu", files->limit[place->v2],
			 (unsigned long long)state->value);
}

static void set_limit(const struct cgroup *cg, enum cgroup_controller c, uint64_t value, struct cgroup_state *state)
{
	const struct cgroup_place *place = cgroup_place_of(cg, c);
	const struct limit_files *files = &limit_files[c];
	char text[64];

	if (place && value) {
		if (c != CGROUP_CPU)
			snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
		else
			snprintf(text, sizeof(text), place->v2 ? "%llu %u" : "%llu",
				 (unsigned long long)value * (CPU_PERIOD_US / 1000), CPU_PERIOD_US);
		if (!write_file(place->fd, files->limit[place->v2], text)) {
			memset(state, 0, sizeof(*state));
			snprintf(state->mechanism, sizeof(state->mechanism), "cgroup v%d %s", place->v2 ? 2 : 1, files->limit[place->v2]);
			snprintf(state->detail, sizeof(state->detail), "cannot set %s: %s", files->limit[place->v2], strerror(errno));
			return;
		}
		if (files->also[place->v2])
			write_file(place->fd, files->also[place->v2], place->v2 ? "0" : text);
	}
	check_limit(cg, c, value, state);
}

static void limit_values(const struct cgroup_limits *limits, uint64_t ret[CGROUP_CONTROLLERS])
{
	ret[CGROUP_MEMORY] = limits->memory_bytes;
	ret[CGROUP_PIDS] = limits->pids;
	ret[CGROUP_CPU] = limits->cpu_millis;
}

void cgroup_check(const struct cgroup *cg, const struct cgroup_limits *limits, struct cgroup_state states[CGROUP_CONTROLLERS])
{
	uint64_t values[CGROUP_CONTROLLERS];

	limit_values(limits, values);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		check_limit(cg, (enum cgroup_controller)c, values[c], &states[c]);
}

void cgroup_begin(struct cgroup *cg, struct cgroup_making *making)
{
	memset(cg, 0, sizeof(*cg));
	for (size_t i = 0; i < ARRAY_SIZE(cg->files); i++)
		cg->files[i] = -1;
	making->len = cgroup_hierarchies(making->all);
}

/* A controller is in one version or the other, never in both. */
void cgroup_make_v2(struct cgroup *cg, const struct cgroup_making *making)
{
	unsigned int wanted = (1u << CGROUP_CONTROLLERS) - 1;

	for (size_t i = 0; i < making->len; i++)
		wanted &= ~making->all[i].controllers;
	for (size_t i = 0; i < making->len && cg->len == 0; i++)	/* it may be mounted twice */
		if (making->all[i].v2)
			settle(making, cg, &making->all[i], wanted);
}

void cgroup_make_v1(struct cgroup *cg, const struct cgroup_making *making)
{
	unsigned int missing = (1u << CGROUP_CONTROLLERS) - 1;

	for (size_t i = 0; i < cg->len; i++)
		missing &= ~cg->places[i].controllers;
	for (size_t i = 0; i < making->len && cg->len < CGROUP_PLACES; i++) {
		const struct cgroup_hierarchy *h = &making->all[i];
		size_t before = cg->len;

		if (!(h->controllers & missing))
			continue;
		settle(making, cg, h, h->controllers & missing);
		if (cg->len > before)
			missing &= ~cg->places[before].controllers;
	}
}

void cgroup_limit(struct cgroup *cg, const struct cgroup_limits *limits, struct cgroup_state states[CGROUP_CONTROLLERS])
{
	uint64_t values[CGROUP_CONTROLLERS];

	limit_values(limits, values);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		set_limit(cg, (enum cgroup_controller)c, values[c], &states[c]);
}

void cgroup_create(struct cgroup *cg, const char *id, const struct cgroup_limits *limits,
		   void (*announce)(void *arg, const char *path), void *arg,
		   struct cgroup_state states[CGROUP_CONTROLLERS])
{
	struct cgroup_making making = { .id = id, .announce = announce, .arg = arg };

	cgroup_begin(cg, &making);
	cgroup_make_v2(cg, &making);
	cgroup_make_v1(cg, &making);
	cgroup_limit(cg, limits, states);
	cgroup_open_counters(cg);
}

void cgroup_close(struct cgroup *cg)
{
	cgroup_close_counters(cg);
	for (size_t i = 0; i < cg->len; i++)
		close(cg->places[i].fd);
	cg->len = 0;
}

int cgroup_v2_folder(const struct cgroup *cg)
{
	for (size_t i = 0; i < cg->len; i++)
		if (cg->places[i].v2)
			return cg->places[i].fd;
	return -1;
}

size_t cgroup_open_joins(const struct cgroup *cg, int *fds, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < cg->len && n < max; i++)
		if (!cg->places[i].v2 && (fds[n] = openat(cg->places[i].fd, "tasks", O_WRONLY | O_CLOEXEC)) >= 0)
			n++;
	return n;
}
