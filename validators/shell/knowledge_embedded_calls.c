/* SPDX-License-Identifier: Apache-2.0
 * What calls of the functions in knowledge_embedded_table.c come to. */
#include <string.h>

#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_option.h"

#define OPENED "open()"	/* the name of a file object: OPENED.path */

static bool is_text(const struct code_value *v)
{
	return v->kind == CODE_TEXT;
}

/* What a method of a path stands behind: one path, or those of a folder. */
static bool is_path(const struct code_value *v)
{
	return v->kind == CODE_TEXT || v->kind == CODE_LIST;
}

static bool is_url(const struct code_value *v)
{
	return is_text(v) && memmem(v->text, v->len < 16 ? v->len : 16, "://", 3);
}

static const struct code_value *named_argument(const struct code_arguments *args, const char *name)
{
	for (size_t i = 0; i < args->len; i++)
		if (args->names[i] && args->names_len[i] == strlen(name) && !memcmp(args->names[i], name, args->names_len[i]))
			return &args->items[i];
	return NULL;
}

static void run_form(struct code_scan *s, const struct code_value *receiver, const struct code_arguments *args)
{
	const struct code_value *what = named_argument(args, "args");
	size_t n = 0;

	if (!what)
		what = named_argument(args, "cmd");
	if (!what && receiver && (receiver->kind == CODE_TEXT || receiver->kind == CODE_LIST))
		what = receiver;	/* "rm x".execute() */
	if (!what && args->len)
		what = &args->items[0];
	if (!what)
		return;
	/* several texts are the words of a command in perl and ruby */
	while (n < args->len && (args->items[n].kind == CODE_TEXT || args->items[n].kind == CODE_NUMBER) && !args->names[n])
		n++;
	if (n > 1 && s->language & (CODE_PERL | CODE_RUBY))
		code_emit_words(s, args->items, n);
	else
		code_emit_run(s, what);
	s->runs_unknown |= what->kind == CODE_NAME || what->kind == CODE_UNKNOWN;
	s->shells |= (what->kind == CODE_NAME || what->kind == CODE_UNKNOWN) && s->listens;
}

/* Gives what was opened when it is a URL. */
static struct code_value open_form(struct code_scan *s, const struct code_arguments *args)
{
	size_t first = s->language == CODE_PERL ? 1 : 0;
	const struct code_value *target = args->len > first ? &args->items[first] : NULL, *mode = args->len > first + 1 ? &args->items[first + 1] : NULL;
	char how = mode && is_text(mode) ? mode->text[0] : 'r';
	const struct code_value nothing = { .text = "", .origin = ORIGIN_FILE };
	const struct code_value open_name = { .kind = CODE_NAME, .text = OPENED, .len = strlen(OPENED) };
	struct code_value name;

	if (named_argument(args, "mode") && is_text(named_argument(args, "mode")))
		how = named_argument(args, "mode")->text[0];
	if (!target || !is_text(target) || !target->len)
		return nothing;
	name = *target;
	if (s->language == CODE_PERL && mode && is_text(target)) {	/* open(F, "-|", "cmd", …), open(F, ">", "file") */
		if (strstr(target->text, "-|") || strstr(target->text, "|-")) {
			s->pipes_to_shell |= target->text[0] == '|' && code_is_shell(mode);
			if (args->len == 3)
				code_emit(s, mode);
			else
				code_emit_words(s, mode, args->len - 2);
			return nothing;
		}
		how = target->text[0] == '>' ? target->text[1] == '>' ? 'a' : 'w' : 'r';
		name = *mode;
	} else if (s->language & (CODE_PERL | CODE_RUBY)) {
		size_t skip = strspn(name.text, " ");

		if (name.text[skip] == '|' || (s->language == CODE_PERL && name.text[name.len - 1] == '|')) {
			bool front = name.text[skip] == '|';
			struct code_value command;

			skip += front;
			skip += strspn(name.text + skip, " ");
			command = code_text(s, name.text + skip, name.len - skip - !front, name.known, name.origin);

			code_emit(s, &command);
			s->pipes_to_shell |= front && code_is_shell(&command);
			return nothing;
		}
		if (s->language == CODE_PERL && strchr("<>", name.text[skip]) && name.text[skip]) {
			how = name.text[skip] == '<' ? 'r' : name.text[skip + 1] == '>' ? 'a' : 'w';
			skip += strspn(name.text + skip, "<> ");
			name = code_text(s, name.text + skip, name.len - skip, name.known, name.origin);
		}
	}
	if (is_url(&name)) {
		code_emit_command(s, "curl -s", &name, 1, "");
		name.kind = CODE_FETCHED;
		return name;
	}
	if (how == 'r') {
		code_emit_command(s, "cat", &name, 1, "");
		return nothing;
	}
	/* what is written to it may come with .write() */
	code_emit_write(s, &name, NULL, how == 'a');
	return code_member(s, &open_name, name.text, name.len);
}

