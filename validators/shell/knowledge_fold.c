/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge.h"

#include <string.h>

#include "runner/base/utf8.h"

struct confusable {
	uint32_t character;
	char ascii;
};

/* Letters of Cyrillic, Greek, Armenian, Cherokee, phonetic and mathematical alphabets, Roman numerals, signs and blanks that look like one
 * of ASCII. In the order of the characters. */
static const struct confusable confusables[] = {
	{ 0x00a0, ' ' }, { 0x00aa, 'a' }, { 0x00b2, '2' }, { 0x00b3, '3' }, { 0x00b9, '1' }, { 0x00ba, 'o' },
	{ 0x0131, 'i' }, { 0x017f, 's' }, { 0x0192, 'f' }, { 0x01c0, '|' }, { 0x0251, 'a' }, { 0x0261, 'g' },
	{ 0x0262, 'g' }, { 0x0269, 'i' }, { 0x026a, 'i' }, { 0x026f, 'w' }, { 0x0274, 'n' }, { 0x027e, 'r' },
	{ 0x0280, 'r' }, { 0x028b, 'v' }, { 0x028f, 'y' }, { 0x0299, 'b' }, { 0x029c, 'h' }, { 0x029f, 'l' },
	{ 0x02b0, 'h' }, { 0x02b2, 'j' }, { 0x02b3, 'r' }, { 0x02b7, 'w' }, { 0x02b8, 'y' }, { 0x02e1, 'l' },
	{ 0x02e2, 's' }, { 0x02e3, 'x' }, { 0x037e, ';' }, { 0x037f, 'J' }, { 0x0391, 'A' }, { 0x0392, 'B' },
	{ 0x0395, 'E' }, { 0x0396, 'Z' }, { 0x0397, 'H' }, { 0x0399, 'I' }, { 0x039a, 'K' }, { 0x039c, 'M' },
	{ 0x039d, 'N' }, { 0x039f, 'O' }, { 0x03a1, 'P' }, { 0x03a4, 'T' }, { 0x03a5, 'Y' }, { 0x03a7, 'X' },
	{ 0x03b1, 'a' }, { 0x03b3, 'y' }, { 0x03b5, 'e' }, { 0x03b7, 'n' }, { 0x03b9, 'i' }, { 0x03ba, 'k' },
	{ 0x03bd, 'v' }, { 0x03bf, 'o' }, { 0x03c1, 'p' }, { 0x03c3, 'o' }, { 0x03c4, 't' }, { 0x03c5, 'u' },
	{ 0x03c7, 'x' }, { 0x03c9, 'w' }, { 0x03d2, 'Y' }, { 0x03f2, 'c' }, { 0x03f3, 'j' }, { 0x03f9, 'C' },
	{ 0x0405, 'S' }, { 0x0406, 'I' }, { 0x0408, 'J' }, { 0x0410, 'A' }, { 0x0412, 'B' }, { 0x0415, 'E' },
	{ 0x041a, 'K' }, { 0x041c, 'M' }, { 0x041d, 'H' }, { 0x041e, 'O' }, { 0x0420, 'P' }, { 0x0421, 'C' },
	{ 0x0422, 'T' }, { 0x0423, 'Y' }, { 0x0425, 'X' }, { 0x0430, 'a' }, { 0x0432, 'b' }, { 0x0433, 'r' },
	{ 0x0435, 'e' }, { 0x043a, 'k' }, { 0x043c, 'm' }, { 0x043d, 'h' }, { 0x043e, 'o' }, { 0x043f, 'n' },
	{ 0x0440, 'p' }, { 0x0441, 'c' }, { 0x0442, 't' }, { 0x0443, 'y' }, { 0x0445, 'x' }, { 0x0450, 'e' },
	{ 0x0455, 's' }, { 0x0456, 'i' }, { 0x0458, 'j' }, { 0x0461, 'w' }, { 0x0474, 'V' }, { 0x0475, 'v' },
	{ 0x0493, 'f' }, { 0x04bb, 'h' }, { 0x04c0, 'I' }, { 0x04cf, 'l' }, { 0x0500, 'D' }, { 0x0501, 'd' },
	{ 0x050c, 'G' }, { 0x051a, 'Q' }, { 0x051b, 'q' }, { 0x051c, 'W' }, { 0x051d, 'w' }, { 0x053c, 'L' },
	{ 0x054d, 'U' }, { 0x054f, 'S' }, { 0x0555, 'O' }, { 0x0561, 'w' }, { 0x0566, 'q' }, { 0x056c, 'l' },
	{ 0x0570, 'h' }, { 0x0575, 'j' }, { 0x0578, 'n' }, { 0x057d, 'u' }, { 0x0581, 'g' }, { 0x0585, 'o' },
	{ 0x13a0, 'D' }, { 0x13a1, 'R' }, { 0x13a2, 'T' }, { 0x13aa, 'A' }, { 0x13ab, 'J' }, { 0x13ac, 'E' },
	{ 0x13b3, 'W' }, { 0x13b7, 'M' }, { 0x13bb, 'H' }, { 0x13c0, 'G' }, { 0x13c3, 'Z' }, { 0x13d9, 'V' },
	{ 0x13da, 'S' }, { 0x13de, 'L' }, { 0x13df, 'C' }, { 0x13e2, 'P' }, { 0x13e6, 'K' }, { 0x13f4, 'B' },
	{ 0x1680, ' ' }, { 0x1d00, 'a' }, { 0x1d04, 'c' }, { 0x1d05, 'd' }, { 0x1d07, 'e' }, { 0x1d0a, 'j' },
	{ 0x1d0b, 'k' }, { 0x1d0d, 'm' }, { 0x1d0f, 'o' }, { 0x1d18, 'p' }, { 0x1d1b, 't' }, { 0x1d1c, 'u' },
	{ 0x1d20, 'v' }, { 0x1d21, 'w' }, { 0x1d22, 'z' }, { 0x1d43, 'a' }, { 0x1d47, 'b' }, { 0x1d48, 'd' },
	{ 0x1d49, 'e' }, { 0x1d4d, 'g' }, { 0x1d4f, 'k' }, { 0x1d50, 'm' }, { 0x1d52, 'o' }, { 0x1d56, 'p' },
	{ 0x1d57, 't' }, { 0x1d58, 'u' }, { 0x1d5b, 'v' }, { 0x1d9c, 'c' }, { 0x1da0, 'f' }, { 0x1dbb, 'z' },
	{ 0x2000, ' ' }, { 0x2001, ' ' }, { 0x2002, ' ' }, { 0x2003, ' ' }, { 0x2004, ' ' }, { 0x2005, ' ' },
	{ 0x2006, ' ' }, { 0x2007, ' ' }, { 0x2008, ' ' }, { 0x2009, ' ' }, { 0x200a, ' ' }, { 0x2010, '-' },
	{ 0x2011, '-' }, { 0x2012, '-' }, { 0x2013, '-' }, { 0x2014, '-' }, { 0x2015, '-' }, { 0x2024, '.' },
	{ 0x202f, ' ' }, { 0x2043, '-' }, { 0x2044, '/' }, { 0x205f, ' ' }, { 0x2070, '0' }, { 0x2071, 'i' },
	{ 0x2074, '4' }, { 0x2075, '5' }, { 0x2076, '6' }, { 0x2077, '7' }, { 0x2078, '8' }, { 0x2079, '9' },
	{ 0x207f, 'n' }, { 0x2102, 'C' }, { 0x210a, 'g' }, { 0x210b, 'H' }, { 0x210c, 'H' }, { 0x210d, 'H' },
	{ 0x210e, 'h' }, { 0x2110, 'I' }, { 0x2111, 'I' }, { 0x2112, 'L' }, { 0x2113, 'l' }, { 0x2115, 'N' },
	{ 0x2118, 'p' }, { 0x2119, 'P' }, { 0x211a, 'Q' }, { 0x211b, 'R' }, { 0x211c, 'R' }, { 0x211d, 'R' },
	{ 0x2124, 'Z' }, { 0x2128, 'Z' }, { 0x212a, 'K' }, { 0x212c, 'B' }, { 0x212d, 'C' }, { 0x212f, 'e' },
	{ 0x2130, 'E' }, { 0x2131, 'F' }, { 0x2133, 'M' }, { 0x2134, 'o' }, { 0x2139, 'i' }, { 0x2145, 'D' },
	{ 0x2146, 'd' }, { 0x2147, 'e' }, { 0x2148, 'i' }, { 0x2149, 'j' }, { 0x2160, 'I' }, { 0x2164, 'V' },
	{ 0x2169, 'X' }, { 0x216c, 'L' }, { 0x216d, 'C' }, { 0x216e, 'D' }, { 0x216f, 'M' }, { 0x2170, 'i' },
	{ 0x2174, 'v' }, { 0x2179, 'x' }, { 0x217c, 'l' }, { 0x217d, 'c' }, { 0x217e, 'd' }, { 0x217f, 'm' },
	{ 0x2212, '-' }, { 0x2215, '/' }, { 0x2217, '*' }, { 0x2223, '|' }, { 0x2236, ':' }, { 0x223c, '~' },
	{ 0x23d0, '|' }, { 0x29f8, '/' }, { 0x3000, ' ' }, { 0xa730, 'f' }, { 0xa731, 's' }, { 0xa789, ':' },
	{ 0xfe60, '&' }, { 0xfe63, '-' }, { 0xfe69, '$' }, { 0xfe6b, '@' },
};

