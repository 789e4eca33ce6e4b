/*
 * provider/account.c: the beginning and the end of a run: credentials are checked and become variables, and what the other
 * side refused becomes an error that says what to change.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "provider/native.h"
#include "provider/path.h"
#include "provider/run.h"

#define MESSAGE_MAX 300

/* ---- what a refusal is ---- */

static const char *message_of(const struct run *run, const struct answer *answer)
{
	const char *text = NULL;

	if (answer->json != NULL && run->recipe->message != NULL)
		text = path_first(run->arena, answer->json, run->recipe->message);
	if (text == NULL && json_is_string(answer->json))
		text = json_string_value(answer->json);
	return text != NULL && text[0] != '\0' ? arena_printf(run->arena, ": %.*s", MESSAGE_MAX, text) : "";
}

bool run_refused(const struct run *run, const struct answer *answer, struct err *err)
{
	const char *message = message_of(run, answer);
	int64_t     skew = answer->their_time_s > 0 ? answer->their_time_s - clock_now_ms() / 1000 : 0;

	switch (answer->means) {
	case MEANS_AUTH:
		err_problem(err, ERR_CONFIG, "provider-credential", "%s refuses the credential (%d%s)", answer->place, answer->status,
		            message);
		if (skew > RUN_SKEW_TOLERATED_S || skew < -RUN_SKEW_TOLERATED_S)
			return err_hint(err, "the clock of this machine and that of the provider are %lld seconds apart; check the clock, "
			                     "then the credential of the connection", (long long)(skew < 0 ? -skew : skew));
		return err_hint(err, "give the connection a valid credential of %s", run->recipe->title);
	case MEANS_DENIED:
		err_problem(err, ERR_CONFIG, "provider-denied", "%s does not permit this to the credential (%d%s)", answer->place,
		            answer->status, message);
		return err_hint(err, "the credential needs: %s", run->recipe->permissions);
	case MEANS_RETRY:
	case MEANS_CONFLICT:
		err_problem(err, ERR_TEMPORARY, answer->status == 429 ? "too-many-requests" : "provider-unavailable",
		            "%s answered %d%s", answer->place, answer->status, message);
		if (err != NULL)
			err->retry_after_s = answer->retry_after_s;
		return false;
	case MEANS_ABSENT:
		return err_problem(err, ERR_CONFIG, "zone-not-found", "%s answered that this does not exist (%d%s)", answer->place,
		                   answer->status, message);
	case MEANS_OK:
	case MEANS_EXISTS:
	case MEANS_FAIL:
	case MEANS__COUNT: break;
	}
	return err_problem(err, ERR_PERMANENT, "provider-refused", "%s answered %d%s", answer->place, answer->status, message);
}

/* ---- opening ---- */

static const char *given(const struct engine_account *account, const struct recipe_credential *c)
{
	for (size_t i = 0; i < account->credentials_count; i++)
		if (recipe_credential_find(account->recipe, account->credentials[i].name) == c &&
		    account->credentials[i].value[0] != '\0')
			return account->credentials[i].value;
	return NULL;
}

static void put_credentials(struct run *run)
{
	const struct recipe *recipe = run->recipe;

	for (size_t i = 0; i < recipe->credentials_count; i++) {
		const struct recipe_credential *c = &recipe->credentials[i];
		const char                     *text = given(run->account, c);
		struct var                     *var;

		if (text == NULL)
			text = c->otherwise;
		var = text != NULL ? vars_set(&run->vars, c->name, str_c(text)) : vars_set_list(&run->vars, c->name, 0);
		var->secret = c->secret;
	}
}

static void wipe_credentials(struct run *run)
{
	for (size_t i = 0; i < run->vars.count; i++)
		for (size_t k = 0; run->vars.items[i].secret && k < run->vars.items[i].count; k++)
			/* The set owns its copies. */
			wipe((void *)(uintptr_t)run->vars.items[i].items[k].ptr, run->vars.items[i].items[k].len);
}