static struct code_value fetch_form(struct code_scan *s, const struct call_row *row, const struct code_arguments *args)
{
	struct code_value url = { .text = "" };

	for (size_t i = 0; i < args->len && i < 2; i++) {
		if (args->items[i].kind == CODE_FETCHED)	/* urlopen(Request(url)) */
			url = args->items[i];
		if (is_text(&args->items[i]) && (is_url(&args->items[i]) || i == 0)) {
			url = args->items[i];
			if (is_url(&url))
				break;
		}
	}
	if (!url.text[0])
		return (struct code_value){ .text = "", .origin = ORIGIN_NETWORK_OWN };
	if (!is_url(&url) && s->language == CODE_PHP) {
		code_emit_command(s, "cat", &url, 1, "");
		return (struct code_value){ .text = "", .origin = ORIGIN_FILE };
	}
	if (!strcmp(row->name, "urlretrieve") || !strcmp(row->name, "getstore")) {
		struct code_value words[2] = { args->len > 1 ? args->items[1] : url, url };

		code_emit_command(s, args->len > 1 ? "curl -s -o" : "curl -s -O", words, args->len > 1 ? 2 : 1, "");
		return (struct code_value){ .text = "" };
	}
	code_emit_command(s, "curl -s", &url, 1, "");
	url.kind = CODE_FETCHED;
	s->fetched = url;
	return url;
}

static struct code_value post_form(struct code_scan *s, const struct code_arguments *args)
{
	struct code_value words[2] = { { .text = "" }, { .text = "" } };
	const struct code_value *data = named_argument(args, "data");

	if (!args->len || !is_text(&args->items[0]))
		return words[0];
	if (!data)
		data = args->len > 1 ? &args->items[1] : NULL;
	words[0] = data ? code_to_text(s, data) : code_text(s, "${data}", 7, false, 0);
	words[1] = args->items[0];
	code_emit_command(s, "curl -s -d", words, 2, "");
	words[1].kind = CODE_FETCHED;
	return words[1];
}

/* `between` and `behind`: what print puts there; "?" a format that is not followed. */
static void print_form(struct code_scan *s, const char *how, const struct code_arguments *args)
{
	bool each = how[0] == '\n';

	if (!s->printed || s->quiet)
		return;
	s->printed_unknown |= how[0] == '?' || !args->len;
	for (size_t i = 0; i < args->len; i++) {
		struct code_value v = code_to_text(s, &args->items[i]);

		if (args->names[i]) {
			s->printed_unknown |= args->items[i].kind != CODE_TEXT;
			continue;
		}
		if (i && how[0])
			out_addch(s->printed, how[0]);
		out_add(s->printed, v.text, v.len);
		s->printed_unknown |= !v.known;
		s->printed_origin |= v.origin;
	}
	if (named_argument(args, "end") && is_text(named_argument(args, "end")))
		out_add(s->printed, named_argument(args, "end")->text, named_argument(args, "end")->len);
	else if (how[0] && (how[1] || each))
		out_addch(s->printed, '\n');
}

/* What print and printf of awk print: it may go into a pipe or a file. */
static struct code_value awk_printed(struct code_scan *s, const char *how, const struct code_arguments *args)
{
	struct code_value v = code_text(s, "", 0, true, 0), blank = code_text(s, " ", 1, true, 0);

	if (how[0] == '%' && args->len) {
		struct code_value rest = { .kind = CODE_LIST, .items = &args->items[1], .items_len = args->len - 1, .text = "" };

		v = is_text(&args->items[0]) ? code_format(s, &args->items[0], &rest) : code_to_text(s, &args->items[0]);
	}
	for (size_t i = 0; how[0] != '%' && i < args->len; i++) {
		if (i)
			v = code_concat(s, &v, &blank);
		v = code_concat(s, &v, &args->items[i]);
	}
	v.word = true;
	return v;
}

