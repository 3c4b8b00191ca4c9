/* SPDX-License-Identifier: Apache-2.0
 * run_api: literal requests for /v1/runs: lines of a head, an empty line, a body. Every one is answered, or waits and can be abandoned; nothing in an
 * answer ends a header early; what goes out by descriptor is a file of the run that was asked for; streams end, and leave nothing behind. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/serve/httpd_private.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define RUN "r-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FOLDER "data/runs/" RUN

static char dir[64];
static struct service s;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put(const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/" FOLDER "/%s", dir, name);

	check(file_write_atomic(path, text, strlen(text), 0600, NULL) == 0);
}

static void remove_all(void)
{
	runs_free(s.runs);
	store_close(s.store);
	loop_free(s.loop);
	auth_close(s.auth);
	metrics_free(s.metrics);
	strvec_release(&s.types);
	strvec_release(&s.hosts);
	remove_tree_at(AT_FDCWD, dir, NULL);
}

static void on_empty(void *data)
{
	(void)data;
}

static void add_run(void)
{
	struct run_row row = { .id = RUN, .state = RUN_ENDED, .files = true, .created_ns = 1, .ended_ns = 2, .origin = (char *)(uintptr_t)"v1",
			       .verdict = (char *)(uintptr_t)"verified", .workflow_id = (char *)(uintptr_t)"w-1.0.0" };
	autofree char *folder = xasprintf("%s/" FOLDER "/artifacts/files/sub", dir), *link = xasprintf("%s/" FOLDER "/artifacts/files/link", dir);

	check(store_run_add(s.store, &row, NULL) == 0 && make_dirs(folder, 0700, NULL) == 0 && symlink("/etc/passwd", link) == 0);
	put("artifacts/files/made", "made");
	put("artifacts/files/sub/deep", "deep");
	put("artifacts/artifacts.json", "{\"saved\":[{\"path\":\"made\",\"is\":{\"kind\":\"file\",\"size\":4}}]}");
	put("result.json", "{\"verdict\":\"verified\",\"steps\":[{\"number\":1,\"stdout\":{\"text\":\"a\\nb\"}}]}");
	put("package.wpk.yaml", "apiVersion: v1\n");
	put("events.ndjson", "{\"seq\":1,\"type\":\"run.start\"}\n"
	    "{\"type\":\"step.output\",\"phase\":\"main\",\"step\":1,\"stream\":\"stdout\",\"text\":\"a\\n\\ud83d\\ude00\"}\n{\"torn");
}

static void begin(void)
{
	struct runs_options o = { .program = "/bin/false", .at_once = 1, .queue = 1, .keep = 10, .timeout_ns = NS_PER_SEC };
	autofree char *data = NULL;

	snprintf(dir, sizeof(dir), "/tmp/run_api_fuzz.XXXXXX");
	check(mkdtemp(dir) != NULL);
	data = xasprintf("%s/data", dir);
	check(mkdir(data, 0700) == 0);
	s = (struct service){ .quiet = true, .package_max = 4096, .data_dir = xstrdup(data), .metrics = metrics_new(false), .allow_override = true };
	o.data_dir = o.state_dir = s.data_dir;
	strvec_push(&s.types, "container");
	strvec_push(&s.hosts, "h");
	check(loop_new(&s.loop, NULL) == 0 && auth_open(NULL, &s.auth, NULL) == 0 && store_open(data, &s.store, NULL) == 0 &&
	      runs_new(s.loop, s.store, s.metrics, &o, &s.runs, NULL) == 0);
	add_run();
	runs_drain(s.runs, 0, on_empty, NULL);	/* nothing is started */
	atexit(remove_all);
}

/* ---- a request */

static struct request *parse(char *text, size_t len)
{
	char *body = memmem(text, len, "\n\n", 2), *line, *rest = NULL, *target;
	struct request *rq;

	if (memchr(text, '\0', body ? (size_t)(body - text) : len))
		return NULL;
	if (body)
		*body = '\0';
	line = strtok_r(text, "\n", &rest);
	target = line ? strchr(line, ' ') : NULL;
	if (!target || target[1] != '/')
		return NULL;
	*target++ = '\0';
	rq = request_new(line, target);
	pairs_add(&rq->headers, "Host", "h");
	while ((line = strtok_r(NULL, "\n", &rest))) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		pairs_add(&rq->headers, line, value + strspn(value, " "));
	}
	snprintf(rq->peer.address, sizeof(rq->peer.address), "127.0.0.1");
	if (body)
		strbuf_add(&rq->body, body + 2, len - (size_t)(body + 2 - text));
	return rq;
}

/* Workers and children are not for here. */
static bool is_for_us(const struct request *rq)
{
	const char *format = request_query(rq, "format"), *of = request_query(rq, "of");

	if (!rq->route || strncmp(rq->route->path, "/v1/", 4) || strstr(rq->route->path, "exec") || rq->route->scopes & SCOPE_VALIDATE)
		return false;
	if (!strcmp(rq->route->name, "get_report"))
		return (!of || strcmp(of, "scan")) && (!format || !strcmp(format, "text") || !strcmp(format, "json"));
	return strcmp(rq->route->name, "get_doctor") && strcmp(rq->route->name, "list_sandboxes") && strcmp(rq->route->name, "list_rules");
}

static void check_file(int fd)
{
	autofree char *wanted = xasprintf("%s/" FOLDER "/", dir);
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	check(n > 0);
	path[n] = '\0';
	check(!strncmp(path, wanted, strlen(wanted)));
}

static void check_stream(struct body_source *source, size_t piece)
{
	char buf[64];
	size_t total = 0;
	ssize_t n;

	while ((n = source->read(source, buf, piece)) >= 0) {
		check((size_t)n <= piece && (total += (size_t)n) < 100000);
		check(n > 0);	/* the run has ended: there is no waiting */
	}
}

static void check_answer(const struct response *r)
{
	check(r->status >= 200 && r->status < 600 && r->status != 500);
	for (size_t i = 0; i < r->headers.len; i++)
		check(!strpbrk(r->headers.items[i].name, "\r\n:") && !strpbrk(r->headers.items[i].value, "\r\n"));
	if (r->status >= 400) {
		json_t *o = NULL;

		check(json_parse(r->body.buf, r->body.len, "problem", &o, NULL) == 0 && json_is_string(json_object_get(o, "detail")));
		json_decref(o);
	}
	if (r->fd >= 0)
		check_file(r->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xmalloc(size + 1);
	struct request *rq;
	struct response *refusal;
	size_t body_max;
	struct error err;
	const char *type;

	if (!s.loop)
		begin();
	memcpy(text, data, size);
	text[size] = '\0';
	rq = parse(text, size);
	if (!rq)
		return 0;
	refusal = route_accept(&s, rq, &body_max);
	rq->identity.scopes &= ~(unsigned int)SCOPE_ADMIN;
	type = request_header(rq, "Content-Type");
	if (!refusal && form_is_announced(type)) {
		if (form_parse(type, rq->body.buf, rq->body.len, rq, &err) < 0)
			refusal = response_problem(400, "bad_form", NULL, "%s", err.text);
		strbuf_release(&rq->body);
	}
	if (refusal) {
		response_free(refusal);
	} else if (is_for_us(rq)) {
		s.draining = false;
		route_dispatch(&s, rq);
		check(rq->answer || rq->abandon);
		if (rq->answer)
			check_answer(rq->answer);
		else
			rq->abandon(rq);
		if (rq->answer && rq->answer->source)
			check_stream(rq->answer->source, 1 + size % 60);
	}
	request_free(rq);
	check(!s.streams && !s.events);
	return 0;
}
