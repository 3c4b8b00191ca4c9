/* SPDX-License-Identifier: Apache-2.0
 * rules: what the scanner looks for. Lists the rules, shows one with all that is known of it, and tries the samples. */
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/printable.h"
#include "validators/scan.h"

struct rules_options {
	struct common_options common;
	const char *format, *policy;
	struct strvec folders;
};

static const char *const formats[] = { "text", "json", NULL };
static const char *const policies[] = { "default", "registry-compat", NULL };

static const struct option_spec options[] = {
	{ .name = "rules", .kind = OPTION_LIST, .offset = offsetof(struct rules_options, folders), .value = "DIR",
	  .group = "Rules", .help = "add the rule files of a folder; a rule with a known id replaces it" },
	{ .name = "policy", .kind = OPTION_CHOICE, .offset = offsetof(struct rules_options, policy), .value = "POLICY",
	  .choices = policies, .group = "Rules", .help = "the rules that belong to a policy" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct rules_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

/* What each of list, show and test is given. */
struct rules_view {
	const struct command *self;
	const struct rule_set *set;
	bool json, color;
	struct strbuf *out;
};

/* ---- text */

static void add_colored(const struct rules_view *v, enum severity severity, const char *text)
{
	static const char *const codes[] = {
		[SEVERITY_INFO] = "\033[36m", [SEVERITY_LOW] = "\033[36m", [SEVERITY_MEDIUM] = "\033[33m",
		[SEVERITY_HIGH] = "\033[31m", [SEVERITY_CRITICAL] = "\033[1;31m",
	};

	strbuf_addf(v->out, "%s%s%s", v->color ? codes[severity] : "", text, v->color ? "\033[0m" : "");
}

static void add_bold(const struct rules_view *v, const char *text)
{
	strbuf_addstr(v->out, v->color ? "\033[1m" : "");
	printable_addstr(v->out, text);
	strbuf_addstr(v->out, v->color ? "\033[0m" : "");
}

#define TEXT_COLUMNS 100

/* Words in lines of TEXT_COLUMNS, all behind `indent` blanks; what is a paragraph of its own stays one. */
static void add_wrapped(struct strbuf *out, const char *text, size_t indent)
{
	size_t column = 0;

	for (;;) {
		size_t blank = strspn(text, " \t"), len, width;

		text += blank;
		if (*text == '\n') {
			strbuf_addstr(out, column ? "\n" : "");
			column = 0;
			text++;
			continue;
		}
		if (!*text)
			break;
		len = strcspn(text, " \t\n");
		width = printable_width(text, len);
		if (column && column + 1 + width > TEXT_COLUMNS - indent) {
			strbuf_addch(out, '\n');
			column = 0;
		}
		if (column)
			strbuf_addch(out, ' ');
		else
			strbuf_addf(out, "%*s", (int)indent, "");
		printable_add(out, text, len);
		column += width + !!column;
		text += len;
	}
	strbuf_addstr(out, column ? "\n" : "");
}

/* ---- list */

struct rule_rows {
	const struct rule **items;
	size_t len;
};

static int compare_rules(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;
	int order = strcmp(x->category, y->category);

	if (!order)
		order = (int)y->severity - (int)x->severity;
	return order ? order : strcmp(x->id, y->id);
}

static void write_row(const struct rules_view *v, const struct rule *rule, int id_width)
{
	strbuf_addf(v->out, "  %-*s  ", id_width, rule->id);
	add_colored(v, rule->severity, severity_to_string(rule->severity));
	strbuf_addf(v->out, "%*s  %-9s  ", (int)(sizeof("critical") - 1 - strlen(severity_to_string(rule->severity))), "",
		    rule_scope_to_string(rule->scope));
	printable_addstr(v->out, rule->title);
	strbuf_addstr(v->out, rule->disabled ? " (switched off)\n" : "\n");
}

static void write_counts(const struct rules_view *v)
{
	size_t counts[SEVERITY_CRITICAL + 1] = { 0 }, off = 0;
	const char *between = ": ";

	for (size_t i = 0; i < v->set->len; i++) {
		const struct rule *rule = rules_at(v->set, i);

		if (rule->disabled)
			off++;
		else
			counts[rule->severity]++;
	}
	strbuf_addf(v->out, "\n%zu rules", v->set->len);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_INFO; s--) {
		if (!counts[s])
			continue;
		strbuf_addf(v->out, "%s%zu %s", between, counts[s], severity_to_string((enum severity)s));
		between = ", ";
	}
	if (off)
		strbuf_addf(v->out, "%s%zu switched off", between, off);
	strbuf_addch(v->out, '\n');
}

static void list_text(const struct rules_view *v)
{
	autofree const struct rule **rows = xcalloc(v->set->len + 1, sizeof(*rows));
	size_t width = 0;

	for (size_t i = 0; i < v->set->len; i++) {
		rows[i] = rules_at(v->set, i);
		width = strlen(rows[i]->id) > width ? strlen(rows[i]->id) : width;
	}
	qsort(rows, v->set->len, sizeof(*rows), compare_rules);
	for (size_t i = 0; i < v->set->len; i++) {
		if (!i || strcmp(rows[i]->category, rows[i - 1]->category)) {
			strbuf_addstr(v->out, i ? "\n" : "");
			add_bold(v, rows[i]->category);
			strbuf_addch(v->out, '\n');
		}
		write_row(v, rows[i], (int)width);
	}
	write_counts(v);
}

static void put_rules(json_t *all, const struct rule_set *set)
{
	char digest[65];

	rules_digest(set, digest);
	json_put_int(all, "count", (int64_t)set->len);
	json_put_text(all, "digest", digest);
}

static int list_rules(const struct rules_view *v, const struct strvec *operands)
{
	json_auto_t *all = NULL, *list = NULL;

	if (operands->len > 1)
		return command_usage_error(v->self, "'rules list' takes no '%s'; did you mean 'rules show %s'?",
					   operands->items[1], operands->items[1]);
	if (!v->json) {
		list_text(v);
		return EXIT_OK;
	}
	all = json_object();
	list = json_array();
	put_rules(all, v->set);
	for (size_t i = 0; i < v->set->len; i++)
		json_push(list, rule_to_json(rules_at(v->set, i)));
	json_put(all, "rules", json_incref(list));
	json_write(all, 2, v->out);
	strbuf_addch(v->out, '\n');
	return EXIT_OK;
}

/* ---- show */

static void write_samples(const struct rules_view *v, const struct rule *rule, bool must_match, const char *heading)
{
	bool first = true;

	for (size_t i = 0; i < rule->samples_len; i++) {
		const char *s = rule->samples[i].text;
		const char *mark = "- ";

		if (rule->samples[i].must_match != must_match)
			continue;
		if (first)
			strbuf_addf(v->out, "\n%s\n", heading);
		first = false;
		while (*s) {
			size_t len = strcspn(s, "\n");

			strbuf_addf(v->out, "  %s", mark);
			printable_add(v->out, s, len);
			strbuf_addch(v->out, '\n');
			s += len + (s[len] == '\n');
			mark = "  ";
		}
	}
}

static void show_text(const struct rules_view *v, const struct rule *rule)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "Category", rule->category }, { "Weakness", rule->cwe }, { "Applies to", rule_scope_to_string(rule->scope) },
		{ "Says", rule->message },
	};

	add_bold(v, rule->id);
	strbuf_addstr(v->out, "  ");
	add_colored(v, rule->severity, severity_to_string(rule->severity));
	strbuf_addstr(v->out, rule->disabled ? "  (switched off)\n" : "\n");
	add_wrapped(v->out, rule->title, 0);
	strbuf_addch(v->out, '\n');
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].value)
			continue;
		strbuf_addf(v->out, "  %-11s ", rows[i].name);
		printable_addstr(v->out, rows[i].value);
		strbuf_addch(v->out, '\n');
	}
	if (rule->secret)
		strbuf_addf(v->out, "  %-11s what it matches, it is a secret\n", "Never shows");
	strbuf_addf(v->out, "  %-11s ", "Defined in");
	printable_addstr(v->out, rule->file);
	strbuf_addf(v->out, ":%u\n\nWhy it matters\n", rule->line);
	add_wrapped(v->out, rule->help, 2);
	strbuf_addstr(v->out, "\nWhat to do instead\n");
	add_wrapped(v->out, rule->suggestion, 2);
	write_samples(v, rule, true, "Samples that it must match");
	write_samples(v, rule, false, "Samples that it must not match");
}

