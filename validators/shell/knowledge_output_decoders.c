/* SPDX-License-Identifier: Apache-2.0
 * Decoders: what is known and text comes out decoded; of the rest only where it comes from. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

/* Of a command that decodes: *ret when the input is known and no file, else *origin. */
static bool decoded(struct output_call *c, bool (*decode)(struct text_out *out, const char *text, size_t len))
{
	const struct shell_value *input;
	unsigned int origin;
	struct text_out out;

	if (!output_source(c, 0, &input, &origin) || !input->known)
		return output_unknown(c, origin | ORIGIN_DECODED);
	out = out_init(c->arena, input->len);
	if (!decode(&out, input->text, input->len))
		return output_unknown(c, origin | ORIGIN_DECODED);
	return output_text(c, &out, decode_is_text(out.text, out.len), origin | ORIGIN_DECODED);
}

static bool asked(struct output_call *c, const char *letters, const char *names)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct option o;

	while (option_next(&walk, &o))
		if (option_in(&o, letters, names))
			return true;
	return false;
}

/* Encoding keeps where the content is from. */
static bool encoded(struct output_call *c)
{
	const struct shell_value *input;
	unsigned int origin;

	output_source(c, 0, &input, &origin);
	return output_unknown(c, origin);
}

static bool run_base64(struct output_call *c)
{
	return asked(c, "dD", "decode") ? decoded(c, decode_base64) : encoded(c);
}

const struct output_program output_decoders[] = {
	{ .name = "base64", .run = run_base64, .options = { .values = "wbio", .long_values = "wrap input output break" } },
};
const size_t output_decoders_len = ARRAY_SIZE(output_decoders);
