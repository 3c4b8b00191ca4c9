/* SPDX-License-Identifier: Apache-2.0
 * wpk_schema: the format of packages as JSON Schema 2020-12, for editors. Made from the tables by which packages are
 * decoded, so the two cannot differ. */
#pragma once

#include "runner/base/json.h"

/* Refuses what decoding calls an error of form; what it only warns about (unknown keys, other words) is allowed, as
 * is ${NAME} where it may stand. */
json_t *wpk_schema(void);
