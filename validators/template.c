/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/template.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/template_shell.h"

size_t template_name_length(const char *text, size_t len)
{
	size_t n = 0;

	for (; n < len; n++) {
		char c = text[n];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(n && c >= '0' && c <= '9'))
			break;
	}
	return n;
}

void template_refs_add(struct template_refs *refs, size_t offset, size_t len, const char *name, size_t name_len,
		       const char *fallback, size_t fallback_len)
{
	ARRAY_GROW(refs->items, refs->len, refs->alloc);
	refs->items[refs->len++] = (struct template_ref){
		.offset = offset, .len = len,
		.name = xstrndup(name, name_len),
		.fallback = fallback ? xstrndup(fallback, fallback_len) : NULL,
	};
}

void template_refs_release(struct template_refs *refs)
{
	for (size_t i = 0; i < refs->len; i++) {
		free(refs->items[i].name);
		free(refs->items[i].fallback);
	}
	free(refs->items);
	*refs = (struct template_refs){ 0 };
}

bool template_is_shell_name(const char *name)
{
	static const char *const names[] = {
		"DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS", "HOME",
		"HOSTNAME", "HOSTTYPE", "IFS", "LANG", "LC_ALL", "LINENO", "LOGNAME", "MACHTYPE", "OLDPWD",
		"OPTARG", "OPTERR", "OPTIND", "OSTYPE", "PATH", "PIPESTATUS", "PPID", "PWD", "RANDOM",
		"REPLY", "SECONDS", "SHELL", "SHELLOPTS", "SHLVL", "TMPDIR", "UID", "USER",
	};

	if (!strncmp(name, "BASH", 4))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i][0] == name[0] && !strcmp(names[i], name))
			return true;
	}
	return false;
}

/* ---- data */

/* One "${…}" of data, as offsets into its text. */
struct reference {
	size_t at, len;
	const char *name, *fallback;	/* fallback NULL: none */
	size_t name_len, fallback_len;
	bool empty_counts;		/* "-" and not ":-": an empty value is a value */
};

static int refuse(const char *text, size_t len, const char *why, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];

	return error_set(err, ERR_INVALID_INPUT, "%s %s", utf8_quote(quoted, text, len), why);
}

/* Read the reference at "${"; -1: none that we know. */
static int reference_read(const char *text, size_t len, size_t at, struct reference *ret, struct error *err)
{
	const char *body = text + at + 2, *close = memchr(body, '}', len - at - 2);
	size_t rest;

	if (!close)
		return error_set(err, ERR_INVALID_INPUT, "'${' is not closed by '}'");
	*ret = (struct reference){ .at = at, .len = (size_t)(close + 1 - (text + at)), .name = body };
	ret->name_len = template_name_length(body, (size_t)(close - body));
	rest = (size_t)(close - body) - ret->name_len;
	body += ret->name_len;
	if (close == ret->name)
		return error_set(err, ERR_INVALID_INPUT, "'${}' holds no name");
	if (ret->name_len && !rest)
		return 0;
	ret->empty_counts = rest && *body == '-';
	if (!ret->name_len || (!ret->empty_counts && (rest < 2 || memcmp(body, ":-", 2))))
		return refuse(text + at, ret->len,
			      "is not ${NAME} or ${NAME:-default} ('$${' stands for a literal '${')", err);
	ret->fallback = body + (ret->empty_counts ? 1 : 2);
	ret->fallback_len = (size_t)(close - ret->fallback);
	if (memmem(ret->fallback, ret->fallback_len, "${", 2))
		return refuse(text + at, ret->len, "has a default that holds another reference, which is not supported",
			      err);
	return 0;
}

/* Offset of the next "${" from `at`, passing over "$${"; len when there is none. *literal: it was a "$${". */
static size_t next_dollar(const char *text, size_t len, size_t at, bool *literal)
{
	*literal = false;
	while (at < len) {
		const char *p = memchr(text + at, '$', len - at);

		if (!p)
			break;
		at = (size_t)(p - text);
		if (len - at > 2 && p[1] == '$' && p[2] == '{') {
			*literal = true;
			return at;
		}
		if (len - at > 1 && p[1] == '{')
			return at;
		at++;
	}
	return len;
}

static int scan_data(const char *text, size_t len, struct template_refs *ret, size_t *ret_offset, struct error *err)
{
	struct reference ref;
	bool literal;

	for (size_t at = 0; (at = next_dollar(text, len, at, &literal)) < len; ) {
		if (literal) {
			at += 3;
			continue;
		}
		if (reference_read(text, len, at, &ref, err) < 0) {
			*ret_offset = at;
			return -1;
		}
		template_refs_add(ret, at, ref.len, ref.name, ref.name_len, ref.fallback, ref.fallback_len);
		at += ref.len;
	}
	return 0;
}

static bool has_brace(const char *text, size_t len)
{
	const char *end = text + len;

	while ((text = memchr(text, '$', (size_t)(end - text))) && ++text < end)
		if (*text == '{')
			return true;
	return false;
}

int template_scan(enum template_kind kind, const char *text, size_t len, struct template_refs *ret,
		  size_t *ret_offset, struct error *err)
{
	if (!has_brace(text, len))
		return 0;
	return kind == TEMPLATE_SHELL ? template_scan_shell(text, len, ret, ret_offset, err) :
					scan_data(text, len, ret, ret_offset, err);
}

int template_expand(const char *text, size_t len, template_lookup *lookup, void *arg, struct strbuf *out,
		    struct error *err)
{
	struct reference ref;
	bool literal;

	for (size_t at = 0, next; at < len; ) {
		autofree char *name = NULL;
		const char *value;

		next = next_dollar(text, len, at, &literal);
		strbuf_add(out, text + at, next - at);
		at = next;
		if (at == len)
			break;
		if (literal) {
			strbuf_addstr(out, "${");
			at += 3;
			continue;
		}
		if (reference_read(text, len, at, &ref, err) < 0)
			return -1;
		name = xstrndup(ref.name, ref.name_len);
		value = lookup(arg, name);
		if (!value && !ref.fallback)
			return error_set(err, ERR_INVALID_INPUT, "parameter '%s' has no value", name);
		if (value && (*value || !ref.fallback || ref.empty_counts))
			strbuf_addstr(out, value);
		else
			strbuf_add(out, ref.fallback, ref.fallback_len);
		at += ref.len;
	}
	return 0;
}
