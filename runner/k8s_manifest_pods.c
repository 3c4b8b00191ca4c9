/* SPDX-License-Identifier: Apache-2.0
 *
 * The restricted Pod Security Standard, held by ourselves: clusters before 1.23 have no admission for it, and what a newer one refuses to the
 * pods of a Deployment it would tell only in events. Source: kubernetes.io/docs/concepts/security/pod-security-standards. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"

#define NOBODY 65534

static const char *const container_lists[] = { "initContainers", "containers", "ephemeralContainers" };

json_t *k8s_pod_spec(const json_t *object)
{
	static const struct { const char *kind, *path; } rows[] = {
		{ "Pod", "spec" }, { "PodTemplate", "template.spec" }, { "CronJob", "spec.jobTemplate.spec.template.spec" },
	};
	const char *kind = k8s_text(object, "kind", "");
	json_t *spec = k8s_at(object, "spec.template.spec");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].kind, kind))
			spec = k8s_at(object, rows[i].path);
	return json_is_object(spec) ? spec : NULL;
}

/* ---- what must not be there */

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

/* The same words for a pod and for a container. */
static int check_context(const json_t *context, const char *who, struct error *err)
{
	static const struct { const char *path; bool bad; const char *text; } flags[] = {
		{ "privileged", true, "is privileged" },
		{ "allowPrivilegeEscalation", true, "allows privilege escalation" },
		{ "runAsNonRoot", false, "may run as root ('runAsNonRoot: false')" },
		{ "windowsOptions.hostProcess", true, "is a process of the host" },
	};
	static const struct { const char *path, *fine; const char *text; } words[] = {
		{ "procMount", "Default", "wants an unmasked /proc" },
		{ "appArmorProfile.type", "RuntimeDefault", "wants another AppArmor profile" },
		{ "seccompProfile.type", "RuntimeDefault", "wants another seccomp profile than RuntimeDefault" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const json_t *value = k8s_at(context, flags[i].path);

		if (json_is_boolean(value) && json_is_true(value) == flags[i].bad)
			return error_set(err, ERR_INVALID_INPUT, "%s %s", who, flags[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(k8s_text(context, words[i].path, words[i].fine), words[i].fine) != 0)
			return error_set(err, ERR_INVALID_INPUT, "%s %s", who, words[i].text);
	if (k8s_number(context, "runAsUser", 1) == 0)
		return error_set(err, ERR_INVALID_INPUT, "%s runs as root ('runAsUser: 0')", who);
	return 0;
}

static int check_capabilities(const json_t *context, const char *who, struct error *err)
{
	const json_t *add = k8s_at(context, "capabilities.add"), *drop = k8s_at(context, "capabilities.drop");
	const json_t *item;
	size_t i;

	if (drop && !json_is_array(drop) && !json_is_null(drop))
		return error_set(err, ERR_INVALID_INPUT, "%s has no list of capabilities to drop", who);
	json_array_foreach(add, i, item)
		if (!json_is_string(item) || strcmp(json_string_value(item), "NET_BIND_SERVICE") != 0)
			return error_set(err, ERR_INVALID_INPUT, "%s adds the capability '%s'", who, json_is_string(item) ? json_string_value(item) : "?");
	return 0;
}

static int check_container(const json_t *container, struct error *err)
{
	autofree char *who = xasprintf("container '%.63s'", k8s_text(container, "name", "?"));
	const json_t *context = json_object_get(container, "securityContext");
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(container, "ports"), i, port)
		if (k8s_number(port, "hostPort", 0))
			return error_set(err, ERR_INVALID_INPUT, "%s takes a port of the host", who);
	return check_context(context, who, err) < 0 || check_capabilities(context, who, err) < 0 ? -1 : 0;
}

static int check_volumes(const json_t *spec, struct error *err)
{
	static const char *const fine[] = {
		"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
	};
	const json_t *volume;
	size_t i;

	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		const char *key;
		json_t *value;

		json_object_foreach((json_t *)volume, key, value)
			if (!json_is_null(value) && !is_one_of(key, fine, ARRAY_SIZE(fine)))
				return error_set(err, ERR_INVALID_INPUT, "volume '%s' is of the kind '%.40s', which reaches out of the namespace",
						 k8s_text(volume, "name", "?"), key);
	}
	return 0;
}

static int check_sysctls(const json_t *spec, struct error *err)
{
	static const char *const fine[] = {
		"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
		"net.ipv4.ip_unprivileged_port_start",
	};
	const json_t *sysctl;
	size_t i;

	json_array_foreach(k8s_at(spec, "securityContext.sysctls"), i, sysctl)
		if (!is_one_of(k8s_text(sysctl, "name", ""), fine, ARRAY_SIZE(fine)))
			return error_set(err, ERR_INVALID_INPUT, "the pod sets the kernel's '%.60s'", k8s_text(sysctl, "name", "?"));
	return 0;
}

static int check_pod(const json_t *spec, struct error *err)
{
	static const char *const host[] = { "hostNetwork", "hostPID", "hostIPC" };

	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		if (json_is_true(json_object_get(spec, host[i])))
			return error_set(err, ERR_INVALID_INPUT, "the pod shares namespaces with its node ('%s: true')", host[i]);
	if (check_context(json_object_get(spec, "securityContext"), "the pod", err) < 0 || check_volumes(spec, err) < 0 ||
	    check_sysctls(spec, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const json_t *container;
		size_t j;

		json_array_foreach(json_object_get(spec, container_lists[i]), j, container)
			if (check_container(container, err) < 0)
				return -1;
	}
	return 0;
}

/* ---- what must be there */

static bool fill(json_t *object, const char *key, json_t *value)
{
	json_t *there = json_object_get(object, key);

	if (there && !json_is_null(there)) {
		json_decref(value);
		return false;
	}
	json_put(object, key, value);
	return true;
}

/* A mapping that is there, or is now. */
static json_t *mapping_at(json_t *object, const char *key)
{
	if (!json_is_object(json_object_get(object, key)))
		json_put(object, key, json_object());
	return json_object_get(object, key);
}

static bool fill_container(json_t *container)
{
	json_t *context, *capabilities, *drop, *item;
	bool changed = false;
	size_t i;

	if (!json_is_object(container))
		return false;
	context = mapping_at(container, "securityContext");
	capabilities = mapping_at(context, "capabilities");
	changed |= fill(context, "allowPrivilegeEscalation", json_false());
	changed |= fill(capabilities, "drop", json_array());
	drop = json_object_get(capabilities, "drop");
	json_array_foreach(drop, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), "ALL"))
			return changed;
	if (json_is_array(drop))
		json_push(drop, json_text("ALL"));
	return true;
}

