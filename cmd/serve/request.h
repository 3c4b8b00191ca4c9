/* SPDX-License-Identifier: Apache-2.0
 * request: one request and its answer, as plain values: knows nothing of sockets, so that handlers can be tested from a literal.
 * httpd makes requests, route.h says who answers. An answer may come at once or later; each request gets exactly one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/base/strvec.h"

struct service;
struct route;
struct httpd_exchange;

struct pair { char *name, *value; };	/* owned */
struct pairs { struct pair *items; size_t len, alloc; };
void pairs_add(struct pairs *p, const char *name, const char *value);
void pairs_add_take(struct pairs *p, char *name, char *value);
const char *pairs_get(const struct pairs *p, const char *name);		/* exact; the first; NULL: none */
const char *pairs_get_header(const struct pairs *p, const char *name);	/* in any case */
void pairs_release(struct pairs *p);

struct form_field {	/* of multipart/form-data */
	char *name, *filename, *content_type;	/* owned; the latter two may be NULL. A filename is the client's word: never a path of ours */
	struct strbuf value;
};

struct peer {
	bool local;		/* over the unix socket: uid and pid are the kernel's word */
	uid_t uid;
	pid_t pid;
	char address[64];	/* "127.0.0.1", "unix" */
};

enum scope { SCOPE_READ = 1 << 0, SCOPE_VALIDATE = 1 << 1, SCOPE_DRY_RUN = 1 << 2, SCOPE_ADMIN = 1 << 3 };	/* bits */

struct identity {
	unsigned int scopes;
	char name[64];		/* of the token, "uid:1000", "anonymous": for audit and created_by */
};

#define REQUEST_ID_SIZE 48
#define REQUEST_PARAMS 3

struct request {
	struct httpd_exchange *exchange;	/* private to httpd; NULL in tests, which then look at `answer` */
	char *method;			/* "GET" */
	char *target;			/* as sent, with the query */
	struct strvec segments;		/* of the path, each percent-decoded: never "", ".", "..", never with '/' or NUL in it */
	struct pairs query;		/* decoded */
	struct pairs headers;
	bool tls;
	struct peer peer;
	struct strbuf body;		/* whole; empty when it was multipart */
	struct form_field *fields;	/* of a multipart body */
	size_t fields_len, fields_alloc;
	uint64_t started_ns;		/* monotonic: when its head had come */

	/* filled in by route.h */
	struct service *service;
	const struct route *route;	/* NULL: none fits */
	const char *params[REQUEST_PARAMS];	/* what stands for {…}, in order; borrowed from segments */
	struct identity identity;
	char id[REQUEST_ID_SIZE];	/* X-Request-Id: the client's if it is a plain word, else ours */
	char trace[56];			/* traceparent of this request, a child of the client's; "": none came */
	char *idempotency;		/* owned: key under which the answer is to be kept; NULL */
	char body_digest[64 + 1];	/* SHA-256 of body or fields, as they came; "": not taken (the request changes nothing, or was refused before) */
	struct response *answer;	/* owned: of requests without exchange */

	/* of a handler that answers later; `abandon` is called when the client has gone, or the service ends, before the answer */
	void *pending;
	void (*abandon)(struct request *rq);
};

struct request *request_new(const char *method, const char *target);	/* parses the target; see request_target_is_good() */
void request_free(struct request *rq);
/* False: the path cannot be one of ours (bad escapes, "..", NUL, no UTF-8): 400. */
bool request_target_is_good(const struct request *rq);
const char *request_query(const struct request *rq, const char *name);	/* NULL: not there */
const char *request_header(const struct request *rq, const char *name);
const struct form_field *request_field(const struct request *rq, const char *name);
/* A number in a query; false when it is there but is none, or outside. Not there: *ret stays. */
bool request_query_number(const struct request *rq, const char *name, uint64_t min, uint64_t max, uint64_t *ret);
bool request_prefers_async(const struct request *rq);	/* Prefer: respond-async */
bool request_accepts(const struct request *rq, const char *type);	/* does Accept name it (not by a wildcard)? */

/* What is sent in pieces, pulled by the server: nobody has to hold it whole. */
struct body_source {
	/* At most `max` bytes into `buf`. 0: nothing for now, body_source_wake() follows. -1: the end. */
	ssize_t (*read)(struct body_source *s, char *buf, size_t max);
	void (*close)(struct body_source *s);	/* frees; called once, also when the client has gone */
	struct httpd_exchange *exchange;	/* private to httpd */
};
void body_source_wake(struct body_source *s);	/* also from within its read(); harmless before httpd knows it */

struct response {
	int status;
	struct pairs headers;
	struct strbuf body;
	int fd;				/* >= 0: send `fd_len` bytes of this file instead; owned */
	uint64_t fd_len;
	struct body_source *source;	/* owned; instead of both */
};
struct response *response_new(int status);
void response_free(struct response *r);
void response_header(struct response *r, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct response *response_json(int status, json_t *take);	/* application/json */
struct response *response_text(int status, const char *content_type, const char *text, size_t len);
/* application/problem+json {type, title, status, detail, code, …}. `code` is a stable word ("not_found"); detail a sentence. `extra`
 * (object, taken; NULL) is merged in. request id and instance are added on the way out. */
struct response *response_problem(int status, const char *code, json_t *extra, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
struct response *response_problem_of_error(const struct error *err);	/* invalid_input 422, permission_denied 403, unavailable 503, … */
const char *status_title(int status);		/* "Not Found" */

/* Answer; takes `r`. Afterwards the handler must not touch the request any more. */
void request_reply(struct request *rq, struct response *r);
