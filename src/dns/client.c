/*
 * dns/client.c: the worker's side of the dns and the resolver role. A change waits long enough for
 * the role to be restarted once; a look-up a little longer than its own deadline.
 */
#include "dns/client.h"

#define CHANGE_TIMEOUT_MS 5000u

static bool call(struct ipc_peer *peer, uint32_t type, const struct buf *body, uint32_t timeout_ms,
                 struct arena *a, struct str *ret, struct err *err)
{
	if (body->failed)
		return err_set(err, ERR_INPUT, "the names are too long");
	return ipc_peer_call(peer, type, buf_str(body), -1, timeout_ms, a, ret, err);
}

static bool change(struct ipc_peer *dns, uint32_t type, const struct buf *body,
                   uint64_t *ret_sequence, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      answer;

	if (!call(dns, type, body, CHANGE_TIMEOUT_MS, a, &answer, err))
		return err_in(err, "validation zone");
	struct wire w = wire_of(answer);
	uint64_t    sequence = wire_get_u64(&w);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the validation zone");
	if (ret_sequence != NULL)
		*ret_sequence = sequence;
	return true;
}

static void put_pair(struct buf *b, const char *owner, const char *value)
{
	buf_init(b, IPC_BODY_MAX);
	wire_put_c(b, owner);
	wire_put_c(b, value);
}

bool dns_client_add(struct ipc_peer *dns, const char *owner, const char *value,
                    uint64_t *ret_sequence, struct err *err)
{
	AUTO(buf_clear) struct buf b;

	put_pair(&b, owner, value);
	return change(dns, DNS_ROLE_ADD, &b, ret_sequence, err);
}

bool dns_client_remove(struct ipc_peer *dns, const char *owner, const char *value,
                       uint64_t *ret_sequence, struct err *err)
{
	AUTO(buf_clear) struct buf b;

	put_pair(&b, owner, value);
	return change(dns, DNS_ROLE_REMOVE, &b, ret_sequence, err);
}

bool dns_client_has(struct ipc_peer *dns, const char *owner, const char *value, bool *ret,
                    struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_clear) struct buf      b;
	struct str                      answer;

	put_pair(&b, owner, value);
	if (!call(dns, DNS_ROLE_HAS, &b, CHANGE_TIMEOUT_MS, a, &answer, err))
		return err_in(err, "validation zone");
	struct wire w = wire_of(answer);
	bool        has = wire_get_bool(&w);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the validation zone");
	*ret = has;
	return true;
}

/* As many pairs as fit one frame, from *at on. */
static void reset_frame(struct buf *b, const struct dns_value *values, size_t count, size_t *at)
{
	size_t first = *at, bytes = 4;

	while (*at < count) {
		size_t pair = 8 + strlen(values[*at].owner) + strlen(values[*at].value);
		if (*at > first && bytes + pair > IPC_BODY_MAX)
			break;
		bytes += pair;
		(*at)++;
	}
	wire_put_u32(b, (uint32_t)(*at - first));
	for (size_t i = first; i < *at; i++) {
		wire_put_c(b, values[i].owner);
		wire_put_c(b, values[i].value);
	}
}

bool dns_client_reset(struct ipc_peer *dns, const struct dns_value *values, size_t count,
                      uint64_t *ret_sequence, struct err *err)
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	if (!change(dns, DNS_ROLE_RESET_BEGIN, &b, NULL, err))
		return false;
	for (size_t at = 0; at < count;) {
		buf_reset(&b);
		reset_frame(&b, values, count, &at);
		if (!change(dns, DNS_ROLE_RESET_ADD, &b, NULL, err))
			return false;
	}
	buf_reset(&b);
	return change(dns, DNS_ROLE_RESET_END, &b, ret_sequence, err);
}

bool dns_client_seen(const struct ipc_frame *frame, struct dns_seen *ret)
{
	return frame->type == DNS_ROLE_SEEN &&
	       dns_seen_read(str_of(frame->body, frame->len), ret, NULL);
}

/* ---- resolver ---- */

static bool look(struct ipc_peer *resolver, uint32_t type, const struct buf *body,
                 uint32_t deadline_ms, struct arena *a, struct str *ret, struct err *err)
{
	if (deadline_ms > DNS_DEADLINE_MAX_MS)
		deadline_ms = DNS_DEADLINE_MAX_MS;
	return call(resolver, type, body, deadline_ms + 500, a, ret, err) ||
	       err_in(err, "resolver");
}

static void put_question(struct buf *b, const char *name, uint16_t qtype, uint32_t deadline_ms)
{
	buf_init(b, IPC_BODY_MAX);
	wire_put_c(b, name);
	wire_put_u32(b, qtype);
	wire_put_u32(b, deadline_ms);
}

bool dns_lookup_chain(struct ipc_peer *resolver, struct arena *a, const char *name,
                      const char *expected, uint32_t deadline_ms, struct dns_chain *ret,
                      struct err *err)
{
	AUTO(buf_clear) struct buf b;
	struct str                 answer;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, name);
	wire_put_c(&b, expected);
	wire_put_u32(&b, deadline_ms);
	return look(resolver, DNS_LOOKUP_CHAIN, &b, deadline_ms, a, &answer, err) &&
	       dns_chain_read(a, answer, ret, err);
}

bool dns_lookup(struct ipc_peer *resolver, struct arena *a, const char *name, uint16_t qtype,
                uint32_t deadline_ms, struct dns_result *ret, struct err *err)
{
	AUTO(buf_clear) struct buf b;
	struct str                 answer;

	put_question(&b, name, qtype, deadline_ms);
	return look(resolver, DNS_LOOKUP, &b, deadline_ms, a, &answer, err) &&
	       dns_result_read(a, answer, ret, err);
}

bool dns_lookup_auth(struct ipc_peer *resolver, struct arena *a, const char *name, uint16_t qtype,
                     uint32_t deadline_ms, struct dns_auth *ret, struct err *err)
{
	AUTO(buf_clear) struct buf b;
	struct str                 answer;

	put_question(&b, name, qtype, deadline_ms);
	return look(resolver, DNS_LOOKUP_AUTH, &b, deadline_ms, a, &answer, err) &&
	       dns_auth_read(a, answer, ret, err);
}
