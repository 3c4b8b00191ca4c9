/* SPDX-License-Identifier: Apache-2.0
 * knowledge_path and knowledge_is_dry */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "validators/shell/knowledge.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void normalises(void **state)
{
	static const struct {
		const char *cwd, *path, *want;
	} rows[] = {
		{ NULL, "/", "/" }, { NULL, "//", "/" }, { NULL, "///etc//x/", "/etc/x" }, { NULL, "/./etc/./x/.", "/etc/x" }, { NULL, "/etc/../usr", "/usr" },
		{ NULL, "/..", "/" }, { NULL, "/../../etc", "/etc" }, { NULL, "/home/..", "/" }, { NULL, "/a/b/../../c", "/c" }, { NULL, "/a/...", "/a/..." },
		{ NULL, "", "." }, { NULL, ".", "." }, { NULL, "./", "." }, { NULL, "a", "a" }, { NULL, "./a/", "a" }, { NULL, "a/..", "." }, { NULL, "..", ".." },
		{ NULL, "../..", "../.." }, { NULL, "../a/../..", "../.." }, { NULL, "a/../..", ".." }, { NULL, "*", "*" }, { NULL, "/etc/*", "/etc/*" },
		{ "/w", "a", "/w/a" }, { "/w", ".", "/w" }, { "/w", "..", "/" }, { "/w/x", "../y", "/w/y" }, { "/w", "../../..", "/" }, { "/", "etc", "/etc" },
		{ "/", "*", "/*" }, { "/w", "/etc", "/etc" }, { "/w/", "./a", "/w/a" }, { "/w", "", "/w" }, { "a/b", "..", "a" }, { "..", "..", "../.." },
		{ "~", "x", "~/x" }, { "~", "..", "~/.." }, { "~/a", "..", "~" }, { "/w", "~", "~" }, { "/w", "~/x/", "~/x" }, { NULL, "~/..", "~/.." }, { NULL, "~x/y", "/home/x/y" }, { NULL, "~root", "/root" }, { NULL, "~root/x", "/root/x" }, { NULL, "~/../..", "/" }, { NULL, "~/../../*", "/*" }, { NULL, "~/../../../x", "/x" }, { NULL, "~+", "~+" }, { NULL, "~/../..x", "~/../..x" },
		{ "/w", "${X}/y", "${X}/y" }, { NULL, "${X}/", "${X}/" }, { NULL, "${X}//.", "${X}" }, { NULL, "${X}/a/", "${X}/a" }, { NULL, "${X}/../", "${X}/.." }, { NULL, "a/${X}/", "a/${X}" }, { NULL, "${X}/..", "${X}/.." }, { NULL, "/a/${X}/../b", "/a/${X}/../b" },
		{ NULL, "/a/${X}/b/../c", "/a/${X}/c" }, { NULL, "$(cat /a//b/../c)/x/../y", "$(cat /a//b/../c)/y" }, { NULL, "/x/$(a//b/y", "/x/$(a/b/y" },
		{ NULL, "/x/${a/../b}/..", "/x/${a/../b}/.." }, { "${X}", "..", "${X}/.." }, { "${X}", "y", "${X}/y" }, { "/w", "{}", "/w/{}" }, { NULL, "/a*/../b", "/b" },
		{ "/w", "-x", "/w/-x" }, { NULL, "/a/b/", "/a/b" }, { NULL, "/a//../b", "/b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		size_t len;
		const char *s = knowledge_path(&arena, rows[i].cwd, rows[i].path, strlen(rows[i].path), &len);

		if (strcmp(s, rows[i].want) || len != strlen(s))
			fail_msg("'%s' in '%s': '%s', not '%s'", rows[i].path, rows[i].cwd ? rows[i].cwd : "", s, rows[i].want);
	}
}

static void is_linear(void **state)
{
	static const char *const units[] = { "/", "../", "a/", "$(/", "${", "a/../", "~/", ")}" };
	const size_t len = (size_t)1 << 20;
	char *path = malloc(len + 1);

	(void)state;
	assert_non_null(path);
	path[len] = '\0';
	for (size_t u = 0; u < COUNT(units); u++) {
		autoarena struct arena arena = ARENA_INIT;
		size_t out;

		for (size_t i = 0; i < len; i++)
			path[i] = units[u][i % strlen(units[u])];
		knowledge_path(&arena, "/w", path, len, &out);
		assert_true(out <= len + 3);
	}
	free(path);
}

/* Whatever is done once must not change when it is done again. */
static void is_stable(void **state)
{
	static const char letters[] = "/.a~$(){*";
	unsigned int seed = 1;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		autoarena struct arena arena = ARENA_INIT;
		char path[24];
		size_t len = 0, once, twice;

		for (; len < sizeof(path) - 1; len++) {
			seed = seed * 1103515245 + 12345;
			path[len] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		path[len] = 0;
		const char *a = knowledge_path(&arena, NULL, path, len, &once);
		const char *b = knowledge_path(&arena, NULL, a, once, &twice);

		if (strchr(path, '(') || strchr(path, '{'))
			continue;	/* a "$(" that never ends reads differently once its slashes are gone */
		if (strcmp(a, b))
			fail_msg("'%s': '%s', then '%s'", path, a, b);
	}
}

static void knows_what_is_dry(void **state)
{
	static const struct {
		const char *line;
		bool dry;
	} rows[] = {
		{ "rm -rf / --help", true }, { "rm --version", true }, { "rm -rf /", false }, { "rm -rf -- --help", false }, { "rm", false },
		{ "kubectl delete ns x --dry-run=client", true }, { "kubectl exec p rm --help", false }, { "kubectl exec p -- rm --help", false }, { "kubectl --dry-run=client delete x", true }, { "helm install x --dry-run", true },
		{ "terraform plan", true }, { "terraform destroy", false }, { "terraform -chdir=x plan", true }, { "make -n install", true }, { "make install -n", true },
		{ "make -fn.mk", false }, { "make -C nn", false }, { "make --recon", true }, { "rsync -avn a b", true }, { "rsync -a --dry-run a b", true },
		{ "rsync -e -n a b", false }, { "rsync --exclude --dry-run a b", false }, { "rsync -a a b", false }, { "git clean -fdxn", true }, { "git clean -fdx --dry-run", true },
		{ "git clean -fdx", false }, { "git commit -n", false }, { "git log -n 5", false }, { "git -C x clean -n", true }, { "apt-get -s install x", true },
		{ "apt-get install x", false }, { "sudo rm --help", false }, { "sudo --help", true }, { "sh -c x --help", false }, { "sh -n x.sh", true }, { "bash --version", true },
		{ "bash x.sh --help", false }, { "bash -s -- --help", false }, { "python3 x.py --dry-run", false }, { "python3 --version", true }, { "ssh host rm --help", false },
		{ "docker run x --help", false }, { "docker --version", true }, { "xargs rm --help", false }, { "find / -delete --help", true }, { "sed -n p f", false },
		{ "head -n 5 f", false }, { "echo --help", false }, { "curl -d --help https://x", false }, { "mkfs.ext4 -n /dev/sda", true }, { "mkfs.ext4 -L n /dev/sda", false },
		{ "logrotate -d x", true }, { "logrotate -f x", false }, { "nginx -t", true }, { "rename -n s/a/b/ x", true }, { "aws s3 rm s3://x --dryrun", true },
		{ "lvremove --test x", true }, { "x --dry-run=none", false }, { "x --dry-run=false", false }, { "/usr/bin/make -n", true }, { "/tmp/x --help", false }, { "./x --version", false }, { "/usr/local/bin/x --help", false }, { "eval rm --help", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		struct shell_value argv[16];
		size_t argc = 0;

		for (const char *s = rows[i].line; *s; argc++) {
			size_t len = strcspn(s, " ");

			argv[argc] = (struct shell_value){ .text = arena_strndup(&arena, s, len), .len = len, .known = true };
			s += len + (s[len] == ' ');
		}
		if (knowledge_is_dry(&arena, argv, argc) != rows[i].dry)
			fail_msg("'%s' is %sdry", rows[i].line, rows[i].dry ? "not " : "");
	}
	assert_false(knowledge_is_dry(NULL, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalises), cmocka_unit_test(is_linear), cmocka_unit_test(is_stable), cmocka_unit_test(knows_what_is_dry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
