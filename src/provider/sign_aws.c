/*
 * provider/sign_aws.c: canonical request, string to sign, derived key, signature, as "Create a signed AWS API request"
 * describes them. The path is encoded a second time (every service but S3), the query is sorted here.
 */
#include "provider/sign_aws.h"

#include <assert.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

#define CANONICAL_MAX (1u * MIB)
#define SIGNED_MAX    32u

struct pair {
	struct str name, value;
};

static int str_order(struct str a, struct str b)
{
	int order = memcmp(a.len > 0 ? a.ptr : "", b.len > 0 ? b.ptr : "", a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int                order = str_order(x->name, y->name);

	return order != 0 ? order : str_order(x->value, y->value);
}

/* Dot segments and doubled slashes are not normalised: this client never sends any. */
static void put_path(struct buf *b, struct str path)
{
	if (path.len == 0)
		buf_add_char(b, '/');
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~/", c)))
			buf_add_char(b, c);
		else
			buf_printf(b, "%%%02X", (unsigned char)c);
	}
}

static void put_query(struct arena *a, struct buf *b, struct str query)
{
	struct pair *pairs;
	struct str   rest = query, field;
	size_t       count = 0;

	while (str_next(&rest, '&', &field))
		count++;
	pairs = arena_alloc_array(a, count + 1, sizeof(*pairs));
	rest = query;
	for (size_t i = 0; i < count && str_next(&rest, '&', &field); i++) {
		size_t equals = str_index(field, '=');

		pairs[i].name = str_of(field.ptr, equals);
		pairs[i].value = equals < field.len ? str_of(field.ptr + equals + 1, field.len - equals - 1) : STR("");
	}
	if (count > 0)
		qsort(pairs, count, sizeof(*pairs), pair_order);
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(pairs[i].name), STR_ARG(pairs[i].value));
}

struct str sign_query_sorted(struct arena *a, struct str query)
{
	struct buf b;
	struct str ret;

	buf_init(&b, CANONICAL_MAX);
	put_query(a, &b, query);
	ret = arena_dup(a, buf_str(&b));
	buf_clear(&b);
	return ret;
}

/* Trimmed, and each run of blanks is one. */
static struct str folded(struct arena *a, const char *value)
{
	struct str trimmed = str_trim(str_c(value));
	char      *text = arena_str(a, trimmed), *to = text;

	for (size_t i = 0; i < trimmed.len; i++)
		if (i == 0 || trimmed.ptr[i] != ' ' || trimmed.ptr[i - 1] != ' ')
			*to++ = trimmed.ptr[i];
	return str_of(text, (size_t)(to - text));
}

static struct pair lower_header(struct arena *a, const char *name, const char *value)
{
	char *lower = arena_strdup(a, name);

	str_lower(lower);
	return (struct pair){ str_c(lower), folded(a, value) };
}

/* The canonical headers into `b`; the list of their names is the result. */
static const char *put_headers(struct arena *a, struct buf *b, const struct sign_aws *r, const char *date)
{
	struct pair headers[SIGNED_MAX];
	size_t      count = 0;
	struct buf  names;
	const char *ret;

	assert(r->headers_count + 3 <= SIGNED_MAX);
	headers[count++] = lower_header(a, "host", r->host);
	headers[count++] = lower_header(a, "x-amz-date", date);
	if (r->session_token != NULL && r->session_token[0] != '\0')
		headers[count++] = lower_header(a, "x-amz-security-token", r->session_token);
	for (size_t i = 0; i < r->headers_count; i++)
		headers[count++] = lower_header(a, r->headers[i].name, r->headers[i].value);
	qsort(headers, count, sizeof(headers[0]), pair_order);
	buf_init(&names, CANONICAL_MAX);
	for (size_t i = 0; i < count; i++) {
		buf_printf(b, "%.*s:%.*s\n", STR_ARG(headers[i].name), STR_ARG(headers[i].value));
		buf_printf(&names, "%s%.*s", i > 0 ? ";" : "", STR_ARG(headers[i].name));
	}
	ret = arena_str(a, buf_str(&names));
	buf_clear(&names);
	return ret;
}

static void derive_key(const struct sign_aws *r, struct str day, uint8_t ret[static HMAC_SIZE])
{
	const struct str steps[] = { day, str_c(r->region), str_c(r->service), STR("aws4_request") };
	struct buf       first;
	uint8_t          key[HMAC_SIZE];

	buf_init(&first, 4 * KIB);
	buf_printf(&first, "AWS4%s", r->secret_key);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		hmac_sha256(i == 0 ? buf_str(&first) : str_of(key, sizeof(key)), steps[i], ret);
		memcpy(key, ret, sizeof(key));
	}
	wipe(key, sizeof(key));
	buf_wipe(&first);
}

size_t sign_aws(struct arena *a, const struct sign_aws *r, struct http_header ret[static SIGN_AWS_HEADERS_MAX])
{
	time_t      at = (time_t)r->now_at_s;
	uint8_t     key[HMAC_SIZE], signature[HMAC_SIZE];
	char        date[32], hash[SHA256_HEX_SIZE];
	const char *names, *scope, *to_sign;
	struct tm   tm;
	struct buf  b;
	size_t      count = 0;

	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	scope = arena_printf(a, "%.8s/%s/%s/aws4_request", date, r->region, r->service);

	buf_init(&b, CANONICAL_MAX);
	buf_printf(&b, "%s\n", r->method);
	put_path(&b, r->path);
	buf_add_char(&b, '\n');
	put_query(a, &b, r->query);
	buf_add_char(&b, '\n');
	names = put_headers(a, &b, r, date);
	sha256_hex(r->body, hash);
	buf_printf(&b, "\n%s\n%s", names, hash);
	sha256_hex(buf_str(&b), hash);
	buf_wipe(&b);

	to_sign = arena_printf(a, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
	derive_key(r, str_of(date, 8), key);
	hmac_sha256(str_of(key, sizeof(key)), str_c(to_sign), signature);
	wipe(key, sizeof(key));
	ret[count++] = (struct http_header){ "X-Amz-Date", arena_strdup(a, date) };
	ret[count++] = (struct http_header){
		"Authorization", arena_printf(a, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		                r->access_key, scope,
		                              names, hex_encode(a, str_of(signature, sizeof(signature))))
	};
	if (r->session_token != NULL && r->session_token[0] != '\0')
		ret[count++] = (struct http_header){ "X-Amz-Security-Token", r->session_token };
	return count;
}
