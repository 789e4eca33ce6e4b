/*
 * tests/fuzz/caa.c: whatever a zone publishes, a verdict has a reason, an empty set permits, and adding the record that the
 * verdict asks for permits, unless something critical is not understood.
 */
#include <assert.h>

#include "dns/caa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Records as { length, bytes }. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const identities[] = { "ca.example" };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct caa_question q = { identities, 1, "https://ca.example/1", size > 0 && (data[0] & 1) != 0 };
	struct caa_verdict  verdict, again;
	struct str          set[17];
	size_t              count = 0, at = 1;
	char                added[64] = { 0 };

	while (count < 16 && at < size && at + 1 + data[at] <= size) {
		set[count++] = str_of((const char *)data + at + 1, data[at]);
		at += 1 + (size_t)data[at];
	}
	caa_judge(a, set, count, &q, &verdict);
	assert(verdict.text[0] != '\0');
	assert(count > 0 || verdict.permitted);
	if (verdict.record == NULL)
		return 0;
	assert(!verdict.permitted);
	const char *tag = strstr(verdict.record, "issuewild") != NULL ? "issuewild" : "issue";
	added[1] = (char)strlen(tag);
	snprintf(added + 2, sizeof(added) - 2, "%s%s", tag, identities[0]);
	set[count++] = str_of(added, 2 + strlen(added + 2));
	caa_judge(a, set, count, &q, &again);
	assert(again.permitted);
	return 0;
}
