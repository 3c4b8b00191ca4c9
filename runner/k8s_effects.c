/* SPDX-License-Identifier: Apache-2.0
 * Looks at a namespace: one list of each kind on one kept connection, about 2 ms each. After a step a look is taken again while controllers
 * are still busy with what the step asked for, for a moment only. */
#include "runner/k8s_effects.h"

#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_effects_private.h"

#define SETTLE_NS (300 * NS_PER_MS)	/* that is spent at most on looking again */
#define PAUSE_NS (25 * NS_PER_MS)
#define LIST_TIMEOUT_NS (20 * NS_PER_SEC)
#define KINDS_MAX 1000

struct k8s_tracker {
	const struct sandbox_cluster *cluster;
	const struct kube_type **types;
	struct k8s_kind *kinds;		/* the same, by kind */
	bool *unseen;			/* the same: cannot be listed */
	size_t kinds_len;
	struct k8s_look *start, *last;	/* may be the same; NULL: there was none */
	struct error lost;		/* of the last look; ERR_OK: it is as good as any */
};

/* ---- which kinds */

/* What old clusters serve in a second group is the same objects. */
static bool is_served_elsewhere(const struct kube_type *type, const struct kube_type *types, size_t len)
{
	if (strcmp(type->group, "extensions") != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (strcmp(types[i].group, "extensions") != 0 && !strcmp(types[i].kind, type->kind))
			return true;
	}
	return false;
}

static bool is_wanted(const struct kube_type *type, const struct kube_type *types, size_t len)
{
	return type->namespaced && (type->verbs & KUBE_LIST) && strcmp(type->kind, "Event") != 0 &&
	       !strstr(type->group, "metrics.k8s.io") && !is_served_elsewhere(type, types, len);
}

static int compare_types(const void *pa, const void *pb)
{
	const struct kube_type *a = *(const struct kube_type *const *)pa, *b = *(const struct kube_type *const *)pb;
	int order = strcmp(a->kind, b->kind);

	return order ? order : strcmp(a->api_version, b->api_version);
}

static int find_kinds(struct k8s_tracker *t, struct error *err)
{
	const struct kube_type *types;
	size_t len;

	if (kube_types(t->cluster->kube, &types, &len, err) < 0)
		return -1;
	t->types = xcalloc(len + 1, sizeof(const struct kube_type *));
	for (size_t i = 0; i < len && t->kinds_len < KINDS_MAX; i++) {
		if (is_wanted(&types[i], types, len))
			t->types[t->kinds_len++] = &types[i];
	}
	qsort(t->types, t->kinds_len, sizeof(const struct kube_type *), compare_types);
	t->kinds = xcalloc(t->kinds_len + 1, sizeof(*t->kinds));
	t->unseen = xcalloc(t->kinds_len + 1, sizeof(*t->unseen));
	for (size_t i = 0; i < t->kinds_len; i++)
		t->kinds[i] = (struct k8s_kind){ xstrdup(t->types[i]->kind), xstrdup(t->types[i]->api_version) };
	return 0;
}

/* ---- looking */

struct listing {
	struct k8s_look *look;
	const struct k8s_look *previous;
	const struct k8s_kind *kind;
	unsigned int index;
	size_t began;		/* objects of other kinds before */
	bool restarted;
};

static bool each_item(void *arg, json_t *item, bool restarted)
{
	struct listing *l = arg;

	if (restarted && !l->restarted)
		k8s_look_cut(l->look, l->began);
	l->restarted = restarted;
	k8s_look_add(l->look, l->previous, item, l->kind, l->index);
	return true;
}

/* Not for us, or not there: a kind that says so is left out for the whole run, and counted. */
static bool is_refusal(const struct kube *kube)
{
	const struct kube_failure *f = kube_failure(kube);

	return f && (f->status == 403 || f->status == 404 || f->status == 405);
}

static int list_kind(struct k8s_tracker *t, unsigned int index, struct k8s_look *look, struct error *err)
{
	const struct kube_target target = { .type = t->types[index], .namespace = t->cluster->namespace, .timeout_ns = LIST_TIMEOUT_NS };
	const struct kube_selection all = { 0 };
	struct listing l = { .look = look, .previous = t->last, .kind = &t->kinds[index], .index = index, .began = look->len };

	if (kube_list(t->cluster->kube, &target, &all, each_item, &l, NULL, err) == 0)
		return 0;
	if (!is_refusal(t->cluster->kube))
		return error_prefix(err, "listing %s", t->types[index]->plural);
	k8s_look_cut(look, l.began);
	t->unseen[index] = true;
	return 0;
}

