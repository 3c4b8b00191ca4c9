/* SPDX-License-Identifier: Apache-2.0
 * run_api_files: what a run left: its result, its package, and what its steps made. All of it was written by, or with, others' code: files go
 * out as downloads or plain text, never as something that a browser would run. */
#include <string.h>
#include <sys/stat.h>

#include "cmd/serve/run_api.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define MANIFEST_MAX ((size_t)16 << 20)
#define NAME_MAX_SHOWN 120

bool run_with_files(struct service *s, struct request *rq, struct run_row *ret)
{
	if (!run_find(s, rq, rq->params[0], ret))
		return false;
	if (run_has_files(rq, ret))
		return true;
	run_row_release(ret);
	return false;
}

static void reply_missing(struct request *rq, const struct run_row *run, const char *what)
{
	if (run->state != RUN_ENDED)
		reply_problem(rq, 409, "not_ended", "run '%s' has not ended: there is no %s yet", run->id, what);
	else
		reply_problem(rq, 404, "not_found", "run '%s' has no %s%s%s", run->id, what, run->detail ? ": " : "", run->detail ? run->detail : "");
}

bool run_file_read(struct service *s, struct request *rq, const struct run_row *run, const char *name, struct strbuf *out)
{
	uint64_t bytes = 0;
	autoclose int fd = runs_open_file(s->runs, run->id, name, &bytes);
	struct error err = { 0 };
	const char *shown = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

	if (fd < 0)
		reply_missing(rq, run, shown);
	else if (bytes > out->max)
		reply_problem(rq, 413, "too_large", "'%s' of run '%s' has %llu bytes, which is too much to be rendered; fetch it as it is", shown,
			      run->id, (unsigned long long)bytes);
	else if (file_read_fd(fd, shown, out, &err) < 0)
		reply_error(rq, &err);
	else
		return true;
	return false;
}

/* ---- result */

void run_result(struct service *s, struct request *rq)
{
	struct run_row run = { .exit_status = -1 };
	uint64_t bytes = 0;
	int fd;

	if (!run_with_files(s, rq, &run))
		return;
	fd = run.state == RUN_ENDED ? runs_open_file(s->runs, run.id, "result.json", &bytes) : -1;
	if (fd >= 0 && bytes) {
		reply_file(rq, fd, bytes, "application/json");
	} else {
		if (fd >= 0)
			close(fd);
		reply_missing(rq, &run, "result");
	}
	run_row_release(&run);
}

/* ---- package */

const char *bundle_suffix(const char *bytes, size_t len)
{
	static const struct { size_t at, len; const char *magic, *suffix; } kinds[] = {
		{ 0, 2, "\x1f\x8b", ".wpk.tar.gz" },	     { 0, 4, "PK\x03\x04", ".zip" },  { 0, 4, "\x28\xb5\x2f\xfd", ".tar.zst" },
		{ 0, 6, "\xfd\x37zXZ\0", ".tar.xz" }, { 0, 3, "BZh", ".tar.bz2" }, { 257, 5, "ustar", ".tar" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len >= kinds[i].at + kinds[i].len && !memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].len))
			return kinds[i].suffix;
	return NULL;
}

/* A name of others for a header: plain letters, and the whole of it percent-encoded beside them. */
static void attach_as(struct response *r, const char *name)
{
	autostrbuf struct strbuf plain = STRBUF_INIT(NAME_MAX_SHOWN), whole = STRBUF_INIT((size_t)3 * NAME_MAX_SHOWN * 4);

	for (const char *p = name; *p; p++) {
		bool good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *p);

		strbuf_addch(&plain, good ? *p : '_');
		strbuf_addf(&whole, good ? "%c" : "%%%02X", (unsigned char)*p);
	}
	if (plain.overflow || whole.overflow)
		strbuf_clear(&whole);
	response_header(r, "Content-Disposition", "attachment; filename=\"%s\"%s%s", plain.buf, whole.len ? "; filename*=UTF-8''" : "", whole.buf);
}

static void reply_download(struct request *rq, int take_fd, uint64_t bytes, const char *name)
{
	struct response *r = response_new(200);

	response_header(r, "Content-Type", "application/octet-stream");
	response_header(r, "X-Content-Type-Options", "nosniff");
	attach_as(r, name);
	r->fd = take_fd;
	r->fd_len = bytes;
	request_reply(rq, r);
}

