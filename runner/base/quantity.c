/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/quantity.h"

#include <stdbool.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define DURATION_MAX (UINT64_C(365) * 24 * 3600 * NS_PER_SEC)
#define SIZE_MAX_BYTES (UINT64_C(1) << 62)
#define CPU_MAX_MILLIS UINT64_C(1000000)
#define BANDWIDTH_MAX_BITS UINT64_C(1000000000000000)

struct unit {
	const char *name;	/* "" is a bare number */
	uint64_t factor;	/* base units in one of it */
};

/* A kind of quantity: what it is called, its units, its ceiling. */
struct kind {
	const char *what;	/* "size": messages begin with it */
	const struct unit *units;
	size_t units_len;
	uint64_t max;
	const char *max_text, *use;
	bool exponent;		/* may be written 129e6 */
};

/* A number as written, before its unit: whole + nano / 10^9. */
struct decimal {
	uint64_t whole;
	uint32_t nano;
};

static const struct unit duration_units[] = {	/* from large to small: duration_parse relies on it */
	{ "d", 86400 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC }, { "m", 60 * NS_PER_SEC }, { "s", NS_PER_SEC },
	{ "ms", NS_PER_MS }, { "us", 1000 },
};
static const struct unit size_units[] = {
	{ "", 1 },
	{ "Ki", UINT64_C(1) << 10 }, { "Mi", UINT64_C(1) << 20 }, { "Gi", UINT64_C(1) << 30 },
	{ "Ti", UINT64_C(1) << 40 }, { "Pi", UINT64_C(1) << 50 }, { "Ei", UINT64_C(1) << 60 },
	{ "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { "T", UINT64_C(1000000000000) },
	{ "P", UINT64_C(1000000000000000) }, { "E", UINT64_C(1000000000000000000) },
};
static const struct unit cpu_units[] = { { "", 1000 }, { "m", 1 } };
static const struct unit bandwidth_units[] = {
	{ "", 1 }, { "bps", 1 }, { "kbps", 1000 }, { "Kbps", 1000 }, { "Mbps", 1000000 }, { "mbps", 1000000 },
	{ "Gbps", 1000000000 }, { "gbps", 1000000000 }, { "Tbps", UINT64_C(1000000000000) },
};

static const struct kind duration_kind = {
	.what = "duration", .units = duration_units, .units_len = ARRAY_SIZE(duration_units),
	.max = DURATION_MAX, .max_text = "365 days", .use = "use d, h, m, s or ms, as in '90s' or '1h30m'",
};
static const struct kind size_kind = {
	.what = "size", .units = size_units, .units_len = ARRAY_SIZE(size_units),
	.max = SIZE_MAX_BYTES, .max_text = "4Ei", .exponent = true,
	.use = "use Ki, Mi, Gi, Ti (powers of 1024) or k, M, G, T (powers of 1000)",
};
static const struct kind cpu_kind = {
	.what = "cpu amount", .units = cpu_units, .units_len = ARRAY_SIZE(cpu_units),
	.max = CPU_MAX_MILLIS, .max_text = "1000 cpus", .exponent = true, .use = "write cpus as '2', '0.5' or '500m'",
};
static const struct kind bandwidth_kind = {
	.what = "bandwidth", .units = bandwidth_units, .units_len = ARRAY_SIZE(bandwidth_units),
	.max = BANDWIDTH_MAX_BITS, .max_text = "1000Tbps", .use = "use bps, kbps, Mbps or Gbps (bits a second)",
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int refuse(const char *what, const char *text, size_t len, const char *why, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];

	return error_set(err, ERR_INVALID_INPUT, "%s %s %s", what, utf8_quote(quoted, text, len), why);
}

static int too_large(const struct kind *kind, const char *text, size_t len, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];

	return error_set(err, ERR_INVALID_INPUT, "%s %s is too large, the limit is %s", kind->what,
			 utf8_quote(quoted, text, len), kind->max_text);
}

/* Refuse what no kind of quantity begins with, each by its name. */
static int check_start(const char *what, const char *text, size_t len, struct error *err)
{
	if (!len)
		return error_set(err, ERR_INVALID_INPUT, "%s is empty", what);
	if (text[0] == '-')
		return refuse(what, text, len, "is negative", err);
	if (text[0] == '+')
		return refuse(what, text, len, "has a sign, leave the '+' away", err);
	if (!is_digit(text[0]) && !(text[0] == '.' && len > 1 && is_digit(text[1])))
		return refuse(what, text, len, "does not begin with a number", err);
	return 0;
}

