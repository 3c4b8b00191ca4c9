/* SPDX-License-Identifier: Apache-2.0
 *
 * Appending takes the lock of the file shared, pruning takes it exclusively and puts a new file in its place: an appender that finds its
 * file without a name opens again. Two appenders need no lock between them, for one write() in append mode is one piece. */
#include "runner/run_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/journal_records.h"
#include "runner/result_json.h"
#include "runner/run_store_private.h"

#define HISTORY_NEW "history.new"
#define HISTORY_KEPT_BYTES ((size_t)8 << 20)
#define SHORTEN_EVERY_BYTES (1u << 20)		/* of history: about 2,500 runs */
#define PRUNE_EVERY_BYTES (32u << 10)		/* about a hundred runs */
#define PRUNE_AT_RESULT_BYTES (256u << 10)	/* a large result makes room at once */
#define TAIL_BYTES ((size_t)256 << 10)		/* of history, where the newest results are found without reading all of it */
#define PRUNE_SLACK (UINT64_C(8) << 20)		/* room for what is added until the next time */
#define ORPHAN_SECONDS 3600			/* a result without a line may be one that is just being added */

/* ---- the list */

/* Which entry has an id: open addressing; a slot holds the number of the entry and one. */
struct index {
	size_t *slots, mask;
};

