/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests inside texts: what `kubectl apply -f -` is fed by a here-document, what `kubectl run --overrides` is
 * given, a manifest written as text. They are read as documents of their own and looked at like any other mapping;
 * scan_tell() places findings in the text around them. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_match.h"

static const struct yaml_limits embedded_limits = {
	.max_bytes = (size_t)1 << 20, .max_depth = 64, .max_nodes = 100000, .max_aliases = 1000,
};

/* Where a node of the inner document stands in the text outside. */
struct scan_place scan_embedded_place(const struct scan *sc, const struct scan_place *inner)
{
	const struct embedding *e = sc->embedding;
	const struct node *node = inner->node;
	struct scan_place place = e->place;
	size_t offset, len;

	if (!e->exact || !node)
		return place;
	offset = e->base + node->offset;
	len = node->kind == NODE_SCALAR && node->start.line == node->end.line ? node->end.column - node->start.column
									      : 1;
	if (offset >= place.len)
		return place;
	place.offset += offset;
	place.len = len < place.len - offset ? len : place.len - offset;
	place.whole = false;
	return place;
}

/* "${NAME}" as a word of the same length: its braces mean something else inside those of YAML. */
static struct document *parse_without_variables(struct scan *sc, const char *text, size_t len)
{
	autofree char *copy = xstrndup(text, len);
	struct document *doc = NULL;

	for (char *p = copy; (p = strstr(p, "${")); p++) {	/* what is behind a NUL is no YAML anyway */
		char *end = p + 2 + strcspn(p + 2, "}\n");

		if (*end == '}') {
			p[0] = p[1] = '_';
			*end = '_';
		}
	}
	document_parse(copy, strlen(copy), sc->doc->name, &embedded_limits, &doc, NULL);
	return doc;
}

static void scan_one(struct scan *sc, const char *text, size_t len, struct embedding *e)
{
	const struct embedding *outside = sc->embedding;
	struct document *doc = NULL;

	if (document_parse(text, len, sc->doc->name, &embedded_limits, &doc, NULL) < 0)
		return;
	if (!doc->root && memmem(text, len, "${", 2)) {
		document_free(doc);
		doc = parse_without_variables(sc, text, len);
	}
	if (!doc || !doc->root) {
		document_free(doc);
		return;
	}
	sc->embedding = e;
	scan_structure(sc, doc->root, NULL);
	sc->embedding = outside;
	/* nodes are known by their addresses, which another document may get again */
	ARRAY_GROW(sc->inner, sc->inner_len, sc->inner_alloc);
	sc->inner[sc->inner_len++] = doc;
}

static bool looks_like_manifest(const char *text, size_t len)
{
	return memmem(text, len, "apiVersion", 10) || memmem(text, len, "\"spec\"", 6) ||
	       memmem(text, len, "containers", 10);
}

/* The next line "---" from `from` on, or the end; *next is behind it. */
static size_t document_end(const char *text, size_t len, size_t from, size_t *next)
{
	for (const char *p = text + from; (p = memmem(p, len - (size_t)(p - text), "\n---", 4)); p += 4) {
		if ((size_t)(p - text) + 4 == len || strchr(" \r\n", p[4])) {
			*next = (size_t)(p - text) + 4;
			return (size_t)(p - text) + 1;
		}
	}
	*next = len;
	return len;
}

static void tell_too_many(struct scan *sc, const struct scan_place *place)
{
	if (!sc->limit_told)
		scan_tell_own(sc, SEVERITY_HIGH, "scan/limit", "split the package", place,
			      "more than %d manifests stand inside texts, from here on they were not looked at",
			      EMBEDDED_MAX);
	sc->limit_told = true;
}

