/* SPDX-License-Identifier: Apache-2.0
 * registry_api: the handlers of the table in registry_routes.c. */
#pragma once

#include "cmd/serve/service.h"

void registry_upload(struct service *s, struct request *rq);
void registry_list(struct service *s, struct request *rq);
void registry_get(struct service *s, struct request *rq);
void registry_delete(struct service *s, struct request *rq);
void registry_sign(struct service *s, struct request *rq);
void registry_runs(struct service *s, struct request *rq);
void registry_notify(struct service *s, struct request *rq);
