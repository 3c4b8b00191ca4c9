/* SPDX-License-Identifier: Apache-2.0
 * k8s_field: `field` of a package: a path into an object, as kubectl's jsonpath writes them: metadata.annotations['retry-count'],
 * {.status.conditions[?(@.type=="Ready")].status}, spec.containers[*].image, metadata.labels.app\.kubernetes\.io/name. Private to runner/. */
#pragma once

#include "runner/base/json.h"

enum { K8S_FIELD_PARTS_MAX = 32, K8S_FIELD_FOUND_MAX = 1000 };

struct k8s_field_part {
	enum k8s_field_kind { FIELD_KEY, FIELD_INDEX, FIELD_ALL, FIELD_WHERE } kind;
	const char *key;		/* FIELD_KEY, FIELD_WHERE (dotted) */
	const char *value;		/* FIELD_WHERE */
	long index;			/* FIELD_INDEX; negative counts from the end */
};
struct k8s_field {
	struct k8s_field_part parts[K8S_FIELD_PARTS_MAX];
	size_t len;			/* 0: the object itself */
	char *text;			/* private: what the parts point into */
};

int k8s_field_parse(const char *path, struct k8s_field *ret, struct error *err);
void k8s_field_release(struct k8s_field *f);
/* All that it leads to, as a new array that shares the values; empty: nothing is there. */
json_t *k8s_field_find(const struct k8s_field *f, json_t *object);
