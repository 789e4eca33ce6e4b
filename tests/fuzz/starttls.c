/*
 * tests/fuzz/starttls.c: whatever a server says before TLS, the dialog ends within its bounds, says only its own words, and
 * begins TLS only after it has said all of them. The first byte chooses the protocol.
 */
#include <assert.h>

#include "net/starttls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned  needed[STARTTLS__COUNT] = { [STARTTLS_SMTP] = 2, [STARTTLS_IMAP] = 1, [STARTTLS_POSTGRESQL] = 1 };
	struct starttls_dialog d;
	struct err             err = { 0 };
	unsigned               said = 0;
	size_t                 at = 1;

	if (size == 0)
		return 0;
	starttls_begin(&d, (enum starttls)(data[0] % STARTTLS__COUNT));
	while (d.state == STARTTLS_SAY || (d.state == STARTTLS_LISTEN && at < size)) {
		if (d.state == STARTTLS_SAY) {
			struct str s = starttls_say(&d);

			assert(s.len > 0 && s.len < 64);
			said++;
		} else {
			starttls_take(&d, (char)data[at++], &err);
		}
		assert(d.len <= STARTTLS_LINE_MAX && d.total <= STARTTLS_BYTES_MAX + 1 && said <= needed[d.protocol]);
	}
	if (d.state == STARTTLS_GO)
		assert(said == needed[d.protocol]);
	if (d.state == STARTTLS_FAILED)
		assert(err.class == ERR_TEMPORARY && err.text[0] != '\0');
	return 0;
}
