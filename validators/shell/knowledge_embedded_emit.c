/* SPDX-License-Identifier: Apache-2.0
 * What was found, as shell text. */
#include <string.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"

static void found(struct code_scan *s, const char *text, size_t len, bool known, unsigned int origin)
{
	struct shell_value *v;

	if (s->quiet || !len || s->found_len >= s->found_max)
		return;
	for (size_t i = 0; i < s->found_len; i++)
		if (s->found[i].len == len && !memcmp(s->found[i].text, text, len))
			return;
	v = &s->found[s->found_len++];
	*v = *s->source;
	v->text = text;
	v->len = len;
	v->known = known;
	v->origin |= origin;
}

static bool is_shell_word(const char *text, size_t len)
{
	static const char *const shells[] = { "sh", "bash", "zsh", "dash", "ksh", "cmd.exe" };
	const char *slash;

	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ')
			len = i;
	slash = memrchr(text, '/', len);
	if (slash) {
		len -= (size_t)(slash + 1 - text);
		text = slash + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strlen(shells[i]) == len && !memcmp(shells[i], text, len))
			return true;
	return false;
}

bool code_is_shell(const struct code_value *v)
{
	return v->kind == CODE_TEXT && is_shell_word(v->text, v->len);
}

void code_emit(struct code_scan *s, const struct code_value *text)
{
	struct code_value v = code_to_text(s, text);

	s->shells |= is_shell_word(v.text, v.len);
	found(s, v.text, v.len, v.known, v.origin);
}

/* A word of a command as shell text: in quotes when it needs them; ${…} and globs stay. */
static void add_word(struct code_scan *s, struct text_out *out, const struct code_value *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,~*?[]{}-$^";
	struct code_value v = code_to_text(s, word);

	if (out->len)
		out_addch(out, ' ');
	if (v.len && strspn(v.text, safe) == v.len && (!v.known ? true : !strchr(v.text, '$') && !strchr(v.text, '{'))) {
		out_add(out, v.text, v.len);
		return;
	}
	if (!v.known) {		/* names in it stay names */
		out_addch(out, '"');
		for (size_t i = 0; i < v.len; i++) {
			if (strchr("\"`\\", v.text[i]))
				out_addch(out, '\\');
			out_addch(out, v.text[i]);
		}
		out_addch(out, '"');
		return;
	}
	out_addch(out, '\'');
	for (size_t i = 0; i < v.len; i++) {
		if (v.text[i] == '\'')
			out_addstr(out, "'\\''");
		else
			out_addch(out, v.text[i]);
	}
	out_addch(out, '\'');
}

static void add_words(struct code_scan *s, struct text_out *out, const struct code_value *words, size_t n, bool *known, unsigned int *origin)
{
	for (size_t i = 0; i < n && !out->cut; i++) {
		if (words[i].kind == CODE_LIST) {
			for (size_t k = 0; k < words[i].items_len && !out->cut; k++) {
				add_word(s, out, &words[i].items[k]);
				*known &= words[i].items[k].known;
				*origin |= words[i].items[k].origin;
			}
			continue;
		}
		add_word(s, out, &words[i]);
		*known &= words[i].known;
		*origin |= words[i].origin;
	}
}

void code_emit_command(struct code_scan *s, const char *command, const struct code_value *words, size_t n, const char *end)
{
	struct text_out out = out_init(s->arena, 64);
	unsigned int origin = 0;
	bool known = true;
	size_t len;
	const char *text;

	out_addstr(&out, command);
	add_words(s, &out, words, n, &known, &origin);
	out_addstr(&out, end);
	text = out_text(&out, &len);
	found(s, text, len, known && !out.cut, origin);
}

void code_emit_words(struct code_scan *s, const struct code_value *words, size_t n)
{
	const struct code_value *first = n && words[0].kind == CODE_LIST && words[0].items_len ? &words[0].items[0] : words;

	if (n && first->kind == CODE_TEXT)
		s->shells |= is_shell_word(first->text, first->len);
	code_emit_command(s, "", words, n, "");
}

void code_emit_run(struct code_scan *s, const struct code_value *what)
{
	static const struct code_value none = { .text = "" };

	if (what->kind == CODE_LIST)
		code_emit_words(s, what, 1);
	else if (what->kind == CODE_FETCHED)
		code_emit_command(s, "curl -s", &(struct code_value){ .kind = CODE_TEXT, .text = what->text, .len = what->len, .known = what->known }, 1, " | sh");
	else
		code_emit(s, what->kind == CODE_UNKNOWN ? &none : what);
}

