/* SPDX-License-Identifier: Apache-2.0
 * A command as a Job, from start to end:
 *
 *	Secret (files, variables) > Job > pod waits > container runs: its output is followed > container ended > all of it deleted, seen to be gone
 *
 * A container has one stream of output here: what the command writes to either comes as standard output. The work folder is new for each
 * command, with the files that were given. */
#include "sandboxes/kube_place.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/exec_watch.h"

#define START_NS (600 * NS_PER_SEC)	/* pulling a large image takes long; what will not be is noticed earlier */
#define OBSTACLE_NS (15 * NS_PER_SEC)	/* for what may pass: a node has no room, or is slow */
#define POD_NS (3 * NS_PER_SEC)		/* for the controller to make the pod, before we ask what keeps it */
#define END_NS (60 * NS_PER_SEC)	/* for a node to tell how a container ended */
#define GONE_NS (60 * NS_PER_SEC)
#define NOT_STARTED 125			/* the status that container engines have for it */

struct job {
	struct kube_sandbox *ks;
	const struct sandbox_command *cmd;
	struct sandbox_exit *exit;
	struct exec_watch watch;
	char name[48];			/* of Job and Secret */
	struct kube_pod_state pod;
	bool seen;			/* the pod was */
	uint64_t began_ns, obstacle_ns, beat_ns;
	uint64_t read_bytes, skip_bytes;	/* of the log; what was delivered before the stream broke */
	bool cancelled, asked, given_up;
	char problem[512];		/* why it never started; "" */
};

/* ---- files */

int kube_put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	struct kube_sandbox *ks = (struct kube_sandbox *)sb;
	struct kube_file f = { .kind = file->kind, .mode = file->mode, .content = STRBUF_INIT(KUBE_FILES_MAX) };

	if (file->kind == SANDBOX_FILE && (file_read_fd(file->fd, file->path, &f.content, err) < 0 ||
					   ks->files_bytes + f.content.len > KUBE_FILES_MAX)) {
		strbuf_release(&f.content);
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "a cluster takes at most %u bytes of files for a command", KUBE_FILES_MAX);
	}
	f.path = xstrdup(file->path);
	f.target = file->kind == SANDBOX_SYMLINK ? xstrdup(file->target) : NULL;
	ks->files_bytes += f.content.len;
	ARRAY_GROW(ks->files, ks->files_len, ks->files_alloc);
	ks->files[ks->files_len++] = f;
	return 0;
}

/* ---- objects */

static char *path_of(const struct job *j, const char *api, const char *plural, const char *name)
{
	return xasprintf("%s/namespaces/%s/%s%s%s", api, j->ks->namespace, plural, *name ? "/" : "", name);
}

static void delete(struct job *j, const char *api, const char *plural, const char *name, const char *how, int grace)
{
	autofree char *path = path_of(j, api, plural, name);
	json_auto_t *options = kube_manifest("{'kind':'DeleteOptions','apiVersion':'v1','propagationPolicy':'%s'}", how);
	const struct kube_call call = { .method = "DELETE", .target = path, .body = options, .timeout_ns = 10 * NS_PER_SEC };

	if (grace >= 0)
		json_put_int(options, "gracePeriodSeconds", grace);
	kube_call(j->ks->kube, &call, NULL, NULL);	/* whether it helped is looked at */
}

