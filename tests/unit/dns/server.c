/*
 * tests/unit/dns/server.c: the real server on loopback sockets: the role's messages change what it
 * answers, over UDP and TCP, to our codec and to kdig, while many readers and a writer run at the
 * same time.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/ask.h"
#include "dns/client.h"
#include "dns/role.h"
#include "zones.h"

struct fixture {
	struct dns_role   *role;
	struct ipc_server *ipc;
	struct ipc_peer   *peer;
	struct dns_target  target;
	pthread_mutex_t    lock;
	struct dns_seen    seen[64];
	size_t             seen_count;
};

static void on_push(void *ctx, const struct ipc_frame *frame)
{
	struct fixture *f = ctx;

	pthread_mutex_lock(&f->lock);
	if (f->seen_count < ARRAY_LEN(f->seen) && dns_client_seen(frame, &f->seen[f->seen_count]))
		f->seen_count++;
	pthread_mutex_unlock(&f->lock);
}

static size_t seen_count(struct fixture *f)
{
	pthread_mutex_lock(&f->lock);
	size_t count = f->seen_count;
	pthread_mutex_unlock(&f->lock);
	return count;
}

static void start_with(struct fixture *f, const struct dns_server_config *config)
{
	struct dns_zones_config zones = zones_config();
	struct err              err = { 0 };
	int                     ends[2];

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	CHECK_OK(dns_address_parse(STR("127.0.0.1"), &f->target.address, &err), err);
	f->target.name = "";
	CHECK_OK(dns_role_new(&zones, config, &f->role, &err), err);
	CHECK_OK(dns_server_bind(dns_role_server(f->role), &f->target.address, 2,
	                         &f->target.address.port, &err),
	         err);
	f->ipc = ipc_server_new("dns", 0, dns_role_handle, f->role);
	dns_role_attach(f->role, f->ipc);
	CHECK_OK(ipc_pair(ends, &err), err);
	f->peer = ipc_peer_new("dns", on_push, NULL, f);
	ipc_server_attach(f->ipc, 0, ends[0]);
	ipc_peer_attach(f->peer, ends[1]);
	CHECK_OK(dns_server_start(dns_role_server(f->role), &err), err);
}

static void start(struct fixture *f)
{
	start_with(f, &(struct dns_server_config){ 0 });
}

static void stop(struct fixture *f)
{
	dns_server_stop(dns_role_server(f->role));
	ipc_peer_free(f->peer);
	ipc_server_free(f->ipc);
	dns_role_free(f->role);
	pthread_mutex_destroy(&f->lock);
}

/* How many TXT values the server answers at this owner; -1: no answer. */
static int values_at(struct fixture *f, const char *owner)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_name                 name;
	struct dns_reply                reply;
	int                             count = 0;

	CHECK(dns_name_parse(str_c(owner), &name));
	dns_ask(a, &f->target, 1, &name, DNS_TXT, clock_mono_ms() + 5000, &reply);
	if (!reply.answered)
		return -1;
	for (size_t i = 0; i < reply.message.records_count; i++)
		count += reply.message.records[i].section == DNS_ANSWER;
	return count;
}

static void add(struct fixture *f, const char *owner, const char *value, uint64_t *ret_sequence)
{
	struct err err = { 0 };
	CHECK_OK(dns_client_add(f->peer, owner, value, ret_sequence, &err), err);
}

TEST(an_acknowledged_change_is_answered)
{
	struct fixture f;
	struct err     err = { 0 };
	uint64_t       first, second;
	bool           has;

	start(&f);
	CHECK_INT(values_at(&f, OWNER), 0);
	add(&f, OWNER, VALUE1, &first);
	CHECK_INT(values_at(&f, OWNER), 1);
	add(&f, OWNER, VALUE2, &second);
	CHECK(second > first);
	CHECK_INT(values_at(&f, OWNER), 2);
	CHECK_OK(dns_client_has(f.peer, OWNER, VALUE1, &has, &err), err);
	CHECK(has);
	CHECK_OK(dns_client_remove(f.peer, OWNER, VALUE1, &first, &err), err);
	CHECK_INT(values_at(&f, OWNER), 1);
	CHECK_OK(dns_client_remove(f.peer, OWNER, VALUE1, &second, &err), err); /* again is fine */
	CHECK_INT(first, second);
	CHECK_OK(dns_client_remove(f.peer, "gone.example.org", VALUE1, NULL, &err), err);
	CHECK_OK(dns_client_has(f.peer, OWNER, VALUE1, &has, &err), err);
	CHECK(!has);
	CHECK(!dns_client_add(f.peer, "www.example.org", VALUE1, NULL, &err));
	CHECK_INT(err.class, ERR_INPUT);
	stop(&f);
}

