/* SPDX-License-Identifier: Apache-2.0
 * The functions that run commands, touch files or fetch. One row a name and language; the names are sorted. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_embedded.h"
#include "validators/shell/knowledge_option.h"

#define PY CODE_PYTHON
#define PL CODE_PERL
#define RB CODE_RUBY
#define JS CODE_NODE
#define PHP CODE_PHP
#define LUA CODE_LUA
#define ANY CODE_ANY

static const struct call_row rows[] = {
	{ "Command", RB | CODE_OTHER, .form = FORM_RUN },
	{ "DownloadString", ANY, .form = FORM_FETCH },
	{ "Function", JS, .form = FORM_CODE },
	{ "INET", PL, FORM_CONNECT, .module = "Socket" },
	{ "Popen", PY, .form = FORM_RUN },
	{ "__send__", RB, .form = FORM_INDIRECT },
	{ "accept", ANY, .form = FORM_LISTEN },
	{ "appendFileSync", JS, FORM_FIRST, .command = ": >>" },
	{ "array_filter", PHP, .form = FORM_INDIRECT },
	{ "array_map", PHP, .form = FORM_INDIRECT },
	{ "array_walk", PHP, .form = FORM_INDIRECT },
	{ "assert", PHP, .form = FORM_CODE },
	{ "bind", ANY, .form = FORM_LISTEN },
	{ "call", PY, FORM_RUN, .module = "subprocess" },
	{ "call_user_func", PHP, .form = FORM_INDIRECT },
	{ "call_user_func_array", PHP, .form = FORM_INDIRECT },
	{ "capture2", RB, .form = FORM_RUN },
	{ "capture2e", RB, .form = FORM_RUN },
	{ "capture3", RB, .form = FORM_RUN },
	{ "check_call", PY, .form = FORM_RUN },
	{ "check_output", PY, .form = FORM_RUN },
	{ "chmod", PY | JS | PHP | RB | PL, FORM_SECOND, .command = "chmod", .bare = true },
	{ "chmodSync", JS, FORM_SECOND, .command = "chmod" },
	{ "chown", PY | JS | PHP | RB, FORM_FIRST, .command = "chown root" },
	{ "chroot", PY | PHP | RB | PL, FORM_FIRST, .command = "chroot" },
	{ "connect", ANY, .form = FORM_CONNECT },
	{ "copy", PY | PHP, FORM_COMMAND, .command = "cp", .module = "shutil copy" },
	{ "copyFileSync", JS, FORM_COMMAND, .command = "cp" },
	{ "copyfile", PY, FORM_COMMAND, .command = "cp" },
	{ "copytree", PY, FORM_COMMAND, .command = "cp -r" },
	{ "cp", RB, FORM_COMMAND, .command = "cp", .module = "FileUtils", .bare = true },
	{ "createReadStream", JS, FORM_FIRST, .command = "cat" },
	{ "createWriteStream", JS, FORM_FIRST, .command = ": >" },
	{ "create_connection", ANY, .form = FORM_CONNECT },
	{ "create_function", PHP, .form = FORM_CODE },
	{ "create_subprocess_exec", PY, .form = FORM_WORDS },
	{ "create_subprocess_shell", PY, .form = FORM_RUN },
	{ "delete", RB, FORM_COMMAND, .command = "rm", .module = "File Dir" },
	{ "dup2", ANY, .form = FORM_SHELL },
	{ "echo", PHP, FORM_PRINT, .command = "", .bare = true },
	{ "eval", ANY, FORM_CODE, .bare = true },
	{ "exec", PL | RB, FORM_RUN, .bare = true },
	{ "exec", JS | PHP | CODE_GROOVY | CODE_OTHER, .form = FORM_RUN },
	{ "exec", PY, FORM_CODE, .bare = true },
	{ "execFile", JS, .form = FORM_WORDS },
	{ "execFileSync", JS, .form = FORM_WORDS },
	{ "execSync", JS, .form = FORM_RUN },
	{ "execfile", PY, FORM_FIRST, .command = "python3" },
	{ "execl", ANY, .form = FORM_EXEC_WORDS },
	{ "execle", ANY, .form = FORM_EXEC_WORDS },
	{ "execlp", ANY, .form = FORM_EXEC_WORDS },
	{ "execlpe", ANY, .form = FORM_EXEC_WORDS },
	{ "execute", LUA, FORM_RUN, .module = "os", .bare = true },
	{ "execute", CODE_GROOVY, .form = FORM_RUN },
	{ "execv", ANY, .form = FORM_EXEC },
	{ "execve", ANY, .form = FORM_EXEC },
	{ "execvp", ANY, .form = FORM_EXEC },
	{ "execvpe", ANY, .form = FORM_EXEC },
	{ "fetch", JS, .form = FORM_FETCH },
	{ "file_get_contents", PHP, .form = FORM_FETCH },
	{ "file_put_contents", PHP, FORM_FIRST, .command = ": >" },
	{ "fopen", PHP, .form = FORM_OPEN },
	{ "foreach", RB, FORM_FIRST, .command = "cat", .module = "File IO" },
	{ "fsockopen", PHP, .form = FORM_CONNECT },
	{ "get", PY | JS | PL | RB, FORM_FETCH, .module = "requests httpx urllib3 session https http axios got Simple HTTP ua LWP client" },
	{ "get", PL, FORM_FETCH, .bare = true },
	{ "getoutput", PY, .form = FORM_RUN },
	{ "getprint", PL, FORM_FETCH, .bare = true },
	{ "getstatusoutput", PY, .form = FORM_RUN },
	{ "getstore", PL, FORM_FETCH, .bare = true },
	{ "include", PHP, FORM_CODE, .bare = true },
	{ "include_once", PHP, FORM_CODE, .bare = true },
	{ "instance_eval", RB, FORM_CODE, .bare = true },
	{ "lchown", PY, FORM_FIRST, .command = "chown root" },
	{ "link", PY, FORM_COMMAND, .command = "ln", .module = "os" },
	{ "listen", JS | PY, .form = FORM_LISTEN },
	{ "load", LUA, .form = FORM_CODE },
	{ "loadstring", LUA, .form = FORM_CODE },
	{ "log", JS, FORM_PRINT, .command = " \n", .module = "console" },
	{ "move", PY, FORM_COMMAND, .command = "mv", .module = "shutil" },
	{ "mv", RB, FORM_COMMAND, .command = "mv", .module = "FileUtils", .bare = true },
	{ "open", PY | RB | PL | LUA, FORM_OPEN, .bare = true },
	{ "openSync", JS, .form = FORM_OPEN },
	{ "p", RB, FORM_PRINT, .command = "\n", .bare = true },
	{ "passthru", PHP, .form = FORM_RUN },
	{ "pcntl_exec", PHP, .form = FORM_WORDS },
	{ "pfsockopen", PHP, .form = FORM_CONNECT },
	{ "pipeline", RB, .form = FORM_RUN },
	{ "popen", ANY, FORM_RUN, .bare = true },
	{ "popen2", ANY, .form = FORM_RUN },
	{ "popen2e", RB, .form = FORM_RUN },
	{ "popen3", ANY, .form = FORM_RUN },
	{ "popen4", ANY, .form = FORM_RUN },
	{ "posix_spawn", PY, .form = FORM_EXEC },
	{ "posix_spawnp", PY, .form = FORM_EXEC },
	{ "post", PY | JS | RB | PL, FORM_POST, .module = "requests httpx session axios got HTTP http https client ua" },
	{ "post_form", RB, .form = FORM_POST },
	{ "print", PL | RB | PHP, FORM_PRINT, .command = "", .bare = true },
	{ "print", PY, FORM_PRINT, .command = " \n", .bare = true },
	{ "print", LUA, FORM_PRINT, .command = "\t\n" },
	{ "print", CODE_AWK, FORM_PRINT, .command = " \n", .bare = true },
	{ "printf", PL | RB | PHP, FORM_PRINT, .command = "?", .bare = true },
	{ "printf", CODE_AWK, FORM_PRINT, .command = "%", .bare = true },
	{ "proc_open", PHP, .form = FORM_RUN },
	{ "public_send", RB, .form = FORM_INDIRECT },
	{ "put", PY | JS, FORM_POST, .module = "requests httpx session axios" },
	{ "puts", RB, FORM_PRINT, .command = "\n\n", .bare = true },
	{ "read", RB, FORM_FIRST, .command = "cat", .module = "File IO" },
	{ "readFile", JS, FORM_FIRST, .command = "cat" },
	{ "readFileSync", JS, FORM_FIRST, .command = "cat" },
	{ "readTextFile", JS, FORM_FIRST, .command = "cat" },
	{ "readTextFileSync", JS, FORM_FIRST, .command = "cat" },
	{ "read_bytes", PY, FORM_RECEIVER, .command = "cat" },
	{ "read_text", PY, FORM_RECEIVER, .command = "cat" },
	{ "readfile", PHP, .form = FORM_FETCH },
	{ "readlines", RB, FORM_FIRST, .command = "cat", .module = "File IO" },
	{ "remove", PY, FORM_COMMAND, .command = "rm", .module = "os" },
	{ "remove", LUA, FORM_COMMAND, .command = "rm", .module = "os" },
	{ "remove", JS, FORM_FIRST, .command = "rm -rf", .module = "Deno fs" },
	{ "removeSync", JS, FORM_FIRST, .command = "rm -rf" },
	{ "remove_dir", RB, FORM_COMMAND, .command = "rm -r" },
	{ "remove_entry_secure", RB, FORM_COMMAND, .command = "rm -rf" },
	{ "remove_tree", PL, FORM_COMMAND, .command = "rm -rf", .bare = true },
	{ "removedirs", PY, FORM_FIRST, .command = "rmdir -p" },
	{ "rename", PY | JS | PHP | RB | LUA | PL, FORM_COMMAND, .command = "mv", .module = "os fs File rename" },
	{ "renameSync", JS, FORM_COMMAND, .command = "mv" },
	{ "request", PY | JS, FORM_FETCH, .module = "https http axios requests urllib3" },
	{ "require_once", PHP, FORM_CODE, .bare = true },
	{ "rimraf", JS, FORM_COMMAND, .command = "rm -rf" },
	{ "rimrafSync", JS, FORM_COMMAND, .command = "rm -rf" },
	{ "rm", JS, FORM_FIRST, .command = "rm -rf", .module = "fs promises fsp" },
	{ "rm", RB, FORM_COMMAND, .command = "rm", .module = "FileUtils", .bare = true },
	{ "rmSync", JS, FORM_FIRST, .command = "rm -rf" },
	{ "rm_f", RB, FORM_COMMAND, .command = "rm -f", .bare = true },
	{ "rm_r", RB, FORM_COMMAND, .command = "rm -r", .bare = true },
	{ "rm_rf", RB, FORM_COMMAND, .command = "rm -rf", .bare = true },
	{ "rmdir", ANY, FORM_FIRST, .command = "rmdir", .bare = true },
	{ "rmdirSync", JS, FORM_FIRST, .command = "rm -r" },
	{ "rmtree", PY | PL | RB, FORM_FIRST, .command = "rm -rf", .bare = true },
	{ "run", PY, FORM_RUN, .module = "subprocess sh" },
	{ "run", CODE_JULIA, .form = FORM_RUN },
	{ "runInContext", JS, .form = FORM_CODE },
	{ "runInNewContext", JS, .form = FORM_CODE },
	{ "runInThisContext", JS, .form = FORM_CODE },
	{ "safe_unlink", RB, FORM_COMMAND, .command = "rm -f" },
	{ "say", PL, FORM_PRINT, .command = "\n", .bare = true },
	{ "send", RB, .form = FORM_INDIRECT },
	{ "setgid", PY | PL | PHP | RB, FORM_SHELL, .command = "setgid" },
	{ "setuid", PY | PL | PHP | RB, FORM_SHELL, .command = "setuid" },
	{ "sh", CODE_GROOVY, FORM_RUN, .bare = true },
	{ "shell_exec", PHP, .form = FORM_RUN },
	{ "sockaddr_in", PL | RB, .form = FORM_ADDRESS },
	{ "spawn", PY, FORM_RUN, .module = "pty pexpect" },
	{ "spawn", RB, FORM_RUN, .bare = true },
	{ "spawn", JS, .form = FORM_WORDS },
	{ "spawnSync", JS, .form = FORM_WORDS },
	{ "spawnl", PY, FORM_EXEC_WORDS, .skip = 1 },
	{ "spawnle", PY, FORM_EXEC_WORDS, .skip = 1 },
	{ "spawnlp", PY, FORM_EXEC_WORDS, .skip = 1 },
	{ "spawnv", PY, FORM_EXEC, .skip = 1 },
	{ "spawnve", PY, FORM_EXEC, .skip = 1 },
	{ "spawnvp", PY, FORM_EXEC, .skip = 1 },
	{ "spawnvpe", PY, FORM_EXEC, .skip = 1 },
	{ "startfile", PY, FORM_RUN, .module = "os" },
	{ "stream_socket_client", PHP, .form = FORM_CONNECT },
	{ "symlink", ANY, FORM_COMMAND, .command = "ln -s" },
	{ "syscall", PL, .form = FORM_SHELL },
	{ "sysopen", PL, .form = FORM_OPEN },
	{ "system", ANY, FORM_RUN, .bare = true },
	{ "system2", CODE_R, .form = FORM_WORDS },
	{ "truncate", ANY, FORM_FIRST, .command = "truncate -s 0" },
	{ "truncateSync", JS, FORM_FIRST, .command = "truncate -s 0" },
	{ "unlink", CODE_R, FORM_FIRST, .command = "rm -rf" },
	{ "unlink", ANY, FORM_COMMAND, .command = "rm", .bare = true },
	{ "unlinkSync", JS, FORM_FIRST, .command = "rm" },
	{ "urlopen", PY, .form = FORM_FETCH },
	{ "urlretrieve", PY, .form = FORM_FETCH },
	{ "walk", PY | LUA, FORM_FIRST, .command = "ls -R" },
	{ "write", RB, FORM_FIRST, .command = ": >", .module = "File IO" },
	{ "write", PY, FORM_PRINT, .command = "", .module = "stdout" },
	{ "write", JS, FORM_PRINT, .command = "", .module = "stdout" },
	{ "write", LUA, FORM_PRINT, .command = "", .module = "io" },
	{ "writeFile", JS, FORM_FIRST, .command = ": >" },
	{ "writeFileSync", JS, FORM_FIRST, .command = ": >" },
	{ "write_bytes", PY, FORM_RECEIVER, .command = ": >" },
	{ "write_text", PY, FORM_RECEIVER, .command = ": >" },
};

static size_t find_first(const char *name, size_t len)
{
	size_t low = 0, high = ARRAY_SIZE(rows);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (word_order(name, len, rows[mid].name) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Is one of the words a part of the path before its last name? */
