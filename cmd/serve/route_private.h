/* SPDX-License-Identifier: Apache-2.0
 * What the files of route share: see route.h. */
#pragma once

#include "cmd/serve/service.h"
#include "runner/base/clock.h"

/* Is the name it calls us by (Host) one of ours? Everything else is a page whose name was pointed at us (DNS rebinding). */
bool route_host_is_ours(const struct service *s, const struct request *rq);
/* Does a browser send it for a page of ours, or nobody's browser at all (Origin, Sec-Fetch-Site)? */
bool route_origin_is_ours(const struct request *rq);

/* Its id and its trace, from what it brought or new ones. */
void route_identify(struct request *rq);

/* What route_dispatch() asks before the handler. NULL: go on; otherwise the answer of before, or the refusal. */
struct response *route_idempotency_begin(struct service *s, struct request *rq);
void route_idempotency_end(struct service *s, struct request *rq, const struct response *r);
void route_idempotency_forget(struct service *s, struct request *rq);
void route_digest(struct request *rq);	/* fills in body_digest */

/* One line on stderr, and one record. */
void route_log(struct service *s, const struct request *rq, const struct response *r, uint64_t duration_ns);
void route_audit(struct service *s, const struct request *rq, const struct response *r);
