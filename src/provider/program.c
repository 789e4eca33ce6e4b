/* provider/program.c: the frames of program.h, and the side that asks. */
#include "provider/program.h"

#include "base/wire.h"

#define START_MS 10000u /* beyond the program's own time */

/* What a loader, a shell or an interpreter reads before the program has its say. */
static const char *const refused[] = { "LD_", "GLIBC_", "MALLOC_", "BASH", "ENV=", "IFS=", "SHELLOPTS", "PS4=", "PATH=", "PYTHON", "PERL",
	                               "RUBY", "NODE_", "GCONV_", "REEVE_" };

bool program_variable_check(const char *variable, struct err *err)
{
	size_t name = strspn(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (name == 0 || variable[name] != '=' || (variable[0] >= '0' && variable[0] <= '9'))
		return err_problem(err, ERR_INPUT, "invalid-request", "a line of the environment is not NAME=value");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_starts(str_c(variable), str_c(refused[i])))
			return err_problem(err, ERR_INPUT, "invalid-request", "the variable %.*s cannot be given to a program", (int)name, variable);
	return true;
}

bool program_text_add(struct program_texts *texts, const char *text, struct err *err)
{
	if (texts->count == PROGRAM_TEXTS_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "a program gets at most %u arguments and variables", PROGRAM_TEXTS_MAX);
	texts->items[texts->count++] = text;
	return true;
}

static void texts_write(struct buf *b, const struct program_texts *texts)
{
	wire_put_u32(b, (uint32_t)texts->count);
	for (size_t i = 0; i < texts->count; i++)
		wire_put_c(b, texts->items[i]);
}

static void texts_read(struct wire *w, struct arena *a, struct program_texts *ret)
{
	uint32_t count = wire_get_u32(w);

	*ret = (struct program_texts){ .count = 0 };
	if (count > PROGRAM_TEXTS_MAX)
		w->failed = true;
	for (uint32_t i = 0; i < count && !w->failed; i++)
		ret->items[ret->count++] = wire_get_c(w, a);
}

void program_order_write(struct buf *b, const struct program_order *order)
{
	wire_put_c(b, order->name);
	texts_write(b, &order->arguments);
	texts_write(b, &order->environment);
	wire_put_u32(b, order->timeout_s);
}

bool program_order_read(struct arena *a, struct str body, struct program_order *ret, struct err *err)
{
	struct wire          w = wire_of(body);
	struct program_order o = { .name = wire_get_c(&w, a) };

	texts_read(&w, a, &o.arguments);
	texts_read(&w, a, &o.environment);
	o.timeout_s = wire_get_u32(&w);
	if (!wire_done(&w, err))
		return err_in(err, "program");
	if (o.name[0] == '\0' || o.name[0] == '.' || strchr(o.name, '/') != NULL || o.timeout_s < 1 || o.timeout_s > PROGRAM_TIMEOUT_MAX_S)
		return err_set(err, ERR_INPUT, "not a program");
	for (size_t i = 0; i < o.environment.count; i++)
		if (!program_variable_check(o.environment.items[i], err))
			return false;
	*ret = o;
	return true;
}

void program_result_write(struct buf *b, const struct program_result *r)
{
	wire_put_bool(b, r->done);
	wire_put_u8(b, (uint8_t)r->cause.class);
	wire_put_c(b, r->cause.problem);
	wire_put_c(b, r->cause.text);
	wire_put_c(b, r->cause.hint);
	wire_put_c(b, r->output);
}

bool program_result_read(struct arena *a, struct str body, struct program_result *ret, struct err *err)
{
	struct wire           w = wire_of(body);
	struct program_result r = { .done = wire_get_bool(&w) };
	unsigned              class = wire_get_u8(&w);
	const char           *problem = wire_get_c(&w, a), *text = wire_get_c(&w, a), *hint = wire_get_c(&w, a);

	r.output = wire_get_c(&w, a);
	if (!wire_done(&w, err) || class >= ERR__COUNT || r.done != (class == ERR_NONE))
		return err_problem(err, ERR_PERMANENT, "internal", "the outcome of a program cannot be read");
	if (!r.done) {
		err_problem(&r.cause, (enum err_class)class, problem, "%s", text);
		err_hint(&r.cause, "%s", hint);
	}
	*ret = r;
	return true;
}

bool program_run(struct ipc_peer *hook, struct arena *a, const struct program_order *order, struct program_result *ret, struct err *err)
{
	struct str answer;
	struct buf b;
	bool       ok;

	if (hook == NULL)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "there is nobody to run programs");
	buf_init(&b, IPC_BODY_MAX);
	program_order_write(&b, order);
	ok = !b.failed ? ipc_peer_call(hook, PROGRAM_RUN, buf_str(&b), -1, order->timeout_s * 1000 + START_MS, a, &answer, err)
	               : err_problem(err, ERR_INPUT, "too-large", "the arguments and variables of a program are too long");
	buf_wipe(&b);
	if (!ok || !program_result_read(a, answer, ret, err))
		return false;
	if (!ret->done && err != NULL)
		*err = ret->cause;
	return ret->done;
}
