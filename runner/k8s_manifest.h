/* SPDX-License-Identifier: Apache-2.0
 * k8s_manifest: objects before a cluster sees them: from YAML to JSON, and hardened. Private to runner/; whether one may be applied at all
 * is k8s_manifest_check() of k8s_fixtures.h. */
#pragma once

#include "runner/base/json.h"
#include "runner/base/strvec.h"
#include "runner/base/yaml.h"
#include "runner/parameters.h"

/* A YAML tree as Kubernetes reads it (0644 is octal). With `parameters` the ${NAME} of texts are replaced, but for scripts of containers;
 * a plain scalar that is one reference and nothing else takes the type of its value, as if that stood there. NULL with err: an unset
 * parameter, a key that is no text, a number that is none. */
struct k8s_values { const struct parameters *parameters; };	/* NULL members: none given */
json_t *k8s_json_of_node(const struct node *node, const struct k8s_values *values, struct error *err);
/* The replaced text of one scalar; NULL with err. */
char *k8s_expand(const char *text, size_t len, const struct parameters *parameters, struct error *err);

/* A file of manifests, several documents: checked objects are added to the array `ret`. */
int k8s_manifests_parse(const char *text, size_t len, const char *name, json_t *ret, struct error *err);

/* Where a pod's spec stands in an object of this kind: a Pod's, or a template's; borrowed, NULL: it has none. */
json_t *k8s_pod_spec(const json_t *object);
/* The pods of an object get what the restricted Pod Security Standard wants and the object leaves open; what the object says against it is
 * ERR_INVALID_INPUT, whatever the cluster's own admission thinks of it. *changed (may be NULL): something was added. */
int k8s_manifest_harden(json_t *object, bool *changed, struct error *err);
/* The same looked at only: what a cluster made of a patch. */
int k8s_manifest_is_safe(const json_t *object, struct error *err);

/* ---- short ways into JSON; all of them take NULL and wrong types for "not there" */
const char *k8s_text(const json_t *object, const char *dotted, const char *otherwise);	/* "metadata.name" */
int64_t k8s_number(const json_t *object, const char *dotted, int64_t otherwise);
json_t *k8s_at(const json_t *object, const char *dotted);
