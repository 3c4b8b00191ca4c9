/* SPDX-License-Identifier: Apache-2.0
 * The backend `kubernetes`: a namespace of its own on a cluster that is there. The record says which cluster that was: the file, the
 * name in it, and the server's address, so that a name that means another cluster by now is not acted on. No secret is written down. */
#include "sandboxes/kube_place.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define CONNECT_NS (15 * NS_PER_SEC)
#define GONE_NS (120 * NS_PER_SEC)

/* Which cluster is said by who asks: creating tells. */
static bool probe(char *reason, size_t size)
{
	(void)reason, (void)size;
	return true;
}

/* ---- is that one to play with? */

static bool is_production_word(const char *word, size_t len)
{
	static const char *const beginnings[] = { "prod", "prd" }, *const whole[] = { "live" };
	static const char product[] = "product", production[] = "production", productive[] = "productive";

	if (len >= strlen(product) && !strncasecmp(word, product, strlen(product)))	/* which is what most things are called after */
		return (len >= strlen(production) && !strncasecmp(word, production, strlen(production))) ||
		       (len >= strlen(productive) && !strncasecmp(word, productive, strlen(productive)));
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (len >= strlen(beginnings[i]) && !strncasecmp(word, beginnings[i], strlen(beginnings[i])))
			return true;
	while (len && isdigit((unsigned char)word[len - 1]))
		len--;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (len == strlen(whole[i]) && !strncasecmp(word, whole[i], len))
			return true;
	return false;
}

/* A word of a name, "eu-prod-1" or "arn:aws:eks:…:cluster/live2"; not part of a word, "nonprod" and "reproduce", nor "product-catalog". */
static bool looks_like_production(const char *name)
{
	for (const char *p = name ? name : ""; *p;) {
		size_t len = 0;

		while (isalnum((unsigned char)p[len]))
			len++;
		if (len && is_production_word(p, len))
			return true;
		p += len ? len : 1;
	}
	return false;
}

static int check_cluster(const struct sandbox_cluster_spec *c, const struct kube_config *cfg, struct error *err)
{
	const char *const names[] = { cfg->context, cfg->server, cfg->namespace };

	for (size_t i = 0; !c->confirmed && i < ARRAY_SIZE(names); i++)
		if (looks_like_production(names[i]))
			return error_set(err, ERR_PERMISSION_DENIED, "'%s' of context '%s' looks like production: nothing was done; if a sandbox there is what you "
					 "want, say so with --yes", names[i], cfg->context ? cfg->context : c->context);
	return 0;
}

/* ---- the record */

struct record {
	char path[640];
	char kubeconfig[PATH_MAX], context[512], server[512], namespace[96];
};

static void record_path(struct record *r, const struct sandbox_ref *ref)
{
	*r = (struct record){ .path = "" };
	snprintf(r->path, sizeof(r->path), "%s/%s-%s", ref->endpoint, ref->backend, ref->id);
}

/* The file that is meant, wherever its reader stands; "" for several that only the environment names together. */
static void resolve_kubeconfig(const char *given, char out[PATH_MAX])
{
	const char *variable = getenv("KUBECONFIG"), *home = getenv("HOME");
	autofree char *usual = home ? xasprintf("%s/.kube/config", home) : NULL;
	const char *path = given ? given : variable && *variable ? variable : usual;

	if (!path || (!given && strchr(path, ':')) || !realpath(path, out))
		*out = '\0';
}

static int write_record(const struct record *r, struct error *err)
{
	autoclose int fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&text, "kubeconfig %s\ncontext %s\nserver %s\nnamespace %s\n", r->kubeconfig, r->context, r->server, r->namespace);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", r->path);
	if (write_all(fd, text.buf, text.len) < 0 || fdatasync(fd) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", r->path);
	return steal_fd(&fd);
}

/* 1; 0: there is none; -1. */
static int read_record(struct record *r, const struct sandbox_ref *ref, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	struct error why = { .code = ERR_OK };
	char *save = NULL;

	record_path(r, ref);
	if (file_read(r->path, &text, &why) < 0)
		return why.sys == ENOENT || why.sys == ENOTDIR ? 0 : error_set(err, ERR_CLEANUP, "%s", why.text);
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct { const char *word; char *to; size_t size; } rows[] = {
			{ "kubeconfig ", r->kubeconfig, sizeof(r->kubeconfig) }, { "context ", r->context, sizeof(r->context) },
			{ "server ", r->server, sizeof(r->server) }, { "namespace ", r->namespace, sizeof(r->namespace) },
		};

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (!strncmp(line, rows[i].word, strlen(rows[i].word)))
				snprintf(rows[i].to, rows[i].size, "%s", line + strlen(rows[i].word));
	}
	return 1;
}

/* ---- making it */

