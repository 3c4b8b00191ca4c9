/* SPDX-License-Identifier: Apache-2.0
 * Names, labels, their words and bounds of histograms: all that there is to be counted. */
#include "cmd/serve/metrics_private.h"

#include "runner/base/clock.h"

#define MS(n) ((n) * NS_PER_MS)
#define S(n) ((n) * NS_PER_SEC)
#define MIB(n) ((uint64_t)(n) << 20)

static const uint64_t run_seconds[] = { MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), S(1), MS(2500), S(5), S(10), S(30), S(60), S(120), S(300), S(600), S(1800), S(3600), 0 };
static const uint64_t provision_seconds[] = { MS(5), MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), S(1), MS(2500), S(5), S(10), S(30), S(60), S(120), S(300), 0 };
static const uint64_t http_seconds[] = { MS(1), NS_PER_MS * 5 / 2, MS(5), MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), S(1), MS(2500), S(5), S(10), S(30), 0 };
static const uint64_t memory_bytes[] = { MIB(1), MIB(4), MIB(16), MIB(64), MIB(128), MIB(256), MIB(512), MIB(1024), MIB(2048), MIB(4096), MIB(8192), MIB(16384), 0 };

static const char *const sandboxes[] = { "container", "kind", "kubernetes", "vm", NULL };
/* words of result.json, then those of runs that have none */
static const char *const verdicts[] = { "verified", "partial", "nothing_executed", "failed", "limit", "deadline", "cancelled", "error",
					"refused", "invalid", "interrupted", NULL };
static const char *const errors[] = { "usage", "invalid_input", "permission_denied", "unavailable", "cleanup_incomplete", "resource_exhausted",
				      "remote_refused", "deadline_exceeded", "cancelled", "internal", "step_failed", "security", "limit", "interrupted", NULL };
static const char *const step_types[] = { "shell", "k8s", "api", "container", "kubernetes", NULL };
static const char *const step_statuses[] = { "passed", "failed", "timed_out", "limit", "cancelled", "not_executed", NULL };
static const char *const severities[] = { "info", "low", "medium", "high", "critical", NULL };
static const char *const decisions[] = { "approve", "review", "block", NULL };
static const char *const cleanups[] = { "complete", "incomplete", NULL };
static const char *const signals[] = { "connect", "send", "forward", "dns", "call", "write", "outlived", "limit", NULL };
static const char *const limits[] = { "memory", "pids", "storage", "output", "cpu_time", "fsize", "max_pods", "max_replicas", "max_jobs",
				      "max_secrets", "max_namespaces", "max_storage", "max_retries", NULL };
static const char *const languages[] = { "python", "nodejs", "go", "bash", NULL };
static const char *const exec_statuses[] = { "completed", "failed", "timed_out", "limit", "cancelled", "error", NULL };
static const char *const temperatures[] = { "warm", "cold", NULL };
static const char *const pool_states[] = { "warm", "starting", "busy", NULL };
static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL };
static const char *const statuses[] = { "completed", "failed", "rolled_back", NULL };

#define COUNTER .type = METRIC_COUNTER
#define GAUGE .type = METRIC_GAUGE
#define HISTOGRAM(b, u) .type = METRIC_HISTOGRAM, .buckets = (b), .unit = (u)
#define SEEDED .seeded = true
#define LABEL(name, table) .labels = { name }, .words = { table }
#define LABELS(n1, t1, n2, t2) .labels = { n1, n2 }, .words = { t1, t2 }

