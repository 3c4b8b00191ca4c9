/* SPDX-License-Identifier: Apache-2.0
 * Against a real cluster: TEST_KUBECONFIG=FILE names it. What a test makes is in a namespace of its own, which goes with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/kube.h"
#include "runner/base/mem.h"

static struct kube *kube;
static char namespace[64];

#define OK(call) do { \
		if ((call) < 0) \
			fail_msg("%s: %s", #call, err.text); \
	} while (0)

static const struct kube_type *type(const char *name)
{
	struct error err = { .code = ERR_OK };
	const struct kube_type *t = kube_type_named(kube, name, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static json_t *object(const char *text)
{
	json_t *ret = NULL;
	struct error err = { .code = ERR_OK };

	if (json_parse(text, strlen(text), "test", &ret, &err) < 0)
		fail_msg("%s", err.text);
	return ret;
}

static int setup(void **state)
{
	const char *path = getenv("TEST_KUBECONFIG");
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	struct error err = { .code = ERR_OK };
	json_auto_t *ns = NULL;
	autofree char *text = NULL;

	(void)state;
	if (kube_config_load(path, NULL, &cfg, &err) < 0 || !(kube = kube_open(&cfg, &err))) {
		print_error("%s\n", err.text);
		return -1;
	}
	kube_config_release(&cfg);
	snprintf(namespace, sizeof(namespace), "kube-test-%d", (int)getpid());
	text = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}", namespace);
	ns = object(text);
	if (kube_create(kube, &(struct kube_target){ .type = kube_type_of(kube, "v1", "Namespace", &err) }, ns, NULL, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (kube)
		kube_delete(kube, &(struct kube_target){ .type = kube_type_of(kube, "v1", "Namespace", NULL), .name = namespace }, NULL, NULL);
	kube_close(kube);
	return 0;
}

static void test_types(void **state)
{
	static const struct { const char *name, *plural, *group; } cases[] = {
		{ "deployment", "deployments", "apps" }, { "Deployments", "deployments", "apps" }, { "deploy", "deployments", "apps" },
		{ "deployments.apps", "deployments", "apps" }, { "deployments.v1.apps", "deployments", "apps" }, { "po", "pods", "" },
		{ "events", "events", "" }, { "cronjob", "cronjobs", "batch" }, { "ns", "namespaces", "" },
	};
	const struct kube_type *all;
	struct error err = { .code = ERR_OK };
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kube_type *t = type(cases[i].name);

		if (strcmp(t->plural, cases[i].plural) != 0 || strcmp(t->group, cases[i].group) != 0)
			fail_msg("%s: %s.%s", cases[i].name, t->plural, t->group);
	}
	OK(kube_types(kube, &all, &n, &err));
	assert_true(n > 30);
	assert_null(kube_type_named(kube, "deploymnts", &err));
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_non_null(strstr(err.text, "was 'deployments' meant"));
	assert_true(type("deployments")->verbs & KUBE_WATCH);
	assert_string_equal(kube_type_of(kube, "apps/v1", "ReplicaSet", &err)->plural, "replicasets");
	assert_null(kube_type_of(kube, "nonsense.example/v1", "Thing", &err));
	assert_null(kube_type_of(kube, "apps/v1", "Thing", &err));
}

static void test_objects(void **state)
{
	(void)state;
	struct error err = { .code = ERR_OK };
	struct kube_target t = { .type = kube_type_of(kube, "v1", "ConfigMap", &err), .namespace = namespace, .name = "one" };
	json_auto_t *cm = object("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"one\"},\"data\":{\"a\":\"1\"}}");
	json_auto_t *merge = object("{\"data\":{\"b\":\"2\"}}");
	json_auto_t *ops = object("[{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"3\"}]");
	json_auto_t *apply = object("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"one\"},\"data\":{\"c\":\"4\"}}");
	json_auto_t *got = NULL, *after = NULL;

	t.dry_run = true;
	OK(kube_create(kube, &t, cm, NULL, &err));
	t.dry_run = false;
	assert_int_equal(kube_get(kube, &t, NULL, &err), -1);
	assert_true(kube_is(kube, "NotFound"));
	assert_string_equal(err.text, "not found: configmaps 'one'");
	OK(kube_create(kube, &t, cm, NULL, &err));
	assert_int_equal(kube_create(kube, &t, cm, NULL, &err), -1);
	assert_true(kube_is(kube, "AlreadyExists"));
	OK(kube_patch(kube, &t, KUBE_PATCH_MERGE, merge, NULL, &err));
	OK(kube_patch(kube, &t, KUBE_PATCH_STRATEGIC, merge, NULL, &err));
	OK(kube_patch(kube, &t, KUBE_PATCH_JSON, ops, NULL, &err));
	OK(kube_patch(kube, &t, KUBE_PATCH_APPLY, apply, NULL, &err));
	OK(kube_get(kube, &t, &got, &err));
	assert_string_equal(json_string_value(json_object_get(json_object_get(got, "data"), "a")), "3");
	assert_int_equal(json_object_size(json_object_get(got, "data")), 3);
	json_put_text(json_object_get(got, "data"), "d", "5");
	OK(kube_update(kube, &t, got, &after, &err));
	assert_int_equal(kube_update(kube, &t, got, NULL, &err), -1);	/* its version is old by now */
	assert_true(kube_is(kube, "Conflict"));
	assert_int_equal(kube_delete(kube, &t, &(struct kube_delete){ .grace_seconds = -1, .uid = "another" }, &err), -1);
	OK(kube_delete(kube, &t, NULL, &err));
	OK(kube_delete(kube, &t, NULL, &err));
	assert_true(kube_is(kube, "NotFound"));
	t.as_user = "system:serviceaccount:nowhere:nobody";
	assert_int_equal(kube_get(kube, &t, NULL, &err), -1);
	assert_true(kube_is(kube, "Forbidden"));
	assert_non_null(strstr(err.text, "forbidden: 'system:serviceaccount:nowhere:nobody' may not get configmaps in 'kube-test-"));
	assert_int_equal(err.code, ERR_REMOTE);
}

