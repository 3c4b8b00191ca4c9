/* SPDX-License-Identifier: Apache-2.0
 * Lines become numbers (the same number, the same line); the numbers are compared; runs of differences become hunks. */
#include "runner/diff.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define CONTEXT 3
#define BOX_COST 2000		/* differences in a row before a good split is taken for the best one */
#define TOTAL_COST 20000000	/* comparisons after which all that is left counts as replaced */

struct line {
	const char *text;
	size_t len;		/* with its newline, which only the last one may lack */
	int id;
};
struct side {
	struct line *lines;
	int len;
	bool *differs;
};
struct comparison {
	struct side a, b;
	int *forward, *backward;	/* furthest x on each diagonal x - y; valid from -b.len - 1 to a.len + 1 */
	long cost;
};

bool diff_is_text(const char *text, size_t len)
{
	while (len) {
		uint32_t c;
		size_t n = utf8_decode(text, len, &c);

		if (c == UTF8_INVALID || !c)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

/* ---- lines and their numbers */

static void split(const struct diff_side *from, struct side *to)
{
	const char *p = from->text, *end = p ? p + from->len : p;
	size_t n = 0;

	for (const char *s = p; s < end; n++) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));

		s = newline ? newline + 1 : end;
	}
	to->lines = xcalloc(n + 1, sizeof(*to->lines));
	to->differs = xcalloc(n + 1, sizeof(*to->differs));
	to->len = (int)n;
	for (size_t i = 0; i < n; i++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		to->lines[i].text = p;
		to->lines[i].len = (size_t)((newline ? newline + 1 : end) - p);
		p += to->lines[i].len;
	}
}

static uint64_t hash_line(const struct line *l)
{
	uint64_t h = UINT64_C(14695981039346656037);	/* FNV-1a */

	for (size_t i = 0; i < l->len; i++)
		h = (h ^ (unsigned char)l->text[i]) * UINT64_C(1099511628211);
	return h ^ h >> 32;
}

static void number_lines(struct comparison *c)
{
	size_t slots = 64, total = (size_t)c->a.len + (size_t)c->b.len;
	autofree const struct line **table = NULL;
	int next = 0;

	while (slots < 2 * total)
		slots *= 2;
	table = xcalloc(slots, sizeof(*table));
	for (size_t i = 0; i < total; i++) {
		struct line *l = i < (size_t)c->a.len ? &c->a.lines[i] : &c->b.lines[i - (size_t)c->a.len];
		size_t at = hash_line(l) & (slots - 1);

		while (table[at] && (table[at]->len != l->len || memcmp(table[at]->text, l->text, l->len) != 0))
			at = (at + 1) & (slots - 1);
		if (!table[at]) {
			l->id = next++;
			table[at] = l;
		} else {
			l->id = table[at]->id;
		}
	}
}

/* ---- comparing */

struct box {			/* lines a0 to a1 of one text against b0 to b1 of the other */
	int a0, a1, b0, b1;
};
struct split {
	int x, y;
};

static bool equal(const struct comparison *c, int x, int y)
{
	return c->a.lines[x].id == c->b.lines[y].id;
}

struct search {
	int dmin, dmax, fmin, fmax, bmin, bmax;
	bool odd;
};

static bool go_forward(struct comparison *c, const struct box *box, struct search *s, struct split *ret)
{
	int *f = c->forward;

	if (s->fmin > s->dmin)
		f[--s->fmin - 1] = -1;
	else
		s->fmin++;
	if (s->fmax < s->dmax)
		f[++s->fmax + 1] = -1;
	else
		s->fmax--;
	for (int d = s->fmax; d >= s->fmin; d -= 2) {
		int x = f[d - 1] >= f[d + 1] ? f[d - 1] + 1 : f[d + 1], y = x - d;

		for (c->cost++; x < box->a1 && y < box->b1 && equal(c, x, y); x++, y++)
			c->cost++;
		f[d] = x;
		if (s->odd && s->bmin <= d && d <= s->bmax && c->backward[d] <= x)
			return *ret = (struct split){ x, y }, true;
	}
	return false;
}

static bool go_backward(struct comparison *c, const struct box *box, struct search *s, struct split *ret)
{
	int *b = c->backward;

	if (s->bmin > s->dmin)
		b[--s->bmin - 1] = INT_MAX;
	else
		s->bmin++;
	if (s->bmax < s->dmax)
		b[++s->bmax + 1] = INT_MAX;
	else
		s->bmax--;
	for (int d = s->bmax; d >= s->bmin; d -= 2) {
		int x = b[d - 1] < b[d + 1] ? b[d - 1] : b[d + 1] - 1, y = x - d;

		for (c->cost++; x > box->a0 && y > box->b0 && equal(c, x - 1, y - 1); x--, y--)
			c->cost++;
		b[d] = x;
		if (!s->odd && s->fmin <= d && d <= s->fmax && x <= c->forward[d])
			return *ret = (struct split){ x, y }, true;
	}
	return false;
}

/* Where the search from the front has come furthest: not the best place to cut, but one that makes both parts smaller. */
static struct split furthest(const struct comparison *c, const struct box *box, const struct search *s)
{
	struct split best = { box->a0, box->b0 };

	for (int d = s->fmax; d >= s->fmin; d -= 2) {
		int x = c->forward[d] < box->a1 ? c->forward[d] : box->a1, y = x - d;

		if (y > box->b1) {
			y = box->b1;
			x = y + d;
		}
		if (x + y > best.x + best.y)
			best = (struct split){ x, y };
	}
	return best;
}

