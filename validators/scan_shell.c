/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules are worth trying on a command. Those that name commands are found by the name; the others wait under the rarest feature that
 * they need (an effect on a path, code, an origin …), so that `mkdir -p build` is compared with a handful of rules, not with all. */
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_command.h"
#include "validators/shell/parse.h"

#define HITS_MAX 64		/* rules that are reported for one command */

struct name_slot {		/* rules that name a command */
	const char *name;	/* NULL: free */
	struct rule_refs refs;
};

struct prefix {
	const char *text;
	size_t len;
	struct rule_ref ref;
};

struct shell_index {
	struct name_slot *names;
	size_t slots;				/* a power of two */
	struct prefix *prefixes;
	size_t prefixes_len;
	uint32_t prefix_letters[256 / 32];	/* letters that prefixes begin with */
	struct rule_refs any[FEATURES + 1];	/* by the feature that is needed; the last: none is */
};

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h ^ h >> 15;
}

static struct name_slot *name_slot(const struct shell_index *x, const char *name)
{
	size_t i = hash_name(name) & (x->slots - 1);

	while (x->names[i].name && strcmp(x->names[i].name, name) != 0)
		i = (i + 1) & (x->slots - 1);
	return &x->names[i];
}

static void refs_add(struct arena *arena, struct rule_refs *refs, const struct rule_ref *ref)
{
	refs->items = arena_append(arena, refs->items, refs->len, sizeof(*refs->items));
	refs->items[refs->len++] = *ref;
}

/* From rare to common: where a match that needs several of them waits. */
static const uint64_t rare_first[] = {
	FEATURE_RARE_TRAIT, FEATURE_NAME_ORIGIN, FEATURE_CODE_ORIGIN, FEATURE_LINK, FEATURE_MOVE, FEATURE_MODE, FEATURE_EXECUTE,
	FEATURE_DELETE, FEATURE_APPEND, FEATURE_CODE, FEATURE_INPUT_ORIGIN, FEATURE_PIPED, FEATURE_INPUT, FEATURE_ASSIGNMENT,
	FEATURE_WRITE, FEATURE_TRAIT, FEATURE_DATA_ORIGIN, FEATURE_READ,
};

static size_t rarest(uint64_t need)
{
	for (size_t i = 0; i < ARRAY_SIZE(rare_first); i++) {
		if (need & rare_first[i])
			return (size_t)__builtin_ctzll(rare_first[i]);
	}
	return FEATURES;
}

static void index_match(struct arena *arena, struct shell_index *x, struct rule_ref ref)
{
	const char *const *names = ref.match->commands;

	for (size_t i = 0; i < ref.match->conditions_len; i++)
		ref.need |= condition_needs(&ref.match->conditions[i]);
	if (!names)
		refs_add(arena, &x->any[rarest(ref.need)], &ref);
	for (; names && *names; names++) {
		size_t len = strlen(*names);

		if (len && (*names)[len - 1] == '*') {
			unsigned char letter = (unsigned char)(*names)[0];

			x->prefixes = arena_append(arena, x->prefixes, x->prefixes_len, sizeof(*x->prefixes));
			x->prefixes[x->prefixes_len++] = (struct prefix){ *names, len - 1, ref };
			if (len > 1)
				x->prefix_letters[letter / 32] |= UINT32_C(1) << letter % 32;
			else
				memset(x->prefix_letters, 0xff, sizeof(x->prefix_letters));
		} else {
			struct name_slot *slot = name_slot(x, *names);

			slot->name = *names;
			refs_add(arena, &slot->refs, &ref);
		}
	}
}

struct shell_index *shell_index_new(struct arena *arena, const struct rule_set *rules)
{
	struct shell_index *x = arena_alloc(arena, sizeof(*x));
	size_t names = 1;

	for (size_t i = 0; i < rules->len; i++) {
		for (size_t j = 0; j < rules->rules[i].matches_len; j++) {
			for (const char *const *n = rules->rules[i].matches[j].commands; n && *n; n++)
				names++;
		}
	}
	for (x->slots = 64; x->slots < 2 * names;)
		x->slots *= 2;
	x->names = arena_alloc(arena, x->slots * sizeof(*x->names));
	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = &rules->rules[i];