static bool fill_pod(json_t *spec)
{
	json_t *context = mapping_at(spec, "securityContext");
	json_t *seccomp = json_object();
	bool changed = false;

	json_put_text(seccomp, "type", "RuntimeDefault");
	changed |= fill(context, "seccompProfile", seccomp);
	changed |= fill(context, "runAsNonRoot", json_true());
	changed |= fill(context, "runAsUser", json_integer(NOBODY));
	changed |= fill(spec, "automountServiceAccountToken", json_false());
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		json_t *container;
		size_t j;

		json_array_foreach(json_object_get(spec, container_lists[i]), j, container)
			changed |= fill_container(container);
	}
	return changed;
}

int k8s_manifest_harden(json_t *object, bool *changed, struct error *err)
{
	json_t *spec = k8s_pod_spec(object);
	bool filled;

	if (spec && check_pod(spec, err) < 0)
		return error_prefix(err, "%s '%s' is against the restricted Pod Security Standard", k8s_text(object, "kind", "?"),
				    k8s_text(object, "metadata.name", k8s_text(object, "metadata.generateName", "")));
	filled = spec && fill_pod(spec);
	if (changed)
		*changed = filled;
	return 0;
}

int k8s_manifest_is_safe(const json_t *object, struct error *err)
{
	json_auto_t *copy = json_deep_copy(object);
	bool changed = false;

	if (k8s_manifest_harden(copy, &changed, err) < 0)
		return -1;
	if (changed)
		return error_set(err, ERR_INVALID_INPUT, "%s '%s' would lose what the restricted Pod Security Standard wants of its pods",
				 k8s_text(object, "kind", "?"), k8s_text(object, "metadata.name", ""));
	return 0;
}
