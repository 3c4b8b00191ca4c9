/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml's events become a tree. Everything that a file can make grow is counted here before it grows: bytes,
 * depth, nodes, aliases, anchors, problems. Because we stop asking for events at the ceiling of depth,
 * libyaml's own quadratic costs stay bounded; %TAG lines, whose cost it does not bound either, are counted
 * before it sees them. */
#include "runner/base/yaml.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "runner/base/yaml_text.h"

#define PROBLEMS_MAX 100
#define TAG_LINES_MAX 64

const struct yaml_limits yaml_default_limits = {
	.max_bytes = 1 << 20,
	.max_depth = 64,
	.max_nodes = 100000,
	.max_aliases = 1000,
};

struct frame {			/* a collection whose end has not come */
	struct node *node;
	struct node **items;	/* children so far; in a mapping key, value, key, … */
	size_t len, alloc;
};

struct anchor {
	char *name;		/* owned */
	struct node *node;
};

struct builder {
	yaml_parser_t parser;
	const struct yaml_limits *limits;
	struct document *doc;
	struct yaml_store *store;
	struct frame *frames;	/* max_depth of them; frames[depth - 1] is the innermost */
	unsigned int depth;
	struct anchor *anchors;
	size_t anchors_len, anchors_alloc;
	size_t nodes;
	unsigned int documents;
};

/* ---- problems */

