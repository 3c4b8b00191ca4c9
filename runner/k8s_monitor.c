/* SPDX-License-Identifier: Apache-2.0
 * Looks at the namespace every few seconds: pods, events, quotas, and the summaries of the kubelets that run its pods. */
#include "runner/k8s_monitor.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_monitor_private.h"

#define LOOK_EVERY_NS (2 * NS_PER_SEC)
#define AFTER_FAILURE_NS (10 * NS_PER_SEC)
#define CALL_TIMEOUT_NS (5 * NS_PER_SEC)
#define SILENCE_NS (5 * NS_PER_SEC)	/* kubelets look at pods every ten seconds or so, and are slow to answer before they have */
enum { PODS_MAX = 2000, EVENTS_MAX = 1000, QUOTAS_MAX = 20, QUOTA_ROWS_MAX = 100, NODES_MAX = 20, KEYS_MAX = 1000 };

struct quota_row {			/* one resource of one quota */
	char *quota, *resource, *hard, *used;
	char *used_peak;
	double share, share_peak;
};

struct k8s_monitor {
	const struct sandbox_cluster *cluster;
	uint64_t next_ns, last_ns;		/* monotonic; last 0: never looked */
	uint64_t told_from_ns;			/* when kubelets begin to tell about pods */
	struct usage_series series;		/* pids are pods */
	uint64_t cpu_ns;			/* integrated from rates */
	struct k8s_usage now;
	bool ever_known;			/* some kubelet told about our pods */
	struct quota_row quotas[QUOTA_ROWS_MAX];
	size_t quotas_len;
	struct strvec told;			/* keys of what was warned of */
	uint64_t counts[K8S_TROUBLE_CLASSES];
	uint64_t not_told;			/* past KEYS_MAX */
	struct error error;			/* of the last look that failed */
	struct error usage_error;		/* why usage is not known */
};

struct k8s_monitor *k8s_monitor_start(const struct sandbox_cluster *cluster, uint64_t since_ns)
{
	struct k8s_monitor *m = xcalloc(1, sizeof(*m));

	m->cluster = cluster;
	m->told_from_ns = since_ns + SILENCE_NS;
	return m;
}

/* ---- asking */

struct collected { json_t *list; size_t max; };

static bool each(void *arg, json_t *item, bool restarted)
{
	struct collected *c = arg;

	if (restarted)
		json_array_clear(c->list);
	json_array_append(c->list, item);
	return json_array_size(c->list) < c->max;
}

static json_t *list_of(const struct sandbox_cluster *cluster, const char *type, const char *labels, size_t max, struct error *err)
{
	const struct kube_target target = { .type = kube_type_named(cluster->kube, type, err), .namespace = cluster->namespace,
					    .timeout_ns = CALL_TIMEOUT_NS };
	const struct kube_selection which = { .labels = labels };
	struct collected c = { .max = max };

	if (!target.type)
		return NULL;
	c.list = json_array();
	if (kube_list(cluster->kube, &target, &which, each, &c, NULL, err) == 0)
		return c.list;
	json_decref(c.list);
	return NULL;
}

json_t *k8s_list_of(const struct sandbox_cluster *cluster, const char *type, const char *labels, size_t max)
{
	return list_of(cluster, type, labels, max, NULL);
}

static const char *time_of(const json_t *event)
{
	const char *last = k8s_string(event, "lastTimestamp"), *seen = k8s_string(event, "eventTime");

	return *last ? last : *seen ? seen : k8s_string(json_object_get(event, "metadata"), "creationTimestamp");
}

static int compare_times(const void *pa, const void *pb)
{
	return strcmp(time_of(*(json_t *const *)pa), time_of(*(json_t *const *)pb));
}

static json_t *by_time(json_t *events)
{
	const size_t n = json_array_size(events);
	autofree json_t **sorted = xcalloc(n + 1, sizeof(json_t *));
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		sorted[i] = json_array_get(events, i);
	if (n)
		qsort(sorted, n, sizeof(*sorted), compare_times);
	for (size_t i = 0; i < n; i++)
		json_array_append(list, sorted[i]);
	json_decref(events);
	return list;
}

static json_t *events_of(const struct sandbox_cluster *cluster, struct error *err)
{
	json_t *events = list_of(cluster, "events", NULL, EVENTS_MAX, err);

	return events ? by_time(events) : NULL;
}

json_t *k8s_events_of(const struct sandbox_cluster *cluster)
{
	return events_of(cluster, NULL);
}

/* ---- what is used */

static void look_at_node(struct k8s_monitor *m, const char *node, const json_t *pods, struct k8s_usage *usage, struct k8s_troubles *found)
{
	autofree char *target = xasprintf("/api/v1/nodes/%s/proxy/stats/summary", node);
	const struct kube_call call = { .method = "GET", .target = target, .timeout_ns = CALL_TIMEOUT_NS };
	json_auto_t *summary = NULL;

	if (kube_call(m->cluster->kube, &call, &summary, &m->usage_error) == 0)
		k8s_usage_of_summary(summary, m->cluster->namespace, pods, usage, found);
}

