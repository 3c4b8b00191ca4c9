/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cmd/serve/httpd.h"
#include "cmd/serve/route.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define QUERY_MAX 64	/* pairs; more than that nobody means */

/* ---- pairs */

void pairs_add_take(struct pairs *p, char *name, char *value)
{
	ARRAY_GROW(p->items, p->len, p->alloc);
	p->items[p->len++] = (struct pair){ .name = name, .value = value };
}

void pairs_add(struct pairs *p, const char *name, const char *value)
{
	pairs_add_take(p, xstrdup(name), xstrdup(value));
}

const char *pairs_get(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->len; i++)
		if (!strcmp(p->items[i].name, name))
			return p->items[i].value;
	return NULL;
}

const char *pairs_get_header(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->len; i++)
		if (!strcasecmp(p->items[i].name, name))
			return p->items[i].value;
	return NULL;
}

void pairs_release(struct pairs *p)
{
	for (size_t i = 0; i < p->len; i++) {
		free(p->items[i].name);
		free(p->items[i].value);
	}
	free(p->items);
	*p = (struct pairs){ 0 };
}

/* ---- the target */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;

		i += utf8_decode(s + i, len - i, &c);
		if (c == UTF8_INVALID)
			return false;
	}
	return true;
}

/* Percent-decode; `plus` is a blank in queries. NULL: bad escapes, controls (NUL among them), or not UTF-8. */
static char *decode(const char *s, size_t len, bool plus)
{
	autofree char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_value(s[i + 1]) : -1, low = high < 0 ? -1 : hex_value(s[i + 2]);

			if (low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		} else if ((unsigned char)c <= ' ' || c == 0x7f) {
			return NULL;	/* has to be escaped */
		}
		/* texts may have line breaks and tabs; names of things (the path) no controls at all */
		if (!c || (!plus && (unsigned char)c < ' ') || c == 0x7f)
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return is_utf8(out, n) ? steal_ptr(&out) : NULL;
}

static bool is_safe_segment(const char *s)
{
	return *s && strcmp(s, ".") && strcmp(s, "..") && !strchr(s, '/') && !strchr(s, '\\');
}

/* "/a/b" is [a, b], "/" is []; one '/' at the end is let pass. */
static bool parse_path(const char *path, size_t len, struct strvec *segments)
{
	if (!len || path[0] != '/')
		return false;
	for (size_t i = 1; i < len;) {
		const char *slash = memchr(path + i, '/', len - i);
		size_t end = slash ? (size_t)(slash - path) : len;
		autofree char *segment = decode(path + i, end - i, false);

		if (!segment || !is_safe_segment(segment))
			return false;
		strvec_push_take(segments, steal_ptr(&segment));
		i = end + 1;
	}
	return true;
}

static bool parse_query(const char *query, struct pairs *ret)
{
	for (const char *s = query; *s;) {
		size_t len = strcspn(s, "&"), name_len = strcspn(s, "&=");
		size_t value_at = name_len < len ? name_len + 1 : len;

		if (len) {
			autofree char *name = decode(s, name_len, true);
			autofree char *value = decode(s + value_at, len - value_at, true);

			if (!name || !value || ret->len >= QUERY_MAX)
				return false;
			pairs_add_take(ret, steal_ptr(&name), steal_ptr(&value));
		}
		s += len + (s[len] == '&');
	}
	return true;
}

/* "http://host/path", as clients of proxies write it, is "/path". */
static const char *origin_form(const char *target)
{
	size_t scheme = !strncasecmp(target, "http://", 7) ? 7 : !strncasecmp(target, "https://", 8) ? 8 : 0;

	return scheme ? target + scheme + strcspn(target + scheme, "/?#") : target;
}

static bool parse_target(const char *sent, struct request *rq)
{
	const char *target = origin_form(sent);
	size_t len = strcspn(target, "?#");

	/* a fragment is never sent by who means well */
	return target[len] != '#' && !strchr(target + len, '#') && parse_path(target, len, &rq->segments) &&
	       (!target[len] || parse_query(target + len + 1, &rq->query));
}

/* A target that is not good leaves nothing behind that somebody could use by mistake: segments[0] is then "", which no good one has. */
struct request *request_new(const char *method, const char *target)
{
	struct request *rq = xcalloc(1, sizeof(*rq));

