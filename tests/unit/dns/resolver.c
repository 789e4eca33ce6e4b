/*
 * tests/unit/dns/resolver.c: the resolver role with its fork server and libunbound, against our
 * own validation zone server and a small misbehaving one; every zone is a stub on loopback, so
 * nothing here asks the Internet.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/client.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "zones.h"

/* ---- the misbehaving server: example.net with everything a customer's zone can do ---- */

enum action { CNAME, TXT, SERVFAIL, REFUSED, SILENCE };
static const struct row {
	const char *name;
	enum action action;
	const char *data;
} rows[] = {
	{ "_acme-challenge.good.example.net", CNAME, OWNER },
	{ "_acme-challenge.two.example.net", CNAME, "_acme-challenge.good.example.net" },
	{ "_acme-challenge.other.example.net", CNAME, "elsewhere.example.net" },
	{ "_acme-challenge.stray.example.net", TXT, "left behind" },
	{ "_acme-challenge.empty.example.net", TXT, NULL }, /* exists, no records */
	{ "_acme-challenge.circle.example.net", CNAME, "a.circle.example.net" },
	{ "a.circle.example.net", CNAME, "b.circle.example.net" },
	{ "b.circle.example.net", CNAME, "a.circle.example.net" },
	{ "_acme-challenge.servfail.example.net", SERVFAIL, NULL },
	{ "_acme-challenge.refused.example.net", REFUSED, NULL },
	{ "_acme-challenge.silence.example.net", SILENCE, NULL },
	{ "_acme-challenge.dead-end.example.net", CNAME, "_acme-challenge.servfail.example.net" },
	{ "l0.example.net", CNAME, "l1.example.net" },
	{ "l1.example.net", CNAME, "l2.example.net" },
	{ "l2.example.net", CNAME, "l3.example.net" },
	{ "l3.example.net", CNAME, "l4.example.net" },
	{ "l4.example.net", CNAME, "l5.example.net" },
	{ "l5.example.net", CNAME, "l6.example.net" },
	{ "l6.example.net", CNAME, "l7.example.net" },
	{ "l7.example.net", CNAME, "l8.example.net" },
	{ "l8.example.net", CNAME, "l9.example.net" },
};

static size_t bad_answer(const struct dns_query *q, uint8_t *out, size_t max)
{
	static struct dns_name          name; /* one thread */
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_writer               w;
	const struct row               *row = NULL;
	char                            text[DNS_TEXT_SIZE];

	name = q->question.name;
	dns_name_lower(&name);
	dns_name_text(&name, text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, text) == 0)
			row = &rows[i];
	dns_write_begin(&w, out, max, q->id, DNS_QR | DNS_AA);
	dns_write_question(&w, &q->question);
	if (row != NULL && row->action == SILENCE)
		return 0;
	if (row != NULL && (row->action == SERVFAIL || row->action == REFUSED)) {
		dns_write_flags(&w, 0, row->action == SERVFAIL ? DNS_SERVFAIL : DNS_REFUSED);
		return w.len;
	}
	struct dns_name target;
	if (row != NULL && row->action == CNAME) {
		CHECK(dns_name_parse(str_c(row->data), &target));
		dns_write_record(&w, DNS_ANSWER, &q->question.name, DNS_CNAME, DNS_IN, 60,
		                 str_of(target.wire, target.len));
		return w.len;
	}
	if (row != NULL && row->data != NULL && q->question.type == DNS_TXT) {
		dns_write_record(&w, DNS_ANSWER, &q->question.name, DNS_TXT, DNS_IN, 60,
		                 dns_txt_rdata(a, str_c(row->data)));
		return w.len;
	}
	/* SOA with the root as mailbox and server; the zone is example.net */
	struct dns_name zone;
	CHECK(dns_name_parse(STR("example.net"), &zone));
	static const char soa[22] = { [5] = 1, [21] = 1 };
	dns_write_record(&w, DNS_AUTHORITY, &zone, DNS_SOA, DNS_IN, 1, str_of(soa, sizeof(soa)));
	dns_write_flags(&w, 0, row != NULL ? DNS_NOERROR : DNS_NXDOMAIN);
	return w.len;
}

