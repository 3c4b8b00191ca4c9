/* SPDX-License-Identifier: Apache-2.0
 * analysis_expand: words become values. */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "validators/shell/analysis_steps.h"

#define PIECES_MAX 12		/* of one field that are remembered for judging how a name was put together */
#define BRACE_DEPTH_MAX 24
#define UNKNOWN_WORDS_MAX 200
#define JUDGED_MAX 32		/* commands of a substitution that are looked at for judging a name */

struct piece {
	size_t at, len;
	bool dynamic;		/* from a variable or a substitution */
	bool empty_unknown;	/* an unknown variable that is likely empty: r${x}m */
};

struct builder {
	struct piece pieces[PIECES_MAX];
	struct walker *w;
	struct words *out;
	const char *one;	/* the text as long as it is one piece, NUL-terminated; NULL: it is on the stack of texts from `base` on */
	size_t base, len;
	size_t pieces_len;
	unsigned int origin;
	bool known, started, odd, all_odd;
	bool split, cut;
	bool odd_text;		/* quotes that were not needed */
	const struct shell_word *word;
	size_t offset, source_len;
};

void words_reserve(struct walker *w, struct words *ws, size_t room)
{
	struct shell_value *items = arena_take(w->arena, room * (sizeof(*items) + 1));

	if (ws->len) {
		memcpy(items, ws->items, ws->len * sizeof(*items));
		memcpy(items + room, ws->odd, ws->len);
	}
	ws->items = items;
	ws->odd = (unsigned char *)(items + room);
	ws->room = room;
}

void words_push(struct walker *w, struct words *ws, struct shell_value v, bool odd)
{
	if (ws->len == ws->room)
		words_reserve(w, ws, ws->room ? 2 * ws->room : 4);
	ws->items[ws->len] = v;
	ws->odd[ws->len++] = odd;
}

/* What the field holds so far; moves when something is added. */
static const char *text_of(const struct builder *b)
{
	return b->one ? b->one : b->w->texts + b->base;
}

static void stack_text(struct builder *b, const char *s, size_t len)
{
	struct walker *w = b->w;

	if (w->texts_room - w->texts_len < len)
		w->texts = arena_grow(w->arena, w->texts, w->texts_len, &w->texts_room, len, 1);
	memcpy(w->texts + w->texts_len, s, len);
	w->texts_len += len;
}

static void add_text(struct builder *b, const char *s, size_t len)
{
	if (len > SHELL_MAX_VALUE - b->len) {
		len = SHELL_MAX_VALUE - b->len;
		b->cut = true;
	}
	if (!len)
		return;
	if (!b->len && !s[len]) {
		b->one = s;
	} else {
		if (b->one && b->len)
			stack_text(b, b->one, b->len);
		b->one = NULL;
		stack_text(b, s, len);
	}
	b->len += len;
}

static void clear_text(struct builder *b)
{
	b->one = "";
	b->len = 0;
	b->cut = false;
	b->w->texts_len = b->base;
}

static bool is_letter(char c)
{
	return isalpha((unsigned char)c);
}

/* The part of the text that would be a command's base name: behind the last slash, before the first blank. */
static void name_region(const char *s, size_t len, size_t *from, size_t *to)
{
	*from = 0;
	for (*to = 0; *to < len && !isspace((unsigned char)s[*to]); ++*to)
		if (s[*to] == '/')
			*from = *to + 1;
}

/* Do two pieces meet between two letters of the base name, and is one of them computed? Then the name was hidden. */
static bool hides_name(const struct builder *b)
{
	const char *s = text_of(b);
	size_t from, to;

	name_region(s, b->len, &from, &to);
	for (size_t i = 0; i + 1 < b->pieces_len; i++) {
		const struct piece *p = &b->pieces[i], *q = p + 1;

		if (q->at <= from || q->at >= to || !is_letter(s[q->at - 1]) || !is_letter(s[q->at]))
			continue;
		if (p->dynamic || q->dynamic)
			return true;
	}
	return false;
}

/* An unknown variable in the middle of a word of letters is there to be empty. */
static void drop_empty(struct builder *b)
{
	char *text = b->w->texts + b->base;

	if (b->one)
		return;
	for (size_t i = b->pieces_len; i-- > 0;) {
		struct piece *p = &b->pieces[i];
		size_t after = p->at + p->len, rest = b->len - after;
		bool letter_before = p->at && is_letter(text[p->at - 1]);
		bool letter_after = rest && is_letter(text[after]);
		bool arguments = p->len == 4 && strchr("@*", text[p->at + 2]);

		if (!p->empty_unknown || !letter_before || !(letter_after || arguments) || p->at + 1 >= b->len ||
		    text[p->at + 1] != '{')
			continue;
		memmove(text + p->at, text + after, rest);
		b->len -= p->len;
		b->w->texts_len -= p->len;
		for (size_t k = i + 1; k < b->pieces_len; k++)
			b->pieces[k].at -= p->len;
		p->len = 0;
		b->odd = b->known = true;
	}
}

