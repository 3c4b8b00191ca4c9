/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/wpk.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/dialect.h"
#include "validators/wpk_handler.h"

#define NAME_MAX_LENGTH 128

static const struct field text_item = { .decode = decode_text };

/* ---- metadata */

void decode_package_name(struct decode *d, const struct field *field, const struct node *node, const char *path,
				void *target)
{
	struct finding *f;

	decode_text(d, field, node, path, target);
	if (node->kind != NODE_SCALAR || (strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789-") == node->len &&
					  node->len && node->len <= NAME_MAX_LENGTH))
		return;
	f = finding_at(d->findings, FINDING_ERROR, "wpk/name", node, path,
		       "'%s' may hold only a-z, 0-9 and '-', and at most %d of them", path, NAME_MAX_LENGTH);
	f->suggestion = xstrdup("for example 'restart-unhealthy'");
}

/* Three numbers with points between them. */
static bool is_version(const char *s)
{
	for (unsigned int part = 0; part < 3; part++) {
		size_t digits = strspn(s, "0123456789");

		if (!digits || s[digits] != (part < 2 ? '.' : '\0'))
			return false;
		s += digits + 1;
	}
	return true;
}

void decode_version(struct decode *d, const struct field *field, const struct node *node, const char *path,
			   void *target)
{
	char quoted[UTF8_QUOTE_SIZE];
	struct finding *f;
	double number;

	decode_text(d, field, node, path, target);
	if (node->kind != NODE_SCALAR || (is_version(node->text) && node->len <= NAME_MAX_LENGTH))
		return;
	if (node_is_number(node, &number)) {
		f = finding_at(d->findings, FINDING_ERROR, "wpk/version", node, path,
			       "the version %s is a number to YAML, it must be text of three parts", node->text);
		f->suggestion = xasprintf("quote it and write all parts: \"%.40s%s\"", node->text,
					  strchr(node->text, '.') ? ".0" : ".0.0");
		return;
	}
	f = finding_at(d->findings, FINDING_ERROR, "wpk/version", node, path, "the version %s is not of the form 1.2.3",
		       utf8_quote(quoted, node->text, node->len));
	f->suggestion = xstrdup("write three numbers: \"1.0.0\"");
}

static const struct field metadata_rows[] = {
	{ .key = "name", .decode = decode_package_name, .offset = offsetof(struct wpk, name),
	  .need = FIELD_REQUIRED, .help = "name: a-z, 0-9 and '-', for example 'restart-unhealthy'" },
	{ .key = "version", .decode = decode_version, .offset = offsetof(struct wpk, version),
	  .need = FIELD_REQUIRED, .help = "version: three numbers, for example \"1.0.0\"" },
	{ .key = "description", .decode = decode_text, .offset = offsetof(struct wpk, description),
	  .need = FIELD_WANTED, .help = "description: one sentence on what the package does" },
	{ .key = "author", .decode = decode_text, .offset = offsetof(struct wpk, author), .need = FIELD_WANTED,
	  .help = "author: whom to ask about it" },
	{ .key = "created", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "tags", .decode = decode_list, .offset = FIELD_CHECK, .extra = &text_item },
	{ .key = "signature", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "labels", .offset = FIELD_CHECK },
	{ .key = "annotations", .offset = FIELD_CHECK },
};
static const struct field_table metadata_table = FIELD_TABLE(metadata_rows);

/* ---- spec.runtime, spec.safety */

static const struct enum_name runtime_types[] = {
	{ "k8s", WPK_RUNTIME_K8S }, { "kubernetes", WPK_RUNTIME_K8S }, { "docker", WPK_RUNTIME_DOCKER },
	{ "shell", WPK_RUNTIME_SHELL }, { NULL, 0 },
};

void decode_runtime_type(struct decode *d, const struct field *field, const struct node *node, const char *path,
				void *target)
{
	int type = WPK_RUNTIME_NONE;

	decode_word(d, field, node, path, &type);
	*(enum wpk_runtime *)target = (enum wpk_runtime)type;
}

