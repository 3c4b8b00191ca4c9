/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cluster_run.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/image_command.h"
#include "runner/k8s_step.h"
#include "runner/step.h"

#define ROOMY_BYTES (UINT64_C(512) << 20)
#define ROOMY_MILLIS 500
#define ROOMY_PODS 6
#define FIXTURES_PATIENCE_NS (300 * NS_PER_SEC)
#define COLLECTED_MAX (256u << 10)

static void tell(const struct cluster_run *c, const char *text)
{
	event_emit(c->events, &(struct event){ .type = EVENT_SANDBOX_PROGRESS, .text = text, .result = c->result });
}

static bool go_on(void *arg)
{
	const struct cluster_run *c = arg;

	events_tick(c->events);
	return !c->options->cancel || !cancel_requested(c->options->cancel);
}

static void begin_stand_ins(void *arg, const struct sandbox_cluster *cluster)
{
	struct cluster_run *c = arg;

	c->began_ns = clock_monotonic_ns();
	kube_on_wait(cluster->kube, go_on, c);
	k8s_fixtures_begin(c->fixtures, c->plan, c->options->parameters, cluster, c->began_ns + FIXTURES_PATIENCE_NS);
	kube_on_wait(cluster->kube, NULL, NULL);
}

void cluster_run_prepare(struct cluster_run *c, struct sandbox_spec *spec)
{
	const struct sandbox_limits *l = &spec->limits;

	c->fixtures = c->options->fixtures ? c->options->fixtures : &c->none;
	if ((l->memory_bytes && l->memory_bytes < ROOMY_BYTES) || (l->cpu_millis && l->cpu_millis < ROOMY_MILLIS) ||
	    (spec->cluster.max_pods && spec->cluster.max_pods < ROOMY_PODS))
		return;		/* the pod that looks is one of the quota, and takes half of it */
	spec->cluster.meanwhile = begin_stand_ins;
	spec->cluster.meanwhile_arg = c;
}

int cluster_run_begin(struct cluster_run *c, struct error *err)
{
	uint64_t started = clock_monotonic_ns();
	int r;

	c->cluster = sandbox_cluster(c->sandbox);
	if (!c->cluster)
		return 0;
	kube_on_wait(c->cluster->kube, go_on, c);
	r = k8s_fixtures_apply(c->fixtures, c->plan, c->options->parameters, c->cluster, started + FIXTURES_PATIENCE_NS, err);
	kube_on_wait(c->cluster->kube, NULL, NULL);
	if (r < 0)
		return error_prefix(err, "fixtures");
	for (size_t i = 0; i < c->fixtures->notes.len; i++)
		tell(c, c->fixtures->notes.items[i]);
	c->ready_objects_ns = clock_monotonic_ns() - started;
	c->objects = k8s_tracker_start(c->cluster);
	c->monitor = k8s_monitor_start(c->cluster, c->began_ns ? c->began_ns : started);
	return 0;
}

static bool acts_on_objects(const struct step_result *step)
{
	return step->plan->step->kind == WPK_STEP_K8S || step->plan->step->kind == WPK_STEP_MANIFEST;
}

bool cluster_run_takes(const struct cluster_run *c, const struct step_result *step)
{
	return c->cluster && (acts_on_objects(step) || step->plan->step->kind == WPK_STEP_CONTAINER);
}

static int run_objects(struct cluster_run *c, struct step_result *step, struct error *err)
{
	const struct k8s_context ctx = {
		.plan = c->plan, .parameters = c->options->parameters, .cluster = c->cluster, .fixtures = c->fixtures,
		.cancel = c->options->cancel, .events = c->events, .dry_run = c->plan->server_dry_run,
	};
	int r = k8s_step_run(&ctx, step, err);

	if (c->objects && step->status != STEP_NOT_EXECUTED) {
		k8s_tracker_after_step(c->objects, &step->objects);
		object_effects_redact(&step->objects, c->result->redactor);
	}
	event_emit(c->events, &(struct event){ .type = EVENT_STEP_END, .step = step });
	return r;
}

