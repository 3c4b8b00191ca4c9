/* SPDX-License-Identifier: Apache-2.0
 * k8s_diff: two objects, before and after the first NUL. They are reduced and compared as a tracker does; equal ones have no fields, no field
 * has two equal values, and nothing of a Secret's data is in any. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/k8s_effects_private.h"
#include "runner/k8s_monitor_private.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool is_masked(const struct object_field *f)
{
	return !strncmp(f->path, "data", 4) || !strncmp(f->path, "stringData", 10);
}

static bool is_star(const char *s)
{
	return !*s || !strcmp(s, "\"***\"");
}

static void compare(const json_t *a, const json_t *b, const char *name, bool same)
{
	const struct k8s_kind kind = { (char *)name, (char *)"v1" };
	struct k8s_look *before = k8s_look_new(), *after = k8s_look_new();
	struct object_effects e = { 0 };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	k8s_look_add(before, NULL, a, &kind, 0);
	k8s_look_add(after, before, b, &kind, 0);
	k8s_look_end(before);
	k8s_look_end(after);
	k8s_look_compare(before, before, after, &kind, &e);
	check(!same || !e.len);
	for (size_t i = 0; i < e.len; i++) {
		for (size_t k = 0; k < e.items[i].fields_len; k++) {
			const struct object_field *f = &e.items[i].fields[k];

			if (!strcmp(name, "Secret") && is_masked(f))
				check(is_star(f->before) && is_star(f->after));
			else
				check(strcmp(f->before, f->after) != 0);
		}
	}
	object_effects_print(&e, 0, 100, false, &out);

	json_auto_t *json = object_effects_to_json(&e);

	json_write(json, 0, &out);
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

static void troubles(const json_t *a, const json_t *b)
{
	struct k8s_troubles found = { 0 };
	struct k8s_usage usage = { 0 };

	k8s_troubles_of_pod(a, b, &found);
	k8s_troubles_of_object("thing", a, &found);
	k8s_troubles_of_events(a, NULL, &found);
	k8s_troubles_of_events(b, a, &found);
	k8s_troubles_of_quota(a, &found);
	k8s_usage_of_summary(a, "ns", b, &usage, &found);
	k8s_troubles_release(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = { "Secret", "Pod", "Job", "Deployment", "ServiceAccount" };
	const char *text = (const char *)data, *nul = size ? memchr(data, 0, size) : NULL;
	const size_t a_len = nul ? (size_t)(nul - text) : size;
	struct error err;
	json_auto_t *a = NULL;
	json_auto_t *b = NULL;

	if (json_parse(text, a_len, "a", &a, &err) < 0)
		return 0;
	if (!nul || json_parse(nul + 1, size - a_len - 1, "b", &b, &err) < 0)
		b = json_null();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		compare(a, a, kinds[i], true);
		compare(a, b, kinds[i], json_equal(a, b));
	}
	troubles(a, b);
	return 0;
}