static bool alternatives_met(const struct engine_account *account, struct err *err)
{
	const struct recipe *recipe = account->recipe;
	struct buf           wanted;

	if (recipe->alternatives_count == 0)
		return true;
	buf_init(&wanted, KIB);
	for (size_t i = 0; i < recipe->alternatives_count; i++) {
		bool complete = true;

		for (size_t k = 0; k < recipe->alternatives[i].count; k++) {
			const char *name = recipe->alternatives[i].items[k];

			complete = complete && given(account, recipe_credential_find(recipe, name)) != NULL;
			buf_printf(&wanted, "%s%s", k > 0 ? " and " : i > 0 ? ", or " : "", name);
		}
		if (complete) {
			buf_clear(&wanted);
			return true;
		}
	}
	err_problem(err, ERR_INPUT, "invalid-request", "%s needs %s", recipe->title, wanted.ptr);
	buf_clear(&wanted);
	return false;
}

/* What the functions of a native provider have to say about the credentials. */
static bool native_check(const struct engine_account *account, struct err *err)
{
	const struct recipe *recipe = account->recipe;
	struct run           run = { .account = account, .recipe = recipe };
	bool                 ok;

	if (recipe->native == NULL || recipe->native->check == NULL)
		return true;
	run.arena = arena_new();
	run.vars.arena = run.arena;
	put_credentials(&run);
	ok = recipe->native->check(&run, err);
	if (!ok)
		vars_redact(&run.vars, err);
	wipe_credentials(&run);
	arena_free(run.arena);
	return ok;
}

bool engine_account_check(const struct engine_account *account, struct err *err)
{
	const struct recipe *recipe = account->recipe;

	for (size_t i = 0; i < account->credentials_count; i++)
		if (recipe_credential_find(recipe, account->credentials[i].name) == NULL)
			return err_problem(err, ERR_INPUT, "unknown-member", "%s has no credential \"%.64s\"", recipe->title,
			                   account->credentials[i].name);
	for (size_t i = 0; i < recipe->credentials_count; i++) {
		const struct recipe_credential *c = &recipe->credentials[i];
		const char                     *value = given(account, c);

		if (value == NULL && c->required && c->otherwise == NULL)
			return err_problem(err, ERR_INPUT, "invalid-request", "%s needs the credential \"%s\"%s%s", recipe->title, c->name,
			                   c->title != NULL ? ": " : "", c->title != NULL ? c->title : "");
		if (value != NULL && c->pattern != NULL && regexec(&c->regex, value, 0, NULL, 0) != 0)
			return err_problem(err, ERR_INPUT, "invalid-request", "the credential \"%s\" of %s does not have its form (%s)",
			                   c->name, recipe->title, c->title != NULL ? c->title : c->pattern);
		for (const char *p = value; p != NULL && *p != '\0'; p++)
			if ((unsigned char)*p < 0x20 && *p != '\n')
				return err_problem(err, ERR_INPUT, "invalid-request", "the credential \"%s\" has a control character", c->name);
	}
	return alternatives_met(account, err) && native_check(account, err);
}

bool run_open(struct run *run, struct memory *memory, struct http_client *client, const struct engine_account *account,
              const struct provider_value *value, struct err *err)
{
	const struct recipe *recipe = account->recipe;

	if (!engine_account_check(account, err))
		return false;
	*run = (struct run){ .memory = memory, .client = client, .account = account, .recipe = recipe, .arena = arena_new(),
		             .kept = json_array() };
	run->vars.arena = run->arena;
	put_credentials(run);
	for (size_t i = 0; i < recipe->auths_count && run->auth == NULL; i++)
		if (recipe->auths[i].when == NULL || given(account, recipe_credential_find(recipe, recipe->auths[i].when)) != NULL)
			run->auth = &recipe->auths[i];
	vars_set(&run->vars, "owner", str_c(value->owner));
	vars_set(&run->vars, "value", str_c(value->value));
	vars_set(&run->vars, "ttl", str_c(arena_printf(run->arena, "%lld", (long long)recipe->ttl)));
	if (run_session(run, err))
		return true;
	vars_redact(&run->vars, err);
	run_close(run);
	return false;
}

void run_close(struct run *run)
{
	wipe_credentials(run);
	json_freep(&run->kept);
	arena_free(run->arena);
	run->arena = NULL;
}
