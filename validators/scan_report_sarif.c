/* SPDX-License-Identifier: Apache-2.0
 *
 * SARIF 2.1.0. Only the rules that were met are described. GitHub takes 25,000 results a run: the most severe are
 * written, the rest is counted in a notification. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_report_forms.h"

#define RESULTS_MAX 25000

struct met {			/* a rule that was met */
	char *id;
	enum severity severity;	/* the highest seen: of checks without a rule */
	const struct rule *rule;
};

struct sarif {
	struct scan_sink *out;
	struct met *rules;		/* in order of appearance */
	size_t rules_len, rules_alloc;
	size_t listed[SEVERITY_CRITICAL + 1];	/* results there are; then, how many may be written */
	bool any;
};

static const char *level_of(enum severity s)
{
	return s >= SEVERITY_HIGH ? "error" : s == SEVERITY_MEDIUM ? "warning" : "note";
}

static size_t rule_index(const struct sarif *s, const char *id)
{
	for (size_t i = 0; i < s->rules_len; i++)
		if (!strcmp(s->rules[i].id, id))
			return i;
	return s->rules_len;
}

static void meet(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct sarif *s = arg;

	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];
		size_t at = rule_index(s, finding->rule_id);

		if (at == s->rules_len) {
			ARRAY_GROW(s->rules, s->rules_len, s->rules_alloc);
			s->rules[s->rules_len++] =
				(struct met){ .id = xstrdup(finding->rule_id), .rule = scan_rule_of(r, finding) };
		}
		if (finding->severity > s->rules[at].severity)
			s->rules[at].severity = finding->severity;
		s->listed[finding->severity]++;
	}
}

/* ---- small objects */

static json_t *text_object(json_t *text)
{
	json_t *o = json_object();

	json_put(o, "text", text);
	return o;
}

/* "[text](target)" would be a link in a message: the two are kept apart. */
static json_t *message_object(const char *s)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX), apart = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_escape(&safe, s, strlen(s));
	for (size_t i = 0; i < safe.len; i++) {
		strbuf_addch(&apart, safe.buf[i]);
		if (safe.buf[i] == ']' && safe.buf[i + 1] == '(')
			strbuf_addch(&apart, ' ');
	}
	return text_object(json_textn(apart.buf, apart.len));
}

/* A relative URI below the root of the sources; what is absolute already stays so. */
static json_t *artifact_location(const char *file)
{
	autostrbuf struct strbuf uri = STRBUF_INIT(STRBUF_NO_MAX);
	bool url = !strncmp(file, "http://", 7) || !strncmp(file, "https://", 8);
	json_t *o = json_object();

	if (*file == '/')
		strbuf_addstr(&uri, "file://");
	for (const char *s = scan_relative(file); *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
			     strchr("-._~/", *s) || (url && strchr(":?=&%@+,;#[]", *s));

		if (plain)
			strbuf_addch(&uri, *s);
		else
			strbuf_addf(&uri, "%%%02X", (unsigned int)(unsigned char)*s);
	}
	json_put(o, "uri", json_textn(uri.buf, uri.len));
	if (*file != '/' && !url)
		json_put_text(o, "uriBaseId", "%SRCROOT%");
	return o;
}

/* ---- rules */

/* What GitHub sorts by: the middle of each band of CVSS. */
static const char *const security_severities[] = {
	[SEVERITY_INFO] = NULL, [SEVERITY_LOW] = "3.0", [SEVERITY_MEDIUM] = "5.5", [SEVERITY_HIGH] = "8.0",
	[SEVERITY_CRITICAL] = "9.5",
};

static json_t *rule_tags(const struct rule *rule)
{
	json_t *tags = json_array();

	json_push(tags, json_text("security"));
	if (rule->category)
		json_push(tags, json_text(rule->category));
	if (rule->cwe && !strncmp(rule->cwe, "CWE-", 4)) {
		autostrbuf struct strbuf tag = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addf(&tag, "external/cwe/cwe-%03lu", strtoul(rule->cwe + 4, NULL, 10));
		json_push(tags, json_text(tag.buf));
	}
	return tags;
}

static json_t *rule_help(const struct rule *rule)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), markdown = STRBUF_INIT(STRBUF_NO_MAX);
	const char *help = rule->help ? rule->help : rule->title;
	json_t *o = json_object();

	strbuf_addstr(&text, help);
	strbuf_addf(&markdown, "**%s**\n\n%s", rule->title, help);
	if (rule->suggestion) {
		strbuf_addf(&text, "\n\nInstead: %s", rule->suggestion);
		strbuf_addf(&markdown, "\n\n**Instead:** %s", rule->suggestion);
	}
	json_put(o, "text", json_textn(text.buf, text.len));
	json_put(o, "markdown", json_textn(markdown.buf, markdown.len));
	return o;
}

