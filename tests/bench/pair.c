/* SPDX-License-Identifier: Apache-2.0
 * pair RUNS NAME COMMAND… [-- NAME COMMAND…]…: time whole processes in turn, A B C A B C …, after one warm-up each, and print the
 * median wall time, the peak memory of the largest process, and each ratio to the first command pair by pair. Output of the
 * commands is thrown away. Exit 1 when a command cannot be run or fails. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8
#define RUNS_MAX 1000

struct command {
	const char *name;
	char **argv;
	double seconds[RUNS_MAX];
	long peak_kib;
	int failed;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double run(struct command *c)
{
	double started = now();
	struct rusage usage;
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(c->argv[0], c->argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status)
		c->failed = status ? status : -1;
	if (usage.ru_maxrss > c->peak_kib)
		c->peak_kib = usage.ru_maxrss;
	return now() - started;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *values, int n)
{
	double sorted[RUNS_MAX];

	memcpy(sorted, values, sizeof(*values) * (size_t)n);
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int n = 0, bad = 0, runs = argc > 3 ? (int)strtol(argv[1], NULL, 10) : 0;

	for (int i = 2; i + 1 < argc && n < COMMANDS_MAX; n++) {
		commands[n].name = argv[i];
		commands[n].argv = &argv[i + 1];
		while (i < argc && strcmp(argv[i], "--"))
			i++;
		if (i < argc)
			argv[i++] = NULL;
	}
	if (runs < 1 || runs > RUNS_MAX || !n) {
		fprintf(stderr, "usage: pair RUNS NAME COMMAND... [-- NAME COMMAND...]...\n");
		return 2;
	}
	for (int r = -1; r < runs; r++)
		for (int i = 0; i < n; i++) {
			double seconds = run(&commands[i]);

			if (r >= 0)
				commands[i].seconds[r] = seconds;
		}
	for (int i = 0; i < n; i++) {
		double ratios[RUNS_MAX];

		for (int r = 0; r < runs; r++)
			ratios[r] = commands[i].seconds[r] / commands[0].seconds[r];
		printf("  %-34s %9.2f ms  %6.1f MiB  %7.2f x%s\n", commands[i].name, median(commands[i].seconds, runs) * 1e3,
		       (double)commands[i].peak_kib / 1024, median(ratios, runs), commands[i].failed ? "  FAILED" : "");
		bad |= commands[i].failed;
	}
	return bad ? 1 : 0;
}
