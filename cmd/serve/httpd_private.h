/* SPDX-License-Identifier: Apache-2.0
 * httpd_private: what the files of httpd share. Only they may include this, and it alone includes libmicrohttpd's header.
 *
 * An exchange is one request and its answer. Who holds it: MHD (as the request's context) until it calls on_completed(); when the client
 * goes away while a handler that cannot be abandoned still works, the exchange outlives that as an orphan, until the handler answers.
 *
 *	URI ──head──▶ BODY ──all of it──▶ WAITING for httpd_answer() ──queued──▶ SENDING ──▶ end
 *	  └──────────────└──refused, or too much, or too late──────────────────────▲
 */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "cmd/serve/httpd.h"

/* X(function): every function used, by its name without "MHD_" */
#define MHD_FUNCTIONS(X)                                                                                                   \
	X(start_daemon) X(stop_daemon) X(get_daemon_info) X(get_timeout) X(run) X(add_connection) X(get_connection_info)   \
	X(get_connection_values_n) X(suspend_connection) X(resume_connection) X(queue_response) X(is_feature_supported)    \
	X(create_response_from_buffer) X(create_response_from_fd64) X(create_response_from_callback) X(destroy_response)   \
	X(add_response_header)

#define MHD_POINTER(f) __typeof__(MHD_##f) *f;
struct mhd { MHD_FUNCTIONS(MHD_POINTER) };
#undef MHD_POINTER

int mhd_load(struct error *err);	/* idempotent */
extern const struct mhd *const mhd;	/* filled in by the first mhd_load(), constant from then on */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

struct httpd {
	struct service *service;
	struct loop *loop;
	struct httpd_limits limits;
	bool tls, stopped;
	char *shown;

	struct MHD_Daemon *daemon;
	struct loop_watch *watch;	/* of its epoll descriptor */
	struct loop_timer *timer;	/* when it wants to run without an event */
	bool running;			/* within MHD_run() */
	bool kicked;			/* run once more at once */
	struct strbuf said;		/* by the library, while it starts */

	struct connection *connections;
	size_t connections_len, bodies;
	size_t untold;			/* connections that MHD has taken, but tells us of in its next run only (1.0 does so) */
	struct exchange_list { struct httpd_exchange *head; } pending, orphans;

	/* httpd_listen.c */
	int listener, reserve;		/* reserve: a descriptor for the time when there is none */
	struct loop_watch *listen_watch;
	struct loop_timer *listen_again;
	char *unlink_path;		/* of our unix socket */
	dev_t unlink_dev;
	ino_t unlink_ino;

	/* httpd_linger.c */
	struct lingerer *lingering;
	size_t lingering_len;
};

struct connection {
	struct httpd *httpd;
	struct connection *prev, *next;
	struct MHD_Connection *mhd;
	int fd;				/* MHD's */
	struct peer peer;
	union address address;
	struct httpd_exchange *exchange;	/* the one it is in */
	struct loop_timer *deadline;	/* of the complete request … */
	uint64_t deadline_ns;		/* … armed for */
	bool served, cut;		/* its last request came to us; it was too slow */
	bool linger;			/* we end it although the client may still be sending */
};

enum phase { PHASE_URI, PHASE_BODY, PHASE_WAITING, PHASE_SENDING };

struct httpd_exchange {
	struct httpd *httpd;
	struct connection *connection;	/* NULL: an orphan */
	struct httpd_exchange *prev, *next;
	enum phase phase;
	bool suspended, woken, gone;
	bool ends;			/* its answer is the last of the connection */
	char *target;			/* until there is a request */
	struct request *rq;		/* until its answer is on its way */
	size_t body_max, held;		/* held: bytes of its body, while there is a request */
	struct response *answer;
	struct stream *stream;		/* of an answer in pieces; owned by its MHD_Response */
	struct loop_watch *hangup;	/* while suspended: MHD looks away then */
};

/* httpd.c */
void httpd_run(struct httpd *h);	/* now; not from within a callback of MHD */
void httpd_kick(struct httpd *h);	/* soon */
void exchange_suspend(struct httpd_exchange *x);
void exchange_resume(struct httpd_exchange *x);
void connection_deadline(struct connection *c, uint64_t at_ns);
void connection_cut(struct connection *c);	/* it ends soon, by itself */

/* httpd_body.c, httpd_form.c: requests with a body */
struct response *body_framing_refused(const struct request *rq);	/* two lengths, codings nobody knows: NULL is fine */
bool body_is_announced(const struct request *rq, uint64_t *ret_len);	/* UINT64_MAX: in chunks */
struct response *body_begin(struct httpd_exchange *x);			/* NULL, or the refusal */
struct response *body_add(struct httpd_exchange *x, const char *data, size_t len);
struct response *body_end(struct httpd_exchange *x);
void body_release(struct httpd_exchange *x);
#define BODIES_MAX ((size_t)256 << 20)	/* bytes of all bodies that are there at a time */
/* multipart/form-data: its fields, in order, into `rq`. Bounded by the body and FORM_FIELDS. */
#define FORM_FIELDS 64
int form_parse(const char *content_type, const char *body, size_t len, struct request *rq, struct error *err);
bool form_is_announced(const char *content_type);	/* NULL is fine */

/* httpd_answer.c: answers on their way out */
enum MHD_Result answer_queue(struct httpd_exchange *x);	/* x->answer, which is gone afterwards */
void answer_raw(struct httpd_exchange *x);		/* the same past MHD, which takes none while a body comes; the connection has to end */
void stream_forget(struct httpd_exchange *x);

/* httpd_listen.c */
int listen_open(struct httpd *h, const char *text, struct error *err);
void listen_close(struct httpd *h);
int listen_take(struct httpd *h, int fd, struct error *err);	/* `fd` is consumed */
void listen_introduce(struct connection *c);	/* fills in who is at the other end */

/* httpd_linger.c: sockets of connections that we have ended, kept until the client has read why */
void linger_add(struct httpd *h, int fd);	/* a duplicate of it is made */
void linger_free_all(struct httpd *h);