static json_t *show_json(const struct rule *rule)
{
	json_t *o = rule_to_json(rule), *samples = json_array();

	for (size_t i = 0; i < rule->samples_len; i++) {
		json_t *sample = json_object();

		json_put_bool(sample, "must_match", rule->samples[i].must_match);
		json_put_text(sample, "text", rule->samples[i].text);
		json_put_int(sample, "line", rule->samples[i].line);
		json_push(samples, sample);
	}
	json_put(o, "samples", samples);
	return o;
}

static int unknown_rule(const struct rules_view *v, const char *id)
{
	autofree const char **ids = xcalloc(v->set->len + 1, sizeof(*ids));
	const char *near;

	for (size_t i = 0; i < v->set->len; i++)
		ids[i] = rules_id(v->set, i);
	near = nearest(id, ids, v->set->len);
	if (near)
		return command_usage_error(v->self, "there is no rule '%s'; did you mean '%s'?", id, near);
	return command_usage_error(v->self, "there is no rule '%s'; 'rules list' names them", id);
}

static int show_rules(const struct rules_view *v, const struct strvec *operands)
{
	json_auto_t *list = json_array();

	if (operands->len < 2)
		return command_usage_error(v->self, "'rules show' needs the id of a rule; 'rules list' names them");
	for (size_t i = 1; i < operands->len; i++)
		if (!rules_find(v->set, operands->items[i]))
			return unknown_rule(v, operands->items[i]);
	for (size_t i = 1; i < operands->len; i++) {
		const struct rule *rule = rules_find(v->set, operands->items[i]);

		if (v->json) {
			json_push(list, show_json(rule));
			continue;
		}
		strbuf_addstr(v->out, i > 1 ? "\n" : "");
		show_text(v, rule);
	}
	if (v->json) {
		json_write(operands->len == 2 ? json_array_get(list, 0) : list, 2, v->out);
		strbuf_addch(v->out, '\n');
	}
	return EXIT_OK;
}