static json_t *job_object(const struct job *j, const struct kube_pod_plan *plan)
{
	const uint64_t run_ns = j->cmd->timeout_ns ? j->cmd->timeout_ns + j->cmd->grace_ns + START_NS : 24 * 3600 * NS_PER_SEC;
	json_t *job = kube_manifest("{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'%s','labels':{'" SANDBOX_LABEL_RUN "':'%s','"
				    KUBE_LABEL_MANAGED "':'" KUBE_MANAGER "'}},'spec':{'backoffLimit':0,'completions':1,'parallelism':1,"
				    "'activeDeadlineSeconds':%llu,'ttlSecondsAfterFinished':600,'template':{'metadata':{'labels':{'"
				    SANDBOX_LABEL_RUN "':'%s','" KUBE_LABEL_MANAGED "':'" KUBE_MANAGER "'}}}}}", j->name, j->ks->base.ref.id,
				    (unsigned long long)(run_ns / NS_PER_SEC + 1), j->ks->base.ref.id);

	json_put(json_object_get(json_object_get(job, "spec"), "template"), "spec", kube_pod_spec(j->ks, plan));
	return job;
}

static int start(struct job *j, struct error *err)
{
	const char *image = j->cmd->image ? j->cmd->image : j->ks->image;
	struct kube_pod_plan plan = {
		.image = image, .cmd = j->cmd, .secret = j->name, .files = j->ks->files_len > 0,
		.grace_seconds = (j->cmd->grace_ns + NS_PER_SEC - 1) / NS_PER_SEC,
	};
	autofree char *secrets = path_of(j, "/api/v1", "secrets", ""), *jobs = path_of(j, "/apis/batch/v1", "jobs", "");
	json_t *secret;

	if (kube_pod_size(j->ks, &plan, err) < 0)
		return -1;
	secret = kube_pod_secret(j->ks, &plan, err);
	if (!secret || kube_post(j->ks, secrets, secret, NULL, err) < 0)
		return -1;
	return kube_post(j->ks, jobs, job_object(j, &plan), NULL, err);
}

/* ---- until it runs */

static bool is_cancelled(struct job *j)
{
	struct pollfd p = { .fd = j->cancelled ? -1 : j->cmd->cancel_fd, .events = POLLIN };

	if (p.fd >= 0 && poll(&p, 1, 0) > 0)
		j->cancelled = true;
	return j->cancelled;
}

static void beat(struct job *j)
{
	const uint64_t now = clock_monotonic_ns();

	if (!j->cmd->output || now < j->beat_ns)
		return;
	j->beat_ns = now + SANDBOX_HEARTBEAT_NS;
	j->cmd->output(j->cmd->output_arg, SANDBOX_STDOUT, NULL, 0);
}

struct complaint {
	char *text;
	size_t size;
};

static bool take_complaint(void *arg, json_t *event, bool restarted)
{
	struct complaint *c = arg;
	const char *reason = json_string_value(json_object_get(event, "reason")), *text = json_string_value(json_object_get(event, "message"));

	(void)restarted;
	if (reason && text && !strcmp(reason, "FailedCreate"))
		snprintf(c->text, c->size, "the cluster does not make the pod: %.400s", text);
	return true;
}

/* No pod comes: the controller says why as an event of the Job, "exceeded quota: …". */
static void ask_why_no_pod(struct job *j)
{
	static const struct kube_type events = { .group = "", .version = "v1", .kind = "Event", .plural = "events", .singular = "event",
						 .api_version = "v1", .namespaced = true };
	autofree char *fields = xasprintf("involvedObject.kind=Job,involvedObject.name=%s", j->name);
	const struct kube_target target = { .type = &events, .namespace = j->ks->namespace };
	const struct kube_selection which = { .fields = fields };
	struct complaint c = { .text = j->problem, .size = sizeof(j->problem) };

	kube_list(j->ks->kube, &target, &which, take_complaint, &c, NULL, NULL);
}

/* True: go on waiting. */
static bool judge_waiting(struct job *j)
{
	const uint64_t now = clock_monotonic_ns();

	beat(j);
	if (is_cancelled(j) || j->pod.started || j->pod.ended)
		return false;
	if (!j->seen && now - j->began_ns > POD_NS)
		ask_why_no_pod(j);
	if (j->pod.may_pass && !j->obstacle_ns)
		j->obstacle_ns = now;
	if (j->pod.stuck || (j->pod.may_pass && now - j->obstacle_ns > OBSTACLE_NS))
		snprintf(j->problem, sizeof(j->problem), "%s", j->pod.message);
	return !*j->problem;
}

