/* SPDX-License-Identifier: Apache-2.0
 * Files that hold credentials, by their names. A pattern is the end of a path, part by part ("*" and "?" within a part), so that ~, /root,
 * /home/x, ${HOMEDIR} and the root of a host that is mounted somewhere all count. */
#include "validators/shell/knowledge.h"

#include <string.h>
#include <strings.h>

#include "runner/base/host.h"

/* Credentials wherever they stand. */
static const char *const secrets[] = {
	/* the system */
	"etc/shadow", "etc/shadow-", "etc/shadow.bak", "etc/shadow.old", "etc/gshadow", "etc/gshadow-", "etc/master.passwd", "etc/security/opasswd",
	"etc/krb5.keytab", "*.keytab", "krb5cc_*", "etc/ssl/private", "etc/ssl/private/*", "etc/pki/tls/private/*", "etc/letsencrypt/live/*/privkey*.pem",
	"etc/letsencrypt/archive/*/privkey*.pem", "etc/ssh/*_key", "etc/openvpn/*/auth.txt", "etc/wireguard/*.conf", "wg0.conf",
	"etc/NetworkManager/system-connections/*", "system-connections/*.nmconnection", "wpa_supplicant.conf", "chap-secrets", "pap-secrets",
	"etc/ipsec.secrets", "ipsec.secrets", "sssd.conf", "etc/ldap.secret", "etc/pam_ldap.secret", "etc/exim4/passwd.client", "sasl_passwd",
	"samba/private/secrets.tdb", "samba/private/passdb.tdb", "config/SAM", "config/SECURITY", "ntds.dit", "cloud/instance/user-data.txt",
	"etc/sudo-ldap.conf", "etc/security/passwd", "etc/tcb/*/shadow",
	/* memory */
	"dev/mem", "dev/kmem", "dev/port", "proc/kcore", "proc/*/mem", "proc/*/auxv",
	/* ssh, gpg, key rings, password stores */
	".ssh", ".ssh/id_*", ".ssh/*_rsa", ".ssh/*_ed25519", ".ssh/*_key", ".ssh/*_dsa", ".ssh/identity", ".ssh/*.pem", ".ssh/*.key", "id_rsa", "id_dsa",
	"id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_rsa_*", "id_ed25519_*", "*.ppk", ".gnupg", ".gnupg/private-keys-v1.d",
	".gnupg/private-keys-v1.d/*", ".gnupg/secring.gpg", "secring.gpg", "share/keyrings", "share/keyrings/*", "*.keyring", "kwalletd/*", "*.kwl",
	"*.kdbx", "*.kdb", ".password-store", ".password-store/*", ".password-store/*/*", "Keychains/*", "login.keychain*", ".config/op/config",
	".lastpass/*", "*.agilekeychain", ".config/Bitwarden*/data.json", "1password.sqlite",
	/* clouds */
	".aws", ".aws/credentials", ".aws/sso/cache/*", ".aws/cli/cache/*", ".boto", ".s3cfg", ".s3ql/authinfo2", ".passwd-s3fs", "etc/passwd-s3fs",
	"gcloud/credentials.db", "gcloud/access_tokens.db", "gcloud/legacy_credentials/*", "gcloud/legacy_credentials/*/*",
	"application_default_credentials.json", ".config/gcloud", ".azure/accessTokens.json", ".azure/msal_token_cache.*",
	".azure/service_principal_entries.json", ".azure", ".oci/config", ".bluemix/config.json", ".config/doctl/config.yaml", ".config/hcloud/cli.toml",
	".config/rclone/rclone.conf", "rclone.conf", ".config/linode-cli", ".config/scw/config.yaml", ".aliyun/config.json", ".config/openstack/clouds.yaml",
	"clouds.yaml", "openrc.sh", ".fly/config.yml", ".vault-token", ".config/vault-token", ".terraform.d/credentials.tfrc.json", ".terraformrc",
	"*.tfstate", "*.tfstate.backup", "*.tfvars", "terraform.tfstate*", ".pulumi/credentials.json", ".config/heroku/*", ".cloudflared/*.json",
	".config/configstore/firebase-tools.json", "azure/tokens/*",
	/* containers and clusters */
	".kube", ".kube/config", ".kube/*.conf", "kubeconfig", "*.kubeconfig", "kubeconfig.y*ml", "etc/kubernetes/*.conf", "etc/kubernetes/pki", "etc/kubernetes/pki/*",
	"etc/kubernetes/pki/etcd/*", "etc/kubernetes/kubelet/kubeconfig", "lib/kubelet/kubeconfig", "lib/kubelet/pki/*", "kubelet-client-current.pem",
	"lib/kubelet/config.json", "etc/kubernetes/bootstrap-kubelet.conf", "k3s/k3s.yaml", "rke2/rke2.yaml", "k3s/server/*token", "rke2/server/*token",
	"k3s/server/cred/*", "k0s/pki/admin.conf", "microk8s/current/credentials/*", "serviceaccount/token", "serviceaccount/*/token",
	"run/secrets/*", "run/secrets/*/*", "serviceaccount", ".docker/config.json", ".dockercfg", ".dockerconfigjson", "containers/auth.json",
	"containers/*/auth.json", "docker/key.json", ".helm/repository/repositories.yaml", "etcd-client.key",
	/* code and packages */
	".netrc", "_netrc", ".authinfo", ".authinfo.gpg", ".git-credentials", "git/credentials", ".npmrc", ".yarnrc.yml", ".pypirc", ".gem/credentials", ".cargo/credentials",
	".cargo/credentials.toml", ".m2/settings.xml", ".m2/settings-security.xml", ".gradle/gradle.properties", ".composer/auth.json",
	"composer/auth.json", ".config/gh/hosts.yml", ".config/hub", ".config/glab-cli/config.yml", ".gitlab-runner/config.toml",
	"etc/gitlab-runner/config.toml", "gitlab-secrets.json", "gitlab/initial_root_password", "secrets/initialAdminPassword", "secrets/master.key",
	"secrets/hudson.util.Secret", "jenkins_home/credentials.xml", "jenkins/credentials.xml", ".circleci/cli.yml", ".travis/config.yml",
	".ngrok2/ngrok.yml", "ngrok/ngrok.yml", ".sentryclirc", ".twine", ".condarc", ".hub", ".rhcloud", ".huggingface/token", ".cache/huggingface/token",
	".kaggle/kaggle.json", ".wandb/settings", ".config/wandb/settings", ".jfrog/jfrog-cli.conf*", ".vault_pass*", ".vault-pass*", "vault_pass.txt",
	"vault-password*", "ansible_vault_pass*",
	/* data bases and mail */
	".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", "mysql/debian.cnf", ".rediscli_auth", ".mongorc.js", ".dbshell", ".mutt/passwords", ".fetchmailrc",
	".msmtprc", ".s3backer_passwd", ".cdsapirc", "pgbouncer/userlist.txt", "dovecot/users", "odbc.ini", ".odbc.ini",
	/* browsers, chats */
	"Login Data", "Login Data For Account", "logins.json", "key3.db", "key4.db", "signons.sqlite", "cookies.sqlite", "Cookies", "Local State",
	".mozilla/firefox", ".mozilla/firefox/*", ".config/google-chrome", ".config/chromium", ".purple/accounts.xml", ".thunderbird",
	/* applications */
	".env", ".env.*", "*.env", ".envrc", ".htpasswd", "htpasswd", ".htdigest", "wp-config.php", "config/database.yml", "config/secrets.yml", "secrets.yml", "secrets.yaml",
	"secrets.json", "secret.yaml", "secret.yml", "secret.json", "credentials.json", "credentials.yml", "credentials.yaml", "client_secret*.json",
	"service-account*.json", "service_account*.json", "serviceaccount*.json", "sa-key.json", "gcp-key.json", "keyfile.json", "settings.local.php", "LocalSettings.php", "localsettings.php",
	"*.key", "*.pem", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.p8", "*.ovpn", "*.rdp", "*.secret", "*.secrets", "*.password", "*.passwd", "*.credentials",
	"wallet.dat", ".electrum/wallets/*", ".ethereum/keystore", ".ethereum/keystore/*", "keystore/UTC--*", "solana/id.json", ".bitcoin/*.dat", "*.wallet",
	"mnemonic.txt", "seed.txt", ".config/solana",
	/* what was typed */
	".bash_history", ".zsh_history", ".sh_history", ".history", ".python_history", ".mysql_history", ".psql_history", ".sqlite_history",
	".rediscli_history", ".node_repl_history", ".ash_history", "fish_history", ".local/share/fish/fish_history", "ConsoleHost_history.txt",
};

