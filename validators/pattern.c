/* SPDX-License-Identifier: Apache-2.0
 * What bounds a match. PCRE2's own match limit counts backtracking, but from anew at every place where a match may start, and not the
 * steps of a plain repeat: `x.*y` on a megabyte of x is quadratic without ever meeting it. So the places to start from are tried in
 * slices that cannot take longer than a few tenths of a second at worst, and between the slices the clock is looked at. Texts of a
 * few hundred bytes are one slice and never cost a look at the clock. */
#include "validators/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

/* Interpreting the first matches is cheaper than the JIT's compilation (measured: 5 to 15 µs a pattern, a match of a short text 0.5 µs without
 * and 0.05 µs with it). A long text pays for it alone. */
#define JIT_AFTER_MATCHES 16
#define JIT_FROM_BYTES 1024

#define MATCH_LIMIT 100000	/* backtracking steps from one place; 2 more for each byte of text */
#define SLICE_STEPS 30000000	/* that many steps between two looks at the clock: about 0.3 s at worst */
#define DEPTH_LIMIT 20000
#define HEAP_LIMIT_KIB 16384
#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)8 << 20)
#define ALLOWANCE_NS (50 * NS_PER_MS)
#define ALLOWANCE_NS_PER_BYTE 100

struct pattern {
	const char *text;		/* borrowed */
	size_t len;
	pcre2_code *code;		/* NULL before the first use */
	pcre2_match_data *match;
	pcre2_match_context *context;
	uint32_t at;			/* number of the group "at"; 0: none */
	unsigned int uses;
	enum pattern_jit jit;
	bool no_jit, jitted, broken;
	/* the account of matches one after the other in the same text */
	const char *account_text;
	size_t account_len;
	uint64_t spent_ns;
};

/* ---- making */

/* Does a pattern speak of characters beyond ASCII? Only then is UTF-8 worth its checks. The JIT of PCRE2 10.42 is wrong about \S, \D and \W in
 * text that may be no UTF-8: patterns that have both are left to the interpreter. */
static bool needs_utf(const char *text, size_t len, bool *ret_no_jit)
{
	bool utf = len > 1 && !memcmp(text, "(*", 2), negated = false;

	for (size_t i = 0; i < len; i++) {
		utf |= (text[i] & 0x80) != 0;
		if (text[i] != '\\' || i + 1 >= len)
			continue;
		i++;
		utf |= memchr("pPX", text[i], 3) || (i + 1 < len && text[i + 1] == '{' && memchr("xNo", text[i], 3));
		negated |= memchr("SDW", text[i], 3) != NULL;
	}
	*ret_no_jit = utf && negated;
	return utf;
}

static int compile(struct pattern *p, size_t *ret_offset, struct error *err)
{
	const uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT |
		(needs_utf(p->text, p->len, &p->no_jit) ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0);
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset = 0;
	int code, group;

	if (!context)
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "no memory for a pattern");
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_bsr(context, PCRE2_BSR_ANYCRLF);
	pcre2_set_max_pattern_length(context, PATTERN_MAX_BYTES);
	p->code = pcre2_compile((PCRE2_SPTR)p->text, p->len, options, &code, &offset, context);
	pcre2_compile_context_free(context);
	if (!p->code) {
		pcre2_get_error_message(code, message, sizeof(message));
		*ret_offset = offset > p->len ? p->len : offset;
		return error_set(err, ERR_INVALID_INPUT, "%s", (const char *)message);
	}
	p->match = pcre2_match_data_create_from_pattern(p->code, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (!p->match || !p->context)
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "no memory for a pattern");
	pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(p->context, HEAP_LIMIT_KIB);
	group = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)"at");
	p->at = group > 0 ? (uint32_t)group : 0;
	return 0;
}

struct pattern *pattern_new_lazy(const char *text)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	p->text = text;
	p->len = strlen(text);
	return p;
}

int pattern_new(const char *text, size_t len, struct pattern **ret, size_t *ret_offset, struct error *err)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	p->text = text;
	p->len = len;
	*ret_offset = 0;
	if (compile(p, ret_offset, err) < 0) {
		pattern_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->context);
	pcre2_match_data_free(p->match);
	pcre2_code_free(p->code);
	free(p);
}

void pattern_set_jit(struct pattern *p, enum pattern_jit jit)
{
	p->jit = jit;
}

bool pattern_is_jitted(const struct pattern *p)
{
	return p->jitted;
}

