/* SPDX-License-Identifier: Apache-2.0
 * By which names we are called, and for whose pages. A page of anybody's can have its own name point at 127.0.0.1 and then is of the
 * "same origin" as we are; what gives it away is that its name stands in Host. */
#include "cmd/serve/route_private.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"

#define HOST_MAX 256

/* "name", "name:8000", "127.0.0.1:8000", "[::1]:8000": the name, in lower case and without brackets or a dot at its end. False: it is none. */
static bool host_of_authority(const char *text, size_t len, char ret[HOST_MAX])
{
	const char *name = text, *end = text + len, *port;
	size_t n;

	if (len && *text == '[') {
		const char *bracket = memchr(text, ']', len);

		if (!bracket)
			return false;
		name = text + 1;
		n = (size_t)(bracket - name);
		port = bracket + 1;
	} else {
		const char *colon = memchr(text, ':', len);

		n = colon ? (size_t)(colon - text) : len;
		port = text + n;
	}
	if (port < end) {
		if (*port++ != ':' || end - port > 5)
			return false;
		for (; port < end; port++)
			if (!isdigit((unsigned char)*port))
				return false;
	}
	if (n > 1 && name[n - 1] == '.')
		n--;
	if (!n || n >= HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		ret[i] = (char)tolower((unsigned char)name[i]);
	ret[n] = '\0';
	return true;
}

static bool is_loopback_name(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(host, names[i]))
			return true;
	return false;
}

static bool is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Does `host` name what this listener listens on? One that listens on all addresses goes by every address: only a name can be pointed elsewhere. */
static bool names_listener(const char *host, const char *shown)
{
	const char *authority = strstr(shown, "://");
	char own[HOST_MAX];

	if (!authority || !host_of_authority(authority + 3, strcspn(authority + 3, "/"), own))
		return false;
	if (!strcmp(own, "0.0.0.0") || !strcmp(own, "::"))
		return is_address(host) || is_loopback_name(host);
	if (!strcmp(host, own))
		return true;
	return is_loopback_name(host) && (is_loopback_name(own) || !strncmp(own, "127.", 4));
}

static size_t count_header(const struct request *rq, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < rq->headers.len; i++)
		n += !strcasecmp(rq->headers.items[i].name, name);
	return n;
}

bool route_host_is_ours(const struct service *s, const struct request *rq)
{
	const char *header = request_header(rq, "Host");
	char host[HOST_MAX], own[HOST_MAX];

	if (rq->peer.local)
		return true;
	if (!header || count_header(rq, "Host") != 1 || !host_of_authority(header, strlen(header), host))
		return false;
	for (size_t i = 0; i < s->listeners_len; i++)
		if (names_listener(host, httpd_shown(s->listeners[i])))
			return true;
	for (size_t i = 0; i < s->hosts.len; i++)
		if (host_of_authority(s->hosts.items[i], strlen(s->hosts.items[i]), own) && !strcmp(host, own))
			return true;
	return false;
}

bool route_origin_is_ours(const struct request *rq)
{
	const char *site = request_header(rq, "Sec-Fetch-Site");
	const char *origin = request_header(rq, "Origin");
	const char *host = request_header(rq, "Host");
	const char *authority;

	/* "none": typed into the address bar by the user */
	if (count_header(rq, "Sec-Fetch-Site") > 1 || (site && strcmp(site, "same-origin") && strcmp(site, "none")))
		return false;
	if (!origin)
		return true;
	authority = strstr(origin, "://");
	return count_header(rq, "Origin") == 1 && authority && host && !strcasecmp(authority + 3, host);
}
