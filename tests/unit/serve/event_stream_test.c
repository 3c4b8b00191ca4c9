/* SPDX-License-Identifier: Apache-2.0
 * Streams of events: what is sent, when, and in pieces of every size. */
#include "tests/unit/serve/v1_world.h"

#include "cmd/serve/event_line.h"
#include "cmd/serve/event_stream.h"
#include "runner/event.h"

#define START "{\"seq\":1,\"type\":\"run.start\",\"run_id\":\"r\"}\n"
#define OUT(step, stream, text) "{\"seq\":2,\"type\":\"step.output\",\"phase\":\"main\",\"step\":" #step ",\"stream\":\"" stream "\",\"text\":\"" text "\",\"bytes\":3}\n"
#define UNDO "{\"seq\":9,\"type\":\"step.output\",\"phase\":\"rollback\",\"step\":1,\"stream\":\"stdout\",\"text\":\"undone\"}\n"

/* What there is for now, in pieces of `max` bytes; *over: the stream has ended. */
static void pull(struct body_source *s, size_t max, struct strbuf *out, bool *over)
{
	autofree char *buf = xmalloc(max);
	ssize_t n;

	while ((n = s->read(s, buf, max)) > 0) {
		assert_true((size_t)n <= max);
		strbuf_add(out, buf, (size_t)n);
	}
	if (over)
		*over = n < 0;
}

static struct request *stream(struct world *w, const char *id, const char *rest, const char *headers)
{
	autofree char *head = xasprintf("GET /v1/runs/%s%s\n%s", id, rest, headers);
	struct request *rq = ask(w, head, NULL);

	if (rq->answer->status != 200 || !rq->answer->source)
		fail_msg("%s: %d %s", head, rq->answer->status, rq->answer->body.buf);
	return rq;
}

static char *all_of(struct world *w, const char *id, const char *rest, const char *headers, size_t max)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct request *rq = stream(w, id, rest, headers);
	bool over = false;

	while (!over)
		pull(rq->answer->source, max, &out, &over);
	request_free(rq);
	return strbuf_detach(&out);
}

static void is(struct world *w, const char *id, const char *rest, const char *headers, const char *wanted)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 17, 1000, 40000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		autofree char *got = all_of(w, id, rest, headers, sizes[i]);

		if (strcmp(got, wanted))
			fail_msg("%s in pieces of %zu:\n%s\nbut wanted\n%s", rest, sizes[i], got, wanted);
	}
}

/* ---- a line */

static void facts_of_lines(void **state)
{
	static const struct { const char *line, *type, *stream, *phase; unsigned int step; const char *text; } rows[] = {
		{ "{\"type\":\"run.start\"}", "run.start", "", "", 0, "" },
		{ OUT(12, "stderr", "a\\\"b"), "step.output", "stderr", "main", 12, "a\\\"b" },
		{ "{\"text\":\"before\",\"step\":3,\"type\":\"warning\"}", "warning", "", "", 3, "before" },
		{ "{\"x\":{\"type\":\"inner\",\"text\":\"no\",\"step\":9},\"type\":\"outer\"}", "outer", "", "", 0, "" },
		{ "{\"x\":[\"type\",{\"a\":\"}\"}],\"type\":\"after\"}", "after", "", "", 0, "" },
		{ "{\"type\":\"bad\\nword\"}", "", "", "", 0, "" },
		{ "{\"type\":\"a type that is much longer than any of ours\"}", "", "", "", 0, "" },
		{ "{\"type\":{\"type\":\"x\"},\"step\":\"7\",\"text\":null}", "", "", "", 0, "" },
		{ "{\"step\":99999999999999999999}", "", "", "", 0, NULL },
		{ "]]]]{{{\"", "", "", "", 0, "" },
		{ "", "", "", "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 1; piece < 9; piece += 3) {
			struct event_line l = { 0 };
			size_t len = strcspn(rows[i].line, "\n");

			for (size_t at = 0; at < len; at += piece)
				event_line_feed(&l, rows[i].line + at, piece < len - at ? piece : len - at);
			assert_string_equal(l.type, rows[i].type);
			assert_string_equal(l.stream, rows[i].stream);
			assert_string_equal(l.phase, rows[i].phase);
			if (!rows[i].text)
				continue;
			assert_int_equal(l.step, rows[i].step);
			assert_int_equal(l.text_end - l.text_at, strlen(rows[i].text));
			assert_memory_equal(rows[i].line + l.text_at, rows[i].text, strlen(rows[i].text));
		}
}

static void texts_are_decoded(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "plain", "plain" }, { "a\\nb\\t\\\\\\\"\\/\\b\\f\\r", "a\nb\t\\\"/\b\f\r" }, { "\\u00e4\\u20ac\\u0041", "\xc3\xa4\xe2\x82\xac" "A" },
		{ "\\ud83d\\ude00!", "\xf0\x9f\x98\x80!" }, { "\\ud83dx", "\xef\xbf\xbdx" }, { "\\ude00", "\xef\xbf\xbd" },
		{ "\\ud83d\\u0041", "\xef\xbf\xbd" "A" }, { "\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "\\q", "\xef\xbf\xbd" }, { "\\u12g4", "\xef\xbf\xbd" "12g4" }, { "\\u12", "\xef\xbf\xbd" }, { "end\\", "end\xef\xbf\xbd" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "", "" }, { "\\ud83d\\ude", "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 1; piece < 20; piece++) {	/* no piece may matter */
			autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
			size_t len = strlen(rows[i].in), at = 0, have = 0, used;
			char buf[8];

			while (at < len) {
				have = have + piece < len - at ? have + piece : len - at;
				strbuf_add(&out, buf, event_text_decode(rows[i].in + at, have, at + have == len, buf, sizeof(buf), &used));
				at += used;
				have -= used;
			}
			if (strcmp(out.buf, rows[i].out))
				fail_msg("'%s' in pieces of %zu is '%s'", rows[i].in, piece, out.buf);
		}
}

