/* SPDX-License-Identifier: Apache-2.0
 * A connection, and requests over it until the deadline: what may pass is tried again, as long as the request cannot be done twice. */
#include "runner/base/kube.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define TRIES_MAX 8		/* of what the server does not ask for itself */
#define BACKOFF_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (5 * NS_PER_SEC)

/* ---- connection */

struct kube *kube_open(const struct kube_config *cfg, struct error *err)
{
	struct kube *k;

	if (!cfg->server) {
		error_set(err, ERR_INVALID_INPUT, "there is no server to talk to");
		return NULL;
	}
	if (kube_check_server(cfg->server, err) < 0 || kube_check_pem(cfg->ca_pem, NULL, err) < 0 ||
	    kube_check_pem(cfg->cert_pem, cfg->key_pem, err) < 0 || (cfg->token && kube_check_token(cfg->token, err) < 0)) {
		error_prefix(err, "context '%s'", cfg->context ? cfg->context : "");
		return NULL;
	}
	if (cfg->insecure_wanted && !cfg->insecure) {
		error_set(err, ERR_INVALID_INPUT, "context '%s': insecure-skip-tls-verify is refused, as anybody could pose as the server: "
			  "give its authority by 'certificate-authority-data'", cfg->context ? cfg->context : "");
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	kube_config_copy(&k->cfg, cfg);
	/* now, not at the first call: libcurl may be missing */
	k->calls = http_session_open_peer(&(struct http_peer){ .url = k->cfg.server, .ca_pem = k->cfg.ca_pem, .server_name = k->cfg.tls_server_name,
		.cert_pem = k->cfg.cert_pem, .key_pem = k->cfg.key_pem, .proxy_url = k->cfg.proxy_url, .insecure = k->cfg.insecure }, err);
	if (!k->calls) {
		kube_close(k);
		return NULL;
	}
	return k;
}

void kube_close(struct kube *k)
{
	if (!k)
		return;
	http_session_close(k->calls);
	http_session_close(k->stream);
	kube_discovery_free(k->discovery);
	kube_credentials_release(&k->plugin);
	kube_config_release(&k->cfg);
	free(k);
}

void kube_on_wait(struct kube *k, bool (*go_on)(void *arg), void *arg)
{
	k->waiting = go_on;
	k->waiting_arg = arg;
}

const char *kube_server(const struct kube *k)
{
	return k->cfg.server;
}

const struct kube_failure *kube_failure(const struct kube *k)
{
	return &k->failure;
}

bool kube_is(const struct kube *k, const char *reason)
{
	return !strcmp(k->failure.reason, reason);
}

static int open_session(struct kube *k, struct http_session **ret, struct error *err)
{
	const bool own = k->plugin.cert_pem;
	const struct http_peer peer = {
		.url = k->cfg.server, .ca_pem = k->cfg.ca_pem, .server_name = k->cfg.tls_server_name, .proxy_url = k->cfg.proxy_url,
		.cert_pem = own ? k->plugin.cert_pem : k->cfg.cert_pem, .key_pem = own ? k->plugin.key_pem : k->cfg.key_pem,
		.insecure = k->cfg.insecure,
	};

	if (!*ret)
		*ret = http_session_open_peer(&peer, err);
	return *ret ? 0 : -1;
}

/* ---- one request */

static int check_header_value(const char *value, struct error *err)
{
	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p))
			return error_set(err, ERR_INVALID_INPUT, "a user's name must not hold control characters");
	return 0;
}

/* Collects an answer, asking whether to go on meanwhile. */
struct collector {
	const struct kube *k;
	struct strbuf *body;
};

static bool collect(void *arg, const char *data, size_t len)
{
	struct collector *c = arg;

	strbuf_add(c->body, data, len);
	return !c->body->overflow && (len || !c->k->waiting || c->k->waiting(c->k->waiting_arg));
}

