/* SPDX-License-Identifier: Apache-2.0
 * result_text: the closing part of the terminal output. One line where all is well, all details where it is not. Lists are never cut.
 * Colour only repeats what a word says. Texts of others go through add_text(): redacted, then made printable. */
#include <ctype.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/observation_text.h"
#include "runner/result.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define RESET "\033[0m"
#define COLUMNS 100
#define EFFECT_LINES 20
#define COLLECTED_LINES 40	/* with --verbose all; the result has all in any case */

struct printer {
	const struct result *r;
	bool verbose, color;
	struct strbuf *out;
};

static void add_styled(struct printer *p, const char *style, const char *word)
{
	strbuf_addf(p->out, "%s%s%s", p->color ? style : "", word, p->color ? RESET : "");
}

static void add_text(struct printer *p, const char *s)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(p->r->redactor, s, strlen(s), &clean);
	printable_add(p->out, clean.buf, clean.len);
}

/* Columns of the line begun; the only escape sequences in it are our colours. */
static size_t current_column(const struct strbuf *out)
{
	const char *newline = memrchr(out->buf, '\n', out->len);
	const char *at = newline ? newline + 1 : out->buf, *end = out->buf + out->len, *escape;
	size_t columns = 0;

	while ((escape = memchr(at, '\033', (size_t)(end - at)))) {
		const char *stop = memchr(escape, 'm', (size_t)(end - escape));

		columns += printable_width(at, (size_t)(escape - at));
		at = stop ? stop + 1 : end;
	}
	return columns + printable_width(at, (size_t)(end - at));
}

static void pad_to(struct printer *p, size_t column)
{
	size_t now = current_column(p->out);

	strbuf_addf(p->out, "%*s", now < column ? (int)(column - now) : 1, "");
}

/* The text from here on, broken at blanks before COLUMNS, further lines indented; then a newline. */
static void add_wrapped(struct printer *p, size_t indent, const char *s)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);
	struct printer shown = { .r = p->r, .out = &clean };
	size_t column = current_column(p->out);
	const char *word;

	add_text(&shown, s);
	for (word = clean.buf; *word;) {
		size_t blanks = strspn(word, " "), len = blanks + strcspn(word + blanks, " ");
		size_t width = printable_width(word, len);

		if (column + width > COLUMNS && column > indent) {
			strbuf_addf(p->out, "\n%*s", (int)indent, "");
			strbuf_add(p->out, word + blanks, len - blanks);
			column = indent + width - blanks;
		} else {
			strbuf_add(p->out, word, len);
			column += width;
		}
		word += len;
	}
	strbuf_addch(p->out, '\n');
}

/* ---- what was not executed, and why */

static bool is_executed(const struct step_result *step)
{
	return step->mode != STEP_MODE_SIMULATED && step->mode != STEP_MODE_SKIPPED && step->status != STEP_NOT_EXECUTED;
}

static bool same_reason(const struct step_result *a, const struct step_result *b)
{
	return a->plan->phase == b->plan->phase && a->mode == b->mode && !strcmp(a->reason ? a->reason : "", b->reason ? b->reason : "");
}

/* Steps that belong to the list: not executed, in the main phase or in a rollback that ran. */
static bool is_listed(const struct result *r, const struct step_result *step)
{
	return !is_executed(step) && (step->plan->phase == PHASE_MAIN || r->rolled_back);
}

static bool is_first_of_group(const struct result *r, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (is_listed(r, &r->steps[k]) && same_reason(&r->steps[k], &r->steps[i]))
			return false;
	}
	return true;
}

static void print_group(struct printer *p, const struct step_result *first)
{
	const struct result *r = p->r;

	strbuf_addstr(p->out, "  ");
	add_styled(p, YELLOW, step_mode_to_string(first->mode == STEP_MODE_SIMULATED ? STEP_MODE_SIMULATED : STEP_MODE_SKIPPED));
	strbuf_addstr(p->out, ": ");
	add_wrapped(p, 4, first->reason ? first->reason : "no reason was given");
	for (size_t i = 0; i < r->steps_len; i++) {
		const struct step_result *step = &r->steps[i];

		if (!is_listed(r, step) || !same_reason(step, first))
			continue;
		strbuf_addf(p->out, "    %s%u. ", step->plan->phase == PHASE_ROLLBACK ? "rollback " : "", step->plan->number);
		add_text(p, step->plan->title);
		strbuf_addch(p->out, '\n');
	}
}

