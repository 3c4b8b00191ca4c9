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
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "sandboxes/network_private.h"
#include "tests/unit/must.h"

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

/* A process with a network namespace of its own, as an engine would make it; its pid, and the namespace's inode. */
static pid_t somebody_elses(uint64_t *ret_inode)
{
	char path[64], c;
	struct stat st;
	int ready[2];
	pid_t pid;

	must(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		in_child = true;
		must(unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == 0);
		must(write(ready[1], "x", 1) == 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	must(pid > 0 && read(ready[0], &c, 1) == 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	must(stat(path, &st) == 0);
	*ret_inode = st.st_ino;
	return pid;
}

static void enters_what_was_meant(void **state)
{
	static const struct sandbox_endpoint allow[] = { { "example.org", 80 }, { "192.0.2.1", 443 }, { "2001:db8::1", 443 } };
	const struct sandbox_network network = { .allow = allow, .allow_len = ARRAY_SIZE(allow) };
	struct error err = { .text = "" };
	struct network_plan *plan;
	int socks[2], fds[NETWORK_FDS], port = 0;
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	struct stat own;
	uint64_t inode;
	pid_t pid = somebody_elses(&inode);

	(void)state;
	must(network_plan_make(&network, &plan, &err) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) == 0);
	must(stat("/proc/self/ns/net", &own) == 0);
	/* another than was said, and the one we are in */
	assert_int_equal(network_enter(plan, socks[1], pid, inode + 1, &err), -1);
	assert_int_equal(network_enter(plan, socks[1], getpid(), own.st_ino, &err), -1);
	assert_non_null(strstr(err.text, "no network namespace of its own"));
	if (network_enter(plan, socks[1], pid, inode, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(network_recv_fds(socks[0], fds, NETWORK_FDS), 1 + ARRAY_SIZE(allow));
	for (size_t i = 0; i < 1 + ARRAY_SIZE(allow); i++) {
		if (i == 2 && getsockname(fds[i], (struct sockaddr *)&at, &len) == 0 && at.sin_addr.s_addr == inet_addr("192.0.2.1"))
			port = ntohs(at.sin_port);
		close(fds[i]);
	}
	assert_int_equal(port, 443);
	kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0) == pid);
	assert_int_equal(network_enter(plan, socks[1], pid, inode, &err), -1);
	close(socks[0]);
	close(socks[1]);
	free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(names), cmocka_unit_test(bucket), cmocka_unit_test(rates_as_text),
		cmocka_unit_test(enters_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
