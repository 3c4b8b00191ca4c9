/* SPDX-License-Identifier: Apache-2.0
 * Files that hold credentials, by their names. A pattern is the end of a path, part by part ("*" and "?" within a part), so that ~, /root,
 * /home/x, ${HOMEDIR} and the root of a host that is mounted somewhere all count. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>
#include <strings.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"

struct pattern_text {		/* without an address, so that nothing is relocated when the program starts */
	char text[46];
	unsigned char len;
	char last, folder_last;		/* bytes of it, and of the folder (NUL: it has none): most patterns are not looked at further */
};
#define LAST(s, n) (s)[sizeof(s) > (n) ? sizeof(s) - 1 - (n) : 0]	/* the n-th letter from the end; folders end in a slash */
#define P(folder, name) { folder name, sizeof(folder name) - 1, LAST(name, 1), LAST(folder, 2) },

/* One byte tells which of the patterns can be the end of a path: of the two letters at its end, of those at the end of the folder in
 * which all is meant, or of those at the end of the folder around that. They stand together so that memchr(3) goes over them. */
#define KEY(last, before) (unsigned char)((unsigned char)(last) * 37 ^ (unsigned char)(before))
#define END(folder, name) KEY(LAST(name, 1), LAST(name, 2)),
#define FOLDER_END(folder, name) KEY(LAST(folder, 2), LAST(folder, 3)),
#define OUTER_END(folder, name) KEY(LAST(folder, 4), LAST(folder, 5)),
#define FIRST(folder, name) (name)[0],

