/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/wpk_schema.h"

#include <assert.h>
#include <string.h>

#include "validators/wpk_handler.h"

#define SCHEMA_ID "urn:sandbox-runner:schema:package:1"

/* Values by decoder. Plain scalars of YAML come as numbers or booleans too, and are taken as written. */
#define TEXT "{\"type\": [\"string\", \"number\", \"boolean\"]}"

static const struct value_form {
	field_decoder *decode;
	const char *json;
	bool may_be_open;	/* ${NAME} may stand for it when it is only checked */
} value_forms[] = {
	{ decode_text, TEXT, false },
	{ decode_node, "{}", false },
	{ decode_mapping, "{\"type\": \"object\"}", false },
	{ decode_sequence, "{\"type\": \"array\"}", false },
	{ decode_bool,
	  "{\"type\": [\"boolean\", \"string\"], "
	  "\"pattern\": \"^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$\"}", true },
	{ decode_duration,
	  "{\"type\": [\"string\", \"number\"], \"minimum\": 0, "
	  "\"pattern\": \"^([0-9]+(\\\\.[0-9]+)?(d|h|ms|us|m|s)?)+$\"}", true },
	{ decode_size, "{\"type\": [\"string\", \"number\"], \"minimum\": 0, "
		       "\"pattern\": \"^[0-9]+(\\\\.[0-9]*)?([eE][+]?[0-9]+|[KMGTPE]i|[kMGTPE])?$\"}", true },
	{ decode_cpu,
	  "{\"type\": [\"string\", \"number\"], \"minimum\": 0, \"pattern\": \"^[0-9]+(\\\\.[0-9]*)?m?$\"}", true },
	{ decode_count, "{\"type\": [\"integer\", \"string\"], \"minimum\": 0, \"pattern\": \"^[0-9]+$\"}", true },
	{ decode_package_name, "{\"type\": [\"string\", \"integer\"], \"pattern\": \"^[a-z0-9-]{1,128}$\"}", false },
	{ decode_version,
	  "{\"type\": \"string\", \"pattern\": \"^[0-9]+\\\\.[0-9]+\\\\.[0-9]+$\", \"maxLength\": 128}", false },
	{ decode_cron, TEXT, false },
	{ decode_permission, TEXT, false },
	{ decode_headers, "{\"type\": \"object\", \"additionalProperties\": " TEXT "}", false },
	{ decode_status,
	  "{\"anyOf\": [{\"$ref\": \"#/$defs/count\"}, {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/count\"}}]}", true },
	{ decode_arguments, "{\"anyOf\": [" TEXT ", {\"type\": \"array\", \"items\": " TEXT "}]}", false },
	{ decode_handlers, "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/handler\"}}", false },
};

static json_t *parsed(const char *json)
{
	json_t *value = NULL;
	struct error err = { 0 };
	int rc = json_parse(json, strlen(json), "schema", &value, &err);

	assert(rc == 0);
	(void)rc;
	return value;
}

static json_t *reference(const char *name)
{
	json_t *o = json_object();
	autostrbuf struct strbuf target = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&target, "#/$defs/%s", name);
	json_put_text(o, "$ref", target.buf);
	return o;
}

static json_t *any_of(json_t *first, json_t *second)
{
	json_t *o = json_object(), *list = json_array();

	json_push(list, first);
	json_push(list, second);
	json_put(o, "anyOf", list);
	return o;
}

static json_t *words(const struct enum_name *names)
{
	json_t *o = json_object(), *list = json_array();

	for (; names->name; names++)
		json_push(list, json_text(names->name));
	json_put(o, "enum", list);
	return o;
}

static json_t *table_schema(const struct field_table *table);

