/* SPDX-License-Identifier: Apache-2.0
 * scan_report: a line that is taken is told as a line that says the same, and every form of it can be written:
 * nothing in it is obeyed by a terminal, and the verdict is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/json.h"
#include "validators/scan_report.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_form(const struct scan_format *form, const struct scan_report *r)
{
	struct scan_sink sink = { .text = STRBUF_INIT(STRBUF_NO_MAX) };
	const char *no = strcmp(form->name, "json") ? "not acceptable" : "not_acceptable";

	form->write(r, false, &sink);
	check(sink.text.len == strlen(sink.text.buf));
	for (size_t i = 0; i < sink.text.len; i++)
		check((unsigned char)sink.text.buf[i] >= ' ' || sink.text.buf[i] == '\n');
	if (!strcmp(form->name, "markdown"))
		check(sink.text.len <= (size_t)60 << 10);
	if (!strcmp(form->name, "text") || !strcmp(form->name, "github") || !strcmp(form->name, "markdown"))
		check(scan_report_acceptable(r) || strstr(sink.text.buf, no));
	if (!strcmp(form->name, "json") || !strcmp(form->name, "sarif") || !strcmp(form->name, "gitlab")) {
		struct error err = { 0 };
		json_t *parsed = NULL;

		check(json_parse(sink.text.buf, sink.text.len, form->name, &parsed, &err) == 0);
		json_decref(parsed);
	}
	strbuf_release(&sink.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autostrbuf struct strbuf once = STRBUF_INIT(STRBUF_NO_MAX), twice = STRBUF_INIT(STRBUF_NO_MAX);
	struct scanned_file f, g;
	struct scan_report r;
	struct error err = { 0 };

	if (scanned_file_from_line((const char *)data, size, SCAN_WHOLE, NULL, &f, &err) < 0) {
		check(err.code == ERR_INVALID_INPUT && err.text[0]);
		return 0;
	}
	scanned_file_to_line(&f, &once);
	check(!memchr(once.buf, '\n', once.len));
	check(scanned_file_from_line(once.buf, once.len, SCAN_WHOLE, NULL, &g, &err) == 0);
	scanned_file_to_line(&g, &twice);
	check(!strcmp(once.buf, twice.buf));
	scan_report_init(&r);
	r.fail_on = (enum fail_on)(size % (FAIL_ON_NEVER + 1));
	scan_report_add(&r, &f);
	check(scan_report_add_line(&r, once.buf, once.len, &err) == 0);
	check(r.unacceptable == 0 || r.unacceptable == 2);
	for (const struct scan_format *form = scan_formats; form->name; form++)
		check_form(form, &r);
	scan_report_release(&r);
	scanned_file_release(&f);
	scanned_file_release(&g);
	return 0;
}
