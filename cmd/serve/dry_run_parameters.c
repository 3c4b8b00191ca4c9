/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/dry_run_parameters.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/parameters.h"

#define ERRORS_MAX 20
#define OPTION_PREFIX "--param: "	/* nobody has written one here */

/* The text of a plain value; NULL: it is none. The caller frees. */
static char *plain_text(const json_t *v)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	if (json_is_string(v))
		return strlen(json_string_value(v)) == json_string_length(v) ? xstrdup(json_string_value(v)) : NULL;
	if (!json_is_number(v) && !json_is_boolean(v))
		return NULL;
	json_write(v, 0, &text);
	return strbuf_detach(&text);
}

void check_parameters(const json_t *parameters, const char *pointer, struct complaints *wrong)
{
	json_t *object = (json_t *)(uintptr_t)parameters, *value;
	struct parameters p;
	const char *name;
	size_t found = 0;

	if (!json_is_object(parameters)) {
		complain(wrong, pointer, "parameters are an object with a value for each name");
		return;
	}
	parameters_init(&p);
	json_object_foreach(object, name, value) {
		autofree char *text = plain_text(value);
		autofree char *assignment = text ? xasprintf("%s=%s", name, text) : NULL;
		autofree char *at = xasprintf("%s/%.64s", pointer, name);
		struct error err = { 0 };

		if (!text)
			complain(wrong, at, "parameter '%.64s' must be a text, a number or a boolean", name);
		else if (!*name || strchr(name, '='))
			complain(wrong, at, "'%.64s' is no name for a parameter", name);
		else if (parameters_add(&p, assignment, &err) < 0)
			complain(wrong, at, "%s", err.text + (strncmp(err.text, OPTION_PREFIX, strlen(OPTION_PREFIX)) ? 0 : strlen(OPTION_PREFIX)));
		else
			continue;
		if (++found == ERRORS_MAX)
			break;
	}
	parameters_release(&p);
}
