/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/journal_private.h"

#define LIVE_READ_MAX ((size_t)64 << 20)

/* ---- writing */

struct live {
	struct event_sink base;		/* first member */
	int fd;				/* -1: nothing can be written */
	size_t output;			/* bytes of it so far */
};

static bool is_wanted(struct live *self, const struct event *e)
{
	switch (e->type) {
	case EVENT_STEP_OUTPUT:
		if (self->output >= LIVE_OUTPUT_MAX)
			return false;
		self->output += e->len;
		return true;
	case EVENT_RUN_START:
	case EVENT_STEP_START:
	case EVENT_STEP_END:
	case EVENT_STEP_RETRY:
	case EVENT_ROLLBACK_START:
	case EVENT_VERDICT:
		return true;
	default:
		return false;
	}
}

static void live_on_event(struct event_sink *sink, const struct event *event)
{
	struct live *self = (struct live *)sink;
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *json = NULL;

	if (self->fd < 0 || !is_wanted(self, event))
		return;
	json = event_to_json(event);
	json_write(json, 0, &line);
	strbuf_addch(&line, '\n');
	if (write_all(self->fd, line.buf, line.len) < 0) {
		close(self->fd);
		self->fd = -1;
	}
}

static void live_close(struct event_sink *sink)
{
	struct live *self = (struct live *)sink;

	if (self->fd >= 0)
		close(self->fd);
	free(self);
}

struct event_sink *sink_live_new(void)
{
	struct live *self = xcalloc(1, sizeof(*self));

	self->base = (struct event_sink){ .on_event = live_on_event, .close = live_close };
	self->fd = memfd_create(LIVE_NAME, MFD_CLOEXEC);
	return &self->base;
}

/* ---- reading */

void live_runs_release(struct live_runs *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].package);
		free(l->items[i].source);
		free(l->items[i].where);
		free(l->items[i].doing);
	}
	free(l->items);
	*l = (struct live_runs){ .items = NULL };
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void on_run_start(struct live_run *run, const json_t *o)
{
	run->package = xstrdup_or_null(text_of(o, "workflow_id"));
	run->source = xstrdup_or_null(text_of(o, "source"));
	run->where = xstrdup_or_null(text_of(o, "where"));
}

static void on_step_start(struct live_run *run, const json_t *o)
{
	const char *phase = text_of(o, "phase"), *handler = text_of(o, "handler"), *name = text_of(o, "name");

	free(run->doing);
	run->doing = xasprintf("%sstep %lld%s%s%s%s", phase && !strcmp(phase, "rollback") ? "rollback " : "",
			       (long long)json_integer_value(json_object_get(o, "step")), handler ? " " : "", handler ? handler : "",
			       name ? "/" : "", name ? name : "");
}

/* Lines of output are passed over unparsed: there may be many. */
static void read_live(int fd, struct live_run *run)
{
	autostrbuf struct strbuf text = STRBUF_INIT(LIVE_READ_MAX);

	if (fd < 0 || file_read_fd(fd, LIVE_NAME, &text, NULL) < 0)
		return;
	for (const char *p = text.buf, *end = p + text.len, *newline; p < end; p = newline + 1) {
		json_auto_t *o = NULL;
		const char *type;

		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			return;
		if (memmem(p, (size_t)(newline - p), "\"type\":\"step.output\"", 20) ||
		    json_parse(p, (size_t)(newline - p), LIVE_NAME, &o, NULL) < 0)
			continue;
		type = text_of(o, "type");
		if (type && !strcmp(type, "run.start") && !run->package)
			on_run_start(run, o);
		else if (type && !strcmp(type, "step.start"))
			on_step_start(run, o);
	}
}

/* ---- its process */

/* The descriptors of a process that has the journal open; NULL: it is not the run's. */
static DIR *open_fds(const struct stat *journal, int64_t pid)
{
	autofree char *path = xasprintf("/proc/%lld/fd", (long long)pid);
	DIR *dir = pid > 0 ? opendir(path) : NULL;
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && st.st_dev == journal->st_dev && st.st_ino == journal->st_ino) {
			rewinddir(dir);
			return dir;
		}
	if (dir)
		closedir(dir);
	return NULL;
}

