/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/attempts.h"

#include <poll.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define BACKOFF_MAX_NS (UINT64_C(3600) * NS_PER_SEC)

void step_conclude(struct step_result *step, enum step_status status, const char *limit, char *reason)
{
	step->status = status;
	step->limit = limit;
	free(step->reason);
	step->reason = reason;
}

char *step_timeout_sentence(uint64_t timeout_ns)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&sb, "did not end within its timeout of ");
	duration_format(&sb, timeout_ns);
	return strbuf_detach(&sb);
}

/* false: cancelled while waiting */
static bool wait_before_retry(const struct attempts *a, uint64_t wait_ns)
{
	struct pollfd pfd = { .fd = a->cancel ? cancel_fd(a->cancel) : -1, .events = POLLIN };
	uint64_t until = clock_deadline(wait_ns);

	while (clock_monotonic_ns() < until)
		if (poll(&pfd, 1, clock_poll_timeout(until)) > 0)
			return false;
	return true;
}

static uint64_t backoff(const struct wpk_retry *retry, unsigned int failed_attempts)
{
	uint64_t ns = retry->backoff_ns;

	for (unsigned int i = 1; i < failed_attempts && ns < BACKOFF_MAX_NS; i++)
		ns *= 2;
	return ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS;
}

int attempts_run(const struct attempts *a, struct step_result *step, struct error *err)
{
	const struct wpk_retry *retry = &step->plan->handler->retry;
	uint64_t started = clock_monotonic_ns();
	int r;

	for (;;) {
		uint64_t wait_ns;

		step->attempts++;
		event_emit(a->events, &(struct event){ .type = EVENT_STEP_START, .step = step, .attempt = step->attempts });
		r = a->once(a->arg, step, err);
		if (r < 0) {
			step_conclude(step, STEP_FAILED, NULL, xasprintf("could not be run: %s", err->text));
			break;
		}
		if (step->status == STEP_PASSED || step->status == STEP_CANCELLED || step->exit.end == SANDBOX_LOST ||
		    step->attempts >= retry->max_attempts)
			break;
		wait_ns = backoff(retry, step->attempts);
		event_emit(a->events, &(struct event){ .type = EVENT_STEP_RETRY, .step = step, .attempt = step->attempts,
						       .text = step->reason, .wait_ns = wait_ns });
		if (!wait_before_retry(a, wait_ns)) {
			step_conclude(step, STEP_CANCELLED, NULL, xstrdup("cancelled while waiting for the next attempt"));
			break;
		}
	}
	step->duration_ns = clock_monotonic_ns() - started;
	return r;
}