/* A point on a shortest way through the box, found from both ends at once. false: not worth looking for. */
static bool find_split(struct comparison *c, const struct box *box, struct split *ret)
{
	const int front = box->a0 - box->b0, back = box->a1 - box->b1;
	struct search s = {
		.dmin = box->a0 - box->b1, .dmax = box->a1 - box->b0, .fmin = front, .fmax = front, .bmin = back, .bmax = back,
		.odd = (front - back) & 1,
	};

	c->forward[front] = box->a0;
	c->backward[back] = box->a1;
	for (int d = 1; c->cost < TOTAL_COST; d++) {
		if (go_forward(c, box, &s, ret) || go_backward(c, box, &s, ret))
			return true;
		if (d < BOX_COST)
			continue;
		*ret = furthest(c, box, &s);
		return ret->x + ret->y > box->a0 + box->b0 && ret->x + ret->y < box->a1 + box->b1;
	}
	return false;
}

static void compare(struct comparison *c, struct box box)
{
	for (;;) {
		struct split at;

		while (box.a0 < box.a1 && box.b0 < box.b1 && equal(c, box.a0, box.b0))
			box.a0++, box.b0++;
		while (box.a0 < box.a1 && box.b0 < box.b1 && equal(c, box.a1 - 1, box.b1 - 1))
			box.a1--, box.b1--;
		if (box.a0 == box.a1 || box.b0 == box.b1 || !find_split(c, &box, &at)) {
			memset(c->a.differs + box.a0, true, (size_t)(box.a1 - box.a0));
			memset(c->b.differs + box.b0, true, (size_t)(box.b1 - box.b0));
			return;
		}
		compare(c, (struct box){ box.a0, at.x, box.b0, at.y });
		box.a0 = at.x;
		box.b0 = at.y;
	}
}

/* ---- hunks */

static void add_line(char sign, const struct line *l, struct strbuf *out)
{
	strbuf_addch(out, sign);
	strbuf_add(out, l->text, l->len);
	if (l->text[l->len - 1] != '\n')
		strbuf_addstr(out, "\n\\ No newline at end of file\n");
}

/* "3,7", "3" for one line, "2,0" for none after line 2 */
static void add_range(int start, int len, struct strbuf *out)
{
	strbuf_addf(out, "%d", len ? start + 1 : start);
	if (len != 1)
		strbuf_addf(out, ",%d", len);
}

/* Where differences that begin at (x, y) end, with all that follow closely enough to be shown together. */
static void end_of_hunk(const struct comparison *c, int *x, int *y)
{
	int end_x = *x, end_y = *y, same = 0;

	for (int i = *x, k = *y; (i < c->a.len || k < c->b.len) && same <= 2 * CONTEXT;) {
		if (i < c->a.len && c->a.differs[i]) {
			end_x = ++i;
			end_y = k;
			same = 0;
		} else if (k < c->b.len && c->b.differs[k]) {
			end_y = ++k;
			end_x = i;
			same = 0;
		} else {
			i++, k++, same++;
		}
	}
	*x = end_x;
	*y = end_y;
}

static void add_hunk(const struct comparison *c, struct box h, struct strbuf *out)
{
	strbuf_addstr(out, "@@ -");
	add_range(h.a0, h.a1 - h.a0, out);
	strbuf_addstr(out, " +");
	add_range(h.b0, h.b1 - h.b0, out);
	strbuf_addstr(out, " @@\n");
	while (h.a0 < h.a1 || h.b0 < h.b1) {
		if (h.a0 < h.a1 && c->a.differs[h.a0]) {
			add_line('-', &c->a.lines[h.a0++], out);
		} else if (h.b0 < h.b1 && c->b.differs[h.b0]) {
			add_line('+', &c->b.lines[h.b0++], out);
		} else {
			add_line(' ', &c->a.lines[h.a0++], out);
			h.b0++;
		}
	}
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static void add_hunks(const struct comparison *c, struct strbuf *out)
{
	for (int x = 0, y = 0; x < c->a.len || y < c->b.len;) {
		int end_x, end_y, before, after;

		if (!(x < c->a.len && c->a.differs[x]) && !(y < c->b.len && c->b.differs[y])) {
			x++, y++;
			continue;
		}
		end_x = x;
		end_y = y;
		end_of_hunk(c, &end_x, &end_y);
		before = least(CONTEXT, least(x, y));
		after = least(CONTEXT, least(c->a.len - end_x, c->b.len - end_y));
		add_hunk(c, (struct box){ x - before, end_x + after, y - before, end_y + after }, out);
		x = end_x;
		y = end_y;
	}
}

void diff_unified(const struct diff_side *before, const struct diff_side *after, struct strbuf *out)
{
	struct comparison c = { .cost = 0 };
	autofree int *vectors = NULL;
	size_t width;

	if (before->len == after->len && (!before->len || !memcmp(before->text, after->text, before->len)))
		return;
	split(before, &c.a);
	split(after, &c.b);
	number_lines(&c);
	width = (size_t)c.a.len + (size_t)c.b.len + 3;
	vectors = xcalloc(2 * width, sizeof(*vectors));
	c.forward = vectors + c.b.len + 1;
	c.backward = c.forward + width;
	compare(&c, (struct box){ 0, c.a.len, 0, c.b.len });
	strbuf_addf(out, "--- %s\n+++ %s\n", before->name ? before->name : "/dev/null", after->name ? after->name : "/dev/null");
	add_hunks(&c, out);
	free(c.a.lines);
	free(c.b.lines);
	free(c.a.differs);
	free(c.b.differs);
}