TEST(a_reset_replaces_the_whole_set_at_once)
{
	enum { COUNT = 3000 };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct fixture                  f;
	struct err                      err = { 0 };
	struct dns_value               *values = arena_alloc_array(a, COUNT, sizeof(*values));
	bool                            has;

	start(&f);
	add(&f, OWNER, VALUE1, NULL);
	for (unsigned i = 0; i < COUNT; i++)
		values[i] = (struct dns_value){ arena_printf(a, "_acme-challenge.n%u." ZONE, i),
			                        VALUE2 };
	values[7].owner = "of.a.zone.that.left.test"; /* skipped, not fatal */
	CHECK_OK(dns_client_reset(f.peer, values, COUNT, NULL, &err), err);
	CHECK_INT(values_at(&f, OWNER), 0);
	CHECK_INT(values_at(&f, "_acme-challenge.n2999." ZONE), 1);
	CHECK_INT(dns_zones_values(dns_server_zones(dns_role_server(f.role))), COUNT - 1);
	CHECK_OK(dns_client_has(f.peer, values[7].owner, VALUE2, &has, &err), err);
	CHECK(!has);
	CHECK_OK(dns_client_reset(f.peer, NULL, 0, NULL, &err), err);
	CHECK_INT(dns_zones_values(dns_server_zones(dns_role_server(f.role))), 0);
	stop(&f);
}

static void raw(struct fixture *f, uint32_t type, const char *owner, const char *value)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct err                      err = { 0 };
	struct buf                      b;
	struct str                      answer;

	buf_init(&b, 1024);
	if (type == DNS_ROLE_RESET_ADD)
		wire_put_u32(&b, 1);
	if (owner != NULL) {
		wire_put_c(&b, owner);
		wire_put_c(&b, value);
	}
	CHECK_OK(ipc_peer_call(f->peer, type, buf_str(&b), -1, 5000, a, &answer, &err), err);
	buf_clear(&b);
}

TEST(changes_during_a_reset_win)
{
	struct fixture f;

	start(&f);
	add(&f, OWNER, VALUE1, NULL);
	raw(&f, DNS_ROLE_RESET_BEGIN, NULL, NULL);
	add(&f, "_acme-challenge.live." ZONE, VALUE1, NULL);
	CHECK_INT(values_at(&f, "_acme-challenge.live." ZONE), 1); /* at once */
	raw(&f, DNS_ROLE_REMOVE, "_acme-challenge.late." ZONE, VALUE1);
	raw(&f, DNS_ROLE_RESET_ADD, "_acme-challenge.late." ZONE,
	    VALUE1); /* was read before the removal */
	raw(&f, DNS_ROLE_RESET_ADD, "_acme-challenge.set." ZONE, VALUE1);
	CHECK_INT(values_at(&f, OWNER), 1);
	CHECK_INT(values_at(&f, "_acme-challenge.set." ZONE), 0);
	raw(&f, DNS_ROLE_RESET_END, NULL, NULL);
	CHECK_INT(values_at(&f, OWNER), 0);
	CHECK_INT(values_at(&f, "_acme-challenge.set." ZONE), 1);
	CHECK_INT(values_at(&f, "_acme-challenge.live." ZONE), 1);
	CHECK_INT(values_at(&f, "_acme-challenge.late." ZONE), 0);
	stop(&f);
}

