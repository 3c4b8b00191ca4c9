/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/host_private.h"

#include <arpa/inet.h>
#include <string.h>

#define NAME_MAX_BYTES 253	/* of a DNS name; a longer one is no host that exists */

static const char *const class_names[] = { "unknown", "loopback", "own", "metadata", "external" };

const char *host_class_to_string(enum host_class c)
{
	return class_names[c];
}

bool host_class_from_string(const char *s, enum host_class *ret)
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(*class_names); i++)
		if (!strcmp(s, class_names[i])) {
			*ret = (enum host_class)i;
			return true;
		}
	return false;
}

/* ---- addresses */
struct range4 {
	uint32_t address;
	unsigned int bits;
	enum host_class class;
};

/* The first that fits. */
static const struct range4 ranges4[] = {
	{ 0xa9fea9fe, 32, HOST_METADATA },	/* 169.254.169.254: AWS, GCP, Azure, OpenStack, DigitalOcean, Oracle … */
	{ 0xa9feaa02, 32, HOST_METADATA },	/* 169.254.170.2: ECS task credentials */
	{ 0xa9feaa17, 32, HOST_METADATA },	/* 169.254.170.23: EKS pod identity */
	{ 0xa9fe0017, 32, HOST_METADATA },	/* 169.254.0.23: Tencent */
	{ 0xa9fe2a2a, 32, HOST_METADATA },	/* 169.254.42.42: Scaleway */
	{ 0x646464c8, 32, HOST_METADATA },	/* 100.100.100.200: Alibaba */
	{ 0xa83f8110, 32, HOST_METADATA },	/* 168.63.129.16: Azure's wire server */
	{ 0xc00000c0, 32, HOST_METADATA },	/* 192.0.0.192: Oracle, classic */
	{ 0x7f000000, 8, HOST_LOOPBACK },
	{ 0x00000000, 8, HOST_LOOPBACK },
	{ 0x0a000000, 8, HOST_OWN },
	{ 0xac100000, 12, HOST_OWN },
	{ 0xc0a80000, 16, HOST_OWN },
	{ 0xa9fe0000, 16, HOST_OWN },
	{ 0x64400000, 10, HOST_OWN },
	{ 0xe0000000, 24, HOST_OWN },		/* multicast and broadcast that no router forwards */
	{ 0xef000000, 8, HOST_OWN },
	{ 0xffffffff, 32, HOST_OWN },
};

static enum host_class classify4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(ranges4) / sizeof(*ranges4); i++)
		if ((address ^ ranges4[i].address) >> (32 - ranges4[i].bits) == 0)
			return ranges4[i].class;
	return HOST_EXTERNAL;
}

/* A number as inet_aton(3) reads it: 0x…, 0… (octal) or decimal. */
static bool read_number(const char *s, size_t len, uint64_t *ret)
{
	int base = 10;
	uint64_t n = 0;

	if (len >= 2 && s[0] == '0' && to_lower(s[1]) == 'x') {
		base = 16;
		s += 2;
		len -= 2;
	} else if (len >= 2 && s[0] == '0') {
		base = 8;
	} else if (len == 0) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		int digit = hex_value(s[i]);

		if (digit < 0 || digit >= base || n > UINT32_MAX)
			return false;
		n = n * (unsigned int)base + (unsigned int)digit;
	}
	*ret = n;
	return true;
}

/* One to four parts; the last fills what the others leave. */
bool host_read_address4(const char *s, size_t len, uint32_t *ret)
{
	uint64_t address = 0;

	for (unsigned int part = 0; part < 4; part++) {
		const char *dot = memchr(s, '.', len);
		size_t part_len = dot ? (size_t)(dot - s) : len;
		uint64_t n;

		if (!read_number(s, part_len, &n))
			return false;
		if (!dot) {
			unsigned int left = 32 - 8 * part;

			if (n >> left)
				return false;
			*ret = (uint32_t)(part ? address << left | n : n);
			return true;
		}
		if (n > 255)
			return false;
		address = address << 8 | n;
		s = dot + 1;
		len -= part_len + 1;
	}
	return false;
}

struct range6 {
	const char *address;
	unsigned int bits;	/* multiple of 2 */
	enum host_class class;
	size_t embedded4;	/* the class is that of the IPv4 address at this byte; 0: `class` */
};

