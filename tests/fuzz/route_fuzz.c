/* SPDX-License-Identifier: Apache-2.0
 * route: whatever a head and a body say, there is one answer, and nothing of theirs gets out of its place in it. "t" and a tokens file, or a
 * request: "METHOD TARGET", headers, an empty line, the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/serve/auth_private.h"
#include "cmd/serve/route_private.h"
#include "runner/base/mem.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- tokens */

static void check_tokens(const char *text, size_t len)
{
	struct token_list list = { 0 };
	struct error err = { 0 };

	if (token_list_parse(text, len, "tokens", &list, &err) < 0) {
		check(!list.items && !strncmp(err.text, "tokens:", 7));
		for (const char *p = err.text; *p; p++)
			check((unsigned char)*p >= ' ' && *p != 0x7f);
		return;
	}
	for (size_t i = 0; i < list.len; i++) {
		check(token_name_is_good(list.items[i].identity.name) && list.items[i].identity.scopes);
		for (size_t k = 0; k < i; k++)
			check(strcmp(list.items[i].identity.name, list.items[k].identity.name));
	}
	check(!token_list_find(&list, "no token has this digest"));
	token_list_release(&list);
}

/* ---- requests */

static void handle_fuzz(struct service *s, struct request *rq)
{
	(void)s;
	request_reply(rq, response_json(200, json_object()));
}

static const struct route changing = { "POST", "/v1/runs/{run_id}", "fuzz", SCOPE_READ, ROUTE_CHANGES, 1000, handle_fuzz };

/* The next line of [*p, end), NUL-terminated; NULL at the end. */
static char *next_line(char **p, char *end)
{
	char *line = *p, *newline;

	if (line >= end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(end - line));
	*p = newline ? newline + 1 : end;
	*(newline ? newline : end) = '\0';
	return line;
}

static struct request *parse(char *text, size_t len)
{
	char *end = text + len, *p = text, *line = next_line(&p, end), *target;
	struct request *rq;

	if (!line)
		return request_new("GET", "");
	target = strchr(line, ' ');
	if (target)
		*target++ = '\0';
	rq = request_new(line, target ? target : "");
	while ((line = next_line(&p, end)) && *line) {
		char *value = strchr(line, ':');

		if (value)
			*value++ = '\0';
		pairs_add(&rq->headers, line, value ? value + strspn(value, " ") : "");
	}
	strbuf_add(&rq->body, p, (size_t)(end - p));
	return rq;
}

static void check_route(const struct request *rq)
{
	size_t n = 0;

	if (!rq->route)
		return;
	for (const char *p = rq->route->path; *p; p++)
		n += *p == '{';
	for (size_t i = 0; i < REQUEST_PARAMS; i++) {
		check((i < n) == !!rq->params[i]);
		if (!rq->params[i])
			continue;
		check(rq->params[i][0] && !strchr(rq->params[i], '/') && strcmp(rq->params[i], "..") && strcmp(rq->params[i], "."));
	}
}

static void check_answer(const struct request *rq)
{
	const struct response *r = rq->answer;
	const char *type;

	check(r && r->status >= 200 && r->status < 600 && status_title(r->status));
	check(rq->id[0] && strspn(rq->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(rq->id));
	check(!rq->trace[0] || strlen(rq->trace) == 55);
	check(pairs_get_header(&r->headers, "X-Request-Id") && pairs_get_header(&r->headers, "Cache-Control"));
	for (size_t i = 0; i < r->headers.len; i++)
		for (const char *p = r->headers.items[i].value; *p; p++)
			check((unsigned char)*p >= ' ' && *p != 0x7f);
	type = pairs_get_header(&r->headers, "Content-Type");
	if (type && strstr(type, "json")) {
		json_auto_t *value = NULL;
		struct error err;

		check(json_parse(r->body.buf, r->body.len, "answer", &value, &err) == 0);
		check(r->status < 400 || json_is_string(json_object_get(value, "detail")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct service s = { .quiet = true, .package_max = 1 << 20 };
	autofree char *text = xmalloc(size + 1);
	struct request *rq;
	struct response *refusal;
	size_t body_max;
	struct error err;

	memcpy(text, data, size);
	text[size] = '\0';
	if (size && text[0] == 't') {
		check_tokens(text + 1, size - 1);
		return 0;
	}
	if (!s.auth) {
		check(auth_open(NULL, &s.auth, &err) == 0);
		strvec_push(&s.hosts, "fuzz.example");
	}
	rq = parse(text, size);
	refusal = route_accept(&s, rq, &body_max);
	check_route(rq);
	if (!refusal) {
		check(rq->route && body_max <= s.package_max + ROUTE_BODY_SMALL);
		check(!strncasecmp(request_header(rq, "Host"), "fuzz.example", 12));
		rq->route = &changing;
		route_dispatch(&s, rq);
	} else {
		request_reply(rq, refusal);
	}
	check_answer(rq);
	request_free(rq);
	return 0;
}
