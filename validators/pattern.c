/* SPDX-License-Identifier: Apache-2.0
 * What bounds a match. PCRE2's own match limit counts backtracking, but from anew at every place where a match may start, and one
 * step may hide a run over the whole text: `x.*y` on a megabyte of x is quadratic without ever meeting it. So there are two ways
 * to match. The quick one has a low limit and tries the places to start from in small slices, with a look at the clock between
 * them; nearly every match ends there. What meets that limit, and what is very long, is matched by code that was compiled with
 * callouts: these come at every item of the pattern, at most one run over the text apart, and look at the clock. The allowance is
 * linear in the length of the text. */
#include "validators/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

/* The JIT takes over when a pattern has looked at that much text: interpreting it cost about what the JIT's compilation does then
 * (measured: 10 to 40 µs a pattern; 2 to 10 ns a byte without it and below 1 with it). A match counts as some bytes, too. */
#define JIT_AFTER_BYTES ((size_t)8 << 10)
#define BYTES_OF_A_MATCH 256

#define QUICK_LIMIT 300			/* backtracking steps from one place */
#define QUICK_MAX ((size_t)32 << 10)	/* longer texts are matched with callouts at once */
#define SLICE_WORK ((size_t)2 << 20)	/* places times bytes: half a second at the very worst, usually microseconds */
#define MATCH_LIMIT 100000		/* with callouts; ten more for each byte */
#define DEPTH_LIMIT 20000
#define HEAP_LIMIT_KIB 16384
#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)8 << 20)
#define ALLOWANCE_NS (50 * NS_PER_MS)
#define ALLOWANCE_NS_PER_BYTE 100
#define LOOK_AFTER_BYTES 10000000	/* of runs over the text, between two looks at the clock */

struct engine {
	pcre2_code *code;	/* NULL before the first use */
	bool jitted;
};

/* How long a match may take. Wall time is cheap to ask for but not only ours; processor time is asked for when it matters. */
struct allowance {
	uint64_t wall_start, cpu_start, spent_ns, max_ns;
	size_t len;		/* of the text */
	size_t runs;		/* bytes that may have been run over since the last look */
};

struct pattern {
	const char *text;		/* borrowed */
	size_t len;
	struct engine quick, careful;
	pcre2_match_data *match;
	pcre2_match_context *context;
	uint32_t at;			/* number of the group "at"; 0: none */
	size_t seen_bytes;
	enum pattern_jit jit;
	bool no_jit, broken;
	/* the account of matches one after the other in the same text */
	const char *account_text;
	size_t account_len;
	uint64_t spent_ns;
};

/* ---- making */

/* Does a pattern speak of characters beyond ASCII? Only then is UTF-8 worth its checks. The JIT of PCRE2 10.42 is wrong about
 * \S, \D and \W in text that may be no UTF-8: patterns that have both are left to the interpreter. */
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

static int compile(struct pattern *p, struct engine *engine, uint32_t more_options, size_t *ret_offset, struct error *err)
{
	const uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT | more_options |
				 (needs_utf(p->text, p->len, &p->no_jit) ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0);
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset = 0;
	int code;

	if (!context)
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "no memory for a pattern");
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_bsr(context, PCRE2_BSR_ANYCRLF);
	pcre2_set_max_pattern_length(context, PATTERN_MAX_BYTES);
	engine->code = pcre2_compile((PCRE2_SPTR)p->text, p->len, options, &code, &offset, context);
	pcre2_compile_context_free(context);
	if (engine->code)
		return 0;
	pcre2_get_error_message(code, message, sizeof(message));
	*ret_offset = offset > p->len ? p->len : offset;
	return error_set(err, ERR_INVALID_INPUT, "%s", (const char *)message);
}

