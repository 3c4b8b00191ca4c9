/* SPDX-License-Identifier: Apache-2.0
 * guest_look: what guest_init finds in force where somebody else put it. Everything is tried out or read back from
 * the kernel; what an engine says it did is of no interest. Part of the static program only. */
#pragma once

#include "sandboxes/guest.h"

/* Before anything is given up: what a step could do if it were left as it is. */
void guest_look_around(struct guest_report *report);
/* At the end: what we are now, which every step inherits. */
void guest_look_back(struct guest_report *report);