void run_package(struct service *s, struct request *rq)
{
	struct run_row run = { .exit_status = -1 };
	uint64_t bytes = 0;
	char head[512];
	const char *suffix;
	ssize_t n;
	int fd;

	if (!run_with_files(s, rq, &run))
		return;
	fd = runs_open_file(s->runs, run.id, "package", &bytes);
	n = fd >= 0 ? pread(fd, head, sizeof(head), 0) : -1;
	suffix = n > 0 ? bundle_suffix(head, (size_t)n) : NULL;
	if (fd < 0) {
		reply_problem(rq, 404, "not_found", "the package of run '%s' is not kept here: it came from a registry", run.id);
	} else if (suffix) {
		autofree char *name = xasprintf("%s%s", run.workflow_id ? run.workflow_id : run.id, suffix);

		reply_download(rq, fd, bytes, name);
	} else {
		reply_file(rq, fd, bytes, "text/plain; charset=utf-8");
	}
	run_row_release(&run);
}

/* ---- artifacts: DIR/artifacts.json lists what is below DIR/files */

static json_t *artifact_to_json(const json_t *saved)
{
	const json_t *is = json_object_get(saved, "is"), *hex = json_object_get(saved, "path_hex");
	json_t *o;

	if (strcmp(json_string_value(json_object_get(is, "kind")) ? json_string_value(json_object_get(is, "kind")) : "", "file"))
		return NULL;
	o = json_object();
	json_put_text(o, "path", json_string_value(json_object_get(saved, "path")));
	json_put_text(o, "change", json_string_value(json_object_get(saved, "change")));
	json_put_int(o, "bytes", json_integer_value(json_object_get(is, "size")));
	json_put_text(o, "sha256", json_string_value(json_object_get(is, "sha256")));
	json_put_bool(o, "plain_path", !json_is_string(hex));	/* false: the name is no UTF-8, so that it cannot be asked for by it */
	return o;
}

static void reply_artifacts(struct request *rq, const json_t *manifest)
{
	static const char *const kept[] = { "bytes_saved", "left_out", "problem" };
	json_t *o = json_object(), *list = json_array();
	const json_t *saved;
	size_t i;

	json_array_foreach(json_object_get(manifest, "saved"), i, saved) {
		json_t *artifact = artifact_to_json(saved);

		if (artifact)
			json_push(list, artifact);
	}
	json_put_int(o, "total", (int64_t)json_array_size(list));
	json_put(o, "artifacts", list);
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(manifest, kept[i]);

		json_put(o, kept[i], value ? json_incref(value) : json_null());
	}
	reply_json(rq, 200, o);
}

void run_artifacts(struct service *s, struct request *rq)
{
	autostrbuf struct strbuf text = STRBUF_INIT(MANIFEST_MAX);
	struct run_row run = { .exit_status = -1 };
	json_auto_t *manifest = NULL;
	struct error err = { 0 };
	int fd;

	if (!run_with_files(s, rq, &run))
		return;
	fd = runs_open_file(s->runs, run.id, "artifacts/artifacts.json", NULL);
	if (fd >= 0)
		close(fd);
	if (fd < 0)	/* a run that never began, or is just beginning, has made nothing */
		reply_artifacts(rq, NULL);
	else if (!run_file_read(s, rq, &run, "artifacts/artifacts.json", &text))
		;
	else if (json_parse(text.buf, text.len, "artifacts.json", &manifest, &err) < 0)
		reply_problem(rq, 500, "internal", "the list of artifacts cannot be read: %s", err.text);
	else
		reply_artifacts(rq, manifest);
	run_row_release(&run);
}

void run_artifact(struct service *s, struct request *rq)
{
	const char *path = request_query(rq, "path");
	struct run_row run = { .exit_status = -1 };
	autofree char *name = NULL;
	uint64_t bytes = 0;
	int fd;

	if (!path || !*path) {
		reply_problem(rq, 400, "invalid_request", "say which one: ?path=, as in the list of artifacts");
		return;
	}
	if (!run_with_files(s, rq, &run))
		return;
	name = xasprintf("artifacts/files/%s", path);
	fd = runs_open_file(s->runs, run.id, name, &bytes);
	if (fd < 0)
		reply_problem(rq, 404, "not_found", "run '%s' has no such artifact", run.id);
	else
		reply_download(rq, fd, bytes, strrchr(name, '/') + 1);
	run_row_release(&run);
}
