/* SPDX-License-Identifier: Apache-2.0
 * Files that hold credentials, by their names. A pattern is the end of a path, part by part ("*" and "?" within a part), so that ~, /root,
 * /home/x, ${HOMEDIR} and the root of a host that is mounted somewhere all count. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>
#include <strings.h>

#include "runner/base/host.h"

struct pattern_text {
	const char *text;
	size_t len;
	char last;		/* byte of it: stands here because most patterns are not looked at further */
};
#define P(s) { s, sizeof(s) - 1, (s)[sizeof(s) - 2] }

/* Credentials wherever they stand. */
static const struct pattern_text secrets[] = {
	/* the system */
	P("etc/shadow"), P("etc/shadow-"), P("etc/shadow.bak"), P("etc/shadow.old"), P("etc/gshadow"),
	P("etc/gshadow-"), P("etc/master.passwd"), P("etc/security/opasswd"),
	P("etc/krb5.keytab"), P("*.keytab"), P("krb5cc_*"), P("etc/ssl/private"), P("etc/ssl/private/*"),
	P("etc/pki/tls/private/*"), P("etc/letsencrypt/live/*/privkey*.pem"),
	P("etc/letsencrypt/archive/*/privkey*.pem"), P("etc/ssh/*_key"), P("etc/openvpn/*/auth.txt"),
	P("etc/wireguard/*.conf"), P("wg0.conf"),
	P("etc/NetworkManager/system-connections/*"), P("system-connections/*.nmconnection"),
	P("wpa_supplicant.conf"), P("chap-secrets"), P("pap-secrets"),
	P("etc/ipsec.secrets"), P("ipsec.secrets"), P("sssd.conf"), P("etc/ldap.secret"), P("etc/pam_ldap.secret"),
	P("etc/exim4/passwd.client"), P("sasl_passwd"),
	P("samba/private/secrets.tdb"), P("samba/private/passdb.tdb"), P("config/SAM"), P("config/SECURITY"),
	P("ntds.dit"), P("cloud/instance/user-data.txt"),
	P("etc/sudo-ldap.conf"), P("etc/security/passwd"), P("etc/tcb/*/shadow"),
	/* memory */
	P("dev/mem"), P("dev/kmem"), P("dev/port"), P("proc/kcore"), P("proc/*/mem"), P("proc/*/auxv"),
	/* ssh, gpg, key rings, password stores */
	P(".ssh"), P(".ssh/id_*"), P(".ssh/*_rsa"), P(".ssh/*_ed25519"), P(".ssh/*_key"), P(".ssh/*_dsa"),
	P(".ssh/identity"), P(".ssh/*.pem"), P(".ssh/*.key"), P("id_rsa"), P("id_dsa"),
	P("id_ecdsa"), P("id_ed25519"), P("id_ecdsa_sk"), P("id_ed25519_sk"), P("id_rsa_*"), P("id_ed25519_*"),
	P("*.ppk"), P(".gnupg"), P(".gnupg/private-keys-v1.d"),
	P(".gnupg/private-keys-v1.d/*"), P(".gnupg/secring.gpg"), P("secring.gpg"), P("share/keyrings"),
	P("share/keyrings/*"), P("*.keyring"), P("kwalletd/*"), P("*.kwl"),
	P("*.kdbx"), P("*.kdb"), P(".password-store"), P(".password-store/*"), P(".password-store/*/*"),
	P("Keychains/*"), P("login.keychain*"), P(".config/op/config"),
	P(".lastpass/*"), P("*.agilekeychain"), P(".config/Bitwarden*/data.json"), P("1password.sqlite"),
	/* clouds */
	P(".aws"), P(".aws/credentials"), P(".aws/sso/cache/*"), P(".aws/cli/cache/*"), P(".boto"), P(".s3cfg"),
	P(".s3ql/authinfo2"), P(".passwd-s3fs"), P("etc/passwd-s3fs"),
	P("gcloud/credentials.db"), P("gcloud/access_tokens.db"), P("gcloud/legacy_credentials/*"),
	P("gcloud/legacy_credentials/*/*"),
	P("application_default_credentials.json"), P(".config/gcloud"), P(".azure/accessTokens.json"),
	P(".azure/msal_token_cache.*"),
	P(".azure/service_principal_entries.json"), P(".azure"), P(".oci/config"), P(".bluemix/config.json"),
	P(".config/doctl/config.yaml"), P(".config/hcloud/cli.toml"),
	P(".config/rclone/rclone.conf"), P("rclone.conf"), P(".config/linode-cli"), P(".config/scw/config.yaml"),
	P(".aliyun/config.json"), P(".config/openstack/clouds.yaml"),
	P("clouds.yaml"), P("openrc.sh"), P(".fly/config.yml"), P(".vault-token"), P(".config/vault-token"),
	P(".terraform.d/credentials.tfrc.json"), P(".terraformrc"),
	P("*.tfstate"), P("*.tfstate.backup"), P("*.tfvars"), P("terraform.tfstate*"), P(".pulumi/credentials.json"),
	P(".config/heroku/*"), P(".cloudflared/*.json"),
	P(".config/configstore/firebase-tools.json"), P("azure/tokens/*"),
	/* containers and clusters */
	P(".kube"), P(".kube/config"), P(".kube/*.conf"), P("kubeconfig"), P("*.kubeconfig"), P("kubeconfig.y*ml"),
	P("etc/kubernetes/*.conf"), P("etc/kubernetes/pki"), P("etc/kubernetes/pki/*"),
	P("etc/kubernetes/pki/etcd/*"), P("etc/kubernetes/kubelet/kubeconfig"), P("lib/kubelet/kubeconfig"),
	P("lib/kubelet/pki/*"), P("kubelet-client-current.pem"),
	P("lib/kubelet/config.json"), P("etc/kubernetes/bootstrap-kubelet.conf"), P("k3s/k3s.yaml"),
	P("rke2/rke2.yaml"), P("k3s/server/*token"), P("rke2/server/*token"),
	P("k3s/server/cred/*"), P("k0s/pki/admin.conf"), P("microk8s/current/credentials/*"),
	P("serviceaccount/token"), P("serviceaccount/*/token"),
	P("run/secrets/*"), P("run/secrets/*/*"), P("serviceaccount"), P(".docker/config.json"), P(".dockercfg"),
	P(".dockerconfigjson"), P("containers/auth.json"),
	P("containers/*/auth.json"), P("docker/key.json"), P(".helm/repository/repositories.yaml"),
	P("etcd-client.key"),
	/* code and packages */
	P(".netrc"), P("_netrc"), P(".authinfo"), P(".authinfo.gpg"), P(".git-credentials"), P("git/credentials"),
	P(".npmrc"), P(".yarnrc.yml"), P(".pypirc"), P(".gem/credentials"), P(".cargo/credentials"),
	P(".cargo/credentials.toml"), P(".m2/settings.xml"), P(".m2/settings-security.xml"),
	P(".gradle/gradle.properties"), P(".composer/auth.json"),
	P("composer/auth.json"), P(".config/gh/hosts.yml"), P(".config/hub"), P(".config/glab-cli/config.yml"),
	P(".gitlab-runner/config.toml"),
	P("etc/gitlab-runner/config.toml"), P("gitlab-secrets.json"), P("gitlab/initial_root_password"),
	P("secrets/initialAdminPassword"), P("secrets/master.key"),
	P("secrets/hudson.util.Secret"), P("jenkins_home/credentials.xml"), P("jenkins/credentials.xml"),
	P(".circleci/cli.yml"), P(".travis/config.yml"),
	P(".ngrok2/ngrok.yml"), P("ngrok/ngrok.yml"), P(".sentryclirc"), P(".twine"), P(".condarc"), P(".hub"),
	P(".rhcloud"), P(".huggingface/token"), P(".cache/huggingface/token"),
	P(".kaggle/kaggle.json"), P(".wandb/settings"), P(".config/wandb/settings"), P(".jfrog/jfrog-cli.conf*"),
	P(".vault_pass*"), P(".vault-pass*"), P("vault_pass.txt"),
	P("vault-password*"), P("ansible_vault_pass*"),
	/* data bases and mail */
	P(".pgpass"), P("pgpass.conf"), P(".my.cnf"), P(".mylogin.cnf"), P("mysql/debian.cnf"), P(".rediscli_auth"),
	P(".mongorc.js"), P(".dbshell"), P(".mutt/passwords"), P(".fetchmailrc"),
	P(".msmtprc"), P(".s3backer_passwd"), P(".cdsapirc"), P("pgbouncer/userlist.txt"), P("dovecot/users"),
	P("odbc.ini"), P(".odbc.ini"),
	/* browsers, chats */
	P("Login Data"), P("Login Data For Account"), P("logins.json"), P("key3.db"), P("key4.db"),
	P("signons.sqlite"), P("cookies.sqlite"), P("Cookies"), P("Local State"),
	P(".mozilla/firefox"), P(".mozilla/firefox/*"), P(".config/google-chrome"), P(".config/chromium"),
	P(".purple/accounts.xml"), P(".thunderbird"),
	/* applications */
	P(".env"), P(".env.*"), P("*.env"), P(".envrc"), P(".htpasswd"), P("htpasswd"), P(".htdigest"),
	P("wp-config.php"), P("config/database.yml"), P("config/secrets.yml"), P("secrets.yml"), P("secrets.yaml"),
	P("secrets.json"), P("secret.yaml"), P("secret.yml"), P("secret.json"), P("credentials.json"),
	P("credentials.yml"), P("credentials.yaml"), P("client_secret*.json"),
	P("service-account*.json"), P("service_account*.json"), P("serviceaccount*.json"), P("sa-key.json"),
	P("gcp-key.json"), P("keyfile.json"), P("settings.local.php"), P("LocalSettings.php"), P("localsettings.php"),
	P("*.key"), P("*.pem"), P("*.p12"), P("*.pfx"), P("*.jks"), P("*.keystore"), P("*.p8"), P("*.ovpn"),
	P("*.rdp"), P("*.secret"), P("*.secrets"), P("*.password"), P("*.passwd"), P("*.credentials"),
	P("wallet.dat"), P(".electrum/wallets/*"), P(".ethereum/keystore"), P(".ethereum/keystore/*"),
	P("keystore/UTC--*"), P("solana/id.json"), P(".bitcoin/*.dat"), P("*.wallet"),
	P("mnemonic.txt"), P("seed.txt"), P(".config/solana"),
	/* what was typed */
	P(".bash_history"), P(".zsh_history"), P(".sh_history"), P(".history"), P(".python_history"),
	P(".mysql_history"), P(".psql_history"), P(".sqlite_history"),
	P(".rediscli_history"), P(".node_repl_history"), P(".ash_history"), P("fish_history"),
	P(".local/share/fish/fish_history"), P("ConsoleHost_history.txt"),
};