/* Credentials wherever they stand. */
#define SECRETS(X) \
	/* the system */ \
	X("etc/", "shadow") X("etc/", "shadow-") X("etc/", "shadow.bak") X("etc/", "shadow.old") \
	X("etc/", "gshadow") X("etc/", "gshadow-") X("etc/", "master.passwd") X("etc/security/", "opasswd") \
	X("etc/", "krb5.keytab") X("", "*.keytab") X("etc/ssl/", "private") \
	X("etc/letsencrypt/live/*/", "privkey*.pem") X("etc/letsencrypt/archive/*/", "privkey*.pem") \
	X("etc/ssh/", "*_key") X("etc/openvpn/*/", "auth.txt") X("etc/wireguard/", "*.conf") X("", "wg0.conf") \
	X("system-connections/", "*.nmconnection") X("", "wpa_supplicant.conf") X("", "chap-secrets") \
	X("", "pap-secrets") X("etc/", "ipsec.secrets") X("", "ipsec.secrets") X("", "sssd.conf") \
	X("etc/", "ldap.secret") X("etc/", "pam_ldap.secret") X("etc/exim4/", "passwd.client") X("", "sasl_passwd") \
	X("samba/private/", "secrets.tdb") X("samba/private/", "passdb.tdb") X("config/", "SAM") \
	X("config/", "SECURITY") X("", "ntds.dit") X("cloud/instance/", "user-data.txt") X("etc/", "sudo-ldap.conf") \
	X("etc/security/", "passwd") X("etc/tcb/*/", "shadow") \
	/* memory */ \
	X("dev/", "mem") X("dev/", "kmem") X("dev/", "port") X("proc/", "kcore") X("proc/*/", "mem") \
	X("proc/*/", "auxv") \
	/* ssh, gpg, key rings, password stores */ \
	X("", ".ssh") X(".ssh/", "*_rsa") X(".ssh/", "*_ed25519") X(".ssh/", "*_key") X(".ssh/", "*_dsa") \
	X(".ssh/", "identity") X(".ssh/", "*.pem") X(".ssh/", "*.key") X("", "id_rsa") X("", "id_dsa") \
	X("", "id_ecdsa") X("", "id_ed25519") X("", "id_ecdsa_sk") X("", "id_ed25519_sk") X("", "*.ppk") \
	X("", ".gnupg") X(".gnupg/", "private-keys-v1.d") X(".gnupg/", "secring.gpg") X("", "secring.gpg") \
	X("share/", "keyrings") X("", "*.keyring") X("", "*.kwl") X("", "*.kdbx") X("", "*.kdb") \
	X("", ".password-store") X(".config/op/", "config") X("", "*.agilekeychain") \
	X(".config/Bitwarden*/", "data.json") X("", "1password.sqlite") \
	/* clouds */ \
	X("", ".aws") X(".aws/", "credentials") X("", ".boto") X("", ".s3cfg") X(".s3ql/", "authinfo2") \
	X("", ".passwd-s3fs") X("etc/", "passwd-s3fs") X("gcloud/", "credentials.db") \
	X("gcloud/", "access_tokens.db") X("", "application_default_credentials.json") X(".config/", "gcloud") \
	X(".azure/", "accessTokens.json") X(".azure/", "service_principal_entries.json") X("", ".azure") \
	X(".oci/", "config") X(".bluemix/", "config.json") X(".config/doctl/", "config.yaml") \
	X(".config/hcloud/", "cli.toml") X(".config/rclone/", "rclone.conf") X("", "rclone.conf") \
	X(".config/", "linode-cli") X(".config/scw/", "config.yaml") X(".aliyun/", "config.json") \
	X(".config/openstack/", "clouds.yaml") X("", "clouds.yaml") X("", "openrc.sh") X(".fly/", "config.yml") \
	X("", ".vault-token") X(".config/", "vault-token") X(".terraform.d/", "credentials.tfrc.json") \
	X("", ".terraformrc") X("", "*.tfstate") X("", "*.tfstate.backup") X("", "*.tfvars") \
	X(".pulumi/", "credentials.json") X(".cloudflared/", "*.json") \
	X(".config/configstore/", "firebase-tools.json") \
	/* containers and clusters */ \
	X("", ".kube") X(".kube/", "config") X(".kube/", "*.conf") X("", "kubeconfig") X("", "*.kubeconfig") \
	X("", "kubeconfig.y*ml") X("etc/kubernetes/", "*.conf") X("etc/kubernetes/", "pki") \
	X("etc/kubernetes/kubelet/", "kubeconfig") X("lib/kubelet/", "kubeconfig") \
	X("", "kubelet-client-current.pem") X("lib/kubelet/", "config.json") \
	X("etc/kubernetes/", "bootstrap-kubelet.conf") X("k3s/", "k3s.yaml") X("rke2/", "rke2.yaml") \
	X("k3s/server/", "*token") X("rke2/server/", "*token") X("k0s/pki/", "admin.conf") \
	X("serviceaccount/", "token") X("serviceaccount/*/", "token") X("", "serviceaccount") \
	X(".docker/", "config.json") X("", ".dockercfg") X("", ".dockerconfigjson") X("containers/", "auth.json") \
	X("containers/*/", "auth.json") X("docker/", "key.json") X(".helm/repository/", "repositories.yaml") \
	X("", "etcd-client.key") \
	/* code and packages */ \
	X("", ".netrc") X("", "_netrc") X("", ".authinfo") X("", ".authinfo.gpg") X("", ".git-credentials") \
	X("git/", "credentials") X("", ".npmrc") X("", ".yarnrc.yml") X("", ".pypirc") X(".gem/", "credentials") \
	X(".cargo/", "credentials") X(".cargo/", "credentials.toml") X(".m2/", "settings.xml") \
	X(".m2/", "settings-security.xml") X(".gradle/", "gradle.properties") X(".composer/", "auth.json") \
	X("composer/", "auth.json") X(".config/gh/", "hosts.yml") X(".config/", "hub") \
	X(".config/glab-cli/", "config.yml") X(".gitlab-runner/", "config.toml") \
	X("etc/gitlab-runner/", "config.toml") X("", "gitlab-secrets.json") X("gitlab/", "initial_root_password") \
	X("secrets/", "initialAdminPassword") X("secrets/", "master.key") X("secrets/", "hudson.util.Secret") \
	X("jenkins_home/", "credentials.xml") X("jenkins/", "credentials.xml") X(".circleci/", "cli.yml") \
	X(".travis/", "config.yml") X(".ngrok2/", "ngrok.yml") X("ngrok/", "ngrok.yml") X("", ".sentryclirc") \
	X("", ".twine") X("", ".condarc") X("", ".hub") X("", ".rhcloud") X(".huggingface/", "token") \
	X(".cache/huggingface/", "token") X(".kaggle/", "kaggle.json") X(".wandb/", "settings") \
	X(".config/wandb/", "settings") X("", "vault_pass.txt") \
	/* data bases and mail */ \
	X("", ".pgpass") X("", "pgpass.conf") X("", ".my.cnf") X("", ".mylogin.cnf") X("mysql/", "debian.cnf") \
	X("", ".rediscli_auth") X("", ".mongorc.js") X("", ".dbshell") X(".mutt/", "passwords") \
	X("", ".fetchmailrc") X("", ".msmtprc") X("", ".s3backer_passwd") X("", ".cdsapirc") \
	X("pgbouncer/", "userlist.txt") X("dovecot/", "users") X("", "odbc.ini") X("", ".odbc.ini") \
	/* browsers, chats */ \
	X("", "Login Data") X("", "Login Data For Account") X("", "logins.json") X("", "key3.db") X("", "key4.db") \
	X("", "signons.sqlite") X("", "cookies.sqlite") X("", "Cookies") X("", "Local State") \
	X(".mozilla/", "firefox") X(".config/", "google-chrome") X(".config/", "chromium") \
	X(".purple/", "accounts.xml") X("", ".thunderbird") \
	/* applications */ \
	X("", ".env") X("", "*.env") X("", ".envrc") X("", ".htpasswd") X("", "htpasswd") X("", ".htdigest") \
	X("", "wp-config.php") X("config/", "database.yml") X("config/", "secrets.yml") X("", "secrets.yml") \
	X("", "secrets.yaml") X("", "secrets.json") X("", "secret.yaml") X("", "secret.yml") X("", "secret.json") \
	X("", "credentials.json") X("", "credentials.yml") X("", "credentials.yaml") X("", "client_secret*.json") \
	X("", "service-account*.json") X("", "service_account*.json") X("", "serviceaccount*.json") \
	X("", "sa-key.json") X("", "gcp-key.json") X("", "keyfile.json") X("", "settings.local.php") \
	X("", "LocalSettings.php") X("", "localsettings.php") X("", "*.key") X("", "*.pem") X("", "*.p12") \
	X("", "*.pfx") X("", "*.jks") X("", "*.keystore") X("", "*.p8") X("", "*.ovpn") X("", "*.rdp") \
	X("", "*.secret") X("", "*.secrets") X("", "*.password") X("", "*.passwd") X("", "*.credentials") \
	X("", "wallet.dat") X(".ethereum/", "keystore") X("solana/", "id.json") X(".bitcoin/", "*.dat") \
	X("", "*.wallet") X("", "mnemonic.txt") X("", "seed.txt") X(".config/", "solana") \
	/* what was typed */ \
	X("", ".bash_history") X("", ".zsh_history") X("", ".sh_history") X("", ".history") X("", ".python_history") \
	X("", ".mysql_history") X("", ".psql_history") X("", ".sqlite_history") X("", ".rediscli_history") \
	X("", ".node_repl_history") X("", ".ash_history") X("", "fish_history") \
	X(".local/share/fish/", "fish_history") X("", "ConsoleHost_history.txt")

