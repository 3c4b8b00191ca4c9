/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_invocation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/run_invocation_hooks.h"
#include "cmd/run_name.h"
#include "cmd/terminal.h"
#include "runner/base/archive.h"
#include "runner/base/clock.h"
#include "runner/base/digest.h"
#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/oci_layout.h"
#include "runner/base/nearest.h"
#include "runner/base/quantity.h"
#include "runner/live.h"
#include "runner/run_store.h"

/* ---- from the package to the plan */

static void warn_unused(struct invocation *v)
{
	for (size_t i = 0; i < v->parameters.len; i++) {
		const struct parameter *p = &v->parameters.items[i];

		if (!p->used && strcmp(p->origin, "--params-file"))
			strvec_pushf(&v->warnings, "parameter '%s' is given by %s, but the package has no ${%s}", p->name, p->origin, p->name);
	}
}

static int make_plan(struct invocation *v, struct error *err)
{
	struct plan_options wanted = settings_plan_options(&v->opt.settings, &v->parameters);
	size_t before, unset;

	wanted.memo = v->backend;
	package_verdict(&v->package, err);
	if (err->code != ERR_OK)
		return -1;
	if (plan_make(v->package.decision, &wanted, &v->plan, err) < 0)
		return -1;
	before = v->package.findings.len;
	unset = plan_unset(v->plan, &v->package.findings);
	if (unset) {
		package_show_findings(&v->package, &v->opt.settings.common, before);
		return error_set(err, ERR_INVALID_INPUT, "%zu parameter%s of package '%s' %s not set; use --param NAME=VALUE", unset,
				 unset == 1 ? "" : "s", v->package.findings.file, unset == 1 ? "is" : "are");
	}
	warn_unused(v);
	return 0;
}

static int open_package(struct invocation *v, struct error *err)
{
	struct scan_judge *judge = v->shared_judge ? v->shared_judge : &v->judge;

	if ((!v->shared_judge && scan_judge_prepare(&v->judge, &v->opt.scan, &v->opt.settings.common, err) < 0) ||
	    package_open(v->opt.wpk, scratch_path(&v->scratch), judge, &v->package, err) < 0)
		return -1;
	package_show_findings(&v->package, &v->opt.settings.common, 0);
	package_show_reasons(&v->package);
	if (v->package.decision && v->opt.override)
		decision_override(v->package.decision, v->opt.override);
	return make_plan(v, err);
}

/* ---- from here on something is made */

/* Runs that were killed without their reaper: finish what they began. Their trouble is no reason not to start. */
static void clean_after_others(void *arg, struct strvec *warnings)
{
	const struct invocation *v = arg;
	struct cleanup_list list = { .items = NULL };
	struct replay_stats stats = { 0 };
	struct error err = { 0 };

	if (journal_replay_all(v->state_dir, &stats, &list, &err) < 0)
		strvec_pushf(warnings, "what earlier runs left could not be cleaned: %s", err.text);
	if (stats.cleaned)
		strvec_pushf(warnings, "cleaned up after %u earlier run%s that had been killed", stats.cleaned,
			     stats.cleaned == 1 ? "" : "s");
	if (stats.failed)
		strvec_pushf(warnings, "%u earlier run%s left something that cannot be removed; see 'sandbox_runner gc'",
			     stats.failed, stats.failed == 1 ? "" : "s");
	cleanup_list_release(&list);
}

