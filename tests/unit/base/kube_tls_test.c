/* SPDX-License-Identifier: Apache-2.0
 * Who is believed to be the server, and who it takes us for: certificates made by openssl(1), which also plays the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/kube.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

static char folder[] = "/tmp/kube_tls_test.XXXXXX";

/* openssl in the folder; its output goes to a file. */
static pid_t start_openssl(const char *arguments, const char *output)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *argv[40] = { (char *)"openssl" }, *save = NULL, *copy = xstrdup(arguments);
		int n = 1, fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (char *word = strtok_r(copy, " ", &save); word && n < 39; word = strtok_r(NULL, " ", &save))
			argv[n++] = word;
		if (chdir(folder) < 0 || (fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(126);
		execv("/usr/bin/openssl", argv);
		_exit(127);
	}
	return pid;
}

static int openssl(const char *arguments)
{
	int status = -1;
	pid_t pid = start_openssl(arguments, "openssl.log");

	while (waitpid(pid, &status, 0) < 0) {}
	return status;
}

static void put(const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", folder, name);
	struct error err = { .code = ERR_OK };

	if (file_write_atomic(path, text, strlen(text), 0600, &err) < 0)
		fail_msg("%s", err.text);
}

static char *text_of(const char *name)
{
	struct strbuf text = STRBUF_INIT(1 << 20);
	autofree char *path = xasprintf("%s/%s", folder, name);

	file_read(path, &text, NULL);
	return strbuf_detach(&text);
}

#define NEW_KEY " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
#define SIGN(name, ca, days) "x509 -req -in " name ".csr -CA " ca ".pem -CAkey " ca ".key -set_serial 7 -extfile " name ".ext -out " name ".pem " days

static int make_certificates(void **state)
{
	static const char *const commands[] = {
		"req -x509 -subj /CN=ca" NEW_KEY "-days 2 -keyout ca.key -out ca.pem",
		"req -x509 -subj /CN=other" NEW_KEY "-days 2 -keyout other.key -out other.pem",
		"req -subj /CN=server" NEW_KEY "-keyout server.key -out server.csr",
		"req -subj /CN=renamed" NEW_KEY "-keyout renamed.key -out renamed.csr",
		"req -subj /CN=old" NEW_KEY "-keyout old.key -out old.csr",
		"req -subj /CN=client" NEW_KEY "-keyout client.key -out client.csr",
		SIGN("server", "ca", "-days 2"), SIGN("renamed", "ca", "-days 2"), SIGN("old", "ca", "-days 0"), SIGN("client", "ca", "-days 2"),
	};

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	put("server.ext", "subjectAltName=IP:127.0.0.1\n");
	put("old.ext", "subjectAltName=IP:127.0.0.1\n");
	put("renamed.ext", "subjectAltName=DNS:kubernetes.default\n");
	put("client.ext", "extendedKeyUsage=clientAuth\n");
	put("version", "{\"major\":\"1\"}");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (openssl(commands[i]) != 0) {
			autofree char *said = text_of("openssl.log");

			print_error("openssl %s: %s\n", commands[i], said);
			return -1;
		}
	}
	return 0;
}

static int remove_folder(void **state)
{
	struct error err;

	(void)state;
	return remove_tree_at(AT_FDCWD, folder, &err);
}

/* It says where it listens. */
static pid_t start_server(const char *name, const char *more, int *port)
{
	autofree char *arguments = xasprintf("s_server -accept 127.0.0.1:0 -WWW -cert %s.pem -key %s.key %s", name, name, more);
	autofree char *log = xasprintf("%s/server.log", folder);
	pid_t pid;

	unlink(log);		/* of the server before */
	pid = start_openssl(arguments, "server.log");
	*port = 0;
	for (int i = 0; i < 600 && !*port; i++) {
		autofree char *said = text_of("server.log");
		const char *at = strstr(said, "ACCEPT 127.0.0.1:");

		if (at && strchr(at, '\n'))
			sscanf(at, "ACCEPT 127.0.0.1:%d", port);
		else
			usleep(50000);
	}
	return pid;
}

