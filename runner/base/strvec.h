/* SPDX-License-Identifier: Apache-2.0
 * strvec: an owned, NULL-terminated list of strings (argv, environment, reasons). */
#pragma once

#include <stddef.h>

struct strvec {
	char **items;	/* NULL while empty; otherwise items[len] == NULL */
	size_t len, alloc;
};

#define STRVEC_INIT { .items = NULL }

void strvec_push(struct strvec *v, const char *s);		/* copies */
void strvec_pushf(struct strvec *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strvec_push_take(struct strvec *v, char *s);		/* owns s from now on */
void strvec_release(struct strvec *v);				/* frees all, ready again */

#define autostrvec __attribute__((__cleanup__(strvec_release)))
