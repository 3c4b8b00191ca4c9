/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/event_line.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

enum key { KEY_OTHER, KEY_TYPE, KEY_STREAM, KEY_PHASE, KEY_STEP, KEY_TEXT };
static const char *const keys[] = {
	[KEY_TYPE] = "type", [KEY_STREAM] = "stream", [KEY_PHASE] = "phase", [KEY_STEP] = "step", [KEY_TEXT] = "text",
};

#define STEP_MAX 100000000u

/* ---- what a line is about */

static enum key key_of(const struct event_line *l)
{
	for (size_t i = KEY_TYPE; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i]) == l->word_len && !memcmp(keys[i], l->word, l->word_len))
			return (enum key)i;
	return KEY_OTHER;
}

/* Words of ours are plain: nothing else may get into a line of an answer. */
static void keep_word(const struct event_line *l, char *out, size_t size)
{
	out[0] = '\0';
	if (l->word_len >= size)
		return;
	for (size_t i = 0; i < l->word_len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", l->word[i]) || !l->word[i])
			return;
	memcpy(out, l->word, l->word_len);
	out[l->word_len] = '\0';
}

static void string_begins(struct event_line *l)
{
	l->in_string = true;
	l->word_len = 0;
	if (l->depth == 1 && l->in_value && l->key == KEY_TEXT)
		l->text_at = l->text_end = l->at + 1;
}

static void string_ends(struct event_line *l)
{
	l->in_string = false;
	if (l->depth != 1)
		return;
	if (!l->in_value)
		l->key = key_of(l);
	else if (l->key == KEY_TYPE)
		keep_word(l, l->type, sizeof(l->type));
	else if (l->key == KEY_STREAM)
		keep_word(l, l->stream, sizeof(l->stream));
	else if (l->key == KEY_PHASE)
		keep_word(l, l->phase, sizeof(l->phase));
	else if (l->key == KEY_TEXT)
		l->text_end = l->at;
}

static void in_string(struct event_line *l, char c)
{
	if (l->escaped)
		l->escaped = false;
	else if (c == '\\')
		l->escaped = true;
	else if (c == '"') {
		string_ends(l);
		return;
	}
	if (l->word_len < sizeof(l->word))
		l->word[l->word_len++] = c;
}

static void outside(struct event_line *l, char c)
{
	switch (c) {
	case '"':
		string_begins(l);
		break;
	case '{': case '[':
		l->depth++;
		break;
	case '}': case ']':
		l->depth -= l->depth > 0;
		break;
	case ':':
		if (l->depth == 1) {
			l->in_value = true;
			l->step = l->key == KEY_STEP ? 0 : l->step;
		}
		break;
	case ',':
		if (l->depth == 1) {
			l->in_value = false;
			l->key = KEY_OTHER;
		}
		break;
	default:
		if (l->depth == 1 && l->in_value && l->key == KEY_STEP && c >= '0' && c <= '9' && l->step < STEP_MAX)
			l->step = l->step * 10 + (unsigned int)(c - '0');
	}
}

void event_line_feed(struct event_line *l, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++, l->at++) {
		if (l->in_string)
			in_string(l, bytes[i]);
		else
			outside(l, bytes[i]);
	}
}

/* ---- its text */

static int hex4(const char *s)
{
	int n = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		n = n * 16 + digit;
	}
	return n;
}

#define REPLACEMENT 0xfffd

/* The escape at `in`: its character, and in *used how long it is; 0 there: more has to come before that can be told. */
static unsigned int decode_escape(const char *in, size_t len, bool last, size_t *used)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int high, low;

	*used = last ? len : 0;
	if (len < 2)
		return REPLACEMENT;
	if (in[1] != 'u') {
		letter = in[1] ? strchr(letters, in[1]) : NULL;
		*used = 2;
		return letter ? (unsigned char)meanings[letter - letters] : REPLACEMENT;
	}
	if (len < 6)
		return REPLACEMENT;
	high = hex4(in + 2);
	if (high >= 0xd800 && high < 0xdc00 && len < 12 && !last)
		return REPLACEMENT;
	*used = high < 0 ? 2 : 6;
	if (high < 0 || (high >= 0xdc00 && high < 0xe000))
		return REPLACEMENT;
	if (high < 0xd800 || high >= 0xe000)
		return (unsigned int)high;
	low = len >= 12 && in[6] == '\\' && in[7] == 'u' ? hex4(in + 8) : -1;
	if (low < 0xdc00 || low >= 0xe000)
		return REPLACEMENT;
	*used = 12;
	return 0x10000 + ((unsigned int)(high - 0xd800) << 10) + (unsigned int)(low - 0xdc00);
}

size_t event_text_decode(const char *in, size_t len, bool last, char *out, size_t max, size_t *ret_used)
{
	size_t i = 0, n = 0;

	while (i < len && n < max) {
		const char *backslash = memchr(in + i, '\\', len - i);
		size_t plain = backslash ? (size_t)(backslash - in) - i : len - i, used;
		unsigned int c;

		if (plain > max - n)
			plain = max - n;
		memcpy(out + n, in + i, plain);
		i += plain;
		n += plain;
		if (i >= len || in[i] != '\\' || max - n < 4)
			break;
		c = decode_escape(in + i, len - i, last, &used);
		if (!used)
			break;
		i += used;
		n += utf8_encode(c, out + n);
	}
	*ret_used = i;
	return n;
}
