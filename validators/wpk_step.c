/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step says, by its kind. The tables hold every key met in packages; a key that no table has is a
 * warning, because packages may carry keys for other tools. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "validators/wpk_handler.h"

static const struct field text_item = { .decode = decode_text };

/* ---- shell */

static const struct field shell_rows[] = {
	{ .key = "command", .decode = decode_node, .offset = offsetof(struct wpk_step, command),
	  .need = FIELD_REQUIRED, .help = "command: the script, run by a shell" },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_shell_table = FIELD_TABLE(shell_rows);

void decode_shell_config(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	autofree char *child = path_below(path, "command");

	schema_decode(d, &wpk_shell_table, node, path, step);
	if (!step->command)
		return;
	if (step->command->kind != NODE_SCALAR) {
		struct finding *f = schema_wrong_type(d, step->command, child, "text");

		if (step->command->kind == NODE_SEQUENCE)
			f->suggestion = xstrdup("write the commands as one text: 'command: |' and a line for each");
		step->command = NULL;
	} else if (!step->command->text[strspn(step->command->text, " \t\r\n")]) {
		finding_at(d->findings, FINDING_WARNING, "wpk/empty-command", step->command, child,
			   "the command is empty, the step does nothing");
	}
}

void decode_shell_step(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	struct finding *f;

	if (node->kind != NODE_SCALAR) {
		decode_shell_config(d, node, path, step);
		return;
	}
	step->command = node;
	f = finding_at(d->findings, FINDING_WARNING, "wpk/bare-command", node, path,
		       "'%s' is text, read as its command", path);
	f->suggestion = xstrdup("write 'shell:' and below it 'command:'");
}

/* ---- k8s */

static const struct enum_name k8s_actions[] = {
	{ "annotate", 0 }, { "apply", 0 }, { "copy", 0 },    { "create", 0 }, { "delete", 0 },	{ "events", 0 },
	{ "get", 0 },	   { "logs", 0 },  { "metrics", 0 }, { "patch", 0 },  { "restart", 0 }, { "restore", 0 },
	{ "rollback", 0 }, { "scale", 0 }, { "test", 0 },    { "wait", 0 },   { NULL, 0 },
};

void decode_action(struct decode *d, const struct field *field, const struct node *node, const char *path,
			  void *target)
{
	decode_word(d, field, node, path, NULL);
	if (node->kind == NODE_SCALAR)
		*(const char **)target = node->text;
}

static const struct field k8s_rows[] = {
	{ .key = "action", .decode = decode_action, .offset = offsetof(struct wpk_step, action),
	  .need = FIELD_REQUIRED, .extra = k8s_actions,
	  .help = "action: what to do, such as restart, scale, wait or patch" },
	{ .key = "namespace", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "resource", .offset = FIELD_CHECK },
	{ .key = "resource_name", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "resource_type", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "name", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "selector", .offset = FIELD_CHECK },
	{ .key = "timeout", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "condition", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "source", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "destination", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "backup_path", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "subset", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "read_only", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "lines", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "previous", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "analysis", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "field", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "query", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "annotation", .offset = FIELD_CHECK },
	{ .key = "value", .offset = FIELD_CHECK },
	{ .key = "template", .offset = FIELD_CHECK },
	{ .key = "manifest", .offset = FIELD_CHECK },
	{ .key = "delay", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "max_retries", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "grace_period", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "revision", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "data", .offset = FIELD_CHECK },
	{ .key = "patch", .offset = FIELD_CHECK },
	{ .key = "scale_factor", .offset = FIELD_CHECK },
	/* a number, or "original" */
	{ .key = "replicas", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "max_replicas", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "min_replicas", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "container", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "labels", .offset = FIELD_CHECK },
	{ .key = "annotations", .offset = FIELD_CHECK },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_k8s_table = FIELD_TABLE(k8s_rows);

void decode_k8s_config(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	schema_decode(d, &wpk_k8s_table, node, path, step);
}

/* ---- api */

static const struct enum_name api_methods[] = {
	{ "GET", 0 },	{ "HEAD", 0 },	 { "POST", 0 },	   { "PUT", 0 },
	{ "PATCH", 0 }, { "DELETE", 0 }, { "OPTIONS", 0 }, { NULL, 0 },
};

void decode_headers(struct decode *d, const struct field *field, const struct node *node, const char *path,
			   void *target)
{
	(void)target;
	if (node->kind != NODE_MAPPING) {
		schema_wrong_type(d, node, path, "a mapping");
		return;
	}
	for (size_t i = 0; i < node->len; i++) {
		const struct node *key = node->pairs[i].key, *value = node->pairs[i].value;
		autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addstr(&child, path);
		if (key->kind == NODE_SCALAR)
			path_add_key(&child, key->text, key->len);
		decode_text(d, field, value, child.buf, NULL);
	}
}

void decode_status(struct decode *d, const struct field *field, const struct node *node, const char *path,
			  void *target)
{
	size_t before = d->findings->len;
	uint64_t status = 200;

	(void)target;
	if (node->kind == NODE_SEQUENCE) {	/* any of several */
		static const struct field item = { .decode = decode_status };
		const struct field list = { .extra = &item };

		decode_list(d, &list, node, path, NULL);
		return;
	}
	decode_count(d, field, node, path, NULL);
	if (d->findings->len == before && integer_parse(node->text, node->len, 0, UINT64_MAX, &status, NULL) == 0 &&
	    (status < 100 || status > 599))
		finding_at(d->findings, FINDING_WARNING, "schema/value", node, path,
			   "'%s' is %s, HTTP knows 100 to 599", path, node->text);
}

static const struct field api_rows[] = {
	{ .key = "url", .decode = decode_text, .offset = offsetof(struct wpk_step, url), .need = FIELD_REQUIRED,
	  .help = "url: where the request goes" },
	{ .key = "method", .decode = decode_action, .offset = offsetof(struct wpk_step, method), .extra = api_methods },
	{ .key = "headers", .decode = decode_headers, .offset = FIELD_CHECK },
	{ .key = "payload", .offset = FIELD_CHECK },
	{ .key = "body", .offset = FIELD_CHECK },
	{ .key = "expected_status", .decode = decode_status, .offset = FIELD_CHECK },
	{ .key = "condition", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "timeout", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_api_table = FIELD_TABLE(api_rows);

void decode_api_config(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	schema_decode(d, &wpk_api_table, node, path, step);
}

/* ---- container */

void decode_arguments(struct decode *d, const struct field *field, const struct node *node, const char *path,
			     void *target)
{
	static const struct field list = { .extra = &text_item };

	(void)field;
	(void)target;
	if (node->kind != NODE_SCALAR)
		decode_list(d, &list, node, path, NULL);
}

static const struct field capability_rows[] = {
	{ .key = "add", .decode = decode_list, .offset = FIELD_CHECK, .extra = &text_item },
	{ .key = "drop", .decode = decode_list, .offset = FIELD_CHECK, .extra = &text_item },
};
static const struct field_table capability_table = FIELD_TABLE(capability_rows);

static const struct field security_rows[] = {
	{ .key = "privileged", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "capabilities", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &capability_table },
	{ .key = "allowPrivilegeEscalation", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "readOnlyRootFilesystem", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "runAsNonRoot", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "runAsUser", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "runAsGroup", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "procMount", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "seccompProfile", .offset = FIELD_CHECK },
	{ .key = "seLinuxOptions", .offset = FIELD_CHECK },
	{ .key = "appArmorProfile", .offset = FIELD_CHECK },
};
static const struct field_table security_table = FIELD_TABLE(security_rows);

static const struct field mount_rows[] = {
	{ .key = "name", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "mountPath", .decode = decode_text, .offset = FIELD_CHECK, .need = FIELD_WANTED,
	  .help = "mountPath: where it appears in the container" },
	{ .key = "hostPath", .offset = FIELD_CHECK },
	{ .key = "readOnly", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "subPath", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "subPathExpr", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "mountPropagation", .decode = decode_text, .offset = FIELD_CHECK },
};
static const struct field_table mount_table = FIELD_TABLE(mount_rows);
static const struct field mount_item = { .decode = decode_fields, .extra = &mount_table };

static const struct field resource_rows[] = {
	{ .key = "cpu", .decode = decode_cpu, .offset = FIELD_CHECK },
	{ .key = "memory", .decode = decode_size, .offset = FIELD_CHECK },
	{ .key = "storage", .decode = decode_size, .offset = FIELD_CHECK },
	{ .key = "ephemeral-storage", .decode = decode_size, .offset = FIELD_CHECK },
};
static const struct field_table resource_table = FIELD_TABLE(resource_rows);

static const struct field resources_rows[] = {
	{ .key = "requests", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &resource_table },
	{ .key = "limits", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &resource_table },
	{ .key = "claims", .offset = FIELD_CHECK },
};
static const struct field_table resources_table = FIELD_TABLE(resources_rows);

static const struct field container_rows[] = {
	{ .key = "image", .decode = decode_text, .offset = offsetof(struct wpk_step, image), .need = FIELD_REQUIRED,
	  .help = "image: the container image to run" },
	{ .key = "name", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "command", .decode = decode_arguments, .offset = FIELD_CHECK },
	{ .key = "args", .decode = decode_arguments, .offset = FIELD_CHECK },
	{ .key = "env", .offset = FIELD_CHECK },
	{ .key = "envFrom", .offset = FIELD_CHECK },
	{ .key = "ports", .offset = FIELD_CHECK },
	{ .key = "workingDir", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "imagePullPolicy", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "securityContext", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &security_table },
	{ .key = "volumeMounts", .decode = decode_list, .offset = FIELD_CHECK, .extra = &mount_item },
	{ .key = "volumes", .offset = FIELD_CHECK },
	{ .key = "resources", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &resources_table },
	{ .key = "description", .decode = decode_text, .offset = FIELD_CHECK },
};
const struct field_table wpk_container_table = FIELD_TABLE(container_rows);

void decode_container_step(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	schema_decode(d, &wpk_container_table, node, path, step);
}

/* ---- kubernetes: a manifest is the API server's to judge; only that it is one is looked at */

void decode_manifest_step(struct decode *d, const struct node *node, const char *path, struct wpk_step *step)
{
	static const char *const wanted[] = { "apiVersion", "kind" };

	(void)step;
	if (node->kind != NODE_MAPPING) {
		schema_wrong_type(d, node, path, "a manifest (a mapping)");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct node *value = node_get(node, wanted[i]);
		autofree char *child = path_below(path, wanted[i]);

		if (node_is_null(value))
			finding_add(d->findings, FINDING_WARNING, "wpk/manifest", node->start,
				    "the manifest at '%s' has no '%s'", path, wanted[i])->path = xstrdup(path);
		else
			decode_text(d, &text_item, value, child, NULL);
	}
}
