/*
 * net/url.c: reads URLs left to right, once. What two readers could understand differently (user information,
 * octal or hexadecimal addresses, backslashes, a host with a final dot) is refused, so that the host whose
 * policy was checked is the host that curl connects to.
 */
#include "net/url.h"

#include <arpa/inet.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool refuse(struct err *err, struct str text, const char *why)
{
	if (text.len > 200)
		text.len = 200;
	return err_problem(err, ERR_INPUT, "invalid-request", "URL '%.*s': %s", STR_ARG(text), why);
}

/* RFC 3986 path and query characters; '%' only in front of two hexadecimal digits. */
static const char *target_wrong(struct str target)
{
	for (size_t i = 0; i < target.len; i++) {
		char c = target.ptr[i];

		if (c == '#')
			return "it has a fragment (#…)";
		if (c <= ' ' || c > '~')
			return "it has white space, control or non-ASCII characters";
		if (strchr("\"<>\\^`{|}", c) != NULL)
			return "it has a character that must be percent-encoded";
		if (c == '%' && (target.len - i < 3 || !is_hex(target.ptr[i + 1]) || !is_hex(target.ptr[i + 2])))
			return "a '%' is not followed by two hexadecimal digits";
	}
	return NULL;
}

static bool labels_valid(struct str host)
{
	struct str label;
	size_t     used = 0;

	while (str_next(&host, '.', &label)) {
		if (label.len < 1 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
				return false;
		used++;
	}
	return used > 0;
}

/* Would anybody read this host as a number? Decides by the last label, as browsers do. */
static bool ends_in_number(struct str host)
{
	size_t start = host.len;
	bool   digits = true;

	while (start > 0 && host.ptr[start - 1] != '.')
		start--;
	for (size_t i = start; i < host.len; i++)
		digits = digits && is_digit(host.ptr[i]);
	return digits || (host.len - start >= 2 && host.ptr[start] == '0' && (host.ptr[start + 1] | 0x20) == 'x');
}

static const char *host_read(struct str host, struct url *url)
{
	uint8_t bytes[16];

	if (host.len == 0)
		return "it has no host";
	if (host.len > 253)
		return "the host is longer than 253 bytes";
	if (host.ptr[host.len - 1] == '.')
		return "the host ends in a dot";
	if (!labels_valid(host))
		return "the host is not a domain name of letters, digits and hyphens";
	memcpy(url->host, host.ptr, host.len);
	url->host[host.len] = '\0';
	str_lower(url->host);
	if (!ends_in_number(host))
		return NULL;
	if (inet_pton(AF_INET, url->host, bytes) != 1)
		return "the host is a number, but not an IPv4 address of four decimal parts";
	url->ip4 = true;
	return NULL;
}

static const char *host6_read(struct str host, struct url *url)
{
	char    text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (host.len >= sizeof(text))
		return "the host is not an IPv6 address";
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	if (str_has_nul(host) || inet_pton(AF_INET6, text, bytes) != 1)
		return "the host is not an IPv6 address";
	if (inet_ntop(AF_INET6, bytes, url->host, sizeof(url->host)) == NULL)
		return "the host is not an IPv6 address";
	url->ip6 = true;
	return NULL;
}

static const char *port_read(struct str port, struct url *url)
{
	uint64_t value;

	if (port.len < 1 || port.len > 5 || port.ptr[0] == '0' || !str_to_u64(port, &value) || value > 65535)
		return "the port is not a number from 1 to 65535";
	url->port = (uint16_t)value;
	return NULL;
}

static const char *authority_read(struct str authority, struct url *url)
{
	const char *wrong;
	struct str  host = authority, rest;

	if (str_index(authority, '@') < authority.len)
		return "it has a user name or password";
	if (authority.len > 0 && authority.ptr[0] == '[') {
		size_t end = str_index(authority, ']');

		if (end == authority.len)
			return "the '[' has no ']'";
		wrong = host6_read(str_of(authority.ptr + 1, end - 1), url);
		rest = str_of(authority.ptr + end + 1, authority.len - end - 1);
		if (wrong == NULL && rest.len > 0 && rest.ptr[0] != ':')
			wrong = "there is text behind the ']'";
	} else {
		host.len = str_index(authority, ':');
		wrong = host_read(host, url);
		rest = str_of(authority.ptr + host.len, authority.len - host.len);
	}
	if (wrong == NULL && rest.len > 0)
		wrong = port_read(str_of(rest.ptr + 1, rest.len - 1), url);
	return wrong;
}

bool url_parse(struct str text, struct url *ret, struct err *err)
{
	struct url  url = { 0 };
	const char *wrong;
	struct str  authority;
	size_t      skip;

	if (text.len == 0)
		return refuse(err, text, "it is empty");
	if (text.len > URL_MAX)
		return refuse(err, text, "it is longer than 2048 bytes");
	if (text.len > 8 && str_eq_nocase(str_of(text.ptr, 8), STR("https://"))) {
		url.https = true;
		skip = 8;
	} else if (text.len > 7 && str_eq_nocase(str_of(text.ptr, 7), STR("http://"))) {
		skip = 7;
	} else {
		return refuse(err, text, "it does not begin with https:// and a host");
	}
	url.port = url.https ? 443 : 80;

	authority = str_of(text.ptr + skip, text.len - skip);
	for (size_t i = 0; i < authority.len; i++)
		if (strchr("/?#", authority.ptr[i]) != NULL && authority.ptr[i] != '\0') {
			authority.len = i;
			break;
		}
	url.target = str_of(authority.ptr + authority.len, text.len - skip - authority.len);
	wrong = authority_read(authority, &url);
	if (wrong == NULL)
		wrong = target_wrong(url.target);
	if (wrong != NULL)
		return refuse(err, text, wrong);
	*ret = url;
	return true;
}

bool url_parse_https(struct str text, struct url *ret, struct err *err)
{
	struct url url;

	if (!url_parse(text, &url, err))
		return false;
	if (!url.https)
		return refuse(err, text, "plain http is refused, only https is used");
	*ret = url;
	return true;
}

bool url_host(struct str text, char ret[static URL_HOST_SIZE])
{
	struct url url;

	if (!url_parse(text, &url, NULL))
		return false;
	memcpy(ret, url.host, sizeof(url.host));
	return true;
}

const char *url_origin(const struct url *url, char ret[static URL_ORIGIN_SIZE])
{
	const char *open = url->ip6 ? "[" : "", *close = url->ip6 ? "]" : "";

	if (url->port == (url->https ? 443 : 80))
		snprintf(ret, URL_ORIGIN_SIZE, "%s%s%s", open, url->host, close);
	else
		snprintf(ret, URL_ORIGIN_SIZE, "%s%s%s:%u", open, url->host, close, (unsigned)url->port);
	return ret;
}
