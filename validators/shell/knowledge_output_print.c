/* SPDX-License-Identifier: Apache-2.0
 * echo and printf as bash has them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validators/shell/knowledge_output.h"

/* Text with the escapes of echo -e and %b. False: \c ends all output. */
static bool add_escaped(struct text_out *out, const char *text, size_t len, bool zero_octal, bool *numeric)
{
	bool stop = false;

	for (size_t i = 0; i < len && !stop;) {
		if (text[i] != '\\') {
			out_addch(out, text[i++]);
			continue;
		}
		i++;
		if (!decode_escape(out, text, len, &i, zero_octal, numeric, &stop))
			out_addch(out, '\\');
	}
	return !stop;
}

bool output_echo(struct output_call *c)
{
	bool newline = true, escapes = false, known = true, numeric = false, go_on = true;
	struct text_out out = out_init(c->arena, 64);
	unsigned int origin = 0;
	size_t i = 1;

	for (; i < c->argc; i++) {
		const struct shell_value *v = &c->argv[i];

		if (!v->known || v->len < 2 || v->text[0] != '-' || strspn(v->text + 1, "neE") != v->len - 1)
			break;
		for (const char *p = v->text + 1; *p; p++) {
			newline &= *p != 'n';
			escapes = *p == 'e' || (*p != 'E' && escapes);
		}
	}
	for (size_t first = i; i < c->argc && go_on; i++) {
		if (i > first)
			out_addch(&out, ' ');
		known &= c->argv[i].known;
		origin |= c->argv[i].origin;
		if (escapes)
			go_on = add_escaped(&out, c->argv[i].text, c->argv[i].len, true, &numeric);
		else
			out_add(&out, c->argv[i].text, c->argv[i].len);
	}
	if (newline && go_on)
		out_addch(&out, '\n');
	return output_text(c, &out, known, origin | (numeric ? ORIGIN_ASSEMBLED : 0));
}

struct printing {
	struct output_call *c;
	struct text_out out;
	const char *format;
	size_t len;
	size_t argument;	/* index of the next one */
	bool known, assembled, stop;
};

static const struct shell_value *next_argument(struct printing *p)
{
	const struct shell_value *v = p->argument < p->c->argc ? &p->c->argv[p->argument] : NULL;

	p->argument++;
	if (v)
		p->known &= v->known;
	return v;
}

/* The number that an argument of %d is: decimal, 0x…, 0…, 'c */
static long long argument_number(const struct shell_value *v)
{
	if (!v)
		return 0;
	if (v->len > 1 && (v->text[0] == '\'' || v->text[0] == '"'))
		return (unsigned char)v->text[1];
	return strtoll(v->text, NULL, 0);
}

static void add_padded(struct text_out *out, const char *text, size_t len, size_t width, bool left, char pad)
{
	if (width > SHELL_MAX_VALUE)
		width = SHELL_MAX_VALUE;
	for (size_t i = len; !left && i < width && !out->cut; i++)
		out_addch(out, pad);
	out_add(out, text, len);
	for (size_t i = len; left && i < width && !out->cut; i++)
		out_addch(out, ' ');
}

static void add_quoted(struct text_out *out, const char *text, size_t len)
{
	if (!len)
		out_addstr(out, "''");
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("_@%+=:,./-", text[i]) && (unsigned char)text[i] < 0x80)
			out_addch(out, '\\');
		out_addch(out, text[i]);
	}
}

struct directive {
	bool left, plus, blank, hash, zero, has_precision;
	size_t width, precision;
	char conversion;
};

static size_t read_count(struct printing *p, size_t *at, bool *left)
{
	size_t n = 0;

	if (*at < p->len && p->format[*at] == '*') {
		long long value = argument_number(next_argument(p));

		(*at)++;
		if (value < 0 && left)
			*left = true;
		n = (size_t)(value < 0 ? -(value + 1) : value);
		return n < SHELL_MAX_VALUE ? n : SHELL_MAX_VALUE;
	}
	for (; *at < p->len && isdigit((unsigned char)p->format[*at]); (*at)++)
		n = n < SHELL_MAX_VALUE ? n * 10 + (size_t)(p->format[*at] - '0') : n;
	return n;
}

static void read_directive(struct printing *p, size_t *at, struct directive *d)
{
	*d = (struct directive){ .left = false };
	for (; *at < p->len && p->format[*at] && strchr("-+ #0'", p->format[*at]); (*at)++) {
		d->left |= p->format[*at] == '-';
		d->plus |= p->format[*at] == '+';
		d->blank |= p->format[*at] == ' ';
		d->hash |= p->format[*at] == '#';
		d->zero |= p->format[*at] == '0';
	}
	d->width = read_count(p, at, &d->left);
	if (*at < p->len && p->format[*at] == '.') {
		(*at)++;
		d->has_precision = true;
		d->precision = read_count(p, at, NULL);
	}
	while (*at < p->len && p->format[*at] && strchr("hlLqjzt", p->format[*at]) && *at + 1 < p->len && isalpha((unsigned char)p->format[*at + 1]))
		(*at)++;
	d->conversion = *at < p->len ? p->format[(*at)++] : '\0';
}

