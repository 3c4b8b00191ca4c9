/* SPDX-License-Identifier: Apache-2.0
 * A list, then what happens to it, for as long as somebody wants to know. Lines are taken apart as they come and dropped, so that memory
 * does not grow with the number of objects. Source: kubernetes.io/docs/reference/using-api/api-concepts (efficient detection of changes). */
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define LINE_MAX_BYTES (16u << 20)
#define OTHER_MAX (64u << 10)
#define PAGE 100		/* a page is in memory at once */
#define STREAM_SECONDS 60	/* then the server ends it, and it is resumed: one that has died unseen is noticed */
#define STREAM_GRACE_NS (10 * NS_PER_SEC)
#define TROUBLES_MAX 12		/* in a row, without an event in between, of a server that answers */

/* ---- the stream */

void kube_stream_init(struct kube_stream *s, kube_watcher *each, void *arg)
{
	*s = (struct kube_stream){ .line = STRBUF_INIT(LINE_MAX_BYTES), .other = STRBUF_INIT(OTHER_MAX), .each = each, .arg = arg };
}

void kube_stream_release(struct kube_stream *s)
{
	kube_wipe_strbuf(&s->line);
	strbuf_release(&s->other);
	free(s->resource_version);
}

static void keep_version(struct kube_stream *s, const json_t *object)
{
	const char *v = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));

	if (!v || !*v)
		return;
	free(s->resource_version);
	s->resource_version = xstrdup(v);
}

static void take_error(struct kube_stream *s, const json_t *status)
{
	autostrbuf struct strbuf text = STRBUF_INIT(OTHER_MAX);
	const json_t *code = json_object_get(status, "code");

	json_write(status, 0, &text);
	kube_failure_read(&s->failure, json_is_integer(code) ? (int)json_integer_value(code) : 500, text.buf, text.len);
	s->end = KUBE_STREAM_FAILED;
}

static void take_event(struct kube_stream *s, const char *type, json_t *object)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK" };

	if (!strcmp(type, "ERROR")) {
		take_error(s, object);
		return;
	}
	s->live = true;
	keep_version(s, object);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i]) && !s->each(s->arg, types[i], object))
			s->end = KUBE_STREAM_STOPPED;
}

static void take_line(struct kube_stream *s)
{
	json_auto_t *event = NULL;
	const char *type;
	json_t *object;

	if (!s->line.len)
		return;
	if (json_parse(s->line.buf, s->line.len, "event", &event, NULL) == 0 && (type = json_string_value(json_object_get(event, "type"))) &&
	    json_is_object(object = json_object_get(event, "object"))) {
		take_event(s, type, object);
		return;
	}
	strbuf_add(&s->other, s->line.buf, s->line.len);
	strbuf_addch(&s->other, '\n');
	if (s->live)		/* it was a stream of events before */
		s->end = KUBE_STREAM_GARBAGE;
}

void kube_stream_feed(struct kube_stream *s, const char *data, size_t len)
{
	while (len && s->end == KUBE_STREAM_GOES_ON) {
		const char *newline = memchr(data, '\n', len);
		const size_t n = newline ? (size_t)(newline - data) : len;

		strbuf_add(&s->line, data, n);
		if (s->line.overflow) {
			s->end = KUBE_STREAM_GARBAGE;
			return;
		}
		if (!newline)
			return;
		take_line(s);
		strbuf_clear(&s->line);
		data += n + 1;
		len -= n + 1;
	}
}

/* ---- the watch */

struct watch {
	struct kube *k;
	const struct kube_target *target;
	const struct kube_selection *which;
	kube_watcher *each;
	void *arg;
	uint64_t deadline_ns;
	char *version;			/* to go on from; NULL: list anew */
	unsigned int troubles;		/* in a row */
	bool stopped;			/* by `each` */
	bool cancelled;			/* by whom kube_on_wait() named; kept here while ours stands there */
	bool (*waiting)(void *arg);
	void *waiting_arg;
	struct error last;		/* what kept us from seeing, if anything does */
};

struct watch_data {
	struct kube_stream stream;
	struct watch *w;
	struct http_answer answer;
};

static bool pulse(void *arg);

