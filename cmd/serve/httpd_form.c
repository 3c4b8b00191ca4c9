/* SPDX-License-Identifier: Apache-2.0
 * multipart/form-data (RFC 7578) of a body that is there completely. Not by MHD's post processor: that one needs a connection, so that it
 * can neither be tested from a literal nor fuzzed; in 0.9.75 it reads past the end of some boundaries, and it takes no unquoted names. */
#include <string.h>
#include <strings.h>

#include "cmd/serve/httpd_private.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define FORM_TYPE "multipart/form-data"
#define BOUNDARY_MAX 70		/* RFC 2046 */
#define PART_HEAD_MAX 4096	/* bytes of the headers of a part */

struct text { const char *s; size_t len; };

static int bad(struct error *err, const char *what)
{
	return error_set(err, ERR_INVALID_INPUT, "the multipart body is not well-formed: %s", what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool form_is_announced(const char *type)
{
	size_t n = sizeof(FORM_TYPE) - 1;

	return type && !strncasecmp(type, FORM_TYPE, n) && (!type[n] || type[n] == ';' || is_blank(type[n]));
}

static void skip_blanks(struct text *t)
{
	while (t->len && is_blank(*t->s))
		t->s++, t->len--;
}

static size_t token_len(const struct text *t)
{
	size_t n = 0;

	while (n < t->len && (unsigned char)t->s[n] > ' ' && !strchr("=;,\"", t->s[n]))
		n++;
	return n;
}

static void text_skip(struct text *t, size_t n)
{
	t->s += n;
	t->len -= n;
}

/* A token, or a quoted string; in that, a backslash escapes a quote or a backslash and is itself otherwise (names as Windows writes them). */
static bool take_value(struct text *t, struct strbuf *out)
{
	if (!t->len || *t->s != '"') {
		size_t n = token_len(t);

		strbuf_add(out, t->s, n);
		text_skip(t, n);
		return n;
	}
	text_skip(t, 1);
	while (t->len && *t->s != '"') {
		if (*t->s == '\\' && t->len > 1 && (t->s[1] == '"' || t->s[1] == '\\'))
			text_skip(t, 1);
		strbuf_addch(out, *t->s);
		text_skip(t, 1);
	}
	if (!t->len)
		return false;
	text_skip(t, 1);
	return true;
}

/* "; name=value" parameters behind the first word of a header: the one wanted into `out`. 1, 0: not there, -1: not well-formed. */
static int parameter(struct text t, const char *wanted, struct strbuf *out)
{
	int found = 0;

	text_skip(&t, token_len(&t));
	for (skip_blanks(&t); t.len; skip_blanks(&t)) {
		autostrbuf struct strbuf value = STRBUF_INIT(PART_HEAD_MAX);
		struct text name;

		if (*t.s != ';')
			return -1;
		text_skip(&t, 1);
		skip_blanks(&t);
		if (!t.len)
			break;
		name = (struct text){ t.s, token_len(&t) };
		text_skip(&t, name.len);
		skip_blanks(&t);
		if (!name.len || !t.len || *t.s != '=')
			return -1;
		text_skip(&t, 1);
		skip_blanks(&t);
		if (!take_value(&t, &value))
			return -1;
		if (found || name.len != strlen(wanted) || strncasecmp(name.s, wanted, name.len))
			continue;
		strbuf_add(out, value.buf, value.len);
		found = 1;
	}
	return found;
}

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;

		i += utf8_decode(s + i, len - i, &c);
		if (c == UTF8_INVALID || c < ' ' || c == 0x7f)
			return false;
	}
	return true;
}

/* An optional parameter as a string of its own; NULL stays NULL. */
static int take_parameter(struct text value, const char *name, char **ret, struct error *err)
{
	autostrbuf struct strbuf out = STRBUF_INIT(PART_HEAD_MAX);
	int rc = parameter(value, name, &out);

	if (rc < 0)
		return bad(err, "the parameters of a Content-Disposition");
	if (!is_text(out.buf, out.len))
		return bad(err, "a name with control characters, or not UTF-8");
	if (rc && !*ret)
		*ret = strbuf_detach(&out);
	return 0;
}

