/* SPDX-License-Identifier: Apache-2.0
 * analysis_scope: variables, functions and files, and going back to what they were. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

/* Variables, functions and files all begin with `next` and have their key at a known place. */
struct entry {
	struct entry *next;
};

static uint32_t hash_bytes(uint32_t hash, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * 16777619u;
	return hash;
}
#define HASH_START 2166136261u

typedef const char *(*key_of)(const void *entry);

static const char *variable_key(const void *e)
{
	return ((const struct variable *)e)->name;
}

static const char *function_key(const void *e)
{
	return ((const struct function *)e)->name;
}

static const char *file_key(const void *e)
{
	return ((const struct file *)e)->path;
}

static void *table_find(const struct table *t, key_of key, uint32_t hash, const char *s, size_t len)
{
	if (!t->len)
		return NULL;
	for (struct entry *e = t->slots[hash & (t->room - 1)]; e; e = e->next) {
		const char *k = key(e);

		if (strlen(k) == len && !memcmp(k, s, len))
			return e;
	}
	return NULL;
}

static void table_grow(struct arena *arena, struct table *t, key_of key)
{
	struct table bigger = { .room = t->room ? 4 * t->room : 16, .len = t->len };

	bigger.slots = arena_alloc(arena, bigger.room * sizeof(*bigger.slots));
	for (size_t i = 0; i < t->room; i++) {
		for (struct entry *e = t->slots[i], *next; e; e = next) {
			const char *k = key(e);
			void **slot = &bigger.slots[hash_bytes(HASH_START, k, strlen(k)) & (bigger.room - 1)];

			next = e->next;
			e->next = *slot;
			*slot = e;
		}
	}
	*t = bigger;
}

static void table_add(struct arena *arena, struct table *t, key_of key, uint32_t hash, void *entry)
{
	struct entry *e = entry;
	void **slot;

	if (t->len >= t->room)
		table_grow(arena, t, key);
	slot = &t->slots[hash & (t->room - 1)];
	e->next = *slot;
	*slot = e;
	t->len++;
}

/* ---- variables */
struct variable *variable_find(struct walker *w, const char *name, size_t len)
{
	struct variable *v = table_find(&w->variables, variable_key, hash_bytes(HASH_START, name, len), name, len);

	/* a child shell sees what was exported, and what it set itself */
	if (!v || !v->now.len || (v->now.process < w->process && !v->now.exported))
		return NULL;
	return v;
}

static struct variable *variable_entry(struct walker *w, const char *name, size_t len)
{
	uint32_t hash = hash_bytes(HASH_START, name, len);
	struct variable *v = table_find(&w->variables, variable_key, hash, name, len);

	if (!v) {
		v = arena_alloc(w->arena, sizeof(*v));
		v->name = arena_strndup(w->arena, name, len);
		w->separators_set |= len == 3 && !memcmp(name, "IFS", 3);
		table_add(w->arena, &w->variables, variable_key, hash, v);
	}
	return v;
}

const struct shell_value *variable_unknown(struct walker *w, const char *name, size_t len)
{
	struct variable *v = variable_entry(w, name, len);

	if (!v->unknown.text)
		v->unknown = value_unknown(w->arena, name, len, knowledge_variable_origin(v->name));
	return &v->unknown;
}

static struct variable *variable_make(struct walker *w, const char *name, size_t len)
{
	struct variable *v = variable_entry(w, name, len);

	if (w->marks) {
		ARENA_GROW(w->arena, w->undo, w->undo_len, w->undo_alloc);
		w->undo[w->undo_len++] = (struct undo){ .variable = v, .before = v->now };
	}
	return v;
}

void variable_set(struct walker *w, const char *name, size_t len, const struct shell_value *values, size_t n)
{
	struct variable *v = variable_make(w, name, len);

	v->now.values = values;
	v->now.len = n;
	v->now.array = false;
	v->now.odd = false;
	v->now.reference = false;
	v->now.process = w->process;
}

