/* SPDX-License-Identifier: Apache-2.0
 * How often: a token bucket for each name or address, in a table that does not grow. */
#include "cmd/serve/auth_private.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define RATE_SETS 1024
#define RATE_WAYS 4

struct bucket {
	uint64_t key;		/* 0: free */
	uint64_t at_ns;		/* when `left` was right */
	double left;
};
struct rate_table {
	unsigned char secret[16];	/* nobody can choose addresses that meet in one set */
	struct bucket sets[RATE_SETS][RATE_WAYS];
};

struct rate_table *rate_table_new(void)
{
	struct rate_table *t = xcalloc(1, sizeof(*t));

	if (getrandom(t->secret, sizeof(t->secret), 0) != (ssize_t)sizeof(t->secret))
		abort();	/* cannot fail for so little */
	return t;
}

void rate_table_free(struct rate_table *t)
{
	free(t);
}

static uint64_t key_of(const struct rate_table *t, const char *text)
{
	unsigned char digest[DIGEST_SIZE];
	struct sha256 sha;
	uint64_t key;

	sha256_begin(&sha);
	sha256_add(&sha, t->secret, sizeof(t->secret));
	sha256_add(&sha, text, strlen(text));
	sha256_end(&sha, digest);
	memcpy(&key, digest, sizeof(key));
	return key ? key : 1;
}

/* Its bucket, or that of whoever has been away for the longest. */
static struct bucket *bucket_of(struct rate_table *t, uint64_t key, const struct rate_limit *limit, uint64_t now_ns)
{
	struct bucket *set = t->sets[key % RATE_SETS], *oldest = set;

	for (size_t i = 0; i < RATE_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].at_ns < oldest->at_ns)
			oldest = &set[i];
	}
	*oldest = (struct bucket){ .key = key, .at_ns = now_ns, .left = limit->burst };
	return oldest;
}

uint64_t rate_table_take(struct rate_table *t, const char *key, const struct rate_limit *limit, uint64_t now_ns)
{
	struct bucket *b = bucket_of(t, key_of(t, key), limit, now_ns);
	double burst = limit->burst >= 1 ? limit->burst : 1;

	if (now_ns > b->at_ns)
		b->left += (double)(now_ns - b->at_ns) / (double)NS_PER_SEC * limit->per_second;
	b->at_ns = now_ns;
	if (b->left > burst)
		b->left = burst;
	if (b->left >= 1) {
		b->left -= 1;
		return 0;
	}
	return (uint64_t)((1 - b->left) / limit->per_second * (double)NS_PER_SEC) + 1;
}
