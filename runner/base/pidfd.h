/* SPDX-License-Identifier: Apache-2.0
 * pidfd: what Linux has since 5.4, and glibc names since 2.36; Ubuntu 22.04 has 2.35. */
#pragma once

#include <sys/wait.h>

#if !__GLIBC_PREREQ(2, 36)
#define P_PIDFD ((idtype_t)3)	/* for waitid() */
#endif
