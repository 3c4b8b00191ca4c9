/* SPDX-License-Identifier: Apache-2.0
 * Filters of text whose output can be worked out: cat, head, tail, cut, sort, uniq, rev, tac, paste … Of what is not known only the origins go on. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

/* The text a filter reads. False: nobody can tell, and *ret says so already. */
static bool filter_input(struct output_call *c, size_t first_operand, const struct shell_value **ret)
{
	unsigned int origin;

	if (output_source(c, first_operand, ret, &origin) && (*ret)->known)
		return true;
	output_unknown(c, origin | c->program->origin);
	return false;
}

static const char *line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

static bool run_cat(struct output_call *c)
{
	const struct shell_value *input;
	unsigned int origin;

	if (!output_source(c, 0, &input, &origin))
		return output_unknown(c, origin);
	for (size_t i = 1; i < c->argc; i++)
		if (c->argv[i].len > 1 && c->argv[i].text[0] == '-' && strpbrk(c->argv[i].text, "AbeEnstTv"))
			return output_unknown(c, origin);
	return output_slice(c, input, 0, input->len, 0);
}

/* What passes its input on: tee, pv, sponge, less */
static bool run_pass(struct output_call *c)
{
	return output_slice(c, c->input, 0, c->input->len, 0);
}

/* What changes it in ways that are not followed */
static bool run_opaque(struct output_call *c)
{
	const struct shell_value *input;
	unsigned int origin;

	output_source(c, c->program->words ? 1 : 0, &input, &origin);	/* the program of jq is no file */
	for (size_t i = 1; i < c->argc; i++)
		if (memmem(c->argv[i].text, c->argv[i].len, "@base64d", 8))
			origin |= ORIGIN_DECODED;
	return output_unknown(c, origin);
}

/* Other character sets have the same letters. */
static bool run_iconv(struct output_call *c)
{
	const struct shell_value *input;
	unsigned int origin;

	if (!output_source(c, 0, &input, &origin) || !input->known)
		return output_unknown(c, origin);
	for (size_t i = 0; i < input->len; i++)
		if ((unsigned char)input->text[i] >= 0x80)
			return output_unknown(c, origin);
	for (size_t i = 1; i < c->argc; i++)
		if (strcasestr(c->argv[i].text, "utf-16") || strcasestr(c->argv[i].text, "utf-7") || strcasestr(c->argv[i].text, "ebcdic"))
			return output_unknown(c, origin | ORIGIN_DECODED);
	return output_slice(c, input, 0, input->len, 0);
}

/* dd without if=, or of what it reads; with of= it prints nothing */
static bool run_dd(struct output_call *c)
{
	for (size_t i = 1; i < c->argc; i++) {
		const struct shell_value *v = &c->argv[i];

		if (v->len > 3 && !memcmp(v->text, "of=", 3) && !value_is(v, "of=/dev/stdout"))
			return output_nothing(c);
		if (v->len > 3 && !memcmp(v->text, "if=", 3) && !value_is(v, "if=/dev/stdin"))
			return output_unknown(c, knowledge_file_origin(v->text + 3, v->len - 3));
	}
	return output_slice(c, c->input, 0, c->input->len, 0);
}

struct count {
	size_t n;
	bool bytes, from_start, from_end;	/* -c; tail -n +N; head -n -N */
};

static void read_count(struct output_call *c, struct count *count)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct option o;

	*count = (struct count){ .n = 10 };
	while (option_next(&walk, &o)) {
		if (o.letter >= '0' && o.letter <= '9') {	/* head -5 */
			count->n = strtoul(c->argv[o.index].text + 1, NULL, 10);
			walk.letter = 0;
			walk.next = o.index + 1;
		} else if (o.has_value && (option_is(&o, 'n', "lines") || option_is(&o, 'c', "bytes"))) {
			const char *digits = o.value.text;

			count->bytes = option_is(&o, 'c', "bytes");
			count->from_start = digits[0] == '+';
			count->from_end = digits[0] == '-';
			count->n = strtoul(digits + (count->from_start || count->from_end), NULL, 10);
		} else if (o.operand && o.value.len > 1 && o.value.text[0] == '+' && o.index == 1) {	/* tail +5 */
			count->from_start = true;
			count->n = strtoul(o.value.text + 1, NULL, 10);
		}
	}
}