int kube_exchange_once(struct kube *k, const struct kube_exchange *x, struct http_answer *answer, struct strbuf *body, struct error *err)
{
	auto_wiped char *token = NULL;
	auto_wiped char *authorization = NULL;
	autofree char *accept = xasprintf("Accept: %s", x->accept ? x->accept : "application/json");
	autofree char *user = NULL;
	const char *headers[4] = { accept }, **next = headers + 1;
	struct http_call call = {
		.method = x->method, .target = x->target, .content_type = x->content_type, .headers = headers, .want_header = "Retry-After",
		.body = x->body ? x->body->buf : NULL, .body_len = x->body ? x->body->len : 0, .data = x->data, .arg = x->arg,
	};
	struct collector collector = { k, body };
	const size_t before = body ? body->len : 0;
	uint64_t now;
	int rc;

	*answer = (struct http_answer){ 0 };
	k->failure = (struct kube_failure){ 0 };
	if ((x->as_user && check_header_value(x->as_user, err) < 0) || kube_authenticate(k, x->deadline_ns, &token, err) < 0 ||
	    open_session(k, x->session, err) < 0)
		return -1;
	if (token)
		*next++ = authorization = xasprintf("Authorization: Bearer %s", token);
	if (x->as_user)
		*next++ = user = xasprintf("Impersonate-User: %s", x->as_user);
	now = clock_monotonic_ns();
	call.timeout_ns = x->deadline_ns == CLOCK_NEVER ? CLOCK_NEVER : x->deadline_ns > now ? x->deadline_ns - now : 0;
	if (!call.data) {
		call.data = collect;
		call.arg = &collector;
	}
	rc = http_call(*x->session, &call, answer, NULL, err);
	if (rc < 0 && body) {
		if (body->overflow) {
			snprintf(k->failure.reason, sizeof(k->failure.reason), KUBE_TOO_LONG);
			error_set(err, ERR_REMOTE, "'%s': the answer is longer than %zu bytes", k->cfg.server, body->max - before);
		}
		body->len = before;
		body->overflow = false;
	}
	k->answered |= rc == 0;
	return rc;
}

int kube_refused(struct kube *k, int status, const char *text, size_t len, struct error *err)
{
	autostrbuf struct strbuf sentence = STRBUF_INIT(900);

	kube_failure_read(&k->failure, status, text, len);
	kube_failure_sentence(&k->failure, &sentence);
	/* some let nobody ask for a few things, and say only at the next that we are nobody */
	if (status == 401 || (status == 403 && strstr(k->failure.message, "\"system:anonymous\"")))
		kube_explain_unauthorized(k, &sentence);
	return error_set(err, ERR_REMOTE, "%s", sentence.buf);
}

/* ---- again */

uint64_t kube_backoff_ns(unsigned int tries)
{
	uint64_t ns = BACKOFF_NS << (tries < 7 ? tries - 1 : 6);

	if (ns > BACKOFF_MAX_NS)
		ns = BACKOFF_MAX_NS;
	return ns / 2 + clock_monotonic_ns() % (ns / 2);	/* the nanoseconds are chance enough to spread clients */
}

int kube_sleep(const struct kube *k, uint64_t ns, struct error *err)
{
	const uint64_t end_ns = clock_deadline(ns);

	for (uint64_t now; (now = clock_monotonic_ns()) < end_ns;) {
		uint64_t piece = end_ns - now < NS_PER_SEC ? end_ns - now : NS_PER_SEC;
		struct timespec left = { .tv_sec = (time_t)(piece / NS_PER_SEC), .tv_nsec = (long)(piece % NS_PER_SEC) };

		if (k->waiting && !k->waiting(k->waiting_arg))
			return error_set(err, ERR_CANCELLED, "stopped while waiting for '%s'", k->cfg.server);
		nanosleep(&left, NULL);
	}
	return 0;
}

