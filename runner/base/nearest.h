/* SPDX-License-Identifier: Apache-2.0
 * nearest: which of the known words was meant? Used for options, subcommands and keys alike. */
#pragma once

#include <stddef.h>

/* The candidate closest to `word` (Damerau-Levenshtein, case and '-'/'_' ignored), or NULL when none is close enough
 * to suggest (more than a third of the letters differ). Candidates may hold NULLs, which are passed over. */
const char *nearest(const char *word, const char *const *candidates, size_t n);
