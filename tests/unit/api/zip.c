/* tests/unit/api/zip.c: what zip_write makes, other programs take. */
#include "api/zip.h"

#include <unistd.h>

#include "test.h"

TEST(unzip_takes_it)
{
	static const struct zip_file files[] = {
		{ "cert.pem", STR("-----BEGIN CERTIFICATE-----\n") },
		{ "empty", STR("") },
		{ "binary", STR("\0\1\2\377PK\3\4") },
	};
	char       path[] = "/tmp/reeve-zip-XXXXXX", command[1024];
	struct buf b;
	int        fd = mkstemp(path);

	if (system("command -v python3 >/dev/null") != 0)
		skip();
	buf_init(&b, MIB);
	zip_write(&b, files, ARRAY_LEN(files), 1700000000);
	CHECK(!b.failed);
	CHECK_INT(write(fd, b.ptr, b.len), b.len);
	close(fd);
	snprintf(command, sizeof(command),
		 "python3 -c 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; "
		 "assert z.namelist()==[\"cert.pem\",\"empty\",\"binary\"]; "
		 "assert z.read(\"binary\")==bytes([0,1,2,255])+b\"PK\\x03\\x04\"; "
		 "assert z.infolist()[0].date_time==(2023,11,14,22,13,20)' %s",
		 path);
	CHECK_INT(system(command), 0);
	unlink(path);
	buf_clear(&b);
}

TEST(archive_of_nothing)
{
	struct buf b;

	buf_init(&b, MIB);
	zip_write(&b, NULL, 0, 0);
	CHECK_INT(b.len, 22);
	buf_clear(&b);
}

TESTS(T(unzip_takes_it), T(archive_of_nothing))
