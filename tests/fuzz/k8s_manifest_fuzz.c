/* SPDX-License-Identifier: Apache-2.0
 * k8s_manifest: whatever a file of fixtures holds, what is taken is namespaced, has a name and no namespace, and its pods stay held in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/k8s_fixtures.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *found = json_array();
	struct error err = { 0 };
	json_t *object;
	size_t i;

	if (k8s_manifests_parse((const char *)data, size, "fuzz", found, &err) < 0)
		check(err.code != ERR_OK && err.text[0]);
	json_array_foreach(found, i, object) {
		const char *kind = k8s_text(object, "kind", NULL);
		bool changed;

		check(kind && k8s_text(object, "apiVersion", NULL) && !k8s_kind_has(kind, K8S_CLUSTER_SCOPED | K8S_CONTROL));
		check(!k8s_text(object, "metadata.namespace", NULL));
		check(k8s_text(object, "metadata.name", k8s_text(object, "metadata.generateName", NULL)));
		check(k8s_manifest_harden(object, &changed, &err) == 0 && !changed);
		if (k8s_pod_spec(object))
			check(!json_is_true(json_object_get(k8s_pod_spec(object), "hostNetwork")));
	}
	json_decref(found);
	return 0;
}
