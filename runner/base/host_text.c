/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/host_private.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define SCHEME_MAX 32

/* Schemes whose authority is a bucket or a package, not a host: whose it is cannot be told. */
static const char *const unknown_schemes[] = { "s3", "gs", "gcs", "az", "abfs", "abfss", "wasb", "wasbs", "oss", "cos", "b2", "r2" };
/* Schemes that name something on this machine. */
static const char *const local_schemes[] = { "file", "unix", "npipe", "data", "fd", "about", "docker-daemon", "containers-storage" };

static bool is_scheme(const char *const *list, size_t n, const char *scheme, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && !strncasecmp(list[i], scheme, len))
			return true;
	return false;
}
#define IS_SCHEME(list, s, len) is_scheme(list, sizeof(list) / sizeof(*(list)), s, len)

static bool is_blank_or_control(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_host_char(char c)
{
	return is_name_char(c) || (c && strchr(".-~%*", c)) || (unsigned char)c >= 0x80;
}

/* The host at the beginning of "host[:port]…". */
static size_t host_len(const char *s, size_t len)
{
	unsigned char address6[16];
	size_t n = 0;

	if (len && s[0] == '[') {
		const char *end = memchr(s, ']', len);
		const char *slash = memchr(s, '/', len);

		return end && (!slash || end < slash) ? (size_t)(end - s) + 1 : 0;
	}
	while (n < len && (hex_value(s[n]) >= 0 || s[n] == ':' || s[n] == '.'))
		n++;
	if (n && n <= INET6_ADDRSTRLEN && host_read_address6(s, n, address6))	/* without brackets */
		return n;
	for (n = 0; n < len; ) {
		size_t unknown = host_unknown_len(s + n, len - n);

		if (!unknown && !is_host_char(s[n]))
			break;
		n += unknown ? unknown : 1;
	}
	return n;
}

/* Fills *ret with the host of the authority at text[begin]; returns where the authority ends. `quoted`: stop at quotes too. */
static size_t read_authority(const char *text, size_t len, size_t begin, bool quoted, struct host_ref *ret)
{
	size_t end = begin, host = begin, backslash = 0;

	while (end < len) {
		size_t unknown = host_unknown_len(text + end, len - end);
		char c = text[end];

		if (unknown) {
			end += unknown;
			continue;
		}
		if (is_blank_or_control(c) || strchr("/?#", c) || (quoted && strchr("\"'<>`", c)))
			break;
		if (c == '\\' && !backslash)
			backslash = end;
		if (c == '@')
			host = end + 1;
		end++;
	}
	ret->userinfo = host > begin;
	ret->offset = host;
	ret->len = host_len(text + host, end - host);
	ret->class = host_classify(text + host, ret->len);
	/* "evil.com\@localhost": some readers take the one, some the other */
	if (backslash && backslash < host && ret->class != HOST_EXTERNAL) {
		size_t n = host_len(text + begin, backslash - begin);

		if (host_classify(text + begin, n) == HOST_EXTERNAL)
			*ret = (struct host_ref){ .offset = begin, .len = n, .class = HOST_EXTERNAL };
	}
	return end;
}

/* The scheme that ends before `colon`, not reaching back over `from`. */
static void read_scheme(const char *text, size_t from, size_t colon, struct host_ref *ret)
{
	size_t begin = colon;

	while (begin > from && colon - begin < SCHEME_MAX && (is_alpha(text[begin - 1]) || is_digit(text[begin - 1]) ||
	       strchr("+.-", text[begin - 1])))
		begin--;
	while (begin < colon && !is_alpha(text[begin]))
		begin++;
	ret->scheme_offset = begin;
	ret->scheme_len = colon - begin;
}

/* The URL whose "://" is at `colon`; *end: where looking for the next one may begin. */
static bool read_url(const char *text, size_t len, size_t from, size_t colon, bool quoted, struct host_ref *ret, size_t *end)
{
	struct host_ref ref = { .offset = 0 };
	struct host_ref scheme = { .offset = 0 };
	size_t begin = colon + 3;

	read_scheme(text, from, colon, &scheme);
	const char *s = text + scheme.scheme_offset;

	*end = begin;
	if (IS_SCHEME(local_schemes, s, scheme.scheme_len))
		return false;
	/* without a scheme only behind a variable: "${SCHEME}://host" */
	if (!scheme.scheme_len && !(colon > from && strchr("})`", text[colon - 1])) && (quoted || colon))
		return false;
	*end = read_authority(text, len, begin, quoted, &ref);
	if (!ref.len)
		return false;
	ref.scheme_offset = scheme.scheme_offset;
	ref.scheme_len = scheme.scheme_len;
	if (IS_SCHEME(unknown_schemes, s, ref.scheme_len))
		ref.class = HOST_UNKNOWN;
	*ret = ref;
	return true;
}

bool host_find_url(const char *text, size_t len, size_t from, struct host_ref *ret)
{
	for (size_t at = from; at < len; ) {
		const char *colon = memchr(text + at, ':', len - at);
		const char *found = colon ? memmem(colon, len - (size_t)(colon - text), "://", 3) : NULL;
		size_t end;

		if (!found)
			return false;
		if (read_url(text, len, from, (size_t)(found - text), true, ret, &end))
			return true;
		at = end;
	}
	return false;
}

bool host_of_url(const char *url, size_t len, struct host_ref *ret)
{
	size_t at = 0, end;
	struct host_ref ref = { .offset = 0 };

	while (at < len && is_blank_or_control(url[at]))
		at++;
	if (len - at > 2 && url[at] == '/' && url[at + 1] == '/' && url[at + 2] != '/') {
		read_authority(url, len, at + 2, false, &ref);
		if (ref.len)
			*ret = ref;
		return ref.len > 0;
	}
	/* what stands before "://" is a scheme, compound ones ("jdbc:postgresql") and variables included */
	size_t colon = at;

	while (colon < len && memcmp(url + colon, "://", len - colon < 3 ? len - colon : 3)) {
		size_t unknown = host_unknown_len(url + colon, len - colon);

		if (!unknown && !is_alpha(url[colon]) && !is_digit(url[colon]) && !strchr("+.-:", url[colon]))
			return false;
		colon += unknown ? unknown : 1;
	}
	if (len - colon >= 3)
		return read_url(url, len, at, colon, false, ret, &end);
	return false;
}

/* Endings of bare words that are files rather than hosts, even where a top level domain is called so. */
static const char *const file_endings[] = {
	"txt", "json", "yaml", "yml", "sh", "bash", "py", "pl", "rb", "js", "ts", "lua", "php", "tar", "gz", "tgz", "xz", "bz2", "zst", "zip",
	"7z", "rar", "log", "conf", "cfg", "ini", "toml", "xml", "html", "htm", "md", "csv", "tsv", "sql", "db", "sqlite", "pem", "key", "crt",
	"cer", "csr", "p12", "pfx", "pub", "gpg", "asc", "sig", "deb", "rpm", "apk", "jar", "war", "whl", "png", "jpg", "jpeg", "svg", "gif",
	"pdf", "doc", "docx", "xls", "xlsx", "bin", "exe", "dll", "so", "out", "img", "iso", "qcow2", "bak", "old", "orig", "tmp", "swp",
	"pid", "sock", "lock", "env", "c", "h", "cpp", "go", "rs", "java", "patch", "diff", "list", "repo", "service", "timer", "d",
	"dump", "pcap", "dat", "data", "tf", "tfstate", "tfvars", "cnf", "rc", "properties", "gradle", "lst", "sum", "sha256", "sha512", "md5",
};

static bool is_file_name(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);
	size_t n = dot ? len - (size_t)(dot + 1 - name) : 0;

	for (size_t i = 0; n && i < sizeof(file_endings) / sizeof(*file_endings); i++)
		if (!((file_endings[i][0] ^ dot[1]) & ~0x20) && strlen(file_endings[i]) == n && !strncasecmp(file_endings[i], dot + 1, n))
			return true;
	return false;
}

