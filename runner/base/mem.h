/* SPDX-License-Identifier: Apache-2.0
 * mem: allocation that cannot fail, and ownership that shows in the code.
 *
 * Running out of memory aborts: the cleanup journal makes dying safe. Sizes that come from outside are
 * bounded before they get here. `autofree`, `autoclose`, … release a variable at the end of its scope;
 * steal_ptr()/steal_fd() move it out. Declare such a variable initialised, one a line.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));	/* zeroed; overflow aborts */
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));	/* n * size; overflow aborts */
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* NULL-safe copies: NULL stays NULL. */
char *xstrdup_or_null(const char *s);

/* Make room for one more element of an array that doubles: `ARRAY_GROW(list->items, list->len, list->alloc)`. */
#define ARRAY_GROW(items, len, alloc)                                                  \
	do {                                                                           \
		if ((len) == (alloc)) {                                                \
			(alloc) = (alloc) ? 2 * (alloc) : 8;                           \
			(items) = xrealloc((items), (alloc), sizeof(*(items)));        \
		}                                                                      \
	} while (0)

static inline void *steal_ptr_(void *pp)
{
	void **p = pp;
	void *v = *p;

	*p = NULL;
	return v;
}
/* Hand over what a variable owns; the variable becomes NULL. Typed. */
#define steal_ptr(pp) ((__typeof__(*(pp)))steal_ptr_(pp))

static inline int steal_fd(int *fdp)
{
	int fd = *fdp;

	*fdp = -1;
	return fd;
}

void autofree_(void *p);	/* both keep errno */
void autoclose_(int *fd);
#define autofree __attribute__((__cleanup__(autofree_)))
#define autoclose __attribute__((__cleanup__(autoclose_)))
