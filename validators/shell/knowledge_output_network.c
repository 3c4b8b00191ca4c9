/* SPDX-License-Identifier: Apache-2.0
 * Commands that print what comes over the network: whose host it is, and do they print it or write it to a file? */
#include <string.h>
#include <strings.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

static unsigned int class_origin(enum host_class class)
{
	switch (class) {
	case HOST_EXTERNAL:
		return ORIGIN_NETWORK_EXTERNAL;
	case HOST_METADATA:
		return ORIGIN_NETWORK_OWN | ORIGIN_SECRET;
	default:
		return ORIGIN_NETWORK_OWN;
	}
}

static unsigned int word_origin(const struct shell_value *v)
{
	struct host_ref ref;
	const char *text = v->text;
	size_t len = v->len, type;

	if (len > 8 && !strncasecmp(text, "file://", 7))
		return knowledge_file_origin(text + 7, len - 7);
	if (host_of_url(text, len, &ref))
		return class_origin(ref.class);
	/* an address of socat: TCP4:host:port,options */
	type = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
	if (type && type < len && text[type] == ':' && word_in(text, type, "TCP TCP4 TCP6 TCP-CONNECT TCP4-CONNECT UDP UDP4 UDP6 UDP-CONNECT OPENSSL SSL "
		"OPENSSL-CONNECT PROXY SOCKS4 tcp tcp4 tcp6 udp udp4 openssl ssl tcp-connect SCTP")) {
		size_t host = strcspn(text + type + 1, ":,");

		return class_origin(host_classify(text + type + 1, host));
	}
	if (type && type < len && text[type] == ':' && strcasestr(text, "listen"))
		return ORIGIN_NETWORK_EXTERNAL;
	return host_of_argument(text, len, &ref) ? class_origin(ref.class) : 0;
}

unsigned int output_network_origin(const struct shell_value *argv, size_t argc)
{
	unsigned int origin = 0;

	for (size_t i = 0; i < argc; i++)
		if (argv[i].text[0] != '-' && argv[i].text[0] != '+' && !word_in(argv[i].text, argv[i].len, "TXT A AAAA MX NS SRV ANY txt a aaaa mx ns srv any"))
			origin |= word_origin(&argv[i]);
	return origin ? origin : ORIGIN_NETWORK_OWN;
}

static bool is_stdout(const struct shell_value *v)
{
	return value_is(v, "-") || value_is(v, "/dev/stdout") || value_is(v, "/dev/fd/1");
}

/* What a client makes of its options. `words`: 'p' it prints unless told to write; 'w' it writes unless told to print. */
struct fetching {
	unsigned int origin;
	bool any, writes, prints, listens;
};

static void read_fetching(struct output_call *c, struct fetching *f)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct option o;

	while (option_next(&walk, &o)) {
		if (o.operand || option_is(&o, 0, "url") || option_is(&o, 0, "connect")) {
			unsigned int origin = o.has_value ? word_origin(&o.value) : 0;

			f->any |= origin != 0;
			f->origin |= origin;
		} else if (o.has_value && (option_in(&o, "oO", "output output-document out") && (c->program->words[0] != 'p' || o.letter != 'O'))) {
			f->prints |= is_stdout(&o.value);
			f->writes |= !is_stdout(&o.value);
		} else if (option_in(&o, c->program->words[0] == 'p' ? "OJ" : NULL, "remote-name remote-name-all remote-header-name download")) {
			f->writes = true;
		}
		f->listens |= option_in(&o, c->program->words[1] == 'l' ? "l" : NULL, "listen");
	}
	if (f->listens)		/* whoever connects */
		f->origin |= ORIGIN_NETWORK_EXTERNAL;
	if (!f->origin)
		f->origin = ORIGIN_NETWORK_OWN;
}

static bool run_fetch(struct output_call *c)
{
	struct fetching f = { .origin = 0 };
	bool prints = c->program->words[0] == 'p';

	read_fetching(c, &f);
	prints = f.prints || (prints && !f.writes);
	if (!prints)
		return output_nothing(c);
	return output_unknown(c, f.origin);
}

/* lynx, links, w3m print when asked to dump */
static bool run_browser(struct output_call *c)
{
	return output_unknown(c, output_network_origin(c->argv + 1, c->argc - 1));
}

/* aws s3 cp s3://… -: whose bucket it is cannot be told */
static bool run_copy_out(struct output_call *c)
{
	for (size_t i = 1; i < c->argc; i++)
		if (is_stdout(&c->argv[i]) || value_is(&c->argv[i], "cat"))
			return output_unknown(c, ORIGIN_NETWORK_EXTERNAL);
	return false;
}

#define CURL { .values = "AbcCdDeEFHKmoPQrtTuUwxXyYz", .long_values = "output url header data data-binary data-raw data-urlencode data-ascii form user " \
	"user-agent request max-time connect-timeout retry retry-delay retry-max-time proxy cacert cert key cookie cookie-jar referer range upload-file write-out " \
	"config limit-rate interface resolve connect-to unix-socket abstract-unix-socket netrc-file oauth2-bearer proxy-user ciphers tls-max dns-servers doh-url " \
	"output-dir capath pinnedpubkey speed-limit speed-time max-filesize max-redirs aws-sigv4 json variable noproxy preproxy socks5 socks5-hostname socks4 " \
	"form-string stderr trace trace-ascii" }
#define WGET { .values = "aoeiOPtTwQUlARDIXB", .long_values = "output-document output-file append-output input-file execute header post-data post-file user " \
	"password user-agent timeout tries wait limit-rate directory-prefix ca-certificate certificate private-key method body-data body-file level accept reject " \
	"domains referer load-cookies save-cookies proxy-user proxy-password bind-address" }
#define HTTPIE { .values = "opsaA", .long_values = "output print style auth auth-type verify proxy timeout session cert cert-key" }
#define NETCAT { .values = "ecgGiopsqwIMmOPTVWXx", .long_values = "exec sh-exec proxy proxy-type proxy-auth source source-port wait delay" }
#define FETCH(program, how, spec) { .name = program, .run = run_fetch, .words = how, .options = spec }
#define BROWSER(program) { .name = program, .run = run_browser }

const struct output_program output_network[] = {
	BROWSER("GET"),
	FETCH("aria2c", "w", WGET),
	{ .name = "aws", .run = run_copy_out },
	FETCH("axel", "w", WGET),
	FETCH("curl", "p", CURL),
	FETCH("curlie", "p", CURL),
	BROWSER("dig"),
	BROWSER("drill"),
	BROWSER("elinks"),
	FETCH("fetch", "w", { .values = "o" }),
	BROWSER("ftp"),
	{ .name = "gsutil", .run = run_copy_out },
	BROWSER("host"),
	FETCH("http", "p", HTTPIE),
	FETCH("https", "p", HTTPIE),
	BROWSER("ipfs"),
	BROWSER("links"),
	BROWSER("lwp-request"),
	BROWSER("lynx"),
	FETCH("nc", "pl", NETCAT),
	FETCH("nc.openbsd", "pl", NETCAT),
	FETCH("nc.traditional", "pl", NETCAT),
	FETCH("ncat", "pl", NETCAT),
	FETCH("netcat", "pl", NETCAT),
	BROWSER("nslookup"),
	BROWSER("rsh"),
	FETCH("socat", "p", { .values = "bdtTlLsS" }),
	BROWSER("ssh"),
	BROWSER("telnet"),
	BROWSER("tftp"),
	BROWSER("w3m"),
	FETCH("wget", "w", WGET),
	FETCH("xh", "p", HTTPIE),
};
const size_t output_network_len = ARRAY_SIZE(output_network);
