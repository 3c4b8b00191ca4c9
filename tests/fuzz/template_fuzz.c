/* SPDX-License-Identifier: Apache-2.0
 * template: references are where they are said to be and have names; data can be expanded exactly when it can be scanned. The first
 * byte chooses: 's' is shell text, anything else data. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validators/template.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const char *lookup(void *arg, const char *name)
{
	(void)arg;
	return name[0] == 'A' ? NULL : "value";
}

static void check_refs(const char *text, size_t len, const struct template_refs *refs, enum template_kind kind)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t last = 0;

	for (size_t i = 0; i < refs->len; i++) {
		const struct template_ref *ref = &refs->items[i];

		check(ref->offset >= last && ref->len >= 4 && ref->len <= len - ref->offset);
		check(!memcmp(text + ref->offset, "${", 2) && text[ref->offset + ref->len - 1] == '}');
		check(ref->name[0] && !strchr("0123456789", ref->name[0]) && strspn(ref->name, letters) == strlen(ref->name));
		check(kind == TEMPLATE_DATA || !template_is_shell_name(ref->name));
		last = ref->offset + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum template_kind kind = size && data[0] == 's' ? TEMPLATE_SHELL : TEMPLATE_DATA;
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct template_refs refs = { 0 };
	struct error err = { 0 };
	size_t offset = SIZE_MAX, len = size ? size - 1 : 0;
	const char *text = size ? (const char *)data + 1 : "";
	int rc = template_scan(kind, text, len, &refs, &offset, &err);

	check_refs(text, len, &refs, kind);
	if (rc < 0)
		check(offset <= len && err.code == ERR_INVALID_INPUT && err.text[0]);
	if (kind == TEMPLATE_DATA) {
		bool unset = false;

		for (size_t i = 0; i < refs.len; i++)
			unset |= refs.items[i].name[0] == 'A' && !refs.items[i].fallback;
		check((template_expand(text, len, lookup, NULL, &out, &err) == 0) == (rc == 0 && !unset));
	}
	template_refs_release(&refs);
	return 0;
}
