/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/exec_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "runner/base/clock.h"
#include "runner/base/strbuf.h"
#include "sandboxes/event.h"

#define LOOK_INTERVAL_NS (100 * NS_PER_MS)
#define PATIENCE_NS (10 * NS_PER_SEC)		/* for the first process to answer after a kill */

static uint32_t pack(const char *const *strings, struct strbuf *out)
{
	uint32_t n = 0;

	for (; strings && strings[n]; n++)
		strbuf_add(out, strings[n], strlen(strings[n]) + 1);
	return n;
}

int exec_pack(const struct sandbox_command *cmd, struct strbuf *out, uint32_t *ret_argc, uint32_t *ret_envc, struct error *err)
{
	*ret_argc = pack(cmd->argv, out);
	*ret_envc = pack(cmd->env, out);
	if (cmd->dir)
		strbuf_add(out, cmd->dir, strlen(cmd->dir) + 1);
	return out->overflow ? error_set(err, ERR_INVALID_INPUT, "arguments and environment are larger than %u bytes",
					 INIT_STRINGS_MAX) : 0;
}

void exec_watch_start(struct exec_watch *w)
{
	w->started_ns = clock_monotonic_ns();
	if (w->cgroup)
		cgroup_mark(w->cgroup);
	w->why = SANDBOX_EXITED;
	w->deadline_ns = w->cmd->timeout_ns ? clock_deadline(w->cmd->timeout_ns) : CLOCK_NEVER;
	w->next_look_ns = clock_deadline(LOOK_INTERVAL_NS);
	w->next_beat_ns = clock_deadline(SANDBOX_HEARTBEAT_NS);
	w->next_sample_ns = w->cmd->sampler ? clock_deadline(w->cmd->sample_ns) : CLOCK_NEVER;
}

int exec_watch_timeout(const struct exec_watch *w)
{
	uint64_t next = w->next_look_ns < w->next_sample_ns ? w->next_look_ns : w->next_sample_ns;

	return clock_poll_timeout(next < w->deadline_ns ? next : w->deadline_ns);
}

int exec_watch_cancel_fd(const struct exec_watch *w)
{
	return w->cancel_seen ? -1 : w->cmd->cancel_fd;
}

void exec_watch_output(struct exec_watch *w, enum sandbox_stream stream, const char *data, size_t len)
{
	uint64_t before = w->exit->output_bytes[0] + w->exit->output_bytes[1];

	w->exit->output_bytes[stream] += len;
	if (w->output_bytes_max && before + len > w->output_bytes_max) {
		w->exit->output_truncated = true;
		len = before < w->output_bytes_max ? (size_t)(w->output_bytes_max - before) : 0;
	}
	if (len && w->cmd->output)
		w->cmd->output(w->cmd->output_arg, stream, data, len);
}

void exec_watch_events(struct exec_watch *w, const char *packed, size_t len)
{
	struct sandbox_event event;

	while (w->cmd->observer && event_unpack(&packed, &len, &event))
		w->cmd->observer(w->cmd->observer_arg, &event);
}

static void enter(struct exec_watch *w, enum exec_phase phase, enum sandbox_end why)
{
	if (phase <= w->phase)
		return;
	if (w->why == SANDBOX_EXITED)
		w->why = why;
	w->phase = phase == EXEC_ASKED && w->cmd->grace_ns == 0 ? EXEC_KILLED : phase;
	(w->phase == EXEC_ASKED ? w->host->terminate : w->host->kill)(w->arg);
	w->deadline_ns = clock_deadline(w->phase == EXEC_ASKED ? w->cmd->grace_ns : PATIENCE_NS);
}

/* Where the kernel ends one process of a command that ran out of memory, we end the others. */
static void watch_memory(struct exec_watch *w)
{
	cgroup_watch(w->cgroup);
	if (!cgroup_out_of_memory(w->cgroup))
		return;
	w->why = SANDBOX_OUT_OF_MEMORY;		/* whatever we were about to end it for */
	enter(w, EXEC_KILLED, SANDBOX_OUT_OF_MEMORY);
}