static const struct field requirement_rows[] = {
	{ .key = "cpu", .decode = decode_cpu, .offset = offsetof(struct wpk_requirements, cpu_millis) },
	{ .key = "memory", .decode = decode_size, .offset = offsetof(struct wpk_requirements, memory_bytes) },
	{ .key = "storage", .decode = decode_size, .offset = offsetof(struct wpk_requirements, storage_bytes) },
};
static const struct field_table requirement_table = FIELD_TABLE(requirement_rows);

static const struct field runtime_rows[] = {
	{ .key = "type", .decode = decode_runtime_type, .offset = offsetof(struct wpk, runtime),
	  .need = FIELD_WANTED, .extra = runtime_types, .help = "type: one of k8s, docker, shell" },
	{ .key = "version", .decode = decode_text, .offset = offsetof(struct wpk, runtime_version) },
	{ .key = "requirements", .decode = decode_fields, .offset = offsetof(struct wpk, requirements),
	  .extra = &requirement_table },
};
static const struct field_table runtime_table = FIELD_TABLE(runtime_rows);

static const struct enum_name safety_modes[] = {
	{ "manual", WPK_SAFETY_MANUAL }, { "auto", WPK_SAFETY_AUTO }, { NULL, 0 },
};

void decode_safety_mode(struct decode *d, const struct field *field, const struct node *node, const char *path,
			       void *target)
{
	int mode = WPK_SAFETY_MANUAL;	/* the careful one, for what is not known too */

	decode_word(d, field, node, path, &mode);
	*(enum wpk_safety *)target = (enum wpk_safety)mode;
}

static const struct field safety_rows[] = {
	{ .key = "mode", .decode = decode_safety_mode, .offset = offsetof(struct wpk, safety_mode),
	  .need = FIELD_WANTED, .extra = safety_modes, .help = "mode: manual or auto; manual is assumed" },
	{ .key = "approval_required", .decode = decode_bool, .offset = offsetof(struct wpk, approval_required) },
	{ .key = "dry_run_required", .decode = decode_bool, .offset = offsetof(struct wpk, dry_run_required) },
	{ .key = "rollback_enabled", .decode = decode_bool, .offset = offsetof(struct wpk, rollback_enabled) },
};
static const struct field_table safety_table = FIELD_TABLE(safety_rows);

/* ---- spec.triggers */

static const struct enum_name trigger_types[] = { { "webhook", 0 }, { "schedule", 1 }, { "event", 2 }, { NULL, 0 } };

void decode_cron(struct decode *d, const struct field *field, const struct node *node, const char *path,
			void *target)
{
	unsigned int parts = 0;

	decode_text(d, field, node, path, target);
	if (node->kind != NODE_SCALAR || node->text[0] == '@')
		return;
	for (const char *s = node->text; *(s += strspn(s, " \t")); s += strcspn(s, " \t"))
		parts++;
	if (parts != 5)
		finding_at(d->findings, FINDING_WARNING, "wpk/cron", node, path, "'%s' has %u fields, cron wants 5",
			   path, parts);
}

static const struct field trigger_config_rows[] = {
	/* webhook */
	{ .key = "path", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "auth", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "method", .decode = decode_text, .offset = FIELD_CHECK },
	/* schedule */
	{ .key = "cron", .decode = decode_cron, .offset = FIELD_CHECK },
	{ .key = "timezone", .decode = decode_text, .offset = FIELD_CHECK },
	/* event */
	{ .key = "source", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "condition", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "duration", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "namespace", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "resource_type", .decode = decode_text, .offset = FIELD_CHECK },
};
static const struct field_table trigger_config_table = FIELD_TABLE(trigger_config_rows);

