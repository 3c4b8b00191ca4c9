/* SPDX-License-Identifier: Apache-2.0
 * argument_mask: what looks like a secret in the arguments of a program becomes "***", whether or not it is one of the run's own (those
 * are the redactor's): values after names such as --password, token= or Authorization:, passwords in URLs, tokens known by their
 * beginning. It may hide too much, and it cannot know a secret that looks like nothing. */
#pragma once

#include <stddef.h>

#include "runner/base/strbuf.h"

void argument_mask(const char *text, size_t len, struct strbuf *out);
