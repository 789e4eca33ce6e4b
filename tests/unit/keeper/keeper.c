/* tests/unit/keeper/keeper.c: the real server over real socket pairs: what it does, and what it refuses. */
#include "test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../crypto/make_cert.h"
#include "base/clock.h"
#include "base/encode.h"
#include "crypto/hmac.h"
#include "crypto/x509.h"
#include "json/json.h"
#include "keeper/bundle.h"
#include "keeper/keeper.h"
#include "keeper/seal.h"

#define INSTANCE "01890a5d-ac96-774b-bcce-b302099a8057"
#define PROJECT  "01890a5d-ac96-774b-bcce-000000000001"
#define OTHER    "01890a5d-ac96-774b-bcce-000000000002"

static const char *const hosts[] = { "ca.test", "127.0.0.1" };

/* One keeper with both channels, sealed; the fixture of every test. */
struct fixture {
	char               dir[64], seal_path[96];
	int                seal_fd;
	struct arena      *a;
	struct keeper_init init;
	struct keeper     *keeper;
	struct ipc_server *server;
	struct ipc_peer   *worker, *api;
};

static struct ipc_peer *peer_make(struct fixture *f, enum keeper_channel channel)
{
	struct ipc_peer *peer = ipc_peer_new("keeper", NULL, NULL, NULL);
	int              ends[2];
	struct err       err = { 0 };

	CHECK_OK(ipc_pair(ends, &err), err);
	ipc_server_attach(f->server, (int)channel, ends[0]);
	ipc_peer_attach(peer, ends[1]);
	return peer;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err      err = { 0 };

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/reeve-keeper-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->seal_path, sizeof(f->seal_path), "%s/seal.key", f->dir);
	f->a = arena_new();
	CHECK_OK(seal_create(f->seal_path, NULL, &err), err);
	CHECK_OK(seal_open(f->seal_path, NULL, &f->seal_fd, &err), err);
	CHECK_OK(keeper_init_offline(f->seal_fd, INSTANCE, PROJECT, KEEPER_KEY_FIRST, f->a, &f->init, &err), err);
	CHECK_OK(keeper_new(f->seal_fd, &f->keeper, &err), err);
	f->server = ipc_server_new("keeper", 0, keeper_handle, f->keeper);
	f->worker = peer_make(f, KEEPER_CHANNEL_WORKER);
	f->api = peer_make(f, KEEPER_CHANNEL_API);
	*state = f;
	return 0;
}

static int setup_open(void **state)
{
	struct fixture *f;
	struct err      err = { 0 };

	setup(state);
	f = *state;
	CHECK_OK(keeper_open(f->worker, INSTANCE, f->init.root_wrap, &err), err);
	CHECK_OK(keeper_load_key(f->worker, PROJECT, KEEPER_KEY_FIRST, f->init.project_wrap, &err), err);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ipc_peer_free(f->worker);
	ipc_peer_free(f->api);
	ipc_server_free(f->server);
	keeper_free(f->keeper);
	close(f->seal_fd);
	unlink(f->seal_path);
	rmdir(f->dir);
	arena_free(f->a);
	free(f);
	return 0;
}

#define TEST_F(name)                                                                               \
	static void name##_run(struct fixture *f);                                                 \
	static void name(void **state)                                                             \
	{                                                                                          \
		name##_run(*state);                                                                \
	}                                                                                          \
	static void name##_run(struct fixture *f)
/* The call must fail with this problem. */
#define REFUSED(call, code)                                                                        \
	do {                                                                                       \
		struct err refusal = { 0 }, *refused = &refusal;                                   \
		CHECK(!(call));                                                                    \
		CHECK_STR(refusal.problem, code);                                                  \
		CHECK(refusal.text[0] != '\0');                                                    \
	} while (0)

static const struct record_id account_id = { PROJECT, KEEPER_COLUMN_ACCOUNT_KEY, "account-1", 1 };
static const struct record_id cert_id = { PROJECT, KEEPER_COLUMN_CERT_KEY, "version-1", 1 };
static const struct record_id eab_id = { PROJECT, KEEPER_COLUMN_EAB, "authority-1", 1 };

static struct keeper_account_key account_make(struct fixture *f)
{
	struct keeper_account_key key;
	struct err                err = { 0 };

	CHECK_OK(keeper_account_key_new(f->worker, &account_id, KEY_P256, hosts, 2, f->a, &key, &err), err);
	return key;
}

static struct keeper_jws jws_get(const struct keeper_account_key *key)
{
	return (struct keeper_jws){ .kind = KEEPER_JWS_KID_POST, .account = account_id, .account_blob = key->blob,
		                    .nonce = "nonce1", .url = "https://ca.test/order/1", .kid = "https://ca.test/acct/1" };
}

/* An accepted connection over a socket of the file system, as the api has them. */
static int accepted(struct fixture *f, int *ret_client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int                listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

	*ret_client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", f->dir);
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0);
	CHECK(connect(*ret_client, (struct sockaddr *)&address, sizeof(address)) == 0);
	server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	close(listener);
	unlink(address.sun_path);
	return server;
}

static struct keeper_grant local_grant(struct fixture *f)
{
	struct keeper_grant grant;
	struct err          err = { 0 };
	int                 client, server = accepted(f, &client);

	CHECK_OK(keeper_grant_local(f->api, server, f->a, &grant, &err), err);
	close(client);
	close(server);
	return grant;
}

/* ---- opening ---- */

TEST_F(sealed_before_open)
{
	struct keeper_cert_key key;
	struct str             blob;
	struct keeper_grant    grant;
	uint8_t                mac[ROW_MAC_SIZE];

	REFUSED(keeper_load_key(f->worker, PROJECT, 1, f->init.project_wrap, refused), "sealed");
	REFUSED(keeper_cert_key_new(f->worker, &cert_id, KEY_P256, f->a, &key, refused), "sealed");
	REFUSED(keeper_cert_key_new(f->worker, &cert_id, KEY_RSA2048, f->a, &key, refused), "sealed");
	REFUSED(keeper_seal(f->api, &eab_id, STR("x"), f->a, &blob, refused), "sealed");
	REFUSED(keeper_mac(f->worker, "authorities", STR("x"), 1, mac, refused), "sealed");
	REFUSED(keeper_authenticate(f->api, STR("rvt_x"), NULL, STR(""), f->a, &grant, refused), "sealed");

	struct err err = { 0 };

	CHECK(!keeper_mac(f->worker, "authorities", STR("x"), 1, mac, &err) && err.class == ERR_TEMPORARY);
	/* Open, but the project's key is not loaded yet: temporary as well. */
	CHECK_OK(keeper_open(f->worker, INSTANCE, f->init.root_wrap, &err), err);
	CHECK(!keeper_cert_key_new(f->worker, &cert_id, KEY_P256, f->a, &key, &err) && err.class == ERR_TEMPORARY);
	CHECK_STR(err.problem, "sealed");
}

