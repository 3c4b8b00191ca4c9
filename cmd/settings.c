/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/settings.h"

#include <string.h>

#include "runner/backend_choice.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define KiB (UINT64_C(1) << 10)
#define MiB (UINT64_C(1) << 20)

static const char *const pull_names[] = { [SANDBOX_PULL_MISSING] = "missing", [SANDBOX_PULL_ALWAYS] = "always",
	[SANDBOX_PULL_NEVER] = "never", NULL };
static const char *const profile_names[] = { "default", "restrictive", "standard", "permissive", NULL };

/* What the profile gives; the members of both structs of limits are the same. */
static uint64_t limit_of_profile(const struct option_spec *row, const void *target)
{
	const struct settings *s = target;
	const struct profile *profile = profile_find(s->profile);

	return *(const uint64_t *)((const char *)&profile->limits + (row->offset - offsetof(struct settings, limits)));
}

static bool is_above(uint64_t a, uint64_t b)	/* 0 is no limit */
{
	return b && (!a || a > b);
}

/* Does one limit of profile `value` allow more than profile `than`? */
static bool profile_is_looser(const char *value, const char *than)
{
	const struct profile *a = profile_find(value), *b = profile_find(than);
	const uint64_t limits[][2] = {
		{ a->limits.memory_bytes, b->limits.memory_bytes }, { a->limits.cpu_millis, b->limits.cpu_millis },
		{ a->limits.pids, b->limits.pids }, { a->limits.storage_bytes, b->limits.storage_bytes },
		{ a->limits.storage_files, b->limits.storage_files }, { a->limits.tmp_bytes, b->limits.tmp_bytes },
		{ a->limits.nofile, b->limits.nofile }, { a->limits.fsize_bytes, b->limits.fsize_bytes },
		{ a->limits.cpu_time_ns, b->limits.cpu_time_ns }, { a->limits.output_bytes, b->limits.output_bytes },
		{ a->timeout_ns, b->timeout_ns },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (is_above(limits[i][0], limits[i][1]))
			return true;
	return false;
}

#define LIMIT(option, in_file, option_kind, member, value_name, least, text) \
	{ .name = (option), .section = "limits", .key = (in_file), .trust = OPTION_DOWN, .otherwise = limit_of_profile, .kind = (option_kind), .offset = offsetof(struct settings, limits.member), \
	  .value = (value_name), .min = (least), .group = "Limits (default: as the profile says)", .help = (text) }

static uint64_t usual_bandwidth(const struct option_spec *row, const void *target)
{
	(void)row;
	(void)target;
	return SETTINGS_BANDWIDTH_BITS;
}

const struct option_spec settings_table[] = {
	{ .name = "type", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, type), .value = "TYPE",
	  .choices = backend_type_names, .section = "", .group = "Sandbox", .help = "kind of sandbox" },
	{ .name = "runtime", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, runtime), .value = "RUNTIME",
	  .choices = backend_runtime_names, .section = "", .group = "Sandbox", .help = "what provides it" },
	{ .name = "profile", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, profile), .value = "PROFILE",
	  .choices = profile_names, .section = "", .trust = OPTION_DOWN, .usual = "default", .looser = profile_is_looser,
	  .group = "Sandbox", .help = "set of limits" },
	{ .name = "rootfs", .kind = OPTION_TEXT, .offset = offsetof(struct settings, rootfs), .value = "DIR|TAR",
	  .section = "", .group = "Sandbox", .help = "use this as the read-only root instead of the host's system folders" },
	{ .name = "image", .kind = OPTION_TEXT, .offset = offsetof(struct settings, image), .value = "NAME",
	  .section = "", .group = "Sandbox", .help = "with an engine: use this image as the read-only root" },
	{ .name = "pull", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, pull), .value = "WHEN",
	  .choices = pull_names, .section = "", .group = "Sandbox", .help = "fetch the image from its registry" },
	{ .name = "offline", .kind = OPTION_FLAG, .offset = offsetof(struct settings, offline),
	  .section = "", .trust = OPTION_ON, .group = "Sandbox", .help = "fetch no image: --pull=never" },
	{ .name = "writable-root", .kind = OPTION_FLAG, .offset = offsetof(struct settings, writable_root),
	  .section = "security", .trust = OPTION_OFF, .group = "Sandbox",
	  .help = "steps are root and may change the system: a copy-on-write one, of which nothing is left" },
	{ .name = "net-bind-service", .kind = OPTION_FLAG, .offset = offsetof(struct settings, net_bind_service),
	  .section = "security", .trust = OPTION_OFF, .group = "Sandbox", .help = "keep the capability to listen on ports below 1024" },
	{ .name = "allow-host", .kind = OPTION_LIST, .offset = offsetof(struct settings, allow_host), .value = "HOST[:PORT,...]",
	  .section = "", .group = "Sandbox", .help = "let steps reach a host by TCP, as in example.org:443 or *.example.org (without: no network)" },
	{ .name = "allow-private", .kind = OPTION_FLAG, .offset = offsetof(struct settings, allow_private),
	  .section = "security", .trust = OPTION_OFF, .group = "Sandbox",
	  .help = "an allowed host may have a private address; never this host, its link or metadata services" },
	{ .name = "bandwidth", .kind = OPTION_RATE, .offset = offsetof(struct settings, bandwidth_bits), .value = "RATE", .min = 8000,
	  .section = "limits", .key = "network_bandwidth", .trust = OPTION_DOWN, .otherwise = usual_bandwidth,
	  .group = "Sandbox", .help = "what allowed hosts and steps send each other together, as in 10Mbps (default: 100Mbps)" },
	{ .name = "no-observe", .kind = OPTION_FLAG, .offset = offsetof(struct settings, no_observe),
	  .section = "security", .trust = OPTION_OFF, .group = "Sandbox", .help = "do not watch which programs, connections and forbidden calls the steps try" },
	{ .name = "param", .kind = OPTION_LIST, .offset = offsetof(struct settings, param), .value = "NAME=VALUE",
	  .section = "", .trust = OPTION_HARMLESS, .group = "Parameters", .help = "value of a ${NAME} of the package" },
	{ .name = "params-file", .kind = OPTION_LIST, .offset = offsetof(struct settings, params_file), .value = "FILE",
	  .section = "", .group = "Parameters", .help = "values from a YAML mapping or NAME=VALUE lines; --param wins" },
	{ .name = "param-secret", .kind = OPTION_LIST, .offset = offsetof(struct settings, param_secret), .value = "NAME=FROM",
	  .section = "", .group = "Parameters", .help = "secret value from env:VAR, file:PATH or - (standard input); shown as *** everywhere" },
	LIMIT("memory", NULL, OPTION_SIZE, memory_bytes, "SIZE", MiB, "memory of all processes together, as in 512Mi"),
	LIMIT("cpus", "cpu", OPTION_CPU, cpu_millis, "CPUS", 10, "processors, as in 1.5 or 500m"),
	LIMIT("pids", NULL, OPTION_COUNT, pids, "N", 1, "processes and threads"),
	LIMIT("storage", NULL, OPTION_SIZE, storage_bytes, "SIZE", 64 * KiB, "what the work folder and /tmp can hold together"),
	LIMIT("tmp-size", NULL, OPTION_SIZE, tmp_bytes, "SIZE", 64 * KiB, "the part of --storage that is for /tmp"),
	LIMIT("nofile", "files", OPTION_COUNT, nofile, "N", 16, "open descriptors of a process"),
	LIMIT("fsize", "file_size", OPTION_SIZE, fsize_bytes, "SIZE", 1, "size of one file"),
	LIMIT("cpu-time", NULL, OPTION_DURATION, cpu_time_ns, "TIME", NS_PER_SEC, "processor time of a process"),
	LIMIT("max-output", "output", OPTION_SIZE, output_bytes, "SIZE", KiB, "output of one step; what goes past it is counted only"),
	{ .name = NULL },
};

