/* SPDX-License-Identifier: Apache-2.0
 * The image a container is made of: one that was asked for, by digest from here on, or one of our own that holds nothing but
 * folders, links and a few small files, which the host's system folders are mounted on. */
#include "sandboxes/engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

/* ---- asked for */

static int check_name(const char *name, struct error *err)
{
	const size_t len = strlen(name);

	if (len == 0 || len > 300 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@") != len ||
	    strchr("./-:@", *name))
		return error_set(err, ERR_USAGE, "'%s' is no name of an image (as in debian:12, registry.example.org/team/tool@sha256:…)", name);
	return 0;
}

/* "registry:5000/name:tag" has its tag behind the last slash. Without tag or digest an engine would pull all there are. */
static const char *tag_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strchr(name, '@') ? "" : strchr(slash ? slash : name, ':') ? "" : "latest";
}

struct pull {
	const struct sandbox_spec *spec;
	struct strbuf line;		/* the answer is a stream of JSON values, a line each */
	char error[512];
	char said[160];			/* last told */
	uint64_t next_ns;
};

static bool tell(struct pull *p, const char *line)
{
	if (!p->spec->progress)
		return true;
	return p->spec->progress(p->spec->progress_arg, line);
}

static bool take_line(struct pull *p)
{
	json_auto_t *value = NULL;
	const char *status, *why;
	uint64_t now = clock_monotonic_ns();
	bool go_on = true;

	if (p->line.len && json_parse(p->line.buf, p->line.len, "pull", &value, NULL) == 0) {
		why = engine_text(value, "errorDetail", "message", NULL);
		why = *why ? why : engine_text(value, "error", NULL);
		why = *why ? why : engine_text(value, "message", NULL);		/* refused as a whole */
		status = engine_text(value, "status", NULL);
		if (*why)
			snprintf(p->error, sizeof(p->error), "%s", why);
		/* layers report many times a second; what is being done is enough */
		if (*status && now >= p->next_ns && strcmp(p->said, status)) {
			snprintf(p->said, sizeof(p->said), "%s", status);
			p->next_ns = now + NS_PER_SEC / 2;
			go_on = tell(p, p->said);
		}
	}
	strbuf_clear(&p->line);
	return go_on;
}

static bool take_pull(void *arg, const char *data, size_t len)
{
	struct pull *p = arg;

	if (!len)
		return tell(p, NULL);
	for (const char *end = data + len; data < end;) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		const char *stop = newline ? newline : end;

		strbuf_add(&p->line, data, (size_t)(stop - data));
		if (newline && !take_line(p))
			return false;
		data = stop + (newline != NULL);
	}
	return true;
}

static int pull(struct engine *e, const struct sandbox_spec *spec, struct error *err)
{
	struct pull p = { .spec = spec, .line = STRBUF_INIT(64 << 10) };
	autostrbuf struct strbuf target = STRBUF_INIT(STRBUF_NO_MAX), shown = STRBUF_INIT(600);
	autofree char *first = xasprintf("pulling image '%s'", spec->image);
	struct http_call call = { .method = "POST", .body = "", .timeout_ns = CLOCK_NEVER, .data = take_pull, .arg = &p };
	struct http_answer answer;
	int r;

	strbuf_addf(&target, "/v%s/images/create?fromImage=", e->version);
	http_escape(&target, spec->image);
	if (*tag_of(spec->image))
		strbuf_addf(&target, "&tag=%s", tag_of(spec->image));
	call.target = target.buf;
	if (!tell(&p, first))
		return error_set(err, ERR_CANCELLED, "stopped before pulling image '%s'", spec->image);
	r = http_call(e->http, &call, &answer, NULL, err);
	if (r == 0)
		take_line(&p);
	strbuf_release(&p.line);
	if (r < 0)
		return error_prefix(err, "pulling image '%s'", spec->image);
	if (answer.status == 200 && !*p.error)
		return 0;
	utf8_escape(&shown, p.error, strlen(p.error));
	return error_set(err, ERR_REMOTE, "cannot pull image '%s': %s (where the registry wants a login: '%s pull %s' beforehand)",
			 spec->image, shown.len ? shown.buf : "the engine gives no reason", e->kind->backend->name, spec->image);
}