/* All that is in a folder; in the folders of a folder. */
#define SECRET_FOLDERS(X) \
	X("etc/ssl/private/", "*") X("etc/pki/tls/private/", "*") X("etc/NetworkManager/system-connections/", "*") \
	X(".gnupg/private-keys-v1.d/", "*") X("share/keyrings/", "*") X("kwalletd/", "*") X(".password-store/", "*") \
	X("Keychains/", "*") X(".lastpass/", "*") X(".aws/sso/cache/", "*") X(".aws/cli/cache/", "*") \
	X("gcloud/legacy_credentials/", "*") X(".config/heroku/", "*") X("azure/tokens/", "*") \
	X("etc/kubernetes/pki/", "*") X("etc/kubernetes/pki/etcd/", "*") X("lib/kubelet/pki/", "*") \
	X("k3s/server/cred/", "*") X("microk8s/current/credentials/", "*") X("run/secrets/", "*") \
	X(".mozilla/firefox/", "*") X(".electrum/wallets/", "*") X(".ethereum/keystore/", "*")
#define SECRET_OUTER_FOLDERS(X) \
	X(".password-store/*/", "*") X("gcloud/legacy_credentials/*/", "*") X("run/secrets/*/", "*")

/* The same, where the last part is only begun. */
#define SECRET_BEGINNINGS(X) \
	X("", "krb5cc_*") X(".ssh/", "id_*") X("", "id_rsa_*") X("", "id_ed25519_*") X("", "login.keychain*") \
	X(".azure/", "msal_token_cache.*") X("", "terraform.tfstate*") X(".jfrog/", "jfrog-cli.conf*") \
	X("", ".vault_pass*") X("", ".vault-pass*") X("", "vault-password*") X("", "ansible_vault_pass*") \
	X("", ".env.*") X("keystore/", "UTC--*")

