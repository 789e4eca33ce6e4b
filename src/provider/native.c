/* provider/native.c: the table of native providers, and what they share. */
#include "provider/native.h"

#include "base/rand.h"
#include "dns/exchange.h"

#define LOOK_MS 5000u

static const struct native *const natives[] = {
	&native_acme_dns, &native_exec, &native_manual, &native_rfc2136,
};

const struct native *native_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(natives); i++)
		if (strcmp(natives[i]->id, id) == 0)
			return natives[i];
	return NULL;
}

const char *native_text(const struct run *run, const char *name)
{
	struct str text = vars_text(&run->vars, name);

	return text.len > 0 ? text.ptr : "";
}

bool native_zone_configured(struct run *run, const struct provider_value *value, struct err *err)
{
	if (!name_in_zone(value->owner, value->zone))
		return err_problem(err, ERR_INPUT, "invalid-request", "%s is not in the zone %s", value->owner, value->zone);
	vars_set(&run->vars, "zone", str_c(value->zone));
	return true;
}

bool native_post(struct run *run, const char *path, json_t *body, enum recipe_reads reads, bool auth, struct answer *ret, struct err *err)
{
	const struct recipe_step step = { .where = path, .method = body != NULL ? HTTP_POST : HTTP_GET, .url = path,
		                          .body = body != NULL ? BODY_JSON : BODY_NONE, .json = body, .auth = auth,
		                          .reads = reads };

	if (body != NULL)
		json_array_append_new(run->kept, body);
	return run_step(run, &step, ret, err) && (ret->means == MEANS_OK || run_refused(run, ret, err));
}

bool native_served(struct run *run, const char *server, const struct provider_value *value, bool *ret, struct err *err)
{
	uint8_t             bytes[DNS_EDNS_UDP];
	struct dns_exchange x = { .server = server, .allowed = run->account->allowed, .allowed_count = run->account->allowed_count,
		                  .timeout_ms = LOOK_MS };
	struct dns_question q = { .type = DNS_TXT, .class = DNS_IN };
	struct dns_exchanged answer;
	struct dns_writer    w;

	if (!dns_name_parse(str_c(value->owner), &q.name))
		return err_problem(err, ERR_INPUT, "invalid-name", "\"%s\" is no name", value->owner);
	dns_write_begin(&w, bytes, sizeof(bytes), (uint16_t)rand_u64(), 0);
	dns_write_question(&w, &q);
	x.request = str_of(bytes, w.len);
	if (!dns_exchange(run->arena, &x, &answer, err))
		return false;
	if ((answer.message.flags & DNS_AA) == 0)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "%s does not answer for %s with authority", server, value->owner);
	*ret = dns_message_has_txt(run->arena, &answer.message, &q.name, str_c(value->value));
	return true;
}
