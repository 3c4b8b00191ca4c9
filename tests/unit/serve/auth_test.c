/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/auth_private.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define DIGEST_OF_ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST_OF_EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* ---- the file */

/* A text whose digest has the last byte of that of "abc"; or "abc". */
static const char *like_abc(bool exactly)
{
	static char text[16];
	char digest[DIGEST_HEX_SIZE];
	int i = 0;

	if (exactly)
		return "abc";
	do {
		snprintf(text, sizeof(text), "%d", i++);
		sha256_hex(text, strlen(text), digest);
	} while (strcmp(digest + 62, "ad"));
	return text;
}

static void reads_tokens(void **state)
{
	static const char text[] = "# comment\n\n"
				   "ci-main   read,validate,dry-run   " DIGEST_OF_ABC "  2027-01-31\r\n"
				   "\tops admin\t" DIGEST_OF_EMPTY;
	struct token_list list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(token_list_parse(text, strlen(text), "tokens", &list, &err), 0);
	assert_int_equal(list.len, 2);
	assert_string_equal(list.items[0].identity.name, "ci-main");
	assert_int_equal(list.items[0].identity.scopes, SCOPE_READ | SCOPE_VALIDATE | SCOPE_DRY_RUN);
	assert_true(list.items[0].expires_ns == UINT64_C(1801440000) * NS_PER_SEC);	/* the end of that day */
	assert_int_equal(list.items[1].identity.scopes, SCOPE_ADMIN);
	assert_true(list.items[1].expires_ns == UINT64_MAX);
	assert_ptr_equal(token_list_find(&list, "abc"), &list.items[0]);
	assert_ptr_equal(token_list_find(&list, ""), &list.items[1]);
	assert_null(token_list_find(&list, "abcd"));
	assert_null(token_list_find(&list, "ABC"));
	assert_non_null(token_list_find(&list, like_abc(true)));
	assert_null(token_list_find(&list, like_abc(false)));
	token_list_release(&list);
}

static void says_where_a_line_is_wrong(void **state)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "a read\n", "t:1: a line has a name" },
		{ "\n#\na read sha256:00 2027-01-01\n", "t:3: the third word" },
		{ "a read md5:900150983cd24fb0d6963f7d28e17f72", "t:1: the third word" },
		{ "a read sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015aD", "t:1: the digest" },
		{ "a READ " DIGEST_OF_ABC, "t:1: 'READ' is no scope" },
		{ "a read, " DIGEST_OF_ABC, "t:1: '' is no scope" },
		{ "a ,read " DIGEST_OF_ABC, "t:1: '' is no scope" },
		{ "a/b read " DIGEST_OF_ABC, "t:1: 'a/b' cannot be the name" },
		{ "anonymous read " DIGEST_OF_ABC, "t:1: 'anonymous' cannot be the name" },
		{ "a\x1b[1m read " DIGEST_OF_ABC, "t:1: 'a\\x1b[1m' cannot be the name" },
		{ "uid:0 admin " DIGEST_OF_ABC, "t:1: 'uid:0' cannot be the name" },
		{ "a123456789a123456789a123456789a123456789a123456789a123456789a123 read " DIGEST_OF_ABC, "cannot be the name" },
		{ "a read " DIGEST_OF_ABC " 2027-02-29", "t:1: '2027-02-29' is no date" },
		{ "a read " DIGEST_OF_ABC " 2027-1-01", "is no date" },
		{ "a read " DIGEST_OF_ABC " 2027-01-0x", "is no date" },
		{ "a read " DIGEST_OF_ABC " +027-01-01", "is no date" },
		{ "a read " DIGEST_OF_ABC " 1066-01-01", "is no date" },
		{ "a read " DIGEST_OF_ABC " 2027-01-01 more", "t:1: there is more than" },
		{ "a read " DIGEST_OF_ABC "\na admin " DIGEST_OF_EMPTY, "t:2: the name 'a' is there twice" },
		{ "a read " DIGEST_OF_ABC "\nb admin " DIGEST_OF_ABC, "t:2: 'a' and 'b' are the same token" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token_list list = { 0 };
		struct error err = { 0 };

		assert_int_equal(token_list_parse(rows[i].text, strlen(rows[i].text), "t", &list, &err), -1);
		if (!strstr(err.text, rows[i].says))
			fail_msg("'%s' said '%s', not '%s'", rows[i].text, err.text, rows[i].says);
		assert_null(list.items);
	}
}

static void refuses_nul_bytes(void **state)
{
	struct token_list list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(token_list_parse("#\0a", 3, "t", &list, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));
}

