/* SPDX-License-Identifier: Apache-2.0
 * http: requests with ceilings and deadlines. The only owner of libcurl, which is loaded at first use. */
#pragma once

#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* GET an http(s) URL, appending to `body` (its ceiling holds: more is ERR_INVALID_INPUT; after an error it is as before). Follows at most
 * 5 redirects, never from https to http; credentials in the URL are refused (ERR_USAGE). Anything but 200 is ERR_REMOTE with a sentence; so
 * is a peer that cannot be reached or takes longer than timeout_ns in all. The proxy variables of the environment are honoured. */
int http_get(const char *url, uint64_t timeout_ns, struct strbuf *body, struct error *err);

/* May an answer from `from` send us to `to`? The rule http_get() follows: ERR_REMOTE when not. */
int http_check_redirect(const char *from, const char *to, struct error *err);

/* A URL fit for messages: without credentials and query, which may hold tokens. */
void http_url_display(struct strbuf *out, const char *url);
