/* SPDX-License-Identifier: Apache-2.0
 * kube_config: a kubeconfig becomes what a client needs: one server, how to trust it and who we are. Read by yaml.h, with its ceilings.
 * Certificates and keys stay in memory. Source: kubernetes.io/docs/reference/config-api/kubeconfig.v1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"
#include "runner/base/strvec.h"

struct kube_config {			/* texts are owned; NULL: not given */
	char *context;			/* its name */
	char *server;			/* https://HOST:PORT[/PATH] (http only to a loopback address) */
	char *namespace;		/* of the context */
	char *ca_pem;			/* NULL: the system's authorities */
	char *tls_server_name;
	char *proxy_url;
	char *cert_pem, *key_pem;	/* client certificate */
	char *token;
	char *token_file;		/* read again before each call: it may be rotated */
	struct strvec exec_argv;	/* credential plugin, run when a token is needed; empty: none */
	struct strvec exec_env;		/* NAME=VALUE on top of ours */
	char *exec_api_version;
	bool exec_cluster_info;		/* the plugin wants to know the cluster */
	bool insecure_wanted;		/* insecure-skip-tls-verify stands there: refused by kube_open() unless … */
	bool insecure;			/* … this is set by hand afterwards */
};
#define KUBE_CONFIG_EMPTY { .exec_argv = STRVEC_INIT, .exec_env = STRVEC_INIT }

/* `path` NULL: $KUBECONFIG (one file; a list is merged as kubectl does), else ~/.kube/config. `context` NULL: its current-context.
 * ERR_INVALID_INPUT "file:line:column: …" for what is wrong in it, with the contexts there are when the one asked for is not;
 * ERR_UNAVAILABLE when there is no file. */
int kube_config_load(const char *path, const char *context, struct kube_config *ret, struct error *err);
/* The same from text; `name` is for messages and relative file names in it are seen from `folder`. */
int kube_config_parse(const char *text, size_t len, const char *name, const char *folder, const char *context, struct kube_config *ret,
		      struct error *err);
void kube_config_release(struct kube_config *c);	/* wipes key and token */
/* Inside a pod: the mounted service account. */
int kube_config_in_cluster(struct kube_config *ret, struct error *err);
