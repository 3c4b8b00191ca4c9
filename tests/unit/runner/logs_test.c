/* SPDX-License-Identifier: Apache-2.0
 * logs: --save-logs into folders and archives: names, ceilings, attempts, what is refused, full disks. */
#include "tests/unit/runner/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/event.h"

static const struct row rows[] = {
	{ .name = "Verify: Checksum / sha256", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED },
	{ .name = "scale", .kind = WPK_STEP_K8S, .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED, .reason = "no cluster" },
	{ .name = "undo", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED, .phase = PHASE_ROLLBACK },
	{ .name = NULL },
};

struct place {
	char dir[64];		/* removed at the end */
	char target[128];
	int fd;			/* of dir */
	struct fixture f;
	struct events ev;
	struct event_sink *sink;
};

static void place_open(struct place *p, const char *target, const struct row *table)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "/tmp/logs_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(p->target, sizeof(p->target), "%s/%s", p->dir, target);
	fixture_init(&p->f, table);
	result_decide(&p->f.result);
}

static void place_close(struct place *p)
{
	events_release(&p->ev);
	fixture_release(&p->f);
	close(p->fd);
	assert_int_equal(remove_tree_at(AT_FDCWD, p->dir, NULL), 0);
}

static void start(struct place *p, uint64_t max_bytes)
{
	struct error err = { 0 };

	if (sink_logs_new(p->target, p->dir, max_bytes, &p->sink, &err) < 0)
		fail_msg("%s", err.text);
	events_add_take(&p->ev, p->sink);
	event_emit(&p->ev, &(struct event){ .type = EVENT_RUN_START, .result = &p->f.result });
}

static void begin_step(struct place *p, size_t i, unsigned int attempt)
{
	event_emit(&p->ev, &(struct event){ .type = EVENT_STEP_START, .step = &p->f.result.steps[i], .attempt = attempt });
}

static void output(struct place *p, size_t i, enum sandbox_stream stream, const char *text)
{
	event_emit(&p->ev, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = &p->f.result.steps[i], .stream = stream, .data = text,
					    .len = strlen(text) });
}

static void end_step(struct place *p, size_t i)
{
	event_emit(&p->ev, &(struct event){ .type = EVENT_STEP_END, .step = &p->f.result.steps[i] });
}

static int finish(struct place *p, struct error *err)
{
	event_emit(&p->ev, &(struct event){ .type = EVENT_VERDICT });
	return sink_logs_finish(p->sink, &p->f.result, NULL, err);
}

