/* The bootstrap settings: where they come from, which wins, and what is refused with which words. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "test.h"

static char home[] = "/tmp/reeve-config-XXXXXX";

static const char *home_dir(void)
{
	char etc[64];

	if (home[strlen(home) - 1] != 'X')
		return home;
	assert_non_null(mkdtemp(home));
	snprintf(etc, sizeof(etc), "%s/etc", home);
	assert_int_equal(mkdir(etc, 0700), 0);
	return home;
}

static void file_write(const char *text)
{
	char  path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/etc/reeve.toml", home_dir());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int teardown(void **state UNUSED)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/etc/reeve.toml", home);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc", home);
	rmdir(path);
	return rmdir(home);
}

TEST(defaults)
{
	struct arena *a = arena_new();
	struct config c;
	struct err    err = { 0 };

	file_write("");
	CHECK_OK(config_load(a, home, NULL, &c, &err), err);
	CHECK_STR(c.http_listen.items[0], "127.0.0.1:8080");
	CHECK_STR(c.dns_listen.items[0], "127.0.0.1:5300");
	CHECK_INT(c.zone_names.count, 0);
	CHECK_STR(c.store_path, arena_printf(a, "%s/var/reeve.db", home));
	CHECK_STR(c.seal_path, arena_printf(a, "%s/etc/seal.key", home));
	CHECK_STR(c.socket_path, arena_printf(a, "%s/run/reeve.sock", home));
	CHECK_INT(c.worker_threads, 16);
	CHECK_OK(config_load(a, NULL, "/dev/null", &c, &err), err);
	CHECK_STR(c.store_path, "/var/lib/reeve/reeve.db");
	arena_free(a);
}

TEST(flag_over_environment_over_file)
{
	struct arena *a = arena_new();
	struct config c;
	struct err    err = { 0 };

	file_write("[server]\nlisten = [\"127.0.0.1:1\"]\n[worker]\nthreads = 3\n[zone]\nnames = [\"a.example\"]\n");
	setenv("REEVE_WORKER_THREADS", "4", 1);
	setenv("REEVE_SERVER_LISTEN", "127.0.0.1:2, [::1]:3", 1);
	setenv("REEVE_TOKEN", "not a setting", 1);
	CHECK_OK(config_load(a, home, NULL, &c, &err), err);
	CHECK_INT(c.worker_threads, 4);
	CHECK_INT(c.http_listen.count, 2);
	CHECK_STR(c.http_listen.items[0], "127.0.0.1:2");
	CHECK_STR(c.http_listen.items[1], "[::1]:3");
	CHECK_STR(c.zone_names.items[0], "a.example");
	CHECK_OK(config_set(a, &c, "--listen", "server.listen", "127.0.0.1:5", &err), err);
	CHECK_INT(c.http_listen.count, 1);
	CHECK_STR(c.http_listen.items[0], "127.0.0.1:5");
	setenv("REEVE_SERVER_LISTEN", "", 1);
	CHECK_OK(config_load(a, home, NULL, &c, &err), err);
	CHECK_INT(c.http_listen.count, 0);
	unsetenv("REEVE_SERVER_LISTEN");
	unsetenv("REEVE_WORKER_THREADS");
	unsetenv("REEVE_TOKEN");
	arena_free(a);
}

static const struct {
	const char *text, *says, *hint;
} bad_files[] = {
	{ "[server]\nlisten = [\"127.0.0.1:1\"]\n lisen = 1\n", "line 3, column 2: [server] has no key \"lisen\"", "listen, socket" },
	{ "[sever]\nlisten = []\n", "there is no section [sever]", "[server]" },
	{ "listen = []\n", "line 1, column 1: the key \"listen\" stands outside of a section", "" },
	{ "[server]\nlisten = \"127.0.0.1:1\"\n", "line 2, column 1: listen must be an array", "" },
	{ "[worker]\nthreads = \"16\"\n", "line 2, column 1: threads must be an integer", "" },
	{ "[worker]\nthreads = 0\n", "threads: 0 is not between 1 and 256", "" },
	{ "[server]\nsilent_s = 4\n", "silent_s: 4 is not between 5 and 3600", "" },
	{ "[worker]\nthreads = 257\n", "threads: 257 is not between 1 and 256", "" },
	{ "[worker]\nthreads = -1\n", "line 2", "" },
	{ "[resolver]\ntimeout_ms = 60001\n", "timeout_ms: 60001 is not between 100 and 60000", "" },
	{ "[log]\nlevel = \"loud\"\n", "level: \"loud\" is not error, warn, info or debug", "" },
	{ "[store]\npath = \"reeve.db\"\n", "path: \"reeve.db\" is not an absolute path", "" },
	{ "[zone]\nnames = [\"a.example\", \"\"]\n", "names: an empty value in the list", "" },
	{ "[zone]\nnames = [\"a.example\"]\nnames = [\"b.example\"]\n", "line 3, column 1", "" },
	{ "[zone\n", "line 1", "" },
};

TEST(bad_files_are_refused_with_file_line_and_column)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_files); i++) {
		struct arena *a = arena_new();
		struct config c = { .worker_threads = 77 };
		struct err    err = { 0 };

		file_write(bad_files[i].text);
		CHECK(!config_load(a, home, NULL, &c, &err));
		if (strstr(err.text, bad_files[i].says) == NULL || strstr(err.hint, bad_files[i].hint) == NULL)
			fail_msg("%zu: \"%s\" / \"%s\" has no \"%s\"", i, err.text, err.hint, bad_files[i].says);
		CHECK(strstr(err.text, "/etc/reeve.toml: ") != NULL);
		CHECK_INT(c.worker_threads, 77);
		arena_free(a);
	}
}

static const struct {
	const char *name, *value, *says;
} bad_variables[] = {
	{ "REEVE_SERVER_LISEN", "127.0.0.1:1", "REEVE_SERVER_LISEN in the environment: [server] has no key \"lisen\"" },
	{ "REEVE_WORKER_THREADS", "many", "REEVE_WORKER_THREADS in the environment: \"many\" is not a number" },
	{ "REEVE_WORKER_THREADS", "99999999999", "is not a number" },
	{ "REEVE_STORE_PATH", "x", "is not an absolute path" },
	{ "REEVE_ZONE_NAMES", "a.example,,b.example", "an empty value" },
};

TEST(bad_variables_are_refused_by_name)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_variables); i++) {
		struct arena *a = arena_new();
		struct config c;
		struct err    err = { 0 };

		file_write("");
		setenv(bad_variables[i].name, bad_variables[i].value, 1);
		CHECK(!config_load(a, home, NULL, &c, &err));
		unsetenv(bad_variables[i].name);
		if (strstr(err.text, bad_variables[i].says) == NULL)
			fail_msg("%zu: \"%s\" has no \"%s\"", i, err.text, bad_variables[i].says);
		arena_free(a);
	}
}

TEST(a_named_file_must_exist)
{
	struct arena *a = arena_new();
	struct config c;
	struct err    err = { 0 };

	CHECK(!config_load(a, home_dir(), "/nonexistent/reeve.toml", &c, &err));
	CHECK_INT(err.class, ERR_CONFIG);
	CHECK(!config_set(a, &c, "--x", "server.nothing", "1", &err));
	CHECK(strstr(err.text, "server.nothing") != NULL);
	arena_free(a);
}

TEST(the_template_reads_back_the_same)
{
	struct arena *a = arena_new();
	struct config c, again;
	struct err    err = { 0 };

	file_write("[zone]\nnames = [\"a.example\", \"b.example\"]\nhostmaster = 'a\"b\\c'\n[log]\nlevel = \"debug\"\n");
	CHECK_OK(config_load(a, home, NULL, &c, &err), err);
	file_write(config_template(a, &c));
	CHECK_OK(config_load(a, home, NULL, &again, &err), err);
	CHECK_INT(again.zone_names.count, 2);
	CHECK_STR(again.zone_names.items[1], "b.example");
	CHECK_STR(again.zone_hostmaster, "a\"b\\c");
	CHECK_INT(again.log_level, LOG_LEVEL_DEBUG);
	CHECK_STR(config_template(a, &again), config_template(a, &c));
	arena_free(a);
}

TEST(settings_cross_the_control_socket)
{
	struct arena *a = arena_new();
	struct config c, again;
	struct err    err = { 0 };
	AUTO(buf_clear) struct buf frame;

	file_write("[zone]\nnames = [\"a.example\", \"b.example\"]\n[resolver]\nstub = [\".=127.0.0.1@5\"]\n");
	CHECK_OK(config_load(a, home, NULL, &c, &err), err);
	buf_init(&frame, IPC_BODY_MAX);
	control_put_config(&frame, &c);
	CHECK_OK(control_get_config(a, buf_str(&frame), &again, &err), err);
	CHECK_STR(config_template(a, &again), config_template(a, &c));
	/* No cut of it passes, and none reads beyond. */
	for (size_t len = 0; len < frame.len; len++) {
		char *cut = malloc(len + 1);

		memcpy(cut, frame.ptr, len);
		CHECK(!control_get_config(a, str_of(cut, len), &again, &err));
		free(cut);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(defaults),
		T(flag_over_environment_over_file),
		T(bad_files_are_refused_with_file_line_and_column),
		T(bad_variables_are_refused_by_name),
		T(a_named_file_must_exist),
		T(the_template_reads_back_the_same),
		T(settings_cross_the_control_socket),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