static bool on_waiting(void *arg, const char *type, json_t *object)
{
	struct job *j = arg;

	if (type && object && (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))) {
		kube_pod_state(object, &j->pod);
		j->seen = true;
		if (!j->pod.may_pass)
			j->obstacle_ns = 0;
	}
	return judge_waiting(j);
}

static const struct kube_type pods = { .group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod", .api_version = "v1",
				       .namespaced = true };

static int wait_for_start(struct job *j, struct error *err)
{
	autofree char *labels = xasprintf("job-name=%s", j->name);
	const struct kube_target target = { .type = &pods, .namespace = j->ks->namespace };
	const struct kube_selection which = { .labels = labels };
	struct error why = { .code = ERR_OK };

	if (kube_watch(j->ks->logs, &target, &which, START_NS, on_waiting, j, &why) == 0)
		return 0;
	if (why.code == ERR_DEADLINE_EXCEEDED) {
		snprintf(j->problem, sizeof(j->problem), "the pod did not start within %d s%s%.300s", (int)(START_NS / NS_PER_SEC),
			 *j->pod.message ? ": " : "", j->pod.message);
		return 0;
	}
	return error_set(err, why.code, "%s", why.text);
}

/* ---- while it runs */

static void ask_to_end(void *arg)
{
	struct job *j = arg;

	j->asked = true;
	delete(j, "/apis/batch/v1", "jobs", j->name, "Foreground", -1);
	delete(j, "/api/v1", "pods", j->pod.name, "Background", (int)((j->cmd->grace_ns + NS_PER_SEC - 1) / NS_PER_SEC));
}

/* A node kills at once when it is given a second; none would take the pod out of sight with its processes running. */
static void kill_it(void *arg)
{
	struct job *j = arg;

	if (!j->asked)
		delete(j, "/apis/batch/v1", "jobs", j->name, "Foreground", -1);
	j->asked = true;
	delete(j, "/api/v1", "pods", j->pod.name, "Background", 1);
}

static void give_up(void *arg)
{
	struct job *j = arg;

	j->given_up = true;
}

static const struct exec_host host = { .terminate = ask_to_end, .kill = kill_it, .end = give_up };

static void turn(struct job *j)
{
	struct pollfd p = { .fd = exec_watch_cancel_fd(&j->watch), .events = POLLIN };

	exec_watch_turn(&j->watch, p.fd >= 0 && poll(&p, 1, 0) > 0);
}

/* What a node says in the log, as if it were output, when the container it reads from was told to end and is gone. */
static bool is_nodes_complaint(const char *data, size_t len)
{
	static const char *const beginnings[] = { "rpc error: code = NotFound desc = ", "unable to retrieve container logs for " };

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (len >= strlen(beginnings[i]) && !memcmp(data, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static bool on_log(void *arg, const char *data, size_t len)
{
	struct job *j = arg;
	const uint64_t known = len && j->read_bytes < j->skip_bytes ? j->skip_bytes - j->read_bytes : 0;
	const size_t skip = known < len ? (size_t)known : len;

	j->read_bytes += len;
	if (len > skip && !(j->asked && is_nodes_complaint(data, len)))
		exec_watch_output(&j->watch, SANDBOX_STDOUT, data + skip, len - skip);
	turn(j);
	return !j->given_up;
}

/* Again, without what is known: the stream may break before the container ends, and nodes end it before they have given all. */
static void read_log(struct job *j, bool follow)
{
	const struct kube_logs what = { .namespace = j->ks->namespace, .pod = j->pod.name, .container = KUBE_CONTAINER, .follow = follow, .tail_lines = -1,
					.timeout_ns = follow ? CLOCK_NEVER : END_NS };

	if (j->read_bytes > j->skip_bytes)
		j->skip_bytes = j->read_bytes;
	j->read_bytes = 0;
	kube_logs(j->ks->logs, &what, on_log, j, NULL);
}

/* 1: the pod is there, its state in j->pod; 0: it is not; -1. */
static int look(struct job *j, struct error *err)
{
	autofree char *path = path_of(j, "/api/v1", "pods", j->pod.name);
	const struct kube_call call = { .method = "GET", .target = path };
	struct error why = { .code = ERR_OK };
	json_auto_t *pod = NULL;

	if (kube_call(j->ks->kube, &call, &pod, &why) < 0)
		return kube_is(j->ks->kube, "NotFound") ? 0 : error_set(err, why.code, "%s", why.text);
	kube_pod_state(pod, &j->pod);
	return 1;
}

static bool nap(unsigned int *ms, uint64_t deadline)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)*ms * 1000000 }, NULL);
	if (*ms < 200)
		*ms *= 2;
	return clock_monotonic_ns() < deadline;
}

