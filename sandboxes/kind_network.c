/* SPDX-License-Identifier: Apache-2.0
 * The network of a cluster: as kind would make it, but for its name and its labels. */
#include "sandboxes/kind.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/clock.h"

#define MTU "com.docker.network.driver.mtu"

static json_t *labels(const struct kind_state *s, const char *id, uint64_t deadline_ns)
{
	json_t *object = json_object();
	struct stat st;
	char text[32];

	json_put_text(object, ENGINE_LABEL, id);
	json_put_text(object, ENGINE_LABEL_VERSION, SANDBOX_RUNNER_VERSION);
	json_put_text(object, ENGINE_LABEL_STATE, s->path);
	snprintf(text, sizeof(text), "%llu", stat("/proc/self/ns/mnt", &st) == 0 ? (unsigned long long)st.st_ino : 0);
	json_put_text(object, ENGINE_LABEL_WHERE, text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(deadline_ns / NS_PER_SEC));
	if (deadline_ns)
		json_put_text(object, ENGINE_LABEL_DEADLINE, text);
	return object;
}

/* A daemon on top of another network says how large packets may be on its default bridge. */
static json_t *options(struct engine *e)
{
	json_t *object = json_object();
	json_auto_t *bridge = NULL;
	const char *mtu;

	engine_call(e, "GET", "/networks/bridge", NULL, &bridge, NULL);
	mtu = engine_text(bridge, "Options", MTU, NULL);
	json_put_text(object, "com.docker.network.bridge.enable_ip_masquerade", "true");
	if (*mtu)
		json_put_text(object, MTU, mtu);
	return object;
}

int kind_network_make(struct engine *e, const struct kind_state *s, const char *id, uint64_t deadline_ns, struct error *err)
{
	json_t *body = json_object();

	json_put_text(body, "Name", s->name);
	json_put_text(body, "Driver", "bridge");
	json_put_bool(body, "CheckDuplicate", true);
	json_put(body, "Options", options(e));
	json_put(body, "Labels", labels(s, id, deadline_ns));
	if (engine_demand(e, "POST", "/networks/create", body, NULL, err) < 0)
		return error_prefix(err, "making a network for the cluster");
	return 0;
}
