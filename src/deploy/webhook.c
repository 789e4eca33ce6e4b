/*
 * deploy/webhook.c: see the header. The body has the members of CertMate's default message, so that its receivers read
 * ours; what is new stands in `details`.
 */
#include "deploy/webhook.h"

#include "base/clock.h"
#include "base/encode.h"
#include "keeper/keeper.h"

static const struct {
	const char *event, *sent, *title;
} events[] = {
	{ "created", "certificate_created", "Certificate issued" },
	{ "renewed", "certificate_renewed", "Certificate renewed" },
	{ "manual", "certificate_deploy_manual", "Certificate delivered by hand" },
};

static json_t *names_json(const char *names)
{
	json_t    *array = json_array();
	struct str rest = str_c(names), name;

	while (str_next(&rest, ' ', &name))
		if (name.len > 0)
			json_array_append_new(array, json_stringn(name.ptr, name.len));
	return array;
}

const char *webhook_body(struct arena *a, const struct webhook_message *m, int64_t now_ms)
{
	AUTO(json_freep) json_t *json = json_object();
	json_t                  *details = json_object();
	char                     text[CLOCK_RFC3339_SIZE];
	size_t                   at = 0;

	while (at + 1 < ARRAY_LEN(events) && strcmp(events[at].event, m->delivery->event) != 0)
		at++;
	json_put_str(json, "event", m->delivery->dry_run ? "test" : events[at].sent);
	json_put_str(json, "title", events[at].title);
	json_put_str(json, "message", arena_printf(a, "%s: version %lld, valid until %s", m->certificate_name,
	                                           (long long)m->delivery->number, clock_rfc3339(m->leaf->not_after_ms, text)));
	json_put_str(details, "domain", m->certificate_name);
	json_put(details, "names", names_json(m->names));
	json_put_str(details, "deployment", m->deployment->name);
	json_put_str(details, "certificate_id", m->delivery->certificate_id);
	json_put_int(details, "version", m->delivery->number);
	json_put_str(details, "serial", m->leaf->serial);
	json_put_str(details, "fingerprint_sha256", m->leaf->sha256);
	json_put_str(details, "not_before", clock_rfc3339(m->leaf->not_before_ms, text));
	json_put_str(details, "not_after", clock_rfc3339(m->leaf->not_after_ms, text));
	json_put(json, "details", details);
	json_put_str(json, "timestamp", clock_rfc3339(now_ms / 1000 * 1000, text));
	return json_write(a, json);
}

static bool sign(struct ipc_peer *keeper, struct arena *a, const struct webhook_post *post, int64_t at_s, const char **ret,
                 struct err *err)
{
	uint8_t mac[ROW_MAC_SIZE];

	if (!keeper_webhook_sign(keeper, &post->secret_id, post->secret, at_s, post->body, mac, err))
		return false;
	*ret = arena_printf(a, "t=%lld,v1=%s", (long long)at_s, hex_encode(a, str_of(mac, sizeof(mac))));
	return true;
}

static bool judge(int status, const char *url, struct err *err)
{
	bool again = status == 408 || status == 425 || status == 429 || status >= 500;

	if (status >= 200 && status < 300)
		return true;
	return err_problem(err, again ? ERR_TEMPORARY : ERR_PERMANENT, "refused", "%s answered %d", url, status);
}

bool webhook_post(struct http_client *http, struct ipc_peer *keeper, struct arena *a, const struct webhook_post *post,
                  int *ret_status, struct err *err)
{
	struct http_header  headers[3] = { { post->id_header, post->id } };
	struct http_request request = { .method = HTTP_POST, .url = post->url, .body = post->body, .content_type = "application/json",
		                        .headers = headers, .headers_count = 1, .ca_pem = str_c(post->ca_pem), .allowed = post->allowed,
		                        .allowed_count = post->allowed_count, .total_timeout_ms = (uint32_t)post->timeout_s * 1000 };
	struct http_response response;
	const char          *signature;

	if (post->secret.len > 0) {
		if (!sign(keeper, a, post, clock_now_ms() / 1000, &signature, err))
			return false;
		headers[request.headers_count++] = (struct http_header){ "X-Reeve-Signature", signature };
		headers[request.headers_count++] = (struct http_header){ "X-CertMate-Signature", signature };
	}
	if (!http_perform(http, &request, a, &response, err)) {
		/* The door's words are made for CAs. */
		if (err != NULL && strncmp(err->problem, "ca-", 3) == 0)
			snprintf(err->problem, sizeof(err->problem), "unavailable");
		return false;
	}
	*ret_status = response.status;
	return judge(response.status, post->url, err);
}

bool webhook_send(struct http_client *http, struct ipc_peer *keeper, struct arena *a, const struct deploy_settings *s,
                  const struct webhook_message *m, struct err *err)
{
	const struct deployment *d = m->deployment;
	struct webhook_post      post = { .url = s->url, .ca_pem = s->ca_pem, .allowed = s->cidrs, .allowed_count = s->cidrs_count,
		                          .timeout_s = s->timeout_s, .id_header = "X-Reeve-Delivery", .id = m->delivery->id,
		                          .secret_id = { d->project_id, KEEPER_COLUMN_WEBHOOK, d->id, d->row_version },
		                          .secret = d->secret, .body = str_c(webhook_body(a, m, clock_now_ms())) };
	int                      status;

	return webhook_post(http, keeper, a, &post, &status, err);
}