struct seen {
	unsigned int added, modified, deleted, listed, pulses, items;
	const struct kube_type *type;
	bool only_look;
};

static bool count_item(void *arg, json_t *item, bool restarted)
{
	struct seen *s = arg;

	assert_false(restarted);
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "ConfigMap");
	s->items++;
	return true;
}

/* Makes changes from inside the watch, as callers do. */
static bool watch_event(void *arg, const char *word, json_t *item)
{
	struct seen *s = arg;
	struct kube_target t = { .type = s->type, .namespace = namespace, .name = "w3" };
	json_auto_t *patch = object("{\"data\":{\"x\":\"y\"}}");
	struct error err = { .code = ERR_OK };

	if (!word) {
		s->pulses++;
		return true;
	}
	if (!strcmp(word, "LISTED")) {
		if (s->listed++ || s->only_look)
			return true;
		OK(kube_patch(kube, &t, KUBE_PATCH_MERGE, patch, NULL, &err));
		return true;
	}
	assert_non_null(item);
	s->added += !strcmp(word, "ADDED");
	s->deleted += !strcmp(word, "DELETED");
	if (!strcmp(word, "MODIFIED")) {
		s->modified++;
		OK(kube_delete(kube, &t, NULL, &err));
	}
	return !s->deleted;
}

static void test_lists_and_watches(void **state)
{
	(void)state;
	struct error err = { .code = ERR_OK };
	struct kube_target t = { .type = kube_type_of(kube, "v1", "ConfigMap", &err), .namespace = namespace };
	struct seen seen = { .type = t.type };
	const struct kube_selection which = { .labels = "set=w", .page = 2 };
	autofree char *version = NULL;

	for (int i = 0; i < 7; i++) {
		autofree char *text = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"w%d\",\"labels\":{\"set\":\"w\"}}}", i);
		json_auto_t *cm = object(text);

		OK(kube_create(kube, &t, cm, NULL, &err));
	}
	OK(kube_list(kube, &t, &which, count_item, &seen, &version, &err));
	assert_int_equal(seen.items, 7);
	assert_non_null(version);
	OK(kube_watch(kube, &t, &which, 30 * NS_PER_SEC, watch_event, &seen, &err));
	assert_int_equal(seen.added, 7);
	assert_int_equal(seen.listed, 1);
	assert_int_equal(seen.modified, 1);
	assert_int_equal(seen.deleted, 1);
	seen = (struct seen){ .type = t.type, .only_look = true };
	t.name = "w5";
	assert_int_equal(kube_watch(kube, &t, NULL, 3 * NS_PER_SEC, watch_event, &seen, &err), -1);
	assert_int_equal(err.code, ERR_DEADLINE_EXCEEDED);
	assert_int_equal(seen.added, 1);
	assert_true(seen.pulses >= 1);
}

static bool take_log(void *arg, const char *data, size_t len)
{
	strbuf_add(arg, data, len);
	return !strstr(((struct strbuf *)arg)->buf, "line 20\n");
}

static void test_logs(void **state)
{
	(void)state;
	struct error err = { .code = ERR_OK };
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	struct kube_target t = { .type = kube_type_of(kube, "v1", "Pod", &err), .namespace = namespace };
	struct kube_logs what = { .namespace = namespace, .pod = "talker", .follow = true, .tail_lines = -1, .timeout_ns = 60 * NS_PER_SEC };
	json_auto_t *pod = object("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"talker\"},\"spec\":{\"restartPolicy\":\"Never\","
		"\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"c\",\"image\":\"busybox:1.35\",\"imagePullPolicy\":\"Never\","
		"\"command\":[\"sh\",\"-c\",\"i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; sleep 0.05; done\"]}]}}");

	for (int i = 0; kube_create(kube, &t, pod, NULL, &err) < 0; i++) {	/* the namespace gets its service account first */
		if (i > 100 || !kube_is(kube, "Forbidden"))
			fail_msg("%s", err.text);
		usleep(100000);
	}
	for (int i = 0; kube_logs(kube, &what, take_log, &text, &err) < 0; i++) {
		if (i > 300 || !kube_is(kube, "BadRequest"))
			fail_msg("%s", err.text);
		usleep(100000);
	}
	assert_int_equal(strncmp(text.buf, "line 1\nline 2\n", 14), 0);
	assert_non_null(strstr(text.buf, "line 20\n"));
	strbuf_clear(&text);
	what = (struct kube_logs){ .namespace = namespace, .pod = "talker", .tail_lines = -1, .limit_bytes = 10 };
	OK(kube_logs(kube, &what, take_log, &text, &err));
	assert_string_equal(text.buf, "line 1\nlin");
	OK(kube_evict(kube, namespace, "talker", 0, &err));
	what.pod = "nobody";
	assert_int_equal(kube_logs(kube, &what, take_log, &text, &err), -1);
	assert_true(kube_is(kube, "NotFound"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_objects), cmocka_unit_test(test_lists_and_watches), cmocka_unit_test(test_logs),
	};

	if (!getenv("TEST_KUBECONFIG")) {
		puts("TEST_KUBECONFIG names no cluster");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
