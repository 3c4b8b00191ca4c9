/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void error_vset(struct error *err, enum error_code code, int sys, const char *fmt, va_list ap)
{
	err->code = code;
	err->sys = sys;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	error_vset(err, code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int error_sys(struct error *err, enum error_code code, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;
	size_t len;

	if (!err)
		return -1;
	va_start(ap, fmt);
	error_vset(err, code, sys, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(sys));
	errno = sys;
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char context[512];
	va_list ap;
	size_t len, keep;

	if (!err)
		return -1;
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context) - 2, fmt, ap);
	va_end(ap);
	strcat(context, ": ");
	len = strlen(context);
	keep = strlen(err->text);
	if (keep > sizeof(err->text) - 1 - len)
		keep = sizeof(err->text) - 1 - len;
	memmove(err->text + len, err->text, keep);
	memcpy(err->text, context, len);
	err->text[len + keep] = '\0';
	return -1;
}

const char *error_code_to_string(enum error_code code)
{
	static const char *const names[] = {
		[ERR_OK] = "ok",
		[ERR_USAGE] = "usage",
		[ERR_INVALID_INPUT] = "invalid_input",
		[ERR_PERMISSION_DENIED] = "permission_denied",
		[ERR_UNAVAILABLE] = "unavailable",
		[ERR_CLEANUP] = "cleanup_incomplete",
		[ERR_RESOURCE_EXHAUSTED] = "resource_exhausted",
		[ERR_REMOTE] = "remote_refused",
		[ERR_DEADLINE_EXCEEDED] = "deadline_exceeded",
		[ERR_CANCELLED] = "cancelled",
		[ERR_INTERNAL] = "internal",
	};

	if ((unsigned int)code < sizeof(names) / sizeof(names[0]) && names[code])
		return names[code];
	return "internal";
}
