/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/plan.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/backend_choice.h"
#include "runner/k8s_step.h"

#define SUMMARY_MAX 160	/* bytes of a script shown in a summary */

const char *step_mode_to_string(enum step_mode mode)
{
	static const char *const names[] = {
		[STEP_MODE_EXECUTED] = "executed",   [STEP_MODE_DRY_RUN] = "dry-run", [STEP_MODE_EMULATED] = "emulated",
		[STEP_MODE_SIMULATED] = "simulated", [STEP_MODE_SKIPPED] = "skipped",
	};

	return names[mode];
}

const char *step_phase_to_string(enum step_phase phase)
{
	return phase == PHASE_MAIN ? "main" : "rollback";
}

/* ---- what each kind of step would do, and why it cannot be done yet */

static const char *config_text(const struct wpk_step *step, const char *key)
{
	const struct node *value = node_get(step->node, key);

	return value && value->kind == NODE_SCALAR && !node_is_null(value) ? value->text : NULL;
}

static char *summary_of_shell(const struct wpk_step *step)
{
	const char *script = step->command ? step->command->text : "";
	size_t len;

	while (*script == '\n' || *script == ' ')
		script++;
	len = strcspn(script, "\n");
	if (len > SUMMARY_MAX)
		return xasprintf("%.*s …", SUMMARY_MAX, script);
	return xasprintf("%.*s%s", (int)len, script, script[len] && script[len + 1] ? " …" : "");
}

static char *summary_of_k8s(const struct wpk_step *step)
{
	const char *type = config_text(step, "resource_type");
	const char *name = config_text(step, "name");

	if (!name)
		name = config_text(step, "resource_name");
	return xasprintf("%s%s%s%s%s", step->action ? step->action : "(no action)", type ? " " : "", type ? type : "",
			 name ? " " : "", name ? name : "");
}

static char *summary_of_api(const struct wpk_step *step)
{
	return xasprintf("%s %s", step->method ? step->method : "GET", step->url ? step->url : "(no url)");
}

static char *summary_of_container(const struct wpk_step *step)
{
	return xasprintf("run image %s", step->image ? step->image : "(none)");
}

static char *summary_of_manifest(const struct wpk_step *step)
{
	const struct node *kind = node_get(step->node, "kind");
	const struct node *name = node_get(node_get(step->node, "metadata"), "name");

	if (!step->node)
		return xstrdup("apply nothing: the manifest is empty");
	return xasprintf("apply %s%s%s", kind && kind->text ? kind->text : "a manifest", name ? " " : "",
			 name && name->text ? name->text : "");
}

static const struct step_kind {
	char *(*summary)(const struct wpk_step *step);
	const char *unavailable;	/* why steps of this kind are simulated; NULL: they are executed */
} step_kinds[] = {
	[WPK_STEP_SHELL] = { summary_of_shell, NULL },
	[WPK_STEP_K8S] = { summary_of_k8s, NULL },
	[WPK_STEP_API] = { summary_of_api, "no network: api calls are not sent, and this version has no API mocks yet" },
	[WPK_STEP_CONTAINER] = { summary_of_container, NULL },
	[WPK_STEP_MANIFEST] = { summary_of_manifest, NULL },
};

static bool needs_cluster(const struct wpk_step *step)
{
	return step->kind == WPK_STEP_K8S || step->kind == WPK_STEP_MANIFEST;
}

/* Why it is not executed, owned; NULL: it is. */
static char *simulated_because(const struct plan *plan, const struct wpk_step *step, const struct k8s_fixtures *fixtures)
{
	char *reason = needs_cluster(step) ? k8s_step_simulated(decision_wpk(plan->decision), step, fixtures) : NULL;

	if (reason)
		return reason;
	if (step->kind == WPK_STEP_SHELL && !step->command)
		return xstrdup("it has no command");
	if (step_kinds[step->kind].unavailable)
		return xstrdup(step_kinds[step->kind].unavailable);
	if (needs_cluster(step) && !plan->cluster)
		return xstrdup("no cluster: it needs one; --type=kind makes one for the run");
	if (step->kind == WPK_STEP_CONTAINER && !step->image)
		return xstrdup("it names no image");
	if (step->kind == WPK_STEP_CONTAINER && !plan->image_runtime && !plan->cluster)
		return xasprintf("its image needs an engine: %s", plan->no_images_because);
	return NULL;
}

static void add_step(struct plan *plan, const struct wpk_handler *handler, const struct wpk_step *step,
		     enum step_phase phase, unsigned int number, const struct k8s_fixtures *fixtures)
{
	struct plan_step *s = &plan->steps[plan->steps_len++];

