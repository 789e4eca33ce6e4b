/*
 * net/probe.c: a TLS handshake for the sake of the certificate that comes with it. Verification is off on purpose: the
 * question is what is served, and the caller compares it with what should be.
 */
#include "net/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void addrinfo_freep(struct addrinfo **info)
{
	if (*info != NULL)
		freeaddrinfo(*info);
}

static void ssl_freep(SSL **ssl)
{
	SSL_free(*ssl);
}

static void ssl_ctx_freep(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

static bool late(const struct probe_request *r, struct err *err)
{
	return err_problem(err, ERR_TEMPORARY, "timeout", "%s:%s did not finish within %u ms", r->host, r->port, r->timeout_ms);
}

static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t       left = deadline_ms - clock_mono_ms();

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) > 0)
			return true;
	}
}

/* One address after the other; the last one's reason is told. */
static bool dial(const struct probe_request *r, int64_t deadline_ms, int *ret, struct err *err)
{
	AUTO(addrinfo_freep) struct addrinfo *found = NULL;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	int                   code = getaddrinfo(r->host, r->port, &hints, &found);

	if (code != 0)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s: %s", r->host, gai_strerror(code));
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		char      text[ADDRESS_SIZE];
		int       number = 0;
		socklen_t len = sizeof(number);

		if (!address_check(at->ai_addr, r->allowed, r->allowed_count, err))
			continue;
		int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && (connect(fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS) &&
		    wait_for(fd, POLLOUT, deadline_ms) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) == 0 && number == 0) {
			*ret = fd;
			return true;
		}
		if (number == 0)
			number = errno;
		fd_closep(&fd);
		if (clock_mono_ms() >= deadline_ms)
			return late(r, err);
		err_problem(err, ERR_TEMPORARY, "unavailable", "%s port %s: %s", address_write(at->ai_addr, text), r->port, strerror(number));
	}
	return false;
}

static bool handshake(const struct probe_request *r, SSL *ssl, int fd, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		int n = SSL_connect(ssl), why = n == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, n);

		if (n == 1)
			return true;
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
			const char *reason = ERR_reason_error_string(ERR_peek_last_error());

			ERR_clear_error();
			return err_problem(err, ERR_TEMPORARY, "unavailable", "%s:%s speaks no TLS to us: %s", r->host, r->port,
			                   reason != NULL ? reason : "the connection was closed");
		}
		if (!wait_for(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline_ms))
			return late(r, err);
	}
}

static bool send_all(const struct probe_request *r, int fd, struct str text, int64_t deadline_ms, struct err *err)
{
	while (text.len > 0) {
		ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_problem(err, ERR_TEMPORARY, "unavailable", "%s:%s: %s", r->host, r->port, strerror(errno));
		if (n > 0)
			text = str_of(text.ptr + n, text.len - (size_t)n);
		else if (!wait_for(fd, POLLOUT, deadline_ms))
			return late(r, err);
	}
	return true;
}

/* One byte at a time, so that nothing of what follows is taken for a part of the dialog. */
static bool talk(const struct probe_request *r, int fd, int64_t deadline_ms, struct err *err)
{
	struct starttls_dialog d;

	starttls_begin(&d, r->starttls);
	while (d.state != STARTTLS_GO) {
		char    byte;
		ssize_t n;

		if (d.state == STARTTLS_SAY) {
			if (!send_all(r, fd, starttls_say(&d), deadline_ms, err))
				return false;
			continue;
		}
		n = recv(fd, &byte, 1, 0);
		if (n == 1) {
			if (starttls_take(&d, byte, err) == STARTTLS_FAILED)
				return err_in(err, "%s:%s", r->host, r->port);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			return err_problem(err, ERR_TEMPORARY, "unavailable", "%s:%s: %s", r->host, r->port,
			                   n == 0 ? "the connection was closed before TLS began" : strerror(errno));
		} else if (!wait_for(fd, POLLIN, deadline_ms)) {
			return late(r, err);
		}
	}
	return true;
}

bool probe_tls(struct arena *a, const struct probe_request *r, struct str *ret_leaf, struct err *err)
{
	int64_t             deadline_ms = clock_mono_ms() + r->timeout_ms;
	AUTO(fd_closep) int fd = -1;
	AUTO(ssl_ctx_freep) SSL_CTX *ctx = NULL;
	AUTO(ssl_freep) SSL *ssl = NULL;
	unsigned char *der = NULL;
	X509          *leaf;

	if (!dial(r, deadline_ms, &fd, err) || !talk(r, fd, deadline_ms, err))
		return false;
	ctx = SSL_CTX_new(TLS_client_method());
	ssl = ctx != NULL ? SSL_new(ctx) : NULL;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		abort(); /* out of memory: base/arena.h */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	if (r->name[0] != '\0' && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)r->name) != 1)
		return err_set(err, ERR_INPUT, "\"%s\" cannot be asked for by SNI", r->name);
	if (!handshake(r, ssl, fd, deadline_ms, err))
		return false;
	leaf = SSL_get0_peer_certificate(ssl);
	int len = leaf != NULL ? i2d_X509(leaf, &der) : -1;
	if (len <= 0)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s:%s serves no certificate", r->host, r->port);
	*ret_leaf = arena_dup(a, str_of(der, (size_t)len));
	OPENSSL_free(der);
	(void)SSL_shutdown(ssl);
	ERR_clear_error();
	return true;
}
