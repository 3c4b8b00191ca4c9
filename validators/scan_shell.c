/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules are worth trying on a command. For each name that is met a plan is made of those that are for it, each
 * under the rarest feature that it needs (an effect on a path, code, an origin …), so that `mkdir -p build` is
 * compared with a handful of rules. */
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_command.h"
#include "validators/scan_index.h"
#include "validators/shell/parse.h"

#define HITS_MAX 64		/* rules that are reported for one command */
#define PLANS 2048		/* names whose rules are remembered; a power of two */
#define PLAN_NAME_MAX 48
#define PLAN_WAYS 4		/* slots that a name may stand in */

struct shell_rule {		/* one match of a rule on commands, once it has been tried */
	struct rule_ref ref;
	struct trial *trials;	/* by their cost */
	size_t trials_len;
	bool asks_for_dry;
};

struct planned_rule {		/* all that most commands need to know of it stands here */
	uint32_t need;		/* of the entry */
	uint32_t entry;		/* index */
	struct text_marks required;
};

/* Which rules are tried on commands of a name, under the rarest feature that each needs (the last: none). */
struct plan {
	char name[PLAN_NAME_MAX];
	uint32_t hash;
	bool made;
	struct planned_rule *rules;
	uint32_t starts[FEATURES + 2];
};

struct shell_index {
	const struct shell_entries *entries;
	struct arena *arena;
	struct shell_rule **rules;	/* of each entry; NULL: not tried yet */
	bool *wanted;			/* of each entry: while a plan is made */
	struct plan *plans, odd;	/* in the order they were made; of the last name that is too long */
	size_t plans_len, plans_alloc;
	uint16_t plan_slots[PLANS];	/* of them, by name: index + 1 */
	uint32_t taken_over;
};

/* ---- the entries */

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h ^ h >> 15;
}

/* From rare to common: where a match that needs several of them waits. */
static const uint64_t rare_first[] = {
	FEATURE_RARE_TRAIT, FEATURE_NAME_ORIGIN, FEATURE_CODE_ORIGIN, FEATURE_LINK, FEATURE_MOVE, FEATURE_MODE, FEATURE_EXECUTE,
	FEATURE_DELETE, FEATURE_APPEND, FEATURE_CODE, FEATURE_INPUT_ORIGIN, FEATURE_PIPED, FEATURE_INPUT, FEATURE_ASSIGNMENT,
	FEATURE_WRITE, FEATURE_TRAIT, FEATURE_DATA_ORIGIN, FEATURE_READ, FEATURE_METADATA, FEATURE_HOST,
};

static uint32_t rarest(uint64_t need)
{
	for (size_t i = 0; i < ARRAY_SIZE(rare_first); i++) {
		if (need & rare_first[i])
			return (uint32_t)__builtin_ctzll(rare_first[i]);
	}
	return FEATURES;
}

static bool is_prefix(const char *name, size_t len)
{
	return len && name[len - 1] == '*';
}

/* While they are made. */
struct name_builder {
	struct arena *arena;
	struct name_entry *names;
	uint32_t *slots;
	struct prefix_entry *prefixes;
	char *words;
	size_t words_alloc;
	struct shell_entries *ret;
};

static uint32_t add_word(struct name_builder *b, const char *name, size_t len)
{
	struct shell_entries *e = b->ret;

	if (b->words_alloc - e->words_len <= len)
		b->words = arena_grow(b->arena, b->words, e->words_len, &b->words_alloc, len + 1, 1);
	memcpy(b->words + e->words_len, name, len + 1);
	e->words_len += len + 1;
	return (uint32_t)(e->words_len - len - 1);
}

static void add_name(struct name_builder *b, const char *name, size_t entry)
{
	size_t len = strlen(name);
	uint32_t text = add_word(b, name, len), hash = hash_name(name), *slot = &b->slots[hash & (NAME_SLOTS - 1)];

	if (is_prefix(name, len)) {
		b->prefixes = arena_append(b->arena, b->prefixes, b->ret->prefixes_len, sizeof(*b->prefixes));
		b->prefixes[b->ret->prefixes_len++] =
			(struct prefix_entry){ .text = text, .len = (uint32_t)len - 1, .entry = (uint32_t)entry };
		return;
	}
	b->names = arena_append(b->arena, b->names, b->ret->names_len, sizeof(*b->names));
	b->names[b->ret->names_len] = (struct name_entry){ .hash = hash, .entry = (uint32_t)entry, .next = *slot, .text = text };
	*slot = (uint32_t)++b->ret->names_len;
}

