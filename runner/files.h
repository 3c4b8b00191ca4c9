/* SPDX-License-Identifier: Apache-2.0
 * files: put files and folders of the host into a sandbox's work folder. Private to runner/. */
#pragma once

#include "runner/run.h"

/* Copies what `file` names. Links stay links, they are not followed; FIFOs, sockets and devices are refused by name. */
int files_put(struct sandbox *sb, const struct run_file *file, struct error *err);