/* Files that look alike and are meant to be seen. */
static const char *const harmless[] = {
	"*.pub", "*.pub.*", "*.crt", "*.cer", "*.csr", "*.md", "*.example", "*.sample", "*.template", "*.tmpl", "*.tpl", "*.dist", "*.defaults", "*.schema",
	".env.example*", ".env.sample*", ".env.template*", ".env.dist*", "example.env", "sample.env", "*.example.*", "*.sample.*",
	"namespace", "authorized_keys", "known_hosts", "known_hosts.*", ".ssh/config", "*cert*.pem", "*ca.pem", "ca-*.pem", "ca_*.pem", "ca.*.pem", "*chain*.pem", "*bundle*.pem",
	"*pub*.pem", "*root*.pem", "dhparam*.pem", "cert*/*.pem", "certs/*.pem", "elease.key", "*elease*.key", "*archive*.key", "*keyring*.key", "*pub*.key", "*apt*.key", "*gpg*.key",
	"*repo*.key", "*sign*.key.asc", "usr/share/keyrings/*", "trusted.gpg.d/*", "apt/keyrings/*", "etc/pki/rpm-gpg/*", "deployments.conf",
};

/* The environment of processes. */
static const char *const environments[] = { "proc/*/environ", "proc/*/task/*/environ" };

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
	return memchr(s, '*', len) || memchr(s, '?', len);
}