static const struct field trigger_rows[] = {
	{ .key = "type", .decode = decode_word, .offset = FIELD_CHECK, .need = FIELD_WANTED, .extra = trigger_types,
	  .help = "type: one of webhook, schedule, event" },
	{ .key = "config", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &trigger_config_table },
	{ .key = "name", .decode = decode_text, .offset = FIELD_CHECK },
};
static const struct field_table trigger_table = FIELD_TABLE(trigger_rows);
static const struct field trigger_item = { .decode = decode_fields, .extra = &trigger_table };

/* ---- spec.validation, spec.rollback, spec.monitoring */

static bool is_permission(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:*";
	size_t resource = strspn(s, letters), verb;

	if (!resource || s[resource] != '/')
		return false;
	verb = strspn(s + resource + 1, letters);
	return verb && !s[resource + 1 + verb];
}

void decode_permission(struct decode *d, const struct field *field, const struct node *node, const char *path,
			      void *target)
{
	char quoted[UTF8_QUOTE_SIZE];
	struct finding *f;

	decode_text(d, field, node, path, target);
	if (node->kind != NODE_SCALAR || is_permission(node->text))
		return;
	f = finding_at(d->findings, FINDING_WARNING, "wpk/permission", node, path,
		       "the permission %s is not of the form resource/verb", utf8_quote(quoted, node->text, node->len));
	f->suggestion = xstrdup("for example 'deployments/patch'");
}
static const struct field permission_item = { .decode = decode_permission };

static const struct field limit_rows[] = {
	{ .key = "max_storage", .decode = decode_size, .offset = FIELD_CHECK },
	{ .key = "max_memory", .decode = decode_size, .offset = FIELD_CHECK },
	{ .key = "max_cpu", .decode = decode_cpu, .offset = FIELD_CHECK },
	{ .key = "max_duration", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "max_retries", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "max_jobs", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "max_pods", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "max_namespaces", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "max_secrets", .decode = decode_count, .offset = FIELD_CHECK },
	{ .key = "max_replicas", .decode = decode_count, .offset = FIELD_CHECK },
};
const struct field_table wpk_limit_table = FIELD_TABLE(limit_rows);

void decode_limits(struct decode *d, const struct field *field, const struct node *node, const char *path,
			  void *target)
{
	decode_mapping(d, field, node, path, target);
	if (node->kind == NODE_MAPPING)
		schema_decode(d, &wpk_limit_table, node, path, NULL);
}

static const struct field validation_rows[] = {
	{ .key = "schema_version", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "required_permissions", .decode = decode_list, .offset = offsetof(struct wpk, permissions),
	  .extra = &permission_item },
	{ .key = "resource_limits", .decode = decode_limits, .offset = offsetof(struct wpk, resource_limits) },
};
static const struct field_table validation_table = FIELD_TABLE(validation_rows);

static const struct field rollback_rows[] = {
	{ .key = "enabled", .decode = decode_bool, .offset = offsetof(struct wpk, rollback_declared_enabled) },
	{ .key = "handlers", .decode = decode_handlers, .offset = offsetof(struct wpk, rollback) },
};
static const struct field_table rollback_table = FIELD_TABLE(rollback_rows);

static const struct enum_name alert_types[] = { { "slack", 0 }, { "email", 1 }, { "webhook", 2 }, { NULL, 0 } };
static const struct enum_name logging_levels[] = {
	{ "debug", 0 }, { "info", 1 }, { "warn", 2 }, { "error", 3 }, { NULL, 0 },
};

static const struct field alert_rows[] = {
	{ .key = "type", .decode = decode_word, .offset = FIELD_CHECK, .need = FIELD_WANTED, .extra = alert_types,
	  .help = "type: slack or email" },
	{ .key = "webhook", .decode = decode_text, .offset = FIELD_CHECK },
	{ .key = "recipients", .decode = decode_list, .offset = FIELD_CHECK, .extra = &text_item },
	{ .key = "on_failure", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "on_success", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "channel", .decode = decode_text, .offset = FIELD_CHECK },
};
static const struct field_table alert_table = FIELD_TABLE(alert_rows);
static const struct field alert_item = { .decode = decode_fields, .extra = &alert_table };

