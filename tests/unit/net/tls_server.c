/*
 * tests/unit/net/tls_server.c: accept, one thread per connection, read a request, let the test answer.
 */
#include "tls_server.h"

#include <assert.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX   64
#define REQUEST_MAX (64u * KIB)

struct server;

struct tls_peer {
	struct server *server;
	pthread_t      thread;
	int            fd;
	SSL           *ssl; /* NULL: plain */
	unsigned       request;
};

struct server {
	struct tls_server public; /* first: handed out */
	struct tls_setup  setup;
	SSL_CTX          *context;
	pthread_t         thread;
	int               fd;
	struct tls_peer   peers[PEERS_MAX];
	unsigned          peers_count;
};

static void extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX      ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(extension != NULL);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *certificate_new(const char *name, EVP_PKEY *key, const struct test_ca *ca, const char *names,
                             bool expired)
{
	static atomic_int serial = 1;
	X509             *x = X509_new();
	X509_NAME        *subject = X509_NAME_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), atomic_fetch_add(&serial, 1));
	X509_gmtime_adj(X509_getm_notBefore(x), expired ? -7200 : -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), expired ? -3600 : 3600);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, ca != NULL ? X509_get_subject_name(ca->certificate) : subject);
	X509_set_pubkey(x, key);
	if (ca == NULL)
		extension_add(x, x, NID_basic_constraints, "critical,CA:TRUE");
	else
		extension_add(x, ca->certificate, NID_subject_alt_name, names);
	assert(X509_sign(x, ca != NULL ? ca->key : key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
	return x;
}

struct test_ca *test_ca_new(const char *name)
{
	struct test_ca *ca = calloc(1, sizeof(*ca));
	BIO            *bio = BIO_new(BIO_s_mem());
	char           *pem;
	long            len;

	assert(ca != NULL && bio != NULL);
	ca->key = EVP_EC_gen("P-256");
	assert(ca->key != NULL);
	ca->certificate = certificate_new(name, ca->key, NULL, NULL, false);
	PEM_write_bio_X509(bio, ca->certificate);
	len = BIO_get_mem_data(bio, &pem);
	ca->pem = strndup(pem, (size_t)len);
	BIO_free(bio);
	return ca;
}

void test_ca_free(struct test_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
	free(ca->pem);
	free(ca);
}

static SSL_CTX *context_new(const struct tls_setup *setup)
{
	SSL_CTX  *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509     *leaf = certificate_new("test server", key, setup->ca, setup->names, setup->expired);

	assert(context != NULL && key != NULL);
	assert(SSL_CTX_use_certificate(context, leaf) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1);
	if (setup->tls_max != 0) {
		SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
		SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(context, setup->tls_max);
	}
	X509_free(leaf);
	EVP_PKEY_free(key);
	return context;
}

static int peer_read(struct tls_peer *peer, char *ret, size_t size)
{
	return peer->ssl != NULL ? SSL_read(peer->ssl, ret, (int)size) : (int)read(peer->fd, ret, size);
}

void tls_write(struct tls_peer *peer, struct str bytes)
{
	while (bytes.len > 0) {
		int n = peer->ssl != NULL ? SSL_write(peer->ssl, bytes.ptr, (int)bytes.len)
		                          : (int)write(peer->fd, bytes.ptr, bytes.len);

		if (n <= 0)
			return; /* the client has gone: its business */
		bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
}

void tls_write_c(struct tls_peer *peer, const char *text)
{
	tls_write(peer, str_c(text));
}

unsigned tls_peer_request(const struct tls_peer *peer)
{
	return peer->request;
}

/* Bytes of the whole request that starts in buffer, or 0: not all there yet. */
static size_t request_length(const char *buffer)
{
	const char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "\r\nContent-Length:");

	if (end == NULL)
		return 0;
	return (size_t)(end + 4 - buffer) + (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

static void serve(struct tls_peer *peer)
{
	static _Thread_local char buffer[REQUEST_MAX + 1];
	struct server            *server = peer->server;
	size_t                    used = 0, length;
	int                       n;

	memset(buffer, 0, sizeof(buffer));
	for (;;) {
		while ((length = request_length(buffer)) == 0 || length > used) {
			n = peer_read(peer, buffer + used, REQUEST_MAX - used);
			if (n <= 0)
				return;
			used += (size_t)n;
		}
		peer->request++;
		atomic_fetch_add(&server->public.requests, 1);
		if (!server->setup.answer(peer, str_of(buffer, length), server->setup.ctx))
			return;
		memset(buffer, 0, used);
		used = 0; /* clients here never pipeline */
	}
}

/* The words before TLS. False: the client said something else. */
static bool play(struct tls_peer *peer)
{
	const char *at = peer->server->setup.script;

	while (at != NULL && *at != '\0') {
		size_t len = 1 + strcspn(at + 1, "<>@");
		char   eight[8];

		if (*at == '@' && recv(peer->fd, eight, sizeof(eight), MSG_WAITALL) != (ssize_t)sizeof(eight))
			return false;
		for (size_t i = 1; *at == '<' && i < len; i++) {
			char c;

			if (read(peer->fd, &c, 1) != 1 || c != at[i])
				return false;
		}
		if (*at == '>' && write(peer->fd, at + 1, len - 1) != (ssize_t)len - 1)
			return false;
		at += len;
	}
	return true;
}

static void *peer_run(void *arg)
{
	struct tls_peer *peer = arg;

	if (peer->server->setup.mute) {
		char c;

		while (read(peer->fd, &c, 1) > 0)
			continue;
	} else if (play(peer) && (peer->ssl == NULL || SSL_accept(peer->ssl) == 1)) {
		serve(peer);
	}
	if (peer->ssl != NULL)
		SSL_shutdown(peer->ssl);
	shutdown(peer->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_run(void *arg)
{
	struct server *server = arg;
	int            fd;

	while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct tls_peer *peer = &server->peers[server->peers_count];

		assert(server->peers_count < PEERS_MAX);
		server->peers_count++;
		atomic_fetch_add(&server->public.connections, 1);
		peer->server = server;
		peer->fd = fd;
		if (server->context != NULL) {
			peer->ssl = SSL_new(server->context);
			SSL_set_fd(peer->ssl, fd);
		}
		assert(pthread_create(&peer->thread, NULL, peer_run, peer) == 0);
	}
	return NULL;
}

struct tls_server *tls_server_start(const struct tls_setup *setup)
{
	struct server     *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t          len = sizeof(address);
	const char        *scheme = setup->ca != NULL ? "https" : "http";

	assert(server != NULL);
	signal(SIGPIPE, SIG_IGN);
	server->setup = *setup;
	if (setup->ca != NULL)
		server->context = context_new(setup);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(server->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(listen(server->fd, 64) == 0);
	assert(getsockname(server->fd, (struct sockaddr *)&address, &len) == 0);
	server->public.port = ntohs(address.sin_port);
	snprintf(server->public.url, sizeof(server->public.url), "%s://127.0.0.1:%u", scheme, server->public.port);
	snprintf(server->public.url_localhost, sizeof(server->public.url_localhost), "%s://localhost:%u", scheme,
	         server->public.port);
	assert(pthread_create(&server->thread, NULL, accept_run, server) == 0);
	return &server->public;
}

void tls_server_stop(struct tls_server *public)
{
	struct server *server = (struct server *)public;

	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->peers_count; i++) {
		shutdown(server->peers[i].fd, SHUT_RDWR);
		pthread_join(server->peers[i].thread, NULL);
		SSL_free(server->peers[i].ssl);
		close(server->peers[i].fd);
	}
	close(server->fd);
	SSL_CTX_free(server->context);
	free(server);
}