/* Its pod is gone and we did not do that: the Job knows if its time was over. */
static bool is_over_time(struct job *j)
{
	autofree char *path = path_of(j, "/apis/batch/v1", "jobs", j->name);
	const struct kube_call call = { .method = "GET", .target = path };
	json_auto_t *job = NULL;
	const json_t *c;
	size_t i;

	if (kube_call(j->ks->kube, &call, &job, NULL) < 0)
		return false;
	json_array_foreach(json_object_get(json_object_get(job, "status"), "conditions"), i, c) {
		const char *reason = json_string_value(json_object_get(c, "reason"));

		if (reason && !strcmp(reason, "DeadlineExceeded"))
			return true;
	}
	return false;
}

static bool was_never_run(const struct kube_pod_state *p)
{
	return !strcmp(p->reason, "StartError") || !strcmp(p->reason, "ContainerCannotRun");
}

static int run(struct job *j, struct error *err)
{
	uint64_t deadline = clock_deadline(END_NS);
	unsigned int ms = 10;

	j->watch = (struct exec_watch){ .cmd = j->cmd, .exit = j->exit, .sb = &j->ks->base, .host = &host, .arg = j,
					.output_bytes_max = j->ks->limits.output_bytes };
	exec_watch_start(&j->watch);
	for (;;) {
		const uint64_t before = j->read_bytes;
		int r;

		/* a container that was told to end may be gone, of which nodes say so as if it were output */
		if (!j->asked && !j->given_up && !j->pod.ended)
			read_log(j, true);
		r = look(j, err);
		if (r < 0)
			return -1;
		if (r > 0 && j->pod.ended && !j->asked && !was_never_run(&j->pod))
			read_log(j, false);
		if (r == 0 || j->pod.ended)
			return r;
		if (j->read_bytes != before)	/* it runs on */
			deadline = clock_deadline(END_NS), ms = 10;
		turn(j);
		if (!nap(&ms, deadline) && j->watch.phase == EXEC_RUNNING)
			deadline = clock_deadline(END_NS);	/* quiet, and its logs cannot be followed: its own timeout ends it */
		else if (j->given_up && clock_monotonic_ns() >= deadline)
			return 0;
	}
}

/* ---- how it ended */

/* Messages of container runtimes: there is no other word for it. */
static int errno_of_start(const char *message)
{
	return strstr(message, "not found") || strstr(message, "no such file") ? 2 : 13;	/* ENOENT, EACCES */
}

