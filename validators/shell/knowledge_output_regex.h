/* SPDX-License-Identifier: Apache-2.0
 * knowledge_output_regex: the plain part of POSIX regular expressions (characters, classes, . * + ? ^ $, groups that do not repeat), enough for the
 * sed and grep of everyday scripts. What it does not know it refuses; what takes too many steps ends as LIMIT. Private to knowledge_output*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_NODES 128
#define REGEX_GROUPS 10

struct regex_node {
	enum { NODE_CHAR, NODE_ANY, NODE_CLASS, NODE_START, NODE_END, NODE_OPEN, NODE_CLOSE } kind;
	unsigned char c;		/* the character, the number of the group, the index of the class */
	unsigned short min, max;	/* repeated; USHRT_MAX: any number of times */
};

struct regex {
	struct regex_node nodes[REGEX_NODES];
	size_t len;
	uint32_t classes[16][8];
	size_t classes_len;
	unsigned char groups;
	bool fold;
	size_t steps;		/* left for all matches */
};

struct regex_match {
	size_t start[REGEX_GROUPS], end[REGEX_GROUPS];	/* 0: the whole; up to regex.groups */
};

/* False: something in it is not known here. `extended`: as with -E. */
bool regex_compile(struct regex *re, const char *pattern, size_t len, bool extended, bool fold);
/* 1 found, 0 not, -1 too many steps. */
int regex_search(struct regex *re, const char *text, size_t len, size_t from, struct regex_match *ret);
