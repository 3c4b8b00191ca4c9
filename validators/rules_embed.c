/* SPDX-License-Identifier: Apache-2.0
 * rules_embed: a program of the build. Reads the rule files with the loader of the product, tries every sample, and prints C
 * with static tables, so that the product has nothing to parse when it starts. Any mistake stops the build, at file:line:column.
 *
 *	rules_embed stop|count|skip FOLDER > rules_tables.c
 *
 * What to do about samples that fail; "count" is for working at the scanner, "skip" tries none. */
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/rules_loader.h"
#include "validators/scan.h"
#include "validators/scan_required.h"

/* What rules_builtin() would point at; this program makes the real ones. */
const struct rule_tables rules_tables;

/* ---- C */

static void print_string(const char *s)
{
	if (!s) {
		fputs("NULL", stdout);
		return;
	}
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c >= 0x7f || c == '?')	/* '?': no trigraphs */
			printf("\\%03o", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_member(const char *name, const char *value)
{
	if (!value)
		return;
	printf("\t\t.%s = ", name);
	print_string(value);
	puts(",");
}

static void print_names(const char *const *names)
{
	if (!names) {
		fputs("NULL", stdout);
		return;
	}
	fputs("(const char *const []){ ", stdout);
	for (; *names; names++) {
		print_string(*names);
		fputs(", ", stdout);
	}
	fputs("NULL }", stdout);
}

/* Equal patterns are one: each is compiled once, and the JIT pays sooner. */
struct pattern_numbers {
	const char **texts;
	size_t len, alloc;
};

static uint32_t number_of(struct pattern_numbers *numbers, const char *text)
{
	for (size_t i = 0; i < numbers->len; i++)
		if (!strcmp(numbers->texts[i], text))
			return (uint32_t)i;
	ARRAY_GROW(numbers->texts, numbers->len, numbers->alloc);
	numbers->texts[numbers->len] = text;
	return (uint32_t)numbers->len++;
}

static void print_marks(const struct text_marks *m)
{
	printf("{ 0x%llx, 0x%llx }", (unsigned long long)m->characters, (unsigned long long)m->pairs);
}

/* Of each pattern, by its number. */
static void print_needs(const struct rule_set *set, struct pattern_numbers *numbers)
{
	struct arena arena = ARENA_INIT;
	const struct pattern_needs **needs;

	for (size_t r = 0; r < set->len; r++)
		for (size_t m = 0; m < set->rules[r].matches_len; m++)
			for (size_t i = 0; i < set->rules[r].matches[m].conditions_len; i++)
				if (set->rules[r].matches[m].conditions[i].text)
					number_of(numbers, set->rules[r].matches[m].conditions[i].text);
	needs = xcalloc(numbers->len, sizeof(*needs));
	for (size_t i = 0; i < numbers->len; i++) {
		needs[i] = pattern_needs(&arena, numbers->texts[i]);
		printf("static const struct text_way ways%zu[] = { ", i);
		for (size_t k = 0; k < needs[i]->len; k++) {
			const struct text_way *way = &needs[i]->ways[k];

			fputs("{ ", stdout);
			print_marks(&way->marks);
			printf(", %d }, ", way->last);
		}
		puts("};");
	}
	puts("static const struct pattern_needs needs[] = {");
	for (size_t i = 0; i < numbers->len; i++) {
		fputs("\t{ .all = ", stdout);
		print_marks(&needs[i]->all);
		printf(", .pivots = 0x%llx, .ways = ways%zu, .len = %zu, .first = {", (unsigned long long)needs[i]->pivots, i,
		       needs[i]->len);
		for (size_t k = 0; k < ARRAY_SIZE(needs[i]->first); k++)
			if (needs[i]->first[k])
				printf(" [%zu] = %d,", k, needs[i]->first[k]);
		puts(" } },");
	}
	puts("};");
	free(needs);
	arena_release(&arena);
}

static void print_condition(const struct rule_condition *c, struct pattern_numbers *numbers)
{
	printf("\t{ .subject = %d, .test = %d, .negated = %d, .recursive = %d, .each = %d, .pattern = %uu, .bits = 0x%llx, "
	       ".number = %lluu, .unit = %d, .path = ",
	       (int)c->subject, (int)c->test, c->negated, c->recursive, c->each,
	       c->text ? number_of(numbers, c->text) : UINT32_MAX, (unsigned long long)c->bits,
	       (unsigned long long)c->number, c->unit);
	print_string(c->path);
	if (c->text)
		printf(", .needs = &needs[%u]", number_of(numbers, c->text));
	fputs(", .text = ", stdout);
	print_string(c->text);
	fputs(", .names = ", stdout);
	print_names(c->names);
	puts(" },");
}

static void print_parts(const struct rule *rule, size_t r, struct pattern_numbers *numbers)
{
	for (size_t m = 0; m < rule->matches_len; m++) {
		if (!rule->matches[m].conditions_len)
			continue;
		printf("static const struct rule_condition c%zu_%zu[] = {\n", r, m);
		for (size_t i = 0; i < rule->matches[m].conditions_len; i++)
			print_condition(&rule->matches[m].conditions[i], numbers);
		puts("};");
	}
	printf("static const struct rule_match m%zu[] = {\n", r);
	for (size_t m = 0; m < rule->matches_len; m++) {
		fputs("\t{ .commands = ", stdout);
		print_names(rule->matches[m].commands);
		fputs(", .each = ", stdout);
		print_string(rule->matches[m].each);
		fputs(", .keywords = ", stdout);
		print_names(rule->matches[m].keywords);
		if (rule->matches[m].conditions_len)
			printf(", .conditions = c%zu_%zu, .conditions_len = %zu", r, m, rule->matches[m].conditions_len);
		puts(" },");
	}
	printf("};\nstatic const struct rule_sample s%zu[] = {\n", r);
	for (size_t i = 0; i < rule->samples_len; i++) {
		printf("\t{ .must_match = %d, .line = %u, .text = ", rule->samples[i].must_match, rule->samples[i].line);
		print_string(rule->samples[i].text);
		puts(" },");
	}
	puts("};");
}

static void print_rule(const struct rule *rule, size_t r)
{
	puts("\t{");
	print_member("id", rule->id);
	print_member("title", rule->title);
	print_member("message", rule->message);
	print_member("help", rule->help);
	print_member("suggestion", rule->suggestion);
	print_member("cwe", rule->cwe);
	print_member("category", rule->category);
	print_member("file", rule->file);
	printf("\t\t.severity = %d, .scope = %d, .secret = %d, .disabled = %d, .line = %u,\n", (int)rule->severity,
	       (int)rule->scope, rule->secret, rule->disabled, rule->line);
	printf("\t\t.matches = m%zu, .matches_len = %zu, .samples = s%zu, .samples_len = %zu,\n\t},\n", r, rule->matches_len, r,
	       rule->samples_len);
}

static void print_tables(const struct rule_set *set)
{
	const struct rules_owned *owned = set->owned;
	struct pattern_numbers numbers = { 0 };
	char digest[65];

	puts("/* made by validators/rules_embed.c */\n#include \"validators/rules_loader.h\"\n#include \"validators/scan_required.h\"\n");
	print_needs(set, &numbers);
	for (size_t i = 0; i < set->len; i++)
		print_parts(&set->rules[i], i, &numbers);
	puts("static const struct rule rules[] = {");
	for (size_t i = 0; i < set->len; i++)
		print_rule(&set->rules[i], i);
	printf("};\nstatic const struct rule_macro macros[%zu + 1] = {\n", owned->macros.len);
	for (size_t i = 0; i < owned->macros.len; i++) {
		fputs("\t{ ", stdout);
		print_string(owned->macros.items[i].name);
		fputs(", ", stdout);
		print_string(owned->macros.items[i].text);
		puts(" },");
	}
	rules_digest(set, digest);
	printf("};\nconst struct rule_tables rules_tables = {\n\t.rules = rules, .len = %zu, .patterns_len = %zu,\n"
	       "\t.macros = macros, .macros_len = %zu, .digest = \"%s\",\n};\n",
	       set->len, numbers.len, owned->macros.len, digest);
	free(numbers.texts);
}

/* ---- checks */

static size_t tell(struct finding_list *findings, const char *file, const struct document *doc)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	size_t n = findings->len;

	finding_sort(findings);
	for (size_t i = 0; i < findings->len; i++)
		finding_print(&findings->items[i], file, doc, false, &out);
	fputs(out.buf, stderr);
	return n;
}

