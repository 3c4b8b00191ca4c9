/* SPDX-License-Identifier: Apache-2.0
 * exec_order: a piece of code that somebody wants run, as JSON says it:
 *
 *	{"language": "python", "code": "print(1)", "stdin": "", "files": {"a/b.txt": "text"}, "timeout": "10s", "cpu_limit": "500m", "mem_limit": "256Mi"}
 *
 * Checked by whoever takes it from a client, and again by the process that runs it.
 */
#pragma once

#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/json.h"
#include "sandboxes/sandbox.h"

struct exec_language {
	const char *name;		/* as an order says it */
	const char *program;		/* looked up in the sandbox's PATH */
	const char *argument;		/* before the file: "run"; NULL */
	const char *file;		/* what the code is called in the work folder */
	const char *package;		/* that has it, for people */
};
const struct exec_language *exec_language_at(size_t i);		/* NULL past the last */
const struct exec_language *exec_language_find(const char *name);	/* NULL: unknown */

enum { EXEC_FILES_MAX = 256 };
#define EXEC_TIMEOUT_NS UINT64_C(30000000000)
#define EXEC_TIMEOUT_MAX_NS UINT64_C(300000000000)

struct exec_order {		/* texts are borrowed from the JSON */
	const struct exec_language *language;
	const char *code, *input;
	size_t code_len, input_len;
	const json_t *files;	/* object of texts; NULL: none */
	uint64_t timeout_ns;
	uint64_t memory_bytes, cpu_millis;	/* 0: as usual */
};
/* ERR_INVALID_INPUT: a sentence that names the member. */
int exec_order_parse(const json_t *json, struct exec_order *ret, struct error *err);

/* What holds for a piece of code that asks for nothing, and with what an order asks for. */
void exec_limits(uint64_t memory_bytes, uint64_t cpu_millis, struct sandbox_limits *ret);
