/* SPDX-License-Identifier: Apache-2.0
 *
 * Annotations of GitHub Actions. It shows at most ten of each kind a step and drops the rest silently: the most
 * severe go first, and the last line counts all. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_report_forms.h"

#define ANNOTATIONS_PER_KIND 10

struct annotations {
	char *lines[SEVERITY_CRITICAL + 1][ANNOTATIONS_PER_KIND];	/* owned; the first of each severity */
	size_t len[SEVERITY_CRITICAL + 1];
};

/* Made safe to look at first; then GitHub's own escapes, those of properties being more. */
static void add_escaped(struct strbuf *out, const char *s, bool property)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_escape(&safe, s, strlen(s));
	for (s = safe.buf; *s; s++) {
		if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
			strbuf_addf(out, "%%%02X", (unsigned int)(unsigned char)*s);
		else
			strbuf_addch(out, *s);
	}
}

static const char *kind_of(enum severity s)
{
	return s >= SEVERITY_HIGH ? "error" : s == SEVERITY_MEDIUM ? "warning" : "notice";
}

static char *annotation(const struct finding *f, const char *file)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *title = xasprintf("%s: %s", severity_to_string(f->severity), f->rule_id);

	strbuf_addf(&line, "::%s file=", kind_of(f->severity));
	add_escaped(&line, scan_relative(file), true);
	if (f->position.line)
		strbuf_addf(&line, ",line=%u,endLine=%u,col=%u,endColumn=%llu", f->position.line, f->position.line,
			    f->position.column, (unsigned long long)f->position.column + f->width);
	strbuf_addstr(&line, ",title=");
	add_escaped(&line, title, true);
	strbuf_addstr(&line, "::");
	add_escaped(&line, f->message, false);
	if (f->suggestion) {
		strbuf_addstr(&line, "%0Ahelp: ");
		add_escaped(&line, f->suggestion, false);
	}
	strbuf_addch(&line, '\n');
	return strbuf_detach(&line);
}

static void gather(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct annotations *a = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];
		enum severity s = finding->severity;

		if (!finding->suppressed && !scan_finding_is_note(finding) && a->len[s] < ANNOTATIONS_PER_KIND)
			a->lines[s][a->len[s]++] = annotation(finding, f->file);
	}
}

void scan_report_github(const struct scan_report *r, bool color, struct scan_sink *out)
{
	static const enum severity order[] = { SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_MEDIUM, SEVERITY_LOW,
					       SEVERITY_INFO };
	struct annotations a = { .len = { 0 } };
	size_t shown = 0, all = 0, more = 0;

	(void)color;
	scan_report_each(r, SCAN_WHOLE, gather, &a);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		enum severity s = order[i];

		if (!i || strcmp(kind_of(s), kind_of(order[i - 1])))
			shown = 0;
		all += r->counts[s];
		for (size_t j = 0; j < a.len[s]; j++) {
			if (shown++ < ANNOTATIONS_PER_KIND) {
				strbuf_addstr(&out->text, a.lines[s][j]);
				more++;
			}
			free(a.lines[s][j]);
		}
	}
	strbuf_addstr(&out->text, "sandbox_runner scan: ");
	scan_verdict_text(r, &out->text);
	if (all > more)
		strbuf_addf(&out->text, "; %zu of these %zu findings have no annotation, as GitHub shows ten of a kind",
			    all - more, all);
	strbuf_addch(&out->text, '\n');
	scan_sink_flush(out, true);
}
