/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/argument_mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "runner/base/mem.h"

#define STARS "***"
#define TOKEN_LEAST 12		/* of what follows a known beginning */

/* In lower case; within a word, so db_password and X-Api-Key are found. */
static const char *const names[] = {
	"password", "passwd", "passphrase", "token", "secret", "api-key", "api_key", "apikey", "access-key", "access_key", "private-key",
	"private_key", "credential", "authorization", "bearer", "session-key", "sas-key", "pwd",
};
static const char *const beginnings[] = {
	"AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "sk-", "sk_live_", "rk_live_",
	"npm_", "pypi-", "hvs.", "dop_v1_", "SG.", "eyJ",
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_value(char c)
{
	return c != '\'' && c != '"' && c != '&' && c != ';' && c != ',' && !isspace((unsigned char)c);
}

/* The length of a secret's name that ends a word here, with what separates it from its value; 0: none. */
static size_t name_at(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (len < n || strncasecmp(s, names[i], n) != 0)
			continue;
		while (n < len && is_word(s[n]))	/* tokens, password-hash: more of the same word */
			n++;
		return n;
	}
	return 0;
}

/* "=", ": ", " " or "' '" after an option, and quotes that open: all that stands between name and value. */
static size_t separator_at(const char *s, size_t len, bool option)
{
	size_t n = 0;

	while (n < len && (s[n] == '\'' || s[n] == '"'))
		n++;
	if (n < len && (s[n] == '=' || s[n] == ':'))
		n++;
	else if (!option || n == len || s[n] != ' ')
		return 0;
	while (n < len && (s[n] == ' ' || s[n] == '\'' || s[n] == '"'))
		n++;
	return n;
}

/* Authorization: Bearer VALUE, Basic VALUE: the scheme may stay. */
static size_t scheme_at(const char *s, size_t len)
{
	static const char *const schemes[] = { "bearer ", "basic ", "token ", "digest " };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (len > strlen(schemes[i]) && !strncasecmp(s, schemes[i], strlen(schemes[i])))
			return strlen(schemes[i]);
	return 0;
}

static size_t value_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_value(s[n]))
		n++;
	return n;
}

static size_t token_at(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		size_t n = strlen(beginnings[i]), more = 0;

		if (len < n + TOKEN_LEAST || memcmp(s, beginnings[i], n) != 0)
			continue;
		while (n + more < len && (is_word(s[n + more]) || s[n + more] == '/' || s[n + more] == '+'))
			more++;
		if (more >= TOKEN_LEAST)
			return n + more;
	}
	return 0;
}

/* Of "://user:password@host" at the colon of the scheme: where the password begins, and its length; 0: none. */
static size_t url_password(const char *s, size_t len, size_t *ret_at)
{
	size_t colon = 0, i = 3;

	if (len < 3 || memcmp(s, "://", 3) != 0)
		return 0;
	for (; i < len && is_value(s[i]) && s[i] != '/' && s[i] != '@'; i++)
		if (s[i] == ':' && !colon)
			colon = i;
	if (i == len || s[i] != '@' || !colon || colon + 1 == i)
		return 0;
	*ret_at = colon + 1;
	return i - colon - 1;
}

/* The end of a masked passage that starts with a name, or 0. */
static size_t mask_named(const char *s, size_t len, bool option, struct strbuf *out)
{
	size_t at = name_at(s, len), separator, n;

	if (!at)
		return 0;
	separator = separator_at(s + at, len - at, option);
	if (!separator)
		return 0;
	at += separator;
	at += scheme_at(s + at, len - at);
	n = value_length(s + at, len - at);
	/* $VAR and <file> are no secrets, and an option that follows is no value */
	if (!n || s[at] == '$' || (s[at] == '-' && s[at - 1] == ' '))
		return 0;
	strbuf_add(out, s, at);
	strbuf_addstr(out, STARS);
	return at + n;
}

void argument_mask(const char *text, size_t len, struct strbuf *out)
{
	bool option = false;		/* the word began with a hyphen */
	size_t i = 0;

	while (i < len) {
		const char *s = text + i;
		bool starts = i == 0 || !is_word(s[-1]);
		size_t n, at = 0;

		if (starts)
			option = *s == '-';
		n = mask_named(s, len - i, option, out);
		if (!n && starts && (n = token_at(s, len - i)))
			strbuf_addstr(out, STARS);
		if (!n && *s == ':' && (n = url_password(s, len - i, &at))) {
			strbuf_add(out, s, at);
			strbuf_addstr(out, STARS);
			n += at;
		}
		if (!n) {
			strbuf_addch(out, *s);
			n = 1;
		}
		i += n;
	}
}
