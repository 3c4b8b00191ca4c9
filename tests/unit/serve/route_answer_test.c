/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/serve/route_fixture.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* ---- ids */

static void takes_ids_that_are_plain_words(void **state)
{
	static const struct { const char *sent; bool taken; } rows[] = {
		{ "abc-123_X.y", true },
		{ "a23456789012345678901234567890123456789012345ab", true },	/* 47 */
		{ "a23456789012345678901234567890123456789012345abc", false },
		{ "", false }, { "a b", false }, { "a\"b", false }, { "a/b", false }, { "a\nb", false }, { "\xc3\xa4", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with("GET", "/", NULL);

		pairs_add(&rq->headers, "x-request-id", rows[i].sent);
		route_identify(rq);
		if (rows[i].taken) {
			assert_string_equal(rq->id, rows[i].sent);
		} else {
			assert_int_equal(strlen(rq->id), 32);
			assert_int_equal(strspn(rq->id, "0123456789abcdef"), 32);
		}
		request_free(rq);
	}
}

static void traces_go_on(void **state)
{
	static const struct { const char *sent; bool taken; char flag; } rows[] = {
		{ PARENT, true, '1' },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", true, '0' },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true, '1' },
		{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, '1' },
		{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true, '1' },
		{ "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x", false, 0 },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false, 0 },
		{ "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, 0 },
		{ "00-00000000000000000000000000000000-b7ad6b7169203331-01", false, 0 },
		{ "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false, 0 },
		{ "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, 0 },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false, 0 },
		{ "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false, 0 },
		{ "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false, 0 },
		{ "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, 0 },
		{ "", false, 0 }, { "00", false, 0 }, { "00-", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = request_with("GET", "/", NULL);

		pairs_add(&rq->headers, "Traceparent", rows[i].sent);
		route_identify(rq);
		if (rows[i].taken != !!rq->trace[0])
			fail_msg("%s", rows[i].sent);
		if (rows[i].taken) {
			assert_int_equal(strlen(rq->trace), 55);
			assert_memory_equal(rq->trace, PARENT, 36);	/* the trace is the same, the span another */
			assert_memory_not_equal(rq->trace + 36, &PARENT[36], 16);
			assert_int_equal(strspn(rq->trace + 36, "0123456789abcdef"), 16);
			assert_memory_equal(rq->trace + 52, "-0", 2);
			assert_int_equal(rq->trace[54], rows[i].flag);
		}
		request_free(rq);
	}
}

/* ---- the way out */

static json_t *answer_json(const struct request *rq)
{
	struct error err = { 0 };
	json_t *value = NULL;

	assert_non_null(rq->answer);
	if (json_parse(rq->answer->body.buf, rq->answer->body.len, "answer", &value, &err) < 0)
		fail_msg("%s", err.text);
	return value;
}

static const char *answer_header(const struct request *rq, const char *name)
{
	return pairs_get_header(&rq->answer->headers, name);
}

static void answers_get_their_headers(void **state)
{
	struct fixture *f = *state;
	struct request *rq = request_with("GET", "/v1/nothing?token=secret", "X-Request-Id: me|traceparent: " PARENT);
	json_auto_t *problem = NULL;

	rq->service = &f->s;
	request_reply(rq, response_problem(404, "not_found", NULL, "nothing is here"));
	assert_string_equal(answer_header(rq, "X-Request-Id"), "me");
	assert_memory_equal(answer_header(rq, "traceparent"), PARENT, 36);
	assert_string_equal(answer_header(rq, "X-Content-Type-Options"), "nosniff");
	assert_string_equal(answer_header(rq, "Cache-Control"), "no-store");
	assert_string_equal(answer_header(rq, "Referrer-Policy"), "no-referrer");
	assert_non_null(strstr(answer_header(rq, "Content-Security-Policy"), "default-src 'none'"));
	problem = answer_json(rq);
	assert_string_equal(json_string_value(json_object_get(problem, "instance")), "/v1/nothing");
	assert_string_equal(json_string_value(json_object_get(problem, "request_id")), "me");
	assert_string_equal(json_string_value(json_object_get(problem, "detail")), "nothing is here");
	request_free(rq);
}

static void what_a_handler_has_set_stays(void **state)
{
	struct fixture *f = *state;
	struct request *rq = request_with("GET", "/page/x.js", NULL);
	struct response *r = response_text(200, "text/javascript", "x", 1);

	rq->service = &f->s;
	response_header(r, "Cache-Control", "no-cache");
	response_header(r, "Content-Security-Policy", "default-src 'self'");
	request_reply(rq, r);
	assert_string_equal(answer_header(rq, "Cache-Control"), "no-cache");
	assert_string_equal(answer_header(rq, "Content-Security-Policy"), "default-src 'self'");
	assert_null(answer_header(rq, "traceparent"));
	assert_int_equal(strlen(answer_header(rq, "X-Request-Id")), 32);
	assert_string_equal(rq->answer->body.buf, "x");
	request_free(rq);
}

/* ---- idempotency keys */

static void handle_count(struct service *s, struct request *rq)
{
	struct response *r;

	s->streams++;	/* a count of calls that is at hand */
	if (rq->body.len && !strcmp(rq->body.buf, "later"))
		return;
	if (rq->body.len && !strcmp(rq->body.buf, "fail")) {
		request_reply(rq, response_problem(503, "no", NULL, "not now"));
		return;
	}
	r = response_json(202, json_pack("{s:i}", "call", (int)s->streams));
	if (rq->body.len && !strcmp(rq->body.buf, "large"))
		for (int i = 0; i < 1 << 21; i++)
			strbuf_addch(&r->body, ' ');
	response_header(r, "Location", "/v1/runs/r-%u", s->streams);
	request_reply(rq, r);
}

static const struct route counting = { "POST", "/v1/runs/{run_id}/count", "count", SCOPE_DRY_RUN, ROUTE_CHANGES, 1000, handle_count };

static struct request *dispatch(struct service *s, const char *target, const char *who, const char *key, const char *body)
{
	struct request *rq = request_with("POST", target, NULL);

	if (key)
		pairs_add(&rq->headers, "Idempotency-Key", key);
	rq->service = s;
	rq->route = &counting;
	rq->params[0] = "r-1";
	snprintf(rq->identity.name, sizeof(rq->identity.name), "%s", who);
	strbuf_addstr(&rq->body, body);
	route_identify(rq);
	route_dispatch(s, rq);
	return rq;
}

static void same_key_same_answer(void **state)
{
	static const struct { const char *target, *who, *key, *body; int status; const char *location; bool replayed; } rows[] = {
		{ "/a", "ci", "k1", "1", 202, "/v1/runs/r-1", false },
		{ "/a", "ci", "k1", "1", 202, "/v1/runs/r-1", true },
		{ "/a", "ci", "\"k1\"", "1", 202, "/v1/runs/r-1", true },
		{ "/a", "ci", "k1", "2", 422, NULL, false },
		{ "/b", "ci", "k1", "1", 422, NULL, false },
		{ "/a?x", "ci", "k1", "1", 422, NULL, false },
		{ "/a", "ops", "k1", "1", 202, "/v1/runs/r-2", false },
		{ "/a", "ci", NULL, "1", 202, "/v1/runs/r-3", false },
		{ "/a", "ci", "k2", "1", 202, "/v1/runs/r-4", false },
		{ "/a", "ci", "", "1", 400, NULL, false },
		{ "/a", "ci", "\"\"", "1", 400, NULL, false },
		{ "/a", "ci", "k 1", "1", 400, NULL, false },
		{ "/a", "ci", "k\xc3\xa4", "1", 400, NULL, false },
		{ "/a", "ci", "k1", "1", 202, "/v1/runs/r-1", true },
		{ "/a", "ci", "large", "large", 202, "/v1/runs/r-5", false },
		{ "/a", "ci", "large", "large", 202, "/v1/runs/r-6", false },
		{ "/a", "ci", "fail", "fail", 503, NULL, false },
		{ "/a", "ci", "fail", "1", 202, "/v1/runs/r-8", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = dispatch(&f->s, rows[i].target, rows[i].who, rows[i].key, rows[i].body);

		if (rq->answer->status != rows[i].status)
			fail_msg("row %zu: %d %s", i, rq->answer->status, rq->answer->body.buf);
		if (rows[i].location)
			assert_string_equal(answer_header(rq, "Location"), rows[i].location);
		if (rows[i].replayed)
			assert_string_equal(answer_header(rq, "Idempotent-Replayed"), "true");
		else
			assert_null(answer_header(rq, "Idempotent-Replayed"));
		if (rows[i].replayed) {
			assert_string_equal(rq->answer->body.buf, "{\"call\":1}\n");
			assert_string_equal(answer_header(rq, "Content-Type"), "application/json");
		}
		/* its own id, also on an answer of before: one of each */
		int ids = 0;
		for (size_t h = 0; h < rq->answer->headers.len; h++)
			ids += !strcasecmp(rq->answer->headers.items[h].name, "X-Request-Id");
		assert_int_equal(ids, 1);
		assert_string_equal(answer_header(rq, "X-Request-Id"), rq->id);
		request_free(rq);
	}
}

static void a_long_key_is_refused(void **state)
{
	struct fixture *f = *state;
	char key[258];

	memset(key, 'k', 257);
	key[257] = '\0';
	for (int len = 255; len <= 256; len++) {
		key[len] = '\0';
		struct request *rq = dispatch(&f->s, "/a", "ci", key, "1");

		assert_int_equal(rq->answer->status, len == 255 ? 202 : 400);
		request_free(rq);
		key[len] = 'k';
	}
}

static void busy_until_answered_or_abandoned(void **state)
{
	struct fixture *f = *state;
	struct request *first = dispatch(&f->s, "/a", "ci", "k", "later"), *again;

	assert_null(first->answer);
	again = dispatch(&f->s, "/a", "ci", "k", "later");
	assert_int_equal(again->answer->status, 409);
	request_free(again);
	request_reply(first, response_json(200, json_object()));
	request_free(first);
	again = dispatch(&f->s, "/a", "ci", "k", "later");
	assert_int_equal(again->answer->status, 200);
	request_free(again);

	first = dispatch(&f->s, "/a", "ci", "gone", "later");
	route_abandon(&f->s, first);
	request_free(first);
	again = dispatch(&f->s, "/a", "ci", "gone", "1");
	assert_int_equal(again->answer->status, 202);
	request_free(again);
}

static void add_field(struct request *rq, const char *name, const char *value)
{
	struct form_field *field;

	ARRAY_GROW(rq->fields, rq->fields_len, rq->fields_alloc);
	field = &rq->fields[rq->fields_len++];
	*field = (struct form_field){ .name = xstrdup(name) };
	strbuf_init(&field->value, STRBUF_NO_MAX);
	strbuf_addstr(&field->value, value);
}

/* Fields and their values cannot be shifted into one another. */
static void digests_of_forms_differ(void **state)
{
	static const char *const forms[][4] = {
		{ "a", "b", "c", "d" }, { "a", "bc", "", "d" }, { "ab", "", "c", "d" }, { "a", "b", "d", "c" }, { "c", "d", "a", "b" },
	};
	char digests[ARRAY_SIZE(forms)][65];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct request *rq = request_with("POST", "/", NULL);

		add_field(rq, forms[i][0], forms[i][1]);
		add_field(rq, forms[i][2], forms[i][3]);
		route_digest(rq);
		memcpy(digests[i], rq->body_digest, 65);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[i], digests[k]);
		request_free(rq);
	}
}

/* ---- what is kept */

static void changes_are_recorded(void **state)
{
	struct fixture *f = *state;
	struct request *rq = dispatch(&f->s, "/v1/runs/r-1/count?token=secret", "ci", "k", "1");
	json_auto_t *list = NULL;
	struct error err = { 0 };
	const json_t *first, *data;

	request_free(rq);
	request_free(dispatch(&f->s, "/v1/runs/r-1/count?token=secret", "ci", "k", "1"));	/* replayed: no second record */
	request_free(dispatch(&f->s, "/", "", NULL, "1"));	/* nobody: no record */
	assert_int_equal(store_audit_list(f->s.store, 0, 100, &list, &err), 0);
	assert_int_equal(json_array_size(list), 1);
	first = json_array_get(list, 0);
	data = json_object_get(first, "event_data");
	assert_string_equal(json_string_value(json_object_get(first, "event_type")), "count");
	assert_string_equal(json_string_value(json_object_get(data, "path")), "/v1/runs/r-1/count");
	assert_int_equal(json_integer_value(json_object_get(data, "status")), 202);
	assert_string_equal(json_string_value(json_object_get(data, "body_sha256")),
			    "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
	autofree char *text = json_dumps(first, 0);
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "\"r-1\""));
	assert_non_null(strstr(text, "\"ci\""));
}

/* stderr of `body` */
static void with_stderr(struct fixture *f, int write_end, void (*body)(struct fixture *f))
{
	int saved = dup(STDERR_FILENO);

	f->s.quiet = false;
	dup2(write_end, STDERR_FILENO);
	body(f);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void send_hostile(struct fixture *f)
{
	struct request *rq = request_with("GET", "/v1/runs/\"},\x1b[31m%0a\xff?token=secret#x", "Authorization: Bearer secret");
	size_t body_max;

	request_reply(rq, route_accept(&f->s, rq, &body_max));
	request_free(rq);
}

static void logs_a_line(void **state)
{
	struct fixture *f = *state;
	autostrbuf struct strbuf line = STRBUF_INIT(1 << 16);
	json_auto_t *value = NULL;
	struct error err = { 0 };
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	with_stderr(f, ends[1], send_hostile);
	close(ends[1]);
	assert_int_equal(file_read_fd(ends[0], "log", &line, &err), 0);
	close(ends[0]);
	assert_ptr_equal(strchr(line.buf, '\n'), line.buf + line.len - 1);
	assert_null(strstr(line.buf, "secret"));
	assert_null(strchr(line.buf, '\x1b'));
	assert_int_equal(json_parse(line.buf, line.len, "log", &value, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(value, "status")), 421);
	assert_string_equal(json_string_value(json_object_get(value, "method")), "GET");
	assert_string_equal(json_string_value(json_object_get(value, "address")), "127.0.0.1");
}

static void send_many(struct fixture *f)
{
	autofree char *target = xmalloc(5000);

	memset(target, '\x01', 4999);
	target[0] = '/';
	target[4999] = '\0';
	for (int i = 0; i < 200; i++) {
		struct request *rq = request_with("GET", target, NULL);
		size_t body_max;

		request_reply(rq, route_accept(&f->s, rq, &body_max));
		request_free(rq);
	}
}

/* Nobody reads: we go on, whole lines come out, and what is missing is said. */
static void a_reader_that_stops_does_not_stop_us(void **state)
{
	struct fixture *f = *state;
	autostrbuf struct strbuf lines = STRBUF_INIT(1 << 20);
	struct error err = { 0 };
	int ends[2], n = 0;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	with_stderr(f, ends[1], send_many);
	assert_true(f->s.log_dropped > 0);
	close(ends[1]);
	assert_int_equal(file_read_fd(ends[0], "log", &lines, &err), 0);
	close(ends[0]);
	for (char *line = lines.buf, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
		json_auto_t *value = NULL;

		if (json_parse(line, (size_t)(end - line), "line", &value, &err) < 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(lines.buf[lines.len - 1], '\n');
	assert_int_equal((uint64_t)n + f->s.log_dropped, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_ids_that_are_plain_words),
		cmocka_unit_test(traces_go_on),
		cmocka_unit_test_setup_teardown(answers_get_their_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_handler_has_set_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(same_key_same_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_key_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(busy_until_answered_or_abandoned, setup, teardown),
		cmocka_unit_test(digests_of_forms_differ),
		cmocka_unit_test_setup_teardown(changes_are_recorded, setup, teardown),
		cmocka_unit_test_setup_teardown(logs_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_that_stops_does_not_stop_us, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
