/* SPDX-License-Identifier: Apache-2.0
 *
 * Fingerprints: the name of a finding that stays when lines are moved, handlers are reordered or the file is renamed. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/digest.h"
#include "runner/base/mem.h"
#include "validators/finding.h"

#define FINGERPRINT_DIGITS 16

/* One step of a path: a key, or the "[0]" of an item; what a key of odd characters looks like is left as it is.
 * Returns its end. */
static const char *path_step(const char *path, const struct node **at, struct strbuf *out)
{
	const char *end = path;

	if (*path == '[') {
		size_t digits = strspn(path + 1, "0123456789");
		const struct node *name;

		end = strchr(path, ']');
		end = end ? end + 1 : path + strlen(path);
		if (digits && path[1 + digits] == ']') {
			size_t index = strtoul(path + 1, NULL, 10);
			const struct node *list = *at;

			*at = list && list->kind == NODE_SEQUENCE && index < list->len ? list->items[index] : NULL;
			name = node_get(*at, "name");
			if (name && name->kind == NODE_SCALAR) {
				strbuf_addch(out, '[');
				strbuf_add(out, name->text, name->len);
				strbuf_addch(out, ']');
				return end;
			}
		} else {
			*at = NULL;
		}
	} else {
		autofree char *key = NULL;

		path += *path == '.';
		end = path + strcspn(path, ".[");
		key = xstrndup(path, (size_t)(end - path));
		*at = node_get(*at, key);
		strbuf_addch(out, '.');
	}
	strbuf_add(out, path, (size_t)(end - path));
	return end;
}

/* spec.handlers[restart].steps[apply].shell.command */
static void named_path(const char *path, const struct node *root, struct strbuf *out)
{
	while (path && *path)
		path = path_step(path, &root, out);
}

struct mark {
	uint64_t digest;	/* of what it says, without its number */
	size_t index;
};

static int compare_marks(const void *pa, const void *pb)
{
	const struct mark *a = pa, *b = pb;

	if (a->digest != b->digest)
		return a->digest < b->digest ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static uint64_t digest_of(const struct strbuf *text)
{
	char hex[DIGEST_HEX_SIZE];

	sha256_hex(text->buf, text->len, hex);
	hex[FINGERPRINT_DIGITS] = '\0';
	return strtoull(hex, NULL, 16);
}

void finding_fingerprints(struct finding_list *list, const struct document *doc)
{
	autofree struct mark *marks = xcalloc(list->len, sizeof(*marks));
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t before = 0;

	for (size_t i = 0; i < list->len; i++) {
		const struct finding *f = &list->items[i];

		strbuf_clear(&text);
		strbuf_add(&text, f->rule_id, strlen(f->rule_id) + 1);
		named_path(f->path, doc ? doc->root : NULL, &text);
		strbuf_addch(&text, '\0');
		strbuf_addstr(&text, f->matched ? f->matched : "");
		marks[i] = (struct mark){ .digest = digest_of(&text), .index = i };
	}
	qsort(marks, list->len, sizeof(*marks), compare_marks);
	for (size_t i = 0; i < list->len; i++) {
		struct finding *f = &list->items[marks[i].index];

		before = i && marks[i].digest == marks[i - 1].digest ? before + 1 : 0;
		strbuf_clear(&text);
		strbuf_addf(&text, "%016llx %zu", (unsigned long long)marks[i].digest, before);
		free(f->fingerprint);
		f->fingerprint = xasprintf("%016llx", (unsigned long long)digest_of(&text));
	}
}