/* Decoders whose rows say more. NULL: not one of them. */
static json_t *composite(const struct field *field)
{
	json_t *o;

	if (field->decode == decode_fields)
		return table_schema(field->extra);
	if (field->decode == decode_limits)
		return table_schema(&wpk_limit_table);
	if (field->decode == decode_enum)
		return words(field->extra);
	if (field->decode == decode_word || field->decode == decode_runtime_type || field->decode == decode_safety_mode ||
	    (field->decode == decode_action && field->extra))
		return any_of(words(field->extra), parsed(TEXT));	/* for completion; other words are warnings */
	o = json_object();
	if (field->decode == decode_exactly) {
		json_put_text(o, "const", field->extra);
		return o;
	}
	json_decref(o);
	return NULL;
}

static json_t *value_schema(const struct field *field)
{
	json_t *o = composite(field);
	const struct field *item = field->extra;

	if (o)
		return o;
	if (!field->decode)
		return json_object();
	if (field->decode == decode_list) {
		o = json_object();
		json_put_text(o, "type", "array");
		json_put(o, "items", value_schema(item));
		return o;
	}
	for (size_t i = 0; i < sizeof(value_forms) / sizeof(value_forms[0]); i++) {
		const struct value_form *form = &value_forms[i];

		if (form->decode != field->decode)
			continue;
		o = parsed(form->json);
		return form->may_be_open && field->offset == FIELD_CHECK ? any_of(o, reference("parameter")) : o;
	}
	assert(!"a decoder without a form");
	return json_object();
}

/* "timeout: of each attempt", as errors have it, without the key. */
static void describe(json_t *schema, const struct field *field)
{
	size_t len = strlen(field->key);

	if (!field->help)
		return;
	json_put_text(schema, "description",
		      !strncmp(field->help, field->key, len) && !strncmp(field->help + len, ": ", 2)
			      ? field->help + len + 2
			      : field->help);
}

static json_t *table_schema(const struct field_table *table)
{
	json_t *o = json_object(), *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < table->len; i++) {
		const struct field *field = &table->fields[i];
		json_t *value = value_schema(field);

		if (field->need == FIELD_REQUIRED)
			json_push(required, json_text(field->key));
		else if (json_object_size(value))	/* nothing behind the colon is as good as no key */
			value = any_of(value, parsed("{\"type\": \"null\"}"));
		describe(value, field);
		json_put(properties, field->key, value);
	}
	json_put_text(o, "type", "object");
	json_put(o, "properties", properties);
	if (json_array_size(required))
		json_put(o, "required", required);
	else
		json_decref(required);
	json_put_bool(o, "additionalProperties", true);
	return o;
}

/* ---- what tables do not say */

/* Dialect A has a type and its config, dialect B has steps; both may stand together. */
static json_t *handler_schema(void)
{
	json_t *o = table_schema(&wpk_handler_table), *properties = json_object_get(o, "properties"), *rules = json_array();
	static const struct { const char *type, *form; } configs[] = {
		{ "shell", "shell" }, { "api", "api" }, { "k8s", "k8s" }, { "kubernetes", "k8s" },
	};
	json_t *type = any_of(words(wpk_handler_types), parsed("{\"type\": [\"string\", \"null\"]}"));

	json_put_text(type, "description",
		      json_string_value(json_object_get(json_object_get(properties, "type"), "description")));
	json_put(properties, "type", type);
	json_put(properties, "steps", parsed("{\"type\": [\"array\", \"null\"], \"items\": {\"$ref\": \"#/$defs/step\"}, "
					     "\"description\": \"a list, each with shell, container or kubernetes\"}"));
	json_push(rules, parsed("{\"anyOf\": [{\"required\": [\"steps\"]}, {\"required\": [\"type\", \"config\"], "
				"\"properties\": {\"config\": {\"type\": \"object\"}}}]}"));
	json_push(rules,
		  parsed("{\"if\": {\"required\": [\"config\"], \"properties\": {\"config\": {\"type\": \"object\"}}}, "
			 "\"then\": {\"required\": [\"type\"], \"properties\": {\"type\": {\"enum\": [\"shell\", "
			 "\"api\", \"k8s\", \"kubernetes\"]}}}}"));
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		json_t *rule = parsed("{\"if\": {\"required\": [\"type\", \"config\"], \"properties\": {\"config\": "
				      "{\"type\": \"object\"}}}}");
		json_t *then = json_object(), *config = json_object(), *constant = json_object();

		json_put_text(constant, "const", configs[i].type);
		json_put(json_object_get(json_object_get(rule, "if"), "properties"), "type", constant);
		json_put(config, "config", reference(configs[i].form));
		json_put(then, "properties", config);
		json_put(rule, "then", then);
		json_push(rules, rule);
	}
	json_put(o, "allOf", rules);
	return o;
}

