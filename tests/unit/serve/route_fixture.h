/* SPDX-License-Identifier: Apache-2.0
 * A service without a socket: a store, no tokens, one name. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/route_private.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

struct fixture {
	char folder[64];
	struct loop *loop;
	struct service s;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = { 0 };

	strcpy(f->folder, "/tmp/route_test.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->s.quiet = true;
	f->s.package_max = 1000;
	strvec_push(&f->s.hosts, "sandbox.example.org");
	if (auth_open(NULL, &f->s.auth, &err) < 0 || store_open(f->folder, &f->s.store, &err) < 0)
		fail_msg("%s", err.text);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	for (size_t i = 0; i < f->s.listeners_len; i++)
		httpd_close(f->s.listeners[i]);
	loop_free(f->loop);
	store_close(f->s.store);
	auth_close(f->s.auth);
	strvec_release(&f->s.hosts);
	remove_tree_at(AT_FDCWD, f->folder, &err);
	free(f);
	return 0;
}

static void add_header(struct request *rq, const char *header)
{
	size_t n = strcspn(header, ":");

	pairs_add_take(&rq->headers, xstrndup(header, n), xstrdup(header + n + 1 + strspn(header + n + 1, " ")));
}

/* `headers`: "Name: value|Name: value" */
static struct request *request_with(const char *method, const char *target, const char *headers)
{
	struct request *rq = request_new(method, target);

	snprintf(rq->peer.address, sizeof(rq->peer.address), "127.0.0.1");
	while (headers && *headers) {
		size_t n = strcspn(headers, "|");
		autofree char *header = xstrndup(headers, n);

		add_header(rq, header);
		headers += n + (headers[n] == '|');
	}
	return rq;
}
