/* SPDX-License-Identifier: Apache-2.0
 * analysis_parameter: what $NAME and ${NAME…} stand for. */
#include <ctype.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

#define LIST_MAX 4096	/* items of a list that an operator is applied to */

struct looked_up {
	const struct shell_value *values;
	size_t len;
	bool list, joined, set, odd;
};

static struct looked_up one(struct walker *w, struct shell_value v, bool set)
{
	struct shell_value *values = arena_alloc(w->arena, sizeof(*values));

	*values = v;
	return (struct looked_up){ .values = values, .len = 1, .set = set };
}

static struct looked_up unknown(struct walker *w, const char *name, size_t len, unsigned int origin)
{
	return one(w, value_unknown(w->arena, name, len, origin), false);
}

static struct looked_up look_up_argument(struct walker *w, const char *name, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < 100000; i++)
		n = 10 * n + (size_t)(name[i] - '0');
	if (n < w->args_len && (n == 0 || w->args_known))
		return (struct looked_up){ .values = &w->args[n], .len = 1, .set = true };
	if (w->args_known && n)
		return one(w, value_text("", 0, ORIGIN_LITERAL), false);
	return unknown(w, name, len, ORIGIN_INPUT);
}

static struct looked_up look_up_special(struct walker *w, char name)
{
	switch (name) {
	case '@':
	case '*':
		if (!w->args_known)
			return unknown(w, &name, 1, ORIGIN_INPUT);
		return (struct looked_up){ .values = w->args + 1, .len = w->args_len ? w->args_len - 1 : 0,
					   .list = name == '@', .joined = name == '*', .set = w->args_len > 1 };
	case '#':
		if (w->args_known)
			return one(w, value_number(w->arena, w->args_len ? (int64_t)w->args_len - 1 : 0), true);
		return unknown(w, "#", 1, ORIGIN_INPUT);
	default:
		return unknown(w, &name, 1, 0);	/* $? $$ $! $-: harmless */
	}
}

static bool is_harmless(const char *name)
{
	static const char *const names[] = {
		"RANDOM", "SECONDS", "LINENO", "UID", "EUID", "PPID", "BASHPID", "SHLVL", "EPOCHSECONDS",
		"BASH_VERSION", "HOSTNAME",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i][0] == name[0] && !strcmp(name, names[i]))
			return true;
	return false;
}

/* Variables that a shell brings along. */
static struct looked_up look_up_shell_variable(struct walker *w, const char *name, size_t len)
{
	if (!strchr("HIPORSLUEB", name[0]))
		return (struct looked_up){ .values = variable_unknown(w, name, len), .len = 1 };
	if (!strcmp(name, "HOME"))
		return one(w, value_text("~", 1, ORIGIN_INPUT), true);
	if (!strcmp(name, "IFS"))
		return one(w, value_text(" \t\n", 3, ORIGIN_LITERAL), true);
	if (!strcmp(name, "PWD") && w->cwd)
		return one(w, value_text(w->cwd, strlen(w->cwd), ORIGIN_LITERAL), true);
	if (!strcmp(name, "OLDPWD") && w->old_cwd)
		return one(w, value_text(w->old_cwd, strlen(w->old_cwd), ORIGIN_LITERAL), true);
	if (is_harmless(name))
		return unknown(w, name, len, 0);
	return (struct looked_up){ .values = variable_unknown(w, name, len), .len = 1 };
}

static struct looked_up look_up_element(struct walker *w, const struct variable *v, const char *name, size_t len,
					const char *index)
{
	autostrbuf struct strbuf key = STRBUF_INIT(1024);
	int64_t n;

	if (v && (!strcmp(index, "@") || !strcmp(index, "*")))
		return (struct looked_up){ .values = v->now.values, .len = v->now.len, .list = *index == '@',
					   .joined = *index == '*', .set = true };
	if (v && arithmetic(w, index, strlen(index), &n)) {
		size_t count = v->now.array ? v->now.len : 1;

		if (n < 0)
			n += (int64_t)count;
		if (n >= 0 && (uint64_t)n < count)
			return (struct looked_up){ .values = &v->now.values[n], .len = 1, .set = true };
	}
	strbuf_addf(&key, "%s[%s]", name, index);
	v = variable_find(w, key.buf, key.len);
	if (v)
		return (struct looked_up){ .values = v->now.values, .len = v->now.len, .set = true };
	return unknown(w, key.buf, key.len, knowledge_variable_origin(name) & ~(unsigned int)(len ? 0 : ORIGIN_SECRET));
}