static void on_deadline(struct exec_watch *w)
{
	switch (w->phase) {
	case EXEC_RUNNING:
		enter(w, EXEC_ASKED, SANDBOX_TIMED_OUT);
		break;
	case EXEC_ASKED:
		enter(w, EXEC_KILLED, w->why);
		break;
	case EXEC_KILLED:
		w->deadline_ns = CLOCK_NEVER;
		w->host->end(w->arg);
		break;
	case EXEC_OVER:
		break;
	}
}

static void sample(struct exec_watch *w)
{
	struct sandbox_usage usage = { 0 };

	if (!w->cmd->sampler)
		return;
	if (!w->sb->lost && w->sb->backend->usage)
		w->sb->backend->usage(w->sb, &usage);
	w->cmd->sampler(w->cmd->sampler_arg, &usage);
	w->next_sample_ns = clock_deadline(w->cmd->sample_ns);
}

void exec_watch_turn(struct exec_watch *w, bool cancelled)
{
	uint64_t now;

	if (cancelled) {
		w->cancel_seen = true;
		enter(w, EXEC_ASKED, SANDBOX_CANCELLED);
	}
	if (w->phase == EXEC_ASKED && w->cmd->hurry && w->cmd->hurry(w->cmd->hurry_arg))
		enter(w, EXEC_KILLED, w->why);
	now = clock_monotonic_ns();
	if (now >= w->deadline_ns)
		on_deadline(w);
	if (now >= w->next_look_ns) {
		w->next_look_ns = now + LOOK_INTERVAL_NS;
		if (w->cgroup)
			watch_memory(w);
	}
	if (now >= w->next_sample_ns)
		sample(w);
	if (w->cmd->output && now >= w->next_beat_ns) {
		w->next_beat_ns = now + SANDBOX_HEARTBEAT_NS;
		w->cmd->output(w->cmd->output_arg, SANDBOX_STDOUT, NULL, 0);
	}
}

void exec_watch_ended(struct exec_watch *w, const struct init_ended *ended)
{
	struct sandbox_exit *e = w->exit;

	w->phase = EXEC_OVER;
	e->outlived = ended->outlived;
	e->storage_limit_hit = ended->storage_full;
	e->cpu_ns = ended->cpu_ns;
	e->pids_limit_hit = ended->fork_refused;
	if (ended->exec_errno) {
		e->end = SANDBOX_EXITED;
		e->status = ended->exec_errno == ENOENT || ended->exec_errno == ENOTDIR ? 127 : 126;
	} else if (WIFSIGNALED(ended->wait_status)) {
		e->end = SANDBOX_SIGNALED;
		e->status = WTERMSIG(ended->wait_status);
	} else {
		e->end = SANDBOX_EXITED;
		e->status = WEXITSTATUS(ended->wait_status);
	}
	if (w->why != SANDBOX_EXITED)
		e->end = w->why;
}

void exec_watch_lost(struct exec_watch *w)
{
	w->phase = EXEC_OVER;
	w->sb->lost = true;
	w->exit->end = SANDBOX_LOST;
}

static void count(struct cgroup *cg, unsigned int own_processes, struct sandbox_exit *e)
{
	uint64_t cpu = cgroup_cpu_ns(cg), peak = cgroup_pids_peak(cg);

	if (cgroup_out_of_memory(cg))
		e->end = SANDBOX_OUT_OF_MEMORY;
	e->pids_limit_hit |= cgroup_fork_refused(cg);
	if (cpu)
		e->cpu_ns = cpu;
	e->memory_peak_bytes = cgroup_memory_peak(cg);
	e->pids_peak = peak > own_processes ? peak - own_processes : 0;
}

void exec_watch_finish(struct exec_watch *w)
{
	if (w->cgroup)
		count(w->cgroup, w->own_processes, w->exit);
	sample(w);
	w->exit->duration_ns = clock_monotonic_ns() - w->started_ns;
}