struct range {
	uint32_t first, last;
};

/* What no reader sees: soft hyphen, joiners, fillers, controls of direction, variation selectors, tags. */
static const struct range invisible[] = {
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static bool is_invisible(uint32_t c)
{
	for (size_t i = 0; i < sizeof(invisible) / sizeof(*invisible); i++)
		if (c >= invisible[i].first && c <= invisible[i].last)
			return true;
	return false;
}

/* Alphabets that stand in the order of ASCII's. */
static const struct alphabet {
	uint32_t first, last;
	const char *letters;	/* repeated */
} alphabets[] = {
	{ 0x2460, 0x2468, "123456789" },
	{ 0x249c, 0x24b5, "abcdefghijklmnopqrstuvwxyz" },
	{ 0x24b6, 0x24e9, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
	{ 0x1d400, 0x1d6a3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
	/* mathematical Greek: what looks like a letter of ASCII */
	{ 0x1d6a8, 0x1d7c9, "AB  EZH IK MN O P  TY X   a y e n ik  v o p otu x w       " },
	{ 0x1d7ce, 0x1d7ff, "0123456789" },
	{ 0x1f110, 0x1f129, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
	{ 0x1f130, 0x1f149, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
	{ 0x1f150, 0x1f169, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
	{ 0x1f170, 0x1f189, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
	{ 0x1f1e6, 0x1f1ff, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
};

/* 0: it is not taken for a character of ASCII. */
static char look_alike(uint32_t c)
{
	size_t low = 0, high = sizeof(confusables) / sizeof(*confusables);

	if (c >= 0xff01 && c <= 0xff5e)		/* full-width */
		return (char)(c - 0xff01 + '!');
	for (size_t i = 0; i < sizeof(alphabets) / sizeof(*alphabets); i++) {
		if (c >= alphabets[i].first && c <= alphabets[i].last) {
			char letter = alphabets[i].letters[(c - alphabets[i].first) % strlen(alphabets[i].letters)];

			return letter == ' ' ? 0 : letter;
		}
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (confusables[middle].character == c)
			return confusables[middle].ascii;
		if (confusables[middle].character > c)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

const char *knowledge_fold(struct arena *arena, const char *text, size_t len, size_t *ret_len, bool *changed)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;

	*changed = false;
	for (size_t i = 0; i < len; ) {
		uint32_t c = (unsigned char)text[i];
		size_t bytes = c < 0x80 ? 1 : utf8_decode(text + i, len - i, &c);
		char ascii = c < 0x80 || c == UTF8_INVALID ? 0 : look_alike(c);

		if (ascii) {
			out[n++] = ascii;
			*changed = true;
		} else if (c >= 0x80 && is_invisible(c)) {
			*changed = true;
		} else {
			memcpy(out + n, text + i, bytes);
			n += bytes;
		}
		i += bytes;
	}
	*ret_len = n;
	return out;
}