TEST_F(open_checks)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char       *bent = arena_str(a, f->init.root_wrap);
	char        path[128];
	struct keeper_init init;
	struct err  err = { 0 };
	int         fd = -1;

	/* Another seal made another database. */
	snprintf(path, sizeof(path), "%s/other.key", f->dir);
	CHECK_OK(seal_create(path, NULL, &err), err);
	CHECK_OK(seal_open(path, NULL, &fd, &err), err);
	unlink(path);
	CHECK_OK(keeper_init_offline(fd, INSTANCE, PROJECT, 1, a, &init, &err), err);
	close(fd);
	CHECK(!keeper_open(f->worker, INSTANCE, init.root_wrap, &err));
	CHECK_STR(err.problem, "sealed");
	CHECK(err.class == ERR_CONFIG);
	assert_non_null(strstr(err.text, "seal file does not open"));
	assert_non_null(strstr(err.hint, "seal file"));

	bent[f->init.root_wrap.len - 1] ^= 1;
	REFUSED(keeper_open(f->worker, INSTANCE, str_of(bent, f->init.root_wrap.len), refused), "tampered");
	REFUSED(keeper_open(f->worker, OTHER, f->init.root_wrap, refused), "tampered");
	REFUSED(keeper_open(f->api, INSTANCE, f->init.root_wrap, refused), "forbidden");

	CHECK_OK(keeper_open(f->worker, INSTANCE, f->init.root_wrap, &err), err);
	CHECK_OK(keeper_open(f->worker, INSTANCE, f->init.root_wrap, &err), err); /* a restarted worker */
	CHECK(!keeper_open(f->worker, OTHER, f->init.root_wrap, &err) && err.class == ERR_CONFLICT);

	CHECK_OK(keeper_load_key(f->worker, PROJECT, 1, f->init.project_wrap, &err), err);
	CHECK_OK(keeper_load_key(f->worker, PROJECT, 1, f->init.project_wrap, &err), err);
	REFUSED(keeper_load_key(f->worker, OTHER, 1, f->init.project_wrap, refused), "tampered");
	REFUSED(keeper_load_key(f->worker, PROJECT, 2, f->init.project_wrap, refused), "tampered");
	REFUSED(keeper_load_key(f->worker, PROJECT, 1, init.project_wrap, refused), "tampered");
}

TEST_F(project_keys_rotate)
{
	struct keeper_account_key old = account_make(f), fresh;
	struct keeper_jws         jws = jws_get(&old);
	struct str                wrap, body;
	uint64_t                  key_id = 0;
	struct err                err = { 0 };

	CHECK_OK(keeper_new_project_key(f->worker, PROJECT, 9, f->a, &wrap, &err), err);
	fresh = account_make(f);
	CHECK(record_key_id(fresh.blob, &key_id, &err) && key_id == 1); /* not in use before it was stored */
	CHECK_OK(keeper_load_key(f->worker, PROJECT, 9, wrap, &err), err);
	fresh = account_make(f);
	CHECK(record_key_id(fresh.blob, &key_id, &err) && key_id == 9);
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err); /* the old one still opens */
	jws.account_blob = fresh.blob;
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	REFUSED(keeper_new_project_key(f->api, PROJECT, 10, f->a, &wrap, refused), "forbidden");
}

/* ---- records ---- */

TEST_F(records_stay_where_they_are)
{
	static const struct record_id elsewhere[] = {
		{ PROJECT, KEEPER_COLUMN_ACCOUNT_KEY, "account-2", 1 },
		{ PROJECT, KEEPER_COLUMN_ACCOUNT_KEY, "account-1", 2 },
		{ OTHER, KEEPER_COLUMN_ACCOUNT_KEY, "account-1", 1 },
	};
	struct keeper_account_key key = account_make(f);
	struct keeper_jws         jws = jws_get(&key);
	struct str                body, wrap;
	struct err                err = { 0 };

	CHECK_OK(keeper_new_project_key(f->worker, OTHER, 2, f->a, &wrap, &err), err);
	CHECK_OK(keeper_load_key(f->worker, OTHER, 2, wrap, &err), err);
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		jws.account = elsewhere[i];
		REFUSED(keeper_jws(f->worker, &jws, f->a, &body, refused), "tampered");
	}
	/* Another column: neither by its own name nor under the right one. */
	jws.account = cert_id;
	REFUSED(keeper_jws(f->worker, &jws, f->a, &body, refused), "forbidden");
	REFUSED(keeper_csr(f->worker, &cert_id, key.blob, hosts, 1, f->a, &body, refused), "tampered");
	REFUSED(keeper_csr(f->worker, &account_id, key.blob, hosts, 1, f->a, &body, refused), "forbidden");
	/* The good one was used first: what is remembered of it does not open the others. */
	jws.account = account_id;
	for (size_t bit = 0; bit < 8 * key.blob.len; bit += 7) {
		char *bent = arena_str(f->a, key.blob);

		bent[bit / 8] ^= (char)(1 << bit % 8);
		jws.account_blob = str_of(bent, key.blob.len);
		REFUSED(keeper_jws(f->worker, &jws, f->a, &body, refused), "tampered");
	}
}

TEST_F(seal_only_what_is_listed)
{
	static const struct record_id other = { PROJECT, "connections.secret", "c", 1 };
	AUTO(secret_freep) struct secret *big = secret_new(4097);
	struct str blob;
	struct err err = { 0 };

	CHECK_OK(keeper_seal(f->api, &eab_id, STR("hmac"), f->a, &blob, &err), err);
	CHECK_INT(blob.len, 64 + RECORD_OVERHEAD);
	REFUSED(keeper_seal(f->api, &other, STR("x"), f->a, &blob, refused), "forbidden");
	REFUSED(keeper_seal(f->api, &account_id, STR("x"), f->a, &blob, refused), "forbidden");
	REFUSED(keeper_seal(f->worker, &eab_id, STR("x"), f->a, &blob, refused), "forbidden");
	CHECK(!keeper_seal(f->api, &eab_id, STR(""), f->a, &blob, &err) && err.class == ERR_INPUT);
	CHECK(!keeper_seal(f->api, &eab_id, secret_str(big), f->a, &blob, &err));
}

/* ---- signatures ---- */

static json_t *jws_part(struct arena *a, struct str body, const char *name)
{
	AUTO(json_freep) json_t *jws = NULL;
	json_t    *part = NULL;
	struct str text;
	struct err err = { 0 };

	CHECK_OK(json_read(body, 65536, &jws, &err), err);
	if (json_str(jws, name)[0] == '\0')
		return NULL;
	CHECK(b64url_decode(a, str_c(json_str(jws, name)), &text));
	CHECK_OK(json_read(text, 65536, &part, &err), err);
	return part;
}

