/*
 * crypto/jws.c: JWS assembled from parts whose alphabets need no escaping. What may be signed is decided by the
 * keeper; here is only how.
 */
#include "crypto/jws.h"

#include <assert.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/hmac.h"
#include "crypto/ossl.h"

#define JWS_TEXT_MAX    2048u
#define JWS_PAYLOAD_MAX (48 * KIB)
#define JWS_MAX         (96 * KIB)

/* Printable ASCII that stands in a JSON string as it is. */
static bool text_check(const char *what, const char *s, struct err *err)
{
	size_t len = strlen(s);

	if (len == 0 || len > JWS_TEXT_MAX)
		return err_set(err, ERR_INPUT, "the %s of a JWS has %zu bytes; it may have 1 to %u", what, len,
		               JWS_TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\')
			return err_set(err, ERR_INPUT, "the %s of a JWS has a byte that is not permitted", what);
	return true;
}

bool ecdsa_raw(struct str der, size_t half, uint8_t *ret, struct err *err)
{
	const uint8_t *p = (const uint8_t *)der.ptr;
	AUTO(ecdsa_sig_freep) ECDSA_SIG *sig = der.len <= 1024 ? d2i_ECDSA_SIG(NULL, &p, (long)der.len) : NULL;

	if (sig == NULL || p != (const uint8_t *)der.ptr + der.len || BN_is_negative(ECDSA_SIG_get0_r(sig)) ||
	    BN_is_negative(ECDSA_SIG_get0_s(sig)) || BN_num_bytes(ECDSA_SIG_get0_r(sig)) > (int)half ||
	    BN_num_bytes(ECDSA_SIG_get0_s(sig)) > (int)half) {
		ERR_clear_error();
		return err_set(err, ERR_INPUT, "not an ECDSA signature of this curve");
	}
	crypto_must(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, (int)half) == (int)half &&
	                    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, (int)half) == (int)half,
	            "ECDSA");
	return true;
}

bool jws_signature(const struct key *key, struct str input, struct arena *a, struct str *ret, struct err *err)
{
	const struct key_scheme *s = key_scheme(key->type);
	uint8_t                 *raw;
	struct str               sig;

	if (!key_sign(key, input, a, &sig, err))
		return false;
	if (s->bits > 0) {
		*ret = sig;
		return true;
	}
	raw = arena_alloc(a, 2 * s->half);
	if (!ecdsa_raw(sig, s->half, raw, err))
		return false;
	*ret = str_of(raw, 2 * s->half);
	return true;
}

static struct str jws_json(struct arena *a, struct str input, const char *signature)
{
	size_t dot = str_index(input, '.');

	return str_c(arena_printf(a, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%s\"}", (int)dot,
	                          input.ptr, (int)(input.len - dot - 1), input.ptr + dot + 1, signature));
}

bool jws_write(const struct key *key, const struct jws_header *header, struct str payload, struct arena *a,
               struct str *ret, struct err *err)
{
	struct str  input, sig;
	const char *protected;

	if (payload.len > JWS_PAYLOAD_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "a JWS payload of %zu bytes; %u is the most",
		                   payload.len, JWS_PAYLOAD_MAX);
	if (!text_check("url", header->url, err) ||
	    (header->nonce != NULL && !text_check("nonce", header->nonce, err)) ||
	    (header->kid != NULL && !text_check("kid", header->kid, err)))
		return false;
	/* RFC 8555 6.2: jwk and kid are mutually exclusive. */
	protected = arena_printf(
		a, "{\"alg\":\"%s\",%s%s%s%s%s%s,\"url\":\"%s\"}", key_scheme(key->type)->alg,
		header->kid != NULL ? "\"kid\":\"" : "\"jwk\":",
		header->kid != NULL ? header->kid : key_jwk(key, a), header->kid != NULL ? "\"" : "",
		header->nonce != NULL ? ",\"nonce\":\"" : "", header->nonce != NULL ? header->nonce : "",
		header->nonce != NULL ? "\"" : "", header->url);
	input = str_c(arena_printf(a, "%s.%s", b64url_encode(a, str_c(protected)), b64url_encode(a, payload)));
	if (!jws_signature(key, input, a, &sig, err))
		return false;
	*ret = jws_json(a, input, b64url_encode(a, sig));
	return true;
}

bool jws_eab(struct str hmac_key, const char *kid, const char *url, const char *jwk, struct arena *a,
             struct str *ret, struct err *err)
{
	uint8_t    mac[HMAC_SIZE];
	struct str input, head;

	if (hmac_key.len == 0)
		return err_set(err, ERR_INPUT, "the EAB HMAC key is empty");
	if (!text_check("kid", kid, err) || !text_check("url", url, err))
		return false;
	head = str_c(arena_printf(a, "{\"alg\":\"HS256\",\"kid\":\"%s\",\"url\":\"%s\"}", kid, url));
	input = str_c(arena_printf(a, "%s.%s", b64url_encode(a, head), b64url_encode(a, str_c(jwk))));
	hmac_sha256(hmac_key, input, mac);
	*ret = jws_json(a, input, b64url_encode(a, str_of(mac, sizeof(mac))));
	return true;
}