/* Files that look alike and are meant to be seen. */
static const struct pattern_text harmless[] = {
	P("*.pub"), P("*.pub.*"), P("*.crt"), P("*.cer"), P("*.csr"), P("*.md"), P("*.example"), P("*.sample"),
	P("*.template"), P("*.tmpl"), P("*.tpl"), P("*.dist"), P("*.defaults"), P("*.schema"),
	P(".env.example*"), P(".env.sample*"), P(".env.template*"), P(".env.dist*"), P("example.env"),
	P("sample.env"), P("*.example.*"), P("*.sample.*"),
	P("namespace"), P("authorized_keys"), P("known_hosts"), P("known_hosts.*"), P(".ssh/config"), P("*cert*.pem"),
	P("*ca.pem"), P("ca-*.pem"), P("ca_*.pem"), P("ca.*.pem"), P("*chain*.pem"), P("*bundle*.pem"),
	P("*pub*.pem"), P("*root*.pem"), P("dhparam*.pem"), P("cert*/*.pem"), P("certs/*.pem"), P("elease.key"),
	P("*elease*.key"), P("*archive*.key"), P("*keyring*.key"), P("*pub*.key"), P("*apt*.key"), P("*gpg*.key"),
	P("*repo*.key"), P("*sign*.key.asc"), P("usr/share/keyrings/*"), P("trusted.gpg.d/*"), P("apt/keyrings/*"),
	P("etc/pki/rpm-gpg/*"), P("deployments.conf"),
};

