/* SPDX-License-Identifier: Apache-2.0
 * Unpack any bytes as a bundle and as a root file system. What lands on the disk must be files, folders and links only, the links
 * of a bundle must not lead out, and nothing may be above the ceilings. */
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/archive.h"
#include "runner/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct archive_limits small = { .max_entries = 100, .max_bytes = 1 << 20, .max_depth = 8 };
static const struct archive_limits small_root = { .max_entries = 100, .max_bytes = 1 << 20, .max_depth = 8, .is_root = true };
static const struct archive_limits *limits;
static long long bytes;

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char target[4096];
	ssize_t n;

	(void)type;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode))
		abort();
	if (ftw->level > (int)small.max_depth || (!S_ISLNK(st->st_mode) && st->st_mode & 06022))
		abort();
	bytes += S_ISREG(st->st_mode) ? st->st_size / (long long)st->st_nlink : 0;
	n = S_ISLNK(st->st_mode) ? readlink(path, target, sizeof(target)) : 0;
	if (n > 0 && !limits->is_root) {
		int up = 0;

		for (const char *p = target; p + 2 <= target + n && !memcmp(p, "..", 2) && (p + 2 == target + n || p[2] == '/'); p += 3)
			up++;
		if (target[0] == '/' || up >= ftw->level)
			abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char dir[] = "/dev/shm/archive_fuzz.XXXXXX";
	static int top = -1;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];

	if (top < 0 && (!mkdtemp(dir) || (top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write_all(fd, data, size) < 0)
		abort();
	archive_is_archive(path);
	for (int i = 0; i < 2; i++) {
		char out[80];
		int outfd;
		struct error err = { 0 };

		limits = i ? &small_root : &small;
		snprintf(out, sizeof(out), "%s/out", dir);
		if (mkdir(out, 0700) < 0 || (outfd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			abort();
		if (archive_extract(path, outfd, limits, &err) < 0 && err.code != ERR_INVALID_INPUT)
			abort();
		close(outfd);
		bytes = 0;
		if (nftw(out, look, 16, FTW_PHYS) != 0 || bytes > (long long)small.max_bytes)
			abort();
		if (remove_tree_at(top, "out", &err) < 0)
			abort();
	}
	close(fd);
	rmdir(dir);	/* the replay leaves nothing behind; libFuzzer makes it anew */
	close(top);
	top = -1;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	return 0;
}
