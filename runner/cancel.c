/* SPDX-License-Identifier: Apache-2.0
 *
 * An epoll descriptor over a signalfd and a timerfd. Reading a signal would make the first one quiet again, so the timer is then
 * set to a moment that has passed and never read: it stays readable until cancel_acknowledge(). */
#include "runner/cancel.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

struct cancel {
	int epoll_fd, signal_fd, timer_fd;
	uint64_t deadline_ns;
	uint64_t paused_ns;	/* since when */
	sigset_t before;
	bool requested;		/* since the last acknowledge */
	bool decided;		/* the first request was seen: `first` says which it was */
	int first;		/* signal, or 0 for the deadline */
	unsigned int count;
};

/* A SIGHUP that is ignored from the start means nohup: it stays ignored. An ignored SIGINT or SIGQUIT only means that a script
 * started us in the background; whoever sends one on purpose is obeyed. */
static void wanted_signals(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGQUIT);
	if (sigaction(SIGHUP, NULL, &hup) < 0 || hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

static int arm(const struct cancel *c, uint64_t at_ns)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at_ns / NS_PER_SEC), .tv_nsec = (long)(at_ns % NS_PER_SEC) },
	};

	return timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int disarm(const struct cancel *c)
{
	return arm(c, 0);	/* also forgets an expiry */
}

static int add(const struct cancel *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

	return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int cancel_new(uint64_t deadline_ns, struct cancel **ret, struct error *err)
{
	struct cancel *c = xcalloc(1, sizeof(*c));
	sigset_t set;

	c->deadline_ns = deadline_ns;
	wanted_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &c->before);
	c->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->signal_fd < 0 || c->timer_fd < 0 || c->epoll_fd < 0 || add(c, c->signal_fd) < 0 || add(c, c->timer_fd) < 0 ||
	    (deadline_ns != CLOCK_NEVER && arm(c, deadline_ns ? deadline_ns : 1) < 0)) {
		error_sys(err, ERR_UNAVAILABLE, "cannot watch for signals and the deadline");
		cancel_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* Read what came. A signal that came together with the deadline is what people will have seen, so it counts as the reason. */
static void look(struct cancel *c)
{
	struct signalfd_siginfo info;
	bool before = c->requested;
	uint64_t expired;

	while (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!c->decided)
			c->first = (int)info.ssi_signo;
		c->decided = c->requested = true;
		c->count++;
	}
	if (!c->requested && read(c->timer_fd, &expired, sizeof(expired)) == (ssize_t)sizeof(expired))
		c->decided = c->requested = true;
	if (c->requested && !before)
		arm(c, 1);
}

void cancel_free(struct cancel *c)
{
	const int fds[] = { c ? c->epoll_fd : -1, c ? c->signal_fd : -1, c ? c->timer_fd : -1 };

	if (!c)
		return;
	if (c->signal_fd >= 0)
		look(c);	/* a signal still pending would end us the moment it is let through */
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	sigprocmask(SIG_SETMASK, &c->before, NULL);
	free(c);
}

uint64_t cancel_deadline_ns(const struct cancel *c)
{
	return c->deadline_ns;
}

int cancel_fd(const struct cancel *c)
{
	return c->epoll_fd;
}

bool cancel_requested(struct cancel *c)
{
	look(c);
	return c->requested;
}

int cancel_signal(const struct cancel *c)
{
	return c->first;
}

unsigned int cancel_count(const struct cancel *c)
{
	return c->count;
}

void cancel_pause(struct cancel *c)
{
	look(c);
	c->paused_ns = clock_monotonic_ns();
	if (!c->requested)
		disarm(c);
}

/* Once cancelled the timer is what keeps the descriptor readable: then it stays as it is. */
void cancel_resume(struct cancel *c)
{
	if (c->deadline_ns == CLOCK_NEVER)
		return;
	c->deadline_ns += clock_monotonic_ns() - c->paused_ns;
	if (!c->requested)
		arm(c, c->deadline_ns);
}

void cancel_acknowledge(struct cancel *c)
{
	look(c);
	c->requested = false;
	disarm(c);
}
