/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_fixtures.h"

#include <stdio.h>

#include "runner/base/mem.h"

int k8s_fixtures_load(const char *path, const char *event_path, struct k8s_fixtures *ret, struct error *err)
{
	if (path || event_path)
		return error_set(err, ERR_UNAVAILABLE, "this version cannot read fixtures yet");
	ret->manifests = json_array();
	return 0;
}

json_t *k8s_manifest_check(json_t *manifest, const char *where, struct error *err)
{
	(void)manifest;
	error_set(err, ERR_UNAVAILABLE, "%s: this version cannot judge manifests yet", where);
	return NULL;
}

int k8s_fixtures_apply(struct k8s_fixtures *f, const struct plan *plan, const struct parameters *parameters,
		       const struct sandbox_cluster *cluster, uint64_t deadline_ns, struct error *err)
{
	(void)f;
	(void)plan;
	(void)parameters;
	(void)cluster;
	(void)deadline_ns;
	(void)err;
	return 0;
}

bool k8s_target_of(const struct k8s_fixtures *f, const struct plan_step *step, const struct parameters *parameters, const char *type,
		   struct k8s_object_name *ret, char selector[256], char why[256])
{
	(void)f;
	(void)step;
	(void)parameters;
	*ret = (struct k8s_object_name){ 0 };
	selector[0] = '\0';
	snprintf(why, 256, "nobody says which %s", type);
	return false;
}

void k8s_fixtures_release(struct k8s_fixtures *f)
{
	json_decref(f->manifests);
	json_decref(f->event);
	json_decref(f->originals);
	free(f->stand_ins);
	strvec_release(&f->notes);
	*f = (struct k8s_fixtures)K8S_FIXTURES_EMPTY;
}
