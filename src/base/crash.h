/*
 * base/crash.h: the places where the crash test kills the process, compiled in, armed by the environment.
 *
 * Use      CRASH_POINT(NAME) before and after every durable commit and every external effect. `reeve
 *          crash-points` lists them all; the crash test kills at each and fails for one never reached.
 * Arming   REEVE_CRASH_AT=<name> kills the process with SIGKILL the first time it comes there; the file
 *          REEVE_CRASH_ONCE is created first (O_EXCL) and no kill happens when it exists, so that the
 *          restarted role lives. REEVE_CRASH_TRACE=<file> appends each name reached (once per process).
 *          With REEVE_CRASH_ALL set, the whole process group dies.
 */
#ifndef REEVE_BASE_CRASH_H
#define REEVE_BASE_CRASH_H

#include <stddef.h>

#define CRASH_POINTS(X)                                                                            \
	X(KEY_COMMIT_BEFORE, "order.key.commit-before")                                            \
	X(KEY_COMMIT_AFTER, "order.key.commit-after")                                              \
	X(ACCOUNT_KEY_COMMIT_BEFORE, "account.key.commit-before")                                  \
	X(ACCOUNT_KEY_COMMIT_AFTER, "account.key.commit-after")                                    \
	X(ACCOUNT_SENT, "account.register.sent")                                                   \
	X(ACCOUNT_COMMIT_BEFORE, "account.register.commit-before")                                 \
	X(ACCOUNT_COMMIT_AFTER, "account.register.commit-after")                                   \
	X(NEW_ORDER_INTENT_BEFORE, "order.new-order.intent-before")                                \
	X(NEW_ORDER_INTENT_AFTER, "order.new-order.intent-after")                                  \
	X(NEW_ORDER_SENT, "order.new-order.sent")                                                  \
	X(NEW_ORDER_COMMIT_AFTER, "order.new-order.commit-after")                                  \
	X(PUBLISH_INTENT_BEFORE, "authorization.publish.intent-before")                            \
	X(PUBLISH_INTENT_AFTER, "authorization.publish.intent-after")                              \
	X(PUBLISH_DONE, "authorization.publish.done")                                              \
	X(PUBLISH_COMMIT_AFTER, "authorization.publish.commit-after")                              \
	X(RESPOND_INTENT_BEFORE, "authorization.respond.intent-before")                            \
	X(RESPOND_INTENT_AFTER, "authorization.respond.intent-after")                              \
	X(RESPOND_SENT, "authorization.respond.sent")                                              \
	X(RESPOND_COMMIT_AFTER, "authorization.respond.commit-after")                              \
	X(AWAIT_COMMIT_BEFORE, "order.await.commit-before")                                        \
	X(AWAIT_COMMIT_AFTER, "order.await.commit-after")                                          \
	X(FINALIZE_INTENT_BEFORE, "order.finalize.intent-before")                                  \
	X(FINALIZE_INTENT_AFTER, "order.finalize.intent-after")                                    \
	X(FINALIZE_SENT, "order.finalize.sent")                                                    \
	X(FINALIZE_COMMIT_AFTER, "order.finalize.commit-after")                                    \
	X(DOWNLOAD_COMMIT_BEFORE, "order.download.commit-before")                                  \
	X(DOWNLOAD_COMMIT_AFTER, "order.download.commit-after")                                    \
	X(STORE_COMMIT_BEFORE, "order.store.commit-before")                                        \
	X(STORE_COMMIT_AFTER, "order.store.commit-after")                                          \
	X(CLEANUP_INTENT_AFTER, "cleanup.remove.intent-after")                                     \
	X(CLEANUP_DONE, "cleanup.remove.done")                                                     \
	X(CLEANUP_COMMIT_AFTER, "cleanup.remove.commit-after")                                     \
	X(EDIT_COMMIT_BEFORE, "certificate.edit.commit-before")                                    \
	X(EDIT_COMMIT_AFTER, "certificate.edit.commit-after")                                      \
	X(FAILOVER_COMMIT_BEFORE, "fail-over.watch.commit-before")                                 \
	X(FAILOVER_COMMIT_AFTER, "fail-over.watch.commit-after")                                   \
	X(RENEWAL_COMMIT_BEFORE, "renewal-info.look.commit-before")                                \
	X(RENEWAL_COMMIT_AFTER, "renewal-info.look.commit-after")                                  \
	X(DELIVER_INTENT_BEFORE, "deployment.deliver.intent-before")                               \
	X(DELIVER_INTENT_AFTER, "deployment.deliver.intent-after")                                 \
	X(FILES_SWITCH_BEFORE, "deployment.files.switch-before")                                   \
	X(FILES_SWITCH_AFTER, "deployment.files.switch-after")                                     \
	X(DELIVER_DONE, "deployment.deliver.done")                                                 \
	X(DELIVER_COMMIT_AFTER, "deployment.deliver.commit-after")                                 \
	X(PROBE_COMMIT_BEFORE, "deployment.probe.commit-before")                                   \
	X(PROBE_COMMIT_AFTER, "deployment.probe.commit-after")                                     \
	X(NOTIFY_INTENT_BEFORE, "notification.send.intent-before")                                 \
	X(NOTIFY_INTENT_AFTER, "notification.send.intent-after")                                   \
	X(NOTIFY_DONE, "notification.send.done")                                                   \
	X(NOTIFY_COMMIT_AFTER, "notification.send.commit-after")                                   \
	X(OPERATION_KEY_COMMIT_BEFORE, "operation.prepare.commit-before")                          \
	X(OPERATION_KEY_COMMIT_AFTER, "operation.prepare.commit-after")                            \
	X(OPERATION_INTENT_BEFORE, "operation.send.intent-before")                                 \
	X(OPERATION_INTENT_AFTER, "operation.send.intent-after")                                   \
	X(OPERATION_SENT, "operation.send.sent")                                                   \
	X(OPERATION_COMMIT_AFTER, "operation.send.commit-after")

enum crash_point {
#define X(id, name) CRASH_##id,
	CRASH_POINTS(X)
#undef X
	CRASH__COUNT
};

void        crash_init(void); /* read the environment; before any thread starts */
void        crash_reached(enum crash_point point);
const char *crash_point_name(enum crash_point point);

#define CRASH_POINT(id) crash_reached(CRASH_##id)

#endif