/* Read a number at *pos; too large saturates `whole`. -1: no digits, or more than 9 after the point. */
static int decimal_read(const char *text, size_t len, size_t *pos, struct decimal *ret)
{
	size_t p = *pos, digits = 0;
	uint32_t scale = 1000000000;

	*ret = (struct decimal){ 0 };
	for (; p < len && is_digit(text[p]); p++, digits++) {
		if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
		    __builtin_add_overflow(ret->whole, text[p] - '0', &ret->whole))
			ret->whole = UINT64_MAX;	/* overflows again whatever follows; scale() refuses it */
	}
	if (p < len && text[p] == '.') {
		for (p++; p < len && is_digit(text[p]); p++, digits++) {
			scale /= 10;
			if (!scale)
				return -1;
			ret->nano += (uint32_t)(text[p] - '0') * scale;
		}
	}
	*pos = p;
	return digits ? 0 : -1;
}

/* number * factor / divisor, rounded up as Kubernetes does; false when more than `max`. */
static bool scale(const struct decimal *number, uint64_t factor, uint64_t divisor, uint64_t max, uint64_t *ret)
{
	unsigned __int128 nano, step, value;

	if (number->whole == UINT64_MAX || number->whole / divisor > max / factor)
		return false;
	nano = (unsigned __int128)number->whole * 1000000000 + number->nano;
	step = (unsigned __int128)divisor * 1000000000;
	value = (nano * factor + step - 1) / step;
	if (value > max)
		return false;
	*ret = (uint64_t)value;
	return true;
}

/* "e6", "E-3" at the end of the text: the power of ten, limited to 10^±18. */
static bool exponent_read(const char *text, size_t len, size_t pos, uint64_t *mul, uint64_t *div)
{
	uint64_t power = 1;
	unsigned int e = 0;
	bool negative;

	if (pos + 1 >= len || (text[pos] != 'e' && text[pos] != 'E'))
		return false;
	pos++;
	negative = text[pos] == '-';
	if ((negative || text[pos] == '+') && ++pos == len)
		return false;
	for (; pos < len; pos++) {
		if (!is_digit(text[pos]) || (e = 10 * e + (unsigned int)(text[pos] - '0')) > 18)
			return false;
	}
	while (e--)
		power *= 10;
	*mul = negative ? 1 : power;
	*div = negative ? power : 1;
	return true;
}

static const struct unit *find_unit(const struct kind *kind, const char *name, size_t len)
{
	for (size_t i = 0; i < kind->units_len; i++) {
		if (strlen(kind->units[i].name) == len && !memcmp(kind->units[i].name, name, len))
			return &kind->units[i];
	}
	return NULL;
}

/* One number with one unit. */
static int amount_parse(const struct kind *kind, const char *text, size_t len, uint64_t *ret, struct error *err)
{
	uint64_t mul = 1, div = 1;
	const struct unit *unit;
	struct decimal number;
	size_t pos = 0;

	if (check_start(kind->what, text, len, err) < 0)
		return -1;
	if (decimal_read(text, len, &pos, &number) < 0)
		return refuse(kind->what, text, len, "has too many digits after the point", err);
	if (kind->exponent && exponent_read(text, len, pos, &mul, &div))
		pos = len;
	unit = find_unit(kind, text + pos, len - pos);
	if (!unit) {
		char quoted[UTF8_QUOTE_SIZE], quoted_unit[UTF8_QUOTE_SIZE];

		return error_set(err, ERR_INVALID_INPUT, "%s %s has the unknown unit %s: %s", kind->what,
				 utf8_quote(quoted, text, len), utf8_quote(quoted_unit, text + pos, len - pos),
				 kind->use);
	}
	if (mul > 1 && unit->factor > kind->max / mul)
		return too_large(kind, text, len, err);
	if (!scale(&number, unit->factor * mul, div, kind->max, ret))
		return too_large(kind, text, len, err);
	return 0;
}

int duration_parse(const char *text, size_t len, uint64_t *ret_ns, struct error *err)
{
	const struct kind *kind = &duration_kind;
	const struct unit *last = NULL;
	uint64_t total = 0;
	size_t pos = 0;

	if (check_start(kind->what, text, len, err) < 0)
		return -1;
	while (pos < len) {
		const struct unit *unit;
		struct decimal number;
		uint64_t ns;
		size_t end;

		if (decimal_read(text, len, &pos, &number) < 0)
			return refuse(kind->what, text, len, "is no number with a unit, as in '90s' or '1h30m'", err);
		for (end = pos; end < len && !is_digit(text[end]) && text[end] != '.'; )
			end++;
		if (end == pos && last)
			return refuse(kind->what, text, len, "has a number without unit at its end", err);
		unit = end == pos ? find_unit(kind, "s", 1) : find_unit(kind, text + pos, end - pos);
		if (!unit) {
			char quoted[UTF8_QUOTE_SIZE], quoted_unit[UTF8_QUOTE_SIZE];

			return error_set(err, ERR_INVALID_INPUT, "%s %s has the unknown unit %s: %s", kind->what,
					 utf8_quote(quoted, text, len),
					 utf8_quote(quoted_unit, text + pos, end - pos), kind->use);
		}
		if (last && unit <= last)
			return refuse(kind->what, text, len, "has its units not from large to small", err);
		if (!scale(&number, unit->factor, 1, kind->max - total, &ns))
			return too_large(kind, text, len, err);
		total += ns;
		last = unit;
		pos = end;
	}
	*ret_ns = total;
	return 0;
}

