/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on texts. One pass over a text finds the keywords of all rules, in whatever ASCII case: of every three bytes a hash
 * says whether a keyword may end there. Only around keywords is a pattern tried, on a few lines, so a text without them costs
 * two table look-ups for each byte, and one full of them no more than a few readings of it. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_index.h"
#include "validators/scan_match.h"

#define WINDOW_BYTES ((size_t)2048)	/* before and after a keyword, at most */
#define WINDOW_LINES_AFTER 3
#define LOOKBEHIND_BYTES ((size_t)64)	/* that patterns may see before the window */
#define KEYED_MAX 64			/* rules on keys whose verdict about a key is remembered */
#define KEY_MEMORY 256			/* keys that are remembered; a power of two */
#define KEY_BYTES 32
#define HITS_MAX 1024			/* places that are compared with each other before they are told */

struct progress {		/* of a match of a rule in the present text */
	uint64_t serial;
	size_t searched, matched;	/* up to where; behind the last match */
};

struct remembered_key {
	char text[KEY_BYTES];
	unsigned char len;	/* 0: free */
	uint64_t fits;		/* bits of keyed.items */
};

struct text_hit {
	const struct rule_ref *ref;
	size_t offset, len;
	bool outdone;
};

struct text_index {
	const struct scan_index *index;
	struct arena *arena;
	struct rule_ref *refs;		/* by number; no rule: not tried yet */
	struct progress *progress;	/* by number */
	struct remembered_key *script_memory, *text_memory;	/* NULL: not needed yet */
	uint64_t serial;
	struct text_hit *hits;		/* of the present text, told at its end */
	size_t hits_len, hits_alloc;
};

/* ---- keywords */

static void finder_init(struct finder *f)
{
	for (unsigned int c = 0; c < ARRAY_SIZE(f->folded); c++)
		f->folded[c] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static inline uint32_t roll(const struct finder *f, uint32_t hash, char c)
{
	return hash << ENDING_SHIFT ^ f->folded[(unsigned char)c];
}

/* Where a keyword may end; a short one whatever stands before it. Returns its list. */
static uint32_t *mark_ends(struct finder *f, const char *text, size_t len)
{
	const size_t hashed = len < 3 ? len : 3;
	uint32_t hash = 0;

	for (size_t i = len - hashed; i < len; i++)
		hash = roll(f, hash, text[i]);
	for (uint32_t before = 0; before <= ENDING_MASK; before += 1u << hashed * ENDING_SHIFT) {
		uint32_t end = (hash ^ before) & ENDING_MASK;

		f->ends[end / 64] |= UINT64_C(1) << end % 64;
	}
	return len < 3 ? &f->short_lists[(unsigned char)text[len - 1]] : &f->lists[(hash & ENDING_MASK) % LISTS];
}

/* Does the keyword end with the text? */
static bool ends_in(const struct keyword *k, const char *word, const char *text, size_t len)
{
	const char *at = text + len - k->len;

	if (len < k->len)
		return false;
	for (size_t i = 0; i < k->len; i++) {
		char c = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] | 0x20) : at[i];

		if (c != word[i])
			return false;
	}
	return true;
}

/* ---- the index */

struct uses {			/* numbers of matches */
	uint32_t *items;
	size_t len;
};

struct scope_builder {
	struct arena *arena;
	struct finder *finder;
	struct keyword *keywords;
	struct uses *uses;		/* of each keyword */
	size_t len;
	char *words;
	size_t words_len, words_alloc;
	struct uses keyed;
};

static void add_use(struct arena *arena, struct uses *uses, size_t number)
{
	uses->items = arena_append(arena, uses->items, uses->len, sizeof(*uses->items));
	uses->items[uses->len++] = (uint32_t)number;
}

/* The index of a keyword. */
static size_t keyword_of(struct scope_builder *b, const char *text)
{
	size_t len = strlen(text);
	uint32_t *link;

	b->keywords = arena_append(b->arena, b->keywords, b->len, sizeof(*b->keywords));
	for (link = mark_ends(b->finder, text, len); *link && b->keywords[*link - 1].len >= len;) {
		struct keyword *k = &b->keywords[*link - 1];

		if (!strcmp(b->words + k->text, text))
			return *link - 1;
		link = &k->next;
	}
	if (b->words_alloc - b->words_len <= len)
		b->words = arena_grow(b->arena, b->words, b->words_len, &b->words_alloc, len + 1, 1);
	b->keywords[b->len] = (struct keyword){ .text = (uint32_t)b->words_len, .len = (uint32_t)len, .next = *link };
	memcpy(b->words + b->words_len, text, len + 1);
	b->words_len += len + 1;
	b->uses = arena_append(b->arena, b->uses, b->len, sizeof(*b->uses));
	*link = (uint32_t)++b->len;
	return b->len - 1;
}

