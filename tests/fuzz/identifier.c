/* Fuzz target: a name that was accepted is normal: accepted again, and unchanged. */
#include <assert.h>

#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str        text = str_of(data, size);
	struct identifier id, again;
	struct err        err = { 0 };
	char              owner[NAME_SIZE], owner_again[NAME_SIZE];

	if (owner_parse(text, owner, NULL)) {
		assert(owner_parse(str_c(owner), owner_again, NULL));
		assert(strcmp(owner, owner_again) == 0);
		assert(strlen(owner) >= 1 && strlen(owner) <= 253);
	}
	if (!identifier_parse(text, &id, &err)) {
		assert(err.class == ERR_INPUT && err.text[0] != '\0');
		return 0;
	}
	assert(identifier_parse(str_c(id.value), &again, NULL));
	assert(strcmp(id.value, again.value) == 0 && id.wildcard == again.wildcard);
	assert(strlen(id.value) <= 253);
	assert(strspn(id.value + (id.wildcard ? 2 : 0), "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
	       strlen(identifier_base(&id)));
	/* Every identifier's base is an owner name too, and stays what it is. */
	assert(owner_parse(str_c(identifier_base(&id)), owner, NULL));
	assert(strcmp(owner, identifier_base(&id)) == 0);
	return 0;
}
