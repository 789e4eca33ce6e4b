/*
 * tests/unit/api/fixture.h: the api role in one process: the real keeper and the real store, and a worker that
 * only writes rows. Orders end when the test says so.
 */
#ifndef REEVE_TESTS_API_FIXTURE_H
#define REEVE_TESTS_API_FIXTURE_H

#include <arpa/inet.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/wire.h"
#include "json/json.h"
#include "keeper/keeper.h"
#include "keeper/seal.h"
#include "store/certificate.h"
#include "store/connection.h"
#include "store/delegation.h"
#include "store/order.h"
#include "store/project.h"
#include "store/store.h"
#include "store/token.h"
#include "test.h"
#include "workflow/command.h"

#define ZONE "zone.example.test"

struct fixture {
	char               dir[64], data[80], seal[80], path[96], socket[96];
	struct arena      *a;
	struct err         err;
	struct store      *store;
	struct keeper     *keeper;
	struct ipc_server *keeper_server, *worker_server;
	struct ipc_peer   *worker_keeper; /* what a real worker would ask the keeper through */
	struct api        *api;
	uint16_t           port;
	char               project_id[ID_SIZE];
	char               connection_id[ID_SIZE];
	int                audits; /* atomic */
	char               issue_json[2048]; /* the last façade members */
	char               key_type[32], connection[64];
	struct str         eab; /* malloc'd: the last sealed EAB key */
};

/* ---- writing rows ---- */

struct write_any {
	struct fixture      *f;
	struct project       project;
	struct project_key   key;
	struct str           root;
	const char          *instance_id;
	struct authority     authority;
	struct delegation    delegation;
	struct certificate   certificate;
	struct version       version;
	struct order         order;
	struct token         token;
	const char          *text, *detail, *hint;
};

static inline bool write_start(struct db *db, void *arg, struct err *err)
{
	struct write_any  *w = arg;
	const char *const  zones[] = { ZONE };
	struct connection *list;
	size_t             count;
	int64_t            now = clock_now_ms();

	if (!meta_set(db, "instance_id", w->instance_id, err) || !seal_insert(db, "seal", "file", w->root, now, err) ||
	    !project_insert(db, &w->project, err) || !project_key_insert(db, &w->key, now, err) ||
	    !connection_sync_builtin(db, zones, 1, now, err) || !connection_list(db, w->f->a, "", "", &list, &count, err))
		return false;
	snprintf(w->f->connection_id, ID_SIZE, "%s", list[0].id);
	return true;
}

static inline bool write_project(struct db *db, void *arg, struct err *err)
{
	return project_insert(db, &((struct write_any *)arg)->project, err);
}

static inline bool write_authority(struct db *db, void *arg, struct err *err)
{
	return authority_insert(db, &((struct write_any *)arg)->authority, err);
}

static inline bool write_authority_remove(struct db *db, void *arg, struct err *err)
{
	return authority_remove(db, ((struct write_any *)arg)->text, clock_now_ms(), err);
}

static inline bool write_delegation(struct db *db, void *arg, struct err *err)
{
	struct delegation *d = &((struct write_any *)arg)->delegation;

	return target_claim(db, d->target, d->project_id, d->kind, d->created_at, err) && delegation_insert(db, d, err);
}

static inline bool write_issue(struct db *db, void *arg, struct err *err)
{
	struct write_any *w = arg;

	return (w->certificate.id == NULL || certificate_insert(db, &w->certificate, err)) && order_insert(db, &w->order, err);
}

static inline bool write_token(struct db *db, void *arg, struct err *err)
{
	return token_insert(db, &((struct write_any *)arg)->token, err);
}

static inline bool write_token_revoke(struct db *db, void *arg, struct err *err)
{
	return token_revoke(db, ((struct write_any *)arg)->text, clock_now_ms(), STR("mac"), err);
}

static inline bool write_version(struct db *db, void *arg, struct err *err)
{
	struct version *v = &((struct write_any *)arg)->version;
	int64_t         now = clock_now_ms();

	return version_insert(db, v, err) && version_set_chain(db, v->id, v->chain_pem, err) &&
	       version_store(db, v->id, v->serial, "", v->not_before_at, v->not_after_at, now, err) &&
	       order_set_version(db, ((struct write_any *)arg)->order.id, v->id, err) &&
	       order_end(db, ((struct write_any *)arg)->order.id, "issued", "", "", "", now, err);
}

