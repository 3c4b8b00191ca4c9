/* SPDX-License-Identifier: Apache-2.0
 * rules_embed: a program of the build. Reads the rule files with the loader of the product, tries every sample, and prints C
 * with static tables, so that the product has nothing to parse when it starts. Any mistake stops the build, at file:line:column.
 *
 *	rules_embed stop|count|skip FOLDER > rules_tables.c
 *
 * What to do about samples that fail; "count" is for working at the scanner, "skip" tries none. */
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/rules_loader.h"
#include "validators/scan.h"
#include "validators/scan_index.h"

/* What rules_builtin() would point at; this program makes the real ones. */
const struct rule_tables rules_tables;

/* ---- C: rows of numbers; the texts that they point into come last (rules_tables.h) */

struct text_place {
	uint32_t at;
	char text[];
};

struct tables {
	struct strbuf texts;
	void *places;		/* a tree of struct text_place: equal texts are one */
	uint32_t *names;
	size_t names_len, names_alloc;
	const char **patterns;	/* so are patterns: each is compiled once, and the JIT pays sooner */
	size_t patterns_len, patterns_alloc;
};

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct text_place *)a)->text, ((const struct text_place *)b)->text);
}

static unsigned int text_of(struct tables *t, const char *s)
{
	struct text_place *place, **known;

	if (!s)
		return 0;
	place = xmalloc(sizeof(*place) + strlen(s) + 1);
	memcpy(place->text, s, strlen(s) + 1);
	place->at = (uint32_t)t->texts.len;
	known = tsearch(place, &t->places, compare_places);
	if (!known)
		abort();
	if (*known != place)
		free(place);
	else
		strbuf_add(&t->texts, s, strlen(s) + 1);
	return (*known)->at;
}

static void add_name(struct tables *t, const char *name)
{
	uint32_t at = text_of(t, name);

	ARRAY_GROW(t->names, t->names_len, t->names_alloc);
	t->names[t->names_len++] = at;
}

static unsigned int names_of(struct tables *t, const char *const *names)
{
	size_t at = t->names_len;

	if (!names)
		return 0;
	for (; *names; names++)
		add_name(t, *names);
	add_name(t, NULL);
	return (unsigned int)at;
}

static uint32_t pattern_of(struct tables *t, const char *text)
{
	if (!text)
		return UINT32_MAX;
	for (size_t i = 0; i < t->patterns_len; i++)
		if (!strcmp(t->patterns[i], text))
			return (uint32_t)i;
	ARRAY_GROW(t->patterns, t->patterns_len, t->patterns_alloc);
	t->patterns[t->patterns_len] = text;
	return (uint32_t)t->patterns_len++;
}

static void print_texts(const char *name, const char *texts, size_t len)
{
	printf("static const char %s[] =", name);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)texts[i];

		if (!i || !texts[i - 1])
			fputs("\n\t\"", stdout);
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c >= 0x7f || c == '?')	/* '?': no trigraphs */
			printf("\\%03o", c);
		else
			putchar(c);
		if (!c)
			putchar('"');
	}
	puts(len ? ";" : " \"\";");
}

static void print_numbers(const char *name, const uint32_t *numbers, size_t len)
{
	printf("static const uint32_t %s[%zu] = {", name, len + 1);
	for (size_t i = 0; i < len; i++)
		printf("%s%u,", i % 16 ? " " : "\n\t", numbers[i]);
	puts("\n};");
}

static void print_marks(const struct text_marks *m)
{
	printf("{ 0x%llx, 0x%llx }", (unsigned long long)m->characters, (unsigned long long)m->pairs);
}

static void print_way(const struct text_way *way)
{
	fputs("\t\t{ ", stdout);
	print_marks(&way->marks);
	printf(", %d },\n", way->last);
}

