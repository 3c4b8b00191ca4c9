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

/* ---- the engine */

/* What the engine says of itself, in the time that we give it. */
static int ask(struct engine *e, const char *target, uint64_t timeout_ns, json_t **ret, struct error *err)
{
	const uint64_t usual = e->call_ns;
	int status;

	e->call_ns = timeout_ns;
	status = engine_demand(e, "GET", target, NULL, ret, err);
	e->call_ns = usual;
	return status;
}

/* Podman serves docker's socket, too (package podman-docker), and kind treats the two differently. */
static int check_docker(struct engine *e, uint64_t timeout_ns, struct error *err)
{
	json_auto_t *version = NULL;

	if (ask(e, "/version", timeout_ns, &version, err) < 0)
		return -1;
	if (strcmp(engine_text(json_array_get(json_object_get(version, "Components"), 0), "Name", NULL), "Podman Engine"))
		return 0;
	return error_set(err, ERR_UNAVAILABLE, "what answers at '%s' is podman: use --runtime=podman with CONTAINER_HOST=unix://%s", e->socket, e->socket);
}

static bool has_word(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (json_is_string(item) && !strncmp(json_string_value(item), word, strlen(word)))
			return true;
	return false;
}

struct rootless {
	bool is, cgroup2, controllers;
};

static struct rootless rootless_docker(const json_t *info)
{
	return (struct rootless){
		.is = has_word(json_object_get(info, "SecurityOptions"), "name=rootless"),
		.cgroup2 = !strcmp(engine_text(info, "CgroupVersion", NULL), "2"),
		.controllers = json_is_true(json_object_get(info, "MemoryLimit")) && json_is_true(json_object_get(info, "PidsLimit")) &&
			       json_is_true(json_object_get(info, "CPUShares")),
	};
}

static struct rootless rootless_podman(const json_t *info)
{
	const json_t *host = json_object_get(info, "host"), *list = json_object_get(host, "cgroupControllers");

	return (struct rootless){
		.is = json_is_true(json_object_get(json_object_get(host, "security"), "rootless")),
		.cgroup2 = !strcmp(engine_text(host, "cgroupVersion", NULL), "v2"),
		.controllers = has_word(list, "memory") && has_word(list, "pids") && has_word(list, "cpu"),
	};
}

/* What kind would refuse when we have begun. It takes the engine a while to say, so only one whose socket is not root's is asked. */
static int check_rootless(struct engine *e, uint64_t timeout_ns, struct error *err)
{
	const bool podman = e->kind == &engine_podman;
	const char *name = e->kind->backend->name;
	json_auto_t *info = NULL;
	struct rootless r;
	struct stat st;

	if (stat(e->socket, &st) < 0 || st.st_uid == 0)
		return 0;
	if (ask(e, podman ? "/libpod/info" : "/info", timeout_ns, &info, err) < 0)
		return -1;
	r = podman ? rootless_podman(info) : rootless_docker(info);
	if (r.is && !r.cgroup2)
		return error_set(err, ERR_UNAVAILABLE, "%s at '%s' runs without root, and kind can use such a one only on a host with cgroup version 2: "
				 "use root's, or start the host with systemd.unified_cgroup_hierarchy=1", name, e->socket);
	if (r.is && !r.controllers)
		return error_set(err, ERR_UNAVAILABLE, "%s at '%s' runs without root and may not limit cpu, memory and processes, as kind needs: set Delegate=yes "
				 "for user@.service, see https://kind.sigs.k8s.io/docs/user/rootless/", name, e->socket);
	return 0;
}

static int find_engine(struct kind_tools *t, const struct engine_kind *kind, uint64_t timeout_ns, struct error *err)
{
	static const char other_way[] = ", or use --runtime=native";	/* for commands; no way to a cluster */
	const char *name = kind->backend->name;
	char *end;

	t->client = find_program(name);
	if (!t->client)
		return error_set(err, ERR_UNAVAILABLE, "there is no program '%s', by which kind makes its nodes: install Docker or Podman", name);
	if (engine_open(&t->engine, kind, NULL, timeout_ns, err) == 0) {
		if ((kind != &engine_docker || check_docker(&t->engine, timeout_ns, err) == 0) && check_rootless(&t->engine, timeout_ns, err) == 0)
			return 0;
		engine_close(&t->engine);
	}
	end = strstr(err->text, other_way);
	if (end && !end[strlen(other_way)])
		*end = '\0';
	return -1;
}

static void both(struct error *told, const struct error *other)
{
	const struct error first = *told;

	error_set(told, first.code, "%s; %s", first.text, other->text);
}

int kind_find(struct kind_tools *ret, const char *provider, uint64_t timeout_ns, struct error *err)
{
	const struct engine_kind *const kinds[] = { &engine_docker, &engine_podman };
	const char *variable = getenv(PROVIDER_VARIABLE), *wanted = provider ? provider : variable;
	struct error told = { .code = ERR_OK };
	bool installed = false;

	*ret = (struct kind_tools)KIND_TOOLS_INIT;
	ret->program = find_kind(err);
	if (!ret->program)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct error why = { .code = ERR_OK };

		if (wanted && *wanted && strcmp(wanted, kinds[i]->backend->name))
			continue;
		if (find_engine(ret, kinds[i], timeout_ns, &why) == 0)
			return 0;
		if (ret->client && installed)
			both(&told, &why);
		else if (ret->client || !installed)	/* what is installed is easier to mend */
			told = why;
		installed |= ret->client != NULL;
		free(steal_ptr(&ret->client));
	}
	kind_tools_release(ret);
	if (!told.code)
		return error_set(err, ERR_UNAVAILABLE, PROVIDER_VARIABLE " is '%s': only docker and podman are known", wanted);
	return error_set(err, told.code, "kind needs a container engine: %s", told.text);
}

void kind_tools_release(struct kind_tools *t)
{
	free(t->program);
	free(t->client);
	engine_close(&t->engine);
	*t = (struct kind_tools)KIND_TOOLS_INIT;
}
