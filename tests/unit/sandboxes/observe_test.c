/* SPDX-License-Identifier: Apache-2.0
 * observe: what commands do in a jail is told: programs, connections, refused calls; and nothing is told of what is ordinary. */
#include "tests/unit/sandboxes/observed.h"

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
	/* by a descriptor, and from no file at all */
	run(&j, "exec 5< /bin/echo; /proc/self/fd/5 five; exec /dev/fd/5 six");
	must_be_told("exec info allowed sh /usr/bin/echo|/proc/self/fd/5 five =0");
	must_be_told("exec info allowed sh /usr/bin/echo|/dev/fd/5 six =0");
	run(&j, "python3 -c 'import os\nf = os.memfd_create(\"x\")\nos.write(f, open(\"/bin/true\", \"rb\").read())\n"
		"os.execve(f, [\"a\", \"b\"], {})'");
	must_be_told("exec medium allowed python3 /memfd:x (deleted)|a b =0");
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

/* util-linux 2.39 and later would ask for fsopen(2) first */
#define MOUNT "LIBMOUNT_FORCE_MOUNT2=always mount "

static void test_refused_calls(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, MOUNT "-t proc proc /mnt; unshare -r true; unshare -pf true; echo done");
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

/* Where a step cannot write, and only where the attempt fails for that reason. */
static void test_writes(void **state)
{
	static const struct { const char *script, *told;	/* NULL: nothing */
	} rows[] = {
		{ "echo x > /usr/bin/x", "write medium refused sh /usr/bin/x|openat" },
		{ "echo x >> /etc/passwd", "write high refused sh /etc/passwd|openat" },
		{ "cd /usr/lib && mkdir new", "write medium refused mkdir /usr/lib/new|mkdir" },
		{ "cd /usr; cd lib; rm -f no-such ../bin/env", "write medium refused rm /usr/bin/env|unlinkat" },
		{ "mv /usr/bin/env " SANDBOX_WORKDIR "/env", "write medium refused mv /usr/bin/env|rename" },
		{ "ln -s " SANDBOX_WORKDIR "/x /usr/x", "write medium refused ln /usr/x|symlink" },
		{ "ln -s /etc e; echo x > e/hosts", "write medium refused sh /etc/hosts|openat" },
		{ "ln -s ../../etc/hosts f; cd /tmp; echo x >> " SANDBOX_WORKDIR "/f", "write medium refused sh /etc/hosts|openat" },
		{ "echo x > " SANDBOX_WORKDIR "/../usr/x", "write medium refused sh /usr/x|openat" },
		{ "chmod 777 /usr/bin/env", "write medium refused chmod /usr/bin/env|fchmodat" },
		{ "echo x > /proc/sys/kernel/core_pattern", "write critical refused sh /proc/sys/kernel/core_pattern|openat" },
		{ "echo 1 > /proc/self/oom_score_adj", "write low refused sh /proc/" },
		{ "exec 3< /etc/hosts; echo x > /proc/self/fd/3", "write medium refused sh /etc/hosts|openat" },
		{ "truncate -s 0 /usr/bin/env", "write medium refused truncate /usr/bin/env|openat" },
		{ "python3 -c 'import os; os.truncate(\"/usr/bin/env\", 0)'", "write medium refused python3 /usr/bin/env|truncate" },
		{ "mkfifo /usr/fifo", "write medium refused mkfifo /usr/fifo|mknod" },
		{ "mkdir -p /usr/lib " SANDBOX_WORKDIR "/a/b /tmp/c; mkdir /etc", NULL },
		{ "rm -f /usr/no-such-file; rmdir /usr/no-such; mv /nowhere/a b; chmod 1 /usr/no-such", NULL },
		{ "echo x > /no/such/folder/x; echo x > /dev/null; echo x > /dev/stderr; echo x > /dev/fd/2; : > /dev/full", NULL },
		{ "echo x > f; mv f /tmp; ln -s /tmp/f " SANDBOX_WORKDIR "/g; echo y > g; cp /tmp/f h; rm h g; touch -- '..x' 'a..' a..b", NULL },
		{ "mkfifo p; (echo x > p &); cat p", NULL },
		{ "cat /etc/passwd > " SANDBOX_WORKDIR "/copy; cd /; ls -R usr/lib/python3 > /dev/null", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jail j;

		open_observed(&j);	/* a new one, for what a link made possible stays */
		run(&j, rows[i].script);
		if (rows[i].told)
			must_be_told(rows[i].told);
		else if (seen.kinds[SANDBOX_EVENT_WRITE])
			print_error("%s\n%s", rows[i].script, told.buf);
		must((seen.kinds[SANDBOX_EVENT_WRITE] != 0) == (rows[i].told != NULL));
		jail_close(&j);
	}
}

/* With a root of its own a step may write nearly everywhere, and that is no event; /proc stays read-only. */
static void test_writable_root(void **state)
{
	struct jail j;

	(void)state;
	jail_init(&j);
	j.spec.limits.memory_bytes = 512 << 20;	/* for the folders of the layer, and what a sanitizer takes */
	j.spec.observe = j.spec.writable_root = true;
	j.observer = note;
	jail_make(&j);
	forget();
	run(&j, "id -u; echo x > /usr/x && mkdir /etc/new && rm /etc/hosts && ln -s /etc " SANDBOX_WORKDIR "/e && "
		"echo y > " SANDBOX_WORKDIR "/e/z && cat /etc/z; "
		"echo 1 > /proc/sys/kernel/core_pattern");
	must(!strcmp(j.out[0].buf, "0\ny\n"));
	must(seen.kinds[SANDBOX_EVENT_WRITE] == 1);
	must_be_told("write critical refused sh /proc/sys/kernel/core_pattern|openat");
	run(&j, MOUNT "-t tmpfs x /mnt; unshare -U true; python3 -c 'import os; os.chroot(\"" SANDBOX_WORKDIR "\")'");
	must_be_told("call critical refused mount mount|x on /mnt, type tmpfs");
	must_be_told("call high refused python3 chroot|" SANDBOX_WORKDIR " =1");
	jail_close(&j);
}

static void test_names(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "getent ahosts www.example.org; python3 -c 'import socket\ntry: socket.gethostbyname(\"a.example\")\n"
		"except OSError as e: print(e)'");
	must_be_told("dns info refused  www.example.org|A =0 x");
	must_be_told("dns info refused  www.example.org|AAAA =0 x");
	must_be_told("dns info refused  a.example|A =0 x");
	must(strstr(j.out[0].buf, "failure in name resolution"));
	must(!is_told(":53|udp") && !is_told("nscd"));
	must(j.exit.duration_ns < 2 * NS_PER_SEC);
	jail_close(&j);
}

