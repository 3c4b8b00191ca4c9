/* SPDX-License-Identifier: Apache-2.0
 * httpd: the daemon in our loop, connections, and the course of an exchange. What MHD needs to be told:
 *  - it runs when its epoll descriptor is readable, when the time it asked for has come, and after every resumption;
 *  - a suspended connection is not looked at by it: we watch for the client's leaving, then resume, and end it in the callback;
 *  - its callbacks come from MHD_run() only, so what happens outside is noted in the exchange and looked at in the next callback. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "cmd/serve/httpd_private.h"
#include "cmd/serve/route.h"
#include "runner/base/clock.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"

static struct mhd table;
const struct mhd *const mhd = &table;

int mhd_load(struct error *err)
{
#define SYMBOL(f) { "MHD_" #f, &table.f },
	static const struct library_symbol symbols[] = { MHD_FUNCTIONS(SYMBOL) };
#undef SYMBOL
	static bool loaded;

	if (!loaded && library_load("libmicrohttpd.so.12", "libmicrohttpd12", symbols, ARRAY_SIZE(symbols), err) < 0)
		return -1;
	loaded = true;
	return 0;
}

/* ---- the daemon in the loop */

static void arm(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->kicked)
		loop_timer_set(h->timer, 0);
	else if (mhd->get_timeout(h->daemon, &ms) == MHD_YES)
		loop_timer_set(h->timer, ms ? clock_deadline(ms * NS_PER_MS) : 0);
	else
		loop_timer_set(h->timer, CLOCK_NEVER);
}

void httpd_run(struct httpd *h)
{
	h->running = true;
	h->kicked = false;
	mhd->run(h->daemon);
	h->running = false;
	h->untold = 0;
	arm(h);
}

static void on_daemon_ready(void *data, uint32_t events)
{
	(void)events;
	httpd_run(data);
}

static void on_daemon_time(void *data)
{
	httpd_run(data);
}

void httpd_kick(struct httpd *h)
{
	h->kicked = true;
	if (!h->running)
		loop_timer_set(h->timer, 0);
}

/* ---- connections */

static void on_deadline(void *data)
{
	struct connection *c = data;
	struct httpd_exchange *x = c->exchange;

	if (x && x->phase == PHASE_BODY) {
		request_reply(x->rq, response_problem(408, "request_timeout", NULL, "the request did not come completely in time"));
		answer_raw(x);
	}
	connection_cut(c);
}

void connection_deadline(struct connection *c, uint64_t at_ns)
{
	c->deadline_ns = at_ns;
	loop_timer_set(c->deadline, at_ns);
}

/* MHD sees the end of input, and closes; what has been sent still goes out. */
void connection_cut(struct connection *c)
{
	connection_deadline(c, CLOCK_NEVER);
	c->cut = true;
	shutdown(c->fd, SHUT_RD);
	if (c->exchange && c->exchange->suspended)
		exchange_resume(c->exchange);
}

static void connection_started(struct httpd *h, struct MHD_Connection *m, void **context)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	*c = (struct connection){ .httpd = h, .mhd = m, .next = h->connections };
	c->fd = mhd->get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	c->deadline = loop_timer_new(h->loop, on_deadline, c);
	connection_deadline(c, clock_deadline(h->limits.request_ns));
	if (c->next)
		c->next->prev = c;
	h->connections = c;
	h->connections_len++;
	if (h->untold)
		h->untold--;
	listen_introduce(c);
	*context = c;
}

/* Bytes that nobody has read would turn our last words into a reset. What MHD refuses by itself (a head that is too large, no HTTP) is not told
 * to us: then the request has got no answer of ours, and the client has not closed. */
