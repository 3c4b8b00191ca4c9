/* SPDX-License-Identifier: Apache-2.0
 * network: how a sandbox that has nothing but a loopback interface reaches a list of hosts, and nothing else. Private to sandboxes/.
 *
 *	step --connect 198.18.0.2:443--> [listening socket in the sandbox] --accept--> forwarder --connect--> example.org:443
 *	step --"example.org?"---------> [port 53 in the sandbox]      --answer 198.18.0.2--'
 *
 * Every allowed name has an address of the range for benchmarks (RFC 2544), which the sandbox's loopback interface takes as its own;
 * an allowed address has itself. On each of them our sockets listen, made inside and served by a process outside, the forwarder. It
 * resolves the name itself, refuses what no sandbox may reach (this host, its neighbours, metadata services) whatever a name
 * resolves to, and carries bytes within the bandwidth. There is no route out, so nothing can go around it, and it works without privileges.
 * TCP only. In a jail its first process listens before it gives up its rights; into a container of an engine a child of ours goes to do it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "runner/base/error.h"
#include "sandboxes/identity.h"
#include "sandboxes/sandbox.h"

enum {
	NETWORK_NAMES = 256,		/* with the places kept for wildcards */
	NETWORK_PORTS = 512,		/* listening sockets */
	NETWORK_WILDCARD_NAMES = 16,	/* names below one "*.", each with an address of its own from the first question on */
	NETWORK_NAME_SIZE = 256,
};

struct network_address {
	sa_family_t family;
	unsigned char bytes[16];	/* 4 used of AF_INET */
};

struct network_name {
	char name[NETWORK_NAME_SIZE];	/* lower case; of an address its text; "" : a place of a wildcard not taken yet */
	char suffix[NETWORK_NAME_SIZE];	/* ".example.org" of a wildcard, else "" */
	bool literal;			/* an address, not a name */
	struct network_address inside;
};
struct network_port {
	size_t name;			/* index */
	uint16_t port;
	int fd;				/* in the forwarder: the listening socket; -1 */
};

struct network_plan {
	struct network_name names[NETWORK_NAMES];
	struct network_port ports[NETWORK_PORTS];
	size_t names_len, ports_len;
	uint64_t bits_per_second;	/* 0: no limit */
	bool private_ranges;		/* RFC 1918, unique local and shared addresses may be reached too */
};

/* ERR_USAGE when an entry is no host, or one that no sandbox may reach. free() it. */
int network_plan_make(const struct sandbox_network *network, struct network_plan **ret, struct error *err);

/* Why no sandbox may reach it: "a loopback address"; NULL: it may. */
const char *network_forbidden(const struct network_address *address, bool private_ranges);
/* From a sockaddr; an IPv4 address in an IPv6 one becomes what it is. False: of no internet family. */
bool network_address_of(const struct sockaddr *sa, struct network_address *ret);
void network_address_format(const struct network_address *address, char out[64]);

/* The name that a question means, taking a place of a wildcard if need be. NULL: not allowed. *full: allowed, but no place is left. */
struct network_name *network_plan_find(struct network_plan *plan, const char *name, bool *full);

/* Inside, with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE over the network namespace, its loopback interface up: take the addresses, listen,
 * and send all sockets to the forwarder (first the one of port 53). 0, or -1 with errno. */
int network_listen(const struct network_plan *plan, int forwarder);
/* The same for a container of somebody else's, from outside: `pid` is its first process, `inode` what that sees as its network namespace.
 * ERR_UNAVAILABLE with a sentence when it cannot be entered or is not its own. */
int network_enter(const struct network_plan *plan, int forwarder, pid_t pid, uint64_t inode, struct error *err);
/* The rows that follow, where nothing but lo is in the namespace and the forwarder carries what is allowed. */
void network_fill_controls(const struct sandbox_network *network, struct control_table *t);

/* ---- the forwarder: a process of ours outside */

struct network_forwarder {
	pid_t pid;		/* 0: none */
	int pidfd;
	int events;		/* packed events (event.h) come from here; closing it ends the forwarder */
	int inside;		/* to be inherited by the one who calls network_listen(); close it afterwards */
};
/* Fork it. It gives up what it can: as root it becomes a user of nobody's beside `who`. */
int network_forwarder_start(const struct network_plan *plan, const struct identity *who, struct network_forwarder *ret, struct error *err);
/* Read what it told since the last time; never blocks. False: it is gone. */
bool network_forwarder_read(struct network_forwarder *f, sandbox_observer *observer, void *arg);
void network_forwarder_stop(struct network_forwarder *f);

_Noreturn void network_forward(struct network_plan *plan, int from_inside, int events);	/* its main loop */