/* Of each pattern, by its number; the ways of all stand behind them. */
static void print_needs(const struct tables *t)
{
	struct arena arena = ARENA_INIT;
	const struct pattern_needs **needs = xcalloc(t->patterns_len, sizeof(*needs));
	size_t ways = 0;

	for (size_t i = 0; i < t->patterns_len; i++) {
		needs[i] = pattern_needs(&arena, t->patterns[i]);
		ways += needs[i]->len;
	}
	printf("static const struct {\n\tstruct pattern_needs needs[%zu];\n\tstruct text_way ways[%zu];\n} needs = {\n\t{\n", t->patterns_len, ways);
	ways = 0;
	for (size_t i = 0; i < t->patterns_len; i++) {
		fputs("\t\t{ .all = ", stdout);
		print_marks(&needs[i]->all);
		printf(", .pivots = 0x%llx, .ways = offsetof(__typeof__(needs), ways[%zu]) - offsetof(__typeof__(needs), needs[%zu]), .len = %u,\n"
		       "\t\t  .first = {", (unsigned long long)needs[i]->pivots, ways, i, needs[i]->len);
		for (size_t k = 0; k < ARRAY_SIZE(needs[i]->first); k++)
			if (needs[i]->first[k])
				printf(" [%zu] = %d,", k, needs[i]->first[k]);
		puts(" } },");
		ways += needs[i]->len;
	}
	puts("\t}, {");
	for (size_t i = 0; i < t->patterns_len; i++)
		for (size_t k = 0; k < needs[i]->len; k++)
			print_way(&pattern_ways(needs[i])[k]);
	puts("\t},\n};");
	free(needs);
	arena_release(&arena);
}

static void print_condition(struct tables *t, const struct rule_condition *c)
{
	printf("\t{ .subject = %d, .test = %d, .negated = %d, .recursive = %d, .each = %d, .pattern = %uu, .bits = 0x%llx, "
	       ".number = %lluu, .unit = %d, .path = %u, .text = %u, .names = %u },\n",
	       (int)c->subject, (int)c->test, c->negated, c->recursive, c->each, pattern_of(t, c->text),
	       (unsigned long long)c->bits, (unsigned long long)c->number, c->unit, text_of(t, c->path), text_of(t, c->text),
	       names_of(t, c->names));
}

static void print_conditions(struct tables *t, const struct rule_set *set)
{
	puts("static const struct condition_row conditions[] = {");
	for (size_t r = 0; r < set->len; r++)
		for (size_t m = 0; m < set->rules[r].matches_len; m++)
			for (size_t i = 0; i < set->rules[r].matches[m].conditions_len; i++)
				print_condition(t, &set->rules[r].matches[m].conditions[i]);
	puts("};");
}

static void print_matches(struct tables *t, const struct rule_set *set)
{
	size_t conditions = 0;

	puts("static const struct match_row matches[] = {");
	for (size_t r = 0; r < set->len; r++) {
		for (size_t i = 0; i < set->rules[r].matches_len; i++) {
			const struct rule_match *m = &set->rules[r].matches[i];

			printf("\t{ .commands = %u, .each = %u, .keywords = %u, .conditions = %zu, .conditions_len = %zu },\n",
			       names_of(t, m->commands), text_of(t, m->each), names_of(t, m->keywords), conditions,
			       m->conditions_len);
			conditions += m->conditions_len;
		}
	}
	puts("};");
}

static void print_samples(struct tables *t, const struct rule_set *set)
{
	puts("static const struct sample_row samples[] = {");
	for (size_t r = 0; r < set->len; r++) {
		for (size_t i = 0; i < set->rules[r].samples_len; i++) {
			const struct rule_sample *sample = &set->rules[r].samples[i];

			printf("\t{ .text = %u, .line = %u, .must_match = %d },\n", text_of(t, sample->text), sample->line,
			       sample->must_match);
		}
	}
	puts("};");
}