static void add_match(struct scope_builder *b, const struct rule_match *m, size_t number)
{
	for (const char *const *k = m->keywords; k && *k; k++) {
		if (**k) {
			size_t keyword = keyword_of(b, *k);	/* which may move b->uses */

			add_use(b->arena, &b->uses[keyword], number);
		}
	}
	if (!m->keywords || !m->keywords[0])
		add_use(b->arena, &b->keyed, number);
}

static struct text_scope finished(struct scope_builder *b)
{
	struct uses all = { .len = 0 };

	for (size_t i = 0; i < b->len; i++) {
		b->keywords[i].uses = (uint32_t)all.len;
		b->keywords[i].uses_len = (uint32_t)b->uses[i].len;
		for (size_t k = 0; k < b->uses[i].len; k++)
			add_use(b->arena, &all, b->uses[i].items[k]);
	}
	return (struct text_scope){
		.finder = b->finder, .keywords = b->keywords, .keywords_len = b->len, .words = b->words, .words_len = b->words_len,
		.uses = all.items, .uses_len = all.len, .keyed = b->keyed.items, .keyed_len = b->keyed.len,
	};
}

/* The matches of its rules follow those that are numbered already. */
static struct text_scope scope_make(struct arena *arena, const struct rule_set *rules, enum rule_scope scope,
				    struct text_entry **texts, size_t *n)
{
	struct scope_builder b = { .arena = arena, .finder = arena_alloc(arena, sizeof(*b.finder)) };

	finder_init(b.finder);
	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = rules_at(rules, i);

		for (size_t j = 0; rule->scope == scope && !rule->disabled && j < rule->matches_len; j++) {
			*texts = arena_append(arena, *texts, *n, sizeof(**texts));
			(*texts)[*n] = (struct text_entry){ .rule = (uint32_t)i, .match = (uint32_t)j };
			add_match(&b, &rule->matches[j], (*n)++);
		}
	}
	return finished(&b);
}

void text_scopes_make(struct arena *arena, const struct rule_set *rules, struct scan_index *ret)
{
	struct text_entry *texts = NULL;

	ret->script = scope_make(arena, rules, SCOPE_SCRIPT, &texts, &ret->texts_len);
	ret->text = scope_make(arena, rules, SCOPE_TEXT, &texts, &ret->texts_len);
	ret->texts = texts;
}

struct text_index *text_index_new(struct arena *arena, const struct scan_index *index)
{
	struct text_index *x = arena_alloc(arena, sizeof(*x));

	x->index = index;
	x->arena = arena;
	return x;
}

void text_index_free(struct text_index *x)
{
	if (!x)
		return;
	free(x->hits);
	free(x->refs);
	free(x->progress);
}

static const struct rule_ref *ref_of(struct scanner *s, size_t number)
{
	struct text_index *x = s->text;
	struct rule_ref *ref;

	if (!x->refs) {
		x->refs = xcalloc(x->index->texts_len, sizeof(*x->refs));
		x->progress = xcalloc(x->index->texts_len, sizeof(*x->progress));
	}
	ref = &x->refs[number];
	if (!ref->rule) {
		const struct text_entry *e = &x->index->texts[number];
		const struct rule *rule = rules_at(s->rules, e->rule);

		*ref = (struct rule_ref){
			.rule = rule, .match = &rule->matches[e->match], .index = e->rule, .number = (uint32_t)number,
		};
	}
	return ref;
}

/* ---- trying a match on a part of a text */

struct text_view {
	struct scan *sc;
	const struct node *node;
	const struct scan_path *path;
	const char *key;
	size_t key_len;
};

static bool key_holds(const struct text_view *v, const struct rule_ref *ref)
{
	struct scan_place place = { .node = v->node, .path = v->path, .whole = true };

	for (size_t i = 0; i < ref->match->conditions_len; i++) {
		const struct rule_condition *c = &ref->match->conditions[i];

		if (c->subject == SUBJECT_KEY &&
		    scan_matches(v->sc, ref->index, c, v->key, v->key_len, &place) == c->negated)
			return false;
	}
	return true;
}

/* The first condition says where; the other patterns must be found in the part too, and those negated must not stand
 * on the lines of the match. */
static bool others_hold(const struct text_view *v, const struct rule_ref *ref, const struct rule_condition *where,
			size_t from, size_t to, struct span span)
{
	const char *text = v->node->text,
		   *end = memchr(text + span.offset + span.len, '\n', to - span.offset - span.len);
	struct scan_place place = { .node = v->node, .path = v->path, .offset = span.offset, .len = span.len };
	size_t line_end = end ? (size_t)(end - text) : to, line = span.offset;

	while (line > from && text[line - 1] != '\n')
		line--;
	for (size_t i = 0; i < ref->match->conditions_len; i++) {
		const struct rule_condition *c = &ref->match->conditions[i];
		size_t begin = c->negated ? line : from, len = (c->negated ? line_end : to) - begin;

		if (c->subject != SUBJECT_TEXT || c == where)
			continue;
		if ((scan_pattern(v->sc, ref->index, c, text + begin, len, 0, &place, NULL) == PATTERN_YES) ==
		    c->negated)
			return false;
	}
	return true;
}

