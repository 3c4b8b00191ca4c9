/* SPDX-License-Identifier: Apache-2.0
 * run_api: the handlers of /v1/runs, one file a theme. Private to run_api*.c; the table is in run_api.c. */
#pragma once

#include "cmd/serve/run_json.h"