static const struct field monitoring_rows[] = {
	{ .key = "metrics_enabled", .decode = decode_bool, .offset = FIELD_CHECK },
	{ .key = "logging_level", .decode = decode_word, .offset = FIELD_CHECK, .extra = logging_levels },
	{ .key = "alerts", .decode = decode_list, .offset = FIELD_CHECK, .extra = &alert_item },
};
static const struct field_table monitoring_table = FIELD_TABLE(monitoring_rows);

/* ---- the envelope */

static const struct field spec_rows[] = {
	{ .key = "runtime", .decode = decode_fields, .need = FIELD_WANTED, .extra = &runtime_table,
	  .help = "runtime: where the package is meant to run, for example 'type: k8s'" },
	{ .key = "safety", .decode = decode_fields, .need = FIELD_WANTED, .extra = &safety_table,
	  .help = "safety: mode and what has to be approved; manual is assumed" },
	{ .key = "triggers", .decode = decode_list, .offset = offsetof(struct wpk, triggers), .extra = &trigger_item,
	  .help = "triggers: what makes it run: webhook, schedule or event" },
	{ .key = "handlers", .decode = decode_handlers, .offset = offsetof(struct wpk, handlers),
	  .need = FIELD_REQUIRED, .help = "handlers: the list of what the package does" },
	{ .key = "rollback", .decode = decode_fields, .extra = &rollback_table,
	  .help = "rollback: enabled, and the handlers that run when one of the others failed" },
	{ .key = "validation", .decode = decode_fields, .extra = &validation_table,
	  .help = "validation: required_permissions and resource_limits" },
	{ .key = "monitoring", .decode = decode_fields, .offset = FIELD_CHECK, .extra = &monitoring_table,
	  .help = "monitoring: metrics_enabled, logging_level and alerts" },
};
static const struct field_table spec_table = FIELD_TABLE(spec_rows);

void decode_exactly(struct decode *d, const struct field *field, const struct node *node, const char *path,
			   void *target)
{
	const char *wanted = field->extra;
	char quoted[UTF8_QUOTE_SIZE];
	struct finding *f;

	decode_text(d, field, node, path, target);
	if (node->kind != NODE_SCALAR || !strcmp(node->text, wanted))
		return;
	f = finding_at(d->findings, FINDING_ERROR, "wpk/envelope", node, path, "'%s' must be '%s', not %s", path,
		       wanted, utf8_quote(quoted, node->text, node->len));
	f->suggestion = xasprintf("write '%s: %s'", field->key, wanted);
}

static const struct field package_rows[] = {
	{ .key = "apiVersion", .decode = decode_exactly, .offset = FIELD_CHECK, .need = FIELD_REQUIRED,
	  .extra = "v1", .help = "write 'apiVersion: v1'" },
	{ .key = "kind", .decode = decode_exactly, .offset = FIELD_CHECK, .need = FIELD_REQUIRED,
	  .extra = "WorkflowPackage", .help = "write 'kind: WorkflowPackage'" },
	{ .key = "metadata", .decode = decode_fields, .need = FIELD_REQUIRED, .extra = &metadata_table,
	  .help = "metadata: name, version, description and author" },
	{ .key = "spec", .decode = decode_fields, .need = FIELD_REQUIRED, .extra = &spec_table,
	  .help = "spec: runtime, safety and handlers" },
};
const struct field_table wpk_package_table = FIELD_TABLE(package_rows);

/* ---- what the parts say together */