/* 1, 0: there is none, -1. */
static int inspect(struct engine *e, const char *name, json_t **ret, struct error *err)
{
	autostrbuf struct strbuf path = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *answer = NULL;
	int status;

	strbuf_addstr(&path, "/images/");
	http_escape(&path, name);
	strbuf_addstr(&path, "/json");
	status = engine_call(e, "GET", path.buf, NULL, &answer, err);
	if (status >= 0 && status < 300 && answer) {
		*ret = answer;
		return 1;
	}
	if (status >= 0 && status != 404)
		status = engine_refusal(e, status, answer, err);
	json_decref(answer);
	return status < 0 ? -1 : 0;
}

static int check_platform(const char *name, const json_t *image, struct error *err)
{
	static const struct { const char *machine, *architecture; } names[] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" }, { "armv7l", "arm" }, { "i686", "386" }, { "ppc64le", "ppc64le" },
		{ "s390x", "s390x" }, { "riscv64", "riscv64" },
	};
	const char *os = engine_text(image, "Os", NULL), *architecture = engine_text(image, "Architecture", NULL), *ours;
	struct utsname host;

	uname(&host);
	ours = host.machine;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(host.machine, names[i].machine))
			ours = names[i].architecture;
	if ((!*os || !strcmp(os, "linux")) && (!*architecture || !strcmp(architecture, ours)))
		return 0;
	return error_set(err, ERR_UNAVAILABLE, "image '%s' is for %.32s/%.32s, this machine is linux/%s: pull the one for it", name, os, architecture, ours);
}

/* "debian@sha256:…" as the registry has it; an image that never was in one has nothing but its id. */
static void name_by_digest(const char *name, const json_t *image, struct engine_image *ret)
{
	const json_t *digests = json_object_get(image, "RepoDigests");
	const char *first = json_string_value(json_array_get(digests, 0));
	const size_t repository = strcspn(name, "@");
	size_t i;
	const json_t *item;

	json_array_foreach(digests, i, item) {
		const char *text = json_string_value(item);

		if (text && strchr(name, '@') && !strcmp(text + strcspn(text, "@"), name + repository))
			first = text;
	}
	if (first && strncmp(first, "<none>", 6))
		snprintf(ret->name, sizeof(ret->name), "%s", first);
	else
		snprintf(ret->name, sizeof(ret->name), "%.*s@%s", (int)repository, name, ret->id);
}

int engine_image_find(struct engine *e, const struct sandbox_spec *spec, struct engine_image *ret, struct error *err)
{
	json_auto_t *image = NULL;
	int found = 0;

	if (check_name(spec->image, err) < 0)
		return -1;
	if (spec->pull != SANDBOX_PULL_ALWAYS)
		found = inspect(e, spec->image, &image, err);
	if (found == 0 && spec->pull == SANDBOX_PULL_NEVER)
		return error_set(err, ERR_UNAVAILABLE, "image '%s' is not here, and nothing may be pulled: '%s pull %s' beforehand", spec->image,
				 e->kind->backend->name, spec->image);
	if (found == 0)
		found = pull(e, spec, err) < 0 ? -1 : inspect(e, spec->image, &image, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_REMOTE, "image '%s' was pulled and is not there", spec->image);
	snprintf(ret->id, sizeof(ret->id), "%s", engine_text(image, "Id", NULL));
	ret->config = json_incref(json_object_get(image, "Config"));
	ret->volumes = json_incref(json_object_get(json_object_get(image, "Config"), "Volumes"));
	name_by_digest(spec->image, image, ret);
	return check_platform(spec->image, image, err);
}

/* ---- ours */

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], kind, target[100], magic[8], user[32], group[32],
	     major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct tar_header) == 512, "as POSIX has it");

