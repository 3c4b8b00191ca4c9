/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/redact.h"
#include "runner/k8s_effects_private.h"

enum { CONFIG_MAP, DEPLOYMENT, ENDPOINTS, JOB, POD, REPLICA_SET, SECRET, SERVICE_ACCOUNT };
static const struct k8s_kind kinds[] = {
	[CONFIG_MAP] = { (char *)"ConfigMap", (char *)"v1" },	[DEPLOYMENT] = { (char *)"Deployment", (char *)"apps/v1" },
	[ENDPOINTS] = { (char *)"Endpoints", (char *)"v1" },	[JOB] = { (char *)"Job", (char *)"batch/v1" },
	[POD] = { (char *)"Pod", (char *)"v1" },		[REPLICA_SET] = { (char *)"ReplicaSet", (char *)"apps/v1" },
	[SECRET] = { (char *)"Secret", (char *)"v1" },		[SERVICE_ACCOUNT] = { (char *)"ServiceAccount", (char *)"v1" },
};

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *value = NULL;

	if (json_parse(text, strlen(text), "test", &value, &err) < 0)
		fail_msg("%s", err.text);
	return value;
}

static void add(struct k8s_look *l, const struct k8s_look *previous, unsigned int kind, const char *text)
{
	json_auto_t *item = parse(text);

	k8s_look_add(l, previous, item, &kinds[kind], kind);
}

/* A look at objects, each "KIND-INDEX{json}". */
#define LOOK(...) look((const struct seen[]){ __VA_ARGS__, { 0, NULL } })
struct seen { unsigned int kind; const char *text; };
static struct k8s_look *look(const struct seen *list)
{
	struct k8s_look *l = k8s_look_new();

	for (; list->text; list++)
		add(l, NULL, list->kind, list->text);
	k8s_look_end(l);
	return l;
}

