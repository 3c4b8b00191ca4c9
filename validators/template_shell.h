/* SPDX-License-Identifier: Apache-2.0
 * template_shell: the references of shell text. Private to template*.c. */
#pragma once

#include "validators/template.h"

/* template_scan() for TEMPLATE_SHELL. Linear in `len`. */
int template_scan_shell(const char *text, size_t len, struct template_refs *ret, size_t *ret_offset, struct error *err);

/* Length of the name at the start of `text`; 0: none. */
size_t template_name_length(const char *text, size_t len);
void template_refs_add(struct template_refs *refs, size_t offset, size_t len, const char *name, size_t name_len,
		       const char *fallback, size_t fallback_len);
