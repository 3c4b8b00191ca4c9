/* SPDX-License-Identifier: Apache-2.0
 * Statuses and events as a cluster (1.20) wrote them, and as none should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/k8s_monitor_private.h"

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *value = NULL;

	if (json_parse(text, strlen(text), "test", &value, &err) < 0)
		fail_msg("%s", err.text);
	return value;
}

static void says(const struct k8s_troubles *found, const char *what, const char *expected)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	for (size_t i = 0; i < found->len; i++)
		strbuf_addf(&out, "%s\n", found->items[i].text);
	if (strcmp(out.buf, expected) != 0)
		fail_msg("%s: got\n%snot\n%s", what, out.buf, expected);
}

#define SPEC "\"metadata\":{\"name\":\"web-1\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"nowhere.invalid/x:1\"," \
	     "\"resources\":{\"limits\":{\"memory\":\"20Mi\"}}}]}"
#define STATE(state, more) "{" SPEC ",\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"c\",\"state\":" state more "}]}}"

static void pods_tell_what_is_wrong(void **state)
{
	static const struct { const char *what, *pod, *expected; } rows[] = {
		{ "well", STATE("{\"running\":{}}", ",\"ready\":true"), "" },
		{ "on its way", STATE("{\"waiting\":{\"reason\":\"ContainerCreating\"}}", ""), "" },
		{ "no image", STATE("{\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"rpc error: not found\"}}", ""),
		  "pod web-1: image 'nowhere.invalid/x:1' of container 'c' cannot be pulled: Failed to pull image \"x\": no such host\n" },
		{ "no image any more", STATE("{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off\"}}", ""),
		  "pod web-1: image 'nowhere.invalid/x:1' of container 'c' cannot be pulled: Failed to pull image \"x\": no such host\n" },
		{ "killed for memory",
		  STATE("{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}",
			",\"restartCount\":3,\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}"),
		  "pod web-1: container 'c' was killed: it needed more memory than its limit of 20Mi\n"
		  "pod web-1: container 'c' ends again and again: 3 restarts, last with exit status 137\n" },
		{ "ended", STATE("{\"terminated\":{\"exitCode\":3,\"reason\":\"Error\",\"message\":\"bad\\u001b[0m news\"}}", ""),
		  "pod web-1: container 'c' ended with exit status 3: bad\\x1b[0m news\n" },
		{ "ended well", STATE("{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}", ""), "" },
		{ "no secret", STATE("{\"waiting\":{\"reason\":\"CreateContainerConfigError\",\"message\":\"secret \\\"s\\\" not found\"}}", ""),
		  "pod web-1: container 'c' cannot be started: secret \"s\" not found\n" },
		{ "unschedulable",
		  "{" SPEC ",\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\","
		  "\"message\":\"0/1 nodes are available: 1 Insufficient memory.\"}]}}",
		  "pod web-1: cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory.\n" },
		{ "evicted", "{" SPEC ",\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low on resource: ephemeral-storage\"}}",
		  "pod web-1: evicted: low on resource: ephemeral-storage\n" },
		{ "too late", "{" SPEC ",\"status\":{\"phase\":\"Failed\",\"reason\":\"DeadlineExceeded\"}}", "pod web-1: stopped at its deadline\n" },
		{ "garbage", "{\"metadata\":7,\"spec\":[],\"status\":{\"containerStatuses\":{\"a\":1},\"conditions\":[1,null,{}],\"phase\":[]}}", "" },
		{ "more garbage", "[]", "" },
	};
	json_auto_t *events = parse("[{\"involvedObject\":{\"name\":\"web-1\"},\"message\":\"Failed to pull image \\\"x\\\": older\"},"
				    "{\"involvedObject\":{\"name\":\"web-1\"},\"message\":\"Failed to pull image \\\"x\\\": no such host\"},"
				    "{\"involvedObject\":{\"name\":\"other\"},\"message\":\"Failed to pull image \\\"y\\\"\"},{},7]");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_auto_t *pod = parse(rows[i].pod);
		struct k8s_troubles found = { 0 };

		k8s_troubles_of_pod(pod, events, &found);
		says(&found, rows[i].what, rows[i].expected);
		k8s_troubles_release(&found);
	}
}

static void each_is_told_once(void **state)
{
	json_auto_t *first = parse(STATE("{\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"a\"}}", ""));
	json_auto_t *second = parse(STATE("{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"b\"}}", ""));
	struct k8s_troubles found = { 0 };

	(void)state;
	k8s_troubles_of_pod(first, NULL, &found);
	k8s_troubles_of_pod(second, NULL, &found);
	assert_int_equal(found.len, 1);
	k8s_troubles_release(&found);
}

static void conditions(void **state)
{
	json_auto_t *deployment = parse(
		"{\"metadata\":{\"name\":\"web\"},\"status\":{\"conditions\":["
		"{\"message\":\"Created new replica set\",\"reason\":\"NewReplicaSetCreated\",\"status\":\"True\",\"type\":\"Progressing\"},"
		"{\"message\":\"Deployment does not have minimum availability.\",\"status\":\"False\",\"type\":\"Available\"},"
		"{\"message\":\"pods \\\"w\\\" is forbidden: exceeded quota\",\"reason\":\"FailedCreate\",\"status\":\"True\",\"type\":\"ReplicaFailure\"}]}}");
	json_auto_t *job = parse("{\"metadata\":{\"name\":\"j\"},\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\","
				 "\"reason\":\"BackoffLimitExceeded\"}]}}");
	struct k8s_troubles found = { 0 };

	(void)state;
	k8s_troubles_of_object("deployment", deployment, &found);
	k8s_troubles_of_object("job", job, &found);
	says(&found, "conditions",
	     "deployment web: is not available: Deployment does not have minimum availability.\n"
	     "deployment web: its pods cannot be made: pods \"w\" is forbidden: exceeded quota\njob j: failed: BackoffLimitExceeded\n");
	k8s_troubles_release(&found);
}

static void events(void **state)
{
	json_auto_t *list = parse(
		"[{\"type\":\"Warning\",\"reason\":\"FailedCreate\",\"involvedObject\":{\"kind\":\"ReplicaSet\",\"name\":\"w\"},\"message\":\"pods \\\"w-1\\\" no\"},"
		"{\"type\":\"Warning\",\"reason\":\"FailedCreate\",\"involvedObject\":{\"kind\":\"ReplicaSet\",\"name\":\"w\"},\"message\":\"pods \\\"w-2\\\" no\"},"
		"{\"type\":\"Normal\",\"reason\":\"FailedCreate\",\"involvedObject\":{\"kind\":\"Job\",\"name\":\"n\"},\"message\":\"x\"},"
		"{\"type\":\"Warning\",\"reason\":\"FailedMount\",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\"},\"message\":\"secret not found\"},"
		"null,[],{\"type\":\"Warning\",\"reason\":{}}]");
	json_auto_t *about = parse("{\"Pod/p\":true}");
	struct k8s_troubles found = { 0 };

	(void)state;
	k8s_troubles_of_events(list, NULL, &found);
	says(&found, "all", "replicaset w: a pod of it cannot be made: pods \"w-1\" no\npod p: a volume cannot be mounted: secret not found\n");
	k8s_troubles_release(&found);
	k8s_troubles_of_events(list, about, &found);
	says(&found, "of one", "pod p: a volume cannot be mounted: secret not found\n");
	k8s_troubles_release(&found);
}

static void quotas(void **state)
{
	json_auto_t *quota = parse("{\"metadata\":{\"name\":\"q\"},\"status\":{\"hard\":{\"configmaps\":\"5\",\"limits.cpu\":\"2\",\"limits.memory\":\"1Gi\","
				   "\"pods\":\"10\",\"secrets\":\"0\",\"x\":7,\"y\":\"-3\",\"requests.storage\":\"1e\"},\"used\":{\"configmaps\":\"4\","
				   "\"limits.cpu\":\"1700m\",\"limits.memory\":\"984Mi\",\"pods\":\"9\",\"secrets\":\"0\",\"requests.storage\":\"1\"}}}");
	struct k8s_troubles found = { 0 };

	(void)state;
	k8s_troubles_of_quota(quota, &found);	/* above 80 %: 4 of 5 are not */
	says(&found, "quota", "quota q: 1700m of 2 of limits.cpu are in use (85 %)\nquota q: 984Mi of 1Gi of limits.memory are in use (96 %)\n"
			      "quota q: 9 of 10 of pods are in use (90 %)\n");
	k8s_troubles_release(&found);
}

