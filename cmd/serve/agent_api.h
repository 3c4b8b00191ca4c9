/* SPDX-License-Identifier: Apache-2.0
 * agent_api: the handlers of the table in agent_routes.c. */
#pragma once

#include "cmd/serve/service.h"

void agent_validate(struct service *s, struct request *rq);
void agent_execute(struct service *s, struct request *rq);
void agent_status(struct service *s, struct request *rq);
void agent_rollback(struct service *s, struct request *rq);
void agent_logs(struct service *s, struct request *rq);

/* ["k8s", "shell", "api"] */
json_t *agent_adapters(void);
