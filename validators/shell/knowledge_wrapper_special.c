/* SPDX-License-Identifier: Apache-2.0
 * Wrappers whose command cannot be found by options alone: ssh, find, parallel, socat, nc, tar, terminals. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "validators/shell/knowledge_decode.h"
#include "validators/shell/knowledge_wrapper.h"

/* ssh [options] HOST [words]: the words are text for the shell over there. ProxyCommand and LocalCommand run here. */
bool wrapper_ssh(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = { .values = "BbcDEeFIiJLlmOoPpQRSWw" };
	static const char *const local[] = { "ProxyCommand", "LocalCommand", "KnownHostsCommand" };
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	bool no_command = false, host = false;
	struct option o;

	(void)p;
	while (option_next(&walk, &o)) {
		if (o.operand && host)
			return !no_command && wrapper_emit_text(c, NULL, o.index, c->argc - 1, TRAIT_REMOTE);
		host |= o.operand;
		no_command |= option_in(&o, "NWsGQVO", NULL);
		if (o.letter != 'o' || !o.has_value)
			continue;
		for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
			size_t n = strlen(local[i]), at = o.value_index ? o.value_index : o.index;
			struct shell_value text = o.value;

			if (text.len <= n || strncasecmp(text.text, local[i], n) || (text.text[n] != '=' && text.text[n] != ' '))
				continue;
			text.text += n + 1;
			text.len -= n + 1;
			if (!value_is(&text, "none") && wrapper_emit_text(c, &text, at, at, 0))
				return true;
		}
	}
	if (host && !no_command) {
		struct wrapper w = { .kind = WRAPPER_SHELL_INPUT, .first = c->argc - 1, .last = c->argc - 1, .traits = TRAIT_REMOTE };

		return wrapper_emit(c, &w);
	}
	return false;
}

bool wrapper_find_exec(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	(void)p;
	for (size_t i = start; i + 1 < c->argc; i++) {
		struct wrapper w = { .kind = WRAPPER_ARGV, .appends_input = true, .placeholder = "{}" };
		size_t end;

		if (!word_in(c->argv[i].text, c->argv[i].len, "-exec -execdir -ok -okdir"))
			continue;
		for (end = i + 1; end < c->argc; end++)
			if (value_is(&c->argv[end], ";") || (value_is(&c->argv[end], "+") && value_is(&c->argv[end - 1], "{}")))
				break;
		if (end == i + 1)
			continue;
		w.first = i + 1;
		w.last = end - 1;
		w.argv = c->argv + i + 1;
		w.argc = end - i - 1;
		if (wrapper_emit(c, &w))
			return true;
		i = end;
	}
	return false;
}

/* fd … -x COMMAND…, gdb --args COMMAND…, capsh … -- -c TEXT */
bool wrapper_after_word(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	const char *words = c->name[0] == 'g' ? "--args -args" : c->name[0] == 'c' ? "-- ==" : "-x -X --exec --exec-batch";
	struct wrapper w = { .kind = WRAPPER_ARGV, .first = c->argc, .last = c->argc - 1, .appends_input = c->name[0] == 'f',
			     .placeholder = c->name[0] == 'f' ? "{}" : NULL };

	(void)p;
	for (size_t i = start; i < c->argc && w.first == c->argc; i++)
		if (word_in(c->argv[i].text, c->argv[i].len, words))
			w.first = i + 1;
	if (w.first >= c->argc)
		return false;
	if (c->name[0] == 'c')		/* capsh: what stands there are the arguments of bash */
		return value_is(&c->argv[w.first], "-c") && w.first + 1 < c->argc && wrapper_emit_text(c, NULL, w.first + 1, w.first + 1, 0);
	w.argv = c->argv + w.first;
	w.argc = c->argc - w.first;
	return wrapper_emit(c, &w);
}

static bool has_placeholder(const struct shell_value *v)
{
	return v->len >= 2 && memmem(v->text, v->len, "{}", 2);
}