/* The callbacks may use the connection as they like: what is asked while it waits is theirs meanwhile. */
static bool tell(void *arg, const char *type, json_t *object)
{
	struct watch *w = arg;

	kube_on_wait(w->k, w->waiting, w->waiting_arg);
	w->stopped |= !w->each(w->arg, type, object);
	kube_on_wait(w->k, pulse, w);
	return !w->stopped;
}

/* About once a second. */
static bool pulse(void *arg)
{
	struct watch *w = arg;

	w->cancelled |= w->waiting && !w->waiting(w->waiting_arg);
	w->stopped |= !w->cancelled && !tell(w, NULL, NULL);
	return !w->stopped && !w->cancelled;
}

static bool take_data(void *arg, const char *data, size_t len)
{
	struct watch_data *d = arg;

	if (!len)
		return pulse(d->w);
	if (d->answer.status == 200)
		kube_stream_feed(&d->stream, data, len);
	else
		strbuf_add(&d->stream.other, data, len);
	return d->stream.end == KUBE_STREAM_GOES_ON;
}

static bool take_item(void *arg, json_t *item, bool restarted)
{
	struct watch *w = arg;

	(void)restarted;
	return tell(w, "ADDED", item);
}

static bool may_pass(const struct kube *k, const struct error *err)
{
	const int status = k->failure.status;

	if (status == 0)
		return k->answered && err->code != ERR_CANCELLED && err->code != ERR_INVALID_INPUT && err->code != ERR_INTERNAL;
	return status == 410 || status == 429 || status >= 500;
}

static int list_all(struct watch *w, struct error *err)
{
	struct kube_selection which = *w->which;
	struct kube_target t = *w->target;
	const uint64_t now = clock_monotonic_ns(), left = w->deadline_ns > now ? w->deadline_ns - now : 1;
	int rc;

	which.page = which.page ? which.page : PAGE;
	t.timeout_ns = left < KUBE_TIMEOUT_NS ? left : KUBE_TIMEOUT_NS;
	rc = kube_list(w->k, &t, &which, take_item, w, &w->version, err);
	if (rc == 0 && !w->stopped)
		tell(w, "LISTED", NULL);
	return rc;
}

static int stream_path(const struct watch *w, unsigned int seconds, struct strbuf *path, struct error *err)
{
	autostrbuf struct strbuf query = STRBUF_INIT(16u << 10);

	kube_selection_query(w->which, &query);
	strbuf_addf(&query, "%swatch=1&allowWatchBookmarks=true", query.len ? "&" : "");
	kube_add_parameter(&query, "resourceVersion", w->version);
	strbuf_addf(&query, "&timeoutSeconds=%u", seconds);
	return kube_target_path(w->target, query.buf, path, err);
}

/* 0: it ended, to be resumed from w->version (NULL: from a new list); -1: it cannot go on. */
static int judge_end(struct watch *w, struct watch_data *d, int rc, struct error *err)
{
	struct kube_stream *s = &d->stream;
	struct kube *k = w->k;

	if (s->resource_version) {
		free(w->version);
		w->version = steal_ptr(&s->resource_version);
	}
	if (s->live)
		w->troubles = 0;
	if (w->stopped || w->cancelled)
		return 0;
	if (s->end == KUBE_STREAM_GARBAGE || (rc == 0 && d->answer.status == 200 && s->other.len)) {
		w->troubles++;
		error_set(&w->last, ERR_REMOTE, "'%s' sends what is no event", k->cfg.server);
		k->failure = (struct kube_failure){ .status = d->answer.status };
		return 0;
	}
	if (s->end == KUBE_STREAM_FAILED) {
		autostrbuf struct strbuf sentence = STRBUF_INIT(900);

		k->failure = s->failure;
		kube_failure_sentence(&k->failure, &sentence);
		error_set(err, ERR_REMOTE, "%s", sentence.buf);
	} else if (rc == 0 && d->answer.status != 200) {
		kube_refused(k, d->answer.status, s->other.buf, s->other.len, err);
	} else if (rc == 0) {
		w->troubles += !s->live;	/* an end without a word, time and again, is not hurried after */
		return 0;
	}
	if (k->failure.status == 410) {
		free(steal_ptr(&w->version));
		w->troubles++;
		return 0;
	}
	if (!may_pass(k, err))
		return -1;
	w->troubles++;
	w->last = *err;
	return 0;
}

