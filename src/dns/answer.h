/*
 * dns/answer.h: one query in, one answer out: what the validation zone says. DESIGN section 7.
 *
 * Purity   no I/O; time, client and snapshot are arguments. The contexts belong to the calling thread.
 * Bounds   UDP answers fit the client's EDNS size, at most 1232 bytes (512 without EDNS), else TC and nothing.
 */
#ifndef REEVE_DNS_ANSWER_H
#define REEVE_DNS_ANSWER_H

#include "dns/cookie.h"
#include "dns/limit.h"
#include "dns/zone.h"

#define DNS_ANSWER_MAX 16384u /* the largest answer: DNS_VALUES_MAX values */

struct dns_asked {
	struct dns_address client;
	bool               tcp;
	int64_t            now_ms; /* wall time */
};
struct dns_answerer {
	struct dns_cookie *cookie;
	struct dns_limit  *limit; /* NULL: no limit */
	bool               limit_loopback;
};
struct dns_noted {
	const struct dns_node *node; /* live values were sent in this answer; NULL: none */
	struct dns_name        name;
	bool                   limited;
};

/* The length of the answer; 0: send nothing. `max` is at least 512. */
size_t dns_answer(struct dns_answerer *with, const struct dns_zones *zones, struct str query,
                  const struct dns_asked *asked, uint8_t *ret, size_t max,
                  struct dns_noted *ret_noted);

#endif
