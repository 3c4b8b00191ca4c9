/* SPDX-License-Identifier: Apache-2.0
 * A socket that is closed with unread bytes in it sends a reset, which may overtake the answer that says why. So what we end while the
 * client may still be sending is kept, read and forgotten until the client has closed, for a bounded time and number of bytes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "cmd/serve/httpd_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define LINGER_SOCKETS 64
#define LINGER_NS (5 * NS_PER_SEC)
#define LINGER_BYTES ((size_t)16 << 20)

struct lingerer {
	struct httpd *httpd;
	int fd;
	size_t bytes;
	struct loop_watch *watch;
	struct loop_timer *timer;
	struct lingerer *prev, *next;
};

static void linger_free(void *data)
{
	struct lingerer *l = data;

	loop_unwatch(l->watch);
	loop_timer_free(l->timer);
	close(l->fd);
	if (l->prev)
		l->prev->next = l->next;
	else
		l->httpd->lingering = l->next;
	if (l->next)
		l->next->prev = l->prev;
	l->httpd->lingering_len--;
	free(l);
}

static void on_ready(void *data, uint32_t events)
{
	struct lingerer *l = data;
	char buf[16 << 10];
	ssize_t n = recv(l->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || (l->bytes += (size_t)n) > LINGER_BYTES)
		linger_free(l);
}

void linger_add(struct httpd *h, int fd)
{
	autoclose int copy = h->lingering_len < LINGER_SOCKETS ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	struct lingerer *l;

	if (copy < 0)
		return;
	shutdown(copy, SHUT_WR);
	l = xcalloc(1, sizeof(*l));
	*l = (struct lingerer){ .httpd = h, .fd = steal_fd(&copy), .next = h->lingering };
	if (l->next)
		l->next->prev = l;
	h->lingering = l;
	h->lingering_len++;
	l->timer = loop_timer_new(h->loop, linger_free, l);
	loop_timer_set(l->timer, clock_deadline(LINGER_NS));
	l->watch = loop_watch(h->loop, l->fd, EPOLLIN, on_ready, l);
	if (!l->watch)
		linger_free(l);
}

void linger_free_all(struct httpd *h)
{
	while (h->lingering)
		linger_free(h->lingering);
}
