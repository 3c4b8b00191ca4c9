/* SPDX-License-Identifier: Apache-2.0
 * destroy: a jail is undone from its ref alone, by whoever, however its runner died, and nothing else is touched. */
#include "tests/unit/sandboxes/jail.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>

struct shared {			/* between a test and a runner that is killed */
	struct jail jail;
	volatile int ready;
};

static struct shared *shared_new(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(s != MAP_FAILED);
	return s;
}

/* Processes whose command line holds `word`. */
static unsigned int count_processes(const char *word)
{
	char command[200];
	unsigned int n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "ps -A -ww -o args= | grep -F -e '%s' | grep -vc grep", word);
	f = popen(command, "re");
	must(f && fscanf(f, "%u", &n) == 1);
	pclose(f);
	return n;
}

static unsigned int count_cgroups(const char *id)
{
	char command[200];
	unsigned int n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "find /sys/fs/cgroup -name 'sandbox_runner-%s' 2>/dev/null | wc -l", id);
	f = popen(command, "re");
	must(f && fscanf(f, "%u", &n) == 1);
	pclose(f);
	return n;
}

static const struct cleanup_item *find_item(const struct cleanup_list *list, const char *kind)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].kind, kind))
			return &list->items[i];
	return NULL;
}

static void destroy(const struct sandbox_ref *ref, struct cleanup_list *list)
{
	struct error err = { .text = "" };

	if (sandbox_destroy(ref, list, &err) < 0) {
		print_error("%s\n", err.text);
		must(!"destroy");
	}
}

static void test_certificate(void **state)
{
	static const char *const kinds[] = { "process", "pid_namespace", "mount_namespace", "state_file" };
	struct cleanup_list list = { 0 };
	struct jail j;

	(void)state;
	jail_open(&j);
	assert_true(geteuid() != 0 || count_cgroups(j.ref.id) > 0);
	sandbox_close(j.sb);
	destroy(&j.ref, &list);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_non_null(find_item(&list, kinds[i]));
		assert_true(find_item(&list, kinds[i])->gone);
		assert_true(*find_item(&list, kinds[i])->proof);
	}
	assert_true(geteuid() != 0 || find_item(&list, "cgroup"));
	assert_string_equal(find_item(&list, "process")->proof, "killed and waited for");
	assert_int_equal(count_cgroups(j.ref.id), 0);
	cleanup_list_release(&list);
	/* again: nothing there is success, and said so */
	destroy(&j.ref, &list);
	assert_int_equal(list.len, 1);
	assert_string_equal(list.items[0].proof, "ENOENT");
	cleanup_list_release(&list);
	must(rmdir(j.dir) == 0);
}

static void test_while_open(void **state)
{
	struct error err;
	struct jail j;

	(void)state;
	jail_open(&j);
	destroy(&j.ref, NULL);		/* under the handle */
	jail_sh(&j, "echo not reached");
	assert_int_equal(j.exit.end, SANDBOX_LOST);
	assert_int_equal(sandbox_exec(j.sb, &(struct sandbox_command){.argv = (const char *const[]){"true", NULL}},
				      &j.exit, &err),
			 -1);
	assert_non_null(strstr(err.text, "has died"));
	jail_close(&j);
}

static void runner_with_daemons(void *arg)
{
	struct shared *s = arg;

	jail_open(&s->jail);
	s->ready = 1;
	jail_sh(&s->jail, "setsid sh -c 'trap \"\" TERM HUP; sleep 61.5' & sleep 61.25");
}

