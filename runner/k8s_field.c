/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_field.h"

#include <errno.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_manifest.h"

enum { FIELD_BYTES_MAX = 1024 };

struct reader {
	const char *path, *at, *end;
	char *out;		/* where the next word goes: room for all of the path and an end for each part */
	struct k8s_field *field;
	struct error *err;
};

static int wrong(const struct reader *r, const char *what)
{
	return error_set(r->err, ERR_INVALID_INPUT, "field '%.200s': %s at byte %zu", r->path, what, (size_t)(r->at - r->path) + 1);
}

static int add(struct reader *r, struct k8s_field_part part)
{
	if (r->field->len == K8S_FIELD_PARTS_MAX)
		return wrong(r, "too many parts");
	r->field->parts[r->field->len++] = part;
	return 0;
}

/* A word up to one of `stops` or the end; backslashes are taken off. */
static const char *read_word(struct reader *r, const char *stops)
{
	const char *word = r->out;

	while (r->at < r->end && !strchr(stops, *r->at)) {
		if (*r->at == '\\' && r->at + 1 < r->end)
			r->at++;
		*r->out++ = *r->at++;
	}
	*r->out++ = '\0';
	return word;
}

static bool take(struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
		return false;
	r->at += len;
	return true;
}

static int read_key(struct reader *r)
{
	const char *word;

	/* a part may yet fail, so that the room for words is never more than that of the parts */
	if (r->field->len == K8S_FIELD_PARTS_MAX)
		return wrong(r, "too many parts");
	word = read_word(r, ".[]'\"{}()");
	if (r->at < r->end && !strchr(".[", *r->at))
		return wrong(r, "a character that belongs in quotes");
	if (!*word)
		return wrong(r, "a name is missing");
	return add(r, (struct k8s_field_part){ .kind = strcmp(word, "*") ? FIELD_KEY : FIELD_ALL, .key = word });
}

/* What is between [?(@. and )]: type=="Ready". */
static int read_condition(struct reader *r)
{
	struct k8s_field_part part = { .kind = FIELD_WHERE };
	char quote;

	part.key = read_word(r, "=)] '\"");
	if (!*part.key || !take(r, "==") || r->at == r->end || !strchr("'\"", *r->at))
		return wrong(r, "a condition looks like [?(@.type==\"Ready\")]");
	quote = *r->at++;
	part.value = read_word(r, (const char[]){ quote, '\0' });
	if (r->at == r->end)
		return wrong(r, "a quote is not closed");
	r->at++;
	return take(r, ")") ? add(r, part) : wrong(r, "')' is missing");
}

static int read_quoted(struct reader *r)
{
	const char stop[] = { *r->at++, '\0' };
	const char *word = read_word(r, stop);

	if (r->at == r->end)
		return wrong(r, "a quote is not closed");
	r->at++;
	return add(r, (struct k8s_field_part){ .kind = FIELD_KEY, .key = word });
}

static int read_number(struct reader *r)
{
	const char *word = read_word(r, "]");
	char *end;
	long value;

	errno = 0;
	value = strtol(word, &end, 10);
	if (errno || *end || end == word || !strchr("-0123456789", *word))
		return wrong(r, "in brackets stands a number, '*', or a name in quotes");
	return add(r, (struct k8s_field_part){ .kind = FIELD_INDEX, .index = value });
}

static int read_brackets(struct reader *r)
{
	int rc;

	if (r->field->len == K8S_FIELD_PARTS_MAX)
		return wrong(r, "too many parts");
	if (take(r, "*"))
		rc = add(r, (struct k8s_field_part){ .kind = FIELD_ALL });
	else if (take(r, "?(@."))
		rc = read_condition(r);
	else if (r->at < r->end && strchr("'\"", *r->at))
		rc = read_quoted(r);
	else
		rc = read_number(r);
	if (rc == 0 && !take(r, "]"))
		return wrong(r, "']' is missing");
	return rc;
}

static int read_all(struct reader *r)
{
	take(r, "$");
	take(r, ".");
	if (r->at < r->end && *r->at != '[' && read_key(r) < 0)
		return -1;
	while (r->at < r->end) {
		if (take(r, "[") ? read_brackets(r) < 0 : take(r, ".") ? read_key(r) < 0 : wrong(r, "'.' or '[' is missing") < 0)
			return -1;
	}
	return 0;
}

int k8s_field_parse(const char *path, struct k8s_field *ret, struct error *err)
{
	struct reader r = { .path = path, .at = path, .end = path + strlen(path), .field = ret, .err = err };

	*ret = (struct k8s_field){ .len = 0 };
	if (r.end - path > FIELD_BYTES_MAX)
		return error_set(err, ERR_INVALID_INPUT, "a field is at most %d bytes long", FIELD_BYTES_MAX);
	/* a condition takes two words */
	ret->text = xmalloc((size_t)(r.end - path) + 2 * K8S_FIELD_PARTS_MAX + 2);
	r.out = ret->text;
	if (r.at < r.end && *r.at == '{') {
		r.at++;
		if (r.end[-1] != '}' || r.end - r.at < 1)
			return wrong(&r, "'}' is missing");
		r.end--;
	}
	return read_all(&r);
}

void k8s_field_release(struct k8s_field *f)
{
	free(f->text);
	*f = (struct k8s_field){ .len = 0 };
}

/* ---- following it */

static void follow(const struct k8s_field *f, size_t i, json_t *value, json_t *ret);

static void follow_all(const struct k8s_field *f, size_t i, json_t *value, json_t *ret)
{
	const struct k8s_field_part *part = &f->parts[i];
	const char *key;
	json_t *item;
	size_t n;

	json_array_foreach(value, n, item)
		if (part->kind == FIELD_ALL || !strcmp(k8s_text(item, part->key, ""), part->value))
			follow(f, i + 1, item, ret);
	if (part->kind == FIELD_ALL)
		json_object_foreach(value, key, item)
			follow(f, i + 1, item, ret);
}

static void follow(const struct k8s_field *f, size_t i, json_t *value, json_t *ret)
{
	const struct k8s_field_part *part = &f->parts[i];
	long size = (long)json_array_size(value);

	if (!value || json_array_size(ret) >= K8S_FIELD_FOUND_MAX)
		return;
	if (i == f->len) {
		json_push(ret, json_incref(value));
		return;
	}
	switch (part->kind) {
	case FIELD_KEY:
		follow(f, i + 1, json_object_get(value, part->key), ret);
		break;
	case FIELD_INDEX:
		if (part->index < size && part->index >= -size)
			follow(f, i + 1, json_array_get(value, (size_t)(part->index < 0 ? part->index + size : part->index)), ret);
		break;
	default:
		follow_all(f, i, value, ret);
	}
}

json_t *k8s_field_find(const struct k8s_field *f, json_t *object)
{
	json_t *ret = json_array();

	follow(f, 0, object, ret);
	return ret;
}
