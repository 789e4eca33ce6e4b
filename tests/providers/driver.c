/*
 * tests/providers/driver.c: the engine for tests: one JSON object per line in, one out. "account" is opened anew for
 * each line; what the engine remembers lasts until "forget". Arguments: a folder of recipes or "", a directory for programs.
 *
 * In  {"do": "add|remove|present|zone|enroll|forget|list", "provider": …, "credentials": {…}, "base_url": …, "allow": "CIDR",
 *     "ca_file": …, "zone": …, "owner": …, "value": …, "timeout_ms": …}
 * Out {"ok": true, "present": …, "zone": …, "given": {…}} or {"ok": false, "class": …, "problem": …, "text": …, "hint": …,
 *     "retry_after_s": …}
 */
#include "base/buf.h"
#include "deploy/hook.h"
#include "net/client.h"
#include "provider/recipes.h"
#include "provider/engine.h"

struct line {
	const char   *action, *provider, *base_url, *allow, *ca_file, *zone, *owner, *value;
	const json_t *credentials;
	int64_t       timeout_ms;
};

static const struct json_field fields[] = {
	{ .name = "do", .kind = JSON_FIELD_STR, .offset = offsetof(struct line, action), .required = true },
	{ JSON_FIELD(struct line, provider, STR) },       { JSON_FIELD(struct line, base_url, STR) },
	{ JSON_FIELD(struct line, allow, STR) },          { JSON_FIELD(struct line, ca_file, STR) },
	{ JSON_FIELD(struct line, zone, STR) },           { JSON_FIELD(struct line, owner, STR) },
	{ JSON_FIELD(struct line, value, STR) },          { JSON_FIELD(struct line, credentials, OBJECT) },
	{ JSON_FIELD(struct line, timeout_ms, INT) },
};

/* Cases come faster than budgets allow; the counting of requests has unit tests. */
static const struct recipe *without_budget(struct arena *a, const struct recipe *recipe)
{
	struct recipe *copy = arena_alloc(a, sizeof(*copy));

	*copy = *recipe;
	copy->requests = 0;
	return copy;
}

struct program {
	struct recipes     *recipes;
	struct engine      *engine;
	struct http_client *client;
	struct hook        *hook;
	struct ipc_server  *server;
	struct ipc_peer    *peer; /* the hook role, when there is a directory for it */
};

static struct str whole_file(struct arena *a, const char *path)
{
	struct buf b;
	char       part[4096];
	size_t     got;
	FILE      *f = fopen(path, "rb");
	struct str ret;

	buf_init(&b, MIB);
	while (f != NULL && (got = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, got);
	if (f != NULL)
		fclose(f);
	ret = arena_dup(a, buf_str(&b));
	buf_clear(&b);
	return ret;
}

static bool open_account(struct program *p, struct arena *a, const struct line *in, struct engine_account *ret, struct err *err)
{
	struct engine_credential *credentials = arena_alloc_array(a, json_object_size(in->credentials) + 1, sizeof(*credentials));
	struct cidr              *allowed = arena_alloc(a, sizeof(*allowed));
	const char               *key;
	json_t                   *value;

	*ret = (struct engine_account){ .base_url = in->base_url, .credentials = credentials,
		                        .timeout_ms = in->timeout_ms > 0 ? (uint32_t)in->timeout_ms : 5000 };
	if (!recipes_find(p->recipes, in->provider != NULL ? in->provider : "", &ret->recipe, err))
		return false;
	ret->recipe = without_budget(a, ret->recipe);
	json_object_foreach((json_t *)(uintptr_t)in->credentials, key, value) {
		credentials[ret->credentials_count++] = (struct engine_credential){ key, json_string_value(value) };
	}
	/* Another credential is another account. */
	ret->id = arena_printf(a, "%s %s", ret->recipe->id, in->credentials != NULL ? json_write(a, in->credentials) : "");
	if (in->allow != NULL) {
		if (!cidr_parse(str_c(in->allow), allowed, err))
			return false;
		ret->allowed = allowed;
		ret->allowed_count = 1;
	}
	if (in->ca_file != NULL)
		ret->ca_pem = whole_file(a, in->ca_file);
	return true;
}

static bool enroll(struct program *p, struct arena *a, const struct engine_account *account, json_t *out, struct err *err)
{
	struct engine_credential *list;
	const char               *zone;
	json_t                   *given;
	size_t                    count;

	if (!engine_enroll(p->engine, p->client, account, a, &list, &count, &zone, err))
		return false;
	if (count == 0)
		return true;
	given = json_object();
	for (size_t i = 0; i < count; i++)
		json_put_str(given, list[i].name, list[i].value);
	json_put(out, "given", given);
	json_put_str(out, "zone", zone);
	return true;
}

static bool run(struct program *p, struct arena *a, const struct line *in, json_t *out, struct err *err)
{
	struct provider_value value = { in->zone, in->owner != NULL ? in->owner : "", in->value != NULL ? in->value : "" };
	struct engine_account account;
	char                  zone[NAME_SIZE];
	bool                  present;

	if (strcmp(in->action, "forget") == 0) {
		engine_free(p->engine);
		p->engine = engine_new(p->peer, NULL);
		return true;
	}
	if (strcmp(in->action, "list") == 0) {
		for (size_t i = 0; i < recipes_count(p->recipes); i++)
			json_put_str(out, recipes_at(p->recipes, i)->id, recipes_at(p->recipes, i)->err.text);
		return true;
	}
	if (!open_account(p, a, in, &account, err))
		return false;
	if (strcmp(in->action, "add") == 0)
		return engine_add(p->engine, p->client, &account, &value, err);
	if (strcmp(in->action, "remove") == 0)
		return engine_remove(p->engine, p->client, &account, &value, err);
	if (strcmp(in->action, "zone") == 0) {
		if (!engine_zone(p->engine, p->client, &account, &value, zone, err))
			return false;
		json_put_str(out, "zone", zone);
		return true;
	}
	if (strcmp(in->action, "enroll") == 0)
		return enroll(p, a, &account, out, err);
	if (strcmp(in->action, "present") != 0)
		return err_set(err, ERR_INPUT, "\"do\": %s", in->action);
	if (!engine_present(p->engine, p->client, &account, &value, &present, err))
		return false;
	json_put_bool(out, "present", present);
	return true;
}

static void answer(struct program *p, struct str text)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *json = NULL;
	AUTO(json_freep) json_t        *out = json_object();
	struct line                     in = { 0 };
	struct err                      err = { 0 };
	bool                            ok;

