/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/effects_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

static const char *kind_to_string(enum sandbox_entry_kind kind)
{
	static const char *const names[] = {
		[SANDBOX_ENTRY_FILE] = "file",	   [SANDBOX_ENTRY_DIR] = "folder",    [SANDBOX_ENTRY_SYMLINK] = "link",
		[SANDBOX_ENTRY_FIFO] = "fifo",	   [SANDBOX_ENTRY_SOCKET] = "socket", [SANDBOX_ENTRY_DEVICE] = "device",
		[SANDBOX_ENTRY_REMOVED] = "removed",
	};

	return names[kind];
}

json_t *effects_state_to_json(const struct file_state *s)
{
	const bool file = s->kind == SANDBOX_ENTRY_FILE;
	char hex[DIGEST_HEX_SIZE], mode[8];
	json_t *o = json_object();

	digest_to_hex(s->sha256, hex);
	snprintf(mode, sizeof(mode), "%04o", s->mode & 07777);
	json_put_text(o, "kind", kind_to_string(s->kind));
	json_put_text(o, "mode", mode);
	json_put(o, "size", file ? json_integer((json_int_t)s->size) : json_null());
	json_put_text(o, "sha256", s->has_digest ? hex : NULL);
	if (s->target)
		json_put_text(o, "target", s->target);
	if (s->error)
		json_put_text(o, "error", s->error == EFBIG ? "too large to digest" : s->error == ELOOP ? "too deep to look into" :
				  strerror(s->error));
	return o;
}

json_t *effects_path_hex(const char *path, const struct redactor *redactor)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX), hex = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = strlen(path);

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_decode(path + i, len - i, &c);

		if (c == UTF8_INVALID) {
			redact_text(redactor, path, len, &clean);
			for (size_t k = 0; k < clean.len; k++)
				strbuf_addf(&hex, "%02x", (unsigned char)clean.buf[k]);
			return json_text(hex.buf);
		}
		i += n;
	}
	return json_null();
}

static json_t *what_to_json(unsigned int what)
{
	static const struct { unsigned int flag; const char *name; } names[] = {
		{ EFFECT_CONTENT, "content" }, { EFFECT_MODE, "mode" }, { EFFECT_KIND, "kind" }, { EFFECT_TARGET, "target" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (what & names[i].flag)
			json_push(list, json_text(names[i].name));
	return list;
}

/* There can be very many of these objects: what does not apply to one is left out here. */
static void put_text(json_t *o, const char *key, json_t *text)
{
	if (json_is_null(text))
		json_decref(text);
	else
		json_put(o, key, text);
}

static json_t *effect_to_json(const struct effect *e, const struct redactor *redactor)
{
	json_t *o = json_object();

	json_put_text(o, "change", effect_change_to_string(e->change));
	json_put_text(o, "area", effect_area_to_string(e->area));
	json_put_text(o, "path", e->path);
	put_text(o, "path_hex", effects_path_hex(e->path, redactor));
	if (e->change == EFFECT_CHANGED)
		json_put(o, "what", what_to_json(e->what));
	json_put(o, "before", e->change == EFFECT_CREATED ? json_null() : effects_state_to_json(&e->before));
	json_put(o, "after", e->change == EFFECT_DELETED ? json_null() : effects_state_to_json(&e->after));
	put_text(o, "renamed", json_text(e->renamed));
	put_text(o, "diff", json_text(e->diff));
	put_text(o, "diff_note", json_text(e->diff_note));
	return o;
}

static json_t *counts_to_json(const uint64_t counts[EFFECT_CHANGES])
{
	json_t *o = json_object();

	for (int change = 0; change < EFFECT_CHANGES; change++)
		json_put_int(o, effect_change_to_string((enum effect_change)change), (int64_t)counts[change]);
	return o;
}

json_t *effects_to_json(const struct effects *e, const struct redactor *redactor, bool with_list)
{
	json_t *o, *list;

	if (!e->known && !e->unknown_because)
		return json_null();
	o = json_object();
	json_put_bool(o, "known", e->known);
	json_put_text(o, "unknown_because", e->unknown_because);
	for (int area = 0; area < EFFECT_AREAS; area++)
		json_put(o, effect_area_to_string((enum effect_area)area),
			 e->known && (area != EFFECT_SYSTEM || e->system) ? counts_to_json(e->counts[area]) : json_null());
	json_put_int(o, "not_looked_at", (int64_t)e->not_looked_at);
	json_put_int(o, "not_listed", (int64_t)e->not_listed);
	if (!with_list)
		return o;
	list = json_array();
	for (size_t i = 0; i < e->len; i++)
		json_push(list, effect_to_json(&e->items[i], redactor));
	json_put(o, "changes", list);
	return o;
}
