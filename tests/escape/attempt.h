/* SPDX-License-Identifier: Apache-2.0
 * attempt: one try in a child of its own, and its verdict as a line. For the programs that run inside. */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- verdicts: a child says what happened in shared memory */
static struct { int escaped; char text[400]; } *said;

static _Noreturn void end(int escaped, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static _Noreturn void end(int escaped, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said->text, sizeof(said->text), fmt, ap);
	va_end(ap);
	said->escaped = escaped;
	_exit(0);
}

static int failures;

static void attempt(const char *name, void (*try)(const void *), const void *arg)
{
	int status = 0;
	pid_t pid;

	said->escaped = -1;
	said->text[0] = '\0';
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(90);	/* a walk over everything takes its time on a busy machine */
		try(arg);
		end(1, "no verdict");
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		said->escaped = 1;
		snprintf(said->text, sizeof(said->text), "cannot try: %s", strerror(errno));
	} else if (said->escaped < 0) {	/* killed on the way */
		said->escaped = !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		snprintf(said->text, sizeof(said->text), "signal %d", WTERMSIG(status));
	}
	printf("%s %s: %s\n", said->escaped ? "ESCAPED" : "blocked", name, said->text);
	failures += said->escaped != 0;
}