static int stream_once(struct watch *w, struct error *err)
{
	const uint64_t now = clock_monotonic_ns(), left = w->deadline_ns > now ? w->deadline_ns - now : 0;
	const unsigned int seconds = left / NS_PER_SEC + 1 < STREAM_SECONDS ? (unsigned int)(left / NS_PER_SEC) + 1 : STREAM_SECONDS;
	const uint64_t end_ns = clock_deadline(seconds * NS_PER_SEC + STREAM_GRACE_NS);
	autostrbuf struct strbuf path = STRBUF_INIT(64u << 10);
	struct http_session *session = steal_ptr(&w->k->stream);
	struct watch_data d = { .w = w };
	struct kube_exchange x = {
		.session = &session, .method = "GET", .target = path.buf, .as_user = w->target->as_user, .data = take_data, .arg = &d,
		.deadline_ns = end_ns < w->deadline_ns ? end_ns : w->deadline_ns,
	};
	int rc = stream_path(w, seconds, &path, err);

	kube_stream_init(&d.stream, tell, w);
	if (rc == 0) {
		x.target = path.buf;
		rc = kube_exchange_once(w->k, &x, &d.answer, NULL, err);
		rc = judge_end(w, &d, rc, err);
	}
	kube_stream_release(&d.stream);
	http_session_close(w->k->stream);	/* of a watch inside ours */
	w->k->stream = session;
	return rc;
}

static int watch_until(struct watch *w, struct error *err)
{
	while (!w->stopped && !w->cancelled && clock_monotonic_ns() < w->deadline_ns) {
		struct error why = { .code = ERR_OK };
		const bool listing = !w->version;
		int rc = listing ? list_all(w, &why) : stream_once(w, &why);

		if (w->stopped || w->cancelled)
			break;
		if (rc < 0 && listing && may_pass(w->k, &why)) {
			w->troubles++;
			w->last = why;
		} else if (rc < 0 || (w->troubles > TROUBLES_MAX && w->k->failure.status && w->k->failure.status != 410)) {
			return error_set(err, rc < 0 ? why.code : w->last.code, "%s", rc < 0 ? why.text : w->last.text);
		}
		if (w->troubles) {
			const uint64_t now = clock_monotonic_ns(), left = w->deadline_ns > now ? w->deadline_ns - now : 0;
			const uint64_t pause_ns = kube_backoff_ns(w->troubles);

			kube_sleep(w->k, pause_ns < left ? pause_ns : left, NULL);
		}
	}
	if (w->stopped)
		return 0;
	if (w->cancelled)
		return error_set(err, ERR_CANCELLED, "stopped while watching '%s'", w->k->cfg.server);
	if (w->troubles && w->last.text[0])
		return error_set(err, ERR_DEADLINE_EXCEEDED, "the time is over; the last that was heard: %s", w->last.text);
	return error_set(err, ERR_DEADLINE_EXCEEDED, "the time is over");
}

int kube_watch(struct kube *k, const struct kube_target *t, const struct kube_selection *which, uint64_t timeout_ns, kube_watcher *each,
	       void *arg, struct error *err)
{
	/* one object is watched as a selection of its collection */
	const char *more = which && which->fields && *which->fields ? which->fields : NULL;
	autofree char *field = t->name ? xasprintf("metadata.name=%s%s%s", t->name, more ? "," : "", more ? more : "") : NULL;
	const struct kube_selection selection = {
		.labels = which ? which->labels : NULL, .fields = field ? field : more, .page = which ? which->page : 0,
	};
	struct kube_target collection = *t;
	struct watch w = { .k = k, .target = &collection, .which = &selection, .each = each, .arg = arg, .deadline_ns = clock_deadline(timeout_ns),
			   .waiting = k->waiting, .waiting_arg = k->waiting_arg };
	int rc;

	collection.name = NULL;
	collection.dry_run = false;
	kube_on_wait(k, pulse, &w);
	rc = watch_until(&w, err);
	kube_on_wait(k, w.waiting, w.waiting_arg);
	free(w.version);
	return rc;
}