static int make_quick(struct pattern *p, size_t *ret_offset, struct error *err)
{
	int group;

	if (compile(p, &p->quick, 0, ret_offset, err) < 0)
		return -1;
	p->match = pcre2_match_data_create_from_pattern(p->quick.code, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (!p->match || !p->context)
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "no memory for a pattern");
	pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(p->context, HEAP_LIMIT_KIB);
	group = pcre2_substring_number_from_name(p->quick.code, (PCRE2_SPTR)"at");
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
	if (make_quick(p, ret_offset, err) < 0) {
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
	pcre2_code_free(p->quick.code);
	pcre2_code_free(p->careful.code);
	free(p);
}

void pattern_set_jit(struct pattern *p, enum pattern_jit jit)
{
	p->jit = jit;
}

bool pattern_is_jitted(const struct pattern *p)
{
	return p->quick.jitted;
}

static void use_jit(struct pattern *p, struct engine *engine)
{
	if (engine->jitted || p->no_jit || p->jit == PATTERN_JIT_NEVER)
		return;
	engine->jitted = pcre2_jit_compile(engine->code, PCRE2_JIT_COMPLETE) == 0;
	p->no_jit = !engine->jitted;	/* no executable memory, no JIT for this machine: go on without */
}

/* False: it cannot be compiled (the build has checked it, but with another library). */
static bool make_ready(struct pattern *p, size_t len)
{
	struct error err = { 0 };
	size_t offset;

	if (!p->quick.code && !p->broken)
		p->broken = make_quick(p, &offset, &err) < 0;
	if (p->broken)
		return false;
	p->seen_bytes += len + BYTES_OF_A_MATCH;
	if (p->seen_bytes >= JIT_AFTER_BYTES || p->jit == PATTERN_JIT_NOW)
		use_jit(p, &p->quick);
	return true;
}

/* ---- time */

static uint64_t cpu_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static uint64_t max_time_ns(size_t len)
{
	return ALLOWANCE_NS + ALLOWANCE_NS_PER_BYTE * (uint64_t)len;
}

static void allowance_begin(struct allowance *a, const struct pattern *p, const char *text, size_t len, size_t from)
{
	*a = (struct allowance){
		.wall_start = clock_monotonic_ns(), .cpu_start = cpu_time_ns(), .len = len, .max_ns = max_time_ns(len),
		.spent_ns = p->account_text == text && p->account_len == len && from > 0 ? p->spent_ns : 0,
	};
}

static bool allowance_is_used_up(const struct allowance *a)
{
	return a->spent_ns + (clock_monotonic_ns() - a->wall_start) > a->max_ns &&
	       a->spent_ns + (cpu_time_ns() - a->cpu_start) > a->max_ns;
}

static void allowance_end(const struct allowance *a, struct pattern *p, const char *text)
{
	p->account_text = text;
	p->account_len = a->len;
	p->spent_ns = a->spent_ns + (cpu_time_ns() - a->cpu_start);
}

/* ---- matching */

/* Most matches fit the 32 KiB that the JIT takes from the machine stack; a larger one is made for the match that needs it. */
static int match_with_large_stack(struct pattern *p, const struct engine *engine, const char *text, size_t len, size_t from)
{
	pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	int rc;

	if (!stack)
		return PCRE2_ERROR_JIT_STACKLIMIT;
	pcre2_jit_stack_assign(p->context, NULL, stack);
	rc = pcre2_match(engine->code, (PCRE2_SPTR)text, len, from, 0, p->match, p->context);
	pcre2_jit_stack_assign(p->context, NULL, NULL);
	pcre2_jit_stack_free(stack);
	return rc;
}

/* A match that starts between `from` and `last`. */
static int match_once(struct pattern *p, const struct engine *engine, const char *text, size_t len, size_t from, size_t last)
{
	int rc;

	pcre2_set_offset_limit(p->context, last);
	rc = pcre2_match(engine->code, (PCRE2_SPTR)text, len, from, 0, p->match, p->context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = match_with_large_stack(p, engine, text, len, from);
	return rc;
}

static int look_at_clock(pcre2_callout_block *block, void *data)
{
	struct allowance *a = data;

	(void)block;
	a->runs += a->len + 1;
	if (a->runs < LOOK_AFTER_BYTES)
		return 0;
	a->runs = 0;
	return allowance_is_used_up(a) ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int match_carefully(struct pattern *p, const char *text, size_t len, size_t from)
{
	uint64_t limit = MATCH_LIMIT + 10 * (uint64_t)len;
	struct allowance allowance;
	struct error err = { 0 };
	size_t offset;
	int rc;

	if (!p->careful.code && compile(p, &p->careful, PCRE2_AUTO_CALLOUT, &offset, &err) < 0)
		return PCRE2_ERROR_MATCHLIMIT;	/* it is larger with callouts, and there is a limit to that */
	use_jit(p, &p->careful);
	pcre2_set_match_limit(p->context, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
	allowance_begin(&allowance, p, text, len, from);
	pcre2_set_callout(p->context, look_at_clock, &allowance);
	rc = match_once(p, &p->careful, text, len, from, len);
	pcre2_set_callout(p->context, NULL, NULL);
	allowance_end(&allowance, p, text);
	return rc;
}

static size_t next_character(const char *text, size_t len, size_t i)
{
	i++;
	while (i < len && ((unsigned char)text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

static bool is_limit(int rc)
{
	return rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT ||
	       rc == PCRE2_ERROR_JIT_STACKLIMIT;
}

static int match(struct pattern *p, const char *text, size_t len, size_t from)
{
	/* without the JIT every slice looks through the rest for invalid UTF-8 first */
	const size_t step = SLICE_WORK / (len + 1) + (p->quick.jitted ? 1 : len / 16);
	const uint64_t start = len - from > step ? clock_monotonic_ns() : 0;

	pcre2_set_match_limit(p->context, QUICK_LIMIT);
	while (len <= QUICK_MAX) {
		size_t next = len - from > step ? next_character(text, len, from + step - 1) : len + 1;
		int rc = match_once(p, &p->quick, text, len, from, next - 1);

		if (is_limit(rc))
			break;
		if (rc != PCRE2_ERROR_NOMATCH || next > len)
			return rc;
		from = next;
		if (clock_monotonic_ns() - start > max_time_ns(len))
			break;
	}
	return match_carefully(p, text, len, from);
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
	int rc;

	if (from > len)
		return PATTERN_NO;
	if (!make_ready(p, len))
		return PATTERN_LIMIT;
	rc = match(p, text, len, from);
	if (rc == PCRE2_ERROR_NOMATCH)
		return PATTERN_NO;
	if (rc < 0)
		return PATTERN_LIMIT;
	if (ret)
		give_span(p, text, len, from, ret);
	return PATTERN_YES;
}
