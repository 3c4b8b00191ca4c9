/* SPDX-License-Identifier: Apache-2.0
 * The table of a namespace on a cluster: what was asked for stands in kube_pod.c; what is written here was seen by a pod, told by the
 * kubelet, or is said not to be known. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define PIDS_FACT "podPidsLimit"	/* what kubelets told, beside what a pod saw */
#define LOOK_NS (6 * NS_PER_SEC)	/* a pod starts in two; longer takes only an image that is pulled, and the first command waits for that */

struct filling {
	const struct kube_sandbox *ks;
	const struct sandbox_spec *spec;
	const struct kube_look *look;
	struct control_table *t;
};

static const char *size_text(uint64_t bytes, char out[64])
{
	autostrbuf struct strbuf sb = STRBUF_INIT(63);

	size_format(&sb, bytes);
	snprintf(out, 64, "%s", sb.buf);
	return out;
}

/* Seen to hold, seen not to, or not seen, which is asked for and no more. */
static void fill(const struct filling *f, enum control_id id, bool holds, const char *requested, const char *mechanism, const char *otherwise)
{
	if (!f->look->seen)
		control_set(f->t, id, CONTROL_DEGRADED, requested, mechanism, "asked of the cluster, not seen to hold: %s", f->look->why_not);
	else
		control_set(f->t, id, holds ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, requested, mechanism, holds ? NULL : "%s", otherwise);
}

static bool is(const struct filling *f, const char *word, const char *value)
{
	char text[64];

	return kube_look_fact(f->look, word, text) && !strcmp(text, value);
}

static bool begins(const struct filling *f, const char *word, const char *value)
{
	char text[64];

	return kube_look_fact(f->look, word, text) && !strncmp(text, value, strlen(value));
}

/* ---- limits */

static bool memory_holds(const struct filling *f)
{
	char text[64];
	unsigned long long bytes;

	if (!kube_look_fact(f->look, "cg/memory.max", text) && !kube_look_fact(f->look, "cg/memory.limit_in_bytes", text))
		return false;
	bytes = strtoull(text, NULL, 10);
	return bytes > 0 && bytes <= f->look->memory_bytes;	/* the kernel rounds down to pages */
}

static bool cpu_holds(const struct filling *f)
{
	char text[64];

	return (kube_look_fact(f->look, "cg/cpu.max", text) || kube_look_fact(f->look, "cg/cpu.cfs_quota_us", text)) && strtoll(text, NULL, 10) > 0;
}

static bool swap_holds(const struct filling *f)
{
	char text[64];

	if (is(f, "swaps", "0") || is(f, "cg/memory.swap.max", "0"))
		return true;
	return kube_look_fact(f->look, "cg/memory.memsw.limit_in_bytes", text) && strtoull(text, NULL, 10) <= f->look->memory_bytes;
}

/* What the kubelets say of their limit for a pod: the highest; 0: none, -1: not told. */
static long long pod_pids_limit(struct kube_sandbox *ks)
{
	const struct kube_call list = { .method = "GET", .target = "/api/v1/nodes?limit=3" };
	json_auto_t *nodes = NULL;
	const json_t *node;
	long long most = -1;
	size_t i;

	if (kube_call(ks->kube, &list, &nodes, NULL) < 0)
		return -1;
	json_array_foreach(json_object_get(nodes, "items"), i, node) {
		const char *name = json_string_value(json_object_get(json_object_get(node, "metadata"), "name"));
		autofree char *path = xasprintf("/api/v1/nodes/%s/proxy/configz", name ? name : "");
		const struct kube_call call = { .method = "GET", .target = path, .timeout_ns = 3 * NS_PER_SEC };
		json_auto_t *config = NULL;
		json_int_t limit;

		if (!name || !kube_name_is_valid(name) || kube_call(ks->kube, &call, &config, NULL) < 0)
			return -1;
		limit = json_integer_value(json_object_get(json_object_get(config, "kubeletconfig"), "podPidsLimit"));
		if (limit <= 0)
			return 0;
		if (limit > most)
			most = limit;
	}
	return most;
}