static void print_not_executed(struct printer *p)
{
	const struct result *r = p->r;
	unsigned int total = 0, n = 0;

	for (size_t i = 0; i < r->steps_len; i++) {
		total += r->steps[i].plan->phase == PHASE_MAIN || r->rolled_back;
		n += is_listed(r, &r->steps[i]);
	}
	if (!n)
		return;
	add_styled(p, BOLD, "Not executed");
	strbuf_addf(p->out, ": %u of %u step%s\n", n, total, total == 1 ? "" : "s");
	for (size_t i = 0; i < r->steps_len; i++) {
		if (is_listed(r, &r->steps[i]) && is_first_of_group(r, i))
			print_group(p, &r->steps[i]);
	}
}

/* ---- what a person has to do */

static void print_decision(struct printer *p)
{
	const struct decision *d = p->r->plan ? p->r->plan->decision : NULL;
	const struct strvec *reasons = d ? decision_reasons(d) : NULL;

	if (!d || (decision_verdict(d) == VERDICT_APPROVE && !decision_approval_required(d)))
		return;
	if (decision_verdict(d) == VERDICT_APPROVE) {
		add_styled(p, BOLD, "Approval");
		strbuf_addstr(p->out, ": a person has to approve the package before it is used in production\n");
	} else {
		add_styled(p, BOLD, "Decision");
		strbuf_addf(p->out, ": %s%s\n", verdict_to_string(decision_verdict(d)),
			    decision_approval_required(d) ? "; a person has to approve the package before it is used in production" : "");
	}
	for (size_t i = 0; i < reasons->len; i++) {
		strbuf_addstr(p->out, "  ");
		add_wrapped(p, 4, reasons->items[i]);
	}
	if (decision_override_reason(d)) {
		autofree char *line = xasprintf("run all the same, because: %s", decision_override_reason(d));

		strbuf_addstr(p->out, "  ");
		add_wrapped(p, 4, line);
	}
}

/* What the scanner found, where it matters too little for a decision. */
static void print_found(struct printer *p)
{
	const struct decision *d = p->r->plan ? p->r->plan->decision : NULL;

	if (!d || !*decision_findings(d))
		return;
	add_styled(p, BOLD, "Scan");
	strbuf_addf(p->out, ": %s; score %u of 100 (%s risk); 'sandbox_runner scan' shows all\n", decision_findings(d), decision_score(d),
		    decision_risk_level(d));
}

/* ---- declared and observed */

static void cpu_format(struct strbuf *out, uint64_t millis)
{
	strbuf_addf(out, "%g cpu", (double)millis / 1000);
}

static void count_format(struct strbuf *out, uint64_t n)
{
	strbuf_addf(out, "%llu", (unsigned long long)n);
}

static void add_row(struct strbuf *rows, const char *what)
{
	strbuf_addf(rows, "  %-12s", what);
}

static void compare(struct strbuf *rows, const char *what, uint64_t declared, uint64_t observed, bool verbose,
		    void (*format)(struct strbuf *, uint64_t))
{
	if (!declared || (!observed && !verbose))
		return;
	add_row(rows, what);
	strbuf_addstr(rows, "declared ");
	format(rows, declared);
	if (!observed) {
		strbuf_addstr(rows, ", not measured\n");
		return;
	}
	strbuf_addstr(rows, ", observed at most ");
	format(rows, observed);
	strbuf_addstr(rows, observed > declared ? ": MORE THAN DECLARED\n" : "\n");
}

static void compare_rollback(const struct result *r, const struct wpk *wpk, struct strbuf *rows)
{
	struct step_counts c = result_count(r, PHASE_ROLLBACK);

	if (!wpk->rollback.len)
		return;
	add_row(rows, "rollback");
	strbuf_addf(rows, "declared, %zu handler%s; ", wpk->rollback.len, wpk->rollback.len == 1 ? "" : "s");
	if (!wpk->rollback_declared_enabled && !wpk->rollback_enabled)
		strbuf_addstr(rows, "not enabled\n");
	else if (r->rolled_back)
		strbuf_addf(rows, "ran: %u of %u steps passed\n", c.passed, c.steps);
	else
		strbuf_addf(rows, "did not run%s\n", result_count(r, PHASE_MAIN).failed ? "" : ", no step failed");
}

static void compare_permissions(struct printer *p, const struct node *list, struct strbuf *rows)
{
	struct printer row = { .r = p->r, .out = rows };
	autostrbuf struct strbuf names = STRBUF_INIT(STRBUF_NO_MAX);

	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++) {
		if (list->items[i]->kind == NODE_SCALAR)
			strbuf_addf(&names, "%s%s", names.len ? ", " : "", list->items[i]->text);
	}
	if (!names.len)
		return;
	strbuf_addstr(&names, "; no use was observed, as no step had an API to talk to");
	add_row(rows, "permissions");
	strbuf_addstr(rows, "declared ");
	add_wrapped(&row, 14, names.buf);
}

