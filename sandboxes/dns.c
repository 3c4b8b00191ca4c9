/* SPDX-License-Identifier: Apache-2.0
 * RFC 1035, as little of it as a resolver library needs. */
#include "sandboxes/dns.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"

enum { HEADER = 12, LABEL_MAX = 63, NAME_MAX_BYTES = 255, RECORD_HEAD = 12, CLASS_IN = 1 };
enum {	/* of the flags */
	IS_ANSWER = 0x8000, OPCODE = 0x7800, TRUNCATED = 0x0200, RECURSION_DESIRED = 0x0100, RECURSION_AVAILABLE = 0x0080,
};

static uint16_t get16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static unsigned char *put16(unsigned char *p, unsigned int value)
{
	p[0] = (unsigned char)(value >> 8);
	p[1] = (unsigned char)value;
	return p + 2;
}

static char *put_byte(char *out, unsigned char byte)
{
	bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
		     byte == '_' || byte == '*';

	if (plain) {
		*out++ = (char)byte;
		return out;
	}
	*out++ = '\\';
	*out++ = (char)('0' + byte / 100);
	*out++ = (char)('0' + byte / 10 % 10);
	*out++ = (char)('0' + byte % 10);
	return out;
}

/* Bytes that the name takes, 0: it is none. In a question nothing can be pointed back to, so compression is refused. */
static size_t parse_name(const unsigned char *p, size_t left, char text[DNS_NAME_SIZE])
{
	size_t at = 0;
	char *out = text;

	for (;;) {
		size_t label;

		if (at >= left || at >= NAME_MAX_BYTES)
			return 0;
		label = p[at++];
		if (label == 0)
			break;
		if (label > LABEL_MAX || label > left - at || at + label >= NAME_MAX_BYTES)
			return 0;
		if (out > text)
			*out++ = '.';
		for (size_t i = 0; i < label; i++)
			out = put_byte(out, p[at++]);
	}
	if (out == text)
		*out++ = '.';
	*out = '\0';
	return at;
}

bool dns_parse(const unsigned char *message, size_t len, struct dns_question *ret)
{
	size_t name;

	if (len < HEADER || len > DNS_MESSAGE_MAX)
		return false;
	ret->id = get16(message);
	ret->flags = get16(message + 2);
	if ((ret->flags & (IS_ANSWER | OPCODE)) || get16(message + 4) != 1)
		return false;
	name = parse_name(message + HEADER, len - HEADER, ret->name);
	if (name == 0 || len - HEADER - name < 4)
		return false;
	ret->type = get16(message + HEADER + name);
	ret->class = get16(message + HEADER + name + 2);
	ret->len = HEADER + name + 4;
	return true;
}

const char *dns_type_to_string(uint16_t type, char room[16])
{
	static const struct { uint16_t type; const char *name; } names[] = {
		{ 1, "A" }, { 2, "NS" }, { 5, "CNAME" }, { 6, "SOA" }, { 12, "PTR" }, { 15, "MX" }, { 16, "TXT" }, { 28, "AAAA" },
		{ 33, "SRV" }, { 35, "NAPTR" }, { 43, "DS" }, { 48, "DNSKEY" }, { 64, "SVCB" }, { 65, "HTTPS" }, { 252, "AXFR" },
		{ 255, "ANY" }, { 257, "CAA" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(room, 16, "TYPE%u", type);
	return room;
}

static unsigned char *put_record(unsigned char *p, uint16_t type, uint32_t ttl_s, const unsigned char *address, size_t len)
{
	p = put16(p, 0xc000 | HEADER);	/* the name: as in the question */
	p = put16(p, type);
	p = put16(p, CLASS_IN);
	p = put16(p, ttl_s >> 16);
	p = put16(p, ttl_s & 0xffff);
	p = put16(p, (unsigned int)len);
	memcpy(p, address, len);
	return p + len;
}

size_t dns_answer(const unsigned char *message, const struct dns_question *question, enum dns_code code, const void *addresses,
		  size_t n, uint32_t ttl_s, unsigned char *out, size_t size)
{
	const size_t bytes = question->type == DNS_AAAA ? 16 : 4;
	unsigned char *p = out + question->len;
	unsigned int flags = IS_ANSWER | RECURSION_AVAILABLE | (question->flags & RECURSION_DESIRED) | (unsigned int)code, told = 0;

	if (size < question->len)
		return 0;
	memcpy(out, message, question->len);
	if (question->type != DNS_A && question->type != DNS_AAAA)
		n = 0;
	while (told < n && size - (size_t)(p - out) >= RECORD_HEAD + bytes)
		p = put_record(p, question->type, ttl_s, (const unsigned char *)addresses + bytes * told++, bytes);
	put16(out + 2, flags | (told < n ? TRUNCATED : 0));
	put16(out + 6, told);
	put16(out + 8, 0);
	put16(out + 10, 0);
	return (size_t)(p - out);
}
