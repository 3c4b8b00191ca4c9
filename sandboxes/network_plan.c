/* SPDX-License-Identifier: Apache-2.0
 * What may be reached: from the entries of a spec to names, addresses and ports. */
#include "sandboxes/network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/strbuf.h"

/* ---- addresses */

static const struct { sa_family_t family; unsigned int bits; const char *first, *what; bool is_private; } forbidden[] = {
	{ AF_INET, 8, "0.0.0.0", "an address of this host", false },
	{ AF_INET, 8, "127.0.0.0", "a loopback address", false },
	{ AF_INET, 16, "169.254.0.0", "a link-local address, where metadata services are", false },
	{ AF_INET, 32, "100.100.100.200", "the address of a metadata service", false },
	{ AF_INET, 32, "192.0.0.192", "the address of a metadata service", false },
	{ AF_INET, 32, "168.63.129.16", "the address of a host's own service", false },
	{ AF_INET, 15, "198.18.0.0", "an address that is used inside sandboxes", false },
	{ AF_INET, 3, "224.0.0.0", "a multicast, broadcast or reserved address", false },
	{ AF_INET, 8, "10.0.0.0", "a private address", true },
	{ AF_INET, 12, "172.16.0.0", "a private address", true },
	{ AF_INET, 16, "192.168.0.0", "a private address", true },
	{ AF_INET, 10, "100.64.0.0", "a shared address", true },
	{ AF_INET6, 128, "::", "an address of this host", false },
	{ AF_INET6, 128, "::1", "a loopback address", false },
	{ AF_INET6, 10, "fe80::", "a link-local address", false },
	{ AF_INET6, 10, "fec0::", "a site-local address", false },
	{ AF_INET6, 8, "ff00::", "a multicast address", false },
	{ AF_INET6, 128, "fd00:ec2::254", "the address of a metadata service", false },
	{ AF_INET6, 7, "fc00::", "a private address", true },
};

static bool has_prefix(const unsigned char *address, const unsigned char *prefix, unsigned int bits)
{
	unsigned int rest = bits % 8;

	if (memcmp(address, prefix, bits / 8) != 0)
		return false;
	return !rest || ((address[bits / 8] ^ prefix[bits / 8]) & (0xff << (8 - rest))) == 0;
}

/* IPv4 addresses travel in IPv6 ones: 6to4 (2002::/16), NAT64 (64:ff9b::/96), mapped and compatible ones. False: none is in it. */
static bool embedded(const unsigned char *v6, struct network_address *ret)
{
	static const struct { unsigned char prefix[12]; unsigned int bits, at; } forms[] = {
		{ { 0x20, 0x02 }, 16, 2 },
		{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12 },
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, 12 },
		{ { 0 }, 96, 12 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!has_prefix(v6, forms[i].prefix, forms[i].bits))
			continue;
		*ret = (struct network_address){ .family = AF_INET };
		memcpy(ret->bytes, v6 + forms[i].at, 4);
		return true;
	}
	return false;
}

const char *network_forbidden(const struct network_address *address, bool private_ranges)
{
	struct network_address inner;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		unsigned char prefix[16] = { 0 };

		if (forbidden[i].family != address->family || (forbidden[i].is_private && private_ranges))
			continue;
		inet_pton(forbidden[i].family, forbidden[i].first, prefix);
		if (has_prefix(address->bytes, prefix, forbidden[i].bits))
			return forbidden[i].what;
	}
	if (address->family == AF_INET6 && embedded(address->bytes, &inner))
		return network_forbidden(&inner, private_ranges);
	return NULL;
}

bool network_address_of(const struct sockaddr *sa, struct network_address *ret)
{
	*ret = (struct network_address){ .family = sa->sa_family };
	if (sa->sa_family == AF_INET) {
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ret->bytes)) {
		struct network_address inner = { .family = AF_INET };

		memcpy(inner.bytes, ret->bytes + 12, 4);
		*ret = inner;
	}
	return true;
}

void network_address_format(const struct network_address *address, char out[64])
{
	if (!inet_ntop(address->family, address->bytes, out, 64))
		snprintf(out, 64, "?");
}

/* ---- names */

