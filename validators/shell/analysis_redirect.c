/* SPDX-License-Identifier: Apache-2.0
 * analysis_redirect: what descriptors are open on while a command runs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

struct stream *stream_new(struct walker *w, struct shell_value value, size_t from)
{
	struct stream *s = arena_alloc(w->arena, sizeof(*s));

	s->value = value;
	s->from = from;
	return s;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_network(const char *path)
{
	return has_prefix(path, "/dev/tcp/") || has_prefix(path, "/dev/udp/");
}

#define NAMED (FDS - 1)		/* {name}<file, and <&$name */

/* Where a descriptor is kept. */
static int slot(int fd)
{
	return fd < 0 ? NAMED : fd < 10 ? fd : 10 + fd % (NAMED - 10);
}

/* The descriptor that a name or number stands for; -1: none. */
int descriptor(const char *s)
{
	if (!strcmp(s, "/dev/stdin"))
		return 0;
	if (!strcmp(s, "/dev/stdout"))
		return 1;
	if (!strcmp(s, "/dev/stderr"))
		return 2;
	if (has_prefix(s, "/dev/fd/"))
		s += strlen("/dev/fd/");
	if (isdigit((unsigned char)s[0]) && strspn(s, "0123456789-") == strlen(s) && strlen(s) < 6)
		return slot((int)strtol(s, NULL, 10));
	return s[0] == '$' && s[1] == '{' ? NAMED : -1;
}

static void add_effect(struct walker *w, enum shell_access access, const struct shell_value *at, const char *path, size_t len,
		       struct shell_effect **effects, size_t *n)
{
	struct shell_effect *e;

	*effects = arena_append(w->arena, *effects, *n, sizeof(**effects));
	e = &(*effects)[(*n)++];
	e->access = access;
	e->path = *at;
	e->path.text = path;
	e->path.len = len;
}

static struct stream *discarding(struct walker *w)
{
	struct stream *s = stream_new(w, value_text("", 0, 0), SHELL_NO_COMMAND);

	s->discards = true;
	return s;
}

static void open_path(struct walker *w, const struct shell_redirect *r, struct shell_value target,
		      struct shell_effect **effects, size_t *n)
{
	bool reads = r->op == REDIRECT_READ || r->op == REDIRECT_READ_WRITE, written;
	struct stream *s = stream_new(w, value_text("", 0, 0), SHELL_NO_COMMAND);
	const char *path = target.text;
	size_t len = target.len;

	s->append = r->op == REDIRECT_APPEND;
	if (value_unknown_len(target.text, target.len) && target.text[0] == '<') {	/* < <(…) */
		s->value = file_content(w, target.text, &written);
	} else if (!strcmp(target.text, "/dev/null") || has_prefix(target.text, ">(")) {
		s->discards = true;
	} else {
		path = knowledge_path(w->arena, w->cwd, target.text, target.len, &len);
		s->path = path;
		if (reads) {
			add_effect(w, ACCESS_READ, &target, path, len, effects, n);
			s->value = file_content(w, path, &written);
		}
		if (r->op != REDIRECT_READ)
			add_effect(w, s->append ? ACCESS_APPEND : ACCESS_WRITE, &target, path, len, effects, n);
	}
	if (!s->value.source_len) {
		s->value.offset = target.offset;
		s->value.source_len = target.source_len;
	}
	w->fds[slot(r->fd)] = s;
	if (r->both)
		w->fds[2] = s;
}

static void duplicate(struct walker *w, const struct shell_redirect *r, int from, const struct shell_value *target,
		      struct shell_effect **effects, size_t *n)
{
	struct stream *s;

	if (from < 0)
		return;
	s = w->fds[from];
	if (!s && r->fd == 1 && from == 2)
		s = discarding(w);
	w->fds[slot(r->fd)] = s;
	if (s && s->path && is_network(s->path))
		add_effect(w, r->op == REDIRECT_DUP_IN || r->fd == 0 ? ACCESS_READ : ACCESS_WRITE, target, s->path,
			   strlen(s->path), effects, n);
}

static struct shell_value with_newline(struct walker *w, const struct shell_value *v)
{
	struct capture line = CAPTURE_INIT;
	struct shell_value end = value_text("\n", 1, ORIGIN_LITERAL);

	capture_add(w, &line, v);
	capture_add(w, &line, &end);
	return capture_value(w, &line);
}

static void redirect_one(struct walker *w, const struct shell_redirect *r, struct shell_effect **effects, size_t *n)
{
	bool odd;
	struct shell_value target = expand_single(w, &r->target, &odd);
	int fd = descriptor(target.text);

	if (r->op == REDIRECT_HERE_STRING)
		target = with_newline(w, &target);
	switch (r->op) {
	case REDIRECT_HERE_STRING:
	case REDIRECT_HERE_DOCUMENT:
		w->fds[slot(r->fd)] = stream_new(w, target, SHELL_NO_COMMAND);
		break;
	case REDIRECT_DUP_IN:
	case REDIRECT_DUP_OUT:
		duplicate(w, r, fd, &target, effects, n);
		break;
	default:
		if (fd >= 0 && target.text[0] == '/')
			duplicate(w, r, fd, &target, effects, n);
		else
			open_path(w, r, target, effects, n);
	}
}

void redirect_open(struct walker *w, const struct shell_redirect *redirects, size_t n, struct redirected *ret,
		   struct shell_effect **effects, size_t *effects_len)
{
	struct stream *out;

	ret->active = n > 0;
	if (!n)
		return;
	ret->path = NULL;
	ret->reader = NULL;
	memcpy(ret->fds, w->fds, sizeof(ret->fds));
	for (size_t i = 0; i < n; i++) {
		const struct shell_word *target = &redirects[i].target;
		const struct shell_part *only = target->len == 1 ? target->parts : NULL;

		if (redirects[i].fd == 1 && only && only->kind == PART_PROCESS && only->output) {
			ret->reader = only->body;
			w->fds[1] = discarding(w);
		} else {
			redirect_one(w, &redirects[i], effects, effects_len);
		}
	}
	ret->out = w->out;
	out = w->fds[1];
	if (!out || out == ret->fds[1])
		return;
	if (ret->reader || (out->path && !is_network(out->path))) {
		ret->file = (struct capture)CAPTURE_INIT;
		ret->path = out->path;
		ret->append = out->append;
		w->out = &ret->file;
	} else {
		w->out = NULL;
	}
}

void redirect_close(struct walker *w, struct redirected *r)
{
	struct shell_value v;

	if (!r->active)
		return;
	memcpy(w->fds, r->fds, sizeof(r->fds));
	w->out = r->out;
	if (!r->path && !r->reader)
		return;
	v = capture_value(w, &r->file);
	if (r->reader) {
		struct snapshot s = scope_enter(w);

		w->fds[0] = stream_new(w, v, w->len ? w->len - 1 : SHELL_NO_COMMAND);
		walk_list(w, r->reader);
		scope_leave(w, &s);
		return;
	}
	file_write(w, r->path, &v, r->append, false);
}
