/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/scan_command.h"

#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_required.h"

#define BUNDLE_MAX 16		/* letters of -abc that become lines of their own */
#define PORT_DIGITS 6		/* a bare number that is no longer is no host: host.h */
#define PIPELINE_MAX 64		/* commands before one in its pipeline */

/* Traits that everyday scripts have, and that are not worth looking at all rules for. */
#define COMMON_TRAITS (TRAIT_LOOP | TRAIT_NEGATED | TRAIT_TEST | TRAIT_FUNCTION | TRAIT_PRIVILEGED | TRAIT_BACKGROUND)

void command_view_init(struct command_view *v, struct scan *sc, const struct shell_analysis *analysis,
		       const struct shell_source *source)
{
	*v = (struct command_view){
		.sc = sc, .analysis = analysis, .source = source,
		.digits = text_marks("0", 1).characters, .host_marks = text_marks("0.:", 3).characters,
		.metadata = text_marks("metadata", 8).characters,
	};
	strbuf_init(&v->args, STRBUF_NO_MAX);
	strbuf_init(&v->line, STRBUF_NO_MAX);
	strbuf_init(&v->assignments, STRBUF_NO_MAX);
}

void command_view_release(struct command_view *v)
{
	strbuf_release(&v->args);
	strbuf_release(&v->line);
	strbuf_release(&v->assignments);
	free(v->lines);
	free(v->path_marks);
}

static uint64_t feature_if(bool holds, enum command_feature feature)
{
	return holds ? feature : 0;
}

static uint64_t effect_feature(enum shell_access access)
{
	static const uint64_t features[] = {
		[ACCESS_READ] = FEATURE_READ, [ACCESS_WRITE] = FEATURE_WRITE, [ACCESS_APPEND] = FEATURE_WRITE | FEATURE_APPEND,
		[ACCESS_DELETE] = FEATURE_DELETE, [ACCESS_EXECUTE] = FEATURE_EXECUTE, [ACCESS_MODE] = FEATURE_MODE,
		[ACCESS_MOVE] = FEATURE_MOVE, [ACCESS_LINK] = FEATURE_LINK,
	};

	return features[access];
}

static bool is_given(const struct shell_value *v)
{
	return v->len || v->origin;
}