static void fill_pids(const struct filling *f)
{
	const uint64_t asked = f->spec->limits.pids;
	char text[64];
	const long long limit = kube_look_fact(f->look, PIDS_FACT, text) ? strtoll(text, NULL, 10) : -1;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)asked);
	if (!asked)
		return;
	if (limit > 0 && (uint64_t)limit <= asked + 1)
		control_set(f->t, CONTROL_PIDS, CONTROL_ENFORCED, text, "podPidsLimit of the kubelet", NULL);
	else if (limit > 0)
		control_set(f->t, CONTROL_PIDS, CONTROL_DEGRADED, text, "podPidsLimit of the kubelet", "a pod may have %lld", limit);
	else
		control_set(f->t, CONTROL_PIDS, CONTROL_UNAVAILABLE, text, "none", limit < 0 ? "the cluster does not tell what its kubelets limit" :
			    "Kubernetes has no such field in pods, and the kubelet has no podPidsLimit");
}

static void fill_limits(const struct filling *f)
{
	const struct { enum control_id id; uint64_t asked; bool bytes; const char *option; } rlimits[] = {
		{ CONTROL_NOFILE, f->spec->limits.nofile, false, "ulimit -n" },
		{ CONTROL_FSIZE, f->spec->limits.fsize_bytes, true, "ulimit -f" },
		{ CONTROL_CPU_TIME, f->spec->limits.cpu_time_ns / NS_PER_SEC, false, "ulimit -t" },
	};
	const struct sandbox_limits *l = &f->spec->limits;
	char text[64];

	if (l->memory_bytes)
		fill(f, CONTROL_MEMORY, memory_holds(f), size_text(l->memory_bytes, text), "limit of the pod, ResourceQuota of the namespace",
		     "the limit does not read back from the pod's control group");
	if (l->cpu_millis) {
		snprintf(text, sizeof(text), "%llum", (unsigned long long)l->cpu_millis);
		fill(f, CONTROL_CPU, cpu_holds(f), text, "limit of the pod, ResourceQuota of the namespace", "no quota reads back from the pod's control group");
	}
	fill(f, CONTROL_SWAP, swap_holds(f), "none", "the node has none, or the pod may not", "the node has swap");
	fill_pids(f);
	if (l->storage_bytes)
		control_set(f->t, CONTROL_STORAGE, CONTROL_DEGRADED, size_text(l->storage_bytes, text), "sizeLimit of emptyDir, ephemeral-storage",
			    "the kubelet looks now and then and evicts: more can be written until then; files are not counted");
	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)rlimits[i].asked);
		if (rlimits[i].asked)
			control_set(f->t, rlimits[i].id, CONTROL_DEGRADED, rlimits[i].bytes ? size_text(rlimits[i].asked, text) : text, rlimits[i].option,
				    "set by the shell that starts a command; pods have no such limit, so an image without a shell has none");
	}
	control_set(f->t, CONTROL_CORE, CONTROL_DEGRADED, "0", "ulimit -c", "set by the shell that starts a command; pods have no such limit");
	control_set(f->t, CONTROL_TIME, CONTROL_ENFORCED, "", "runner; activeDeadlineSeconds of the Job", NULL);
	if (l->output_bytes)
		control_set(f->t, CONTROL_OUTPUT, CONTROL_ENFORCED, size_text(l->output_bytes, text), "runner: counted, not kept", NULL);
}

/* ---- walls */

