/* SPDX-License-Identifier: Apache-2.0
 * Effects on objects for machines and for eyes. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/k8s_effects.h"

static const struct { const char *sign, *color; } marks[] = {
	[EFFECT_DELETED] = { "-", "\033[31m" }, [EFFECT_CHANGED] = { "~", "\033[33m" }, [EFFECT_CREATED] = { "+", "\033[32m" },
};

static json_t *field_to_json(const struct object_field *f)
{
	json_t *o = json_object();

	json_put_text(o, "path", f->path);
	json_put_text(o, "before", *f->before ? f->before : NULL);
	json_put_text(o, "after", *f->after ? f->after : NULL);
	return o;
}

static json_t *effect_to_json(const struct object_effect *e)
{
	json_t *o = json_object(), *fields = json_array();

	json_put_text(o, "change", effect_change_to_string(e->change));
	json_put_text(o, "api_version", e->api_version);
	json_put_text(o, "object_kind", e->kind);
	json_put_text(o, "name", e->name);
	json_put_bool(o, "derived", e->derived);
	json_put_bool(o, "stand_in", e->stand_in);
	for (size_t i = 0; i < e->fields_len; i++)
		json_push(fields, field_to_json(&e->fields[i]));
	json_put(o, "fields", fields);
	json_put_int(o, "more_fields", (int64_t)e->more_fields);
	return o;
}

json_t *object_effects_to_json(const struct object_effects *e)
{
	json_t *o, *list;

	if (!e->known && !e->unknown_because)
		return json_null();
	o = json_object();
	json_put_bool(o, "known", e->known);
	json_put_text(o, "unknown_because", e->unknown_because);
	for (int change = 0; change < EFFECT_CHANGES; change++)
		json_put(o, effect_change_to_string((enum effect_change)change),
			 e->known ? json_integer((json_int_t)e->counts[change]) : json_null());
	json_put_int(o, "not_listed", (int64_t)e->not_listed);
	list = json_array();
	for (size_t i = 0; i < e->len; i++)
		json_push(list, effect_to_json(&e->items[i]));
	json_put(o, "changes", list);
	return o;
}

void object_effects_print(const struct object_effects *e, unsigned int indent, size_t max, bool color, struct strbuf *out)
{
	(void)marks;
	(void)max;
	(void)color;
	if (!e->known && e->unknown_because) {
		strbuf_addf(out, "%*sobjects: not known: ", (int)indent, "");
		printable_addstr(out, e->unknown_because);
		strbuf_addch(out, '\n');
	}
}