static void add_replaced(struct text_out *out, const struct shell_value *v, const struct shell_value *with)
{
	for (size_t i = 0; i < v->len; i++) {
		if (i + 1 < v->len && v->text[i] == '{' && v->text[i + 1] == '}') {
			out_add(out, with->text, with->len);
			i++;
		} else {
			out_addch(out, v->text[i]);
		}
	}
}

/* parallel [options] [COMMAND…] [::: ARGUMENT…]: a line a call. Without arguments there they are lines of standard input. */
bool wrapper_parallel(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	struct wrapper w = { .kind = WRAPPER_SHELL_TEXT, .appends_input = true, .placeholder = "{}" };
	size_t first, end, calls = 0;
	bool replaced = false;
	struct text_out out;
	struct option o;

	while (option_next(&walk, &o) && !o.operand) {
		if (option_in(&o, "S", "sshlogin sshloginfile"))
			w.traits |= TRAIT_REMOTE;
		if (option_is(&o, 'I', NULL) && o.has_value)
			w.placeholder = o.value.text;
	}
	first = o.operand ? o.index : c->argc;
	for (end = first; end < c->argc; end++) {
		if (c->argv[end].len >= 3 && !memcmp(c->argv[end].text, ":::", 3))
			break;
		replaced |= has_placeholder(&c->argv[end]);
	}
	w.first = first < c->argc ? first : c->argc - 1;
	w.last = c->argc - 1;
	if (first == c->argc) {		/* each line of the input is a command */
		w.kind = WRAPPER_SHELL_INPUT;
		w.appends_input = false;
		return wrapper_emit(c, &w);
	}
	if (end == c->argc) {
		w.text = value_join(c->arena, c->argv, first, end - 1);
		if (!memchr(w.text.text, ' ', c->argv[first].len)) {	/* words, not text in one */
			w.kind = WRAPPER_ARGV;
			w.argv = c->argv + first;
			w.argc = end - first;
		}
		return wrapper_emit(c, &w);
	}
	if (end + 1 >= c->argc)
		return false;
	w.appends_input = false;
	w.text = value_join(c->arena, c->argv, first, c->argc - 1);
	out = out_init(c->arena, w.text.len + 1024);
	for (size_t i = end + 1; i < c->argc && calls < 64; i++) {
		if (calls++ && (replaced || end == first))
			out_addch(&out, '\n');
		for (size_t k = first; k < end && (replaced || calls == 1); k++) {
			add_replaced(&out, &c->argv[k], &c->argv[i]);
			if (k + 1 < end)
				out_addch(&out, ' ');
		}
		if (replaced)
			continue;
		if (end > first)
			out_addch(&out, ' ');
		out_add(&out, c->argv[i].text, c->argv[i].len);
	}
	w.text.text = out_text(&out, &w.text.len);
	return wrapper_emit(c, &w);
}

/* socat's addresses: SYSTEM:TEXT,options and EXEC:TEXT,options, one or both */
bool wrapper_socat(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	struct option o;

	while (option_next(&walk, &o)) {
		const struct shell_value *v = &o.value;
		const char *colon;
		struct shell_value text;
		struct text_out out;
		char quote = 0;

		if (!o.operand)
			continue;
		colon = memchr(v->text, ':', v->len);
		if (!colon)
			continue;
		if (strncasecmp(v->text, "system:", 7) && strncasecmp(v->text, "exec:", 5) && strncasecmp(v->text, "shell:", 6))
			continue;
		out = out_init(c->arena, v->len);
		for (size_t i = (size_t)(colon + 1 - v->text); i < v->len && (quote || v->text[i] != ','); i++) {
			char ch = v->text[i];

			if (ch == '\\' && i + 1 < v->len && !quote) {
				ch = v->text[++i];
			} else if (ch == quote) {
				quote = 0;
				continue;
			} else if (!quote && (ch == '"' || ch == '\'')) {
				quote = ch;
				continue;
			}
			out_addch(&out, ch);
		}
		text = *v;
		text.text = out_text(&out, &text.len);
		if (text.len && wrapper_emit_text(c, &text, o.index, o.index, 0))
			return true;
	}
	return false;
}