/* Once the entries have their places. */
static void index_names(struct arena *arena, const struct rule_set *rules, struct shell_entry *items, struct shell_entries *ret)
{
	struct name_builder b = { .arena = arena, .slots = arena_alloc(arena, NAME_SLOTS * sizeof(*b.slots)), .ret = ret };

	for (size_t i = 0; i < ret->len; i++) {
		const char *const *name = rules_at(rules, items[i].rule)->matches[items[i].match].commands;

		items[i].for_any = !name;
		for (; name && *name; name++)
			add_name(&b, *name, i);
	}
	ret->names = b.names;
	ret->slots = b.slots;
	ret->prefixes = b.prefixes;
	ret->words = b.words;
}

static struct shell_entry entry_of(const struct rule_match *m, size_t rule, size_t match)
{
	struct shell_entry e = { .rule = (uint32_t)rule, .match = (uint32_t)match };
	struct text_marks in_path = { 0 };
	uint64_t need = 0;

	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];

		need |= condition_needs(c);
		marks_add(&e.required, condition_requires(c));
		marks_add(&in_path, condition_requires_in_path(c));
		e.asks_name |= c->subject == SUBJECT_COMMAND;
	}
	e.need = (uint32_t)need;
	e.feature = rarest(need);
	if (in_path.characters) {
		e.need |= SHELL_IN_PATH;
		e.required = in_path;
	}
	return e;
}

/* By feature, else as in the files. */
static struct shell_entry *sorted(struct arena *arena, const struct shell_entry *items, size_t len)
{
	struct shell_entry *to = arena_take(arena, len * sizeof(*to));
	size_t n = 0;

	for (uint32_t feature = 0; feature <= FEATURES; feature++)
		for (size_t i = 0; i < len; i++)
			if (items[i].feature == feature)
				to[n++] = items[i];
	return to;
}

struct shell_entries shell_entries_make(struct arena *arena, const struct rule_set *rules)
{
	struct shell_entries ret = { .len = 0 };
	struct shell_entry *items = NULL;

	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = rules_at(rules, i);

		for (size_t j = 0; rule->scope == SCOPE_SHELL && !rule->disabled && j < rule->matches_len; j++) {
			items = arena_append(arena, items, ret.len, sizeof(*items));
			items[ret.len++] = entry_of(&rule->matches[j], i, j);
		}
	}
	items = sorted(arena, items, ret.len);
	index_names(arena, rules, items, &ret);
	ret.items = items;
	return ret;
}

struct shell_index *shell_index_new(struct arena *arena, const struct shell_entries *entries)
{
	struct shell_index *x = arena_alloc(arena, sizeof(*x));

	x->entries = entries;
	x->arena = arena;
	x->rules = arena_alloc(arena, entries->len * sizeof(*x->rules));
	x->wanted = arena_alloc(arena, entries->len);
	return x;
}

void shell_index_free(struct shell_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->plans_len; i++)
		free(x->plans[i].rules);
	free(x->odd.rules);
	free(x->plans);
}

/* ---- rules */

static void add_trial(struct arena *arena, struct shell_rule *r, struct trial trial)
{
	size_t i = r->trials_len++;

	r->trials = arena_append(arena, r->trials, i, sizeof(*r->trials));
	for (; i && r->trials[i - 1].cost > trial.cost; i--)
		r->trials[i] = r->trials[i - 1];
	r->trials[i] = trial;
}

static struct shell_rule *rule_of(struct scan *sc, size_t entry)
{
	struct shell_index *x = sc->scanner->shell;
	const struct shell_entry *e = &x->entries->items[entry];
	const struct rule *rule;
	struct shell_rule *r = x->rules[entry];

	if (r)
		return r;
	rule = rules_at(sc->scanner->rules, e->rule);
	x->rules[entry] = r = arena_alloc(x->arena, sizeof(*r));
	r->ref = (struct rule_ref){ .rule = rule, .match = &rule->matches[e->match], .index = e->rule };
	for (size_t i = 0; i < r->ref.match->conditions_len; i++) {
		const struct rule_condition *c = &r->ref.match->conditions[i];

		r->asks_for_dry |= c->subject == SUBJECT_TRAITS && !c->negated && (c->bits & TRAIT_DRY);
		/* what is asked of the name is settled in the plan; it stays only where it says the place */
		if (c->subject != SUBJECT_COMMAND || !c->negated)
			add_trial(x->arena, r, trial_new(c, (uint32_t)i));
	}
	return r;
}

/* ---- plans */

/* Its name is among those of the match, if there are any. */
static bool is_for_name(struct scan *sc, const struct shell_entry *e, const char *name)
{
	const struct rule_match *m;

	if (!e->asks_name)
		return true;
	m = &rules_at(sc->scanner->rules, e->rule)->matches[e->match];
	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];

		if (c->subject == SUBJECT_COMMAND && name_holds(sc, c, e->rule, name) == c->negated)
			return false;
	}
	return true;
}

