/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/mem.h"

#define KIND_VARIABLE "SANDBOX_RUNNER_KIND"
#define PROVIDER_VARIABLE "KIND_EXPERIMENTAL_PROVIDER"	/* kind's own */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Absolute path of a program; the caller frees. */
static char *find_program(const char *name)
{
	static const char usual[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
	const char *const lists[] = { getenv("PATH"), usual };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *p = lists[i]; p && *p; p += strspn(p, ":")) {
			size_t len = strcspn(p, ":");
			autofree char *path = xasprintf("%.*s/%s", (int)len, p, name);

			if (*p == '/' && is_program(path))
				return steal_ptr(&path);
			p += len;
		}
	}
	return NULL;
}

static char *find_kind(struct error *err)
{
	const char *told = getenv(KIND_VARIABLE);
	char *found;

	if (told && *told) {
		if (*told == '/' && is_program(told))
			return xstrdup(told);
		error_set(err, ERR_UNAVAILABLE, KIND_VARIABLE " is '%s', which is no absolute path of a program", told);
		return NULL;
	}
	found = find_program("kind");
	if (!found)
		error_set(err, ERR_UNAVAILABLE, "there is no program 'kind': install it (Debian package kind, or kind.sigs.k8s.io), or say in "
			  KIND_VARIABLE " where it is");
	return found;
}

static int find_engine(struct kind_tools *t, const struct engine_kind *kind, uint64_t timeout_ns, struct error *err)
{
	const char *name = kind->backend->name;

	t->client = find_program(name);
	if (!t->client)
		return error_set(err, ERR_UNAVAILABLE, "there is no program '%s', by which kind makes its nodes: install Docker or Podman", name);
	if (engine_open(&t->engine, kind, NULL, timeout_ns, err) == 0)
		return 0;
	free(steal_ptr(&t->client));
	return -1;
}

int kind_find(struct kind_tools *ret, uint64_t timeout_ns, struct error *err)
{
	const struct engine_kind *const kinds[] = { &engine_docker, &engine_podman };
	const char *wanted = getenv(PROVIDER_VARIABLE);
	struct kind_tools t = KIND_TOOLS_INIT;
	struct error first = { .code = ERR_OK };

	t.program = find_kind(err);
	if (!t.program)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct error why = { .code = ERR_OK };

		if (wanted && *wanted && strcmp(wanted, kinds[i]->backend->name))
			continue;
		if (find_engine(&t, kinds[i], timeout_ns, &why) == 0) {
			*ret = t;
			return 0;
		}
		if (!first.code)	/* the first one's reason is the one that can be mended */
			first = why;
	}
	kind_tools_release(&t);
	if (!first.code)
		return error_set(err, ERR_UNAVAILABLE, PROVIDER_VARIABLE " is '%s': only docker and podman are known", wanted);
	return error_set(err, first.code, "kind needs a container engine: %s", first.text);
}

void kind_tools_release(struct kind_tools *t)
{
	free(t->program);
	free(t->client);
	engine_close(&t->engine);
	*t = (struct kind_tools)KIND_TOOLS_INIT;
}
