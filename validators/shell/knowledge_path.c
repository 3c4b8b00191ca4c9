/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge.h"

#include <string.h>

#define CWD_MAX 512	/* a longer folder is left out, so that many short words in it cannot make much of little */

struct path {
	char *text;
	size_t len;
	size_t fixed;		/* nothing before it may be taken back by "..": the root, unknown parts, leading ".." */
	size_t parts;		/* that were added; those taken back count, too */
	bool unbalanced;	/* a "$(" that never ends was seen: no more are looked for, which keeps this linear */
};

/* Up to the next slash; those inside ${…} and $(…) are no separators. */
static size_t component_len(struct path *p, const char *s, size_t len)
{
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (depth == 0 && s[i] == '/')
			return i;
		if (!p->unbalanced && s[i] == '$' && i + 1 < len && (s[i + 1] == '{' || s[i + 1] == '('))
			depth++;
		else if (depth && (s[i] == '}' || s[i] == ')'))
			depth--;
	}
	if (!depth)
		return len;
	p->unbalanced = true;
	return component_len(p, s, len);
}

/* Can "x/.." be left out? Not when x may be several folders. */
static bool is_plain(const char *s, size_t len)
{
	return s[0] != '~' && !memchr(s, '$', len) && !memchr(s, '`', len);
}

static void join(struct path *p, const char *path, size_t len)
{
	for (size_t i = 0; i < len; ) {
		size_t n = component_len(p, path + i, len - i);
		const char *s = path + i;
		bool up = n == 2 && !memcmp(s, "..", 2);

		i += n + 1;
		if (n == 0 || (n == 1 && s[0] == '.'))
			continue;
		if (up && p->len > p->fixed) {
			while (p->len > p->fixed && p->text[p->len - 1] != '/')
				p->len--;
			if (p->len > p->fixed)
				p->len--;
			continue;
		}
		if (up && p->len == 1 && p->text[0] == '/')	/* nothing is above / */
			continue;
		if (p->len && p->text[p->len - 1] != '/')
			p->text[p->len++] = '/';
		memcpy(p->text + p->len, s, n);
		p->len += n;
		p->parts++;
		if (up || !is_plain(s, n))
			p->fixed = p->len;
	}
}

/* "~root" and "~x" are known folders; "~/../.." is the root, be it /root or /home/x that it goes up from. */
static const char *home(struct arena *arena, const char *path, size_t *len)
{
	const char *slash = memchr(path, '/', *len);
	size_t name = slash ? (size_t)(slash - path) : *len;
	bool root = name == 5 && !memcmp(path, "~root", 5);

	if (name == 1 && *len >= 7 && !memcmp(path, "~/../..", 7) && (*len == 7 || path[7] == '/')) {
		*len -= 7;
		return *len ? path + 7 : (*len = 1, "/");
	}
	if (name < 2 || name > 32 || !((path[1] | 0x20) >= 'a' && (path[1] | 0x20) <= 'z'))
		return path;
	char *out = arena_alloc(arena, *len + 8);
	const char *parent = root ? "/" : "/home/";
	size_t n = strlen(parent);

	memcpy(out, parent, n);
	memcpy(out + n, path + 1, *len - 1);
	*len += n - 1;
	return out;
}

/* Nothing in it is to be left out, taken back or looked into. */
static bool is_normal(const char *path, size_t len)
{
	if (!len || path[0] == '~' || path[0] == '.' || path[len])
		return false;
	for (size_t i = 0; i < len; i++)
		if (path[i] == '$' || path[i] == '`' || (path[i] == '/' && i && (path[i + 1] == '/' || path[i + 1] == '.' || !path[i + 1])))
			return false;
	return path[0] != '/' || (path[1] != '/' && path[1] != '.');
}

const char *knowledge_path(struct arena *arena, const char *cwd, const char *path, size_t len, size_t *ret_len)
{
	if ((!cwd || !*cwd || (len && path[0] == '/')) && is_normal(path, len)) {	/* most are as they should be */
		*ret_len = len;
		return path;
	}
	if (len && path[0] == '~')
		path = home(arena, path, &len);
	size_t cwd_len = cwd ? strnlen(cwd, CWD_MAX + 1) : 0;
	/* "$X/y" may be relative, but what it is relative to is then unknown, too */
	bool joined = cwd_len && cwd_len <= CWD_MAX && !(len && strchr("/~$`", path[0]));
	struct path p = { .text = arena_alloc(arena, len + (joined ? cwd_len : 0) + 4) };

	if ((joined ? cwd[0] : len ? path[0] : 0) == '/') {
		p.text[p.len++] = '/';
		p.fixed = 1;
	}
	if (joined)
		join(&p, cwd, cwd_len);
	join(&p, path, len);
	/* what "${X}/" means when X is empty is the root: the slash stays */
	if (!joined && len > 1 && path[0] == '$' && path[len - 1] == '/' && p.parts == 1 && p.fixed == p.len)
		p.text[p.len++] = '/';
	if (!p.len)
		p.text[p.len++] = '.';
	p.text[p.len] = 0;
	*ret_len = p.len;
	return p.text;
}