static void print_rules(struct tables *t, const struct rule_set *set)
{
	size_t matches = 0, samples = 0;

	puts("static const struct rule_row rows[] = {");
	for (size_t i = 0; i < set->len; i++) {
		const struct rule *r = &set->rules[i];

		printf("\t{ .id = %u, .title = %u, .message = %u, .help = %u, .suggestion = %u, .cwe = %u, .category = %u, .file = %u,\n",
		       text_of(t, r->id), text_of(t, r->title), text_of(t, r->message), text_of(t, r->help),
		       text_of(t, r->suggestion), text_of(t, r->cwe), text_of(t, r->category), text_of(t, r->file));
		printf("\t  .severity = %d, .scope = %d, .secret = %d, .disabled = %d, .line = %u,\n", (int)r->severity,
		       (int)r->scope, r->secret, r->disabled, r->line);
		printf("\t  .matches = %zu, .matches_len = %zu, .samples = %zu, .samples_len = %zu },\n", matches, r->matches_len,
		       samples, r->samples_len);
		matches += r->matches_len;
		samples += r->samples_len;
	}
	puts("};");
}

static void print_macros(struct tables *t, const struct macro_table *macros)
{
	printf("static const struct rule_macro macros[%zu + 1] = {\n", macros->len);
	for (size_t i = 0; i < macros->len; i++)
		printf("\t{ %u, %u },\n", text_of(t, macros->items[i].name), text_of(t, macros->items[i].text));
	puts("};");
}

/* ---- C: the index of the scanner (scan_index.h) */

static void print_shell_entries(const struct shell_entries *e)
{
	printf("static const struct shell_entry shell_entries[%zu + 1] = {\n", e->len);
	for (size_t i = 0; i < e->len; i++) {
		const struct shell_entry *item = &e->items[i];

		fputs("\t{ .required = ", stdout);
		print_marks(&item->required);
		printf(", .need = 0x%x, .feature = %u, .rule = %u, .match = %u, .for_any = %d, .asks_name = %d },\n", item->need,
		       item->feature, item->rule, item->match, item->for_any, item->asks_name);
	}
	printf("};\nstatic const struct name_entry names_of_commands[%zu + 1] = {\n", e->names_len);
	for (size_t i = 0; i < e->names_len; i++)
		printf("\t{ 0x%x, %u, %u, %u },\n", e->names[i].hash, e->names[i].entry, e->names[i].next, e->names[i].text);
	printf("};\nstatic const struct prefix_entry prefixes_of_commands[%zu + 1] = {\n", e->prefixes_len);
	for (size_t i = 0; i < e->prefixes_len; i++)
		printf("\t{ %u, %u, %u },\n", e->prefixes[i].text, e->prefixes[i].len, e->prefixes[i].entry);
	puts("};");
	print_texts("words_of_commands", e->words, e->words_len);
	print_numbers("slots_of_names", e->slots, NAME_SLOTS);
}

static void print_structure_entries(const struct structure_entries *e, int scope)
{
	printf("static const struct structure_entry structures%d[%zu + 1] = {\n", scope, e->len);
	for (size_t i = 0; i < e->len; i++)
		printf("\t{ 0x%llx, 0x%llx, %u, %u },\n", (unsigned long long)e->items[i].need,
		       (unsigned long long)e->items[i].need_below, e->items[i].rule, e->items[i].match);
	puts("};");
}

static void print_finder(const char *name, const struct finder *f)
{
	printf("static const struct finder %s_finder = {\n\t.ends = {", name);
	for (size_t i = 0; i < ARRAY_SIZE(f->ends); i++)
		if (f->ends[i])
			printf(" [%zu] = 0x%llx,", i, (unsigned long long)f->ends[i]);
	fputs(" },\n\t.folded = {", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(f->folded); i++)
		printf(" %u,", f->folded[i]);
	fputs(" },\n\t.lists = {", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(f->lists); i++)
		if (f->lists[i])
			printf(" [%zu] = %u,", i, f->lists[i]);
	fputs(" },\n\t.short_lists = {", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(f->short_lists); i++)
		if (f->short_lists[i])
			printf(" [%zu] = %u,", i, f->short_lists[i]);
	puts(" },\n};");
}

