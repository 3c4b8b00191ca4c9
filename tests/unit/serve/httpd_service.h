/* SPDX-License-Identifier: Apache-2.0
 * httpd_service: a service of a few routes for tests of httpd; whoever includes it does not need route.c. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/httpd.h"
#include "cmd/serve/route.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define BODY_MAX 1000
#define PATIENCE_NS (20 * NS_PER_SEC)

static struct {
	struct loop *loop;
	struct httpd *httpd;
	unsigned int accepted, dispatched, finished, abandoned, closed;
	struct request *later, *stubborn;	/* /later, and one that cannot be abandoned: answered by the test */
	struct stream_source *streams;	/* /stream: the newest */
	struct peer peer;
	size_t body_len, fields_len;
	char fields[256];
} t;

struct stream_source {
	struct body_source base;
	const char *text;	/* what is there to send; NULL: nothing for now */
	bool end, wake_within_read;
	struct stream_source *next;
};

struct response *route_accept(struct service *s, struct request *rq, size_t *body_max)
{
	(void)s;
	t.accepted++;
	*body_max = BODY_MAX;
	if (!request_target_is_good(rq))
		return response_problem(400, "bad_target", NULL, "the path is none of ours");
	if (!strcmp(rq->target, "/refused"))
		return response_problem(403, "refused", NULL, "refused before the body");
	return NULL;
}

static inline ssize_t stream_read(struct body_source *s, char *buf, size_t max)
{
	struct stream_source *src = (struct stream_source *)s;
	size_t n;

	if (src->end)
		return -1;
	if (!src->text) {
		if (src->wake_within_read) {
			src->wake_within_read = false;
			src->text = "woken ";
			body_source_wake(s);
		}
		return 0;
	}
	n = strlen(src->text);
	assert_true(n <= max);
	memcpy(buf, src->text, n);
	src->text = NULL;
	return (ssize_t)n;
}

static inline void stream_close(struct body_source *s)
{
	struct stream_source **at = &t.streams;

	while (*at != (struct stream_source *)s)
		at = &(*at)->next;
	*at = (*at)->next;
	t.closed++;
	free(s);
}

static inline void abandoned(struct request *rq)
{
	assert_ptr_equal(rq, t.later);
	t.later = NULL;
	t.abandoned++;
}

static inline void reply_stream(struct request *rq)
{
	struct response *r = response_new(200);
	struct stream_source *s = xcalloc(1, sizeof(*s));

	s->base = (struct body_source){ .read = stream_read, .close = stream_close };
	s->text = "first ";
	s->wake_within_read = request_query(rq, "wake");
	s->next = t.streams;
	t.streams = s;
	response_header(r, "Content-Type", "text/event-stream");
	r->source = &s->base;
	request_reply(rq, r);
}

static inline void reply_file(struct request *rq)
{
	struct response *r = response_new(200);
	int fd = memfd_create("answer", MFD_CLOEXEC);
	char block[1000];

	memset(block, 'f', sizeof(block));
	for (int i = 0; i < 300; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	r->fd = fd;
	r->fd_len = 300 * sizeof(block);
	request_reply(rq, r);
}

void route_dispatch(struct service *s, struct request *rq)
{
	const char *what = rq->segments.len ? rq->segments.items[0] : "";

	(void)s;
	t.dispatched++;
	t.peer = rq->peer;
	t.body_len = rq->body.len;
	t.fields_len = rq->fields_len;
	t.fields[0] = '\0';
	for (size_t i = 0; i < rq->fields_len; i++) {
		const struct form_field *f = &rq->fields[i];
		size_t n = strlen(t.fields);

		snprintf(t.fields + n, sizeof(t.fields) - n, "%s(%s,%s)=%zu;", f->name, f->filename ? f->filename : "", f->content_type ? f->content_type : "", f->value.len);
	}
	if (!strcmp(what, "later")) {
		t.later = rq;
		rq->abandon = abandoned;
	} else if (!strcmp(what, "stubborn")) {
		t.stubborn = rq;
	} else if (!strcmp(what, "stream")) {
		reply_stream(rq);
	} else if (!strcmp(what, "file")) {
		reply_file(rq);
	} else {
		request_reply(rq, response_text(200, "text/plain", rq->body.len ? rq->body.buf : "hello", rq->body.len ? rq->body.len : 5));
	}
}

void route_finish(struct service *s, struct request *rq, struct response *r)
{
	(void)s;
	(void)rq;
	t.finished++;
	response_header(r, "X-Finished", "yes");
}

void route_abandon(struct service *s, struct request *rq)
{
	(void)s, (void)rq;
}