void variable_assign(struct walker *w, const char *name, size_t len, struct shell_value value, bool odd)
{
	struct shell_value *values = arena_alloc(w->arena, sizeof(*values));
	struct variable *v;

	*values = value;
	/* the second of several possible values of a command's words: one more possible value */
	v = w->variant ? variable_find(w, name, len) : NULL;
	if (v && !v->now.array && v->now.len < VARIANTS_MAX) {
		struct shell_value *more = arena_alloc(w->arena, (v->now.len + 1) * sizeof(*more));
		size_t n = v->now.len;

		memcpy(more, v->now.values, n * sizeof(*more));
		more[n] = value;
		variable_set(w, name, len, more, n + 1);
		return;
	}
	variable_set(w, name, len, values, 1);
	if (odd)
		variable_find(w, name, len)->now.odd = true;
}

void variable_append(struct walker *w, const char *name, size_t len, struct shell_value value)
{
	struct variable *v = variable_find(w, name, len);
	const struct shell_value *old = v && !v->now.array ? &v->now.values[v->now.len - 1] : NULL;
	size_t total = (old ? old->len : 0) + value.len;
	bool odd = v && v->now.odd;
	char *text;

	if (!old || !old->len) {
		variable_assign(w, name, len, value, odd);
		return;
	}
	if (total > SHELL_MAX_VALUE || (w->balance < (int64_t)total && total > 4096)) {
		w->values_cut = true;
		variable_assign(w, name, len, value_unknown(w->arena, name, len, old->origin | value.origin), odd);
		return;
	}
	spend(w, total);
	text = arena_alloc(w->arena, total + 1);
	memcpy(text, old->text, old->len);
	if (value.len)
		memcpy(text + old->len, value.text, value.len);
	value = (struct shell_value){ .text = text, .len = total, .known = old->known && value.known,
				      .origin = old->origin | value.origin | ORIGIN_ASSEMBLED,
				      .offset = value.offset, .source_len = value.source_len };
	variable_assign(w, name, len, value, odd);
}

void variable_set_array(struct walker *w, const char *name, size_t len, const struct shell_value *values, size_t n)
{
	static const struct shell_value none = { .text = "", .known = true };

	variable_set(w, name, len, n ? values : &none, n ? n : 1);
	variable_find(w, name, len)->now.array = n > 0;
}

void variable_export(struct walker *w, const char *name, size_t len)
{
	struct variable *v = variable_find(w, name, len);

	if (v)
		variable_make(w, name, len)->now.exported = true;
}

void variable_unset(struct walker *w, const char *name, size_t len)
{
	if (variable_find(w, name, len))
		variable_make(w, name, len)->now = (struct binding){ .values = NULL };
}

/* ---- going back */
size_t undo_mark(struct walker *w)
{
	w->marks++;
	return w->undo_len;
}

static void unmark(struct walker *w)
{
	if (--w->marks == 0)
		w->undo_len = 0;
}

void undo_to(struct walker *w, size_t mark)
{
	while (w->undo_len > mark) {
		const struct undo *u = &w->undo[--w->undo_len];

		u->variable->now = u->before;
	}
	unmark(w);
}

struct snapshot scope_enter(struct walker *w)
{
	struct snapshot s = {
		.cwd = w->cwd, .old_cwd = w->old_cwd, .cwd_lost = w->cwd_lost, .args_known = w->args_known,
		.args = w->args, .args_len = w->args_len, .undo_len = undo_mark(w), .process = w->process,
	};

	memcpy(s.fds, w->fds, sizeof(s.fds));
	return s;
}

void scope_leave(struct walker *w, const struct snapshot *s)
{
	undo_to(w, s->undo_len);
	w->cwd = s->cwd;
	w->old_cwd = s->old_cwd;
	w->cwd_lost = s->cwd_lost;
	w->args_known = s->args_known;
	w->args = s->args;
	w->args_len = s->args_len;
	w->process = s->process;
	memcpy(w->fds, s->fds, sizeof(s->fds));
}

