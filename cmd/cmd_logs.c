/* SPDX-License-Identifier: Apache-2.0
 * logs: what the steps of a run said: of one that has ended from its result, of one that is alive from its own folder. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/run_name.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

#define LOOK_AGAIN_MS 100
#define LINE_BYTES_MAX (64u << 10)	/* of a line held back until its end comes */

struct logs_options {
	struct common_options common;
	const char *step;
	bool follow;
};

static const struct option_spec options[] = {
	{ .name = "step", .kind = OPTION_TEXT, .offset = offsetof(struct logs_options, step), .value = "N|rollback-N",
	  .group = "Logs", .help = "only this step" },
	{ .short_name = 'f', .name = "follow", .kind = OPTION_FLAG, .offset = offsetof(struct logs_options, follow),
	  .group = "Logs", .help = "go on as long as the run is alive" },
	{ .name = NULL },
};

struct logs {
	struct output out;
	struct strbuf text;
	long step;			/* 0: all */
	bool rollback;
	struct strbuf partial[2];	/* of a live run: the beginning of a line */
	unsigned long seen;		/* steps that were wanted */
	bool verdict;			/* it was told */
};

static void flush(struct logs *l)
{
	output_write(&l->out, l->text.buf, l->text.len);
	strbuf_clear(&l->text);
}

static bool is_wanted(struct logs *l, const json_t *step, const char *number_key)
{
	const char *phase = json_string_value(json_object_get(step, "phase"));
	bool rollback = phase && !strcmp(phase, "rollback");

	return !l->step || (l->rollback == rollback && json_integer_value(json_object_get(step, number_key)) == l->step);
}

static void add_heading(struct logs *l, const json_t *step, const char *number_key, const char *status)
{
	const char *phase = json_string_value(json_object_get(step, "phase")), *handler = json_string_value(json_object_get(step, "handler"));
	const char *name = json_string_value(json_object_get(step, "name"));

	strbuf_addf(&l->text, "%s %lld: ", phase && !strcmp(phase, "rollback") ? "Rollback" : "Step",
		    (long long)json_integer_value(json_object_get(step, number_key)));
	printable_addstr(&l->text, handler ? handler : "");
	if (name && (!handler || strcmp(name, handler))) {
		strbuf_addstr(&l->text, " / ");
		printable_addstr(&l->text, name);
	}
	if (status) {
		strbuf_addstr(&l->text, " ... ");
		printable_addstr(&l->text, status);
	}
	strbuf_addch(&l->text, '\n');
}

static void add_line(struct logs *l, int stream, const char *line, size_t len)
{
	strbuf_addf(&l->text, "    %c ", stream ? '!' : '|');
	while (len) {		/* tabs are harmless */
		const char *tab = memchr(line, '\t', len);
		size_t n = tab ? (size_t)(tab - line) : len;

		printable_add(&l->text, line, n);
		if (tab) {
			strbuf_addstr(&l->text, "    ");
			n++;
		}
		line += n;
		len -= n;
	}
	strbuf_addch(&l->text, '\n');
	if (l->text.len > LINE_BYTES_MAX)
		flush(l);
}

static void add_lines(struct logs *l, int stream, const char *text, size_t len)
{
	for (const char *end = text + len; text < end; ) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		add_line(l, stream, text, (size_t)(stop - text));
		text = stop + 1;
	}
}

/* ---- of a run that has ended */

static void add_stream(struct logs *l, int stream, const json_t *captured)
{
	const json_t *text = json_object_get(captured, "text"), *tail = json_object_get(captured, "tail");

	if (!captured || json_is_null(captured))
		return;
	add_lines(l, stream, json_string_value(text) ? json_string_value(text) : "", json_string_length(text));
	if (json_is_true(json_object_get(captured, "truncated"))) {
		strbuf_addf(&l->text, "    … not all of %lld bytes is kept%s\n",
			    (long long)json_integer_value(json_object_get(captured, "total_bytes")), json_is_string(tail) ? "; the end:" : "");
		if (json_is_string(tail))
			add_lines(l, stream, json_string_value(tail), json_string_length(tail));
	}
}

static int show_past(struct logs *l, const char *state_dir, const char *run_id, struct error *err)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *result = NULL;
	const json_t *step;
	size_t i;

	if (run_store_result(state_dir, run_id, &text, err) < 0 || json_parse(text.buf, text.len, run_id, &result, err) < 0)
		return -1;
	json_array_foreach(json_object_get(result, "steps"), i, step) {
		if (!is_wanted(l, step, "number"))
			continue;
		l->seen++;
		add_heading(l, step, "number", json_string_value(json_object_get(step, "status")));
		add_stream(l, 0, json_object_get(step, "stdout"));
		add_stream(l, 1, json_object_get(step, "stderr"));
	}
	return 0;
}

/* ---- of a run that is alive */

static void flush_partial(struct logs *l, int stream)
{
	struct strbuf *p = &l->partial[stream];

	if (p->len)
		add_line(l, stream, p->buf, p->len);
	strbuf_clear(p);
}

static void on_output(struct logs *l, const json_t *event)
{
	const char *stream_name = json_string_value(json_object_get(event, "stream"));
	int stream = stream_name && !strcmp(stream_name, "stderr");
	const json_t *text = json_object_get(event, "text");
	const char *p = json_string_value(text), *end = p ? p + json_string_length(text) : p;

	while (p && p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		strbuf_add(&l->partial[stream], p, (size_t)((newline ? newline : end) - p));
		if (newline && !l->partial[stream].len)
			add_line(l, stream, "", 0);
		else if (newline || l->partial[stream].len > LINE_BYTES_MAX)
			flush_partial(l, stream);
		p = newline ? newline + 1 : end;
	}
}

