/* SPDX-License-Identifier: Apache-2.0
 * judge_template: the process from which workers are made, forked before the service knows anything worth stealing. A worker reads hostile packages: it must
 * not hold copies of keys, tokens and other people's packages, and making one must not cost the service a copy of its memory. Workers are children of the
 * service all the same (CLONE_PARENT): it waits for them, and they die with it. Private to judge*.c. */
#pragma once

#include <sys/types.h>

#include "cmd/serve/judge_worker.h"

struct judge_template {
	pid_t pid;	/* -1: there is none */
	int fd;
};
#define JUDGE_TEMPLATE_NONE { .pid = -1, .fd = -1 }

int judge_template_start(struct judge_template *t, struct judge_bench *b, struct error *err);
/* A worker that answers on `fd` (borrowed). -1: there is none to be had from it any more; start another, for this one is gone. */
pid_t judge_template_spawn(struct judge_template *t, int fd);
void judge_template_end(struct judge_template *t);
