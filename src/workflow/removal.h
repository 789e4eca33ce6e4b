/*
 * workflow/removal.h: removing one value at its provider, and when a removal that failed is tried again.
 */
#ifndef REEVE_WORKFLOW_REMOVAL_H
#define REEVE_WORKFLOW_REMOVAL_H

#include "provider/provider.h"
#include "store/txt_record.h"

#define REMOVAL_PAUSE_MAX_MS ((int64_t)600 * 1000) /* the back-off ends here: nothing of ours outlives a repaired provider for long */

enum removal {
	REMOVAL_GONE,       /* the provider has it no more */
	REMOVAL_SUPERSEDED, /* the provider removes nothing by design: no call was made */
	REMOVAL_FAILED,     /* err says why */
};

/*
 * Is the value there? *inout stays what it is where the provider has no way to ask: then what is done twice does no harm.
 */
MUST_CHECK bool value_look(const struct provider *provider, const struct provider_context *context,
                           const struct provider_value *value, bool *inout, struct err *err);
/* `again`: a removal may have been sent before, and nobody knows what came of it: look first. */
MUST_CHECK enum removal removal_try(const struct provider *provider, const struct provider_context *context,
                                    const struct provider_value *value, bool again, struct err *err);
/* After one more failure; 0: it has been tried for DEBT_KEEP_MS and is given up. */
int64_t removal_retry_at(const struct txt_record *r, uint32_t retry_after_s, int64_t now);

#endif