static inline bool write_failed(struct db *db, void *arg, struct err *err)
{
	struct write_any *w = arg;

	return order_end(db, w->order.id, "failed", "ca-refused", w->detail, w->hint, clock_now_ms(), err);
}

static inline bool write_progress(struct db *db, void *arg, struct err *err)
{
	return order_set_progress(db, ((struct write_any *)arg)->order.id, "await", "", "", "", 0, 1, err);
}

/* ---- the worker ---- */

static inline bool fake_delegation(struct fixture *f, struct wire *in, const struct command_who *who, struct arena *a,
                                   struct command_reply *reply, struct err *err)
{
	struct command_delegation d = command_delegation_read(in, a);
	struct write_any          w = { .f = f };

	w.delegation = (struct delegation){ .id = d.id, .project_id = who->project_id, .name = d.name,
		.target = d.target[0] != '\0' ? d.target : arena_printf(a, "x%.8s." ZONE, d.id + 28), .kind = "generated",
		.connection_id = f->connection_id, .health = "planned", .problem = "", .finding = "",
		.created_at = clock_now_ms(), .row_version = 1, .mac = STR("mac") };
	reply->id = d.id;
	return wire_done(in, err) && store_write(f->store, write_delegation, &w, err);
}

/* What the real one refuses, by name. */
static inline bool fake_refusal(const char *name, struct err *err)
{
	if (strncmp(name, "taken.", 6) == 0)
		return err_problem(err, ERR_CONFLICT, "already-exists", "there is a certificate for %s", name);
	if (strncmp(name, "busy.", 5) == 0)
		return err_problem(err, ERR_CONFLICT, "order-running", "an order for %s is running", name);
	if (strncmp(name, "twice.", 6) == 0)
		return err_problem(err, ERR_CONFLICT, "ambiguous-connection", "the connections one, two fit %s", name);
	if (strncmp(name, "bare.", 5) == 0) {
		err_problem(err, ERR_CONFIG, "delegation-missing", "there is no CNAME at _acme-challenge.%s", name);
		return err_hint(err, "_acme-challenge.%s. 300 IN CNAME x." ZONE ".", name);
	}
	return true;
}

static inline bool fake_issue(struct fixture *f, struct wire *in, const struct command_who *who, struct arena *a,
                              struct command_reply *reply, struct err *err)
{
	struct command_issue c = command_issue_read(in, a);
	struct write_any     w = { .f = f };
	struct authority     authority;
	struct db           *db = store_reader(f->store, err);
	struct buf           names;

	if (!wire_done(in, err) || db == NULL || !fake_refusal(c.names[0], err) ||
	    !authority_find_default(db, a, who->project_id, &authority, err))
		return false;
	buf_init(&names, 64 * KIB);
	for (size_t i = 0; i < c.names_count; i++)
		buf_printf(&names, "%s%s", i > 0 ? " " : "", c.names[i]);
	snprintf(f->issue_json, sizeof(f->issue_json), "%s", c.facade);
	snprintf(f->key_type, sizeof(f->key_type), "%s", c.key_type);
	snprintf(f->connection, sizeof(f->connection), "%s", c.connection);
	w.certificate = (struct certificate){ .id = c.certificate_id, .project_id = who->project_id, .name = c.names[0],
		.names = arena_str(a, buf_str(&names)), .authority_id = authority.id, .key_type = "p256", .facade = c.facade,
		.created_at = clock_now_ms(), .row_version = 1, .auto_renew = true };
	w.order = (struct order){ .id = c.order_id, .project_id = who->project_id, .certificate_id = c.certificate_id,
		.version_id = "", .authority_id = authority.id, .account_id = "", .status = "running", .step = "key",
		.order_url = "", .finalize_url = "", .certificate_url = "", .problem = "", .detail = "", .hint = "",
		.created_at = clock_now_ms(), .row_version = 1 };
	buf_clear(&names);
	reply->id = c.certificate_id;
	reply->order_id = c.order_id;
	return store_write(f->store, write_issue, &w, err);
}

