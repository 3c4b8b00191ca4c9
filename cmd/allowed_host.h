/* SPDX-License-Identifier: Apache-2.0
 * allowed_host: HOST[:PORT,…] of --allow-host. */
#pragma once

#include "runner/base/error.h"
#include "runner/base/strvec.h"
#include "sandboxes/sandbox.h"

struct allowed_hosts {
	struct sandbox_endpoint *items;	/* names are owned */
	size_t len, alloc;
};
/* "example.org", "*.example.org:443,8443", "192.0.2.1:80", "[2001:db8::1]:443"; without a port it is 443. */
int allowed_hosts_parse(const struct strvec *texts, struct allowed_hosts *ret, struct error *err);
void allowed_hosts_release(struct allowed_hosts *hosts);
