/*
 * base/problem_codes.c: looking up the row of a problem code. What has no row of its own, an ACME problem type for
 * example, is answered with the row that says the same about whose turn it is.
 */
#include "base/problem_codes.h"

#include "base/str.h"

static const struct problem_code codes[] = {
#define X(code, status, exit_code, title) { code, status, exit_code, title },
	PROBLEM_CODES(X)
#undef X
};

static const struct problem_code *row(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	}
	return NULL;
}

static const char *fallback(const char *code, enum err_class class)
{
	bool acme = str_starts(str_c(code), STR("urn:ietf:params:acme:error:"));

	switch (class) {
	case ERR_NOT_FOUND: return "not-found";
	case ERR_INPUT: return "invalid-request";
	case ERR_DENIED: return "forbidden";
	case ERR_CONFLICT: return "conflict";
	case ERR_CONFIG: return "configuration";
	case ERR_TEMPORARY: return "unavailable";
	case ERR_PERMANENT: return acme ? "ca-refused" : "refused";
	case ERR_NONE:
	case ERR__COUNT: break;
	}
	return "internal";
}

const struct problem_code *problem_code_find(const char *code, enum err_class class)
{
	const struct problem_code *found = code != NULL ? row(code) : NULL;

	if (found == NULL)
		found = row(fallback(code, class));
	return found != NULL ? found : &codes[0];
}
