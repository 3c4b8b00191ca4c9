/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/log_store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

struct entry {			/* a file within a lane of an archive */
	char *name;
	enum log_lane lane;
	off_t start, end;
};

struct log_store {
	char *target;
	bool is_archive;
	int dir_fd;			/* folder */
	int lane_fds[LOG_LANES];	/* -1: nothing open in that lane */
	char *names[LOG_LANES];		/* for messages */
	struct entry *entries;		/* archive */
	size_t entries_len, entries_alloc;
	int error;
	char *error_name;
};

static void note_error(struct log_store *s, const char *name)
{
	if (s->error)
		return;
	s->error = errno ? errno : EIO;
	s->error_name = xstrdup(name);
}

/* ---- a folder */

static bool ends_in(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && !strcmp(s + len - n, end);
}

/* Names that we give: [rollback-]NN-title.stdout.log and the three fixed ones. */
static bool is_our_name(const char *name)
{
	size_t digits;

	if (!strcmp(name, "events.ndjson") || !strcmp(name, "result.json") || !strcmp(name, "report.txt"))
		return true;
	if (!strncmp(name, "rollback-", 9))
		name += 9;
	for (digits = 0; isdigit((unsigned char)name[digits]);)
		digits++;
	return digits >= 2 && name[digits] == '-' && (ends_in(name, ".stdout.log") || ends_in(name, ".stderr.log"));
}

/* Logs of an earlier run begin with the first event of one. */
static bool holds_our_logs(int dir_fd)
{
	static const char first[] = "{\"seq\":1,\"time\":\"";
	autoclose int fd = openat(dir_fd, "events.ndjson", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[sizeof(first) - 1];

	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && !memcmp(head, first, sizeof(head));
}

static int clear_folder(struct log_store *s, struct error *err)
{
	bool ours = holds_our_logs(s->dir_fd);
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		error_sys(err, ERR_UNAVAILABLE, "cannot read folder '%s'", s->target);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!ours)
			rc = error_set(err, ERR_UNAVAILABLE, "folder '%s' is not empty and holds no logs of an earlier run; give another name",
				       s->target);
		else if (is_our_name(e->d_name) && unlinkat(s->dir_fd, e->d_name, 0) < 0)
			rc = error_sys(err, ERR_UNAVAILABLE, "cannot replace '%s/%s'", s->target, e->d_name);
	}
	closedir(dir);
	return rc;
}