/* Put back when the function returns. */
void variable_local(struct walker *w, const char *name, size_t len)
{
	struct frame *f = w->frame;
	struct variable *v;

	if (!f)
		return;
	v = variable_make(w, name, len);
	ARENA_GROW(w->arena, f->locals, f->locals_len, f->locals_alloc);
	f->locals[f->locals_len++] = (struct undo){ .variable = v, .before = v->now };
}

/* ---- branches: what may be, of several ways to go */
void branch_end(struct walker *w, size_t mark, struct branches *b)
{
	unsigned int id = ++w->branch_id;

	b->ways++;
	for (size_t i = mark; i < w->undo_len; i++) {
		struct variable *v = w->undo[i].variable;

		if (v->branch == id)
			continue;
		v->branch = id;
		ARENA_GROW(w->arena, b->after, b->len, b->alloc);
		b->after[b->len++] = (struct undo){ .variable = v, .before = v->now };
	}
	undo_to(w, mark);
}

static bool same_value(const struct shell_value *a, const struct shell_value *b)
{
	return a->len == b->len && a->origin == b->origin && !memcmp(a->text, b->text, a->len);
}

/* An unknown value that tells no more than a name gives way to what is known. */
static bool tells_nothing(const struct shell_value *v)
{
	return value_is_unknown(v) && !(v->origin & ~(unsigned int)(ORIGIN_INPUT | ORIGIN_COMMAND | ORIGIN_LITERAL));
}

static void add_possible(struct walker *w, struct variable *v, const struct binding *b)
{
	struct shell_value *all = arena_alloc(w->arena, VARIANTS_MAX * sizeof(*all));
	bool odd = v->now.odd | b->odd, exported = v->now.exported | b->exported;
	size_t n = 0;

	for (size_t i = 0; i < v->now.len + b->len; i++) {
		const struct shell_value *value = i < v->now.len ? &v->now.values[i] : &b->values[i - v->now.len];
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known |= same_value(&all[k], value);
		if (known || (tells_nothing(value) && (n || i + 1 < v->now.len + b->len)))
			continue;
		if (n == VARIANTS_MAX)
			memmove(all, all + 1, --n * sizeof(*all));	/* the latest are likeliest */
		all[n++] = *value;
	}
	variable_set(w, v->name, strlen(v->name), all, n);
	v->now.odd = odd;
	v->now.exported = exported;
}

void branches_merge(struct walker *w, struct branches *b, bool exhaustive)
{
	unsigned int id = ++w->branch_id;

	for (size_t i = 0; i < b->len; i++)
		b->after[i].variable->ways = 0;
	for (size_t i = 0; i < b->len; i++)
		b->after[i].variable->ways++;
	for (size_t i = 0; i < b->len; i++) {
		struct variable *v = b->after[i].variable;
		const struct binding *after = &b->after[i].before;

		bool first = v->branch != id;

		v->branch = id;
		if (first && exhaustive && v->ways >= b->ways)
			variable_make(w, v->name, strlen(v->name))->now = *after;
		else if (!v->now.len || v->now.array || after->array || v->now.process != after->process)
			variable_make(w, v->name, strlen(v->name))->now = *after;
		else if (after->len && after->values != v->now.values)
			add_possible(w, v, after);
	}
	*b = (struct branches){ .after = NULL };
}

/* ---- functions */
struct function *function_find(struct walker *w, const char *name, size_t len)
{
	return table_find(&w->functions, function_key, hash_bytes(HASH_START, name, len), name, len);
}

