/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/registry_item.h"

#include <string.h>

#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/http.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

#define ID_MAX 257	/* a name and a version of 128 each, as the decoder takes them */

bool registry_id_is_good(const char *id)
{
	size_t len = strlen(id);

	return len && len <= ID_MAX && id[0] != '.' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static void put_time(json_t *o, const char *key, uint64_t wall_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(wall_ns, text);
	json_put_text(o, key, wall_ns ? text : NULL);
}

/* The store has a word of ours, or one of those who told us of a run. */
static const char *latest_status(const char *word)
{
	static const char *const words[][2] = {
		{ "queued", "pending" }, { "verified", "completed" }, { "partial", "completed" }, { "nothing_executed", "completed" }, { "limit", "failed" },
		{ "deadline", "failed" }, { "error", "failed" }, { "refused", "failed" }, { "invalid", "failed" }, { "interrupted", "failed" },
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i][0]))
			return words[i][1];
	return word;
}

json_t *registry_item(const struct workflow_row *w)
{
	autofree char *file = xasprintf("%s.wpk.yaml", w->id);
	json_t *o = json_object();

	json_put_text(o, "id", w->id);
	json_put_text(o, "name", w->name);
	json_put_text(o, "version", w->version);
	json_put_text(o, "description", w->description);
	json_put_text(o, "author", w->author);
	json_put_text(o, "created", w->created);
	json_put(o, "tags", w->tags ? json_incref(w->tags) : json_array());
	json_put_text(o, "safety_mode", w->safety_mode);
	json_put_text(o, "runtime_type", w->runtime_type);
	json_put_text(o, "file_path", file);	/* a name of the registry's, no path of this host */
	json_put_text(o, "signature", w->signature);
	put_time(o, "registered_at", w->registered_ns);
	json_put_text(o, "sha256", w->sha256);
	if (w->signed_at)
		json_put_text(o, "signed_at", w->signed_at);
	if (w->latest_run_id) {
		json_put_text(o, "latest_run_id", w->latest_run_id);
		json_put_text(o, "latest_run_status", latest_status(w->latest_run_status));
		put_time(o, "latest_run_at", w->latest_run_ns);
		json_put_int(o, "total_runs", (int64_t)w->total_runs);
	}
	return o;
}

static char *text_of(const json_t *package, const char *key)
{
	return xstrdup_or_null(json_string_value(json_object_get(package, key)));
}

void registry_row(const json_t *facts, const struct strbuf *content, uint64_t now_ns, struct workflow_row *ret)
{
	const json_t *p = json_object_get(facts, "package");
	json_t *tags = json_object_get(p, "tags");

	*ret = (struct workflow_row){
		.id = text_of(p, "workflow_id"), .name = text_of(p, "name"), .version = text_of(p, "version"),
		.description = text_of(p, "description"), .author = text_of(p, "author"), .created = text_of(p, "created"),
		.tags = tags ? json_incref(tags) : json_array(), .safety_mode = text_of(p, "safety_mode"),
		.runtime_type = text_of(p, "runtime_type"), .signature = text_of(p, "signature"), .sha256 = text_of(p, "sha256"),
		.registered_ns = now_ns, .content = STRBUF_INIT(STRBUF_NO_MAX),
	};
	strbuf_add(&ret->content, content->buf, content->len);
}

static bool check_id(struct request *rq, const char *id)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

	if (registry_id_is_good(id))
		return true;
	printable_add_cut(&shown, id, strlen(id), 40);
	reply_problem(rq, 400, "invalid_workflow_id", "'%s' is no id of a package; ids look like 'restart-unhealthy-1.0.0'", shown.buf);
	return false;
}

bool registry_find(struct service *s, struct request *rq, struct workflow_row *ret)
{
	const char *id = rq->params[0];
	struct error err = { 0 };
	int rc;

	if (!check_id(rq, id))
		return false;
	rc = store_workflow_get(s->store, id, ret, &err);
	if (rc < 0)
		reply_error(rq, &err);
	else if (!rc)
		reply_problem(rq, 404, "not_found", "no package '%s' is registered", id);
	return rc > 0;
}

char *registry_url(const struct service *s, const char *id, const char *rest)
{
	autostrbuf struct strbuf escaped = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = strlen(s->registry);

	while (len && s->registry[len - 1] == '/')
		len--;
	http_escape(&escaped, id);
	return xasprintf("%.*s/workflows/%s%s", (int)len, s->registry, escaped.buf, rest);
}

char *registry_source(const struct service *s, const char *id)
{
	autofree char *url = registry_url(s, id, "");

	return xasprintf("registry+%s", url);
}

void registry_reply_elsewhere(struct service *s, struct request *rq, const char *what)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

	http_url_display(&shown, s->registry);
	reply_problem(rq, 409, "registry_elsewhere", "packages are kept by the registry at %s: %s there", shown.buf, what);
}

const struct strbuf *registry_package(const struct request *rq)
{
	const struct form_field *file = request_field(rq, "file");

	return file ? &file->value : !rq->fields_len && rq->body.len ? &rq->body : NULL;
}

const char *run_status_word(const struct run_row *r)
{
	if (r->state != RUN_ENDED)
		return r->state == RUN_QUEUED ? "pending" : "running";
	if (r->origin && r->verdict && !strcmp(r->origin, "notify"))	/* a word of theirs */
		return r->verdict;
	if (r->exit_status == 0)
		return "completed";
	return json_is_true(json_object_get(r->summary, "rolled_back")) ? "rolled_back" : "failed";
}
