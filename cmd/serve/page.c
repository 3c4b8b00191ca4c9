/* SPDX-License-Identifier: Apache-2.0
 * page: the page for people and its files, carried in the program. All it shows comes from the API, under the caller's own token: the files are public.
 */
#include "cmd/serve/route.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/digest.h"
#include "runner/base/mem.h"

/* made from cmd/serve/page/ by scripts/embed */
extern const char index_html[], style_css[], api_js[], app_js[], charts_js[], compare_js[], dom_js[], parts_js[], run_js[], runs_js[], start_js[], stats_js[];

#define SCRIPT "text/javascript; charset=utf-8"
static const struct page_file {
	const char *name, *type, *text;
} page_files[] = {
	{ "index.html", "text/html; charset=utf-8", index_html },
	{ "style.css", "text/css; charset=utf-8", style_css },
	{ "api.js", SCRIPT, api_js },
	{ "app.js", SCRIPT, app_js },
	{ "charts.js", SCRIPT, charts_js },
	{ "compare.js", SCRIPT, compare_js },
	{ "dom.js", SCRIPT, dom_js },
	{ "parts.js", SCRIPT, parts_js },
	{ "run.js", SCRIPT, run_js },
	{ "runs.js", SCRIPT, runs_js },
	{ "start.js", SCRIPT, start_js },
	{ "stats.js", SCRIPT, stats_js },
};

/* Texts of packages and of their steps are shown: nothing but our own files may ever run, be loaded or be asked. */
static const char page_csp[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
			       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Is `etag` in the list of If-None-Match? Compared weakly, as RFC 9110 13.1.2 wants for GET: W/ does not count. */
static bool etag_is_listed(const char *list, const char *etag)
{
	size_t len = strlen(etag);
	while (*list) {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (!strncmp(list, "W/", 2))
			list += 2;
		if (!strncmp(list, etag, len) && (list[len] == '\0' || strchr(" \t,", list[len])))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static void send_file(struct request *rq, const struct page_file *f)
{
	size_t len = strlen(f->text);
	char hex[DIGEST_HEX_SIZE], etag[DIGEST_HEX_SIZE + 2];
	sha256_hex(f->text, len, hex);
	snprintf(etag, sizeof(etag), "\"%.32s\"", hex);
	const char *have = request_header(rq, "If-None-Match");
	struct response *r = have && etag_is_listed(have, etag) ? response_new(304) : response_text(200, f->type, f->text, len);
	response_header(r, "ETag", "%s", etag);
	/* kept, but asked for each time: another version of the program has other files under the same names */
	response_header(r, "Cache-Control", "no-cache");
	response_header(r, "Content-Security-Policy", "%s", page_csp);
	response_header(r, "Referrer-Policy", "no-referrer");
	request_reply(rq, r);
}

static void get_page(struct service *s, struct request *rq)
{
	(void)s;
	send_file(rq, &page_files[0]);
}

static void get_page_file(struct service *s, struct request *rq)
{
	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(page_files); i++)
		if (!strcmp(page_files[i].name, rq->params[0])) {
			send_file(rq, &page_files[i]);
			return;
		}
	request_reply(rq, response_problem(404, "not_found", NULL, "the page has no such file"));
}

const struct route page_routes[] = {
	{ "GET", "/", "page", SCOPE_READ, ROUTE_PUBLIC | ROUTE_HIDDEN, 0, get_page },
	{ "GET", "/page/{file}", "page_file", SCOPE_READ, ROUTE_PUBLIC | ROUTE_HIDDEN, 0, get_page_file },
	{ 0 },
};