/* Before anything is made or written down: who is nobody there can remove nothing either. A cluster that does not answer this has its say later. */
static int check_rights(struct kube_sandbox *ks, struct error *err)
{
	json_t *question = kube_manifest("{'apiVersion':'authorization.k8s.io/v1','kind':'SelfSubjectAccessReview',"
					 "'spec':{'resourceAttributes':{'verb':'create','resource':'namespaces'}}}");
	json_auto_t *answer = NULL;
	struct error why = { .code = ERR_OK };

	if (kube_post(ks, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", question, &answer, &why) < 0) {
		const int status = kube_failure(ks->kube)->status;

		return status != 401 && status != 403 ? 0 :
		       error_set(err, ERR_UNAVAILABLE, "the cluster at '%s' does not know us: %s", kube_server(ks->kube), why.text);
	}
	if (!json_is_false(json_object_get(json_object_get(answer, "status"), "allowed")))
		return 0;
	return error_set(err, ERR_UNAVAILABLE, "we may not make namespaces on the cluster at '%s': a sandbox there needs a user who may make and "
			 "delete them, and what is in them", kube_server(ks->kube));
}

static int build(struct kube_sandbox *ks, const struct sandbox_ref *ref, const struct sandbox_spec *spec, const struct kube_config *cfg,
		 struct control_table *controls, struct error *err)
{
	struct record r;

	record_path(&r, ref);
	resolve_kubeconfig(spec->cluster.kubeconfig, r.kubeconfig);
	if (snprintf(r.context, sizeof(r.context), "%s", spec->cluster.context) >= (int)sizeof(r.context) ||
	    snprintf(r.server, sizeof(r.server), "%s", cfg->server) >= (int)sizeof(r.server) || strchr(r.context, '\n') || strchr(r.kubeconfig, '\n'))
		return error_set(err, ERR_UNAVAILABLE, "the name of the context or the address of its server cannot be written down");
	snprintf(r.namespace, sizeof(r.namespace), KUBE_NAMESPACE "-%s", ref->id);
	if (kube_sandbox_connect(ks, cfg, CONNECT_NS, err) < 0 || check_rights(ks, err) < 0)
		return -1;
	kube_place_sweep(ks->kube);
	ks->state_fd = write_record(&r, err);
	if (ks->state_fd < 0 || kube_keep_going(spec, "making a namespace", err) < 0)
		return -1;
	if (kube_place_make(ks, spec, r.namespace, err) < 0)
		return -1;
	return kube_place_controls(ks, spec, controls, err);
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	const struct sandbox_cluster_spec *c = &spec->cluster;
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	struct kube_sandbox *ks;
	int r = -1;

	if (!c->context || !*c->context)
		return error_set(err, ERR_USAGE, "which cluster? Name it with --context (and --kubeconfig): the current context is never taken");
	if (kube_config_load(c->kubeconfig, c->context, &cfg, err) < 0)
		return -1;
	ks = kube_sandbox_new(&sandbox_backend_kubernetes, ref, spec);
	if (check_cluster(c, &cfg, err) == 0)
		r = build(ks, ref, spec, &cfg, controls, err);
	kube_config_release(&cfg);
	if (r < 0)
		kube_sandbox_close(&ks->base);
	else
		*ret = &ks->base;
	return r;
}

/* ---- undoing it */

static int undo(const struct record *r, const char *id, struct cleanup_list *list, struct error *err)
{
	struct kube_config cfg = KUBE_CONFIG_EMPTY;
	struct kube *k = NULL;
	int done = -1;

	if (kube_config_load(*r->kubeconfig ? r->kubeconfig : NULL, r->context, &cfg, err) == 0) {
		if (strcmp(cfg.server, r->server))
			error_set(err, ERR_CLEANUP, "context '%s' means '%s' now", r->context, cfg.server);
		else
			k = kube_open(&cfg, err);
	}
	if (k)
		done = kube_place_remove(k, r->namespace, id, GONE_NS, list, err);
	else
		cleanup_add(list, "namespace", r->namespace, false, "the cluster cannot be asked");
	kube_close(k);
	kube_config_release(&cfg);
	if (done < 0 && err)
		err->code = ERR_CLEANUP;
	return done < 0 ? error_prefix(err, "namespace '%s' of the cluster at '%s' may still be there until its lease is over", r->namespace, r->server) : 0;
}

static int destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	struct record r;
	int found = read_record(&r, ref, err);

	if (found <= 0)
		return found;
	/* a record that was not written to its end: nothing came after it */
	if (*r.namespace && undo(&r, ref->id, list, err) < 0)
		return -1;
	if (unlink(r.path) < 0 && errno != ENOENT) {
		cleanup_add(list, "state_file", r.path, false, strerror(errno));
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", r.path);
	}
	cleanup_add(list, "state_file", r.path, true, "unlinked");
	return 0;
}

const struct sandbox_backend sandbox_backend_kubernetes = {
	.type = "kubernetes", .name = "kubernetes", .summary = "a namespace of its own on a Kubernetes cluster that is there; commands run as Jobs",
	.cluster = true, .probe = probe, .create = create, .put = kube_put, .exec = kube_exec, .close = kube_sandbox_close, .destroy = destroy,
};
