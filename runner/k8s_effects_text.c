/* SPDX-License-Identifier: Apache-2.0
 * Effects on objects for machines and for eyes: deletions first, and what is not shown is counted. */
#include <ctype.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/k8s_effects.h"
#include "runner/result_json.h"

#define RESET "\033[0m"
enum { FIELDS_SHOWN = 6, VALUE_COLUMNS = 60, NAME_COLUMNS = 120, PATH_COLUMNS = 120 };

static const struct { const char *sign, *color; } marks[] = {
	[EFFECT_DELETED] = { "-", "\033[31m" }, [EFFECT_CHANGED] = { "~", "\033[33m" }, [EFFECT_CREATED] = { "+", "\033[32m" },
};

/* A value as it was in the object: null when it was absent. */
static json_t *value_of(const char *text)
{
	struct error err;
	json_t *value;

	if (!*text || json_parse(text, strlen(text), "value", &value, &err) < 0)
		return json_text(*text ? text : NULL);
	return value;
}

/* ---- redaction */

static void redact_plain(char **text, const struct redactor *redactor)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(redactor, *text, strlen(*text), &sb);
	free(*text);
	*text = strbuf_detach(&sb);
}

/* As a value, not as the JSON text of it: that has escapes which a secret has not. */
static void redact_value(char **text, const struct redactor *redactor)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *wrapped = NULL;

	if (!**text)
		return;
	wrapped = json_array();
	json_push(wrapped, value_of(*text));
	json_redact(wrapped, redactor);
	json_write(json_array_get(wrapped, 0), 0, &sb);
	free(*text);
	*text = strbuf_detach(&sb);
}

void object_effects_redact(struct object_effects *e, const struct redactor *redactor)
{
	if (!redactor || redactor_is_empty(redactor))
		return;
	if (e->unknown_because)
		redact_plain(&e->unknown_because, redactor);
	for (size_t i = 0; i < e->len; i++) {
		struct object_effect *item = &e->items[i];

		redact_plain(&item->name, redactor);
		for (size_t k = 0; k < item->fields_len; k++) {
			redact_plain(&item->fields[k].path, redactor);
			redact_value(&item->fields[k].before, redactor);
			redact_value(&item->fields[k].after, redactor);
		}
	}
}

/* ---- JSON */

static json_t *field_to_json(const struct object_field *f)
{
	json_t *o = json_object();

	json_put_text(o, "path", f->path);
	json_put(o, "before", value_of(f->before));
	json_put(o, "after", value_of(f->after));
	return o;
}

static json_t *effect_to_json(const struct object_effect *e)
{
	json_t *o = json_object(), *fields = json_array();

	json_put_text(o, "change", effect_change_to_string(e->change));
	json_put_text(o, "api_version", e->api_version);
	json_put_text(o, "kind", e->kind);
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
	json_put_int(o, "kinds_not_seen", (int64_t)e->kinds_not_seen);
	json_put_int(o, "not_listed", (int64_t)e->not_listed);
	list = json_array();
	for (size_t i = 0; i < e->len; i++)
		json_push(list, effect_to_json(&e->items[i]));
	json_put(o, "changes", list);
	return o;
}

/* ---- eyes */

/* Texts without their quotes where nobody can take them for something else. */
static void add_value(const char *text, struct strbuf *out)
{
	size_t len = strlen(text);

	if (!len) {
		strbuf_addstr(out, "(none)");
		return;
	}
	if (len > 2 && text[0] == '"' && !strpbrk(text, " \\") && text[1] != '(') {
		text++;
		len -= 2;
	}
	printable_add_cut(out, text, len, VALUE_COLUMNS);
}

static void add_field(const struct object_field *f, struct strbuf *out)
{
	if (!strcmp(f->path, "status") && *f->after) {	/* what it became is kept as one text: "Failed (DeadlineExceeded)" */
		json_auto_t *became = value_of(f->after);

		strbuf_addstr(out, "became ");
		printable_addstr(out, json_is_string(became) ? json_string_value(became) : f->after);
		return;
	}
	printable_add_cut(out, f->path, strlen(f->path), PATH_COLUMNS);
	strbuf_addch(out, ' ');
	add_value(f->before, out);
	strbuf_addstr(out, " > ");
	add_value(f->after, out);
	if (!strcmp(f->before, f->after))
		strbuf_addstr(out, " (changed)");
}

static void add_name(const struct object_effect *e, struct strbuf *out)
{
	for (const char *p = e->kind; *p; p++) {
		const char c = (char)tolower((unsigned char)*p);

		printable_add(out, &c, 1);
	}
	strbuf_addch(out, '/');
	printable_add_cut(out, e->name, strlen(e->name), NAME_COLUMNS);
	if (e->stand_in)
		strbuf_addstr(out, " (stand-in)");
	if (e->derived)
		strbuf_addstr(out, " (by a controller)");
}

static void add_line(const struct object_effect *e, unsigned int indent, bool color, struct strbuf *out)
{
	const size_t shown = e->fields_len < FIELDS_SHOWN ? e->fields_len : FIELDS_SHOWN;
	const uint64_t more = e->fields_len - shown + e->more_fields;

	strbuf_addf(out, "%*s%s%s%s ", (int)indent + 2, "", color ? marks[e->change].color : "", marks[e->change].sign, color ? RESET : "");
	add_name(e, out);
	for (size_t i = 0; i < shown; i++) {
		if (i)
			strbuf_addf(out, "\n%*s", (int)indent + 6, "");
		else
			strbuf_addstr(out, "  ");
		add_field(&e->fields[i], out);
	}
	if (more)
		strbuf_addf(out, "\n%*s… and %llu more fields", (int)indent + 6, "", (unsigned long long)more);
	strbuf_addch(out, '\n');
}

static void add_summary(const struct object_effects *e, unsigned int indent, struct strbuf *out)
{
	const char *between = "";

	strbuf_addf(out, "%*sobjects: ", (int)indent, "");
	for (int change = 0; change < EFFECT_CHANGES; change++) {
		if (!e->counts[change])
			continue;
		strbuf_addf(out, "%s%llu %s", between, (unsigned long long)e->counts[change], effect_change_to_string((enum effect_change)change));
		between = ", ";
	}
	if (e->kinds_not_seen)
		strbuf_addf(out, "%s%llu kinds could not be listed", *between ? "; " : "", (unsigned long long)e->kinds_not_seen);
	strbuf_addch(out, '\n');
}

/* First what the step did, then what followed from it: a list that is cut keeps what matters. */
void object_effects_print(const struct object_effects *e, unsigned int indent, size_t max, bool color, struct strbuf *out)
{
	uint64_t more = e->not_listed;
	size_t shown = 0;

	if (!e->known) {
		if (!e->unknown_because)
			return;
		strbuf_addf(out, "%*sobjects: not known: ", (int)indent, "");
		printable_addstr(out, e->unknown_because);
		strbuf_addch(out, '\n');
		return;
	}
	if (!e->counts[EFFECT_DELETED] && !e->counts[EFFECT_CHANGED] && !e->counts[EFFECT_CREATED] && !e->kinds_not_seen)
		return;
	add_summary(e, indent, out);
	for (int derived = 0; derived < 2; derived++) {
		for (size_t i = 0; i < e->len; i++) {
			if (e->items[i].derived != (derived == 1))
				continue;
			if (shown++ < max)
				add_line(&e->items[i], indent, color, out);
			else
				more++;
		}
	}
	if (more)
		strbuf_addf(out, "%*s… and %llu more (all in the JSON result)\n", (int)indent + 2, "", (unsigned long long)more);
}