int size_parse(const char *text, size_t len, uint64_t *ret_bytes, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];
	size_t digits = 0;

	while (digits < len && is_digit(text[digits]))
		digits++;
	/* Kubernetes reads 512m as half a byte; nobody who writes it means that */
	if (digits && digits < 20 && digits + 1 == len && text[digits] == 'm')
		return error_set(err, ERR_INVALID_INPUT,
				 "size %s is in thousandths of a byte, write '%.*sMi' for mebibytes",
				 utf8_quote(quoted, text, len), (int)digits, text);
	return amount_parse(&size_kind, text, len, ret_bytes, err);
}

int cpu_parse(const char *text, size_t len, uint64_t *ret_millis, struct error *err)
{
	return amount_parse(&cpu_kind, text, len, ret_millis, err);
}

int bandwidth_parse(const char *text, size_t len, uint64_t *ret_bits, struct error *err)
{
	return amount_parse(&bandwidth_kind, text, len, ret_bits, err);
}

int integer_parse(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];
	uint64_t value = 0;
	bool overflow = false;

	if (check_start("number", text, len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return refuse("number", text, len, "is not a whole number", err);
		overflow |= __builtin_mul_overflow(value, 10, &value) ||
			    __builtin_add_overflow(value, text[i] - '0', &value);
	}
	if (overflow || value < min || value > max)
		return error_set(err, ERR_INVALID_INPUT, "number %s is not between %llu and %llu",
				 utf8_quote(quoted, text, len), (unsigned long long)min, (unsigned long long)max);
	*ret = value;
	return 0;
}

void size_format(struct strbuf *out, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int i = 0;
	uint64_t tenths;

	/* the unit in which the value, rounded to tenths, is below 1024 */
	while (i < 6 && bytes >> (10 * i) >= 1024)
		i++;
	tenths = (uint64_t)(((unsigned __int128)bytes * 10 + ((UINT64_C(1) << (10 * i)) >> 1)) >> (10 * i));
	if (tenths >= 10240 && i < 6) {
		tenths = 10;
		i++;
	}
	strbuf_addf(out, "%llu", (unsigned long long)(tenths / 10));
	if (tenths % 10)
		strbuf_addf(out, ".%u", (unsigned int)(tenths % 10));
	strbuf_addch(out, units[i]);
	if (i)
		strbuf_addch(out, 'i');
}

/* The largest unit of which it is a whole number, or tenths of it. */
void bandwidth_format(struct strbuf *out, uint64_t bits)
{
	static const char *const units[] = { "bps", "kbps", "Mbps", "Gbps", "Tbps" };
	uint64_t scale = 1;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && bits / scale >= 1000) {
		scale *= 1000;
		i++;
	}
	strbuf_addf(out, "%llu", (unsigned long long)(bits / scale));
	if (bits % scale / (scale >= 10 ? scale / 10 : 1) && scale > 1)
		strbuf_addf(out, ".%llu", (unsigned long long)(bits % scale / (scale / 10)));
	strbuf_addstr(out, units[i]);
}

/* "2m05s": `big` of one unit and, unless 0, `small` of the next. */
static void two_units(struct strbuf *out, uint64_t big, const char *big_unit, uint64_t small, const char *small_unit)
{
	strbuf_addf(out, "%llu%s", (unsigned long long)big, big_unit);
	if (small)
		strbuf_addf(out, "%02u%s", (unsigned int)small, small_unit);
}

static void tenths_of(struct strbuf *out, uint64_t tenths, const char *unit)
{
	strbuf_addf(out, "%llu", (unsigned long long)(tenths / 10));
	if (tenths % 10)
		strbuf_addf(out, ".%u", (unsigned int)(tenths % 10));
	strbuf_addstr(out, unit);
}

void duration_format(struct strbuf *out, uint64_t ns)
{
	uint64_t tenths = ns / (NS_PER_SEC / 10) + (ns % (NS_PER_SEC / 10) >= NS_PER_SEC / 20);
	uint64_t s = (tenths + 5) / 10, m = (s + 30) / 60, h = (m + 30) / 60;

	if (ns && ns < 10 * NS_PER_MS)
		tenths_of(out, (ns + NS_PER_MS / 20) / (NS_PER_MS / 10), "ms");
	else if (ns && ns < 100 * NS_PER_MS)
		tenths_of(out, (ns + NS_PER_MS / 2) / NS_PER_MS * 10, "ms");
	else if (tenths < 600)
		tenths_of(out, tenths, "s");
	else if (s < 3600)
		two_units(out, s / 60, "m", s % 60, "s");
	else if (m < 24 * 60)
		two_units(out, m / 60, "h", m % 60, "m");
	else
		two_units(out, h / 24, "d", h % 24, "h");
}
