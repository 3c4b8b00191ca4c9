/* SPDX-License-Identifier: Apache-2.0
 * identity: who the steps of a sandbox are outside. Private to sandboxes/. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define IDENTITY_INSIDE 1000

struct identity {
	bool user_namespace;
	bool privileged;	/* ids are chosen by us, and groups can be dropped */
	uid_t outside_uid;
	gid_t outside_gid;
	bool root_outside;	/* the only user we could be is root one level up */
};

/* As root a user of nobody's, different for every sandbox; otherwise, or where only few ids are known, ourselves. */
struct identity identity_choose(const char *id, bool user_namespace);

/* An id of nobody's on a host that has all of them. */
uid_t identity_nobody(const char *id);
