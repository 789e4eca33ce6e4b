/*
 * dns/role.c: the messages of the dns role. Changes to the served set are made one after another
 * under one lock and answered after dns_server_publish. A set being loaded (RESET_…) is a second,
 * unpublished line of snapshots; live changes that arrive meanwhile go into both, and what they
 * removed is not loaded again.
 */
#include "dns/role.h"

#include <assert.h>
#include <pthread.h>

#include "base/clock.h"

#define REMOVED_MAX 65536u

struct removed {
	char owner[NAME_SIZE];
	char value[DNS_VALUE_LEN];
};

struct dns_role {
	pthread_mutex_t    lock;
	struct dns_server *server;
	struct ipc_server *ipc;
	uint64_t           sequence;
	struct dns_zones  *loading; /* NULL: no reset under way */
	bool               start_when_loaded;
	struct removed    *removed; /* since RESET_BEGIN */
	size_t             removed_count, removed_max;
};

static void role_seen(void *ctx, const struct dns_seen *seen)
{
	struct dns_role *role = ctx;
	struct buf       b;

	if (role->ipc == NULL)
		return;
	buf_init(&b, 1024);
	dns_seen_write(&b, seen);
	ipc_server_push(role->ipc, 0, DNS_ROLE_SEEN, buf_str(&b));
	buf_clear(&b);
}

bool dns_role_new(const struct dns_zones_config  *config,
                  const struct dns_server_config *server_config, struct dns_role **ret,
                  struct err *err)
{
	struct dns_server_config with = *server_config;
	struct dns_zones        *zones;

	if (!dns_zones_new(config, &zones, err))
		return false;
	struct dns_role *role = calloc(1, sizeof(*role));
	assert(role != NULL);
	pthread_mutex_init(&role->lock, NULL);
	/* Goes on growing over restarts, as long as there is less than one change per millisecond. */
	role->sequence = (uint64_t)clock_now_ms();
	dns_zones_set_sequence(zones, role->sequence);
	with.on_seen = role_seen;
	with.ctx = role;
	role->server = dns_server_new(&with, zones);
	*ret = role;
	return true;
}

void dns_role_start_when_loaded(struct dns_role *role)
{
	role->start_when_loaded = true;
}

void dns_role_stop(struct dns_role *role)
{
	pthread_mutex_lock(&role->lock);
	role->start_when_loaded = false;
	dns_server_stop(role->server);
	pthread_mutex_unlock(&role->lock);
}

void dns_role_free(struct dns_role *role)
{
	if (role == NULL)
		return;
	dns_server_free(role->server);
	dns_zones_free(role->loading);
	free(role->removed);
	pthread_mutex_destroy(&role->lock);
	free(role);
}

struct dns_server *dns_role_server(struct dns_role *role)
{
	return role->server;
}

void dns_role_attach(struct dns_role *role, struct ipc_server *ipc)
{
	role->ipc = ipc;
}

/* A change of the set being loaded; nobody reads it yet. */
static bool loading_change(struct dns_role *role, enum dns_change change, struct str owner,
                           struct str value, struct err *err)
{
	struct dns_zones *old = role->loading;

	if (!dns_zones_change(old, change, owner, value, &role->loading, err))
		return false;
	if (role->loading != old)
		dns_zones_free(old);
	return true;
}

static bool removed_add(struct dns_role *role, struct str owner, struct str value, struct err *err)
{
	if (role->removed_count == REMOVED_MAX)
		return err_set(err, ERR_TEMPORARY,
		               "too many removals while the set is being loaded");
	if (role->removed_count == role->removed_max) {
		role->removed_max = role->removed_max == 0 ? 64 : 2 * role->removed_max;
		role->removed = realloc(role->removed, role->removed_max * sizeof(*role->removed));
		assert(role->removed != NULL);
	}
	struct removed *r = &role->removed[role->removed_count];
	if (!owner_parse(owner, r->owner, err))
		return false;
	assert(value.len == DNS_VALUE_LEN); /* dns_zones_check looked */
	memcpy(r->value, value.ptr, DNS_VALUE_LEN);
	role->removed_count++;
	return true;
}

static bool removed_has(const struct dns_role *role, struct str owner, struct str value)
{
	char text[NAME_SIZE];

	if (role->removed_count == 0 || value.len != DNS_VALUE_LEN ||
	    !owner_parse(owner, text, NULL))
		return false;
	for (size_t i = 0; i < role->removed_count; i++)
		if (memcmp(role->removed[i].value, value.ptr, DNS_VALUE_LEN) == 0 &&
		    strcmp(role->removed[i].owner, text) == 0)
			return true;
	return false;
}

