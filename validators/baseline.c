/* SPDX-License-Identifier: Apache-2.0
 * What was known at some time: fingerprints with the file they were in, each as often as it was there. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/suppress.h"

#define BASELINE_VERSION 1

struct known {
	char *key;		/* "fingerprint file" */
	bool used;
};

struct baseline {
	struct known *items;
	size_t len, gone;
};

static char *key_of(const char *fingerprint, const char *file)
{
	return xasprintf("%s %s", fingerprint, file);
}

json_t *baseline_make(const struct finding_list *const *lists, size_t n)
{
	json_t *o = json_object(), *all = json_array();

	json_put_int(o, "baseline_version", BASELINE_VERSION);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lists[i]->len; k++) {
			const struct finding *f = &lists[i]->items[k];
			json_t *entry;

			if (!f->of_rule || !f->fingerprint || (f->suppressed && f->suppression != SUPPRESSED_BASELINE))
				continue;
			entry = json_object();
			json_put_text(entry, "file", lists[i]->file);
			json_put_text(entry, "fingerprint", f->fingerprint);
			json_put_text(entry, "rule_id", f->rule_id);
			json_push(all, entry);
		}
	json_put(o, "findings", all);
	return o;
}

static int by_key(const void *pa, const void *pb)
{
	const struct known *a = pa, *b = pb;

	return strcmp(a->key, b->key);
}

int baseline_parse(const char *text, size_t len, const char *name, struct baseline **ret, struct error *err)
{
	json_auto_t *json = NULL;
	const json_t *list;
	struct baseline *b;

	if (json_parse(text, len, name, &json, err) < 0)
		return -1;
	list = json_object_get(json, "findings");
	if (!json_is_array(list) || json_integer_value(json_object_get(json, "baseline_version")) != BASELINE_VERSION)
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no baseline of this program; make one with --write-baseline", name);
	b = xcalloc(1, sizeof(*b));
	b->items = xcalloc(json_array_size(list) + 1, sizeof(*b->items));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *fingerprint = json_string_value(json_object_get(entry, "fingerprint"));
		const char *file = json_string_value(json_object_get(entry, "file"));

		if (!fingerprint || !file) {
			baseline_free(b);
			return error_set(err, ERR_INVALID_INPUT, "'%s': entry %zu lacks 'fingerprint' or 'file'", name, i + 1);
		}
		b->items[b->len++].key = key_of(fingerprint, file);
	}
	b->gone = b->len;
	qsort(b->items, b->len, sizeof(*b->items), by_key);
	*ret = b;
	return 0;
}

static struct known *first_of(const struct baseline *b, const char *key)
{
	size_t low = 0, high = b->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(b->items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->len && !strcmp(b->items[low].key, key) ? &b->items[low] : NULL;
}

void baseline_apply(struct baseline *b, struct finding_list *findings)
{
	for (size_t i = 0; i < findings->len; i++) {
		struct finding *f = &findings->items[i];
		autofree char *key = NULL;
		struct known *known;

		if (!f->of_rule || !f->fingerprint || f->suppressed)
			continue;
		key = key_of(f->fingerprint, findings->file);
		known = first_of(b, key);
		while (known && known < b->items + b->len && known->used && !strcmp(known->key, key))
			known++;
		if (!known || known == b->items + b->len || strcmp(known->key, key) != 0)
			continue;
		known->used = true;
		b->gone--;
		f->suppressed = true;
		f->suppression = SUPPRESSED_BASELINE;
		f->justification = xstrdup("known in the baseline");
	}
	finding_sort(findings);
}

size_t baseline_gone(const struct baseline *b)
{
	return b->gone;
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->len; i++)
		free(b->items[i].key);
	free(b->items);
	free(b);
}