	*s = (struct plan_step){ .number = number, .phase = phase, .handler = handler, .step = step };
	s->title = !strcmp(handler->name, step->name) ? xstrdup(step->name)
						       : xasprintf("%s / %s", handler->name, step->name);
	s->summary = step_kinds[step->kind].summary(step);
	s->mode = STEP_MODE_EXECUTED;
	s->where = step->kind == WPK_STEP_CONTAINER && !plan->cluster ? plan->image_where : plan->where;
	s->reason = simulated_because(plan, step, fixtures);
	if (s->reason) {
		s->mode = STEP_MODE_SIMULATED;
		s->where = "nowhere";
	} else if (phase == PHASE_MAIN) {
		plan->executable++;
	}
}

static size_t count_steps(const struct wpk_handler_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->len; i++)
		n += list->items[i].steps_len;
	return n;
}

static void add_phase(struct plan *plan, const struct wpk_handler_list *list, enum step_phase phase, const struct k8s_fixtures *fixtures)
{
	unsigned int number = 0;

	for (size_t i = 0; i < list->len; i++)
		for (size_t j = 0; j < list->items[i].steps_len; j++)
			add_step(plan, &list->items[i], &list->items[i].steps[j], phase, ++number, fixtures);
}

/* ---- parameters */

struct need_scan {
	struct plan *plan;
	struct parameters *parameters;
	const struct plan_step *step;
	size_t alloc;
};

static struct plan_need *find_need(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->needs_len; i++)
		if (!strcmp(plan->needs[i].name, name))
			return &plan->needs[i];
	return NULL;
}

static void note_need(struct need_scan *scan, const struct node *text, const struct template_ref *ref, const char *path)
{
	struct plan *plan = scan->plan;
	struct plan_need *need = find_need(plan, ref->name);
	struct parameter *given = scan->parameters ? parameters_find(scan->parameters, ref->name) : NULL;
	bool blocking = !given && !ref->fallback && scan->step->mode == STEP_MODE_EXECUTED;

	if (given)
		given->used = true;
	if (!need) {
		ARRAY_GROW(plan->needs, plan->needs_len, scan->alloc);
		need = &plan->needs[plan->needs_len++];
		*need = (struct plan_need){ .name = xstrdup(ref->name), .given = given };
		need->position = node_text_position(decision_wpk(plan->decision)->doc, text, ref->offset);
		need->path = xstrdup(path);
	}
	/* point at the use that hurts, not at an earlier one in a simulated step */
	if (blocking && !need->blocking) {
		need->blocking = true;
		need->position = node_text_position(decision_wpk(plan->decision)->doc, text, ref->offset);
		free(need->path);
		need->path = xstrdup(path);
	}
	if (!need->fallback)
		need->fallback = xstrdup_or_null(ref->fallback);
}

static void scan_text(void *arg, const struct wpk_step *step, const struct node *text, enum template_kind kind,
		      const char *path)
{
	struct need_scan *scan = arg;
	struct template_refs refs = { 0 };
	size_t offset;

	(void)step;
	/* unclosed references were findings of the decoder; what stands before them still counts */
	template_scan(kind, text->text, text->len, &refs, &offset, NULL);
	for (size_t i = 0; i < refs.len; i++)
		note_need(scan, text, &refs.items[i], path);
	template_refs_release(&refs);
}

static void scan_needs(struct plan *plan, struct parameters *parameters)
{
	struct need_scan scan = { .plan = plan, .parameters = parameters };

	for (size_t i = 0; i < plan->steps_len; i++) {
		scan.step = &plan->steps[i];
		wpk_step_texts(plan->steps[i].step, scan_text, &scan);
	}
}

size_t plan_unset(const struct plan *plan, struct finding_list *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->needs_len; i++) {
		const struct plan_need *need = &plan->needs[i];
		struct finding *f;

		if (!need->blocking)
			continue;
		f = finding_add(findings, FINDING_ERROR, "parameter/unset", need->position,
				"parameter '%s' has no value and no default", need->name);
		f->path = xstrdup(need->path);
		f->suggestion = xasprintf("give it with --param %s=VALUE, or write ${%s:-default}", need->name, need->name);
		f->width = (unsigned int)strlen(need->name) + 3;
		n++;
	}
	return n;
}

/* ---- limits */

static uint64_t either(uint64_t asked, uint64_t otherwise)
{
	return asked ? asked : otherwise;
}