static void summaries(void **state)
{
	json_auto_t *summary = parse(
		"{\"pods\":[{\"podRef\":{\"name\":\"web-1\",\"namespace\":\"ours\"},\"cpu\":{\"usageNanoCores\":250000000},\"memory\":{\"workingSetBytes\":19000000},"
		"\"containers\":[{\"name\":\"c\",\"memory\":{\"workingSetBytes\":19000000}}]},"
		"{\"podRef\":{\"name\":\"web-1\",\"namespace\":\"theirs\"},\"cpu\":{\"usageNanoCores\":900000000},\"memory\":{\"workingSetBytes\":1}},"
		"{\"podRef\":{\"name\":\"new\",\"namespace\":\"ours\"},\"memory\":{\"workingSetBytes\":-5}},7,{}]}");
	json_auto_t *pods = parse("[{" SPEC "},{}]");
	json_auto_t *nothing = parse("{\"pods\":{}}");
	struct k8s_troubles found = { 0 };
	struct k8s_usage usage = { 0 };

	(void)state;
	k8s_usage_of_summary(nothing, "ours", pods, &usage, &found);
	assert_false(usage.known);
	k8s_usage_of_summary(summary, "ours", pods, &usage, &found);
	assert_true(usage.known);
	assert_int_equal(usage.cpu_millis, 250);
	assert_int_equal(usage.memory_bytes, 19000000);
	says(&found, "summary", "pod web-1: container 'c' uses 18.1Mi of its 20Mi of memory (91 %)\n");
	k8s_troubles_release(&found);
}

