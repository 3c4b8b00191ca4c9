/* SPDX-License-Identifier: Apache-2.0
 * Tables of APIs whose files are not there yet; each goes when its owner defines it, and this file with the last. */
#include "cmd/serve/route.h"

#define NOT_THERE_YET(table) __attribute__((weak)) const struct route table[] = { { .method = NULL } }
NOT_THERE_YET(run_routes);
NOT_THERE_YET(event_routes);
NOT_THERE_YET(package_routes);
