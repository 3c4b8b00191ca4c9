/* SPDX-License-Identifier: Apache-2.0
 * judge_worker: the other side of judge.c: reads, scans and judges one package after the other. Private to judge*.c. */
#pragma once

#include "cmd/scan_file.h"

struct judge_bench {
	struct scan_judge ours, registry;
	char rules_digest[65];		/* of ours */
	const char *state_dir;
	uint64_t timeout_ns;
};
#define JUDGE_BENCH_INIT { .ours = SCAN_JUDGE_INIT, .registry = SCAN_JUDGE_INIT }
int judge_bench_open(struct judge_bench *b, const char *policy, struct error *err);
void judge_bench_close(struct judge_bench *b);

/* In a process forked for this: let go of everything of the service but *fd, which gets another number; signals for the service are not for us. */
void judge_settle(int *fd, const char *name);
/* The same, and answer what comes there until it is closed. */
_Noreturn void judge_work(struct judge_bench *b, int fd);

/* Content type of one of scan's formats; NULL: no such format. */
const char *judge_report_type(const char *format);