static json_t *rule_object(const struct met *met)
{
	enum severity severity = met->rule ? met->rule->severity : met->severity;
	json_t *o = json_object(), *configuration = json_object(), *properties = json_object();
	const struct rule *rule = met->rule;

	json_put_text(o, "id", met->id);
	json_put(o, "shortDescription", text_object(json_text(rule ? rule->title : met->id)));
	json_put(o, "fullDescription",
		 text_object(json_text(rule && rule->help ? rule->help
				       : rule		  ? rule->title
							  : "a check of the package's form")));
	if (rule) {
		json_put(o, "help", rule_help(rule));
		json_put(properties, "tags", rule_tags(rule));
		if (security_severities[severity])
			json_put_text(properties, "security-severity", security_severities[severity]);
	}
	json_put_text(configuration, "level", level_of(severity));
	json_put(o, "defaultConfiguration", configuration);
	json_put_text(properties, "severity", severity_to_string(severity));
	json_put(o, "properties", properties);
	return o;
}

/* ---- results */

/* Bytes of `chars` characters. */
static size_t chars_len(const char *s, size_t len, uint64_t chars)
{
	size_t at = 0, n;
	uint32_t c;

	while (chars-- && (n = utf8_decode(s + at, len - at, &c)))
		at += n;
	return at;
}

static json_t *region(const struct finding *f)
{
	json_t *o = json_object();

	json_put_int(o, "startLine", f->position.line);
	json_put_int(o, "startColumn", f->position.column ? f->position.column : 1);
	json_put_int(o, "endColumn", (int64_t)(f->position.column ? f->position.column : 1) + f->width);
	if (f->line_text && f->position.column >= f->line_column) {
		size_t len = strlen(f->line_text), from = chars_len(f->line_text, len, f->position.column - f->line_column);

		json_put(o, "snippet",
			 text_object(json_textn(f->line_text + from,
						chars_len(f->line_text + from, len - from, f->width))));
	}
	return o;
}

static json_t *location(const struct finding *f, const char *file)
{
	json_t *o = json_object(), *physical = json_object();

	json_put(physical, "artifactLocation", artifact_location(file));
	if (f->position.line)
		json_put(physical, "region", region(f));
	if (f->position.line && f->line_text && f->line_column == 1) {
		json_t *context = json_object();

		json_put_int(context, "startLine", f->position.line);
		json_put(context, "snippet", text_object(json_text(f->line_text)));
		json_put(physical, "contextRegion", context);
	}
	json_put(o, "physicalLocation", physical);
	if (f->path) {
		json_t *logical = json_object(), *list = json_array();

		json_put_text(logical, "fullyQualifiedName", f->path);
		json_put_text(logical, "kind", "value");
		json_push(list, logical);
		json_put(o, "logicalLocations", list);
	}
	return o;
}

static json_t *suppressions(const struct finding *f)
{
	json_t *list = json_array(), *o;

	if (!f->suppressed)
		return list;
	o = json_object();
	json_put_text(o, "kind", f->suppression == SUPPRESSED_IN_FILE ? "inSource" : "external");
	json_put_text(o, "status", "accepted");
	if (f->justification)
		json_put(o, "justification", scan_safe_json(f->justification));
	json_push(list, o);
	return list;
}

static json_t *result_object(const struct sarif *s, const struct finding *f, const char *file)
{
	json_t *o = json_object(), *locations = json_array(), *fingerprints = json_object(), *properties = json_object();

	json_put_text(o, "ruleId", f->rule_id);
	json_put_int(o, "ruleIndex", (int64_t)rule_index(s, f->rule_id));
	json_put_text(o, "level", level_of(f->severity));
	json_put(o, "message", message_object(f->message));
	json_push(locations, location(f, file));
	json_put(o, "locations", locations);
	json_put_text(fingerprints, "sandboxRunner/v1", f->fingerprint ? f->fingerprint : f->rule_id);
	json_put(o, "partialFingerprints", fingerprints);
	json_put(o, "suppressions", suppressions(f));	/* empty: not suppressed, rather than not known */
	json_put_text(properties, "severity", severity_to_string(f->severity));
	if (f->suggestion)
		json_put(properties, "suggestion", scan_safe_json(f->suggestion));
	json_put(o, "properties", properties);
	return o;
}

