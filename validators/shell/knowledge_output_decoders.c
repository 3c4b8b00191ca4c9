/* SPDX-License-Identifier: Apache-2.0
 * Decoders: what is known and text comes out decoded; of the rest only where it comes from. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

typedef bool decoder(struct text_out *out, const char *text, size_t len);

static bool decoded_value(struct output_call *c, const struct shell_value *input, unsigned int origin, decoder *decode)
{
	struct text_out out;

	if (!input->known || !decode)
		return output_unknown(c, origin | ORIGIN_DECODED);
	out = out_init(c->arena, input->len);
	if (!decode(&out, input->text, input->len))
		return output_unknown(c, origin | ORIGIN_DECODED);
	return output_text(c, &out, decode_is_text(out.text, out.len), origin | ORIGIN_DECODED);
}

/* Of a command that decodes its files or its input. */
static bool decoded(struct output_call *c, decoder *decode)
{
	const struct shell_value *input;
	unsigned int origin;

	if (!output_source(c, 0, &input, &origin))
		return output_unknown(c, origin | ORIGIN_DECODED);
	return decoded_value(c, input, origin, decode);
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

static bool run_base32(struct output_call *c)
{
	return asked(c, "dD", "decode") ? decoded(c, decode_base32) : encoded(c);
}

static bool run_basenc(struct output_call *c)
{
	if (!asked(c, "dD", "decode"))
		return encoded(c);
	if (asked(c, NULL, "base16"))
		return decoded(c, decode_hex);
	if (asked(c, NULL, "base32"))
		return decoded(c, decode_base32);
	return decoded(c, asked(c, NULL, "base64 base64url") ? decode_base64 : NULL);
}

static bool run_uudecode(struct output_call *c)
{
	return decoded(c, decode_uu);
}

/* "00000000: 726d 202d  rm -": what stands between the colon and the two blanks */
static bool decode_dump(struct text_out *out, const char *text, size_t len)
{
	const char *end = text + len;
	bool any = false;

	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		const char *colon = memchr(line, ':', n);

		if (colon) {
			size_t left = n - (size_t)(colon + 1 - line);
			const char *hex = colon + 1;
			const char *gap;

			while (left && *hex == ' ') {
				hex++;
				left--;
			}
			gap = memmem(hex, left, "  ", 2);
			any |= decode_hex(out, hex, gap ? (size_t)(gap - hex) : left);
		}
		line = stop ? stop + 1 : end;
	}
	return any;
}

/* xxd reads its options by their beginnings: -r, -revert, -p, -ps, -plain */
static bool run_xxd(struct output_call *c)
{
	bool reverse = false, plain = false;

	for (size_t i = 1; i < c->argc; i++) {
		const char *word = c->argv[i].text;

		if (word[0] != '-')
			continue;
		word += 1 + (word[1] == '-');
		reverse |= word[0] == 'r';
		plain |= word[0] == 'p' || (word[0] == 'r' && word[1] == 'p');
	}
	return reverse ? decoded(c, plain ? decode_hex : decode_dump) : encoded(c);
}

/* openssl base64 -d, openssl enc -d …, openssl smime -decrypt */
static bool run_openssl(struct output_call *c)
{
	bool decode = false, base64, cipher = false, network = false;
	const struct shell_value *in = NULL;

	if (c->argc < 2)
		return false;
	base64 = value_is(&c->argv[1], "base64");
	network = value_is(&c->argv[1], "s_client");
	if (!base64 && !network && !word_in(c->argv[1].text, c->argv[1].len, "enc smime cms rsautl pkeyutl aes-256-cbc aes-128-cbc des3"))
		return false;
	if (network)
		return output_unknown(c, output_network_origin(c->argv + 2, c->argc - 2));
	for (size_t i = 2; i < c->argc; i++) {
		const struct shell_value *v = &c->argv[i];

		if (value_is(v, "-d") || value_is(v, "-decrypt"))
			decode = true;
		else if (value_is(v, "-a") || value_is(v, "-base64"))
			base64 = true;
		else if (value_is(v, "-in") && i + 1 < c->argc)
			in = &c->argv[++i];
		else if (word_in(v->text, v->len, "-out -k -K -iv -pass -S -md -iter -kfile") && i + 1 < c->argc)
			i++;
		else if (v->len > 4 && v->text[0] == '-' && !word_in(v->text, v->len, "-nosalt -salt -pbkdf2 -nopad"))
			cipher = true;
	}
	if (in && !value_is(in, "-") && !value_is(in, "/dev/stdin"))
		return output_unknown(c, knowledge_file_origin(in->text, in->len) | (decode ? ORIGIN_DECODED : 0));
	if (!decode)
		return output_unknown(c, c->input->origin);
	return decoded_value(c, c->input, c->input->origin, base64 && !cipher ? decode_base64 : NULL);
}

/* What takes compression away: by its name, or by -d. */
static bool run_compress(struct output_call *c)
{
	const struct shell_value *input;
	bool decode = !c->program->words || asked(c, c->program->words, "decompress uncompress decrypt extract-out");
	bool stdout_asked = asked(c, "cd", "stdout to-stdout");
	unsigned int origin;

	/* gunzip FILE and gzip FILE only replace the file */
	if (!output_source(c, 0, &input, &origin) && !stdout_asked && !strstr(c->program->name, "cat") && c->program->origin == 0)
		return output_nothing(c);
	return output_unknown(c, origin | c->program->origin | (decode ? ORIGIN_DECODED : 0));
}

