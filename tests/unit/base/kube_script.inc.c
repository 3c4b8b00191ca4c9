/* SPDX-License-Identifier: Apache-2.0
 * A server that follows a script, for the tests of the client: what a real one does only on its bad days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/kube.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"	/* steps say what matters */

/* ---- the server */

enum how {
	PLAIN,		/* status, headers, body with its length */
	STREAM,		/* chunked; the body is sent, then the end */
	CUT,		/* chunked; the connection breaks within a chunk */
	HELD,		/* chunked; the body is sent, then nothing: neither bytes nor an end */
	RESET,		/* no answer, the connection is closed */
	SILENT,		/* no answer, it stays open */
	RAW,		/* the body is all there is */
	FLOOD,		/* as many bytes as anybody will take */
	BIG_HEADER,
};

struct step {
	const char *expect;	/* the request line begins with it */
	int status;
	const char *body;
	enum how how;
	const char *headers;	/* "Name: value\r\n" */
	const char *also;	/* what must stand in the request, too */
};

static struct {
	pthread_mutex_t lock;
	const struct step *steps;
	size_t len, next;
	char surprise[600];	/* a request that the script does not have */
} script = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int port;

static void say(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void flood(int fd)
{
	char block[65536];

	memset(block, 'x', sizeof(block));
	for (size_t i = 79; i < sizeof(block); i += 80)
		block[i] = '\n';
	for (unsigned int sent = 0; sent < (1u << 14); sent++) {	/* a GiB in all */
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) != (ssize_t)sizeof(block))
			return;
	}
}

static void wait_for_end(int fd)
{
	char c;

	for (int i = 0; i < 600; i++) {		/* never for ever, should the client be wrong */
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 100) > 0 && recv(fd, &c, 1, 0) <= 0)
			return;
	}
}

static void answer(int fd, const struct step *s)
{
	const size_t len = s->body ? strlen(s->body) : 0;
	autofree char *head = xasprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n%s", s->status,
					s->headers ? s->headers : "");
	autofree char *chunk = xasprintf("%s%s%zx\r\n", head, "Transfer-Encoding: chunked\r\n\r\n", s->how == CUT ? len + 50 : len);

	switch (s->how) {
	case PLAIN: {
		autofree char *text = xasprintf("%sContent-Length: %zu\r\n\r\n%s", head, len, s->body ? s->body : "");

		say(fd, text, strlen(text));
		break;
	}
	case STREAM:
	case CUT:
	case HELD:
		say(fd, chunk, strlen(chunk));
		say(fd, s->body, len);
		if (s->how != CUT)
			say(fd, "\r\n", 2);
		if (s->how == STREAM)
			say(fd, "0\r\n\r\n", 5);
		if (s->how == HELD)
			wait_for_end(fd);
		break;
	case SILENT:
		wait_for_end(fd);
		break;
	case RAW:
		say(fd, s->body, len);
		break;
	case FLOOD:
		say(fd, head, strlen(head));
		say(fd, "\r\n", 2);
		flood(fd);
		break;
	case BIG_HEADER:
		say(fd, "HTTP/1.1 200 OK\r\nX: ", 20);
		flood(fd);
		break;
	case RESET:
		break;
	}
}

static const struct step *next_step(const char *request)
{
	const struct step *s = NULL;

	pthread_mutex_lock(&script.lock);
	if (script.next < script.len) {
		s = &script.steps[script.next];
		if (strncmp(request, s->expect, strlen(s->expect)) != 0 || (s->also && !strstr(request, s->also)))
			s = NULL;
		else
			script.next++;
	}
	if (!s && !script.surprise[0])
		snprintf(script.surprise, sizeof(script.surprise), "after %zu steps: %.500s", script.next, request);
	pthread_mutex_unlock(&script.lock);
	return s;
}

static void *serve(void *arg)
{
	static const struct step unknown = { .status = 418 };
	int fd = (int)(intptr_t)arg;
	char request[16384];
	size_t len = 0;
	ssize_t n;

	do {		/* bodies are small enough to come along */
		n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		request[len] = '\0';
	} while (n > 0 && !strstr(request, "\r\n\r\n"));
	if (len) {
		const struct step *s = next_step(request);

		answer(fd, s ? s : &unknown);
	}
	shutdown(fd, SHUT_RDWR);
	close(fd);
	return NULL;
}

static void *listen_for_ever(void *arg)
{
	for (;;) {
		int fd = accept4((int)(intptr_t)arg, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;

		if (fd >= 0 && pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
	}
	return NULL;
}

static int start(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t t;

	(void)state;
	if (bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	port = ntohs(address.sin_port);
	return pthread_create(&t, NULL, listen_for_ever, (void *)(intptr_t)listener);
}

static struct kube *open_script(const struct step *steps, size_t len)
{
	autofree char *url = xasprintf("http://127.0.0.1:%d", port);
	struct kube_config cfg = { .server = url, .token = (char *)"hunter22" };
	struct error err = { .code = ERR_OK };
	struct kube *k = kube_open(&cfg, &err);

	if (!k)
		fail_msg("%s", err.text);
	pthread_mutex_lock(&script.lock);
	script.steps = steps;
	script.len = len;
	script.next = 0;
	script.surprise[0] = '\0';
	pthread_mutex_unlock(&script.lock);
	return k;
}

static size_t steps_done(void)
{
	size_t n;

	pthread_mutex_lock(&script.lock);
	n = script.next;
	pthread_mutex_unlock(&script.lock);
	return n;
}

static void close_script(struct kube *k, const char *what)
{
	kube_close(k);
	if (script.surprise[0] || steps_done() != script.len)
		fail_msg("%s: %zu of %zu steps; %s", what, steps_done(), script.len, script.surprise);
}

#define OPEN(steps) open_script(steps, ARRAY_SIZE(steps))

static const char *const none[] = { NULL };
static const struct kube_type pods = { .group = "", .version = "v1", .api_version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod",
	.short_names = none, .subresources = none, .namespaced = true };

#define STATUS(code, reason, message) \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message "\",\"reason\":\"" reason "\",\"code\":" #code "}"