/* What the list says, and nothing else. */
static void compares(struct k8s_look *before, struct k8s_look *after, const char *expected)
{
	struct object_effects e = { 0 };
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	k8s_look_compare(before, before, after, kinds, &e);
	object_effects_print(&e, 0, 100, false, &out);
	assert_string_equal(out.buf, expected);
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

#define META(name, uid, version) "\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version "\"}"

static void diffs(void **state)
{
	static const struct { const char *what, *before, *after, *expected; } rows[] = {
		{ "a number", "{\"spec\":{\"replicas\":2}}", "{\"spec\":{\"replicas\":3}}", "spec.replicas 2 > 3\n" },
		{ "nothing", "{\"a\":{\"b\":null},\"l\":[1,{\"b\":2}],\"c\":{}}", "{\"c\":{},\"l\":[1,{\"b\":2}],\"a\":{}}", "" },
		{ "by name", "{\"c\":[{\"name\":\"a\",\"image\":\"x\"},{\"name\":\"web\",\"image\":\"y:1\"}]}",
		  "{\"c\":[{\"name\":\"a\",\"image\":\"x\"},{\"name\":\"web\",\"image\":\"y:2\"}]}", "c[web].image \"y:1\" > \"y:2\"\n" },
		{ "an item more", "{\"c\":[{\"name\":\"a\"}]}", "{\"c\":[{\"name\":\"b\",\"v\":1},{\"name\":\"a\"}]}",
		  "c[b].name  > \"b\"\nc[b].v  > 1\n" },
		{ "another order", "{\"c\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "{\"c\":[{\"name\":\"b\"},{\"name\":\"a\"}]}",
		  "c[order] [\"a\",\"b\"] > [\"b\",\"a\"]\n" },
		{ "two of a name: by number", "{\"c\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "{\"c\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
		  "c[1].name \"a\" > \"b\"\n" },
		{ "ports", "{\"p\":[{\"containerPort\":80,\"x\":1}]}", "{\"p\":[{\"containerPort\":80,\"x\":2}]}", "p[80].x 1 > 2\n" },
		{ "plain lists as a whole", "{\"args\":[\"a\",\"b\"]}", "{\"args\":[\"b\"]}", "args [\"a\",\"b\"] > [\"b\"]\n" },
		{ "keys with dots", "{\"a\":{\"x.y/z\":\"1\"}}", "{\"a\":{\"x.y/z\":\"2\",\"q\":1}}", "a[x.y/z] \"1\" > \"2\"\na.q  > 1\n" },
		{ "appears", "{}", "{\"v\":{\"emptyDir\":{}}}", "v.emptyDir  > {}\n" },
		{ "goes", "{\"v\":[]}", "{}", "v [] > \n" },
		{ "another type", "{\"v\":[1]}", "{\"v\":{\"a\":1}}", "v [1] > {\"a\":1}\n" },
		{ "an empty key", "{\"\":1}", "{\"\":2}", "[] 1 > 2\n" },
		{ "an empty text is not absent", "{\"a\":\"\"}", "{\"a\":null}", "a \"\" > \n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		json_auto_t *a = parse(rows[i].before);
		json_auto_t *b = parse(rows[i].after);
		struct object_effects e = { .items = xcalloc(1, sizeof(struct object_effect)), .len = 1 };

		k8s_diff(a, b, false, e.items);
		for (size_t k = 0; k < e.items[0].fields_len; k++)
			strbuf_addf(&out, "%s %s > %s\n", e.items[0].fields[k].path, e.items[0].fields[k].before, e.items[0].fields[k].after);
		if (strcmp(out.buf, rows[i].expected) != 0)
			fail_msg("%s: got '%s', not '%s'", rows[i].what, out.buf, rows[i].expected);
		object_effects_release(&e);
	}
}

static void diffs_are_bounded(void **state)
{
	autostrbuf struct strbuf long_text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *a = json_object();
	json_auto_t *b = json_object();
	struct object_effects e = { .items = xcalloc(1, sizeof(struct object_effect)), .len = 1 };
	json_t *nested = json_integer(1), *other = json_integer(2);

	(void)state;
	while (long_text.len < 10000)
		strbuf_addstr(&long_text, "hunter2 ");
	json_put_text(b, "long", long_text.buf);
	for (int i = 0; i < 5000; i++) {	/* deeper than any parsed text: it has to end */
		json_t *o = json_object(), *p = json_object();

		json_put(o, "k", nested);
		json_put(p, "k", other);
		nested = o;
		other = p;
	}
	json_put(a, "deep", nested);
	json_put(b, "deep", other);
	for (int i = 0; i < 10000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		json_put_int(b, key, i);
	}
	k8s_diff(a, b, false, e.items);
	assert_int_equal(e.items[0].fields_len, K8S_FIELDS_MAX);
	assert_int_equal(e.items[0].more_fields, 10002 - K8S_FIELDS_MAX);
	for (size_t i = 0; i < e.items[0].fields_len; i++) {
		assert_true(strlen(e.items[0].fields[i].after) < K8S_VALUE_MAX + 8);
		assert_null(strstr(e.items[0].fields[i].after, "hunter2"));	/* a part of it could not be redacted */
	}
	object_effects_release(&e);
}

static void noise_is_none(void **state)
{
	(void)state;
	compares(LOOK({ DEPLOYMENT, "{\"metadata\":{\"name\":\"web\",\"uid\":\"1\",\"resourceVersion\":\"5\",\"generation\":1,\"managedFields\":[],"
				    "\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"selfLink\":\"/x\"},\"spec\":{\"replicas\":1},"
				    "\"status\":{\"observedGeneration\":1}}" }),
		 LOOK({ DEPLOYMENT, "{\"metadata\":{\"name\":\"web\",\"uid\":\"1\",\"resourceVersion\":\"6\",\"generation\":2,"
				    "\"annotations\":{\"deployment.kubernetes.io/revision\":\"2\","
				    "\"kubectl.kubernetes.io/last-applied-configuration\":\"{}\"}},\"spec\":{\"replicas\":1},"
				    "\"status\":{\"observedGeneration\":2,\"replicas\":1}}" }),
		 "");
	compares(LOOK({ POD, "{" META("p", "1", "5") ",\"spec\":{\"a\":1},\"status\":{\"phase\":\"Pending\"}}" }),
		 LOOK({ POD, "{" META("p", "1", "6") ",\"spec\":{\"a\":1,\"nodeName\":\"n\"},\"status\":{\"phase\":\"Running\"}}" }), "");
	compares(LOOK({ SERVICE_ACCOUNT, "{" META("bot", "1", "5") "}" }),
		 LOOK({ SERVICE_ACCOUNT, "{" META("bot", "1", "6") ",\"secrets\":[{\"name\":\"bot-token-x7k\"}]}" }), "");
}

static void changes_are_told(void **state)
{
	(void)state;
	compares(LOOK({ DEPLOYMENT, "{" META("web", "1", "5") ",\"spec\":{\"replicas\":2}}" }, { CONFIG_MAP, "{" META("old", "2", "1") "}" }),
		 LOOK({ DEPLOYMENT, "{" META("web", "1", "6") ",\"spec\":{\"replicas\":3}}" }, { CONFIG_MAP, "{" META("new", "3", "1") "}" }),
		 "objects: 1 deleted, 1 changed, 1 created\n  - configmap/old\n  ~ deployment/web  spec.replicas 2 > 3\n  + configmap/new\n");
	compares(LOOK({ POD, "{" META("p", "1", "5") ",\"status\":{\"phase\":\"Running\"}}" },
		      { JOB, "{" META("j", "2", "5") "}" }),
		 LOOK({ POD, "{" META("p", "1", "6") ",\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}}" },
		      { JOB, "{" META("j", "2", "6") ",\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}}" }),
		 "objects: 2 changed\n  ~ job/j  became Complete\n  ~ pod/p  became Failed (Evicted)\n");
	/* another one of the same name */
	compares(LOOK({ CONFIG_MAP, "{" META("c", "1", "5") "}" }), LOOK({ CONFIG_MAP, "{" META("c", "2", "6") "}" }),
		 "objects: 1 deleted, 1 created\n  - configmap/c\n  + configmap/c\n");
	/* on its way out is gone, unless something holds it */
	compares(LOOK({ POD, "{" META("p", "1", "5") "}" }, { POD, "{" META("q", "2", "5") "}" }),
		 LOOK({ POD, "{\"metadata\":{\"name\":\"p\",\"uid\":\"1\",\"resourceVersion\":\"6\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}" },
		      { POD, "{\"metadata\":{\"name\":\"q\",\"uid\":\"2\",\"resourceVersion\":\"6\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
			     "\"finalizers\":[\"x/y\"]}}" }),
		 "objects: 1 deleted, 1 changed\n  - pod/p\n  ~ pod/q  metadata.finalizers (none) > [\"x/y\"]\n"
		 "      metadata.deletionTimestamp (none) > \"set: waits for its finalizers\"\n");
}

static void secrets_are_stars(void **state)
{
	struct k8s_look *before = LOOK({ SECRET, "{" META("db", "1", "5") ",\"data\":{\"password\":\"aHVudGVyMg==\",\"same\":\"eA==\"},\"type\":\"Opaque\"}" });
	struct k8s_look *after = LOOK({ SECRET, "{" META("db", "1", "6") ",\"data\":{\"password\":\"c3dvcmRmaXNo\",\"same\":\"eA==\",\"user\":\"eA==\"},\"type\":\"Opaque\"}" });
	struct object_effects e = { 0 };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	/* no value is kept, whole or in part */
	assert_null(strstr(before->objects[0]->text, "aHVudGVyMg"));
	assert_null(strstr(before->objects[0]->text, "eA=="));
	k8s_look_compare(before, before, after, kinds, &e);

	json_auto_t *json = object_effects_to_json(&e);

	json_write(json, 0, &text);
	assert_string_equal(text.buf, "{\"known\":true,\"unknown_because\":null,\"deleted\":0,\"changed\":1,\"created\":0,\"kinds_not_seen\":0,"
				      "\"not_listed\":0,\"changes\":[{\"change\":\"changed\",\"api_version\":\"v1\",\"kind\":\"Secret\",\"name\":\"db\","
				      "\"derived\":false,\"stand_in\":false,\"fields\":[{\"path\":\"data.password\",\"before\":\"***\",\"after\":\"***\"},"
				      "{\"path\":\"data.user\",\"before\":null,\"after\":\"***\"}],\"more_fields\":0}]}");
	object_effects_release(&e);
	compares(before, after, "objects: 1 changed\n  ~ secret/db  data.password *** > *** (changed)\n      data.user (none) > ***\n");
	/* data that is no object is not kept either */
	before = LOOK({ SECRET, "{" META("db", "1", "5") ",\"data\":[\"aHVudGVyMg==\"],\"stringData\":{\"a\":{\"b\":\"hunter2\"}}}" });
	assert_null(strstr(before->objects[0]->text, "aHVudGVyMg"));
	assert_null(strstr(before->objects[0]->text, "hunter2"));
	k8s_look_free(before);
}

#define OWNED(name, uid, version, owner_kind, owner) "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version \
	"\",\"ownerReferences\":[{\"kind\":\"" owner_kind "\",\"uid\":\"" owner "\",\"controller\":true}]}}"
#define SET(generation) "{\"metadata\":{\"name\":\"web-1\",\"uid\":\"10\",\"resourceVersion\":\"" generation "\",\"generation\":" generation "}}"

static void what_controllers_do_is_derived(void **state)
{
	(void)state;
	compares(LOOK({ REPLICA_SET, SET("1") }, { POD, OWNED("a", "1", "1", "ReplicaSet", "10") }),
		 LOOK({ REPLICA_SET, SET("2") }, { POD, OWNED("b", "2", "1", "ReplicaSet", "10") }, { ENDPOINTS, "{" META("web", "3", "1") "}" }),
		 "objects: 1 deleted, 2 created\n  - pod/a (by a controller)\n  + endpoints/web (by a controller)\n  + pod/b (by a controller)\n");
	/* the owner wants it as before: somebody else removed it */
	compares(LOOK({ REPLICA_SET, SET("1") }, { POD, OWNED("a", "1", "1", "ReplicaSet", "10") }),
		 LOOK({ REPLICA_SET, SET("1") }, { POD, OWNED("b", "2", "1", "ReplicaSet", "10") }),
		 "objects: 1 deleted, 1 created\n  - pod/a\n  + pod/b (by a controller)\n");
	/* an owned object that a person wrote to */
	compares(LOOK({ REPLICA_SET, SET("1") }, { POD, OWNED("a", "1", "1", "ReplicaSet", "10") }),
		 LOOK({ REPLICA_SET, SET("1") },
		      { POD, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"resourceVersion\":\"2\",\"labels\":{\"x\":\"y\"},\"managedFields\":[{\"manager\":"
			     "\"kubectl\"}],\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"uid\":\"10\",\"controller\":true}]}}" }),
		 "objects: 1 changed\n  ~ pod/a  metadata.labels.x (none) > y\n");
	/* the same by its controller */
	compares(LOOK({ REPLICA_SET, SET("1") }, { POD, OWNED("a", "1", "1", "ReplicaSet", "10") }),
		 LOOK({ REPLICA_SET, SET("1") },
		      { POD, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"resourceVersion\":\"2\",\"labels\":{\"x\":\"y\"},\"managedFields\":[{\"manager\":"
			     "\"kube-controller-manager\"}],\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"uid\":\"10\",\"controller\":true}]}}" }),
		 "objects: 1 changed\n  ~ pod/a (by a controller)  metadata.labels.x (none) > y\n");
}

#define OURS(name, uid, version, more) "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version \
	"\",\"labels\":{\"" SANDBOX_LABEL_RUN "\":\"r\"}}" more "}"

static void our_tools_are_no_effects(void **state)
{
	(void)state;
	/* the job of a step, and its pod, come and go; what stood there from the start is watched */
	compares(LOOK({ CONFIG_MAP, OURS("quota", "1", "1", ",\"data\":{\"a\":\"1\"}") }, { CONFIG_MAP, OURS("gone", "2", "1", "") }),
		 LOOK({ CONFIG_MAP, OURS("quota", "1", "2", ",\"data\":{\"a\":\"2\"}") }, { JOB, OURS("step", "3", "1", "") },
		      { POD, OWNED("step-x", "4", "1", "Job", "3") }),
		 "objects: 1 deleted, 1 changed\n  - configmap/gone\n  ~ configmap/quota  data.a 1 > 2\n");

	struct k8s_look *start = LOOK({ CONFIG_MAP, "{" META("a", "9", "1") "}" });
	struct k8s_look *before = LOOK({ JOB, OURS("step", "3", "1", "") }, { POD, OWNED("step-x", "4", "1", "Job", "3") });
	struct k8s_look *after = k8s_look_new();
	struct object_effects e = { 0 };

	k8s_look_compare(start, before, after, kinds, &e);
	assert_int_equal(e.len, 0);
	object_effects_release(&e);
	k8s_look_free(start);
	k8s_look_free(before);
	k8s_look_free(after);
}

static void stand_ins_are_marked(void **state)
{
	(void)state;
	compares(LOOK({ CONFIG_MAP, "{" META("a", "9", "1") "}" }),
		 LOOK({ CONFIG_MAP, "{" META("a", "9", "1") "}" },
		      { CONFIG_MAP, "{\"metadata\":{\"name\":\"b\",\"uid\":\"2\",\"labels\":{\"" SANDBOX_LABEL_STAND_IN "\":\"\"}}}" }),
		 "objects: 1 created\n  + configmap/b (stand-in)\n");
}

static void versions_are_shared(void **state)
{
	struct k8s_look *a = LOOK({ CONFIG_MAP, "{" META("x", "1", "5") "}" }, { CONFIG_MAP, "{" META("y", "2", "5") "}" });
	struct k8s_look *b = k8s_look_new();

	(void)state;
	add(b, a, CONFIG_MAP, "{" META("x", "1", "5") "}");
	add(b, a, CONFIG_MAP, "{" META("y", "2", "6") "}");
	add(b, a, CONFIG_MAP, "{" META("y", "2", "6") "}");	/* twice: pages overlap */
	k8s_look_end(b);
	assert_int_equal(b->len, 2);
	assert_ptr_equal(a->objects[0], b->objects[0]);
	assert_ptr_not_equal(a->objects[1], b->objects[1]);
	k8s_look_free(a);
	assert_string_equal(b->objects[0]->name, "x");
	k8s_look_cut(b, 1);
	assert_int_equal(b->len, 1);
	k8s_look_free(b);
}

static void same_object_of_two_groups(void **state)
{
	struct k8s_look *l = k8s_look_new();

	(void)state;
	add(l, NULL, CONFIG_MAP, "{" META("x", "1", "5") "}");
	add(l, NULL, DEPLOYMENT, "{" META("x", "1", "5") "}");
	add(l, NULL, JOB, "{\"metadata\":{\"name\":\"no uid\"}}");
	add(l, NULL, JOB, "[]");
	k8s_look_end(l);
	assert_int_equal(l->len, 1);
	k8s_look_free(l);
}

static void knows_who_is_busy(void **state)
{
	static const struct { unsigned int kind; const char *text; bool unsettled; } rows[] = {
		{ DEPLOYMENT, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"generation\":2},\"status\":{\"observedGeneration\":1}}", true },
		{ DEPLOYMENT, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"generation\":2},\"status\":{\"observedGeneration\":2}}", false },
		{ REPLICA_SET, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"generation\":1},\"spec\":{\"replicas\":2},\"status\":{\"observedGeneration\":1,\"replicas\":1}}", true },
		{ REPLICA_SET, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"generation\":1},\"spec\":{\"replicas\":2},\"status\":{\"observedGeneration\":1,\"replicas\":2}}", false },
		{ JOB, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\"},\"spec\":{}}", true },
		{ JOB, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\"},\"spec\":{\"suspend\":true}}", false },
		{ CONFIG_MAP, "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"generation\":2}}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct k8s_look *l = LOOK({ rows[i].kind, rows[i].text });

		assert_int_equal(l->unsettled, rows[i].unsettled);
		k8s_look_free(l);
	}
}

static void many_objects(void **state)
{
	struct k8s_look *before = k8s_look_new(), *after = k8s_look_new();
	struct object_effects e = { 0 };

	(void)state;
	for (int i = 0; i < K8S_OBJECTS_MAX + 7; i++) {
		json_auto_t *item = json_object();
		json_t *metadata = json_object();
		char name[32];

		snprintf(name, sizeof(name), "n%07d", K8S_OBJECTS_MAX - i + 10);	/* in the wrong order, too */
		json_put_text(metadata, "name", name);
		json_put_text(metadata, "uid", name);
		json_put_text(metadata, "resourceVersion", "1");
		json_put(item, "metadata", metadata);
		k8s_look_add(after, before, item, &kinds[CONFIG_MAP], CONFIG_MAP);
	}
	k8s_look_end(before);
	k8s_look_end(after);
	assert_int_equal(after->len, K8S_OBJECTS_MAX);
	assert_int_equal(after->left_out, 7);
	k8s_look_compare(before, before, after, kinds, &e);
	assert_int_equal(e.counts[EFFECT_CREATED], K8S_OBJECTS_MAX);
	assert_int_equal(e.len, K8S_EFFECTS_MAX);
	assert_int_equal(e.not_listed, K8S_OBJECTS_MAX - K8S_EFFECTS_MAX);
	object_effects_release(&e);
	k8s_look_compare(before, after, before, kinds, &e);
	assert_int_equal(e.counts[EFFECT_DELETED], K8S_OBJECTS_MAX);
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

static void large_objects_by_digest(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_look *before, *after;

	(void)state;
	strbuf_addstr(&text, "{" META("big", "1", "5") ",\"data\":{\"a\":\"");
	while (text.len < K8S_OBJECT_TEXT_MAX + 10)
		strbuf_addstr(&text, "abcdefghijklmnopqrstuvwxyz");
	strbuf_addstr(&text, "\"}}");
	before = LOOK({ CONFIG_MAP, text.buf });
	text.buf[text.len - 5]++;
	after = LOOK({ CONFIG_MAP, text.buf });
	assert_null(before->objects[0]->text);
	struct object_effects e = { 0 };

	k8s_look_compare(before, before, before, kinds, &e);
	assert_int_equal(e.len, 0);
	object_effects_release(&e);
	k8s_look_compare(before, before, after, kinds, &e);
	assert_int_equal(e.counts[EFFECT_CHANGED], 1);
	assert_int_equal(e.items[0].fields_len, 1);
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

static void looks_of_many_large_objects_are_bounded(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_look *l = k8s_look_new();

	(void)state;
	while (text.len < K8S_OBJECT_TEXT_MAX - 1000)
		strbuf_addstr(&text, "abcdefghijklmnopqrstuvwxyz");
	for (int i = 0; i < 250; i++) {
		json_auto_t *item = parse("{\"metadata\":{}}");
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		json_put_text(json_object_get(item, "metadata"), "name", name);
		json_put_text(json_object_get(item, "metadata"), "uid", name);
		json_put_text(item, "data", text.buf);
		k8s_look_add(l, NULL, item, &kinds[CONFIG_MAP], CONFIG_MAP);
	}
	assert_int_equal(l->len, 250);
	assert_true(l->text_bytes <= K8S_LOOK_TEXT_MAX);
	assert_null(l->objects[249]->text);
	k8s_look_free(l);
}

static void hostile_text_is_printed_safely(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_look *before = LOOK({ CONFIG_MAP, "{" META("a", "1", "1") ",\"data\":{\"k\":\"v\"}}" });
	struct k8s_look *after = LOOK({ CONFIG_MAP, "{" META("a", "1", "2") ",\"data\":{\"k\":\"\\u001b[31m\\u202ex\\n\",\"\\u001b]0;x\\u0007\":\"1\"}}" });
	struct object_effects e = { 0 };

	(void)state;
	k8s_look_compare(before, before, after, kinds, &e);
	free(e.items[0].name);
	e.items[0].name = xstrdup("a\xff\x1b\nb");
	object_effects_print(&e, 0, 9, false, &out);
	for (size_t i = 0; i < out.len; i++)
		assert_true(out.buf[i] == '\n' || (unsigned char)out.buf[i] >= ' ');
	assert_null(strstr(out.buf, "\xe2\x80\xae"));
	assert_non_null(strstr(out.buf, "a\\xff\\x1b\\nb"));
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

static void secrets_of_the_run_are_redacted(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct redactor *redactor = redactor_new();
	struct k8s_look *before = LOOK({ CONFIG_MAP, "{" META("a", "1", "1") ",\"data\":{\"k\":\"1\"}}" });
	struct k8s_look *after = LOOK({ CONFIG_MAP, "{" META("a", "1", "2") ",\"data\":{\"k\":\"x pass\\\"word y\",\"pass\\\"word\":\"2\"}}" });
	struct object_effects e = { 0 };

	(void)state;
	assert_true(redactor_add(redactor, "pass\"word", 9));
	k8s_look_compare(before, before, after, kinds, &e);
	object_effects_redact(&e, redactor);
	object_effects_print(&e, 2, 9, false, &out);
	assert_string_equal(out.buf, "  objects: 1 changed\n    ~ configmap/a  data.k 1 > \"x *** y\"\n        data.*** (none) > 2\n");
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
	redactor_free(redactor);
}

static void says_what_is_not_known(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct object_effects e = { 0 };

	(void)state;
	object_effects_print(&e, 0, 9, false, &out);
	assert_string_equal(out.buf, "");
	json_auto_t *nothing = object_effects_to_json(&e);

	assert_true(json_is_null(nothing));
	e.unknown_because = xstrdup("listing pods: no answer");
	object_effects_print(&e, 2, 9, false, &out);
	assert_string_equal(out.buf, "  objects: not known: listing pods: no answer\n");
	json_auto_t *o = object_effects_to_json(&e);

	assert_true(json_is_null(json_object_get(o, "created")));
	object_effects_release(&e);
}

static void what_is_not_shown_is_counted(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_look *before = k8s_look_new();
	struct k8s_look *after = LOOK({ ENDPOINTS, "{" META("a", "3", "1") "}" }, { POD, "{" META("p", "1", "1") "}" }, { POD, "{" META("q", "2", "1") "}" });
	struct object_effects e = { 0 };

	(void)state;
	k8s_look_compare(before, before, after, kinds, &e);
	e.kinds_not_seen = 2;
	object_effects_print(&e, 0, 1, true, &out);
	/* what the step did comes before what followed */
	assert_string_equal(out.buf, "objects: 3 created; 2 kinds could not be listed\n  \033[32m+\033[0m pod/p\n  … and 2 more (all in the JSON result)\n");
	object_effects_release(&e);
	k8s_look_free(before);
	k8s_look_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diffs),
		cmocka_unit_test(diffs_are_bounded),
		cmocka_unit_test(noise_is_none),
		cmocka_unit_test(changes_are_told),
		cmocka_unit_test(secrets_are_stars),
		cmocka_unit_test(what_controllers_do_is_derived),
		cmocka_unit_test(our_tools_are_no_effects),
		cmocka_unit_test(stand_ins_are_marked),
		cmocka_unit_test(versions_are_shared),
		cmocka_unit_test(same_object_of_two_groups),
		cmocka_unit_test(knows_who_is_busy),
		cmocka_unit_test(many_objects),
		cmocka_unit_test(large_objects_by_digest),
		cmocka_unit_test(looks_of_many_large_objects_are_bounded),
		cmocka_unit_test(hostile_text_is_printed_safely),
		cmocka_unit_test(secrets_of_the_run_are_redacted),
		cmocka_unit_test(says_what_is_not_known),
		cmocka_unit_test(what_is_not_shown_is_counted),
	};

	return cmocka_run_group_tests_name("k8s_effects", tests, NULL, NULL);
}
