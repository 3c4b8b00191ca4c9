/* SPDX-License-Identifier: Apache-2.0
 * What commands print: the search for the row of a command, and the ways to say what came out. */
#include "validators/shell/knowledge_output.h"

#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_programs.h"

#define SHOWN_MAX 200	/* bytes of the command's words in "$(…)" */

bool output_text(struct output_call *c, struct text_out *out, bool known, unsigned int origin)
{
	c->ret->text = out_text(out, &c->ret->len);
	c->ret->known = known && !out->cut;
	c->ret->origin = origin;
	return true;
}

bool output_unknown(struct output_call *c, unsigned int origin)
{
	struct text_out out = out_init(c->arena, SHOWN_MAX);

	out_addstr(&out, "$(");
	for (size_t i = 0; i < c->argc && out.len + 8 < SHOWN_MAX; i++) {
		size_t room = SHOWN_MAX - 8 - out.len, len = c->argv[i].len;

		if (i)
			out_addch(&out, ' ');
		out_add(&out, c->argv[i].text, len < room ? len : room);
		if (len > room)
			out_addstr(&out, "...");
	}
	out_addch(&out, ')');
	return output_text(c, &out, false, origin);
}

bool output_nothing(struct output_call *c)
{
	struct text_out out = out_init(c->arena, 0);

	return output_text(c, &out, true, 0);
}

bool output_slice(struct output_call *c, const struct shell_value *from, size_t at, size_t len, unsigned int origin)
{
	c->ret->text = at + len == from->len ? from->text + at : arena_strndup(c->arena, from->text + at, len);
	c->ret->len = len;
	c->ret->known = from->known;
	c->ret->origin = from->origin | origin;
	return true;
}

const struct shell_value *output_operand(struct output_call *c, size_t n)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct option o;

	while (option_next(&walk, &o))
		if (o.operand && !n--)
			return &c->argv[o.index];
	return NULL;
}

bool output_source(struct output_call *c, size_t first_operand, const struct shell_value **ret, unsigned int *origin)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	size_t operands = 0;
	bool files = false;
	struct option o;

	*origin = 0;
	while (option_next(&walk, &o)) {
		if (!o.operand || operands++ < first_operand)
			continue;
		if (value_is(&o.value, "-") || value_is(&o.value, "/dev/stdin")) {
			*origin |= c->input->origin;
			continue;
		}
		files = true;
		*origin |= o.value.known ? knowledge_file_origin(o.value.text, o.value.len) : ORIGIN_FILE;
		/* a process substitution stands for what is in it */
		if (o.value.len > 2 && (!memcmp(o.value.text, "<(", 2) || !strncmp(o.value.text, "/dev/fd/", 8)))
			*origin |= o.value.origin & ~(unsigned int)ORIGIN_LITERAL;
	}
	if (files)
		return false;
	*origin = c->input->origin;
	*ret = c->input;
	return true;
}

static const struct {
	const struct output_program *rows;
	const size_t *len;
} tables[OUTPUT_TABLES] = {
	{ output_filters, &output_filters_len }, { output_decoders, &output_decoders_len }, { output_network, &output_network_len },
	{ output_others, &output_others_len },
};

const struct output_program *output_at(size_t table, size_t i, const char **name)
{
	if (i >= *tables[table].len)
		return NULL;
	*name = tables[table].rows[i].name;
	return &tables[table].rows[i];
}

const struct output_program *output_find(size_t table, const char *name, size_t len)
{
	size_t low = 0, high = *tables[table].len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = word_order(name, len, tables[table].rows[mid].name);

		if (!order)
			return &tables[table].rows[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* python3 -c 'print("text")', perl -e, ruby -e … that do nothing but print */
static bool interpreter_output(struct output_call *c, const struct interpreter_row *row)
{
	struct interpreter it;
	unsigned int origin;
	struct text_out out;

	if (!knowledge_interpreter_by(c->arena, row, c->argv, c->argc, c->input, &it))
		return false;
	if (!strcmp(it.language, "python") && !it.code.len && output_python_module(c))
		return true;
	if (!it.code.len || !it.code.known || it.file)
		return false;
	out = out_init(c->arena, 64);
	if (!code_printed(c->arena, it.language, &it.code, &out, &origin))
		return false;
	return output_text(c, &out, true, it.code.origin | origin | ORIGIN_ASSEMBLED);
}

bool knowledge_output_by(struct arena *arena, const struct known_program *known, const struct shell_value *argv, size_t argc,
			 const struct shell_value *input, struct shell_value *ret)
{
	static const struct shell_value nothing = { .text = "", .origin = ORIGIN_INPUT };
	struct output_call c = { .arena = arena, .argv = argv, .argc = argc, .input = input ? input : &nothing, .ret = ret };

	*ret = (struct shell_value){ .text = "", .offset = argv[0].offset, .source_len = argv[0].source_len };
	for (size_t i = 0; i < OUTPUT_TABLES; i++) {
		c.program = known->outputs[i];
		if (c.program && c.program->run(&c))
			return true;
	}
	return interpreter_output(&c, known->interpreter);
}

bool knowledge_output(struct arena *arena, const struct shell_value *argv, size_t argc, const struct shell_value *input,
		      struct shell_value *ret)
{
	struct known_program known;

	if (!argc)
		return false;
	known = program_known(arena, &argv[0], "");
	return knowledge_output_by(arena, &known, argv, argc, input, ret);
}