/* ---- test */

struct trial {
	size_t tried, failed, rules;
	json_t *failures;	/* NULL for text */
};

/* One rule by itself, as its samples' lines are those of its file. */
static void try_rule(const struct rules_view *v, const struct rule *rule, struct trial *t)
{
	struct rule_set alone = { .rules = rule, .len = 1, .patterns = v->set->patterns, .patterns_len = v->set->patterns_len };
	struct finding_list findings;

	finding_list_init(&findings, rule->file);
	t->tried += scan_rule_samples(&alone, &findings);
	t->rules += !rule->disabled;
	t->failed += findings.len;
	for (size_t i = 0; i < findings.len; i++) {
		if (t->failures)
			json_push(t->failures, finding_to_json(&findings.items[i], rule->file));
		else
			finding_print(&findings.items[i], rule->file, NULL, v->color, v->out);
	}
	finding_list_release(&findings);
}

static int test_rules(const struct rules_view *v, const struct strvec *operands)
{
	json_auto_t *all = json_object();
	struct trial t = { .failures = v->json ? json_array() : NULL };

	if (operands->len > 1)
		return command_usage_error(v->self, "'rules test' takes no '%s'; it tries the samples of all rules",
					   operands->items[1]);
	for (size_t i = 0; i < v->set->len; i++)
		try_rule(v, rules_at(v->set, i), &t);
	if (v->json) {
		put_rules(all, v->set);
		json_put_int(all, "tried", (int64_t)t.tried);
		json_put_int(all, "failed", (int64_t)t.failed);
		json_put(all, "failures", t.failures);
		json_write(all, 2, v->out);
		strbuf_addch(v->out, '\n');
	} else {
		strbuf_addf(v->out, "%zu samples of %zu rules tried, ", t.tried, t.rules);
		if (t.failed)
			strbuf_addf(v->out, "%zu did not do what they say\n", t.failed);
		else
			strbuf_addstr(v->out, t.tried ? "all do what they say\n" : "there are none\n");
	}
	return t.failed ? EXIT_NOT_ACCEPTABLE : EXIT_OK;
}

