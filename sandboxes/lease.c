/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/lease.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18	/* what surely fits */

bool lease_is_over(const char *text, uint64_t now_seconds)
{
	const size_t len = strspn(text, "0123456789");
	uint64_t until;

	if (!len || len > DIGITS_MAX || text[len])	/* not strtoull()'s "-5", "5 days" and ULLONG_MAX */
		return false;
	until = strtoull(text, NULL, 10);
	return until && until < now_seconds && now_seconds - until > LEASE_SLACK_SECONDS;
}