/* The path has wildcards: can it mean this? A pattern that has some, too, is met by "*" and by what is spelt so. */
static bool glob_matches(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	if (*pattern == '.' && *s != '.')	/* a wildcard does not mean a leading dot */
		return false;
	if (!has_wildcard(pattern, pattern_len))
		return text_matches(s, len, pattern, pattern_len);
	return (len == 1 && *s == '*') || text_matches(pattern, pattern_len, s, len);
}

/* Does the path end as the pattern does? Most differ in their last byte, which is looked at first. */
static bool path_matches(const char *pattern, const char *path, size_t len, bool path_globs)
{
	size_t pattern_len = strlen(pattern);
	bool globs = path_globs && memchr(pattern, '/', pattern_len);
	bool letters = !globs;		/* "*" in all parts means nothing in particular */

	if (!globs && pattern[pattern_len - 1] != '*' && pattern[pattern_len - 1] != path[len - 1])
		return false;
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

static bool is_one_of(const char *const *patterns, size_t n, const char *path, size_t len, bool globs)
{
	for (size_t i = 0; i < n; i++)
		if (path_matches(patterns[i], path, len, globs))
			return true;
	return false;
}
#define IS_ONE_OF(patterns, path, len, globs) is_one_of(patterns, sizeof(patterns) / sizeof(*(patterns)), path, len, globs)

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
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
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
	if (len > 9 && (!memcmp(path, "/dev/tcp/", 9) || !memcmp(path, "/dev/udp/", 9))) {
		const char *slash = memchr(path + 9, '/', len - 9);

		return origin_of_socket(path + 9, slash ? (size_t)(slash - path) - 9 : len - 9);
	}
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (text_matches(devices[i].pattern, strlen(devices[i].pattern), path, len))
			return devices[i].origin;
	bool globs = has_wildcard(path, len);

	if (IS_ONE_OF(environments, path, len, globs))
		return ORIGIN_FILE | ORIGIN_ENVIRONMENT | ORIGIN_SECRET;
	/* "~/.ssh/∗" means the keys as well as what is harmless */
	if (is_named_by_variable(path, len) || (IS_ONE_OF(secrets, path, len, globs) && !IS_ONE_OF(harmless, path, len, false)))
		return ORIGIN_FILE | ORIGIN_SECRET;
	return ORIGIN_FILE;
}