/* Where line n (from 0) begins. */
static size_t line_start(const struct shell_value *v, size_t n)
{
	const char *at = v->text, *end = v->text + v->len;

	for (; n && at < end; n--) {
		at = line_end(at, end);
		at += at < end;
	}
	return (size_t)(at - v->text);
}

static size_t count_lines(const struct shell_value *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->len; i++)
		n += v->text[i] == '\n' || i + 1 == v->len;
	return n;
}

static bool run_head(struct output_call *c)
{
	const struct shell_value *input;
	struct count count;
	size_t lines, stop;

	if (!filter_input(c, 0, &input))
		return true;
	read_count(c, &count);
	if (count.bytes) {
		stop = count.from_end ? input->len - (count.n < input->len ? count.n : input->len) : count.n;
		stop = stop < input->len ? stop : input->len;
		return output_slice(c, input, 0, stop, stop < input->len ? ORIGIN_ASSEMBLED : 0);
	}
	lines = count_lines(input);
	stop = count.from_end ? lines - (count.n < lines ? count.n : lines) : count.n;
	return output_slice(c, input, 0, line_start(input, stop), 0);
}

static bool run_tail(struct output_call *c)
{
	const struct shell_value *input;
	struct count count;
	size_t lines, from;

	if (c->argc > 1 && c->argv[1].len > 1 && c->argv[1].text[0] == '+' && c->argc == 2)	/* tail +5 is no file */
		input = c->input;
	else if (!filter_input(c, 0, &input))
		return true;
	if (!input->known)
		return output_unknown(c, input->origin);
	read_count(c, &count);
	if (count.bytes) {
		from = count.from_start ? count.n - (count.n > 0) : input->len - (count.n < input->len ? count.n : input->len);
		from = from < input->len ? from : input->len;
		return output_slice(c, input, from, input->len - from, from ? ORIGIN_ASSEMBLED : 0);
	}
	lines = count_lines(input);
	from = line_start(input, count.from_start ? count.n - (count.n > 0) : lines - (count.n < lines ? count.n : lines));
	return output_slice(c, input, from, input->len - from, 0);
}

/* "2", "2-", "-3", "1,4-6": is `n` (from 1) in it? Marks bytes of `set`. */
static bool read_list(const char *list, unsigned char *set, size_t len, size_t *open_from)
{
	*open_from = SIZE_MAX;
	while (*list) {
		char *end = NULL;
		size_t low = 1, high;

		if (*list >= '0' && *list <= '9') {
			low = strtoul(list, &end, 10);
			list = end;
		}
		high = low;
		if (*list == '-') {
			list++;
			high = SIZE_MAX;
			if (*list >= '0' && *list <= '9') {
				high = strtoul(list, &end, 10);
				list = end;
			}
		}
		if (*list && *list != ',' && *list != ' ')
			return false;
		list += *list != '\0';
		if (!low)
			return false;
		if (high == SIZE_MAX && low < *open_from)
			*open_from = low;
		for (size_t n = low; n <= high && n < len; n++)
			set[n] = 1;
	}
	return true;
}

#define CUT_MAX 1024	/* fields and characters that a list can name one by one */

struct cutting {
	unsigned char set[CUT_MAX];
	size_t open_from;
	char delimiter;
	const char *output_delimiter;
	size_t output_delimiter_len;
	bool fields, only_delimited;
};

/* False: the line is not printed. */
static bool cut_line(struct text_out *out, const struct cutting *cut, const char *line, size_t len)
{
	size_t n = 1;
	bool any = false;

	if (!cut->fields) {
		for (size_t i = 0; i < len; i++)
			if (i + 1 >= cut->open_from || (i + 1 < CUT_MAX && cut->set[i + 1]))
				out_addch(out, line[i]);
		return true;
	}
	if (!memchr(line, cut->delimiter, len)) {
		if (!cut->only_delimited)
			out_add(out, line, len);
		return !cut->only_delimited;
	}
	for (size_t at = 0; at <= len; n++) {
		const char *stop = memchr(line + at, cut->delimiter, len - at);
		size_t field = stop ? (size_t)(stop - line) - at : len - at;

		if (n >= cut->open_from || (n < CUT_MAX && cut->set[n])) {
			if (any)
				out_add(out, cut->output_delimiter, cut->output_delimiter_len);
			out_add(out, line + at, field);
			any = true;
		}
		at += field + 1;
	}
	return true;
}

