/* SPDX-License-Identifier: Apache-2.0
 * Commands that print words they are given, the environment, secrets and dumps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

static bool word_out(struct output_call *c, const struct shell_value *v, size_t from, size_t len)
{
	struct text_out out = out_init(c->arena, len + 1);

	out_add(&out, v->text + from, len);
	out_addch(&out, '\n');
	return output_text(c, &out, v->known, v->origin);
}

static bool run_basename(struct output_call *c)
{
	const struct shell_value *v = output_operand(c, 0), *suffix = output_operand(c, 1);
	size_t len, from;

	if (!v)
		return false;
	for (len = v->len; len > 1 && v->text[len - 1] == '/'; len--)
		;
	for (from = len; from > 0 && v->text[from - 1] != '/'; from--)
		;
	if (from == len && len)
		from = len - 1;
	if (suffix && suffix->len < len - from && !memcmp(v->text + len - suffix->len, suffix->text, suffix->len))
		len -= suffix->len;
	return word_out(c, v, from, len - from);
}

static bool run_dirname(struct output_call *c)
{
	static const struct shell_value here = { .text = ".", .len = 1, .known = true, .origin = ORIGIN_LITERAL };
	const struct shell_value *v = output_operand(c, 0);
	size_t len;

	if (!v)
		return false;
	for (len = v->len; len > 1 && v->text[len - 1] == '/'; len--)
		;
	while (len > 0 && v->text[len - 1] != '/')
		len--;
	if (!len)
		return word_out(c, &here, 0, 1);
	while (len > 1 && v->text[len - 1] == '/')
		len--;
	return word_out(c, v, 0, len);
}

static bool run_realpath(struct output_call *c)
{
	const struct shell_value *v = output_operand(c, c->program->words ? 1 : 0);
	struct shell_value path;

	if (c->program->words)	/* readlink prints another path than its own but with -f, -e, -m */
		v = c->argc == 3 && c->argv[1].text[0] == '-' ? &c->argv[2] : NULL;
	if (!v || !v->len || v->text[0] != '/')
		return false;
	path = *v;
	path.text = knowledge_path(c->arena, NULL, v->text, v->len, &path.len);
	return word_out(c, &path, 0, path.len);
}

/* which rm, type -p rm, command -v rm: the name stands for the program */
static bool run_which(struct output_call *c)
{
	const struct shell_value *v = output_operand(c, 0);
	bool asked = !c->program->words;

	for (size_t i = 1; i < c->argc && !asked; i++)
		asked = word_in(c->argv[i].text, c->argv[i].len, c->program->words);
	return asked && v ? word_out(c, v, 0, v->len) : false;
}

#define NUMBER_TEXT 24

/* What printf() makes of "%lld", which took most of the time: a sequence may have ten thousand numbers. */
static size_t number_text(long long n, char *to)
{
	unsigned long long left = n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n;
	char digits[NUMBER_TEXT];
	size_t i = NUMBER_TEXT, len = 0;

	do
		digits[--i] = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		to[len++] = '-';
	while (i < NUMBER_TEXT)
		to[len++] = digits[i++];
	return len;
}

/* The decimal text of a number becomes that of the one `step` (1 to 9) further. */
static size_t count_on(char *text, size_t len, char step)
{
	size_t i = len - 1;

	text[i] = (char)(text[i] + step);
	if (text[i] <= '9')
		return len;
	text[i] = (char)(text[i] - 10);
	while (i && text[i - 1] == '9')
		text[--i] = '0';
	if (i) {
		text[i - 1]++;
		return len;
	}
	memmove(text + 1, text, len);
	text[0] = '1';
	return len + 1;
}

static void add_sequence(struct text_out *out, const long long numbers[3], const char *separator, size_t separator_len)
{
	const long long step = numbers[1];
	const bool counts = step > 0 && step < 10;
	char chunk[1024], text[NUMBER_TEXT + 1] = "";
	size_t n = 0, len = number_text(numbers[0], text);

	for (long long i = numbers[0]; (step > 0 ? i <= numbers[2] : i >= numbers[2]) && !out->cut; i += step) {
		if (i != numbers[0]) {
			len = counts && i >= step ? count_on(text, len, (char)step) : number_text(i, text);
			if (separator_len == 1) {
				chunk[n++] = *separator;
			} else {
				out_add(out, chunk, n);
				out_add(out, separator, separator_len);
				n = 0;
			}
		}
		memcpy(chunk + n, text, NUMBER_TEXT);	/* a fixed length is one move */
		n += len;
		if (n > sizeof(chunk) - NUMBER_TEXT - 1) {
			out_add(out, chunk, n);
			n = 0;
		}
	}
	out_add(out, chunk, n);
}

