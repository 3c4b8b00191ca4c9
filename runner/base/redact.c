/* SPDX-License-Identifier: Apache-2.0
 * The patterns form an Aho-Corasick automaton: a trie whose nodes know the longest other beginning of a pattern that the text
 * read so far ends in (`fail`). Its depth is therefore exactly the number of bytes that must be held back, and its state is all
 * that a stream has to remember. Ordinary output never leaves the root: a bitmap of the first two bytes skips over it.
 */
#include "runner/base/redact.h"

#include <string.h>

#include "runner/base/mem.h"

#define SECRET_MIN 4
#define BASE64_LINE_BYTES 57	/* base64(1) writes 76 characters a line: these many bytes */

static const char stars[] = "***";
static const char base64_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct trie_node {
	uint32_t child, sibling;	/* 0: none; the root is nobody's child */
	uint32_t fail;
	uint32_t depth;
	uint32_t hit;			/* length of the longest pattern that ends here; 0: none */
	unsigned char byte;
};

struct trie {
	struct trie_node *nodes;	/* nodes[0] is the root */
	size_t len, alloc;
	bool linked;			/* `fail` and inherited `hit` are up to date */
	uint32_t first[256];		/* the root's children by byte */
	uint64_t pairs[65536 / 64];	/* which two bytes a pattern can start with */
};

struct redactor {
	struct trie *trie;		/* apart, because linking is put off until a reader comes */
};

static size_t pair_of(const unsigned char *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8;
}

struct redactor *redactor_new(void)
{
	struct redactor *r = xcalloc(1, sizeof(*r));

	r->trie = xcalloc(1, sizeof(*r->trie));
	r->trie->alloc = 256;
	r->trie->nodes = xcalloc(r->trie->alloc, sizeof(*r->trie->nodes));
	r->trie->len = 1;
	return r;
}

static void wipe_free(void *p, size_t size)
{
	explicit_bzero(p, size);
	free(p);
}

void redactor_free(struct redactor *r)
{
	if (!r)
		return;
	wipe_free(r->trie->nodes, r->trie->alloc * sizeof(*r->trie->nodes));
	wipe_free(r->trie, sizeof(*r->trie));
	free(r);
}

bool redactor_is_empty(const struct redactor *r)
{
	return r->trie->len == 1;
}

static uint32_t find_child(const struct trie *t, uint32_t at, unsigned char byte)
{
	uint32_t child;

	if (!at)
		return t->first[byte];
	for (child = t->nodes[at].child; child && t->nodes[child].byte != byte; child = t->nodes[child].sibling)
		;
	return child;
}

static uint32_t add_child(struct trie *t, uint32_t at, unsigned char byte)
{
	uint32_t n = (uint32_t)t->len;

	if (t->len == t->alloc) {	/* not realloc: it would leave a copy of the secrets behind */
		struct trie_node *bigger = xcalloc(2 * t->alloc, sizeof(*bigger));

		memcpy(bigger, t->nodes, t->len * sizeof(*bigger));
		wipe_free(t->nodes, t->alloc * sizeof(*bigger));
		t->nodes = bigger;
		t->alloc *= 2;
	}
	t->nodes[n] = (struct trie_node){ .sibling = t->nodes[at].child, .depth = t->nodes[at].depth + 1, .byte = byte };
	t->nodes[at].child = n;
	if (!at)
		t->first[byte] = n;
	t->len++;
	return n;
}

static void add_pattern(struct trie *t, const char *pattern, size_t len)
{
	const unsigned char *p = (const unsigned char *)pattern;
	uint32_t at = 0;

	if (len < SECRET_MIN)
		return;
	t->pairs[pair_of(p) / 64] |= UINT64_C(1) << pair_of(p) % 64;
	for (size_t i = 0; i < len; i++) {
		uint32_t child = find_child(t, at, p[i]);

		at = child ? child : add_child(t, at, p[i]);
	}
	t->nodes[at].hit = (uint32_t)len;
	t->linked = false;
}

/* Six bits of a byte string in which `lead` unknown bytes stand before the secret; past its end are zeros. */
static unsigned int sextet(const unsigned char *s, size_t len, size_t lead, size_t i)
{
	size_t bit = 6 * i, byte = bit / 8;
	unsigned int hi = byte < lead || byte - lead >= len ? 0 : s[byte - lead];
	unsigned int lo = byte + 1 < lead || byte + 1 - lead >= len ? 0 : s[byte + 1 - lead];

	return ((hi << 8 | lo) >> (10 - bit % 8)) & 63;
}

/* What the secret looks like in base64 when `lead` bytes (modulo 3) stand before it: the characters that it alone decides.
 * At the start of an encoded text (`lead` 0) also the end it gets when it is the whole text. */
static void add_base64(struct trie *t, const char *secret, size_t len, size_t lead, const char *alphabet)
{
	const unsigned char *s = (const unsigned char *)secret;
	size_t begin = (8 * lead + 5) / 6, end = 8 * (lead + len) / 6, n = 0;
	size_t size = end - begin + 4;
	char *text = xmalloc(size);

	for (size_t i = begin; i < end; i++)
		text[n++] = alphabet[sextet(s, len, lead, i)];
	add_pattern(t, text, n);
	if (!lead && len % 3) {
		text[n++] = alphabet[sextet(s, len, 0, end)];
		add_pattern(t, text, n);
		while (n % 4)
			text[n++] = '=';
		add_pattern(t, text, n);
	}
	wipe_free(text, size);
}

