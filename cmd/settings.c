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

static const char *const dry_runs[] = { "none", "server", NULL };

const struct option_spec settings_table[] = {
	{ .name = "type", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, type), .value = "TYPE",
	  .choices = backend_type_names, .section = "", .group = "Sandbox", .help = "kind of sandbox" },
	{ .name = "runtime", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, runtime), .value = "RUNTIME",
	  .choices = backend_runtime_names, .section = "", .group = "Sandbox", .help = "what provides it; of kind: what makes its nodes" },
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
	{ .name = "kubeconfig", .kind = OPTION_TEXT, .offset = offsetof(struct settings, kubeconfig), .value = "FILE",
	  .section = "", .group = "Cluster", .help = "with --type=kubernetes: how to reach the cluster (default: $KUBECONFIG, ~/.kube/config)" },
	{ .name = "context", .kind = OPTION_TEXT, .offset = offsetof(struct settings, context), .value = "NAME",
	  .section = "", .group = "Cluster", .help = "with --type=kubernetes: the context to use, always by name" },
	{ .name = "yes", .kind = OPTION_FLAG, .offset = offsetof(struct settings, yes),
	  .section = "", .trust = OPTION_OFF, .group = "Cluster", .help = "use the cluster of --context although its name looks like production" },
	{ .name = "runtime-class", .kind = OPTION_TEXT, .offset = offsetof(struct settings, runtime_class), .value = "NAME",
	  .section = "", .group = "Cluster", .help = "RuntimeClass of the pods of shell and container steps, as in gvisor" },
	{ .name = "kind-image", .kind = OPTION_TEXT, .offset = offsetof(struct settings, kind_image), .value = "IMAGE",
	  .section = "", .group = "Cluster", .help = "with --type=kind: image of the node" },
	{ .name = "kind-config", .kind = OPTION_TEXT, .offset = offsetof(struct settings, kind_config), .value = "FILE",
	  .section = "", .group = "Cluster", .help = "with --type=kind: a file for 'kind create cluster --config'" },
	{ .name = "reuse-cluster", .kind = OPTION_FLAG, .offset = offsetof(struct settings, reuse_cluster),
	  .section = "", .group = "Cluster", .help = "with --type=kind: keep one cluster of ours for the next run; each has a namespace of its own" },
	{ .name = "fixtures", .kind = OPTION_TEXT, .offset = offsetof(struct settings, fixtures), .value = "PATH",
	  .section = "", .group = "Cluster", .help = "apply these manifests before the first step: a file, or those of a folder" },
	{ .name = "event", .kind = OPTION_TEXT, .offset = offsetof(struct settings, event), .value = "FILE",
	  .section = "", .group = "Cluster", .help = "the event that triggered the package, which says whom its steps mean" },
	{ .name = "dry-run", .kind = OPTION_CHOICE, .offset = offsetof(struct settings, dry_run), .value = "WHERE", .choices = dry_runs,
	  .section = "", .group = "Cluster", .help = "server: what would change an object is judged by the API server and not stored" },
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
	k8s_fixtures_release(&s->objects);
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

/* What only a cluster can do. */
static int check_cluster(struct settings *s, struct error *err)
{
	bool server = strcmp(s->dry_run, "none") != 0;

	if (!backend_is_cluster(s->type) && (s->fixtures || s->event || server))
		return error_set(err, ERR_USAGE, "%s is for a cluster: --type=kind or --type=kubernetes",
				 s->fixtures ? "--fixtures" : s->event ? "--event" : "--dry-run=server");
	if (!s->fixtures && !s->event)
		return 0;
	return k8s_fixtures_load(s->fixtures, s->event, &s->objects, err);
}

int settings_resolve(struct settings *s, bool stdin_taken, struct parameters *ret, struct error *err)
{
	if (check_storage(s, err) < 0 || check_image(s, err) < 0 || check_network(s, err) < 0 ||
	    check_cluster(s, err) < 0)
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
		.cluster = { .kubeconfig = s->kubeconfig, .context = s->context, .confirmed = s->yes, .runtime_class = s->runtime_class,
			     .kind_image = s->kind_image, .kind_config = s->kind_config, .reuse = s->reuse_cluster, .default_image = s->image },
		.fixtures = &s->objects,
		.server_dry_run = !strcmp(s->dry_run, "server"),
		.network = { .allow = s->hosts.items, .allow_len = s->hosts.len, .bits_per_second = s->bandwidth_bits,
			     .private_ranges = s->allow_private },
		.parameters = parameters,
	};
}
