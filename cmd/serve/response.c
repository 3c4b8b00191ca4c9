/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/serve/request.h"
#include "runner/base/mem.h"

static const struct { int status; const char *title; } titles[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 206, "Partial Content" },
	{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" }, { 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" },
	{ 412, "Precondition Failed" }, { 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 421, "Misdirected Request" }, { 422, "Unprocessable Content" },
	{ 425, "Too Early" }, { 428, "Precondition Required" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
	{ 499, "Client Closed Request" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" }, { 507, "Insufficient Storage" },
};

const char *status_title(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Unknown";
}

struct response *response_new(int status)
{
	struct response *r = xcalloc(1, sizeof(*r));

	r->status = status;
	r->fd = -1;
	strbuf_init(&r->body, STRBUF_NO_MAX);
	return r;
}

void response_free(struct response *r)
{
	if (!r)
		return;
	pairs_release(&r->headers);
	strbuf_release(&r->body);
	if (r->fd >= 0)
		close(r->fd);
	if (r->source)
		r->source->close(r->source);
	free(r);
}

void response_header(struct response *r, const char *name, const char *fmt, ...)
{
	autostrbuf struct strbuf value = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&value, fmt, ap);
	va_end(ap);
	/* a value may come from a client: it never begins another header */
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.buf[i] < ' ' || value.buf[i] == 0x7f)
			value.buf[i] = ' ';
	pairs_add(&r->headers, name, value.buf);
}

struct response *response_json(int status, json_t *take)
{
	struct response *r = response_new(status);

	response_header(r, "Content-Type", "application/json");
	json_write(take, 0, &r->body);
	strbuf_addch(&r->body, '\n');
	json_decref(take);
	return r;
}

struct response *response_text(int status, const char *content_type, const char *text, size_t len)
{
	struct response *r = response_new(status);

	response_header(r, "Content-Type", "%s", content_type);
	strbuf_add(&r->body, text, len);
	return r;
}

static struct response *problem(int status, const char *code, json_t *extra, const char *detail)
{
	json_auto_t *o = json_object();
	struct response *r = response_new(status);

	json_put_text(o, "type", "about:blank");
	json_put_text(o, "title", status_title(status));
	json_put_int(o, "status", status);
	json_put_text(o, "detail", detail);
	json_put_text(o, "code", code);
	if (extra)
		json_object_update(o, extra);
	json_decref(extra);
	response_header(r, "Content-Type", "application/problem+json");
	json_write(o, 0, &r->body);
	strbuf_addch(&r->body, '\n');
	return r;
}

struct response *response_problem(int status, const char *code, json_t *extra, const char *fmt, ...)
{
	autostrbuf struct strbuf detail = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&detail, fmt, ap);
	va_end(ap);
	return problem(status, code, extra, detail.buf);
}

struct response *response_problem_of_error(const struct error *err)
{
	static const struct { enum error_code code; int status; } statuses[] = {
		{ ERR_USAGE, 400 }, { ERR_INVALID_INPUT, 422 }, { ERR_PERMISSION_DENIED, 403 }, { ERR_UNAVAILABLE, 503 },
		{ ERR_CLEANUP, 500 }, { ERR_RESOURCE_EXHAUSTED, 429 }, { ERR_REMOTE, 502 }, { ERR_DEADLINE_EXCEEDED, 504 },
		{ ERR_CANCELLED, 409 },
	};
	int status = 500;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == err->code)
			status = statuses[i].status;
	if (err->code == ERR_RESOURCE_EXHAUSTED && (err->sys == ENOSPC || err->sys == EDQUOT || err->sys == EFBIG))
		status = 507;	/* our disk is full; coming less often would not help */
	return problem(status, error_code_to_string(err->code), NULL, err->text);
}