static void *bad_run(void *arg)
{
	int *fds = arg; /* socket, end of life */

	for (;;) {
		struct pollfd      p[2] = { { .fd = fds[0], .events = POLLIN },
			                    { .fd = fds[1], .events = POLLIN } };
		uint8_t            in[1500], out[1500];
		struct sockaddr_in from;
		socklen_t          from_len = sizeof(from);
		struct dns_query   q;

		if (poll(p, 2, -1) < 0 || p[1].revents != 0)
			return NULL;
		ssize_t n =
			recvfrom(fds[0], in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
		if (n <= 0 || dns_query_parse(str_of(in, (size_t)n), &q) != DNS_QUERY_OK)
			continue;
		size_t len = bad_answer(&q, out, sizeof(out));
		if (len > 0)
			(void)!sendto(fds[0], out, len, 0, (struct sockaddr *)&from, from_len);
	}
}

static int udp_bound(uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t          len = sizeof(at);
	int                fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* ---- all of it ---- */

static struct {
	struct resolver   *resolver;
	struct ipc_server *ipc;
	struct ipc_peer   *peer;
	struct dns_server *server;
	pthread_t          bad;
	int                bad_fds[2], end, hole;
	uint16_t           good_port, bad_port, hole_port, closed_port;
	struct arena      *a;
} s;

static void stub_add(struct resolver_config *c, const char *zone, uint16_t port)
{
	char       text[NAME_SIZE + 32];
	struct err err = { 0 };

	snprintf(text, sizeof(text), "%s=127.0.0.1@%u", zone, port);
	CHECK_OK(dns_stub_parse(str_c(text), &c->stubs[c->stubs_count++], &err), err);
}

static int setup(void **state UNUSED)
{
	static struct resolver_config config;
	struct dns_zones             *zones = zones_make();
	struct dns_address            any;
	struct err                    err = { 0 };
	int                           ends[2], end[2];

	zones_change(&zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	s.a = arena_new();
	s.server = dns_server_new(&(struct dns_server_config){ 0 }, zones);
	CHECK_OK(dns_address_parse(STR("127.0.0.1"), &any, &err), err);
	CHECK_OK(dns_server_bind(s.server, &any, 1, &s.good_port, &err), err);
	s.bad_fds[0] = udp_bound(&s.bad_port);
	s.hole = udp_bound(&s.hole_port); /* nobody reads it */
	int closed = udp_bound(&s.closed_port);
	close(closed);
	CHECK(pipe(end) == 0);
	s.bad_fds[1] = end[0];
	s.end = end[1];

	stub_add(&config, ".", s.bad_port);
	stub_add(&config, ZONE, s.good_port);
	stub_add(&config, ZONE, s.good_port); /* given twice is fine */
	stub_add(&config, "example.net", s.bad_port);
	stub_add(&config, "hole.example", s.hole_port);
	stub_add(&config, "closed.example", s.closed_port);
	CHECK_OK(resolver_new(&config, &s.resolver, &err), err); /* before any thread */
	CHECK_OK(dns_server_start(s.server, &err), err);
	CHECK_INT(pthread_create(&s.bad, NULL, bad_run, s.bad_fds), 0);
	s.ipc = ipc_server_new("resolver", 8, resolver_handle, s.resolver);
	s.peer = ipc_peer_new("resolver", NULL, NULL, NULL);
	CHECK_OK(ipc_pair(ends, &err), err);
	ipc_server_attach(s.ipc, 0, ends[0]);
	ipc_peer_attach(s.peer, ends[1]);
	return 0;
}

static int teardown(void **state UNUSED)
{
	ipc_peer_free(s.peer);
	ipc_server_free(s.ipc);
	resolver_free(s.resolver);
	dns_server_free(s.server);
	close(s.end);
	pthread_join(s.bad, NULL);
	close(s.bad_fds[0]);
	close(s.bad_fds[1]);
	close(s.hole);
	arena_free(s.a);
	return 0;
}

static struct dns_chain chain(const char *name, const char *expected, uint32_t deadline_ms)
{
	struct dns_chain c;
	struct err       err = { 0 };

	CHECK_OK(dns_lookup_chain(s.peer, s.a, name, expected, deadline_ms, &c, &err), err);
	CHECK(c.detail[0] != '\0');
	return c;
}

static const struct {
	const char      *name, *expected;
	enum dns_outcome outcome;
	size_t           hops;
	const char      *final; /* NULL: the name */
	bool             matches, txt, nxdomain, loop, too_long;
	const char      *detail; /* part of it */
} chains[] = {
	{ "_acme-challenge.good.example.net", OWNER, DNS_PRESENT, 1, OWNER, .matches = true },
	{ "_ACME-challenge.GOOD.example.net.", OWNER, DNS_PRESENT, 1, OWNER, .matches = true },
	{ "_acme-challenge.good.example.net", "", DNS_PRESENT, 1, OWNER },
	{ "_acme-challenge.two.example.net", OWNER, DNS_PRESENT, 2, OWNER, .matches = true },
	{ "_acme-challenge.other.example.net", OWNER, DNS_PRESENT, 1, "elsewhere.example.net" },
	{ "_acme-challenge.nobody.example.net", OWNER, DNS_ABSENT, 0, NULL, .nxdomain = true,
	  .detail = "NXDOMAIN" },
	{ "_acme-challenge.empty.example.net", OWNER, DNS_ABSENT, 0, NULL, .detail = "no CNAME" },
	{ "_acme-challenge.stray.example.net", OWNER, DNS_ABSENT, 0, NULL, .txt = true,
	  .detail = "TXT" },
	{ "_acme-challenge.circle.example.net", OWNER, DNS_UNKNOWN, 2, "b.circle.example.net",
	  .loop = true, .detail = "loop" },
	{ "l0.example.net", "", DNS_UNKNOWN, 8, "l8.example.net", .too_long = true,
	  .detail = "more than 8" },
	{ "l0.example.net", "l8.example.net", DNS_PRESENT, 8, "l8.example.net", .matches = true },
	{ "_acme-challenge.servfail.example.net", OWNER, DNS_UNKNOWN, 0, NULL,
	  .detail = "answered SERVFAIL" },
	{ "_acme-challenge.refused.example.net", OWNER, DNS_UNKNOWN, 0, NULL,
	  .detail = "answered REFUSED" },
	{ "_acme-challenge.dead-end.example.net", OWNER, DNS_UNKNOWN, 1,
	  "_acme-challenge.servfail.example.net", .detail = "answered SERVFAIL" },
	{ "_acme-challenge.closed.example", OWNER, DNS_UNKNOWN, 0, NULL,
	  .detail = "refused the connection" },
};

static void chain_case(size_t i)
{
	struct dns_chain c = chain(chains[i].name, chains[i].expected, 8000);
	const char      *final = chains[i].final;

	if (final == NULL)
		final = chains[i].name;
	if (c.outcome != chains[i].outcome || c.hops_count != chains[i].hops ||
	    c.matches_expected != chains[i].matches || c.txt_at_first != chains[i].txt ||
	    c.nxdomain != chains[i].nxdomain || c.loop != chains[i].loop ||
	    c.too_long != chains[i].too_long || strcmp(c.final, final) != 0 ||
	    (chains[i].detail != NULL && strstr(c.detail, chains[i].detail) == NULL))
		fail_msg("%s: %s, %zu hops, final %s, matches %d txt %d nx %d loop %d: %s",
		         chains[i].name, dns_outcome_name(c.outcome), c.hops_count, c.final,
		         c.matches_expected, c.txt_at_first, c.nxdomain, c.loop, c.detail);
	if (c.outcome == DNS_UNKNOWN && !c.loop && !c.too_long)
		CHECK(strstr(c.detail, "127.0.0.1 port ") != NULL); /* who is to blame */
}

TEST(chains_are_followed)
{
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		chain_case(i);
}

TEST(a_black_hole_costs_the_deadline_and_no_more)
{
	static const char *const names[] = { "_acme-challenge.hole.example",
		                             "_acme-challenge.silence.example.net" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int64_t          started_ms = clock_mono_ms();
		struct dns_chain c = chain(names[i], OWNER, 2000);
		int64_t          took_ms = clock_mono_ms() - started_ms;

		CHECK_INT(c.outcome, DNS_UNKNOWN);
		CHECK(took_ms < 2600);
		if (strstr(c.detail, "did not answer within") == NULL ||
		    strstr(c.detail, "127.0.0.1 port") == NULL)
			fail_msg("%s", c.detail);
	}
}

static void *hole_run(void *arg)
{
	uint32_t                       *took_ms = arg;
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_chain                c;
	int64_t                         started_ms = clock_mono_ms();

	if (dns_lookup_chain(s.peer, a, "_acme-challenge.hole.example", "", 1500, &c, NULL) &&
	    c.outcome == DNS_UNKNOWN)
		*took_ms = (uint32_t)(clock_mono_ms() - started_ms);
	return NULL;
}

TEST(slow_lookups_do_not_hold_up_others)
{
	pthread_t threads[6];
	uint32_t  took_ms[6] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK_INT(pthread_create(&threads[i], NULL, hole_run, &took_ms[i]), 0);
	clock_sleep_ms(100);
	int64_t started_ms = clock_mono_ms();
	CHECK_INT(chain("_acme-challenge.good.example.net", OWNER, 5000).outcome, DNS_PRESENT);
	CHECK(clock_mono_ms() - started_ms < 1000);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
		CHECK(took_ms[i] > 0 && took_ms[i] < 2200);
	}
}

TEST(plain_lookups)
{
	struct dns_result r;
	struct err        err = { 0 };
	struct str        value;

	CHECK_OK(dns_lookup(s.peer, s.a, "_acme-challenge.two.example.net", DNS_TXT, 5000, &r,
	                    &err),
	         err);
	CHECK_INT(r.outcome, DNS_PRESENT);
	CHECK_STR(r.canonical, OWNER);
	CHECK_INT(r.rdata_count, 1);
	CHECK(dns_txt_parse(s.a, r.rdata[0], &value) && str_eq(value, STR(VALUE1)));
	CHECK_OK(dns_lookup(s.peer, s.a, OWNER, DNS_CAA, 5000, &r, &err), err);
	if (r.outcome != DNS_ABSENT || r.rcode != DNS_NOERROR)
		fail_msg("%s", r.detail);
	CHECK_OK(dns_lookup(s.peer, s.a, "www." ZONE, DNS_CAA, 5000, &r, &err), err);
	CHECK(r.outcome == DNS_ABSENT && r.rcode == DNS_NXDOMAIN);
	CHECK_OK(dns_lookup(s.peer, s.a, "_acme-challenge.refused.example.net", DNS_TXT, 5000, &r,
	                    &err),
	         err);
	CHECK(r.outcome == DNS_UNKNOWN && strstr(r.detail, "answered REFUSED") != NULL);
}

TEST(authoritative_servers_are_asked_one_by_one)
{
	struct dns_auth r;
	struct err      err = { 0 };

	CHECK_OK(dns_lookup_auth(s.peer, s.a, OWNER, DNS_TXT, 5000, &r, &err), err);
	CHECK_STR(r.zone, ZONE);
	CHECK_INT(r.servers_count, 1);
	CHECK(r.servers[0].answered && r.servers[0].authoritative &&
	      r.servers[0].rcode == DNS_NOERROR);
	CHECK_INT(r.servers[0].values_count, 1);
	CHECK_STR(r.servers[0].values[0], VALUE1);
	CHECK_OK(dns_lookup_auth(s.peer, s.a, "_acme-challenge.good.example.net", DNS_CNAME, 5000,
	                         &r, &err),
	         err);
	CHECK_INT(r.servers[0].values_count, 1);
	CHECK_STR(r.servers[0].values[0], OWNER);
	CHECK_OK(dns_lookup_auth(s.peer, s.a, "x.closed.example", DNS_CNAME, 5000, &r, &err), err);
	CHECK(r.servers_count == 1 && !r.servers[0].answered);
	CHECK(strstr(r.servers[0].detail, "nothing listens") != NULL);
}

TEST(requests_that_are_no_names_are_refused)
{
	struct dns_chain  c;
	struct dns_result r;
	struct err        err = { 0 };

	CHECK(!dns_lookup_chain(s.peer, s.a, "not a name", "", 1000, &c, &err));
	CHECK_INT(err.class, ERR_INPUT);
	CHECK(!dns_lookup(s.peer, s.a, "*.example.net", DNS_TXT, 1000, &r, &err));
	CHECK(!dns_lookup(s.peer, s.a, "example.net", 0, 1000, &r, &err));
	CHECK(resolver_up(s.resolver));
}

TEST(stubs)
{
	struct dns_stub stub;
	struct err      err = { 0 };

	CHECK_OK(dns_stub_parse(STR("Example.TEST=127.53.0.1@5301"), &stub, &err), err);
	CHECK_STR(stub.zone, "example.test");
	CHECK_INT(stub.address.port, 5301);
	CHECK_OK(dns_stub_parse(STR(". = ::1"), &stub, &err), err);
	CHECK_STR(stub.zone, ".");
	CHECK(!dns_stub_parse(STR("example.test"), &stub, &err));
	CHECK(!dns_stub_parse(STR("example.test=localhost"), &stub, &err));
	CHECK(!dns_stub_parse(STR("=127.0.0.1"), &stub, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(chains_are_followed),
		T(a_black_hole_costs_the_deadline_and_no_more),
		T(slow_lookups_do_not_hold_up_others),
		T(plain_lookups),
		T(authoritative_servers_are_asked_one_by_one),
		T(requests_that_are_no_names_are_refused),
		T(stubs),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
