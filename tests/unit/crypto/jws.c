/* tests/unit/crypto/jws.c: JWS against RFC 7515, and what an ACME server would verify. */
#include "test.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "crypto/hmac.h"
#include "crypto/jws.h"
#include "json/json.h"
#include "make_cert.h"

/* The key of RFC 7515 A.2.1 as PKCS#8. */
static const char rfc7515_rsa[] =
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh-BYK4uPJtGXOjS1lYmM2K5J9vinh8CR3_BYl"
	"zJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxLaYk8wTM_U-3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8T"
	"A5a8bpvfbr3SvaNnjuygxmj3AbONv_s4yDQs4v5tJ_reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5ROjtZMEQ"
	"xrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkftoaHLFcW9Qr4NY2ai50Xw0Byj3-H2JoY"
	"2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHgVFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZ"
	"D50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn"
	"2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZH"
	"HzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB"
	"4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0KpLttoLhyt3SmqdEf_kgHePDd"
	"tzEafpAu-cS191R2JiuoF2yzWXnwFDcqGigp5BNr0AHQfD8_Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDn"
	"Ed3BbVWG8qf6deqElMGAg-C2V0L4oNXnP7LZcPAZRwKBgQC5A8R-CZW2MvRTLLHzwZkUXV866cff7tx6kqa0finG"
	"G0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAPrq3rbAOal78eUH5OcED6eNuCV8ixEu1e"
	"WcPNCS_l1OW1EnXUEoEHKl54Xrrz2uNwkgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7"
	"_Ls5bkUp5u9SN0Ai3Ya6hNnvWJMb7sXQX6U_zyO2M_hTip7tUeh7CXgwo59dkpN75gJLVds29-DAncu3KXU4f2Fa"
	"-7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf_evpitUf-4JYbLpvNXWcY052Mpz22aR84mY3nh3F2"
	"LF2mjMJDpTg7FmuyPcVw6EcGyoAe9fa65iNqCq-jdw6PVNGo2hxfjSiZ8IIzHdsPXI89__pMjZcQK9r-CCoRjaZj"
	"OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVu"
	"uM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9Sb"
	"sxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U";

TEST(rs256_vector)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key *key = NULL;
	struct str der, sig;
	struct err err = { 0 };

	CHECK(b64url_decode(a, str_c(rfc7515_rsa), &der));
	CHECK_OK(key_from_pkcs8(der, &key, &err), err);
	CHECK(key_type_get(key) == KEY_RSA2048);
	CHECK_OK(jws_signature(key,
	                       STR("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
	                           "LmNvbS9pc19yb290Ijp0cnVlfQ"),
	                       a, &sig, &err),
	         err);
	CHECK_STR(b64url_encode(a, sig),
	          "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
	          "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383Lc"
	          "OLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVm"
	          "tVrBp0igcN_IoypGlUPQGe77Rw");
}

static const struct {
	const char *der, *r, *s; /* NULL r: refused */
} raws[] = {
	{ "3006020101020102", "0000000000000000000000000000000000000000000000000000000000000001",
	  "0000000000000000000000000000000000000000000000000000000000000002" },
	{ "300802020080020200ff", "0000000000000000000000000000000000000000000000000000000000000080",
	  "00000000000000000000000000000000000000000000000000000000000000ff" },
	{ "3026022100ff00000000000000000000000000000000000000000000000000000000000001020103",
	  "ff00000000000000000000000000000000000000000000000000000000000001",
	  "0000000000000000000000000000000000000000000000000000000000000003" },
	{ "3026022101ff00000000000000000000000000000000000000000000000000000000000001020103", NULL, NULL }, /* 33 bytes */
	{ "3006020101020182", NULL, NULL },                                                                 /* negative */
	{ "300602010102010200", NULL, NULL },                                                               /* trailing */
	{ "3006020101", NULL, NULL },
	{ "", NULL, NULL },
};

TEST(ecdsa_padding)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(raws); i++) {
		struct str der = { 0 };
		uint8_t    raw[64] = { 0 };
		struct err err = { 0 };

		CHECK(raws[i].der[0] == '\0' || hex_decode(a, str_c(raws[i].der), &der));
		CHECK(ecdsa_raw(der, 32, raw, &err) == (raws[i].r != NULL));
		if (raws[i].r == NULL)
			continue;
		CHECK_STR(hex_encode(a, str_of(raw, 32)), raws[i].r);
		CHECK_STR(hex_encode(a, str_of(raw + 32, 32)), raws[i].s);
	}
}

static struct str part(struct arena *a, const json_t *jws, const char *name)
{
	struct str   ret = { 0 };
	const char *text = json_str(jws, name);

	assert_non_null(text);
	if (text[0] != '\0')
		CHECK(b64url_decode(a, str_c(text), &ret));
	return ret;
}