static bool may_still_be_sending(const struct connection *c)
{
	int unread = 0;
	char byte;

	if (c->linger || (ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0))
		return true;
	return !c->served && !c->cut && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static void connection_closed(struct httpd *h, struct connection *c)
{
	if (may_still_be_sending(c))
		linger_add(h, c->fd);
	loop_timer_free(c->deadline);
	if (c->prev)
		c->prev->next = c->next;
	else
		h->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	h->connections_len--;
	free(c);
}

static void on_connection(void *cls, struct MHD_Connection *m, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_started(cls, m, context);
	else if (*context)
		connection_closed(cls, *context);
}

/* ---- exchanges */

static void list_add(struct exchange_list *l, struct httpd_exchange *x)
{
	x->prev = NULL;
	x->next = l->head;
	if (x->next)
		x->next->prev = x;
	l->head = x;
}

static void list_remove(struct exchange_list *l, struct httpd_exchange *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		l->head = x->next;
	if (x->next)
		x->next->prev = x->prev;
}

static void exchange_free(struct httpd_exchange *x)
{
	request_free(x->rq);
	body_release(x);
	response_free(x->answer);
	free(x->target);
	free(x);
}

/* The handler is told that nobody waits any more. One that cannot be told still gets to answer: to an orphan. */
static bool abandon(struct httpd_exchange *x)
{
	void (*tell)(struct request *rq) = x->rq->abandon;

	if (!tell)
		return false;
	x->rq->abandon = NULL;
	tell(x->rq);
	route_abandon(x->rq->service, x->rq);
	return true;
}

static void on_hangup(void *data, uint32_t events)
{
	struct httpd_exchange *x = data;

	(void)events;
	x->gone = true;
	exchange_resume(x);
}

void exchange_suspend(struct httpd_exchange *x)
{
	x->suspended = true;
	mhd->suspend_connection(x->connection->mhd);
	/* Who has closed his sending side only is taken for gone, too: from here they look the same. Without the watch (no memory) he is seen
	 * gone when we next write to him. */
	x->hangup = loop_watch(x->httpd->loop, x->connection->fd, EPOLLRDHUP, on_hangup, x);
}

void exchange_resume(struct httpd_exchange *x)
{
	x->suspended = false;
	loop_unwatch(x->hangup);
	x->hangup = NULL;
	mhd->resume_connection(x->connection->mhd);
	httpd_kick(x->httpd);
}

void httpd_wake(struct httpd_exchange *x)
{
	if (x->suspended)
		exchange_resume(x);
	else
		x->woken = true;
}

void httpd_answer(struct httpd_exchange *x, struct response *r)
{
	if (!x->connection) {	/* an orphan */
		list_remove(&x->httpd->orphans, x);
		response_free(r);
		exchange_free(x);
		return;
	}
	x->answer = r;
	if (x->phase == PHASE_WAITING && x->suspended)
		exchange_resume(x);
}

/* MHD has the request line. A kept connection may have been idle for long: from here on it is a request that has to come in time. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *m)
{
	struct httpd *h = cls;
	struct connection *c = mhd->get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct httpd_exchange *x = xcalloc(1, sizeof(*x));
	uint64_t latest = clock_deadline(h->limits.request_ns);

	if (latest < c->deadline_ns)
		connection_deadline(c, latest);
	*x = (struct httpd_exchange){ .httpd = h, .connection = c, .phase = PHASE_URI, .target = xstrdup(uri ? uri : "") };
	list_add(&h->pending, x);
	c->exchange = x;
	c->served = false;
	return x;
}

/* What MHD lets pass and others might read otherwise: a name with blanks, a carriage return or NUL within a value. */
static bool is_plain_header(const char *name, size_t name_len, const char *value, size_t value_len)
{
	for (size_t i = 0; i < name_len; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", name[i]))
			return false;
	for (size_t i = 0; i < value_len; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
			return false;
	return name_len > 0;
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct httpd_exchange *x = cls;

	(void)kind;
	if (is_plain_header(name, name_len, value, value ? value_len : 0))
		pairs_add(&x->rq->headers, name, value ? value : "");
	else
		x->ends = true;
	return MHD_YES;
}

static void reply(struct httpd_exchange *x, struct response *r)
{
	connection_deadline(x->connection, CLOCK_NEVER);
	request_reply(x->rq, r);
}

/* Answer from within MHD's callback for the head or the end of the body. */
static enum MHD_Result refuse(struct httpd_exchange *x, struct response *refusal)
{
	reply(x, refusal);
	return answer_queue(x);
}

static enum MHD_Result on_head(struct httpd_exchange *x, const char *method)
{
	struct connection *c = x->connection;
	struct request *rq = request_new(method, x->target);
	struct response *refusal;
	uint64_t announced = 0;

	x->rq = rq;
	free(steal_ptr(&x->target));
	rq->exchange = x;
	rq->service = x->httpd->service;
	rq->tls = x->httpd->tls;
	rq->peer = c->peer;
	mhd->get_connection_values_n(c->mhd, MHD_HEADER_KIND, add_header, x);
	refusal = x->ends ? response_problem(400, "bad_header", NULL, "a header has characters that do not belong there") : body_framing_refused(rq);
	x->ends = refusal;	/* where the next request would begin is anybody's guess */
	if (!refusal)
		refusal = route_accept(rq->service, rq, &x->body_max);
	if (!refusal && body_is_announced(rq, &announced))
		refusal = body_begin(x);
	if (!refusal) {
		x->phase = PHASE_BODY;
		return MHD_YES;
	}
	if (body_is_announced(rq, &announced)) {
		c->linger = true;	/* MHD ends the connection then, although the client may still be sending */
		return refuse(x, refusal);
	}
	/* queued here it would end the connection, too: queued at the end of the request that has no body it does not */
	reply(x, refusal);
	x->phase = PHASE_WAITING;
	return MHD_YES;
}

static enum MHD_Result on_body(struct httpd_exchange *x, const char *data, size_t len)
{
	struct response *refusal = body_add(x, data, len);

	if (!refusal)
		return MHD_YES;
	reply(x, refusal);
	answer_raw(x);
	return MHD_NO;
}

static enum MHD_Result on_complete(struct httpd_exchange *x)
{
	struct response *refusal = body_end(x);

	connection_deadline(x->connection, CLOCK_NEVER);
	if (refusal)
		return refuse(x, refusal);
	x->phase = PHASE_WAITING;
	route_dispatch(x->rq->service, x->rq);
	if (x->answer)
		return answer_queue(x);
	exchange_suspend(x);
	return MHD_YES;
}

static enum MHD_Result on_resumed(struct httpd_exchange *x)
{
	if (x->answer && !x->gone)
		return answer_queue(x);
	if (x->gone)
		return MHD_NO;
	exchange_suspend(x);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *m, const char *url, const char *method, const char *version,
				 const char *data, size_t *len, void **context)
{
	struct httpd_exchange *x = *context;
	enum MHD_Result rc = MHD_NO;

	(void)cls, (void)m, (void)url, (void)version;
	if (!x)
		return MHD_NO;
	switch (x->phase) {
	case PHASE_URI:
		return on_head(x, method);
	case PHASE_BODY:
		if (!*len)
			return on_complete(x);
		rc = on_body(x, data, *len);
		*len = 0;
		return rc;
	case PHASE_WAITING:
		return on_resumed(x);
	case PHASE_SENDING:
		break;
	}
	return MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *m, void **context, enum MHD_RequestTerminationCode why)
{
	struct httpd *h = cls;
	struct httpd_exchange *x = *context;

	(void)m, (void)why;
	if (!x)
		return;
	*context = NULL;
	loop_unwatch(x->hangup);
	x->hangup = NULL;
	stream_forget(x);
	x->connection->exchange = NULL;
	x->connection->served = x->phase != PHASE_URI;
	connection_deadline(x->connection, clock_deadline(h->limits.idle_ns > h->limits.request_ns ? h->limits.idle_ns : h->limits.request_ns));
	list_remove(&h->pending, x);
	x->connection = NULL;
	x->suspended = false;
	if (x->phase == PHASE_WAITING && !x->answer && !abandon(x)) {
		list_add(&h->orphans, x);
		return;
	}
	exchange_free(x);
}

/* ---- open and close */

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list ap)
{
	struct httpd *h = cls;

	if (!h->daemon)
		strbuf_vaddf(&h->said, fmt, ap);
}

static size_t leave_escapes(void *cls, struct MHD_Connection *m, char *s)
{
	(void)cls, (void)m;
	return strlen(s);
}

static int start(struct httpd *h, const struct httpd_address *a, struct error *err)
{
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | (h->tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(intptr_t)a->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(intptr_t)a->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(intptr_t)"NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL" },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (h->tls && mhd->is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return error_set(err, ERR_UNAVAILABLE, "this libmicrohttpd is built without TLS");
	h->daemon = mhd->start_daemon(flags, 0, NULL, NULL, on_access, h,
				      MHD_OPTION_EXTERNAL_LOGGER, on_log, h,
				      MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				      MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				      MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
				      MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, h,
				      MHD_OPTION_CONNECTION_LIMIT, h->limits.connections,
				      MHD_OPTION_CONNECTION_MEMORY_LIMIT, h->limits.head_bytes,
				      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)((h->limits.idle_ns + NS_PER_SEC - 1) / NS_PER_SEC),
				      MHD_OPTION_STRICT_FOR_CLIENT, 1,
				      MHD_OPTION_ARRAY, h->tls ? tls : &tls[ARRAY_SIZE(tls) - 1],
				      MHD_OPTION_END);
	if (!h->daemon)
		return error_set(err, h->tls ? ERR_USAGE : ERR_UNAVAILABLE, "libmicrohttpd cannot start%s: %s",
				 h->tls ? " with this certificate and key" : "", h->said.len ? h->said.buf : strerror(errno));
	h->timer = loop_timer_new(h->loop, on_daemon_time, h);
	h->watch = loop_watch(h->loop, mhd->get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, EPOLLIN, on_daemon_ready, h);
	if (!h->watch)
		return error_sys(err, ERR_UNAVAILABLE, "watching connections");
	arm(h);
	return 0;
}

int httpd_open(struct service *s, struct loop *l, const struct httpd_address *address, const struct httpd_limits *limits, struct httpd **ret, struct error *err)
{
	struct httpd *h;

	if (mhd_load(err) < 0)
		return -1;
	h = xcalloc(1, sizeof(*h));
	*h = (struct httpd){ .service = s, .loop = l, .limits = *limits, .listener = -1, .reserve = -1, .tls = address->certificate };
	strbuf_init(&h->said, 500);
	if (start(h, address, err) < 0 || (address->text && listen_open(h, address->text, err) < 0)) {
		httpd_close(h);
		return -1;
	}
	*ret = h;
	return 0;
}

const char *httpd_shown(const struct httpd *h)
{
	return h->shown ? h->shown : "";
}

void httpd_stop_accepting(struct httpd *h)
{
	h->stopped = true;
	listen_close(h);
}

size_t httpd_connections(const struct httpd *h)
{
	return h->connections_len;
}

int httpd_adopt(struct httpd *h, int fd, struct error *err)
{
	return listen_take(h, fd, err);
}

/* MHD must not be stopped while connections are suspended. They are ended in the callbacks of stop_daemon(). */
void httpd_close(struct httpd *h)
{
	if (!h)
		return;
	listen_close(h);
	for (struct httpd_exchange *x = h->pending.head; x; x = x->next) {
		x->gone = true;
		if (x->suspended)
			exchange_resume(x);
	}
	if (h->daemon)
		mhd->stop_daemon(h->daemon);
	while (h->orphans.head) {
		struct httpd_exchange *x = h->orphans.head;

		list_remove(&h->orphans, x);
		exchange_free(x);
	}
	loop_unwatch(h->watch);
	loop_timer_free(h->timer);
	linger_free_all(h);
	strbuf_release(&h->said);
	free(h->shown);
	free(h);
}
