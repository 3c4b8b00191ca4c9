/* SPDX-License-Identifier: Apache-2.0
 * argument_mask: what is hidden in the arguments of programs, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/argument_mask.h"
#include "runner/base/mem.h"

static void table(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "ls -la /tmp", "ls -la /tmp" },
		{ "mysql --password=hunter22 -u root", "mysql --password=*** -u root" },
		{ "mysql --password hunter22 -u root", "mysql --password *** -u root" },
		{ "mysql '--password=hunter22'", "mysql '--password=***'" },
		{ "env DB_PASSWORD=hunter22 app", "env DB_PASSWORD=*** app" },
		{ "curl -H 'Authorization: Bearer abc.def' https://h", "curl -H 'Authorization: Bearer ***' https://h" },
		{ "curl -H 'X-Api-Key: abc'", "curl -H 'X-Api-Key: ***'" },
		{ "curl https://u:p4ss@example.org/x", "curl https://u:***@example.org/x" },
		{ "curl https://u@example.org/x:y", "curl https://u@example.org/x:y" },
		{ "curl http://[::1]:80/a@b", "curl http://[::1]:80/a@b" },
		{ "git clone https://ghp_abcdefghijklmnop1234@github.com/a/b", "git clone https://***@github.com/a/b" },
		{ "aws configure set aws_secret_access_key abc", "aws configure set aws_secret_access_key abc" },
		{ "x --token $TOKEN", "x --token $TOKEN" },
		{ "x --token --verbose", "x --token --verbose" },
		{ "vault login hvs.CAESIJ1234567890abcdef", "vault login ***" },
		{ "echo AKIAIOSFODNN7EXAMPLE", "echo ***" },
		{ "echo AKIA short", "echo AKIA short" },
		{ "cat /run/secrets/token", "cat /run/secrets/token" },
		{ "grep password /etc/app.conf", "grep password /etc/app.conf" },
		{ "curl 'https://h/?token=abc&x=1'", "curl 'https://h/?token=***&x=1'" },
		{ "python -c 'print({\"password\": \"abc\"})'", "python -c 'print({\"password\": \"***\"})'" },
		{ "", "" }, { "password=", "password=" }, { "://:@", "://:@" }, { "--password", "--password" }, { "eyJ", "eyJ" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

		argument_mask(cases[i].text, strlen(cases[i].text), &out);
		assert_string_equal(out.buf ? out.buf : "", cases[i].want);
	}
}

/* Time is linear in the text, whatever it is. */
static void long_text(void **state)
{
	static const char *const units[] = { "password", "://", "a:", "--token ", "'\"", "AKIA", "=", "-" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), out = STRBUF_INIT(STRBUF_NO_MAX);

		while (text.len < 4096)
			strbuf_addstr(&text, units[i]);
		argument_mask(text.buf, text.len, &out);
		assert_true(out.len <= text.len + 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(long_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