TEST_F(jws_kinds)
{
	struct keeper_account_key key = account_make(f);
	struct keeper_jws         jws = jws_get(&key);
	struct keeper_eab         eab = { .kid = "kid-1", .record = eab_id };
	struct str                body;
	struct err                err = { 0 };
	char                      thumbprint[THUMBPRINT_SIZE];

	jwk_thumbprint(str_c(key.jwk), thumbprint);
	CHECK_STR(key.thumbprint, thumbprint);

	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	AUTO(json_freep) json_t *head = jws_part(f->a, body, "protected");
	CHECK_STR(json_str(head, "kid"), "https://ca.test/acct/1");
	CHECK(json_object_get(head, "jwk") == NULL && jws_part(f->a, body, "payload") == NULL);
	jws.payload = STR("{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.test\"}],\"profile\":\"x\"}");
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	jws.payload = STR("{}");
	jws.url = "https://127.0.0.1:14000/chall/1"; /* any port of a host */
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);

	CHECK_OK(keeper_seal(f->api, &eab_id, STR("0123456789"), f->a, &eab.blob, &err), err);
	jws = (struct keeper_jws){ .kind = KEEPER_JWS_ACCOUNT_NEW, .account = account_id, .account_blob = key.blob,
		                   .nonce = "n", .url = "https://ca.test/new", .email = "hostmaster@example.test",
		                   .terms_agreed = true, .eab = &eab };
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	AUTO(json_freep) json_t *head2 = jws_part(f->a, body, "protected");
	AUTO(json_freep) json_t *payload = jws_part(f->a, body, "payload");
	CHECK(json_object_get(head2, "kid") == NULL);
	CHECK_STR(json_write(f->a, json_object_get(head2, "jwk")), key.jwk);
	CHECK(json_bool(payload, "termsOfServiceAgreed", false));
	CHECK_STR(json_write(f->a, json_object_get(payload, "contact")), "[\"mailto:hostmaster@example.test\"]");
	/* The inner JWS verifies with the HMAC key. */
	json_t *inner = json_object_get(payload, "externalAccountBinding");
	uint8_t mac[HMAC_SIZE];
	hmac_sha256(STR("0123456789"),
	            str_c(arena_printf(f->a, "%s.%s", json_str(inner, "protected"), json_str(inner, "payload"))), mac);
	CHECK_STR(json_str(inner, "signature"), b64url_encode(f->a, str_of(mac, sizeof(mac))));
	eab.record.row_version = 2;
	REFUSED(keeper_jws(f->worker, &jws, f->a, &body, refused), "tampered");

	jws = (struct keeper_jws){ .kind = KEEPER_JWS_ACCOUNT_FIND, .account = account_id, .account_blob = key.blob,
		                   .nonce = "n", .url = "https://ca.test/new" };
	CHECK_OK(keeper_jws(f->worker, &jws, f->a, &body, &err), err);
	AUTO(json_freep) json_t *find = jws_part(f->a, body, "payload");
	CHECK_STR(json_write(f->a, find), "{\"onlyReturnExisting\":true}");
}

TEST_F(jws_refusals)
{
	static const char *const urls[] = {
		"http://ca.test/order/1",          "https://evil.test/order/1",   "https://ca.test.evil.test/",
		"https://ca.test@evil.test/",      "https://xca.test/",           "ftp://ca.test/",
		"https://evil.test/?https://ca.test/", "//ca.test/",              "",
		"https://ca.test\\@evil.test/",
	};
	static const char *const payloads[] = { "x", "[]", "{", "\"x\"", "{\"protected\":\"\",\"payload\":\"\",\"signature\":\"\"}",
		                                "{\"oldKey\":{}}", "{\"csr\":\"x\"}x" };
	static const char *const emails[] = { "x", "@", "a@", "a@b@c", "a@b,c@d", "a@b?subject=x", "a\"@b", "a b@c" };
	struct keeper_account_key key = account_make(f);
	struct keeper_jws         good = jws_get(&key), jws;
	struct str                body;
	struct err                err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		jws = good;
		jws.url = urls[i];
		CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
		CHECK(err.class == ERR_INPUT || err.class == ERR_DENIED);
	}
	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		jws = good;
		jws.payload = str_c(payloads[i]);
		CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
	}
	for (size_t i = 0; i < ARRAY_LEN(emails); i++) {
		jws = (struct keeper_jws){ .kind = KEEPER_JWS_ACCOUNT_NEW, .account = account_id, .account_blob = key.blob,
			                   .nonce = "n", .url = "https://ca.test/new", .email = emails[i] };
		CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err) && err.class == ERR_INPUT);
	}
	jws = good;
	jws.kid = NULL;
	CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
	jws = good;
	jws.kind = KEEPER_JWS_ACCOUNT_FIND; /* with a kid */
	CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
	jws = good;
	jws.kind = KEEPER_JWS__COUNT;
	CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
	jws = good;
	jws.terms_agreed = true;
	CHECK(!keeper_jws(f->worker, &jws, f->a, &body, &err));
	REFUSED(keeper_jws(f->api, &good, f->a, &body, refused), "forbidden");
}

TEST_F(key_change)
{
	static const char *const    fewer[] = { "ca.test" }, *const more[] = { "ca.test", "evil.test" };
	static const struct record_id next_id = { PROJECT, KEEPER_COLUMN_ACCOUNT_KEY, "account-1", 2 },
		                      other_id = { PROJECT, KEEPER_COLUMN_ACCOUNT_KEY, "account-2", 1 };
	struct keeper_account_key     old = account_make(f), next, other;
	struct keeper_key_change      change = { .old_record = account_id, .new_record = next_id, .old_blob = old.blob, .nonce = "n1",
		                                 .url = "https://ca.test/key-change", .kid = "https://ca.test/acct/1" };
	struct str                    body, payload;
	struct err                    err = { 0 };

	CHECK_OK(keeper_account_key_new(f->worker, &next_id, KEY_P384, fewer, 1, f->a, &next, &err), err);
	change.new_blob = next.blob;
	CHECK_OK(keeper_key_change(f->worker, &change, f->a, &body, &err), err);
	AUTO(json_freep) json_t *head = jws_part(f->a, body, "protected"), *inner = jws_part(f->a, body, "payload");
	CHECK_STR(json_str(head, "kid"), "https://ca.test/acct/1");
	CHECK_STR(json_str(head, "alg"), "ES256");
	CHECK_STR(json_str(head, "nonce"), "n1");
	/* RFC 8555 7.3.5: the inner JWS has the new key, no nonce, the same URL, and names account and old key. */
	payload = str_c(json_write(f->a, inner));
	AUTO(json_freep) json_t *inner_head = jws_part(f->a, payload, "protected"), *claim = jws_part(f->a, payload, "payload");
	CHECK_STR(json_str(inner_head, "alg"), "ES384");
	CHECK_STR(json_str(inner_head, "url"), change.url);
	CHECK(json_object_get(inner_head, "nonce") == NULL && json_object_get(inner_head, "kid") == NULL);
	CHECK_STR(json_write(f->a, json_object_get(inner_head, "jwk")), next.jwk);
	CHECK_STR(json_str(claim, "account"), change.kid);
	CHECK_STR(json_write(f->a, json_object_get(claim, "oldKey")), old.jwk);

	REFUSED(keeper_key_change(f->api, &change, f->a, &body, refused), "forbidden");
	change.url = "https://evil.test/key-change";
	REFUSED(keeper_key_change(f->worker, &change, f->a, &body, refused), "forbidden");
	change.url = "https://ca.test/key-change";
	/* A key that may sign for more than the old one, and one of another account. */
	CHECK_OK(keeper_account_key_new(f->worker, &next_id, KEY_P256, more, 2, f->a, &next, &err), err);
	change.new_blob = next.blob;
	REFUSED(keeper_key_change(f->worker, &change, f->a, &body, refused), "forbidden");
	CHECK_OK(keeper_account_key_new(f->worker, &other_id, KEY_P256, fewer, 1, f->a, &other, &err), err);
	change.new_record = other_id;
	change.new_blob = other.blob;
	REFUSED(keeper_key_change(f->worker, &change, f->a, &body, refused), "forbidden");
}