static const struct pattern_text secrets[] = { SECRETS(P) }, secret_folders[] = { SECRET_FOLDERS(P) },
	secret_outer_folders[] = { SECRET_OUTER_FOLDERS(P) }, secret_beginnings[] = { SECRET_BEGINNINGS(P) };
static const unsigned char secret_ends[] = { SECRETS(END) }, secret_folder_ends[] = { SECRET_FOLDERS(FOLDER_END) },
	secret_outer_ends[] = { SECRET_OUTER_FOLDERS(OUTER_END) }, secret_firsts[] = { SECRET_BEGINNINGS(FIRST) };

/* Files that look alike and are meant to be seen. */
static const struct pattern_text harmless[] = {
	P("", "*.pub") P("", "*.pub.*") P("", "*.crt") P("", "*.cer") P("", "*.csr") P("", "*.md")
	P("", "*.example") P("", "*.sample") P("", "*.template") P("", "*.tmpl") P("", "*.tpl") P("", "*.dist")
	P("", "*.defaults") P("", "*.schema") P("", ".env.example*") P("", ".env.sample*") P("", ".env.template*")
	P("", ".env.dist*") P("", "example.env") P("", "sample.env") P("", "*.example.*") P("", "*.sample.*")
	P("", "namespace") P("", "authorized_keys") P("", "known_hosts") P("", "known_hosts.*") P(".ssh/", "config")
	P("", "*cert*.pem") P("", "*ca.pem") P("", "ca-*.pem") P("", "ca_*.pem") P("", "ca.*.pem")
	P("", "*chain*.pem") P("", "*bundle*.pem") P("", "*pub*.pem") P("", "*root*.pem") P("", "dhparam*.pem")
	P("cert*/", "*.pem") P("certs/", "*.pem") P("", "elease.key") P("", "*elease*.key") P("", "*archive*.key")
	P("", "*keyring*.key") P("", "*pub*.key") P("", "*apt*.key") P("", "*gpg*.key") P("", "*repo*.key")
	P("", "*sign*.key.asc") P("usr/share/keyrings/", "*") P("trusted.gpg.d/", "*") P("apt/keyrings/", "*")
	P("etc/pki/rpm-gpg/", "*") P("", "deployments.conf")
};

/* The environment of processes. */
static const struct pattern_text environments[] = { P("proc/*/", "environ") P("proc/*/task/*/", "environ") };

struct device {
	const char *pattern;
	unsigned int origin;
};

static const struct device devices[] = {
	{ "/dev/null", 0 }, { "/dev/zero", 0 }, { "/dev/full", 0 }, { "/dev/random", 0 }, { "/dev/urandom", 0 }, { "/dev/hwrng", 0 },
	{ "-", ORIGIN_INPUT }, { "/dev/stdin", ORIGIN_INPUT }, { "/dev/tty", ORIGIN_INPUT }, { "/dev/console", ORIGIN_INPUT }, { "/dev/pts/*", ORIGIN_INPUT },
	{ "/dev/fd/*", ORIGIN_INPUT }, { "/proc/self/fd/0", ORIGIN_INPUT }, { "/proc/*/fd/0", ORIGIN_INPUT }, { "/dev/stdout", 0 }, { "/dev/stderr", 0 },
};

/* ---- parts of paths */

/* "*" and "?" of ours only. */
static bool text_matches(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < len) {
		if (i < pattern_len && pattern[i] == '*') {
			star = i++;
			from = j;
		} else if (i < pattern_len && (pattern[i] == s[j] || pattern[i] == '?')) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < pattern_len && pattern[i] == '*')
		i++;
	return i == pattern_len;
}

static bool has_wildcard(const char *s, size_t len)
{
	return memchr(s, '*', len) || memchr(s, '?', len) || memchr(s, '[', len);
}

/* The path has wildcards: can it mean this? A pattern that has some, too, is met by "*" and by what is spelt so. */
static bool glob_matches(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	if (*pattern == '.' && *s != '.')	/* a wildcard does not mean a leading dot */
		return false;
	if (!has_wildcard(pattern, pattern_len))
		return effects_glob_matches(s, len, pattern, pattern_len);
	return (len == 1 && *s == '*') || text_matches(pattern, pattern_len, s, len);
}