static bool run_seq(struct output_call *c)
{
	struct text_out out = out_init(c->arena, 64);
	const char *separator = "\n";
	long long numbers[3] = { 1, 1, 1 };
	unsigned int origin = 0;
	size_t n = 0, first = 1;

	if (c->argc > 2 && value_is(&c->argv[1], "-s")) {
		separator = c->argv[2].text;
		first = 3;
	}
	for (size_t i = first; i < c->argc; i++) {
		char *end;

		if (n == 3 || !c->argv[i].known || !c->argv[i].len)
			return false;
		numbers[n++] = strtoll(c->argv[i].text, &end, 10);
		origin |= c->argv[i].origin;
		if (*end)
			return false;
	}
	if (!n)
		return false;
	if (n == 1)
		numbers[2] = numbers[0];
	if (n == 2)
		numbers[2] = numbers[1];
	if (n < 3)
		numbers[1] = 1;
	if (n == 1)
		numbers[0] = 1;
	if (!numbers[1] || llabs(numbers[0]) > INT32_MAX || llabs(numbers[2]) > INT32_MAX || llabs(numbers[1]) > INT32_MAX)
		return false;
	add_sequence(&out, numbers, separator, strlen(separator));
	if (out.len)
		out_addch(&out, '\n');
	return output_text(c, &out, true, origin);
}

static bool run_expr(struct output_call *c)
{
	const struct shell_value *a = c->argv;
	long long x, y;
	char text[24];
	struct shell_value v;

	for (size_t i = 1; i < c->argc; i++)
		if (!a[i].known)
			return output_unknown(c, a[i].origin | ORIGIN_ASSEMBLED);
	if (c->argc == 5 && value_is(&a[1], "substr")) {
		size_t from = strtoul(a[3].text, NULL, 10), n = strtoul(a[4].text, NULL, 10);

		from = from && from <= a[2].len ? from - 1 : a[2].len;
		n = n < a[2].len - from ? n : a[2].len - from;
		if (!word_out(c, &a[2], from, n))
			return false;
		c->ret->origin |= ORIGIN_ASSEMBLED;
		return true;
	}
	if (c->argc == 2)
		return word_out(c, &a[1], 0, a[1].len);
	if (c->argc != 4 || a[2].len != 1 || !strchr("+-*/%", a[2].text[0]))
		return false;
	x = strtol(a[1].text, NULL, 10) % INT32_MAX;
	y = strtol(a[3].text, NULL, 10) % INT32_MAX;
	if (!y && strchr("/%", a[2].text[0]))
		return false;
	x = a[2].text[0] == '+' ? x + y : a[2].text[0] == '-' ? x - y : a[2].text[0] == '*' ? x * y : a[2].text[0] == '/' ? x / y : x % y;
	v = (struct shell_value){ .text = text, .len = (size_t)snprintf(text, sizeof(text), "%lld", x), .known = true, .origin = a[1].origin | a[3].origin };
	return word_out(c, &v, 0, v.len);
}

#define YES_LINES 16	/* of endlessly many: enough for head */

static bool run_yes(struct output_call *c)
{
	static const struct shell_value y = { .text = "y", .len = 1, .known = true, .origin = ORIGIN_LITERAL };
	struct shell_value line = c->argc > 1 ? value_join(c->arena, c->argv, 1, c->argc - 1) : y;
	struct text_out out = out_init(c->arena, (line.len + 1) * 2);

	for (int i = 0; i < YES_LINES && !out.cut; i++) {
		out_add(&out, line.text, line.len);
		out_addch(&out, '\n');
	}
	return output_text(c, &out, line.known, line.origin);
}

/* ---- the environment */
static bool run_env(struct output_call *c)
{
	struct wrapper w;

	if (knowledge_wrapper(c->arena, c->argv, c->argc, 0, &w))
		return false;
	return output_unknown(c, ORIGIN_ENVIRONMENT);
}

static bool run_printenv(struct output_call *c)
{
	const struct shell_value *name = output_operand(c, 0);
	struct text_out out;

	if (!name)
		return output_unknown(c, ORIGIN_ENVIRONMENT);
	out = out_init(c->arena, name->len + 8);
	out_addstr(&out, "${");
	out_add(&out, name->text, name->len);
	out_addstr(&out, "}");
	return output_text(c, &out, false, name->known ? knowledge_variable_origin(name->text) : ORIGIN_INPUT);
}

/* set alone, export -p, declare -p: with other words they print nothing */
static bool run_set(struct output_call *c)
{
	if (c->argc == 1 || (c->argc == 2 && c->program->words && word_in(c->argv[1].text, c->argv[1].len, c->program->words)))
		return output_unknown(c, ORIGIN_ENVIRONMENT);
	return false;
}

/* ---- programs that print secrets or data when certain words are among their arguments: "kv get|read" ("secret*" is a beginning) */
static bool has_word(struct output_call *c, const char *word, size_t len)
{
	for (size_t i = 1; i < c->argc; i++) {
		const struct shell_value *v = &c->argv[i];

		if (word[len - 1] == '*' ? v->len >= len - 1 && !memcmp(v->text, word, len - 1) : v->len == len && !memcmp(v->text, word, len))
			return true;
	}
	return false;
}

static bool run_words(struct output_call *c)
{
	for (const char *p = c->program->words; *p; p += *p == '|') {
		bool all = true;

		while (*p && *p != '|') {
			size_t n = strcspn(p, " |");

			all &= !n || has_word(c, p, n);
			p += n + (p[n] == ' ');
		}
		if (all)
			return output_unknown(c, c->program->origin);
	}
	return false;
}