void engine_tar_add(struct strbuf *tar, enum engine_tar_kind kind, const char *path, const char *text)
{
	static const char zeros[512];
	struct tar_header h = { .uid = "0000000", .gid = "0000000", .mtime = "00000000000", .magic = { 'u', 's', 't', 'a', 'r', 0, '0', '0' }, .kind = (char)kind };
	const size_t size = kind == ENGINE_TAR_FILE ? strlen(text) : 0;
	unsigned int sum = 0;

	/* a name or target that does not fit is left out: nothing of ours is as long, and what is missing is not shown */
	if (strlen(path) >= sizeof(h.name) || (kind == ENGINE_TAR_LINK && strlen(text) >= sizeof(h.target)))
		return;
	memcpy(h.name, path, strlen(path));
	if (kind == ENGINE_TAR_LINK)
		memcpy(h.target, text, strlen(text));
	snprintf(h.mode, sizeof(h.mode), "%07o", kind == ENGINE_TAR_FILE ? 0644 : 0755);
	snprintf(h.size, sizeof(h.size), "%011zo", size & 077777777);
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	snprintf(h.checksum, sizeof(h.checksum), "%06o", sum & 0777777);
	strbuf_add(tar, &h, sizeof(h));
	if (size)
		strbuf_add(tar, text, size);
	strbuf_add(tar, zeros, (512 - size % 512) % 512);
}

void engine_tar_end(struct strbuf *tar)
{
	static const char zeros[1024];

	strbuf_add(tar, zeros, sizeof(zeros));
}

/* An instruction of a container file; a value with anything in it that means something there is left out. */
static void add_label(struct strbuf *target, const char *label, const char *value)
{
	autofree char *change = xasprintf("LABEL %s=%s", label, value);

	if (strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+:@%,") != strlen(value))
		return;
	strbuf_addstr(target, "&changes=");
	http_escape(target, change);
}

int engine_image_make(struct engine *e, const json_t *labels, const char *id, const struct strbuf *tar, struct engine_image *ret,
		      struct error *err)
{
	autostrbuf struct strbuf target = STRBUF_INIT(STRBUF_NO_MAX), body = STRBUF_INIT(1 << 20);
	struct http_call call = { .method = "POST", .body = tar->buf, .body_len = tar->len, .content_type = "application/x-tar",
		.timeout_ns = 120 * NS_PER_SEC };
	struct http_answer answer;
	const char *line, *status, *label;
	json_auto_t *value = NULL;
	const json_t *label_value;

	strbuf_addf(&target, "/v%s/images/create?fromSrc=-&repo=" ENGINE_NAME_PREFIX "%s", e->version, id);
	json_object_foreach((json_t *)labels, label, label_value)
		add_label(&target, label, json_string_value(label_value));
	call.target = target.buf;
	if (http_call(e->http, &call, &answer, &body, err) < 0)
		return error_prefix(err, "%s", e->kind->backend->name);
	/* a stream as of a pull; the last line has the id, or an error */
	while (body.len && body.buf[body.len - 1] == '\n')
		body.buf[--body.len] = '\0';
	line = strrchr(body.buf, '\n');
	line = line ? line + 1 : body.buf;
	if (json_parse(line, strlen(line), "image", &value, NULL) < 0 || answer.status != 200 || *engine_text(value, "error", NULL)) {
		json_t *said = value;

		if (*engine_text(said, "error", NULL))
			json_put_text(said, "message", engine_text(said, "error", NULL));
		engine_refusal(e, answer.status, said, err);
		return error_prefix(err, "making an image");
	}
	status = engine_text(value, "id", NULL);
	status = *status ? status : engine_text(value, "status", NULL);
	if (strncmp(status, "sha256:", 7))
		return error_set(err, ERR_UNAVAILABLE, "%s does not say which image it has made", e->kind->backend->name);
	snprintf(ret->id, sizeof(ret->id), "%s", status);
	return 0;
}
