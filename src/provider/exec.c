/*
 * provider/exec.c: programs of the user's own, called as lego calls EXEC_PATH or as certbot calls its manual hooks. Nobody
 * can be asked what is there; a program is called again after an unknown outcome, so it must not mind.
 */
#include "provider/native.h"
#include "provider/program.h"

#define TIMEOUT_S   120u
#define SHOWN_MAX   300
#define SECRET_MIN  6u /* shorter values are words like "yes" */
#define CHALLENGE   "_acme-challenge."

struct call {
	struct run                  *run;
	const struct provider_value *value;
	bool                         adding;
	struct program_order         order;
};

static bool certbot(const struct run *run)
{
	return strcmp(native_text(run, "mode"), "certbot") == 0;
}

/* What the user gave, a variable per line. */
static bool environment_given(struct run *run, struct program_texts *ret, struct err *err)
{
	struct str rest = vars_text(&run->vars, "environment"), line, value;

	while (str_next(&rest, '\n', &line)) {
		const char *text = arena_str(run->arena, line);

		if (str_trim(line).len == 0)
			continue;
		if (!program_variable_check(text, err) || !program_text_add(ret, text, err))
			return false;
		/* A program may say what it was given; each value is a secret of its own then. */
		value = str_c(strchr(text, '=') + 1);
		if (value.len >= SECRET_MIN)
			vars_set(&run->vars, arena_printf(run->arena, "environment %zu", ret->count), value)->secret = true;
	}
	return true;
}

static bool check(const struct run *run, struct err *err)
{
	const char          *mode = native_text(run, "mode");
	struct program_texts given = { .count = 0 };
	uint64_t             seconds;

	if (mode[0] != '\0' && strcmp(mode, "lego") != 0 && !certbot(run))
		return err_problem(err, ERR_INPUT, "invalid-request", "mode is lego or certbot, not \"%.40s\"", mode);
	if (!str_to_u64(vars_text(&run->vars, "timeout_s"), &seconds) || seconds < 1 || seconds > PROGRAM_TIMEOUT_MAX_S)
		return err_problem(err, ERR_INPUT, "invalid-request", "timeout_s is 1 to %u", PROGRAM_TIMEOUT_MAX_S);
	return environment_given((struct run *)(uintptr_t)run, &given, err);
}

/* certbot's hooks put _acme-challenge. in front by themselves. */
static bool arrange_certbot(struct call *c, struct err *err)
{
	struct arena *a = c->run->arena;
	const char   *cleanup = native_text(c->run, "cleanup_program"), *domain = c->value->owner + strlen(CHALLENGE);

	if (!str_starts(str_c(c->value->owner), STR(CHALLENGE))) {
		err_problem(err, ERR_CONFIG, "zone-not-found", "certbot's hooks write below " CHALLENGE " only, not at %s", c->value->owner);
		return err_hint(err, "let the CNAME lead to a name that begins with " CHALLENGE ", or use mode lego");
	}
	if (!c->adding)
		c->order.name = cleanup;
	return program_text_add(&c->order.environment, arena_printf(a, "CERTBOT_DOMAIN=%s", domain), err) &&
	       program_text_add(&c->order.environment, arena_printf(a, "CERTBOT_IDENTIFIER=%s", domain), err) &&
	       program_text_add(&c->order.environment, arena_printf(a, "CERTBOT_VALIDATION=%s", c->value->value), err) &&
	       program_text_add(&c->order.environment, arena_printf(a, "CERTBOT_ALL_DOMAINS=%s", domain), err) &&
	       program_text_add(&c->order.environment, "CERTBOT_REMAINING_CHALLENGES=0", err);
}

static bool arrange_lego(struct call *c, struct err *err)
{
	return program_text_add(&c->order.arguments, c->adding ? "present" : "cleanup", err) &&
	       program_text_add(&c->order.arguments, arena_printf(c->run->arena, "%s.", c->value->owner), err) &&
	       program_text_add(&c->order.arguments, c->value->value, err);
}

static bool call(struct run *run, const struct provider_value *value, bool adding, struct err *err)
{
	struct call           c = { run, value, adding, { .name = native_text(run, "program") } };
	struct program_result result = { .output = "" };
	uint64_t              seconds = TIMEOUT_S;

	(void)!str_to_u64(vars_text(&run->vars, "timeout_s"), &seconds);
	c.order.timeout_s = (uint32_t)seconds;
	if (!environment_given(run, &c.order.environment, err) || !(certbot(run) ? arrange_certbot(&c, err) : arrange_lego(&c, err)))
		return false;
	/* certbot's clean-up hook is optional: without one what was written is theirs to remove. */
	if (c.order.name[0] == '\0')
		return true;
	if (program_run(run->hook, run->arena, &c.order, &result, err))
		return true;
	if (result.output[0] != '\0')
		err_hint(err, "it said: %.*s", SHOWN_MAX, result.output);
	return false;
}

static bool add(struct run *run, const struct provider_value *value, struct err *err)
{
	return call(run, value, true, err);
}

static bool remove_value(struct run *run, const struct provider_value *value, struct err *err)
{
	return call(run, value, false, err);
}

static bool zone(struct run *run, const struct provider_value *value, struct err *err)
{
	if (value->zone != NULL && value->zone[0] != '\0')
		return native_zone_configured(run, value, err);
	vars_set(&run->vars, "zone", str_c(value->owner));
	return true;
}

static bool present(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	(void)value;
	(void)ret;
	return err_problem(err, ERR_PERMANENT, "not-supported", "%s lists no values", run->recipe->title);
}

const struct native native_exec = { .id = "exec", .local = true, .check = check, .zone = zone, .add = add, .remove = remove_value, .present = present };
