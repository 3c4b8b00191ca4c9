/* SPDX-License-Identifier: Apache-2.0
 * fixture: a hand-made package, plan and result, from a table of steps. For the tests of result, report, event and logs. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/result.h"

#define FIXTURE_STEPS 8
#define FIXTURE_RUN_ID "r-aaaaaaaaaaaaaaaaaaaaaaaaaa"

struct row {			/* one step */
	const char *name;	/* NULL ends the table */
	enum wpk_step_kind kind;
	enum step_mode mode;
	enum step_status status;
	const char *reason, *limit;
	enum step_phase phase;
	const char *out, *err;
	struct sandbox_exit exit;
};

struct fixture {
	struct wpk wpk;
	struct wpk_handler handlers[FIXTURE_STEPS];
	struct wpk_step wpk_steps[FIXTURE_STEPS];
	struct node handler_nodes[FIXTURE_STEPS];
	struct finding_list findings;
	struct decision *decision;
	struct plan plan;
	struct plan_step plan_steps[FIXTURE_STEPS];
	struct profile profile;
	struct result result;
};

static inline void fixture_capture(struct captured *c, const char *text)
{
	c->text = xstrdup(text ? text : "");
	c->len = c->total_bytes = strlen(c->text);
}

/* What every step that ran was seen to do; the first of them tries the network and does what it should not, at medium severity. */
static inline struct observation *fixture_observation(bool curious)
{
	const uint64_t start = UINT64_C(1795234170) * NS_PER_SEC;
	const struct sandbox_event events[] = {
		{ .kind = SANDBOX_EVENT_EXEC, .allowed = true, .time_ns = start + NS_PER_MS, .pid = 2, .parent = 1, .count = 1,
		  .program = "sh", .subject = "/bin/sh", .detail = "sh -c 'sha256sum -c SUMS'" },
		{ .kind = SANDBOX_EVENT_EXIT, .allowed = true, .time_ns = start + 3 * NS_PER_MS, .pid = 2, .count = 1, .program = "sh",
		  .subject = "", .detail = "" },
		{ .kind = SANDBOX_EVENT_CONNECT, .time_ns = start + 2 * NS_PER_MS, .pid = 3, .count = 1, .value = 101, .program = "curl",
		  .subject = "192.0.2.1:443", .detail = "tcp" },
		{ .kind = SANDBOX_EVENT_CONNECT, .time_ns = start + 2 * NS_PER_MS, .pid = 3, .count = 2, .value = 101, .program = "curl",
		  .subject = "192.0.2.1:443", .detail = "tcp" },
		{ .kind = SANDBOX_EVENT_WRITE, .severity = SANDBOX_MEDIUM, .time_ns = start + 2 * NS_PER_MS, .pid = 3, .count = 1, .value = 30,
		  .program = "tee", .subject = "/etc/motd", .detail = "open" },
	};
	struct observation *o = observation_new(true);

	o->started_ns = start;
	for (size_t i = 0; i < (curious ? sizeof(events) / sizeof(events[0]) : 2); i++)
		observation_add(o, &events[i]);
	usage_series_begin(&o->usage, &(struct sandbox_usage){ .known = USAGE_CPU | USAGE_MEMORY }, 0);
	for (uint64_t i = 1; i <= 4; i++)
		usage_series_add(&o->usage, &(struct sandbox_usage){ .known = USAGE_CPU | USAGE_MEMORY, .cpu_ns = i * i * 25 * NS_PER_MS,
								     .memory_bytes = i << 20 }, i * 250 * NS_PER_MS);
	usage_series_end(&o->usage);
	return o;
}

static inline void fixture_step(struct fixture *f, size_t i, const struct row *row, unsigned int number)
{
	struct step_result *step = &f->result.steps[i];
	bool ran = row->status != STEP_NOT_EXECUTED;

	f->handler_nodes[i] = (struct node){ .kind = NODE_MAPPING, .start = { .line = 10 * (uint32_t)(i + 1), .column = 7 } };
	f->wpk_steps[i] = (struct wpk_step){ .kind = row->kind, .name = row->name,
					     .path = xasprintf("spec.%s[%u]", row->phase == PHASE_MAIN ? "handlers" : "rollback.handlers",
							       number - 1) };
	f->handlers[i] = (struct wpk_handler){ .name = row->name, .node = &f->handler_nodes[i], .timeout_ns = 30 * NS_PER_SEC,
					       .retry = { .max_attempts = 1 }, .steps = &f->wpk_steps[i], .steps_len = 1 };
	f->plan_steps[i] = (struct plan_step){ .number = number, .phase = row->phase, .handler = &f->handlers[i], .step = &f->wpk_steps[i],
					       .mode = row->mode, .where = "container (native)", .title = xstrdup(row->name),
					       .summary = xstrdup("sha256sum -c SUMS") };
	step->plan = &f->plan_steps[i];
	step->mode = row->mode;
	step->status = row->status;
	step->reason = xstrdup_or_null(row->reason);
	step->limit = row->limit;
	step->attempts = ran;
	step->exit = row->exit;
	step->duration_ns = ran ? 400 * NS_PER_MS : 0;
	if (ran && !step->exit.duration_ns) {
		step->exit.duration_ns = 390 * NS_PER_MS;
		step->exit.cpu_ns = 39 * NS_PER_MS;
		step->exit.memory_peak_bytes = 3 << 20;
		step->exit.pids_peak = 2;
	}
	if (ran)
		step->observation = fixture_observation(i == 0);
	for (int k = 0; ran && k < 2; k++)
		fixture_capture(&step->out[k], k == SANDBOX_STDOUT ? row->out : row->err);
}

