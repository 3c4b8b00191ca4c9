/* SPDX-License-Identifier: Apache-2.0
 * Lists and watches against a server that follows a script. */
#include "tests/unit/base/kube_script.inc.c"

#include <sys/resource.h>

#ifndef __has_feature	/* gcc has the macro instead */
#define __has_feature(f) 0
#endif

/* ---- lists */

#define POD(name, version) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, token, items) "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token "\"},\"items\":[" items "]}"
#define EXPIRED STATUS(410, "Expired", "too old resource version: 1 (9)")

struct seen {
	struct strbuf words;	/* what was heard, in order */
	size_t stop_after;	/* words; 0: never */
	size_t n;
	unsigned int pulses;
	uint64_t largest;
};

static bool see(struct seen *s, const char *word, const json_t *item)
{
	const char *name = json_string_value(json_object_get(json_object_get(item, "metadata"), "name"));

	strbuf_addf(&s->words, "%s%s%s%s", s->words.len ? " " : "", word, name ? ":" : "", name ? name : "");
	return ++s->n != s->stop_after;
}

static bool see_item(void *arg, json_t *item, bool restarted)
{
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "Pod");
	return see(arg, restarted ? "again" : "item", item);
}

static bool see_event(void *arg, const char *type, json_t *item)
{
	if (!type) {
		((struct seen *)arg)->pulses++;
		return true;
	}
	return see(arg, type, item);
}

