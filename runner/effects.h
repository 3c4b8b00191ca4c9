/* SPDX-License-Identifier: Apache-2.0
 * effects: what became of the files: created, changed, deleted, with what they were before and are after. A tracker looks at the sandbox
 * before the first step and after each; comparing two looks tells the effects of a step, the first and the last one those of the run.
 *
 * Nothing is hidden: counts are exact for all that was looked at, what was not looked at is counted, and so is what has no line.
 */
#pragma once

#include "runner/base/arena.h"
#include "runner/base/digest.h"
#include "runner/base/error.h"
#include "runner/base/json.h"
#include "runner/base/redact.h"
#include "runner/base/strbuf.h"
#include "sandboxes/sandbox.h"

enum effect_change { EFFECT_DELETED, EFFECT_CHANGED, EFFECT_CREATED, EFFECT_CHANGES };
enum effect_area { EFFECT_WORK, EFFECT_SYSTEM, EFFECT_TMP, EFFECT_AREAS };	/* TMP: /tmp and /dev/shm; SYSTEM: of a writable root */
const char *effect_change_to_string(enum effect_change change);	/* "deleted", "changed", "created" */
const char *effect_area_to_string(enum effect_area area);	/* "work", "system", "tmp" */

struct file_state {
	enum sandbox_entry_kind kind;
	unsigned int mode;
	uint64_t size, inode, mtime_ns, ctime_ns;
	bool has_digest;
	unsigned char sha256[DIGEST_SIZE];
	const char *target;	/* of a link */
	int error;		/* as sandbox_entry has it */
};

enum effect_what {		/* of a change */
	EFFECT_CONTENT = 1 << 0, EFFECT_MODE = 1 << 1, EFFECT_KIND = 1 << 2, EFFECT_TARGET = 1 << 3,
};

struct effect {
	enum effect_change change;
	enum effect_area area;
	enum sandbox_tree tree;
	const char *path;	/* as a step would say it: relative to the work folder, absolute elsewhere; any bytes */
	unsigned int what;	/* enum effect_what, of EFFECT_CHANGED */
	struct file_state before, after;	/* before of what was created, and after of what was deleted, are all zero */
	const char *renamed;	/* created: what it was called before; deleted: what it is called now; NULL */
	const char *diff;	/* --diff: unified, redacted; NULL: none */
	const char *diff_note;	/* --diff: why there is none: "binary" … */
};

struct effects {
	bool known;
	bool system;		/* the system was writable and looked at */
	bool diffs;		/* diffs were asked for */
	const char *unknown_because;	/* !known: one sentence; NULL: nothing was executed */
	struct effect *items;	/* deletions first, then changes, then what is new; each by area and path */
	size_t len, alloc;
	uint64_t counts[EFFECT_AREAS][EFFECT_CHANGES];
	uint64_t not_looked_at;	/* files past the limits of a look, at least */
	uint64_t not_listed;	/* counted, but past what a list may hold */
	struct arena arena;	/* of its texts */
};
void effects_release(struct effects *e);
uint64_t effects_total(const struct effects *e, enum effect_change change);	/* without TMP */

struct effects_options {
	bool system;		/* the root is writable: look there too */
	bool diff;		/* keep contents, make diffs */
	bool empty;		/* there is nothing to see yet */
	const char *scratch;	/* folder for contents */
	const struct redactor *redactor;	/* of diffs; may be NULL */
};
struct effects_tracker;
/* The first look. A sandbox that cannot tell about its files makes a tracker that says so for every step. */
struct effects_tracker *effects_start(struct sandbox *sandbox, const struct effects_options *options);
void effects_after_step(struct effects_tracker *t, struct effects *ret);
void effects_of_run(struct effects_tracker *t, struct effects *ret);
void effects_tracker_free(struct effects_tracker *t);	/* NULL is a no-op */

json_t *effects_to_json(const struct effects *e, const struct redactor *redactor, bool with_list);

struct effects_print {
	const char *title;	/* "files" */
	unsigned int indent;
	size_t max;		/* names; the rest is counted. With diffs: all */
	bool color, diff;
	bool tmp;		/* names in /tmp too; they are counted in any case */
	const struct redactor *redactor;
};
/* A line of counts, and names below it. Nothing when nothing changed, a sentence when nothing is known. */
void effects_print(const struct effects *e, const struct effects_print *how, struct strbuf *out);
