/* SPDX-License-Identifier: Apache-2.0
 * What files held, for diffs. Kept by digest in a nameless file of the run's folder, so that the same content is kept once and nothing is
 * left when we are killed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/diff.h"
#include "runner/effects_private.h"

#define FILE_MAX (UINT64_C(1) << 20)
#define KEPT_MAX (UINT64_C(64) << 20)
#define DIFFS_MAX (UINT64_C(8) << 20)	/* of one step */

struct piece {
	unsigned char sha256[DIGEST_SIZE];
	uint64_t offset, len;
};
struct contents {
	int fd;
	uint64_t used;
	struct piece *pieces;
	size_t len, alloc;
	uint32_t *table;	/* index + 1 */
	size_t slots;
};

struct contents *contents_new(const char *scratch)
{
	struct contents *c = xcalloc(1, sizeof(*c));

	c->fd = scratch ? open(scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
	if (c->fd < 0)
		c->fd = memfd_create("contents", MFD_CLOEXEC);
	return c;
}

void contents_free(struct contents *c)
{
	if (!c)
		return;
	autoclose_(&c->fd);
	free(c->pieces);
	free(c->table);
	free(c);
}

/* ---- the index */

static size_t slot_of(const struct contents *c, const unsigned char sha256[DIGEST_SIZE])
{
	uint64_t h;

	memcpy(&h, sha256, sizeof(h));
	return (size_t)h & (c->slots - 1);
}

static const struct piece *find(const struct contents *c, const unsigned char sha256[DIGEST_SIZE])
{
	if (!c->slots)
		return NULL;
	for (size_t at = slot_of(c, sha256); c->table[at]; at = (at + 1) & (c->slots - 1))
		if (!memcmp(c->pieces[c->table[at] - 1].sha256, sha256, DIGEST_SIZE))
			return &c->pieces[c->table[at] - 1];
	return NULL;
}

static void enter(struct contents *c, size_t i)
{
	size_t at = slot_of(c, c->pieces[i].sha256);

	while (c->table[at])
		at = (at + 1) & (c->slots - 1);
	c->table[at] = (uint32_t)i + 1;
}

static void add_piece(struct contents *c, const unsigned char sha256[DIGEST_SIZE], uint64_t len)
{
	ARRAY_GROW(c->pieces, c->len, c->alloc);
	memcpy(c->pieces[c->len].sha256, sha256, DIGEST_SIZE);
	c->pieces[c->len].offset = c->used;
	c->pieces[c->len++].len = len;
	c->used += len;
	if (c->slots >= 2 * c->len) {
		enter(c, c->len - 1);
		return;
	}
	c->slots = c->slots ? 2 * c->slots : 256;
	free(c->table);
	c->table = xcalloc(c->slots, sizeof(*c->table));
	for (size_t i = 0; i < c->len; i++)
		enter(c, i);
}

/* ---- keeping */

static void keep(struct contents *c, struct sandbox *sandbox, enum sandbox_tree tree, const char *path, const struct file_state *s)
{
	struct error err = { .text = "" };
	uint64_t n = 0;

	if (s->kind != SANDBOX_ENTRY_FILE || !s->has_digest || !s->size || s->size > FILE_MAX || find(c, s->sha256))
		return;
	if (c->fd < 0 || c->used + s->size > KEPT_MAX || lseek(c->fd, (off_t)c->used, SEEK_SET) < 0)
		return;
	if (sandbox_get(sandbox, tree, path, s->size, c->fd, &n, &err) == 0 && n == s->size)
		add_piece(c, s->sha256, n);
}

void contents_keep(struct contents *c, struct sandbox *sandbox, const struct snapshot *s, const struct snapshot *before)
{
	autofree struct snapshot_cursor *at = xmalloc(sizeof(*at));

	(void)before;
	for (snapshot_first(at, s); at->file; snapshot_next(at)) {
		const enum sandbox_tree tree = (enum sandbox_tree)at->file->tree;

		keep(c, sandbox, tree, at->path, &at->file->state);
		if (at->file->base)
			keep(c, sandbox, SANDBOX_TREE_BASE, at->path, at->file->base);
	}
}

/* ---- comparing */

/* 0: `out` has the text, secrets replaced. Otherwise why not. */
static const char *text_of(const struct contents *c, const struct file_state *s, const struct redactor *redactor, struct strbuf *out)
{
	const struct piece *piece = s->has_digest ? find(c, s->sha256) : NULL;
	autofree char *text = NULL;

	if (!s->size)
		return NULL;
	if (s->size > FILE_MAX)
		return "larger than 1Mi";
	if (!piece)
		return s->has_digest ? "its content was not kept, as there is more than 64Mi of files" : "its content could not be read";
	text = xmalloc(piece->len);
	if (pread(c->fd, text, piece->len, (off_t)piece->offset) != (ssize_t)piece->len)
		return "its content could not be kept";
	if (!diff_is_text(text, piece->len))
		return "binary, or not UTF-8";
	redact_text(redactor, text, piece->len, out);
	return NULL;
}

static char *head_name(const char *prefix, const char *path, const struct redactor *redactor)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX), name = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(redactor, path, strlen(path), &clean);
	strbuf_addstr(&name, prefix);
	printable_add(&name, clean.buf, clean.len);
	return strbuf_detach(&name);
}

static const char *diff_one(const struct contents *c, const struct effect *e, const struct redactor *redactor, struct strbuf *out)
{
	autostrbuf struct strbuf before = STRBUF_INIT(STRBUF_NO_MAX), after = STRBUF_INIT(STRBUF_NO_MAX);
	const bool slash = *e->path == '/';
	autofree char *old_name = head_name(slash ? "a" : "a/", e->path, redactor), *new_name = NULL;
	const char *why = NULL;

	new_name = head_name(slash ? "b" : "b/", e->path, redactor);
	if (e->change != EFFECT_CREATED)
		why = text_of(c, &e->before, redactor, &before);
	if (!why && e->change != EFFECT_DELETED)
		why = text_of(c, &e->after, redactor, &after);
	if (why)
		return why;
	diff_unified(&(struct diff_side){ e->change == EFFECT_CREATED ? NULL : old_name, before.buf, before.len },
		     &(struct diff_side){ e->change == EFFECT_DELETED ? NULL : new_name, after.buf, after.len }, out);
	if (!out->len && (e->before.size || e->after.size))
		return "they differ only in secrets";
	return NULL;
}

static bool is_file(const struct file_state *s)
{
	return s->kind == SANDBOX_ENTRY_FILE;
}

void contents_diff(struct contents *c, struct sandbox *sandbox, struct effects *e, const struct redactor *redactor)
{
	uint64_t total = 0;

	(void)sandbox;
	for (size_t i = 0; i < e->len; i++) {
		struct effect *effect = &e->items[i];
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		if (!is_file(&effect->before) || !is_file(&effect->after) || (effect->change == EFFECT_CHANGED && !(effect->what & EFFECT_CONTENT)))
			continue;
		if (effect->renamed)
			effect->diff_note = "only its name has changed";
		else if (total > DIFFS_MAX)
			effect->diff_note = "there are more than 8Mi of diffs already";
		else
			effect->diff_note = diff_one(c, effect, redactor, &text);
		if (!effect->diff_note && text.len) {
			effect->diff = arena_strndup(&e->arena, text.buf, text.len);
			total += text.len;
		}
	}
}
