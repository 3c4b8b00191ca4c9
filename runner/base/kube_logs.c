/* SPDX-License-Identifier: Apache-2.0
 * What a container writes, as it comes. Nothing of it is kept here. */
#include <inttypes.h>
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define REFUSAL_MAX (64u << 10)

struct log {
	const struct kube_logs *what;
	bool (*data)(void *arg, const char *data, size_t len);
	void *arg;
	uint64_t given;			/* bytes */
	bool stopped;			/* by whom reads it, or at the limit: no error either way */
	struct http_answer answer;
	struct strbuf refusal;
};

static bool take_data(void *arg, const char *data, size_t len)
{
	struct log *log = arg;
	const uint64_t limit = log->what->limit_bytes, left = limit ? limit - log->given : UINT64_MAX;

	if (len && log->answer.status != 200) {
		strbuf_add(&log->refusal, data, len);
		return !log->refusal.overflow;
	}
	if (len > left)
		len = left;
	log->given += len;
	log->stopped |= !log->data(log->arg, data, len) || (limit && log->given == limit);
	return !log->stopped;
}

static int log_path(const struct kube_logs *l, struct strbuf *out, struct error *err)
{
	static const char *const none[] = { NULL };
	static const struct kube_type pods = { .group = "", .version = "v1", .api_version = "v1", .kind = "Pod", .plural = "pods",
		.singular = "pod", .short_names = none, .subresources = none, .namespaced = true };
	autostrbuf struct strbuf query = STRBUF_INIT(4096);

	if (l->container) {
		strbuf_addstr(&query, "container=");
		http_escape(&query, l->container);
		strbuf_addch(&query, '&');
	}
	strbuf_addf(&query, "follow=%s&previous=%s&timestamps=%s", l->follow ? "true" : "false", l->previous ? "true" : "false",
		    l->timestamps ? "true" : "false");
	if (l->tail_lines >= 0)
		strbuf_addf(&query, "&tailLines=%" PRId64, l->tail_lines);
	if (l->limit_bytes && l->limit_bytes <= INT64_MAX)
		strbuf_addf(&query, "&limitBytes=%" PRIu64, l->limit_bytes);
	return kube_target_path(&(struct kube_target){ .type = &pods, .namespace = l->namespace, .name = l->pod, .subresource = "log" },
				query.buf, out, err);
}

/* 1: try again. */
static int log_once(struct kube *k, struct log *log, const char *path, uint64_t deadline_ns, struct error *err)
{
	struct http_session *session = steal_ptr(&k->stream);
	const struct kube_exchange x = { .session = &session, .method = "GET", .target = path, .as_user = log->what->as_user,
					 .accept = "*/*", .deadline_ns = deadline_ns, .data = take_data, .arg = log };
	int rc;

	strbuf_clear(&log->refusal);
	rc = kube_exchange_once(k, &x, &log->answer, NULL, err);
	http_session_close(k->stream);
	k->stream = session;
	if (log->stopped)
		return 0;
	if (rc == 0 && log->answer.status == 200)
		return 0;
	if (rc == 0 && log->answer.status == 204) {	/* what waits for its image is a bad request; this is one, too */
		autofree char *why = xasprintf("pod '%s' is on no node yet", log->what->pod);

		return kube_refused(k, 400, why, strlen(why), err);
	}
	if (rc == 0) {
		kube_refused(k, log->answer.status, log->refusal.buf, log->refusal.len, err);
		return k->failure.status == 429 || k->failure.status == 502 || k->failure.status == 503 || k->failure.status == 504 ? 1 : -1;
	}
	if (log->given)
		return error_prefix(err, "the log of '%s' breaks off after %" PRIu64 " bytes", log->what->pod, log->given);
	return log->answer.broken && k->answered ? 1 : -1;
}

int kube_logs(struct kube *k, const struct kube_logs *what, bool (*data)(void *arg, const char *data, size_t len), void *arg,
	      struct error *err)
{
	const uint64_t deadline_ns = clock_deadline(what->timeout_ns ? what->timeout_ns : KUBE_TIMEOUT_NS);
	struct log log = { .what = what, .data = data, .arg = arg, .refusal = STRBUF_INIT(REFUSAL_MAX) };
	autostrbuf struct strbuf path = STRBUF_INIT(64u << 10);
	int rc = log_path(what, &path, err);

	for (unsigned int tries = 1; rc == 0; tries++) {
		uint64_t wait_ns = kube_backoff_ns(tries), now;

		rc = log_once(k, &log, path.buf, deadline_ns, err);
		now = clock_monotonic_ns();
		if (rc <= 0)
			break;
		rc = now >= deadline_ns || wait_ns >= deadline_ns - now ? -1 : kube_sleep(k, wait_ns, err);
		if (rc == 0 && !data(arg, "", 0))
			break;
	}
	strbuf_release(&log.refusal);
	return rc;
}
