/* SPDX-License-Identifier: Apache-2.0
 * analysis_name: which program the first word of a command means. */
#include <stdio.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

void resolve_name(struct walker *w, struct running *r)
{
	const struct shell_value *v = &r->call->argv[0];
	const char *slash = NULL, *base, *s = v->text;
	size_t len, ret_len;
	bool changed = false;

	if (!v->known) {	/* ${DIR}/tool has a known name */
		for (size_t i = 0; i < v->len;) {
			size_t skip = value_unknown_len(s + i, v->len - i);

			if (s[i] == '/')
				slash = s + i;
			else if (skip)
				slash = NULL;
			i += skip ? skip : 1;
		}
		if (!slash || !slash[1]) {
			r->cmd.name = "";
			r->cmd.traits |= TRAIT_UNKNOWN_NAME;
			return;
		}
	} else {
		slash = memrchr(s, '/', v->len);
	}
	base = slash && slash[1] ? slash + 1 : s;
	len = v->len - (size_t)(base - s);
	r->cmd.name = base;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)base[i] >= 0x80) {
			r->cmd.name = knowledge_fold(w->arena, base, len, &ret_len, &changed);
			break;
		}
	}
	if (changed || (r->call->odd && r->call->odd[0]))
		r->cmd.traits |= TRAIT_OBFUSCATED;
	if (v->origin & ORIGIN_DECODED)
		r->cmd.traits |= TRAIT_DECODED;
}

/* /b?n/r? as a name: what it finds on an ordinary system, of the programs that one would hide so. NULL: nothing. */
static const char *program_of_glob(struct walker *w, const struct shell_value *name)
{
	static const char *const folders[] = { "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/" };
	static const char *const programs[] = {
		"rm", "cat", "sh", "bash", "dash", "nc", "curl", "wget", "dd", "chmod", "chown", "cp", "mv", "id",
		"base64", "python3", "perl", "mkfs", "tee", "shred", "kill", "mount", "env", "ncat", "netcat",
		"tar", "busybox", "find", "xargs", "sed", "awk", "head", "tail", "ln", "su", "sudo", "nmap",
		"passwd", "useradd", "crontab", "nsenter", "chroot",
	};
	char path[64];

	if (name->text[0] != '/' || name->len >= sizeof(path))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(folders) * ARRAY_SIZE(programs); i++) {
		const char *program = programs[i % ARRAY_SIZE(programs)];
		int len = snprintf(path, sizeof(path), "%s%s", folders[i / ARRAY_SIZE(programs)], program);

		if (value_glob(name->text, name->len, path, (size_t)len))
			return arena_strndup(w->arena, path, (size_t)len);
	}
	return NULL;
}

/* The words with a globbed name resolved; the same words when there is nothing to resolve. */
const struct shell_value *resolve_glob(struct walker *w, const struct shell_value *argv, size_t argc, bool *resolved)
{
	struct shell_value *own;
	const char *path;

	*resolved = false;
	if (argv[0].text[0] != '/' || !argv[0].known || !strpbrk(argv[0].text, "*?["))
		return argv;
	path = program_of_glob(w, &argv[0]);
	if (!path || !affordable(w, argc))
		return argv;
	spend(w, 1000);
	own = arena_alloc(w->arena, argc * sizeof(*own));
	memcpy(own, argv, argc * sizeof(*own));
	own[0].text = path;
	own[0].len = strlen(path);
	*resolved = true;
	return own;
}

/* A name without a slash that this text installed into a folder of programs before; NULL: none. */
const char *installed_program(struct walker *w, const char *name)
{
	static const char *const folders[] = {
		"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "~/bin",
		"~/.local/bin", "/root/bin", "/root/.local/bin",
	};
	char path[128];

	if (!w->installs || strlen(name) > 64)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const struct file *f;

		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		f = file_find(w, path);
		if (f && !f->tree)
			return f->path;
	}
	return NULL;
}
