/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/metrics.h"

#include "runner/base/mem.h"

struct metrics {
	bool compatible;
};

struct metrics *metrics_new(bool compatible)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->compatible = compatible;
	return m;
}

void metrics_free(struct metrics *m)
{
	free(m);
}

void metrics_http(struct metrics *m, const char *method, const char *route, int status, uint64_t duration_ns)
{
	(void)m, (void)method, (void)route, (void)status, (void)duration_ns;
}

void metrics_run(struct metrics *m, const char *sandbox, const char *verdict, const char *workflow_name, uint64_t duration_ns, const json_t *result)
{
	(void)m, (void)sandbox, (void)verdict, (void)workflow_name, (void)duration_ns, (void)result;
}

void metrics_leak(struct metrics *m, unsigned int leaked)
{
	(void)m, (void)leaked;
}

void metrics_write(const struct metrics *m, const struct metrics_now *now, bool openmetrics, struct strbuf *out)
{
	(void)m;
	strbuf_addf(out, "# TYPE sandbox_runner_active_runs gauge\nsandbox_runner_active_runs %u\n%s", now->active_runs, openmetrics ? "# EOF\n" : "");
}