static void add_lines(struct trie *t, const char *secret, size_t len)
{
	const char *end = secret + len;

	for (const char *line = secret, *stop; line < end; line = stop + 1) {
		size_t n;

		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		n = (size_t)(stop - line);
		if (n && line[n - 1] == '\r')
			n--;
		add_pattern(t, line, n);
	}
}

bool redactor_add(struct redactor *r, const char *secret, size_t len)
{
	struct trie *t = r->trie;

	if (len < SECRET_MIN)
		return false;
	add_pattern(t, secret, len);
	add_lines(t, secret, len);
	for (size_t lead = 0; lead < 3; lead++) {
		add_base64(t, secret, len, lead, base64_standard);
		add_base64(t, secret, len, lead, base64_url);
	}
	for (size_t at = 0; len > BASE64_LINE_BYTES && at < len; at += BASE64_LINE_BYTES) {
		size_t rest = len - at;

		add_base64(t, secret + at, rest < BASE64_LINE_BYTES ? rest : BASE64_LINE_BYTES, 0, base64_standard);
	}
	return true;
}

static uint32_t advance(const struct trie *t, uint32_t state, unsigned char byte)
{
	for (;;) {
		uint32_t next = find_child(t, state, byte);

		if (next || !state)
			return next;
		state = t->nodes[state].fail;
	}
}

/* Breadth first, so that a node's fail node, which is nearer to the root, is ready before it. */
static void link_up(struct trie *t)
{
	autofree uint32_t *queue = xmalloc(t->len * sizeof(*queue));
	size_t head = 0, tail = 0;

	queue[tail++] = 0;
	while (head < tail) {
		uint32_t at = queue[head++];

		for (uint32_t c = t->nodes[at].child; c; c = t->nodes[c].sibling) {
			struct trie_node *node = &t->nodes[c];

			node->fail = at ? advance(t, t->nodes[at].fail, node->byte) : 0;
			if (node->hit != node->depth)
				node->hit = t->nodes[node->fail].hit;
			queue[tail++] = c;
		}
	}
	t->linked = true;
}

/* The first place where a pattern can start; a last single byte counts if it could. */
static const unsigned char *skip_ordinary(const struct trie *t, const unsigned char *p, const unsigned char *end)
{
	for (; end - p > 1; p++) {
		size_t pair = pair_of(p);

		if (t->pairs[pair / 64] >> pair % 64 & 1)
			return p;
	}
	return p < end && t->first[*p] ? p : end;
}

/* Write out the `n` oldest held bytes. */
static void release_held(struct redact_stream *s, size_t n, struct strbuf *out)
{
	const char *bytes = s->held.buf + s->start, *covered = s->covered.buf + s->start;

	for (size_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && covered[i + run] == covered[i]; run++)
			;
		if (!covered[i])
			strbuf_add(out, bytes + i, run);
		else if (!s->starred)
			strbuf_addstr(out, stars);
		s->starred = covered[i];
	}
	s->start += n;
	if (s->start == s->held.len) {
		strbuf_clear(&s->held);
		strbuf_clear(&s->covered);
		s->start = 0;
	} else if (s->start > 4096 && s->start > s->held.len / 2) {	/* rarely enough to cost nothing */
		s->held.len -= s->start;
		s->covered.len -= s->start;
		memmove(s->held.buf, s->held.buf + s->start, s->held.len);
		memmove(s->covered.buf, s->covered.buf + s->start, s->covered.len);
		s->start = 0;
	}
}

static void take_byte(struct redact_stream *s, const struct trie *t, unsigned char byte, struct strbuf *out)
{
	const struct trie_node *node;

	s->state = advance(t, s->state, byte);
	node = &t->nodes[s->state];
	strbuf_addch(&s->held, (char)byte);
	strbuf_addch(&s->covered, 0);
	if (node->hit)
		memset(s->covered.buf + s->covered.len - node->hit, 1, node->hit);
	if (s->held.len - s->start > node->depth)
		release_held(s, s->held.len - s->start - node->depth, out);
}

void redact_stream_init(struct redact_stream *s, const struct redactor *r)
{
	*s = (struct redact_stream){
		.redactor = r, .held = STRBUF_INIT(STRBUF_NO_MAX), .covered = STRBUF_INIT(STRBUF_NO_MAX),
	};
}

void redact_stream_feed(struct redact_stream *s, const char *data, size_t len, struct strbuf *out)
{
	const unsigned char *p = (const unsigned char *)data, *end = p + len;
	struct trie *t = s->redactor ? s->redactor->trie : NULL;

	if (!t || t->len == 1) {
		strbuf_add(out, data, len);
		return;
	}
	if (!t->linked)
		link_up(t);
	while (p < end) {
		const unsigned char *ordinary = p;

		if (!s->state)
			p = skip_ordinary(t, p, end);
		if (p > ordinary) {
			strbuf_add(out, ordinary, (size_t)(p - ordinary));
			s->starred = false;
		}
		if (p < end)
			take_byte(s, t, *p++, out);
	}
}

void redact_stream_end(struct redact_stream *s, struct strbuf *out)
{
	release_held(s, s->held.len - s->start, out);
	if (s->held.alloc)
		explicit_bzero(s->held.buf, s->held.alloc);
	strbuf_release(&s->held);
	strbuf_release(&s->covered);
	redact_stream_init(s, s->redactor);
}

void redact_text(const struct redactor *r, const char *text, size_t len, struct strbuf *out)
{
	struct redact_stream s;

	redact_stream_init(&s, r);
	redact_stream_feed(&s, text, len, out);
	redact_stream_end(&s, out);
}
