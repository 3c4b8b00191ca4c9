/* SPDX-License-Identifier: Apache-2.0
 * json_schema: just enough of JSON Schema 2020-12 to hold a result against runner/result.schema.json, and stricter than the standard in
 * one thing: a key that the schema does not describe is an error, so the two cannot drift apart. Keywords that are not known fail. */
#pragma once

#include <regex.h>
#include <string.h>

#include "runner/base/json.h"
#include "runner/base/mem.h"

struct schema_check {
	const json_t *root;
	char error[512];
};

static inline int schema_fail(struct schema_check *c, const char *path, const char *what)
{
	if (!c->error[0])
		snprintf(c->error, sizeof(c->error), "%s: %s", path, what);
	return -1;
}

static inline bool schema_has_type(const json_t *v, const char *type)
{
	static const struct { const char *name; int types[2]; } names[] = {
		{ "object", { JSON_OBJECT, -1 } },   { "array", { JSON_ARRAY, -1 } },	{ "string", { JSON_STRING, -1 } },
		{ "integer", { JSON_INTEGER, -1 } }, { "number", { JSON_REAL, JSON_INTEGER } }, { "null", { JSON_NULL, -1 } },
		{ "boolean", { JSON_TRUE, JSON_FALSE } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i].name, type))
			return (int)json_typeof(v) == names[i].types[0] || (int)json_typeof(v) == names[i].types[1];
	}
	return false;
}

static inline bool schema_type_ok(const json_t *type, const json_t *v)
{
	size_t i;
	const json_t *one;

	if (json_is_string(type))
		return schema_has_type(v, json_string_value(type));
	json_array_foreach(type, i, one) {
		if (schema_has_type(v, json_string_value(one)))
			return true;
	}
	return false;
}

static inline bool schema_enum_ok(const json_t *list, const json_t *v)
{
	size_t i;
	const json_t *one;

	json_array_foreach(list, i, one) {
		if (json_equal(one, v))
			return true;
	}
	return false;
}

static inline bool schema_pattern_ok(const json_t *pattern, const json_t *v)
{
	regex_t re;
	bool ok;

	if (!json_is_string(v))
		return true;
	if (regcomp(&re, json_string_value(pattern), REG_EXTENDED | REG_NOSUB))
		return false;
	ok = regexec(&re, json_string_value(v), 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

static inline int schema_check(struct schema_check *c, const json_t *schema, const json_t *v, const char *path);

static inline int schema_members(struct schema_check *c, const json_t *schema, const json_t *v, const char *path)
{
	const json_t *properties = json_object_get(schema, "properties"), *member;
	const char *key;

	json_object_foreach((json_t *)v, key, member) {
		const json_t *sub = json_object_get(properties, key);
		autofree char *below = xasprintf("%s.%s", path, key);

		if (!sub)
			return schema_fail(c, below, "not described");
		if (schema_check(c, sub, member, below) < 0)
			return -1;
	}
	return 0;
}

static inline int schema_keyword(struct schema_check *c, const json_t *schema, const char *key, const json_t *arg, const json_t *v,
				 const char *path)
{
	static const char *const silent[] = { "description", "title", "$schema", "$id", "$defs" };
	size_t i;
	const json_t *one;

	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		if (!strcmp(silent[i], key))
			return 0;
	}
	if (!strcmp(key, "$ref"))
		return schema_check(c, json_object_get(json_object_get(c->root, "$defs"), json_string_value(arg) + strlen("#/$defs/")), v,
				    path);
	if (!strcmp(key, "type"))
		return schema_type_ok(arg, v) ? 0 : schema_fail(c, path, "wrong type");
	if (!strcmp(key, "const"))
		return json_equal(arg, v) ? 0 : schema_fail(c, path, "not the constant");
	if (!strcmp(key, "enum"))
		return schema_enum_ok(arg, v) ? 0 : schema_fail(c, path, "not one of the enum");
	if (!strcmp(key, "minimum"))
		return !json_is_number(v) || json_number_value(v) >= json_number_value(arg) ? 0 : schema_fail(c, path, "too small");
	if (!strcmp(key, "pattern"))
		return schema_pattern_ok(arg, v) ? 0 : schema_fail(c, path, "does not match");
	if (!strcmp(key, "properties"))
		return schema_members(c, schema, v, path);
	if (!strcmp(key, "required")) {
		json_array_foreach((json_t *)arg, i, one) {
			if (json_is_object(v) && !json_object_get(v, json_string_value(one)))
				return schema_fail(c, path, json_string_value(one));
		}
		return 0;
	}
	if (!strcmp(key, "items")) {
		json_array_foreach((json_t *)v, i, one) {
			autofree char *below = xasprintf("%s[%zu]", path, i);

			if (schema_check(c, arg, one, below) < 0)
				return -1;
		}
		return 0;
	}
	return schema_fail(c, key, "keyword not known to this test");
}

static inline int schema_check(struct schema_check *c, const json_t *schema, const json_t *v, const char *path)
{
	const char *key;
	json_t *arg;

	if (!schema)
		return schema_fail(c, path, "its schema is missing");
	json_object_foreach((json_t *)schema, key, arg) {
		if (schema_keyword(c, schema, key, arg, v, path) < 0)
			return -1;
	}
	return 0;
}