	rq->method = xstrdup(method);
	rq->target = xstrdup(target);
	strbuf_init(&rq->body, STRBUF_NO_MAX);
	rq->started_ns = clock_monotonic_ns();
	if (!parse_target(target, rq)) {
		strvec_release(&rq->segments);
		pairs_release(&rq->query);
		strvec_push(&rq->segments, "");
	}
	return rq;
}

bool request_target_is_good(const struct request *rq)
{
	return !rq->segments.len || rq->segments.items[0][0];
}

void request_free(struct request *rq)
{
	if (!rq)
		return;
	free(rq->method);
	free(rq->target);
	strvec_release(&rq->segments);
	pairs_release(&rq->query);
	pairs_release(&rq->headers);
	strbuf_release(&rq->body);
	for (size_t i = 0; i < rq->fields_len; i++) {
		struct form_field *f = &rq->fields[i];

		free(f->name);
		free(f->filename);
		free(f->content_type);
		strbuf_release(&f->value);
	}
	free(rq->fields);
	free(rq->idempotency);
	response_free(rq->answer);
	free(rq);
}

/* ---- what a request says */

const char *request_query(const struct request *rq, const char *name)
{
	return pairs_get(&rq->query, name);
}

const char *request_header(const struct request *rq, const char *name)
{
	return pairs_get_header(&rq->headers, name);
}

const struct form_field *request_field(const struct request *rq, const char *name)
{
	for (size_t i = 0; i < rq->fields_len; i++)
		if (!strcmp(rq->fields[i].name, name))
			return &rq->fields[i];
	return NULL;
}

bool request_query_number(const struct request *rq, const char *name, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *s = request_query(rq, name);
	uint64_t n = 0;

	if (!s)
		return true;
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	if (n < min || n > max)
		return false;
	*ret = n;
	return true;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The next element of a comma-separated list; a comma in quotes is none. Returns where the one after it begins, NULL at the end. */
static const char *list_next(const char *s, const char **item, size_t *len)
{
	bool quoted = false;
	const char *p;

	s += strspn(s, " \t,");
	if (!*s)
		return NULL;
	for (p = s; *p && (quoted || *p != ','); p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	*item = s;
	*len = (size_t)(p - s);
	return p;
}

/* The word with which an element begins, without parameters. */
static bool word_is(const char *item, size_t len, const char *word)
{
	size_t n = 0;

	while (n < len && !strchr(" \t;", item[n]))
		n++;
	return n == strlen(word) && !strncasecmp(item, word, n);
}

/* ";q=0", ";q=0.000": not acceptable. */
static bool has_quality_zero(const char *item, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *p = skip_blanks(item + i + 1);

		if (item[i] != ';' || (*p != 'q' && *p != 'Q') || p[1] != '=')
			continue;
		p += 2;
		p += strspn(p, "0.");
		return p >= item + len || !isdigit((unsigned char)*p);
	}
	return false;
}

bool request_prefers_async(const struct request *rq)
{
	const char *item;
	size_t len;

	for (size_t i = 0; i < rq->headers.len; i++) {
		const struct pair *h = &rq->headers.items[i];

		if (strcasecmp(h->name, "Prefer"))
			continue;
		for (const char *s = h->value; (s = list_next(s, &item, &len));)
			if (word_is(item, len, "respond-async"))
				return true;
	}
	return false;
}

bool request_accepts(const struct request *rq, const char *type)
{
	const char *item;
	size_t len;

	for (size_t i = 0; i < rq->headers.len; i++) {
		const struct pair *h = &rq->headers.items[i];

		if (strcasecmp(h->name, "Accept"))
			continue;
		for (const char *s = h->value; (s = list_next(s, &item, &len));)
			if (word_is(item, len, type))
				return !has_quality_zero(item, len);
	}
	return false;
}

/* ---- the answer */

void body_source_wake(struct body_source *s)
{
	if (s->exchange)
		httpd_wake(s->exchange);
}

void request_reply(struct request *rq, struct response *r)
{
	rq->abandon = NULL;	/* answered: there is nothing to abandon any more */
	if (rq->service)
		route_finish(rq->service, rq, r);
	if (rq->exchange) {
		httpd_answer(rq->exchange, r);
		return;
	}
	response_free(rq->answer);
	rq->answer = r;
}
