/* SPDX-License-Identifier: Apache-2.0
 * run_api_create: POST /v1/runs. A package comes as a form, in a JSON object, or as the body itself; what is said about the run stands in the form, in the
 * object, or in the query. All three become one object of options, which one table reads. A client is told all that is wrong at once.
 */
#include <string.h>
#include <strings.h>

#include "cmd/serve/dry_run.h"
#include "cmd/serve/dry_run_parameters.h"
#include "cmd/serve/registry_item.h"
#include "cmd/serve/run_api.h"
#include "cmd/serve/run_wait.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/quantity.h"
#include "runner/profile.h"

#define OVERRIDE_MAX 1000

struct creation {
	struct service *service;
	struct request *rq;
	struct complaints wrong;
	const char *prefix;		/* of pointers: "/" into a body, "?" into the query */
	json_t *options;		/* owned: object */
	const char *package;		/* borrowed from the request or from what was registered; NULL: `source` has it */
	size_t package_len;
	struct workflow_row workflow;	/* the registered one that is meant */
	char *source;			/* owned: in the registry elsewhere */
	uint64_t wait_ns;
	char requested_by[REQUESTER_SIZE];
	struct run_order order;
	bool forbidden;			/* an override by somebody who may not */
};

static void creation_release(struct creation *c)
{
	complaints_release(&c->wrong);
	json_decref(c->options);
	workflow_row_release(&c->workflow);
	free(c->source);
}

/* ---- options */

static const char *text_of(struct creation *c, const json_t *value, const char *pointer)
{
	const char *text = json_string_value(value);

	if (!text || !*text)
		complain(&c->wrong, pointer, text ? "is empty" : "must be a text");
	return text && *text ? text : NULL;
}

static void read_workflow(struct creation *c, const json_t *value, const char *pointer)
{
	const char *id = text_of(c, value, pointer);
	struct error err = { 0 };
	int rc;

	if (!id)
		return;
	if (!registry_id_is_good(id)) {
		complain(&c->wrong, pointer, "'%.80s' is no id of a package; they look like 'restart-unhealthy-1.0.0'", id);
		return;
	}
	if (c->service->registry) {
		c->source = registry_source(c->service, id);
		c->order.workflow_id = id;
		return;
	}
	rc = store_workflow_get(c->service->store, id, &c->workflow, &err);
	if (rc < 0)
		complain(&c->wrong, pointer, "%s", err.text);
	else if (!rc)
		complain(&c->wrong, pointer, "no package '%s' is registered", id);
	else
		c->order.workflow_id = c->workflow.id;
}

static void read_package(struct creation *c, const json_t *value, const char *pointer)
{
	if (!text_of(c, value, pointer))
		return;
	if (c->package) {
		complain(&c->wrong, pointer, "is there beside the package that was sent: a run has one package");
		return;
	}
	c->package = json_string_value(value);
	c->package_len = json_string_length(value);
}

static void read_parameters(struct creation *c, const json_t *value, const char *pointer)
{
	check_parameters(value, pointer, &c->wrong);
	c->order.parameters = value;
}

static void read_type(struct creation *c, const json_t *value, const char *pointer)
{
	const struct strvec *types = &c->service->types;
	const char *type = text_of(c, value, pointer);
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);

	for (size_t i = 0; type && i < types->len; i++) {
		if (!strcmp(type, types->items[i])) {
			c->order.type = types->items[i];
			return;
		}
		strbuf_addf(&known, "%s'%s'", i ? ", " : "", types->items[i]);
	}
	if (type)
		complain(&c->wrong, pointer, "'%.40s' is no kind of sandbox that may be asked for here; %s%s", type,
			 known.len ? "there is " : "none may", known.buf);
}

static void read_profile(struct creation *c, const json_t *value, const char *pointer)
{
	const char *name = text_of(c, value, pointer);
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);
	const struct profile *profile = name ? profile_find(name) : NULL;

	if (!name)
		return;
	for (size_t i = 0; !profile && profile_at(i); i++)
		strbuf_addf(&known, "%s'%s'", i ? ", " : "", profile_at(i)->name);
	if (profile)
		c->order.profile = profile->name;
	else
		complain(&c->wrong, pointer, "'%.40s' is no set of limits; there is %s", name, known.buf);
}

