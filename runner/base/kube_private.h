/* SPDX-License-Identifier: Apache-2.0
 * kube, private: what kube*.c share. */
#pragma once

#include "runner/base/clock.h"
#include "runner/base/http.h"
#include "runner/base/kube.h"

#define KUBE_TIMEOUT_NS (30 * UINT64_C(1000000000))
#define KUBE_ANSWER_MAX (32u << 20)	/* bytes of one answer */
#define KUBE_TOO_LONG "AnswerTooLong"	/* reason of our own when it has more */

/* Who we are at the moment: of the configuration, or by its plugin. Texts are owned. */
struct kube_credentials {
	char *token, *cert_pem, *key_pem;
	uint64_t expires_ns;		/* realtime; CLOCK_NEVER: not said */
	bool known;
};

struct kube_discovery;
struct kube {
	struct kube_config cfg;
	struct kube_credentials plugin;
	struct http_session *calls, *stream;	/* streams have one of their own, so that calls can be made while they run */
	struct kube_failure failure;
	bool (*waiting)(void *arg);	/* see kube_on_wait(); NULL: none */
	void *waiting_arg;
	bool answered;			/* the server once did: when it is away, it is waited for */
	struct kube_discovery *discovery;
};

/* ---- kube.c */
struct kube_exchange {
	struct http_session **session;	/* &k->calls, or one that was taken out */
	const char *method, *target, *content_type, *accept, *as_user;
	const struct strbuf *body;	/* NULL: none */
	uint64_t deadline_ns;
	bool (*data)(void *arg, const char *data, size_t len);
	void *arg;
};
/* One request as ourselves, without a second try. */
int kube_exchange_once(struct kube *k, const struct kube_exchange *x, struct http_answer *answer, struct strbuf *body, struct error *err);
/* What an answer other than 2xx says: remembered as k->failure, and as a sentence. Always -1. */
int kube_refused(struct kube *k, int status, const char *text, size_t len, struct error *err);
/* With retries; the text of the answer goes to `body`. */
int kube_call_text(struct kube *k, const struct kube_call *call, const char *accept, struct strbuf *body, struct error *err);
/* How long to wait before try number `tries` + 1 (from 1): doubling from 100 ms to 5 s, with some of it by chance. */
uint64_t kube_backoff_ns(unsigned int tries);
/* ERR_CANCELLED when k->waiting() says so. */
int kube_sleep(const struct kube *k, uint64_t ns, struct error *err);

/* ---- kube_status.c */
void kube_failure_read(struct kube_failure *f, int status, const char *text, size_t len);

/* ---- kube_watch.c: the stream of a watch, cut into its lines */
enum kube_stream_end { KUBE_STREAM_GOES_ON, KUBE_STREAM_STOPPED, KUBE_STREAM_FAILED /* an ERROR event */, KUBE_STREAM_GARBAGE };
struct kube_stream {
	struct strbuf line, other;	/* the line so far; what is no event: the answer to a request that was refused */
	char *resource_version;		/* of the last event; owned */
	bool live;			/* there was an event */
	struct kube_failure failure;	/* of an ERROR event */
	enum kube_stream_end end;
	kube_watcher *each;
	void *arg;
};
void kube_stream_init(struct kube_stream *s, kube_watcher *each, void *arg);
void kube_stream_feed(struct kube_stream *s, const char *data, size_t len);	/* until `end` is something else than GOES_ON */
void kube_stream_release(struct kube_stream *s);

/* ---- kube_types.c */
void kube_discovery_free(struct kube_discovery *d);

/* ---- kube_objects.c */
/* Path and query of a target, with further parameters "a=b&c=d" (escaped). */
int kube_target_path(const struct kube_target *t, const char *query, struct strbuf *out, struct error *err);
void kube_add_parameter(struct strbuf *query, const char *name, const char *value);
/* "labelSelector=…&fieldSelector=…" */
void kube_selection_query(const struct kube_selection *which, struct strbuf *out);

/* ---- kube_list.c */
/* The text of a list, item by item, so that the whole is never a tree. `item` may be NULL; false ends it: *ret_ended. The metadata is the
 * caller's; NULL when there is none. -1: it is no list. */
int kube_list_read(const char *text, size_t len, bool (*item)(void *arg, json_t *item), void *arg, bool *ret_ended, json_t **ret_metadata,
		   struct error *err);

/* ---- kube_config.c, kube_credentials.c */
void kube_wipe(char **secret);
void kube_wipe_strbuf(struct strbuf *sb);
#define auto_wiped __attribute__((__cleanup__(kube_wipe)))
#define auto_wiped_strbuf __attribute__((__cleanup__(kube_wipe_strbuf)))
void kube_config_copy(struct kube_config *to, const struct kube_config *from);
int kube_read_secret_file(const char *path, char **ret, struct error *err);
int kube_check_server(const char *url, struct error *err);	/* https, or http to a loopback address */
int kube_check_token(const char *token, struct error *err);	/* fit for a header */
int kube_check_pem(const char *cert_pem, const char *key_pem, struct error *err);	/* NULLs are fine */
int kube_service_account(const char *folder, struct kube_config *ret, struct error *err);
/* The token to send (owned by the caller; NULL: none), by file or plugin where need be; k->plugin may change, then sessions are closed. */
int kube_authenticate(struct kube *k, uint64_t deadline_ns, char **ret_token, struct error *err);
/* Answer of a plugin. */
int kube_plugin_answer(const char *text, size_t len, const char *api_version, struct kube_credentials *ret, struct error *err);
void kube_credentials_release(struct kube_credentials *c);
uint64_t kube_time_ns(const char *rfc3339);	/* CLOCK_NEVER: it is none */

/* ---- kube_certificate.c */
bool kube_certificate_end(const char *pem, char out[CLOCK_RFC3339_SIZE]);	/* of the first one; false: it cannot be read */
/* "; our client certificate expired 2026-11-20T00:00:00Z", when that is so; "" otherwise. */
void kube_explain_unauthorized(const struct kube *k, struct strbuf *out);
