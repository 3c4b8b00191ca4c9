/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scan_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "validators/policy_registry.h"

#define INPUT_BYTES_MAX ((size_t)64 << 20)	/* of a baseline */
#define SECONDS_PER_DAY 86400

void scan_options_release(struct scan_options *o)
{
	strvec_release(&o->rules);
}

/* ---- what to judge by */

/* A file of ours with findings: it is told like a package, and makes the whole not acceptable if it is wrong. */
static void add_findings(struct scan_report *report, const char *name, struct finding_list *findings)
{
	struct scanned_file f;

	if (!findings->len || !report)
		return;
	scanned_file_init(&f, name);
	f.findings = *findings;
	f.findings.file = f.file;
	*findings = (struct finding_list){ .file = findings->file };
	finding_sort(&f.findings);
	f.valid = !finding_count(&f.findings, FINDING_ERROR);
	f.verdict = f.valid ? VERDICT_APPROVE : VERDICT_BLOCK;
	scan_report_add(report, &f);
	scanned_file_release(&f);
}

static int read_document(const char *path, struct document **ret, struct error *err)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(yaml_default_limits.max_bytes);

	if (file_read(path, &bytes, err) < 0)
		return -1;
	return document_parse(bytes.buf, bytes.len, path, &yaml_default_limits, ret, err);
}

static int open_policy(struct scan_judge *j, const char *name, struct scan_report *report, struct error *err)
{
	struct finding_list findings;
	struct document *doc = NULL;

	j->policy = policy_builtin(name);
	if (j->policy)
		return 0;
	if (read_document(name, &doc, err) < 0)
		return strpbrk(name, "./")
			       ? error_prefix(err, "policy")
			       : error_set(err, ERR_USAGE,
					   "--policy: '%s' is neither 'default' nor 'registry-compat' nor a file",
					   name);
	finding_list_init(&findings, name);
	j->policy = policy_from_document(doc, &findings);
	add_findings(report, name, &findings);
	finding_list_release(&findings);
	document_free(doc);
	return j->policy ? 0 : error_set(err, ERR_INVALID_INPUT, "the policy '%s' is invalid", name);
}

static int open_rules(struct scan_judge *j, const struct strvec *folders, struct scan_report *report, struct error *err)
{
	j->rules = rules_builtin(j->policy->pack);
	report->rules = j->rules;
	for (size_t i = 0; i < folders->len; i++) {
		struct finding_list findings;
		int rc;

		finding_list_init(&findings, folders->items[i]);
		rc = rules_load_folder(j->rules, folders->items[i], &findings, err);
		add_findings(report, findings.file, &findings);	/* the file of the folder that is wrong */
		finding_list_release(&findings);
		if (rc < 0)
			return -1;
	}
	j->own_rules = folders->len > 0;
	j->scanner = scanner_new(j->rules);
	return 0;
}

/* ---- suppressions beside packages */

struct scan_folder {
	char *path;			/* owned; with its final '/', "" for the current one */
	struct suppressions *suppressions;	/* owned; NULL: no ignore file there */
};

static struct suppressions *new_suppressions(const struct scan_judge *j)
{
	return suppressions_new(j->rules, (long)(clock_realtime_ns() / NS_PER_SEC / SECONDS_PER_DAY));
}

static int open_suppressions(struct scan_judge *j, const char *ignore_file, struct scan_report *report, struct error *err)
{
	struct finding_list findings;

	j->ignore = true;
	j->suppressions = new_suppressions(j);
	if (!ignore_file)
		return 0;
	if (read_document(ignore_file, &j->ignore_doc, err) < 0)
		return error_prefix(err, "suppressions");
	finding_list_init(&findings, ignore_file);
	suppressions_add_document(j->suppressions, j->ignore_doc, true, &findings);
	add_findings(report, ignore_file, &findings);
	finding_list_release(&findings);
	return 0;
}

static struct suppressions *read_beside(const struct scan_judge *j, const char *path, struct scan_report *report)
{
	struct suppressions *s = new_suppressions(j);
	struct document *doc = NULL;
	struct finding_list findings, said;
	struct error err = { 0 };