TEST(who_asked_is_told_once_per_set_of_values)
{
	struct fixture f;

	start(&f);
	add(&f, OWNER, VALUE1, NULL);
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(values_at(&f, OWNER), 1);
	CHECK_INT(values_at(&f, "_acme-challenge.nobody." ZONE), 0);
	add(&f, OWNER, VALUE2, NULL);
	for (unsigned i = 0; i < 20; i++)
		CHECK_INT(values_at(&f, OWNER), 2);
	for (unsigned i = 0; i < 200 && seen_count(&f) < 2; i++)
		clock_sleep_ms(10);
	clock_sleep_ms(50); /* a third would come now */
	CHECK_INT(seen_count(&f), 2);
	CHECK_STR(f.seen[0].owner, OWNER);
	CHECK_STR(f.seen[0].network, "127.0.0.0/24");
	CHECK_INT(f.seen[0].values, 1);
	CHECK_INT(f.seen[1].values, 2);
	stop(&f);
}

TEST(large_sets_come_over_tcp)
{
	struct fixture f;
	char           value[DNS_VALUE_LEN + 1] = VALUE1;

	start(&f);
	for (unsigned i = 0; i < DNS_VALUES_MAX; i++) {
		value[0] = (char)('a' + i % 26);
		value[1] = (char)('a' + i / 26);
		add(&f, OWNER, value, NULL);
	}
	CHECK_INT(values_at(&f, OWNER), DNS_VALUES_MAX);
	struct dns_server_stats stats;
	dns_server_stats(dns_role_server(f.role), &stats);
	CHECK(stats.udp_queries == 1 && stats.tcp_queries == 1);
	stop(&f);
}

static int tcp_connect(struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(f->target.address.port) };
	struct timeval     wait = { .tv_sec = 8 };
	int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(&to.sin_addr, f->target.address.bytes, 4);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
	return fd;
}

static const char soa_query[] = "\x00\x23\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				"\x01v\x07"
				"example\x04test\x00\x00\x06\x00\x01";
enum { SOA_QUERY = sizeof(soa_query) - 1 };

/* One framed answer; its length, 0 at the end of the connection, -1 when none comes. */
static int tcp_answer(int fd)
{
	uint8_t bytes[4096];
	ssize_t n = recv(fd, bytes, 2, MSG_WAITALL);

	if (n != 2)
		return n == 0 ? 0 : -1;
	size_t len = (size_t)bytes[0] << 8 | bytes[1];
	CHECK(len <= sizeof(bytes) && recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len);
	return (int)len;
}

TEST(tcp_queries_one_behind_the_other_and_byte_by_byte)
{
	struct fixture f;
	char           query[SOA_QUERY], many[20 * SOA_QUERY];

	start(&f);
	memcpy(query, soa_query, sizeof(query));
	query[1] = SOA_QUERY - 2;
	for (size_t i = 0; i < 20; i++)
		memcpy(many + i * SOA_QUERY, query, SOA_QUERY);
	int fd = tcp_connect(&f);
	CHECK(send(fd, many, sizeof(many), 0) == (ssize_t)sizeof(many));
	CHECK(shutdown(fd, SHUT_WR) == 0);
	for (unsigned i = 0; i < 20; i++)
		CHECK(tcp_answer(fd) > 60);
	CHECK_INT(tcp_answer(fd), 0);
	close(fd);
	fd = tcp_connect(&f);
	for (size_t i = 0; i < SOA_QUERY; i++)
		CHECK(send(fd, query + i, 1, 0) == 1);
	CHECK(tcp_answer(fd) > 60);
	close(fd);
	fd = tcp_connect(&f);
	CHECK(send(fd, "\xff\xff\x00\x00", 4, 0) == 4); /* no query is that long */
	CHECK(tcp_answer(fd) <= 0);
	close(fd);
	stop(&f);
}

TEST(idle_connections_make_room)
{
	struct fixture f;
	int            fds[300];
	char           query[SOA_QUERY];

	start(&f);
	memcpy(query, soa_query, sizeof(query));
	query[1] = SOA_QUERY - 2;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = tcp_connect(&f);
	CHECK(send(fds[299], query, sizeof(query), 0) == (ssize_t)sizeof(query));
	CHECK(tcp_answer(fds[299]) > 60);
	int64_t started_ms = clock_mono_ms();
	CHECK_INT(tcp_answer(fds[299]), 0); /* closed when idle */
	CHECK(clock_mono_ms() - started_ms >= 4000);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	stop(&f);
}