static bool verifies(struct arena *a, const struct key *key, const json_t *jws, const char *digest, size_t half)
{
	EVP_PKEY      *pkey = make_cert_pkey(key);
	EVP_MD_CTX    *ctx = EVP_MD_CTX_new();
	struct str     sig = part(a, jws, "signature");
	const char    *input = arena_printf(a, "%s.%s", json_str(jws, "protected"), json_str(jws, "payload"));
	unsigned char *der = NULL;
	int            len;
	bool           ok;

	if (half > 0) { /* raw to DER */
		ECDSA_SIG           *s = ECDSA_SIG_new();
		const unsigned char *p = (const unsigned char *)sig.ptr;

		CHECK_INT(sig.len, 2 * half);
		CHECK(ECDSA_SIG_set0(s, BN_bin2bn(p, (int)half, NULL), BN_bin2bn(p + half, (int)half, NULL)) == 1);
		len = i2d_ECDSA_SIG(s, &der);
		sig = arena_dup(a, str_of(der, (size_t)len));
		ECDSA_SIG_free(s);
		OPENSSL_free(der);
	}
	ok = EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)sig.ptr, sig.len, (const unsigned char *)input,
	                      strlen(input)) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok;
}

TEST(jws_verifies)
{
	static const struct {
		enum key_type type;
		const char   *alg, *digest;
		size_t        half;
	} cases[] = { { KEY_P256, "ES256", "SHA256", 32 }, { KEY_P384, "ES384", "SHA384", 48 }, { KEY_RSA2048, "RS256", "SHA256", 0 } };
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(key_freep) struct key *key = NULL;
		struct jws_header by_kid = { .kid = "https://ca.test/acct/1", .nonce = "n_-1", .url = "https://ca.test/o" };
		struct jws_header by_jwk = { .nonce = "n", .url = "https://ca.test/new" };
		struct err        err = { 0 };
		struct str        text;

		CHECK_OK(key_generate(cases[i].type, &key, &err), err);
		CHECK_OK(jws_write(key, &by_kid, STR(""), a, &text, &err), err);

		AUTO(json_freep) json_t *jws = NULL;
		CHECK_OK(json_read(text, 65536, &jws, &err), err);
		CHECK_STR(json_str(jws, "payload"), "");
		CHECK_INT(json_object_size(jws), 3);
		CHECK(verifies(a, key, jws, cases[i].digest, cases[i].half));
		CHECK_STR(arena_str(a, part(a, jws, "protected")),
		          arena_printf(a, "{\"alg\":\"%s\",\"kid\":\"https://ca.test/acct/1\",\"nonce\":\"n_-1\",\"url\":\"https://ca.test/o\"}",
		                       cases[i].alg));

		AUTO(json_freep) json_t *jws2 = NULL;
		CHECK_OK(jws_write(key, &by_jwk, STR("{}"), a, &text, &err), err);
		CHECK_OK(json_read(text, 65536, &jws2, &err), err);
		CHECK(verifies(a, key, jws2, cases[i].digest, cases[i].half));
		CHECK_STR(arena_str(a, part(a, jws2, "payload")), "{}");
		CHECK_STR(arena_str(a, part(a, jws2, "protected")),
		          arena_printf(a, "{\"alg\":\"%s\",\"jwk\":%s,\"nonce\":\"n\",\"url\":\"https://ca.test/new\"}", cases[i].alg,
		                       key_jwk(key, a)));
	}
}

TEST(jws_refuses)
{
	static const char *const bad[] = { "", "a\"b", "a\\b", "a\nb", "a\x7f", "b\xc3\xbc" };
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key *key = NULL;
	struct str text;
	struct err err = { 0 };

	CHECK_OK(key_generate(KEY_P256, &key, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct jws_header nonce = { .kid = "k", .nonce = bad[i], .url = "u" };
		struct jws_header kid = { .kid = bad[i], .nonce = "n", .url = "u" };
		struct jws_header url = { .kid = "k", .nonce = "n", .url = bad[i] };

		CHECK(!jws_write(key, &nonce, STR("{}"), a, &text, &err) && err.class == ERR_INPUT);
		CHECK(!jws_write(key, &kid, STR("{}"), a, &text, &err));
		CHECK(!jws_write(key, &url, STR("{}"), a, &text, &err));
		CHECK(!jws_eab(STR("key"), bad[i], "https://ca.test/new", "{}", a, &text, &err));
	}
	CHECK(!jws_eab(STR(""), "kid", "https://ca.test/new", "{}", a, &text, &err));
}

TEST(eab_inner)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t *jws = NULL;
	struct str text;
	uint8_t    mac[HMAC_SIZE];
	struct err err = { 0 };

	CHECK_OK(jws_eab(STR("0123456789"), "kid 1", "https://ca.test/new", "{\"kty\":\"EC\"}", a, &text, &err), err);
	CHECK_OK(json_read(text, 65536, &jws, &err), err);
	CHECK_STR(arena_str(a, part(a, jws, "protected")), "{\"alg\":\"HS256\",\"kid\":\"kid 1\",\"url\":\"https://ca.test/new\"}");
	CHECK_STR(arena_str(a, part(a, jws, "payload")), "{\"kty\":\"EC\"}");
	hmac_sha256(STR("0123456789"), str_c(arena_printf(a, "%s.%s", json_str(jws, "protected"), json_str(jws, "payload"))), mac);
	CHECK_STR(json_str(jws, "signature"), b64url_encode(a, str_of(mac, sizeof(mac))));
}

TESTS(T(rs256_vector), T(ecdsa_padding), T(jws_verifies), T(jws_refuses), T(eab_inner))
