/* SPDX-License-Identifier: Apache-2.0
 * httpd: what nobody gets more of than his share: time, connections, descriptors, memory; and the addresses it listens on. */
#include "tests/unit/serve/httpd_clients.h"

#include "cmd/serve/httpd_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define HOST "Host: x\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

/* ---- time */

static const struct httpd_limits hurried = { .connections = 3, .connections_per_address = 2, .head_bytes = 16 << 10,
					     .request_ns = NS_PER_SEC / 2, .idle_ns = NS_PER_SEC };

/* A byte now and then keeps nothing open. */
static void ends_drips(void **state)
{
	static const struct { const char *sent, *answer; } rows[] = {
		{ "", "" },
		{ "GET /a", "" },
		{ "GET /a HTTP/1.1\r\n" HOST "X-A: ", "" },
		{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n", "HTTP/1.1 408 " },
		{ CHUNKED "64\r\n", "HTTP/1.1 408 " },
	};

	(void)state;
	set_up_with(NULL, &hurried);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = clock_monotonic_ns();
		struct client c;

		client_open(&c);
		client_send(&c, rows[i].sent);
		while (!c.eof && !c.reset) {
			if (*rows[i].sent)
				send(c.fd, "a", 1, MSG_NOSIGNAL);
			run_for(NS_PER_SEC / 20);
			assert_true(clock_monotonic_ns() - before < PATIENCE_NS);
		}
		assert_true(clock_monotonic_ns() - before >= hurried.request_ns);
		if (*rows[i].answer)
			assert_memory_equal(c.got.buf, rows[i].answer, strlen(rows[i].answer));
		else
			assert_int_equal(c.got.len, 0);
		client_close(&c);
	}
	tear_down(NULL);
}

