/* SPDX-License-Identifier: Apache-2.0
 * observation_text: what a step was seen to do, for eyes: a few indented lines after its own. */
#pragma once

#include "runner/base/redact.h"
#include "runner/observation.h"

struct observation_style {
	const struct redactor *redactor;
	bool color;
	size_t most;		/* lines of each kind; what more there is is counted. 0: all */
	bool processes, usage;	/* programs started; resources with spark lines */
};
void observation_print(const struct observation *o, const struct observation_style *style, struct strbuf *out);

/* "memory ▁▂▅█ at most 12Mi" and the like, of what is known; nothing for a few points, which are no course. `things` are what pids counts. */
void usage_course_print(const struct usage_series *s, const char *things, bool color, struct strbuf *out);
/* "cpu 1.2, memory 120Mi, 5 processes" of the last look; nothing when nothing is known. */
void usage_now_print(const struct usage_series *s, struct strbuf *out);