/* Does the path end as the pattern does? */
static bool path_matches(const char *pattern, size_t pattern_len, const char *path, size_t len, bool path_globs)
{
	bool globs = path_globs && memchr(pattern, '/', pattern_len);
	bool letters = !globs;		/* "*" in all parts means nothing in particular */

	for (;;) {
		const char *slash = memrchr(path, '/', len), *pattern_slash = memrchr(pattern, '/', pattern_len);
		const char *s = slash ? slash + 1 : path, *p = pattern_slash ? pattern_slash + 1 : pattern;
		size_t s_len = len - (size_t)(s - path), p_len = pattern_len - (size_t)(p - pattern);

		if (!s_len || !(globs && has_wildcard(s, s_len) ? glob_matches : text_matches)(p, p_len, s, s_len))
			return false;
		for (size_t i = 0; i < s_len && !letters; i++)
			letters = s[i] != '*' && s[i] != '?';
		if (!pattern_slash || !slash)
			return !pattern_slash && letters;
		len = (size_t)(slash - path);
		pattern_len = (size_t)(pattern_slash - pattern);
	}
}

/* Can a part that ends in this byte be what ends in that one, when wildcards of both count? */
static bool ends_fit(char pattern, char path)
{
	return pattern == path || pattern == '*' || pattern == '?' || path == '*' || path == '?' || path == ']';
}

static bool is_one_of(const struct pattern_text *patterns, size_t n, const char *path, size_t len, bool globs)
{
	const char last = path[len - 1], *slash = globs ? memrchr(path, '/', len) : NULL;
	const char folder_last = slash && slash > path ? slash[-1] : '*';
	const bool any_last = globs && (last == '*' || last == '?' || last == ']');

	for (size_t i = 0; i < n; i++) {	/* most differ in their last bytes; a wildcard of the path is one only behind a folder */
		const struct pattern_text *p = &patterns[i];

		if (p->last != last && p->last != '*' && p->last != '?' && !any_last)
			continue;
		if ((globs && p->folder_last ? ends_fit(p->last, last) && ends_fit(p->folder_last, folder_last) :
					       p->last == last || p->last == '*') &&
		    path_matches(p->text, p->len, path, len, globs))
			return true;
	}
	return false;
}
#define IS_ONE_OF(patterns, path, len, globs) is_one_of(patterns, ARRAY_SIZE(patterns), path, len, globs)

/* Of those with this key only. */
static bool is_keyed(const struct pattern_text *patterns, const unsigned char *keys, size_t n, unsigned char key, const char *path,
		     size_t len)
{
	for (const unsigned char *at = keys; (at = memchr(at, key, n - (size_t)(at - keys))); at++)
		if (path_matches(patterns[at - keys].text, patterns[at - keys].len, path, len, false))
			return true;
	return false;
}
#define IS_KEYED(patterns, keys, key, path, len) is_keyed(patterns, keys, sizeof(keys), key, path, len)

/* What stands in front of `end`: no pattern has parts of one letter. */
static bool ends_in_two(const char *path, const char *end)
{
	return end - path >= 2 && end[-1] != '/' && end[-2] != '/';
}

static bool is_secret(const char *path, size_t len, bool globs)
{
	const char *slash = memrchr(path, '/', len), *base = slash ? slash + 1 : path, *end = path + len, *outer;

	if (globs)
		return IS_ONE_OF(secrets, path, len, true) || IS_ONE_OF(secret_folders, path, len, true) ||
		       IS_ONE_OF(secret_outer_folders, path, len, true) || IS_ONE_OF(secret_beginnings, path, len, true);
	if (base == end)
		return false;
	if (ends_in_two(path, end) && IS_KEYED(secrets, secret_ends, KEY(end[-1], end[-2]), path, len))
		return true;
	if (IS_KEYED(secret_beginnings, secret_firsts, (unsigned char)*base, path, len))
		return true;
	if (!slash)
		return false;
	if (ends_in_two(path, slash) && IS_KEYED(secret_folders, secret_folder_ends, KEY(slash[-1], slash[-2]), path, len))
		return true;
	outer = memrchr(path, '/', (size_t)(slash - path));
	return outer && ends_in_two(path, outer) &&
	       IS_KEYED(secret_outer_folders, secret_outer_ends, KEY(outer[-1], outer[-2]), path, len);
}

