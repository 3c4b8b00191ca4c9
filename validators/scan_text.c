/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on texts. One pass over a text finds the keywords of all rules (an Aho-Corasick automaton that folds ASCII
 * case); only around them is a pattern tried, on a few lines, so a text without keywords costs a table look-up for
 * each byte, and one full of them no more than a few readings of it. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_match.h"

#define WINDOW_BYTES ((size_t)2048)	/* before and after a keyword, at most */
#define WINDOW_LINES_AFTER 3
#define LOOKBEHIND_BYTES ((size_t)64)	/* that patterns may see before the window */
#define KEYED_MAX 64			/* rules on keys whose verdict about a key is remembered */
#define KEY_MEMORY 256			/* keys that are remembered; a power of two */
#define KEY_BYTES 32
#define HITS_MAX 1024			/* places that are compared with each other before they are told */

struct output {			/* of a state: a keyword ends here */
	uint32_t keyword;
	uint32_t next;		/* index + 1 of another; 0: none */
};

struct keyword {
	struct rule_refs refs;
};

struct automaton {
	unsigned char class[256];
	size_t classes;		/* 0 is every byte that no keyword has */
	uint32_t *next;		/* [state * classes + class] */
	uint32_t *output;	/* of a state: index + 1; 0: none */
	struct output *outputs;
	size_t outputs_len, states;
	struct keyword *keywords;
	size_t keywords_len;
};

struct progress {		/* of a match of a rule in the present text */
	uint64_t serial;
	size_t searched, matched;	/* up to where; behind the last match */
};

struct remembered_key {
	char text[KEY_BYTES];
	unsigned char len;	/* 0: free */
	uint64_t fits;		/* bits of keyed.items */
};

struct scope_index {
	struct automaton automaton;
	struct rule_refs keyed;		/* matches without keywords, on keys */
	struct remembered_key *memory;
};

struct text_hit {
	const struct rule_ref *ref;
	size_t offset, len;
	bool outdone;
};

struct text_index {
	struct scope_index script, text;
	struct progress *progress;	/* by rule_ref.need, which counts the matches here */
	uint64_t serial;
	struct text_hit *hits;		/* of the present text, told at its end */
	size_t hits_len;
};

/* ---- the automaton */

static unsigned char fold(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static void add_classes(struct automaton *a, const char *word)
{
	for (; *word; word++) {
		unsigned char c = fold((unsigned char)*word);

		if (a->class[c])
			continue;
		a->class[c] = (unsigned char)a->classes++;
		if (c >= 'a' && c <= 'z')
			a->class[c & ~0x20] = a->class[c];
	}
}

static uint32_t add_word(struct automaton *a, const char *word)
{
	uint32_t state = 0;

	for (; *word; word++) {
		uint32_t *next = &a->next[state * a->classes + a->class[(unsigned char)*word]];

		if (!*next)
			*next = (uint32_t)a->states++;
		state = *next;
	}
	return state;
}

static void add_keyword(struct arena *arena, struct automaton *a, const char *word, const struct rule_ref *ref)
{
	uint32_t state = add_word(a, word);
	struct keyword *k;

	if (!state)
		return;		/* an empty word */
	if (!a->output[state]) {
		a->outputs = arena_append(arena, a->outputs, a->outputs_len, sizeof(*a->outputs));
		a->keywords = arena_append(arena, a->keywords, a->keywords_len, sizeof(*a->keywords));
		a->outputs[a->outputs_len++].keyword = (uint32_t)a->keywords_len++;
		a->output[state] = (uint32_t)a->outputs_len;
	}
	k = &a->keywords[a->outputs[a->output[state] - 1].keyword];
	k->refs.items = arena_append(arena, k->refs.items, k->refs.len, sizeof(*k->refs.items));
	k->refs.items[k->refs.len++] = *ref;
}

/* From a tree to an automaton: where no branch goes on, go on where the longest known end of what was read leads. */
static void link_states(struct automaton *a)
{
	autofree uint32_t *fail = xcalloc(a->states, sizeof(*fail));
	autofree uint32_t *queue = xcalloc(a->states, sizeof(*queue));
	size_t head = 0, tail = 0;

	for (size_t c = 0; c < a->classes; c++) {
		if (a->next[c])
			queue[tail++] = a->next[c];
	}
	while (head < tail) {
		uint32_t state = queue[head++];
		uint32_t *own = a->output[state] ? &a->outputs[a->output[state] - 1].next : &a->output[state];

		*own = a->output[fail[state]];
		for (size_t c = 0; c < a->classes; c++) {
			uint32_t *next = &a->next[state * a->classes + c],
				 otherwise = a->next[fail[state] * a->classes + c];

			if (*next) {
				fail[*next] = otherwise;
				queue[tail++] = *next;
			} else {
				*next = otherwise;
			}
		}
	}
}

/* ---- the index */

typedef void ref_visitor(void *arg, const struct rule_ref *ref);

static void each_ref(const struct rule_set *rules, enum rule_scope scope, uint64_t *number, ref_visitor *visit,
		     void *arg)
{
	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = &rules->rules[i];

		if (rule->scope != scope || rule->disabled)
			continue;
		for (size_t j = 0; j < rule->matches_len; j++) {
			struct rule_ref ref = {
				.rule = rule, .match = &rule->matches[j], .index = (uint32_t)i, .need = (*number)++
			};

			visit(arg, &ref);
		}
	}
}

