/*
 * net/smtp.c: libcurl's SMTP behind one function. What is sent as part of a command (addresses, host) is checked here once
 * more, because one line end too many would be another command.
 */
#include "net/smtp.h"

#include <assert.h>
#include <ctype.h>
#include <pthread.h>
#include <unistd.h>

#include "net/curl.h"
#include "net/url.h"

#define CONNECT_TIMEOUT_MS 10000L
#define ANSWER_MAX         400

struct letter {
	const struct smtp_request *request;
	struct str                 left; /* of the message */
	struct err                 refused;
	bool                       dialled, body_done;
	char                       address[ADDRESS_SIZE];
	char                       answer[ANSWER_MAX]; /* the last line */
	char                       curl_text[CURL_ERROR_SIZE];
};

bool smtp_address_valid(const char *address)
{
	size_t      len = strlen(address);
	const char *at = strrchr(address, '@');
	size_t      local = at != NULL ? (size_t)(at - address) : 0;

	if (len > SMTP_ADDRESS_MAX || local < 1 || local > 64 || address[0] == '.' || at[-1] == '.' || at[1] == '\0' || at[1] == '.' ||
	    at[1] == '-' || strstr(address, "..") != NULL)
		return false;
	for (size_t i = 0; i < local; i++)
		if (!isalnum((unsigned char)address[i]) && strchr("!#$%&'*+-/=?^_`{|}~.", address[i]) == NULL)
			return false;
	for (const char *p = at + 1; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return false;
	return address[len - 1] != '.' && address[len - 1] != '-';
}

static bool host_url(const char *host, char ret[static URL_HOST_SIZE + 16])
{
	struct url url;
	int        len = snprintf(ret, URL_HOST_SIZE + 16, strchr(host, ':') != NULL ? "https://[%s]" : "https://%s", host);

	return len > 0 && len < URL_HOST_SIZE + 16 && strpbrk(host, "/?#@") == NULL && url_parse(str_c(ret), &url, NULL) &&
	       url.port == 443 && str_eq_nocase(str_c(url.host), str_c(host));
}

bool smtp_host_valid(const char *host)
{
	char url[URL_HOST_SIZE + 16];

	return strlen(host) < URL_HOST_SIZE && host_url(host, url);
}

/* ---- callbacks ---- */

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct letter *x = arg;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !address_check(&address->addr, x->request->allowed, x->request->allowed_count, &x->refused))
		return CURL_SOCKET_BAD;
	x->dialled = true;
	address_write(&address->addr, x->address);
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_answer(char *ptr, size_t size, size_t count, void *arg)
{
	struct letter *x = arg;
	struct str     line = str_trim(str_of(ptr, size * count));
	size_t         len = line.len < ANSWER_MAX - 1 ? line.len : ANSWER_MAX - 1;

	/* The answer to QUIT says nothing about the mail. */
	if (str_starts(line, STR("221")))
		return size * count;
	for (size_t i = 0; i < len; i++)
		x->answer[i] = line.ptr[i] >= ' ' && line.ptr[i] < 127 ? line.ptr[i] : '?';
	x->answer[len] = '\0';
	return size * count;
}

static size_t on_read(char *ptr, size_t size, size_t count, void *arg)
{
	struct letter *x = arg;
	size_t         take = size * count < x->left.len ? size * count : x->left.len;

	memcpy(ptr, x->left.ptr, take);
	x->left = str_of(x->left.ptr + take, x->left.len - take);
	return take;
}

/* ---- what came of it ---- */

static bool unavailable(const struct letter *x, const char *why, struct err *err)
{
	return err_problem(err, ERR_TEMPORARY, "unavailable", "mail server %s port %u%s%s%s: %s", x->request->host,
	                   (unsigned)x->request->port, x->address[0] != '\0' ? " (" : "", x->address, x->address[0] != '\0' ? ")" : "",
	                   why);
}

static bool answered(const struct letter *x, long code, struct err *err)
{
	return err_problem(err, code >= 500 ? ERR_PERMANENT : ERR_TEMPORARY, code >= 500 ? "refused" : "unavailable",
	                   "mail server %s answered %s", x->request->host, x->answer);
}

