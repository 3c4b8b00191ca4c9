/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/host_facts.h"

#include <linux/landlock.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"

const char *fact_state_to_string(enum fact_state state)
{
	static const char *const names[] = {
		[FACT_OK] = "ok", [FACT_WEAK] = "degraded", [FACT_MISSING] = "missing", [FACT_ABSENT] = "absent",
	};

	return names[state];
}

/* Owns detail and advice from now on. */
static void add_take(struct fact_list *list, const char *section, const char *name, enum fact_state state, char *detail, char *advice)
{
	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len++] = (struct fact){ .section = section, .name = name, .state = state, .detail = detail, .advice = advice };
}

void fact_list_release(struct fact_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].detail);
		free(list->items[i].advice);
	}
	free(list->items);
	*list = (struct fact_list){ .items = NULL };
}

/* First line of a small file; false when it cannot be read. */
static bool read_line(const char *path, struct strbuf *out)
{
	strbuf_clear(out);
	if (file_read(path, out, NULL) < 0)
		return false;
	out->len = strcspn(out->buf, "\n");
	if (out->alloc)
		out->buf[out->len] = '\0';
	return true;
}

static bool says(const char *path, const char *value)
{
	autostrbuf struct strbuf line = STRBUF_INIT(256);

	return read_line(path, &line) && !strcmp(line.buf, value);
}

/* ---- the host */

static void add_kernel(struct fact_list *list)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	add_take(list, "host", "kernel", FACT_OK, xasprintf("%s %s %s", u.sysname, u.release, u.machine), NULL);
	add_take(list, "host", "user", FACT_OK, xasprintf("uid %u%s", (unsigned int)geteuid(), geteuid() ? " (rootless)" : " (root)"), NULL);
}

static void add_user_namespaces(struct fact_list *list)
{
	static const struct { const char *path, *value, *why, *advice; } walls[] = {
		{ "/proc/sys/user/max_user_namespaces", "0", "forbidden: user.max_user_namespaces is 0",
		  "sysctl user.max_user_namespaces=15000" },
		{ "/proc/sys/kernel/unprivileged_userns_clone", "0", "for root only: kernel.unprivileged_userns_clone is 0",
		  "sysctl kernel.unprivileged_userns_clone=1" },
		{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "restricted by AppArmor for programs without a profile",
		  "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with 'userns,'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(walls); i++)
		if (says(walls[i].path, walls[i].value) && (i == 0 || geteuid())) {
			add_take(list, "host", "user_namespaces", FACT_WEAK, xstrdup(walls[i].why), xstrdup(walls[i].advice));
			return;
		}
	if (access("/proc/self/ns/user", F_OK) == 0)
		add_take(list, "host", "user_namespaces", FACT_OK, xstrdup("allowed"), NULL);
	else
		add_take(list, "host", "user_namespaces", FACT_WEAK, xstrdup("the kernel has none"), xstrdup("a kernel with CONFIG_USER_NS"));
}

/* Which hierarchies are mounted, from the file system type column of mountinfo. */
static void add_cgroups(struct fact_list *list)
{
	autostrbuf struct strbuf mounts = STRBUF_INIT(4 << 20);
	autostrbuf struct strbuf controllers = STRBUF_INIT(4096);
	bool v1, v2;

	file_read("/proc/self/mountinfo", &mounts, NULL);
	v1 = strstr(mounts.buf, " - cgroup ") != NULL;
	v2 = strstr(mounts.buf, " - cgroup2 ") != NULL;
	if (v1) {
		add_take(list, "host", "cgroups", FACT_OK, xstrdup(v2 ? "v1 with a v2 hierarchy beside it (hybrid)" : "v1"),
			 geteuid() ? xstrdup("on v1 only root can limit memory, cpu and processes") : NULL);
		list->items[list->len - 1].state = geteuid() ? FACT_WEAK : FACT_OK;
	} else if (v2) {
		bool any = read_line("/sys/fs/cgroup/cgroup.controllers", &controllers);

		add_take(list, "host", "cgroups", FACT_OK, xasprintf("v2%s%s", any ? ", controllers: " : "", any ? controllers.buf : ""), NULL);
	} else {
		add_take(list, "host", "cgroups", FACT_WEAK, xstrdup("none mounted: memory, cpu and processes can be limited per process only"),
			 xstrdup("mount -t cgroup2 cgroup2 /sys/fs/cgroup"));
	}
}

static void add_security(struct fact_list *list)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	autostrbuf struct strbuf actions = STRBUF_INIT(4096);

	if (read_line("/proc/sys/kernel/seccomp/actions_avail", &actions))
		add_take(list, "host", "seccomp", FACT_OK, xasprintf("actions: %s", actions.buf), NULL);
	else
		add_take(list, "host", "seccomp", FACT_WEAK, xstrdup("the kernel has no seccomp filters"),
			 xstrdup("a kernel with CONFIG_SECCOMP_FILTER"));
	if (abi > 0)
		add_take(list, "host", "landlock", FACT_OK, xasprintf("ABI %ld", abi), NULL);
	else
		add_take(list, "host", "landlock", FACT_ABSENT, xstrdup("not in this kernel, or not switched on"), NULL);
}

/* ---- what is loaded at first use */

static void add_libraries(struct fact_list *list)
{
	static const struct { const char *soname, *package, *use; } libraries[] = {
		{ "libarchive.so.13", "libarchive13", "bundles, --rootfs=TAR, --save-logs=FILE.tar.zst" },
		{ "libcurl.so.4", "libcurl4", "--wpk=https://..." },
		{ "libmicrohttpd.so.12", "libmicrohttpd12", "serve" },
		{ "libsqlite3.so.0", "libsqlite3-0", "serve" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		struct error err = { 0 };

		if (library_load(libraries[i].soname, libraries[i].package, NULL, 0, &err) == 0)
			add_take(list, "libraries", libraries[i].soname, FACT_OK, xasprintf("for %s", libraries[i].use), NULL);
		else
			add_take(list, "libraries", libraries[i].soname, FACT_MISSING, xasprintf("needed for %s", libraries[i].use),
				 xasprintf("apt-get install %s", libraries[i].package));
	}
}

/* ---- programs and sockets of other runtimes: seen, never started */

static char *find_program(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");
		autofree char *file = xasprintf("%.*s/%s", (int)len, path, name);

		if (len && access(file, X_OK) == 0)
			return steal_ptr(&file);
		path += len + (path[len] == ':');
	}
	return NULL;
}

static void add_programs(struct fact_list *list)
{
	static const struct { const char *name, *use; } programs[] = {
		{ "kind", "for --type=kind" }, { "docker", "for the nodes of kind" }, { "podman", "for the nodes of kind" }, { "kubectl", "not needed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		autofree char *file = find_program(programs[i].name);

		add_take(list, "programs", programs[i].name, file ? FACT_OK : FACT_ABSENT,
			 xasprintf("%s (%s)", file ? file : "not found", programs[i].use), NULL);
	}
}

void host_facts(struct fact_list *ret)
{
	add_kernel(ret);
	add_user_namespaces(ret);
	add_cgroups(ret);
	add_security(ret);
	add_libraries(ret);
	add_programs(ret);
}