struct building {
	struct arena *arena;
	struct scope_index *x;
	size_t bytes;		/* of all keywords: no more states than that */
};

static void measure(void *arg, const struct rule_ref *ref)
{
	struct building *b = arg;

	for (const char *const *k = ref->match->keywords; k && *k; k++) {
		add_classes(&b->x->automaton, *k);
		b->bytes += strlen(*k);
	}
}

static void enter(void *arg, const struct rule_ref *ref)
{
	struct building *b = arg;
	const char *const *k = ref->match->keywords;

	for (; k && *k; k++)
		add_keyword(b->arena, &b->x->automaton, *k, ref);
	if (ref->match->keywords && ref->match->keywords[0])
		return;
	b->x->keyed.items = arena_append(b->arena, b->x->keyed.items, b->x->keyed.len, sizeof(*b->x->keyed.items));
	b->x->keyed.items[b->x->keyed.len++] = *ref;
}

static uint64_t index_scope(struct arena *arena, const struct rule_set *rules, enum rule_scope scope, uint64_t number,
			    struct scope_index *x)
{
	struct building b = { .arena = arena, .x = x };
	struct automaton *a = &x->automaton;
	uint64_t first = number;

	a->classes = 1;
	a->states = 1;
	each_ref(rules, scope, &number, measure, &b);
	a->next = arena_alloc(arena, (b.bytes + 1) * a->classes * sizeof(*a->next));
	a->output = arena_alloc(arena, (b.bytes + 1) * sizeof(*a->output));
	x->memory = arena_alloc(arena, KEY_MEMORY * sizeof(*x->memory));
	each_ref(rules, scope, &first, enter, &b);
	link_states(a);
	return number;
}

struct text_index *text_index_new(struct arena *arena, const struct rule_set *rules)
{
	struct text_index *x = arena_alloc(arena, sizeof(*x));
	uint64_t number = index_scope(arena, rules, SCOPE_SCRIPT, 0, &x->script);

	number = index_scope(arena, rules, SCOPE_TEXT, number, &x->text);
	x->hits = arena_alloc(arena, HITS_MAX * sizeof(*x->hits));
	x->progress = arena_alloc(arena, (number + 1) * sizeof(*x->progress));
	return x;
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
	return a->ref->need < b->ref->need ? -1 : a->ref->need > b->ref->need;
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
	struct progress *p = &x->progress[ref->need];
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

static void find_keywords(const struct text_view *v, const struct automaton *a)
{
	const unsigned char *text = (const unsigned char *)v->node->text;
	size_t len = v->node->len, classes = a->classes;
	uint32_t state = 0;

	if (!a->keywords_len)
		return;
	for (size_t i = 0; i < len; i++) {
		state = a->next[state * classes + a->class[text[i]]];
		for (uint32_t o = a->output[state]; o; o = a->outputs[o - 1].next) {
			const struct keyword *k = &a->keywords[a->outputs[o - 1].keyword];

			for (size_t r = 0; r < k->refs.len; r++)
				try_near(v, &k->refs.items[r], i);
		}
	}
}

/* ---- rules on keys: the same few keys stand everywhere, so what was found out about one is remembered */

static uint64_t keyed_that_fit(const struct text_view *v, const struct scope_index *x)
{
	uint32_t h = 2166136261u;
	struct remembered_key *slot;
	uint64_t fits = 0;

	for (size_t i = 0; i < v->key_len; i++)
		h = (h ^ (unsigned char)v->key[i]) * 16777619u;
	slot = &x->memory[(h ^ h >> 13) & (KEY_MEMORY - 1)];
	if (v->key_len && slot->len == v->key_len && !memcmp(slot->text, v->key, v->key_len))
		return slot->fits;
	for (size_t i = 0; i < x->keyed.len && i < KEYED_MAX; i++)
		fits |= (uint64_t)key_holds(v, &x->keyed.items[i]) << i;
	if (v->key_len && v->key_len <= KEY_BYTES) {
		memcpy(slot->text, v->key, v->key_len);
		slot->len = (unsigned char)v->key_len;
		slot->fits = fits;
	}
	return fits;
}

static void try_keyed(const struct text_view *v, const struct scope_index *x)
{
	uint64_t fits = x->keyed.len ? keyed_that_fit(v, x) : 0;

	for (size_t i = 0; i < x->keyed.len; i++) {
		const struct rule_ref *ref = &x->keyed.items[i];

		if (i < KEYED_MAX ? fits >> i & 1 : key_holds(v, ref))
			try_part(v, ref, 0, v->node->len);
	}
}

void scan_text(struct scan *sc, enum rule_scope scope, const struct node *text, const struct scan_path *path, const char *key,
	       size_t key_len)
{
	struct text_index *x = sc->scanner->text;
	const struct scope_index *scoped = scope == SCOPE_SCRIPT ? &x->script : &x->text;
	const struct text_view v = { .sc = sc, .node = text, .path = path, .key = key, .key_len = key_len };

	x->serial++;
	find_keywords(&v, &scoped->automaton);
	try_keyed(&v, scoped);
	if (x->hits_len)
		tell_hits(&v);
}
