/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rule on secrets found is shown nowhere: not in the findings of other rules about the same command, and not
 * in the source lines that reports quote. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/redact.h"
#include "validators/scan_match.h"

#define SHORTEST 6		/* bytes: what is shorter would be starred out of ordinary words too */

bool scan_is_kept_secret(const struct scan *sc, struct position position, unsigned int width, enum severity severity)
{
	for (size_t i = 0; i < sc->secrets_len; i++) {
		const struct secret_place *s = &sc->secrets[i];

		if (s->position.line == position.line && s->severity >= severity &&
		    s->position.column < position.column + width && position.column < s->position.column + s->width)
			return true;
	}
	return false;
}

void scan_keep_secret(struct scan *sc, struct position position, unsigned int width, enum severity severity,
		      const char *text, size_t len)
{
	struct secret_place *s;

	ARRAY_GROW(sc->secrets, sc->secrets_len, sc->secrets_alloc);
	s = &sc->secrets[sc->secrets_len++];
	*s = (struct secret_place){
		.position = position, .width = width, .severity = severity, .text = text, .len = len
	};
}

static int compare_secrets(const void *pa, const void *pb)
{
	const struct secret_place *a = pa, *b = pb;

	return a->position.line < b->position.line ? -1 : a->position.line > b->position.line;
}

static size_t skip_characters(const char *s, size_t n)
{
	size_t i = 0;

	for (; n && s[i]; n--) {
		for (i++; ((unsigned char)s[i] & 0xc0) == 0x80; i++)
			;
	}
	return i;
}

/* Stars in place of characters: columns stay. */
static void star_out(struct finding *f, const struct secret_place *s)
{
	uint32_t first = s->position.column > f->line_column ? s->position.column - f->line_column : 0;
	uint32_t end =
		s->position.column + s->width > f->line_column ? s->position.column + s->width - f->line_column : 0;
	size_t from = skip_characters(f->line_text, first),
	       to = from + skip_characters(f->line_text + from, end - first), stars = 0;

	for (size_t i = from; i < to; i++) {
		if (((unsigned char)f->line_text[i] & 0xc0) != 0x80)
			f->line_text[from + stars++] = '*';
	}
	memmove(f->line_text + from + stars, f->line_text + to, strlen(f->line_text + to) + 1);
}

static void hide_in_line(const struct scan *sc, struct finding *f)
{
	size_t low = 0, high = sc->secrets_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sc->secrets[middle].position.line < f->position.line)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < sc->secrets_len && sc->secrets[low].position.line == f->position.line; low++)
		star_out(f, &sc->secrets[low]);
}

static void redact(const struct redactor *r, char **text)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	if (!*text)
		return;
	redact_text(r, *text, strlen(*text), &out);
	free(*text);
	*text = strbuf_detach(&out);
}

void scan_hide_secrets(struct scan *sc)
{
	struct redactor *r;

	if (!sc->secrets_len)
		return;
	r = redactor_new();
	for (size_t i = 0; i < sc->secrets_len; i++) {
		if (sc->secrets[i].len >= SHORTEST)
			redactor_add(r, sc->secrets[i].text, sc->secrets[i].len);
	}
	qsort(sc->secrets, sc->secrets_len, sizeof(*sc->secrets), compare_secrets);
	finding_sort(sc->findings);
	finding_keep_lines(sc->findings, sc->doc);
	for (size_t i = 0; i < sc->findings->len; i++) {
		struct finding *f = &sc->findings->items[i];

		if (f->of_rule && !redactor_is_empty(r)) {
			redact(r, &f->matched);
			redact(r, &f->message);
		}
		if (f->line_text)
			hide_in_line(sc, f);
	}
	redactor_free(r);
}
