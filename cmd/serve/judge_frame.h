/* SPDX-License-Identifier: Apache-2.0
 * judge_frame: what goes between judge.c and its workers: a head, then its parts one behind the other. Both ends are the same program on the same host, so
 * numbers are as the host has them; a head is checked all the same, because the worker that wrote it has read a hostile package. Private to judge*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/strbuf.h"

/* parts of a question and of an answer */
enum { QUESTION_NAME, QUESTION_BYTES, QUESTION_SOURCE, QUESTION_FORMAT };
enum { ANSWER_FACTS, ANSWER_REPORT, ANSWER_CONTENT };
#define FRAME_PARTS 4
#define ANSWER_BYTES_MAX ((size_t)32 << 20)

enum frame_flags {
	FRAME_CONTENT = 1 << 0,		/* of a question: the package is wanted, too */
	FRAME_FAILURE = 1 << 1,		/* of an answer: the first part is a sentence, there is no other */
};

struct frame_head {
	uint32_t magic;
	uint32_t flags;
	int32_t status;			/* of an answer */
	uint32_t len[FRAME_PARTS];
};

struct frame_part { const char *data; size_t len; };	/* data NULL: not there, told apart from an empty one by nobody */

void frame_write(struct strbuf *out, unsigned int flags, int status, const struct frame_part parts[FRAME_PARTS]);
/* Is it one, of at most `max` bytes of parts? */
bool frame_head_is_good(const struct frame_head *h, size_t max);
size_t frame_len(const struct frame_head *h);		/* of all parts */
/* The parts of a complete frame's body. */
void frame_parts(const struct frame_head *h, const char *body, struct frame_part ret[FRAME_PARTS]);
