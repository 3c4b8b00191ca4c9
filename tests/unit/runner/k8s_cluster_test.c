/* SPDX-License-Identifier: Apache-2.0
 * Effects and monitor on a real cluster: the one of $TEST_KUBECONFIG and $TEST_CONTEXT, in a namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_effects.h"
#include "runner/k8s_monitor.h"

static struct kube *kube;
static char namespace[64];
static struct sandbox_cluster cluster;

static void must(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *value = NULL;

	must(json_parse(text, strlen(text), "test", &value, &err), &err);
	return value;
}

static struct kube_target target(const char *type, const char *name)
{
	struct error err = { 0 };
	struct kube_target t = { .type = kube_type_named(kube, type, &err), .namespace = namespace, .name = name };

	must(t.type ? 0 : -1, &err);
	return t;
}

static void create(const char *type, const char *text)
{
	struct kube_target t = target(type, NULL);
	json_auto_t *object = parse(text);
	struct error err = { 0 };

	must(kube_create(kube, &t, object, NULL, &err), &err);
}

static void patch(const char *type, const char *name, const char *text)
{
	struct kube_target t = target(type, name);
	json_auto_t *object = parse(text);
	struct error err = { 0 };

	must(kube_patch(kube, &t, KUBE_PATCH_MERGE, object, NULL, &err), &err);
}

static void remove_object(const char *type, const char *name)
{
	struct kube_target t = target(type, name);
	struct error err = { 0 };

	must(kube_delete(kube, &t, NULL, &err), &err);
}

static int set_up(void **state)
{
	struct kube_config config = KUBE_CONFIG_EMPTY;
	struct error err = { 0 };

	(void)state;
	must(kube_config_load(getenv("TEST_KUBECONFIG"), getenv("TEST_CONTEXT"), &config, &err), &err);
	kube = kube_open(&config, &err);
	kube_config_release(&config);
	must(kube ? 0 : -1, &err);
	snprintf(namespace, sizeof(namespace), "sr-effects-%llx", (unsigned long long)(clock_realtime_ns() / NS_PER_MS));

	const struct kube_target t = { .type = kube_type_named(kube, "namespaces", &err) };
	autofree char *text = xasprintf("{\"metadata\":{\"name\":\"%s\"}}", namespace);
	json_auto_t *object = parse(text);

	must(kube_create(kube, &t, object, NULL, &err), &err);
	cluster = (struct sandbox_cluster){ .kube = kube, .namespace = namespace };
	/* what a cluster makes in each namespace must not look like an effect: wait for it as a sandbox does */
	for (int i = 0; i < 600; i++) {
		struct kube_target account = target("serviceaccounts", "default");

		if (kube_get(kube, &account, NULL, &err) == 0)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return 0;
}

static int tear_down(void **state)
{
	struct error err = { 0 };

	(void)state;
	if (!kube)
		return 0;

	const struct kube_target t = { .type = kube_type_named(kube, "namespaces", &err), .name = namespace };

	must(kube_delete(kube, &t, NULL, &err), &err);
	kube_close(kube);
	return 0;
}

static const char *lines(const struct object_effects *e, struct strbuf *out)
{
	strbuf_clear(out);
	object_effects_print(e, 0, 100, false, out);
	return out->buf;
}

static void has(const struct object_effects *e, const char *line)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	if (!strstr(lines(e, &out), line))
		fail_msg("no '%s' in\n%s", line, out.buf);
}

static void lacks(const struct object_effects *e, const char *line)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	if (strstr(lines(e, &out), line))
		fail_msg("'%s' in\n%s", line, out.buf);
}

#define POD_TEMPLATE(label) "{\"metadata\":{\"labels\":{\"app\":\"" label "\"}},\"spec\":{\"terminationGracePeriodSeconds\":0," \
	"\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"web\",\"image\":\"nowhere.invalid/none:1\"," \
	"\"imagePullPolicy\":\"IfNotPresent\"}]}}"