/* False when there are too many to go on. */
static bool problem_at(struct builder *b, size_t offset, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool problem_at(struct builder *b, size_t offset, const char *fmt, ...)
{
	struct document *doc = b->doc;
	struct yaml_problem *problem;
	va_list ap;

	ARRAY_GROW(doc->problems, doc->problems_len, doc->problems_alloc);
	problem = &doc->problems[doc->problems_len++];
	problem->position = yaml_text_position(&b->store->text, offset);
	if (doc->problems_len > PROBLEMS_MAX) {
		problem->message = xstrdup("too many problems, the rest of the file was not read");
		return false;
	}
	va_start(ap, fmt);
	if (vasprintf(&problem->message, fmt, ap) < 0)
		abort();
	va_end(ap);
	return true;
}

static size_t mark_offset(const struct builder *b, yaml_mark_t mark)
{
	return yaml_text_offset(&b->store->text, mark.index);
}

/* libyaml counts lines and columns as we do, but for the line breaks beyond ASCII that YAML 1.1 has, and the one that it adds at
 * the end. */
static struct position mark_position(const struct builder *b, yaml_mark_t mark)
{
	if (b->store->text.marks || mark.index >= b->store->text.len)
		return yaml_text_position(&b->store->text, mark_offset(b, mark));
	return (struct position){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static void syntax_problem(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	size_t offset = mark_offset(b, p->problem_mark);
	size_t context = p->context ? mark_offset(b, p->context_mark) : offset;
	autofree char *message = NULL;

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	message = yaml_explain(&b->store->text, p->problem ? p->problem : "not YAML", p->context, context, &offset);
	problem_at(b, offset, "%s", message);
}

/* ---- nodes */

/* Where the text itself begins: an event starts at its anchor or tag. */
static size_t skip_properties(const struct yaml_text *text, size_t offset)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *s = text->bytes;

	for (;;) {
		offset += strspn(s + offset, " \t\r\n");
		if (s[offset] == '#')
			offset += strcspn(s + offset, "\r\n");
		else if (s[offset] == '&')
			offset += 1 + strspn(s + offset + 1, name);
		else if (s[offset] == '!' && s[offset + 1] == '<')
			offset += strcspn(s + offset, " \t\r\n");
		else if (s[offset] == '!')
			offset += strcspn(s + offset, " \t\r\n,[]{}");
		else
			return offset;
	}
}

static struct node *node_new(struct builder *b, enum node_kind kind, const yaml_event_t *event, bool properties)
{
	struct node *node = arena_take(&b->store->arena, sizeof(*node));
	const struct yaml_text *text = &b->store->text;
	size_t end = mark_offset(b, event->end_mark);

	*node = (struct node){ .kind = kind, .size = 1 };
	node->offset = mark_offset(b, event->start_mark);
	if (properties) {
		size_t content = skip_properties(text, node->offset);

		node->offset = content < end || kind != NODE_SCALAR ? content : end;
	}
	node->start = properties ? yaml_text_position(text, node->offset) : mark_position(b, event->start_mark);
	node->end = end > node->offset ? mark_position(b, event->end_mark) : node->start;
	b->nodes++;
	return node;
}

static bool too_many_nodes(struct builder *b, size_t offset)
{
	if (b->nodes <= b->limits->max_nodes)
		return false;
	problem_at(b, offset, "more than %zu values (what aliases stand for is counted at each use)",
		   b->limits->max_nodes);
	return true;
}

/* Give a finished or just opened node its place. */
static void attach(struct builder *b, struct node *node)
{
	struct frame *frame;

	if (!b->depth) {
		b->doc->root = node;
		return;
	}
	frame = &b->frames[b->depth - 1];
	ARRAY_GROW(frame->items, frame->len, frame->alloc);
	frame->items[frame->len++] = node;
}

/* ---- anchors, aliases, tags */

static bool anchor_add(struct builder *b, const yaml_char_t *name, struct node *node)
{
	if (!name)
		return true;
	if (b->anchors_len == b->limits->max_aliases) {
		problem_at(b, node->offset, "more than %zu anchors", b->limits->max_aliases);
		return false;
	}
	ARRAY_GROW(b->anchors, b->anchors_len, b->anchors_alloc);
	b->anchors[b->anchors_len++] = (struct anchor){ .name = xstrdup((const char *)name), .node = node };
	return true;
}

static struct anchor *anchor_find(struct builder *b, const char *name)
{
	for (size_t i = b->anchors_len; i > 0; i--) {	/* the latest of a name holds */
		if (!strcmp(b->anchors[i - 1].name, name))
			return &b->anchors[i - 1];
	}
	return NULL;
}

/* Has its end not come? Then an alias would make a circle. Finished collections have a height. */
static bool is_open(const struct node *node)
{
	return node->kind != NODE_SCALAR && !node->height;
}

static bool on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct anchor *anchor = anchor_find(b, name);
	size_t offset = mark_offset(b, event->start_mark);
	char quoted[UTF8_QUOTE_SIZE];

	utf8_quote(quoted, name, strlen(name));
	if (++b->doc->aliases > b->limits->max_aliases) {
		problem_at(b, offset, "more than %zu aliases", b->limits->max_aliases);
		return false;
	}
	if (!anchor || is_open(anchor->node)) {
		struct node *null = node_new(b, NODE_SCALAR, event, false);

		null->text = arena_strndup(&b->store->arena, "", 0);
		null->implicit = true;
		attach(b, null);
		return problem_at(b, offset, anchor ? "alias %s stands inside what it stands for" :
				  "alias %s has no anchor before it", quoted) && !too_many_nodes(b, offset);
	}
	if (b->depth + anchor->node->height > b->limits->max_depth) {
		problem_at(b, offset, "nested more than %u deep by alias %s", b->limits->max_depth, quoted);
		return false;
	}
	b->nodes += anchor->node->size;
	attach(b, anchor->node);
	return !too_many_nodes(b, offset);
}

/* Only the tags of YAML itself mean something here. */
static bool check_tag(struct builder *b, const yaml_char_t *tag, size_t offset)
{
	const char *name = (const char *)tag;
	char quoted[UTF8_QUOTE_SIZE];

	if (!name || !strcmp(name, "!") || !strncmp(name, "tag:yaml.org,2002:", 18))
		return true;
	return problem_at(b, offset, "tag %s is not supported", utf8_quote(quoted, name, strlen(name)));
}

/* ---- events */

static bool on_scalar(struct builder *b, const yaml_event_t *event)
{
	static const enum node_style styles[] = {
		[YAML_PLAIN_SCALAR_STYLE] = STYLE_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = STYLE_SINGLE_QUOTED,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = STYLE_DOUBLE_QUOTED,
		[YAML_LITERAL_SCALAR_STYLE] = STYLE_LITERAL,
		[YAML_FOLDED_SCALAR_STYLE] = STYLE_FOLDED,
	};
	const yaml_char_t *tag = event->data.scalar.tag, *anchor = event->data.scalar.anchor;
	struct node *node = node_new(b, NODE_SCALAR, event, tag || anchor);
	size_t len = event->data.scalar.length;

	node->style = styles[event->data.scalar.style];
	node->implicit = node->style == STYLE_PLAIN && !tag;
	node->text = arena_strndup(&b->store->arena, (const char *)event->data.scalar.value, len);
	node->len = len;
	attach(b, node);
	/* only an escape makes one */
	if (node->style == STYLE_DOUBLE_QUOTED && memchr(node->text, '\0', len) && !problem_at(b, node->offset, "the text holds a NUL character"))
		return false;
	return check_tag(b, tag, mark_offset(b, event->start_mark)) && anchor_add(b, anchor, node) &&
	       !too_many_nodes(b, node->offset);
}

static bool on_start(struct builder *b, const yaml_event_t *event)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	const yaml_char_t *anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	struct node *node = node_new(b, map ? NODE_MAPPING : NODE_SEQUENCE, event, tag || anchor);

	if (b->depth == b->limits->max_depth) {
		problem_at(b, node->offset, "nested more than %u deep", b->limits->max_depth);
		return false;
	}
	attach(b, node);
	b->frames[b->depth].node = node;
	b->frames[b->depth].len = 0;
	b->depth++;
	return check_tag(b, tag, mark_offset(b, event->start_mark)) && anchor_add(b, anchor, node) &&
	       !too_many_nodes(b, node->offset);
}

