/*
 * dns/cookie.c: RFC 9018 section 4 with OpenSSL's SipHash, keyed anew per cookie (one thread, no
 * allocation).
 */
#include "dns/cookie.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct dns_cookie {
	EVP_MAC     *mac;
	EVP_MAC_CTX *ctx;
	uint8_t      secret[16];
};

struct dns_cookie *dns_cookie_new(const uint8_t secret[static 16])
{
	struct dns_cookie *c = calloc(1, sizeof(*c));

	assert(c != NULL);
	c->mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	assert(c->mac != NULL);
	c->ctx = EVP_MAC_CTX_new(c->mac);
	assert(c->ctx != NULL);
	memcpy(c->secret, secret, sizeof(c->secret));
	return c;
}

void dns_cookie_free(struct dns_cookie *c)
{
	if (c == NULL)
		return;
	EVP_MAC_CTX_free(c->ctx);
	EVP_MAC_free(c->mac);
	OPENSSL_cleanse(c->secret, sizeof(c->secret));
	free(c);
}

/* ret: client cookie, then the server cookie for the eight bytes version..time in `head`. */
static void cookie_fill(struct dns_cookie *c, const char *client_cookie,
                        const uint8_t head[static 8], const struct dns_address *client,
                        uint8_t ret[static DNS_COOKIE_SIZE])
{
	size_t     size = 8, len = 0;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		                OSSL_PARAM_construct_end() };
	int        ok;

	memcpy(ret, client_cookie, DNS_COOKIE_CLIENT);
	memcpy(ret + 8, head, 8);
	ok = EVP_MAC_init(c->ctx, c->secret, sizeof(c->secret), params) == 1 &&
	     EVP_MAC_update(c->ctx, ret, 16) == 1 &&
	     EVP_MAC_update(c->ctx, client->bytes, client->family == AF_INET ? 4 : 16) == 1 &&
	     EVP_MAC_final(c->ctx, ret + 16, &len, 8) == 1;
	assert(ok && len == 8);
}

void dns_cookie_make(struct dns_cookie *c, struct str option, const struct dns_address *client,
                     uint32_t now_s, uint8_t ret[static DNS_COOKIE_SIZE])
{
	const uint8_t head[8] = { 1,
		                  0,
		                  0,
		                  0,
		                  (uint8_t)(now_s >> 24),
		                  (uint8_t)(now_s >> 16),
		                  (uint8_t)(now_s >> 8),
		                  (uint8_t)now_s };

	assert(option.len >= DNS_COOKIE_CLIENT);
	cookie_fill(c, option.ptr, head, client, ret);
}

bool dns_cookie_valid(struct dns_cookie *c, struct str option, const struct dns_address *client,
                      uint32_t now_s)
{
	const uint8_t *p = (const uint8_t *)option.ptr;
	uint8_t        want[DNS_COOKIE_SIZE];

	if (option.len != DNS_COOKIE_SIZE || p[8] != 1)
		return false;
	uint32_t made_s =
		(uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 | (uint32_t)p[14] << 8 | p[15];
	int32_t age_s = (int32_t)(now_s - made_s); /* serial arithmetic, RFC 9018 4.3 */
	if (age_s > 3600 || age_s < -300)
		return false;
	cookie_fill(c, option.ptr, p + 8, client, want);
	return CRYPTO_memcmp(want + 16, p + 16, 8) == 0;
}