TEST_F(revocation_by_key)
{
	struct keeper_account_key account = account_make(f);
	struct keeper_cert_key    key;
	struct keeper_revocation  r = { .cert_key = cert_id, .certificate = STR("DER"), .reason = 1, .nonce = "n1",
		                        .url = "https://ca.test/revoke" };
	struct str                body;
	struct err                err = { 0 };

	CHECK_OK(keeper_cert_key_new(f->worker, &cert_id, KEY_P256, f->a, &key, &err), err);
	r.key_blob = key.blob;
	CHECK_OK(keeper_revoke(f->worker, &r, f->a, &body, &err), err);
	AUTO(json_freep) json_t *head = jws_part(f->a, body, "protected"), *payload = jws_part(f->a, body, "payload");
	CHECK(json_is_object(json_object_get(head, "jwk")) && json_object_get(head, "kid") == NULL);
	CHECK_STR(json_write(f->a, payload), "{\"certificate\":\"REVS\",\"reason\":1}");
	r.reason = 0;
	CHECK_OK(keeper_revoke(f->worker, &r, f->a, &body, &err), err);
	AUTO(json_freep) json_t *without = jws_part(f->a, body, "payload");
	CHECK_STR(json_write(f->a, without), "{\"certificate\":\"REVS\"}");

	REFUSED(keeper_revoke(f->api, &r, f->a, &body, refused), "forbidden");
	r.url = "http://ca.test/revoke";
	CHECK(!keeper_revoke(f->worker, &r, f->a, &body, &err));
	r.url = "https://ca.test/revoke";
	r.reason = 11;
	CHECK(!keeper_revoke(f->worker, &r, f->a, &body, &err));
	r.reason = 0;
	r.certificate = STR("");
	CHECK(!keeper_revoke(f->worker, &r, f->a, &body, &err));
	/* An account's key is no certificate's. */
	r.certificate = STR("DER");
	r.key_blob = account.blob;
	REFUSED(keeper_revoke(f->worker, &r, f->a, &body, refused), "tampered");
}

TEST_F(contacts)
{
	static const char *const bad[] = { "", "a", "@b.test", "a@", "a@b@c", "a b@c.test", "a@b.test?cc=x", "a@b.test,c@d.test", "a\"@b.test", "<a@b.test>" };
	struct err               err = { 0 };

	(void)f;
	CHECK_OK(keeper_email_check("ops+acme@example.test", &err), err);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!keeper_email_check(bad[i], &err));
}

TEST_F(account_hosts_are_well_formed)
{
	static const char *const  bad[] = { "", "Ca.test", "ca.test/", "a@b", "a b" };
	struct keeper_account_key key;
	struct err                err = { 0 };

	CHECK(!keeper_account_key_new(f->worker, &account_id, KEY_P256, bad, 0, f->a, &key, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!keeper_account_key_new(f->worker, &account_id, KEY_P256, &bad[i], 1, f->a, &key, &err));
}

TEST_F(csr_of_sealed_key)
{
	static const char *const names[] = { "example.test", "*.example.test" };
	static const char *const bad[] = { "Example.test" };
	struct keeper_cert_key   key;
	struct str               der;
	struct err               err = { 0 };
	char                     spki[SHA256_HEX_SIZE];

	for (int type = 0; type < KEY_RSA3072; type++) { /* RSA by the slow thread */
		CHECK_OK(keeper_cert_key_new(f->worker, &cert_id, (enum key_type)type, f->a, &key, &err), err);
		CHECK_OK(keeper_csr(f->worker, &cert_id, key.blob, names, 2, f->a, &der, &err), err);

		const unsigned char *p = (const unsigned char *)der.ptr;
		X509_REQ            *req = d2i_X509_REQ(NULL, &p, (long)der.len);
		unsigned char       *key_der = NULL;
		int                  len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &key_der);

		sha256_hex(str_of(key_der, (size_t)len), spki);
		CHECK_STR(spki, key.spki_sha256);
		OPENSSL_free(key_der);
		X509_REQ_free(req);
	}
	CHECK(!keeper_csr(f->worker, &cert_id, key.blob, bad, 1, f->a, &der, &err));
	CHECK(!keeper_csr(f->worker, &cert_id, key.blob, names, 0, f->a, &der, &err));
	REFUSED(keeper_csr(f->api, &cert_id, key.blob, names, 2, f->a, &der, refused), "forbidden");
	REFUSED(keeper_cert_key_new(f->api, &cert_id, KEY_P256, f->a, &key, refused), "forbidden");
	REFUSED(keeper_cert_key_new(f->api, &cert_id, KEY_RSA2048, f->a, &key, refused), "forbidden");
	REFUSED(keeper_cert_key_new(f->worker, &account_id, KEY_P256, f->a, &key, refused), "forbidden");
}