/* Dumps of data: also of the files among the operands */
static bool run_dump(struct output_call *c)
{
	unsigned int origin = c->program->origin;

	for (size_t i = 1; i < c->argc; i++)
		if (c->argv[i].text[0] == '/' || c->argv[i].text[0] == '~')
			origin |= knowledge_file_origin(c->argv[i].text, c->argv[i].len);
	return output_unknown(c, origin);
}

#define SECRET(program, alternatives) { .name = program, .run = run_words, .words = alternatives, .origin = ORIGIN_SECRET }
#define FROM_CLOUD(program, alternatives) { .name = program, .run = run_words, .words = alternatives, .origin = ORIGIN_NETWORK_OWN }
#define DUMP(program) { .name = program, .run = run_dump, .origin = ORIGIN_FILE }

const struct output_program output_others[] = {
	SECRET("aws", "secretsmanager get-secret-value|ssm get-parameter --with-decryption|ssm get-parameters --with-decryption|ssm get-parameters-by-path|"
	       "sts assume-role*|sts get-session-token|sts get-federation-token|ecr get-login*|configure get|configure export-credentials|eks get-token|"
	       "rds generate-db-auth-token|iam create-access-key|codeartifact get-authorization-token|kms decrypt"),
	SECRET("az", "account get-access-token|keyvault secret show|keyvault secret download|storage account keys list|acr credential show|aks get-credentials|"
	       "cosmosdb keys list|ad sp create-for-rbac"),
	{ .name = "basename", .run = run_basename, .options = { .values = "s", .long_values = "suffix" } },
	SECRET("bw", "get|list items|export"),
	SECRET("chamber", "read|export|env"),
	{ .name = "command", .run = run_which, .words = "-v -pv -vp" },
	SECRET("conjur", "variable get|variable value"),
	DUMP("cpio"),
	{ .name = "declare", .run = run_set, .words = "-p -x -xp -px" },
	{ .name = "dirname", .run = run_dirname },
	SECRET("docker", "secret inspect|config inspect"),
	SECRET("doppler", "secrets*|configs tokens*"),
	{ .name = "echo", .run = output_echo },
	{ .name = "env", .run = run_env },
	{ .name = "export", .run = run_set, .words = "-p" },
	{ .name = "expr", .run = run_expr },
	{ .name = "false", .run = output_nothing },
	SECRET("gcloud", "auth print-access-token|auth print-identity-token|auth application-default print-access-token|secrets versions access"),
	SECRET("getent", "shadow|gshadow"),
	SECRET("gh", "auth token|auth status --show-token|auth status -t"),
	{ .name = "git", .run = run_words, .words = "show|cat-file|archive|diff|log|grep|credential fill", .origin = ORIGIN_FILE },
	SECRET("gopass", "show|cat"),
	SECRET("heroku", "auth:token|config|config:get"),
	SECRET("keyctl", "print|pipe|read"),
	SECRET("kubeadm", "token"),
	SECRET("kubectl", "get secret* -o*|get secret* --output*|get secret* --template*|config view --raw|create token|get -o* secret*|view-secret"),
	SECRET("lpass", "show|export"),
	FROM_CLOUD("mc", "cat|head"),
	DUMP("mongodump"),
	DUMP("mysqldump"),
	SECRET("nomad", "var get"),
	SECRET("oc", "whoami -t|whoami --show-token|get secret* -o*|get secret* --output*|config view --raw|create token|extract secret*"),
	SECRET("op", "read|item get|get item|document get"),
	SECRET("pass", "show|*"),
	DUMP("pg_dump"),
	DUMP("pg_dumpall"),
	SECRET("podman", "secret inspect"),
	{ .name = "printenv", .run = run_printenv },
	{ .name = "printf", .run = output_printf },
	FROM_CLOUD("rclone", "cat"),
	{ .name = "readlink", .run = run_realpath, .words = "-f -e -m" },
	{ .name = "realpath", .run = run_realpath },
	FROM_CLOUD("s3cmd", "get -|cat"),
	SECRET("secret-tool", "lookup|search"),
	SECRET("security", "find-generic-password|find-internet-password|dump-keychain|export"),
	{ .name = "seq", .run = run_seq },
	{ .name = "set", .run = run_set },
	SECRET("sops", "-d|--decrypt|decrypt"),
	{ .name = "sqlite3", .run = run_words, .words = ".dump|.dump*", .origin = ORIGIN_FILE },
	{ .name = "true", .run = output_nothing },
	{ .name = "type", .run = run_which, .words = "-p -P -fp -fP" },
	{ .name = "typeset", .run = run_set, .words = "-p -x" },
	{ .name = "unzip", .run = run_words, .words = "-p|-c|-qp|-pq|-qc", .origin = ORIGIN_FILE | ORIGIN_DECODED },
	SECRET("vault", "read|kv get|print token|token create|write auth*"),
	{ .name = "which", .run = run_which },
	{ .name = "yes", .run = run_yes },
	{ .name = "zip", .run = run_words, .words = "-", .origin = ORIGIN_FILE },
};
const size_t output_others_len = ARRAY_SIZE(output_others);
