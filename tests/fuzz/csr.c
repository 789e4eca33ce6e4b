/*
 * tests/fuzz/csr.c: property: a request that csr_parse accepts has 1 to 100 different names, each in its normal form, a
 * key type and its hash; its DER, in base64, reads as the same request. What is refused says why.
 */
#include <assert.h>

#include "base/encode.h"
#include "base/name.h"
#include "crypto/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct csr_info csr, again;
	struct err      err = { 0 };

	if (!csr_parse(a, str_of(data, size), &csr, &err)) {
		assert(err.class == ERR_INPUT && err.text[0] != '\0' && err.problem[0] != '\0');
		return 0;
	}
	assert(csr.names_count >= 1 && csr.names_count <= CSR_NAMES_MAX && csr.der.len <= CSR_DER_MAX && csr.type < KEY__COUNT);
	assert(strlen(csr.spki_sha256) == SHA256_HEX_SIZE - 1);
	for (size_t i = 0; i < csr.names_count; i++) {
		struct identifier id;

		assert(identifier_parse(str_c(csr.names[i]), &id, NULL) && strcmp(id.value, csr.names[i]) == 0);
		for (size_t k = 0; k < i; k++)
			assert(strcmp(csr.names[i], csr.names[k]) != 0);
	}
	assert(csr_parse(a, str_c(b64url_encode(a, csr.der)), &again, &err));
	assert(str_eq(csr.der, again.der) && csr.names_count == again.names_count && csr.type == again.type);
	assert(strcmp(csr.spki_sha256, again.spki_sha256) == 0);
	return 0;
}