/* Is it the same whether it is done once or twice? */
static bool is_repeatable(const struct kube_call *call)
{
	if (!strcmp(call->method, "GET") || !strcmp(call->method, "PUT") || !strcmp(call->method, "DELETE") || strstr(call->target, "dryRun=All"))
		return true;
	return !strcmp(call->method, "PATCH") && call->content_type && strcmp(call->content_type, "application/json-patch+json") != 0;
}

/* How long to wait before another try; 0: there must be none. */
static uint64_t wait_before_retry(const struct kube *k, const struct kube_call *call, const struct http_answer *answer, unsigned int tries)
{
	const bool asked = isdigit((unsigned char)answer->header[0]);
	const bool overloaded = answer->status == 429 || (answer->status == 503 && asked);	/* it was not even begun */
	const bool failed = answer->status == 500 || answer->status == 502 || answer->status == 503 || answer->status == 504;

	if (overloaded) {
		uint64_t seconds = asked ? strtoul(answer->header, NULL, 10) : 0;

		return seconds && seconds < 86400 ? seconds * NS_PER_SEC : seconds ? CLOCK_NEVER : kube_backoff_ns(tries);
	}
	if (answer->broken && answer->status == 0 && !k->answered)
		return 0;
	if ((answer->broken || failed) && is_repeatable(call) && tries < TRIES_MAX)
		return kube_backoff_ns(tries);
	return 0;
}

/* A plugin's credentials may have been withdrawn before their time: once more with new ones. */
static bool forget_credentials(struct kube *k)
{
	if (!k->plugin.known)
		return false;
	k->plugin.known = false;
	return true;
}

static int try_until(struct kube *k, const struct kube_call *call, const struct kube_exchange *x, struct strbuf *body, struct error *err)
{
	const size_t before = body->len;
	bool renewed = false;

	for (unsigned int tries = 1;; tries++) {
		struct http_answer answer;
		uint64_t wait_ns, now;
		int rc = kube_exchange_once(k, x, &answer, body, err);

		if (rc == 0 && answer.status >= 200 && answer.status < 300)
			return 0;
		if (rc == 0)
			kube_refused(k, answer.status, body->buf + before, body->len - before, err);
		body->len = before;
		if (answer.status == 401 && !renewed && forget_credentials(k)) {
			renewed = true;
			continue;
		}
		wait_ns = wait_before_retry(k, call, &answer, tries);
		now = clock_monotonic_ns();
		if (!wait_ns || now >= x->deadline_ns || wait_ns >= x->deadline_ns - now) {
			if (err && tries > 1)
				snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text), " (tried %u times)", tries);
			return -1;
		}
		if (kube_sleep(k, wait_ns, err) < 0)
			return -1;
	}
}

int kube_call_text(struct kube *k, const struct kube_call *call, const char *accept, struct strbuf *body, struct error *err)
{
	auto_wiped_strbuf struct strbuf sent = STRBUF_INIT(STRBUF_NO_MAX);
	const struct kube_exchange x = {
		.session = &k->calls, .method = call->method, .target = call->target, .content_type = call->content_type, .accept = accept,
		.as_user = call->as_user, .body = call->body ? &sent : NULL,
		.deadline_ns = clock_deadline(call->timeout_ns ? call->timeout_ns : KUBE_TIMEOUT_NS),
	};

	if (call->body)
		json_write(call->body, 0, &sent);
	return try_until(k, call, &x, body, err);
}

int kube_call(struct kube *k, const struct kube_call *call, json_t **ret, struct error *err)
{
	auto_wiped_strbuf struct strbuf body = STRBUF_INIT(KUBE_ANSWER_MAX);
	json_t *answer = NULL;

	if (kube_call_text(k, call, NULL, &body, err) < 0)
		return -1;
	if (!ret)
		return 0;
	if (json_parse(body.buf, body.len, "answer", &answer, err) < 0) {
		if (err)
			err->code = ERR_REMOTE;
		return error_prefix(err, "'%s' answers what is no JSON", k->cfg.server);
	}
	*ret = answer;
	return 0;
}
