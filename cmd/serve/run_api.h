/* SPDX-License-Identifier: Apache-2.0
 * run_api: the handlers of /v1/runs, /v1/stats and /v1/audit, a file a theme. Private to run_api*.c; the table is in run_api.c. */
#pragma once

#include "cmd/serve/run_json.h"

void run_create(struct service *s, struct request *rq);		/* run_api_create.c */

void run_list(struct service *s, struct request *rq);		/* run_api_list.c */
void run_stats(struct service *s, struct request *rq);		/* run_api_stats.c */
void audit_list(struct service *s, struct request *rq);		/* run_api_list.c */

void run_result(struct service *s, struct request *rq);		/* run_api_files.c */
void run_package(struct service *s, struct request *rq);
void run_artifacts(struct service *s, struct request *rq);
void run_artifact(struct service *s, struct request *rq);
void run_report(struct service *s, struct request *rq);		/* run_api_report.c */

/* The run that the path names, when its files are here. False: answered. Release *ret when true. */
bool run_with_files(struct service *s, struct request *rq, struct run_row *ret);
/* Whole file `name` of a run, at most out->max bytes; false: answered. */
bool run_file_read(struct service *s, struct request *rq, const struct run_row *run, const char *name, struct strbuf *out);
/* What the bytes are, by how they begin: the suffix of a bundle (".tar.gz"), NULL: no bundle we know, so a text. */
const char *bundle_suffix(const char *bytes, size_t len);

/* "?wait=30s": how long the client wants to be kept waiting, at most what the service allows. */
void query_wait(struct complaints *c, const struct service *s, const struct request *rq, uint64_t *ret_ns);
/* "?limit=N", from 1 to `max`. */
void query_limit(struct complaints *c, const struct request *rq, unsigned int max, unsigned int *ret);