static void test_limits(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "for i in 1 2 3 4 5 6; do head -c 7000000 /dev/zero > /tmp/x$i; done 2> /dev/null");
	must_be_told("limit low refused  storage|");
	run(&j, "rm /tmp/x*; head -c 3000000 /dev/zero; echo");
	must_be_told("limit low refused  output|");
	must(seen.kinds[SANDBOX_EVENT_LIMIT] == 1);
	run(&j, "for i in $(seq 300); do sleep 2 & done 2> /dev/null");
	if (j.exit.pids_limit_hit)
		must_be_told("limit low refused  pids|");
	run(&j, "true");
	must(seen.kinds[SANDBOX_EVENT_LIMIT] == 0);
	jail_close(&j);
}

static void test_outlived(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	run(&j, "sleep 1000 & (setsid sleep 1001 &) ; sleep 0.1");
	must_be_told("outlived medium allowed sleep sleep| =0 x1");
	must(j.exit.outlived == 2 && seen.kinds[SANDBOX_EVENT_OUTLIVED] == 2);
	run(&j, "sleep 0.01 & wait");
	must(seen.kinds[SANDBOX_EVENT_OUTLIVED] == 0);
	/* ended by us: they did not choose to stay */
	j.timeout_ns = 100 * NS_PER_MS;
	run(&j, "sleep 1000 & sleep 1000");
	must(j.exit.end == SANDBOX_TIMED_OUT && seen.kinds[SANDBOX_EVENT_OUTLIVED] == 0);
	jail_close(&j);
}