static void add_number(struct printing *p, const struct directive *d, const struct shell_value *v)
{
	char format[16], text[512];
	size_t n = 0;
	int len;

	format[n++] = '%';
	if (d->plus)
		format[n++] = '+';
	if (d->blank)
		format[n++] = ' ';
	if (d->hash)
		format[n++] = '#';
	if (strchr("eEfFgGaA", d->conversion)) {
		memcpy(format + n, ".*", 2);
		n += 2;
		format[n++] = d->conversion;
		format[n] = '\0';
		len = snprintf(text, sizeof(text), format, d->has_precision && d->precision < 100 ? (int)d->precision : 6, v ? strtod(v->text, NULL) : 0.0);
	} else {
		if (d->has_precision) {
			memcpy(format + n, ".*", 2);
			n += 2;
		}
		memcpy(format + n, "ll", 2);
		n += 2;
		format[n++] = d->conversion;
		format[n] = '\0';
		if (d->has_precision)
			len = snprintf(text, sizeof(text), format, d->precision < 400 ? (int)d->precision : 400, argument_number(v));
		else
			len = snprintf(text, sizeof(text), format, argument_number(v));
	}
	if (len < 0 || (size_t)len >= sizeof(text)) {
		p->known = false;
		return;
	}
	add_padded(&p->out, text, (size_t)len, d->width, d->left, d->zero && !d->has_precision ? '0' : ' ');
}

static void run_directive(struct printing *p, size_t *at)
{
	struct text_out piece;
	struct directive d;
	const struct shell_value *v;
	const char *text;
	size_t len;

	read_directive(p, at, &d);
	if (d.conversion == '%') {
		out_addch(&p->out, '%');
		return;
	}
	if (d.conversion == '(') {		/* %(strftime)T */
		while (*at < p->len && p->format[*at] != 'T')
			(*at)++;
		*at += *at < p->len;
		next_argument(p);
		p->known = false;
		return;
	}
	v = next_argument(p);
	if (d.conversion && strchr("diouxXeEfFgGaA", d.conversion)) {
		if (v && !v->known)	/* keeps its name */
			add_padded(&p->out, v->text, v->len, d.width, d.left, ' ');
		else
			add_number(p, &d, v);
		return;
	}
	text = v ? v->text : "";
	len = v ? v->len : 0;
	piece = out_init(p->c->arena, d.conversion == 'b' || d.conversion == 'q' ? len : 0);
	if (d.conversion == 'b' && !add_escaped(&piece, text, len, true, &p->assembled))
		p->stop = true;
	if (d.conversion == 'q')
		add_quoted(&piece, text, len);
	if (d.conversion == 'b' || d.conversion == 'q')
		text = out_text(&piece, &len);
	if (d.conversion == 'c' && len > 1 && v->known)
		len = 1;
	if (d.has_precision && d.precision < len && (!v || v->known))
		len = d.precision;
	add_padded(&p->out, text, len, d.width, d.left, ' ');
}

/* Do pieces of one word come from different places: a conversion beside a letter or another conversion? */
static bool glues(const char *format, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		size_t k = i + 1;

		if (format[i] != '%')
			continue;
		if (format[k] == '%') {
			i++;
			continue;
		}
		if (i && isalpha((unsigned char)format[i - 1]) && !(i > 1 && format[i - 2] == '\\'))
			return true;
		while (k < len && !isalpha((unsigned char)format[k]))
			k++;
		if (k + 1 < len && (isalpha((unsigned char)format[k + 1]) || (format[k + 1] == '%' && k + 2 < len && format[k + 2] != '%')))
			return true;
		i = k;
	}
	return false;
}

bool output_printf(struct output_call *c)
{
	struct printing p = { .c = c, .known = true, .argument = 2 };
	unsigned int origin = 0;
	size_t format_at = 1, before;

	if (format_at < c->argc && value_is(&c->argv[format_at], "-v"))	/* into a variable: prints nothing */
		format_at += 2;
	if (format_at < c->argc && value_is(&c->argv[format_at], "--"))
		format_at++;
	if (format_at >= c->argc)
		return false;
	for (size_t i = format_at; i < c->argc; i++)
		origin |= c->argv[i].origin;
	p.out = out_init(c->arena, 64);
	p.format = c->argv[format_at].text;
	p.len = c->argv[format_at].len;
	p.known = c->argv[format_at].known;
	p.argument = format_at + 1;
	p.assembled = glues(p.format, p.len);
	do {
		before = p.argument;
		for (size_t i = 0; i < p.len && !p.stop && !p.out.cut;) {
			char ch = p.format[i++];

			if (ch == '%')
				run_directive(&p, &i);
			else if (ch != '\\' || !decode_escape(&p.out, p.format, p.len, &i, false, &p.assembled, &p.stop))
				out_addch(&p.out, ch);
		}
	} while (p.argument > before && p.argument < c->argc && !p.stop && !p.out.cut);
	return output_text(c, &p.out, p.known, origin | (p.assembled ? ORIGIN_ASSEMBLED : 0));
}