static void finish_field(struct builder *b)
{
	struct shell_value v = { .offset = b->offset, .source_len = b->source_len };
	bool hidden;

	if (!b->started)
		return;
	if (!b->known && b->pieces_len > 1 && !b->out->len && b->len < 256)
		drop_empty(b);
	hidden = b->pieces_len > 1 && b->known && hides_name(b);
	if (hidden)
		b->origin |= ORIGIN_ASSEMBLED;
	if (b->cut) {
		b->known = false;
		b->w->values_cut = true;
	}
	v.text = b->one ? b->one : arena_strndup(b->w->arena, text_of(b), b->len);
	v.len = b->len;
	v.known = b->known;
	v.origin = b->origin;
	if (b->w->source.has_nul)
		v = value_without_nul(b->w->arena, v);
	words_push(b->w, b->out, v, hidden || b->odd || b->all_odd || b->odd_text);
	clear_text(b);
	b->pieces_len = 0;
	b->origin = 0;
	b->known = true;
	b->started = b->odd = false;
}

static struct piece *add_piece(struct builder *b, size_t len, bool dynamic)
{
	struct piece *p;

	if (b->pieces_len == PIECES_MAX)
		b->pieces_len--;	/* the last ones matter least */
	p = &b->pieces[b->pieces_len++];
	*p = (struct piece){ .at = b->len, .len = len, .dynamic = dynamic };
	return p;
}

static void add(struct builder *b, const char *s, size_t len, unsigned int origin, bool known, bool dynamic)
{
	if (dynamic) {
		if (b->pieces_len && b->pieces[b->pieces_len - 1].dynamic && len)
			origin |= ORIGIN_ASSEMBLED;
		spend(b->w, len);
	}
	add_piece(b, len, dynamic)->empty_unknown = dynamic && !known && origin & ORIGIN_INPUT;
	add_text(b, s, len);
	b->origin |= origin;
	b->known &= known;
	b->started = true;
}

/* A value outside quotes: blanks in its known parts separate fields. */
static void add_split(struct builder *b, const struct shell_value *v)
{
	const char *separators = field_separators(b->w);
	size_t from = 0, i = 0;

	while (i < v->len) {
		size_t skip = v->known ? 0 : value_unknown_len(v->text + i, v->len - i);

		if (skip || !v->text[i] || !strchr(separators, v->text[i])) {
			i += skip ? skip : 1;
			continue;
		}
		if (i > from)
			add(b, v->text + from, i - from, v->origin, v->known, true);
		finish_field(b);
		from = ++i;
	}
	if (i > from || (!v->len && b->started))
		add(b, v->text + from, i - from, v->origin, v->known, true);
}

static void add_value(struct builder *b, const struct shell_value *v, bool quoted)
{
	struct shell_value cut = *v;

	if (v->len > 256 && b->w->balance < (int64_t)v->len) {
		b->w->values_cut = true;
		cut.len = 0;
		cut.known = false;
	}
	if (quoted || !b->split)
		add(b, cut.text, cut.len, cut.origin, cut.known, true);
	else
		add_split(b, &cut);
}

static void add_parameter(struct builder *b, const struct shell_part *part, bool alone)
{
	struct parameter p = parameter_value(b->w, part);
	bool fields = b->split && (p.list || (p.joined && !part->quoted));

	b->odd |= p.odd && (b->pieces_len == 0 || b->len == 0);
	for (size_t i = 0; i < p.len; i++) {
		struct shell_value v = p.values[i];

		if (b->all_odd && !v.known && part->len == 1 && part->text[0] >= '1' && part->text[0] <= '9')
			v.len = 0;	/* $IFS$9: there to end the name */

		if (i && fields)
			finish_field(b);
		else if (i)
			add(b, " ", 1, 0, true, false);
		if (p.computed && v.known && v.len)
			b->odd = true;
		if (!alone && !part->quoted && !strcmp(part->text, "IFS"))
			b->all_odd = true;	/* a word that is cut by hand */
		add_value(b, &v, part->quoted);
	}
	if (part->quoted && !p.list)
		b->started = true;
}

