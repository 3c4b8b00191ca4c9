/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/host.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void has_names(void **state)
{
	enum host_class c;

	(void)state;
	for (int i = HOST_UNKNOWN; i <= HOST_EXTERNAL; i++) {
		assert_true(host_class_from_string(host_class_to_string((enum host_class)i), &c));
		assert_int_equal(c, i);
	}
	assert_false(host_class_from_string("Own", &c));
	assert_false(host_class_from_string("", &c));
}

static void classifies(void **state)
{
	static const struct {
		const char *host;
		enum host_class class;
	} rows[] = {
		/* names of this machine */
		{ "localhost", HOST_LOOPBACK }, { "LocalHost", HOST_LOOPBACK }, { "localhost.", HOST_LOOPBACK },
		{ "app.localhost", HOST_LOOPBACK }, { "localhost.localdomain", HOST_LOOPBACK }, { "ip6-localhost", HOST_LOOPBACK },
		{ "localhost.evil.com", HOST_EXTERNAL }, { "notlocalhost.com", HOST_EXTERNAL }, { "xlocalhost", HOST_OWN },
		/* IPv4 in every spelling */
		{ "127.0.0.1", HOST_LOOPBACK }, { "127.1", HOST_LOOPBACK }, { "127.255.255.254", HOST_LOOPBACK },
		{ "2130706433", HOST_LOOPBACK }, { "0x7f.1", HOST_LOOPBACK }, { "0x7f000001", HOST_LOOPBACK },
		{ "0177.0.0.1", HOST_LOOPBACK }, { "017700000001", HOST_LOOPBACK }, { "0.0.0.0", HOST_LOOPBACK }, { "0", HOST_LOOPBACK },
		{ "10.0.0.1", HOST_OWN }, { "10.1", HOST_OWN }, { "012.0.0.1", HOST_OWN }, { "0xa.0.0.1", HOST_OWN },
		{ "172.16.0.1", HOST_OWN }, { "172.31.255.255", HOST_OWN }, { "172.32.0.1", HOST_EXTERNAL }, { "172.15.0.1", HOST_EXTERNAL },
		{ "172.99.1.1", HOST_EXTERNAL }, { "192.168.1.1", HOST_OWN }, { "192.169.1.1", HOST_EXTERNAL }, { "100.64.0.1", HOST_OWN },
		{ "100.127.0.1", HOST_OWN }, { "100.128.0.1", HOST_EXTERNAL }, { "169.254.1.1", HOST_OWN }, { "224.0.0.251", HOST_OWN },
		{ "192.0.2.1", HOST_EXTERNAL }, { "198.51.100.7", HOST_EXTERNAL }, { "203.0.113.9", HOST_EXTERNAL }, { "8.8.8.8", HOST_EXTERNAL },
		{ "128.0.0.1", HOST_EXTERNAL }, { "3405803785", HOST_EXTERNAL },
		/* no addresses */
		{ "127.0.0.1.evil.com", HOST_EXTERNAL }, { "256.1.1.1", HOST_EXTERNAL }, { "1.2.3.4.5", HOST_EXTERNAL },
		{ "99999999999", HOST_EXTERNAL }, { "10.0.0.08", HOST_EXTERNAL }, { "10.0.0.evil", HOST_EXTERNAL }, { "127.0.0.16777216", HOST_EXTERNAL },
		/* metadata */
		{ "169.254.169.254", HOST_METADATA }, { "2852039166", HOST_METADATA }, { "0xa9fea9fe", HOST_METADATA },
		{ "0xA9.0xFE.0xA9.0xFE", HOST_METADATA }, { "0251.0376.0251.0376", HOST_METADATA }, { "169.254.43518", HOST_METADATA },
		{ "169.16689662", HOST_METADATA }, { "025177524776", HOST_METADATA }, { "169.254.169.254.", HOST_METADATA },
		{ "169.254.170.2", HOST_METADATA }, { "100.100.100.200", HOST_METADATA }, { "168.63.129.16", HOST_METADATA },
		{ "192.0.0.192", HOST_METADATA }, { "metadata.google.internal", HOST_METADATA }, { "METADATA.google.internal.", HOST_METADATA },
		{ "metadata", HOST_METADATA }, { "metadata.azure.internal", HOST_METADATA }, { "instance-data", HOST_METADATA },
		{ "169.254.169.254.nip.io", HOST_METADATA }, { "x-169-254-169-254.sslip.io", HOST_METADATA }, { "8.8.8.8.nip.io", HOST_EXTERNAL },
		{ "my-metadata.example.net", HOST_EXTERNAL },
		/* IPv6 */
		{ "::1", HOST_LOOPBACK }, { "[::1]", HOST_LOOPBACK }, { "0:0:0:0:0:0:0:1", HOST_LOOPBACK }, { "::", HOST_LOOPBACK },
		{ "::ffff:127.0.0.1", HOST_LOOPBACK }, { "[::ffff:7f00:1]", HOST_LOOPBACK }, { "::ffff:169.254.169.254", HOST_METADATA },
		{ "[::FFFF:a9fe:a9fe]", HOST_METADATA }, { "[0:0:0:0:0:ffff:a9fe:a9fe]", HOST_METADATA }, { "::169.254.169.254", HOST_METADATA },
		{ "64:ff9b::a9fe:a9fe", HOST_METADATA }, { "2002:a9fe:a9fe::", HOST_METADATA }, { "fd00:ec2::254", HOST_METADATA },
		{ "[fd00:0ec2:0:0:0:0:0:254]", HOST_METADATA }, { "fe80::a9fe:a9fe%eth0", HOST_METADATA }, { "fd00::1", HOST_OWN },
		{ "fe80::1%eth0", HOST_OWN }, { "[fe80::1%25eth0]", HOST_OWN }, { "2001:db8::1", HOST_EXTERNAL }, { "[2606:4700::1111]", HOST_EXTERNAL },
		{ "::ffff:8.8.8.8", HOST_EXTERNAL }, { "::ffff:10.0.0.1", HOST_OWN },
		/* own names */
		{ "db", HOST_OWN }, { "DB", HOST_OWN }, { "my-service", HOST_OWN }, { "api.default.svc", HOST_OWN }, { "api.default.svc.cluster.local", HOST_OWN },
		{ "registry.internal.example", HOST_OWN }, { "registry.internal", HOST_OWN }, { "host.docker.internal", HOST_OWN },
		{ "printer.local", HOST_OWN }, { "nas.lan", HOST_OWN }, { "git.corp", HOST_OWN }, { "pi.home.arpa", HOST_OWN },
		{ "db.service.consul", HOST_OWN }, { "internal.evil.com", HOST_EXTERNAL }, { "api.internal.com", HOST_EXTERNAL },
		{ "internal", HOST_OWN }, { "evilinternal.example", HOST_EXTERNAL }, { "x.svc.evil.com", HOST_EXTERNAL }, { "mysvc.com", HOST_EXTERNAL },
		/* outside */
		{ "example.com", HOST_EXTERNAL }, { "c2.attacker.example", HOST_EXTERNAL }, { "www.example.net.", HOST_EXTERNAL },
		{ "xn--80ak6aa92e.com", HOST_EXTERNAL }, { "a.onion", HOST_EXTERNAL },
		/* encodings */
		{ "%6c%6f%63alhost", HOST_LOOPBACK }, { "%31%36%39.254.169.254", HOST_METADATA }, { "evil%2ecom", HOST_EXTERNAL },
		{ "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1", HOST_LOOPBACK }, { "169\xe3\x80\x82""254\xef\xbd\xa1""169\xef\xbc\x8e""254", HOST_METADATA },
		/* unknown parts */
		{ "", HOST_UNKNOWN }, { ".", HOST_UNKNOWN }, { "[", HOST_UNKNOWN }, { "${HOST}", HOST_UNKNOWN }, { "$(hostname)", HOST_UNKNOWN }, { "$HOST", HOST_UNKNOWN },
		{ "api.${DOMAIN}", HOST_UNKNOWN }, { "10.0.${N}.1", HOST_UNKNOWN }, { "${A}.com", HOST_UNKNOWN }, { "${A}evil.com", HOST_UNKNOWN },
		{ "{{ .Values.host }}", HOST_UNKNOWN }, { "`hostname`", HOST_UNKNOWN }, { "${A", HOST_UNKNOWN },
		{ "$(cat /etc/shadow | base64).c2.attacker.example", HOST_EXTERNAL }, { "${A}.evil.com.", HOST_EXTERNAL }, { "x-${A}.EVIL.com", HOST_EXTERNAL },
		{ "${A}.default.svc", HOST_OWN }, { "${A}.internal", HOST_OWN }, { "${A}.localhost", HOST_LOOPBACK }, { "${A}.0.0.1", HOST_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum host_class c = host_classify(rows[i].host, strlen(rows[i].host));

		if (c != rows[i].class)
			fail_msg("'%s' is %s, not %s", rows[i].host, host_class_to_string(c), host_class_to_string(rows[i].class));
	}
}

struct text_row {
	const char *text;
	const char *scheme, *host;	/* NULL: none */
	enum host_class class;
	bool userinfo;
};

static void check(const struct text_row *row, bool found, const struct host_ref *ref)
{
	if (found != (row->host != NULL))
		fail_msg("'%s': %s", row->text, found ? "a host where none is" : "no host");
	if (!found)
		return;
	if (strlen(row->host) != ref->len || memcmp(row->text + ref->offset, row->host, ref->len))
		fail_msg("'%s': host '%.*s'", row->text, (int)ref->len, row->text + ref->offset);
	if (strlen(row->scheme) != ref->scheme_len || memcmp(row->text + ref->scheme_offset, row->scheme, ref->scheme_len))
		fail_msg("'%s': scheme '%.*s'", row->text, (int)ref->scheme_len, row->text + ref->scheme_offset);
	if (ref->class != row->class || ref->userinfo != row->userinfo)
		fail_msg("'%s': class %s, userinfo %d", row->text, host_class_to_string(ref->class), ref->userinfo);
}

static void reads_urls(void **state)
{
	static const struct text_row rows[] = {
		{ "http://example.com", "http", "example.com", HOST_EXTERNAL, false },
		{ "HTTPS://Example.com:443/x?y#z", "HTTPS", "Example.com", HOST_EXTERNAL, false },
		{ "http://localhost:8080/", "http", "localhost", HOST_LOOPBACK, false },
		{ "https://localhost@evil.com/", "https", "evil.com", HOST_EXTERNAL, true },
		{ "https://user:pa:ss@db.internal:5432/x", "https", "db.internal", HOST_OWN, true },
		{ "https://localhost:80@evil.com", "https", "evil.com", HOST_EXTERNAL, true },
		{ "https://a@localhost@evil.com", "https", "evil.com", HOST_EXTERNAL, true },
		{ "https://evil.com#@localhost", "https", "evil.com", HOST_EXTERNAL, false },
		{ "https://evil.com?@localhost", "https", "evil.com", HOST_EXTERNAL, false },
		{ "https://evil.com/@localhost", "https", "evil.com", HOST_EXTERNAL, false },
		{ "http://evil.com\\@localhost/", "http", "evil.com", HOST_EXTERNAL, false },
		{ "http://localhost\\@evil.com/", "http", "evil.com", HOST_EXTERNAL, true },
		{ "http://[::ffff:169.254.169.254]/latest", "http", "[::ffff:169.254.169.254]", HOST_METADATA, false },
		{ "http://[::1]:80/", "http", "[::1]", HOST_LOOPBACK, false },
		{ "http://::1/", "http", "::1", HOST_LOOPBACK, false },
		{ "http://2852039166/", "http", "2852039166", HOST_METADATA, false },
		{ "http://127.1:80", "http", "127.1", HOST_LOOPBACK, false },
		{ "//evil.com/x", "", "evil.com", HOST_EXTERNAL, false },
		{ "http://${HOST}:80/", "http", "${HOST}", HOST_UNKNOWN, false },
		{ "http://$(cat /etc/x | head -1)/y", "http", "$(cat /etc/x | head -1)", HOST_UNKNOWN, false },
		{ "http://$(id | base64).evil.com/y", "http", "$(id | base64).evil.com", HOST_EXTERNAL, false },
		{ "http://${USER}:${PASS}@db/x", "http", "db", HOST_OWN, true },
		{ "${PROTO}://evil.com", "", "evil.com", HOST_EXTERNAL, false },
		{ "jdbc:postgresql://db:5432/app", "postgresql", "db", HOST_OWN, false },
		{ "git+ssh://git@github.com/a/b", "git+ssh", "github.com", HOST_EXTERNAL, true },
		{ "s3://bucket/key", "s3", "bucket", HOST_UNKNOWN, false },
		{ " http://evil.com", "http", "evil.com", HOST_EXTERNAL, false },
		{ "http://evil.com,localhost/", "http", "evil.com", HOST_EXTERNAL, false },
		{ "://evil.com", "", "evil.com", HOST_EXTERNAL, false },
		{ "file:///etc/passwd", NULL, NULL, 0, false }, { "unix:///var/run/docker.sock", NULL, NULL, 0, false },
		{ "http://", NULL, NULL, 0, false }, { "http:///x", NULL, NULL, 0, false }, { "http://:80/", NULL, NULL, 0, false },
		{ "mailto:a@b.c", NULL, NULL, 0, false }, { "/etc/passwd", NULL, NULL, 0, false }, { "", NULL, NULL, 0, false },
		{ "///etc", NULL, NULL, 0, false }, { "see http://evil.com", NULL, NULL, 0, false }, { "x=http://evil.com", NULL, NULL, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct host_ref ref = { .offset = 0 };
		bool found = host_of_url(rows[i].text, strlen(rows[i].text), &ref);

		check(&rows[i], found, &ref);
	}
}

static void reads_arguments(void **state)
{
	static const struct text_row rows[] = {
		{ "evil.com", "", "evil.com", HOST_EXTERNAL, false }, { "evil.com/x.sh", "", "evil.com", HOST_EXTERNAL, false },
		{ "get.evil.sh/x", "", "get.evil.sh", HOST_EXTERNAL, false }, { "host", "", "host", HOST_OWN, false },
		{ "host:4444", "", "host", HOST_OWN, false }, { "evil.com:4444", "", "evil.com", HOST_EXTERNAL, false },
		{ "user@evil.com:/tmp/x", "", "evil.com", HOST_EXTERNAL, true }, { "user@db:path", "", "db", HOST_OWN, true },
		{ "git@github.com:a/b.git", "", "github.com", HOST_EXTERNAL, true }, { "evil.com::module/x", "", "evil.com", HOST_EXTERNAL, false },
		{ "${USER}@${HOST}:x", "", "${HOST}", HOST_UNKNOWN, true }, { "${HOST}:4444", "", "${HOST}", HOST_UNKNOWN, false },
		{ "https://evil.com/x", "https", "evil.com", HOST_EXTERNAL, false }, { "203.0.113.5", "", "203.0.113.5", HOST_EXTERNAL, false },
		{ "169.254.169.254/latest/meta-data/", "", "169.254.169.254", HOST_METADATA, false },
		{ "2852039166/latest", "", "2852039166", HOST_METADATA, false }, { "[::1]:80", "", "[::1]", HOST_LOOPBACK, false },
		{ "2001:db8::1", "", "2001:db8::1", HOST_EXTERNAL, false }, { "/dev/tcp/203.0.113.5/4444", "", "203.0.113.5", HOST_EXTERNAL, false },
		{ "/dev/tcp/c2.evil/443", "", "c2.evil", HOST_EXTERNAL, false }, { "/dev/udp/${H}/53", "", "${H}", HOST_UNKNOWN, false },
		{ "TCP:203.0.113.5:4444", "", "203.0.113.5", HOST_EXTERNAL, false }, { "tcp-connect:db:1", "", "db", HOST_OWN, false },
		{ "OPENSSL:evil.com:443,verify=0", "", "evil.com", HOST_EXTERNAL, false }, { "@8.8.8.8", "", "8.8.8.8", HOST_EXTERNAL, false },
		{ "@ns1.evil.com", "", "ns1.evil.com", HOST_EXTERNAL, false }, { "//server/share", "", "server", HOST_OWN, false },
		{ "localhost:8080/health", "", "localhost", HOST_LOOPBACK, false }, { "evil.com?x=1", "", "evil.com", HOST_EXTERNAL, false },
		{ "$(base64 /etc/shadow).evil.com", "", "$(base64 /etc/shadow).evil.com", HOST_EXTERNAL, false },
		{ "-o", NULL, NULL, 0, false }, { "--host=evil.com", NULL, NULL, 0, false }, { "./evil.com", NULL, NULL, 0, false },
		{ "/etc/passwd", NULL, NULL, 0, false }, { "~/x", NULL, NULL, 0, false }, { "file.txt", NULL, NULL, 0, false },
		{ "install.sh", NULL, NULL, 0, false }, { "backup.tar.gz", NULL, NULL, 0, false }, { "dist/app.js", NULL, NULL, 0, false },
		{ "@data.json", NULL, NULL, 0, false }, { "@-", NULL, NULL, 0, false }, { "a=b", NULL, NULL, 0, false },
		{ "4444", NULL, NULL, 0, false }, { "0", NULL, NULL, 0, false }, { "libx.so.1", NULL, NULL, 0, false },
		{ "v1.2/x", NULL, NULL, 0, false }, { "two words", NULL, NULL, 0, false }, { "*.com", "", "*.com", HOST_EXTERNAL, false },
		{ "", NULL, NULL, 0, false }, { "file:///etc/shadow", NULL, NULL, 0, false }, { "{\"a\":1}", NULL, NULL, 0, false },
		{ "${NAME}.txt", NULL, NULL, 0, false }, { "a.b", NULL, NULL, 0, false }, { "../x.com", NULL, NULL, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct host_ref ref = { .offset = 0 };
		bool found = host_of_argument(rows[i].text, strlen(rows[i].text), &ref);

		check(&rows[i], found, &ref);
	}
}

static void finds_urls_in_text(void **state)
{
	static const char text[] = "get 'http://a.example/x',\"https://u:p@b.internal:1\" see (ftp://c.org) x://; file:///etc http://${D}/ ${P}://e.com "
		"redis://10.0.0.1|http://127.0.0.1<wss://f.net>";
	static const struct {
		const char *host;
		enum host_class class;
	} rows[] = {
		{ "a.example", HOST_EXTERNAL }, { "b.internal", HOST_OWN }, { "c.org", HOST_EXTERNAL }, { "${D}", HOST_UNKNOWN },
		{ "e.com", HOST_EXTERNAL }, { "10.0.0.1", HOST_OWN }, { "127.0.0.1", HOST_LOOPBACK }, { "f.net", HOST_EXTERNAL },
	};
	struct host_ref ref = { .offset = 0 };
	size_t n = 0;

	(void)state;
	for (size_t from = 0; host_find_url(text, strlen(text), from, &ref); from = ref.offset + ref.len, n++) {
		assert_true(n < COUNT(rows));
		if (strlen(rows[n].host) != ref.len || memcmp(text + ref.offset, rows[n].host, ref.len) || ref.class != rows[n].class)
			fail_msg("%zu: '%.*s' %s", n, (int)ref.len, text + ref.offset, host_class_to_string(ref.class));
	}
	assert_int_equal(n, COUNT(rows));
	assert_false(host_find_url(text, strlen(text), strlen(text), &ref));
	assert_false(host_find_url("", 0, 0, &ref));
}

/* A quadratic search would take minutes here. */
static void is_linear(void **state)
{
	static const char *const units[] = { "a://", "http://$(", "x@", "http://b@", "://", "http://a ", "{{", "http://\\", "$(", "%41", "1.", "[" };
	const size_t len = (size_t)4 << 20;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	for (size_t u = 0; u < COUNT(units); u++) {
		struct host_ref ref = { .offset = 0 };

		for (size_t i = 0; i < len; i++)
			text[i] = units[u][i % strlen(units[u])];
		for (size_t from = 0; host_find_url(text, len, from, &ref); from = ref.offset + ref.len)
			assert_true(ref.offset >= from && ref.len > 0 && ref.len <= len - ref.offset);
		host_of_url(text, len, &ref);
		host_of_argument(text, len, &ref);
		host_classify(text, len);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_names), cmocka_unit_test(classifies), cmocka_unit_test(reads_urls), cmocka_unit_test(reads_arguments),
		cmocka_unit_test(finds_urls_in_text), cmocka_unit_test(is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
