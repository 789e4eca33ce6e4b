/*
 * acme/challenge.c: a token is the one thing of a CA that ends up in somebody's zone, hashed: its alphabet is
 * checked here and nowhere else.
 */
#include "acme/challenge.h"

#include <assert.h>

#include "acme/answer.h"
#include "base/encode.h"
#include "crypto/sha256.h"

static const char *const statuses[ACME_CHALLENGE__COUNT] = { "pending", "processing", "valid", "invalid" };

bool acme_base64url(struct str text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return text.len >= 1 && text.len <= max;
}

bool acme_challenge_read(struct arena *a, const struct json_t *object, struct acme_challenge *ret, struct err *err)
{
	struct acme_challenge challenge = { 0 };
	const char           *type = json_str(object, "type"), *token = json_str(object, "token");
	unsigned              status;

	if (type == NULL || type[0] == '\0' || strlen(type) > 64)
		return acme_nonsense(err, "challenge: no type");
	challenge.type = acme_text(a, type, 64);
	if (!acme_answer_url(a, "challenge", object, "url", &challenge.url, err) ||
	    !acme_answer_status("challenge", object, statuses, ARRAY_LEN(statuses), &status, err))
		return false;
	challenge.status = (enum acme_challenge_status)status;
	if (token != NULL && acme_base64url(str_c(token), ACME_TOKEN_MAX))
		challenge.token = arena_strdup(a, token);
	if (challenge.token == NULL && strcmp(type, "dns-01") == 0)
		return acme_nonsense(err, "challenge: dns-01 without a token of 1 to %d base64url characters",
		                     ACME_TOKEN_MAX);
	if (json_is_object(json_object_get(object, "error"))) {
		challenge.error = arena_alloc(a, sizeof(*challenge.error));
		acme_problem_read(a, json_object_get(object, "error"), challenge.error);
	}
	*ret = challenge;
	return true;
}

bool acme_challenge_parse(struct arena *a, struct str body, struct acme_challenge *ret, struct err *err)
{
	AUTO(json_freep) json_t *json = NULL;

	return acme_answer_read("challenge", body, &json, err) && acme_challenge_read(a, json, ret, err);
}

const char *acme_key_authorization(struct arena *a, const char *token, const char *thumbprint)
{
	assert(acme_base64url(str_c(token), ACME_TOKEN_MAX));
	assert(acme_base64url(str_c(thumbprint), ACME_THUMBPRINT_SIZE - 1));
	return arena_printf(a, "%s.%s", token, thumbprint);
}

void acme_dns01_value(const char *token, const char *thumbprint, char ret[static ACME_DNS01_SIZE])
{
	AUTO(arena_freep) struct arena *a = arena_new();
	uint8_t digest[SHA256_SIZE];

	sha256(str_c(acme_key_authorization(a, token, thumbprint)), digest);
	snprintf(ret, ACME_DNS01_SIZE, "%s", b64url_encode(a, str_of(digest, sizeof(digest))));
}

const char *acme_challenge_status_name(enum acme_challenge_status status)
{
	assert((unsigned)status < ACME_CHALLENGE__COUNT);
	return statuses[status];
}
