/* SPDX-License-Identifier: Apache-2.0
 * Where interpreters, database clients and editors are given their code. One row per program; the names are sorted (the unit test checks it). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge.h"
#include "validators/shell/knowledge_decode.h"
#include "validators/shell/knowledge_option.h"
#include "validators/shell/knowledge_programs.h"

enum code_flags {
	CODE_ENDS_OPTIONS = 1 << 0,	/* what follows the code are its arguments: python -c */
	CODE_FIRST_OPERAND = 1 << 1,	/* awk PROGRAM */
	CODE_SECOND_OPERAND = 1 << 2,	/* sqlite3 DB TEXT */
	CODE_OPERANDS = 1 << 3,		/* redis-cli WORDS */
	CODE_INPUT = 1 << 4,		/* standard input, when nothing else is given */
	CODE_DATA_OPERANDS = 1 << 5,	/* operands are no script: psql DB, vim FILE */
	CODE_SUBCOMMAND = 1 << 6,	/* the first operand says what to do: deno eval, bun -e */
	CODE_POWERSHELL = 1 << 7,	/* options in any case and shortened */
	CODE_PLUS = 1 << 8,		/* vim +COMMAND */
};

struct interpreter_row {
	const char *name;
	const char *language;
	struct option_spec options;
	const char *code_letters, *code_names;
	const char *file_letters, *file_names;
	const char *operand_letters, *operand_names;	/* with these the first operand is code: node -p */
	const char *nothing_letters, *nothing_names;	/* with these no code is run that could be seen: python -m, --version */
	unsigned int flags;
};

#define SCRIPT (CODE_INPUT)
#define PERL { .values = "eEMmI", .glued = "iFCDx" }
#define NODE { .values = "erC", .long_values = "eval print require import loader experimental-loader input-type conditions env-file" }
#define AWK { .values = "FvfeEilb", .long_values = "field-separator assign file source exec include load" }
#define PYTHON { .values = "cmWXQ", .long_values = "check-hash-based-pycs" }
#define MYSQL { .values = "eDhPSu", .glued = "p", .long_values = "execute database host port user socket defaults-file defaults-extra-file init-command ssl-ca protocol" }
#define VIM { .values = "cSuUiTtwW", .long_values = "cmd startuptime remote servername", .plus = true }