void function_define(struct walker *w, const struct shell_node *node)
{
	size_t len = strlen(node->name);
	uint32_t hash = hash_bytes(HASH_START, node->name, len);
	struct function *f = table_find(&w->functions, function_key, hash, node->name, len);
	struct function fresh = {
		.name = node->name, .body = node->bodies[0], .source = w->source, .source_len = node->source_len,
		.depth = w->depth, .traits = w->traits,
	};

	if (f && f->body == fresh.body)	/* defined again by a loop */
		return;
	if (f && !f->called) {		/* redefined before anybody called it: its first body is still to be looked at */
		struct function *lost = arena_alloc(w->arena, sizeof(*lost));

		*lost = *f;
		lost->older = w->newest;
		w->newest = lost;
	}
	if (!f) {
		f = arena_alloc(w->arena, sizeof(*f));
		fresh.older = w->newest;
		*f = fresh;
		w->newest = f;
		table_add(w->arena, &w->functions, function_key, hash, f);
		return;
	}
	fresh.next = f->next;
	fresh.older = f->older;
	*f = fresh;
}

/* ---- files */
const struct file *file_find(struct walker *w, const char *path)
{
	uint32_t hash = HASH_START;
	size_t len = strlen(path);
	struct file *f;

	if (!w->files.len || len > 4096)
		return NULL;
	if (!strchr("/~$<>", path[0])) {	/* unpacked right here */
		f = table_find(&w->files, file_key, hash_bytes(HASH_START, ".", 1), ".", 1);
		if (f && f->tree)
			return f;
	}
	for (size_t i = 0; i < len; i++) {	/* the folders above it, on the way */
		if (path[i] == '/' && i) {
			f = table_find(&w->files, file_key, hash, path, i);
			if (f && f->tree)
				return f;
		}
		hash = hash_bytes(hash, path + i, 1);
	}
	return table_find(&w->files, file_key, hash, path, len);
}

static void append_content(struct walker *w, struct file *f, const struct shell_value *v)
{
	size_t total = f->content.len + v->len;

	f->content.origin |= v->origin;
	f->content_known &= v->known || v->len > 0;
	f->content.known &= v->known;
	if (total > SHELL_MAX_VALUE) {
		f->content_known = f->content.known = false;
		return;
	}
	if (total >= f->room) {		/* what was handed out before stays as it is */
		char *bigger = arena_alloc(w->arena, f->room = 2 * total + 64);

		if (f->content.len)
			memcpy(bigger, f->content.text, f->content.len);
		f->buffer = bigger;
	}
	if (v->len)
		memcpy(f->buffer + f->content.len, v->text, v->len);
	f->content.text = f->buffer;
	f->content.len = total;
	f->buffer[total] = '\0';
}

void file_write(struct walker *w, const char *path, const struct shell_value *content, bool append, bool tree)
{
	size_t len = strlen(path);
	uint32_t hash = hash_bytes(HASH_START, path, len);
	struct file *f = table_find(&w->files, file_key, hash, path, len);
	bool added = !f;

	if (added) {
		f = arena_alloc(w->arena, sizeof(*f));
		f->path = arena_strndup(w->arena, path, len);
		table_add(w->arena, &w->files, file_key, hash, f);
	}
	w->installs |= strstr(path, "bin/") != NULL;
	if (append) {
		spend(w, content->len);
		if (added) {	/* goes on after what we have not seen */
			f->content = value_text("", 0, knowledge_file_origin(path, len));
			f->content_known = true;
			f->content.known = !f->content.origin;
		}
		append_content(w, f, content);
		return;
	}
	f->content = *content;
	f->content_known = content->known || content->len > 0;
	f->buffer = NULL;
	f->room = 0;
	f->tree = tree;
}

struct shell_value file_content(struct walker *w, const char *path, bool *written)
{
	const struct file *f = file_find(w, path);
	struct shell_value v = { .text = "" };

	*written = f;
	if (!f) {
		v.origin = knowledge_file_origin(path, strlen(path));
		v.known = !v.origin;
		return v;
	}
	v = f->content;
	if (f->room && v.len > 256 && !value_affordable(w, v.len)) {
		v = (struct shell_value){ .text = "", .origin = v.origin };
	} else if (f->room) {	/* it may still grow in place */
		spend(w, v.len);
		v.text = arena_strndup(w->arena, v.text, v.len);
	}
	if (!f->content_known || strcmp(f->path, path) != 0) {
		v.text = "";
		v.len = 0;
		v.known = false;
	}
	return v;
}
