/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/wpk_handler.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

const struct enum_name wpk_handler_types[] = {
	{ "shell", WPK_STEP_SHELL },
	{ "api", WPK_STEP_API },
	{ "k8s", WPK_STEP_K8S },
	{ "kubernetes", WPK_STEP_K8S },
	{ NULL, 0 },
};

/* Dialect A: by the type of the handler. */
static step_decoder *const config_decoders[] = {
	[WPK_STEP_SHELL] = decode_shell_config,
	[WPK_STEP_K8S] = decode_k8s_config,
	[WPK_STEP_API] = decode_api_config,
};

/* Dialect B: a step has exactly one of these. */
static const struct step_form {
	const char *key;
	enum wpk_step_kind kind;
	step_decoder *decode;
} step_forms[] = {
	{ "shell", WPK_STEP_SHELL, decode_shell_step },
	{ "container", WPK_STEP_CONTAINER, decode_container_step },
	{ "kubernetes", WPK_STEP_MANIFEST, decode_manifest_step },
};

/* ---- steps of dialect B */

static const struct field step_rows[] = {
	{ .key = "name", .decode = decode_text, .offset = offsetof(struct wpk_step, name), .need = FIELD_WANTED,
	  .help = "name: what the step is called in reports" },
	{ .key = "shell", .offset = FIELD_CHECK, .help = "shell: a script, below 'command'" },
	{ .key = "container", .offset = FIELD_CHECK, .help = "container: an image to run, as in a pod" },
	{ .key = "kubernetes", .offset = FIELD_CHECK, .help = "kubernetes: a manifest to apply" },
	{ .key = "manual", .decode = decode_bool, .offset = offsetof(struct wpk_step, manual),
	  .help = "manual: somebody does it by hand" },
	{ .key = "approval_required", .decode = decode_bool, .offset = offsetof(struct wpk_step, approval_required),
	  .help = "approval_required: somebody has to agree before it runs" },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_step_table = FIELD_TABLE(step_rows);

/* The part of a step that says what to do. */
static void decode_form(struct decode *d, const struct step_form *form, const struct node *value, struct wpk_step *step)
{
	autofree char *path = path_below(step->path, form->key);

	step->kind = form->kind;
	if (node_is_null(value)) {
		finding_at(d->findings, FINDING_WARNING, "wpk/empty-step", value, path,
			   "'%s' is empty, the step does nothing", path);
		return;
	}
	step->node = value;
	form->decode(d, value, path, step);
}

static void decode_step(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	const struct step_form *form = NULL;
	unsigned int forms = 0;
	struct finding *f;

	step->path = xstrdup(path);
	step->name = strrchr(step->path, '.') + 1;	/* "steps[1]", until it has one of its own */
	schema_decode(d, &wpk_step_table, node, path, step);
	if (node->kind != NODE_MAPPING)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(step_forms); i++) {
		if (node_get(node, step_forms[i].key)) {
			forms++;
			form = form ? form : &step_forms[i];
		}
	}
	if (forms != 1) {
		f = finding_add(d->findings, FINDING_ERROR, "wpk/step-kind", node->start,
				forms ? "'%s' has more than one of 'shell', 'container' and 'kubernetes'" :
					"'%s' has none of 'shell', 'container' and 'kubernetes'", path);
		f->path = xstrdup(path);
		f->suggestion = xstrdup(forms ? "make them steps of their own"
					      : "say what the step does, as in 'shell: {command: …}'");
		if (!forms)
			return;
	}
	decode_form(d, form, node_get(node, form->key), step);
}

static void decode_steps(struct decode *d, const struct node *node, const char *handler_path,
			 struct wpk_handler *handler)
{
	autofree char *path = path_below(handler_path, "steps");
	autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);

	if (node_is_null(node) || (node->kind == NODE_SEQUENCE && !node->len)) {
		finding_at(d->findings, FINDING_WARNING, "wpk/no-steps", node, path, "'%s' holds no step", path);
		return;
	}
	if (node->kind != NODE_SEQUENCE) {
		struct finding *f = schema_wrong_type(d, node, path, "a list of steps");

		f->suggestion = xstrdup("begin each step with '- name:'");
		return;
	}
	for (size_t i = 0; i < node->len; i++) {
		strbuf_clear(&child);
		strbuf_addstr(&child, path);
		path_add_index(&child, i);
		decode_step(d, node->items[i], child.buf, &handler->steps[handler->steps_len++]);
	}
}

