/* SPDX-License-Identifier: Apache-2.0
 * output_file: a file of output that is there as a whole or not at all. Until then it has no name, so nothing is left
 * whatever kills us. */
#pragma once

#include <stddef.h>

#include "runner/base/error.h"

struct output_file {
	const char *path;	/* borrowed */
	char *folder;		/* owned */
	int fd;
	int failed;		/* errno of the first write that failed */
	enum { OUTPUT_UNNAMED, OUTPUT_NAMED, OUTPUT_SPECIAL } kind;
	char *name;		/* owned; of OUTPUT_NAMED, where the file system knows no files without name */
};
#define OUTPUT_FILE_INIT { .fd = -1 }

/* ERR_UNAVAILABLE when nothing can be written there: better to know before the work than after. A device or pipe is
 * written to as it is. */
int output_file_open(struct output_file *f, const char *path, struct error *err);
void output_file_write(void *file, const char *data, size_t len);
int output_file_commit(struct output_file *f, struct error *err);	/* in one step in the place of what was there */
void output_file_close(struct output_file *f);				/* without a commit: nothing is changed */