/* The environment of processes. */
static const struct pattern_text environments[] = { P("proc/*/environ"), P("proc/*/task/*/environ") };

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

/* Only paths with wildcards get here, for which the ends of the last part and of the one before it tell most apart. */
static bool parts_fit(const struct pattern_text *pattern, const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len), *pattern_slash = memrchr(pattern->text, '/', pattern->len);

	return !pattern_slash || !slash || slash == path || ends_fit(pattern_slash[-1], slash[-1]);
}

static bool is_one_of(const struct pattern_text *patterns, size_t n, const char *path, size_t len, bool globs)
{
	const char last = path[len - 1];

	for (size_t i = 0; i < n; i++)	/* most differ in their last byte */
		if ((patterns[i].last == last || patterns[i].last == '*' || globs) &&
		    (!globs || (ends_fit(patterns[i].last, last) && parts_fit(&patterns[i], path, len))) &&
		    path_matches(patterns[i].text, patterns[i].len, path, len, globs))
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
	for (size_t i = 0; (*path == '/' || *path == '-') && i < sizeof(devices) / sizeof(*devices); i++)
		if (text_matches(devices[i].pattern, strlen(devices[i].pattern), path, len))
			return devices[i].origin;
	bool globs = memchr(path, '/', len) && has_wildcard(path, len);

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
	return p->len && (p->text[0] | 0x20) == (word[0] | 0x20) && !strncasecmp(p->text, word, p->len) && !word[p->len];
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
