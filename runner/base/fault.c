/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

#define FAULT_NAMES 512

/* The only state below cmd/ that outlives a call: a test's switch, read once, dead weight when the variable is unset. */
static struct {
	const char *variable;	/* NULL: that of the runner */
	bool known, armed, with_reaper;
	unsigned long at, passed;
	int signal;
	pid_t self, reaper;	/* children inherit the count but not the fate */
	const char *names[FAULT_NAMES];
} fault;

static bool parse(const char *spec)
{
	char *end = NULL;

	fault.at = strtoul(spec, &end, 10);
	if (end == spec || *end != ':')
		return false;
	spec = end + 1;
	fault.signal = (int)strtoul(spec, &end, 10);
	if (end == spec || fault.signal < 0 || fault.signal >= NSIG)
		return false;
	fault.with_reaper = !strcmp(end, ":reaper");
	return !*end || fault.with_reaper;
}

static bool fault_armed(void)
{
	if (!fault.known) {
		const char *spec = getenv(fault.variable ? fault.variable : "SANDBOX_RUNNER_TEST_KILL");

		fault.known = true;
		fault.self = getpid();
		fault.armed = spec && parse(spec);
	}
	return fault.armed && fault.self == getpid();
}

void fault_point(const char *what)
{
	if (!fault_armed())
		return;
	if (fault.passed < FAULT_NAMES)
		fault.names[fault.passed] = what;
	if (++fault.passed != fault.at)
		return;
	if (fault.with_reaper && fault.reaper > 0)
		kill(fault.reaper, SIGKILL);
	kill(fault.self, fault.signal);
}

void fault_set_reaper(pid_t pid)
{
	fault.reaper = pid;
}

void fault_restart(const char *variable)
{
	memset(&fault, 0, sizeof(fault));
	fault.variable = variable;
}

void fault_write_count(void)
{
	const char *path = getenv("SANDBOX_RUNNER_TEST_COUNT");
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);

	if (!path || !fault_armed())
		return;
	strbuf_addf(&text, "%lu\n", fault.passed);
	for (size_t i = 0; i < fault.passed && i < FAULT_NAMES; i++)
		strbuf_addf(&text, "%s\n", fault.names[i]);
	file_write_atomic(path, text.buf, text.len, 0600, NULL);
}
