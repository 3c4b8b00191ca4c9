/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/serve/route_fixture.h"

static int accept_status(struct service *s, struct request *rq, const char **code)
{
	static char buffer[64];
	size_t body_max = 0;
	struct response *r = route_accept(s, rq, &body_max);
	int status = r ? r->status : 200;

	buffer[0] = '\0';
	if (r && r->body.len) {
		json_auto_t *problem = NULL;
		struct error err = { 0 };

		assert_int_equal(json_parse(r->body.buf, r->body.len, "problem", &problem, &err), 0);
		assert_true(json_is_string(json_object_get(problem, "detail")));
		snprintf(buffer, sizeof(buffer), "%s", json_string_value(json_object_get(problem, "code")));
	}
	if (r)
		response_free(r);
	if (code)
		*code = buffer;
	return status;
}

/* ---- the tables */

static void tables_are_well_formed(void **state)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
	const struct route *a, *b;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; (a = route_at(i)); i++, n++) {
		bool known = false, reads = !strcmp(a->method, "GET");

		for (size_t k = 0; k < ARRAY_SIZE(methods); k++)
			known |= !strcmp(a->method, methods[k]);
		if (!known || a->path[0] != '/' || !a->name[0] || a->name[strspn(a->name, "abcdefghijklmnopqrstuvwxyz_")] || !a->handle)
			fail_msg("%s %s", a->method, a->path);
		if (reads && ((a->flags & ROUTE_CHANGES) || a->body_max))
			fail_msg("%s %s: a GET changes nothing and has no body", a->method, a->path);
		if (!(a->flags & ROUTE_PUBLIC) && !a->scopes)
			fail_msg("%s %s: everybody with any token may", a->method, a->path);
		if (!reads && (a->flags & ROUTE_PUBLIC))
			fail_msg("%s %s: public, and no GET", a->method, a->path);
		for (size_t k = i + 1; (b = route_at(k)); k++)
			if (!strcmp(a->name, b->name) || (!strcmp(a->path, b->path) && !strcmp(a->method, b->method)))
				fail_msg("%s %s (%s) is there twice: %s %s (%s)", a->method, a->path, a->name, b->method, b->path, b->name);
	}
	assert_true(n > 30);
}

static bool same_part(const char *a, const char *b)
{
	size_t len = strcspn(a, "/");

	return *a == '{' || *b == '{' || (len == strcspn(b, "/") && !memcmp(a, b, len));
}

/* Can a path fit both? */
static bool overlap(const char *a, const char *b)
{
	while (*a == '/' && *b == '/') {
		if (!same_part(++a, ++b))
			return false;
		a += strcspn(a, "/");
		b += strcspn(b, "/");
	}
	return !*a && !*b;
}

static void no_path_fits_two_templates(void **state)
{
	const struct route *a, *b;

	(void)state;
	assert_true(overlap("/a/{x}/c", "/a/b/{y}") && !overlap("/a/b", "/a/bc") && !overlap("/a", "/a/{x}") && !overlap("/", "/{x}/b"));
	for (size_t i = 0; (a = route_at(i)); i++)
		for (size_t k = i + 1; (b = route_at(k)); k++)
			if (strcmp(a->path, b->path) && overlap(a->path, b->path))
				fail_msg("a path may be %s and %s", a->path, b->path);
}