static void makes_what_it_reads(void **state)
{
	autostrbuf struct strbuf token = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf other = STRBUF_INIT(STRBUF_NO_MAX);
	struct token_list list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(token_make("ci", SCOPE_READ | SCOPE_ADMIN, "2999-12-31", &token, &line, &err), 0);
	assert_int_equal(token_make("b", SCOPE_READ, NULL, &other, &line, &err), 0);
	assert_int_equal(token.len, 47);
	assert_int_equal(strspn(token.buf, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 47);
	assert_string_not_equal(token.buf, other.buf);
	assert_int_equal(token_list_parse(line.buf, line.len, "t", &list, &err), 0);
	assert_string_equal(token_list_find(&list, token.buf)->identity.name, "ci");
	assert_int_equal(token_list_find(&list, token.buf)->identity.scopes, SCOPE_READ | SCOPE_ADMIN);
	assert_string_equal(token_list_find(&list, other.buf)->identity.name, "b");
	token_list_release(&list);
	assert_int_equal(token_make("ci", SCOPE_READ, "2001-01-01", &token, &line, &err), -1);
	assert_int_equal(token_make("c i", SCOPE_READ, NULL, &token, &line, &err), -1);
}

/* ---- who may */

struct fixture {
	char folder[64], path[128];
	struct auth *auth;
};

static void write_tokens(struct fixture *f, const char *text, mode_t mode)
{
	struct error err = { 0 };

	assert_int_equal(file_write_atomic(f->path, text, strlen(text), mode, &err), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/auth_test.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/tokens", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	auth_close(f->auth);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static struct request *request_with(const char *authorization)
{
	struct request *rq = request_new("GET", "/v1/runs");

	if (authorization)
		pairs_add(&rq->headers, "authorization", authorization);
	return rq;
}

/* Status of the refusal, 200 for none. */
static int ask(struct auth *a, const char *authorization, unsigned int scopes, struct identity *who, const char *challenge)
{
	struct request *rq = request_with(authorization);
	struct response *r = auth_check(a, rq, scopes, who);
	int status = r ? r->status : 200;

	if (r && challenge) {
		const char *header = pairs_get_header(&r->headers, "WWW-Authenticate");

		assert_non_null(header);
		assert_non_null(strstr(header, challenge));
	}
	if (r)
		response_free(r);
	request_free(rq);
	return status;
}

static void everybody_may_without_tokens(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct identity who;

	assert_int_equal(auth_open(NULL, &f->auth, &err), 0);
	assert_false(auth_required(f->auth));
	assert_int_equal(ask(f->auth, NULL, SCOPE_ADMIN, &who, NULL), 200);
	assert_string_equal(who.name, "anonymous");
	assert_int_equal(who.scopes, SCOPE_READ | SCOPE_VALIDATE | SCOPE_DRY_RUN | SCOPE_ADMIN);
}

static void tokens_decide(void **state)
{
	static const struct { const char *authorization; unsigned int scopes; int status; const char *challenge; } rows[] = {
		{ NULL, SCOPE_READ, 401, "Bearer realm=\"sandbox_runner\"" },
		{ "", SCOPE_READ, 401, "Bearer realm" },
		{ "Basic YWJj", SCOPE_READ, 401, "Bearer realm" },
		{ "Bearerabc", SCOPE_READ, 401, "Bearer realm" },
		{ "Bearer ", SCOPE_READ, 401, "invalid_token" },
		{ "Bearer abd", SCOPE_READ, 401, "invalid_token" },
		{ "Bearer abc ", SCOPE_READ, 401, "invalid_token" },
		{ "Bearer abc", SCOPE_READ, 200, NULL },
		{ "bearer   abc", SCOPE_READ | SCOPE_ADMIN, 200, NULL },
		{ "Bearer abc", SCOPE_ADMIN, 403, "insufficient_scope\", scope=\"admin\"" },
		{ "Bearer abc", SCOPE_DRY_RUN | SCOPE_ADMIN, 403, "scope=\"dry-run admin\"" },
		{ "Bearer abc", 0, 200, NULL },
		{ "Bearer old", SCOPE_READ, 401, "expired" },
	};
	struct fixture *f = *state;
	struct error err = { 0 };
	struct identity who;
	char old[DIGEST_HEX_SIZE];
	autofree char *text = NULL;

	sha256_hex("old", 3, old);
	text = xasprintf("reader read,validate " DIGEST_OF_ABC "\nold read sha256:%s 2020-01-01\n", old);
	write_tokens(f, text, 0600);
	assert_int_equal(auth_open(f->path, &f->auth, &err), 0);
	assert_true(auth_required(f->auth));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (ask(f->auth, rows[i].authorization, rows[i].scopes, &who, rows[i].challenge) != rows[i].status)
			fail_msg("row %zu: '%s'", i, rows[i].authorization);
	assert_int_equal(ask(f->auth, "Bearer abc", SCOPE_ADMIN, &who, NULL), 403);
	assert_string_equal(who.name, "reader");	/* for the record of who tried */
	assert_int_equal(ask(f->auth, "Bearer abd", SCOPE_ADMIN, &who, NULL), 401);
	assert_string_equal(who.name, "");
}

static void our_own_user_may_use_the_socket(void **state)
{
	static const struct { int uid; int status; } rows[] = { { 0, 200 }, { -1, 200 }, { 54321, 401 } };
	struct fixture *f = *state;
	struct error err = { 0 };

	write_tokens(f, "a read " DIGEST_OF_ABC "\n", 0600);
	assert_int_equal(auth_open(f->path, &f->auth, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with(NULL);
		struct identity who;
		struct response *r;

		rq->peer = (struct peer){ .local = true, .uid = rows[i].uid < 0 ? geteuid() : (uid_t)rows[i].uid, .address = "unix" };
		r = auth_check(f->auth, rq, SCOPE_ADMIN, &who);
		assert_int_equal(r ? r->status : 200, rows[i].status);
		if (!r)
			assert_int_equal(strncmp(who.name, "uid:", 4), 0);
		else
			response_free(r);
		/* a uid means something over the socket only */
		rq->peer.local = false;
		r = auth_check(f->auth, rq, SCOPE_ADMIN, &who);
		assert_int_equal(r->status, 401);
		response_free(r);
		request_free(rq);
	}
}

static void refuses_a_file_that_others_reach(void **state)
{
	static const struct { mode_t mode; bool fine; } rows[] = {
		{ 0600, true }, { 0400, true }, { 0640, true }, { 0644, false }, { 0604, false }, { 0602, false }, { 0620, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct auth *a = NULL;

		write_tokens(f, "a read " DIGEST_OF_ABC "\n", rows[i].mode);
		assert_int_equal(auth_open(f->path, &a, &err), rows[i].fine ? 0 : -1);
		if (!rows[i].fine)
			assert_non_null(strstr(err.text, "chmod 600"));
		auth_close(a);
	}
	unlink(f->path);
	struct error err = { 0 };
	assert_int_equal(auth_open(f->path, &f->auth, &err), -1);
	assert_non_null(strstr(err.text, f->path));
	assert_int_equal(auth_open(f->folder, &f->auth, &err), -1);
}

/* The file is looked at once a second. */
static int eventually(struct auth *a, const char *authorization, int status)
{
	struct identity who;
	int is = 0;

	for (int i = 0; i < 200 && is != status; i++) {
		is = ask(a, authorization, SCOPE_READ, &who, NULL);
		if (is != status)
			usleep(50000);
	}
	return is;
}

static void follows_the_file(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	write_tokens(f, "a read " DIGEST_OF_ABC "\n", 0600);
	assert_int_equal(auth_open(f->path, &f->auth, &err), 0);
	assert_int_equal(eventually(f->auth, "Bearer abc", 200), 200);
	write_tokens(f, "a read " DIGEST_OF_EMPTY "\n", 0600);
	assert_int_equal(eventually(f->auth, "Bearer abc", 401), 401);
	assert_int_equal(eventually(f->auth, "Bearer ", 200), 200);

	/* broken, open to others, gone: what held goes on to hold */
	write_tokens(f, "a read\n", 0600);
	usleep(1100000);
	assert_int_equal(eventually(f->auth, "Bearer ", 200), 200);
	write_tokens(f, "a read " DIGEST_OF_ABC "\n", 0666);
	usleep(1100000);
	assert_int_equal(eventually(f->auth, "Bearer ", 200), 200);
	unlink(f->path);
	usleep(1100000);
	assert_int_equal(eventually(f->auth, "Bearer ", 200), 200);

	write_tokens(f, "a read " DIGEST_OF_ABC "\n", 0600);
	assert_int_equal(eventually(f->auth, "Bearer abc", 200), 200);
	/* nobody is let in any more, which is what an empty file says */
	write_tokens(f, "", 0600);
	assert_int_equal(eventually(f->auth, "Bearer abc", 401), 401);
}

/* ---- how often */

static void buckets_leak(void **state)
{
	const struct rate_limit limit = { .per_second = 2, .burst = 5 };
	struct rate_table *t = rate_table_new();
	uint64_t now = NS_PER_SEC * 1000, wait;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(rate_table_take(t, "a", &limit, now) == 0);
	wait = rate_table_take(t, "a", &limit, now);
	assert_in_range(wait, NS_PER_SEC / 2, NS_PER_SEC / 2 + 2);
	assert_true(rate_table_take(t, "b", &limit, now) == 0);	/* not their fault */
	assert_true(rate_table_take(t, "a", &limit, now + wait) == 0);
	assert_true(rate_table_take(t, "a", &limit, now + wait) > 0);
	now += 3600 * NS_PER_SEC;	/* no more than the burst is saved up */
	for (int i = 0; i < 5; i++)
		assert_true(rate_table_take(t, "a", &limit, now) == 0);
	assert_true(rate_table_take(t, "a", &limit, now) > 0);
	rate_table_free(t);
}

static void many_addresses_take_no_memory_and_push_few_out(void **state)
{
	const struct rate_limit limit = { .per_second = 0.001, .burst = 1 };
	struct rate_table *t = rate_table_new();
	uint64_t now = NS_PER_SEC;
	int kept = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char key[32];

		snprintf(key, sizeof(key), "from %d", i);
		rate_table_take(t, key, &limit, ++now);
	}
	for (int i = 20000 - 500; i < 20000; i++) {	/* the latest ones are known still */
		char key[32];

		snprintf(key, sizeof(key), "from %d", i);
		kept += rate_table_take(t, key, &limit, now) > 0;
	}
	assert_true(kept > 450);
	rate_table_free(t);
}

static uint64_t rate(struct auth *a, const char *name, const char *address, const struct rate_limit *limit)
{
	struct identity who = { 0 };
	struct peer peer = { 0 };

	snprintf(who.name, sizeof(who.name), "%s", name);
	snprintf(peer.address, sizeof(peer.address), "%s", address);
	return auth_rate(a, &who, &peer, limit, NS_PER_SEC);
}

static void a_token_has_one_bucket_wherever_it_is_used(void **state)
{
	const struct rate_limit none = { 0 }, limit = { .per_second = 1, .burst = 1 };
	struct fixture *f = *state;
	struct error err = { 0 };

	assert_int_equal(auth_open(NULL, &f->auth, &err), 0);
	for (int i = 0; i < 10; i++)
		assert_true(rate(f->auth, "ci", "10.0.0.1", &none) == 0);
	assert_true(rate(f->auth, "ci", "10.0.0.1", &limit) == 0);
	assert_true(rate(f->auth, "ci", "10.0.0.2", &limit) > 0);
	assert_true(rate(f->auth, "ops", "10.0.0.1", &limit) == 0);
	assert_true(rate(f->auth, "anonymous", "10.0.0.1", &limit) == 0);
	assert_true(rate(f->auth, "anonymous", "10.0.0.1", &limit) > 0);
	assert_true(rate(f->auth, "", "10.0.0.1", &limit) > 0);
	assert_true(rate(f->auth, "anonymous", "10.0.0.2", &limit) == 0);
	/* who has one address of IPv6 has 2^64 */
	assert_true(rate(f->auth, "anonymous", "2001:db8:1:2::1", &limit) == 0);
	assert_true(rate(f->auth, "anonymous", "2001:db8:1:2:ffff::2", &limit) > 0);
	assert_true(rate(f->auth, "anonymous", "2001:db8:1:3::1", &limit) == 0);
	/* a name is no address */
	assert_true(rate(f->auth, "10.0.0.9", "10.0.0.8", &limit) == 0);
	assert_true(rate(f->auth, "anonymous", "10.0.0.9", &limit) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tokens),
		cmocka_unit_test(says_where_a_line_is_wrong),
		cmocka_unit_test(refuses_nul_bytes),
		cmocka_unit_test(makes_what_it_reads),
		cmocka_unit_test_setup_teardown(everybody_may_without_tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_decide, setup, teardown),
		cmocka_unit_test_setup_teardown(our_own_user_may_use_the_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_file_that_others_reach, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_the_file, setup, teardown),
		cmocka_unit_test(buckets_leak),
		cmocka_unit_test(many_addresses_take_no_memory_and_push_few_out),
		cmocka_unit_test_setup_teardown(a_token_has_one_bucket_wherever_it_is_used, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
