/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/image_command.h"

#include <string.h>

#include "runner/base/mem.h"
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
