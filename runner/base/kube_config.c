/* SPDX-License-Identifier: Apache-2.0
 * A kubeconfig is three lists (clusters, users, contexts) whose items refer to each other by name; several files are seen as one, in
 * which the first that says something wins. What a context refers to is looked up; the rest is not looked at. */
#include "runner/base/kube_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/base64.h"
#include "runner/base/file.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/utf8.h"
#include "runner/base/yaml.h"

#define FILE_MAX (1u << 20)	/* of a certificate, key or token; a kubeconfig has the ceilings of yaml.h */
#define NAMES_SHOWN 12

struct source {
	struct document *doc;
	char *folder;
};
struct sources {
	struct source *items;
	size_t len, alloc;
};

/* ---- owned texts */

void kube_wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void kube_wipe_strbuf(struct strbuf *sb)
{
	if (sb->alloc)
		explicit_bzero(sb->buf, sb->alloc);
	strbuf_release(sb);
}

void kube_config_release(struct kube_config *c)
{
	char **const texts[] = { &c->context, &c->server, &c->namespace, &c->ca_pem, &c->tls_server_name, &c->proxy_url, &c->cert_pem,
				 &c->key_pem, &c->token, &c->token_file, &c->exec_api_version };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		kube_wipe(texts[i]);
	for (size_t i = 0; i < c->exec_env.len; i++)
		explicit_bzero(c->exec_env.items[i], strlen(c->exec_env.items[i]));
	strvec_release(&c->exec_argv);
	strvec_release(&c->exec_env);
	*c = (struct kube_config)KUBE_CONFIG_EMPTY;
}

void kube_config_copy(struct kube_config *to, const struct kube_config *from)
{
	*to = (struct kube_config){
		.context = xstrdup_or_null(from->context), .server = xstrdup_or_null(from->server),
		.namespace = xstrdup_or_null(from->namespace), .ca_pem = xstrdup_or_null(from->ca_pem),
		.tls_server_name = xstrdup_or_null(from->tls_server_name), .proxy_url = xstrdup_or_null(from->proxy_url),
		.cert_pem = xstrdup_or_null(from->cert_pem), .key_pem = xstrdup_or_null(from->key_pem),
		.token = xstrdup_or_null(from->token), .token_file = xstrdup_or_null(from->token_file),
		.exec_api_version = xstrdup_or_null(from->exec_api_version), .exec_cluster_info = from->exec_cluster_info,
		.insecure_wanted = from->insecure_wanted, .insecure = from->insecure,
	};
	for (size_t i = 0; i < from->exec_argv.len; i++)
		strvec_push(&to->exec_argv, from->exec_argv.items[i]);
	for (size_t i = 0; i < from->exec_env.len; i++)
		strvec_push(&to->exec_env, from->exec_env.items[i]);
}

/* ---- reading nodes */

static int at(const struct source *s, const struct node *n, struct error *err)
{
	struct position p = n ? n->start : s->doc->root ? s->doc->root->start : (struct position){ 1, 1 };

	return error_prefix(err, "%s:%u:%u", s->doc->name, p.line, p.column);
}

#define REFUSE(source, node, ...) (error_set(err, ERR_INVALID_INPUT, __VA_ARGS__), at(source, node, err))

static int take_text(const struct source *s, const struct node *map, const char *key, char **ret, struct error *err)
{
	const struct node *n = node_get(map, key);

	if (node_is_null(n) || (n->kind == NODE_SCALAR && !n->len))
		return 0;
	if (n->kind != NODE_SCALAR)
		return REFUSE(s, n, "'%s' must be a text, not a %s", key, node_type_name(n));
	*ret = xstrndup(n->text, n->len);
	return 0;
}

static int take_bool(const struct source *s, const struct node *map, const char *key, bool *ret, struct error *err)
{
	const struct node *n = node_get(map, key);

	if (!node_is_null(n) && !node_is_bool(n, ret))
		return REFUSE(s, n, "'%s' must be true or false", key);
	return 0;
}

