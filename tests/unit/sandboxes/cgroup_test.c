/* SPDX-License-Identifier: Apache-2.0
 * cgroup: what both versions write is read as the same numbers, also where files are missing; and the numbers are those of the
 * processes inside (needs a cgroup that can be written). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/cgroup.h"
#include "tests/unit/must.h"

/* ---- files as the kernel writes them, in a folder */

#define BIT(c) (1u << CGROUP_COUNT_##c)
#define ALL_CONTROLLERS ((1u << CGROUP_CONTROLLERS) - 1)
struct text_file { const char *name, *text; };

static const struct sample {
	const char *name;
	bool v2;
	struct text_file files[10];
	struct cgroup_usage wanted;
} samples[] = {
	{ "v2", true, {
		{ "cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 3\nthrottled_usec 42\n" },
		{ "memory.current", "4096\n" }, { "memory.peak", "8192\n" },
		{ "memory.events", "low 0\nmax 9\noom 7\noom_kill 2\noom_group_kill 5\n" },
		{ "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=31\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n" },
		{ "pids.current", "3\n" }, { "pids.peak", "6\n" }, { "pids.events", "max 11\nmax.imposed 90\n" },
		{ "io.stat", "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=500 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n" } },
	  { .known = (1u << CGROUP_COUNTS) - 1, .cpu_ns = 1500000, .throttled_ns = 42000, .memory_bytes = 4096,
	    .memory_peak_bytes = 8192, .memory_pressure_us = 31, .oom_kills = 2, .pids = 3, .pids_peak = 6, .pids_refused = 11,
	    .io_read_bytes = 101, .io_write_bytes = 22 } },
	{ "v1, all in one hierarchy", false, {
		{ "cpuacct.usage", "1500001\n" }, { "cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 77\n" },
		{ "memory.usage_in_bytes", "4096\n" }, { "memory.max_usage_in_bytes", "8192\n" },
		{ "memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 3\n" },
		{ "pids.current", "3\n" }, { "pids.peak", "6\n" }, { "pids.events", "max 11\n" },
		/* which counts only what it throttles: nothing to go by */
		{ "blkio.throttle.io_service_bytes_recursive", "8:0 Read 100\n8:0 Write 20\n8:0 Total 120\nTotal 120\n" } },
	  { .known = BIT(IO_READ) - 1 - BIT(MEMORY_PRESSURE), .cpu_ns = 1500001, .throttled_ns = 77, .memory_bytes = 4096,
	    .memory_peak_bytes = 8192, .oom_kills = 3, .pids = 3, .pids_peak = 6, .pids_refused = 11 } },
	{ "an old kernel's", true, {	/* no peaks, no pressure, no controller but pids */
		{ "cpu.stat", "usage_usec 2\nuser_usec 1\nsystem_usec 1\n" }, { "pids.current", "1\n" }, { "pids.events", "max 0\n" } },
	  { .known = BIT(CPU) | BIT(PIDS) | BIT(PIDS_REFUSED), .cpu_ns = 2000, .pids = 1 } },
	{ "nothing that makes sense", true, {
		{ "cpu.stat", "" }, { "memory.current", "max\n" }, { "memory.events", "xoom_kill 7\noom_kill\n" }, { "pids.current", "-" } },
	  { .known = 0 } },
};

