/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/quantity.h"

#define NAMES_MAX 96	/* rows of all tables of one command, checked by options_names() */

bool option_has_environment(const struct option_spec *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_LIST && row->kind != OPTION_COUNTER;
}

bool option_takes_value(const struct option_spec *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_COUNTER;
}

/* The name of the value in the help tells. */
bool option_takes_path(const struct option_spec *row)
{
	static const char *const paths[] = { "SOURCE", "PATH", "DIR", "FILE" };

	for (const char *p = row->value; p && *p; p += strspn(p, "|[]:,.")) {	/* PROFILE holds a FILE, but is none */
		size_t len = strcspn(p, "|[]:,.");

		for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
			if (strlen(paths[i]) == len && !memcmp(paths[i], p, len))
				return true;
		p += len;
	}
	return false;
}

bool option_is_number(const struct option_spec *row)
{
	return row->kind == OPTION_DURATION || row->kind == OPTION_SIZE || row->kind == OPTION_CPU || row->kind == OPTION_COUNT ||
	       row->kind == OPTION_RATE;
}

/* ---- who set what */

void option_origins_add(struct option_origins *o, const struct option_spec *row, enum origin_kind kind, const char *place)
{
	if (!o)
		return;
	ARRAY_GROW(o->items, o->len, o->alloc);
	o->items[o->len++] = (struct option_origin){ .row = row, .kind = kind, .place = xstrdup(place) };
}

const struct option_origin *option_origin_of(const struct option_origins *o, const struct option_spec *row)
{
	for (size_t i = o ? o->len : 0; i-- > 0; )
		if (o->items[i].row == row)
			return &o->items[i];
	return NULL;
}

void option_origins_release(struct option_origins *o)
{
	for (size_t i = 0; i < o->len; i++)
		free(o->items[i].place);
	free(o->items);
	*o = (struct option_origins){ .items = NULL };
}

size_t options_names(const struct option_spec *const *tables, const char **ret, size_t max)
{
	size_t n = 0;

	for (; *tables; tables++)
		for (const struct option_spec *row = *tables; row->name && n < max; row++)
			ret[n++] = row->name;
	if (n < max)
		ret[n++] = "help";
	return n;
}

static const struct option_spec *find_long(const struct option_spec *const *tables, const char *name, size_t len)
{
	for (; *tables; tables++)
		for (const struct option_spec *row = *tables; row->name; row++)
			if (strlen(row->name) == len && !memcmp(row->name, name, len))
				return row;
	return NULL;
}

static const struct option_spec *find_short(const struct option_spec *const *tables, char name)
{
	for (; *tables; tables++)
		for (const struct option_spec *row = *tables; row->name; row++)
			if (row->short_name == name)
				return row;
	return NULL;
}

const struct option_spec *option_find(const struct option_spec *const *tables, const char *word)
{
	if (word[0] != '-' || !word[1])
		return NULL;
	return word[1] == '-' ? find_long(tables, word + 2, strcspn(word + 2, "=")) : find_short(tables, word[1]);
}

static int unknown_long(const struct option_spec *const *tables, const char *name, size_t len, struct error *err)
{
	const char *names[NAMES_MAX];
	size_t n = options_names(tables, names, NAMES_MAX);
	autofree char *word = xstrndup(name, len);
	const char *near = nearest(word, names, n);

	if (near)
		return error_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word, near);
	return error_set(err, ERR_USAGE, "unknown option '--%s'", word);
}

static int set_choice(const struct option_spec *row, const char *value, const char **member, struct error *err)
{
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);
	const char *near;
	size_t n = 0;

	for (; row->choices[n]; n++) {
		if (!strcmp(row->choices[n], value)) {
			*member = row->choices[n];
			return 0;
		}
		strbuf_addf(&known, "%s%s", n ? ", " : "", row->choices[n]);
	}
	near = nearest(value, row->choices, n);
	if (near)
		return error_set(err, ERR_USAGE, "unknown value '%s'; did you mean '%s'? (known: %s)", value, near, known.buf);
	return error_set(err, ERR_USAGE, "unknown value '%s' (known: %s)", value, known.buf);
}

void option_number(const struct option_spec *row, uint64_t value, struct strbuf *out)
{
	switch (row->kind) {
	case OPTION_DURATION: duration_format(out, value); break;
	case OPTION_SIZE: size_format(out, value); break;
	case OPTION_RATE: bandwidth_format(out, value); break;
	case OPTION_CPU: strbuf_addf(out, "%llum", (unsigned long long)value); break;
	default: strbuf_addf(out, "%llu", (unsigned long long)value); break;
	}
}