static void test_trust(void **state)
{
	static const struct {
		const char *server, *more;		/* of s_server */
		const char *ca, *name;
		bool client, insecure;
		const char *want;		/* of the error; NULL: it works */
	} cases[] = {
		{ "server", "", "ca.pem", NULL, false, false, NULL },
		{ "server", "", "other.pem", NULL, false, false, "its certificate is not to be trusted" },
		{ "server", "", NULL, NULL, false, false, "its certificate is not to be trusted" },
		{ "server", "", NULL, NULL, false, true, NULL },
		{ "old", "", "ca.pem", NULL, false, false, "its certificate is not to be trusted: SSL certificate problem: certificate has expired" },
		{ "renamed", "", "ca.pem", NULL, false, false, "its certificate is not to be trusted" },
		{ "renamed", "", "ca.pem", "kubernetes.default", false, false, NULL },
		{ "server", "", "ca.pem", "kubernetes.default", false, false, "its certificate is not to be trusted" },
		{ "server", "-Verify 2 -CAfile ca.pem -verify_return_error", "ca.pem", NULL, true, false, NULL },
		{ "server", "-Verify 2 -CAfile ca.pem -verify_return_error", "ca.pem", NULL, false, false, "127.0.0.1" },
		{ "server", "-tls1_1 -cipher ALL@SECLEVEL=0", "ca.pem", NULL, false, false, "127.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int port = 0, rc;
		pid_t pid = start_server(cases[i].server, cases[i].more, &port);
		autofree char *url = xasprintf("https://127.0.0.1:%d", port);
		autofree char *ca = cases[i].ca ? text_of(cases[i].ca) : NULL;
		autofree char *cert = cases[i].client ? text_of("client.pem") : NULL;
		autofree char *key = cases[i].client ? text_of("client.key") : NULL;
		struct kube_config c = { .server = url, .ca_pem = ca, .tls_server_name = (char *)cases[i].name, .cert_pem = cert, .key_pem = key,
			.insecure = cases[i].insecure };
		struct error err = { .code = ERR_OK };
		json_auto_t *got = NULL;
		struct kube *k;

		assert_int_not_equal(port, 0);
		k = kube_open(&c, &err);
		if (!k)
			fail_msg("%s", err.text);
		rc = kube_call(k, &(struct kube_call){ .method = "GET", .target = "/version" }, &got, &err);
		kube_close(k);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (rc != (cases[i].want ? -1 : 0) || (rc < 0 && (!strstr(err.text, cases[i].want) || err.code != ERR_REMOTE)))
			fail_msg("%zu: %d '%s'", i, rc, err.text);
	}
}

static void test_ends(void **state)
{
	autofree char *pem = text_of("client.pem");
	autofree char *old = text_of("old.pem");
	char end[CLOCK_RFC3339_SIZE];
	struct kube_config c = { .server = (char *)"https://h", .context = (char *)"x" };
	struct kube *k = kube_open(&c, NULL);
	autostrbuf struct strbuf text = STRBUF_INIT(1000);

	(void)state;
	assert_true(kube_certificate_end(pem, end));
	assert_true(kube_time_ns(end) > clock_realtime_ns() + 86400 * NS_PER_SEC);
	kube_explain_unauthorized(k, &text);
	assert_string_equal(text.buf, "; context 'x' names no user with a certificate or token");
	strbuf_clear(&text);
	k->cfg.cert_pem = xstrdup(pem);
	kube_explain_unauthorized(k, &text);
	assert_string_equal(text.buf, "");
	assert_true(kube_certificate_end(old, end));
	free(k->cfg.cert_pem);
	k->cfg.cert_pem = xstrdup(old);
	kube_explain_unauthorized(k, &text);
	assert_non_null(strstr(text.buf, "; our client certificate ended at 20"));
	assert_non_null(strstr(text.buf, "Z: renew it"));
	kube_close(k);
	/* cut or changed anywhere it is another one or none, and never trouble */
	for (size_t i = 0, len = strlen(pem); i < len; i++) {
		autofree char *wrong = xstrdup(pem);

		wrong[i] = wrong[i] == 'A' ? '/' : 'A';
		kube_certificate_end(wrong, end);
		memmove(wrong + i / 4 * 4, wrong + len - (len - i) / 4 * 4, (len - i) / 4 * 4 + 1);
		kube_certificate_end(wrong, end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_trust), cmocka_unit_test(test_ends) };

	if (access("/usr/bin/openssl", X_OK) < 0) {
		puts("there is no /usr/bin/openssl");
		return 77;
	}
	return cmocka_run_group_tests(tests, make_certificates, remove_folder);
}