static struct looked_up look_up(struct walker *w, const char *name, size_t len, const char *index)
{
	struct variable *v;

	if (!len)
		return unknown(w, "", 0, 0);
	if (!isalpha((unsigned char)name[0]) && name[0] != '_') {
		if (w->frame && strchr("@*#123456789", name[0]))
			w->frame->uses_args = true;
		if (isdigit((unsigned char)name[0]))
			return look_up_argument(w, name, len);
		if (len == 1)
			return look_up_special(w, name[0]);
	}
	if (w->frame && name[0] == 'F' && !strcmp(name, "FUNCNAME"))
		return one(w, value_text(w->frame->name, strlen(w->frame->name), ORIGIN_LITERAL), true);
	v = variable_find(w, name, len);
	if (v && v->now.reference)	/* declare -n */
		v = variable_find(w, v->now.values[0].text, v->now.values[0].len);
	if (index)
		return look_up_element(w, v, name, len, index);
	if (!v)
		return look_up_shell_variable(w, name, len);
	return (struct looked_up){ .values = v->now.values, .len = v->now.array ? 1 : v->now.len, .set = true,
				   .odd = v->now.odd };
}

/* Globs cost the square of the text. */
static bool pattern_affordable(struct walker *w, const struct shell_value *v, const char *pattern)
{
	size_t cost = v->len;

	if (strpbrk(pattern, "*?[\\"))
		cost = v->len > VALUE_PATTERN_MAX ? 0 : v->len * (v->len / 8 + 1) * (strlen(pattern) / 8 + 1);
	if ((int64_t)cost > w->balance) {
		w->values_cut = true;
		return false;
	}
	spend(w, cost);
	return true;
}

static struct shell_value edit(struct walker *w, const struct shell_part *part, struct shell_value v)
{
	struct shell_value operand = value_text("", 0, 0), operand2 = operand;
	bool odd;

	if (part->operand)
		operand = expand_single(w, part->operand, &odd);
	if (part->operand2)
		operand2 = expand_single(w, part->operand2, &odd);
	if (value_is_unknown(&v))
		return v;
	if (!operand.known || !operand2.known || !pattern_affordable(w, &v, operand.text)) {
		v.known = false;
		return v;
	}
	switch (part->expansion) {
	case EXPAND_PREFIX:
	case EXPAND_PREFIX_LONG:
		return value_strip_prefix(w->arena, v, operand.text, part->expansion == EXPAND_PREFIX_LONG);
	case EXPAND_SUFFIX:
	case EXPAND_SUFFIX_LONG:
		return value_strip_suffix(w->arena, v, operand.text, part->expansion == EXPAND_SUFFIX_LONG);
	default:
		spend(w, operand2.len);
		return value_replace(w->arena, v, operand.text, operand2.text, part->expansion == EXPAND_REPLACE_ALL);
	}
}

/* :offset:length of a text or of a list. */
static bool slice_bounds(struct walker *w, const struct shell_part *part, int64_t *offset, int64_t *len)
{
	bool odd;
	struct shell_value from = part->operand ? expand_single(w, part->operand, &odd) : value_text("0", 1, 0);
	struct shell_value size = part->operand2 ? expand_single(w, part->operand2, &odd) : value_text("", 0, 0);

	*offset = 0;
	*len = INT32_MAX;
	return (!from.len || arithmetic(w, from.text, from.len, offset)) &&
	       (!size.len || arithmetic(w, size.text, size.len, len)) && *offset < INT32_MAX && *offset > INT32_MIN && *len <= INT32_MAX && *len > INT32_MIN;
}

static struct looked_up slice(struct walker *w, const struct shell_part *part, struct looked_up got)
{
	int64_t offset, len;

	if (!slice_bounds(w, part, &offset, &len) || !got.len)
		return unknown(w, part->text, part->len, ORIGIN_INPUT);
	if (!offset && len == 1 && (!strcmp(part->text, "PATH") || !strcmp(part->text, "HOME") || !strcmp(part->text, "PWD")) &&
	    (!got.values[0].known || got.values[0].text[0] == '~'))
		return one(w, value_text("/", 1, ORIGIN_ASSEMBLED), true);	/* all begin with it */
	if (got.list || got.joined) {
		int64_t n = (int64_t)got.len, from = offset < 0 ? n + offset : offset;

		if (part->text[0] == '@' || part->text[0] == '*')
			from -= from > 0;	/* ${@:1} begins with $1 */
		from = from < 0 ? 0 : from > n ? n : from;
		got.values += from;
		got.len = (size_t)(len < 0 ? 0 : len > n - from ? n - from : len);
		return got;
	}
	if (value_is_unknown(&got.values[0]))
		return got;
	spend(w, got.values[0].len);
	return one(w, value_substring(w->arena, got.values[0], offset, len), true);
}