static void check_together(struct decode *d, const struct wpk *wpk)
{
	const struct node *spec = node_get(d->doc->root, "spec"), *rollback = node_get(spec, "rollback");
	const struct node *handlers = node_get(spec, "handlers");
	const struct node *declared = node_get(node_get(spec, "safety"), "rollback_enabled");
	const struct node *enabled = node_get(rollback, "enabled");

	if (handlers && handlers->kind == NODE_SEQUENCE && !handlers->len)
		finding_at(d->findings, FINDING_ERROR, "wpk/no-handlers", handlers, "spec.handlers",
			   "'spec.handlers' holds no handler");
	if (wpk->rollback_declared_enabled && declared && !wpk->rollback_enabled)
		finding_at(d->findings, FINDING_WARNING, "wpk/rollback", enabled, "spec.rollback.enabled",
			   "rollback is enabled here, but 'spec.safety.rollback_enabled' on line %u is false",
			   declared->start.line);
	if (wpk->rollback_enabled && !wpk->rollback_declared_enabled)
		finding_at(d->findings, FINDING_WARNING, "wpk/rollback", declared, "spec.safety.rollback_enabled",
			   "rollback is promised here, but 'spec.rollback' is not enabled");
	if (wpk->rollback_declared_enabled && !wpk->rollback.len)
		finding_at(d->findings, FINDING_WARNING, "wpk/rollback", enabled, "spec.rollback",
			   "rollback is enabled, but 'spec.rollback' has no handlers");
	if (wpk->rollback.len && enabled && !wpk->rollback_declared_enabled)
		finding_at(d->findings, FINDING_WARNING, "wpk/rollback", enabled, "spec.rollback.enabled",
			   "rollback is not enabled, its handlers will not run");
}

static void check_template(void *arg, const struct wpk_step *step, const struct node *text, enum template_kind kind,
			   const char *path)
{
	struct template_refs refs = { 0 };
	struct decode *d = arg;
	struct error err = { 0 };
	size_t offset = 0;

	(void)step;
	if (template_scan(kind, text->text, text->len, &refs, &offset, &err) < 0) {
		struct finding *f = finding_add(d->findings, FINDING_ERROR, "template/reference",
						node_text_position(d->doc, text, offset), "%s", err.text);

		f->path = xstrdup(path);
		f->width = 2;
		f->suggestion = xstrdup("write ${NAME} or ${NAME:-default}");
	}
	template_refs_release(&refs);
}

static void check_templates(struct decode *d, const struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		for (size_t j = 0; j < list->items[i].steps_len; j++)
			wpk_step_texts(&list->items[i].steps[j], check_template, d);
	}
}

int wpk_decode(const struct document *doc, struct wpk **ret, struct finding_list *findings, struct error *err)
{
	struct decode d = { .doc = doc, .findings = findings };
	struct wpk *wpk;

	(void)err;
	*ret = NULL;
	for (size_t i = 0; i < doc->problems_len; i++)
		finding_add(findings, FINDING_ERROR, "yaml/syntax", doc->problems[i].position, "%s",
			    doc->problems[i].message);
	if (!doc->root && doc->problems_len)
		return 0;
	if (!dialect_is_package(doc->root)) {
		dialect_report(doc->root, findings);
		return 0;
	}
	wpk = xcalloc(1, sizeof(*wpk));
	wpk->doc = doc;
	schema_decode(&d, &wpk_package_table, doc->root, "", wpk);
	check_together(&d, wpk);
	check_templates(&d, &wpk->handlers);
	check_templates(&d, &wpk->rollback);
	if (!wpk->name)
		wpk->name = "unnamed";
	if (!wpk->version)
		wpk->version = "0.0.0";
	wpk->workflow_id = xasprintf("%s-%s", wpk->name, wpk->version);
	*ret = wpk;
	return 0;
}

void wpk_free(struct wpk *wpk)
{
	if (!wpk)
		return;
	wpk_handlers_release(&wpk->handlers);
	wpk_handlers_release(&wpk->rollback);
	free(wpk->workflow_id);
	free(wpk);
}