static unsigned int data_origin(const struct shell_command *c)
{
	unsigned int origin = c->input.origin;

	for (size_t i = 1; i < c->argc; i++)
		origin |= c->argv[i].origin;
	return origin;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_bundle(const struct shell_value *v)
{
	if (v->len < 3 || v->len > BUNDLE_MAX + 1 || v->text[0] != '-' || !is_letter(v->text[1]))
		return false;
	for (size_t i = 2; i < v->len; i++) {
		if (!is_letter(v->text[i]) && !(v->text[i] >= '0' && v->text[i] <= '9'))
			return false;
	}
	return true;
}

static struct text_marks value_marks(const struct shell_value *value)
{
	return text_marks(value->text, value->len);
}

/* The line is the arguments and the name, or the assignments where there is no command. */
static void set_marks(struct command_view *v, const struct shell_command *c)
{
	v->args_marks = (struct text_marks){ 0 };
	for (size_t i = 1; i < c->argc; i++) {
		marks_add(&v->args_marks, value_marks(&c->argv[i]));
		for (size_t letter = 1; is_bundle(&c->argv[i]) && letter < c->argv[i].len; letter++)	/* as view_args() does */
			marks_add(&v->args_marks, text_marks_of_option(c->argv[i].text[letter]));
	}
	v->line_marks = v->args_marks;
	if (c->argc)
		marks_add(&v->line_marks, value_marks(&c->argv[0]));
	for (size_t i = 0; !c->argc && i < c->assignments_len; i++)
		marks_add(&v->line_marks, value_marks(&c->assignments[i]));
}

static uint64_t host_features(const struct command_view *v, uint64_t characters, bool socket)
{
	return feature_if((characters & v->host_marks) || socket, FEATURE_HOST) |
	       feature_if((characters & v->digits) || !(v->metadata & ~characters) || socket, FEATURE_METADATA);
}

static bool is_device(const struct shell_value *path)
{
	return path->len > 5 && !memcmp(path->text, "/dev/", 5);
}

void command_view_set(struct command_view *v, const struct shell_command *c)
{
	const unsigned int plain = ORIGIN_LITERAL;
	bool device = false;

	v->c = c;
	v->has_args = v->has_line = v->has_assignments = v->has_hosts = v->has_own_hosts = false;
	v->has_code_marks = v->has_input_marks = false;
	set_marks(v, c);
	v->features = feature_if(is_given(&c->code), FEATURE_CODE) | feature_if(is_given(&c->input), FEATURE_INPUT) |
		      feature_if(c->assignments_len, FEATURE_ASSIGNMENT) |
		      feature_if(c->input_from != SHELL_NO_COMMAND, FEATURE_PIPED) |
		      feature_if(c->code.origin & ~plain, FEATURE_CODE_ORIGIN) |
		      feature_if(c->input.origin & ~plain, FEATURE_INPUT_ORIGIN) |
		      feature_if(data_origin(c) & ~plain, FEATURE_DATA_ORIGIN) |
		      feature_if(c->argc && (c->argv[0].origin & ~plain), FEATURE_NAME_ORIGIN) |
		      feature_if(c->traits, FEATURE_TRAIT) |
		      feature_if(c->traits & ~(unsigned int)COMMON_TRAITS, FEATURE_RARE_TRAIT);
	v->paths_marks = (struct text_marks){ 0 };
	for (size_t i = 0; i < c->effects_len; i++) {
		ARRAY_GROW(v->path_marks, i, v->path_marks_alloc);
		v->path_marks[i] = value_marks(&c->effects[i].path);
		marks_add(&v->paths_marks, v->path_marks[i]);
		v->features |= effect_feature(c->effects[i].access);
		device |= is_device(&c->effects[i].path);
	}
	v->features |= host_features(v, v->args_marks.characters, device);
}

/* ---- what conditions look at */

static void add_line(struct command_view *v, size_t argument)
{
	ARRAY_GROW(v->lines, v->lines_len, v->lines_alloc);
	v->lines[v->lines_len++] = (struct argument_line){ v->args.len, argument };
}

static void add_argument(struct command_view *v, size_t i)
{
	const struct shell_value *value = &v->c->argv[i];
	size_t start;

	if (v->args.len)
		strbuf_addch(&v->args, '\n');
	add_line(v, i);
	start = v->args.len;
	strbuf_add(&v->args, value->text, value->len);
	for (char *p = v->args.buf + start; (p = memchr(p, '\n', v->args.len - (size_t)(p - v->args.buf))); p++)
		*p = ' ';
	if (!is_bundle(value))
		return;
	for (size_t letter = 1; letter < value->len; letter++) {
		char line[] = { '\n', '-', value->text[letter] };

		strbuf_addch(&v->args, line[0]);
		add_line(v, i);
		strbuf_add(&v->args, line + 1, 2);
	}
}

static const struct strbuf *view_args(struct command_view *v)
{
	if (v->has_args)
		return &v->args;
	strbuf_clear(&v->args);
	v->lines_len = 0;
	for (size_t i = 1; i < v->c->argc; i++)
		add_argument(v, i);
	v->has_args = true;
	return &v->args;
}

static const struct strbuf *view_line(struct command_view *v)
{
	if (!v->has_line) {
		strbuf_clear(&v->line);
		shell_command_text(v->c, &v->line);
		v->has_line = true;
	}
	return &v->line;
}

static const struct strbuf *view_assignments(struct command_view *v)
{
	if (v->has_assignments)
		return &v->assignments;
	strbuf_clear(&v->assignments);
	for (size_t i = 0; i < v->c->assignments_len; i++) {
		if (i)
			strbuf_addch(&v->assignments, '\n');
		strbuf_add(&v->assignments, v->c->assignments[i].text, v->c->assignments[i].len);
	}
	v->assignments_marks = text_marks(v->assignments.buf, v->assignments.len);
	v->has_assignments = true;
	return &v->assignments;
}

static void note_host(struct command_view *v, const struct shell_value *value, enum host_class class)
{
	v->hosts |= UINT64_C(1) << class;
	if (!v->host_values[class])
		v->host_values[class] = value;
}

/* Hosts but one's own have a point, a colon or a leading digit, and files that show themselves as such have none. */
static bool may_be_marked(const struct shell_value *value)
{
	const char *text = value->text;

	if (value->len < PORT_DIGITS && strspn(text, "0123456789") == value->len)
		return false;	/* a port, a count */
	if (memchr(text, ':', value->len))
		return true;
	if (!value->len || (strchr("/.~", text[0]) && strncmp(text, "//", 2) != 0))
		return false;
	return (text[0] >= '0' && text[0] <= '9') || memchr(text, '.', value->len) || memchr(text, '=', value->len);
}

static void note_hosts(struct command_view *v, const struct shell_value *value)
{
	const char *equals = value->len > 2 && value->text[0] == '-' ? memchr(value->text, '=', value->len) : NULL;
	size_t from = 0, skip = equals ? (size_t)(equals - value->text) + 1 : 0;
	struct host_ref host;
	bool found = false;

	while (from < value->len && host_find_url(value->text, value->len, from, &host)) {
		note_host(v, value, host.class);
		found = true;
		from = host.offset + host.len > from ? host.offset + host.len : from + 1;
	}
	if (!found && host_of_argument(value->text + skip, value->len - skip, &host))
		note_host(v, value, host.class);
}

/* Without `own` only those that are looked for most: what cannot be one of them is left out. */
static uint64_t view_hosts(struct command_view *v, bool own)
{
	const struct shell_command *c = v->c;

	if (own ? v->has_own_hosts : v->has_hosts)
		return v->hosts;
	v->hosts = 0;
	memset(v->host_values, 0, sizeof(v->host_values));
	for (size_t i = 1; i < c->argc; i++) {
		if (own || may_be_marked(&c->argv[i]))
			note_hosts(v, &c->argv[i]);
	}
	for (size_t i = 0; i < c->effects_len; i++) {
		const struct shell_value *path = &c->effects[i].path;

		if (!strncmp(path->text, "/dev/tcp/", 9) || !strncmp(path->text, "/dev/udp/", 9))
			note_hosts(v, path);
	}
	v->has_hosts = true;
	v->has_own_hosts = own;
	return v->hosts;
}

/* ---- places */

static void hit_value(struct command_hit *hit, const struct shell_value *value)
{
	hit->placed = value->source_len > 0;
	hit->offset = value->offset;
	hit->len = value->source_len;
	hit->shown = value->text;
	hit->shown_len = value->len;
}

static void hit_text(struct command_hit *hit, const struct strbuf *text, struct span span)
{
	hit->shown = text->buf + span.offset;
	hit->shown_len = span.len;
}

/* Several values, from the first to the last that a span touches: one place when they stand in order. */
static void hit_values(struct command_hit *hit, const struct shell_value *first, const struct shell_value *last)
{
	size_t end = last->offset + last->source_len;

	if (!first->source_len || !last->source_len || last->offset < first->offset ||
	    end < first->offset + first->source_len)
		return;
	hit->placed = true;
	hit->offset = first->offset;
	hit->len = end - first->offset;
}

/* Does the pattern say itself which part is meant? Otherwise the whole word is. */
static bool says_where(const struct rule_condition *c)
{
	return c->text && strstr(c->text, "(?<at>");
}

/* A part of a value, when the value stands in the text as it is, with or without quotes around it. */
static void hit_part(const struct command_view *v, struct command_hit *hit, const struct shell_value *value,
		     size_t from, size_t len)
{
	struct scan_place place = shell_place(v->source, value->offset, value->source_len);
	const char *source;

	hit_values(hit, value, value);
	if (!hit->placed || !len || from + len > value->len || place.offset + value->source_len > place.node->len)
		return;
	source = place.node->text + place.offset;
	for (size_t quote = 0; quote < 2 && value->len + 2 * quote <= value->source_len; quote++) {
		if (memcmp(source + quote, value->text, value->len) != 0)
			continue;
		hit->offset += quote + from;
		hit->len = len;
		return;
	}
}

/* The line of view.args that holds a byte. */
static const struct argument_line *line_at(const struct command_view *v, size_t offset)
{
	size_t low = 0, high = v->lines_len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (v->lines[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &v->lines[low];
}

static void hit_arguments(struct command_view *v, const struct rule_condition *c, struct command_hit *hit,
			  struct span span)
{
	const struct argument_line *first, *last;

	hit_text(hit, &v->args, span);
	if (!v->lines_len)
		return;
	first = line_at(v, span.offset);
	last = line_at(v, span.offset + (span.len ? span.len - 1 : 0));
	if (says_where(c) && first == last && (first == v->lines || first[-1].argument != first->argument))
		hit_part(v, hit, &v->c->argv[first->argument], span.offset - first->offset, span.len);
	else
		hit_values(hit, &v->c->argv[first->argument], &v->c->argv[last->argument]);
}

static void hit_assignments(struct command_view *v, const struct rule_condition *c, struct command_hit *hit,
			    struct span span)
{
	size_t at = 0;

	hit_text(hit, &v->assignments, span);
	for (size_t i = 0; i < v->c->assignments_len; i++) {
		const struct shell_value *value = &v->c->assignments[i];

		if (span.offset <= at + value->len) {
			hit_part(v, hit, value, span.offset - at, says_where(c) ? span.len : 0);
			return;
		}
		at += value->len + 1;
	}
}

/* ---- conditions */

static enum pattern_result match_text(struct command_view *v, const struct rule_condition *c, uint32_t rule_index,
				      const char *text, size_t len, struct span *span)
{
	struct scan_place place = shell_place(v->source, v->c->offset, v->c->source_len);

	return scan_pattern(v->sc, rule_index, c, text, len, 0, &place, span);
}

static const struct text_marks *value_marks_once(const struct shell_value *value, bool *has, struct text_marks *marks)
{
	if (!*has)
		*marks = value_marks(value);
	*has = true;
	return marks;
}

static const struct text_marks *marks_of_text(struct command_view *v, enum rule_subject subject)
{
	switch (subject) {
	case SUBJECT_ARGS:
		return &v->args_marks;
	case SUBJECT_LINE:
		return &v->line_marks;
	case SUBJECT_ASSIGNMENTS:
		view_assignments(v);
		return &v->assignments_marks;
	case SUBJECT_CODE:
		return value_marks_once(&v->c->code, &v->has_code_marks, &v->code_marks);
	default:
		return value_marks_once(&v->c->input, &v->has_input_marks, &v->input_marks);
	}
}

static bool text_holds(struct command_view *v, struct trial *t, uint32_t rule_index, struct command_hit *ret)
{
	const struct rule_condition *c = t->c;
	const struct shell_command *cmd = v->c;
	const struct shell_value *value = NULL;
	const struct strbuf *text = NULL;
	struct span span;
	bool holds;

	if (!needs_are_met(c->needs, marks_of_text(v, c->subject)))
		return false;
	switch (c->subject) {
	case SUBJECT_ARGS:
		text = view_args(v);
		break;
	case SUBJECT_LINE:
		text = view_line(v);
		break;
	case SUBJECT_ASSIGNMENTS:
		text = view_assignments(v);
		break;
	case SUBJECT_CODE:
		value = &cmd->code;
		break;
	default:
		value = &cmd->input;
		break;
	}
	if (text)
		holds = match_text(v, c, rule_index, text->buf, text->len, &span) == PATTERN_YES;
	else
		holds = match_text(v, c, rule_index, value->text ? value->text : "", value->len, &span) == PATTERN_YES;
	if (!holds)
		return false;
	if (c->subject == SUBJECT_ARGS)
		hit_arguments(v, c, ret, span);
	else if (c->subject == SUBJECT_ASSIGNMENTS)
		hit_assignments(v, c, ret, span);
	else if (text)
		hit_text(ret, text, span);
	else
		hit_value(ret, value);
	if (value) {	/* of code and input only the part that is meant, not all of it */
		ret->shown = value->text + span.offset;
		ret->shown_len = span.len;
	}
	return true;
}

static bool name_in(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (name_fits(*names, name))
			return true;
	}
	return false;
}

bool name_holds(struct scan *sc, const struct rule_condition *c, uint32_t rule_index, const char *name)
{
	struct scan_place place = { .node = NULL };

	if (c->test == TEST_NAMES)
		return name_in(c->names, name);
	return scan_matches(sc, rule_index, c, name, strlen(name), &place);
}

static bool access_fits(enum shell_access access, enum rule_subject subject)
{
	static const enum shell_access wanted[] = {
		[SUBJECT_READS] = ACCESS_READ, [SUBJECT_WRITES] = ACCESS_WRITE, [SUBJECT_APPENDS] = ACCESS_APPEND,
		[SUBJECT_DELETES] = ACCESS_DELETE, [SUBJECT_EXECUTES] = ACCESS_EXECUTE, [SUBJECT_MODES] = ACCESS_MODE,
		[SUBJECT_MOVES] = ACCESS_MOVE, [SUBJECT_LINKS] = ACCESS_LINK,
	};

	return access == wanted[subject] || (subject == SUBJECT_WRITES && access == ACCESS_APPEND);
}

static bool effects_hold(struct command_view *v, struct trial *t, uint32_t rule_index, struct command_hit *ret)
{
	const struct rule_condition *c = t->c;

	for (size_t i = 0; i < v->c->effects_len; i++) {
		const struct shell_effect *effect = &v->c->effects[i];

		if (!access_fits(effect->access, c->subject) || (c->recursive && !effect->recursive))
			continue;
		if (!needs_are_met(c->needs, &v->path_marks[i]))
			continue;
		if (match_text(v, c, rule_index, effect->path.text, effect->path.len, NULL) != PATTERN_YES)
			continue;
		hit_value(ret, &effect->path);
		return true;
	}
	return false;
}

/* Classes of which every host has a mark: see may_be_marked(). */
static bool are_marked(uint64_t classes)
{
	return !(classes & ~(UINT64_C(1) << HOST_EXTERNAL | UINT64_C(1) << HOST_METADATA));
}

static bool host_holds(struct command_view *v, const struct rule_condition *c, struct command_hit *ret)
{
	if (!(view_hosts(v, !are_marked(c->bits)) & c->bits))
		return false;
	for (size_t class = 0; class < ARRAY_SIZE(v->host_values); class++) {
		if ((c->bits >> class & 1) && v->host_values[class]) {
			hit_value(ret, v->host_values[class]);
			break;
		}
	}
	return true;
}

static bool value_from(const struct shell_value *value, uint64_t bits, struct command_hit *ret)
{
	if (!(value->origin & bits))
		return false;
	hit_value(ret, value);
	return true;
}

static bool origin_holds(struct command_view *v, const struct rule_condition *c, struct command_hit *ret)
{
	const struct shell_command *cmd = v->c;

	switch (c->subject) {
	case SUBJECT_CODE_FROM:
		return value_from(&cmd->code, c->bits, ret);
	case SUBJECT_INPUT_FROM:
		return value_from(&cmd->input, c->bits, ret);
	case SUBJECT_NAME_FROM:
		return cmd->argc && value_from(&cmd->argv[0], c->bits, ret);
	default:
		for (size_t i = 1; i < cmd->argc; i++) {
			if (value_from(&cmd->argv[i], c->bits, ret))
				return true;
		}
		return value_from(&cmd->input, c->bits, ret);
	}
}

static bool piped_holds(const struct command_view *v, const struct rule_condition *c)
{
	size_t from = v->c->input_from;

	for (unsigned int n = 0; n < PIPELINE_MAX && from < v->analysis->len; n++) {
		const struct shell_command *before = &v->analysis->commands[from];

		if (before->name && name_in(c->names, before->name))
			return true;
		if (before->input_from == from)
			break;
		from = before->input_from;
	}
	return false;
}

bool trial_holds(struct command_view *v, struct trial *t, uint32_t rule_index, struct command_hit *ret)
{
	const struct rule_condition *c = t->c;

	switch (c->subject) {
	case SUBJECT_COMMAND:	/* holds already */
		if (v->c->argc)
			hit_value(ret, &v->c->argv[0]);
		return !c->negated;
	case SUBJECT_ARGS:
	case SUBJECT_LINE:
	case SUBJECT_CODE:
	case SUBJECT_INPUT:
	case SUBJECT_ASSIGNMENTS:
		return text_holds(v, t, rule_index, ret);
	case SUBJECT_READS:
	case SUBJECT_WRITES:
	case SUBJECT_APPENDS:
	case SUBJECT_DELETES:
	case SUBJECT_EXECUTES:
	case SUBJECT_MODES:
	case SUBJECT_MOVES:
	case SUBJECT_LINKS:
		return effects_hold(v, t, rule_index, ret);
	case SUBJECT_HOST:
		return host_holds(v, c, ret);
	case SUBJECT_CODE_FROM:
	case SUBJECT_INPUT_FROM:
	case SUBJECT_DATA_FROM:
	case SUBJECT_NAME_FROM:
		return origin_holds(v, c, ret);
	case SUBJECT_TRAITS:
		return v->c->traits & c->bits;
	case SUBJECT_PIPED_FROM:
		return piped_holds(v, c);
	case SUBJECT_NODE:
	case SUBJECT_TEXT:
	case SUBJECT_KEY:
		break;
	}
	return false;
}

uint64_t condition_needs(const struct rule_condition *c)
{
	static const uint64_t needs[] = {
		[SUBJECT_CODE] = FEATURE_CODE, [SUBJECT_INPUT] = FEATURE_INPUT, [SUBJECT_ASSIGNMENTS] = FEATURE_ASSIGNMENT,
		[SUBJECT_READS] = FEATURE_READ, [SUBJECT_WRITES] = FEATURE_WRITE, [SUBJECT_APPENDS] = FEATURE_APPEND,
		[SUBJECT_DELETES] = FEATURE_DELETE, [SUBJECT_EXECUTES] = FEATURE_EXECUTE, [SUBJECT_MODES] = FEATURE_MODE,
		[SUBJECT_MOVES] = FEATURE_MOVE, [SUBJECT_LINKS] = FEATURE_LINK,
		[SUBJECT_CODE_FROM] = FEATURE_CODE_ORIGIN, [SUBJECT_INPUT_FROM] = FEATURE_INPUT_ORIGIN,
		[SUBJECT_DATA_FROM] = FEATURE_DATA_ORIGIN, [SUBJECT_NAME_FROM] = FEATURE_NAME_ORIGIN,
		[SUBJECT_TRAITS] = FEATURE_TRAIT, [SUBJECT_PIPED_FROM] = FEATURE_PIPED,
	};
	bool origin = c->subject >= SUBJECT_CODE_FROM && c->subject <= SUBJECT_NAME_FROM;

	if (c->subject == SUBJECT_HOST && !c->negated) {
		if (c->bits == UINT64_C(1) << HOST_METADATA)
			return FEATURE_HOST | FEATURE_METADATA;
		return are_marked(c->bits) ? FEATURE_HOST : 0;
	}
	if (c->negated || c->subject >= ARRAY_SIZE(needs) || (origin && (c->bits & ORIGIN_LITERAL)))
		return 0;
	if (c->subject == SUBJECT_TRAITS && !(c->bits & COMMON_TRAITS))
		return FEATURE_TRAIT | FEATURE_RARE_TRAIT;
	return needs[c->subject];
}

/* Bits, then paths and names, then texts, then hosts, which must be looked for. */
static uint32_t cost_of(enum rule_subject subject)
{
	static const uint32_t costs[] = {
		[SUBJECT_COMMAND] = 0, [SUBJECT_TRAITS] = 1, [SUBJECT_CODE_FROM] = 1, [SUBJECT_INPUT_FROM] = 1,
		[SUBJECT_NAME_FROM] = 1, [SUBJECT_DATA_FROM] = 2, [SUBJECT_PIPED_FROM] = 3, [SUBJECT_READS] = 4,
		[SUBJECT_WRITES] = 4, [SUBJECT_APPENDS] = 4, [SUBJECT_DELETES] = 4, [SUBJECT_EXECUTES] = 4,
		[SUBJECT_MODES] = 4, [SUBJECT_MOVES] = 4, [SUBJECT_LINKS] = 4, [SUBJECT_ASSIGNMENTS] = 5,
		[SUBJECT_ARGS] = 6, [SUBJECT_LINE] = 7, [SUBJECT_CODE] = 8, [SUBJECT_INPUT] = 8, [SUBJECT_HOST] = 9,
	};

	return subject < ARRAY_SIZE(costs) ? costs[subject] : 0;
}

static struct text_marks required_by(const struct rule_condition *c, bool fits)
{
	return fits && !c->negated && c->needs ? c->needs->all : (struct text_marks){ 0 };
}

struct text_marks condition_requires(const struct rule_condition *c)
{
	return required_by(c, c->subject == SUBJECT_LINE || c->subject == SUBJECT_ARGS);
}

struct text_marks condition_requires_in_path(const struct rule_condition *c)
{
	return required_by(c, c->subject >= SUBJECT_READS && c->subject <= SUBJECT_LINKS);
}

struct trial trial_new(const struct rule_condition *c, uint32_t order)
{
	return (struct trial){ .c = c, .order = order, .cost = cost_of(c->subject) };
}

bool name_fits(const char *pattern, const char *name)
{
	size_t len;

	if (pattern[0] != name[0] && pattern[0] != '*')
		return false;
	len = strlen(pattern);
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, name, len - 1);
	return !strcmp(pattern, name);
}