static bool run_cut(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	struct cutting cut = { .delimiter = '\t', .open_from = SIZE_MAX };
	const struct shell_value *input;
	bool understood = false;
	struct text_out out;
	struct option o;

	if (!filter_input(c, 0, &input))
		return true;
	while (option_next(&walk, &o)) {
		if (o.has_value && option_is(&o, 'd', "delimiter"))
			cut.delimiter = o.value.text[0];
		if (o.has_value && option_is(&o, 0, "output-delimiter")) {
			cut.output_delimiter = o.value.text;
			cut.output_delimiter_len = o.value.len;
		}
		if (o.has_value && (option_in(&o, "cbf", "characters bytes fields"))) {
			cut.fields = option_is(&o, 'f', "fields");
			understood = read_list(o.value.text, cut.set, CUT_MAX, &cut.open_from);
		}
		cut.only_delimited |= option_is(&o, 's', "only-delimited");
		if (option_is(&o, 0, "complement"))
			return output_unknown(c, input->origin);
	}
	if (!understood)
		return output_unknown(c, input->origin);
	if (!cut.output_delimiter) {
		cut.output_delimiter = &cut.delimiter;
		cut.output_delimiter_len = 1;
	}
	out = out_init(c->arena, input->len);
	for (const char *at = input->text, *end = at + input->len; at < end;) {
		const char *stop = line_end(at, end);

		if (cut_line(&out, &cut, at, (size_t)(stop - at)))
			out_addch(&out, '\n');
		at = stop + 1;
	}
	return output_text(c, &out, true, input->origin | (cut.fields ? 0 : ORIGIN_ASSEMBLED));
}

struct line {
	const char *text;
	size_t len;
};

static struct line *read_lines(struct output_call *c, const struct shell_value *input, size_t *ret_len)
{
	struct line *lines = arena_alloc(c->arena, (count_lines(input) + 1) * sizeof(*lines));
	const char *end = input->text + input->len;
	size_t n = 0;

	for (const char *at = input->text; at < end; n++) {
		lines[n].text = at;
		lines[n].len = (size_t)(line_end(at, end) - at);
		at += lines[n].len + 1;
	}
	*ret_len = n;
	return lines;
}

