/* SPDX-License-Identifier: Apache-2.0
 * validate: say everything that is wrong with packages. Makes nothing, starts nothing; made to be called with many files by editors,
 * commit hooks and CI. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/folder.h"
#include "cmd/output.h"
#include "cmd/package.h"

struct validate_options {
	struct common_options common;
	const char *format;
	bool strict;
};

struct validation {
	const struct validate_options *opt;
	struct output out;
	bool json, color;
	json_t *files, *findings;	/* NULL for text */
	unsigned int valid, invalid, unreadable, errors, warnings;
	int status;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct validate_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = "strict", .kind = OPTION_FLAG, .offset = offsetof(struct validate_options, strict),
	  .group = "Output", .help = "count warnings as errors" },
	{ .name = NULL },
};

static void note_file(struct validation *v, const char *name, size_t errors, size_t warnings)
{
	bool valid = !errors && !(v->opt->strict && warnings);

	v->errors += (unsigned int)errors;
	v->warnings += (unsigned int)warnings;
	valid ? v->valid++ : v->invalid++;
	if (!valid && v->status == EXIT_OK)
		v->status = EXIT_INVALID;
	if (v->json) {
		json_t *file = json_object();

		json_put_text(file, "file", name);
		json_put_bool(file, "valid", valid);
		json_put_int(file, "errors", (int64_t)errors);
		json_put_int(file, "warnings", (int64_t)warnings);
		json_push(v->files, file);
	}
}

/* What cannot be read is a finding about the file as a whole, so that the other files are still looked at. */
static void add_failure(struct validation *v, struct package *p, const struct error *err)
{
	int status = exit_status_of_error(err);

	finding_add(&p->findings, FINDING_ERROR, "source/unreadable", (struct position){ 0 }, "%s", err->text);
	if (status != EXIT_INVALID)
		v->status = status;
}

static void show(struct validation *v, const struct package *p)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t errors = finding_count(&p->findings, FINDING_ERROR);
	size_t warnings = finding_count(&p->findings, FINDING_WARNING) - errors;

	note_file(v, p->findings.file, errors, warnings);
	if (v->json) {
		json_auto_t *list = package_findings_to_json(p);

		json_array_extend(v->findings, list);
		return;
	}
	package_print_findings(p, &v->opt->common, 0, v->color, &text);
	output_write(&v->out, text.buf, text.len);
}

static void validate_source(struct validation *v, const char *spec)
{
	struct scratch scratch = SCRATCH_INIT;
	struct error err = { 0 };
	struct package p;

	if (package_open_anywhere(spec, v->opt->common.state_dir, &scratch, NULL, &p, &err) < 0)
		add_failure(v, &p, &err);
	show(v, &p);
	package_release(&p);
	if (scratch_close(&scratch, &err) < 0)
		v->status = report_error(&err);
}

static void validate_failure(struct validation *v, const char *name, const char *text)
{
	struct package p = { .doc = NULL };
	struct error err = { 0 };

	finding_list_init(&p.findings, name);
	error_set(&err, ERR_INVALID_INPUT, "%s", text);
	add_failure(v, &p, &err);
	show(v, &p);
	package_release(&p);
}

static void validate_below(void *arg, const char *path, const char *error)
{
	if (error)
		validate_failure(arg, path, error);
	else
		validate_source(arg, path);
}

static int finish(struct validation *v)
{
	unsigned int files = v->valid + v->invalid;

	if (v->json) {
		json_auto_t *all = json_object();
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		json_put_bool(all, "valid", v->invalid == 0);
		json_put(all, "files", v->files);
		json_put(all, "findings", v->findings);
		json_write(all, 2, &text);
		strbuf_addch(&text, '\n');
		output_write(&v->out, text.buf, text.len);
	}
	if (!v->opt->common.quiet)
		dprintf(STDERR_FILENO, "%u file%s: %u valid, %u invalid (%u error%s, %u warning%s)\n", files, files == 1 ? "" : "s",
			v->valid, v->invalid, v->errors, v->errors == 1 ? "" : "s", v->warnings, v->warnings == 1 ? "" : "s");
	return output_status(&v->out, v->status);
}

static int validate_main(const struct command *self, int argc, char **argv)
{
	struct validate_options opt = { .format = "text" };
	struct validation v = { .opt = &opt, .out = OUTPUT_INIT(STDOUT_FILENO) };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);
	struct stat st;

	if (status >= 0)
		return status;
	if (!operands.len)
		return command_usage_error(self, "'validate' needs at least one file or folder");
	v.json = !strcmp(opt.format, "json");
	v.color = use_color(&opt.common, STDOUT_FILENO);
	if (v.json) {
		v.files = json_array();
		v.findings = json_array();
	}
	for (size_t i = 0; i < operands.len; i++) {
		char *path = operands.items[i];

		if (strcmp(path, "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			folder_each(path, validate_below, &v);
		else
			validate_source(&v, path);
	}
	return finish(&v);
}

const struct command command_validate = {
	.name = "validate",
	.summary = "Say everything that is wrong with packages",
	.usage = "validate [options] FILE|FOLDER|-...",
	.examples = "  sandbox_runner validate restart.wpk.yaml\n"
		    "  sandbox_runner validate --strict --format=json packages/\n",
	.options = options,
	.main = validate_main,
};
