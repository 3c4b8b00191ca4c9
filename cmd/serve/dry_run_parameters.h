/* SPDX-License-Identifier: Apache-2.0
 * dry_run_parameters: the values of ${NAME} as a request gives them, checked before anything is queued. */
#pragma once

#include "cmd/serve/run_json.h"

/* An object of plain values (text, numbers, booleans) under names and of sizes that `run` takes. `pointer` is where it stands in the body. */
void check_parameters(const json_t *parameters, const char *pointer, struct complaints *wrong);