	ok = json_read(text, MIB, &json, &err) && json_bind(a, json, fields, ARRAY_LEN(fields), true, &in, &err) &&
	     run(p, a, &in, out, &err);
	json_put_bool(out, "ok", ok);
	if (!ok) {
		json_put_str(out, "class", err_class_name(err.class));
		json_put_str(out, "problem", err.problem);
		json_put_str(out, "text", err.text);
		json_put_str(out, "hint", err.hint);
		json_put_int(out, "retry_after_s", err.retry_after_s);
	}
	printf("%s\n", json_write(a, out));
	fflush(stdout);
}

/* The hook role itself, in this process. DIRECTORY holds hooks.d and gets the scratch directory. */
static bool start_hook_role(struct program *p, const char *directory, struct err *err)
{
	static char        hooks[4096], scratch[4096];
	struct hook_config config = { hooks, scratch };
	struct hook       *hook;
	int                ends[2];

	snprintf(hooks, sizeof(hooks), "%s/hooks.d", directory);
	snprintf(scratch, sizeof(scratch), "%s/deliver", directory);
	if (!hook_new(&config, &hook, err) || !ipc_pair(ends, err))
		return false;
	p->peer = ipc_peer_new("hook role", NULL, NULL, NULL);
	p->hook = hook;
	p->server = ipc_server_new("hook role", 4, hook_handle, hook);
	ipc_server_attach(p->server, HOOK_CHANNEL_WORKER, ends[0]);
	ipc_peer_attach(p->peer, ends[1]);
	return true;
}

static void stop_hook_role(struct program *p)
{
	if (p->hook == NULL)
		return;
	hook_stop(p->hook);
	ipc_peer_free(p->peer);
	ipc_server_free(p->server);
	hook_free(p->hook);
}

int main(int argc, char **argv)
{
	struct program p = { 0 };
	struct err     err = { 0 };
	char          *line = NULL;
	size_t         size = 0;
	ssize_t        len;

	if (!recipes_load(argc > 1 && argv[1][0] != '\0' ? argv[1] : NULL, &p.recipes, &err) ||
	    (argc > 2 && !start_hook_role(&p, argv[2], &err))) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	p.engine = engine_new(p.peer, NULL);
	p.client = http_client_new();
	while ((len = getline(&line, &size, stdin)) > 0)
		answer(&p, str_trim(str_of(line, (size_t)len)));
	free(line);
	http_client_free(p.client);
	engine_free(p.engine);
	recipes_free(p.recipes);
	stop_hook_role(&p);
	return 0;
}
