/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"

static void suggestions(void **state)
{
	static const char *const words[] = {
		"handlers", "metadata", "timeout", NULL, "save-logs", "type", "name", "require", "retry", "safety_mode",
	};
	static const struct {
		const char *word, *expected, *comment;
	} cases[] = {
		{ "handler", "handlers", "letter missing" },
		{ "hanlders", "handlers", "neighbours swapped count once" },
		{ "metdata", "metadata", "letter missing inside" },
		{ "timeuot", "timeout", "swapped" },
		{ "Timeout", "timeout", "case is ignored" },
		{ "save_logs", "save-logs", "- and _ are the same" },
		{ "safetymode", "safety_mode", "separator missing" },
		{ "tpye", "type", "short and swapped" },
		{ "nmae", "name", "short and swapped" },
		{ "requires", "require", "the nearer of require and retry" },
		{ "", NULL, "empty" },
		{ "t", NULL, "one letter says nothing" },
		{ "command", NULL, "unlike all" },
		{ "tmet", NULL, "more than a third differs" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL, "too long to compare" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = nearest(cases[i].word, words, ARRAY_SIZE(words));

		if ((found == NULL) != (cases[i].expected == NULL) || (found && strcmp(found, cases[i].expected)))
			fail_msg("%s: '%s' gave '%s'", cases[i].comment, cases[i].word, found ? found : "(none)");
	}
	assert_null(nearest("name", NULL, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(suggestions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
