/*
 * net/client.c: libcurl behind one function. A client keeps one easy handle for its life; curl_easy_reset
 * before each request forgets every option and keeps connections, TLS sessions and resolved names.
 *
 * What curl would decide by itself is taken from it: the host that is connected to is the host net/url.c read,
 * each address passes the policy in the callback that makes the socket, and again before each request, because
 * a kept connection makes no socket and the new request may allow less than the one that opened it.
 */
#include "net/client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <unistd.h>

/* curl's headers name functions that base/banned.h poisons in macros only; they come after it unharmed. */
#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/curl.h"
#include "net/url.h"

#define LOW_SPEED_BYTES   256L
#define LOW_SPEED_S       15L
#define CONNECTIONS_MAX   8L
#define REQUEST_BODY_MAX  (4u * MIB)
#define REQUEST_LINE_MAX  8192u /* of one header that we send */

struct http_client {
	CURL *curl;
	char  curl_text[CURL_ERROR_SIZE];
};

/* One run of http_perform: what the callbacks see and leave behind. */
struct exchange {
	struct http_client        *client;
	const struct http_request *request;
	struct http_response      *response;
	struct arena              *arena;
	struct url                 url;
	char                       origin[URL_ORIGIN_SIZE];

	struct err refused;      /* the address policy said no to this one */
	struct err nonsense;     /* the answer broke a bound or a rule: ends the transfer */
	bool       dialled;      /* at least one permitted address was tried */
	bool       headers_done; /* of the final answer: what follows is a trailer */
	bool       length_seen, encoding_seen;
	int        status;
	size_t     header_bytes, header_lines;
	struct buf body;
};

static void curl_start(void)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	assert(code == CURLE_OK);
	(void)code;
}

struct http_client *http_client_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client   *client = calloc(1, sizeof(*client));

	pthread_once(&once, curl_start);
	if (client == NULL || (client->curl = curl_easy_init()) == NULL)
		abort(); /* out of memory: base/arena.h */
	return client;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->curl);
	free(client);
}

void http_client_freep(struct http_client **client)
{
	http_client_free(*client);
	*client = NULL;
}

const char *http_method_name(enum http_method method)
{
	static const char *const names[HTTP_METHOD__COUNT] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };

	assert((unsigned)method < HTTP_METHOD__COUNT);
	return names[method];
}

const char *http_response_header(const struct http_response *response, const char *name)
{
	for (size_t i = 0; i < response->headers_count; i++)
		if (str_eq_nocase(str_c(response->headers[i].name), str_c(name)))
			return response->headers[i].value;
	return NULL;
}

