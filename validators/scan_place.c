/* SPDX-License-Identifier: Apache-2.0
 *
 * From what matched to a finding: path, line, column, width, the text as written. Positions in literal scalars,
 * where nearly all scripts stand, cost one line each, because scripts are read in order; positions elsewhere are
 * read anew and share a budget, past which they are those of the scalar: a million findings stay linear. */
#include <stdarg.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_match.h"
#include "validators/scan_required.h"
#include "validators/schema.h"
#include "validators/shell/knowledge.h"

#define POSITION_WORK_MAX ((size_t)256 << 20)	/* bytes read again for positions of one document */
#define MATCH_WORK_MAX ((size_t)64 << 20)	/* bytes that patterns may look at … */
#define MATCH_WORK_PER_BYTE 64			/* … besides so many for each of the document */
#define SHOWN_MAX 80			/* characters of a value in a message */

/* ---- paths */

void scan_path_write(const struct scan_path *path, struct strbuf *out)
{
	if (!path)
		return;
	scan_path_write(path->up, out);
	if (path->key)
		path_add_key(out, path->key, path->key_len);
	else
		path_add_index(out, path->index);
}

/* ---- positions */

static unsigned int count_characters(const char *s, size_t len)
{
	unsigned int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* The part of a scalar's text from `offset` on that stands on one line. */
static size_t rest_of_line(const struct node *node, size_t offset, size_t len)
{
	const char *end = len ? memchr(node->text + offset, '\n', len) : NULL;

	return end ? (size_t)(end - node->text) - offset : len;
}

/* Line k of a literal is line k after its header, behind the indentation. False: it does not look like that. */
static bool literal_position(struct scan *sc, const struct node *node, size_t offset, struct position *ret)
{
	struct line_cursor *c = &sc->cursor;
	size_t len, line_len, indent;
	const char *line;

	if (c->node != node || c->begin > offset)
		*c = (struct line_cursor){ .node = node };
	for (const char *p; (p = memchr(node->text + c->begin, '\n', offset - c->begin)); c->line++)
		c->begin = (size_t)(p - node->text) + 1;
	len = rest_of_line(node, c->begin, node->len - c->begin);
	if (!document_line(sc->doc, node->start.line + 1 + c->line, &line, &line_len) || line_len < len)
		return false;
	indent = line_len - len;
	sc->position_work += line_len;
	if (memcmp(line + indent, node->text + c->begin, len) != 0)
		return false;
	*ret = (struct position){
		node->start.line + 1 + c->line, 1 + count_characters(line, indent + offset - c->begin),
	};
	return true;
}

static struct position raw_position(struct scan *sc, const struct node *node, size_t offset)
{
	struct line_cursor *c = &sc->cursor;

	if (c->node != node || c->begin > offset)
		*c = (struct line_cursor){ .node = node };
	for (const char *p; (p = memchr(node->text + c->begin, '\n', offset - c->begin)); c->line++)
		c->begin = (size_t)(p - node->text) + 1;
	sc->position_work += offset - c->begin;
	return (struct position){ 1 + c->line, 1 + count_characters(node->text + c->begin, offset - c->begin) };
}

static struct position text_position(struct scan *sc, const struct node *node, size_t offset)
{
	struct position position;

	if (sc->position_work > POSITION_WORK_MAX)
		return node->start;
	if (sc->raw)
		return raw_position(sc, node, offset);
	if (node->style == STYLE_LITERAL && literal_position(sc, node, offset, &position))
		return position;
	sc->position_work += 8 * (offset + 1);	/* unit by unit, which is slower than comparing lines */
	return node_text_position(sc->doc, node, offset);
}

static bool same_position(struct position a, struct position b)
{
	return a.line == b.line && a.column == b.column;
}

/* Characters from `from` to the end of what is meant, on that line. */
static unsigned int text_width(struct scan *sc, const struct node *node, size_t offset, size_t len,
			       struct position from)
{
	struct position end;

	if (node->style == STYLE_LITERAL)
		return count_characters(node->text + offset, rest_of_line(node, offset, len));
	end = text_position(sc, node, offset + len);
	if (end.line == from.line && end.column > from.column)
		return end.column - from.column;
	/* folded over several lines: to the end of this one */
	if (end.line > from.line) {
		const char *line;
		size_t line_len;
		unsigned int columns;

		if (document_line(sc->doc, from.line, &line, &line_len) &&
		    (columns = count_characters(line, line_len)) >= from.column)
			return columns - from.column + 1;
	}
	return 1;
}

struct position scan_position(struct scan *sc, const struct scan_place *place, unsigned int *ret_width)
{
	const struct node *node = place->node;
	struct position position = { 0 };

	*ret_width = 1;
	if (!node)
		return position;
	if (place->whole || node->kind != NODE_SCALAR || place->offset > node->len) {
		if (node->end.line == node->start.line && node->end.column > node->start.column)
			*ret_width = node->end.column - node->start.column;
		return node->start;
	}
	position = text_position(sc, node, place->offset);
	if (!same_position(position, node->start) || (node->style != STYLE_LITERAL && node->style != STYLE_FOLDED)) {
		size_t len = place->len < node->len - place->offset ? place->len : node->len - place->offset;
		unsigned int width = text_width(sc, node, place->offset, len, position);

		*ret_width = width ? width : 1;
	}
	return position;
}

/* ---- texts */

/* How many bytes of `text` make at most `max` bytes of whole characters. */
static size_t cut_length(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* One line, cut: line breaks and the blanks around them become one blank. */
static void add_on_one_line(struct strbuf *out, const char *text, size_t len, size_t max)
{
	size_t cut;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	for (size_t i = 0; i < len && out->len <= max; i++) {
		if (text[i] != '\r' && text[i] != '\n') {
			strbuf_addch(out, text[i]);
			continue;
		}
		while (i + 1 < len && strchr(" \t\r\n", text[i + 1]))
			i++;
		strbuf_addch(out, ' ');
	}
	cut = cut_length(out->buf, out->len, max);
	if (cut < out->len) {
		out->len = cut;
		out->buf[cut] = '\0';
		strbuf_addstr(out, "…");
	}
}

/* What everybody may know of a secret: the kind it is of. */
static const char *const known_prefixes[] = {
	"AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "gith", "glpa", "xoxb", "xoxp", "xoxa", "xapp",
	"sk-", "sk_l", "rk_l", "SG.", "eyJ", "npm_", "pypi", "dop_", "hvs.", "ya29", "shpa", "EAAC", "AGE-", "----",
};

void scan_mask(const char *text, size_t len, struct strbuf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known_prefixes); i++) {
		size_t n = strlen(known_prefixes[i]);

		if (len >= 4 * n && !memcmp(text, known_prefixes[i], n))
			shown = n;
	}
	strbuf_add(out, text, shown);
	strbuf_addf(out, "…(%u more)", count_characters(text + shown, len - shown));
}