static void connect_form(struct code_scan *s, const struct code_arguments *args)
{
	struct code_value host = { .text = "" }, port = { .text = "" };
	const struct code_value *items = args->items;
	size_t n = args->len;

	for (size_t i = 0; i < args->len; i++) {
		if (args->items[i].kind != CODE_LIST)
			continue;
		n = args->items[i].items_len;
		items = args->items[i].items;
		break;
	}
	for (size_t i = 0; i < n && i < 8; i++) {
		if (items[i].kind == CODE_NUMBER && !port.kind)
			port = items[i];
		else if (is_text(&items[i]) && !host.kind && items[i].len && (memchr(items[i].text, '.', items[i].len) || i < 2))
			host = items[i];
		else if (is_text(&items[i]) && items[i].len && strspn(items[i].text, "0123456789") == items[i].len && !port.kind)
			port = items[i];
	}
	if (!s->connects || !s->host.kind) {
		if (host.kind)
			s->host = host;
		if (port.kind)
			s->port = port;
	}
	s->connects = true;
}

static struct code_value flat(const struct code_arguments *args, size_t i)
{
	static const struct code_value none = { .text = "" };

	return i < args->len ? args->items[i] : none;
}

static void exec_form(struct code_scan *s, const struct call_row *row, const struct code_arguments *args)
{
	size_t from = row->skip, n = args->len;
	const struct code_value *items = args->items;

	if (row->form == FORM_EXEC && n > from + 1 && items[from + 1].kind == CODE_LIST && items[from + 1].items_len)
		code_emit_words(s, &items[from + 1], 1);
	else if (row->form == FORM_EXEC && n > from && is_text(&items[from]))
		code_emit_words(s, &items[from], 1);
	else if (row->form == FORM_EXEC_WORDS && n > from + 1)
		code_emit_words(s, &items[from + 1], n - from - 1);
	else if (row->form == FORM_WORDS && n)
		code_emit_words(s, items, n > 1 && items[1].kind == CODE_LIST ? 2 : n > 1 && is_text(&items[1]) ? n : 1);
}

/* chmod(path, mode), and perl's chmod mode, path: the mode in octal */
static void mode_form(struct code_scan *s, const struct call_row *row, const struct code_arguments *args)
{
	struct code_value words[2] = { flat(args, 1), flat(args, 0) };
	size_t number = words[0].kind == CODE_NUMBER ? 0 : 1;

	if (args->len < 2)
		return;
	if (words[number].kind == CODE_NUMBER) {
		struct code_value path = words[!number];
		char octal[8] = { 0 };
		size_t at = sizeof(octal) - 1;
		unsigned long n = (unsigned long)words[number].number & 07777;

		do
			octal[--at] = (char)('0' + (n & 7));
		while ((n >>= 3) != 0);
		words[0] = code_text(s, octal + at, sizeof(octal) - 1 - at, true, 0);
		words[1] = path;
	}
	code_emit_command(s, row->command, words, 2, "");
}

static struct code_value indirect_form(struct code_scan *s, const struct code_arguments *args)
{
	struct code_arguments rest = { .len = args->len ? args->len - 1 : 0 };

	if (args->len < 2 || args->items[0].kind != CODE_TEXT || code_path_has(args->items[0].text, args->items[0].len, "array_map array_walk array_filter "
	    "call_user_func call_user_func_array send public_send __send__"))
		return (struct code_value){ .text = "" };
	for (size_t i = 0; i < rest.len; i++)
		rest.items[i] = args->items[i + 1];
	return code_call(s, args->items[0].text, args->items[0].len, NULL, &rest);
}

static struct code_value apply(struct code_scan *s, const struct call_row *row, const struct code_value *receiver, const struct code_arguments *args)
{
	struct code_value nothing = { .text = "", .origin = ORIGIN_COMMAND }, url;
	bool has_words = false;