static void grow(struct node *node, const struct node *child)
{
	node->size += child->size;
	if (node->height <= child->height)
		node->height = child->height + 1;
}

/* ---- mappings: duplicate and merged keys */

struct entry {
	struct node_pair pair;
	size_t order;
	bool merged;
};

struct entry_list {
	struct entry *items;
	size_t len, alloc;
};

static void release_entries(struct entry_list *list)
{
	free(list->items);
}

static bool is_merge(const struct node *key)
{
	return key->kind == NODE_SCALAR && key->implicit && key->len == 2 && !memcmp(key->text, "<<", 2);
}

static void entry_add(struct entry_list *list, struct node_pair pair, bool merged)
{
	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len] = (struct entry){ .pair = pair, .order = list->len, .merged = merged };
	list->len++;
}

/* Add what `<<: value` brings. */
static bool merge_from(struct builder *b, struct entry_list *list, const struct node *value, size_t offset, bool nested)
{
	if (value->kind == NODE_SEQUENCE && !nested) {
		for (size_t i = 0; i < value->len; i++) {
			if (!merge_from(b, list, value->items[i], offset, true))
				return false;
		}
		return true;
	}
	if (value->kind != NODE_MAPPING)
		return problem_at(b, offset, "the merge key '<<' wants a mapping or a list of mappings");
	for (size_t i = 0; i < value->len; i++) {
		entry_add(list, value->pairs[i], true);
		b->nodes += value->pairs[i].key->size + value->pairs[i].value->size;
	}
	return !too_many_nodes(b, offset);
}

/* Scalars by their text, everything else by order; ties by order, so that the sort is total. */
static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	const struct node *x = a->pair.key, *y = b->pair.key;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind == NODE_SCALAR) {
		int by_text = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

		if (by_text)
			return by_text;
		if (x->len != y->len)
			return x->len < y->len ? -1 : 1;
	}
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_order(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return a->order < b->order ? -1 : a->order > b->order;
}

static bool same_key(const struct node *x, const struct node *y)
{
	return x->kind == NODE_SCALAR && y->kind == NODE_SCALAR && x->len == y->len &&
	       !memcmp(x->text, y->text, x->len);
}

