/* SPDX-License-Identifier: Apache-2.0
 *
 *	<state>/lock			shared while a run is being born, exclusive while gc decides who is an orphan
 *	<state>/runs/<run id>/		scratch; everything the run keeps on disk
 *	<state>/runs/<run id>/journal	locked while the run or its reaper lives; unlinked last
 *
 * A run is born (folder, journal, lock) under the shared lock, so whoever holds it exclusively sees no half-born run: a
 * folder without journal, or with a journal whose lock is free, is an orphan's. It is only held for microseconds; the
 * clean-up itself runs under the journal's own lock. It is a file and not the folder because NFS locks only what is open for
 * writing.
 *
 * Dying is allowed anywhere: an orphan's folder is emptied first, then the journal goes, then the folder. What is left by a
 * death in between is a folder with a journal (replayed again: destroying is idempotent) or an empty one (removed).
 */
#include "runner/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/json.h"
#include "runner/base/mem.h"
#include "runner/journal_private.h"

#define REMEDY "choose another one by --state-dir DIR or $SANDBOX_RUNNER_STATE_DIR"

struct journal {
	char *scratch;		/* absolute, without links */
	const char *run_id;	/* its last component */
	int runs_fd;
	int fd;
	bool synced;		/* the folders that lead to the journal are on disk */
};

/* ---- the state folder */

static char *below(const char *folder, const char *rest)
{
	return folder && *folder == '/' ? xasprintf("%s/%s", folder, rest) : NULL;
}

static char *home_state(void)
{
	char *path = below(getenv("HOME"), ".local/state/sandbox_runner");
	const struct passwd *pw = path ? NULL : getpwuid(geteuid());

	return pw ? below(pw->pw_dir, ".local/state/sandbox_runner") : path;
}

char *journal_state_dir(const char *option, struct error *err)
{
	const char *given = option ? option : getenv("SANDBOX_RUNNER_STATE_DIR");
	autofree char *cwd = NULL;
	char *path;

	if (option && !*option) {
		error_set(err, ERR_USAGE, "--state-dir needs a folder");
		return NULL;
	}
	if (given && *given == '/')
		return xstrdup(given);
	if (given && *given) {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			error_sys(err, ERR_UNAVAILABLE, "cannot tell the current folder, to which '%s' is relative", given);
		return cwd ? xasprintf("%s/%s", cwd, given) : NULL;
	}
	path = below(getenv("XDG_STATE_HOME"), "sandbox_runner");	/* a relative one is to be ignored */
	if (!path)
		path = home_state();
	if (!path)
		error_set(err, ERR_UNAVAILABLE, "no home folder to keep the state in; " REMEDY);
	return path;
}

/* A path that cannot be the reason is cut, so that the remedy behind it has room. */
#define PATH_SHOWN 400

static const char *cut_mark(const char *path)
{
	return strlen(path) > PATH_SHOWN ? "..." : "";
}

int journal_unusable(struct error *err, const char *state_dir)
{
	int sys = errno;

	error_set(err, ERR_UNAVAILABLE, "cannot use the state folder '%.*s%s': %s; " REMEDY, PATH_SHOWN, state_dir, cut_mark(state_dir),
		  strerror(sys));
	if (err)
		err->sys = sys;
	return -1;
}

/* What others could write, others could use to make us delete: refuse it. */
static int check_ours(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return journal_unusable(err, path);
	if (st.st_uid != geteuid())
		return error_set(err, ERR_UNAVAILABLE, "the state folder '%.*s%s' belongs to user %u, not to us (%u); " REMEDY, PATH_SHOWN,
				 path, cut_mark(path), (unsigned int)st.st_uid, (unsigned int)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERR_UNAVAILABLE, "others may write in the state folder '%.*s%s'; take that away with 'chmod go-w' or "
				 REMEDY, PATH_SHOWN, path, cut_mark(path));
	return 0;
}

static int open_state(const char *state_dir, struct error *err)
{
	autoclose int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return journal_unusable(err, state_dir);
	return check_ours(fd, state_dir, err) < 0 ? -1 : steal_fd(&fd);
}

/* `make` it, or -1 with err->sys == ENOENT when there is none. */
static int runs_in(const char *state_dir, bool make, struct error *err)
{
	autofree char *runs = xasprintf("%s/runs", state_dir);
	autoclose int state_fd = open_state(state_dir, err);
	autoclose int runs_fd = -1;
	int refused = 0;

	if (state_fd < 0)
		return -1;
	if (make && mkdirat(state_fd, "runs", 0700) < 0 && errno != EEXIST)
		refused = errno;	/* it may be there nevertheless: EROFS is said of what exists, too */
	runs_fd = openat(state_fd, "runs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (runs_fd < 0) {
		errno = refused ? refused : errno;
		return journal_unusable(err, state_dir);
	}
	return check_ours(runs_fd, runs, err) < 0 ? -1 : steal_fd(&runs_fd);
}