static void test_lists(void **state)
{
	static const struct {
		struct step steps[5];
		size_t len;
		int rc;
		const char *want;
	} cases[] = {
		{ { { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2 ", 200, LIST("7", "t1", POD("a", "1") "," POD("b", "2")) },
		    { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2&continue=t1 ", 200, LIST("7", "", POD("c", "3")) } }, 2, 0, "item:a item:b item:c" },
		{ { { "GET /api", 200, LIST("7", "t1", POD("a", "1")) }, { "GET /api", 410, EXPIRED }, { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2 ", 200, LIST("9", "", POD("b", "2")) } },
		  3, 0, "item:a again:b" },
		{ { { "GET /api", 200, LIST("7", "", "") } }, 1, 0, "" },
		{ { { "GET /api", 200, "{\"items\":null,\"metadata\":{}}" } }, 1, 0, "" },
		{ { { "GET /api", 200, "{\"kind\":\"Pod\"}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") ",7]}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") "]} {}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "" } }, 1, -1, "is no list" },
		/* too much at once: half of it */
		{ { { "GET /api", 200, "", FLOOD }, { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=1 ", 200, LIST("7", "", POD("a", "1")) } }, 2, 0, "item:a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct seen seen = { .words = STRBUF_INIT(1000) };
		const struct kube_target t = { .type = &pods, .namespace = "n" };
		struct error err = { .code = ERR_OK };
		autofree char *version = NULL;
		int rc = kube_list(k, &t, &(struct kube_selection){ .labels = "a=b", .page = 2 }, see_item, &seen, &version, &err);

		if (rc != cases[i].rc || (rc == 0 ? strcmp(seen.words.buf, cases[i].want) != 0 : !strstr(err.text, cases[i].want)))
			fail_msg("%zu: %d '%s' '%s'", i, rc, err.text, seen.words.buf);
		assert_true(rc < 0 || version);
		strbuf_release(&seen.words);
		close_script(k, "list");
	}
}

/* ---- watches */

#define EVENT(type, item) "{\"type\":\"" type "\",\"object\":" item "}\n"
#define GONE_EVENT "{\"type\":\"ERROR\",\"object\":" EXPIRED "}\n"
#define FIRST_LIST { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("7", "", POD("a", "1")) }
#define FROM(version) "GET /api/v1/namespaces/n/pods?watch=1&allowWatchBookmarks=true&resourceVersion=" version "&"

static void test_watches(void **state)
{
	static const struct {
		const char *what;
		struct step steps[7];
		size_t len, stop_after;
		int rc;
		const char *want;
	} cases[] = {
		{ "events", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) EVENT("DELETED", POD("b", "9")), STREAM } }, 2, 4, 0,
		  "ADDED:a LISTED ADDED:b DELETED:b" },
		{ "resumed from the last event", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")), STREAM },
		    { FROM("8"), 200, EVENT("BOOKMARK", POD("", "20")), STREAM }, { FROM("20"), 200, EVENT("MODIFIED", POD("b", "21")), HELD } }, 4, 5, 0,
		  "ADDED:a LISTED ADDED:b BOOKMARK: MODIFIED:b" },
		{ "a cut chunk: what is whole counts", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) "{\"type\":\"ADDED\",\"obj", CUT },
		    { FROM("8"), 200, EVENT("ADDED", POD("c", "9")), STREAM } }, 3, 4, 0, "ADDED:a LISTED ADDED:b ADDED:c" },
		{ "410 to the request", { FIRST_LIST, { FROM("7"), 410, EXPIRED }, { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("30", "", POD("z", "30")) },
		    { FROM("30"), 200, EVENT("ADDED", POD("c", "31")), STREAM } }, 4, 5, 0, "ADDED:a LISTED ADDED:z LISTED ADDED:c" },
		{ "410 in the stream", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) GONE_EVENT, STREAM },
		    { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("30", "", POD("z", "30")) } }, 3, 5, 0, "ADDED:a LISTED ADDED:b ADDED:z LISTED" },
		{ "the server restarts", { FIRST_LIST, { FROM("7"), .how = RESET }, { FROM("7"), 503, "starting" }, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")), STREAM } }, 4, 3, 0,
		  "ADDED:a LISTED ADDED:b" },
		{ "and while listing", { FIRST_LIST, { FROM("7"), 410, EXPIRED }, { "GET", .how = RESET }, { "GET", 500, "x" }, { "GET", 200, LIST("30", "", POD("z", "30")) } }, 5, 4, 0,
		  "ADDED:a LISTED ADDED:z LISTED" },
		{ "garbage within", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) "<html>\n", STREAM }, { FROM("8"), 200, EVENT("ADDED", POD("c", "9")), STREAM } }, 3, 4, 0,
		  "ADDED:a LISTED ADDED:b ADDED:c" },
		{ "refused", { FIRST_LIST, { FROM("7"), 403, STATUS(403, "Forbidden", "pods is forbidden: no watching") } }, 2, 0, -1, "forbidden: pods: no watching" },
		{ "refused at first", { { "GET", 404, "404 page not found\n" } }, 1, 0, -1, "not found: 404 page" },
		{ "an error that stays", { FIRST_LIST, { FROM("7"), 200, "{\"type\":\"ERROR\",\"object\":" STATUS(403, "Forbidden", "gone away") "}\n", STREAM } }, 2, 0, -1, "forbidden: gone away" },
		{ "nobody there", { { "GET", .how = RESET } }, 1, 0, -1, "127.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct seen seen = { .words = STRBUF_INIT(1000), .stop_after = cases[i].stop_after };
		const struct kube_target t = { .type = &pods, .namespace = "n" };
		struct error err = { .code = ERR_OK };
		int rc = kube_watch(k, &t, NULL, 120 * NS_PER_SEC, see_event, &seen, &err);

		if (rc != cases[i].rc || (rc == 0 ? strcmp(seen.words.buf, cases[i].want) != 0 : !strstr(err.text, cases[i].want)))
			fail_msg("%s: %d '%s' '%s' %s", cases[i].what, rc, err.text, seen.words.buf, script.surprise);
		strbuf_release(&seen.words);
		close_script(k, cases[i].what);
	}
}

/* A half-closed or silent stream: the caller hears of the time, and the deadline holds. */
static void test_silent_watch(void **state)
{
	static const struct step steps[] = {
		{ "GET", 200, LIST("7", "", POD("a", "1")) }, { "GET", 200, EVENT("ADDED", POD("b", "8")), HELD },
	};
	struct kube *k = OPEN(steps);
	struct seen seen = { .words = STRBUF_INIT(1000) };
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 3 * NS_PER_SEC, see_event, &seen, &err), -1);
	assert_int_equal(err.code, ERR_DEADLINE_EXCEEDED);
	assert_string_equal(seen.words.buf, "ADDED:a LISTED ADDED:b");
	assert_true(seen.pulses >= 1);
	strbuf_release(&seen.words);
	close_script(k, "silent watch");
}

