/* SPDX-License-Identifier: Apache-2.0
 * jail: a sandbox for a test, in a scratch folder of its own, and shell commands in it. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "sandboxes/sandbox.h"
#include "tests/unit/must.h"

struct jail {
	char dir[64];
	struct sandbox_ref ref;
	struct sandbox_spec spec;
	struct control_table controls;
	struct sandbox *sb;
	struct sandbox_exit exit;	/* of the last command */
	struct strbuf out[2];		/* and what it wrote */
	uint64_t timeout_ns, grace_ns;
	int cancel_fd;
	sandbox_observer *observer;	/* gets the jail */
};

static const struct sandbox_limits jail_limits = {
	.memory_bytes = 96 << 20,
	.cpu_millis = 2000,
	.pids = 40,
	.storage_bytes = 16 << 20,
	.storage_files = 200,
	.tmp_bytes = 4 << 20,
	.nofile = 64,
	.fsize_bytes = 8 << 20,
	.cpu_time_ns = 20 * NS_PER_SEC,
	.output_bytes = 1 << 20,
};

static void jail_init(struct jail *j)
{
	static unsigned int serial;

	memset(j, 0, sizeof(*j));
	snprintf(j->dir, sizeof(j->dir), "/tmp/jail-test.XXXXXX");
	must(mkdtemp(j->dir) != NULL);
	snprintf(j->ref.backend, sizeof(j->ref.backend), "native");
	snprintf(j->ref.endpoint, sizeof(j->ref.endpoint), "%s", j->dir);
	snprintf(j->ref.id, sizeof(j->ref.id), "test-%d-%u", (int)getpid(), serial++);
	j->spec = (struct sandbox_spec){ .hostname = "inside", .limits = jail_limits };
	strbuf_init(&j->out[0], 4 << 20);
	strbuf_init(&j->out[1], 4 << 20);
	j->timeout_ns = 20 * NS_PER_SEC;
	j->grace_ns = 200 * NS_PER_MS;
	j->cancel_fd = -1;
}

/* Of what jail_init() and the caller have put into `spec`. */
static void jail_make(struct jail *j)
{
	struct error err = { .text = "" };

	if (sandbox_create(&j->ref, &j->spec, &j->sb, &j->controls, &err) < 0) {
		print_error("%s\n", err.text);
		must(!"create");
	}
}

static __attribute__((unused)) void jail_open(struct jail *j)
{
	jail_init(j);
	jail_make(j);
}

/* Close, destroy, and see that nothing is left. */
static void jail_close(struct jail *j)
{
	struct cleanup_list list = { 0 };
	struct error err = { .text = "" };

	sandbox_close(j->sb);
	if (sandbox_destroy(&j->ref, &list, &err) < 0)
		print_error("%s\n", err.text);
	for (size_t i = 0; i < list.len; i++)
		must(list.items[i].gone);
	cleanup_list_release(&list);
	must(rmdir(j->dir) == 0);
	strbuf_release(&j->out[0]);
	strbuf_release(&j->out[1]);
}

static void jail_keep_output(void *arg, enum sandbox_stream stream, const char *data, size_t len)
{
	struct jail *j = arg;

	strbuf_add(&j->out[stream], data, len);
}

static void jail_run(struct jail *j, const char *const *argv)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/work", "GREETING=hello world",
					  NULL};
	struct sandbox_command cmd = {
		.argv = argv,
		.env = env,
		.timeout_ns = j->timeout_ns,
		.grace_ns = j->grace_ns,
		.cancel_fd = j->cancel_fd,
		.output = jail_keep_output,
		.output_arg = j,
		.observer = j->observer,
		.observer_arg = j,
	};
	struct error err = { .text = "" };

	strbuf_clear(&j->out[0]);
	strbuf_clear(&j->out[1]);
	if (sandbox_exec(j->sb, &cmd, &j->exit, &err) < 0) {
		print_error("%s\n", err.text);
		must(!"exec");
	}
}

static void jail_sh(struct jail *j, const char *script)
{
	jail_run(j, (const char *const[]){ "sh", "-c", script, NULL });
}

/* cmocka cannot jump out of a forked child: run `body` in one and fail if it did. */
static __attribute__((unused)) void in_fork(void (*body)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		in_child = true;
		body(arg);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	must(status == 0);
}
