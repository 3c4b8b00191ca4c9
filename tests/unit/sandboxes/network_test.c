/* SPDX-License-Identifier: Apache-2.0
 * network: which addresses no sandbox may reach, which names an allow-list means, and how fast a bucket lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "sandboxes/network_private.h"

static void addresses(void **state)
{
	static const struct { const char *text; bool forbidden, with_private; } cases[] = {
		{ "203.0.113.10", false, false },   { "8.8.8.8", false, false },	   { "127.0.0.1", true, true },
		{ "127.255.255.254", true, true },  { "128.0.0.1", false, false },	   { "0.0.0.0", true, true },
		{ "10.0.0.1", true, false },	    { "172.15.255.255", false, false },	   { "172.16.0.1", true, false },
		{ "172.31.255.255", true, false },  { "172.32.0.1", false, false },	   { "192.168.1.1", true, false },
		{ "100.64.0.1", true, false },	    { "100.127.255.255", true, false },	   { "100.128.0.1", false, false },
		{ "169.254.169.254", true, true },  { "100.100.100.200", true, true },	   { "168.63.129.16", true, true },
		{ "198.18.0.2", true, true },	    { "198.19.255.255", true, true },	   { "198.20.0.1", false, false },
		{ "224.0.0.1", true, true },	    { "255.255.255.255", true, true },	   { "223.255.255.255", false, false },
		{ "2001:db8::1", false, false },    { "::", true, true },		   { "::1", true, true },
		{ "fe80::1", true, true },	    { "febf::1", true, true },		   { "fec0::1", true, true },
		{ "fd00::1", true, false },	    { "fd00:ec2::254", true, true },	   { "ff02::1", true, true },
		{ "::ffff:127.0.0.1", true, true }, { "::ffff:10.0.0.1", true, false },	   { "::ffff:8.8.8.8", false, false },
		{ "64:ff9b::a9fe:a9fe", true, true }, { "2002:a9fe:a9fe::1", true, true }, { "2002:808:808::1", false, false },
		{ "::7f00:1", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct network_address a = { .family = strchr(cases[i].text, ':') ? AF_INET6 : AF_INET };

		assert_int_equal(inet_pton(a.family, cases[i].text, a.bytes), 1);
		if ((network_forbidden(&a, false) != NULL) != cases[i].forbidden || (network_forbidden(&a, true) != NULL) != cases[i].with_private)
			fail_msg("%s", cases[i].text);
	}
}

static void names(void **state)
{
	static const struct sandbox_endpoint allow[] = {
		{ "Example.org", 443 }, { "example.ORG", 80 }, { "example.org", 443 }, { "*.example.org", 443 }, { "203.0.113.10", 80 },
	};
	static const struct { const char *asked, *found; } cases[] = {
		{ "example.org", "example.org" }, { "EXAMPLE.org", "example.org" }, { "example.org.", "example.org" },
		{ "a.example.org", "a.example.org" }, { "a.b.example.org", "a.b.example.org" }, { "aexample.org", NULL },
		{ "org", NULL }, { ".example.org", NULL }, { "a..example.org", NULL }, { "203.0.113.10", NULL }, { ".", NULL },
		{ "a\\046b.example.org", NULL }, { "", NULL },
	};
	struct network_plan *plan;
	struct error err = { 0 };
	bool full;

	(void)state;
	assert_int_equal(network_plan_make(&(struct sandbox_network){ .allow = allow, .allow_len = ARRAY_SIZE(allow) }, &plan, &err), 0);
	assert_int_equal(plan->names_len, 1 + NETWORK_WILDCARD_NAMES + 1);
	assert_int_equal(plan->ports_len, 2 + NETWORK_WILDCARD_NAMES + 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct network_name *n = network_plan_find(plan, cases[i].asked, &full);

		assert_false(full);
		if (!cases[i].found)
			assert_null(n);
		else
			assert_string_equal(n->name, cases[i].found);
	}
	/* two are taken above */
	for (int i = 2; i < NETWORK_WILDCARD_NAMES + 2; i++) {
		char name[64];
		const struct network_name *n, *again;

		snprintf(name, sizeof(name), "h%d.example.org", i);
		n = network_plan_find(plan, name, &full);
		assert_int_equal(n == NULL, i >= NETWORK_WILDCARD_NAMES);
		assert_int_equal(full, i >= NETWORK_WILDCARD_NAMES);
		again = network_plan_find(plan, name, &full);
		assert_ptr_equal(n, again);
	}
	free(plan);
}

/* Over a simulated second, asked every millisecond for more than there is. */
static void bucket(void **state)
{
	static const uint64_t rates[] = { 1000, 12345, 1000000, 125000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct network_bucket b = { .bytes_per_second = rates[i], .filled_ns = NS_PER_SEC };
		uint64_t again = CLOCK_NEVER, sum = 0;

		for (uint64_t ms = 0; ms <= 4000; ms++)
			sum += network_bucket_take(&b, 1 << 20, NS_PER_SEC + ms * NS_PER_MS, &again);
		assert_in_range(sum, rates[i] * 4 * 95 / 100, rates[i] * 4 * 105 / 100 + 1);
	}
}

static void rates_as_text(void **state)
{
	static const struct { uint64_t bits; const char *text; } cases[] = {
		{ 0, "0bps" }, { 999, "999bps" }, { 1000, "1kbps" }, { 1500, "1.5kbps" }, { 100000000, "100Mbps" }, { UINT64_C(2500000000), "2.5Gbps" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		bandwidth_format(&text, cases[i].bits);
		assert_string_equal(text.buf, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(names), cmocka_unit_test(bucket), cmocka_unit_test(rates_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
