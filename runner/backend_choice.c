/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/backend_choice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/nearest.h"
#include "sandboxes/sandbox.h"

const char *const backend_type_names[] = { "auto", "container", "kind", "kubernetes", "emulated", "vm", "remote", NULL };
const char *const backend_runtime_names[] = { "auto", "native", "docker", "podman", "crun", "runc", "runsc", NULL };

static bool is_auto(const char *name)
{
	return !name || !strcmp(name, "auto");
}

/* The nodes of kind are containers of an engine, and that is what --runtime names there. */
static const char *engine_of(const struct backend_info *info, const char *runtime)
{
	static const char *const engines[] = { "docker", "podman" };

	for (size_t i = 0; !strcmp(info->type, "kind") && i < sizeof(engines) / sizeof(*engines); i++)
		if (!is_auto(runtime) && !strcmp(engines[i], runtime))
			return engines[i];
	return NULL;
}

static int check_name(const char *what, const char *name, const char *const *known, struct error *err)
{
	size_t n = 0;
	const char *meant;

	for (; known[n]; n++)
		if (is_auto(name) || !strcmp(known[n], name))
			return 0;
	meant = nearest(name, known, n);
	if (meant)
		return error_set(err, ERR_USAGE, "there is no sandbox %s '%s'; did you mean '%s'?", what, name, meant);
	return error_set(err, ERR_USAGE, "there is no sandbox %s '%s'", what, name);
}

/* The table of backends is in the order of preference. Asked for by name it is taken, and creating tells if it cannot be had. */
static int choose(const char *type, const char *runtime, struct backend_choice *ret, struct error *err)
{
	struct backend_choice choice = { .because = "the built-in jail needs no daemon, image or download" };
	struct backend_info info;
	bool known = false;

	if (check_name("type", type, backend_type_names, err) < 0 ||
	    check_name("runtime", runtime, backend_runtime_names, err) < 0)
		return -1;
	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		if ((!is_auto(type) && strcmp(type, info.type)) || (!is_auto(runtime) && strcmp(runtime, info.runtime) && !engine_of(&info, runtime)))
			continue;
		if (info.cluster && is_auto(type))	/* minutes, or somebody's cluster: only for who asks */
			continue;
		choice.type = info.type;
		choice.runtime = info.runtime;
		choice.engine = engine_of(&info, runtime);
		choice.cluster = info.cluster;
		if (!is_auto(runtime)) {
			*choice.because = '\0';
			*ret = choice;
			return 0;
		}
		sandbox_backend_probe(i, &info);
		if (info.available) {
			if (info.cluster)
				*choice.because = '\0';
			*ret = choice;
			return 0;
		}
		if (!known)	/* the first one's reason is the one that can be mended */
			snprintf(choice.because, sizeof(choice.because), "'%s' cannot be used: %s", info.runtime, info.reason);
		known = true;
	}
	if (known)
		return error_set(err, ERR_UNAVAILABLE, "no sandbox can be made here: %s", choice.because);
	if (!is_auto(type) && !is_auto(runtime))
		return error_set(err, ERR_UNAVAILABLE, "there is no runtime '%s' for sandboxes of type '%s'", runtime, type);
	return error_set(err, ERR_UNAVAILABLE, "this version has no %s '%s' yet; --type=container --runtime=native is there",
			 is_auto(runtime) ? "sandbox type" : "runtime", is_auto(runtime) ? type : runtime);
}

int backend_choose(const char *type, const char *runtime, struct backend_memo *memo, struct backend_choice *ret, struct error *err)
{
	if (is_auto(type))
		type = "auto";
	if (is_auto(runtime))
		runtime = "auto";
	if (memo && memo->choice.runtime && !strcmp(memo->type, type) && !strcmp(memo->runtime, runtime)) {
		*ret = memo->choice;
		return 0;
	}
	if (choose(type, runtime, ret, err) < 0)
		return -1;
	if (memo) {		/* the names are known ones, all of them short */
		memo->choice = *ret;
		snprintf(memo->type, sizeof(memo->type), "%s", type);
		snprintf(memo->runtime, sizeof(memo->runtime), "%s", runtime);
	}
	return 0;
}

const char *backend_choose_images(const char *runtime, char *reason, size_t size)
{
	struct backend_info info;

	if (is_auto(runtime))
		snprintf(reason, size, "none answers here (docker, podman), and 'sandbox_runner doctor' says why");
	else
		snprintf(reason, size, "runtime '%s' has no images; take --runtime=docker or podman", runtime);
	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		if (!info.images || (!is_auto(runtime) && strcmp(runtime, info.runtime)))
			continue;
		if (!is_auto(runtime))
			return info.runtime;
		sandbox_backend_probe(i, &info);
		if (info.available)
			return info.runtime;
	}
	return NULL;
}

bool backend_is_cluster(const char *type)
{
	struct backend_info info;

	for (size_t i = 0; type && sandbox_backend_info(i, &info); i++)
		if (info.cluster && !strcmp(type, info.type))
			return true;
	return false;
}