static void lay_out(const struct sample *s, char dir[64], struct cgroup *cg)
{
	snprintf(dir, 64, "/tmp/cgroup-test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	*cg = (struct cgroup){ .len = 1, .places[0] = { .v2 = s->v2, .controllers = ALL_CONTROLLERS } };
	cg->places[0].fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (const struct text_file *f = s->files; f->name; f++) {
		int fd = openat(cg->places[0].fd, f->name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

		assert_true(fd >= 0 && write_all(fd, f->text, strlen(f->text)) == 0);
		close(fd);
	}
	cgroup_open_counters(cg);
}

static void clear_away(const struct sample *s, const char *dir, struct cgroup *cg)
{
	for (const struct text_file *f = s->files; f->name; f++)
		unlinkat(cg->places[0].fd, f->name, 0);
	cgroup_close(cg);
	assert_int_equal(rmdir(dir), 0);
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct cgroup_usage got;
		struct cgroup cg;
		char dir[64];

		lay_out(&samples[i], dir, &cg);
		for (int again = 0; again < 2; again++) {	/* the same when read once more */
			cgroup_usage(&cg, &got);
			if (memcmp(&got, &samples[i].wanted, sizeof(got)) != 0)
				print_error("%s: known %#x, wanted %#x\n", samples[i].name, got.known, samples[i].wanted.known);
			assert_memory_equal(&got, &samples[i].wanted, sizeof(got));
		}
		clear_away(&samples[i], dir, &cg);
	}
}

static void test_no_place(void **state)
{
	struct cgroup cg = { .len = 0 };
	struct cgroup_usage got;

	(void)state;
	cgroup_open_counters(&cg);
	cgroup_usage(&cg, &got);
	assert_int_equal(got.known, 0);
	cgroup_mark(&cg);
	cgroup_watch(&cg);
	assert_int_equal(cgroup_memory_peak(&cg) + cgroup_pids_peak(&cg) + cgroup_cpu_ns(&cg), 0);
	assert_false(cgroup_out_of_memory(&cg) || cgroup_fork_refused(&cg));
	cgroup_close(&cg);
}

/* A peak that an earlier command reached says nothing of this one: what was seen does. */
static void test_old_peak(void **state)
{
	struct cgroup cg;
	char dir[64];

	(void)state;
	lay_out(&samples[0], dir, &cg);
	cgroup_mark(&cg);
	assert_int_equal(cgroup_pids_peak(&cg), 0);
	cgroup_watch(&cg);
	assert_int_equal(cgroup_pids_peak(&cg), 3);
	clear_away(&samples[0], dir, &cg);
}

/* ---- the real thing */

static void ignore(void *arg, const char *path)
{
	(void)arg;
	(void)path;
}

/* In the cgroup: `bytes` of memory and `pids` processes, half a second of work; then wait to be killed. */
static pid_t start_inside(const struct cgroup *cg, size_t bytes, int pids)
{
	int joins[CGROUP_PLACES + 1], v2 = cgroup_v2_folder(cg), done[2];
	size_t n = cgroup_open_joins(cg, joins, CGROUP_PLACES);
	pid_t pid;
	char c;

	if (v2 >= 0 && (joins[n] = openat(v2, "cgroup.procs", O_WRONLY | O_CLOEXEC)) >= 0)
		n++;
	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		for (size_t i = 0; i < n; i++)
			must(write(joins[i], "0", 1) == 1);
		for (int i = 1; i < pids; i++)
			if (fork() == 0)
				for (;;)
					pause();
		memset(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, bytes);
		for (struct timespec t = { 0 }; t.tv_sec == 0 && t.tv_nsec < 500000000;)
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		must(write(done[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	for (size_t i = 0; i < n; i++)
		close(joins[i]);
	close(done[1]);
	assert_int_equal(read(done[0], &c, 1), 1);
	close(done[0]);
	return pid;
}

static void end_inside(const struct cgroup *cg, pid_t pid)
{
	const uint64_t deadline = clock_deadline(5 * NS_PER_SEC);
	struct cgroup_usage u;

	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	do {
		cgroup_usage(cg, &u);
	} while (u.pids && clock_monotonic_ns() < deadline);
	assert_int_equal(u.pids, 0);
}

static void remove_place(void *arg, const char *path)
{
	char leaf[512];

	*(int *)arg += cgroup_remove(path, 5 * NS_PER_SEC) < 0 || cgroup_leave_leaf(path, leaf) < 0;
}

static int remove_places(void **state)
{
	int failed = 0;

	cgroup_find(*state, remove_place, &failed);
	return failed;
}

#define IS(value, low, high) assert_in_range((value), (low), (high))
static void test_real(void **state)
{
	const struct cgroup_limits limits = { .memory_bytes = 256 << 20, .pids = 50, .cpu_millis = 1000 };
	struct cgroup_state states[CGROUP_CONTROLLERS];
	struct cgroup_usage u;
	struct cgroup cg;
	pid_t pid;

	cgroup_create(&cg, *state, &limits, ignore, NULL, states);
	if (!states[CGROUP_MEMORY].held || !states[CGROUP_PIDS].held || !states[CGROUP_CPU].held) {
		print_message("no cgroup with all controllers: %s\n", states[CGROUP_MEMORY].detail);
		cgroup_close(&cg);
		skip();
	}
	cgroup_mark(&cg);
	pid = start_inside(&cg, 40 << 20, 8);
	cgroup_usage(&cg, &u);
	assert_int_equal(u.known & (BIT(CPU) | BIT(MEMORY) | BIT(PIDS) | BIT(THROTTLED) | BIT(OOM_KILLS) | BIT(PIDS_REFUSED)),
			 BIT(CPU) | BIT(MEMORY) | BIT(PIDS) | BIT(THROTTLED) | BIT(OOM_KILLS) | BIT(PIDS_REFUSED));
	assert_int_equal(u.pids, 8);
	assert_true(!(u.known & BIT(PIDS_PEAK)) || u.pids_peak == 8);
	IS(u.memory_bytes, 40u << 20, 48u << 20);
	IS(u.cpu_ns, 450000000, 800000000);	/* half a second by the clock of the process, which the group's need not match */
	cgroup_watch(&cg);
	end_inside(&cg, pid);
	IS(cgroup_memory_peak(&cg), 40u << 20, 48u << 20);
	IS(cgroup_pids_peak(&cg), 8, 8);

	/* the second command is told from the first */
	cgroup_mark(&cg);
	pid = start_inside(&cg, 10 << 20, 3);
	cgroup_watch(&cg);
	end_inside(&cg, pid);
	IS(cgroup_memory_peak(&cg), 10u << 20, 18u << 20);
	IS(cgroup_pids_peak(&cg), 3, 3);
	IS(cgroup_cpu_ns(&cg), 450000000, 800000000);
	assert_false(cgroup_out_of_memory(&cg) || cgroup_fork_refused(&cg));
	cgroup_close(&cg);
}

int main(void)
{
	char id[32];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_no_place), cmocka_unit_test(test_old_peak),
		cmocka_unit_test_prestate_setup_teardown(test_real, NULL, remove_places, id),
	};

	snprintf(id, sizeof(id), "unit-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
