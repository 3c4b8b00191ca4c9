/* SPDX-License-Identifier: Apache-2.0
 * service_run: `sandbox_runner serve` with its command line understood: everything opened in the right order, served until a signal, and closed.
 */
#pragma once

#include "cmd/serve/service.h"
#include "runner/base/strvec.h"

struct service_options {
	struct strvec listen;			/* addresses; empty: SERVICE_LISTEN_DEFAULT */
	struct strvec hosts, types;
	const char *data_dir, *state_dir;	/* absolute */
	const char *tokens, *certificate, *key;	/* files; NULL */
	const char *registry, *policy;		/* NULL */
	struct strvec arguments;		/* of `run` */
	uint64_t runs, queue, keep;
	uint64_t run_timeout_ns, wait_ns, grace_ns;
	uint64_t package_bytes, requests_per_second, exec_pool;
	bool allow_override, compatible_metrics, quiet;
};
#define SERVICE_LISTEN_DEFAULT "127.0.0.1:8000"

/* Prints "listening on …" lines on stdout when it is ready. Ends after SIGTERM or SIGINT: 0 when everything could be ended in time. */
int service_run(const struct service_options *o, struct error *err);
