/* SPDX-License-Identifier: Apache-2.0
 * serve: the same program as a service. What is asked for must be safe before anything is opened: nobody but this host is let in without tokens and
 * TLS. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/serve/service_run.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/journal.h"

struct serve_options {
	struct common_options common;
	struct service_options service;
	const char *data_dir;
};

static const struct option_spec options[] = {
#define TEXT(option, member, value_name, heading, text) \
	{ .name = (option), .kind = OPTION_TEXT, .offset = offsetof(struct serve_options, member), .value = (value_name), .group = (heading), .help = (text) }
#define NUMBER(option, option_kind, member, value_name, least, heading, text) \
	{ .name = (option), .kind = (option_kind), .offset = offsetof(struct serve_options, member), .value = (value_name), .min = (least), .group = (heading), .help = (text) }
	{ .name = "listen", .kind = OPTION_LIST, .offset = offsetof(struct serve_options, service.listen), .value = "ADDRESS", .group = "Service",
	  .help = "HOST:PORT, [IPV6]:PORT or unix:PATH (127.0.0.1:8000 by default); other hosts are let in only with --tokens and --tls-cert" },
	TEXT("data-dir", data_dir, "DIR", "Service", "keep packages, runs and the audit log here instead of in the state folder"),
	TEXT("tokens", service.tokens, "FILE", "Service", "let in who has one of these tokens; 'sandbox_runner token' makes them"),
	TEXT("tls-cert", service.certificate, "FILE", "Service", "serve TLS with this certificate (PEM, with its chain)"),
	TEXT("tls-key", service.key, "FILE", "Service", "the key of the certificate (PEM)"),
	{ .name = "host", .kind = OPTION_LIST, .offset = offsetof(struct serve_options, service.hosts), .value = "NAME", .group = "Service",
	  .help = "a name by which clients call the service, besides the addresses it listens on" },
	TEXT("registry", service.registry, "URL", "Service", "take packages from the registry there, and notify it of runs, instead of keeping them here"),
	TEXT("policy", service.policy, "NAME|FILE", "Runs", "decide by 'default', 'registry-compat' or the policy in a YAML file"),
	{ .name = "allow-type", .kind = OPTION_LIST, .offset = offsetof(struct serve_options, service.types), .value = "TYPE", .group = "Runs",
	  .help = "a kind of sandbox that a request may ask for (container by default)" },
	{ .name = "allow-override", .kind = OPTION_FLAG, .offset = offsetof(struct serve_options, service.allow_override), .group = "Runs",
	  .help = "let those with scope admin run packages that the policy blocks" },
	NUMBER("runs", OPTION_COUNT, service.runs, "N", 1, "Runs", "run this many at once (twice the processors by default)"),
	NUMBER("queue", OPTION_COUNT, service.queue, "N", 1, "Runs", "let this many wait, then answer 429 (256 by default)"),
	NUMBER("run-timeout", OPTION_DURATION, service.run_timeout_ns, "TIME", NS_PER_MS, "Runs", "the most time a run may take, and what it gets (30m by default)"),
	NUMBER("wait", OPTION_DURATION, service.wait_ns, "TIME", NS_PER_MS, "Runs", "answer a dry run that takes longer with 202 and where to look (2m by default)"),
	NUMBER("keep-runs", OPTION_COUNT, service.keep, "N", 1, "Runs", "keep the files of this many runs (1000 by default); the record of a run stays longer"),
	NUMBER("exec-pool", OPTION_COUNT, service.exec_pool, "N", 1, "Runs", "answer POST /v1/exec, with this many sandboxes kept warm"),
	NUMBER("max-package", OPTION_SIZE, service.package_bytes, "SIZE", 1024, "Limits", "refuse packages that are larger (1Mi by default)"),
	NUMBER("rate", OPTION_COUNT, service.requests_per_second, "N", 1, "Limits", "let a token, or an address, make N requests a second (no limit by default)"),
	NUMBER("grace", OPTION_DURATION, service.grace_ns, "TIME", NS_PER_MS, "Limits", "when asked to end, give runs this long before they are cancelled (30s by default)"),
	{ .name = "compatible-metrics", .kind = OPTION_FLAG, .offset = offsetof(struct serve_options, service.compatible_metrics), .group = "Service",
	  .help = "add the metrics of the published agent, whose labels hold names of workflows" },
	{ .name = NULL },
};

/* After "--" come options of `run`; they are its own to understand, but a wrong one should be known now and not by the first client. */
static int check_arguments(const struct command *self, const struct strvec *arguments)
{
	const struct option_spec *tables[COMMAND_TABLES];
	autofree void *target = xcalloc(1, command_run.defaults_size);
	autostrvec struct strvec operands = STRVEC_INIT;
	struct error err = { 0 };
	bool help = false;

	memcpy(target, command_run.defaults, command_run.defaults_size);
	command_tables(&command_run, tables);
	if (options_parse(tables, (int)arguments->len, arguments->items, target, &operands, &help, &err) < 0)
		return command_usage_error(self, "after '--': %s", err.text);
	if (help || operands.len)
		return command_usage_error(self, "after '--' come options of 'run', as in: serve -- --profile=restrictive");
	return -1;
}

