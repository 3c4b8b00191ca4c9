/* SPDX-License-Identifier: Apache-2.0
 * What became of a kept sandbox when its keeper died: told by a reaper or by gc, who know nothing of results. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/cleanup_json.h"
#include "runner/run_store_private.h"

/* The newest line of a run; NULL: there is none. */
static json_t *newest_line(int state, const char *run_id)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *key = xasprintf("\"run_id\":\"%s\"", run_id);
	struct stat st;
	autoclose int fd = run_store_open_history(state, O_RDONLY, LOCK_SH, &st);
	const char *found = NULL;
	json_t *line = NULL;
	size_t len = 0;

	if (fd < 0 || run_store_read(fd, 0, HISTORY_MAX_BYTES, &text) < 0)
		return NULL;
	for (const char *p = text.buf, *end = p + text.len, *newline; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1)
		if (memmem(p, (size_t)(newline - p), key, strlen(key))) {
			found = p;
			len = (size_t)(newline - p);
		}
	if (!found || json_parse(found, len, HISTORY, &line, NULL) < 0)
		return NULL;
	return line;
}

/* Into the result, where that is still there; its new size, 0: it is not. */
static size_t complete_result(int state, const char *state_dir, const char *run_id, const struct cleanup_list *list)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *result = NULL;
	char now[CLOCK_RFC3339_SIZE];
	json_t *cleanup, *kept;

	if (run_store_result(state_dir, run_id, &text, NULL) < 0 || json_parse(text.buf, text.len, RESULTS, &result, NULL) < 0)
		return 0;
	cleanup = json_object_get(result, "cleanup");
	kept = json_object_get(result, "kept");
	if (!json_is_object(cleanup) || !json_is_object(kept))
		return 0;
	cleanup_to_json(list, true, cleanup);
	clock_rfc3339(clock_realtime_ns(), now);
	json_put_text(kept, "ended", now);
	json_put_text(kept, "ended_by", "its keeper died");
	strbuf_clear(&text);
	json_write(result, 0, &text);
	strbuf_addch(&text, '\n');
	return run_store_check_room(state, text.len) == 0 && run_store_write_result(state, run_id, &text) == 0 ? text.len : 0;
}

int run_store_cleaned(const char *state_dir, const char *run_id, const struct cleanup_list *list, struct error *err)
{
	autoclose int state = run_store_open(state_dir, err);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *line = NULL;
	size_t bytes;
	off_t size;

	if (state < 0)
		return -1;
	line = newest_line(state, run_id);
	if (!json_object_get(line, "kept_until_ns"))
		return 0;
	bytes = complete_result(state, state_dir, run_id, list);
	if (bytes)
		json_put_int(line, "result_bytes", (int64_t)bytes);
	json_put_bool(line, "cleanup_complete", true);
	json_object_del(line, "kept_until_ns");
	json_write(line, 0, &text);
	strbuf_addch(&text, '\n');
	if (run_store_append(state, &text, &size) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s/" HISTORY "'", state_dir);
	return 0;
}
