/* SPDX-License-Identifier: Apache-2.0
 * metrics: whatever stands in a result, and whatever a workflow is called, what is written stays a text that Prometheus can read: UTF-8, a name, quoted
 * labels, a number; and it stays small. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/serve/metrics.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

static const char *past_labels(const char *s)
{
	while (*s != '}') {
		s += strspn(s, ",{");
		s += strcspn(s, "=\n{},\" ");
		if (*s++ != '=' || *s++ != '"')
			abort();
		for (; *s != '"'; s++) {
			if (*s == '\n' || (*s == '\\' && !strchr("\\\"n", *++s)))
				abort();
		}
		s++;
		if (*s != ',' && *s != '}')
			abort();
	}
	return s + 1;
}

static void check_line(const char *line)
{
	char *end;

	if (*line == '#')
		return;
	while (isalnum((unsigned char)*line) || *line == '_')
		line++;
	if (*line == '{')
		line = past_labels(line);
	if (*line++ != ' ' || !(strtod(line, &end) >= 0) || end == line || *end != '\n')
		abort();
}

static void check(const struct strbuf *out)
{
	for (size_t i = 0; i < out->len;) {
		uint32_t c;

		i += utf8_decode(out->buf + i, out->len - i, &c);
		if (c == UTF8_INVALID)
			abort();
	}
	for (const char *line = out->buf; *line; line = strchr(line, '\n') + 1)
		check_line(line);
	if (out->len > 1 << 17)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *name = xstrndup((const char *)data, size);
	const struct metrics_now now = { .active_runs = 1 };
	struct metrics *m = metrics_new(true);
	json_auto_t *json = NULL;

	json_parse((const char *)data, size, "result", &json, NULL);
	metrics_run(m, name, name, name, size, json);
	metrics_http(m, name, "listRuns", (int)size, size);	/* routes are ours */
	metrics_write(m, &now, size & 1, &out);
	check(&out);
	metrics_free(m);
	return 0;
}