static void fill_namespaces(const struct filling *f)
{
	const bool hostname = is(f, "hostname", f->ks->hostname);

	fill(f, CONTROL_PID_NAMESPACE, is(f, "pid", "1"), "own", "pid namespace of the pod", "the first process of a command is not number 1");
	fill(f, CONTROL_MOUNT_NAMESPACE, f->look->seen, "own", "mount namespace of the container", "");
	fill(f, CONTROL_UTS_NAMESPACE, hostname, "own", "uts namespace of the pod", "the pod does not have the name it was given");
	fill(f, CONTROL_IPC_NAMESPACE, hostname, "own", "sandbox of the pod, as its uts namespace", "the pod shares the node's");
	fill(f, CONTROL_CGROUP_NAMESPACE, !is(f, "cgroup", "shared"), "own", "cgroup namespace", "pods of a node with cgroup version 1 share the node's");
	fill(f, CONTROL_USER_NAMESPACE, !is(f, "uidmap", "4294967295"), "own", "user namespace", "pods share the node's users; commands are 65534 there");
}

static void fill_walls(const struct filling *f)
{
	const bool bind = f->spec->net_bind_service;
	static const char net_bind[] = "0000000000000400", none[] = "0000000000000000";

	fill(f, CONTROL_READ_ONLY_ROOT, is(f, "root", "read-only"), "read-only", "readOnlyRootFilesystem, tried out", "a file can be made in /");
	fill(f, CONTROL_MASKED_PATHS, is(f, "token", "none"), "hidden", "no path of a host, no token in the pod", "the pod has a token of an account");
	fill(f, CONTROL_PRIVATE_TMP, f->look->seen && strstr(f->look->text, "\ntmp ") && is(f, "folders", "writable"), "own", "emptyDir",
	     "/tmp is no folder of the pod's own");
	fill(f, CONTROL_MINIMAL_DEV, f->look->seen && !strstr(f->look->text, "\ndevice "), "null, zero, random …", "/dev of the container runtime",
	     "there are devices in /dev that need not be there");
	fill(f, CONTROL_SECCOMP, begins(f, "Seccomp:", "2"), "RuntimeDefault", "filter of the container runtime", "no filter is in force");
	fill(f, CONTROL_NO_NEW_PRIVS, begins(f, "NoNewPrivs:", "1"), "on", "allowPrivilegeEscalation: false", "not set");
	fill(f, CONTROL_CAPABILITIES, begins(f, "CapEff:", none) && begins(f, "CapBnd:", bind ? net_bind : none), bind ? "drop all but NET_BIND_SERVICE" :
	     "drop all", "capabilities.drop: ALL", "capabilities read back that should not");
	fill(f, CONTROL_NON_ROOT, begins(f, "Uid:", "65534"), "uid not 0", "runAsNonRoot, runAsUser 65534", "commands are somebody else than was asked");
	fill(f, CONTROL_SUPPLEMENTARY_GROUPS, begins(f, "Groups:", "65534"), "none", "fsGroup 65534 alone", "the pod has groups of somebody else");
	control_set(f->t, CONTROL_LANDLOCK, CONTROL_UNAVAILABLE, "changes in the writable folders only", "none", "nothing of ours runs in a pod that could load it");
	if (f->spec->observe)
		control_set(f->t, CONTROL_OBSERVATION, CONTROL_UNAVAILABLE, "calls, programs, network", "none", "commands run on a node, where nobody watches them");
}

/* ---- the network */

/* Who keeps network policies, as far as they can be told by the names of their DaemonSets. */
static const char *const keepers[] = {
	"calico-node", "cilium", "kube-router", "weave-net", "antrea-agent", "ovnkube-node", "azure-npm", "kindnet", "aws-node", "canal", "ovs-node",
};

struct keeper {
	char name[64];
};

static bool note_keeper(void *arg, json_t *item, bool restarted)
{
	const char *name = json_string_value(json_object_get(json_object_get(item, "metadata"), "name"));
	struct keeper *k = arg;

	(void)restarted;
	for (size_t i = 0; name && i < ARRAY_SIZE(keepers); i++)
		if (!strncmp(name, keepers[i], strlen(keepers[i])))
			snprintf(k->name, sizeof(k->name), "%.63s", keepers[i]);
	return true;
}

static void find_keeper(struct kube_sandbox *ks, struct keeper *k)
{
	static const struct kube_type sets = { .group = "apps", .version = "v1", .kind = "DaemonSet", .plural = "daemonsets", .singular = "daemonset",
					       .api_version = "apps/v1", .namespaced = true };
	const struct kube_target target = { .type = &sets };

	*k->name = '\0';
	kube_list(ks->kube, &target, NULL, note_keeper, k, NULL, NULL);
}

