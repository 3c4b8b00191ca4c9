/* SPDX-License-Identifier: Apache-2.0
 * notify: tell a registry, or whatever answers at a URL, how a run ended: POST {run_id, status, duration_ms}, status "completed" or "failed",
 * as the registry's API has it below /workflows/ID/runs/notify. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runner/base/error.h"

#define NOTIFY_NS UINT64_C(10000000000)	/* for all of it, the second try included */

/* Could it be told? http(s), no credentials in it; ERR_USAGE with what to do. */
int notify_check(const char *url, const char *token, struct error *err);
/* `token` goes along as a bearer; NULL: none. Tried again once when the first try did not get through, or the server has trouble of
 * its own (5xx). ERR_REMOTE: it does not know of it. No redirect is followed: the token is for that address. */
int notify_send(const char *url, const char *token, const char *run_id, bool completed, uint64_t duration_ns, struct error *err);
