/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "runner/base/base64.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/kube_config.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define CLUSTER(more) "clusters:\n- name: c\n  cluster:\n    server: https://h:6443\n" more
#define CONTEXT "contexts:\n- name: x\n  context: {cluster: c, user: u, namespace: ns}\ncurrent-context: x\n"
#define USER(more) "users:\n- name: u\n  user:\n" more
#define PEM "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="	/* -----BEGIN CERTIFICATE----- */
#define KEY "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg=="	/* -----BEGIN PRIVATE KEY----- */

static char folder[] = "/tmp/kube_config_test.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	struct error err;

	(void)state;
	return remove_tree_at(AT_FDCWD, folder, &err);
}

static char *put(const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", folder, name);
	struct error err = { .code = ERR_OK };

	if (file_write_atomic(path, text, strlen(text), mode, &err) < 0)
		fail_msg("%s", err.text);
	return path;
}

static void test_parse(void **state)
{
	static const struct { const char *text, *context, *want; } cases[] = {	/* want NULL: it is right */
		{ CLUSTER("") CONTEXT USER("    token: t0ken\n"), NULL, NULL },
		{ CLUSTER("") CONTEXT USER("    token: t0ken\n"), "x", NULL },
		{ CLUSTER("    certificate-authority-data: " PEM "\n") CONTEXT USER("    client-certificate-data: " PEM "\n    client-key-data: " KEY "\n"), NULL, NULL },
		{ "{\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://h\"}}],\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],"
		  "\"current-context\":\"x\"}", NULL, NULL },
		{ CLUSTER("    insecure-skip-tls-verify: true\n") CONTEXT USER("    token: t\n"), NULL, NULL },	/* refused later */
		{ "", NULL, "there is no current context" },
		{ "- a\n", NULL, "cfg:1:1: a kubeconfig is a mapping, not a list" },
		{ "a: b: c\n", NULL, "cfg:1:5: " },
		{ CLUSTER("") CONTEXT USER("    token: t\n"), "y", "there is no context 'y'; there is 'x'" },
		{ "contexts: [{name: production}]\n", "prodction", "was 'production' meant" },
		{ "contexts:\n- name: x\n  context: {cluster: d}\ncurrent-context: x\n", NULL, "cfg:3:22: there is no cluster 'd' in 'clusters'" },
		{ "contexts:\n- name: x\n  context: {}\ncurrent-context: x\n", NULL, "the context names no cluster" },
		{ "contexts: 7\ncurrent-context: x\n", NULL, "cfg:1:11: 'contexts' must be a list" },
		{ "contexts:\n- name: x\n- name: x\ncurrent-context: x\n", NULL, "'x' is in 'contexts' twice" },
		{ CONTEXT "clusters:\n- name: c\n  cluster: {}\n", NULL, "the cluster has no 'server'" },
		{ CONTEXT "clusters: [{name: c, cluster: {server: 'http://h:80'}}]\n", NULL, "without TLS only this host" },
		{ CONTEXT "clusters: [{name: c, cluster: {server: 'ftp://h'}}]\n", NULL, "is no URL of a server" },
		{ CONTEXT "clusters: [{name: c, cluster: {server: 'https://u:hunter22@h'}}]\n", NULL, "'https://***@h' is no URL" },
		{ CLUSTER("    certificate-authority-data: '!'\n") CONTEXT USER("    token: t\n"), NULL, "cfg:5:33: 'certificate-authority-data' is no base64" },
		{ CLUSTER("    certificate-authority: missing.pem\n") CONTEXT USER("    token: t\n"), NULL, "cfg:5:28: " },
		{ CLUSTER("") CONTEXT USER("    client-certificate-data: " PEM "\n"), NULL, "only the certificate is here" },
		{ CLUSTER("") CONTEXT USER("    client-key-data: " KEY "\n"), NULL, "only the key is here" },
		{ CLUSTER("") CONTEXT USER("    token: 'hunter22 x'\n"), NULL, "the token holds blanks" },
		{ CLUSTER("") CONTEXT USER("    username: a\n    password: hunter22\n"), NULL, "'username': user names and passwords" },
		{ CLUSTER("") CONTEXT USER("    auth-provider: {name: gcp}\n"), NULL, "use a credential plugin" },
		{ CLUSTER("") CONTEXT USER("    as: somebody\n"), NULL, "'as': impersonation" },
		{ CLUSTER("") CONTEXT USER("    exec: {apiVersion: client.authentication.k8s.io/v1}\n"), NULL, "has no 'command'" },
		{ CLUSTER("") CONTEXT USER("    exec: {command: a, apiVersion: client.authentication.k8s.io/v1alpha1}\n"), NULL, "only client.authentication.k8s.io/v1" },
		{ CLUSTER("") CONTEXT USER("    exec: {command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}\n"), NULL, "at a terminal" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_config c = KUBE_CONFIG_EMPTY;
		struct error err = { .code = ERR_OK };
		int rc = kube_config_parse(cases[i].text, strlen(cases[i].text), "cfg", folder, cases[i].context, &c, &err);

		if (rc != (cases[i].want ? -1 : 0) || (rc < 0 && (!strstr(err.text, cases[i].want) || err.code == ERR_OK)))
			fail_msg("%zu: %d '%s'", i, rc, err.text);
		assert_null(strstr(err.text, "hunter22"));
		if (rc == 0)
			assert_string_equal(c.context, "x");
		kube_config_release(&c);
	}
}

static void test_files(void **state)
{
	autofree char *one = put("one", "apiVersion: v1\n" CLUSTER("") "users: [{name: u, user: {token: first}}]\n", 0600);
	autofree char *two = put("two", CONTEXT "users: [{name: u, user: {token: second, tokenFile: tok}}]\nclusters: [{name: c, cluster: {server: 'https://other'}}]\n", 0600);
	autofree char *tok = put("tok", "third\n", 0600);
	autofree char *list = xasprintf("%s/missing::%s:%s", folder, one, two);
	struct kube_config c = KUBE_CONFIG_EMPTY;
	struct error err = { .code = ERR_OK };

	(void)state;
	setenv("KUBECONFIG", list, 1);
	if (kube_config_load(NULL, NULL, &c, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(c.server, "https://h:6443");	/* the first that knows the name has it whole */
	assert_string_equal(c.token, "first");
	assert_string_equal(c.namespace, "ns");
	assert_null(c.token_file);
	kube_config_release(&c);
	setenv("KUBECONFIG", two, 1);
	assert_int_equal(kube_config_load(NULL, NULL, &c, &err), 0);
	assert_string_equal(c.token_file, tok);		/* seen from the file */
	kube_config_release(&c);
	setenv("KUBECONFIG", "/nowhere/a:/nowhere/b", 1);
	assert_int_equal(kube_config_load(NULL, NULL, &c, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	unsetenv("KUBECONFIG");
	setenv("HOME", folder, 1);
	assert_int_equal(kube_config_load(NULL, NULL, &c, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "/.kube/config"));
	assert_int_equal(kube_config_load(folder, NULL, &c, &err), -1);
	assert_non_null(strstr(err.text, "is a directory"));
}

static void test_open(void **state)
{
	static const struct { struct kube_config c; const char *want; } cases[] = {
		{ { .server = (char *)"https://h", .insecure_wanted = true }, "insecure-skip-tls-verify is refused" },
		{ { .server = (char *)"https://h", .insecure_wanted = true, .insecure = true }, NULL },
		{ { .server = (char *)"http://h" }, "without TLS only this host itself" },
		{ { .server = (char *)"http://127.1.2.3:80" }, NULL }, { { .server = (char *)"http://[::1]:80" }, NULL },
		{ { .server = (char *)"http://localhost:1" }, NULL }, { { .server = (char *)"http://localhost.evil:1" }, "without TLS" },
		{ { .server = (char *)"http://127.0.0.1.evil:1" }, "without TLS" },
		{ { .server = NULL }, "no server" },
		{ { .server = (char *)"https://h", .ca_pem = (char *)"x" }, "a certificate is no PEM" },
		{ { .server = (char *)"https://h", .cert_pem = (char *)"-----BEGIN CERTIFICATE-----", .key_pem = (char *)"hunter22" }, "the client key is no PEM" },
		{ { .server = (char *)"https://h", .cert_pem = (char *)"-----BEGIN CERTIFICATE-----",
		    .key_pem = (char *)"-----BEGIN ENCRYPTED PRIVATE KEY-----" }, "protected by a pass phrase" },
		{ { .server = (char *)"https://h", .token = (char *)"hunter22\r\nX: y" }, "the token holds blanks" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .code = ERR_OK };
		struct kube *k = kube_open(&cases[i].c, &err);

		if (!k != !!cases[i].want || (!k && !strstr(err.text, cases[i].want)))
			fail_msg("%zu: %s", i, err.text);
		assert_null(strstr(err.text, "hunter22"));
		kube_close(k);
	}
}

/* ---- who we are */

#define V1 "client.authentication.k8s.io/v1"
#define ANSWER(status) "echo '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":" status "}'\n"

static void test_plugins(void **state)
{
	static const struct { const char *script, *want; bool ok; uint64_t ms; } cases[] = {	/* want: the token, or the message */
		{ ANSWER("{\"token\":\"t0ken\"}"), "t0ken", true },
		{ "test \"$GREETING\" = hello || exit 3\n" ANSWER("{\"token\":\"env\"}"), "env", true },
		{ "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*\\\"server\\\":\\\"https://h*) ;; *) exit 4;; esac\n" ANSWER("{\"token\":\"info\"}"), "info", true },
		{ "read x && exit 5\n" ANSWER("{\"token\":\"stdin\"}"), "stdin", true },
		{ "sleep 1000 &\n" ANSWER("{\"token\":\"left-behind\"}"), "left-behind", true },
		{ "echo first >&2; echo 'please log in' >&2; exit 7\n", "exits with 7: please log in", false },
		{ "kill -9 $$\n", "ended by signal 9", false },
		{ "while :; do echo hunter22hunter22hunter22hunter22hunter22hunter22hunter22hunter22hunter22; done\n", "writes more than 1048576 bytes", false },
		{ "sleep 1000\n", "does not end in time", false, 700 },
		{ "echo hunter22\n", "is no JSON object", false },
		{ "echo '{\"kind\":\"Pod\",\"token\":\"hunter22\"}'\n", "is no ExecCredential", false },
		{ "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"hunter22\"}}'\n", "does not answer in", false },
		{ ANSWER("{}"), "neither a token nor a certificate", false },
		{ ANSWER("{\"token\":\"hunter22\\\\nX: y\"}"), "holds blanks", false },
		{ ANSWER("{\"clientCertificateData\":\"-----BEGIN CERTIFICATE-----\"}"), "it gives one of them", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = xasprintf("#!/bin/sh\n%s", cases[i].script);
		autofree char *path = put("plugin", text, 0700);
		struct kube_config c = { .server = (char *)"https://h:1", .exec_api_version = (char *)V1, .exec_cluster_info = true };
		struct error err = { .code = ERR_OK };
		struct kube *k;
		char *token = NULL;
		int rc;

		strvec_push(&c.exec_argv, path);
		strvec_push(&c.exec_env, "GREETING=hello");
		k = kube_open(&c, &err);
		assert_non_null(k);
		rc = kube_authenticate(k, clock_deadline(cases[i].ms ? cases[i].ms * NS_PER_MS : 60 * NS_PER_SEC), &token, &err);
		if (rc != (cases[i].ok ? 0 : -1) || !strstr(rc ? err.text : token, cases[i].want))
			fail_msg("%zu: %d '%s'", i, rc, err.text);
		assert_null(strstr(err.text, "hunter22"));
		free(token);
		kube_close(k);
		strvec_release(&c.exec_argv);
		strvec_release(&c.exec_env);
	}
}

static char *token_of(struct kube *k)
{
	struct error err = { .code = ERR_OK };
	char *token = NULL;

	if (kube_authenticate(k, clock_deadline(60 * NS_PER_SEC), &token, &err) < 0)
		fail_msg("%s", err.text);
	return token;
}

/* What a plugin said is kept until its time comes; what a file says is not. */
static void test_renewal(void **state)
{
	static const struct { const char *expiry, *second; } cases[] = {
		{ "2099-01-01T00:00:00Z", "1" }, { "2020-01-01T00:00:00Z", "2" }, { "2020-01-01T00:00:00.5+02:00", "2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *count = put("count", "", 0600);
		autofree char *text = xasprintf("#!/bin/sh\necho x >> %s\n" ANSWER("{\"token\":\"'$(wc -l < %s)'\",\"expirationTimestamp\":\"%s\"}"), count,
						count, cases[i].expiry);
		autofree char *path = put("plugin", text, 0700);
		struct kube_config c = { .server = (char *)"https://h:1", .exec_api_version = (char *)V1 };
		struct kube *k;
		autofree char *first = NULL;
		autofree char *second = NULL;

		strvec_push(&c.exec_argv, path);
		k = kube_open(&c, NULL);
		first = token_of(k);
		second = token_of(k);
		assert_string_equal(first, "1");
		assert_string_equal(second, cases[i].second);
		kube_close(k);
		strvec_release(&c.exec_argv);
	}
}

static void test_service_account(void **state)
{
	struct kube_config c = KUBE_CONFIG_EMPTY;
	struct error err = { .code = ERR_OK };
	char *got;
	struct kube *k;

	(void)state;
	free(put("token", " one\n", 0600));
	free(put("ca.crt", "-----BEGIN CERTIFICATE-----\n", 0600));
	free(put("namespace", "team\n", 0600));
	unsetenv("KUBERNETES_SERVICE_HOST");
	assert_int_equal(kube_config_in_cluster(&c, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(kube_service_account("/nowhere", &c, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	if (kube_service_account(folder, &c, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(c.server, "https://[fd00::1]:443");
	assert_string_equal(c.namespace, "team");
	k = kube_open(&c, &err);
	got = token_of(k);
	assert_string_equal(got, "one");
	free(got);
	free(put("token", "two", 0600));		/* rotated */
	got = token_of(k);
	assert_string_equal(got, "two");
	free(got);
	free(put("token", "\n", 0600));
	got = NULL;
	assert_int_equal(kube_authenticate(k, CLOCK_NEVER, &got, &err), -1);
	assert_non_null(strstr(err.text, "is empty"));
	kube_close(k);
	kube_config_release(&c);
}

static void test_base64(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "" }, { "YQ==", "a" }, { "YWI=", "ab" }, { "YWJj", "abc" }, { "YW\nJj\r\n ZA==", "abcd" }, { "YQ", NULL }, { "YQ=", NULL }, { "YQ===", NULL },
		{ "Y===", NULL }, { "=YQ=", NULL }, { "YQ==YQ==", NULL }, { "Y*Jj", NULL }, { "Y", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(100), back = STRBUF_INIT(100);

		strbuf_addch(&out, '+');
		if (base64_decode(cases[i].text, strlen(cases[i].text), &out) != (cases[i].want ? 0 : -1) ||
		    strcmp(out.buf + 1, cases[i].want ? cases[i].want : "") != 0)
			fail_msg("%s: %s", cases[i].text, out.buf);
		base64_encode(out.buf + 1, out.len - 1, &back);
		if (cases[i].want && !strchr(cases[i].text, '\n'))
			assert_string_equal(back.buf, cases[i].text);
	}
}

static void test_sentences(void **state)
{
	static const struct { int status; const char *answer, *want; } cases[] = {
		{ 403, "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"deployments.apps \\\"web\\\" is forbidden: User \\\"system:serviceaccount:a:b\\\" cannot "
		  "patch resource \\\"deployments\\\" in API group \\\"apps\\\" in the namespace \\\"n\\\"\"}",
		  "forbidden: 'system:serviceaccount:a:b' may not patch deployments.apps in 'n'" },
		{ 403, "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"nodes is forbidden: User \\\"u\\\" cannot list resource \\\"nodes\\\" in API group \\\"\\\" "
		  "at the cluster scope\"}", "forbidden: 'u' may not list nodes in the whole cluster" },
		{ 403, "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"pods \\\"p\\\" is forbidden: exceeded quota: q, requested: pods=1\"}",
		  "forbidden: pods 'p': exceeded quota: q, requested: pods=1" },
		{ 404, "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"pods \\\"p\\\" not found\"}", "not found: pods 'p'" },
		{ 409, "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"pods \\\"p\\\" already exists\"}", "already there: pods 'p'" },
		{ 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"Secret \\\"db\\\" is invalid: data: Invalid value: \\\"map[password:hunter2]\\\": no\"}",
		  "not accepted: Secret 'db': data: ***" },
		{ 401, "{\"kind\":\"Status\",\"reason\":\"Unauthorized\",\"message\":\"Unauthorized\"}", "the server does not accept who we are" },
		{ 404, "404 page not found\n", "not found: 404 page" },
		{ 502, "<html>\x1b[2J</html>", "the server answered 502 (BadGateway)" },
		{ 418, "", "the server answered 418" },
		{ 500, "boom \x1b[2J\nmore", "the server failed: boom \\x1b[2J" },
		{ 500, "{\"kind\":\"Status\",\"message\":7,\"reason\":[]}", "the server failed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(1000);
		struct kube_failure f;

		kube_failure_read(&f, cases[i].status, cases[i].answer, strlen(cases[i].answer));
		kube_failure_sentence(&f, &out);
		assert_string_equal(out.buf, cases[i].want);
	}
}

static void test_names(void **state)
{
	static const struct { const char *name; bool ok; } cases[] = {
		{ "a", true }, { "a-b.c0", true }, { "0", true }, { "", false }, { "-a", false }, { "a-", false }, { "a..b", false }, { "a.-b", false },
		{ "a-.b", false }, { ".a", false }, { "a.", false }, { "A", false }, { "a/b", false }, { "a_b", false }, { "\xc3\xa4", false },
	};
	char longest[260];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (kube_name_is_valid(cases[i].name) != cases[i].ok)
			fail_msg("'%s'", cases[i].name);
	memset(longest, 'a', sizeof(longest));
	longest[253] = '\0';
	assert_true(kube_name_is_valid(longest));
	longest[253] = 'a';
	longest[254] = '\0';
	assert_false(kube_name_is_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	cmocka_unit_test(test_files),	     cmocka_unit_test(test_open),   cmocka_unit_test(test_plugins),
		cmocka_unit_test(test_renewal), cmocka_unit_test(test_service_account), cmocka_unit_test(test_base64), cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
