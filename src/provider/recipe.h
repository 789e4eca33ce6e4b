/*
 * provider/recipe.h: a DNS provider described as data, read into a struct that cannot be wrong. The language is
 * documented for writers of recipes in docs/writing-a-provider.md; here is what the engine gets.
 *
 * Checks   unknown members, wrong types and values, templates with unknown variables or filters, credentials and saved
 *          variables that nothing uses, steps that can never run.
 * Errors   ERR_INPUT "invalid-recipe" as "FILE:LINE: /member/path: what is wrong".
 * Memory   everything belongs to the recipe. It is never changed after it was read: any thread may use it.
 */
#ifndef REEVE_PROVIDER_RECIPE_H
#define REEVE_PROVIDER_RECIPE_H

#include <regex.h>

#include "json/json.h"
#include "net/client.h"
#include "provider/vars.h"

#define RECIPE_SIZE_MAX  (64u * KIB)
#define RECIPE_ITEMS_MAX 16u /* credentials, rules, steps of a session, … each */
#define RECIPE_SAVES_MAX 8u  /* variables saved by one step */
#define RECIPE_VARS_MAX  64u /* variables known at one point; a run never holds more than three times as many */

struct recipe_pair {
	const char *name, *value;
};

struct recipe_pairs {
	struct recipe_pair *items;
	size_t              count;
};

/* What an answer means for what was asked. */
enum recipe_means {
	MEANS_OK,
	MEANS_ABSENT,   /* there is no such thing: an empty list, an absent set, a removal that is done */
	MEANS_EXISTS,   /* it is there already: an addition that is done */
	MEANS_CONFLICT, /* somebody changed it first: read again */
	MEANS_RETRY,    /* not now */
	MEANS_AUTH,     /* the credential is wrong */
	MEANS_DENIED,   /* the credential lacks a permission */
	MEANS_FAIL,
	MEANS__COUNT
};

/* The first rule that fits an answer decides; of a step first, then of the recipe, then by status alone. */
struct recipe_rule {
	int                 status_min, status_max;
	const char         *at; /* path; NULL: the status decides. With `at`: one of its texts fits, or none for `not` */
	struct json_strings is, not;
	const char         *contains; /* case ignored */
	enum recipe_means   means;
};

enum recipe_reads { READS_JSON, READS_XML, READS_TEXT };
enum recipe_body { BODY_NONE, BODY_JSON, BODY_FORM, BODY_TEXT };
enum recipe_page_kind { PAGE_NONE, PAGE_NEXT, PAGE_CURSOR, PAGE_NUMBER };

struct recipe_page {
	enum recipe_page_kind kind;
	const char           *next;   /* path of a URL (absolute, or from "/") */
	struct recipe_pairs   cursor; /* query parameter -> path; absent or empty: the end */
	const char           *more;   /* path that must say true to go on; NULL: the cursor decides */
	const char           *number; /* query parameter */
	int64_t               first, size, step; /* step: added to the number for each page */
	const char           *last;   /* path of the last page's number; NULL: a page with fewer than `size` items */
};

struct recipe_step {
	const char          *where; /* member path, for errors */
	enum http_method     method;
	const char          *url;
	struct recipe_pairs  query, headers, form;
	struct recipe_pairs  numbered; /* form parameter -> path in an element: NAME1, NAME2, … for all {elements} */
	enum recipe_body     body;
	const json_t        *json;
	const char          *text, *content_type;
	enum recipe_reads    reads;
	bool                 auth;
	struct recipe_rule  *rules;
	size_t               rules_count;
	struct recipe_pairs  save; /* variable -> path */
	struct recipe_pairs  save_headers; /* variable -> header of the answer */
	struct recipe_page   page;
};

struct recipe_credential {
	const char         *name, *title, *otherwise; /* otherwise: when not given; NULL: none */
	bool                secret, required;
	const char         *pattern;
	regex_t             regex; /* when there is a pattern */
	struct json_strings aliases;
};

enum recipe_sign { SIGN_NONE, SIGN_AWS4 };

/* One way to authenticate; the first whose `when` credential is given is used. */
struct recipe_auth {
	const char         *when; /* NULL: always */
	struct recipe_pairs let;  /* variables made for each request, in order */
	struct recipe_pairs headers, query, form;
	struct recipe_pairs last_query; /* after `let`, so that a signature of the others can be among the parameters */
	const json_t       *json; /* members for each JSON body; NULL: none */
	enum recipe_sign    sign;
	const char         *service, *region;                           /* AWS4: texts with variables */
	const char         *access_key, *secret_key, *session_token;
};