TEST_F(a_key_is_sealed_again)
{
	static const char *const names[] = { "example.test" };
	struct record_id         next = { PROJECT, KEEPER_COLUMN_CERT_KEY, "version-2", 1 }, foreign = next;
	struct keeper_cert_key   key, again;
	struct str               der;
	struct err               err = { 0 };

	CHECK_OK(keeper_cert_key_new(f->worker, &cert_id, KEY_P384, f->a, &key, &err), err);
	CHECK_OK(keeper_cert_key_again(f->worker, KEY_P384, &cert_id, key.blob, &next, f->a, &again, &err), err);
	CHECK_STR(again.spki_sha256, key.spki_sha256);
	CHECK(!str_eq(again.blob, key.blob));
	/* Each blob is its own record's. */
	CHECK_OK(keeper_csr(f->worker, &next, again.blob, names, 1, f->a, &der, &err), err);
	REFUSED(keeper_csr(f->worker, &next, key.blob, names, 1, f->a, &der, refused), "tampered");
	REFUSED(keeper_cert_key_again(f->worker, KEY_P256, &cert_id, key.blob, &next, f->a, &again, refused), "conflict");
	REFUSED(keeper_cert_key_again(f->worker, KEY_P384, &next, key.blob, &next, f->a, &again, refused), "tampered");
	REFUSED(keeper_cert_key_again(f->api, KEY_P384, &cert_id, key.blob, &next, f->a, &again, refused), "forbidden");
	foreign.project_id = OTHER;
	REFUSED(keeper_cert_key_again(f->worker, KEY_P384, &cert_id, key.blob, &foreign, f->a, &again, refused), "forbidden");
	REFUSED(keeper_cert_key_again(f->worker, KEY_P384, &cert_id, key.blob, &account_id, f->a, &again, refused), "forbidden");
}

/* ---- rows and tokens ---- */

TEST_F(row_macs)
{
	uint8_t    mac[ROW_MAC_SIZE];
	struct str row = STR("columns");
	struct err err = { 0 };

	CHECK_OK(keeper_mac(f->worker, "authorities", row, 3, mac, &err), err);
	CHECK_OK(keeper_mac_check(f->worker, "authorities", row, 3, str_of(mac, sizeof(mac)), &err), err);
	CHECK_OK(keeper_mac_check(f->api, "authorities", row, 3, str_of(mac, sizeof(mac)), &err), err);
	REFUSED(keeper_mac_check(f->api, "authorities", row, 4, str_of(mac, sizeof(mac)), refused), "tampered");
	REFUSED(keeper_mac_check(f->api, "delegations", row, 3, str_of(mac, sizeof(mac)), refused), "tampered");
	REFUSED(keeper_mac_check(f->api, "authorities", STR("column"), 3, str_of(mac, sizeof(mac)), refused), "tampered");
	REFUSED(keeper_mac_check(f->api, "authorities", row, 3, str_of(mac, 31), refused), "tampered");
	mac[0] ^= 1;
	REFUSED(keeper_mac_check(f->api, "authorities", row, 3, str_of(mac, sizeof(mac)), refused), "tampered");
	REFUSED(keeper_mac(f->api, "authorities", row, 3, mac, refused), "forbidden");
	REFUSED(keeper_mac(f->api, "tokens", row, 3, mac, refused), "forbidden");
	REFUSED(keeper_mac(f->worker, "tokens", row, 3, mac, refused), "forbidden");
}

static struct keeper_token token_row(const char *id)
{
	int64_t now = clock_now_ms();

	return (struct keeper_token){ .id = id, .project_id = PROJECT, .name = "ci", .certificate_id = "", .role = ROLE_OPERATOR,
		                      .created_at = now, .expires_at = now + 90 * (int64_t)86400000, .row_version = 1 };
}

TEST_F(tokens)
{
	char                     id[TOKEN_ID_SIZE], other_id[TOKEN_ID_SIZE];
	struct keeper_grant      local = local_grant(f), grant;
	struct keeper_token      row, changed;
	struct keeper_token_made made, narrow;
	struct str               mac;
	struct buf               columns;
	uint8_t                  revoked_mac[ROW_MAC_SIZE];
	struct err               err = { 0 };

	CHECK(local.kind == GRANT_KIND_LOCAL && local.role == ROLE_ADMINISTRATOR && local.project_id[0] == '\0');
	CHECK_STR(local.principal_id, arena_printf(f->a, "uid:%u", (unsigned)getuid()));
	CHECK(local.expires_at > clock_now_ms() && local.expires_at <= clock_now_ms() + 60000);
	api_token_id_new(id);
	api_token_id_new(other_id);
	row = token_row(id);
	CHECK_OK(keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err), err);
	memcpy(row.digest, made.digest, sizeof(row.digest));
	mac = str_of(made.mac, sizeof(made.mac));

	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &row, mac, f->a, &grant, &err), err);
	CHECK(grant.kind == GRANT_KIND_TOKEN && grant.role == ROLE_OPERATOR);
	CHECK_STR(grant.principal_id, id);
	CHECK_STR(grant.project_id, PROJECT);
	CHECK(grant.expires_at <= clock_now_ms() + 60000);

	/* Rows that were changed behind our back. */
	changed = row, changed.role = ROLE_ADMINISTRATOR;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	changed = row, changed.project_id = "";
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	changed = row, changed.expires_at++;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	changed = row, changed.row_version = 2;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	changed = row, changed.certificate_id = "c1";
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	changed = row, changed.name = "other";
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "tampered");
	/* Wrong, unknown, revoked. */
	changed = row, changed.digest[0] ^= 1;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "unauthenticated");
	changed = row, changed.id = other_id;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "unauthenticated");
	changed = row, changed.revoked_at = 5;
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &changed, mac, f->a, &grant, refused), "unauthenticated");
	REFUSED(keeper_authenticate(f->api, str_c(made.text), NULL, mac, f->a, &grant, refused), "unauthenticated");
	REFUSED(keeper_authenticate(f->api, STR("rvt_nonsense"), &row, mac, f->a, &grant, refused), "unauthenticated");
	REFUSED(keeper_authenticate(f->worker, str_c(made.text), &row, mac, f->a, &grant, refused), "forbidden");

	/* A narrow one stays narrow, and is no administrator's. */
	api_token_id_new(other_id);
	changed = token_row(other_id), changed.name = "narrow", changed.certificate_id = "c1";
	CHECK_OK(keeper_token_new(f->api, local.bytes, &changed, f->a, &narrow, &err), err);
	memcpy(changed.digest, narrow.digest, sizeof(changed.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(narrow.text), &changed, str_of(narrow.mac, sizeof(narrow.mac)), f->a, &grant, &err), err);
	CHECK_STR(grant.certificate_id, "c1");
	buf_init(&columns, 4096);
	keeper_token_columns(&changed, &columns);
	REFUSED(keeper_mac(f->worker, "tokens", buf_str(&columns), 1, revoked_mac, refused), "forbidden");
	buf_reset(&columns);
	changed.revoked_at = clock_now_ms();
	keeper_token_columns(&changed, &columns);
	CHECK_OK(keeper_mac(f->worker, "tokens", buf_str(&columns), 1, revoked_mac, &err), err);
	buf_clear(&columns);
	changed.revoked_at = 0, changed.certificate_id = "";
	REFUSED(keeper_authenticate(f->api, str_c(narrow.text), &changed, str_of(narrow.mac, sizeof(narrow.mac)), f->a, &grant, refused), "tampered");
	changed.certificate_id = "c2";
	REFUSED(keeper_authenticate(f->api, str_c(narrow.text), &changed, str_of(narrow.mac, sizeof(narrow.mac)), f->a, &grant, refused), "tampered");
	changed.role = ROLE_ADMINISTRATOR;
	CHECK(!keeper_token_new(f->api, local.bytes, &changed, f->a, &narrow, &err));
	err = (struct err){ 0 };

	/* A MAC for the revoked row, never for a live one. */
	buf_init(&columns, 4096);
	keeper_token_columns(&row, &columns);
	REFUSED(keeper_mac(f->api, "tokens", buf_str(&columns), 1, revoked_mac, refused), "forbidden");
	REFUSED(keeper_mac(f->worker, "tokens", buf_str(&columns), 1, revoked_mac, refused), "forbidden");
	CHECK_OK(keeper_mac_check(f->api, "tokens", buf_str(&columns), 1, mac, &err), err);
	buf_reset(&columns);
	row.revoked_at = clock_now_ms();
	keeper_token_columns(&row, &columns);
	CHECK_OK(keeper_mac(f->api, "tokens", buf_str(&columns), 2, revoked_mac, &err), err);
	CHECK_OK(keeper_mac(f->worker, "tokens", buf_str(&columns), 2, revoked_mac, &err), err);
	buf_clear(&columns);
}

