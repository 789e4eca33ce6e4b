/*
 * tests/fuzz/chain_pem.c: property: what chain_parse accepts is written and read again as the same chain, and every
 * name in it is printable.
 */
#include <assert.h>

#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct cert_chain chain, again;
	struct str        pem;
	struct err        err = { 0 };

	if (!chain_parse(a, str_of(data, size), &chain, &err)) {
		assert(err.class == ERR_PERMANENT && err.text[0] != '\0');
		return 0;
	}
	assert(chain.count >= 1 && chain.count <= CHAIN_MAX);
	pem = chain_write(a, &chain);
	assert(chain_parse(a, pem, &again, &err));
	assert(again.count == chain.count);
	for (size_t i = 0; i < chain.count; i++) {
		assert(str_eq(chain.certs[i].der, again.certs[i].der));
		for (size_t j = 0; j < chain.certs[i].names_count; j++)
			for (const char *c = chain.certs[i].names[j]; *c != '\0'; c++)
				assert(*c > ' ' && *c <= '~');
	}
	if (!chain_check(&chain, chain.certs[0].spki_sha256, (const char *const *)chain.certs[0].names,
	                 chain.certs[0].names_count, chain.certs[0].not_before_ms, &err))
		assert(err.text[0] != '\0');
	return 0;
}