static void troubles_are_bounded(void **state)
{
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *list = json_array();
	struct k8s_troubles found = { 0 };

	(void)state;
	while (message.len < 100000)
		strbuf_addstr(&message, "word password ");
	for (int i = 0; i < 2000; i++) {
		json_t *event = json_object(), *about = json_object();
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		json_put_text(event, "type", "Warning");
		json_put_text(event, "reason", "Unhealthy");
		json_put_text(event, "message", message.buf);
		json_put_text(about, "kind", "Pod");
		json_put_text(about, "name", name);
		json_put(event, "involvedObject", about);
		json_push(list, event);
	}
	k8s_troubles_of_events(list, NULL, &found);
	assert_int_equal(found.len, K8S_TROUBLES_MAX);
	assert_int_equal(found.left_out, 2000 - K8S_TROUBLES_MAX);
	for (size_t i = 0; i < found.len; i++) {
		const size_t len = strlen(found.items[i].text);

		assert_true(len < K8S_MESSAGE_MAX + 100);
		/* cut between words */
		assert_true(!strcmp(found.items[i].text + len - strlen("word …"), "word …"));
	}
	k8s_troubles_release(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_tell_what_is_wrong), cmocka_unit_test(each_is_told_once), cmocka_unit_test(conditions),
		cmocka_unit_test(events),		   cmocka_unit_test(quotas),		cmocka_unit_test(summaries),
		cmocka_unit_test(troubles_are_bounded),
	};

	return cmocka_run_group_tests_name("k8s_monitor", tests, NULL, NULL);
}