TEST_F(token_limits)
{
	char                     id[TOKEN_ID_SIZE];
	struct keeper_grant      local = local_grant(f), grant;
	struct keeper_token      row, short_row;
	struct keeper_token_made made;
	struct err               err = { 0 };
	char                    *bent;

	api_token_id_new(id);
	row = token_row(id);
	row.expires_at = row.created_at + 367 * (int64_t)86400000;
	CHECK(!keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err) && err.class == ERR_INPUT);
	row = token_row(id), row.expires_at = 0;
	CHECK(!keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err) && err.class == ERR_INPUT);
	row = token_row("not-an-id");
	CHECK(!keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err) && err.class == ERR_INPUT);
	row = token_row(id);
	REFUSED(keeper_token_new(f->worker, local.bytes, &row, f->a, &made, refused), "forbidden");
	REFUSED(keeper_token_new(f->api, STR(""), &row, f->a, &made, refused), "unauthenticated");
	for (size_t i = 0; i < local.bytes.len; i++) {
		bent = arena_str(f->a, local.bytes);
		bent[i] ^= 1;
		REFUSED(keeper_token_new(f->api, str_of(bent, local.bytes.len), &row, f->a, &made, refused), "unauthenticated");
	}
	/* An operator makes no tokens; a project's administrator only that project's. */
	CHECK_OK(keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err), err);
	memcpy(row.digest, made.digest, sizeof(row.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &row, str_of(made.mac, 32), f->a, &grant, &err), err);
	REFUSED(keeper_token_new(f->api, grant.bytes, &row, f->a, &made, refused), "forbidden");
	row.role = ROLE_ADMINISTRATOR;
	CHECK_OK(keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err), err);
	memcpy(row.digest, made.digest, sizeof(row.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &row, str_of(made.mac, 32), f->a, &grant, &err), err);
	CHECK_OK(keeper_token_new(f->api, grant.bytes, &row, f->a, &made, &err), err);
	row.project_id = OTHER;
	REFUSED(keeper_token_new(f->api, grant.bytes, &row, f->a, &made, refused), "forbidden");
	row.project_id = "";
	REFUSED(keeper_token_new(f->api, grant.bytes, &row, f->a, &made, refused), "forbidden");

	/* A token that runs out: its grant does not outlive it, and then it is refused. */
	short_row = token_row(id);
	short_row.expires_at = clock_now_ms() + 400;
	CHECK_OK(keeper_token_new(f->api, local.bytes, &short_row, f->a, &made, &err), err);
	memcpy(short_row.digest, made.digest, sizeof(short_row.digest));
	if (keeper_authenticate(f->api, str_c(made.text), &short_row, str_of(made.mac, 32), f->a, &grant, &err))
		CHECK_INT(grant.expires_at, short_row.expires_at);
	while (clock_now_ms() <= short_row.expires_at)
		clock_sleep_ms(50);
	REFUSED(keeper_authenticate(f->api, str_c(made.text), &short_row, str_of(made.mac, 32), f->a, &grant, refused), "unauthenticated");
}

TEST_F(local_socket_checks)
{
	struct keeper_grant grant;
	int                 pair[2], client, server, tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err          err = { 0 };

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	REFUSED(keeper_grant_local(f->api, pair[0], f->a, &grant, refused), "forbidden");
	REFUSED(keeper_grant_local(f->api, tcp, f->a, &grant, refused), "forbidden");
	REFUSED(keeper_grant_local(f->api, f->seal_fd, f->a, &grant, refused), "forbidden");
	CHECK(!keeper_grant_local(f->api, -1, f->a, &grant, &err) && err.class == ERR_INPUT);
	server = accepted(f, &client);
	REFUSED(keeper_grant_local(f->worker, server, f->a, &grant, refused), "forbidden");
	close(client);
	close(server);
	close(pair[0]);
	close(pair[1]);
	close(tcp);
}

