/* SPDX-License-Identifier: Apache-2.0
 * Who we are: tokens from files, credential plugins, the service account of a pod; and whether what we were given can be used at all.
 * Source: kubernetes.io/docs/reference/access-authn-authz/authentication (client-go credential plugins). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "runner/base/base64.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define PLUGIN_OUTPUT_MAX (1u << 20)
#define PLUGIN_WORDS_MAX (64u << 10)	/* of what it says to people */
#define PLUGIN_NS (60 * NS_PER_SEC)
#define EXPIRY_MARGIN_NS (10 * NS_PER_SEC)

/* ---- can it be used? */

static bool is_loopback(const char *host, size_t len)
{
	char text[64];
	struct in_addr v4;
	struct in6_addr v6;

	if (len == 9 && !strncasecmp(host, "localhost", 9))
		return true;
	if (!len || len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		return inet_pton(AF_INET6, text + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	}
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

int kube_check_server(const char *url, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(500);
	const char *host, *port;
	size_t len;

	http_url_display(&shown, url);
	if ((strncasecmp(url, "https://", 8) && strncasecmp(url, "http://", 7)) || strpbrk(url, " ?#\\") || strchr(url, '@'))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no URL of a server: https://HOST:PORT", shown.buf);
	host = strstr(url, "://") + 3;
	len = strcspn(host, "/");
	port = memrchr(host, ':', len);
	if (port && !memchr(port, ']', len - (size_t)(port - host)))
		len = (size_t)(port - host);
	if (!len)
		return error_set(err, ERR_INVALID_INPUT, "'%s' names no host", shown.buf);
	if (!strncasecmp(url, "http://", 7) && !is_loopback(host, len))
		return error_set(err, ERR_INVALID_INPUT, "'%s': without TLS only this host itself is talked to: use https://", shown.buf);
	return 0;
}

int kube_check_token(const char *token, struct error *err)
{
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return error_set(err, ERR_INVALID_INPUT, "the token holds blanks or other characters that no token has");
	return 0;
}

int kube_check_pem(const char *cert_pem, const char *key_pem, struct error *err)
{
	if (cert_pem && !strstr(cert_pem, "-----BEGIN CERTIFICATE-----"))
		return error_set(err, ERR_INVALID_INPUT, "a certificate is no PEM: '-----BEGIN CERTIFICATE-----' is not in it");
	if (key_pem && (strstr(key_pem, "BEGIN ENCRYPTED PRIVATE KEY") || strstr(key_pem, "ENCRYPTED\n") || strstr(key_pem, "ENCRYPTED\r")))
		return error_set(err, ERR_INVALID_INPUT, "the client key is protected by a pass phrase, which cannot be asked for here");
	if (key_pem && (!strstr(key_pem, "-----BEGIN ") || !strstr(key_pem, "PRIVATE KEY-----")))
		return error_set(err, ERR_INVALID_INPUT, "the client key is no PEM: '-----BEGIN PRIVATE KEY-----' is not in it");
	return 0;
}

/* ---- plugins */

struct plugin_run {
	pid_t pid;
	int out, errors, pidfd;
	struct strbuf output, words;
};

static char *exec_info(const struct kube_config *c)
{
	json_auto_t *info = json_object();
	json_t *spec = json_object();
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	json_put_text(info, "kind", "ExecCredential");
	json_put_text(info, "apiVersion", c->exec_api_version);
	json_put_bool(spec, "interactive", false);
	if (c->exec_cluster_info) {
		json_t *cluster = json_object();

		json_put_text(cluster, "server", c->server);
		if (c->tls_server_name)
			json_put_text(cluster, "tls-server-name", c->tls_server_name);
		if (c->proxy_url)
			json_put_text(cluster, "proxy-url", c->proxy_url);
		if (c->ca_pem) {
			autostrbuf struct strbuf encoded = STRBUF_INIT(STRBUF_NO_MAX);

			base64_encode(c->ca_pem, strlen(c->ca_pem), &encoded);
			json_put_text(cluster, "certificate-authority-data", encoded.buf);
		}
		json_put(spec, "cluster", cluster);
	}
	json_put(info, "spec", spec);
	json_write(info, 0, &text);
	return xasprintf("KUBERNETES_EXEC_INFO=%s", text.buf);
}

static bool is_set_by(const struct strvec *v, const char *variable)
{
	const size_t len = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < v->len; i++)
		if (!strncmp(v->items[i], variable, len))
			return true;
	return false;
}

static void make_environment(const struct kube_config *c, struct strvec *env)
{
	strvec_push_take(env, exec_info(c));
	for (size_t i = 0; i < c->exec_env.len; i++)
		strvec_push(env, c->exec_env.items[i]);
	for (char **e = environ; *e; e++)
		if (!is_set_by(env, *e))
			strvec_push(env, *e);
}

/* In a process group of its own, so that what it starts ends with it, without our signals being blocked. */
static int spawn(const struct kube_config *c, const int out[2], const int errors[2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	autostrvec struct strvec env = STRVEC_INIT;
	sigset_t none, all;
	int rc;

	make_environment(c, &env);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = rc ? rc : posix_spawnp(pid, c->exec_argv.items[0], &actions, &attributes, c->exec_argv.items, env.items);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

static int start_plugin(const struct kube_config *c, struct plugin_run *run, struct error *err)
{
	int out[2], errors[2], rc;

	if (pipe2(out, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	if (pipe2(errors, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	}
	rc = spawn(c, out, errors, &run->pid);
	close(out[1]);
	close(errors[1]);
	run->out = out[0];
	run->errors = errors[0];
	if (rc) {
		run->pid = 0;
		errno = rc;
		return error_sys(err, ERR_UNAVAILABLE, "cannot start '%s'", c->exec_argv.items[0]);
	}
	fcntl(run->out, F_SETFL, O_NONBLOCK);
	fcntl(run->errors, F_SETFL, O_NONBLOCK);
	run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	return run->pidfd < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot watch '%s'", c->exec_argv.items[0]) : 0;
}

/* True while there may be more. */
static bool take_output(int fd, struct strbuf *to)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		strbuf_add(to, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Until it has ended: what it leaves behind may keep the pipes open for longer. */
static int wait_for_plugin(const struct kube *k, struct plugin_run *run, uint64_t deadline_ns, int *status, struct error *err)
{
	const char *name = k->cfg.exec_argv.items[0];
	struct pollfd p[3] = { { run->pidfd, POLLIN, 0 }, { run->out, POLLIN, 0 }, { run->errors, POLLIN, 0 } };

	for (;;) {
		int ms = clock_poll_timeout(deadline_ns), r = poll(p, ARRAY_SIZE(p), ms < 0 || ms > 1000 ? 1000 : ms);

		if (r < 0 && errno != EINTR)
			return error_sys(err, ERR_INTERNAL, "cannot wait for '%s'", name);
		if (r >= 0 && p[1].revents && !take_output(run->out, &run->output))
			p[1].fd = -1;
		if (r >= 0 && p[2].revents && !take_output(run->errors, &run->words))
			p[2].fd = -1;
		if (run->output.overflow)
			return error_set(err, ERR_REMOTE, "'%s' writes more than %u bytes", name, PLUGIN_OUTPUT_MAX);
		if (r > 0 && p[0].revents)
			break;
		if (clock_monotonic_ns() >= deadline_ns)
			return error_set(err, ERR_REMOTE, "'%s' does not end in time", name);
		if (k->waiting && !k->waiting(k->waiting_arg))
			return error_set(err, ERR_CANCELLED, "stopped while waiting for '%s'", name);
	}
	if (p[1].fd >= 0)
		take_output(run->out, &run->output);
	if (p[2].fd >= 0)
		take_output(run->errors, &run->words);
	kill(-run->pid, SIGKILL);	/* what it started; before its id is anybody's */
	while (waitpid(run->pid, status, 0) < 0 && errno == EINTR) {}
	run->pid = 0;
	return 0;
}

static void end_plugin(struct plugin_run *run)
{
	if (run->pid > 0) {
		kill(-run->pid, SIGKILL);
		kill(run->pid, SIGKILL);
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	autoclose_(&run->out);
	autoclose_(&run->errors);
	autoclose_(&run->pidfd);
	kube_wipe_strbuf(&run->output);
	strbuf_release(&run->words);
}

/* Its last words, which are for people: kubectl shows them as they are. */
static int plugin_failed(const struct kube *k, struct plugin_run *run, int status, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(600);
	const char *line;

	while (run->words.len && strchr("\r\n ", run->words.buf[run->words.len - 1]))
		run->words.buf[--run->words.len] = '\0';
	line = run->words.len ? strrchr(run->words.buf, '\n') : NULL;
	line = line ? line + 1 : run->words.buf;
	if (*line)
		strbuf_addstr(&shown, ": ");
	printable_add_cut(&shown, line, strlen(line), 300);
	if (WIFSIGNALED(status))
		return error_set(err, ERR_REMOTE, "'%s' was ended by signal %d%s", k->cfg.exec_argv.items[0], WTERMSIG(status), shown.buf);
	return error_set(err, ERR_REMOTE, "'%s' exits with %d%s", k->cfg.exec_argv.items[0], WEXITSTATUS(status), shown.buf);
}

static char *text_or_null(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && *s ? xstrdup(s) : NULL;
}

uint64_t kube_time_ns(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours = 0, minutes = 0;
	char sign = '+';
	time_t t;

	if (!rest)
		return CLOCK_NEVER;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest != 'Z' && *rest != 'z' && sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3)
		return CLOCK_NEVER;
	t = timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return t > 0 && t < (INT64_C(1) << 33) ? (uint64_t)t * NS_PER_SEC : t <= 0 ? 0 : CLOCK_NEVER;
}

int kube_plugin_answer(const char *text, size_t len, const char *api_version, struct kube_credentials *ret, struct error *err)
{
	json_auto_t *answer = NULL;
	const char *kind, *version, *expiry;
	const json_t *status;

	/* not json_parse()'s words: they might show what stands there */
	if (json_parse(text, len, "answer", &answer, NULL) < 0 || !json_is_object(answer))
		return error_set(err, ERR_REMOTE, "what it writes is no JSON object");
	kind = json_string_value(json_object_get(answer, "kind"));
	version = json_string_value(json_object_get(answer, "apiVersion"));
	status = json_object_get(answer, "status");
	if (!kind || strcmp(kind, "ExecCredential") != 0 || !json_is_object(status))
		return error_set(err, ERR_REMOTE, "what it writes is no ExecCredential with a status");
	if (!version || strcmp(version, api_version) != 0)
		return error_set(err, ERR_REMOTE, "it does not answer in '%s'", api_version);
	*ret = (struct kube_credentials){
		.token = text_or_null(status, "token"), .cert_pem = text_or_null(status, "clientCertificateData"),
		.key_pem = text_or_null(status, "clientKeyData"), .expires_ns = CLOCK_NEVER, .known = true,
	};
	expiry = json_string_value(json_object_get(status, "expirationTimestamp"));
	if (expiry)
		ret->expires_ns = kube_time_ns(expiry);
	if (!ret->token && !ret->cert_pem)
		error_set(err, ERR_REMOTE, "it gives neither a token nor a certificate");
	else if (!ret->cert_pem != !ret->key_pem)
		error_set(err, ERR_REMOTE, "a certificate and its key belong together: it gives one of them");
	else if ((!ret->token || kube_check_token(ret->token, err) == 0) && kube_check_pem(ret->cert_pem, ret->key_pem, err) == 0)
		return 0;
	kube_credentials_release(ret);
	return -1;
}

void kube_credentials_release(struct kube_credentials *c)
{
	kube_wipe(&c->token);
	kube_wipe(&c->cert_pem);
	kube_wipe(&c->key_pem);
	c->known = false;
}

static int run_plugin(struct kube *k, uint64_t deadline_ns, struct error *err)
{
	const uint64_t own_ns = clock_deadline(PLUGIN_NS);
	struct plugin_run run = { .out = -1, .errors = -1, .pidfd = -1, .output = STRBUF_INIT(PLUGIN_OUTPUT_MAX), .words = STRBUF_INIT(PLUGIN_WORDS_MAX) };
	struct kube_credentials got = { 0 };
	int status = 0, rc = start_plugin(&k->cfg, &run, err);

	if (rc == 0)
		rc = wait_for_plugin(k, &run, deadline_ns < own_ns ? deadline_ns : own_ns, &status, err);
	if (rc == 0 && status != 0)
		rc = plugin_failed(k, &run, status, err);
	if (rc == 0) {
		rc = kube_plugin_answer(run.output.buf, run.output.len, k->cfg.exec_api_version, &got, err);
		if (rc < 0)
			error_prefix(err, "'%s'", k->cfg.exec_argv.items[0]);
	}
	end_plugin(&run);
	if (rc < 0)
		return error_prefix(err, "no credentials from the plugin");
	if (got.cert_pem || k->plugin.cert_pem) {	/* the next connection shows the new one */
		http_session_close(k->calls);
		http_session_close(k->stream);
		k->calls = k->stream = NULL;
	}
	kube_credentials_release(&k->plugin);
	k->plugin = got;
	return 0;
}

/* ---- tokens */

static int token_of_file(const char *path, char **ret, struct error *err)
{
	auto_wiped char *text = NULL;
	char *start;
	size_t len;

	if (kube_read_secret_file(path, &text, err) < 0)
		return error_prefix(err, "cannot have the token");
	start = text + strspn(text, " \t\r\n");
	for (len = strlen(start); len && strchr(" \t\r\n", start[len - 1]); len--)
		start[len - 1] = '\0';
	if (!*start)
		return error_set(err, ERR_INVALID_INPUT, "the token file '%s' is empty", path);
	if (kube_check_token(start, err) < 0)
		return error_prefix(err, "'%s'", path);
	*ret = xstrdup(start);
	return 0;
}

int kube_authenticate(struct kube *k, uint64_t deadline_ns, char **ret_token, struct error *err)
{
	const uint64_t now = clock_realtime_ns();

	if (k->cfg.token_file)
		return token_of_file(k->cfg.token_file, ret_token, err);
	if (k->cfg.token) {
		*ret_token = xstrdup(k->cfg.token);
		return 0;
	}
	if (!k->cfg.exec_argv.len)
		return 0;
	if ((!k->plugin.known || (k->plugin.expires_ns != CLOCK_NEVER && now + EXPIRY_MARGIN_NS >= k->plugin.expires_ns)) &&
	    run_plugin(k, deadline_ns, err) < 0)
		return -1;
	*ret_token = xstrdup_or_null(k->plugin.token);
	return 0;
}

/* ---- service accounts */

int kube_service_account(const char *folder, struct kube_config *ret, struct error *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	struct kube_config c = KUBE_CONFIG_EMPTY;
	autofree char *ca = xasprintf("%s/ca.crt", folder);
	autofree char *namespace = xasprintf("%s/namespace", folder);

	if (!host || !*host || !port || !*port)
		return error_set(err, ERR_UNAVAILABLE, "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
	c.context = xstrdup("in-cluster");
	c.server = strchr(host, ':') ? xasprintf("https://[%s]:%s", host, port) : xasprintf("https://%s:%s", host, port);
	c.token_file = xasprintf("%s/token", folder);
	if (access(c.token_file, R_OK) < 0) {
		error_sys(err, ERR_UNAVAILABLE, "there is no service account at '%s'", c.token_file);
	} else if (kube_read_secret_file(ca, &c.ca_pem, err) == 0 && kube_check_server(c.server, err) == 0) {
		if (kube_read_secret_file(namespace, &c.namespace, NULL) == 0)
			c.namespace[strcspn(c.namespace, " \r\n")] = '\0';
		*ret = c;
		return 0;
	}
	kube_config_release(&c);
	return -1;
}

int kube_config_in_cluster(struct kube_config *ret, struct error *err)
{
	return kube_service_account(SERVICE_ACCOUNT, ret, err);
}
