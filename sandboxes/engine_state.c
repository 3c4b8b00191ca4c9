/* SPDX-License-Identifier: Apache-2.0
 * The record of what an engine was asked for, one line each, before it was asked. Containers and images survive us and the machine, so
 * it is on disk first. */
#include "sandboxes/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/lease.h"
#include "sandboxes/native.h"

static void set_path(struct engine_state *s, const struct sandbox_ref *ref)
{
	*s = (struct engine_state){ .fd = -1, .cgroups = STRVEC_INIT };
	snprintf(s->path, sizeof(s->path), "%s/%s-%s", ref->endpoint, ref->backend, ref->id);
}

int engine_state_make(struct engine_state *s, const struct sandbox_ref *ref, const struct engine *e, struct error *err)
{
	set_path(s, ref);
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0 || flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", s->path);
	if (engine_state_add(s, "socket %s\n", e->socket) < 0 || fdatasync(s->fd) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", s->path);
	return 0;
}

int engine_state_add(struct engine_state *s, const char *fmt, ...)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	return write_all(s->fd, line.buf, line.len);
}

static bool is_container_id(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len >= 12 && len <= 64 && !text[len];
}

/* A control group that the engine named after the container; other lines are somebody else's idea. */
static bool names_container(const char *path, const char *container)
{
	const char *last = strrchr(path, '/');

	return last && *container && strstr(last, container) && !strstr(path, "/../");
}

static void read_line(struct engine_state *s, const char *line)
{
	unsigned long long start;
	int pid;

	if (!strncmp(line, "socket /", 8))
		snprintf(s->socket, sizeof(s->socket), "%s", line + 7);
	else if (!strcmp(line, "image"))
		s->image = s->asking = true;
	else if (!strcmp(line, "asking") || !strcmp(line, "answered"))
		s->asking = !strcmp(line, "asking");
	else if (!strncmp(line, "container ", 10) && is_container_id(line + 10))
		s->asking = false, snprintf(s->container, sizeof(s->container), "%.64s", line + 10);
	else if (sscanf(line, "init %d %llu", &pid, &start) == 2 && pid > 1)
		s->init = (struct engine_process){ pid, start };
	else if (sscanf(line, "forwarder %d %llu", &pid, &start) == 2 && pid > 1)
		s->forwarder = (struct engine_process){ pid, start };
	else if (!strncmp(line, "cgroup /", 8) && names_container(line + 7, s->container))
		strvec_push(&s->cgroups, line + 7);
}

int engine_state_read(struct engine_state *s, const struct sandbox_ref *ref, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	struct error why = { .code = ERR_OK };
	char *save = NULL;

	set_path(s, ref);
	if (file_read(s->path, &text, &why) < 0) {
		if (why.sys == ENOENT || why.sys == ENOTDIR)
			return 0;
		return error_set(err, ERR_CLEANUP, "%s", why.text);
	}
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_line(s, line);
	return 1;
}

void engine_state_release(struct engine_state *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	strvec_release(&s->cgroups);
}

bool engine_state_is_orphan(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

bool engine_is_here(const json_t *labels)
{
	struct stat st;
	char here[32];

	if (stat("/proc/self/ns/mnt", &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%llu", (unsigned long long)st.st_ino);
	return !strcmp(engine_text(labels, ENGINE_LABEL_WHERE, NULL), here);
}

bool engine_is_orphan(const json_t *labels)
{
	const char *state = engine_text(labels, ENGINE_LABEL_STATE, NULL);

	if (lease_is_over(engine_text(labels, ENGINE_LABEL_DEADLINE, NULL), clock_realtime_ns() / NS_PER_SEC))
		return true;
	return engine_is_here(labels) && *state == '/' && engine_state_is_orphan(state);
}

static bool has_line(const char *text, const char *start, const char *end)
{
	const char *line = strstr(text, start);
	const char *stop = line ? line + strlen(start) + strcspn(line + strlen(start), "\n") : NULL;

	return stop && (size_t)(stop - line) > strlen(start) + strlen(end) && !memcmp(stop - strlen(end), end, strlen(end));
}

/* Its control groups are named after the container; where it has none, it is ours by its program, and the first of a pid namespace. */
static bool is_of_container(int pid, const char *container)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10), status = STRBUF_INIT(64 << 10);
	autofree char *cgroup = xasprintf("/proc/%d/cgroup", pid), *command = xasprintf("/proc/%d/cmdline", pid);
	autofree char *state = xasprintf("/proc/%d/status", pid);

	if (file_read(cgroup, &text, NULL) == 0 && strstr(text.buf, container))
		return true;
	strbuf_clear(&text);
	return file_read(command, &text, NULL) == 0 && !strcmp(text.buf, ENGINE_INIT_PATH) && file_read(state, &status, NULL) == 0 &&
		has_line(status.buf, "\nNSpid:", "\t1");
}

struct engine_process engine_process_of(const json_t *inspected, const char *container)
{
	struct engine_process p = { .pid = (int)engine_number(inspected, "State", "Pid", NULL) };

	p.start = p.pid > 1 ? native_start_time(p.pid) : 0;
	if (!p.start || !is_of_container(p.pid, container) || native_start_time(p.pid) != p.start)
		return (struct engine_process){ 0 };
	return p;
}