static const struct interpreter_row rows[] = {
	{ "R", "r", { .values = "ef", .long_values = "file" }, .code_letters = "e", .file_letters = "f", .file_names = "file", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "Rscript", "r", { .values = "e" }, .code_letters = "e", .flags = SCRIPT },
	{ "awk", "awk", AWK, .code_letters = "e", .code_names = "source", .file_letters = "fE", .file_names = "file exec", .flags = CODE_FIRST_OPERAND },
	{ "bun", "node", NODE, .code_letters = "ep", .code_names = "eval print", .flags = CODE_SUBCOMMAND },
	{ "clickhouse-client", "sql", { .values = "qhud", .long_values = "query host port user password database queries-file" }, .code_letters = "q",
	  .code_names = "query", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "cockroach", "sql", { .values = "ed", .long_values = "execute url host database user" }, .code_letters = "e", .code_names = "execute",
	  .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "cqlsh", "sql", { .values = "efukp", .long_values = "execute file username password keyspace" }, .code_letters = "e", .code_names = "execute",
	  .file_letters = "f", .file_names = "file", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "crystal", "ruby", { 0 }, .flags = CODE_SUBCOMMAND },
	{ "dc", "dc", { .values = "ef", .long_values = "expression file" }, .code_letters = "e", .code_names = "expression", .file_letters = "f", .flags = SCRIPT },
	{ "deno", "node", { .values = "Lrc", .long_values = "ext config import-map" }, .flags = CODE_SUBCOMMAND },
	{ "duckdb", "sql", { .values = "csf", .single_dash = true, .long_values = "c cmd s init f separator" }, .code_names = "c cmd s", .file_names = "f init",
	  .flags = SCRIPT | CODE_SECOND_OPERAND },
	{ "ed", "vi", { .values = "p", .long_values = "prompt" }, .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "elixir", "elixir", { .values = "erS", .long_values = "eval" }, .code_letters = "e", .code_names = "eval", .flags = SCRIPT },
	{ "emacs", "elisp", { .values = "lfQ", .long_values = "eval load script execute funcall" }, .code_names = "eval execute", .file_letters = "l",
	  .file_names = "load script", .flags = CODE_DATA_OPERANDS },
	{ "ex", "vi", VIM, .code_letters = "c", .code_names = "cmd", .flags = SCRIPT | CODE_DATA_OPERANDS | CODE_PLUS },
	{ "expect", "tcl", { .values = "cf" }, .code_letters = "c", .file_letters = "f", .flags = SCRIPT },
	{ "gawk", "awk", AWK, .code_letters = "e", .code_names = "source", .file_letters = "fE", .file_names = "file exec", .flags = CODE_FIRST_OPERAND },
	{ "gdb", "gdb", { .single_dash = true, .long_values = "ex eval-command iex init-eval-command x command p pid core c cd" },
	  .code_names = "ex eval-command iex init-eval-command", .file_names = "x command", .flags = CODE_DATA_OPERANDS | CODE_INPUT },
	{ "gmake", "make", { .values = "fCIojlW", .long_values = "file makefile directory eval" }, .code_names = "eval", .file_letters = "f",
	  .file_names = "file makefile", .flags = CODE_DATA_OPERANDS },
	{ "groovy", "groovy", { .values = "eicp", .long_values = "classpath" }, .code_letters = "e", .flags = SCRIPT },
	{ "guile", "scheme", { .values = "cLlsx" }, .code_letters = "c", .file_letters = "ls", .flags = SCRIPT | CODE_ENDS_OPTIONS },
	{ "ipython", "python", PYTHON, .code_letters = "c", .nothing_letters = "m", .flags = SCRIPT | CODE_ENDS_OPTIONS },
	{ "irb", "ruby", PERL, .code_letters = "e", .flags = SCRIPT },
	{ "jruby", "ruby", PERL, .code_letters = "e", .flags = SCRIPT },
	{ "jshell", "java", { 0 }, .flags = SCRIPT },
	{ "julia", "julia", { .values = "eELp", .long_values = "eval print" }, .code_letters = "eE", .code_names = "eval print", .flags = SCRIPT },
	{ "lua", "lua", { .values = "el" }, .code_letters = "e", .flags = SCRIPT },
	{ "luajit", "lua", { .values = "elj" }, .code_letters = "e", .flags = SCRIPT },
	{ "make", "make", { .values = "fCIojlW", .long_values = "file makefile directory eval" }, .code_names = "eval", .file_letters = "f",
	  .file_names = "file makefile", .flags = CODE_DATA_OPERANDS },
	{ "mariadb", "sql", MYSQL, .code_letters = "e", .code_names = "execute init-command", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "mawk", "awk", AWK, .code_letters = "e", .file_letters = "f", .file_names = "file exec", .flags = CODE_FIRST_OPERAND },
	{ "mongo", "mongo", { .values = "uph", .long_values = "eval file username password host port authenticationDatabase" }, .code_names = "eval",
	  .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "mongosh", "mongo", { .values = "uphf", .long_values = "eval file username password host port authenticationDatabase" }, .code_names = "eval",
	  .file_letters = "f", .file_names = "file", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "mysql", "sql", MYSQL, .code_letters = "e", .code_names = "execute init-command", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "nawk", "awk", AWK, .file_letters = "f", .flags = CODE_FIRST_OPERAND },
	{ "node", "node", NODE, .code_letters = "e", .code_names = "eval print", .operand_letters = "p", .flags = SCRIPT },
	{ "nodejs", "node", NODE, .code_letters = "e", .code_names = "eval print", .operand_letters = "p", .flags = SCRIPT },
	{ "nvim", "vi", VIM, .code_letters = "c", .code_names = "cmd", .file_letters = "S", .flags = CODE_DATA_OPERANDS | CODE_PLUS },
	{ "original-awk", "awk", AWK, .file_letters = "f", .flags = CODE_FIRST_OPERAND },
	{ "osascript", "applescript", { .values = "els" }, .code_letters = "e", .flags = SCRIPT },
	{ "perl", "perl", PERL, .code_letters = "eE", .nothing_letters = "v", .flags = SCRIPT },
	{ "php", "php", { .values = "rfBREcdzStF", .long_values = "run file process-code process-begin process-end php-ini define" }, .code_letters = "rBRE",
	  .code_names = "run process-code process-begin process-end", .file_letters = "fF", .file_names = "file", .nothing_letters = "SvilmM", .flags = SCRIPT },
	{ "powershell", "powershell", { .single_dash = true }, .flags = CODE_POWERSHELL | SCRIPT },
	{ "psql", "sql", { .values = "cdfvoFPRTULhp", .long_values = "command dbname file set variable output field-separator pset host port username log-file" },
	  .code_letters = "c", .code_names = "command", .file_letters = "f", .file_names = "file", .nothing_letters = "lV", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "pwsh", "powershell", { .single_dash = true }, .flags = CODE_POWERSHELL | SCRIPT },
	{ "pypy", "python", PYTHON, .code_letters = "c", .nothing_letters = "mV", .flags = SCRIPT | CODE_ENDS_OPTIONS },
	{ "python", "python", PYTHON, .code_letters = "c", .nothing_letters = "mV", .nothing_names = "version help", .flags = SCRIPT | CODE_ENDS_OPTIONS },
	{ "qjs", "node", NODE, .code_letters = "e", .code_names = "eval", .flags = SCRIPT },
	{ "racket", "scheme", { .values = "efrlt", .long_values = "eval load require" }, .code_letters = "e", .code_names = "eval", .file_letters = "frt", .flags = SCRIPT },
	{ "redis-cli", "redis", { .values = "hpsanurixdDt", .long_values = "user pass uri sni cacert cert key eval" }, .nothing_names = "version help scan bigkeys stat",
	  .flags = CODE_OPERANDS | CODE_INPUT },
	{ "ruby", "ruby", { .values = "eIrC", .glued = "iFKWTxE" }, .code_letters = "e", .nothing_letters = "v", .flags = SCRIPT },
	{ "scala", "scala", { .values = "e" }, .code_letters = "e", .flags = SCRIPT },
	{ "sqlcmd", "sql", { .values = "QqSUPdi" }, .code_letters = "Qq", .file_letters = "i", .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "sqlite", "sql", { .single_dash = true, .long_values = "cmd init separator nullvalue newline mmap vfs" }, .code_names = "cmd", .file_names = "init",
	  .flags = SCRIPT | CODE_SECOND_OPERAND },
	{ "sqlplus", "sql", { .values = "MR" }, .flags = SCRIPT | CODE_DATA_OPERANDS },
	{ "tclsh", "tcl", { .values = "e", .long_values = "encoding" }, .flags = SCRIPT },
	{ "valkey-cli", "redis", { .values = "hpsanurixdDt", .long_values = "user pass uri sni cacert cert key eval" }, .nothing_names = "version help scan bigkeys stat",
	  .flags = CODE_OPERANDS | CODE_INPUT },
	{ "vi", "vi", VIM, .code_letters = "c", .code_names = "cmd", .file_letters = "S", .flags = CODE_DATA_OPERANDS | CODE_PLUS },
	{ "view", "vi", VIM, .code_letters = "c", .code_names = "cmd", .file_letters = "S", .flags = CODE_DATA_OPERANDS | CODE_PLUS },
	{ "vim", "vi", VIM, .code_letters = "c", .code_names = "cmd", .file_letters = "S", .flags = CODE_DATA_OPERANDS | CODE_PLUS },
	{ "wish", "tcl", { 0 }, .flags = SCRIPT },
};

