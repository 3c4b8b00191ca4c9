/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/yaml_text.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define MARK_EVERY 128
#define LINE_USUAL 24		/* bytes of a line: room for so many lines is made at once */

/* Files that people name by mistake. */
static const struct magic {
	const char *bytes;
	size_t len;
	const char *what;
} magics[] = {
	{ "\x7f" "ELF", 4, "a program (ELF)" },
	{ "\x1f\x8b", 2, "gzip data" },
	{ "PK\x03\x04", 4, "a zip archive" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd data" },
	{ "\xfd" "7zXZ", 5, "xz data" },
	{ "\x89PNG", 4, "a PNG image" },
	{ "%PDF-", 5, "a PDF" },
	{ "SQLite format 3", 15, "an SQLite database" },
};

static const char *find_magic(const char *bytes, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (len >= magics[i].len && !memcmp(bytes, magics[i].bytes, magics[i].len))
			return magics[i].what;
	}
	return NULL;
}

/* UTF-16 to UTF-8; a unit that is no character becomes U+FFFD and stops the decoding, with its place in *bad. */
static void from_utf16(const unsigned char *p, size_t len, bool big, struct yaml_text *text, size_t *bad)
{
	size_t i = 0;

	text->bytes = xmalloc(len / 2 * 3 + 4);
	*bad = (size_t)-1;
	while (i < len && *bad == (size_t)-1) {
		uint32_t c = 0xfffd, low;

		if (i + 1 < len)
			c = big ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i];
		else
			*bad = text->len;
		i += 2;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < len) {
			low = big ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i];
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (c >= 0xd800 && c < 0xe000) {
			*bad = text->len;
			c = 0xfffd;
		}
		text->len += utf8_encode(c, text->bytes + text->len);
	}
	text->bytes[text->len] = '\0';
}

/* What YAML allows in a stream; the byte order mark inside a text is refused too. */
static bool is_allowed(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0x7f || c == 0x85 || (c >= 0xa0 && c != 0xfeff && c != 0xfffe && c != 0xffff && c != UTF8_INVALID);
}

static char *complaint(const char *s, uint32_t c)
{
	if (c == UTF8_INVALID)
		return xasprintf("the byte 0x%02x is not UTF-8 text", (unsigned char)*s);
	return xasprintf("the control character U+%04X is not allowed in YAML", c);
}

static void line_add(struct yaml_text *text, size_t offset)
{
	ARRAY_GROW(text->lines, text->lines_len, text->lines_alloc);
	text->lines[text->lines_len++] = (uint32_t)offset;
}