/* Samples that do not do what they say stand in the file of their rule. Returns how many mistakes there are. */
static size_t try_samples(const struct rule_set *set, const char *file, const struct document *doc, const char *mode)
{
	const bool stop = !strcmp(mode, "stop");
	struct rule_set part = *set;
	size_t bad = 0;

	if (!strcmp(mode, "skip"))
		return 0;
	for (size_t i = 0; i < set->len; i++) {
		struct finding_list findings;

		if (strcmp(set->rules[i].file, file))
			continue;
		part.rules = &set->rules[i];
		part.len = 1;
		finding_list_init(&findings, file);
		scan_rule_samples(&part, &findings);
		bad += stop ? tell(&findings, file, doc) : findings.len;
		finding_list_release(&findings);
	}
	if (bad && !stop)
		fprintf(stderr, "%s: %zu samples do not do what they say (RULES_SAMPLES=stop tells which)\n", file, bad);
	return stop ? bad : 0;
}

/* Returns how many mistakes the files of a folder have; all of them are told. */
static size_t load_folder(struct rule_set *set, const char *folder, const char *mode)
{
	autostrvec struct strvec files = STRVEC_INIT;
	struct error err = { 0 };
	size_t bad = 0;

	rules_begin(set);
	if (rules_folder_files(folder, &files, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (size_t i = 0; i < files.len; i++) {
		struct finding_list findings;
		struct document *doc = NULL;

		if (rules_read_file(files.items[i], &doc, &err) < 0) {
			fprintf(stderr, "%s: error: %s\n", files.items[i], err.text);
			bad++;
			continue;
		}
		finding_list_init(&findings, files.items[i]);
		rules_load_more(set, doc, &findings);
		bad += tell(&findings, files.items[i], doc);
		bad += try_samples(set, files.items[i], doc, mode);
		finding_list_release(&findings);
		document_free(doc);
	}
	return bad;
}

int main(int argc, char **argv)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);
	size_t bad;

	if (argc != 3) {
		fputs("usage: rules_embed stop|count|skip FOLDER\n", stderr);
		return 2;
	}
	bad = load_folder(set, argv[2], argv[1]);
	if (!bad && !set->len) {
		fprintf(stderr, "%s: no rules\n", argv[2]);
		bad++;
	}
	if (!bad)
		print_tables(set);
	else
		fprintf(stderr, "rules: %zu mistakes\n", bad);
	rules_free(set);
	return bad || fflush(stdout) || ferror(stdout) ? 1 : 0;
}
