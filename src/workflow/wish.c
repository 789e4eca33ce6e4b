/*
 * workflow/wish.c: see the header. Whether a CA can do what is wished is asked where the wish is used.
 */
#include "workflow/wish.h"

#define WISH_MAX 128

const struct acme_preset *authority_preset(const struct authority *x)
{
	const struct acme_preset *by_name = x->preset != NULL && x->preset[0] != '\0' ? acme_preset_find(x->preset, NULL) : NULL;

	return by_name != NULL ? by_name : acme_preset_of_url(x->directory_url, NULL);
}

bool chain_wish_check(const char *wish, struct err *err)
{
	size_t len = strlen(wish);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)wish[i] < ' ' || wish[i] == 0x7f)
			return err_problem(err, ERR_INPUT, "invalid-request", "the name of a chain's root has a control character");
	if (len > WISH_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "the name of a chain's root is longer than %d bytes", WISH_MAX);
	return true;
}