/* The form of our own events is what is looked for. */
static void our_events_are_understood(void **state)
{
	static const char wild[] = "say \"hi\"\n\t\x01\xf0\x9f\x98\x80\xff\\u0041\x1b[0m";
	json_auto_t *o = json_object();
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	struct event_line l = { 0 };
	char out[200];
	size_t used, n;

	(void)state;
	json_put_text(o, "type", event_type_to_string(EVENT_STEP_OUTPUT));
	json_put(o, "text", json_textn(wild, strlen(wild)));
	json_write(o, 0, &line);
	event_line_feed(&l, line.buf, line.len);
	assert_string_equal(l.type, "step.output");
	n = event_text_decode(line.buf + l.text_at, (size_t)(l.text_end - l.text_at), true, out, sizeof(out), &used);
	out[n] = '\0';
	assert_string_equal(out, "say \"hi\"\n\t\x01\xf0\x9f\x98\x80\xef\xbf\xbd\\u0041\x1b[0m");
}

/* ---- a run that has ended */

static void ended_run(struct world *w, char id[RUN_ROW_ID_SIZE], const char *events)
{
	run_begin(w, id);
	run_says(w, events);
	run_end(w, id);
}

static void lines_as_they_are(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];

	ended_run(w, id, START OUT(1, "stdout", "a\\n") UNDO "{\"torn\":");
	is(w, id, "/events", "", START OUT(1, "stdout", "a\\n") UNDO);
	is(w, id, "/events?follow=false&format=ndjson", "", START OUT(1, "stdout", "a\\n") UNDO);
	assert_int_equal(w->s.streams, 0);
	assert_null(w->s.events);
}

static void text_of_steps(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];

	ended_run(w, id, START OUT(1, "stdout", "one\\n") OUT(2, "stderr", "\\ud83d\\ude00\\u00e4") "{\"type\":\"warning\",\"text\":\"not this\"}\n"
		  OUT(1, "stdout", "") OUT(2, "stdout", "\\\"two\\\"") UNDO "not JSON\n\n");
	is(w, id, "/logs", "", "one\n\xf0\x9f\x98\x80\xc3\xa4\"two\"undone");
	is(w, id, "/logs?step=1", "", "one\n");
	is(w, id, "/logs?step=2&stream=stdout", "", "\"two\"");
	is(w, id, "/logs?stream=stderr", "", "\xf0\x9f\x98\x80\xc3\xa4");
	is(w, id, "/logs?step=rollback-1", "", "undone");
	is(w, id, "/logs?step=1&phase=rollback", "", "undone");
	is(w, id, "/logs?phase=rollback", "", "undone");
	is(w, id, "/logs?step=7&follow=true", "", "");
}

