/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml's words are those of a grammar; an author needs to know what to change. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/yaml_text.h"

/* %u is the line of the context: where the construct began. */
static const struct saying {
	const char *libyaml, *ours;
	bool at_context;	/* the beginning of the construct is the better place */
} sayings[] = {
	{ "mapping values are not allowed in this context",
	  "a ':' cannot stand here: put the text in quotes, or check the indentation", false },
	{ "found character that cannot start any token", "this character cannot begin a value, put the text in quotes",
	  false },
	{ "found unexpected end of stream", "the quoted text that begins here is not closed", true },
	{ "found unexpected document indicator", "the quoted text that begins here is not closed", true },
	{ "did not find expected key",
	  "a key is expected here, as in the mapping that begins on line %u: check indentation and quotes", false },
	{ "did not find expected '-' indicator", "a '-' is expected here, as in the list that begins on line %u",
	  false },
	{ "could not find expected ':'", "this line has no ':' after its key", true },
	{ "did not find expected ',' or ']'",
	  "the list that begins on line %u is not closed by ']', or a ',' is missing", false },
	{ "did not find expected ',' or '}'",
	  "the mapping that begins on line %u is not closed by '}', or a ',' is missing", false },
	{ "did not find expected node content", "a value is expected here", false },
	{ "found unknown escape character",
	  "unknown escape in double quotes: write '\\\\' for a backslash, or use single quotes", false },
	{ "found incompatible YAML document", "this version of YAML is not known, 1.1 and 1.2 are", false },
	{ "did not find expected <document start>", "nothing may follow the end of the document", false },
	{ "did not find expected comment or line break", "nothing but a comment may follow on the line of '|' or '>'",
	  false },
};

/* Is a tab in the white space at the start of the line the trouble? Between brackets (JSON) tabs are fine. */
static bool tab_indents(const struct yaml_text *text, const char *said, size_t offset, size_t *ret)
{
	const char *line;
	size_t len;

	if (!strstr(said, "tab character") && text->bytes[offset] != '\t')
		return false;
	if (!yaml_text_line(text, yaml_text_position(text, offset).line, &line, &len))
		return false;
	for (size_t i = 0; i < len && (line[i] == ' ' || line[i] == '\t'); i++) {
		if (line[i] == '\t') {
			*ret = (size_t)(line - text->bytes) + i;
			return true;
		}
	}
	return false;
}

char *yaml_explain(const struct yaml_text *text, const char *said, const char *context, size_t context_offset,
		   size_t *offset)
{
	unsigned int line = yaml_text_position(text, context_offset).line;

	if (tab_indents(text, said, *offset, offset))
		return xstrdup("a tab is used for indentation, YAML wants spaces");
	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		if (strcmp(sayings[i].libyaml, said))
			continue;
		if (sayings[i].at_context || *offset >= text->len)
			*offset = context_offset;
		return xasprintf(sayings[i].ours, line);
	}
	return xasprintf("%s%s%s", context ? context : "", context ? ": " : "", said);
}
