/* SPDX-License-Identifier: Apache-2.0
 * native_init: PID 1 of the built-in jail. Private to the native backend.
 *
 * A forked child of the runner that never executes another program: it builds the walls around itself, gives up all it can,
 * and then starts steps, reaps, and kills what a step leaves behind. Everything in the jail dies with it, and it dies with
 * the runner (end of file on its socket, and PDEATHSIG).
 */
#pragma once

#include "sandboxes/init.h"
#include "sandboxes/native_root.h"
#include "sandboxes/native_wire.h"
#include "sandboxes/network.h"

struct native_init {		/* prepared by the runner before the clone */
	struct native_root root;
	const char *rootfs;			/* opened in the child; NULL: none */
	bool user_namespace;			/* the ids below are mapped; otherwise they are real */
	bool drop_groups;
	bool net_bind_service;
	const struct network_plan *network;	/* NULL: none at all */
	int forwarder;				/* where the sockets of the network go; -1 */
	bool observe;				/* tell what steps do */
};

_Noreturn void native_init_main(const struct native_init *init, int sock);
