/* SPDX-License-Identifier: Apache-2.0
 * The second half of journal.h: the clean-up, which is the same for a run that ends, for its reaper and for `gc`. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/journal_private.h"
#include "runner/run_store.h"

/* ---- one run */

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

int journal_replay_locked(int runs_fd, const char *run_id, const char *scratch, int fd, struct cleanup_list *list,
			  struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(JOURNAL_MAX_BYTES);
	autorecords struct records records = { 0 };
	struct error why = { .code = ERR_OK };
	unsigned int left;
	struct stat st;
	int rc;

	if (fstat(fd, &st) == 0 && st.st_nlink == 0) {
		/* somebody finished it before we had the lock, or died between the journal and the folder */
		unlinkat(runs_fd, run_id, AT_REMOVEDIR);
		return 0;
	}
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

void journal_tell_history(const char *scratch, const struct cleanup_list *list)
{
	const char *run_id = strrchr(scratch, '/');
	const char *runs = run_id ? memrchr(scratch, '/', (size_t)(run_id - scratch)) : NULL;
	autofree char *state_dir = runs ? xstrndup(scratch, (size_t)(runs - scratch)) : NULL;

	if (state_dir && run_store_cleaned(state_dir, run_id + 1, list, NULL) < 0) { /* then it goes on saying that nobody knows */ }
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
	return journal_replay_locked(runs_fd, run_id + 1, scratch, journal_fd, list, err);
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
	*fd = journal_open_new(runs_fd, run_id);
	if (*fd >= 0)
		return ORPHAN_LOCKED;
	error_sys(err, ERR_CLEANUP, "cannot take over run '%s'", run_id);
	return ORPHAN_FAILED;
}

/* Called under the exclusive lock: nobody is being born. ORPHAN_LOCKED: *fd is a journal whose lock we have now. */
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
	const size_t before = list ? list->len : 0;
	enum orphan found;

	if (is_alive(runs_fd, path))
		return ORPHAN_ALIVE;
	lock = journal_lock_runs(runs_fd, LOCK_EX, NS_PER_SEC / 10);
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
	if (found == ORPHAN_LOCKED)
		found = journal_replay_locked(runs_fd, run_id, scratch, fd, list, err) == 0 ? ORPHAN_CLEANED : ORPHAN_FAILED;
	if (list && found == ORPHAN_CLEANED) {
		const struct cleanup_list of_this = { .items = list->items + before, .len = list->len - before };

		journal_tell_history(scratch, &of_this);
	}
	return found;
}

/* What replay_one() would take on, without taking it on: the lock is tried and let go. */
static void survey_one(int runs_fd, const char *scratch, const char *run_id, struct replay_stats *stats, struct cleanup_list *list)
{
	autofree char *path = xasprintf("%s/" JOURNAL_NAME, run_id);
	autoclose int folder = openat(runs_fd, run_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return;
	if (is_alive(runs_fd, path)) {
		stats->alive++;
		return;
	}
	stats->failed++;
	cleanup_add(list, "directory", scratch, false, "its run is not alive");
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
		if (stats->dry_run) {
			survey_one(runs_fd, scratch, e->d_name, stats, list);
			continue;
		}
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

	*runs_fd = journal_open_runs(state_dir, err);
	if (*runs_fd < 0)
		return NULL;
	dir = fdopendir(*runs_fd);	/* owns it from now on */
	if (!dir) {
		journal_unusable(err, state_dir);
		close(*runs_fd);
	}
	return dir;
}

int journal_replay_all(const char *state_dir, struct replay_stats *stats, struct cleanup_list *list, struct error *err)
{
	struct replay_stats count = { .dry_run = stats && stats->dry_run, .thorough = stats && stats->thorough };
	struct error why = { .code = ERR_OK };
	autofree char *real = realpath(state_dir, NULL);
	const char *path = real ? real : state_dir;
	int rc = 0, runs_fd = -1;
	DIR *dir = list_runs(path, &runs_fd, &why);

	if (dir) {
		replay_runs(runs_fd, dir, path, &count, list, &why);
		closedir(dir);
	}
	if (dir ? count.failed && !count.dry_run : why.sys != ENOENT)
		rc = -1;
	if (!count.dry_run && sandbox_sweep(count.thorough, list, rc < 0 ? NULL : &why) < 0)
		rc = -1;
	if (stats)
		*stats = count;
	if (rc < 0 && err)
		*err = why;
	return rc;
}
