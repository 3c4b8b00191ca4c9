/* SPDX-License-Identifier: Apache-2.0
 * settings: what `plan` and `run` are told alike: backend, profile, limits, parameters. So that a `plan` can be turned into a `run`
 * by changing one word. */
#pragma once

#include "cmd/allowed_host.h"
#include "cmd/command.h"
#include "runner/k8s_fixtures.h"
#include "runner/parameters.h"
#include "runner/plan.h"

struct settings {
	struct common_options common;
	const char *type, *runtime, *profile, *rootfs, *image, *pull;
	struct sandbox_limits limits;	/* 0: as the profile says */
	bool net_bind_service, writable_root, offline, no_observe, allow_private;
	const char *kubeconfig, *context, *runtime_class, *kind_image, *kind_config, *fixtures, *event, *dry_run;
	bool yes, reuse_cluster;
	uint64_t bandwidth_bits;
	struct allowed_hosts hosts;	/* of allow_host, by settings_resolve() */
	struct strvec allow_host, param, params_file, param_secret;
	struct k8s_fixtures objects;	/* of fixtures and event, by settings_resolve() */
	struct config config;		/* who set what, and what the files said */
};
#define SETTINGS_INIT { .type = "auto", .runtime = "auto", .profile = "default", .pull = "missing", .dry_run = "none", .objects = K8S_FIXTURES_EMPTY, .bandwidth_bits = SETTINGS_BANDWIDTH_BITS }
#define SETTINGS_BANDWIDTH_BITS UINT64_C(100000000)

extern const struct option_spec settings_table[];	/* offsets into struct settings */

void settings_release(struct settings *s);

/* Check what must fit together and read the parameters: files first, then --param, then --param-secret; later ones win. `stdin_taken`: the package is read from there. */
int settings_resolve(struct settings *s, bool stdin_taken, struct parameters *ret, struct error *err);

/* Borrows from `s` and `parameters`. */
struct plan_options settings_plan_options(const struct settings *s, struct parameters *parameters);