static void add_line(struct text_out *out, const struct line *l)
{
	out_add(out, l->text, l->len);
	out_addch(out, '\n');
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static int compare_numbers(const void *a, const void *b)
{
	double x = strtod(((const struct line *)a)->text, NULL), y = strtod(((const struct line *)b)->text, NULL);

	return x < y ? -1 : x > y ? 1 : compare_lines(a, b);
}

static bool same_line(const struct line *a, const struct line *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

static bool run_sort(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	bool reverse = false, unique = false, numeric = false, known = true;
	const struct shell_value *input;
	struct text_out out;
	struct line *lines;
	struct option o;
	size_t n;

	if (!filter_input(c, 0, &input))
		return true;
	while (option_next(&walk, &o)) {
		reverse |= option_is(&o, 'r', "reverse");
		unique |= option_is(&o, 'u', "unique");
		numeric |= option_is(&o, 'n', "numeric-sort");
		/* another order: the same lines, but who knows where */
		known &= !option_in(&o, "ktRVfdghMib", "key field-separator random-sort version-sort ignore-case");
	}
	lines = read_lines(c, input, &n);
	qsort(lines, n, sizeof(*lines), numeric ? compare_numbers : compare_lines);
	out = out_init(c->arena, input->len);
	for (size_t i = 0; i < n; i++) {
		size_t k = reverse ? n - 1 - i : i;

		if (unique && i && same_line(&lines[k], &lines[reverse ? k + 1 : k - 1]))
			continue;
		add_line(&out, &lines[k]);
	}
	return output_text(c, &out, known, input->origin);
}

static bool run_uniq(struct output_call *c)
{
	const struct shell_value *input;
	struct text_out out;
	struct line *lines;
	size_t n;

	if (!filter_input(c, 0, &input))
		return true;
	if (c->argc > 1)
		return output_unknown(c, input->origin);
	lines = read_lines(c, input, &n);
	out = out_init(c->arena, input->len);
	for (size_t i = 0; i < n; i++) {
		if (i && same_line(&lines[i], &lines[i - 1]))
			continue;
		add_line(&out, &lines[i]);
	}
	return output_text(c, &out, true, input->origin);
}

static bool run_tac(struct output_call *c)
{
	const struct shell_value *input;
	struct text_out out;
	struct line *lines;
	size_t n;

	if (!filter_input(c, 0, &input))
		return true;
	lines = read_lines(c, input, &n);
	out = out_init(c->arena, input->len);
	while (n--) {
		add_line(&out, &lines[n]);
	}
	return output_text(c, &out, true, input->origin | ORIGIN_ASSEMBLED);
}

static bool run_rev(struct output_call *c)
{
	const struct shell_value *input;
	struct text_out out;

	if (!filter_input(c, 0, &input))
		return true;
	out = out_init(c->arena, input->len);
	for (const char *at = input->text, *end = at + input->len; at < end;) {
		const char *stop = line_end(at, end);

		for (const char *last = stop; last > at;) {
			const char *p = last - 1;

			while (p > at && ((unsigned char)*p & 0xc0) == 0x80)
				p--;
			out_add(&out, p, (size_t)(last - p));
			last = p;
		}
		if (stop < end)
			out_addch(&out, '\n');
		at = stop + 1;
	}
	return output_text(c, &out, true, input->origin | ORIGIN_DECODED | ORIGIN_ASSEMBLED);
}

/* paste -s -d X: the lines become one */
static bool run_paste(struct output_call *c)
{
	struct option_walk walk = { .spec = &c->program->options, .argv = c->argv, .argc = c->argc, .next = 1 };
	const struct shell_value *input;
	const char *delimiters = "\t";
	struct text_out out;
	struct line *lines;
	bool serial = false;
	size_t n, delimiters_len;
	struct option o;

	if (!filter_input(c, 0, &input))
		return true;
	while (option_next(&walk, &o)) {
		serial |= option_is(&o, 's', "serial");
		if (o.has_value && option_is(&o, 'd', "delimiters"))
			delimiters = o.value.text;
	}
	if (!serial || strchr(delimiters, '\\'))
		return output_unknown(c, input->origin);
	lines = read_lines(c, input, &n);
	out = out_init(c->arena, input->len);
	delimiters_len = strlen(delimiters);
	for (size_t i = 0; i < n; i++) {
		out_add(&out, lines[i].text, lines[i].len);
		if (i + 1 < n && delimiters_len)
			out_addch(&out, delimiters[i % delimiters_len]);
	}
	out_addch(&out, '\n');
	return output_text(c, &out, true, input->origin | ORIGIN_ASSEMBLED);
}

/* xargs alone or with echo: the words of the input on one line */
static bool run_xargs(struct output_call *c)
{
	bool in_word = false, any = false;
	struct text_out out;
	size_t first = 1;

	if (c->argc > 1 && value_is(&c->argv[1], "echo"))
		first = 2;
	if ((first == 1 && c->argc > 1) || !c->input->known)
		return first == 2 || c->argc == 1 ? output_unknown(c, c->input->origin) : false;
	out = out_init(c->arena, c->input->len);
	for (size_t i = first; i < c->argc; i++) {
		out_add(&out, c->argv[i].text, c->argv[i].len);
		out_addch(&out, ' ');
	}
	for (size_t i = 0; i < c->input->len; i++) {
		char ch = c->input->text[i];

		if (strchr(" \t\n", ch)) {
			in_word = false;
			continue;
		}
		if (!in_word && any)
			out_addch(&out, ' ');
		in_word = any = true;
		out_addch(&out, ch);
	}
	out_addch(&out, '\n');
	return output_text(c, &out, true, c->input->origin | ORIGIN_ASSEMBLED);
}

#define COUNTED { .values = "nc", .long_values = "lines bytes" }

const struct output_program output_filters[] = {
	{ .name = "awk", .run = output_awk, .options = { .values = "Fvf", .long_values = "field-separator assign file" } },
	{ .name = "bat", .run = run_pass },
	{ .name = "cat", .run = run_cat },
	{ .name = "column", .run = run_opaque, .options = { .values = "stNRcoE", .long_values = "separator table-columns output-separator" } },
	{ .name = "cut", .run = run_cut, .options = { .values = "dfbc", .long_values = "delimiter fields bytes characters output-delimiter" } },
	{ .name = "dd", .run = run_dd },
	{ .name = "dos2unix", .run = run_pass },
	{ .name = "egrep", .run = output_grep, .words = "E", .options = { .values = "efmABCD" } },
	{ .name = "envsubst", .run = run_opaque },
	{ .name = "fgrep", .run = output_grep, .words = "F", .options = { .values = "efmABCD" } },
	{ .name = "fmt", .run = run_opaque, .options = { .values = "w" } },
	{ .name = "fold", .run = run_opaque, .options = { .values = "w", .long_values = "width" } },
	{ .name = "gawk", .run = output_awk, .options = { .values = "Fvf", .long_values = "field-separator assign file" } },
	{ .name = "ghead", .run = run_head, .options = COUNTED },
	{ .name = "grep", .run = output_grep, .options = { .values = "efmABCD", .long_values = "regexp file max-count after-context before-context context include "
		"exclude color label" } },
	{ .name = "gsed", .run = output_sed, .options = { .values = "efl", .glued = "i", .long_values = "expression file line-length" } },
	{ .name = "head", .run = run_head, .options = COUNTED },
	{ .name = "iconv", .run = run_iconv, .options = { .values = "fto", .long_values = "from-code to-code output" } },
	{ .name = "jq", .run = run_opaque, .words = "program", .options = { .values = "fL", .long_values = "arg:2 argjson:2 slurpfile:2 rawfile:2 indent from-file" } },
	{ .name = "less", .run = run_pass },
	{ .name = "mawk", .run = output_awk, .options = { .values = "Fvf" } },
	{ .name = "more", .run = run_pass },
	{ .name = "nl", .run = run_opaque, .options = { .values = "bdfhilnsvw" } },
	{ .name = "od", .run = run_opaque, .options = { .values = "AjNtwS" } },
	{ .name = "paste", .run = run_paste, .options = { .values = "d", .long_values = "delimiters" } },
	{ .name = "pv", .run = run_pass },
	{ .name = "rev", .run = run_rev, .origin = ORIGIN_DECODED | ORIGIN_ASSEMBLED },
	{ .name = "sed", .run = output_sed, .options = { .values = "efl", .glued = "i", .long_values = "expression file line-length" } },
	{ .name = "shuf", .run = run_opaque, .options = { .values = "no" } },
	{ .name = "sort", .run = run_sort, .options = { .values = "kotST", .long_values = "key output field-separator buffer-size temporary-directory parallel" } },
	{ .name = "sponge", .run = run_pass },
	{ .name = "strings", .run = run_opaque, .options = { .values = "nte", .long_values = "bytes radix encoding" } },
	{ .name = "tac", .run = run_tac, .options = { .values = "s", .long_values = "separator" } },
	{ .name = "tail", .run = run_tail, .options = { .values = "ncs", .long_values = "lines bytes sleep-interval pid" } },
	{ .name = "tee", .run = run_pass },
	{ .name = "tr", .run = output_tr },
	{ .name = "ts", .run = run_opaque },
	{ .name = "uniq", .run = run_uniq, .options = { .values = "fsw" } },
	{ .name = "xargs", .run = run_xargs },
	{ .name = "yq", .run = run_opaque, .words = "program", .options = { .values = "pof", .long_values = "input-format output-format from-file" } },
};
const size_t output_filters_len = ARRAY_SIZE(output_filters);
