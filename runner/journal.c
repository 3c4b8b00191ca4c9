/* SPDX-License-Identifier: Apache-2.0
 *
 *	<state>/runs/.lock		shared while a run is being born, exclusive while gc decides who is an orphan
 *	<state>/runs/<run id>/		scratch; everything the run keeps on disk
 *	<state>/runs/<run id>/journal	locked while the run or its reaper lives; unlinked last
 *
 * A run is born (folder, journal, lock) under the shared .lock, so whoever holds it exclusively sees no half-born run: a
 * folder without journal, or with a journal whose lock is free, is an orphan's. The .lock is only held for microseconds; the
 * clean-up itself runs under the journal's own lock. It is a file and not the folder because NFS locks only what is open for
 * writing.
 *
 * Dying is allowed anywhere: an orphan's folder is emptied first, then the journal goes, then the folder. What is left by a
 * death in between is a folder with a journal (replayed again: destroying is idempotent) or an empty one (removed).
 */
#include "runner/journal.h"

#include <dirent.h>
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
#include "runner/journal_records.h"

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

static int unusable(struct error *err, const char *state_dir)
{
	int sys = errno;

	error_set(err, ERR_UNAVAILABLE, "cannot use the state folder '%s': %s; " REMEDY, state_dir, strerror(sys));
	if (err)
		err->sys = sys;
	return -1;
}

/* What others could write, others could use to make us delete: refuse it. */
static int check_ours(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return unusable(err, path);
	if (st.st_uid != geteuid())
		return error_set(err, ERR_UNAVAILABLE, "the state folder '%s' belongs to user %u, not to us (%u); " REMEDY,
				 path, (unsigned int)st.st_uid, (unsigned int)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERR_UNAVAILABLE, "others may write in the state folder '%s'; run 'chmod go-w %s' or " REMEDY,
				 path, path);
	return 0;
}

/* -1 with err->sys == ENOENT when there is none. */
static int open_runs(const char *state_dir, struct error *err)
{
	autofree char *runs = xasprintf("%s/runs", state_dir);
	autoclose int state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int runs_fd = -1;

	if (state_fd < 0)
		return unusable(err, state_dir);
	if (check_ours(state_fd, state_dir, err) < 0)
		return -1;
	runs_fd = openat(state_fd, "runs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (runs_fd < 0)
		return unusable(err, state_dir);
	return check_ours(runs_fd, runs, err) < 0 ? -1 : steal_fd(&runs_fd);
}

static int make_runs(const char *state_dir, struct error *err)
{
	autofree char *runs = xasprintf("%s/runs", state_dir);
	struct error why = { .code = ERR_OK };
	int refused = 0, runs_fd;

	if (make_dirs(state_dir, 0700, &why) < 0) {
		errno = why.sys;
		return unusable(err, state_dir);
	}
	if (mkdir(runs, 0700) < 0 && errno != EEXIST)
		refused = errno;	/* may be there nevertheless: EROFS is said of what exists, too */
	runs_fd = open_runs(state_dir, &why);
	if (runs_fd >= 0)
		return runs_fd;
	if (why.sys == ENOENT && refused) {
		errno = refused;
		return unusable(err, state_dir);
	}
	if (err)
		*err = why;
	return -1;
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

/* The lock of <state>/runs. Its holders need microseconds, unless somebody stopped one: so never wait for ever. */
static int lock_runs(int runs_fd, int how, uint64_t patience_ns)
{
	autoclose int fd = openat(runs_fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

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

static int write_record(struct journal *j, const json_t *record, bool sync, struct error *err)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *state = xstrndup(j->scratch, strlen(j->scratch) - strlen(j->run_id) - strlen("/runs/"));

	json_write(record, 0, &line);
	strbuf_addch(&line, '\n');
	if (write_all(j->fd, line.buf, line.len) < 0 || (sync && sync_journal(j) < 0)) {
		unusable(err, state);
		return error_prefix(err, "writing the journal of run '%s'", j->run_id);
	}
	return 0;
}

/* Waits for the lock because is_alive() of somebody else may be trying it just now. */
static int open_new_journal(int runs_fd, const char *run_id)
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
	return write_record(j, record, false, err);	/* reaches the disk with the first intent: before it nothing exists */
}

/* `scratch` is without links, so that it stays the same place for whoever mounts or masks it. */
static int journal_new(const char *state_dir, const char *run_id, struct journal **ret, struct error *err)
{
	autofree char *real = realpath(state_dir, NULL);
	autofree char *scratch = NULL;
	struct sandbox_ref ref;
	struct journal *j;

	if (!real)
		return unusable(err, state_dir);
	scratch = xasprintf("%s/runs/%s", strcmp(real, "/") ? real : "", run_id);
	if (strlen(scratch) >= sizeof(ref.endpoint))
		return error_set(err, ERR_UNAVAILABLE, "the path of the state folder '%s' is too long (%zu bytes are possible); "
				 REMEDY, state_dir, sizeof(ref.endpoint) - 1 - strlen("/runs/") - strlen(run_id));
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
	autoclose int birth = lock_runs(j->runs_fd, LOCK_SH, NS_PER_SEC);

	if (birth < 0)
		return unusable(err, state_dir);
	fault_point("journal.create");
	if (mkdirat(j->runs_fd, j->run_id, 0700) < 0) {
		if (errno == EEXIST)
			return error_set(err, ERR_UNAVAILABLE, "there is a run '%s' already", j->run_id);
		return unusable(err, state_dir);
	}
	fault_point("journal.folder");
	j->fd = open_new_journal(j->runs_fd, j->run_id);
	if (j->fd < 0)
		unusable(err, state_dir);
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

	if (!record_id_is_valid(run_id))
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
	if (write_record(j, record, true, err) < 0)
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

/* ---- replay */

/* Everything but the journal first, so that a death in between leaves what can be replayed. */
static int empty_scratch(int folder, struct error *err)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return error_sys(err, ERR_CLEANUP, "cannot list the run's folder");
	}
	rewinddir(dir);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && strcmp(e->d_name, JOURNAL_NAME) &&
		    remove_tree_at(folder, e->d_name, rc < 0 ? NULL : err) < 0)
			rc = -1;
	closedir(dir);
	return rc;
}