static const struct range6 ranges6[] = {
	{ "fd00:ec2::254", 128, HOST_METADATA, 0 },	/* AWS */
	{ "fd00:ec2::23", 128, HOST_METADATA, 0 },	/* EKS pod identity */
	{ "fd20:ce::254", 128, HOST_METADATA, 0 },	/* GCP */
	{ "fd00:42::42", 128, HOST_METADATA, 0 },	/* Scaleway */
	{ "fe80::a9fe:a9fe", 128, HOST_METADATA, 0 },	/* OpenStack */
	{ "::1", 128, HOST_LOOPBACK, 0 },
	{ "::", 128, HOST_LOOPBACK, 0 },
	{ "::ffff:0:0", 96, HOST_EXTERNAL, 12 },	/* mapped */
	{ "::ffff:0:0:0", 96, HOST_EXTERNAL, 12 },	/* translated */
	{ "::", 96, HOST_EXTERNAL, 12 },		/* compatible */
	{ "64:ff9b::", 96, HOST_EXTERNAL, 12 },		/* NAT64 */
	{ "2002::", 16, HOST_EXTERNAL, 2 },		/* 6to4 */
	{ "fc00::", 7, HOST_OWN, 0 },
	{ "fe80::", 10, HOST_OWN, 0 },
	{ "fec0::", 10, HOST_OWN, 0 },
	{ "ff02::", 16, HOST_OWN, 0 },
};

static bool has_prefix6(const unsigned char *address, const unsigned char *prefix, unsigned int bits)
{
	if (memcmp(address, prefix, bits / 8))
		return false;
	return bits % 8 == 0 || (address[bits / 8] ^ prefix[bits / 8]) >> (8 - bits % 8) == 0;
}

static enum host_class classify6(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(ranges6) / sizeof(*ranges6); i++) {
		const struct range6 *r = &ranges6[i];
		unsigned char prefix[16];

		if (inet_pton(AF_INET6, r->address, prefix) != 1 || !has_prefix6(address, prefix, r->bits))
			continue;
		if (!r->embedded4)
			return r->class;
		const unsigned char *p = address + r->embedded4;

		return classify4((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
	}
	return HOST_EXTERNAL;
}

/* ---- names */
struct name_class {
	const char *name;	/* ".x": that and everything below it */
	enum host_class class;
};

/* The first that fits. */
static const struct name_class names[] = {
	{ "metadata.google.internal", HOST_METADATA },
	{ "metadata.goog", HOST_METADATA },
	{ "metadata.azure.internal", HOST_METADATA },
	{ "metadata.azure.com", HOST_METADATA },
	{ "metadata.tencentyun.com", HOST_METADATA },
	{ "metadata.packet.net", HOST_METADATA },
	{ "metadata.platformequinix.com", HOST_METADATA },
	{ "metadata.oraclecloud.com", HOST_METADATA },
	{ "metadata.aliyuncs.com", HOST_METADATA },
	{ "instance-data.ec2.internal", HOST_METADATA },
	{ "instance-data", HOST_METADATA },
	{ "rancher-metadata", HOST_METADATA },
	{ "metadata", HOST_METADATA },
	{ ".localhost", HOST_LOOPBACK },
	{ "localhost.localdomain", HOST_LOOPBACK },
	{ "localhost4", HOST_LOOPBACK },
	{ "localhost6", HOST_LOOPBACK },
	{ "localhost4.localdomain4", HOST_LOOPBACK },
	{ "localhost6.localdomain6", HOST_LOOPBACK },
	{ "ip6-localhost", HOST_LOOPBACK },
	{ "ip6-loopback", HOST_LOOPBACK },
	{ "loopback", HOST_LOOPBACK },
	{ ".svc", HOST_OWN },
	{ ".internal", HOST_OWN },
	{ ".internal.example", HOST_OWN },
	{ ".internal.test", HOST_OWN },
	{ ".internal.invalid", HOST_OWN },
	{ ".local", HOST_OWN },
	{ ".localdomain", HOST_OWN },
	{ ".lan", HOST_OWN },
	{ ".corp", HOST_OWN },
	{ ".intranet", HOST_OWN },
	{ ".private", HOST_OWN },
	{ ".home", HOST_OWN },
	{ ".home.arpa", HOST_OWN },
	{ ".consul", HOST_OWN },
};

static bool is_below(const char *host, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);	/* with the dot */

	return (len == n - 1 && !memcmp(host, suffix + 1, len)) || (len >= n && !memcmp(host + len - n, suffix, n));
}

/* Services that answer with the address that stands in the name: 10.0.0.1.nip.io, app-10-0-0-1.sslip.io. */
static bool read_wildcard_dns(const char *host, size_t len, uint32_t *ret)
{
	static const char *const services[] = { ".nip.io", ".sslip.io", ".xip.io" };
	char part[16];

	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		size_t n = strlen(services[i]);

		if (len <= n || memcmp(host + len - n, services[i], n))
			continue;
		/* the longest tail of digits, dots and dashes is the address */
		size_t end = len - n, begin = end;

		while (begin > 0 && end - begin < sizeof(part) - 1 && (is_digit(host[begin - 1]) || strchr(".-", host[begin - 1])))
			begin--;
		while (begin < end && !is_digit(host[begin]))
			begin++;
		for (size_t k = begin; k < end; k++)
			part[k - begin] = host[k] == '-' ? '.' : host[k];
		if (host_read_address4(part, end - begin, ret))
			return true;
	}
	return false;
}