TEST_F(exports)
{
	struct keeper_grant      local = local_grant(f), viewer, elsewhere;
	struct keeper_cert_key   sealed;
	struct keeper_account_key account = account_make(f);
	char                     id[TOKEN_ID_SIZE];
	struct keeper_token      row;
	struct keeper_token_made made;
	struct str               pem, out;
	AUTO(key_freep) struct key *issuer = NULL;
	struct err err = { 0 };

	CHECK_OK(keeper_cert_key_new(f->worker, &cert_id, KEY_P256, f->a, &sealed, &err), err);
	CHECK_OK(keeper_export_key(f->api, local.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_TRADITIONAL, STR(""), f->a, &out, &err), err);
	CHECK(str_starts(out, STR("-----BEGIN EC PRIVATE KEY-----\n")));
	CHECK_OK(keeper_export_key(f->api, local.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, &err), err);
	CHECK(str_starts(out, STR("-----BEGIN PRIVATE KEY-----\n")) && str_ends(out, STR("-----END PRIVATE KEY-----\n")));

	/* The exported key is the one of the CSR: a certificate for it makes a PKCS#12. */
	struct str base64 = str_of(out.ptr + strlen("-----BEGIN PRIVATE KEY-----\n"),
	                           out.len - strlen("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"));
	struct buf joined;
	struct str line, der;
	AUTO(key_freep) struct key *key = NULL;

	buf_init(&joined, 8192);
	while (str_next(&base64, '\n', &line))
		buf_add_str(&joined, line);
	CHECK(b64_any_decode(f->a, buf_str(&joined), &der));
	buf_clear(&joined);
	CHECK_OK(key_from_pkcs8(der, &key, &err), err);
	CHECK_OK(key_generate(KEY_P256, &issuer, &err), err);

	struct cert_wish wish = { .key = key, .issuer_key = issuer, .subject = "x", .issuer = "y", .san = "DNS:x.test",
		                  .not_before_ms = clock_now_ms(), .not_after_ms = clock_now_ms() + 86400000 };
	struct cert_info  info;
	struct cert_chain chain = { &info, 1 };

	CHECK_OK(cert_parse(f->a, make_cert(f->a, &wish), &info, &err), err);
	CHECK_STR(info.spki_sha256, sealed.spki_sha256);
	pem = chain_write(f->a, &chain);
	CHECK_OK(keeper_export_key(f->api, local.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_PKCS12, pem, f->a, &out, &err), err);
	CHECK(out.len > 100);

	/* Refused: an account key, the wrong side, the wrong grant. */
	REFUSED(keeper_export_key(f->api, local.bytes, &account_id, account.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "forbidden");
	REFUSED(keeper_export_key(f->api, local.bytes, &cert_id, account.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "tampered");
	REFUSED(keeper_export_key(f->worker, local.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "forbidden");
	REFUSED(keeper_export_key(f->api, STR("x"), &cert_id, sealed.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "unauthenticated");
	CHECK(!keeper_export_key(f->api, local.bytes, &cert_id, sealed.blob, KEEPER_EXPORT__COUNT, STR(""), f->a, &out, &err));

	api_token_id_new(id);
	row = token_row(id), row.role = ROLE_VIEWER;
	CHECK_OK(keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err), err);
	memcpy(row.digest, made.digest, sizeof(row.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &row, str_of(made.mac, 32), f->a, &viewer, &err), err);
	REFUSED(keeper_export_key(f->api, viewer.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "forbidden");
	row = token_row(id), row.project_id = OTHER;
	CHECK_OK(keeper_token_new(f->api, local.bytes, &row, f->a, &made, &err), err);
	memcpy(row.digest, made.digest, sizeof(row.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &row, str_of(made.mac, 32), f->a, &elsewhere, &err), err);
	REFUSED(keeper_export_key(f->api, elsewhere.bytes, &cert_id, sealed.blob, KEEPER_EXPORT_PKCS8, STR(""), f->a, &out, refused), "forbidden");
}

/* ---- deliveries ---- */

struct hook_side {
	struct arena            *a;
	const char              *ticket;
	struct keeper_deployment deployment;
	struct secret           *bytes;
	struct keeper_bundle     bundle;
	unsigned                 count;
};

static void hook_side_take(void *ctx, struct ipc_request *request)
{
	struct hook_side *h = ctx;
	struct err        err = { 0 };
	int               fd = ipc_request_take_fd(request);

	if (keeper_bundle_frame_read(h->a, ipc_request_body(request), &h->ticket, &h->deployment, &err) &&
	    keeper_bundle_read(fd, &h->bytes, &h->bundle, &err)) {
		/* Nobody writes into it any more, not even who made it. */
		h->count += write(fd, "x", 1) < 0;
		ipc_reply_ok(request, STR(""));
	} else {
		ipc_reply_err(request, &err);
	}
	close(fd);
}

TEST_F(deliveries)
{
	struct hook_side         side = { .a = arena_new() };
	struct ipc_server       *server = ipc_server_new("hook", 0, hook_side_take, &side);
	struct ipc_peer         *hook = ipc_peer_new("hook", NULL, NULL, NULL);
	struct keeper_grant      local = local_grant(f), tenant;
	struct keeper_deployment row = { "d1", PROJECT, "web", "c1", "files", "{\"directory\":\"/x\"}", 5 }, other = row;
	struct keeper_cert_key   sealed;
	struct keeper_token      token;
	struct keeper_token_made made;
	struct buf               columns;
	uint8_t                  mac[ROW_MAC_SIZE], direct[ROW_MAC_SIZE];
	char                     id[TOKEN_ID_SIZE];
	int                      ends[2];
	struct err               err = { 0 };

	CHECK_OK(keeper_cert_key_new(f->worker, &cert_id, KEY_P256, f->a, &sealed, &err), err);
	CHECK_OK(keeper_deployment_mac(f->api, local.bytes, &row, mac, &err), err);
	REFUSED(keeper_deployment_mac(f->worker, local.bytes, &row, mac, refused), "forbidden");
	REFUSED(keeper_deployment_mac(f->api, STR("x"), &row, direct, refused), "unauthenticated");

	/* The worker cannot sign where keys go, and it checks what was signed. */
	buf_init(&columns, 4096);
	keeper_deployment_columns(&row, &columns);
	REFUSED(keeper_mac(f->worker, "deployments", buf_str(&columns), 1, direct, refused), "forbidden");
	CHECK_OK(keeper_mac_check(f->worker, "deployments", buf_str(&columns), 1, str_of(mac, sizeof(mac)), &err), err);
	buf_clear(&columns);

	/* An administrator of one project tells webhooks, and touches nothing on this machine. */
	api_token_id_new(id);
	token = token_row(id), token.role = ROLE_ADMINISTRATOR, token.project_id = PROJECT;
	CHECK_OK(keeper_token_new(f->api, local.bytes, &token, f->a, &made, &err), err);
	memcpy(token.digest, made.digest, sizeof(token.digest));
	CHECK_OK(keeper_authenticate(f->api, str_c(made.text), &token, str_of(made.mac, 32), f->a, &tenant, &err), err);
	REFUSED(keeper_deployment_mac(f->api, tenant.bytes, &row, direct, refused), "forbidden");
	other.kind = "webhook";
	CHECK_OK(keeper_deployment_mac(f->api, tenant.bytes, &other, direct, &err), err);
	other.project_id = OTHER;
	REFUSED(keeper_deployment_mac(f->api, tenant.bytes, &other, direct, refused), "forbidden");

	struct keeper_delivery delivery = { "ticket-1", row, str_of(mac, sizeof(mac)), cert_id, sealed.blob, STR("chain"), false };
	REFUSED(keeper_deliver(f->worker, &delivery, refused), "unavailable");
	keeper_set_hook(f->keeper, hook);
	CHECK_OK(ipc_pair(ends, &err), err);
	ipc_server_attach(server, 1, ends[0]);
	ipc_peer_attach(hook, ends[1]);
	CHECK_OK(keeper_deliver(f->worker, &delivery, &err), err);
	CHECK_INT(side.count, 1);
	CHECK_STR(side.ticket, "ticket-1");
	CHECK_STR(side.deployment.settings, row.settings);
	CHECK(str_eq(side.bundle.chain_pem, STR("chain")) && side.bundle.pkcs12.len == 0);
	CHECK(str_starts(side.bundle.key_pem, STR("-----BEGIN PRIVATE KEY-----")));

	/* Another directory, another project, the wrong side. */
	delivery.deployment.settings = "{\"directory\":\"/y\"}";
	REFUSED(keeper_deliver(f->worker, &delivery, refused), "tampered");
	delivery.deployment = row;
	delivery.cert_key.project_id = OTHER;
	REFUSED(keeper_deliver(f->worker, &delivery, refused), "forbidden");
	delivery.cert_key = cert_id;
	REFUSED(keeper_deliver(f->api, &delivery, refused), "forbidden");
	CHECK_INT(side.count, 1);

	ipc_server_free(server);
	keeper_set_hook(f->keeper, NULL);
	ipc_peer_free(hook);
	secret_free(side.bytes);
	arena_free(side.a);
}

TEST_F(webhooks)
{
	const struct record_id id = { PROJECT, KEEPER_COLUMN_WEBHOOK, "d1", 1 };
	struct str             blob;
	uint8_t                mac[ROW_MAC_SIZE], expected[HMAC_SIZE];
	struct err             err = { 0 };

	CHECK_OK(keeper_seal(f->api, &id, STR("s3cret"), f->a, &blob, &err), err);
	CHECK_OK(keeper_webhook_sign(f->worker, &id, blob, 1700000000, STR("{}"), mac, &err), err);
	hmac_sha256(STR("s3cret"), STR("1700000000.{}"), expected);
	CHECK(memcmp(mac, expected, sizeof(mac)) == 0);
	REFUSED(keeper_webhook_sign(f->worker, &eab_id, blob, 1, STR("{}"), mac, refused), "forbidden");
	REFUSED(keeper_webhook_sign(f->api, &id, blob, 1, STR("{}"), mac, refused), "forbidden");
}

/* The worker alone gets a credential to see, and only for the very row and settings it was sealed for. */
TEST_F(credentials)
{
	const struct record_id id = { PROJECT, KEEPER_COLUMN_CREDENTIALS, "c1/digest", 1 };
	struct record_id       other = id, webhook = { PROJECT, KEEPER_COLUMN_WEBHOOK, "c1/digest", 1 };
	struct str             blob, plain, big = str_of(arena_alloc(f->a, 33 * KIB), 33 * KIB);
	struct err             err = { 0 };

	CHECK_OK(keeper_seal(f->api, &id, STR("api_token=x"), f->a, &blob, &err), err);
	CHECK_OK(keeper_open_credential(f->worker, &id, blob, f->a, &plain, &err), err);
	CHECK(str_eq(plain, STR("api_token=x")));
	REFUSED(keeper_open_credential(f->api, &id, blob, f->a, &plain, refused), "forbidden");
	other.row_id = "c1/another";
	REFUSED(keeper_open_credential(f->worker, &other, blob, f->a, &plain, refused), "tampered");
	other = id;
	other.row_version = 2;
	REFUSED(keeper_open_credential(f->worker, &other, blob, f->a, &plain, refused), "tampered");
	REFUSED(keeper_open_credential(f->worker, &webhook, blob, f->a, &plain, refused), "forbidden");
	err = (struct err){ 0 };
	CHECK(!keeper_seal(f->api, &id, big, f->a, &blob, &err));
	CHECK_INT(err.class, ERR_INPUT);
}

/* The worker gets the password of a mail server to see, the one of this row, and no other secret that way. */
TEST_F(mail_passwords)
{
	const struct record_id id = { PROJECT, KEEPER_COLUMN_SMTP, "n1", 1 };
	struct record_id       other = id, signing = { PROJECT, KEEPER_COLUMN_NOTIFIER, "n1", 1 };
	struct str             blob, plain;
	struct err             err = { 0 };
	uint8_t                mac[ROW_MAC_SIZE];

	CHECK_OK(keeper_seal(f->api, &id, STR("open sesame"), f->a, &blob, &err), err);
	CHECK_OK(keeper_open_credential(f->worker, &id, blob, f->a, &plain, &err), err);
	CHECK(str_eq(plain, STR("open sesame")));
	REFUSED(keeper_open_credential(f->api, &id, blob, f->a, &plain, refused), "forbidden");
	REFUSED(keeper_webhook_sign(f->worker, &id, blob, 1, STR("{}"), mac, refused), "forbidden");
	other.row_id = "n2";
	REFUSED(keeper_open_credential(f->worker, &other, blob, f->a, &plain, refused), "tampered");
	other = id;
	other.row_version = 2;
	REFUSED(keeper_open_credential(f->worker, &other, blob, f->a, &plain, refused), "tampered");
	CHECK_OK(keeper_seal(f->api, &signing, STR("signs"), f->a, &blob, &err), err);
	REFUSED(keeper_open_credential(f->worker, &signing, blob, f->a, &plain, refused), "forbidden");
	CHECK_OK(keeper_webhook_sign(f->worker, &signing, blob, 1, STR("{}"), mac, &err), err);
}

/* ---- the frame ---- */

TEST_F(other_shapes)
{
	struct str answer;
	struct err err = { 0 };

	for (uint32_t type = IPC_TYPE_FIRST; type < KEEPER__END + 3; type++) {
		static const char *const bodies[] = { "", "x", "\0\0\0\1a", "\xff\xff\xff\xff" };

		for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
			struct str body = i == 2 ? str_of(bodies[i], 5) : str_c(bodies[i]);

			if (type == KEEPER_GRANT_LOCAL && i == 0)
				continue;
			err = (struct err){ 0 };
			CHECK(!ipc_peer_call(f->worker, type, body, -1, 5000, f->a, &answer, &err));
			CHECK(err.class == ERR_INPUT || err.class == ERR_DENIED);
			CHECK(!ipc_peer_call(f->api, type, body, -1, 5000, f->a, &answer, &err));
			CHECK(err.class == ERR_INPUT || err.class == ERR_DENIED);
		}
	}
	/* A descriptor where none belongs. */
	CHECK(!ipc_peer_call(f->api, KEEPER_MAC_CHECK, STR("x"), f->seal_fd, 5000, f->a, &answer, &err));
	CHECK(err.class == ERR_INPUT);
}

#define S(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define O(t) cmocka_unit_test_setup_teardown(t, setup_open, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(sealed_before_open), S(open_checks), O(project_keys_rotate), O(records_stay_where_they_are),
		O(seal_only_what_is_listed), O(jws_kinds), O(jws_refusals), O(key_change), O(revocation_by_key), O(contacts),
		O(account_hosts_are_well_formed), O(csr_of_sealed_key), O(a_key_is_sealed_again),
		O(row_macs), O(tokens), O(token_limits), O(local_socket_checks), O(exports), O(deliveries), O(webhooks), O(credentials), O(mail_passwords),
		O(other_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
