/* Commands arrive as they were sent: over a real channel, each reader beside its writer. */
#include "workflow/command.h"

#include "workflow/issue.h"
#include "workflow/names.h"

#include "test.h"

static char seen[4096];

static void remember(void *ctx UNUSED, struct ipc_request *request)
{
	struct arena        *a = arena_new();
	struct wire          w = wire_of(ipc_request_body(request));
	struct command_who   who = command_who_read(&w, a);
	struct command_reply reply = { .id = "the-id", .order_id = "the-order", .row_version = 7, .problem = "delegation-missing",
		                       .detail = "no record", .hint = "add it" };
	struct buf           out;
	struct err           err = { 0 };

	seen[0] = '\0';
	if (ipc_request_type(request) == COMMAND_CERTIFICATE_ISSUE) {
		struct command_issue c = command_issue_read(&w, a);

		if (!w.failed)
			snprintf(seen, sizeof(seen), "%s %s %s %s %zu %s %s %s %s %zu %s=%s %s %s %s %s %d %d", who.project_id, who.principal,
		         c.certificate_id, c.order_id, c.names_count, c.names[0], c.names[1], c.authority, c.key_type,
		         c.aliases_count, c.aliases[0].name, c.aliases[0].target, c.provider, c.alias_provider, c.connection,
		         c.facade, c.refuse, c.once);
	} else if (ipc_request_type(request) == COMMAND_AUTHORITY_ADD) {
		struct authority x = command_authority_read(&w, a);

		snprintf(seen, sizeof(seen), "%s %s %s %s %s %.*s %s %s", x.id, x.name, x.directory_url, x.email, x.eab_kid,
		         STR_ARG(x.eab_hmac), x.ca_pem, x.allow_addresses);
	} else if (ipc_request_type(request) == COMMAND_CERTIFICATE_SET) {
		struct command_policy c = command_policy_read(&w, a);

		snprintf(seen, sizeof(seen), "%s %d%d %d%d %d%s", c.certificate, c.has_auto_renew, c.auto_renew, c.has_paused, c.paused,
		         c.has_renew_before, c.renew_before);
	} else if (ipc_request_type(request) == COMMAND_CERTIFICATE_EDIT) {
		struct command_edit c = command_edit_read(&w, a);

		snprintf(seen, sizeof(seen), "%s %d%d%d%d %s %zu %s %s %s %s %.*s %s", c.certificate, c.has_fallback, c.has_fallback_after,
		         c.has_csr, c.compromised, c.issue.order_id, c.issue.names_count, c.issue.names_count > 0 ? c.issue.names[0] : "",
		         c.issue.key_policy, c.issue.fallback, c.issue.fallback_after, STR_ARG(c.issue.csr), c.issue.csr_spki);
	} else if (ipc_request_type(request) == COMMAND_ORDER_CANCEL) {
		snprintf(seen, sizeof(seen), "%s", wire_get_c(&w, a));
	} else if (ipc_request_type(request) == COMMAND_TOKEN_ADD) {
		struct token t = command_token_read(&w, a);

		snprintf(seen, sizeof(seen), "%s %s %s %s %.*s %.*s %lld %lld %lld", t.id, t.project_id, t.name, t.role,
		         STR_ARG(t.digest), STR_ARG(t.mac), (long long)t.created_at, (long long)t.expires_at,
		         (long long)t.row_version);
	}
	if (!wire_done(&w, &err)) {
		ipc_reply_err(request, &err);
	} else {
		buf_init(&out, IPC_BODY_MAX);
		command_reply_write(&out, &reply);
		ipc_reply_ok(request, buf_str(&out));
		buf_clear(&out);
	}
	arena_free(a);
}

struct channel {
	struct ipc_server *server;
	struct ipc_peer   *peer;
	struct arena      *a;
};

static struct channel channel_open(void)
{
	struct channel c = { ipc_server_new("worker", 0, remember, NULL), ipc_peer_new("worker", NULL, NULL, NULL), arena_new() };
	struct err     err = { 0 };
	int            ends[2];

	CHECK_OK(ipc_pair(ends, &err), err);
	ipc_server_attach(c.server, 0, ends[0]);
	ipc_peer_attach(c.peer, ends[1]);
	return c;
}

static void channel_close(struct channel *c)
{
	ipc_peer_free(c->peer);
	ipc_server_free(c->server);
	arena_free(c->a);
}

TEST(issue_arrives_whole)
{
	struct channel       c = channel_open();
	struct command_who   who = { "project", "uid:0" };
	const char          *names[] = { "example.test", "*.example.test" };
	struct command_alias alias = { "example.test", "validation.example.org" };
	struct command_issue issue = { .certificate_id = "c1", .order_id = "o1", .names = names, .names_count = 2, .authority = "ca",
		                       .key_type = "p384", .aliases = &alias, .aliases_count = 1, .provider = "builtin",
		                       .alias_provider = "builtin", .connection = "zone", .facade = "{}", .refuse = true };
	struct command_reply reply;
	struct err           err = { 0 };

	CHECK_OK(command_issue(c.peer, c.a, &who, &issue, &reply, &err), err);
	CHECK_STR(seen, "project uid:0 c1 o1 2 example.test *.example.test ca p384 1 example.test=validation.example.org builtin "
	                "builtin zone {} 1 0");
	CHECK_STR(reply.id, "the-id");
	CHECK_STR(reply.order_id, "the-order");
	CHECK_INT(reply.row_version, 7);
	CHECK_STR(reply.problem, "delegation-missing");
	CHECK_STR(reply.hint, "add it");
	channel_close(&c);
}