/* A node's name goes into a path. */
static void look_at_nodes(struct k8s_monitor *m, const json_t *pods, struct k8s_usage *usage, struct k8s_troubles *found)
{
	json_auto_t *seen = json_object();
	json_t *pod;
	size_t i;

	json_array_foreach((json_t *)pods, i, pod) {
		const char *node = k8s_string(json_object_get(pod, "spec"), "nodeName");

		if (json_object_size(seen) >= NODES_MAX || !kube_name_is_valid(node) || json_object_get(seen, node) ||
		    !strcmp(k8s_string(json_object_get(pod, "status"), "phase"), "Pending"))
			continue;
		json_put_bool(seen, node, true);
		look_at_node(m, node, pods, usage, found);
	}
}

static void add_point(struct k8s_monitor *m, const struct k8s_usage *usage, uint64_t now_ns)
{
	const struct sandbox_usage first = { .known = USAGE_CPU | USAGE_MEMORY | USAGE_PIDS };
	struct sandbox_usage counters = first;

	if (!m->last_ns)
		usage_series_begin(&m->series, &first, now_ns);
	else
		m->cpu_ns += usage->cpu_millis * ((now_ns - m->last_ns) / 1000);
	counters.cpu_ns = m->cpu_ns;
	counters.memory_bytes = usage->memory_bytes;
	counters.pids = usage->pods;
	usage_series_add(&m->series, &counters, now_ns + !m->last_ns);
	m->now = *usage;
	m->ever_known |= usage->known;
}

/* ---- quotas */

static struct quota_row *row_of(struct k8s_monitor *m, const char *quota, const char *resource)
{
	for (size_t i = 0; i < m->quotas_len; i++) {
		if (!strcmp(m->quotas[i].quota, quota) && !strcmp(m->quotas[i].resource, resource))
			return &m->quotas[i];
	}
	if (m->quotas_len == QUOTA_ROWS_MAX)
		return NULL;
	m->quotas[m->quotas_len] = (struct quota_row){ .quota = xstrdup(quota), .resource = xstrdup(resource), .share_peak = -1 };
	return &m->quotas[m->quotas_len++];
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

static void note_quota(struct k8s_monitor *m, const json_t *quota)
{
	const json_t *status = json_object_get(quota, "status"), *used = json_object_get(status, "used");
	const char *resource;
	json_t *value;

	json_object_foreach(json_object_get(status, "hard"), resource, value) {
		struct quota_row *row = row_of(m, k8s_string(json_object_get(quota, "metadata"), "name"), resource);
		uint64_t hard = 0, is = 0;

		if (!row)
			return;
		replace(&row->hard, json_is_string(value) ? json_string_value(value) : "");
		replace(&row->used, k8s_string(used, resource));
		row->share = -1;
		if (k8s_amount(resource, row->hard, &hard) == 0 && k8s_amount(resource, row->used, &is) == 0 && hard)
			row->share = (double)is * 100 / (double)hard;
		if (row->share > row->share_peak || !row->used_peak) {
			row->share_peak = row->share;
			replace(&row->used_peak, row->used);
		}
	}
}

/* ---- telling */

/* How a pod ended is its step's to tell. */
static void tell(struct k8s_monitor *m, const struct k8s_troubles *found, struct strvec *warnings)
{
	for (size_t i = 0; i < found->len; i++) {
		const struct k8s_trouble *t = &found->items[i];
		size_t k = 0;

		while (k < m->told.len && strcmp(m->told.items[k], t->key) != 0)
			k++;
		if (t->class == K8S_FAILED || k < m->told.len)
			continue;
		if (m->told.len >= KEYS_MAX) {
			m->not_told++;
			continue;
		}
		strvec_push(&m->told, t->key);
		m->counts[t->class]++;
		strvec_push(warnings, t->text);
	}
	m->not_told += found->left_out;
}

static void look(struct k8s_monitor *m, struct strvec *warnings)
{
	struct error err = { 0 };
	struct k8s_troubles found = { 0 };
	struct k8s_usage usage = { 0 };
	json_auto_t *pods = list_of(m->cluster, "pods", NULL, PODS_MAX, &err);
	json_auto_t *events = pods ? events_of(m->cluster, &err) : NULL;
	json_auto_t *quotas = events ? list_of(m->cluster, "resourcequotas", NULL, QUOTAS_MAX, &err) : NULL;
	json_t *item;
	size_t i;

	if (!quotas) {
		m->error = err;
		m->next_ns = clock_deadline(AFTER_FAILURE_NS);
		return;
	}
	json_array_foreach(pods, i, item)
		k8s_troubles_of_pod(item, events, &found);
	k8s_troubles_of_events(events, NULL, &found);
	json_array_foreach(quotas, i, item) {
		k8s_troubles_of_quota(item, &found);
		note_quota(m, item);
	}
	usage.pods = json_array_size(pods);
	if (clock_monotonic_ns() >= m->told_from_ns)
		look_at_nodes(m, pods, &usage, &found);

	const uint64_t now = clock_monotonic_ns();

	add_point(m, &usage, now);
	m->last_ns = now;
	m->next_ns = clock_deadline(LOOK_EVERY_NS);
	tell(m, &found, warnings);
	k8s_troubles_release(&found);
}

void k8s_monitor_look(struct k8s_monitor *m, struct strvec *warnings)
{
	if (m->cluster && m->cluster->kube && clock_monotonic_ns() >= m->next_ns)
		look(m, warnings);
}

void k8s_monitor_end(struct k8s_monitor *m, struct strvec *warnings)
{
	m->next_ns = 0;
	k8s_monitor_look(m, warnings);
	usage_series_end(&m->series);
}

struct k8s_usage k8s_monitor_now(const struct k8s_monitor *m)
{
	return m->now;
}

/* ---- JSON */

/* Running pods need memory: where none was seen nobody knew. */
static void put_usage(json_t *o, bool known, const char *cpu_key, uint64_t cpu, const char *memory_key, uint64_t memory)
{
	json_put(o, cpu_key, known && memory ? json_integer((json_int_t)cpu) : json_null());
	json_put(o, memory_key, known && memory ? json_integer((json_int_t)memory) : json_null());
}

static json_t *points_to_json(const struct k8s_monitor *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->series.len; i++) {
		const struct usage_point *p = &m->series.points[i];
		json_t *o = json_object();

		json_put_seconds(o, "at_seconds", p->at_ns);
		put_usage(o, m->ever_known, "cpu_millis", p->cpu_millis, "memory_bytes", p->memory_bytes);
		json_put_int(o, "pods", (int64_t)p->pids);
		json_push(list, o);
	}
	return list;
}

