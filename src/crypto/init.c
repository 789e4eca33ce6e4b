/*
 * crypto/init.c: libcrypto without a configuration file (which could load an engine), and every algorithm of
 * this folder fetched once, since a fetch costs more than the sealing itself.
 */
#include "crypto/init.h"

#include <pthread.h>

#include "crypto/ossl.h"

#define SECURE_HEAP_SIZE  (4u * MIB)
#define SECURE_HEAP_BLOCK 64u

static pthread_once_t           once = PTHREAD_ONCE_INIT;
static struct crypto_algorithms algorithms;

void crypto_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "libcrypto: %s: %s\n", what, ERR_reason_error_string(ERR_peek_last_error()));
	abort();
}

static void init(void)
{
	crypto_must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1, "start");
	algorithms = (struct crypto_algorithms){
		.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
		.aes_256_ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL),
		.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
		.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL),
		.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL),
	};
	crypto_must(algorithms.aes_256_gcm != NULL && algorithms.aes_256_ecb != NULL, "AES-256");
	crypto_must(algorithms.sha256 != NULL, "SHA-256");
	crypto_must(algorithms.hmac != NULL && algorithms.hkdf != NULL, "HMAC and HKDF");
}

void crypto_init(void)
{
	pthread_once(&once, init);
}

const struct crypto_algorithms *crypto_algorithms(void)
{
	pthread_once(&once, init);
	return &algorithms;
}

void crypto_secure_heap(void)
{
	/* The configuration must be off before anything else initialises the library. */
	crypto_init();
	/* 2 means "made, but not locked or guarded as wished": RLIMIT_MEMLOCK decides, and wiping remains. */
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(SECURE_HEAP_SIZE, SECURE_HEAP_BLOCK);
}