static void fill_network(const struct filling *f, const struct keeper *k)
{
	static const char mechanism[] = "NetworkPolicy: nothing in, nothing out";
	char result[64] = "unknown";

	kube_look_fact(f->look, "connect", result);
	if (!strcmp(result, "0"))
		control_set(f->t, CONTROL_NETWORK, CONTROL_UNAVAILABLE, "none", mechanism, "a pod reached the API server: this cluster's network does not keep "
			    "policies%s%s", *k->name ? " yet, although there is " : "", k->name);
	else if (!strcmp(result, "124") || !strcmp(result, "143"))
		control_set(f->t, CONTROL_NETWORK, CONTROL_ENFORCED, "none", mechanism, NULL);
	else if (*k->name && strcmp(k->name, "kindnet") && strcmp(k->name, "aws-node"))	/* these two do in some versions only */
		control_set(f->t, CONTROL_NETWORK, CONTROL_ENFORCED, "none", mechanism, NULL);
	else
		control_set(f->t, CONTROL_NETWORK, CONTROL_UNAVAILABLE, "none", mechanism, "not seen to be kept: %s", f->look->seen ?
			    "the image has nothing to try it with" : f->look->why_not);
}

/* The walls of a cluster that stays do not change from run to run, and the same asks for the same pod: its limits are of the run before, and they
 * were kept. */
static bool recall(const struct kube_sandbox *ks, struct kube_look *look)
{
	autostrbuf struct strbuf text = STRBUF_INIT(sizeof(look->text) + 64);
	unsigned long long bytes;
	int begin = 0;

	if (!*ks->seen_before || file_read(ks->seen_before, &text, NULL) < 0 || sscanf(text.buf, "%llu%n", &bytes, &begin) != 1)
		return false;
	*look = (struct kube_look){ .seen = true, .memory_bytes = bytes };
	snprintf(look->text, sizeof(look->text), "%s", text.buf + begin);
	return strstr(look->text, "\nend end") != NULL;
}

static void remember(const struct kube_sandbox *ks, const struct kube_look *look)
{
	autofree char *text = xasprintf("%llu%s", (unsigned long long)look->memory_bytes, look->text);

	if (*ks->seen_before && look->seen)
		file_write_atomic(ks->seen_before, text, strlen(text), 0600, NULL);	/* if not, the next one looks again */
}

struct meanwhile {
	struct kube_sandbox *ks;
	const struct sandbox_spec *spec;
	long long pids;
};

/* What needs no look: a pod takes one to three seconds. */
static void meanwhile(void *arg)
{
	struct meanwhile *m = arg;

	if (m->spec->cluster.meanwhile)
		m->spec->cluster.meanwhile(m->spec->cluster.meanwhile_arg, &m->ks->cluster);
	m->pids = pod_pids_limit(m->ks);
}

static void add_fact(struct kube_look *look, const char *word, long long value)
{
	const size_t len = strlen(look->text);

	snprintf(look->text + len, sizeof(look->text) - len, "\n%s %lld", word, value);
}

int kube_place_controls(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct control_table *t, struct error *err)
{
	struct kube_look look;
	struct meanwhile m = { .ks = ks, .spec = spec, .pids = -1 };
	const struct filling f = { .ks = ks, .spec = spec, .look = &look, .t = t };
	struct keeper keeper;

	find_keeper(ks, &keeper);
	if (!recall(ks, &look)) {
		if (kube_look(ks, spec, *keeper.name != '\0', LOOK_NS, meanwhile, &m, &look, err) < 0)
			return -1;
		add_fact(&look, PIDS_FACT, m.pids);
		remember(ks, &look);
	}
	fill_limits(&f);
	fill_namespaces(&f);
	fill_walls(&f);
	fill_network(&f, &keeper);
	return 0;
}