static void on_event(struct logs *l, const char *line, size_t len)
{
	json_auto_t *event = NULL;
	const char *type;

	if (json_parse(line, len, LIVE_NAME, &event, NULL) < 0)
		return;
	type = json_string_value(json_object_get(event, "type"));
	if (!type)
		return;
	if (!strcmp(type, "verdict")) {
		l->verdict = true;
		return;
	}
	if (strncmp(type, "step.", 5) || !is_wanted(l, event, "step"))
		return;
	if (!strcmp(type, "step.start")) {
		l->seen++;
		add_heading(l, event, "step", NULL);
	} else if (!strcmp(type, "step.output")) {
		on_output(l, event);
	} else {
		for (int i = 0; i < 2; i++)
			flush_partial(l, i);
	}
}

/* What has been written since the last time; a line that is not complete waits. */
static void read_new(struct logs *l, int fd, struct strbuf *rest)
{
	char chunk[64 << 10];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		const char *p, *newline;

		strbuf_add(rest, chunk, (size_t)n);
		for (p = rest->buf; (newline = memchr(p, '\n', (size_t)(rest->buf + rest->len - p))); p = newline + 1)
			on_event(l, p, (size_t)(newline - p));
		rest->len -= (size_t)(p - rest->buf);
		memmove(rest->buf, p, rest->len);
		flush(l);
	}
	flush(l);
}

static int show_live(struct logs *l, const char *state_dir, const struct live_run *run, bool follow)
{
	autoclose int fd = live_run_open(state_dir, run);
	autostrbuf struct strbuf rest = STRBUF_INIT(STRBUF_NO_MAX);

	if (fd < 0)
		return -1;	/* just starting, or just ended */
	read_new(l, fd, &rest);
	while (follow && !l->verdict && !l->out.failed) {
		bool alive = live_run_is(state_dir, run->run_id);

		poll(NULL, 0, alive ? LOOK_AGAIN_MS : 0);
		read_new(l, fd, &rest);
		if (!alive)
			break;
	}
	for (int i = 0; i < 2; i++)
		flush_partial(l, i);
	return 0;
}

/* ---- the command */

static int parse_step(struct logs *l, const char *text, struct error *err)
{
	const char *number = text;
	char *end = NULL;

	if (!text)
		return 0;
	if (!strncmp(text, "rollback-", 9)) {
		l->rollback = true;
		number += 9;
	}
	l->step = strtol(number, &end, 10);
	if (l->step < 1 || *end || !strchr("123456789", *number))
		return error_set(err, ERR_USAGE, "--step: '%s' is no number of a step; write N or rollback-N", text);
	return 0;
}

static int show(struct logs *l, const struct logs_options *opt, const char *name, struct error *err)
{
	const struct live_run *live = NULL;
	const struct run_entry *past = NULL;
	struct run_names names;
	int rc = -1;

	if (run_names_open(opt->common.state_dir, &names, err) == 0 && run_names_find(&names, name, &live, &past, err) == 0) {
		if (past)
			rc = show_past(l, names.state_dir, past->run_id, err);
		else
			rc = show_live(l, names.state_dir, live, opt->follow);
		if (rc < 0 && !past)	/* it ended while we looked, or has not begun */
			rc = run_store_result(names.state_dir, live->run_id, &l->text, NULL) == 0
				? (strbuf_clear(&l->text), show_past(l, names.state_dir, live->run_id, err)) : 0;
	}
	run_names_release(&names);
	if (rc == 0 && l->step && !l->seen)
		rc = error_set(err, ERR_INVALID_INPUT, "run '%s' has no step %s%s", name, opt->step, live && !past ? " yet" : "");
	return rc;
}

static int logs_main(const struct command *self, int argc, char **argv)
{
	struct logs_options opt = { .step = NULL };
	struct logs l = { .out = OUTPUT_INIT(STDOUT_FILENO), .text = STRBUF_INIT(STRBUF_NO_MAX),
			  .partial = { STRBUF_INIT(STRBUF_NO_MAX), STRBUF_INIT(STRBUF_NO_MAX) } };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);
	struct error err = { 0 };

	if (status >= 0)
		return status;
	if (operands.len != 1)
		return command_usage_error(self, operands.len ? "'logs' takes one run" : "'logs' needs the id of a run");
	if (parse_step(&l, opt.step, &err) < 0)
		return command_usage_error(self, "%s", err.text);
	status = show(&l, &opt, operands.items[0], &err) < 0 ? report_error(&err) : EXIT_OK;
	flush(&l);
	strbuf_release(&l.text);
	for (int i = 0; i < 2; i++)
		strbuf_release(&l.partial[i]);
	return output_status(&l.out, status);
}

const struct command command_logs = {
	.name = "logs",
	.summary = "Show what the steps of a run said",
	.usage = "logs [--step=N] [-f] RUN",
	.examples = "  sandbox_runner logs r-ildmb7qc6b\n"
		    "  sandbox_runner logs -f ildmb\n"
		    "\n"
		    "RUN is the id of a run or the beginning of it.\n",
	.options = options,
	.main = logs_main,
};
