/* SPDX-License-Identifier: Apache-2.0
 * registry_item: a package as the registry's clients see it. Private to registry*.c and dry_run*.c. */
#pragma once

#include "cmd/serve/service.h"

/* Letters, digits, '.', '_' and '-', the first no dot: never a path, and every id that a valid package has. */
bool registry_id_is_good(const char *id);

/* {id, name, version, description, author, created, tags, safety_mode, runtime_type, file_path, signature, registered_at}, and where there is
 * something to say signed_at, latest_run_id, latest_run_status, latest_run_at, total_runs. */
json_t *registry_item(const struct workflow_row *w);
/* The row of a package that was judged; `content` is copied. Release it. */
void registry_row(const json_t *facts, const struct strbuf *content, uint64_t now_ns, struct workflow_row *ret);

/* The package that the path names. False: answered already (400, 404, 503). Release *ret when true. */
bool registry_find(struct service *s, struct request *rq, struct workflow_row *ret);
/* "registry+https://HOST/workflows/ID", or URL/workflows/ID<rest>: where the registry elsewhere has it. The caller frees. */
char *registry_source(const struct service *s, const char *id);
char *registry_url(const struct service *s, const char *id, const char *rest);
/* The packages are elsewhere: 409 says so. */
void registry_reply_elsewhere(struct service *s, struct request *rq, const char *what);

/* The part `field` of a multipart body, or the body itself if it is no multipart; NULL: neither. */
const struct strbuf *registry_package(const struct request *rq);

/* "pending", "running", "completed", "failed", "rolled_back": the words that clients of registry and agent know. */
const char *run_status_word(const struct run_row *r);