static struct looked_up edit_all(struct walker *w, const struct shell_part *part, struct looked_up got)
{
	size_t n = got.len < LIST_MAX ? got.len : LIST_MAX;
	struct shell_value *values = arena_alloc(w->arena, (n + 1) * sizeof(*values));

	for (size_t i = 0; i < n; i++) {
		struct shell_value v = got.values[i];

		if (part->expansion == EXPAND_UPPER || part->expansion == EXPAND_LOWER) {
			spend(w, v.len);
			/* ^ changes the first letter, ^^ all: told apart by what is written */
			if (!value_is_unknown(&v))
				v = value_case(w->arena, v, part->expansion == EXPAND_UPPER, true);
		} else {
			v = edit(w, part, v);
		}
		values[i] = v;
	}
	got.values = values;
	got.len = n;
	return got;
}

/* What is not used may be used another time: its commands are looked at. */
static void look_at(struct walker *w, const struct shell_word *word)
{
	bool odd;

	for (size_t i = 0; word && i < word->len; i++)
		if (word->parts[i].kind != PART_TEXT) {
			expand_single(w, word, &odd);
			return;
		}
}

static struct looked_up choose_default(struct walker *w, const struct shell_part *part, struct looked_up got)
{
	bool empty = !got.set || (got.len == 1 && got.values[0].known && !got.values[0].len), odd = false;
	struct shell_value v;

	if (part->expansion == EXPAND_ERROR || (part->expansion != EXPAND_ALTERNATIVE && !empty)) {
		look_at(w, part->operand);
		return got;
	}
	if (part->expansion == EXPAND_ALTERNATIVE && empty) {
		look_at(w, part->operand);
		return one(w, value_text("", 0, ORIGIN_LITERAL), false);
	}
	v = part->operand ? expand_single(w, part->operand, &odd) : value_text("", 0, ORIGIN_LITERAL);
	if (part->expansion == EXPAND_ASSIGN && part->len)
		variable_assign(w, part->text, part->len, v, odd);
	got = one(w, v, true);
	got.odd = odd;
	return got;
}

static struct looked_up count(struct walker *w, const struct shell_part *part, struct looked_up got)
{
	if (got.list || got.joined)
		return one(w, value_number(w->arena, (int64_t)got.len), true);
	if (got.len && got.values[0].known)
		return one(w, value_number(w->arena, (int64_t)got.values[0].len), true);
	return unknown(w, part->text, part->len, 0);
}

struct parameter parameter_value(struct walker *w, const struct shell_part *part)
{
	bool computed = false, odd;
	const char *index = part->index_word ? expand_single(w, part->index_word, &odd).text : part->index;
	struct looked_up got = look_up(w, part->text, part->len, index);

	if (!got.list && !got.joined && got.len > 1) {	/* one of several possible values */
		if (got.len > w->variants)
			w->variants = (unsigned int)got.len;
		got.values += w->variant < got.len ? w->variant : got.len - 1;
		got.len = 1;
	}
	switch (part->expansion) {
	case EXPAND_PLAIN:
		break;
	case EXPAND_DEFAULT:
	case EXPAND_ASSIGN:
	case EXPAND_ERROR:
	case EXPAND_ALTERNATIVE:
		got = choose_default(w, part, got);
		break;
	case EXPAND_LENGTH:
		got = count(w, part, got);
		break;
	case EXPAND_SUBSTRING:
		got = slice(w, part, got);
		computed = true;
		break;
	case EXPAND_INDIRECT:
		if (got.len == 1 && got.values[0].known && got.values[0].len < 256)
			got = look_up(w, got.values[0].text, got.values[0].len, NULL);
		computed = true;
		break;
	case EXPAND_OTHER:
		break;
	default:
		got = edit_all(w, part, got);
		computed = part->expansion != EXPAND_SUFFIX_LONG && part->expansion != EXPAND_PREFIX_LONG;
	}
	if (!got.list && !got.joined && got.len > 1)
		got.len = 1;
	return (struct parameter){ .values = got.values, .len = got.len, .list = got.list, .joined = got.joined,
				   .odd = got.odd, .computed = computed };
}
