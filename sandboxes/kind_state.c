/* SPDX-License-Identifier: Apache-2.0
 * The record of a cluster, written before anything of it is made. */
#include "sandboxes/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

void kind_state_init(struct kind_state *s, const struct sandbox_ref *ref)
{
	*s = (struct kind_state){ .fd = -1 };
	snprintf(s->path, sizeof(s->path), "%s/%s-%s", ref->endpoint, ref->backend, ref->id);
	snprintf(s->files, sizeof(s->files), "%s.files", s->path);
	snprintf(s->kubeconfig, sizeof(s->kubeconfig), "%s/kubeconfig", s->files);
	snprintf(s->name, sizeof(s->name), KIND_NAME_PREFIX "%s", ref->id);
}

int kind_state_make(struct kind_state *s, const struct kind_tools *tools, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	snprintf(s->provider, sizeof(s->provider), "%s", tools->engine.kind->backend->name);
	snprintf(s->socket, sizeof(s->socket), "%s", tools->engine.socket);
	strbuf_addf(&text, "provider %s\nsocket %s\nname %s\n", s->provider, s->socket, s->name);
	if (*s->warm)
		strbuf_addf(&text, "namespace %s\nwarm %s\n", s->namespace, s->warm);
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0 || flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", s->path);
	if (write_all(s->fd, text.buf, text.len) < 0 || fdatasync(s->fd) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", s->path);
	if (mkdir(s->files, 0700) < 0 && errno != EEXIST)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", s->files);
	return 0;
}

int kind_state_made(struct kind_state *s, struct error *err)
{
	s->made = true;
	if (write_all(s->fd, "made\n", 5) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", s->path);
	return 0;
}

int kind_state_read(struct kind_state *s, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	struct error why = { .code = ERR_OK };
	char *save = NULL;

	if (file_read(s->path, &text, &why) < 0)
		return why.sys == ENOENT || why.sys == ENOTDIR ? 0 : error_set(err, ERR_CLEANUP, "%s", why.text);
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct { const char *word; char *to; size_t size; } rows[] = {
			{ "provider ", s->provider, sizeof(s->provider) }, { "socket ", s->socket, sizeof(s->socket) },
			{ "name ", s->named, sizeof(s->named) }, { "namespace ", s->namespace, sizeof(s->namespace) }, { "warm ", s->warm, sizeof(s->warm) },
		};

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (!strncmp(line, rows[i].word, strlen(rows[i].word)))
				snprintf(rows[i].to, rows[i].size, "%s", line + strlen(rows[i].word));
		if (!strcmp(line, "made"))
			s->made = true;
	}
	return 1;
}

void kind_state_release(struct kind_state *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
