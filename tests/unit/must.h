/* SPDX-License-Identifier: Apache-2.0
 * must: an assert that also works in a forked child, where cmocka's would jump back into the parent's loop of tests. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool in_child;	/* set it after fork: a failure is then exit status 1 */

#define must(condition)                                                                                     \
	do {                                                                                                \
		if (!(condition)) {                                                                         \
			print_error("%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno)); \
			if (in_child)                                                                       \
				_exit(1);                                                                   \
			fail();                                                                             \
		}                                                                                           \
	} while (0)
