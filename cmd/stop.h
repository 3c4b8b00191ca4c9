/* SPDX-License-Identifier: Apache-2.0
 * stop: end a run: its kept sandbox by its door, one that is still at work by SIGTERM. For `stop` and `attach --end`. */
#pragma once

#include "cmd/command.h"

int stop_run(const struct common_options *common, const char *name);	/* returns the exit status */