/* While such a sandbox comes up there is time to clean; before all others there is to be room. */
static bool comes_up_in_no_time(const struct invocation *v)
{
	return v->plan && !strcmp(v->plan->runtime, "native");
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int make_folder(const char *path, struct error *err)
{
	int dir;

	if (make_dirs(path, 0755, err) < 0)
		return error_prefix(err, "--rootfs");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? error_sys(err, ERR_UNAVAILABLE, "--rootfs: cannot open '%s'", path) : dir;
}

/* A tar given as --rootfs, and an image in the layout of OCI (a folder, or a tar of it), is unpacked below the scratch folder, which the
 * journal removes. */
static int prepare_rootfs(struct invocation *v, struct error *err)
{
	const char *given = v->opt.settings.rootfs;
	autoclose int dir = -1, image = -1;
	autofree char *layout = NULL;

	if (!given)
		return 0;
	if (is_folder(given)) {
		v->rootfs = realpath(given, NULL);
		if (!v->rootfs)
			return error_sys(err, ERR_INVALID_INPUT, "--rootfs: cannot find '%s'", given);
	} else {
		v->rootfs = xasprintf("%s/rootfs", scratch_path(&v->scratch));
		dir = make_folder(v->rootfs, err);
		if (dir < 0)
			return -1;
		if (archive_extract(given, dir, &archive_rootfs_limits, err) < 0)
			return error_prefix(err, "--rootfs: unpacking '%s'", given);
	}
	if (oci_layout_is(v->rootfs)) {
		layout = steal_ptr(&v->rootfs);
		v->rootfs = xasprintf("%s/image", scratch_path(&v->scratch));
		image = make_folder(v->rootfs, err);
		if (image < 0)
			return -1;
		if (oci_layout_unpack(layout, image, NULL, err) < 0)
			return error_prefix(err, "--rootfs");
	}
	v->plan->spec.rootfs = v->rootfs;
	return 0;
}

static struct event_sink *make_terminal(struct invocation *v)
{
	const struct common_options *common = &v->opt.settings.common;
	bool text = !strcmp(v->opt.format, "text");
	const char *term = getenv("TERM");
	struct terminal_options t = {
		.progress_fd = -1,
		.verbosity = common->quiet ? -1 : common->verbose,
	};

	if (text && !report_targets_on_stdout(&v->reports))
		t.out = &v->out;
	else if (text || common->verbose)
		t.out = &v->narrative;
	if (!common->quiet && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb"))
		t.progress_fd = STDERR_FILENO;
	t.color = t.out && use_color(common, t.out->fd);
	return sink_terminal_new(&t);
}

static int add_sinks(struct invocation *v, struct events *events, struct error *err)
{
	uint64_t max_bytes = v->plan->spec.limits.output_bytes ? v->plan->spec.limits.output_bytes : UINT64_MAX;

	if (v->turn)
		events_add_take(events, run_turn_sink_new(v->turn, &v->out, &v->ndjson));
	events_add_take(events, make_terminal(v));
	if (!strcmp(v->opt.format, "ndjson")) {
		v->ndjson = sink_ndjson_new(STDOUT_FILENO, v->out.cancel_fd);
		events_add_take(events, v->ndjson);
	}
	if (v->opt.events_fd)
		events_add_take(events, sink_ndjson_new((int)v->opt.events_fd, v->out.cancel_fd));
	events_add_take(events, sink_live_new());
	if (v->opt.save_artifacts && artifacts_open(v->opt.save_artifacts, v->opt.run_id != NULL, &v->artifacts, err) < 0)
		return error_prefix(err, "--save-artifacts");
	if (!v->opt.save_logs)
		return 0;
	if (sink_logs_new(v->opt.save_logs, scratch_path(&v->scratch), max_bytes, &v->logs, err) < 0)
		return error_prefix(err, "--save-logs");
	events_add_take(events, v->logs);
	return 0;
}

static void fill_result(struct invocation *v, struct result *r)
{
	result_init(r);
	snprintf(r->run_id, sizeof(r->run_id), "%s", v->scratch.run_id);
	r->source = v->package.source.name ? v->package.source.name : v->package.shown;
	if (v->package.source.name)
		sha256_hex(v->package.source.bytes.buf, v->package.source.bytes.len, r->package_sha256);
	r->findings = &v->package.findings;
	r->redactor = v->parameters.redactor;
	for (size_t i = 0; i < v->warnings.len; i++)
		strvec_push(&r->warnings, v->warnings.items[i]);
}

static void write_json(struct invocation *v, const json_t *json)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	json_write(json, 2, &text);
	if (!v->of_several)
		strbuf_addch(&text, '\n');
	output_write(&v->out, text.buf, text.len);
}

/* The result in every form that was asked for: on stdout, and for each --report. */
static int write_documents(struct invocation *v, const struct result *r, const json_t *json, int status)
{
	if (!strcmp(v->opt.format, "json")) {
		if (v->lead)
			output_write(&v->out, v->lead, strlen(v->lead));
		write_json(v, json);
	}
	return report_targets_write(&v->reports, r, &v->out, status);
}

/* The run's own scratch folder is gone; packing needs one that goes, too, whatever happens to us. */
static int finish_logs(struct invocation *v, const struct result *r, struct error *err)
{
	bool packs = sink_logs_packs(v->logs);
	struct scratch scratch = SCRATCH_INIT;
	struct error close_err;
	int status;

	if (packs && scratch_open(&scratch, v->opt.settings.common.state_dir, err) < 0)
		return -1;
	status = sink_logs_finish(v->logs, r, scratch_path(&scratch), err);
	if (scratch_close(&scratch, status < 0 ? &close_err : err) < 0)
		status = -1;
	return status;
}

static int write_results(struct invocation *v, const struct result *r)
{
	int status = exit_status_of_result(r);
	json_auto_t *json = result_to_json(r);
	struct error err = { 0 };

	if (v->opt.exit_zero && (status == EXIT_NOT_ACCEPTABLE || status == EXIT_LIMIT || status == EXIT_DEADLINE))
		status = EXIT_OK;
	if (v->ndjson && v->ndjson->error)
		v->out.failed = v->ndjson->error;
	status = write_documents(v, r, json, status);
	if (v->logs && finish_logs(v, r, &err) < 0) {
		int failed = report_error(&err);

		status = status == EXIT_OK ? failed : status;
	}
	status = output_status(&v->out, status);
	if (!v->opt.no_history && run_store_add(v->state_dir, r, json, status, &err) < 0)
		message("warning", "the run is not in the history: %s", err.text);
	return status;
}

/* "none" is the severity that fails nothing. */
static enum sandbox_severity escape_severity(const char *name)
{
	enum sandbox_severity severity = SANDBOX_INFO;

	return severity_from_name(name, &severity) ? severity : SANDBOX_INFO;
}

/* ---- with --keep */

static bool wants_keep(const struct invocation *v)
{
	return v->opt.keep_ns || v->opt.keep_on_failure_ns;
}

static void summarise(const struct invocation *v, const struct result *r, int status, struct run_summary *ret)
{
	const struct wpk *wpk = r->plan ? decision_wpk(r->plan->decision) : NULL;

	*ret = (struct run_summary){ .status = status, .duration_ns = r->duration_ns, .cancelled = r->verdict == RUN_CANCELLED,
				     .kept = result_is_kept(r) };
	snprintf(ret->run_id, sizeof(ret->run_id), "%s", r->run_id);
	snprintf(ret->package, sizeof(ret->package), "%s", wpk && wpk->workflow_id ? wpk->workflow_id : v->opt.wpk);
	snprintf(ret->verdict, sizeof(ret->verdict), "%s", run_verdict_to_string(r->verdict));
}

static void tell_how_to_attach(const struct invocation *v, const struct result *r)
{
	const char *option = v->opt.settings.common.state_dir, *variable = getenv("SANDBOX_RUNNER_STATE_DIR");
	autostrbuf struct strbuf ttl = STRBUF_INIT(STRBUF_NO_MAX);
	uint64_t now = clock_realtime_ns();

	if (option && variable && !strcmp(option, variable))
		option = NULL;
	duration_format(&ttl, r->kept_until_ns > now ? r->kept_until_ns - now : 0);
	message("note", "the sandbox is kept for %s: 'sandbox_runner attach%s%s %.*s' opens a shell in it, 'sandbox_runner stop' ends it", ttl.buf,
		option ? " --state-dir=" : "", option ? option : "", RUN_ID_SHOWN, r->run_id);
}

/* From here on nobody waits for us. */
static void keep(struct invocation *v, struct kept_run *kept, struct result *r, const struct run_summary *summary)
{
	uint64_t now = clock_realtime_ns(), left = r->kept_until_ns > now ? r->kept_until_ns - now : 1;
	struct error err = { 0 };

	front_report(&v->front, summary);
	fault_point("front.reported");
	cancel_free(v->cancel);
	v->cancel = NULL;
	if (cancel_new(clock_deadline(left), &v->cancel, &err) < 0)
		return;		/* then the reaper ends it at once */
	keep_hold(kept, &v->parameters, v->cancel, r);
	if (!v->opt.no_history) {
		json_auto_t *json = result_to_json(r);

		run_store_add(v->state_dir, r, json, summary->status, &err);
	}
}

/* ---- its turn, among packages that overlap */

static int take_turn(struct invocation *v, struct error *err)
{
	return v->turn ? run_turn_take(v->turn, v->cancel, err) : 0;
}

/* false: it has no turn any more, and nothing is told of it. */
static bool come_forward(struct invocation *v)
{
	return !v->turn || run_turn_come_forward(v->turn, &v->out);
}

static int before_steps(void *arg, struct error *err)
{
	return take_turn(arg, err);
}

/* Only what ends with this process is out of the way when its steps are over; other sandboxes are there until they are destroyed. */
static bool overlaps(const struct invocation *v)
{
	const char *rootfs = v->opt.settings.rootfs;

	return !strcmp(v->plan->runtime, "native") && (!rootfs || is_folder(rootfs));
}

static void after_steps(void *arg)
{
	struct invocation *v = arg;

	if (v->turn && overlaps(v))
		run_turn_pass(v->turn, v->cancel);
}

/* The result, as far as anybody is to hear of it. */
static int tell(struct invocation *v, struct result *r, struct reaper *reaper, struct run_summary *ret)
{
	bool refused = !come_forward(v);
	int status = refused ? EXIT_OK : write_results(v, r);

	reaper_dismiss(reaper);
	if (refused)
		return status;
	summarise(v, r, status, ret);
	invocation_notify(v, status, r->duration_ns);
	return status;
}

static int execute(struct invocation *v, struct run_summary *ret, struct error *err)
{
	struct kept_run kept = KEPT_RUN_INIT;
	struct run_options run = {
		.files = v->files, .files_len = v->files_len, .parameters = &v->parameters,
		.require = v->require, .require_all = v->require_all, .cancel = v->cancel,
		.keep = v->opt.keep_ns ? RUN_KEEP_ALWAYS : v->opt.keep_on_failure_ns ? RUN_KEEP_ON_FAILURE : RUN_KEEP_NEVER,
		.keep_ns = v->opt.keep_ns ? v->opt.keep_ns : v->opt.keep_on_failure_ns, .kept = &kept,
		.reaper = wants_keep(v) ? NULL : v->reaper,	/* a keeper needs one for itself */
		.fixtures = &v->opt.settings.objects, .diff = v->opt.diff, .monitor = v->opt.monitor, .escape_severity = escape_severity(v->opt.fail_on_security),
		.before_steps = before_steps, .after_steps = after_steps, .steps_arg = v,
		.meanwhile = v->cleaned ? NULL : clean_after_others, .meanwhile_arg = v,
	};
	struct reaper own = REAPER_INIT;
	struct events events = { .sinks = NULL };
	struct result result;
	int status = -1;

	if (!run.reaper && !wants_keep(v))
		run.reaper = &own;
	if (add_sinks(v, &events, err) == 0) {
		fill_result(v, &result);
		run.artifacts = v->artifacts;
		run_plan(v->plan, scratch_take_journal(&v->scratch), &run, &events, &result);
		reaper_release(&own);
		status = tell(v, &result, &own, ret);
		if (kept.journal) {
			tell_how_to_attach(v, &result);
			keep(v, &kept, &result, ret);
		}
		fault_write_count();
		result_release(&result);
	}
	events_release(&events);
	return status;
}

/* What did not come to a run still is a result, in the same form: for --format and for every --report. */
static int write_no_run(struct invocation *v, const struct error *err, char *reason, int status)
{
	struct events events = { .sinks = NULL };
	json_auto_t *json = NULL;
	struct result r;
	struct event verdict = { .type = EVENT_VERDICT, .result = &r };

	fill_result(v, &r);
	r.verdict = RUN_ERROR;
	r.verdict_reason = reason;
	r.error = *err;
	r.decision = v->package.decision;
	r.cleanup_complete = !v->left;
	r.started_ns = r.ended_ns = clock_realtime_ns();
	if (!strcmp(v->opt.format, "ndjson"))
		events_add_take(&events, sink_ndjson_new(STDOUT_FILENO, -1));
	if (v->hooks_checked && v->opt.events_fd)
		events_add_take(&events, sink_ndjson_new((int)v->opt.events_fd, -1));
	if (events.sinks)
		event_emit(&events, &verdict);
	events_release(&events);
	json = result_to_json(&r);
	status = write_documents(v, &r, json, status);
	if (v->hooks_checked)
		invocation_notify(v, status, 0);
	result_release(&r);
	return output_status(&v->out, status);
}

static int fail(struct invocation *v, const struct error *err)
{
	int status = report_error(err);

	if (status == EXIT_USAGE && !v->of_several) {
		message("hint", "see 'sandbox_runner run --help'");
		return status;
	}
	return write_no_run(v, err, xasprintf("there was no run: %s", err->text), status);
}

void invocation_skip(struct invocation *v, const char *why)
{
	struct error err;

	error_set(&err, ERR_CANCELLED, "%s", why);
	v->package.shown = xstrdup(v->opt.wpk);
	write_no_run(v, &err, xasprintf("not run: %s", why), EXIT_OK);
}

static void summarise_failure(const struct invocation *v, int status, struct run_summary *ret)
{
	*ret = (struct run_summary){ .status = status, .verdict = "no run" };
	snprintf(ret->package, sizeof(ret->package), "%s", v->opt.wpk);
}

#define REAPER_PATIENCE_MS 60000

/* Its steps end with it, and the reaper makes sure of that before it lets go of the journal. */
static void clean_after_lost(struct invocation *v)
{
	struct error err;
	autofree char *folder = NULL;

	v->state_dir = journal_state_dir(v->opt.settings.common.state_dir, &err);
	if (!v->state_dir || !v->scratch.run_id[0])
		return;
	for (int ms = 0; ms < REAPER_PATIENCE_MS && live_run_is(v->state_dir, v->scratch.run_id); ms += 10)
		poll(NULL, 0, 10);
	clean_after_others(v, &v->warnings);
	folder = xasprintf("%s/runs/%s", v->state_dir, v->scratch.run_id);
	v->left = access(folder, F_OK) == 0;
}

void invocation_lost(struct invocation *v, int died, struct run_summary *ret)
{
	const struct run_worker *worker = &v->turn->queue->workers[v->turn->index % RUN_WORKERS];
	int status = WIFSIGNALED(died) ? EXIT_SIGNAL_BASE + WTERMSIG(died) : EXIT_BUG;
	struct error err;

	memcpy(v->scratch.run_id, worker->run_id, RUN_ID_SIZE);
	v->package.shown = xstrdup(v->opt.wpk);
	clean_after_lost(v);
	if (WIFSIGNALED(died))
		error_set(&err, ERR_INTERNAL, "its process was killed by signal %d", WTERMSIG(died));
	else
		error_set(&err, ERR_INTERNAL, "its process ended with status %d", WEXITSTATUS(died));
	message("error", "the run of '%s' was lost: %s", v->opt.wpk, err.text);
	come_forward(v);
	summarise_failure(v, write_no_run(v, &err, xasprintf("the run was lost: %s", err.text), status), ret);
	snprintf(ret->verdict, sizeof(ret->verdict), "lost");
	memcpy(ret->run_id, v->scratch.run_id, RUN_ID_SIZE);
	ret->duration_ns = clock_monotonic_ns() - worker->started_ns;
}

static int watch_signals(struct invocation *v, uint64_t deadline_ns, struct error *err)
{
	if (cancel_new(deadline_ns, &v->cancel, err) < 0)
		return -1;
	v->out.cancel_fd = v->narrative.cancel_fd = cancel_fd(v->cancel);
	return 0;
}

/* Download and unpack: this can take long, so any signal may still end us, and a reaper cleans up then. */
static int unpack(struct invocation *v, bool package, struct error *err)
{
	sigset_t blocked;
	int rc;

	if (v->unblocked)
		sigprocmask(SIG_SETMASK, v->unblocked, &blocked);
	rc = scratch_guard(&v->scratch, err) < 0 || (package && open_package(v, err) < 0) ? -1 : prepare_rootfs(v, err);
	if (v->unblocked)
		sigprocmask(SIG_SETMASK, &blocked, NULL);
	return rc;
}

/* What is made before the run: the journal with its folder, and in it what has to be unpacked. Signals are blocked before the journal,
 * or when all is unpacked, and read by run_plan()'s loop. */
static int prepare(struct invocation *v, bool packed, struct error *err)
{
	const char *state_option = v->opt.settings.common.state_dir, *rootfs = v->opt.settings.rootfs;
	const struct profile *profile = profile_find(v->opt.settings.profile);
	uint64_t deadline_ns = clock_deadline(v->opt.timeout_ns ? v->opt.timeout_ns : profile->timeout_ns);
	bool slow = packed || (rootfs && !is_folder(rootfs));

	v->state_dir = journal_state_dir(state_option, err);
	if (!v->state_dir)
		return -1;
	if (v->opt.run_id)
		v->cleaned = true;	/* who names runs looks after what they leave */
	if (!v->cleaned && (packed || !comes_up_in_no_time(v))) {
		clean_after_others(v, &v->warnings);
		v->cleaned = true;
	}
	if (slow)
		return scratch_open(&v->scratch, state_option, err) < 0 || unpack(v, packed, err) < 0 ? -1 : watch_signals(v, deadline_ns, err);
	if (watch_signals(v, deadline_ns, err) < 0 || prepare_rootfs(v, err) < 0)
		return -1;
	return scratch_open(&v->scratch, state_option, err);
}

/* The package is open, or has to be unpacked first. */
static int carry_out(struct invocation *v, bool packed, struct run_summary *ret, struct error *err)
{
	if (!packed && !overlaps(v) && take_turn(v, err) < 0)
		return -1;
	if (v->turn) {
		if (!v->scratch.run_id[0])
			run_id_make(v->scratch.run_id);
		run_turn_named(v->turn, v->scratch.run_id);
	}
	if (prepare(v, packed, err) < 0)
		return -1;
	if (v->package.source.dir)
		v->files[v->files_len++] = (struct run_file){
			.source = xstrdup(v->package.source.dir), .dest = xstrdup(""), .except = v->package.source.package_file,
		};
	return execute(v, ret, err);
}

int invocation_run(struct invocation *v, struct run_summary *ret)
{
	bool packed = package_needs_scratch(v->opt.wpk);
	struct error err = { 0 };
	int status = -1, ready;

	/* fetching and unpacking can be ended by any signal, so it is not done beforehand */
	ready = (packed ? take_turn(v, &err) : 0) == 0 && invocation_check(v, &err) == 0 && (packed || open_package(v, &err) == 0) ? 0 : -1;
	if (ready == 0 && wants_keep(v))
		ready = front_start(&v->front, ret, &err);
	if (ready > 0)
		return ret->status;
	if (ready == 0)
		status = carry_out(v, packed, ret, &err);
	if (status < 0 && come_forward(v)) {
		status = fail(v, &err);
		summarise_failure(v, status, ret);
	}
	if (scratch_close(&v->scratch, &err) < 0)
		status = ret->status = report_error(&err);
	if (v->front.report_fd >= 0)
		front_report(&v->front, ret);
	return status;
}

void invocation_release(struct invocation *v)
{
	for (size_t i = 0; i < v->files_len; i++) {
		free((char *)v->files[i].source);
		free((char *)v->files[i].dest);
	}
	free(v->files);
	artifacts_close(v->artifacts);
	free(v->rootfs);
	free(v->state_dir);
	report_targets_release(&v->reports);
	plan_free(v->plan);
	package_release(&v->package);
	scan_judge_close(&v->judge);
	parameters_release(&v->parameters);
	strvec_release(&v->warnings);
	strvec_release(&v->opt.packages);
	strvec_release(&v->opt.files);
	strvec_release(&v->opt.require);
	strvec_release(&v->opt.report);
	scan_options_release(&v->opt.scan);
	settings_release(&v->opt.settings);
	cancel_free(v->cancel);
}
