/* Unit tests of provider/book.h, provider/credentials.h and the policy of a recipe. */
#include <sys/stat.h>
#include <unistd.h>

#include "provider/book.h"
#include "provider/credentials.h"
#include "test.h"

static const char recipe_text[] =
	"{ \"id\": \"house\", \"title\": \"Demo\", \"permissions\": \"all\", \"base\": \"https://api.example.net\", \"ttl\": 60,\n"
	"  \"policy\": { \"on\": [\"{zone}/{zone_id}\", 1], \"for\": \"{zone}\" },\n"
	"  \"credentials\": [ { \"name\": \"token\", \"secret\": true, \"required\": true, \"aliases\": [\"DEMO_TOKEN\"] } ],\n"
	"  \"auth\": [ { \"headers\": { \"Authorization\": \"Bearer {token}\" } } ],\n"
	"  \"zone\": { \"find\": \"query\", \"step\": { \"method\": \"GET\", \"url\": \"/zones/{suffix}\" } },\n"
	"  \"records\": { \"list\": { \"method\": \"GET\", \"url\": \"/zones/{zone}/records\" }, \"at\": \"/*\", \"value\": \"/value\",\n"
	"    \"create\": { \"method\": \"POST\", \"url\": \"/zones/{zone}/records\", \"json\": { \"v\": \"{value}\" } },\n"
	"    \"save\": { \"id\": \"/id\" }, \"remove\": { \"method\": \"DELETE\", \"url\": \"/zones/{zone}/records/{id}\" } } }\n";

struct folder {
	char dir[64], file[96];
};

static void folder_open(struct folder *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/reeve-book-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/house.json", f->dir);
}

static void folder_put(const struct folder *f, const char *text)
{
	FILE *out = fopen(f->file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void folder_close(const struct folder *f)
{
	unlink(f->file);
	assert_int_equal(rmdir(f->dir), 0);
}

static bool has(struct book *book, const char *name, struct err *err)
{
	struct book_page    *page = book_take(book);
	const struct recipe *recipe;
	bool                 ok = recipes_find(book_recipes(page), name, &recipe, err);

	book_give_back(book, page);
	return ok;
}

TEST(follows_the_folder)
{
	struct book         *book;
	struct book_page    *page;
	const struct recipe *recipe;
	struct folder        f;
	struct err           err = { 0 };

	folder_open(&f);
	book = book_new(f.dir);
	CHECK(has(book, "route53", &err) && !has(book, "house", &err));
	folder_put(&f, recipe_text);
	CHECK(has(book, "house", &err));
	/* What was taken outlives a change. */
	page = book_take(book);
	CHECK_OK(recipes_find(book_recipes(page), "house", &recipe, &err), err);
	folder_put(&f, "{ \"id\": \"house\" }");
	err = (struct err){ 0 };
	CHECK(!has(book, "house", &err));
	CHECK_STR(err.problem, "invalid-recipe");
	CHECK(strstr(err.text, "house.json:") != NULL);
	CHECK_STR(recipe->title, "Demo");
	book_give_back(book, page);
	unlink(f.file);
	CHECK(!has(book, "house", &err) && has(book, "cloudflare", &err));
	book_free(book);
	folder_close(&f);
}

TEST(no_folder_is_fine)
{
	struct book *book;
	struct err   err = { 0 };

	book = book_new("/nonexistent/providers.d");
	CHECK(has(book, "aws", &err));
	book_free(book);
	book = book_new(NULL);
	CHECK(has(book, "aws", &err));
	book_free(book);
}

TEST(credentials_are_stored_under_their_own_names)
{
	AUTO(recipe_freep) struct recipe     *recipe = NULL;
	const struct engine_credential        given[] = { { "demo_token", "x=y" } };
	struct engine_credential             *read;
	struct arena                         *a = arena_new();
	struct buf                            b;
	size_t                                count;
	struct err                            err = { 0 };

	CHECK_OK(recipe_read(str_c(recipe_text), "house.json", &recipe, &err), err);
	buf_init(&b, CREDENTIALS_SIZE_MAX);
	CHECK_OK(credentials_write(recipe, given, 1, &b, &err), err);
	CHECK_OK(credentials_read(a, buf_str(&b), &read, &count, &err), err);
	CHECK_INT(count, 1);
	CHECK_STR(read[0].name, "token");
	CHECK_STR(read[0].value, "x=y");
	credentials_wipe(read, count);
	CHECK_STR(read[0].value, "");
	CHECK(!credentials_read(a, str_of(b.ptr, b.len - 1), &read, &count, &err));
	CHECK_STR(err.problem, "tampered");
	buf_wipe(&b);
	arena_free(a);
}

TEST(a_policy_gets_its_zone)
{
	AUTO(recipe_freep) struct recipe *recipe = NULL;
	struct arena                     *a = arena_new();
	struct err                        err = { 0 };
	json_t                           *policy;

	CHECK_OK(recipe_read(str_c(recipe_text), "house.json", &recipe, &err), err);
	policy = recipe_policy(recipe, "a.example", "Z\"1");
	CHECK_STR(json_write(a, policy), "{\"on\":[\"a.example/Z\\\"1\",1],\"for\":\"a.example\"}");
	json_decref(policy);
	policy = recipe_policy(recipe, "", "");
	CHECK_STR(json_write(a, policy), "{\"on\":[\"ZONE/ZONE-ID\",1],\"for\":\"ZONE\"}");
	json_decref(policy);
	arena_free(a);
}

TESTS(T(follows_the_folder), T(no_folder_is_fine), T(credentials_are_stored_under_their_own_names), T(a_policy_gets_its_zone))
