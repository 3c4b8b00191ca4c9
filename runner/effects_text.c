/* SPDX-License-Identifier: Apache-2.0
 * Effects for eyes: deletions first, and what is not shown is counted. Names are redacted and made printable. */
#include <errno.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/effects.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RESET "\033[0m"

static const struct { const char *sign, *color; } marks[] = {
	[EFFECT_DELETED] = { "-", RED }, [EFFECT_CHANGED] = { "~", YELLOW }, [EFFECT_CREATED] = { "+", GREEN },
};

static void add_text(const struct effects_print *how, const char *s, struct strbuf *out)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(how->redactor, s, strlen(s), &clean);
	printable_add(out, clean.buf, clean.len);
}

static void add_counts(const uint64_t counts[EFFECT_CHANGES], struct strbuf *out)
{
	const char *between = "";

	for (int change = 0; change < EFFECT_CHANGES; change++) {
		if (!counts[change])
			continue;
		strbuf_addf(out, "%s%llu %s", between, (unsigned long long)counts[change], effect_change_to_string((enum effect_change)change));
		between = ", ";
	}
}

static bool has_any(const uint64_t counts[EFFECT_CHANGES])
{
	return counts[EFFECT_DELETED] || counts[EFFECT_CHANGED] || counts[EFFECT_CREATED];
}

/* "files: 1 deleted, 2 created; system: 1 changed; /tmp: 3 created" */
static void add_summary(const struct effects *e, const struct effects_print *how, struct strbuf *out)
{
	static const char *const labels[] = { [EFFECT_WORK] = "", [EFFECT_SYSTEM] = "system: ", [EFFECT_TMP] = "/tmp: " };
	const char *between = "";

	strbuf_addf(out, "%*s%s: ", (int)how->indent, "", how->title);
	for (int area = 0; area < EFFECT_AREAS; area++) {
		if (!has_any(e->counts[area]))
			continue;
		strbuf_addf(out, "%s%s", between, labels[area]);
		add_counts(e->counts[area], out);
		between = "; ";
	}
	if (e->not_looked_at)
		strbuf_addf(out, "%sat least %llu files were not looked at: too many, or too deep", between,
			    (unsigned long long)e->not_looked_at);
	strbuf_addch(out, '\n');
}

static void add_size(const struct effect *e, struct strbuf *out)
{
	if (e->before.kind == SANDBOX_ENTRY_FILE && e->change == EFFECT_CHANGED) {
		size_format(out, e->before.size);
		strbuf_addstr(out, " → ");
	}
	size_format(out, e->change == EFFECT_DELETED ? e->before.size : e->after.size);
}

static void add_details(const struct effect *e, const struct effects_print *how, struct strbuf *out)
{
	const struct file_state *s = e->change == EFFECT_DELETED ? &e->before : &e->after;
	static const char *const kinds[] = {
		[SANDBOX_ENTRY_FILE] = "file", [SANDBOX_ENTRY_DIR] = "folder", [SANDBOX_ENTRY_SYMLINK] = "link to ",
		[SANDBOX_ENTRY_FIFO] = "fifo", [SANDBOX_ENTRY_SOCKET] = "socket", [SANDBOX_ENTRY_DEVICE] = "device",
		[SANDBOX_ENTRY_REMOVED] = "",
	};

	strbuf_addstr(out, " (");
	if (s->kind != SANDBOX_ENTRY_FILE || (e->what & EFFECT_KIND))
		strbuf_addstr(out, kinds[s->kind]);
	if (s->kind == SANDBOX_ENTRY_SYMLINK)
		add_text(how, s->target, out);
	if (e->what & EFFECT_KIND)
		strbuf_addf(out, ", was a %s", e->before.kind == SANDBOX_ENTRY_SYMLINK ? "link" : kinds[e->before.kind]);
	else if (s->kind == SANDBOX_ENTRY_FILE && e->what != EFFECT_MODE)
		add_size(e, out);
	if (e->what & EFFECT_MODE)
		strbuf_addf(out, "%smode %04o → %04o", e->what == EFFECT_MODE && s->kind == SANDBOX_ENTRY_FILE ? "" : ", ", e->before.mode, e->after.mode);
	if (s->mode & 06000)
		strbuf_addf(out, ", mode %04o", s->mode);
	if (e->renamed) {
		strbuf_addstr(out, e->change == EFFECT_CREATED ? ", renamed from " : ", renamed to ");
		add_text(how, e->renamed, out);
	}
	if (s->error)
		strbuf_addf(out, ", %s", s->error == EFBIG ? "too large to digest" : s->error == ELOOP ? "too deep to look into" : strerror(s->error));
	strbuf_addch(out, ')');
}

/* The diff has been redacted when it was made. */
static void add_diff(const struct effect *e, const struct effects_print *how, struct strbuf *out)
{
	for (const char *line = e->diff, *end; line && *line; line = *end ? end + 1 : end) {
		const char *color = *line == '-' ? RED : *line == '+' ? GREEN : "";

		end = strchrnul(line, '\n');
		strbuf_addf(out, "%*s%s", (int)how->indent + 6, "", how->color ? color : "");
		while (line < end) {
			size_t n = strcspn(line, "\t\n");

			printable_add(out, line, n);
			line += n;
			if (line < end) {
				strbuf_addstr(out, "    ");
				line++;
			}
		}
		strbuf_addf(out, "%s\n", how->color && *color ? RESET : "");
	}
	if (!e->diff && e->diff_note)
		strbuf_addf(out, "%*s(no diff: %s)\n", (int)how->indent + 6, "", e->diff_note);
}

static void add_line(const struct effect *e, const struct effects_print *how, struct strbuf *out)
{
	strbuf_addf(out, "%*s%s%s%s ", (int)how->indent + 2, "", how->color ? marks[e->change].color : "", marks[e->change].sign,
		    how->color ? RESET : "");
	add_text(how, e->path, out);
	add_details(e, how, out);
	strbuf_addch(out, '\n');
	if (how->diff)
		add_diff(e, how, out);
}

void effects_print(const struct effects *e, const struct effects_print *how, struct strbuf *out)
{
	uint64_t more = e->not_listed;
	const size_t max = e->diffs && how->diff ? SIZE_MAX : how->max;
	size_t shown = 0;

	if (!e->known) {
		if (e->unknown_because)
			strbuf_addf(out, "%*s%s: not known: %s\n", (int)how->indent, "", how->title, e->unknown_because);
		return;
	}
	if (!has_any(e->counts[EFFECT_WORK]) && !has_any(e->counts[EFFECT_SYSTEM]) && !has_any(e->counts[EFFECT_TMP]) && !e->not_looked_at)
		return;
	add_summary(e, how, out);
	for (size_t i = 0; i < e->len; i++) {
		if (e->items[i].area == EFFECT_TMP && !how->tmp)
			continue;
		if (shown++ < max)
			add_line(&e->items[i], how, out);
		else
			more++;
	}
	if (more)
		strbuf_addf(out, "%*s… and %llu more (all in the JSON result)\n", (int)how->indent + 2, "", (unsigned long long)more);
}
