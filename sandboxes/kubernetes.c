/* SPDX-License-Identifier: Apache-2.0
 * The backend `kubernetes`. */
#include "sandboxes/backend.h"

/* Which cluster is said by who asks: creating tells. */
static bool probe(char *reason, size_t size)
{
	(void)reason, (void)size;
	return true;
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	(void)ref, (void)spec, (void)ret, (void)controls;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a namespace on a cluster yet");
}

static int put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	(void)sb, (void)file;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a namespace on a cluster yet");
}

static int exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	(void)sb, (void)cmd, (void)ret;
	return error_set(err, ERR_UNAVAILABLE, "this version cannot make a namespace on a cluster yet");
}

static void close_kubernetes(struct sandbox *sb)
{
	(void)sb;
}

static int destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	(void)ref, (void)list, (void)err;
	return 0;	/* create() made nothing */
}

const struct sandbox_backend sandbox_backend_kubernetes = {
	.type = "kubernetes", .name = "kubernetes", .summary = "a namespace of its own on a Kubernetes cluster that is there; commands run as Jobs",
	.cluster = true, .probe = probe, .create = create, .put = put, .exec = exec, .close = close_kubernetes, .destroy = destroy,
};