/* Does a dotted name end as names of hosts do? */
static bool has_domain(const char *name, size_t len)
{
	while (len && name[len - 1] == '.')
		len--;
	const char *dot = memrchr(name, '.', len);
	size_t n = dot ? len - (size_t)(dot + 1 - name) : 0;

	for (size_t i = 0; i < n; i++)
		if (!is_alpha(dot[1 + i]) && (unsigned char)dot[1 + i] < 0x80 && !(n > 4 && !strncasecmp(dot + 1, "xn--", 4)))
			return false;
	return n >= 2 && dot > name;
}

static bool is_address(const char *s, size_t len)
{
	unsigned char address6[16];
	uint32_t address4;

	if (len > 2 && s[0] == '[' && s[len - 1] == ']')
		return host_read_address6(s + 1, len - 2, address6);
	return host_read_address6(s, len, address6) || host_read_address4(s, len, &address4);
}

/* Prefixes in front of a host that are no scheme: of socat's addresses, bash's sockets. Longer ones first. */
static const char *const prefixes[] = {
	"/dev/tcp/", "/dev/udp/", "openssl-connect:", "openssl:", "ssl:", "tcp4-connect:", "tcp6-connect:", "tcp-connect:", "tcp4:", "tcp6:",
	"tcp:", "udp4-connect:", "udp6-connect:", "udp-connect:", "udp4-sendto:", "udp-sendto:", "udp4:", "udp6:", "udp:", "sctp-connect:",
	"sctp:", "proxy:", "proxy-connect:", "socks4:", "socks4a:", "socks5:", "socks5-connect:", "dtls:", "openssl-dtls-client:",
};