/* The image's own command is known to the cluster only: nothing to execute means that one. */
static int run_container(struct cluster_run *c, struct step_result *step, struct error *err)
{
	static const struct sandbox_image_defaults unknown;
	autostrvec struct strvec argv = STRVEC_INIT, env = STRVEC_INIT, usual = STRVEC_INIT;
	const struct step_command command = { .argv = &argv, .env = &env, .image = step->plan->step->image };
	const struct step_context ctx = {
		.plan = c->plan, .parameters = c->options->parameters, .sandbox = c->sandbox, .cancel = c->options->cancel, .events = c->events,
		.command = &command, .monitor = c->options->monitor, .objects = c->objects,
		.beat = cluster_run_look, .beat_arg = c,
	};

	step_environment(c->options->parameters, "", false, &usual);
	if (image_command(step->plan->step, c->options->parameters, &unknown, &argv, err) < 0 ||
	    image_environment(step->plan->step, c->options->parameters, &unknown, &usual, &env, err) < 0) {
		step->status = STEP_FAILED;
		free(step->reason);
		step->reason = xasprintf("could not be run: %s", err->text);
		event_emit(c->events, &(struct event){ .type = EVENT_STEP_END, .step = step });
		err->code = ERR_OK;
		return 0;
	}
	return step_run(&ctx, step, err);
}

int cluster_run_step(struct cluster_run *c, struct step_result *step, struct error *err)
{
	return acts_on_objects(step) ? run_objects(c, step, err) : run_container(c, step, err);
}

static void look(struct cluster_run *c, bool last)
{
	size_t before = c->result->warnings.len;

	if (!c->monitor)
		return;
	if (last)
		k8s_monitor_end(c->monitor, &c->result->warnings);
	else
		k8s_monitor_look(c->monitor, &c->result->warnings);
	for (size_t i = before; i < c->result->warnings.len; i++)
		event_emit(c->events, &(struct event){ .type = EVENT_WARNING, .text = c->result->warnings.items[i], .result = c->result });
}

void cluster_run_look(void *arg)
{
	look(arg, false);
}

static json_t *permissions_to_json(const struct sandbox_cluster *cluster)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cluster->permissions_len; i++) {
		const struct kube_permission *p = &cluster->permissions[i];
		json_t *o = json_object();

		json_put_text(o, "declared", p->declared);
		json_put_bool(o, "granted", p->granted);
		json_put_text(o, "why_not", *p->why_not ? p->why_not : NULL);
		json_push(list, o);
	}
	return list;
}

static json_t *to_json(const struct cluster_run *c)
{
	json_t *o = json_object(), *stand_ins = json_array(), *notes = json_array();

	json_put_text(o, "server", kube_server(c->cluster->kube));
	json_put_text(o, "namespace", c->cluster->namespace);
	json_put_text(o, "acting_as", c->cluster->user);
	json_put(o, "permissions", permissions_to_json(c->cluster));
	for (size_t i = 0; i < c->fixtures->stand_ins_len; i++) {
		json_t *one = json_object();

		json_put_text(one, "kind", c->fixtures->stand_ins[i].kind);
		json_put_text(one, "name", c->fixtures->stand_ins[i].name);
		json_push(stand_ins, one);
	}
	json_put(o, "stand_ins", stand_ins);
	for (size_t i = 0; i < c->fixtures->notes.len; i++)
		json_push(notes, json_text(c->fixtures->notes.items[i]));
	json_put(o, "fixtures", notes);
	json_put_seconds(o, "fixtures_seconds", c->ready_objects_ns);
	json_put(o, "usage", c->monitor ? k8s_monitor_to_json(c->monitor) : json_null());
	return o;
}

void cluster_run_end(struct cluster_run *c, bool failed)
{
	autostrbuf struct strbuf text = STRBUF_INIT(COLLECTED_MAX);

	if (!c->cluster) {
		k8s_fixtures_release(&c->none);		/* stand-ins were begun in a sandbox that did not become one */
		return;
	}
	if (c->objects)
		k8s_tracker_of_run(c->objects, &c->result->objects);
	object_effects_redact(&c->result->objects, c->result->redactor);
	look(c, true);
	c->result->cluster = to_json(c);
	if (failed) {
		k8s_collect(c->cluster, COLLECTED_MAX, &text);
		if (text.len)
			c->result->collected = strbuf_detach(&text);
	}
	k8s_monitor_free(c->monitor);
	k8s_tracker_free(c->objects);
	k8s_fixtures_release(&c->none);
}