/* Keep one entry of each key: the last of the mapping's own, or else the first merged one. */
static bool resolve_entries(struct builder *b, struct entry_list *list)
{
	uint32_t first = 0;
	size_t kept = 0;
	bool go_on = true;

	if (!list->len)
		return true;
	qsort(list->items, list->len, sizeof(*list->items), compare_entries);
	for (size_t i = 0; i < list->len; i++) {
		struct entry *last = kept ? &list->items[kept - 1] : NULL;
		struct entry *now = &list->items[i];
		char quoted[UTF8_QUOTE_SIZE];

		if (!last || !same_key(last->pair.key, now->pair.key)) {
			list->items[kept++] = *now;
			first = now->pair.key->start.line;
			continue;
		}
		if (now->merged)
			continue;
		go_on = go_on && problem_at(b, now->pair.key->offset, "key %s appears twice, first on line %u",
					    utf8_quote(quoted, now->pair.key->text, now->pair.key->len), first);
		*last = *now;
	}
	list->len = kept;
	qsort(list->items, list->len, sizeof(*list->items), compare_order);
	return go_on;
}

/* Most mappings are small and have neither: no need to sort them. */
static bool is_simple(const struct frame *frame)
{
	if (frame->len > 2 * 16)
		return false;
	for (size_t i = 0; i < frame->len; i += 2) {
		if (is_merge(frame->items[i]))
			return false;
		for (size_t j = 0; j < i; j += 2) {
			if (same_key(frame->items[i], frame->items[j]))
				return false;
		}
	}
	return true;
}

static bool finish_mapping(struct builder *b, const struct frame *frame)
{
	__attribute__((__cleanup__(release_entries))) struct entry_list list = { 0 };
	struct node *node = frame->node;
	bool go_on = true;

	if (is_simple(frame)) {
		node->len = frame->len / 2;
		node->pairs = arena_take(&b->store->arena, node->len * sizeof(*node->pairs));
		for (size_t i = 0; i < node->len; i++)
			node->pairs[i] = (struct node_pair){ frame->items[2 * i], frame->items[2 * i + 1] };
	} else {
		/* own entries first: their order decides over the merged ones */
		for (size_t i = 0; i + 1 < frame->len; i += 2) {
			if (!is_merge(frame->items[i]))
				entry_add(&list, (struct node_pair){ frame->items[i], frame->items[i + 1] }, false);
		}
		for (size_t i = 0; go_on && i + 1 < frame->len; i += 2) {
			if (is_merge(frame->items[i]))
				go_on = merge_from(b, &list, frame->items[i + 1], frame->items[i]->offset, false);
		}
		go_on = go_on && resolve_entries(b, &list);
		node->len = list.len;
		node->pairs = arena_take(&b->store->arena, node->len * sizeof(*node->pairs));
		for (size_t i = 0; i < node->len; i++)
			node->pairs[i] = list.items[i].pair;
	}
	for (size_t i = 0; i < node->len; i++) {
		grow(node, node->pairs[i].key);
		grow(node, node->pairs[i].value);
	}
	return go_on;
}

static bool on_end(struct builder *b, const yaml_event_t *event)
{
	struct frame *frame = &b->frames[b->depth - 1];
	struct node *node = frame->node;
	bool go_on = true;

	node->height = 1;
	node->end = mark_position(b, event->end_mark);
	if (node->kind == NODE_SEQUENCE) {
		node->len = frame->len;
		node->items = arena_take(&b->store->arena, frame->len * sizeof(*frame->items));
		for (size_t i = 0; i < node->len; i++) {
			node->items[i] = frame->items[i];
			grow(node, node->items[i]);
		}
	} else {
		go_on = finish_mapping(b, frame);
	}
	b->depth--;
	return go_on;
}

enum progress { GO_ON, STOP, BROKEN };

static enum progress on_event(struct builder *b, const yaml_event_t *event)
{
	bool go_on = true;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++b->documents < 2)
			return GO_ON;
		problem_at(b, mark_offset(b, event->start_mark),
			   "a second document begins here, one file holds one document");
		return STOP;
	case YAML_STREAM_END_EVENT:
		return STOP;
	case YAML_ALIAS_EVENT:
		go_on = on_alias(b, event);
		break;
	case YAML_SCALAR_EVENT:
		go_on = on_scalar(b, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		go_on = on_start(b, event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		go_on = on_end(b, event);
		break;
	default:
		break;
	}
	return go_on ? GO_ON : BROKEN;
}

