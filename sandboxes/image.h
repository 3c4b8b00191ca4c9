/* SPDX-License-Identifier: Apache-2.0
 * image: what an image says of itself. Comes with sandbox.h. */
#pragma once

#include "runner/base/strvec.h"

/* A command of nobody's choice is entrypoint and command, one after the other. */
struct sandbox_image_defaults {
	struct strvec entrypoint, command;
	struct strvec environment;	/* "NAME=VALUE" */
};