static void effects(void **state)
{
	struct k8s_tracker *t;
	struct object_effects e = { 0 };
	json_t *json;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	create("secrets", "{\"metadata\":{\"name\":\"db\"},\"data\":{\"password\":\"aHVudGVyMg==\"}}");
	create("configmaps", "{\"metadata\":{\"name\":\"old\"},\"data\":{\"a\":\"b\"}}");
	t = k8s_tracker_start(&cluster);
	k8s_tracker_after_step(t, &e);
	if (!e.known)
		fail_msg("%s", e.unknown_because);
	lacks(&e, "secret/db");

	create("deployments", "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
			      "\"template\":" POD_TEMPLATE("web") "}}");
	k8s_tracker_after_step(t, &e);
	has(&e, "\n  + deployment/web\n");
	has(&e, "+ replicaset/web-");
	has(&e, " (by a controller)\n");

	patch("deployments", "web", "{\"spec\":{\"replicas\":3}}");
	patch("secrets", "db", "{\"data\":{\"password\":\"c3dvcmRmaXNo\"}}");
	remove_object("configmaps", "old");
	k8s_tracker_after_step(t, &e);
	has(&e, "  - configmap/old\n");
	has(&e, "  ~ deployment/web  spec.replicas 1 > 3\n");
	has(&e, "  ~ secret/db  data.password *** > *** (changed)\n");

	patch("deployments", "web", "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"kubectl.kubernetes.io/restartedAt\":\"now\"}}}}}");
	k8s_tracker_after_step(t, &e);
	has(&e, "~ deployment/web  spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt] (none) > now\n");

	k8s_tracker_of_run(t, &e);
	has(&e, "  + deployment/web\n");
	lacks(&e, "~ deployment/web");
	json = object_effects_to_json(&e);
	json_write(json, 0, &text);
	assert_null(strstr(text.buf, "aHVudGVyMg"));
	assert_null(strstr(text.buf, "c3dvcmRmaXNo"));
	json_decref(json);
	object_effects_release(&e);
	k8s_tracker_free(t);
}

/* A look is one list of each kind. Far above what it takes (60 ms), but not so far that a look of a second passes twice. */
static void looks_are_fast(void **state)
{
	struct k8s_tracker *t;
	struct object_effects e = { 0 };
	uint64_t best = CLOCK_NEVER;

	(void)state;
	create("configmaps", "{\"metadata\":{\"name\":\"one\"}}");
	t = k8s_tracker_start(&cluster);
	for (int i = 0; i < 3; i++) {
		const uint64_t began = clock_monotonic_ns();

		k8s_tracker_after_step(t, &e);
		best = clock_monotonic_ns() - began < best ? clock_monotonic_ns() - began : best;
	}
	print_message("the fastest of three looks took %llu ms\n", (unsigned long long)(best / NS_PER_MS));
	assert_true(best < 3 * NS_PER_SEC);
	object_effects_release(&e);
	k8s_tracker_free(t);
}

static bool any_has(const struct strvec *v, const char *text)
{
	for (size_t i = 0; i < v->len; i++) {
		if (strstr(v->items[i], text))
			return true;
	}
	return false;
}

static void monitor(void **state)
{
	autostrvec struct strvec warnings = STRVEC_INIT;
	autostrvec struct strvec reasons = STRVEC_INIT;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_monitor *m;
	size_t images = 0;

	(void)state;
	create("resourcequotas", "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"services\":\"1\"}}}");
	create("services", "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"selector\":{\"app\":\"web\"},\"ports\":[{\"port\":80}]}}");
	m = k8s_monitor_start(&cluster, 0);
	for (int i = 0; i < 120 && !(any_has(&warnings, "cannot be pulled") && any_has(&warnings, "quota q")); i++) {
		k8s_monitor_look(m, &warnings);
		nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	}
	assert_true(any_has(&warnings, "image 'nowhere.invalid/none:1' of container 'web' cannot be pulled"));
	assert_true(any_has(&warnings, "quota q: 1 of 1 of services are in use (100 %)"));
	k8s_monitor_end(m, &warnings);
	k8s_monitor_end(m, &warnings);
	for (size_t i = 0; i < warnings.len; i++)
		images += strstr(warnings.items[i], "quota q") != NULL;
	assert_int_equal(images, 1);

	json_auto_t *json = k8s_monitor_to_json(m);

	assert_true(json_integer_value(json_object_get(json, "pods_peak")) >= 1);
	assert_true(json_integer_value(json_object_get(json_object_get(json, "warnings"), "image_pull")) >= 1);
	k8s_monitor_free(m);

	k8s_explain(&cluster, "deployment", "web", &reasons);
	assert_true(any_has(&reasons, "deployment web: 0 of 3 replicas are ready"));
	assert_true(any_has(&reasons, "cannot be pulled"));
	k8s_explain(&cluster, "deploy", "no-such", &reasons);
	assert_true(any_has(&reasons, "deploy 'no-such' does not exist"));

	k8s_collect(&cluster, 1 << 20, &text);
	assert_non_null(strstr(text.buf, "pod/web-"));
	assert_non_null(strstr(text.buf, "deployment/web: 3 wanted;"));
	assert_non_null(strstr(text.buf, "  events, newest first:\n"));
	assert_null(strstr(text.buf, "c3dvcmRmaXNo"));
	strbuf_clear(&text);
	k8s_collect(&cluster, 1000, &text);
	assert_true(text.len <= 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(effects), cmocka_unit_test(looks_are_fast), cmocka_unit_test(monitor) };

	if (!getenv("TEST_KUBECONFIG")) {
		puts("no cluster: TEST_KUBECONFIG is not set");
		return 77;
	}
	return cmocka_run_group_tests_name("k8s_cluster", tests, set_up, tear_down);
}
