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
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

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
		s->image = true;
	else if (!strncmp(line, "container ", 10) && is_container_id(line + 10))
		snprintf(s->container, sizeof(s->container), "%.64s", line + 10);
	else if (sscanf(line, "init %d %llu", &pid, &start) == 2 && pid > 1)
		s->pid = pid, s->start = start;
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