bool code_path_has(const char *path, size_t len, const char *words)
{
	size_t at = 0;

	while (at < len) {
		size_t part = 0;

		while (at + part < len && !strchr("./:", path[at + part]))	/* fs/promises, node:fs */
			part++;

		if (word_in(path + at, part, words))
			return true;
		at += part + 1;
	}
	return false;
}

const struct call_row *code_find_call(const struct code_scan *s, const char *path, size_t path_len)
{
	const char *dot = memrchr(path, '.', path_len), *name = dot ? dot + 1 : path;
	size_t len = path_len - (size_t)(name - path);

	for (size_t i = find_first(name, len); i < ARRAY_SIZE(rows) && !word_order(name, len, rows[i].name); i++) {
		if (!(rows[i].languages & s->language))
			continue;
		if (!rows[i].module || code_path_has(path, path_len, rows[i].module))
			return &rows[i];
	}
	return NULL;
}

bool code_calls_bare(const struct code_scan *s, const char *path, size_t len)
{
	const struct call_row *row;

	if (!(s->language & (CODE_PERL | CODE_RUBY | CODE_PHP | CODE_PYTHON | CODE_AWK | CODE_LUA | CODE_GROOVY)))
		return false;
	row = code_find_call(s, path, len);
	if (row)
		return row->bare && !(s->language == CODE_PYTHON && row->form != FORM_PRINT && row->form != FORM_CODE) &&
		       !(s->language == CODE_LUA && row->form != FORM_RUN);
	return s->language & (CODE_PERL | CODE_RUBY) &&
	       word_in(path, len, "join map reverse glob decode_base64 pack unpack uc lc chr require split");
}