enum recipe_zone_find { ZONE_LIST, ZONE_QUERY, ZONE_NONE, ZONE_OWNER };

struct recipe_zone {
	enum recipe_zone_find find;
	struct recipe_step    step;
	bool                  by_suffix; /* a query per suffix of the owner, longest first; else one query */
	const char           *at;    /* path of the zones in the answer; NULL: the answer is about one zone */
	const char           *name;  /* path in a zone; NULL: the suffix that was asked for */
	struct recipe_pairs   where; /* path in a zone -> text it must have */
	struct recipe_pairs   save;  /* variable -> path in a zone */
	const char           *given; /* credential that, with a configured zone, makes the look-up needless; its value */
	const char           *given_as; /* becomes this variable */
	struct json_strings   under;    /* ZONE_OWNER: the owner must be under one of these; none: under any */
};

enum recipe_model { MODEL_RECORDS, MODEL_RRSET, MODEL_CALLS };

/* An API with one record per value. */
struct recipe_records {
	struct recipe_step  list, each, create, remove, after;
	bool                has_each, has_after;
	const char         *at;
	struct recipe_pairs where; /* path -> text; several texts of one path are alternatives */
	const char         *value; /* path in a record */
	struct recipe_pairs save;  /* variable -> path in a record, for remove */
};

/* An API with one set of values per name. */
struct recipe_rrset {
	struct recipe_step  get, create, replace, remove, after;
	bool                has_after;
	const char         *at; /* path of sets in the answer; the first that fits `where` */
	struct recipe_pairs where;
	const char         *elements; /* path in the set */
	const char         *value;    /* path in an element; several texts are joined */
	const json_t       *element;  /* a new element, with {value} */
	bool                compares; /* the writes fail with `conflict` when the set has changed meanwhile */
	/*
	 * The set is the whole zone: `mine` tells the TXT values of the owner from all others, only `replace` writes, and an
	 * answer without any record or without what `save` names is no zone to be written back.
	 */
	bool                whole;
	struct recipe_pairs mine;
};

/* An API that only takes orders: nothing lists what is there, so both calls must do no harm when they are repeated. */
struct recipe_calls {
	struct recipe_step add, remove;
	int64_t            holds; /* values per name: one more takes the place of the oldest; 0: any number */
};

struct native;

struct recipe {
	struct arena             *arena;
	json_t                   *root;
	const char               *id, *title, *docs, *permissions, *base;
	const json_t             *policy; /* the same, ready to be copied; NULL: none */
	struct json_strings       aliases;
	bool                      plain_http;
	struct recipe_credential *credentials;
	size_t                    credentials_count;
	struct json_strings      *alternatives; /* credentials of which one group must be complete */
	size_t                    alternatives_count;
	int64_t                   ttl, requests, per_s; /* requests per per_s seconds and account; 0: no limit */
	struct recipe_auth       *auths;
	size_t                    auths_count;
	struct recipe_rule       *rules;
	size_t                    rules_count;
	const char               *message, *retry_after; /* paths; NULL: none */
	struct recipe_step       *session; /* run once for all calls, until it expires */
	size_t                    session_count;
	const char               *session_expires; /* path of seconds, in the last step's answer; NULL: session_s */
	int64_t                   session_s;
	struct recipe_pairs       session_let; /* variables made before the steps */
	struct recipe_zone        zone;
	const struct native      *native; /* NULL: the steps below are run */
	enum recipe_model         model;
	struct recipe_records     records;
	struct recipe_rrset       rrset;
	struct recipe_calls       calls;
};

/* `file` is for errors only. */
MUST_CHECK bool recipe_read(struct str text, const char *file, struct recipe **ret, struct err *err);
void            recipe_free(struct recipe *recipe); /* NULL is fine */
void            recipe_freep(struct recipe **recipe);

/* By name or alias, case ignored; NULL when there is none. */
const struct recipe_credential *recipe_credential_find(const struct recipe *recipe, const char *name);
/* The policy with {zone} and {zone_id} put in ("" : left as words to replace); the caller's. JSON null without one. */
json_t *recipe_policy(const struct recipe *recipe, const char *zone, const char *zone_id);
/* The line on which the value at a JSON pointer begins; 1 when it is not there. */
unsigned recipe_line(struct str text, const char *pointer);

#endif
