/* SPDX-License-Identifier: Apache-2.0
 * dialect: is a document a workflow package, and if not, what does it look like? Private to wpk*.c. */
#pragma once

#include <stdbool.h>

#include "validators/finding.h"

/* Close enough to a workflow package that decoding it tells the author more than a refusal. */
bool dialect_is_package(const struct node *root);

/* Report the one finding that says what it is instead. `root` may be NULL: nothing in the file. */
void dialect_report(const struct node *root, struct finding_list *findings);