/* ---- handlers */

/* A handler while its keys are collected. */
struct draft {
	struct wpk_handler handler;
	const struct node *type_node;
	int type;
	const struct node *config;
	uint64_t timeout_ns;
};

static const struct field retry_rows[] = {
	{ .key = "max_attempts", .decode = decode_count, .offset = offsetof(struct wpk_retry, max_attempts) },
	{ .key = "backoff", .decode = decode_duration, .offset = offsetof(struct wpk_retry, backoff_ns) },
};
static const struct field_table retry_table = FIELD_TABLE(retry_rows);

static const struct field handler_rows[] = {
	{ .key = "name", .decode = decode_text, .offset = offsetof(struct draft, handler.name),
	  .need = FIELD_REQUIRED, .help = "name: what the handler is called in reports" },
	{ .key = "type", .decode = decode_node, .offset = offsetof(struct draft, type_node),
	  .help = "type: what 'config' is for: shell, api or k8s" },
	{ .key = "config", .decode = decode_mapping, .offset = offsetof(struct draft, config),
	  .help = "config: what the handler does, by its type" },
	{ .key = "steps", .offset = FIELD_CHECK, .help = "steps: a list, each with shell, container or kubernetes" },
	{ .key = "timeout", .decode = decode_duration, .offset = offsetof(struct draft, timeout_ns),
	  .help = "timeout: of each attempt of each step, such as 30s or 5m" },
	{ .key = "retry", .decode = decode_fields, .offset = offsetof(struct draft, handler.retry),
	  .extra = &retry_table, .help = "write 'retry:' and below it 'max_attempts:' and 'backoff:'" },
	{ .key = "approval_required", .decode = decode_bool,
	  .offset = offsetof(struct draft, handler.approval_required) },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_handler_table = FIELD_TABLE(handler_rows);

#define TYPE_NONE (-1)

/* A handler that has only steps needs no type: then an unknown one is not worth an error. */
static void decode_type(struct decode *d, struct draft *draft, const struct node *steps, const char *path)
{
	static const struct field field = { .extra = wpk_handler_types };
	autofree char *type_path = path_below(path, "type");

	if (!draft->type_node)
		return;
	if (draft->config || node_is_null(steps))
		decode_enum(d, &field, draft->type_node, type_path, &draft->type);
	else
		decode_word(d, &field, draft->type_node, type_path, &draft->type);
}

static void decode_config(struct decode *d, const struct draft *draft, const char *path, struct wpk_handler *handler)
{
	struct wpk_step *step = &handler->steps[handler->steps_len++];
	autofree char *config_path = path_below(path, "config");

	*step = (struct wpk_step){
		.kind = (enum wpk_step_kind)draft->type, .name = handler->name, .node = draft->config,
		.path = xstrdup(config_path),
	};
	config_decoders[draft->type](d, draft->config, config_path, step);
}

/* Which dialect is it? Reports handlers that are of none. */
static void check_form(struct decode *d, const struct draft *draft, const struct node *node, const char *path)
{
	const struct node *type = node_get(node, "type");
	const struct node *config = node_get(node, "config");
	const struct node *steps = node_get(node, "steps");
	const char *what = NULL, *help = NULL;
	struct finding *f;

	if (node_is_null(type) && draft->config) {
		what = "'%s' has a 'config' but no 'type'";
		help = "add 'type: shell', 'type: api' or 'type: k8s'";
	} else if (!node_is_null(type) && node_is_null(config) && !steps) {
		what = "'%s' has a 'type' but no 'config'";
		help = "add 'config:' with what the handler does";
	} else if (node_is_null(config) && !steps) {
		what = "'%s' has neither 'config' nor 'steps'";
		help = "say what the handler does: 'type' with 'config', or a list of 'steps'";
	}
	if (!what)
		return;
	f = finding_add(d->findings, FINDING_ERROR, "wpk/handler-form", node->start, what, path);
	f->path = xstrdup(path);
	f->suggestion = xstrdup(help);
}

static void check_values(struct decode *d, const struct draft *draft, const struct node *node, const char *path,
			 struct wpk_handler *handler)
{
	const struct node *timeout = node_get(node, "timeout");
	const struct node *attempts = node_get(node_get(node, "retry"), "max_attempts");
	const struct node *name = node_get(node, "name");

	handler->timeout_ns = draft->timeout_ns == UINT64_MAX ? 0 : draft->timeout_ns;
	if (!draft->timeout_ns)
		finding_at(d->findings, FINDING_WARNING, "wpk/timeout", timeout, path, "a timeout of 0 is no timeout");
	if (!handler->retry.max_attempts) {
		finding_at(d->findings, FINDING_WARNING, "wpk/retry", attempts, path,
			   "0 attempts would never run anything, one is made");
		handler->retry.max_attempts = 1;
	}
	if (!node_is_null(name) && name->kind == NODE_SCALAR && !name->len)
		finding_at(d->findings, FINDING_ERROR, "schema/value", name, path, "the name is empty");
}

static void decode_handler(struct decode *d, const struct node *node, const char *path, struct wpk_handler *handler)
{
	const struct node *steps = node_get(node, "steps");
	struct draft draft = {
		.handler = { .name = "", .node = node, .retry = { .max_attempts = 1 } },
		.type = TYPE_NONE, .timeout_ns = UINT64_MAX,	/* not stated */
	};

	schema_decode(d, &wpk_handler_table, node, path, &draft);
	*handler = draft.handler;
	if (node->kind != NODE_MAPPING)
		return;
	decode_type(d, &draft, steps, path);
	check_form(d, &draft, node, path);
	check_values(d, &draft, node, path, handler);
	handler->steps = xcalloc(1 + (steps && steps->kind == NODE_SEQUENCE ? steps->len : 0), sizeof(*handler->steps));
	if (draft.config && draft.type != TYPE_NONE)
		decode_config(d, &draft, path, handler);
	if (steps)
		decode_steps(d, steps, path, handler);
}

/* ---- the list */

static int compare_names(const void *pa, const void *pb)
{
	const struct wpk_handler *a = *(const struct wpk_handler *const *)pa;
	const struct wpk_handler *b = *(const struct wpk_handler *const *)pb;
	int by_name = strcmp(a->name, b->name);

	return by_name ? by_name : a < b ? -1 : a > b;
}

static void report_duplicates(struct decode *d, const struct wpk_handler_list *list, const char *path)
{
	autofree const struct wpk_handler **sorted = xcalloc(list->len, sizeof(*sorted));
	char quoted[UTF8_QUOTE_SIZE];

	for (size_t i = 0; i < list->len; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->len, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < list->len; i++) {
		const struct wpk_handler *h = sorted[i];

		if (!*h->name || strcmp(h->name, sorted[i - 1]->name))
			continue;
		finding_at(d->findings, FINDING_WARNING, "wpk/duplicate-name", node_get(h->node, "name"), path,
			   "a handler named %s stands on line %u already", utf8_quote(quoted, h->name, strlen(h->name)),
			   sorted[i - 1]->node->start.line);
	}
}

void decode_handlers(struct decode *d, const struct field *field, const struct node *node, const char *path,
		     void *target)
{
	autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);
	struct wpk_handler_list *list = target;

	(void)field;
	if (node->kind != NODE_SEQUENCE) {
		struct finding *f = schema_wrong_type(d, node, path, "a list of handlers");

		f->suggestion = xstrdup("begin each handler with '- name:'");
		return;
	}
	list->items = xcalloc(node->len, sizeof(*list->items));
	for (size_t i = 0; i < node->len; i++) {
		strbuf_clear(&child);
		strbuf_addstr(&child, path);
		path_add_index(&child, i);
		decode_handler(d, node->items[i], child.buf, &list->items[list->len++]);
	}
	report_duplicates(d, list, path);
}

void wpk_handlers_release(struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		for (size_t j = 0; j < list->items[i].steps_len; j++)
			free(list->items[i].steps[j].path);
		free(list->items[i].steps);
	}
	free(list->items);
	*list = (struct wpk_handler_list){ 0 };
}
