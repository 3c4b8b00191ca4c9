/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/identity.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/strbuf.h"

#define OUTSIDE_FIRST 0x70000000u	/* far above what accounts, subordinate ids and systemd use */
#define OUTSIDE_COUNT 0x01000000u

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h;
}

/* The largest range of ids that this (maybe nested) user namespace knows, and whether its root is root outside too. */
static bool widest_range(uint32_t *first, uint32_t *count, bool *root_outside)
{
	autostrbuf struct strbuf map = STRBUF_INIT(64 << 10);

	*first = *count = 0;
	*root_outside = false;
	if (file_read("/proc/self/uid_map", &map, NULL) < 0)
		return false;
	for (char *line = map.buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		uint32_t inside, outside, n;

		if (sscanf(line, "%u %u %u", &inside, &outside, &n) != 3)
			continue;
		*root_outside |= inside == 0 && outside == 0;
		if (n > *count) {
			*first = inside;
			*count = n;
		}
	}
	return *count != 0;
}

uid_t identity_nobody(const char *id)
{
	return OUTSIDE_FIRST + hash(id) % OUTSIDE_COUNT;
}

struct identity identity_choose(const char *id, bool user_namespace)
{
	struct identity who = { .user_namespace = user_namespace, .outside_uid = geteuid(), .outside_gid = getegid() };
	uint32_t first, count;

	if (geteuid() != 0)
		return who;
	if (!widest_range(&first, &count, &who.root_outside) || count < 65536)
		return who;
	who.privileged = true;
	who.root_outside = false;
	who.outside_uid = identity_nobody(id);
	if (who.outside_uid - first >= count)	/* in a container with a part of the ids: the upper half of them */
		who.outside_uid = first + count / 2 + hash(id) % (count / 2 - 1);
	who.outside_gid = who.outside_uid;
	return who;
}