static const struct rule_condition *first_pattern(const struct rule_match *m)
{
	for (size_t i = 0; i < m->conditions_len; i++) {
		if (m->conditions[i].subject == SUBJECT_TEXT && !m->conditions[i].negated)
			return &m->conditions[i];
	}
	return NULL;
}

static int compare_hits(const void *pa, const void *pb)
{
	const struct text_hit *a = pa, *b = pb;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->len != b->len)
		return a->len > b->len ? -1 : 1;
	return a->ref->number < b->ref->number ? -1 : a->ref->number > b->ref->number;
}

/* Of two that share a place: the same rule by another of its matches, or a weaker one of the category. */
static void compare_places(struct text_hit *a, struct text_hit *b)
{
	const struct rule *ra = a->ref->rule, *rb = b->ref->rule;

	if (ra == rb)
		b->outdone |= !a->outdone;
	else if (ra->category && rb->category && !strcmp(ra->category, rb->category) && ra->severity != rb->severity)
		*(ra->severity < rb->severity ? &a->outdone : &b->outdone) = true;
}

/* Tell of what was found so far, in order. */
static void tell_hits(const struct text_view *v)
{
	struct text_index *x = v->sc->scanner->text;

	qsort(x->hits, x->hits_len, sizeof(*x->hits), compare_hits);
	for (size_t i = 0; i < x->hits_len; i++) {
		struct text_hit *hit = &x->hits[i];

		for (size_t j = i + 1; j < x->hits_len && x->hits[j].offset < hit->offset + hit->len; j++)
			compare_places(hit, &x->hits[j]);
	}
	for (size_t i = 0; i < x->hits_len; i++) {
		struct scan_match match = {
			.place = { .node = v->node,
				   .path = v->path,
				   .offset = x->hits[i].offset,
				   .len = x->hits[i].len },
		};

		if (!x->hits[i].outdone)
			scan_tell(v->sc, x->hits[i].ref->index, &match);
	}
	x->hits_len = 0;
}

static void add_hit(const struct text_view *v, const struct rule_ref *ref, size_t offset, size_t len)
{
	struct text_index *x = v->sc->scanner->text;

	if (x->hits_len == HITS_MAX)
		tell_hits(v);
	ARRAY_GROW(x->hits, x->hits_len, x->hits_alloc);
	x->hits[x->hits_len++] = (struct text_hit){ .ref = ref, .offset = offset, .len = len };
}

/* All matches between `from` and `to`. Returns where the last one ends, or `from`. */
static size_t try_part(const struct text_view *v, const struct rule_ref *ref, size_t from, size_t to)
{
	const struct rule_condition *where = first_pattern(ref->match);
	size_t base = from > LOOKBEHIND_BYTES ? from - LOOKBEHIND_BYTES : 0, matched = from;
	struct scan_place place = { .node = v->node, .path = v->path, .offset = from, .len = to - from };
	struct span span;

	if (!where) {
		if (others_hold(v, ref, NULL, from, to, (struct span){ .offset = from, .len = to - from }))
			add_hit(v, ref, 0, v->node->len);
		return to;
	}
	for (size_t at = from; at <= to; at = span.next + base) {
		if (scan_pattern(v->sc, ref->index, where, v->node->text + base, to - base, at - base, &place, &span) !=
		    PATTERN_YES)
			break;
		span.offset += base;
		matched = span.next + base;
		if (others_hold(v, ref, where, from, to, span))
			add_hit(v, ref, span.offset, span.len);
	}
	return matched < to ? matched : to;
}

/* ---- windows around keywords */

static size_t window_begin(const char *text, size_t at)
{
	size_t least = at > WINDOW_BYTES ? at - WINDOW_BYTES : 0;
	unsigned int breaks = 0;

	while (at > least) {
		if (text[at - 1] == '\n' && breaks++)
			break;
		at--;
	}
	return at;
}

static size_t window_end(const char *text, size_t len, size_t at, unsigned int lines)
{
	size_t most = len - at > WINDOW_BYTES ? at + WINDOW_BYTES : len;
	const char *end = text + at;

	while (lines-- && (end = memchr(end, '\n', most - (size_t)(end - text))))
		end++;
	return end ? (size_t)(end - text) : most;
}