int journal_open_runs(const char *state_dir, struct error *err)
{
	return runs_in(state_dir, false, err);
}

#define STATE_DIR_MAX (sizeof(((struct sandbox_ref *)NULL)->endpoint) - 1 - sizeof("/runs/") - RUN_ID_SIZE)

static int too_long(const char *state_dir, struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "the path of the state folder '%.*s%s' is too long (%zu bytes are possible); " REMEDY,
			 PATH_SHOWN, state_dir, cut_mark(state_dir), STATE_DIR_MAX);
}

static int make_runs(const char *state_dir, struct error *err)
{
	struct error why = { .code = ERR_OK };

	if (strlen(state_dir) > STATE_DIR_MAX && access(state_dir, F_OK) < 0)	/* an existing one may be a link */
		return too_long(state_dir, err);
	if (make_dirs(state_dir, 0700, &why) < 0) {
		errno = why.sys;
		return journal_unusable(err, state_dir);
	}
	return runs_in(state_dir, true, err);
}

static int lock_within(int fd, int how, uint64_t patience_ns)
{
	uint64_t deadline = clock_deadline(patience_ns);

	while (flock(fd, how | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || clock_monotonic_ns() >= deadline)
			return -1;
		poll(NULL, 0, 1);
	}
	return 0;
}

int journal_lock_runs(int runs_fd, int how, uint64_t patience_ns)
{
	autoclose int fd = openat(runs_fd, "../lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 || lock_within(fd, how, patience_ns) < 0 ? -1 : steal_fd(&fd);
}

/* ---- a run of our own */

void run_id_make(char out[RUN_ID_SIZE])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[17] = { 0 };	/* the last stays 0: 26 * 5 bits are two more than 128 */

	if (getrandom(random, 16, 0) != 16)
		abort();	/* cannot happen: 16 bytes are never cut short */
	*out++ = 'r';
	*out++ = '-';
	for (unsigned int bit = 0; bit < 130; bit += 5) {
		unsigned int two = (unsigned int)random[bit / 8] << 8 | random[bit / 8 + 1];

		*out++ = digits[two >> (11 - bit % 8) & 31];
	}
	*out = '\0';
}

bool run_id_is_valid(const char *text)
{
	size_t len = strlen(text);

	return len == 2 + 26 && !strncmp(text, "r-", 2) && strspn(text + 2, "abcdefghijklmnopqrstuvwxyz234567") == 26;
}

/* The journal, the run's folder and the list of runs: without the last two a power cut could lose the way to the first.
 * Where it costs (ext4: 0.4 ms for the first, 0.1 ms for the others, which find their transaction committed) is here only,
 * once a run; folders above are not synced: what outlives a power cut and is not below them comes with a label to sweep by. */
static int sync_journal(struct journal *j)
{
	autoclose int folder = -1;

	if (fdatasync(j->fd) < 0)
		return -1;
	if (j->synced)
		return 0;
	folder = open(j->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	if ((fsync(folder) < 0 || fsync(j->runs_fd) < 0) && errno != EINVAL)	/* EINVAL: folders cannot be synced there */
		return -1;
	j->synced = true;
	return 0;
}

char *journal_state(const struct journal *j)
{
	size_t len = strlen(j->scratch) - strlen(j->run_id) - strlen("/runs/");

	return xstrndup(j->scratch, len ? len : strlen("/runs"));
}

static int write_record(struct journal *j, const json_t *record, bool sync, struct error *err)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *state = journal_state(j);

	json_write(record, 0, &line);
	strbuf_addch(&line, '\n');
	if (write_all(j->fd, line.buf, line.len) < 0 || (sync && sync_journal(j) < 0)) {
		journal_unusable(err, state);
		return error_prefix(err, "writing the journal of run '%s'", j->run_id);
	}
	return 0;
}

int journal_open_new(int runs_fd, const char *run_id)
{
	autofree char *path = xasprintf("%s/" JOURNAL_NAME, run_id);
	autoclose int fd = openat(runs_fd, path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || lock_within(fd, LOCK_EX, NS_PER_SEC) < 0)
		return -1;
	return steal_fd(&fd);
}

static int write_run_record(struct journal *j, struct error *err)
{
	json_auto_t *record = json_object();
	char started[CLOCK_RFC3339_SIZE];

	clock_rfc3339(clock_realtime_ns(), started);
	json_put_text(record, "type", "run");
	json_put_int(record, "version", JOURNAL_VERSION);
	json_put_text(record, "run_id", j->run_id);
	json_put_int(record, "pid", getpid());		/* for people; liveness is the lock */
	json_put_text(record, "started", started);
	json_put_int(record, "started_ns", (int64_t)clock_realtime_ns());
	return write_record(j, record, false, err);	/* reaches the disk with the first intent: before it nothing exists */
}