static unsigned int origin_of_socket(const char *host, size_t len)
{
	switch (host_classify(host, len)) {
	case HOST_EXTERNAL:
		return ORIGIN_NETWORK_EXTERNAL;
	case HOST_METADATA:
		return ORIGIN_NETWORK_OWN | ORIGIN_SECRET;
	default:
		return ORIGIN_NETWORK_OWN;
	}
}

/* "${KUBECONFIG}", "${DB_PASSWORD_FILE}": the variable tells what the file is. */
static bool is_named_by_variable(const char *path, size_t len)
{
	static const char *const names[] = {
		"KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "NETRC", "PGPASSFILE",
		"SSH_KEY", "SSH_PRIVATE_KEY_FILE", "SSH_KEY_PATH", "HISTFILE", "NPM_CONFIG_USERCONFIG", "VAULT_TOKEN_FILE",
	};
	char name[128];

	if (len < 4 || len - 3 >= sizeof(name) || memcmp(path, "${", 2) || path[len - 1] != '}')
		return false;
	memcpy(name, path + 2, len - 3);
	name[len - 3] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	char *file = len - 3 > 5 ? name + len - 3 - 5 : NULL;

	if (!file || (strcmp(file, "_FILE") && strcmp(file, "_PATH")))
		return false;
	*file = 0;
	return knowledge_variable_origin(name) & ORIGIN_SECRET;
}

unsigned int knowledge_file_origin(const char *path, size_t len)
{
	if (!len)
		return 0;

	bool is_device = *path == '-' || (len > 4 && (!memcmp(path, "/dev", 4) || !memcmp(path, "/pro", 4)));

	if (len > 9 && (!memcmp(path, "/dev/tcp/", 9) || !memcmp(path, "/dev/udp/", 9))) {
		const char *slash = memchr(path + 9, '/', len - 9);

		return origin_of_socket(path + 9, slash ? (size_t)(slash - path) - 9 : len - 9);
	}
	for (size_t i = 0; is_device && i < ARRAY_SIZE(devices); i++)
		if (text_matches(devices[i].pattern, strlen(devices[i].pattern), path, len))
			return devices[i].origin;
	bool globs = memchr(path, '/', len) && has_wildcard(path, len);

	if (IS_ONE_OF(environments, path, len, globs))
		return ORIGIN_FILE | ORIGIN_ENVIRONMENT | ORIGIN_SECRET;
	/* "~/.ssh/∗" means the keys as well as what is harmless */
	if (is_named_by_variable(path, len) || (is_secret(path, len, globs) && !IS_ONE_OF(harmless, path, len, false)))
		return ORIGIN_FILE | ORIGIN_SECRET;
	return ORIGIN_FILE;
}

/* ---- variables */

/* Parts of a name that make it a credential; after `before`, if that is given; alone only at the end of a name if `last`. In the order of
 * their first letters. */
static const struct secret_word {
	const char *before, *word;
	bool last;
} secret_words[] = {
	{ NULL, "APIKEY", false }, { NULL, "APITOKEN", false }, { NULL, "AUTHTOKEN", false },
	{ NULL, "ACCESSKEY", false }, { "BASIC", "AUTH", true }, { "REDISCLI", "AUTH", true },
	{ "DOCKER", "AUTH", true }, { "NPM", "AUTH", true }, { NULL, "BEARER", false },
	{ NULL, "CREDENTIAL", false }, { NULL, "CREDENTIALS", false }, { NULL, "CREDS", false },
	{ NULL, "JWT", true }, { "API", "KEY", false }, { "ACCESS", "KEY", false }, { "PRIVATE", "KEY", false },
	{ "ENCRYPTION", "KEY", false }, { "SIGNING", "KEY", false }, { "SSH", "KEY", false },
	{ "DEPLOY", "KEY", false }, { "MASTER", "KEY", false }, { "ACCOUNT", "KEY", false },
	{ "AUTH", "KEY", false }, { "HMAC", "KEY", false }, { "STORAGE", "KEY", false },
	{ "SERVICE", "KEY", false }, { "JWT", "KEY", false }, { "SESSION", "KEY", false },
	{ NULL, "MNEMONIC", false }, { NULL, "PASSWORD", false }, { NULL, "PASSWORDS", false },
	{ NULL, "PASSWD", false }, { NULL, "PASSPHRASE", false }, { NULL, "PASS", true },
	{ NULL, "PRIVATEKEY", false }, { NULL, "PGPASSWORD", false }, { NULL, "PAT", true }, { "DB", "PWD", true },
	{ "MYSQL", "PWD", true }, { "ROOT", "PWD", true }, { "USER", "PWD", true }, { "ADMIN", "PWD", true },
	{ "SA", "PWD", true }, { NULL, "RESTICPASSWORD", false }, { NULL, "SECRET", false },
	{ NULL, "SECRETS", false }, { NULL, "SECRETKEY", false }, { NULL, "SSHPASS", true },
	{ "CONNECTION", "STRING", true }, { NULL, "TOKEN", false },
};

