/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/run_json.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/printable.h"


/* ---- a run */

void json_put_when(json_t *o, const char *key, uint64_t wall_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(wall_ns, text);
	json_put_text(o, key, wall_ns ? text : NULL);
}

static void put_link(json_t *links, const char *name, const char *id, const char *rest)
{
	autofree char *path = xasprintf("/v1/runs/%s%s", id, rest);

	json_put_text(links, name, path);
}

static json_t *links_of(const struct run_row *r)
{
	static const char *const files[] = { "events", "logs", "result", "report", "package", "artifacts" };
	json_t *links = json_object();

	put_link(links, "self", r->id, "");
	for (size_t i = 0; r->files && i < ARRAY_SIZE(files); i++) {
		char rest[16] = "/";

		put_link(links, files[i], r->id, strncat(rest, files[i], sizeof(rest) - 2));
	}
	if (r->state != RUN_ENDED)
		put_link(links, "cancel", r->id, "/cancel");
	return links;
}

json_t *run_to_json(const struct run_row *r)
{
	json_t *o = json_object();
	bool ended = r->state == RUN_ENDED;

	json_put_text(o, "run_id", r->id);
	if (r->execution_id[0])
		json_put_text(o, "execution_id", r->execution_id);
	json_put_text(o, "state", run_state_to_string(r->state));
	json_put_text(o, "verdict", r->verdict);
	json_put_text(o, "detail", r->detail);
	json_put(o, "exit_status", ended && r->exit_status >= 0 ? json_integer(r->exit_status) : json_null());
	json_put_text(o, "origin", r->origin);
	json_put_text(o, "workflow_id", r->workflow_id);
	json_put_text(o, "workflow_name", r->workflow_name);
	json_put_text(o, "sha256", r->sha256);
	json_put_text(o, "sandbox", r->sandbox);
	json_put_text(o, "requested_by", r->requested_by);
	json_put_text(o, "request_id", r->request_id);
	json_put_when(o, "created", r->created_ns);
	json_put_when(o, "started", r->started_ns);
	json_put_when(o, "ended", r->ended_ns);
	json_put(o, "duration_ms", ended ? json_integer((json_int_t)r->duration_ms) : json_null());
	json_put(o, "summary", r->summary ? json_incref(r->summary) : json_null());
	json_put_bool(o, "files", r->files);
	json_put(o, "links", links_of(r));
	return o;
}

bool run_id_is_good(const char *id)
{
	size_t len = strlen(id);

	return len && len < RUN_ROW_ID_SIZE && id[0] != '.' && id[0] != '-' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == len;
}

bool run_find(struct service *s, struct request *rq, const char *id, struct run_row *ret)
{
	struct error err = { 0 };
	int rc;

	if (!run_id_is_good(id)) {
		autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

		printable_add_cut(&shown, id, strlen(id), 40);
		reply_problem(rq, 400, "invalid_run_id", "'%s' is no id of a run; ids look like 'r-ildmb7qc6b…' and are in the list of GET /v1/runs",
			      shown.buf);
		return false;
	}
	rc = store_run_get(s->store, id, ret, &err);
	if (rc < 0)
		reply_error(rq, &err);
	else if (!rc)
		reply_problem(rq, 404, "not_found", "no run '%s' is known", id);
	return rc > 0;
}

bool run_has_files(struct request *rq, const struct run_row *run)
{
	if (run->origin && !strcmp(run->origin, "notify"))
		reply_problem(rq, 404, "not_here", "run '%s' ran elsewhere: only its end is known here", run->id);
	else if (!run->files && run->state == RUN_ENDED)
		reply_problem(rq, 410, "files_removed", "the files of run '%s' are no more, only its record is", run->id);
	else
		return true;
	return false;
}

void requester_name(const struct request *rq, char *out, size_t size)
{
	snprintf(out, size, "%s@%s", rq->identity.name[0] ? rq->identity.name : "anonymous",
		 rq->peer.local ? "unix" : rq->peer.address[0] ? rq->peer.address : "?");
}

/* ---- what is wrong with a request */

void complain(struct complaints *c, const char *pointer, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1024), shown = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *o;
	va_list ap;

	if (!c->list)
		c->list = json_array();
	if (json_array_size(c->list) >= COMPLAINTS_MAX)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	printable_add(&shown, text.buf, text.len);
	o = json_object();
	json_put_text(o, "pointer", pointer);
	json_put(o, "detail", json_textn(shown.buf, shown.len));
	json_push(c->list, o);
}

void complaints_release(struct complaints *c)
{
	json_decref(c->list);
	c->list = NULL;
}

bool complaints_reply(struct complaints *c, struct request *rq)
{
	json_t *extra;
	const char *first;
	size_t n = json_array_size(c->list);

	if (!n)
		return false;
	extra = json_object();
	json_put(extra, "errors", json_incref(c->list));
	first = json_string_value(json_object_get(json_array_get(c->list, 0), "detail"));
	if (n == 1)
		request_reply(rq, response_problem(400, "invalid_request", extra, "%s", first));
	else
		request_reply(rq, response_problem(400, "invalid_request", extra, "%s (and %zu more, see errors)", first, n - 1));
	complaints_release(c);
	return true;
}

void complain_of_unknown_query(struct complaints *c, const struct request *rq, const char *const *known)
{
	size_t n = 0;

	while (known[n])
		n++;
	for (size_t i = 0; i < rq->query.len; i++) {
		const char *name = rq->query.items[i].name, *near;
		autofree char *pointer = xasprintf("?%.64s", name);
		size_t k = 0;

		while (k < n && strcmp(known[k], name))
			k++;
		if (k < n)
			continue;
		near = nearest(name, known, n);
		complain(c, pointer, "'%.64s' is nothing that can be asked for here%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
			 near ? "'?" : "");
	}
}

void query_flag(struct complaints *c, const struct request *rq, const char *name, bool *ret)
{
	const char *value = request_query(rq, name);
	autofree char *pointer = xasprintf("?%s", name);

	if (!value)
		return;
	if (!strcmp(value, "true") || !strcmp(value, "1") || !*value)
		*ret = true;
	else if (!strcmp(value, "false") || !strcmp(value, "0"))
		*ret = false;
	else
		complain(c, pointer, "'%.40s' is neither 'true' nor 'false'", value);
}

const char *query_word(struct complaints *c, const struct request *rq, const char *name, const char *const *words)
{
	const char *value = request_query(rq, name);
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *pointer = xasprintf("?%s", name);

	if (!value)
		return NULL;
	for (const char *const *w = words; *w; w++) {
		if (!strcmp(value, *w))
			return *w;
		strbuf_addf(&known, "%s'%s'", known.len ? ", " : "", *w);
	}
	complain(c, pointer, "'%.40s' is none of %s", value, known.buf);
	return NULL;
}

/* ---- short forms of answers */

void reply_json(struct request *rq, int status, json_t *take)
{
	request_reply(rq, response_json(status, take));
}

void reply_problem(struct request *rq, int status, const char *code, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	request_reply(rq, response_problem(status, code, NULL, "%s", text.buf));
}

void reply_error(struct request *rq, const struct error *err)
{
	request_reply(rq, response_problem_of_error(err));
}

void reply_file(struct request *rq, int take_fd, uint64_t bytes, const char *type)
{
	struct response *r = response_new(200);

	response_header(r, "Content-Type", "%s", type);
	response_header(r, "X-Content-Type-Options", "nosniff");
	r->fd = take_fd;
	r->fd_len = bytes;
	request_reply(rq, r);
}
