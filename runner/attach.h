/* SPDX-License-Identifier: Apache-2.0
 * attach: how a kept sandbox is reached from outside: two unix sockets in the run's folder, for its owner (and root) only. One packet is
 * one JSON object; descriptors travel with it.
 *
 *	door "attach"	{"version":1,"argv":[…] or null,"term":"xterm" or null} + a terminal, or + stdin, stdout, stderr
 *			<- {"started":true} once it is our turn, and
 *			<- {"end":"exited","status":0} when the command is over; hanging up ends it
 *	door "end"	{"version":1}
 *			<- {"complete":true,"made":9,"gone":9} when all is gone
 *
 *	<- {"error":"…"} when it cannot be done
 */
#pragma once

#include "runner/base/json.h"

#define ATTACH_DOOR "attach"
#define ATTACH_END_DOOR "end"
#define ATTACH_VERSION 1
enum { ATTACH_FDS = 3 };

/* The runner's side: a listening socket `<scratch>/<door>`. */
int attach_listen(const char *scratch, const char *door, struct error *err);
/* The next one who knocks and may come in; -1: nobody of that kind (errno tells nothing). */
int attach_accept(int listener);

/* The other side. ERR_INVALID_INPUT when nobody listens there. */
int attach_connect(const char *state_dir, const char *run_id, const char *door, struct error *err);

/* 0, or -1 with err. */
int attach_send(int sock, const json_t *message, const int *fds, size_t fds_len, struct error *err);
/* Wait for a message until `cancel_fd` (-1: none) is readable. Missing descriptors are -1. -1: no message came. */
int attach_recv(int sock, int cancel_fd, json_t **ret, int fds[ATTACH_FDS], struct error *err);
