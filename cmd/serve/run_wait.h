/* SPDX-License-Identifier: Apache-2.0
 * run_wait: a request that is answered when a run has ended, or after a time. A client that goes away ends the wait, not the run. */
#pragma once

#include "cmd/serve/service.h"

/* Make the answer. `run` is how it stands now: look at its state; NULL: it is not known (any more). */
typedef struct response *run_answer(void *data, struct service *s, const struct request *rq, const struct run_row *run);

/* Reply with what `answer` makes: as soon as the run has ended, at the latest after `max_ns`; at once when that is 0, or the client prefers
 * not to wait (Prefer: respond-async). `release` (NULL: none) gets `data` once, in every case. Uses the request's `pending` and `abandon`. */
void run_wait(struct service *s, struct request *rq, const char *run_id, uint64_t max_ns, run_answer *answer, void *data,
	      void (*release)(void *data));

/* 202 with Location: /v1/runs/{run_id} for what has not ended; `take` is the body. */
struct response *run_accepted(const struct request *rq, const char *run_id, json_t *take);
