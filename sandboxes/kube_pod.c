/* SPDX-License-Identifier: Apache-2.0
 * One command as a pod: **all that is asked of a cluster for it**. Files and the values of variables go through a Secret, so that neither stands
 * in the pod's own description. */
#include "sandboxes/kube_place.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"

#define FILES_FOLDER "/.sandbox_runner"
#define NOBODY 65534

/* Kubernetes replaces $(NAME) in words; "$$" is a dollar. */
static json_t *literal(const char *word)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	for (const char *p = word; *p; p++) {
		if (*p == '$')
			strbuf_addch(&text, '$');
		strbuf_addch(&text, *p);
	}
	return json_textn(text.buf, text.len);
}

/* ---- files */

static void add_quoted(struct strbuf *out, const char *text)
{
	strbuf_addch(out, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			strbuf_addstr(out, "'\\''");
		else
			strbuf_addch(out, *p);
	}
	strbuf_addch(out, '\'');
}

/* Shell text that puts the files into the work folder, with what every small image has. */
static void add_script(const struct kube_sandbox *ks, struct strbuf *out)
{
	strbuf_addstr(out, "set -e\ncd " SANDBOX_WORKDIR "\n");
	for (size_t i = 0; i < ks->files_len; i++) {
		const struct kube_file *f = &ks->files[i];
		const char *slash = strrchr(f->path, '/');

		if (slash && f->kind != SANDBOX_DIR) {
			autofree char *parent = xstrndup(f->path, (size_t)(slash - f->path));

			strbuf_addstr(out, "mkdir -p -- ");
			add_quoted(out, parent);
			strbuf_addch(out, '\n');
		}
		if (f->kind == SANDBOX_SYMLINK) {
			strbuf_addstr(out, "ln -s -- ");
			add_quoted(out, f->target);
		} else if (f->kind == SANDBOX_DIR) {
			strbuf_addstr(out, "mkdir -p --");
		} else {
			strbuf_addf(out, "cat < " FILES_FOLDER "/f%zu >", i);
		}
		strbuf_addch(out, ' ');
		add_quoted(out, f->path);
		strbuf_addch(out, '\n');
	}
	/* last, and from the end: a folder may be closed by its mode */
	for (size_t i = ks->files_len; i-- > 0;) {
		if (ks->files[i].kind == SANDBOX_SYMLINK)
			continue;
		strbuf_addf(out, "chmod %03o -- ", (unsigned int)ks->files[i].mode);
		add_quoted(out, ks->files[i].path);
		strbuf_addch(out, '\n');
	}
}

static json_t *base64(const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		const unsigned int n = (unsigned int)p[i] << 16 | (i + 1 < len ? (unsigned int)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);
		const char group[4] = { digits[n >> 18], digits[n >> 12 & 63], i + 1 < len ? digits[n >> 6 & 63] : '=', i + 2 < len ? digits[n & 63] : '=' };

		strbuf_add(&text, group, sizeof(group));
	}
	return json_textn(text.buf, text.len);
}

static void put_data(json_t *data, const char *prefix, size_t i, const void *bytes, size_t len)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%zu", prefix, i);
	json_put(data, key, base64(bytes, len));
}

json_t *kube_pod_secret(const struct kube_sandbox *ks, const struct kube_pod_plan *p, struct error *err)
{
	autostrbuf struct strbuf script = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *secret, *data;
	size_t bytes = ks->files_bytes;

	add_script(ks, &script);
	bytes += p->files ? script.len : 0;
	for (const char *const *v = p->cmd->env; v && *v; v++)
		bytes += strlen(*v);
	if (bytes > KUBE_FILES_MAX) {
		error_set(err, ERR_RESOURCE_EXHAUSTED, "files and variables of a command have %zu bytes together: in a cluster at most %u can be given; "
			  "let the command fetch them, or use --type=container", bytes, KUBE_FILES_MAX);
		return NULL;
	}
	secret = kube_manifest("{'apiVersion':'v1','kind':'Secret','type':'Opaque','metadata':{'name':'%s','labels':{'" SANDBOX_LABEL_RUN "':'%s','"
			       KUBE_LABEL_MANAGED "':'" KUBE_MANAGER "'}},'data':{}}", p->secret, ks->base.ref.id);
	data = json_object_get(secret, "data");
	for (size_t i = 0; p->cmd->env && p->cmd->env[i]; i++) {
		const char *value = strchr(p->cmd->env[i], '=');

		if (value)
			put_data(data, "e", i, value + 1, strlen(value + 1));
	}
	for (size_t i = 0; p->files && i < ks->files_len; i++)
		if (ks->files[i].kind == SANDBOX_FILE)
			put_data(data, "f", i, ks->files[i].content.buf, ks->files[i].content.len);
	if (p->files)
		json_put(data, "setup", base64(script.buf, script.len));
	return secret;
}

/* ---- the container */

static bool is_variable_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return len > 0 && !isdigit((unsigned char)*name);
}

static json_t *variables(const struct kube_pod_plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; p->cmd->env && p->cmd->env[i]; i++) {
		const char *name = p->cmd->env[i];
		size_t len = strcspn(name, "=");
		json_t *variable;

		if (!name[len] || !is_variable_name(name, len))		/* what a shell could not name either */
			continue;
		variable = kube_manifest("{'valueFrom':{'secretKeyRef':{'name':'%s','key':'e%zu'}}}", p->secret, i);
		json_put(variable, "name", json_textn(name, len));
		json_push(list, variable);
	}
	return list;
}

static bool is_shell(const char *word)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash" };
	const char *slash = strrchr(word, '/');

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (!strcmp(slash ? slash + 1 : word, shells[i]))
			return true;
	return false;
}

