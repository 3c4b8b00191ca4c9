/* SPDX-License-Identifier: Apache-2.0
 * Finding an engine and talking to it. What it answers is somebody else's text: bounded, and shown escaped. */
#include "sandboxes/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define ANSWER_MAX (8u << 20)
#define CALL_NS (120 * NS_PER_SEC)	/* a daemon under load may take long to create or remove */
#define VERSION_LEAST 41		/* of the 1.x: Docker 20.10, Podman 4 */
#define VERSION_MOST 44			/* newer engines know older words */

/* ---- where it is */

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int copy_path(struct engine *e, const char *path, struct error *err)
{
	if (snprintf(e->socket, sizeof(e->socket), "%s", path) >= (int)sizeof(e->socket))
		return error_set(err, ERR_UNAVAILABLE, "the path of a socket has at most %zu characters: '%s'", sizeof(e->socket) - 1, path);
	return 0;
}

/* "unix:///run/x.sock", or just the path. Other schemes lead to machines that do not have our files. */
static int socket_of_variable(struct engine *e, const char *value, struct error *err)
{
	autostrbuf struct strbuf scheme = STRBUF_INIT(40);
	const char *end = strstr(value, "://");

	if (!strncmp(value, "unix://", 7) && value[7] == '/')
		return copy_path(e, value + 7, err);
	if (*value == '/')
		return copy_path(e, value, err);
	utf8_escape(&scheme, value, end ? (size_t)(end + 3 - value) : 0);	/* no more: passwords stand in there */
	return error_set(err, ERR_UNAVAILABLE, "%s is '%s…': only an engine on this machine sees the files of a run; set it to unix:///PATH of a "
			 "socket, unset it, or use --runtime=native", e->kind->variable, scheme.buf);
}

static int find_socket(struct engine *e, struct error *err)
{
	const char *const bases[] = { getenv("XDG_RUNTIME_DIR"), getenv("HOME") };
	const char *value = getenv(e->kind->variable);

	if (value && *value)
		return socket_of_variable(e, value, err);
	/* a user's own engine before the machine's where there is one */
	for (size_t i = 0; geteuid() != 0 && i < ARRAY_SIZE(bases); i++) {
		autofree char *path = NULL;

		if (!bases[i] || *bases[i] != '/' || !e->kind->user_sockets[i])
			continue;
		path = xasprintf("%s/%s", bases[i], e->kind->user_sockets[i]);
		if (is_socket(path))
			return copy_path(e, path, err);
	}
	return copy_path(e, e->kind->root_socket, err);
}

/* ---- reaching it */

/* What to do about an engine that cannot be reached. */
static int explain(const struct engine *e, struct error *err)
{
	const char *name = e->kind->backend->name;

	if (err->sys == ENOENT)
		return error_set(err, ERR_UNAVAILABLE, "there is no %s at '%s': start it (%s), say in %s where it is, or use --runtime=native",
				 name, e->socket, e->kind->how_to_start, e->kind->variable);
	if (err->sys == EACCES || err->sys == EPERM)
		return error_set(err, ERR_UNAVAILABLE, "this user may not use '%s': %s%s%s, or use --runtime=native", e->socket,
				 e->kind->group ? "join the group '" : "start an engine of your own (",
				 e->kind->group ? e->kind->group : "systemctl --user start podman.socket",
				 e->kind->group ? "', which is as good as being root" : ")");
	if (err->sys == ECONNREFUSED)
		return error_set(err, ERR_UNAVAILABLE, "no %s answers at '%s': start it (%s), or use --runtime=native", name, e->socket,
				 e->kind->how_to_start);
	err->code = ERR_UNAVAILABLE;
	return error_prefix(err, "%s does not answer", name);
}

static int negotiate(struct engine *e, uint64_t timeout_ns, struct error *err)
{
	const struct http_call ping = { .method = "GET", .target = "/_ping", .want_header = "Api-Version", .timeout_ns = timeout_ns };
	autostrbuf struct strbuf body = STRBUF_INIT(64 << 10);
	struct http_answer answer;
	unsigned int minor;

	struct error why = { .code = ERR_OK };

	if (http_call(e->http, &ping, &answer, &body, &why) < 0) {
		explain(e, &why);
		return error_set(err, ERR_UNAVAILABLE, "%s", why.text);
	}
	if (answer.status != 200 || sscanf(answer.header, "1.%3u", &minor) != 1)
		return error_set(err, ERR_UNAVAILABLE, "what answers at '%s' is no container engine", e->socket);
	if (minor < VERSION_LEAST)
		return error_set(err, ERR_UNAVAILABLE, "%s at '%s' speaks version 1.%u of the API: 1.%d (Docker 20.10, Podman 4) is needed",
				 e->kind->backend->name, e->socket, minor, VERSION_LEAST);
	snprintf(e->version, sizeof(e->version), "1.%u", minor > VERSION_MOST ? VERSION_MOST : minor);
	return 0;
}

