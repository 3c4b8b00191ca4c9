/* SPDX-License-Identifier: Apache-2.0
 * Why objects are not well, in sentences. */
#include "runner/k8s_monitor.h"

void k8s_explain(const struct sandbox_cluster *cluster, const char *kind, const char *name, struct strvec *reasons)
{
	(void)cluster;
	strvec_pushf(reasons, "%s '%s' is not ready", kind, name);
}

void k8s_collect(const struct sandbox_cluster *cluster, size_t max_bytes, struct strbuf *out)
{
	(void)cluster;
	(void)max_bytes;
	(void)out;
}
