/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/judge_frame.h"

#define FRAME_MAGIC 0x6a756467u

void frame_write(struct strbuf *out, unsigned int flags, int status, const struct frame_part parts[FRAME_PARTS])
{
	struct frame_head h = { .magic = FRAME_MAGIC, .flags = flags, .status = status };

	for (int i = 0; i < FRAME_PARTS; i++)
		h.len[i] = (uint32_t)parts[i].len;
	strbuf_add(out, &h, sizeof(h));
	for (int i = 0; i < FRAME_PARTS; i++)
		strbuf_add(out, parts[i].data, parts[i].len);
}

size_t frame_len(const struct frame_head *h)
{
	size_t len = 0;

	for (int i = 0; i < FRAME_PARTS; i++)
		len += h->len[i];
	return len;
}

bool frame_head_is_good(const struct frame_head *h, size_t max)
{
	return h->magic == FRAME_MAGIC && frame_len(h) <= max;
}

void frame_parts(const struct frame_head *h, const char *body, struct frame_part ret[FRAME_PARTS])
{
	for (int i = 0; i < FRAME_PARTS; i++) {
		ret[i] = (struct frame_part){ body, h->len[i] };
		body += h->len[i];
	}
}