/* ---- the command */

static const struct {
	const char *name;
	int (*run)(const struct rules_view *v, const struct strvec *operands);
} actions[] = { { "list", list_rules }, { "show", show_rules }, { "test", test_rules } };

/* Mistakes of rule files go to standard error, as there is no product then. */
static int load_folders(struct rule_set *set, const struct rules_options *opt)
{
	for (size_t i = 0; i < opt->folders.len; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct finding_list findings;
		struct error err = { 0 };
		size_t wrong;

		finding_list_init(&findings, opt->folders.items[i]);
		if (rules_load_folder(set, opt->folders.items[i], &findings, &err) < 0)
			return report_error(&err);
		wrong = finding_count(&findings, FINDING_ERROR);
		for (size_t j = 0; j < findings.len; j++)
			finding_print(&findings.items[j], findings.file, NULL, use_color(&opt->common, STDERR_FILENO), &text);
		finding_list_release(&findings);
		if (!wrong)
			continue;
		if (write(STDERR_FILENO, text.buf, text.len) < 0) { /* nowhere left to tell */ }
		return EXIT_INVALID;
	}
	return EXIT_OK;
}

static int unknown_action(const struct command *self, const char *word)
{
	const char *names[ARRAY_SIZE(actions)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		names[i] = actions[i].name;
	near = nearest(word, names, ARRAY_SIZE(names));
	if (near)
		return command_usage_error(self, "unknown '%s'; did you mean 'rules %s'?", word, near);
	return command_usage_error(self, "unknown '%s' (known: list, show, test)", word);
}

static int run_action(const struct command *self, const struct rules_options *opt, const struct strvec *operands)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct rules_view v = {
		.self = self, .json = !strcmp(opt->format, "json"), .color = use_color(&opt->common, STDOUT_FILENO), .out = &text,
	};
	struct rule_set *set;
	size_t action = 0;
	int status;

	while (operands->len && action < ARRAY_SIZE(actions) && strcmp(actions[action].name, operands->items[0]))
		action++;
	if (action == ARRAY_SIZE(actions))
		return unknown_action(self, operands->items[0]);
	set = rules_builtin(!strcmp(opt->policy, "registry-compat") ? RULES_REGISTRY_COMPAT : RULES_DEFAULT);
	v.set = set;
	status = load_folders(set, opt);
	if (status == EXIT_OK)
		status = actions[action].run(&v, operands);
	if (text.len)
		status = print_result(&text, status);
	rules_free(set);
	return status;
}

static int rules_main(const struct command *self, int argc, char **argv)
{
	struct rules_options opt = { .format = "text", .policy = "default", .folders = STRVEC_INIT };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);

	if (status < 0)
		status = run_action(self, &opt, &operands);
	strvec_release(&opt.folders);
	return status;
}

const struct command command_rules = {
	.name = "rules",
	.summary = "Show what the scanner looks for, and try its samples",
	.usage = "rules [list | show ID... | test] [--rules=DIR]",
	.examples =
		"  sandbox_runner rules\n"
		"  sandbox_runner rules show shell/delete-system\n"
		"  sandbox_runner rules test --rules=./my-rules\n",
	.options = options,
	.without = COMMAND_NO_STATE,
	.main = rules_main,
};
