/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/allowed_host.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define USUAL_PORT "443"

static int add_ports(struct allowed_hosts *hosts, const char *host, size_t host_len, const char *ports, struct error *err)
{
	while (true) {
		size_t len = strcspn(ports, ",");
		struct error why;
		uint64_t port;

		if (integer_parse(ports, len, 1, 65535, &port, &why) < 0)
			return error_set(err, ERR_USAGE, "--allow-host: '%.*s' is no port: it is a number from 1 to 65535", (int)len, ports);
		ARRAY_GROW(hosts->items, hosts->len, hosts->alloc);
		hosts->items[hosts->len++] = (struct sandbox_endpoint){ .host = xstrndup(host, host_len), .port = (uint16_t)port };
		if (!ports[len])
			return 0;
		ports += len + 1;
	}
}

static int add_host(struct allowed_hosts *hosts, const char *text, struct error *err)
{
	const char *end = *text == '[' ? strchr(text, ']') : NULL, *colon = strchr(text, ':');

	if (end)		/* an IPv6 address, which needs brackets to have a port */
		return end[1] && end[1] != ':' ? error_set(err, ERR_USAGE, "--allow-host: '%s' is not [ADDRESS]:PORT", text) :
		       add_ports(hosts, text + 1, (size_t)(end - text - 1), end[1] ? end + 2 : USUAL_PORT, err);
	if (!colon || strchr(colon + 1, ':'))
		return add_ports(hosts, text, strlen(text), USUAL_PORT, err);
	return add_ports(hosts, text, (size_t)(colon - text), colon + 1, err);
}

int allowed_hosts_parse(const struct strvec *texts, struct allowed_hosts *ret, struct error *err)
{
	for (size_t i = 0; i < texts->len; i++)
		if (add_host(ret, texts->items[i], err) < 0)
			return -1;
	return 0;
}

void allowed_hosts_release(struct allowed_hosts *hosts)
{
	for (size_t i = 0; i < hosts->len; i++)
		free((char *)hosts->items[i].host);
	free(hosts->items);
	*hosts = (struct allowed_hosts){ .items = NULL };
}