static void check_file(const struct place *p, const char *name, const char *want)
{
	autofree char *path = xasprintf("%s/%s", p->dir, name);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	struct error err = { 0 };
	struct stat st;

	if (file_read(path, &text, &err) < 0)
		fail_msg("%s", err.text);
	if (want && strcmp(text.buf, want) != 0)
		fail_msg("%s: got '%s'", name, text.buf);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static bool exists(const struct place *p, const char *name)
{
	struct stat st;

	return fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void one_run(struct place *p)
{
	start(p, 1 << 20);
	begin_step(p, 0, 1);
	output(p, 0, SANDBOX_STDOUT, "all ");
	output(p, 0, SANDBOX_STDERR, "warning\n");
	output(p, 0, SANDBOX_STDOUT, "good\n");
	end_step(p, 0);
	end_step(p, 1);
	begin_step(p, 2, 1);
	output(p, 2, SANDBOX_STDOUT, "undone\n");
	end_step(p, 2);
}

static void check_tree(const struct place *p, const char *top)
{
	static const struct { const char *name, *want; } files[] = {
		{ "01-verify-checksum-sha256.stdout.log", "all good\n" },
		{ "01-verify-checksum-sha256.stderr.log", "warning\n" },
		{ "rollback-01-undo.stdout.log", "undone\n" },
		{ "rollback-01-undo.stderr.log", "" },
		{ "events.ndjson", NULL },
		{ "result.json", NULL },
		{ "report.txt", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autofree char *name = xasprintf("%s/%s", top, files[i].name);

		check_file(p, name, files[i].want);
	}
}

static void test_folder(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "a/b", rows);	/* folders are made */
	one_run(&p);
	assert_int_equal(finish(&p, &err), 0);
	check_tree(&p, "a/b");
	assert_false(exists(&p, "a/b/02-scale.stdout.log"));	/* what was not executed has no log */
	place_close(&p);
}

static void test_archives(void **state)
{
	static const char *const names[] = { "run 1.tar.zst", "x.y.tar.gz", "plain.tar" };
	static const char *const tops[] = { "run 1", "x.y", "plain" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = { 0 };
		struct place p;
		int out;

		place_open(&p, names[i], rows);
		one_run(&p);
		assert_false(exists(&p, names[i]));	/* and nothing else either, until it is finished: */
		assert_int_equal(rmdir(p.dir), 0);
		assert_int_equal(mkdir(p.dir, 0700), 0);
		close(p.fd);
		p.fd = open(p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (finish(&p, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(mkdirat(p.fd, "out", 0700), 0);
		out = openat(p.fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (archive_extract(p.target, out, &archive_bundle_limits, &err) < 0)
			fail_msg("%s", err.text);
		close(out);
		{
			autofree char *top = xasprintf("out/%s", tops[i]);

			check_tree(&p, top);
		}
		place_close(&p);
	}
}

/* More than one buffer, the steps' logs behind each other in one nameless file: every byte at its place. */
static void test_large_archive(void **state)
{
	autostrbuf struct strbuf want = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };
	struct place p;
	int out;

	(void)state;
	place_open(&p, "big.tar", rows);
	start(&p, UINT64_MAX);
	for (size_t step = 0; step < 3; step += 2) {
		begin_step(&p, step, 1);
		strbuf_clear(&want);
		for (int i = 0; i < 20000; i++) {
			char line[32];

			snprintf(line, sizeof(line), "%zu line %d\n", step, i);
			strbuf_addstr(&want, line);
			output(&p, step, SANDBOX_STDOUT, line);
		}
		end_step(&p, step);
	}
	assert_int_equal(finish(&p, &err), 0);
	out = open(p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (archive_extract(p.target, out, &archive_bundle_limits, &err) < 0)
		fail_msg("%s", err.text);
	close(out);
	check_file(&p, "big/rollback-01-undo.stdout.log", want.buf);
	for (char *s = want.buf; *s; s++)
		if ((s == want.buf || s[-1] == '\n') && *s == '2')
			*s = '0';
	check_file(&p, "big/01-verify-checksum-sha256.stdout.log", want.buf);
	place_close(&p);
}

static void test_ceiling_and_attempts(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "logs", rows);
	start(&p, 10);
	begin_step(&p, 0, 1);
	output(&p, 0, SANDBOX_STDOUT, "12345678");
	output(&p, 0, SANDBOX_STDOUT, "90 cut");
	output(&p, 0, SANDBOX_STDOUT, "this is gone");
	output(&p, 0, SANDBOX_STDERR, "short");
	event_emit(&p.ev, &(struct event){ .type = EVENT_STEP_RETRY, .step = p.f.result.steps, .attempt = 1, .text = "x" });
	begin_step(&p, 0, 2);
	output(&p, 0, SANDBOX_STDOUT, "again");
	output(&p, 0, SANDBOX_STDERR, "b\n");
	end_step(&p, 0);
	assert_int_equal(finish(&p, &err), 0);
	check_file(&p, "logs/01-verify-checksum-sha256.stdout.log",
		   "1234567890\n[sandbox_runner: cut here: the step wrote 26 bytes, the first 10 are above]\n"
		   "[sandbox_runner: attempt 2]\n"
		   "[sandbox_runner: cut here: the step wrote 5 bytes, the first 0 are above]\n");
	check_file(&p, "logs/01-verify-checksum-sha256.stderr.log",
		   "short\n[sandbox_runner: attempt 2]\n[sandbox_runner: cut here: the step wrote 2 bytes, the first 0 are above]\n");
	{
		autofree char *path = xasprintf("%s/logs/events.ndjson", p.dir);
		autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);

		assert_int_equal(file_read(path, &text, NULL), 0);
		assert_non_null(strstr(text.buf, "90 cut"));
		assert_null(strstr(text.buf, "this is gone"));	/* past the ceiling in events as well */
	}
	place_close(&p);
}

/* The sandbox itself stopped delivering: the log says how much the step really wrote. */
static void test_output_limit(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "logs", rows);
	start(&p, 1000);
	begin_step(&p, 0, 1);
	output(&p, 0, SANDBOX_STDOUT, "head\n");
	p.f.result.steps[0].out[SANDBOX_STDOUT].total_bytes = 1 << 30;
	p.f.result.steps[0].exit.output_truncated = true;
	end_step(&p, 0);
	assert_int_equal(finish(&p, &err), 0);
	check_file(&p, "logs/01-verify-checksum-sha256.stdout.log",
		   "head\n[sandbox_runner: cut here: the step wrote 1073741824 bytes, the first 5 are above]\n");
	check_file(&p, "logs/01-verify-checksum-sha256.stderr.log", "");
	place_close(&p);
}

static void test_names(void **state)
{
	static const struct { const char *title, *want; } cases[] = {
		{ "plain", "01-plain" },
		{ "../../etc/passwd", "01-..-..-etc-passwd" },
		{ "/", "01-step" },
		{ "...", "01-step" },
		{ "Ünïcode 日本", "01-n-code" },
		{ "a\nb\x1b[2Jc", "01-a-b-2jc" },
		{ "  many   blanks  ", "01-many-blanks" },
		{ "name_with.dots_", "01-name_with.dots_" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "01-012345678901234567890123456789012345678901234567890123456789" },
		{ "", "01-step" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct row one[] = { { .name = cases[i].title, .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED }, { .name = NULL } };
		autofree char *name = xasprintf("logs/%s.stdout.log", cases[i].want);
		struct error err = { 0 };
		struct place p;

		place_open(&p, "logs", one);
		start(&p, 100);
		begin_step(&p, 0, 1);
		end_step(&p, 0);
		assert_int_equal(finish(&p, &err), 0);
		if (!exists(&p, name))
			fail_msg("'%s': no %s", cases[i].title, name);
		place_close(&p);
	}
}

static int try_open(struct place *p, struct error *err)
{
	int rc = sink_logs_new(p->target, p->dir, 100, &p->sink, err);

	if (rc == 0)
		p->sink->close(p->sink);
	return rc;
}

static void make_file(const struct place *p, const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", p->dir, name);

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void test_refusals(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "logs", rows);
	assert_int_equal(mkdirat(p.fd, "logs", 0700), 0);
	make_file(&p, "logs/precious.txt", "mine");
	assert_int_equal(try_open(&p, &err), -1);
	assert_non_null(strstr(err.text, "is not empty and holds no logs of an earlier run"));
	make_file(&p, "logs/events.ndjson", "somebody else's events\n");
	assert_int_equal(try_open(&p, &err), -1);
	check_file(&p, "logs/precious.txt", "mine");
	check_file(&p, "logs/events.ndjson", "somebody else's events\n");
	snprintf(p.target, sizeof(p.target), "%s/logs/precious.txt", p.dir);
	assert_int_equal(try_open(&p, &err), -1);
	snprintf(p.target, sizeof(p.target), "%s/none/x.tar.gz", p.dir);
	assert_int_equal(try_open(&p, &err), -1);
	assert_int_equal(mkdirat(p.fd, "dir.tar", 0700), 0);
	snprintf(p.target, sizeof(p.target), "%s/dir.tar", p.dir);
	assert_int_equal(try_open(&p, &err), -1);
	assert_non_null(strstr(err.text, "is in the way"));
	place_close(&p);
}

/* A second run into the same folder replaces the logs of the first, all of them, and leaves what is not ours. */
static void test_folder_of_an_earlier_run(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "logs", rows);
	one_run(&p);
	assert_int_equal(finish(&p, &err), 0);
	events_release(&p.ev);
	make_file(&p, "logs/notes.txt", "mine");
	make_file(&p, "logs/99-step-of-old.stdout.log", "old");
	assert_int_equal(symlinkat("notes.txt", p.fd, "logs/98-link.stderr.log"), 0);
	one_run(&p);
	assert_int_equal(finish(&p, &err), 0);
	check_tree(&p, "logs");
	check_file(&p, "logs/notes.txt", "mine");
	assert_false(exists(&p, "logs/99-step-of-old.stdout.log"));
	assert_false(exists(&p, "logs/98-link.stderr.log"));
	place_close(&p);
}

/* Somebody who can write to the folder puts a link in the way of the next log. */
static void test_links_are_not_followed(void **state)
{
	struct error err = { 0 };
	struct place p;

	(void)state;
	place_open(&p, "logs", rows);
	make_file(&p, "victim", "precious");
	start(&p, 100);
	assert_int_equal(symlinkat("../victim", p.fd, "logs/01-verify-checksum-sha256.stdout.log"), 0);
	begin_step(&p, 0, 1);
	output(&p, 0, SANDBOX_STDOUT, "overwritten?");
	end_step(&p, 0);
	assert_int_equal(finish(&p, &err), -1);
	assert_non_null(strstr(err.text, "cannot write '01-verify-checksum-sha256.stdout.log'"));
	check_file(&p, "victim", "precious");
	place_close(&p);
}

/* No space (here: a file size limit): the run goes on, the sink is silent, and the end says what is missing. */
static void test_full_disk(void **state)
{
	const struct rlimit small = { .rlim_cur = 8192, .rlim_max = RLIM_INFINITY };
	static const char *const targets[] = { "logs", "logs.tar" };

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct error err = { 0 };
		struct rlimit old;
		struct place p;

		place_open(&p, targets[i], rows);
		start(&p, UINT64_MAX);
		begin_step(&p, 0, 1);
		getrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ small.rlim_cur, old.rlim_max }), 0);
		for (int k = 0; k < 1000; k++)
			output(&p, 0, SANDBOX_STDOUT, "a hundred bytes a hundred bytes a hundred bytes a hundred bytes\n");
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(p.sink->error, EFBIG);
		end_step(&p, 0);
		assert_int_equal(finish(&p, &err), -1);
		assert_int_equal(err.code, ERR_UNAVAILABLE);
		assert_int_equal(err.sys, EFBIG);
		assert_non_null(strstr(err.text, "are not complete: cannot write '"));
		if (i == 0)
			check_file(&p, "logs/result.json", NULL);	/* what still fits is there */
		else
			assert_true(exists(&p, "logs.tar"));
		place_close(&p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_archives),
		cmocka_unit_test(test_large_archive),
		cmocka_unit_test(test_ceiling_and_attempts),
		cmocka_unit_test(test_output_limit),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_folder_of_an_earlier_run),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
