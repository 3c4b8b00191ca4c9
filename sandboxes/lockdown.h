/* SPDX-License-Identifier: Apache-2.0
 * lockdown: what a process gives up before it runs somebody else's program: capabilities, system calls, limits. Private to
 * sandboxes/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Put the system call filter (compiled when this program was, see lockdown_filter.c) in force for this process and all it
 * starts. Needs no-new-privs. 0, or -1 with errno. */
int lockdown_filter_load(void);

/* Empty all five capability sets, but for NET_BIND_SERVICE if it is to be kept, and set no-new-privs. 0, or -1 with errno. */
int lockdown_capabilities(bool keep_net_bind_service);

struct lockdown_limits {	/* 0: left as it is */
	uint64_t nofile, fsize, cpu_seconds, nproc, data;
};
/* Set resource limits, never above the hard limit that is there; core files are off in any case. Safe after vfork. */
void lockdown_limits_apply(const struct lockdown_limits *limits);
/* The hard limits of this process. */
void lockdown_limits_read(struct lockdown_limits *ret);
