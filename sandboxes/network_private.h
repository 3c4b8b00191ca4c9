/* SPDX-License-Identifier: Apache-2.0
 * network_private: what the files of the forwarder share. */
#pragma once

#include "sandboxes/network.h"

enum { NETWORK_FDS = 200 };	/* in one message: the kernel takes 253 */

/* 0, or -1 with errno. */
int network_send_fds(int sock, const int *fds, size_t len);
/* How many descriptors came, -1 with errno, 0 at end of file. They are close-on-exec. */
int network_recv_fds(int sock, int *fds, size_t max);

/* Bytes that may be carried now: a bucket that is filled at the rate of the limit and holds an eighth of a second of it. */
struct network_bucket {
	uint64_t bytes_per_second;	/* 0: no limit */
	uint64_t tokens, filled_ns;
};
/* At most `wanted`; 0: nothing now, ask again at *again_ns (monotonic). */
size_t network_bucket_take(struct network_bucket *b, size_t wanted, uint64_t now_ns, uint64_t *again_ns);
void network_bucket_give_back(struct network_bucket *b, size_t unused);

/* In a child of the forwarder: resolve `name` (or take the literal), refuse what is forbidden, connect, and send the socket over
 * `answer`; or an errno as one int without descriptor, EACCES for a forbidden address. Ends the process. */
struct network_answer {
	int error;			/* 0: a descriptor comes with it */
	struct network_address reached;
	bool forbidden;			/* all that the name resolves to is */
};
_Noreturn void network_connect_child(const struct network_plan *plan, const struct network_name *name, uint16_t port, int answer);
