/*
 * crypto/secret.c: a length and its bytes in one allocation of the secure heap. When that heap is full or was
 * never made, OpenSSL's free functions tell the two apart, so an ordinary allocation takes its place.
 */
#include "crypto/secret.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "crypto/init.h"
#include "crypto/ossl.h"

struct secret {
	size_t  len, cap;
	uint8_t bytes[];
};

struct secret *secret_new(size_t len)
{
	struct secret *s;

	assert(len <= 16 * MIB);
	crypto_init();
	s = OPENSSL_secure_zalloc(sizeof(*s) + len);
	if (s == NULL)
		s = OPENSSL_zalloc(sizeof(*s) + len);
	crypto_must(s != NULL, "out of memory");
	s->len = s->cap = len;
	return s;
}

struct secret *secret_copy(struct str bytes)
{
	struct secret *s = secret_new(bytes.len);

	if (bytes.len > 0)
		memcpy(s->bytes, bytes.ptr, bytes.len);
	return s;
}

struct secret *secret_random(size_t len)
{
	struct secret *s = secret_new(len);

	crypto_must(RAND_priv_bytes(s->bytes, (int)len) == 1, "random bytes");
	return s;
}

void secret_free(struct secret *s)
{
	if (s != NULL)
		OPENSSL_secure_clear_free(s, sizeof(*s) + s->cap);
}

void secret_freep(struct secret **s)
{
	secret_free(*s);
	*s = NULL;
}

uint8_t *secret_ptr(struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

struct str secret_str(const struct secret *s)
{
	return str_of(s->bytes, s->len);
}

void secret_cut(struct secret *s, size_t len)
{
	assert(len <= s->len);
	wipe(s->bytes + len, s->len - len);
	s->len = len;
}

bool ct_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void wipe(void *ptr, size_t len)
{
	if (len > 0)
		OPENSSL_cleanse(ptr, len);
}
