/* SPDX-License-Identifier: Apache-2.0
 * What the server says when it says no. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

/* By status, for answers without a Status object: of a proxy, or plain text. */
static const struct { int status; const char *reason; } plain_reasons[] = {
	{ 400, "BadRequest" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "NotFound" }, { 405, "MethodNotAllowed" },
	{ 406, "NotAcceptable" }, { 409, "Conflict" }, { 410, "Expired" }, { 413, "RequestEntityTooLarge" },
	{ 415, "UnsupportedMediaType" }, { 422, "Invalid" }, { 429, "TooManyRequests" }, { 500, "InternalError" },
	{ 502, "BadGateway" }, { 503, "ServiceUnavailable" }, { 504, "Timeout" },
};

static void keep(char *out, size_t size, const char *text, size_t len)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

	printable_add_cut(&shown, text, len, size - 4);	/* columns; letters of more bytes are cut below */
	if (shown.len >= size) {
		size_t n = size - 1;

		while (n && ((unsigned char)shown.buf[n] & 0xc0) == 0x80)
			n--;
		shown.buf[n] = '\0';
	}
	snprintf(out, size, "%s", shown.buf);
}

/* What is wrong with a Secret is told with what is in it. */
static void mask_secret(char *message, size_t size)
{
	static const char *const quotes[] = { "Invalid value:", "map[", "error found in", "bigger context" };
	char *first = NULL;

	if (!strstr(message, "ecret"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
		char *at = strstr(message, quotes[i]);

		if (at && (!first || at < first))
			first = at;
	}
	if (first)
		snprintf(first, size - (size_t)(first - message), "***");
}

void kube_failure_read(struct kube_failure *f, int status, const char *text, size_t len)
{
	json_auto_t *answer = NULL;
	const char *kind, *reason, *message;
	size_t line = 0;

	*f = (struct kube_failure){ .status = status };
	for (size_t i = 0; i < ARRAY_SIZE(plain_reasons); i++)
		if (plain_reasons[i].status == status)
			snprintf(f->reason, sizeof(f->reason), "%s", plain_reasons[i].reason);
	if (json_parse(text, len, "answer", &answer, NULL) == 0 && (kind = json_string_value(json_object_get(answer, "kind"))) &&
	    !strcmp(kind, "Status")) {
		reason = json_string_value(json_object_get(answer, "reason"));
		message = json_string_value(json_object_get(answer, "message"));
		if (reason && *reason)
			keep(f->reason, sizeof(f->reason), reason, strlen(reason));
		if (message)
			keep(f->message, sizeof(f->message), message, strlen(message));
		mask_secret(f->message, sizeof(f->message));
		return;
	}
	while (len && isspace((unsigned char)*text))
		text++, len--;
	while (line < len && text[line] != '\r' && text[line] != '\n')
		line++;
	if (len && *text != '<' && *text != '{')	/* a page for browsers says nothing */
		keep(f->message, sizeof(f->message), text, line);
}

/* ---- sentences */

static const struct { const char *reason, *words, *drop; } sentences[] = {	/* drop: what the message repeats */
	{ "NotFound", "not found", " not found" },
	{ "AlreadyExists", "already there", " already exists" },
	{ "Forbidden", "forbidden", " is forbidden" },
	{ "Invalid", "not accepted", " is invalid" },
	{ "BadRequest", "not accepted", NULL },
	{ "Conflict", "conflict", NULL },
	{ "Unauthorized", "the server does not accept who we are", NULL },
	{ "TooManyRequests", "the server asks to try again later", NULL },
	{ "Expired", "gone", NULL },
	{ "Gone", "gone", NULL },
	{ "InternalError", "the server failed", NULL },
	{ "ServiceUnavailable", "the server is not ready", NULL },
	{ "Timeout", "the server did not finish in time", NULL },
	{ "ServerTimeout", "the server did not finish in time", NULL },
	{ "MethodNotAllowed", "the server cannot do this", NULL },
	{ "RequestEntityTooLarge", "too large for the server", NULL },
};

/* The text in double quotes after `before`, copied; NULL: none. */
static char *quoted_after(const char *text, const char *before)
{
	const char *start = strstr(text, before), *end;

	if (!start)
		return NULL;
	start += strlen(before);
	end = strchr(start, '"');
	return end ? xstrndup(start, (size_t)(end - start)) : NULL;
}

/* `User "U" cannot VERB resource "R" in API group "G" in the namespace "N"` becomes 'U' may not VERB R.G in 'N'. */
static bool add_denied(const char *message, struct strbuf *out)
{
	autofree char *user = quoted_after(message, "User \"");
	autofree char *resource = quoted_after(message, " resource \"");
	autofree char *group = quoted_after(message, " in API group \"");
	autofree char *namespace = quoted_after(message, " in the namespace \"");
	const char *verb = strstr(message, "\" cannot ");

	if (!user || !resource || !verb)
		return false;
	verb += strlen("\" cannot ");
	strbuf_addf(out, "'%s' may not %.*s %s", user, (int)strcspn(verb, " "), verb, resource);
	if (group && *group)
		strbuf_addf(out, ".%s", group);
	if (namespace)
		strbuf_addf(out, " in '%s'", namespace);
	else if (strstr(message, " at the cluster scope"))
		strbuf_addstr(out, " in the whole cluster");
	return true;
}

static void add_quoted_our_way(const char *text, size_t len, struct strbuf *out)
{
	for (size_t i = 0; i < len; i++)
		strbuf_addch(out, text[i] == '"' ? '\'' : text[i]);
}

void kube_failure_sentence(const struct kube_failure *f, struct strbuf *out)
{
	const char *words = NULL, *drop = NULL, *cut;
	size_t len = strlen(f->message);

	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		if (!strcmp(sentences[i].reason, f->reason)) {
			words = sentences[i].words;
			drop = sentences[i].drop;
		}
	}
	if (words)
		strbuf_addstr(out, words);
	else if (*f->reason)
		strbuf_addf(out, "the server answered %d (%s)", f->status, f->reason);
	else if (f->status)
		strbuf_addf(out, "the server answered %d", f->status);
	else
		strbuf_addstr(out, "no answer");
	while (len && strchr(". \n", f->message[len - 1]))
		len--;
	if (!len || (len == 12 && !strcmp(f->reason, "Unauthorized")))	/* that message is the word itself */
		return;
	strbuf_addstr(out, ": ");
	if (!strcmp(f->reason, "Forbidden") && add_denied(f->message, out))
		return;
	cut = drop ? strstr(f->message, drop) : NULL;
	if (cut) {
		add_quoted_our_way(f->message, (size_t)(cut - f->message), out);
		add_quoted_our_way(cut + strlen(drop), len - (size_t)(cut - f->message) - strlen(drop), out);
	} else {
		add_quoted_our_way(f->message, len, out);
	}
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool kube_name_is_valid(const char *name)
{
	const size_t len = strlen(name);

	if (!len || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i == len - 1 || name[i - 1] == '.' || name[i + 1] == '.';

		if (!is_lower_alnum(name[i]) && (edge || (name[i] != '-' && name[i] != '.')) && !(name[i] == '.' && i && i < len - 1 &&
		    is_lower_alnum(name[i - 1]) && is_lower_alnum(name[i + 1])))
			return false;
	}
	return true;
}