static void ends_the_idle(void **state)
{
	struct client c;

	(void)state;
	set_up_with(NULL, &hurried);
	client_open(&c);
	client_send(&c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	client_wait(&c, "hello");
	client_wait_end(&c);
	client_close(&c);
	tear_down(NULL);
}

/* Who asks for a large answer and does not read it. */
static void ends_who_does_not_read(void **state)
{
	uint64_t before = clock_monotonic_ns();
	struct client c;

	(void)state;
	set_up_with(NULL, &hurried);
	client_open(&c);
	loop_unwatch(c.watch);
	c.watch = NULL;
	client_send(&c, "GET /file HTTP/1.1\r\n" HOST "\r\nGET /file HTTP/1.1\r\n" HOST "\r\n");
	wait_for_dispatch(1);
	for (int i = 0; i < 200 && httpd_connections(t.httpd); i++)
		run_for(NS_PER_SEC / 10);
	assert_int_equal(httpd_connections(t.httpd), 0);
	assert_true(clock_monotonic_ns() - before >= hurried.idle_ns);
	client_close(&c);
	tear_down(NULL);
}

/* ---- numbers */

static void bounds_connections(void **state)
{
	struct httpd_limits limits = hurried;
	struct client c[3];

	(void)state;
	limits.request_ns = limits.idle_ns = PATIENCE_NS;
	set_up_with("127.0.0.1:0", &limits);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		client_connect(&c[i]);
	client_wait_end(&c[2]);		/* three may come, but not from one address */
	assert_memory_equal(c[2].got.buf, "HTTP/1.1 503 ", 13);
	assert_int_equal(strlen(strstr(c[2].got.buf, "\r\n\r\n") + 4), strtoul(strstr(c[2].got.buf, "Content-Length: ") + 16, NULL, 10));
	client_send(&c[1], "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	client_wait_end(&c[1]);
	client_close(&c[1]);
	client_close(&c[2]);
	run_for(NS_PER_SEC / 10);
	client_connect(&c[2]);		/* there is room again */
	client_send(&c[2], "GET / HTTP/1.1\r\n" HOST "\r\n");
	client_wait(&c[2], "hello");
	client_close(&c[2]);
	client_close(&c[0]);
	tear_down(NULL);
}

/* Every body may be taken, all of them together may not. */
static void bounds_all_bodies(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	struct client c[2];

	(void)state;
	set_up_with(NULL, &limits);
	t.httpd->bodies = BODIES_MAX - 5;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		client_open(&c[i]);
		client_send(&c[i], "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
		for (int n = 0; n < 1000 && t.httpd->bodies < BODIES_MAX - 3 + 2 * i; n++)
			run_for(NS_PER_SEC / 50);
	}
	client_send(&c[1], "cde");
	client_wait(&c[1], "HTTP/1.1 503 ");
	assert_non_null(strstr(c[1].got.buf, "Retry-After"));
	client_close(&c[1]);
	run_for(NS_PER_SEC / 20);
	client_send(&c[0], "cde");
	client_wait(&c[0], "abcde");
	client_close(&c[0]);
	assert_int_equal(t.httpd->bodies, BODIES_MAX - 5);
	t.httpd->bodies = 0;
	tear_down(NULL);
}

/* No descriptor is left: who comes is turned away or waits, nobody turns in circles, and afterwards everything goes on. */
static void survives_without_descriptors(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	struct client c[3];
	struct rlimit before, few;
	struct rusage start, end;
	int top;

	(void)state;
	set_up_with("127.0.0.1:0", &limits);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		client_connect(&c[i]);
	top = dup(0);
	close(top);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)top;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	getrusage(RUSAGE_SELF, &start);
	run_for(NS_PER_SEC);
	getrusage(RUSAGE_SELF, &end);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true((end.ru_utime.tv_sec - start.ru_utime.tv_sec) * 1000000 + end.ru_utime.tv_usec - start.ru_utime.tv_usec < 300000);
	assert_int_equal(httpd_connections(t.httpd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		if (c[i].eof)
			assert_memory_equal(c[i].got.buf, "HTTP/1.1 503 ", 13);
		client_close(&c[i]);
	}
	client_connect(&c[0]);
	client_send(&c[0], "GET / HTTP/1.1\r\n" HOST "\r\n");
	client_wait(&c[0], "hello");
	client_close(&c[0]);
	tear_down(NULL);
}

static size_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* A thousand streams to which nothing happens cost under 64 MiB and no time, whoever else is idle beside them. */
static void a_thousand_idle_streams(void **state)
{
	enum { STREAMS = 1000, OTHERS = 20 };
	const struct httpd_limits limits = HTTPD_LIMITS;
	autofree struct client *c = xcalloc(STREAMS + OTHERS, sizeof(*c));
	struct rlimit files;
	size_t before;
	uint64_t cpu;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * (STREAMS + OTHERS) + 300)
		skip();
	set_up_with(NULL, &limits);
	before = resident_bytes();
	for (size_t i = 0; i < STREAMS + OTHERS; i++) {
		client_open(&c[i]);
		client_send(&c[i], i < STREAMS ? "GET /stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer srt_0123456789012345678901234567890123456789\r\n\r\n" :
				   i % 2 ? "GET / HTTP/1.1\r\nHost: x\r\n\r\n" : "");
		if (i < STREAMS)
			client_wait(&c[i], "first ");
	}
	run_for(NS_PER_SEC / 5);
	print_message("1000 streams: %zu KiB\n", (resident_bytes() - before) >> 10);
	/* sanitizers keep what is freed */
	if (!getenv("ASAN_OPTIONS"))
		assert_true(resident_bytes() - before < 64 << 20);
	cpu = cpu_ns();
	assert_false(run_for(2 * NS_PER_SEC));
	assert_true(cpu_ns() - cpu < NS_PER_SEC / 5);
	for (size_t i = 0; i < STREAMS + OTHERS; i++)
		client_close(&c[i]);
	for (int n = 0; n < 200 && httpd_connections(t.httpd); n++)
		run_for(NS_PER_SEC / 20);
	assert_int_equal(httpd_connections(t.httpd), 0);
	assert_int_equal(t.closed, STREAMS);
	tear_down(NULL);
}

/* ---- addresses */

static void knows_addresses(void **state)
{
	static const struct { const char *text; bool good, loopback; } rows[] = {
		{ "127.0.0.1:8000", true, true }, { "127.1.2.3:0", true, true }, { "localhost:80", true, true }, { "[::1]:8000", true, true },
		{ "unix:/run/x.sock", true, true }, { "0.0.0.0:8000", true, false }, { "[::]:1", true, false }, { "10.0.0.1:65535", true, false },
		{ "", false, false }, { ":80", false, false }, { "127.0.0.1", false, false }, { "127.0.0.1:", false, false },
		{ "127.0.0.1:65536", false, false }, { "127.0.0.1:8a", false, false }, { "::1:80", false, false }, { "[::1]", false, false },
		{ "[::1:80", false, false }, { "[127.0.0.1]:80", false, false }, { "example.com:80", false, false }, { "unix:", false, false },
		{ "unix:relative", false, false }, { "[]:80", false, false }, { "127.0.0.1:-1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };

		if ((httpd_address_check(rows[i].text, &err) == 0) != rows[i].good || httpd_address_is_loopback(rows[i].text) != rows[i].loopback)
			fail_msg("'%s': %s", rows[i].text, err.text);
		assert_int_equal(err.code, rows[i].good ? ERR_OK : ERR_USAGE);
	}
}

static void listens_on_unix_sockets(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	char dir[] = "/tmp/httpd_test.XXXXXX", address[64];
	struct httpd_address where = { .text = address };
	struct sockaddr_un dead = { .sun_family = AF_UNIX };
	struct error err = { 0 };
	struct httpd *second;
	struct client c;
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(address, sizeof(address), "unix:%s/s", dir);
	snprintf(dead.sun_path, sizeof(dead.sun_path), "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&dead, sizeof(dead)), 0);
	close(fd);	/* a dead server's */
	set_up_with(address, &limits);
	assert_string_equal(httpd_shown(t.httpd), address);
	assert_int_equal(stat(dead.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(httpd_open((struct service *)&t, t.loop, &where, &limits, &second, &err), -1);
	assert_non_null(strstr(err.text, "another server"));
	client_connect(&c);
	client_send(&c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	client_wait(&c, "hello");
	assert_true(t.peer.local);
	assert_int_equal(t.peer.uid, getuid());
	assert_int_equal(t.peer.pid, getpid());
	assert_string_equal(t.peer.address, "unix");
	client_close(&c);
	tear_down(NULL);
	assert_int_equal(stat(dead.sun_path, &st), -1);
	fd = open(dead.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(loop_new(&t.loop, NULL), 0);
	assert_int_equal(httpd_open((struct service *)&t, t.loop, &where, &limits, &second, &err), -1);
	assert_non_null(strstr(err.text, "no socket"));
	loop_free(t.loop);
	unlink(dead.sun_path);
	rmdir(dir);
}

/* Children are started by the service: nothing may reach them. */
static void nothing_is_inherited(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	DIR *dir = opendir("/proc/self/fd");
	bool had[256] = { false };
	struct dirent *e;
	struct client c;

	(void)state;
	assert_non_null(dir);
	for (int fd = 0; fd < 256; fd++)
		had[fd] = fcntl(fd, F_GETFD) >= 0;
	set_up_with("127.0.0.1:0", &limits);
	client_connect(&c);
	client_send(&c, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	client_wait(&c, "first ");
	while ((e = readdir(dir))) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (e->d_name[0] != '.' && (fd >= 256 || !had[fd]))
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	}
	closedir(dir);
	client_close(&c);
	tear_down(NULL);
}

static void stops_accepting(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	struct client c;

	(void)state;
	set_up_with("127.0.0.1:0", &limits);
	client_connect(&c);
	run_for(NS_PER_SEC / 20);
	httpd_stop_accepting(t.httpd);
	client_send(&c, "GET / HTTP/1.1\r\n" HOST "\r\n");	/* who is in is served once more */
	client_wait_end(&c);
	assert_non_null(strstr(c.got.buf, "hello"));
	client_close(&c);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_drips), cmocka_unit_test(ends_the_idle), cmocka_unit_test(ends_who_does_not_read),
		cmocka_unit_test(bounds_connections), cmocka_unit_test(bounds_all_bodies),
		cmocka_unit_test(survives_without_descriptors), cmocka_unit_test(a_thousand_idle_streams),
		cmocka_unit_test(knows_addresses), cmocka_unit_test(listens_on_unix_sockets), cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(stops_accepting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