/* Entries that have the name, or how it begins, among theirs, and those for any. */
static void want_entries(struct shell_index *x, const char *name, uint32_t hash)
{
	const struct shell_entries *e = x->entries;

	for (size_t i = 0; i < e->len; i++)
		x->wanted[i] = e->items[i].for_any;
	for (uint32_t n = e->slots[hash & (NAME_SLOTS - 1)]; n; n = e->names[n - 1].next)
		if (e->names[n - 1].hash == hash && !strcmp(e->words + e->names[n - 1].text, name))
			x->wanted[e->names[n - 1].entry] = true;
	for (size_t i = 0; i < e->prefixes_len; i++)
		if (!strncmp(e->words + e->prefixes[i].text, name, e->prefixes[i].len))
			x->wanted[e->prefixes[i].entry] = true;
}

static void plan_make(struct scan *sc, struct plan *p, const char *name, uint32_t hash)
{
	struct shell_index *x = sc->scanner->shell;
	const struct shell_entry *items = x->entries->items;
	size_t n = 0, i = 0;

	free(p->rules);
	p->rules = NULL;
	want_entries(x, name, hash);
	for (uint32_t feature = 0; feature <= FEATURES; feature++) {
		p->starts[feature] = (uint32_t)n;
		for (; i < x->entries->len && items[i].feature == feature; i++) {
			if (!x->wanted[i] || !is_for_name(sc, &items[i], name))
				continue;
			if (!(n & (n - 1)))	/* room for the next power of two */
				p->rules = xrealloc(p->rules, n ? 2 * n : 1, sizeof(*p->rules));
			p->rules[n++] = (struct planned_rule){
				.need = items[i].need, .entry = (uint32_t)i, .required = items[i].required,
			};
		}
	}
	p->starts[FEATURES + 1] = (uint32_t)n;
	p->made = true;
}

/* The plan of a name among those that its hash may stand for: its own, a new one, or one to take over. */
static struct plan *plan_slot(struct shell_index *x, const char *name, uint32_t hash)
{
	uint16_t *free_one = NULL;

	for (uint32_t i = 0; i < PLAN_WAYS; i++) {
		uint16_t *slot = &x->plan_slots[(hash + i) & (PLANS - 1)];
		struct plan *p = *slot ? &x->plans[*slot - 1] : NULL;

		if (p && p->hash == hash && !strcmp(p->name, name))
			return p;
		if (!p && !free_one)
			free_one = slot;
	}
	if (!free_one)
		return &x->plans[x->plan_slots[(hash + x->taken_over++ % PLAN_WAYS) & (PLANS - 1)] - 1];
	ARRAY_GROW(x->plans, x->plans_len, x->plans_alloc);
	x->plans[x->plans_len] = (struct plan){ .made = false };
	*free_one = (uint16_t)++x->plans_len;
	return &x->plans[x->plans_len - 1];
}

static const struct plan *plan_for(struct scan *sc, const char *name)
{
	struct shell_index *x = sc->scanner->shell;
	size_t len = strlen(name);
	uint32_t hash = hash_name(name);
	struct plan *p = len < PLAN_NAME_MAX ? plan_slot(x, name, hash) : &x->odd;

	if (p->made && p->hash == hash && !strcmp(p->name, name))
		return p;
	plan_make(sc, p, name, hash);
	p->hash = hash;
	memcpy(p->name, len < PLAN_NAME_MAX ? name : "", len < PLAN_NAME_MAX ? len + 1 : 1);
	if (len >= PLAN_NAME_MAX)
		p->made = false;	/* its name is not kept */
	return p;
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
	const struct shell_rule *rule;
	struct command_hit at;
};

struct hits {
	struct hit items[HITS_MAX];
	size_t len;
};

static bool rule_holds(struct command_view *v, struct shell_rule *r, struct command_hit *ret)
{
	uint32_t from = UINT32_MAX;

	*ret = (struct command_hit){ .offset = v->c->offset, .len = v->c->source_len };
	for (size_t i = 0; i < r->trials_len; i++) {
		struct trial *t = &r->trials[i];
		struct command_hit hit = { .offset = v->c->offset, .len = v->c->source_len };

		if (trial_holds(v, t, r->ref.index, &hit) == t->c->negated)
			return false;
		if (t->c->negated || (!hit.placed && !hit.shown))
			continue;
		/* the first in the rule that has a place; without any, the first that has a text */
		if (hit.placed > ret->placed || (hit.placed == ret->placed && t->order < from)) {
			*ret = hit;
			from = t->order;
		}
	}
	return !(v->c->traits & TRAIT_DRY) || r->asks_for_dry;
}

