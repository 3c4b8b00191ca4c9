/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_kind.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"

static const struct k8s_kind kinds[] = {
	{ "Pod", "pods", "po", K8S_WORKLOAD | K8S_STAND_IN },
	{ "Deployment", "deployments", "deploy", K8S_WORKLOAD | K8S_SCALABLE | K8S_STAND_IN },
	{ "StatefulSet", "statefulsets", "sts", K8S_WORKLOAD | K8S_SCALABLE | K8S_STAND_IN },
	{ "DaemonSet", "daemonsets", "ds", K8S_WORKLOAD | K8S_STAND_IN },
	{ "ReplicaSet", "replicasets", "rs", K8S_WORKLOAD | K8S_SCALABLE | K8S_STAND_IN },
	{ "ReplicationController", "replicationcontrollers", "rc", K8S_WORKLOAD | K8S_SCALABLE },
	{ "Job", "jobs", "job", K8S_WORKLOAD | K8S_STAND_IN },
	{ "CronJob", "cronjobs", "cj", K8S_STAND_IN },
	{ "ConfigMap", "configmaps", "cm", K8S_STAND_IN | K8S_FIRST },
	{ "Secret", "secrets", "secret", K8S_STAND_IN | K8S_FIRST },
	{ "Service", "services", "svc", K8S_STAND_IN | K8S_FIRST },
	{ "ServiceAccount", "serviceaccounts", "sa", K8S_FIRST },
	{ "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", K8S_FIRST },
	{ "PodDisruptionBudget", "poddisruptionbudgets", "pdb", 0 },
	{ "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", 0 },
	{ "Event", "events", "ev", 0 },
	{ "Endpoints", "endpoints", "ep", 0 },
	{ "Lease", "leases", "lease", 0 },
	{ "NetworkPolicy", "networkpolicies", "netpol", K8S_CONTROL },
	{ "ResourceQuota", "resourcequotas", "quota", K8S_CONTROL },
	{ "LimitRange", "limitranges", "limits", K8S_CONTROL },
	{ "Role", "roles", "role", K8S_CONTROL },
	{ "RoleBinding", "rolebindings", "rolebinding", K8S_CONTROL },
	{ "Ingress", "ingresses", "ing", K8S_CONTROL },
	{ "Namespace", "namespaces", "ns", K8S_CLUSTER_SCOPED },
	{ "Node", "nodes", "no", K8S_CLUSTER_SCOPED },
	{ "PersistentVolume", "persistentvolumes", "pv", K8S_CLUSTER_SCOPED },
	{ "ClusterRole", "clusterroles", "clusterrole", K8S_CLUSTER_SCOPED },
	{ "ClusterRoleBinding", "clusterrolebindings", "clusterrolebinding", K8S_CLUSTER_SCOPED },
	{ "CustomResourceDefinition", "customresourcedefinitions", "crd", K8S_CLUSTER_SCOPED },
	{ "StorageClass", "storageclasses", "sc", K8S_CLUSTER_SCOPED },
	{ "VolumeAttachment", "volumeattachments", "volumeattachment", K8S_CLUSTER_SCOPED },
	{ "CSIDriver", "csidrivers", "csidriver", K8S_CLUSTER_SCOPED },
	{ "CSINode", "csinodes", "csinode", K8S_CLUSTER_SCOPED },
	{ "PriorityClass", "priorityclasses", "pc", K8S_CLUSTER_SCOPED },
	{ "RuntimeClass", "runtimeclasses", "runtimeclass", K8S_CLUSTER_SCOPED },
	{ "IngressClass", "ingressclasses", "ingressclass", K8S_CLUSTER_SCOPED },
	{ "APIService", "apiservices", "apiservice", K8S_CLUSTER_SCOPED },
	{ "PodSecurityPolicy", "podsecuritypolicies", "psp", K8S_CLUSTER_SCOPED },
	{ "CertificateSigningRequest", "certificatesigningrequests", "csr", K8S_CLUSTER_SCOPED },
	{ "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "mutatingwebhookconfiguration", K8S_CLUSTER_SCOPED },
	{ "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "validatingwebhookconfiguration", K8S_CLUSTER_SCOPED },
	{ "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "validatingadmissionpolicy", K8S_CLUSTER_SCOPED },
	{ "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "validatingadmissionpolicybinding", K8S_CLUSTER_SCOPED },
	{ "FlowSchema", "flowschemas", "flowschema", K8S_CLUSTER_SCOPED },
	{ "PriorityLevelConfiguration", "prioritylevelconfigurations", "prioritylevelconfiguration", K8S_CLUSTER_SCOPED },
};

/* The group that people may add ("deployments.apps") does not count: no two kinds of the table differ by it alone. */
static bool is_word(const char *word, const char *type, size_t len)
{
	return strlen(word) == len && !strncasecmp(word, type, len);
}

const struct k8s_kind *k8s_kind_named(const char *type)
{
	size_t len = strcspn(type, ".");

	for (size_t i = 0; len && i < ARRAY_SIZE(kinds); i++)
		if (is_word(kinds[i].kind, type, len) || is_word(kinds[i].plural, type, len) || is_word(kinds[i].short_name, type, len))
			return &kinds[i];
	return NULL;
}

bool k8s_kind_is(const char *kind, const char *type)
{
	const struct k8s_kind *known = k8s_kind_named(type);
	size_t len = strlen(kind), type_len = strcspn(type, ".");

	if (known)
		return !strcasecmp(known->kind, kind);
	/* a custom kind, in its singular or one of the usual plurals */
	if (type_len < len || strncasecmp(kind, type, len - (len > 1 && type_len > len && strchr("yY", kind[len - 1]))) != 0)
		return false;
	return type_len == len || is_word("s", type + len, type_len - len) || is_word("es", type + len, type_len - len) ||
	       is_word("ies", type + len - 1, type_len - len + 1);
}

bool k8s_kind_has(const char *type, unsigned int flag)
{
	const struct k8s_kind *known = k8s_kind_named(type);

	return known && (known->flags & flag);
}
