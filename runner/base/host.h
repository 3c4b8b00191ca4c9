/* SPDX-License-Identifier: Apache-2.0
 * host: names and addresses of hosts, and whose they are. Decides on text alone; asks no resolver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum host_class {
	HOST_UNKNOWN,		/* cannot be told: a variable stands in it and the known end ("${X}.com") does not tell; a bucket */
	HOST_LOOPBACK,		/* localhost, *.localhost, 127.0.0.0/8, ::1, 0.0.0.0 */
	HOST_OWN,		/* private and link-local ranges (RFC 1918, 4193, 100.64/10), names of one label, *.svc, *.svc.cluster.local, *.internal,
				 * *.internal.example (.test, .invalid: anyone can own internal.com), *.local, *.lan, *.corp, *.home.arpa */
	HOST_METADATA,		/* 169.254.169.254 and relatives in any spelling (decimal, hex, octal, IPv6-mapped), fd00:ec2::254, metadata.google.internal,
				 * 100.100.100.200, 168.63.129.16, metadata.azure.internal, alibaba/oracle/openstack ones */
	HOST_EXTERNAL,		/* everything else */
};
const char *host_class_to_string(enum host_class c);	/* "unknown", "loopback", "own", "metadata", "external" */
bool host_class_from_string(const char *s, enum host_class *ret);

/* A name or address without port. IPv4 in every form inet_aton(3) takes; IPv6 with or without brackets and zone. */
enum host_class host_classify(const char *host, size_t len);

struct host_ref {		/* a host found in text; offsets are bytes into it */
	size_t offset, len;	/* of the host */
	size_t scheme_len;	/* of "https" before it; 0: none was written */
	size_t scheme_offset;
	bool userinfo;		/* user:password@ stands before it */
	enum host_class class;
};

/* The host of a URL ("scheme://[user[:password]@]host[:port]/…", also "//host/…"); false if it has none. Userinfo tricks
 * (https://localhost@evil.com) give the real host. "${NAME}" and "$(…)" belong to the host; behind them, ".evil.com"
 * still tells. Files (file://, unix://) have no host. */
bool host_of_url(const char *url, size_t len, struct host_ref *ret);

/* The next URL in a text from `from` on; false: no more. Linear over all calls when `from` goes on at the end of the host before. */
bool host_find_url(const char *text, size_t len, size_t from, struct host_ref *ret);

/* The same for an argument of a network program, which may lack a scheme: "evil.com/x", "user@host:path", "host:4444", "host",
 * "/dev/tcp/host/80", "TCP:host:80", "@8.8.8.8". False: it does not look like a host ("-o", "./file", "file.txt" when a file is likelier). */
bool host_of_argument(const char *arg, size_t len, struct host_ref *ret);
