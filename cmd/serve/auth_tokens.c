/* SPDX-License-Identifier: Apache-2.0
 * The file of tokens, and making a line of it. */
#include "cmd/serve/auth_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/base64.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define TOKENS_FILE_MAX ((size_t)1 << 20)
#define TOKENS_MAX 4096
#define WORDS " \t\r"

/* ---- scopes */

static const struct { const char *word; unsigned int bit; } scope_words[] = {
	{ "read", SCOPE_READ }, { "validate", SCOPE_VALIDATE }, { "dry-run", SCOPE_DRY_RUN }, { "admin", SCOPE_ADMIN },
};

static unsigned int scope_of(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(scope_words); i++)
		if (strlen(scope_words[i].word) == len && !memcmp(scope_words[i].word, word, len))
			return scope_words[i].bit;
	return 0;
}

int scopes_parse(const char *text, unsigned int *ret, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];
	unsigned int scopes = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		unsigned int bit = scope_of(text, len);

		if (!bit)
			return error_set(err, ERR_USAGE, "%s is no scope; there are read, validate, dry-run and admin, joined by commas",
					 utf8_quote(quoted, text, len));
		scopes |= bit;
		if (!text[len])
			break;
		text += len + 1;
	}
	*ret = scopes;
	return 0;
}

void scopes_format(unsigned int scopes, struct strbuf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(scope_words); i++)
		if (scopes & scope_words[i].bit) {
			strbuf_addf(out, "%s%s", comma, scope_words[i].word);
			comma = ",";
		}
}

/* ---- parts of a line */

bool token_name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len && len < sizeof(((struct identity *)0)->name) && strcmp(name, "anonymous") &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

int expiry_parse(const char *text, uint64_t *ret_ns, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE], back[16] = "";
	int year = 0, month = 0, day = 0, end = 0;
	struct tm tm = { 0 };
	time_t t = -1;

	if (strlen(text) == 10 && sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && end == 10) {
		tm.tm_year = year - 1900;
		tm.tm_mon = month - 1;
		tm.tm_mday = day;
		t = timegm(&tm);
		strftime(back, sizeof(back), "%Y-%m-%d", &tm);	/* there is no 30th of February */
	}
	if (t < 0 || strcmp(back, text))
		return error_set(err, ERR_USAGE, "%s is no date; write one as 2027-01-31", utf8_quote(quoted, text, strlen(text)));
	*ret_ns = ((uint64_t)t + 24 * 60 * 60) * NS_PER_SEC;
	return 0;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int digest_parse(const char *text, unsigned char ret[DIGEST_SIZE], struct error *err)
{
	if (strncmp(text, "sha256:", 7) || strlen(text + 7) != DIGEST_HEX_SIZE - 1)
		return error_set(err, ERR_USAGE, "the third word must be 'sha256:' and 64 digits; 'sandbox_runner token NAME' makes a line");
	text += 7;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return error_set(err, ERR_USAGE, "the digest of the token must be 64 digits of 0-9 and a-f");
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

/* ---- the file */

void token_list_release(struct token_list *list)
{
	free(list->items);
	*list = (struct token_list){ 0 };
}

static int parse_line(char *line, struct token_entry *ret, struct error *err)
{
	enum { NAME, SCOPES, DIGEST, EXPIRES, WORDS_MAX };
	char *word[WORDS_MAX] = { NULL }, *rest = NULL;
	char quoted[UTF8_QUOTE_SIZE];
	size_t n = 0;

	for (char *w = strtok_r(line, WORDS, &rest); w; w = strtok_r(NULL, WORDS, &rest)) {
		if (n == WORDS_MAX)
			return error_set(err, ERR_USAGE, "there is more than a name, scopes, a digest and a date");
		word[n++] = w;
	}
	if (n < EXPIRES)
		return error_set(err, ERR_USAGE, "a line has a name, scopes and a digest, and may have a date; 'sandbox_runner token NAME' makes one");
	if (!token_name_is_good(word[NAME]))
		return error_set(err, ERR_USAGE, "%s cannot be the name of a token: 1 to 63 of letters, digits, '.', '_' and '-', not 'anonymous'",
				 utf8_quote(quoted, word[NAME], strlen(word[NAME])));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->identity.name, word[NAME], strlen(word[NAME]) + 1);
	ret->expires_ns = UINT64_MAX;
	if (scopes_parse(word[SCOPES], &ret->identity.scopes, err) < 0 || digest_parse(word[DIGEST], ret->digest, err) < 0)
		return -1;
	return word[EXPIRES] ? expiry_parse(word[EXPIRES], &ret->expires_ns, err) : 0;
}