static inline void fixture_sandbox(struct result *r)
{
	control_set(&r->controls, CONTROL_MEMORY, CONTROL_ENFORCED, "512Mi", "cgroup v1 memory.limit_in_bytes", "%s", "");
	control_set(&r->controls, CONTROL_STORAGE, CONTROL_DEGRADED, "1Gi", "tmpfs size", "%s", "counts as memory; give a loop image");
	control_set(&r->controls, CONTROL_SECCOMP, CONTROL_ENFORCED, "allow-list", "seccomp (libseccomp)", "%s", "");
	cleanup_add(&r->cleanup, "cgroup", "/sys/fs/cgroup/pids/sandbox_runner/" FIXTURE_RUN_ID, true, "ENOENT");
	cleanup_add(&r->cleanup, "directory", "/state/runs/" FIXTURE_RUN_ID, true, "ENOENT");
	r->cleanup_complete = true;
}

/* A run that was set up and cleaned up as it should be; tests change what they are about, then call result_decide(). */
static inline void fixture_init(struct fixture *f, const struct row *rows)
{
	unsigned int numbers[2] = { 0, 0 };
	struct result *r = &f->result;
	size_t n = 0;

	memset(f, 0, sizeof(*f));
	finding_list_init(&f->findings, "demo.wpk.yaml");
	while (rows[n].name)
		n++;
	f->wpk = (struct wpk){ .name = "demo", .version = "1.2.0", .workflow_id = (char *)"demo-1.2.0", .runtime = WPK_RUNTIME_SHELL,
			       .requirements = { .cpu_millis = 500, .memory_bytes = 256 << 20 }, .safety_mode = WPK_SAFETY_AUTO,
			       .rollback_declared_enabled = true };
	assert_int_equal(policy_decide(NULL, &f->wpk, &f->findings, &f->decision, NULL), 0);
	f->profile = (struct profile){ .name = "default" };
	f->plan = (struct plan){ .decision = f->decision, .profile = &f->profile, .type = "container", .runtime = "native",
				 .where = (char *)"container (native)", .chosen_because = (char *)"it needs nothing",
				 .steps = f->plan_steps, .steps_len = n,
				 .spec.limits = { .memory_bytes = 512 << 20, .pids = 100, .storage_bytes = UINT64_C(1) << 30 } };
	result_init(r);
	snprintf(r->run_id, sizeof(r->run_id), "%s", FIXTURE_RUN_ID);
	r->plan = &f->plan;
	r->source = "demo.wpk.yaml";
	memset(r->package_sha256, 'a', 64);
	r->started_ns = UINT64_C(1795234170) * NS_PER_SEC;
	r->ended_ns = r->started_ns + 600 * NS_PER_MS;
	r->duration_ns = 550 * NS_PER_MS;
	r->setup_ns = 20 * NS_PER_MS;
	r->cleanup_ns = 5 * NS_PER_MS;
	r->findings = &f->findings;
	r->steps = xcalloc(n ? n : 1, sizeof(*r->steps));
	r->steps_len = n;
	for (size_t i = 0; i < n; i++)
		fixture_step(f, i, &rows[i], ++numbers[rows[i].phase]);
	for (size_t i = 0; i < n; i++)
		f->wpk.rollback.len += rows[i].phase == PHASE_ROLLBACK;
	fixture_sandbox(r);
}

static inline void fixture_release(struct fixture *f)
{
	for (size_t i = 0; i < f->plan.steps_len; i++) {
		free(f->wpk_steps[i].path);
		free(f->plan_steps[i].title);
		free(f->plan_steps[i].summary);
	}
	result_release(&f->result);
	decision_free(f->decision);
	finding_list_release(&f->findings);
}

/* Compare with a golden file below tests/unit/runner; UPDATE_GOLDEN=1 writes it anew. The version of the program is not part of it. */
static inline void assert_golden(const char *name, const char *got)
{
	autofree char *path = xasprintf("tests/unit/runner/golden/%s", name);
	autostrbuf struct strbuf want = STRBUF_INIT(1 << 20);
	autostrbuf struct strbuf plain = STRBUF_INIT(STRBUF_NO_MAX);
	const char *at;

	while ((at = strstr(got, SANDBOX_RUNNER_VERSION))) {
		strbuf_add(&plain, got, (size_t)(at - got));
		strbuf_addstr(&plain, "VERSION");
		got = at + strlen(SANDBOX_RUNNER_VERSION);
	}
	strbuf_addstr(&plain, got);
	if (getenv("UPDATE_GOLDEN"))
		assert_int_equal(file_write_atomic(path, plain.buf, plain.len, 0644, NULL), 0);
	assert_int_equal(file_read(path, &want, NULL), 0);
	assert_string_equal(plain.buf, want.buf);
}
