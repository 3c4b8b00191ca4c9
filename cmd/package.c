/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/package.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/scan_file.h"
#include "runner/base/archive.h"
#include "runner/base/file.h"
#include "runner/base/http.h"

static bool is_url(const char *spec)
{
	return !strncmp(spec, "http://", 7) || !strncmp(spec, "https://", 8);
}

bool package_needs_scratch(const char *spec)
{
	return is_url(spec) || (strcmp(spec, "-") && archive_is_archive(spec));
}

static void start(const char *spec, struct package *ret)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

	if (strstr(spec, "://"))
		http_url_display(&shown, spec);
	else
		strbuf_addstr(&shown, spec);
	*ret = (struct package){ .shown = strbuf_detach(&shown) };
	finding_list_init(&ret->findings, ret->shown);
}

/* `ret` is started. */
static int read_started(const char *spec, const char *scratch, struct package *ret, struct error *err)
{
	if (source_open(spec, scratch, &ret->source, err) < 0)
		return -1;
	ret->findings.file = ret->source.name;
	return 0;
}

int package_read(const char *spec, const char *state_dir, struct scratch *scratch, struct package *ret, struct error *err)
{
	start(spec, ret);
	/* what stands behind a URL may have to be unpacked, and is not to be asked for twice */
	if (!is_url(spec)) {
		int rc = read_started(spec, NULL, ret, err);

		if (rc == 0 || !ret->source.is_bundle)
			return rc;
	}
	if (scratch_open(scratch, state_dir, err) < 0 || scratch_guard(scratch, err) < 0)
		return -1;
	return read_started(spec, scratch_path(scratch), ret, err);
}

int package_parse(struct package *p, struct error *err)
{
	return document_parse(p->source.bytes.buf, p->source.bytes.len, p->source.name, &yaml_default_limits, &p->doc, err);
}

int package_decode(struct package *p, struct error *err)
{
	if (wpk_decode(p->doc, &p->wpk, &p->findings, err) < 0)
		return -1;
	finding_sort(&p->findings);
	return 0;
}

/* What was read. */
static int open_read(const char *spec, struct scan_judge *judge, struct package *ret, struct error *err)
{
	if (package_parse(ret, err) < 0 || package_decode(ret, err) < 0)
		return -1;
	if (judge)
		scan_judge_look_beside(judge, spec, NULL);
	if (judge && ret->wpk && !finding_count(&ret->findings, FINDING_ERROR))
		scan_judge_package(judge, spec, ret->doc, ret->wpk, &ret->findings, &ret->decision);
	return 0;
}

int package_open(const char *spec, const char *scratch, struct scan_judge *judge, struct package *ret, struct error *err)
{
	start(spec, ret);
	return read_started(spec, scratch, ret, err) < 0 ? -1 : open_read(spec, judge, ret, err);
}

int package_open_anywhere(const char *spec, const char *state_dir, struct scratch *scratch, struct scan_judge *judge, struct package *ret,
			  struct error *err)
{
	return package_read(spec, state_dir, scratch, ret, err) < 0 ? -1 : open_read(spec, judge, ret, err);
}

void package_release(struct package *p)
{
	decision_free(p->decision);
	wpk_free(p->wpk);
	finding_list_release(&p->findings);
	document_free(p->doc);
	source_release(&p->source);
	free(p->shown);
}

void package_print_findings(const struct package *p, const struct common_options *common, size_t first, bool color,
			    struct strbuf *out)
{
	for (size_t i = first; i < p->findings.len; i++) {
		const struct finding *f = &p->findings.items[i];

		if (common->quiet && f->level != FINDING_ERROR)
			continue;
		if (!f->of_rule || common->verbose || (f->severity >= SEVERITY_HIGH && !f->suppressed))
			finding_print(f, p->findings.file, p->doc, color, out);
	}
}

void package_show_findings(const struct package *p, const struct common_options *common, size_t first)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	package_print_findings(p, common, first, use_color(common, STDERR_FILENO), &text);
	if (write_all(STDERR_FILENO, text.buf, text.len) < 0) { /* nowhere left to tell */ }
}

json_t *package_findings_to_json(const struct package *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->findings.len; i++)
		json_push(list, finding_to_json(&p->findings.items[i], p->findings.file));
	return list;
}

void package_show_reasons(const struct package *p)
{
	if (!p->decision || !decision_refused(p->decision))
		return;
	for (size_t i = 0; i < decision_reasons(p->decision)->len; i++)
		message("refused", "%s", decision_reasons(p->decision)->items[i]);
}

void package_verdict(const struct package *p, struct error *err)
{
	size_t errors = finding_count(&p->findings, FINDING_ERROR);

	*err = (struct error){ .code = ERR_OK };
	if (errors || !p->decision) {
		error_set(err, ERR_INVALID_INPUT, "package '%s' is invalid: %zu error%s", p->findings.file, errors, errors == 1 ? "" : "s");
	} else if (decision_refused(p->decision)) {
		error_set(err, ERR_PERMISSION_DENIED, "the policy refuses package '%s': its score is %u of 100", p->findings.file,
			  decision_score(p->decision));
	}
}