static void server_sent_events(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *whole = NULL, *rest = NULL, *head = NULL, *resumed = NULL, *query = NULL;
	struct request *rq;
	const char *end;

	ended_run(w, id, START OUT(1, "stdout", "a") "{\"no\":\"type\"}\n{\"torn\":");
	whole = all_of(w, id, "/events", "Accept: text/event-stream", 4000);
	head = xasprintf("retry: 2000\n\nid: %zu\nevent: run.start\ndata: " START "\nid: %zu\nevent: step.output\ndata: " OUT(1, "stdout", "a")
			 "\nid: %zu\ndata: {\"no\":\"type\"}\n\nid: end\nevent: end\ndata: {\"run_id\":\"%s\",", strlen(START),
			 strlen(START OUT(1, "stdout", "a")), strlen(START OUT(1, "stdout", "a") "{\"no\":\"type\"}\n"), id);
	assert_memory_equal(whole, head, strlen(head));
	end = whole + strlen(whole) - 2;
	assert_string_equal(end, "\n\n");
	assert_non_null(strstr(whole, "\"state\":\"ended\""));
	is(w, id, "/events?format=sse", "", whole);

	query = xasprintf("/events?format=sse&after=%zu", strlen(START));
	rest = all_of(w, id, query, "", 100);
	resumed = xasprintf("Last-Event-ID: %zu", strlen(START));	/* wins over what the address says */
	is(w, id, "/events?format=sse&after=0", resumed, rest);
	assert_null(strstr(rest, "run.start"));
	assert_non_null(strstr(rest, "step.output"));

	free(head);
	head = xasprintf("GET /v1/runs/%s/events\nLast-Event-ID: end\nAccept: text/event-stream", id);
	rq = ask(w, head, NULL);	/* so that a browser stops coming back */
	assert_int_equal(rq->answer->status, 204);
	request_free(rq);
}

static void wrong_questions(void **state)
{
	static const struct { const char *rest; int status; const char *part; } rows[] = {
		{ "/events?after=5", 400, "no event of this run" }, { "/events?after=x", 400, "no event of this run" }, { "/events?after=99999", 400, "?after" },
		{ "/events?after=18446744073709551616", 400, "no event" }, { "/events?after=-1", 400, "no event" }, { "/events?follow=maybe", 400, "neither" },
		{ "/events?format=xml", 400, "none of 'sse', 'ndjson'" }, { "/events?folow=true", 400, "did you mean 'follow'" },
		{ "/logs?step=0", 400, "no number of a step" }, { "/logs?step=rollback-", 400, "no number" }, { "/logs?stream=stdin", 400, "none of 'stdout'" },
		{ "/logs?phase=x&step=y&stream=z&follow=w&v=u", 400, "and 4 more" },
	};
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];

	ended_run(w, id, START);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *head = xasprintf("GET /v1/runs/%s%s", id, rows[i].rest);

		says(ask(w, head, NULL), rows[i].status, rows[i].part);
	}
	says(ask(w, "GET /v1/runs/r-aaaaaaaaaaaaaaaaaaaaaaaaaa/events", NULL), 404, "is known");
	says(ask(w, "GET /v1/runs/.hidden/logs", NULL), 400, "no id of a run");
	store_run_without_files(w->s.store, id, NULL);
	for (size_t i = 0; i < 2; i++) {
		autofree char *head = xasprintf("GET /v1/runs/%s/%s", id, i ? "events" : "logs");

		says(ask(w, head, NULL), 410, "are no more");
	}
	store_run_notify(w->s.store, "w-1.0.0", "other-1", "success", 5, NULL);
	says(ask(w, "GET /v1/runs/other-1/events", NULL), 404, "ran elsewhere");
	store_run_notify(w->s.store, "w-1.0.0", "other-2", "running", 5, NULL);
	says(ask(w, "GET /v1/runs/other-2/logs?follow=true", NULL), 404, "ran elsewhere");
}

/* ---- a run that goes on */

static void wait_until_pulled(struct world *w, struct request *rq, struct strbuf *out, const char *part)
{
	while (!strstr(out->buf, part)) {
		turn(w);
		pull(rq->answer->source, 7, out, NULL);
	}
}

static void what_grows_is_followed(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX), lines = STRBUF_INIT(STRBUF_NO_MAX), text = STRBUF_INIT(STRBUF_NO_MAX);
	struct request *sse, *ndjson, *logs;
	bool over;

	run_begin(w, id);
	sse = stream(w, id, "/events", "Accept: text/event-stream");
	ndjson = stream(w, id, "/events", "");
	logs = stream(w, id, "/logs?follow=true", "");
	assert_int_equal(w->s.streams, 3);
	pull(sse->answer->source, 50, &out, &over);
	assert_false(over);
	assert_string_equal(out.buf, "retry: 2000\n\n");
	run_says(w, START);
	wait_until_pulled(w, sse, &out, "run.start");
	run_says(w, "{\"type\":\"step.output\",\"text\":\"ha");
	for (int i = 0; i < 20; i++) {		/* half a line is none */
		turn(w);
		pull(sse->answer->source, 100, &out, &over);
		pull(logs->answer->source, 100, &text, &over);
	}
	assert_null(strstr(out.buf, "step.output"));
	assert_int_equal(text.len, 0);
	run_says(w, "lf\"}\n");
	wait_until_pulled(w, logs, &text, "half");
	wait_until_pulled(w, sse, &out, "half\"}\n\n");
	run_says(w, "{\"never\":\"whole\"");
	run_end(w, id);
	pull(sse->answer->source, 100, &out, &over);
	assert_true(over);
	assert_null(strstr(out.buf, "never"));
	assert_non_null(strstr(out.buf, "event: end\ndata: {\"run_id\""));
	pull(ndjson->answer->source, 100, &lines, &over);
	assert_true(over);
	assert_string_equal(lines.buf, START "{\"type\":\"step.output\",\"text\":\"half\"}\n");
	pull(logs->answer->source, 100, &text, &over);
	assert_true(over);
	assert_string_equal(text.buf, "half");
	request_free(sse);
	request_free(ndjson);
	request_free(logs);
	assert_int_equal(w->s.streams, 0);
	assert_null(w->s.events);
}