static inline bool fake_renew(struct fixture *f, struct wire *in, struct arena *a, struct command_reply *reply, struct err *err)
{
	const char        *id = wire_get_c(in, a), *order_id = wire_get_c(in, a);
	struct certificate c;
	struct write_any   w = { .f = f };
	struct db         *db = store_reader(f->store, err);

	if (db == NULL || !certificate_find(db, a, id, &c, err))
		return false;
	w.order = (struct order){ .id = order_id, .project_id = c.project_id, .certificate_id = c.id, .version_id = "",
		.authority_id = c.authority_id, .account_id = "", .status = "running", .step = "key", .order_url = "",
		.finalize_url = "", .certificate_url = "", .problem = "", .detail = "", .hint = "",
		.created_at = clock_now_ms(), .row_version = 1 };
	reply->id = c.id;
	reply->order_id = order_id;
	return store_write(f->store, write_issue, &w, err);
}

static inline bool fake_authority(struct fixture *f, struct wire *in, const struct command_who *who, struct arena *a,
                                  struct command_reply *reply, struct err *err)
{
	struct write_any w = { .f = f, .authority = command_authority_read(in, a) };

	w.authority.project_id = who->project_id;
	w.authority.created_at = clock_now_ms();
	w.authority.mac = STR("mac");
	reply->id = w.authority.id;
	free((void *)(uintptr_t)f->eab.ptr);
	f->eab = str_of(NULL, 0);
	if (w.authority.eab_hmac.len > 0) {
		char *copy = malloc(w.authority.eab_hmac.len);

		memcpy(copy, w.authority.eab_hmac.ptr, w.authority.eab_hmac.len);
		f->eab = str_of(copy, w.authority.eab_hmac.len);
	}
	return wire_done(in, err) && store_write(f->store, write_authority, &w, err);
}

static inline bool fake_named(struct fixture *f, uint32_t type, struct wire *in, const struct command_who *who,
                              struct arena *a, struct command_reply *reply, struct err *err)
{
	const char       *name = wire_get_c(in, a);
	struct db        *db = store_reader(f->store, err);
	struct authority  authority;
	struct delegation delegation;
	struct token      token;
	struct write_any  w = { .f = f };

	if (db == NULL)
		return false;
	if (type == COMMAND_DELEGATION_CHECK || type == COMMAND_DELEGATION_REMOVE) {
		if (!delegation_find_named(db, a, who->project_id, name, &delegation, err))
			return false;
		reply->id = delegation.id;
		return true;
	}
	if (type == COMMAND_TOKEN_REVOKE) {
		if (!token_find_named(db, a, who->project_id, name, &token, err))
			return false;
		w.text = token.id;
		return store_write(f->store, write_token_revoke, &w, err);
	}
	if (!authority_find_named(db, a, who->project_id, name, &authority, err))
		return false;
	w.text = authority.id;
	reply->id = authority.id;
	return type != COMMAND_AUTHORITY_REMOVE || store_write(f->store, write_authority_remove, &w, err);
}

static inline void fake_worker(void *ctx, struct ipc_request *request)
{
	struct fixture      *f = ctx;
	struct arena        *a = arena_new();
	struct wire          in = wire_of(ipc_request_body(request));
	struct command_who   who = command_who_read(&in, a);
	struct command_reply reply = { .id = "", .order_id = "", .row_version = 1, .problem = "", .detail = "", .hint = "" };
	struct write_any     w = { .f = f };
	struct err           err = { 0 };
	struct buf           out;
	bool                 ok = true;
	uint32_t             type = ipc_request_type(request);

	buf_init(&out, IPC_BODY_MAX);
	if (type == COMMAND_PROJECT_ADD) {
		w.project = (struct project){ .id = wire_get_c(&in, a), .created_at = clock_now_ms() };
		w.project.name = wire_get_c(&in, a);
		reply.id = w.project.id;
		ok = store_write(f->store, write_project, &w, &err);
	} else if (type == COMMAND_AUTHORITY_ADD) {
		ok = fake_authority(f, &in, &who, a, &reply, &err);
	} else if (type == COMMAND_DELEGATION_ADD) {
		ok = fake_delegation(f, &in, &who, a, &reply, &err);
	} else if (type == COMMAND_CERTIFICATE_ISSUE) {
		ok = fake_issue(f, &in, &who, a, &reply, &err);
	} else if (type == COMMAND_CERTIFICATE_RENEW) {
		ok = fake_renew(f, &in, a, &reply, &err);
	} else if (type == COMMAND_TOKEN_ADD) {
		w.token = command_token_read(&in, a);
		reply.id = w.token.id;
		ok = store_write(f->store, write_token, &w, &err);
	} else if (type == COMMAND_AUDIT) {
		__atomic_add_fetch(&f->audits, 1, __ATOMIC_SEQ_CST);
	} else if (type == COMMAND_DOCTOR) {
		buf_add_c(&out, "{\"ok\":true,\"names\":[]}");
	} else {
		ok = fake_named(f, type, &in, &who, a, &reply, &err);
	}
	if (ok && out.len == 0)
		command_reply_write(&out, &reply);
	if (ok)
		ipc_reply_ok(request, buf_str(&out));
	else
		ipc_reply_err(request, &err);
	buf_clear(&out);
	arena_free(a);
}

