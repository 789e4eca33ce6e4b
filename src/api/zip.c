/*
 * api/zip.c: the store-only subset of ZIP: local headers with sizes known beforehand, the central directory, its
 * end. All numbers are little-endian.
 */
#include "api/zip.h"

#include <assert.h>

#include "base/encode.h"

#define ZIP_VERSION   20      /* 2.0, the least that knows UTF-8 names */
#define ZIP_UTF8      0x0800  /* general purpose bit 11 */
#define ZIP_MADE_UNIX (3u << 8 | ZIP_VERSION)
#define ZIP_MODE      (0100600u << 16) /* regular file, owner only: it may be a key */

static void put16(struct buf *b, uint32_t v)
{
	buf_add_char(b, (char)(v & 0xff));
	buf_add_char(b, (char)(v >> 8 & 0xff));
}

static void put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16);
}

static uint32_t dos_time(int64_t at_s)
{
	time_t    t = (time_t)at_s;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	if (tm.tm_year < 80)
		return 1u << 21 | 1u << 16; /* 1980-01-01, the oldest there is */
	return (uint32_t)(tm.tm_year - 80) << 25 | (uint32_t)(tm.tm_mon + 1) << 21 | (uint32_t)tm.tm_mday << 16 |
	       (uint32_t)tm.tm_hour << 11 | (uint32_t)tm.tm_min << 5 | (uint32_t)tm.tm_sec / 2;
}

/* What the local header and the directory share. */
static void put_common(struct buf *b, const struct zip_file *f, uint32_t time)
{
	put16(b, ZIP_VERSION);
	put16(b, ZIP_UTF8);
	put16(b, 0); /* stored */
	put32(b, time);
	put32(b, crc32_update(0, f->bytes));
	put32(b, (uint32_t)f->bytes.len);
	put32(b, (uint32_t)f->bytes.len);
	put16(b, (uint32_t)strlen(f->name));
	put16(b, 0); /* no extra field */
}

void zip_write(struct buf *b, const struct zip_file *files, size_t files_count, int64_t at_s)
{
	uint32_t time = dos_time(at_s);
	uint32_t offset = 0;
	size_t   start = b->len, directory;

	assert(files_count < UINT16_MAX && b->max < UINT32_MAX);
	for (size_t i = 0; i < files_count; i++) {
		put32(b, 0x04034b50);
		put_common(b, &files[i], time);
		buf_add_c(b, files[i].name);
		buf_add_str(b, files[i].bytes);
	}
	directory = b->len;
	for (size_t i = 0; i < files_count; i++) {
		put32(b, 0x02014b50);
		put16(b, ZIP_MADE_UNIX);
		put_common(b, &files[i], time);
		put16(b, 0); /* no comment */
		put16(b, 0); /* disk */
		put16(b, 0); /* internal attributes */
		put32(b, ZIP_MODE);
		put32(b, offset);
		buf_add_c(b, files[i].name);
		offset += 30 + (uint32_t)strlen(files[i].name) + (uint32_t)files[i].bytes.len;
	}
	{
		uint32_t size = (uint32_t)(b->len - directory);

		put32(b, 0x06054b50);
		put32(b, 0); /* this disk, the directory's disk */
		put16(b, (uint32_t)files_count);
		put16(b, (uint32_t)files_count);
		put32(b, size);
		put32(b, (uint32_t)(directory - start));
		put16(b, 0);
	}
}