static bool send_err(const struct letter *x, CURL *curl, CURLcode code, struct err *err)
{
	const char *text = x->curl_text[0] != '\0' ? x->curl_text : curl_easy_strerror(code);
	long        status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	switch ((int)code) { /* a few of curl's hundred codes */
	case CURLE_COULDNT_RESOLVE_HOST:
		return unavailable(x, "DNS has no address for it, or did not answer", err);
	case CURLE_COULDNT_CONNECT:
		if (x->refused.class == ERR_NONE || x->dialled)
			return unavailable(x, "it did not accept a connection", err);
		*err = x->refused;
		return err_in(err, "mail server %s", x->request->host);
	case CURLE_OPERATION_TIMEDOUT:
		return unavailable(x, "it did not finish its answer in time", err);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		unavailable(x, text, err);
		return err_hint(err, "for a server with a certificate of a private authority, give its root (ca_file)");
	case CURLE_USE_SSL_FAILED:
		unavailable(x, "it offers no STARTTLS, and nothing is sent without encryption", err);
		return err_hint(err, "security: \"tls\" for a port that begins with TLS (465); \"none\" if the way there is safe");
	case CURLE_LOGIN_DENIED:
		err_problem(err, status / 100 == 4 ? ERR_TEMPORARY : ERR_CONFIG, "refused", "mail server %s does not take the password of %s: %s",
		            x->request->host, x->request->username, x->answer);
		return err_hint(err, "give the password again: reeve notify update NAME --password-file FILE");
	default:
		return status >= 400 ? answered(x, status, err) : unavailable(x, text, err);
	}
}

/* ---- sending ---- */

static void curl_start(void)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	assert(code == CURLE_OK);
	(void)code;
}

static void curl_freep(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

#define SET(option, value) CURL_SET(curl, option, value)

static bool tls_set(CURL *curl, const struct smtp_request *request, struct err *err)
{
	SET(CURLOPT_USE_SSL, (long)(request->security == SMTP_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	return curl_trust(curl, request->ca_pem, err);
}

static bool letter_set(struct letter *x, CURL *curl, struct curl_slist *to, const char *password, struct arena *a, struct err *err)
{
	const struct smtp_request *request = x->request;
	bool                       ip6 = strchr(request->host, ':') != NULL;

	SET(CURLOPT_URL, arena_printf(a, ip6 ? "%s://[%s]:%u" : "%s://%s:%u", request->security == SMTP_TLS ? "smtps" : "smtp",
	                              request->host, (unsigned)request->port));
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(request->timeout_ms / 1000 + 1));
	SET(CURLOPT_ERRORBUFFER, x->curl_text);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_answer);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, x);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_MAIL_FROM, arena_printf(a, "<%s>", request->from));
	SET(CURLOPT_MAIL_RCPT, to);
	if (request->username[0] != '\0') {
		SET(CURLOPT_USERNAME, request->username);
		SET(CURLOPT_PASSWORD, password);
	}
	return tls_set(curl, request, err);
}

static bool request_check(const struct smtp_request *request, struct err *err)
{
	if (!smtp_host_valid(request->host) || request->port == 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%.80s\" is not the name of a mail server", request->host);
	if (request->username[0] != '\0' && request->security == SMTP_PLAIN)
		return err_problem(err, ERR_INPUT, "invalid-request", "a password is not sent without encryption");
	if (!smtp_address_valid(request->from))
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%.80s\" is not a mail address", request->from);
	if (request->to_count == 0 || request->to_count > SMTP_RECIPIENTS_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "a mail to %zu recipients", request->to_count);
	for (size_t i = 0; i < request->to_count; i++)
		if (!smtp_address_valid(request->to[i]))
			return err_problem(err, ERR_INPUT, "invalid-request", "\"%.80s\" is not a mail address", request->to[i]);
	return true;
}

bool smtp_send(const struct smtp_request *request, struct arena *a, const char **ret_answer, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct letter        *x = arena_alloc(a, sizeof(*x));
	char                  password[1024] = "";
	CURLcode              code;
	bool                  ok;

	if (!request_check(request, err))
		return false;
	if (request->password.len >= sizeof(password) || str_has_nul(request->password))
		return err_problem(err, ERR_INPUT, "invalid-request", "the password is too long, or has a NUL in it");
	pthread_once(&once, curl_start);
	AUTO(curl_freep) CURL                *curl = curl_easy_init();
	AUTO(slist_freep) struct curl_slist *to = NULL;
	if (curl == NULL)
		abort(); /* out of memory: base/arena.h */
	for (size_t i = 0; i < request->to_count; i++) {
		struct curl_slist *longer = curl_slist_append(to, arena_printf(a, "<%s>", request->to[i]));

		if (longer == NULL)
			abort();
		to = longer;
	}
	*x = (struct letter){ .request = request, .left = request->message };
	if (request->password.len > 0)
		memcpy(password, request->password.ptr, request->password.len);
	ok = letter_set(x, curl, to, password, a, err);
	explicit_bzero(password, sizeof(password));
	if (!ok)
		return false;
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return send_err(x, curl, code, err);
	*ret_answer = x->answer;
	return true;
}
