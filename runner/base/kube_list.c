/* SPDX-License-Identifier: Apache-2.0
 * Lists, page by page. A page is kept as text and its items become trees one at a time, as a tree takes ten times the memory. */
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define PAGE 500
#define PATH_LIMIT (64u << 10)
#define RESTARTS_MAX 3
#define NESTING_MAX 200

/* ---- the text of a list: just enough of JSON to know where values end; json_parse() judges them */

struct text {
	const char *p, *end;
};

static void skip_blanks(struct text *t)
{
	while (t->p < t->end && memchr(" \t\r\n", *t->p, 4))
		t->p++;
}

static bool take_char(struct text *t, char c)
{
	skip_blanks(t);
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static bool skip_string(struct text *t)
{
	if (!take_char(t, '"'))
		return false;
	for (; t->p < t->end && *t->p != '"'; t->p++)
		if (*t->p == '\\' && ++t->p == t->end)
			return false;
	return take_char(t, '"');
}

/* Any value; brackets are counted, not matched by kind. */
static bool skip_value(struct text *t)
{
	int depth = 0;

	do {
		skip_blanks(t);
		if (t->p == t->end || depth > NESTING_MAX)
			return false;
		if (*t->p == '"') {
			if (!skip_string(t))
				return false;
		} else if (memchr("{[", *t->p, 2)) {
			depth++;
			t->p++;
		} else if (memchr("}]", *t->p, 2)) {
			if (!depth)
				return false;
			depth--;
			t->p++;
		} else if (depth && memchr(",:", *t->p, 2)) {
			t->p++;
		} else {
			const char *start = t->p;

			while (t->p < t->end && !memchr(" \t\r\n,:{}[]\"", *t->p, 11))
				t->p++;
			if (t->p == start)
				return false;
		}
	} while (depth);
	return true;
}

static int no_list(struct error *err)
{
	return error_set(err, ERR_REMOTE, "the answer is no list");
}

/* The elements of the array at `t`. */
static int read_items(struct text t, bool (*item)(void *arg, json_t *item), void *arg, bool *ret_ended, struct error *err)
{
	if (!take_char(&t, '['))
		return t.end - t.p != 4 || memcmp(t.p, "null", 4) ? no_list(err) : 0;
	if (take_char(&t, ']'))
		return 0;
	do {
		json_auto_t *value = NULL;
		const char *start;

		skip_blanks(&t);
		start = t.p;
		if (!skip_value(&t) || json_parse(start, (size_t)(t.p - start), "item", &value, NULL) < 0 || !json_is_object(value))
			return no_list(err);
		if (!item(arg, value)) {
			*ret_ended = true;
			return 0;
		}
	} while (take_char(&t, ','));
	return take_char(&t, ']') ? 0 : no_list(err);
}

int kube_list_read(const char *text, size_t len, bool (*item)(void *arg, json_t *item), void *arg, bool *ret_ended, json_t **ret_metadata,
		   struct error *err)
{
	struct text t = { text, text + len }, items = { NULL, NULL };
	json_auto_t *metadata = NULL;

	*ret_ended = false;
	if (!take_char(&t, '{'))
		return no_list(err);
	do {
		const char *key, *start;
		size_t key_len;

		skip_blanks(&t);
		key = t.p;
		if (!skip_string(&t))
			return no_list(err);
		key_len = (size_t)(t.p - key);
		if (!take_char(&t, ':'))
			return no_list(err);
		skip_blanks(&t);
		start = t.p;
		if (!skip_value(&t))
			return no_list(err);
		if (key_len == 7 && !memcmp(key, "\"items\"", 7))
			items = (struct text){ start, t.p };
		else if (key_len == 10 && !memcmp(key, "\"metadata\"", 10) && !metadata &&
			 json_parse(start, (size_t)(t.p - start), "metadata", &metadata, NULL) < 0)
			return no_list(err);
	} while (take_char(&t, ','));
	if (!take_char(&t, '}') || !items.p)
		return no_list(err);
	skip_blanks(&t);
	if (t.p != t.end)
		return no_list(err);
	if (item && read_items(items, item, arg, ret_ended, err) < 0)
		return -1;
	*ret_metadata = steal_ptr(&metadata);
	return 0;
}

/* ---- pages */

struct listing {
	const struct kube_target *target;
	bool (*each)(void *arg, json_t *item, bool restarted);
	void *arg;
	unsigned int page;
	bool restarted;		/* the token had expired, and nothing was given since */
};

/* Items get kind and apiVersion, which servers leave out in lists. */
static bool give_item(void *arg, json_t *item)
{
	struct listing *l = arg;
	bool restarted = l->restarted;

	if (!json_object_get(item, "kind"))
		json_put_text(item, "kind", l->target->type->kind);
	if (!json_object_get(item, "apiVersion"))
		json_put_text(item, "apiVersion", l->target->type->api_version);
	l->restarted = false;
	return l->each(l->arg, item, restarted);
}

/* One page; smaller when it would be too much at once. */
static int get_page(struct kube *k, struct listing *l, const struct kube_selection *which, const char *token, struct strbuf *text, struct error *err)
{
	for (;;) {
		autostrbuf struct strbuf query = STRBUF_INIT(PATH_LIMIT), path = STRBUF_INIT(PATH_LIMIT);
		struct kube_call call = { .method = "GET", .as_user = l->target->as_user, .timeout_ns = l->target->timeout_ns };

		kube_selection_query(which, &query);
		strbuf_addf(&query, "%slimit=%u", query.len ? "&" : "", l->page);
		if (token)
			kube_add_parameter(&query, "continue", token);
		if (kube_target_path(l->target, query.buf, &path, err) < 0)
			return -1;
		call.target = path.buf;
		if (kube_call_text(k, &call, NULL, text, err) == 0)
			return 0;
		if (!kube_is(k, KUBE_TOO_LONG) || l->page == 1)
			return -1;
		l->page /= 2;
	}
}

static int list_pages(struct kube *k, struct listing *l, const struct kube_selection *which, char **token, char **ret_version, struct error *err)
{
	for (unsigned int restarts = 0;;) {
		auto_wiped_strbuf struct strbuf text = STRBUF_INIT(KUBE_ANSWER_MAX);
		json_auto_t *metadata = NULL;
		const char *next, *version;
		bool ended;

		if (get_page(k, l, which, *token, &text, err) < 0) {
			if (!*token || k->failure.status != 410 || ++restarts > RESTARTS_MAX)
				return -1;
			free(steal_ptr(token));
			l->restarted = true;
			continue;
		}
		if (kube_list_read(text.buf, text.len, give_item, l, &ended, &metadata, err) < 0)
			return error_prefix(err, "'%s'", k->cfg.server);
		if (ended)
			return 0;
		next = json_string_value(json_object_get(metadata, "continue"));
		version = json_string_value(json_object_get(metadata, "resourceVersion"));
		free(steal_ptr(token));
		if (!next || !*next) {
			if (ret_version)
				*ret_version = xstrdup(version ? version : "");
			return 0;
		}
		*token = xstrdup(next);
	}
}

int kube_list(struct kube *k, const struct kube_target *t, const struct kube_selection *which,
	      bool (*each)(void *arg, json_t *item, bool restarted), void *arg, char **ret_resource_version, struct error *err)
{
	struct kube_target collection = *t;
	struct listing l = { .target = &collection, .each = each, .arg = arg, .page = which && which->page ? which->page : PAGE };
	autofree char *token = NULL;

	collection.dry_run = false;
	collection.name = NULL;
	return list_pages(k, &l, which, &token, ret_resource_version, err);
}