static int set_number(const struct option_spec *row, const char *value, uint64_t *member, struct error *err)
{
	size_t len = strlen(value);
	uint64_t n = 0;
	int rc;

	switch (row->kind) {
	case OPTION_DURATION: rc = duration_parse(value, len, &n, err); break;
	case OPTION_SIZE: rc = size_parse(value, len, &n, err); break;
	case OPTION_RATE: rc = bandwidth_parse(value, len, &n, err); break;
	case OPTION_CPU: rc = cpu_parse(value, len, &n, err); break;
	default: rc = integer_parse(value, len, 0, UINT64_C(1) << 62, &n, err); break;
	}
	if (rc < 0)
		return -1;
	if (n < row->min) {
		autostrbuf struct strbuf min = STRBUF_INIT(STRBUF_NO_MAX);

		option_number(row, row->min, &min);
		return error_set(err, ERR_USAGE, "'%s' is too small, the least is %s", value, min.buf);
	}
	*member = n;
	return 0;
}

/* `value` is NULL where none was given. The error is completed by the caller, who knows how the option was written. */
static int set_value(const struct option_spec *row, const char *value, void *target, struct error *err)
{
	void *member = (char *)target + row->offset;

	if (value && !*value && row->kind != OPTION_FLAG)
		return error_set(err, ERR_USAGE, "the value is empty");
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_COUNTER:
		++*(int *)member;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_LIST:
		strvec_push(member, value);
		return 0;
	case OPTION_CHOICE:
		return set_choice(row, value, member, err);
	default:
		return set_number(row, value, member, err);
	}
}

int option_set(const struct option_spec *row, const char *value, void *target, struct error *err)
{
	return set_value(row, value, target, err);
}

void option_value(const struct option_spec *row, const void *target, struct strbuf *out)
{
	const void *member = (const char *)target + row->offset;
	const struct strvec *list = member;

	switch (row->kind) {
	case OPTION_FLAG: strbuf_addstr(out, *(const bool *)member ? "true" : "false"); break;
	case OPTION_COUNTER: strbuf_addf(out, "%d", *(const int *)member); break;
	case OPTION_TEXT:
	case OPTION_CHOICE: strbuf_addstr(out, *(const char *const *)member ? *(const char *const *)member : ""); break;
	case OPTION_LIST:
		for (size_t i = 0; i < list->len; i++)
			strbuf_addf(out, "%s%s", i ? ", " : "", list->items[i]);
		break;
	default:
		if (*(const uint64_t *)member)
			option_number(row, *(const uint64_t *)member, out);
		break;
	}
}

static int assign(const struct option_spec *row, const char *written, const char *value, void *target,
		  struct option_origins *origins, enum origin_kind kind, struct error *err)
{
	if (set_value(row, value, target, err) == 0) {
		option_origins_add(origins, row, kind, written);
		return 0;
	}
	if (err)
		err->code = ERR_USAGE;
	return error_prefix(err, "%s", written);
}

void option_environment_name(const struct option_spec *row, struct strbuf *out)
{
	strbuf_addstr(out, "SANDBOX_RUNNER_");
	for (const char *p = row->name; *p; p++)
		strbuf_addch(out, *p == '-' ? '_' : (char)toupper((unsigned char)*p));
}

static int read_environment(const struct option_spec *const *tables, void *target, struct option_origins *origins, struct error *err)
{
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);

	for (; *tables; tables++)
		for (const struct option_spec *row = *tables; row->name; row++) {
			const char *value;

			if (!option_has_environment(row))
				continue;
			strbuf_clear(&name);
			option_environment_name(row, &name);
			value = getenv(name.buf);
			if (value && *value && assign(row, name.buf, value, target, origins, ORIGIN_ENVIRONMENT, err) < 0)
				return error_prefix(err, "environment");
		}
	return 0;
}

/* What the words of a command line are read into. */
struct reading {
	const struct option_spec *const *tables;
	int argc;
	char **argv;
	void *target;
	bool *help;
	struct option_origins *origins;
};

/* argv[*i] starts with "--"; *i moves on when the value is the next word. */
static int parse_long(const struct reading *r, int *i, struct error *err)
{
	const struct option_spec *const *tables = r->tables;
	char **argv = r->argv;
	const char *name = argv[*i] + 2;
	const char *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct option_spec *row = find_long(tables, name, len);
	autofree char *written = xstrndup(argv[*i], len + 2);

	if (!row && len == 4 && !memcmp(name, "help", 4) && !value) {
		*r->help = true;
		return 0;
	}
	if (!row)
		return unknown_long(tables, name, len, err);
	if (value)
		value++;
	if (value && !option_takes_value(row))
		return error_set(err, ERR_USAGE, "option '%s' takes no value", written);
	if (!value && row->without)
		value = row->without;
	if (!value && option_takes_value(row)) {
		/* "--wpk --type=kind" forgot a value; a value that really starts so can be written with "=" */
		if (*i + 1 >= r->argc || !strncmp(argv[*i + 1], "--", 2))
			return error_set(err, ERR_USAGE, "option '%s' needs a value: %s=%s", written, written, row->value);
		value = argv[++*i];
	}
	return assign(row, written, value, r->target, r->origins, ORIGIN_FLAG, err);
}

