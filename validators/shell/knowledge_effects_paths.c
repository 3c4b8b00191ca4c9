/* SPDX-License-Identifier: Apache-2.0
 * A word in the place of a file may mean several: globs that can only be meant for what everybody knows ("/etc/sh?dow"), and what a
 * command would print that is not run here ("$(find /etc -type f)"). */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

/* "[a-z]", "[!x]" at s; returns its length, 0 when it is none. */
static size_t match_class(const char *s, size_t len, char c, bool *ret)
{
	size_t i = 1;
	bool negated = len > 1 && (s[1] == '!' || s[1] == '^'), found = false;

	i += negated;
	for (size_t first = i; i < len && (s[i] != ']' || i == first); i++) {
		if (i + 2 < len && s[i + 1] == '-' && s[i + 2] != ']') {
			found |= c >= s[i] && c <= s[i + 2];
			i += 2;
		} else {
			found |= c == s[i];
		}
	}
	*ret = found != negated;
	return i < len ? i + 1 : 0;
}

/* Length of what matches one byte `c` at the beginning of a glob; 0: it does not match. */
static size_t match_one(const char *glob, size_t len, char c)
{
	bool matches;
	size_t n;

	if (!len || c == '/')
		return len && *glob == c;
	if (*glob == '?')
		return 1;
	n = *glob == '[' ? match_class(glob, len, c, &matches) : 0;
	if (n)
		return matches ? n : 0;
	return *glob == c;
}

bool effects_glob_matches(const char *glob, size_t glob_len, const char *s, size_t len)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < len) {
		size_t n = i < glob_len && glob[i] != '*' ? match_one(glob + i, glob_len - i, s[j]) : 0;

		if (i < glob_len && glob[i] == '*') {
			star = i++;
			from = j;
		} else if (n) {
			i += n;
			j++;
		} else if (star != SIZE_MAX && s[from] != '/') {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < glob_len && glob[i] == '*')
		i++;
	return i == glob_len;
}

/* What globs are tried on: the folders of a system and its files of accounts and keys. */
static const char *const known[] = {
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var",
	"/usr/bin", "/usr/lib", "/usr/sbin", "/usr/local", "/usr/share", "/var/lib", "/var/log", "/dev/sda", "/dev/vda", "/dev/nvme0n1",
	"/etc/passwd", "/etc/shadow", "/etc/gshadow", "/etc/group", "/etc/sudoers", "/etc/fstab", "/etc/ssh/ssh_host_rsa_key",
	"/etc/kubernetes/admin.conf", "/root/.ssh/id_rsa", "/root/.bash_history", "/root/.aws/credentials", "/root/.kube/config",
	"~/.ssh/id_rsa", "~/.ssh/id_ed25519", "~/.aws/credentials", "~/.kube/config", "~/.netrc", "~/.git-credentials", "~/.docker/config.json",
	"~/.bash_history", "/proc/1/environ", "/var/run/secrets/kubernetes.io/serviceaccount/token", "/var/log/auth.log", "/var/log/syslog",
	"/home/user/.ssh/id_rsa", "/home/user/.ssh/id_ed25519", "/home/user/.aws/credentials",
};

static bool is_glob(const char *s, size_t len)
{
	return memchr(s, '*', len) || memchr(s, '?', len) || memchr(s, '[', len);
}

/* "/etc/∗" means all there is, which is another thing than one of its files, but for folders of keys. */
static bool means_all(const char *path, size_t len)
{
	return len >= 2 && !memcmp(path + len - 2, "/*", 2) && !memmem(path, len, "/.", 2);
}

void effects_known(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *path)
{
	size_t len = path->len, tail = 0;

	if (!len || len > 256 || (path->text[0] != '/' && path->text[0] != '~') || !is_glob(path->text, len))
		return;
	if (means_all(path->text, len)) {
		tail = 2;
		len -= 2;
		if (!is_glob(path->text, len))
			return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t n = strlen(known[i]);
		struct shell_value v = *path;

		if (path->text[0] != known[i][0] || !effects_glob_matches(path->text, len, known[i], n))
			continue;
		char *text = arena_alloc(e->arena, n + 3);

		memcpy(text, known[i], n);
		memcpy(text + n, path->text + len, tail);
		v.text = text;
		v.len = n + tail;
		effects_add_plain(e, access, recursive, &v);
	}
}

/* ---- what a command would print */
#define WORDS_MAX 64

/* The words between "$(" and ")"; false: more than one command, or too many words. */
static size_t inner_words(struct effects *e, const struct shell_value *path, struct shell_value words[WORDS_MAX])
{
	size_t n = 0;

	if (path->len < 5 || path->len > 4096 || memcmp(path->text, "$(", 2) || path->text[path->len - 1] != ')')
		return 0;
	if (memmem(path->text, path->len, " | ", 3) || memmem(path->text + 2, path->len - 2, "$(", 2))
		return 0;
	for (size_t i = 2; i < path->len - 1; ) {
		size_t len = strcspn(path->text + i, " ");

		if (len > path->len - 1 - i)
			len = path->len - 1 - i;
		if (n == WORDS_MAX)
			return 0;
		if (len) {
			words[n] = *path;
			words[n].text = arena_strndup(e->arena, path->text + i, len);
			words[n++].len = len;
		}
		i += len + 1;
	}
	return n;
}

/* Names that ls prints are those in the current folder when they are used, whatever it listed. */
static bool list_output(struct effects *e, const struct shell_value *words, size_t n, enum shell_access access, bool recursive)
{
	bool whole = false, any = false;
	struct shell_value all = words[0];

	for (size_t i = 1; i < n; i++)
		whole |= words[i].text[0] == '-' && strchr(words[i].text, 'd');
	for (size_t i = 1; whole && i < n; i++) {
		if (words[i].text[0] == '-')
			continue;
		effects_add_plain(e, access, recursive, &words[i]);
		any = true;
	}
	all.text = "*";
	all.len = 1;
	if (!any)
		effects_add_plain(e, access, recursive, &all);
	return true;
}

bool effects_of_output(struct effects *e, enum shell_access access, bool recursive, const struct shell_value *path)
{
	struct shell_value words[WORDS_MAX];
	const char *listed = path->len > 6 && path->text[0] == '/' ? memmem(path->text, path->len, "/$(ls", 5) : NULL;

	if (listed && path->text[path->len - 1] == ')' && !memmem(path->text, path->len, " | ", 3)) {	/* "/etc/$(ls /etc)" */
		struct shell_value all = *path;
		size_t len = (size_t)(listed - path->text) + 1;
		char *text = arena_alloc(e->arena, len + 2);

		memcpy(text, path->text, len);
		text[len] = '*';
		all.text = text;
		all.len = len + 1;
		effects_add_plain(e, access, recursive, &all);
		return true;
	}
	size_t n = path->len > 2 && path->text[0] == '$' && path->text[1] == '(' ? inner_words(e, path, words) : 0;

	if (!n)
		return false;
	if (!strcmp(words[0].text, "ls"))
		return list_output(e, words, n, access, recursive);
	if (!strcmp(words[0].text, "find"))
		return effects_found(e, words, n, access);
	return false;
}