/* Does the text stand as it is in an argument of the commands that made it? */
static bool stands_there(const struct walker *w, size_t from, const struct shell_value *v)
{
	for (size_t i = from; i < w->len && i - from < JUDGED_MAX; i++)
		for (size_t k = 1; k < w->commands[i].argc && k < JUDGED_MAX; k++)
			if (memmem(w->commands[i].argv[k].text, w->commands[i].argv[k].len, v->text, v->len))
				return true;
	return false;
}

static void add_substitution(struct builder *b, const struct shell_part *part)
{
	bool located = false;
	size_t first = b->w->len;
	struct shell_value v = substitute(b->w, part->body, &located);

	if (!b->split && v.len > 1 && v.len < 256 && stands_there(b->w, first, &v))
		located = true;		/* NAME=$(echo x | sed …) hides nothing */

	/* do_$(…) is how functions are chosen */
	if (v.known && v.len && !located && (!b->len || !strchr("_-.:", text_of(b)[b->len - 1])))
		b->odd = true;
	add_value(b, &v, part->quoted);
	if (part->quoted)
		b->started = true;
}

static void add_arithmetic(struct builder *b, const struct shell_part *part)
{
	struct shell_value v = value_text(part->text, part->len, 0);
	bool odd;
	int64_t n;

	if (part->operand)	/* $x and $(…) in it */
		v = expand_single(b->w, part->operand, &odd);
	if (arithmetic(b->w, v.text, v.len, &n)) {
		v = value_number(b->w->arena, n);
		add(b, v.text, v.len, ORIGIN_LITERAL, true, true);
		return;
	}
	add(b, "$((", 3, ORIGIN_LITERAL, false, true);
	add(b, part->text, part->len < UNKNOWN_WORDS_MAX ? part->len : UNKNOWN_WORDS_MAX, 0, false, true);
	add(b, "))", 2, 0, false, true);
}

/* <(…): a file whose content is what is printed; rendered as written. It is kept under that name. */
static void add_process(struct builder *b, const struct shell_part *part)
{
	struct walker *w = b->w;
	const char *source = w->source.text && part->offset + part->source_len <= w->source.text_len ?
				     w->source.text + part->offset : "";
	size_t len = *source ? part->source_len : 0;
	struct shell_value content = { .text = "", .origin = ORIGIN_COMMAND };
	char *path = arena_strndup(w->arena, source, len < UNKNOWN_WORDS_MAX ? len : UNKNOWN_WORDS_MAX);

	if (!part->output) {
		bool located;

		content = substitute(w, part->body, &located);
		file_write(w, path, &content, false, false);
	} else {
		struct snapshot s = scope_enter(w);
		struct capture *out = w->out;

		w->out = NULL;
		walk_list(w, part->body);
		w->out = out;
		scope_leave(w, &s);
		content.origin = 0;
	}
	add(b, path, strlen(path), content.origin, false, true);
}

