/*
 * connect.c: from the command line to our own server. A token never crosses a network in the clear: http:// is for
 * loopback addresses only, https:// goes through the door of net/client.h.
 */
#include "cli/connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/listen.h"
#include "net/client.h"

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool no_server(const char *where, int number, struct err *err)
{
	err_problem(err, ERR_TEMPORARY, CLI_NO_SERVER, "no Reeve is listening on %s: start it with `reeve serve`", where);
	if (number == EACCES)
		return err_problem(err, ERR_TEMPORARY, CLI_NO_SERVER, "the socket %s is not yours to use", where) ||
		       err_hint(err, "run this as the user that runs `reeve serve`, or use --url with a token");
	if (number != ENOENT && number != ECONNREFUSED)
		return err_in(err, "%s", strerror(number));
	return err_hint(err, "reeve serve; when it runs elsewhere, say where with --home, --socket or --url");
}

/* ---- URLs ---- */

struct place {
	char host[128], port[8];
};

static bool url_read(const char *url, struct place *ret, struct err *err)
{
	struct str rest = str_c(url), host;

	if (!str_starts(rest, STR("http://")))
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not a URL that starts with http:// or https://", url);
	rest = str_of(rest.ptr + 7, rest.len - 7);
	if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
		rest.len--;
	struct str port = STR("80");
	if (rest.len > 0 && rest.ptr[0] == '[') {
		size_t end = str_index(rest, ']');

		host = str_of(rest.ptr + 1, end == rest.len ? 0 : end - 1);
		rest = end == rest.len ? (struct str){ rest.ptr, 0 } : str_of(rest.ptr + end + 1, rest.len - end - 1);
	} else {
		size_t end = str_index(rest, ':');

		host = str_of(rest.ptr, end);
		rest = str_of(rest.ptr + end, rest.len - end);
	}
	uint64_t number = 80;
	if (rest.len > 0)
		port = str_of(rest.ptr + 1, rest.len - 1);
	if (host.len == 0 || host.len >= sizeof(ret->host) || (rest.len > 0 && rest.ptr[0] != ':') || !str_to_u64(port, &number) ||
	    number == 0 || number > 65535 || str_index(host, '/') != host.len || str_index(host, '@') != host.len)
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not of the form http://127.0.0.1:8080", url);
	memcpy(ret->host, host.ptr, host.len);
	ret->host[host.len] = '\0';
	snprintf(ret->port, sizeof(ret->port), "%u", (unsigned)number);
	return true;
}

static bool is_loopback(const struct sockaddr *at)
{
	if (at->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)at)->sin_addr.s_addr) >> 24 == 127;
	return at->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr);
}

static void addrinfo_freep(struct addrinfo **info)
{
	if (*info != NULL)
		freeaddrinfo(*info);
}

static bool connect_url(const char *url, int *ret_fd, struct err *err)
{
	struct place                           place;
	AUTO(addrinfo_freep) struct addrinfo *found = NULL;
	struct addrinfo                        wanted = { .ai_socktype = SOCK_STREAM };
	int                                    number = ECONNREFUSED;

	if (!url_read(url, &place, err))
		return false;
	if (getaddrinfo(place.host, place.port, &wanted, &found) != 0)
		return err_problem(err, ERR_TEMPORARY, CLI_NO_SERVER, "%s: the host is not known", url);
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		if (!is_loopback(at->ai_addr))
			return err_problem(err, ERR_INPUT, "invalid-request", "%s is not on this machine, and http would show the token to the network",
			                   url) ||
			       err_hint(err, "use https:// and a proxy that ends TLS in front of Reeve, or an SSH tunnel and http://127.0.0.1:<port>");
		int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
			*ret_fd = fd;
			return true;
		}
		number = errno;
		fd_closep(&fd);
	}
	return no_server(url, number, err);
}

/* ---- one request ---- */

