/*
 * workflow/steps.c: the life of a certificate, as a table. engine.c is the only code that moves a job along it.
 *
 *   order          key -> preflight -> admit -> account -> new-order -> authorizations -> await -> finalize
 *                  -> download -> verify -> store -> issued
 *   authorization  fetch -> route -> publish -> visible -> respond -> settled     (one job each, in parallel)
 *   account        key -> register -> registered        (made by the first order that needs it)
 *   cleanup        remove, again and again -> clean     (made when the first authorization of an order is final)
 *   reaper         reap, for ever                       (one job: no value is left without a cleanup)
 *   delegation-check   look, again and again, until the delegation is removed
 *   renewal-info       look, again and again            (made with the first version; places the next order)
 *   fail-over      watch                          (beside an order whose certificate names a second authority)
 *   notification   send, again and again, until the notifier is removed
 *   deployment     deliver -> probe -> delivered, or -> roll-back -> delivered  (one job per delivery of a version)
 *   connection-check   look, again and again, until the connection is removed
 *   operation      prepare -> send -> operated          (an account or a revocation; see operation.h)
 *
 * A pure step has no effect outside, so its move is written with the next one's commit. attempts_max 0 never gives
 * up: a removal is owed until it is done, and a missing delegation record waits for a person. await and download count
 * their polls as attempts too, at most 60 of them, so they have more.
 */
#include "workflow/steps.h"

#define NO_CRASH CRASH__COUNT, CRASH__COUNT

