/* SPDX-License-Identifier: Apache-2.0
 * The backend `kind`. */
#include "sandboxes/kind.h"

#include <stdio.h>

#include "runner/base/clock.h"

#define PROBE_NS NS_PER_SEC

static bool probe(char *reason, size_t size)
{
	struct kind_tools tools = KIND_TOOLS_INIT;
	struct error err = { .code = ERR_OK };

	if (kind_find(&tools, PROBE_NS, &err) < 0) {
		snprintf(reason, size, "%s", err.text);
		return false;
	}
	kind_tools_release(&tools);
	return true;
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	(void)ref, (void)spec, (void)ret, (void)controls;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a kind cluster yet");
}

static int put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	(void)sb, (void)file;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a kind cluster yet");
}

static int exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	(void)sb, (void)cmd, (void)ret;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a kind cluster yet");
}

static void close_kind(struct sandbox *sb)
{
	(void)sb;
}

static int destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	(void)ref, (void)list, (void)err;
	return 0;	/* create() made nothing */
}

const struct sandbox_backend sandbox_backend_kind = {
	.type = "kind", .name = "kind", .summary = "a Kubernetes cluster of its own in containers, by kind; commands run as Jobs",
	.cluster = true, .probe = probe, .create = create, .put = put, .exec = exec, .close = close_kind, .destroy = destroy,
};
