/* SPDX-License-Identifier: Apache-2.0
 * run_json: a run as every API shows it, and what handlers of all APIs do alike: find the run that a path names, and tell a client
 * everything that is wrong with what it sent, each with a JSON pointer.
 */
#pragma once

#include "cmd/serve/service.h"

/* {run_id, execution_id (if it has one), state, verdict, detail, exit_status, origin, workflow_id, workflow_name, sha256, sandbox, requested_by,
 * request_id, created, started, ended, duration_ms, summary, files, links{…}}; what is not known is null. */
json_t *run_to_json(const struct run_row *r);

/* RFC 3339; 0 becomes null. */
void json_put_when(json_t *object, const char *key, uint64_t wall_ns);

/* Can it be the id of a run (ours, a UUID, or that of a run we were only told of)? Letters, digits, '-', '_', '.' and ':', the first no dot or
 * dash: never a path. To be asked before anything is looked up by it. */
bool run_id_is_good(const char *id);

/* The run that `id` (or an execution id) names. False: answered already (400, 404, 503). Release *ret when true. */
bool run_find(struct service *s, struct request *rq, const char *id, struct run_row *ret);

/* Who asked, for requested_by and audit: "ci-main@127.0.0.1", "uid:1000@unix". */
#define REQUESTER_SIZE 136
void requester_name(const struct request *rq, char *out, size_t size);

/* What is wrong with a request: errors[] of the problem, each {pointer, detail}; `pointer` is a JSON pointer into the body ("/timeout"; "" is all of
 * it) or "?name" for the query. At most COMPLAINTS_MAX are kept. */
#define COMPLAINTS_MAX 32
struct complaints { json_t *list; };	/* all zero is a good start */
void complain(struct complaints *c, const char *pointer, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* True: there were some, and the request has been answered with them (400, code "invalid_request"). Empties `c`. */
bool complaints_reply(struct complaints *c, struct request *rq);
void complaints_release(struct complaints *c);
/* A query with names that are not in `known` (NULL at the end) is complained about, with what was meant. */
void complain_of_unknown_query(struct complaints *c, const struct request *rq, const char *const *known);

/* "?name=true|false" (nothing behind it: true); not there: *ret stays. */
void query_flag(struct complaints *c, const struct request *rq, const char *name, bool *ret);
/* One of `words` (NULL at the end), which is returned; NULL: not asked for, or complained about. */
const char *query_word(struct complaints *c, const struct request *rq, const char *name, const char *const *words);

/* Are the files of `run` here (it may not have ended)? False: answered, 410 when they are no more, 404 when it ran elsewhere. */
bool run_has_files(struct request *rq, const struct run_row *run);

/* Answer with a JSON value (taken), or a text; short forms. */
void reply_json(struct request *rq, int status, json_t *take);
void reply_problem(struct request *rq, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void reply_error(struct request *rq, const struct error *err);	/* response_problem_of_error() */
/* A file of `bytes` bytes by its descriptor (taken). `type` is never html; what a browser makes of it is none of our business. */
void reply_file(struct request *rq, int take_fd, uint64_t bytes, const char *type);