static int header_line(struct text line, struct form_field *f, struct error *err)
{
	const char *colon = memchr(line.s, ':', line.len);
	size_t name_len = colon ? (size_t)(colon - line.s) : 0;
	struct text value = { line.s + name_len + 1, line.len - name_len - 1 };

	if (!name_len)
		return bad(err, "a header of a part without a name");
	skip_blanks(&value);
	if (name_len == 12 && !strncasecmp(line.s, "Content-Type", name_len) && !f->content_type) {
		if (!is_text(value.s, value.len))
			return bad(err, "the Content-Type of a part");
		f->content_type = xstrndup(value.s, value.len);
	}
	if (name_len != 19 || strncasecmp(line.s, "Content-Disposition", name_len))
		return 0;
	if (value.len < 9 || strncasecmp(value.s, "form-data", 9))
		return bad(err, "a part is no form-data");
	return take_parameter(value, "name", &f->name, err) < 0 || take_parameter(value, "filename", &f->filename, err) < 0 ? -1 : 0;
}

/* The lines up to the empty one; `part` is then what comes behind it. */
static int part_head(struct text *part, struct form_field *f, struct error *err)
{
	const char *start = part->s;

	for (;;) {
		const char *end = memmem(part->s, part->len < PART_HEAD_MAX ? part->len : PART_HEAD_MAX, "\r\n", 2);
		struct text line = { part->s, end ? (size_t)(end - part->s) : 0 };

		if (!end || end - start > PART_HEAD_MAX)
			return bad(err, "the headers of a part do not end");
		text_skip(part, line.len + 2);
		if (!line.len)
			break;
		if (header_line(line, f, err) < 0)
			return -1;
	}
	return f->name && *f->name ? 0 : bad(err, "a part without a name");
}

static int add_part(struct text part, struct request *rq, struct error *err)
{
	struct form_field *f;

	if (rq->fields_len >= FORM_FIELDS)
		return error_set(err, ERR_INVALID_INPUT, "a form may have at most %d fields", FORM_FIELDS);
	ARRAY_GROW(rq->fields, rq->fields_len, rq->fields_alloc);
	f = &rq->fields[rq->fields_len++];	/* from here on the request frees it */
	*f = (struct form_field){ 0 };
	strbuf_init(&f->value, STRBUF_NO_MAX);
	if (part_head(&part, f, err) < 0)
		return -1;
	strbuf_add(&f->value, part.s, part.len);
	return 0;
}

static int take_boundary(const char *type, struct strbuf *delimiter, struct error *err)
{
	struct text t = { type, strlen(type) };
	size_t prefix = delimiter->len;

	if (parameter(t, "boundary", delimiter) != 1 || delimiter->len == prefix || delimiter->len > prefix + BOUNDARY_MAX ||
	    !is_text(delimiter->buf + prefix, delimiter->len - prefix))
		return bad(err, "its Content-Type names no boundary");
	return 0;
}

/* Is this the end of a line with a delimiter? 1: a part follows, 0: it was the last, -1. `rest` is then what follows. */
static int after_delimiter(struct text *rest)
{
	if (rest->len >= 2 && !memcmp(rest->s, "--", 2))
		return 0;
	skip_blanks(rest);
	if (rest->len < 2 || memcmp(rest->s, "\r\n", 2))
		return -1;
	text_skip(rest, 2);
	return 1;
}

int form_parse(const char *content_type, const char *body, size_t len, struct request *rq, struct error *err)
{
	autostrbuf struct strbuf delimiter = STRBUF_INIT(PART_HEAD_MAX);
	struct text rest = { body, len };
	const char *at;
	int more;

	strbuf_addstr(&delimiter, "\r\n--");
	if (take_boundary(content_type, &delimiter, err) < 0)
		return -1;
	/* the first one may stand at the very beginning, without a line end before it */
	if (len >= delimiter.len - 2 && !memcmp(body, delimiter.buf + 2, delimiter.len - 2))
		text_skip(&rest, delimiter.len - 2);
	else if ((at = memmem(body, len, delimiter.buf, delimiter.len)))
		text_skip(&rest, (size_t)(at - body) + delimiter.len);
	else
		return bad(err, "its boundary is nowhere");
	while ((more = after_delimiter(&rest)) > 0) {
		at = memmem(rest.s, rest.len, delimiter.buf, delimiter.len);
		if (!at)
			return bad(err, "it ends within a part");
		if (add_part((struct text){ rest.s, (size_t)(at - rest.s) }, rq, err) < 0)
			return -1;
		text_skip(&rest, (size_t)(at - rest.s) + delimiter.len);
	}
	return more < 0 ? bad(err, "a boundary does not end its line") : 0;
}
