/* SPDX-License-Identifier: Apache-2.0
 * A pod like those of commands looks at what holds where it is put, with a shell's own means, and tells by its termination message. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define NAME "atom-look"

/* Lines "word value". A policy may take a moment to reach a new pod: the network is tried $1 times. */
static const char script[] =
	"exec 2> /dev/null > /dev/termination-log\n"
	"while read -r a b c; do case $a in Seccomp:|CapEff:|CapBnd:|NoNewPrivs:|Uid:|Groups:) echo \"$a $b $c\" ;; esac; done < /proc/self/status\n"
	"echo pid $$\n"
	"( : > /.look ) && echo root writable || echo root read-only\n"
	"( : > " SANDBOX_WORKDIR "/.look && : > /tmp/.look ) && echo folders writable\n"
	"while read -r a b c d; do case $b in /tmp) echo tmp \"$c\" ;; esac; done < /proc/self/mounts\n"
	"for f in memory/memory.limit_in_bytes memory.max memory/memory.memsw.limit_in_bytes memory.swap.max cpu/cpu.cfs_quota_us cpu.max; do\n"
	"	[ -r /sys/fs/cgroup/$f ] && read -r v w < /sys/fs/cgroup/$f && echo \"cg/${f##*/} $v\"\n"
	"done\n"
	"n=-1; while read -r v; do n=$((n + 1)); done < /proc/swaps; echo swaps $n\n"
	"while read -r a b c; do echo \"uidmap $c\"; done < /proc/self/uid_map\n"
	"while IFS=: read -r a b c; do case $c in /) ;; *) echo cgroup shared ;; esac; done < /proc/self/cgroup\n"
	"read -r v < /proc/sys/kernel/hostname && echo \"hostname $v\"\n"
	"for f in mem kmsg kvm sda vda loop0; do [ -e /dev/$f ] && echo \"device $f\"; done\n"
	"[ -e /var/run/secrets/kubernetes.io/serviceaccount/token ] && echo token there || echo token none\n"
	"h=$KUBERNETES_SERVICE_HOST p=$KUBERNETES_SERVICE_PORT r=unknown i=0\n"
	"while [ $i -lt $1 ]; do\n"
	"	i=$((i + 1))\n"
	"	if command -v timeout > /dev/null && command -v bash > /dev/null; then timeout 1 bash -c \": < /dev/tcp/$h/$p\"; r=$?\n"
	"	elif command -v timeout > /dev/null && command -v nc > /dev/null; then timeout 1 nc $h $p < /dev/null > /dev/null; r=$?; fi\n"
	"	[ $r = 0 ] || break; [ $i = $1 ] || sleep 0.5\n"
	"done\n"
	"echo \"connect $r\"\n"
	"echo end end\n";

struct looking {
	struct kube_sandbox *ks;
	const struct sandbox_spec *spec;
	struct kube_look *look;
	struct kube_pod_state pod;
	uint64_t deadline_ns;
	bool cancelled;
};

static bool on_pod(void *arg, const char *type, json_t *object)
{
	struct looking *l = arg;
	const json_t *ended = json_object_get(json_object_get(kube_own_container(object), "state"), "terminated");
	const char *text = json_string_value(json_object_get(ended, "message"));

	if (type && object && strcmp(type, "DELETED"))
		kube_pod_state(object, &l->pod);
	if (text)
		snprintf(l->look->text, sizeof(l->look->text), "\n%s", text);
	l->cancelled = kube_keep_going(l->spec, NULL, NULL) < 0;
	return !l->pod.ended && !l->pod.stuck && !l->cancelled && clock_monotonic_ns() < l->deadline_ns;
}

/* `half` of what the quota leaves, where others begin meanwhile. */
static int make_pod(struct kube_sandbox *ks, int tries, bool half, uint64_t *memory_bytes, struct error *err)
{
	char times[8];
	const char *const argv[] = { "/bin/sh", "-c", script, "sh", times, NULL };
	const struct sandbox_command cmd = { .argv = argv };
	struct kube_pod_plan plan = { .image = ks->image, .cmd = &cmd, .secret = NAME, .grace_seconds = 1 };
	autofree char *path = xasprintf("/api/v1/namespaces/%s/pods", ks->namespace);
	json_t *pod;

	snprintf(times, sizeof(times), "%d", tries);
	if (kube_pod_size(ks, &plan, err) < 0)
		return -1;
	plan.memory_bytes >>= half;
	plan.cpu_millis >>= half;
	plan.storage_bytes >>= half;
	*memory_bytes = plan.memory_bytes;
	pod = kube_manifest("{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" NAME "','labels':{'" SANDBOX_LABEL_RUN "':'%s','" KUBE_LABEL_MANAGED
			    "':'" KUBE_MANAGER "'}}}", ks->base.ref.id);
	json_put(pod, "spec", kube_pod_spec(ks, &plan));
	return kube_post(ks, path, pod, NULL, err);
}

/* At once where there is no process to wait for: a node that pulls an image would take a minute to let go of it. */
static void remove_pod(struct kube_sandbox *ks, bool running)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s/pods/" NAME, ks->namespace);
	json_auto_t *options = kube_manifest("{'kind':'DeleteOptions','apiVersion':'v1','gracePeriodSeconds':%d}", running ? 1 : 0);
	const struct kube_call call = { .method = "DELETE", .target = path, .body = options };

	kube_call(ks->kube, &call, NULL, NULL);
}

int kube_look(struct kube_sandbox *ks, const struct sandbox_spec *spec, bool patient, uint64_t timeout_ns, void (*meanwhile)(void *arg), void *arg,
	      struct kube_look *ret, struct error *err)
{
	static const struct kube_type pods = { .group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod",
					       .api_version = "v1", .namespaced = true };
	const struct kube_target target = { .type = &pods, .namespace = ks->namespace };
	const struct kube_selection which = { .fields = "metadata.name=" NAME };
	struct looking l = { .ks = ks, .spec = spec, .look = ret, .deadline_ns = clock_deadline(timeout_ns) };
	struct error why = { .code = ERR_OK };

	*ret = (struct kube_look){ .text = "" };
	if (make_pod(ks, patient ? 4 : 1, spec->cluster.meanwhile, &ret->memory_bytes, &why) == 0) {
		meanwhile(arg);
		kube_watch(ks->logs, &target, &which, timeout_ns, on_pod, &l, &why);
	}
	remove_pod(ks, l.pod.started && !l.pod.ended);
	ret->seen = strstr(ret->text, "\nend end") != NULL;
	if (l.cancelled)
		return error_set(err, ERR_CANCELLED, "cancelled while the sandbox was made");
	l.pod.message[strcspn(l.pod.message, ":")] = '\0';	/* in short: it stands in many rows */
	if (!ret->seen)
		snprintf(ret->why_not, sizeof(ret->why_not), "%.100s", l.pod.stuck ? l.pod.message : why.code && why.code != ERR_DEADLINE_EXCEEDED ?
			 why.text : l.pod.ended ? "the image has no shell to look with" : "no pod ran in time to look");
	return 0;
}

const char *kube_look_fact(const struct kube_look *look, const char *word, char out[64])
{
	const size_t len = strlen(word);

	for (const char *p = look->text; (p = strchr(p, '\n')) != NULL;) {
		p++;
		if (!strncmp(p, word, len) && p[len] == ' ') {
			snprintf(out, 64, "%.*s", (int)strcspn(p + len + 1, "\n"), p + len + 1);
			return out;
		}
	}
	*out = '\0';
	return NULL;
}
