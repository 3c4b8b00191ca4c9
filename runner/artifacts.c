/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/effects_json.h"

#define MANIFEST "artifacts.json"
#define NEW_MANIFEST MANIFEST ".new"
#define CONTENT "files"
#define LEFT_OUT_LISTED 10000	/* in the manifest; the rest is counted */

struct artifacts {
	char *target;
	int dir_fd, content_fd;
};

struct collection {
	struct artifacts *a;
	struct sandbox *sandbox;
	const struct artifacts_limits *limits;
	struct cancel *cancel;
	struct artifacts_summary *summary;
	json_t *files, *left_out;
	bool over;		/* the target is full, or nobody wants to wait: the rest is only counted */
};

void artifacts_summary_release(struct artifacts_summary *s)
{
	free(s->folder);
	free(s->problem);
	*s = (struct artifacts_summary){ .folder = NULL };
}

/* ---- the folder */

/* The manifest of an earlier collection begins like this; nobody else's file does. */
static const char manifest_head[] = "{\n  \"schema\": \"sandbox_runner/artifacts\",\n";

static bool holds_collection(int dir_fd)
{
	autoclose int fd = openat(dir_fd, MANIFEST, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[sizeof(manifest_head) - 1];

	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && !memcmp(head, manifest_head, sizeof(head));
}

static int clear_folder(struct artifacts *a, struct error *err)
{
	const bool ours = holds_collection(a->dir_fd);
	int fd = openat(a->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	if (!dir)
		return error_sys(err, ERR_UNAVAILABLE, "cannot read folder '%s'", a->target);
	while (r == 0 && (e = readdir(dir))) {
		const bool known = !strcmp(e->d_name, MANIFEST) || !strcmp(e->d_name, NEW_MANIFEST) || !strcmp(e->d_name, CONTENT);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && (!ours || !known))
			r = error_set(err, ERR_UNAVAILABLE, "folder '%s' is not empty and holds no earlier collection; give another name", a->target);
	}
	closedir(dir);
	if (r < 0 || !ours)
		return r;
	return remove_tree_at(a->dir_fd, CONTENT, err);
}

/* In one step, so that there always is one: it tells the folder for ours. 0, or -1 with errno. */
static int write_manifest(const struct artifacts *a, const json_t *o)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autoclose int fd = openat(a->dir_fd, NEW_MANIFEST, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	json_write(o, 2, &text);
	strbuf_addch(&text, '\n');
	if (fd >= 0 && write_all(fd, text.buf, text.len) == 0 && renameat(a->dir_fd, NEW_MANIFEST, a->dir_fd, MANIFEST) == 0)
		return 0;
	if (fd >= 0)
		unlinkat(a->dir_fd, NEW_MANIFEST, 0);
	return -1;
}

static json_t *new_manifest(const struct artifacts_summary *s, const char *run_id)
{
	json_t *o = json_object();

	json_put_text(o, "schema", "sandbox_runner/artifacts");
	json_put_int(o, "schema_version", 1);
	json_put_text(o, "run_id", run_id);	/* null: not collected yet, or never */
	json_put_int(o, "files_saved", (int64_t)s->files);
	json_put_int(o, "folders_saved", (int64_t)s->folders);
	json_put_int(o, "bytes_saved", (int64_t)s->bytes);
	json_put_int(o, "files_left_out", (int64_t)s->left_out);
	json_put_text(o, "problem", s->problem);
	return o;
}

static int open_folders(struct artifacts *a, struct error *err)
{
	static const struct artifacts_summary nothing;
	json_auto_t *manifest = new_manifest(&nothing, NULL);


	if (make_dirs(a->target, 0700, err) < 0)
		return -1;
	a->dir_fd = open(a->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir_fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open folder '%s'", a->target);
	if (clear_folder(a, err) < 0)
		return -1;
	if (write_manifest(a, manifest) < 0 || mkdirat(a->dir_fd, CONTENT, 0700) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write to folder '%s'", a->target);
	a->content_fd = openat(a->dir_fd, CONTENT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return a->content_fd < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot open folder '%s/" CONTENT "'", a->target) : 0;
}

int artifacts_open(const char *dir, bool only_if_any, struct artifacts **ret, struct error *err)
{
	struct artifacts *a = xcalloc(1, sizeof(*a));

	a->target = xstrdup(dir);
	a->dir_fd = a->content_fd = -1;
	if (!only_if_any && open_folders(a, err) < 0) {
		artifacts_close(a);
		return -1;
	}
	*ret = a;
	return 0;
}

void artifacts_close(struct artifacts *a)
{
	if (!a)
		return;
	autoclose_(&a->dir_fd);
	autoclose_(&a->content_fd);
	free(a->target);
	free(a);
}

/* ---- one after the other */

static bool is_taken(const struct effect *e)
{
	return e->area == EFFECT_WORK && e->change != EFFECT_DELETED;
}

static void leave_out(struct collection *c, const struct effect *e, const char *why)
{
	json_t *o;

	if (c->summary->left_out++ >= LEFT_OUT_LISTED)
		return;
	o = json_object();
	json_put_text(o, "path", e->path);
	json_put(o, "path_hex", effects_path_hex(e->path, NULL));
	json_put_text(o, "why", why);
	json_push(c->left_out, o);
}

/* Something that matters is not there. The first one is told. */
static void note_problem(struct collection *c, const struct effect *e, const char *why)
{
	leave_out(c, e, why);
	if (!c->summary->problem)
		c->summary->problem = xasprintf("'%s': %s", e->path, why);
}

/* The folder that is to hold the last part of `path`, which *name gets. Made where it is missing: its own effect may come later, or never. */
static int open_parent(int top, const char *path, const char **name)
{
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (const char *slash; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		autofree char *part = xstrndup(path, (size_t)(slash - path));
		int next;

		if (mkdirat(fd, part, 0700) < 0 && errno != EEXIST)
			next = -1;
		else
			next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		autoclose_(&fd);
		fd = next;
	}
	*name = path;
	return fd;
}

static int save_file(struct collection *c, const struct effect *e, struct error *err)
{
	const char *name;
	autoclose int parent = open_parent(c->a->content_fd, e->path, &name);
	autoclose int fd = parent < 0 ? -1 : openat(parent, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint64_t n = 0;
	int r;

	if (fd < 0)
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "cannot be written");
	r = sandbox_get(c->sandbox, e->tree, e->path, e->after.size, fd, &n, err);
	if (r == 0 && n != e->after.size)
		r = error_set(err, ERR_INVALID_INPUT, "its content could not be read to the end");
	if (r == 0 && fchmod(fd, e->after.mode & 0777) < 0)
		r = error_sys(err, ERR_RESOURCE_EXHAUSTED, "its mode cannot be set");
	if (r < 0)
		unlinkat(parent, name, 0);
	return r;
}

static int save_folder(struct collection *c, const struct effect *e, struct error *err)
{
	const char *name;
	autoclose int parent = open_parent(c->a->content_fd, e->path, &name);

	if (parent < 0 || (mkdirat(parent, name, 0700) < 0 && errno != EEXIST))
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "cannot be made");
	return 0;
}

static void tell(struct collection *c, const struct effect *e)
{
	json_t *o = json_object();

	json_put_text(o, "path", e->path);
	json_put(o, "path_hex", effects_path_hex(e->path, NULL));
	json_put_text(o, "change", effect_change_to_string(e->change));
	json_put(o, "is", effects_state_to_json(&e->after));
	json_push(c->files, o);
}

static unsigned int depth_of(const char *path)
{
	unsigned int n = 0;

	for (; (path = strchr(path, '/')); path++)
		n++;
	return n;
}

/* Why it is not even tried; NULL: it is. `*ordinary`: nobody expects it to be there. */
static const char *obstacle(struct collection *c, const struct effect *e, bool *ordinary)
{
	const struct artifacts_limits *l = c->limits;
	const bool file = e->after.kind == SANDBOX_ENTRY_FILE;

	*ordinary = false;
	if (!file && e->after.kind != SANDBOX_ENTRY_DIR) {
		*ordinary = true;
		return e->after.kind == SANDBOX_ENTRY_SYMLINK ? "a link: only contents are saved" : "no regular file";
	}
	if (c->over)
		return "the collection had ended";
	if (c->cancel && cancel_requested(c->cancel) && cancel_count(c->cancel) > 1) {
		c->over = true;
		return "the run was stopped";
	}
	if (depth_of(e->path) >= l->depth)
		return "too deep";
	if (c->summary->files + c->summary->folders >= l->files)
		return "too many files";
	if (file && e->after.size > l->file_bytes)
		return "too large";
	if (file && e->after.size > l->bytes - c->summary->bytes)
		return "too much in all";
	return NULL;
}

static void take(struct collection *c, const struct effect *e)
{
	const bool file = e->after.kind == SANDBOX_ENTRY_FILE;
	struct error err = { .text = "" };
	bool ordinary;
	const char *why = obstacle(c, e, &ordinary);

	if (why) {
		(ordinary ? leave_out : note_problem)(c, e, why);
		return;
	}
	if ((file ? save_file : save_folder)(c, e, &err) < 0) {
		note_problem(c, e, err.text);
		c->over = err.sys == ENOSPC || err.sys == EDQUOT || err.sys == EROFS || err.sys == EIO;
		return;
	}
	c->summary->files += file;
	c->summary->folders += !file;
	c->summary->bytes += file ? e->after.size : 0;
	tell(c, e);
}

/* From the deepest up, when nothing has to get in any more. The owner keeps a way to remove them. */
static void set_folder_modes(const struct collection *c, const struct effects *effects)
{
	for (size_t i = effects->len; i-- > 0;) {
		const struct effect *e = &effects->items[i];
		const char *name;
		autoclose int parent = -1, fd = -1;

		if (!is_taken(e) || e->after.kind != SANDBOX_ENTRY_DIR || depth_of(e->path) >= c->limits->depth)
			continue;
		parent = open_parent(c->a->content_fd, e->path, &name);
		fd = parent < 0 ? -1 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && fchmod(fd, (e->after.mode & 0777) | 0700) < 0) { /* then it stays private */ }
	}
}

static bool is_any(const struct effects *effects)
{
	for (size_t i = 0; i < effects->len; i++)
		if (is_taken(&effects->items[i]))
			return true;
	return effects->not_listed || effects->not_looked_at;
}

void artifacts_collect(struct artifacts *a, struct sandbox *sandbox, const struct effects *effects, const char *run_id,
		       const struct artifacts_limits *limits, struct cancel *cancel, struct artifacts_summary *ret)
{
	struct collection c = { .a = a, .sandbox = sandbox, .limits = limits, .cancel = cancel, .summary = ret };
	json_auto_t *manifest = NULL;
	struct error err;

	artifacts_summary_release(ret);
	ret->folder = xstrdup(a->target);
	if (a->dir_fd < 0 && !is_any(effects))
		return;
	if (a->dir_fd < 0 && open_folders(a, &err) < 0) {
		ret->problem = xstrdup(err.text);
		ret->left_out = effects->len;
		return;
	}
	c.files = json_array();
	c.left_out = json_array();
	if (!effects->known)
		ret->problem = xasprintf("it is not known what changed: %s", effects->unknown_because ? effects->unknown_because : "no step was executed");
	for (size_t i = 0; i < effects->len; i++)
		if (is_taken(&effects->items[i]))
			take(&c, &effects->items[i]);
	ret->left_out += effects->not_listed + effects->not_looked_at;
	if (effects->not_looked_at && !ret->problem)
		ret->problem = xstrdup("some files lie too deep, or are too many, to be looked at");
	set_folder_modes(&c, effects);
	manifest = new_manifest(ret, run_id);
	json_put(manifest, "saved", c.files);
	json_put(manifest, "left_out", c.left_out);
	if (write_manifest(a, manifest) < 0 && !ret->problem)
		ret->problem = xasprintf("cannot write '%s/" MANIFEST "': %s", a->target, strerror(errno));
}
