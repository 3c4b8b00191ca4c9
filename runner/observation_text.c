/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/observation_text.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define RESET "\033[0m"
#define COLUMNS_MAX 160
#define SPARK_COLUMNS 30

static void add_clean(const struct observation_style *style, const struct strbuf *text, struct strbuf *out)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(style->redactor, text->buf, text->len, &clean);
	printable_add_cut(out, clean.buf, clean.len, COLUMNS_MAX);
}

static void print_thing(const struct thing_seen *t, const char *heading, const struct observation_style *style, struct strbuf *out)
{
	static const struct { const char *word, *color; } severities[] = {
		[SANDBOX_INFO] = { "", "" }, [SANDBOX_LOW] = { "low: ", "" }, [SANDBOX_MEDIUM] = { "MEDIUM: ", YELLOW },
		[SANDBOX_HIGH] = { "HIGH: ", RED }, [SANDBOX_CRITICAL] = { "CRITICAL: ", RED },
	};
	const char *color = style->color ? severities[t->severity].color : "";
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(out, "    %s: %s%s%s", heading, color, severities[t->severity].word, *color ? RESET : "");
	thing_describe(t, &text);
	add_clean(style, &text, out);
	strbuf_addch(out, '\n');
}

/* What stays within the sandbox is no news: it is in the JSON. */
static bool is_at_home(const struct thing_seen *t)
{
	static const char *const homes[] = { "127.", "[::1]", "unix:", "198.18." };

	for (size_t i = 0; t->allowed && i < ARRAY_SIZE(homes); i++)
		if ((t->kind == SANDBOX_EVENT_CONNECT || t->kind == SANDBOX_EVENT_SEND) && !strncmp(t->subject, homes[i], strlen(homes[i])))
			return true;
	return false;
}

/* The most severe first, each severity in the order of time. */
static void print_things(const struct things_seen *things, const char *heading, enum sandbox_severity least,
			 const struct observation_style *style, struct strbuf *out)
{
	size_t shown = 0, hidden = 0;

	for (int severity = SANDBOX_CRITICAL; severity >= (int)least; severity--) {
		for (size_t i = 0; i < things->len; i++) {
			if ((int)things->items[i].severity != severity || (style->most && is_at_home(&things->items[i])))
				continue;
			if (style->most && shown >= style->most) {
				hidden++;
				continue;
			}
			print_thing(&things->items[i], heading, style, out);
			shown++;
		}
	}
	if (hidden)
		strbuf_addf(out, "    %s: … and %zu more, all in the JSON result\n", heading, hidden);
}

static void print_process(const struct process_seen *p, const struct observation_style *style, struct strbuf *out)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(out, "    process %u: ", p->pid);
	strbuf_addstr(&text, *p->arguments ? p->arguments : p->program);
	add_clean(style, &text, out);
	if (p->outlived)
		strbuf_addstr(out, " – outlived the step");
	else if (p->exited)
		strbuf_addf(out, " – exit status %d", p->status);
	strbuf_addch(out, '\n');
}

static void print_processes(const struct observation *o, const struct observation_style *style, struct strbuf *out)
{
	size_t n = style->most && o->processes_len > style->most ? style->most : o->processes_len;

	for (size_t i = 0; i < n; i++)
		print_process(&o->processes[i], style, out);
	if (n < o->processes_len)
		strbuf_addf(out, "    process: … and %zu more, all in the JSON result\n", o->processes_len - n);
}

static void cpu_format(struct strbuf *out, uint64_t millis)
{
	strbuf_addf(out, "%llu.%llu", (unsigned long long)(millis / 1000), (unsigned long long)(millis % 1000 / 100));
}

static void count_format(struct strbuf *out, uint64_t n)
{
	strbuf_addf(out, "%llu", (unsigned long long)n);
}

void usage_course_print(const struct usage_series *s, const char *things, bool color, struct strbuf *out)
{
	const struct {
		const char *name;
		unsigned int known;
		uint64_t (*value)(const struct usage_point *p);
		void (*format)(struct strbuf *out, uint64_t n);
	} rows[] = {
		{ "cpu", USAGE_CPU, usage_cpu, cpu_format },
		{ "memory", USAGE_MEMORY, usage_memory, size_format },
		{ things, USAGE_PIDS, usage_pids, count_format },
	};

	/* a single point is no course */
	if (s->len < 4)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(s->last.known & rows[i].known))
			continue;
		strbuf_addf(out, "    %s%-9s ", color ? DIM : "", rows[i].name);
		usage_series_spark(s, rows[i].value, SPARK_COLUMNS, out);
		strbuf_addstr(out, " at most ");
		rows[i].format(out, rows[i].value(&s->peak));
		strbuf_addf(out, "%s\n", color ? RESET : "");
	}
}

void observation_print(const struct observation *o, const struct observation_style *style, struct strbuf *out)
{
	if (!o)
		return;
	if (style->processes)
		print_processes(o, style, out);
	print_things(&o->network, "network", SANDBOX_INFO, style, out);
	print_things(&o->security, "security", style->most ? SANDBOX_MEDIUM : SANDBOX_INFO, style, out);
	if (o->lost)
		strbuf_addf(out, "    %llu more events were too many to keep\n", (unsigned long long)o->lost);
	if (style->usage)
		usage_course_print(&o->usage, "processes", style->color, out);
}

void usage_now_print(const struct usage_series *s, struct strbuf *out)
{
	const char *before = "";

	if (s->last.known & USAGE_CPU) {
		strbuf_addstr(out, "cpu ");
		cpu_format(out, s->now.cpu_millis);
		before = ", ";
	}
	if (s->last.known & USAGE_MEMORY) {
		strbuf_addf(out, "%smemory ", before);
		size_format(out, s->now.memory_bytes);
		before = ", ";
	}
	if (s->last.known & USAGE_PIDS)
		strbuf_addf(out, "%s%llu process%s", before, (unsigned long long)s->now.pids, s->now.pids == 1 ? "" : "es");
}
