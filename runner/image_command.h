/* SPDX-License-Identifier: Apache-2.0
 * image_command: what a container step executes: its command and args, or what its image says, as Kubernetes has it. */
#pragma once

#include "runner/parameters.h"
#include "sandboxes/sandbox.h"
#include "validators/wpk.h"

/* `command` in place of the entrypoint, `args` in place of the command; a command without args drops the image's. Parameters are put in
 * place of ${NAME}, but in the scripts of a `sh -c`, where the shell finds them in its environment. ERR_INVALID_INPUT when there is
 * nothing to execute, or a parameter has no value. */
int image_command(const struct wpk_step *step, const struct parameters *parameters, const struct sandbox_image_defaults *image,
		  struct strvec *argv, struct error *err);

/* Where it starts: `workingDir`, with parameters; NULL: in the work folder. The caller frees. */
int image_folder(const struct wpk_step *step, const struct parameters *parameters, char **ret, struct error *err);

/* The step's own limits of memory and cpu, where they are lower than those in *limits. */
void image_limits(const struct wpk_step *step, struct sandbox_limits *limits);

/* What the step asks for that a sandbox does not give, a line each ("FILE:LINE:COLUMN: …"). */
void image_warnings(const struct wpk_step *step, const char *file, struct strvec *warnings);

/* The image's environment, then `usual` ("NAME=VALUE") where the image does not say otherwise, then what the step's `env` has. */
int image_environment(const struct wpk_step *step, const struct parameters *parameters, const struct sandbox_image_defaults *image,
		      const struct strvec *usual, struct strvec *env, struct error *err);