/* What was asked for on top of the profile. The storage promise covers every writable place together: /tmp is taken out of it. */
static void fill_limits(struct plan *plan, const struct sandbox_limits *asked)
{
	const struct sandbox_limits *base = &plan->profile->limits;
	static const struct sandbox_limits nothing;
	struct sandbox_limits *l = &plan->spec.limits;
	uint64_t storage;

	if (!asked)
		asked = &nothing;
	storage = either(asked->storage_bytes, base->storage_bytes);
	l->memory_bytes = either(asked->memory_bytes, base->memory_bytes);
	l->cpu_millis = either(asked->cpu_millis, base->cpu_millis);
	l->pids = either(asked->pids, base->pids);
	l->storage_files = either(asked->storage_files, base->storage_files);
	l->tmp_bytes = either(asked->tmp_bytes, base->tmp_bytes);
	l->nofile = either(asked->nofile, base->nofile);
	l->fsize_bytes = either(asked->fsize_bytes, base->fsize_bytes);
	l->cpu_time_ns = either(asked->cpu_time_ns, base->cpu_time_ns);
	l->output_bytes = either(asked->output_bytes, base->output_bytes);
	if (l->tmp_bytes > storage / 4)
		l->tmp_bytes = asked->tmp_bytes && asked->tmp_bytes < storage ? asked->tmp_bytes : storage / 4;
	l->storage_bytes = storage - l->tmp_bytes;
}

static bool wants_images(const struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t j = 0; j < list->items[i].steps_len; j++)
			if (list->items[i].steps[j].kind == WPK_STEP_CONTAINER)
				return true;
	return false;
}

/* What the package says it needs is what it may do on a cluster. */
static void declare_permissions(struct plan *plan, const struct wpk *wpk)
{
	for (size_t i = 0; wpk->permissions && wpk->permissions->kind == NODE_SEQUENCE && i < wpk->permissions->len; i++)
		if (wpk->permissions->items[i]->kind == NODE_SCALAR)
			strvec_push(&plan->permissions, wpk->permissions->items[i]->text);
	plan->spec.cluster.permissions = (const char *const *)plan->permissions.items;
}

/* Asked only when it matters: an engine has to be spoken to. */
static void choose_image_runtime(struct plan *plan, const char *runtime)
{
	plan->image_runtime = backend_choose_images(runtime, plan->no_images_because, sizeof(plan->no_images_because));
	if (plan->image_runtime)
		plan->image_where = xasprintf("container (%s)", plan->image_runtime);
}

int plan_make(const struct decision *decision, const struct plan_options *options, struct plan **ret,
	      struct error *err)
{
	const struct wpk *wpk = decision_wpk(decision);
	const struct strvec *reasons = decision_reasons(decision);
	struct backend_choice choice;
	struct plan *plan;

	if (decision_refused(decision))
		return error_set(err, ERR_PERMISSION_DENIED, "policy refuses package '%s': %s", wpk->workflow_id,
				 reasons->len ? reasons->items[0] : "no reason given");
	if (backend_choose(options->type, options->runtime, options->memo, &choice, err) < 0)
		return -1;
	plan = xcalloc(1, sizeof(*plan));
	plan->decision = decision;
	plan->profile = options->profile ? options->profile : profile_find("default");
	plan->type = choice.type;
	plan->runtime = choice.runtime;
	plan->chosen_because = *choice.because ? xstrdup(choice.because) : NULL;
	plan->cluster = choice.cluster;
	plan->where = choice.cluster ? xstrdup(choice.type) : xasprintf("%s (%s)", choice.type, choice.runtime);
	plan->spec.rootfs = options->rootfs;
	plan->spec.image = options->image;
	plan->spec.pull = options->pull;
	plan->spec.hostname = "sandbox";
	plan->spec.net_bind_service = options->net_bind_service;
	plan->spec.writable_root = options->writable_root;
	plan->spec.observe = options->observe;
	plan->spec.network = options->network;
	plan->spec.cluster = options->cluster;
	plan->spec.cluster.kind_engine = choice.engine;
	plan->server_dry_run = options->server_dry_run;
	fill_limits(plan, options->limits);
	declare_permissions(plan, wpk);
	if (!plan->cluster && (wants_images(&wpk->handlers) || wants_images(&wpk->rollback)))
		choose_image_runtime(plan, options->runtime);
	plan->steps = xcalloc(count_steps(&wpk->handlers) + count_steps(&wpk->rollback), sizeof(*plan->steps));
	add_phase(plan, &wpk->handlers, PHASE_MAIN, options->fixtures);
	if (plan_has_rollback(plan))
		add_phase(plan, &wpk->rollback, PHASE_ROLLBACK, options->fixtures);
	scan_needs(plan, options->parameters);
	*ret = plan;
	return 0;
}

bool plan_has_rollback(const struct plan *plan)
{
	const struct wpk *wpk = decision_wpk(plan->decision);

	return wpk->rollback.len && (wpk->rollback_declared_enabled || wpk->rollback_enabled);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->steps_len; i++) {
		free(plan->steps[i].reason);
		free(plan->steps[i].title);
		free(plan->steps[i].summary);
	}
	for (size_t i = 0; i < plan->needs_len; i++) {
		free(plan->needs[i].name);
		free(plan->needs[i].fallback);
		free(plan->needs[i].path);
	}
	free(plan->steps);
	free(plan->needs);
	free(plan->where);
	free(plan->image_where);
	free(plan->chosen_because);
	strvec_release(&plan->permissions);
	free(plan);
}