/* ---- callbacks ---- */

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !address_check(&address->addr, x->request->allowed, x->request->allowed_count, &x->refused))
		return CURL_SOCKET_BAD;
	x->dialled = true;
	address_write(&address->addr, x->response->address);
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool peer_read(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in  in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		memcpy(ret, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(ret, &in6, sizeof(in6));
	else
		return false;
	return true;
}

static bool may_repeat(const struct http_request *request)
{
	return request->repeat_allowed || (request->method != HTTP_POST && request->method != HTTP_PATCH);
}

/* Right before a request goes out, on new and on kept connections. */
static int on_request(void *arg, char *peer, char *local UNUSED, int peer_port UNUSED, int local_port UNUSED)
{
	struct exchange        *x = arg;
	struct sockaddr_storage address;

	if (!peer_read(peer, &address)) {
		err_problem(&x->nonsense, ERR_TEMPORARY, "ca-unreachable", "%s: the peer has no address", x->origin);
		return CURL_PREREQFUNC_ABORT;
	}
	address_write((struct sockaddr *)&address, x->response->address);
	if (!address_check((struct sockaddr *)&address, x->request->allowed, x->request->allowed_count, &x->refused))
		return CURL_PREREQFUNC_ABORT;
	if (x->response->sent && !may_repeat(x->request)) {
		err_problem(&x->nonsense, ERR_TEMPORARY, "ca-unreachable",
		            "%s (%s) closed a kept connection while the request was under way", x->origin,
		            x->response->address);
		return CURL_PREREQFUNC_ABORT;
	}
	x->response->sent = true;
	return CURL_PREREQFUNC_OK;
}

PRINTF_LIKE(2, 3) static bool nonsense(struct exchange *x, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* What stands in front of a CA that is down answers as it likes: that passes. */
	return err_problem(&x->nonsense, x->status >= 500 ? ERR_TEMPORARY : ERR_PERMANENT, "ca-nonsense",
	                   "%s answered %s", x->origin, text);
}

/* A new status line: after 1xx the next one counts, and its headers alone. */
static bool status_line(struct exchange *x, struct str line)
{
	struct str rest = line, version, code;
	uint64_t   status;

	x->response->headers_count = 0;
	x->headers_done = x->length_seen = x->encoding_seen = false;
	if (!str_next(&rest, ' ', &version) || !str_next(&rest, ' ', &code) || code.len != 3 ||
	    !str_to_u64(code, &status) || status < 100 || status > 599)
		return nonsense(x, "a status line that is none: %.*s", (int)(line.len < 80 ? line.len : 80), line.ptr);
	x->status = (int)status;
	return true;
}

/* The empty line. Both ways to say the length at once is how requests are smuggled: RFC 9112 6.3. */
static bool headers_end(struct exchange *x)
{
	if (x->status < 200)
		return true;
	x->headers_done = true;
	if (x->length_seen && x->encoding_seen)
		return nonsense(x, "with both Content-Length and Transfer-Encoding");
	return true;
}

static bool header_line(struct exchange *x, struct str line)
{
	struct http_response *response = x->response;
	struct str            name, value;

	if (!http_header_split(line, &name, &value))
		return nonsense(x, "a malformed header line");
	if (str_eq_nocase(name, STR("Content-Length"))) {
		uint64_t length;

		if (x->length_seen || !str_to_u64(value, &length))
			return nonsense(x, "more than one or a malformed Content-Length");
		x->length_seen = true;
	}
	if (str_eq_nocase(name, STR("Transfer-Encoding"))) {
		if (x->encoding_seen || !str_eq_nocase(value, STR("chunked")))
			return nonsense(x, "a transfer encoding that was not asked for: %.*s",
			                (int)(value.len < 80 ? value.len : 80), value.ptr);
		x->encoding_seen = true;
	}
	if (str_eq_nocase(name, STR("Content-Encoding")) && !str_eq_nocase(value, STR("identity")))
		return nonsense(x, "a content encoding that was not asked for: %.*s",
		                (int)(value.len < 80 ? value.len : 80), value.ptr);
	response->headers[response->headers_count++] =
		(struct http_header){ .name = arena_str(x->arena, name), .value = arena_str(x->arena, value) };
	return true;
}

static size_t on_header(char *ptr, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	struct str       line = str_of(ptr, size * count);
	size_t           taken = line.len;

	x->header_bytes += taken;
	if (x->header_bytes > HTTP_HEADER_BYTES_MAX) {
		nonsense(x, "more than %u bytes of headers", HTTP_HEADER_BYTES_MAX);
		return 0;
	}
	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	if (!x->headers_done && str_starts(line, STR("HTTP/")))
		return status_line(x, line) ? taken : 0;
	if (line.len == 0)
		return x->headers_done || headers_end(x) ? taken : 0;
	if (++x->header_lines > HTTP_HEADER_LINES_MAX) {
		nonsense(x, "more than %u header lines", HTTP_HEADER_LINES_MAX);
		return 0;
	}
	if (x->headers_done)
		return taken; /* a trailer: bounded, and not believed */
	return header_line(x, line) ? taken : 0;
}

static size_t on_body(char *ptr, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;

	buf_add(&x->body, ptr, size * count);
	if (x->body.failed) {
		nonsense(x, "a body of more than %zu bytes", x->body.max);
		return 0;
	}
	return size * count;
}

/* ---- what curl's codes mean ---- */

static bool unreachable(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
static bool unreachable(struct err *err, const char *format, ...)
{
	char    text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_problem(err, ERR_TEMPORARY, "ca-unreachable", "%s", text);
}

/* " (192.0.2.1)", or "" before there was an address. */
static const char *peer_text(const struct exchange *x, char ret[static ADDRESS_SIZE + 4])
{
	if (x->response->address[0] == '\0')
		ret[0] = '\0';
	else
		snprintf(ret, ADDRESS_SIZE + 4, " (%s)", x->response->address);
	return ret;
}

static bool certificate_refused(const struct exchange *x, struct err *err)
{
	bool bundle = x->request->ca_pem.len > 0;
	long verdict = 0;
	char peer[ADDRESS_SIZE + 4];

	peer_text(x, peer);
	curl_easy_getinfo(x->client->curl, CURLINFO_SSL_VERIFYRESULT, &verdict);
	switch (verdict) {
	case X509_V_OK: /* curl compares the name after OpenSSL is content, some versions before they note that */
	case X509_V_ERR_UNSPECIFIED:
		if (strstr(x->client->curl_text, "match") == NULL)
			break;
		unreachable(err, "TLS: certificate of %s%s is not for the name %s", x->origin, peer, x->url.host);
		return err_hint(err, "use the name that is in the server's certificate, or have %s added to it",
		                x->url.host);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		unreachable(err, "TLS: certificate of %s%s is not signed by %s", x->origin, peer,
		            bundle ? "the trust bundle of this authority"
		                   : "any authority this system trusts");
		return err_hint(err, bundle ? "the trust bundle (ca_file) must hold the root that signed the server's "
		                              "certificate, and the server must send its intermediates"
		                            : "for a private authority, give its root certificate as trust bundle "
		                              "(ca_file)");
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return unreachable(err, "TLS: certificate of %s%s %s by this machine's clock", x->origin, peer,
		                   verdict == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not yet valid");
	default:
		return unreachable(err, "TLS: certificate of %s%s is refused: %s", x->origin, peer,
		                   X509_verify_cert_error_string(verdict));
	}
	return unreachable(err, "TLS: certificate of %s%s is refused: %s", x->origin, peer, x->client->curl_text);
}

static bool timed_out(const struct exchange *x, uint32_t connect_ms, uint32_t total_ms, struct err *err)
{
	curl_off_t resolved = 0;
	long       connected = 0;
	char       peer[ADDRESS_SIZE + 4];

	peer_text(x, peer);
	if (strstr(x->client->curl_text, "too slow") != NULL)
		return unreachable(err, "%s%s sent less than %ld bytes per second for %ld seconds", x->origin, peer,
		                   LOW_SPEED_BYTES, LOW_SPEED_S);
	if (x->response->sent)
		return unreachable(err, "%s%s did not finish its answer within %u ms", x->origin, peer, total_ms);
	if (total_ms < connect_ms)
		connect_ms = total_ms;
	curl_easy_getinfo(x->client->curl, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	/* The only thing curl tells before TLS is done: a local port stands for an accepted connection. */
	curl_easy_getinfo(x->client->curl, CURLINFO_LOCAL_PORT, &connected);
	if (connected > 0)
		return unreachable(err, "%s%s did not finish the TLS handshake within %u ms", x->origin, peer, connect_ms);
	if (resolved > 0 || x->dialled)
		return unreachable(err, "%s%s did not accept a connection within %u ms", x->origin, peer, connect_ms);
	return unreachable(err, "DNS did not answer for %s within %u ms", x->url.host, connect_ms);
}

static bool connect_refused(const struct exchange *x, struct err *err)
{
	char peer[ADDRESS_SIZE + 4];
	long number = 0;

	if (x->refused.class != ERR_NONE && !x->dialled) {
		*err = x->refused;
		return err_in(err, "%s", x->origin);
	}
	curl_easy_getinfo(x->client->curl, CURLINFO_OS_ERRNO, &number);
	return unreachable(err, "%s%s did not accept a connection: %s", x->origin, peer_text(x, peer),
	                   number != 0 ? strerrordesc_np((int)number) : x->client->curl_text);
}

static bool transfer_err(const struct exchange *x, CURLcode code, uint32_t connect_ms, uint32_t total_ms,
                         struct err *err)
{
	const char *text = x->client->curl_text[0] != '\0' ? x->client->curl_text : curl_easy_strerror(code);
	char        peer[ADDRESS_SIZE + 4];
	struct err  ignored;

	if (err == NULL)
		err = &ignored;
	memset(err, 0, sizeof(*err));
	if (x->nonsense.class != ERR_NONE) {
		*err = x->nonsense;
		return false;
	}
	peer_text(x, peer);
	switch ((int)code) { /* a few of curl's hundred codes */
	case CURLE_ABORTED_BY_CALLBACK: /* on_request found a kept connection to an address not allowed now */
		*err = x->refused;
		return err_in(err, "%s", x->origin);
	case CURLE_COULDNT_RESOLVE_HOST:
		return unreachable(err, "DNS has no address for %s, or did not answer", x->url.host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return unreachable(err, "DNS has no address for the proxy %s, or did not answer", x->request->proxy);
	case CURLE_COULDNT_CONNECT:
		return connect_refused(x, err);
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out(x, connect_ms, total_ms, err);
	case CURLE_PEER_FAILED_VERIFICATION:
		return certificate_refused(x, err);
	case CURLE_SSL_CACERT_BADFILE:
		err_problem(err, ERR_CONFIG, "invalid-request", "TLS: %s cannot be read",
		            x->request->ca_pem.len > 0 ? "the trust bundle of this authority"
		                                       : "this system's trust store");
		return err_hint(err, x->request->ca_pem.len > 0 ? "ca_file must hold certificates in PEM form"
		                                                : "install the package ca-certificates");
	case CURLE_SSL_CONNECT_ERROR:
		return unreachable(err, "TLS: handshake with %s%s: %s", x->origin, peer, text);
	case CURLE_GOT_NOTHING:
		return unreachable(err, "%s%s closed the connection without an answer", x->origin, peer);
	case CURLE_PARTIAL_FILE:
		return unreachable(err, "%s%s closed the connection in the middle of its answer", x->origin, peer);
	case CURLE_UNSUPPORTED_PROTOCOL: /* only http(s) URLs come here: the peer spoke HTTP/0.9 or something else */
	case CURLE_WEIRD_SERVER_REPLY:
		return err_problem(err, ERR_PERMANENT, "ca-nonsense", "%s%s answered something that is not HTTP/1.1",
		                   x->origin, peer);
	default:
		return unreachable(err, "%s%s: %s", x->origin, peer, text);
	}
}

/* ---- the request ---- */

static void slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static bool header_put(struct arena *a, struct curl_slist **list, const char *name, const char *value,
                       struct err *err)
{
	struct str         read_name, read_value;
	const char        *line = arena_printf(a, "%s: %s", name, value);
	struct curl_slist *longer;

	if (strlen(line) > REQUEST_LINE_MAX || !http_header_split(str_c(line), &read_name, &read_value) ||
	    !str_eq(read_name, str_c(name)))
		return err_problem(err, ERR_INPUT, "invalid-request",
		                   "request header '%.64s' has a character that cannot be sent, or is too long", name);
	if (read_value.len == 0)
		line = arena_printf(a, "%s;", name); /* curl's way to send a header without a value */
	longer = curl_slist_append(*list, line);
	if (longer == NULL)
		abort();
	*list = longer;
	return true;
}

/* Headers that frame a message or pick the peer are curl's alone. */
static bool header_is_ours(const char *name)
{
	static const char *const own[] = { "Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade",
		                           "Expect", "TE", "Trailer", "Accept-Encoding" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_eq_nocase(str_c(name), str_c(own[i])))
			return true;
	return false;
}

static bool headers_put(struct arena *a, const struct http_request *request, struct curl_slist **list,
                        struct err *err)
{
	const char *agent = request->user_agent != NULL ? request->user_agent : HTTP_USER_AGENT;

	if (!header_put(a, list, "User-Agent", agent, err) ||
	    !header_put(a, list, "Accept", request->accept != NULL ? request->accept : "*/*", err))
		return false;
	if (request->content_type != NULL && !header_put(a, list, "Content-Type", request->content_type, err))
		return false;
	for (size_t i = 0; i < request->headers_count; i++) {
		if (header_is_ours(request->headers[i].name))
			return err_problem(err, ERR_INPUT, "invalid-request", "request header '%s' cannot be set",
			                   request->headers[i].name);
		if (!header_put(a, list, request->headers[i].name, request->headers[i].value, err))
			return false;
	}
	/* "Name:" without a value removes what curl would add. */
	for (size_t i = 0; i < 2; i++) {
		struct curl_slist *longer = *list;

		if (i == 0)
			longer = curl_slist_append(*list, "Expect:");
		else if (request->content_type == NULL)
			longer = curl_slist_append(*list, "Content-Type:");
		if (longer == NULL)
			abort();
		*list = longer;
	}
	return true;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

/* curl_easy_setopt fails for options this libcurl was built without; going on without a limit is no option. */
#define SET(option, value) CURL_SET(curl, option, value)

static bool method_set(CURL *curl, const struct http_request *request, struct err *err)
{
	switch (request->method) {
	case HTTP_GET:
		SET(CURLOPT_HTTPGET, 1L);
		return true;
	case HTTP_HEAD:
		SET(CURLOPT_NOBODY, 1L);
		return true;
	case HTTP_DELETE:
		if (request->body.len == 0) {
			SET(CURLOPT_HTTPGET, 1L);
			SET(CURLOPT_CUSTOMREQUEST, "DELETE");
			return true;
		}
		FALLTHROUGH;
	case HTTP_POST:
	case HTTP_PUT:
	case HTTP_PATCH:
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
		if (request->method != HTTP_POST)
			SET(CURLOPT_CUSTOMREQUEST, http_method_name(request->method));
		return true;
	case HTTP_METHOD__COUNT:
		break;
	}
	return err_set(err, ERR_INPUT, "no such method");
}

static bool limits_set(CURL *curl, const struct http_request *request, struct err *err)
{
	SET(CURLOPT_PROTOCOLS_STR, request->plain_http_allowed ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "");
	SET(CURLOPT_NOPROXY, request->proxy != NULL ? "" : "*");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_ACCEPT_ENCODING, NULL);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_MAXCONNECTS, CONNECTIONS_MAX);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)or_default(request->connect_timeout_ms, HTTP_CONNECT_TIMEOUT_MS));
	SET(CURLOPT_TIMEOUT_MS, (long)or_default(request->total_timeout_ms, HTTP_TOTAL_TIMEOUT_MS));
	SET(CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
	return true;
}

static bool exchange_set(struct exchange *x, struct curl_slist *headers, struct err *err)
{
	const struct http_request *request = x->request;
	CURL                      *curl = x->client->curl;

	if (!limits_set(curl, request, err) || !curl_trust(curl, request->ca_pem, err) || !method_set(curl, request, err))
		return false;
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PATH_AS_IS, 1L); /* a JWS is bound to the path as the CA wrote it */
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_ERRORBUFFER, x->client->curl_text);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	return true;
}

/* ---- the answer ---- */

static const char *header_or_empty(const struct http_response *response, const char *name)
{
	const char *value = http_response_header(response, name);

	return value != NULL ? value : "";
}

static void response_fill(struct exchange *x)
{
	struct http_response *response = x->response;
	int64_t               now_at_s = clock_now_ms() / 1000;
	long                  opened = 0;

	response->status = x->status;
	response->location = header_or_empty(response, "Location");
	response->replay_nonce = header_or_empty(response, "Replay-Nonce");
	response->content_type = http_media_type(x->arena, str_c(header_or_empty(response, "Content-Type")));
	if (!http_date_parse(str_c(header_or_empty(response, "Date")), now_at_s, &response->date_at_s))
		response->date_at_s = 0;
	/* A date to wait for is a date on the peer's clock. */
	if (!http_retry_after(str_c(header_or_empty(response, "Retry-After")),
	                      response->date_at_s != 0 ? response->date_at_s : now_at_s, &response->retry_after_s))
		response->retry_after_s = 0;
	response->links = arena_alloc_array(x->arena, HTTP_LINKS_MAX, sizeof(*response->links));
	for (size_t i = 0; i < response->headers_count; i++)
		if (str_eq_nocase(str_c(response->headers[i].name), STR("Link")))
			http_links_parse(x->arena, str_c(response->headers[i].value), response->links,
			                 &response->links_count);
	response->body = arena_dup(x->arena, buf_str(&x->body));
	curl_easy_getinfo(x->client->curl, CURLINFO_NUM_CONNECTS, &opened);
	response->connection_reused = opened == 0;
}

/* 304 answers a condition; to anybody who made none it is one more redirect that leads nowhere. */
static bool condition_made(const struct http_request *request)
{
	for (size_t i = 0; i < request->headers_count; i++)
		if (str_eq_nocase(str_c(request->headers[i].name), STR("if-none-match")))
			return true;
	return false;
}

static bool redirect_err(const struct exchange *x, struct err *err)
{
	const char *location = header_or_empty(x->response, "Location");

	err_problem(err, ERR_PERMANENT, "ca-nonsense", "%s answered %d and points at %.200s: redirects are not followed",
	            x->origin, x->status, location[0] != '\0' ? location : "nothing");
	return err_hint(err, "if that is where the service is now, configure that URL");
}

static bool exchange_run(struct exchange *x, struct curl_slist *headers, struct err *err)
{
	const struct http_request *request = x->request;
	CURLcode                   code;

	if (!exchange_set(x, headers, err))
		return false;
	code = curl_easy_perform(x->client->curl);
	if (code != CURLE_OK)
		return transfer_err(x, code, or_default(request->connect_timeout_ms, HTTP_CONNECT_TIMEOUT_MS),
		                    or_default(request->total_timeout_ms, HTTP_TOTAL_TIMEOUT_MS), err);
	if (x->status >= 300 && x->status <= 399 && !(x->status == 304 && condition_made(x->request)))
		return redirect_err(x, err);
	if (x->status < 200)
		return err_problem(err, ERR_PERMANENT, "ca-nonsense", "%s answered without a final status", x->origin);
	response_fill(x);
	return true;
}

bool http_perform(struct http_client *client, const struct http_request *request, struct arena *a,
                  struct http_response *ret, struct err *err)
{
	AUTO(slist_freep) struct curl_slist *headers = NULL;
	struct http_response response = { 0 };
	struct exchange      x = { .client = client, .request = request, .response = &response, .arena = a };
	bool                 done;

	memset(ret, 0, sizeof(*ret));
	if (request->plain_http_allowed ? !url_parse(str_c(request->url), &x.url, err)
	                                : !url_parse_https(str_c(request->url), &x.url, err))
		return false;
	if (request->body.len > REQUEST_BODY_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "a request body of %zu bytes", request->body.len);
	if (!headers_put(a, request, &headers, err))
		return false;

	url_origin(&x.url, x.origin);
	response.headers = arena_alloc_array(a, HTTP_HEADER_LINES_MAX, sizeof(*response.headers));
	buf_init(&x.body, request->body_max != 0 ? request->body_max : HTTP_BODY_MAX_DEFAULT);
	curl_easy_reset(client->curl);
	client->curl_text[0] = '\0';
	done = exchange_run(&x, headers, err);
	curl_easy_reset(client->curl); /* nothing in the handle points into this call any more */
	buf_clear(&x.body);
	if (done) {
		*ret = response;
	} else {
		ret->sent = response.sent;
		memcpy(ret->address, response.address, sizeof(ret->address));
	}
	return done;
}
