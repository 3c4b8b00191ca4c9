/* SPDX-License-Identifier: Apache-2.0
 * observe: what a sandbox tells about the commands in it: events as they happen, use of resources when asked. Comes with
 * sandbox.h. Observing never decides anything: the walls of the sandbox refuse, this says what was tried.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum sandbox_severity {
	SANDBOX_INFO,		/* ordinary: a program started, a connection within the sandbox */
	SANDBOX_LOW,		/* refused, but honest programs try it too: io_uring, personality, numa policies */
	SANDBOX_MEDIUM,		/* unusual for automation: perf_event_open, writing to the system, outliving a step */
	SANDBOX_HIGH,		/* smells of an escape: ptrace of others, new namespaces, keyrings, engine sockets */
	SANDBOX_CRITICAL,	/* is one: mount, setns, modules, kexec, bpf, handles, device nodes, cgroup release files */
};

/* `subject` and `detail` by kind. Texts are bytes as the step gave them, at most 4 KiB each, NUL-terminated; whoever shows
 * them redacts and sanitises. */
enum sandbox_event_kind {
	SANDBOX_EVENT_EXEC,	/* path of the program | its arguments, quoted as a shell would; pid, parent */
	SANDBOX_EVENT_EXIT,	/* "" | "" ; pid; value: exit status. Ends by a signal are not told */
	SANDBOX_EVENT_CONNECT,	/* "192.0.2.1:443", "[::1]:80", "unix:/run/x.sock", "unix:@name" | "tcp", "udp", "stream" … */
	SANDBOX_EVENT_SEND,	/* the same, for a datagram with an address */
	SANDBOX_EVENT_FORWARD,	/* "name:port" of an allow-listed host that was really reached | address; value: errno or 0 */
	SANDBOX_EVENT_DNS,	/* name asked for | "A", "AAAA", "TXT" … ; allowed: it was answered */
	SANDBOX_EVENT_CALL,	/* refused system call, or "hides" (its memory) | its arguments in words: "proc on /mnt"; value: errno */
	SANDBOX_EVENT_WRITE,	/* path that is not writable, where a step tried to write, create, remove or change | call */
	SANDBOX_EVENT_OUTLIVED,	/* program still alive when its step had ended | "" ; pid */
	SANDBOX_EVENT_LIMIT,	/* "memory", "pids", "storage" … | how it was noticed */
	SANDBOX_EVENT_LOST,	/* "" | why; count: events that were not kept */
};
enum { SANDBOX_EVENT_KINDS = SANDBOX_EVENT_LOST + 1 };

struct sandbox_event {
	enum sandbox_event_kind kind;
	enum sandbox_severity severity;
	bool allowed;		/* false: refused, by whatever wall */
	uint64_t time_ns;	/* wall clock */
	uint32_t pid, parent;	/* inside; 0: unknown */
	int value;		/* by kind */
	uint64_t count;		/* 1; more: the same was seen so often since it was last told (same kind, pid's program, subject) */
	const char *program;	/* short name of the process that did it; "": unknown */
	const char *subject, *detail;	/* never NULL */
};
typedef void sandbox_observer(void *arg, const struct sandbox_event *event);

const char *sandbox_event_kind_to_string(enum sandbox_event_kind kind);	/* "exec", "connect", … */
const char *sandbox_severity_to_string(enum sandbox_severity severity);	/* "info" … "critical" */

/* ---- resources */

enum sandbox_usage_known {
	USAGE_CPU = 1 << 0, USAGE_MEMORY = 1 << 1, USAGE_PIDS = 1 << 2, USAGE_IO = 1 << 3, USAGE_THROTTLED = 1 << 4,
	USAGE_PRESSURE = 1 << 5, USAGE_STORAGE = 1 << 6, USAGE_MEMORY_PEAK = 1 << 7, USAGE_PIDS_PEAK = 1 << 8,
};
struct sandbox_usage {		/* of the whole sandbox; counters since it was made */
	unsigned int known;	/* enum sandbox_usage_known: members that are not are 0 */
	uint64_t cpu_ns;
	uint64_t memory_bytes, memory_peak_bytes;
	uint64_t pids, pids_peak;
	uint64_t io_read_bytes, io_write_bytes;
	uint64_t throttled_ns;		/* held back by the cpu quota */
	uint64_t memory_pressure_us;	/* some task waited for memory */
	uint64_t oom_kills, pids_refused;
	uint64_t storage_bytes, storage_files;	/* used of work folder and /tmp together */
};
typedef void sandbox_sampler(void *arg, const struct sandbox_usage *usage);
