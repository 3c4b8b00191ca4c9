/* SPDX-License-Identifier: Apache-2.0
 * analysis_arithmetic: integers of $((…)), indices and slices. What is not known makes the whole unknown. */
#include <ctype.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

#define NESTING_MAX 32
#define TEXT_MAX 1024

struct reader {
	struct walker *w;
	const char *s, *end;
	unsigned int depth;
	bool failed;
};

static int64_t expression(struct reader *r, int priority);

static void skip_blanks(struct reader *r)
{
	while (r->s < r->end && isspace((unsigned char)*r->s))
		r->s++;
}

static int64_t fail(struct reader *r)
{
	r->failed = true;
	return 0;
}

static int digit_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isalpha((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : 99;
}

static int64_t number(struct reader *r)
{
	uint64_t n = 0;
	int base = 10;

	if (*r->s == '0' && r->s + 1 < r->end) {
		bool hex = r->s[1] == 'x' || r->s[1] == 'X';

		base = hex ? 16 : 8;
		r->s += hex ? 2 : 1;
	}
	for (; r->s < r->end; r->s++) {
		if (*r->s == '#' && base == 10 && n >= 2 && n <= 36) {
			base = (int)n;
			n = 0;
			continue;
		}
		if (digit_value(*r->s) >= base)
			break;
		n = n * (uint64_t)base + (uint64_t)digit_value(*r->s);
	}
	return (int64_t)n;
}

/* A variable that holds a number. One that holds an expression is not followed: such expressions can double at each step. */
static int64_t variable(struct reader *r)
{
	const struct shell_value *value = NULL;
	struct reader inner = { .w = r->w };
	const char *name;
	int64_t n;

	r->s += r->s < r->end && *r->s == '$';
	r->s += r->s < r->end && *r->s == '{';
	name = r->s;
	while (r->s < r->end && (isalnum((unsigned char)*r->s) || *r->s == '_'))
		r->s++;
	if (r->s == name)
		return fail(r);
	if (isdigit((unsigned char)*name)) {
		size_t i = (size_t)(*name - '0');

		if (r->w->args_known && r->s == name + 1 && i < r->w->args_len)
			value = &r->w->args[i];
	} else {
		struct variable *v = variable_find(r->w, name, (size_t)(r->s - name));

		if (v)
			value = &v->now.values[v->now.array ? 0 : v->now.len - 1];
	}
	if (!value || !value->known || value->len > 24)
		return fail(r);
	r->s += r->s < r->end && *r->s == '}';
	if (!value->len)
		return 0;
	inner.s = value->text + (value->text[0] == '-');
	inner.end = value->text + value->len;
	n = inner.s < inner.end && isdigit((unsigned char)*inner.s) ? number(&inner) : fail(r);
	if (inner.s != inner.end)
		return fail(r);
	return value->text[0] == '-' ? (int64_t)(0 - (uint64_t)n) : n;
}

static int64_t primary(struct reader *r)
{
	int64_t n;

	skip_blanks(r);
	if (r->s >= r->end || ++r->depth > NESTING_MAX)
		return fail(r);
	switch (*r->s) {
	case '(':
		r->s++;
		n = expression(r, 0);
		skip_blanks(r);
		if (r->s >= r->end || *r->s != ')')
			return fail(r);
		r->s++;
		break;
	case '-':
	case '+':
	case '!':
	case '~': {
		char op = *r->s++;

		n = primary(r);
		n = op == '-' ? (int64_t)(0 - (uint64_t)n) : op == '!' ? !n : op == '~' ? ~n : n;
		break;
	}
	default:
		n = isdigit((unsigned char)*r->s) ? number(r) : variable(r);
	}
	r->depth--;
	return n;
}

static const struct operator {
	char text[3];
	int priority;
} operators[] = {
	{ "||", 1 }, { "&&", 2 }, { "==", 6 }, { "!=", 6 }, { "<=", 7 }, { ">=", 7 }, { "<<", 8 }, { ">>", 8 }, { "**", 11 },
	{ "|", 3 }, { "^", 4 }, { "&", 5 }, { "<", 7 }, { ">", 7 }, { "+", 9 }, { "-", 9 }, { "*", 10 }, { "/", 10 }, { "%", 10 },
};

static const struct operator *next_operator(struct reader *r)
{
	skip_blanks(r);
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t len = strlen(operators[i].text);

		if ((size_t)(r->end - r->s) >= len && !memcmp(r->s, operators[i].text, len))
			return &operators[i];
	}
	return NULL;
}

static int64_t power(int64_t base, int64_t exponent)
{
	uint64_t n = 1;

	for (int64_t i = 0; i < exponent && i < 64; i++)
		n *= (uint64_t)base;
	return (int64_t)n;
}

static int64_t combine(struct reader *r, const char *op, int64_t a, int64_t b)
{
	uint64_t ua = (uint64_t)a, ub = (uint64_t)b;

	switch (op[0]) {
	case '+': return (int64_t)(ua + ub);
	case '-': return (int64_t)(ua - ub);
	case '*': return op[1] ? power(a, b) : (int64_t)(ua * ub);
	case '/': return b == 0 || (b == -1 && a == INT64_MIN) ? fail(r) : a / b;
	case '%': return b == 0 || b == -1 ? (b ? 0 : fail(r)) : a % b;
	case '=': return a == b;
	case '!': return a != b;
	case '^': return a ^ b;
	case '|': return op[1] ? a || b : a | b;
	case '&': return op[1] ? a && b : a & b;
	case '<': return op[1] == '<' ? (int64_t)(ua << (ub & 63)) : op[1] ? a <= b : a < b;
	default: return op[1] == '>' ? a >> (ub & 63) : op[1] ? a >= b : a > b;
	}
}

static int64_t expression(struct reader *r, int priority)
{
	int64_t n = primary(r);
	const struct operator *op;

	while (!r->failed && (op = next_operator(r)) && op->priority > priority) {
		r->s += strlen(op->text);
		n = combine(r, op->text, n, expression(r, op->priority));
	}
	return n;
}

bool arithmetic(struct walker *w, const char *text, size_t len, int64_t *ret)
{
	struct reader r = { .w = w, .s = text, .end = text + len };

	*ret = 0;
	if (len > TEXT_MAX)
		return false;
	spend(w, len);
	skip_blanks(&r);
	if (r.s < r.end) {	/* empty is 0 */
		*ret = expression(&r, 0);
		skip_blanks(&r);
	}
	return !r.failed && r.s == r.end;
}