/* Endings after which it is no credential but something about one. */
static const char *const other_endings[26] = {	/* by first letter */
	['A' - 'A'] = "ARN AGE ALGORITHM", ['B' - 'A'] = "BITS", ['C' - 'A'] = "COUNT", ['D' - 'A'] = "DIR",
	['E' - 'A'] = "ENDPOINT EXPIRY EXPIRES ENABLED", ['F' - 'A'] = "FILE FILES FIELD",
	['H' - 'A'] = "HOST HEADER", ['L' - 'A'] = "LEN LENGTH LIMIT LIMITS LOCATION",
	['M' - 'A'] = "MIN MAX MOUNT MANAGER", ['N' - 'A'] = "NAME NAMES NAMESPACE",
	['P' - 'A'] = "PATH PORT POLICY PATTERN PROVIDER PREFIX PROMPT",
	['R' - 'A'] = "REGEX ROTATION REQUIRED REF", ['S' - 'A'] = "STORE SUFFIX SERVICE SIZE",
	['T' - 'A'] = "TTL TYPE TIMEOUT", ['U' - 'A'] = "URL URI", ['V' - 'A'] = "VERSION",
};

struct part {
	const char *text;
	size_t len;
};

/* "dbApiKey2", "DB_API_KEY": the part that ends before `end`; digits at its end are left out. */
static struct part part_before(const char *name, size_t end)
{
	while (end && (name[end - 1] == '_' || (name[end - 1] >= '0' && name[end - 1] <= '9')))
		end--;
	size_t begin = end;

	while (begin && name[begin - 1] != '_') {
		bool upper = name[begin - 1] >= 'A' && name[begin - 1] <= 'Z';

		begin--;
		if (upper && begin && name[begin - 1] >= 'a' && name[begin - 1] <= 'z')
			break;
		if (upper && begin + 1 < end && name[begin + 1] >= 'a' && name[begin + 1] <= 'z')
			break;
	}
	return (struct part){ name + begin, end - begin };
}

static bool is_part(const struct part *p, const char *word)
{
	return p->len && (p->text[0] | 0x20) == (word[0] | 0x20) && !strncasecmp(p->text, word, p->len) && !word[p->len];
}

static bool is_secret_part(const struct part *before, const struct part *p, bool last)
{
	char first = p->text[0] & (char)~0x20;

	for (size_t i = 0; i < ARRAY_SIZE(secret_words) && secret_words[i].word[0] <= first; i++) {
		const struct secret_word *w = &secret_words[i];

		if (w->word[0] == first && is_part(p, w->word) && (!w->before || is_part(before, w->before)) && (last || !w->last))
			return true;
	}
	return false;
}

/* Is the part one of blank-separated words, in any case? */
static bool is_one_word(const struct part *p, const char *words)
{
	for (; words && *words; words += *words == ' ') {
		size_t n = strcspn(words, " ");

		if (n == p->len && !strncasecmp(p->text, words, n))
			return true;
		words += n;
	}
	return false;
}

static bool is_other_ending(const struct part *p)
{
	unsigned int letter = p->len ? (unsigned int)(p->text[0] | 0x20) - 'a' : 26;

	return letter < ARRAY_SIZE(other_endings) && is_one_word(p, other_endings[letter]);
}

unsigned int knowledge_variable_origin(const char *name)
{
	struct part p = part_before(name, strlen(name));

	if (is_other_ending(&p))
		return ORIGIN_INPUT;
	if (!strcmp(name, "GOOGLE_APPLICATION_CREDENTIALS"))	/* names a file */
		return ORIGIN_INPUT;
	for (bool last = true; p.len; last = false) {
		struct part before = part_before(name, (size_t)(p.text - name));

		if (is_secret_part(&before, &p, last))
			return ORIGIN_INPUT | ORIGIN_SECRET;
		p = before;
	}
	return ORIGIN_INPUT;
}
