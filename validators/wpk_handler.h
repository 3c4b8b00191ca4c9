/* SPDX-License-Identifier: Apache-2.0
 * wpk_handler: handlers and their steps, of both dialects. Private to wpk*.c. */
#pragma once

#include "validators/schema.h"
#include "validators/wpk.h"

field_decoder decode_handlers;		/* struct wpk_handler_list */
void wpk_handlers_release(struct wpk_handler_list *list);

/* Tables and decoders that the JSON Schema of packages is made from too (wpk_schema.c). */
extern const struct field_table wpk_package_table, wpk_limit_table, wpk_handler_table, wpk_step_table, wpk_shell_table,
	wpk_k8s_table, wpk_api_table, wpk_container_table;
extern const struct enum_name wpk_handler_types[];
field_decoder decode_package_name, decode_version, decode_runtime_type, decode_safety_mode, decode_cron,
	decode_permission, decode_limits, decode_exactly;
field_decoder decode_action, decode_headers, decode_status, decode_arguments;

/* How the value of a step becomes what running it needs (wpk_step.c). */
typedef void step_decoder(struct decode *d, const struct node *node, const char *path, struct wpk_step *step);
/* Dialect B: shell, container, kubernetes. */
step_decoder decode_shell_step, decode_container_step, decode_manifest_step;
/* Dialect A: the config of a type. */
step_decoder decode_shell_config, decode_k8s_config, decode_api_config;
