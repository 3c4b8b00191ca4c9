/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/image_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/strbuf.h"
#include "validators/template.h"

static const char *lookup(void *arg, const char *name)
{
	const struct parameter *p = parameters_find(arg, name);

	return p ? p->value : NULL;
}

static int expand(const struct node *text, const struct parameters *parameters, struct strbuf *out, struct error *err)
{
	static const struct parameters none = { .items = NULL };

	if (template_expand(text->text, text->len, lookup, (void *)(parameters ? parameters : &none), out, err) < 0)
		return error_prefix(err, "line %u", text->start.line);
	return 0;
}

static int push_expanded(const struct node *text, const struct parameters *parameters, struct strvec *argv, struct error *err)
{
	autostrbuf struct strbuf value = STRBUF_INIT(STRBUF_NO_MAX);

	if (expand(text, parameters, &value, err) < 0)
		return -1;
	strvec_push(argv, value.buf ? value.buf : "");
	return 0;
}

/* A list, or one text, which is one word. False in *ret when there is none. */
static int push_words(const struct node *container, const char *key, const struct parameters *parameters, struct strvec *argv, bool *ret,
		      struct error *err)
{
	const struct node *list = node_get(container, key);

	*ret = list && (list->kind == NODE_SCALAR || list->kind == NODE_SEQUENCE);
	if (list && list->kind == NODE_SCALAR)
		return push_expanded(list, parameters, argv, err);
	for (size_t i = 0; *ret && i < list->len; i++) {
		const struct node *word = list->items[i];

		if (word->kind != NODE_SCALAR)
			return error_set(err, ERR_INVALID_INPUT, "line %u: '%s' is a list of texts", word->start.line, key);
		if (wpk_argument_is_script(container, list, i))
			strvec_push(argv, word->text);
		else if (push_expanded(word, parameters, argv, err) < 0)
			return -1;
	}
	return 0;
}

static void push_all(struct strvec *to, const struct strvec *from)
{
	for (size_t i = 0; i < from->len; i++)
		strvec_push(to, from->items[i]);
}

int image_command(const struct wpk_step *step, const struct parameters *parameters, const struct sandbox_image_defaults *image,
		  struct strvec *argv, struct error *err)
{
	bool has_command, has_args;

	if (push_words(step->node, "command", parameters, argv, &has_command, err) < 0)
		return -1;
	if (!has_command)
		push_all(argv, &image->entrypoint);
	if (push_words(step->node, "args", parameters, argv, &has_args, err) < 0)
		return -1;
	if (!has_command && !has_args)
		push_all(argv, &image->command);
	if (!argv->len)
		return error_set(err, ERR_INVALID_INPUT, "neither the step nor its image '%s' says what to execute: give it a 'command'", step->image);
	return 0;
}

static bool has_name(const struct strvec *env, const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < env->len; i++)
		if (!strncmp(env->items[i], assignment, n))
			return true;
	return false;
}

/* - {name: A, value: B}; what comes from a secret or a field of a pod has no value here. */
static int push_variable(const struct node *item, const struct parameters *parameters, struct strvec *env, struct error *err)
{
	const struct node *name = node_get(item, "name"), *value = node_get(item, "value");
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	if (!name || name->kind != NODE_SCALAR || !value || value->kind != NODE_SCALAR)
		return 0;
	strbuf_addf(&text, "%s=", name->text);
	if (expand(value, parameters, &text, err) < 0)
		return -1;
	strvec_push(env, text.buf);
	return 0;
}

int image_environment(const struct wpk_step *step, const struct parameters *parameters, const struct sandbox_image_defaults *image,
		      const struct strvec *usual, struct strvec *env, struct error *err)
{
	const struct node *list = node_get(step->node, "env");

	/* the first of a name counts, so those of the step come first */
	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++)
		if (push_variable(list->items[i], parameters, env, err) < 0)
			return -1;
	for (size_t i = 0; i < image->environment.len; i++)
		if (!has_name(env, image->environment.items[i]))
			strvec_push(env, image->environment.items[i]);
	for (size_t i = 0; i < usual->len; i++)
		if (!has_name(env, usual->items[i]))
			strvec_push(env, usual->items[i]);
	return 0;
}

int image_folder(const struct wpk_step *step, const struct parameters *parameters, char **ret, struct error *err)
{
	const struct node *dir = node_get(step->node, "workingDir");
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	*ret = NULL;
	if (!dir || dir->kind != NODE_SCALAR || !dir->len)
		return 0;
	if (expand(dir, parameters, &text, err) < 0)
		return -1;
	*ret = strbuf_detach(&text);
	return 0;
}