static json_t *percent(double share)
{
	return share < 0 ? json_null() : json_integer((json_int_t)(share > 1e6 ? 1e6 : share));
}

static json_t *quotas_to_json(const struct k8s_monitor *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->quotas_len; i++) {
		const struct quota_row *row = &m->quotas[i];
		json_t *o = json_object();

		json_put_text(o, "quota", row->quota);
		json_put_text(o, "resource", row->resource);
		json_put_text(o, "hard", row->hard);
		json_put_text(o, "used", row->used);
		json_put_text(o, "used_peak", row->used_peak);
		json_put(o, "percent", percent(row->share));
		json_put(o, "percent_peak", percent(row->share_peak));
		json_push(list, o);
	}
	return list;
}

static json_t *counts_to_json(const struct k8s_monitor *m)
{
	static const char *const names[K8S_TROUBLE_CLASSES] = {
		[K8S_OOM_KILLED] = "oom_killed",	[K8S_EVICTED] = "evicted",	     [K8S_IMAGE] = "image_pull",
		[K8S_CRASH_LOOP] = "crash_loop",	[K8S_UNSCHEDULABLE] = "unschedulable", [K8S_CONFIG] = "not_started",
		[K8S_REFUSED] = "refused",		[K8S_SCARCE] = "scarce",	     [K8S_OTHER] = "other",
	};
	json_t *o = json_object();

	for (size_t i = 0; i < K8S_TROUBLE_CLASSES; i++) {
		if (names[i])
			json_put_int(o, names[i], (int64_t)m->counts[i]);
	}
	return o;
}

json_t *k8s_monitor_to_json(const struct k8s_monitor *m)
{
	const char *why = m->error.code ? m->error.text : m->usage_error.code ? m->usage_error.text :
			  "the kubelet has told nothing about these pods yet: it does so 10 to 20 s after their start";
	json_t *o;

	if (!m->last_ns && !m->error.code)
		return json_null();
	o = json_object();
	json_put_bool(o, "usage_known", m->ever_known);
	json_put_text(o, "usage_unknown_because", m->ever_known ? NULL : why);
	put_usage(o, m->ever_known, "cpu_peak_millis", m->series.peak.cpu_millis, "memory_peak_bytes", m->series.peak.memory_bytes);
	json_put(o, "pods_peak", m->last_ns ? json_integer((json_int_t)m->series.peak.pids) : json_null());
	json_put_seconds(o, "interval_seconds", m->series.interval_ns > LOOK_EVERY_NS ? m->series.interval_ns : LOOK_EVERY_NS);
	json_put(o, "points", points_to_json(m));
	json_put(o, "quotas", quotas_to_json(m));
	json_put(o, "warnings", counts_to_json(m));
	json_put_int(o, "warnings_left_out", (int64_t)m->not_told);
	return o;
}

void k8s_monitor_free(struct k8s_monitor *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->quotas_len; i++) {
		free(m->quotas[i].quota);
		free(m->quotas[i].resource);
		free(m->quotas[i].hard);
		free(m->quotas[i].used);
		free(m->quotas[i].used_peak);
	}
	strvec_release(&m->told);
	free(m);
}