static size_t prefix_len(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n;

		if ((prefixes[i][0] ^ s[0]) & ~0x20)
			continue;
		n = strlen(prefixes[i]);
		if (len > n && !strncasecmp(prefixes[i], s, n))
			return n;
	}
	return 0;
}

/* The "user" of "user@host": at most up to the first byte that cannot stand in it. */
static size_t user_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len) {
		size_t unknown = host_unknown_len(s + n, len - n);

		if (s[n] == '@')
			return n;
		if (!unknown && !is_name_char(s[n]) && !strchr(".-+%:", s[n]))
			return 0;
		n += unknown ? unknown : 1;
	}
	return 0;
}

/* Is the word at `s`, `n` bytes long and followed by `rest`, a host? */
static bool is_host_word(const char *s, size_t n, const char *rest, size_t rest_len, bool sure)
{
	char next = rest_len ? rest[0] : 0;

	if (!n || (next && !strchr(":/?#,", next)))
		return false;
	if (host_known_tail(s, n))
		return sure || next || !is_file_name(s, n);
	if (is_numeric(s, n) && n < 6)		/* a port, a count */
		return sure;
	if (sure || is_address(s, n))
		return true;
	if (memchr(s, '.', n))
		return has_domain(s, n) && (next || !is_file_name(s, n));
	return next != '/' && next != '?' && next != '#';	/* "dist/app.js" */
}

bool host_of_argument(const char *arg, size_t len, struct host_ref *ret)
{
	struct host_ref ref = { .offset = 0 };

	if (!len || strchr("-+.~=%", arg[0]))
		return false;
	const char *colon = memchr(arg, ':', len);
	size_t begin = colon || arg[0] == '/' ? prefix_len(arg, len) : 0;
	bool sure = begin > 0;

	if (!sure && ((colon && memmem(colon, len - (size_t)(colon - arg), "://", 3)) || (len > 2 && !memcmp(arg, "//", 2))))
		return host_of_url(arg, len, ret);

	if (arg[begin] == '@' && len - begin > 1) {	/* dig @server; but also curl -d @file */
		ref.offset = begin + 1;
		ref.len = host_len(arg + 1, len - 1);
		ref.class = host_classify(arg + 1, ref.len);
		if (ref.len + 1 != len || !(is_address(arg + 1, ref.len) || (has_domain(arg + 1, ref.len) && !is_file_name(arg + 1, ref.len))))
			return false;
		*ret = ref;
		return true;
	}
	size_t user = user_len(arg + begin, len - begin);

	if (user) {
		ref.userinfo = sure = true;
		begin += user + 1;
	}
	ref.offset = begin;
	ref.len = host_len(arg + begin, len - begin);
	if (!is_host_word(arg + begin, ref.len, arg + begin + ref.len, len - begin - ref.len, sure))
		return false;
	ref.class = host_classify(arg + begin, ref.len);
	*ret = ref;
	return true;
}
