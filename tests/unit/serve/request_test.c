/* SPDX-License-Identifier: Apache-2.0
 * request: targets, headers, forms and answers, from literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/serve/httpd_private.h"
#include "cmd/serve/request.h"
#include "cmd/serve/route.h"
#include "runner/base/mem.h"

/* what httpd asks the routes for; nothing here does */
struct response *route_accept(struct service *s, struct request *rq, size_t *body_max)
{
	(void)s, (void)rq, (void)body_max;
	return NULL;
}

void route_dispatch(struct service *s, struct request *rq)
{
	(void)s, (void)rq;
}

static unsigned int finished;

void route_finish(struct service *s, struct request *rq, struct response *r)
{
	(void)s, (void)rq, (void)r;
	finished++;
}

void route_abandon(struct service *s, struct request *rq)
{
	(void)s, (void)rq;
}

static void parses_targets(void **state)
{
	/* path "-": refused */
	static const struct { const char *target, *path, *query; } rows[] = {
		{ "/", "", "" }, { "/a", "a|", "" }, { "/a/b", "a|b|", "" }, { "/a/b/", "a|b|", "" }, { "/a%20b", "a b|", "" },
		{ "/%E2%82%ac", "\xe2\x82\xac|", "" }, { "/\xe2\x82\xac", "\xe2\x82\xac|", "" }, { "/a+b", "a+b|", "" }, { "/...", "...|", "" },
		{ "/a?", "a|", "" }, { "/a?b", "a|", "b=;" }, { "/a?b=c", "a|", "b=c;" }, { "/a?b=c=d&&e=%26+%3d", "a|", "b=c=d;e=& =;" },
		{ "/a?p=x/../y%2fz", "a|", "p=x/../y/z;" }, { "/a?t=a%0Ab", "a|", "t=a\nb;" }, { "/a?b=1&b=2", "a|", "b=1;b=2;" },
		{ "http://host/a?b=c", "a|", "b=c;" }, { "HTTPS://h:1/", "", "" }, { "/a?b?c", "a|", "b?c=;" },
		{ "", "-", "" }, { "*", "-", "" }, { "a", "-", "" }, { "//", "-", "" }, { "/a//b", "-", "" }, { "/.", "-", "" }, { "/..", "-", "" },
		{ "/a/../b", "-", "" }, { "/%2e%2E/b", "-", "" }, { "/.%2e", "-", "" }, { "/a%2fb", "-", "" }, { "/a%2Fb", "-", "" }, { "/a%5cb", "-", "" },
		{ "/a\\b", "-", "" }, { "/%00", "-", "" }, { "/a%0a", "-", "" }, { "/%7f", "-", "" }, { "/%", "-", "" }, { "/%4", "-", "" }, { "/%4g", "-", "" },
		{ "/%ff", "-", "" }, { "/%c0%af", "-", "" }, { "/%c0%ae%c0%ae", "-", "" }, { "/%ed%a0%80", "-", "" }, { "/\xff", "-", "" }, { "/a b", "-", "" },
		{ "/a\tb", "-", "" }, { "/a#b", "-", "" }, { "/a?b#c", "-", "" }, { "/a?b=%", "-", "" }, { "/a?%00", "-", "" }, { "/a?b=%ff", "-", "" },
		{ "/a?b=\x01", "-", "" }, { "http://host", "-", "" }, { "http:///a/..", "-", "" }, { "ftp://host/a", "-", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf path = STRBUF_INIT(1000), query = STRBUF_INIT(1000);
		struct request *rq = request_new("GET", rows[i].target);

		assert_string_equal(rq->target, rows[i].target);
		for (size_t n = 0; request_target_is_good(rq) && n < rq->segments.len; n++)
			strbuf_addf(&path, "%s|", rq->segments.items[n]);
		for (size_t n = 0; n < rq->query.len; n++)
			strbuf_addf(&query, "%s=%s;", rq->query.items[n].name, rq->query.items[n].value);
		if (strcmp(request_target_is_good(rq) ? path.buf : "-", rows[i].path) || strcmp(query.buf, rows[i].query))
			fail_msg("'%s': path '%s', query '%s'", rows[i].target, path.buf, query.buf);
		request_free(rq);
	}
}

static void bounds_queries(void **state)
{
	autostrbuf struct strbuf target = STRBUF_INIT(STRBUF_NO_MAX);
	struct request *rq;

	(void)state;
	strbuf_addstr(&target, "/a?");
	for (int i = 0; i < 64; i++)
		strbuf_addf(&target, "n%d=v&", i);
	rq = request_new("GET", target.buf);
	assert_true(request_target_is_good(rq));
	assert_string_equal(request_query(rq, "n63"), "v");
	request_free(rq);
	strbuf_addstr(&target, "one=more");
	rq = request_new("GET", target.buf);
	assert_false(request_target_is_good(rq));
	request_free(rq);
}

static void reads_numbers(void **state)
{
	static const struct { const char *target; bool good; uint64_t n; } rows[] = {
		{ "/", true, 42 }, { "/?n=7", true, 7 }, { "/?n=5", true, 5 }, { "/?n=4", false, 42 }, { "/?n=100", true, 100 }, { "/?n=101", false, 42 },
		{ "/?n=", false, 42 }, { "/?n=-7", false, 42 }, { "/?n=%207", false, 42 }, { "/?n=7x", false, 42 }, { "/?n=0x7", false, 42 },
		{ "/?n=18446744073709551623", false, 42 }, { "/?n=7&n=8", true, 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_new("GET", rows[i].target);
		uint64_t n = 42;

		if (request_query_number(rq, "n", 5, 100, &n) != rows[i].good || n != rows[i].n)
			fail_msg("%s: %llu", rows[i].target, (unsigned long long)n);
		request_free(rq);
	}
}

static void reads_preferences(void **state)
{
	static const struct { const char *name, *value; bool async, events; } rows[] = {
		{ "Prefer", "respond-async", true, false }, { "prefer", "wait=10, Respond-Async; x=y", true, false }, { "Prefer", "respond-asynchronously", false, false },
		{ "Prefer", "x=\"a, respond-async\"", false, false }, { "Prefer", "", false, false }, { "Prefer", "respond-async=true", false, false },
		{ "Accept", "text/event-stream", false, true }, { "accept", "text/html;q=0.9 , TEXT/Event-Stream;q=0.1", false, true },
		{ "Accept", "text/event-stream;q=0", false, false }, { "Accept", "text/event-stream; q=0.000, */*", false, false },
		{ "Accept", "*/*", false, false }, { "Accept", "text/*", false, false }, { "Accept", "text/event-streams", false, false },
		{ "Accept", "a;b=\"\\\", text/event-stream\"", false, false }, { "Accept", ",,;;,\"", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_new("GET", "/");

		pairs_add(&rq->headers, rows[i].name, rows[i].value);
		if (request_prefers_async(rq) != rows[i].async || request_accepts(rq, "text/event-stream") != rows[i].events)
			fail_msg("%s: %s", rows[i].name, rows[i].value);
		request_free(rq);
	}
}

/* ---- forms */

#define D "Content-Disposition: form-data; "
#define B "--b\r\n"

static void parses_forms(void **state)
{
	/* fields NULL: refused */
	static const struct { const char *type, *body, *fields; } rows[] = {
		{ "b", B D "name=\"x\"\r\n\r\nv\r\n--b--\r\n", "x(,)=v;" },
		{ "b", "preamble\r\n" B D "name=\"x\"\r\n\r\n\r\n--b--epilogue\r\n--b\r\n", "x(,)=;" },
		{ "\"b c\"", "--b c\r\n" D "name=\"x\"\r\n\r\nv\r\n--b c--", "x(,)=v;" },
		{ "b; charset=utf-8", B D "name=x\r\n\r\nv\r\n--b--", "x(,)=v;" },
		{ "b", B D "name=\"x\"; filename=\"C:\\\\a\\\"b\\c.yaml\"\r\nContent-Type: text/x\r\n\r\nv\r\n--b--", "x(C:\\a\"b\\c.yaml,text/x)=v;" },
		{ "b", B "content-type:  t\r\nX-Other: y\r\nCONTENT-DISPOSITION: form-data;name=\"x\";filename=\"\"\r\n\r\n\r\n--\r\n--bx\r\n--b--", NULL },
		{ "b", B D "name=\"x\"\r\n\r\na\r\n--\r\n-b\r\n--b--", "x(,)=a\r\n--\r\n-b;" },
		{ "b", B D "name=\"x\"\r\n\r\n1\r\n--b \t\r\n" D "name=\"x\"\r\n\r\n2\r\n--b--", "x(,)=1;x(,)=2;" },
		{ "b", "--b--", "" },
		{ "b", B D "name=\"x\"\r\n\r\nv", NULL },
		{ "b", B D "name=\"x\"\r\n\r\nv\n--b--", NULL },
		{ "b", B D "name=\"\"\r\n\r\nv\r\n--b--", NULL },
		{ "b", B D "filename=\"x\"\r\n\r\nv\r\n--b--", NULL },
		{ "b", B "Content-Disposition: attachment; name=\"x\"\r\n\r\nv\r\n--b--", NULL },
		{ "b", B D "name=\"x\r\n\r\nv\r\n--b--", NULL },
		{ "b", B D "name=\"x\" y\r\n\r\nv\r\n--b--", NULL },
		{ "b", B D "name=\"\xff\"\r\n\r\nv\r\n--b--", NULL },
		{ "b", B D "name=\"\x01\"\r\n\r\nv\r\n--b--", NULL },
		{ "b", B "\r\nv\r\n--b--", NULL },
		{ "b", B "no header\r\n\r\nv\r\n--b--", NULL },
		{ "b", B, NULL }, { "b", "--b", NULL }, { "b", "", NULL }, { "b", "nothing", NULL },
		{ "", "--b--", NULL }, { "\"\"", "----", NULL }, { "\"b", "--b--", NULL },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789x", "--b--", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf got = STRBUF_INIT(10000);
		autofree char *type = xasprintf("Multipart/Form-Data ; boundary=%s", rows[i].type);
		struct request *rq = request_new("POST", "/");
		struct error err = { 0 };
		int rc = form_parse(type, rows[i].body, strlen(rows[i].body), rq, &err);

		assert_true(form_is_announced(type));
		for (size_t n = 0; n < rq->fields_len && !rc; n++)
			strbuf_addf(&got, "%s(%s,%s)=%s;", rq->fields[n].name, rq->fields[n].filename ? rq->fields[n].filename : "",
				    rq->fields[n].content_type ? rq->fields[n].content_type : "", rq->fields[n].value.buf);
		if ((rc == 0) != (rows[i].fields != NULL) || (rows[i].fields && strcmp(got.buf, rows[i].fields)))
			fail_msg("%zu: %s: %s: %s", i, rows[i].body, got.buf, err.text);
		assert_int_equal(err.code, rc ? ERR_INVALID_INPUT : ERR_OK);
		request_free(rq);
	}
	assert_false(form_is_announced(NULL));
	assert_false(form_is_announced("multipart/form-database"));
	assert_false(form_is_announced("application/json"));
}

static void bounds_forms(void **state)
{
	autostrbuf struct strbuf body = STRBUF_INIT(STRBUF_NO_MAX);
	struct request *rq = request_new("POST", "/");
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < FORM_FIELDS; i++)
		strbuf_addf(&body, B D "name=\"x%d\"\r\n\r\n%d\r\n", i, i);
	strbuf_addstr(&body, "--b--");
	assert_int_equal(form_parse("multipart/form-data; boundary=b", body.buf, body.len, rq, &err), 0);
	assert_int_equal(rq->fields_len, FORM_FIELDS);
	assert_string_equal(request_field(rq, "x63")->value.buf, "63");
	assert_null(request_field(rq, "x64"));
	request_free(rq);
	rq = request_new("POST", "/");
	body.len -= 5;
	strbuf_addstr(&body, B D "name=y\r\n\r\n\r\n--b--");
	assert_int_equal(form_parse("multipart/form-data; boundary=b", body.buf, body.len, rq, &err), -1);
	assert_non_null(strstr(err.text, "at most 64 fields"));
	request_free(rq);
}

/* Newer versions of MHD refuse most of these themselves; this is for those that do not. */
static void refuses_bad_framing(void **state)
{
	static const struct { const char *name[2], *value[2]; int status; } rows[] = {
		{ { "Content-Length" }, { "4" }, 0 }, { { "transfer-encoding" }, { "Chunked" }, 0 }, { { "X" }, { "y" }, 0 },
		{ { "Content-Length", "Content-Length" }, { "4", "4" }, 400 }, { { "Content-Length", "transfer-encoding" }, { "4", "chunked" }, 400 },
		{ { "Transfer-Encoding", "Transfer-Encoding" }, { "chunked", "chunked" }, 400 }, { { "Transfer-Encoding" }, { "gzip, chunked" }, 501 },
		{ { "Content-Length" }, { "" }, 400 }, { { "Content-Length" }, { "+4" }, 400 }, { { "Content-Length" }, { "4, 4" }, 400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_new("POST", "/");
		struct response *r;

		for (size_t n = 0; n < 2 && rows[i].name[n]; n++)
			pairs_add(&rq->headers, rows[i].name[n], rows[i].value[n]);
		r = body_framing_refused(rq);
		if ((r ? r->status : 0) != rows[i].status)
			fail_msg("%zu: %d", i, r ? r->status : 0);
		response_free(r);
		request_free(rq);
	}
}

/* ---- answers */

static void problems_are_json(void **state)
{
	struct response *r = response_problem(404, "not_found", json_pack("{s:s}", "what", "run"), "there is no '%s'", "x\"y");
	const struct error err = { .code = ERR_UNAVAILABLE, .text = "no engine" };

	(void)state;
	assert_string_equal(pairs_get_header(&r->headers, "content-type"), "application/problem+json");
	assert_string_equal(r->body.buf, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"there is no 'x\\\"y'\",\"code\":\"not_found\",\"what\":\"run\"}\n");
	response_free(r);
	r = response_problem_of_error(&err);
	assert_int_equal(r->status, 503);
	assert_non_null(strstr(r->body.buf, "\"code\":\"unavailable\""));
	response_free(r);
}

static void headers_are_one_line(void **state)
{
	struct response *r = response_new(200);

	(void)state;
	response_header(r, "Location", "/a%s", "\r\nSet-Cookie: x");
	assert_string_equal(r->headers.items[0].value, "/a  Set-Cookie: x");
	response_free(r);
}

static void replies_without_a_socket(void **state)
{
	struct request *rq = request_new("GET", "/");

	(void)state;
	rq->service = (struct service *)&rq;
	finished = 0;
	request_reply(rq, response_json(200, json_object()));
	assert_int_equal(finished, 1);
	assert_string_equal(rq->answer->body.buf, "{}\n");
	request_free(rq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_targets), cmocka_unit_test(bounds_queries), cmocka_unit_test(reads_numbers), cmocka_unit_test(reads_preferences),
		cmocka_unit_test(parses_forms), cmocka_unit_test(bounds_forms), cmocka_unit_test(refuses_bad_framing),
		cmocka_unit_test(problems_are_json), cmocka_unit_test(headers_are_one_line), cmocka_unit_test(replies_without_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