/* `scratch` is without links, so that it stays the same place for whoever mounts or masks it. */
static int journal_new(const char *state_dir, const char *run_id, struct journal **ret, struct error *err)
{
	autofree char *real = realpath(state_dir, NULL);
	autofree char *scratch = NULL;
	struct journal *j;

	if (!real)
		return journal_unusable(err, state_dir);
	if (strlen(real) > STATE_DIR_MAX)
		return too_long(state_dir, err);
	scratch = xasprintf("%s/runs/%s", strcmp(real, "/") ? real : "", run_id);
	j = xcalloc(1, sizeof(*j));
	j->scratch = steal_ptr(&scratch);
	j->run_id = strrchr(j->scratch, '/') + 1;
	j->runs_fd = j->fd = -1;
	*ret = j;
	return 0;
}

static void forget_half_born(const struct journal *j)
{
	autofree char *path = xasprintf("%s/" JOURNAL_NAME, j->run_id);

	unlinkat(j->runs_fd, path, 0);
	unlinkat(j->runs_fd, j->run_id, AT_REMOVEDIR);
}

static int be_born(struct journal *j, const char *state_dir, struct error *err)
{
	autoclose int birth = journal_lock_runs(j->runs_fd, LOCK_SH, NS_PER_SEC);

	if (birth < 0)
		return journal_unusable(err, state_dir);
	fault_point("journal.create");
	if (mkdirat(j->runs_fd, j->run_id, 0700) < 0) {
		if (errno == EEXIST)
			return error_set(err, ERR_UNAVAILABLE, "there is a run '%s' already", j->run_id);
		return journal_unusable(err, state_dir);
	}
	fault_point("journal.folder");
	j->fd = journal_open_new(j->runs_fd, j->run_id);
	if (j->fd < 0)
		journal_unusable(err, state_dir);
	if (j->fd < 0 || write_run_record(j, err) < 0) {
		forget_half_born(j);
		return -1;
	}
	fault_point("journal.created");
	return 0;
}

int journal_create(const char *state_dir, const char *run_id, struct journal **ret, struct error *err)
{
	autoclose int runs_fd = -1;
	struct journal *j = NULL;

	if (!record_id_is_valid(run_id) || strlen(run_id) >= RUN_ID_SIZE)
		return error_set(err, ERR_INTERNAL, "'%s' is no run id", run_id);
	runs_fd = make_runs(state_dir, err);
	if (runs_fd < 0 || journal_new(state_dir, run_id, &j, err) < 0)
		return -1;
	j->runs_fd = steal_fd(&runs_fd);
	if (be_born(j, state_dir, err) < 0) {
		journal_close(j);
		return -1;
	}
	*ret = j;
	return 0;
}

const char *journal_scratch(const struct journal *j)
{
	return j->scratch;
}

int journal_fd(const struct journal *j)
{
	return j->fd;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (j->runs_fd >= 0)
		close(j->runs_fd);
	free(j->scratch);
	free(j);
}

int journal_intent(struct journal *j, const struct sandbox_ref *ref, struct error *err)
{
	json_auto_t *record = NULL;

	if (!record_ref_is_valid(ref, j->scratch))
		return error_set(err, ERR_INTERNAL, "sandbox '%s' of backend '%s' cannot be recorded", ref->id, ref->backend);
	record = record_of_intent(ref, j->scratch);
	fault_point("journal.intent");
	/* what a power cut undoes by itself need not be known after one; whoever dies otherwise has written enough */
	if (write_record(j, record, !sandbox_ends_with_host(ref), err) < 0)
		return -1;
	fault_point("journal.intended");
	return 0;
}

int journal_gone(struct journal *j, const struct sandbox_ref *ref, struct error *err)
{
	json_auto_t *record = record_of_gone(ref);

	fault_point("journal.gone");
	if (write_record(j, record, false, err) < 0)	/* lost in a power cut: destroyed once more */
		return -1;
	fault_point("journal.went");
	return 0;
}

int journal_kept(struct journal *j, uint64_t until_ns, struct error *err)
{
	json_auto_t *record = record_of_kept(until_ns);

	fault_point("journal.kept");
	return write_record(j, record, false, err);
}

/* ---- its end */

int journal_finish(struct journal *j, struct cleanup_list *list, struct error *err)
{
	int rc = journal_replay_locked(j->runs_fd, j->run_id, j->scratch, j->fd, list, err);

	fault_point("cleanup.done");
	journal_close(j);
	return rc;
}