/* nc -e PROGRAM, -c TEXT, --sh-exec TEXT; busybox takes all words behind -e */
bool wrapper_nc(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	struct option o;

	while (option_next(&walk, &o)) {
		size_t at = o.value_index ? o.value_index : o.index;

		if (!o.has_value || (!option_is(&o, 'e', "exec") && !option_is(&o, 'c', "sh-exec")))
			continue;
		/* -c of OpenBSD's asks for TLS and takes nothing */
		if (o.letter == 'c' && o.value.len && (o.value.text[0] == '-' || isdigit((unsigned char)o.value.text[0])))
			continue;
		if (wrapper_emit_text(c, &o.value, at, at, 0))
			return true;
	}
	return false;
}

/* tar --checkpoint-action=exec=TEXT, --to-command=TEXT, -I PROGRAM */
bool wrapper_tar(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = {
		.values = "fCbTXIgVKNLHF", .long_values = "checkpoint-action to-command use-compress-program rsh-command info-script new-volume-script file directory",
	};
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	struct option o;

	(void)p;
	while (option_next(&walk, &o)) {
		size_t at = o.value_index ? o.value_index : o.index;

		if (o.operand || !o.has_value)
			continue;
		if (option_is(&o, 0, "checkpoint-action")) {
			if (o.value.len < 5 || memcmp(o.value.text, "exec=", 5))
				continue;
			o.value.text += 5;
			o.value.len -= 5;
		} else if (!option_in(&o, "IF", "to-command use-compress-program rsh-command info-script new-volume-script")) {
			continue;
		}
		if (wrapper_emit_text(c, &o.value, at, at, 0))
			return true;
	}
	return false;
}

/* xterm -e COMMAND…, gnome-terminal -- COMMAND…: one word alone is text */
bool wrapper_terminal(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	(void)p;
	for (size_t i = start; i + 1 < c->argc; i++) {
		if (!word_in(c->argv[i].text, c->argv[i].len, "-e -x -- --command --execute"))
			continue;
		if (i + 2 == c->argc)
			return wrapper_emit_text(c, NULL, i + 1, i + 1, 0);
		return wrapper_emit_words(c, i + 1, c->argc - 1, 0);
	}
	return false;
}

/* tmux send-keys TEXT Enter, screen -X stuff TEXT, screen [options] COMMAND… */
bool wrapper_send_keys(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	bool screen = c->name[0] == 's', keys = !screen;
	size_t first = 0;
	struct option o;

	while (!first && option_next(&walk, &o)) {
		if (o.operand && value_is(&o.value, "stuff"))
			keys = true;
		else if (o.operand)
			first = o.index;
		else if (option_in(&o, "lrRxvw", NULL) && screen)
			return false;
	}
	if (!first)
		return false;
	if (keys)
		return wrapper_emit_text(c, NULL, first, first, 0);
	return wrapper_emit_words(c, first, c->argc - 1, 0);
}

/* ansible HOSTS -m shell -a TEXT; salt TARGET cmd.run TEXT */
bool wrapper_module(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = {
		.values = "maiuefltTMBPCGELNISXRb", .long_values = "module-name args inventory user extra-vars forks limit",
	};
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	struct shell_value text = { .len = 0 };
	bool shell = true;
	size_t at = 0;
	struct option o;

	if (c->name[0] == 's') {
		for (size_t i = start; i + 1 < c->argc; i++)
			if (word_in(c->argv[i].text, c->argv[i].len, "cmd.run cmd.shell cmd.run_all cmd.run_stdout cmd.script"))
				return wrapper_emit_text(c, NULL, i + 1, i + 1, p->traits);
		return false;
	}
	while (option_next(&walk, &o)) {
		if (o.has_value && option_is(&o, 'm', "module-name"))
			shell = word_in(o.value.text, o.value.len, "shell command raw ansible.builtin.shell ansible.builtin.command ansible.builtin.raw expect");
		if (o.has_value && option_is(&o, 'a', "args")) {
			text = o.value;
			at = o.value_index ? o.value_index : o.index;
		}
	}
	return at && shell && wrapper_emit_text(c, &text, at, at, p->traits);
}