static void finds_the_row(void **state)
{
	static const struct { const char *method, *target; int status; const char *path, *param; } rows[] = {
		{ "GET", "/healthz", 200, "/healthz", NULL },
		{ "GET", "/healthz?x=1", 200, "/healthz", NULL },
		{ "HEAD", "/healthz", 200, "/healthz", NULL },
		{ "GET", "/", 200, "/", NULL },
		{ "GET", "/v1/runs", 200, "/v1/runs", NULL },
		{ "GET", "/v1/runs/r-1", 200, "/v1/runs/{run_id}", "r-1" },
		{ "GET", "/v1/runs/%72%2d1", 200, "/v1/runs/{run_id}", "r-1" },
		{ "GET", "/v1/runs/{run_id}", 200, "/v1/runs/{run_id}", "{run_id}" },
		{ "GET", "/v1/runs/events", 200, "/v1/runs/{run_id}", "events" },
		{ "GET", "/v1/runs/r-1/events", 200, "/v1/runs/{run_id}/events", "r-1" },
		{ "GET", "/v1/runs/r-1/artifacts/file?path=a/b", 200, "/v1/runs/{run_id}/artifacts/file", "r-1" },
		{ "POST", "/workflows/a-1.0.0/runs/notify", 200, "/workflows/{workflow_id}/runs/notify", "a-1.0.0" },
		{ "GET", "/v1/runs/r-1/eventsx", 404, NULL, NULL },
		{ "GET", "/v1/runs/r-1/event", 404, NULL, NULL },
		{ "GET", "/v1/runs/r-1/events/x", 404, NULL, NULL },
		{ "GET", "/V1/runs", 404, NULL, NULL },
		{ "GET", "/v1", 404, NULL, NULL },
		{ "GET", "/nothing", 404, NULL, NULL },
		{ "BREW", "/nothing", 404, NULL, NULL },
		{ "get", "/healthz", 405, NULL, NULL },
		{ "POST", "/healthz", 405, NULL, NULL },
		{ "TRACE", "/v1/runs", 405, NULL, NULL },
		{ "PUT", "/v1/runs/r-1", 405, NULL, NULL },
		{ "OPTIONS", "/v1/runs", 204, NULL, NULL },
		{ "OPTIONS", "/nothing", 404, NULL, NULL },
		{ "OPTIONS", "*", 400, NULL, NULL },
		{ "GET", "/v1/runs/..", 400, NULL, NULL },
		{ "GET", "/v1/runs/%2e%2e/x", 400, NULL, NULL },
		{ "GET", "/v1/runs/a%2fb", 400, NULL, NULL },
		{ "GET", "/v1/runs/%00", 400, NULL, NULL },
		{ "GET", "/v1/runs/%ff", 400, NULL, NULL },
		{ "GET", "/v1/runs/%zz", 400, NULL, NULL },
		{ "GET", "//v1/runs", 400, NULL, NULL },
		{ "GET", "", 400, NULL, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with(rows[i].method, rows[i].target, "Host: sandbox.example.org");
		int status = accept_status(&f->s, rq, NULL);

		if (status != rows[i].status || (status == 200) != !!rq->route)
			fail_msg("%s %s: %d", rows[i].method, rows[i].target, status);
		if (rq->route)
			assert_string_equal(rq->route->path, rows[i].path);
		if (rows[i].param)
			assert_string_equal(rq->params[0], rows[i].param);
		request_free(rq);
	}
}

static void says_what_a_path_answers_to(void **state)
{
	static const struct { const char *target, *allow; } rows[] = {
		{ "/healthz", "GET, HEAD, OPTIONS" },
		{ "/v1/runs/r-1", "GET, HEAD, DELETE, OPTIONS" },
		{ "/v1/runs/r-1/cancel", "POST, OPTIONS" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int k = 0; k < 2; k++) {
			struct request *rq = request_with(k ? "OPTIONS" : "PATCH", rows[i].target, "Host: sandbox.example.org|Origin: https://evil.example");
			size_t body_max;
			struct response *r = route_accept(&f->s, rq, &body_max);

			assert_string_equal(pairs_get_header(&r->headers, "Allow"), rows[i].allow);
			/* no other site is told that it may */
			for (size_t h = 0; h < r->headers.len; h++)
				assert_int_not_equal(strncasecmp(r->headers.items[h].name, "Access-Control", 14), 0);
			response_free(r);
			request_free(rq);
		}
}

/* ---- names */

static void listen_on(struct fixture *f, const char *address)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	const struct httpd_address where = { .text = address };
	struct error err = { 0 };

	if (!f->loop && loop_new(&f->loop, &err) < 0)
		fail_msg("%s", err.text);
	if (httpd_open(&f->s, f->loop, &where, &limits, &f->s.listeners[f->s.listeners_len], &err) < 0)
		fail_msg("%s", err.text);
	f->s.listeners_len++;
}

static void other_names_are_refused(void **state)
{
	static const struct { const char *listens, *host; bool ours; } rows[] = {
		{ "127.0.0.1:0", "127.0.0.1", true },
		{ "127.0.0.1:0", "127.0.0.1:8000", true },
		{ "127.0.0.1:0", "localhost", true },
		{ "127.0.0.1:0", "LOCALHOST:80", true },
		{ "127.0.0.1:0", "localhost.:80", true },
		{ "127.0.0.1:0", "[::1]:80", true },
		{ "127.0.0.1:0", "sandbox.example.org", true },
		{ "127.0.0.1:0", "Sandbox.Example.org:443", true },
		{ "127.0.0.1:0", "evil.example", false },
		{ "127.0.0.1:0", "127.0.0.1.evil.example", false },
		{ "127.0.0.1:0", "localhost.evil.example", false },
		{ "127.0.0.1:0", "sandbox.example.org.evil.example", false },
		{ "127.0.0.1:0", "x.sandbox.example.org", false },
		{ "127.0.0.1:0", "10.0.0.1", false },
		{ "127.0.0.1:0", "127.0.0.1:8000:1", false },
		{ "127.0.0.1:0", "127.0.0.1:http", false },
		{ "127.0.0.1:0", "user@127.0.0.1", false },
		{ "127.0.0.1:0", "[::1", false },
		{ "127.0.0.1:0", "[]", false },
		{ "127.0.0.1:0", ".", false },
		{ "127.0.0.1:0", "", false },
		{ "0.0.0.0:0", "10.0.0.1", true },
		{ "0.0.0.0:0", "[fe80::1]:1", true },
		{ "0.0.0.0:0", "localhost", true },
		{ "0.0.0.0:0", "evil.example", false },
	};
	struct fixture *f = *state;
	const char *listens = "";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *header = xasprintf("host: %s", rows[i].host);
		struct request *rq = request_with("GET", "/healthz", header);

		if (strcmp(rows[i].listens, listens)) {
			while (f->s.listeners_len)
				httpd_close(f->s.listeners[--f->s.listeners_len]);
			listen_on(f, listens = rows[i].listens);
		}
		if (accept_status(&f->s, rq, NULL) != (rows[i].ours ? 200 : 421))
			fail_msg("%s while listening on %s", rows[i].host, listens);
		request_free(rq);
	}
}