static int add_entry(struct token_list *list, const struct token_entry *e, struct error *err)
{
	if (list->len == TOKENS_MAX)
		return error_set(err, ERR_USAGE, "there are more than %d tokens", TOKENS_MAX);
	for (size_t i = 0; i < list->len; i++) {
		if (!strcmp(list->items[i].identity.name, e->identity.name))
			return error_set(err, ERR_USAGE, "the name '%s' is there twice", e->identity.name);
		if (!memcmp(list->items[i].digest, e->digest, DIGEST_SIZE))
			return error_set(err, ERR_USAGE, "'%s' and '%s' are the same token", list->items[i].identity.name, e->identity.name);
	}
	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len++] = *e;
	return 0;
}

int token_list_parse(const char *text, size_t len, const char *name, struct token_list *ret, struct error *err)
{
	autofree char *copy = xstrndup(text, len);
	struct token_list list = { 0 };
	unsigned int number = 0;

	if (strlen(copy) != len)
		return error_set(err, ERR_USAGE, "%s: there is a NUL byte in it", name);
	for (char *line = copy, *next; line; line = next) {
		char *end = strchr(line, '\n');
		struct token_entry e;

		next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		number++;
		line += strspn(line, WORDS);
		if (!*line || *line == '#')
			continue;
		if (parse_line(line, &e, err) < 0 || add_entry(&list, &e, err) < 0) {
			token_list_release(&list);
			return error_prefix(err, "%s:%u", name, number);
		}
	}
	*ret = list;
	return 0;
}

int token_list_read(const char *path, struct token_list *ret, struct stat *st, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(TOKENS_FILE_MAX);
	autoclose int fd = -1;

	fd = file_open(path, st, err);
	if (fd < 0)
		return error_prefix(err, "tokens file");
	if (S_ISREG(st->st_mode) && (st->st_mode & (S_IRWXO | S_IWGRP)))
		return error_set(err, ERR_USAGE, "the tokens file '%s' may be read or written by others; run: chmod 600 '%s'", path, path);
	if (S_ISREG(st->st_mode) && st->st_uid != geteuid() && st->st_uid != 0)
		return error_set(err, ERR_USAGE, "the tokens file '%s' belongs to user %u; it must be ours (%u) or root's", path,
				 (unsigned int)st->st_uid, (unsigned int)geteuid());
	if (file_read_opened(fd, st, path, &text, err) < 0)
		return error_prefix(err, "tokens file");
	return token_list_parse(text.buf, text.len, path, ret, err);
}

const struct token_entry *token_list_find(const struct token_list *list, const char *token)
{
	const struct token_entry *found = NULL;
	unsigned char digest[DIGEST_SIZE];
	struct sha256 sha;

	sha256_begin(&sha);
	sha256_add(&sha, token, strlen(token));
	sha256_end(&sha, digest);
	for (size_t i = 0; i < list->len; i++) {
		unsigned char differs = 0;

		for (size_t k = 0; k < DIGEST_SIZE; k++)
			differs |= digest[k] ^ list->items[i].digest[k];
		found = differs ? found : &list->items[i];
	}
	return found;
}

/* ---- a new one */

int token_make(const char *name, unsigned int scopes, const char *expires, struct strbuf *token, struct strbuf *line, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE], hex[DIGEST_HEX_SIZE];
	size_t start = token->len;
	unsigned char random[32];
	uint64_t expires_ns = UINT64_MAX;

	if (!token_name_is_good(name))
		return error_set(err, ERR_USAGE, "%s cannot be the name of a token: 1 to 63 of letters, digits, '.', '_' and '-', not 'anonymous'",
				 utf8_quote(quoted, name, strlen(name)));
	if (expires && expiry_parse(expires, &expires_ns, err) < 0)
		return -1;
	if (expires_ns <= clock_realtime_ns())
		return error_set(err, ERR_USAGE, "'%s' is over already", expires);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_sys(err, ERR_INTERNAL, "no random bytes");
	strbuf_addstr(token, "srt_");
	base64_encode(random, sizeof(random), token);
	for (size_t i = start; i < token->len; i++)	/* the letters of URLs, without padding */
		token->buf[i] = token->buf[i] == '+' ? '-' : token->buf[i] == '/' ? '_' : token->buf[i];
	token->buf[--token->len] = '\0';
	sha256_hex(token->buf + start, token->len - start, hex);
	strbuf_addf(line, "%s ", name);
	scopes_format(scopes, line);
	strbuf_addf(line, " sha256:%s%s%s\n", hex, expires ? " " : "", expires ? expires : "");
	return 0;
}
