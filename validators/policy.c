/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/policy.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/policy_facts.h"

#define SCORE_MAX 100

struct decision {
	const struct wpk *wpk;
	char *policy;
	enum verdict verdict;
	bool approval_required;
	unsigned int score;
	struct strvec arithmetic, reasons;
	char *findings;
	struct decision_facts facts;
	char *override;
};

/* ---- the score */

struct sum {
	uint64_t points;
	struct decision *d;
};

/* Findings of one rule in a list: the first counts in full, the others as the policy says. */
struct group {
	const char *rule_id;
	enum severity severity;
	size_t n;
};

struct groups {
	struct group *items;
	size_t len, alloc;
};

static struct group *group_of(struct groups *groups, const struct finding *f)
{
	for (size_t i = 0; i < groups->len; i++)
		if (groups->items[i].severity == f->severity && !strcmp(groups->items[i].rule_id, f->rule_id))
			return &groups->items[i];
	ARRAY_GROW(groups->items, groups->len, groups->alloc);
	groups->items[groups->len] = (struct group){ .rule_id = f->rule_id, .severity = f->severity };
	return &groups->items[groups->len++];
}

/* Does it count? Schema warnings are about form, not about risk; a note about what is not listed is no finding. */
static bool counts(const struct finding *f)
{
	return !f->suppressed && f->of_rule;
}

static void group_findings(const struct finding_list *findings, struct groups *groups)
{
	for (size_t i = 0; i < findings->len; i++)
		if (counts(&findings->items[i]))
			group_of(groups, &findings->items[i])->n++;
}

/* "2 high x 25 = 50", and "3 more of the same rules x 5 = 15" where repeats count for less. */
static void add_severity(const struct policy *p, const struct groups *groups, enum severity severity, struct sum *sum)
{
	unsigned int weight = p->weights[severity], repeat = weight * p->repeat_percent / 100;
	uint64_t first = 0, more = 0;

	for (size_t i = 0; i < groups->len; i++) {
		if (groups->items[i].severity != severity)
			continue;
		first++;
		more += groups->items[i].n - 1;
	}
	if (p->repeat_percent == 100) {
		first += more;
		more = 0;
	}
	if (first && weight)
		strvec_pushf(&sum->d->arithmetic, "%llu %s x %u = %llu", (unsigned long long)first, severity_to_string(severity), weight,
			     (unsigned long long)(first * weight));
	if (more && repeat)
		strvec_pushf(&sum->d->arithmetic, "%llu more of the same %s rules x %u = %llu", (unsigned long long)more,
			     severity_to_string(severity), repeat, (unsigned long long)(more * repeat));
	sum->points += first * weight + more * repeat;
}

static bool has_rule(const struct groups *groups, const char *rule_id)
{
	for (size_t i = 0; i < groups->len; i++)
		if (!strcmp(groups->items[i].rule_id, rule_id))
			return true;
	return false;
}

static void work_out_score(const struct policy *p, const struct finding_list *findings, struct decision *d)
{
	struct groups groups = { .items = NULL };
	struct sum sum = { .d = d };
	/* the published engine multiplies as floating point numbers, one after the other, and cuts at the end: so does this */
	double score;

	group_findings(findings, &groups);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_INFO; s--)
		add_severity(p, &groups, (enum severity)s, &sum);
	score = (double)sum.points;
	for (size_t i = 0; i < p->multipliers_len; i++) {
		const struct policy_multiplier *m = &p->multipliers[i];

		if (!has_rule(&groups, m->rule_id))
			continue;
		score *= m->percent / 100.0;
		strvec_pushf(&d->arithmetic, "x %g for %s = %g", m->percent / 100.0, m->rule_id, score);
	}
	if (score > SCORE_MAX)
		strvec_pushf(&d->arithmetic, "at most %d", SCORE_MAX);
	if (!d->arithmetic.len)
		strvec_push(&d->arithmetic, "nothing found = 0");
	d->score = score > SCORE_MAX ? SCORE_MAX : (unsigned int)score;
	free(groups.items);
}

static char *count_findings(const struct finding_list *findings)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t counted[SEVERITY_CRITICAL + 1] = { 0 };

	for (size_t i = 0; i < findings->len; i++)
		if (counts(&findings->items[i]))
			counted[findings->items[i].severity]++;
	for (int s = SEVERITY_CRITICAL; s > SEVERITY_INFO; s--)
		if (counted[s])
			strbuf_addf(&text, "%s%zu %s", text.len ? ", " : "", counted[s], severity_to_string((enum severity)s));
	return strbuf_detach(&text);
}

/* ---- the verdict */

static bool has_critical(const struct finding_list *findings)
{
	for (size_t i = 0; i < findings->len; i++)
		if (counts(&findings->items[i]) && findings->items[i].severity == SEVERITY_CRITICAL)
			return true;
	return false;
}

static bool steps_want_approval(const struct wpk_handler_list *list)
{
	bool wanted = false;

	for (size_t i = 0; i < list->len; i++) {
		wanted |= list->items[i].approval_required;
		for (size_t j = 0; j < list->items[i].steps_len; j++)
			wanted |= list->items[i].steps[j].approval_required;
	}
	return wanted;
}

static bool states_approval(const struct wpk *wpk)
{
	return wpk->approval_required || steps_want_approval(&wpk->handlers) || steps_want_approval(&wpk->rollback);
}

