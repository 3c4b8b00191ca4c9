/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/judge_facts.h"

#include "runner/base/digest.h"

#define WORST_SCORE 100

/* ---- the package */

static json_t *text_of(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_SCALAR && !node_is_null(n) ? json_textn(n->text, n->len) : json_null();
}

/* A signature that is empty is none. */
static json_t *signature_of(const struct node *metadata)
{
	const struct node *n = node_get(metadata, "signature");

	return n && n->kind == NODE_SCALAR && n->len && !node_is_null(n) ? json_textn(n->text, n->len) : json_null();
}

static json_t *tags_of(const struct node *metadata)
{
	const struct node *n = node_get(metadata, "tags");
	json_t *list = json_array();

	for (size_t i = 0; n && n->kind == NODE_SEQUENCE && i < n->len; i++)
		if (n->items[i]->kind == NODE_SCALAR)
			json_push(list, json_textn(n->items[i]->text, n->items[i]->len));
	return list;
}

static json_t *package_to_json(const struct package *p)
{
	const struct wpk *wpk = p->wpk;
	const struct node *root = p->doc->root, *metadata = node_get(root, "metadata"), *spec = node_get(root, "spec");
	char sha256[DIGEST_HEX_SIZE];
	json_t *o = json_object();
	size_t steps = 0;

	for (size_t i = 0; i < wpk->handlers.len; i++)
		steps += wpk->handlers.items[i].steps_len;
	sha256_hex(p->source.bytes.buf, p->source.bytes.len, sha256);
	json_put_text(o, "workflow_id", wpk->workflow_id);
	json_put_text(o, "name", wpk->name);
	json_put_text(o, "version", wpk->version);
	json_put_text(o, "description", wpk->description);
	json_put_text(o, "author", wpk->author);
	json_put(o, "created", text_of(metadata, "created"));
	json_put(o, "tags", tags_of(metadata));
	json_put(o, "safety_mode", text_of(node_get(spec, "safety"), "mode"));
	json_put(o, "runtime_type", text_of(node_get(spec, "runtime"), "type"));
	json_put_int(o, "handlers", (int64_t)wpk->handlers.len);
	json_put_int(o, "steps", (int64_t)steps);
	json_put(o, "signature", signature_of(metadata));
	json_put_text(o, "sha256", sha256);
	json_put_bool(o, "bundle", p->source.is_bundle);
	return o;
}

/* ---- as the registry's API tells it */

static void put_issue(const struct finding *f, bool blocked, json_t *issues, json_t *errors, json_t *warnings)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *o = json_object();

	json_put_text(o, "rule_id", f->rule_id);
	json_put_text(o, "severity", severity_to_string(f->severity));
	json_put_text(o, "message", f->message);
	json_put_text(o, "path", f->path);
	json_put_text(o, "suggestion", f->suggestion);
	json_put_text(o, "cwe", f->cwe);
	json_put_int(o, "line", f->position.line);
	json_put_int(o, "column", f->position.column);
	json_push(issues, o);
	strbuf_addf(&text, "%s%s%s", f->message, f->path ? " at " : "", f->path ? f->path : "");
	if (f->severity >= SEVERITY_HIGH && blocked)
		json_push(errors, json_textn(text.buf, text.len));
	else if (f->severity == SEVERITY_MEDIUM || f->severity == SEVERITY_LOW)
		json_push(warnings, json_textn(text.buf, text.len));
}

/* What is no valid package has no score: the worst one stands for it, so that nobody takes it for harmless. */
static json_t *validation_to_json(const struct finding_list *findings, const struct decision *d, const json_t *parse_errors)
{
	bool blocked = !d || decision_verdict(d) == VERDICT_BLOCK;
	json_t *o = json_object(), *issues = json_array(), *errors = json_array(), *warnings = json_array();

	for (size_t i = 0; i < json_array_size(parse_errors); i++)
		json_array_append(errors, json_array_get(parse_errors, i));
	for (size_t i = 0; findings && i < findings->len; i++)
		if (findings->items[i].of_rule)
			put_issue(&findings->items[i], blocked, issues, errors, warnings);
	json_put_bool(o, "valid", !blocked);
	json_put_int(o, "risk_score", d ? (int64_t)decision_score(d) : WORST_SCORE);
	json_put(o, "issues", issues);
	json_put_text(o, "policy_decision", verdict_to_string(d ? decision_verdict(d) : VERDICT_BLOCK));
	json_put_bool(o, "approval_required", d ? decision_approval_required(d) : true);
	json_put(o, "errors", errors);
	json_put(o, "warnings", warnings);
	return o;
}

static json_t *category_to_json(const struct decision *d)
{
	json_auto_t *all = d ? decision_to_json(d) : NULL;
	json_t *category = json_object_get(all, "category");

	return category ? json_incref(category) : json_null();
}

/* ---- the whole */

static json_t *errors_to_json(const struct finding_list *findings, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->len; i++) {
		const struct finding *f = &findings->items[i];
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		if (f->level != FINDING_ERROR)
			continue;
		strbuf_addstr(&text, name);
		if (f->position.line)
			strbuf_addf(&text, ":%u:%u", f->position.line, f->position.column);
		strbuf_addf(&text, ": %s", f->message);
		json_push(list, json_textn(text.buf, text.len));
	}
	return list;
}

static json_t *make(bool valid, json_t *package, json_t *validation, json_t *category, json_t *findings, json_t *decision,
		    json_t *parse_errors)
{
	json_t *o = json_object();

	json_put_bool(o, "valid", valid);
	json_put(o, "package", package);
	json_put(o, "validation", validation);
	json_put(o, "category", category);
	json_put(o, "findings", findings);
	json_put(o, "decision", decision);
	json_put(o, "parse_errors", parse_errors);
	return o;
}

json_t *judge_facts(const struct judged *j)
{
	json_t *errors = errors_to_json(&j->package->findings, j->name);

	return make(j->valid, j->package->wpk ? package_to_json(j->package) : json_null(),
		    validation_to_json(j->issues, j->registry, errors), category_to_json(j->registry),
		    package_findings_to_json(j->package), j->decision ? decision_to_json(j->decision) : json_null(), errors);
}

json_t *judge_facts_unreadable(const char *name, const char *why)
{
	json_t *errors = json_array();
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&text, "%s: %s", name, why);
	json_push(errors, json_textn(text.buf, text.len));
	return make(false, json_null(), validation_to_json(NULL, NULL, errors), json_null(), json_array(), json_null(), errors);
}