static char *resolve_path(const char *folder, const char *path)
{
	return *path == '/' || !folder || !*folder ? xstrdup(path) : xasprintf("%s/%s", folder, path);
}

int kube_read_secret_file(const char *path, char **ret, struct error *err)
{
	struct strbuf text = STRBUF_INIT(FILE_MAX);
	int rc = file_read(path, &text, err);

	if (rc == 0 && memchr(text.buf, '\0', text.len))
		rc = error_set(err, ERR_INVALID_INPUT, "'%s' is no text", path);
	if (rc == 0)
		*ret = xstrdup(text.buf);
	kube_wipe_strbuf(&text);
	return rc;
}

/* `key`-data in base64, else the file that `key` names. */
static int take_pem(const struct source *s, const struct node *map, const char *key, char **ret, struct error *err)
{
	autofree char *data_key = xasprintf("%s-data", key);
	struct node *n = node_get(map, data_key);
	struct strbuf bytes = STRBUF_INIT(FILE_MAX);
	autofree char *path = NULL;
	autofree char *full = NULL;
	int rc = 0;

	if (!node_is_null(n) && (n->kind != NODE_SCALAR || n->len)) {
		if (n->kind != NODE_SCALAR || base64_decode(n->text, n->len, &bytes) < 0 || memchr(bytes.buf, '\0', bytes.len))
			rc = REFUSE(s, n, "'%s' is no base64 of a PEM text", data_key);
		else
			*ret = xstrdup(bytes.buf);
		kube_wipe_strbuf(&bytes);
		if (n->kind == NODE_SCALAR)
			explicit_bzero(n->text, n->len);
		return rc;
	}
	if (take_text(s, map, key, &path, err) < 0)
		return -1;
	if (!path)
		return 0;
	full = resolve_path(s->folder, path);
	return kube_read_secret_file(full, ret, err) < 0 ? at(s, node_get(map, key), err) : 0;
}

/* ---- lists of named things */

/* Item of `list` with that name in one file: 0 with *ret NULL when there is none. */
static int named_in(const struct source *s, const char *list, const char *name, struct node **ret, struct error *err)
{
	const struct node *items = node_get(s->doc->root, list);

	*ret = NULL;
	if (node_is_null(items))
		return 0;
	if (items->kind != NODE_SEQUENCE)
		return REFUSE(s, items, "'%s' must be a list, not a %s", list, node_type_name(items));
	for (size_t i = 0; i < items->len; i++) {
		const struct node *n = node_get(items->items[i], "name");

		if (!n || n->kind != NODE_SCALAR || strcmp(n->text, name) != 0)
			continue;
		if (*ret)
			return REFUSE(s, n, "'%s' is in '%s' twice", name, list);
		*ret = items->items[i];
	}
	return 0;
}