TEST(authority_and_token_arrive_whole)
{
	struct channel       c = channel_open();
	struct command_who   who = { "project", "uid:0" };
	struct authority     x = { .id = "a1", .name = "ca", .directory_url = "https://ca.example/dir", .email = "ops@example.com",
		                   .eab_kid = "kid", .eab_hmac = STR("sealed"), .ca_pem = "PEM", .allow_addresses = "10.0.0.0/8" };
	struct token         t = { .id = "t1", .project_id = "p1", .name = "ci", .role = "operator", .digest = STR("digest"),
		                   .mac = STR("mac"), .created_at = 1, .expires_at = 2, .row_version = 3 };
	struct command_reply reply;
	struct err           err = { 0 };

	CHECK_OK(command_authority_add(c.peer, c.a, &who, &x, &reply, &err), err);
	CHECK_STR(seen, "a1 ca https://ca.example/dir ops@example.com kid sealed PEM 10.0.0.0/8");
	CHECK_OK(command_token_add(c.peer, c.a, &who, &t, &reply, &err), err);
	CHECK_STR(seen, "t1 p1 ci operator digest mac 1 2 3");
	channel_close(&c);
}

TEST(policy_and_cancel_arrive_whole)
{
	static const struct {
		struct command_policy policy;
		const char           *seen;
	} cases[] = {
		{ { "c1", .renew_before = "" }, "c1 00 00 0" },
		{ { "c1", .has_auto_renew = true, .renew_before = "" }, "c1 10 00 0" },
		{ { "c1", .has_auto_renew = true, .auto_renew = true, .renew_before = "" }, "c1 11 00 0" },
		{ { "c1", .has_paused = true, .paused = true, .renew_before = "" }, "c1 00 11 0" },
		{ { "c1", .has_renew_before = true, .renew_before = "1/3" }, "c1 00 00 11/3" },
	};
	struct channel       c = channel_open();
	struct command_who   who = { "project", "uid:0" };
	struct command_reply reply;
	struct err           err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_OK(command_policy(c.peer, c.a, &who, &cases[i].policy, &reply, &err), err);
		CHECK_STR(seen, cases[i].seen);
	}
	CHECK_OK(command_cancel(c.peer, c.a, &who, "o1", &reply, &err), err);
	CHECK_STR(seen, "o1");
	channel_close(&c);
}

TEST(an_edit_arrives_whole)
{
	static const char *const names[] = { "a.test" };
	struct channel           c = channel_open();
	struct command_who       who = { "project", "uid:0" };
	struct command_edit      edit = { .certificate = "c1", .has_fallback = true, .has_csr = true,
		                          .issue = { .order_id = "o1", .names = names, .names_count = 1, .key_policy = "reuse",
		                                     .fallback = "second", .fallback_after = "2d", .csr = STR("DER"),
		                                     .csr_spki = "hash" } };
	struct command_reply     reply;
	struct err               err = { 0 };

	CHECK_OK(command_edit(c.peer, c.a, &who, &edit, &reply, &err), err);
	CHECK_STR(seen, "c1 1010 o1 1 a.test reuse second 2d DER hash");
	edit = (struct command_edit){ .certificate = "c1", .has_fallback_after = true, .compromised = true, .issue = { .order_id = "o2" } };
	CHECK_OK(command_edit(c.peer, c.a, &who, &edit, &reply, &err), err);
	CHECK_STR(seen, "c1 0101 o2 0      ");
	channel_close(&c);
}

/* More names than a certificate may have never reach the workflow. */
TEST(too_many_names_are_refused)
{
	struct channel       c = channel_open();
	struct command_who   who = { "project", "uid:0" };
	const char          *names[COMMAND_NAMES_MAX + 1];
	struct command_issue issue = { .certificate_id = "c", .order_id = "o", .names = names, .names_count = ARRAY_LEN(names),
		                       .authority = "", .key_type = "", .provider = "", .alias_provider = "", .connection = "",
		                       .facade = "" };
	struct command_reply reply;
	struct err           err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = "example.test";
	CHECK(!command_issue(c.peer, c.a, &who, &issue, &reply, &err));
	CHECK_INT(err.class, ERR_INPUT);
	channel_close(&c);
}

TEST(targets)
{
	static const struct {
		const char *text, *owner; /* NULL: refused */
	} cases[] = {
		{ "validation.example.org", "_acme-challenge.validation.example.org" },
		{ "Validation.Example.ORG.", "_acme-challenge.validation.example.org" },
		{ "_acme-challenge.validation.example.org", "_acme-challenge.validation.example.org" },
		{ "_ACME-Challenge.validation.example.org", "_acme-challenge.validation.example.org" },
		{ "", NULL },
		{ "*.example.org", NULL },
		{ "a..b", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char       owner[NAME_SIZE] = "untouched";
		struct err err = { 0 };
		bool       ok = issue_target(cases[i].text, owner, &err);

		CHECK_INT(ok, cases[i].owner != NULL);
		CHECK_STR(owner, ok ? cases[i].owner : "untouched");
		CHECK(ok || err.class == ERR_INPUT);
	}
}

TEST(names_survive_storing)
{
	struct arena            *a = arena_new();
	const struct identifier *names;
	size_t                   count;
	struct err               err = { 0 };

	CHECK_OK(names_split(a, "example.test *.example.test", &names, &count, &err), err);
	CHECK_INT(count, 2);
	CHECK(names[1].wildcard);
	CHECK_STR(names_join(a, names, count), "example.test *.example.test");
	CHECK(!names_split(a, "exa_mple", &names, &count, &err));
	arena_free(a);
}

TESTS(T(issue_arrives_whole), T(authority_and_token_arrive_whole), T(policy_and_cancel_arrive_whole), T(an_edit_arrives_whole),
      T(too_many_names_are_refused), T(targets),
      T(names_survive_storing))