static void try_near(const struct text_view *v, const struct rule_ref *ref, size_t at)
{
	struct text_index *x = v->sc->scanner->text;
	struct progress *p = &x->progress[ref->number];
	const struct node *node = v->node;
	size_t from, to, half = at + WINDOW_BYTES / 2;

	if (p->serial != x->serial)
		*p = (struct progress){ .serial = x->serial };
	/* the lines of this keyword were looked at together with those of the one before */
	if (p->searched > at && (p->searched == node->len || p->searched >= half ||
				 p->searched >= window_end(node->text, node->len, at, 1)))
		return;
	if (!key_holds(v, ref))
		return;
	from = window_begin(node->text, at);
	from = from > p->matched ? from : p->matched;
	to = window_end(node->text, node->len, at, 1 + WINDOW_LINES_AFTER);
	if (from < to)
		p->matched = try_part(v, ref, from, to);
	p->searched = to;
}

/* Try what has a keyword of a list that ends with the first `len` bytes. */
static void try_list(const struct text_view *v, const struct text_scope *s, uint32_t list, size_t len)
{
	for (const struct keyword *k; list; list = k->next) {
		k = &s->keywords[list - 1];
		for (size_t i = 0; ends_in(k, s->words + k->text, v->node->text, len) && i < k->uses_len; i++)
			try_near(v, ref_of(v->sc->scanner, s->uses[k->uses + i]), len - 1);
	}
}

/* A keyword may end with the first `len` bytes. */
static __attribute__((noinline)) void try_ending(const struct text_view *v, const struct text_scope *s, uint32_t hash, size_t len)
{
	const struct finder *f = s->finder;
	uint32_t list = f->lists[hash % LISTS], short_list = f->short_lists[f->folded[(unsigned char)v->node->text[len - 1]]];

	if (list)
		try_list(v, s, list, len);
	if (short_list)
		try_list(v, s, short_list, len);
}

static void find_keywords(const struct text_view *v, const struct text_scope *s)
{
	const struct finder *f = s->finder;
	const char *text = v->node->text;
	size_t len = v->node->len;
	uint32_t hash = 0;

	for (size_t i = 0; i < len; i++) {
		hash = roll(f, hash, text[i]);
		if (f->ends[(hash & ENDING_MASK) / 64] >> hash % 64 & 1)
			try_ending(v, s, hash, i + 1);
	}
}

/* ---- rules on keys: the same few keys stand everywhere, so what was found out about one is remembered */

static uint64_t keyed_that_fit(const struct text_view *v, const struct text_scope *s, struct remembered_key **memory)
{
	uint32_t h = 2166136261u;
	struct remembered_key *slot;
	uint64_t fits = 0;

	for (size_t i = 0; i < v->key_len; i++)
		h = (h ^ (unsigned char)v->key[i]) * 16777619u;
	if (!*memory)
		*memory = arena_alloc(v->sc->scanner->text->arena, KEY_MEMORY * sizeof(**memory));
	slot = &(*memory)[(h ^ h >> 13) & (KEY_MEMORY - 1)];
	if (v->key_len && slot->len == v->key_len && !memcmp(slot->text, v->key, v->key_len))
		return slot->fits;
	for (size_t i = 0; i < s->keyed_len && i < KEYED_MAX; i++)
		fits |= (uint64_t)key_holds(v, ref_of(v->sc->scanner, s->keyed[i])) << i;
	if (v->key_len && v->key_len <= KEY_BYTES) {
		memcpy(slot->text, v->key, v->key_len);
		slot->len = (unsigned char)v->key_len;
		slot->fits = fits;
	}
	return fits;
}

static void try_keyed(const struct text_view *v, const struct text_scope *s, struct remembered_key **memory)
{
	uint64_t fits = s->keyed_len ? keyed_that_fit(v, s, memory) : 0;

	for (size_t i = 0; i < s->keyed_len; i++) {
		const struct rule_ref *ref = ref_of(v->sc->scanner, s->keyed[i]);

		if (i < KEYED_MAX ? fits >> i & 1 : key_holds(v, ref))
			try_part(v, ref, 0, v->node->len);
	}
}

void scan_text(struct scan *sc, enum rule_scope scope, const struct node *text, const struct scan_path *path, const char *key,
	       size_t key_len)
{
	struct text_index *x = sc->scanner->text;
	const struct text_scope *scoped = scope == SCOPE_SCRIPT ? &x->index->script : &x->index->text;
	const struct text_view v = { .sc = sc, .node = text, .path = path, .key = key, .key_len = key_len };

	x->serial++;
	find_keywords(&v, scoped);
	try_keyed(&v, scoped, scope == SCOPE_SCRIPT ? &x->script_memory : &x->text_memory);
	if (x->hits_len)
		tell_hits(&v);
}