static void build(struct builder *b)
{
	enum progress progress = GO_ON;

	while (progress == GO_ON) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event)) {
			syntax_problem(b);
			/* the first document is whole when the trouble comes after it */
			progress = b->depth || !b->documents ? BROKEN : STOP;
			break;
		}
		progress = on_event(b, &event);
		yaml_event_delete(&event);
	}
	if (progress == BROKEN)
		b->doc->root = NULL;
}

/* libyaml compares each %TAG line with all before it. */
static bool too_many_tag_lines(struct builder *b)
{
	const struct yaml_text *text = &b->store->text;
	unsigned int n = 0;

	if (!memchr(text->bytes, '%', text->len))
		return false;
	for (size_t i = 0; i < text->lines_len; i++) {
		if (!strncmp(text->bytes + text->lines[i], "%TAG", 4) && ++n > TAG_LINES_MAX) {
			problem_at(b, text->lines[i], "more than %d %%TAG lines", TAG_LINES_MAX);
			return true;
		}
	}
	return false;
}

/* The text is whole, UTF-8 and has only characters that YAML allows: it becomes the parser's buffer as it is, with its NUL as the
 * end of the stream, instead of going through libyaml's decoder, which costs more than finding the tokens. What reads ahead finds
 * the stream at its end and asks for nothing. */
static void lend_text(yaml_parser_t *parser, const struct yaml_text *text)
{
	yaml_char_t *bytes = (yaml_char_t *)text->bytes;

	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, bytes + text->len, 0);
	parser->eof = 1;
	parser->offset = text->len;
	parser->buffer.start = parser->buffer.pointer = bytes;
	parser->buffer.last = parser->buffer.end = bytes + text->len + 1;
	parser->unread = text->chars + 1;
}

static void parse_text(struct builder *b)
{
	const struct yaml_text *text = &b->store->text;
	yaml_char_t *buffer;

	if (too_many_tag_lines(b))
		return;
	if (!yaml_parser_initialize(&b->parser))
		abort();
	buffer = b->parser.buffer.start;
	lend_text(&b->parser, text);
	b->frames = xcalloc(b->limits->max_depth, sizeof(*b->frames));
	build(b);
	b->parser.buffer.start = buffer;	/* its own goes with it, ours stays */
	yaml_parser_delete(&b->parser);
	/* what is in a collection has a place in those around it */
	for (unsigned int i = 0; i < b->limits->max_depth && b->frames[i].items; i++)
		free(b->frames[i].items);
	free(b->frames);
	for (size_t i = 0; i < b->anchors_len; i++)
		free(b->anchors[i].name);
	free(b->anchors);
}

int document_parse(const char *bytes, size_t len, const char *name, const struct yaml_limits *limits,
		   struct document **ret, struct error *err)
{
	struct builder b = { .limits = limits };
	size_t bad_offset = 0;
	char *complaint = NULL;
	char quoted[UTF8_QUOTE_SIZE];

	if (len > limits->max_bytes || len > UINT32_MAX / 4)
		return error_set(err, ERR_INVALID_INPUT, "%s has %zu bytes, more than the limit of %zu",
				 utf8_quote(quoted, name, strlen(name)), len, limits->max_bytes);
	b.doc = xcalloc(1, sizeof(*b.doc));
	b.store = xcalloc(1, sizeof(*b.store));
	b.doc->pool = b.store;
	b.doc->name = xstrdup(name);
	if (yaml_text_decode(bytes, len, &b.store->text, &bad_offset, &complaint) < 0)
		problem_at(&b, bad_offset, "%s", complaint);
	else
		parse_text(&b);
	free(complaint);
	b.doc->bytes = b.store->text.bytes;
	b.doc->bytes_len = b.store->text.len;
	*ret = b.doc;
	return 0;
}

void document_free(struct document *doc)
{
	struct yaml_store *store = doc ? doc->pool : NULL;

	if (!doc)
		return;
	arena_release(&store->arena);
	yaml_text_release(&store->text);
	free(store);
	for (size_t i = 0; i < doc->problems_len; i++)
		free(doc->problems[i].message);
	free(doc->problems);
	free(doc->name);
	free(doc);
}

bool document_line(const struct document *doc, uint32_t line, const char **start, size_t *len)
{
	const struct yaml_store *store = doc->pool;

	return yaml_text_line(&store->text, line, start, len);
}
