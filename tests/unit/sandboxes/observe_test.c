/* SPDX-License-Identifier: Apache-2.0
 * observe: what commands do in a jail is told: programs, connections, refused calls; and nothing is told of what is ordinary. */
#include "tests/unit/sandboxes/jail.h"

#include <errno.h>
#include <string.h>

enum { EVENTS_MAX = 30000 };

/* What was told of the last command, a line an event: "kind severity allowed program subject|detail value xcount". */
static struct strbuf told;
static struct {
	size_t n;
	enum sandbox_severity worst;
	uint64_t kinds[SANDBOX_EVENT_KINDS];
} seen;

static void note(void *arg, const struct sandbox_event *e)
{
	(void)arg;
	must(e->program && e->subject && e->detail && e->count && e->time_ns);
	seen.n++;
	seen.kinds[e->kind] += e->count;
	if (e->severity > seen.worst)
		seen.worst = e->severity;
	if (seen.n < EVENTS_MAX)
		strbuf_addf(&told, "%s %s %s %s %s|%s =%d x%llu pid %u of %u\n", sandbox_event_kind_to_string(e->kind),
			    sandbox_severity_to_string(e->severity), e->allowed ? "allowed" : "refused", e->program, e->subject,
			    e->detail, e->value, (unsigned long long)e->count, e->pid, e->parent);
}

static void forget(void)
{
	strbuf_clear(&told);
	memset(&seen, 0, sizeof(seen));
}

static bool is_told(const char *part)
{
	return strstr(told.buf, part) != NULL;
}

static void must_be_told(const char *part)
{
	if (!is_told(part))
		print_error("not told: %s\nbut:\n%s\n", part, told.buf);
	must(is_told(part));
}

static void open_observed(struct jail *j)
{
	jail_init(j);
	j->spec.observe = true;
	j->spec.limits.memory_bytes = 512 << 20;
	j->spec.limits.pids = 200;
	j->observer = note;
	jail_make(j);
	forget();
	must(j->controls.items[CONTROL_OBSERVATION].state == CONTROL_ENFORCED);
}

static void run(struct jail *j, const char *script)
{
	forget();
	jail_sh(j, script);
	if (getenv("SHOW"))
		print_message("%s\n%s%s%s", script, told.buf, j->out[0].buf, j->out[1].buf);
}

static void test_programs(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "/bin/echo 'it''s' \"it's\" a=1; exit 7");
	must(j.exit.end == SANDBOX_EXITED && j.exit.status == 7);
	must_be_told("exec info allowed sandbox-init /usr/bin/sh|sh -c '/bin/echo");
	must_be_told("exec info allowed sh /bin/echo|/bin/echo its 'it'\\''s' a=1 =0 x1");
	must_be_told("exit info allowed sh | =7 x1");
	must_be_told("exit info allowed echo | =0 x1");
	jail_run(&j, (const char *const[]){ "no-such-program", NULL });
	must(j.exit.end == SANDBOX_EXITED && j.exit.status == 127);
	must(strstr(j.out[1].buf, "cannot run 'no-such-program': No such file"));
	jail_run(&j, (const char *const[]){ "/etc", NULL });
	must(j.exit.end == SANDBOX_EXITED && j.exit.status == 126);
	jail_close(&j);
}

static void test_connections(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "exec 2>/dev/null; python3 -c '\n"
		"import socket\n"
		"def t(f):\n"
		"  try: f()\n"
		"  except OSError: pass\n"
		"s = socket.socket()\n"
		"t(lambda: s.connect((\"192.0.2.1\", 443)))\n"
		"t(lambda: s.connect((\"169.254.169.254\", 80)))\n"
		"t(lambda: s.connect((\"127.0.0.1\", 9)))\n"
		"u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		"t(lambda: u.sendto(b\"x\", (\"192.0.2.2\", 5000)))\n"
		"t(lambda: u.sendmsg([b\"x\"], [], 0, (\"192.0.2.3\", 5001)))\n"
		"s = socket.socket(socket.AF_INET6)\n"
		"t(lambda: s.connect((\"2001:db8::1\", 80)))\n"
		"t(lambda: s.connect((\"::ffff:192.0.2.9\", 80)))\n"
		"s = socket.socket(socket.AF_UNIX)\n"
		"t(lambda: s.connect(\"/run/docker.sock\"))\n"
		"t(lambda: s.connect(\"\\0name\"))\n'");
	must_be_told("connect info refused python3 192.0.2.1:443|tcp =0 x1");
	must_be_told("connect high refused python3 169.254.169.254:80|tcp");
	must_be_told("connect info allowed python3 127.0.0.1:9|tcp");
	must_be_told("send info refused python3 192.0.2.2:5000|udp");
	must_be_told("send info refused python3 192.0.2.3:5001|udp");
	must_be_told("connect info refused python3 [2001:db8::1]:80|tcp");
	must_be_told("connect info refused python3 192.0.2.9:80|tcp");
	must_be_told("connect high refused python3 unix:/run/docker.sock|stream");
	must_be_told("connect info allowed python3 unix:@name|stream");
	jail_close(&j);
}

static void test_refused_calls(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "mount -t proc proc /mnt; unshare -r true; unshare -pf true; echo done");
	must(!strcmp(j.out[0].buf, "done\n"));
	must_be_told("call critical refused mount mount|proc on /mnt, type proc, flags 0x");
	must_be_told("call high refused unshare unshare|CLONE_NEWUSER =1");
	must_be_told("call high refused unshare unshare|CLONE_NEWPID =1");
	jail_close(&j);
}

/* The same count: told once, and at the end how often. */
static void test_repeated(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "python3 -c '\nimport socket\nfor i in range(1000):\n  try: socket.socket(40, 1)\n  except OSError as e: n = e.errno\n"
		"print(n)'");
	must_be_told("call high refused python3 socket|AF_VSOCK, SOCK_STREAM, protocol 0 =38 x1 ");
	must_be_told("call high refused python3 socket|AF_VSOCK, SOCK_STREAM, protocol 0 =38 x999 ");
	must(seen.kinds[SANDBOX_EVENT_CALL] == 1000);
	must(!strcmp(j.out[0].buf, "38\n"));
	jail_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_refused_calls),
		cmocka_unit_test(test_repeated),
	};

	strbuf_init(&told, 16 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
