/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/report.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/report_text.h"

static void write_json(const struct result *result, struct strbuf *out)
{
	json_auto_t *json = result_to_json(result);

	json_write(json, 2, out);
	strbuf_addch(out, '\n');
}

static const struct report_format formats[] = {
	{ "json", "result.json", "the whole result; runner/result.schema.json describes it", write_json },
	{ "text", "report.txt", "for people: steps with their output, enforcement, clean-up, verdict", report_text_write },
};

const struct report_format *report_at(size_t i)
{
	return i < ARRAY_SIZE(formats) ? &formats[i] : NULL;
}

const struct report_format *report_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	}
	return NULL;
}