/* NAME=value where the name says that the value is a secret. */
static bool assigns_secret(const char *text, size_t len, size_t *ret_value)
{
	const char *equals = memchr(text, '=', len < 128 ? len : 128);
	char name[128];

	if (!equals || equals == text || equals + 1 == text + len)
		return false;
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	*ret_value = (size_t)(equals - text) + 1;
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		return false;
	return equals[1] != '$' && (knowledge_variable_origin(name) & ORIGIN_SECRET);
}

static void add_masked(struct strbuf *out, const struct rule *rule, const char *text, size_t len, size_t max)
{
	size_t value;

	if (rule->secret) {
		scan_mask(text, len, out);
	} else if (assigns_secret(text, len, &value)) {
		strbuf_add(out, text, value);
		scan_mask(text + value, len - value, out);
	} else {
		add_on_one_line(out, text, len, max);
	}
}

static const char *place_text(const struct scan_place *place, size_t *ret_len)
{
	const struct node *node = place->node;

	*ret_len = 0;
	if (!node || node->kind != NODE_SCALAR || (!place->whole && place->offset > node->len))
		return "";
	if (place->whole) {
		*ret_len = node->len;
		return node->text;
	}
	*ret_len = place->len < node->len - place->offset ? place->len : node->len - place->offset;
	return node->text + place->offset;
}

/* "{match}" and "{command}" of a rule's message. */
static void write_message(const struct rule *rule, const struct scan_match *match, struct strbuf *out)
{
	static const char match_word[] = "{match}", command_word[] = "{command}";
	const char *message = rule->message ? rule->message : rule->title;
	autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = match->shown_len;
	const char *text = match->shown ? match->shown : place_text(&match->place, &len);

	add_masked(&shown, rule, text, len, SHOWN_MAX);
	while (*message) {
		size_t plain = strcspn(message, "{");

		strbuf_add(out, message, plain);
		message += plain;
		if (!strncmp(message, match_word, strlen(match_word))) {
			utf8_escape(out, shown.buf, shown.len);
			message += strlen(match_word);
		} else if (!strncmp(message, command_word, strlen(command_word))) {
			const char *command = match->command && match->command[0] ? match->command : "the script";

			utf8_escape(out, command, cut_length(command, strlen(command), SHOWN_MAX));
			message += strlen(command_word);
		} else if (*message) {
			strbuf_addch(out, *message++);
		}
	}
	if (match->uncalled)
		strbuf_addstr(out, " (in a function that nothing here calls)");
}

static char *path_text(const struct scan_path *path)
{
	struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	if (!path)
		return NULL;
	scan_path_write(path, &text);
	return strbuf_detach(&text);
}

