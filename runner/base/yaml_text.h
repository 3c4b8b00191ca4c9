/* SPDX-License-Identifier: Apache-2.0
 * yaml_text: the characters of a document. Private to yaml*.c: bytes in any accepted encoding become UTF-8 that YAML
 * allows, and every byte knows its line and column. */
#pragma once

#include "runner/base/arena.h"
#include "runner/base/yaml.h"

struct yaml_text {
	char *bytes;		/* owned; UTF-8 without byte order mark, NUL-terminated */
	size_t len, chars;	/* in bytes, in characters */
	uint32_t *lines;	/* owned; offset at which each line begins */
	size_t lines_len, lines_alloc;
	uint32_t *marks;	/* owned; characters before every 128th byte; NULL when a character is a byte */
};

/* What a document's `pool` points to. */
struct yaml_store {
	struct yaml_text text;
	struct arena arena;	/* nodes and their texts */
};

/* 0, or -1 with the first place that is not text in *ret_offset and a sentence (owned by the caller) in
 * *ret_message. `ret` is usable either way; it is empty when the input is no text at all. */
int yaml_text_decode(const char *bytes, size_t len, struct yaml_text *ret, size_t *ret_offset, char **ret_message);
void yaml_text_release(struct yaml_text *text);

/* Offset of character number `index`; past the end is the end. */
size_t yaml_text_offset(const struct yaml_text *text, size_t index);
struct position yaml_text_position(const struct yaml_text *text, size_t offset);
/* Line number `line` (from 1) without its end. */
bool yaml_text_line(const struct yaml_text *text, uint32_t line, const char **start, size_t *len);

/* What libyaml says about the place *offset, and where the construct began, as a sentence for people (owned by
 * the caller). Moves *offset to the place that helps most. */
char *yaml_explain(const struct yaml_text *text, const char *said, const char *context, size_t context_offset,
		   size_t *offset);