/* Those that were seen to be exceeded; with -v all that can be told. */
static void compare_limits(struct printer *p, const struct node *map, const struct observed *seen, struct strbuf *rows)
{
	for (size_t i = 0; map && map->kind == NODE_MAPPING && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		bool size = key->kind == NODE_SCALAR && !strcmp(key->text, "max_storage");
		uint64_t declared, observed;

		if (key->kind != NODE_SCALAR || value->kind != NODE_SCALAR ||
		    !result_limit_observed(seen, key->text, value->text, &declared, &observed) || (observed <= declared && !p->verbose))
			continue;
		add_row(rows, key->text);
		strbuf_addstr(rows, "declared ");
		(size ? size_format : count_format)(rows, declared);
		strbuf_addstr(rows, ", observed ");
		(size ? size_format : count_format)(rows, observed);
		strbuf_addstr(rows, observed > declared ? ": MORE THAN DECLARED\n" : "\n");
	}
}

static void print_declared(struct printer *p)
{
	const struct wpk *wpk = p->r->plan ? decision_wpk(p->r->plan->decision) : NULL;
	struct observed seen = result_observed(p->r);
	autostrbuf struct strbuf rows = STRBUF_INIT(STRBUF_NO_MAX);

	if (!wpk)
		return;
	compare(&rows, "memory", wpk->requirements.memory_bytes, seen.memory_peak_bytes, p->verbose, size_format);
	compare(&rows, "cpu", wpk->requirements.cpu_millis, seen.cpu_millis, p->verbose, cpu_format);
	compare(&rows, "storage", wpk->requirements.storage_bytes, seen.storage_peak_bytes, p->verbose, size_format);
	compare_limits(p, wpk->resource_limits, &seen, &rows);
	compare_rollback(p->r, wpk, &rows);
	if (p->verbose)
		compare_permissions(p, wpk->permissions, &rows);
	if (!rows.len)
		return;
	add_styled(p, BOLD, "Declared and observed");
	strbuf_addch(p->out, '\n');
	strbuf_add(p->out, rows.buf, rows.len);
}

/* ---- what was seen */

static void print_seen(struct printer *p)
{
	const struct result *r = p->r;
	size_t processes = 0, network = 0, denied = 0, security = 0;
	bool watched = false;

	for (size_t i = 0; i < r->steps_len; i++) {
		const struct observation *o = r->steps[i].observation;

		if (!o || !o->watched)
			continue;
		watched = true;
		processes += o->processes_len;
		network += o->network.len;
		for (size_t k = 0; k < o->network.len; k++)
			denied += !o->network.items[k].allowed;
		security += observation_count(o, SANDBOX_MEDIUM) != 0;
	}
	if (!watched)
		return;
	add_styled(p, BOLD, "Seen");
	strbuf_addf(p->out, ": %zu program%s started, ", processes, processes == 1 ? "" : "s");
	if (network)
		strbuf_addf(p->out, "%zu different network attempt%s (%zu denied), ", network, network == 1 ? "" : "s", denied);
	else
		strbuf_addstr(p->out, "no network, ");
	if (security) {
		strbuf_addstr(p->out, "security events in ");
		add_styled(p, RED, "");
		strbuf_addf(p->out, "%zu step%s\n", security, security == 1 ? "" : "s");
	} else {
		strbuf_addstr(p->out, "no security event\n");
	}
}

/* ---- files */

static void print_files(struct printer *p)
{
	const struct effects_print how = {
		.title = "Files", .max = p->verbose ? SIZE_MAX : EFFECT_LINES, .tmp = p->verbose, .color = p->color, .redactor = p->r->redactor,
	};

	effects_print(&p->r->effects, &how, p->out);
	object_effects_print(&p->r->objects, 0, how.max, p->color, p->out);
}

/* ---- a cluster */

/* "; WORDS: A, B" for the items of a list that `wanted` picks, or nothing. */
static void print_names(struct printer *p, const json_t *list, const char *words, const char *kind, const char *name, const char *unless)
{
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item) {
		if (unless && json_is_true(json_object_get(item, unless)))
			continue;
		strbuf_addf(p->out, "%s%s", n ? ", " : "; ", n ? "" : words);
		n++;
		if (kind)
			add_text(p, json_string_value(json_object_get(item, kind)));
		if (kind)
			strbuf_addch(p->out, '/');
		add_text(p, json_string_value(json_object_get(item, name)));
	}
}