/* 'rm' and \rm are usual; r''m is not. */
static bool is_usual_quoting(const struct walker *w, const struct shell_word *word)
{
	size_t len = word->source_len;
	const char *s;
	char first, last;

	if (!w->source.text || len < 2 || word->offset + len > w->source.text_len)
		return false;
	s = w->source.text + word->offset;
	first = s[0];
	last = s[len - 1];
	if (first != '\\' && (first != last || (first != '\'' && first != '"')))
		return false;
	for (size_t i = 1; i < len - (first != '\\'); i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_./-", s[i]))
			return false;
	return true;
}

static void add_part(struct builder *b, const struct shell_part *part, bool alone)
{
	switch (part->kind) {
	case PART_TEXT:
		add(b, part->text, part->len, ORIGIN_LITERAL, true, false);
		b->odd_text |= part->odd_quoting && !is_usual_quoting(b->w, b->word);
		break;
	case PART_VARIABLE:
		add_parameter(b, part, alone);
		break;
	case PART_COMMAND:
		add_substitution(b, part);
		break;
	case PART_ARITHMETIC:
		add_arithmetic(b, part);
		break;
	case PART_PROCESS:
		add_process(b, part);
		break;
	case PART_BRACE:
		break;
	}
}

/* ---- braces: a word becomes several before anything else is expanded */
struct segment {
	const struct shell_part *parts;
	size_t len;
	const struct segment *next;
};

struct chosen {
	const struct shell_part **parts;
	size_t len, alloc;
	unsigned int made;
};

static void expand_chosen(struct builder *b, struct chosen *c)
{
	if (c->made++ && !affordable(b->w, c->len))
		return;
	for (size_t i = 0; i < c->len; i++)
		add_part(b, c->parts[i], c->len == 1);
	finish_field(b);
}

static void expand_segments(struct builder *b, const struct segment *seg, struct chosen *c, unsigned int depth)
{
	size_t before = c->len, i = 0;

	while (seg) {
		if (i == seg->len) {
			seg = seg->next;
			i = 0;
			continue;
		}
		if (seg->parts[i].kind == PART_BRACE && depth < BRACE_DEPTH_MAX)
			break;
		ARENA_GROW(b->w->arena, c->parts, c->len, c->alloc);
		c->parts[c->len++] = &seg->parts[i++];
	}
	if (!seg) {
		expand_chosen(b, c);
	} else {
		const struct shell_part *brace = &seg->parts[i];
		struct segment rest = { .parts = brace + 1, .len = seg->len - i - 1, .next = seg->next };

		for (size_t k = 0; k < brace->alternatives_len && c->made < SHELL_MAX_BRACES; k++) {
			const struct shell_word *word = &brace->alternatives[k];
			struct segment inner = { .parts = word->parts, .len = word->len, .next = &rest };

			expand_segments(b, &inner, c, depth + 1);
		}
		b->w->truncated |= c->made >= SHELL_MAX_BRACES;
	}
	c->len = before;
}

static void expand_braces(struct builder *b, const struct shell_word *word)
{
	struct segment all = { .parts = word->parts, .len = word->len };
	struct chosen c = { .parts = NULL };

	b->all_odd = true;
	expand_segments(b, &all, &c, 0);
}

static bool has_brace(const struct shell_word *word)
{
	for (size_t i = 0; i < word->len; i++)
		if (word->parts[i].kind == PART_BRACE)
			return true;
	return false;
}

static struct shell_value literal_value(const struct walker *w, const struct shell_word *word)
{
	struct shell_value v = value_text("", 0, ORIGIN_LITERAL);

	if (word->len) {
		v.text = word->parts[0].text;
		v.len = word->parts[0].len;
	}
	v.offset = place(&w->source, word->offset);
	v.source_len = place_len(&w->source, word->source_len);
	return w->source.has_nul ? value_without_nul(w->arena, v) : v;
}

/* The pieces are left as they are: only those up to pieces_len are looked at. */
static void builder_init(struct builder *b, struct walker *w, struct words *out, bool split)
{
	memset(&b->w, 0, sizeof(*b) - offsetof(struct builder, w));
	b->w = w;
	b->out = out;
	b->base = w->texts_len;
	b->one = "";
	b->known = true;
	b->split = split;
}

/* Nothing in it separates fields. */
static bool is_one_field(const struct walker *w, const struct shell_value *v)
{
	for (size_t i = 0; i < v->len; i++)
		if (v->text[i] == ' ' || v->text[i] == '\t' || v->text[i] == '\n' || !v->text[i])
			return false;
	return v->len && !w->separators_set;
}

/* A word that is $NAME and nothing else is the value as it stands; false: there is more to it. */
static bool expand_variable(struct walker *w, const struct shell_word *word, bool split, struct words *ret)
{
	const struct shell_part *part = word->parts;
	struct parameter p;
	struct shell_value v;

	if (word->len != 1 || part->kind != PART_VARIABLE || part->expansion != EXPAND_PLAIN || part->index || w->source.has_nul)
		return false;
	p = parameter_value(w, part);
	if (p.len != 1 || p.list || p.joined)
		return false;
	v = p.values[0];
	if (v.len > 256 || v.text[v.len] || (split && !part->quoted && !is_one_field(w, &v)))
		return false;
	spend(w, v.len);
	v.offset = place(&w->source, word->offset);
	v.source_len = place_len(&w->source, word->source_len);
	words_push(w, ret, v, p.odd);
	return true;
}

static void expand_word(struct walker *w, const struct shell_word *word, bool split, struct words *ret)
{
	struct builder b;

	if (expand_variable(w, word, split, ret))
		return;
	builder_init(&b, w, ret, split);
	b.offset = place(&w->source, word->offset);
	b.source_len = place_len(&w->source, word->source_len);
	b.word = word;
	if (split && has_brace(word)) {
		expand_braces(&b, word);
	} else {
		for (size_t i = 0; i < word->len; i++)
			add_part(&b, &word->parts[i], word->len == 1);
		finish_field(&b);
	}
	clear_text(&b);
}

static bool is_literal(const struct shell_word *word)
{
	return word->len == 0 || (word->len == 1 && word->parts[0].kind == PART_TEXT);
}

void expand_words(struct walker *w, const struct shell_word *words, size_t n, struct words *ret)
{
	if (!ret->room && n)
		words_reserve(w, ret, n);
	for (size_t i = 0; i < n; i++) {
		const struct shell_word *word = &words[i];
		const struct shell_part *part = word->parts;

		if (!is_literal(word)) {
			expand_word(w, word, true, ret);
		} else if (word->len && !part->odd_quoting && !w->source.has_nul && ret->len < ret->room) {	/* most words */
			ret->odd[ret->len] = false;
			ret->items[ret->len++] = (struct shell_value){
				.text = part->text, .len = part->len, .known = true, .origin = ORIGIN_LITERAL,
				.offset = place(&w->source, word->offset), .source_len = place_len(&w->source, word->source_len),
			};
		} else {
			words_push(w, ret, literal_value(w, word), word->len && part->odd_quoting && !is_usual_quoting(w, word));
		}
	}
}

struct shell_value expand_single(struct walker *w, const struct shell_word *word, bool *odd)
{
	struct words ws = { .items = NULL };

	*odd = false;
	if (is_literal(word))
		return literal_value(w, word);
	expand_word(w, word, false, &ws);
	if (!ws.len) {
		struct shell_value v = value_text("", 0, ORIGIN_LITERAL);

		v.offset = place(&w->source, word->offset);
		v.source_len = place_len(&w->source, word->source_len);
		return v;
	}
	*odd = ws.odd[0];
	return ws.items[0];
}

const char *field_separators(struct walker *w)
{
	struct variable *v = w->separators_set ? variable_find(w, "IFS", 3) : NULL;

	if (!v || !v->now.values[0].known)
		return " \t\n";
	return v->now.values[v->now.len - 1].text;
}

/* ---- substitution */
void capture_add(struct walker *w, struct capture *c, const struct shell_value *v)
{
	spend(w, v->len);
	if (!c->text.arena && v->len <= SHELL_MAX_VALUE) {
		c->text = out_borrow(w->arena, v->text, v->len);
		c->borrowed = true;
	} else if (v->len) {
		if (!c->text.arena)
			c->text = out_init(w->arena, 0);
		out_add(&c->text, v->text, v->len);
		c->borrowed = false;
	}
	if (!c->source_len) {
		c->offset = v->offset;
		c->source_len = v->source_len;
	}
	c->origin |= v->origin;
	c->known &= v->known && !c->text.cut;
}

struct shell_value capture_value(struct walker *w, struct capture *c)
{
	struct shell_value v = { .text = c->text.text, .len = c->text.len, .known = c->known, .origin = c->origin,
				 .offset = c->offset, .source_len = c->source_len };

	if (!c->text.arena)
		v.text = "";
	else if (!c->borrowed)
		v.text = out_text(&c->text, &v.len);
	w->values_cut |= c->text.cut;
	return v;
}

/* A name from programs that make text is a disguise; from others, such as `which` or a function that chooses, it is not. */
static bool locates(const struct walker *w, size_t from)
{
	if (w->len - from > JUDGED_MAX)
		return true;
	for (size_t i = from; i < w->len; i++)
		if (!(program_kinds(w->commands[i].name) & KIND_TEXT))
			return true;
	return false;
}

static struct shell_value without_newlines(struct walker *w, struct shell_value v)
{
	size_t len = v.len;

	while (len && v.text[len - 1] == '\n')
		len--;
	if (len < v.len)
		v.text = arena_strndup(w->arena, v.text, len);
	v.len = len;
	return v;
}

struct shell_value substitute(struct walker *w, const struct shell_list *body, bool *located)
{
	struct capture cap = CAPTURE_INIT;
	unsigned int traits = w->traits, spawning = w->spawning, variant = w->variant;
	struct capture *out = w->out;
	struct snapshot s = scope_enter(w);
	size_t first = w->len;
	struct shell_value v;

	w->traits &= ~(unsigned int)(TRAIT_TEST | TRAIT_NEGATED);
	w->spawning++;
	w->out = &cap;
	walk_list(w, body);
	w->out = out;
	w->traits = traits;
	w->spawning = spawning;
	w->variant = variant;
	scope_leave(w, &s);
	*located = locates(w, first);
	v = value_without_nul(w->arena, without_newlines(w, capture_value(w, &cap)));
	if (!v.len && !v.known) {
		v.text = "$()";
		v.len = 3;
	}
	return v;
}
