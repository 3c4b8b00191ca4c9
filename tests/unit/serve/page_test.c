/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/serve/route.h"
#include "runner/base/mem.h"

#define PAGE_BYTES_MAX ((size_t)96 << 10)

/* Ask as route.h would after it has found the row: the answer is the request's. */
static struct request *ask(const char *target, const char *file, const char *if_none_match)
{
	struct request *rq = request_new("GET", target);
	rq->params[0] = file;
	if (if_none_match)
		pairs_add(&rq->headers, "If-None-Match", if_none_match);
	page_routes[file ? 1 : 0].handle(NULL, rq);
	assert_non_null(rq->answer);
	return rq;
}

static const char *header(const struct request *rq, const char *name)
{
	const char *value = pairs_get_header(&rq->answer->headers, name);
	assert_non_null(value);
	return value;
}

static const struct file_case {
	const char *file, *type, *begins;
} files[] = {
	{ NULL, "text/html; charset=utf-8", "<!doctype html>" },
	{ "index.html", "text/html; charset=utf-8", "<!doctype html>" },
	{ "style.css", "text/css; charset=utf-8", "/* SPDX" },
	{ "app.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "api.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "charts.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "compare.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "dom.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "parts.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "run.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "runs.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "start.js", "text/javascript; charset=utf-8", "// SPDX" },
	{ "stats.js", "text/javascript; charset=utf-8", "// SPDX" },
};

static void test_files(void **state)
{
	(void)state;
	size_t all = 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct request *rq = ask(files[i].file ? "/page/x" : "/", files[i].file, NULL);
		assert_int_equal(rq->answer->status, 200);
		assert_string_equal(header(rq, "Content-Type"), files[i].type);
		assert_memory_equal(rq->answer->body.buf, files[i].begins, strlen(files[i].begins));
		assert_null(strstr(rq->answer->body.buf, "innerHTML"));
		const char *csp = header(rq, "Content-Security-Policy");
		assert_non_null(strstr(csp, "default-src 'none'"));
		assert_non_null(strstr(csp, "frame-ancestors 'none'"));
		assert_null(strstr(csp, "unsafe"));
		const char *etag = header(rq, "ETag");
		assert_true(etag[0] == '"' && etag[strlen(etag) - 1] == '"');	/* strong */
		all += i ? rq->answer->body.len : 0;
		request_free(rq);
	}
	assert_in_range(all, 20000, PAGE_BYTES_MAX);
}

/* What index.html and the modules refer to is there. */
static void test_references(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(files); i++) {
		struct request *rq = ask("/page/x", files[i].file, NULL);
		static const char *const marks[] = { "from './", "\"/page/" };
		for (size_t m = 0; m < ARRAY_SIZE(marks); m++)
			for (const char *at = rq->answer->body.buf; (at = strstr(at, marks[m])); at++) {
				const char *name = at + strlen(marks[m]);
				autofree char *file = xstrndup(name, strcspn(name, "'\""));
				struct request *other = ask("/page/x", file, NULL);
				assert_int_equal(other->answer->status, 200);
				request_free(other);
			}
		request_free(rq);
	}
}

static void test_unknown(void **state)
{
	(void)state;
	static const char *const names[] = { "", "app", "app.js ", "APP.JS", "index", "../page.c", "style.css.gz" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct request *rq = ask("/page/x", names[i], NULL);
		assert_int_equal(rq->answer->status, 404);
		request_free(rq);
	}
}

static void test_not_modified(void **state)
{
	(void)state;
	struct request *first = ask("/page/x", "app.js", NULL), *other = ask("/page/x", "dom.js", NULL);
	const char *etag = header(first, "ETag");
	assert_string_not_equal(etag, header(other, "ETag"));
	autofree char *weak = xasprintf("W/%s", etag), *list = xasprintf("\"x\" , %s,\"y\"", etag), *longer = xasprintf("%sx", etag);
	autofree char *cut = xstrndup(etag, strlen(etag) - 1);
	const struct { const char *value; int status; } cases[] = {
		{ etag, 304 }, { weak, 304 }, { list, 304 }, { "*", 304 },
		{ header(other, "ETag"), 200 }, { longer, 200 }, { cut, 200 }, { "", 200 }, { ",, ,", 200 }, { "W/", 200 }, { "\"", 200 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *rq = ask("/page/x", "app.js", cases[i].value);
		assert_int_equal(rq->answer->status, cases[i].status);
		assert_string_equal(header(rq, "ETag"), etag);
		if (cases[i].status == 304)
			assert_int_equal(rq->answer->body.len, 0);
		request_free(rq);
	}
	request_free(first);
	request_free(other);
}

static void test_rows(void **state)
{
	(void)state;
	for (const struct route *r = page_routes; r->method; r++) {
		assert_true(r->flags & ROUTE_PUBLIC);
		assert_int_equal(r->body_max, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_references), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_not_modified), cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
