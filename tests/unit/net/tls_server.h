/*
 * tests/unit/net/tls_server.h: a real HTTPS (or plain HTTP) server on a free loopback port, in threads of the test
 * program, with throw-away certificates. It writes exactly the bytes it is told to, also wrong ones.
 *
 * Threads  `answer` runs on one thread per connection; counters are atomic.
 */
#ifndef REEVE_TESTS_NET_TLS_SERVER_H
#define REEVE_TESTS_NET_TLS_SERVER_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/str.h"

/* A certificate authority of one root. */
struct test_ca {
	EVP_PKEY *key;
	X509     *certificate;
	char     *pem;
};

struct test_ca *test_ca_new(const char *name);
void            test_ca_free(struct test_ca *ca);

struct tls_peer;
void tls_write(struct tls_peer *peer, struct str bytes);
void tls_write_c(struct tls_peer *peer, const char *text);
/* The nth request on this connection, from 1. */
unsigned tls_peer_request(const struct tls_peer *peer);

/* `request` is head and body as they came. False closes the connection. */
typedef bool (*tls_answer_fn)(struct tls_peer *peer, struct str request, void *ctx);

struct tls_setup {
	const struct test_ca *ca;    /* NULL: plain HTTP */
	const char           *names; /* subjectAltName: "IP:127.0.0.1,DNS:localhost" */
	bool                  expired;
	int                   tls_max; /* 0, or TLS1_1_VERSION */
	const char           *script;  /* words before TLS: '<' and '>' mark what is waited for and said, '@' waits for 8 bytes */
	bool                  mute;    /* accepts TCP and says nothing */
	tls_answer_fn         answer;
	void                 *ctx;
};

struct tls_server {
	uint16_t    port;
	atomic_uint connections, requests;
	char        url[64]; /* "https://127.0.0.1:port" */
	char        url_localhost[64];
};

struct tls_server *tls_server_start(const struct tls_setup *setup);
void               tls_server_stop(struct tls_server *server);

#endif
