/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_monitor.h"

#include "runner/base/mem.h"

struct k8s_monitor {
	const struct sandbox_cluster *cluster;
};

struct k8s_monitor *k8s_monitor_start(const struct sandbox_cluster *cluster)
{
	struct k8s_monitor *m = xcalloc(1, sizeof(*m));

	m->cluster = cluster;
	return m;
}

void k8s_monitor_look(struct k8s_monitor *m, struct strvec *warnings)
{
	(void)m;
	(void)warnings;
}

json_t *k8s_monitor_to_json(const struct k8s_monitor *m)
{
	(void)m;
	return json_null();
}

void k8s_monitor_free(struct k8s_monitor *m)
{
	free(m);
}
