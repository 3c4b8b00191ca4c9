/* SPDX-License-Identifier: Apache-2.0
 * registry_workflows: packages registered, listed, shown and forgotten.
 *
 * The published service wants a signature in the file it signs, which cannot be right for any real signature over these bytes, and makes up mock ones. Here a
 * package may be unsigned (signature: null), a signature is shown as it came and never said to be verified, and none is made up. */
#include <string.h>

#include "cmd/serve/judge_problem.h"
#include "cmd/serve/registry_api.h"
#include "cmd/serve/registry_item.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

/* ---- the judge is asked, the client waits */

static void abandon(struct request *rq)
{
	judge_forget(steal_ptr(&rq->pending));
}

static void ask(struct service *s, struct request *rq, const struct judge_question *q, void (*on_answer)(void *data, const struct judge_answer *a))
{
	rq->pending = judge_ask(s->judge, q, on_answer, rq);
	rq->abandon = abandon;
}

/* ---- POST /workflows */

#define TEXT_MAX ((size_t)16 << 10)
#define TAGS_MAX 100
#define TAG_MAX 200

/* What stands in every list has an end. NULL: it is fine; otherwise the key that is too long. */
static const char *too_long(const json_t *package)
{
	static const char *const texts[] = { "description", "author", "created", "safety_mode", "runtime_type", "signature" };
	const json_t *tags = json_object_get(package, "tags");

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (json_string_length(json_object_get(package, texts[i])) > TEXT_MAX)
			return texts[i];
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (i == TAGS_MAX || json_string_length(json_array_get(tags, i)) > TAG_MAX)
			return "tags";
	return NULL;
}

/* False: answered. */
static bool may_register(struct request *rq, const json_t *package)
{
	const char *key = too_long(package);

	if (json_is_true(json_object_get(package, "bundle")))
		reply_problem(rq, 400, "bundle",
			      "a bundle cannot be registered, for the registry keeps one file: upload the package in it, or run the bundle by POST /v1/runs");
	else if (key)
		reply_problem(rq, 400, "too_long", "%s is too long to be registered: texts have at most %zu bytes, and there are at most %d tags of %d bytes", key,
			      TEXT_MAX, TAGS_MAX, TAG_MAX);
	else
		return true;
	return false;
}

static void on_uploaded(void *data, const struct judge_answer *a)
{
	struct request *rq = data;
	struct workflow_row row = { .id = NULL };
	struct error err;
	json_t *o;

	rq->pending = NULL;
	if (a->failure) {
		request_reply(rq, judge_problem(a));
		return;
	}
	if (!json_is_true(json_object_get(a->facts, "valid"))) {
		request_reply(rq, judge_invalid(a, 400));
		return;
	}
	if (!may_register(rq, json_object_get(a->facts, "package")))
		return;
	registry_row(a->facts, registry_package(rq), clock_realtime_ns(), &row);
	if (store_workflow_put(rq->service->store, &row, &err) < 0) {
		reply_error(rq, &err);
	} else {
		o = json_object();
		json_put_text(o, "message", "Workflow registered successfully");
		json_put_text(o, "workflow_id", row.id);
		json_put_text(o, "status", "registered");
		reply_json(rq, 200, o);
	}
	workflow_row_release(&row);
}

void registry_upload(struct service *s, struct request *rq)
{
	const struct form_field *file = request_field(rq, "file");
	const struct strbuf *package = registry_package(rq);

	if (s->registry) {
		registry_reply_elsewhere(s, rq, "register it");
		return;
	}
	if (!package) {
		reply_problem(rq, 422, "file_wanted", "a multipart form with the package as 'file' is wanted");
		return;
	}
	ask(s, rq, &(struct judge_question){ .name = file && file->filename ? file->filename : NULL, .bytes = package->buf, .len = package->len },
	    on_uploaded);
}

/* ---- GET /workflows */

static void add_item(void *data, const struct workflow_row *w)
{
	json_push(data, registry_item(w));
}

void registry_list(struct service *s, struct request *rq)
{
	json_t *items, *o;
	struct error err;

	if (s->registry) {
		registry_reply_elsewhere(s, rq, "list them");
		return;
	}
	items = json_array();
	if (store_workflow_list(s->store, request_query(rq, "tag"), request_query(rq, "runtime"), request_query(rq, "safety_mode"), add_item, items,
				&err) < 0) {
		json_decref(items);
		reply_error(rq, &err);
		return;
	}
	o = json_object();
	json_put(o, "workflows", items);
	json_put_int(o, "total", (int64_t)json_array_size(items));
	reply_json(rq, 200, o);
}

/* ---- GET /workflows/{id} */

static void reply_whole(struct request *rq, const struct workflow_row *row)
{
	json_t *o = registry_item(row);

	json_put(o, "wpk_content", json_textn(row->content.buf, row->content.len));
	reply_json(rq, 200, o);
}

static void on_fetched(void *data, const struct judge_answer *a)
{
	struct request *rq = data;
	struct workflow_row row;

	rq->pending = NULL;
	if (a->failure || !json_is_true(json_object_get(a->facts, "valid"))) {
		request_reply(rq, a->failure ? judge_problem(a) : judge_invalid(a, 502));
		return;
	}
	registry_row(a->facts, a->content, 0, &row);
	reply_whole(rq, &row);
	workflow_row_release(&row);
}

void registry_get(struct service *s, struct request *rq)
{
	struct workflow_row row = { .id = NULL };

	if (s->registry && registry_id_is_good(rq->params[0])) {
		autofree char *source = registry_source(s, rq->params[0]);

		ask(s, rq, &(struct judge_question){ .name = rq->params[0], .source = source, .content = true }, on_fetched);
		return;
	}
	if (!registry_find(s, rq, &row))
		return;
	reply_whole(rq, &row);
	workflow_row_release(&row);
}

/* ---- DELETE /workflows/{id}, POST /workflows/{id}/sign */

static void reply_message(struct request *rq, const char *fmt, const char *id)
{
	autofree char *text = xasprintf(fmt, id);
	json_t *o = json_object();

	json_put_text(o, "message", text);
	reply_json(rq, 200, o);
}

void registry_delete(struct service *s, struct request *rq)
{
	struct workflow_row row = { .id = NULL };
	struct error err;

	if (s->registry) {
		registry_reply_elsewhere(s, rq, "delete it");
		return;
	}
	if (!registry_find(s, rq, &row))
		return;
	if (store_workflow_delete(s->store, row.id, &err) < 0)
		reply_error(rq, &err);
	else
		reply_message(rq, "Workflow %s deleted successfully", row.id);
	workflow_row_release(&row);
}

void registry_sign(struct service *s, struct request *rq)
{
	struct workflow_row row = { .id = NULL };

	if (!s->registry && !registry_find(s, rq, &row))
		return;
	workflow_row_release(&row);
	reply_problem(rq, 501, "not_implemented",
		      "packages are not signed here, and no signature is made up: sign the file with a key of yours (cosign sign-blob) and keep the signature beside it");
}