void settings_release(struct settings *s)
{
	allowed_hosts_release(&s->hosts);
	strvec_release(&s->allow_host);
	strvec_release(&s->param);
	strvec_release(&s->params_file);
	strvec_release(&s->param_secret);
	config_release(&s->config);
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

static int check_image(const struct settings *s, struct error *err)
{
	if (s->image && s->rootfs)
		return error_set(err, ERR_USAGE, "--image and --rootfs exclude each other: both say what the root is");
	if (s->offline && !strcmp(s->pull, "always"))
		return error_set(err, ERR_USAGE, "--offline and --pull=always exclude each other");
	return 0;
}

static int check_network(struct settings *s, struct error *err)
{
	struct sandbox_network network;

	if (s->allow_host.len && !strcmp(s->profile, "restrictive"))
		return error_set(err, ERR_USAGE, "--allow-host: profile 'restrictive' has no network");
	if (allowed_hosts_parse(&s->allow_host, &s->hosts, err) < 0)
		return -1;
	network = (struct sandbox_network){ .allow = s->hosts.items, .allow_len = s->hosts.len, .private_ranges = s->allow_private };
	return sandbox_network_check(&network, err) < 0 ? error_prefix(err, "--allow-host") : 0;
}

int settings_resolve(struct settings *s, bool stdin_taken, struct parameters *ret, struct error *err)
{
	if (check_storage(s, err) < 0 || check_image(s, err) < 0 || check_network(s, err) < 0)
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

static enum sandbox_pull pull_policy(const struct settings *s)
{
	enum sandbox_pull pull = SANDBOX_PULL_NEVER;

	while (!s->offline && pull > 0 && strcmp(pull_names[pull], s->pull))
		pull--;
	return pull;
}

struct plan_options settings_plan_options(const struct settings *s, struct parameters *parameters)
{
	return (struct plan_options){
		.type = s->type,
		.runtime = s->runtime,
		.profile = profile_find(s->profile),
		.limits = &s->limits,
		.rootfs = s->rootfs,
		.image = s->image,
		.pull = pull_policy(s),
		.net_bind_service = s->net_bind_service,
		.writable_root = s->writable_root,
		.observe = !s->no_observe,
		.network = { .allow = s->hosts.items, .allow_len = s->hosts.len, .bits_per_second = s->bandwidth_bits,
			     .private_ranges = s->allow_private },
		.parameters = parameters,
	};
}
