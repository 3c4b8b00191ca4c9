/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/strvec.h"

#include <stdarg.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"

void strvec_push_take(struct strvec *v, char *s)
{
	if (v->len + 1 >= v->alloc) {
		v->alloc = v->alloc ? 2 * v->alloc : 8;
		v->items = xrealloc(v->items, v->alloc, sizeof(*v->items));
	}
	v->items[v->len++] = s;
	v->items[v->len] = NULL;
}

void strvec_push(struct strvec *v, const char *s)
{
	strvec_push_take(v, xstrdup(s));
}

void strvec_pushf(struct strvec *v, const char *fmt, ...)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	strvec_push_take(v, strbuf_detach(&sb));
}

void strvec_release(struct strvec *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strvec)STRVEC_INIT;
}
