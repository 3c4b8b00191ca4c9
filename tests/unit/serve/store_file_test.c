/* SPDX-License-Identifier: Apache-2.0
 * store: its file is its own, is there after any death as far as was said, and whole after a full disk. */
#include "tests/unit/serve/store_place.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

static void refuses_what_is_not_its_file(void **state)
{
	struct error err = { 0 };
	struct store *other = NULL;
	struct db *db = open_below();

	(void)state;
	must(db_set_version(db, 999, NULL) == 0);
	db_close(db);
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "made by a newer version (its format is 999"));
	must(file_write_atomic(path, "not a database", 14, 0600, NULL) == 0);
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "/service.db' is no database: move it aside"));
	must(unlink(path) == 0);
	reopen();
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "in use by"));
	assert_int_equal(store_open("/proc/nowhere", &other, &err), -1);
	assert_int_equal(store_ping(store, NULL), 0);
}

static void counted(void *data, const struct run_row *r)
{
	*(uint64_t *)data += r->duration_ms;
}

/* With the last row taken as a measure of nothing being kept: ten thousand come by in one list. */
static void streams_lists(void **state)
{
	struct run_row r = { .state = RUN_ENDED, .origin = (char *)"v1", .duration_ms = 1 };
	uint64_t seen = 0, total = 0, before, took;
	struct db *db;

	(void)state;
	before = clock_monotonic_ns();
	for (int i = 0; i < 300; i++) {
		snprintf(r.id, sizeof(r.id), "r-%d", i);
		r.state = RUN_QUEUED;
		must(store_run_add(store, &r, NULL) == 0);
		r.state = RUN_RUNNING;
		must(store_run_update(store, &r, NULL) == 0);
		r.state = RUN_ENDED;
		must(store_run_update(store, &r, NULL) == 0);
	}
	took = clock_monotonic_ns() - before;
	print_message("%llu us a run (one insert, two updates)\n", (unsigned long long)(took / 300 / 1000));
	db = open_below();
	must(db_exec(db, "WITH RECURSIVE c (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c WHERE n < 10699)"
			 " INSERT INTO runs (id, state, exit_status, origin, created_ns, started_ns, ended_ns, duration_ms, files)"
			 " SELECT 'r-' || n, 'ended', 0, 'v1', n, n, n, 1, 0 FROM c", NULL) == 0);
	db_close(db);
	reopen();
	must(store_run_list(store, &(struct run_filter){ .limit = 0 }, counted, &seen, &total, NULL) == 0);
	assert_int_equal(seen, 10000);
	assert_int_equal(total, 10000);
}

/* ---- death and want */

/* A run, its record and its end, over and over; says each number when all of it is there. */
static void work_for_ever(int fd)
{
	struct error err = { 0 };

	store = NULL;
	must(store_open(dir, &store, &err) == 0);
	for (uint64_t n = 0; ; n++) {
		char id[32];
		struct run_row r;

		snprintf(id, sizeof(id), "r-%d-%llu", (int)getpid(), (unsigned long long)n);
		must(add_run(id, "w", RUN_QUEUED, NULL) == 0);
		must(store_audit(store, "workflow_executed", id, "ci", NULL, NULL) == 0);
		must(store_run_get(store, id, &r, NULL) == 1);
		r.state = RUN_ENDED;
		r.verdict = xstrdup("verified");
		must(store_run_update(store, &r, NULL) == 0);
		run_row_release(&r);
		must(write(fd, &n, sizeof(n)) == sizeof(n));
	}
}

static void survives_the_death_of_a_service(void **state)
{
	uint64_t promised = 0, n, records, ended;

	(void)state;
	for (int round = 0; round < 20; round++) {
		int ends[2];
		pid_t pid;

		store_close(store);
		store = NULL;
		must(pipe(ends) == 0);
		pid = fork();
		if (pid == 0) {
			in_child = true;
			close(ends[0]);
			work_for_ever(ends[1]);
		}
		close(ends[1]);
		for (int i = 0; i < 1 + round * 5 && read(ends[0], &n, sizeof(n)) == sizeof(n); i++)
			promised++;
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		while (read(ends[0], &n, sizeof(n)) == sizeof(n))
			promised++;
		close(ends[0]);
		reopen();
		must(store_audit_verify(store, &records, NULL) == 0);
		must(store_run_list(store, &(struct run_filter){ .state = "ended", .limit = 1 }, counted, &n, &ended, NULL) == 0);
		must(promised >= (uint64_t)round + 1 && records >= promised && ended >= promised && records <= promised + (uint64_t)round + 1);
	}
}

static void on_a_small_disk(void)
{
	struct error err = { 0 };
	uint64_t written = 0, records, total, n = 0;
	char big[100];
	int fd;

	store_close(store);
	store = NULL;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700") < 0)
		_exit(77);
	reopen();
	snprintf(big, sizeof(big), "%s/big", dir);
	fd = open(big, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && posix_fallocate(fd, 0, 3 << 20) == 0);
	while (written < 100000 && store_audit(store, "workflow_executed", NULL, "ci", json_string(big), &err) == 0)
		written++;
	must(err.code == ERR_RESOURCE_EXHAUSTED && strstr(err.text, "no room to write '") && written > 10);
	must(store_audit_verify(store, &records, NULL) == 0 && records == written);
	while (write(fd, big, sizeof(big)) > 0)
		;
	must(store_ping(store, &err) < 0 && err.code == ERR_RESOURCE_EXHAUSTED);
	store_close(store);
	store = NULL;		/* one that cannot write anything does not start, and says why */
	must(store_open(dir, &store, &err) < 0 && err.code == ERR_RESOURCE_EXHAUSTED);
	must(ftruncate(fd, 0) == 0);
	reopen();
	must(store_audit(store, "workflow_executed", NULL, "ci", NULL, NULL) == 0 && store_ping(store, NULL) == 0);
	must(add_run("r-3", "w", RUN_ENDED, "verified") == 0);
	reopen();
	must(store_audit_verify(store, &records, NULL) == 0 && records == written + 1);
	must(store_run_list(store, &(struct run_filter){ .after = "r-3" }, counted, &n, &total, NULL) == 0 && total >= 1);
	store_close(store);
	close(fd);
}

static void survives_a_full_disk(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	store_close(store);	/* the child has one of its own */
	store = NULL;
	pid = fork();
	if (pid == 0) {
		in_child = true;
		on_a_small_disk();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(refuses_what_is_not_its_file),
		CASE(streams_lists),
		CASE(survives_the_death_of_a_service),
		CASE(survives_a_full_disk),
	};

	return cmocka_run_group_tests_name("store_file", tests, NULL, NULL);
}