/* The runner is killed in the middle of a command: all processes go by themselves, the rest by the ref. */
static void test_dead_runner(void **state)
{
	struct shared *s = shared_new();
	struct cleanup_list list = { 0 };
	uint64_t deadline;
	pid_t runner = fork();

	(void)state;
	if (runner == 0) {
		in_child = true;
		runner_with_daemons(s);
		_exit(0);
	}
	deadline = clock_deadline(5 * NS_PER_SEC);
	while ((!s->ready || count_processes("sleep 61.5") == 0) && clock_monotonic_ns() < deadline)
		poll(NULL, 0, 20);
	assert_true(count_processes("sleep 61.5") > 0);
	must(kill(runner, SIGKILL) == 0 && waitpid(runner, NULL, 0) == runner);
	deadline = clock_deadline(5 * NS_PER_SEC);
	while (count_processes("sleep 61.") > 0 && clock_monotonic_ns() < deadline)
		poll(NULL, 0, 20);
	assert_int_equal(count_processes("sleep 61."), 0);
	destroy(&s->jail.ref, &list);
	assert_int_equal(count_cgroups(s->jail.ref.id), 0);
	assert_true(find_item(&list, "process")->gone);
	cleanup_list_release(&list);
	must(rmdir(s->jail.dir) == 0);
	munmap(s, sizeof(*s));
}

static void write_state(struct jail *j, const char *text)
{
	autofree char *path = xasprintf("%s/native-%s", j->dir, j->ref.id);

	must(file_write_atomic(path, text, strlen(text), 0600, NULL) == 0);
}

/* A state file that names a process or a folder that is not ours hurts nobody. */
static void test_not_ours(void **state)
{
	struct cleanup_list list = { 0 };
	struct error err = { .text = "" };
	struct jail j;
	char text[200];
	pid_t innocent = fork();

	(void)state;
	if (innocent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* also when an assertion ends us first */
		pause();
		_exit(0);
	}
	jail_init(&j);
	snprintf(text, sizeof(text), "init %d 12345\nrubbish\ncgroup relative\ninit 1\ninit", (int)innocent);
	write_state(&j, text);
	destroy(&j.ref, &list);
	assert_int_equal(kill(innocent, 0), 0);
	assert_int_equal(waitpid(innocent, NULL, WNOHANG), 0);
	assert_string_equal(find_item(&list, "process")->proof, "ended before: the pid belongs to another process now");
	cleanup_list_release(&list);

	snprintf(text, sizeof(text), "%s/sandbox_runner-x", j.dir);
	must(mkdir(text, 0700) == 0);
	snprintf(text, sizeof(text), "cgroup %s/sandbox_runner-x\n", j.dir);	/* not called after this sandbox */
	write_state(&j, text);
	destroy(&j.ref, &list);
	cleanup_list_release(&list);
	snprintf(text, sizeof(text), "%s/sandbox_runner-x", j.dir);
	assert_int_equal(access(text, F_OK), 0);
	snprintf(text, sizeof(text), "%s/sandbox_runner-%s", j.dir, j.ref.id);
	must(mkdir(text, 0700) == 0);
	snprintf(text, sizeof(text), "cgroup %s/sandbox_runner-%s\n", j.dir, j.ref.id);
	write_state(&j, text);
	assert_int_equal(sandbox_destroy(&j.ref, &list, &err), -1);
	assert_int_equal(err.code, ERR_CLEANUP);
	assert_false(find_item(&list, "cgroup")->gone);
	cleanup_list_release(&list);
	kill(innocent, SIGKILL);
	waitpid(innocent, NULL, 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, j.dir, &err), 0);
}

static void make_and_forget(void *arg)
{
	struct shared *s = arg;

	jail_open(&s->jail);
	s->ready = 1;
	kill(getpid(), SIGKILL);
}

