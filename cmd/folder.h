/* SPDX-License-Identifier: Apache-2.0
 * folder: the packages below a folder. */
#pragma once

#include <stddef.h>

/* `error` NULL: a package file. Otherwise why something below, or the folder, could not be looked at. */
typedef void folder_visitor(void *arg, const char *path, const char *error);

/* Call `each` for every *.wpk.yaml and *.wpk.yml below, in the order of names. Hidden folders (.git) and links to
 * folders are passed over. A folder without packages is an error, not a silent success. */
void folder_each(const char *path, folder_visitor *each, void *arg);