static bool write_request(struct buf *out, const struct connect_target *target, const struct connect_request *request, struct err *err)
{
	const char *etag = request->if_none_match != NULL ? request->if_none_match : "";
	const char *checked[] = { target->token, target->project, etag };

	for (size_t i = 0; i < ARRAY_LEN(checked); i++)
		for (const char *p = checked[i]; *p != '\0'; p++)
			if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
				return err_problem(err, ERR_INPUT, "invalid-request", "the %s has characters that cannot be sent",
				                   i == 0 ? "token" : i == 1 ? "project's name" : "ETag");
	buf_printf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: */*\r\nUser-Agent: reeve/" REEVE_VERSION "\r\n",
	           request->method, request->path);
	if (target->token[0] != '\0')
		buf_printf(out, "Authorization: Bearer %s\r\n", target->token);
	if (target->project[0] != '\0')
		buf_printf(out, "Reeve-Project: %s\r\n", target->project);
	if (etag[0] != '\0')
		buf_printf(out, "If-None-Match: %s\r\n", etag);
	if (request->has_body)
		buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", request->body.len);
	buf_add_c(out, "\r\n");
	if (request->has_body)
		buf_add_str(out, request->body);
	return !out->failed || err_problem(err, ERR_INPUT, "too-large", "the request is longer than 17 MiB");
}

/* Ready for `events` before the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t       left = deadline_ms - clock_mono_ms();

		if (left <= 0)
			return err_problem(err, ERR_TEMPORARY, "timeout", "the server did not answer in time");
		int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_errno(err, errno, "waiting for the server");
	}
}

static bool send_all(int fd, struct str bytes, int64_t deadline_ms, struct err *err)
{
	while (bytes.len > 0) {
		if (!wait_for(fd, POLLOUT, deadline_ms, err))
			return false;
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		/* The server may have answered (too large, no token) without reading on: the answer is what counts. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return true;
		if (n < 0)
			return err_errno(err, errno, "sending to the server");
		bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
	return true;
}

static bool receive_all(int fd, int64_t deadline_ms, struct cli_answer *ret, struct err *err)
{
	char block[16384];

	while (ret->state != ANSWER_DONE) {
		if (!wait_for(fd, POLLIN, deadline_ms, err))
			return false;
		ssize_t n = recv(fd, block, sizeof(block), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_errno(err, errno, "reading from the server");
		if (n <= 0)
			return cli_answer_end(ret, err);
		if (!cli_answer_feed(ret, str_of(block, (size_t)n), err))
			return false;
	}
	explicit_bzero(block, sizeof(block));
	return true;
}

/* ---- https ---- */

static bool method_of(const char *name, enum http_method *ret)
{
	for (unsigned i = 0; i < HTTP_METHOD__COUNT; i++)
		if (strcmp(http_method_name((enum http_method)i), name) == 0) {
			*ret = (enum http_method)i;
			return true;
		}
	return false;
}

static void answer_fill(const struct http_response *response, struct cli_answer *ret)
{
	const char *etag = http_response_header(response, "etag"), *version = http_response_header(response, "reeve-version");
	const char *certificate = http_response_header(response, "reeve-certificate");

	cli_answer_init(ret);
	ret->state = ANSWER_DONE;
	ret->status = response->status;
	ret->problem = strcmp(response->content_type, "application/problem+json") == 0;
	buf_add_str(&ret->body, response->body);
	if (etag != NULL && strlen(etag) < sizeof(ret->etag))
		snprintf(ret->etag, sizeof(ret->etag), "%s", etag);
	if (certificate != NULL && strlen(certificate) < sizeof(ret->certificate))
		snprintf(ret->certificate, sizeof(ret->certificate), "%s", certificate);
	if (version == NULL || !str_to_u64(str_c(version), &ret->version))
		ret->version = 0;
}

static bool ask_https(const struct connect_target *target, const struct connect_request *request, struct cli_answer *ret,
                      struct err *err)
{
	AUTO(http_client_freep) struct http_client *http = http_client_new();
	AUTO(arena_freep) struct arena *a = arena_new();
	const struct cidr    everywhere[] = { { .ip6 = false }, { .ip6 = true } };
	struct http_header   headers[3];
	struct http_response response;
	size_t               len = strlen(target->url);
	struct http_request  r = { .headers = headers, .body = request->body, .ca_pem = target->ca_pem, .allowed = everywhere,
		                   .allowed_count = ARRAY_LEN(everywhere), .body_max = CLI_ANSWER_MAX,
		                   .content_type = request->has_body ? "application/json" : NULL,
		                   .total_timeout_ms = (uint32_t)request->timeout_ms };

	while (len > 0 && target->url[len - 1] == '/')
		len--;
	r.url = arena_printf(a, "%.*s%s", (int)len, target->url, request->path);
	if (!method_of(request->method, &r.method))
		return err_set(err, ERR_INPUT, "the method %s is not sent", request->method);
	if (target->token[0] != '\0')
		headers[r.headers_count++] = (struct http_header){ "Authorization", arena_printf(a, "Bearer %s", target->token) };
	if (target->project[0] != '\0')
		headers[r.headers_count++] = (struct http_header){ "Reeve-Project", target->project };
	if (request->if_none_match != NULL && request->if_none_match[0] != '\0')
		headers[r.headers_count++] = (struct http_header){ "If-None-Match", request->if_none_match };
	if (!http_perform(http, &r, a, &response, err)) {
		if (err != NULL && strcmp(err->problem, "ca-unreachable") == 0)
			snprintf(err->problem, sizeof(err->problem), "%s", CLI_NO_SERVER);
		return false;
	}
	answer_fill(&response, ret);
	/* It may be a private key; the arena is about to go. */
	explicit_bzero((void *)(uintptr_t)response.body.ptr, response.body.len);
	return true;
}

bool connect_ask(const struct connect_target *target, const struct connect_request *request,
                 struct cli_answer *ret, struct err *err)
{
	AUTO(fd_closep) int       fd = -1;
	AUTO(buf_wipe) struct buf out;
	int64_t                   deadline_ms = clock_mono_ms() + request->timeout_ms;

	if (target->url != NULL && strncmp(target->url, "https://", 8) == 0) {
		buf_init(&out, 0);
		return ask_https(target, request, ret, err);
	}
	buf_init(&out, 17 * MIB);
	if (!write_request(&out, target, request, err))
		return false;
	if (target->url != NULL) {
		if (!connect_url(target->url, &fd, err))
			return false;
	} else if ((fd = listen_unix_connect(target->socket_path)) < 0) {
		return no_server(target->socket_path, errno, err);
	}
	cli_answer_init(ret);
	if (send_all(fd, buf_str(&out), deadline_ms, err) && receive_all(fd, deadline_ms, ret, err))
		return true;
	cli_answer_clear(ret);
	return false;
}
