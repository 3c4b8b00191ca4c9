/* SPDX-License-Identifier: Apache-2.0
 * The fields in which two versions of an object differ. Items of lists are known by what names them ("containers[web]"), where all of
 * them have it and no two the same; lists of plain values are compared as a whole. Linear in what is compared. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_effects_private.h"

#define PATH_MAX_BYTES 1024
#define ABSENT ""

struct walk {
	struct object_effect *ret;
	struct strbuf path;
	bool secret;
};

static void walk(struct walk *w, const json_t *a, const json_t *b, unsigned int depth);

void k8s_diff_add(struct object_effect *ret, const char *path, const char *before, const char *after)
{
	if (ret->fields_len == K8S_FIELDS_MAX) {
		ret->more_fields++;
		return;
	}
	if (!ret->fields)
		ret->fields = xcalloc(K8S_FIELDS_MAX, sizeof(*ret->fields));
	ret->fields[ret->fields_len++] = (struct object_field){ xstrdup(path), xstrdup(before), xstrdup(after) };
}

/* Never a part of a value: whoever hides secrets in it later must see all of them. */
static void add_value(const json_t *value, struct strbuf *out)
{
	char hex[DIGEST_HEX_SIZE];

	if (!value)
		return;
	json_write(value, 0, out);
	if (out->len <= K8S_VALUE_MAX)
		return;
	sha256_hex(out->buf, out->len, hex);
	size_t len = out->len;

	strbuf_clear(out);
	strbuf_addf(out, "\"(%zu bytes, sha256 %.12s)\"", len, hex);
}

static bool is_masked(const struct walk *w)
{
	const char *p = w->path.buf;

	return w->secret && (!strncmp(p, "data", 4) || !strncmp(p, "stringData", 10));
}

static void differ(struct walk *w, const json_t *a, const json_t *b)
{
	autostrbuf struct strbuf before = STRBUF_INIT(STRBUF_NO_MAX), after = STRBUF_INIT(STRBUF_NO_MAX);

	if (w->ret->fields_len == K8S_FIELDS_MAX) {
		w->ret->more_fields++;
		return;
	}
	if (is_masked(w)) {
		k8s_diff_add(w->ret, w->path.buf, a ? "\"***\"" : ABSENT, b ? "\"***\"" : ABSENT);
		return;
	}
	add_value(a, &before);
	add_value(b, &after);
	k8s_diff_add(w->ret, w->path.buf, before.buf, after.buf);
}

static void differ_if(struct walk *w, const json_t *a, const json_t *b)
{
	if (!a || !b || !json_equal(a, b))
		differ(w, a, b);
}

/* "spec.replicas", "metadata.annotations[example.com/owner]". */
static size_t push(struct walk *w, const char *key, bool item)
{
	const size_t len = w->path.len;

	if (item || !*key || strpbrk(key, ".[]/ "))
		strbuf_addf(&w->path, "[%s]", key);
	else
		strbuf_addf(&w->path, "%s%s", len ? "." : "", key);
	return len;
}

static void pop(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.overflow = false;
	if (w->path.alloc)
		w->path.buf[len] = '\0';
}

static void step_into(struct walk *w, const char *key, bool item, const json_t *a, const json_t *b, unsigned int depth)
{
	const size_t len = push(w, key, item);

	walk(w, a, b, depth + 1);
	pop(w, len);
}

static void walk_objects(struct walk *w, const json_t *a, const json_t *b, bool items, unsigned int depth)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)a, key, value)
		step_into(w, key, items, value, json_object_get(b, key), depth);
	json_object_foreach((json_t *)b, key, value) {
		if (!json_object_get(a, key))
			step_into(w, key, items, NULL, value, depth);
	}
}

/* ---- lists */

/* Text of a scalar that can name an item; "" for none. */
static void name_of(const json_t *item, const char *key, struct strbuf *out)
{
	const json_t *value = json_object_get(item, key);

	strbuf_clear(out);
	if (json_is_string(value))
		strbuf_addstr(out, json_string_value(value));
	else if (json_is_integer(value))
		strbuf_addf(out, "%lld", (long long)json_integer_value(value));
}