static void try_rules(struct command_view *v, const struct plan *p, size_t feature, struct hits *hits)
{
	const uint32_t lacks = ~(uint32_t)v->features & ~SHELL_IN_PATH;

	for (size_t i = p->starts[feature]; i < p->starts[feature + 1] && hits->len < HITS_MAX; i++) {
		const struct planned_rule *r = &p->rules[i];
		struct shell_rule *rule;
		struct command_hit at;

		if ((r->need & lacks) || !marks_have(r->need & SHELL_IN_PATH ? &v->paths_marks : &v->line_marks, &r->required))
			continue;
		rule = rule_of(v->sc, r->entry);
		if (rule_holds(v, rule, &at))
			hits->items[hits->len++] = (struct hit){ rule, at };
	}
}

static bool overlaps(const struct command_hit *a, const struct command_hit *b)
{
	return a->offset == b->offset || (a->offset < b->offset + b->len && b->offset < a->offset + a->len);
}

static bool same_category(const struct rule *a, const struct rule *b)
{
	return a->category && b->category && !strcmp(a->category, b->category);
}

/* Does an earlier match of the rule hold, or say a graver rule of the category the same about this place? */
static bool is_outdone(const struct hits *hits, size_t i)
{
	const struct hit *hit = &hits->items[i];
	const struct rule *rule = hit->rule->ref.rule;

	for (size_t j = 0; j < hits->len; j++) {
		const struct hit *other = &hits->items[j];
		const struct rule *other_rule = other->rule->ref.rule;

		if (other_rule == rule && other->rule->ref.match < hit->rule->ref.match)
			return true;
		if (other_rule->severity > rule->severity && overlaps(&hit->at, &other->at) &&
		    same_category(other_rule, rule))
			return true;
	}
	return false;
}

static void tell_hits(struct command_view *v, const struct hits *hits, struct key_set *told)
{
	for (size_t i = 0; i < hits->len; i++) {
		const struct hit *hit = &hits->items[i];
		uint64_t place =
			((uint64_t)hit->at.offset << 32 | (uint32_t)hit->at.len) * UINT64_C(0x9e3779b97f4a7c15);
		struct scan_match match = {
			.place = shell_place(v->source, hit->at.offset, hit->at.len),
			.shown = hit->at.shown,
			.shown_len = hit->at.shown_len,
			.command = v->c->name,
			.uncalled = v->c->traits & TRAIT_FUNCTION,
		};

		/* a command in a loop is there several times */
		if (!is_outdone(hits, i) && key_set_add(told, place + hit->rule->ref.index))
			scan_tell(v->sc, hit->rule->ref.index, &match);
	}
}

static void scan_command(struct command_view *v, struct key_set *told)
{
	const struct plan *p = plan_for(v->sc, v->c->name ? v->c->name : "");
	struct hits hits;

	hits.len = 0;
	for (uint64_t bits = v->features | UINT64_C(1) << FEATURES; bits; bits &= bits - 1)
		try_rules(v, p, (size_t)__builtin_ctzll(bits), &hits);
	if (hits.len)
		tell_hits(v, &hits, told);
}

/* ---- what could not be worked out */

static void tell_unresolved(struct scan *sc, const struct shell_command *first, size_t n,
			    const struct shell_source *source)
{
	struct scan_place place = shell_place(source, first->offset, first->source_len);
	const char *text = first->argc ? first->argv[0].text : "";
	char quoted[UTF8_QUOTE_SIZE], more[64] = "";

	if (n > 1)
		snprintf(more, sizeof(more), ", like %zu more in this script", n - 1);
	scan_tell_own(sc, SEVERITY_INFO, "scan/unresolved-command",
		      "write the name of the command out where that is possible", &place,
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
		scan_tell_own(sc, limit ? SEVERITY_HIGH : SEVERITY_INFO,
			      limit ? "scan/limit" : "scan/unreadable-shell",
			      limit ? "split the script" : "let a shell check the script: sh -n", &place,
			      texts[p->kind], p->what ? p->what : "construct");
	}
	if (a->truncated && !sc->truncated_told) {
		struct scan_place place = shell_place(source, 0, 1);

		sc->truncated_told = true;
		scan_tell_own(sc, SEVERITY_HIGH, "scan/truncated", "split the script", &place,
			      "the script makes too many commands, or runs too long texts: not all of it was looked at");
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
		scan_command(&v, &told);
		scan_client(sc, analysis, i, source);
		if ((c->traits & TRAIT_UNKNOWN_NAME) && !n++)
			unresolved = c;
	}
	if (unresolved)
		tell_unresolved(sc, unresolved, n, source);
	tell_problems(sc, analysis, source);
	command_view_release(&v);
	key_set_release(&told);
}