		for (size_t j = 0; rule->scope == SCOPE_SHELL && !rule->disabled && j < rule->matches_len; j++)
			index_match(arena, x, (struct rule_ref){ .rule = rule, .match = &rule->matches[j], .index = (uint32_t)i });
	}
	return x;
}

/* ---- places in the document */

struct scan_place shell_place(const struct shell_source *source, size_t offset, size_t len)
{
	struct scan_place place = { .node = source->node, .path = source->path, .offset = offset, .len = len };
	const struct shell_argument *argument = NULL;

	for (size_t i = 0; i < source->arguments_len && source->arguments[i].offset <= offset; i++)
		argument = &source->arguments[i];
	if (!argument)
		return place;
	place.node = argument->node;
	place.path = &argument->path;
	place.offset = offset - argument->offset;
	place.whole = place.offset == 0 && len >= argument->node->len;
	return place;
}

/* ---- matching */

struct hit {
	struct rule_ref ref;
	struct command_hit at;
};

struct hits {
	struct hit items[HITS_MAX];
	size_t len;
};

static bool asks_for_dry(const struct rule_match *m)
{
	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];

		if (c->subject == SUBJECT_TRAITS && !c->negated && (c->bits & TRAIT_DRY))
			return true;
	}
	return false;
}

static bool match_holds(struct command_view *v, const struct rule_ref *ref, struct command_hit *ret)
{
	const struct rule_match *m = ref->match;

	*ret = (struct command_hit){ .offset = v->c->offset, .len = v->c->source_len };
	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];
		struct command_hit hit = { .offset = v->c->offset, .len = v->c->source_len };

		if (condition_holds(v, c, ref->index, &hit) == c->negated)
			return false;
		if (c->negated || ret->placed)
			continue;
		if (hit.placed || (hit.shown && !ret->shown))
			*ret = hit;
	}
	return !(v->c->traits & TRAIT_DRY) || asks_for_dry(m);
}

static void try_refs(struct command_view *v, const struct rule_refs *refs, struct hits *hits)
{
	for (size_t i = 0; i < refs->len && hits->len < HITS_MAX; i++) {
		const struct rule_ref *ref = &refs->items[i];
		struct command_hit at;

		if ((v->features & ref->need) == ref->need && match_holds(v, ref, &at))
			hits->items[hits->len++] = (struct hit){ *ref, at };
	}
}

static void try_prefixes(struct command_view *v, const struct shell_index *x, struct hits *hits)
{
	unsigned char letter = (unsigned char)v->c->name[0];

	if (!(x->prefix_letters[letter / 32] >> letter % 32 & 1))
		return;
	for (size_t i = 0; i < x->prefixes_len; i++) {
		const struct prefix *p = &x->prefixes[i];

		if (!strncmp(p->text, v->c->name, p->len))
			try_refs(v, &(struct rule_refs){ (struct rule_ref *)&p->ref, 1 }, hits);
	}
}

static bool overlaps(const struct command_hit *a, const struct command_hit *b)
{
	return a->offset == b->offset || (a->offset < b->offset + b->len && b->offset < a->offset + a->len);
}

/* Does another of the rule's matches come first, or a graver rule of the category say the same about this place? */
static bool is_outdone(const struct hits *hits, size_t i)
{
	const struct hit *hit = &hits->items[i];

	for (size_t j = 0; j < hits->len; j++) {
		const struct hit *other = &hits->items[j];

		if (other->ref.rule == hit->ref.rule && j < i)
			return true;
		if (overlaps(&hit->at, &other->at) && other->ref.rule->severity > hit->ref.rule->severity && other->ref.rule->category && hit->ref.rule->category &&
		    !strcmp(other->ref.rule->category, hit->ref.rule->category))
			return true;
	}
	return false;
}

