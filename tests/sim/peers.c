/*
 * peers.c: the channels of the worker, without sockets: it replaces base/ipc_peer.c and base/ipc_server.c in the link.
 *
 * A call is a few milliseconds of waiting, the handler of the real keeper, dns role or worker, and a few more; before and
 * after it the answer may be lost. The resolver alone is a model: a table of CNAMEs that may be stale or silent.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/wire.h"
#include "dns/protocol.h"
#include "dns/role.h"
#include "keeper/keeper.h"
#include "keeper/server.h"
#include "workflow/engine.h"
#include "world.h"

#define CNAMES_MAX 16384

struct ipc_peer {
	char        name[32];
	ipc_push_fn on_push;
	ipc_up_fn   on_up;
	void       *ctx;
};

struct ipc_server {
	ipc_handle_fn handle;
	void         *ctx;
};

struct ipc_request {
	uint32_t      type;
	struct str    body;
	struct arena *a;
	bool          answered, ok;
	struct str    answer;
	struct err    err;
};

static struct cname {
	const char *name, *target;
} cnames[CNAMES_MAX];
static struct ipc_server *dns_server;

/* ---- base/ipc.h: the answering side ---- */

struct ipc_server *ipc_server_new(const char *name UNUSED, unsigned threads UNUSED, ipc_handle_fn handle, void *ctx)
{
	struct ipc_server *s = calloc(1, sizeof(*s));

	assert(s != NULL);
	s->handle = handle;
	s->ctx = ctx;
	return s;
}

void ipc_server_free(struct ipc_server *server)
{
	free(server);
}

void ipc_server_push(struct ipc_server *server UNUSED, int channel UNUSED, uint32_t type UNUSED, struct str body UNUSED)
{
}

uint32_t ipc_request_type(const struct ipc_request *r)
{
	return r->type;
}

struct str ipc_request_body(const struct ipc_request *r)
{
	return r->body;
}

int ipc_request_channel(const struct ipc_request *r UNUSED)
{
	return 0;
}

int ipc_request_take_fd(struct ipc_request *r UNUSED)
{
	return -1;
}

void ipc_reply_ok(struct ipc_request *r, struct str body)
{
	assert(!r->answered);
	r->answered = r->ok = true;
	r->answer = arena_dup(r->a, body);
}

void ipc_reply_err(struct ipc_request *r, const struct err *err)
{
	assert(!r->answered);
	r->answered = true;
	r->err = *err;
}

/* ---- the resolver ---- */

static struct cname *cname_slot(const char *name)
{
	size_t at = crc32_update(0, str_c(name)) % CNAMES_MAX;

	while (cnames[at].name != NULL && strcmp(cnames[at].name, name) != 0)
		at = (at + 1) % CNAMES_MAX;
	return &cnames[at];
}

const char *zone_cname(const char *name)
{
	return cname_slot(name)->target;
}

void zone_set_cname(const char *name, const char *target)
{
	struct cname *c = cname_slot(name);

	if (c->name == NULL)
		c->name = arena_strdup(world.arena, name);
	c->target = arena_strdup(world.arena, target);
}

static void look_up(struct ipc_request *r)
{
	struct wire      w = wire_of(r->body);
	const char      *name = wire_get_c(&w, r->a), *expected = wire_get_c(&w, r->a), *target = zone_cname(name);
	struct dns_chain c = { .outcome = DNS_ABSENT, .final = name, .detail = "simulated", .nxdomain = true };
	struct buf       b;

	assert(r->type == DNS_LOOKUP_CHAIN);
	if (sim_fault(world.plan.lookup_unknown)) {
		c.outcome = DNS_UNKNOWN;
	} else if (target != NULL && !sim_fault(world.plan.lookup_absent)) {
		c.outcome = DNS_PRESENT;
		c.hops = &target;
		c.hops_count = 1;
		c.final = target;
		c.matches_expected = strcmp(target, expected) == 0;
	}
	sim_trace("look-up of %s: %s", name, dns_outcome_name(c.outcome));
	buf_init(&b, IPC_BODY_MAX);
	dns_chain_write(&b, &c);
	ipc_reply_ok(r, buf_str(&b));
	buf_clear(&b);
}

/* ---- the dns role ---- */

bool dns_serves(const char *owner, const char *value)
{
	return dns_zones_has(dns_server_zones(dns_role_server(world.dns)), str_c(owner), str_c(value));
}

static void ask_dns(struct ipc_request *r)
{
	if (r->type == DNS_ROLE_ADD || r->type == DNS_ROLE_REMOVE) {
		struct wire w = wire_of(r->body);
		const char *owner = wire_get_c(&w, r->a), *value = wire_get_c(&w, r->a);

		sim_trace("dns: %s %.8s at %s", r->type == DNS_ROLE_ADD ? "add" : "remove", value, owner);
		if (r->type == DNS_ROLE_ADD)
			check_publish(owner, value);
		else
			check_remove(owner, value);
	}
	dns_server->handle(dns_server->ctx, r);
	if (r->type == DNS_ROLE_RESET_END && r->ok) {
		world.dns_loaded = true;
		sim_trace("dns: loaded");
	}
}