void scan_embedded(struct scan *sc, const char *text, size_t len, const struct scan_place *place)
{
	struct embedding e = { .place = *place };
	size_t next;

	if (sc->embedding || len > embedded_limits.max_bytes || !looks_like_manifest(text, len))
		return;
	if (place->whole) {
		e.place.whole = false;
		e.place.len = place->node->len;
	}
	/* quotes around an argument are not part of it */
	for (size_t quote = 0; quote < 2 && !e.exact && e.place.len >= len + 2 * quote; quote++) {
		e.exact = e.place.offset + quote + len <= place->node->len &&
			  !memcmp(place->node->text + e.place.offset + quote, text, len);
		e.base = e.exact ? quote : 0;
	}
	for (size_t from = 0; from < len; from = next) {
		size_t end = document_end(text, len, from, &next);
		struct embedding part = e;

		if (!looks_like_manifest(text + from, end - from))
			continue;
		if (sc->inner_len == EMBEDDED_MAX) {
			tell_too_many(sc, place);
			return;
		}
		part.base += from;
		scan_one(sc, text + from, end - from, &part);
	}
}

void scan_embedded_release(struct scan *sc)
{
	for (size_t i = 0; i < sc->inner_len; i++)
		document_free(sc->inner[i]);
	free(sc->inner);
}

/* ---- what clients of a cluster are given */

static bool is_client(const char *name)
{
	static const char *const clients[] = { "kubectl", "oc", "k3s", "microk8s.kubectl", "k", "kubecolor" };

	if (!name || !strchr("kom", name[0]))	/* asked for every command */
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		if (!strcmp(name, clients[i]))
			return true;
	}
	return false;
}

static bool sends_objects(const struct shell_command *c)
{
	static const char *const verbs[] = { "apply", "create", "replace", "patch", "run", "debug", "expose" };

	for (size_t i = 1; i < c->argc; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(verbs); j++) {
			if (!strcmp(c->argv[i].text, verbs[j]))
				return true;
		}
	}
	return false;
}

static void scan_value(struct scan *sc, const struct shell_value *value, const struct shell_source *source,
		       const char *from)
{
	size_t skip = from ? (size_t)(from - value->text) : 0;
	struct scan_place place = shell_place(source, value->offset, value->source_len);

	if (!value->len || !key_set_add(&sc->structures, key_of(place.node, 0) ^ (uint64_t)(value->offset + 1) << 32))
		return;
	if (skip && place.len > skip && !place.whole) {		/* "--overrides={": the option stays outside */
		place.offset += skip;
		place.len -= skip;
	}
	scan_embedded(sc, value->text + skip, value->len - skip, &place);
}

/* What an earlier command wrote to a file that is given to the client. */
static const struct shell_value *written_text(const struct shell_analysis *a, size_t before,
					      const struct shell_value *path)
{
	for (size_t i = before; i-- > 0 && before - i < FILE_DISTANCE_MAX;) {
		const struct shell_command *c = &a->commands[i];

		for (size_t j = 0; j < c->effects_len && c->input.len; j++) {
			if (c->effects[j].access == ACCESS_WRITE && !strcmp(c->effects[j].path.text, path->text))
				return &c->input;
		}
	}
	return NULL;
}

/* What is not known as a whole may be known where it came from: cat <<E | sed … | kubectl … */
static void scan_pipeline(struct scan *sc, const struct shell_analysis *a, const struct shell_command *c,
			  const struct shell_source *source)
{
	for (size_t n = 0; n < PIPELINE_DEPTH_MAX && c->input_from < a->len; n++) {
		if (c->input.len)
			scan_value(sc, &c->input, source, NULL);
		c = &a->commands[c->input_from];
	}
	if (c->input.len)
		scan_value(sc, &c->input, source, NULL);
}

void scan_client(struct scan *sc, const struct shell_analysis *a, size_t index, const struct shell_source *source)
{
	const struct shell_command *c = &a->commands[index];

	if (!is_client(c->name) || !sends_objects(c) || (c->traits & TRAIT_DRY))
		return;
	if (c->input.known)
		scan_value(sc, &c->input, source, NULL);
	else
		scan_pipeline(sc, a, c, source);
	for (size_t i = 1; i < c->argc; i++) {
		const char *brace = memchr(c->argv[i].text, '{', c->argv[i].len);

		if (brace && (brace == c->argv[i].text || brace[-1] == '='))
			scan_value(sc, &c->argv[i], source, brace);
	}
	for (size_t i = 0; i < c->effects_len; i++) {
		const struct shell_value *text =
			c->effects[i].access == ACCESS_READ ? written_text(a, index, &c->effects[i].path) : NULL;

		if (text)
			scan_value(sc, text, source, NULL);
	}
}