static void read_timeout(struct creation *c, const json_t *value, const char *pointer)
{
	const char *text = json_string_value(value);
	struct error err;
	char number[32];

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = number;
	}
	if (!text)
		complain(&c->wrong, pointer, "must be a time, as in \"90s\" or \"1h30m\", or a whole number of seconds");
	else if (duration_parse(text, strlen(text), &c->order.timeout_ns, &err) < 0)
		complain(&c->wrong, pointer, "%s", err.text);
	else if (c->order.timeout_ns < NS_PER_MS)
		complain(&c->wrong, pointer, "must be at least 1ms");
}

static void read_override(struct creation *c, const json_t *value, const char *pointer)
{
	const char *reason = text_of(c, value, pointer);

	if (!reason)
		return;
	c->forbidden = !c->service->allow_override || !(c->rq->identity.scopes & SCOPE_ADMIN);
	if (strlen(reason) > OVERRIDE_MAX)
		complain(&c->wrong, pointer, "has more than %d bytes", OVERRIDE_MAX);
	c->order.override = reason;
}

static void read_monitor(struct creation *c, const json_t *value, const char *pointer)
{
	const char *text = json_string_value(value);

	c->order.monitor = json_is_true(value) || (text && !strcmp(text, "true"));
	if (!json_is_boolean(value) && (!text || (strcmp(text, "true") && strcmp(text, "false"))))
		complain(&c->wrong, pointer, "must be true or false");
}

static const struct {
	const char *name;
	void (*read)(struct creation *c, const json_t *value, const char *pointer);
} options[] = {
	{ "workflow_id", read_workflow }, { "package", read_package },	 { "parameters", read_parameters }, { "type", read_type },
	{ "profile", read_profile },	  { "timeout", read_timeout },	 { "override", read_override },	    { "monitor", read_monitor },
};

static void read_options(struct creation *c)
{
	const char *names[ARRAY_SIZE(options)], *name;
	json_t *value;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	json_object_foreach(c->options, name, value) {
		autofree char *pointer = xasprintf("%s%.64s", c->prefix, name);
		const char *near = nearest(name, names, ARRAY_SIZE(names));
		size_t i = 0;

		while (i < ARRAY_SIZE(options) && strcmp(options[i].name, name))
			i++;
		if (i == ARRAY_SIZE(options))
			complain(&c->wrong, pointer, "'%.64s' is nothing that a run can be told%s%s%s", name, near ? "; did you mean '" : "",
				 near ? near : "", near ? "'?" : "");
		else if (!json_is_null(value))
			options[i].read(c, value, pointer);
	}
}

/* ---- the three ways in which it comes */

static void add_option(struct creation *c, const char *name, const char *text, size_t len)
{
	autofree char *pointer = xasprintf("%s%.64s", c->prefix, name);
	struct error err;
	json_t *value = NULL;

	if (json_object_get(c->options, name)) {
		complain(&c->wrong, pointer, "is there twice");
	} else if (strcmp(name, "parameters")) {
		json_put(c->options, name, json_textn(text, len));
	} else if (json_parse(text, len, name, &value, &err) < 0) {
		complain(&c->wrong, pointer, "%s", err.text);
	} else {
		json_put(c->options, name, value);
	}
}

static void from_form(struct creation *c)
{
	c->prefix = "/";
	c->options = json_object();
	for (size_t i = 0; i < c->rq->fields_len; i++) {
		const struct form_field *f = &c->rq->fields[i];

		if (strcmp(f->name, "file")) {
			add_option(c, f->name, f->value.buf, f->value.len);
			continue;
		}
		if (c->package || !f->value.len)
			complain(&c->wrong, "/file", c->package ? "is there twice: a run has one package" : "is empty");
		c->package = f->value.buf;
		c->package_len = f->value.len;
	}
}

static void from_json(struct creation *c)
{
	struct error err;

	c->prefix = "/";
	if (json_parse(c->rq->body.buf, c->rq->body.len, "body", &c->options, &err) < 0)
		complain(&c->wrong, "", "%s", err.text);
	else if (!json_is_object(c->options))
		complain(&c->wrong, "", "must be an object, as in {\"workflow_id\": \"restart-unhealthy-1.0.0\"}");
}

static void from_body(struct creation *c)
{
	c->prefix = "?";
	c->options = json_object();
	for (size_t i = 0; i < c->rq->query.len; i++)
		if (strcmp(c->rq->query.items[i].name, "wait"))
			add_option(c, c->rq->query.items[i].name, c->rq->query.items[i].value, strlen(c->rq->query.items[i].value));
	c->package = c->rq->body.buf;
	c->package_len = c->rq->body.len;
	if (!c->package_len)
		complain(&c->wrong, "", "there is no package: send one as a form (field 'file'), as JSON (\"package\" or \"workflow_id\"), or as "
			 "the body itself (application/yaml)");
}