static bool cancel_at_stream(void *arg)
{
	(void)arg;
	return steps_done() < 2;
}

static void test_cancelled_watch(void **state)
{
	static const struct step steps[] = {
		{ "GET", 200, LIST("7", "", POD("a", "1")) }, { "GET", 200, EVENT("ADDED", POD("b", "8")), HELD },
	};
	struct kube *k = OPEN(steps);
	struct seen seen = { .words = STRBUF_INIT(1000) };
	struct error err = { .code = ERR_OK };

	(void)state;
	kube_on_wait(k, cancel_at_stream, NULL);
	assert_int_equal(kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 60 * NS_PER_SEC, see_event, &seen, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_ptr_equal(k->waiting, cancel_at_stream);
	strbuf_release(&seen.words);
	close_script(k, "cancelled watch");
}

/* A thousand pods of 12 KB, listed and then changed each: pages and events come and go. */
struct many {
	unsigned int listed, changed;
};

static bool count_event(void *arg, const char *type, json_t *item)
{
	struct many *m = arg;

	m->listed += type && !strcmp(type, "ADDED");
	m->changed += type && !strcmp(type, "MODIFIED");
	assert_true(!item || json_object_size(json_object_get(item, "metadata")) == 3);
	return m->changed < 1000;
}

static void test_many(void **state)
{
	autofree char *filler = xcalloc(1, 12001);
	autofree char *events = NULL;
	autostrbuf struct strbuf items = STRBUF_INIT(STRBUF_NO_MAX), changes = STRBUF_INIT(STRBUF_NO_MAX);
	static struct step steps[11];	/* the server may look at it for longer */
	struct many many = { 0 };
	struct rusage before, after;
	struct error err = { .code = ERR_OK };
	struct kube *k;

	(void)state;
	for (size_t i = 0; i < 12000; i++)		/* as real ones: many small texts */
		filler[i] = "\"aaaaaaaaa\","[i % 12];
	filler[11999] = '\0';
	for (unsigned int i = 0; i < 100; i++) {
		autofree char *pod = xasprintf("{\"metadata\":{\"name\":\"p%u\",\"resourceVersion\":\"8\",\"f\":[%s]}}", i, filler);

		strbuf_addf(&items, "%s%s", i ? "," : "", pod);
		strbuf_addf(&changes, "{\"type\":\"MODIFIED\",\"object\":%s}\n", pod);
	}
	for (size_t i = 0; i < 10; i++)
		steps[i] = (struct step){ "GET", 200, xasprintf("{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"%s\"},\"items\":[%s]}", i < 9 ? "t" : "",
								items.buf) };
	events = xasprintf("%s%s%s%s%s%s%s%s%s%s", changes.buf, changes.buf, changes.buf, changes.buf, changes.buf, changes.buf, changes.buf,
			   changes.buf, changes.buf, changes.buf);
	steps[10] = (struct step){ "GET", 200, events, HELD };
	k = OPEN(steps);
	getrusage(RUSAGE_SELF, &before);
	if (kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 120 * NS_PER_SEC, count_event, &many, &err) < 0)
		fail_msg("%s", err.text);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(many.listed, 1000);
	assert_int_equal(many.changed, 1000);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
	if (after.ru_maxrss - before.ru_maxrss > 40 << 10)
		fail_msg("%ld KiB more", after.ru_maxrss - before.ru_maxrss);
#endif
	close_script(k, "many");
	for (size_t i = 0; i < 10; i++)
		free((char *)steps[i].body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	       cmocka_unit_test(test_watches), cmocka_unit_test(test_silent_watch),
		cmocka_unit_test(test_cancelled_watch), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