static enum host_class classify_name(const char *host, size_t len)
{
	uint32_t address;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *n = names[i].name;

		if (*n == '.' ? is_below(host, len, n) : strlen(n) == len && !memcmp(host, n, len))
			return names[i].class;
	}
	if (read_wildcard_dns(host, len, &address))
		return classify4(address);
	return memchr(host, '.', len) || is_numeric(host, len) ? HOST_EXTERNAL : HOST_OWN;
}

/* ---- unknown parts */
size_t host_unknown_len(const char *s, size_t len)
{
	char open, close;
	size_t depth = 0;

	if (len >= 2 && s[0] == '$' && (s[1] == '{' || s[1] == '(')) {
		open = s[1];
		close = open == '{' ? '}' : ')';
	} else if (len >= 2 && s[0] == '{' && s[1] == '{') {
		open = '{';
		close = '}';
	} else if (len >= 2 && s[0] == '$' && is_name_char(s[1])) {
		size_t n = 1;

		while (n < len && is_name_char(s[n]))
			n++;
		return n;
	} else if (len >= 1 && s[0] == '`') {
		const char *end = memchr(s + 1, '`', len - 1);

		return end ? (size_t)(end - s) + 1 : len;
	} else {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] == open)
			depth++;
		else if (s[i] == close && --depth == 0)
			return i + 1;
	}
	return len;
}

size_t host_known_tail(const char *host, size_t len)
{
	size_t tail = 0;

	for (size_t i = 0; i < len; ) {
		size_t n = host_unknown_len(host + i, len - i);

		i += n ? n : 1;
		if (n)
			tail = i;
	}
	return tail;
}

/* "%6c" becomes "l", full-width letters and other full stops ASCII: what resolvers and IDNA make of them. False: too long. */
static bool normalise(const char *host, size_t len, char *out, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];

		if (c == '%' && len - i > 2 && hex_value(host[i + 1]) >= 0 && hex_value(host[i + 2]) >= 0) {
			c = (unsigned char)(hex_value(host[i + 1]) << 4 | hex_value(host[i + 2]));
			i += 2;
		} else if (c == 0xef && len - i > 2 && ((unsigned char)host[i + 1] == 0xbc || (unsigned char)host[i + 1] == 0xbd)) {
			unsigned int u = 0xf000 | ((unsigned int)host[i + 1] & 0x3f) << 6 | ((unsigned int)host[i + 2] & 0x3f);

			c = u == 0xff61 ? '.' : u >= 0xff01 && u <= 0xff5e ? (unsigned char)(u - 0xff01 + '!') : '?';
			i += 2;
		} else if (len - i > 2 && !memcmp(host + i, "\xe3\x80\x82", 3)) {
			c = '.';
			i += 2;
		}
		if (n == NAME_MAX_BYTES)
			return false;
		out[n++] = to_lower((char)c);
	}
	out[n] = 0;
	*ret_len = n;
	return true;
}

bool host_read_address6(const char *host, size_t len, unsigned char ret[16])
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *zone = memchr(host, '%', len);

	if (zone)
		len = (size_t)(zone - host);
	if (len >= sizeof(text) || !memchr(host, ':', len))
		return false;
	memcpy(text, host, len);
	text[len] = 0;
	return inet_pton(AF_INET6, text, ret) == 1;
}

/* "${X}.evil.com" is below evil.com whatever X is; "${X}.com", "${X}evil.com" and "10.0.${X}.1" could be anything. */
static enum host_class classify_tail(const char *tail, size_t len)
{
	char name[NAME_MAX_BYTES + 1];
	const char *dot = memchr(tail, '.', len);

	if (!dot || !normalise(dot, len - (size_t)(dot - tail), name, &len))
		return HOST_UNKNOWN;
	while (len && name[len - 1] == '.')
		len--;
	if (!len)
		return HOST_UNKNOWN;
	enum host_class c = classify_name(name, len);
	const char *last = memrchr(name, '.', len);

	return c == HOST_EXTERNAL && (last == name || is_digit(last[1])) ? HOST_UNKNOWN : c;
}

enum host_class host_classify(const char *host, size_t len)
{
	char name[NAME_MAX_BYTES + 1];
	unsigned char address6[16];
	uint32_t address4;
	size_t tail = host_known_tail(host, len);

	if (tail)
		return classify_tail(host + tail, len - tail);
	if (len && host[0] == '[') {
		const char *end = memchr(host, ']', len);

		len = (end ? (size_t)(end - host) : len) - 1;
		host++;
	}
	if (host_read_address6(host, len, address6))
		return classify6(address6);
	if (!normalise(host, len, name, &len))
		return HOST_EXTERNAL;
	while (len && name[len - 1] == '.')
		len--;
	if (!len)
		return HOST_UNKNOWN;
	if (host_read_address4(name, len, &address4))
		return classify4(address4);
	if (host_read_address6(name, len, address6))
		return classify6(address6);
	return classify_name(name, len);
}