	finding_list_init(&findings, path);
	finding_list_init(&said, path);
	if (j->ignore_doc)
		suppressions_add_document(s, j->ignore_doc, true, &said);	/* what is wrong with it has been told */
	if (read_document(path, &doc, &err) < 0)
		finding_add(&findings, FINDING_ERROR, "source/unreadable", (struct position){ 0 }, "%s", err.text);
	else
		suppressions_add_document(s, doc, false, &findings);
	add_findings(report, path, &findings);
	finding_list_release(&findings);
	finding_list_release(&said);
	document_free(doc);
	return s;
}

static size_t folder_len(const char *package)
{
	const char *slash = strrchr(package, '/');

	return slash ? (size_t)(slash + 1 - package) : 0;
}

/* Packages come folder by folder: the last one is the likeliest. */
static const struct scan_folder *find_folder(const struct scan_judge *j, const char *package)
{
	size_t len = folder_len(package);

	for (size_t i = j->folders_len; i-- > 0;)
		if (!strncmp(j->folders[i].path, package, len) && !j->folders[i].path[len])
			return &j->folders[i];
	return NULL;
}

void scan_judge_look_beside(struct scan_judge *j, const char *package, struct scan_report *report)
{
	autofree char *path = NULL;
	struct scan_folder folder;

	if (!j->ignore || !strcmp(package, "-") || strstr(package, "://") ||
	    (j->looked && !strncmp(j->looked, package, folder_len(package)) && !j->looked[folder_len(package)]))
		return;
	free(j->looked);
	j->looked = xstrndup(package, folder_len(package));
	path = xasprintf("%s" SCAN_IGNORE_NAME, j->looked);
	if (access(path, F_OK) < 0 || find_folder(j, package))
		return;
	folder = (struct scan_folder){ .path = xstrdup(j->looked), .suppressions = read_beside(j, path, report) };
	ARRAY_GROW(j->folders, j->folders_len, j->folders_alloc);
	j->folders[j->folders_len++] = folder;
}

static int open_baseline(struct scan_judge *j, const char *path, struct error *err)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(INPUT_BYTES_MAX);

	if (file_read(path, &bytes, err) < 0 || baseline_parse(bytes.buf, bytes.len, path, &j->baseline, err) < 0)
		return error_prefix(err, "baseline");
	j->baseline_len = baseline_gone(j->baseline);	/* nothing was met yet */
	return 0;
}

int scan_judge_open(struct scan_judge *j, const struct scan_options *o, struct scan_report *report, struct error *err)
{
	if (open_policy(j, o->policy, report, err) < 0 || open_rules(j, &o->rules, report, err) < 0)
		return -1;
	report->policy = j->policy->name;
	rules_digest(j->rules, report->rules_digest);
	if (!o->no_ignore && j->policy->allow_suppressions && open_suppressions(j, o->ignore_file, report, err) < 0)
		return -1;
	return o->baseline ? open_baseline(j, o->baseline, err) : 0;
}

int scan_judge_prepare(struct scan_judge *j, const struct scan_options *o, const struct common_options *common,
		       struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct scan_report report;
	int rc;

	scan_report_init(&report);
	rc = scan_judge_open(j, o, &report, err);
	for (size_t i = 0; i < report.len; i++) {
		struct scanned_file f;

		scan_report_load(&report, i, SCAN_WHOLE, &f);
		for (size_t k = 0; k < f.findings.len; k++)
			if (!common->quiet || f.findings.items[k].level == FINDING_ERROR)
				finding_print(&f.findings.items[k], f.file, NULL, use_color(common, STDERR_FILENO), &text);
		if (rc == 0 && !f.valid)
			rc = error_set(err, ERR_INVALID_INPUT, "'%s', which packages are judged by, is invalid", f.file);
		scanned_file_release(&f);
	}
	if (write_all(STDERR_FILENO, text.buf, text.len) < 0) { /* nowhere left to tell */ }
	scan_report_release(&report);
	return rc;
}

