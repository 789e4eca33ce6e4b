/* Addresses as people write them, sockets, and the times between restarts. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "daemon/backoff.h"
#include "daemon/listen.h"
#include "test.h"

static const char *const good[] = { "127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:53", "192.0.2.1:65535" };
static const char *const bad[] = { "", ":", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
	                           "127.0.0.1:8 ", "localhost:80", "::1:80", "[::1]", "[::1]80", "[::1:80", "[]:80", "[127.0.0.1]:80",
	                           "127.1:80", "1.2.3.4.5:80", ":80", "[::1%lo]:80" };

TEST(addresses)
{
	struct listen_address at;
	struct err            err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK_OK(listen_address_parse(good[i], &at, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		at.len = 99;
		err = (struct err){ 0 };
		if (listen_address_parse(bad[i], &at, &err))
			fail_msg("\"%s\" was accepted", bad[i]);
		CHECK(err.class == ERR_CONFIG && err.text[0] != '\0');
		CHECK_INT(at.len, 99);
	}
}

TEST(tcp_port_zero_and_taken)
{
	int        fd, again;
	struct err err = { 0 };
	char       text[LISTEN_TEXT_SIZE];

	CHECK_OK(listen_tcp("127.0.0.1:0", &fd, &err), err);
	listen_text(fd, text);
	CHECK(strncmp(text, "127.0.0.1:", 10) == 0 && strcmp(text, "127.0.0.1:0") != 0);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(!listen_tcp(text, &again, &err));
	CHECK(strstr(err.text, text) != NULL && err.hint[0] != '\0');
	close(fd);
}

TEST(dns_sockets_share_a_port_and_refuse_a_second_server)
{
	int        tcp, udp[4], tcp2, udp2[4];
	struct err err = { 0 };
	char       text[LISTEN_TEXT_SIZE], other[LISTEN_TEXT_SIZE];

	CHECK_OK(listen_dns("127.0.0.1:0", &tcp, udp, 4, &err), err);
	listen_text(tcp, text);
	for (int i = 0; i < 4; i++)
		CHECK_STR(listen_text(udp[i], other), text);
	CHECK(!listen_dns(text, &tcp2, udp2, 4, &err));
	close(tcp);
	for (int i = 0; i < 4; i++)
		close(udp[i]);
}

static void check_unix(const char *path)
{
	int         fd, again, client;
	struct err  err = { 0 };
	struct stat st;

	CHECK_OK(listen_unix(path, &fd, &err), err);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	client = listen_unix_connect(path);
	CHECK(client >= 0);
	close(client);
	/* Served: refused, and left alone. */
	CHECK(!listen_unix(path, &again, &err));
	CHECK(strstr(err.text, "another Reeve") != NULL);
	client = listen_unix_connect(path);
	CHECK(client >= 0);
	close(client);
	/* Stale: replaced. */
	close(fd);
	CHECK_OK(listen_unix(path, &fd, &err), err);
	close(fd);
	unlink(path);
	CHECK(listen_unix_connect(path) < 0 && errno == ENOENT);
}

TEST(unix_sockets)
{
	char       dir[] = "/tmp/reeve-listen-XXXXXX", path[256], deep[200];
	struct err err = { 0 };
	int        fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/reeve.sock", dir);
	check_unix(path);
	/* Longer than the kernel's 107 bytes. */
	snprintf(deep, sizeof(deep), "%s/%0120d", dir, 7);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(path, sizeof(path), "%s/reeve.sock", deep);
	check_unix(path);
	rmdir(deep);
	/* A file of somebody else stays. */
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CHECK(!listen_unix(path, &fd, &err));
	CHECK_INT(access(path, F_OK), 0);
	unlink(path);
	rmdir(dir);
}

TEST(backoff)
{
	static const int64_t expected[] = { 0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct backoff       b = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		CHECK_INT(backoff_next(&b, 59999), expected[i]);
	CHECK_INT(backoff_next(&b, 60000), 0);
	CHECK_INT(backoff_next(&b, 1), 100);
}

TESTS(T(addresses), T(tcp_port_zero_and_taken), T(dns_sockets_share_a_port_and_refuse_a_second_server), T(unix_sockets), T(backoff))
