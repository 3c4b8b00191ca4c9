/* SPDX-License-Identifier: Apache-2.0
 * run_api_list: lists in pages. A cursor is opaque to clients: a version and where the page before ended. */
#include <string.h>

#include "cmd/serve/run_api.h"
#include "runner/base/base64.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500
#define CURSOR "1:"

/* ---- cursors and links */

static char *cursor_of(const char *at)
{
	autofree char *plain = xasprintf(CURSOR "%s", at);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	base64_encode(plain, strlen(plain), &text);
	while (text.len && text.buf[text.len - 1] == '=')
		text.buf[--text.len] = '\0';
	for (char *p = text.buf; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return strbuf_detach(&text);
}

/* NULL: none was given, or one that is none of ours, which is complained about. The caller frees. */
static char *read_cursor(struct complaints *c, const struct request *rq)
{
	const char *value = request_query(rq, "cursor");
	autostrbuf struct strbuf text = STRBUF_INIT(256), plain = STRBUF_INIT(256);

	if (!value)
		return NULL;
	for (const char *p = value; *p; p++)
		strbuf_addch(&text, *p == '-' ? '+' : *p == '_' ? '/' : *p);
	while (text.len % 4 && !text.overflow)
		strbuf_addch(&text, '=');
	if (!text.overflow && base64_decode(text.buf, text.len, &plain) == 0 && plain.len > strlen(CURSOR) && strlen(plain.buf) == plain.len &&
	    !strncmp(plain.buf, CURSOR, strlen(CURSOR)) && run_id_is_good(plain.buf + strlen(CURSOR)))
		return xstrdup(plain.buf + strlen(CURSOR));
	complain(c, "?cursor", "that is no cursor of ours; take it from 'next' or the Link header of the page before");
	return NULL;
}

static void add_escaped(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~", *s))
			strbuf_addch(out, *s);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)*s);
	}
}

/* The same question with another cursor. */
static void link_next(struct response *r, const struct request *rq, const char *path, const char *cursor)
{
	autostrbuf struct strbuf url = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&url, path);
	for (size_t i = 0; i < rq->query.len; i++) {
		if (!strcmp(rq->query.items[i].name, "cursor"))
			continue;
		strbuf_addch(&url, strchr(url.buf, '?') ? '&' : '?');
		add_escaped(&url, rq->query.items[i].name);
		strbuf_addch(&url, '=');
		add_escaped(&url, rq->query.items[i].value);
	}
	strbuf_addf(&url, "%ccursor=%s", strchr(url.buf, '?') ? '&' : '?', cursor);
	response_header(r, "Link", "<%s>; rel=\"next\"", url.buf);
}

static void reply_page(struct request *rq, const char *path, json_t *take_page, char *take_next)
{
	autofree char *cursor = take_next ? cursor_of(take_next) : NULL;
	struct response *r;

	json_put_text(take_page, "next", cursor);
	r = response_json(200, take_page);
	if (cursor)
		link_next(r, rq, path, cursor);
	free(take_next);
	request_reply(rq, r);
}

/* ---- runs */

struct page {
	json_t *runs;
	unsigned int limit;
	char *last;		/* owned: the id of the last one on the page */
	bool more;
};

static void add_run(void *data, const struct run_row *run)
{
	struct page *p = data;

	if (json_array_size(p->runs) == p->limit) {
		p->more = true;
		return;
	}
	json_push(p->runs, run_to_json(run));
	free(p->last);
	p->last = xstrdup(run->id);
}

static void reply_runs(struct service *s, struct request *rq, const struct run_filter *filter, unsigned int limit)
{
	struct page page = { .runs = json_array(), .limit = limit };
	struct error err = { 0 };
	uint64_t total = 0;
	json_t *o;

	if (store_run_list(s->store, filter, add_run, &page, &total, &err) < 0) {
		json_decref(page.runs);
		free(page.last);
		if (err.code == ERR_INVALID_INPUT)
			err.code = ERR_USAGE;	/* the run of the cursor is gone: a mistake of the client's, not of a package */
		reply_error(rq, &err);
		return;
	}
	if (!page.more) {
		free(page.last);
		page.last = NULL;
	}
	o = json_object();
	json_put(o, "runs", page.runs);
	json_put_int(o, "total", (int64_t)total);
	reply_page(rq, "/v1/runs", o, page.last);
}

void run_list(struct service *s, struct request *rq)
{
	static const char *const known[] = { "workflow", "state", "verdict", "origin", "limit", "cursor", NULL };
	static const char *const states[] = { "queued", "running", "ended", NULL };
	struct run_filter filter = { .workflow_id = request_query(rq, "workflow"), .verdict = request_query(rq, "verdict"),
				     .origin = request_query(rq, "origin") };
	struct complaints c = { NULL };
	unsigned int limit = LIMIT_DEFAULT;
	autofree char *after = NULL;

	complain_of_unknown_query(&c, rq, known);
	filter.state = query_word(&c, rq, "state", states);
	query_limit(&c, rq, LIMIT_MAX, &limit);
	after = read_cursor(&c, rq);
	filter.after = after;
	filter.limit = limit + 1;	/* one more tells whether there is another page */
	if (!complaints_reply(&c, rq))
		reply_runs(s, rq, &filter, limit);
}

/* ---- the audit log */

void audit_list(struct service *s, struct request *rq)
{
	static const char *const known[] = { "limit", "cursor", "after", NULL };
	struct complaints c = { NULL };
	struct error err = { 0 };
	unsigned int limit = LIMIT_DEFAULT;
	autofree char *cursor = NULL;
	uint64_t after = 0;
	json_t *records = NULL, *o;
	size_t n;

	complain_of_unknown_query(&c, rq, known);
	query_limit(&c, rq, LIMIT_MAX, &limit);
	if (!request_query_number(rq, "after", 0, INT64_MAX, &after))
		complain(&c, "?after", "'%.40s' is no number of a record", request_query(rq, "after"));
	cursor = read_cursor(&c, rq);
	if (cursor && integer_parse(cursor, strlen(cursor), 0, INT64_MAX, &after, &err) < 0)
		complain(&c, "?cursor", "that is no cursor of this list");
	if (complaints_reply(&c, rq))
		return;
	if (store_audit_list(s->store, after, limit, &records, &err) < 0) {
		reply_error(rq, &err);
		return;
	}
	n = json_array_size(records);
	o = json_object();
	json_put(o, "records", records);
	reply_page(rq, "/v1/audit", o, n < limit ? NULL
		   : xasprintf("%lld", (long long)json_integer_value(json_object_get(json_array_get(records, n - 1), "sequence"))));
}
