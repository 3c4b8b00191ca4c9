/* SPDX-License-Identifier: Apache-2.0
 * allow_list: which hosts commands may reach. Comes with sandbox.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"

/* Without an entry there is no network at all. With some, names are answered and connections carried by a process of ours
 * outside: inside there still is nothing but a loopback interface. */
struct sandbox_endpoint {
	const char *host;	/* "example.org", "*.example.org", "192.0.2.1", "2001:db8::1" */
	uint16_t port;		/* TCP */
};
struct sandbox_network {
	const struct sandbox_endpoint *allow;
	size_t allow_len;
	uint64_t bits_per_second;	/* both directions together; 0: no limit */
	bool private_ranges;	/* private addresses too; never this host, its link or metadata services */
};

enum sandbox_pull { SANDBOX_PULL_MISSING, SANDBOX_PULL_ALWAYS, SANDBOX_PULL_NEVER };	/* an image, from its registry */

/* ERR_USAGE when an entry is no host, or one that no sandbox may reach. */
int sandbox_network_check(const struct sandbox_network *network, struct error *err);