/* tar c: what it packs; tar xO: what it unpacks */
static bool run_tar(struct output_call *c)
{
	const struct shell_value *mode = c->argc > 1 ? &c->argv[1] : NULL;
	bool create = false, extract = false, to_stdout = false, file = false;
	unsigned int origin = 0;

	if (!mode)
		return false;
	for (size_t i = 1; i < c->argc; i++) {
		const struct shell_value *v = &c->argv[i];
		bool letters = v->text[0] == '-' ? v->text[1] != '-' : i == 1;

		create |= value_is(v, "--create") || (letters && strchr(v->text, 'c'));
		extract |= value_is(v, "--extract") || value_is(v, "--get") || (letters && strchr(v->text, 'x'));
		to_stdout |= value_is(v, "--to-stdout") || (letters && strchr(v->text, 'O'));
		if (letters && strchr(v->text, 'f')) {
			const struct shell_value *name = i + 1 < c->argc && v->text[v->len - 1] == 'f' ? &c->argv[++i] : NULL;

			file = !name || !value_is(name, "-");
			if (name && file && !create)
				origin |= knowledge_file_origin(name->text, name->len);
		} else if (v->text[0] != '-' && i > 1 && create) {
			origin |= knowledge_file_origin(v->text, v->len);
		}
	}
	if (create && !file)
		return output_unknown(c, origin | ORIGIN_FILE);
	if (extract && to_stdout)
		return output_unknown(c, (file ? origin : c->input->origin) | ORIGIN_DECODED);
	return false;
}

/* python3 -m base64 -d */
bool output_python_module(struct output_call *c)
{
	bool base64 = false, decode = false;

	for (size_t i = 1; i < c->argc; i++) {
		base64 |= value_is(&c->argv[i], "base64") && value_is(&c->argv[i - 1], "-m");
		decode |= value_is(&c->argv[i], "-d") || value_is(&c->argv[i], "-u");
	}
	return base64 && decode && decoded_value(c, c->input, c->input->origin, decode_base64);
}

#define PACKED { .values = "SbTMlof", .long_values = "suffix threads format level output memory" }
#define DECODE_BY_OPTION "d"

const struct output_program output_decoders[] = {
	{ .name = "age", .run = run_compress, .words = DECODE_BY_OPTION, .origin = ORIGIN_DECODED, .options = { .values = "irRo" } },
	{ .name = "ansible-vault", .run = run_compress, .origin = ORIGIN_SECRET, .options = { .long_values = "vault-password-file vault-id" } },
	{ .name = "base32", .run = run_base32, .options = { .values = "w", .long_values = "wrap" } },
	{ .name = "base64", .run = run_base64, .options = { .values = "wb", .long_values = "wrap break" } },
	{ .name = "basenc", .run = run_basenc, .options = { .values = "w", .long_values = "wrap" } },
	{ .name = "brotli", .run = run_compress, .words = DECODE_BY_OPTION, .options = PACKED },
	{ .name = "bsdtar", .run = run_tar },
	{ .name = "bunzip2", .run = run_compress },
	{ .name = "bzcat", .run = run_compress },
	{ .name = "bzip2", .run = run_compress, .words = DECODE_BY_OPTION },
	{ .name = "funzip", .run = run_compress },
	{ .name = "gbase64", .run = run_base64, .options = { .values = "w", .long_values = "wrap" } },
	{ .name = "gpg", .run = run_compress, .words = "d", .origin = ORIGIN_DECODED, .options = { .values = "oru", .long_values = "output recipient passphrase "
		"passphrase-file passphrase-fd homedir pinentry-mode local-user keyring" } },
	{ .name = "gpg2", .run = run_compress, .words = "d", .origin = ORIGIN_DECODED, .options = { .values = "oru", .long_values = "output recipient passphrase "
		"passphrase-file passphrase-fd homedir pinentry-mode local-user keyring" } },
	{ .name = "gunzip", .run = run_compress, .options = PACKED },
	{ .name = "gzcat", .run = run_compress },
	{ .name = "gzip", .run = run_compress, .words = DECODE_BY_OPTION, .options = { .values = "S", .long_values = "suffix" } },
	{ .name = "lz4", .run = run_compress, .words = DECODE_BY_OPTION },
	{ .name = "lz4cat", .run = run_compress },
	{ .name = "lzcat", .run = run_compress },
	{ .name = "lzma", .run = run_compress, .words = DECODE_BY_OPTION },
	{ .name = "openssl", .run = run_openssl },
	{ .name = "pigz", .run = run_compress, .words = DECODE_BY_OPTION, .options = { .values = "pSb" } },
	{ .name = "tar", .run = run_tar },
	{ .name = "uncompress", .run = run_compress },
	{ .name = "unlzma", .run = run_compress },
	{ .name = "unpigz", .run = run_compress },
	{ .name = "unxz", .run = run_compress, .options = PACKED },
	{ .name = "unzstd", .run = run_compress, .options = PACKED },
	{ .name = "uudecode", .run = run_uudecode, .options = { .values = "o" } },
	{ .name = "uuencode", .run = encoded },
	{ .name = "xxd", .run = run_xxd, .options = { .values = "cglos" } },
	{ .name = "xz", .run = run_compress, .words = DECODE_BY_OPTION, .options = PACKED },
	{ .name = "xzcat", .run = run_compress },
	{ .name = "zcat", .run = run_compress },
	{ .name = "zstd", .run = run_compress, .words = DECODE_BY_OPTION, .options = PACKED },
	{ .name = "zstdcat", .run = run_compress },
};
const size_t output_decoders_len = ARRAY_SIZE(output_decoders);
