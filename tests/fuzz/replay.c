/* SPDX-License-Identifier: Apache-2.0
 * replay FOLDER: feed each file of a corpus to LLVMFuzzerTestOneInput, so that fuzz targets are tests under any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *dir, const char *name)
{
	char path[4096];
	uint8_t *data = NULL;
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		return -1;
	rewind(f);
	data = malloc((size_t)size + 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
		return -1;
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	int n = 0;

	if (!dir) {
		fprintf(stderr, "usage: replay FOLDER (an existing corpus)\n");
		return 2;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		printf("%s %d - %s\n", replay_file(argv[1], e->d_name) == 0 ? "ok" : "not ok", n, e->d_name);
	}
	closedir(dir);
	printf("1..%d\n", n);
	return n ? 0 : 1;
}