/* ---- variables */

/* Parts of a name that make it a credential; after `before`, if that is given; alone only at the end of a name if `last`. */
static const struct secret_word {
	const char *before, *word;
	bool last;
} secret_words[] = {
	{ NULL, "PASSWORD", false }, { NULL, "PASSWORDS", false }, { NULL, "PASSWD", false }, { NULL, "PASSPHRASE", false }, { NULL, "PASS", true },
	{ NULL, "SECRET", false }, { NULL, "SECRETS", false }, { NULL, "TOKEN", false }, { NULL, "APIKEY", false }, { NULL, "APITOKEN", false },
	{ NULL, "AUTHTOKEN", false }, { NULL, "ACCESSKEY", false }, { NULL, "PRIVATEKEY", false }, { NULL, "SECRETKEY", false },
	{ NULL, "CREDENTIAL", false }, { NULL, "CREDENTIALS", false }, { NULL, "CREDS", false }, { NULL, "PGPASSWORD", false }, { NULL, "SSHPASS", true },
	{ NULL, "RESTICPASSWORD", false }, { NULL, "BEARER", false }, { NULL, "JWT", true }, { NULL, "PAT", true }, { NULL, "MNEMONIC", false },
	{ "DB", "PWD", true }, { "MYSQL", "PWD", true }, { "ROOT", "PWD", true }, { "USER", "PWD", true }, { "ADMIN", "PWD", true }, { "SA", "PWD", true },
	{ "API", "KEY", false }, { "ACCESS", "KEY", false }, { "PRIVATE", "KEY", false }, { "ENCRYPTION", "KEY", false }, { "SIGNING", "KEY", false },
	{ "SSH", "KEY", false }, { "DEPLOY", "KEY", false }, { "MASTER", "KEY", false }, { "ACCOUNT", "KEY", false }, { "AUTH", "KEY", false },
	{ "HMAC", "KEY", false }, { "STORAGE", "KEY", false }, { "SERVICE", "KEY", false }, { "JWT", "KEY", false }, { "SESSION", "KEY", false },
	{ "BASIC", "AUTH", true }, { "REDISCLI", "AUTH", true }, { "DOCKER", "AUTH", true }, { "NPM", "AUTH", true }, { "CONNECTION", "STRING", true },
};

/* Endings after which it is no credential but something about one. */
static const char *const other_endings[] = {
	"FILE", "FILES", "PATH", "URL", "URI", "DIR", "NAME", "NAMES", "COUNT", "LEN", "LENGTH", "TTL", "ENDPOINT", "TYPE", "EXPIRY", "EXPIRES", "TIMEOUT", "HOST",
	"PORT", "VERSION", "LIMIT", "LIMITS", "ENABLED", "NAMESPACE", "POLICY", "MIN", "MAX", "REGEX", "PATTERN", "STORE", "ARN", "HEADER", "PROVIDER", "LOCATION",
	"AGE", "ROTATION", "REQUIRED", "PREFIX", "SUFFIX", "REF", "SERVICE", "SIZE", "BITS", "ALGORITHM", "MOUNT", "MANAGER", "PROMPT", "FIELD",
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
	return strlen(word) == p->len && !strncasecmp(p->text, word, p->len);
}

static bool is_secret_part(const struct part *before, const struct part *p, bool last)
{
	for (size_t i = 0; i < sizeof(secret_words) / sizeof(*secret_words); i++) {
		const struct secret_word *w = &secret_words[i];

		if (is_part(p, w->word) && (!w->before || is_part(before, w->before)) && (last || !w->last))
			return true;
	}
	return false;
}

unsigned int knowledge_variable_origin(const char *name)
{
	struct part p = part_before(name, strlen(name));

	for (size_t i = 0; i < sizeof(other_endings) / sizeof(*other_endings); i++)
		if (is_part(&p, other_endings[i]))
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