static const struct interpreter_row *find_row(const char *name, size_t len)
{
	size_t low = 0, high = ARRAY_SIZE(rows);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = word_order(name, len, rows[mid].name);

		if (!order)
			return &rows[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct interpreter_row *interpreter_at(size_t i, const char **name)
{
	if (i >= ARRAY_SIZE(rows))
		return NULL;
	*name = rows[i].name;
	return &rows[i];
}

/* "python3.11", "lua5.4", "sqlite3" are known by their letters. */
const struct interpreter_row *interpreter_find(const struct shell_value *argv0)
{
	size_t len;
	const char *name = value_base_name(argv0, &len);
	const struct interpreter_row *row = len ? find_row(name, len) : NULL;

	while (!row && len && (isdigit((unsigned char)name[len - 1]) || name[len - 1] == '.' || name[len - 1] == '-')) {
		while (len && (isdigit((unsigned char)name[len - 1]) || name[len - 1] == '.' || name[len - 1] == '-'))
			len--;
		row = len ? find_row(name, len) : NULL;
	}
	return row;
}

static bool starts_with_fold(const struct shell_value *v, const char *whole, size_t least)
{
	return v->len >= least + 1 && v->len <= strlen(whole) + 1 && !strncasecmp(v->text + 1, whole, v->len - 1);
}

/* pwsh [-NoProfile …] -Command WORDS…, -EncodedCommand BASE64, -File FILE, FILE */
static void read_powershell(struct arena *arena, const struct shell_value *argv, size_t argc, struct interpreter *ret)
{
	static const char *const with_value[] = { "executionpolicy", "windowstyle", "inputformat", "outputformat", "configurationname", "workingdirectory", "version" };

	for (size_t i = 1; i < argc; i++) {
		const struct shell_value *v = &argv[i];

		if (v->len < 2 || (v->text[0] != '-' && v->text[0] != '/')) {
			ret->file = i;
			return;
		}
		if (i + 1 >= argc)
			return;
		if (starts_with_fold(v, "encodedcommand", 1) || starts_with_fold(v, "ec", 2)) {
			struct text_out bytes = out_init(arena, argv[i + 1].len), text = out_init(arena, argv[i + 1].len);

			ret->code = argv[i + 1];
			ret->code.origin |= ORIGIN_DECODED;
			if (!ret->code.known || !decode_base64(&bytes, argv[i + 1].text, argv[i + 1].len))
				return;
			decode_utf16le(&text, bytes.text, bytes.len);
			ret->code.text = out_text(&text, &ret->code.len);
			return;
		}
		if (starts_with_fold(v, "command", 1) || starts_with_fold(v, "commandwithargs", 8)) {
			ret->code = value_join(arena, argv, i + 1, argc - 1);
			return;
		}
		if (starts_with_fold(v, "file", 1)) {
			ret->file = i + 1;
			return;
		}
		for (size_t k = 0; k < ARRAY_SIZE(with_value); k++)
			if (starts_with_fold(v, with_value[k], 2) || (v->len == 3 && !strcasecmp(v->text + 1, "ep"))) {
				i++;
				break;
			}
	}
}

static bool is_input(const struct shell_value *v)
{
	return value_is(v, "-") || value_is(v, "/dev/stdin") || value_is(v, "/dev/fd/0") || value_is(v, "/proc/self/fd/0");
}

struct code_reading {
	struct arena *arena;
	struct text_out all;	/* of several pieces; the first alone is not copied */
	const struct interpreter_row *row;
	struct interpreter *ret;
	size_t operands;
	bool has_code, nothing, first_operand, file_is_input;
};

static void add_code(struct code_reading *r, const struct shell_value *more)
{
	struct shell_value *code = &r->ret->code;

	if (!r->has_code) {
		*code = *more;
		code->origin |= code->len ? 0 : ORIGIN_LITERAL;
		r->has_code = true;
		return;
	}
	if (!r->all.text) {
		r->all = out_init(r->arena, code->len + more->len + 1);
		out_add(&r->all, code->text, code->len);
	}
	/* the words of a command of redis stand on one line */
	out_addch(&r->all, r->row->flags & CODE_OPERANDS ? ' ' : '\n');
	out_add(&r->all, more->text, more->len);
	code->known &= more->known && !r->all.cut;
	code->origin |= more->origin;
}

static void take_file(struct code_reading *r, size_t index, const struct shell_value *v)
{
	if (is_input(v))
		r->file_is_input = true;
	else if (!r->ret->file)
		r->ret->file = index;
}

static void take_operand(struct code_reading *r, const struct option *o)
{
	const struct interpreter_row *row = r->row;
	size_t n = r->operands++;

	if (row->flags & CODE_SUBCOMMAND) {	/* deno eval CODE, deno run FILE */
		if (n == 0) {
			r->nothing = !word_in(o->value.text, o->value.len, "eval run exec");
			r->first_operand = value_is(&o->value, "eval");
		} else if (n == 1 && r->first_operand) {
			add_code(r, &o->value);
		} else if (n == 1 && !r->nothing) {
			take_file(r, o->index, &o->value);
		}
		return;
	}
	if ((row->flags & CODE_PLUS) && o->value.len > 1 && o->value.text[0] == '+')
		return;
	if (row->flags & CODE_OPERANDS || ((row->flags & CODE_SECOND_OPERAND) && n >= 1) ||
	    (n == 0 && !r->has_code && !r->ret->file && (r->first_operand || (row->flags & CODE_FIRST_OPERAND)))) {
		add_code(r, &o->value);
		return;
	}
	if (n == 0 && !r->has_code && !(row->flags & (CODE_DATA_OPERANDS | CODE_SECOND_OPERAND)))
		take_file(r, o->index, &o->value);
}

static void read_options(struct code_reading *r, const struct shell_value *argv, size_t argc)
{
	const struct interpreter_row *row = r->row;
	struct option_walk walk = { .spec = &row->options, .argv = argv, .argc = argc, .next = 1 };
	struct option o;

	while (option_next(&walk, &o)) {
		if ((row->flags & CODE_PLUS) && argv[o.index].text[0] == '+') {	/* vim +COMMAND */
			struct shell_value command = argv[o.index];

			command.text++;
			command.len--;
			walk.letter = 0;
			walk.next = o.index + 1;
			add_code(r, &command);
			continue;
		}
		if (o.operand) {
			take_operand(r, &o);
			/* what follows a script are its arguments */
			if (!(row->flags & (CODE_DATA_OPERANDS | CODE_OPERANDS | CODE_SECOND_OPERAND | CODE_SUBCOMMAND)))
				return;
			continue;
		}
		r->nothing |= option_in(&o, row->nothing_letters, row->nothing_names);
		r->first_operand |= option_in(&o, row->operand_letters, row->operand_names);
		if (o.has_value && option_in(&o, row->code_letters, row->code_names)) {
			add_code(r, &o.value);
			if (row->flags & CODE_ENDS_OPTIONS)
				return;
		} else if (o.has_value && option_in(&o, row->file_letters, row->file_names)) {
			take_file(r, o.value_index ? o.value_index : o.index, &o.value);
		}
		if (r->nothing && (row->flags & CODE_ENDS_OPTIONS))
			return;
	}
}

bool knowledge_interpreter_by(struct arena *arena, const struct interpreter_row *row, const struct shell_value *argv, size_t argc,
			      const struct shell_value *input, struct interpreter *ret)
{
	struct code_reading r = { .arena = arena, .row = row, .ret = ret };

	*ret = (struct interpreter){ .language = row ? row->language : NULL, .code = { .text = "" } };
	if (!row)
		return false;
	if (row->flags & CODE_POWERSHELL) {
		read_powershell(arena, argv, argc, ret);
		r.has_code = ret->code.origin || ret->code.len;
		if (ret->file && is_input(&argv[ret->file]))
			ret->file = 0;
		if (value_is(&ret->code, "-"))
			r.has_code = false;
	} else {
		read_options(&r, argv, argc);
	}
	if (r.all.text)
		ret->code.text = out_text(&r.all, &ret->code.len);
	if (r.has_code)		/* what can be seen goes before a file that cannot: psql -c TEXT -f FILE */
		ret->file = 0;
	if (input && !r.has_code && !r.nothing && !ret->file && (r.file_is_input || (row->flags & CODE_INPUT)))
		ret->code = *input;
	return true;
}

bool knowledge_interpreter(struct arena *arena, const struct shell_value *argv, size_t argc, const struct shell_value *input,
			   struct interpreter *ret)
{
	return knowledge_interpreter_by(arena, argc ? interpreter_find(&argv[0]) : NULL, argv, argc, input, ret);
}