/* The findings that weigh most, in words: what a reviewer reads first. */
static void add_reasons(struct decision *d, const struct finding_list *findings, enum severity least)
{
	size_t left_out = 0;

	for (int s = SEVERITY_CRITICAL; s >= (int)least; s--) {
		for (size_t i = 0; i < findings->len; i++) {
			const struct finding *f = &findings->items[i];

			if (!counts(f) || f->severity != (enum severity)s)
				continue;
			if (d->reasons.len > 10)
				left_out++;
			else
				strvec_pushf(&d->reasons, "%s: %s (%s, line %u)", severity_to_string(f->severity), f->message, f->rule_id,
					     f->position.line);
		}
	}
	if (left_out)
		strvec_pushf(&d->reasons, "%zu more of severity %s or higher", left_out, severity_to_string(least));
}

static void judge(const struct policy *p, const struct wpk *wpk, const struct finding_list *findings, struct decision *d)
{
	bool automatic = wpk->safety_mode == WPK_SAFETY_AUTO;
	const struct policy_threshold *limit = automatic ? &p->automatic : &p->manual;
	bool critical = has_critical(findings);

	d->verdict = d->score >= limit->block ? VERDICT_BLOCK : d->score >= limit->review ? VERDICT_REVIEW : VERDICT_APPROVE;
	d->approval_required = d->verdict != VERDICT_APPROVE || critical || (p->stated_approval && states_approval(wpk));
	if (d->verdict == VERDICT_APPROVE)
		return;
	strvec_pushf(&d->reasons, "the score is %u; with safety mode '%s' the policy '%s' %s from %u on", d->score,
		     automatic ? "auto" : "manual", p->name, d->verdict == VERDICT_BLOCK ? "blocks" : "wants a review",
		     d->verdict == VERDICT_BLOCK ? limit->block : limit->review);
	add_reasons(d, findings, critical ? SEVERITY_CRITICAL : SEVERITY_MEDIUM);
}

static void policy_cleanup(struct policy **p)
{
	policy_free(*p);
}

int policy_decide(const struct policy *p, const struct wpk *wpk, const struct finding_list *findings, struct decision **ret,
		  struct error *err)
{
	__attribute__((__cleanup__(policy_cleanup))) struct policy *ours = p ? NULL : policy_builtin("default");
	size_t errors = finding_count(findings, FINDING_ERROR);
	struct decision *d;

	p = p ? p : ours;
	if (errors)
		return error_set(err, ERR_INVALID_INPUT, "the package has %zu error%s", errors, errors == 1 ? "" : "s");
	d = xcalloc(1, sizeof(*d));
	d->wpk = wpk;
	d->policy = xstrdup(p->name);
	work_out_score(p, findings, d);
	d->findings = count_findings(findings);
	judge(p, wpk, findings, d);
	d->facts = policy_facts(wpk);
	*ret = d;
	return 0;
}

void decision_free(struct decision *d)
{
	if (!d)
		return;
	free(d->policy);
	free(d->findings);
	free(d->override);
	strvec_release(&d->arithmetic);
	strvec_release(&d->reasons);
	free(d);
}

/* ---- what it says */

void decision_override(struct decision *d, const char *reason)
{
	free(d->override);
	d->override = xstrdup(reason);
}

const struct wpk *decision_wpk(const struct decision *d)
{
	return d->wpk;
}

enum verdict decision_verdict(const struct decision *d)
{
	return d->verdict;
}

bool decision_refused(const struct decision *d)
{
	return d->verdict == VERDICT_BLOCK && !d->override;
}

const char *decision_override_reason(const struct decision *d)
{
	return d->override;
}

bool decision_approval_required(const struct decision *d)
{
	return d->approval_required;
}

const char *decision_findings(const struct decision *d)
{
	return d->findings;
}

unsigned int decision_score(const struct decision *d)
{
	return d->score;
}

const char *risk_level_of_score(unsigned int score)
{
	return score >= 75 ? "critical" : score >= 50 ? "high" : score >= 25 ? "medium" : "low";
}

const char *decision_risk_level(const struct decision *d)
{
	return risk_level_of_score(d->score);
}

const struct strvec *decision_arithmetic(const struct decision *d)
{
	return &d->arithmetic;
}

const struct strvec *decision_reasons(const struct decision *d)
{
	return &d->reasons;
}

const struct decision_facts *decision_facts(const struct decision *d)
{
	return &d->facts;
}

const char *verdict_to_string(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_APPROVE] = "approve", [VERDICT_REVIEW] = "review", [VERDICT_BLOCK] = "block",
	};

	return names[v];
}

static json_t *texts(const struct strvec *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->len; i++)
		json_push(list, json_text(v->items[i]));
	return list;
}

json_t *decision_to_json(const struct decision *d)
{
	autostrbuf struct strbuf facts = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *o = json_object(), *category = NULL;
	struct error err = { 0 };

	decision_facts_write_json(&d->facts, d->score, &facts);
	if (json_parse(facts.buf, facts.len, "facts", &category, &err) < 0)
		abort();	/* it is ours */
	json_put_text(o, "policy", d->policy);
	json_put_text(o, "policy_decision", verdict_to_string(d->verdict));
	json_put_bool(o, "approval_required", d->approval_required);
	json_put_bool(o, "can_execute", d->verdict == VERDICT_APPROVE && !d->approval_required);
	json_put_int(o, "score", d->score);
	json_put_text(o, "risk_level", decision_risk_level(d));
	json_put(o, "arithmetic", texts(&d->arithmetic));
	json_put(o, "reasons", texts(&d->reasons));
	json_put(o, "category", category);
	json_put_text(o, "override", d->override);
	return o;
}