/* What controllers make and change soon after a step. */
static bool is_busy_kind(const struct kube_type *type)
{
	static const char *const groups[] = { "apps", "batch", "discovery.k8s.io" }, *const kinds[] = { "Pod", "ReplicationController", "Endpoints" };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (!strcmp(type->group, groups[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(type->kind, kinds[i]))
			return true;
	}
	return false;
}

/* `again`: a look that was taken a moment ago, of which only those are listed that controllers work on; NULL. */
static struct k8s_look *take_look(struct k8s_tracker *t, const struct k8s_look *again, struct error *err)
{
	struct k8s_look *look = k8s_look_new();

	for (unsigned int i = 0; i < t->kinds_len; i++) {
		if (again && !is_busy_kind(t->types[i]))
			k8s_look_take_over(look, again, i);
		else if (!t->unseen[i] && list_kind(t, i, look, err) < 0) {
			k8s_look_free(look);
			return NULL;
		}
		look->kinds_not_seen += t->unseen[i];
	}
	if (look->left_out) {
		error_set(err, ERR_RESOURCE_EXHAUSTED, "there are more than %d objects in namespace '%s'", K8S_OBJECTS_MAX,
			  t->cluster->namespace);
		k8s_look_free(look);
		return NULL;
	}
	k8s_look_end(look);
	return look;
}

/* Controllers act a moment later: look again while they are at it. What was as busy before the step is none of its doing. */
static struct k8s_look *settled_look(struct k8s_tracker *t, struct error *err)
{
	const struct timespec pause = { .tv_nsec = (long)PAUSE_NS };
	struct k8s_look *look = take_look(t, NULL, err);
	const uint64_t deadline = clock_deadline(SETTLE_NS);
	uint64_t cost = 0;

	while (look && look->unsettled && clock_monotonic_ns() + PAUSE_NS + cost < deadline) {
		const uint64_t began = clock_monotonic_ns();
		struct k8s_look *next;
		struct error again;

		nanosleep(&pause, NULL);
		next = take_look(t, look, &again);
		if (!next)
			break;
		k8s_look_free(look);
		look = next;
		cost = clock_monotonic_ns() - began - PAUSE_NS;
	}
	return look;
}

struct k8s_tracker *k8s_tracker_start(const struct sandbox_cluster *cluster)
{
	struct k8s_tracker *t = xcalloc(1, sizeof(*t));

	t->cluster = cluster;
	if (!cluster || !cluster->kube)
		error_set(&t->lost, ERR_UNAVAILABLE, "the sandbox is no cluster");
	else if (find_kinds(t, &t->lost) == 0)
		t->start = t->last = settled_look(t, &t->lost);
	return t;
}

static void set_unknown(struct object_effects *ret, const struct error *err, const char *what)
{
	ret->unknown_because = xasprintf("%s%s", what, err->text);
}

static void replace_last(struct k8s_tracker *t, struct k8s_look *look)
{
	if (t->last != t->start)
		k8s_look_free(t->last);
	t->last = look;
}

void k8s_tracker_after_step(struct k8s_tracker *t, struct object_effects *ret)
{
	struct error before = t->lost, err = { 0 };
	struct k8s_look *now;

	object_effects_release(ret);
	if (!t->start) {
		set_unknown(ret, &t->lost, "");
		return;
	}
	now = settled_look(t, &err);
	t->lost = err;
	if (!now) {
		set_unknown(ret, &err, "");
		return;
	}
	t->lost.code = ERR_OK;
	if (before.code != ERR_OK)
		set_unknown(ret, &before, "the look before this step failed: ");
	else
		k8s_look_compare(t->start, t->last, now, t->kinds, ret);
	ret->kinds_not_seen = now->kinds_not_seen;
	replace_last(t, now);
}

/* From the last look of a step; when that failed the namespace may answer by now. */
void k8s_tracker_of_run(struct k8s_tracker *t, struct object_effects *ret)
{
	object_effects_release(ret);
	if (t->start && t->lost.code != ERR_OK) {
		struct error err = { 0 };
		struct k8s_look *now = take_look(t, NULL, &err);

		if (now) {
			t->lost.code = ERR_OK;
			replace_last(t, now);
		}
	}
	if (!t->start || t->lost.code != ERR_OK) {
		set_unknown(ret, &t->lost, "");
		return;
	}
	k8s_look_compare(t->start, t->start, t->last, t->kinds, ret);
	ret->kinds_not_seen = t->last->kinds_not_seen;
}

void k8s_tracker_free(struct k8s_tracker *t)
{
	if (!t)
		return;
	if (t->last != t->start)
		k8s_look_free(t->last);
	k8s_look_free(t->start);
	for (size_t i = 0; i < t->kinds_len; i++) {
		free(t->kinds[i].kind);
		free(t->kinds[i].api_version);
	}
	free(t->kinds);
	free(t->types);
	free(t->unseen);
	free(t);
}