/* "-qv", "-o VALUE", "-oVALUE". */
static int parse_short(const struct reading *r, int *i, struct error *err)
{
	char **argv = r->argv;

	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct option_spec *row = find_short(r->tables, *p);
		const char written[] = { '-', *p, '\0' };
		const char *value = NULL;

		if (!row && *p == 'h') {
			*r->help = true;
			continue;
		}
		if (!row && strlen(argv[*i]) > 2)
			return error_set(err, ERR_USAGE, "unknown option '%s' in '%s'", written, argv[*i]);
		if (!row)
			return error_set(err, ERR_USAGE, "unknown option '%s'", written);
		if (option_takes_value(row)) {
			value = p[1] ? p + 1 : *i + 1 < r->argc ? argv[++*i] : NULL;
			if (!value)
				return error_set(err, ERR_USAGE, "option '%s' needs a value: %s %s", written, written, row->value);
		}
		if (assign(row, written, value, r->target, r->origins, ORIGIN_FLAG, err) < 0)
			return -1;
		if (value)
			break;
	}
	return 0;
}

int options_parse(const struct option_spec *const *tables, int argc, char **argv, void *target,
		  struct strvec *operands, bool *help, struct error *err)
{
	return options_parse_noting(tables, argc, argv, target, operands, help, NULL, err);
}

int options_parse_noting(const struct option_spec *const *tables, int argc, char **argv, void *target,
			 struct strvec *operands, bool *help, struct option_origins *origins, struct error *err)
{
	const struct reading r = { .tables = tables, .argc = argc, .argv = argv, .target = target, .help = help, .origins = origins };
	bool only_operands = false;

	/* --help is answered whatever else is wrong, so the environment is looked at after it */
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			*help = true;
			return 0;
		}
	if (read_environment(tables, target, origins, err) < 0)
		return -1;
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];
		int rc = 0;

		if (only_operands || arg[0] != '-' || !arg[1])
			strvec_push(operands, arg);
		else if (!strcmp(arg, "--"))
			only_operands = true;
		else if (arg[1] == '-')
			rc = parse_long(&r, &i, err);
		else
			rc = parse_short(&r, &i, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

void option_synopsis(const struct option_spec *row, struct strbuf *out)
{
	if (row->short_name)
		strbuf_addf(out, "-%c, ", row->short_name);
	strbuf_addf(out, "--%s", row->name);
	if (option_takes_value(row))
		strbuf_addf(out, row->without ? "[=%s]" : "=%s", row->value);
}

/* Help text plus what the row knows by itself: the choices, and that it may be repeated. */
void option_description(const struct option_spec *row, struct strbuf *out)
{
	strbuf_addstr(out, row->help);
	if (row->kind == OPTION_CHOICE) {
		strbuf_addstr(out, ": ");
		for (size_t i = 0; row->choices[i]; i++)
			strbuf_addf(out, "%s%s", i ? ", " : "", row->choices[i]);
	}
	if (row->kind == OPTION_LIST || row->kind == OPTION_COUNTER)
		strbuf_addstr(out, " (repeatable)");
}

#define HELP_COLUMN 26

/* Words of `text` from column HELP_COLUMN on; the first line starts there already. */
static void wrap(const char *text, unsigned int width, struct strbuf *out)
{
	unsigned int column = HELP_COLUMN;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + word > width) {
			strbuf_addf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			strbuf_addch(out, ' ');
			column++;
		}
		strbuf_add(out, text, word);
		column += (unsigned int)word;
		text += word;
		text += strspn(text, " ");
	}
	strbuf_addch(out, '\n');
}

static void help_row(const struct option_spec *row, unsigned int width, struct strbuf *out)
{
	autostrbuf struct strbuf left = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&left, row->short_name ? "  " : "      ");
	option_synopsis(row, &left);
	option_description(row, &text);
	if (left.len + 2 > HELP_COLUMN)
		strbuf_addf(out, "%s\n%*s", left.buf, HELP_COLUMN, "");
	else
		strbuf_addf(out, "%-*s", HELP_COLUMN, left.buf);
	wrap(text.buf, width, out);
}

/* Rows stand under the heading of their group, groups in the order in which they first appear. */
void options_help(const struct option_spec *const *tables, unsigned int width, struct strbuf *out)
{
	static const struct option_spec help = { .short_name = 'h', .name = "help", .kind = OPTION_FLAG,
						 .help = "show this and end" };
	const char *done[NAMES_MAX];
	size_t done_len = 0;

	for (const struct option_spec *const *t = tables; *t; t++)
		for (const struct option_spec *first = *t; first->name; first++) {
			bool seen = false;

			for (size_t i = 0; i < done_len; i++)
				seen |= !strcmp(done[i], first->group);
			if (seen || done_len == NAMES_MAX)
				continue;
			done[done_len++] = first->group;
			strbuf_addf(out, "\n%s:\n", first->group);
			for (const struct option_spec *const *u = tables; *u; u++)
				for (const struct option_spec *row = *u; row->name; row++)
					if (!strcmp(row->group, first->group))
						help_row(row, width, out);
		}
	if (!done_len)
		strbuf_addstr(out, "\nGeneral:\n");
	help_row(&help, width, out);
}