/* What honest steps do is nobody's concern. Those that are not installed are left out. */
static void test_honest_programs(void **state)
{
	static const struct { const char *needs, *script;
	} rows[] = {
		{ "gcc", "echo '#include <stdio.h>\nint main(void) { return puts(\"hi\") < 0; }' > a.c; gcc -O2 -pipe a.c -o a && ./a && "
			 "gcc -g -c a.c && ar rcs liba.a a.o && ld -r a.o -o b.o && strip a && nm a.o" },
		{ "clang", "echo 'int main(void) { return 0; }' > a.c; clang a.c -o a && ./a" },
		{ "make", "printf 'all: a b\\na b:\\n\\ttouch $@\\n' > Makefile; make -j2; make -n all; rm Makefile a b" },
		{ "git", "git init -q r && cd r && git config user.email a@b && git config user.name a && echo x > x && git add x && "
			 "git commit -qm x && git log --stat && git branch y && git checkout -q y && git gc -q && git diff HEAD" },
		{ "python3", "python3 -c 'import json, subprocess, tempfile, threading, socket, ssl, ctypes, sqlite3, multiprocessing as m\n"
			     "print(subprocess.run([\"true\"]).returncode, tempfile.mkdtemp())\n"
			     "t = threading.Thread(target=print); t.start(); t.join()\n"
			     "if __name__ == \"__main__\":\n  p = m.Process(target=print); p.start(); p.join()'; "
			     "python3 -m venv --without-pip v && v/bin/python -c 'print(1)'" },
		{ "node", "node -e 'require(\"fs\").writeFileSync(\"f\", \"x\"); require(\"child_process\").execSync(\"true\"); "
			  "setTimeout(() => console.log(1), 10)'" },
		{ "curl", "curl -sS -m 2 http://example.org/; curl -sS -m 2 http://127.0.0.1:1/; curl --version; true" },
		{ "wget", "wget -q -T 2 -t 1 http://example.org/; true" },
		{ "apt", "apt --version; apt-config dump > /dev/null; dpkg --version; true" },
		{ "bash", "bash -c 'f() { echo $(( $1 + 1 )); }; for i in {1..5}; do f $i; done | tee log | sort | uniq -c; [[ -f log ]] && "
			  "mapfile -t a < log; echo ${#a[@]}; cat <<< text; cat <(echo 1); echo x 2>&1 >> log; trap : EXIT'" },
		{ "perl", "perl -MPOSIX -e 'open F, \">f\" or die; print F getpid; close F; system \"true\"; unlink \"f\"'" },
		{ "tar", "mkdir t; echo x > t/x; ln -s x t/y; tar czf t.tgz t; rm -r t; tar xzf t.tgz; gzip -kf t/x; find t | xargs ls -l; "
			 "cp -a t u; mv u w; rm -r t w; sed -i s/x/y/ t.tgz; chmod 600 t.tgz; install -m 755 t.tgz v; date; id; df; ps" },
		{ "openssl", "openssl rand -hex 8; openssl genrsa -out k 1024 2> /dev/null; openssl version" },
		{ "cmake", "cmake --version" }, { "go", "go version" }, { "java", "java -version" }, { "rustc", "rustc --version" },
		{ "ssh-keygen", "ssh-keygen -q -t ed25519 -N '' -f key; ssh -V" },
		{ "gdb", "gdb --version" }, { "kubectl", "kubectl version --client" },
		/* version 20 asks its daemon for that, too: not by the socket of the host */
		{ "docker", "DOCKER_HOST=tcp://127.0.0.1:1 docker --version" },
		{ "busctl", "busctl --version" }, { "systemctl", "systemctl --version" }, { "jq", "echo '{}' | jq ." },
	};
	struct jail j;

	(void)state;
	open_observed(&j);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char find[64];

		snprintf(find, sizeof(find), "command -v %s", rows[i].needs);
		jail_sh(&j, find);
		if (j.exit.status != 0)
			continue;
		run(&j, rows[i].script);
		if (seen.worst > SANDBOX_LOW || j.exit.status != 0)
			print_error("%s: %d\n%s%s", rows[i].needs, j.exit.status, told.buf, j.out[1].buf);
		must(seen.worst <= SANDBOX_LOW);
		must(j.exit.end == SANDBOX_EXITED && j.exit.status == 0);
		jail_sh(&j, "rm -rf " SANDBOX_WORKDIR "/* " SANDBOX_WORKDIR "/.[a-z]* /tmp/*");
	}
	jail_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_refused_calls),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_writable_root),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_outlived),
		cmocka_unit_test(test_honest_programs),
	};

	strbuf_init(&told, 16 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
