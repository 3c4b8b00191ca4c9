/* SPDX-License-Identifier: Apache-2.0
 * Programs that are executed. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "sandboxes/event.h"

/* ---- programs */

enum { ARGUMENTS_MAX = 4096 };

/* As a shell would have it: quotes only where they are needed. */
static void add_quoted(struct strbuf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

	if (out->len)
		strbuf_addch(out, ' ');
	if (*text && text[strspn(text, plain)] == '\0') {
		strbuf_addstr(out, text);
		return;
	}
	strbuf_addch(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_addstr(out, "'\\''");
		else
			strbuf_addch(out, *text);
	}
	strbuf_addch(out, '\'');
}

static void add_arguments(struct strbuf *out, struct caller *c, uint64_t argv)
{
	char text[EVENT_TEXT_MAX + 1];
	uint64_t pointers[CALLER_PAGE / sizeof(uint64_t)];

	/* those of one page at a time, for reading a text takes another page */
	for (size_t total = 0; total < ARGUMENTS_MAX;) {
		size_t n = (CALLER_PAGE - argv % CALLER_PAGE) / sizeof(pointers[0]);

		n = n ? n : 1;		/* not aligned: across the border */
		if (!caller_read(c, argv, pointers, n * sizeof(pointers[0])))
			return;
		for (size_t i = 0; i < n; i++) {
			if (!pointers[i] || out->overflow || !caller_text(c, pointers[i], text, sizeof(text)))
				return;
			add_quoted(out, text);
		}
		argv += n * sizeof(pointers[0]);
		total += n;
	}
}

static bool is_descriptor(const char *path)
{
	return !strncmp(path, "/proc/", 6) && strstr(path, "/fd/");
}

static void resolve(char path[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n > 0) {
		memcpy(path, target, (size_t)n);
		path[n] = '\0';
	}
}

void observe_exec(struct caller *c, int dirfd, uint64_t path, uint64_t argv, int flags)
{
	autostrbuf struct strbuf arguments = STRBUF_INIT(EVENT_TEXT_MAX);
	struct sandbox_event e = { .kind = SANDBOX_EVENT_EXEC, .allowed = true };
	char name[PATH_MAX] = "", full[PATH_MAX] = "";

	if (caller_text(c, path, name, sizeof(name))) {
		if (!name[0] && !(flags & AT_EMPTY_PATH))
			return;
		if (!caller_path(c, dirfd, name, full))
			snprintf(full, sizeof(full), "%s", name);
		/* somebody tries the folders of PATH one after the other */
		if (name[0] && full[0] == '/' && access(full, X_OK) < 0)
			return;
		if (is_descriptor(full))
			resolve(full);
		if (!strncmp(full, "/memfd:", 7))	/* a program that is in no file */
			e.severity = SANDBOX_MEDIUM;
		add_arguments(&arguments, c, argv);
	}
	e.subject = full;
	e.detail = arguments.buf;
	observer_tell(c->init, c, &e);
}
