/*
 * crypto/token.h: API tokens: rvt_<id>_<secret>_<checksum>, 67 characters.
 *
 * Shapes   id: 12 characters base32 (60 random bits, the row's id); secret: 32 random bytes as 43 characters
 *          base64url; checksum: 6 characters base32 of CRC-32 (low 30 bits) over all before the last '_', so
 *          that secret scanners can tell a token from noise.
 * Stored   the id and HMAC(K_tok, secret), never the token.
 */
#ifndef REEVE_CRYPTO_TOKEN_H
#define REEVE_CRYPTO_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "crypto/secret.h"

#define TOKEN_ID_SIZE     13 /* with the NUL */
#define TOKEN_SIZE        68
#define TOKEN_SECRET_SIZE 32
#define TOKEN_DIGEST_SIZE 32

struct api_token {
	char    id[TOKEN_ID_SIZE];
	uint8_t secret[TOKEN_SECRET_SIZE]; /* wipe() when done */
};

void api_token_id_new(char ret[static TOKEN_ID_SIZE]);
bool api_token_id_valid(struct str id);
/* A fresh secret for this id; the text is what the user keeps. */
void            api_token_make(const char *id, struct api_token *ret, char text[static TOKEN_SIZE]);
MUST_CHECK bool api_token_parse(struct str text, struct api_token *ret);
void            api_token_digest(const struct secret *key, const struct api_token *token,
                                 uint8_t ret[static TOKEN_DIGEST_SIZE]);

#endif
