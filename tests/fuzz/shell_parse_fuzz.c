/* SPDX-License-Identifier: Apache-2.0
 * shell_parse: any bytes give a tree whose places lie in the text, whose depth is bounded, and whose plain words are what stands there;
 * reading twice gives the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "validators/shell/parse.h"

struct walk {
	const char *text;
	size_t len;
	size_t depth;
	size_t nodes, parts;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void walk_list(struct walk *w, const struct shell_list *list);

static void check_place(const struct walk *w, size_t offset, size_t source_len)
{
	check(offset <= w->len && source_len <= w->len - offset);
}

static void walk_word(struct walk *w, const struct shell_word *word);

static void walk_part(struct walk *w, const struct shell_part *part)
{
	w->parts++;
	check_place(w, part->offset, part->source_len);
	check((part->kind == PART_COMMAND || part->kind == PART_PROCESS) == !!part->body);
	check((part->kind == PART_TEXT || part->kind == PART_VARIABLE || part->kind == PART_ARITHMETIC) == !!part->text);
	check((part->kind == PART_BRACE) == (part->alternatives_len > 0));
	check(part->alternatives_len <= SHELL_MAX_BRACES);
	check(!part->text || part->text[part->len] == '\0');
	check(part->kind != PART_VARIABLE || part->len);
	if (part->body)
		walk_list(w, part->body);
	for (size_t i = 0; i < part->alternatives_len; i++)
		walk_word(w, &part->alternatives[i]);
	walk_word(w, part->index_word);
	walk_word(w, part->operand);
	walk_word(w, part->operand2);
}

static void walk_word(struct walk *w, const struct shell_word *word)
{
	if (!word)
		return;
	check(++w->depth <= 3 * SHELL_MAX_DEPTH);
	check_place(w, word->offset, word->source_len);
	for (size_t i = 0; i < word->len; i++) {
		const struct shell_part *part = &word->parts[i];

		walk_part(w, part);
		check(part->kind != PART_TEXT || part->len || word->len == 1);
		/* one after the other, and inside of the word */
		check(!i || part->offset >= word->parts[i - 1].offset + word->parts[i - 1].source_len);
		check(part->offset >= word->offset);
		check(part->offset + part->source_len <= word->offset + word->source_len);
	}
	w->depth--;
}

static void check_plain(const struct walk *w, const struct shell_word *word)
{
	const struct shell_part *part = word->parts;

	if (word->len == 1 && part->kind == PART_TEXT && !part->quoted && part->len == part->source_len)
		check(!memcmp(part->text, w->text + part->offset, part->len));
}

static void walk_node(struct walk *w, const struct shell_node *node)
{
	w->nodes++;
	check_place(w, node->offset, node->source_len);
	check(node->name || (node->kind != COMMAND_FOR && node->kind != COMMAND_FUNCTION));
	check(node->kind != COMMAND_FUNCTION || node->bodies_len == 1);
	check(node->kind != COMMAND_IF || node->bodies_len >= 2);
	for (size_t i = 0; i < node->assignments_len; i++) {
		check(node->assignments[i].name[0]);
		check_place(w, node->assignments[i].offset, node->assignments[i].source_len);
		walk_word(w, node->assignments[i].index_word);
		walk_word(w, &node->assignments[i].value);
		for (size_t k = 0; k < node->assignments[i].words_len; k++)
			walk_word(w, &node->assignments[i].words[k]);
	}
	for (size_t i = 0; i < node->words_len; i++) {
		walk_word(w, &node->words[i]);
		check_plain(w, &node->words[i]);
	}
	for (size_t i = 0; i < node->redirects_len; i++) {
		check_place(w, node->redirects[i].offset, node->redirects[i].source_len);
		walk_word(w, &node->redirects[i].target);
	}
	for (size_t i = 0; i < node->bodies_len; i++)
		walk_list(w, node->bodies[i]);
}

static void walk_list(struct walk *w, const struct shell_list *list)
{
	check(++w->depth <= 3 * SHELL_MAX_DEPTH);
	for (size_t i = 0; i < list->len; i++) {
		const struct shell_pipeline *pipeline = &list->pipelines[i];

		check(pipeline->len > 0 && !(pipeline->after_and && pipeline->after_or));
		for (size_t n = 0; n < pipeline->len; n++)
			walk_node(w, &pipeline->nodes[n]);
	}
	w->depth--;
}

static struct walk parse_and_walk(const char *text, size_t len)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_script script = shell_parse(&arena, text, len);
	struct walk w = { .text = text, .len = len };

	check(script.problems_len <= SHELL_MAX_PROBLEMS);
	for (size_t i = 0; i < script.problems_len; i++)
		check(script.problems[i].offset <= len && script.problems[i].what);
	check(arena.bytes < 400 * len + (2 << 20));
	walk_list(&w, script.body);
	check(w.parts <= SHELL_MAX_PARTS && w.nodes <= SHELL_MAX_PARTS);
	return w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct walk first = parse_and_walk(text, size), second = parse_and_walk(text, size);

	check(first.nodes == second.nodes && first.parts == second.parts);
	return 0;
}
