/* provider/credentials.c: see credentials.h. What is read was sealed by us: anything else about it means that it is not ours. */
#include "provider/credentials.h"

#include "base/wire.h"
#include "crypto/secret.h"

bool credentials_write(const struct recipe *recipe, const struct engine_credential *list, size_t count, struct buf *ret,
                       struct err *err)
{
	wire_put_u32(ret, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct recipe_credential *known = recipe_credential_find(recipe, list[i].name);

		wire_put_c(ret, known != NULL ? known->name : list[i].name);
		wire_put_c(ret, list[i].value);
	}
	if (ret->failed || ret->len > CREDENTIALS_SIZE_MAX || count > CREDENTIALS_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "the credentials are larger than %u bytes", CREDENTIALS_SIZE_MAX);
	return true;
}

bool credentials_read(struct arena *a, struct str bytes, struct engine_credential **ret, size_t *ret_count, struct err *err)
{
	struct wire               w = wire_of(bytes);
	uint32_t                  count = wire_get_u32(&w);
	struct engine_credential *list;

	if (count > CREDENTIALS_MAX)
		return err_problem(err, ERR_PERMANENT, "tampered", "sealed credentials cannot be read");
	list = arena_alloc_array(a, count + 1, sizeof(*list));
	for (uint32_t i = 0; i < count; i++) {
		list[i].name = wire_get_c(&w, a);
		list[i].value = wire_get_c(&w, a);
	}
	if (!wire_done(&w, NULL)) {
		credentials_wipe(list, count);
		return err_problem(err, ERR_PERMANENT, "tampered", "sealed credentials cannot be read");
	}
	*ret = list;
	*ret_count = count;
	return true;
}

void credentials_wipe(struct engine_credential *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].value != NULL)
			wipe((void *)(uintptr_t)list[i].value, strlen(list[i].value));
}