static int remove_scratch(int runs_fd, const char *run_id, const char *scratch, struct cleanup_list *list, struct error *err)
{
	autoclose int folder = openat(runs_fd, run_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	fault_point("cleanup.scratch");
	if (folder >= 0) {
		rc = empty_scratch(folder, err);
		fault_point("cleanup.emptied");
		if (rc == 0)
			unlinkat(folder, JOURNAL_NAME, 0);
		fault_point("cleanup.unlinked");
	}
	if (rc == 0 && unlinkat(runs_fd, run_id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = error_sys(err, ERR_CLEANUP, "cannot remove '%s'", scratch);
	fault_point("cleanup.removed");
	if (rc == 0 && faccessat(runs_fd, run_id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		rc = error_set(err, ERR_CLEANUP, "'%s' is still there", scratch);
	cleanup_add(list, "directory", scratch, rc == 0, rc == 0 ? "ENOENT" : err ? err->text : "");
	return rc;
}

/* Destroy in reverse order; what could not be is left without `gone` for the next try. Returns how many that are. */
static unsigned int destroy_intents(int fd, struct records *records, struct cleanup_list *list, struct error *first)
{
	unsigned int left = 0;

	for (size_t i = records->len; i-- > 0; ) {
		struct record_intent *intent = &records->items[i];
		autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
		json_auto_t *gone = record_of_gone(&intent->ref);
		struct error err = { .code = ERR_OK };

		if (intent->gone)
			continue;
		if (!intent->known) {
			cleanup_add(list, "sandbox", intent->ref.id, false, "made by a backend that this version does not have");
			error_set(&err, ERR_CLEANUP, "sandbox '%s' was made by backend '%s', which this version does not have",
				  intent->ref.id, intent->ref.backend);
		} else if (sandbox_destroy(&intent->ref, list, &err) == 0) {
			fault_point("journal.gone");
			json_write(gone, 0, &line);
			strbuf_addch(&line, '\n');
			write_all(fd, line.buf, line.len);	/* a full disk costs only the repetition */
			fault_point("journal.went");
			continue;
		}
		if (!left++)
			*first = err;
	}
	return left;
}

/* The caller holds the lock of `fd`. */
static int replay_locked(int runs_fd, const char *run_id, const char *scratch, int fd, struct cleanup_list *list,
			 struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(JOURNAL_MAX_BYTES);
	autorecords struct records records = { 0 };
	struct error why = { .code = ERR_OK };
	unsigned int left;
	struct stat st;
	int rc;

	if (fstat(fd, &st) == 0 && st.st_nlink == 0)	/* somebody finished it before we had the lock */
		return 0;
	if (journal_read(fd, &text, &why) < 0) {
		cleanup_add(list, "journal", scratch, false, why.text);
		return error_set(err, ERR_CLEANUP, "%s", why.text);
	}
	records_parse(text.buf, text.len, scratch, &records);
	records.damaged += text.overflow;
	if (records.newer) {
		cleanup_add(list, "journal", scratch, false, "written by a newer version of sandbox_runner");
		return error_set(err, ERR_CLEANUP, "'%s' was written by a newer version of sandbox_runner; use that one's gc", scratch);
	}
	if (text.len && text.buf[text.len - 1] != '\n' && write_all(fd, "\n", 1) < 0) { /* then no `gone` will be read either */ }
	left = destroy_intents(fd, &records, list, &why);
	if (left)
		return error_set(err, ERR_CLEANUP, "%u of %zu sandboxes of run '%s' could not be removed: %s", left, records.len,
				 run_id, why.text);
	rc = remove_scratch(runs_fd, run_id, scratch, list, &why);
	if (rc < 0)
		return error_set(err, ERR_CLEANUP, "%s", why.text);
	if (records.damaged) {
		char proof[160];

		snprintf(proof, sizeof(proof), "%u damaged lines were ignored, the first is line %u", records.damaged,
			 records.first_damaged);
		cleanup_add(list, "journal", scratch, true, proof);
	}
	return 0;
}

int journal_finish(struct journal *j, struct cleanup_list *list, struct error *err)
{
	int rc = replay_locked(j->runs_fd, j->run_id, j->scratch, j->fd, list, err);

	fault_point("cleanup.done");
	journal_close(j);
	return rc;
}

int journal_replay(const char *scratch, int journal_fd, struct cleanup_list *list, struct error *err)
{
	const char *run_id = strrchr(scratch, '/');
	autofree char *runs = run_id ? xstrndup(scratch, (size_t)(run_id - scratch)) : NULL;
	autoclose int runs_fd = runs ? open(runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!run_id || !record_id_is_valid(run_id + 1))
		return error_set(err, ERR_INTERNAL, "'%s' is no run folder", scratch);
	if (runs_fd < 0)
		return errno == ENOENT ? 0 : error_sys(err, ERR_CLEANUP, "cannot open '%s'", runs);
	return replay_locked(runs_fd, run_id + 1, scratch, journal_fd, list, err);
}

/* ---- other people's journals */

enum orphan { ORPHAN_NONE, ORPHAN_ALIVE, ORPHAN_CLEANED, ORPHAN_FAILED, ORPHAN_LOCKED };

#define OPEN_FOREIGN (O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Somebody has the lock. The common case, found without stopping anybody from being born. */
static bool is_alive(int runs_fd, const char *journal_path)
{
	autoclose int fd = openat(runs_fd, journal_path, OPEN_FOREIGN);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* The run died before its journal was there or after it went; or somebody put something else in its place, which is in our folder
 * and goes with it. */
static enum orphan adopt(int runs_fd, int folder, const char *run_id, int *fd, struct error *err)
{
	if (unlinkat(runs_fd, run_id, AT_REMOVEDIR) == 0)
		return ORPHAN_CLEANED;
	if (errno == ENOENT)
		return ORPHAN_NONE;	/* its run was just finishing */
	if (remove_tree_at(folder, JOURNAL_NAME, err) < 0)
		return ORPHAN_FAILED;
	*fd = open_new_journal(runs_fd, run_id);
	if (*fd >= 0)
		return ORPHAN_LOCKED;
	error_sys(err, ERR_CLEANUP, "cannot take over run '%s'", run_id);
	return ORPHAN_FAILED;
}

/* Called under the exclusive .lock: nobody is being born. ORPHAN_LOCKED: *fd is a journal whose lock we have now. */
static enum orphan seize(int runs_fd, const char *run_id, const char *journal_path, int *fd, struct error *err)
{
	autoclose int folder = openat(runs_fd, run_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int found = -1;
	struct stat st;

	if (folder < 0 || fstat(folder, &st) < 0 || st.st_uid != geteuid())
		return ORPHAN_NONE;		/* gone meanwhile, or nothing that we make */
	found = openat(runs_fd, journal_path, OPEN_FOREIGN);
	if (found < 0 ? errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO :
	    fstat(found, &st) == 0 && !S_ISREG(st.st_mode))
		return adopt(runs_fd, folder, run_id, fd, err);
	if (found >= 0 && flock(found, LOCK_EX | LOCK_NB) == 0) {
		*fd = steal_fd(&found);
		return ORPHAN_LOCKED;
	}
	if (found >= 0 && errno == EWOULDBLOCK)
		return ORPHAN_ALIVE;
	error_sys(err, ERR_CLEANUP, "cannot use the journal of run '%s'", run_id);
	return ORPHAN_FAILED;
}

static enum orphan replay_one(int runs_fd, const char *scratch, const char *run_id, struct cleanup_list *list, struct error *err)
{
	autofree char *path = xasprintf("%s/" JOURNAL_NAME, run_id);
	autoclose int fd = -1;
	autoclose int lock = -1;
	enum orphan found;

	if (is_alive(runs_fd, path))
		return ORPHAN_ALIVE;
	lock = lock_runs(runs_fd, LOCK_EX, NS_PER_SEC / 10);
	if (lock < 0 && errno == EWOULDBLOCK)
		return ORPHAN_ALIVE;	/* a birth takes longer than is likely: nobody can tell now who is an orphan */
	if (lock < 0) {
		error_sys(err, ERR_CLEANUP, "cannot lock the folder of '%s'", scratch);
		found = ORPHAN_FAILED;
	} else {
		found = seize(runs_fd, run_id, path, &fd, err);
		close(steal_fd(&lock));
	}
	if (found == ORPHAN_CLEANED)
		cleanup_add(list, "directory", scratch, true, "was empty; ENOENT");
	if (found == ORPHAN_FAILED)
		cleanup_add(list, "directory", scratch, false, err->text);
	if (found != ORPHAN_LOCKED)
		return found;
	return replay_locked(runs_fd, run_id, scratch, fd, list, err) == 0 ? ORPHAN_CLEANED : ORPHAN_FAILED;
}

static void replay_runs(int runs_fd, DIR *dir, const char *state_dir, struct replay_stats *stats, struct cleanup_list *list,
			struct error *err)
{
	struct dirent *e;

	while ((e = readdir(dir))) {
		autofree char *scratch = xasprintf("%s/runs/%s", state_dir, e->d_name);
		struct error why = { .code = ERR_OK };
		enum orphan found;

		if (!record_id_is_valid(e->d_name))
			continue;
		found = replay_one(runs_fd, scratch, e->d_name, list, &why);
		stats->alive += found == ORPHAN_ALIVE;
		stats->cleaned += found == ORPHAN_CLEANED;
		if (found == ORPHAN_FAILED && !stats->failed++)
			*err = why;
	}
}

/* NULL with err->sys == ENOENT: there never was a run. */
static DIR *list_runs(const char *state_dir, int *runs_fd, struct error *err)
{
	DIR *dir;

	*runs_fd = open_runs(state_dir, err);
	if (*runs_fd < 0)
		return NULL;
	dir = fdopendir(*runs_fd);	/* owns it from now on */
	if (!dir) {
		unusable(err, state_dir);
		close(*runs_fd);
	}
	return dir;
}

int journal_replay_all(const char *state_dir, struct replay_stats *stats, struct cleanup_list *list, struct error *err)
{
	struct replay_stats count = { 0 };
	struct error why = { .code = ERR_OK };
	autofree char *real = realpath(state_dir, NULL);
	const char *path = real ? real : state_dir;
	int rc = 0, runs_fd = -1;
	DIR *dir = list_runs(path, &runs_fd, &why);

	if (dir) {
		replay_runs(runs_fd, dir, path, &count, list, &why);
		closedir(dir);
	}
	if (dir ? count.failed : why.sys != ENOENT)
		rc = -1;
	if (sandbox_sweep(list, rc < 0 ? NULL : &why) < 0)
		rc = -1;
	if (stats)
		*stats = count;
	if (rc < 0 && err)
		*err = why;
	return rc;
}