/* The items by name, or NULL when one has none or two have the same. */
static json_t *by_name(const json_t *list, const char *key)
{
	autostrbuf struct strbuf name = STRBUF_INIT(512);
	json_t *o = json_object();
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item) {
		name_of(item, key, &name);
		if (!name.len || name.overflow || json_object_get(o, name.buf)) {
			json_decref(o);
			return NULL;
		}
		json_object_set(o, name.buf, item);
	}
	return o;
}

static bool all_objects(const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item) {
		if (!json_is_object(item))
			return false;
	}
	return true;
}

/* The same items in another order. */
static void walk_order(struct walk *w, const json_t *a, const json_t *b)
{
	json_auto_t *before = json_array();
	json_auto_t *after = json_array();
	void *i = json_object_iter((json_t *)a), *k = json_object_iter((json_t *)b);
	const char *key;
	json_t *value;

	for (; i && k && !strcmp(json_object_iter_key(i), json_object_iter_key(k)); k = json_object_iter_next((json_t *)b, k))
		i = json_object_iter_next((json_t *)a, i);
	if (!i || json_object_size(a) != json_object_size(b))
		return;
	json_object_foreach((json_t *)a, key, value) {
		if (!json_object_get(b, key))
			return;
		json_push(before, json_text(key));
	}
	json_object_foreach((json_t *)b, key, value)
		json_push(after, json_text(key));
	const size_t len = push(w, "order", true);

	differ(w, before, after);
	pop(w, len);
}

static bool walk_named(struct walk *w, const json_t *a, const json_t *b, unsigned int depth)
{
	static const char *const keys[] = { "name", "mountPath", "containerPort", "port", "key", "type", "ip", "host", "uid" };

	if (!all_objects(a) || !all_objects(b))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_auto_t *before = by_name(a, keys[i]);
		json_auto_t *after = before ? by_name(b, keys[i]) : NULL;

		if (!before || !after)
			continue;
		walk_objects(w, before, after, true, depth);
		walk_order(w, before, after);
		return true;
	}
	return false;
}

static void walk_lists(struct walk *w, const json_t *a, const json_t *b, unsigned int depth)
{
	const size_t n = json_array_size(a), m = json_array_size(b);
	char index[24];

	if (walk_named(w, a, b, depth))
		return;
	if (!all_objects(a) || !all_objects(b)) {
		differ_if(w, a, b);
		return;
	}
	for (size_t i = 0; i < (n > m ? n : m); i++) {
		snprintf(index, sizeof(index), "%zu", i);
		step_into(w, index, true, json_array_get(a, i), json_array_get(b, i), depth);
	}
}

/* ---- */

static bool is_empty(const json_t *v)
{
	return (json_is_object(v) && !json_object_size(v)) || (json_is_array(v) && !json_array_size(v));
}

static void walk(struct walk *w, const json_t *a, const json_t *b, unsigned int depth)
{
	if (json_is_null(a))
		a = NULL;
	if (json_is_null(b))
		b = NULL;
	if (a == b)
		return;
	const json_t *any = a ? a : b;
	const bool alike = !a || !b || json_typeof(a) == json_typeof(b);

	if (depth > JSON_MAX_DEPTH || !alike || !(json_is_object(any) || json_is_array(any)) || ((!a || !b) && is_empty(any)))
		differ_if(w, a, b);
	else if (json_is_object(any))
		walk_objects(w, a, b, false, depth);
	else
		walk_lists(w, a, b, depth);
}

void k8s_diff(const json_t *before, const json_t *after, bool secret, struct object_effect *ret)
{
	struct walk w = { .ret = ret, .path = STRBUF_INIT(PATH_MAX_BYTES), .secret = secret };

	walk(&w, before, after, 0);
	strbuf_release(&w.path);
}