static void tell_end(struct job *j, bool there)
{
	struct init_ended ended = { .wait_status = 0 };
	const struct kube_pod_state *p = &j->pod;

	if (!there) {
		ended.wait_status = 9;		/* SIGKILL, as far as can be told */
		if (j->watch.why == SANDBOX_EXITED)
			j->watch.why = is_over_time(j) ? SANDBOX_TIMED_OUT : SANDBOX_LOST;
	} else if (was_never_run(p)) {
		ended.exec_errno = errno_of_start(p->message);
	} else if (!strcmp(p->reason, "Evicted")) {
		ended.wait_status = 9;
		ended.storage_full = strstr(p->message, "EmptyDir") || strstr(p->message, "ephemeral");
		if (!ended.storage_full && strstr(p->message, "memory"))
			j->watch.why = SANDBOX_OUT_OF_MEMORY;
	} else {
		ended.wait_status = (p->status & 0xff) << 8;
		if (!strcmp(p->reason, "OOMKilled"))
			j->watch.why = SANDBOX_OUT_OF_MEMORY;
		else if (!strcmp(p->reason, "DeadlineExceeded") && j->watch.why == SANDBOX_EXITED)
			j->watch.why = SANDBOX_TIMED_OUT;
	}
	exec_watch_ended(&j->watch, &ended);
}

/* It never ran: a result like that of a command that cannot be started. */
static void tell_problem(struct job *j)
{
	j->exit->end = j->cancelled ? SANDBOX_CANCELLED : SANDBOX_EXITED;
	j->exit->status = NOT_STARTED;
	j->exit->duration_ns = clock_monotonic_ns() - j->began_ns;
	snprintf(j->exit->why, sizeof(j->exit->why), "%.319s", j->cancelled ? "" : j->problem);
}

/* ---- nothing of it stays */

static bool count_pod(void *arg, json_t *pod, bool restarted)
{
	(void)pod, (void)restarted;
	(*(unsigned int *)arg)++;
	return true;
}

static int remove_all(struct job *j, struct error *err)
{
	autofree char *labels = xasprintf("job-name=%s", j->name);
	const struct kube_target target = { .type = &pods, .namespace = j->ks->namespace };
	const struct kube_selection which = { .labels = labels };
	const uint64_t deadline = clock_deadline(GONE_NS);
	unsigned int ms = 5, left;

	delete(j, "/apis/batch/v1", "jobs", j->name, "Background", -1);
	/* a pod that has ended or never started has no processes to wait for */
	if (*j->pod.name)
		delete(j, "/api/v1", "pods", j->pod.name, "Background", j->pod.ended || !j->pod.started ? 0 : 1);
	delete(j, "/api/v1", "secrets", j->name, "Background", -1);
	do {
		left = 0;
		if (kube_list(j->ks->kube, &target, &which, count_pod, &left, NULL, err) < 0)
			return -1;
		if (!left)
			return 0;
	} while (nap(&ms, deadline));
	return error_set(err, ERR_CLEANUP, "the pod of Job '%s' in namespace '%s' does not go", j->name, j->ks->namespace);
}

static int carry_out(struct job *j, struct error *err)
{
	int there;

	if (start(j, err) < 0 || wait_for_start(j, err) < 0)
		return -1;
	if (!j->pod.started && !(j->pod.ended && !*j->problem)) {
		tell_problem(j);
		return 0;
	}
	there = run(j, err);
	if (there < 0)
		return -1;
	tell_end(j, there > 0);
	exec_watch_finish(&j->watch);
	return 0;
}

int kube_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	struct kube_sandbox *ks = (struct kube_sandbox *)sb;
	struct job j = { .ks = ks, .cmd = cmd, .exit = ret, .began_ns = clock_monotonic_ns() };
	struct error later = { .code = ERR_OK };
	int r;

	if (cmd->tty_fd > 0 || cmd->input_fd > 0)
		return error_set(err, ERR_UNAVAILABLE, "commands in a cluster have neither a terminal nor an input; use --type=container");
	snprintf(j.name, sizeof(j.name), "atom-step-%u", ++ks->commands);
	r = carry_out(&j, err);
	if (remove_all(&j, &later) < 0 && r == 0)
		r = error_set(err, later.code, "%s", later.text);
	return r;
}