void image_limits(const struct wpk_step *step, struct sandbox_limits *limits)
{
	const struct node *resources = node_get(step->node, "resources"), *own = resources ? node_get(resources, "limits") : NULL;
	const struct { const char *key; int (*parse)(const char *text, size_t len, uint64_t *ret, struct error *err); uint64_t *limit; } rows[] = {
		{ "memory", size_parse, &limits->memory_bytes }, { "cpu", cpu_parse, &limits->cpu_millis },
	};

	for (size_t i = 0; own && own->kind == NODE_MAPPING && i < ARRAY_SIZE(rows); i++) {
		const struct node *value = node_get(own, rows[i].key);
		uint64_t n;

		if (value && value->kind == NODE_SCALAR && rows[i].parse(value->text, value->len, &n, NULL) == 0 && n &&
		    (!*rows[i].limit || n < *rows[i].limit))
			*rows[i].limit = n;
	}
}

/* ---- what is not given */

static __attribute__((format(printf, 4, 5))) void warn(const struct node *node, const char *file, struct strvec *warnings, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strvec_pushf(warnings, "%s:%u:%u: %s", file, node->start.line, node->start.column, text);
}

static bool is_text(const struct node *node, const char *text)
{
	return node && node->kind == NODE_SCALAR && !strcmp(node->text, text);
}

static void warn_of_security(const struct node *context, const char *file, struct strvec *warnings)
{
	static const struct { const char *key, *unless, *why; } rows[] = {
		{ "privileged", "false", "no sandbox is privileged" },
		{ "allowPrivilegeEscalation", "false", "no-new-privs is set in every sandbox" },
		{ "readOnlyRootFilesystem", "true", "the root of an image is read-only: write to the work folder or /tmp" },
		{ "runAsUser", "", "steps are nobody's user, whatever is asked for" },
		{ "runAsGroup", "", "steps are nobody's group, whatever is asked for" },
	};
	const struct node *capabilities, *add;

	if (!context || context->kind != NODE_MAPPING)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct node *value = node_get(context, rows[i].key);

		if (value && value->kind == NODE_SCALAR && !is_text(value, rows[i].unless))
			warn(value, file, warnings, "'%s: %.40s' is not honoured: %s", rows[i].key, value->text, rows[i].why);
	}
	capabilities = node_get(context, "capabilities");
	add = capabilities && capabilities->kind == NODE_MAPPING ? node_get(capabilities, "add") : NULL;
	if (add && add->kind == NODE_SEQUENCE && add->len)
		warn(add, file, warnings, "'capabilities.add' is not honoured: no sandbox gives a capability but NET_BIND_SERVICE, by --net-bind-service");
}

static void warn_of_variables(const struct node *env, const char *file, struct strvec *warnings)
{
	for (size_t i = 0; env && env->kind == NODE_SEQUENCE && i < env->len; i++) {
		const struct node *name = node_get(env->items[i], "name"), *from = node_get(env->items[i], "valueFrom");

		if (from && name && name->kind == NODE_SCALAR)
			warn(from, file, warnings, "variable '%.60s' has no value: there is no cluster to take it from; give it by 'value: ${%.60s}' and --param",
			     name->text, name->text);
	}
}

static void warn_of_mounts(const struct node *mounts, const char *file, struct strvec *warnings)
{
	for (size_t i = 0; mounts && mounts->kind == NODE_SEQUENCE && i < mounts->len; i++) {
		const struct node *path = node_get(mounts->items[i], "mountPath");

		if (path && path->kind == NODE_SCALAR)
			warn(path, file, warnings, "nothing is mounted at '%.100s': volumes are not honoured; what can be written to are " SANDBOX_WORKDIR
			     " and /tmp", path->text);
	}
}

void image_warnings(const struct wpk_step *step, const char *file, struct strvec *warnings)
{
	static const struct { const char *key, *why; } rows[] = {
		{ "ports", "nobody can connect to a step" },
		{ "envFrom", "there is no cluster to take variables from; give them by 'env'" },
		{ "imagePullPolicy", "--pull and --offline decide" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct node *value = node_get(step->node, rows[i].key);

		if (value && !node_is_null(value))
			warn(value, file, warnings, "'%s' is not honoured: %s", rows[i].key, rows[i].why);
	}
	warn_of_variables(node_get(step->node, "env"), file, warnings);
	warn_of_mounts(node_get(step->node, "volumeMounts"), file, warnings);
	warn_of_security(node_get(step->node, "securityContext"), file, warnings);
}