/* How many bytes from here on are printable ASCII, which says nothing about lines or characters: eight at a time. */
static size_t plain_length(const char *s, size_t len)
{
	const uint64_t ones = UINT64_MAX / 0xff, high = ones << 7;
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, s + i, sizeof(word));
		/* a byte below 0x20, or from 0x7f on */
		if ((((word - ones * 0x20) & ~word) | (word + ones) | word) & high)
			break;
	}
	while (i < len && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

/* Find lines and characters, and the first character that may not stand in a text. */
static int survey(struct yaml_text *text, size_t *ret_offset, char **ret_message)
{
	const char *s = text->bytes;
	bool ascii = true, good = true;
	size_t i = 0;

	text->lines_alloc = text->len / LINE_USUAL + 1;
	text->lines = xmalloc(text->lines_alloc * sizeof(*text->lines));
	line_add(text, 0);
	while (i < text->len) {
		uint32_t c;
		size_t n;

		i += plain_length(s + i, text->len - i);
		if (i == text->len)
			break;
		if (s[i] == '\n') {
			line_add(text, ++i);
			continue;
		}
		n = utf8_decode(s + i, text->len - i, &c);
		if (good && !is_allowed(c)) {
			good = false;
			*ret_offset = i;
			*ret_message = complaint(s + i, c);
		}
		ascii &= c < 0x80;
		i += n;
		if (c == '\r' && s[i] != '\n')
			line_add(text, i);
	}
	text->chars = ascii ? text->len : 0;
	if (ascii)
		return good ? 0 : -1;
	text->marks = xcalloc(text->len / MARK_EVERY + 1, sizeof(*text->marks));
	for (size_t j = 0; j < text->len; j++) {
		if (j % MARK_EVERY == 0)
			text->marks[j / MARK_EVERY] = (uint32_t)text->chars;
		text->chars += (s[j] & 0xc0) != 0x80;
	}
	if (text->len % MARK_EVERY == 0 && text->len)
		text->marks[text->len / MARK_EVERY] = UINT32_MAX;	/* never reached by an index */
	return good ? 0 : -1;
}

/* No text at all: keep nothing, so that nobody prints it. */
static int refuse_all(struct yaml_text *ret, char *message, size_t *ret_offset, char **ret_message)
{
	yaml_text_release(ret);
	ret->bytes = xstrdup("");
	line_add(ret, 0);
	*ret_offset = 0;
	*ret_message = message;
	return -1;
}

int yaml_text_decode(const char *bytes, size_t len, struct yaml_text *ret, size_t *ret_offset, char **ret_message)
{
	const unsigned char *p = (const unsigned char *)bytes;
	const char *magic = find_magic(bytes, len);
	size_t bad = (size_t)-1;

	*ret = (struct yaml_text){ 0 };
	if (magic)
		return refuse_all(ret, xasprintf("this is not text, it looks like %s", magic), ret_offset, ret_message);
	if (len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff))) {
		from_utf16(p + 2, len - 2, p[0] == 0xfe, ret, &bad);
	} else {
		size_t bom = len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3) ? 3 : 0;

		ret->len = len - bom;
		ret->bytes = xmalloc(ret->len + 1);
		memcpy(ret->bytes, bytes + bom, ret->len);
		ret->bytes[ret->len] = '\0';
	}
	if (memchr(ret->bytes, '\0', ret->len)) {
		bool wide = len >= 2 && (!p[0] != !p[1]);

		return refuse_all(ret, xasprintf("this is not text, it holds NUL bytes%s",
						 wide ? " (UTF-16 needs a byte order mark)" : ""),
				  ret_offset, ret_message);
	}
	if (survey(ret, ret_offset, ret_message) < 0)
		return -1;
	if (bad != (size_t)-1) {
		*ret_offset = bad;
		*ret_message = xstrdup("this is not UTF-16 text, a character is broken");
		return -1;
	}
	return 0;
}

void yaml_text_release(struct yaml_text *text)
{
	free(text->bytes);
	free(text->lines);
	free(text->marks);
	*text = (struct yaml_text){ 0 };
}

/* Characters in the `offset` bytes from the start. */
static size_t count_chars(const struct yaml_text *text, size_t offset)
{
	size_t i, n;

	if (!text->marks || !offset)
		return offset;
	i = (offset - 1) / MARK_EVERY;
	n = text->marks[i];
	for (i *= MARK_EVERY; i < offset; i++)
		n += (text->bytes[i] & 0xc0) != 0x80;
	return n;
}

size_t yaml_text_offset(const struct yaml_text *text, size_t index)
{
	size_t low = 0, high, n;

	if (!text->marks)
		return index < text->len ? index : text->len;
	/* the last mark that is not past `index` */
	high = text->len / MARK_EVERY + 1;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (text->marks[mid] <= index)
			low = mid;
		else
			high = mid;
	}
	n = text->marks[low];
	for (low *= MARK_EVERY; low < text->len; low++) {
		bool begins = (text->bytes[low] & 0xc0) != 0x80;

		if (begins && n == index)
			return low;
		n += begins;
	}
	return text->len;
}

struct position yaml_text_position(const struct yaml_text *text, size_t offset)
{
	size_t low = 0, high = text->lines_len;

	if (offset > text->len)
		offset = text->len;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (text->lines[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return (struct position){
		.line = (uint32_t)low + 1,
		.column = (uint32_t)(count_chars(text, offset) - count_chars(text, text->lines[low])) + 1,
	};
}

bool yaml_text_line(const struct yaml_text *text, uint32_t line, const char **start, size_t *len)
{
	size_t begin, end;

	if (!line || line > text->lines_len)
		return false;
	begin = text->lines[line - 1];
	end = line < text->lines_len ? text->lines[line] : text->len;
	while (end > begin && (text->bytes[end - 1] == '\n' || text->bytes[end - 1] == '\r'))
		end--;
	*start = text->bytes + begin;
	*len = end - begin;
	return true;
}