const struct step steps[STEP__COUNT] = {
	/*                          kind             name              run                    next                 tries  pure */
	[STEP_KEY]              = { "order",         "key",            run_key,               STEP_PREFLIGHT,      20, false,
	                            CRASH_KEY_COMMIT_BEFORE, CRASH_KEY_COMMIT_AFTER },
	[STEP_PREFLIGHT]        = { "order",         "preflight",      run_preflight,         STEP_ADMIT,          0,  true,  NO_CRASH },
	[STEP_ADMIT]            = { "order",         "admit",          run_admit,             STEP_ACCOUNT,        0,  true,  NO_CRASH },
	[STEP_ACCOUNT]          = { "order",         "account",        run_account,           STEP_NEW_ORDER,      0,  true,  NO_CRASH },
	[STEP_NEW_ORDER]        = { "order",         "new-order",      run_new_order,         STEP_AUTHORIZATIONS, 20, false,
	                            CRASH_NEW_ORDER_SENT, CRASH_NEW_ORDER_COMMIT_AFTER },
	[STEP_AUTHORIZATIONS]   = { "order",         "authorizations", run_authorizations,    STEP_AWAIT,          0,  true,  NO_CRASH },
	[STEP_AWAIT]            = { "order",         "await",          run_await,             STEP_FINALIZE,       80, false,
	                            CRASH_AWAIT_COMMIT_BEFORE, CRASH_AWAIT_COMMIT_AFTER },
	[STEP_FINALIZE]         = { "order",         "finalize",       run_finalize,          STEP_DOWNLOAD,       20, false,
	                            CRASH_FINALIZE_SENT, CRASH_FINALIZE_COMMIT_AFTER },
	[STEP_DOWNLOAD]         = { "order",         "download",       run_download,          STEP_VERIFY,         80, false,
	                            CRASH_DOWNLOAD_COMMIT_BEFORE, CRASH_DOWNLOAD_COMMIT_AFTER },
	[STEP_VERIFY]           = { "order",         "verify",         run_verify,            STEP_STORE,          20, true,  NO_CRASH },
	[STEP_STORE]            = { "order",         "store",          run_store,             STEP_ISSUED,         20, false,
	                            CRASH_STORE_COMMIT_BEFORE, CRASH_STORE_COMMIT_AFTER },
	[STEP_ISSUED]           = { .kind = "order", .name = "issued" },

	[STEP_FETCH]            = { "authorization", "fetch",          run_fetch,             STEP_ROUTE,          20, true,  NO_CRASH },
	[STEP_ROUTE]            = { "authorization", "route",          run_route,             STEP_PUBLISH,        20, true,  NO_CRASH },
	[STEP_PUBLISH]          = { "authorization", "publish",        run_publish,           STEP_VISIBLE,        20, false,
	                            CRASH_PUBLISH_DONE, CRASH_PUBLISH_COMMIT_AFTER },
	/* Its commit is the intent of `respond`. */
	[STEP_VISIBLE]          = { "authorization", "visible",        run_visible,           STEP_RESPOND,        20, false,
	                            CRASH_RESPOND_INTENT_BEFORE, CRASH_RESPOND_INTENT_AFTER },
	[STEP_RESPOND]          = { "authorization", "respond",        run_respond,           STEP_SETTLED,        20, false,
	                            CRASH_RESPOND_SENT, CRASH_RESPOND_COMMIT_AFTER },
	[STEP_SETTLED]          = { .kind = "authorization", .name = "settled" },

	[STEP_ACCOUNT_KEY]      = { "account",       "key",            run_account_key,       STEP_ACCOUNT_REGISTER, 20, false,
	                            CRASH_ACCOUNT_KEY_COMMIT_BEFORE, CRASH_ACCOUNT_KEY_COMMIT_AFTER },
	[STEP_ACCOUNT_REGISTER] = { "account",       "register",       run_account_register,  STEP_REGISTERED,     20, false,
	                            CRASH_ACCOUNT_COMMIT_BEFORE, CRASH_ACCOUNT_COMMIT_AFTER },
	[STEP_REGISTERED]       = { .kind = "account", .name = "registered" },

	[STEP_REMOVE]           = { "cleanup",       "remove",         run_remove,            STEP_CLEAN,          0,  false,
	                            CRASH_CLEANUP_DONE, CRASH_CLEANUP_COMMIT_AFTER },
	[STEP_CLEAN]            = { .kind = "cleanup", .name = "clean" },
	[STEP_REAP]             = { "reaper",        "reap",           run_reap,              STEP_REAP,           0,  false, NO_CRASH },

	[STEP_LOOK]             = { "delegation-check", "look",        run_look,              STEP_LOOK,           0,  false, NO_CRASH },
	[STEP_LOOKED]           = { .kind = "delegation-check", .name = "removed" },

	[STEP_RENEWAL_LOOK]     = { "renewal-info",  "look",           run_renewal_look,      STEP_RENEWAL_LOOK,   0,  false,
	                            CRASH_RENEWAL_COMMIT_BEFORE, CRASH_RENEWAL_COMMIT_AFTER },
	[STEP_DELIVER]          = { "deployment",    "deliver",        run_deliver,           STEP_PROBE,          0,  false,
	                            CRASH_DELIVER_DONE, CRASH_DELIVER_COMMIT_AFTER },
	[STEP_PROBE]            = { "deployment",    "probe",          run_probe,             STEP_DELIVERED,      0,  false,
	                            CRASH_PROBE_COMMIT_BEFORE, CRASH_PROBE_COMMIT_AFTER },
	/* Does what `deliver` does, with an older version: its effects have that one's crash points. */
	[STEP_ROLL_BACK]        = { "deployment",    "roll-back",      run_roll_back,         STEP_DELIVERED,      0,  false, NO_CRASH },
	[STEP_DELIVERED]        = { .kind = "deployment", .name = "delivered" },

	[STEP_FAILOVER_WATCH]   = { "fail-over",     "watch",          run_failover_watch,    STEP_FAILOVER_OVER,  0,  false,
	                            CRASH_FAILOVER_COMMIT_BEFORE, CRASH_FAILOVER_COMMIT_AFTER },
	[STEP_FAILOVER_OVER]    = { .kind = "fail-over", .name = "over" },
	[STEP_CONNECTION_LOOK]  = { "connection-check", "look",        run_connection_look,   STEP_CONNECTION_LOOK, 0, false, NO_CRASH },
	[STEP_CONNECTION_LOOKED] = { .kind = "connection-check", .name = "removed" },

	[STEP_NOTIFY]           = { "notification",  "send",           run_notify,            STEP_NOTIFIED,       0,  false,
	                            CRASH_NOTIFY_DONE, CRASH_NOTIFY_COMMIT_AFTER },
	[STEP_NOTIFIED]         = { .kind = "notification", .name = "removed" },

	[STEP_OPERATION_PREPARE] = { "operation",    "prepare",        run_operation_prepare, STEP_OPERATION_SEND, 20, false,
	                            CRASH_OPERATION_KEY_COMMIT_BEFORE, CRASH_OPERATION_KEY_COMMIT_AFTER },
	/* Its tries are counted by operation.c. */
	[STEP_OPERATION_SEND]   = { "operation",     "send",           run_operation_send,    STEP_OPERATED,       0,  false,
	                            CRASH_OPERATION_SENT, CRASH_OPERATION_COMMIT_AFTER },
	[STEP_OPERATED]         = { .kind = "operation", .name = "operated" },
};

enum step_id step_find(const char *kind, const char *name)
{
	for (unsigned i = STEP_NONE + 1; i < STEP__COUNT; i++)
		if (strcmp(steps[i].kind, kind) == 0 && strcmp(steps[i].name, name) == 0)
			return (enum step_id)i;
	return STEP_NONE;
}