/* As the worker tells: the order changed. */
static inline void order_changed(struct fixture *f, const char *order_id)
{
	struct buf b;

	buf_init(&b, 1024);
	wire_put_c(&b, "order");
	wire_put_c(&b, order_id);
	ipc_server_push(f->worker_server, COMMAND_CHANNEL_API, COMMAND_CHANGED, buf_str(&b));
	buf_clear(&b);
}

/* ---- life ---- */

static inline void pair_attach(struct fixture *f, struct ipc_peer *peer, struct ipc_server *server, int channel)
{
	int ends[2];

	CHECK_OK(ipc_pair(ends, &f->err), f->err);
	ipc_server_attach(server, channel, ends[1]);
	ipc_peer_attach(peer, ends[0]);
}

static inline void listeners_add(struct fixture *f)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t          len = sizeof(in);
	int                tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int                local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(bind(tcp, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(tcp, 64) == 0);
	assert_true(getsockname(tcp, (struct sockaddr *)&in, &len) == 0);
	f->port = ntohs(in.sin_port);
	memcpy(un.sun_path, f->socket, strlen(f->socket) + 1);
	assert_true(bind(local, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(local, 64) == 0);
	CHECK_OK(api_add_listener(f->api, tcp, &f->err), f->err);
	CHECK_OK(api_add_listener(f->api, local, &f->err), f->err);
}

static inline void fixture_start(struct fixture *f)
{
	struct api_settings settings = { 0 };
	struct keeper_init  init;
	struct write_any    w = { .f = f };
	char                instance_id[ID_SIZE];
	int                 seal_fd;

	*f = (struct fixture){ .dir = "/tmp/reeve-api-XXXXXX", .a = arena_new() };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->data, sizeof(f->data), "%s/var", f->dir);
	snprintf(f->seal, sizeof(f->seal), "%s/seal.key", f->dir);
	snprintf(f->path, sizeof(f->path), "%s/reeve.db", f->data);
	snprintf(f->socket, sizeof(f->socket), "%s/sock", f->dir);
	assert_int_equal(mkdir(f->data, 0700), 0);
	id_new(instance_id);
	id_new(f->project_id);
	CHECK_OK(seal_create(f->seal, f->data, &f->err), f->err);
	CHECK_OK(seal_open(f->seal, f->data, &seal_fd, &f->err), f->err);
	CHECK_OK(keeper_init_offline(seal_fd, instance_id, f->project_id, KEEPER_KEY_FIRST, f->a, &init, &f->err), f->err);
	CHECK_OK(store_open(f->path, STORE_CREATE, &f->store, &f->err), f->err);
	w.instance_id = instance_id;
	w.root = init.root_wrap;
	w.project = (struct project){ f->project_id, PROJECT_DEFAULT, clock_now_ms() };
	w.key = (struct project_key){ KEEPER_KEY_FIRST, f->project_id, init.project_wrap };
	CHECK_OK(store_write(f->store, write_start, &w, &f->err), f->err);

	CHECK_OK(keeper_new(seal_fd, &f->keeper, &f->err), f->err);
	close(seal_fd);
	f->keeper_server = ipc_server_new("keeper", 0, keeper_handle, f->keeper);
	f->worker_keeper = ipc_peer_new("keeper", NULL, NULL, NULL);
	pair_attach(f, f->worker_keeper, f->keeper_server, KEEPER_CHANNEL_WORKER);
	CHECK_OK(keeper_open(f->worker_keeper, instance_id, init.root_wrap, &f->err), f->err);
	CHECK_OK(keeper_load_key(f->worker_keeper, f->project_id, KEEPER_KEY_FIRST, init.project_wrap, &f->err), f->err);

	f->worker_server = ipc_server_new("worker", 2, fake_worker, f);
	settings.store_path = f->path;
	CHECK_OK(api_new(&settings, &f->api, &f->err), f->err);
	pair_attach(f, api_keeper(f->api), f->keeper_server, KEEPER_CHANNEL_API);
	pair_attach(f, api_worker(f->api), f->worker_server, COMMAND_CHANNEL_API);
	listeners_add(f);
	CHECK_OK(api_start(f->api, &f->err), f->err);
}