static void dns_make(void)
{
	struct dns_zones_config  zones = { .zones_count = 1 };
	struct dns_server_config server = { 0 };
	struct err               err = { 0 };

	snprintf(zones.zones[0], sizeof(zones.zones[0]), "%s", SIM_ZONE);
	if (!dns_role_new(&zones, &server, &world.dns, &err))
		sim_violation("set-up", "%s", err.text);
	ipc_server_free(dns_server);
	dns_server = ipc_server_new("dns", 0, dns_role_handle, world.dns);
	world.dns_loaded = false;
}

static void peer_up(void *arg)
{
	struct ipc_peer *peer = arg;

	peer->on_up(peer->ctx);
}

void peers_dns_restart(void)
{
	dns_role_free(world.dns);
	dns_make();
	world.dns_restarts++;
	sim_trace("dns: restarted");
	if (world.worker != NULL)
		fiber_start(world.process, peer_up, worker_dns(world.worker), "dns up");
}

void dns_was_asked(const char *owner)
{
	struct dns_seen  seen = { .network = "192.0.2.0/24", .values = 1 };
	static struct ipc_frame frame;
	struct buf       b;

	if (world.worker == NULL || !world.dns_loaded)
		return;
	snprintf(seen.owner, sizeof(seen.owner), "%s", owner);
	buf_init(&b, IPC_BODY_MAX);
	dns_seen_write(&b, &seen);
	frame.type = DNS_ROLE_SEEN;
	frame.len = b.len;
	memcpy(frame.body, b.ptr, b.len);
	buf_clear(&b);
	seen_push(world.worker, &frame);
}

/* ---- the keeper ---- */

static void ask_keeper(struct ipc_request *r)
{
	struct call call = { .channel = KEEPER_CHANNEL_WORKER, .in = wire_of(r->body), .fd = -1, .arena = r->a };
	struct err  err = { 0 };

	buf_init(&call.out, IPC_BODY_MAX);
	if (keeper_answer(world.keeper, r->type, &call, &err))
		ipc_reply_ok(r, buf_str(&call.out));
	else
		ipc_reply_err(r, &err);
	buf_wipe(&call.out);
}

/* ---- base/ipc.h: the asking side ---- */

struct ipc_peer *ipc_peer_new(const char *name, ipc_push_fn on_push, ipc_up_fn on_up, void *ctx)
{
	struct ipc_peer *peer = calloc(1, sizeof(*peer));

	assert(peer != NULL);
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->on_push = on_push;
	peer->on_up = on_up;
	peer->ctx = ctx;
	return peer;
}

void ipc_peer_free(struct ipc_peer *peer)
{
	free(peer);
}

void peers_worker_up(struct worker *w)
{
	fiber_start(world.process, peer_up, worker_keeper(w), "keeper up");
	fiber_start(world.process, peer_up, worker_dns(w), "dns up");
}

static bool lost(const struct ipc_peer *peer, const char *when, struct err *err)
{
	world.lost++;
	sim_trace("%s: lost %s it acted", peer->name, when);
	return err_problem(err, ERR_TEMPORARY, "unavailable", "the %s was restarted", peer->name);
}

/* The worker's command handler runs in the worker's process, which may end under it. */
struct command_call {
	struct ipc_request *r;
	bool                done;
};

static void run_command(void *arg)
{
	struct command_call *c = arg;

	command_handle(world.worker, c->r);
	c->done = true;
}

static bool ask_worker(struct ipc_request *r, struct err *err)
{
	struct command_call *c = arena_alloc(r->a, sizeof(*c));
	unsigned             process = world.process;

	while (world.worker == NULL || !worker_open(world.worker)) {
		fiber_sleep(100);
		process = world.process;
	}
	c->r = r;
	fiber_start(process, run_command, c, "command");
	while (!c->done && world.process == process)
		fiber_sleep(5);
	return c->done || err_problem(err, ERR_TEMPORARY, "unavailable", "the worker was restarted");
}

bool ipc_peer_call(struct ipc_peer *peer, uint32_t type, struct str body, int pass_fd UNUSED, uint32_t timeout_ms UNUSED,
                   struct arena *a, struct str *ret, struct err *err)
{
	struct ipc_request r = { .type = type, .body = body, .a = a };
	bool               faulty = peer->name[0] == 'd' || peer->name[0] == 'k';

	if (strcmp(peer->name, "worker") == 0) {
		/* It outlives us when it ends first. */
		struct ipc_request *kept = arena_alloc(world.arena, sizeof(*kept));

		*kept = (struct ipc_request){ .type = type, .body = arena_dup(world.arena, body), .a = world.arena };
		if (!ask_worker(kept, err))
			return false;
		r = *kept;
	} else {
		fiber_sleep((int64_t)sim_below(3));
		if (faulty && sim_fault(world.plan.peer_lost))
			return lost(peer, "before", err);
		if (sim_fault(world.plan.dns_restart))
			peers_dns_restart();
		fiber_shield(1);
		if (strcmp(peer->name, "keeper") == 0)
			ask_keeper(&r);
		else if (strcmp(peer->name, "dns role") == 0)
			ask_dns(&r);
		else if (strcmp(peer->name, "resolver") == 0)
			look_up(&r);
		fiber_shield(-1);
		fiber_sleep((int64_t)sim_below(3));
		if (faulty && sim_fault(world.plan.peer_lost))
			return lost(peer, "after", err);
	}
	assert(r.answered);
	if (r.ok)
		*ret = r.answer;
	else
		*err = r.err;
	return r.ok;
}

void peers_start(void)
{
	dns_make();
	world.api = ipc_peer_new("worker", NULL, NULL, NULL);
}
