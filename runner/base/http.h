/* SPDX-License-Identifier: Apache-2.0
 * http: requests with ceilings and deadlines. The only owner of libcurl, which is loaded at first use. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

/* ---- a server on a unix socket of this host: a container engine. No proxy, no redirect; a connection is kept for the next call. */
struct http_session;
/* Nothing is connected yet. NULL: libcurl cannot be had, or the path is too long for a socket. */
struct http_session *http_session_open(const char *socket_path, struct error *err);
void http_session_close(struct http_session *s);	/* NULL is a no-op */

/* The same to a server by its URL, "https://HOST:PORT[/PATH]", to which targets are appended. Certificates and keys are given in memory;
 * no proxy of the environment. Everything is copied. */
struct http_peer {
	const char *url;
	const char *ca_pem;		/* who may have signed its certificate; NULL: the system's authorities */
	const char *server_name;	/* that its certificate must be for, if not the host of the URL; NULL */
	const char *cert_pem, *key_pem;	/* ours; NULL: none */
	const char *proxy_url;		/* NULL: none */
	bool insecure;			/* do not look at its certificate */
};
struct http_session *http_session_open_peer(const struct http_peer *peer, struct error *err);

struct http_call {
	const char *method;		/* "GET", "POST", "PUT", "DELETE" */
	const char *target;		/* "/v1.41/containers/json?all=1", escaped already: http_escape() */
	const void *body;		/* NULL: none */
	size_t body_len;
	const char *content_type;	/* of the body; NULL: application/json */
	const char *const *headers;	/* further ones, "Name: value", NULL-terminated; NULL: none */
	const char *want_header;	/* its value is to be kept; NULL: none */
	uint64_t timeout_ns;		/* for all of it; CLOCK_NEVER: none */
	/* Gets the answer's body as it comes, whatever its status, instead of the caller's buffer; also called with len 0 at least once
	 * a second. False ends the call: ERR_CANCELLED. NULL: the buffer gets it. The status is in the answer by then. */
	bool (*data)(void *arg, const char *data, size_t len);
	void *arg;
};
struct http_answer {
	int status;
	char header[64];		/* the one that was wanted; "" when it did not come */
	bool broken;			/* there was none because the connection broke or could not be made: another may fare better */
};
/* Any status is an answer. Without one: ERR_UNAVAILABLE with errno in `sys` when nobody can be connected to, ERR_REMOTE for a connection
 * that breaks, an answer that is no HTTP or does not come in time; `body` (its ceiling holds: ERR_REMOTE) is as before then. */
int http_call(struct http_session *s, const struct http_call *call, struct http_answer *ret, struct strbuf *body, struct error *err);

/* POST with `Upgrade: tcp`, on a connection of its own. Once the server agrees (101, or 200 from old ones) the connection is a plain stream:
 * *fd, owned by the caller, blocking. Any other answer leaves *fd at -1 and its body in `body`. Errors as of http_call(). */
int http_upgrade(struct http_session *s, const char *target, uint64_t timeout_ns, struct http_answer *ret, int *fd,
		 struct strbuf *body, struct error *err);

/* Append `text` as part of a path or query: everything but letters, digits and "-._~" as %XX. */
void http_escape(struct strbuf *out, const char *text);
