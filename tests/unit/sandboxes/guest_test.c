/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandboxes/guest_place.h"

static const struct sandbox_backend no_backend = { .name = "test" };

struct listing {
	char text[4096];
	size_t len;
};

static bool list_entry(void *arg, const struct sandbox_entry *e)
{
	struct listing *l = arg;

	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%d %s %llu%s\n", (int)e->kind, e->path,
				   e->kind == SANDBOX_ENTRY_FILE ? (unsigned long long)e->size : 0, e->has_digest ? " d" : "");
	return l->len < sizeof(l->text) - 512;
}

static int set_up(void **state)
{
	struct place *p = malloc(sizeof(*p));

	signal(SIGPIPE, SIG_IGN);
	place_init(p);
	p->base.backend = &no_backend;
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void commands(void **state)
{
	static const struct { const char *script; enum sandbox_end end; int status; const char *out, *err;
	} cases[] = {
		{ "echo out; echo err >&2; exit 3", SANDBOX_EXITED, 3, "out\n", "err\n" },
		{ "echo $GREETING; pwd", SANDBOX_EXITED, 0, "hello world\n/work\n", "" },
		{ "kill -9 $$", SANDBOX_SIGNALED, 9, "", "" },
		{ "cat; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l", SANDBOX_EXITED, 0, "/dev/null\n4\n", "" },
		{ "sleep 300 & sleep 300 & echo started", SANDBOX_EXITED, 0, "started\n", "" },
		{ "grep -E '^(Seccomp|NoNewPrivs|CapBnd|CapEff):' /proc/self/status", SANDBOX_EXITED, 0,
		  "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n", "" },
		{ "ls /proc/1/fd; cat /proc/1/environ", SANDBOX_EXITED, 1, "", NULL },
	};
	struct place *p = *state;

	place_open(p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		place_sh(p, cases[i].script);
		assert_string_equal(p->out[0].buf, cases[i].out);
		if (cases[i].err)
			assert_string_equal(p->out[1].buf, cases[i].err);
		assert_int_equal(p->exit.end, cases[i].end);
		assert_int_equal(p->exit.status, cases[i].status);
	}
	place_run(p, (const char *const[]){ "/nonexistent/program", NULL });
	assert_int_equal(p->exit.status, 127);
	assert_non_null(strstr(p->out[1].buf, "cannot run '/nonexistent/program'"));
	assert_false(p->base.lost);
	place_close(p);
}

static void ends(void **state)
{
	struct place *p = *state;

	place_open(p);
	p->timeout_ns = 200 * NS_PER_MS;
	place_sh(p, "trap '' TERM; while :; do sleep 1; done");
	assert_int_equal(p->exit.end, SANDBOX_TIMED_OUT);
	assert_in_range(p->exit.duration_ns, 400 * NS_PER_MS, 5 * NS_PER_SEC);
	place_sh(p, "trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done");
	assert_int_equal(p->exit.end, SANDBOX_TIMED_OUT);
	assert_string_equal(p->out[0].buf, "asked\n");
	p->timeout_ns = 20 * NS_PER_SEC;
	place_sh(p, "sleep 300 & sleep 300 & true");
	assert_int_equal(p->exit.outlived, 2);
	place_close(p);
}

/* A flood on both streams is counted, cut, and through in seconds; what is delivered is what was written. */
static void flood(void **state)
{
	struct place *p = *state;

	place_open(p);
	place_sh(p, "head -c 200000000 /dev/zero & head -c 100000000 /dev/zero >&2; wait");
	assert_int_equal(p->exit.output_bytes[0], 200000000);
	assert_int_equal(p->exit.output_bytes[1], 100000000);
	assert_true(p->exit.output_truncated);
	assert_int_equal(p->out[0].len + p->out[1].len, 1 << 20);
	assert_in_range(p->exit.duration_ns, 1, 10 * NS_PER_SEC);
	place_sh(p, "seq 1 100000");
	assert_int_equal(p->exit.output_bytes[0], 588895);
	assert_false(p->exit.output_truncated);
	assert_memory_equal(p->out[0].buf + p->out[0].len - 7, "100000\n", 7);
	place_close(p);
}

static int file_of(size_t len)
{
	int fd = memfd_create("content", MFD_CLOEXEC);
	autofree char *text = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	must(write_all(fd, text, len) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void puts_files(void **state)
{
	struct place *p = *state;
	struct error err = { .text = "" };
	int fd;

	place_open(p);
	for (size_t i = 0; i < 3; i++) {
		static const size_t sizes[] = { 0, 65536, 1000003 };
		char script[128];

		fd = file_of(sizes[i]);
		assert_int_equal(guest_put(&p->g, &p->base, &(struct sandbox_file){ .kind = SANDBOX_FILE, .path = "deep/er/file",
				 .mode = 0750, .fd = fd }, &err), 0);
		close(fd);
		snprintf(script, sizeof(script), "stat -c '%%s %%a' deep/er/file; tr -d a-w < deep/er/file | wc -c");
		place_sh(p, script);
		snprintf(script, sizeof(script), "%zu 750\n0\n", sizes[i]);
		assert_string_equal(p->out[0].buf, script);
	}
	assert_int_equal(guest_put(&p->g, &p->base, &(struct sandbox_file){ .kind = SANDBOX_SYMLINK, .path = "link", .target = "deep" }, &err), 0);
	assert_int_equal(guest_put(&p->g, &p->base, &(struct sandbox_file){ .kind = SANDBOX_DIR, .path = "dir", .mode = 0700 }, &err), 0);
	place_sh(p, "readlink link; stat -c %a dir");
	assert_string_equal(p->out[0].buf, "deep\n700\n");
	/* through a link; then larger than the folder: both refused, and it goes on */
	fd = file_of(10);
	assert_int_equal(guest_put(&p->g, &p->base, &(struct sandbox_file){ .kind = SANDBOX_FILE, .path = "link/x", .mode = 0600, .fd = fd }, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	close(fd);
	fd = file_of(9 << 20);
	assert_int_equal(guest_put(&p->g, &p->base, &(struct sandbox_file){ .kind = SANDBOX_FILE, .path = "big", .mode = 0600, .fd = fd }, &err), -1);
	assert_int_equal(err.code, ERR_RESOURCE_EXHAUSTED);
	close(fd);
	place_sh(p, "rm big; echo still here");
	assert_string_equal(p->out[0].buf, "still here\n");
	assert_false(p->base.lost);
	place_close(p);
}

static void looks_at_files(void **state)
{
	struct place *p = *state;
	struct listing l = { .len = 0 };
	struct sandbox_walk walk = { .trees = 1u << SANDBOX_TREE_WORK, .digests = true, .entry = list_entry, .arg = &l };
	struct error err = { .text = "" };
	int fd = memfd_create("got", MFD_CLOEXEC);
	char text[64] = "";
	uint64_t got;

	place_open(p);
	place_sh(p, "mkdir -p a/b; echo content > a/b/c; ln -s /etc/passwd link; mkfifo fifo; head -c 200000 /dev/zero > big");
	assert_int_equal(guest_walk(&p->g, &p->base, &walk, &err), 0);
	assert_string_equal(l.text, "1 a 0\n1 a/b 0\n0 a/b/c 8 d\n0 big 200000 d\n3 fifo 0\n2 link 0\n");
	assert_int_equal(guest_get(&p->g, &p->base, SANDBOX_TREE_WORK, "a/b/c", 100, fd, &got, &err), 0);
	assert_int_equal(got, 8);
	assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 8);
	assert_string_equal(text, "content\n");
	assert_int_equal(guest_get(&p->g, &p->base, SANDBOX_TREE_WORK, "big", 150000, fd, &got, &err), 0);
	assert_int_equal(got, 150000);
	assert_int_equal(guest_get(&p->g, &p->base, SANDBOX_TREE_WORK, "link", 100, fd, &got, &err), -1);
	assert_int_equal(guest_get(&p->g, &p->base, SANDBOX_TREE_WORK, "fifo", 100, fd, &got, &err), -1);
	assert_int_equal(guest_get(&p->g, &p->base, SANDBOX_TREE_WORK, "nowhere", 100, fd, &got, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_false(p->base.lost);
	place_sh(p, "echo still here");
	assert_string_equal(p->out[0].buf, "still here\n");
	close(fd);
	place_close(p);
}

struct seen {
	unsigned int execs, refused_mounts;
};

static void see(void *arg, const struct sandbox_event *e)
{
	struct seen *s = arg;

	s->execs += e->kind == SANDBOX_EVENT_EXEC;
	s->refused_mounts += e->kind == SANDBOX_EVENT_CALL && !strcmp(e->subject, "unshare") && !e->allowed;
}

static void observes(void **state)
{
	static const char *const argv[] = { "sh", "-c", "true; /bin/true; unshare -U true; echo done", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct place *p = *state;
	struct seen seen = { 0 };
	const struct sandbox_command cmd = {
		.argv = argv, .env = env, .timeout_ns = 20 * NS_PER_SEC, .cancel_fd = -1, .output = place_keep_output, .output_arg = p,
		.observer = see, .observer_arg = &seen,
	};
	struct error err = { .text = "" };

	p->g.setup.observe = true;
	place_open(p);
	if (!p->g.report.observing) {
		print_message("not observing: %s\n", p->g.report.not_observing);
		place_close(p);
		skip();
	}
	assert_int_equal(guest_exec(&p->g, &p->base, &cmd, &p->exit, &err), 0);
	assert_string_equal(p->out[0].buf, "done\n");
	assert_true(seen.execs >= 3);
	assert_int_equal(seen.refused_mounts, 1);
	place_close(p);
}

static void reports(void **state)
{
	struct place *p = *state;
	const struct guest_report *r = &p->g.report;
	struct control_table t = { 0 };
	struct sandbox_spec spec = { .limits = { .storage_bytes = 4 << 20, .tmp_bytes = 1 << 20, .nofile = 64 } };

	place_open(p);
	assert_int_equal(r->uid, 1000);
	assert_int_not_equal(r->outside_uid, 0);
	assert_int_equal(r->capabilities, 0);
	assert_int_equal(r->seccomp_mode, 2);
	assert_true(r->own_filter && r->no_new_privs && r->root_read_only && r->tmp_private && r->cgroup_hidden);
	assert_int_equal(r->interfaces, 0);
	assert_int_equal(r->work_bytes, 4 << 20);
	assert_int_equal(r->work_files, 64);
	assert_int_equal(r->limits.nofile, 64);
	guest_fill_controls(&p->g, &spec, &t);
	assert_int_equal(t.items[CONTROL_STORAGE].state, CONTROL_ENFORCED);
	assert_int_equal(t.items[CONTROL_NOFILE].state, CONTROL_ENFORCED);
	assert_int_equal(t.items[CONTROL_CAPABILITIES].state, CONTROL_ENFORCED);
	assert_int_equal(t.items[CONTROL_PID_NAMESPACE].state, CONTROL_ENFORCED);
	assert_int_equal(t.items[CONTROL_CGROUP_NAMESPACE].state, CONTROL_UNAVAILABLE);	/* the place gives none */
	spec.limits.storage_bytes = 1 << 20;
	guest_fill_controls(&p->g, &spec, &t);
	assert_int_equal(t.items[CONTROL_STORAGE].state, CONTROL_UNAVAILABLE);
	place_close(p);
}

static void refuses_bad_places(void **state)
{
	struct place *p = *state;
	struct error err = { .text = "" };

	p->no_work = true;
	place_start(p);
	assert_int_equal(guest_start(&p->g, &err), -1);
	assert_non_null(strstr(err.text, "there is no /work"));
	guest_close(&p->g);
	must(waitpid(p->pid, NULL, 0) == p->pid);
}

static void deadline(void **state)
{
	struct place *p = *state;

	p->g.setup.deadline_ns = 300 * NS_PER_MS;
	place_open(p);
	place_sh(p, "trap '' TERM; sleep 300");
	assert_int_equal(p->exit.end, SANDBOX_LOST);
	assert_true(p->base.lost);
	assert_in_range(p->exit.duration_ns, 100 * NS_PER_MS, 5 * NS_PER_SEC);
	place_close(p);
}

/* The runner goes in the middle of a flood that nobody reads. */
static void runner_dies(void **state)
{
	struct place *p = *state;
	struct timespec wait = { .tv_nsec = 200000000 };
	pid_t pid;

	place_open(p);
	pid = fork();
	if (pid == 0) {
		place_sh(p, "trap '' TERM HUP; cat /dev/zero");
		_exit(0);
	}
	close(p->g.transport.to_fd);
	p->g.transport.to_fd = p->g.transport.from_fd = -1;
	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	place_close(p);		/* waits for the first process */
}

/* Its input stays open, as conmon keeps it: that nobody writes to the FIFO any more is its end, and not that nobody has yet. */
static void life_line_breaks(void **state)
{
	struct place *p = *state;
	struct timespec wait = { .tv_nsec = 20000000 };
	char path[64];
	pid_t ended = 0;
	int fd;

	p->life = true;
	place_open(p);
	place_sh(p, "true");
	assert_int_equal(p->exit.end, SANDBOX_EXITED);
	snprintf(path, sizeof(path), "/proc/%d/root" GUEST_LIFE_PATH, (int)p->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	must(fd >= 0);
	place_sh(p, "true");
	assert_int_equal(p->exit.end, SANDBOX_EXITED);
	close(fd);
	for (int i = 0; i < 500 && ended == 0; i++, nanosleep(&wait, NULL))
		ended = waitpid(p->pid, NULL, WNOHANG);
	assert_int_equal(ended, p->pid);
	guest_close(&p->g);
	strbuf_release(&p->out[0]);
	strbuf_release(&p->out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(flood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(puts_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looks_at_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(observes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_bad_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(runner_dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(life_line_breaks, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
