/*
 * tests/fuzz/keeper_frame.c: any body, as any message, from either side, to an open keeper. Property: a refusal says
 * why and answers nothing; the worker is never answered what only api may ask, nor api what only the worker may; and
 * nothing but OPEN opens a keeper.
 */
#include <assert.h>
#include <unistd.h>

#include "keeper/seal.h"
#include "keeper/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INSTANCE "instance"
#define PROJECT  "project"

static struct keeper *keeper_make(bool open)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char               path[] = "/tmp/reeve-fuzz-XXXXXX", file[64];
	struct keeper_init init;
	struct keeper     *k = NULL;
	struct err         err = { 0 };
	int                fd = -1;

	assert(mkdtemp(path) != NULL);
	snprintf(file, sizeof(file), "%s/seal", path);
	assert(seal_create(file, NULL, &err) && seal_open(file, NULL, &fd, &err));
	unlink(file);
	rmdir(path);
	assert(keeper_init_offline(fd, INSTANCE, PROJECT, 1, a, &init, &err) && keeper_new(fd, &k, &err));
	close(fd);
	if (open) {
		struct buf  b;
		struct call call = { .channel = KEEPER_CHANNEL_WORKER, .fd = -1, .arena = a };

		buf_init(&b, IPC_BODY_MAX);
		buf_init(&call.out, IPC_BODY_MAX);
		wire_put_c(&b, INSTANCE);
		wire_put_str(&b, init.root_wrap);
		call.in = wire_of(buf_str(&b));
		assert(keeper_answer(k, KEEPER_OPEN, &call, &err));
		buf_reset(&b);
		wire_put_c(&b, PROJECT);
		wire_put_u64(&b, 1);
		wire_put_str(&b, init.project_wrap);
		call.in = wire_of(buf_str(&b));
		assert(keeper_answer(k, KEEPER_LOAD_KEY, &call, &err));
		buf_clear(&b);
		buf_clear(&call.out);
	}
	return k;
}

static bool worker_only(uint32_t type)
{
	return type == KEEPER_OPEN || type == KEEPER_LOAD_KEY || type == KEEPER_NEW_PROJECT_KEY ||
	       type == KEEPER_ACCOUNT_KEY_NEW || type == KEEPER_CERT_KEY_NEW ||
	       type == KEEPER_JWS || type == KEEPER_CSR || type == KEEPER_DELIVER || type == KEEPER_WEBHOOK_SIGN ||
	       type == KEEPER_OPEN_CREDENTIAL || type == KEEPER_KEY_CHANGE || type == KEEPER_REVOKE;
}

static bool api_only(uint32_t type)
{
	return type == KEEPER_SEAL || type == KEEPER_TOKEN_NEW || type == KEEPER_AUTHENTICATE ||
	       type == KEEPER_GRANT_LOCAL || type == KEEPER_EXPORT_KEY || type == KEEPER_DEPLOYMENT_MAC;
}

/* First byte: channel (bit 7) and message. The rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keeper *open_keeper, *sealed_keeper;

	if (open_keeper == NULL) {
		open_keeper = keeper_make(true);
		sealed_keeper = keeper_make(false);
	}
	if (size == 0 || size > IPC_BODY_MAX)
		return 0;
	/* RSA keys take seconds and say nothing about parsing. */
	if (size > 1 && data[1] >= KEY_RSA2048 && data[1] < KEY__COUNT)
		return 0;

	AUTO(arena_freep) struct arena *a = arena_new();
	uint32_t    type = IPC_TYPE_FIRST + (data[0] & 0x1fu);
	struct call call = { .channel = data[0] & 0x80 ? KEEPER_CHANNEL_API : KEEPER_CHANNEL_WORKER, .fd = -1, .arena = a };
	struct err  err = { 0 };

	buf_init(&call.out, IPC_BODY_MAX);
	call.in = wire_of(str_of(data + 1, size - 1));
	if (keeper_answer(open_keeper, type, &call, &err)) {
		assert(type < KEEPER__END);
		assert(!(call.channel == KEEPER_CHANNEL_API && worker_only(type)));
		assert(!(call.channel == KEEPER_CHANNEL_WORKER && api_only(type)));
		assert(type != KEEPER_GRANT_LOCAL && type != KEEPER_EXPORT_KEY && type != KEEPER_TOKEN_NEW);
	} else {
		assert(err.class != ERR_NONE && err.text[0] != '\0' && call.out.len == 0);
	}
	buf_reset(&call.out);
	call.in = wire_of(str_of(data + 1, size - 1));
	assert(!keeper_answer(sealed_keeper, type, &call, &err));
	buf_wipe(&call.out);
	return 0;
}
