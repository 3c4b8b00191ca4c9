/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/exec_pool.h"

int exec_pool_new(struct loop *l, const struct exec_pool_options *o, struct exec_pool **ret, struct error *err)
{
	(void)l, (void)o, (void)ret;
	return error_set(err, ERR_UNAVAILABLE, "there is no pool of sandboxes yet");
}

void exec_pool_free(struct exec_pool *p)
{
	(void)p;
}
