/*
 * workflow/chain.c: see the header. The name is compared as the certificate says it; which roots clients trust is not
 * known here.
 */
#include "workflow/chain.h"

#include <strings.h>

#include "acme/certificate.h"

/* Is a CN of this RFC 2253 text `cn`? What had to be escaped is not compared. */
static bool has_cn(const char *text, const char *cn)
{
	size_t len = strlen(cn);

	for (const char *at = text; (at = strstr(at, "CN=")) != NULL; at += 3) {
		bool begins = at == text || at[-1] == ',' || at[-1] == '+' || at[-1] == ' ';
		char behind = begins && strncasecmp(at + 3, cn, len) == 0 ? at[3 + len] : 'x';

		if (behind == '\0' || behind == ',' || behind == '+')
			return true;
	}
	return false;
}

bool chain_leads_to(const struct cert_chain *chain, const char *root)
{
	const struct cert_info *last = &chain->certs[chain->count - 1];

	return has_cn(last->issuer, root) || (chain->count > 1 && has_cn(last->subject, root));
}

/* The i-th alternate, or false: it cannot be had just now, or is no chain. */
static bool fetch(struct session *s, const char *url, struct cert_chain *ret)
{
	struct err err = { 0 };

	if (session_post(s, ACME_AT_DOWNLOAD, url, STR(""), &err) && chain_parse(s->job->arena, s->response.body, ret, &err))
		return true;
	log_info("order=%s alternate=%s outcome=left cause=\"%s\"", s->job->row.order_id, url, err.text);
	return false;
}

const char *chain_choose(struct session *s, const char *url, const char *wish, struct cert_chain *chain)
{
	const char       *urls[ACME_ALTERNATES_MAX];
	bool              shortest = strcmp(wish, CHAIN_SHORTEST) == 0;
	size_t            count, before = chain->count;
	struct cert_chain other;

	if (wish[0] == '\0' || (!shortest && chain_leads_to(chain, wish)))
		return "";
	count = acme_alternates(s->job->arena, url, s->response.links, s->response.links_count, urls);
	for (size_t i = 0; i < count; i++) {
		if (!fetch(s, urls[i], &other))
			continue;
		/* Another leaf would be another certificate. */
		if (strcmp(other.certs[0].sha256, chain->certs[0].sha256) != 0)
			continue;
		if (!shortest && chain_leads_to(&other, wish)) {
			*chain = other;
			return arena_printf(s->job->arena, "; the chain to %s was chosen of %zu", wish, count + 1);
		}
		if (shortest && other.count < chain->count)
			*chain = other;
	}
	if (shortest)
		return chain->count < before ? "; the shortest chain was chosen" : "";
	return arena_printf(s->job->arena, "; none of the %zu chains offered leads to %s: the CA's own was kept", count + 1, wish);
}