/* Sweeping finds what no journal knows, and leaves the living alone. */
static void test_sweep(void **state)
{
	struct shared *s = shared_new();
	struct cleanup_list list = { 0 };
	struct error err = { .text = "" };
	struct jail alive;
	pid_t runner;

	(void)state;
	if (geteuid() != 0)
		skip();
	jail_open(&alive);
	runner = fork();
	if (runner == 0) {
		in_child = true;
		make_and_forget(s);
	}
	must(waitpid(runner, NULL, 0) == runner && s->ready);
	assert_true(count_cgroups(s->jail.ref.id) > 0);
	assert_int_equal(sandbox_sweep(false, &list, &err), 0);
	assert_int_equal(count_cgroups(s->jail.ref.id), 0);
	assert_true(list.len > 0 && strstr(list.items[0].name, "sandbox_runner-"));
	assert_true(count_cgroups(alive.ref.id) > 0);
	jail_sh(&alive, "echo alive");
	assert_string_equal(alive.out[0].buf, "alive\n");
	cleanup_list_release(&list);
	destroy(&s->jail.ref, NULL);
	must(rmdir(s->jail.dir) == 0);
	jail_close(&alive);
	munmap(s, sizeof(*s));
}

/* The runner died when its first process was there and not all cgroups were: those that the file does not name are looked for. */
static void test_dead_while_making(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	autofree char *path = NULL;
	struct jail j;
	char *line, *end;

	(void)state;
	jail_open(&j);
	path = xasprintf("%s/native-%s", j.dir, j.ref.id);
	must(file_read(path, &text, NULL) == 0);
	assert_string_equal(text.buf + text.len - strlen("\nwhole\n"), "\nwhole\n");
	line = strstr(text.buf, "init ");
	must(line != NULL && (end = strchr(line, '\n')) != NULL);
	must(file_write_atomic(path, line, (size_t)(end + 1 - line), 0600, NULL) == 0);
	sandbox_close(j.sb);
	destroy(&j.ref, NULL);
	assert_int_equal(count_cgroups(j.ref.id), 0);
	must(rmdir(j.dir) == 0);
}

/* Half-way: the endpoint is missing, the root folder is, the id is no id. */
static void test_failed_create(void **state)
{
	struct error err;
	struct jail j;

	(void)state;
	jail_init(&j);
	j.spec.rootfs = "/no/such/folder";
	assert_int_equal(sandbox_create(&j.ref, &j.spec, &j.sb, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	j.spec.rootfs = "/dev/null";
	assert_int_equal(sandbox_create(&j.ref, &j.spec, &j.sb, NULL, &err), -1);
	assert_non_null(strstr(err.text, "opening the root folder"));
	destroy(&j.ref, NULL);
	assert_int_equal(count_cgroups(j.ref.id), 0);
	j.spec.rootfs = NULL;
	snprintf(j.ref.id, sizeof(j.ref.id), "../../x");
	assert_int_equal(sandbox_create(&j.ref, &j.spec, &j.sb, NULL, &err), -1);
	assert_int_equal(sandbox_destroy(&j.ref, NULL, &err), -1);
	snprintf(j.ref.id, sizeof(j.ref.id), "x");
	snprintf(j.ref.backend, sizeof(j.ref.backend), "nothing");
	assert_int_equal(sandbox_create(&j.ref, &j.spec, &j.sb, NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	must(rmdir(j.dir) == 0);
	snprintf(j.ref.backend, sizeof(j.ref.backend), "native");
	assert_int_equal(sandbox_create(&j.ref, &j.spec, &j.sb, NULL, &err), -1);
	destroy(&j.ref, NULL);
}

/* What is believed to end with the host is not synced before it is made: nobody may believe it of what does not. */
static void test_ends_with_host(void **state)
{
	static const struct { const char *backend; bool ends; } cases[] = {
		{ "native", true }, { "docker", false }, { "podman", false }, { "kind", false }, { "kubernetes", false }, { "runc", false },
		{ "", false }, { "nativ", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sandbox_ref ref = { .id = "x" };

		snprintf(ref.backend, sizeof(ref.backend), "%s", cases[i].backend);
		assert_int_equal(sandbox_ends_with_host(&ref), cases[i].ends);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_while_open),
		cmocka_unit_test(test_dead_runner),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_dead_while_making),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_failed_create),
		cmocka_unit_test(test_ends_with_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
