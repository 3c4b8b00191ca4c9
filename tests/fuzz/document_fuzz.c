/* SPDX-License-Identifier: Apache-2.0
 * document: any bytes become a tree within the ceilings, or problems at places that exist; every node knows where it stands, and
 * a byte of a scalar is found at itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/yaml.h"

#define SAMPLES 64	/* places looked at in each scalar */
#define NODES_MAX 2000	/* looked at; aliases make a hundred thousand of a few, and each look reads a line */

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Offset of a position that must lie in the document or at its end. */
static size_t offset_of(const struct document *doc, struct position p)
{
	const char *line;
	size_t len, i = 0;

	check(p.line && p.column && document_line(doc, p.line, &line, &len));
	for (uint32_t column = 1; column < p.column; column++) {
		check((size_t)(line - doc->bytes) + i < doc->bytes_len);
		i++;
		while ((size_t)(line - doc->bytes) + i < doc->bytes_len && (line[i] & 0xc0) == 0x80)
			i++;
	}
	return (size_t)(line - doc->bytes) + i;
}

/* YAML 1.1 has line breaks that are ordinary characters to everybody else; texts with them are told approximately. */
static bool has_odd_breaks(const struct document *doc)
{
	return memmem(doc->bytes, doc->bytes_len, "\xc2\x85", 2) || memmem(doc->bytes, doc->bytes_len, "\xe2\x80", 2) ||
	       memmem(doc->bytes, doc->bytes_len, "\\", 1);
}

static void check_scalar(const struct document *doc, const struct node *node, bool exact)
{
	size_t step = node->len / SAMPLES + 1;

	check(node->text && node->text[node->len] == '\0' && node->height == 0);
	for (size_t i = 0; i <= node->len; i += step) {
		struct position p = node_text_position(doc, node, i);
		size_t at = offset_of(doc, p);

		if (exact && i < node->len && node->text[i] > ' ' && node->text[i] < 0x7f && node->style != STYLE_FOLDED)
			check(doc->bytes[at] == node->text[i] || (p.line == node->start.line && p.column == node->start.column &&
								  node->style != STYLE_LITERAL) ||
			      doc->bytes[at] == '\'');
	}
}

static unsigned int walk(const struct document *doc, const struct node *node, bool exact, unsigned int *left)
{
	unsigned int height = 0, h;

	if (!*left)
		return node->height;
	--*left;
	check(offset_of(doc, node->start) == node->offset || node->offset > doc->bytes_len);
	check(node->size >= 1 && node->size <= yaml_default_limits.max_nodes);
	offset_of(doc, node->end);
	if (node->kind == NODE_SCALAR) {
		check_scalar(doc, node, exact);
		return 0;
	}
	for (size_t i = 0; i < node->len; i++) {
		const struct node *value = node->kind == NODE_MAPPING ? node->pairs[i].value : node->items[i];

		h = walk(doc, value, exact, left);
		height = h > height ? h : height;
		if (node->kind == NODE_MAPPING) {
			h = walk(doc, node->pairs[i].key, exact, left);
			height = h > height ? h : height;
		}
	}
	check(node->height == height + 1);
	return node->height;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document *doc = NULL;
	unsigned int left = NODES_MAX;
	struct error err = { 0 };

	if (document_parse((const char *)data, size, "input", &yaml_default_limits, &doc, &err) < 0) {
		check(size > yaml_default_limits.max_bytes && err.code == ERR_INVALID_INPUT && err.text[0]);
		return 0;
	}
	for (size_t i = 0; i < doc->problems_len; i++) {
		check(doc->problems[i].message && doc->problems[i].message[0]);
		offset_of(doc, doc->problems[i].position);
	}
	if (doc->root)
		check(walk(doc, doc->root, !has_odd_breaks(doc), &left) <= yaml_default_limits.max_depth);
	document_free(doc);
	return 0;
}
