/* SPDX-License-Identifier: Apache-2.0
 * auth: who asks, what for, and how often.
 *
 *	# --tokens=FILE: NAME SCOPES SHA-256 [EXPIRES], mode 0600; read again when it changes
 *	ci-main   read,validate,dry-run   sha256:9f86d0…   2027-01-31
 *
 * Tokens are made by us (`sandbox_runner token NAME --scope=…` prints the line and, once, the token: 256 random bits, so that one SHA-256 without
 * stretching is enough), compared in constant time over all entries. A scope is what its word says: none includes another, admin neither.
 * A token holds until the end of its day, UTC. Without --tokens everybody on a loopback address may do everything.
 */
#pragma once

#include "cmd/serve/request.h"

struct auth;
/* `path` NULL: no tokens. The service's own user and root may use the unix socket without one, with all scopes. */
int auth_open(const char *path, struct auth **ret, struct error *err);
void auth_close(struct auth *a);
bool auth_required(const struct auth *a);

/* NULL: *ret is who it is. Otherwise the refusal: 401 with WWW-Authenticate (missing, unknown, expired), 403 when no scope of `scopes` is there (*ret is filled in then, too). */
struct response *auth_check(struct auth *a, const struct request *rq, unsigned int scopes, struct identity *ret);

/* A bucket a token (or address): `per_second` on average, `burst` at once. 0 ns: go on; otherwise how long to wait. */
struct rate_limit { double per_second, burst; };
uint64_t auth_rate(struct auth *a, const struct identity *who, const struct peer *peer, const struct rate_limit *limit, uint64_t now_ns);

/* Make one: the token ("srt_…", 47 characters) and its line for the file. */
int token_make(const char *name, unsigned int scopes, const char *expires, struct strbuf *token, struct strbuf *line, struct error *err);
int scopes_parse(const char *text, unsigned int *ret, struct error *err);	/* "read,dry-run" */
void scopes_format(unsigned int scopes, struct strbuf *out);
