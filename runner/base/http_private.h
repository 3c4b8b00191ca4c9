/* SPDX-License-Identifier: Apache-2.0
 * http, private: libcurl, for http.c (anything by its URL) and http_session.c (one server, kept). */
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "runner/base/http.h"

#define HTTP_FUNCTIONS(X) X(global_init) X(easy_init) X(easy_cleanup) X(easy_setopt) X(easy_perform) X(easy_getinfo) X(easy_strerror) \
	X(easy_reset) X(slist_append) X(slist_free_all)
#define HTTP_POINTER(f) __typeof__(curl_##f) *f;
/* Filled in once, constant from then on. */
extern struct http_library { HTTP_FUNCTIONS(HTTP_POINTER) } http_library;
#undef HTTP_POINTER

int http_load(struct error *err);	/* at first use: before anything else here */

#define HTTP_CONNECT_NS (15 * NS_PER_SEC)
#define HTTP_USER_AGENT "sandbox_runner/" SANDBOX_RUNNER_VERSION