/* What was there when it was asked for, and no end that has not come. */
static void without_following(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct request *rq;
	const char *first;
	bool over;

	run_begin(w, id);
	run_says(w, START);
	while (strcmp(out.buf, START)) {
		strbuf_clear(&out);
		rq = stream(w, id, "/events?follow=false", "");
		pull(rq->answer->source, 30, &out, &over);
		assert_true(over);
		request_free(rq);
		turn(w);
	}
	rq = stream(w, id, "/events?follow=false&format=sse", "");
	run_says(w, START);
	for (int i = 0; i < 20; i++)
		turn(w);
	strbuf_clear(&out);
	pull(rq->answer->source, 30, &out, &over);
	assert_true(over);
	assert_null(strstr(out.buf, "event: end"));
	first = strstr(out.buf, "event: run.start");
	assert_non_null(first);
	assert_null(strstr(first + 1, "event: run.start"));	/* the second came later */
	request_free(rq);
	run_end(w, id);
}

/* Longer than every buffer on the way; what comes behind it is right, too. */
static void long_lines(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	const size_t units = 120000;
	autofree char *text = xmalloc(units * 12 + 1), *plain = xmalloc(units * 4 + 1), *got = NULL, *logs = NULL, *line = NULL;

	for (size_t i = 0; i < units; i++) {
		memcpy(text + 12 * i, "\\ud83d\\ude00", 12);
		memcpy(plain + 4 * i, "\xf0\x9f\x98\x80", 4);
	}
	text[12 * units] = plain[4 * units] = '\0';
	line = xasprintf("{\"type\":\"step.output\",\"step\":1,\"text\":\"%s\"}\n", text);
	run_begin(w, id);
	run_says(w, line);
	run_says(w, START);
	run_end(w, id);
	got = all_of(w, id, "/events", "", 30000);
	assert_int_equal(strlen(got), strlen(line) + strlen(START));
	assert_memory_equal(got, line, strlen(line));
	assert_string_equal(got + strlen(line), START);
	for (size_t max = 999; max < 30000; max *= 5) {
		free(logs);
		logs = all_of(w, id, "/logs", "", max);
		assert_int_equal(strlen(logs), strlen(plain));
		assert_memory_equal(logs, plain, strlen(plain));
	}
}

/* Streams share what they can, and take it with them. */
static void many_streams(void **state)
{
	enum { STREAMS = 1000 };
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	struct request *rq[STREAMS];
	int before = dup(0), after;

	close(before);
	run_begin(w, id);
	for (size_t i = 0; i < STREAMS; i++)
		rq[i] = stream(w, id, i % 3 ? "/events?format=sse" : i % 2 ? "/logs?follow=true" : "/events", "");
	after = dup(0);
	close(after);
	assert_true(after - before < 10);
	assert_int_equal(w->s.streams, STREAMS);
	run_says(w, START);
	for (size_t i = 0; i < STREAMS; i += 7) {	/* in no order */
		request_free(rq[i]);
		rq[i] = NULL;
	}
	turn(w);
	run_end(w, id);
	for (size_t i = STREAMS; i-- > 0; ) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		bool over;

		if (!rq[i])
			continue;
		pull(rq[i]->answer->source, 500, &out, &over);
		assert_true(over);
		request_free(rq[i]);
	}
	assert_int_equal(w->s.streams, 0);
	assert_null(w->s.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_lines),
		cmocka_unit_test(texts_are_decoded),
		cmocka_unit_test(our_events_are_understood),
		cmocka_unit_test_setup_teardown(lines_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(text_of_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(server_sent_events, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_questions, setup, teardown),
		cmocka_unit_test_setup_teardown(what_grows_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(without_following, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(many_streams, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
