/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge.h"

#include <string.h>

static size_t component_len(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);

	return slash ? (size_t)(slash - s) : len;
}

/* Copies path behind the `n` bytes that are in `out`, part by part. */
static size_t join(char *out, size_t n, const char *path, size_t len)
{
	for (size_t i = 0; i < len; ) {
		size_t part = component_len(path + i, len - i);
		const char *s = path + i;
		char *last = memrchr(out, '/', n);
		const char *name = last ? last + 1 : out;
		size_t name_len = n - (size_t)(name - out);

		i += part + 1;
		if (part == 0 || (part == 1 && s[0] == '.'))
			continue;
		if (part == 2 && !memcmp(s, "..", 2) && n && !(name_len == 2 && !memcmp(name, "..", 2))) {
			/* an unknown part or a link may be anything, but what is above "x/.." is where x stands; nothing is above / */
			n = last ? (size_t)(last - out) + (last == out) : 0;
			if (n == 1 && out[0] != '/')
				n = 0;
			continue;
		}
		if (n && out[n - 1] != '/')
			out[n++] = '/';
		memcpy(out + n, s, part);
		n += part;
	}
	return n;
}

const char *knowledge_path(struct arena *arena, const char *cwd, const char *path, size_t len, size_t *ret_len)
{
	size_t cwd_len = cwd ? strlen(cwd) : 0;
	char *out = arena_alloc(arena, cwd_len + len + 4);
	size_t n = 0;
	bool absolute = len && (path[0] == '/' || path[0] == '~' || path[0] == '$');

	if (!absolute && cwd_len) {
		if (cwd[0] == '/')
			out[n++] = '/';
		n = join(out, n, cwd, cwd_len);
	}
	if (len && path[0] == '/')
		out[n++] = '/';
	n = join(out, n, path, len);
	if (!n)
		out[n++] = '.';
	out[n] = 0;
	*ret_len = n;
	return out;
}