static inline void fixture_stop(struct fixture *f)
{
	DIR           *dir;
	struct dirent *entry;

	api_stop(f->api);
	api_free(f->api);
	ipc_peer_free(f->worker_keeper);
	ipc_server_free(f->worker_server);
	ipc_server_free(f->keeper_server);
	keeper_free(f->keeper);
	store_close(f->store);
	dir = opendir(f->data);
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(f->data);
	unlink(f->seal);
	unlink(f->socket);
	rmdir(f->dir);
	free((void *)(uintptr_t)f->eab.ptr);
	arena_free(f->a);
}

/* ---- a client ---- */

struct answer {
	int        status;
	struct str head, body;
	json_t    *json; /* NULL when the body is not JSON; freed by answer_clear */
};

static inline void answer_clear(struct answer *x)
{
	json_decref(x->json);
	x->json = NULL;
}

/* token NULL: over the UNIX socket. "": over TCP without one. */
static inline int ask_send(struct fixture *f, const char *token, const char *method, const char *path, const char *body,
                           const char *extra)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(f->port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval     tv = { .tv_sec = 20 };
	struct buf         b;
	int                fd = socket(token != NULL ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, f->socket, strlen(f->socket) + 1);
	assert_int_equal(connect(fd, token != NULL ? (struct sockaddr *)&in : (struct sockaddr *)&un,
				 token != NULL ? sizeof(in) : sizeof(un)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	buf_init(&b, MIB);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path, extra);
	if (token != NULL && token[0] != '\0')
		buf_printf(&b, "Authorization: Bearer %s\r\n", token);
	if (body != NULL)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	buf_printf(&b, "\r\n%s", body != NULL ? body : "");
	assert_int_equal(send(fd, b.ptr, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
	buf_clear(&b);
	return fd;
}

static inline struct answer ask_receive(struct fixture *f, int fd)
{
	struct answer x = { 0 };
	struct err    ignored = { 0 };
	size_t        size = 4 * MIB, len = 0;
	char         *bytes = arena_alloc(f->a, size), *end;
	ssize_t       n;

	while (len + 1 < size && (n = recv(fd, bytes + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	close(fd);
	end = strstr(bytes, "\r\n\r\n");
	assert_non_null(end);
	x.status = (int)strtol(bytes + 9, NULL, 10);
	x.head = str_of(bytes, (size_t)(end - bytes));
	x.body = str_of(end + 4, len - (size_t)(end + 4 - bytes));
	end[0] = '\0';
	if (!json_read(x.body, 4 * MIB, &x.json, &ignored))
		x.json = NULL;
	return x;
}

static inline struct answer ask(struct fixture *f, const char *token, const char *method, const char *path, const char *body)
{
	return ask_receive(f, ask_send(f, token, method, path, body, ""));
}

/* One request whose status and one string member are all that matters. */
#define EXPECT(f_, token_, method_, path_, body_, status_, member_, want_)                          \
	do {                                                                                       \
		struct answer x_ = ask((f_), (token_), (method_), (path_), (body_));               \
		const char   *m_ = json_str(x_.json, (member_));                                   \
		if (x_.status != (status_) || m_ == NULL || strcmp(m_, (want_)) != 0)              \
			print_error("%s %s: %d %.*s\n", (method_), (path_), x_.status, STR_ARG(x_.body)); \
		CHECK_INT(x_.status, (status_));                                                   \
		CHECK(m_ != NULL);                                                                 \
		CHECK_STR(m_, (want_));                                                            \
		answer_clear(&x_);                                                                 \
	} while (0)

/* ---- an issued certificate ---- */

static inline const char *pem_of(struct fixture *f, X509 *cert)
{
	BIO        *bio = BIO_new(BIO_s_mem());
	char       *ptr;
	const char *text;
	long        len;

	PEM_write_bio_X509(bio, cert);
	len = BIO_get_mem_data(bio, &ptr);
	text = arena_str(f->a, str_of(ptr, (size_t)len));
	BIO_free(bio);
	return text;
}

/* A certificate over a key the keeper made, signed by a throw-away CA; leaf and CA as PEM. */
static inline const char *chain_for(struct fixture *f, struct str csr_der, int64_t not_before_at, int64_t not_after_at)
{
	const unsigned char *p = (const unsigned char *)csr_der.ptr;
	X509_REQ            *req = d2i_X509_REQ(NULL, &p, (long)csr_der.len);
	EVP_PKEY            *ca_key = EVP_EC_gen("P-256"), *pub = X509_REQ_get_pubkey(req);
	X509                *leaf = X509_new(), *ca = X509_new(), *certs[] = { leaf, ca };
	const char          *text;

	for (size_t i = 0; i < 2; i++) {
		X509_set_version(certs[i], 2);
		ASN1_INTEGER_set(X509_get_serialNumber(certs[i]), (long)i + 7);
		ASN1_TIME_set(X509_getm_notBefore(certs[i]), (time_t)(not_before_at / 1000));
		ASN1_TIME_set(X509_getm_notAfter(certs[i]), (time_t)(not_after_at / 1000));
		X509_NAME_add_entry_by_txt(X509_get_subject_name(certs[i]), "CN", MBSTRING_ASC,
					   (const unsigned char *)(i == 0 ? "leaf" : "ca"), -1, -1, 0);
		X509_set_pubkey(certs[i], i == 0 ? pub : ca_key);
	}
	X509_set_issuer_name(leaf, X509_get_subject_name(ca));
	X509_set_issuer_name(ca, X509_get_subject_name(ca));
	assert_true(X509_sign(leaf, ca_key, EVP_sha256()) > 0 && X509_sign(ca, ca_key, EVP_sha256()) > 0);
	text = arena_printf(f->a, "%s%s", pem_of(f, leaf), pem_of(f, ca));
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(pub);
	EVP_PKEY_free(ca_key);
	X509_REQ_free(req);
	return text;
}

/* End the order of this certificate well. */
static inline void issue(struct fixture *f, const char *certificate_id, const char *order_id, int64_t days_old,
                         int64_t days_left)
{
	char                   version_id[ID_SIZE];
	struct record_id       record = { f->project_id, KEEPER_COLUMN_CERT_KEY, version_id, 1 };
	struct keeper_cert_key key;
	struct write_any       w = { .f = f };
	const char *const      names[] = { "example.com" };
	int64_t                now = clock_now_ms();
	struct str             csr;

	id_new(version_id);
	CHECK_OK(keeper_cert_key_new(f->worker_keeper, &record, KEY_P256, f->a, &key, &f->err), f->err);
	CHECK_OK(keeper_csr(f->worker_keeper, &record, key.blob, names, 1, f->a, &csr, &f->err), f->err);
	w.order.id = order_id;
	w.version = (struct version){ .id = version_id, .project_id = f->project_id, .certificate_id = certificate_id,
		.key_type = "p256", .spki_sha256 = key.spki_sha256, .serial = "07", .key_blob = key.blob,
		.not_before_at = now - days_old * 86400000, .not_after_at = now + days_left * 86400000,
		.created_at = now, .row_version = 1 };
	w.version.chain_pem = chain_for(f, csr, w.version.not_before_at, w.version.not_after_at);
	CHECK_OK(store_write(f->store, write_version, &w, &f->err), f->err);
	order_changed(f, order_id);
}

#endif