static void write_results(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct sarif *s = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];

		if (!s->listed[finding->severity])
			continue;
		s->listed[finding->severity]--;
		scan_add_item(s->out, &s->any, "\n        ", result_object(s, finding, f->file));
	}
}

/* ---- the run */

/* Give the places to the most severe; returns for how many there is none. */
static size_t ration(struct sarif *s)
{
	size_t room = RESULTS_MAX, left_out = 0;

	for (int i = SEVERITY_CRITICAL; i >= 0; i--) {
		size_t n = s->listed[i] < room ? s->listed[i] : room;

		left_out += s->listed[i] - n;
		s->listed[i] = n;
		room -= n;
	}
	return left_out;
}

static json_t *notification(const char *level, const struct strbuf *text)
{
	json_t *o = json_object();

	json_put_text(o, "level", level);
	json_put(o, "message", text_object(json_textn(text->buf, text->len)));
	return o;
}

static json_t *invocation(const struct scan_report *r, size_t left_out)
{
	autostrbuf struct strbuf verdict = STRBUF_INIT(STRBUF_NO_MAX), rest = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *o = json_object(), *notes = json_array();
	bool unreadable = false;

	for (size_t i = 0; i < r->len; i++)
		unreadable |= r->files[i].unreadable != 0;
	json_put_bool(o, "executionSuccessful", !unreadable);
	scan_verdict_text(r, &verdict);
	json_push(notes, notification("note", &verdict));
	if (left_out) {
		strbuf_addf(&rest, "%zu results are left out, because a run may hold %d; the most severe are here",
			    left_out, RESULTS_MAX);
		json_push(notes, notification("warning", &rest));
	}
	json_put(o, "toolExecutionNotifications", notes);
	return o;
}

static json_t *driver(const struct sarif *s, const struct scan_report *r)
{
	json_t *tool = json_object(), *o = json_object(), *rules = json_array(), *properties = json_object();

	json_put_text(o, "name", "sandbox_runner");
	json_put_text(o, "semanticVersion", SANDBOX_RUNNER_VERSION);
	for (size_t i = 0; i < s->rules_len; i++)
		json_push(rules, rule_object(&s->rules[i]));
	json_put(o, "rules", rules);
	json_put_text(properties, "rules_digest", r->rules_digest);
	json_put(o, "properties", properties);
	json_put(tool, "driver", o);
	return tool;
}

static json_t *run_properties(const struct scan_report *r)
{
	json_t *o = json_object();

	json_put_text(o, "verdict", scan_report_acceptable(r) ? "acceptable" : "not_acceptable");
	json_put_text(o, "policy", r->policy);
	json_put_text(o, "fail_on", fail_on_to_string(r->fail_on));
	return o;
}

static void write_member(struct scan_sink *out, const char *key, json_t *value)
{
	strbuf_addf(&out->text, "      \"%s\": ", key);
	json_write(value, 0, &out->text);
	while (out->text.len && out->text.buf[out->text.len - 1] == '\n')
		out->text.buf[--out->text.len] = '\0';
	strbuf_addstr(&out->text, ",\n");
	json_decref(value);
}

static json_t *bases(void)
{
	json_t *o = json_object(), *root = json_object();

	json_put(root, "description", text_object(json_text("the folder in which the scan was started")));
	json_put(o, "%SRCROOT%", root);
	return o;
}

void scan_report_sarif(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct sarif s = { .out = out };
	json_t *invocations = json_array();

	(void)color;
	scan_report_each(r, SCAN_WHOLE, meet, &s);
	json_push(invocations, invocation(r, ration(&s)));
	strbuf_addstr(&out->text, "{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n  "
				  "\"version\": \"2.1.0\",\n  \"runs\": [\n    {\n");
	write_member(out, "tool", driver(&s, r));
	write_member(out, "invocations", invocations);
	write_member(out, "originalUriBaseIds", bases());
	write_member(out, "columnKind", json_text("unicodeCodePoints"));
	write_member(out, "properties", run_properties(r));
	strbuf_addstr(&out->text, "      \"results\": [");
	scan_report_each(r, SCAN_WHOLE, write_results, &s);
	strbuf_addstr(&out->text, s.any ? "\n      ]\n    }\n  ]\n}\n" : "]\n    }\n  ]\n}\n");
	scan_sink_flush(out, true);
	for (size_t i = 0; i < s.rules_len; i++)
		free(s.rules[i].id);
	free(s.rules);
}
