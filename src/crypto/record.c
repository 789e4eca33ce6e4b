/*
 * crypto/record.c: builds and opens sealed records and key wraps, and the bytes under a row MAC. Which key is used
 * is the caller's (the keeper's) business.
 */
#include "crypto/record.h"

#include <assert.h>

#include "base/rand.h"
#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"

#define RECORD_VERSION 0x01
#define ALG_RECORD     0x01 /* XAES-256-GCM */
#define ALG_WRAP       0x02 /* the same behind a key commitment */
#define HEAD_SIZE      (1 + 1 + 8)
#define COMMIT_SIZE    32
#define PAD_BLOCK      64u
#define TEXT_MAX       255
/* "RV1" | version | alg | key id | four LP texts | row version */
#define AAD_MAX (3 + HEAD_SIZE + 4 * (2 + TEXT_MAX) + 8)

struct aad {
	uint8_t bytes[AAD_MAX];
	size_t  len;
};

static bool tampered(struct err *err, const char *what)
{
	err_problem(err, ERR_PERMANENT, "tampered", "%s does not belong where it stands or was changed", what);
	return err_hint(err, "restore the row from a backup of this installation, or make the object anew");
}

static void store_u64(uint8_t *ret, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		ret[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t load_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void head_write(uint8_t ret[static HEAD_SIZE], uint8_t alg, uint64_t key_id)
{
	ret[0] = RECORD_VERSION;
	ret[1] = alg;
	store_u64(ret + 2, key_id);
}

static void aad_text(struct aad *aad, struct str s)
{
	aad->bytes[aad->len++] = (uint8_t)(s.len >> 8);
	aad->bytes[aad->len++] = (uint8_t)s.len;
	if (s.len > 0)
		memcpy(aad->bytes + aad->len, s.ptr, s.len);
	aad->len += s.len;
}

static bool aad_write(uint8_t alg, uint64_t key_id, const char *instance_id, const struct record_id *id,
                      struct aad *ret, struct err *err)
{
	const char *texts[] = { instance_id, id->project_id, id->column, id->row_id };

	if (id->row_version < 0)
		return err_set(err, ERR_INPUT, "the row version of a sealed value is negative");
	ret->len = 0;
	memcpy(ret->bytes, "RV1", 3);
	head_write(ret->bytes + 3, alg, key_id);
	ret->len = 3 + HEAD_SIZE;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str s = str_c(texts[i]);

		if (s.len > TEXT_MAX)
			return err_set(err, ERR_INPUT, "an id of a sealed value has more than %d bytes", TEXT_MAX);
		aad_text(ret, s);
	}
	store_u64(ret->bytes + ret->len, (uint64_t)id->row_version);
	ret->len += 8;
	return true;
}

/* Is this our version, this algorithm and this key? */
static bool head_check(struct str blob, uint8_t alg, uint64_t key_id)
{
	const uint8_t *p = (const uint8_t *)blob.ptr;

	return p[0] == RECORD_VERSION && p[1] == alg && load_u64(p + 2) == key_id;
}

bool record_seal(const struct secret *key, uint64_t key_id, const char *instance_id, const struct record_id *id,
                 struct str plain, struct arena *a, struct str *ret, struct err *err)
{
	struct aad aad;
	uint8_t   *blob;

	assert(secret_len(key) == AEAD_KEY_SIZE);
	if (plain.len > RECORD_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "a secret of %zu bytes; %u is the most", plain.len,
		                   RECORD_MAX);
	if (!aad_write(ALG_RECORD, key_id, instance_id, id, &aad, err))
		return false;
	blob = arena_alloc(a, RECORD_OVERHEAD + plain.len);
	head_write(blob, ALG_RECORD, key_id);
	rand_bytes(blob + HEAD_SIZE, AEAD_NONCE_SIZE);
	aead_seal((const uint8_t *)secret_str(key).ptr, blob + HEAD_SIZE, str_of(aad.bytes, aad.len), plain,
	          blob + HEAD_SIZE + AEAD_NONCE_SIZE);
	*ret = str_of(blob, RECORD_OVERHEAD + plain.len);
	return true;
}

bool record_open(const struct secret *key, uint64_t key_id, const char *instance_id, const struct record_id *id,
                 struct str blob, struct secret **ret, struct err *err)
{
	struct aad aad;

	assert(secret_len(key) == AEAD_KEY_SIZE);
	if (blob.len < RECORD_OVERHEAD || blob.len > RECORD_OVERHEAD + RECORD_MAX ||
	    !head_check(blob, ALG_RECORD, key_id))
		return tampered(err, "a sealed value");
	if (!aad_write(ALG_RECORD, key_id, instance_id, id, &aad, err))
		return false;

	AUTO(secret_freep) struct secret *plain = secret_new(blob.len - RECORD_OVERHEAD);
	const uint8_t *nonce = (const uint8_t *)blob.ptr + HEAD_SIZE;

	if (!aead_open((const uint8_t *)secret_str(key).ptr, nonce, str_of(aad.bytes, aad.len),
	               str_of(nonce + AEAD_NONCE_SIZE, blob.len - HEAD_SIZE - AEAD_NONCE_SIZE),
	               secret_ptr(plain)))
		return tampered(err, "a sealed value");
	*ret = TAKE(plain);
	return true;
}

bool record_key_id(struct str blob, uint64_t *ret, struct err *err)
{
	if (blob.len < HEAD_SIZE || blob.ptr[0] != RECORD_VERSION)
		return tampered(err, "a sealed value");
	*ret = load_u64((const uint8_t *)blob.ptr + 2);
	return true;
}

struct secret *record_pad(struct str plain)
{
	size_t         len = (4 + plain.len + PAD_BLOCK - 1) / PAD_BLOCK * PAD_BLOCK;
	struct secret *s = secret_new(len);
	uint8_t       *p = secret_ptr(s);

	assert(plain.len <= UINT32_MAX);
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(plain.len >> (24 - 8 * i));
	if (plain.len > 0)
		memcpy(p + 4, plain.ptr, plain.len);
	return s;
}

bool record_unpad(const struct secret *padded, struct secret **ret, struct err *err)
{
	struct wire w = wire_of(secret_str(padded));
	struct str  plain = wire_get_str(&w);

	if (w.failed || w.left >= PAD_BLOCK || secret_len(padded) % PAD_BLOCK != 0)
		return tampered(err, "a sealed credential");
	for (size_t i = 0; i < w.left; i++)
		if (w.ptr[i] != 0)
			return tampered(err, "a sealed credential");
	*ret = secret_copy(plain);
	return true;
}

/* ---- wraps ---- */

static void commitment(const struct secret *by, const uint8_t *head, uint8_t ret[static COMMIT_SIZE])
{
	uint8_t info[5 + 8 + AEAD_NONCE_SIZE] = "RVKC1";

	memcpy(info + 5, head + 2, 8);
	memcpy(info + 13, head + HEAD_SIZE, AEAD_NONCE_SIZE);
	hkdf_sha256(secret_str(by), (struct str){ 0 }, str_of(info, sizeof(info)), ret, COMMIT_SIZE);
}

static bool wrap_aad(uint64_t key_id, const char *instance_id, const char *project_id, const char *purpose,
                     struct aad *ret, struct err *err)
{
	struct record_id id = { project_id, "key.wrap", purpose, 0 };

	return aad_write(ALG_WRAP, key_id, instance_id, &id, ret, err);
}

bool key_wrap(const struct secret *by, uint64_t key_id, const char *instance_id, const char *project_id,
              const char *purpose, const struct secret *key, struct arena *a, struct str *ret, struct err *err)
{
	struct aad aad;
	uint8_t   *wrap = arena_alloc(a, WRAP_SIZE);

	assert(secret_len(by) == AEAD_KEY_SIZE && secret_len(key) == AEAD_KEY_SIZE);
	if (!wrap_aad(key_id, instance_id, project_id, purpose, &aad, err))
		return false;
	head_write(wrap, ALG_WRAP, key_id);
	rand_bytes(wrap + HEAD_SIZE, AEAD_NONCE_SIZE);
	commitment(by, wrap, wrap + HEAD_SIZE + AEAD_NONCE_SIZE);
	aead_seal((const uint8_t *)secret_str(by).ptr, wrap + HEAD_SIZE, str_of(aad.bytes, aad.len),
	          secret_str(key), wrap + HEAD_SIZE + AEAD_NONCE_SIZE + COMMIT_SIZE);
	*ret = str_of(wrap, WRAP_SIZE);
	return true;
}

bool key_unwrap(const struct secret *by, uint64_t key_id, const char *instance_id, const char *project_id,
                const char *purpose, struct str wrap, struct secret **ret, struct err *err)
{
	struct aad     aad;
	uint8_t        expected[COMMIT_SIZE];
	const uint8_t *p = (const uint8_t *)wrap.ptr;

	assert(secret_len(by) == AEAD_KEY_SIZE);
	if (wrap.len != WRAP_SIZE || !head_check(wrap, ALG_WRAP, key_id))
		return tampered(err, "a wrapped key");
	if (!wrap_aad(key_id, instance_id, project_id, purpose, &aad, err))
		return false;
	commitment(by, p, expected);
	if (!ct_equal(expected, p + HEAD_SIZE + AEAD_NONCE_SIZE, COMMIT_SIZE))
		return err_problem(err, ERR_CONFIG, "sealed", "the %s key was wrapped with another key", purpose);

	AUTO(secret_freep) struct secret *key = secret_new(AEAD_KEY_SIZE);

	if (!aead_open((const uint8_t *)secret_str(by).ptr, p + HEAD_SIZE, str_of(aad.bytes, aad.len),
	               str_of(p + WRAP_SIZE - AEAD_KEY_SIZE - AEAD_TAG_SIZE, AEAD_KEY_SIZE + AEAD_TAG_SIZE),
	               secret_ptr(key)))
		return tampered(err, "a wrapped key");
	*ret = TAKE(key);
	return true;
}

/* ---- row MACs ---- */

enum { COLUMN_TEXT = 't', COLUMN_INT = 'i', COLUMN_BYTES = 'b', COLUMN_NULL = 'n' };

static void column_add(struct buf *b, const char *column, uint8_t type, struct str value)
{
	wire_put_c(b, column);
	wire_put_u8(b, type);
	wire_put_str(b, value);
}

void row_text(struct buf *b, const char *column, struct str value)
{
	column_add(b, column, COLUMN_TEXT, value);
}

void row_int(struct buf *b, const char *column, int64_t value)
{
	uint8_t bytes[8];

	store_u64(bytes, (uint64_t)value);
	column_add(b, column, COLUMN_INT, str_of(bytes, sizeof(bytes)));
}

void row_bytes(struct buf *b, const char *column, struct str value)
{
	column_add(b, column, COLUMN_BYTES, value);
}

void row_null(struct buf *b, const char *column)
{
	column_add(b, column, COLUMN_NULL, (struct str){ 0 });
}

void row_mac(const struct secret *key, const char *table, struct str columns, int64_t row_version,
             uint8_t ret[static ROW_MAC_SIZE])
{
	struct buf b;

	buf_init(&b, columns.len + strlen(table) + 64);
	wire_put_c(&b, table);
	wire_put_str(&b, columns);
	wire_put_i64(&b, row_version);
	assert(!b.failed);
	hmac_sha256(secret_str(key), buf_str(&b), ret);
	buf_clear(&b);
}