const struct metric_family metric_families[METRICS] = {
	[M_RUNS] = { "sandbox_runner_runs", "Runs that have ended, by where they ran and how they ended.", COUNTER,
		     LABELS("sandbox", sandboxes, "verdict", verdicts) },
	[M_RUN_DURATION] = { "sandbox_runner_run_duration_seconds", "From the start of a run to its end.",
			     HISTOGRAM(run_seconds, UNIT_SECONDS), LABEL("sandbox", sandboxes) },
	[M_PROVISION_DURATION] = { "sandbox_runner_provision_duration_seconds", "Making the sandbox of a run.",
				   HISTOGRAM(provision_seconds, UNIT_SECONDS), LABEL("sandbox", sandboxes) },
	[M_CLEANUP_DURATION] = { "sandbox_runner_cleanup_duration_seconds", "Destroying the sandbox of a run and proving that it is gone.",
				 HISTOGRAM(provision_seconds, UNIT_SECONDS), LABEL("sandbox", sandboxes) },
	[M_RUN_MEMORY_PEAK] = { "sandbox_runner_run_memory_peak_bytes", "Highest memory of the steps of a run.",
				HISTOGRAM(memory_bytes, UNIT_BYTES), LABEL("sandbox", sandboxes) },
	[M_RUN_CPU] = { "sandbox_runner_run_cpu_seconds", "Processor time of the steps of runs.", COUNTER, .unit = UNIT_SECONDS, LABEL("sandbox", sandboxes) },
	[M_ERRORS] = { "sandbox_runner_errors", "Runs that did not end well, by what went wrong.", COUNTER, LABEL("kind", errors), SEEDED },
	[M_STEPS] = { "sandbox_runner_steps", "Steps of runs, by what they are and how they ended.", COUNTER,
		      LABELS("type", step_types, "status", step_statuses) },
	[M_FINDINGS] = { "sandbox_runner_findings", "Findings of the scanner in packages that were run, suppressed ones excepted.", COUNTER,
			 LABEL("severity", severities), SEEDED },
	[M_DECISIONS] = { "sandbox_runner_policy_decisions", "What the policy made of packages that were to be run.", COUNTER,
			  LABEL("decision", decisions), SEEDED },
	[M_CLEANUP] = { "sandbox_runner_cleanup", "Clean-ups after runs: complete means proven to be.", COUNTER, LABEL("result", cleanups), SEEDED },
	[M_LEAKED] = { "sandbox_runner_leaked_resources", "Things made for runs that are known to be still there after the clean-up.", GAUGE },
	[M_ACTIVE] = { "sandbox_runner_active_runs", "Runs that are running.", GAUGE },
	[M_QUEUE] = { "sandbox_runner_queue_depth", "Runs that wait for their turn.", GAUGE },
	[M_QUEUE_CAPACITY] = { "sandbox_runner_queue_capacity", "Runs that may wait.", GAUGE },
	[M_DENIALS] = { "sandbox_runner_network_denials", "Connections, datagrams and names that steps asked for and the sandbox refused.", COUNTER,
			SEEDED },
	[M_ESCAPES] = { "sandbox_runner_escape_signals", "Attempts of steps that smell of an escape (severity high or critical), all refused.",
			COUNTER, LABEL("kind", signals), SEEDED },
	[M_LIMITS] = { "sandbox_runner_limit_hits", "Steps that were ended or spoiled by a limit.", COUNTER, LABEL("resource", limits), SEEDED },
	[M_EXEC] = { "sandbox_runner_exec", "Pieces of code that were run at once, by language and how they ended.", COUNTER,
		     LABELS("language", languages, "status", exec_statuses) },
	[M_EXEC_DURATION] = { "sandbox_runner_exec_duration_seconds", "From the order to run a piece of code to its answer.",
			      HISTOGRAM(http_seconds, UNIT_SECONDS), LABEL("sandbox", temperatures), SEEDED },
	[M_EXEC_POOL] = { "sandbox_runner_exec_pool_sandboxes", "Sandboxes for pieces of code, by what they do.", GAUGE,
			  LABEL("state", pool_states), SEEDED },
	[M_HTTP] = { "sandbox_runner_http_requests", "Requests answered.", COUNTER,
		     .labels = { "method", "route", "code" }, .words = { methods, NULL, NULL } },
	[M_HTTP_DURATION] = { "sandbox_runner_http_request_duration_seconds", "From the head of a request to its answer.",
			      HISTOGRAM(http_seconds, UNIT_SECONDS), LABEL("route", NULL) },
	[M_CONNECTIONS] = { "sandbox_runner_http_connections", "Connections that are open.", GAUGE },
	[M_STREAMS] = { "sandbox_runner_event_streams", "Event streams that are open.", GAUGE },
	[M_DRAINING] = { "sandbox_runner_draining", "1 while the service is ending and takes nothing more.", GAUGE },
	[M_BUILD] = { "sandbox_runner_build", "Which build this is.", .type = METRIC_INFO, .labels = { "version", "revision" } },
	[M_PROCESS_CPU] = { "process_cpu_seconds", "User and system time of the service process.", COUNTER, .unit = UNIT_SECONDS },
	[M_PROCESS_RESIDENT] = { "process_resident_memory_bytes", "Resident memory of the service process.", GAUGE, .unit = UNIT_BYTES },
	[M_PROCESS_FDS] = { "process_open_fds", "Open file descriptors of the service process.", GAUGE },
	[M_PROCESS_MAX_FDS] = { "process_max_fds", "How many file descriptors the service process may have.", GAUGE },
	[M_PROCESS_START] = { "process_start_time_seconds", "When the service process began, in seconds since 1970.", GAUGE, .unit = UNIT_SECONDS },
	[M_WF_RUNS] = { "workflow_runs", "Runs of a workflow, as the runtime agent counts them.", COUNTER,
			LABELS("workflow_name", NULL, "status", statuses) },
	[M_WF_SUCCESS] = { "workflow_success", "Runs of a workflow that completed.", COUNTER, LABEL("workflow_name", NULL) },
	[M_WF_FAILURE] = { "workflow_failure", "Runs of a workflow that failed.", COUNTER,
			   LABELS("workflow_name", NULL, "error_type", errors) },
	[M_WF_DURATION] = { "workflow_duration_seconds", "From the start of a workflow's run to its end.",
			    HISTOGRAM(run_seconds, UNIT_SECONDS), LABEL("workflow_name", NULL) },
	[M_WF_ACTIVE] = { "active_workflows", "Runs that are running.", GAUGE },
};
