/* SPDX-License-Identifier: Apache-2.0
 * lease: until when something of ours may stand where others see it, too: what anybody's sweep may remove, and what not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LEASE_SLACK_SECONDS 60		/* clocks differ */

/* `text` is a label or an annotation, seconds since 1970. What is no such number is no lease, and nothing is removed for it. */
bool lease_is_over(const char *text, uint64_t now_seconds);