/* Looked at every few seconds: a short run has no course. */
static void print_cluster_usage(struct printer *p, const json_t *usage)
{
	struct usage_series s = { .last.known = USAGE_PIDS | (json_is_true(json_object_get(usage, "usage_known")) ? USAGE_CPU | USAGE_MEMORY : 0) };
	const json_t *point;
	size_t i;

	json_array_foreach(json_object_get(usage, "points"), i, point) {
		struct usage_point *to = &s.points[s.len];
		const struct { const char *key; uint64_t *value, *peak; } rows[] = {
			{ "cpu_millis", &to->cpu_millis, &s.peak.cpu_millis }, { "memory_bytes", &to->memory_bytes, &s.peak.memory_bytes },
			{ "pods", &to->pids, &s.peak.pids },
		};

		if (s.len == USAGE_POINTS)
			break;
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			*rows[k].value = (uint64_t)json_integer_value(json_object_get(point, rows[k].key));
			if (*rows[k].value > *rows[k].peak)
				*rows[k].peak = *rows[k].value;
		}
		s.len++;
	}
	usage_course_print(&s, "pods", p->color, p->out);
}

static void print_cluster(struct printer *p)
{
	const json_t *cluster = p->r->cluster;

	if (!cluster)
		return;
	add_styled(p, BOLD, "Cluster");
	strbuf_addstr(p->out, ": namespace ");
	add_text(p, json_string_value(json_object_get(cluster, "namespace")));
	print_names(p, json_object_get(cluster, "stand_ins"), "stand-ins: ", "kind", "name", NULL);
	print_names(p, json_object_get(cluster, "permissions"), "declared, and nothing that a cluster can grant: ", NULL, "declared", "granted");
	strbuf_addch(p->out, '\n');
	print_cluster_usage(p, json_object_get(cluster, "usage"));
}

/* After a failure: what the cluster says of what is not well. */
static void print_collected(struct printer *p)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);
	const char *line;
	size_t shown = 0;

	if (!p->r->collected)
		return;
	redact_text(p->r->redactor, p->r->collected, strlen(p->r->collected), &clean);	/* whole: a secret may have several lines */
	line = clean.buf;
	add_styled(p, BOLD, "Not well in the cluster");
	strbuf_addch(p->out, '\n');
	while (*line && (p->verbose || shown < COLLECTED_LINES)) {
		size_t len = strcspn(line, "\n");

		strbuf_addstr(p->out, "  ");
		printable_add(p->out, line, len);
		strbuf_addch(p->out, '\n');
		line += len + (line[len] == '\n');
		shown++;
	}
	if (*line)
		strbuf_addstr(p->out, "  … the rest is in the result ('collected'); --verbose shows it\n");
}

static void print_artifacts(struct printer *p)
{
	const struct artifacts_summary *a = &p->r->artifacts;

	if (!a->folder)
		return;
	add_styled(p, BOLD, "Artifacts");
	strbuf_addf(p->out, ": %llu file%s (", (unsigned long long)a->files, a->files == 1 ? "" : "s");
	size_format(p->out, a->bytes);
	strbuf_addstr(p->out, ") saved in '");
	add_text(p, a->folder);
	strbuf_addch(p->out, '\'');
	if (a->left_out)
		strbuf_addf(p->out, ", %llu left out (artifacts.json says why)", (unsigned long long)a->left_out);
	if (a->problem) {
		strbuf_addstr(p->out, ": ");
		add_text(p, a->problem);
	}
	strbuf_addch(p->out, '\n');
}

/* ---- enforcement */

static const char *const state_styles[] = {
	[CONTROL_NOT_REQUESTED] = "", [CONTROL_ENFORCED] = GREEN, [CONTROL_DEGRADED] = YELLOW, [CONTROL_UNAVAILABLE] = RED,
};

static void print_control(struct printer *p, enum control_id id)
{
	const struct control *c = &p->r->controls.items[id];
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(p->out, "  %s", control_name(id));
	pad_to(p, 24);
	if (c->state == CONTROL_NOT_REQUESTED) {
		strbuf_addstr(p->out, "not asked for\n");
		return;
	}
	add_styled(p, state_styles[c->state], control_state_to_string(c->state));
	pad_to(p, 37);
	if (c->requested[0])
		strbuf_addf(&text, "asked: %s", c->requested);
	if (c->mechanism[0])
		strbuf_addf(&text, "%sby: %s", text.len ? "; " : "", c->mechanism);
	if (c->detail[0])
		strbuf_addf(&text, "%s%s", text.len ? "; " : "", c->detail);
	add_wrapped(p, 37, text.buf);
}

