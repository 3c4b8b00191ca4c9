/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/journal_records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/mem.h"

#define OWN_ENDPOINT "."

/* ---- what may be believed */

static bool is_word(const char *s, size_t max)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= max && !s[len];
}

bool record_id_is_valid(const char *id)
{
	return is_word(id, sizeof(((struct sandbox_ref *)NULL)->id) - 1);
}

/* Every backend of today keeps what it makes in the run's folder. One that does not has to say here what its endpoints look like. */
bool record_ref_is_valid(const struct sandbox_ref *ref, const char *scratch)
{
	return record_id_is_valid(ref->id) && is_word(ref->backend, sizeof(ref->backend) - 1) && !strcmp(ref->endpoint, scratch);
}

static bool is_known_backend(const char *name)
{
	struct backend_info info;

	for (size_t i = 0; sandbox_backend_info(i, &info); i++)
		if (!strcmp(info.runtime, name))
			return true;
	return false;
}

/* ---- writing */

json_t *record_of_intent(const struct sandbox_ref *ref, const char *scratch)
{
	json_t *record = json_object();

	json_put_text(record, "type", "intent");
	json_put_text(record, "backend", ref->backend);
	json_put_text(record, "endpoint", strcmp(ref->endpoint, scratch) ? ref->endpoint : OWN_ENDPOINT);
	json_put_text(record, "id", ref->id);
	return record;
}

json_t *record_of_gone(const struct sandbox_ref *ref)
{
	json_t *record = json_object();

	json_put_text(record, "type", "gone");
	json_put_text(record, "id", ref->id);
	return record;
}

json_t *record_of_kept(uint64_t until_ns)
{
	json_t *record = json_object();

	json_put_text(record, "type", "kept");
	json_put_int(record, "until_ns", (int64_t)until_ns);
	return record;
}

/* ---- reading */

/* false: not a string, too long, or with a NUL in it */
static bool copy_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);
	const char *s = json_string_value(value);
	size_t len = s ? json_string_length(value) : 0;

	if (!s || len >= size || strlen(s) != len)
		return false;
	memcpy(out, s, len + 1);
	return true;
}

static struct record_intent *find_intent(struct records *r, const char *id)
{
	for (size_t i = 0; i < r->len; i++)
		if (!strcmp(r->items[i].ref.id, id))
			return &r->items[i];
	return NULL;
}

static uint64_t time_of(const json_t *record, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(record, key));

	return n > 0 ? (uint64_t)n : 0;
}

static bool on_run(struct records *r, const json_t *record, const char *scratch)
{
	const json_t *version = json_object_get(record, "version");

	(void)scratch;
	if (!json_is_integer(version))
		return false;
	r->newer |= json_integer_value(version) > JOURNAL_VERSION;
	r->pid = json_integer_value(json_object_get(record, "pid"));
	r->started_ns = time_of(record, "started_ns");
	return true;
}

static bool on_kept(struct records *r, const json_t *record, const char *scratch)
{
	(void)scratch;
	r->kept_until_ns = time_of(record, "until_ns");
	return r->kept_until_ns != 0;
}

static bool on_intent(struct records *r, const json_t *record, const char *scratch)
{
	struct record_intent intent = { .gone = false };
	struct record_intent *again;

	if (!copy_text(record, "backend", intent.ref.backend, sizeof(intent.ref.backend)) ||
	    !copy_text(record, "endpoint", intent.ref.endpoint, sizeof(intent.ref.endpoint)) ||
	    !copy_text(record, "id", intent.ref.id, sizeof(intent.ref.id)))
		return false;
	if (!strcmp(intent.ref.endpoint, OWN_ENDPOINT) && strlen(scratch) < sizeof(intent.ref.endpoint))
		memcpy(intent.ref.endpoint, scratch, strlen(scratch) + 1);
	if (!record_ref_is_valid(&intent.ref, scratch) || r->len >= JOURNAL_MAX_INTENTS)
		return false;
	again = find_intent(r, intent.ref.id);
	if (again) {
		again->gone = false;
		return true;
	}
	intent.known = is_known_backend(intent.ref.backend);
	ARRAY_GROW(r->items, r->len, r->alloc);
	r->items[r->len++] = intent;
	return true;
}

static bool on_gone(struct records *r, const json_t *record, const char *scratch)
{
	struct sandbox_ref ref;
	struct record_intent *intent;

	(void)scratch;
	if (!copy_text(record, "id", ref.id, sizeof(ref.id)))
		return false;
	intent = find_intent(r, ref.id);
	if (intent)
		intent->gone = true;
	return true;
}

static bool parse_line(struct records *r, const char *line, size_t len, const char *scratch)
{
	static const struct {
		const char *type;
		bool (*take)(struct records *r, const json_t *record, const char *scratch);
	} types[] = {
		{ "run", on_run },
		{ "intent", on_intent },
		{ "gone", on_gone },
		{ "kept", on_kept },
	};
	json_auto_t *record = NULL;
	char type[64];

	if (json_parse(line, len, JOURNAL_NAME, &record, NULL) < 0 || !json_is_object(record) ||
	    !copy_text(record, "type", type, sizeof(type)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i].type))
			return types[i].take(r, record, scratch);
	return true;
}

void records_parse(const char *text, size_t len, const char *scratch, struct records *ret)
{
	const char *end = text + len;
	unsigned int number = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		if (!newline)
			return;		/* torn: the fdatasync after it never returned, so nothing was made */
		number++;
		if (!parse_line(ret, text, (size_t)(newline - text), scratch) && !ret->damaged++)
			ret->first_damaged = number;
		text = newline + 1;
	}
}

void records_release(struct records *r)
{
	free(r->items);
	*r = (struct records){ 0 };
}

int journal_read(int fd, struct strbuf *text, struct error *err)
{
	char chunk[4096];
	off_t offset = 0;
	ssize_t n;

	while (!text->overflow && (n = pread(fd, chunk, sizeof(chunk), offset)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ERR_CLEANUP, "cannot read the journal");
		strbuf_add(text, chunk, (size_t)n);
		offset += n;
	}
	return 0;
}