/* The first file that knows the name has it; all of it comes from there. */
static int find_named(const struct sources *all, const char *list, const char *name, const struct source **ret_source,
		      struct node **ret, struct error *err)
{
	*ret = NULL;
	for (size_t i = 0; i < all->len && !*ret; i++) {
		*ret_source = &all->items[i];
		if (named_in(*ret_source, list, name, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int no_such_context(const struct sources *all, const char *name, struct error *err)
{
	autostrbuf struct strbuf known = STRBUF_INIT(600);
	const char *names[NAMES_SHOWN] = { NULL }, *close;
	char quoted[UTF8_QUOTE_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < all->len; i++) {
		const struct node *items = node_get(all->items[i].doc->root, "contexts");

		for (size_t j = 0; items && items->kind == NODE_SEQUENCE && j < items->len && n < NAMES_SHOWN; j++) {
			const struct node *it = node_get(items->items[j], "name");

			if (it && it->kind == NODE_SCALAR && it->len) {
				strbuf_addf(&known, "%s%s", n ? ", " : "", utf8_quote(quoted, it->text, it->len));
				names[n++] = it->text;
			}
		}
	}
	if (!name)
		return error_set(err, ERR_INVALID_INPUT, "%s: there is no current context: name one%s%s", all->items[0].doc->name,
				 n ? " of " : "", known.buf);
	close = nearest(name, names, n);
	utf8_quote(quoted, name, strlen(name));
	if (close)
		return error_set(err, ERR_INVALID_INPUT, "%s: there is no context %s; was '%s' meant? There are %s", all->items[0].doc->name,
				 quoted, close, known.buf);
	return error_set(err, ERR_INVALID_INPUT, "%s: there is no context %s; there %s %s", all->items[0].doc->name, quoted,
			 n == 1 ? "is" : "are", n ? known.buf : "none");
}

static char *current_context(const struct sources *all)
{
	for (size_t i = 0; i < all->len; i++) {
		const struct node *n = node_get(all->items[i].doc->root, "current-context");

		if (n && n->kind == NODE_SCALAR && n->len && !node_is_null(n))
			return xstrndup(n->text, n->len);
	}
	return NULL;
}

/* ---- the three parts */

static int take_cluster(const struct source *s, const struct node *map, struct kube_config *c, struct error *err)
{
	if (take_text(s, map, "server", &c->server, err) < 0 || take_text(s, map, "tls-server-name", &c->tls_server_name, err) < 0 ||
	    take_text(s, map, "proxy-url", &c->proxy_url, err) < 0 || take_pem(s, map, "certificate-authority", &c->ca_pem, err) < 0 ||
	    take_bool(s, map, "insecure-skip-tls-verify", &c->insecure_wanted, err) < 0)
		return -1;
	if (!c->server)
		return REFUSE(s, map, "the cluster has no 'server'");
	return kube_check_server(c->server, err) < 0 ? at(s, node_get(map, "server"), err) : 0;
}

static int take_exec_env(const struct source *s, const struct node *list, struct kube_config *c, struct error *err)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct node *name = node_get(list->items[i], "name"), *value = node_get(list->items[i], "value");

		if (!name || name->kind != NODE_SCALAR || !name->len || strchr(name->text, '=') || !value || value->kind != NODE_SCALAR)
			return REFUSE(s, list->items[i], "a variable of a credential plugin needs 'name' and 'value'");
		strvec_pushf(&c->exec_env, "%s=%s", name->text, value->text);
	}
	return 0;
}

static int take_exec(const struct source *s, const struct node *map, struct kube_config *c, struct error *err)
{
	const struct node *args = node_get(map, "args"), *env = node_get(map, "env"), *mode = node_get(map, "interactiveMode");
	autofree char *command = NULL;

	if (take_text(s, map, "command", &command, err) < 0 || take_text(s, map, "apiVersion", &c->exec_api_version, err) < 0 ||
	    take_bool(s, map, "provideClusterInfo", &c->exec_cluster_info, err) < 0)
		return -1;
	if (!command)
		return REFUSE(s, map, "the credential plugin has no 'command'");
	if (!c->exec_api_version || (strcmp(c->exec_api_version, "client.authentication.k8s.io/v1") != 0 &&
				     strcmp(c->exec_api_version, "client.authentication.k8s.io/v1beta1") != 0))
		return REFUSE(s, map, "the credential plugin speaks '%s': only client.authentication.k8s.io/v1 and v1beta1 are spoken",
			      c->exec_api_version ? c->exec_api_version : "");
	if (mode && mode->kind == NODE_SCALAR && !strcmp(mode->text, "Always"))
		return REFUSE(s, mode, "the credential plugin wants to ask at a terminal, which cannot be done here: get a token with it first");
	/* as kubectl: a path is seen from the file, a mere name from PATH */
	if (strchr(command, '/'))
		strvec_push_take(&c->exec_argv, resolve_path(s->folder, command));
	else
		strvec_push(&c->exec_argv, command);
	for (size_t i = 0; args && args->kind == NODE_SEQUENCE && i < args->len; i++) {
		if (args->items[i]->kind != NODE_SCALAR)
			return REFUSE(s, args->items[i], "an argument of a credential plugin must be a text");
		strvec_push(&c->exec_argv, args->items[i]->text);
	}
	return env && env->kind == NODE_SEQUENCE ? take_exec_env(s, env, c, err) : 0;
}

/* What changes who we are and cannot be done here is refused: to pass it over would be to act as somebody else. */
static int refuse_unsupported(const struct source *s, const struct node *map, struct error *err)
{
	static const struct { const char *key, *text; } refused[] = {
		{ "username", "user names and passwords are not supported by Kubernetes since 1.19: use a token or a client certificate" },
		{ "password", "user names and passwords are not supported by Kubernetes since 1.19: use a token or a client certificate" },
		{ "auth-provider", "auth providers are gone since Kubernetes 1.26: use a credential plugin ('exec')" },
		{ "as", "impersonation by the kubeconfig is not supported" },
		{ "as-uid", "impersonation by the kubeconfig is not supported" },
		{ "as-groups", "impersonation by the kubeconfig is not supported" },
		{ "as-user-extra", "impersonation by the kubeconfig is not supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct node *n = node_get(map, refused[i].key);

		if (!node_is_null(n) && (n->kind == NODE_SCALAR ? n->len : n->size > 1))
			return REFUSE(s, n, "'%s': %s", refused[i].key, refused[i].text);
	}
	return 0;
}

static int take_user(const struct source *s, const struct node *map, struct kube_config *c, struct error *err)
{
	const struct node *exec = node_get(map, "exec");
	autofree char *token_file = NULL;

	if (refuse_unsupported(s, map, err) < 0 || take_pem(s, map, "client-certificate", &c->cert_pem, err) < 0 ||
	    take_pem(s, map, "client-key", &c->key_pem, err) < 0 || take_text(s, map, "token", &c->token, err) < 0 ||
	    take_text(s, map, "tokenFile", &token_file, err) < 0)
		return -1;
	if (token_file)
		c->token_file = resolve_path(s->folder, token_file);
	if (!c->cert_pem != !c->key_pem)
		return REFUSE(s, map, "a client certificate and its key belong together: only the %s is here", c->cert_pem ? "certificate" : "key");
	if (c->token && kube_check_token(c->token, err) < 0)
		return at(s, node_get(map, "token"), err);
	return !node_is_null(exec) ? take_exec(s, exec, c, err) : 0;
}

/* The item of `list` that `context` refers to by `key`; *ret is what is in it, NULL: it names none. */
static int follow(const struct sources *all, const struct source *from, const struct node *context, const char *key, const char *list,
		  const struct source **ret_source, struct node **ret, struct error *err)
{
	autofree char *name = NULL;
	char quoted[UTF8_QUOTE_SIZE];

	*ret = NULL;
	if (take_text(from, context, key, &name, err) < 0)
		return -1;
	if (!name)
		return 0;
	if (find_named(all, list, name, ret_source, ret, err) < 0)
		return -1;
	if (!*ret)
		return REFUSE(from, node_get(context, key), "there is no %s %s in '%s'", key, utf8_quote(quoted, name, strlen(name)), list);
	*ret = node_get(*ret, key);
	return 0;
}

static int resolve(const struct sources *all, const char *context, struct kube_config *c, struct error *err)
{
	const struct source *s, *at_source;
	struct node *item, *map, *n;

	c->context = context ? xstrdup(context) : current_context(all);
	if (!c->context)
		return no_such_context(all, NULL, err);
	if (find_named(all, "contexts", c->context, &s, &item, err) < 0)
		return -1;
	if (!item)
		return no_such_context(all, c->context, err);
	map = node_get(item, "context");
	if (take_text(s, map, "namespace", &c->namespace, err) < 0 || follow(all, s, map, "cluster", "clusters", &at_source, &n, err) < 0)
		return -1;
	if (!n)
		return REFUSE(s, item, "the context names no cluster");
	if (take_cluster(at_source, n, c, err) < 0 || follow(all, s, map, "user", "users", &at_source, &n, err) < 0)
		return -1;
	return n ? take_user(at_source, n, c, err) : 0;
}

/* ---- files */

static void release_sources(struct sources *all)
{
	for (size_t i = 0; i < all->len; i++) {
		struct document *doc = all->items[i].doc;

		if (doc && doc->bytes)
			explicit_bzero(doc->bytes, doc->bytes_len);
		document_free(doc);
		free(all->items[i].folder);
	}
	free(all->items);
}

static int add_source(struct sources *all, const char *text, size_t len, const char *name, const char *folder, struct error *err)
{
	struct document *doc;
	struct source *s;

	if (document_parse(text, len, name, &yaml_default_limits, &doc, err) < 0)
		return -1;
	ARRAY_GROW(all->items, all->len, all->alloc);
	s = &all->items[all->len++];
	*s = (struct source){ .doc = doc, .folder = xstrdup_or_null(folder) };
	if (doc->problems_len)
		return error_set(err, ERR_INVALID_INPUT, "%s:%u:%u: %s", name, doc->problems[0].position.line, doc->problems[0].position.column,
				 doc->problems[0].message);
	if (doc->root && !node_is_null(doc->root) && doc->root->kind != NODE_MAPPING)
		return REFUSE(s, doc->root, "a kubeconfig is a mapping, not a %s", node_type_name(doc->root));
	return 0;
}

static int add_file(struct sources *all, const char *path, bool optional, struct error *err)
{
	struct strbuf text = STRBUF_INIT(yaml_default_limits.max_bytes);
	const char *slash = strrchr(path, '/');
	autofree char *folder = slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : NULL;
	struct error why = { .code = ERR_OK };
	int rc = file_read(path, &text, &why);

	if (rc < 0 && why.sys == ENOENT && optional)
		rc = 0;
	else if (rc < 0)
		rc = error_set(err, why.sys ? ERR_UNAVAILABLE : why.code, "%s", why.text);
	else
		rc = add_source(all, text.buf, text.len, path, folder, err);
	kube_wipe_strbuf(&text);
	return rc;
}

static int finish(struct sources *all, const char *context, struct kube_config *ret, struct error *err)
{
	struct kube_config c = KUBE_CONFIG_EMPTY;
	int rc = resolve(all, context, &c, err);

	if (rc < 0)
		kube_config_release(&c);
	else
		*ret = c;
	return rc;
}

int kube_config_parse(const char *text, size_t len, const char *name, const char *folder, const char *context, struct kube_config *ret,
		      struct error *err)
{
	struct error why = { .code = ERR_OK };
	struct sources all = { .items = NULL };
	int rc = add_source(&all, text, len, name, folder, &why);

	if (rc == 0)
		rc = finish(&all, context, ret, &why);
	release_sources(&all);
	return rc < 0 ? error_set(err, why.code, "%s", why.text) : 0;
}

/* Files of a list that are not there are passed over, as kubectl does. */
static int add_list(struct sources *all, const char *list, struct error *err)
{
	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ":");
		autofree char *path = xstrndup(p, len);

		if (len && add_file(all, path, true, err) < 0)
			return -1;
		p += len + (p[len] == ':');
	}
	return all->len ? 0 : error_set(err, ERR_UNAVAILABLE, "no file of KUBECONFIG='%s' is there", list);
}

static int add_default(struct sources *all, struct error *err)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	autofree char *path = NULL;

	if (list && *list)
		return add_list(all, list, err);
	if (!home || !*home)
		return error_set(err, ERR_UNAVAILABLE, "there is no kubeconfig: neither KUBECONFIG nor HOME is set");
	path = xasprintf("%s/.kube/config", home);
	return add_file(all, path, false, err);
}

int kube_config_load(const char *path, const char *context, struct kube_config *ret, struct error *err)
{
	struct error why = { .code = ERR_OK };
	struct sources all = { .items = NULL };
	int rc = path ? add_file(&all, path, false, &why) : add_default(&all, &why);

	if (rc == 0)
		rc = finish(&all, context, ret, &why);
	release_sources(&all);
	return rc < 0 ? error_set(err, why.code, "%s", why.text) : 0;
}
