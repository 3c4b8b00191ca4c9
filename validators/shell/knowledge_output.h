/* SPDX-License-Identifier: Apache-2.0
 * knowledge_output: how the parts of knowledge_output() share their work. Private to knowledge_output*.c. */
#pragma once

#include "validators/shell/knowledge.h"
#include "validators/shell/knowledge_decode.h"
#include "validators/shell/knowledge_option.h"

struct output_program;

struct output_call {
	struct arena *arena;
	const struct shell_value *argv;
	size_t argc;
	const struct shell_value *input;	/* never NULL: what is not given is unknown and ORIGIN_INPUT */
	struct shell_value *ret;
	const struct output_program *program;
};

struct output_program {
	const char *name;
	bool (*run)(struct output_call *c);
	unsigned int origin;		/* what the function makes of it */
	struct option_spec options;
	const char *words;		/* what the function makes of it */
};

/* The tables of the text filters, the decoders, the network's clients, the rest; each sorted by name. A row that says false leaves it to a later table. */
extern const struct output_program output_filters[], output_decoders[], output_network[], output_others[];
extern const size_t output_filters_len, output_decoders_len, output_network_len, output_others_len;

/* All return true. The first: text, known or with ${NAME} in it. The second: nobody can tell, but where it comes from. */
bool output_text(struct output_call *c, struct text_out *out, bool known, unsigned int origin);
bool output_unknown(struct output_call *c, unsigned int origin);
bool output_nothing(struct output_call *c);	/* it prints nothing, that is known */
/* A part or all of the input as it is. */
bool output_slice(struct output_call *c, const struct shell_value *from, size_t at, size_t len, unsigned int origin);

/* The operands from `first_operand` on are files, "-" and none are standard input. True: the text is *ret. False: *origin is where the content is from. */
bool output_source(struct output_call *c, size_t first_operand, const struct shell_value **ret, unsigned int *origin);
/* The nth operand (from 0), NULL: there is none. */
const struct shell_value *output_operand(struct output_call *c, size_t n);

/* What the URLs and hosts among the arguments make of what is fetched from them. */
unsigned int output_network_origin(const struct shell_value *argv, size_t argc);

bool output_python_module(struct output_call *c);
bool output_echo(struct output_call *c);
bool output_printf(struct output_call *c);
bool output_sed(struct output_call *c);
bool output_awk(struct output_call *c);
bool output_grep(struct output_call *c);
bool output_tr(struct output_call *c);