/* Who could come in, and would anything stop them? */
static int check_door(const struct command *self, const struct serve_options *opt)
{
	const struct service_options *o = &opt->service;
	struct error err;

	if (!o->certificate != !o->key)
		return command_usage_error(self, "--tls-cert and --tls-key belong together");
	for (size_t i = 0; i < o->listen.len; i++) {
		const char *address = o->listen.items[i];

		if (httpd_address_check(address, &err) < 0)
			return command_usage_error(self, "--listen: %s", err.text);
		if (httpd_address_is_loopback(address) || (o->tokens && o->certificate))
			continue;
		return command_usage_error(self, "--listen=%s would let other hosts in: that takes --tokens and --tls-cert with --tls-key; "
					   "127.0.0.1 or unix:PATH behind a proxy does not", address);
	}
	return -1;
}

static int absolute(const char *path, char **ret, struct error *err)
{
	autofree char *cwd = NULL;

	if (path[0] == '/') {
		*ret = xstrdup(path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return error_sys(err, ERR_UNAVAILABLE, "the current folder");
	*ret = xasprintf("%s/%s", cwd, path);
	return 0;
}

static int find_folders(struct serve_options *opt, char **state_dir, char **data_dir, struct error *err)
{
	autofree char *state = journal_state_dir(opt->common.state_dir, err), *data = NULL;

	if (!state)
		return -1;
	data = opt->data_dir ? xstrdup(opt->data_dir) : xasprintf("%s/service", state);
	if (make_dirs(data, 0700, err) < 0)
		return error_prefix(err, "data folder");
	return absolute(state, state_dir, err) < 0 || absolute(data, data_dir, err) < 0 ? -1 : 0;
}

/* What the command line left open, and what each run is told. */
static void complete(struct serve_options *opt, const struct strvec *arguments)
{
	struct service_options *o = &opt->service;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!o->runs)
		o->runs = processors > 0 ? 2 * (uint64_t)processors : 2;
	if (!o->types.len)
		strvec_push(&o->types, "container");
	o->quiet = opt->common.quiet;
	if (opt->common.config)
		strvec_pushf(&o->arguments, "--config=%s", opt->common.config);
	if (o->policy)
		strvec_pushf(&o->arguments, "--policy=%s", o->policy);
	for (size_t i = 0; i < arguments->len; i++)
		strvec_push(&o->arguments, arguments->items[i]);
}

static void release(struct serve_options *opt)
{
	strvec_release(&opt->service.listen);
	strvec_release(&opt->service.arguments);
	strvec_release(&opt->service.hosts);
	strvec_release(&opt->service.types);
}

static int run_service(struct serve_options *opt)
{
	autofree char *state_dir = NULL, *data_dir = NULL;
	struct error err;

	if (find_folders(opt, &state_dir, &data_dir, &err) < 0)
		return report_error(&err);
	opt->service.state_dir = state_dir;
	opt->service.data_dir = data_dir;
	return service_run(&opt->service, &err) < 0 ? report_error(&err) : EXIT_OK;
}

static int serve_main(const struct command *self, int argc, char **argv)
{
	struct serve_options opt = { .service = { .queue = 256, .keep = 1000, .run_timeout_ns = 1800 * NS_PER_SEC, .wait_ns = 120 * NS_PER_SEC,
						  .grace_ns = 30 * NS_PER_SEC, .package_bytes = 1 << 20 } };
	autostrvec struct strvec arguments = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &arguments);

	if (status < 0 && arguments.len && arguments.items[0][0] != '-')
		status = command_usage_error(self, "'serve' takes no '%s'; options of 'run' come after '--'", arguments.items[0]);
	if (status < 0)
		status = check_arguments(self, &arguments);
	if (status < 0)
		status = check_door(self, &opt);
	if (status < 0) {
		complete(&opt, &arguments);
		status = run_service(&opt);
	}
	release(&opt);
	return status;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "Answer over HTTP: dry runs, their results, metrics, a page",
	.usage = "serve [options] [-- OPTIONS OF run]",
	.examples = "  sandbox_runner serve\n"
		    "  sandbox_runner serve --listen=unix:/run/sandbox_runner.sock -- --profile=restrictive\n"
		    "  sandbox_runner serve --listen=0.0.0.0:8443 --tokens=tokens --tls-cert=chain.pem --tls-key=key.pem --host=dryrun.example.com\n",
	.options = options,
	.configured = true,
	.main = serve_main,
};
