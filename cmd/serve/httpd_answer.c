/* SPDX-License-Identifier: Apache-2.0
 * Answers on their way out: a struct response becomes an MHD_Response, and what the request held is freed before the first byte is sent: a
 * stream that stays open for hours costs its connection and nothing else. */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "cmd/serve/httpd_private.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"

#define STREAM_BLOCK 1024	/* MHD allocates it for every stream; chunks are made in the memory of the connection */

/* Outlives the exchange: MHD closes the source when it frees the response. */
struct stream {
	struct httpd_exchange *x;	/* NULL: ended */
	struct body_source *source;
};

static ssize_t stream_read(void *cls, uint64_t position, char *buf, size_t max)
{
	struct stream *s = cls;
	struct httpd_exchange *x = s->x;
	ssize_t n;

	(void)position;
	if (!x || x->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	x->woken = false;
	n = s->source->read(s->source, buf, max);
	if (n > 0)
		return n;
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	exchange_suspend(x);
	if (x->woken)	/* from within its read() */
		exchange_resume(x);
	return 0;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;

	stream_forget(s->x);
	s->source->close(s->source);
	free(s);
}

void stream_forget(struct httpd_exchange *x)
{
	if (!x || !x->stream)
		return;
	x->stream->source->exchange = NULL;
	x->stream->x = NULL;
	x->stream = NULL;
}

static struct MHD_Response *from_source(struct httpd_exchange *x, struct response *r)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	struct MHD_Response *m;

	*s = (struct stream){ .x = x, .source = steal_ptr(&r->source) };
	x->stream = s;
	s->source->exchange = x;
	m = mhd->create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, s, stream_free);
	if (!m)
		stream_free(s);
	return m;
}

static struct MHD_Response *from_response(struct httpd_exchange *x, struct response *r)
{
	struct MHD_Response *m;
	size_t len = r->body.len;
	char *text;

	if (r->source)
		return from_source(x, r);
	if (r->fd >= 0) {
		int fd = steal_fd(&r->fd);

		m = mhd->create_response_from_fd64(r->fd_len, fd);
		if (!m)
			close(fd);
		return m;
	}
	text = strbuf_detach(&r->body);
	m = mhd->create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!m)
		free(text);
	return m;
}

/* Ours to say, not a handler's. */
static bool is_framing(const char *name)
{
	return !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding") || !strcasecmp(name, "Connection");
}

enum MHD_Result answer_queue(struct httpd_exchange *x)
{
	struct response *r = steal_ptr(&x->answer);
	struct MHD_Response *m = from_response(x, r);
	enum MHD_Result rc = MHD_NO;

	x->phase = PHASE_SENDING;
	request_free(steal_ptr(&x->rq));
	body_release(x);
	for (size_t i = 0; m && i < r->headers.len; i++)
		if (!is_framing(r->headers.items[i].name))
			mhd->add_response_header(m, r->headers.items[i].name, r->headers.items[i].value);
	if (m && (x->ends || x->httpd->stopped))
		mhd->add_response_header(m, "Connection", "close");
	if (m) {
		rc = mhd->queue_response(x->connection->mhd, (unsigned int)r->status, m);
		mhd->destroy_response(m);
	}
	response_free(r);
	return rc;
}

/* One function of GnuTLS, which libmicrohttpd has loaded; its headers are not needed for that. */
static ssize_t tls_send(void *session, const void *data, size_t len)
{
	static ssize_t (*record_send)(void *session, const void *data, size_t len);
	static const struct library_symbol symbols[] = { { "gnutls_record_send", &record_send } };

	if (!record_send && library_load("libgnutls.so.30", "libgnutls30", symbols, ARRAY_SIZE(symbols), NULL) < 0)
		return -1;
	return record_send(session, data, len);
}

/* At once or not at all: nothing has been sent on it yet that could fill its buffer; if it is full nevertheless, nobody reads. */
static void send_raw(const struct connection *c, const char *data, size_t len)
{
	ssize_t n = c->httpd->tls ? tls_send(mhd->get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session, data, len)
				  : send(c->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)n;
}

void answer_raw(struct httpd_exchange *x)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct response *r = steal_ptr(&x->answer);

	x->phase = PHASE_SENDING;
	x->connection->linger = true;
	strbuf_addf(&out, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", r->status, status_title(r->status), r->body.len);
	for (size_t i = 0; i < r->headers.len; i++)
		if (!is_framing(r->headers.items[i].name))
			strbuf_addf(&out, "%s: %s\r\n", r->headers.items[i].name, r->headers.items[i].value);
	strbuf_addstr(&out, "\r\n");
	if (strcmp(x->rq->method, "HEAD"))
		strbuf_add(&out, r->body.buf, r->body.len);
	send_raw(x->connection, out.buf, out.len);
	response_free(r);
}