TEST(ipv6_works_too)
{
	struct fixture     f;
	struct dns_zones  *zones = zones_make();
	struct dns_server *server = dns_server_new(&(struct dns_server_config){ 0 }, zones);
	struct err         err = { 0 };

	memset(&f, 0, sizeof(f));
	f.target.name = "";
	CHECK_OK(dns_address_parse(STR("::1"), &f.target.address, &err), err);
	if (dns_server_bind(server, &f.target.address, 1, &f.target.address.port, &err)) {
		CHECK_OK(dns_server_start(server, &err), err);
		CHECK_INT(values_at(&f, OWNER), 0);
	} else {
		print_message("no IPv6 loopback here: %s\n", err.text);
	}
	dns_server_free(server);
}

/* ---- readers and a writer ---- */

struct reader {
	struct fixture *f;
	_Atomic bool   *stop;
	unsigned        asked, wrong;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load(r->stop)) {
		int count = values_at(r->f, OWNER);
		r->asked++;
		r->wrong += count != 1 && count != 2;
	}
	return NULL;
}

TEST(no_reader_sees_a_half_made_change)
{
	struct fixture f;
	_Atomic bool   stopped = false;
	struct reader  readers[3];
	pthread_t      threads[3];
	struct err     err = { 0 };

	start(&f);
	add(&f, OWNER, VALUE1, NULL);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		readers[i] = (struct reader){ .f = &f, .stop = &stopped };
		CHECK_INT(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 1000; i++) {
		add(&f, OWNER, VALUE2, NULL);
		CHECK_OK(dns_client_remove(f.peer, OWNER, VALUE2, NULL, &err), err);
	}
	stopped = true;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		pthread_join(threads[i], NULL);
		CHECK(readers[i].asked > 0);
		CHECK_INT(readers[i].wrong, 0);
	}
	stop(&f);
}

/* ---- another implementation's opinion ---- */

static void kdig(struct fixture *f, const char *args, char *ret, size_t size)
{
	char  command[512];
	FILE *pipe;

	snprintf(command, sizeof(command), "kdig @127.0.0.1 -p %u +time=3 +retry=1 %s 2>&1",
	         f->target.address.port, args);
	pipe = popen(command, "r");
	CHECK(pipe != NULL);
	size_t n = fread(ret, 1, size - 1, pipe);
	ret[n] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("%s:\n%s", command, ret);
}

TEST(kdig_agrees)
{
	static const struct {
		const char *args, *wanted;
	} cases[] = {
		{ "+short " OWNER " TXT", "\"" VALUE1 "\"" },
		{ "+tcp +short " OWNER " TXT", "\"" VALUE1 "\"" },
		{ OWNER " A", "status: NOERROR" },
		{ "www." ZONE " TXT", "status: NXDOMAIN" },
		{ ZONE " SOA", "Flags: qr aa rd;" },
		{ ZONE " NS", "ns1.deep." ZONE "." },
		{ "+edns=1 " ZONE " SOA", "BADVERS" },
		{ "+cookie " ZONE " SOA", "COOKIE" },
		{ "+dnssec " ZONE " DNSKEY", "status: NOERROR" },
		{ "example.org SOA", "status: REFUSED" },
		{ OWNER " ANY", "RFC8482" },
	};
	struct fixture f;
	static char    out[16384];

	if (system("kdig -V >/dev/null 2>&1") != 0)
		skip();
	start(&f);
	add(&f, OWNER, VALUE1, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kdig(&f, cases[i].args, out, sizeof(out));
		if (strstr(out, cases[i].wanted) == NULL || strstr(out, "WARNING") != NULL)
			fail_msg("kdig %s:\n%s", cases[i].args, out);
	}
	stop(&f);
}

TESTS(T(an_acknowledged_change_is_answered), T(a_reset_replaces_the_whole_set_at_once),
      T(changes_during_a_reset_win), T(who_asked_is_told_once_per_set_of_values),
      T(large_sets_come_over_tcp), T(tcp_queries_one_behind_the_other_and_byte_by_byte),
      T(idle_connections_make_room), T(ipv6_works_too), T(no_reader_sees_a_half_made_change),
      T(kdig_agrees))