static json_t *step_schema(void)
{
	json_t *o = table_schema(&wpk_step_table), *properties = json_object_get(o, "properties");
	static const struct { const char *key, *json; } forms[] = {
		{ "shell", "{\"anyOf\": [{\"$ref\": \"#/$defs/shell\"}, {\"type\": [\"string\", \"null\"]}]}" },
		{ "container", "{\"anyOf\": [{\"$ref\": \"#/$defs/container\"}, {\"type\": \"null\"}]}" },
		{ "kubernetes",
		  "{\"type\": [\"object\", \"null\"], "
		  "\"properties\": {\"apiVersion\": {\"type\": \"string\"}, \"kind\": {\"type\": \"string\"}}}" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		json_t *form = parsed(forms[i].json),
		       *help = json_object_get(json_object_get(properties, forms[i].key), "description");

		if (help)
			json_put(form, "description", json_incref(help));
		json_put(properties, forms[i].key, form);
	}
	json_put(o, "oneOf",
		 parsed("[{\"required\": [\"shell\"]}, {\"required\": [\"container\"]}, {\"required\": "
			"[\"kubernetes\"]}]"));
	return o;
}

static json_t *text_command(json_t *shell)
{
	json_put(json_object_get(shell, "properties"), "command",
		 parsed("{\"type\": [\"string\", \"number\", \"boolean\"], \"description\": \"the script, run by a "
			"shell\"}"));
	return shell;
}

json_t *wpk_schema(void)
{
	json_t *o = json_object(), *defs = json_object(), *package = table_schema(&wpk_package_table);
	json_t *handlers = json_object_get(
		json_object_get(json_object_get(json_object_get(package, "properties"), "spec"), "properties"),
		"handlers");
	const char *key;
	json_t *value;

	json_put_text(o, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_put_text(o, "$id", SCHEMA_ID);
	json_put_text(o, "title", "Workflow package");
	json_put_text(o, "description",
		      "A workflow package (*.wpk.yaml) of either dialect: handlers with 'type' and 'config', or with 'steps'. "
		      "Keys that are not described are allowed, because packages may carry keys for other tools; "
		      "'sandbox_runner validate' warns about them and says much more than a schema can.");
	json_put_int(handlers, "minItems", 1);
	json_object_foreach(package, key, value)
		json_put(o, key, json_incref(value));
	json_decref(package);
	json_put(defs, "handler", handler_schema());
	json_put(defs, "step", step_schema());
	json_put(defs, "shell", text_command(table_schema(&wpk_shell_table)));
	json_put(defs, "api", table_schema(&wpk_api_table));
	json_put(defs, "k8s", table_schema(&wpk_k8s_table));
	json_put(defs, "container", table_schema(&wpk_container_table));
	json_put(defs, "count", parsed("{\"type\": [\"integer\", \"string\"], \"minimum\": 0, \"pattern\": \"^[0-9]+$\"}"));
	json_put(defs, "parameter",
		 parsed("{\"description\": \"left to a parameter\", \"type\": \"string\", \"pattern\": "
			"\"\\\\$\\\\{\"}"));
	json_put(o, "$defs", defs);
	return o;
}