static bool is_type(const char *type, const char *wanted)
{
	size_t len = strcspn(type, "; \t");

	return strlen(wanted) == len && !strncasecmp(type, wanted, len);
}

static bool is_package_type(const char *type)
{
	static const char *const types[] = { "application/yaml", "application/x-yaml", "application/octet-stream", "application/gzip",
					     "application/x-gzip", "application/x-tar", "application/zip", "application/zstd" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (is_type(type, types[i]))
			return true;
	return !strncasecmp(type, "text/", 5);
}

/* False: answered. */
static bool read_request(struct creation *c)
{
	static const char *const known[] = { "wait", NULL };
	const char *type = request_header(c->rq, "Content-Type");

	query_wait(&c->wrong, c->service, c->rq, &c->wait_ns);
	if (c->rq->fields_len)
		from_form(c);
	else if (type && is_type(type, "application/json"))
		from_json(c);
	else if (!type || is_package_type(type) || !c->rq->body.len)
		from_body(c);
	else {
		reply_problem(c->rq, 415, "unsupported_media_type", "'%.60s' is nothing that is understood here; send multipart/form-data, "
			      "application/json or the package itself as application/yaml", type);
		return false;
	}
	if (c->prefix[0] == '/')
		complain_of_unknown_query(&c->wrong, c->rq, known);
	if (json_is_object(c->options))
		read_options(c);
	return true;
}

/* ---- the run */

static bool has_one_package(struct creation *c)
{
	int n = (c->package != NULL) + (c->source || c->workflow.id);

	if (c->package && c->package_len > c->service->package_max)
		complain(&c->wrong, c->prefix[0] == '?' ? "" : "/package", "has %zu bytes, at most %zu are taken", c->package_len,
			 c->service->package_max);

	if (!c->wrong.list && n != 1)
		complain(&c->wrong, "", n ? "a run has one package: either its text or the id of a registered one"
			 : "there is no package: send a 'file', its text as 'package', or the 'workflow_id' of a registered one");
	return n == 1;
}

static struct response *answer(void *data, struct service *s, const struct request *rq, const struct run_row *run)
{
	struct response *r;

	(void)data;
	(void)s;
	if (!run)
		return response_problem(500, "internal", NULL, "the run was taken, and is not known any more");
	if (run->state != RUN_ENDED)
		return run_accepted(rq, run->id, run_to_json(run));
	r = response_json(200, run_to_json(run));
	response_header(r, "Location", "/v1/runs/%s", run->id);
	return r;
}

static void submit(struct creation *c)
{
	autofree char *filename = NULL;
	struct request *rq = c->rq;
	char run_id[RUN_ID_SIZE];
	struct error err = { 0 };
	const char *suffix;

	if (c->workflow.id) {
		c->package = c->workflow.content.buf;
		c->package_len = c->workflow.content.len;
		c->order.workflow_name = c->workflow.name;
	}
	suffix = c->package ? bundle_suffix(c->package, c->package_len) : NULL;
	filename = suffix ? xasprintf("package%s", suffix) : NULL;
	requester_name(rq, c->requested_by, sizeof(c->requested_by));
	c->order.origin = "v1";
	c->order.requested_by = c->requested_by;
	c->order.request_id = rq->id[0] ? rq->id : NULL;
	c->order.package = c->package;
	c->order.package_len = c->package_len;
	c->order.filename = filename;
	c->order.source = c->source;
	if (runs_submit(c->service->runs, &c->order, run_id, &err) < 0)
		request_reply(rq, dry_run_not_queued(c->service, &err));
	else
		run_wait(c->service, rq, run_id, c->wait_ns, answer, NULL, NULL);
}

void run_create(struct service *s, struct request *rq)
{
	struct creation c = { .service = s, .rq = rq };

	strbuf_init(&c.workflow.content, STRBUF_NO_MAX);
	if (!read_request(&c))
		;
	else if (c.forbidden)
		reply_problem(rq, 403, "override_forbidden", s->allow_override ? "an override needs the scope 'admin'"
			      : "this service takes no overrides (serve --allow-override)");
	else if (has_one_package(&c) && !complaints_reply(&c.wrong, rq))
		submit(&c);
	else
		complaints_reply(&c.wrong, rq);
	creation_release(&c);
}
