/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy of now looks at the structure of container steps only: what would hand the host over is blocked.
 * Each row of the table is one reason; the scanner's rules are going to take the table's place. */
#include "validators/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

struct decision {
	const struct wpk *wpk;
	enum verdict verdict;
	bool approval_required;
	struct strvec reasons;
};

/* A value in a container, once found. */
typedef bool hazard_test(const struct node *value);

struct hazard {
	const char *key;	/* "securityContext.capabilities.add[]": "[]" is every item of a list */
	hazard_test *test;
	const char *what;	/* completes "step 'x' …"; %s is the value, quoted */
};

static bool is_true(const struct node *value)
{
	bool yes;

	return (node_is_bool(value, &yes) && yes) || (value->kind == NODE_SCALAR && !strcasecmp(value->text, "true"));
}

static bool is_strong_capability(const struct node *value)
{
	static const char *const names[] = { "ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "NET_ADMIN" };
	const char *name;

	if (value->kind != NODE_SCALAR)
		return false;
	name = !strncasecmp(value->text, "CAP_", 4) ? value->text + 4 : value->text;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcasecmp(name, names[i]))
			return true;
	}
	return false;
}

/* The path without repeated and final slashes, "." and ".."; `out` holds at least as much as `path`. */
static void normalise(const char *path, char *out)
{
	char *end = out;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !memcmp(path, "..", 2)) {
			while (end > out && *--end != '/')
				;
		} else if (len && !(len == 1 && *path == '.')) {
			*end++ = '/';
			memcpy(end, path, len);
			end += len;
		}
		path += len;
		path += *path == '/';
	}
	if (end == out)
		*end++ = '/';
	*end = '\0';
}

static bool is_host_path(const struct node *value)
{
	static const char *const paths[] = {
		"/", "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
		"/var/run/containerd/containerd.sock", "/run/crio/crio.sock", "/var/run/crio/crio.sock",
		"/run/podman/podman.sock", "/var/run/podman/podman.sock", "/var/run", "/run",
	};
	autofree char *path = NULL;

	if (value->kind != NODE_SCALAR || value->text[0] != '/')
		return false;
	path = xmalloc(value->len + 2);
	normalise(value->text, path);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (!strcmp(path, paths[i]))
			return true;
	}
	return false;
}

static const struct hazard hazards[] = {
	{ "securityContext.privileged", is_true, "asks for a privileged container" },
	{ "securityContext.capabilities.add[]", is_strong_capability,
	  "asks for the capability %s, which is as good as root on the host" },
	{ "volumeMounts[].mountPath", is_host_path, "mounts %s, the host's root or the socket of an engine" },
	{ "volumeMounts[].hostPath", is_host_path, "mounts %s, the host's root or the socket of an engine" },
	{ "volumeMounts[].hostPath.path", is_host_path, "mounts %s, the host's root or the socket of an engine" },
	{ "volumes[].hostPath.path", is_host_path, "mounts %s, the host's root or the socket of an engine" },
};

static void add_reason(struct decision *d, const struct wpk_step *step, const struct hazard *hazard,
		       const struct node *value, const char *path)
{
	char name[UTF8_QUOTE_SIZE], quoted[UTF8_QUOTE_SIZE];
	autostrbuf struct strbuf what = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_quote(quoted, value->kind == NODE_SCALAR ? value->text : "", value->kind == NODE_SCALAR ? value->len : 0);
	strbuf_addf(&what, hazard->what, quoted);
	strvec_pushf(&d->reasons, "step %s %s (%s.container.%s, line %u)",
		     utf8_quote(name, step->name, strlen(step->name)), what.buf, step->path, path, value->start.line);
	d->verdict = VERDICT_BLOCK;
}

