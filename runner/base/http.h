/* SPDX-License-Identifier: Apache-2.0
 * http: requests with ceilings and deadlines. The only owner of libcurl, which is loaded at first use. */
#pragma once

#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* GET an http(s) URL into `body` (its ceiling holds). Follows at most 5 redirects, never from https to http; credentials
 * in the URL are refused. Anything but 200 is ERR_REMOTE with a sentence; so is a peer that cannot be reached. */
int http_get(const char *url, uint64_t timeout_ns, struct strbuf *body, struct error *err);