void code_emit_write(struct code_scan *s, const struct code_value *path, const struct code_value *content, bool append)
{
	struct text_out out = out_init(s->arena, 64);
	struct code_value v = content ? *content : (struct code_value){ .text = "" };
	bool known = path->known && (v.known || (v.kind != CODE_TEXT && v.kind != CODE_FETCHED));
	const char *text;
	size_t len;

	if (v.kind == CODE_FETCHED) {
		out_addstr(&out, "curl -s");
		v.kind = CODE_TEXT;
		add_word(s, &out, &v);
	} else if (v.kind == CODE_TEXT && v.known) {
		out_addstr(&out, "printf %s");
		add_word(s, &out, &v);
	} else {
		out_addch(&out, ':');
	}
	out_addstr(&out, append ? " >>" : " >");
	add_word(s, &out, path);
	text = out_text(&out, &len);
	found(s, text, len, known && !out.cut, v.origin | path->origin);
}

void code_emit_code(struct code_scan *s, const struct code_value *code)
{
	struct code_scan *inner;
	struct text_out out;
	const char *text;
	size_t len;

	if (s->quiet)
		return;
	/* a callback evaluates what came */
	if ((code->kind == CODE_NAME || code->kind == CODE_UNKNOWN || (code->kind == CODE_TEXT && !code->len)) && s->fetched.kind == CODE_FETCHED && !(code->origin & ORIGIN_DECODED))
		code = &s->fetched;
	if (code->kind == CODE_FETCHED || code->origin & ORIGIN_DECODED) {
		struct code_value url = { .kind = CODE_TEXT, .text = code->text, .len = code->len, .known = code->known };

		out = out_init(s->arena, 64);
		out_addstr(&out, code->kind == CODE_FETCHED ? "curl -s" : "base64 -d");
		if (code->kind == CODE_FETCHED)
			add_word(s, &out, &url);
		out_addstr(&out, " | ");
		out_addstr(&out, s->interpreter);
		text = out_text(&out, &len);
		found(s, text, len, code->known, code->origin);
	}
	if (code->kind != CODE_TEXT || s->layer >= CODE_MAX_LAYERS)
		return;
	inner = arena_alloc(s->arena, sizeof(*inner));
	*inner = *s;
	inner->text = code->text;
	inner->len = code->len;
	inner->at = inner->depth = 0;
	inner->layer++;
	if (code->origin & ORIGIN_DECODED) {
		struct shell_value *source = arena_alloc(s->arena, sizeof(*source));

		*source = *s->source;
		source->origin |= ORIGIN_DECODED;
		inner->source = source;
	}
	code_run(inner);
	s->found_len = inner->found_len;
	s->shells |= inner->shells;
	s->runs_unknown |= inner->runs_unknown;
	s->connects |= inner->connects;
	s->listens |= inner->listens;
	s->printed_unknown |= inner->printed_unknown;
}

/* A socket to somebody and a shell in one program: what it comes to. */
void code_emit_network_shell(struct code_scan *s)
{
	struct code_value address[2] = { s->host, s->port };
	struct text_out out;
	const char *text;
	size_t len;

	/* commands that come from outside are a shell too */
	if (s->connects && s->runs_unknown && s->host.kind == CODE_TEXT && host_classify(s->host.text, strcspn(s->host.text, ":")) == HOST_EXTERNAL)
		s->shells = true;
	if (!s->shells || (!s->connects && !s->listens))
		return;
	out = out_init(s->arena, 64);
	if (s->connects) {
		struct code_value host = code_to_text(s, &address[0]), port = code_to_text(s, &address[1]);

		out_addstr(&out, "bash -i >& /dev/tcp/");
		out_add(&out, host.text, host.len);
		out_addch(&out, '/');
		out_add(&out, port.text, port.len);
		out_addstr(&out, " 0>&1");
	} else {
		out_addstr(&out, "nc -l -p");
		add_word(s, &out, &address[1]);
		out_addstr(&out, " -e /bin/sh");
	}
	text = out_text(&out, &len);
	found(s, text, len, true, 0);
}