/* A value added again is not "removed" any more. */
static void removed_forget(struct dns_role *role, struct str owner, struct str value)
{
	char text[NAME_SIZE];

	if (role->removed_count == 0 || !owner_parse(owner, text, NULL))
		return;
	for (size_t i = role->removed_count; i-- > 0;)
		if (memcmp(role->removed[i].value, value.ptr, DNS_VALUE_LEN) == 0 &&
		    strcmp(role->removed[i].owner, text) == 0)
			role->removed[i] = role->removed[--role->removed_count];
}

static bool role_change(struct dns_role *role, enum dns_change change, struct wire *w,
                        struct err *err)
{
	struct str        owner = wire_get_str(w), value = wire_get_str(w);
	struct dns_zones *old = dns_server_zones(role->server), *zones;

	if (!wire_done(w, err))
		return false;
	/* What cannot be served is not there: a zone may have left the configuration before its last cleanup. */
	if (change == DNS_CHANGE_REMOVE && !dns_zones_check(old, owner, value, NULL))
		return true;
	if (role->loading != NULL) {
		if (!dns_zones_check(old, owner, value, err) ||
		    !loading_change(role, change, owner, value, err))
			return false;
		if (change == DNS_CHANGE_ADD)
			removed_forget(role, owner, value);
		else if (!removed_add(role, owner, value, err))
			return false;
	}
	if (!dns_zones_change(old, change, owner, value, &zones, err))
		return false;
	if (zones == old)
		return true;
	dns_zones_set_sequence(zones, ++role->sequence);
	dns_server_publish(role->server, zones);
	return true;
}

static void loading_end(struct dns_role *role)
{
	free(role->removed);
	role->removed = NULL;
	role->removed_count = role->removed_max = 0;
	role->loading = NULL;
}

static bool reset_begin(struct dns_role *role)
{
	dns_zones_free(role->loading); /* a worker that died in the middle of its own */
	loading_end(role);
	role->loading = dns_zones_empty(dns_server_zones(role->server));
	return true;
}

static bool reset_add(struct dns_role *role, struct wire *w, struct err *err)
{
	uint32_t count = wire_get_u32(w);

	if (role->loading == NULL)
		return err_set(err, ERR_CONFLICT, "no set is being loaded");
	for (uint32_t i = 0; i < count && !w->failed; i++) {
		struct str owner = wire_get_str(w), value = wire_get_str(w);
		if (w->failed)
			break;
		/* One value of a zone that left the configuration must not keep all others from being served. */
		if (!dns_zones_check(role->loading, owner, value, NULL) ||
		    removed_has(role, owner, value))
			continue;
		if (!loading_change(role, DNS_CHANGE_ADD, owner, value, err))
			return false;
	}
	return wire_done(w, err);
}

static bool reset_end(struct dns_role *role, struct err *err)
{
	if (role->loading == NULL)
		return err_set(err, ERR_CONFLICT, "no set is being loaded");
	dns_zones_set_sequence(role->loading, ++role->sequence);
	dns_server_publish(role->server, role->loading);
	loading_end(role);
	if (!role->start_when_loaded)
		return true;
	role->start_when_loaded = false;
	return dns_server_start(role->server, err);
}

static bool role_answer(struct dns_role *role, uint32_t type, struct str body, struct buf *answer,
                        struct err *err)
{
	struct wire w = wire_of(body);
	bool        done = false;

	switch (type) {
	case DNS_ROLE_RESET_BEGIN: done = wire_done(&w, err) && reset_begin(role); break;
	case DNS_ROLE_RESET_ADD: done = reset_add(role, &w, err); break;
	case DNS_ROLE_RESET_END: done = wire_done(&w, err) && reset_end(role, err); break;
	case DNS_ROLE_ADD: done = role_change(role, DNS_CHANGE_ADD, &w, err); break;
	case DNS_ROLE_REMOVE: done = role_change(role, DNS_CHANGE_REMOVE, &w, err); break;
	case DNS_ROLE_HAS: {
		struct str owner = wire_get_str(&w), value = wire_get_str(&w);
		if (!wire_done(&w, err))
			return false;
		wire_put_bool(answer, dns_zones_has(dns_server_zones(role->server), owner, value));
		return true;
	}
	default: return err_set(err, ERR_INPUT, "the dns role does not know message %u", type);
	}
	if (done)
		wire_put_u64(answer, role->sequence);
	return done;
}

void dns_role_handle(void *ctx, struct ipc_request *request)
{
	struct dns_role *role = ctx;
	struct err       err = { 0 };
	struct buf       answer;

	buf_init(&answer, 64);
	pthread_mutex_lock(&role->lock);
	bool done = role_answer(role, ipc_request_type(request), ipc_request_body(request), &answer,
	                        &err);
	pthread_mutex_unlock(&role->lock);
	if (done)
		ipc_reply_ok(request, buf_str(&answer));
	else
		ipc_reply_err(request, &err);
	buf_clear(&answer);
}
