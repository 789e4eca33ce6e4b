/* The answer to a request does not depend on how the stream was cut; its body keeps the bound. */
#include <assert.h>
#include <string.h>

#include "cli/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(cli_answer_clear) struct cli_answer whole;
	AUTO(cli_answer_clear) struct cli_answer cut;
	struct err err = { 0 };
	bool       whole_ok, cut_ok = true;

	cli_answer_init(&whole);
	cli_answer_init(&cut);
	whole_ok = cli_answer_feed(&whole, str_of(data, size), &err) && cli_answer_end(&whole, &err);
	assert(whole_ok || err.text[0] != '\0');
	for (size_t i = 0; i < size && cut_ok; i++)
		cut_ok = cli_answer_feed(&cut, str_of(data + i, 1), NULL);
	cut_ok = cut_ok && cli_answer_end(&cut, NULL);
	assert(whole_ok == cut_ok);
	assert(whole.body.len <= CLI_ANSWER_MAX);
	if (!whole_ok)
		return 0;
	assert(whole.status == cut.status && whole.status >= 200 && whole.status <= 599 && whole.problem == cut.problem);
	assert(strcmp(whole.etag, cut.etag) == 0 && strcmp(whole.certificate, cut.certificate) == 0 && whole.version == cut.version);
	assert(str_eq(buf_str(&whole.body), buf_str(&cut.body)));
	return 0;
}