/* Limits that a pod has no field for, by the shell there is anyway. In POSIX shells -f counts halves of a KiB. */
static void add_limits(const struct sandbox_limits *l, struct strbuf *out)
{
	const struct { char option; uint64_t value; } rows[] = {
		{ 'n', l->nofile }, { 'f', l->fsize_bytes / 512 }, { 't', l->cpu_time_ns / UINT64_C(1000000000) },
	};

	strbuf_addstr(out, "{ ulimit -c 0; ");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].value)
			strbuf_addf(out, "ulimit -%c %llu; ", rows[i].option, (unsigned long long)rows[i].value);
	strbuf_addstr(out, "} 2> /dev/null; ");
}

static json_t *words(const struct kube_sandbox *ks, const struct kube_pod_plan *p)
{
	autostrbuf struct strbuf before = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *list = json_array();

	if (p->files || is_shell(*p->cmd->argv)) {
		add_limits(&ks->limits, &before);
		if (p->files)
			strbuf_addstr(&before, "/bin/sh " FILES_FOLDER "/setup && ");
		strbuf_addstr(&before, "exec \"$@\"");
		json_push(list, json_text("/bin/sh"));
		json_push(list, json_text("-c"));
		json_push(list, literal(before.buf));
		json_push(list, json_text("sh"));
	}
	for (const char *const *word = p->cmd->argv; *word; word++)
		json_push(list, literal(*word));
	return list;
}

static void put_amount(json_t *object, const char *key, uint64_t n, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)n, unit);
	if (n)
		json_put_text(object, key, text);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Little is set aside, so that there is room on small nodes; what may be used is what was asked for. */
static json_t *resources(const struct kube_pod_plan *p)
{
	json_t *object = json_object(), *limits = json_object(), *requests = json_object();

	put_amount(limits, "cpu", p->cpu_millis, "m");
	put_amount(requests, "cpu", least(p->cpu_millis, 50), "m");
	put_amount(limits, "memory", p->memory_bytes, "");
	put_amount(requests, "memory", least(p->memory_bytes, 32 << 20), "");
	put_amount(limits, "ephemeral-storage", p->storage_bytes, "");
	put_amount(requests, "ephemeral-storage", least(p->storage_bytes, 1 << 20), "");
	json_put(object, "limits", limits);
	json_put(object, "requests", requests);
	return object;
}

static json_t *container(const struct kube_sandbox *ks, const struct kube_pod_plan *p)
{
	json_t *c = kube_manifest("{'name':'" KUBE_CONTAINER "','imagePullPolicy':'IfNotPresent','workingDir':'" SANDBOX_WORKDIR "',"
				  "'terminationMessagePolicy':'File','securityContext':{'allowPrivilegeEscalation':false,'privileged':false,"
				  "'readOnlyRootFilesystem':true,'runAsNonRoot':true,'runAsUser':%d,'runAsGroup':%d,"
				  "'capabilities':{'drop':['ALL']%s},'seccompProfile':{'type':'RuntimeDefault'}},"
				  "'volumeMounts':[{'name':'work','mountPath':'" SANDBOX_WORKDIR "'},{'name':'tmp','mountPath':'/tmp'}%s]}", NOBODY, NOBODY,
				  ks->net_bind_service ? ",'add':['NET_BIND_SERVICE']" : "",
				  p->files ? ",{'name':'given','mountPath':'" FILES_FOLDER "','readOnly':true}" : "");

	json_put_text(c, "image", p->image);
	if (p->cmd->argv && *p->cmd->argv)	/* otherwise the image's own, which a cluster does not tell: it gets no files */
		json_put(c, "command", words(ks, p));
	json_put(c, "env", variables(p));
	json_put(c, "resources", resources(p));
	return c;
}

static void add_folder(json_t *volumes, const char *name, uint64_t bytes)
{
	json_t *volume = kube_manifest("{'name':'%s','emptyDir':{}}", name);

	put_amount(json_object_get(volume, "emptyDir"), "sizeLimit", bytes, "");
	json_push(volumes, volume);
}

json_t *kube_pod_spec(const struct kube_sandbox *ks, const struct kube_pod_plan *p)
{
	/* names are answered by nobody, at once: 127.0.0.1 is the pod's own */
	json_t *spec = kube_manifest("{'restartPolicy':'Never','serviceAccountName':'" KUBE_STEP_ACCOUNT "','automountServiceAccountToken':false,"
				     "'enableServiceLinks':false,'hostNetwork':false,'hostPID':false,'hostIPC':false,"
				     "'terminationGracePeriodSeconds':%llu,'nodeSelector':{'kubernetes.io/os':'linux'},"
				     "'dnsPolicy':'None','dnsConfig':{'nameservers':['127.0.0.1']},"
				     "'securityContext':{'runAsNonRoot':true,'runAsUser':%d,'runAsGroup':%d,'fsGroup':%d,"
				     "'seccompProfile':{'type':'RuntimeDefault'}}}", (unsigned long long)p->grace_seconds, NOBODY, NOBODY, NOBODY);
	json_t *containers = json_array(), *volumes = json_array();

	json_push(containers, container(ks, p));
	add_folder(volumes, "work", ks->limits.storage_bytes);
	add_folder(volumes, "tmp", ks->limits.tmp_bytes);
	if (p->files)
		json_push(volumes, kube_manifest("{'name':'given','secret':{'secretName':'%s','defaultMode':288}}", p->secret));	/* 0440 */
	json_put(spec, "containers", containers);
	json_put(spec, "volumes", volumes);
	json_put_text(spec, "hostname", ks->hostname);
	if (*ks->runtime_class)
		json_put_text(spec, "runtimeClassName", ks->runtime_class);
	return spec;
}
