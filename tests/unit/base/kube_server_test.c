/* SPDX-License-Identifier: Apache-2.0
 * Calls, logs and discovery against a server that follows a script. */
#include "tests/unit/base/kube_script.inc.c"

/* ---- calls and what is tried again */

#define FIRST { "GET /version", 200, "{}" }

static void test_retries(void **state)
{
	static const struct {
		const char *what, *method, *type;
		struct step steps[6];
		size_t len;
		int rc;
		const char *text;
	} cases[] = {
		{ "a failure of the server passes", "GET", NULL, { FIRST, { "GET /x", 500, "boom" }, { "GET /x", 502, "<html>" }, { "GET /x", 200, "{}" } }, 4, 0, NULL },
		{ "a broken connection", "GET", NULL, { FIRST, { "GET /x", .how = RESET }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "a cut answer", "GET", NULL, { FIRST, { "GET /x", 200, "{\"a\":", CUT }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "as long as it says", "GET", NULL,
		  { FIRST, { "GET /x", 429, STATUS(429, "TooManyRequests", "slow down"), PLAIN, "Retry-After: 1\r\n" }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "longer than we have", "GET", NULL,
		  { FIRST, { "GET /x", 429, STATUS(429, "TooManyRequests", "slow down"), PLAIN, "Retry-After: 3600\r\n" } }, 2, -1,
		  "the server asks to try again later: slow down" },
		{ "a creation that was not begun", "POST", NULL,
		  { FIRST, { "POST /x", 429, "", PLAIN }, { "POST /x", 503, "", PLAIN, "Retry-After: 0\r\n" }, { "POST /x", 201, "{}" } }, 4, 0, NULL },
		{ "a creation that may have been done", "POST", NULL, { FIRST, { "POST /x", .how = RESET } }, 2, -1, "127.0.0.1" },
		{ "a creation that failed", "POST", NULL, { FIRST, { "POST /x", 500, "boom" } }, 2, -1, "the server failed: boom" },
		{ "a patch by steps", "PATCH", "application/json-patch+json", { FIRST, { "PATCH /x", .how = RESET } }, 2, -1, "127.0.0.1" },
		{ "a patch that is the same twice", "PATCH", "application/merge-patch+json",
		  { FIRST, { "PATCH /x", .how = RESET }, { "PATCH /x", 200, "{}", PLAIN, NULL, "application/merge-patch+json" } }, 3, 0, NULL },
		{ "a replacement, a deletion", "DELETE", NULL, { FIRST, { "DELETE /x", .how = RESET }, { "DELETE /x", 200, "{}" } }, 3, 0, NULL },
		{ "a refusal is none to argue with", "GET", NULL, { FIRST, { "GET /x", 403, STATUS(403, "Forbidden", "no") } }, 2, -1, "forbidden: no" },
		{ "garbage", "GET", NULL, { FIRST, { "GET /x", 200, "{\"a\":}" } }, 2, -1, "what is no JSON" },
		{ "no HTTP", "GET", NULL, { { "GET /version", .how = RAW, .body = "SSH-2.0-OpenSSH\r\n" } }, 1, -1, "127.0.0.1" },
		{ "a server that never answers", "GET", NULL, { FIRST, { "GET /x", .how = SILENT } }, 2, -1, "in time" },
		{ "a huge header", "GET", NULL, { FIRST, { "GET /x", .how = BIG_HEADER } }, 2, -1, "127.0.0.1" },
		{ "an answer without end", "GET", NULL, { FIRST, { "GET /x", 200, "", FLOOD } }, 2, -1, "longer than 33554432 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		json_auto_t *body = json_object();
		struct kube_call call = { .method = "GET", .target = "/version" };
		struct error err = { .code = ERR_OK };
		json_t *got = NULL;
		int rc = kube_call(k, &call, NULL, &err);

		if (rc == 0) {
			bool writes = !strcmp(cases[i].method, "POST") || !strcmp(cases[i].method, "PATCH");

			call = (struct kube_call){ .method = cases[i].method, .target = "/x", .content_type = cases[i].type, .body = writes ? body : NULL,
				.timeout_ns = strcmp(cases[i].steps[1].expect, "GET /x") || cases[i].steps[1].how != SILENT ? 20 * NS_PER_SEC : NS_PER_SEC };
			rc = kube_call(k, &call, &got, &err);
		}
		if (rc != cases[i].rc || (rc < 0 && (!strstr(err.text, cases[i].text) || err.code != ERR_REMOTE)))
			fail_msg("%s: %d, %d '%s'", cases[i].what, rc, err.code, err.text);
		assert_null(strstr(err.text, "hunter22"));
		assert_true(rc < 0 || json_is_object(got));
		json_decref(got);
		close_script(k, cases[i].what);
	}
}

static void test_headers(void **state)
{
	static const struct step steps[] = {
		{ "GET /a", 200, "{}", PLAIN, NULL, "\r\nAuthorization: Bearer hunter22\r\n" },
		{ "GET /a", 200, "{}", PLAIN, NULL, "\r\nImpersonate-User: system:serviceaccount:a:b\r\n" },
	};
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a" }, NULL, &err), 0);
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a", .as_user = "system:serviceaccount:a:b" }, NULL, &err), 0);
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a", .as_user = "a\r\nX: y" }, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	close_script(k, "headers");
}

/* Once the request is there. */
static bool goes_on(void *arg)
{
	return steps_done() < *(size_t *)arg;
}

static void test_cancel(void **state)
{
	static const struct step steps[] = { { "GET /a", .how = SILENT }, { "GET /a", 429, "", PLAIN, "Retry-After: 20\r\n" } };
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };
	size_t i;

	(void)state;
	kube_on_wait(k, goes_on, &i);
	for (i = 1; i <= ARRAY_SIZE(steps); i++) {
		assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a" }, NULL, &err), -1);
		assert_int_equal(err.code, ERR_CANCELLED);
	}
	close_script(k, "cancel");
}

/* ---- logs */

struct log {
	struct strbuf text;
	size_t bytes, stop_at;
};

static bool take_log(void *arg, const char *data, size_t len)
{
	struct log *l = arg;

	l->bytes += len;
	if (!l->text.overflow)
		strbuf_add(&l->text, data, len);
	return !l->stop_at || l->bytes < l->stop_at;
}

static void test_logs(void **state)
{
	static const struct {
		const char *what;
		struct step steps[3];
		size_t len;
		struct kube_logs logs;
		size_t stop_at;
		int rc;
		const char *want;
	} cases[] = {
		{ "all", { { "GET /api/v1/namespaces/n/pods/p/log?container=c&follow=false&previous=true&timestamps=false&tailLines=5 ", 200, "one\ntwo\n" } }, 1,
		  { .container = "c", .previous = true, .tail_lines = 5 }, 0, 0, "one\ntwo\n" },
		{ "a limit, kept by us too", { { "GET", 200, "one\ntwo\n", PLAIN, NULL, "limitBytes=5" } }, 1, { .limit_bytes = 5, .tail_lines = -1 }, 0, 0, "one\nt" },
		{ "it breaks off", { { "GET", 200, "one\n", CUT } }, 1, { .follow = true, .tail_lines = -1 }, 0, -1, "the log of 'p' breaks off after 4 bytes" },
		{ "not yet", { { "GET", 503, "x" }, { "GET", 200, "one\n" } }, 2, { .tail_lines = -1 }, 0, 0, "one\n" },
		{ "on no node yet", { { "GET", 204 } }, 1, { .follow = true, .tail_lines = -1 }, 0, -1, "pod 'p' is on no node yet" },
		{ "no log", { { "GET", 400, STATUS(400, "BadRequest", "container is waiting to start") } }, 1, { .tail_lines = -1 }, 0, -1, "not accepted: container is waiting" },
		{ "a gigabyte, of which we want little", { { "GET", 200, "", FLOOD } }, 1, { .limit_bytes = 100, .tail_lines = -1 }, 0, 0, NULL },
		{ "a gigabyte, until the reader has enough", { { "GET", 200, "", FLOOD } }, 1, { .follow = true, .tail_lines = -1 }, 1000000, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct log log = { .text = STRBUF_INIT(4096), .stop_at = cases[i].stop_at };
		struct kube_logs what = cases[i].logs;
		struct error err = { .code = ERR_OK };
		int rc;

		k->answered = true;
		what.namespace = "n";
		what.pod = "p";
		rc = kube_logs(k, &what, take_log, &log, &err);
		if (rc != cases[i].rc || (cases[i].want && !strstr(rc < 0 ? err.text : log.text.buf, cases[i].want)))
			fail_msg("%s: %d '%s' '%s'", cases[i].what, rc, err.text, log.text.buf);
		assert_true(log.bytes < 2000000);
		if (what.limit_bytes)
			assert_int_equal(log.bytes, what.limit_bytes);
		strbuf_release(&log.text);
		close_script(k, cases[i].what);
	}
}

/* ---- discovery, deletion, eviction */

#define RESOURCES(items) "{\"kind\":\"APIResourceList\",\"resources\":[" items "]}"
#define R(name, kind, more) "{\"name\":\"" name "\",\"singularName\":\"\",\"namespaced\":true,\"kind\":\"" kind "\",\"verbs\":[\"get\",\"list\"]" more "}"

static void test_discovery(void **state)
{
	static const struct step steps[] = {
		{ "GET /api/v1 ", 200, RESOURCES(R("pods", "Pod", ",\"shortNames\":[\"po\"]") "," R("pods/log", "Pod", "") "," R("events", "Event", "")) },
		{ "GET /apis ", 200, "{\"groups\":[{\"name\":\"batch\",\"preferredVersion\":{\"groupVersion\":\"batch/v1\"},\"versions\":[{\"groupVersion\":\"batch/v1\"},"
		  "{\"groupVersion\":\"batch/v1beta1\"}]},{\"name\":\"metrics.k8s.io\",\"preferredVersion\":{\"groupVersion\":\"metrics.k8s.io/v1\"},"
		  "\"versions\":[{\"groupVersion\":\"metrics.k8s.io/v1\"}]},{\"name\":\"events.k8s.io\",\"preferredVersion\":{\"groupVersion\":\"events.k8s.io/v1\"}}]}" },
		{ "GET /apis/batch/v1 ", 200, RESOURCES(R("jobs", "Job", "")) },
		{ "GET /apis/batch/v1beta1 ", 200, RESOURCES(R("jobs", "Job", "") "," R("cronjobs", "CronJob", "")) },
		{ "GET /apis/metrics.k8s.io/v1 ", 404, "gone" },	/* a dead aggregated API */
		{ "GET /apis/events.k8s.io/v1 ", 200, RESOURCES(R("events", "Event", "")) },
		{ "GET /apis/none/v1 ", 404, "404 page not found" },
	};
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };
	const struct kube_type *all, *t;
	size_t n;

	(void)state;
	assert_int_equal(kube_types(k, &all, &n, &err), 0);
	assert_int_equal(n, 5);
	t = kube_type_named(k, "PO", &err);
	assert_string_equal(t->plural, "pods");
	assert_string_equal(t->singular, "pod");
	assert_string_equal(t->subresources[0], "log");
	assert_int_equal(t->verbs, KUBE_GET | KUBE_LIST);
	assert_string_equal(kube_type_named(k, "events", &err)->api_version, "v1");
	assert_string_equal(kube_type_named(k, "event.events.k8s.io", &err)->api_version, "events.k8s.io/v1");
	assert_string_equal(kube_type_named(k, "cronjob", &err)->api_version, "batch/v1beta1");
	assert_string_equal(kube_type_named(k, "jobs.batch", &err)->api_version, "batch/v1");
	assert_string_equal(kube_type_of(k, "batch/v1beta1", "Job", &err)->api_version, "batch/v1beta1");
	assert_null(kube_type_named(k, "", &err));
	assert_null(kube_type_named(k, "jbos", &err));
	assert_non_null(strstr(err.text, "was 'jobs' meant"));
	assert_null(kube_type_of(k, "none/v1", "X", &err));
	assert_string_equal(err.text, "the cluster has no API 'none/v1'");
	close_script(k, "discovery");
}

static void test_verbs(void **state)
{
	static const struct step steps[] = {
		{ "DELETE /api/v1/namespaces/n/pods/p?dryRun=All ", 200, "{}", PLAIN, NULL, "\"propagationPolicy\":\"Background\"" },
		{ "DELETE /api/v1/namespaces/n/pods/p ", 404, STATUS(404, "NotFound", "pods \\\"p\\\" not found"), PLAIN, NULL,
		  "\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u\"}" },
		{ "PATCH /api/v1/namespaces/n/pods/a%2Fb/status?fieldManager=sandbox_runner&force=true ", 200, "{}", PLAIN, NULL, "application/apply-patch+yaml" },
		{ "GET /apis/policy/v1 ", 404, "no" },
		{ "POST /api/v1/namespaces/n/pods/p/eviction?", 201, "{}", PLAIN, NULL, "\"apiVersion\":\"policy/v1beta1\"" },
	};
	struct kube *k = OPEN(steps);
	struct kube_target t = { .type = &pods, .namespace = "n", .name = "p", .dry_run = true };
	json_auto_t *patch = json_object();
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_delete(k, &t, NULL, &err), 0);
	t.dry_run = false;
	assert_int_equal(kube_delete(k, &t, &(struct kube_delete){ .uid = "u" }, &err), 0);
	assert_true(kube_is(k, "NotFound"));
	t.name = "a/b";
	t.subresource = "status";
	assert_int_equal(kube_patch(k, &t, KUBE_PATCH_APPLY, patch, NULL, &err), 0);
	assert_int_equal(kube_evict(k, "n", "p", 0, &err), 0);
	t.name = "..";
	assert_int_equal(kube_get(k, &t, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	t = (struct kube_target){ .type = &pods, .name = "p" };
	assert_int_equal(kube_get(k, &t, NULL, &err), -1);
	assert_string_equal(err.text, "Pod 'p' needs a namespace");
	close_script(k, "verbs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retries), cmocka_unit_test(test_headers),	  cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_logs),	cmocka_unit_test(test_discovery), cmocka_unit_test(test_verbs),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
