/*
 * crypto/init.h: libcrypto brought up once: default provider, no configuration file, algorithms fetched.
 *
 * Use      crypto_init() may be called by a role before it starts threads; every function of this folder
 *          calls it anyway. crypto_secure_heap() is for the keeper: before any secret exists.
 * Errors   a library that has no AES-256-GCM, HMAC or HKDF cannot go on: the process aborts.
 */
#ifndef REEVE_CRYPTO_INIT_H
#define REEVE_CRYPTO_INIT_H

void crypto_init(void);
/* Locked memory for struct secret and private keys, as far as RLIMIT_MEMLOCK lets us. */
void crypto_secure_heap(void);

#endif