static void one_host_and_none_over_the_socket(void **state)
{
	static const struct { const char *headers; bool local; int status; } rows[] = {
		{ NULL, false, 421 },
		{ "Host: sandbox.example.org", false, 200 },
		{ "Host: sandbox.example.org|Host: sandbox.example.org", false, 421 },
		{ "Host: sandbox.example.org|host: evil.example", false, 421 },
		{ NULL, true, 200 },
		{ "Host: whatever", true, 200 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with("GET", "/healthz", rows[i].headers);

		rq->peer.local = rows[i].local;
		assert_int_equal(accept_status(&f->s, rq, NULL), rows[i].status);
		request_free(rq);
	}
}

static void pages_of_others_change_nothing(void **state)
{
	static const struct { const char *headers; bool ours; } rows[] = {
		{ "", true },	/* no browser */
		{ "Origin: http://sandbox.example.org", true },
		{ "Origin: https://SANDBOX.example.org", true },
		{ "Sec-Fetch-Site: same-origin|Origin: http://sandbox.example.org", true },
		{ "Sec-Fetch-Site: none", true },
		{ "Origin: http://evil.example", false },
		{ "Origin: http://sandbox.example.org.evil.example", false },
		{ "Origin: http://sandbox.example.org:8080", false },
		{ "Origin: http://evil.example/sandbox.example.org", false },
		{ "Origin: null", false },
		{ "Origin:", false },
		{ "Origin: http://sandbox.example.org|Origin: http://evil.example", false },
		{ "Sec-Fetch-Site: cross-site", false },
		{ "Sec-Fetch-Site: same-site|Origin: http://sandbox.example.org", false },
		{ "Sec-Fetch-Site: whatever", false },
		{ "Sec-Fetch-Site: none|Sec-Fetch-Site: cross-site", false },
	};
	static const struct { const char *method, *target; bool reads; } targets[] = {
		{ "POST", "/v1/runs", false }, { "DELETE", "/v1/runs/r-1", false }, { "POST", "/workflows", false }, { "POST", "/v1/scan", false },
		{ "GET", "/v1/runs", true }, { "HEAD", "/v1/runs", true },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < ARRAY_SIZE(targets); k++) {
			autofree char *headers = xasprintf("Host: sandbox.example.org|%s", rows[i].headers);
			struct request *rq = request_with(targets[k].method, targets[k].target, headers);
			const char *code;
			int status = accept_status(&f->s, rq, &code);

			if (status != (rows[i].ours || targets[k].reads ? 200 : 403))
				fail_msg("%s %s with %s: %d", targets[k].method, targets[k].target, rows[i].headers, status);
			if (status == 403)
				assert_string_equal(code, "cross_site");
			request_free(rq);
		}
}

/* ---- sizes, drain, rate, identity */

static void bodies_have_a_maximum(void **state)
{
	static const struct { const char *method, *target, *length; int status; } rows[] = {
		{ "POST", "/v1/runs", NULL, 200 },
		{ "POST", "/v1/runs", "0", 200 },
		{ "POST", "/v1/runs", "66536", 200 },
		{ "POST", "/v1/runs", "66537", 413 },
		{ "POST", "/v1/runs", "18446744073709551616", 413 },
		{ "POST", "/v1/runs", "99999999999999999999999999999999", 413 },
		{ "POST", "/v1/runs", "-1", 400 },
		{ "POST", "/v1/runs", "1 ", 400 },
		{ "POST", "/v1/runs", "0x10", 400 },
		{ "POST", "/v1/runs", "", 400 },
		{ "GET", "/v1/runs", "0", 200 },
		{ "GET", "/v1/runs", "1", 413 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with(rows[i].method, rows[i].target, "Host: sandbox.example.org");

		if (rows[i].length)
			pairs_add(&rq->headers, "content-length", rows[i].length);
		if (accept_status(&f->s, rq, NULL) != rows[i].status)
			fail_msg("%s %s with %s", rows[i].method, rows[i].target, rows[i].length);
		request_free(rq);
	}
}

static void takes_nothing_new_while_draining(void **state)
{
	struct fixture *f = *state;
	struct request *rq = request_with("POST", "/v1/runs", "Host: sandbox.example.org");
	size_t body_max;
	struct response *r;

	f->s.draining = true;
	r = route_accept(&f->s, rq, &body_max);
	assert_int_equal(r->status, 503);
	assert_non_null(pairs_get_header(&r->headers, "Retry-After"));
	response_free(r);
	request_free(rq);
	rq = request_with("GET", "/v1/runs", "Host: sandbox.example.org");
	assert_int_equal(accept_status(&f->s, rq, NULL), 200);
	request_free(rq);
}

static void too_many_are_refused(void **state)
{
	struct fixture *f = *state;
	int limited = 0;

	f->s.rate = (struct rate_limit){ .per_second = 0.01, .burst = 3 };
	for (int i = 0; i < 6; i++) {
		struct request *rq = request_with("GET", "/v1/runs", "Host: sandbox.example.org");
		size_t body_max;
		struct response *r = route_accept(&f->s, rq, &body_max);

		if (r) {
			assert_int_equal(r->status, 429);
			assert_in_range(strtoul(pairs_get_header(&r->headers, "Retry-After"), NULL, 10), 1, 100);
			response_free(r);
			limited++;
		}
		request_free(rq);
	}
	assert_int_equal(limited, 3);
	/* a probe is answered still */
	struct request *rq = request_with("GET", "/healthz", "Host: sandbox.example.org");
	assert_int_equal(accept_status(&f->s, rq, NULL), 200);
	request_free(rq);
}

static void tokens_are_asked_for(void **state)
{
	static const struct { const char *method, *target, *token; int status; } rows[] = {
		{ "GET", "/healthz", NULL, 200 },
		{ "GET", "/healthz", "wrong", 200 },
		{ "GET", "/v1/runs", NULL, 401 },
		{ "GET", "/v1/runs", "wrong", 401 },
		{ "GET", "/v1/runs", "abc", 200 },
		{ "GET", "/v1/runs/r-unknown", NULL, 401 },
		{ "POST", "/v1/runs", "abc", 403 },
		{ "DELETE", "/workflows/a-1.0.0", "abc", 403 },
		{ "POST", "/workflows", NULL, 401 },
		{ "POST", "/v1/scan", "abc", 200 },
		{ "GET", "/nothing", NULL, 404 },
	};
	struct fixture *f = *state;
	autofree char *path = xasprintf("%s/tokens", f->folder);
	static const char text[] = "r read,validate sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
	struct error err = { 0 };

	auth_close(f->s.auth);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
	assert_int_equal(auth_open(path, &f->s.auth, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with(rows[i].method, rows[i].target, "Host: sandbox.example.org");
		autofree char *header = xasprintf("Authorization: Bearer %s", rows[i].token ? rows[i].token : "");

		if (rows[i].token)
			add_header(rq, header);
		if (accept_status(&f->s, rq, NULL) != rows[i].status)
			fail_msg("%s %s with %s", rows[i].method, rows[i].target, rows[i].token);
		request_free(rq);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_well_formed),
		cmocka_unit_test(no_path_fits_two_templates),
		cmocka_unit_test_setup_teardown(finds_the_row, setup, teardown),
		cmocka_unit_test_setup_teardown(says_what_a_path_answers_to, setup, teardown),
		cmocka_unit_test_setup_teardown(other_names_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(one_host_and_none_over_the_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_others_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(bodies_have_a_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_nothing_new_while_draining, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_are_asked_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