	for (size_t i = 0; i < args->len; i++)
		has_words |= args->items[i].kind == CODE_TEXT || args->items[i].kind == CODE_LIST || args->items[i].kind == CODE_NAME;
	switch (row->form) {
	case FORM_RUN:
		run_form(s, receiver, args);
		break;
	case FORM_EXEC:
	case FORM_EXEC_WORDS:
	case FORM_WORDS:
		exec_form(s, row, args);
		break;
	case FORM_COMMAND:
		if (has_words)
			code_emit_command(s, row->command, args->items, args->len, "");
		else if (receiver && is_path(receiver))
			code_emit_command(s, row->command, receiver, 1, "");
		break;
	case FORM_FIRST:
		if (args->len && row->command[0] == ':')
			code_emit_write(s, &args->items[0], args->len > 1 ? &args->items[1] : NULL, row->command[3] == '>');
		else if (args->len && args->items[0].kind != CODE_NUMBER)
			code_emit_command(s, row->command, args->items, 1, "");
		else if (receiver && is_path(receiver))
			code_emit_command(s, row->command, receiver, 1, "");
		if (args->len && !strcmp(row->name, "walk"))	/* what is found there */
			return args->items[0];
		break;
	case FORM_SECOND:
		mode_form(s, row, args);
		break;
	case FORM_RECEIVER:
		if (receiver && is_path(receiver) && row->command[0] == ':')
			code_emit_write(s, receiver, args->len ? &args->items[0] : NULL, false);
		else if (receiver && (is_path(receiver) || receiver->kind == CODE_NAME))
			code_emit_command(s, row->command, receiver, 1, "");
		break;
	case FORM_OPEN:
		return open_form(s, args);
	case FORM_FETCH:
		return fetch_form(s, row, args);
	case FORM_POST:
		return post_form(s, args);
	case FORM_CODE:
		if (args->len && is_url(&args->items[0])) {	/* include "http://…" */
			url = args->items[0];
			url.kind = CODE_FETCHED;
			code_emit_code(s, &url);
		} else if (args->len) {
			code_emit_code(s, &args->items[word_in(row->name, strlen(row->name), "create_function Function") ? args->len - 1 : 0]);
		}
		break;
	case FORM_INDIRECT:
		return indirect_form(s, args);
	case FORM_PRINT:
		if (s->language == CODE_AWK)
			return awk_printed(s, row->command, args);
		for (size_t i = 0; s->pipes_to_shell && i < args->len; i++)
			if (is_text(&args->items[i]))
				code_emit(s, &args->items[i]);
		print_form(s, row->command, args);
		return nothing;
	case FORM_CONNECT:
		connect_form(s, args);
		break;
	case FORM_LISTEN:
		if (!s->listens)
			connect_form(s, args);
		s->listens = true;
		s->connects = false;
		break;
	case FORM_ADDRESS:
		return (struct code_value){ .kind = CODE_LIST, .items = memcpy(arena_alloc(s->arena, (args->len + 1) * sizeof(*args->items)), args->items,
					    args->len * sizeof(*args->items)), .items_len = args->len, .text = "" };
	case FORM_SHELL:
		break;
	}
	s->printed_unknown |= row->form == FORM_RUN;
	return nothing;
}

struct code_value code_call(struct code_scan *s, const char *path, size_t len, const struct code_value *receiver, const struct code_arguments *args)
{
	const struct call_row *row = code_find_call(s, path, len);
	const char *dot = memrchr(path, '.', len), *name = dot ? dot + 1 : path;
	struct code_value v;

	if (row && !(row->form == FORM_RECEIVER && !receiver))
		return apply(s, row, receiver, args);
	if (code_function(s, name, len - (size_t)(name - path), receiver, args, &v))
		return v;
	/* open("f", "w").write(x) */
	if (len > strlen(OPENED) + 7 && !memcmp(path, OPENED, strlen(OPENED)) && !memcmp(path + len - 6, ".write", 6)) {
		struct code_value file = code_text(s, path + strlen(OPENED) + 1, len - strlen(OPENED) - 7, true, 0);

		if (args->len)
			code_emit_write(s, &file, &args->items[0], false);
		return (struct code_value){ .text = "" };
	}
	/* Request(url), new URL(url), TCPSocket.new(host, port) */
	if (code_path_has(path, len, "TCPSocket Socket TCP"))
		connect_form(s, args);
	if (code_path_has(path, len, "Request URL URI HttpGet parse") && args->len && is_text(&args->items[0]))
		return args->items[0];
	return (struct code_value){ .text = "" };
}