/* Follow `key` down from `node`; `done` is the part of the path that has been followed. */
static void look(struct decision *d, const struct wpk_step *step, const struct hazard *hazard, const struct node *node,
		 const char *key, const char *done)
{
	size_t len = strcspn(key, ".[");
	autofree char *name = xstrndup(key, len);
	const struct node *value = node_get(node, name);
	const char *rest = key + len;
	size_t n;

	if (!value)
		return;
	if (*rest != '[') {
		autofree char *path = xasprintf("%s%s%s", done, *done ? "." : "", name);

		if (*rest == '.')
			look(d, step, hazard, value, rest + 1, path);
		else if (hazard->test(value))
			add_reason(d, step, hazard, value, path);
		return;
	}
	n = value->kind == NODE_SEQUENCE ? value->len : 0;
	for (size_t i = 0; i < n; i++) {
		autofree char *path = xasprintf("%s%s%s[%zu]", done, *done ? "." : "", name, i);

		if (rest[2] == '.')
			look(d, step, hazard, value->items[i], rest + 3, path);
		else if (hazard->test(value->items[i]))
			add_reason(d, step, hazard, value->items[i], path);
	}
}

static void judge(struct decision *d, const struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct wpk_handler *handler = &list->items[i];

		d->approval_required |= handler->approval_required;
		for (size_t j = 0; j < handler->steps_len; j++) {
			const struct wpk_step *step = &handler->steps[j];

			d->approval_required |= step->approval_required;
			for (size_t k = 0; step->kind == WPK_STEP_CONTAINER && k < ARRAY_SIZE(hazards); k++)
				look(d, step, &hazards[k], step->node, hazards[k].key, "");
		}
	}
}

/* Until policies are read: the built-in names, with nothing in them. */
struct policy *policy_builtin(const char *name)
{
	struct policy *p;

	if (strcmp(name, "default") && strcmp(name, "registry-compat"))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(name);
	p->pack = strcmp(name, "default") ? RULES_REGISTRY_COMPAT : RULES_DEFAULT;
	p->allow_suppressions = true;
	return p;
}

struct policy *policy_from_document(const struct document *doc, struct finding_list *findings)
{
	finding_at(findings, FINDING_ERROR, "policy/unknown", doc->root, NULL, "policy files are not understood yet");
	return NULL;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->name);
	free(p);
}

void policy_apply(const struct policy *p, const struct wpk *wpk, struct finding_list *findings)
{
	(void)p;
	(void)wpk;
	(void)findings;
}

int policy_decide(const struct policy *p, const struct wpk *wpk, const struct finding_list *findings, struct decision **ret,
		  struct error *err)
{
	size_t errors = finding_count(findings, FINDING_ERROR);
	struct decision *d;

	(void)p;
	if (errors)
		return error_set(err, ERR_INVALID_INPUT, "the package has %zu error%s", errors, errors == 1 ? "" : "s");
	d = xcalloc(1, sizeof(*d));
	d->wpk = wpk;
	d->verdict = VERDICT_APPROVE;
	d->approval_required = wpk->approval_required;
	judge(d, &wpk->handlers);
	judge(d, &wpk->rollback);
	d->approval_required |= d->verdict != VERDICT_APPROVE;
	*ret = d;
	return 0;
}

void decision_free(struct decision *d)
{
	if (!d)
		return;
	strvec_release(&d->reasons);
	free(d);
}

const struct wpk *decision_wpk(const struct decision *d)
{
	return d->wpk;
}

enum verdict decision_verdict(const struct decision *d)
{
	return d->verdict;
}

bool decision_approval_required(const struct decision *d)
{
	return d->approval_required;
}

const struct strvec *decision_reasons(const struct decision *d)
{
	return &d->reasons;
}

const char *verdict_to_string(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_APPROVE] = "approve", [VERDICT_REVIEW] = "review", [VERDICT_BLOCK] = "block",
	};

	return names[v];
}

json_t *decision_to_json(const struct decision *d)
{
	json_t *o = json_object(), *reasons = json_array();

	json_put_text(o, "policy_decision", verdict_to_string(d->verdict));
	json_put_bool(o, "approval_required", d->approval_required);
	for (size_t i = 0; i < d->reasons.len; i++)
		json_push(reasons, json_text(d->reasons.items[i]));
	json_put(o, "reasons", reasons);
	return o;
}