static void tell_hits(struct command_view *v, const struct hits *hits, struct key_set *told)
{
	for (size_t i = 0; i < hits->len; i++) {
		const struct hit *hit = &hits->items[i];
		uint64_t place = ((uint64_t)hit->at.offset << 32 | (uint32_t)hit->at.len) * UINT64_C(0x9e3779b97f4a7c15);
		struct scan_match match = {
			.place = shell_place(v->source, hit->at.offset, hit->at.len), .shown = hit->at.shown,
			.shown_len = hit->at.shown_len, .command = v->c->name, .uncalled = v->c->traits & TRAIT_FUNCTION,
		};

		/* a command in a loop is there several times */
		if (!is_outdone(hits, i) && key_set_add(told, place + hit->ref.index))
			scan_tell(v->sc, hit->ref.index, &match);
	}
}

static void scan_command(struct command_view *v, const struct shell_index *x, struct key_set *told)
{
	struct hits hits;

	hits.len = 0;
	if (v->c->name && v->c->name[0]) {
		const struct name_slot *slot = name_slot(x, v->c->name);

		try_refs(v, &slot->refs, &hits);
		try_prefixes(v, x, &hits);
	}
	for (uint64_t bits = v->features; bits; bits &= bits - 1)
		try_refs(v, &x->any[__builtin_ctzll(bits)], &hits);
	try_refs(v, &x->any[FEATURES], &hits);
	if (hits.len)
		tell_hits(v, &hits, told);
}

/* ---- what could not be worked out */

static void tell_unresolved(struct scan *sc, const struct shell_command *first, size_t n, const struct shell_source *source)
{
	struct scan_place place = shell_place(source, first->offset, first->source_len);
	const char *text = first->argc ? first->argv[0].text : "";
	char quoted[UTF8_QUOTE_SIZE], more[64] = "";

	if (n > 1)
		snprintf(more, sizeof(more), ", like %zu more in this script", n - 1);
	scan_tell_own(sc, SEVERITY_INFO, "scan/unresolved-command", "write the name of the command out where that is possible", &place,
		      "which command %s runs cannot be told before%s", utf8_quote(quoted, text, strlen(text)), more);
}

static void tell_problems(struct scan *sc, const struct shell_analysis *a, const struct shell_source *source)
{
	static const char *const texts[] = {
		[SHELL_UNTERMINATED] = "this %s never ends, what follows may be read wrongly",
		[SHELL_UNEXPECTED] = "a shell does not expect this %s here",
		[SHELL_TOO_DEEP] = "nested too deep: what is inside this %s was not looked at",
		[SHELL_TOO_LARGE] = "too large: what follows this %s was not looked at",
	};

	for (size_t i = 0; i < a->problems_len; i++) {
		const struct shell_problem *p = &a->problems[i];
		struct scan_place place = shell_place(source, p->offset, 1);
		bool limit = p->kind == SHELL_TOO_DEEP || p->kind == SHELL_TOO_LARGE;

		if (limit && sc->limit_told)
			continue;
		sc->limit_told |= limit;
		scan_tell_own(sc, limit ? SEVERITY_MEDIUM : SEVERITY_INFO, limit ? "scan/limit" : "scan/unreadable-shell",
			      limit ? "split the script" : "let a shell check the script: sh -n", &place, texts[p->kind],
			      p->what ? p->what : "construct");
	}
	if (a->truncated && !sc->truncated_told) {
		struct scan_place place = shell_place(source, 0, 1);

		sc->truncated_told = true;
		scan_tell_own(sc, SEVERITY_MEDIUM, "scan/truncated", "split the script", &place,
			      "the script makes too many commands or too long values, not all of them were looked at");
	}
}

void scan_commands(struct scan *sc, const struct shell_analysis *analysis, const struct shell_source *source)
{
	const struct shell_command *unresolved = NULL;
	struct key_set told = { 0 };
	struct command_view v;
	size_t n = 0;

	command_view_init(&v, sc, analysis, source);
	for (size_t i = 0; i < analysis->len; i++) {
		const struct shell_command *c = &analysis->commands[i];

		if (c->depth > source->max_depth)
			continue;
		command_view_set(&v, c);
		scan_command(&v, sc->scanner->shell, &told);
		if ((c->traits & TRAIT_UNKNOWN_NAME) && !n++)
			unresolved = c;
	}
	if (unresolved)
		tell_unresolved(sc, unresolved, n, source);
	tell_problems(sc, analysis, source);
	command_view_release(&v);
	key_set_release(&told);
}