static int open_memory(DIR *dir)
{
	static const char target[] = "/memfd:" LIVE_NAME " (deleted)";
	char link[sizeof(target) + 1];
	struct dirent *e;
	int fd = -1;

	while (fd < 0 && (e = readdir(dir)))
		if (readlinkat(dirfd(dir), e->d_name, link, sizeof(link)) == (ssize_t)sizeof(target) - 1 &&
		    !memcmp(link, target, sizeof(target) - 1))
			fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
	return fd;
}

static int open_live(const struct stat *journal, int64_t pid)
{
	DIR *dir = open_fds(journal, pid);
	int fd = dir ? open_memory(dir) : -1;

	if (dir)
		closedir(dir);
	return fd;
}

static int stat_journal(const char *state_dir, const char *run_id, struct stat *ret)
{
	autofree char *path = xasprintf("%s/runs/%s/" JOURNAL_NAME, state_dir, run_id);

	return lstat(path, ret);
}

int live_run_open(const char *state_dir, const struct live_run *run)
{
	struct stat journal;

	return stat_journal(state_dir, run->run_id, &journal) < 0 ? -1 : open_live(&journal, run->pid);
}

int live_run_pidfd(const char *state_dir, const struct live_run *run)
{
	autoclose int pidfd = run->pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)run->pid, 0) : -1;
	struct stat journal;
	DIR *dir;

	if (pidfd < 0 || stat_journal(state_dir, run->run_id, &journal) < 0)
		return -1;
	dir = open_fds(&journal, run->pid);
	if (!dir)
		return -1;
	closedir(dir);
	return steal_fd(&pidfd);
}

/* ---- the list */

static bool read_journal(int folder, struct live_run *run, struct stat *journal)
{
	autoclose int fd = openat(folder, JOURNAL_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	autostrbuf struct strbuf text = STRBUF_INIT(JOURNAL_MAX_BYTES);
	autorecords struct records records = { 0 };

	if (fd < 0 || (flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK))
		return false;		/* closing lets go of it */
	if (journal_read(fd, &text, NULL) < 0 || fstat(fd, journal) < 0)
		return false;
	records_parse(text.buf, text.len, "", &records);
	run->started_ns = records.started_ns;
	run->kept_until_ns = records.kept_until_ns;
	run->pid = records.pid;
	return true;
}

bool live_run_is(const char *state_dir, const char *run_id)
{
	autofree char *path = xasprintf("%s/runs/%s", state_dir, run_id);
	autoclose int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct live_run run;
	struct stat journal;

	return folder >= 0 && read_journal(folder, &run, &journal);
}

static int by_start(const void *pa, const void *pb)
{
	const struct live_run *a = pa, *b = pb;

	if (a->started_ns != b->started_ns)
		return a->started_ns < b->started_ns ? -1 : 1;
	return strcmp(a->run_id, b->run_id);
}

int live_runs_list(const char *state_dir, struct live_runs *ret, struct error *err)
{
	struct error why = { .code = ERR_OK };
	int runs_fd = journal_open_runs(state_dir, &why);
	DIR *dir = runs_fd >= 0 ? fdopendir(runs_fd) : NULL;
	struct dirent *e;

	if (!dir) {
		if (runs_fd >= 0)
			close(runs_fd);
		if (why.sys == ENOENT)
			return 0;
		return err ? (*err = why, -1) : -1;
	}
	while ((e = readdir(dir))) {
		struct live_run run = { .pid = 0 };
		autoclose int folder = -1;
		autoclose int live = -1;
		struct stat journal;

		if (!record_id_is_valid(e->d_name) || strlen(e->d_name) >= RUN_ID_SIZE)
			continue;
		folder = openat(runs_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder < 0 || !read_journal(folder, &run, &journal))
			continue;
		memcpy(run.run_id, e->d_name, strlen(e->d_name) + 1);
		live = open_live(&journal, run.pid);
		read_live(live, &run);
		ARRAY_GROW(ret->items, ret->len, ret->alloc);
		ret->items[ret->len++] = run;
	}
	closedir(dir);
	if (ret->len)
		qsort(ret->items, ret->len, sizeof(ret->items[0]), by_start);
	return 0;
}