void scan_tell(struct scan *sc, uint32_t rule_index, const struct scan_match *inner)
{
	const struct rule *rule = rules_at(sc->scanner->rules, rule_index);
	struct rule_state *state = &sc->scanner->states[rule_index];
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf matched = STRBUF_INIT(STRBUF_NO_MAX);
	struct scan_match outer = *inner;
	const struct scan_match *match = &outer;
	struct position position = { 0 };
	unsigned int width = 1;
	struct finding *f;
	const char *text;
	size_t len;

	if (sc->embedding) {
		outer.shown = inner->shown ? inner->shown : place_text(&inner->place, &outer.shown_len);
		outer.place = scan_embedded_place(sc, &inner->place);
	}
	if (match->place.node)
		position = match->place.node->start;

	if (state->found >= FINDINGS_PER_RULE) {	/* only counted */
		state->found++;
		finding_of_rule(sc->findings, rule->severity, rule->id, position, rule->title);
		return;
	}
	position = scan_position(sc, &match->place, &width);
	if (rule->secret && scan_is_kept_secret(sc, position, width, rule->severity))
		return;
	state->found++;
	write_message(rule, match, &message);
	f = finding_of_rule(sc->findings, rule->severity, rule->id, position, message.buf);
	f->width = width;
	f->category = rule->category;
	f->cwe = rule->cwe;
	f->suggestion = xstrdup_or_null(rule->suggestion);
	f->path = path_text(match->place.path);
	text = place_text(&match->place, &len);
	if (len) {
		add_masked(&matched, rule, text, len, FINDING_MATCHED_MAX - strlen("…"));
		f->matched = strbuf_detach(&matched);
	}
	if (rule->secret && len)
		scan_keep_secret(sc, position, width, rule->severity, text, len);
}

void scan_tell_own(struct scan *sc, enum severity severity, const char *id, const char *suggestion,
		   const struct scan_place *place, const char *fmt, ...)
{
	autostrbuf struct strbuf message = STRBUF_INIT(STRBUF_NO_MAX);
	struct scan_place outer = sc->embedding ? scan_embedded_place(sc, place) : *place;
	unsigned int width;
	struct position position = scan_position(sc, &outer, &width);
	struct finding *f;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&message, fmt, ap);
	va_end(ap);
	f = finding_of_rule(sc->findings, severity, id, position, message.buf);
	f->width = width;
	f->category = "scan";
	f->suggestion = xstrdup_or_null(suggestion);
	f->path = path_text(outer.path);
}

/* ---- limits */

static bool exhausted(struct scan *sc, size_t len, const struct scan_place *place)
{
	sc->match_work += len;
	if (sc->match_work <= MATCH_WORK_MAX + MATCH_WORK_PER_BYTE * sc->doc->bytes_len)
		return false;
	if (!sc->exhausted_told)
		scan_tell_own(sc, SEVERITY_HIGH, "scan/truncated", "split the package", place,
			      "the text makes the scanner look at too much, the rest of the file was not matched with "
			      "all rules");
	sc->exhausted_told = true;
	return true;
}

enum pattern_result scan_pattern(struct scan *sc, uint32_t rule_index, const struct rule_condition *c, const char *text,
				 size_t len, size_t from, const struct scan_place *place, struct span *ret)
{
	struct rule_state *state = &sc->scanner->states[rule_index];
	enum pattern_result result;
	struct pattern *p;

	if (state->given_up || exhausted(sc, len - from, place))
		return PATTERN_LIMIT;
	p = rule_pattern(sc->scanner->rules, c);
	if (!p)
		return PATTERN_NO;
	result = pattern_match(p, text, len, from, ret);
	if (result != PATTERN_LIMIT)
		return result;
	state->given_up = true;
	scan_tell_own(sc, SEVERITY_HIGH, "scan/limit",
		      "look at the text yourself; simplify the pattern if the rule is yours", place,
		      "rule '%s' needs too much time or memory for this text and was given up for this file",
		      rules_id(sc->scanner->rules, rule_index));
	return result;
}

bool scan_matches(struct scan *sc, uint32_t rule_index, const struct rule_condition *c, const char *text, size_t len,
		  const struct scan_place *place)
{
	const struct text_marks there = text_marks(text, len);

	return c->needs && needs_are_met(c->needs, &there) && scan_pattern(sc, rule_index, c, text, len, 0, place, NULL) == PATTERN_YES;
}

/* ---- sets */

static size_t key_slot(const struct key_set *set, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (set->alloc - 1);

	while (set->slots[i] && set->slots[i] != key)
		i = (i + 1) & (set->alloc - 1);
	return i;
}

static void key_set_grow(struct key_set *set)
{
	struct key_set old = *set;

	set->alloc = old.alloc ? 2 * old.alloc : 64;
	set->slots = xcalloc(set->alloc, sizeof(*set->slots));
	for (size_t i = 0; i < old.alloc; i++) {
		if (old.slots[i])
			set->slots[key_slot(set, old.slots[i])] = old.slots[i];
	}
	free(old.slots);
}

bool key_set_add(struct key_set *set, uint64_t key)
{
	size_t i;

	key += !key;
	if (2 * set->len >= set->alloc)
		key_set_grow(set);
	i = key_slot(set, key);
	if (set->slots[i])
		return false;
	set->slots[i] = key;
	set->len++;
	return true;
}

bool key_set_has(const struct key_set *set, uint64_t key)
{
	return set->alloc && set->slots[key_slot(set, key + !key)];
}

void key_set_release(struct key_set *set)
{
	free(set->slots);
	*set = (struct key_set){ 0 };
}