static size_t *index_slot(const struct index *x, const struct run_entries *e, const char *run_id)
{
	uint64_t hash = UINT64_C(14695981039346656037);	/* FNV-1a; ids that collide on purpose cost their owner time, and no one else */
	size_t i;

	for (const char *p = run_id; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (i = (size_t)(hash ^ hash >> 32) & x->mask; x->slots[i] && strcmp(e->items[x->slots[i] - 1].run_id, run_id) != 0; )
		i = (i + 1) & x->mask;
	return &x->slots[i];
}

static void index_grow(struct index *x, const struct run_entries *e)
{
	if (x->slots && e->len < x->mask / 2)
		return;
	x->mask = x->slots ? 2 * x->mask + 1 : 1023;
	free(x->slots);
	x->slots = xcalloc(x->mask + 1, sizeof(*x->slots));
	for (size_t i = 0; i < e->len; i++)
		*index_slot(x, e, e->items[i].run_id) = i + 1;
}

/* What pruning has to know of a line, hundreds of times in a row. Within a text these quotes would have a backslash before them. False: it
 * is not as entry_write() makes them. */
static bool glance(const char *line, size_t len, struct run_entry *ret)
{
	static const char id[] = "\"run_id\":\"", bytes[] = "\"result_bytes\":", verdict[] = "\"verdict\":\"";
	const char *at, *end, *size;

	if (len < 2 || *line != '{' || line[len - 1] != '}' || !memmem(line, len, verdict, sizeof(verdict) - 1))
		return false;
	at = memmem(line, len, id, sizeof(id) - 1);
	size = memmem(line, len, bytes, sizeof(bytes) - 1);
	if (!at || !size)
		return false;
	at += sizeof(id) - 1;
	end = memchr(at, '"', (size_t)(line + len - at));
	if (!end || end - at >= RUN_ID_SIZE)
		return false;
	*ret = (struct run_entry){ .result_bytes = strtoull(size + sizeof(bytes) - 1, NULL, 10) };
	memcpy(ret->run_id, at, (size_t)(end - at));
	return record_id_is_valid(ret->run_id);
}

struct line {			/* of the history, and whose it is */
	const char *at;
	size_t len, entry;
};

struct lines {
	struct line *items;
	size_t len, alloc;
};

/* With `lines` the entries have no more than pruning needs. */
static void parse_history(const char *text, size_t len, struct run_entries *ret, struct lines *lines)
{
	struct index index = { .slots = NULL };

	for (const char *p = text, *end = text + len, *newline; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
		struct run_entry entry;
		size_t *slot;

		if (!(lines && glance(p, (size_t)(newline - p), &entry)) && !run_entry_parse(p, (size_t)(newline - p), &entry))
			continue;
		index_grow(&index, ret);
		slot = index_slot(&index, ret, entry.run_id);
		if (lines) {
			ARRAY_GROW(lines->items, lines->len, lines->alloc);
			lines->items[lines->len++] = (struct line){ p, (size_t)(newline - p) + 1, *slot ? *slot - 1 : ret->len };
		}
		if (*slot) {		/* it keeps its place */
			run_entry_release(&ret->items[*slot - 1]);
			ret->items[*slot - 1] = entry;
			continue;
		}
		ARRAY_GROW(ret->items, ret->len, ret->alloc);
		ret->items[ret->len++] = entry;
		*slot = ret->len;
	}
	free(index.slots);
}

int run_store_list(const char *state_dir, struct run_entries *ret, struct error *err)
{
	autoclose int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autoclose int fd = -1;
	struct stat st;

	if (state < 0 && errno == ENOENT)
		return 0;
	if (state < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open the state folder '%s'", state_dir);
	fd = run_store_open_history(state, O_RDONLY, LOCK_SH, &st);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || run_store_read(fd, 0, HISTORY_MAX_BYTES, &text) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot read '%s/" HISTORY "'", state_dir);
	parse_history(text.buf, text.len, ret, NULL);
	return 0;
}

/* ---- making room */

static size_t first_kept(const struct run_entries *e)
{
	uint64_t bytes = 0;
	size_t first = e->len;

	while (first > 0 && e->len - first < RUN_STORE_RUNS) {
		bytes += e->items[first - 1].result_bytes;
		if (bytes > RUN_STORE_BYTES - PRUNE_SLACK && first < e->len)
			break;
		first--;
	}
	return first;
}

static bool is_kept(const struct run_entries *e, size_t first, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = first; i < e->len; i++)
		if (len == strlen(e->items[i].run_id) + 5 && !strncmp(e->items[i].run_id, name, len - 5) && !strcmp(name + len - 5, ".json"))
			return true;
	return false;
}

static void remove_results(int state, const struct run_entries *e, size_t first)
{
	int fd = openat(state, RESULTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct run_entries dropped = { .items = e->items, .len = first };
	struct dirent *d;
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((d = readdir(dir)))
		if (*d->d_name != '.' && !is_kept(e, first, d->d_name) &&
		    (is_kept(&dropped, 0, d->d_name) ||
		     (fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime + ORPHAN_SECONDS < time(NULL))))
			unlinkat(fd, d->d_name, 0);
	closedir(dir);
}

/* The end of the history, from the beginning of a line, with more runs than keep their results if there are so many. */
static int read_tail(int fd, off_t size, struct strbuf *text, struct run_entries *e, struct lines *lines)
{
	for (size_t bytes = TAIL_BYTES; ; bytes *= 2) {
		off_t at = (size_t)size > bytes ? size - (off_t)bytes : 0;
		const char *first;

		strbuf_clear(text);
		if (run_store_read(fd, at, HISTORY_MAX_BYTES, text) < 0)
			return -1;
		first = at ? memchr(text->buf, '\n', text->len) : text->buf;
		if (first)
			parse_history(first, text->len - (size_t)(first - text->buf), e, lines);
		if (!at || e->len > RUN_STORE_RUNS)
			return 0;
		run_entries_release(e);
		lines->len = 0;
	}
}

static void prune_results(int state, int fd, off_t size)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct run_entries e = { .items = NULL };
	struct lines lines = { .items = NULL };

	if (read_tail(fd, size, &text, &e, &lines) == 0 && first_kept(&e))
		remove_results(state, &e, first_kept(&e));
	free(lines.items);
	run_entries_release(&e);
}

/* The newest runs, as many as are kept and have room. */
static size_t first_listed(const struct run_entries *e, const struct lines *lines)
{
	size_t first = e->len > HISTORY_RUNS ? e->len - HISTORY_RUNS : 0, bytes = 0;

	for (size_t i = lines->len; i-- > 0; ) {
		bytes += lines->items[i].len;
		if (bytes > HISTORY_KEPT_BYTES && lines->items[i].entry >= first)
			first = lines->items[i].entry + 1;
	}
	return first;
}

static void shorten(int state, int fd)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf rest = STRBUF_INIT(STRBUF_NO_MAX);
	struct run_entries e = { .items = NULL };
	struct lines lines = { .items = NULL };
	autoclose int new_fd = -1;
	size_t first;

	if (run_store_read(fd, 0, HISTORY_MAX_BYTES, &text) < 0) {	/* grown beyond all measure, and not by us */
		unlinkat(state, HISTORY, 0);
		return;
	}
	parse_history(text.buf, text.len, &e, &lines);
	first = first_listed(&e, &lines);
	if (first) {
		/* the lines of the runs that stay, as they are; of a run with several, all */
		for (size_t i = 0; i < lines.len; i++)
			if (lines.items[i].entry >= first)
				strbuf_add(&rest, lines.items[i].at, lines.items[i].len);
		new_fd = openat(state, HISTORY_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		fault_point("history.prune");
		if (new_fd < 0 || write_all(new_fd, rest.buf, rest.len) < 0 || renameat(state, HISTORY_NEW, state, HISTORY) < 0)
			unlinkat(state, HISTORY_NEW, 0);
	}
	free(lines.items);
	run_entries_release(&e);
}

/* Nobody waits for it and its trouble is nobody's: the next one tries again. */
static void prune(int state, bool history)
{
	struct stat st;
	autoclose int fd = run_store_open_history(state, O_RDWR, LOCK_EX, &st);

	if (fd < 0)
		return;
	prune_results(state, fd, st.st_size);
	if (history)
		shorten(state, fd);
}

static bool crosses(off_t size, size_t added, off_t step)
{
	return size / step != (size - (off_t)added) / step;
}

int run_store_add(const char *state_dir, const struct result *result, const json_t *json, int status, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autoclose int state = run_store_open(state_dir, err);
	off_t size = 0;

	if (state < 0)
		return -1;
	json_write(json, 0, &text);
	strbuf_addch(&text, '\n');
	fault_point("history.result");
	if (run_store_check_room(state, text.len) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "the state folder '%s' has no room for it", state_dir);
	if (run_store_write_result(state, result->run_id, &text) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s/" RESULTS "/%s.json'", state_dir, result->run_id);
	run_entry_write(result, status, text.len, &line);
	if (run_store_append(state, &line, &size) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s/" HISTORY "'", state_dir);
	fault_point("history.written");
	if (text.len > PRUNE_AT_RESULT_BYTES || crosses(size, line.len, PRUNE_EVERY_BYTES))
		prune(state, crosses(size, line.len, SHORTEN_EVERY_BYTES));
	return 0;
}