void scan_judge_close(struct scan_judge *j)
{
	for (size_t i = 0; i < j->folders_len; i++) {
		free(j->folders[i].path);
		suppressions_free(j->folders[i].suppressions);
	}
	free(j->folders);
	free(j->looked);
	baseline_free(j->baseline);
	suppressions_free(j->suppressions);
	document_free(j->ignore_doc);
	scanner_free(j->scanner);
	policy_free(j->policy);
	rules_free(j->rules);
	*j = (struct scan_judge)SCAN_JUDGE_INIT;
}

/* ---- one package */

size_t scan_judge_package(struct scan_judge *j, const char *package, const struct document *doc, const struct wpk *wpk,
			  struct finding_list *findings, struct decision **ret)
{
	const struct scan_folder *folder = find_folder(j, package);
	size_t before = j->baseline ? baseline_gone(j->baseline) : 0;
	struct error err = { 0 };

	*ret = NULL;
	if (j->policy->pack == RULES_REGISTRY_COMPAT)
		registry_rules(doc, findings);
	if (j->policy->pack != RULES_REGISTRY_COMPAT || j->own_rules)
		scan_package(j->scanner, doc, wpk, findings);
	finding_sort(findings);
	if (wpk)
		policy_apply(j->policy, wpk, findings);
	if (j->ignore)
		suppressions_apply(folder ? folder->suppressions : j->suppressions, doc, findings);
	finding_sort(findings);
	finding_fingerprints(findings, doc);
	if (j->baseline) {
		baseline_apply(j->baseline, findings);
		finding_sort(findings);
	}
	if (wpk && !finding_count(findings, FINDING_ERROR) && policy_decide(j->policy, wpk, findings, ret, &err) < 0)
		*ret = NULL;
	return before ? before - baseline_gone(j->baseline) : 0;
}

void scan_failure(const char *name, int status, const char *text, struct scanned_file *ret)
{
	scanned_file_init(ret, name);
	ret->unreadable = status;
	finding_add(&ret->findings, FINDING_ERROR, "source/unreadable", (struct position){ 0 }, "%s", text);
	finding_sort(&ret->findings);
	finding_fingerprints(&ret->findings, NULL);
}

/* ---- one file, in stages */

static void fail(struct scan_source *s, const struct error *err)
{
	scan_failure(s->package.findings.file, exit_status_of_error(err), err->text, &s->result);
	s->finished = true;
}

void scan_source_read(struct scan_source *s, const char *spec, const char *state_dir)
{
	struct scratch scratch = SCRATCH_INIT;
	struct error err = { 0 };

	*s = (struct scan_source){ .spec = spec };
	if (package_read(spec, state_dir, &scratch, &s->package, &err) < 0)
		fail(s, &err);
	/* the package itself is all that is looked at */
	if (scratch_close(&scratch, &err) < 0)
		s->unclean = exit_status_of_error(&err);
}

static void parse(struct scan_source *s, struct scan_judge *j)
{
	struct error err = { 0 };

	(void)j;
	if (package_parse(&s->package, &err) < 0)
		fail(s, &err);
}

static void decode(struct scan_source *s, struct scan_judge *j)
{
	struct error err = { 0 };

	(void)j;
	if (package_decode(&s->package, &err) < 0)
		fail(s, &err);
}

static void judge(struct scan_source *s, struct scan_judge *j)
{
	struct package *p = &s->package;
	struct scanned_file *ret = &s->result;

	scanned_file_init(ret, p->findings.file);
	ret->baseline_matched = scan_judge_package(j, s->spec, p->doc, p->wpk, &p->findings, &p->decision);
	finding_keep_lines(&p->findings, p->doc);
	ret->valid = p->decision != NULL;
	if (p->decision) {
		scanned_file_decide(ret, p->decision);
		ret->workflow_id = xstrdup(p->wpk->workflow_id);
	}
	finding_list_release(&ret->findings);
	ret->findings = p->findings;	/* moved: positions, words and texts are its own */
	ret->findings.file = ret->file;
	finding_list_init(&p->findings, p->shown);
}

scan_stage *const scan_stages[] = { parse, decode, judge, NULL };

void scan_source_finish(struct scan_source *s, struct scanned_file *ret)
{
	package_release(&s->package);
	*ret = s->result;
	ret->findings.file = ret->file;
	if (s->unclean)
		ret->unreadable = s->unclean;
}