static void print_enforcement(struct printer *p)
{
	const struct control *items = p->r->controls.items;
	unsigned int asked = 0, enforced = 0;

	for (int i = 0; i < CONTROL_COUNT; i++) {
		asked += items[i].state != CONTROL_NOT_REQUESTED;
		enforced += items[i].state == CONTROL_ENFORCED;
	}
	add_styled(p, BOLD, "Enforcement");
	if (!asked) {
		strbuf_addstr(p->out, ": no sandbox was made\n");
		return;
	}
	strbuf_addf(p->out, ": %u of %u controls enforced", enforced, asked);
	if (asked < CONTROL_COUNT && p->verbose)
		strbuf_addf(p->out, ", %u not asked for", (unsigned int)CONTROL_COUNT - asked);
	strbuf_addch(p->out, '\n');
	for (int i = 0; i < CONTROL_COUNT; i++) {
		if (p->verbose || items[i].state == CONTROL_DEGRADED || items[i].state == CONTROL_UNAVAILABLE)
			print_control(p, (enum control_id)i);
	}
}

/* ---- clean-up */

static void print_cleanup_item(struct printer *p, const struct cleanup_item *item)
{
	autofree char *text = xasprintf("%s (%s)", item->name, item->proof);

	strbuf_addstr(p->out, "  ");
	add_styled(p, item->gone ? GREEN : RED, item->gone ? "gone" : "LEFT");
	strbuf_addstr(p->out, "  ");
	add_text(p, item->kind);
	pad_to(p, 24);
	add_wrapped(p, 24, text);
}

static void print_cleanup(struct printer *p)
{
	const struct cleanup_list *list = &p->r->cleanup;
	size_t left = 0;

	for (size_t i = 0; i < list->len; i++)
		left += !list->items[i].gone;
	add_styled(p, BOLD, "Cleanup");
	if (result_is_kept(p->r)) {
		char until[CLOCK_RFC3339_SIZE];

		clock_rfc3339(p->r->kept_until_ns, until);
		strbuf_addf(p->out, ": the sandbox is kept until %s, and removed then\n", until);
		return;
	}
	if (p->r->cleanup_complete && !left) {
		strbuf_addf(p->out, ": %zu thing%s made, %zu gone\n", list->len, list->len == 1 ? "" : "s", list->len);
	} else {
		strbuf_addstr(p->out, ": ");
		add_styled(p, RED, "NOT COMPLETE");
		if (left)
			strbuf_addf(p->out, ", %zu of %zu things made %s still there; run 'sandbox_runner gc'\n", left, list->len,
				    left == 1 ? "is" : "are");
		else
			strbuf_addstr(p->out, ", not everything could be checked; run 'sandbox_runner gc'\n");
	}
	for (size_t i = 0; i < list->len; i++) {
		if (p->verbose || !list->items[i].gone)
			print_cleanup_item(p, &list->items[i]);
	}
}

/* ---- verdict */

static void print_verdict(struct printer *p)
{
	static const char *const styles[] = {
		[RUN_VERIFIED] = BOLD GREEN, [RUN_PARTIAL] = BOLD YELLOW,   [RUN_NOTHING_EXECUTED] = BOLD RED,
		[RUN_FAILED] = BOLD RED,     [RUN_LIMIT] = BOLD RED,	    [RUN_DEADLINE] = BOLD RED,
		[RUN_CANCELLED] = BOLD RED,  [RUN_ERROR] = BOLD RED,
	};
	char word[32];
	size_t len = 0;

	for (const char *s = run_verdict_to_string(p->r->verdict); *s && len < sizeof(word) - 1; s++)
		word[len++] = *s == '_' ? ' ' : (char)toupper((unsigned char)*s);
	word[len] = '\0';
	strbuf_addstr(p->out, "Verdict: ");
	add_styled(p, styles[p->r->verdict], word);
	if (p->r->verdict_reason && *p->r->verdict_reason) {
		strbuf_addstr(p->out, " – ");
		add_text(p, p->r->verdict_reason);
	}
	strbuf_addch(p->out, '\n');
}

void result_print(const struct result *r, bool verbose, bool color, struct strbuf *out)
{
	struct printer p = { .r = r, .verbose = verbose, .color = color, .out = out };

	print_not_executed(&p);
	print_decision(&p);
	print_found(&p);
	print_cluster(&p);
	print_files(&p);
	print_collected(&p);
	print_artifacts(&p);
	print_seen(&p);
	print_declared(&p);
	print_enforcement(&p);
	print_cleanup(&p);
	print_verdict(&p);
}