/* Letters, digits, hyphens and underscores in labels of at most 63. */
static bool is_host_name(const char *s)
{
	size_t len = strlen(s), label = 0;

	if (len == 0 || len > 253)
		return false;
	for (; *s; s++) {
		if (*s == '.' ? label == 0 : !isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return false;
		label = *s == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static void lower(const char *name, char out[NETWORK_NAME_SIZE])
{
	size_t len = strnlen(name, NETWORK_NAME_SIZE - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	if (len > 1 && out[len - 1] == '.')
		len--;
	out[len] = '\0';
}

/* 198.18.0.2 and on: .1 is the interface's own, and no address ends in 0 or 255. */
static struct network_address address_number(size_t i)
{
	return (struct network_address){ .family = AF_INET, .bytes = { 198, 18, (unsigned char)(i / 250), (unsigned char)(2 + i % 250) } };
}

static bool parse_literal(const char *host, struct network_address *ret)
{
	*ret = (struct network_address){ .family = AF_INET };
	if (inet_pton(AF_INET, host, ret->bytes) == 1)
		return true;
	ret->family = AF_INET6;
	return inet_pton(AF_INET6, host, ret->bytes) == 1;
}

static struct network_name *add_name(struct network_plan *plan)
{
	struct network_name *n;

	if (plan->names_len == NETWORK_NAMES)
		return NULL;
	n = &plan->names[plan->names_len];
	n->inside = address_number(plan->names_len++);
	return n;
}

/* The places of a host, made at its first mention: *first and how many. 0: there are too many. */
static size_t places_of(struct network_plan *plan, const struct sandbox_endpoint *e, size_t *first, const struct network_address *literal)
{
	bool wildcard = !strncmp(e->host, "*.", 2);
	char name[NETWORK_NAME_SIZE];
	size_t n = wildcard ? NETWORK_WILDCARD_NAMES : 1;

	lower(wildcard ? e->host + 1 : e->host, name);
	for (size_t i = 0; i < plan->names_len; i++) {
		if (strcmp(wildcard ? plan->names[i].suffix : plan->names[i].name, name) != 0)
			continue;
		*first = i;
		return n;
	}
	*first = plan->names_len;
	for (size_t i = 0; i < n; i++) {
		struct network_name *place = add_name(plan);

		if (!place)
			return 0;
		memcpy(wildcard ? place->suffix : place->name, name, sizeof(name));
		if (literal) {
			place->literal = true;
			place->inside = *literal;
		}
	}
	return n;
}

static int add_endpoint(struct network_plan *plan, const struct sandbox_endpoint *e, struct error *err)
{
	struct network_address literal;
	bool is_literal = parse_literal(e->host, &literal);
	const char *name = !strncmp(e->host, "*.", 2) ? e->host + 2 : e->host;
	const char *why = is_literal ? network_forbidden(&literal, plan->private_ranges) : NULL;
	size_t first, n;

	if (why)
		return error_set(err, ERR_USAGE, "host '%s' cannot be allowed: it is %s", e->host, why);
	if (!is_literal && !is_host_name(name))
		return error_set(err, ERR_USAGE, "'%s' is no host name, *.domain or address", e->host);
	if (!e->port)
		return error_set(err, ERR_USAGE, "host '%s' needs a port", e->host);
	n = places_of(plan, e, &first, is_literal ? &literal : NULL);
	if (!n || plan->ports_len + n > NETWORK_PORTS)
		return error_set(err, ERR_USAGE, "too many hosts are allowed: at most %d names and %d ports, and a *.domain counts as %d",
				 NETWORK_NAMES, NETWORK_PORTS, NETWORK_WILDCARD_NAMES);
	for (size_t i = 0; i < n; i++)
		plan->ports[plan->ports_len++] = (struct network_port){ .name = first + i, .port = e->port, .fd = -1 };
	return 0;
}

static bool is_repeated(const struct sandbox_network *network, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (network->allow[k].port == network->allow[i].port && !strcasecmp(network->allow[k].host, network->allow[i].host))
			return true;
	return false;
}

int network_plan_make(const struct sandbox_network *network, struct network_plan **ret, struct error *err)
{
	struct network_plan *plan = xcalloc(1, sizeof(*plan));

	plan->bits_per_second = network->bits_per_second;
	plan->private_ranges = network->private_ranges;
	for (size_t i = 0; i < network->allow_len; i++) {
		if (is_repeated(network, i))
			continue;
		if (add_endpoint(plan, &network->allow[i], err) < 0) {
			free(plan);
			return -1;
		}
	}
	*ret = plan;
	return 0;
}

int sandbox_network_check(const struct sandbox_network *network, struct error *err)
{
	struct network_plan *plan;

	if (!network->allow_len)
		return 0;	/* a plan is large */
	if (network_plan_make(network, &plan, err) < 0)
		return -1;
	free(plan);
	return 0;
}

void network_fill_controls(const struct sandbox_network *network, struct control_table *t)
{
	autostrbuf struct strbuf rate = STRBUF_INIT(63);
	char text[64];

	if (!network->allow_len || t->items[CONTROL_NETWORK].state != CONTROL_ENFORCED)
		return;
	snprintf(text, sizeof(text), "%zu host%s allowed", network->allow_len, network->allow_len == 1 ? "" : "s");
	control_set(t, CONTROL_NETWORK, CONTROL_ENFORCED, text, "net namespace with lo; names and ports carried by our process", NULL);
	if (!network->bits_per_second)
		return;
	bandwidth_format(&rate, network->bits_per_second);
	control_set(t, CONTROL_BANDWIDTH, CONTROL_ENFORCED, rate.buf, "our process: token bucket, both directions", NULL);
}

/* An exact name wins over a wildcard. */
struct network_name *network_plan_find(struct network_plan *plan, const char *asked, bool *full)
{
	struct network_name *place = NULL;
	char name[NETWORK_NAME_SIZE];
	size_t len;

	*full = false;
	lower(asked, name);
	len = strlen(name);
	if (!is_host_name(name))
		return NULL;
	for (size_t i = 0; i < plan->names_len; i++)
		if (!strcmp(plan->names[i].name, name))
			return plan->names[i].literal ? NULL : &plan->names[i];
	for (size_t i = 0; i < plan->names_len; i++) {
		struct network_name *n = &plan->names[i];
		size_t suffix = strlen(n->suffix);

		if (!suffix || len <= suffix || strcmp(name + len - suffix, n->suffix) != 0)
			continue;
		*full = true;
		if (!n->name[0] && !place)
			place = n;
	}
	if (!place)
		return NULL;
	*full = false;
	memcpy(place->name, name, sizeof(name));
	return place;
}
