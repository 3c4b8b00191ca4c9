/* SPDX-License-Identifier: Apache-2.0
 * fake_world: stands in for libsandboxes where the clean-up rings are tested. A sandbox is a file <base>/world/<id>, so that what one
 * process makes another can destroy; the folder <base>/state is the state. Include it once per test program. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "runner/journal.h"
#include "tests/unit/must.h"

static char base[64], state[128], world[128];

static struct {
	struct strvec destroyed;	/* "<backend> <endpoint> <id>" as asked, in order */
	const char *stuck;		/* the id that cannot be destroyed */
	unsigned int sweeps;
} fake;

bool sandbox_backend_info(size_t i, struct backend_info *ret)
{
	*ret = (struct backend_info){ .type = "container", .runtime = "native", .summary = "fake", .available = true };
	return i == 0;
}

void sandbox_backend_probe(size_t i, struct backend_info *info)
{
	info->available = i == 0;
}

int sandbox_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	autofree char *path = xasprintf("%s/%s", world, ref->id);
	bool gone;

	strvec_pushf(&fake.destroyed, "%s %s %s", ref->backend, ref->endpoint, ref->id);
	gone = (!fake.stuck || strcmp(fake.stuck, ref->id)) && (unlink(path) == 0 || errno == ENOENT);
	cleanup_add(list, "sandbox", ref->id, gone, gone ? "ENOENT" : "stuck");
	return gone ? 0 : error_set(err, ERR_CLEANUP, "'%s' is stuck", ref->id);
}

bool sandbox_ends_with_host(const struct sandbox_ref *ref)
{
	(void)ref;
	return false;
}

int sandbox_sweep(bool thorough, struct cleanup_list *list, struct error *err)
{
	(void)thorough;
	(void)list;
	(void)err;
	fake.sweeps++;
	return 0;
}

void cleanup_add(struct cleanup_list *list, const char *kind, const char *name, bool gone, const char *proof)
{
	struct cleanup_item *item;

	if (!list)
		return;
	ARRAY_GROW(list->items, list->len, list->alloc);
	item = &list->items[list->len++];
	*item = (struct cleanup_item){ .gone = gone };
	snprintf(item->kind, sizeof(item->kind), "%s", kind);
	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->proof, sizeof(item->proof), "%.*s", (int)sizeof(item->proof) - 1, proof);
}

void cleanup_list_release(struct cleanup_list *list)
{
	free(list->items);
	*list = (struct cleanup_list){ 0 };
}

static int world_begin(void **unused)
{
	(void)unused;
	snprintf(base, sizeof(base), "/tmp/sbx-world-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	snprintf(state, sizeof(state), "%s/state", base);
	snprintf(world, sizeof(world), "%s/world", base);
	return mkdir(world, 0755);
}

static int world_end(void **unused)
{
	(void)unused;
	strvec_release(&fake.destroyed);
	fake.stuck = NULL;
	fake.sweeps = 0;
	return remove_tree_at(AT_FDCWD, base, NULL);
}

static void world_add(const char *id)
{
	autofree char *path = xasprintf("%s/%s", world, id);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	must(fd >= 0);
	close(fd);
}

/* Entries of a folder other than names that start with a dot; -1: there is no such folder. */
static int count_in(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static __attribute__((unused)) int count_runs(void)
{
	autofree char *runs = xasprintf("%s/runs", state);

	return count_in(runs);
}

static struct sandbox_ref ref_of(const struct journal *j, const char *id)
{
	struct sandbox_ref ref = { .backend = "native" };

	snprintf(ref.endpoint, sizeof(ref.endpoint), "%s", journal_scratch(j));
	snprintf(ref.id, sizeof(ref.id), "%s", id);
	return ref;
}

/* What a run does up to its sandbox: journal, intent, world. */
static __attribute__((unused)) struct journal *run_begin(const char *run_id, const char *id)
{
	struct journal *j = NULL;
	struct error err = { .code = ERR_OK };
	struct sandbox_ref ref;

	if (journal_create(state, run_id, &j, &err) < 0)
		print_error("%s\n", err.text);
	must(j != NULL);
	ref = ref_of(j, id);
	must(journal_intent(j, &ref, &err) == 0);
	world_add(id);
	return j;
}

static __attribute__((unused)) void put_in_scratch(const struct journal *j, const char *name)
{
	autofree char *path = xasprintf("%s/%s", journal_scratch(j), name);

	must(file_write_atomic(path, "x", 1, 0600, NULL) == 0);
}

/* Run `fn` in a child; returns the wait status. */
static __attribute__((unused)) int in_fork(void (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		in_child = true;
		fault_restart("SANDBOX_RUNNER_TEST_KILL");
		fn(arg);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	return status;
}
