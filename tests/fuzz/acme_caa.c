/*
 * tests/fuzz/acme_caa.c: CAA rdata as strangers publish it. Property: what is accepted prints and reads as one record; the
 * line Reeve prints for an order allows that order; a record of nobody (";") beside others never allows more.
 */
#include <assert.h>

#include "acme/caa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ours[] = { "ca.example" };
	struct acme_caa_order    order = { ours, 1, "https://ca.example/acct/1", size % 2 == 1 };
	struct arena            *a = arena_new();
	struct acme_caa          set[3];
	struct err               err = { 0 };
	bool                     alone, with_nobody;

	if (acme_caa_parse(a, str_of((const char *)data, size), &set[0], &err)) {
		assert(set[0].tag[0] != '\0' && acme_caa_text(a, &set[0])[0] != '\0');
		alone = acme_caa_allows(a, set, 1, &order, "x.example", "example", &err);
		assert(alone || (err.problem[0] != '\0' && err.hint[0] != '\0'));
		set[1] = (struct acme_caa){ 0, set[0].tag, ";" };
		with_nobody = acme_caa_allows(a, set, 2, &order, "x.example", "example", &err);
		assert(alone || !with_nobody);
		/* Ours beside it allows, unless something critical stands in the way. */
		set[1] = (struct acme_caa){ 0, "issue", "ca.example; validationmethods=dns-01; accounturi=https://ca.example/acct/1" };
		set[2] = (struct acme_caa){ 0, "issuewild", set[1].value };
		err = (struct err){ 0 };
		assert(acme_caa_allows(a, set, 3, &order, "x.example", "example", &err) || strstr(err.text, "critical") != NULL);
	}
	arena_free(a);
	return 0;
}
