/* SPDX-License-Identifier: Apache-2.0
 * Frames of guest_init, raw or in an engine's frames, in pieces of any size: never out of bounds, never more than was sent, and cut up
 * differently the same frames come out. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandboxes/guest_wire.h"

struct outcome {
	uint64_t frames, bytes, sum;
	bool refused;
};

static struct outcome read_all(const uint8_t *data, size_t size, size_t step, bool engine)
{
	struct guest_stream s;
	struct outcome o = { 0 };
	int fds[2];

	if (pipe(fds) < 0)
		abort();
	guest_stream_open(&s, engine);
	for (size_t at = 0; at < size && !o.refused; at += step) {
		size_t n = size - at < step ? size - at : step;
		struct guest_frame f;
		int r;

		if (write(fds[1], data + at, n) != (ssize_t)n)
			abort();
		r = guest_stream_read(&s, fds[0]);
		if (r == 0)
			abort();
		o.refused = r < 0;
		while (!o.refused && (r = guest_stream_next(&s, &f)) > 0) {
			o.frames++;
			o.bytes += f.len;
			if (f.len > GUEST_FRAME_MAX)
				abort();
			for (size_t i = 0; i < f.len; i++)
				o.sum = o.sum * 31 + f.data[i];
		}
		o.refused |= r < 0;
	}
	if (o.bytes > size)
		abort();
	guest_stream_release(&s);
	close(fds[0]);
	close(fds[1]);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 16384)	/* what a pipe holds without a reader, at least */
		return 0;
	for (int engine = 0; engine < 2; engine++) {
		struct outcome whole = read_all(data, size, 16384, engine), bits = read_all(data, size, 7, engine);

		/* what is refused is so sooner or later; up to there nothing differs */
		if (whole.refused != bits.refused || (!whole.refused && (whole.frames != bits.frames || whole.bytes != bits.bytes || whole.sum != bits.sum)))
			abort();
	}
	return 0;
}
