/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/settings.h"

#include <string.h>

#include "runner/backend_choice.h"
#include "runner/base/clock.h"
#include "runner/base/quantity.h"

#define KiB (UINT64_C(1) << 10)
#define MiB (UINT64_C(1) << 20)

static const char *const profile_names[] = { "default", "restrictive", "standard", "permissive", NULL };

#define LIMIT(option, option_kind, member, value_name, least, text) \
	{ .name = (option), .kind = (option_kind), .offset = offsetof(struct settings, limits.member), \
	  .value = (value_name), .min = (least), .group = "Limits (default: as the profile says)", .help = (text) }

const struct option_spec settings_table[] = {
	{ .name = "type", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, type), .value = "TYPE",
	  .choices = backend_type_names, .group = "Sandbox", .help = "kind of sandbox" },
	{ .name = "runtime", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, runtime), .value = "RUNTIME",
	  .choices = backend_runtime_names, .group = "Sandbox", .help = "what provides it" },
	{ .name = "profile", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, profile), .value = "PROFILE",
	  .choices = profile_names, .group = "Sandbox", .help = "set of limits" },
	{ .name = "rootfs", .kind = OPTION_TEXT, .offset = offsetof(struct settings, rootfs), .value = "DIR|TAR",
	  .group = "Sandbox", .help = "use this as the read-only root instead of the host's system folders" },
	{ .name = "net-bind-service", .kind = OPTION_FLAG, .offset = offsetof(struct settings, net_bind_service),
	  .group = "Sandbox", .help = "keep the capability to listen on ports below 1024" },
	{ .name = "param", .kind = OPTION_LIST, .offset = offsetof(struct settings, param), .value = "NAME=VALUE",
	  .group = "Parameters", .help = "value of a ${NAME} of the package" },
	{ .name = "params-file", .kind = OPTION_LIST, .offset = offsetof(struct settings, params_file), .value = "FILE",
	  .group = "Parameters", .help = "values from a YAML mapping or NAME=VALUE lines; --param wins" },
	{ .name = "param-secret", .kind = OPTION_LIST, .offset = offsetof(struct settings, param_secret), .value = "NAME=FROM",
	  .group = "Parameters", .help = "secret value from env:VAR, file:PATH or - (standard input); shown as *** everywhere" },
	LIMIT("memory", OPTION_SIZE, memory_bytes, "SIZE", MiB, "memory of all processes together, as in 512Mi"),
	LIMIT("cpus", OPTION_CPU, cpu_millis, "CPUS", 10, "processors, as in 1.5 or 500m"),
	LIMIT("pids", OPTION_COUNT, pids, "N", 1, "processes and threads"),
	LIMIT("storage", OPTION_SIZE, storage_bytes, "SIZE", 64 * KiB, "what the work folder and /tmp can hold together"),
	LIMIT("tmp-size", OPTION_SIZE, tmp_bytes, "SIZE", 64 * KiB, "the part of --storage that is for /tmp"),
	LIMIT("nofile", OPTION_COUNT, nofile, "N", 16, "open descriptors of a process"),
	LIMIT("fsize", OPTION_SIZE, fsize_bytes, "SIZE", 1, "size of one file"),
	LIMIT("cpu-time", OPTION_DURATION, cpu_time_ns, "TIME", NS_PER_SEC, "processor time of a process"),
	LIMIT("max-output", OPTION_SIZE, output_bytes, "SIZE", KiB, "output of one step; what goes past it is counted only"),
	{ .name = NULL },
};

void settings_release(struct settings *s)
{
	strvec_release(&s->param);
	strvec_release(&s->params_file);
	strvec_release(&s->param_secret);
}

/* Storage is the whole; it must leave something for the work folder. */
static int check_storage(const struct settings *s, struct error *err)
{
	const struct sandbox_limits *base = &profile_find(s->profile)->limits;
	uint64_t storage = s->limits.storage_bytes ? s->limits.storage_bytes : base->storage_bytes;
	autostrbuf struct strbuf size = STRBUF_INIT(STRBUF_NO_MAX);

	if (s->limits.tmp_bytes < storage)
		return 0;
	size_format(&size, storage);
	return error_set(err, ERR_USAGE, "--tmp-size is a part of --storage, which is %s: it must be less", size.buf);
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

int settings_resolve(const struct settings *s, bool stdin_taken, struct parameters *ret, struct error *err)
{
	if (check_storage(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->param_secret.len; i++) {
		if (!ends_in(s->param_secret.items[i], "=-"))
			continue;
		if (stdin_taken)
			return error_set(err, ERR_USAGE, "standard input can be read once: --wpk=- and --param-secret …=- exclude each other");
	}
	for (size_t i = 0; i < s->params_file.len; i++)
		if (parameters_add_file(ret, s->params_file.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->param.len; i++)
		if (parameters_add(ret, s->param.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < s->param_secret.len; i++)
		if (parameters_add_secret(ret, s->param_secret.items[i], err) < 0)
			return -1;
	return 0;
}

struct plan_options settings_plan_options(const struct settings *s, struct parameters *parameters)
{
	return (struct plan_options){
		.type = s->type,
		.runtime = s->runtime,
		.profile = profile_find(s->profile),
		.limits = &s->limits,
		.rootfs = s->rootfs,
		.net_bind_service = s->net_bind_service,
		.parameters = parameters,
	};
}
