/* Unit tests of provider/sign_aws.h: AWS's published test suite for Signature Version 4 (2015-08-30, AKIDEXAMPLE). */
#include "provider/sign_aws.h"
#include "test.h"

#define SESSION                                                                                                                \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7m" \
	"SEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+" \
	"xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static const struct http_header form[] = { { "Content-Type", "application/x-www-form-urlencoded" } };
static const struct http_header trim[] = { { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } };

static const struct {
	const char               *name, *method, *path, *query, *body, *session;
	const struct http_header *headers;
	size_t                    headers_count;
	const char               *signed_headers, *signature;
} cases[] = {
	{ "get-vanilla", "GET", "/", "", "", NULL, NULL, 0, "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", NULL, NULL, 0, "host;x-amz-date",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", "", NULL, NULL, 0, "host;x-amz-date",
	  "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "get-utf8", "GET", "/\xe1\x88\xb4", "", "", NULL, NULL, 0, "host;x-amz-date",
	  "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", NULL, NULL, 0,
	  "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-header-value-trim", "GET", "/", "", "", NULL, trim, 2, "host;my-header1;my-header2;x-amz-date",
	  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-vanilla", "POST", "/", "", "", NULL, NULL, 0, "host;x-amz-date",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-x-www-form-urlencoded", "POST", "/", "", "Param1=value1", NULL, form, 1, "content-type;host;x-amz-date",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "post-sts-header-before", "POST", "/", "", "", SESSION, NULL, 0, "host;x-amz-date;x-amz-security-token",
	  "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
};

TEST(published_vectors)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_header out[SIGN_AWS_HEADERS_MAX];
		struct sign_aws    request = { .access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			                       .session_token = cases[i].session, .region = "us-east-1", .service = "service",
			                       .method = cases[i].method, .host = "example.amazonaws.com",
			                       .path = str_c(cases[i].path), .query = str_c(cases[i].query),
			                       .headers = cases[i].headers, .headers_count = cases[i].headers_count,
			                       .body = str_c(cases[i].body), .now_at_s = 1440938160 };

		CHECK_INT(sign_aws(a, &request, out), cases[i].session != NULL ? 3 : 2);
		CHECK_STR(out[0].value, "20150830T123600Z");
		CHECK_STR(out[1].value,
		          arena_printf(a, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		                          "SignedHeaders=%s, Signature=%s",
		                       cases[i].signed_headers, cases[i].signature));
	}
}

TESTS(T(published_vectors))