int engine_open(struct engine *e, const struct engine_kind *kind, const char *socket, uint64_t timeout_ns, struct error *err)
{
	struct error why = { .code = ERR_OK };

	*e = (struct engine){ .kind = kind, .call_ns = CALL_NS };
	if ((socket ? copy_path(e, socket, err) : find_socket(e, err)) < 0)
		return -1;
	if (access(e->socket, F_OK) < 0) {	/* told before libcurl is loaded */
		error_sys(&why, ERR_UNAVAILABLE, "%s", e->socket);
		explain(e, &why);
		return error_set(err, ERR_UNAVAILABLE, "%s", why.text);
	}
	e->http = http_session_open(e->socket, err);
	if (e->http && negotiate(e, timeout_ns, err) == 0)
		return 0;
	engine_close(e);
	return -1;
}

void engine_close(struct engine *e)
{
	http_session_close(e->http);
	e->http = NULL;
}

/* ---- calls */

int engine_call(struct engine *e, const char *method, const char *path, json_t *body, json_t **ret, struct error *err)
{
	autofree char *target = xasprintf("/v%s%s", e->version, path);
	autostrbuf struct strbuf request = STRBUF_INIT(STRBUF_NO_MAX), answer = STRBUF_INIT(ANSWER_MAX);
	struct http_call call = { .method = method, .target = target, .timeout_ns = e->call_ns };
	struct http_answer status;

	if (ret)
		*ret = NULL;
	if (body) {
		json_write(body, 0, &request);
		json_decref(body);
		call.body = request.buf;
		call.body_len = request.len;
	} else if (strcmp(method, "GET")) {
		call.body = "";		/* so that its length is said */
	}
	if (http_call(e->http, &call, &status, &answer, err) < 0)
		return error_prefix(err, "%s", e->kind->backend->name);
	if (ret && answer.len)
		json_parse(answer.buf, answer.len, "answer", ret, NULL);
	return status.status;
}

int engine_refusal(const struct engine *e, int status, const json_t *answer, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(700);
	const char *text = engine_text(answer, "message", NULL);

	utf8_escape(&shown, text, strlen(text));
	while (shown.len && (shown.buf[shown.len - 1] == '.' || shown.buf[shown.len - 1] == '\n'))
		shown.buf[--shown.len] = '\0';
	return error_set(err, ERR_UNAVAILABLE, "%s answered %d%s%s", e->kind->backend->name, status, shown.len ? ": " : "", shown.buf);
}

int engine_demand(struct engine *e, const char *method, const char *path, json_t *body, json_t **ret, struct error *err)
{
	json_t *answer = NULL;
	int status = engine_call(e, method, path, body, &answer, err);

	if (status >= 400)
		status = engine_refusal(e, status, answer, err);
	if (status >= 0 && ret)
		*ret = answer;
	else
		json_decref(answer);
	return status;
}

static const json_t *member(const json_t *value, va_list path)
{
	const char *key;

	while (value && (key = va_arg(path, const char *)))
		value = json_object_get(value, key);
	return value;
}

const char *engine_text(const json_t *object, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, object);
	text = json_string_value(member(object, ap));
	va_end(ap);
	return text ? text : "";
}

uint64_t engine_number(const json_t *object, ...)
{
	json_int_t n;
	va_list ap;

	va_start(ap, object);
	n = json_integer_value(member(object, ap));
	va_end(ap);
	return n > 0 ? (uint64_t)n : 0;
}

char *engine_labelled(const char *path, const char *label, const char *value)
{
	autostrbuf struct strbuf filter = STRBUF_INIT(STRBUF_NO_MAX), escaped = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&filter, "{\"label\":[\"%s%s%s\"]}", label, value ? "=" : "", value ? value : "");
	http_escape(&escaped, filter.buf);
	return xasprintf("%s%sfilters=%s", path, strchr(path, '?') ? "&" : "?", escaped.buf);
}
