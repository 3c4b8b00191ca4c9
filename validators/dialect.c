/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/dialect.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/utf8.h"

#define KIND "WorkflowPackage"

static bool is_text(const struct node *node, const char *text)
{
	return node && node->kind == NODE_SCALAR && !strcmp(node->text, text);
}

static bool resembles_kind(const struct node *kind)
{
	static const char *const kinds[] = { KIND };

	return kind && kind->kind == NODE_SCALAR && nearest(kind->text, kinds, ARRAY_SIZE(kinds));
}

bool dialect_is_package(const struct node *root)
{
	const struct node *kind = node_get(root, "kind");

	if (is_text(kind, KIND) || resembles_kind(kind))
		return true;
	/* a Kubernetes object has a kind of its own; without one, the handlers tell */
	return node_is_null(kind) && node_get(node_get(root, "spec"), "handlers");
}

/* What a file looks like when it has these keys. "a/b" is the key b of the mapping under a; kinds: 'm'apping,
 * 'l'ist, 's'calar, '?' any. The first row that fits counts, so the particular ones come first. */
static const struct likeness {
	const char *what;
	struct { const char *key; char kind; } has[3];
} likenesses[] = {
	{ "a connector manifest (playbook_id, payload)", { { "playbook_id", '?' }, { "payload", '?' } } },
	{ "a marketplace entry (content, signature)", { { "content", 'm' }, { "signature", '?' } } },
	{ "a marketplace entry (content with steps)", { { "name", '?' }, { "content/steps", 'l' } } },
	{ "a graph of nodes", { { "id", '?' }, { "nodes", 'l' } } },
	{ "a graph of nodes", { { "version", '?' }, { "nodes", 'l' } } },
	{ "a GitHub Actions workflow", { { "on", '?' }, { "jobs", 'm' } } },
	{ "a GitHub action", { { "runs", 'm' }, { "runs/using", 's' } } },
	{ "a CircleCI configuration", { { "jobs", 'm' }, { "workflows", 'm' } } },
	{ "an Azure pipeline", { { "pool", '?' }, { "steps", 'l' } } },
	{ "a GitLab CI file", { { "stages", 'l' } } },
	{ "a Docker Compose file", { { "services", 'm' } } },
	{ "a Helm chart's Chart.yaml", { { "apiVersion", 's' }, { "name", 's' }, { "version", 's' } } },
	{ "the values of a Helm chart", { { "replicaCount", '?' } } },
	{ "the values of a Helm chart", { { "image/repository", 's' } } },
	{ "an OpenAPI description", { { "openapi", 's' }, { "paths", '?' } } },
	{ "an OpenAPI description", { { "swagger", 's' }, { "paths", '?' } } },
	{ "a JSON schema", { { "$schema", 's' } } },
	{ "an npm package.json", { { "name", 's' }, { "dependencies", 'm' } } },
	{ "an npm package.json", { { "name", 's' }, { "scripts", 'm' } } },
	{ "a kubeconfig", { { "clusters", 'l' }, { "contexts", 'l' } } },
	{ "a configuration of sandbox_runner", { { "sandbox", 'm' } } },
	{ "an Ansible role's tasks or variables", { { "hosts", '?' }, { "tasks", 'l' } } },
	{ "the inside of a package: 'handlers' stands under 'spec'", { { "handlers", 'l' } } },
	{ "a bare list of steps without the package around it", { { "steps", '?' } } },
};

static const struct node *lookup(const struct node *root, const char *key)
{
	const char *slash = strchr(key, '/');
	char first[32];

	if (!slash)
		return node_get(root, key);
	memcpy(first, key, (size_t)(slash - key));
	first[slash - key] = '\0';
	return node_get(node_get(root, first), slash + 1);
}

static bool fits(const struct likeness *like, const struct node *root)
{
	static const char letters[] = { [NODE_SCALAR] = 's', [NODE_MAPPING] = 'm', [NODE_SEQUENCE] = 'l' };

	for (size_t i = 0; i < ARRAY_SIZE(like->has) && like->has[i].key; i++) {
		const struct node *node = lookup(root, like->has[i].key);

		if (!node || (like->has[i].kind != '?' && letters[node->kind] != like->has[i].kind))
			return false;
	}
	return true;
}

static const char *describe_list(const struct node *root)
{
	const struct node *first = root->len ? root->items[0] : NULL;

	if (node_get(first, "hosts") || node_get(first, "import_playbook"))
		return "an Ansible playbook";
	if (node_get(first, "op") && node_get(first, "path"))
		return "a JSON patch";
	return "a list";
}

/* `out` is used when a name has to be put in. NULL: nothing we know. */
static const char *describe(const struct node *root, char *out, size_t size)
{
	const struct node *kind = node_get(root, "kind"), *api = node_get(root, "apiVersion");
	char quoted[UTF8_QUOTE_SIZE];

	if (root->kind == NODE_SCALAR)
		return "plain text";
	if (root->kind == NODE_SEQUENCE)
		return describe_list(root);
	if (!root->len)
		return "an empty mapping";
	if (!node_is_null(kind) && kind->kind == NODE_SCALAR && api) {
		snprintf(out, size, "a Kubernetes object of kind %s", utf8_quote(quoted, kind->text, kind->len));
		return out;
	}
	for (size_t i = 0; i < ARRAY_SIZE(likenesses); i++) {
		if (fits(&likenesses[i], root))
			return likenesses[i].what;
	}
	return NULL;
}

void dialect_report(const struct node *root, struct finding_list *findings)
{
	static const struct position start = { 1, 1 };
	char words[UTF8_QUOTE_SIZE + 64];
	const char *what = node_is_null(root) ? NULL : describe(root, words, sizeof(words));
	struct finding *f;

	if (node_is_null(root))
		f = finding_add(findings, FINDING_ERROR, "wpk/empty", start,
				"the file is empty, it holds no workflow package");
	else if (what)
		f = finding_add(findings, FINDING_ERROR, "wpk/not-a-package", root->start,
				"this is no workflow package, it looks like %s", what);
	else
		f = finding_add(findings, FINDING_ERROR, "wpk/not-a-package", root->start,
				"this is no workflow package, it has neither 'kind: " KIND
				"' nor handlers below 'spec'");
	f->suggestion = xstrdup("a workflow package is a mapping with apiVersion: v1, kind: " KIND
				", metadata, and spec with its handlers");
}