static void print_text_scope(const char *name, const struct text_scope *s)
{
	autofree char *words = xasprintf("%s_words", name);
	autofree char *uses = xasprintf("%s_uses", name);
	autofree char *keyed = xasprintf("%s_keyed", name);

	print_finder(name, s->finder);
	printf("static const struct keyword %s_keywords[%zu + 1] = {\n", name, s->keywords_len);
	for (size_t i = 0; i < s->keywords_len; i++)
		printf("\t{ %u, %u, %u, %u, %u },\n", s->keywords[i].text, s->keywords[i].len, s->keywords[i].next,
		       s->keywords[i].uses, s->keywords[i].uses_len);
	puts("};");
	print_texts(words, s->words, s->words_len);
	print_numbers(uses, s->uses, s->uses_len);
	print_numbers(keyed, s->keyed, s->keyed_len);
}

static void print_scope_member(const char *name, const struct text_scope *s)
{
	printf("\t.%s = { .finder = &%s_finder, .keywords = %s_keywords, .keywords_len = %zu, .words = %s_words, .words_len = %zu,\n"
	       "\t\t.uses = %s_uses, .uses_len = %zu, .keyed = %s_keyed, .keyed_len = %zu },\n",
	       name, name, name, s->keywords_len, name, s->words_len, name, s->uses_len, name, s->keyed_len);
}

static void print_index(const struct rule_set *set)
{
	autoarena struct arena arena = ARENA_INIT;
	struct scan_index index = { .texts_len = 0 };

	scan_index_make(&arena, set, &index);
	print_shell_entries(&index.shell);
	for (int scope = SCOPE_CONTAINER; scope <= SCOPE_PACKAGE; scope++)
		print_structure_entries(&index.structures[scope], scope);
	print_text_scope("script", &index.script);
	print_text_scope("text", &index.text);
	printf("static const struct text_entry text_entries[%zu + 1] = {\n", index.texts_len);
	for (size_t i = 0; i < index.texts_len; i++)
		printf("\t{ %u, %u },\n", index.texts[i].rule, index.texts[i].match);
	printf("};\nstatic const struct scan_index scan_index = {\n\t.shell = { .items = shell_entries, .len = %zu, "
	       ".names = names_of_commands, .names_len = %zu, .slots = slots_of_names,\n\t\t.prefixes = prefixes_of_commands, "
	       ".prefixes_len = %zu, .words = words_of_commands, .words_len = %zu },\n\t.structures = {\n",
	       index.shell.len, index.shell.names_len, index.shell.prefixes_len, index.shell.words_len);
	for (int scope = SCOPE_CONTAINER; scope <= SCOPE_PACKAGE; scope++)
		printf("\t\t[%d] = { structures%d, %zu },\n", scope, scope, index.structures[scope].len);
	puts("\t},");
	print_scope_member("script", &index.script);
	print_scope_member("text", &index.text);
	printf("\t.texts = text_entries, .texts_len = %zu,\n};\n", index.texts_len);
}

static void print_tables(const struct rule_set *set)
{
	const struct rules_owned *owned = set->owned;
	struct tables t = { .texts = STRBUF_INIT(STRBUF_NO_MAX) };
	char digest[65];

	strbuf_add(&t.texts, "", 1);	/* 0 is no text, and no list */
	add_name(&t, NULL);
	puts("/* made by validators/rules_embed.c */\n#include \"validators/scan_index.h\"\n");
	print_conditions(&t, set);
	print_matches(&t, set);
	print_samples(&t, set);
	print_rules(&t, set);
	print_macros(&t, &owned->macros);
	print_needs(&t);
	print_numbers("names", t.names, t.names_len);
	print_texts("texts", t.texts.buf, t.texts.len);
	print_index(set);
	rules_digest(set, digest);
	printf("const struct rule_tables rules_tables = {\n\t.rows = rows, .len = %zu, .patterns_len = %zu, .texts = texts, .names = names,\n"
	       "\t.matches = matches, .conditions = conditions, .samples = samples, .needs = needs.needs,\n"
	       "\t.macros = macros, .macros_len = %zu, .digest = \"%s\", .index = &scan_index,\n};\n",
	       set->len, t.patterns_len, owned->macros.len, digest);
	tdestroy(t.places, free);
	strbuf_release(&t.texts);
	free(t.names);
	free(t.patterns);
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
