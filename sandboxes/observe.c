/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/observe.h"

const char *sandbox_event_kind_to_string(enum sandbox_event_kind kind)
{
	static const char *const names[SANDBOX_EVENT_KINDS] = {
		[SANDBOX_EVENT_EXEC] = "exec", [SANDBOX_EVENT_EXIT] = "exit", [SANDBOX_EVENT_CONNECT] = "connect",
		[SANDBOX_EVENT_SEND] = "send", [SANDBOX_EVENT_FORWARD] = "forward", [SANDBOX_EVENT_DNS] = "dns",
		[SANDBOX_EVENT_CALL] = "call", [SANDBOX_EVENT_WRITE] = "write", [SANDBOX_EVENT_OUTLIVED] = "outlived",
		[SANDBOX_EVENT_LIMIT] = "limit", [SANDBOX_EVENT_LOST] = "lost",
	};

	return names[kind];
}

const char *sandbox_severity_to_string(enum sandbox_severity severity)
{
	static const char *const names[] = { "info", "low", "medium", "high", "critical" };

	return names[severity];
}