/* Compiled, and by the JIT if that pays by now. False: it cannot be (the build has checked it, but the library may be another). */
static bool make_ready(struct pattern *p, size_t len)
{
	struct error err = { 0 };
	size_t offset;

	if (!p->code && !p->broken)
		p->broken = compile(p, &offset, &err) < 0;
	if (p->broken)
		return false;
	p->uses++;
	if (p->jitted || p->no_jit || p->jit == PATTERN_JIT_NEVER)
		return true;
	if (p->uses > JIT_AFTER_MATCHES || len >= JIT_FROM_BYTES || p->jit == PATTERN_JIT_NOW) {
		p->jitted = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
		p->no_jit = !p->jitted;	/* no executable memory, no JIT for this machine: go on without */
	}
	return true;
}

/* ---- matching */

/* Most matches fit the 32 KiB that the JIT takes from the machine stack; a larger one is made for the match that needs it. */
static int match_with_large_stack(struct pattern *p, const char *text, size_t len, size_t from)
{
	pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	int rc;

	if (!stack)
		return PCRE2_ERROR_JIT_STACKLIMIT;
	pcre2_jit_stack_assign(p->context, NULL, stack);
	rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, from, 0, p->match, p->context);
	pcre2_jit_stack_assign(p->context, NULL, NULL);
	pcre2_jit_stack_free(stack);
	return rc;
}

static int match_slice(struct pattern *p, const char *text, size_t len, size_t from, size_t last)
{
	int rc;

	pcre2_set_offset_limit(p->context, last);
	rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, from, 0, p->match, p->context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = match_with_large_stack(p, text, len, from);
	return rc;
}

static uint64_t cpu_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static size_t next_character(const char *text, size_t len, size_t i)
{
	i++;
	while (i < len && ((unsigned char)text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* In slices of `step` places to start from. The clock of the wall is cheap but not only ours; that of the processor is asked when it is needed. */
static int match_slices(struct pattern *p, const char *text, size_t len, size_t from, size_t step)
{
	const uint64_t allowance = ALLOWANCE_NS + ALLOWANCE_NS_PER_BYTE * (uint64_t)len;
	uint64_t cpu = cpu_time_ns(), wall = clock_monotonic_ns();
	int rc = PCRE2_ERROR_NOMATCH;

	if (p->account_text != text || p->account_len != len || from == 0)
		p->spent_ns = 0;
	p->account_text = text;
	p->account_len = len;
	for (;;) {
		size_t next = len - from > step ? next_character(text, len, from + step - 1) : len + 1;

		rc = match_slice(p, text, len, from, next - 1);
		if (rc != PCRE2_ERROR_NOMATCH || next > len)
			break;
		from = next;
		if (p->spent_ns + (clock_monotonic_ns() - wall) > allowance && p->spent_ns + (cpu_time_ns() - cpu) > allowance) {
			rc = PCRE2_ERROR_MATCHLIMIT;
			break;
		}
	}
	p->spent_ns += cpu_time_ns() - cpu;
	return rc;
}

static void give_span(const struct pattern *p, const char *text, size_t len, size_t from, struct span *ret)
{
	const PCRE2_SIZE *groups = pcre2_get_ovector_pointer(p->match);
	size_t start = groups[0], end = groups[1] < start ? start : groups[1];	/* \K may turn them round */

	ret->next = end > from ? end : next_character(text, len, from);
	if (p->at && groups[2 * p->at] != PCRE2_UNSET && groups[2 * p->at] <= groups[2 * p->at + 1]) {
		start = groups[2 * p->at];
		end = groups[2 * p->at + 1];
	}
	ret->offset = start;
	ret->len = end - start;
}

enum pattern_result pattern_match(struct pattern *p, const char *text, size_t len, size_t from, struct span *ret)
{
	size_t limit = MATCH_LIMIT + 2 * len, step;
	int rc;

	if (from > len)
		return PATTERN_NO;
	if (limit > UINT32_MAX || !make_ready(p, len))
		return PATTERN_LIMIT;
	pcre2_set_match_limit(p->context, (uint32_t)limit);
	step = SLICE_STEPS / limit + 1;
	/* without the JIT every slice looks through the rest for invalid UTF-8 first */
	if (!p->jitted && step < len / 64)
		step = len / 64;
	rc = len - from <= step ? match_slice(p, text, len, from, len) : match_slices(p, text, len, from, step);
	if (rc == PCRE2_ERROR_NOMATCH)
		return PATTERN_NO;
	if (rc < 0)
		return PATTERN_LIMIT;
	if (ret)
		give_span(p, text, len, from, ret);
	return PATTERN_YES;
}