static int open_folder(struct log_store *s, struct error *err)
{
	if (make_dirs(s->target, 0700, err) < 0)
		return -1;
	s->dir_fd = open(s->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open folder '%s'", s->target);
	if (faccessat(s->dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write to folder '%s'", s->target);
	return clear_folder(s, err);
}

/* Never through a link and never onto something that is already there. */
static int create_file(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* ---- an archive */

static bool is_archive_name(const char *target)
{
	return ends_in(target, ".tar.zst") || ends_in(target, ".tar.gz") || ends_in(target, ".tar");
}

/* The folder that `path` lies in. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int open_nameless(const char *dir)
{
	autofree char *path = NULL;
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	path = xasprintf("%s/.logs.XXXXXX", dir);	/* some network file systems cannot make nameless files */
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int open_archive(struct log_store *s, const char *scratch, struct error *err)
{
	autofree char *parent = parent_of(s->target);
	struct stat st;

	if (stat(s->target, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, ERR_UNAVAILABLE, "'%s' is in the way: it is no file", s->target);
	if (access(parent, W_OK | X_OK) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write to folder '%s'", parent);
	for (int i = 0; i < LOG_LANES; i++) {
		s->lane_fds[i] = open_nameless(scratch ? scratch : parent);
		if (s->lane_fds[i] < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot make a temporary file in '%s'", scratch ? scratch : parent);
	}
	return 0;
}

static int copy_entry(const struct log_store *s, const struct entry *e, int dir_fd)
{
	autoclose int fd = create_file(dir_fd, e->name);
	off_t at = e->start;
	char chunk[65536];

	if (fd < 0)
		return -1;
	while (at < e->end) {
		size_t want = e->end - at < (off_t)sizeof(chunk) ? (size_t)(e->end - at) : sizeof(chunk);
		ssize_t n = pread(s->lane_fds[e->lane], chunk, want, at);

		if (n <= 0 || write_all(fd, chunk, (size_t)n) < 0)
			return -1;
		at += n;
	}
	return 0;
}

/* The top folder inside: the name without its endings. */
static char *prefix_of(const char *target)
{
	const char *slash = strrchr(target, '/');
	const char *base = slash ? slash + 1 : target;
	const char *end = strstr(base, ".tar");

	while (end && strstr(end + 1, ".tar"))
		end = strstr(end + 1, ".tar");
	return xstrndup(base, end ? (size_t)(end - base) : strlen(base));
}

/* libarchive packs a folder, so one is made for as long as that takes: in `scratch`, which is removed whatever happens to us. */
static int write_archive(struct log_store *s, const char *scratch, struct error *err)
{
	autofree char *parent = parent_of(s->target);
	autofree char *prefix = prefix_of(s->target);
	autofree char *temp = xasprintf("%s/.%s.XXXXXX", scratch ? scratch : parent, prefix);
	autoclose int dir_fd = -1;
	int rc = 0;

	if (!mkdtemp(temp))
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a folder in '%s'", scratch ? scratch : parent);
	dir_fd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; rc == 0 && i < s->entries_len; i++) {
		if (dir_fd < 0 || copy_entry(s, &s->entries[i], dir_fd) < 0)
			rc = error_sys(err, ERR_UNAVAILABLE, "cannot write '%s' for '%s'", s->entries[i].name, s->target);
	}
	if (rc == 0)
		rc = archive_create(s->target, temp, prefix, err);
	if (remove_tree_at(AT_FDCWD, temp, rc == 0 ? err : NULL) < 0)
		rc = -1;
	return rc;
}

/* ---- both */

int log_store_open(const char *target, const char *scratch, struct log_store **ret, struct error *err)
{
	struct log_store *s = xcalloc(1, sizeof(*s));

	s->target = xstrdup(target);
	s->is_archive = is_archive_name(target);
	s->dir_fd = -1;
	for (int i = 0; i < LOG_LANES; i++)
		s->lane_fds[i] = -1;
	if ((s->is_archive ? open_archive(s, scratch, err) : open_folder(s, err)) < 0) {
		log_store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void log_store_close(struct log_store *s)
{
	if (!s)
		return;
	for (int i = 0; i < LOG_LANES; i++) {
		if (s->lane_fds[i] >= 0)
			close(s->lane_fds[i]);
		free(s->names[i]);
	}
	for (size_t i = 0; i < s->entries_len; i++)
		free(s->entries[i].name);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->entries);
	free(s->error_name);
	free(s->target);
	free(s);
}

static struct entry *open_entry(struct log_store *s, enum log_lane lane)
{
	for (size_t i = s->entries_len; i-- > 0;) {
		if (s->entries[i].lane == lane)
			return &s->entries[i];
	}
	return NULL;
}

void log_store_begin(struct log_store *s, enum log_lane lane, const char *name)
{
	log_store_end(s, lane);
	if (s->error)
		return;
	s->names[lane] = xstrdup(name);
	if (s->is_archive) {
		off_t at = lseek(s->lane_fds[lane], 0, SEEK_CUR);

		ARRAY_GROW(s->entries, s->entries_len, s->entries_alloc);
		s->entries[s->entries_len++] = (struct entry){ .name = xstrdup(name), .lane = lane, .start = at, .end = at };
		return;
	}
	s->lane_fds[lane] = create_file(s->dir_fd, name);
	if (s->lane_fds[lane] < 0)
		note_error(s, name);
}

void log_store_write(struct log_store *s, enum log_lane lane, const void *data, size_t len)
{
	if (s->error || !s->names[lane])
		return;
	if (write_all(s->lane_fds[lane], data, len) < 0)
		note_error(s, s->names[lane]);
	else if (s->is_archive)
		open_entry(s, lane)->end += (off_t)len;
}

void log_store_end(struct log_store *s, enum log_lane lane)
{
	if (!s->is_archive && s->lane_fds[lane] >= 0) {
		/* some file systems tell only now that there is no space */
		if (close(s->lane_fds[lane]) < 0)
			note_error(s, s->names[lane]);
		s->lane_fds[lane] = -1;
	}
	free(steal_ptr(&s->names[lane]));
}

bool log_store_is_archive(const struct log_store *s)
{
	return s->is_archive;
}

int log_store_errno(const struct log_store *s)
{
	return s->error;
}

void log_store_put(struct log_store *s, const char *name, const void *data, size_t len)
{
	if (s->is_archive) {
		log_store_begin(s, LOG_EVENTS, name);
		log_store_write(s, LOG_EVENTS, data, len);
		log_store_end(s, LOG_EVENTS);
	} else {
		autoclose int fd = create_file(s->dir_fd, name);

		if (fd < 0 || write_all(fd, data, len) < 0)
			note_error(s, name);
	}
}

int log_store_finish(struct log_store *s, const char *scratch, struct error *err)
{
	struct error archive_err = { 0 };

	for (int i = 0; i < LOG_LANES; i++)
		log_store_end(s, (enum log_lane)i);
	/* what there is is worth having, also when it is not all */
	if (s->is_archive && write_archive(s, scratch, &archive_err) < 0 && !s->error) {
		*err = archive_err;
		return -1;
	}
	if (!s->error)
		return 0;
	errno = s->error;
	return error_sys(err, ERR_UNAVAILABLE, "the logs in '%s' are not complete: cannot write '%s'", s->target, s->error_name);
}
