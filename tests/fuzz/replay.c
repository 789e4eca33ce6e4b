/*
 * tests/fuzz/replay.c: runs a fuzz target over the files of its corpus as a plain test, without libFuzzer.
 */
#include <assert.h>
#include <dirent.h>
#include <stdint.h>

#include "base/attr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	size_t count = 0;
	DIR   *dir;

	assert(argc == 2);
	dir = opendir(argv[1]);
	if (dir == NULL) {
		fprintf(stderr, "no corpus in %s\n", argv[1]);
		return 1;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char           path[4096];
		static uint8_t data[1 << 20];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		FILE *f = fopen(path, "rb");
		assert(f != NULL);
		size_t size = fread(data, 1, sizeof(data), f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, size);
		count++;
	}
	closedir(dir);
	printf("%zu inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
