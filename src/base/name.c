/*
 * base/name.c: normalising names. What is ASCII already is checked by our own rules alone; libidn2 sees names with
 * other characters, and A-labels, which must be what their U-label would give again. Both ways end in the same check,
 * so a name that was accepted once is accepted again and stays as it is.
 */
#include "base/name.h"

#include <idn2.h>

#define TEXT_MAX       1024u /* in UTF-8: more than 253 bytes of A-labels can hold */
#define NAME_BYTES_MAX 253u
#define LABEL_MAX      63u

#define IDN_FLAGS (IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL)

static bool refuse(struct err *err, struct str text, const char *reason)
{
	struct str shown = str_of(text.ptr, text.len < 80 ? text.len : 80);

	return err_problem(err, ERR_INPUT, "invalid-name", "\"%.*s%s\" is not a domain name: %s",
	                   STR_ARG(shown), shown.len < text.len ? "…" : "", reason);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* A reason, or NULL when the label is fine. RFC 5890 2.3.1: LDH labels; reserved ones only as A-labels. */
static const char *label_fault(struct str label, bool owner)
{
	if (label.len == 0)
		return "a label is empty";
	if (label.len > LABEL_MAX)
		return "a label is over 63 bytes";
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];

		if (!is_alnum(c) && c != '-' && !(owner && c == '_'))
			return c == '_' ? "underscores are for DNS owner names only"
			                : "only letters, digits and hyphens may be in a label";
	}
	if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return "a label begins or ends with a hyphen";
	/* What the CA/Browser Forum calls reserved LDH labels; CAs refuse them. An owner name is no identifier. */
	if (!owner && label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-' &&
	    !str_starts(label, STR("xn--")))
		return "hyphens at the third and fourth place are reserved";
	return NULL;
}

/* `name` is ASCII and lower case. */
static const char *name_fault(const char *name, bool owner)
{
	struct str rest = str_c(name), label = { 0 };
	bool       digits = true;

	if (rest.len == 0)
		return "it is empty";
	if (rest.len > NAME_BYTES_MAX)
		return "it is over 253 bytes";
	if (rest.ptr[rest.len - 1] == '.')
		return "it ends in a dot";
	while (str_next(&rest, '.', &label)) {
		const char *fault = label_fault(label, owner);

		if (fault != NULL)
			return fault;
	}
	for (size_t i = 0; i < label.len; i++)
		digits = digits && label.ptr[i] >= '0' && label.ptr[i] <= '9';
	return digits ? "the last label is a number; an IP address is not a name" : NULL;
}

static bool has_a_label(const char *name)
{
	struct str rest = str_c(name), label;

	while (str_next(&rest, '.', &label)) {
		if (str_starts(label, STR("xn--")))
			return true;
	}
	return false;
}

/* libidn2's form of `in`; false with its reason. */
static bool to_ascii(const char *in, char ret[static NAME_SIZE], const char **ret_fault)
{
	uint8_t *out = NULL;
	int      rc = idn2_lookup_u8((const uint8_t *)in, &out, IDN_FLAGS);
	size_t   len;

	if (rc != IDN2_OK) {
		*ret_fault = idn2_strerror(rc);
		return false;
	}
	len = strlen((const char *)out);
	if (len < NAME_SIZE)
		memcpy(ret, out, len + 1);
	idn2_free(out);
	*ret_fault = "it is over 253 bytes";
	return len < NAME_SIZE;
}

static bool normalise(struct str whole, struct str text, bool owner, char ret[static NAME_SIZE],
                      struct err *err)
{
	char        in[TEXT_MAX + 1], name[NAME_SIZE], again[NAME_SIZE];
	const char *fault;

	if (text.len > TEXT_MAX)
		return refuse(err, whole, "it is too long");
	if (str_has_nul(text))
		return refuse(err, whole, "it has a NUL inside");
	if (text.len > 0)
		memcpy(in, text.ptr, text.len);
	in[text.len] = '\0';
	if (!is_ascii(text)) {
		if (!to_ascii(in, name, &fault))
			return refuse(err, whole, fault);
	} else {
		if (text.len > NAME_BYTES_MAX)
			return refuse(err, whole, "it is over 253 bytes");
		memcpy(name, in, text.len + 1);
	}
	str_lower(name);
	fault = name_fault(name, owner);
	if (fault != NULL)
		return refuse(err, whole, fault);
	/* Owner names may be anybody's: whether their A-labels make sense is for their zone to know. */
	if (!owner && has_a_label(name)) {
		if (!to_ascii(name, again, &fault))
			return refuse(err, whole, fault);
		if (strcmp(name, again) != 0)
			return refuse(err, whole, "an A-label is not the form its characters give");
	}
	memcpy(ret, name, strlen(name) + 1);
	return true;
}

bool identifier_parse(struct str text, struct identifier *ret, struct err *err)
{
	bool       wildcard = str_starts(text, STR("*."));
	struct str base = wildcard ? str_of(text.ptr + 2, text.len - 2) : text;
	char       name[NAME_SIZE];

	if (!normalise(text, base, false, name, err))
		return false;
	if (wildcard && strchr(name, '.') == NULL)
		return refuse(err, text, "a wildcard needs at least two labels behind it");
	if (wildcard && strlen(name) + 2 > NAME_BYTES_MAX)
		return refuse(err, text, "it is over 253 bytes");
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->value, sizeof(ret->value), "%s%s", wildcard ? "*." : "", name);
	ret->wildcard = wildcard;
	return true;
}

const char *identifier_base(const struct identifier *id)
{
	return id->wildcard ? id->value + 2 : id->value;
}

bool identifier_covers(const struct identifier *wild, const struct identifier *name)
{
	const char *dot = strchr(name->value, '.');

	return wild->wildcard && !name->wildcard && dot != NULL && strcmp(dot + 1, identifier_base(wild)) == 0;
}

bool owner_parse(struct str text, char ret[static NAME_SIZE], struct err *err)
{
	struct str name = text;

	if (name.len > 1 && name.ptr[name.len - 1] == '.')
		name.len--;
	return normalise(text, name, true, ret, err);
}

bool name_in_zone(const char *name, const char *zone)
{
	size_t name_len = strlen(name), zone_len = strlen(zone);

	if (zone_len == 0 || name_len < zone_len || strcmp(name + (name_len - zone_len), zone) != 0)
		return false;
	return name_len == zone_len || name[name_len - zone_len - 1] == '.';
}

bool name_challenge(const char *name, char ret[static NAME_SIZE])
{
	static const char prefix[] = "_acme-challenge.";

	if (strlen(prefix) + strlen(name) > NAME_BYTES_MAX)
		return false;
	snprintf(ret, NAME_SIZE, "%s%s", prefix, name);
	return true;
}
